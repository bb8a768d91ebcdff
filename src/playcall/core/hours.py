"""Hours of the week as people write them ('mon-fri 09:00-17:00'), and wall-clock times as instants,
nights without one and nights with two included."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_SPAN = re.compile(r"(?P<days>[a-z, -]+?)?\s*(?:(?P<begins>[\d:]+)\s*-\s*(?P<ends>[\d:]+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The same hours on some days of the week; hours that end at or before their beginning end on
    the next day."""

    weekdays: frozenset[int]  # on which it begins; Monday is 0
    begins: time
    ends: time

    def length(self) -> timedelta:
        """By the wall clock."""
        begins, ends = (datetime.combine(date.min, at) for at in (self.begins, self.ends))
        return ends - begins if ends > begins else ends - begins + _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From one instant up to another, which is not in it."""

    starts_at: datetime
    ends_at: datetime


def read_window(text: str) -> Window | None:
    """'mon-fri 09:00-17:00', 'sat, sun', '22:00-06:00'; None for what is no such thing."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None or not (found["days"] or found["begins"]):
        return None
    weekdays = _read_weekdays(found["days"]) if found["days"] else frozenset(range(7))
    begins = read_time(found["begins"] or "00:00")
    ends = read_time("00:00" if found["ends"] in (None, "24:00") else found["ends"])
    if not weekdays or begins is None or ends is None:
        return None
    return Window(weekdays=weekdays, begins=begins, ends=ends)


def read_time(text: str) -> time | None:
    """'09:00'; None for what is no time of day."""
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text)
    return time(int(found[1]), int(found[2])) if found else None


def read_weekday(text: str) -> int | None:
    """'mon', 'Monday'; None for what is no day of the week."""
    word = text.strip().lower()
    known = {day[:3]: day for day in ("monday", "tuesday", "wednesday", "thursday", "friday")}
    known |= {"sat": "saturday", "sun": "sunday"}
    whole = known.get(word[:3])
    return WEEKDAYS.index(word[:3]) if whole and word in (word[:3], whole) else None


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """When the clocks of a zone first show a time, or have jumped over it; later times of the wall
    clock never give earlier instants."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall_clock(first, zone) == wall:
        return first
    low = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)  # before the jump
    while first - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(first - low) // timedelta(seconds=2))
        low, first = (low, middle) if wall_clock(middle, zone) >= wall else (middle, first)
    return first


def wall_clock(at: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks of a zone show, without the zone."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def covers(windows: Iterable[Window], zone: ZoneInfo, at: datetime) -> bool:
    """Whether an instant lies in one of the windows."""
    margin = timedelta(microseconds=1)
    return bool(open_spans(tuple(windows), zone, at, at + margin))


def open_spans(
    windows: tuple[Window, ...], zone: ZoneInfo, start: datetime, end: datetime
) -> tuple[Span, ...]:
    """When the windows are open between two instants, in order and apart from each other."""
    first, last = wall_clock(start, zone).date() - 2 * _DAY, wall_clock(end, zone).date() + _DAY
    spans = []
    for day in (first + n * _DAY for n in range((last - first).days + 1)):
        for window in windows:
            if day.weekday() in window.weekdays:
                begins = datetime.combine(day, window.begins)
                opens = max(instant(begins, zone), start)
                closes = min(instant(begins + window.length(), zone), end)
                if opens < closes:
                    spans.append(Span(starts_at=opens, ends_at=closes))
    return joined(spans)


def meets(windows: tuple[Window, ...], begins: datetime, ends: datetime) -> bool:
    """Whether the windows are open at any time between two times of the wall clock."""
    days = range(-2, (ends - begins).days + 2)
    for day in ((begins + n * _DAY).date() for n in days):
        for window in windows:
            opens = datetime.combine(day, window.begins)
            closes = opens + window.length()
            if day.weekday() in window.weekdays and opens < ends and closes > begins:
                return True
    return False


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for span in sorted(spans, key=lambda one: one.starts_at):
        if joined and span.starts_at <= joined[-1].ends_at:
            ends_at = max(joined[-1].ends_at, span.ends_at)
            joined[-1] = Span(starts_at=joined[-1].starts_at, ends_at=ends_at)
        else:
            joined.append(span)
    return tuple(joined)


def _read_weekdays(text: str) -> frozenset[int]:
    """'mon-fri, sun'; nothing for what is no such thing."""
    found: set[int] = set()
    for part in re.split(r"[\s,]+", re.sub(r"\s*-\s*", "-", text.strip(" ,"))):
        first, dash, last = part.partition("-")
        begins, ends = read_weekday(first), read_weekday(last if dash else first)
        if begins is None or ends is None:
            return frozenset()
        found |= {(begins + n) % 7 for n in range((ends - begins) % 7 + 1)}
    return frozenset(found)
