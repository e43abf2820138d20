"""The latent position cluster model by Markov chain Monte Carlo."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import naive_lpcm as naive
from reference.fits import check_fit, network_from, nothing_observed, odd_networks, planted
from reference.sampson import differences, limit, membership_difference

from simlab.fit import chains, judge
from simlab.fit.fit import Fit, FitError, Status
from simlab.fit.lpcm_mcmc import LpcmMcmc
from simlab.foundation.errors import InputError
from simlab.kernels.chain_state import views
from simlab.models import convergence, lpcm
from simlab.models.latent_data import LatentData
from simlab.models.mixture import membership
from simlab.panel import DyadState, Network
from simlab.partition import canonical

Monks = tuple[Network, dict[str, str]]
QUICK = LpcmMcmc(n_clusters=2, n_chains=2, n_warmup=100, n_draws=100, thin=1)


def fitted(fitter: LpcmMcmc, network: Network, seed: int = 1) -> Fit:
    return fitter.fit(network, rng=np.random.default_rng(seed))


def groups_of(monks: Monks) -> list[int]:
    """Return the partition that Sampson named, numbered as fits number theirs."""
    network, groups = monks
    names = sorted(set(groups.values()))
    return canonical(np.array([names.index(groups[actor]) for actor in network.actors])).tolist()


# The monks and the reference program


@pytest.mark.parametrize("seed", range(5))
def test_the_monks_come_out_right(monks: Monks, seed: int) -> None:
    fit = fitted(LpcmMcmc(n_clusters=3, n_chains=2, n_draws=500), monks[0], seed)
    check_fit(fit, monks[0])
    assert fit.labels.tolist() == groups_of(monks)


def test_the_posterior_of_the_monks_is_that_of_the_reference_program(monks: Monks, data_folder: Path) -> None:
    fit = fitted(LpcmMcmc(n_clusters=3, n_draws=6000, thin=1), monks[0], 11)
    assert fit.status == Status.OK, fit.message
    found = differences(fit, data_folder)
    assert len(found) == 16 + 2 * 153
    worst = max(found, key=lambda name: abs(found[name]))
    assert abs(found[worst]) < limit(len(found)), worst
    # Standardised differences of two right answers have a mean square near 1.
    assert 0.3 < np.mean(np.square(list(found.values()))) < 3.0
    assert membership_difference(fit, data_folder) < 0.015


def test_the_comparison_shows_a_wrong_prior(monks: Monks, data_folder: Path) -> None:
    usual = LpcmMcmc().priors(18, 3).variance_scale
    fit = fitted(LpcmMcmc(n_clusters=3, n_draws=2000, thin=1, variance_scale=1.25 * usual), monks[0], 11)
    found = differences(fit, data_folder)
    assert max(abs(value) for value in found.values()) > 2 * limit(len(found))


def test_three_clusters_are_chosen_for_the_monks(monks: Monks) -> None:
    fit = fitted(LpcmMcmc(n_clusters=(1, 5), n_chains=2, n_draws=500), monks[0], 3)
    values = fit.choice["bic"]
    assert list(values) == [1, 2, 3, 4, 5]
    assert fit.n_clusters == 3 == min(values, key=lambda g: values[g])
    assert fit.labels.tolist() == groups_of(monks)
    assert set(fit.choice) == {"bic", "icl", "cross_validation", "posterior"}
    for found in fit.choice.values():
        assert list(found) == [1, 2, 3, 4, 5]
        assert all(np.isfinite(value) for value in found.values())
    assert min(fit.choice["posterior"], key=lambda g: fit.choice["posterior"][g]) == 3


# What a fit is


@pytest.fixture(scope="module")
def blocks() -> tuple[Network, Fit]:
    network = planted((9, 11), 0.7, 0.05, 2)
    return network, fitted(LpcmMcmc(n_clusters=2, n_chains=3, n_warmup=300, n_draws=400), network)


def test_two_planted_blocks_are_found(blocks: tuple[Network, Fit]) -> None:
    network, fit = blocks
    check_fit(fit, network)
    assert fit.labels.tolist() == [0] * 9 + [1] * 11
    assert fit.choice == {}
    assert fit.fitter == "lpcm-mcmc"


def test_shapes_of_the_posterior(blocks: tuple[Network, Fit]) -> None:
    posterior = blocks[1].posterior
    assert posterior is not None
    assert posterior.intercept.shape == (3, 400, 1)
    assert posterior.positions.shape == (3, 400, 20, 2)
    assert posterior.labels.shape == (3, 400, 20)
    assert posterior.centres.shape == (3, 400, 2, 2)
    assert posterior.variances.shape == posterior.weights.shape == (3, 400, 2)
    assert posterior.log_likelihood.shape == posterior.log_density.shape == posterior.divergent.shape == (3, 400)
    assert_allclose(posterior.weights.sum(axis=2), 1.0)


@pytest.mark.parametrize("sizes", [(9, 11), (7, 8, 9), (6, 6, 7, 7)])
def test_relabelled_draws_agree_with_one_another_and_with_the_membership(sizes: tuple[int, ...]) -> None:
    """Memberships from the relabelled and rotated draws have the fit's membership as their mean; labels follow them."""
    n, n_clusters = sum(sizes), len(sizes)
    fit = fitted(LpcmMcmc(n_clusters=n_clusters, n_chains=3, n_warmup=300, n_draws=400), planted(sizes, 0.7, 0.05, 2))
    posterior = fit.posterior
    assert posterior is not None
    shares = membership(posterior.positions.astype(float), posterior.weights, posterior.centres, posterior.variances)
    assert_allclose(shares.mean(axis=(0, 1)), fit.membership, atol=1e-4)
    drawn = (posterior.labels[..., None] == np.arange(n_clusters)).mean(axis=(0, 1))
    assert_allclose(drawn, fit.membership, atol=0.06)
    # Labels were drawn with the memberships of their own draw as probabilities.
    given = np.take_along_axis(shares, posterior.labels[..., None].astype(int), axis=3)[..., 0]
    assert given.mean() == pytest.approx((shares**2).sum(axis=3).mean(), abs=0.03)
    # No more than a few draws are named the other way round.
    agreement = (shares * fit.membership).sum(axis=(2, 3)) / n
    assert np.quantile(agreement, 0.05) > 1.5 / n_clusters - 0.25


def test_summaries_only_rename_turn_and_shift_the_draws() -> None:
    """Distances, and the mixtures as sets, stay; densities are those of the draws as the chains made them."""
    network = planted((6, 7), 0.6, 0.1, 4)
    priors, rng = QUICK.priors(13, 2), np.random.default_rng(3)
    data = LatentData.of([network])
    raw = chains.run(chains.Plan(2, 100, 100, 1, 0.8), data, 2, 2, priors, rng)
    before = raw._replace(positions=raw.positions.copy())
    posterior = chains.summarise(raw, data, priors, 2, "binder", rng).posterior
    ties, observed = network.dyads()
    below = np.tril_indices(13, -1)
    for t in range(0, 200, 23):
        at = divmod(t, 100)
        places = before.positions[t].astype(float)
        assert_allclose(lpcm.distances(posterior.positions[at].astype(float)), lpcm.distances(places), atol=1e-4)
        assert_allclose(np.sort(posterior.variances[at]), np.sort(before.variances[t]))
        order = np.argsort(posterior.variances[at]), np.argsort(before.variances[t])
        assert_allclose(posterior.weights[at][order[0]], before.weights[t][order[1]])
        for i in range(13):
            for g in range(2):
                own = np.linalg.norm(posterior.positions[at][i] - posterior.centres[at][order[0][g]])
                assert own == pytest.approx(np.linalg.norm(places[i] - before.centres[t][order[1][g]]), abs=1e-4)
        assert np.argsort(order[0])[posterior.labels[at]].tolist() == np.argsort(order[1])[before.labels[t]].tolist()
        parts = (before.weights[t], before.centres[t], before.variances[t])
        eta = before.intercepts[t, 0] - lpcm.distances(places)
        likelihood = float((ties * eta - observed * np.logaddexp(0.0, eta))[below].sum())
        assert posterior.log_likelihood[at] == pytest.approx(likelihood, rel=1e-5)
        density = likelihood + naive.log_mixture(places.T, *parts)
        one = chains.parameters(type(before)(*(values[t : t + 1] for values in before)))
        density += float(lpcm.log_prior(one, priors)[0])
        assert posterior.log_density[at] == pytest.approx(density, rel=1e-5)


def test_positions_are_the_nearest_to_the_mean_probability(blocks: tuple[Network, Fit]) -> None:
    """Of tie probabilities; and draws are rotated towards them."""
    _, fit = blocks
    posterior = fit.posterior
    assert posterior is not None
    assert fit.positions is not None
    draws = posterior.positions.reshape(-1, 20, 2).astype(float)
    intercepts = posterior.intercept.reshape(-1)
    probability = (1 / (1 + np.exp(lpcm.distances(draws) - intercepts[:, None, None]))).mean(axis=0)
    below = np.tril_indices(20, -1)

    def divergence(positions: np.ndarray, intercept: float) -> float:
        p, q = probability[below], 1 / (1 + np.exp(lpcm.distances(positions) - intercept))[below]
        return float((p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).sum())

    def best(positions: np.ndarray) -> float:
        return min(divergence(positions, b) for b in np.linspace(-3, 6, 91))

    own = best(fit.positions)
    rng = np.random.default_rng(1)
    assert all(own < best(fit.positions + 0.1 * rng.standard_normal((20, 2))) for _ in range(20))
    assert own < best(draws.mean(axis=0))
    assert_allclose(draws.mean(axis=1), np.broadcast_to(fit.positions.mean(axis=0), (1200, 2)), atol=1e-4)
    turn = draws.mean(axis=0).T @ fit.positions
    assert turn == pytest.approx(turn.T, abs=1e-2), "the least squares rotation has a symmetric product"


def test_diagnostics_are_those_of_the_draws(blocks: tuple[Network, Fit]) -> None:
    _, fit = blocks
    posterior = fit.posterior
    assert posterior is not None
    below = np.tril_indices(20, -1)
    apart = lpcm.distances(posterior.positions.astype(float))[:, :, below[0], below[1]]
    draws = {
        "log_density": posterior.log_density,
        "intercept": posterior.intercept[:, :, 0],
        "median_distance": np.median(apart, axis=2),
    }
    functions = {"rhat": convergence.rhat, "ess_bulk": convergence.ess_bulk, "ess_tail": convergence.ess_tail}
    for kind, function in functions.items():
        each = {name: function(values) for name, values in draws.items()}
        for name, value in each.items():
            assert fit.diagnostics[f"{kind}_{name}"] == pytest.approx(value, rel=1e-2)
        worst = max(each.values()) if kind == "rhat" else min(each.values())
        assert fit.diagnostics[kind] == pytest.approx(worst, rel=1e-2)
    assert fit.diagnostics["divergences"] == posterior.divergent.sum()


def test_bridging_scores_tell_those_between_from_those_not_known() -> None:
    """Somebody with ties into both blocks, and somebody who was not asked and is named by nobody."""
    state = planted((8, 8), 0.8, 0.02, 5).state.copy()
    state = np.pad(state, (0, 2))
    state[16, ::2] = state[::2, 16] = DyadState.TIE
    state[17], state[:, 17] = DyadState.NO_ANSWER, DyadState.NOT_ASKED
    network = network_from(state)
    fit = fitted(LpcmMcmc(n_clusters=2, n_chains=2, n_draws=500), network)
    check_fit(fit, network)
    entropy, between = fit.bridging["membership_entropy"], fit.bridging["position_entropy"]
    assert fit.bridging_score == "position_entropy"
    assert np.argsort(-between[:17])[0] == 16
    assert entropy[17] > 0.7
    assert (between <= entropy + 1e-9).all()
    assert entropy[17] - between[17] > entropy[16] - between[16]


# Convergence


def test_too_few_draws_are_said_to_be_too_few(monks: Monks) -> None:
    fit = fitted(LpcmMcmc(n_clusters=3, n_warmup=50, n_draws=20, thin=1), monks[0])
    check_fit(fit, monks[0])
    assert fit.status == Status.NOT_CONVERGED
    assert "longer chains" in fit.message
    assert "\n" not in fit.message


def test_what_is_asked_for_decides_what_converged_means(monks: Monks) -> None:
    strict = LpcmMcmc(n_clusters=3, n_chains=2, n_draws=500, min_ess=1e6)
    fit = fitted(strict, monks[0])
    assert fit.status == Status.NOT_CONVERGED
    lenient = fitted(strict.but(min_ess=0.0, max_rhat=2.0), monks[0])
    assert (lenient.status, lenient.message) == (Status.OK, "")
    assert_array_equal(lenient.membership, fit.membership)


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({}, Status.OK, ""),
        ({"rhat_intercept": 1.02}, Status.NOT_CONVERGED, "rhat of the intercept is 1.020, above 1.01.*n_draws = 2000"),
        ({"rhat_intercept": 1.01004}, Status.NOT_CONVERGED, "rhat of the intercept is 1.01004, above 1.01:"),
        ({"rhat_median_distance": 1.5}, Status.NOT_CONVERGED, "rhat of the median distance.*different places"),
        ({"rhat_log_density": float("inf")}, Status.NOT_CONVERGED, "log density.*different places"),
        ({"rhat_log_density": float("nan")}, Status.NOT_CONVERGED, "log density"),
        (
            {"ess_bulk_log_density": 100.0},
            Status.NOT_CONVERGED,
            "log density has 100 effective draws, under 400.* 4800 ",
        ),
        ({"ess_bulk_intercept": float("nan")}, Status.NOT_CONVERGED, "intercept"),
        ({"pairs_rhat": 1.04, "pairs_ess_bulk": 60.0}, Status.OK, ""),
        ({"pairs_rhat": 1.06}, Status.NOT_CONVERGED, "pairs of actors.* 1.060 and 300 .*rely on no single actor"),
        ({"pairs_ess_bulk": 40.0}, Status.NOT_CONVERGED, "pairs of actors.* 1.020 and 40 "),
    ],
)
def test_judgement(changes: dict[str, float], status: Status, words: str) -> None:
    """Longer chains by 1.2 * 400 / 100: 4,800 draws for 1,000."""
    good = {
        f"{kind}_{q}": v
        for kind, v in (("rhat", 1.0), ("ess_bulk", 900.0))
        for q in ("log_density", "intercept", "median_distance")
    }
    fine = {**good, "divergences": 0.0, "stuck_chains": 0.0, "pairs_rhat": 1.02, "pairs_ess_bulk": 300.0}
    found, message = judge.judge({**fine, **changes}, max_rhat=1.01, min_ess=400.0, n_draws=1000, n_total=4000)
    assert found == status
    assert re.search(words, message)
    assert bool(message) == (status != Status.OK)


@pytest.mark.parametrize(
    ("divergences", "stuck", "words"), [(41.0, 0.0, "41 of 4000 draws had divergent"), (0.0, 2.0, "2 chains stuck")]
)
def test_divergences_and_stuck_chains_are_judged(divergences: float, stuck: float, words: str) -> None:
    diagnostics = {
        "rhat_intercept": 1.0,
        "ess_bulk_intercept": 900.0,
        "divergences": divergences,
        "stuck_chains": stuck,
    }
    found, message = judge.judge(diagnostics, max_rhat=1.01, min_ess=400.0, n_draws=1000, n_total=4000)
    assert found == Status.NOT_CONVERGED
    assert words in message
    assert "target_acceptance" in message


def test_chains_start_apart_and_forget_it(blocks: tuple[Network, Fit]) -> None:
    network, fit = blocks
    priors, rng = LpcmMcmc().priors(20, 2), np.random.default_rng(1)
    first = np.random.default_rng(2).standard_normal((20, 2))
    data = LatentData.of([network])
    states = [chains.start(first, data, 2, priors, c, rng) for c in range(4)]
    places = [views(state.vector, state.shape).positions.T for state in states]
    away = [np.abs(p / p.std() - first / first.std()).mean() for p in places]
    assert min(away[1:]) > 3 * away[0]
    for state in states:
        assert np.isfinite(state.vector).all()
        assert state.weights.sum() == pytest.approx(1.0)
    assert fit.diagnostics["rhat"] < 1.1


# Odd input


@pytest.mark.parametrize("name", odd_networks())
@pytest.mark.parametrize("n_clusters", [1, 2, (1, 3)])
def test_odd_networks(name: str, n_clusters: int | tuple[int, int]) -> None:
    network = odd_networks()[name]
    fit = fitted(QUICK.but(n_clusters=n_clusters), network)
    check_fit(fit, network)
    assert fit.positions is not None
    assert np.isfinite(fit.positions).all()
    assert fit.posterior is not None
    for field, values in vars(fit.posterior).items():
        assert np.isfinite(values).all(), field
    assert all(np.isfinite(v) for values in fit.choice.values() for v in values.values())


def test_nothing_observed_gives_the_prior_back() -> None:
    """The log-likelihood is zero, the intercept N(0, 9), and nobody is nearer to anybody."""
    fitter = LpcmMcmc(n_clusters=2, n_chains=2, n_draws=4000)
    fit = fitter.estimate_networks([nothing_observed()], np.random.default_rng(1))
    assert fit.posterior is not None
    assert not fit.posterior.log_likelihood.any()
    intercept = fit.posterior.intercept[:, :, 0]
    assert intercept.mean() == pytest.approx(0.0, abs=4 * convergence.mcse_mean(intercept))
    assert (intercept**2).mean() == pytest.approx(9.0, abs=4 * convergence.mcse_mean(intercept**2))
    # Renaming puts the larger cluster first in every draw, but no actor is more in it than another.
    assert np.ptp(fit.membership[:, 0]) < 0.2


def test_an_actor_that_nobody_answers_about_is_kept_and_flagged() -> None:
    network = odd_networks()["an actor not observed"]
    fit = fitted(QUICK.but(n_draws=400), network)
    assert np.flatnonzero(fit.unknown).tolist() == [3]
    known = np.arange(8) != 3
    assert fit.labels[known].tolist() == [0] * 3 + [1] * 4
    assert fit.membership[3].max() < fit.membership[known].max(axis=1).min()


def test_isolates_and_small_components_are_kept() -> None:
    network = odd_networks()["isolates and components"]
    fit = fitted(QUICK.but(n_draws=400), network)
    assert len(set(fit.labels[:6].tolist())) == 1
    assert not fit.unknown.any()
    assert fit.positions is not None
    apart = lpcm.distances(fit.positions)
    assert apart[:6, :6].max() < apart[:6, 6:].min()
    assert apart[6, 7] < apart[6, 8:].min()


def test_why_a_dyad_is_not_observed_does_not_matter() -> None:
    state = planted((6, 6), 0.7, 0.1, 3).state.copy()
    hidden = np.random.default_rng(1).random(state.shape) < 0.2
    fits = []
    for why in (DyadState.NO_ANSWER, DyadState.ABSENT):
        fits.append(fitted(QUICK, network_from(np.where(hidden, why, state))))
    assert_array_equal(fits[0].membership, fits[1].membership)


def test_more_clusters_than_actors_are_refused_or_left_out() -> None:
    network = odd_networks()["two actors"]
    with pytest.raises(InputError, match=r"n_clusters = 3.*at most the number of actors, 2"):
        fitted(QUICK.but(n_clusters=3), network)
    assert list(fitted(QUICK.but(n_clusters=(1, 6)), network).choice["bic"]) == [1, 2]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("n_clusters", 0),
        ("n_clusters", (3, 2)),
        ("n_draws", 3),
        ("n_dims", 0),
        ("variance_scale", 0.0),
        ("max_rhat", 1.0),
    ],
)
def test_wrong_settings_are_refused_by_name(setting: str, value: object) -> None:
    with pytest.raises(InputError, match=setting):
        LpcmMcmc(**{setting: value})


def test_one_actor_is_refused() -> None:
    with pytest.raises(InputError, match="at least 2 actors"):
        fitted(QUICK, network_from(np.zeros((1, 1), dtype=int)))


def test_a_chain_that_leaves_the_finite_numbers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    run = chains.run

    def spoilt(*arguments: Any) -> Any:
        draws = run(*arguments)
        draws.log_likelihood[107] = np.nan
        return draws

    monkeypatch.setattr(chains, "run", spoilt)
    with pytest.raises(FitError, match="chain 2 left the finite numbers"):
        fitted(QUICK, planted((5, 5), 0.8, 0.1, 2))


# Seeds, priors, dimensions


def test_the_same_seed_gives_the_same_fit_and_another_does_not() -> None:
    network = planted((6, 7), 0.6, 0.1, 4)
    one, same, other = (fitted(QUICK, network, seed) for seed in (5, 5, 6))
    assert one.posterior is not None
    assert same.posterior is not None
    assert other.posterior is not None
    for name, values in vars(one.posterior).items():
        assert_array_equal(values, getattr(same.posterior, name), err_msg=name)
    assert_array_equal(one.membership, same.membership)
    assert_array_equal(one.positions, same.positions)
    assert dict(one.diagnostics) == dict(same.diagnostics)
    assert (one.posterior.intercept != other.posterior.intercept).any()


@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_dimensions(n_dims: int) -> None:
    network = planted((8, 8), 0.8, 0.05, 2)
    fit = fitted(QUICK.but(n_dims=n_dims, n_draws=300), network)
    check_fit(fit, network)
    assert fit.positions is not None
    assert fit.positions.shape == (16, n_dims)
    assert fit.labels.tolist() == [0] * 8 + [1] * 8


def test_one_cluster() -> None:
    network = planted((6, 6), 0.5, 0.3, 2)
    fit = fitted(QUICK.but(n_clusters=1), network)
    check_fit(fit, network)
    assert not fit.labels.any()
    assert_array_equal(fit.membership, np.ones((12, 1)))
    for name in ("position_entropy", "membership_entropy", "between", "participation"):
        assert not fit.bridging[name].any(), name
    assert fit.posterior is not None
    assert_array_equal(fit.posterior.weights, 1.0)


def test_priors_that_are_given_replace_the_usual_ones() -> None:
    usual = LpcmMcmc().priors(60, 3)
    assert usual == lpcm.Priors.usual(60, 3, 2)
    given = LpcmMcmc(intercept_mean=-1.0, intercept_variance=4.0, concentration=7.0).priors(60, 3)
    assert (given.intercept_mean, given.intercept_variance, given.concentration) == (-1.0, 4.0, 7.0)
    assert (given.variance_scale, given.centre_variance) == (usual.variance_scale, usual.centre_variance)


def test_a_tight_prior_holds_the_intercept() -> None:
    network = planted((6, 6), 0.5, 0.3, 2)
    fit = fitted(QUICK.but(intercept_mean=-2.0, intercept_variance=1e-4), network)
    assert fit.posterior is not None
    assert_allclose(fit.posterior.intercept, -2.0, atol=0.06)


# Several relations


@pytest.fixture(scope="module")
def two_relations() -> list[Network]:
    """A dense and a sparse relation over the same blocks, with other dyads missing in each."""
    networks = []
    for seed, (inside, between) in enumerate([(0.9, 0.3), (0.4, 0.02)]):
        state = planted((8, 8), inside, between, seed).state.copy()
        state[np.random.default_rng(seed).random(state.shape) < 0.1] = DyadState.NO_ANSWER
        networks.append(network_from(state))
    return networks


def test_relations_share_positions_and_have_an_intercept_each(two_relations: list[Network]) -> None:
    fit = QUICK.but(n_draws=300).fit_joint(two_relations, rng=np.random.default_rng(1))
    assert fit.labels.tolist() == [0] * 8 + [1] * 8
    assert_allclose(fit.membership.sum(axis=1), 1.0)
    posterior = fit.posterior
    assert posterior is not None
    assert posterior.intercept.shape == (2, 300, 2)
    dense, sparse = posterior.intercept.mean(axis=(0, 1))
    assert dense > sparse + 1.0
    assert {"rhat_intercept_1", "rhat_intercept_2"} <= set(fit.diagnostics)
    apart, below = lpcm.distances(posterior.positions[1, 5].astype(float)), np.tril_indices(16, -1)
    value = 0.0
    for intercept, network in zip(posterior.intercept[1, 5], two_relations, strict=True):
        ties, observed = network.dyads()
        eta = intercept - apart
        value += float((ties * eta - observed * np.logaddexp(0.0, eta))[below].sum())
    assert posterior.log_likelihood[1, 5] == pytest.approx(value, rel=1e-5)


def test_two_relations_know_more_than_one(two_relations: list[Network]) -> None:
    def uncertainty(fit: Fit) -> float:
        assert fit.posterior is not None
        return float(fit.posterior.positions.std(axis=(0, 1)).mean())

    longer = QUICK.but(n_draws=300)
    joint = uncertainty(longer.fit_joint(two_relations, rng=np.random.default_rng(1)))
    assert joint < uncertainty(fitted(longer, two_relations[1]))


def test_a_joint_fit_of_one_relation_is_its_fit(two_relations: list[Network]) -> None:
    one = QUICK.fit_joint(two_relations[:1], rng=np.random.default_rng(1))
    assert_array_equal(one.membership, fitted(QUICK, two_relations[0]).membership)


def test_a_joint_fit_chooses_the_number_of_clusters(two_relations: list[Network]) -> None:
    fit = QUICK.but(n_clusters=(1, 3)).fit_joint(two_relations, rng=np.random.default_rng(1))
    values = fit.choice["bic"]
    assert list(values) == [1, 2, 3]
    assert fit.n_clusters == min(values, key=lambda g: values[g])
    assert values[2] < values[1]


def test_a_joint_fit_says_who_is_unknown_and_how_long_it_took(two_relations: list[Network]) -> None:
    """An actor is unknown where no relation has an answer about it."""
    states = [network.state.copy() for network in two_relations]
    for state in states:
        state[2], state[:, 2] = DyadState.NO_ANSWER, DyadState.NO_ANSWER
    states[0][5], states[0][:, 5] = DyadState.NO_ANSWER, DyadState.NO_ANSWER
    fit = QUICK.fit_joint([network_from(state) for state in states], rng=np.random.default_rng(1))
    assert np.flatnonzero(fit.unknown).tolist() == [2]
    assert fit.unknown.shape == (16,)


def test_a_relation_without_ties_or_answers_is_fitted_beside_another() -> None:
    full, rng = planted((8, 8), 0.7, 0.05, 1), np.random.default_rng(1)
    empty = network_from(np.zeros((16, 16)))
    for other in (empty, nothing_observed(16)):
        fit = QUICK.but(n_clusters=2).fit_joint([full, replace(other, actors=full.actors)], rng=rng)
        assert fit.posterior is not None
        own, others = fit.posterior.intercept.mean(axis=(0, 1))
        assert others < own - 2.0 if other is empty else np.isfinite(others)
    with pytest.raises(InputError, match="no dyad was observed"):
        QUICK.fit_joint([nothing_observed(), nothing_observed()], rng=rng)
    assert fit.seconds > 0


def test_relations_of_other_actors_are_refused(two_relations: list[Network]) -> None:
    other = replace(two_relations[1], actors=tuple(f"b{i:02d}" for i in range(16)))
    with pytest.raises(InputError, match="same actors"):
        QUICK.fit_joint([two_relations[0], other], rng=np.random.default_rng(1))
    with pytest.raises(InputError):
        QUICK.fit_joint([], rng=np.random.default_rng(1))
    single = network_from(np.zeros((1, 1), dtype=int))
    with pytest.raises(InputError, match="at least 2 actors"):
        QUICK.but(n_clusters=1).fit_joint([single], rng=np.random.default_rng(1))
