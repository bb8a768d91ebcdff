"""`playcall drill` as a process: mistakes in scripts and calls, what was proven."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drillrange.faults import FAULTS
from playcall.core.compiler import compile_document

ROOT = Path(__file__).parents[1]
OURS = ROOT / "examples/dwcp-v3/playbooks.md"
PLAYCALL = str(Path(sys.executable).with_name("playcall"))
GOOD = """
[streams]
alert = "DWCPv3LatencyP99Critical"
fault = "amst-pacing"
approve = ["STREAM_COUNT=16"]
expect = "resolved"
"""


def drill(*words: str | Path) -> subprocess.CompletedProcess[str]:
    argv = [PLAYCALL, "drill", *map(str, words)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=280, check=False)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("DWCPv3LatencyP99Critical", "Nothing", "the document has no play 'Nothing'"),
        ("amst-pacing", "gremlins", "there is no 'gremlins'; there are amst-pacing"),
        ('"resolved"', '"soon"', "expect: 'soon' is not one of resolved"),
        ('"resolved"', '"not yet"', "why: is missing"),
        ("STREAM_COUNT=16", "rm -rf /", "no change of the play has it"),
        ('["STREAM_COUNT=16"]', '["kubectl"]', "have it; name a part of exactly one command"),
        ('["STREAM_COUNT=16"]', '["STREAM_COUNT=16", "STREAM_COUNT"]', "name the same command"),
        ("approve = ", 'take = ["POD"]\napprove = ', "has no placeholder 'POD'; there are DEST"),
        ("approve", "aprove", "has no key 'aprove'"),
        ("alert = ", "alert ", "not TOML"),
        ("[streams]", "streams = 1\n[other]", "is not a table"),
    ],
)
def test_a_mistake_in_a_script_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    script = tmp_path / "drills.toml"
    script.write_text(GOOD.replace(old, new), "utf-8")
    done = drill(OURS, "--all", "--script", script)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert str(script) in line
    assert said in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody"], "no drill is called 'nobody'"),
        ([], "name an alert, or give --all"),
        (["missing.md"], "missing.md: No such file"),
        (["--all", "--rounds", "0"], "--rounds a number above 0"),
        (["--all", "--factor", "500"], "--factor takes 1 to 60"),
        (["--all", "--script", "missing.toml"], "missing.toml: No such file"),
    ],
)
def test_a_mistake_in_the_call_is_told(words: list[str], said: str) -> None:
    done = drill(*words)
    assert done.returncode == 2
    assert said in done.stderr


def test_every_drill_of_the_example_fits_its_document_and_its_faults() -> None:
    done = drill("--history", "--keep", "/nonexistent")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert len(lines) == 6
    assert all(line.endswith(": never proven") for line in lines)
    text = (OURS.parent / "drills.toml").read_text("utf-8")
    assert {fault for fault in FAULTS if f'"{fault}"' in text} >= {"no-go", "big-machines"}


def kept(folder: Path, alert: str, age: timedelta, digest: str, outcome: str = "passed") -> None:
    at = datetime.now(UTC) - age
    place = folder / f"{at:%Y%m%d-%H%M%S}-{alert}"
    place.mkdir(parents=True)
    record: dict[str, Any] = {
        "drill": "x",
        "alert": alert,
        "document": "playbooks.md",
        "digest": digest,
        "outcome": outcome,
        "at": at.isoformat(),
        "commands": [],
    }
    (place / "report.json").write_text(json.dumps(record), "utf-8")


def test_the_history_tells_proven_stale_and_changed(tmp_path: Path) -> None:
    plan = compile_document(OURS.read_bytes(), OURS.name).plan
    assert plan
    names = [play.alert for play in plan.plays]
    kept(tmp_path, names[0], timedelta(days=1), plan.digest)
    kept(tmp_path, names[1], timedelta(days=40), plan.digest)
    kept(tmp_path, names[2], timedelta(days=2), "another")
    kept(tmp_path, names[3], timedelta(days=1), plan.digest, outcome="failed")
    done = drill("--history", "--keep", tmp_path)
    told = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert done.returncode == 1
    assert told[names[0]].startswith("proven ")
    assert told[names[0]].endswith("by drill x")
    assert told[names[1]].startswith("stale: last proven")
    assert told[names[2]].endswith("with another version of the document")
    assert told[names[3]] == "never proven"
