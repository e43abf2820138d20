"""Mixtures of spherical normal distributions: k-means starts and maximum likelihood by EM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Mixture:
    """A fitted mixture: weights (n_clusters,), centres (n_clusters, n_dims), variances (n_clusters,).

    common_variance : whether the variances are one number.
    """

    weights: Floats
    centres: Floats
    variances: Floats
    membership: Floats
    log_likelihood: float
    common_variance: bool = False

    @property
    def labels(self) -> Ints:
        """The most probable cluster of each point."""
        return np.asarray(self.membership.argmax(axis=1))

    @property
    def bic(self) -> float:
        """-2 log-likelihood + parameters * log n; parameters: G - 1 weights, d G centres, G variances or 1."""
        n_clusters, n_dims = self.centres.shape
        n_parameters = n_clusters - 1 + n_dims * n_clusters + (1 if self.common_variance else n_clusters)
        return float(-2.0 * self.log_likelihood + n_parameters * np.log(len(self.membership)))


def log_terms(points: Floats, weights: Floats, centres: Floats, variances: Floats) -> Floats:
    """Return log(weight_g N(point; centre_g, variance_g I)).

    Leading axes broadcast: points (..., n, d), weights and variances (..., g), centres (..., g, d) give (..., n, g).
    """
    n_dims = points.shape[-1]
    squared = ((points[..., :, None, :] - centres[..., None, :, :]) ** 2).sum(-1)
    spread = variances[..., None, :]
    with np.errstate(divide="ignore"):
        log_weights = np.log(weights)[..., None, :]
    return np.asarray(log_weights - 0.5 * squared / spread - 0.5 * n_dims * np.log(2.0 * np.pi * spread))


def membership(points: Floats, weights: Floats, centres: Floats, variances: Floats) -> Floats:
    """Return the probabilities of membership given positions (Bayes's rule); shapes as in ``log_terms``."""
    return membership_with_density(points, weights, centres, variances)[0]


def membership_with_density(
    points: Floats, weights: Floats, centres: Floats, variances: Floats
) -> tuple[Floats, Floats]:
    """Return the probabilities of membership, and the log-density of all points of each leading axis, labels summed out."""
    terms = log_terms(points, weights, centres, variances)
    largest = terms.max(axis=-1, keepdims=True)
    terms -= largest
    np.exp(terms, out=terms)
    mass = terms.sum(axis=-1, keepdims=True)
    terms /= mass
    return terms, np.asarray((largest + np.log(mass))[..., 0].sum(axis=-1))


def k_means(points: Floats, n_clusters: int, rng: np.random.Generator, n_rounds: int = 50) -> Ints:
    """Return labels by Lloyd's rounds from a k-means++ start (Arthur & Vassilvitskii 2007)."""
    from simlab.kernels import em

    labels = np.zeros(len(points), dtype=np.int64)
    centres = np.zeros((n_clusters, points.shape[1]))
    gaps = np.zeros((2, len(points)))
    em.k_means(np.ascontiguousarray(points.T, dtype=np.float64), centres, labels, gaps, rng, n_rounds)
    return labels


def fit_mixture(
    points: Floats,
    n_clusters: int,
    rng: np.random.Generator | None = None,
    *,
    start: Floats | None = None,
    prior: tuple[float, float] | None = None,
    common_variance: bool = False,
    n_starts: int = 5,
    n_rounds: int = 200,
    tolerance: float = 1e-6,
) -> Mixture:
    """Return a maximum likelihood fit by EM (Fraley & Raftery 2002).

    Clusters are spherical, each with a variance of its own (their model VII), or all with a ``common_variance`` (EII).

    Either one run from the membership ``start`` (n, n_clusters), or the best of ``n_starts`` runs from k-means. The
    likelihood of a cluster that collapses onto a point has no limit; so variances are kept above 1e-3 of the variance of
    all points and, where a ``prior`` (degrees, scale) of the scaled inverse chi-squared family is given, are set to their
    posterior modes (Fraley & Raftery 2007); ``log_likelihood`` is without the prior.
    """
    floor = max(1e-3 * float(points.var()), 1e-12)
    if start is not None:
        return _em(points, start, floor, prior or (0.0, 0.0), common_variance, n_rounds, tolerance)
    if rng is None:
        raise ValueError("rng: needed for starts from k-means")
    best: Mixture | None = None
    for _ in range(n_starts):
        resp = np.eye(n_clusters)[k_means(points, n_clusters, rng)]
        fit = _em(points, resp, floor, prior or (0.0, 0.0), common_variance, n_rounds, tolerance)
        if best is None or fit.log_likelihood > best.log_likelihood:
            best = fit
    assert best is not None
    return best


def _em(
    points: Floats,
    resp: Floats,
    floor: float,
    prior: tuple[float, float],
    common: bool,
    n_rounds: int,
    tolerance: float,
) -> Mixture:
    from simlab.kernels import em

    n, n_clusters = resp.shape
    positions = np.ascontiguousarray(points.T, dtype=np.float64)
    centres, log_variances, weights = np.zeros((n_clusters, len(positions))), np.zeros(n_clusters), np.zeros(n_clusters)
    shares, squares = np.zeros((n_clusters + 2, n)), np.zeros((n_clusters, n))
    shares[:n_clusters] = resp.T
    how, until = (common, floor, float(prior[0]), float(prior[1])), (n_rounds, tolerance)
    value = em.climb_mixture(positions, centres, log_variances, weights, shares, squares, how, until)
    return Mixture(weights, centres, np.exp(log_variances), shares[:n_clusters].T.copy(), float(value), common)
