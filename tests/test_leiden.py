"""Modularity by the Leiden method."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
import numpy as np
import pytest
from reference.fits import check_fit, odd_networks, planted

from simlab.fit.fit import Status
from simlab.fit.leiden import Leiden, connected_parts, leiden, quality
from simlab.fit.louvain import Louvain
from simlab.fit.spectral import modularity
from simlab.foundation.errors import InputError


def partitions(n: int) -> Iterator[list[int]]:
    """Yield the labels of every partition of n nodes."""

    def longer(labels: list[int]) -> Iterator[list[int]]:
        if len(labels) == n:
            yield labels
            return
        for g in range(max(labels, default=-1) + 2):
            yield from longer([*labels, g])

    return longer([])


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_two_planted_blocks_are_found(seed: int, directed: bool) -> None:
    network = planted((12, 15), 0.7, 0.05, seed, directed=directed)
    fit = Leiden().fit(network, rng=np.random.default_rng(seed))
    check_fit(fit, network)
    assert fit.status == Status.OK
    assert fit.labels.tolist() == [0] * 12 + [1] * 15
    assert fit.positions is None


@pytest.mark.parametrize("seed", range(8))
def test_the_best_of_all_partitions_of_seven_nodes_is_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.random((7, 7)) < 0.4, 1) * rng.choice([0.5, 1.0], (7, 7))
    weights = upper + upper.T
    for resolution in (0.7, 1.0, 1.5):
        best = max(quality(weights, np.array(labels), resolution) for labels in partitions(7))
        runs = [leiden(weights, np.random.default_rng(k), resolution=resolution) for k in range(5)]
        assert max(quality(weights, labels, resolution) for labels in runs) == pytest.approx(best, abs=1e-9)


def test_the_karate_club_has_its_known_highest_modularity() -> None:
    """0.4198 with four clusters, proved the highest by integer programming (Brandes et al. 2008)."""
    weights = nx.to_numpy_array(nx.karate_club_graph(), weight=None)
    labels = leiden(weights, np.random.default_rng(1))
    assert modularity(weights, labels) == pytest.approx(0.4197896, abs=1e-6)
    assert len(set(labels.tolist())) == 4


@pytest.mark.parametrize("seed", range(4))
def test_it_is_no_worse_than_louvain_and_its_clusters_are_connected(seed: int) -> None:
    network = planted((15, 20, 25), 0.25, 0.08, seed)
    weights = network.weights().toarray()
    fit = Leiden().fit(network, rng=np.random.default_rng(seed))
    other = Louvain().fit(network, rng=np.random.default_rng(seed))
    assert modularity(weights, fit.labels) >= modularity(weights, other.labels) - 1e-9
    graph = nx.from_numpy_array(weights)
    for g in range(fit.n_clusters):
        assert nx.is_connected(graph.subgraph(np.flatnonzero(fit.labels == g)))


def test_a_cluster_that_is_not_connected_is_cut() -> None:
    weights = np.kron(np.eye(2), np.ones((3, 3)) - np.eye(3))
    labels = connected_parts(weights, np.zeros(6, dtype=int))
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert quality(weights, labels) > quality(weights, np.zeros(6, dtype=int))


@pytest.mark.parametrize("resolution", [0.5, 1.0, 2.0])
def test_quality_equals_the_modularity_of_networkx(resolution: float) -> None:
    weights = planted((8, 12), 0.4, 0.2, 1).weights().toarray()
    labels = np.random.default_rng(1).integers(0, 3, 20)
    groups = [set(np.flatnonzero(labels == g).tolist()) for g in range(3)]
    expected = nx.community.modularity(nx.from_numpy_array(weights), groups, resolution=resolution)
    assert quality(weights, labels, resolution) / weights.sum() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", odd_networks())
def test_odd_networks(name: str) -> None:
    network = odd_networks()[name]
    fit = Leiden().fit(network, rng=np.random.default_rng(1))
    check_fit(fit, network)
    assert (fit.membership.max(axis=1) == 1.0).all()


@pytest.mark.parametrize(("name", "n_clusters"), [("no ties", 7), ("all ties", 1), ("two actors", 1)])
def test_the_number_of_clusters_of_odd_networks(name: str, n_clusters: int) -> None:
    assert Leiden().fit(odd_networks()[name], rng=np.random.default_rng(1)).n_clusters == n_clusters


def test_isolates_are_clusters_of_their_own_and_components_are_apart() -> None:
    fit = Leiden().fit(odd_networks()["isolates and components"], rng=np.random.default_rng(1))
    assert fit.labels.tolist() == [0] * 6 + [1, 1, 2, 3, 4]


def test_an_actor_without_answers_is_kept_and_flagged() -> None:
    fit = Leiden().fit(odd_networks()["an actor not observed"], rng=np.random.default_rng(1))
    assert np.flatnonzero(fit.unknown).tolist() == [3]
    assert fit.sizes[fit.labels[3]] == 1


def test_a_higher_resolution_gives_more_clusters() -> None:
    network = planted((8, 9, 10), 0.5, 0.15, 5)
    low, high = (Leiden(resolution=r).fit(network, rng=np.random.default_rng(1)).n_clusters for r in (0.3, 3.0))
    assert low < high


def test_the_same_stream_gives_the_same_fit() -> None:
    network = planted((8, 9, 10), 0.3, 0.2, 5)
    one, other = (Leiden().fit(network, rng=np.random.default_rng(5)) for _ in range(2))
    assert one.labels.tolist() == other.labels.tolist()


@pytest.mark.parametrize("wrong", ["resolution", "randomness", "n_starts"])
def test_settings_that_are_not_positive_are_refused(wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        Leiden(**{wrong: 0 if wrong == "n_starts" else 0.0})
