"""Recovery against scikit-learn, brute force, and the axioms of a metric."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, mutual_info_score

from simlab.metrics.recovery import (
    adjusted_mutual_information,
    adjusted_rand_index,
    misclassified,
    partition_distance,
    position_rmse,
)

Labels = np.ndarray

DEGENERATE = {
    "one cluster and one cluster": ([0] * 6, [0] * 6),
    "one cluster and two": ([0] * 6, [0, 0, 0, 1, 1, 1]),
    "singletons and singletons": (list(range(6)), [5, 4, 3, 2, 1, 0]),
    "singletons and one cluster": (list(range(6)), [0] * 6),
    "singletons and two": (list(range(6)), [0, 0, 0, 1, 1, 1]),
    "one actor": ([0], [0]),
    "two actors, together and apart": ([0, 0], [0, 1]),
    "two actors, apart": ([0, 1], [1, 0]),
    "names with gaps": ([0, 0, 7, 7, 3, 3], [9, 9, 1, 1, 1, 4]),
    "crossed": ([0, 0, 1, 1], [0, 1, 0, 1]),
}


def random_labels(seed: int) -> tuple[Labels, Labels]:
    """Return two label vectors of one length; the second is a noisy copy of the first, or has nothing to do with it."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 80))
    one, other = rng.integers(0, rng.integers(1, 9), n), rng.integers(0, rng.integers(1, 9), n)
    return one, np.where(rng.random(n) < rng.random(), one, other)


@pytest.mark.parametrize("seed", range(40))
def test_indices_agree_with_scikit_learn(seed: int) -> None:
    one, other = random_labels(seed)
    assert_allclose(adjusted_rand_index(one, other), adjusted_rand_score(one, other), atol=1e-12)
    assert_allclose(adjusted_mutual_information(one, other), adjusted_mutual_info_score(one, other), atol=1e-9)


@pytest.mark.parametrize("case", DEGENERATE)
def test_indices_agree_with_scikit_learn_on_degenerate_partitions(case: str) -> None:
    one, other = map(np.array, DEGENERATE[case])
    assert_allclose(adjusted_rand_index(one, other), adjusted_rand_score(one, other), atol=1e-12)
    assert_allclose(adjusted_mutual_information(one, other), adjusted_mutual_info_score(one, other), atol=1e-9)


@pytest.mark.parametrize(
    "function", [adjusted_rand_index, adjusted_mutual_information, partition_distance, misclassified]
)
def test_nobody_to_compare_is_nan(function: object) -> None:
    nobody = np.zeros(0, dtype=int)
    assert callable(function)
    assert math.isnan(function(nobody, nobody))
    assert math.isnan(function(np.array([0, -1]), np.array([-1, 0])))


@pytest.mark.parametrize(
    "function", [adjusted_rand_index, adjusted_mutual_information, partition_distance, misclassified]
)
@pytest.mark.parametrize("seed", range(5))
def test_actors_without_a_label_are_left_out_and_names_do_not_matter(function: object, seed: int) -> None:
    one, other = random_labels(seed + 100)
    assert callable(function)
    expected = function(one, other)
    assert_allclose(function(np.append(one, [-1, 0, -1]), np.append(other, [0, -1, -1])), expected, atol=1e-12)
    names = np.random.default_rng(seed).permutation(20)
    assert_allclose(function(names[one], other), expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_variation_of_information_is_a_metric(seed: int) -> None:
    """Not negative, 0 for the same partition alone, symmetric, and no detour is shorter (Meila 2007)."""
    rng = np.random.default_rng(seed)
    a, b, c = (rng.integers(0, k, 30) for k in rng.integers(1, 7, 3))
    assert partition_distance(a, a) == pytest.approx(0.0, abs=1e-12)
    assert partition_distance(a, 5 - a) == pytest.approx(0.0, abs=1e-12)
    assert_allclose(partition_distance(a, b), partition_distance(b, a), atol=1e-12)
    assert partition_distance(a, c) <= partition_distance(a, b) + partition_distance(b, c) + 1e-12
    moved = a.copy()
    moved[0] = 9
    assert partition_distance(a, moved) > 0.01 or (a == a[0]).sum() == 1


@pytest.mark.parametrize("seed", range(20))
def test_variation_of_information_is_two_entropies_less_twice_the_information(seed: int) -> None:
    one, other = random_labels(seed)
    expected = mutual_info_score(one, one) + mutual_info_score(other, other) - 2 * mutual_info_score(one, other)
    assert_allclose(partition_distance(one, other), expected, atol=1e-10)


def test_variation_of_information_by_hand() -> None:
    """Two halves against one cluster: log 2; against the crossed halves: 2 log 2."""
    assert partition_distance(np.array([0, 0, 1, 1]), np.zeros(4, dtype=int)) == pytest.approx(math.log(2))
    assert partition_distance(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])) == pytest.approx(2 * math.log(2))


@pytest.mark.parametrize("seed", range(20))
def test_misclassification_is_the_least_over_all_renamings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = 5
    one, other = rng.integers(0, rng.integers(1, count + 1), 25), rng.integers(0, rng.integers(1, count + 1), 25)
    errors = [(np.array(names)[one] != other).mean() for names in permutations(range(count))]
    assert_allclose(misclassified(one, other), min(errors), atol=1e-12)


@pytest.mark.parametrize(
    ("found", "true", "share"), [([0, 0, 0, 0], [0, 0, 1, 1], 0.5), ([0, 1, 2, 3], [0, 0, 1, 1], 0.5)]
)
def test_clusters_without_a_partner_are_misclassified(found: list[int], true: list[int], share: float) -> None:
    assert misclassified(np.array(found), np.array(true)) == pytest.approx(share)


def test_position_error_does_not_see_rotation_reflection_and_shift_but_sees_scale() -> None:
    rng = np.random.default_rng(1)
    true = rng.normal(size=(30, 2))
    angle = 0.7
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) @ np.diag([1.0, -1.0])
    assert position_rmse(true @ turn + [3.0, -2.0], true) == pytest.approx(0.0, abs=1e-12)
    # Twice as far from the centre: the error of each is its own distance from the centre.
    assert position_rmse(2.0 * true @ turn, true) == pytest.approx(1.0)
    assert position_rmse(np.zeros_like(true), true) == pytest.approx(1.0)


def test_position_error_where_everybody_is_in_one_place_is_nan() -> None:
    assert math.isnan(position_rmse(np.random.default_rng(1).normal(size=(4, 2)), np.ones((4, 2))))
