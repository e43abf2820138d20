"""The likelihood over dyads and its gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import naive_lpcm as naive
from reference.cases import CASES, LARGE, Case, problem
from reference.every_kernel import compiled_only

from simlab.kernels.chain_state import Data
from simlab.kernels.dyads import Floats, fill_distances, log_likelihood_gradient, log_likelihood_scaled


def by_kernel(positions: Floats, intercepts: Floats, data: Data) -> tuple[float, Floats, Floats]:
    """Return (log-likelihood, gradient by positions, gradient by intercepts); buffers start dirty."""
    gradient, slopes = np.full(positions.shape, np.nan), np.full(intercepts.shape, np.nan)
    work = np.full((2, positions.shape[1]), np.nan)
    value = log_likelihood_gradient(positions, intercepts, data.ties, data.observed, gradient, slopes, work)
    return value, gradient, slopes


def scaled(positions: Floats, scale: float, intercepts: Floats, data: Data) -> float:
    n = positions.shape[1]
    distances = np.full((n, n), np.nan)
    fill_distances(positions, distances)
    work = np.full((2, n), np.nan)
    return log_likelihood_scaled(distances, scale, intercepts, data.ties, data.observed, work)


def one_dyad(apart: float, intercept: float, ties: float, observed: float) -> tuple[Floats, Floats, Data]:
    counts = np.zeros((2, 1, 2, 2))
    counts[0, 0, 1, 0] = counts[0, 0, 0, 1] = ties
    counts[1, 0, 1, 0] = counts[1, 0, 0, 1] = observed
    return np.array([[0.0, apart], [0.0, 0.0]]), np.array([intercept]), Data(*counts)


@pytest.mark.parametrize("case", CASES + LARGE, ids=str)
def test_likelihood_and_gradient_equal_the_naive_twin(case: Case) -> None:
    state, data, _ = problem(case)
    value, gradient, slopes = by_kernel(state.positions, state.intercepts, data)
    expected, expected_slopes = naive.log_likelihood_gradient(state.positions, state.intercepts, data)
    assert value == pytest.approx(naive.log_likelihood(state.positions, state.intercepts, data), rel=1e-10)
    assert_allclose(gradient, expected, rtol=1e-10, atol=1e-11)
    assert_allclose(slopes, expected_slopes, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("case", CASES + LARGE[:1], ids=str)
@pytest.mark.parametrize("scale", [0.37, 1.0, 2.5])
def test_scaled_likelihood_equals_the_naive_twin(case: Case, scale: float) -> None:
    state, data, _ = problem(case)
    expected = naive.log_likelihood(state.positions, state.intercepts, data, scale)
    assert scaled(state.positions, scale, state.intercepts, data) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_distances_equal_the_naive_twin_and_leave_the_upper_triangle(case: Case) -> None:
    positions = problem(case)[0].positions
    out = np.full((case.n, case.n), -1.0)
    fill_distances(positions, out)
    for i in range(case.n):
        for j in range(case.n):
            expected = naive.distance(positions, i, j) if j < i else -1.0
            assert out[i, j] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("case", [c for c in CASES if c.n <= 18], ids=str)
def test_gradient_equals_finite_differences(case: Case) -> None:
    state, data, _ = problem(case)
    _, gradient, slopes = by_kernel(state.positions, state.intercepts, data)
    step = 1e-5
    for part, expected in ((state.positions, gradient), (state.intercepts, slopes)):
        for at in np.ndindex(part.shape):
            kept = part[at]
            part[at] = kept + step
            above = by_kernel(state.positions, state.intercepts, data)[0]
            part[at] = kept - step
            below = by_kernel(state.positions, state.intercepts, data)[0]
            part[at] = kept
            assert (above - below) / (2 * step) == pytest.approx(expected[at], rel=1e-6, abs=1e-6)


def test_three_actors_by_hand() -> None:
    """Actors at (0, 0), (3, 0) and (0, 4): distances 3, 4 and 5, so that an intercept of 4 gives eta = 1, 0, -1.

    Of two answers each, 2, 1 and 1 say tie. With log(1 + e) = 1.3132616875, log 2 = 0.6931471806 and
    log(1 + 1/e) = 0.3132616875 the log-likelihood is

        (2 * 1 - 2 * 1.3132616875) + (1 * 0 - 2 * 0.6931471806) + (1 * -1 - 2 * 0.3132616875) = -3.6393411112

    P(tie) is 0.7310585786, 0.5 and 0.2689414214, so that ties less expected ties are 0.5378828427, 0 and 0.4621171573,
    and 1 in all, the slope by the intercept. Actor 0 is drawn towards actor 1 by 0.5378828427 along (1, 0). Actor 1 is
    drawn back by it, and towards actor 2 by 0.4621171573 along (-3, 4) / 5: -0.2772702944 and 0.3696937258.
    """
    ties = np.array([[[0, 2, 1], [2, 0, 1], [1, 1, 0]]], dtype=float)
    observed = 2.0 * (1.0 - np.eye(3))[None]
    positions = np.array([[0.0, 3.0, 0.0], [0.0, 0.0, 4.0]])
    value, gradient, slopes = by_kernel(positions, np.array([4.0]), Data(ties, observed))
    assert value == pytest.approx(-3.6393411112, abs=1e-9)
    expected = [[0.5378828427, -0.8151531371, 0.2772702944], [0.0, 0.3696937258, -0.3696937258]]
    assert_allclose(gradient, expected, atol=2e-10)
    assert_allclose(slopes, [1.0], atol=1e-12)


def test_counts_are_read_below_the_diagonal_only() -> None:
    state, data, _ = problem(Case(18, 3, 2))
    upper = np.triu(np.ones((18, 18), dtype=bool))
    spoilt = Data(np.where(upper, np.nan, data.ties), np.where(upper, np.nan, data.observed))
    assert (
        by_kernel(state.positions, state.intercepts, spoilt)[0] == by_kernel(state.positions, state.intercepts, data)[0]
    )


def test_dyads_without_an_answer_do_not_count() -> None:
    state, data, _ = problem(Case(18))
    data.observed[:, 5], data.observed[:, :, 5] = 0.0, 0.0
    data.ties[:, 5], data.ties[:, :, 5] = 0.0, 0.0
    value, gradient, _ = by_kernel(state.positions, state.intercepts, data)
    assert_allclose(gradient[:, 5], 0.0, atol=1e-15)
    rest = np.arange(18) != 5
    without = Data(*(np.ascontiguousarray(counts[:, rest][:, :, rest]) for counts in data))
    positions = np.ascontiguousarray(state.positions[:, rest])
    assert value == pytest.approx(by_kernel(positions, state.intercepts, without)[0], rel=1e-12)


@pytest.mark.parametrize("intercept", [-60.0, 60.0])
@pytest.mark.parametrize("case", [Case(18), Case(18, kind="undirected"), Case(500, kind="masked")], ids=str)
def test_extreme_intercepts(case: Case, intercept: float) -> None:
    state, data, _ = problem(case)
    intercepts = np.array([intercept])
    value, gradient, slopes = by_kernel(state.positions, intercepts, data)
    expected, expected_slopes = naive.log_likelihood_gradient(state.positions, intercepts, data)
    assert value == pytest.approx(naive.log_likelihood(state.positions, intercepts, data), rel=1e-10)
    assert_allclose(gradient, expected, rtol=1e-10, atol=1e-11)
    assert_allclose(slopes, expected_slopes, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("eta", [-700.0, -60.0, -40.0, -39.9, -20.0, -1e-9, 0.0, 1e-9, 20.0, 39.9, 40.0, 60.0, 700.0])
@pytest.mark.parametrize(("ties", "observed"), [(0, 1), (1, 1), (0, 2), (1, 2), (2, 2)])
def test_one_dyad_over_the_whole_range(eta: float, ties: int, observed: int) -> None:
    positions, intercepts, data = one_dyad(3.0, eta + 3.0, ties, observed)
    value, gradient, slopes = by_kernel(positions, intercepts, data)
    residual = ties - observed * naive.inverse_logit(eta)
    assert value == pytest.approx(ties * eta - observed * naive.log1p_exp(eta), rel=1e-10, abs=1e-14)
    # Where ties are as expected, the difference keeps the error of the probability, which is 1e-13.
    assert slopes[0] == pytest.approx(residual, rel=1e-10, abs=2e-13)
    assert_allclose(gradient, [[residual, -residual], [0.0, 0.0]], rtol=1e-10, atol=2e-13)


@pytest.mark.parametrize("n", [2, 500])
def test_coincident_positions_are_finite_and_pull_nowhere(n: int) -> None:
    case = Case(n)
    _, data, _ = problem(case)
    value, gradient, slopes = by_kernel(np.full((2, n), 0.7), np.array([1.3]), data)
    expected = (1.3 * data.ties[0] - np.logaddexp(0, 1.3) * data.observed[0]).sum() / 2
    assert value == pytest.approx(expected, rel=1e-10)
    assert_allclose(gradient, 0.0, atol=0.0)
    assert slopes[0] == pytest.approx((data.ties[0] - data.observed[0] / (1 + math.exp(-1.3))).sum() / 2, rel=1e-10)


@pytest.mark.parametrize("far", [1e3, 1e8, 1e150])
def test_far_positions_are_finite_and_right(far: float) -> None:
    state, data, _ = problem(Case(18))
    positions = state.positions * far
    value, gradient, slopes = by_kernel(positions, state.intercepts, data)
    expected, expected_slopes = naive.log_likelihood_gradient(positions, state.intercepts, data)
    assert math.isfinite(value)
    assert value == pytest.approx(naive.log_likelihood(positions, state.intercepts, data), rel=1e-10)
    assert_allclose(gradient, expected, rtol=1e-10, atol=1e-11)
    assert_allclose(slopes, expected_slopes, rtol=1e-10)


@compiled_only
@pytest.mark.parametrize("lost", [math.nan, math.inf, 1e200])
def test_a_chain_that_leaves_the_finite_numbers_is_seen(lost: float) -> None:
    state, data, _ = problem(Case(18))
    state.positions[1, 4] = lost
    assert not math.isfinite(by_kernel(state.positions, state.intercepts, data)[0])
