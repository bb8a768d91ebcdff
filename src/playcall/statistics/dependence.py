"""How much less than independent ones a series' values say, because each resembles the one before.

A `rate(...[5m])` read every 15 seconds shares most of its window with the reading before it. Tests
that take such values for independent ones see a trend in every wobble.
"""

import math
from collections.abc import Sequence

FEWEST = 3  # independent values that any series is taken to have
ROUNDED = 9  # digits: what differs by less is a tie, and not the order of roundings


def inflation(times: Sequence[float], residuals: Sequence[float], step: float) -> float:
    """By how much the variance of a rank statistic grows: (1 + r) / (1 - r) for the neighbours'
    rank correlation r, as in a first-order autoregression. At least 1; at most what leaves `FEWEST`
    independent values. Neighbours are values that are one step apart, so holes do not count."""
    scale = max((abs(one) for one in residuals if math.isfinite(one)), default=0.0) or 1.0
    left = [round(one / scale, ROUNDED) if math.isfinite(one) else one for one in residuals]
    pairs = [
        (left[i], left[i + 1])
        for i in range(len(times) - 1)
        if times[i + 1] - times[i] < 1.5 * step
    ]
    count = len(residuals)
    most = max(1.0, count / FEWEST)
    if len(pairs) < FEWEST:
        return most
    befores, afters = zip(*pairs, strict=True)
    found = _rank_correlation(befores, afters)
    # What is left of a fit through few values alternates more than the noise did: by -(2 + 4r) / n.
    unbiased = (found + 2 / count) / (1 - 4 / count) if count > 4 else 1.0
    return most if unbiased >= 1 else min(most, max(1.0, (1 + unbiased) / (1 - unbiased)))


def deflated(p: float, factor: float) -> float:
    """A two-sided p-value for a statistic whose variance is `factor` times as large."""
    from scipy.stats import norm

    if factor == 1 or not 0 < p < 1:
        return p
    return float(2 * norm.sf(norm.isf(p / 2) / math.sqrt(factor)))


def _rank_correlation(befores: Sequence[float], afters: Sequence[float]) -> float:
    """Spearman's; 0 where one side does not vary."""
    import numpy as np
    from scipy.stats import rankdata

    first, second = (rankdata(values) - (len(values) + 1) / 2 for values in (befores, afters))
    spread = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / spread if spread else 0.0
