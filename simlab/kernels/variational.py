"""The variational bound of the latent position cluster model, with its gradient.

What varies is one flat vector: means of the positions (n_dims x n_actors), logarithms of their variances, intercepts,
means of the centres (n_clusters x n_dims), logarithms of the clusters' spreads. Memberships are at their best throughout,
which turns the sum over clusters into the logarithm of a sum; all else is held while the bound climbs (see
``simlab.models.variational``).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from simlab.foundation.compile import fast_kernel, kernel
from simlab.kernels.chain_state import Prior
from simlab.kernels.dyads import BLOCK, Floats, Singles
from simlab.kernels.expected import Normals, Rule, expected_log_likelihood
from simlab.kernels.exponential import decay

# Logarithms are of products of so many factors of at most n_clusters.
_FACTORS = 64


class Held(NamedTuple):
    """What a climb does not change.

    ties, observed : (n_relations, n_dyads); nodes : (n_nodes, n_dims), node_weights : (n_nodes,), places that stand for a
    standard normal; levels : (n_clusters,), what the expected log-density of a cluster has besides its spread and the
    distance from its centre; centre_variances : (n_clusters,), of the approximation.
    """

    ties: Singles
    observed: Singles
    rule: Rule
    nodes: Floats
    node_weights: Floats
    levels: Floats
    centre_variances: Floats
    prior: Prior


class Parts(NamedTuple):
    """Views of the flat vector, or of its gradient."""

    positions: Floats
    log_variances: Floats
    intercepts: Floats
    centres: Floats
    log_spreads: Floats


class Buffers(NamedTuple):
    """The flat vector and its gradient, as a whole and in parts, and buffers.

    variances, deviations : (n_actors,); blocks : (4, BLOCK); places : (n_dims, n_actors); shares : (n_clusters + 2,
    n_actors); membership : (n_clusters, n_actors); sums : (n_clusters, n_dims + 2), each cluster's sums over actors of the
    distances from its centre along the axes, of one, and of the squared distances.
    """

    vector: Floats
    gradient: Floats
    at: Parts
    pull: Parts
    variances: Floats
    deviations: Floats
    blocks: Floats
    places: Floats
    shares: Floats
    membership: Floats
    sums: Floats


@kernel
def parts(flat: Floats, n_dims: int, n: int, n_relations: int, n_clusters: int) -> Parts:
    """Return the views of a flat vector."""
    a = n_dims * n
    b = a + n
    c = b + n_relations
    d = c + n_clusters * n_dims
    return Parts(flat[:a].reshape((n_dims, n)), flat[a:b], flat[b:c], flat[c:d].reshape((n_clusters, n_dims)), flat[d:])


@kernel
def new_buffers(n_dims: int, n: int, n_relations: int, n_clusters: int) -> Buffers:
    """Return buffers for a problem of these sizes."""
    size = n_dims * n + n + n_relations + n_clusters * n_dims + n_clusters
    vector, gradient = np.zeros(size), np.zeros(size)
    return Buffers(
        vector,
        gradient,
        parts(vector, n_dims, n, n_relations, n_clusters),
        parts(gradient, n_dims, n, n_relations, n_clusters),
        np.zeros(n),
        np.zeros(n),
        np.zeros((4, BLOCK)),
        np.zeros((n_dims, n)),
        np.zeros((n_clusters + 2, n)),
        np.zeros((n_clusters, n)),
        np.zeros((n_clusters, n_dims + 2)),
    )


@fast_kernel
def _fill_shares(held: Held, buffers: Buffers) -> float:
    """Return the sum over ``places`` of the logarithm of the mixture's expected density; fill the memberships there."""
    at, shares = buffers.at, buffers.shares
    n_dims, n = buffers.places.shape
    n_clusters = at.centres.shape[0]
    largest, mass = shares[n_clusters], shares[n_clusters + 1]
    for i in range(n):
        largest[i] = -1e300
        mass[i] = 0.0
    for g in range(n_clusters):
        share = shares[g]
        for i in range(n):
            share[i] = n_dims * held.centre_variances[g]
        for k in range(n_dims):
            centre, row = at.centres[g, k], buffers.places[k]
            for i in range(n):
                share[i] += (row[i] - centre) * (row[i] - centre)
        level = held.levels[g] - 0.5 * n_dims * at.log_spreads[g]
        half = 0.5 * math.exp(-at.log_spreads[g])
        for i in range(n):
            share[i] = level - half * share[i]
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


@fast_kernel
def _add_node(held: Held, buffers: Buffers, node: int) -> float:
    """Add what one place of each position has: return its part of the bound, add to gradient, membership and sums."""
    at, pull, sums = buffers.at, buffers.pull, buffers.sums
    n_dims, n = at.positions.shape
    weight: float = held.node_weights[node]
    for k in range(n_dims):
        step, row, place = held.nodes[node, k], at.positions[k], buffers.places[k]
        for i in range(n):
            place[i] = row[i] + step * buffers.deviations[i]
    total = _fill_shares(held, buffers)
    for g in range(at.centres.shape[0]):
        share, member = buffers.shares[g], buffers.membership[g]
        for i in range(n):
            share[i] *= weight
            member[i] += share[i]
        precision = math.exp(-at.log_spreads[g])
        count, square = 0.0, 0.0
        for i in range(n):
            count += share[i]
        sums[g, n_dims] += count
        for k in range(n_dims):
            half_step = 0.5 * held.nodes[node, k]
            centre, place, out = at.centres[g, k], buffers.places[k], pull.positions[k]
            moment = 0.0
            for i in range(n):
                away = place[i] - centre
                force = share[i] * away
                moment += force
                square += force * away
                out[i] -= precision * force
                pull.log_variances[i] -= precision * force * half_step * buffers.deviations[i]
            sums[g, k] += moment
        sums[g, n_dims + 1] += square
    return weight * total


@fast_kernel
def add_clusters(held: Held, buffers: Buffers) -> float:
    """Return what the bound has of positions given clusters; add to the gradient, and fill membership and sums."""
    at, pull, sums = buffers.at, buffers.pull, buffers.sums
    n_dims, n = at.positions.shape
    n_clusters = at.centres.shape[0]
    for g in range(n_clusters):
        for k in range(n_dims + 2):
            sums[g, k] = 0.0
        for i in range(n):
            buffers.membership[g, i] = 0.0
    total = 0.0
    for node in range(held.nodes.shape[0]):
        total += _add_node(held, buffers, node)
    for g in range(n_clusters):
        precision = math.exp(-at.log_spreads[g])
        for k in range(n_dims):
            pull.centres[g, k] += precision * sums[g, k]
        count = sums[g, n_dims]
        square = sums[g, n_dims + 1] + n_dims * count * held.centre_variances[g]
        pull.log_spreads[g] += 0.5 * (precision * square - n_dims * count)
    return total


@fast_kernel
def add_priors(held: Held, buffers: Buffers) -> float:
    """Return what the bound has of the priors and of the entropy of positions, constants apart; add to the gradient."""
    at, pull, prior = buffers.at, buffers.pull, held.prior
    n_dims, n = at.positions.shape
    total = 0.0
    for i in range(n):
        total += 0.5 * n_dims * at.log_variances[i]
        pull.log_variances[i] += 0.5 * n_dims
    for r in range(at.intercepts.shape[0]):
        away = at.intercepts[r] - prior.intercept_mean
        total -= 0.5 * away * away / prior.intercept_variance
        pull.intercepts[r] -= away / prior.intercept_variance
    for g in range(at.centres.shape[0]):
        for k in range(n_dims):
            total -= 0.5 * at.centres[g, k] * at.centres[g, k] / prior.centre_variance
            pull.centres[g, k] -= at.centres[g, k] / prior.centre_variance
        half = 0.5 * prior.variance_degrees
        share = prior.variance_scale * math.exp(-at.log_spreads[g])
        total -= half * (at.log_spreads[g] + share)
        pull.log_spreads[g] += half * (share - 1.0)
    return total


@fast_kernel
def variable_bound(held: Held, buffers: Buffers) -> float:
    """Return all of the bound that depends on the flat vector; fill its gradient and the memberships."""
    at, pull = buffers.at, buffers.pull
    n = buffers.variances.shape[0]
    for a in range(buffers.gradient.shape[0]):
        buffers.gradient[a] = 0.0
    for i in range(n):
        buffers.variances[i] = math.exp(at.log_variances[i])
        buffers.deviations[i] = math.sqrt(buffers.variances[i])
    value = expected_log_likelihood(
        Normals(at.positions, buffers.variances, at.intercepts),
        held.ties,
        held.observed,
        held.rule,
        Normals(pull.positions, pull.log_variances, pull.intercepts),
        buffers.blocks,
    )
    for i in range(n):
        pull.log_variances[i] *= buffers.variances[i]
    return value + add_clusters(held, buffers) + add_priors(held, buffers)
