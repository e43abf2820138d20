"""What a climb of the variational bound is made of: what it holds, the flat vector and its parts, and buffers.

The flat vector: means of the positions (n_dims x n_actors), logarithms of their variances, intercepts, coefficients
(n_relations x n_covariates), reciprocity, means of sender and receiver effects (n_relations x n_actors) and logarithms of
their variances, means of the centres (n_clusters x n_dims), logarithms of the clusters' spreads. What a model does not
have takes no place.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from simlab.kernels.chain_state import Data, Prior, Shape
from simlab.kernels.dyads import BLOCK, Floats
from simlab.kernels.expected import Rule
from simlab.kernels.expected_predictors import N_BLOCKS, N_SIDES, Noise, Spread


class Held(NamedTuple):
    """What a climb does not change.

    noise : places that stand for the effects of a dyad; nodes : (n_nodes, n_dims), node_weights : (n_nodes,), places that
    stand for a standard normal; levels : (n_clusters,), what the expected log-density of a cluster has besides its spread
    and the distance from its centre; centre_variances : (n_clusters,), of the approximation.
    """

    data: Data
    rule: Rule
    noise: Noise
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
    coefficients: Floats
    reciprocity: Floats
    sender: Floats
    receiver: Floats
    sender_log_variances: Floats
    receiver_log_variances: Floats
    centres: Floats
    log_spreads: Floats


class Buffers(NamedTuple):
    """The flat vector and its gradient, as a whole and in parts, and buffers.

    variances : of positions and effects; deviations : (n_actors,), of positions; blocks : (N_BLOCKS, BLOCK); sides :
    (N_SIDES, n_actors); slopes : (n_relations,), of reciprocity; places : (n_dims, n_actors); shares : (n_clusters + 2,
    n_actors); membership : (n_clusters, n_actors); sums : (n_clusters, n_dims + 2), each cluster's sums over actors of the
    distances from its centre along the axes, of one, and of the squared distances.
    """

    vector: Floats
    gradient: Floats
    at: Parts
    pull: Parts
    variances: Spread
    deviations: Floats
    blocks: Floats
    sides: Floats
    slopes: Floats
    places: Floats
    shares: Floats
    membership: Floats
    sums: Floats


def parts(flat: Floats, shape: Shape) -> Parts:
    """Return the views of a flat vector."""
    sizes = [int(np.prod(size)) for size in _sizes(shape)]
    edges = pairwise(np.cumsum([0, *sizes]))
    return Parts(*(flat[a:b].reshape(size) for (a, b), size in zip(edges, _sizes(shape), strict=True)))


def new_buffers(shape: Shape) -> Buffers:
    """Return buffers for a problem of these sizes."""
    n, n_dims, n_relations, n_clusters = shape.n_actors, shape.n_dims, shape.n_relations, shape.n_clusters
    size = sum(int(np.prod(size)) for size in _sizes(shape))
    vector, gradient = np.zeros(size), np.zeros(size)
    return Buffers(
        vector=vector,
        gradient=gradient,
        at=parts(vector, shape),
        pull=parts(gradient, shape),
        variances=Spread(
            np.zeros(n), np.zeros((n_relations, shape.n_senders)), np.zeros((n_relations, shape.n_receivers))
        ),
        deviations=np.zeros(n),
        blocks=np.zeros((N_BLOCKS, BLOCK)),
        sides=np.zeros((N_SIDES, n)),
        slopes=np.zeros(shape.n_reciprocity),
        places=np.zeros((n_dims, n)),
        shares=np.zeros((n_clusters + 2, n)),
        membership=np.zeros((n_clusters, n)),
        sums=np.zeros((n_clusters, n_dims + 2)),
    )


def _sizes(shape: Shape) -> tuple[tuple[int, ...], ...]:
    """Return the sizes of the parts of a flat vector, in their order."""
    n, relations = shape.n_actors, shape.n_relations
    sender, receiver = (relations, shape.n_senders), (relations, shape.n_receivers)
    return (
        (shape.n_dims, n),
        (n,),
        (relations,),
        (relations, shape.n_covariates),
        (shape.n_reciprocity,),
        sender,
        receiver,
        sender,
        receiver,
        (shape.n_clusters, shape.n_dims),
        (shape.n_clusters,),
    )
