"""What a metrics review asks Prometheus: which queries, over which time, how closely."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from playcall.core.chart import is_upward
from playcall.core.plan import Comparison, Criterion, Plan, Play, Purpose
from playcall.core.response import ReviewPolicy

MOST_CHARTS = 60
MOST_POINTS = 600  # of a chart; never fewer than half of it
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# Seconds between two points; none is more than twice the one before it.
_STEPS = (
    *(1, 2, 3, 5, 10, 15, 30),
    *(n * _MINUTE for n in (1, 2, 3, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 4, 8, 16, 32)),
)
_NOT = {
    Comparison.BELOW: Comparison.AT_LEAST,
    Comparison.AT_MOST: Comparison.ABOVE,
    Comparison.ABOVE: Comparison.AT_MOST,
    Comparison.AT_LEAST: Comparison.BELOW,
}
_UNITS = (  # by the words of a query; the first that is found counts
    (r"bytes_per_second|rate\([^()]*bytes", "B/s"),
    (r"histogram_quantile\(.*seconds", "s"),
    (r"\b(?:i?rate|deriv)\(", "1/s"),
    (r"(?:percent|ratio|compliance|_count\b|_total\b|\bcount)", ""),
    (r"seconds", "s"),
    (r"bytes", "B"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One chart, before it is measured."""

    name: str
    title: str
    query: str
    unit: str
    limit: float | None
    well: Comparison | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The part of time that is looked at; the incident begins at one of its steps."""

    start: datetime
    end: datetime
    step: timedelta
    fired_at: datetime
    over_at: datetime

    @property
    def lasted(self) -> timedelta:
        return self.over_at - self.fired_at


def window(fired_at: datetime, over_at: datetime, now: datetime, policy: ReviewPolicy) -> Window:
    """From some time before the alert until some time after the end, or until now."""
    over_at = max(fired_at, over_at)
    whole = policy.before + (over_at - fired_at) + policy.after
    step = timedelta(seconds=_step(whole.total_seconds()))
    before = -(-policy.before // step) * step
    return Window(
        start=fired_at - before,
        end=max(over_at, min(now, over_at + policy.after)),
        step=step,
        fired_at=fired_at,
        over_at=over_at,
    )


def _step(seconds: float) -> int:
    return next((step for step in _STEPS if seconds / step < MOST_POINTS), _STEPS[-1])


def asks(plan: Plan, play: Play | None) -> tuple[Ask, ...]:
    """Each query once: those of the play's criteria, then the document's named ones."""
    named = {flat(one.promql): one.name for one in plan.queries}
    own = [c for c in (play.criteria if play else ()) if c.query]
    everybody = [*own, *(c for other in plan.plays for c in other.criteria if c.query)]
    queries = dict.fromkeys([*(flat(c.query or "") for c in own), *named])
    found: list[Ask] = []
    names: set[str] = set()
    for query in queries:
        joined = [c for c in everybody if flat(c.query or "") == query]
        title = named.get(query) or next((c.query_name or c.text for c in joined), query)
        name = _unique(title, names)
        found.append(_ask(name, title, query, joined))
    return tuple(found)


def _ask(name: str, title: str, query: str, joined: list[Criterion]) -> Ask:
    """With the limit of the first criterion that says what is well, a recovery before a symptom."""
    telling = [c for c in joined if c.purpose is Purpose.RECOVERY]
    telling += [c for c in joined if c.purpose is Purpose.SYMPTOM]
    first = telling[0] if telling else None
    return Ask(
        name=name,
        title=title,
        query=query,
        unit=joined[0].unit if joined else unit_of(query),
        limit=first.threshold if first else None,
        well=well(first) if first else None,
    )


def well(criterion: Criterion) -> Comparison:
    """How a value compares with the criterion's threshold while all is well."""
    if criterion.purpose is Purpose.SYMPTOM:
        return _NOT[criterion.comparison]
    return criterion.comparison


def judged(play: Play | None) -> Iterator[Criterion]:
    """The criteria that say whether all is well, each limit of a query once."""
    known: set[tuple[str, float, bool]] = set()
    criteria = [c for c in (play.criteria if play else ()) if c.query]
    order = (Purpose.RECOVERY, Purpose.SYMPTOM)
    for criterion in (c for purpose in order for c in criteria if c.purpose is purpose):
        key = (flat(criterion.query or ""), criterion.threshold, is_upward(well(criterion)))
        if key not in known:
            known.add(key)
            yield criterion


def unit_of(query: str) -> str:
    """By its words; "" when they say nothing."""
    return next((unit for words, unit in _UNITS if re.search(words, query)), "")


def flat(query: str) -> str:
    return " ".join(query.split())


def _unique(title: str, names: set[str]) -> str:
    """For files and addresses: lower case, digits and hyphens."""
    plain = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60].strip("-") or "query"
    name, number = plain, 1
    while name in names:
        number += 1
        name = f"{plain}-{number}"
    names.add(name)
    return name
