"""Label vectors: canonical form, contingency, matching, co-clustering, relabelling of posterior draws.

A label vector is (n_actors,) of integers from 0; -1 marks an actor without a label, which every function leaves out.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.scientific import linear_sum_assignment

Labels = NDArray[np.integer]
Floats = NDArray[np.float64]

_MOST_PERMUTED = 6


def canonical(labels: Labels) -> NDArray[np.int64]:
    """Return the partition with its clusters numbered in order of their first actor; -1 stays."""
    labels = np.asarray(labels)
    out = np.full(labels.shape, -1, dtype=np.int64)
    known = labels >= 0
    values, first, inverse = np.unique(labels[known], return_index=True, return_inverse=True)
    rank = np.empty(len(values), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(values))
    out[known] = rank[inverse]
    return out


def first_mentioned(labels: Labels, n_clusters: int) -> list[int]:
    """Return all clusters in the order in which ``canonical`` numbers them, those without an actor last."""
    used = list(dict.fromkeys(np.asarray(labels).tolist()))
    return used + [g for g in range(n_clusters) if g not in used]


def contingency(one: Labels, other: Labels) -> NDArray[np.int64]:
    """Return the table of counts (n_clusters_one, n_clusters_other) over the actors that both vectors label."""
    one, other = np.asarray(one), np.asarray(other)
    both = (one >= 0) & (other >= 0)
    if not both.any():
        return np.zeros((0, 0), dtype=np.int64)
    rows, cols = one[both].astype(np.int64), other[both].astype(np.int64)
    shape = (int(rows.max()) + 1, int(cols.max()) + 1)
    flat = np.bincount(rows * shape[1] + cols, minlength=shape[0] * shape[1])
    return flat.reshape(shape).astype(np.int64)


def match(gain: NDArray[np.floating] | NDArray[np.integer]) -> list[tuple[int, int]]:
    """Return the pairs (row, column) of the one-to-one assignment with the greatest sum of ``gain`` (Hungarian)."""
    if gain.size == 0:
        return []
    rows, cols = linear_sum_assignment(gain, maximize=True)
    return [(int(r), int(c)) for r, c in zip(rows, cols, strict=True)]


def jaccard_table(one: Labels, other: Labels) -> Floats:
    """Return the Jaccard index of every cluster of one with every cluster of the other, over actors in both."""
    table = contingency(one, other).astype(float)
    union = table.sum(1, keepdims=True) + table.sum(0, keepdims=True) - table
    return np.asarray(np.divide(table, union, out=np.zeros_like(table), where=union > 0))


def aligned(labels: Labels, reference: Labels) -> NDArray[np.int64]:
    """Return ``labels`` renamed so that they agree with ``reference`` as far as a one-to-one renaming can.

    Clusters without a partner keep numbers that the reference does not use.
    """
    labels = np.asarray(labels)
    table = contingency(labels, reference)
    names = {g: h for g, h in match(table) if table[g, h] > 0}
    taken = set(names.values()) | set(np.asarray(reference)[np.asarray(reference) >= 0].tolist())
    spare = (k for k in range(len(taken) + labels.size + 1) if k not in taken)
    for value in np.unique(labels[labels >= 0]).tolist():
        if value not in names:
            names[value] = next(spare)
    return np.array([names[v] if v >= 0 else -1 for v in labels.tolist()], dtype=np.int64)


def co_clustering(draws: Labels) -> Floats:
    """Return the share of draws (n_draws, n_actors) in which two actors are together: (n_actors, n_actors)."""
    draws = np.asarray(draws)
    total = np.zeros((draws.shape[1], draws.shape[1]))
    for g in np.unique(draws[draws >= 0]):
        member = (draws == g).astype(np.float32)
        total += member.T @ member
    return np.asarray(total / draws.shape[0])


def relabel(membership: NDArray[np.floating], start: Labels | None = None, max_rounds: int = 50) -> NDArray[np.int64]:
    """Return the renaming of clusters that undoes label switching, draw by draw (Stephens 2000, algorithm 2).

    Parameters
    ----------
    membership : (n_draws, n_actors, n_clusters)
        Each draw's probabilities of membership.
    start : (n_actors,), optional
        A partition to agree with at first; without it, the draw whose memberships are the most decided.
    max_rounds : int
        Rounds at most; each lowers the Kullback-Leibler divergence to the mean membership, or the search ends.

    Returns
    -------
    (n_draws, n_clusters)
        ``order[t, g]`` is the cluster of draw t that is cluster g of the common labelling.
    """
    n_draws, n_actors, n_clusters = membership.shape
    order = np.tile(np.arange(n_clusters), (n_draws, 1))
    if n_clusters == 1:
        return order
    small = 1e-12
    # Actors first, so that the costs of all draws are one product of matrices.
    by_actor = np.ascontiguousarray(np.swapaxes(membership, 0, 1)).reshape(n_actors, -1)
    mean = _reference_membership(membership) if start is None else _softened(start, n_clusters)
    for _ in range(max_rounds):
        # The part of the divergence that depends on the renaming: minus sum_i p_ih log q_ig.
        logs = np.log(mean + small).astype(by_actor.dtype)
        cost = -(logs.T @ by_actor).reshape(n_clusters, n_draws, n_clusters).swapaxes(0, 1)
        new = _cheapest(cost)
        mean = np.take_along_axis(membership, new[:, None, :], axis=2).mean(axis=0, dtype=np.float64)
        if np.array_equal(new, order):
            break
        order = new
    return order


def _softened(labels: Labels, n_clusters: int) -> Floats:
    """Return memberships that give each actor's own cluster nine parts in ten: a certain one would have no second."""
    own = np.eye(n_clusters)[np.asarray(labels)]
    return np.asarray(0.9 * own + 0.1 * (1.0 - own) / max(n_clusters - 1, 1))


def _reference_membership(membership: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the draw whose memberships are the most decided: a better start than a mean over switched labels."""
    certainty = (membership**2).sum(axis=(1, 2))
    return np.asarray(membership[int(np.argmax(certainty))])


def _cheapest(cost: Floats) -> NDArray[np.int64]:
    """Return, for each draw, the permutation with the least total cost; cost : (n_draws, n_clusters, n_clusters)."""
    n_draws, n_clusters, _ = cost.shape
    if n_clusters <= _MOST_PERMUTED:
        choices = np.array(list(permutations(range(n_clusters))))
        totals = cost[:, np.arange(n_clusters)[None, :], choices].sum(axis=2)
        return np.asarray(choices[np.argmin(totals, axis=1)], dtype=np.int64)
    order = np.empty((n_draws, n_clusters), dtype=np.int64)
    for t in range(n_draws):
        order[t] = linear_sum_assignment(cost[t])[1]
    return order
