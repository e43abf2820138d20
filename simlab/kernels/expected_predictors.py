"""The log-likelihood with covariates, effects, reciprocity, or counts, expected over normal positions and effects.

    eta_ij = intercept + sum_k coefficient_k x_ijk + sender_i + receiver_j - ||z_i - z_j||

The distance has the three places of ``simlab.kernels.expected``. The effects of a tie have together the mean m_ij = sender_i
+ receiver_j and the variance w_ij, the sum of theirs; the expectation over them is a sum over places (a, b) of two standard
normals, for the tie and for the one back, which are one where the effects of both ways are the same (``Noise``):

    E log p(y_ij, y_ji) = sum_k sum_q weight_k weight_q log p(y_ij, y_ji | eta_ij + a_q sqrt(w_ij), eta_ji + b_q sqrt(w_ji))

with eta at the k-th distance and the means of the effects. By w_ij the derivative is the sum of slope times a / (2 sqrt(w_ij)).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from simlab.foundation.compile import inlined_kernel, lean_fast_kernel
from simlab.kernels.chain_state import Data, Point
from simlab.kernels.dyads import BLOCK, Floats, add_pulls, advance, fill_squares
from simlab.kernels.expected import Rule, add_sums, chained, fill_sums, spread_places
from simlab.kernels.predictors import (
    add_effect_pulls,
    add_effects,
    block_terms,
    collect_effects,
    fill_predictors,
    spread_effects,
)

# Rows of the buffers over a block of dyads, and over actors.
N_BLOCKS = 20
N_SIDES = 8
_WEIGHTS = np.array([1.0 / 6.0, 2.0 / 3.0, 1.0 / 6.0])
_SMALLEST = 1e-30


class Spread(NamedTuple):
    """Variances, or the derivatives by them. positions : (n_actors,); sender, receiver : (n_relations, n_actors or 0)."""

    positions: Floats
    sender: Floats
    receiver: Floats


class Noise(NamedTuple):
    """Places that stand for the effects of a tie and of that back, (n_places, 2), in standard deviations, and weights."""

    places: Floats
    weights: Floats


class Block(NamedTuple):
    """Buffers over the dyads of a block; two rows are for the ties there and back.

    squares, sums : squared distances of the means, sums of variances; pulls, tugs : (count,), as in
    ``simlab.kernels.expected``; distances, by_distance : (3, count), the places and minus the weighted slopes there; means,
    eta, slopes : (2, count), without the distance, at one place, and weighted sums of slopes; deviations, by_deviation : (2,
    count), of effects.
    """

    squares: Floats
    sums: Floats
    pulls: Floats
    tugs: Floats
    distances: Floats
    by_distance: Floats
    means: Floats
    eta: Floats
    slopes: Floats
    deviations: Floats
    by_deviation: Floats


@inlined_kernel
def _begin(
    block: Block,
    mean: Point,
    variances: Floats,
    data: Data,
    rule: Rule,
    r: int,
    at: tuple[int, int, int],
    sides: Floats,
) -> None:
    """Fill places, means and deviations of a block of relation r; empty what is summed."""
    i, start, _ = at
    fill_squares(mean.positions, i, start, block.squares)
    fill_sums(variances, i, start, block.sums)
    for j in range(block.squares.shape[0]):
        _, _, _, low, high, middle, deviation = spread_places(rule, block.squares[j], block.sums[j])
        block.distances[0, j] = middle + deviation * low
        block.distances[1, j] = middle - 0.25 * deviation * (low + high)
        block.distances[2, j] = middle + deviation * high
        block.tugs[j] = mean.intercepts[r]
        for k in range(3):
            block.by_distance[k, j] = 0.0
        for k in range(2):
            block.slopes[k, j] = 0.0
            block.deviations[k, j] = _SMALLEST
            block.by_deviation[k, j] = 0.0
    # The tugs are not there yet; their place holds the intercept.
    fill_predictors(mean, data, r, at, block.tugs, sides[:2], block.means)
    if mean.sender.shape[1] + mean.receiver.shape[1] > 0:
        add_effects(at, sides[2:4], block.deviations)
    for k in range(2):
        for j in range(block.squares.shape[0]):
            block.deviations[k, j] = math.sqrt(block.deviations[k, j])


@inlined_kernel
def _add_places(
    block: Block, mean: Point, data: Data, noise: Noise, r: int, at: int, aside: Point, pull: Point
) -> float:
    """Return the expected log-likelihood of a block; fill its weighted slopes, add those of reciprocity."""
    count = block.squares.shape[0]
    ways = 2 if data.ties_back.shape[1] > 0 else 1
    total = 0.0
    for k in range(3):
        for q in range(noise.weights.shape[0]):
            weight = _WEIGHTS[k] * noise.weights[q]
            for way in range(2):
                place = noise.places[q, way]
                for j in range(count):
                    move = place * block.deviations[way, j] - block.distances[k, j]
                    block.eta[way, j] = block.means[way, j] + move
            if aside.reciprocity.shape[0] > 0:
                aside.reciprocity[r] = 0.0
            total += weight * block_terms(mean, data, r, at, block.eta, aside)
            if aside.reciprocity.shape[0] > 0:
                pull.reciprocity[r] += weight * aside.reciprocity[r]
            for way in range(ways):
                place = noise.places[q, way]
                for j in range(count):
                    slope = weight * block.eta[way, j]
                    block.slopes[way, j] += slope
                    block.by_distance[k, j] -= slope
                    block.by_deviation[way, j] += place * slope
    return total


@inlined_kernel
def _collect(
    block: Block,
    mean: Point,
    data: Data,
    rule: Rule,
    r: int,
    at: tuple[int, int, int],
    derivatives: tuple[Point, Spread],
    sides: Floats,
) -> None:
    """Add the derivatives of a block to those of the whole; those by effects to ``sides``."""
    pull, tug = derivatives
    i, start, first = at
    count = block.squares.shape[0]
    back = data.ties_back.shape[1] > 0
    total = 0.0
    for j in range(count):
        places = spread_places(rule, block.squares[j], block.sums[j])
        slopes = (block.by_distance[0, j], block.by_distance[1, j], block.by_distance[2, j])
        by_mean = slopes[0] + slopes[1] + slopes[2]
        force, strain = chained(rule, block.sums[j], places, slopes, by_mean)
        total -= by_mean
        block.pulls[j] = -force
        block.tugs[j] = strain
    pull.intercepts[r] += total
    add_pulls(mean.positions, i, start, block.pulls, pull.positions)
    add_sums(i, start, block.tugs, tug.positions)
    for k in range(pull.coefficients.shape[1]):
        total = 0.0
        for j in range(count):
            total += block.slopes[0, j] * data.covariates[k, first + j]
        if back:
            for j in range(count):
                total += block.slopes[1, j] * data.covariates_back[k, first + j]
        pull.coefficients[r, k] += total
    if pull.sender.shape[1] + pull.receiver.shape[1] > 0:
        add_effect_pulls(at, block.slopes, back, sides[4:6])
        for k in range(2):
            for j in range(count):
                block.by_deviation[k, j] *= 0.5 / block.deviations[k, j]
        add_effect_pulls(at, block.by_deviation, back, sides[6:])


@inlined_kernel
def _rows(flat: Floats, row: int, n_rows: int, count: int) -> Floats:
    """Return a view (n_rows, count) without gaps, so that loops over it are vectorised."""
    return flat[row * BLOCK : row * BLOCK + n_rows * count].reshape((n_rows, count))


@inlined_kernel
def _block(blocks: Floats, count: int) -> Block:
    """Return the views of the buffers over a block of ``count`` dyads."""
    flat = blocks.reshape(N_BLOCKS * BLOCK)
    return Block(
        blocks[0, :count],
        blocks[1, :count],
        blocks[2, :count],
        blocks[3, :count],
        _rows(flat, 4, 3, count),
        _rows(flat, 7, 3, count),
        _rows(flat, 10, 2, count),
        _rows(flat, 12, 2, count),
        _rows(flat, 14, 2, count),
        _rows(flat, 16, 2, count),
        _rows(flat, 18, 2, count),
    )


@lean_fast_kernel
def expected_of_predictors(
    normal: tuple[Point, Spread],
    data: Data,
    rule: Rule,
    noise: Noise,
    derivatives: tuple[Point, Spread],
    work: tuple[Floats, Floats, Floats],
) -> float:
    """Return the expected log-likelihood; add its derivatives by means, variances and what has a point value.

    normal : means (and point values) and variances; work : (N_BLOCKS, BLOCK), (N_SIDES, n_actors), zero from its fifth row
    on, and (n_reciprocity,), buffers.
    """
    mean, spread = normal
    pull, tug = derivatives
    blocks, sides, slopes = work
    aside = Point(
        pull.positions,
        pull.intercepts,
        pull.coefficients,
        slopes,
        pull.sender,
        pull.receiver,
        pull.centres,
        pull.log_variances,
    )
    n = mean.positions.shape[1]
    size = n * (n - 1) // 2
    total = 0.0
    for r in range(mean.intercepts.shape[0]):
        spread_effects(mean, r, data.shared_effects, sides[:2])
        spread_effects(spread, r, data.shared_effects, sides[2:4])
        i, start = 1, 0
        for at in range(0, size, BLOCK):
            count = min(BLOCK, size - at)
            block = _block(blocks, count)
            _begin(block, mean, spread.positions, data, rule, r, (i, start, at), sides)
            total += _add_places(block, mean, data, noise, r, at, aside, pull)
            _collect(block, mean, data, rule, r, (i, start, at), derivatives, sides)
            i, start = advance(i, start, count)
        collect_effects(pull, r, data.shared_effects, sides[4:6])
        collect_effects(tug, r, data.shared_effects, sides[6:])
    return total
