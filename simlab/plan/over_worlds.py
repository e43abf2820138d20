"""Over worlds: how a probability of success or a mean is spread over what is unknown, and which worlds fail."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.plan.intervals import Interval

Floats = NDArray[np.float64]

_GROUPS = 3
# Groups of worlds must differ by so many standard errors, as several are looked at.
_ERRORS = 3.0


@dataclass(frozen=True)
class SharesOverWorlds:
    """How the probability of success is spread over worlds: a beta distribution fitted to successes of each.

    each : (n_worlds,) successes of each world over its replicates; replicates : of each world; a, b : of the beta
    distribution; infinite where worlds do not differ beyond chance.
    """

    each: Floats
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
            return float(self.each.mean() >= probability)
        return float(beta.sf(probability, self.a, self.b))

    def density(self, values: Floats) -> Floats:
        """Return the density over worlds of the probability of success."""
        from scipy.stats import beta

        return np.asarray(beta.pdf(values, self.a, self.b))


@dataclass(frozen=True)
class MeansOverWorlds:
    """How the mean is spread over worlds: a normal distribution, beyond what replicates of one world differ by.

    each : (n_worlds,) mean score of each world; replicates : of each world; deviation : standard deviation between worlds, 0
    where they do not differ beyond chance.
    """

    each: Floats
    replicates: int
    deviation: float

    @property
    def differ(self) -> bool:
        """Whether worlds differ beyond chance."""
        return self.deviation > 0.0

    def above(self, score: float) -> float:
        """Return the share of worlds whose mean is at least so much."""
        from scipy.special import ndtr

        if not self.differ:
            return float(self.each.mean() >= score)
        return float(ndtr((self.each.mean() - score) / self.deviation))

    def density(self, values: Floats) -> Floats:
        """Return the density over worlds of the mean."""
        from scipy.stats import norm

        return np.asarray(norm.pdf(values, self.each.mean(), self.deviation))


OverWorlds = SharesOverWorlds | MeansOverWorlds


@dataclass(frozen=True)
class Contrast:
    """Success, or the mean, in some worlds beside others: by the values of one thing that was unknown."""

    unknown: str
    groups: tuple[tuple[str, Interval, int], ...]
    difference: float


def shares_over_worlds(successes: NDArray[np.integer], replicates: int) -> SharesOverWorlds:
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
        return SharesOverWorlds(share, replicates, math.inf, math.inf)
    size = math.exp(float(found.x))
    return SharesOverWorlds(share, replicates, mean * size, (1.0 - mean) * size)


def means_over_worlds(scores: Floats) -> MeansOverWorlds:
    """Return how the mean is spread over worlds, by the variance components of a one-way layout.

    scores : (n_worlds, n_replicates), two at least of each.
    """
    from scipy.stats import f

    n_worlds, replicates = scores.shape
    each = scores.mean(axis=1)
    between = replicates * float(each.var(ddof=1))
    within = float(scores.var(axis=1, ddof=1).mean())
    freedom = (n_worlds - 1, n_worlds * (replicates - 1))
    differ = between > within * float(f.ppf(0.95, *freedom))
    return MeansOverWorlds(each, replicates, math.sqrt((between - within) / replicates) if differ else 0.0)


def contrasts(
    unknown: Sequence[Mapping[str, Any]], scores: Floats, interval: Callable[[Floats], Interval]
) -> tuple[Contrast, ...]:
    """Return scores by thirds of each number that was unknown, and by each other value; the largest differences first.

    Only those are returned that are more than chance would make.

    Parameters
    ----------
    unknown : sequence of mapping, n_worlds
        What was unknown, and is so in each world.
    scores : (n_worlds,)
        One of each.
    interval : function
        Of the scores of a group.
    """
    out = []
    for name in unknown[0] if unknown else ():
        groups = _groups(name, [world.get(name) for world in unknown])
        if len(groups) < 2:
            continue
        each = [(label, interval(scores[at]), len(at)) for label, at in groups]
        lowest, highest = min(each, key=lambda g: g[1].estimate), max(each, key=lambda g: g[1].estimate)
        difference = highest[1].estimate - lowest[1].estimate
        error = np.sqrt(max(float(scores.var()), 1e-9) * (1.0 / lowest[2] + 1.0 / highest[2]))
        if difference > _ERRORS * error:
            out.append(Contrast(name, tuple(each), difference))
    return tuple(sorted(out, key=lambda c: -c.difference))


def _range(numbers: Floats) -> str:
    low, high = f"{numbers.min():.3g}", f"{numbers.max():.3g}"
    return low if low == high else f"{low} to {high}"


def _groups(name: str, values: Sequence[Any]) -> list[tuple[str, NDArray[np.intp]]]:
    numeric = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    different = sorted(set(values), key=lambda v: (str(type(v)), v if numeric else str(v)))
    if len(different) < 2 or (not numeric and len(different) > 10) or name == "draw":
        return []
    if len(different) <= 4 or not numeric:
        pairs = [(f"{v:g}" if numeric else str(v), np.flatnonzero([w == v for w in values])) for v in different]
        return [(label, at) for label, at in pairs if len(at) >= 5]
    numbers = np.array(values, dtype=np.float64)
    # Worlds with the same value are in one group.
    _, place, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - 0.5 * counts
    group = np.floor(_GROUPS * middle / len(numbers)).astype(int)[place.ravel()]
    parts = [np.flatnonzero(group == k) for k in range(_GROUPS)]
    return [(_range(numbers[at]), at) for at in parts if len(at) >= 5]
