"""Ties of sparse networks without looking at every pair: candidates from an upper bound of the odds, then thinned.

The candidates of ties from i to j are a Poisson process with the rate

    rate_ij = exp(intercept) sent_i received_j reach_gh >= odds of the tie,   i in group g, j in group h

which is drawn group by group, in time that grows with the number of candidates. Let p0 be the probability that a dyad
{i, j} has no tie. Each of its candidates is kept with probability -log(p0) / (rate_ij + rate_ji), so that with probability
p0 exactly none is. A dyad of which one is kept becomes one of the three states with a tie, by their probabilities.
As -log(1 - P) = log(1 + odds) <= odds, this holds for independent ties and for an odds ratio from 1 up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError
from simlab.foundation.scientific import brentq, expit
from simlab.generate import coupling

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Score = Callable[[Ints, Ints], Floats]

_CHUNK = 1_000_000
_SAMPLE = 1_500_000


@dataclass(frozen=True, eq=False)
class Bound:
    """An upper bound of the odds of ties less the intercept, in a form from which candidates are drawn group by group.

    group : (n_people,) ; sent, received : (n_people,) factors of the odds, positive ; reach : (n_groups, n_groups)
    score : function of rows and columns to the log odds less the intercept, which the bound is above
    """

    group: Ints
    sent: Floats
    received: Floats
    reach: Floats
    score: Score


class Candidates:
    """Draws candidates of ties, from a bound."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self.order = np.argsort(bound.group, kind="stable")
        n_groups = len(bound.reach)
        self.edges = np.searchsorted(bound.group[self.order], np.arange(n_groups + 1))
        self.sums = [np.concatenate([[0.0], np.cumsum(w[self.order])]) for w in (bound.sent, bound.received)]
        mass = [np.diff(sums[self.edges]) for sums in self.sums]
        self.rates = mass[0][:, None] * bound.reach * mass[1][None]

    @property
    def total(self) -> float:
        """The expected number of candidates where the intercept is 0."""
        return float(self.rates.sum())

    def rate(self, rows: Ints, cols: Ints) -> Floats:
        """Return the rate of candidates from rows to columns where the intercept is 0."""
        bound = self.bound
        reach = bound.reach[bound.group[rows], bound.group[cols]]
        return np.asarray(bound.sent[rows] * reach * bound.received[cols])

    def draw(self, intercept: float, rng: np.random.Generator) -> Iterator[tuple[Ints, Ints]]:
        """Yield all candidates, rows and columns, chunk by chunk; some are from a person to that person."""
        flat = np.exp(intercept) * self.rates.ravel()
        # Blocks of pairs of groups with some expected candidates each.
        block = (np.cumsum(flat) / _CHUNK).astype(np.int64)
        starts = np.concatenate([[0], np.flatnonzero(np.diff(block)) + 1, [len(flat)]])
        for start, end in pairwise(starts.tolist()):
            counts = rng.poisson(flat[start:end])
            pairs = np.repeat(np.arange(start, end), counts)
            for part in np.array_split(pairs, max(1, -(-len(pairs) // (2 * _CHUNK)))):
                yield self._people(part, rng)

    def sample(self, size: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Return ``size`` pairs, each with a probability in proportion to its rate."""
        sums = np.cumsum(self.rates.ravel())
        return self._people(
            np.searchsorted(sums, sums[-1] * rng.random(size), side="right").clip(0, len(sums) - 1), rng
        )

    def _people(self, pairs: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Return a person of each of the two groups of every pair of groups."""
        rows, cols = np.divmod(pairs, len(self.rates))
        return self._members(rows, self.sums[0], rng), self._members(cols, self.sums[1], rng)

    def _members(self, groups: Ints, sums: Floats, rng: np.random.Generator) -> Ints:
        low, high = self.edges[groups], self.edges[groups + 1]
        points = sums[low] + rng.random(len(groups)) * (sums[high] - sums[low])
        # Rounding must not carry a point into the next group.
        return np.asarray(self.order[np.clip(np.searchsorted(sums, points, side="right") - 1, low, high - 1)])


@dataclass(frozen=True, eq=False)
class SparseTies:
    """The ties of one network, from source to target, sorted: (n_ties,) each."""

    intercept: float
    odds_ratio: float
    source: Ints
    target: Ints


def thinned_ties(bound: Bound, expected: float, reciprocity: float | None, rng: np.random.Generator) -> SparseTies:
    """Return a network with this expected number of ties and this reciprocity (None: independent ties).

    Intercept and odds ratio are solved on a sample of up to a million and a half pairs, drawn in proportion to their
    bound: of the expected number of ties a relative error of a few thousandths.

    Raises
    ------
    InputError
        Where the reciprocity is more than probabilities allow, or less than chance gives.
    """
    candidates = Candidates(bound)
    size = min(_SAMPLE, max(_SAMPLE // 5, len(bound.group) ** 2))
    rows, cols = candidates.sample(size, rng)
    apart = rows != cols
    intercept = _solve_level(bound.score(rows, cols), candidates.rate(rows, cols), apart, candidates.total, expected)
    odds_ratio = 1.0
    if reciprocity is not None:
        few = slice(max(size // 3, _SAMPLE // 10))
        odds_ratio = _solve_odds(candidates, intercept, rows[few][apart[few]], cols[few][apart[few]], reciprocity)
    source, target = drawn_dyads(candidates, intercept, odds_ratio, rng)
    return SparseTies(intercept, odds_ratio, source, target)


def drawn_dyads(
    candidates: Candidates, intercept: float, odds_ratio: float, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Return sources and targets of the ties of a network with this intercept and odds ratio (from 1), sorted."""
    bound = candidates.bound
    n = len(bound.group)
    kept: list[Ints] = [np.zeros(0, dtype=np.int64)]
    for rows, cols in candidates.draw(intercept, rng):
        rates = np.exp(intercept) * (candidates.rate(rows, cols) + candidates.rate(cols, rows))
        nothing = np.maximum(_dyads(bound, intercept, odds_ratio, rows, cols)[:, 0], 1e-300)
        some = (rows != cols) & (rng.random(len(rows)) * rates < -np.log(nothing))
        kept.append(np.minimum(rows, cols)[some] * n + np.maximum(rows, cols)[some])
    dyads = np.unique(np.concatenate(kept))
    low, high = np.divmod(dyads, n)
    states = _dyads(bound, intercept, odds_ratio, low, high)
    states[:, 0] = 0.0
    state = coupling.draw(states, rng)
    upward, downward = state != 2, state != 1
    ties = np.sort(np.concatenate([dyads[upward], high[downward] * n + low[downward]]))
    source, target = np.divmod(ties, n)
    return source, target


def _dyads(bound: Bound, intercept: float, odds_ratio: float, rows: Ints, cols: Ints) -> Floats:
    forth, back = expit(intercept + bound.score(rows, cols)), expit(intercept + bound.score(cols, rows))
    return coupling.dyad_distribution(forth, back, odds_ratio)


def _solve_level(score: Floats, rate: Floats, apart: NDArray[np.bool_], total: float, expected: float) -> float:
    """Return the intercept at which the expected number of ties, estimated from pairs drawn by their rate, is as wanted."""
    rate = np.where(apart, rate, np.inf)

    def miss(intercept: float) -> float:
        return total * float((expit(intercept + score) / rate).mean()) - expected

    low = float(np.log(expected / total))
    high = low + 5.0
    while miss(high) < 0.0 and high < low + 500.0:
        high += 5.0
    return float(brentq(miss, low - 1.0, high, xtol=1e-6))


def _solve_odds(candidates: Candidates, intercept: float, rows: Ints, cols: Ints, reciprocity: float) -> float:
    """Return the odds ratio of the two ties of a dyad, from 1 up, that gives the reciprocity."""
    bound = candidates.bound
    forth, back = expit(intercept + bound.score(rows, cols)), expit(intercept + bound.score(cols, rows))
    # A dyad is in the sample as often as candidates of either direction are.
    weight = 1.0 / (candidates.rate(rows, cols) + candidates.rate(cols, rows))
    ties = float(((forth + back) * weight).sum())

    def at(log_odds: float) -> float:
        both = coupling.dyad_distribution(forth, back, float(np.exp(log_odds)))[:, 3]
        return 2.0 * float((both * weight).sum()) / ties

    least, most = at(0.0), at(30.0)
    if not least <= reciprocity <= most:
        raise InputError.of(
            "reciprocity", reciprocity, f"must be from {least:.3g}, which is chance, to {most:.3f} in this sparse world"
        )
    return float(np.exp(brentq(lambda log_odds: at(float(log_odds)) - reciprocity, 0.0, 30.0, xtol=1e-4)))
