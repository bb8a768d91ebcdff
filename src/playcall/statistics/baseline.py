"""Whether a series is as usual: its latest values beside those of the same hours before.

Median, quantiles and MAD describe what is usual. Mann and Whitney's U says whether the difference
is more than chance, corrected for neighbours that resemble each other (see `dependence`); Cliff's
delta how far the two are apart, in the words of Romano and others (2006); Hodges and Lehmann's
estimate by how much. An infinite value counts as the largest or smallest of all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from playcall.statistics.dependence import deflated, inflation
from playcall.statistics.trend import CONFIDENCE, Point

SIGNIFICANT = 0.01  # stricter than a trend's: this is asked of many metrics
_WORDS = ((0.147, "negligible"), (0.33, "small"), (0.474, "medium"))  # of |delta|, Romano 2006


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What was usual, in the metric's unit."""

    count: int
    median: float
    mad: float  # the median distance from the median
    low: float  # nine of ten are between these two
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    usual: Usual
    count: int  # of the latest values
    now: float  # their median
    u: float  # pairs in which the latest one is larger; ties count half
    p: float
    independent: float  # as how many independent values the latest ones count
    delta: float  # Cliff's: 1 when every latest value is larger than every usual one
    effect: str  # in a word
    shift: float  # Hodges and Lehmann's
    shift_low: float
    shift_high: float
    significant: bool
    large: bool

    @property
    def differs(self) -> bool:
        return self.significant and self.large


def compare(
    recent: Sequence[Point], before: Sequence[Point], step: float, *, at_least: float = 0.1
) -> Comparison:
    """`at_least` is the share of the usual median by which it must be off to be worth a word."""
    from scipy.stats import mannwhitneyu

    now, old = ([value for _, value in points] for points in (recent, before))
    factor = min(_factor(recent, before, step), max(1.0, len(now) / 3))
    found = mannwhitneyu(now, old, method="auto" if factor == 1 else "asymptotic")
    p = float(found.pvalue)
    p = 1.0 if math.isnan(p) else deflated(p, factor)
    pairs = len(now) * len(old)
    delta = 2 * float(found.statistic) / pairs - 1
    shift, low, high = _shift(now, old, factor)
    usual = _usual(old)
    large = abs(delta) >= _WORDS[-1][0] and abs(shift) > at_least * abs(usual.median)
    return Comparison(
        usual=usual,
        count=len(now),
        now=_quantile(now, 0.5),
        u=float(found.statistic),
        p=p,
        independent=len(now) / factor,
        delta=delta,
        effect=effect_of(delta),
        shift=shift,
        shift_low=low,
        shift_high=high,
        significant=p < SIGNIFICANT,
        large=large,
    )


def effect_of(delta: float) -> str:
    return next((word for below, word in _WORDS if abs(delta) < below), "large")


def _factor(recent: Sequence[Point], before: Sequence[Point], step: float) -> float:
    """Of both together, each piece without gaps by what is left beside its own median."""
    times: list[float] = []
    left: list[float] = []
    for piece in (*_pieces(before, step), *_pieces(recent, step)):
        middle = _quantile([value for _, value in piece], 0.5)
        times += [at for at, _ in piece]
        left += [_less(value, middle) for _, value in piece]
    return inflation(times, left, step)


def _pieces(points: Sequence[Point], step: float) -> list[list[Point]]:
    """Cut where more than an hour is missing: another day may have another level."""
    found: list[list[Point]] = []
    for point in points:
        if not found or point[0] - found[-1][-1][0] > max(3600.0, 2 * step):
            found.append([])
        found[-1].append(point)
    return found


def _shift(now: Sequence[float], old: Sequence[float], factor: float) -> tuple[float, float, float]:
    """The median of the differences of all pairs, and the interval that U gives it."""
    import numpy as np
    from scipy.stats import norm

    with np.errstate(invalid="ignore"):
        apart = np.subtract.outer(np.asarray(now), np.asarray(old)).ravel()
    apart = np.sort(np.nan_to_num(apart, nan=0.0, posinf=math.inf, neginf=-math.inf))
    spread = math.sqrt(factor * apart.size * (len(now) + len(old) + 1) / 12)
    out = round(apart.size / 2 - float(norm.isf((1 - CONFIDENCE) / 2)) * spread)
    first = min(max(out, 0), apart.size - 1)
    return _quantile(apart.tolist(), 0.5), float(apart[first]), float(apart[apart.size - 1 - first])


def _usual(values: Sequence[float]) -> Usual:
    middle = _quantile(values, 0.5)
    return Usual(
        count=len(values),
        median=middle,
        mad=_quantile([abs(_less(value, middle)) for value in values], 0.5),
        low=_quantile(values, 0.05),
        high=_quantile(values, 0.95),
    )


def _quantile(values: Sequence[float], share: float) -> float:
    """Between two values linearly, unless one of them is infinite: then the lower one."""
    ordered = sorted(float(value) for value in values)
    place = share * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    part = place - math.floor(place)
    return low if low == high or math.isinf(low) or math.isinf(high) else low + part * (high - low)


def _less(value: float, other: float) -> float:
    return 0.0 if value == other else value - other
