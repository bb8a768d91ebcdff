"""A schedule as people read it: sources, days of a clock that changes, what is next."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from playcall.core import rota
from playcall.core.hours import read_window
from playcall.core.load import loads
from playcall.core.roster import AHEAD, days, midnight, outlook, pieces
from playcall.core.rota import Override, Rotation, Schedule, Shift, StoredOverride, in_force

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2026, 3, 23, 0, 0, tzinfo=UTC)  # the clocks change on Sunday the 29th


def a_layer(*people: str, only: str = "") -> Rotation:
    window = read_window(only) if only else None
    return Rotation(
        people=people,
        turn=DAY,
        hand_off=time(9),
        starts_on=date(2026, 1, 5),
        windows=(window,) if window else (),
    )


def an_override(number: int, person: str, starts_at: datetime, ends_at: datetime) -> StoredOverride:
    asked = Override(schedule="first", person=person, starts_at=starts_at, ends_at=ends_at)
    return StoredOverride(id=number, asked=asked, made_by="ada", made_at=MONDAY)


SCHEDULE = Schedule(
    name="first",
    zone=BERLIN,
    layers=(a_layer("ada", "bob", only="mon-fri 09:00-21:00"), a_layer("kim", only="18:00-24:00")),
)
STORED = (
    an_override(1, "bob", MONDAY + 10 * HOUR, MONDAY + 14 * HOUR),
    an_override(2, "cleo", MONDAY + 12 * HOUR, MONDAY + 13 * HOUR),
    replace(an_override(3, "dan", MONDAY, MONDAY + DAY), removed_by="x", removed_at=MONDAY),
)


def test_each_piece_says_its_source_and_the_last_override_wins() -> None:
    found = pieces(SCHEDULE, MONDAY, MONDAY + DAY, STORED)
    said = [
        (one.starts_at.hour, one.people, one.layer, one.override and one.override.id)
        for one in found
    ]
    assert said == [
        (0, (), None, None),
        (8, ("bob",), 0, None),
        (10, ("bob",), None, 1),
        (12, ("cleo",), None, 2),
        (13, ("bob",), None, 1),
        (14, ("bob",), 0, None),
        (17, ("kim",), 1, None),
        (23, (), None, None),
    ]


def test_pieces_say_the_same_as_the_schedule() -> None:
    end = MONDAY + 14 * DAY
    stored = (*STORED, an_override(4, "eve", MONDAY + 100 * HOUR, MONDAY + 140 * HOUR))
    for one in pieces(SCHEDULE, MONDAY, end, stored):
        middle = one.starts_at + (one.ends_at - one.starts_at) / 2
        assert one.people == rota.on_call(SCHEDULE, middle, in_force(stored))
    gaps = [one for one in pieces(SCHEDULE, MONDAY, end, stored) if not one.people]
    told = rota.gaps(SCHEDULE, MONDAY, end, in_force(stored))
    assert [(one.starts_at, one.ends_at) for one in gaps] == [
        (one.starts_at, one.ends_at) for one in told
    ]


@pytest.mark.parametrize(
    ("first", "hours"), [(date(2026, 3, 23), 23), (date(2026, 10, 19), 25), (date(2026, 7, 6), 24)]
)
def test_days_are_of_the_readers_clock_and_whole_where_the_clocks_change(
    first: date, hours: int
) -> None:
    begins, ends = midnight(first, BERLIN), midnight(first + 7 * DAY, BERLIN)
    week = days(pieces(SCHEDULE, begins, ends, ()), BERLIN, first, 7)
    lengths = [(day.ends_at - day.starts_at) / HOUR for day in week]
    assert lengths == [24] * 6 + [hours]
    for day in week:
        edges = [edge for one in day.pieces for edge in (one.starts_at, one.ends_at)]
        assert (edges[0], edges[-1]) == (day.starts_at, day.ends_at)
        assert edges[1:-1:2] == edges[2:-1:2], "nothing is missing between them"


@pytest.mark.parametrize("after", [0, 9, 23, 4 * 24 + 22])
def test_the_outlook_says_what_the_schedule_answers_one_by_one(after: int) -> None:
    at = MONDAY + after * HOUR
    found = outlook(SCHEDULE, at, in_force(STORED))
    overrides = in_force(STORED)
    assert found.people == rota.on_call(SCHEDULE, at, overrides)
    assert found.until == rota.until(SCHEDULE, at, overrides)
    assert found.following == rota.next_shift(SCHEDULE, at, overrides)
    assert found.gaps == rota.gaps(SCHEDULE, at, at + AHEAD, overrides)


def test_an_outlook_without_an_end() -> None:
    alone = Schedule(name="one", zone=BERLIN, layers=(a_layer("ada"),))
    assert outlook(alone, MONDAY, ()).until is None
    nobody = outlook(Schedule(name="none", zone=BERLIN, layers=()), MONDAY, ())
    assert (nobody.people, nobody.until, nobody.following) == ((), None, None)
    assert len(nobody.gaps) == 1


def test_load_counts_nights_and_weekends_by_each_persons_own_clock() -> None:
    friday = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)
    both = Shift(people=("ada", "nyx"), starts_at=friday, ends_at=friday + DAY)
    again = replace(both, people=("ada",))  # another schedule at the same time
    pages = [("ada", friday + 9 * HOUR), ("ada", friday + 10 * HOUR), ("nyx", friday)]
    zones = {"ada": BERLIN, "nyx": ZoneInfo("America/New_York")}
    ada, nyx, idle = loads([both, again], pages, zones, ["ada", "idle"])
    assert (ada.person, nyx.person, idle.person) == ("ada", "nyx", "idle")
    assert (ada.on_call, ada.nights, ada.weekends) == (DAY, 9 * HOUR, 13 * HOUR)
    assert (nyx.on_call, nyx.nights, nyx.weekends) == (DAY, 9 * HOUR, 8 * HOUR)
    assert (ada.pages, ada.pages_at_night, nyx.pages_at_night) == (2, 2, 0)
    assert (ada.over, idle.over, idle.on_call) == (8 * HOUR, -16 * HOUR, timedelta())
