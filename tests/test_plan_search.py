"""Searching and answering on problems whose answers are known."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from reference.planning import Problem, majorities
from scipy.special import expit
from statistical.planning import solver

from simlab.fieldwork.settings import Fieldwork
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.plan.answer import Lift, Outcome, Reached, Verdict, outcome_of
from simlab.plan.evaluator import Failures, Outcomes, Trial
from simlab.plan.intervals import Interval, of_mean, of_share, replicates_for
from simlab.plan.over_worlds import contrasts, means_over_worlds, shares_over_worlds
from simlab.plan.price import Price
from simlab.plan.search import Stop
from simlab.plan.solve import Solver
from simlab.plan.space import Space, between, name_of, space_of
from simlab.plan.targets import parse_target


def small_space() -> Space:
    chosen = {"n_invited": between(20, 60, 5), "response_rate": between(0.5, 0.9, 0.1)}
    return space_of(chosen, Scenario(), Fieldwork(), [], Price("100 + invited * response_rate"))


@dataclass
class Smooth:
    """An evaluator whose metrics are a smooth function of the design and noise; ``ceiling`` bounds the probability."""

    ceiling: float = 1.0
    fails: float = 0.0
    undefined: float = 0.0
    uncertain: bool = False

    def failures(self) -> Failures:
        return Failures()

    def world(self, world: int) -> Mapping[str, Any]:
        return {}

    def evaluate(self, design: Mapping[str, Any], trials: Sequence[Trial], measures: Sequence[str]) -> Outcomes:
        text = name_of(design)
        chance = [np.random.default_rng(zlib.crc32(repr((text, tuple(t))).encode())).random(2) for t in trials]
        failed, undefined = (np.array(chance) < [self.fails, self.undefined]).T
        out: dict[str, np.ndarray] = {}
        effort = design["n_invited"] * design["response_rate"] / 54.0 + 0.5 * (design.get("max_nominations", 5) is None)
        for measure in measures:
            values = []
            for trial in trials:
                seed = zlib.crc32(repr((text, tuple(trial), measure)).encode())
                rng = np.random.default_rng(seed)
                if measure == "seconds":
                    values.append(2.0 - effort + 0.2 * rng.standard_normal())
                    continue
                success = rng.random() < self.ceiling * expit(12.0 * (effort - 0.55))
                values.append(float(success))
            out[measure] = np.where(failed | undefined, np.nan, values)
        return Outcomes(out, failed)


def true_share(design: Mapping[str, Any], ceiling: float = 1.0) -> float:
    """Return with which probability ``Smooth`` has a success."""
    return float(ceiling * expit(12.0 * (design["n_invited"] * design["response_rate"] / 54.0 - 0.55)))


def solved(targets: list[str], evaluator: Smooth, fits: int = 800, **options: Any) -> Any:
    space = small_space()
    made = Solver(
        space,
        [parse_target(t) for t in targets],
        evaluator,
        lambda d: 100.0 + d["n_invited"] * d["response_rate"],
        fits,
        **options,
    )
    return made.solve()


def test_the_answer_is_a_design_that_reaches_at_about_the_least_cost() -> None:
    answer = solved(["P(ari >= 0.5) >= 0.8"], Smooth())
    # Success is expit(12 (effort - 0.55)) = 0.8 at an effort of 0.666: 136 = 100 + 36.
    assert answer.found
    assert 130 < answer.cost < 148
    assert answer.reached[0].interval.low <= true_share(answer.design) <= answer.reached[0].interval.high
    assert answer.fits.total <= 800
    costs = [p.cost for p in answer.frontier]
    assert costs == sorted(costs)
    assert "rises" in {d.kind for d in answer.directions} <= {"rises", "not known"}
    assert {m.variable for m in answer.more} <= {"n_invited", "response_rate"}


def test_the_same_seed_gives_the_same_answer() -> None:
    problem = majorities()
    one, other = (solver(problem, 3, 600).solve() for _ in range(2))
    assert one.design == other.design
    assert one.reached == other.reached
    assert one.frontier == other.frontier


def test_where_none_reaches_the_best_and_its_limits_are_said() -> None:
    lift = Lift("nominations", "with no limit of names", {"max_nominations": None})
    answer = solved(["P(ari >= 0.5) >= 0.9"], Smooth(ceiling=0.6), limits=lambda _: [lift])
    assert not answer.found
    assert answer.stop == Stop.NONE
    assert answer.reached[0].verdict == Verdict.MISSED
    assert answer.reached[0].interval.estimate == pytest.approx(0.6, abs=0.1)
    assert [x.lift.name for x in answer.limits] == ["nominations"]
    assert not answer.limits[0].enough


def test_several_targets_hold_at_once_and_a_mean_may_be_one() -> None:
    both = solved(["P(ari >= 0.5) >= 0.8", "mean(seconds) <= 1.2"], Smooth())
    one = solved(["P(ari >= 0.5) >= 0.8"], Smooth())
    assert both.found
    # The mean asks for an effort of 0.8, more than the probability.
    assert both.cost > one.cost
    assert -both.reached[1].interval.estimate <= 1.25


def test_all_targets_in_the_same_study_have_a_probability_of_their_own() -> None:
    targets = ["P(ari >= 0.5) >= 0.7", "P(seconds <= 1.3) >= 0.7", "mean(seconds) <= 1.3"]
    answer = solved(targets, Smooth())
    each = [r.interval.estimate for r in answer.reached[:2]]
    # The two are independent given the design; the mean has no part in it.
    assert answer.at_once is not None
    assert answer.at_once.estimate == pytest.approx(each[0] * each[1], abs=0.08)
    assert answer.at_once.estimate < min(each)
    assert solved(targets[:1], Smooth()).at_once is None


@pytest.mark.parametrize("fits", [200, 240, 400, 2400])
def test_limits_are_looked_at_within_the_fits_allowed(fits: int) -> None:
    lifts = [Lift(f"limit {k}", f"with {k}", {"max_nominations": None}) for k in range(6)]
    for seed in range(1, 5):
        answer = solved(["P(ari >= 0.5) >= 0.9"], Smooth(ceiling=0.7), fits=fits, limits=lambda _: lifts, seed=seed)
        assert answer.fits.total <= fits
        if answer.none > 0.5:
            assert len(answer.limits) + len(answer.limits_left) == 6
        if answer.none > 0.5 and fits >= 400:
            assert len(answer.limits) >= min(fits // 400, 6)


def test_where_no_design_reaches_none_is_said_to_but_by_chance() -> None:
    """The best there is reaches 0.86. Of 280 fresh replicates of it 90 % succeed once in 50 times; two of 12 once in 40."""
    answers = [solved(["P(ari >= 0.5) >= 0.9"], Smooth(ceiling=0.86), fits=1500, seed=seed) for seed in range(1, 13)]
    assert sum(a.outcome == Outcome.FOUND for a in answers) <= 1
    inside = [a.reached[0].interval.low <= true_share(a.design, 0.86) <= a.reached[0].interval.high for a in answers]
    # Of 12 intervals of 90 % fewer than 8 hold the truth once in 240 times.
    assert sum(inside) >= 8


@dataclass
class Alike(Smooth):
    """An evaluator whose probability of success depends on one kind of the design, ``treatment``."""

    shares: Mapping[str, float] = field(default_factory=dict)

    def evaluate(self, design: Mapping[str, Any], trials: Sequence[Trial], measures: Sequence[str]) -> Outcomes:
        share = self.shares[str(design["treatment"])]
        numbers = [zlib.crc32(repr((str(design["treatment"]), tuple(t))).encode()) for t in trials]
        success = np.array([np.random.default_rng(k).random() < share for k in numbers], dtype=np.float64)
        return Outcomes(dict.fromkeys(measures, success), np.zeros(len(trials), dtype=bool))


@pytest.mark.parametrize("order", [["masking", "listwise-deletion"], ["listwise-deletion", "masking"]])
def test_of_designs_at_one_price_the_better_one_is_chosen(order: list[str]) -> None:
    space = space_of({"treatment": order}, Scenario(), Fieldwork(), [], Price("100"))
    shares = {"masking": 0.92, "listwise-deletion": 0.995}
    for seed in range(1, 4):
        made = Solver(
            space, [parse_target("P(ari >= 0.5) >= 0.9")], Alike(shares=shares), lambda _: 100.0, 800, seed=seed
        )
        answer = made.solve()
        assert (answer.design["treatment"], answer.outcome) == ("listwise-deletion", Outcome.FOUND)


@pytest.mark.parametrize(("level", "share"), [(0.99, 0.96), (0.999, 0.97)])
def test_rare_failures_are_not_shown_by_a_few_successes(level: float, share: float) -> None:
    """Forty successes of forty, which .96 gives once in five times, are no sign of .99."""
    space = space_of({"treatment": ["masking"]}, Scenario(), Fieldwork(), [], Price("100"))
    for seed in range(1, 9):
        ev = Alike(shares={"masking": share})
        made = Solver(space, [parse_target(f"P(ari >= 0.5) >= {level}")], ev, lambda _: 100.0, 1000, seed=seed)
        answer = made.solve()
        assert answer.outcome != Outcome.FOUND
        assert answer.fits.fresh >= 280
    assert Reached(parse_target("P(ari >= 0.5) >= 0.99"), of_share(40, 40, 0.9)).verdict == Verdict.FEW
    assert Reached(parse_target("P(ari >= 0.5) >= 0.99"), of_share(398, 400, 0.9)).verdict == Verdict.REACHED


def test_what_fresh_replicates_say_and_what_the_search_thought_are_weighed() -> None:
    target = parse_target("P(ari >= 0.5) >= 0.9")
    each = [Reached(target, of_share(k, 300, 0.9)) for k in (290, 273, 265, 240)]
    assert [r.verdict for r in each] == [Verdict.SURELY, Verdict.REACHED, Verdict.CLOSE, Verdict.MISSED]
    usual = [Outcome.FOUND, Outcome.FOUND, Outcome.CLOSE, Outcome.MISSED]
    against = [Outcome.FOUND, Outcome.CLOSE, Outcome.CLOSE, Outcome.NONE]
    assert [outcome_of([r], none=False) for r in each] == usual
    assert [outcome_of([r], none=True) for r in each] == against


def test_replicates_in_which_a_metric_has_no_value_are_left_out_and_counted() -> None:
    answer = solved(["P(ari >= 0.5) >= 0.8", "mean(seconds) <= 1.3"], Smooth(undefined=0.25), fits=1500)
    assert answer.found
    assert 130 < answer.cost < 160
    for reached in answer.reached:
        assert reached.undefined == pytest.approx(0.25, abs=0.08)
    assert answer.reached[0].interval.low <= true_share(answer.design) <= answer.reached[0].interval.high
    with pytest.raises(InputError, match="ari has no value in any of"):
        solved(["P(ari >= 0.5) >= 0.8"], Smooth(undefined=1.0))


def test_turned_down_are_designs_that_fell_short_and_not_those_for_which_a_cheaper_one_was_found() -> None:
    for seed in range(1, 9):
        for _, _, reached in solved(["P(ari >= 0.5) >= 0.8"], Smooth(), fits=1500, seed=seed).rejected:
            assert any(r.interval.estimate < r.target.needed for r in reached)


def test_a_design_has_many_replicates_of_its_own_before_it_is_the_answer() -> None:
    for seed in range(1, 5):
        answer = solved(["P(ari >= 0.5) >= 0.8"], Smooth(), fits=1500, seed=seed)
        counts = {name_of(design): count for design, _, count, _ in answer.looked_at}
        assert counts[name_of(answer.design)] >= 160


def test_where_the_search_ends_as_narrow_the_design_is_within_that() -> None:
    for seed in range(1, 13):
        answer = solved(["P(ari >= 0.5) >= 0.8"], Smooth(), fits=3000, seed=seed)
        if answer.stop == Stop.NARROW:
            assert answer.cost <= 1.1 * answer.cheapest[0] + 1e-9


def test_failed_fits_are_never_a_success() -> None:
    answer = solved(["P(ari >= 0.5) >= 0.9"], Smooth(fails=0.2))
    assert not answer.found


def test_fresh_replicates_are_none_of_the_search() -> None:
    problem = majorities()
    work = solver(problem, 5, 600)
    seen: list[tuple[str, Trial]] = []
    drawn = work.evaluator.evaluate

    def watched(design: Any, trials: Sequence[Trial], measures: Sequence[str]) -> Any:
        seen.extend((name_of(design), t) for t in trials)
        return drawn(design, trials, measures)

    work.evaluator.evaluate = watched  # type: ignore[method-assign]
    answer = work.solve()
    assert len(seen) == len(set(seen)) == answer.fits.total
    assert sum(t.fresh for _, t in seen) == answer.fits.fresh


def test_success_over_worlds_is_told_apart_from_chance() -> None:
    rng = np.random.default_rng(1)
    differ = shares_over_worlds(rng.binomial(5, np.repeat([0.2, 1.0], 20)), 5)
    alike = shares_over_worlds(rng.binomial(5, np.full(40, 0.7)), 5)
    assert differ.differ
    assert not alike.differ
    assert 0.3 < differ.above(0.6) < 0.7


def test_means_over_worlds_are_told_apart_from_chance() -> None:
    rng = np.random.default_rng(4)
    centres = rng.normal(0.6, 0.1, 40)
    differ = means_over_worlds(rng.normal(centres[:, None], 0.1, (40, 5)))
    assert differ.differ
    assert differ.deviation == pytest.approx(0.1, abs=0.035)
    assert differ.above(0.6) == pytest.approx(np.mean(centres >= 0.6), abs=0.2)
    # The F test is of 5 %: of 200 sets of equal worlds 10 are expected, and more than 22 with probability 0.0003.
    assert sum(means_over_worlds(rng.normal(0.6, 0.1, (40, 5))).differ for _ in range(200)) <= 22
    alike = means_over_worlds(np.full((40, 5), 0.7))
    assert not alike.differ
    assert (alike.above(0.6), alike.above(0.8)) == (1.0, 0.0)


@dataclass
class Apart(Smooth):
    """Every second world is slow."""

    uncertain: bool = True

    def world(self, world: int) -> Mapping[str, Any]:
        return {"pace": "slow" if world % 2 else "fast"}

    def evaluate(self, design: Mapping[str, Any], trials: Sequence[Trial], measures: Sequence[str]) -> Outcomes:
        out = super().evaluate(design, trials, measures)
        slower = np.array([t.world % 2 for t in trials])
        return Outcomes({name: values + slower for name, values in out.values.items()}, out.failed)


def test_a_mean_over_worlds_says_which_worlds_fail() -> None:
    answer = solved(["mean(seconds) <= 1.8"], Apart(), fits=1000)
    (of,) = answer.worlds
    assert of.spread.differ
    # Fast worlds have means about 1.2, slow ones 2.2; a score is a mean with the sign that makes more better.
    assert 0.25 < of.spread.above(-1.8) < 0.75
    assert [c.unknown for c in of.contrasts] == ["pace"]
    assert {name: -i.estimate > 1.8 for name, i, _ in of.contrasts[0].groups} == {"slow": True, "fast": False}


def test_which_worlds_fail_is_said_where_it_is_more_than_chance() -> None:
    rng = np.random.default_rng(2)
    worlds = [{"separation": float(s), "spread": float(rng.random())} for s in rng.uniform(3, 5, 300)]
    scores = np.array([float(w["separation"] > 3.5) for w in worlds])

    def interval(scores: np.ndarray) -> Interval:
        return of_share(int(scores.sum()), len(scores), 0.9)

    found = contrasts(worlds, scores, interval)
    assert [c.unknown for c in found] == ["separation"]
    assert found[0].groups[0][1].estimate < found[0].groups[-1][1].estimate
    assert contrasts(worlds, (rng.random(300) < 0.8).astype(float), interval) == ()


def test_intervals_are_those_of_the_books() -> None:
    interval = of_share(8, 10, 0.95)
    assert (interval.low, interval.high) == (pytest.approx(0.4439, abs=1e-4), pytest.approx(0.9748, abs=1e-4))
    assert of_share(0, 10, 0.9).low == 0.0
    assert of_share(10, 10, 0.9).high == 1.0
    mean = of_mean(np.array([1.0, 2.0, 3.0]), 0.95)
    assert (mean.low, mean.high) == (pytest.approx(-0.4841, abs=1e-3), pytest.approx(4.4841, abs=1e-3))
    assert replicates_for(0.9, 0.03, 0.9) == 271
    for share in (0.001, 0.01, 0.03, 0.5, 0.97, 0.99, 0.995):
        count = replicates_for(share, 0.03, 0.9)
        found = of_share(round(share * count), count, 0.9)
        assert found.high - found.low <= 3.0 * min(0.03, share, 1.0 - share)
    assert replicates_for(1e-200, 0.03, 0.9) <= 10_000
    nothing = of_share(0, 0, 0.9)
    assert (np.isnan(nothing.estimate), nothing.low, nothing.high) == (True, 0.0, 1.0)


def test_too_few_fits_are_refused() -> None:
    with pytest.raises(InputError, match=r"fits = 10: must be an integer from 200"):
        solved(["P(ari >= 0.5) >= 0.8"], Smooth(), fits=10)


def test_the_majorities_are_as_a_simulation_has_them() -> None:
    """The exact model against drawing every report and every coin."""
    problem: Problem = majorities()
    rng = np.random.default_rng(4)
    design = {"n_invited": 60, "max_nominations": 6, "response_rate": 0.5}
    at = problem.space.index(design)
    assert at is not None
    for world, within in enumerate((0.68, 0.76, 0.84)):
        n, runs = 120, 4000
        share = 0.25
        respondent = rng.random((runs, n)) < share
        count = rng.poisson(share * 6, (runs, n)) + 6 * respondent
        inside = rng.binomial(count, within)
        right = (2 * inside > count) | ((2 * inside == count) & (rng.random((runs, n)) < 0.5))
        assert (right.mean(axis=1) >= 0.75).mean() == pytest.approx(problem.truth[at, 2 * world], abs=0.03)
