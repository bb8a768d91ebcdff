"""`playcall oncall` and `override` against a server, and what a start says of schedules."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from playcall.settings import hash_token
from tests.core.compiling import a_document
from tests.servers import HOST, answers, free_port, wait_for

PLAYCALL = str(Path(sys.executable).with_name("playcall"))
SETTINGS = f"""
[server]
port = {{port}}
[documents]
playbook = "playbook.md"
[mail]
host = "127.0.0.1"
port = 1
sender = "playcall@example.org"
[people.ada]
name = "Ada"
mail = "ada@example.org"
tokens = ["{hash_token("ada")}"]
[people.bob]
name = "Bob"
mail = "bob@example.org"
[people.cleo]
name = "Cleo"
mail = "cleo@example.org"
[schedules.first]
zone = "Europe/Berlin"
[[schedules.first.layers]]
people = ["ada", "bob"]
rotation = "daily"
starts_on = 2026-01-05
[schedules.office]
zone = "Europe/Berlin"
fallback = ["cleo"]
[[schedules.office.layers]]
people = ["bob"]
rotation = "weekly"
starts_on = 2026-01-05
only = ["mon-fri 09:00-17:00"]
[[schedules.office.layers]]
ical = "none.ics"
[on_call]
"On-Call Primary" = ["first"]
"Team Lead" = ["office", "ada"]
"Team Laed" = ["ada"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oncall")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    port = free_port()
    (folder / "playbook.md").write_text(a_document(), "utf-8")
    (folder / "playcall.toml").write_text(SETTINGS.format(port=port), "utf-8")
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [PLAYCALL, "serve", "--settings", str(folder / "playcall.toml")],
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    address = f"http://{HOST}:{port}"
    try:
        wait_for(lambda: process.poll() is not None or answers(f"{address}/sign-in"), "start")
        yield address
    finally:
        process.kill()
        process.wait()


def playcall(url: str, *words: str, code: int = 0) -> str:
    """What is printed; the exit code is as expected."""
    done = subprocess.run(
        [PLAYCALL, *words, "--url", url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PLAYCALL_TOKEN": "ada"},
    )
    assert done.returncode == code, done
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def in_hours(count: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=count)).isoformat(timespec="seconds")


def test_a_start_warns_of_gaps_and_of_what_cannot_be_read(url: str, folder: Path) -> None:
    wait_for(lambda: "gaps within" in (folder / "said").read_text("utf-8"), "warning")
    said = (folder / "said").read_text("utf-8")
    assert "schedule office: nobody is on call from " in said
    assert "fallback: cleo" in said
    assert "schedule first: nobody" not in said
    assert "none.ics was not read" in said
    assert 'on_call binds "Team Laed", which playbook.md does not name.' in said
    assert 'Nobody is bound to "Incident Commander"' in said


def test_who_is_on_call_is_said_for_any_moment(url: str) -> None:
    said = playcall(url, "oncall", "--at", "2026-03-29T03:00:00+02:00")
    assert said.splitlines()[:3] == [
        "first (Europe/Berlin)",
        "  ada until Sun 2026-03-29 09:00",
        "  then bob from Sun 2026-03-29 09:00",
    ]
    assert "nobody; cleo stands in until Mon 2026-03-30 09:00" in said
    assert "on-call primary: ada" in said
    assert "team lead: cleo, ada" in said


def test_a_week_is_listed_by_the_wall_clock(url: str) -> None:
    said = playcall(url, "oncall", "--week", "--at", "2026-03-28T09:00:00+01:00")
    assert "  Sat 2026-03-28 09:00 - Sun 2026-03-29 09:00  ada" in said
    assert "  Sun 2026-03-29 09:00 - Mon 2026-03-30 09:00  bob" in said


def test_gaps_are_listed_and_are_the_exit_code(url: str) -> None:
    at = "2026-03-28T09:00:00+01:00"
    said = playcall(url, "oncall", "--gaps", "--at", at, code=1)
    assert "  Sat 2026-03-28 09:00 - Mon 2026-03-30 09:00  nobody" in said
    assert "first (Europe/Berlin)\n  no gaps\n" in said
    found = json.loads(playcall(url, "oncall", "--gaps", "--json", "--at", at, code=1))
    assert [schedule["name"] for schedule in found["schedules"]] == ["first", "office"]


def test_a_moment_that_is_none_is_refused(url: str) -> None:
    assert "422" in playcall(url, "oncall", "--at", "soon", code=1)


def test_calendars_have_addresses_that_answer(url: str) -> None:
    lines = playcall(url, "oncall", "--calendars").splitlines()
    addresses = dict(line.split(": ") for line in lines)
    assert list(addresses) == ["first", "office", "Ada", "Bob", "Cleo"]
    assert all(answers(address) for address in addresses.values())


def test_an_override_is_made_listed_and_removed(url: str) -> None:
    words = ("override", "first", "cleo", "--from", in_hours(0), "--until", in_hours(2))
    with removing_all(url):
        said = playcall(url, *words)
        assert "first: cleo from" in said
        assert said.count("(Europe/Berlin)") == 2
        assert "No --from" not in said
        assert "  cleo until" in playcall(url, "oncall")
        [made] = json.loads(playcall(url, "override", "--list", "--json"))
        assert made["made_by"] == "ada"
        said = playcall(url, "override", "--remove", str(made["id"]))
        assert "removed by ada" in said
        assert "404" in playcall(url, "override", "--remove", str(made["id"]), code=1)
        assert playcall(url, "override", "--list") == "No overrides.\n"
        assert "  cleo until" not in playcall(url, "oncall")


def test_an_override_says_what_it_assumed(url: str) -> None:
    until = (datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(hours=2)).replace(tzinfo=None)
    words = ("override", "first", "cleo", "--until", until.isoformat(timespec="minutes"))
    with removing_all(url):
        _, *assumed = playcall(url, *words).splitlines()
        assert assumed == [
            "No --from was given: it begins now.",
            "Times without an offset were taken in the schedule's zone, Europe/Berlin.",
        ]
        assert "  cleo until" in playcall(url, "oncall")


def test_a_plan_sees_the_overrides_of_the_server(url: str, folder: Path) -> None:
    words = ("override", "first", "cleo", "--from", in_hours(0), "--until", in_hours(2))
    plan = ("plan", str(folder / "playcall.toml"), "--alert", "Any")
    with removing_all(url):
        said = playcall(url, *plan, "--at", in_hours(200))
        assert "(the server keeps no override for this time)" in said
        playcall(url, *words)
        said = playcall(url, *plan)
        found = json.loads(playcall(url, *plan, "--format", "json"))
        later = json.loads(playcall(url, *plan, "--at", in_hours(3), "--format", "json"))
    assert "- first: cleo from" in said
    [alert] = found["alerts"]
    primary = [c["person"] for c in alert["after"] if c["role"] == "On-Call Primary"]
    assert set(primary) == {"cleo"}
    assert [one["person"] for one in found["overrides"]] == ["cleo"]
    assert later["overrides"] == []
    assert all(call["person"] != "cleo" for call in later["alerts"][0]["after"][:1])
    gone = f"http://{HOST}:{free_port()}"
    assert "does not answer" in playcall(gone, *plan, code=1)


def test_a_swap_is_made_from_two_shifts(url: str) -> None:
    [_, mine, theirs, *_] = shifts(url)
    [taker] = theirs["people"]
    words = (mine["starts_at"], mine["ends_at"], theirs["starts_at"], theirs["ends_at"])
    begins, ends, back, end = words
    with removing_all(url):
        swap = ("override", "first", taker, "--from", begins, "--until", ends)
        made = json.loads(playcall(url, *swap, "--swap", back, end, "--json"))
        assert [one["person"] for one in made] == [taker, *mine["people"]]


def shifts(url: str) -> list[dict[str, Any]]:
    found = json.loads(playcall(url, "oncall", "--week", "--json"))
    listed: list[dict[str, Any]] = found["schedules"][0]["shifts"]
    return listed


@contextlib.contextmanager
def removing_all(url: str) -> Iterator[None]:
    yield
    for left in json.loads(playcall(url, "override", "--list", "--json")):
        playcall(url, "override", "--remove", str(left["id"]))


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("first",),
        ("first", "cleo", "--from", "2026-03-29T09:00"),
        ("--remove", "1", "--list"),
        ("first", "cleo", "--remove", "1"),
        ("--list", "--swap", "a", "b"),
    ],
)
def test_an_override_that_is_asked_for_wrongly_is_two(words: tuple[str, ...]) -> None:
    assert playcall("http://127.0.0.1:1", "override", *words, code=2)


def test_a_server_that_is_away_is_said() -> None:
    assert "Is `playcall serve` running?" in playcall("http://127.0.0.1:1", "oncall", code=1)
