"""How often fieldwork finds, misses and is told, judged by its Monte Carlo error beside a control that must fail."""

from __future__ import annotations

import numpy as np
import pytest
from reference import naive_fieldwork as naive
from statistical.monte_carlo import LIMIT, judge_ratio, z_of_ratio

from simlab.fieldwork.observe import Fieldwork, observe
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import Simulation, simulate
from simlab.panel import DyadState, Panel

REPLICATES = 400


@pytest.fixture(scope="module")
def complete() -> Panel:
    return simulate(Scenario(n_actors=40, mean_degree=8.0, n_periods=2), seed=1).panel


def looks(panel: Panel, fieldwork: Fieldwork) -> list[Panel]:
    return [observe(panel, fieldwork, seed=2, replicate=replicate) for replicate in range(REPLICATES)]


@pytest.mark.parametrize("period", [0, 1])
def test_absence_and_response(complete: Panel, period: int) -> None:
    seen = looks(complete, Fieldwork(response_rate=0.7, absence=0.2))
    present = [complete.present[period].sum()] * REPLICATES
    asked = [panel.asked[period].sum() for panel in seen]
    answered = [panel.answered[period].sum() for panel in seen]
    judge_ratio(asked, present, 0.8, wrong=0.84)
    judge_ratio(answered, asked, 0.7, wrong=0.74)


def test_response_is_independent_of_ties_and_of_the_period_before(complete: Panel) -> None:
    """Who answers has neither more ties than others nor answered the time before more often."""
    seen = looks(complete, Fieldwork(response_rate=0.7))
    degree = (complete.states["site 1", "contact", "1"] == DyadState.TIE).sum(axis=1)
    ties = [(degree * panel.answered[0]).sum() for panel in seen]
    judge_ratio(ties, [degree.sum()] * REPLICATES, 0.7, wrong=0.74)
    stay = complete.present.all(axis=0)
    twice = [(panel.answered[0] & panel.answered[1])[stay].sum() for panel in seen]
    judge_ratio(twice, [stay.sum()] * REPLICATES, 0.7**2, wrong=0.7)


def test_every_tie_is_as_likely_to_be_named(complete: Panel) -> None:
    """With three names for d ties each is named with probability 3 / d; choosing the first ones must be caught."""
    ties = complete.states["site 1", "contact", "1"] == DyadState.TIE
    degree = ties.sum(axis=1)
    expected = np.where(ties, np.minimum(3.0 / np.maximum(degree, 1)[:, None], 1.0), 0.0)
    count = np.zeros(ties.shape)
    for panel in looks(complete, Fieldwork(max_nominations=3)):
        count += panel.states["site 1", "contact", "1"] == DyadState.TIE
    first = REPLICATES * (ties & (ties.cumsum(axis=1) <= 3))
    uncertain = (expected > 0.0) & (expected < 1.0)
    assert uncertain.sum() > 200

    def worst(found: np.ndarray) -> float:
        error = np.sqrt(REPLICATES * expected * (1.0 - expected))
        return float(np.abs((found - REPLICATES * expected)[uncertain] / error[uncertain]).max())

    assert worst(count) < 4.5
    assert worst(first) > 4.5
    assert (count[expected == 1.0] == REPLICATES).all()


def test_a_cap_costs_reciprocity() -> None:
    """Two who name each other are both named with the product of their chances, so a cap thins mutual ties most."""
    scenario = Scenario(n_actors=40, mean_degree=8.0)
    mutual, chance, ties = [], [], []
    for replicate in range(60):
        panel = simulate(scenario, seed=3, replicate=replicate).panel
        true = panel.network().ties
        named = observe(panel, Fieldwork(max_nominations=4), seed=3, replicate=replicate).network().ties
        kept = np.minimum(4.0 / np.maximum(true.sum(axis=1), 1), 1.0)
        mutual.append((named & named.T).sum())
        chance.append(((true & true.T) * np.outer(kept, kept)).sum())
        ties.append(named.sum())
    judge_ratio(mutual, chance, 1.0, wrong=1.2)
    assert z_of_ratio(mutual, ties, 0.5) < -LIMIT


# ---- response by what people are, recall, boundary, proxies


@pytest.fixture(scope="module")
def world() -> Simulation:
    return simulate(Scenario(n_actors=40, mean_degree=8.0, n_periods=2, bridger_share=0.3), seed=1)


def looked(world: Simulation, fieldwork: Fieldwork) -> list[Panel]:
    return [
        observe(world.panel, fieldwork, seed=2, replicate=replicate, truth=world.truth)
        for replicate in range(REPLICATES)
    ]


KEY = ("site 1", "contact", "1")


def tied(panel: Panel) -> np.ndarray:
    return np.asarray(panel.states[KEY] == DyadState.TIE)


def test_response_differs_between_periods(complete: Panel) -> None:
    seen = looks(complete, Fieldwork(response_rate=(0.9, 0.5)))
    for t, (rate, other) in enumerate([(0.9, 0.5), (0.5, 0.9)]):
        judge_ratio(
            [panel.answered[t].sum() for panel in seen], [complete.present[t].sum()] * REPLICATES, rate, wrong=other
        )


@pytest.mark.parametrize("odds_ratio", [0.25, 4.0])
def test_response_by_bridging(world: Simulation, odds_ratio: float) -> None:
    """The rate is kept, and bridgers answer with the probability that solves a quadratic equation; at random must fail."""
    seen = looked(
        world, Fieldwork(response_rate=0.7, absence=0.1, response_by="bridging", response_odds_ratio=odds_ratio)
    )
    bridger = world.truth.bridger & world.panel.present[0]
    other = ~world.truth.bridger & world.panel.present[0]
    of_bridgers, of_others = naive.two_groups(int(bridger.sum()), int(other.sum()), 0.7, odds_ratio)
    assert abs(of_bridgers - 0.7) > 0.1
    judge_ratio([p.answered[0].sum() for p in seen], [p.asked[0].sum() for p in seen], 0.7, wrong=0.74)
    for who, rate in ((bridger, of_bridgers), (other, of_others)):
        answered, asked = [(p.answered[0] & who).sum() for p in seen], [(p.asked[0] & who).sum() for p in seen]
        judge_ratio(answered, asked, rate, wrong=0.7)


def test_response_by_seniority_and_by_periphery(world: Simulation) -> None:
    """Each actor's own share of answers agrees with its probability by loops; with the odds ratio upside down it must not."""
    panel = world.panel
    here = np.flatnonzero(panel.present[0])
    ties = panel.states[KEY] == DyadState.TIE
    degree = (ties.sum(axis=0) + ties.sum(axis=1))[here]
    levels = list(world.truth.scenario.seniorities)
    height = [1.0 - levels.index(s) / 3.0 for s in panel.attributes["seniority"][0, here]]
    for by, extent in (("seniority", height), ("periphery", naive.rank_shares((-degree).tolist()))):
        seen = looked(world, Fieldwork(response_rate=0.6, response_by=by, response_odds_ratio=0.2))
        share = np.mean([p.answered[0, here] for p in seen], axis=0)
        judge_ratio([p.answered[0].sum() for p in seen], [len(here)] * REPLICATES, 0.6, wrong=0.64)

        def worst(chances: list[float], share: np.ndarray = share) -> float:
            expected = np.array(chances)
            return float((np.abs(share - expected) / np.sqrt(expected * (1.0 - expected) / REPLICATES)).max())

        assert worst(naive.chances(extent, 0.6, 0.2)) < 4.5
        assert worst(naive.chances(extent, 0.6, 5.0)) > 4.5
        assert worst([0.6] * len(here)) > 4.5


def test_forgetting_and_false_ties_at_random(world: Simulation) -> None:
    seen = looked(world, Fieldwork(forgetting=0.3, false_ties=0.02))
    true, none = tied(world.panel), world.panel.states[KEY] == DyadState.NO_TIE
    judge_ratio([(tied(p) & true).sum() for p in seen], [true.sum()] * REPLICATES, 0.7, wrong=0.72)
    judge_ratio([(tied(p) & none).sum() for p in seen], [none.sum()] * REPLICATES, 0.02, wrong=0.025)


def test_a_name_generator_forgets_a_fifth(world: Simulation) -> None:
    seen = looked(world, Fieldwork(instrument="name-generator"))
    true = tied(world.panel)
    judge_ratio([(tied(p) & true).sum() for p in seen], [true.sum()] * REPLICATES, 0.8, wrong=0.82)


def test_weak_ties_are_forgotten_more_and_as_many_in_all(world: Simulation) -> None:
    seen = looked(world, Fieldwork(forgetting=0.3, forgetting_odds_ratio=6.0))
    true = tied(world.panel)
    strength = world.truth.probability[KEY][true]
    chances = np.array(naive.chances(naive.rank_shares((-strength).tolist()), 0.3, 6.0))
    kept = [tied(p)[true] for p in seen]
    judge_ratio([k.sum() for k in kept], [true.sum()] * REPLICATES, 0.7, wrong=0.72)
    weak = strength < np.quantile(strength, 1 / 3)
    judge_ratio([k[weak].sum() for k in kept], [weak.sum()] * REPLICATES, 1.0 - chances[weak].mean(), wrong=0.7)
    found = 1.0 - np.mean(kept, axis=0)
    error = np.sqrt(chances * (1.0 - chances) / REPLICATES)
    assert (np.abs(found - chances) / error).max() < 4.5
    assert (np.abs(found - 0.3) / error).max() > 4.5


def test_outsiders_have_the_share_of_ties_asked_for(world: Simulation) -> None:
    seen = looked(world, Fieldwork(outsiders=0.25, outsider_ties=0.3))
    inside = tied(world.panel)
    density = inside.sum() / (world.panel.states[KEY] <= DyadState.TIE).sum()
    out, back, dyads = [], [], []
    for panel in seen:
        network = panel.network(period="1")
        strange = np.array([actor not in world.panel.actors for actor in network.actors])
        assert strange.sum() == 10
        out.append(network.ties[strange].sum())
        back.append(network.ties[:, strange].sum())
        dyads.append(network.observed[strange].sum())
    judge_ratio(out, dyads, 0.3 * density, wrong=0.35 * density)
    judge_ratio(back, dyads, 0.3 * density, wrong=0.35 * density)


def test_proxies_report_the_share_asked_for_of_ties_and_of_none(world: Simulation) -> None:
    seen = looked(world, Fieldwork(response_rate=0.6, proxy=0.4))
    true = world.panel.states[KEY]
    for state in (DyadState.TIE, DyadState.NO_TIE):
        told, there = [], []
        for panel in seen:
            answered = panel.answered[0]
            of_silent = (true == state) & ~answered[:, None] & answered[None]
            there.append(of_silent.sum())
            told.append((of_silent & (panel.states[KEY] == state)).sum())
        judge_ratio(told, there, 0.4, wrong=0.43)


def test_reconstruction_is_right_as_often_as_ties_are_mutual(world: Simulation) -> None:
    """Of the ties it reads into silence the true ones are the mutual ones: reciprocity, not certainty."""
    seen = looked(world, Fieldwork(response_rate=0.6, treatment="reconstruction"))
    true = tied(world.panel)
    mutual = (true & true.T).sum() / true.sum()
    right, read = [], []
    for panel in seen:
        new = tied(panel) & ~panel.answered[0][:, None]
        read.append(new.sum())
        right.append((new & true).sum())
    judge_ratio(right, read, mutual, wrong=mutual + 0.05)


def test_null_imputation_thins_the_network_by_the_response(world: Simulation) -> None:
    seen = looked(world, Fieldwork(response_rate=0.6, treatment="null-imputation"))
    judge_ratio([tied(p).sum() for p in seen], [tied(world.panel).sum()] * REPLICATES, 0.6, wrong=0.64)


def test_listwise_deletion_loses_ties_twice(world: Simulation) -> None:
    """A tie is kept where both of its actors answer."""
    seen = looked(world, Fieldwork(response_rate=0.6, treatment="listwise-deletion"))
    judge_ratio([tied(p).sum() for p in seen], [tied(world.panel).sum()] * REPLICATES, 0.36, wrong=0.6)
