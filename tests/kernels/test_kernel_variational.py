"""The kernels of the variational approximation against naive twins, finite differences and hand calculation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import naive_expected
from reference import naive_variational as naive
from reference.cases import Case

from simlab.fit.variational import Climb
from simlab.kernels import variational as kernels
from simlab.kernels.bound_ascent import ascend
from simlab.kernels.dyads import BLOCK
from simlab.kernels.expected import Normals, expected_log_likelihood
from simlab.models import variational

CASES = [
    Case(2, 1, 1, 1),
    Case(3, 3, 2, 2, "masked"),
    Case(9, 2, 3, 2, "undirected"),
    Case(18, 1, 2, 3),
    Case(40, 3, 1, 3, "masked"),
]


def found(case: Case) -> tuple[float, Normals, Normals]:
    """Return the kernel's expected log-likelihood, where, and its derivatives."""
    a, data, _ = naive.problem(case)
    normals = Normals(np.ascontiguousarray(a.positions.T), a.variances, a.intercepts)
    pull = Normals(*(np.full_like(values, np.nan) for values in normals))
    rule = variational.rule(case.n_dims)
    value = expected_log_likelihood(normals, data.ties, data.observed, rule, pull, np.full((4, BLOCK), np.nan))
    return value, normals, pull


@pytest.mark.parametrize("case", CASES, ids=str)
def test_expected_log_likelihood_equals_its_naive_twin(case: Case) -> None:
    value, normals, _ = found(case)
    _, data, _ = naive.problem(case)
    assert_allclose(
        value, naive_expected.expected_log_likelihood(normals, data, variational.rule(case.n_dims)), rtol=1e-10
    )


@pytest.mark.parametrize("case", [Case(9, 2, d, 1, "masked") for d in (1, 2, 3)], ids=str)
def test_expected_log_likelihood_is_near_the_integral(case: Case) -> None:
    value, normals, _ = found(case)
    _, data, _ = naive.problem(case)
    answers = data.observed.sum()
    assert_allclose(value, naive_expected.integrated_log_likelihood(normals, data, case.n_dims), atol=4e-4 * answers)


def test_two_actors_without_uncertainty_by_hand() -> None:
    normals = Normals(np.array([[0.0, 3.0], [0.0, 4.0]]), np.full(2, 1e-12), np.array([2.0]))
    pull = Normals(*(np.zeros_like(values) for values in normals))
    ties, observed = np.ones((1, 1), np.float32), np.full((1, 1), 2.0, np.float32)
    value = expected_log_likelihood(normals, ties, observed, variational.rule(2), pull, np.zeros((4, BLOCK)))
    probability = 1.0 / (1.0 + np.exp(3.0))
    assert_allclose(value, np.log(probability) + np.log(1.0 - probability))
    assert_allclose(pull.intercepts, 1.0 - 2.0 * probability)
    assert_allclose(pull.positions[:, 1], -(1.0 - 2.0 * probability) * np.array([0.6, 0.8]))


def test_two_actors_in_one_place_have_a_finite_value_and_no_pull() -> None:
    normals = Normals(np.zeros((2, 2)), np.full(2, 0.5), np.zeros(1))
    pull = Normals(*(np.zeros_like(values) for values in normals))
    ties, observed = np.ones((1, 1), np.float32), np.ones((1, 1), np.float32)
    value = expected_log_likelihood(normals, ties, observed, variational.rule(2), pull, np.zeros((4, BLOCK)))
    exact = naive_expected.integrated(lambda d: naive_expected.answer(1.0, 1.0, -d), 0.0, 1.0, 2)
    assert_allclose(value, exact, atol=2e-3)
    assert_allclose(pull.positions, 0.0, atol=1e-12)
    assert (pull.variances < 0.0).all()


@pytest.mark.parametrize("n", [90, 140])
def test_blocks_of_dyads_leave_nothing_out(n: int) -> None:
    """More dyads than blocks hold: the sum over two halves of the observations is the whole."""
    a, data, _ = naive.problem(Case(n, 1, 2, 1))
    normals = Normals(np.ascontiguousarray(a.positions.T), a.variances, a.intercepts)
    half = np.random.default_rng(1).random(data.ties.shape) < 0.5
    values, pulls = [], []
    for chosen in (half, ~half, np.ones_like(half)):
        pull = Normals(*(np.zeros_like(part) for part in normals))
        seen = np.where(chosen, data.observed, 0.0).astype(np.float32)
        ties = np.where(chosen, data.ties, 0.0).astype(np.float32)
        work = np.zeros((4, BLOCK))
        values.append(expected_log_likelihood(normals, ties, seen, variational.rule(2), pull, work))
        pulls.append(pull)
    assert_allclose(values[0] + values[1], values[2])
    for one, other, whole in zip(*pulls, strict=True):
        assert_allclose(one + other, whole, atol=1e-10)


def climb_of(case: Case) -> Climb:
    a, data, priors = naive.problem(case)
    return Climb(data, priors, a)


@pytest.mark.parametrize("case", [*CASES[:4], Case(12, 1, 1, 4)], ids=str)
def test_bound_equals_its_naive_twin(case: Case) -> None:
    a, data, priors = naive.problem(case)
    climb = Climb(data, priors, a)
    value = kernels.variable_bound(climb.held(), climb.buffers) + variational.constant(a, priors)
    assert_allclose(value, naive.bound(a, data, priors), rtol=1e-9)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradient_agrees_with_finite_differences(case: Case) -> None:
    climb = climb_of(case)
    held, buffers = climb.held(), climb.buffers
    kernels.variable_bound(held, buffers)
    gradient, at = buffers.gradient.copy(), buffers.vector.copy()
    step = 1e-5
    for a in range(0, len(at), max(1, len(at) // 60)):
        values = []
        for move in (step, -step):
            buffers.vector[:] = at
            buffers.vector[a] += move
            values.append(kernels.variable_bound(held, buffers))
        assert_allclose(gradient[a], (values[0] - values[1]) / (2.0 * step), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_memberships_and_sums_are_those_of_the_places(case: Case) -> None:
    climb = climb_of(case)
    buffers = climb.buffers
    kernels.variable_bound(climb.held(), buffers)
    assert_allclose(buffers.membership.sum(axis=0), 1.0)
    assert_allclose(buffers.sums[:, case.n_dims], buffers.membership.sum(axis=1))
    a = climb.approximation
    if case.n_clusters == 1:
        away = a.positions - a.centres[0]
        assert_allclose(buffers.sums[0, : case.n_dims], away.sum(axis=0), atol=1e-10)
        assert_allclose(buffers.sums[0, -1], (away**2).sum() + case.n_dims * a.variances.sum())


def test_a_climb_ends_where_the_gradient_is_nothing() -> None:
    climb = climb_of(Case(18, 1, 2, 3))
    held, buffers = climb.held(), climb.buffers
    first = kernels.variable_bound(held, buffers)
    value, steps, _ = ascend(held, buffers, climb.memory, climb.scale(), (0, 0), (500, 1e-10))
    assert value > first
    assert steps < 500
    assert_allclose(kernels.variable_bound(held, buffers), value)
    assert_allclose(buffers.gradient, 0.0, atol=2e-3)
