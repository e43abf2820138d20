"""What is unknown: distributions, and worlds by number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simlab.fieldwork.settings import Fieldwork
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.plan.limits import lifts
from simlab.plan.scaled import Scaled
from simlab.plan.unknown_worlds import DrawnWorlds, Likely, Triangular, Uniform, unknown_of, words


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
    assert chosen["information"] == {"mean_degree": 13.5}


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
    ],
)
def test_what_cannot_be_unknown_is_refused_in_one_line(unknown: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        unknown_of(unknown, Scenario())
    assert said in str(error.value)
    assert "\n" not in str(error.value)
