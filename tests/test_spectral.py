"""Spectral clustering."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from reference.fits import check_fit, network_from, odd_networks, planted

from simlab.fit.fit import Status
from simlab.fit.spectral import Spectral, _embedding, _spectrum, modularity
from simlab.foundation.errors import InputError
from simlab.models.mixture import fit_mixture
from simlab.panel import DyadState, Network
from simlab.partition import canonical, first_mentioned

BLOCKS = [0] * 12 + [1] * 15


@pytest.mark.parametrize("n_clusters", [2, (1, 5)])
@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_two_planted_blocks_are_found(seed: int, directed: bool, n_clusters: int | tuple[int, int]) -> None:
    network = planted((12, 15), 0.7, 0.05, seed, directed=directed)
    fit = Spectral(n_clusters=n_clusters).fit(network, rng=np.random.default_rng(seed))
    check_fit(fit, network)
    assert fit.status == Status.OK
    assert fit.labels.tolist() == BLOCKS


def test_nothing_is_found_where_ties_do_not_depend_on_the_blocks() -> None:
    network = planted((12, 15), 0.3, 0.3, 4)
    labels = Spectral(n_clusters=2).fit(network, rng=np.random.default_rng(0)).labels
    agreement = np.mean(labels == BLOCKS)
    assert 0.2 < agreement < 0.8


@pytest.mark.parametrize("name", odd_networks())
@pytest.mark.parametrize("n_clusters", [1, 2, (1, 6)])
def test_odd_networks(name: str, n_clusters: int | tuple[int, int]) -> None:
    network = odd_networks()[name]
    fit = Spectral(n_clusters=n_clusters).fit(network, rng=np.random.default_rng(1))
    check_fit(fit, network)


def test_an_actor_without_answers_is_kept_and_flagged() -> None:
    fit = Spectral(n_clusters=2).fit(odd_networks()["an actor not observed"], rng=np.random.default_rng(1))
    assert np.flatnonzero(fit.unknown).tolist() == [3]
    assert fit.labels[[0, 1, 2]].tolist() == [0, 0, 0]
    assert fit.labels[4:].tolist() == [1, 1, 1, 1]


def test_the_number_of_clusters_is_that_of_the_highest_modularity() -> None:
    network = planted((9, 9, 9), 0.7, 0.05, 3)
    fit = Spectral(n_clusters=(1, 6)).fit(network, rng=np.random.default_rng(2))
    values = fit.choice["minus_modularity"]
    assert list(values) == [1, 2, 3, 4, 5, 6]
    assert fit.n_clusters == 3 == min(values, key=lambda g: values[g])
    assert values[3] == pytest.approx(-modularity(network.weights().toarray(), fit.labels))
    assert Spectral(n_clusters=3).fit(network, rng=np.random.default_rng(2)).choice == {}


def test_more_clusters_than_actors_are_refused_or_left_out() -> None:
    network = odd_networks()["two actors"]
    with pytest.raises(InputError, match=r"n_clusters = 3.*at most the number of actors, 2"):
        Spectral(n_clusters=3).fit(network, rng=np.random.default_rng(1))
    fit = Spectral(n_clusters=(1, 6)).fit(network, rng=np.random.default_rng(1))
    assert list(fit.choice["minus_modularity"]) == [1, 2]


def test_the_same_stream_gives_the_same_fit() -> None:
    network = planted((9, 9, 9), 0.5, 0.15, 3)
    one, other = (Spectral(n_clusters=4).fit(network, rng=np.random.default_rng(5)) for _ in range(2))
    assert one.membership.tolist() == other.membership.tolist()


def test_the_order_of_actors_does_not_matter() -> None:
    network = planted((9, 9, 9), 0.7, 0.1, 3)
    turn = np.random.default_rng(1).permutation(27)
    turned = Network(network.actors, network.state[np.ix_(turn, turn)])
    one = Spectral(n_clusters=3).fit(network, rng=np.random.default_rng(5)).labels
    other = Spectral(n_clusters=3).fit(turned, rng=np.random.default_rng(5)).labels
    assert ((one[turn][:, None] == one[turn]) == (other[:, None] == other)).all()


@pytest.mark.parametrize("n_clusters", [1, 2, 5])
def test_modularity_equals_that_of_networkx(n_clusters: int) -> None:
    rng = np.random.default_rng(n_clusters)
    network = planted((8, 12), 0.4, 0.2, 1)
    labels = rng.integers(0, n_clusters, 20)
    groups = [set(np.flatnonzero(labels == g).tolist()) for g in np.unique(labels)]
    expected = nx.community.modularity(nx.from_numpy_array(network.weights().toarray()), groups)
    assert modularity(network.weights().toarray(), labels) == pytest.approx(expected, abs=1e-12)


def test_modularity_without_ties_is_zero() -> None:
    assert modularity(np.zeros((4, 4)), np.array([0, 0, 1, 1])) == 0.0


def test_one_actor_is_refused() -> None:
    with pytest.raises(InputError, match="at least 2 actors"):
        Spectral(n_clusters=1).fit(network_from(np.zeros((1, 1), dtype=int)), rng=np.random.default_rng(1))


# --- directed ---------------------------------------------------------------------------------------------------------


def cycle(seed: int) -> Network:
    """Three clusters, each with ties mostly to the next: undirected they are one."""
    rng = np.random.default_rng(seed)
    block = np.repeat([0, 1, 2], 15)
    into_next = block[None, :] == (block[:, None] + 1) % 3
    return network_from(rng.random((45, 45)) < np.where(into_next, 0.5, 0.1))


@pytest.mark.parametrize("seed", range(3))
def test_direction_shows_clusters_that_differ_by_whom_their_ties_go_to(seed: int) -> None:
    network = cycle(seed)
    fit = Spectral(n_clusters=3, directed=True).fit(network, rng=np.random.default_rng(seed))
    check_fit(fit, network)
    assert (fit.labels == np.repeat([0, 1, 2], 15)).mean() > 0.9
    blind = Spectral(n_clusters=3).fit(network, rng=np.random.default_rng(seed))
    assert (blind.labels == np.repeat([0, 1, 2], 15)).mean() < 0.7


@pytest.mark.parametrize("n_clusters", [2, (1, 5)])
def test_directed_finds_planted_blocks_too(n_clusters: int | tuple[int, int]) -> None:
    network = planted((12, 15), 0.7, 0.05, 1)
    fit = Spectral(n_clusters=n_clusters, directed=True).fit(network, rng=np.random.default_rng(1))
    assert fit.labels.tolist() == BLOCKS


@pytest.mark.parametrize("name", odd_networks())
def test_odd_networks_directed(name: str) -> None:
    network = odd_networks()[name]
    fit = Spectral(n_clusters=2, directed=True).fit(network, rng=np.random.default_rng(1))
    check_fit(fit, network)


def test_directed_changes_nothing_where_ties_have_no_direction() -> None:
    network = planted((12, 15), 0.4, 0.15, 1, directed=False)
    one, other = (Spectral(n_clusters=3, directed=d).fit(network, rng=np.random.default_rng(1)) for d in (True, False))
    assert one.membership.tolist() == other.membership.tolist()


def test_silence_is_filled_from_the_other_side() -> None:
    """Where every tie is mutual, half of the answers say all."""
    network = planted((12, 15), 0.6, 0.1, 2, directed=False)
    whole = Network(network.actors, network.state, directed=True)
    state = network.state.copy()
    state[np.triu_indices(27, 1)] = DyadState.NO_ANSWER
    half = Network(network.actors, state)
    one, other = (Spectral(n_clusters=2, directed=True).fit(n, rng=np.random.default_rng(1)) for n in (whole, half))
    assert one.membership.tolist() == other.membership.tolist()


def test_starts_that_agree_are_run_once_and_give_what_all_would() -> None:
    network = planted((9, 9, 9), 0.4, 0.15, 3)
    fit = Spectral(n_clusters=3).fit(network, rng=np.random.default_rng(2))
    rng = np.random.default_rng(2)
    points = _embedding(_spectrum(network.weights().toarray())[:, :3])
    mixture = fit_mixture(points, 3, rng, n_starts=10, common_variance=True)
    assert fit.labels.tolist() == canonical(mixture.labels).tolist()
    order = first_mentioned(mixture.labels, 3)
    assert np.abs(fit.membership - mixture.membership[:, order]).max() < 1e-9
