"""The full-screen view by its keys, `playcall tail`, and what programs read: all beside a real
server, which is killed and comes back."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from playcall.cli import main
from playcall.cli.screen.app import Watch
from playcall.cli.screen.picture import Server
from tests.servers import smtp, wait_for
from tests.typing_person import Typist
from tests.web.deciding import MORE, PLAYBOOK
from tests.web.served import TOKEN, Served

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
PLAYCALL = [sys.executable, "-m", "playcall"]
SMALL = (80, 24)
STEERING = "\x1b[2J\x1b]0;mine\x07[bold red]big[/] \u202egnp"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with smtp() as mailbox:
        made = Served(tmp_path_factory.mktemp("served"), mailbox.port, PLAYBOOK, MORE)
        made.start()
        made.fire()
        yield made
        made.stop()


def kill(served: Served) -> None:
    process = served._process
    assert process is not None
    process.kill()
    process.wait()


def ask(served: Served, path: str = "/incidents/1") -> Any:
    return httpx.get(f"{served.url}/api/v1{path}", headers=HEADERS).raise_for_status().json()


def note(served: Served, text: str) -> None:
    path = f"{served.url}/api/v1/incidents/1/notes"
    httpx.post(path, headers=HEADERS, json={"text": text}).raise_for_status()


def playcall(served: Served, *words: str) -> tuple[int, str]:
    """The exit code, and what came on stdout."""
    done = subprocess.run(
        [*PLAYCALL, *words],
        env=surroundings(served),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def surroundings(served: Served) -> dict[str, str]:
    return {**os.environ, "PLAYCALL_URL": served.url, "PLAYCALL_TOKEN": TOKEN, "NO_COLOR": "1"}


# --- the screen ----------------------------------------------------------------------------------


def a_screen(served: Served) -> Watch:
    return Watch(Server(served.url, HEADERS))


def shown(app: Watch) -> str:
    """Every text on the screen, those behind a dialog too."""
    found = [one for screen in app.screen_stack for one in screen.query(Static) if one.display]
    return "\n".join(str(one.content) for one in found)


async def until(pilot: Pilot[None], condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"no {what}:\n{shown(pilot.app)}"  # type: ignore[arg-type]
        await asyncio.sleep(0.02)


async def see(pilot: Pilot[None], text: str) -> None:
    app = pilot.app
    assert isinstance(app, Watch)
    await until(pilot, lambda: text in shown(app), text)


async def test_an_incident_is_led_by_keys(served: Served) -> None:
    app = a_screen(served)
    async with app.run_test(size=SMALL) as pilot:
        await see(pilot, "CRITICAL open, nobody has it, fired ")
        await see(pilot, ": call On-Call Secondary")
        await pilot.press("a")
        await see(pilot, "acknowledged, ada")
        await pilot.press("n", *"qa 1", "enter")  # what is typed is no key
        await see(pilot, "qa 1 (ada)")
        await pilot.press("d")
        await see(pilot, "Incident 1: Is the cause known?")
        await pilot.press("down", "enter")
        await see(pilot, "Is the fix risky?")
        await pilot.press("e", *"big", "enter")
        await see(pilot, "ada called the next rung: big")
    assert ask(served)["acknowledged_by"] == "ada"


async def test_what_would_run_is_shown_before_it_is_approved(served: Served) -> None:
    app = a_screen(served)
    async with app.run_test(size=SMALL) as pilot:
        await see(pilot, "mend-latency")
        await pilot.press("p")
        await see(pilot, "Approve which command?")
        await pilot.press("enter")
        await see(pilot, "Let this run once?")
        assert "where: on the machine of Playcall" in shown(app)
        await pilot.press("enter", "space", "R", "q", "n")  # none of them is a yes, or anything
        await until(pilot, lambda: len(app.screen_stack) == 1, "board")
        assert [one["run"] for one in ask(served)["commands"]] == [None, None]
        await pilot.press("p")
        await see(pilot, "Approve which command?")
        await pilot.press("enter")
        await see(pilot, "Let this run once?")
        await pilot.press("y")
        await see(pilot, "2.1 succeeded  Mend it")
        await pilot.press("r")  # the only one that is left
        await see(pilot, "Incident 1, 2.2: Go back")
        await pilot.press(*"no", "enter")
        await see(pilot, "2.2 declined")
    assert [one["run"]["status"] for one in ask(served)["commands"]] == ["succeeded", "declined"]


async def test_the_board_is_filtered_and_what_is_over_stays_until_one_looks_away(
    served: Served,
) -> None:
    served.fire("Other", "warning")
    app = a_screen(served)
    async with app.run_test(size=SMALL) as pilot:
        board = app.query_one("#incidents", OptionList)
        await until(pilot, lambda: board.option_count == 2, "second incident")
        await see(pilot, "Incident 2: Other")  # nobody has it: it is the first
        await pilot.press("slash", *"slow", "enter")
        await pilot.press("slash", *"zzz")  # Slash takes what was typed before away
        await until(pilot, lambda: board.option_count == 0, "filtered board")
        await pilot.press("escape")
        await until(pilot, lambda: board.option_count == 2, "whole board")
        assert app.query_one("#filter", Input).value == ""
        await pilot.press("R", *"gone", "enter")
        await see(pilot, "Over, although unproven?")
        await pilot.press("y")
        await see(pilot, "Resolved by ada, NOT VERIFIED by the criteria: gone")
        await see(pilot, "WARNING closed, fired ")  # not on the next one, under the same keys
        assert "Incident 2: Other" in shown(app)
        await pilot.press("down")
        await until(pilot, lambda: board.option_count == 1, "shorter board")
        await see(pilot, "Incident 1: ServiceSlow")
        await pilot.press("question_mark")
        await see(pilot, "acknowledge")
    assert ask(served, "/incidents/2")["status"] == "closed"


async def test_no_text_steers_the_screen(served: Served) -> None:
    note(served, STEERING)
    app = a_screen(served)
    async with app.run_test(size=(120, 50)) as pilot:
        await see(pilot, "·[2J·]0;mine·[bold red]big[/] ·gnp (ada)")
        await until(pilot, lambda: "[bold" in app.export_screenshot(), "drawing of it")
        drawn = app.export_screenshot()
    assert "\x1b" not in drawn
    assert "\u202e" not in drawn


async def test_a_server_that_was_killed_is_waited_for(served: Served) -> None:
    app = a_screen(served)
    async with app.run_test(size=SMALL) as pilot:
        await see(pilot, "Incident 1")
        await pilot.press("n", *"kept")
        kill(served)
        await see(pilot, "Not live since ")
        assert "Incident 1: ServiceSlow" in shown(app)
        await pilot.press("enter")  # cannot be done, is said, and the screen goes on
        await until(pilot, lambda: len(app._notifications) == 1, "word of the failure")
        served.start()
        await until(pilot, lambda: not app.query_one("#trouble").display, "server")
        note(served, "after the restart")
        await see(pilot, "after the restart")


def test_a_terminal_is_taken_and_given_back(served: Served) -> None:
    person = Typist([*PLAYCALL, "watch"], surroundings(served))
    person.see("Incident 1: ServiceSlow")
    os.write(person._terminal, b"q")
    assert person.end() == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["watch"], "needs a terminal"),
        (["watch", "http://127.0.0.1:9"], "--page"),
        (["tail", "--until-over"], "of which incident?"),
    ],
)
def test_what_cannot_work_is_said_at_once(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert said in capsys.readouterr().err


# --- tail ----------------------------------------------------------------------------------------


def test_no_line_is_lost_or_told_twice_when_the_server_is_killed(
    served: Served, tmp_path: Path
) -> None:
    out, said = tmp_path / "out", tmp_path / "said"
    with out.open("w") as stdout, said.open("w") as stderr:
        tail = subprocess.Popen(
            [*PLAYCALL, "tail", "1", "--since", "1d", "--json", "--until-over"],
            env=surroundings(served),
            stdout=stdout,
            stderr=stderr,
        )
    try:
        wait_for(lambda: "Opened" in out.read_text("utf-8"), "first line")
        for n in range(5):
            note(served, f"before {n}")
        kill(served)
        wait_for(lambda: "does not answer" in said.read_text("utf-8"), "loss")
        served.start()
        for n in range(5):
            note(served, f"after {n}")
        wait_for(lambda: "after 4" in out.read_text("utf-8"), "last line")
        resolve = {"cause": "", "unverified": True}
        path = f"{served.url}/api/v1/incidents/1/resolve"
        httpx.post(path, headers=HEADERS, json=resolve).raise_for_status()
        assert tail.wait(30) == 0
    finally:
        tail.kill()
    told = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    known = [entry["n"] for entry in ask(served)["timeline"]]
    assert [line["n"] for line in told] == known[: len(told)]
    assert (told[0]["kind"], told[-1]["status"]) == ("Opened", "closed")
    assert said.read_text("utf-8").endswith("It answers again.\n")
    assert playcall(served, "tail", "1", "--until-over")[1].count("\n") == 10


# --- for programs --------------------------------------------------------------------------------


def test_what_acts_says_what_it_did_as_json(served: Served) -> None:
    served.fire("Third", "warning")
    for words, status in (
        (("ack", "3"), "acknowledged"),
        (("note", "3", "odd"), "noted"),
        (("escalate", "3", "--to", "bob"), "called bob"),
        (("resolve", "3", "--unverified"), "resolved"),
    ):
        code, told = playcall(served, *words, "--json")
        assert (code, json.loads(told)) == (0, {"incident": 3, "status": status})
    assert playcall(served, "ack", "99", "--json") == (1, "")
    for word, key in (("show", "timeline"), ("status", "draft"), ("report", "version")):
        code, told = playcall(served, word, "3", "--json")
        assert (code, key in json.loads(told)) == (0, True)
    assert playcall(served, "show", "3")[1].startswith("Incident 3: Third")
