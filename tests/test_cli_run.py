"""`playcall run` as a process: what it would do, alone without a terminal, and with a person."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from playcall.cli import main
from tests.test_cli_explain import ROOT
from tests.typing_person import Typist

TELLING = ROOT / "tests/telling.md"
OURS = ROOT / "examples/dwcp-v3/playbooks.md"
SETTINGS = ROOT / "examples/dwcp-v3/playcall.toml"


def alone(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """With nobody at a terminal."""
    argv = [sys.executable, "-m", "playcall", "run", *map(str, words)]
    return subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Programs of the document; each run leaves a line."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name, rest in (("make-room", ""), ("make-fast", "sleep 30")):
        (folder / name).write_text(f'#!/bin/sh\necho "$0 $@" >> {tmp_path}/made\n{rest}\n')
        (folder / name).chmod(0o755)
    return folder


def typist(tools: Path, *words: str | Path) -> Typist:
    env = {**os.environ, "NO_COLOR": "1", "PATH": f"{tools}:{os.environ['PATH']}"}
    argv = [sys.executable, "-m", "playcall", "run", str(TELLING), "ServiceSlow", "--env", "PATH"]
    return Typist([*argv, *map(str, words)], env)


def test_a_dry_run_tells_all_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", str(OURS), "DWCPv3LatencyP99Critical", "--dry-run"]
    assert main([*words, "--settings", str(SETTINGS)]) == 0
    told = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    parts = [
        "When the incident opens: 1.1, 1.2, 2.1, 2.2, 2.3, 4.2, 5.1, 5.2, 5.3, all at once",
        "Immediate Actions (act)",
        "DESTINATION_HOST: dwcp-v3-destination (the settings)",
        "If AMST bottleneck: asked: does it apply?",
        "change: kubectl set env: changes the environment and so restarts the pods",
        "waits for an approval of one person with the access of a responder or more",
        "Resolution (resolve)",
        "recovery: P99 Latency < 500 ms, for 5 min without a break (line 283)",
        "Rollback: of the whole document, if it comes to that",
    ]
    found = [told.index(part) for part in parts]
    assert found == sorted(found)


def test_a_dry_run_for_programs_says_where_answers_lead(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", str(OURS), "DWCPv3RolloutNoGo", "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    steps = {step["number"]: step for phase in found["phases"] for step in phase["steps"]}
    no, yes = steps[6]["decision"]["answers"]
    assert (no["lead"], no["commands"]) == ("rollback", ["7.3"])
    assert yes["questions"][0]["answers"][0]["commands"] == ["7.1", "7.2"]
    query = steps[2]["commands"][0]
    assert (query["native"], query["runs"]) == (True, "dwcp_v3_sla_compliance")
    assert query["why"].startswith("a PromQL query is asked")


def test_without_a_terminal_what_looks_runs_and_every_change_is_listed(tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    words = ("--label", "folder=/tmp", "--report", report, "--keep", tmp_path / "kept")
    done = alone(TELLING, "ServiceSlow", *words)
    assert (done.returncode, done.stderr) == (3, "")
    lines = done.stdout.splitlines()
    ran = [line.split()[0] for line in lines if ": succeeded in " in line]
    assert ran == ["1.1", "1.2", "1.3"]  # in the order of the document: 1.1 takes longer
    assert lines.count("    not run: nobody is at the terminal") == 2
    assert "      as run      make-room '/tmp'" in lines
    assert "  waiting for a person: 2.1, 2.2, question 3" in lines
    assert '1.3 "The place that is named" succeeded: /tmp' in report.read_text("utf-8")
    assert (tmp_path / "kept" / "playcall.db").exists()


def test_a_person_is_asked_before_every_change_and_walks_to_the_end(
    tools: Path, tmp_path: Path
) -> None:
    person = typist(tools, "--report", tmp_path / "report.md")
    person.answer("folder, a path for 1.3", "-rf")
    person.see("refused: folder:")
    person.answer("folder, a path for 1.3", "/tmp")
    person.see("1.3   The place that is named  (line 35): succeeded")
    person.answer("If it is full: Does this apply? [y/N]", "y")
    person.see("as run      make-room '/tmp'")
    person.answer("Run 2.1? [y/N]", "y")
    person.see("2.1   Make room  (line 43): succeeded")
    person.answer("If it is slow: Does this apply? [y/N]", "")
    person.answer("Is it fast now? [YES / NO", "maybe")
    person.see("refused:")
    person.answer("Is it fast now? [YES / NO", "yes")
    person.see("decided: Watch closely (told to people)")
    person.answer("Enter when done", "the team knows")
    person.answer("y: resolve it", "y")
    person.answer("What was the cause?", "a full disk")
    assert person.end() == 0, person.shown
    assert (tmp_path / "made").read_text().split()[1:] == ["/tmp"]
    report = (tmp_path / "report.md").read_text("utf-8")
    for words in ('approved 2.1 "Make room"', "the team knows", "a full disk", "pages are held"):
        assert words in report


def test_an_interruption_ends_what_runs_and_says_what_that_leaves(
    tools: Path, tmp_path: Path
) -> None:
    person = typist(tools, "--label", "folder=/tmp", "--report", tmp_path / "report.md")
    person.answer("If it is full", "n")
    person.answer("If it is slow", "y")
    person.answer("Run 2.2? [y/N]", "y")
    person.see("2.2 is running; Ctrl-C ends it")
    started = time.monotonic()
    person.interrupt()
    person.see("2.2 Make it fast: OUTCOME UNKNOWN: ended while it ran")
    assert person.end() == 130
    assert time.monotonic() - started < 10  # it would have gone on for 30 s
    assert len((tmp_path / "made").read_text().splitlines()) == 1
    assert "OUTCOME UNKNOWN" in (tmp_path / "report.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((TELLING, "NoSuchAlert"), 1, "It has: ServiceSlow"),
        ((ROOT / "no.md", "X"), 2, "Name a playbook that can be read"),
        ((TELLING, "ServiceSlow", "--label", "x"), 2, "write NAME=VALUE"),
        ((TELLING, "ServiceSlow", "--json"), 2, "--json is for --dry-run"),
    ],
)
def test_what_is_asked_wrongly_is_told(
    words: tuple[str | Path, ...], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *map(str, words)]) == code
    assert told in capsys.readouterr().err


def test_a_dry_run_touches_nothing(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a process nor a connection is made: the kernel's doors are shut to it."""

    def shut(*_: object, **__: object) -> None:
        raise AssertionError("a dry run reached outside")

    for door in ("subprocess.Popen.__init__", "socket.socket.connect", "os.posix_spawn"):
        monkeypatch.setattr(door, shut)
    monkeypatch.setenv("PATH", str(tools))
    kept = tmp_path / "kept"
    words = ["--prometheus", "http://127.0.0.1:1", "--keep", str(kept)]
    assert main(["run", str(TELLING), "ServiceSlow", "--dry-run", *words]) == 0
    assert not kept.exists()
