"""The answer of a plan in words, in pictures and on a page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from reference.planning import Problem, majorities
from statistical.planning import solver
from test_plan_search import Apart, Smooth, solved

from simlab.fit.spectral import Spectral
from simlab.generate.scenario import Scenario
from simlab.plan.answer import Answer, Lift, Verdict
from simlab.plan.intervals import Interval
from simlab.plan.problem import Plan
from simlab.plan.space import between
from simlab.report import plan_page
from simlab.report.plan_figures import curves_figure, frontier_figure, worlds_figure
from simlab.report.plan_page import write_plan_page
from simlab.report.plan_words import design_words, money, sentences, setting_words
from simlab.report.style import styled


@pytest.fixture(scope="module")
def found() -> Answer:
    problem: Problem = majorities()
    return replace(solver(problem, 2, 1200).solve(), unit="pounds")


@pytest.fixture(scope="module")
def none() -> Answer:
    lift = Lift("nominations", "with no limit of names", {"max_nominations": None})
    targets = ["P(ari >= 0.5) >= 0.9", "mean(seconds) <= 1.2"]
    answer: Answer = solved(targets, Smooth(ceiling=0.5), limits=lambda _: [lift])
    return answer


def plan() -> Plan:
    return Plan(
        "page",
        question="How many <managers> & names?",
        design={"n_invited": between(20, 60, 10)},
        targets=["P(ari >= 0.5) >= 0.9"],
        fitters=Spectral(n_clusters=3),
        scenario=Scenario(),
        unknown={"separation": (3.0, 5.0)},
    )


def test_a_design_reads_as_people_speak() -> None:
    design = {"n_invited": 60, "max_nominations": 1, "response_rate": 0.75, "n_sites": 3, "fitter": "mode"}
    assert design_words(design) == "60 managers invited, 1 name, 75 % response, 3 sites and mode"
    assert setting_words("max_nominations", None) == "no limit of names"
    assert setting_words("treatment", "masking") == "treatment masking"
    assert money(12345.6, "pounds") == "12,346 pounds"


def test_the_answer_comes_first_and_everything_is_said(found: Answer) -> None:
    said = sentences(found)
    assert said[0].startswith("Answer: the cheapest design found that reaches")
    assert "pounds" in said[0]
    assert said[1].startswith("On fresh replicates")
    subjects = [s.partition(":")[0] for s in said]
    assert {"Answer", "Cost", "Worlds", "More", "Directions", "How"} <= set(subjects)
    worlds = next(s for s in said if s.startswith("Worlds"))
    assert "kind is 0" in worlds
    assert not any("nan" in s or "inf " in s for s in said if not s.startswith("More"))


def test_of_a_mean_it_is_said_and_drawn_in_which_worlds_it_holds() -> None:
    answer: Answer = solved(["mean(seconds) <= 1.8"], Apart(), fits=1000)
    worlds = next(s for s in sentences(answer) if s.startswith("Worlds"))
    assert "the mean of seconds is at most 1.80 in" in worlds
    assert "where pace is slow" in worlds
    made = worlds_figure(answer)
    assert made is not None
    assert [axes.get_title() for axes in made.axes] == ["Means of single worlds", "Pace"]
    assert made.axes[0].get_xlim()[0] > 0.0


def test_where_none_reaches_it_is_said_with_the_limits(none: Answer) -> None:
    said = sentences(none)
    assert said[0].startswith("Answer: no design in these ranges reaches")
    limits = next(s for s in said if s.startswith("Limits"))
    assert "with no limit of names" in limits
    assert "Not looked at" not in limits
    left = replace(none, limits_left=("overlap",))
    assert any("Not looked at, as the fits were spent: overlap." in s for s in sentences(left))
    # A mean of which less is better is shown with the sign that was asked for.
    mean = none.reached[1]
    assert mean.verdict in tuple(Verdict)
    assert f"the mean of seconds is {-mean.interval.estimate:.2f}" in said[1]


def test_an_answer_that_was_not_shown_asks_for_more_fits(found: Answer) -> None:
    low = Interval(0.5, 0.4, 0.6, 0.9)
    missed = replace(found, found=False, none=0.0, reached=tuple(replace(r, interval=low) for r in found.reached))
    assert "with more of them (--fits)" in sentences(missed)[0]


@pytest.mark.parametrize("kind", ["found", "none"])
def test_pictures_have_what_they_should(kind: str, request: Any) -> None:
    answer: Answer = request.getfixturevalue(kind)
    with styled():
        frontier, curves, worlds = frontier_figure(answer), curves_figure(answer), worlds_figure(answer)
    assert len(frontier.axes) == len(answer.targets)
    assert curves is not None
    assert len(curves.axes) == len(answer.targets) * len(answer.curves)
    assert (worlds is None) == (not answer.worlds)


def test_the_page_holds_the_answer_and_nothing_of_the_net(found: Answer, tmp_path: Path) -> None:
    page = write_plan_page(tmp_path / "plan.html", plan(), found)
    text = page.read_text(encoding="utf-8")
    assert "How many &lt;managers&gt; &amp; names?" in text
    assert text.count("data:image/png;base64,") == 3
    assert "<script" not in text
    assert "http" not in text
    assert "separation" in text
    assert "per_interview" in text
    # The style sheet that all pages share, and nothing of the template's own language.
    css = (Path(plan_page.__file__).parent / "page.css").read_text(encoding="utf-8")
    assert css.strip() in text
    assert "{%" not in text
    assert "{{" not in text
