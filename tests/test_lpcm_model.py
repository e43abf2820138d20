"""The latent position cluster model: priors, densities, point positions and BIC."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import naive_lpcm as naive
from reference.cases import Case, data_of
from scipy import integrate, stats

from simlab.models.layout import procrustes
from simlab.models.lpcm import (
    Priors,
    bic,
    distances,
    log_likelihood,
    log_position_density,
    log_prior,
    nearest_positions,
    solve_intercept,
)
from simlab.models.mixture import fit_mixture
from simlab.panel import Dyads

PRIORS = Priors(0.4, 9.0, 15.0, 4.5, 2.5, 3.0)


def dyads_of(case: Case, seed: int = 3) -> list[Dyads]:
    data = data_of(case, np.random.default_rng(seed))
    return [Dyads(ties, observed) for ties, observed in zip(*data, strict=True)]


def test_usual_priors_are_those_of_the_reference_program() -> None:
    """At n = 60, G = 3, d = 2: s0^2 = (60/3) / 8 = 2.5, omega^2 = 2 * 2.5 * 3 = 15, df = nu = sqrt(20) = 4.47."""
    priors = Priors.usual(60, 3, 2)
    assert priors.variance_scale == pytest.approx(2.5)
    assert priors.centre_variance == pytest.approx(15.0)
    assert priors.variance_degrees == pytest.approx(4.47, abs=0.005)
    assert priors.concentration == pytest.approx(4.47, abs=0.005)
    assert (priors.intercept_mean, priors.intercept_variance) == (0.0, 9.0)


@pytest.mark.parametrize(("n", "g", "d"), [(18, 3, 1), (18, 2, 3), (100, 1, 2), (5, 5, 2)])
def test_usual_priors_follow_their_formulas(n: int, g: int, d: int) -> None:
    """s0^2 = (n/G)^(2/d) / 8, omega^2 = 2 s0^2 G^(2/d), which is n^(2/d) / 4 whatever G, df = nu = sqrt(n/G)."""
    priors = Priors.usual(n, g, d)
    assert priors.variance_scale == pytest.approx((n / g) ** (2 / d) / 8)
    assert priors.centre_variance == pytest.approx(n ** (2 / d) / 4)
    assert priors.variance_degrees == priors.concentration == pytest.approx(math.sqrt(n / g))


def test_log_prior_is_the_sum_of_scipys_densities() -> None:
    """Several draws at once; scaled inverse chi-squared(k, s) is inverse gamma(k / 2, scale = k s / 2)."""
    rng = np.random.default_rng(1)
    intercepts, centres = rng.normal(0, 3, (4, 2)), rng.normal(0, 3, (4, 3, 2))
    variances, weights = rng.uniform(0.3, 5, (4, 3)), rng.dirichlet(np.full(3, 3.0), 4)
    p = PRIORS
    spread = stats.invgamma(p.variance_degrees / 2, scale=p.variance_degrees * p.variance_scale / 2)
    expected = [
        stats.norm(p.intercept_mean, math.sqrt(p.intercept_variance)).logpdf(intercepts[t]).sum()
        + stats.norm(0, math.sqrt(p.centre_variance)).logpdf(centres[t]).sum()
        + spread.logpdf(variances[t]).sum()
        + stats.dirichlet(np.full(3, p.concentration)).logpdf(weights[t])
        for t in range(4)
    ]
    assert_allclose(log_prior(intercepts, centres, variances, weights, p), expected, rtol=1e-10)


def test_log_prior_integrates_to_one() -> None:
    """Over each quantity of one cluster in one dimension, the others held: the ratio to its own density is constant."""

    def density(intercept: float = 0.0, centre: float = 0.0, variance: float = 1.0, weight: float = 0.5) -> float:
        weights = np.array([weight, 1 - weight])
        centres, variances = np.array([[centre], [0.0]]), np.array([variance, 1.0])
        return float(np.exp(log_prior(np.array([intercept]), centres, variances, weights, PRIORS)))

    p = PRIORS
    peak = {
        "intercept": stats.norm(p.intercept_mean, math.sqrt(p.intercept_variance)).pdf(0.0),
        "centre": stats.norm(0, math.sqrt(p.centre_variance)).pdf(0.0),
        "variance": stats.invgamma(p.variance_degrees / 2, scale=p.variance_degrees * p.variance_scale / 2).pdf(1.0),
        "weight": stats.beta(p.concentration, p.concentration).pdf(0.5),
    }
    ranges = {"intercept": (-40, 40), "centre": (-50, 50), "variance": (1e-6, 2000), "weight": (0, 1)}
    for name, (low, high) in ranges.items():
        total, _ = integrate.quad(
            lambda x, name=name: density(**{name: x}), low, high, limit=400, points=[min(1.0, high / 2)]
        )
        assert total * peak[name] == pytest.approx(density(), rel=1e-3), name


def test_densities_equal_the_naive_twins() -> None:
    rng = np.random.default_rng(2)
    case = Case(18, 3, 2, 3, "masked")
    data = data_of(case, rng)
    positions, intercepts = rng.normal(0, 2, (18, 2)), rng.normal(0, 2, 3)
    found = log_likelihood(positions, intercepts, [Dyads(t, o) for t, o in zip(*data, strict=True)])
    assert found == pytest.approx(naive.log_likelihood(positions.T, intercepts, data), rel=1e-10)
    draws = rng.normal(0, 2, (4, 18, 2))
    weights, centres = rng.dirichlet(np.ones(3), 4), rng.normal(0, 2, (4, 3, 2))
    variances = rng.uniform(0.2, 3, (4, 3))
    values = log_position_density(draws, weights, centres, variances)
    expected = [naive.log_mixture(draws[t].T, weights[t], centres[t], variances[t]) for t in range(4)]
    assert_allclose(values, expected, rtol=1e-10)


def test_distances_of_several_draws() -> None:
    draws = np.random.default_rng(3).standard_normal((2, 5, 3))
    for t in range(2):
        expected = [[math.dist(a, b) for b in draws[t]] for a in draws[t]]
        assert_allclose(distances(draws)[t], expected, atol=1e-12)


@pytest.mark.parametrize("kind", ["directed", "undirected", "masked"])
def test_solved_intercept_expects_as_many_ties_as_were_seen(kind: str) -> None:
    """The log-likelihood is highest there, and its slope is zero."""
    (dyads,) = dyads_of(Case(18, kind=kind))
    positions = np.random.default_rng(4).normal(0, 2, (18, 2))
    found = solve_intercept(distances(positions), dyads)
    expected = sum(
        dyads.observed[i, j] * naive.inverse_logit(found - math.dist(positions[i], positions[j]))
        for i in range(18)
        for j in range(i)
    )
    assert expected == pytest.approx(np.tril(dyads.ties, -1).sum(), abs=1e-6)
    best = log_likelihood(positions, np.array([found]), [dyads])
    for other in (found - 0.05, found + 0.05):
        assert log_likelihood(positions, np.array([other]), [dyads]) < best


@pytest.mark.parametrize(("share", "wanted"), [(0.0, 0.5), (1.0, 305.5)])
@pytest.mark.parametrize("size", [0.0, 1.0, 1000.0])
def test_solved_intercept_of_no_and_of_all_ties_is_finite(share: float, wanted: float, size: float) -> None:
    """Half a tie is expected, or all but half a tie, of 2 * 153 answers."""
    observed = 2.0 * (1 - np.eye(18))
    positions = size * np.random.default_rng(5).standard_normal((18, 2))
    apart = distances(positions)
    found = solve_intercept(apart, Dyads(share * observed, observed))
    below = np.tril_indices(18, -1)
    assert 2 * sum(naive.inverse_logit(found - d) for d in apart[below]) == pytest.approx(wanted, abs=1e-6)


def test_solved_intercept_without_an_answer_is_zero() -> None:
    nothing = np.zeros((4, 4))
    assert solve_intercept(np.ones((4, 4)), Dyads(nothing, nothing)) == 0.0


def probabilities(positions: np.ndarray, intercepts: np.ndarray) -> np.ndarray:
    out = 1 / (1 + np.exp(distances(positions) - intercepts[:, None, None]))
    return np.ascontiguousarray(out * (1 - np.eye(len(positions))))


@pytest.mark.parametrize(("n", "n_dims", "n_relations"), [(6, 2, 1), (20, 2, 2), (15, 3, 1)])
def test_nearest_positions_recover_those_that_made_the_probabilities(n: int, n_dims: int, n_relations: int) -> None:
    rng = np.random.default_rng(n)
    truth, intercepts = 1.5 * rng.standard_normal((n, n_dims)), np.array([1.0, 2.5])[:n_relations]
    start = truth + 0.2 * rng.standard_normal(truth.shape) + 5.0
    found, slopes = nearest_positions(start, intercepts + 0.4, probabilities(truth, intercepts))
    assert_allclose(procrustes(found, truth), truth, atol=0.02)
    assert_allclose(slopes, intercepts, atol=0.02)
    assert_allclose(found.mean(0), 0.0, atol=1e-10)


def test_nearest_positions_are_where_the_gradient_of_the_divergence_vanishes() -> None:
    """The divergence up to a constant, by finite differences, from probabilities that no positions have exactly."""
    rng = np.random.default_rng(8)
    n = 10
    target = np.mean([probabilities(rng.normal(0, 1.5, (n, 2)), np.array([1.5])) for _ in range(6)], axis=0)
    start, start_intercept = rng.standard_normal((n, 2)), np.array([1.0])

    def divergence(positions: np.ndarray, intercepts: np.ndarray) -> float:
        p = target[0][np.tril_indices(n, -1)]
        q = probabilities(positions, intercepts)[0][np.tril_indices(n, -1)]
        return float((p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).sum())

    found, intercepts = nearest_positions(start, start_intercept, target)
    assert divergence(found, intercepts) < 0.5 * divergence(start, start_intercept)
    slopes = []
    for at in np.ndindex(found.shape):
        step = np.zeros(found.shape)
        step[at] = 1e-5
        slopes.append((divergence(found + step, intercepts) - divergence(found - step, intercepts)) / 2e-5)
    slopes.append((divergence(found, intercepts + 1e-5) - divergence(found, intercepts - 1e-5)) / 2e-5)
    assert np.abs(slopes).max() < 1e-3


@pytest.mark.parametrize("n_relations", [1, 2])
def test_bic_is_its_formula(n_relations: int) -> None:
    """-2 log-likelihood + intercepts * log(ties), and the mixture's BIC with G - 1 + dG + G parameters."""
    rng = np.random.default_rng(9)
    case = Case(18, n_relations, 2, 3)
    dyads = dyads_of(case)
    positions, membership = rng.normal(0, 2, (18, 2)), rng.dirichlet(np.ones(3), 18)
    apart = distances(positions)
    intercepts = np.array([solve_intercept(apart, d) for d in dyads])
    ties = sum(d.ties.sum() / 2 for d in dyads)
    scale = positions.var(axis=0).mean() / 3 / 4
    mixture = fit_mixture(positions, 3, start=membership, prior=(1.0, float(scale)))
    expected = -2 * log_likelihood(positions, intercepts, dyads) + n_relations * math.log(ties)
    expected += -2 * mixture.log_likelihood + (2 + 6 + 3) * math.log(18)
    assert bic(positions, dyads, membership) == pytest.approx(expected, rel=1e-10)


def test_bic_prefers_the_clusters_that_are_there() -> None:
    rng = np.random.default_rng(10)
    labels = np.repeat(np.arange(3), 20)
    positions = 6 * np.array([[0, 0], [1, 0], [0, 1]])[labels] + rng.standard_normal((60, 2))
    p = probabilities(positions, np.array([2.0]))[0]
    ties = np.tril(rng.binomial(2, p), -1).astype(float)
    dyads = [Dyads(ties + ties.T, 2.0 * (1 - np.eye(60)))]
    values = {
        1: bic(positions, dyads, np.ones((60, 1))),
        2: bic(positions, dyads, np.eye(2)[np.minimum(labels, 1)]),
        3: bic(positions, dyads, np.eye(3)[labels]),
        4: bic(positions, dyads, np.eye(4)[np.where(np.arange(60) < 10, 3, labels)]),
    }
    assert min(values, key=lambda g: values[g]) == 3


def test_bic_is_finite_where_two_actors_coincide_and_without_ties() -> None:
    positions = np.array([[0.0, 0], [0, 0], [4, 0], [0, 4], [4, 4]])
    nothing = Dyads(np.zeros((5, 5)), 2.0 * (1 - np.eye(5)))
    assert math.isfinite(bic(positions, [nothing], np.eye(4)[[0, 0, 1, 2, 3]]))
