"""Who is on call: at every instant, over nights that clocks change in, fairly, and with every gap
told."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playcall.core.hours import Window, instant, open_spans, read_window, wall_clock
from playcall.core.rota import (
    Imported,
    Layer,
    Override,
    Rotation,
    Schedule,
    Shift,
    gaps,
    layer_shifts,
    next_shift,
    on_call,
    overlaps,
    shifts,
    until,
)

BERLIN = ZoneInfo("Europe/Berlin")
# A jump of half an hour, a zone that left out a whole day, and both halves of the world.
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = date(2026, 3, 2)
WORKING_HOURS = read_window("mon-fri 09:00-17:00")
assert WORKING_HOURS


def a_rotation(
    *people: str, turn: timedelta = DAY, hand_off: str = "09:00", **more: object
) -> Rotation:
    known: dict[str, object] = {"starts_on": MONDAY, **more}
    return Rotation(people=people, turn=turn, hand_off=time.fromisoformat(hand_off), **known)  # type: ignore[arg-type]


def a_schedule(*layers: Layer, zone: str = "Europe/Berlin") -> Schedule:
    return Schedule(name="primary", zone=ZoneInfo(zone), layers=layers)


def berlin(text: str) -> datetime:
    """'2026-03-29 09:00' in Berlin; `+` behind it means the second of two."""
    wall = datetime.fromisoformat(text.rstrip("+")).replace(tzinfo=BERLIN)
    return wall.replace(fold=1 if text.endswith("+") else 0)


def by(person: str, start: str, end: str, schedule: str = "primary") -> Override:
    return Override(schedule=schedule, person=person, starts_at=berlin(start), ends_at=berlin(end))


def shift(people: str, start: str, end: str) -> Shift:
    return Shift(people=tuple(people.split()), starts_at=berlin(start), ends_at=berlin(end))


def days_of(rotation: Rotation, count: int, zone: str = "Europe/Berlin") -> list[str]:
    """Who is on call on each day, at noon; '-' for nobody."""
    schedule = a_schedule(rotation, zone=zone)
    noon = datetime.combine(rotation.starts_on, time(12), ZoneInfo(zone))
    return ["".join(on_call(schedule, noon + n * DAY)) or "-" for n in range(count)]


# --- Rotations -----------------------------------------------------------------------------------


def test_people_take_turns_by_day_and_nobody_is_on_call_before_the_first() -> None:
    schedule = a_schedule(a_rotation("ada", "bob"))
    assert on_call(schedule, berlin("2026-03-02 08:59")) == ()
    assert on_call(schedule, berlin("2026-03-02 09:00")) == ("ada",)
    assert on_call(schedule, berlin("2026-03-03 08:59")) == ("ada",)
    assert on_call(schedule, berlin("2026-03-03 09:00")) == ("bob",)


def test_weeks_change_on_their_weekday_although_the_first_is_shorter() -> None:
    weeks = a_rotation("ada", "bob", turn=7 * DAY, starts_on=date(2026, 3, 5), weekday=0)
    assert shifts(a_schedule(weeks), berlin("2026-03-01 00:00"), berlin("2026-03-16 09:00")) == (
        shift("ada", "2026-03-05 09:00", "2026-03-09 09:00"),
        shift("bob", "2026-03-09 09:00", "2026-03-16 09:00"),
    )


def test_turns_of_three_days_and_of_twelve_hours() -> None:
    assert "".join(days_of(a_rotation("a", "b", turn=3 * DAY), 8)) == "aaabbbaa"
    halves = a_schedule(a_rotation("day", "night", turn=12 * HOUR, hand_off="08:00"))
    assert on_call(halves, berlin("2026-07-01 19:59")) == ("day",)
    assert on_call(halves, berlin("2026-07-01 20:00")) == ("night",), "summer changes nothing"


def test_a_later_layer_wins_where_it_covers_a_moment() -> None:
    nights = read_window("22:00-06:00")
    assert nights
    follow = a_schedule(a_rotation("ada"), a_rotation("kim", windows=(nights,)))
    start, end = berlin("2026-03-04 12:00"), berlin("2026-03-05 12:00")
    assert shifts(follow, start, end) == (
        shift("ada", "2026-03-04 12:00", "2026-03-04 22:00"),
        shift("kim", "2026-03-04 22:00", "2026-03-05 06:00"),
        shift("ada", "2026-03-05 06:00", "2026-03-05 12:00"),
    )


def test_the_sun_is_followed_by_three_layers() -> None:
    sites = {"bea": "08:00-16:00", "cal": "16:00-00:00", "syd": "00:00-08:00"}
    windows = {person: read_window(hours) for person, hours in sites.items()}
    layers = [a_rotation(p, windows=(w,), hand_off="00:00") for p, w in windows.items() if w]
    schedule = a_schedule(*layers)
    start = berlin("2026-03-02 00:00")
    assert gaps(schedule, start, start + 100 * DAY) == ()
    people = [s.people[0] for s in shifts(schedule, start, start + 2 * DAY)]
    assert people == ["syd", "bea", "cal"] * 2


# --- Nights that clocks change in ----------------------------------------------------------------


def test_a_hand_off_on_a_night_without_its_time_is_when_the_clock_jumps_over_it() -> None:
    schedule = a_schedule(a_rotation("ada", "bob", hand_off="02:30"))
    found = shifts(schedule, berlin("2026-03-28 12:00"), berlin("2026-03-30 12:00"))
    assert [s.starts_at.astimezone(UTC).isoformat() for s in found[1:]] == [
        "2026-03-29T01:00:00+00:00",  # 03:00, an hour that begins at 02:00
        "2026-03-30T00:30:00+00:00",
    ]


def test_a_hand_off_on_a_night_with_two_of_it_is_at_the_first() -> None:
    schedule = a_schedule(a_rotation("ada", "bob", hand_off="02:30"))
    before, after = berlin("2026-10-25 02:29"), berlin("2026-10-25 02:30")
    assert on_call(schedule, before) != on_call(schedule, after)
    assert on_call(schedule, after) == on_call(schedule, berlin("2026-10-25 02:29+"))
    assert on_call(schedule, after) == on_call(schedule, berlin("2026-10-25 02:30+"))


def test_days_are_days_of_the_calendar_and_not_of_24_hours() -> None:
    schedule = a_schedule(a_rotation("ada", "bob"))
    found = shifts(schedule, berlin("2026-03-27 09:00"), berlin("2026-04-01 09:00"))
    assert [(s.ends_at - s.starts_at) / HOUR for s in found] == [24, 23, 24, 24, 24]
    assert {wall_clock(s.starts_at, BERLIN).hour for s in found} == {9}


def test_a_day_that_a_zone_left_out_leaves_half_a_turn_to_two_people() -> None:
    apia = a_schedule(
        a_rotation("a", "b", "c", hand_off="12:00", starts_on=date(2011, 12, 26)),
        zone="Pacific/Apia",
    )
    noon = datetime(2011, 12, 26, 22, tzinfo=UTC)
    found = shifts(apia, noon, noon + 7 * DAY)
    assert {s.ends_at - s.starts_at for s in found[:-1]} == {DAY, 12 * HOUR}
    for a, b in pairwise(found):
        assert a.ends_at == b.starts_at


@given(
    zone=st.sampled_from(ZONES),
    wall=st.datetimes(datetime(2011, 12, 1), datetime(2027, 1, 1)),
    more=st.timedeltas(timedelta(), 2 * DAY),
)
def test_later_on_the_clock_is_never_earlier_in_time(
    zone: str, wall: datetime, more: timedelta
) -> None:
    wall, more = wall.replace(microsecond=0), timedelta(seconds=int(more.total_seconds()))
    there = ZoneInfo(zone)
    at = instant(wall, there)
    assert at <= instant(wall + more, there)
    assert wall_clock(at, there) >= wall
    assert wall_clock(at - timedelta(seconds=1), there) < wall or wall_clock(at, there) == wall


# --- Properties ----------------------------------------------------------------------------------

PEOPLE = ("ada", "bob", "cleo", "dan", "eve")
_windows = st.builds(
    Window,
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    begins=st.times(time(0), time(23)).map(
        lambda at: at.replace(minute=0, second=0, microsecond=0)
    ),
    ends=st.times(time(0), time(23)).map(lambda at: at.replace(second=0, microsecond=0)),
)
_starts = st.dates(date(2026, 3, 1), date(2026, 10, 20))
_rotations = st.builds(
    Rotation,
    people=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=5).map(tuple),
    turn=st.one_of(
        st.integers(1, 100).map(lambda n: n * HOUR), st.integers(1, 21).map(lambda n: n * DAY)
    ),
    hand_off=st.sampled_from([time(0), time(1, 30), time(2), time(2, 30), time(9), time(23, 45)]),
    starts_on=_starts,
    weekday=st.none(),
    windows=st.lists(_windows, max_size=2).map(tuple),
)
_spans = st.tuples(
    st.datetimes(datetime(2026, 3, 20), datetime(2026, 11, 3), timezones=st.just(UTC)),
    st.timedeltas(timedelta(minutes=1), timedelta(days=9)),
).map(lambda pair: (pair[0], pair[0] + pair[1]))
_overrides = st.builds(
    lambda person, span: Override(
        schedule="primary", person=person, starts_at=span[0], ends_at=span[1]
    ),
    st.sampled_from(PEOPLE),
    _spans,
)
_imported = st.lists(
    st.builds(
        lambda person, span: Shift(people=(person,), starts_at=span[0], ends_at=span[1]),
        st.sampled_from(PEOPLE),
        _spans,
    ),
    max_size=4,
).map(lambda some: Imported(shifts=tuple(some)))
_schedules = st.builds(
    lambda zone, layers: a_schedule(*layers, zone=zone),
    st.sampled_from(ZONES),
    st.lists(st.one_of(_rotations, _imported), min_size=1, max_size=3),
)


@settings(max_examples=150, deadline=None)
@given(
    schedule=_schedules,
    overrides=st.lists(_overrides, max_size=3),
    span=_spans,
    part=st.floats(0, 1),
)
def test_every_instant_has_the_people_that_its_shift_names(
    schedule: Schedule, overrides: list[Override], span: tuple[datetime, datetime], part: float
) -> None:
    start, end = span
    found = shifts(schedule, start, end, overrides)
    for a, b in pairwise(found):
        assert a.ends_at <= b.starts_at
        assert a.ends_at < b.starts_at or a.people != b.people
    edges = [edge for s in found for edge in (s.starts_at, s.ends_at - timedelta(seconds=1))]
    for at in (start, start + part * (end - start), *edges):
        if start <= at < end:
            there = [s.people for s in found if s.starts_at <= at < s.ends_at]
            assert on_call(schedule, at, overrides) == (there[0] if there else ())


@settings(max_examples=100, deadline=None)
@given(schedule=_schedules, overrides=st.lists(_overrides, max_size=3), span=_spans)
def test_gaps_and_shifts_are_the_whole_time(
    schedule: Schedule, overrides: list[Override], span: tuple[datetime, datetime]
) -> None:
    start, end = span
    pieces = [
        *((s.starts_at, s.ends_at) for s in shifts(schedule, start, end, overrides)),
        *((g.starts_at, g.ends_at) for g in gaps(schedule, start, end, overrides)),
    ]
    pieces.sort()
    assert pieces[0][0] == start
    assert pieces[-1][1] == end
    assert all(a[1] == b[0] for a, b in pairwise(pieces))


@settings(max_examples=100, deadline=None)
@given(rotation=_rotations, zone=st.sampled_from(ZONES), span=_spans)
def test_turns_of_a_layer_tile_its_hours(
    rotation: Rotation, zone: str, span: tuple[datetime, datetime]
) -> None:
    start, end = span
    there = ZoneInfo(zone)
    first = instant(datetime.combine(rotation.starts_on, rotation.hand_off), there)
    open_ = open_spans(rotation.windows, there, max(start, first), end) if rotation.windows else ()
    wanted = sum((s.ends_at - s.starts_at for s in open_), timedelta())
    if not rotation.windows:
        wanted = max(end - max(start, first), timedelta())
    found = layer_shifts(rotation, there, start, end)
    assert sum((s.ends_at - s.starts_at for s in found), timedelta()) == wanted
    assert all(a.ends_at <= b.starts_at for a, b in pairwise(found))


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 9),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    days=st.sampled_from([1, 2, 3, 7, 14]),
)
def test_days_off_are_nobodys_turn_so_that_everybody_has_as_many(
    count: int, weekdays: frozenset[int], days: int
) -> None:
    people = [f"p{n}" for n in range(count)]
    window = Window(weekdays=weekdays, begins=time(0), ends=time(0))
    rotation = a_rotation(*people, turn=days * DAY, hand_off="00:00", windows=(window,))
    served = Counter(days_of(rotation, 7 * days * count, zone="UTC"))
    del served["-"]
    assert set(served) == set(people)
    assert len(set(served.values())) == 1


def test_a_week_of_five_days_moves_everybody_through_all_of_them() -> None:
    """Four people from Monday to Friday: nobody has every Monday."""
    window = read_window("mon-fri")
    assert window
    days = days_of(a_rotation("a", "b", "c", "d", hand_off="00:00", windows=(window,)), 28)
    assert "".join(days[:14]) == "abcda--bcdab--"
    assert {days[n] for n in range(0, 28, 7)} == {"a", "b", "c", "d"}


# --- Overrides -----------------------------------------------------------------------------------


def test_an_override_is_on_call_for_its_time_and_the_last_one_wins() -> None:
    schedule = a_schedule(a_rotation("ada"))
    asked = (
        by("bob", "2026-03-04 10:00", "2026-03-04 18:00"),
        by("cleo", "2026-03-04 12:00", "2026-03-04 14:00"),
        by("dan", "2026-03-04 00:00", "2026-03-05 00:00", schedule="another"),
    )
    assert shifts(schedule, berlin("2026-03-04 09:00"), berlin("2026-03-04 20:00"), asked) == (
        shift("ada", "2026-03-04 09:00", "2026-03-04 10:00"),
        shift("bob", "2026-03-04 10:00", "2026-03-04 12:00"),
        shift("cleo", "2026-03-04 12:00", "2026-03-04 14:00"),
        shift("bob", "2026-03-04 14:00", "2026-03-04 18:00"),
        shift("ada", "2026-03-04 18:00", "2026-03-04 20:00"),
    )
    assert on_call(schedule, berlin("2026-03-04 18:00"), asked) == ("ada",)


def test_an_override_fills_a_gap() -> None:
    schedule = a_schedule(a_rotation("ada", windows=(WORKING_HOURS,)))
    asked = (by("bob", "2026-03-07 00:00", "2026-03-08 00:00"),)
    assert on_call(schedule, berlin("2026-03-07 12:00")) == ()
    assert on_call(schedule, berlin("2026-03-07 12:00"), asked) == ("bob",)


# --- What is told --------------------------------------------------------------------------------


def test_gaps_are_found_to_the_minute() -> None:
    schedule = a_schedule(a_rotation("ada", windows=(WORKING_HOURS,)))
    found = gaps(schedule, berlin("2026-03-06 09:00"), berlin("2026-03-09 12:00"))
    assert [(g.starts_at, g.ends_at) for g in found] == [
        (berlin("2026-03-06 17:00"), berlin("2026-03-09 09:00"))
    ]


def test_two_entries_at_once_are_an_overlap_and_both_are_on_call() -> None:
    entries = Imported(
        shifts=(
            shift("bob", "2026-03-04 09:00", "2026-03-04 13:00"),
            shift("ada", "2026-03-04 12:00", "2026-03-04 18:00"),
        )
    )
    schedule = a_schedule(a_rotation("cleo"), entries)
    start, end = berlin("2026-03-04 00:00"), berlin("2026-03-05 00:00")
    assert overlaps(schedule, start, end) == (
        shift("ada bob", "2026-03-04 12:00", "2026-03-04 13:00"),
    )
    assert on_call(schedule, berlin("2026-03-04 12:30")) == ("ada", "bob")
    assert overlaps(a_schedule(a_rotation("a"), a_rotation("b")), start, end) == ()


def test_overrides_by_different_people_at_once_are_an_overlap() -> None:
    asked = (
        by("bob", "2026-03-04 10:00", "2026-03-04 18:00"),
        by("cleo", "2026-03-04 12:00", "2026-03-04 14:00"),
    )
    start, end = berlin("2026-03-04 00:00"), berlin("2026-03-05 00:00")
    assert overlaps(a_schedule(a_rotation("ada")), start, end, asked) == (
        shift("bob cleo", "2026-03-04 12:00", "2026-03-04 14:00"),
    )


def test_the_next_shift_of_anybody_and_of_one_person() -> None:
    schedule = a_schedule(a_rotation("ada", "bob", "cleo", turn=7 * DAY))
    at = berlin("2026-03-04 12:00")
    assert next_shift(schedule, at) == shift("bob", "2026-03-09 09:00", "2026-03-16 09:00")
    assert next_shift(schedule, at, person="ada") == shift(
        "ada", "2026-03-23 09:00", "2026-03-30 09:00"
    )
    assert next_shift(schedule, at, person="zoe") is None


def test_until_when_somebody_or_nobody_is_on_call() -> None:
    schedule = a_schedule(a_rotation("ada", windows=(WORKING_HOURS,)))
    assert until(schedule, berlin("2026-03-04 12:00")) == berlin("2026-03-04 17:00")
    assert until(schedule, berlin("2026-03-04 18:00")) == berlin("2026-03-05 09:00")
    assert until(a_schedule(a_rotation("ada")), berlin("2026-03-04 12:00")) is None
    assert until(a_schedule(Imported(shifts=())), berlin("2026-03-04 12:00")) is None


# --- Hours in words ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "weekdays", "begins", "ends"),
    [
        ("mon-fri 09:00-17:00", {0, 1, 2, 3, 4}, time(9), time(17)),
        ("Sat, Sun", {5, 6}, time(0), time(0)),
        ("fri-mon 22:00 - 06:00", {4, 5, 6, 0}, time(22), time(6)),
        ("22:00-24:00", set(range(7)), time(22), time(0)),
        ("monday tuesday 00:00-12:30", {0, 1}, time(0), time(12, 30)),
    ],
)
def test_hours_are_read_as_people_write_them(
    text: str, weekdays: set[int], begins: time, ends: time
) -> None:
    window = Window(weekdays=frozenset(weekdays), begins=begins, ends=ends)
    assert read_window(text) == window


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "someday",
        "mon-",
        "-fri",
        "9-17",
        "mon 9:00-17:00",
        "25:00-26:00",
        "mon 09:00",
        "mond",
        "mon--fri",
        "mon-fri-sun",
        "09:60-10:00",
        ",",
        "24:00-01:00",
    ],
)
def test_what_are_no_hours_is_not_read(text: str) -> None:
    assert read_window(text) is None
