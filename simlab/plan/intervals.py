"""Intervals of an assurance or a mean, from fresh replicates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# How much wider than was asked an exact interval may be.
_TOLERANCE = 1.15
_MOST_REPLICATES = 10_000


@dataclass(frozen=True)
class Interval:
    """An estimate, and limits that contain the truth with at least the stated probability."""

    estimate: float
    low: float
    high: float
    level: float


def of_share(successes: int, count: int, level: float) -> Interval:
    """Return a probability with the exact interval of Clopper & Pearson 1934; NaN from 0 to 1 without any replicate."""
    from scipy.stats import beta

    if not count:
        return Interval(math.nan, 0.0, 1.0, level)
    tail = 0.5 * (1.0 - level)
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, count - successes + 1))
    high = 1.0 if successes == count else float(beta.ppf(1.0 - tail, successes + 1, count - successes))
    return Interval(successes / count, low, high, level)


def of_mean(values: Floats, level: float) -> Interval:
    """Return a mean with Student's interval; the whole line for fewer than two values, with NaN for none."""
    from scipy.stats import t

    mean = float(np.mean(values)) if len(values) else math.nan
    if len(values) < 2:
        return Interval(mean, -math.inf, math.inf, level)
    half = float(t.ppf(0.5 * (1.0 + level), len(values) - 1)) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half, level)


def replicates_for(share: float, half_width: float, level: float) -> int:
    """Return how many replicates make the interval of a probability about so wide, or as wide as it is from its nearer end.

    Near 0 or 1 an interval that is wide beside what is to be shown says little: 40 successes of 40 are no sign of .99. There
    the exact interval is longer than the normal approximation has it, and decides.
    """
    from scipy.stats import norm

    z = float(norm.ppf(0.5 * (1.0 + level)))
    narrow = max(min(half_width, share, 1.0 - share), 1.0 / _MOST_REPLICATES)
    count = min(math.ceil(z * z * share * (1.0 - share) / narrow**2), _MOST_REPLICATES)
    while count < _MOST_REPLICATES:
        found = of_share(math.floor(share * count), count, level)
        if found.high - found.low <= 2.0 * _TOLERANCE * narrow:
            break
        count = math.ceil(1.1 * count)
    return min(count, _MOST_REPLICATES)
