"""Normal distributions of intercepts, coefficients and reciprocity around their estimates in a variational fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simlab.models import variational
from simlab.models.latent_data import LatentData
from simlab.models.lpcm import Priors
from simlab.models.variational import Approximation

if TYPE_CHECKING:
    from simlab.kernels.chain_state import Point

Floats = NDArray[np.float64]

# Of the finite differences of the gradient, in what a step adds to the predictors.
_STEP = 1e-3


@dataclass(frozen=True, eq=False)
class Laplace:
    """Normal distributions of theta_r = (intercept, coefficients, reciprocity) of every relation r.

    means : (n_relations, n_values); roots : (n_relations, n_values, n_values), lower triangular, root root' the covariance;
    gain : what they add to the bound, which with them is one of log p(y), no more of log p(y, theta).
    """

    means: Floats
    roots: Floats
    gain: float

    def draws(self, n_draws: int, rng: np.random.Generator) -> Floats:
        """Return draws (n_draws, n_relations, n_values)."""
        noise = rng.standard_normal((n_draws, *self.means.shape))
        return np.asarray(self.means + np.einsum("rab,drb->dra", self.roots, noise))


def laplace(approximation: Approximation, data: LatentData, priors: Priors) -> Laplace:
    """Return the normal distributions whose precisions are the curvatures of the bound.

    With q(theta) = N(mean, C), the bound gains

        sum_r E_q l_r(theta_r) - l_r(mean_r) - sum_a C_aa / (2 v_a) + (n_values (1 + log(2 pi)) + log det C) / 2

    l being the expected log-likelihood and v the prior's variances. Its expectation is a sum over places that is exact up to
    the fifth degree. Positions and effects keep their distributions; so what the intercept has in common with distances
    and effects is not in the covariance.
    """
    means = stacked(approximation)
    n_relations, n_values = means.shape
    variances = np.array([priors.intercept_variance, *[priors.coefficient_variance] * (n_values - 1)])
    curvature = np.zeros((n_relations, n_values, n_values))
    sizes = np.ones(n_values)
    if data.n_covariates:
        # A covariate may have any unit, and its coefficient any size.
        sizes[1 : 1 + data.n_covariates] = np.sqrt((data.covariates**2).mean(axis=1)) + 1e-300
    for a in range(n_values):
        step = _STEP / sizes[a] * np.eye(n_values)[a]
        up, down = (_expected_likelihood(approximation, data, means + move)[1] for move in (step, -step))
        curvature[:, a] = (down - up) / (2.0 * _STEP / sizes[a])
    values, vectors = np.linalg.eigh(0.5 * (curvature + np.swapaxes(curvature, 1, 2)))
    curvature = (vectors * np.maximum(values, 0.0)[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    covariance = np.linalg.inv(curvature + np.diag(1.0 / variances))
    roots = np.linalg.cholesky(covariance)
    places, weights = variational.nodes(n_values)
    gain = sum(
        weight * _expected_likelihood(approximation, data, means + roots @ place)[0]
        for place, weight in zip(places, weights, strict=True)
    )
    gain -= _expected_likelihood(approximation, data, means)[0]
    gain -= 0.5 * float((np.diagonal(covariance, axis1=1, axis2=2) / variances).sum())
    gain += 0.5 * means.size * (1.0 + np.log(2.0 * np.pi))
    gain += float(np.log(np.diagonal(roots, axis1=1, axis2=2)).sum())
    return Laplace(means, roots, float(gain))


def stacked(approximation: Approximation) -> Floats:
    """Return intercept, coefficients and reciprocity of each relation: (n_relations, n_values)."""
    a = approximation
    return np.column_stack([a.intercepts, a.coefficients, a.reciprocity.reshape(len(a.intercepts), -1)])


def parted(values: Floats, data: LatentData) -> tuple[Floats, Floats, Floats]:
    """Return intercepts (..., n_relations), coefficients (..., n_relations, n_covariates), reciprocity, from ``stacked``."""
    end = 1 + data.n_covariates
    rest = values[..., end] if values.shape[-1] > end else np.zeros((*values.shape[:-2], 0))
    return values[..., 0], values[..., 1:end], rest


def _expected_likelihood(approximation: Approximation, data: LatentData, values: Floats) -> tuple[float, Floats]:
    """Return the expected log-likelihood at these values (n_relations, n_values), and its derivatives by them."""
    from simlab.kernels.dyads import BLOCK
    from simlab.kernels.expected import Normals, expected_log_likelihood
    from simlab.kernels.expected_predictors import N_BLOCKS, N_SIDES, Spread, expected_of_predictors

    a = approximation
    rule = variational.rule(a.positions.shape[1])
    intercepts, coefficients, reciprocity = (np.ascontiguousarray(part) for part in parted(values, data))
    positions = np.ascontiguousarray(a.positions.T)
    if data.form == "plain":
        normals = Normals(positions, a.variances, intercepts)
        slope = Normals(*(np.zeros_like(part) for part in normals))
        value = expected_log_likelihood(normals, data.ties, data.observed, rule, slope, np.zeros((4, BLOCK)))
        return float(value), slope.intercepts[:, None]
    point = _point(a, positions, intercepts, coefficients, reciprocity)
    spread = Spread(a.variances, a.sender_variances, a.receiver_variances)
    pull = type(point)(*(np.zeros_like(part) for part in point))
    tug = Spread(*(np.zeros_like(part) for part in spread))
    work = (np.zeros((N_BLOCKS, BLOCK)), np.zeros((N_SIDES, len(a.variances))), np.zeros(len(reciprocity)))
    value = expected_of_predictors(
        (point, spread), data.kernel_data(), rule, variational.noise(data), (pull, tug), work
    )
    slopes = [pull.intercepts, pull.coefficients, pull.reciprocity.reshape(len(intercepts), -1)]
    return float(value), np.column_stack(slopes)


def _point(a: Approximation, positions: Floats, intercepts: Floats, coefficients: Floats, reciprocity: Floats) -> Point:
    from simlab.kernels.chain_state import Point

    return Point(positions, intercepts, coefficients, reciprocity, a.sender, a.receiver, a.centres, np.log(a.spreads))
