"""What is unknown: distributions, and worlds by number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simlab.fieldwork.settings import Fieldwork
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.plan.degrees import mean_degrees
from simlab.plan.distributions import Likely, Triangular, Uniform, corners, unknown_of, words
from simlab.plan.limits import lifts
from simlab.plan.scaled import Scaled
from simlab.plan.unknown_worlds import DrawnWorlds


def test_the_same_number_is_the_same_world_whatever_else_is_unknown() -> None:
    one = DrawnWorlds(Scenario(), {"separation": Uniform(3.0, 5.0)}, 1)
    more = DrawnWorlds(Scenario(), {"spread": Uniform(0.5, 1.0), "separation": Uniform(3.0, 5.0)}, 1)
    assert [one.values(k)["separation"] for k in range(5)] == [more.values(k)["separation"] for k in range(5)]
    assert DrawnWorlds(Scenario(), one.unknown, 2).values(0) != one.values(0)
    assert not DrawnWorlds(Scenario(), {}, 1).uncertain


def test_what_a_design_changes_comes_last() -> None:
    worlds = DrawnWorlds(Scenario(), {"separation": Uniform(3.0, 5.0)}, 1)
    assert worlds.scenario(3, {"n_actors": 30}).n_actors == 30
    assert worlds.scenario(3, {}).separation == worlds.values(3)["separation"]


def test_a_limit_is_lifted_relative_to_each_world() -> None:
    worlds = DrawnWorlds(Scenario(), {"separation": Uniform(2.0, 3.0), "mean_degree": Uniform(20.0, 30.0)}, 1)
    for k in range(4):
        known = worlds.values(k)
        more = worlds.scenario(k, {"separation": Scaled(1.5), "mean_degree": Scaled(1.5), "n_actors": 40})
        assert more.separation == pytest.approx(1.5 * known["separation"])
        # As far as a network of 40 can have as many.
        assert more.mean_degree == pytest.approx(min(1.5 * known["mean_degree"], 0.95 * 39))
    assert worlds.scenario(0, {"n_actors": Scaled(2)}).n_actors == 120
    assert str(Scaled(1.5)) == "1.5 times"


def test_limits_are_relative_to_what_is_unknown_or_chosen() -> None:
    unknown = {"mean_degree": Uniform(20.0, 30.0)}
    found = {
        x.name: x.changes for x in lifts({"max_nominations": 3}, Scenario(), Fieldwork(max_nominations=3), unknown)
    }
    assert found["information"] == {"mean_degree": Scaled(1.5)}
    assert found["overlap"] == {"separation": Scaled(1.5)}
    assert found["too few managers"] == {"n_actors": Scaled(2)}
    chosen = {x.name: x.changes for x in lifts({"n_actors": 40, "n_invited": 30}, Scenario(), Fieldwork(), {})}
    assert chosen["too few managers"] == {"n_actors": 80, "n_invited": None}
    fixed = {x.name: x.changes for x in lifts({}, Scenario(), Fieldwork(n_invited=30), {})}
    assert fixed["too few managers"] == {"n_actors": Scaled(2), "n_invited": None}
    assert chosen["information"] == {"mean_degree": 13.5}


def test_more_ties_where_information_is_held_are_as_many_as_said_and_always_possible() -> None:
    world = Scenario(information=2.0, separation=5.0)
    (degree,) = mean_degrees(world)
    simulated = [simulate(world, seed=k).panel.network().ties.sum() / 60 for k in range(100, 130)]
    assert degree == pytest.approx(np.mean(simulated), rel=0.15)
    (lift,) = (x for x in lifts({}, world, Fieldwork(), {}) if x.name == "information")
    more = DrawnWorlds(world, {}, 1).scenario(0, lift.changes)
    assert more.information is None
    assert more.mean_degree == pytest.approx(1.5 * degree)
    chosen = next(x for x in lifts({"information": 3.0}, world, Fieldwork(), {}) if x.name == "information")
    assert DrawnWorlds(world, {}, 1).scenario(0, chosen.changes).mean_degree > more.mean_degree


def test_a_range_is_of_whole_numbers_only_where_the_setting_is_one() -> None:
    found = unknown_of({"separation": (5, 7), "n_clusters": (2, 4), "spread": Uniform(1, 2)}, Scenario())
    assert found["separation"] == Uniform(5.0, 7.0)
    assert words(found["separation"]) == "5 to 7, equally likely"
    assert words(found["n_clusters"]) == "whole numbers 2 to 4, equally likely"
    rng = np.random.default_rng(1)
    assert len({found["separation"].draw(rng) for _ in range(9)}) == 9
    assert {found["n_clusters"].draw(rng) for _ in range(99)} == {2, 3, 4}
    assert found["spread"].draw(rng) % 1.0 > 0.0


@pytest.mark.parametrize("given", [(4.0,), ((1.0, 2.0), ("a", "b")), ((), ()), ((1.0,), (-1.0,))])
def test_values_and_weights_are_lists_of_what_they_are(given: tuple[Any, ...]) -> None:
    with pytest.raises(InputError, match=r"^(values|weights) = "):
        Likely(*given)


def test_lists_within_values_are_as_good_as_tuples() -> None:
    made = Likely(([0.5, 0.3, 0.2], [0.4, 0.3, 0.3]), [1, 3])
    assert made.values == ((0.5, 0.3, 0.2), (0.4, 0.3, 0.3))
    assert len({made.draw(np.random.default_rng(k)) for k in range(20)}) == 2


def test_of_many_unknown_settings_each_end_is_looked_at() -> None:
    unknown = {f"setting {k}": Uniform(0.0, 1.0) for k in range(12)}
    found = corners(unknown)
    assert len(found) <= 128
    for name in unknown:
        assert {corner[name] for corner in found} == {0.0, 1.0}
    assert len(corners({name: unknown[name] for name in list(unknown)[:3]})) == 8


def test_distributions_are_what_they_say() -> None:
    rng = np.random.default_rng(1)
    whole = [Uniform(2, 4).draw(rng) for _ in range(3000)]
    assert set(whole) == {2, 3, 4}
    assert np.mean(whole) == pytest.approx(3.0, abs=0.06)
    assert np.mean([Triangular(0.0, 0.0, 3.0).draw(rng) for _ in range(3000)]) == pytest.approx(1.0, abs=0.06)
    drawn = [Likely(("a", "b"), (1.0, 3.0)).draw(rng) for _ in range(3000)]
    assert np.mean([v == "b" for v in drawn]) == pytest.approx(0.75, abs=0.04)


def test_short_ways_to_say_it() -> None:
    made = unknown_of(
        {"separation": (3.0, 5.0), "n_clusters": [2, 3], "leaving": Triangular(0.1, 0.2, 0.5)}, Scenario()
    )
    assert made["separation"] == Uniform(3.0, 5.0)
    assert made["n_clusters"] == Likely((2, 3))
    assert words(made["n_clusters"]) == "2 (50%), 3 (50%)"


@pytest.mark.parametrize(
    ("unknown", "said"),
    [
        ({"separatoin": (3.0, 5.0)}, "Did you mean 'separation'?"),
        ({"separation": (5.0, 3.0)}, "from the lower to the higher"),
        ({"separation": (3.0, 3.0)}, "from the lower to the higher"),
        ({"separation": (-1.0, 3.0)}, "separation = -1.0"),
        ({"separation": (3.0, float("inf"))}, "finite"),
        ({"separation": 3.0}, "must be a range"),
        ({"separation": []}, "one or more"),
        ({"n_clusters": [0]}, "n_clusters = 0"),
        ({"n_clusters": Triangular(2, 3, 5)}, "n_clusters = 2 to 5, likeliest 3: must be a list of values or a range"),
        ({"series": [1, 2]}, "series"),
        ({"response_rate": (0.5, 0.9)}, "is of the fieldwork"),
    ],
)
def test_what_cannot_be_unknown_is_refused_in_one_line(unknown: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        unknown_of(unknown, Scenario())
    assert said in str(error.value)
    assert "\n" not in str(error.value)
