"""Measurements against a criterion. Absence of data is never health."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from playcall.core.plan import Comparison, Criterion, Purpose


class Verdict(StrEnum):
    HOLDS = "holds"  # true for the whole window
    HOLDING = "holding"  # true now, not yet for the whole window
    BROKEN = "broken"  # not true now
    UNKNOWN = "unknown"  # no data, or none recent enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    at: datetime
    value: float  # NaN counts as missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    verdict: Verdict
    value: float | None  # the latest; None when unknown
    since: datetime | None  # true without a break since then; None unless holding or holds
    reason: str = ""  # why it is unknown


def satisfies(value: float, comparison: Comparison, threshold: float) -> bool:
    match comparison:
        case Comparison.BELOW:
            return value < threshold
        case Comparison.AT_MOST:
            return value <= threshold
        case Comparison.ABOVE:
            return value > threshold
        case Comparison.AT_LEAST:
            return value >= threshold


def judge(
    criterion: Criterion, series: Sequence[Sequence[Sample]], at: datetime, step: timedelta
) -> Judgement:
    """Judge the series of a range query with resolution `step` that ends at `at`.

    A recovery must hold in every series, a symptom in any. A sample that breaks the criterion, or
    one that is missing for more than a step and a half, starts the window anew.
    """
    samples = reduce_series(criterion, series)
    gap = step * 1.5
    if not samples or at - samples[-1].at > gap:
        return Judgement(verdict=Verdict.UNKNOWN, value=None, since=None, reason="no recent data")
    value = samples[-1].value
    if not satisfies(value, criterion.comparison, criterion.threshold):
        return Judgement(verdict=Verdict.BROKEN, value=value, since=None)
    since = samples[-1].at
    for earlier in reversed(samples[:-1]):
        if since - earlier.at > gap:
            break
        if not satisfies(earlier.value, criterion.comparison, criterion.threshold):
            break
        since = earlier.at
    held = samples[-1].at - since >= criterion.holds_for
    return Judgement(verdict=Verdict.HOLDS if held else Verdict.HOLDING, value=value, since=since)


def reduce_series(criterion: Criterion, series: Sequence[Sequence[Sample]]) -> list[Sample]:
    """One value for each instant: the worst of all series, or for a symptom the most alarming."""
    upward = criterion.comparison in (Comparison.ABOVE, Comparison.AT_LEAST)
    pick = max if upward == (criterion.purpose is Purpose.SYMPTOM) else min
    by_instant: dict[datetime, list[float]] = {}
    for samples in series:
        for sample in samples:
            if not math.isnan(sample.value):
                by_instant.setdefault(sample.at, []).append(sample.value)
    complete = 1 if criterion.purpose is Purpose.SYMPTOM else len(series)
    return [
        Sample(at=at, value=pick(values))
        for at, values in sorted(by_instant.items())
        if len(values) >= complete
    ]
