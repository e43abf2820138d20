"""First positions from a network, and Procrustes rotation."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import orthogonal_procrustes
from scipy.sparse import csr_array

from simlab.models.layout import (
    classical_scaling,
    first_positions,
    geodesic_distances,
    procrustes,
    procrustes_with_move,
    triangulated,
)
from simlab.models.lpcm import distances


def random_turn(rng: np.random.Generator, n_dims: int, reflected: bool) -> np.ndarray:
    """Return a rotation, or a rotation with a reflection."""
    turn = np.linalg.qr(rng.standard_normal((n_dims, n_dims)))[0]
    if (np.linalg.det(turn) < 0) != reflected:
        turn[:, 0] *= -1
    return turn


def test_geodesic_distances_are_those_of_networkx() -> None:
    graph = nx.gnm_random_graph(30, 32, seed=4)
    found = geodesic_distances(csr_array(nx.to_numpy_array(graph) * 0.5))
    lengths = dict(nx.all_pairs_shortest_path_length(graph))
    expected = [[lengths[i].get(j, 60) for j in range(30)] for i in range(30)]
    assert not nx.is_connected(graph)
    assert_allclose(found, expected)


@pytest.mark.parametrize(("n", "n_dims"), [(3, 1), (12, 2), (40, 3)])
def test_classical_scaling_recovers_a_configuration(n: int, n_dims: int) -> None:
    places = np.random.default_rng(n).standard_normal((n, n_dims))
    found = classical_scaling(distances(places), n_dims)
    assert_allclose(distances(found), distances(places), atol=1e-9)
    assert_allclose(procrustes(found, places), places, atol=1e-9)


def test_classical_scaling_of_a_plane_in_one_dimension_is_its_longest_axis() -> None:
    places = np.random.default_rng(3).standard_normal((50, 2)) @ np.diag([5.0, 1.0])
    places -= places.mean(0)
    axis = np.linalg.svd(places)[2][0]
    found = classical_scaling(distances(places), 1)[:, 0]
    assert_allclose(np.abs(found), np.abs(places @ axis), atol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_more_dimensions_than_the_actors_span_are_zero(n: int) -> None:
    places = np.arange(float(n))[:, None]
    found = classical_scaling(distances(places), 4)
    assert found.shape == (n, 4)
    assert_allclose(distances(found), distances(places), atol=1e-7)


@pytest.mark.parametrize(
    "graph",
    [
        nx.empty_graph(2),
        nx.empty_graph(7),
        nx.complete_graph(7),
        nx.path_graph(2),
        nx.disjoint_union(nx.complete_graph(5), nx.empty_graph(3)),
        nx.disjoint_union_all([nx.path_graph(6), nx.path_graph(2), nx.empty_graph(1)]),
    ],
    ids=["two-empty", "empty", "complete", "pair", "isolates", "components"],
)
def test_first_positions_are_finite_of_unit_size_and_repeatable(graph: nx.Graph) -> None:
    weights = csr_array(nx.to_numpy_array(graph))
    places = first_positions(weights, 2)
    assert places.shape == (len(graph), 2)
    assert np.isfinite(places).all()
    assert (places**2).sum(1).mean() == pytest.approx(1.0)
    assert_allclose(first_positions(weights.copy(), 2), places, rtol=0)


def test_first_positions_keep_a_component_apart_without_hiding_its_inside() -> None:
    """Without a cut of the missing paths, the two halves of the chain would fall onto one point."""
    graph = nx.disjoint_union(nx.path_graph(12), nx.path_graph(3))
    apart = distances(first_positions(csr_array(nx.to_numpy_array(graph)), 2))
    assert apart[0, 11] > 0.5 * apart[0, 14]
    assert apart[12, 14] < apart[0, 13]


def test_landmarks_place_everybody_in_their_plane() -> None:
    places = np.random.default_rng(4).standard_normal((60, 2))
    apart = distances(places)
    landmarks = np.arange(0, 60, 7)
    own = classical_scaling(apart[np.ix_(landmarks, landmarks)], 2)
    found = triangulated(own, apart[landmarks] ** 2, landmarks)
    assert_allclose(found[landmarks], own, atol=1e-9)
    assert_allclose(distances(found), apart, atol=1e-9)


def test_first_positions_of_many_actors_tell_their_neighbourhoods() -> None:
    """A ring of 1,200, laid out from 200 landmarks: neighbours are near, and the two ends of a diameter far."""
    ring = nx.circulant_graph(1200, [1, 2, 3])
    places = first_positions(nx.to_scipy_sparse_array(ring, format="csr", dtype=float), 2)
    apart = np.linalg.norm(places - np.roll(places, 1, axis=0), axis=1)
    across = np.linalg.norm(places - np.roll(places, 600, axis=0), axis=1)
    assert apart.max() < 0.1 * across.min()


@pytest.mark.parametrize("reflected", [False, True])
@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_procrustes_undoes_rotation_reflection_and_shift(n_dims: int, reflected: bool) -> None:
    rng = np.random.default_rng(n_dims)
    reference = rng.standard_normal((15, n_dims))
    moved = reference @ random_turn(rng, n_dims, reflected) + rng.normal(0, 10, n_dims)
    assert_allclose(procrustes(moved, reference), reference, atol=1e-10)


def test_procrustes_never_rescales() -> None:
    rng = np.random.default_rng(5)
    places, reference = rng.standard_normal((2, 15, 2))
    assert_allclose(distances(procrustes(7.0 * places, reference)), distances(7.0 * places), rtol=1e-10)
    back = procrustes(7.0 * reference, reference)
    centred = reference - reference.mean(0)
    assert_allclose(back - back.mean(0), 7.0 * centred, atol=1e-10)


def test_procrustes_is_the_least_squares_solution_of_scipy() -> None:
    rng = np.random.default_rng(6)
    draws, reference = rng.standard_normal((20, 15, 3)), rng.standard_normal((15, 3)) + 4.0
    moved, turn, shift = procrustes_with_move(draws, reference)
    assert_allclose(draws @ turn + shift, moved, atol=1e-12)
    for t in range(20):
        own = draws[t] - draws[t].mean(0)
        expected, _ = orthogonal_procrustes(own, reference - reference.mean(0))
        assert_allclose(turn[t], expected, atol=1e-10)
        assert_allclose(moved[t].mean(0), reference.mean(0), atol=1e-12)
        assert_allclose(turn[t] @ turn[t].T, np.eye(3), atol=1e-12)


def test_procrustes_of_positions_on_one_point_is_finite() -> None:
    reference = np.random.default_rng(7).standard_normal((6, 2))
    moved = procrustes(np.zeros((6, 2)), reference)
    assert_allclose(moved, np.broadcast_to(reference.mean(0), (6, 2)), atol=1e-12)
