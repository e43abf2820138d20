"""The exact steps of a sweep: labels given positions, the mixture given labels, and the effects' level and variances."""

from __future__ import annotations

import math

import numpy as np

from simlab.foundation.compile import kernel, lean_kernel
from simlab.kernels.chain_state import Data, Prior, State, Work, unpacked
from simlab.kernels.mixture import fill_shares


@lean_kernel
def draw_labels(state: State, work: Work, rng: np.random.Generator) -> None:
    """Draw every actor's label given its position and the mixture."""
    n_clusters = state.weights.shape[0]
    if n_clusters == 1:
        return
    point = unpacked(state.vector, state.shape)
    fill_shares(point.positions, point.centres, point.log_variances, state.weights, work.shares, work.squares)
    for i in range(state.labels.shape[0]):
        wanted = rng.random()
        label = 0
        reached = work.shares[0, i]
        while label < n_clusters - 1 and reached < wanted:
            label += 1
            reached += work.shares[label, i]
        state.labels[i] = label


@lean_kernel
def draw_mixture(state: State, prior: Prior, rng: np.random.Generator) -> None:
    """Draw variances given centres, centres given variances, then weights, all given labels and positions."""
    positions, _, _, _, _, _, centres, log_variances = unpacked(state.vector, state.shape)
    n_dims, n = positions.shape
    n_clusters = state.weights.shape[0]
    whole = 0.0
    for g in range(n_clusters):
        count = 0
        squared = 0.0
        for i in range(n):
            if state.labels[i] == g:
                count += 1
                for k in range(n_dims):
                    difference = positions[k, i] - centres[g, k]
                    squared += difference * difference
        degrees = prior.variance_degrees + count * n_dims
        spread = prior.variance_degrees * prior.variance_scale + squared
        variance = spread / max(rng.chisquare(degrees), 1e-300)
        log_variances[g] = math.log(variance)
        if prior.centre_variance > 0.0:
            precision = count / variance + 1.0 / prior.centre_variance
            for k in range(n_dims):
                total = 0.0
                for i in range(n):
                    if state.labels[i] == g:
                        total += positions[k, i]
                mean = total / variance / precision
                centres[g, k] = mean + rng.standard_normal() / math.sqrt(precision)
        if n_clusters > 1:
            state.weights[g] = max(rng.standard_gamma(prior.concentration + count), 1e-300)
            whole += state.weights[g]
    if n_clusters > 1:
        for g in range(n_clusters):
            state.weights[g] = max(state.weights[g] / whole, 1e-300)


@kernel
def start_mixture(state: State, prior: Prior, rng: np.random.Generator) -> None:
    """Draw the mixture as ``draw_mixture`` does, for a caller that is no kernel."""
    draw_mixture(state, prior, rng)


@lean_kernel
def draw_effects(state: State, data: Data, prior: Prior, rng: np.random.Generator) -> None:
    """Draw the variances of the effects, and their common level against the intercept's.

    Adding c to every effect and taking it (twice it where one effect serves both ends) from the intercept leaves the
    likelihood as it is; c is normal given the rest.
    """
    _, intercepts, _, _, sender, receiver, _, _ = unpacked(state.vector, state.shape)
    factor = 2.0 if data.shared_effects else 1.0
    for r in range(intercepts.shape[0]):
        for side in range(2):
            effects = sender if side == 0 else receiver
            n = effects.shape[1]
            if n == 0:
                continue
            total = 0.0
            squared = 0.0
            for i in range(n):
                total += effects[r, i]
                squared += effects[r, i] * effects[r, i]
            degrees = prior.effect_degrees + n
            spread = prior.effect_degrees * prior.effect_scale + squared
            variance = spread / max(rng.chisquare(degrees), 1e-300)
            state.effect_variances[r, side] = variance
            precision = n / variance + factor * factor / prior.intercept_variance
            away = intercepts[r] - prior.intercept_mean
            mean = (factor * away / prior.intercept_variance - total / variance) / precision
            move = mean + rng.standard_normal() / math.sqrt(precision)
            for i in range(n):
                effects[r, i] += move
            intercepts[r] -= factor * move
