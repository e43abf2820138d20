"""The variational fitter with covariates, effects, reciprocity, counts and several relations: bound, recovery, the fit."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import naive_variational as naive
from reference.cases import RICH, Case, design_of
from reference.fits import check_fit, network_from, odd_networks
from scipy.special import logsumexp
from statistical.worlds import (
    Answers,
    Truth,
    World,
    circumstances,
    draw_ties,
    from_prior,
    latent_data,
    log_likelihood,
    networks,
)

import simlab
from simlab.fit.fit import Fit, Status
from simlab.fit.laplace import laplace, stacked
from simlab.fit.lpcm_mcmc import LpcmMcmc
from simlab.fit.lpcm_variational import LpcmVariational
from simlab.fit.variational import Climb, start
from simlab.models import layout, variational
from simlab.models.lpcm import Parameters, Priors
from simlab.panel import DyadState, Network

EVERYTHING = World(40, sociality="both", reciprocity=True, covariate=True, masked=True)
COUNTS = World(30, family="poisson", sociality="both", covariate=True)
SHARED = World(40, sociality="shared", covariate=True, directed=False)


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@lru_cache
def known(world: World, seed: int = 1) -> tuple[Truth, tuple[Network, ...]]:
    """Return a world with a coefficient of .8, reciprocity of 1.5, effects of a standard deviation of .8, and networks."""
    rng = stream(seed)
    priors = replace(
        world.priors(),
        effect_degrees=1e4,
        effect_scale=0.64,
        variance_degrees=100.0,
        variance_scale=1.0,
        centre_variance=4.0,
        concentration=20.0,
    )
    truth = from_prior(world, priors, rng)
    values = {"intercepts": 1.0, "coefficients": 0.8, "reciprocity": 1.5}
    rest = replace(
        truth.rest, **{name: np.full_like(getattr(truth.rest, name), value) for name, value in values.items()}
    )
    truth = replace(truth, rest=rest)
    given = circumstances(world, rng)
    return truth, tuple(networks(world, replace(given, ties=draw_ties(world, truth, given, rng))))


@lru_cache
def fitted(world: World, seed: int = 1) -> Fit:
    return LpcmVariational(n_clusters=2, **world.settings()).fit_joint(known(world, seed)[1], rng=stream())


# --- the bound -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [case for case in RICH if case.n > 2 and not case.centred], ids=str)
def test_the_bound_never_falls(case: Case) -> None:
    a, data, priors = naive.problem(case)
    first = layout.first_positions(data.share, case.n_dims)
    for begin in (a, start(first, 0.5, data, case.n_clusters, priors, stream())):
        climb = Climb(data, priors, begin)
        assert climb.run(300, 1e-5)
        assert len(climb.bounds) > 1
        assert (np.diff(climb.bounds) >= -1e-9 * abs(climb.bounds[-1])).all()


@pytest.mark.parametrize(
    "case",
    [
        Case(7, 1, 2, 1, "masked", "bernoulli", "both", 1),
        Case(7, 1, 2, 2, "directed", "reciprocal", "shared"),
        Case(7, 2, 1, 1, "masked", "poisson", "sender", 1),
    ],
    ids=str,
)
def test_the_bound_reached_is_that_of_the_naive_twin_and_a_maximum(case: Case) -> None:
    a, data, priors = naive.problem(case)
    climb = Climb(data, priors, a)
    climb.run(500, 1e-9)
    best = climb.approximation
    top = naive.bound(best, data, priors)
    assert_allclose(top, climb.bounds[-1], atol=1e-6)
    for name in ("coefficients", "reciprocity", "sender", "receiver", "sender_variances", "receiver_variances"):
        if getattr(best, name).size:
            for factor in (0.9, 1.1):
                assert naive.bound(replace(best, **{name: factor * getattr(best, name)}), data, priors) < top, name


def evidence(world: World, given: Answers, priors: Priors, n_draws: int = 40_000) -> tuple[float, float]:
    """Return log p(y) by draws from the prior, and its standard error."""
    rng = stream(5)
    n, d, g = world.n_actors, world.n_dims, world.n_clusters

    def spread(degrees: float, scale: float, size: tuple[int, ...]) -> np.ndarray:
        return degrees * scale / rng.chisquare(degrees, size)

    weights = rng.dirichlet(np.full(g, priors.concentration), n_draws)
    centres = np.sqrt(priors.centre_variance) * rng.standard_normal((n_draws, g, d))
    variances = spread(priors.variance_degrees, priors.variance_scale, (n_draws, g))
    labels = (rng.random((n_draws, n, 1)) > np.cumsum(weights, axis=1)[:, None, :-1]).sum(axis=2)
    at = np.arange(n_draws)[:, None]
    positions = centres[at, labels] + np.sqrt(variances[at, labels])[..., None] * rng.standard_normal((n_draws, n, d))
    effect_variances = spread(priors.effect_degrees, priors.effect_scale, (n_draws, 1, 2))
    size = np.sqrt(priors.coefficient_variance)
    sides = (world.sociality in ("shared", "sender", "both"), world.sociality in ("receiver", "both"))
    sender, receiver = (
        np.sqrt(effect_variances[..., k, None]) * rng.standard_normal((n_draws, 1, n if there else 0))
        for k, there in enumerate(sides)
    )
    rest = Parameters(
        intercepts=rng.normal(priors.intercept_mean, np.sqrt(priors.intercept_variance), (n_draws, 1)),
        coefficients=size * rng.standard_normal((n_draws, 1, int(world.covariate))),
        reciprocity=size * rng.standard_normal((n_draws, int(world.reciprocity))),
        sender=sender,
        receiver=receiver,
        effect_variances=effect_variances,
        centres=centres,
        variances=variances,
        weights=weights,
    )
    value = log_likelihood(world, Truth(positions, rest), given) + latent_data(world, given).constant
    level = float(logsumexp(value) - np.log(n_draws))
    return level, float(np.exp(value - level).std() / np.sqrt(n_draws))


SMALL = [
    World(4, 1, sociality="sender"),
    World(4, 2, sociality="shared", directed=False),
    World(4, 1, sociality="both", reciprocity=True, covariate=True),
    World(4, 1, family="poisson", sociality="receiver", covariate=True),
    World(4, 1, reciprocity=True, masked=True),
]


def small(world: World) -> Answers:
    rng = stream(2)
    truth = from_prior(world, replace(world.priors(), intercept_mean=1.0, intercept_variance=0.1), rng)
    given = circumstances(world, rng)
    return replace(given, ties=draw_ties(world, truth, given, rng))


@pytest.mark.parametrize("world", SMALL, ids=str)
def test_the_bound_is_the_evidence_where_nothing_is_left_to_approximate(world: World) -> None:
    """Priors that hold clusters and the effects' variances leave independent normals; all constants of the bound count."""
    given = small(world)
    fitter = LpcmVariational(
        n_clusters=world.n_clusters,
        centre_variance=1e-5,
        variance_scale=0.02,
        variance_degrees=5000.0,
        intercept_mean=0.5,
        intercept_variance=0.07,
        concentration=500.0,
        coefficient_variance=0.05,
        effect_degrees=5000.0,
        effect_scale=0.03,
        **world.settings(),
    )
    bound = fitter.fit(networks(world, given)[0], rng=stream()).diagnostics["bound"]
    level, error = evidence(world, given, fitter.priors(4, world.n_clusters))
    assert_allclose(bound, level, atol=0.05 + 3.0 * error)


@pytest.mark.parametrize("world", SMALL, ids=str)
def test_the_bound_is_below_the_evidence(world: World) -> None:
    given = small(world)
    settings = {"coefficient_variance": 1.0, "intercept_variance": 2.0, **world.settings()}
    fitter = LpcmVariational(n_clusters=world.n_clusters, **settings)
    bound = fitter.fit(networks(world, given)[0], rng=stream()).diagnostics["bound"]
    level, error = evidence(world, given, fitter.priors(4, world.n_clusters))
    assert level - 8.0 < bound < level + 3.0 * error


# --- normal distributions of what has a point value -------------------------------------------------------------------


def test_covariance_is_the_inverse_curvature_of_the_bound() -> None:
    a, data, priors = naive.problem(Case(9, 2, 2, 1, "masked", "reciprocal", "none", 1))
    climb = Climb(data, priors, a)
    climb.run(500, 1e-8)
    best = climb.approximation
    found = laplace(best, data, priors)
    values, step = stacked(best), 1e-2

    def bound(move: np.ndarray) -> float:
        moved = values.copy()
        moved[1] += move
        parts = {"intercepts": moved[:, 0], "coefficients": moved[:, 1:2], "reciprocity": moved[:, 2]}
        return naive.bound(replace(best, **parts), data, priors)

    axes = step * np.eye(3)
    curvature = [
        [(bound(p + q) - bound(p - q) - bound(q - p) + bound(-p - q)) / (4.0 * step**2) for p in axes] for q in axes
    ]
    assert_allclose(found.roots[1] @ found.roots[1].T, np.linalg.inv(-np.array(curvature)), rtol=2e-3, atol=1e-5)
    draws = found.draws(40_000, stream())
    assert_allclose(np.cov(draws[:, 1].T), found.roots[1] @ found.roots[1].T, rtol=0.05, atol=0.02)
    assert_allclose(draws.mean(axis=0), values, atol=0.05)


# --- recovery --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", [EVERYTHING, COUNTS, SHARED, replace(SHARED, directed=True, masked=True)], ids=str)
def test_coefficients_and_effects_are_recovered(world: World) -> None:
    truth, _ = known(world)
    fit = fitted(world)
    assert fit.status == Status.OK
    model = fit.tie_model
    assert abs(model.coefficients.mean() - 0.8) < 3.5 * model.coefficients.std() < 0.6
    if world.reciprocity:
        assert abs(model.rho.mean() - 1.5) < 3.5 * model.rho.std() < 1.2
    for true, drawn in ((truth.rest.sender, model.sender), (truth.rest.receiver, model.receiver)):
        if drawn.shape[2]:
            mean = drawn.mean(axis=0)[0]
            assert np.corrcoef(true[0], mean)[0, 1] > 0.7
            # They have not been drawn to zero, and their uncertainty is that of their errors.
            assert mean.std() > 0.45 * true.std()
            assert 0.7 < np.sqrt((((mean - true[0]) / drawn.std(axis=0)[0]) ** 2).mean()) < 2.2


@pytest.mark.parametrize("homophily", [0.0, 1.5])
def test_homophily_is_recovered(homophily: float) -> None:
    scenario = simlab.Scenario(n_actors=80, n_clusters=3, mean_degree=12, organisation_homophily=homophily)
    network = simlab.simulate(scenario, seed=2).panel.network()
    fitter = LpcmVariational(n_clusters=3, sociality="both", covariates="match(organisation), match(seniority)")
    model = fitter.fit(network, rng=stream()).tie_model
    assert_allclose(model.coefficients.mean(axis=0), [[homophily, scenario.seniority_homophily]], atol=0.4)


def test_relations_have_coefficients_and_effects_of_their_own() -> None:
    world = World(30, n_relations=2, sociality="sender", reciprocity=True, covariate=True)
    truth, given = known(world)
    model = fitted(world).tie_model
    assert model.predictors(0).shape == (2, 30, 30)
    for r in range(2):
        assert np.corrcoef(truth.rest.sender[r], model.sender.mean(axis=0)[r])[0, 1] > 0.7
    assert abs(np.corrcoef(truth.rest.sender[0], model.sender.mean(axis=0)[1])[0, 1]) < 0.6
    assert len(given) == 2


@pytest.mark.parametrize("world", [EVERYTHING, COUNTS], ids=str)
def test_posterior_means_are_those_of_the_sampler(world: World) -> None:
    """Within three quarters of a standard deviation of the sampler's, effects within a quarter in the mean."""
    sampler = LpcmMcmc(n_clusters=2, n_chains=1, n_warmup=400, n_draws=400, **world.settings())
    exact = sampler.fit(known(world)[1][0], rng=stream()).tie_model
    model = fitted(world).tie_model
    for name in ("coefficients", "rho"):
        ours, theirs = getattr(model, name), getattr(exact, name)
        if theirs.size:
            assert abs(ours.mean() - theirs.mean()) < 0.75 * theirs.std()
            assert 0.5 < ours.std() / theirs.std() < 1.1
    for name in ("sender", "receiver"):
        ours, theirs = getattr(model, name).mean(axis=0)[0], getattr(exact, name).mean(axis=0)[0]
        assert np.corrcoef(ours, theirs)[0, 1] > 0.96
        assert np.sqrt(((ours - theirs) ** 2).mean()) < 0.25 * getattr(exact, name).std(axis=0).mean()


# --- the fit ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", [EVERYTHING, COUNTS, SHARED], ids=str)
def test_the_order_of_the_actors_does_not_change_what_is_found(world: World) -> None:
    network = known(world)[1][0]
    order = stream(3).permutation(world.n_actors)
    swap = np.ix_(order, order)
    counts = network.counts[swap] if network.counts is not None else None
    turned = replace(network, state=network.state[swap], counts=counts, dyadic={"x": network.dyadic["x"][swap]})
    fitter = LpcmVariational(n_clusters=2, **world.settings())
    one, other = fitted(world), fitter.fit(turned, rng=stream(2))
    assert_allclose(one.diagnostics["bound"], other.diagnostics["bound"], atol=1.0)
    assert_allclose(one.tie_model.coefficients.mean(), other.tie_model.coefficients.mean(), atol=0.05)
    ours, theirs = one.tie_model.sender.mean(axis=0)[0], other.tie_model.sender.mean(axis=0)[0]
    assert_allclose(ours[order], theirs, atol=0.2)


def test_an_actor_of_whom_nothing_is_known_keeps_its_prior_and_changes_nothing() -> None:
    world = EVERYTHING
    network = known(world)[1][0]
    state = network.state.copy()
    state[7], state[:, 7] = DyadState.NO_ANSWER, DyadState.NO_ANSWER
    state[7, 7] = DyadState.IMPOSSIBLE
    seen = np.arange(world.n_actors) != 7
    usual = Priors.usual(world.n_actors, 2, 2)
    names = ("centre_variance", "variance_degrees", "variance_scale", "concentration")
    fitter = LpcmVariational(
        n_clusters=2, n_starts=3, **{name: getattr(usual, name) for name in names}, **world.settings()
    )
    fit = fitter.fit(replace(network, state=state), rng=stream())
    part = Network(
        tuple(name for i, name in enumerate(network.actors) if i != 7),
        state[np.ix_(seen, seen)],
        dyadic={"x": network.dyadic["x"][np.ix_(seen, seen)]},
    )
    without = fitter.fit(part, rng=stream())
    assert_allclose(fit.diagnostics["bound"], without.diagnostics["bound"])
    assert_allclose(fit.membership[seen], without.membership)
    ours, theirs = fit.tie_model.sender, without.tie_model.sender
    assert ours.shape == (200, 1, 40)
    assert_allclose(ours.mean(axis=0)[:, seen], theirs.mean(axis=0), atol=0.2)
    assert abs(ours[:, 0, 7].mean()) < 0.3
    assert ours[:, 0, 7].std() > 1.2 * ours[:, 0, 8].std()


def test_the_spread_of_effects_is_their_squares_and_variances_and_the_prior() -> None:
    priors = replace(Priors.usual(5, 1, 2), effect_degrees=4.0, effect_scale=0.5)
    means, variances = np.array([[1.0, -1.0, 2.0], [0.0, 0.0, 0.0]]), np.full((2, 3), 0.2)
    degrees, scales = variational.effect_spread(means, variances, priors)
    assert degrees == 7.0
    assert_allclose(scales, [(2.0 + 6.6) / 7.0, (2.0 + 0.6) / 7.0])


def test_without_a_spread_the_data_ask_for_effects_shrink_and_do_not_vanish() -> None:
    """The prior keeps the variance of effects from zero where all actors are alike."""
    world = World(30, sociality="both")
    truth, _ = known(world)
    alike = replace(truth, rest=replace(truth.rest, sender=0.0 * truth.rest.sender, receiver=0.0 * truth.rest.receiver))
    rng = stream(4)
    given = circumstances(world, rng)
    network = networks(world, replace(given, ties=draw_ties(world, alike, given, rng)))[0]
    model = LpcmVariational(n_clusters=1, sociality="both").fit(network, rng=stream()).tie_model
    assert 0.15 < model.sender.std() < 0.7
    assert 0.02 < model.sender.mean(axis=0).std() < 0.4


@pytest.mark.parametrize("form", ["both", "shared", "reciprocal", "poisson"])
@pytest.mark.parametrize("name", list(odd_networks()))
def test_odd_networks_are_fitted(name: str, form: str) -> None:
    network = odd_networks()[name]
    settings: dict[str, object] = {"sociality": form} if form in ("both", "shared") else {}
    if form == "reciprocal":
        settings = {"reciprocity": True, "sociality": "sender"}
    if form == "poisson":
        settings = {"family": "poisson", "sociality": "shared"}
        network = replace(network, counts=2.0 * network.ties)
    if not network.directed and form in ("both", "reciprocal"):
        return
    fit = LpcmVariational(n_clusters=2, n_starts=2, **settings).fit(network, rng=stream())
    check_fit(fit, network)
    assert fit.status == Status.OK
    assert np.isfinite(fit.diagnostics["bound"])
    assert np.isfinite(fit.tie_model.predictors(0)).all()


def test_nothing_observed_leaves_the_prior() -> None:
    """What ``fit`` refuses, its parts must still get right: a relation of which nothing was observed, beside another."""
    network = network_from(np.full((6, 6), DyadState.NO_ANSWER))
    fitter = LpcmVariational(n_clusters=3, sociality="both", reciprocity=True, n_draws=4000)
    fit = fitter.estimate_networks([network], stream())
    assert_allclose(fit.diagnostics["bound"], 0.0, atol=1e-6)
    assert_allclose(fit.tie_model.intercepts.std(), 3.0, rtol=0.1)
    assert_allclose(fit.tie_model.rho.std(), 3.0, rtol=0.1)
    # Student's t with three degrees of freedom has its quartiles at .765.
    assert_allclose(np.quantile(fit.tie_model.sender, [0.25, 0.75]), [-0.765, 0.765], atol=0.05)


def test_the_same_stream_gives_the_same_fit() -> None:
    network = known(COUNTS)[1][0]
    fitter = LpcmVariational(n_clusters=2, n_starts=2, **COUNTS.settings())
    one, other = (fitter.fit(network, rng=stream()) for _ in range(2))
    assert_array_equal(one.membership, other.membership)
    assert_array_equal(one.tie_model.predictors(3), other.tie_model.predictors(3))


def test_the_data_of_some_actors_are_those_of_their_dyads() -> None:
    for case in (Case(9, 2, 2, 1, "masked", "reciprocal", "both", 2), Case(9, 1, 2, 1, "undirected", "poisson")):
        data = naive.data_of(case, stream())
        chosen = np.arange(9) % 4 != 1
        part = data.of_actors(chosen)
        pairs = [(i, j) for i in range(9) for j in range(i)]
        both = [at for at, (i, j) in enumerate(pairs) if chosen[i] and chosen[j]]
        assert part.n_actors == 7
        for name in ("ties", "observed", "ties_back", "observed_back", "covariates", "covariates_back"):
            whole = getattr(data, name)
            assert_array_equal(getattr(part, name), whole[:, both] if whole.shape[1] else whole[:, :0])
        assert_array_equal(design_of(part), design_of(data)[:, chosen][:, :, chosen])


@pytest.mark.parametrize("unit", [1e-2, 1e2])
def test_the_unit_of_a_covariate_changes_its_coefficient_alone(unit: float) -> None:
    world = World(30, covariate=True)
    network = known(world)[1][0]
    scaled = replace(network, dyadic={"x": unit * network.dyadic["x"]})
    one, other = (
        LpcmVariational(n_clusters=2, covariates="dyad(x)", coefficient_variance=9.0 / size**2).fit(given, rng=stream())
        for size, given in ((1.0, network), (unit, scaled))
    )
    # Both climbs end within the tolerance of the maximum.
    assert_allclose(one.diagnostics["bound"], other.diagnostics["bound"], atol=0.05)
    for moment in (np.mean, np.std):
        ours, theirs = moment(one.tie_model.coefficients), unit * moment(other.tie_model.coefficients)
        assert_allclose(ours, theirs, rtol=0.02)


def test_large_counts_are_fitted() -> None:
    world = World(20, family="poisson", sociality="both", covariate=True)
    truth, _ = known(world)
    rng = stream(6)
    given = circumstances(world, rng)
    large = replace(truth, rest=replace(truth.rest, intercepts=truth.rest.intercepts + 5.0))
    network = networks(world, replace(given, ties=draw_ties(world, large, given, rng)))[0]
    fit = LpcmVariational(n_clusters=2, **world.settings()).fit(network, rng=stream())
    assert fit.status == Status.OK
    assert_allclose(fit.tie_model.coefficients.mean(), 0.8, atol=0.05)
    pattern = np.mean([np.exp(fit.tie_model.predictors(draw)[0]) for draw in range(50)], axis=0)
    off = ~np.eye(20, dtype=bool)
    assert_allclose(pattern[off].sum(), network.tie_counts()[off].sum(), rtol=0.05)
