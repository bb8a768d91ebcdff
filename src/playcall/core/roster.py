"""A schedule as people read it: pieces of time that say which layer or override they come from, day
by day of somebody's own clock, and what is next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from playcall.core import rota
from playcall.core.hours import Span, instant, wall_clock
from playcall.core.rota import Schedule, Shift, StoredOverride

DAY = timedelta(days=1)
AHEAD = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of the final schedule, from one source."""

    people: tuple[str, ...]  # nobody: a gap
    starts_at: datetime
    ends_at: datetime
    layer: int | None = None  # its place among the layers, from 0; None: an override, or a gap
    override: StoredOverride | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day of a calendar, and what is in it; a piece is cut at midnight."""

    date: date
    starts_at: datetime
    ends_at: datetime
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Who is on call at an instant, who follows, and when nobody will be."""

    people: tuple[str, ...]  # nobody: a gap
    until: datetime | None  # None: not within two years
    following: Shift | None
    gaps: tuple[Span, ...]
    shifts: tuple[Shift, ...]  # of AHEAD


def pieces(
    schedule: Schedule, start: datetime, end: datetime, stored: Sequence[StoredOverride]
) -> tuple[Piece, ...]:
    """Everything between two instants, gaps included, in order and without overlap. What wins is
    put in first: the last override, then the last layer."""
    free: list[Span] = [Span(starts_at=start, ends_at=end)] if start < end else []
    found: list[Piece] = []
    for one in reversed(stored):
        does = one.in_force()
        if does is None or does.schedule.lower() != schedule.name.lower():
            continue
        piece = Piece(
            people=(does.person,), starts_at=does.starts_at, ends_at=does.ends_at, override=one
        )
        free = _take(free, piece, found)
    for number in reversed(range(len(schedule.layers))):
        for shift in rota.layer_shifts(schedule.layers[number], schedule.zone, start, end):
            piece = Piece(
                people=shift.people,
                starts_at=shift.starts_at,
                ends_at=shift.ends_at,
                layer=number,
            )
            free = _take(free, piece, found)
    found += [Piece(people=(), starts_at=gap.starts_at, ends_at=gap.ends_at) for gap in free]
    return tuple(sorted(found, key=lambda piece: piece.starts_at))


def _take(free: Iterable[Span], piece: Piece, found: list[Piece]) -> list[Span]:
    """What stays free after a piece; what it got goes to `found`."""
    left: list[Span] = []
    for span in free:
        begins, ends = max(span.starts_at, piece.starts_at), min(span.ends_at, piece.ends_at)
        if begins >= ends:
            left.append(span)
            continue
        found.append(replace(piece, starts_at=begins, ends_at=ends))
        if span.starts_at < begins:
            left.append(Span(starts_at=span.starts_at, ends_at=begins))
        if ends < span.ends_at:
            left.append(Span(starts_at=ends, ends_at=span.ends_at))
    return left


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return instant(datetime.combine(day, time()), zone)


def days(whole: Sequence[Piece], zone: ZoneInfo, first: date, count: int) -> tuple[Day, ...]:
    """By the clock of a zone: a day has 23 or 25 hours where the clocks change."""
    found, here = [], 0
    for day in (first + n * DAY for n in range(count)):
        starts_at, ends_at = midnight(day, zone), midnight(day + DAY, zone)
        while here < len(whole) and whole[here].ends_at <= starts_at:
            here += 1
        inside: list[Piece] = []
        for piece in whole[here:]:
            if piece.starts_at >= ends_at:
                break
            cut = (max(piece.starts_at, starts_at), min(piece.ends_at, ends_at))
            inside.append(replace(piece, starts_at=cut[0], ends_at=cut[1]))
        found.append(Day(date=day, starts_at=starts_at, ends_at=ends_at, pieces=tuple(inside)))
    return tuple(found)


def week_of(day: date) -> date:
    """Its Monday."""
    return day - timedelta(days=day.weekday())


def local_day(at: datetime, zone: ZoneInfo) -> date:
    return wall_clock(at, zone).date()


def outlook(schedule: Schedule, at: datetime, overrides: Sequence[rota.Override]) -> Outlook:
    """One look at the schedule for what `rota` answers one by one."""
    end = at + AHEAD
    shifts = rota.shifts(schedule, at, end, overrides)
    now = next((shift for shift in shifts if shift.starts_at <= at), None)
    edge = now.ends_at if now else shifts[0].starts_at if shifts else end
    following = next((shift for shift in shifts if shift.starts_at > at), None)
    if following is None or following.ends_at == end:
        following = rota.next_shift(schedule, at, overrides)
    return Outlook(
        people=now.people if now else (),
        until=edge if edge < end else rota.until(schedule, at, overrides),
        following=following,
        gaps=_gaps(shifts, at, end),
        shifts=shifts,
    )


def _gaps(shifts: Sequence[Shift], start: datetime, end: datetime) -> tuple[Span, ...]:
    found, reached = [], start
    for shift in shifts:
        if shift.starts_at > reached:
            found.append(Span(starts_at=reached, ends_at=shift.starts_at))
        reached = shift.ends_at
    if reached < end:
        found.append(Span(starts_at=reached, ends_at=end))
    return tuple(found)
