"""Who is on call: rotations in layers, restricted to hours, and overrides above them.

Hand-offs follow the wall clock of the schedule's zone, days are days of the calendar, and a later
layer wins over an earlier one wherever it covers a moment. Instants are aware; people are ids.
"""

import bisect
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from playcall.core.hours import WEEK, Span, Window, covers, instant, meets, open_spans, wall_clock

DAY = timedelta(days=1)
LOOK_AHEAD = (timedelta(days=14), timedelta(days=100), timedelta(days=800))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """People who take turns, in order."""

    people: tuple[str, ...]
    turn: timedelta  # whole days or whole hours, by the calendar and the wall clock
    hand_off: time
    starts_on: date  # the first turn begins on this day
    weekday: int | None = None  # of every hand-off, when turns are whole weeks; Monday is 0
    windows: tuple[Window, ...] = ()  # on call only then; none: always

    @property
    def unit(self) -> timedelta:
        """What is counted: whole weeks and hours as they are, other days one by one, so that days
        on which nobody is on call use up nobody's turn."""
        return DAY if self.turn % DAY == timedelta() and self.turn % WEEK else self.turn

    @property
    def anchor(self) -> datetime:
        """The hand-off, by the wall clock, from which units are counted."""
        back = 0 if self.weekday is None else (self.starts_on.weekday() - self.weekday) % 7
        return datetime.combine(self.starts_on - back * DAY, self.hand_off)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """People who are on call from one instant up to another."""

    people: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """Shifts that somebody else's calendar says; they may overlap."""

    shifts: tuple[Shift, ...]


Layer = Rotation | Imported


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    name: str
    zone: ZoneInfo
    layers: tuple[Layer, ...]  # a later one wins over an earlier one
    part_time: bool = False  # gaps are meant


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Somebody is on call instead of whoever would be; a swap is two of them."""

    schedule: str
    person: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOverride:
    """An override as it was asked for, and who ended it before its time; never forgotten."""

    id: int
    asked: Override
    made_by: str
    made_at: datetime
    removed_by: str | None = None
    removed_at: datetime | None = None
    reason: str = ""  # as whoever made it wrote it

    def in_force(self) -> Override | None:
        """What it does: nothing from the moment it was removed; None when it never did anything."""
        if self.removed_at is None or self.removed_at >= self.asked.ends_at:
            return self.asked
        if self.removed_at <= self.asked.starts_at:
            return None
        return replace(self.asked, ends_at=self.removed_at)


def in_force(stored: Sequence[StoredOverride]) -> tuple[Override, ...]:
    """What overrides do, the last one made last."""
    return tuple(override for one in stored if (override := one.in_force()))


def on_call(
    schedule: Schedule, at: datetime, overrides: Sequence[Override] = ()
) -> tuple[str, ...]:
    """Who is on call at an instant; nobody is a gap. Of overrides the last one wins."""
    for override in reversed(_of(schedule, overrides)):
        if override.starts_at <= at < override.ends_at:
            return (override.person,)
    for layer in reversed(schedule.layers):
        people = _on_layer(layer, schedule.zone, at)
        if people:
            return people
    return ()


def shifts(
    schedule: Schedule, start: datetime, end: datetime, overrides: Sequence[Override] = ()
) -> tuple[Shift, ...]:
    """Everybody's shifts between two instants, in order, cut off at both; none overlap."""
    timeline: Sequence[Shift] = ()
    for layer in schedule.layers:
        timeline = _painted(timeline, layer_shifts(layer, schedule.zone, start, end))
    return _merged(_painted(timeline, _asked(_of(schedule, overrides), start, end)))


def layer_shifts(layer: Layer, zone: ZoneInfo, start: datetime, end: datetime) -> tuple[Shift, ...]:
    """What one layer says between two instants, in order and without overlap."""
    if isinstance(layer, Imported):
        return _flattened(_cut(layer.shifts, start, end))
    turns = _turns(layer, zone, start, end)
    if not layer.windows:
        return _merged(turns)
    spans = open_spans(layer.windows, zone, start, end)
    kept = [piece for turn in turns for piece in _within(turn, spans)]
    return _merged(kept)


def next_shift(
    schedule: Schedule,
    at: datetime,
    overrides: Sequence[Override] = (),
    person: str | None = None,
) -> Shift | None:
    """The first shift, of anybody or of one person, that begins after an instant and within about
    two years; its end is cut off there."""
    for ahead in LOOK_AHEAD:
        for shift in shifts(schedule, at, at + ahead, overrides):
            later = shift.starts_at > at and shift.ends_at < at + ahead
            last = shift.starts_at > at and ahead == LOOK_AHEAD[-1]
            if (later or last) and (person is None or person in shift.people):
                return shift
    return None


def until(schedule: Schedule, at: datetime, overrides: Sequence[Override] = ()) -> datetime | None:
    """When whoever is on call at an instant, or the gap then, ends; None: not within two years."""
    for ahead in LOOK_AHEAD:
        end = at + ahead
        found = shifts(schedule, at, end, overrides)
        first = found[0] if found else None
        if first is None:
            continue
        ends_at = first.ends_at if first.starts_at <= at else first.starts_at
        if ends_at < end:
            return ends_at
    return None


def gaps(
    schedule: Schedule, start: datetime, end: datetime, overrides: Sequence[Override] = ()
) -> tuple[Span, ...]:
    """When nobody is on call between two instants."""
    found, reached = [], start
    for shift in shifts(schedule, start, end, overrides):
        if shift.starts_at > reached:
            found.append(Span(starts_at=reached, ends_at=shift.starts_at))
        reached = shift.ends_at
    if reached < end:
        found.append(Span(starts_at=reached, ends_at=end))
    return tuple(found)


def overlaps(
    schedule: Schedule, start: datetime, end: datetime, overrides: Sequence[Override] = ()
) -> tuple[Shift, ...]:
    """Where two say that they are on call with the same right: entries of one imported calendar,
    or overrides by different people. A layer above another is no overlap: that is what it is for.
    """
    asked = [
        Shift(people=(one.person,), starts_at=one.starts_at, ends_at=one.ends_at)
        for one in _of(schedule, overrides)
    ]
    claims = [layer.shifts for layer in schedule.layers if isinstance(layer, Imported)]
    found = [
        shift
        for claimed in (*claims, tuple(asked))
        for shift in _flattened(_cut(claimed, start, end))
        if len(shift.people) > 1
    ]
    return tuple(sorted(found, key=lambda shift: shift.starts_at))


# --- One rotation --------------------------------------------------------------------------------


def _on_layer(layer: Layer, zone: ZoneInfo, at: datetime) -> tuple[str, ...]:
    if isinstance(layer, Imported):
        there = [shift for shift in layer.shifts if shift.starts_at <= at < shift.ends_at]
        return _everybody(there)
    if at < _first(layer, zone) or (layer.windows and not covers(layer.windows, zone, at)):
        return ()
    return (_whose(layer)(_unit_at(layer, zone, at)),)


def _turns(rotation: Rotation, zone: ZoneInfo, start: datetime, end: datetime) -> list[Shift]:
    """The units that meet the time between two instants, each with its person."""
    start = max(start, _first(rotation, zone))
    if start >= end:
        return []
    whose = _whose(rotation)
    unit = _unit_at(rotation, zone, start)
    begins, found = start, []
    while begins < end:
        unit += 1
        ends = min(_boundary(rotation, zone, unit), end)
        if ends > begins:
            found.append(Shift(people=(whose(unit - 1),), starts_at=begins, ends_at=ends))
            begins = ends
    return found


def _first(rotation: Rotation, zone: ZoneInfo) -> datetime:
    return instant(datetime.combine(rotation.starts_on, rotation.hand_off), zone)


def _boundary(rotation: Rotation, zone: ZoneInfo, unit: int) -> datetime:
    return instant(rotation.anchor + unit * rotation.unit, zone)


def _unit_at(rotation: Rotation, zone: ZoneInfo, at: datetime) -> int:
    """The unit that an instant lies in: a guess by the wall clock, mended where clocks jumped."""
    unit = (wall_clock(at, zone) - rotation.anchor) // rotation.unit
    while _boundary(rotation, zone, unit) > at:
        unit -= 1
    while _boundary(rotation, zone, unit + 1) <= at:
        unit += 1
    return unit


def _whose(rotation: Rotation) -> Callable[[int], str]:
    """Whose turn a unit is. Units in which nobody is on call are not counted, or else days off
    would always fall to the same people."""
    per_turn = rotation.turn // rotation.unit
    counted = _counted(rotation)

    def whose(unit: int) -> str:
        rounds, rest = divmod(unit, len(counted) - 1)
        turn = (rounds * counted[-1] + counted[rest]) // per_turn
        return rotation.people[turn % len(rotation.people)]

    return whose


@lru_cache(maxsize=256)
def _counted(rotation: Rotation) -> tuple[int, ...]:
    """How many of the first units count, for each number of units until weekdays repeat."""
    hours = rotation.unit // timedelta(hours=1)
    units = math.lcm(hours, 168) // hours
    counted = [0]
    for unit in range(units):
        begins = rotation.anchor + unit * rotation.unit
        counts = not rotation.windows or meets(rotation.windows, begins, begins + rotation.unit)
        counted.append(counted[-1] + counts)
    return tuple(counted)


# --- Timelines: shifts in order, without overlap -------------------------------------------------


def _of(schedule: Schedule, overrides: Sequence[Override]) -> list[Override]:
    return [one for one in overrides if one.schedule.lower() == schedule.name.lower()]


def _asked(overrides: Sequence[Override], start: datetime, end: datetime) -> Sequence[Shift]:
    """What overrides alone come to: beginning with the last one made, which nothing covers."""
    timeline: Sequence[Shift] = ()
    for one in reversed(overrides):
        whole = Shift(people=(one.person,), starts_at=one.starts_at, ends_at=one.ends_at)
        timeline = _painted(_cut((whole,), start, end), timeline)
    return timeline


def _cut(some: Iterable[Shift], start: datetime, end: datetime) -> tuple[Shift, ...]:
    cut = (
        Shift(people=s.people, starts_at=max(s.starts_at, start), ends_at=min(s.ends_at, end))
        for s in some
    )
    return tuple(shift for shift in cut if shift.starts_at < shift.ends_at)


def _within(shift: Shift, spans: Sequence[Span]) -> tuple[Shift, ...]:
    first = bisect.bisect_right([span.ends_at for span in spans], shift.starts_at)
    found: list[Shift] = []
    for span in spans[first:]:
        if span.starts_at >= shift.ends_at:
            break
        found += _cut((shift,), span.starts_at, span.ends_at)
    return tuple(found)


def _painted(below: Sequence[Shift], above: Sequence[Shift]) -> tuple[Shift, ...]:
    """Two timelines as one, in which the second wins."""
    free: list[Shift] = []
    ends = [shift.ends_at for shift in above]
    for shift in below:
        begins = shift.starts_at
        for cover in above[bisect.bisect_right(ends, begins) :]:
            if cover.starts_at >= shift.ends_at:
                break
            free += _cut((shift,), begins, cover.starts_at)
            begins = cover.ends_at
        free += _cut((shift,), begins, shift.ends_at)
    return tuple(sorted((*free, *above), key=lambda shift: shift.starts_at))


def _flattened(some: Sequence[Shift]) -> tuple[Shift, ...]:
    """Shifts that may overlap as a timeline, with everybody who is there at each moment."""
    edges = sorted({edge for shift in some for edge in (shift.starts_at, shift.ends_at)})
    ordered = sorted(some, key=lambda shift: shift.starts_at)
    timeline, there, coming = [], list[Shift](), 0
    for begins, ends in pairwise(edges):
        while coming < len(ordered) and ordered[coming].starts_at <= begins:
            there.append(ordered[coming])
            coming += 1
        there = [shift for shift in there if shift.ends_at > begins]
        if there:
            timeline.append(Shift(people=_everybody(there), starts_at=begins, ends_at=ends))
    return _merged(timeline)


def _everybody(there: Iterable[Shift]) -> tuple[str, ...]:
    """In one order, whatever the order of a calendar."""
    return tuple(sorted({person for shift in there for person in shift.people}))


def _merged(timeline: Iterable[Shift]) -> tuple[Shift, ...]:
    merged: list[Shift] = []
    for shift in timeline:
        last = merged[-1] if merged else None
        if last and last.people == shift.people and last.ends_at == shift.starts_at:
            merged[-1] = Shift(people=last.people, starts_at=last.starts_at, ends_at=shift.ends_at)
        else:
            merged.append(shift)
    return tuple(merged)
