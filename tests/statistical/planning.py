"""How well a planner does where the answer is known, beside an even grid, bisection, and a control too sure of itself."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from reference.planning import Problem

from simlab.plan.intervals import of_share
from simlab.plan.solve import Solver

Floats = NDArray[np.float64]

LEVEL = 0.9
# An answer is good where it truly reaches the target, or misses it by no more than this, and costs at most so much more than
# the cheapest that truly reaches.
SHORT, DEARER = 0.02, 0.1


@dataclass(frozen=True, eq=False)
class Judged:
    """Runs of a planner over seeds, each array (n_seeds,).

    covered : whether the reported interval contains the true assurance of the design reported; dearer : its cost over that of
    the cheapest that truly reaches, less 1; beyond : its true assurance less the target; fits : how many were used;
    optimism : what was reported less the truth; cost_covered : whether the interval of the cheapest cost has it.
    """

    covered: NDArray[np.bool_]
    dearer: Floats
    beyond: Floats
    fits: Floats
    optimism: Floats
    cost_covered: NDArray[np.bool_]

    @property
    def good(self) -> float:
        """The share of good answers."""
        return good(self.dearer, self.beyond)

    def line(self, name: str) -> str:
        """Return the figures in a line."""
        low, high = np.quantile(self.dearer, [0.1, 0.9])
        return (
            f"{name}: intervals of {LEVEL:.0%} cover {self.covered.mean():.1%} of {len(self.covered)}; cost over the cheapest"
            f" median {np.median(self.dearer):+.1%} ({low:+.1%} to {high:+.1%}); truly reaches {np.mean(self.beyond >= 0):.0%},"
            f" by .02 less {np.mean(self.beyond >= -SHORT):.0%}; good {self.good:.0%}; fits median {np.median(self.fits):.0f};"
            f" reported less true {self.optimism.mean():+.3f}; cost interval covers {self.cost_covered.mean():.0%}"
        )


def good(dearer: Floats, beyond: Floats) -> float:
    """Return the share of good answers."""
    return float(np.mean((beyond >= -SHORT) & (dearer <= DEARER)))


def solver(problem: Problem, seed: int, fits: int) -> Solver:
    """Return a solver at work on a problem."""
    costs = {tuple(point): cost for point, cost in zip(problem.space.points.tolist(), problem.space.costs, strict=True)}

    def cost(design: Any) -> float:
        levels = [v.levels.index(design[v.name]) if design[v.name] in v.levels else -1 for v in problem.space.variables]
        return float(costs.get(tuple(levels), np.nan))

    return Solver(problem.space, [problem.target], problem.evaluator(seed), cost, fits, seed=seed)


def judge(problem: Problem, seeds: range, fits: int) -> tuple[Judged, Judged]:
    """Run the planner over seeds; return what it reports, and a control.

    The control takes the cheapest design whose replicates of the search reach the target, and reports those same replicates.
    """
    out: tuple[list[Any], list[Any]] = ([], [])
    cheapest = problem.space.costs[problem.best]
    for seed in seeds:
        work = solver(problem, seed, fits)
        answer = work.solve()
        reported = problem.space.index(answer.design)
        assert reported is not None
        tally = work.search.tally
        scores = {d: tally.scores[d][0] for d in tally.designs}
        reaching = [d for d in scores if scores[d].mean() >= problem.level]
        own = min(reaching, key=lambda d: problem.space.costs[d])
        by_its_own = of_share(int(scores[own].sum()), len(scores[own]), LEVEL)
        for k, (at, interval) in enumerate(((reported, answer.reached[0].interval), (own, by_its_own))):
            true = float(problem.assurance[at])
            out[k].append(
                (
                    interval.low <= true <= interval.high,
                    problem.space.costs[at] / cheapest - 1.0,
                    true - problem.level,
                    answer.fits.total,
                    interval.estimate - true,
                    answer.cheapest[0] <= cheapest <= answer.cheapest[1],
                )
            )
    ours, control = (Judged(*(np.array(column) for column in zip(*rows, strict=True))) for rows in out)
    return ours, control


def even_grid(problem: Problem, replicates: int, runs: int, rng: np.random.Generator, z: float) -> tuple[float, int]:
    """Return the share of good answers of an even grid, and the fits it uses.

    Every design gets the same replicates; the cheapest is taken whose share less z standard errors reaches.
    """
    dearer, beyond = np.zeros(runs), np.zeros(runs)
    for run in range(runs):
        share = rng.binomial(replicates, problem.assurance) / replicates
        _take(problem, share, replicates, z, run, dearer, beyond)
    return good(dearer, beyond), replicates * len(problem.space)


def bisection(problem: Problem, replicates: int, runs: int, rng: np.random.Generator, z: float) -> tuple[float, int]:
    """Return the share of good answers of bisection, and the mean number of fits.

    The variable with the most levels is bisected at every combination of the levels of the others, as if more were better.
    """
    space = problem.space
    sizes = [len(v.levels) for v in space.variables]
    axis = int(np.argmax(sizes))
    places = {tuple(point): k for k, point in enumerate(space.points.tolist())}
    others = list(itertools.product(*(range(n) for i, n in enumerate(sizes) if i != axis)))
    lines = np.array([[places[(*o[:axis], k, *o[axis:])] for k in range(sizes[axis])] for o in others])
    dearer, beyond = np.zeros(runs), np.zeros(runs)
    fits = 0
    for run in range(runs):
        share = np.full(len(space), -1.0)
        low, high = np.full(len(lines), -1), np.full(len(lines), sizes[axis])
        while True:
            open_ = high - low > 1
            if not open_.any():
                break
            middle = (low + high) // 2
            at = lines[open_, middle[open_]]
            share[at] = rng.binomial(replicates, problem.assurance[at]) / replicates
            fits += replicates * int(open_.sum())
            reaches = _reaches(share[at], replicates, problem.level, z)
            high[open_] = np.where(reaches, middle[open_], high[open_])
            low[open_] = np.where(reaches, low[open_], middle[open_])
        _take(problem, share, replicates, z, run, dearer, beyond)
    return good(dearer, beyond), round(fits / runs)


def overconfident(problem: Problem, replicates: int, runs: int, rng: np.random.Generator) -> tuple[float, float]:
    """Return how often the interval of a planner covers the truth, and its mean optimism, that reports what it chose by.

    Every design gets the same replicates; the cheapest whose share reaches is chosen, and reported with that share.
    """
    covered, optimism = np.zeros(runs), np.zeros(runs)
    for run in range(runs):
        counts = rng.binomial(replicates, problem.assurance)
        reaching = np.flatnonzero(counts >= replicates * problem.level)
        at = int(reaching[problem.space.costs[reaching].argmin()])
        interval = of_share(int(counts[at]), replicates, LEVEL)
        covered[run] = interval.low <= problem.assurance[at] <= interval.high
        optimism[run] = interval.estimate - problem.assurance[at]
    return float(covered.mean()), float(optimism.mean())


def _reaches(share: Floats, replicates: int, level: float, z: float) -> NDArray[np.bool_]:
    return np.asarray(share - z * np.sqrt(np.maximum(share * (1.0 - share), 0.25 / replicates) / replicates) >= level)


def _take(problem: Problem, share: Floats, replicates: int, z: float, run: int, dearer: Floats, beyond: Floats) -> None:
    reaching = np.flatnonzero(_reaches(share, replicates, problem.level, z))
    at = int(reaching[problem.space.costs[reaching].argmin()]) if len(reaching) else int(share.argmax())
    dearer[run] = problem.space.costs[at] / problem.space.costs[problem.best] - 1.0
    beyond[run] = problem.assurance[at] - problem.level


def fits_needed(
    method: Any, problem: Problem, wanted: float, rng: np.random.Generator, runs: int = 200, *, least: int = 20
) -> int:
    """Return the fewest fits with which a method has so large a share of good answers, at the best of several cautions.

    ``least`` : replicates that every design it looks at has at least. With as many as an answer's own interval is from, what
    it reports of its design has the same precision; with fewer it would need fresh replicates besides.
    """
    steps = (20, 40, 60, 90, 130, 200, 300, 450, 700, 1000, 1500, 2200, 3300, 5000, 8000)
    fits = 0
    for replicates in sorted({least, *(step for step in steps if step > least)}):
        for caution in (0.0, 0.5, 1.0, 1.5, 2.0):
            share, fits = method(problem, replicates, runs, rng, caution)
            if share >= wanted:
                return fits
    return fits
