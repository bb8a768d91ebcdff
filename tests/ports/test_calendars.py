"""Calendars, both ways: what we write can be read, and what others wrote becomes shifts."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playcall.calendars import (
    BadCalendar,
    Calendars,
    Reading,
    names_of,
    read_calendar,
    write_calendar,
)
from playcall.core.rota import Imported, Rotation, Schedule, Shift
from playcall.engine.directory import Directory
from playcall.engine.ports import Method, Person
from playcall.rotafile import Feed
from playcall.testing import NOON, SetClock, minutes

BERLIN = ZoneInfo("Europe/Berlin")
START, END = NOON - timedelta(days=10), NOON + timedelta(days=60)
PEOPLE = {"ada": "ada", "ada l.": "ada", "ada@example.org": "ada", "bob": "bob"}


def a_calendar(*entries: str) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x"]
    for number, entry in enumerate(entries):
        uid, stamp = f"UID:{number}@x", "DTSTAMP:20260101T000000Z"
        lines += ["BEGIN:VEVENT", uid, stamp, *entry.split("\n"), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def an_entry(summary: str = "Bob", start: str = "20260301T090000Z", more: str = "") -> str:
    return f"SUMMARY:{summary}\nDTSTART:{start}\nDURATION:PT8H" + (f"\n{more}" if more else "")


def read(data: bytes) -> Reading:
    return read_calendar(data, BERLIN, PEOPLE, START, END)


def starts(reading: Reading) -> list[str]:
    return [f"{shift.starts_at.astimezone(UTC):%m-%d %H:%M}" for shift in reading.shifts]


# --- Out -----------------------------------------------------------------------------------------


def test_what_is_written_can_be_read_again() -> None:
    shifts = [
        Shift(people=("ada",), starts_at=NOON, ends_at=NOON + minutes(60)),
        Shift(people=("bob",), starts_at=NOON + minutes(60), ends_at=NOON + minutes(90)),
    ]
    entries = [("Ada L.", shifts[0]), ("Bob", shifts[1])]
    data = write_calendar("primary; first, of\nall", entries, NOON)
    assert read(data) == Reading(shifts=tuple(shifts))
    lines = data.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert b"X-WR-CALNAME:primary\\; first\\, of\\nall" in data
    assert b"DTSTART:20260301T120000Z" in data
    assert data.count(b"UID:") == 2


def test_an_entry_keeps_its_name_over_time_and_differs_from_every_other() -> None:
    shifts = [Shift(people=("ada",), starts_at=NOON + minutes(n), ends_at=END) for n in (0, 1)]
    entries = [("Ada", shift) for shift in shifts]

    def uids(at: datetime) -> list[bytes]:
        lines = write_calendar("x", entries, at).split(b"\r\n")
        return [line for line in lines if line.startswith(b"UID:")]

    assert uids(NOON) == uids(NOON + minutes(5))
    assert len(set(uids(NOON))) == 2


# --- In ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("summary", "more"),
    [
        ("ADA", ""),
        ("  Ada  L. ", ""),
        ("On call", "ATTENDEE;CN=Ada:mailto:Ada@Example.org"),
        ("On call", "ATTENDEE:mailto:x@example.org\nATTENDEE:MAILTO:ada@example.org"),
    ],
)
def test_an_entry_names_somebody_by_id_name_or_address(summary: str, more: str) -> None:
    [shift] = read(a_calendar(an_entry(summary, more=more))).shifts
    assert shift.people == ("ada",)


def test_an_entry_that_names_nobody_is_told_and_is_no_shift() -> None:
    reading = read(a_calendar(an_entry("Zoe"), an_entry("Bob"), an_entry("Zoe")))
    assert (len(reading.shifts), reading.strangers) == (1, ("zoe",))


def test_repeated_entries_follow_the_wall_clock_and_their_exceptions() -> None:
    rule = "RRULE:FREQ=WEEKLY;COUNT=4\nEXDATE;TZID=Europe/Berlin:20260330T090000"
    entry = an_entry().replace("DTSTART:20260301T090000Z", "DTSTART;TZID=Europe/Berlin:")
    entry = entry.replace("Berlin:", "Berlin:20260316T090000")
    reading = read(a_calendar(f"{entry}\n{rule}"))
    assert starts(reading) == ["03-16 08:00", "03-23 08:00", "04-06 07:00"]


def test_whole_days_and_times_without_a_zone_are_those_of_the_schedule() -> None:
    day = "SUMMARY:Bob\nDTSTART;VALUE=DATE:20260329\nDTEND;VALUE=DATE:20260330"
    [shift] = read(a_calendar(day)).shifts
    assert (shift.starts_at.hour, shift.ends_at.hour) == (23, 22), "the day has 23 hours"
    assert starts(read(a_calendar(an_entry(start="20260701T090000")))) == []
    assert starts(read(a_calendar(an_entry(start="20260401T090000")))) == ["04-01 07:00"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>sign in</html>",
        b"\xff\xfe\x00",
        b"BEGIN:VCALENDAR\r\n",
        a_calendar("SUMMARY:Bob"),
        a_calendar("SUMMARY:Bob\nDTSTART:yesterday"),
        a_calendar(an_entry(more="RRULE:FREQ=SECONDLY")),
        a_calendar(an_entry(start="00010101T000000Z", more="RRULE:FREQ=HOURLY")),
        a_calendar(an_entry(more="rrule:freq=minutely;count=9")),
    ],
)
def test_what_is_no_calendar_is_said(data: bytes) -> None:
    with pytest.raises(BadCalendar):
        read(data)


WHOLE = a_calendar(
    an_entry(more="RRULE:FREQ=WEEKLY;COUNT=4\nATTENDEE:mailto:a@b.c"),
    "SUMMARY:Bob\nDTSTART;VALUE=DATE:20260329\nDTEND;VALUE=DATE:20260330",
)
PIECES = (b"", b"\r\n", b":", b";", b"=", b"TZID=Nowhere", b"99999999", b"BEGIN:VEVENT", b"\xff")


@settings(max_examples=150, deadline=None)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 9), st.sampled_from(PIECES)),
        min_size=1,
        max_size=4,
    )
)
def test_a_damaged_calendar_is_read_or_refused(edits: list[tuple[int, int, bytes]]) -> None:
    data = WHOLE
    for place, length, piece in edits:
        data = data[:place] + piece + data[place + length :]
    with contextlib.suppress(BadCalendar):
        assert isinstance(read(data), Reading)


# --- Kept up to date -----------------------------------------------------------------------------

SOURCE = "https://calendar.example/secret/x.ics"


def a_directory() -> Directory:
    mail = (Method(channel="mail", address="Ada@example.org"),)
    people = (
        Person(id="ada", name="Ada L.", methods=mail),
        Person(id="bob", name="Bob", methods=()),
    )
    rotation = Rotation(
        people=("ada",), turn=timedelta(days=1), hand_off=time(0), starts_on=date(2026, 1, 1)
    )
    schedule = Schedule(name="first", zone=BERLIN, layers=(rotation, Imported(shifts=())))
    return Directory(
        people={person.id: person for person in people}, roles={}, schedules={"first": schedule}
    )


class Server:
    """Somebody's calendar server, which may fail."""

    def __init__(self) -> None:
        self.data = a_calendar(an_entry("Bob", "20260301T110000Z"))
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.status == 0:
            raise httpx.ConnectError("refused")
        return httpx.Response(self.status, content=self.data)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def calendars(server: Server, tmp_path: Path) -> AsyncIterator[Calendars]:
    directory = a_directory()
    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
        yield Calendars(
            feeds=(Feed(schedule="first", layer=1, source=SOURCE),),
            people=names_of(directory),
            directory=directory,
            client=client,
            copies=tmp_path / "calendars",
            clock=SetClock(),
        )


def on_call(calendars: Calendars) -> list[str]:
    return [person.id for person in calendars.directory.behind("first", NOON)]


def test_people_are_named_by_id_name_and_address() -> None:
    assert names_of(a_directory()) == {**PEOPLE}


async def test_a_calendar_becomes_a_layer(calendars: Calendars) -> None:
    assert on_call(calendars) == ["ada"]
    await calendars.refresh()
    assert on_call(calendars) == ["bob"]
    assert calendars.directory.trouble("first") == ""


@pytest.mark.parametrize("status", [0, 302, 404, 500])
async def test_a_server_that_fails_leaves_the_last_good_copy_and_is_told(
    calendars: Calendars, server: Server, status: int
) -> None:
    await calendars.refresh()
    server.status = status
    await calendars.refresh()
    assert on_call(calendars) == ["bob"]
    trouble = calendars.directory.trouble("first")
    assert trouble.startswith("the calendar calendar.example was not read: ")
    assert "secret" not in trouble
    server.status = 200
    await calendars.refresh()
    assert calendars.directory.trouble("first") == ""


async def test_a_text_that_is_no_calendar_leaves_the_last_good_copy(
    calendars: Calendars, server: Server
) -> None:
    await calendars.refresh()
    for data in (b"<html>", a_calendar(an_entry()) + b" " * 6_000_000):
        server.data = data
        await calendars.refresh()
        assert on_call(calendars) == ["bob"]
        assert "was not read" in calendars.directory.trouble("first")


async def test_a_copy_outlives_the_process(calendars: Calendars, server: Server) -> None:
    await calendars.refresh()
    calendars.directory.import_shifts("first", 1, ())
    assert on_call(calendars) == ["ada"]
    await calendars.recall()
    assert on_call(calendars) == ["bob"]


async def test_before_any_copy_the_other_layers_hold(calendars: Calendars, server: Server) -> None:
    server.status = 500
    await calendars.recall()
    await calendars.refresh()
    assert on_call(calendars) == ["ada"]
    assert "500" in calendars.directory.trouble("first")


async def test_strangers_in_a_calendar_are_told_and_the_next_layer_is_asked(
    calendars: Calendars, server: Server
) -> None:
    server.data = a_calendar(an_entry("Zoe", "20260301T110000Z"))
    await calendars.refresh()
    assert on_call(calendars) == ["ada"]
    assert "names who is not among people: zoe" in calendars.directory.trouble("first")


async def test_a_file_is_a_calendar_too(calendars: Calendars, tmp_path: Path) -> None:
    path = tmp_path / "team.ics"
    path.write_bytes(a_calendar(an_entry("Bob", "20260301T110000Z")))
    local = replace(calendars, feeds=(Feed(schedule="first", layer=1, source=str(path)),))
    await local.refresh()
    assert on_call(local) == ["bob"]
    path.unlink()
    await local.refresh()
    assert on_call(local) == ["bob"]
    assert str(path) in local.directory.trouble("first")
