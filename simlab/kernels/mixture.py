"""The mixture of spherical normals over the positions, labels summed out, and its priors, with gradients."""

from __future__ import annotations

import math

from simlab.foundation.compile import lean_fast_kernel
from simlab.kernels.chain_state import Point, Prior
from simlab.kernels.dyads import Floats
from simlab.kernels.exponential import decay

_LOG_TWO_PI = math.log(2.0 * math.pi)
# Logarithms are of products of so many factors of at most n_clusters.
_FACTORS = 64


@lean_fast_kernel
def fill_shares(
    positions: Floats, centres: Floats, log_variances: Floats, weights: Floats, shares: Floats, squares: Floats
) -> float:
    """Return the log-density of all positions; fill the probabilities of membership and the squared distances.

    positions : (n_dims, n_actors); shares : (n_clusters + 2, n_actors), of which the last two rows are a buffer;
    squares : (n_clusters, n_actors), from each centre.
    """
    n_dims, n = positions.shape
    n_clusters = centres.shape[0]
    largest, mass = shares[n_clusters], shares[n_clusters + 1]
    for i in range(n):
        largest[i] = -1e300
        mass[i] = 0.0
    for g in range(n_clusters):
        square, share = squares[g], shares[g]
        for i in range(n):
            square[i] = 0.0
        for k in range(n_dims):
            centre, row = centres[g, k], positions[k]
            for i in range(n):
                square[i] += (row[i] - centre) * (row[i] - centre)
        level = math.log(weights[g]) - 0.5 * n_dims * (log_variances[g] + _LOG_TWO_PI)
        half = 0.5 * math.exp(-log_variances[g])
        for i in range(n):
            share[i] = level - half * square[i]
            largest[i] = max(largest[i], share[i])
    for g in range(n_clusters):
        share = shares[g]
        for i in range(n):
            share[i] = decay(largest[i] - share[i])
            mass[i] += share[i]
    for g in range(n_clusters):
        share = shares[g]
        for i in range(n):
            share[i] /= mass[i]
    total = 0.0
    for start in range(0, n, _FACTORS):
        product = 1.0
        for i in range(start, min(n, start + _FACTORS)):
            product *= mass[i]
            total += largest[i]
        total += math.log(product)
    return total


@lean_fast_kernel
def add_mixture(point: Point, pull: Point, weights: Floats, shares: Floats, squares: Floats, sums: Floats) -> float:
    """Return the log-density of all positions under the mixture, labels summed out; add its gradient to ``pull``.

    Buffers as in ``fill_shares``; sums : (n_clusters, n_dims + 1) becomes the expected counts of actors.
    """
    n_dims, n = point.positions.shape
    total = fill_shares(point.positions, point.centres, point.log_variances, weights, shares, squares)
    for g in range(point.centres.shape[0]):
        share, square = shares[g], squares[g]
        precision = math.exp(-point.log_variances[g])
        count = 0.0
        spread = 0.0
        for i in range(n):
            count += share[i]
            spread += share[i] * square[i]
        sums[g, n_dims] = count
        pull.log_variances[g] += 0.5 * (spread * precision - n_dims * count)
        for k in range(n_dims):
            centre, row, out = point.centres[g, k], point.positions[k], pull.positions[k]
            moment = 0.0
            for i in range(n):
                force = share[i] * (row[i] - centre)
                out[i] -= precision * force
                moment += force
            pull.centres[g, k] += precision * moment
            sums[g, k] = centre * count + moment
    return total


@lean_fast_kernel
def add_prior(point: Point, pull: Point, effect_variances: Floats, prior: Prior) -> float:
    """Return the log-prior of all but positions and weights, up to a constant; add its gradient."""
    total = 0.0
    for r in range(point.intercepts.shape[0]):
        away = point.intercepts[r] - prior.intercept_mean
        total -= 0.5 * away * away / prior.intercept_variance
        pull.intercepts[r] -= away / prior.intercept_variance
        for k in range(point.coefficients.shape[1]):
            value = point.coefficients[r, k]
            total -= 0.5 * value * value / prior.coefficient_variance
            pull.coefficients[r, k] -= value / prior.coefficient_variance
        for i in range(point.sender.shape[1]):
            value = point.sender[r, i]
            total -= 0.5 * value * value / effect_variances[r, 0]
            pull.sender[r, i] -= value / effect_variances[r, 0]
        for i in range(point.receiver.shape[1]):
            value = point.receiver[r, i]
            total -= 0.5 * value * value / effect_variances[r, 1]
            pull.receiver[r, i] -= value / effect_variances[r, 1]
    for r in range(point.reciprocity.shape[0]):
        value = point.reciprocity[r]
        total -= 0.5 * value * value / prior.coefficient_variance
        pull.reciprocity[r] -= value / prior.coefficient_variance
    for g in range(point.centres.shape[0]):
        if prior.centre_variance > 0.0:
            for k in range(point.centres.shape[1]):
                total -= 0.5 * point.centres[g, k] * point.centres[g, k] / prior.centre_variance
                pull.centres[g, k] -= point.centres[g, k] / prior.centre_variance
        # The density of the logarithm: that of the variance times the variance.
        spread = 0.5 * prior.variance_degrees * prior.variance_scale * math.exp(-point.log_variances[g])
        total -= 0.5 * prior.variance_degrees * point.log_variances[g] + spread
        pull.log_variances[g] += spread - 0.5 * prior.variance_degrees
    return total
