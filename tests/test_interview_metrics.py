"""Interviews by eligibility, over the networks of a site and across sites, by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from reference.made import made_fit, made_truth
from test_interviews import LABELS, two_clusters

from simlab.fit.fit import Fit, Status
from simlab.generate.truth import NetworkTruth
from simlab.metrics.interviews import (
    clusters_share_position,
    interviews_eligible_share_position,
    match_by_profile,
    middle_managers,
    pairs_share_position,
    profiles,
)
from simlab.metrics.metric import metrics

NAMES = "abcdefghij"
SENIORITY = tuple("middle" if actor in "abdfgi" else "senior" for actor in NAMES)
SERVICE = ("mental health",) * 4 + ("older people",) * 6
OTHERS = tuple(f"{actor}2" for actor in NAMES)


def truth_of(
    labels: list[int] | np.ndarray, actors: str | tuple[str, ...] = NAMES, **attributes: tuple[str, ...]
) -> NetworkTruth:
    given = {"seniority": SENIORITY, "service": SERVICE, "organisation": ("NHS",) * 10, **attributes}
    return made_truth(labels, actors, attributes=given)


def value(name: str, fits: list[Fit], truths: list[NetworkTruth], keys: list[tuple[str, str, str]]) -> float:
    return metrics[name].thing.of_panel(dict(zip(keys, fits, strict=True)), dict(zip(keys, truths, strict=True)))


PERIODS = [("site 1", "contact", "1"), ("site 1", "contact", "2")]
SITES = [("site 1", "contact", "1"), ("site 2", "contact", "1")]


def test_middle_managers_are_of_the_middle_level_when_first_present() -> None:
    later = truth_of(LABELS, seniority=("senior",) * 10)
    assert middle_managers([truth_of(LABELS), later]) == list("abdfgi")
    assert middle_managers([later, truth_of(LABELS)]) == []


def test_only_middle_managers_are_chosen() -> None:
    """The eligible of the clusters are a, b, d and f, g, i, of whom i (the likeliest) bridges; e may not."""
    truth = truth_of([0, 0, 0, 1, 0, 1, 1, 1, 1, 1])
    # Of a, b, d one pair is true; i and d are the bridgers, so that a, b and f, g are left.
    assert interviews_eligible_share_position(two_clusters(), truth) == 1.0
    split = truth_of([0, 1, 0, 1, 0, 1, 1, 1, 1, 1])
    assert interviews_eligible_share_position(two_clusters(), split) == 0.5
    nobody = truth_of(LABELS, seniority=("senior",) * 10)
    assert np.isnan(interviews_eligible_share_position(two_clusters(), nobody))


def test_pairs_at_large_and_of_found_clusters() -> None:
    truth = made_truth([0, 0, 0, 1, 1])
    together = [one == other for one, other in combinations(truth.labels, 2)]
    assert pairs_share_position(truth) == pytest.approx(np.mean(together)) == pytest.approx(0.4)
    # Found are {a, b, c, d} and {e}: of six pairs three are true.
    assert clusters_share_position(made_fit([0, 0, 0, 0, 1]), truth) == 0.5
    assert np.isnan(clusters_share_position(made_fit(np.arange(5)), truth))


def test_chosen_by_two_periods_a_pair_counts_in_each() -> None:
    """Chosen are c, b, a and f, g, h in both; in the second period c is elsewhere, which breaks two of six pairs."""
    moved = np.array([0, 0, 1, 0, 0, 1, 1, 1, 1, 1])
    fits, truths = [two_clusters(), two_clusters()], [truth_of(LABELS), truth_of(moved)]
    assert value("interviews_matched_share_position", fits, truths, PERIODS) == pytest.approx((6 + 4) / 12)
    # Middle managers: i and d bridge, a, b and f, g are chosen.
    assert value("interviews_matched_eligible_share_position", fits, truths, PERIODS) == 1.0
    assert value("interviews_matched_eligible_chosen", fits, truths, PERIODS) == 4.0
    assert np.isnan(value("interviews_across_sites", fits, truths, PERIODS))


def test_sites_without_anybody_in_all_networks_and_failed_fits_are_nan() -> None:
    truths = [truth_of(LABELS), truth_of(LABELS, OTHERS)]
    fits = [two_clusters(), two_clusters(actors=OTHERS)]
    assert np.isnan(value("interviews_matched_share_position", fits, truths, PERIODS))
    failed = [two_clusters(), two_clusters(actors=OTHERS, status=Status.FAILED)]
    assert np.isnan(value("interviews_matched_share_position", failed, truths, SITES))
    assert value("interviews_matched_share_position", fits, truths, SITES) == 1.0
    assert np.isnan(metrics["interviews_matched_share_position"].thing.of_network(fits[0], truths[0]))
    assert np.isnan(metrics["ari"].thing.of_panel({}, {}))


def test_profiles_are_matched_one_to_one() -> None:
    one = profiles(LABELS, SERVICE, ["mental health", "older people"])
    assert one.tolist() == [[0.8, 0.2], [0.0, 1.0]]
    assert match_by_profile(one, one[::-1]) == {0: 1, 1: 0}
    # Both would rather go with the second; the one that has more to lose does.
    assert match_by_profile(one, np.array([[0.1, 0.9], [0.4, 0.6]])) == {0: 1, 1: 0}
    assert profiles(np.array([0, 2]), ["x", ""], ["x"]).tolist() == [[1.0], [0.0], [0.0]]


def test_across_sites_clusters_of_alike_services_are_compared() -> None:
    """At the second site clusters are numbered the other way; people hold the positions that their services say, but one."""
    here = truth_of(LABELS)
    swapped = 1 - LABELS
    there = truth_of(swapped, OTHERS, service=("older people",) * 6 + ("mental health",) * 4)
    fits = [two_clusters(), two_clusters(actors=OTHERS)]
    assert value("interviews_across_sites", fits, [here, there], SITES) == 1.0
    # a2 truly holds the other position: with b2 it is chosen for one cluster, compared with f and g.
    wrong = swapped.copy()
    wrong[0] = 1 - wrong[0]
    there = truth_of(wrong, OTHERS, service=("older people",) * 6 + ("mental health",) * 4)
    assert value("interviews_across_sites", fits, [here, there], SITES) == pytest.approx((4 + 2) / 8)
