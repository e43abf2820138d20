"""Bridging scores: how much an actor lies between clusters, or has ties into several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def membership_entropy(membership: Floats) -> Floats:
    """Return the entropy of membership over log G: (..., n_actors) from (..., n_actors, n_clusters), from 0 to 1.

    0 for one cluster. It mixes "lies between clusters" with "its position is not known".
    """
    n_clusters = membership.shape[-1]
    if n_clusters == 1:
        return np.zeros(membership.shape[:-1])
    safe = np.clip(membership, 1e-300, 1.0)
    return np.asarray(-(safe * np.log(safe)).sum(-1) / np.log(n_clusters))


def participation(weights: Floats, labels: NDArray[np.integer]) -> Floats:
    """Return the participation coefficient, rescaled to reach 1: (n_actors,).

    1 - sum_g (share of an actor's ties that go to cluster g)^2 (Guimera & Amaral 2005), times G / (G - 1), because it
    is 1 - 1/G at most. 0 for an actor without ties and where there is one cluster.
    """
    groups = np.unique(labels)
    if len(groups) < 2:
        return np.zeros(len(labels))
    into = np.stack([weights[:, labels == g].sum(axis=1) for g in groups], axis=1)
    total = into.sum(axis=1, keepdims=True)
    share = np.divide(into, total, out=np.zeros_like(into), where=total > 0)
    score = np.where(total[:, 0] > 0, 1.0 - (share**2).sum(axis=1), 0.0)
    return np.asarray(score * len(groups) / (len(groups) - 1.0))
