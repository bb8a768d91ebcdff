"""The numbers of a chart over a part of it. A reading stands until the next step; where one is
missing, nothing is known, and nothing is assumed. A quantile is a value that was measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from playcall.core.chart import Chart, Point, is_upward, place
from playcall.core.judge import satisfies
from playcall.core.plan import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Of the worst series at each instant."""

    least: float
    median: float
    p95: float
    most: float
    last: float
    worst: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How long a limit was kept, of the time that was looked at."""

    beyond: timedelta
    measured: timedelta
    whole: timedelta
    worst: Point | None  # None: nothing was measured

    @property
    def unmeasured(self) -> float:
        """A share, 0 to 1."""
        return 1 - self.measured / self.whole if self.whole else float(self.worst is None)


def worst(chart: Chart, well: Comparison | None = None) -> list[Point]:
    """One value for each instant that has any: the worst of all series."""
    pick = max if is_upward(well or chart.well) else min
    values: dict[int, float] = {}
    for series in chart.series:
        for at, value in series.points:
            step = place(chart, at)
            values[step] = pick(values.get(step, value), value)
    return [(chart.start + step * chart.step, values[step]) for step in sorted(values)]


def numbers(chart: Chart, start: datetime, end: datetime) -> Numbers | None:
    """None: nothing was measured in that time."""
    points = [point for point in worst(chart) if start <= point[0] <= end]
    if not points:
        return None
    values = sorted(value for _, value in points)
    return Numbers(
        least=values[0],
        median=quantile(values, 0.5),
        p95=quantile(values, 0.95),
        most=values[-1],
        last=points[-1][1],
        worst=_worst_of(points, chart.well),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def kept(chart: Chart, limit: float, well: Comparison, start: datetime, end: datetime) -> Kept:
    """How long a limit was kept between two instants."""
    points = [point for point in worst(chart, well) if start - chart.step < point[0] <= end]
    beyond = measured = timedelta()
    for at, value in points:
        stands = max(timedelta(), min(at + chart.step, end) - max(at, start))
        measured += stands
        beyond += timedelta() if satisfies(value, well, limit) else stands
    inside = [point for point in points if point[0] >= start] or points
    return Kept(
        beyond=beyond,
        measured=measured,
        whole=end - start,
        worst=_worst_of(inside, well) if inside else None,
    )


def _worst_of(points: Sequence[Point], well: Comparison | None) -> Point:
    pick = max if is_upward(well) else min
    return pick(points, key=lambda point: point[1])
