"""The metrics review in a post-mortem, as Markdown: a picture of each chart with its main facts in
words, and its numbers. What was not measured is said."""

from collections.abc import Iterator
from datetime import UTC, datetime

from playcall.core.chart import Chart, Span, holes
from playcall.core.chart_numbers import Kept, Numbers, kept, numbers
from playcall.core.plan import Comparison
from playcall.core.report_facts import plain
from playcall.core.review import Review, address
from playcall.core.review_figures import say_exactly, say_share
from playcall.core.wording import say_value

MOST_HOLES = 3  # that are told one by one
HEADING = "Metrics"
_COLUMNS = ("min", "median", "p95", "max", "last", "beyond the limit", "not measured")


def impact(review: Review, incident: int, url: str | None) -> list[str]:
    """A line for each figure, with links to its event and to all numbers."""
    where = "" if url is None else f", [numbers]({url}/api/v1/incidents/{incident}/review)"
    return [
        f"- {plain(figure.text)}{_link(figure.n, incident, url, where)}"
        for figure in review.figures
    ]


def _link(n: int, incident: int, url: str | None, more: str) -> str:
    return "" if url is None else f" ([{n}]({url}/incidents/{incident}#event-{n}){more})"


def section(review: Review, incident: int, url: str | None, marks: str) -> list[str]:
    """What stands below its heading; `marks` are the heading's."""
    span = say_span((review.start, review.end))
    lines = [f"Measured {say_at(review.measured_at)}, {span}.{_files(review, incident, url)}"]
    if review.left_out:
        lines += ["", f"{review.left_out} more queries were not asked."]
    for chart in review.charts:
        lines += ["", f"{marks}# {plain(chart.title)}", "", *_chart(chart, review, incident, url)]
    return lines


def _files(review: Review, incident: int, url: str | None) -> str:
    if url is None:
        return ""
    api = f"{url}/api/v1/incidents/{incident}"
    links = f"[JSON]({api}/review), [CSV]({api}/review.csv), [dashboard]({api}/dashboard.json)"
    return f" {links}{_link(review.n, incident, url, '')}"


def _chart(chart: Chart, review: Review, incident: int, url: str | None) -> Iterator[str]:
    if url is not None:
        yield f"![{plain(describe(chart, review))}]({url}{address(incident, chart)})"
        yield ""
    if chart.trouble:
        yield f"Not measured: {plain(chart.trouble)}"
        return
    found = numbers(chart, review.fired_at, review.over_at)
    if found:
        yield from _table(chart, found, _kept(chart, review))
    else:
        yield "Between the alert and the end there is no data."
    notes = [*_limits(chart), *say_holes(chart)]
    yield from (["", *(f"- {plain(note)}" for note in notes)] if notes else [])


def _table(chart: Chart, found: Numbers, limit: Kept) -> list[str]:
    values = (found.least, found.median, found.p95, found.most, found.last)
    row = [say_value(value, chart.unit) for value in values]
    row += [say_exactly(limit.beyond) if chart.alarming else "no limit"]
    row += [say_share(limit.unmeasured)]
    return [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|", f"| {' | '.join(row)} |"]


def _kept(chart: Chart, review: Review) -> Kept:
    """Where there is no limit, only what was measured counts."""
    limit = float("inf") if chart.limit is None else chart.limit
    return kept(chart, limit, chart.well or Comparison.AT_MOST, review.fired_at, review.over_at)


def _limits(chart: Chart) -> Iterator[str]:
    if len(chart.series) > 1:
        yield f"Of {len(chart.series)} series, at each instant the worst"
    if chart.left_out:
        yield f"{chart.left_out} more series are left out"


def describe(chart: Chart, review: Review) -> str:
    """For people who do not see the picture."""
    if chart.trouble:
        return f"{chart.title}: not measured, {chart.trouble}"
    found = numbers(chart, chart.start, chart.end)
    if found is None:
        return f"{chart.title}: no data {say_span((chart.start, chart.end))}"
    low, high = (say_value(value, chart.unit) for value in (found.least, found.most))
    said = f"{chart.title} {say_span((chart.start, chart.end))}: from {low} to {high}"
    if chart.limit is not None:
        said += f", limit {say_value(chart.limit, chart.unit)}"
        if chart.alarming:
            limit = _kept(chart, review)
            whole = say_exactly(limit.whole)
            said += f", beyond it for {say_exactly(limit.beyond)} of {whole} of the incident"
    return "; ".join([said, *say_holes(chart)])


def say_holes(chart: Chart) -> list[str]:
    found = holes(chart)
    said = [f"nothing is known {say_span(hole)}" for hole in found[:MOST_HOLES]]
    more = len(found) - MOST_HOLES
    return [*said, f"and in {more} more holes"] if more > 0 else said


def say_span(span: Span) -> str:
    """'from 10:12:00 to 10:15:00 UTC (3 min)', with days when there are several."""
    start, end = (at.astimezone(UTC) for at in span)
    day = "%Y-%m-%d " if start.date() != end.date() else ""
    lasted = say_exactly(end - start)
    return f"from {start:{day}%H:%M:%S} to {end:{day}%H:%M:%S} UTC ({lasted})"


def say_at(at: datetime) -> str:
    return f"at {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
