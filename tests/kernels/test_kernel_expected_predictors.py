"""The expected log-likelihood of every form but the plain one, and its bound, against naive twins and integrals."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from numpy.testing import assert_allclose
from reference import naive_expected
from reference import naive_variational as naive
from reference.cases import Case

from simlab.fit.laplace import _expected_likelihood, stacked
from simlab.fit.variational import Climb
from simlab.kernels import variational as kernels
from simlab.models import variational
from simlab.models.variational import Approximation

CASES = [
    Case(6, 1, 2, 1, "directed", "bernoulli", "both", 1),
    Case(7, 2, 1, 2, "masked", "bernoulli", "sender", 2),
    Case(7, 1, 3, 2, "masked", "bernoulli", "receiver"),
    Case(8, 1, 2, 2, "undirected", "bernoulli", "shared", 1),
    Case(7, 2, 2, 1, "masked", "bernoulli", "shared"),
    Case(9, 1, 2, 2, "undirected", "bernoulli", "none", 1),
    Case(9, 1, 2, 3, "masked", "reciprocal"),
    Case(8, 2, 2, 2, "masked", "reciprocal", "both", 2),
    Case(7, 1, 2, 2, "directed", "reciprocal", "shared", 1),
    Case(9, 1, 2, 2, "undirected", "poisson"),
    Case(8, 2, 2, 1, "masked", "poisson", "both", 1),
]
# More than one block of dyads, and rows of actors that span blocks.
LARGE = [
    Case(40, 1, 2, 2, "masked", "reciprocal", "both", 1),
    Case(45, 2, 2, 2, "undirected", "poisson", "shared", 1),
]


def expected(a: Approximation, case: Case) -> float:
    _, data, _ = naive.problem(case)
    return _expected_likelihood(a, data, stacked(a))[0]


@pytest.mark.parametrize("case", [*CASES, *LARGE], ids=str)
def test_expected_log_likelihood_equals_its_naive_twin(case: Case) -> None:
    a, data, _ = naive.problem(case)
    three = partial(naive_expected.by_three_places, variational.rule(case.n_dims))
    twin = naive_expected.expected_of_predictors(a, data, three, naive_expected.effect_places(data))
    assert_allclose(expected(a, case), twin, rtol=1e-10)


# Errors for an answer, or of an expected count in shares of it; the variances of a distance are up to 1.6 here, and those
# of the effects of a tie up to 1.
@pytest.mark.parametrize(
    ("case", "error"),
    [
        (Case(5, 1, 1, 1, "directed", "bernoulli", "both", 1), 5e-4),
        (Case(5, 1, 2, 1, "undirected", "bernoulli", "shared", 1), 5e-4),
        (Case(5, 1, 3, 1, "masked", "reciprocal"), 2e-4),
        (Case(5, 1, 2, 1, "directed", "reciprocal", "both", 1), 1.5e-3),
        (Case(5, 1, 2, 1, "directed", "reciprocal", "shared"), 1e-3),
        (Case(5, 1, 2, 1, "directed", "poisson"), 1e-2),
        (Case(5, 1, 2, 1, "directed", "poisson", "both", 1), 1e-2),
    ],
    ids=str,
)
def test_expected_log_likelihood_is_near_the_integral(case: Case, error: float) -> None:
    a, data, _ = naive.problem(case)
    nodes, weights = hermegauss(7)
    pairs = list(zip(nodes, weights / weights.sum(), strict=True))
    effects = [(x, y, v * w) for x, v in pairs for y, w in pairs]
    if data.sociality == "shared":
        effects = [(x, x, w) for x, w in pairs]
    if data.sociality == "none":
        effects = [(0.0, 0.0, 1.0)]
    exact = naive_expected.expected_of_predictors(
        a, data, partial(naive_expected.integrated, n_dims=case.n_dims), effects
    )
    size = float(data.observed.sum() + data.observed_back.sum())
    if data.form == "poisson":
        silent = replace(data, ties=0.0 * data.ties, ties_back=0.0 * data.ties_back)
        size = -naive_expected.expected_of_predictors(
            a, silent, partial(naive_expected.integrated, n_dims=case.n_dims), effects
        )
    assert_allclose(expected(a, case), exact, atol=error * size)


@pytest.mark.parametrize("n_dims", [1, 2, 3])
@pytest.mark.parametrize(("deviation", "error"), [(0.3, 1e-4), (0.6, 2e-3), (1.0, 1.2e-2), (1.5, 5e-2)])
def test_expected_counts_are_as_near_as_the_docstring_says(n_dims: int, deviation: float, error: float) -> None:
    rule = variational.rule(n_dims)
    for middle in (0.0, 0.4, 1.0, 2.0, 5.0):
        found = naive_expected.by_three_places(rule, lambda d: np.exp(-d), middle**2, deviation**2)
        exact = naive_expected.integrated(lambda d: np.exp(-d), middle**2, deviation**2, n_dims)
        assert_allclose(found, exact, rtol=error)


def climb_of(case: Case) -> Climb:
    a, data, priors = naive.problem(case)
    return Climb(data, priors, a)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_bound_equals_its_naive_twin(case: Case) -> None:
    a, data, priors = naive.problem(case)
    climb = Climb(data, priors, a)
    value = kernels.variable_bound(climb.held(), climb.buffers) + variational.constant(a, priors) + data.constant
    assert_allclose(value, naive.bound(a, data, priors), rtol=1e-9)


@pytest.mark.parametrize("case", [*CASES, *LARGE], ids=str)
def test_gradient_agrees_with_finite_differences(case: Case) -> None:
    climb = climb_of(case)
    held, buffers = climb.held(), climb.buffers
    kernels.variable_bound(held, buffers)
    gradient, at = buffers.gradient.copy(), buffers.vector.copy()
    step = 1e-5
    for a in range(0, len(at), max(1, len(at) // 80)):
        values = []
        for move in (step, -step):
            buffers.vector[:] = at
            buffers.vector[a] += move
            values.append(kernels.variable_bound(held, buffers))
        assert_allclose(gradient[a], (values[0] - values[1]) / (2.0 * step), rtol=1e-5, atol=1e-5)


def test_derivatives_of_coefficients_and_reciprocity_agree_with_finite_differences() -> None:
    case = Case(8, 2, 2, 2, "masked", "reciprocal", "both", 2)
    a, data, _ = naive.problem(case)
    values = stacked(a)
    _, slopes = _expected_likelihood(a, data, values)
    for at in np.ndindex(values.shape):
        move = np.zeros_like(values)
        move[at] = 1e-5
        up, down = (_expected_likelihood(a, data, values + sign * move)[0] for sign in (1.0, -1.0))
        assert_allclose(slopes[at], (up - down) / 2e-5, rtol=1e-6, atol=1e-6)


def test_effects_without_uncertainty_are_the_plain_model_with_other_intercepts() -> None:
    """One effect for all senders, known exactly, is an intercept; so the loops of the plain form are an oracle."""
    case = Case(9, 1, 2, 2, "masked", "bernoulli", "sender")
    a, data, _ = naive.problem(case)
    known = replace(a, sender=np.full_like(a.sender, 0.4), sender_variances=np.full_like(a.sender, 1e-14))
    both = replace(
        data,
        form="plain",
        sociality="none",
        ties=data.ties + data.ties_back,
        observed=data.observed + data.observed_back,
        ties_back=data.ties_back[:, :0],
        observed_back=data.observed_back[:, :0],
    )
    plain, slopes = _expected_likelihood(a, both, stacked(a) + 0.4)
    rich, same = _expected_likelihood(known, data, stacked(a))
    assert_allclose(rich, plain, rtol=1e-10)
    assert_allclose(same, slopes, rtol=1e-10)
