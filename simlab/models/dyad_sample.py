"""Which dyads of a large network to look at: all ties, all pairs that are near in the space, and a sample of the far ones.

A far pair has a small probability of a tie, which changes little from pair to pair; so a few of them, with a weight, stand
for all, and the work grows with the actors and not with their square. Which pairs are near is decided where the search has
come to; whichever pairs are in the sample, the weighted likelihood is on average that of all dyads (Raftery, Niu, Hoff &
Yeung 2012 do so with strata of geodesic distance).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simlab.models.latent_parts import DyadList

if TYPE_CHECKING:
    from simlab.panel import Shares

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Actors from whose distances the radius is taken within which pairs are near.
_PROBES = 200


def dyad_list(ties: Shares, positions: Floats, n_near: int, n_far: int, rng: np.random.Generator) -> DyadList:
    """Return the list of dyads to look at where actors are at ``positions`` (n_actors, n_dims).

    Parameters
    ----------
    ties : (n_actors, n_actors), sparse
        Symmetric; positive where any relation has a tie.
    n_near, n_far : int
        Pairs of each actor, on average, that are near, and that are drawn from the others.
    """
    n = len(positions)
    rows, columns = ties.nonzero()
    later = rows > columns
    tied = rows[later].astype(np.int64) * n + columns[later]
    whole = np.union1d(tied, near_pairs(positions, n_near, rng))
    n_others = n * (n - 1) // 2 - len(whole)
    far = far_pairs(n, min(n_far * n // 2, n_others), whole, rng) if n_others else np.zeros(0, dtype=np.int64)
    codes = np.concatenate([whole, far])
    first, second = np.divmod(codes, n)
    weight = n_others / len(far) if len(far) else 1.0
    return DyadList(first.astype(np.int32), second.astype(np.int32), len(whole), weight)


def near_pairs(positions: Floats, n_near: int, rng: np.random.Generator) -> Ints:
    """Return the codes (first * n + second, first > second) of the pairs within the distance that gives each ``n_near``."""
    from scipy.spatial import KDTree

    n = len(positions)
    probes = rng.choice(n, min(n, _PROBES), replace=False)
    apart = np.sqrt(((positions[probes, None] - positions[None]) ** 2).sum(axis=2)).ravel()
    wanted = min((n_near + 1) * len(probes), apart.size) - 1  # everybody is near itself
    radius = float(np.partition(apart, wanted)[wanted])
    pairs = KDTree(positions).query_pairs(radius, output_type="ndarray").astype(np.int64)
    return np.asarray(pairs.max(axis=1) * n + pairs.min(axis=1))


def far_pairs(n: int, wanted: int, whole: Ints, rng: np.random.Generator) -> Ints:
    """Return the codes, sorted, of about ``wanted`` pairs drawn alike from those that are not among ``whole`` (sorted)."""
    share = 1.0 - len(whole) / (n * (n - 1) / 2)
    one = rng.integers(0, n, round(wanted / share))
    other = rng.integers(0, n - 1, len(one))
    other += other >= one
    codes = np.sort(np.maximum(one, other) * n + np.minimum(one, other))
    at = np.minimum(np.searchsorted(whole, codes), len(whole) - 1)
    return np.asarray(codes[whole[at] != codes])
