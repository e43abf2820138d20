"""The latent position cluster model: priors, densities, point positions and BIC.

    logit P(tie_ij) = intercept - ||z_i - z_j||,   z_i ~ sum_g weight_g N(centre_g, variance_g I)

Hoff, Raftery & Handcock (2002); Handcock, Raftery & Tantrum (2007). Positions here are (n_actors, n_dims).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import expit, gammaln

from simlab.models.mixture import fit_mixture, log_terms
from simlab.panel import Dyads

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Priors:
    """The numbers of the priors. The defaults of ``Priors.usual`` are those of latentnet 2.11.

    intercept ~ N(intercept_mean, intercept_variance); centre_g ~ N(0, centre_variance I);
    variance_g ~ scaled inverse chi-squared(variance_degrees, variance_scale); weights ~ Dirichlet(concentration).
    """

    intercept_mean: float
    intercept_variance: float
    centre_variance: float
    variance_degrees: float
    variance_scale: float
    concentration: float

    @classmethod
    def usual(cls, n_actors: int, n_clusters: int, n_dims: int) -> Priors:
        """Return latentnet's priors for a problem of this size."""
        share = n_actors / n_clusters
        scale = share ** (2.0 / n_dims) / 8.0
        return cls(
            intercept_mean=0.0,
            intercept_variance=9.0,
            centre_variance=2.0 * scale * n_clusters ** (2.0 / n_dims),
            variance_degrees=float(np.sqrt(share)),
            variance_scale=scale,
            concentration=float(np.sqrt(share)),
        )


def distances(positions: Floats) -> Floats:
    """Return the distances (..., n, n) of positions (..., n, d)."""
    return np.asarray(np.sqrt(((positions[..., :, None, :] - positions[..., None, :, :]) ** 2).sum(-1)))


def log_likelihood(positions: Floats, intercepts: Floats, dyads: list[Dyads]) -> float:
    """Return the log-likelihood of the observed dyads; unobserved ones are left out. One Dyads a relation."""
    apart = distances(positions)
    below = np.tril_indices(len(positions), -1)
    total = 0.0
    for intercept, (ties, observed) in zip(intercepts, dyads, strict=True):
        eta = intercept - apart[below]
        total += float((ties[below] * eta - observed[below] * np.logaddexp(0.0, eta)).sum())
    return total


def log_prior(intercepts: Floats, centres: Floats, variances: Floats, weights: Floats, priors: Priors) -> Floats:
    """Return the log-prior density of intercepts (..., r), centres (..., g, d), variances and weights (..., g)."""
    n_clusters, n_dims = centres.shape[-2:]
    half = 0.5 * priors.variance_degrees
    normal = -0.5 * ((intercepts - priors.intercept_mean) ** 2 / priors.intercept_variance).sum(-1)
    normal = normal - 0.5 * intercepts.shape[-1] * np.log(2.0 * np.pi * priors.intercept_variance)
    middle = -0.5 * (centres**2).sum((-1, -2)) / priors.centre_variance
    middle = middle - 0.5 * n_clusters * n_dims * np.log(2.0 * np.pi * priors.centre_variance)
    spread = (
        half * np.log(half * priors.variance_scale)
        - gammaln(half)
        - (half + 1.0) * np.log(variances)
        - half * priors.variance_scale / variances
    ).sum(-1)
    share = (
        gammaln(n_clusters * priors.concentration)
        - n_clusters * gammaln(priors.concentration)
        + (priors.concentration - 1.0) * np.log(weights).sum(-1)
    )
    return np.asarray(normal + middle + spread + share)


def log_position_density(positions: Floats, weights: Floats, centres: Floats, variances: Floats) -> Floats:
    """Return the log-density of all positions under the mixture, labels summed out; leading axes broadcast."""
    terms = log_terms(positions, weights, centres, variances)
    largest = terms.max(axis=-1, keepdims=True)
    return np.asarray((largest[..., 0] + np.log(np.exp(terms - largest).sum(-1))).sum(-1))


def solve_intercept(apart: Floats, dyads: Dyads, shrink: float = 0.5) -> float:
    """Return the intercept at which as many ties are expected as were observed; finite also for no and for all ties."""
    below = np.tril_indices(len(apart), -1)
    observed, far = dyads.observed[below], apart[below]
    answers = float(observed.sum())
    if answers == 0.0:
        return 0.0
    wanted = min(max(float(dyads.ties[below].sum()), shrink), answers - shrink)
    low, high = -40.0, float(far.max(initial=0.0)) + 40.0
    return float(brentq(lambda b: float((observed * expit(b - far)).sum()) - wanted, low, high, xtol=1e-10))


def nearest_positions(start: Floats, intercepts: Floats, probability: Floats) -> tuple[Floats, Floats]:
    """Return (positions, intercepts) whose tie probabilities are nearest to the given ones.

    They minimise the Kullback-Leibler divergence from ``probability`` (n_relations, n, n), the posterior mean of the tie
    probabilities: the minimum Kullback-Leibler estimate (Shortreed, Handcock & Hoff 2006).
    """
    from simlab.kernels.dyads import log_likelihood_gradient

    n, n_dims = start.shape
    n_relations = len(intercepts)
    observed = np.ones((n_relations, n, n))
    gradient, slopes = np.zeros((n_dims, n)), np.zeros(n_relations)
    work = np.zeros((2, n))

    def loss(values: Floats) -> tuple[float, Floats]:
        positions = np.ascontiguousarray(values[n_relations:].reshape(n_dims, n))
        value = log_likelihood_gradient(
            positions, values[:n_relations].copy(), probability, observed, gradient, slopes, work
        )
        return -value, -np.concatenate([slopes, gradient.ravel()])

    first = np.concatenate([intercepts, start.T.ravel()])
    found = minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-10})
    best = found.x if np.isfinite(found.fun) else first
    positions = best[n_relations:].reshape(n_dims, n).T
    return positions - positions.mean(axis=0), best[:n_relations]


def bic(positions: Floats, dyads: list[Dyads], membership: Floats) -> float:
    """Return the BIC of Handcock, Raftery & Tantrum (2007, section 4) for a number of clusters; lower is better.

    -2 log-likelihood at the point positions with the intercepts fitted anew, plus (number of intercepts) log(ties), plus
    the BIC of a mixture of spherical normals for the positions. The likelihood of a mixture has no limit where two actors
    happen to lie close, which would favour too many clusters; so the mixture is fitted from the posterior ``membership``
    (n, n_clusters), with a weak prior of one degree of freedom for the variances, at a quarter of the spread that each of
    ``n_clusters`` would have (Fraley & Raftery 2007).
    """
    apart = distances(positions)
    intercepts = np.array([solve_intercept(apart, d) for d in dyads])
    below = np.tril_indices(len(positions), -1)
    n_ties = sum(float(d.ties[below].sum()) for d in dyads)
    part = -2.0 * log_likelihood(positions, intercepts, dyads) + len(dyads) * np.log(max(n_ties, 1.0))
    n_clusters = membership.shape[1]
    scale = float(positions.var(axis=0).mean()) / n_clusters ** (2.0 / positions.shape[1]) / 4.0
    return float(part + fit_mixture(positions, n_clusters, start=membership, prior=(1.0, scale)).bic)
