"""The latent position cluster model: priors and densities.

    logit P(tie_ij) = intercept - ||z_i - z_j||,   z_i ~ sum_g weight_g N(centre_g, variance_g I)

Hoff, Raftery & Handcock (2002); Handcock, Raftery & Tantrum (2007); effects and covariates: Krivitsky, Handcock, Raftery &
Hoff (2009). Positions here are (n_actors, n_dims).
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.scientific import gammaln

if TYPE_CHECKING:
    from simlab.kernels.chain_state import Prior

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Priors:
    """The numbers of the priors. The defaults of ``Priors.usual`` are those of latentnet 2.11.

    intercept ~ N(intercept_mean, intercept_variance); coefficients of covariates and reciprocity ~ N(0,
    coefficient_variance); effects ~ N(0, s^2), s^2 ~ scaled inverse chi-squared(effect_degrees, effect_scale);
    centre_g ~ N(0, centre_variance I), or at the origin where that is 0; variance_g ~ scaled inverse
    chi-squared(variance_degrees, variance_scale); weights ~ Dirichlet(concentration).
    """

    intercept_mean: float
    intercept_variance: float
    coefficient_variance: float
    effect_degrees: float
    effect_scale: float
    centre_variance: float
    variance_degrees: float
    variance_scale: float
    concentration: float

    @classmethod
    def usual(cls, n_actors: int, n_clusters: int, n_dims: int) -> Priors:
        """Return latentnet's priors for a problem of this size; no clusters: positions around the origin."""
        share = n_actors / max(n_clusters, 1)
        scale = share ** (2.0 / n_dims) / 8.0
        return cls(
            intercept_mean=0.0,
            intercept_variance=9.0,
            coefficient_variance=9.0,
            effect_degrees=3.0,
            effect_scale=1.0,
            centre_variance=2.0 * scale * n_clusters ** (2.0 / n_dims),
            variance_degrees=float(np.sqrt(share)),
            variance_scale=scale,
            concentration=float(np.sqrt(share)),
        )

    def for_kernels(self) -> Prior:
        """Return the same numbers as kernels take them."""
        from simlab.kernels.chain_state import Prior

        return Prior(*astuple(self))


@dataclass(frozen=True, eq=False)
class Parameters:
    """The parameters of many draws, the draws along the leading axes; what a model does not have has length 0.

    intercepts (..., n_relations); coefficients (..., n_relations, n_covariates); reciprocity (..., n_relations or 0);
    sender, receiver (..., n_relations, n_actors or 0); effect_variances (..., n_relations, 2); centres (..., n_clusters,
    n_dims); variances, weights (..., n_clusters).
    """

    intercepts: Floats
    coefficients: Floats
    reciprocity: Floats
    sender: NDArray[np.floating]
    receiver: NDArray[np.floating]
    effect_variances: Floats
    centres: Floats
    variances: Floats
    weights: Floats


def distances(positions: Floats) -> Floats:
    """Return the distances (..., n, n) of positions (..., n, d)."""
    return np.asarray(np.sqrt(((positions[..., :, None, :] - positions[..., None, :, :]) ** 2).sum(-1)))


def log_prior(parameters: Parameters, priors: Priors) -> Floats:
    """Return the log-prior density of the parameters; effects given their variances are part of it."""
    p = parameters
    n_clusters = p.centres.shape[-2]
    total = _log_normal(p.intercepts - priors.intercept_mean, priors.intercept_variance).sum(-1)
    total = total + _log_normal(p.coefficients, priors.coefficient_variance).sum((-1, -2))
    total = total + _log_normal(p.reciprocity, priors.coefficient_variance).sum(-1)
    for side, effects in enumerate((p.sender, p.receiver)):
        if effects.shape[-1]:
            variances = p.effect_variances[..., side]
            total = total + _log_normal(effects, variances[..., None]).sum((-1, -2))
            total = total + _log_spread(variances, priors.effect_degrees, priors.effect_scale).sum(-1)
    if priors.centre_variance > 0.0:
        total = total + _log_normal(p.centres, priors.centre_variance).sum((-1, -2))
    total = total + _log_spread(p.variances, priors.variance_degrees, priors.variance_scale).sum(-1)
    if n_clusters > 1:
        alpha = priors.concentration
        share = gammaln(n_clusters * alpha) - n_clusters * gammaln(alpha)
        total = total + share + (alpha - 1.0) * np.log(p.weights).sum(-1)
    return np.asarray(total)


def _log_normal(values: NDArray[np.floating], variance: Floats | float) -> Floats:
    return np.asarray(-0.5 * values**2 / variance - 0.5 * np.log(2.0 * np.pi * variance))


def _log_spread(variances: Floats, degrees: float, scale: float) -> Floats:
    """Return the log-density of the scaled inverse chi-squared distribution."""
    half = 0.5 * degrees
    level = half * np.log(half * scale) - gammaln(half)
    return np.asarray(level - (half + 1.0) * np.log(variances) - half * scale / variances)
