"""What a chain of the latent position cluster model is made of: data, prior, state, tuning, buffers, and the flat vector.

The Hamiltonian step works on one flat vector: positions (n_dims x n_actors), intercepts, centres (n_clusters x n_dims),
logarithms of the variances.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.compile import kernel
from simlab.kernels.dyads import Floats


class Data(NamedTuple):
    """Counts of ties and of answers for each unordered dyad: (n_relations, n_actors, n_actors), symmetric."""

    ties: Floats
    observed: Floats


class Prior(NamedTuple):
    """The numbers of the priors, named as in the text of this module."""

    intercept_mean: float
    intercept_variance: float
    centre_variance: float
    variance_degrees: float
    variance_scale: float
    concentration: float


class State(NamedTuple):
    """What a chain carries. positions : (n_dims, n_actors); centres : (n_clusters, n_dims)."""

    positions: Floats
    intercepts: Floats
    centres: Floats
    variances: Floats
    weights: Floats
    labels: NDArray[np.int64]


class Tuning(NamedTuple):
    """Step size, largest number of leapfrog steps, masses, and the Cholesky factor (2, 2) of the scale proposal."""

    step_size: float
    n_steps: int
    masses: Floats
    scale_factor: Floats
    n_scale_moves: int


class Info(NamedTuple):
    """What diagnostics want of one sweep; a divergence is a step whose energy error is over 1000 or not finite."""

    log_likelihood: float
    acceptance: float
    divergent: bool
    scale_acceptance: float


class Work(NamedTuple):
    """Buffers of one chain, so that a sweep allocates nothing of size."""

    vector: Floats
    momentum: Floats
    gradient: Floats
    intercepts: Floats
    distances: Floats
    rows: Floats
    terms: Floats


@kernel
def new_work(n_dims: int, n: int, n_relations: int, n_clusters: int) -> Work:
    """Return the buffers for a problem of this size."""
    size = n_dims * n + n_relations + n_clusters * (n_dims + 1)
    return Work(
        np.zeros(size),
        np.zeros(size),
        np.zeros(size),
        np.zeros(n_relations),
        np.zeros((n, n)),
        np.zeros((2, n)),
        np.zeros(n_clusters),
    )


@kernel
def unpacked(vector: Floats, state: State) -> tuple[Floats, Floats, Floats, Floats]:
    """Return views of the flat vector: positions, intercepts, centres, log variances."""
    n_dims, n = state.positions.shape
    n_relations = state.intercepts.shape[0]
    n_clusters = state.weights.shape[0]
    first = n_dims * n
    second = first + n_relations
    third = second + n_clusters * n_dims
    return (
        vector[:first].reshape((n_dims, n)),
        vector[first:second],
        vector[second:third].reshape((n_clusters, n_dims)),
        vector[third:],
    )


@kernel
def pack(state: State, vector: Floats) -> None:
    """Write the state into the flat vector. Loops, because whole-array assignments take seconds to compile."""
    at = 0
    for k in range(state.positions.shape[0]):
        for i in range(state.positions.shape[1]):
            vector[at] = state.positions[k, i]
            at += 1
    for r in range(state.intercepts.shape[0]):
        vector[at] = state.intercepts[r]
        at += 1
    for g in range(state.centres.shape[0]):
        for k in range(state.centres.shape[1]):
            vector[at] = state.centres[g, k]
            at += 1
    for g in range(state.variances.shape[0]):
        vector[at] = math.log(state.variances[g])
        at += 1


@kernel
def unpack(vector: Floats, state: State) -> None:
    """Write the flat vector into the state."""
    at = 0
    for k in range(state.positions.shape[0]):
        for i in range(state.positions.shape[1]):
            state.positions[k, i] = vector[at]
            at += 1
    for r in range(state.intercepts.shape[0]):
        state.intercepts[r] = vector[at]
        at += 1
    for g in range(state.centres.shape[0]):
        for k in range(state.centres.shape[1]):
            state.centres[g, k] = vector[at]
            at += 1
    for g in range(state.variances.shape[0]):
        state.variances[g] = math.exp(vector[at])
        at += 1
