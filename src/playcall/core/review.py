"""The metrics review of an incident, as values: what its queries measured, in charts, and the
numbers that its post-mortem tells. It is kept, because Prometheus forgets."""

from dataclasses import dataclass, replace
from datetime import datetime

from playcall.core.chart import Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number for the post-mortem, and what it was computed from."""

    name: str  # "Migrations affected"
    text: str  # for people, complete: "Migrations affected: 1,204"
    value: float | None  # None: nothing was measured, and `text` says why
    unit: str  # of the value; "" for a share and for a number of things
    query: str  # PromQL, as it was asked
    how: str  # how the value came from the query's answer
    n: int = 0  # of the event that put it on file


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    charts: tuple[Chart, ...]
    figures: tuple[Figure, ...]
    measured_at: datetime
    start: datetime  # of the charts
    end: datetime
    fired_at: datetime  # of the incident; the figures are of this part
    over_at: datetime
    n: int = 0  # of the event that says that it was measured
    left_out: int = 0  # queries beyond those that were asked

    def chart(self, name: str) -> Chart | None:
        return next((one for one in self.charts if one.name == name), None)

    @property
    def troubled(self) -> int:
        """How many of its charts could not be measured."""
        return sum(1 for one in self.charts if one.trouble)

    @property
    def points(self) -> int:
        return sum(_points(one) for one in self.charts)


def joined(earlier: Review, review: Review) -> Review:
    """Of the same part of time, with what could be measured earlier and cannot be any more:
    Prometheus forgets."""
    if (earlier.fired_at, earlier.over_at) != (review.fired_at, review.over_at):
        return review
    charts = tuple(_better(earlier.chart(one.name), one) for one in review.charts)
    known = {one.name: one for one in earlier.figures if one.value is not None}
    figures = tuple(
        known.get(one.name, one) if one.value is None else one for one in review.figures
    )
    return replace(review, charts=charts, figures=figures)


def _better(earlier: Chart | None, chart: Chart) -> Chart:
    if earlier is None or earlier.query != chart.query or _points(earlier) <= _points(chart):
        return chart
    return earlier


def _points(chart: Chart) -> int:
    return sum(len(one.points) for one in chart.series)


def worth_keeping(earlier: Review, review: Review) -> bool:
    """Whether it says more than the earlier one."""
    if (earlier.fired_at, earlier.over_at) != (review.fired_at, review.over_at):
        return True
    if review.troubled != earlier.troubled:
        return review.troubled < earlier.troubled
    return _answered(earlier) < _answered(review) or earlier.points < review.points


def _answered(review: Review) -> int:
    return sum(1 for one in review.figures if one.value is not None)


def numbered(earlier: Review | None, review: Review, n: int) -> Review:
    """As event `n` put it on file; a number that is the same as before belongs to the earlier one,
    so that its line in a post-mortem stays as it is."""
    known = {(one.name, one.text, one.query): one.n for one in (earlier.figures if earlier else ())}
    figures = tuple(
        replace(one, n=known.get((one.name, one.text, one.query), n)) for one in review.figures
    )
    return replace(review, n=n, figures=figures)


def address(incident: int, chart: Chart) -> str:
    """Of a chart's picture, on the server."""
    return f"/incidents/{incident}/charts/{chart.name}.svg"
