"""Solve: search for the cheapest design, test it on fresh replicates, and say what more would buy or what is in the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError
from simlab.foundation.streams import stream
from simlab.plan import reading
from simlab.plan.answer import Answer, Fits, Lift, Lifted, OfWorlds, Reached, Verdict
from simlab.plan.evaluator import BLOCK, Evaluator, Trial, filled, trials
from simlab.plan.intervals import Interval, of_mean, of_share, replicates_for
from simlab.plan.over_worlds import contrasts, means_over_worlds, shares_over_worlds
from simlab.plan.search import Search, Silent, Stop, Telling
from simlab.plan.space import Design, Space
from simlab.plan.targets import Target

Floats = NDArray[np.float64]

LEAST_FITS = 200
_FRESH_OF_MEAN = 240
_MOST_ATTEMPTS = 4
# Worlds whose probability of success is looked at by itself, and replicates of each.
_WORLDS, _OF_EACH = 40, 5
# Replicates of a design with a limit lifted; how many limits there may be.
_OF_LIMIT, _MOST_LIMITS = 100, 6
_OF_SECOND, _LEAST_TEST = 100, 3 * BLOCK


@dataclass(frozen=True)
class Precision:
    """How precise an answer is to be.

    level : of all intervals; cost : width of the interval of the cheapest cost over its lower end at which a search ends;
    assurance : half the width of the interval of the assurance; confidence : probability, by the surrogates, with which the
    design that is chosen reaches the targets.
    """

    level: float = 0.9
    cost: float = 0.1
    assurance: float = 0.03
    confidence: float = 0.8

    def __post_init__(self) -> None:
        """Check that each is a number between 0 and 1."""
        for name in ("level", "cost", "assurance", "confidence"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 < value < 1.0:
                raise InputError.of(name, value, "must be above 0 and below 1")


@dataclass(eq=False)
class Solver:
    """One plan at work. ``cost`` gives the cost of any design, ``limits`` what may stand in the way of one."""

    space: Space
    targets: list[Target]
    evaluator: Evaluator
    cost: Callable[[Design], float]
    fits: int
    seed: int = 1
    precision: Precision = field(default_factory=Precision)
    limits: Callable[[Design], Sequence[Lift]] = lambda _: ()
    telling: Telling = field(default_factory=Silent)
    price_text: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        """Check the budget of fits; begin the search with nothing."""
        if isinstance(self.fits, bool) or not isinstance(self.fits, int) or self.fits < LEAST_FITS:
            raise InputError.of("fits", self.fits, f"must be an integer from {LEAST_FITS}")
        self.search = Search(
            self.space,
            self.targets,
            self.evaluator,
            self.seed,
            precision=self.precision.cost,
            level=self.precision.level,
            telling=self.telling,
        )
        self._fresh: dict[int, int] = {}
        self._fresh_fits = self._limit_fits = 0
        self._learnt = 0

    @property
    def fresh_needed(self) -> int:
        """How many fresh replicates the answer's interval takes, in whole blocks; at most three tenths of all fits."""
        wanted = [
            _FRESH_OF_MEAN if t.is_mean else replicates_for(t.needed, self.precision.assurance, self.precision.level)
            for t in self.targets
        ]
        return max(BLOCK, min(_blocks(max(wanted)), int(0.3 * self.fits) // BLOCK * BLOCK))

    @property
    def used(self) -> int:
        """How many fits were used so far."""
        return self.search.tally.fits - self._learnt + self._fresh_fits + self._limit_fits

    def solve(self) -> Answer:
        """Return the answer."""
        begun = time.monotonic()
        fresh, spare = self.fresh_needed, BLOCK * min(_MOST_LIMITS, self.fits // (2 * LEAST_FITS))
        extra = self._world_fits()
        kept = extra + spare
        rejected: list[tuple[Design, float, tuple[Reached, ...]]] = []
        # A first test that fails must not be the end: something is kept for a second.
        second = min(fresh, _OF_SECOND)
        while True:
            keep = min(fresh, self._left(kept)) + (0 if rejected else second)
            stop, cheapest = self.search.run(self.search.tally.fits + max(self._left(kept) - keep, 0))
            none = stop == Stop.NONE or cheapest.none > 0.5
            outlook = self.search.outlook
            design = outlook.best() if none else outlook.choose(self.precision.confidence)
            levels, count = self.space.design(design), min(fresh, self._left(kept))
            values, reached = self._test(design, count)
            missed = any(r.verdict == Verdict.MISSED for r in reached)
            if none or not missed or len(rejected) + 1 >= _MOST_ATTEMPTS or self._left(kept) < _LEAST_TEST:
                break
            rejected.append((levels, self.cost(levels), reached))
            self._learn(design, values, count)
        worlds = self._worlds(design, values, count) if extra else ()
        found = not missed and (not none or all(r.interval.estimate >= r.target.needed for r in reached))
        lifts = self.limits(levels) if none and not found else ()
        limits = self._lifted(levels, lifts)
        rng = stream(self.seed, "reading")
        level = self.precision.level
        return Answer(
            targets=tuple(self.targets),
            space=self.space,
            price_text=self.price_text,
            unit=self.unit,
            found=found,
            none=cheapest.none,
            stop=stop,
            design=levels,
            cost=self.cost(levels),
            reached=reached,
            at_once=self._at_once(values),
            by_search=self._by_search(design),
            cheapest=cheapest.interval(level),
            frontier=reading.frontier(outlook, level),
            curves={v.name: reading.curve(outlook, levels, v, self.cost, level) for v in self.space.variables},
            more=reading.more(outlook, levels, self.cost, level, rng),
            directions=reading.directions(outlook, levels, rng),
            worlds=worlds,
            limits=limits,
            limits_left=tuple(lift.name for lift in lifts[len(limits) :]),
            rejected=tuple(rejected),
            looked_at=self._looked_at(),
            fits=Fits(self.search.tally.fits - self._learnt, self._fresh_fits, self._limit_fits, self.fits),
            seconds=time.monotonic() - begun,
        )

    def _left(self, kept: int) -> int:
        """Return how many fits are left besides those that are kept, in whole blocks."""
        return max(self.fits - self.used - kept, 0) // BLOCK * BLOCK

    def _test(self, design: int, count: int) -> tuple[dict[str, Floats], tuple[Reached, ...]]:
        """Compute fresh replicates of a design, and say what it reaches by them alone."""
        levels, start = self.space.design(design), self._fresh.get(design, 0)
        asked = trials(self.evaluator, levels, start, count, fresh=True)
        values: dict[str, Floats] = {name: np.zeros(0) for name in self.search.measures}
        for block in range(0, count, 4 * BLOCK):
            part = self.evaluator.evaluate(levels, asked[block : block + 4 * BLOCK], self.search.measures)
            values = {name: np.concatenate([values[name], part[name]]) for name in values}
            self._fresh_fits += min(4 * BLOCK, count - block)
            self.telling.stage("fresh replicates", self.used, self.fits)
        self._fresh[design] = start + count
        return values, tuple(Reached(t, self._interval(t, self._scores(t, values))) for t in self.targets)

    def _scores(self, target: Target, values: Mapping[str, Floats]) -> Floats:
        """Return scores without gaps; of a mean a failed fit has the worst of the metric's range, or the worst seen here."""
        scores = target.score(values)
        seen = scores[np.isfinite(scores)]
        return filled(target, scores, float(seen.min()) if len(seen) else 0.0)

    def _interval(self, target: Target, scores: Floats) -> Interval:
        if target.is_mean:
            return of_mean(scores, self.precision.level)
        return of_share(int(scores.sum()), len(scores), self.precision.level)

    def _at_once(self, values: Mapping[str, Floats]) -> Interval | None:
        """Return the probability that a replicate is as all targets of a probability want it; None for fewer than two."""
        scores = [t.score(values) for t in self.targets if not t.is_mean]
        if len(scores) < 2:
            return None
        return of_share(int(np.prod(scores, axis=0).sum()), len(scores[0]), self.precision.level)

    def _learn(self, design: int, values: Mapping[str, Any], count: int) -> None:
        self.search.learn(design, values, count)
        self._learnt += count

    def _by_search(self, design: int) -> tuple[Interval, ...]:
        """Return what the replicates say that the search itself had of a design; nothing where it had none."""
        if design not in self.search.tally.counts:
            return ()
        return tuple(self._interval(t, self.search.tally.filled(design, k)) for k, t in enumerate(self.targets))

    def _world_fits(self) -> int:
        return _WORLDS * (_OF_EACH - 1) if self.evaluator.uncertain and self.fits >= 5 * LEAST_FITS else 0

    def _worlds(self, design: int, values: Mapping[str, Floats], count: int) -> tuple[OfWorlds, ...]:
        """Return how success is spread over worlds: some worlds get further replicates."""
        levels = self.space.design(design)
        first = trials(self.evaluator, levels, self._fresh[design] - count, count, fresh=True)
        chosen = first[:_WORLDS]
        again = [Trial(True, t.world, r) for r in range(1, _OF_EACH) for t in chosen]
        self.telling.stage("worlds", self.used, self.fits)
        further = self.evaluator.evaluate(levels, again, self.search.measures)
        self._fresh_fits += len(again)
        self.telling.stage("worlds", self.used, self.fits)
        unknown = [self.evaluator.world(t.world) for t in first]
        out = []
        for target in self.targets:
            scores, more = self._scores(target, values), self._scores(target, further)
            each = np.vstack([scores[: len(chosen)], more.reshape(_OF_EACH - 1, len(chosen))])
            spread = (
                means_over_worlds(each.T)
                if target.is_mean
                else shares_over_worlds(each.sum(axis=0).astype(int), _OF_EACH)
            )
            interval = partial(self._interval, target)
            out.append(OfWorlds(target, spread, contrasts(unknown, scores, interval)))
        return tuple(out)

    def _lifted(self, levels: Design, lifts: Sequence[Lift]) -> tuple[Lifted, ...]:
        """Return what would be reached if each limit were lifted by itself; of the first ones only where few fits are left."""
        out = []
        affordable = lifts[: self._left(0) // BLOCK]
        each = min(_OF_LIMIT, self._left(0) // max(len(affordable), 1) // BLOCK * BLOCK)
        for lift in affordable:
            changed = {**levels, **lift.changes}
            asked = trials(self.evaluator, changed, 0, each, fresh=True)
            self.telling.stage("limits", self.used, self.fits)
            values = self.evaluator.evaluate(changed, asked, self.search.measures)
            self._limit_fits += each
            out.append(
                Lifted(lift, tuple(Reached(t, self._interval(t, self._scores(t, values))) for t in self.targets))
            )
        self.telling.stage("limits", self.used, self.fits)
        return tuple(out)

    def _looked_at(self) -> tuple[tuple[Design, float, int, tuple[float, ...]], ...]:
        tally = self.search.tally
        out = []
        for design in tally.designs:
            means = tuple(float(tally.filled(design, k).mean()) for k in range(len(self.targets)))
            out.append((self.space.design(design), float(self.space.costs[design]), tally.counts[design], means))
        return tuple(out)


def _blocks(count: int) -> int:
    return -(-count // BLOCK) * BLOCK
