"""Loops that search for the partition nearest to many others.

The loss of a partition against a draw is, but for a factor, sum_g f(n_g) + sum_h f(m_h) - 2 sum_gh f(n_gh), with n_g and m_h
the sizes of their clusters and n_gh of what these share: f(x) = x log x gives the variation of information, f(x) =
x (x - 1) / 2 Binder's loss. All the kernels need is f as a table, or the steps f(x + 1) - f(x).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.compile import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A move must lower the loss by more than rounding, or it could be taken back for ever.
_LEAST_GAIN = 1e-9


class Search(NamedTuple):
    """A partition and how it crosses the draws.

    labels : (n_actors,), -1 for an actor that has no cluster yet
    sizes : (max_clusters,)
    shared : (max_clusters, n_draws, n_draw_clusters), the actors in a cluster and in a cluster of a draw
    draws : (n_actors, n_draws), the draws' labels from 0
    steps : (n_actors,), f(x + 1) - f(x) for x from 0
    """

    labels: Ints
    sizes: Ints
    shared: NDArray[np.int32]
    draws: NDArray[np.int32]
    steps: Floats


@kernel
def canonical_rows(labels: Ints, out: NDArray[np.int32]) -> None:
    """Fill ``out`` with each row of ``labels``, its clusters numbered from 0 in order of their first actor."""
    n_rows, n = labels.shape
    for t in range(n_rows):
        used = 0
        for i in range(n):
            out[t, i] = -1
            for j in range(i):
                if labels[t, j] == labels[t, i]:
                    out[t, i] = out[t, j]
                    break
            if out[t, i] < 0:
                out[t, i] = used
                used += 1


@kernel
def mean_loss(labels: Ints, draws: NDArray[np.int32], table: Floats, most: float) -> float:
    """Return the mean over draws (n_draws, n_actors) of the loss; infinity once it is seen to be above ``most``.

    ``labels`` (n_actors,) from 0; ``table`` (n_actors + 1,) is f.
    """
    n_draws, n = draws.shape
    n_clusters = labels.max() + 1
    n_others = draws.max() + 1
    sizes = np.zeros(n_clusters, dtype=np.int64)
    theirs = np.zeros(n_others, dtype=np.int64)
    shared = np.zeros((n_clusters, n_others), dtype=np.int64)
    own, total = 0.0, 0.0
    for i in range(n):
        sizes[labels[i]] += 1
    for g in range(n_clusters):
        own += table[sizes[g]]
    for t in range(n_draws):
        for i in range(n):
            theirs[draws[t, i]] += 1
            shared[labels[i], draws[t, i]] += 1
        total += own
        for h in range(n_others):
            total += table[theirs[h]]
            theirs[h] = 0
        for g in range(n_clusters):
            for h in range(n_others):
                total -= 2.0 * table[shared[g, h]]
                shared[g, h] = 0
        if total > most * n_draws:
            return np.inf
    mean: float = total / n_draws
    return mean


@kernel
def put(search: Search, i: int, g: int) -> None:
    """Put an actor that has no cluster into cluster ``g``."""
    search.labels[i] = g
    search.sizes[g] += 1
    shared, at = search.shared[g], search.draws[i]
    for t in range(at.shape[0]):
        shared[t, at[t]] += 1


@kernel
def take(search: Search, i: int) -> None:
    """Take an actor out of its cluster."""
    g = search.labels[i]
    search.labels[i] = -1
    search.sizes[g] -= 1
    shared, at = search.shared[g], search.draws[i]
    for t in range(at.shape[0]):
        shared[t, at[t]] -= 1


@kernel
def added(search: Search, i: int, g: int) -> float:
    """Return what an actor without a cluster adds to the loss by joining cluster ``g``; 0 where that one is empty."""
    if search.sizes[g] == 0:
        return 0.0
    shared, at, steps = search.shared[g], search.draws[i], search.steps
    # Four sums at a time, which the processor can do side by side, and in an order that is always the same.
    n_draws = at.shape[0]
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    whole = n_draws - n_draws % 4
    for t in range(0, whole, 4):
        a += steps[shared[t, at[t]]]
        b += steps[shared[t + 1, at[t + 1]]]
        c += steps[shared[t + 2, at[t + 2]]]
        d += steps[shared[t + 3, at[t + 3]]]
    for t in range(whole, n_draws):
        a += steps[shared[t, at[t]]]
    value: float = steps[search.sizes[g]] - 2.0 * (a + b + c + d) / n_draws
    return value


@kernel
def place(search: Search, actors: Ints) -> int:
    """Put each of the actors, in turn, where it adds the least to the loss; return how many of them have moved.

    An actor without a cluster gets one; one that has a cluster leaves it only where that lowers the loss. One empty cluster
    is a choice, as long as there are any.
    """
    moved = 0
    for i in actors:
        before = search.labels[i]
        best, least = -1, np.inf
        if before >= 0:
            take(search, i)
            best, least = before, added(search, i, before) - _LEAST_GAIN
        empty_seen = before >= 0 and search.sizes[before] == 0
        for g in range(search.sizes.shape[0]):
            if g == before or (search.sizes[g] == 0 and empty_seen):
                continue
            empty_seen = empty_seen or search.sizes[g] == 0
            value = added(search, i, g)
            if value < least:
                best, least = g, value
        put(search, i, best)
        if best != before:
            moved += 1
    return moved
