"""What a chain of the latent position cluster model is made of: data, prior, state, tuning, buffers, and the flat vector.

The Hamiltonian step works on one flat vector: positions (n_dims x n_actors), intercepts, coefficients (n_relations x
n_covariates), reciprocity, sender and receiver effects (n_relations x n_actors), centres (n_clusters x n_dims),
logarithms of the variances. What a model does not have takes no place.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.compile import kernel, lean_kernel
from simlab.kernels.dyads import BLOCK, Floats, Singles

# The forms of the data: counts of each unordered dyad with nothing but an intercept, for which there are faster loops;
# ties with covariates or effects; counts; ties whose dyads have reciprocity.
PLAIN, BERNOULLI, POISSON, RECIPROCAL = 0, 1, 2, 3


class Data(NamedTuple):
    """Ties and answers of each dyad {i, j}, j < i, at i (i - 1) / 2 + j: those from i to j, and back.

    ties, observed : (n_relations, n_dyads); ties_back, observed_back : the same, or (n_relations, 0) where forward holds
    the sums of both ways; covariates, covariates_back : (n_covariates, n_dyads), the latter (n_covariates, 0) likewise.
    shared_effects : one effect for sending and receiving, which ``State.sender`` holds.
    """

    form: int
    shared_effects: bool
    ties: Singles
    observed: Singles
    ties_back: Singles
    observed_back: Singles
    covariates: Floats
    covariates_back: Floats


class Prior(NamedTuple):
    """The numbers of the priors. A centre variance of 0 holds the centres at the origin."""

    intercept_mean: float
    intercept_variance: float
    coefficient_variance: float
    effect_degrees: float
    effect_scale: float
    centre_variance: float
    variance_degrees: float
    variance_scale: float
    concentration: float


class State(NamedTuple):
    """What a chain carries. Shapes as in the text of this module; effect_variances : (n_relations, 2)."""

    positions: Floats
    intercepts: Floats
    coefficients: Floats
    reciprocity: Floats
    sender: Floats
    receiver: Floats
    effect_variances: Floats
    centres: Floats
    variances: Floats
    weights: Floats
    labels: NDArray[np.int64]


class Point(NamedTuple):
    """Views of the flat vector, or of its gradient."""

    positions: Floats
    intercepts: Floats
    coefficients: Floats
    reciprocity: Floats
    sender: Floats
    receiver: Floats
    centres: Floats
    log_variances: Floats


class Tuning(NamedTuple):
    """Step size, largest number of leapfrog steps, masses, and the Cholesky factor (2, 2) of the scale proposal.

    An inverse mass and a root of 0 hold a quantity where it is.
    """

    step_size: float
    n_steps: int
    inverse_masses: Floats
    root_masses: Floats
    scale_factor: Floats
    n_scale_moves: int


class Info(NamedTuple):
    """What diagnostics want of one sweep; a divergence is a step whose energy error is over 1000 or not finite."""

    log_likelihood: float
    acceptance: float
    divergent: bool
    scale_acceptance: float


class Work(NamedTuple):
    """Buffers of one chain, so that a sweep allocates nothing of size.

    point, pull : views of ``vector`` and ``gradient``, made once because making them costs as much as a small likelihood;
    aside : views of a gradient that nobody reads.
    """

    vector: Floats
    momentum: Floats
    gradient: Floats
    point: Point
    pull: Point
    aside: Point
    intercepts: Floats
    distances: Floats
    blocks: Floats
    effects: Floats
    effect_pulls: Floats
    shares: Floats
    squares: Floats
    sums: Floats
    single_positions: Singles
    single_gradient: Singles
    single_intercepts: Singles
    single_blocks: Singles


@kernel
def new_work(state: State) -> Work:
    """Return the buffers for a state of this size."""
    n_dims, n = state.positions.shape
    n_relations = state.intercepts.shape[0]
    n_clusters = state.weights.shape[0]
    size = vector_size(state)
    vector, gradient = np.zeros(size), np.zeros(size)
    return Work(
        vector,
        np.zeros(size),
        gradient,
        unpacked(vector, state),
        unpacked(gradient, state),
        unpacked(np.zeros(size), state),
        np.zeros(n_relations),
        np.zeros(n * (n - 1) // 2),
        np.zeros((4, BLOCK)),
        np.zeros((2, n)),
        np.zeros((2, n)),
        np.zeros((n_clusters + 2, n)),
        np.zeros((n_clusters, n)),
        np.zeros((n_clusters, n_dims + 1)),
        np.zeros((n_dims, n), dtype=np.float32),
        np.zeros((n_dims, n), dtype=np.float32),
        np.zeros(n_relations, dtype=np.float32),
        np.zeros((2, BLOCK), dtype=np.float32),
    )


@lean_kernel
def vector_size(state: State) -> int:
    """Return the length of the flat vector."""
    size: int = (
        state.positions.size
        + state.intercepts.size
        + state.coefficients.size
        + state.reciprocity.size
        + state.sender.size
        + state.receiver.size
        + state.centres.size
        + state.variances.size
    )
    return size


@kernel
def unpacked(vector: Floats, state: State) -> Point:
    """Return views of the flat vector."""
    a = state.positions.size
    b = a + state.intercepts.size
    c = b + state.coefficients.size
    d = c + state.reciprocity.size
    e = d + state.sender.size
    f = e + state.receiver.size
    g = f + state.centres.size
    return Point(
        vector[:a].reshape(state.positions.shape),
        vector[a:b],
        vector[b:c].reshape(state.coefficients.shape),
        vector[c:d],
        vector[d:e].reshape(state.sender.shape),
        vector[e:f].reshape(state.receiver.shape),
        vector[f:g].reshape(state.centres.shape),
        vector[g:],
    )


@lean_kernel
def _write(values: Floats, vector: Floats, at: int) -> int:
    """Write an array (two axes) into the vector; return the next place."""
    for a in range(values.shape[0]):
        for b in range(values.shape[1]):
            vector[at] = values[a, b]
            at += 1
    return at


@lean_kernel
def _read(vector: Floats, at: int, values: Floats) -> int:
    """Read an array (two axes) from the vector; return the next place."""
    for a in range(values.shape[0]):
        for b in range(values.shape[1]):
            values[a, b] = vector[at]
            at += 1
    return at


@lean_kernel
def pack(state: State, vector: Floats) -> None:
    """Write the state into the flat vector. Loops, because whole-array assignments take seconds to compile."""
    at = _write(state.positions, vector, 0)
    at = _write(state.intercepts.reshape((1, -1)), vector, at)
    at = _write(state.coefficients, vector, at)
    at = _write(state.reciprocity.reshape((1, -1)), vector, at)
    at = _write(state.sender, vector, at)
    at = _write(state.receiver, vector, at)
    at = _write(state.centres, vector, at)
    for g in range(state.variances.shape[0]):
        vector[at + g] = math.log(state.variances[g])


@lean_kernel
def unpack(vector: Floats, state: State) -> None:
    """Write the flat vector into the state."""
    at = _read(vector, 0, state.positions)
    at = _read(vector, at, state.intercepts.reshape((1, -1)))
    at = _read(vector, at, state.coefficients)
    at = _read(vector, at, state.reciprocity.reshape((1, -1)))
    at = _read(vector, at, state.sender)
    at = _read(vector, at, state.receiver)
    at = _read(vector, at, state.centres)
    for g in range(state.variances.shape[0]):
        state.variances[g] = math.exp(vector[at + g])
