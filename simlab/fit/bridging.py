"""Bridging scores: how much an actor lies between clusters, has ties into several, or stands where others meet.

Every score is from 0 to 1 and higher for more of a bridger. Those of the network take it as undirected, weighted by the
share of answers that say tie, as the cluster models do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from simlab.kernels.graphs import Graph
    from simlab.panel import Shares

    Weights = NDArray[np.float64] | Shares

Floats = NDArray[np.float64]

# An actor lies between two clusters where its odds of the one against the other are not beyond this.
EVEN_ODDS = 3.0
# Beyond this number of actors, betweenness is estimated from shortest paths that start at as many pivots.
MOST_EXACT = 2000
N_PIVOTS = 500


def membership_entropy(membership: Floats) -> Floats:
    """Return the entropy of membership over log G: (..., n_actors) from (..., n_actors, n_clusters), from 0 to 1.

    0 for one cluster. It mixes "lies between clusters" with "its position is not known".
    """
    n_clusters = membership.shape[-1]
    if n_clusters == 1:
        return np.zeros(membership.shape[:-1])
    safe = np.clip(membership, 1e-300, 1.0)
    return np.asarray(-(safe * np.log(safe)).sum(-1) / np.log(n_clusters))


def between(given: NDArray[np.floating], odds: float = EVEN_ODDS) -> NDArray[np.bool_]:
    """Return who lies between two clusters: (..., n_actors) from memberships (..., n_actors, n_clusters).

    An actor does where the probability of some second cluster is at least that of the most probable one over ``odds``: with
    two clusters, where it is from 1/4 to 3/4. With memberships given the position in each draw, the mean over draws is the
    posterior probability of lying between two clusters, which what is unknown of the position does not raise as it
    raises the entropy. It does not depend on the numbers of the clusters. Nobody lies between where there is one cluster.
    """
    near = given * odds >= given.max(axis=-1, keepdims=True)
    return np.asarray(near.sum(axis=-1) > 1)


def participation(weights: Weights, labels: NDArray[np.integer]) -> Floats:
    """Return the participation coefficient, rescaled to reach 1: (n_actors,).

    1 - sum_g (share of an actor's ties that go to cluster g)^2 (Guimera & Amaral 2005), times G / (G - 1), because it
    is 1 - 1/G at most. 0 for an actor without ties and where there is one cluster.
    """
    groups = np.unique(labels)
    if len(groups) < 2:
        return np.zeros(len(labels))
    into = weights @ (labels[:, None] == groups[None]).astype(np.float64)
    total = into.sum(axis=1, keepdims=True)
    share = np.divide(into, total, out=np.zeros_like(into), where=total > 0)
    score = np.where(total[:, 0] > 0, 1.0 - (share**2).sum(axis=1), 0.0)
    return np.asarray(score * len(groups) / (len(groups) - 1.0))


def compressed(weights: Weights) -> Graph:
    """Return the compressed sparse rows of weights (n_actors, n_actors), symmetric; the diagonal is left out."""
    from scipy import sparse

    from simlab.kernels.graphs import Graph

    linked = sparse.coo_array(weights)
    rows, ends = (places.astype(np.int64) for places in linked.coords)
    kept = (linked.data > 0) & (rows != ends)
    order = np.lexsort((ends[kept], rows[kept]))
    starts = np.zeros(linked.shape[0] + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows[kept], minlength=linked.shape[0]), out=starts[1:])
    return Graph(starts, ends[kept][order], linked.data[kept][order].astype(np.float64))


def constraint(graph: Graph) -> Floats:
    """Return Burt's constraint: (n_actors,), the higher, the less an actor's contacts are apart from one another.

    sum_j (p_ij + sum_q p_iq p_qj)^2 over the contacts j of i, with p_ij the share of i's ties, by weight, that goes to j
    (Burt 1992). 1 for an actor with one contact; it can be above 1, as 9/8 in a closed triad. An actor without ties has 1:
    nobody meets through it.
    """
    from simlab.kernels.graphs import fill_constraint

    out = np.empty(len(graph.starts) - 1)
    fill_constraint(graph, out)
    return out


def low_constraint(graph: Graph) -> Floats:
    """Return 1 - constraint, at least 0: (n_actors,), 0 for an actor whose contacts all know one another or that has one."""
    return np.maximum(1.0 - constraint(graph), 0.0)


def betweenness(graph: Graph) -> Floats:
    """Return the share of shortest paths between two others that lead through an actor: (n_actors,), mean over pairs.

    Every tie has length 1, whatever its weight (Freeman 1977, by the algorithm of Brandes 2001); 0 for fewer than three
    actors. Beyond 2,000 actors it is estimated from the paths that start at 500 pivots, evenly spaced among the actors
    (Brandes & Pich 2007).
    """
    from simlab.kernels.graphs import fill_betweenness

    n = len(graph.starts) - 1
    pivots = np.arange(n) if n <= MOST_EXACT else np.linspace(0, n - 1, N_PIVOTS).round().astype(np.int64)
    out = np.zeros(n)
    fill_betweenness(graph, pivots, out)
    return out


def scores(weights: Weights, labels: NDArray[np.integer], membership: Floats) -> dict[str, Floats]:
    """Return the scores that depend on the network and the clusters alone, each (n_actors,).

    Parameters
    ----------
    weights : (n_actors, n_actors), an array or a sparse one
        Share of answers that say tie: symmetric, 0 on the diagonal.
    labels : (n_actors,)
    membership : (n_actors, n_clusters)

    Returns
    -------
    dict
        membership_entropy, participation, between (0 or 1 for want of draws), low_constraint and betweenness. All but the
        last two are 0 where there is one cluster.
    """
    graph = compressed(weights)
    return {
        "membership_entropy": membership_entropy(membership),
        "participation": participation(weights, labels),
        "between": between(membership).astype(np.float64),
        "low_constraint": low_constraint(graph),
        "betweenness": betweenness(graph),
    }
