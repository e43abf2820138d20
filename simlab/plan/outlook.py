"""Outlook: what the surrogates of all targets say together: which designs reach them, and what the cheapest may cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from simlab.plan.evaluator import Tally
from simlab.plan.space import Space
from simlab.plan.surrogate import Surrogate
from simlab.plan.targets import Target

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

_SHORTLIST = 400
_DRAWS = 200
# A design that surely reaches, and one that surely does not.
_SURE, _HOPELESS = 0.995, 0.003
# Costs that differ by less, as arithmetic makes them differ, are one price.
_SAME_PRICE = 1e-9


@dataclass(frozen=True, eq=False)
class Cheapest:
    """Draws of which design is the cheapest that reaches all targets, of functions drawn from the surrogates.

    design : (n_draws,), where none reaches the one that comes nearest; reaches : (n_draws,); cost : (n_draws,), infinite
    where none reaches.
    """

    design: Ints
    reaches: NDArray[np.bool_]
    cost: Floats

    @property
    def none(self) -> float:
        """The probability that no design reaches."""
        return float(1.0 - self.reaches.mean())

    def interval(self, level: float) -> tuple[float, float]:
        """Return the interval of the cheapest cost that holds with this probability; ends may be infinite."""
        tail = 0.5 * (1.0 - level)
        low, high = np.quantile(self.cost, [tail, 1.0 - tail], method="nearest")
        return float(low), float(high)


class Outlook:
    """The surrogates of all targets over a space, fitted to what was tallied."""

    def __init__(self, space: Space, targets: list[Target]) -> None:
        self.space, self.targets = space, targets
        self.features = space.features()
        self.surrogates = [Surrogate(self.features.shape[1], is_mean=t.is_mean) for t in targets]
        self.levels = [s.level(t.needed) for s, t in zip(self.surrogates, targets, strict=True)]
        self.spread = [1.0] * len(targets)
        self.reach = np.zeros(len(space))
        self.margin = np.zeros(len(space))

    def fit(self, tally: Tally) -> None:
        """Fit to a tally, and work out of every design the probability that it reaches all targets."""
        for k, surrogate in enumerate(self.surrogates):
            # Replicates in which a metric is not defined say nothing of its target.
            each = {d: scores for d in tally.designs if len(scores := tally.known(d, k))}
            counts = np.array([len(scores) for scores in each.values()], dtype=np.float64)
            means = np.array([scores.mean() for scores in each.values()])
            if surrogate.is_mean:
                within = sum(float(((s - s.mean()) ** 2).sum()) for s in each.values())
                self.spread[k] = max(float(np.sqrt(within / max(counts.sum() - len(each), 1.0))), 1e-6)
            surrogate.fit(self.features[list(each)], means, counts, self.spread[k])
        self.reach, self.margin = self.at(self.features)

    def at(self, features: Floats) -> tuple[Floats, Floats]:
        """Return the probability that designs reach all targets, and the margin of the least favourable one, both (n,)."""
        reach, margin = np.ones(len(features)), np.full(len(features), np.inf)
        for k, (surrogate, level) in enumerate(zip(self.surrogates, self.levels, strict=True)):
            mean, deviation = surrogate.latent(features)
            reach *= ndtr((mean - level) / deviation)
            margin = np.minimum(margin, (mean - level) / self.unit(k))
        return reach, margin

    def unit(self, target: int) -> float:
        """The size of a target's latent scale, by which margins of several targets are compared."""
        return self.spread[target] if self.surrogates[target].is_mean else 1.0

    def shortlist(self) -> Ints:
        """Return the designs among which the cheapest may be: neither hopeless nor dearer than one that surely reaches."""
        costs = self.space.costs
        sure = self.reach >= _SURE
        limit = costs[sure].min() if sure.any() else np.inf
        open_ = np.flatnonzero((self.reach >= _HOPELESS) & (costs <= limit))
        if not len(open_):
            open_ = np.argsort(-self.margin, kind="stable")[:_SHORTLIST]
        if len(open_) > _SHORTLIST:
            most = limit if np.isfinite(limit) else float(costs.max())
            gain = self.reach[open_] * (most - costs[open_] + 0.02 * most)
            open_ = open_[np.argsort(-gain, kind="stable")[:_SHORTLIST]]
        return np.sort(open_)

    def cheapest(self, rng: np.random.Generator, count: int = _DRAWS) -> Cheapest:
        """Draw functions from the surrogates, and find the cheapest design that reaches in each (Thompson 1933)."""
        among = self.shortlist()
        margin = np.full((count, len(among)), np.inf)
        for k, (surrogate, level) in enumerate(zip(self.surrogates, self.levels, strict=True)):
            drawn = surrogate.draws(self.features[among], count, rng)
            margin = np.minimum(margin, (drawn - level) / self.unit(k))
        reaches: NDArray[np.bool_] = np.asarray(margin >= 0.0)
        cost = np.where(reaches, self.space.costs[among][None], np.inf)
        found: NDArray[np.bool_] = np.asarray(reaches.any(axis=1))
        lowest = cost.min(axis=1)
        # Of designs at one price the better one; where none reaches the best of all.
        at = np.where(cost <= (1.0 + _SAME_PRICE) * lowest[:, None], margin, -np.inf).argmax(axis=1)
        return Cheapest(among[at], found, lowest)

    def choose(self, confidence: float) -> int:
        """Return the cheapest design that reaches with this probability, of several at one price the one with the largest
        margin; where there is none, the one likeliest to reach.
        """
        sure = np.flatnonzero(self.reach >= confidence)
        if not len(sure):
            best = np.flatnonzero(self.reach >= self.reach.max() - 1e-9)
            return int(best[self.margin[best].argmax()])
        costs = self.space.costs[sure]
        cheapest = sure[costs <= (1.0 + _SAME_PRICE) * costs.min()]
        return int(cheapest[self.margin[cheapest].argmax()])

    def best(self) -> int:
        """Return the design with the largest margin over its least favourable target."""
        return int(self.margin.argmax())
