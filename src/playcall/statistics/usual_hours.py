"""Which hours of a window are like those at its end: by the clock of a zone, so that a change to
summer time moves nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playcall.core.hours import instant, wall_clock

AROUND = timedelta(hours=1)  # before and after the same time
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    spans: tuple[Span, ...]  # oldest first
    words: str  # "the same hours of the week"


def usual_hours(end: datetime, recent: timedelta, window: timedelta, zone: ZoneInfo) -> Hours:
    """Whatever is in the window that ends at `end`, without its latest part, `recent`."""
    if window < DAY:
        return Hours(spans=((end - window, end - recent),), words="all of it")
    every, words = (WEEK, "week") if window >= WEEK else (DAY, "day")
    spans = tuple(_spans(end, recent, window, every, zone))
    return Hours(spans=spans, words=f"the same hours of the {words}")


def _spans(
    end: datetime, recent: timedelta, window: timedelta, every: timedelta, zone: ZoneInfo
) -> Iterator[Span]:
    """They never overlap each other, nor the latest part."""
    around = min(AROUND, (every - recent) / 2)
    until = wall_clock(end, zone)
    for back in range(window // every, 0, -1):
        wall = until - back * every
        starts = instant(wall - recent - around, zone)
        yield starts, min(instant(wall + around, zone), end - recent)
