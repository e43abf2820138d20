"""Loops over posterior draws that would need too much memory as array operations."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.compile import lean_fast_kernel, lean_kernel
from simlab.kernels.chain import Draws
from simlab.kernels.chain_state import POISSON, RECIPROCAL, Data, State, Work, unpacked
from simlab.kernels.dyads import BLOCK, Floats, advance, fill_distances
from simlab.kernels.exponential import decay
from simlab.kernels.predictors import fill_predictors, spread_effects


@lean_kernel
def recall(draws: Draws, t: int, state: State) -> None:
    """Write draw ``t`` into the state, as far as the likelihood needs it."""
    point = unpacked(state.vector, state.shape)
    n_dims, n = point.positions.shape
    for i in range(n):
        for k in range(n_dims):
            point.positions[k, i] = draws.positions[t, i, k]
    for r in range(point.intercepts.shape[0]):
        point.intercepts[r] = draws.intercepts[t, r]
        for k in range(point.coefficients.shape[1]):
            point.coefficients[r, k] = draws.coefficients[t, r, k]
        for i in range(point.sender.shape[1]):
            point.sender[r, i] = draws.sender[t, r, i]
        for i in range(point.receiver.shape[1]):
            point.receiver[r, i] = draws.receiver[t, r, i]
    for r in range(point.reciprocity.shape[0]):
        point.reciprocity[r] = draws.reciprocity[t, r]


@lean_fast_kernel
def add_means(eta: Floats, form: int, rho: float, weight: float, means: Floats) -> None:
    """Add ``weight`` times the expected ties of dyads with these eta (2 or 1, count) to ``means``."""
    if form == RECIPROCAL:
        for j in range(eta.shape[1]):
            there, back = eta[0, j], eta[1, j]
            joint = there + back + rho
            top = max(max(0.0, there), max(back, joint))
            one, other, two = decay(top - there), decay(top - back), decay(top - joint)
            whole = decay(top) + one + other + two
            means[0, j] += weight * (one + two) / whole
            means[1, j] += weight * (other + two) / whole
        return
    for side in range(eta.shape[0]):
        row, out = eta[side], means[side]
        for j in range(row.shape[0]):
            e = decay(abs(row[j]))
            if form == POISSON:
                out[j] += weight * (1.0 / e if row[j] >= 0.0 else e)
            else:
                out[j] += weight * (1.0 if row[j] >= 0.0 else e) / (1.0 + e)


@lean_fast_kernel
def mean_ties(draws: Draws, state: State, data: Data, work: Work, means: Floats) -> None:
    """Add to ``means`` (n_relations, 2, n_dyads) the mean over draws of the expected ties, there and back.

    ``state`` and ``work`` are buffers. Where the data hold the sums of both ways, so that a model is symmetric, only the
    first of the two has a meaning.
    """
    n_draws = draws.log_likelihood.shape[0]
    size = work.distances.shape[0]
    for t in range(n_draws):
        recall(draws, t, state)
        point = unpacked(state.vector, state.shape)
        fill_distances(point.positions, work.distances)
        for r in range(point.intercepts.shape[0]):
            spread_effects(point, r, data.shared_effects, work.effects[:2])
            rho = point.reciprocity[r] if data.form == RECIPROCAL else 0.0
            i, start = 1, 0
            for at in range(0, size, BLOCK):
                count = min(BLOCK, size - at)
                base = work.blocks[0, :count]
                for j in range(count):
                    base[j] = point.intercepts[r] - work.distances[at + j]
                eta = work.blocks[2:, :count]
                fill_predictors(point, data, r, (i, start, at), base, work.effects[:2], eta)
                if data.ties_back.shape[1] == 0:
                    eta = eta[:1]
                add_means(eta, data.form, rho, 1.0 / n_draws, means[r, :, at : at + count])
                i, start = advance(i, start, count)


@lean_kernel
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
