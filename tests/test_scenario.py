"""Scenario: every setting is checked when it is made, and an error names it on one line."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simlab.cli import simulation
from simlab.fieldwork.observe import Fieldwork
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate

NAN, INF = float("nan"), float("inf")

SHARES = (
    "organisation_mixing",
    "seniority_mixing",
    "service_commonness",
    "bridger_share",
    "bridger_strength",
    "core_share",
    "overlap",
    "tie_persistence",
    "leaving",
    "core_leaving",
    "switching",
    "core_switching",
    "drift",
    "projects_outside",
    "project_staying",
)
NUMBERS = ("organisation_homophily", "seniority_homophily", "service_homophily")

WRONG: list[tuple[str, Any]] = [
    *[("n_actors", v) for v in (1, 0, -5, 1_000_001, 60.0, "60", True, None, NAN, (60,), 10**30)],
    *[("n_clusters", v) for v in (0, -1, 61, 2.5, "3", True, None)],
    *[("n_dims", v) for v in (0, 6, 1.5, "2", None)],
    *[("separation", v) for v in (-0.1, NAN, INF, "4", None, (4.0,), True)],
    *[("spread", v) for v in (0, -1.0, NAN, INF, "1", None)],
    *[("cluster_shares", v) for v in ((1, 2), (1, 2, 0), (1, 2, -1), (1, 2, NAN), (1, 2, INF), (), 1.0, "abc")],
    *[("cluster_shares", v) for v in ((1, 2, "3"), (1, 2, None))],
    *[("density", v) for v in (0.0, 1.0, -0.1, 1.5, NAN, INF, "0.1", True, (0.1, 0.2), (), (0.1, "x"), (True,), {})],
    *[("mean_degree", v) for v in (0.0, -1.0, 59.0, 60, NAN, INF, "9", True, (5.0, 6.0), (), (None,))],
    *[("reciprocity", v) for v in (1.0, -0.1, 1.5, NAN, "0.5", True, (0.5, 0.5), (1.0,), ())],
    *[("activity", v) for v in (-0.1, NAN, INF, "a", None)],
    *[("popularity", v) for v in (-0.1, NAN, INF, "a", None)],
    *[(field, v) for field in NUMBERS for v in (NAN, INF, -INF, "a", None, True)],
    *[(f, v) for f in ("organisations", "seniorities", "services", "relations") for v in ((), "abc", ("a", "a"))],
    *[
        (f, v)
        for f in ("organisations", "seniorities", "services", "relations")
        for v in (("",), ("a", " "), (1,), None)
    ],
    *[(f, v) for f in ("organisation_shares", "seniority_shares") for v in ((1, 1), (0, 0, 0, 0), (1, 1, 1, -1))],
    *[(f, v) for f in ("organisation_shares", "seniority_shares") for v in ((1, 1, 1, NAN), 0.5, "abcd")],
    *[(field, v) for field in SHARES for v in (-0.01, 1.01, NAN, INF, "a", True)],
    *[(field, None) for field in SHARES if field not in ("overlap", "tie_persistence")],
    *[("n_periods", v) for v in (0, 51, 2.0, "2", None)],
    *[("arriving", v) for v in (-0.1, 10.1, NAN, "a")],
    *[("n_sites", v) for v in (0, 101, 1.0, "1", None)],
    *[("series", v) for v in (-1, 1.0, "1", None)],
    *[("structure", v) for v in ("blok", "", 1, None)],
    *[(f, v) for f in ("block_contrast", "core_contrast", "project_contrast") for v in (NAN, INF, 51.0, "2", None)],
    *[("projects_per_cluster", v) for v in (0, 1001, 2.0, "2", None)],
    *[("projects_per_actor", v) for v in (0.9, 101.0, NAN, "2", None)],
    *[("bridger_clusters", v) for v in (1, 4, 6, 2.0, "2", None)],
    *[("information", v) for v in (0.0, -1.0, NAN, INF, "1", True, (1.0, 2.0), ())],
    *[("fitted", v) for v in (1, "a", ())],
]


@pytest.mark.parametrize(("field", "value"), WRONG, ids=lambda v: str(v)[:30])
def test_wrong_values_are_one_line_that_begins_with_the_field(field: str, value: Any) -> None:
    with pytest.raises(InputError) as caught:
        Scenario(**{field: value})
    text = str(caught.value)
    assert re.match(rf"{field}(\.\d+)? = ", text), text
    assert "\n" not in text
    # Nothing but what the user wrote is named: no part of a type, no part of a program.
    assert "float" not in text
    assert "tuple" not in text.replace("valid tuple", "")
    assert len(text) < 400


def test_every_setting_has_wrong_values() -> None:
    assert {field for field, _ in WRONG} == set(Scenario.model_fields)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_actors": 5, "n_clusters": 6}, "n_clusters = 6: must be at most n_actors = 5"),
        ({"density": 0.1, "mean_degree": 5.0}, "density = 0.1: must not be given together with mean_degree"),
        ({"bridger_share": 0.8}, "core_share = 0.3: must leave room for bridger_share = 0.8"),
        ({"core_leaving": 0.5}, "core_leaving = 0.5: must be at most leaving = 0.25"),
        ({"core_switching": 0.5}, "core_switching = 0.5: must be at most switching = 0.2"),
        ({"cluster_shares": (1, 2), "n_clusters": 3}, "cluster_shares = (1.0, 2.0): must be 3 numbers"),
        ({"organisations": ("a", "b"), "organisation_shares": (1,)}, "organisation_shares = (1.0,): must be 2 numbers"),
        ({"relations": ("a", "b"), "density": (0.1,)}, "density = (0.1,): must be one number, or one for each of 2"),
        ({"n_actors": 5, "mean_degree": 4.0}, "mean_degree = 4.0: must be above 0 and below 4"),
        ({"n_actor": 5}, "n_actor: Scenario has no such setting. Did you mean 'n_actors'? Known: structure,"),
        (
            {"structure": "block"},
            "structure = block: no structure named 'block'. Did you mean 'blocks'? Known: blocks,",
        ),
        ({"structure": "none"}, "n_clusters = 3: must be 1 where structure = none"),
        ({"structure": "core-periphery"}, "n_clusters = 3: must be 1 where structure = core-periphery"),
        ({"structure": "fitted"}, "structure = fitted: must be fitted where a fit is given, and only there"),
        ({"bridger_clusters": 4}, "bridger_clusters = 4: must be at most n_clusters = 3"),
        ({"n_clusters": 1, "bridger_clusters": 3}, "bridger_clusters = 3: must be at most n_clusters = 1"),
        ({"information": 1.0, "density": 0.1}, "density = 0.1: must not be given together with information"),
        ({"information": 1.0, "mean_degree": 5}, "mean_degree = 5.0: must not be given together with information"),
        ({"information": 1.0, "n_clusters": 1}, "information = 1.0: must not be given where n_clusters = 1"),
        ({"information": -1.0}, "information = -1.0: must be above 0"),
    ],
    ids=lambda v: str(v)[:40],
)
def test_settings_that_do_not_go_together(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Scenario(**settings)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


CHANGED: dict[str, Any] = {
    "n_actors": 61,
    "n_clusters": 4,
    "n_dims": 3,
    "separation": 3.5,
    "spread": 0.5,
    "cluster_shares": (0.5, 0.3, 0.2),
    "density": 0.1,
    "mean_degree": 8.0,
    "reciprocity": None,
    "activity": 0.0,
    "popularity": 0.1,
    "organisation_homophily": 0.0,
    "seniority_homophily": -0.5,
    "service_homophily": 1.0,
    "organisations": ("a", "b"),
    "organisation_shares": (1.0, 2.0, 3.0, 4.0),
    "organisation_mixing": 1.0,
    "seniorities": ("low", "high"),
    "seniority_shares": (1.0, 0.0, 3.0, 4.0),
    "seniority_mixing": 0.5,
    "services": ("x",),
    "service_commonness": 0.5,
    "bridger_share": 0.0,
    "bridger_strength": 1.0,
    "core_share": 0.0,
    "relations": ("formal", "informal"),
    "overlap": None,
    "n_periods": 2,
    "tie_persistence": None,
    "leaving": 0.1,
    "core_leaving": 0.0,
    "arriving": 0.0,
    "switching": 0.1,
    "core_switching": 0.0,
    "drift": 0.0,
    "n_sites": 3,
    "series": 1,
    "structure": "blocks",
    "block_contrast": 1.0,
    "core_contrast": 1.0,
    "project_contrast": 1.0,
    "projects_per_cluster": 5,
    "projects_per_actor": 1.0,
    "projects_outside": 0.0,
    "project_staying": 1.0,
    "bridger_clusters": 3,
    "information": 1.0,
}


def test_every_setting_changes_the_key() -> None:
    assert {*CHANGED, "fitted"} == set(Scenario.model_fields)
    keys = {Scenario().key} | {Scenario(**{field: value}).key for field, value in CHANGED.items()}
    assert len(keys) == 1 + len(CHANGED)


@pytest.mark.parametrize("field", sorted(CHANGED.keys() - {"density"}))
def test_a_default_that_is_written_out_leaves_the_key_as_it_is(field: str) -> None:
    default = getattr(Scenario(), field)
    assert Scenario(**{field: default}).key == Scenario().key
    assert Scenario(n_sites=2, **{field: default} if field != "n_sites" else {}).key == Scenario(n_sites=2).key


@pytest.mark.parametrize("field", CHANGED)
def test_scenarios_survive_pickle_and_json(field: str) -> None:
    scenario = Scenario(**{field: CHANGED[field]})
    for copy in (
        pickle.loads(pickle.dumps(scenario)),
        Scenario(**json.loads(json.dumps(scenario.everything()))),
        Scenario.model_validate_json(scenario.model_dump_json()),
        Scenario().but(**{field: CHANGED[field]}),
    ):
        assert copy == scenario
        assert hash(copy) == hash(scenario)
        assert copy.key == scenario.key
    assert scenario != Scenario()


@pytest.mark.parametrize("field", CHANGED)
def test_scenarios_survive_toml(field: str, tmp_path: Path) -> None:
    """Every setting is written, and read back it is the same one, also where none is not the default."""
    scenario, fieldwork = Scenario(**{field: CHANGED[field]}), Fieldwork(max_nominations=5)
    file = tmp_path / "scenario.toml"
    file.write_text(simulation._toml(scenario, fieldwork, 7), encoding="utf-8")
    given, seed = simulation._given(str(file))
    assert simulation.split_settings(given) == (scenario, fieldwork)
    assert seed == 7
    assert set(given) == {*Scenario.model_fields, *Fieldwork.model_fields}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"n_actors": np.int64(30)}, {"n_actors": 30}),
        ({"separation": 3}, {"separation": 3.0}),
        ({"separation": np.float32(3)}, {"separation": 3.0}),
        ({"mean_degree": np.int64(8)}, {"mean_degree": 8.0}),
        ({"mean_degree": [8]}, {"mean_degree": (8.0,)}),
        ({"density": np.array([0.25])}, {"density": (0.25,)}),
        ({"density": (np.float32(0.25),)}, {"density": (0.25,)}),
        ({"reciprocity": np.float64(0.25)}, {"reciprocity": 0.25}),
        ({"cluster_shares": [1, 2, 3]}, {"cluster_shares": (1.0, 2.0, 3.0)}),
        ({"relations": ["formal", "informal"]}, {"relations": ("formal", "informal")}),
        ({"relations": np.array(["formal", "informal"])}, {"relations": ("formal", "informal")}),
        ({"overlap": 1, "bridger_share": 0}, {"overlap": 1.0, "bridger_share": 0.0}),
    ],
    ids=str,
)
def test_numpy_scalars_and_lists_mean_the_same(written: dict[str, Any], meant: dict[str, Any]) -> None:
    one, other = Scenario(**written), Scenario(**meant)
    assert one == other
    assert one.key == other.key


@pytest.mark.parametrize("zero", [0, 0.0, -0.0])
def test_equal_scenarios_have_equal_keys(zero: float) -> None:
    assert Scenario(separation=zero) == Scenario(separation=0.0)
    assert Scenario(separation=zero).key == Scenario(separation=0.0).key


@pytest.mark.parametrize(
    ("settings", "relation", "present", "degree"),
    [
        ({}, 0, 60, 9.0),
        ({}, 0, 11, 5.0),
        ({}, 0, 2, 0.5),
        ({"density": 0.25}, 0, 41, 10.0),
        ({"density": (0.25, 0.5), "relations": ("a", "b")}, 1, 41, 20.0),
        ({"mean_degree": 7.0}, 0, 41, 7.0),
        ({"mean_degree": (7.0, 3.0), "relations": ("a", "b")}, 1, 41, 3.0),
        ({"mean_degree": 7.0}, 0, 5, 0.999 * 4),
    ],
)
def test_degree_wanted(settings: dict[str, Any], relation: int, present: int, degree: float) -> None:
    assert Scenario(**settings).degree_wanted(relation, present) == pytest.approx(degree, abs=1e-12)


def test_reciprocity_wanted() -> None:
    assert Scenario(relations=("a", "b")).reciprocity_wanted(1) == 0.5
    assert Scenario(relations=("a", "b"), reciprocity=(0.4, 0.6)).reciprocity_wanted(1) == 0.6
    assert Scenario(reciprocity=None).reciprocity_wanted(0) is None


def test_shares_add_up() -> None:
    assert Scenario(n_clusters=4).shares == (0.25,) * 4
    assert Scenario(cluster_shares=(5, 3, 2)).shares == pytest.approx((0.5, 0.3, 0.2))


@pytest.mark.parametrize(
    ("settings", "attribute"),
    [
        ({}, "service"),
        ({"service_commonness": 0.0, "organisation_mixing": 0.5}, "organisation"),
        ({"service_commonness": 0.3, "organisation_mixing": 0.5, "seniority_mixing": 0.1}, "seniority"),
        ({"service_commonness": 0.0, "organisation_mixing": 1.0, "seniority_mixing": 1.0}, ""),
        ({"n_clusters": 1}, ""),
    ],
)
def test_defining_attribute(settings: dict[str, Any], attribute: str) -> None:
    assert Scenario(**settings).defining_attribute == attribute


@pytest.mark.parametrize("n_actors", [25, 30, 40, 60, 100, 150])
@pytest.mark.parametrize("several", [{}, {"relations": ("formal", "informal"), "n_periods": 2}], ids=["one", "several"])
def test_the_defaults_make_a_world_of_every_usual_size(n_actors: int, several: dict[str, Any]) -> None:
    """A world that can be simulated only with some seeds would leave holes in a study."""
    for replicate in range(8):
        simulate(Scenario(n_actors=n_actors, **several), seed=2, replicate=replicate)


def test_relations_that_are_left_out_take_their_numbers_along() -> None:
    both = Scenario(relations=("formal", "informal"), mean_degree=(9.0, 6.0), reciprocity=(0.4, 0.2))
    one = both.but(relations=("informal",))
    assert (one.mean_degree, one.reciprocity) == ((6.0,), (0.2,))
    assert both.but(relations=("informal",), mean_degree=5.0).mean_degree == 5.0
    with pytest.raises(InputError, match="one for each of 1 relations"):
        both.but(relations=("other",))
