"""Search: replicates go where the answer is decided, until it is narrow enough or the fits are spent."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError, SimlabError
from simlab.foundation.streams import stream
from simlab.plan.evaluator import BLOCK, Evaluator, Tally, trials
from simlab.plan.outlook import Cheapest, Outlook
from simlab.plan.space import Space
from simlab.plan.targets import Target

Floats = NDArray[np.float64]

# Designs that a round looks at.
_EACH_ROUND = 4
_LEAST_ROUNDS = 3
# With this probability that no design reaches, the search ends.
_SURELY_NONE = 0.95


class Stop(StrEnum):
    """Why a search ended."""

    NARROW = "narrow"
    NONE = "none"
    SPENT = "spent"


class Telling(Protocol):
    """What a plan tells of itself while it works."""

    def stage(self, name: str, used: int, most: int) -> None:
        """Say what is being done, with how many fits used of at most how many."""


class Silent:
    """Tells nothing."""

    def stage(self, name: str, used: int, most: int) -> None:
        """Say nothing."""


@dataclass(eq=False)
class Search:
    """A search for the cheapest design that reaches all targets.

    Parameters
    ----------
    space : Space
    targets : list of Target
    evaluator : Evaluator
    seed : int
    precision : float
        The search ends where the interval of the cheapest cost that reaches (90 %) is at most so wide, over its lower end, and
        the design that would be chosen costs no more than that above the lower end.
    confidence : float
        With which a design reaches that is chosen.
    telling : Telling
    """

    space: Space
    targets: list[Target]
    evaluator: Evaluator
    seed: int
    precision: float = 0.1
    level: float = 0.9
    confidence: float = 0.8
    telling: Telling = field(default_factory=Silent)

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.tally = Tally(self.targets)
        self.outlook = Outlook(self.space, self.targets)
        self.rng = stream(self.seed, "search")
        self.rounds = 0
        self._defined = dict.fromkeys(self.measures, 0)

    @property
    def measures(self) -> list[str]:
        """What the targets need."""
        return list(dict.fromkeys(name for target in self.targets for name in target.measures))

    def run(self, fits: int) -> tuple[Stop, Cheapest]:
        """Search with at most so many fits in all; may be called again with more."""
        if not self.tally.counts:
            for design in self._first(fits):
                self.replicate(design, BLOCK, fits)
            self._check_defined()
        while True:
            self.outlook.fit(self.tally)
            found = self.outlook.cheapest(self.rng)
            stop = self._ended(found, fits)
            if stop is not None:
                return stop, found
            self.rounds += 1
            picked = self.rng.choice(found.design, _EACH_ROUND)
            for design in dict.fromkeys(picked.tolist()):
                count = BLOCK * int((picked == design).sum())
                self.replicate(design, min(count, (fits - self.tally.fits) // BLOCK * BLOCK), fits)

    def _ended(self, found: Cheapest, fits: int) -> Stop | None:
        if self.rounds >= _LEAST_ROUNDS:
            if found.none >= _SURELY_NONE:
                return Stop.NONE
            low, high = found.interval(self.level)
            limit = (1.0 + self.precision) * low
            if high <= limit and self.space.costs[self.outlook.choose(self.confidence)] <= limit:
                return Stop.NARROW
        return Stop.SPENT if self.tally.fits + BLOCK > fits else None

    def _first(self, fits: int) -> list[int]:
        """Return designs spread over the space: the cheapest, the dearest, and points of a scrambled Sobol sequence."""
        from scipy.stats import qmc

        d = len(self.space.variables)
        wanted = max(min(6 + 3 * d, fits // (3 * BLOCK)), 2)
        costs = self.space.costs
        chosen = [int(costs.argmin()), int(costs.argmax())]
        levels = np.array([len(v.levels) for v in self.space.variables])
        places = {tuple(point): k for k, point in enumerate(self.space.points.tolist())}
        sampler = qmc.Sobol(d, seed=self.rng)
        for point in sampler.random(256):
            at = places.get(tuple((point * levels).astype(int).tolist()))
            if at is not None and at not in chosen:
                chosen.append(at)
            if len(chosen) >= min(wanted, len(self.space)):
                break
        return chosen

    def replicate(self, design: int, count: int, most: int) -> None:
        """Add replicates of a design, of at most so many fits in all."""
        if count <= 0:
            return
        at = self.tally.counts.get(design, 0)
        levels = self.space.design(design)
        asked = trials(self.evaluator, levels, at, count, fresh=False)
        outcomes = self.evaluator.evaluate(levels, asked, self.measures)
        for measure in self.measures:
            self._defined[measure] += int(np.isfinite(outcomes.values[measure]).sum())
        self.tally.add(design, outcomes)
        self.telling.stage("search", self.tally.fits, most)

    def _check_defined(self) -> None:
        """Raise SimlabError where every fit failed, InputError where a metric has no value in any replicate."""
        failed, message, impossible, why = self.evaluator.failures()
        fits, designs = self.tally.fits, len(self.tally.counts)
        if impossible >= fits:
            raise SimlabError(f"none of the {fits} worlds of the first {designs} designs can be: {why}")
        if failed + impossible >= fits:
            among = f", but for {impossible} whose world cannot be" if impossible else ""
            raise SimlabError(f"all {fits} fits of the first {designs} designs failed{among}: {message}")
        for k, target in enumerate(self.targets):
            lacking = [measure for measure in target.measures if not self._defined[measure]]
            if lacking or not any(np.isfinite(scores[k]).any() for scores in self.tally.scores.values()):
                what = lacking[0] if lacking else " with ".join(target.measures)
                raise InputError.of(
                    "target",
                    target.text,
                    f"{what} has no value in any of {fits} fits of {designs} designs: it must be defined for these worlds and"
                    " fitters, as change is for two periods",
                )
