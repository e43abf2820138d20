"""Long verification of planners, run by scripts/verification.py: three problems whose answers are known, over many seeds."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from reference.planning import problems
from statistical.planning import LEVEL, bisection, even_grid, fits_needed, judge, overconfident, solver

FITS = 1500
# The share of intervals that must cover is their level less two Monte Carlo errors at 400 seeds.
N_SEEDS = 400


def planned(n_seeds: int = N_SEEDS, only: Sequence[str] = ()) -> int:
    """Judge the planner on every problem, or some, and the control; return how many judgements are not as they should be."""
    wrong = 0
    least_covered = LEVEL - 2.0 * np.sqrt(LEVEL * (1.0 - LEVEL) / n_seeds)
    for problem in problems():
        if only and problem.name not in only:
            continue
        rng = np.random.default_rng(15)
        begun = time.perf_counter()
        # As many replicates as the interval of our own answer is from.
        fresh = solver(problem, 1, FITS).fresh_needed
        found, by_its_own = judge(problem, range(1, n_seeds + 1), FITS)
        seconds = time.perf_counter() - begun
        wrong += _said(found.line(f"plan, {problem.name}"), found.covered.mean() >= least_covered)
        wrong += _said(
            f"    median cost over the cheapest at most 5 % ({seconds:.0f} s)", np.median(found.dearer) <= 0.05
        )
        for method in (even_grid, bisection):
            name = method.__name__.replace("_", " ")
            # As precise as our own answers are with their interval, and reported besides, without one.
            needed, bare = (fits_needed(method, problem, found.good, rng, least=least) for least in (fresh, 20))
            used = float(np.median(found.fits))
            text = f"    {name}: {needed:,} fits for as many good answers with as narrow an interval, {used / needed:.1%} used"
            wrong += _said(f"{text}; without an interval {bare:,}, {used / bare:.1%}", used <= 0.25 * needed)
        covered, optimism = overconfident(problem, fresh, 10 * n_seeds, rng)
        text = f"    control, reports what it chose by: covers {covered:.1%}, reported less true {optimism:+.3f}"
        wrong += _said(text, abs(found.optimism.mean()) < 0.01 < optimism and covered < least_covered)
        sure = by_its_own.optimism.mean()
        text = f"    control, our own search, did it report so: covers {by_its_own.covered.mean():.1%}, {sure:+.3f}"
        # Its intervals are wide, as few replicates make them, and cover all the same.
        wrong += _said(text, sure > 0.01)
    return wrong


def _said(text: str, right: bool) -> int:
    print(f"{'ok ' if right else 'BAD'} {text}", flush=True)
    return int(not right)


if __name__ == "__main__":
    import sys

    sys.exit(int(planned(only=sys.argv[1:]) > 0))
