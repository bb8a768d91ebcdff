"""A chart as values: what a query measured over a window, with its limit, what happened meanwhile,
and where nothing is known. Drawing it is for others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from playcall.core.plan import Comparison

Point = tuple[datetime, float]
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    name: str  # its labels as PromQL writes them; empty when the query has only one
    points: Sequence[Point]  # finite values, oldest first; where one is missing, nothing is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened: a line down the chart."""

    at: datetime
    text: str
    n: int  # of its event


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    name: str  # for files and addresses: lower case, digits and hyphens
    title: str
    query: str  # PromQL
    unit: str  # "ms", "%", "B/s"; empty when nobody said
    start: datetime
    end: datetime
    step: timedelta  # between two points
    series: Sequence[Series] = ()
    limit: float | None = None  # in the query's unit
    well: Comparison | None = None  # how a value compares with the limit while all is well
    marks: Sequence[Mark] = ()
    trouble: str = ""  # why nothing could be measured, for a person
    left_out: int = 0  # series beyond those that are shown

    @property
    def alarming(self) -> Literal["above", "below", ""]:
        """On which side of the limit; empty: nobody said."""
        if self.limit is None or self.well is None:
            return ""
        return "above" if is_upward(self.well) else "below"


def holes(chart: Chart) -> tuple[Span, ...]:
    """Where none of its series has a value, oldest first: each from the first step that is missing
    to the next one that is there, or to the end."""
    known = {place(chart, at) for one in chart.series for at, _ in one.points}
    found: list[Span] = []
    begun: int | None = None
    for step in range(steps(chart)):
        if step not in known and begun is None:
            begun = step
        elif step in known and begun is not None:
            found.append((_at(chart, begun), _at(chart, step)))
            begun = None
    return (*found, *([] if begun is None else [(_at(chart, begun), chart.end)]))


def runs(series: Series, step: timedelta) -> tuple[tuple[Point, ...], ...]:
    """Its points in pieces without a break: nothing is drawn from one to the next."""
    pieces: list[list[Point]] = []
    for point in series.points:
        if pieces and point[0] - pieces[-1][-1][0] <= step * 1.5:
            pieces[-1].append(point)
        else:
            pieces.append([point])
    return tuple(tuple(piece) for piece in pieces)


def is_upward(well: Comparison | None) -> bool:
    """Whether the greater value is the worse one; so it is, too, where nobody said."""
    return well not in (Comparison.ABOVE, Comparison.AT_LEAST)


def steps(chart: Chart) -> int:
    """How many instants were asked for."""
    return max(0, (chart.end - chart.start) // chart.step + 1)


def place(chart: Chart, at: datetime) -> int:
    """Which of them an instant is, counted from 0."""
    return round((at - chart.start) / chart.step)


def _at(chart: Chart, step: int) -> datetime:
    return chart.start + step * chart.step
