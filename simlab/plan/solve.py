"""Solve: search for the cheapest design, test it on fresh replicates, and say what more would buy or what is in the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError
from simlab.foundation.streams import stream
from simlab.plan import reading
from simlab.plan.answer import Answer, Fits, Lift, Lifted, OfWorlds, Outcome, Reached, outcome_of
from simlab.plan.costs import Design
from simlab.plan.evaluator import BLOCK, Evaluator, Outcomes, Trial, filled, trials
from simlab.plan.intervals import Interval, of_mean, of_share, replicates_for
from simlab.plan.outlook import Cheapest
from simlab.plan.over_worlds import contrasts, means_over_worlds, shares_over_worlds
from simlab.plan.precision import Precision
from simlab.plan.search import Search, Silent, Stop, Telling
from simlab.plan.space import Space
from simlab.plan.targets import Target
from simlab.study.cell import OneThread

Floats = NDArray[np.float64]

LEAST_FITS = 200
_FRESH_OF_MEAN = 240
# Replicates of its own that a design has before it is the answer.
_OF_CHECK = 160
# Worlds whose probability of success is looked at by itself, and replicates of each.
_WORLDS, _OF_EACH = 40, 5
_LEAST_WORLDS = 10
# Replicates of a design with a limit lifted; how many limits there may be.
_OF_LIMIT, _MOST_LIMITS = 100, 6


@dataclass(eq=False)
class Solver:
    """One plan at work.

    ``cost`` gives the cost of any design, NaN of one that cannot be; ``limits`` what may stand in the way of one; ``budget``
    the most that a design may cost, and ``beyond`` the space without it.
    """

    space: Space
    targets: list[Target]
    evaluator: Evaluator
    cost: Callable[[Design], float]
    fits: int
    seed: int = 1
    precision: Precision = field(default_factory=Precision)
    limits: Callable[[Design], Sequence[Lift]] = lambda _: ()
    telling: Telling = field(default_factory=Silent)
    budget: float | None = None
    beyond: Space | None = None
    price_text: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        """Check the budget of fits; begin the search with nothing."""
        check_fits(self.fits)
        self.search = Search(
            self.space,
            self.targets,
            self.evaluator,
            self.seed,
            precision=self.precision.cost,
            level=self.precision.level,
            confidence=self.precision.confidence,
            telling=self.telling,
        )
        self._checked: list[int] = []
        self._worlds_left: list[str] = []
        self._fresh_fits = self._limit_fits = 0

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
        return self.search.tally.fits + self._fresh_fits + self._limit_fits

    def solve(self) -> Answer:
        """Return the answer. Matrices are small: more threads than one would wait for each other, and change the numbers."""
        with OneThread():
            return self._solved()

    def _solved(self) -> Answer:
        begun = time.monotonic()
        fresh, spare = self.fresh_needed, BLOCK * min(_MOST_LIMITS, self.fits // (2 * LEAST_FITS))
        extra = self._world_fits()
        stop, cheapest, design, none = self._chosen(fresh + extra + spare)
        if not none and stop == Stop.SPENT:
            # What was kept for limits goes to the answer's interval.
            fresh += spare
        levels, count = self.space.design(design), min(fresh, self._left(extra))
        outcomes = self._test(design, count)
        reached = self._reached(outcomes)
        worlds = self._worlds(design, outcomes) if extra else ()
        outcome = outcome_of(reached, none=none)
        lifts = self._lifts(levels) if outcome == Outcome.MISSED or (none and outcome != Outcome.FOUND) else []
        limits = self._lifted(levels, lifts)
        rng, outlook, level = stream(self.seed, "reading"), self.search.outlook, self.precision.level
        return Answer(
            targets=tuple(self.targets),
            space=self.space,
            price_text=self.price_text,
            unit=self.unit,
            outcome=outcome,
            budget=self.budget,
            none=cheapest.none,
            stop=stop,
            design=levels,
            cost=self.cost(levels),
            reached=reached,
            at_once=self._at_once(outcomes),
            by_search=self._by_search(design),
            cheapest=cheapest.interval(level),
            frontier=reading.frontier(outlook, level),
            curves={v.name: reading.curve(outlook, levels, v, self.cost, level) for v in self.space.variables},
            more=reading.more(outlook, levels, self.cost, level, rng),
            directions=reading.directions(outlook, levels, self.cost, rng),
            worlds=worlds,
            worlds_left=tuple(self._worlds_left),
            limits=limits,
            limits_left=tuple(lift.name for lift in lifts[len(limits) :]),
            rejected=self._turned_down(design),
            looked_at=self._looked_at(),
            fits=Fits(self.search.tally.fits, self._fresh_fits, self._limit_fits, self.fits, self.evaluator.failures()),
            seconds=time.monotonic() - begun,
        )

    def _chosen(self, kept: int) -> tuple[Stop, Cheapest, int, bool]:
        """Search, and return why it ended, what it found, the design chosen, and whether none is likelier to reach.

        A design that is chosen gets replicates of its own before it is the answer, as those of the search: the luck that it
        was chosen for is then little, and what the answer reports is from others, whatever they show.
        """
        tally, outlook = self.search.tally, self.search.outlook
        total = max(self.fits - kept, 3 * BLOCK) // BLOCK * BLOCK
        checks = min(_OF_CHECK, int(0.15 * total) // BLOCK * BLOCK)
        while True:
            stop, cheapest = self.search.run(total - checks)
            none = stop == Stop.NONE or cheapest.none > 0.5
            design = outlook.best() if none else outlook.choose(self.precision.confidence)
            lacking = min(_OF_CHECK - tally.counts.get(design, 0), total - tally.fits) // BLOCK * BLOCK
            if none or lacking <= 0:
                return stop, cheapest, design, none
            self._checked.append(design)
            self.search.replicate(design, lacking, self.fits)

    def _turned_down(self, design: int) -> tuple[tuple[Design, float, tuple[Reached, ...]], ...]:
        """Return designs that were chosen before, and against which their replicates in the search then spoke."""
        out = []
        for d in dict.fromkeys(self._checked):
            reached = tuple(Reached(t, i) for t, i in zip(self.targets, self._by_search(d), strict=True))
            # Others were dropped for a cheaper one, and are no worse than they seemed.
            if d != design and any(r.interval.estimate < r.target.needed for r in reached):
                out.append((self.space.design(d), float(self.space.costs[d]), reached))
        return tuple(out)

    def _lifts(self, levels: Design) -> list[Lift]:
        """Return the limits that may stand in the way, a budget first."""
        lifts = list(self.limits(levels))
        if self.beyond is None:
            return lifts
        reach, margin = self.search.outlook.at(self.beyond.features())
        sure = np.flatnonzero(reach >= self.precision.confidence)
        at = int(sure[self.beyond.costs[sure].argmin()]) if len(sure) else int(margin.argmax())
        cost = self.beyond.costs[at]
        if self.budget is None or cost <= self.budget:
            return lifts
        return [Lift("budget", f"for {cost:,.0f} {self.unit}".rstrip(), self.beyond.design(at)), *lifts]

    def _left(self, kept: int) -> int:
        """Return how many fits are left besides those that are kept, in whole blocks."""
        return max(self.fits - self.used - kept, 0) // BLOCK * BLOCK

    def _test(self, design: int, count: int) -> Outcomes:
        """Compute fresh replicates of a design."""
        levels = self.space.design(design)
        asked = trials(self.evaluator, levels, 0, count, fresh=True)
        parts = []
        for block in range(0, count, 4 * BLOCK):
            parts.append(self.evaluator.evaluate(levels, asked[block : block + 4 * BLOCK], self.search.measures))
            self._fresh_fits += min(4 * BLOCK, count - block)
            self.telling.stage("fresh replicates", self.used, self.fits)
        return Outcomes.joined(parts)

    def _reached(self, outcomes: Outcomes) -> tuple[Reached, ...]:
        """Return what a design reaches by these replicates alone."""
        out = []
        for target in self.targets:
            scores = self._scores(target, outcomes)
            undefined = float(np.isnan(scores).mean())
            out.append(Reached(target, self._interval(target, scores), target.quantile_of(*outcomes), undefined))
        return tuple(out)

    def _scores(self, target: Target, outcomes: Outcomes) -> Floats:
        """Return scores, NaN where a metric is not defined; of a mean a failed fit has the worst of its range, or seen."""
        return filled(target, target.score(*outcomes), self.search.tally.worst_seen(self.targets.index(target)))

    def _interval(self, target: Target, scores: Floats) -> Interval:
        known = scores[np.isfinite(scores)]
        if target.is_mean:
            low, high = target.score_range()
            found = of_mean(known, self.precision.level)
            return replace(found, low=max(found.low, low), high=min(found.high, high))
        return of_share(int(known.sum()), len(known), self.precision.level)

    def _at_once(self, outcomes: Outcomes) -> Interval | None:
        """Return the probability that a replicate is as all targets of a probability want it; None for fewer than two."""
        scores = [t.score(*outcomes) for t in self.targets if not t.is_mean]
        if len(scores) < 2:
            return None
        together = np.prod(scores, axis=0)
        together = together[np.isfinite(together)]
        return of_share(int(together.sum()), len(together), self.precision.level)

    def _by_search(self, design: int) -> tuple[Interval, ...]:
        """Return what the replicates say that the search itself had of a design; nothing where it had none."""
        if design not in self.search.tally.counts:
            return ()
        return tuple(self._interval(t, self.search.tally.known(design, k)) for k, t in enumerate(self.targets))

    def _world_fits(self) -> int:
        return _WORLDS * (_OF_EACH - 1) if self.evaluator.uncertain and self.fits >= 5 * LEAST_FITS else 0

    def _worlds(self, design: int, outcomes: Outcomes) -> tuple[OfWorlds, ...]:
        """Return how success is spread over worlds: some worlds get further replicates.

        Of a target are those worlds in which its metrics are defined in each replicate.
        """
        levels = self.space.design(design)
        first = trials(self.evaluator, levels, 0, len(outcomes.failed), fresh=True)
        chosen = first[:_WORLDS]
        again = [Trial(True, t.world, r) for r in range(1, _OF_EACH) for t in chosen]
        self.telling.stage("worlds", self.used, self.fits)
        further = self.evaluator.evaluate(levels, again, self.search.measures)
        self._fresh_fits += len(again)
        self.telling.stage("worlds", self.used, self.fits)
        unknown = [self.evaluator.world(t.world) for t in first]
        out = []
        for target in self.targets:
            both = self._scores(target, Outcomes.joined([outcomes, further]))
            scores, more = both[: len(first)], both[len(first) :]
            each = np.vstack([scores[: len(chosen)], more.reshape(_OF_EACH - 1, len(chosen))])
            each = each[:, np.isfinite(each).all(axis=0)]
            if each.shape[1] < _LEAST_WORLDS:
                self._worlds_left.append(target.text)
                continue
            spread = (
                means_over_worlds(each.T)
                if target.is_mean
                else shares_over_worlds(each.sum(axis=0).astype(int), _OF_EACH)
            )
            known = np.flatnonzero(np.isfinite(scores))
            found = contrasts([unknown[i] for i in known], scores[known], partial(self._interval, target))
            out.append(OfWorlds(target, spread, found))
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
            outcomes = self.evaluator.evaluate(changed, asked, self.search.measures)
            self._limit_fits += each
            out.append(Lifted(lift, self._reached(outcomes)))
        self.telling.stage("limits", self.used, self.fits)
        return tuple(out)

    def _looked_at(self) -> tuple[tuple[Design, float, int, tuple[float, ...]], ...]:
        tally = self.search.tally
        out = []
        for design in tally.designs:
            means = tuple(self._interval(t, tally.known(design, k)).estimate for k, t in enumerate(self.targets))
            out.append((self.space.design(design), float(self.space.costs[design]), tally.counts[design], means))
        return tuple(out)


def check_fits(fits: int) -> None:
    """Raise InputError where so many fits are none, or too few for a search."""
    if isinstance(fits, bool) or not isinstance(fits, int) or fits < LEAST_FITS:
        raise InputError.of("fits", fits, f"must be an integer from {LEAST_FITS}")


def _blocks(count: int) -> int:
    return -(-count // BLOCK) * BLOCK
