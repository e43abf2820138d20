"""Warm-up and sampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import naive_lpcm as naive
from reference.cases import Case, problem
from reference.every_kernel import compiled_only

from simlab.kernels.chain import Draws, sample, set_masses, warm_up, with_step
from simlab.kernels.chain_state import Tuning, new_work
from simlab.kernels.lpcm import curvature


def tuning_for(size: int) -> Tuning:
    return Tuning(0.1, 8, np.ones(size), np.eye(2) * 0.1, 3)


def empty_draws(n_draws: int, case: Case) -> Draws:
    n, g, d = case.n, case.n_clusters, case.n_dims
    return Draws(
        np.full((n_draws, n, d), np.nan, dtype=np.float32),
        np.full((n_draws, n), -1, dtype=np.int16),
        np.full((n_draws, case.n_relations), np.nan),
        np.full((n_draws, g, d), np.nan),
        np.full((n_draws, g), np.nan),
        np.full((n_draws, g), np.nan),
        np.full(n_draws, np.nan),
        np.zeros(n_draws, dtype=bool),
    )


@pytest.mark.parametrize("case", [Case(3, 1, 2, 2), Case(18, 2, 2, 3, "masked")], ids=str)
def test_masses_and_scale_factor(case: Case) -> None:
    """The factor times its transpose is 1.68 squared times the inverse of the mean curvature; the sums are emptied."""
    state, data, prior = problem(case)
    work = new_work(case.n_dims, case.n, case.n_relations, case.n_clusters)
    masses, scale = np.zeros(work.vector.size), np.zeros((2, 2))
    for _ in range(3):
        curvature(state, data, prior, work, masses, scale)
    tuning = tuning_for(work.vector.size)
    set_masses(masses, scale, 3.0, tuning)
    expected, curved = naive.curvature(state, data, prior)
    assert_allclose(tuning.masses, naive.flat(expected), rtol=1e-10)
    assert_allclose(tuning.scale_factor, naive.scale_factor(curved), rtol=1e-10, atol=1e-14)
    assert not masses.any()
    assert not scale.any()


def test_another_step_size_changes_nothing_else() -> None:
    tuning = tuning_for(5)
    other = with_step(tuning, 0.7)
    assert other.step_size == 0.7
    assert other[1:2] + other[4:] == tuning[1:2] + tuning[4:]
    assert_allclose(other.masses, tuning.masses)
    assert_allclose(other.scale_factor, tuning.scale_factor)


@pytest.mark.parametrize("case", [Case(2, 1, 1, 1), Case(3, 3, 2, 2, "masked"), Case(6, 1, 2, 2)], ids=str)
def test_warm_up_equals_the_naive_twin(case: Case) -> None:
    """Over 24 sweeps: windows of 5 and 10, and the step size settles in what is left."""
    state, data, prior = problem(case)
    expected = naive.copied(state)
    work = new_work(case.n_dims, case.n, case.n_relations, case.n_clusters)
    tuning = warm_up(state, data, prior, tuning_for(work.vector.size), work, np.random.default_rng(3), 24, 0.8)
    expected, expected_tuning = naive.warm_up(
        expected, data, prior, tuning_for(work.vector.size), np.random.default_rng(3), 24, 0.8
    )
    # Rounding grows along a trajectory, so that 24 sweeps agree to fewer digits than one.
    assert tuning.step_size == pytest.approx(expected_tuning.step_size, rel=1e-7)
    assert_allclose(tuning.masses, expected_tuning.masses, rtol=1e-7)
    assert_allclose(tuning.scale_factor, expected_tuning.scale_factor, rtol=1e-7, atol=1e-12)
    assert_allclose(state.positions, expected.positions, rtol=1e-6, atol=1e-6)
    assert state.labels.tolist() == expected.labels.tolist()


@pytest.mark.parametrize("thin", [1, 3])
def test_samples_are_the_states_of_the_naive_sweeps(thin: int) -> None:
    case = Case(6, 2, 2, 2, "masked")
    state, data, prior = problem(case)
    expected = naive.copied(state)
    work = new_work(case.n_dims, case.n, case.n_relations, case.n_clusters)
    tuning = Tuning(0.15, 4, np.full(work.vector.size, 2.0), np.eye(2) * 0.1, 2)
    draws = empty_draws(3, case)
    rng, other = np.random.default_rng(9), np.random.default_rng(9)
    acceptance = sample(state, data, prior, tuning, work, rng, thin, draws)
    accepted = []
    for t in range(3):
        for _ in range(thin):
            expected, info = naive.sweep(expected, data, prior, tuning, other)
            accepted.append(info.acceptance)
        assert_allclose(draws.positions[t], expected.positions.T, rtol=1e-6, atol=1e-6)
        assert draws.labels[t].tolist() == expected.labels.tolist()
        assert_allclose(draws.intercepts[t], expected.intercepts, rtol=1e-8)
        assert_allclose(draws.centres[t], expected.centres, rtol=1e-8)
        assert_allclose(draws.variances[t], expected.variances, rtol=1e-8)
        assert_allclose(draws.weights[t], expected.weights, rtol=1e-8)
        assert draws.log_likelihood[t] == pytest.approx(info.log_likelihood, rel=1e-8)
    assert acceptance == pytest.approx(np.mean(accepted), rel=1e-7)
    assert not draws.divergent.any()


@compiled_only
def test_divergences_between_kept_draws_are_kept() -> None:
    case = Case(6, 1, 2, 2)
    state, data, prior = problem(case)
    work = new_work(case.n_dims, case.n, case.n_relations, case.n_clusters)
    draws = empty_draws(4, case)
    tuning = Tuning(1e4, 4, np.ones(work.vector.size), np.eye(2) * 0.1, 2)
    assert sample(state, data, prior, tuning, work, np.random.default_rng(1), 2, draws) == 0.0
    assert draws.divergent.all()


def test_warm_up_comes_near_the_acceptance_asked_for() -> None:
    """A higher target gives a higher acceptance, by smaller steps."""
    case = Case(18, 1, 2, 3)
    found = []
    for target in (0.6, 0.8, 0.95):
        state, data, prior = problem(case)
        work, rng = new_work(2, 18, 1, 3), np.random.default_rng(2)
        tuning = warm_up(state, data, prior, tuning_for(work.vector.size), work, rng, 1000, target)
        draws = empty_draws(1000, case)
        acceptance = sample(state, data, prior, tuning, work, rng, 1, draws)
        assert acceptance == pytest.approx(target, abs=0.15)
        assert math.isfinite(draws.log_likelihood.sum())
        assert draws.divergent.mean() < 0.01
        found.append((acceptance, -tuning.step_size))
    assert found == sorted(found)
    assert sorted(step for _, step in found) == [step for _, step in found]
