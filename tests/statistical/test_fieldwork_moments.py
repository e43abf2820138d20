"""How often fieldwork finds, misses and is told, judged by its Monte Carlo error beside a control that must fail."""

from __future__ import annotations

import numpy as np
import pytest
from statistical.monte_carlo import LIMIT, judge_ratio, z_of_ratio

from simlab.fieldwork.observe import Fieldwork, observe
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
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
