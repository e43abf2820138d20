"""The variational fitter of the latent position cluster model: the bound, recovery, odd networks, the fit."""

from __future__ import annotations

from dataclasses import replace
from math import factorial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import naive_expected
from reference import naive_variational as naive
from reference.cases import Case
from reference.fits import check_fit, network_from, nothing_observed, odd_networks, planted
from scipy.special import logsumexp

import simlab
from simlab.fit.fit import Status
from simlab.fit.lpcm_variational import LpcmVariational
from simlab.fit.variational import Climb, start
from simlab.foundation.errors import InputError
from simlab.metrics.recovery import adjusted_rand_index
from simlab.models import layout, variational
from simlab.models.latent_data import LatentData
from simlab.models.lpcm import Priors
from simlab.panel import DyadState, Network

BLOCKS = np.repeat(np.arange(3), 20)


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def clustered(separation: float = 8.0, seed: int = 1, **settings: object) -> tuple[Network, np.ndarray]:
    scenario = simlab.Scenario(n_actors=60, n_clusters=3, separation=separation, mean_degree=9, **settings)
    simulation = simlab.simulate(scenario, seed=seed)
    return simulation.panel.network(), simulation.truth.network(*simulation.panel.keys[0]).labels


# --- the rule for a dyad ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_dims", [1, 2, 3])
@pytest.mark.parametrize(("deviation", "error"), [(0.3, 3e-5), (0.6, 3e-4), (1.0, 2e-3), (1.5, 1e-2)])
def test_three_places_are_as_near_as_the_docstring_says(n_dims: int, deviation: float, error: float) -> None:
    rule = variational.rule(n_dims)
    for middle in (0.0, 0.4, 1.0, 2.0, 5.0):
        places, weights = naive_expected.three_places(rule, middle**2, deviation**2)
        for intercept in (-2.0, 0.0, 1.0, 3.0):
            exact = naive_expected.integrated(
                lambda d, b=intercept: np.logaddexp(0.0, b - d), middle**2, deviation**2, n_dims
            )
            assert_allclose(np.dot(weights, np.logaddexp(0.0, intercept - np.array(places))), exact, atol=error)


@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_three_places_have_the_moments_of_the_distance(n_dims: int) -> None:
    for square in (0.0, 0.3, 2.0, 30.0):
        places, weights = naive_expected.three_places(variational.rule(n_dims), square, 1.0)
        for power in (1, 2, 3):
            exact = naive_expected.integrated(lambda d, p=power: d**p, square, 1.0, n_dims)
            assert_allclose(np.dot(weights, np.array(places) ** power), exact, rtol=1e-3)
        assert_allclose(variational.length_moment(2.0, n_dims, np.sqrt(square)), square + n_dims)


@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_nodes_have_the_moments_of_a_standard_normal_up_to_the_fifth(n_dims: int) -> None:
    places, weights = variational.nodes(n_dims)
    moment = {0: 1.0, 1: 0.0, 2: 1.0, 3: 0.0, 4: 3.0, 5: 0.0}
    for powers in np.ndindex(*(6,) * n_dims):
        if sum(powers) <= 5:
            exact = np.prod([moment[p] for p in powers])
            assert_allclose((weights * (places ** np.array(powers)).prod(axis=1)).sum(), exact, atol=1e-12)


# --- the bound -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    [
        Case(2, 1, 1, 1),
        Case(14, 1, 1, 2, "masked"),
        Case(25, 3, 2, 3, "masked"),
        Case(25, 1, 2, 4, "undirected"),
        Case(20, 2, 3, 2),
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_bound_never_falls(case: Case, seed: int) -> None:
    a, data, priors = naive.problem(case, seed)
    first = layout.first_positions(data.share, case.n_dims)
    for begin in (a, start(first, 0.5, data, case.n_clusters, priors, stream(seed))):
        climb = Climb(data, priors, begin)
        assert climb.run(300, 1e-5)
        assert len(climb.bounds) > 1
        assert (np.diff(climb.bounds) >= -1e-9 * abs(climb.bounds[-1])).all()


def test_a_bound_that_falls_is_seen() -> None:
    """The control: without the updates' own weights a round would lose what the last one gained."""
    a, data, priors = naive.problem(Case(25, 1, 2, 3))
    climb = Climb(data, priors, a)
    climb.run(50, 1e-5)
    climb.approximation = replace(climb.approximation, concentrations=np.array([50.0, 1.0, 1.0]))
    climb.run(1, 1e-5)
    assert climb.bounds[-1] < climb.bounds[-2]


def test_the_bound_reached_is_that_of_the_naive_twin_and_a_maximum() -> None:
    a, data, priors = naive.problem(Case(9, 1, 2, 2))
    climb = Climb(data, priors, a)
    climb.run(500, 1e-9)
    best = climb.approximation
    top = naive.bound(best, data, priors)
    assert_allclose(top, climb.bounds[-1], atol=1e-6)
    for name in ("centres", "centre_variances", "degrees", "spreads", "concentrations", "variances", "intercepts"):
        for factor in (0.9, 1.1):
            assert naive.bound(replace(best, **{name: factor * getattr(best, name)}), data, priors) < top, name


def evidence(
    data: LatentData, priors: Priors, n_dims: int, n_clusters: int, n_draws: int = 200_000
) -> tuple[float, float]:
    """Return log p(y) by draws from the prior, and its standard error."""
    rng = stream(5)
    n = data.n_actors
    intercept = rng.normal(priors.intercept_mean, np.sqrt(priors.intercept_variance), (n_draws, 1))
    weights = rng.dirichlet(np.full(n_clusters, priors.concentration), n_draws)
    centres = rng.normal(0.0, np.sqrt(priors.centre_variance), (n_draws, n_clusters, n_dims))
    degrees = priors.variance_degrees
    spreads = degrees * priors.variance_scale / rng.chisquare(degrees, (n_draws, n_clusters))
    labels = (rng.random((n_draws, n, 1)) > np.cumsum(weights, axis=1)[:, None, :-1]).sum(axis=2)
    at = np.arange(n_draws)[:, None]
    z = centres[at, labels] + np.sqrt(spreads[at, labels])[..., None] * rng.standard_normal((n_draws, n, n_dims))
    rows, columns = np.tril_indices(n, -1)
    eta = intercept - np.sqrt(((z[:, rows] - z[:, columns]) ** 2).sum(-1))
    value = (data.ties[0] * eta - data.observed[0] * np.logaddexp(0.0, eta)).sum(axis=1)
    level = float(logsumexp(value) - np.log(n_draws))
    return level, float(np.exp(value - level).std() / np.sqrt(n_draws))


PATH = np.array([[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0]])


@pytest.mark.parametrize(("n_dims", "n_clusters"), [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_the_bound_is_below_the_evidence(n_dims: int, n_clusters: int) -> None:
    network = network_from(PATH)
    fitter = LpcmVariational(n_clusters=n_clusters, n_dims=n_dims)
    bound = fitter.fit(network, rng=stream()).diagnostics["bound"]
    level, error = evidence(LatentData.of([network]), fitter.priors(4, n_clusters), n_dims, n_clusters)
    assert error < 0.02
    assert level - 6.0 < bound < level


@pytest.mark.parametrize(("n_dims", "n_clusters"), [(1, 1), (1, 2), (2, 2), (3, 1)])
def test_the_bound_is_the_evidence_where_nothing_is_left_to_approximate(n_dims: int, n_clusters: int) -> None:
    """Priors that hold the clusters leave independent normal positions; all constants of the bound count."""
    network = network_from(PATH)
    fitter = LpcmVariational(
        n_clusters=n_clusters,
        n_dims=n_dims,
        centre_variance=1e-5,
        variance_scale=0.02,
        variance_degrees=5000.0,
        intercept_mean=0.5,
        intercept_variance=0.07,
        concentration=500.0,
    )
    bound = fitter.fit(network, rng=stream()).diagnostics["bound"]
    level, error = evidence(LatentData.of([network]), fitter.priors(4, n_clusters), n_dims, n_clusters)
    assert_allclose(bound, level, atol=0.05 + 3.0 * error)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_permanent_is_a_sum_over_permutations(size: int) -> None:
    matrices = stream().random((4, size, size))
    assert_allclose(variational._permanent(matrices), [naive.permanent(m) for m in matrices])


def test_permanent_of_many_rows_is_not_underestimated(monkeypatch: pytest.MonkeyPatch) -> None:
    matrices = stream().random((9, 5, 5)) * 0.2 + np.eye(5)
    exact = variational._permanent(matrices)
    monkeypatch.setattr(variational, "_MOST_PERMUTED", 4)
    assert (variational._permanent(matrices) > exact).all()


@pytest.mark.parametrize("n_clusters", [1, 2, 3, 9])
def test_renaming_gains_all_of_log_factorial_or_nothing(n_clusters: int) -> None:
    distinct = np.eye(n_clusters)[np.arange(40) % n_clusters]
    assert_allclose(variational.renaming_gain(distinct, stream()), np.log(factorial(n_clusters)), atol=1e-9)
    alike = np.full((40, n_clusters), 1.0 / n_clusters)
    assert_allclose(variational.renaming_gain(alike, stream()), 0.0, atol=1e-9)


def test_renaming_two_clusters_that_are_alike_gains_nothing_for_the_two() -> None:
    member = np.zeros((40, 3))
    member[:20, 0] = 1.0
    member[20:, 1:] = 0.5
    assert_allclose(variational.renaming_gain(member, stream()), np.log(3.0), atol=1e-9)


# --- the fit ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_clusters_that_are_far_apart_are_found(seed: int) -> None:
    fit = LpcmVariational(n_clusters=3).fit(planted((20, 20, 20), 0.5, 0.03, seed), rng=stream())
    assert fit.status == Status.OK
    assert adjusted_rand_index(fit.labels, BLOCKS) >= 0.9


@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_simulated_clusters_are_found_in_every_dimension(n_dims: int) -> None:
    network, labels = clustered(9.0, n_dims=n_dims)
    # The usual scale grows with (n / G)^(2 / d), to 50 on a line.
    fit = LpcmVariational(n_clusters=3, n_dims=n_dims, variance_scale=2.0).fit(network, rng=stream())
    assert fit.positions is not None
    assert fit.positions.shape == (60, n_dims)
    assert adjusted_rand_index(fit.labels, labels) >= (0.75 if n_dims == 1 else 0.9)


def test_the_number_of_clusters_is_found() -> None:
    network, _ = clustered(7.0)
    fit = LpcmVariational(n_clusters=(1, 5)).fit(network, rng=stream())
    assert fit.n_clusters == 3
    assert set(fit.choice["elbo"]) == {1, 2, 3, 4, 5}
    assert min(fit.choice["elbo"].values()) == pytest.approx(-2.0 * fit.diagnostics["bound"])
    one = simlab.simulate(simlab.Scenario(n_actors=60, n_clusters=1, mean_degree=9), seed=1).panel.network()
    assert LpcmVariational(n_clusters=(1, 3)).fit(one, rng=stream()).n_clusters == 1


def test_positions_and_tie_model_are_of_one_piece() -> None:
    network, _ = clustered()
    fit = LpcmVariational(n_clusters=3, n_draws=100).fit(network, rng=stream())
    model = fit.tie_model
    assert model is not None
    assert model.n_draws == 100
    eta = np.array([model.predictors(draw) for draw in range(100)])
    assert eta.shape == (100, 1, 60, 60)
    off = ~np.eye(60, dtype=bool)
    assert_allclose((1.0 / (1.0 + np.exp(-eta[:, 0, off]))).mean(), network.density, rtol=0.1)
    assert_allclose(eta, np.swapaxes(eta, 2, 3))
    # A tie is expected where there is one, and the positions are in the middle of the draws.
    mean = eta.mean(axis=0)[0]
    assert mean[network.ties].mean() > mean[off & ~network.ties].mean() + 1.0
    assert_allclose(model.positions.mean(axis=0), fit.positions, atol=0.5)


def test_membership_entropy_splits_into_place_and_uncertainty() -> None:
    network, _ = clustered(3.0)
    fit = LpcmVariational(n_clusters=3).fit(network, rng=stream())
    assert fit.bridging_score == "position_entropy"
    assert (fit.bridging["position_entropy"] <= fit.bridging["membership_entropy"] + 0.02).all()
    assert fit.bridging["position_entropy"].mean() < fit.bridging["membership_entropy"].mean()


def test_the_order_of_the_actors_does_not_change_what_is_found() -> None:
    network, _ = clustered()
    order = stream(3).permutation(60)
    turned = Network(network.actors, network.state[np.ix_(order, order)], network.directed)
    fitter = LpcmVariational(n_clusters=3)
    one, other = fitter.fit(network, rng=stream()), fitter.fit(turned, rng=stream(2))
    assert adjusted_rand_index(one.labels[order], other.labels) == 1.0
    # Solutions within one of each other are as good.
    assert_allclose(one.diagnostics["bound"], other.diagnostics["bound"], atol=1.0)


def test_the_same_stream_gives_the_same_fit() -> None:
    network, _ = clustered(4.0)
    one, other = (LpcmVariational(n_clusters=2).fit(network, rng=stream()) for _ in range(2))
    assert_array_equal(one.membership, other.membership)
    assert_array_equal(one.tie_model.predictors(3), other.tie_model.predictors(3))


@pytest.mark.parametrize("n_clusters", [1, 2])
@pytest.mark.parametrize("name", list(odd_networks()))
def test_odd_networks_are_fitted(name: str, n_clusters: int) -> None:
    network = odd_networks()[name]
    fit = LpcmVariational(n_clusters=n_clusters, n_starts=2).fit(network, rng=stream())
    check_fit(fit, network)
    assert fit.positions is not None
    assert np.isfinite(fit.positions).all()
    assert fit.status == Status.OK


def test_an_actor_of_whom_nothing_is_known_keeps_its_prior_and_changes_nothing() -> None:
    network, _ = clustered()
    state = network.state.copy()
    state[7], state[:, 7] = DyadState.NO_ANSWER, DyadState.NO_ANSWER
    state[7, 7] = DyadState.IMPOSSIBLE
    known = np.arange(60) != 7
    # The same priors, which depend on the number of actors.
    usual = Priors.usual(60, 3, 2)
    names = ("centre_variance", "variance_degrees", "variance_scale", "concentration")
    fitter = LpcmVariational(n_clusters=3, **{name: getattr(usual, name) for name in names})
    fit = fitter.fit(replace(network, state=state), rng=stream())
    names = tuple(name for i, name in enumerate(network.actors) if i != 7)
    without = fitter.fit(Network(names, state[np.ix_(known, known)]), rng=stream())
    assert_allclose(fit.diagnostics["bound"], without.diagnostics["bound"])
    assert_allclose(fit.membership[known], without.membership)
    assert fit.unknown.tolist() == (~known).tolist()
    assert fit.membership[7].max() < 0.45
    draws = fit.tie_model.positions
    assert draws[:, 7].std(axis=0).min() > 3.0 * draws[:, 8].std(axis=0).max()


def test_nothing_observed_leaves_the_prior() -> None:
    fit = LpcmVariational(n_clusters=3).estimate(nothing_observed(), stream())
    assert_allclose(fit.membership, 1.0 / 3.0)
    assert_allclose(fit.diagnostics["bound"], 0.0, atol=1e-6)
    assert_allclose(fit.tie_model.intercepts.std(), 3.0, rtol=0.2)


def test_relations_are_fitted_jointly_with_an_intercept_each() -> None:
    dense, sparse = planted((15, 15), 0.7, 0.1, 1), planted((15, 15), 0.2, 0.02, 2)
    fitter = LpcmVariational(n_clusters=2)
    fit = fitter.fit_joint([dense, sparse], rng=stream())
    assert adjusted_rand_index(fit.labels, np.repeat([0, 1], 15)) >= 0.8
    assert fit.tie_model.predictors(0).shape == (2, 30, 30)
    assert (fit.tie_model.intercepts[:, 0] > fit.tie_model.intercepts[:, 1] + 1.0).all()
    with pytest.raises(InputError, match="same actors"):
        fitter.fit_joint([dense, planted((5, 5), 0.5, 0.1, 1)], rng=stream())
    with pytest.raises(InputError, match="at least one"):
        fitter.fit_joint([], rng=stream())


def test_a_climb_cut_short_says_so() -> None:
    network, _ = clustered(4.0)
    fit = LpcmVariational(n_clusters=3, n_starts=1, max_rounds=1).fit(network, rng=stream())
    assert fit.status == Status.NOT_CONVERGED
    assert "max_rounds" in fit.message


def test_priors_are_latentnets_unless_given() -> None:
    assert LpcmVariational().priors(60, 3) == Priors.usual(60, 3, 2)
    given = LpcmVariational(intercept_mean=1.0, variance_scale=0.5, concentration=2.0).priors(60, 3)
    assert (given.intercept_mean, given.variance_scale, given.concentration) == (1.0, 0.5, 2.0)
    with pytest.raises(InputError, match="n_dims"):
        LpcmVariational(n_dims=4)


def test_more_clusters_than_actors_are_refused() -> None:
    with pytest.raises(InputError, match="n_clusters"):
        LpcmVariational(n_clusters=3).fit(odd_networks()["two actors"], rng=stream())
