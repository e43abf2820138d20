"""Moves of single actors, and of small components, from one cluster to another.

Hamiltonian steps cross the gap between clusters that lie far apart too rarely. Given labels, an actor of cluster g is taken to
the place that it would have in cluster h, seen from the centre in the same direction or in a mirror,

    z' = centre_h + (sigma_h / sigma_g) M (z - centre_g),  K' = h,  M = I or I - 2 u u',  u of length 1, drawn anew

whose Jacobian cancels the densities of the position, so that it is accepted with probability min(1, weight_h / weight_g
times the ratio of likelihoods). A component that is tied to nobody else is moved as a whole at times, those of g to h and
those of h to g.
"""

from __future__ import annotations

import math

import numpy as np

from simlab.foundation.compile import lean_fast_kernel, lean_kernel
from simlab.kernels.chain_state import Data, Point, State, Work, unpacked
from simlab.kernels.dyads import BLOCK, Floats
from simlab.kernels.predictors import spread_effects, terms

_SMALLEST = 1e-30


@lean_fast_kernel
def likelihood_of_actor(point: Point, data: Data, r: int, i: int, work: Work) -> float:
    """Return the log-likelihood of the dyads of actor ``i`` in a relation; the effects are in ``work.effects``."""
    n_dims, n = point.positions.shape
    back = data.ties_back.shape[1] > 0
    with_effects = point.sender.shape[1] + point.receiver.shape[1] > 0
    eta, answers, effects = work.blocks[2:], work.single_blocks, work.effects
    rho = point.reciprocity[r] if point.reciprocity.shape[0] > 0 else 0.0
    total = 0.0
    count = 0
    for j in range(n):
        if j != i:
            first, second = max(i, j), min(i, j)
            at = first * (first - 1) // 2 + second
            square = _SMALLEST
            for k in range(n_dims):
                away = point.positions[k, i] - point.positions[k, j]
                square += away * away
            there = point.intercepts[r] - math.sqrt(square)
            other = there
            if with_effects:
                there += effects[0, first] + effects[1, second]
                other += effects[0, second] + effects[1, first]
            for k in range(point.coefficients.shape[1]):
                there += point.coefficients[r, k] * data.covariates[k, at]
                if back:
                    other += point.coefficients[r, k] * data.covariates_back[k, at]
            eta[0, count] = there
            eta[1, count] = other
            answers[0, count] = data.ties[r, at]
            answers[1, count] = data.observed[r, at]
            if back:
                answers[2, count] = data.ties_back[r, at]
                answers[3, count] = data.observed_back[r, at]
            count += 1
        if count == BLOCK or (j == n - 1 and count > 0):
            value, _ = terms(
                data.form,
                back,
                rho,
                eta[:, :count],
                answers[0, :count],
                answers[1, :count],
                answers[2, :count],
                answers[3, :count],
            )
            total += value
            count = 0
    return total


@lean_fast_kernel
def likelihood_around(point: Point, data: Data, i: int, work: Work) -> float:
    """Return the log-likelihood of the dyads of actor ``i`` in all relations."""
    total = 0.0
    for r in range(point.intercepts.shape[0]):
        spread_effects(point, r, data.shared_effects, work.effects[:2])
        total += likelihood_of_actor(point, data, r, i, work)
    return total


@lean_kernel
def draw_mirror(mirror: Floats, rng: np.random.Generator) -> None:
    """Draw the normal (n_dims,) of a mirror through the origin, or zeros for none."""
    length = 0.0
    for k in range(mirror.shape[0]):
        mirror[k] = rng.standard_normal()
        length += mirror[k] * mirror[k]
    factor = 1.0 / math.sqrt(max(length, 1e-300)) if rng.random() < 0.5 else 0.0
    for k in range(mirror.shape[0]):
        mirror[k] *= factor


@lean_kernel
def moved(
    state: State, data: Data, i: int, clusters: tuple[int, int], mirror: Floats, work: Work
) -> tuple[float, float]:
    """Move actor ``i`` from cluster g to h, or from h to g; return the gains of (log-likelihood, log weight).

    Where it was is kept in ``work.vector``; an actor of another cluster stays.
    """
    g, h = clusters
    point, before = unpacked(state.vector, state.shape), unpacked(work.vector, state.shape)
    label = state.labels[i]
    for k in range(point.positions.shape[0]):
        before.positions[k, i] = point.positions[k, i]
    if label not in (g, h):
        return 0.0, 0.0
    to = h if label == g else g
    ratio = math.exp(0.5 * (point.log_variances[to] - point.log_variances[label]))
    old = likelihood_around(point, data, i, work)
    across = 0.0
    for k in range(point.positions.shape[0]):
        across += mirror[k] * (point.positions[k, i] - point.centres[label, k])
    for k in range(point.positions.shape[0]):
        away = point.positions[k, i] - point.centres[label, k] - 2.0 * across * mirror[k]
        point.positions[k, i] = point.centres[to, k] + ratio * away
    state.labels[i] = to
    new = likelihood_around(point, data, i, work)
    return new - old, math.log(state.weights[to]) - math.log(state.weights[label])


@lean_kernel
def jumps(state: State, data: Data, n_jumps: int, work: Work, rng: np.random.Generator, likelihood: float) -> float:
    """Propose so many jumps; return the log-likelihood then. Labels must have been drawn given positions."""
    n, n_clusters = state.labels.shape[0], state.weights.shape[0]
    if n_clusters == 1:
        return likelihood
    point, before = unpacked(state.vector, state.shape), unpacked(work.vector, state.shape)
    mirror = work.blocks[0, : point.positions.shape[0]]
    for _ in range(n_jumps):
        i = min(int(rng.random() * n), n - 1)
        g = state.labels[i]
        h = min(int(rng.random() * (n_clusters - 1)), n_clusters - 2)
        if h >= g:
            h += 1
        together = data.components[i] >= 0 and rng.random() < 0.5
        draw_mirror(mirror, rng)
        likelihood_gain = 0.0
        gain = 0.0
        for a in range(n):
            if a == i or (together and data.components[a] == data.components[i]):
                by_likelihood, by_weight = moved(state, data, a, (g, h), mirror, work)
                likelihood_gain += by_likelihood
                gain += by_likelihood + by_weight
        if math.log(max(rng.random(), 1e-300)) < gain:
            likelihood += likelihood_gain
        else:
            for a in range(n):
                if a == i or (together and data.components[a] == data.components[i]):
                    for k in range(point.positions.shape[0]):
                        point.positions[k, a] = before.positions[k, a]
                    if state.labels[a] in (g, h):
                        state.labels[a] = g + h - state.labels[a]
    return likelihood
