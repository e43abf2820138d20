"""Priors, densities, data and point estimates of the latent position models, and the fitter of the mode."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference.cases import lower
from reference.fits import network_from, planted
from scipy import stats

from simlab.fit.latent_tie_model import LatentTieModel
from simlab.fit.lpcm_map import LpcmMap
from simlab.fit.lpcm_mcmc import LpcmMcmc
from simlab.fit.lpm_mcmc import LpmMcmc
from simlab.fit.point import Point, distances_of, nearest, solve_intercept
from simlab.foundation.errors import InputError
from simlab.metrics.recovery import adjusted_rand_index
from simlab.models import lpcm
from simlab.models.latent_data import LatentData, small_components, square
from simlab.models.latent_parts import DyadList
from simlab.models.lpcm import Parameters, Priors
from simlab.panel import DyadState, Network


def test_usual_priors_are_those_of_the_reference_program() -> None:
    priors = Priors.usual(60, 3, 2)
    assert priors.variance_scale == pytest.approx(2.5)
    assert priors.centre_variance == pytest.approx(15.0)
    assert priors.variance_degrees == priors.concentration == pytest.approx(math.sqrt(20.0))
    none = Priors.usual(60, 0, 2)
    assert none.centre_variance == 0.0
    assert none.variance_scale == pytest.approx(7.5)


def test_log_prior() -> None:
    rng = np.random.default_rng(1)
    priors = Priors.usual(9, 2, 2)
    p = Parameters(
        intercepts=rng.standard_normal(2),
        coefficients=rng.standard_normal((2, 1)),
        reciprocity=rng.standard_normal(2),
        sender=rng.standard_normal((2, 9)),
        receiver=np.zeros((2, 0)),
        effect_variances=rng.uniform(0.5, 2.0, (2, 2)),
        centres=rng.standard_normal((2, 2)),
        variances=rng.uniform(0.5, 2.0, 2),
        weights=np.array([0.3, 0.7]),
    )
    wanted = stats.norm(0.0, 3.0).logpdf(np.concatenate([p.intercepts, p.coefficients.ravel(), p.reciprocity])).sum()
    wanted += stats.norm(0.0, np.sqrt(p.effect_variances[:, :1])).logpdf(p.sender).sum()
    wanted += stats.invgamma(1.5, scale=1.5).logpdf(p.effect_variances[:, 0]).sum()
    wanted += stats.norm(0.0, math.sqrt(priors.centre_variance)).logpdf(p.centres).sum()
    half = 0.5 * priors.variance_degrees
    wanted += stats.invgamma(half, scale=half * priors.variance_scale).logpdf(p.variances).sum()
    wanted += stats.dirichlet(np.full(2, priors.concentration)).logpdf(p.weights)
    assert float(lpcm.log_prior(p, priors)) == pytest.approx(float(wanted))


def test_lower_and_square_are_inverse() -> None:
    matrix = np.arange(16.0).reshape(4, 4)
    matrix = matrix + matrix.T
    np.fill_diagonal(matrix, 0.0)
    assert lower(matrix).tolist() == [
        matrix[1, 0],
        matrix[2, 0],
        matrix[2, 1],
        matrix[3, 0],
        matrix[3, 1],
        matrix[3, 2],
    ]
    assert_array_equal(square(lower(matrix), 4), matrix)


def test_data_of_a_directed_and_an_undirected_network() -> None:
    network = planted((4, 4), 0.7, 0.2, 1)
    plain = LatentData.of([network])
    assert plain.form == "plain"
    assert plain.ties_back.shape == (1, 0)
    assert plain.n_ties == network.n_ties
    both = LatentData.of([network], sociality="both")
    assert both.form == "bernoulli"
    assert_array_equal(both.ties + both.ties_back, plain.ties)
    undirected = replace(network, state=np.maximum(network.state, network.state.T), directed=False)
    once = LatentData.of([undirected], sociality="shared")
    assert once.n_ties == undirected.n_ties
    assert once.observed.max() == 1.0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"sociality": "sender"}, "sociality = sender"),
        ({"reciprocity": True}, "reciprocity = True"),
    ],
)
def test_direction_is_needed(settings: dict[str, object], words: str) -> None:
    network = planted((4, 4), 0.7, 0.2, 1)
    undirected = replace(network, state=np.maximum(network.state, network.state.T), directed=False)
    with pytest.raises(InputError, match=words):
        LpmMcmc(**settings).fit(undirected, rng=np.random.default_rng(1))
    with pytest.raises(InputError, match="bernoulli"):
        LpmMcmc(reciprocity=True, family="poisson").fit(network, rng=np.random.default_rng(1))


@pytest.mark.parametrize("ties", [0.0, 0.3, 1.0])
def test_solve_intercept(ties: float) -> None:
    rng = np.random.default_rng(2)
    network = network_from(rng.random((9, 9)) < ties)
    data, apart = LatentData.of([network]), rng.uniform(0.0, 4.0, 36)
    found = solve_intercept(data, apart, 0)
    expected = float((data.observed[0] / (1.0 + np.exp(apart - found))).sum())
    assert expected == pytest.approx(min(max(data.n_ties, 0.5), 71.5), rel=1e-6)


@pytest.mark.parametrize("n_dims", [2, 3])
def test_nearest_recovers_the_distances_that_made_the_ties(n_dims: int) -> None:
    """On a line actors cannot pass one another, and the search ends where it began them."""
    rng = np.random.default_rng(n_dims)
    truth = rng.standard_normal((12, n_dims))
    data = LatentData.of([planted((6, 6), 0.5, 0.2, 1)])
    means = np.zeros((1, 2, 66))
    means[0, 0] = 1.0 / (1.0 + np.exp(distances_of(truth, DyadList.every()) - 1.2))
    none = np.zeros((1, 0))
    start = Point(truth + 0.2 * rng.standard_normal(truth.shape), np.zeros(1), none, np.zeros(0), none, none)
    found = nearest(start, data, means)
    assert_allclose(distances_of(found.positions, DyadList.every()), distances_of(truth, DyadList.every()), atol=2e-3)
    assert found.intercepts[0] == pytest.approx(1.2, abs=2e-3)


def test_criteria_prefer_the_planted_number() -> None:
    network = planted((8, 8, 8), 0.8, 0.05, 1)
    fit = LpcmMcmc(n_clusters=(2, 4), n_chains=1, n_warmup=300, n_draws=300, criteria=("bic", "icl")).fit(
        network, rng=np.random.default_rng(1)
    )
    assert fit.n_clusters == 3
    assert set(fit.choice) == {"bic", "icl"}
    for kind in (LpcmMap, LpcmMcmc):
        others = "bic, icl, cross_validation" + (", posterior" if kind is LpcmMcmc else "")
        with pytest.raises(InputError, match=rf"^criteria = none: lpcm-m\w+ computes {others}$"):
            kind(criteria=())
    assert LpcmMcmc(criteria=("posterior",), choose_by="posterior").choose_by == "posterior"
    for criteria in (("bic", "posterior"), ("posterior",)):
        with pytest.raises(InputError, match=r"^criteria = posterior: lpcm-map computes bic, icl, cross_validation$"):
            LpcmMap(criteria=criteria, choose_by=criteria[0])
    with pytest.raises(InputError, match="choose_by"):
        LpcmMcmc(criteria=("icl",), choose_by="bic")


def test_the_mode_finds_planted_clusters_whatever_the_order_of_ties() -> None:
    network = planted((20, 20, 20), 0.35, 0.03, 3)
    fit = LpcmMap(n_clusters=3).fit(network, rng=np.random.default_rng(1))
    assert adjusted_rand_index(np.repeat([0, 1, 2], 20), fit.labels) > 0.95
    assert isinstance(fit.tie_model, LatentTieModel)
    again = LpcmMap(n_clusters=3).fit(network, rng=np.random.default_rng(1))
    assert_array_equal(fit.membership, again.membership)


def test_criteria_of_the_mode_are_all_there() -> None:
    network = planted((8, 8, 8), 0.8, 0.05, 2)
    fitter = LpcmMap(n_clusters=(1, 4), criteria=("bic", "icl", "cross_validation"), choose_by="cross_validation")
    fit = fitter.fit(network, rng=np.random.default_rng(1))
    assert {name: list(values) for name, values in fit.choice.items()} == {
        name: [1, 2, 3, 4] for name in ("bic", "icl", "cross_validation")
    }
    assert fit.n_clusters == min(fit.choice["cross_validation"], key=lambda g: fit.choice["cross_validation"][g])


def simulated(eta: np.ndarray, seed: int) -> Network:
    """Return a directed network with these linear predictors."""
    return network_from(np.random.default_rng(seed).random(eta.shape) < 1.0 / (1.0 + np.exp(-eta)))


def test_effects_of_senders_are_found() -> None:
    rng = np.random.default_rng(4)
    places, effects = rng.standard_normal((40, 2)), rng.normal(0.0, 1.5, 40)
    eta = 0.5 - lpcm.distances(places) + effects[:, None]
    fit = LpmMcmc(sociality="sender", n_chains=2).fit(simulated(eta, 5), rng=np.random.default_rng(1))
    assert fit.posterior is not None
    found = fit.posterior.sender[:, :, 0].mean(axis=(0, 1))
    assert np.corrcoef(found, effects)[0, 1] > 0.85
    low, high = np.quantile(np.sqrt(fit.posterior.effect_variances[..., 0, 0]), [0.005, 0.995])
    assert low < effects.std() < high


def test_components_that_are_small_have_a_number() -> None:
    state = np.zeros((9, 9), dtype=int)
    state[:6, :6] = state[6, 7] = 1
    found = small_components(network_from(state).weights())
    assert (found[:6] == -1).all()
    assert found[6] == found[7] != found[8]
    assert (found[6:] >= 0).all()


def test_covariates_of_a_joint_fit_are_those_of_every_relation() -> None:
    """Also where one relation has no direction and another has, in whatever order."""
    one = replace(
        planted((4, 4), 0.6, 0.3, 1), relation="a", attributes={"age": tuple("12345678"), "x": tuple("aabbabba")}
    )
    other = replace(planted((4, 4), 0.6, 0.3, 2, directed=False), relation="b", attributes=one.attributes)
    for networks in ([one, other], [other, one]):
        with pytest.raises(InputError, match=r"covariates = .*age"):
            LatentData.of(networks, covariates=("sender(age)",))
        with pytest.raises(InputError, match=r"mix\(x, a, b\).*not the same in a and b|.*not the same in b and a"):
            LatentData.of(networks, covariates=("mix(x, a, b)",))
        assert LatentData.of(networks, covariates=("match(x)",)).n_covariates == 1
    # Constant over what was observed in the second relation alone.
    hidden = other.state.copy()
    same = np.array([[a == b for b in "aabbabba"] for a in "aabbabba"])
    hidden[same & (hidden <= 1)] = DyadState.NO_ANSWER
    with pytest.raises(InputError, match="constant"):
        LatentData.of([one, replace(other, state=hidden)], covariates=("match(x)",))


PRIORS = ("intercept_variance", "coefficient_variance", "effect_degrees", "effect_scale", "variance_degrees")
CLUSTER_PRIORS = ("variance_scale", "centre_variance", "concentration")


@pytest.mark.parametrize("name", PRIORS + CLUSTER_PRIORS)
@pytest.mark.parametrize("value", [1e300, 1.1e6, 0.9e-6, 0.0, -1.0])
def test_numbers_of_priors_have_limits(name: str, value: float) -> None:
    with pytest.raises(InputError, match=rf"^{name} = {re.escape(str(value))}: must be from 1e-06 to 1000000$"):
        LpcmMcmc(**{name: value})


@pytest.mark.parametrize("value", [1e300, -1.1e6, float("inf"), float("nan")])
def test_the_mean_of_the_intercept_has_limits(value: float) -> None:
    with pytest.raises(InputError, match=r"^intercept_mean = "):
        LpcmMap(intercept_mean=value)


@pytest.mark.parametrize("value", [1e-6, 1e6])
def test_control_within_the_limits_the_model_can_be_fitted(value: float) -> None:
    """Each at its limit, and all at once; the mean of the intercept too."""
    network = planted((6, 6), 0.8, 0.1, 1)
    for names in (*((name,) for name in PRIORS + CLUSTER_PRIORS), PRIORS + CLUSTER_PRIORS):
        mean = -1e6 if value < 1.0 else 1e6
        fitter = LpcmMap(n_clusters=2, sociality="both", intercept_mean=mean, **dict.fromkeys(names, value))
        fit = fitter.fit(network, rng=np.random.default_rng(1))
        assert np.isfinite(fit.membership).all(), names


def test_no_covariates_may_be_written_as_none() -> None:
    assert LpcmMap(covariates="none").covariates == LpcmMap(covariates="").covariates == ()  # type: ignore[arg-type]
