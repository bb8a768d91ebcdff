"""The commands of the response as processes, against a real server with an incident in it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from playcall.cli import main
from tests.pdf_text import read
from tests.servers import smtp, wait_for
from tests.typing_person import Typist
from tests.web.deciding import BOB, MORE, PLAYBOOK
from tests.web.served import TOKEN, Served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with smtp() as mailbox:
        made = Served(tmp_path_factory.mktemp("served"), mailbox.port, PLAYBOOK, MORE)
        made.start()
        made.fire()
        yield made
        made.stop()


def playcall(served: Served, *words: str, token: str = TOKEN) -> tuple[int, str]:
    """The exit code, and what was said."""
    done = subprocess.run(
        [sys.executable, "-m", "playcall", *words],
        env={**os.environ, "PLAYCALL_URL": served.url, "PLAYCALL_TOKEN": token, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_an_incident_is_led_from_a_terminal(served: Served) -> None:
    for words, said in (
        (("snooze", "1", "30m"), "snoozed"),
        (("ack", "1"), "acknowledged"),
        (("unack", "1"), "un-acknowledged"),
        (("take", "1"), "ada is incident commander"),
        (("take", "1", "communications", "--for", "bob"), "bob is communications lead"),
        (("leave", "1", "communications", "--for", "bob"), "bob is no longer communications lead"),
        (("escalate", "1"), "called the next rung"),
        (("escalate", "1", "--role", "On-Call Primary"), "called On-Call Primary"),
        (("escalate", "1", "--to", "bob", "--reason", "it is big"), "called bob"),
        (("severity", "1", "high", "--reason", "one region"), "severity HIGH"),
        (("assign", "1", "bob"), "assigned to bob"),
        (("silence", "1", "1h30m"), "silence asked for"),
    ):
        assert playcall(served, *words) == (0, f"Incident 1: {said}\n"), words
    code, told = playcall(served, "incidents", "1")
    assert code == 0
    for line in ("Assigned to bob", "Commander: ada", "ada called bob: it is big"):
        assert line in told.splitlines() or line in told


def test_a_rung_is_not_called_for_another(served: Served) -> None:
    code, told = playcall(served, "escalate", "1", "--next", "on-call primary")
    assert code == 1
    assert "Not done (409): ada escalated to On-Call Secondary " in told
    code, told = playcall(served, "escalate", "1", "--next", "King")
    assert (code, 'no rung is for "King"; there are On-Call Primary, ' in told) == (1, True)


def test_the_tree_is_walked_from_a_terminal(served: Served) -> None:
    code, told = playcall(served, "decide", "1")
    assert (code, told.splitlines()[1]) == (0, "       1  Is the cause known? NO / YES")
    code, told = playcall(served, "decide", "1", "yes")
    assert "Is the cause known? YES (ada, " in told
    assert told.splitlines()[-1] == "   1.1.0  Is the fix risky? YES / NO"
    code, told = playcall(served, "decide", "1", "no", "--json")
    [tree] = json.loads(told)
    assert (code, tree["asked"], tree["outcomes"][0]["outcome"]) == (0, None, "Hotfix")
    assert playcall(served, "decide", "1", "yes")[0] == 1  # nothing is asked any more
    code, told = playcall(served, "decide", "1", "no", "--question", "1")
    assert "decided: Continue diagnostics" in told


def test_what_cannot_be_is_said_with_what_can(served: Served) -> None:
    assert playcall(served, "assign", "1", "zoe") == (
        1,
        'Not done (422): nobody is called "zoe" here; known: ada, bob\n',
    )
    assert playcall(served, "severity", "1", "low", "--reason", "x", token=BOB) == (
        1,
        "Not done (403): Bob is a responder; this needs a commander\n",
    )
    code, told = playcall(served, "snooze", "1", "99999999d")
    assert (code, "over a year" in told) == (2, True)


def test_an_alert_without_a_play_that_wakes_nobody_says_so(served: Served) -> None:
    served.fire("NobodyWroteThis", "warning")
    code, listed = playcall(served, "incidents")
    assert (code, "nobody has it, no play  NobodyWroteThis" in listed) == (0, True)
    told = playcall(served, "incidents", "2")[1].splitlines()
    assert re.search(r", fired \w{3} [\d-]+ \d\d:\d\d UTC$", told[1])
    assert told[2] == "No play in the document for this alert: the generic response."
    assert re.match(
        r"WARNING wakes nobody: informed On-Call Primary, escalates at \d\d:\d\d UTC to "
        r"On-Call Secondary\.$",
        told[3],
    )
    opening = re.compile(r" +1  \d\d:\d\d:\d\d UTC  Incident 2 opened, WARNING")
    assert any(opening.match(line) for line in told)
    first = playcall(served, "incidents", "1")[1]
    assert "unknown  Latency >500ms: " in first
    assert "None" not in first


@pytest.mark.parametrize("lasting", ["soon", "", "5 weeks", "-5m", "m", "1h30x"])
def test_a_duration_that_is_none_is_refused(
    lasting: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["snooze", "1", "--", lasting])
    assert ended.value.code == 2
    assert "is no duration" in capsys.readouterr().err


def test_at_a_terminal_it_is_shown_before_it_is_approved(served: Served) -> None:
    argv = [sys.executable, "-m", "playcall", "approve", "1", "2.1"]
    env = {**os.environ, "PLAYCALL_URL": served.url, "PLAYCALL_TOKEN": TOKEN, "NO_COLOR": "1"}
    typist = Typist(argv, env)
    typist.see("mend-latency")
    typist.see("where")
    typist.answer("Approve 2.1 of incident 1? [y/N]", "")
    assert typist.end() == 1
    assert "Not approved." in typist.shown
    told = json.loads(playcall(served, "incidents", "1", "--json")[1])
    assert [c["run"] for c in told["commands"] if c["id"] == "2.1"] == [None]


def test_approvals_from_a_terminal(served: Served, tmp_path: Path) -> None:
    """The rollback needs two people: ada and bob, who sees what ada saw."""
    code, told = playcall(served, "approve", "1", "2.2")
    assert (code, told.splitlines()[0]) == (0, "mend-latency --back")
    assert told.endswith("Incident 1: approved; it waits for a second person\n")
    assert "  digest " in told
    assert "has approved it already" in playcall(served, "approve", "1", "2.2")[1]
    told = playcall(served, "incidents", "1", token=BOB)[1]
    assert "ada approved it; it waits until " in told
    assert playcall(served, "approve", "1", "2.2", "--digest", "0" * 16, token=BOB)[0] == 1
    assert playcall(served, "approve", "1", "2.2", "--link", "bob", token=BOB)[0] == 1
    code, told = playcall(served, "refuse", "1", "2.2", "--link", "bob")
    assert (code, told.split("/approve/")[0]) == (0, served.url)
    assert playcall(served, "approve", "1", "2.2", token=BOB)[1].endswith("approved\n")

    (tmp_path / "other").write_text("mend-latency --softly\n", "utf-8")
    code, told = playcall(served, "approve", "1", "2.1", "--edit", str(tmp_path / "other"))
    assert code == 0
    assert "+mend-latency --softly" in told.splitlines()
    code, refused = playcall(served, "approve", "1", "2.1", token=BOB)
    assert (code, "It was edited" in refused) == (1, True)
    digest = told.split()[-1]
    code, _ = playcall(served, "approve", "1", "2.1", "--digest", digest, token=BOB)
    assert code == 0
    code, _ = playcall(served, "approve", "1", "2.2", "--again", "--emergency", "it burns")
    assert code == 0
    told = playcall(served, "incidents", "1")[1]
    assert 'EMERGENCY: ada alone approved 2.2 "Go back", once more: it burns' in told


def test_after_a_restart_a_removed_role_approves_nothing_and_what_waits_stays_what_it_was(
    tmp_path: Path,
) -> None:
    with smtp() as mailbox:
        served = Served(tmp_path, mailbox.port, PLAYBOOK, MORE)
        served.start()
        served.fire()
        assert playcall(served, "approve", "1", "2.2", token=BOB)[0] == 0
        served.stop()
        settings, playbook = tmp_path / "playcall.toml", tmp_path / "playbook.md"
        text = settings.read_text("utf-8")
        settings.write_text(text.replace('access = "responder"', 'access = "viewer"'), "utf-8")
        playbook.write_text(PLAYBOOK.replace("--back", "--all"), "utf-8")  # while a step waits
        served.start()
        refused = playcall(served, "approve", "1", "2.1", token=BOB)
        assert refused[0] == 1
        assert "Bob is a viewer; this needs a responder" in refused[1]
        code, told = playcall(served, "approve", "1", "2.2")
        assert (code, told.splitlines()[0]) == (0, "mend-latency --back")
        wait_for(lambda: "NOT RUN" in playcall(served, "incidents", "1")[1], "lapse")
        told = playcall(served, "incidents", "1")[1]
        assert 'NOT RUN: 2.2 "Go back": bob, who approved it, is a viewer now' in told
        served.stop()


def test_the_aftermath_from_a_terminal(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The post-mortem in an editor that writes, one that does not, and the duties."""
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "Mine." >> "$1"\n', "utf-8")
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    code, told = playcall(served, "report", "1", "--edit")
    assert (code, told.split(",")[0]) == (0, "Incident 1: version 1 is saved")
    assert playcall(served, "report", "1")[1].endswith("Mine.\n")
    assert playcall(served, "report", "1", "--regenerate")[0] == 0
    paper = tmp_path / "paper.pdf"
    code, told = playcall(served, "report", "1", "--format", "pdf", "--output", str(paper))
    assert (code, told) == (0, f"Incident 1: {paper} has {paper.stat().st_size:,} bytes\n")
    assert "Mine." in read(paper.read_bytes()).pages[-1]
    code, told = playcall(served, "report", "1", "--format", "html")
    assert (code, "Mine." in told, told.startswith("<!doctype html>")) == (0, True, True)
    assert playcall(served, "report", "1", "--output", str(tmp_path))[0] == 2
    assert playcall(served, "report", "1", "--edit", "--output", "x")[0] == 2
    code, told = playcall(served, "report", "1", "--numbers", "csv")
    assert (code, "incident 1: nothing was measured of it" in told) == (1, True)
    assert playcall(served, "report", "1", "--measure")[0] == 0
    wait_for(lambda: playcall(served, "report", "1", "--numbers", "csv")[0] == 0, "a review")
    assert json.loads(playcall(served, "report", "1", "--numbers", "json")[1])["incident"] == 1
    assert json.loads(playcall(served, "report", "1", "--dashboard")[1])["panels"]
    monkeypatch.setenv("VISUAL", "true")
    code, told = playcall(served, "report", "1", "--edit")
    assert (code, told) == (1, "Nothing was changed.\n")
    monkeypatch.setenv("VISUAL", "/no/such/editor")
    assert playcall(served, "report", "1", "--edit")[0] == 2

    code, told = playcall(served, "duties", "1")
    assert (code, told.split(":")[0]) == (0, "Nothing is owed")
    code, told = playcall(served, "duties", "1", "action", "rotate logs", "--owner", "bob")
    assert (code, told) == (0, "Incident 1: noted as an action item\n")
    assert "[ ] 1. rotate logs bob" in playcall(served, "duties", "1")[1]
    assert playcall(served, "duties", "1", "action-done", "1")[0] == 0
    assert "409" in playcall(served, "duties", "1", "done", "1.2")[1]
    assert playcall(served, "duties", "1", "done")[0] == 2
    assert playcall(served, "duties") == (0, "")


def test_the_summary_pins_and_sharing_from_a_terminal(served: Served) -> None:
    pinned = playcall(served, "pin", "1", "1", "--as", "important")
    assert pinned == (0, "Incident 1: entry 1 is pinned as important\n")
    assert re.search(r"^ +1  \S+ UTC \[important\]  ", playcall(served, "incidents", "1")[1], re.M)
    unpinned = playcall(served, "pin", "1", "1", "--off")
    assert unpinned == (0, "Incident 1: entry 1 is not pinned any more\n")
    code, told = playcall(served, "summary", "1")
    assert (code, told.split("\n")[0][:22]) == (0, "Summary of incident 1:")
    assert "to On-Call Primary: Ada by mail" in told
    assert "\nActions taken\n" in told, "line by line, as it is sent"
    assert "incident 1 is " in playcall(served, "summary", "1", "--send")[1]
    assert playcall(served, "summary", "1", "--send", "--text", "/no/such/file")[0] == 2
    assert "Post-mortem of incident 1" in playcall(served, "report", "1", "--to-share")[1]
    code, refused = playcall(served, "report", "1", "--share", "--unfinished")
    assert (code, "--again shares" in refused, "--unfinished" in refused) == (1, True, False)
