"""The likelihood of a latent position model over unordered dyads, with its gradient.

For a dyad {i, j} of relation r, let ``ties`` be the number of ties seen between the two (0, 1 or 2 where ties have a
direction) and ``observed`` the number of answers seen. With eta = intercept_r - ||z_i - z_j|| its log-likelihood is

    ties * eta - observed * log(1 + exp(eta))

which covers directed, undirected and partly observed networks alike (Hoff, Raftery & Handcock 2002, equation 2).

Dyads lie in one row, those of actor 1 first, then those of actor 2 and so on: dyad {i, j} with j < i at i (i - 1) / 2 + j.
The loops go over blocks of them, so that short rows leave no remainders: distances row by row, then everything that is
dear in one pass over the block, then the pulls at the positions row by row. Identities keep that pass free of function
calls: with E = exp(-|eta|), log(1 + exp(eta)) = max(eta, 0) + log(1 + E), and a sum of logarithms is the logarithm of a
product; and one division serves both the slope and its share along the distance.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.compile import lean_fast_kernel, lean_kernel
from simlab.kernels.exponential import FARTHEST, decay, single_decay

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Reals = NDArray[np.floating[Any]]

# Factors are at most 4, so that as many stay below the largest double.
BLOCK = 496
# Keeps the distance of two actors at one place off zero.
_SMALLEST = 1e-30
_SINGLE_SMALLEST = np.float32(1e-20)
_ZERO = np.float32(0.0)
_ONE = np.float32(1.0)


@lean_fast_kernel
def advance(i: int, start: int, count: int) -> tuple[int, int]:
    """Return (i, start) of the dyad ``count`` after dyad {i, start}."""
    at = i * (i - 1) // 2 + start + count
    while (i + 1) * i // 2 <= at:
        i += 1
    return i, at - i * (i - 1) // 2


@lean_fast_kernel
def fill_squares(positions: Reals, i: int, start: int, squares: Reals) -> tuple[int, int, int]:
    """Fill ``squares`` with squared distances from dyad (i, start) on; return (count, i, start) of the next dyad."""
    n_dims, n = positions.shape
    size = squares.shape[0]
    at = 0
    while i < n and at < size:
        stop = min(i, start + size - at)
        count = stop - start
        out = squares[at : at + count]
        first, here = positions[0, start:stop], positions[0, i]
        if n_dims == 2:
            second, there = positions[1, start:stop], positions[1, i]
            for j in range(count):
                across = first[j] - here
                along = second[j] - there
                out[j] = across * across + along * along
        else:
            for j in range(count):
                across = first[j] - here
                out[j] = across * across
            for k in range(1, n_dims):
                row, here = positions[k, start:stop], positions[k, i]
                for j in range(count):
                    across = row[j] - here
                    out[j] += across * across
        at += count
        start = stop
        if stop == i:
            i += 1
            start = 0
    return at, i, start


@lean_fast_kernel
def add_pulls(positions: Reals, i: int, start: int, pulls: Reals, gradient: Reals) -> None:
    """Add to ``gradient`` what the dyads from (i, start) on pull; ``pulls`` : slope by eta over distance."""
    n_dims, n = positions.shape
    size = pulls.shape[0]
    at = 0
    while i < n and at < size:
        stop = min(i, start + size - at)
        count = stop - start
        pull = pulls[at : at + count]
        for k in range(n_dims):
            row, here = positions[k, start:stop], positions[k, i]
            out = gradient[k, start:stop]
            total = pull[0] * (row[0] - here)
            out[0] -= total
            for j in range(1, count):
                force = pull[j] * (row[j] - here)
                out[j] -= force
                total += force
            gradient[k, i] += total
        at += count
        start = stop
        if stop == i:
            i += 1
            start = 0


@lean_fast_kernel
def _block_terms(
    squares: Floats, intercept: float, ties: Singles, observed: Singles, pulls: Floats
) -> tuple[float, float]:
    """Return log-likelihood and slope (its derivative by the intercept) of a block; add to ``pulls``."""
    linear = 0.0
    product = 1.0
    slope = 0.0
    for j in range(squares.shape[0]):
        distance = math.sqrt(squares[j] + _SMALLEST)
        eta = intercept - distance
        e = decay(abs(eta))
        tie = np.float64(ties[j])
        seen = np.float64(observed[j])
        linear += tie * eta - seen * max(eta, 0.0)
        product *= 1.0 + seen * e * (1.0 + 0.5 * (seen - 1.0) * e)
        whole = 1.0 + e
        pull = (tie * whole - seen * (1.0 if eta >= 0.0 else e)) / (whole * distance)
        slope += pull * distance
        pulls[j] += pull
    return linear - math.log(product), slope


@lean_fast_kernel
def log_likelihood_gradient(
    positions: Floats,
    intercepts: Floats,
    ties: Singles,
    observed: Singles,
    gradient: Floats,
    intercept_gradient: Floats,
    work: Floats,
) -> float:
    """Return the log-likelihood; fill its gradient by positions and intercepts.

    positions, gradient : (n_dims, n_actors); intercepts, intercept_gradient : (n_relations,);
    ties, observed : (n_relations, n_dyads); work : (2, BLOCK).
    """
    n_dims, n = positions.shape
    for k in range(n_dims):
        for i in range(n):
            gradient[k, i] = 0.0
    for r in range(intercepts.shape[0]):
        intercept_gradient[r] = 0.0
    squares, pulls = work[0], work[1]
    total = 0.0
    i, start, at = 1, 0, 0
    while i < n:
        first_i, first_start = i, start
        count, i, start = fill_squares(positions, i, start, squares)
        for j in range(count):
            pulls[j] = 0.0
        for r in range(intercepts.shape[0]):
            term, slope = _block_terms(
                squares[:count], intercepts[r], ties[r, at : at + count], observed[r, at : at + count], pulls
            )
            total += term
            intercept_gradient[r] += slope
        add_pulls(positions, first_i, first_start, pulls[:count], gradient)
        at += count
    return total


@lean_fast_kernel
def _single_block_terms(
    squares: Singles, intercept: np.float32, ties: Singles, observed: Singles, pulls: Singles
) -> np.float32:
    """Return the slope of a block by the intercept; add to ``pulls``."""
    slope = _ZERO
    for j in range(squares.shape[0]):
        distance = math.sqrt(squares[j] + _SINGLE_SMALLEST)
        eta = intercept - distance
        e = single_decay(abs(eta))
        whole = _ONE + e
        pull = (ties[j] * whole - observed[j] * (_ONE if eta >= _ZERO else e)) / (whole * distance)
        slope += pull * distance
        pulls[j] += pull
    return slope


@lean_fast_kernel
def likelihood_force(
    positions: Singles,
    intercepts: Singles,
    ties: Singles,
    observed: Singles,
    gradient: Singles,
    intercept_gradient: Floats,
    work: Singles,
) -> None:
    """Fill the gradient of the log-likelihood in single precision, right to about 1e-5 of its size.

    Any force that is a function of the place gives a leapfrog step that keeps volume and can be reversed; so a
    Hamiltonian step with this force is exact, if it is accepted by the log-density in double precision.
    Shapes as in ``log_likelihood_gradient``.
    """
    n_dims, n = positions.shape
    for k in range(n_dims):
        for i in range(n):
            gradient[k, i] = _ZERO
    for r in range(intercepts.shape[0]):
        intercept_gradient[r] = 0.0
    squares, pulls = work[0], work[1]
    i, start, at = 1, 0, 0
    while i < n:
        first_i, first_start = i, start
        count, i, start = fill_squares(positions, i, start, squares)
        for j in range(count):
            pulls[j] = _ZERO
        for r in range(intercepts.shape[0]):
            intercept_gradient[r] += _single_block_terms(
                squares[:count], intercepts[r], ties[r, at : at + count], observed[r, at : at + count], pulls
            )
        add_pulls(positions, first_i, first_start, pulls[:count], gradient)
        at += count


@lean_fast_kernel
def fill_distances(positions: Floats, distances: Floats) -> None:
    """Fill ``distances`` (n_dyads,) from positions (n_dims, n_actors)."""
    fill_squares(positions, 1, 0, distances)
    for j in range(distances.shape[0]):
        distances[j] = math.sqrt(distances[j] + _SMALLEST)


@lean_fast_kernel
def log_likelihood_scaled(
    distances: Floats, scale: float, intercepts: Floats, ties: Singles, observed: Singles
) -> float:
    """Return the log-likelihood with every distance (n_dyads,) multiplied by ``scale``."""
    total = 0.0
    size = distances.shape[0]
    for r in range(intercepts.shape[0]):
        for start in range(0, size, BLOCK):
            stop = min(size, start + BLOCK)
            distance = distances[start:stop]
            tie, seen = ties[r, start:stop], observed[r, start:stop]
            linear = 0.0
            product = 1.0
            for j in range(stop - start):
                eta = intercepts[r] - scale * distance[j]
                e = decay(abs(eta))
                answers = np.float64(seen[j])
                linear += tie[j] * eta - answers * max(eta, 0.0)
                product *= 1.0 + answers * e * (1.0 + 0.5 * (answers - 1.0) * e)
            total += linear - math.log(product)
    return total


@lean_fast_kernel
def expected_ties(distances: Floats, intercept: float, observed: Singles) -> tuple[float, float]:
    """Return the number of ties to be expected in the answers (n_dyads,), and its derivative by the intercept."""
    total = 0.0
    slope = 0.0
    for j in range(distances.shape[0]):
        eta = intercept - distances[j]
        e = decay(abs(eta))
        share = 1.0 / (1.0 + e)
        total += observed[j] * (share if eta >= 0.0 else e * share)
        slope += observed[j] * e * share * share
    return total, slope


@lean_kernel
def level_intercept(distances: Floats, observed: Singles, wanted: float) -> float:
    """Return the intercept at which ``wanted`` ties are expected, by Newton's steps kept within a bracket."""
    low, high = -FARTHEST, FARTHEST
    for j in range(distances.shape[0]):
        high = max(high, distances[j] + FARTHEST)
    intercept = 0.0
    for _ in range(200):
        total, slope = expected_ties(distances, intercept, observed)
        if total < wanted:
            low = intercept
        else:
            high = intercept
        step = (wanted - total) / slope if slope > 0.0 else 0.0
        after = intercept + step
        if slope == 0.0 or not low < after < high:
            after = 0.5 * (low + high)
        if abs(after - intercept) < 1e-9:
            return after
        intercept = after
    return intercept
