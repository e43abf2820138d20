"""The settings of fieldwork: what is refused, in one line; keys that stay; what needs a truth says so."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from simlab.fieldwork.observe import Fieldwork, observe
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import Simulation, simulate

WORLD = Scenario(n_actors=24, mean_degree=5.0, n_periods=2)


@pytest.fixture(scope="module")
def world() -> Simulation:
    return simulate(WORLD, seed=1)


def test_keys_of_earlier_settings_have_not_changed() -> None:
    """Streams are named by the key, so a key that changed would change numbers in every store."""
    assert Fieldwork().key == "b3393df7c0c25b03"
    assert Fieldwork(response_rate=0.6, absence=0.2, max_nominations=3).key == "c58887d7ca81aff4"


def test_the_treatment_is_no_part_of_what_the_field_does() -> None:
    settings = {"response_rate": 0.6, "proxy": 0.5}
    keys = {
        Fieldwork(**settings, treatment=t).observation_key for t in ("masking", "null-imputation", "reconstruction")
    }
    assert keys == {Fieldwork(**settings).key}
    assert Fieldwork(**settings, treatment="null-imputation").key not in keys


@pytest.mark.parametrize(
    ("field", "values"),
    {
        "response_by": ("age", 1, None),
        "response_odds_ratio": (0.0, -1.0, float("inf"), "a", None),
        "dropped": ("random", "strongest", None),
        "instrument": ("interview", None),
        "forgetting": (-0.1, 1.1, "a", True),
        "forgetting_odds_ratio": (0.0, float("nan"), None),
        "false_ties": (-0.1, 2.0, None),
        "proxy": (-0.1, 2.0, None),
        "left_out": (("NHS", "NHS"), ("",), 3, None, (1,)),
        "outsiders": (-0.1, 1.5, None),
        "outsider_ties": (-0.1, 1.5),
        "treatment": ("deletion", "multiple-imputation", None),
        "response_rate": ((0.5, -0.1), "0.5", float("nan"), []),
    }.items(),
)
def test_a_mistake_is_one_line_that_begins_with_the_field(field: str, values: tuple[Any, ...]) -> None:
    for value in values:
        with pytest.raises(InputError) as caught:
            Fieldwork(**{field: value})
        assert re.match(rf"{field}(\.0)? = ", str(caught.value)), str(caught.value)
        assert "\n" not in str(caught.value)


def test_an_odds_ratio_without_what_it_is_of_is_refused() -> None:
    with pytest.raises(InputError, match=r"^response_odds_ratio = 0\.3: needs response_by = "):
        Fieldwork(response_odds_ratio=0.3)
    assert Fieldwork(response_by="bridging").response_odds_ratio == 1.0


@pytest.mark.parametrize(
    "settings",
    [
        {"response_rate": (0.9, 0.5)},
        {"left_out": ("private", "NHS")},
        {"response_by": "seniority", "response_odds_ratio": 2.0, "treatment": "reconstruction"},
        {"instrument": "name-generator", "forgetting": 0.1, "dropped": "weakest"},
    ],
    ids=str,
)
def test_settings_survive_json(settings: dict[str, Any]) -> None:
    fieldwork = Fieldwork(**settings)
    for copy in (
        Fieldwork(**json.loads(json.dumps(fieldwork.everything()))),
        Fieldwork.model_validate_json(fieldwork.model_dump_json()),
    ):
        assert copy == fieldwork
        assert copy.key == fieldwork.key
        assert hash(copy) == hash(fieldwork)


def test_one_organisation_needs_no_list() -> None:
    assert Fieldwork(left_out="private") == Fieldwork(left_out=["private"])
    assert Fieldwork(response_rate=np.array([1.0, 0.5])) == Fieldwork(response_rate=(1, 0.5))


def test_a_name_generator_forgets_unless_said() -> None:
    assert Fieldwork().share_forgotten == 0.0
    assert Fieldwork(instrument="name-generator").share_forgotten == 0.2
    assert Fieldwork(instrument="name-generator", forgetting=0.0).share_forgotten == 0.0
    assert Fieldwork(forgetting=0.3).share_forgotten == 0.3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"response_by": "seniority"}, "response_by = seniority: depends on what is true"),
        ({"response_by": "bridging"}, "response_by = bridging: depends on what is true"),
        ({"dropped": "weakest", "max_nominations": 2}, "dropped = weakest: depends on what is true"),
        ({"dropped": "farthest", "max_nominations": 2}, "dropped = farthest: depends on what is true"),
        ({"forgetting": 0.2, "forgetting_odds_ratio": 3.0}, "forgetting_odds_ratio = 3: depends on what is true"),
        ({"response_rate": (0.9, 0.8, 0.7)}, "response_rate = .*: must be one number, or one for each of 2 periods"),
        ({"left_out": "charity"}, "no organisation named 'charity'"),
        ({"left_out": ("NHS", "local authority", "private", "voluntary")}, "left_out = .*: leaves nobody"),
    ],
    ids=str,
)
def test_what_cannot_be_done_with_a_panel_is_one_line(world: Simulation, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        observe(world.panel, Fieldwork(**settings), seed=1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [{"dropped": "weakest", "max_nominations": 2}, {"dropped": "farthest", "max_nominations": 2}],
    ids=str,
)
def test_the_truth_of_another_panel_is_refused(world: Simulation, settings: dict[str, Any]) -> None:
    other = simulate(Scenario(n_actors=24, mean_degree=5.0, relations=("advice",)), seed=1).truth
    with pytest.raises(InputError, match=r"the truth given is not of this panel"):
        observe(world.panel, Fieldwork(**settings), seed=1, truth=other)


@pytest.mark.parametrize("field", ["left_out", "dropped", "response_by"])
def test_a_panel_without_the_attribute_is_refused(world: Simulation, field: str) -> None:
    from dataclasses import replace

    bare = replace(world.panel, attributes={})
    settings: dict[str, dict[str, Any]] = {
        "left_out": {"left_out": "NHS"},
        "dropped": {"dropped": "within-organisation", "max_nominations": 2},
        "response_by": {"response_by": "seniority"},
    }
    with pytest.raises(InputError, match=rf"^{field} = .*the actors have no"):
        observe(bare, Fieldwork(**settings[field]), seed=1, truth=world.truth)
