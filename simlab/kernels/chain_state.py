"""What a chain of the latent position cluster model is made of: data, prior, state, tuning, buffers, and the flat vector.

The Hamiltonian step works on one flat vector: positions (n_dims x n_actors), intercepts, coefficients (n_relations x
n_covariates), reciprocity, sender and receiver effects (n_relations x n_actors), centres (n_clusters x n_dims),
logarithms of the variances. What a model does not have takes no place.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.compile import lean_kernel
from simlab.kernels.dyads import BLOCK, Floats, Singles

Indices = NDArray[np.int32]

# The forms of the data: counts of each unordered dyad with nothing but an intercept, for which there are faster loops;
# ties with covariates or effects; counts; ties whose dyads have reciprocity.
PLAIN, BERNOULLI, POISSON, RECIPROCAL = 0, 1, 2, 3


class Data(NamedTuple):
    """Ties and answers of each dyad {i, j}, j < i, at i (i - 1) / 2 + j: those from i to j, and back.

    Or of a list of dyads: then ``first`` and ``second`` (n_dyads,) are i and j of each, else (0,). Those from the
    ``n_whole``-th on are a sample, each of which stands for ``weight`` dyads. Only the posterior mode takes lists.

    open_ties : (n_open, 4), ties that a respondent who named as many as allowed, ``open_named`` (n_limited,), may have
    besides: relation, later and earlier actor, and 1 where it goes from the earlier one, else 0. Those of a respondent
    stand together, from ``open_starts`` (n_limited + 1,) on. ``open_state`` : (n_open,), whether it is there at present.
    components : (n_actors,), the number of the component that an actor is in, where it is a small one, else -1.
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
    components: NDArray[np.int64]
    open_ties: Indices
    open_starts: NDArray[np.int64]
    open_named: NDArray[np.int64]
    open_state: NDArray[np.int8]
    first: Indices
    second: Indices
    n_whole: int
    weight: float


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


class Shape(NamedTuple):
    """The sizes of a problem; those of what the model does not have are 0."""

    n_dims: int
    n_actors: int
    n_relations: int
    n_covariates: int
    n_reciprocity: int
    n_senders: int
    n_receivers: int
    n_clusters: int

    @property
    def size(self) -> int:
        """The length of the flat vector."""
        effects = self.n_relations * (1 + self.n_covariates + self.n_senders + self.n_receivers)
        return self.n_dims * self.n_actors + effects + self.n_reciprocity + self.n_clusters * (self.n_dims + 1)


class State(NamedTuple):
    """What a chain carries: the flat vector, and effect_variances (n_relations, 2), weights (n_clusters,), labels."""

    shape: Shape
    vector: Floats
    effect_variances: Floats
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
    """Step size, largest number of leapfrog steps, masses, the Cholesky factor (2, 2) of the scale proposal, and the numbers
    of scale moves and of jumps between clusters in a sweep.

    An inverse mass and a root of 0 hold a quantity where it is.
    """

    step_size: float
    n_steps: int
    inverse_masses: Floats
    root_masses: Floats
    scale_factor: Floats
    n_scale_moves: int
    n_jumps: int


class Info(NamedTuple):
    """What diagnostics want of one sweep; a divergence is a step whose energy error is over 1000 or not finite."""

    log_likelihood: float
    acceptance: float
    divergent: bool
    scale_acceptance: float


class Work(NamedTuple):
    """Buffers of one chain, so that a sweep allocates nothing of size; ``aside`` is a gradient that nobody
    reads, and in ``masses`` and ``bends`` (2, 2) the warm-up sums the curvature."""

    vector: Floats
    momentum: Floats
    gradient: Floats
    aside: Floats
    intercepts: Floats
    distances: Floats
    blocks: Floats
    effects: Floats
    shares: Floats
    squares: Floats
    sums: Floats
    masses: Floats
    bends: Floats
    single_positions: Singles
    single_gradient: Singles
    single_intercepts: Singles
    single_blocks: Singles


def new_work(shape: Shape, *, listed: bool = False) -> Work:
    """Return the buffers for a problem of this size; with ``listed`` dyads there is no room for all distances."""
    size, n, n_dims = shape.size, shape.n_actors, shape.n_dims
    return Work(
        vector=np.zeros(size),
        momentum=np.zeros(size),
        gradient=np.zeros(size),
        aside=np.zeros(size),
        intercepts=np.zeros(shape.n_relations),
        distances=np.zeros(0 if listed else n * (n - 1) // 2),
        blocks=np.zeros((4, BLOCK)),
        effects=np.zeros((4, n)),
        shares=np.zeros((shape.n_clusters + 2, n)),
        squares=np.zeros((shape.n_clusters, n)),
        sums=np.zeros((shape.n_clusters, n_dims + 1)),
        masses=np.zeros(size),
        bends=np.zeros((2, 2)),
        single_positions=np.zeros((n_dims, n), dtype=np.float32),
        single_gradient=np.zeros((n_dims, n), dtype=np.float32),
        single_intercepts=np.zeros(shape.n_relations, dtype=np.float32),
        single_blocks=np.zeros((4, BLOCK), dtype=np.float32),
    )


def views(vector: Floats, shape: Shape) -> Point:
    """Return views of a flat vector, for use outside kernels."""
    n_dims, n, relations = shape[0], shape[1], shape[2]
    a = n_dims * n
    b = a + relations
    c = b + relations * shape[3]
    d = c + shape[4]
    e = d + relations * shape[5]
    f = e + relations * shape[6]
    g = f + shape[7] * n_dims
    return Point(
        vector[:a].reshape((n_dims, n)),
        vector[a:b],
        vector[b:c].reshape((relations, shape[3])),
        vector[c:d],
        vector[d:e].reshape((relations, shape[5])),
        vector[e:f].reshape((relations, shape[6])),
        vector[f:g].reshape((shape[7], n_dims)),
        vector[g:],
    )


# For use within lean kernels, where views cost next to nothing. It returns arrays without counting who refers to them, and
# so must not be called from anywhere else.
unpacked = lean_kernel(views)


@lean_kernel
def copy(source: Floats, target: Floats) -> None:
    """Copy a flat vector. A loop, because whole-array assignments take seconds to compile."""
    for a in range(source.shape[0]):
        target[a] = source[a]
