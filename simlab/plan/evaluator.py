"""Evaluator: where a plan's replicates come from; and what they came to, design by design."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from simlab.plan.space import key_of
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


class Outcomes(NamedTuple):
    """What trials came to: each measure's value, (n_trials,), NaN where it is not defined; and where the fit failed.

    In a world that cannot be nothing is defined, and nothing failed: it says nothing of a fieldwork.
    """

    values: dict[str, Floats]
    failed: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: Sequence[Outcomes]) -> Outcomes:
        """Return the outcomes of several sets of trials as one."""
        names = parts[0].values
        return cls(
            {name: np.concatenate([part.values[name] for part in parts]) for name in names},
            np.concatenate([part.failed for part in parts]),
        )


class Failures(NamedTuple):
    """How many replicates failed, and what was said most often; the same of those whose world cannot be."""

    failed: int = 0
    message: str = ""
    impossible: int = 0
    why: str = ""


class Evaluator(Protocol):
    """Computes replicates. The same design and trial always have the same outcome, whatever was asked before."""

    @property
    def uncertain(self) -> bool:
        """Whether there is more than one world."""

    def evaluate(self, design: Mapping[str, Any], trials: Sequence[Trial], measures: Sequence[str]) -> Outcomes:
        """Return what each trial came to."""

    def world(self, world: int) -> Mapping[str, Any]:
        """Return what was unknown and is so in a world."""

    def failures(self) -> Failures:
        """Return what failed so far of the replicates asked for."""


def trials(evaluator: Evaluator, design: Mapping[str, Any], start: int, count: int, *, fresh: bool) -> list[Trial]:
    """Return so many trials of a design from its ``start``-th on: each in a world of its own where worlds are uncertain.

    Designs meet other worlds each, so that a surrogate over designs averages over worlds too.
    """
    if not evaluator.uncertain:
        return [Trial(fresh, 0, k) for k in range(start, start + count)]
    digest = hashlib.sha256(f"{key_of(design)} {fresh}".encode()).digest()
    first = _APART * (int.from_bytes(digest[:4], "big") % 1_000_000)
    return [Trial(fresh, first + k, 0) for k in range(start, start + count)]


@dataclass(eq=False)
class Tally:
    """What the replicates of each design came to.

    ``counts`` has how many each design has; ``scores`` each target's scores, (n,), as ``Target.score`` gives them.
    """

    targets: Sequence[Target]
    counts: dict[int, int] = field(default_factory=dict)
    scores: dict[int, list[Floats]] = field(default_factory=dict)

    def add(self, design: int, outcomes: Outcomes) -> None:
        """Take the outcomes of a design's next replicates."""
        new = [target.score(*outcomes) for target in self.targets]
        old = self.scores.get(design)
        self.scores[design] = new if old is None else [np.concatenate(pair) for pair in zip(old, new, strict=True)]
        self.counts[design] = self.counts.get(design, 0) + len(outcomes.failed)

    @property
    def designs(self) -> list[int]:
        """The designs that have replicates, in the order in which they were first asked for."""
        return list(self.counts)

    @property
    def fits(self) -> int:
        """How many replicates there are."""
        return sum(self.counts.values())

    def known(self, design: int, target: int) -> Floats:
        """Return the scores of a design's replicates that have one, (n,), failed fits with the worst."""
        scores = filled(self.targets[target], self.scores[design][target], self.worst_seen(target))
        return scores[np.isfinite(scores)]

    def worst_seen(self, target: int) -> float:
        """Return the worst score of a target that any replicate had; 0 where none had one."""
        each = [s[target][np.isfinite(s[target])] for s in self.scores.values()]
        return min((float(known.min()) for known in each if len(known)), default=0.0)


def filled(target: Target, scores: Floats, worst_seen: float) -> Floats:
    """Return scores with the worst of the metric's range, or the worst that was seen, for a failed fit; NaN stays."""
    if not target.is_mean:
        return scores
    lowest = target.worst()
    if not np.isfinite(lowest):
        lowest = min([worst_seen, *scores[np.isfinite(scores)].tolist()])
    return np.where(np.isneginf(scores), lowest, scores)
