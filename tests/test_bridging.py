"""Bridging scores: by hand, against networkx, and in every fit."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference.fits import odd_networks, planted
from reference.made import made_fit
from reference.naive_graphs import random_weights

from simlab.fit import bridging
from simlab.fit.bridging import (
    between,
    betweenness,
    compressed,
    constraint,
    low_constraint,
    membership_entropy,
    participation,
    scores,
)
from simlab.fit.fit import finished
from simlab.fit.louvain import Louvain
from simlab.fit.spectral import Spectral

EVERY = ["membership_entropy", "participation", "between", "low_constraint", "betweenness"]


def test_membership_entropy_by_hand() -> None:
    """Over log G: none of a certain actor, all of an even one, (.5 log 2 + .5 log 2) / log 3 of one between two of three."""
    shares = np.array([[1.0, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.5, 0], [0.7, 0.2, 0.1]])
    last = -(0.7 * math.log(0.7) + 0.2 * math.log(0.2) + 0.1 * math.log(0.1)) / math.log(3)
    assert_allclose(membership_entropy(shares), [0.0, 1.0, math.log(2) / math.log(3), last], atol=1e-12)


def test_membership_entropy_of_several_draws_and_of_one_cluster() -> None:
    draws = np.random.default_rng(1).dirichlet(np.ones(3), (4, 5))
    entropy = membership_entropy(draws)
    assert entropy.shape == (4, 5)
    assert_allclose(entropy[2], membership_entropy(draws[2]))
    assert membership_entropy(np.ones((5, 1))).tolist() == [0.0] * 5


def test_participation_by_hand() -> None:
    """Actors 0 to 4 in clusters 0, 0, 1, 1, 2; of three clusters, the factor is 3 / 2.

    Actor 0 has ties 1, 1, 1 into clusters 0, 1 and 2: (1 - 3/9) * 3/2 = 1. Actor 1 has one, into cluster 0: 0. Actor 2
    has one into cluster 0 and two (a tie of weight 2) into its own: (1 - 1/9 - 4/9) * 3/2 = 2/3. Actor 3: 0, by its one
    tie. Actor 4 has one: 0.
    """
    weights = np.zeros((5, 5))
    for i, j, weight in [(0, 1, 1.0), (0, 2, 1.0), (0, 4, 1.0), (2, 3, 2.0)]:
        weights[i, j] = weights[j, i] = weight
    assert_allclose(participation(weights, np.array([0, 0, 1, 1, 2])), [1.0, 0.0, 2 / 3, 0.0, 0.0], atol=1e-12)


@pytest.mark.parametrize("names", [[0, 0, 1, 1, 2], [7, 7, 0, 0, 3]])
def test_participation_does_not_depend_on_the_names_of_clusters(names: list[int]) -> None:
    weights = np.triu(np.random.default_rng(2).random((5, 5)), 1)
    weights += weights.T
    expected = participation(weights, np.array([0, 0, 1, 1, 2]))
    assert_allclose(participation(weights, np.array(names)), expected)


def test_participation_without_ties_and_of_one_cluster_is_zero() -> None:
    weights = np.ones((4, 4))
    assert participation(np.zeros((4, 4)), np.array([0, 0, 1, 1])).tolist() == [0.0] * 4
    assert participation(weights, np.zeros(4, dtype=int)).tolist() == [0.0] * 4


def test_between_by_hand() -> None:
    """Odds within 3 to 1 of the nearest two; a third cluster changes nothing."""
    given = np.array(
        [[0.75, 0.25, 0], [0.8, 0.2, 0], [0.1, 0.5, 0.4], [0.36, 0.32, 0.32], [0.6, 0.19, 0.21], [1, 0, 0]]
    )
    assert between(given).tolist() == [True, False, True, True, True, False]
    assert between(given, odds=1.2).tolist() == [False, False, False, True, False, False]


def test_between_of_draws_does_not_depend_on_the_numbers_of_clusters() -> None:
    rng = np.random.default_rng(3)
    draws = rng.dirichlet(np.ones(4), (50, 6)).astype(np.float32)
    found = between(draws)
    assert found.shape == (50, 6)
    assert found.dtype == bool
    assert 0.0 < found.mean() < 1.0
    switched = np.stack([draw[:, rng.permutation(4)] for draw in draws])
    assert np.array_equal(between(switched), found)
    assert not between(np.ones((3, 5, 1))).any()


@pytest.mark.parametrize(("n", "density", "seed"), [(12, 0.3, 1), (30, 0.1, 2), (60, 0.25, 3), (40, 0.03, 4)])
def test_constraint_and_betweenness_are_those_of_networkx(n: int, density: float, seed: int) -> None:
    weights = random_weights(n, density, seed)
    graph = nx.from_numpy_array(weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        held = np.array([value for _, value in sorted(nx.constraint(graph, weight="weight").items())])
    isolated = weights.sum(axis=1) == 0
    assert isolated.any() == (density <= 0.1)
    assert_allclose(constraint(compressed(weights)), np.where(isolated, 1.0, held), rtol=1e-10)
    assert_allclose(betweenness(compressed(weights)), list(nx.betweenness_centrality(graph).values()), atol=1e-12)


def test_low_constraint_is_highest_where_contacts_do_not_meet() -> None:
    """The centre of a star of five: 5 (1/5)^2; each other has one contact. A closed triad is held by 9/8."""
    star, triad = np.zeros((9, 9)), np.ones((3, 3)) - np.eye(3)
    star[0, 1:6] = star[1:6, 0] = 1.0
    star[6:, 6:] = triad
    graph = compressed(star)
    assert_allclose(constraint(graph), [0.2, 1, 1, 1, 1, 1, 9 / 8, 9 / 8, 9 / 8])
    assert_allclose(low_constraint(graph), [0.8] + [0] * 8)


def test_compressed_rows_leave_out_loops() -> None:
    weights = np.array([[1.0, 0.5, 0], [0.5, 0, 0], [0, 0, 2]])
    graph = compressed(weights)
    assert graph.starts.tolist() == [0, 1, 2, 2]
    assert graph.ends.tolist() == [1, 0]
    assert graph.weights.tolist() == [0.5, 0.5]
    assert weights[0, 0] == 1.0


def test_pivots_estimate_the_betweenness_of_many_actors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cliques that meet in one actor: it stands out, from pivots as from everybody; never beyond 1."""
    ties = np.zeros((81, 81))
    ties[:41, :41] = ties[40:, 40:] = 1.0
    graph = compressed(ties)
    whole = betweenness(graph)
    monkeypatch.setattr(bridging, "MOST_EXACT", 80)
    monkeypatch.setattr(bridging, "N_PIVOTS", 20)
    found = betweenness(graph)
    assert whole[40] == pytest.approx(2 * 40 * 40 / (80 * 79))
    assert found[40] == pytest.approx(whole[40], rel=0.02)
    assert np.delete(found, 40).max() == 0.0


def test_the_scores_of_one_cluster_are_those_of_the_network_alone() -> None:
    weights = random_weights(20, 0.2, 5)
    found = scores(weights, np.zeros(20, dtype=int), np.ones((20, 1)))
    assert list(found) == EVERY
    for name in EVERY[:3]:
        assert not found[name].any()
    assert found["low_constraint"].any()
    assert found["betweenness"].any()


def test_every_fit_has_every_score_on_odd_networks_too() -> None:
    for name, network in odd_networks().items():
        for fitter in (Spectral(n_clusters=2), Louvain()):
            fit = fitter.fit(network, rng=np.random.default_rng(1))
            assert set(EVERY) <= set(fit.bridging), name
            for score, values in fit.bridging.items():
                assert values.shape == (network.n_actors,), (name, score)
                assert ((values >= 0) & (values <= 1)).all(), (name, score)


def test_a_bridge_between_blocks_has_the_highest_scores_of_the_network() -> None:
    network = planted((10, 10), 0.8, 0.0, 3)
    state = network.state.copy()
    state[0, 10:15] = state[10:15, 0] = 1
    fit = Spectral(n_clusters=2).fit(replace(network, state=state), rng=np.random.default_rng(1))
    for score in ("participation", "betweenness", "low_constraint"):
        assert fit.bridging[score].argmax() == 0, score


def test_a_fit_keeps_its_own_scores_and_several_networks_count_alike() -> None:
    networks = [planted((5, 5), 0.7, 0.2, seed) for seed in (1, 2)]
    own = np.linspace(0, 1, 10)
    fit = made_fit(np.repeat([0, 1], 5), networks[0].actors, bridging={"between": own}, bridging_score="between")
    found = finished(fit, networks, 0.0)
    assert found.bridging["between"] is own
    assert found.bridging_score == "between"
    weights = (networks[0].weights() + networks[1].weights()) / 2
    assert_allclose(found.bridging["low_constraint"], low_constraint(compressed(weights)))
    assert_allclose(found.bridging["participation"], participation(weights, fit.labels))
