"""What being on call asks of each person: hours, nights and weekends by their own clock, pages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from playcall.core.hours import Span, Window, joined, open_spans
from playcall.core.insights import NIGHT_FROM, NIGHT_UNTIL
from playcall.core.rota import Shift

_NIGHTS = (Window(weekdays=frozenset(range(7)), begins=NIGHT_FROM, ends=NIGHT_UNTIL),)
_WEEKENDS = (Window(weekdays=frozenset({5, 6}), begins=time(), ends=time()),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Of one person, in some days."""

    person: str
    on_call: timedelta
    nights: timedelta  # of it, between 22 and 7
    weekends: timedelta  # of it, on Saturday and Sunday
    pages: int
    pages_at_night: int
    over: timedelta  # more than an even share; less when below zero


def loads(
    shifts: Iterable[Shift],
    pages: Iterable[tuple[str, datetime]],
    zones: Mapping[str, ZoneInfo],
    everybody: Iterable[str] = (),
) -> tuple[Load, ...]:
    """Most hours first. `zones` are people's, UTC is everybody else's; `everybody` shares evenly,
    and whoever was on call. Two schedules at once are one time."""
    spans: dict[str, list[Span]] = {person: [] for person in everybody}
    for shift in shifts:
        for person in shift.people:
            there = Span(starts_at=shift.starts_at, ends_at=shift.ends_at)
            spans.setdefault(person, []).append(there)
    merged = {person: joined(some) for person, some in spans.items()}
    even = sum(map(_length, merged.values()), timedelta()) / max(len(merged), 1)
    paged: dict[str, list[datetime]] = {}
    for person, at in pages:
        paged.setdefault(person, []).append(at)
    found = [
        _load(person, some, paged.get(person, ()), zones.get(person, ZoneInfo("UTC")), even)
        for person, some in merged.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.on_call, -one.pages, one.person)))


def _load(
    person: str, spans: Sequence[Span], paged: Sequence[datetime], zone: ZoneInfo, even: timedelta
) -> Load:
    on_call = _length(spans)
    local = [at.astimezone(zone).time() for at in paged]
    return Load(
        person=person,
        on_call=on_call,
        nights=_within(spans, _NIGHTS, zone),
        weekends=_within(spans, _WEEKENDS, zone),
        pages=len(paged),
        pages_at_night=sum(at >= NIGHT_FROM or at < NIGHT_UNTIL for at in local),
        over=on_call - even,
    )


def _length(spans: Iterable[Span]) -> timedelta:
    return sum((span.ends_at - span.starts_at for span in spans), timedelta())


def _within(spans: Sequence[Span], windows: tuple[Window, ...], zone: ZoneInfo) -> timedelta:
    if not spans:
        return timedelta()
    opened = open_spans(windows, zone, spans[0].starts_at, spans[-1].ends_at)
    total, first = timedelta(), 0
    for span in spans:
        while first < len(opened) and opened[first].ends_at <= span.starts_at:
            first += 1
        for one in opened[first:]:
            if one.starts_at >= span.ends_at:
                break
            total += min(one.ends_at, span.ends_at) - max(one.starts_at, span.starts_at)
    return total
