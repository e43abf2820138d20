"""Intervals of an assurance or a mean from fresh replicates, and of how it is spread over worlds."""

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


@dataclass(frozen=True)
class OverWorlds:
    """How the probability of success is spread over worlds: a beta distribution fitted to successes of each.

    share : (n_worlds,) successes of each world over its replicates; replicates : of each world; a, b : of the beta
    distribution; infinite where worlds do not differ beyond chance.
    """

    share: Floats
    replicates: int
    a: float
    b: float

    @property
    def differ(self) -> bool:
        """Whether worlds differ beyond chance."""
        return math.isfinite(self.a)

    def above(self, probability: float) -> float:
        """Return the share of worlds whose probability of success is at least so much."""
        from scipy.stats import beta

        if not self.differ:
            return float(self.share.mean() >= probability)
        return float(beta.sf(probability, self.a, self.b))


def over_worlds(successes: NDArray[np.integer], replicates: int) -> OverWorlds:
    """Return how success is spread over worlds, by maximum likelihood of a beta-binomial (Skellam 1948).

    successes : (n_worlds,) of ``replicates`` each.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import betaln

    mean = float(np.clip(successes.mean() / replicates, 1e-3, 1.0 - 1e-3))

    def loss(log_size: float) -> float:
        size = math.exp(log_size)
        a, b = mean * size, (1.0 - mean) * size
        return -float((betaln(successes + a, replicates - successes + b) - betaln(a, b)).sum())

    found = minimize_scalar(loss, bounds=(-4.0, 9.0), method="bounded")
    share = successes / replicates
    independent = loss(9.0)
    # Half of the likelihood ratio's test at 5 %, since worlds cannot differ by less than nothing.
    if independent - float(found.fun) < 1.35:
        return OverWorlds(share, replicates, math.inf, math.inf)
    size = math.exp(float(found.x))
    return OverWorlds(share, replicates, mean * size, (1.0 - mean) * size)
