"""The likelihood over unordered dyads against plain loops, by hand, and at extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import naive_lpcm as naive
from reference.cases import CASES, LARGE, Case, problem

from simlab.kernels import dyads
from simlab.kernels.chain_state import views


def evaluated(case: Case) -> tuple[float, np.ndarray, np.ndarray]:
    """Return log-likelihood, gradient by positions, gradient by intercepts."""
    state, data, _, _ = problem(case)
    point = views(state.vector, state.shape)
    gradient, slopes = np.zeros((case.n_dims, case.n)), np.zeros(case.n_relations)
    value = dyads.log_likelihood_gradient(
        point.positions, point.intercepts, data.ties, data.observed, gradient, slopes, np.zeros((2, dyads.BLOCK))
    )
    return value, gradient, slopes


@pytest.mark.parametrize("case", [*CASES, Case(40, 2, 2, 1, "masked")], ids=str)
def test_log_likelihood_and_gradient(case: Case) -> None:
    state, _, _, seen = problem(case)
    value, by_position, by_intercept = evaluated(case)
    assert value == pytest.approx(naive.log_likelihood(views(state.vector, state.shape), seen), rel=1e-10, abs=1e-10)
    wanted = naive.gradient(lambda v: naive.log_likelihood(views(v, state.shape), seen), state.vector)
    parts = views(wanted, state.shape)
    assert_allclose(by_position, parts.positions, atol=2e-6)
    assert_allclose(by_intercept, parts.intercepts, atol=2e-6)


@pytest.mark.parametrize("case", [*CASES, *LARGE], ids=str)
def test_scaled_likelihood_and_single_precision(case: Case) -> None:
    """At a scale of 1 the value from distances is that with a gradient; the force is the gradient to single precision."""
    state, data, _, _ = problem(case)
    point = views(state.vector, state.shape)
    value, by_position, by_intercept = evaluated(case)
    apart = np.zeros(case.n * (case.n - 1) // 2)
    dyads.fill_distances(point.positions, apart)
    scaled = dyads.log_likelihood_scaled(apart, 1.0, point.intercepts, data.ties, data.observed)
    assert scaled == pytest.approx(value, rel=1e-11, abs=1e-11)
    force, slopes = np.zeros((case.n_dims, case.n), dtype=np.float32), np.zeros(case.n_relations)
    dyads.likelihood_force(
        point.positions.astype(np.float32),
        point.intercepts.astype(np.float32),
        data.ties,
        data.observed,
        force,
        slopes,
        np.zeros((2, dyads.BLOCK), dtype=np.float32),
    )
    assert_allclose(force, by_position, atol=1e-4 * (1.0 + np.abs(by_position).max()))
    assert_allclose(slopes, by_intercept, atol=1e-3 * (1.0 + np.abs(by_intercept).max()))


def test_rows_that_span_blocks() -> None:
    """Against array operations, because loops would take too long."""
    state, data, _, _ = problem(LARGE[0])
    point = views(state.vector, state.shape)
    rows, columns = np.tril_indices(500, -1)
    apart = np.sqrt(((point.positions[:, rows] - point.positions[:, columns]) ** 2).sum(axis=0))
    eta = point.intercepts[0] - apart
    wanted = (data.ties[0] * eta - data.observed[0] * np.logaddexp(0.0, eta)).sum()
    assert evaluated(LARGE[0])[0] == pytest.approx(wanted, rel=1e-11)


def test_three_actors_by_hand() -> None:
    """A triangle with sides 3, 4 and 5; one tie seen twice, one once of two answers, one dyad not observed."""
    positions = np.array([[0.0, 3.0, 0.0], [0.0, 0.0, 4.0]])
    ties = np.array([[2.0, 1.0, 0.0]], dtype=np.float32)  # {1, 0}, {2, 0}, {2, 1}
    observed = np.array([[2.0, 2.0, 0.0]], dtype=np.float32)
    gradient, slopes = np.zeros((2, 3)), np.zeros(1)
    value = dyads.log_likelihood_gradient(
        positions, np.array([1.0]), ties, observed, gradient, slopes, np.zeros((2, dyads.BLOCK))
    )
    wanted = 2 * (1 - 3) - 2 * math.log1p(math.exp(-2)) + (1 - 4) - 2 * math.log1p(math.exp(-3))
    assert value == pytest.approx(wanted, rel=1e-12)
    first, second = 2 - 2 / (1 + math.exp(2)), 1 - 2 / (1 + math.exp(3))
    assert slopes[0] == pytest.approx(first + second, rel=1e-12)
    assert_allclose(gradient, [[first, -first, 0.0], [second, 0.0, -second]], atol=1e-12)


@pytest.mark.parametrize(("intercept", "place"), [(700.0, 0.0), (-700.0, 0.0), (0.0, 1e8), (3.0, 0.0)])
def test_extremes_are_finite(intercept: float, place: float) -> None:
    positions = np.array([[0.0, place], [0.0, 0.0]])
    ties, observed = np.ones((1, 1), dtype=np.float32), np.full((1, 1), 2.0, dtype=np.float32)
    gradient, slopes = np.zeros((2, 2)), np.zeros(1)
    value = dyads.log_likelihood_gradient(
        positions, np.array([intercept]), ties, observed, gradient, slopes, np.zeros((2, dyads.BLOCK))
    )
    eta = intercept - place
    assert value == pytest.approx(eta - 2.0 * np.logaddexp(0.0, eta), rel=1e-10)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("wanted", [0.5, 3.0, 11.5])
def test_level_intercept(wanted: float) -> None:
    apart = np.array([0.1, 1.0, 2.0, 3.0, 8.0, 0.5])
    observed = np.full(6, 2.0, dtype=np.float32)
    found = dyads.level_intercept(apart, observed, wanted)
    assert (2.0 / (1.0 + np.exp(apart - found))).sum() == pytest.approx(wanted, rel=1e-7)
