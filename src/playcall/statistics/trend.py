"""Where a series is going: a robust line, how sure it is, and when it gets to its limit.

The line is Theil and Sen's: the median of the slopes between all pairs, so that up to 29 % of the
values may be wild. Whether it is one at all is Mann and Kendall's test, corrected for neighbours
that resemble each other (see `dependence`), and so is the interval of the slope.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from playcall.statistics.dependence import deflated, inflation

Point = tuple[float, float]  # seconds, value

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Seconds from the last value until the line meets the limit."""

    expected: float
    soonest: float  # by the steepest slope of the interval
    latest: float | None  # None: by its flattest one, never


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """`up` says which way is worse; `worsens` is the answer."""

    count: int
    level: float  # the median
    now: float  # of the line, at the last value
    slope: float  # a second
    slope_low: float
    slope_high: float
    tau: float  # Kendall's: 1 rises always, -1 falls always
    p: float  # that as much order comes by chance
    independent: float  # as how many independent values they count
    change: float  # by the line, over all of it
    significant: bool
    large: bool
    worsens: bool
    beyond: bool  # it is past its limit already
    crossing: Crossing | None  # None: not on its way to the limit, or past it


def fit(
    points: Sequence[Point],
    step: float,
    *,
    limit: float | None = None,
    up: bool = True,
    at_least: float = 0.1,
) -> Trend:
    """Of at least three finite values. `at_least` is the share of the median by which the line must
    change to be worth a word; reaching the limit within as long again is worth one, too."""
    from scipy.stats import kendalltau, norm, theilslopes

    times = [at - points[-1][0] for at, _ in points]
    values = [value for _, value in points]
    slope, intercept = (float(one) for one in theilslopes(values, times)[:2])
    residuals = [v - slope * t for t, v in zip(times, values, strict=True)]
    factor = inflation(times, residuals, step)
    wide = 2 * float(norm.sf(norm.isf((1 - CONFIDENCE) / 2) * math.sqrt(factor)))
    low, high = (float(one) for one in theilslopes(values, times, alpha=wide)[2:4])
    kendall = kendalltau(times, values)
    tau, p = float(kendall.statistic), deflated(float(kendall.pvalue), factor)
    if not math.isfinite(tau):  # it never changes
        tau, p = 0.0, 1.0
    worse = 1 if up else -1
    change = slope * (times[-1] - times[0])
    level = _median(values)
    crossing = _crossing(intercept, (slope, low, high), limit, worse)
    soon = crossing is not None and crossing.expected <= times[-1] - times[0]
    large = abs(change) > at_least * abs(level) or soon
    significant = p < 1 - CONFIDENCE
    return Trend(
        count=len(points),
        level=level,
        now=intercept,
        slope=slope,
        slope_low=low,
        slope_high=high,
        tau=tau,
        p=p,
        independent=len(points) / factor,
        change=change,
        significant=significant,
        large=large,
        worsens=significant and large and slope * worse > 0,
        beyond=limit is not None and worse * (intercept - limit) >= 0,
        crossing=crossing,
    )


def _crossing(
    now: float, slopes: tuple[float, float, float], limit: float | None, worse: int
) -> Crossing | None:
    slope, *ends = (worse * one for one in slopes)
    if limit is None or slope <= 0 or worse * (limit - now) <= 0:
        return None
    left = worse * (limit - now)
    flattest = min(ends)
    return Crossing(
        expected=left / slope,
        soonest=left / max(*ends, slope),
        latest=left / flattest if flattest > 0 else None,
    )


def _median(values: Sequence[float]) -> float:
    from statistics import median

    return median(values)
