"""The whole way once, with real parts: fault, alert, page, diagnostics, escalation past the
acknowledgement, approval, proof, the end, and a relapse that nobody tells of.

Real Prometheus, Alertmanager, kubectl, mail server and DWCP processes; a compressed clock.
"""

import contextlib
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from playcall.cli.scene import Scene

PLAYBOOK = Path(__file__).parents[2] / "examples/dwcp-v3/playbooks.md"
PLAY = "DWCPv3LatencyP99Critical"
P99 = "histogram_quantile(0.99, sum(rate(dwcp_v3_migration_latency_seconds_bucket[15s])) by (le))"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with contextlib.ExitStack() as stack:
        made = Scene(tmp_path / "scene", PLAYBOOK, 20, stack)
        made.bring_up_range()
        made.start_server()
        yield made


def test_a_fault_is_paged_diagnosed_remedied_proven_and_reported(scene: Scene) -> None:
    scene.fault("inject", "amst-pacing")
    number = scene.wait_for(lambda: _opened(scene), "incident", 90)
    page = f"/incidents/{number}"
    scene.wait_for(lambda: _diagnosed(scene.get(page)), "end of the diagnostics", 60)
    scene.wait_for(lambda: _mails(scene, "ada"), "page", 20)
    assert _query(scene) > 0.5

    scene.post(f"{page}/acknowledge", {})
    # An acknowledgement is not the end: "10 minutes, no resolution" calls the team lead.
    scene.wait_for(lambda: _paged(scene, page, "Team Lead"), "escalation past the ack", 60)
    assert not _paged(scene, page, "On-Call Secondary")
    remedy = next(c for c in scene.get(page)["commands"] if "STREAM_COUNT=16" in c["as_written"])
    assert remedy["run"] is None  # nothing is changed before it is approved
    scene.post(f"{page}/approve", {"command": remedy["id"]})
    scene.wait_for(lambda: scene.get(page)["status"] == "recovered", "recovery", 170)
    assert _query(scene) < 0.5
    scene.post(f"{page}/resolve", {"cause": "streams were paced"})
    scene.wait_for(lambda: _has(scene.get(page), "ReportWritten"), "post-mortem", 30)

    incident = scene.get(page)
    _check_order(incident, scene.get(f"{page}/events"))
    _check_commands(incident, remedy["id"])
    _check_mail(scene, number)
    _check_silence(scene, number, "active")
    _check_report(scene, number, scene.get(f"{page}/events"))
    _relapse(scene, page)


def _relapse(scene: Scene, page: str) -> None:
    """The alert fires again, silenced in Alertmanager, so that no webhook tells of it."""
    scene.fault("inject", "hde-zstd-max")
    scene.wait_for(lambda: _has(scene.get(page), "Reopened"), "re-opening", 80)
    assert not [i for i in scene.get("/incidents") if i["play"] == PLAY and i["id"] != _id(page)]
    scene.fault("heal", "hde-zstd-max")
    scene.post(f"{page}/acknowledge", {})
    scene.wait_for(lambda: scene.get(page)["status"] == "recovered", "second recovery", 170)
    scene.post(f"{page}/resolve", {"cause": "compression was set back"})
    scene.wait_for(lambda: scene.get(page)["status"] == "closed", "second closing", 30)
    incident = scene.get(page)
    assert incident["reopened"] == 1
    kinds = [event["kind"] for event in scene.get(f"{page}/events")]
    again = kinds.index("Reopened")
    assert kinds.index("Resolved") < again
    assert "Recovered" in kinds[again:]
    _check_silence(scene, _id(page), "active", "expired")  # the first one ended with the relapse


def _id(page: str) -> int:
    return int(page.rsplit("/", 1)[1])


def _paged(scene: Scene, page: str, role: str) -> bool:
    events = scene.get(f"{page}/events")
    return any(e["kind"] == "PageDelivered" and e["role"] == role for e in events)


def _opened(scene: Scene) -> int:
    return next((i["id"] for i in scene.get("/incidents") if i["play"] == PLAY), 0)


def _diagnosed(incident: dict[str, Any]) -> bool:
    runs = [c["run"] for c in incident["commands"] if c["run"]]
    return bool(runs) and all(run["ended_at"] for run in runs)


def _has(incident: dict[str, Any], kind: str) -> bool:
    return any(entry["kind"] == kind for entry in incident["timeline"])


def _query(scene: Scene) -> float:
    url = f"{scene.addresses.prometheus}/api/v1/query?query={urllib.parse.quote(P99)}"
    with urllib.request.urlopen(url) as answer:
        return float(json.load(answer)["data"]["result"][0]["value"][1])


def _mails(scene: Scene, person: str) -> list[Path]:
    return sorted(scene.mail.glob(f"*-{person}.eml"))


def _check_order(incident: dict[str, Any], events: list[dict[str, Any]]) -> None:
    """Paged and diagnosed before the acknowledgement; begun before it ended; proven before over."""
    first = {event["kind"]: event["n"] for event in reversed(events)}
    acknowledged = first["Acknowledged"]
    assert first["PageDelivered"] < acknowledged
    looks = [e for e in events if e["kind"] == "CommandFinished" and e["n"] < acknowledged]
    assert len(looks) >= 6
    proofs = [
        e["n"] for e in events if e["kind"] == "MetricRead" and e["judgement"]["verdict"] == "holds"
    ]
    assert acknowledged < first["RunApproved"] < max(proofs) < first["Resolved"]
    assert first["AlertsCleared"] < first["Resolved"] < first["Silenced"] < first["ReportWritten"]
    assert incident["status"] == "closed"


def _check_commands(incident: dict[str, Any], remedy: str) -> None:
    ran = {c["id"]: c["run"] for c in incident["commands"] if c["run"]}
    changes = [c for c in incident["commands"] if c["effect"] == "change" and c["run"]]
    assert [c["id"] for c in changes] == [remedy]
    assert ran[remedy]["status"] == "succeeded"
    assert ran[remedy]["approved_by"] == "ada"
    for command in ("1.1", "2.1", "2.2", "5.1", "5.2"):
        assert ran[command]["status"] == "succeeded", (command, ran[command])


def _check_mail(scene: Scene, number: int) -> None:
    found = [message_from_bytes(p.read_bytes(), policy=default) for p in _mails(scene, "ada")]
    mine = [m for m in found if f"/incidents/{number}" in m.as_string()]
    assert "[CRITICAL]" in mine[0]["Subject"]
    assert PLAY in mine[0]["Subject"]
    assert "[RESOLVED]" in mine[-1]["Subject"]
    assert len({m["References"] for m in mine}) == 1  # one thread for one incident


def _check_silence(scene: Scene, number: int, *states: str) -> None:
    with urllib.request.urlopen(f"{scene.addresses.alertmanager}/api/v2/silences") as answer:
        silences = json.load(answer)
    mine = [s for s in silences if f"incident {number}:" in s["comment"]]
    assert sorted(s["status"]["state"] for s in mine) == list(states)
    assert {"name": "alertname", "value": PLAY, "isRegex": False, "isEqual": True} in mine[0][
        "matchers"
    ]


def _check_report(scene: Scene, number: int, events: list[dict[str, Any]]) -> None:
    report = (scene.reports / f"incident-{number}.md").read_text("utf-8")
    for kind, words in (
        ("Opened", "opened, CRITICAL"),
        ("Acknowledged", "Acknowledged by ada"),
        ("RunApproved", "ada approved"),
        ("Resolved", "Resolved by ada"),
    ):
        at = next(datetime.fromisoformat(e["at"]) for e in events if e["kind"] == kind)
        assert any(
            line.startswith(f"- {at:%H:%M:%S}") and words in line for line in report.splitlines()
        ), (kind, report)
    assert "streams were paced" in report
    assert "kubectl set env deployment/dwcp-v3-amst STREAM_COUNT=16" in report
