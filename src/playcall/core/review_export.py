"""A metrics review for other programs: its numbers as one document, and line by line."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from playcall.core.chart import Chart, holes
from playcall.core.chart_numbers import kept, numbers
from playcall.core.review import Review, address

HEADER = ("chart", "title", "unit", "series", "at", "value")


def as_document(review: Review, incident: int) -> dict[str, Any]:
    """Instants and all: whatever writes JSON knows how to say them."""
    return {
        "incident": incident,
        "event": review.n,
        "measured_at": review.measured_at,
        "start": review.start,
        "end": review.end,
        "fired_at": review.fired_at,
        "over_at": review.over_at,
        "left_out": review.left_out,
        "figures": [asdict(one) for one in review.figures],
        "charts": [_chart(chart, review, incident) for chart in review.charts],
    }


def _chart(chart: Chart, review: Review, incident: int) -> dict[str, Any]:
    return {
        "name": chart.name,
        "title": chart.title,
        "query": chart.query,
        "unit": chart.unit,
        "picture": address(incident, chart),
        "start": chart.start,
        "end": chart.end,
        "step_seconds": chart.step.total_seconds(),
        "limit": chart.limit,
        "well": chart.well,
        "trouble": chart.trouble,
        "left_out": chart.left_out,
        "numbers": _numbers(chart, review),
        "holes": [{"start": start, "end": end} for start, end in holes(chart)],
        "marks": [asdict(mark) for mark in chart.marks],
        "series": [{"name": one.name, "points": one.points} for one in chart.series],
    }


def _numbers(chart: Chart, review: Review) -> dict[str, Any] | None:
    """Between the alert and the end, of the worst series at each instant."""
    found = numbers(chart, review.fired_at, review.over_at)
    if found is None:
        return None
    known: dict[str, Any] = {
        "min": found.least,
        "median": found.median,
        "p95": found.p95,
        "max": found.most,
        "last": found.last,
    }
    if chart.limit is None or chart.well is None:
        return known
    limit = kept(chart, chart.limit, chart.well, review.fired_at, review.over_at)
    return known | {
        "seconds": limit.whole.total_seconds(),
        "seconds_beyond": limit.beyond.total_seconds(),
        "unmeasured": limit.unmeasured,
        "worst": limit.worst[1] if limit.worst else None,
        "worst_at": limit.worst[0] if limit.worst else None,
    }


def as_rows(review: Review) -> Iterator[tuple[str, str, str, str, str, float]]:
    """A row for each point. Where nothing is known, there is none."""
    for chart in review.charts:
        for series in chart.series:
            for at, value in series.points:
                yield chart.name, chart.title, chart.unit, series.name, _said(at), value


def _said(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
