"""Loops over posterior draws that would need too much memory as array operations."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.compile import fast_kernel, kernel
from simlab.kernels.dyads import Floats


@fast_kernel
def mean_probability(positions: NDArray[np.float32], intercepts: Floats) -> Floats:
    """Return the mean over draws of the probability of a tie: (n_relations, n_actors, n_actors), symmetric.

    positions : (n_draws, n_actors, n_dims); intercepts : (n_draws, n_relations). The diagonal is 0.
    """
    n_draws, n, n_dims = positions.shape
    n_relations = intercepts.shape[1]
    total = np.zeros((n_relations, n, n))
    for t in range(n_draws):
        for i in range(1, n):
            for j in range(i):
                squared = 0.0
                for k in range(n_dims):
                    difference = np.float64(positions[t, i, k]) - np.float64(positions[t, j, k])
                    squared += difference * difference
                distance = math.sqrt(squared)
                for r in range(n_relations):
                    total[r, i, j] += 1.0 / (1.0 + math.exp(distance - intercepts[t, r]))
    for r in range(n_relations):
        for i in range(1, n):
            for j in range(i):
                total[r, i, j] /= n_draws
                total[r, j, i] = total[r, i, j]
    return total


@kernel
def pair_distances(positions: NDArray[np.float32], out: Floats) -> None:
    """Fill ``out`` (n_pairs,) with the distances of one draw (n_actors, n_dims), row by row below the diagonal."""
    n, n_dims = positions.shape
    at = 0
    for i in range(1, n):
        for j in range(i):
            squared = 0.0
            for k in range(n_dims):
                difference = np.float64(positions[i, k]) - np.float64(positions[j, k])
                squared += difference * difference
            out[at] = math.sqrt(squared)
            at += 1
