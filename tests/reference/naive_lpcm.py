"""Naive twins of the kernels: plain loops over actors, straight from the equations of the model. Slow on purpose.

    eta_ij = intercept + sum_k coefficient_k x_ijk + sender_i + receiver_j - ||z_i - z_j||

Hoff, Raftery & Handcock (2002); Handcock, Raftery & Tantrum (2007); Krivitsky, Handcock, Raftery & Hoff (2009); a dyad with
reciprocity is summed over its four states (Holland & Leinhardt 1981). Points are shaped as the kernels shape them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from simlab.kernels.chain_state import Point, Prior, Shape, views

Floats = NDArray[np.float64]


class Seen(NamedTuple):
    """What was seen, row to column: ties, observed (n_relations, n, n); covariates x (n_covariates, n, n)."""

    form: str
    directed: bool
    shared: bool
    ties: Floats
    observed: Floats
    x: Floats


def log1p_exp(eta: float) -> float:
    """Return log(1 + exp(eta)) without overflow: logaddexp(0, eta)."""
    return max(eta, 0.0) + math.log1p(math.exp(-abs(eta)))


def distance(positions: Floats, i: int, j: int) -> float:
    """Return the Euclidean distance of actors i and j; positions : (n_dims, n_actors)."""
    return math.dist(positions[:, i].tolist(), positions[:, j].tolist())


def pair_distances(positions: NDArray[np.float32]) -> Floats:
    """Return the distances of positions (n_actors, n_dims), row by row below the diagonal."""
    places = positions.astype(float).T
    return np.array([distance(places, i, j) for i in range(places.shape[1]) for j in range(i)])


def predictor(point: Point, seen: Seen, r: int, pair: tuple[int, int], scale: float = 1.0, shift: float = 0.0) -> float:
    """Return eta of the tie from the first of a pair to the second."""
    i, j = pair
    eta = float(point.intercepts[r]) + shift - scale * distance(point.positions, i, j)
    for k in range(point.coefficients.shape[1]):
        eta += float(point.coefficients[r, k] * seen.x[k, i, j])
    if point.sender.shape[1]:
        eta += float(point.sender[r, i])
        if seen.shared:
            eta += float(point.sender[r, j])
    if point.receiver.shape[1]:
        eta += float(point.receiver[r, j])
    return eta


def dyad_states(there: float, back: float, rho: float) -> dict[tuple[int, int], float]:
    """Return the probability of each state of a dyad with reciprocity."""
    size = {(y, x): y * there + x * back + y * x * rho for y in (0, 1) for x in (0, 1)}
    top = max(size.values())
    whole = sum(math.exp(v - top) for v in size.values())
    return {state: math.exp(v - top) / whole for state, v in size.items()}


def log_likelihood(point: Point, seen: Seen, scale: float = 1.0, shift: float = 0.0) -> float:
    """Return the log-likelihood of what was seen, every distance times ``scale`` and every intercept plus ``shift``."""
    terms = []
    for r in range(len(point.intercepts)):
        for i in range(point.positions.shape[1]):
            for j in range(i):
                there, back = (predictor(point, seen, r, pair, scale, shift) for pair in ((i, j), (j, i)))
                if seen.form == "reciprocal":
                    states = dyad_states(there, back, float(point.reciprocity[r]))
                    fitting = [
                        p
                        for (y, x), p in states.items()
                        if (not seen.observed[r, i, j] or y == seen.ties[r, i, j])
                        and (not seen.observed[r, j, i] or x == seen.ties[r, j, i])
                    ]
                    terms.append(math.log(sum(fitting)))
                    continue
                for eta, a, b in ((there, i, j), (back, j, i))[: 2 if seen.directed else 1]:
                    if seen.observed[r, a, b]:
                        loss = math.exp(eta) if seen.form == "poisson" else log1p_exp(eta)
                        terms.append(float(seen.ties[r, a, b]) * eta - loss)
    return math.fsum(terms)


def log_mixture(positions: Floats, weights: Floats, centres: Floats, variances: Floats) -> float:
    """Return the log-density of all positions, labels summed out."""
    n_dims, n = positions.shape
    total = 0.0
    for i in range(n):
        density = 0.0
        for weight, centre, variance in zip(weights, centres, variances, strict=True):
            squared = float(((positions[:, i] - centre) ** 2).sum())
            density += weight * (2.0 * math.pi * variance) ** (-0.5 * n_dims) * math.exp(-0.5 * squared / variance)
        total += math.log(density)
    return total


def log_prior(point: Point, effect_variances: Floats, prior: Prior) -> float:
    """Return the log-prior of all but positions and weights, that of log variances with its Jacobian."""
    total = float(stats.norm(prior.intercept_mean, math.sqrt(prior.intercept_variance)).logpdf(point.intercepts).sum())
    slope = stats.norm(0.0, math.sqrt(prior.coefficient_variance))
    total += float(slope.logpdf(point.coefficients).sum() + slope.logpdf(point.reciprocity).sum())
    for side, effects in enumerate((point.sender, point.receiver)):
        for r, row in enumerate(effects):
            total += float(stats.norm(0.0, math.sqrt(effect_variances[r, side])).logpdf(row).sum())
    if prior.centre_variance > 0.0:
        total += float(stats.norm(0.0, math.sqrt(prior.centre_variance)).logpdf(point.centres).sum())
    half = 0.5 * prior.variance_degrees
    spread = stats.invgamma(half, scale=half * prior.variance_scale)
    return total + float((spread.logpdf(np.exp(point.log_variances)) + point.log_variances).sum())


def log_density(
    vector: Floats, shape: Shape, seen: Seen, prior: Prior, weights: Floats, effect_variances: Floats
) -> float:
    """Return the whole log-density of a flat vector."""
    point = views(vector, shape)
    return (
        log_likelihood(point, seen)
        + log_mixture(point.positions, weights, point.centres, np.exp(point.log_variances))
        + log_prior(point, effect_variances, prior)
    )


def gradient(function: Callable[[Floats], float], at: Floats, step: float = 1e-5) -> Floats:
    """Return the gradient by central differences."""
    out = np.zeros(len(at))
    for a in range(len(at)):
        up, down = at.copy(), at.copy()
        up[a] += step
        down[a] -= step
        out[a] = (function(up) - function(down)) / (2.0 * step)
    return out
