"""`playcall plan` and `playcall simulate` as processes."""

import argparse
import json
import subprocess
from pathlib import Path

import pytest

from playcall.cli import foresight, remote
from tests.test_cli_explain import PLAYCALL, ROOT

SETTINGS = ROOT / "examples/dwcp-v3/playcall.toml"
FIRED = "2026-12-01T03:00:00+00:00"


def playcall(*words: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    argv = [PLAYCALL, *map(str, words)]
    return subprocess.run(argv, input=stdin, capture_output=True, timeout=60, check=False)


def changed(folder: Path) -> Path:
    """The same settings, with somebody else as On-Call Primary."""
    text = SETTINGS.read_text("utf-8").replace(
        '"On-Call Primary" = ["ines"]', '"On-Call Primary" = ["priya"]'
    )
    assert text != SETTINGS.read_text("utf-8")
    for name in ("playbooks.md", "scripts", "configs", "hotfix-config.yaml"):
        (folder / name).symlink_to(SETTINGS.parent / name)
    later = folder / "playcall.toml"
    later.write_text(text, "utf-8")
    return later


def test_a_plan_says_who_is_paged_when() -> None:
    done = playcall("plan", SETTINGS, "--at", FIRED, "--alert", "DWCPv3LatencyP99Critical")
    assert (done.returncode, done.stderr) == (0, b"")
    lines = [" ".join(line.split()) for line in done.stdout.decode().splitlines()]
    assert lines[0] == "If it fires at 2026-12-01 03:00 UTC, in the hour after that:"
    assert "at once page ines On-Call Primary: fired" in lines
    assert "+10 min page priya Team Lead: not resolved after 10 min" in lines
    assert "+35 min page ines On-Call Primary: fired, round 2" in lines


def test_an_acknowledgement_shows_in_what_follows() -> None:
    words = ("--at", FIRED, "--alert", "DWCPv3LatencyP99Critical", "--format", "json")
    done = playcall("plan", SETTINGS, *words, "--acknowledged-after", "2m")
    (alert,) = json.loads(done.stdout)["alerts"]
    rungs = [call["rung"] for call in alert["after"] if call["rung"] is not None]
    assert rungs == [0, 2, 3, 4]


def test_a_change_is_shown_beside_what_is_now(tmp_path: Path) -> None:
    words = ("--now", SETTINGS, "--at", FIRED, "--alert", "DWCPv3LatencyP95High")
    done = playcall("plan", changed(tmp_path), *words, "--format", "markdown")
    assert done.returncode == 0, done.stderr
    shown = [" ".join(line.split()) for line in done.stdout.decode().splitlines()]
    assert "**DWCPv3LatencyP95High**: changed" in shown
    assert "- at once tell ines On-Call Primary: fired" in shown
    assert "+ at once tell priya On-Call Primary: fired" in shown


def test_settings_that_cannot_be_read_are_refused_in_words(tmp_path: Path) -> None:
    done = playcall("plan", tmp_path / "none.toml")
    assert done.returncode == 2
    assert b"there is no such file" in done.stderr


def webhook(name: str, starts: str, ends: str) -> bytes:
    alert = {
        "status": "resolved",
        "labels": {"alertname": name, "severity": "critical"},
        "startsAt": starts,
        "endsAt": ends,
    }
    return json.dumps({"version": "4", "alerts": [alert]}).encode()


def test_alerts_of_the_past_are_played_again() -> None:
    name = "DWCPv3LatencyP99Critical"
    listed = [{"labels": {"alertname": "Unheard"}, "startsAt": "2026-03-02T10:00:00Z"}]
    stdin = b"\n".join(
        (
            webhook(name, "2026-03-02T03:00:00Z", "2026-03-02T03:07:00Z"),
            webhook(name, "2026-03-02T03:08:00Z", "2026-03-02T03:12:00Z"),
            json.dumps(listed).encode(),
        )
    )
    done = playcall("simulate", SETTINGS, "-", "--acknowledged-after", "3m", stdin=stdin)
    assert done.returncode == 0, done.stderr
    shown = done.stdout.decode()
    assert "Incident 1, CRITICAL, Mon 02 Mar 03:00 UTC: DWCPv3LatencyP99Critical" in shown
    assert "3 alerts, 2 incidents" in shown


def entry(starts: str, ends: str | None = None) -> bytes:
    return json.dumps([{"labels": {}, "startsAt": starts, "endsAt": ends}]).encode()


@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        (b"", b"there are no alerts in it"),
        (b"{", b"line 1: "),
        (entry("2026-03-02T10:00:00"), b'-: line 1: $[0].startsAt: "2026-03-02T10:00:00" has no'),
        (entry("2026-03-02T10:00:00Z", "2026-03-02T10:00:00"), b"$[0].endsAt: "),
        (entry("0001-01-01T00:00:00+14:00"), b"is not in the years 1971 to 2199"),
        (entry("9999-12-31T23:59:59Z"), b"line 1: $[0].startsAt"),
        (webhook("A", "2026-03-02T10:00:00Z", "9999-12-31T23:59:59Z"), b"$.alerts[0].endsAt"),
    ],
)
def test_a_history_that_is_none_is_refused_with_its_line(stdin: bytes, said: bytes) -> None:
    done = playcall("simulate", SETTINGS, "-", stdin=stdin)
    assert done.returncode == 2
    assert said in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_alert_that_ends_before_it_begins_is_told() -> None:
    backwards = webhook("Unheard", "2026-03-02T10:00:00Z", "2026-03-02T09:00:00Z")
    done = playcall("simulate", SETTINGS, "-", stdin=backwards)
    assert done.returncode == 0
    assert b"Unheard of 2026-03-02 10:00:00 UTC ends before it begins" in done.stderr
    assert b"1 alerts, 1 incidents" in done.stdout


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "9999-12-31T23:59:59Z", "soon"])
def test_a_moment_that_cannot_be_is_refused(at: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="no moment of 1971 to 2199"):
        foresight.moment(at)


def test_a_duration_beyond_a_year_is_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="over a year"):
        remote.minutes("99999999999999999999d")
