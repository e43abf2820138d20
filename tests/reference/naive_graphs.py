"""Constraint and betweenness straight from their definitions, and networks to try them on."""

from __future__ import annotations

from itertools import permutations

import numpy as np


def random_weights(n: int, density: float, seed: int) -> np.ndarray:
    """Return symmetric weights of 0, 1/2 and 1, zero on the diagonal."""
    rng = np.random.default_rng(seed)
    half = np.triu(np.where(rng.random((n, n)) < density, rng.choice([0.5, 1.0], (n, n)), 0.0), 1)
    return half + half.T


def constraint(weights: np.ndarray) -> np.ndarray:
    """Burt (1992): sum over contacts j of (p_ij + sum over q of p_iq p_qj) squared; 1 without contacts."""
    n = len(weights)
    out = np.ones(n)
    for i in range(n):
        if not weights[i].any():
            continue
        out[i] = 0.0
        for j in range(n):
            if j != i and weights[i, j] > 0:
                share = weights[i, j] / weights[i].sum()
                for q in range(n):
                    if q not in (i, j) and weights[i, q] > 0:
                        share += weights[i, q] / weights[i].sum() * weights[q, j] / weights[q].sum()
                out[i] += share**2
    return out


def betweenness(weights: np.ndarray) -> np.ndarray:
    """Freeman (1977): over all pairs (s, t), the mean share of shortest paths that lead through an actor.

    Paths are counted by powers of the adjacency: a walk as short as the distance is a shortest path.
    """
    n = len(weights)
    if n < 3:
        return np.zeros(n)
    distance, count = np.full((n, n), np.inf), np.zeros((n, n))
    walks = np.eye(n)
    for length in range(n):
        new = (walks > 0) & np.isinf(distance)
        distance[new] = length
        count[new] = walks[new]
        walks = walks @ (weights > 0)
    out = np.zeros(n)
    for s, t in permutations(range(n), 2):
        for v in range(n):
            if v not in (s, t) and np.isfinite(distance[s, t]) and distance[s, v] + distance[v, t] == distance[s, t]:
                out[v] += count[s, v] * count[v, t] / count[s, t]
    return out / ((n - 1) * (n - 2))
