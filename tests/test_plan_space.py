"""The space of designs, and prices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simlab.fieldwork.settings import Fieldwork
from simlab.fit.spectral import Spectral
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.plan.price import INTERVIEW_STUDY, Price, quantities
from simlab.plan.problem import Plan
from simlab.plan.space import Space, between, key_of, name_of, space_of


def made(chosen: dict[str, Any], price: str | Price = "100 + invited", **scenario: Any) -> Space:
    return space_of(
        chosen, Scenario(**scenario), Fieldwork(), ["a", "b"], price if isinstance(price, Price) else Price(price)
    )


def test_every_combination_with_its_cost() -> None:
    space = made(
        {"n_invited": between(20, 60, 20), "max_nominations": [None, 3, 5], "fitter": ["a", "b"]}, "invited * names"
    )
    assert len(space) == 18
    assert space.design(0) == {"n_invited": 20, "max_nominations": 3, "fitter": "a"}
    # Without a limit people name their mean out-degree.
    assert space.costs[space.index({"n_invited": 60, "max_nominations": None, "fitter": "b"})] == 60 * 9


def test_between_keeps_whole_numbers_and_meets_its_end() -> None:
    assert between(1, 4).levels == (1, 2, 3, 4)
    assert all(isinstance(v, int) for v in between(1, 9, 4).levels)
    assert between(0.5, 0.95, 0.05).levels[-1] == 0.95
    assert len(between(0.5, 0.95, 0.05).levels) == 10


def test_coordinates_lie_from_0_to_1_and_no_limit_beyond() -> None:
    space = made({"max_nominations": [2, 4, 6, None], "treatment": ["masking", "listwise-deletion"]})
    assert space.features()[:, 0].max() == 1.5
    assert space.features().shape == (8, 3)
    between_ = space.features_of([{"max_nominations": 5, "treatment": "masking"}])
    assert between_[0, 0] == 0.75


def test_the_price_is_that_of_the_settings_themselves() -> None:
    chosen = {"n_actors": [40, 60], "response_rate": [0.5, (0.8, 0.6)], "instrument": ["roster", "name-generator"]}
    space = made({**chosen, "relations": [("a",), ("a", "b")]}, INTERVIEW_STUDY, n_periods=2)
    for k in range(len(space)):
        design = space.design(k)
        scenario = Scenario(n_periods=2, n_actors=design["n_actors"], relations=design["relations"])
        fieldwork = Fieldwork(response_rate=design["response_rate"], instrument=design["instrument"])
        assert space.costs[k] == pytest.approx(float(INTERVIEW_STUDY.of(quantities(scenario, fieldwork))))


def test_a_limit_never_costs_more_than_none() -> None:
    space = made({"max_nominations": [3, 8, 12, None], "mean_degree": [6.0]}, INTERVIEW_STUDY, n_actors=30)
    assert np.all(np.diff(space.costs) >= 0.0)
    assert space.costs[-1] == space.costs[1]


def test_one_design_has_one_cost() -> None:
    design = {"mean_degree": [5.0, 9.0, 20.0], "max_nominations": [3, None], "n_invited": [20, None]}
    plan = planned(design=design)
    for k in range(len(plan.space)):
        assert plan.cost(plan.space.design(k)) == plan.space.costs[k]
    assert np.isnan(plan.cost({"mean_degree": 5.0, "max_nominations": 3, "n_invited": 61}))


def test_a_price_of_what_is_not_known_is_averaged() -> None:
    plan = planned(unknown={"n_actors": (40, 80)}, design={"max_nominations": [3, 5]}, price="invited")
    assert plan.space.costs[0] == pytest.approx(60.0, abs=6.0)
    assert plan.cost({"max_nominations": 5}) == plan.space.costs[1]


def test_combinations_that_cannot_be_are_left_out_or_refused_by_name() -> None:
    space = made({"n_actors": between(5, 15, 5), "n_clusters": [2, 10]})
    assert len(space) == 5
    with pytest.raises(InputError, match=r"n_clusters = 10: must be at most n_actors = 5"):
        made({"n_actors": [5, 6], "n_clusters": [10]})
    with pytest.raises(InputError, match=r"unknown: mean_degree = 19.5: .*below 19"):
        planned(unknown={"mean_degree": (5.0, 19.5)}, design={"n_actors": [20, 30], "max_nominations": [3]})


def planned(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "targets": ["P(ari >= 0.5) >= 0.5"],
        "fitters": Spectral(n_clusters=3),
        "question": "How many?",
    }
    return Plan("small", **{**values, **changes})


def test_more_response_costs_more_and_rates_can_be_changed() -> None:
    costs = made({"response_rate": between(0.5, 1.0, 0.1)}, INTERVIEW_STUDY).costs
    assert np.all(np.diff(costs) > 0)
    dearer = made({"response_rate": between(0.5, 1.0, 0.1)}, INTERVIEW_STUDY.but(per_site=9000.0)).costs
    assert np.allclose(dearer - costs, 7000.0)


def test_a_budget_leaves_what_it_allows() -> None:
    space = made({"n_invited": between(20, 60, 20)})
    assert len(space.within(140)) == 2
    with pytest.raises(InputError, match=r"budget = 10: the cheapest design costs 120"):
        space.within(10)


def test_designs_with_more_invited_than_there_are_do_not_exist() -> None:
    assert len(made({"n_invited": [30, 50], "n_actors": [40, 60]})) == 3


def test_a_design_as_text_can_be_a_level_in_the_id_of_a_cell() -> None:
    text = name_of({"n_invited": 20, "relations": ("a", "b"), "max_nominations": None, "response_rate": 0.5})
    assert text == "n_invited 20; relations a+b; max_nominations none; response_rate 0.5"
    assert name_of({"response_rate": 0.8000001}) != name_of({"response_rate": 0.8000002})


def test_the_order_of_settings_makes_no_other_design() -> None:
    one, other = {"n_invited": 20, "max_nominations": 5}, {"max_nominations": 5, "n_invited": 20}
    assert name_of(one) != name_of(other)
    assert key_of(one) == key_of(other)


def test_names_are_as_many_as_worlds_of_held_information_have_ties() -> None:
    """Not the nine names of worlds whose density is not said."""
    few, many = (quantities(Scenario(information=x, separation=5.0), Fieldwork())["names"] for x in (2.0, 4.0))
    assert 2.0 < few < 4.0 < many < 7.5
    limited = quantities(Scenario(information=4.0, separation=5.0), Fieldwork(max_nominations=3))
    assert limited["names"] == pytest.approx(3.0)
    plan = planned(
        scenario=Scenario(information=2.0), unknown={"separation": (4.0, 6.0)}, design={"n_invited": [20, 40]}
    )
    assert len(plan.pricing.worlds) > 1
    alike = planned(scenario=Scenario(information=2.0), unknown={"separation": [5, 6]}, design={"n_invited": [20, 40]})
    assert len(set(alike.pricing.worlds)) == len(alike.pricing.worlds)


def test_worlds_that_cannot_be_have_no_part_in_a_price() -> None:
    """Of ties that should last longer than they can, and of more information than there can be; and if nothing can be."""
    world = Scenario(n_actors=30, information=1.5, separation=5.0, n_periods=2, relations=("a", "b"))
    lasting = planned(scenario=world, unknown={"tie_persistence": (0.2, 0.95)}, design={"n_invited": [20, 30]})
    assert np.isfinite(lasting.space.costs).all()
    chosen = planned(scenario=Scenario(n_actors=30, separation=5.0), design={"information": [0.9, 90.0]})
    assert [chosen.space.design(k)["information"] for k in range(len(chosen.space))] == [0.9]
    with pytest.raises(InputError, match="information"):
        planned(scenario=Scenario(n_actors=30, information=90.0), design={"n_invited": [20, 30]})
    free = planned(scenario=Scenario(n_actors=30, information=90.0), design={"n_invited": [20, 30]}, price="invited")
    assert free.space.costs.tolist() == [20.0, 30.0]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({}, "must be one or more settings"),
        ({"max_nomination": [3]}, "Did you mean 'max_nominations'?"),
        ({"max_nominations": []}, "one or more different levels"),
        ({"max_nominations": [3, 3]}, "one or more different levels"),
        ({"max_nominations": [0, 3]}, "max_nominations = 0"),
        ({"n_invited": (15, 35)}, "between(15, 35) for a range, or the list [15, 35]"),
        ({"response_rate": [0.7, 0.7000000000001]}, "one or more different levels"),
        ({"series": [0, 1]}, "no setting 'series'"),
        ({"max_nominations": 3}, "between(low, high, step) or a list"),
        ({"response_rate": [1.2]}, "response_rate = 1.2"),
        ({"fitter": ["c"]}, "no fitter 'c'"),
        ({"n_invited": [40, 90]}, "n_invited = 90: must be at most n_actors = 60"),
        ({"n_invited": [90], "n_actors": [40, 60]}, "n_invited = 90"),
        ({"n_actors": between(10, 1000, 1), "max_nominations": between(1, 200)}, "at most 100,000"),
    ],
)
def test_what_cannot_be_chosen_is_refused_in_one_line(chosen: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        made(chosen)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((5, 5), "from the lower to the higher"),
        ((9, 5), "from the lower to the higher"),
        ((1, 5, 0), "step"),
        ((1, 5, -1), "step"),
        ((1, 5, 9), "step"),
        ((1, 50000), "at most 1000"),
        ((float("nan"), 5), "finite"),
        (("a", 5), "finite"),
    ],
)
def test_ranges_that_are_empty_or_reversed_are_refused(ends: tuple[Any, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        between(*ends)


@pytest.mark.parametrize(
    ("price", "said"),
    [
        (lambda: made({"n_invited": [20, 60]}, "30 - invited"), "price = -30.0: must be finite and not negative"),
        (lambda: made({"response_rate": [0.5, 1.0]}, "-log(1 - response_rate)"), "price = inf"),
        (lambda: made({"n_invited": [20]}, "invitd"), "Did you mean 'invited'?"),
        (lambda: Price("invited * per_head", {"per_head": -1.0}), "per_head = -1.0"),
        (lambda: Price("invited * per_head", {"per_head": float("inf")}), "per_head = inf"),
        (lambda: Price("invited", {"n_sites": 1.0}), "which no setting has"),
        (lambda: INTERVIEW_STUDY.but(won_by_contact=1.0), "won_by_contact = 1.0: must leave log(1 - won_by_contact)"),
        (lambda: INTERVIEW_STUDY.but(won_by_contact=0.0), "a probability must be above 0 and below 1"),
        (lambda: INTERVIEW_STUDY.but(per_sight=1.0), "Did you mean 'per_site'?"),
        (lambda: made({"n_invited": [20]}, "density"), "price = density"),
    ],
)
def test_prices_that_are_none_are_refused_in_one_line(price: Any, said: str) -> None:
    with pytest.raises(InputError) as error:
        price()
    assert said in str(error.value)
    assert "\n" not in str(error.value)
