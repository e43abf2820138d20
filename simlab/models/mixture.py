"""Mixtures of spherical normal distributions: k-means starts and maximum likelihood by EM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Mixture:
    """A fitted mixture: weights (n_clusters,), centres (n_clusters, n_dims), variances (n_clusters,)."""

    weights: Floats
    centres: Floats
    variances: Floats
    membership: Floats
    log_likelihood: float

    @property
    def labels(self) -> Ints:
        """The most probable cluster of each point."""
        return np.asarray(self.membership.argmax(axis=1))

    @property
    def bic(self) -> float:
        """-2 log-likelihood + parameters * log n; parameters: G - 1 weights, d G centres, G variances."""
        n_clusters, n_dims = self.centres.shape
        n_parameters = n_clusters - 1 + n_dims * n_clusters + n_clusters
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
    terms = log_terms(points, weights, centres, variances)
    terms -= terms.max(axis=-1, keepdims=True)
    np.exp(terms, out=terms)
    terms /= terms.sum(axis=-1, keepdims=True)
    return terms


def k_means(points: Floats, n_clusters: int, rng: np.random.Generator, n_rounds: int = 50) -> Ints:
    """Return labels by Lloyd's rounds from a k-means++ start (Arthur & Vassilvitskii 2007)."""
    n = len(points)
    chosen = [int(rng.integers(n))]
    nearest = ((points - points[chosen[0]]) ** 2).sum(1)
    for _ in range(1, n_clusters):
        total = nearest.sum()
        new = int(rng.choice(n, p=nearest / total)) if total > 0 else int(rng.integers(n))
        chosen.append(new)
        nearest = np.minimum(nearest, ((points - points[new]) ** 2).sum(1))
    middles = points[chosen].copy()
    labels = np.full(n, -1, dtype=np.int64)
    for _ in range(n_rounds):
        new_labels = ((points[:, None] - middles[None]) ** 2).sum(-1).argmin(1)
        if np.array_equal(new_labels, labels):
            break
        labels = new_labels
        for g in range(n_clusters):
            if (labels == g).any():
                middles[g] = points[labels == g].mean(0)
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
    n_dims = points.shape[1]
    degrees, scale = prior
    # The mode of the density of a variance has 2 more in its denominator; without a prior it is the usual mean square.
    extra = degrees + 2.0 if degrees > 0.0 else 0.0
    before = -np.inf
    for _ in range(n_rounds):
        counts = np.maximum(resp.sum(0), 1e-10)
        weights = counts / counts.sum()
        middles = resp.T @ points / counts[:, None]
        squared = ((points[:, None] - middles[None]) ** 2).sum(-1)
        variances = ((resp * squared).sum(0) + degrees * scale) / (n_dims * counts + extra)
        if common:
            variances = np.full_like(variances, (variances * counts).sum() / counts.sum())
        variances = np.maximum(variances, floor)
        terms = log_terms(points, weights, middles, variances)
        norm = logsumexp(terms, axis=1, keepdims=True)
        resp = np.exp(terms - norm)
        value = float(norm.sum())
        if abs(value - before) < tolerance * abs(value):
            break
        before = value
    return Mixture(weights, middles, variances, resp, value)
