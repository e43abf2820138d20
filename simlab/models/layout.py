"""First positions: geodesic distances and classical multidimensional scaling; and Procrustes rotation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

Floats = NDArray[np.float64]


def geodesic_distances(weights: Floats) -> Floats:
    """Return the lengths of shortest paths (n, n) over pairs with a positive weight; 2 n where there is no path."""
    from simlab.kernels.graphs import Graph, fill_all_geodesics

    n = len(weights)
    rows, columns = np.nonzero(weights > 0)
    starts = np.searchsorted(rows, np.arange(n + 1))
    steps = np.empty((n, n), dtype=np.int64)
    fill_all_geodesics(Graph(starts, columns, np.ones(len(rows))), steps, np.empty(n, dtype=np.int64))
    return np.where(steps < 0, 2.0 * n, steps)


def classical_scaling(distances: Floats, n_dims: int) -> Floats:
    """Return positions (n, n_dims) whose distances are nearest to the given ones (Torgerson 1952)."""
    n = len(distances)
    centring = np.eye(n) - 1.0 / n
    product = -0.5 * centring @ (distances**2) @ centring
    values, vectors = eigh(product, subset_by_index=(max(n - n_dims, 0), n - 1), check_finite=False)
    top = np.argsort(-values)
    places = vectors[:, top] * np.sqrt(np.maximum(values[top], 0.0))
    # A fixed sign, so that the same network always gives the same picture.
    signs = np.sign(places[np.abs(places).argmax(0), np.arange(places.shape[1])])
    places = places * np.where(signs == 0, 1.0, signs)
    if places.shape[1] < n_dims:
        places = np.hstack([places, np.zeros((n, n_dims - places.shape[1]))])
    return np.asarray(places)


def first_positions(weights: Floats, n_dims: int) -> Floats:
    """Return positions from geodesic distances, scaled to a root mean square distance of 1 from the middle.

    Where components are not connected, the 2 n of a missing path would leave nothing but the components apart; it is
    cut to one step more than the longest path there is.
    """
    distances = geodesic_distances(weights)
    n = len(weights)
    connected = distances < 2.0 * n
    longest = distances[connected].max(initial=1.0)
    places = classical_scaling(np.minimum(distances, longest + 1.0), n_dims)
    size = float(np.sqrt((places**2).sum(1).mean()))
    return places / size if size > 0 else places


def procrustes(positions: Floats, reference: Floats) -> Floats:
    """Return positions moved, rotated and reflected onto the reference, never rescaled: the scale is identified.

    positions : (..., n, d), any leading axes; reference : (n, d). Least squares (Schonemann 1966).
    """
    return procrustes_with_move(positions, reference)[0]


def procrustes_with_move(positions: Floats, reference: Floats) -> tuple[Floats, Floats, Floats]:
    """Return (moved positions, turn (..., d, d), shift (..., 1, d)): moved = positions @ turn + shift."""
    middle = reference.mean(axis=0)
    own = positions.mean(axis=-2, keepdims=True)
    u, _, vt = np.linalg.svd(np.swapaxes(positions - own, -1, -2) @ (reference - middle))
    turn = u @ vt
    shift = middle - own @ turn
    return np.asarray(positions @ turn + shift), np.asarray(turn), np.asarray(shift)
