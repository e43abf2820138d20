"""Mixtures of spherical normals by EM, and k-means."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.mixture import GaussianMixture

from simlab.models.mixture import Mixture, fit_mixture, k_means, log_terms, membership
from simlab.partition import canonical

Floats = np.ndarray


def blobs(seed: int, n: int = 90, spread: tuple[float, ...] = (0.3, 0.6, 1.0)) -> tuple[Floats, np.ndarray]:
    """Return points of as many clusters as spreads, some overlapping, and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(spread), n)
    centres = 3.0 * rng.standard_normal((len(spread), 2))
    return centres[labels] + np.array(spread)[labels, None] * rng.standard_normal((n, 2)), labels


def random_start(n: int, n_clusters: int, seed: int) -> Floats:
    return np.random.default_rng(seed).dirichlet(np.ones(n_clusters), n)


def direct_log_likelihood(points: Floats, fit: Mixture) -> float:
    density = sum(
        w * stats.multivariate_normal(c, v * np.eye(points.shape[1])).pdf(points)
        for w, c, v in zip(fit.weights, fit.centres, fit.variances, strict=True)
    )
    return float(np.log(density).sum())


@pytest.mark.parametrize("common", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_em_never_lowers_the_likelihood(seed: int, common: bool) -> None:
    points, _ = blobs(seed)
    start = random_start(90, 3, seed)
    values = [
        fit_mixture(points, 3, start=start, common_variance=common, n_rounds=r, tolerance=0.0).log_likelihood
        for r in range(1, 60)
    ]
    assert np.diff(values).min() > -1e-9
    assert values[-1] > values[0] + 1.0


@pytest.mark.parametrize("common", [False, True])
def test_log_likelihood_is_that_of_the_parameters(common: bool) -> None:
    points, _ = blobs(1)
    fit = fit_mixture(points, 3, np.random.default_rng(0), common_variance=common)
    assert fit.log_likelihood == pytest.approx(direct_log_likelihood(points, fit), rel=1e-10)
    assert_allclose(fit.membership, membership(points, fit.weights, fit.centres, fit.variances), rtol=1e-8, atol=1e-12)
    n_parameters = 2 + 6 + (1 if common else 3)
    assert fit.bic == pytest.approx(-2 * fit.log_likelihood + n_parameters * np.log(90))


@pytest.mark.filterwarnings("ignore:.*did not converge:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_rounds", [1, 5, 60])
@pytest.mark.parametrize("seed", range(3))
def test_em_agrees_with_scikit_learn_from_the_same_start(seed: int, n_rounds: int) -> None:
    """Round by round: theirs begins with the parameters that ours computes from the first membership."""
    points, _ = blobs(seed)
    start = np.eye(3)[k_means(points, 3, np.random.default_rng(seed))]
    counts = start.sum(0)
    centres = start.T @ points / counts[:, None]
    variances = (start * ((points[:, None] - centres) ** 2).sum(-1)).sum(0) / (2 * counts)
    theirs = GaussianMixture(
        3,
        covariance_type="spherical",
        reg_covar=0.0,
        tol=0.0,
        max_iter=n_rounds,
        weights_init=counts / 90,
        means_init=centres,
        precisions_init=1 / variances,
    ).fit(points)
    ours = fit_mixture(points, 3, start=start, tolerance=0.0, n_rounds=n_rounds + 1)
    assert_allclose(ours.weights, theirs.weights_, rtol=1e-9)
    assert_allclose(ours.centres, theirs.means_, rtol=1e-9)
    assert_allclose(ours.variances, theirs.covariances_, rtol=1e-9)
    assert_allclose(ours.membership, theirs.predict_proba(points), rtol=1e-6, atol=1e-12)
    assert ours.log_likelihood / 90 == pytest.approx(theirs.score(points), rel=1e-10)
    assert ours.bic == pytest.approx(theirs.bic(points), rel=1e-10)


def test_the_best_of_several_starts_is_at_least_as_good() -> None:
    points, _ = blobs(7, n=60, spread=(0.3, 0.3, 0.3, 0.3, 0.3))
    one = [fit_mixture(points, 5, np.random.default_rng(s), n_starts=1).log_likelihood for s in range(12)]
    many = [fit_mixture(points, 5, np.random.default_rng(s), n_starts=12).log_likelihood for s in range(3)]
    assert max(one) - min(one) > 1.0, "single starts must differ, or the test shows nothing"
    assert min(many) > np.median(one) - 1e-6


def test_common_variance_is_the_pooled_mean_square() -> None:
    """Two clusters of known membership, far apart: squares 1 + 1 and 9 + 9 + 0 + 0, over 2 dimensions of 6 points."""
    points = np.array([[-1, 0], [1, 0], [37, 0], [43, 0], [40, 0], [40, 0]], dtype=float)
    start = np.repeat(np.eye(2), [2, 4], axis=0)
    fit = fit_mixture(points, 2, start=start, common_variance=True)
    assert_allclose(fit.variances, 20 / 12)
    assert_allclose(fit.weights, [1 / 3, 2 / 3])
    assert_allclose(fit.centres, [[0, 0], [40, 0]], atol=1e-12)
    own = fit_mixture(points, 2, start=start)
    assert_allclose(own.variances, [2 / 4, 18 / 8])


def test_prior_sets_variances_to_their_posterior_mode() -> None:
    """Two far clusters: the density v^-(m + k/2 + 1) exp(-(S + k s) / 2v) of m points, d = 2, peaks at (S+ks)/(2m+k+2)."""
    points = np.array([[0, 0], [2, 0], [5, 5], [7, 5]], dtype=float) * np.array([1.0, 30.0])
    start = np.repeat(np.eye(2), 2, axis=0)
    fit = fit_mixture(points, 2, start=start, prior=(3.0, 40.0))
    assert_allclose(fit.variances, (2 + 3 * 40) / (4 + 3 + 2), rtol=1e-9)
    assert fit.log_likelihood == pytest.approx(direct_log_likelihood(points, fit), rel=1e-10)


def test_a_cluster_on_one_point_stays_finite() -> None:
    points = np.vstack([np.random.default_rng(1).standard_normal((20, 2)), [[50.0, 50.0]]])
    fit = fit_mixture(points, 2, np.random.default_rng(2))
    assert np.isfinite(fit.log_likelihood)
    assert sorted(np.bincount(fit.labels)) == [1, 20]
    assert fit.variances.min() >= 1e-3 * points.var() * (1 - 1e-12)


@pytest.mark.parametrize("n_clusters", [1, 3, 5])
def test_identical_points(n_clusters: int) -> None:
    fit = fit_mixture(np.ones((6, 2)), n_clusters, np.random.default_rng(0))
    assert np.isfinite(fit.log_likelihood)
    assert_allclose(fit.membership.sum(1), 1.0)


def test_starts_need_a_random_stream() -> None:
    with pytest.raises(ValueError, match="rng"):
        fit_mixture(np.zeros((4, 2)), 2)


@pytest.mark.parametrize("seed", range(5))
def test_k_means_finds_far_clusters_and_ends_where_lloyd_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(4), 10)
    points = 20 * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[truth] + rng.standard_normal((40, 2))
    labels = k_means(points, 4, rng)
    assert canonical(labels).tolist() == truth.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_k_means_ends_where_every_point_is_nearest_to_its_own_mean(seed: int) -> None:
    points, _ = blobs(seed)
    labels = k_means(points, 4, np.random.default_rng(seed), n_rounds=200)
    means = np.array([points[labels == g].mean(0) for g in np.unique(labels)])
    nearest = ((points[:, None] - means) ** 2).sum(-1).argmin(1)
    assert np.unique(labels)[nearest].tolist() == labels.tolist()


def test_k_means_with_as_many_clusters_as_points() -> None:
    points = np.arange(6.0)[:, None] * np.ones((6, 2))
    assert sorted(k_means(points, 6, np.random.default_rng(3)).tolist()) == list(range(6))


def test_log_terms_and_membership_broadcast_over_draws() -> None:
    """Three draws at once are the three draws one by one; scipy's density gives each."""
    rng = np.random.default_rng(4)
    points, centres = rng.standard_normal((3, 5, 2)), rng.standard_normal((3, 2, 2))
    variances, weights = rng.uniform(0.5, 2, (3, 2)), rng.dirichlet([1, 1], 3)
    terms = log_terms(points, weights, centres, variances)
    shares = membership(points, weights, centres, variances)
    for t in range(3):
        each = [
            w * stats.multivariate_normal(c, v * np.eye(2)).pdf(points[t])
            for w, c, v in zip(weights[t], centres[t], variances[t], strict=True)
        ]
        density = np.stack(each, axis=1)
        assert_allclose(np.exp(terms[t]), density, rtol=1e-12)
        assert_allclose(shares[t], density / density.sum(1, keepdims=True), rtol=1e-12)


def test_membership_of_a_far_point_and_of_an_empty_cluster() -> None:
    shares = membership(
        np.array([[1e6, 0.0]]), np.array([0.5, 0.5, 0.0]), np.array([[0.0, 0], [1, 0], [2, 0]]), np.ones(3)
    )
    assert_allclose(shares, [[0.0, 1.0, 0.0]], atol=1e-12)
