"""Bridging scores, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from simlab.fit.bridging import membership_entropy, participation


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
