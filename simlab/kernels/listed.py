"""The likelihood over a list of dyads, some of which stand for many others, with its gradient and its expected curvature.

For networks of thousands, whose dyads are too many to look at in every step. The list holds all ties and all pairs that are
near one another as they are, and of the pairs that are far apart a sample, each dyad of which counts ``weight`` times: a
stratified case-control likelihood, which is right on average (Raftery, Niu, Hoff & Yeung 2012, where strata are geodesic
distances).
"""

from __future__ import annotations

import math

from simlab.foundation.compile import lean_fast_kernel
from simlab.kernels.chain_state import Data, Indices, Point, Prior, State, Work, unpacked
from simlab.kernels.curvature import add_level_information, add_prior_curvature, collect_effect_information
from simlab.kernels.dyads import BLOCK, Floats
from simlab.kernels.predictors import add_covariates, add_level_slopes, block_terms, collect_effects, spread_effects

_SMALLEST = 1e-30


@lean_fast_kernel
def fill_listed_distances(positions: Floats, first: Indices, second: Indices, out: Floats) -> None:
    """Fill ``out`` (count,) with the distances of pairs; positions : (n_dims, n_actors)."""
    for j in range(out.shape[0]):
        out[j] = _SMALLEST
    for k in range(positions.shape[0]):
        row = positions[k]
        for j in range(out.shape[0]):
            away = row[first[j]] - row[second[j]]
            out[j] += away * away
    for j in range(out.shape[0]):
        out[j] = math.sqrt(out[j])


@lean_fast_kernel
def add_listed_pulls(positions: Floats, first: Indices, second: Indices, pulls: Floats, gradient: Floats) -> None:
    """Add to ``gradient`` what pairs pull; pulls : (count,), slope by eta over distance."""
    for k in range(positions.shape[0]):
        row, out = positions[k], gradient[k]
        for j in range(pulls.shape[0]):
            force = pulls[j] * (row[second[j]] - row[first[j]])
            out[first[j]] += force
            out[second[j]] -= force


@lean_fast_kernel
def fill_listed_predictors(
    point: Point, data: Data, r: int, at: int, distance: Floats, effects: Floats, out: Floats
) -> None:
    """Fill ``out`` (2, count) with eta of the listed dyads from number ``at`` on, and back."""
    size = distance.shape[0]
    for j in range(size):
        out[0, j] = point.intercepts[r] - distance[j]
        out[1, j] = out[0, j]
    if point.sender.shape[1] + point.receiver.shape[1] > 0:
        for j in range(size):
            a, b = data.first[at + j], data.second[at + j]
            out[0, j] += effects[0, a] + effects[1, b]
            out[1, j] += effects[0, b] + effects[1, a]
    add_covariates(point, data, r, at, out)


@lean_fast_kernel
def add_listed_effects(data: Data, at: int, slopes: Floats, effect_pulls: Floats) -> None:
    """Add the slopes (2, count) of the listed dyads from number ``at`` on to the pulls at effects (2, n_actors)."""
    back = data.ties_back.shape[1] > 0
    for j in range(slopes.shape[1]):
        a, b = data.first[at + j], data.second[at + j]
        effect_pulls[0, a] += slopes[0, j]
        effect_pulls[1, b] += slopes[0, j]
        if back:
            effect_pulls[0, b] += slopes[1, j]
            effect_pulls[1, a] += slopes[1, j]


@lean_fast_kernel
def listed_block(data: Data, at: int) -> tuple[int, float]:
    """Return where the block from number ``at`` ends, and the weight of its dyads, which all have the same."""
    if at < data.n_whole:
        return min(at + BLOCK, data.n_whole), 1.0
    return min(at + BLOCK, data.first.shape[0]), data.weight


@lean_fast_kernel
def likelihood_of_list(point: Point, data: Data, pull: Point, work: Work) -> float:
    """Return the log-likelihood as the list has it; add its gradient to ``pull``."""
    total = 0.0
    distances, slopes = work.blocks[0], work.blocks[2:]
    for r in range(point.intercepts.shape[0]):
        spread_effects(point, r, data.shared_effects, work.effects[:2])
        at = 0
        while at < data.first.shape[0]:
            stop, weight = listed_block(data, at)
            first, second = data.first[at:stop], data.second[at:stop]
            distance, eta = distances[: stop - at], slopes[:, : stop - at]
            fill_listed_distances(point.positions, first, second, distance)
            fill_listed_predictors(point, data, r, at, distance, work.effects[:2], eta)
            rho_slope = pull.reciprocity[r] if pull.reciprocity.shape[0] > 0 else 0.0
            total += weight * block_terms(point, data, r, at, eta, pull)
            if pull.reciprocity.shape[0] > 0:
                pull.reciprocity[r] = rho_slope + weight * (pull.reciprocity[r] - rho_slope)
            for j in range(stop - at):
                eta[0, j] *= weight
                eta[1, j] *= weight
            add_level_slopes(data, r, at, eta, distance, distance, pull)
            if point.sender.shape[1] + point.receiver.shape[1] > 0:
                add_listed_effects(data, at, eta, work.effects[2:])
            add_listed_pulls(point.positions, first, second, distance, pull.positions)
            at = stop
        collect_effects(pull, r, data.shared_effects, work.effects[2:])
    return total


@lean_fast_kernel
def listed_curvature(state: State, data: Data, prior: Prior, work: Work, masses: Floats, scale: Floats) -> None:
    """Add the expected curvature of the log-density as the list has it, as ``curvature`` does for all dyads."""
    point, mass = unpacked(state.vector, state.shape), unpacked(masses, state.shape)
    distances, each, slopes = work.blocks[0], work.blocks[1], work.blocks[2:]
    for r in range(point.intercepts.shape[0]):
        spread_effects(point, r, data.shared_effects, work.effects[:2])
        at = 0
        while at < data.first.shape[0]:
            stop, weight = listed_block(data, at)
            first, second = data.first[at:stop], data.second[at:stop]
            distance, eta = distances[: stop - at], slopes[:, : stop - at]
            information = each[: stop - at]
            fill_listed_distances(point.positions, first, second, distance)
            fill_listed_predictors(point, data, r, at, distance, work.effects[:2], eta)
            add_level_information(data, r, at, eta, distance, information, mass, scale, weight)
            if point.sender.shape[1] + point.receiver.shape[1] > 0:
                add_listed_effects(data, at, eta, work.effects[2:])
            for k in range(point.positions.shape[0]):
                for j in range(stop - at):
                    mass.positions[k, first[j]] += information[j]
                    mass.positions[k, second[j]] += information[j]
            at = stop
        collect_effect_information(state, data, r, work, mass)
    add_prior_curvature(state, prior, mass, scale)
