"""The exact steps of a sweep: labels given positions, and the mixture given labels."""

from __future__ import annotations

import math

import numpy as np

from simlab.foundation.compile import kernel
from simlab.kernels.chain_state import Prior, State, Work


@kernel
def draw_labels(state: State, work: Work, rng: np.random.Generator) -> None:
    """Draw every actor's label given its position and the mixture."""
    n_dims, n = state.positions.shape
    n_clusters = state.weights.shape[0]
    terms = work.terms
    for i in range(n):
        largest = -np.inf
        for g in range(n_clusters):
            squared = 0.0
            for k in range(n_dims):
                difference = state.positions[k, i] - state.centres[g, k]
                squared += difference * difference
            terms[g] = (
                math.log(state.weights[g])
                - 0.5 * squared / state.variances[g]
                - 0.5 * n_dims * math.log(state.variances[g])
            )
            largest = max(largest, terms[g])
        mass = 0.0
        for g in range(n_clusters):
            mass += math.exp(terms[g] - largest)
            terms[g] = mass
        point = rng.random() * mass
        label = 0
        while label < n_clusters - 1 and terms[label] < point:
            label += 1
        state.labels[i] = label


@kernel
def draw_mixture(state: State, prior: Prior, rng: np.random.Generator) -> None:
    """Draw variances given centres, centres given variances, then weights, all given labels and positions."""
    n_dims, n = state.positions.shape
    n_clusters = state.weights.shape[0]
    for g in range(n_clusters):
        count = 0
        squared = 0.0
        for i in range(n):
            if state.labels[i] == g:
                count += 1
                for k in range(n_dims):
                    difference = state.positions[k, i] - state.centres[g, k]
                    squared += difference * difference
        degrees = prior.variance_degrees + count * n_dims
        spread = prior.variance_degrees * prior.variance_scale + squared
        state.variances[g] = spread / max(rng.chisquare(degrees), 1e-300)
        precision = count / state.variances[g] + 1.0 / prior.centre_variance
        for k in range(n_dims):
            total = 0.0
            for i in range(n):
                if state.labels[i] == g:
                    total += state.positions[k, i]
            mean = total / state.variances[g] / precision
            state.centres[g, k] = mean + rng.standard_normal() / math.sqrt(precision)
        state.weights[g] = max(rng.standard_gamma(prior.concentration + count), 1e-300)
    whole = 0.0
    for g in range(n_clusters):
        whole += state.weights[g]
    for g in range(n_clusters):
        state.weights[g] /= whole
