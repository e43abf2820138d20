"""Evaluator: where a plan's replicates come from; and what they came to, design by design."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from simlab.plan.space import name_of
from simlab.plan.targets import Target

Floats = NDArray[np.float64]

# Replicates are asked for in whole blocks.
BLOCK = 20
# The numbers of two designs' first worlds differ by a multiple of this.
_APART = 10_000


class Trial(NamedTuple):
    """One replicate: fresh ones (for the answer's interval) are never those of the search."""

    fresh: bool
    world: int
    replicate: int


class Evaluator(Protocol):
    """Computes replicates. The same design and trial always have the same outcome, whatever was asked before."""

    @property
    def uncertain(self) -> bool:
        """Whether there is more than one world."""

    def evaluate(
        self, design: Mapping[str, Any], trials: Sequence[Trial], measures: Sequence[str]
    ) -> dict[str, Floats]:
        """Return each measure's value in each trial, (n_trials,); NaN where the fit failed or it is not defined."""

    def world(self, world: int) -> Mapping[str, Any]:
        """Return what was unknown and is so in a world."""

    def failures(self) -> tuple[int, str]:
        """Return how many of the replicates asked for failed so far, and what was said most often."""


def trials(evaluator: Evaluator, design: Mapping[str, Any], start: int, count: int, *, fresh: bool) -> list[Trial]:
    """Return so many trials of a design from its ``start``-th on: each in a world of its own where worlds are uncertain.

    Designs meet other worlds each, so that a surrogate over designs averages over worlds too.
    """
    if not evaluator.uncertain:
        return [Trial(fresh, 0, k) for k in range(start, start + count)]
    digest = hashlib.sha256(f"{name_of(design)} {fresh}".encode()).digest()
    first = _APART * (int.from_bytes(digest[:4], "big") % 1_000_000)
    return [Trial(fresh, first + k, 0) for k in range(start, start + count)]


@dataclass(eq=False)
class Tally:
    """What the replicates of each design came to.

    ``counts`` has how many each design has; ``scores`` each target's scores, (n,), NaN of a mean where a fit failed.
    """

    targets: Sequence[Target]
    counts: dict[int, int] = field(default_factory=dict)
    scores: dict[int, list[Floats]] = field(default_factory=dict)

    def add(self, design: int, values: Mapping[str, Floats], count: int) -> None:
        """Take the outcomes of a design's next replicates."""
        new = [target.score(values) for target in self.targets]
        old = self.scores.get(design)
        self.scores[design] = new if old is None else [np.concatenate(pair) for pair in zip(old, new, strict=True)]
        self.counts[design] = self.counts.get(design, 0) + count

    @property
    def designs(self) -> list[int]:
        """The designs that have replicates, in the order in which they were first asked for."""
        return list(self.counts)

    @property
    def fits(self) -> int:
        """How many replicates there are."""
        return sum(self.counts.values())

    def filled(self, design: int, target: int) -> Floats:
        """Return the scores of a design, with the worst there can be, or the worst that was seen, for a failed fit."""
        scores = self.scores[design][target]
        return filled(self.targets[target], scores, self.worst_seen(target))

    def worst_seen(self, target: int) -> float:
        """Return the worst score of a target that any replicate had; 0 where none had one."""
        each = [float(np.nanmin(s[target])) for s in self.scores.values() if np.isfinite(s[target]).any()]
        return min(each) if each else 0.0


def filled(target: Target, scores: Floats, worst_seen: float) -> Floats:
    """Return scores without gaps: a fit that failed has the worst value of the metric's range, or the worst that was seen."""
    if not target.is_mean:
        return scores
    worst = target.worst()
    return np.where(np.isfinite(scores), scores, worst if np.isfinite(worst) else worst_seen)
