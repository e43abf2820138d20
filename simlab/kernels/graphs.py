"""Loops over the ties of an undirected network: Burt's constraint and betweenness."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.compile import kernel, lean_kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Graph(NamedTuple):
    """An undirected network as compressed sparse rows; each tie stands in the rows of both its ends, loops in none.

    starts : (n_actors + 1,), where each actor's ties begin
    ends : (2 * n_ties,), who is at the other end
    weights : (2 * n_ties,), above 0
    """

    starts: Ints
    ends: Ints
    weights: Floats


@kernel
def fill_constraint(graph: Graph, out: Floats) -> None:
    """Fill ``out`` (n_actors,) with Burt's constraint; 1 for an actor without ties."""
    starts, ends, weights = graph
    n = out.shape[0]
    strength = np.zeros(n)
    for i in range(n):
        for e in range(starts[i], starts[i + 1]):
            strength[i] += weights[e]
    # What is invested in each contact of the actor at hand, itself and through others; below 0 where there is no tie.
    invested = np.full(n, -1.0)
    for i in range(n):
        first, last = starts[i], starts[i + 1]
        out[i] = 1.0 if first == last else 0.0
        for e in range(first, last):
            invested[ends[e]] = weights[e] / strength[i]
        for e in range(first, last):
            q = ends[e]
            own = weights[e] / strength[i] / strength[q]
            for f in range(starts[q], starts[q + 1]):
                if invested[ends[f]] >= 0.0:
                    invested[ends[f]] += own * weights[f]
        for e in range(first, last):
            out[i] += invested[ends[e]] * invested[ends[e]]
            invested[ends[e]] = -1.0


@kernel
def fill_betweenness(graph: Graph, pivots: Ints, out: Floats) -> None:
    """Fill ``out`` (n_actors,) with the betweenness over shortest paths that start at the ``pivots``.

    Brandes' dependency of a start on an actor, over the n - 2 ends there can be, mean over the starts but the actor itself.
    """
    starts, ends, _ = graph
    n = out.shape[0]
    distance = np.full(n, -1)
    order = np.empty(n, dtype=np.int64)
    paths = np.zeros(n)
    depends = np.zeros(n)
    others = np.full(n, pivots.shape[0])
    for i in range(n):
        out[i] = 0.0
    for start in pivots:
        others[start] -= 1
        distance[start], paths[start], order[0] = 0, 1.0, start
        found = 1
        at = 0
        while at < found:
            v = order[at]
            at += 1
            for e in range(starts[v], starts[v + 1]):
                w = ends[e]
                if distance[w] < 0:
                    distance[w] = distance[v] + 1
                    order[found] = w
                    found += 1
                if distance[w] == distance[v] + 1:
                    paths[w] += paths[v]
        for at in range(found - 1, 0, -1):
            w = order[at]
            part = (1.0 + depends[w]) / paths[w]
            for e in range(starts[w], starts[w + 1]):
                v = ends[e]
                if distance[v] == distance[w] - 1:
                    depends[v] += paths[v] * part
            out[w] += depends[w]
        for at in range(found):
            v = order[at]
            distance[v], paths[v], depends[v] = -1, 0.0, 0.0
    for i in range(n):
        if n > 2 and others[i] > 0:
            out[i] /= others[i] * (n - 2.0)


@lean_kernel
def fill_geodesics(graph: Graph, source: int, out: Ints, queue: Ints) -> None:
    """Fill ``out`` (n_actors,) with the lengths of shortest paths from an actor, -1 where there is none; queue : a buffer."""
    for i in range(out.shape[0]):
        out[i] = -1
    out[source] = 0
    queue[0] = source
    head, tail = 0, 1
    while head < tail:
        i = queue[head]
        head += 1
        for e in range(graph.starts[i], graph.starts[i + 1]):
            j = graph.ends[e]
            if out[j] < 0:
                out[j] = out[i] + 1
                queue[tail] = j
                tail += 1


@lean_kernel
def fill_all_geodesics(graph: Graph, sources: Ints, out: Ints, queue: Ints) -> None:
    """Fill ``out`` (n_sources, n_actors) with the lengths of shortest paths from each source, -1 where there is none."""
    for s in range(sources.shape[0]):
        fill_geodesics(graph, sources[s], out[s], queue)
