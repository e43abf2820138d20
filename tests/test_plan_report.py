"""The answer of a plan in words, in pictures and on a page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Annotation
from reference.planning import Problem, majorities
from statistical.planning import solver
from test_plan_search import Apart, Smooth, solved

from simlab.fit.spectral import Spectral
from simlab.generate.scenario import Scenario
from simlab.plan.answer import Answer, Lift, Outcome, Reached, Verdict
from simlab.plan.evaluator import Failures
from simlab.plan.intervals import Interval
from simlab.plan.problem import Plan
from simlab.plan.space import between
from simlab.plan.targets import parse_target
from simlab.report import plan_page
from simlab.report.design_words import design_words, money, setting_words
from simlab.report.plan_figures import (
    curves_figure,
    design_found,
    frontier_figure,
    within_range,
    worlds_figure,
)
from simlab.report.plan_page import content, write_plan_page
from simlab.report.plan_words import interval_words, sentences
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
    missed = replace(
        found, outcome=Outcome.MISSED, none=0.0, reached=tuple(replace(r, interval=low) for r in found.reached)
    )
    assert "with more of them (--fits)" in sentences(missed)[0]


def test_an_answer_that_is_not_told_apart_from_just_reaching_says_so(found: Answer) -> None:
    said = sentences(replace(found, outcome=Outcome.CLOSE))[0]
    assert "the cheapest design found that may reach" in said
    assert "cannot tell whether it does" in said


def test_a_quantile_a_budget_and_failures_are_said(found: Answer) -> None:
    low = parse_target("q10(ari) >= 0.6")
    fits = replace(found.fits, failures=Failures(12, "no ties", 3, "no such overlap"))
    changed = replace(found, reached=(Reached(low, Interval(0.9, 0.85, 0.94, 0.9), 0.57),), budget=4000.0, fits=fits)
    said = sentences(changed)
    assert "within the budget of 4,000 pounds has" in said[0]
    assert "the 10 % quantile of ari is 0.57, and the probability of ari >= 0.6 is 0.90" in said[1]
    assert (
        "12 fits failed, and count as no success, in a mean as the worst value; said most often: no ties." in said[-1]
    )
    assert "In 3 replicates the world cannot be as it is wanted" in said[-1]
    assert said[-1].endswith("said most often: no such overlap.")


def test_the_headline_is_as_sure_as_the_replicates(found: Answer) -> None:
    (reached,) = found.reached
    surely = replace(reached, interval=Interval(0.95, 0.93, 0.97, 0.9))
    merely = replace(reached, interval=Interval(0.91, 0.87, 0.94, 0.9))
    assert " found that reaches P(" in sentences(replace(found, reached=(surely,)))[0]
    assert " found that reaches, as far as can be told, P(" in sentences(replace(found, reached=(merely,)))[0]


def test_a_design_that_may_reach_against_the_search_is_no_cheapest_one(found: Answer, none: Answer) -> None:
    close = replace(none, outcome=Outcome.CLOSE, none=0.97)
    said = sentences(close)
    assert said[0].startswith("Answer: the design that came nearest in the search may reach P(")
    assert "improbable that any design" in said[0]
    assert any(s.startswith("Limits: ") for s in said)
    assert not any(s.startswith("Limits: ") for s in sentences(found))


def test_targets_defined_in_few_worlds_are_said(found: Answer) -> None:
    said = sentences(replace(found, worlds_left=("mean(ari) >= 0.5",)))
    assert "Worlds (mean(ari) >= 0.5): it is defined in too few to say how they differ." in said


def test_replicates_that_are_left_out_are_said(found: Answer) -> None:
    (reached,) = found.reached
    assert "Left out" not in sentences(found)[1]
    said = sentences(replace(found, reached=(replace(reached, undefined=0.16),)))[1]
    assert "Left out: ari has no value in 16 % of the replicates." in said


def test_what_a_budget_would_buy_and_a_design_dearer_than_the_cheapest_are_said(found: Answer) -> None:
    dear = replace(found, cheapest=(100.0, 0.9 * found.cost), budget=2.0 * found.frontier[-1].cost)
    cost, budget = sentences(dear)[2:4]
    assert cost.endswith("The design found is dearer, since those below are less probable to reach.")
    assert budget.startswith("Budget: the best for up to ")
    assert not any(s.startswith("Budget") for s in sentences(found))


@pytest.mark.parametrize("kind", ["found", "none"])
def test_pictures_have_what_they_should(kind: str, request: Any) -> None:
    answer: Answer = request.getfixturevalue(kind)
    with styled():
        frontier, curves, worlds = frontier_figure(answer), curves_figure(answer), worlds_figure(answer)
    assert len(frontier.axes) == len(answer.targets)
    assert curves is not None
    assert len(curves.axes) == len(answer.targets) * len(answer.curves)
    assert (worlds is None) == (not answer.worlds)


def test_several_targets_are_told_apart_and_bands_stay_within_what_there_is(found: Answer) -> None:
    long, mean = (parse_target(t) for t in ("mean(abs(seen_switching - true_switching)) <= 0.01", "mean(ari) >= 0.6"))
    beyond = Interval(0.9, 0.8, 1.2, 0.9)
    assert within_range(beyond, mean) == Interval(0.9, 0.8, 1.0, 0.9)
    # Of a mean of which less is better a score is negative.
    assert within_range(Interval(0.1, -1.5, 0.2, 0.9), long) == Interval(0.0, -1.0, 0.0, 0.9)
    spread = replace(found.worlds[0], contrasts=found.worlds[0].contrasts[:1])
    both = replace(
        found,
        targets=(long, mean),
        reached=tuple(Reached(t, beyond) for t in (long, mean)),
        frontier=tuple(replace(p, reaches=(beyond, beyond)) for p in found.frontier),
        curves={name: tuple(replace(p, reaches=(beyond, beyond)) for p in c) for name, c in found.curves.items()},
        looked_at=(),
        rejected=(),
        worlds=tuple(
            replace(spread, target=parse_target(t)) for t in ("P(ari >= 0.3) >= 0.6", "P(bridger_auc >= 0.7) >= 0.6")
        ),
    )
    with styled():
        frontier, curves, worlds = frontier_figure(both), curves_figure(both), worlds_figure(both)
        drawn = frontier.axes[1].collections[0].get_paths()[0].vertices
        assert np.asarray(drawn)[:, 1].max() <= 1.0
        assert curves is not None
        assert worlds is not None
        assert all(
            "bridger_auc" in axes.get_title("left") + axes.get_ylabel() for axes in worlds.axes[len(worlds.axes) // 2 :]
        )
        # Every label lies within its figure, and the name of the target beside the axes.
        for made in (frontier, curves, worlds):
            made.draw_without_rendering()
            texts = [text for axes in made.axes for text in (axes._left_title, axes.yaxis.label, axes.xaxis.label)]
            for text in [*texts, *made.findobj(Annotation), *(t for each in made.legends for t in each.get_texts())]:
                box = text.get_window_extent()
                assert made.bbox.padded(1).contains(box.x0, box.y0), text
                assert made.bbox.padded(1).contains(box.x1, box.y1), text
        assert min(text.xy[0] for text in frontier.findobj(Annotation)) == 1.0


def test_where_none_reaches_nothing_is_called_found(none: Answer, found: Answer) -> None:
    with styled():
        curves = curves_figure(none)
        assert curves is not None
        assert all(axes.get_xlabel().startswith("nearest: ") for axes in curves.axes)
    assert design_found(found) == "the design found"
    assert design_found(replace(found, outcome=Outcome.MISSED)) == "the design chosen"
    assert "the design found" not in str(content(plan(), none)).replace(none.targets[0].text, "")


def test_the_table_has_the_design_found_with_its_fresh_replicates(found: Answer) -> None:
    without = replace(found, frontier=tuple(p for p in found.frontier if p.design != found.design))
    rows = [row for row in content(plan(), without)["frontier_rows"] if row[0].startswith(design_words(found.design))]
    assert [row[2] for row in rows] == [interval_words(found.reached[0].interval, found.targets[0])]
    assert rows[0][0].endswith("the design found, on fresh replicates")


def test_many_levels_are_counted(found: Answer) -> None:
    chosen = dict(content(plan(), found)["chosen"])
    assert chosen["n_invited"] == "20 to 120, 21 levels"


def test_every_page_has_the_style_sheet() -> None:
    for page in Path(plan_page.__file__).parent.glob("*.html"):
        assert '<style>\n{% include "page.css" %}\n' in page.read_text(encoding="utf-8")


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
