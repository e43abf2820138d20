"""The information of a network: how far its clusters stand out of the chance of its ties."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def information_of(either: Floats, labels: NDArray[np.integer]) -> float:
    """Return c lambda^2 of ties made undirected by union; 1 is the Kesten-Stigum threshold.

    For q equal clusters it is (c_in - c_out)^2 / (q (c_in + (q - 1) c_out)) with c = n p; in general the square of the
    second largest eigenvalue over the largest, of the matrix of expected ties of an actor in g with cluster h
    (Decelle, Krzakala, Moore & Zdeborova 2011). NaN for one cluster.

    Parameters
    ----------
    either : (n_actors, n_actors)
        Probability of a tie in at least one direction; the diagonal is not read.
    labels : (n_actors,)
    """
    groups = np.unique(labels)
    if len(groups) < 2:
        return float("nan")
    member = (labels[:, None] == groups[None]).astype(float)
    sizes = member.sum(axis=0)
    ties = np.where(np.eye(len(labels), dtype=bool), 0.0, either)
    pairs = np.outer(sizes, sizes) - np.diag(sizes)
    mean = np.divide(member.T @ ties @ member, pairs, out=np.zeros_like(pairs), where=pairs > 0)
    # Similar to the matrix mean * sizes, and symmetric.
    root = np.sqrt(sizes)
    values = np.sort(np.abs(np.linalg.eigvalsh(root[:, None] * mean * root[None])))[::-1]
    return float(values[1] ** 2 / values[0]) if values[0] > 0 else 0.0
