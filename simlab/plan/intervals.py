"""Intervals of an assurance or a mean, from fresh replicates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate, and limits that contain the truth with at least the stated probability."""

    estimate: float
    low: float
    high: float
    level: float

    @property
    def half_width(self) -> float:
        """Half of the distance between the limits."""
        return 0.5 * (self.high - self.low)


def of_share(successes: int, count: int, level: float) -> Interval:
    """Return a probability with the exact interval of Clopper & Pearson 1934."""
    from scipy.stats import beta

    tail = 0.5 * (1.0 - level)
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, count - successes + 1))
    high = 1.0 if successes == count else float(beta.ppf(1.0 - tail, successes + 1, count - successes))
    return Interval(successes / count, low, high, level)


def of_mean(values: Floats, level: float) -> Interval:
    """Return a mean with Student's interval; the whole line for fewer than two values."""
    from scipy.stats import t

    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, -math.inf, math.inf, level)
    half = float(t.ppf(0.5 * (1.0 + level), len(values) - 1)) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half, level)


def replicates_for(share: float, half_width: float, level: float) -> int:
    """Return how many replicates make the interval of a probability about so wide."""
    from scipy.stats import norm

    z = float(norm.ppf(0.5 * (1.0 + level)))
    return math.ceil(z * z * share * (1.0 - share) / half_width**2)
