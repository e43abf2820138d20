"""A planner on problems whose answers are known: short; scripts/verify runs 400 seeds of each."""

from __future__ import annotations

import numpy as np
import pytest
from reference.planning import problems
from statistical.planning import bisection, even_grid, fits_needed, judge, overconfident, solver

SEEDS = range(1, 13)
FITS = 1500


@pytest.mark.parametrize("which", range(3), ids=[p.name for p in problems()])
def test_what_is_reported_is_true_and_the_design_is_about_the_cheapest(which: int) -> None:
    problem = problems()[which]
    found, by_its_own = judge(problem, SEEDS, FITS)
    # Of 12 intervals of 90 %, fewer than 8 hold with probability 0.0005; of 85 % with 0.005.
    assert found.covered.sum() >= 8
    assert np.median(found.dearer) <= 0.05
    assert np.mean(found.beyond >= -0.02) >= 0.75
    assert abs(found.optimism.mean()) < 0.02
    assert found.fits.max() <= FITS
    # The control: the same searches, did they report what they chose by.
    assert by_its_own.optimism.mean() > 0.02


def test_far_fewer_fits_than_an_even_grid_or_bisection() -> None:
    problem = problems()[0]
    rng = np.random.default_rng(1)
    for method in (even_grid, bisection):
        assert fits_needed(method, problem, 0.7, rng, runs=40) >= 4 * FITS


@pytest.mark.parametrize("which", range(3), ids=[p.name for p in problems()])
def test_the_control_that_reports_the_replicates_it_chose_by_is_caught(which: int) -> None:
    """As many replicates of every design as our own interval has: what is then chosen by them is reported as too good."""
    problem = problems()[which]
    fresh = solver(problem, 1, FITS).fresh_needed
    covered, optimism = overconfident(problem, fresh, 4000, np.random.default_rng(2))
    # Three errors below the level.
    assert covered < 0.886
    assert optimism > 0.01
