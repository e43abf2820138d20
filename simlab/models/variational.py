"""The variational approximation of the latent position cluster model: its parts, closed-form updates and constants.

    q = prod_i N(z_i; positions_i, variances_i I) q(K_i | z_i)
        prod_g N(mu_g; centres_g, centre_variances_g I) Inv-chi2(sigma_g^2; degrees_g, spreads_g) Dir(lambda; concentrations)
        prod_ri N(delta_ri; sender_ri, sender_variances_ri) prod_r q(s_r^2)        and receiver effects likewise

    q(K_i = g | z_i) proportional to exp(E log lambda_g + E log N(z_i; mu_g, sigma_g^2 I))

Membership depends on the position: were the two independent, the bound would be lower by as much as places within the
reach of a position differ in membership, and clusters that overlap would more often be merged. Expectations over a position
of what belongs to clusters are sums over a few places (``nodes``).

Intercepts, coefficients and reciprocity have point estimates while the bound climbs, so that it is then a bound of log p(y,
intercepts, coefficients, reciprocity): variational EM (Salter-Townshend & Murphy 2013 do so for this model with other
approximations of the likelihood). The expectation of the log-likelihood is a sum over three distances for each dyad
(``simlab.kernels.expected``). Its error, for one answer and the worst of distances and intercepts in two dimensions, is
.0001 where the two standard deviations together are .6, .001 where they are 1, .006 where 1.5; in other numbers of
dimensions about as much. Of an expected count the error is .001 of it at .6, .01 at 1 and .04 at 1.5; where the variance of
the effects of a tie is 1 it is short by another .006.

The n effects of a relation have normal factors, because n point estimates with one variance would draw each other to zero:
it is their squares and variances together that tell of s^2. The factor of s^2, Inv-chi2(nu + n, (nu tau + S) / (nu + n))
with S = sum_i (sender_i^2 + sender_variances_i) and its prior's degrees nu and scale tau, is at its best throughout. Then all
that the bound has of it and of the effects' prior is the logarithm of the integral over s^2 of prod_i N(delta_i; 0, s^2)
with S in place of the sum of squares,

    log Gamma((nu + n) / 2) - log Gamma(nu / 2) + nu / 2 log(nu tau / 2) - (nu + n) / 2 log((nu tau + S) / 2) - n / 2 log(2 pi)

Every position has a distribution of its own, so what moves all of them together (shifts, turns, the scale with the
intercept) is held too tightly, and the bound is the lower for it: by several units, but much the same for any number of
clusters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.scientific import digamma, gammaln, hyp1f1
from simlab.models.lpcm import Priors

if TYPE_CHECKING:
    from simlab.kernels.expected import Curve, Rule
    from simlab.kernels.expected_predictors import Noise
    from simlab.models.latent_data import LatentData

Floats = NDArray[np.float64]

_LOG_TWO_PI = float(np.log(2.0 * np.pi))
_MOST_PERMUTED = 8


def length_moment(power: float, n_dims: int, away: Floats) -> Floats:
    """Return the moments of the length of N(m, I) with ||m|| = ``away`` (non-central chi distribution)."""
    level = gammaln(0.5 * (n_dims + power)) - gammaln(0.5 * n_dims) + 0.5 * power * np.log(2.0)
    return np.asarray(np.exp(level) * hyp1f1(-0.5 * power, 0.5 * n_dims, -0.5 * away**2))


def _places(u: Floats, n_dims: int) -> tuple[Floats, Floats, Floats]:
    """Return level, low and high of ``simlab.kernels.expected`` where variances have the share u.

    With p = (low + high) / 2 the weights 1/6, 2/3, 1/6 give mean 0 for any p, variance 1 where half the difference of the
    two is sqrt(3 - 3 p^2 / 2), and a third moment of 3 p - 5 p^3 / 4, which Newton's method solves.
    """
    from simlab.kernels.expected import PIVOT

    away = np.sqrt(PIVOT * (1.0 - u) / u)
    mean = length_moment(1.0, n_dims, away)
    level = mean**2 - away**2
    skewness = (length_moment(3.0, n_dims, away) - 3.0 * mean * (away**2 + n_dims) + 2.0 * mean**3) / (
        n_dims - level
    ) ** 1.5
    p = skewness / 3.0
    for _ in range(10):
        p = p - (3.0 * p - 1.25 * p**3 - skewness) / (3.0 - 3.75 * p**2)
    half = np.sqrt(3.0 - 1.5 * p**2)
    return level, p - half, p + half


@lru_cache
def rule(n_dims: int) -> Rule:
    """Return the curves of ``simlab.kernels.expected``: polynomials through the Chebyshev nodes, right to 3e-4."""
    from simlab.kernels.expected import N_COEFFICIENTS, Rule

    def curve(which: int) -> Curve:
        fit = np.polynomial.Chebyshev.interpolate(
            lambda u: _places(u, n_dims)[which], N_COEFFICIENTS - 1, domain=[0.0, 1.0]
        )
        c = fit.convert(kind=np.polynomial.Polynomial).coef.tolist()
        return (c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8])

    return Rule(float(n_dims), curve(0), curve(1), curve(2))


@lru_cache
def nodes(n_dims: int) -> tuple[Floats, Floats]:
    """Return places (n_nodes, n_dims) and weights (n_nodes,) with the moments of a standard normal up to the fifth.

    The middle, and 2 d + 2 d (d - 1) places at the distance sqrt(d + 2): along each axis and each diagonal of two axes.
    """
    squared = n_dims + 2.0
    places, weights = [np.zeros(n_dims)], [2.0 / squared]
    axes = np.eye(n_dims)
    for i in range(n_dims):
        for sign in (-1.0, 1.0):
            places.append(sign * np.sqrt(squared) * axes[i])
            weights.append((4.0 - n_dims) / (2.0 * squared**2))
            for j in range(i):
                places += [sign * np.sqrt(squared / 2.0) * (axes[i] + other * axes[j]) for other in (-1.0, 1.0)]
                weights += [1.0 / squared**2] * 2
    return np.array(places), np.array(weights)


def noise(data: LatentData) -> Noise:
    """Return the places that stand for the effects of a tie and of that back (see ``simlab.kernels.expected_predictors``).

    Where the two ways have terms of their own, or the same effects, three places, right to the fifth degree. With
    reciprocity and effects that differ by way, four places on two axes, right to the third.
    """
    from simlab.kernels.expected_predictors import Noise

    if data.sociality == "none":
        return Noise(np.zeros((1, 2)), np.ones(1))
    if data.form == "reciprocal" and data.sociality != "shared":
        return Noise(np.sqrt(2.0) * np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]), np.full(4, 0.25))
    places, weights = nodes(1)
    return Noise(np.hstack([places, places]), weights)


@dataclass(frozen=True, eq=False)
class Approximation:
    """The numbers of the approximation.

    positions : (n_actors, n_dims); variances : (n_actors,); intercepts : (n_relations,); coefficients : (n_relations,
    n_covariates); reciprocity : (n_relations or 0,); sender, receiver and their variances : (n_relations, n_actors or 0);
    membership : (n_actors, n_clusters); centres : (n_clusters, n_dims); centre_variances, degrees, spreads,
    concentrations : (n_clusters,).
    """

    positions: Floats
    variances: Floats
    intercepts: Floats
    coefficients: Floats
    reciprocity: Floats
    sender: Floats
    receiver: Floats
    sender_variances: Floats
    receiver_variances: Floats
    membership: Floats
    centres: Floats
    centre_variances: Floats
    degrees: Floats
    spreads: Floats
    concentrations: Floats

    @property
    def log_weights(self) -> Floats:
        """The expected logarithms of the weights: (n_clusters,)."""
        return np.asarray(digamma(self.concentrations) - digamma(self.concentrations.sum()))

    @property
    def levels(self) -> Floats:
        """What the expected log-density of a cluster has besides log spread and distance: (n_clusters,)."""
        half = 0.5 * self.degrees
        n_dims = self.centres.shape[1]
        return np.asarray(self.log_weights - 0.5 * n_dims * (_LOG_TWO_PI + np.log(half) - digamma(half)))

    @property
    def plug_in_weights(self) -> Floats:
        """Weights, up to a factor, that make the mixture of N(centres, spreads) give the memberships of q: (n_clusters,)."""
        logs = self.levels - 0.5 * self.centres.shape[1] * self.centre_variances / self.spreads
        return np.asarray(np.exp(logs - logs.max()))

    @property
    def weights(self) -> Floats:
        """The expected weights: (n_clusters,)."""
        return np.asarray(self.concentrations / self.concentrations.sum())


def with_clusters(approximation: Approximation, sums: Floats, priors: Priors) -> Approximation:
    """Return the approximation with all that belongs to clusters at its best given positions and memberships.

    Weights, then centres given spreads, then spreads given centres: each step the exact maximum of the bound.

    sums : (n_clusters, n_dims + 2), over actors and weighted by membership, of z - centre, 1 and ||z - centre||^2, with the
    centres of the approximation.
    """
    a = approximation
    n_dims = a.positions.shape[1]
    moments, counts, squares = sums[:, :n_dims], sums[:, n_dims], sums[:, n_dims + 1]
    centre_variances = 1.0 / (1.0 / priors.centre_variance + counts / a.spreads)
    centres = (centre_variances / a.spreads)[:, None] * (moments + counts[:, None] * a.centres)
    moved = centres - a.centres
    squares = squares - 2.0 * (moved * moments).sum(axis=1) + counts * (moved**2).sum(axis=1)
    degrees = priors.variance_degrees + n_dims * counts
    squares = squares + n_dims * counts * centre_variances
    return replace(
        a,
        centres=centres,
        centre_variances=centre_variances,
        degrees=degrees,
        spreads=(priors.variance_degrees * priors.variance_scale + squares) / degrees,
        concentrations=priors.concentration + counts,
    )


def constant(approximation: Approximation, priors: Priors) -> float:
    """Return what the bound has besides ``simlab.kernels.variational.variable_bound``: all that a climb holds."""
    a = approximation
    n, n_dims = a.positions.shape
    n_clusters = len(a.centres)
    total = 0.5 * n * n_dims * (1.0 + _LOG_TWO_PI)
    total -= 0.5 * len(a.intercepts) * (_LOG_TWO_PI + np.log(priors.intercept_variance))
    total -= 0.5 * (a.coefficients.size + a.reciprocity.size) * (_LOG_TWO_PI + np.log(priors.coefficient_variance))
    total += _effects_constant(a.sender, priors) + _effects_constant(a.receiver, priors)
    ratio = a.centre_variances / priors.centre_variance
    total += 0.5 * n_dims * float((np.log(ratio) + 1.0 - ratio).sum())
    half, first = 0.5 * a.degrees, 0.5 * priors.variance_degrees
    prior_level = first * np.log(first * priors.variance_scale) - gammaln(first)
    total += float((prior_level + gammaln(half) + half - first * np.log(half) - (half - first) * digamma(half)).sum())
    alpha = priors.concentration
    total += float(gammaln(n_clusters * alpha) - n_clusters * gammaln(alpha))
    total -= float(gammaln(a.concentrations.sum()) - gammaln(a.concentrations).sum())
    total += float(((alpha - a.concentrations) * a.log_weights).sum())
    return float(total)


def _effects_constant(effects: Floats, priors: Priors) -> float:
    """Return what does not depend on the effects (n_relations, n) in their part of the bound, their entropy among it."""
    n_relations, n_effects = effects.shape
    if not n_effects:
        return 0.0
    half, count = 0.5 * priors.effect_degrees, 0.5 * n_effects
    level = gammaln(half + count) - gammaln(half) + half * np.log(2.0 * half * priors.effect_scale)
    return float(n_relations * (level + count * (1.0 + np.log(2.0))))


def effect_spread(means: Floats, variances: Floats, priors: Priors) -> tuple[float, Floats]:
    """Return degrees and scales (n_relations,) of the factors of the effects' variances: scaled inverse chi-squared.

    means, variances : (n_relations, n_actors), of the effects.
    """
    degrees = priors.effect_degrees + means.shape[1]
    squares = (means**2 + variances).sum(axis=1)
    return degrees, np.asarray((priors.effect_degrees * priors.effect_scale + squares) / degrees)


def renaming_gain(membership: Floats, rng: np.random.Generator, n_draws: int = 100) -> float:
    """Return what the bound gains where q is averaged over all renamings of the clusters: from 0 to log G!.

    The model does not know the names of clusters; so the average of q over all G! renamings has a bound that is
    higher by the Kullback-Leibler divergence of q from it: log G! where clusters are distinct, 0 where all are alike
    (Bishop 2006, section 10.2.4, has the former). Estimated here from draws of the labels, whose divergence is
    at most that of everything.

    membership : (n_actors, n_clusters).
    """
    n, n_clusters = membership.shape
    if n == 0 or n_clusters == 1:
        return 0.0
    labels = (rng.random((n_draws, n, 1)) > np.cumsum(membership, axis=1)[:, :-1]).sum(axis=2)
    drawn = np.swapaxes(np.eye(n_clusters)[labels], 1, 2)
    logs = drawn @ np.log(np.maximum(membership, 1e-300))
    own = np.diagonal(logs, axis1=1, axis2=2)
    # q of the labels under a renaming over q of the labels is a product of one entry of every row.
    ratios = np.exp(np.clip(logs - own[:, :, None], -700.0, 700.0 / n_clusters))
    gain = float(gammaln(n_clusters + 1.0) - np.log(_permanent(ratios)).mean())
    return min(max(gain, 0.0), float(gammaln(n_clusters + 1.0)))


def _permanent(matrices: Floats) -> Floats:
    """Return the permanents (n_draws,) of matrices (n_draws, size, size), row by row over the sets of columns used.

    For more than eight rows the product of the sums of rows, which is at least as large.
    """
    size = matrices.shape[1]
    if size > _MOST_PERMUTED:
        return np.asarray(matrices.sum(axis=2).prod(axis=1))
    sums = {0: np.ones(len(matrices))}
    for row in range(size):
        longer: dict[int, Floats] = {}
        for used, value in sums.items():
            for column in range(size):
                if not used >> column & 1:
                    term = value * matrices[:, row, column]
                    now = used | 1 << column
                    longer[now] = longer[now] + term if now in longer else term
        sums = longer
    return sums[2**size - 1]
