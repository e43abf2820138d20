"""Boundary, response, recall, fixed choice, proxies and treatments, each against loops or what must hold exactly."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import network_of
from reference import naive_fieldwork as naive

from simlab.fieldwork.known import Known
from simlab.fieldwork.observe import Fieldwork, observe
from simlab.fieldwork.odds import probabilities, rank_share
from simlab.fieldwork.response import response_probability
from simlab.foundation.streams import stream
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import Simulation, simulate
from simlab.panel import DyadState, Panel
from simlab.panel_read import read_panel
from simlab.panel_write import write_panel

WORLD = Scenario(
    n_actors=30,
    mean_degree=6.0,
    relations=("formal", "informal"),
    n_periods=2,
    n_sites=2,
    overlap=None,
    bridger_share=0.2,
)
TREATMENTS = (
    "masking",
    "listwise-deletion",
    "null-imputation",
    "reconstruction",
    "reconstruction-and-null-imputation",
)
EVERYTHING: dict[str, Any] = {
    "response_rate": (0.8, 0.6),
    "absence": 0.1,
    "response_by": "bridging",
    "response_odds_ratio": 0.3,
    "max_nominations": 4,
    "dropped": "weakest",
    "instrument": "name-generator",
    "forgetting_odds_ratio": 4.0,
    "false_ties": 0.02,
    "proxy": 0.3,
    "left_out": "private",
    "outsiders": 0.2,
}


@pytest.fixture(scope="module")
def world() -> Simulation:
    return simulate(WORLD, seed=1)


def look(world: Simulation, *, seed: int = 5, **settings: Any) -> Panel:
    return observe(world.panel, Fieldwork(**settings), seed=seed, world="w", truth=world.truth)


def same(one: Panel, other: Panel) -> bool:
    return (
        one.actors == other.actors
        and all(np.array_equal(one.states[key], other.states[key]) for key in one.keys)
        and all(np.array_equal(one.limited[key], other.limited[key]) for key in one.limited)
        and np.array_equal(one.asked, other.asked)
        and np.array_equal(one.answered, other.answered)
    )


# ---- probabilities that differ by an odds ratio


@pytest.mark.parametrize("mean", [0.05, 0.5, 0.75, 0.999])
@pytest.mark.parametrize("odds_ratio", [0.01, 0.5, 3.0, 1e6])
def test_probabilities_keep_their_mean_and_their_odds(mean: float, odds_ratio: float) -> None:
    extent = np.random.default_rng(1).random(40)
    found = probabilities(extent, mean, odds_ratio)
    assert found.mean() == pytest.approx(mean, abs=1e-12)
    assert found == pytest.approx(naive.chances(extent.tolist(), mean, odds_ratio), abs=1e-9)


def test_probabilities_of_two_groups_are_the_closed_form() -> None:
    found = probabilities(np.repeat([1.0, 0.0], [12, 48]), 0.7, 0.25)
    assert found[[0, -1]] == pytest.approx(naive.two_groups(12, 48, 0.7, 0.25), abs=1e-12)


@pytest.mark.parametrize("mean", [0.0, 0.3, 1.0])
def test_probabilities_without_a_difference_are_the_mean(mean: float) -> None:
    assert (probabilities(np.linspace(0, 1, 5), mean, 1.0) == mean).all()
    assert probabilities(np.zeros(0), mean, 2.0).shape == (0,)
    if mean in (0.0, 1.0):
        assert (probabilities(np.linspace(0, 1, 5), mean, 7.0) == mean).all()


def test_rank_shares() -> None:
    values = np.array([3.0, 1.0, 3.0, 7.0, 2.0])
    assert rank_share(values).tolist() == naive.rank_shares(values.tolist())
    assert rank_share(np.ones(3)).tolist() == [0.5] * 3
    assert rank_share(np.ones(1)).tolist() == [0.5]


# ---- response


@pytest.mark.parametrize("by", ["seniority", "periphery", "bridging"])
@pytest.mark.parametrize("odds_ratio", [0.2, 5.0])
def test_the_response_rate_is_kept_in_every_network(world: Simulation, by: str, odds_ratio: float) -> None:
    fieldwork = Fieldwork(response_rate=(0.8, 0.55), response_by=by, response_odds_ratio=odds_ratio)
    found = response_probability(world.panel, fieldwork, Known(world.panel, world.truth))
    for site in world.panel.sites:
        members = world.panel.members(site)
        for t, rate in enumerate((0.8, 0.55)):
            here = members[world.panel.present[t, members]]
            assert found[t, here].mean() == pytest.approx(rate, abs=1e-12)
            assert found[t, here].std() > 0.05


def test_response_by_seniority_steps_evenly_down_the_levels(world: Simulation) -> None:
    fieldwork = Fieldwork(response_rate=0.7, response_by="seniority", response_odds_ratio=8.0)
    found = response_probability(world.panel, fieldwork, Known(world.panel, world.truth))
    here = world.panel.members("site 1")[world.panel.present[0, world.panel.members("site 1")]]
    level = world.panel.attributes["seniority"][0, here]
    odds = {name: found[0, here][level == name] / (1 - found[0, here][level == name]) for name in set(level.tolist())}
    assert all(np.ptp(values) < 1e-12 for values in odds.values())
    for higher, lower in zip(WORLD.seniorities[:-1], WORLD.seniorities[1:], strict=True):
        assert odds[higher][0] / odds[lower][0] == pytest.approx(2.0)


def test_response_by_periphery_against_loops(world: Simulation) -> None:
    panel = world.panel
    found = response_probability(
        panel, Fieldwork(response_rate=0.6, response_by="periphery", response_odds_ratio=0.2), Known(panel, None)
    )
    members = panel.members("site 2")
    here = [int(i) for i in members if panel.present[1, i]]
    ties = [
        sum(
            panel.states["site 2", relation, "2"][pair] == DyadState.TIE
            for relation in panel.relations
            for other in range(len(members))
            for pair in ((list(members).index(i), other), (other, list(members).index(i)))
        )
        for i in here
    ]
    few = naive.rank_shares([-float(count) for count in ties])
    assert found[1, here] == pytest.approx(naive.chances(few, 0.6, 0.2), abs=1e-9)


def test_an_odds_ratio_of_one_is_response_at_random(world: Simulation) -> None:
    known = Known(world.panel, world.truth)
    for by in ("nothing", "seniority", "periphery", "bridging"):
        assert (response_probability(world.panel, Fieldwork(response_rate=0.6, response_by=by), known) == 0.6).all()


# ---- recall and fixed choice


@pytest.mark.parametrize(
    "dropped", ["at-random", "weakest", "farthest", "within-organisation", "between-organisations"]
)
@pytest.mark.parametrize("most", [1, 3])
def test_names_dropped_against_loops(world: Simulation, dropped: str, most: int) -> None:
    fieldwork = Fieldwork(max_nominations=most, dropped=dropped)
    seen = observe(world.panel, fieldwork, seed=2, world="w", truth=world.truth)
    rng = stream(2, "field", "w", fieldwork.key, 0)
    rng.random((2, *world.panel.present.shape))
    for key in world.panel.keys:
        ties = world.panel.states[key] == DyadState.TIE
        n, t = len(ties), world.panel.periods.index(key[2])
        members = world.panel.members(key[0])
        organisation = world.panel.attributes["organisation"][t, members]
        place = world.truth.position[t, members]
        first = np.zeros(ties.shape)
        for i in range(n):
            for j in range(n):
                if ties[i, j]:
                    first[i, j] = {
                        "at-random": 0.0,
                        "weakest": -world.truth.probability[key][i, j],
                        "farthest": float(np.linalg.norm(place[i] - place[j])),
                        "within-organisation": float(organisation[i] == organisation[j]),
                        "between-organisations": float(organisation[i] != organisation[j]),
                    }[dropped]
        expected = naive.named(ties, first, rng.random(ties.shape), most)
        assert np.array_equal(seen.states[key] == DyadState.TIE, expected)
        assert np.array_equal(seen.limited[key], expected.sum(axis=1) == most)
        assert seen.max_nominations[key] == most


def test_who_used_up_all_names_travels_with_the_network(world: Simulation) -> None:
    seen = look(world, max_nominations=4, response_rate=0.6, absence=0.1)
    for key in seen.keys:
        network = seen.network(*key)
        assert network.limited is not None
        assert network.max_nominations == 4
        named = network.ties.sum(axis=1)
        observed = (network.observed.sum(axis=1)) > 0
        assert np.array_equal(network.limited, observed & (named == 4))
        assert network.limited.any()
        assert not network.limited.all()
    free = look(world, response_rate=0.6).network("site 1", "formal", "1")
    assert free.limited is None
    assert free.max_nominations is None


def test_forgetting_and_false_ties_leave_the_rest_alone(world: Simulation) -> None:
    seen = look(world, forgetting=0.3, false_ties=0.05)
    for key in seen.keys:
        before, after = world.panel.states[key], seen.states[key]
        assert ((before == DyadState.TIE) & (after == DyadState.NO_TIE)).any()
        assert ((before == DyadState.NO_TIE) & (after == DyadState.TIE)).any()
        assert np.array_equal(before > DyadState.TIE, after > DyadState.TIE)
    gone = look(world, forgetting=1.0)
    assert not any((state == DyadState.TIE).any() for state in gone.states.values())
    full = look(world, false_ties=1.0)
    assert not any((state == DyadState.NO_TIE).any() for state in full.states.values())


def test_names_made_up_count_among_those_allowed(world: Simulation) -> None:
    seen = look(world, false_ties=0.5, max_nominations=3)
    for key in seen.keys:
        named = (seen.states[key] == DyadState.TIE).sum(axis=1)
        assert named.max() == 3


def test_undirected_ties_stay_undirected() -> None:
    ties = np.triu(np.random.default_rng(1).random((20, 20)) < 0.4, 1)
    network = network_of(ties | ties.T, directed=False)
    everybody = np.ones((1, 20), dtype=bool)
    panel = Panel(
        network.actors, ("",) * 20, ("",), ("",), ("",), (False,), {}, everybody, everybody, everybody,
        {("", "", ""): network.state},
    )  # fmt: skip
    for settings in (
        {"forgetting": 0.5, "false_ties": 0.1},
        {"outsiders": 0.3, "response_rate": 0.5},
        *({"response_rate": 0.4, "treatment": treatment, "proxy": 0.5} for treatment in TREATMENTS),
    ):
        state = observe(panel, Fieldwork(**settings), seed=3).network().state
        assert np.array_equal(state, state.T)


# ---- boundary


def test_an_organisation_left_out_is_not_there_at_all(world: Simulation) -> None:
    seen = look(world, left_out=("private", "NHS"))
    whole = world.panel
    organisation = whole.attributes["organisation"]
    kept = [
        i
        for i in range(len(whole.actors))
        if not np.isin(organisation[:, i][whole.present[:, i]], ["private", "NHS"]).any()
    ]
    assert seen.actors == tuple(whole.actors[i] for i in kept)
    assert set(np.unique(seen.attributes["organisation"][seen.present])) == {"local authority", "voluntary"}
    for key in seen.keys:
        inside = [k for k, i in enumerate(whole.members(key[0])) if i in kept]
        assert np.array_equal(seen.states[key], whole.states[key][np.ix_(inside, inside)])


def test_outsiders_are_listed_and_the_others_stay_as_they_were(world: Simulation) -> None:
    seen = look(world, outsiders=0.2, outsider_ties=0.5)
    strange = [actor for actor in seen.actors if actor not in world.panel.actors]
    assert list(seen.actors) == sorted(seen.actors)
    assert len(strange) == 2 * 6
    for key in seen.keys:
        network, whole = seen.network(*key), world.panel.network(*key)
        assert np.array_equal(network.of(whole.actors).state, whole.state)
        assert len(network.actors) == len(whole.actors) + 6
        assert network.observed.sum() == len(network.actors) * (len(network.actors) - 1)
        assert {
            network.attributes["organisation"][network.actors.index(a)] for a in strange if a in network.actors
        } <= {*WORLD.organisations}
    none = look(world, outsiders=0.2, outsider_ties=0.0).network("site 1", "formal", "1")
    assert not none.ties[[a in strange for a in none.actors]].any()


def test_outsiders_are_dropped_first_where_the_weakest_or_farthest_are(world: Simulation) -> None:
    for dropped in ("weakest", "farthest"):
        settings = {"outsiders": 0.5, "outsider_ties": 1.0, "max_nominations": 2, "dropped": dropped}
        network = look(world, **settings).network("site 1", "formal", "1")
        strange = np.array([a not in world.panel.actors for a in network.actors])
        whole = world.panel.network("site 1", "formal", "1")
        enough = np.zeros(len(network.actors), dtype=bool)
        enough[~strange] = whole.ties.sum(axis=1) >= 2
        assert enough.any()
        assert not network.ties[np.ix_(enough, strange)].any()


# ---- proxies and treatments


def test_proxies_tell_the_truth_of_those_who_are_silent(world: Simulation) -> None:
    settings = {"response_rate": 0.6, "absence": 0.2}
    none, some, all_ = (look(world, **settings, proxy=share) for share in (0.0, 0.5, 1.0))
    for seen in (some, all_):
        for key in seen.keys:
            t, members = seen.periods.index(key[2]), seen.members(key[0])
            answered = seen.answered[t, members]
            true, state = world.panel.states[key], seen.states[key]
            told = state <= DyadState.TIE
            assert np.array_equal(state[told], true[told])
            assert not told[np.ix_(~answered, ~answered)].any()
            of_silent = told[np.ix_(~answered, answered)]
            possible = (true <= DyadState.TIE)[np.ix_(~answered, answered)]
            assert of_silent.any()
            assert np.array_equal(of_silent, possible) == (seen is all_)
    assert not any(
        (none.states[key] <= DyadState.TIE)[~none.answered[0, none.members("site 1")]].any() for key in none.keys[:1]
    )


@pytest.mark.parametrize("treatment", TREATMENTS)
@pytest.mark.parametrize("extra", [{}, {"proxy": 0.4, "max_nominations": 4}], ids=["plain", "proxies"])
def test_treatments_against_loops(world: Simulation, treatment: str, extra: dict[str, Any]) -> None:
    """What the field sees is the same for all treatments, and each does to it what its name says."""
    fieldwork = Fieldwork(response_rate=0.6, absence=0.1, **extra)
    masked = observe(world.panel, fieldwork, seed=4, truth=world.truth)
    seen = observe(world.panel, fieldwork.but(treatment=treatment), seed=4, truth=world.truth)
    for key in seen.keys:
        t, members = seen.periods.index(key[2]), seen.members(key[0])
        expected = naive.treated(masked.states[key], masked.answered[t, members].tolist(), treatment)
        assert np.array_equal(seen.states[key], expected)
    if treatment == "listwise-deletion":
        assert np.array_equal(seen.present, masked.answered)
        assert seen.network("site 1", "formal", "1").n_actors == masked.answered[0, masked.members("site 1")].sum()
    elif treatment.endswith("null-imputation"):
        assert all((seen.states[key] != DyadState.NO_ANSWER).all() for key in seen.keys)
        assert np.array_equal(seen.answered, seen.present)
    else:
        assert np.array_equal(seen.answered, masked.answered)


def test_treatments_of_complete_answers_change_nothing(world: Simulation) -> None:
    for treatment in TREATMENTS:
        assert same(look(world, treatment=treatment), look(world))


def test_counts_follow_the_ties() -> None:
    """A tie made up or reconstructed counts as its other side, or once; a tie that is forgotten counts nothing."""
    rng = np.random.default_rng(2)
    ties = rng.random((20, 20)) < 0.3
    network = network_of(ties)
    everybody = np.ones((1, 20), dtype=bool)
    counts = np.where(network.ties, rng.integers(2, 6, ties.shape), 0.0).astype(float)
    panel = Panel(
        network.actors, ("",) * 20, ("",), ("",), ("",), (True,), {}, everybody, everybody, everybody,
        {("", "", ""): network.state}, {("", "", ""): counts},
    )  # fmt: skip
    for settings in (
        {"false_ties": 0.2, "forgetting": 0.2},
        {"outsiders": 0.5, "outsider_ties": 1.0},
        *({"response_rate": 0.5, "treatment": treatment} for treatment in TREATMENTS),
    ):
        seen = observe(panel, Fieldwork(**settings), seed=3).network()
        assert seen.counts is not None
        assert np.array_equal(seen.counts > 0.0, seen.ties)
    seen = observe(panel, Fieldwork(response_rate=0.5, treatment="reconstruction"), seed=3).network()
    masked = observe(panel, Fieldwork(response_rate=0.5), seed=3).network()
    new = seen.ties & ~masked.ties
    assert new.any()
    assert seen.counts is not None
    assert np.array_equal(seen.counts[new], counts.T[new])


# ---- streams and order


def test_everything_at_once_is_the_same_for_the_same_seed(world: Simulation) -> None:
    first = look(world, **EVERYTHING)
    look(world, seed=9, **EVERYTHING)
    assert same(first, look(world, **EVERYTHING))
    assert not same(first, look(world, seed=6, **EVERYTHING))
    fresh = simulate(WORLD, seed=1)
    assert all(np.array_equal(world.panel.states[key], fresh.panel.states[key]) for key in fresh.panel.keys)


def test_recall_errors_do_not_change_who_answers(world: Simulation) -> None:
    """Each step draws from a stream of its own; that of a fieldwork differs from that of another as a whole."""
    from simlab.fieldwork import observe as module

    settings = Fieldwork(response_rate=0.6, max_nominations=3)
    keys: list[tuple[Any, ...]] = []

    def noted(seed: int, *names: Any) -> np.random.Generator:
        keys.append(names)
        return stream(seed, *names)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "stream", noted)
        observe(world.panel, settings, seed=1, world="w")
    assert len(set(keys)) == len(keys) == 4
    assert {names[:4] for names in keys} == {("field", "w", settings.key, 0)}


def test_the_order_of_actors_in_a_file_changes_nothing(world: Simulation, tmp_path: Path) -> None:
    write_panel(world.panel, tmp_path)
    found = []
    for seed in range(2):
        for name in ("actors.csv", "ties.csv"):
            with open(tmp_path / name, newline="") as file:
                head, *rows = list(csv.reader(file))
            order = np.random.default_rng(seed).permutation(len(rows))
            with open(tmp_path / f"{seed}{name}", "w", newline="") as file:
                csv.writer(file).writerows([head, *(rows[i] for i in order)])
        panel = read_panel(tmp_path / f"{seed}ties.csv", actors=tmp_path / f"{seed}actors.csv")
        found.append(observe(panel, Fieldwork(**EVERYTHING), seed=5, world="w", truth=world.truth))
    assert same(*found)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_nominations": 3},
        {"max_nominations": 3, "response_rate": 0.6, "absence": 0.2},
        {"proxy": 0.5, "response_rate": 0.6},
        {"response_rate": 0.6, "treatment": "reconstruction"},
        {"response_rate": 0.6, "treatment": "null-imputation"},
        {"response_rate": 0.6, "treatment": "listwise-deletion"},
        EVERYTHING,
    ],
    ids=str,
)
@pytest.mark.parametrize("relations", [("contact",), ("formal", "informal")], ids=["one", "two"])
def test_what_the_field_holds_survives_files(
    tmp_path: Path, relations: tuple[str, ...], settings: dict[str, Any]
) -> None:
    world = simulate(WORLD.but(relations=relations), seed=1)
    seen = look(world, **settings)
    write_panel(seen, tmp_path)
    back = read_panel(tmp_path / "ties.csv", actors=tmp_path / "actors.csv")
    assert back.actors == seen.actors
    for key in seen.keys:
        one, other = back.network(*key), seen.network(*key)
        assert np.array_equal(one.state, other.state)
        assert (one.limited is None) == (other.limited is None)
        if one.limited is not None and other.limited is not None:
            assert np.array_equal(one.limited, other.limited)
            assert one.max_nominations == other.max_nominations


def test_a_panel_without_limits_must_have_no_number(world: Simulation) -> None:
    from simlab.foundation.errors import InputError

    key = world.panel.keys[0]
    with pytest.raises(InputError, match="must be given for the same networks"):
        replace(world.panel, max_nominations={key: 3})
    with pytest.raises(InputError, match="one for each actor"):
        replace(world.panel, limited={key: np.zeros(2, dtype=bool)}, max_nominations={key: 3})
