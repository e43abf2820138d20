"""First positions: geodesic distances and classical multidimensional scaling; and Procrustes rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.scientific import eigh

if TYPE_CHECKING:
    from simlab.panel import Shares

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# From this number of actors on, geodesic distances are taken from so many landmarks.
MANY = 1000
N_LANDMARKS = 200


def geodesic_distances(weights: Shares, sources: Ints | None = None) -> Floats:
    """Return the lengths of shortest paths over pairs with a positive weight, from ``sources`` (or all) to all.

    (n_sources, n_actors); 2 n where there is no path.
    """
    from simlab.kernels.graphs import Graph, fill_all_geodesics

    n = weights.shape[0]
    graph = Graph(weights.indptr.astype(np.int64), weights.indices.astype(np.int64), weights.data)
    sources = np.arange(n) if sources is None else sources
    steps = np.empty((len(sources), n), dtype=np.int64)
    fill_all_geodesics(graph, sources, steps, np.empty(n, dtype=np.int64))
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


def first_positions(weights: Shares, n_dims: int) -> Floats:
    """Return positions from geodesic distances, scaled to a root mean square distance of 1 from the middle.

    Where components are not connected, the 2 n of a missing path would leave nothing but the components apart; it is
    cut to one step more than the longest path there is. From 1,000 actors on, the distances are those from 200 landmarks,
    evenly spaced among the actors: these are laid out, and the others placed by their distances from them (de Silva &
    Tenenbaum 2004).
    """
    n = weights.shape[0]
    landmarks = np.arange(n) if n < MANY else np.linspace(0, n - 1, N_LANDMARKS).round().astype(np.int64)
    distances = geodesic_distances(weights, landmarks)
    connected = distances < 2.0 * n
    longest = distances[connected].max(initial=1.0)
    distances = np.minimum(distances, longest + 1.0)
    places = classical_scaling(distances[:, landmarks], n_dims)
    if n >= MANY:
        places = triangulated(places, distances**2, landmarks)
    size = float(np.sqrt((places**2).sum(1).mean()))
    return places / size if size > 0 else places


def triangulated(places: Floats, squares: Floats, landmarks: Ints) -> Floats:
    """Return positions (n, n_dims) of all, by their squared distances (n_landmarks, n) from landmarks at ``places``.

    ``places`` are those of classical scaling, around the origin. Least squares; the landmarks stay where they are.
    """
    own = squares[:, landmarks].mean(axis=1, keepdims=True)
    return np.asarray(-0.5 * (np.linalg.pinv(places) @ (squares - own)).T)


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
