"""Modularity by the Louvain method."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from reference.fits import check_fit, odd_networks, planted

from simlab.fit.fit import Status
from simlab.fit.louvain import Louvain
from simlab.fit.spectral import modularity
from simlab.foundation.errors import InputError


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_two_planted_blocks_are_found(seed: int, directed: bool) -> None:
    network = planted((12, 15), 0.7, 0.05, seed, directed=directed)
    fit = Louvain().fit(network, rng=np.random.default_rng(seed))
    check_fit(fit, network)
    assert fit.status == Status.OK
    assert fit.labels.tolist() == [0] * 12 + [1] * 15
    assert fit.positions is None


@pytest.mark.parametrize("name", odd_networks())
def test_odd_networks(name: str) -> None:
    network = odd_networks()[name]
    fit = Louvain().fit(network, rng=np.random.default_rng(1))
    check_fit(fit, network)
    assert (fit.membership.max(axis=1) == 1.0).all()


@pytest.mark.parametrize(("name", "n_clusters"), [("no ties", 7), ("all ties", 1), ("two actors", 1)])
def test_the_number_of_clusters_of_odd_networks(name: str, n_clusters: int) -> None:
    assert Louvain().fit(odd_networks()[name], rng=np.random.default_rng(1)).n_clusters == n_clusters


def test_isolates_are_clusters_of_their_own_and_components_are_apart() -> None:
    fit = Louvain().fit(odd_networks()["isolates and components"], rng=np.random.default_rng(1))
    assert fit.labels.tolist() == [0] * 6 + [1, 1, 2, 3, 4]


def test_an_actor_without_answers_is_kept_and_flagged() -> None:
    fit = Louvain().fit(odd_networks()["an actor not observed"], rng=np.random.default_rng(1))
    assert np.flatnonzero(fit.unknown).tolist() == [3]
    assert fit.sizes[fit.labels[3]] == 1


def test_the_partition_is_as_modular_as_that_of_networkx() -> None:
    """Two numbers of the same partition, and no lower than another greedy method finds."""
    network = planted((8, 9, 10), 0.5, 0.15, 5)
    fit = Louvain().fit(network, rng=np.random.default_rng(1))
    graph = nx.from_numpy_array(network.weights().toarray())
    groups = [set(np.flatnonzero(fit.labels == g).tolist()) for g in range(fit.n_clusters)]
    value = nx.community.modularity(graph, groups)
    assert value == pytest.approx(modularity(network.weights().toarray(), fit.labels), abs=1e-12)
    other = nx.community.modularity(graph, nx.community.greedy_modularity_communities(graph, weight="weight"))
    assert value >= other - 1e-9


def test_a_higher_resolution_gives_more_clusters() -> None:
    network = planted((8, 9, 10), 0.5, 0.15, 5)
    low, high = (Louvain(resolution=r).fit(network, rng=np.random.default_rng(1)).n_clusters for r in (0.3, 3.0))
    assert low < high


def test_the_same_stream_gives_the_same_fit() -> None:
    network = planted((8, 9, 10), 0.3, 0.2, 5)
    one, other = (Louvain().fit(network, rng=np.random.default_rng(5)) for _ in range(2))
    assert one.labels.tolist() == other.labels.tolist()


def test_a_resolution_that_is_not_positive_is_refused() -> None:
    with pytest.raises(InputError, match="resolution"):
        Louvain(resolution=0.0)
