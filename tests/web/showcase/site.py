"""The showcase itself: an incident of last week with its post-mortem, one in the middle of its
work, and one whose question waits."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, ViewportSize

from tests.servers import Mailbox, answers, free_port, smtp, wait_for
from tests.web.showcase.surroundings import BEGIN, NIGHT, TOKEN, furnish, monitoring

SLOW, STOPPED = "DWCPv3LatencyP99Critical", "DWCPv3RolloutNoGo"
REMEDY = "3.1"  # of SLOW: more streams
NOW = NIGHT + timedelta(minutes=11)  # when the pictures are taken


@dataclass(kw_only=True)
class Showcase:
    url: str
    mailbox: Mailbox
    _clock: Path
    _client: httpx.Client = field(repr=False)

    @contextlib.contextmanager
    def tab(self, browser: Browser, size: ViewportSize, stranger: bool = False) -> Iterator[Page]:
        """A browser's tab in which Ines is signed in, or nobody."""
        context = browser.new_context(viewport=size, base_url=self.url)
        if not stranger:
            origin = {"origin": self.url}
            context.request.post("/sign-in", form={"token": TOKEN}, headers=origin, max_redirects=0)
        try:
            yield context.new_page()
        finally:
            context.close()

    def at(self, moment: datetime) -> None:
        draft = self._clock.with_suffix(".draft")
        draft.write_text(moment.isoformat(), "utf-8")
        draft.replace(self._clock)

    def ask(self, path: str) -> Any:
        answer = self._client.get(f"/api/v1{path}")
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.json()

    def do(self, path: str, method: str = "POST", **body: object) -> Any:
        answer = self._client.request(method, f"/api/v1{path}", json=body)
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.json() if answer.content else None

    def fire(self, alert: str, since: datetime, status: str = "firing", **labels: str) -> None:
        summary = {
            SLOW: "P99 of migrations is 0.84 s, wanted below 500 ms",
            STOPPED: "two of the three SLAs are broken at once",
        }[alert]
        one = {
            "status": status,
            "labels": {"alertname": alert, "severity": "critical", **labels},
            "annotations": {"summary": summary},
            "startsAt": since.isoformat(),
            "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else NOW.isoformat(),
            "fingerprint": f"{alert[:8].lower()}{since:%d%H%M}",
            "generatorURL": "https://prometheus.example.org/graph",
        }
        body: dict[str, Any] = {"version": "4", "receiver": "r", "groupKey": "g", "alerts": [one]}
        self.do("/alerts/alertmanager", **body)

    def until(self, incident: int, met: Callable[[Any], bool], what: str) -> None:
        def look() -> bool:
            answer = self._client.get(f"/api/v1/incidents/{incident}")
            return answer.is_success and met(answer.json())

        wait_for(look, what)


@contextlib.contextmanager
def showcase() -> Iterator[Showcase]:
    """The site as it is at NOW, seeded."""
    with (
        tempfile.TemporaryDirectory(prefix="showcase-") as name,
        smtp() as mailbox,
        monitoring() as url,
    ):
        folder, port = Path(name), free_port()
        settings = furnish(folder, port, mailbox.port, url)
        address = f"http://127.0.0.1:{port}"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=address, headers=headers, timeout=30) as client:
            made = Showcase(url=address, mailbox=mailbox, _clock=folder / "clock", _client=client)
            made.at(BEGIN)
            with _serving(settings, folder / "clock", f"{address}/sign-in"):
                seed(made)
                yield made


@contextlib.contextmanager
def _serving(settings: Path, clock: Path, ready: str) -> Iterator[None]:
    log = settings.with_name("log")
    argv = [sys.executable, "-m", "tests.web.showcase.server", str(settings), str(clock)]
    with log.open("ab") as said:
        process = subprocess.Popen(argv, stdout=said, stderr=said)
    try:
        wait_for(lambda: process.poll() is not None or answers(ready), "answer from Playcall")
        assert process.poll() is None, log.read_text("utf-8")
        yield
    finally:
        process.terminate()
        process.wait(20)


def seed(site: Showcase) -> None:
    _last_week(site)
    _tonight(site)


def _last_week(site: Showcase) -> None:
    site.fire(SLOW, BEGIN - timedelta(minutes=2), destination="host-17", team="performance")
    site.until(1, _looked, "end of the diagnostics")
    _work(site, 1, BEGIN)
    site.do("/incidents/1/updates", state="identified", text="Moves of virtual machines are slow.")
    _at(site, BEGIN, 16)
    site.fire(SLOW, BEGIN - timedelta(minutes=2), "resolved", destination="host-17")
    site.until(1, lambda found: found["status"] == "recovered", "recovery")
    _at(site, BEGIN, 18)
    site.do("/incidents/1/resolve", cause="Transport streams were paced to 40 MB/s each.")
    site.until(1, lambda found: found["status"] in ("resolved", "closed"), "end")
    site.do("/incidents/1/updates", state="resolved", text="Moves are as quick as ever.")
    _at(site, BEGIN, 40)
    due = f"{BEGIN + timedelta(days=14):%Y-%m-%d}"
    for text, owner in (
        ("Alert on the pacing of streams before it hurts", "mikko"),
        ("Put STREAM_COUNT=16 into the settings that ship", "ines"),
    ):
        site.do("/incidents/1/actions", text=text, owner=owner, priority="high", due=due)
    paper = site.ask("/incidents/1/post-mortem")
    text = paper["text"].replace(
        "To be written by a person.", "Nobody outside the team noticed.", 1
    )
    body = {"text": text, "version": paper["version"], "of": paper["of"]}
    site.do("/incidents/1/post-mortem", "PUT", **body)
    site.do("/incidents/1/actions/2/done", note="in release 3.4.1")


def _tonight(site: Showcase) -> None:
    site.at(NIGHT)
    site.fire(SLOW, NIGHT - timedelta(minutes=2), destination="host-09", team="performance")
    site.until(2, _looked, "end of the diagnostics")
    _work(site, 2, NIGHT)
    _at(site, NIGHT, 9)
    site.fire(STOPPED, NIGHT + timedelta(minutes=8))
    site.until(3, _looked, "end of the diagnostics")
    site.do(
        "/overrides",
        schedule="first",
        person="mikko",
        **{"from": "2026-03-13T18:00", "until": "2026-03-14T12:00"},
        reason="a family dinner",
    )
    site.at(NOW)


def _work(site: Showcase, incident: int, start: datetime) -> None:
    base = f"/incidents/{incident}"
    _at(site, start, 2)
    site.do(f"{base}/acknowledge")
    _at(site, start, 4)
    site.do(f"{base}/notes", text="Only streams to one host are slow; compression is fine.")
    said = "Some virtual machines move more slowly than usual. We are looking for the cause."
    site.do(f"{base}/updates", state="investigating", text=said)
    _at(site, start, 6)
    site.do(f"{base}/approve", command=REMEDY)
    site.until(incident, lambda found: _ended(found, REMEDY), "end of the remedy")


def _at(site: Showcase, start: datetime, minutes: int) -> None:
    site.at(start + timedelta(minutes=minutes))


def _looked(found: Any) -> bool:
    """Whether everything that runs by itself at once has run; what sleeps waits for the remedy."""
    looks = [
        one
        for one in found["commands"]
        if one["effect"] == "observe" and not one["missing"] and "sleep" not in one["as_written"]
    ]
    return bool(looks) and all(_ended(found, one["id"]) for one in looks)


def _ended(found: Any, command: str) -> bool:
    [one] = [one for one in found["commands"] if one["id"] == command]
    return bool(one["run"]) and one["run"]["status"] not in ("pending", "running")
