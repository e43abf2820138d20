"""The steps of a sweep: mixture, prior, Hamiltonian step, Gibbs draws, scale moves, curvature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import naive_lpcm as naive
from reference.cases import CASES, Case, problem
from reference.every_kernel import compiled_only
from scipy import stats

from simlab.kernels.chain_state import Data, Prior, State, Tuning, Work, new_work, pack, unpack, unpacked
from simlab.kernels.gibbs import draw_labels, draw_mixture
from simlab.kernels.lpcm import (
    add_mixture,
    add_prior,
    curvature,
    hamiltonian_step,
    log_density_gradient,
    log_scale_prior,
    scale_moves,
    sweep,
)

SMALL = [case for case in CASES if case.n <= 18]


def work_at(state: State) -> Work:
    """Return buffers whose vector is the state's."""
    n_dims, n = state.positions.shape
    work = new_work(n_dims, n, len(state.intercepts), len(state.weights))
    work.vector[:] = naive.flat(naive.point_of(state))
    return work


def tuning_of(state: State, step_size: float, n_steps: int = 6, n_scale_moves: int = 4) -> Tuning:
    masses = np.random.default_rng(3).uniform(0.5, 8.0, naive.flat(naive.point_of(state)).size)
    return Tuning(step_size, n_steps, masses, np.array([[0.3, 0.0], [0.1, 0.12]]), n_scale_moves)


def assert_states_equal(actual: State, expected: State) -> None:
    for name, one, other in zip(State._fields, actual, expected, strict=True):
        assert_allclose(one, other, rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_flat_vector_holds_each_quantity_once(case: Case) -> None:
    state, _, _ = problem(case)
    vector = work_at(state).vector
    parts = unpacked(vector, state)
    for part, expected in zip(parts, naive.point_of(state), strict=True):
        assert_allclose(part, expected, rtol=0)
        part[:] += 1.0
    assert_allclose(vector, naive.flat(naive.point_of(state)) + 1.0, rtol=0)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_state_survives_the_flat_vector(case: Case) -> None:
    state, _, _ = problem(case)
    before, work = naive.copied(state), work_at(state)
    work.vector[:] = np.nan
    pack(state, work.vector)
    assert_allclose(work.vector, naive.flat(naive.point_of(state)), rtol=1e-14)
    for part in naive.point_of(state)._fields[:3]:
        getattr(state, part)[:] = np.nan
    state.variances[:] = np.nan
    unpack(work.vector, state)
    assert_states_equal(state, before)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_mixture_equals_the_naive_twin(case: Case) -> None:
    state, _, _ = problem(case)
    work = work_at(state)
    value = add_mixture(work.vector, work.gradient, state, work.terms)
    mixture = (state.positions, state.weights, state.centres, state.variances)
    expected = naive.log_mixture_gradient(*mixture)
    assert value == pytest.approx(naive.log_mixture(*mixture), rel=1e-10)
    by_position, by_intercept, by_centre, by_variance = unpacked(work.gradient, state)
    assert_allclose(by_position, expected.positions, rtol=1e-10, atol=1e-11)
    assert_allclose(by_intercept, 0.0, atol=0)
    assert_allclose(by_centre, expected.centres, rtol=1e-10, atol=1e-11)
    assert_allclose(by_variance, expected.log_variances, rtol=1e-10, atol=1e-11)


def test_mixture_by_hand() -> None:
    """Actors (0, 0), (3, 0), (0, 4); equal clusters at (0, 0) with variance 2 and at (3, 4) with variance 1, d = 2.

    log N is -log(4 pi) - ||z||^2 / 4 = -2.5310242470 - (0, 2.25, 4) for the first cluster, and
    -log(2 pi) - ||z - (3, 4)||^2 / 2 = -1.8378770664 - (12.5, 8, 4.5) for the second. With log .5 = -0.6931471806 the
    three actors have -3.2241714276 + log(1 + exp(-11.8068528194)) = -3.2241714276 + 0.0000074533,
    -5.4741714276 + log(1 + exp(-5.0568528194)) = -5.4741714276 + 0.0063453870, and
    -7.2241714276 + log(1 + exp(0.1931471806)) = -7.2241714276 + 0.7943767694.
    """
    state = State(
        np.array([[0.0, 3.0, 0.0], [0.0, 0.0, 4.0]]),
        np.array([0.0]),
        np.array([[0.0, 0.0], [3.0, 4.0]]),
        np.array([2.0, 1.0]),
        np.array([0.5, 0.5]),
        np.zeros(3, dtype=np.int64),
    )
    work = work_at(state)
    value = add_mixture(work.vector, work.gradient, state, work.terms)
    expected = -3.2241714276 + 0.0000074533 - 5.4741714276 + 0.0063453870 - 7.2241714276 + 0.7943767694
    assert value == pytest.approx(expected, abs=2e-9)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_prior_equals_the_naive_twin(case: Case) -> None:
    state, _, prior = problem(case)
    work = work_at(state)
    value = add_prior(work.vector, work.gradient, state, prior)
    parts = (state.intercepts, state.centres, state.variances, prior)
    expected = naive.log_prior_gradient(*parts)
    assert value == pytest.approx(naive.log_prior(*parts), rel=1e-10)
    by_position, *rest = unpacked(work.gradient, state)
    assert_allclose(by_position, 0.0, atol=0)
    for one, other in zip(rest, expected[1:], strict=True):
        assert_allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("quantity", ["intercepts", "centres", "variances"])
def test_prior_differs_between_states_as_the_densities_do(quantity: str) -> None:
    """Against scipy's normal and inverse gamma: scaled inverse chi-squared(k, s) is inverse gamma(k / 2, scale k s / 2)."""
    state, _, prior = problem(Case(18, 2, 2, 3))
    other = naive.copied(state)
    getattr(other, quantity)[:] *= 1.7
    k, s = prior.variance_degrees, prior.variance_scale

    def by_scipy(at: State) -> float:
        log_density = stats.norm(prior.intercept_mean, math.sqrt(prior.intercept_variance)).logpdf(at.intercepts).sum()
        log_density += stats.norm(0.0, math.sqrt(prior.centre_variance)).logpdf(at.centres).sum()
        # The logarithm of a variance has the density of the variance times the variance.
        log_density += (stats.invgamma(k / 2, scale=k * s / 2).logpdf(at.variances) + np.log(at.variances)).sum()
        return float(log_density)

    def by_kernel(at: State) -> float:
        work = work_at(at)
        return add_prior(work.vector, work.gradient, at, prior)

    assert by_kernel(other) - by_kernel(state) == pytest.approx(by_scipy(other) - by_scipy(state), rel=1e-10)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_log_density_equals_the_naive_twin(case: Case) -> None:
    state, data, prior = problem(case)
    work = work_at(state)
    work.gradient[:] = np.nan
    value, likelihood = log_density_gradient(state, data, prior, work)
    point = naive.point_of(state)
    expected, expected_likelihood = naive.log_density(point, state.weights, data, prior)
    assert value == pytest.approx(expected, rel=1e-10)
    assert likelihood == pytest.approx(expected_likelihood, rel=1e-10)
    gradient = naive.flat(naive.log_density_gradient(point, state.weights, data, prior))
    assert_allclose(work.gradient, gradient, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("part", ["mixture", "prior", "density"])
@pytest.mark.parametrize("case", SMALL, ids=str)
def test_gradients_equal_finite_differences(case: Case, part: str) -> None:
    state, data, prior = problem(case)
    work = work_at(state)

    def value() -> float:
        work.gradient[:] = 0.0
        if part == "mixture":
            return add_mixture(work.vector, work.gradient, state, work.terms)
        if part == "prior":
            return add_prior(work.vector, work.gradient, state, prior)
        return log_density_gradient(state, data, prior, work)[0]

    value()
    gradient = work.gradient.copy()
    for a in range(work.vector.size):
        kept = work.vector[a]
        work.vector[a] = kept + 1e-5
        above = value()
        work.vector[a] = kept - 1e-5
        below = value()
        work.vector[a] = kept
        assert (above - below) / 2e-5 == pytest.approx(gradient[a], rel=1e-6, abs=1e-6)


def test_mixture_of_far_and_tight_clusters_is_finite() -> None:
    state, _, _ = problem(Case(18, 1, 2, 3))
    state.positions[:] *= 1e4
    state.variances[:] = [1e-6, 1.0, 1e6]
    state.weights[:] = [1e-300, 0.5, 0.5]
    work = work_at(state)
    value = add_mixture(work.vector, work.gradient, state, work.terms)
    mixture = (state.positions, state.weights, state.centres, state.variances)
    assert value == pytest.approx(naive.log_mixture(*mixture), rel=1e-10)
    expected = naive.log_mixture_gradient(*mixture)
    assert_allclose(unpacked(work.gradient, state)[0], expected.positions, rtol=1e-10)
    assert_allclose(unpacked(work.gradient, state)[3], expected.log_variances, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("case", [*SMALL, Case(61, 2, 2, 3, "masked")], ids=str)
def test_hamiltonian_step_equals_the_naive_twin(case: Case) -> None:
    state, data, prior = problem(case)
    outcomes = set()
    for seed, step_size in enumerate([0.02, 0.1, 0.3, 0.6, 1.0, 1.3]):
        tuning = tuning_of(state, step_size)
        ours, work = naive.copied(state), work_at(state)
        info = hamiltonian_step(ours, data, prior, tuning, work, np.random.default_rng(seed))
        expected, expected_info = naive.hamiltonian_step(state, data, prior, tuning, np.random.default_rng(seed))
        assert_states_equal(ours, expected)
        assert info.log_likelihood == pytest.approx(expected_info.log_likelihood, rel=1e-9)
        assert info.acceptance == pytest.approx(expected_info.acceptance, rel=1e-7, abs=1e-12)
        assert info.divergent == expected_info.divergent
        outcomes.add(bool((ours.positions != state.positions).any()))
    assert outcomes == {True, False}, "the steps tried must show both an accepted and a rejected trajectory"


@compiled_only
@pytest.mark.parametrize("step_size", [1e3, 1e200])
def test_a_divergent_step_is_flagged_and_rejected(step_size: float) -> None:
    state, data, prior = problem(Case(18, 1, 2, 3))
    before, work = naive.copied(state), work_at(state)
    info = hamiltonian_step(state, data, prior, tuning_of(state, step_size), work, np.random.default_rng(1))
    assert info.divergent
    assert info.acceptance == 0.0
    assert info.log_likelihood == pytest.approx(naive.log_likelihood(state.positions, state.intercepts, data))
    for one, other in zip(state, before, strict=True):
        assert_allclose(one, other, rtol=1e-14)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_labels_equal_the_naive_twin(case: Case) -> None:
    state, _, _ = problem(case)
    work = work_at(state)
    for seed in range(5):
        expected = naive.draw_labels(state, np.random.default_rng(seed))
        draw_labels(state, work, np.random.default_rng(seed))
        assert state.labels.tolist() == expected.tolist()


def test_labels_of_an_actor_at_infinity_of_all_but_one_cluster() -> None:
    state, _, _ = problem(Case(18, 1, 2, 3))
    state.positions[:] = state.centres[2][:, None] + 1e-3
    state.variances[:] = 1e-4
    draw_labels(state, work_at(state), np.random.default_rng(0))
    assert (state.labels == 2).all()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_mixture_draws_equal_the_naive_twin(case: Case) -> None:
    state, _, prior = problem(case)
    if case.n_clusters > 1:
        state.labels[state.labels == case.n_clusters - 1] = 0  # leaves a cluster empty
    for seed in range(3):
        expected = naive.draw_mixture(state, prior, np.random.default_rng(seed))
        draw_mixture(state, prior, np.random.default_rng(seed))
        assert_states_equal(state, expected)
        assert state.weights.sum() == pytest.approx(1.0, abs=1e-14)


def test_mixture_draws_have_the_moments_of_their_conditionals() -> None:
    """Of 4,000 draws from one state; an empty cluster draws from the prior."""
    state, _, prior = problem(Case(18, 1, 2, 3))
    state.labels[:] = [0] * 5 + [1] * 13
    before, rng = naive.copied(state), np.random.default_rng(2)
    variances, weights, standard = [], [], []
    for _ in range(4000):
        for now, then in zip(state, before, strict=True):
            now[:] = then
        draw_mixture(state, prior, rng)
        variances.append(state.variances.copy())
        weights.append(state.weights.copy())
        precision = 13 / state.variances[1] + 1 / prior.centre_variance
        mean = state.positions[:, 5:].sum(axis=1) / state.variances[1] / precision
        standard.append((state.centres[1] - mean) * math.sqrt(precision))
    degrees = prior.variance_degrees
    squares = ((before.positions[:, :5] - before.centres[0][:, None]) ** 2).sum()
    conditional = stats.invgamma((degrees + 10) / 2, scale=(degrees * prior.variance_scale + squares) / 2)
    empty = stats.invgamma(degrees / 2, scale=degrees * prior.variance_scale / 2)
    shares = prior.concentration + np.array([5, 13, 0])
    assert stats.kstest(np.array(variances)[:, 0], conditional.cdf).pvalue > 1e-3
    assert stats.kstest(np.array(variances)[:, 2], empty.cdf).pvalue > 1e-3
    assert stats.kstest(np.array(standard).ravel(), stats.norm.cdf).pvalue > 1e-3
    for g in range(3):
        beta = stats.beta(shares[g], shares.sum() - shares[g])
        assert stats.kstest(np.array(weights)[:, g], beta.cdf).pvalue > 1e-3


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("log_scale", [-0.4, 0.0, 0.9])
def test_scale_prior_is_what_scaling_does_to_the_density(case: Case, log_scale: float) -> None:
    """The whole density with its Jacobian, less the likelihood, which the move takes care of by itself."""
    state, data, prior = problem(case)
    blank = Data(np.zeros_like(data.ties), np.zeros_like(data.observed))
    expected = naive.log_scale_density(state, blank, prior, log_scale, 0.0)
    expected -= naive.log_scale_density(state, blank, prior, 0.0, 0.0)
    change = log_scale_prior(state, prior, log_scale) - log_scale_prior(state, prior, 0.0)
    assert change == pytest.approx(expected, rel=1e-10, abs=1e-9)


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_scale_moves_equal_the_naive_twin(case: Case) -> None:
    state, data, prior = problem(case)
    likelihood = naive.log_likelihood(state.positions, state.intercepts, data)
    shares = set()
    for seed in range(12):
        tuning = tuning_of(state, 0.1)
        ours = naive.copied(state)
        found, moved = scale_moves(ours, data, prior, tuning, work_at(state), np.random.default_rng(seed), likelihood)
        expected, value, share = naive.scale_moves(state, data, prior, tuning, np.random.default_rng(seed))
        assert_states_equal(ours, expected)
        assert found == pytest.approx(value, rel=1e-10)
        assert moved == share
        shares.add(share)
    assert len(shares) > 1, "the moves tried must not all be accepted, nor all rejected"


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_sweeps_equal_the_naive_twin(case: Case) -> None:
    state, data, prior = problem(case)
    expected, work = naive.copied(state), work_at(state)
    tuning = tuning_of(state, 0.15, n_steps=4, n_scale_moves=2)
    rng, other = np.random.default_rng(8), np.random.default_rng(8)
    for _ in range(4):
        info = sweep(state, data, prior, tuning, work, rng)
        expected, expected_info = naive.sweep(expected, data, prior, tuning, other)
        assert_states_equal(state, expected)
        assert info.log_likelihood == pytest.approx(expected_info.log_likelihood, rel=1e-10)
        assert info.scale_acceptance == expected_info.scale_acceptance
    assert rng.random() == other.random(), "as many random numbers were used"


def test_the_log_likelihood_of_a_sweep_is_that_of_its_state() -> None:
    state, data, prior = problem(Case(61, 3, 2, 3, "masked"))
    work, rng = work_at(state), np.random.default_rng(4)
    for _ in range(30):
        info = sweep(state, data, prior, tuning_of(state, 0.2), work, rng)
        expected = naive.log_likelihood(state.positions, state.intercepts, data)
        assert info.log_likelihood == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_curvature_equals_the_naive_twin(case: Case) -> None:
    state, data, prior = problem(case)
    work = work_at(state)
    masses, scale = np.ones(work.vector.size), np.ones((2, 2))
    curvature(state, data, prior, work, masses, scale)
    expected, expected_scale = naive.curvature(state, data, prior)
    assert_allclose(masses, 1.0 + naive.flat(expected), rtol=1e-10)
    upper = np.triu_indices(2)
    assert_allclose(scale[upper], 1.0 + expected_scale[upper], rtol=1e-10)


def test_curvature_is_minus_the_second_derivative_where_ties_are_as_expected() -> None:
    """Of the log-likelihood: the part of its curvature that ties decide vanishes there, and the expected part remains."""
    state, data, prior = problem(Case(18, 2, 2, 3, "masked"))
    ties = np.zeros_like(data.ties)
    for r, i, j in np.ndindex(ties.shape):
        eta = float(state.intercepts[r]) - naive.distance(state.positions, i, j)
        ties[r, i, j] = data.observed[r, i, j] * naive.inverse_logit(eta)
    likeliest = Data(ties, data.observed)
    seen, _ = naive.curvature(state, likeliest, prior)
    blank, _ = naive.curvature(state, Data(np.zeros_like(ties), np.zeros_like(ties)), prior)

    def second(part: str, at: tuple[int, ...]) -> float:
        values = []
        for step in (-1e-3, 0.0, 1e-3):
            moved = naive.copied(state)
            getattr(moved, part)[at] += step
            values.append(naive.log_likelihood(moved.positions, moved.intercepts, likeliest))
        return (2 * values[1] - values[0] - values[2]) / 1e-6

    for r in range(2):
        assert seen.intercepts[r] - blank.intercepts[r] == pytest.approx(second("intercepts", (r,)), rel=1e-4)
    for i in range(18):
        own = second("positions", (0, i)) + second("positions", (1, i))
        assert (seen.positions - blank.positions)[:, i].sum() == pytest.approx(own, rel=1e-4)


def test_the_prior_is_a_proper_tuple() -> None:
    """The order of the fields is that in which ``Priors`` is unpacked."""
    from dataclasses import fields

    from simlab.models.lpcm import Priors

    assert Prior._fields == tuple(field.name for field in fields(Priors))
