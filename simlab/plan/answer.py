"""Answer: what a plan found: the design, what it costs and reaches, the frontier, what more would buy, what is in the way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.plan.costs import Design
from simlab.plan.evaluator import Failures
from simlab.plan.intervals import Interval
from simlab.plan.over_worlds import Contrast, OverWorlds
from simlab.plan.search import Stop
from simlab.plan.space import Space
from simlab.plan.targets import Target

Floats = NDArray[np.float64]

# So many times as probable as is allowed may failure be by the interval of a design that is said to reach.
_MOST_TIMES = 4.0


class Verdict(StrEnum):
    """What fresh replicates say of a target."""

    SURELY = "surely reached"  # the whole interval reaches
    REACHED = "reached"  # the estimate reaches, and the interval has the target in it
    FEW = "few"  # the estimate reaches, by too few replicates to support it
    CLOSE = "close"  # the estimate falls short, and the interval has the target in it
    MISSED = "missed"  # the whole interval falls short


class Outcome(StrEnum):
    """How a plan ended."""

    FOUND = "found"  # the design found reaches all targets on fresh replicates
    CLOSE = "close"  # it cannot be told apart from one that just reaches, or from one that just does not
    MISSED = "missed"  # fresh replicates show that it misses, and a better one was not found
    NONE = "none"  # no design reaches, as far as can be told


@dataclass(frozen=True)
class Reached:
    """What a design reaches of one target, on the scale of the target: a probability, or the mean of what was asked.

    quantile : of a target that asks for a quantile, the quantile itself, infinite where it falls among failed fits; else NaN;
    undefined : the share of replicates in which its metrics have no value, which are left out.
    """

    target: Target
    interval: Interval
    quantile: float = math.nan
    undefined: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """What the interval says of the target."""
        needed = self.target.needed
        if self.interval.low >= needed:
            return Verdict.SURELY
        if self.interval.high < needed:
            return Verdict.MISSED
        if not self.interval.estimate >= needed:
            return Verdict.CLOSE
        # Twenty successes of twenty do not show .999: failures may be several times as many as are allowed.
        rare = not self.target.is_mean and 1.0 - self.interval.low > _MOST_TIMES * (1.0 - needed)
        return Verdict.FEW if rare else Verdict.REACHED


def outcome_of(reached: Sequence[Reached], *, none: bool) -> Outcome:
    """Return how a plan ended, by what fresh replicates say, and whether the search thinks that none reaches."""
    verdicts = {r.verdict for r in reached}
    if Verdict.MISSED in verdicts:
        return Outcome.NONE if none else Outcome.MISSED
    # Against a search of many replicates it takes more than an estimate.
    enough = {Verdict.SURELY} if none else {Verdict.SURELY, Verdict.REACHED}
    return Outcome.FOUND if verdicts <= enough else Outcome.CLOSE


@dataclass(frozen=True)
class Predicted:
    """A design as the surrogates see it: its cost and, for each target, what it reaches with an interval."""

    design: Design
    cost: float
    reaches: tuple[Interval, ...]
    probability: float


@dataclass(frozen=True)
class More:
    """What a little more of one setting would buy: the change, what it costs, and what each target gains."""

    variable: str
    before: Any
    after: Any
    cost: float
    gains: tuple[Interval, ...]


@dataclass(frozen=True)
class Direction:
    """How a target changes along a setting about the design found: rises, falls, turns, flat, or not known."""

    variable: str
    target: Target
    kind: str


@dataclass(frozen=True)
class OfWorlds:
    """How the success of one target, or its mean, is spread over worlds, and which worlds fail."""

    target: Target
    spread: OverWorlds
    contrasts: tuple[Contrast, ...]


@dataclass(frozen=True)
class Lift:
    """A limit that may stand in the way: its name, what is changed to lift it, and that in words."""

    name: str
    words: str
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Lifted:
    """What would be reached if a limit were lifted."""

    lift: Lift
    reached: tuple[Reached, ...]

    @property
    def enough(self) -> bool:
        """Whether all targets would then be reached, by their estimates."""
        return all(r.interval.estimate >= r.target.needed for r in self.reached)


@dataclass(frozen=True, eq=False)
class Fits:
    """How many fits were used, and for what; what failed of them."""

    search: int
    fresh: int
    limits: int
    allowed: int
    failures: Failures

    @property
    def total(self) -> int:
        """All of them."""
        return self.search + self.fresh + self.limits


@dataclass(frozen=True, eq=False)
class Answer:
    """What a plan found.

    Attributes
    ----------
    targets, space, price_text, unit : what was asked, of which designs, at what price
    outcome : Outcome
        Where none reaches, or the search thought so (``none`` above one half), ``design`` is the one that came nearest.
    budget : float, optional
        The most that a design may cost.
    none : float
        The probability that no design reaches, by the surrogates.
    stop : Stop
        Why the search ended.
    design, cost : the design, and its cost
    reached : tuple of Reached
        For each target, from fresh replicates that had no part in choosing the design.
    at_once : Interval, optional
        The probability that one study is as all targets of a probability want it, from the same replicates; None for fewer
        than two such targets.
    by_search : tuple of Interval
        The same from the replicates of the search, which chose the design: too favourable, for comparison only.
    cheapest : (low, high)
        Interval (90 %) of the cost of the cheapest design that reaches, from the surrogates; infinite where there may be none.
    frontier : tuple of Predicted, by cost
    curves : mapping of setting to tuple of Predicted
        Along one setting, the others as in ``design``.
    more, directions, worlds, limits : see their classes
    worlds_left : tuple of str
        Targets that are defined in too few worlds to say how they differ.
    limits_left : tuple of str
        Names of limits that were not lifted, as the fits were spent.
    rejected : tuple of (design, cost, Reached of each target)
        Designs chosen before, and dropped after further replicates of the search.
    looked_at : tuple of (design, cost, replicates, mean score of each target), in the search
    fits : Fits
    seconds : float
    """

    targets: tuple[Target, ...]
    space: Space
    price_text: str
    unit: str
    outcome: Outcome
    budget: float | None
    none: float
    stop: Stop
    design: Design
    cost: float
    reached: tuple[Reached, ...]
    at_once: Interval | None
    by_search: tuple[Interval, ...]
    cheapest: tuple[float, float]
    frontier: tuple[Predicted, ...]
    curves: Mapping[str, tuple[Predicted, ...]]
    more: tuple[More, ...]
    directions: tuple[Direction, ...]
    worlds: tuple[OfWorlds, ...]
    worlds_left: tuple[str, ...]
    limits: tuple[Lifted, ...]
    limits_left: tuple[str, ...]
    rejected: tuple[tuple[Design, float, tuple[Reached, ...]], ...]
    looked_at: tuple[tuple[Design, float, int, tuple[float, ...]], ...]
    fits: Fits
    seconds: float

    @property
    def found(self) -> bool:
        """Whether the design reaches all targets, as far as can be told."""
        return self.outcome in (Outcome.FOUND, Outcome.CLOSE)
