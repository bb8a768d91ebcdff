"""The numbers that a post-mortem tells of an incident: how long each limit was not kept, from the
charts; what is asked of Prometheus once, over the whole incident. Each says how it came about."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from playcall.core.chart import Chart, Span
from playcall.core.chart_numbers import Kept, kept, numbers, worst
from playcall.core.plan import Criterion, Plan, Play
from playcall.core.review import Figure
from playcall.core.review_asks import Window, flat, judged, well
from playcall.core.wording import say_value

WINDOW = "$window"  # in the query of a figure: how long the incident lasted
_COUNTED = re.compile(
    r"\b(?:errors?|fail\w*|migrations?|requests?|jobs?|orders?|messages?|users?|losses|lost|drop\w*)\b",
    re.IGNORECASE,
)
_SHARE = re.compile(
    r"\b(?:compliance|availab\w+|uptime|success\w*|share|ratio|errors?|fail\w*|sla|slo)\b",
    re.IGNORECASE,
)
# A counter's rate, and nothing beside it: over the whole incident it is a number of things.
_COUNTER = re.compile(
    r"(?:sum\s*(?:(?:by|without)\s*\([^()]*\)\s*)?\(\s*)?(?:i?rate|increase)\s*\("
    r"\s*(?P<selector>[^()\[\]]+?)\s*\[[^\[\]]+\]\s*\)\s*\)?(?:\s*by\s*\([^()]*\))?"
)
_INCREASE = re.compile(r"(?P<head>\bincrease\s*\([^()\[\]]+)\[[^\[\]]+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A number that Prometheus is asked for once, as of the end of the incident."""

    name: str
    query: str
    unit: str
    how: str
    after: str = ""  # what is said behind the number


def questions(plan: Plan, window: Window) -> tuple[Question, ...]:
    """The settings' figures, then the facts, then the named queries that count something; no name
    and no query twice."""
    found: list[Question] = []
    for one in _questions(plan, window):
        known = {name for other in found for name in (other.name.casefold(), flat(other.query))}
        if not known & {one.name.casefold(), flat(one.query)}:
            found.append(one)
    return tuple(found)


def _questions(plan: Plan, window: Window) -> Iterator[Question]:
    lasted = promql_duration(window.lasted)
    whole = f"over the {say_exactly(window.lasted)} of the incident"
    for figure in plan.response.review.figures:
        query = figure.promql.replace(WINDOW, lasted)
        how = f"[review] of the settings, asked as of the end, {WINDOW} = {lasted}"
        yield Question(name=figure.name, query=query, unit=figure.unit, how=how)
    for fact in plan.response.updates.facts:
        query = _INCREASE.sub(rf"\g<head>[{lasted}]", fact.promql)
        after = "" if query != fact.promql else " when it ended"
        how = f"[facts] of the settings, {'as of the end' if after else whole}"
        yield Question(name=fact.name, query=query, unit="", how=how, after=after)
    for named in plan.queries:
        counter = _COUNTER.fullmatch(flat(named.promql))
        if counter and _COUNTED.search(named.name):
            query = f"sum(increase({counter['selector']}[{lasted}]))"
            how = f'the counter of the document\'s query "{named.name}", {whole}'
            yield Question(name=named.name, query=query, unit="", how=how, after=" in all")


def answer(question: Question, value: float | None, why: str = "") -> Figure:
    """`why`: what is said instead of a number that is not there."""
    known = value is not None and math.isfinite(value)
    if value is not None and known:
        text = f"{question.name}: {say_number(value)}{_unit(question.unit)}{question.after}"
    else:
        text = f"{question.name}: not known, {why or 'Prometheus has no number for it'}"
    return Figure(
        name=question.name,
        text=text,
        value=value if known else None,
        unit=question.unit,
        query=question.query,
        how=question.how,
    )


def from_charts(charts: Sequence[Chart], play: Play | None, span: Span) -> tuple[Figure, ...]:
    by_query = {chart.query: chart for chart in charts}
    found = [
        _limit(criterion, chart, span)
        for criterion in judged(play)
        if (chart := by_query.get(flat(criterion.query or "")))
    ]
    return (*found, *(share for chart in charts for share in _share(chart, span)))


def _limit(criterion: Criterion, chart: Chart, span: Span) -> Figure:
    """How long one criterion was violated."""
    wanted = well(criterion)
    found = kept(chart, criterion.threshold, wanted, *span)
    limit = f"{wanted} {criterion.written}"
    every = say_exactly(chart.step)
    return Figure(
        name=f"SLA minutes, {chart.title} {limit}",
        text=_said(f"{chart.title} {limit}", criterion, chart, span, found),
        value=found.beyond.total_seconds() / 60 if found.worst else None,
        unit="min",
        query=chart.query,
        how=f"time in which it was not {limit}, between alert and resolution, read every {every}; "
        "of several series the worst counts; where a reading is missing, nothing is counted",
    )


def _said(what: str, criterion: Criterion, chart: Chart, span: Span, found: Kept) -> str:
    whole = say_exactly(found.whole)
    if found.worst is None:
        return f"SLA, {what}: not known, {chart.trouble or f'no data in these {whole}'}"
    at, value = found.worst
    worst_ = f"worst {_in_its_unit(value, criterion)} at {say_clock(at, span)}"
    missing = say_share(found.unmeasured)
    gap = f"; {missing} of the time was not measured" if found.unmeasured > 0 else ""
    return f"SLA, {what}: violated for {say_exactly(found.beyond)} of {whole}; {worst_}{gap}"


def _in_its_unit(value: float, criterion: Criterion) -> str:
    if criterion.written.rstrip().endswith("%"):
        return f"{value * 100:.3g} %"
    return say_value(value, criterion.unit)


def _share(chart: Chart, span: Span) -> Iterator[Figure]:
    """Of a query that is a share by its name and by its values: its mean."""
    found = numbers(chart, *span)
    if chart.unit or not _SHARE.search(chart.title) or found is None:
        return
    if found.least < 0 or found.most > 1:
        return
    inside = [v for at, v in worst(chart) if span[0] <= at <= span[1]]
    mean, (at, lowest) = math.fsum(inside) / len(inside), found.worst
    yield Figure(
        name=f"{chart.title} on average",
        text=f"{chart.title}: {mean * 100:.3g} % on average, "
        f"{lowest * 100:.3g} % at worst at {say_clock(at, span)}",
        value=mean,
        unit="",
        query=chart.query,
        how=f"mean of {len(inside)} readings between alert and resolution",
    )


# --- how they are said ---------------------------------------------------------------------------


def promql_duration(lasted: timedelta) -> str:
    return f"{max(1, math.ceil(lasted.total_seconds()))}s"


def say_number(value: float) -> str:
    """Things are counted as whole ones: Prometheus extrapolates between two scrapes."""
    if value and abs(value) < 10:
        return f"{value:.2g}"
    return f"{value:,.0f}"


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""


def say_share(share: float) -> str:
    """'under 1 %', '12 %'."""
    return "under 1 %" if 0 < share < 0.01 else f"{share * 100:.0f} %"


def say_exactly(duration: timedelta) -> str:
    """To the second below an hour, to the minute below a day: '7 min 20 s'."""
    seconds = round(duration.total_seconds())
    if not seconds and duration:
        return f"{duration.total_seconds():.1f} s"
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds % 60, "s")]
    first = next((n for n, (count, _) in enumerate(parts) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count) or "0 s"


def say_clock(at: datetime, span: Span) -> str:
    """With its day when the incident had several."""
    days = {one.astimezone(UTC).date() for one in span}
    return f"{at.astimezone(UTC):{'%Y-%m-%d ' if len(days) > 1 else ''}%H:%M:%S} UTC"
