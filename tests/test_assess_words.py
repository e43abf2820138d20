"""What is said of an assessment: headlines that say on what they rest, and numbers that do not contradict each other."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import network_of
from reference.made import made_fit

from simlab import Fieldwork, Network
from simlab.cli.assessing import _said, default_page
from simlab.fit.fit import Status
from simlab.plan.again import Again, Numbers
from simlab.plan.assess import Assessment, Bridger
from simlab.plan.assignment import Assignments
from simlab.report.assessment_overall import overall
from simlab.report.assessment_page import _rows
from simlab.report.assessment_words import at_a_glance, limit_on_checks, right_sentences, same_sentences, warnings_of

LABELS = [0, 0, 0, 1, 1, 1]


def again_of(found: list[float], *, failed: int = 0) -> Again:
    values = np.array(found)[:, None, None]
    return Again(len(found), len(found), failed, values, values, np.full(len(found), np.nan), {})


def assessment(probability: list[float] | None = None, chance: float = 0.5, **changes: Any) -> Assessment:
    ties = np.zeros((6, 6), dtype=bool)
    ties[:3, :3] = ties[3:, 3:] = True
    network = network_of(ties, actors=tuple("abcdef"))
    fit = made_fit(LABELS)
    values: dict[str, Any] = {
        "network": network,
        "networks": (network,),
        "fit": fit,
        "assignments": Assignments(
            fit.actors, fit.labels, np.array(probability or [0.99] * 6), np.full(6, chance), np.full(6, -1)
        ),
        "bridgers": (),
        "again": again_of([0.8, 0.9] * 20),
        "refit": fit,
        "refit_agrees": 1.0,
        "numbers": Numbers({1: {1: 38, 2: 2}, 2: {2: 30, 3: 10}, 3: {3: 40}}, 120, 120, 0),
        "chooses": 2,
        "checks": (),
        "fieldwork": Fieldwork(),
    }
    return Assessment(**{**values, **changes})


def test_what_is_not_safe_never_reads_as_safe() -> None:
    found = assessment([0.99, 0.95, 0.896, 0.93, 0.9, 0.4])
    said = right_sentences(found)
    assert said[0] == "4 of 6 assignments are safe: each has a probability of 90 % or more of being right."
    assert said[1] == "Least certain: f (40 %) and c (89 %)."
    assert [row.probability for row in _rows(found)] == ["99 %", "95 %", "89 %", "93 %", "90 %", "40 %"]


def test_who_is_likely_only_by_chance_is_said_to_be_so() -> None:
    found = assessment([0.99, 0.91, 0.91, 0.91, 0.91, 0.91], chance=0.85)
    assert found.assignments.safe.sum() == 1
    assert "b (91 %, and 85 % in a shuffled network)" in right_sentences(found)[1]
    # Also where the five least certain are safe.
    of = replace(found.assignments, chance=np.array([0.99, 0.5, 0.5, 0.5, 0.5, 0.5]))
    assert (
        right_sentences(replace(found, assignments=of))[1] == "Least certain: a (99 %, and 99 % in a shuffled network)."
    )


def test_bridgers_are_as_likely_as_they_read() -> None:
    bridger = Bridger("a", 0, 1, 0.499, 0.5)
    assert "none is as likely as not" in right_sentences(assessment(bridgers=(bridger,)))[-1]
    assert right_sentences(assessment(bridgers=(bridger,)))[-1].endswith("with 49 %.")
    assert (
        "as not to lie between two clusters: a (50 %"
        in right_sentences(assessment(bridgers=(replace(bridger, probability=0.501),)))[-1]
    )


def test_the_headlines_of_a_fit_that_did_not_converge_say_so() -> None:
    fit = made_fit(LABELS, status=Status.NOT_CONVERGED, message="rhat is 1.7")
    found = assessment(fit=fit)
    for sentences in (right_sentences(found), same_sentences(found)):
        assert sentences[0].startswith("As far as a fit that did not converge can say, ")
    assert at_a_glance(found)[0] == "6 of 6 (not converged)"
    assert right_sentences(assessment())[0].startswith("All 6 assignments are safe")


def test_shares_of_worlds_say_how_many_they_rest_on() -> None:
    said = same_sentences(assessment())
    assert "0.85 ± 0.01 (standard error over 40 worlds)" in said[0]
    assert said[1] == (
        "2 clusters, the number given, would be chosen in 75 % of 40 worlds that have 2, and in 5 % of those that have 1 and"
        " 0 % of those that have 3."
    )
    few = assessment(numbers=Numbers({1: {1: 1}, 2: {2: 1}}, 3, 3, 1), again=again_of([1.0]))
    said = same_sentences(few)
    assert "1.00 (in a single world)" in said[0]
    assert said[1].endswith("in 1 of 1 world that has 2, and in 0 of 1 with 1: these are few worlds, which say little.")
    assert said[2] == "With 3 clusters the network could not be fitted."


def test_one_cluster_found_again() -> None:
    one = made_fit([0] * 6)
    alone = Assignments(one.actors, one.labels, np.ones(6), np.ones(6), np.full(6, -1))
    found = assessment(fit=one, assignments=alone)
    assert "one cluster again in 0 % of worlds, and in the rest others" in same_sentences(found)[0]
    assert "all 3 refits did" in same_sentences(replace(found, again=again_of([1.0, 1.0, 1.0])))[0]


def test_refits_that_failed_are_counted() -> None:
    numbers = Numbers({2: {2: 10}}, 30, 12, 2)
    said = warnings_of(assessment(again=again_of([0.8, 0.9], failed=1), numbers=numbers), worlds_asked=2)
    assert said[:3] == [
        "2 of 2 worlds are refitted, and the number of clusters is chosen again in 12 of 30: the same command goes on from"
        " there.",
        "In 1 of 2 worlds a refit failed, and is left out.",
        "In 2 of 12 worlds in which the number of clusters was chosen again the refit failed, and is left out.",
    ]


@pytest.mark.parametrize(
    ("allowed", "most", "words"),
    [
        (None, 1, "Somebody named 2, so that no limit of 1 was kept here"),
        (2, 2, "Everybody gave all 2 names that were allowed: how many ties there are beyond them is a guess"),
        (3, 3, ""),
    ],
)
def test_limits_on_names_that_do_not_fit_the_data(allowed: int | None, most: int, words: str) -> None:
    network: Network = replace(assessment().network, max_nominations=allowed)
    found = assessment(networks=(network,), fieldwork=Fieldwork(max_nominations=most))
    said = warnings_of(found, worlds_asked=40)
    assert [text.startswith(words) for text in said] == [True] * bool(words)


def test_names_are_not_obeyed_by_the_terminal() -> None:
    fit = made_fit(LABELS, tuple(f"\x1b[31m{c}" for c in "abcdef"))
    of = Assignments(fit.actors, fit.labels, np.full(6, 0.5), np.full(6, 0.5), np.full(6, -1))
    named = replace(assessment().network, relation="\x1b]0;title\x07")
    text = "\n".join(_said(assessment(fit=fit, network=named, networks=(), assignments=of), 40, several=True))
    assert r"Least certain: \x1b[31ma (50 %)" in " ".join(text.split())
    assert r"\x1b]0;title\x07" in text
    assert "\x1b" not in text


def named(period: str, **changes: Any) -> Assessment:
    found = assessment(**changes)
    return replace(found, network=replace(found.network, relation="advice", period=period))


def test_several_networks_are_summed_up_with_their_names() -> None:
    safe, doubtful = named("1"), named("2", probability=[0.99] * 3 + [0.5] * 3, again=again_of([0.1, 0.2]))
    nothing = named("3", probability=[0.5] * 6, again=again_of([math.nan]))
    assert overall([safe]) == []
    assert overall([safe, doubtful, nothing]) == [
        "Assignments that are safe: all in 1 of 3 networks (advice, period 1), some in 1 (advice, period 2), none in 1"
        " (advice, period 3).",
        "Clusters that another study would find again: mostly in 1 of 3 networks (advice, period 1), hardly in 1 (advice,"
        " period 2), not known in 1 (advice, period 3).",
    ]


def test_what_is_so_in_all_networks_is_said_once_and_fits_that_did_not_converge_are_named() -> None:
    nothing = named("1", probability=[0.5] * 6)
    fit = replace(nothing.fit, status=Status.NOT_CONVERGED)
    assert overall([nothing, replace(nothing, fit=fit)]) == [
        "Assignments that are safe: none in any of 2 networks.",
        "Clusters that another study would find again: mostly in each of 2 networks.",
        "Not to be relied on, since the fit did not converge: advice, period 1.",
    ]
    said = overall([named(str(k), probability=[0.99, 0.99, 0.99, 0.5, 0.5, 0.5]) for k in range(5)] + [nothing])
    assert said[0] == "Assignments that are safe: some in 5 of 6 networks, none in 1 (advice, period 1)."


def test_of_few_worlds_it_is_counted_how_often_bridgers_are_named_again() -> None:
    bridgers = (Bridger("a", 0, 1, 0.6, 0.25), Bridger("b", 0, 1, 0.6, 0.75))
    said = same_sentences(assessment(bridgers=bridgers, again=again_of([0.9] * 8)))
    assert (
        "A bridger named here is named again in 4 of 8 worlds, on average (2 to 6): these are few worlds, which say little."
        in said
    )
    many = same_sentences(assessment(bridgers=bridgers))
    assert "A bridger named here would be named again in 50 % of studies, on average (25 % to 75 %)." in many


def test_a_limit_on_names_is_said_to_make_out_degrees_differ() -> None:
    checks = SimpleNamespace(outside=lambda: [SimpleNamespace(name="variation of out-degree")])
    other = SimpleNamespace(outside=lambda: [SimpleNamespace(name="reciprocity")])
    limited = {"fieldwork": Fieldwork(max_nominations=4)}
    assert limit_on_checks(assessment(checks=(checks,), **limited)).startswith(
        "At most 4 names were allowed: this alone"
    )
    assert limit_on_checks(assessment(checks=(other,), **limited)) == ""
    assert limit_on_checks(assessment(checks=(checks,))) == ""


def test_pages_of_two_simulations_do_not_meet() -> None:
    assert default_page(Path("one/ties.csv")) == Path("results/assess-one-ties.html")
    assert default_page(Path("two/ties.csv")) == Path("results/assess-two-ties.html")
    assert default_page(Path("one/friends.csv")) == Path("results/assess-friends.html")
