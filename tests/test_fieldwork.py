"""Fieldwork: what is seen, what is not, and that looking changes nothing."""

from __future__ import annotations

import json
import pickle
import re
from typing import Any

import numpy as np
import pytest
from conftest import network_of
from reference import naive_generator as naive

from simlab.fieldwork.observe import Fieldwork, observe
from simlab.foundation.errors import InputError
from simlab.foundation.streams import stream
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.panel import DyadState, Panel

WORLD = Scenario(n_actors=30, mean_degree=6.0, relations=("formal", "informal"), n_periods=2, n_sites=2, overlap=None)


@pytest.fixture(scope="module")
def complete() -> Panel:
    return simulate(WORLD, seed=1).panel


def look(panel: Panel, *, seed: int = 5, replicate: int = 0, world: str = "w", **settings: Any) -> Panel:
    return observe(panel, Fieldwork(**settings), seed=seed, replicate=replicate, world=world)


def same(one: Panel, other: Panel) -> bool:
    return (
        all(np.array_equal(one.states[key], other.states[key]) for key in one.keys)
        and np.array_equal(one.asked, other.asked)
        and np.array_equal(one.answered, other.answered)
    )


# ---- settings


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[(f, v) for f in ("response_rate", "absence") for v in (-0.01, 1.01, float("nan"), "a", None, True)],
        *[("response_rate", v) for v in ((), (0.5, 2.0), (0.5, "a"), (True,))],
        ("absence", (0.5,)),
        *[(f, v) for f in ("max_nominations", "n_invited") for v in (0, -1, 2.5, "5", True, (5,), float("inf"))],
    ],
)
def test_wrong_values_are_one_line_that_begins_with_the_field(field: str, value: Any) -> None:
    with pytest.raises(InputError) as caught:
        Fieldwork(**{field: value})
    assert re.match(rf"{field} = ", str(caught.value))
    assert "\n" not in str(caught.value)


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"^respons_rate: Fieldwork has no such setting\. Did you mean 'response_rate'"
    ):
        Fieldwork(respons_rate=0.5)


@pytest.mark.parametrize("settings", [{}, {"response_rate": 0.7}, {"max_nominations": 5}, {"absence": 0.2}], ids=str)
def test_fieldwork_survives_pickle_and_json(settings: dict[str, Any]) -> None:
    fieldwork = Fieldwork(**settings)
    for copy in (
        pickle.loads(pickle.dumps(fieldwork)),
        Fieldwork(**json.loads(json.dumps(fieldwork.everything()))),
        Fieldwork.model_validate_json(fieldwork.model_dump_json()),
    ):
        assert copy == fieldwork
        assert hash(copy) == hash(fieldwork)
        assert copy.key == fieldwork.key


def test_keys() -> None:
    changes = {"response_rate": 0.7, "max_nominations": 5, "absence": 0.2}
    keys = {Fieldwork().key} | {Fieldwork(**{field: value}).key for field, value in changes.items()}
    assert set(changes) <= set(Fieldwork.model_fields)
    assert len(keys) == 1 + len(changes)
    assert Fieldwork(response_rate=1, max_nominations=None, absence=0).key == Fieldwork().key
    assert Fieldwork(max_nominations=np.int64(5)) == Fieldwork(max_nominations=5)
    assert Fieldwork().key != Scenario().key


# ---- what is seen


def test_by_default_everything_is_seen(complete: Panel) -> None:
    assert same(complete, look(complete))


def test_looking_leaves_the_world_as_it_was(complete: Panel) -> None:
    fresh = simulate(WORLD, seed=1).panel
    seen = look(complete, response_rate=0.5, max_nominations=2, absence=0.3)
    assert not same(complete, seen)
    assert same(complete, fresh)
    for values, before in zip(complete.attributes.values(), fresh.attributes.values(), strict=True):
        assert np.array_equal(values, before)


def test_the_world_does_not_depend_on_the_fieldwork(complete: Panel) -> None:
    """Simulating after any fieldwork, with the same seed, gives the world it gave before."""
    for settings in ({}, {"response_rate": 0.2}, {"max_nominations": 1}):
        look(complete, seed=1, world=WORLD.key, **settings)
        assert same(simulate(WORLD, seed=1).panel, complete)


def test_what_is_not_asked_about_stays(complete: Panel) -> None:
    seen = look(complete, response_rate=0.5, absence=0.3)
    assert (seen.actors, seen.site_of, seen.relations, seen.periods) == (
        complete.actors,
        complete.site_of,
        complete.relations,
        complete.periods,
    )
    assert np.array_equal(seen.present, complete.present)
    for key in complete.keys:
        for state in (DyadState.ABSENT, DyadState.IMPOSSIBLE):
            assert np.array_equal(seen.states[key] == state, complete.states[key] == state)


@pytest.mark.parametrize(
    "settings",
    [
        {"response_rate": 0.6},
        {"absence": 0.3},
        {"response_rate": 0.6, "absence": 0.3},
        {"response_rate": 0.0},
        {"absence": 1.0},
        {"absence": 1.0, "response_rate": 0.0},
        {"response_rate": 0.6, "absence": 0.3, "max_nominations": 3},
    ],
    ids=str,
)
def test_rows_are_seen_by_who_was_asked_and_who_answered(complete: Panel, settings: dict[str, Any]) -> None:
    """Row by row: answers where somebody answered, silence where asked, not asked where away."""
    seen = look(complete, **settings)
    assert not (seen.answered & ~seen.asked).any()
    for site, relation, period in complete.keys:
        before, after = complete.states[site, relation, period], seen.states[site, relation, period]
        t, members = complete.periods.index(period), complete.members(site)
        for i, actor in enumerate(members):
            told = before[i] <= DyadState.TIE
            if seen.answered[t, actor]:
                assert (after[i][told] <= DyadState.TIE).all()
                assert not ((after[i] == DyadState.TIE) & (before[i] != DyadState.TIE)).any()
                if "max_nominations" not in settings:
                    assert np.array_equal(after[i], before[i])
            elif seen.asked[t, actor]:
                assert (after[i][told] == DyadState.NO_ANSWER).all()
            else:
                assert (after[i][told] == DyadState.NOT_ASKED).all()
            assert np.array_equal(after[i][~told], before[i][~told])


def test_nobody_answers(complete: Panel) -> None:
    seen = look(complete, response_rate=0.0)
    assert np.array_equal(seen.asked, complete.asked)
    assert not seen.answered.any()
    assert all(not (state <= DyadState.TIE).any() for state in seen.states.values())
    assert all(np.isnan(network.density) for network in seen.networks())


def test_everybody_is_away(complete: Panel) -> None:
    seen = look(complete, absence=1.0)
    assert not seen.asked.any()
    assert not seen.answered.any()
    assert not any((state == DyadState.NO_ANSWER).any() for state in seen.states.values())
    assert np.array_equal(seen.present, complete.present), "away is not absent"


def test_others_may_name_who_says_nothing(complete: Panel) -> None:
    seen = look(complete, response_rate=0.5)
    network = seen.network("site 1", "formal", "1")
    quiet = (network.state == DyadState.NO_ANSWER).any(axis=1)
    assert quiet.any()
    assert network.ties[:, quiet].any()


@pytest.mark.parametrize(
    ("settings", "who", "state"),
    [
        ({"response_rate": 0.5}, "answered", DyadState.NO_ANSWER),
        ({"absence": 0.5}, "asked", DyadState.NOT_ASKED),
    ],
)
def test_away_and_silent_are_drawn_once_a_period_for_all_relations(
    complete: Panel, settings: dict[str, Any], who: str, state: DyadState
) -> None:
    seen = look(complete, **settings)
    stay = complete.present.all(axis=0)
    said = getattr(seen, who)
    assert 0.3 < (said[0] == said[1])[stay].mean() < 0.7
    for site in complete.sites:
        for period in complete.periods:
            rows = [(seen.states[site, relation, period] == state).any(axis=1) for relation in complete.relations]
            assert rows[0].any()
            assert np.array_equal(rows[0], rows[1])


def test_so_many_are_invited_of_each_site_and_the_same_people_again(complete: Panel) -> None:
    seen = look(complete, n_invited=12)
    everybody = look(complete, n_invited=500)
    for site in complete.sites:
        members = complete.members(site)
        assert (seen.asked[:, members].sum(axis=1) == 12).all()
        stayed = members[complete.present[:, members].all(axis=0)]
        first, second = seen.asked[0, stayed], seen.asked[1, stayed]
        # Who was invited is so again, unless newcomers come first in the order that everybody has.
        assert (first & second).sum() >= first.sum() - 6
        for period, t in (("1", 0), ("2", 1)):
            state = seen.states[site, "formal", period]
            there = complete.present[t, members]
            left_out = there & ~seen.asked[t, members]
            rows = state[left_out][:, there]
            assert np.isin(rows, (DyadState.NOT_ASKED, DyadState.IMPOSSIBLE)).all()
            # Others may name them.
            assert (state[seen.asked[t, members]][:, left_out] == DyadState.TIE).any()
    assert same(everybody, look(complete))


def test_everybody_is_as_likely_to_be_invited(complete: Panel) -> None:
    members = complete.members(complete.sites[0])
    here = members[complete.present[0, members]]
    share = np.mean([look(complete, n_invited=10, seed=seed).asked[0, here] for seed in range(300)], axis=0)
    assert share.mean() == pytest.approx(10 / len(here))
    error = np.sqrt(share.mean() * (1.0 - share.mean()) / 300)
    assert np.abs(share - share.mean()).max() < 4.5 * error


def test_who_was_not_asked_before_is_not_asked_now(complete: Panel) -> None:
    first = look(complete, response_rate=0.7, absence=0.3)
    second = look(first, response_rate=0.7, absence=0.3, seed=6)
    assert not (second.asked & ~first.asked).any()
    assert not (second.answered & ~first.answered).any()
    for key in first.keys:
        unknown = first.states[key] > DyadState.TIE
        assert np.array_equal(second.states[key][unknown], first.states[key][unknown])


# ---- fixed choice


@pytest.mark.parametrize("most", [1, 3, 5, 100])
def test_fixed_choice(complete: Panel, most: int) -> None:
    """Each relation has its own list, of as many ties as there are or are allowed; the rest is read as no tie."""
    seen = look(complete, max_nominations=most)
    for key in complete.keys:
        ties, named = complete.states[key] == DyadState.TIE, seen.states[key] == DyadState.TIE
        assert not (named & ~ties).any()
        assert np.array_equal(named.sum(axis=1), np.minimum(ties.sum(axis=1), most))
        assert (seen.states[key][ties & ~named] == DyadState.NO_TIE).all()
        assert np.array_equal(seen.states[key][~ties], complete.states[key][~ties])
    assert same(seen, complete) == (most == 100)


@pytest.mark.parametrize("most", [1, 4, 9])
@pytest.mark.parametrize("seed", range(3))
def test_fixed_choice_against_loops(most: int, seed: int) -> None:
    """With nobody away or silent the luck of each name is what the stream gives after the draws of who answers."""
    ties = np.random.default_rng(seed).random((20, 20)) < 0.4
    np.fill_diagonal(ties, False)
    panel = one_network(ties)
    seen = look(panel, seed=seed, max_nominations=most)
    rng = stream(seed, "field", "w", Fieldwork(max_nominations=most).key, 0)
    rng.random((2, 1, 20))
    named = naive.named_first(ties, rng.random(ties.shape), most)
    assert np.array_equal(seen.network().ties, named)


def one_network(ties: np.ndarray, *, directed: bool = True) -> Panel:
    network = network_of(ties, directed=directed)
    everybody = np.ones((1, len(ties)), dtype=bool)
    return Panel(
        actors=network.actors,
        site_of=("",) * len(ties),
        sites=("",),
        relations=("contact",),
        periods=("1",),
        directed=(directed,),
        attributes={},
        present=everybody,
        asked=everybody,
        answered=everybody,
        states={("", "contact", "1"): network.state},
    )


@pytest.mark.parametrize("settings", [{"response_rate": 0.5}, {"absence": 0.5}, {"max_nominations": 2}], ids=str)
def test_undirected_ties_stay_undirected(settings: dict[str, Any]) -> None:
    """Of an undirected tie one account is enough, and the state stays symmetric, as Network says it is."""
    ties = np.triu(np.random.default_rng(1).random((20, 20)) < 0.4, 1)
    network = look(one_network(ties | ties.T, directed=False), **settings).network()
    assert np.array_equal(network.state, network.state.T)
    assert network.n_ties == np.triu(network.ties).sum()


# ---- the same numbers, and others


def test_same_seed_same_fieldwork(complete: Panel) -> None:
    settings = {"response_rate": 0.5, "max_nominations": 3}
    first = look(complete, **settings)
    look(complete, seed=9, **settings)
    assert same(first, look(complete, **settings))


@pytest.mark.parametrize(
    "change",
    [{"seed": 6}, {"replicate": 1}, {"world": "v"}, {"response_rate": 0.500001}],
    ids=["seed", "replicate", "world", "fieldwork"],
)
def test_another_seed_replicate_world_or_fieldwork_is_another_draw(complete: Panel, change: dict[str, Any]) -> None:
    first = look(complete, response_rate=0.5).answered
    other = look(complete, **{"response_rate": 0.5, **change}).answered
    assert 0.3 < (first == other)[complete.present].mean() < 0.7


@pytest.mark.parametrize("seed", [-1, "1", None])
def test_seeds_are_checked(complete: Panel, seed: Any) -> None:
    with pytest.raises(InputError, match=r"^seed = "):
        look(complete, seed=seed)
