"""Whom to interview, by hand, and the metrics of the choice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference.made import made_fit, made_truth

from simlab import select_interviews
from simlab.fit.fit import Fit, Posterior, Status
from simlab.foundation.errors import InputError, UnknownNameError
from simlab.metrics.interviews import interviews_bridgers, interviews_share_position

# Two clusters, a to e and f to j; the surest of each are c, b, a and f, g, h; e and i lie between.
SURE = np.array([0.90, 0.95, 0.99, 0.80, 0.60, 0.99, 0.97, 0.90, 0.55, 0.85])
LABELS = np.repeat([0, 1], 5)


def two_clusters(sure: np.ndarray = SURE, **changes: Any) -> Fit:
    """Return a fit in which actors belong to their cluster with these probabilities."""
    member = np.where(np.eye(2)[LABELS] > 0, sure[:, None], 1.0 - sure[:, None])
    scores = {"position_entropy": 1.0 - sure, "between": (sure < 0.75).astype(float)}
    given = {"membership": member, "bridging": scores, "bridging_score": "position_entropy"}
    return made_fit(LABELS, **{**given, **changes})


def posterior_of(labels: np.ndarray) -> Posterior:
    """Return a posterior that has draws (n_draws, n_actors) of labels and nothing else."""
    parts: dict[str, Any] = dict.fromkeys(Posterior.__dataclass_fields__, np.zeros(0))
    return Posterior(**{**parts, "labels": labels[None].astype(np.int16)})


def test_the_surest_of_each_cluster_and_the_most_between() -> None:
    found = select_interviews(two_clusters())
    assert found.clusters == {0: ("c", "b", "a"), 1: ("f", "g", "h")}
    assert found.bridgers == ("i", "e")
    assert found.notes == ()
    first = found.rows[0]
    # With c: .95 .99 + .05 .01 with b, .9 .99 + .1 .01 with a.
    assert first.probability == pytest.approx((0.95 * 0.99 + 0.05 * 0.01 + 0.9 * 0.99 + 0.1 * 0.01) / 2)
    assert first.why == "membership 0.99"
    bridge = found.rows[-1]
    assert (bridge.actor, bridge.cluster, bridge.towards, bridge.bridger) == ("e", 0, 1, True)
    assert bridge.probability == 1.0
    assert bridge.why == "position entropy 0.40, rank 2 of 10"


def test_the_table_is_short_and_says_it_all() -> None:
    lines = str(select_interviews(two_clusters(), per_cluster=1, bridgers=1, eligible=list("acfi"))).splitlines()
    assert [line.split() for line in lines[:2]] == [
        ["actor", "chosen", "for", "probability", "why"],
        ["c", "cluster", "0", "membership", "0.99"],
    ]
    assert lines[3].split()[:5] == ["i", "bridge,", "1", "to", "0"]
    assert len(lines) == 4
    short = str(select_interviews(two_clusters(), per_cluster=3, bridgers=0, eligible=["a"]))
    assert "note: cluster 0: 1 of 3, as no others may be chosen" in short
    assert "note: cluster 1: 0 of 3" in short


def test_draws_give_the_probability_of_sharing() -> None:
    draws = np.tile(LABELS, (4, 1))
    draws[0, 0] = 1  # in one of four draws a is not with b and c
    found = select_interviews(two_clusters(posterior=posterior_of(draws)))
    of = {row.actor: row.probability for row in found.rows}
    assert_allclose([of["a"], of["b"], of["c"], of["f"]], [0.75, 0.875, 0.875, 1.0])


def test_only_the_eligible_are_chosen_and_unknown_names_are_refused() -> None:
    found = select_interviews(two_clusters(), eligible=["d", "e", "a", "j"])
    assert found.bridgers == ("e", "d")
    assert found.clusters == {0: ("a",), 1: ("j",)}
    assert np.isnan([row.probability for row in found.rows if not row.bridger]).all()
    with pytest.raises(UnknownNameError, match=r"no actor named 'aa'\. Did you mean 'a'"):
        select_interviews(two_clusters(), eligible=["aa"])


def test_actors_of_whom_nothing_is_known_are_never_chosen() -> None:
    unknown = np.isin(list("abcdefghij"), ["c", "i"])
    found = select_interviews(two_clusters(unknown=unknown))
    assert found.clusters == {0: ("b", "a"), 1: ("f", "g", "h")}
    assert found.bridgers == ("e", "d")
    assert found.notes[0] == "2 not considered: not in all networks, or nothing is known of them"
    nobody = select_interviews(two_clusters(unknown=np.ones(10, dtype=bool)))
    assert nobody.rows == ()


def test_among_equals_the_middle_of_the_cluster_then_the_least_of_a_bridger_then_the_name() -> None:
    hard = made_fit(LABELS, bridging={"participation": np.array([0.0, 0.5, 0, 0.2, 0, 0, 0, 0, 0, 0])})
    assert select_interviews(hard, bridgers=0).clusters == {0: ("a", "c", "e"), 1: ("f", "g", "h")}
    ties = np.array([0.0, 0, 0.3, 0, 0.1, 0, 0, 0, 0.2, 0])
    more = replace(hard, bridging={**hard.bridging, "low_constraint": ties})
    assert select_interviews(more, bridgers=0).clusters == {0: ("c", "e", "a"), 1: ("i", "f", "g")}
    line = np.array([[0.0], [4], [2.1], [3], [1], [10], [11], [12], [13], [14]])
    placed = replace(hard, positions=np.hstack([line, 0 * line]))
    found = select_interviews(placed, bridgers=0)
    assert found.clusters == {0: ("c", "d", "e"), 1: ("h", "g", "i")}
    # The middle of f to j is 12, its root mean square radius sqrt(2).
    assert [row.why for row in found.rows if row.actor == "g"] == ["membership 1.00, 0.7 spreads from the middle"]


def test_the_order_of_actors_does_not_matter() -> None:
    fit = two_clusters(np.full(10, 0.9))
    order = np.random.default_rng(1).permutation(10)
    turned = replace(
        fit,
        actors=tuple(fit.actors[i] for i in order),
        labels=fit.labels[order],
        membership=fit.membership[order],
        bridging={name: score[order] for name, score in fit.bridging.items()},
    )
    assert str(select_interviews(turned)) == str(select_interviews(fit))


def made(labels: list[int], actors: str, scores: list[float] | None = None) -> Fit:
    found = made_fit(labels, actors)
    return replace(found, bridging={"participation": np.array(scores or [0.0] * len(labels))})


def test_several_networks_are_matched_and_only_those_together_in_all_are_chosen() -> None:
    """Clusters are numbered the other way round in the second network, where c has moved and g is gone."""
    one = made([0, 0, 0, 1, 1, 1, 1], "abcdefg", [0.1, 0, 0.9, 0.2, 0, 0, 0.8])
    two = made([1, 1, 0, 0, 0, 0, 0], "abcdefh", [0.5, 0, 0.9, 0.2, 0, 0, 0.8])
    found = select_interviews({"formal": one, "informal": two}, bridgers=1)
    assert found.clusters == {0: ("b", "a"), 1: ("e", "f", "d")}
    assert found.bridgers == ("c",)
    bridge = found.rows[-1]
    assert {bridge.cluster, bridge.towards} == {0, 1}
    assert bridge.why == "participation 0.90, mean rank 1.0 of 6 in 2 networks"
    assert found.rows[0].why == "membership 1.00 in all networks"
    assert found.rows[0].probability == 1.0
    assert "2 not considered" in found.notes[0]
    assert any("cluster 0: 2 of 3" in note for note in found.notes)
    assert str(select_interviews([one, two], bridgers=1)) == str(found)


def test_memberships_multiply_over_networks() -> None:
    other = SURE.copy()
    other[2] = 0.7  # c, the surest in the first network
    fits = [two_clusters(), two_clusters(other)]
    found = select_interviews(fits, bridgers=0)
    assert found.clusters[0] == ("b", "a", "c")
    assert [row.why for row in found.rows if row.actor == "b"] == ["membership 0.90 in all networks"]


def test_a_network_of_one_cluster_says_nothing_about_the_choice() -> None:
    one = made_fit(np.zeros(10, dtype=int), membership=np.ones((10, 1)))
    alone, both = select_interviews(two_clusters()), select_interviews([one, two_clusters()])
    assert both.clusters == alone.clusters
    assert both.notes == ()


def test_clusters_without_a_partner_or_of_one_actor_are_left_out_with_a_note() -> None:
    one = made([0, 0, 1, 1, 2, 2, 3], "abcdefg")
    two = made([0, 0, 1, 1, 1, 1, 1], "abcdefg")
    found = select_interviews([one, two], bridgers=0)
    assert len(found.clusters) == 2
    assert sum("nobody is in it in all networks" in note for note in found.notes) == 2
    assert "cluster 3: one actor, who shares the position with nobody" in select_interviews(one, bridgers=0).notes


def test_nobody_without_a_score_is_a_bridger() -> None:
    found = select_interviews(made_fit(LABELS))
    assert found.bridgers == ()
    assert "bridgers: 0 of 2" in found.notes[0]
    hard = made(LABELS.tolist(), "abcdefghij", [0.0, 0.4] + [0.0] * 8)
    row = select_interviews(hard, bridgers=1).rows[-1]
    assert (row.actor, row.cluster, row.towards) == ("b", 0, None)
    assert "bridge, 0 to others" in str(select_interviews(hard, bridgers=1))


def test_a_fit_that_has_not_converged_is_named() -> None:
    fit = two_clusters(status=Status.NOT_CONVERGED, message="rhat is 1.2")
    assert select_interviews({"formal": fit}).notes == ("formal: rhat is 1.2",)


@pytest.mark.parametrize(
    ("fits", "settings", "words"),
    [
        ([], {}, "at least one"),
        (two_clusters(), {"per_cluster": -1}, "per_cluster = -1"),
        (two_clusters(), {"bridgers": -2}, "bridgers = -2"),
        (two_clusters(), {"per_cluster": 2.5}, "per_cluster = 2.5: must be a whole number, 0 or more"),
        (two_clusters(), {"per_cluster": None}, "per_cluster = None: must be a whole number"),
        (two_clusters(), {"per_cluster": True}, "per_cluster = True: must be a whole number"),
        (two_clusters(), {"bridgers": "2"}, "bridgers = 2: must be a whole number"),
        (two_clusters(), {"bridgers": np.nan}, "bridgers = nan: must be a whole number"),
        (two_clusters(), {"eligible": "a"}, "eligible = a: must be a list of names"),
        (two_clusters(), {"eligible": 3}, "eligible = 3: must be a list of names"),
        (two_clusters(), {"eligible": [3]}, "eligible = 3: must be a list of names, each a text"),
        (None, {}, "fits = None: must be a Fit, a list of them"),
        ("fit", {}, "fits = fit: must be a Fit"),
        ([two_clusters(), 3], {}, "fits: network 2 must be a Fit, not int"),
        ({"formal": None}, {}, "fits: formal must be a Fit, not NoneType"),
        (
            {"formal": two_clusters(status=Status.FAILED, message="it broke")},
            {},
            "fits = formal: the fit failed: it broke",
        ),
        ([made_fit([0, 1], "ab"), made_fit([0, 1], "cd")], {}, "no actor is known in all"),
    ],
)
def test_what_cannot_be_is_refused(fits: Any, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        select_interviews(fits, **settings)
    assert "\n" not in str(caught.value)


def test_control_counts_of_numpy_and_names_in_any_list() -> None:
    plain = select_interviews(two_clusters(), per_cluster=1, bridgers=1, eligible=["a", "f", "e"])
    numpy = select_interviews(
        [two_clusters()], per_cluster=np.int64(1), bridgers=np.int8(1), eligible=np.array(["a", "f", "e"])
    )
    assert str(numpy) == str(plain)
    assert str(select_interviews(iter([two_clusters()]), eligible={"a", "f", "e"}, per_cluster=1, bridgers=1)) == str(
        plain
    )


def test_memberships_of_0_and_1_do_not_say_who_lies_between() -> None:
    """Unless there are draws, or another network says it: then the mean is over the networks that say."""
    score = {"participation": np.where(np.arange(10) == 1, 0.98, 0.0), "between": np.zeros(10)}
    hard = made_fit(LABELS, bridging=score, bridging_score="participation")
    nearly = replace(hard, membership=np.where(np.eye(2)[LABELS] > 0, 1.0 - 1e-6, 1e-6))
    for fit in (hard, nearly):
        found = select_interviews(fit, bridgers=1)
        assert (found.bridgers, found.rows[-1].towards) == (("b",), None)
        assert np.isnan(found.rows[-1].probability)
        assert " ".join(str(found).splitlines()[-1].split()) == "b bridge, 0 to others participation 0.98, rank 1 of 10"
    drawn = replace(hard, posterior=posterior_of(np.tile(LABELS, (4, 1))))
    assert select_interviews(drawn, bridgers=1).rows[-1].probability == 0.0
    told = replace(hard, bridging={**score, "between": np.full(10, 0.4)})
    assert select_interviews(told, bridgers=1).rows[-1].probability == 0.4
    soft = replace(told, membership=np.where(np.eye(2)[LABELS] > 0, 0.7, 0.3))
    both = [select_interviews([fit, soft], bridgers=1).rows[-1].probability for fit in (hard, told, drawn)]
    assert_allclose(both, [0.4, 0.4, 0.2])


def test_the_share_of_pairs_who_truly_share_a_position() -> None:
    """Chosen are c, b, a and f, g, h. Of a truth in which h is with the first, f and g alone are a true pair of theirs."""
    truth = np.array([0, 0, 0, 0, 0, 1, 1, 0, 1, 1])
    assert interviews_share_position(two_clusters(), made_truth(LABELS)) == 1.0
    assert interviews_share_position(two_clusters(), made_truth(truth)) == pytest.approx(4 / 6)
    singles = made_fit(np.arange(10))
    assert np.isnan(interviews_share_position(singles, made_truth(LABELS)))


def test_the_share_of_the_chosen_who_truly_bridge() -> None:
    true = np.isin(list("abcdefghij"), ["a", "e"])
    assert interviews_bridgers(two_clusters(), made_truth(LABELS, bridger=true)) == 0.5
    assert interviews_bridgers(made_fit(LABELS), made_truth(LABELS, bridger=true)) == 0.0
    assert np.isnan(interviews_bridgers(two_clusters(), made_truth(LABELS)))
