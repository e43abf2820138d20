"""What clusters are made of, by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from reference.made import made_fit, made_truth
from sklearn.metrics import adjusted_mutual_info_score

from simlab.generate.scenario import Scenario
from simlab.metrics.composition import (
    codes,
    mix,
    no_organisation_dominates,
    organisation_ari,
    organisation_mix,
    profile,
    profile_right,
    profile_unrelated,
    several_organisations,
    telling,
    true_organisation_mix,
    unrelated,
)

TWO = np.array([0, 0, 1, 1])


def test_codes_number_texts_and_leave_out_what_is_unknown() -> None:
    assert codes(["b", "", "a", "b"]).tolist() == [1, -1, 0, 1]
    assert codes(["", ""]).tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("aabb", 0.0),  # a cluster each
        ("abab", 1.0),  # as at large
        ("aaab", (2 * 0 + 2 * math.log(2)) / 4 / -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))),
        ("aaaa", math.nan),  # nothing to mix
    ],
)
def test_mix_by_hand(values: str, expected: float) -> None:
    assert mix(TWO, list(values)) == pytest.approx(expected, nan_ok=True)


def test_mix_leaves_out_unknown_values_and_actors_without_a_label() -> None:
    labels, values = np.array([0, 0, 1, 1, 0, -1]), ["a", "b", "a", "b", "", "b"]
    assert mix(labels, values) == pytest.approx(1.0)
    assert math.isnan(mix(np.array([-1, 0]), ["a", ""]))


@pytest.mark.parametrize("seed", range(8))
def test_mix_is_between_nothing_and_everything(seed: int) -> None:
    """Clusters can only tell something of an attribute, never take it away; one cluster tells nothing."""
    rng = np.random.default_rng(seed)
    labels, values = rng.integers(0, 4, 40), [str(v) for v in rng.integers(0, 3, 40)]
    assert 0.0 <= mix(labels, values) <= 1.0
    assert mix(np.zeros(40, dtype=int), values) == pytest.approx(1.0)


def test_telling_orders_attributes_by_adjusted_mutual_information() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    attributes = {
        "name": tuple("uvwxyz"),  # different for everybody
        "country": tuple("cccccc"),  # the same for everybody
        "weak": tuple("ababab"),
        "strong": tuple("aaabbb"),
        "gaps": ("a", "a", "", "b", "b", "a"),
    }
    order = telling(labels, attributes)
    assert list(order) == ["strong", "gaps", "weak"]
    assert order["strong"] == pytest.approx(1.0)
    assert order["gaps"] == pytest.approx(adjusted_mutual_info_score([0, 0, 1, 1, 1], [0, 0, 1, 1, 0]))
    assert telling(labels, {}) == {}


def test_organisation_mix_of_found_and_of_true_clusters() -> None:
    truth = made_truth([0, 0, 1, 1], attributes={"organisation": ("a", "a", "b", "b")})
    assert true_organisation_mix(truth) == 0.0
    assert organisation_mix(made_fit([0, 1, 0, 1]), truth) == pytest.approx(1.0)


def test_profile_names_the_attribute_that_sets_clusters_apart() -> None:
    attributes = {"service": ("a", "a", "b", "b"), "organisation": ("x", "y", "x", "y")}
    truth = made_truth([0, 0, 1, 1], attributes=attributes, scenario=Scenario(service_commonness=0.8))
    assert profile_right(made_fit([0, 0, 1, 1]), truth) == 1.0
    assert profile_right(made_fit([0, 1, 0, 1]), truth) == 0.0
    alike = Scenario(service_commonness=0.0, organisation_mixing=1.0, seniority_mixing=1.0)
    nothing = made_truth([0, 0, 1, 1], attributes=attributes, scenario=alike)
    assert math.isnan(profile_right(made_fit([0, 0, 1, 1]), nothing))


def test_profile_of_clusters_of_which_nothing_is_known_is_not_right() -> None:
    truth = made_truth([0, 0, 1, 1], attributes={"service": ("", "", "", "")}, scenario=Scenario())
    assert profile_right(made_fit([0, 0, 1, 1]), truth) == 0.0


def test_a_mix_in_every_cluster_by_hand() -> None:
    truth = made_truth([0] * 12)
    mixed = replace(truth, attributes={**truth.attributes, "organisation": tuple("aaabbb" + "aabbcc")})
    mostly = replace(truth, attributes={**truth.attributes, "organisation": tuple("aaaabb" + "aabbcc")})
    alone = replace(truth, attributes={**truth.attributes, "organisation": tuple("aaaaaa" + "bbbccc")})
    two = made_fit([0] * 6 + [1] * 6)
    assert [no_organisation_dominates(two, t) for t in (mixed, mostly, alone)] == [1.0, 0.0, 0.0]
    assert [several_organisations(two, t) for t in (mixed, mostly, alone)] == [1.0, 1.0, 0.0]
    assert organisation_ari(made_fit([0] * 6 + [1] * 3 + [2] * 3), alone) == 1.0
    small = made_fit([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
    assert math.isnan(several_organisations(small, alone))
    assert math.isnan(no_organisation_dominates(small, alone))


def test_a_profile_names_what_marks_a_cluster_out() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    attributes = {"service": list("ppppqqqq"), "organisation": list("ababaabb"), "country": list("cccccccc")}
    assert profile(labels, attributes) == {0: "service", 1: "service"}
    assert profile(labels, {"country": list("cccccccc")}) == {}
    assert profile(np.zeros(8, dtype=int), attributes) == {}


def test_unrelated_attributes_follow_from_the_scenario() -> None:
    assert unrelated(Scenario()) == ()
    assert unrelated(Scenario(organisation_mixing=1.0, seniority_mixing=1.0)) == ("organisation", "seniority")
    assert unrelated(Scenario(n_clusters=1)) == ("service", "organisation", "seniority")
    truth = replace(made_truth([0, 0, 1, 1]), scenario=Scenario(organisation_mixing=1.0, seniority_mixing=1.0))
    named = {"service": tuple("pqpq"), "organisation": tuple("aabb"), "seniority": tuple("xxxx")}
    assert profile_unrelated(made_fit([0, 0, 1, 1]), replace(truth, attributes=named)) == 1.0
    assert profile_unrelated(made_fit([0, 1, 0, 1]), replace(truth, attributes=named)) == 0.0
    assert math.isnan(profile_unrelated(made_fit([0, 0, 0, 0]), truth))
