"""Stability between two periods, by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from conftest import network_of
from reference.made import made_fit, made_truth

from simlab.metrics.metric import metrics
from simlab.metrics.stability import (
    core_persistence,
    core_precision,
    core_recall,
    core_seen_switching,
    core_true_switching,
    matched_jaccard,
    mean_matched_jaccard,
    persistence,
    same_cluster,
    seen_switching,
    seen_tie_survival,
    stayers,
    switched_share,
    true_switching,
    true_tie_survival,
    turnover,
)
from simlab.panel import DyadState

# Ten stayers: clusters {0-4}, {5-7}, {8, 9} become {0-3}, {4-6}, {7}, {8, 9} under other names.
BEFORE = np.array([0, 0, 0, 0, 0, 1, 1, 1, 2, 2])
AFTER = np.array([3, 3, 3, 3, 0, 0, 0, 1, 2, 2])


def test_stayers_are_found_by_name_in_both_lists() -> None:
    one, other = stayers(("a", "b", "c", "d"), ("b", "d", "e", "f"))
    assert one.tolist() == [1, 3]
    assert other.tolist() == [0, 1]
    assert [places.tolist() for places in stayers(("a",), ("b",))] == [[], []]


def test_who_is_in_the_partner_of_their_earlier_cluster() -> None:
    """Cluster 0 goes on as 3, 1 as 0 and 2 as 2: actor 4 joined another cluster and actor 7 a new one."""
    assert np.flatnonzero(~same_cluster(BEFORE, AFTER)).tolist() == [4, 7]
    assert switched_share(BEFORE, AFTER) == pytest.approx(0.2)


def test_matched_jaccard_by_hand() -> None:
    """Jaccard indices 4/5, 2/4 and 2/2 of the partners, and 0 of the new cluster, over four clusters."""
    assert mean_matched_jaccard(BEFORE, AFTER) == pytest.approx((4 / 5 + 2 / 4 + 1 + 0) / 4)
    assert mean_matched_jaccard(AFTER, BEFORE) == pytest.approx((4 / 5 + 2 / 4 + 1 + 0) / 4)


def test_persistence_is_a_mean_over_clusters_and_not_over_actors() -> None:
    assert persistence(BEFORE, AFTER) == pytest.approx((4 / 5 + 2 / 3 + 1) / 3)


def test_a_split_cluster_and_merged_clusters() -> None:
    """A split cluster keeps its larger part; of merged clusters the larger goes on."""
    whole, split = np.zeros(6, dtype=int), np.array([0, 0, 0, 0, 1, 1])
    assert switched_share(whole, split) == pytest.approx(2 / 6)
    assert switched_share(split, whole) == pytest.approx(2 / 6)
    assert persistence(whole, split) == pytest.approx(4 / 6)
    assert persistence(split, whole) == pytest.approx((1 + 0) / 2)
    assert mean_matched_jaccard(split, whole) == pytest.approx((4 / 6) / 2)


def test_the_same_clusters_under_other_names_are_stable() -> None:
    renamed = np.array([2, 0, 1])[BEFORE]
    assert switched_share(BEFORE, renamed) == 0.0
    assert persistence(BEFORE, renamed) == 1.0
    assert mean_matched_jaccard(BEFORE, renamed) == 1.0


@pytest.mark.parametrize("function", [switched_share, persistence, mean_matched_jaccard])
def test_nan_without_stayers(function: object) -> None:
    nobody = np.zeros(0, dtype=int)
    assert callable(function)
    assert math.isnan(function(nobody, nobody))


def test_entries_and_exits_are_no_switching() -> None:
    """a and b stay together, c leaves them, d leaves and e comes; e makes a cluster of their own."""
    before, after = made_fit([0, 0, 0, 1], "abcd"), made_fit([0, 0, 1, 2], "abce")
    assert seen_switching(before, after) == pytest.approx(1 / 3)
    assert core_persistence(before, after) == pytest.approx(2 / 3)
    assert matched_jaccard(before, after) == pytest.approx((2 / 3) / 2)


def test_fits_of_different_people_are_nan() -> None:
    before, after = made_fit([0, 1], "ab"), made_fit([0, 1], "cd")
    assert math.isnan(seen_switching(before, after))
    assert math.isnan(core_persistence(before, after))
    assert math.isnan(matched_jaccard(before, after))


def test_true_switching_knows_the_numbers_of_clusters_and_turnover_counts_the_earlier() -> None:
    """All change places: matching sees no switching, the truth does. One of three left."""
    before, after = made_truth([0, 0, 1], "abc"), made_truth([1, 1, 0], "abd")
    assert true_switching(before, after) == 1.0
    assert metrics["true_core_persistence"].thing.function(before, after) == 1.0
    assert turnover(before, after) == pytest.approx(1 / 3)
    assert math.isnan(true_switching(before, made_truth([0], "z")))


def test_core_recall_and_precision_by_hand() -> None:
    """Core are a, b, c and e. e left, and c truly switched, so a and b are the core that is stable.

    The fits keep a and d together and send b and c to another cluster: of a and b one seems stable, and of a and d, who
    seem stable, one is core.
    """
    truth_before = made_truth([0, 0, 0, 1, 1], "abcde", core=np.array([True, True, True, False, True]))
    truth_after = made_truth([0, 0, 1, 1], "abcd", core=np.array([True, True, True, False]))
    before, after = made_fit([0, 1, 1, 0, 2], "abcde"), made_fit([0, 1, 2, 0], "abcd")
    # b goes on in the partner of {b, c}, which is b's or c's new cluster: ties in the matching are broken somehow.
    seems = same_cluster(before.labels[:4], after.labels)
    assert seems[[0, 3]].all()
    assert seems[[1, 2]].sum() == 1
    assert core_recall(before, after, truth_before, truth_after) == pytest.approx((1 + seems[1]) / 2)
    assert core_precision(before, after, truth_before, truth_after) == pytest.approx((1 + seems[1]) / 3)


def test_core_recall_and_precision_without_core_or_stable_actors() -> None:
    before, after = made_fit([0, 0], "ab"), made_fit([0, 0], "ab")
    nobody = made_truth([0, 0], "ab")
    assert math.isnan(core_recall(before, after, nobody, nobody))
    assert core_precision(before, after, nobody, nobody) == 0.0
    gone = made_fit([0, 0], "cd")
    assert math.isnan(core_precision(before, gone, nobody, made_truth([0, 0], "cd")))


def test_switching_of_the_core_alone() -> None:
    """Of five stayers b to f the core is b, c, d; c truly moves, and the fit sees d move."""
    core = np.array([False, True, True, True, False, False])
    before = made_truth([0, 0, 0, 1, 1, 1], "abcdef", core=core)
    after = made_truth([0, 1, 1, 1, 1, 0], "bcdefg", core=np.array([True, True, True, False, False, False]))
    fits = made_fit([0, 0, 0, 0, 1, 1], "abcdef"), made_fit([0, 0, 1, 1, 1, 0], "bcdefg")
    assert core_true_switching(before, after) == pytest.approx(1 / 3)
    assert core_seen_switching(*fits, before, after) == pytest.approx(1 / 3)
    nobody = made_truth([0, 0], "xy")
    assert math.isnan(core_true_switching(nobody, nobody))


def test_survival_of_ties_between_those_who_stay_in_dyads_seen_twice() -> None:
    """Of three stayers' ties b-c, c-b, b-d the first is there again, the second not, the third is not known again."""
    first, second = np.zeros((4, 4), dtype=bool), np.zeros((3, 3), dtype=bool)
    first[0, 1] = first[1, 2] = first[2, 1] = first[1, 3] = True
    second[0, 1] = second[1, 2] = True
    before, after = network_of(first, actors=tuple("abcd")), network_of(second, actors=tuple("bcd"))
    state = after.state.copy()
    state[0, 2] = DyadState.NO_ANSWER
    assert seen_tie_survival(before, after) == pytest.approx(1 / 3)
    assert seen_tie_survival(before, replace(after, state=state)) == pytest.approx(1 / 2)
    assert math.isnan(seen_tie_survival(network_of(np.zeros((2, 2))), network_of(np.zeros((2, 2)))))
    truths = made_truth([0] * 4, "abcd", ties=first), made_truth([0] * 3, "bcd", ties=second)
    assert true_tie_survival(*truths) == pytest.approx(1 / 3)
