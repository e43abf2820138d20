"""Densities, gradients and moves of the latent position models against plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import naive_lpcm as naive
from reference.cases import CASES, RICH, Case, problem
from scipy.optimize import minimize

from simlab.kernels import climb, curvature, gibbs, lpcm, mode
from simlab.kernels.chain_state import Prior, State, Tuning, new_work, views
from simlab.kernels.exponential import decay, single_decay


def density(state: State, prior: Prior, seen: naive.Seen, vector: np.ndarray) -> float:
    """Return the naive log-density."""
    return naive.log_density(vector, state.shape, seen, prior, state.weights, state.effect_variances)


@pytest.mark.parametrize("case", [*CASES, *RICH], ids=str)
def test_log_density_and_gradient(case: Case) -> None:
    """Up to the constants that the kernels leave out, which a second point takes away; gradients by differences."""
    state, data, prior, seen = problem(case)
    work = new_work(state.shape)
    work.vector[:] = state.vector
    value, likelihood = lpcm.log_density_gradient(state, data, prior, work)
    gradient = work.gradient.copy()
    assert likelihood == pytest.approx(
        naive.log_likelihood(views(state.vector, state.shape), seen), rel=1e-10, abs=1e-9
    )
    other = state.vector + 0.1 * np.random.default_rng(3).standard_normal(state.shape.size)
    work.vector[:] = other
    second, _ = lpcm.log_density_gradient(state, data, prior, work)
    wanted = density(state, prior, seen, other) - density(state, prior, seen, state.vector)
    free = views(np.ones(state.shape.size), state.shape)
    if case.centred:
        free.centres[:] = 0.0
    assert second - value == pytest.approx(wanted, rel=1e-9, abs=1e-8)
    if case.n <= 18:
        slopes = naive.gradient(lambda v: density(state, prior, seen, v), state.vector)
        assert_allclose(gradient, slopes, atol=1e-5 * (1.0 + np.abs(slopes).max()))


@pytest.mark.parametrize("case", [*CASES[:8], *RICH], ids=str)
def test_force_of_a_hamiltonian_step(case: Case) -> None:
    """It is the gradient, in single precision where there is nothing but an intercept."""
    state, data, prior, _ = problem(case)
    work = new_work(state.shape)
    work.vector[:] = state.vector
    lpcm.log_density_gradient(state, data, prior, work)
    wanted = work.gradient.copy()
    lpcm.fill_force(state, data, prior, work)
    assert_allclose(work.gradient, wanted, atol=1e-4 * (1.0 + np.abs(wanted).max()))


@pytest.mark.parametrize("case", [*CASES[:8], *RICH], ids=str)
def test_likelihood_moved_along_the_scale(case: Case) -> None:
    state, data, _, seen = problem(case)
    work = new_work(state.shape)
    likelihood = lpcm.log_likelihood_of(state, data, work)
    point = views(state.vector, state.shape)
    assert likelihood == pytest.approx(naive.log_likelihood(point, seen), rel=1e-10, abs=1e-9)
    moved = lpcm.likelihood_moved(state, data, work, math.log(1.3), -0.4)
    assert moved == pytest.approx(naive.log_likelihood(point, seen, 1.3, -0.4), rel=1e-10, abs=1e-9)
    lpcm.move_scale(state, math.log(1.3), -0.4)
    assert lpcm.log_likelihood_of(state, data, work) == pytest.approx(moved, rel=1e-10, abs=1e-9)


@pytest.mark.parametrize("case", [CASES[4], CASES[7]], ids=str)
def test_log_scale_prior_is_that_of_the_density_with_its_jacobian(case: Case) -> None:
    """Density of positions and mixture at the scaled state, plus d (n + G) log s; that of the variances is on the log scale."""
    state, _, prior, _ = problem(case)
    log_scale = 0.3
    scaled = state._replace(vector=state.vector.copy())
    lpcm.move_scale(scaled, log_scale, 0.0)

    def total(at: State) -> float:
        point = views(at.vector, at.shape)
        mixture = naive.log_mixture(point.positions, at.weights, point.centres, np.exp(point.log_variances))
        return mixture + naive.log_prior(point, at.effect_variances, prior)

    free = case.n_dims * (case.n + (0 if case.centred else case.n_clusters))
    if case.centred:
        views(state.vector, state.shape).centres[:] = views(scaled.vector, state.shape).centres[:] = 0.0
    wanted = total(scaled) - total(state) + free * log_scale
    found = lpcm.log_scale_prior(state, prior, log_scale) - lpcm.log_scale_prior(state, prior, 0.0)
    assert found == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(
    "case", [Case(7, 2, 2, 2, "masked", "bernoulli", "both", 1), Case(7, kind="undirected")], ids=str
)
def test_curvature_is_the_expected_curvature(case: Case) -> None:
    """Of the intercepts, by differences of the slope: the curvature of a logistic likelihood does not depend on the ties."""
    state, data, prior, seen = problem(case)
    work = new_work(state.shape)
    masses, scale = np.zeros(state.shape.size), np.zeros((2, 2))
    curvature.curvature(state, data, prior, work, masses, scale)
    point, mass = views(state.vector, state.shape), views(masses, state.shape)
    names = ["intercepts", "coefficients", "sender", "receiver"]
    for name in names:
        for at in np.ndindex(getattr(point, name).shape):
            values = []
            for step in (-1e-3, 0.0, 1e-3):
                vector = state.vector.copy()
                getattr(views(vector, state.shape), name)[at] += step
                values.append(density(state, prior, seen, vector))
            bent = -(values[0] - 2.0 * values[1] + values[2]) / 1e-6
            assert getattr(mass, name)[at] == pytest.approx(bent, rel=1e-3, abs=1e-3)
    assert (masses > 0.0).all()


def test_climb_reaches_the_maximum_and_holds_what_is_held() -> None:
    state, data, prior, _ = problem(Case(9, 1, 2, 2, "masked", "bernoulli", "both", 1))
    work, size = new_work(state.shape), state.shape.size
    free = np.ones(size)
    views(free, state.shape).log_variances[:] = 0.0
    views(free, state.shape).centres[:] = 0.0
    # Positions too: where two actors come to lie on one another the density has an edge, on which both searches end.
    views(free, state.shape).positions[:] = 0.0
    work.vector[:] = state.vector
    value, rounds = climb.climb(state, data, prior, work, climb.new_memory(size), 0.1 * free, (True, 3000, 1e-10))
    assert rounds < 3000
    found = work.vector.copy()
    assert np.array_equal(found[free == 0.0], state.vector[free == 0.0])

    def loss(part: np.ndarray) -> tuple[float, np.ndarray]:
        work.vector[:] = state.vector
        work.vector[free > 0.0] = part
        level, _ = lpcm.log_density_gradient(state, data, prior, work)
        return -level, -work.gradient[free > 0.0]

    best = minimize(loss, found[free > 0.0], jac=True, method="BFGS", options={"gtol": 1e-9})
    assert value == pytest.approx(-best.fun, abs=1e-6)
    start = minimize(loss, state.vector[free > 0.0], jac=True, method="BFGS")
    assert value == pytest.approx(-start.fun, abs=1e-4)


def test_improving_the_mixture_never_lowers_the_density() -> None:
    state, data, prior, seen = problem(Case(18, 1, 2, 3))
    work = new_work(state.shape)

    def whole() -> float:
        return density(state, prior, seen, state.vector) + (prior.concentration - 1.0) * float(
            np.log(state.weights).sum()
        )

    before = whole()
    for _ in range(10):
        mode.improve_mixture(state, prior, work)
        now = whole()
        assert now >= before - 1e-6
        before = now
    value, _, _ = mode.seek_mode(
        state, data, prior, work, climb.new_memory(state.shape.size), np.full(state.shape.size, 0.1), (20, 30, 1e-3)
    )
    assert np.isfinite(value)
    assert whole() > before


def test_levels_of_effects_are_drawn_from_their_conditional() -> None:
    """The sum of intercept and mean effect does not move; its split is normal around the conditional mean."""
    state, data, prior, seen = problem(Case(7, 1, 2, 2, "directed", "bernoulli", "sender"))
    rng = np.random.default_rng(5)
    before = naive.log_likelihood(views(state.vector, state.shape), seen)
    draws = []
    for _ in range(4000):
        gibbs.draw_effects(state, data, prior, rng)
        point = views(state.vector, state.shape)
        draws.append((point.intercepts[0], point.sender[0].mean(), state.effect_variances[0, 0]))
    assert naive.log_likelihood(views(state.vector, state.shape), seen) == pytest.approx(before, rel=1e-9)
    values = np.array(draws)
    assert np.ptp(values[:, 0] + values[:, 1]) < 1e-9
    assert values[:, 0].std() > 0.05
    assert (values[:, 2] > 0.0).all()


@pytest.mark.parametrize("acceptance", [0.8, 0.6])
def test_warm_up_finds_a_step_of_the_acceptance_asked_for(acceptance: float) -> None:
    from simlab.kernels import chain

    state, data, prior, _ = problem(Case(18, 1, 2, 2))
    work, size, rng = new_work(state.shape), state.shape.size, np.random.default_rng(1)
    tuning = Tuning(0.1, 8, np.ones(size), np.ones(size), np.eye(2) * 0.1, 3, 2)
    step = chain.warm_up(state, data, prior, tuning, work, rng, 600, acceptance)
    assert (tuning.inverse_masses > 0.0).all()
    accepted, likelihood = [], lpcm.log_likelihood_of(state, data, work)
    for _ in range(400):
        info = lpcm.sweep(state, data, prior, tuning._replace(step_size=step), work, rng, likelihood)
        likelihood = info.log_likelihood
        accepted.append(info.acceptance)
    assert likelihood == pytest.approx(lpcm.log_likelihood_of(state, data, work), rel=1e-9)
    assert np.mean(accepted) == pytest.approx(acceptance, abs=0.12)


def test_centres_that_are_held_stay_at_the_origin() -> None:
    from simlab.kernels import chain

    state, data, prior, _ = problem(Case(18, 1, 2, 1, "masked", centred=True))
    work, size, rng = new_work(state.shape), state.shape.size, np.random.default_rng(1)
    views(state.vector, state.shape).centres[:] = 0.0
    tuning = Tuning(0.1, 8, np.ones(size), np.ones(size), np.eye(2) * 0.1, 3, 2)
    chain.warm_up(state, data, prior, tuning, work, rng, 100, 0.8)
    assert np.array_equal(views(state.vector, state.shape).centres, np.zeros((1, 2)))


@pytest.mark.parametrize("x", [0.0, 1e-9, 0.5, 3.0, 39.9, 40.0, 1e3])
def test_decay(x: float) -> None:
    assert decay(x) == pytest.approx(math.exp(-min(x, 40.0)), rel=3e-13)
    assert single_decay(np.float32(x)) == pytest.approx(math.exp(-min(x, 40.0)), rel=5e-5)
