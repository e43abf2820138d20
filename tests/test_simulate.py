"""simulate: worlds that hold together, at the edges of what can be asked for too."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.special import logit

from simlab.foundation.errors import InputError, UnknownNameError
from simlab.foundation.streams import stream
from simlab.generate import simulate as module
from simlab.generate.intercept import solve_intercept
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import Simulation, complete_states, simulate
from simlab.panel import DyadState

TWO = ("formal", "informal")

EDGES: dict[str, dict[str, Any]] = {
    "the defaults": {},
    "two relations, two periods": {"relations": TWO, "n_periods": 2},
    "two actors": {"n_actors": 2, "n_clusters": 1},
    "two actors, two clusters, five periods": {"n_actors": 2, "n_clusters": 2, "n_periods": 5},
    "one cluster": {"n_clusters": 1, "n_periods": 2},
    "as many clusters as actors": {"n_actors": 12, "n_clusters": 12, "separation": 0.5, "mean_degree": 2.0},
    "one dimension": {"n_dims": 1, "n_clusters": 4},
    "three dimensions": {"n_dims": 3, "n_clusters": 4, "n_periods": 2},
    "five dimensions": {"n_dims": 5, "n_clusters": 5},
    "five dimensions, more clusters than corners": {"n_dims": 5, "n_clusters": 7},
    "no separation": {"separation": 0.0},
    "far apart": {"separation": 50.0},
    "many sites": {"n_sites": 12, "n_actors": 12, "mean_degree": 2.0},
    "everybody leaves": {"n_periods": 12, "leaving": 1.0, "core_leaving": 1.0, "tie_persistence": None},
    "everybody leaves and nobody comes": {
        "n_periods": 4,
        "leaving": 1.0,
        "core_leaving": 1.0,
        "arriving": 0.0,
        "reciprocity": None,
        "tie_persistence": None,
    },
    "nobody comes": {"n_periods": 3, "arriving": 0.0, "mean_degree": 5.0},
    "twice as many come": {"n_periods": 3, "arriving": 2.0, "n_actors": 20, "mean_degree": 3.0, "tie_persistence": 0.2},
    "nothing changes": {
        "n_periods": 3,
        "leaving": 0.0,
        "core_leaving": 0.0,
        "switching": 0.0,
        "core_switching": 0.0,
        "drift": 0.0,
    },
    "shared by chance": {"relations": TWO, "n_periods": 2, "overlap": None, "tie_persistence": None},
    "overlap alone": {"relations": TWO, "n_periods": 2, "tie_persistence": None},
    "persistence alone": {"relations": TWO, "n_periods": 3, "overlap": None},
    "four relations": {"relations": ("a", "b", "c", "d"), "n_periods": 2},
    "independent ties": {"reciprocity": None, "n_periods": 2},
    "hardly a tie": {"density": 1e-6, "reciprocity": None},
    "nearly all ties": {"density": 0.999999, "reciprocity": None},
    "all bridgers": {"bridger_share": 1.0, "core_share": 0.0, "n_periods": 2},
    "all core": {"bridger_share": 0.0, "core_share": 1.0, "n_periods": 2},
    "one of everything": {"organisations": ("a",), "seniorities": ("b",), "services": ("c",)},
    "homophily of every kind": {"organisation_homophily": -1.0, "seniority_homophily": 2.0, "service_homophily": 1.0},
}


@pytest.fixture(params=EDGES, scope="module")
def world(request: pytest.FixtureRequest) -> Simulation:
    return simulate(Scenario(**EDGES[request.param]), seed=4)


def test_labels_positions_and_attributes_belong_to_those_present(world: Simulation) -> None:
    panel, truth = world
    assert np.array_equal(truth.label >= 0, panel.present)
    assert np.array_equal(np.isfinite(truth.position).all(axis=2), panel.present)
    assert np.array_equal(np.isnan(truth.position).all(axis=2), ~panel.present)
    assert truth.label.max() < truth.scenario.n_clusters
    for values in panel.attributes.values():
        assert np.array_equal(values != "", panel.present)
    assert np.array_equal(panel.asked, panel.present)
    assert np.array_equal(panel.answered, panel.present)
    assert panel.present.any(axis=0).all(), "everybody is there some time"
    assert (panel.present.sum(axis=1) >= 2 * truth.scenario.n_sites).all()


def test_partners_belong_to_bridgers(world: Simulation) -> None:
    truth = world.truth
    assert np.array_equal(truth.partner >= 0, (truth.label >= 0) & truth.bridger)
    assert not ((truth.partner == truth.label) & (truth.label >= 0)).any()
    assert truth.partner.max() < truth.scenario.n_clusters
    assert not (truth.bridger & truth.core).any()


def test_moves_follow_from_the_labels(world: Simulation) -> None:
    truth = world.truth
    assert not truth.came[0].any()
    assert not truth.left[0].any()
    assert not truth.switched[0].any()
    for t in range(1, len(truth.periods)):
        for i in range(len(truth.actors)):
            then, now = truth.label[t - 1, i], truth.label[t, i]
            assert truth.came[t, i] == (then < 0 <= now)
            assert truth.left[t, i] == (now < 0 <= then)
            assert truth.switched[t, i] == (then >= 0 and now >= 0 and then != now)
            if truth.came[t, i]:
                assert (truth.label[:t, i] < 0).all(), "who left never comes back"


def test_every_dyad_is_accounted_for(world: Simulation) -> None:
    panel, truth = world
    for site, relation, period in panel.keys:
        key = (site, relation, period)
        here = panel.present[panel.periods.index(period), panel.members(site)]
        both = np.outer(here, here) & ~np.eye(len(here), dtype=bool)
        state = panel.states[key]
        assert np.array_equal(state == DyadState.TIE, truth.ties[key])
        assert np.array_equal(state <= DyadState.TIE, both)
        assert (np.diagonal(state) == DyadState.IMPOSSIBLE).all()
        assert ((state == DyadState.ABSENT) == ~(both | np.eye(len(here), dtype=bool))).all()
        for of_pairs in (truth.probability[key], truth.either[key]):
            assert np.array_equal(np.isfinite(of_pairs), both)
            assert ((of_pairs[both] >= 0.0) & (of_pairs[both] <= 1.0)).all()
        assert np.array_equal(truth.either[key], truth.either[key].T, equal_nan=True)
        larger = np.maximum(truth.probability[key], truth.probability[key].T)
        assert (truth.either[key] >= larger - 1e-12)[both].all()
    assert len(panel.states) == len(panel.keys) == len(truth.ties)


def test_intercept_solves_the_density(world: Simulation) -> None:
    panel, truth = world
    for site, relation, period in panel.keys:
        probability = truth.probability[site, relation, period]
        present = int(panel.present[panel.periods.index(period), panel.members(site)].sum())
        wanted = truth.scenario.degree_wanted(panel.relations.index(relation), present)
        assert np.nansum(probability) / present == pytest.approx(wanted, rel=1e-8)


def test_truth_of_a_network_is_in_the_order_of_the_network(world: Simulation) -> None:
    panel, truth = world
    for site, relation, period in panel.keys:
        network, known = panel.network(site, relation, period), truth.network(site, relation, period)
        assert network.actors == known.actors
        assert np.array_equal(network.ties, known.ties)
        t = panel.periods.index(period)
        where = [panel.actors.index(actor) for actor in network.actors]
        for name in ("labels", "partner", "positions", "came", "switched"):
            source = {"labels": truth.label, "positions": truth.position}.get(name)
            source = getattr(truth, name) if source is None else source
            assert np.array_equal(getattr(known, name), source[t, where])
        assert np.array_equal(known.bridger, truth.bridger[where])
        assert np.array_equal(known.core, truth.core[where])
        assert known.intercept == truth.intercept[site, relation, period]
        assert np.isnan(np.diagonal(known.probability)).all()
        assert np.isfinite(known.probability).sum() == len(where) * (len(where) - 1)


def test_sizes_and_names(world: Simulation) -> None:
    panel, truth = world
    scenario = truth.scenario
    assert len(panel.sites) == scenario.n_sites
    assert len(panel.periods) == scenario.n_periods
    assert panel.relations == scenario.relations
    assert truth.centres.shape == (scenario.n_clusters, scenario.n_dims)
    assert truth.position.shape == (*truth.label.shape, scenario.n_dims)
    for site in panel.sites:
        assert panel.present[0, panel.members(site)].sum() == scenario.n_actors
        assert set(truth.label[0, panel.members(site)].tolist()) - {-1} == set(range(scenario.n_clusters))
    assert truth.actors == panel.actors
    assert truth.site_of == panel.site_of


@pytest.mark.parametrize("reciprocity", [None, 0.5])
def test_probabilities_are_those_of_the_model(reciprocity: float | None) -> None:
    """logit P = intercept - distance + activity + popularity + homophily, pair by pair, in every layer."""
    scenario = Scenario(
        n_actors=20,
        mean_degree=(4.0, 3.0),
        n_dims=3,
        relations=TWO,
        n_periods=2,
        overlap=None,
        service_homophily=0.7,
        reciprocity=reciprocity,
        tie_persistence=None,
    )
    panel, truth = simulate(scenario, seed=6)
    weights = {"organisation": 1.5, "seniority": 0.5, "service": 0.7}
    for key in panel.keys:
        t = panel.periods.index(key[2])
        for i in range(len(truth.actors)):
            for j in range(len(truth.actors)):
                if i == j or not (panel.present[t, i] and panel.present[t, j]):
                    continue
                score = truth.intercept[key] - np.linalg.norm(truth.position[t, i] - truth.position[t, j])
                score += truth.activity[i] + truth.popularity[j]
                for name, weight in weights.items():
                    score += weight * (panel.attributes[name][t, i] == panel.attributes[name][t, j])
                assert logit(truth.probability[key][i, j]) == pytest.approx(score, abs=1e-9)
        if reciprocity is None:
            assert truth.odds_ratio[key] == 1.0


def test_odds_ratio_gives_the_probability_of_a_tie_either_way() -> None:
    truth = simulate(Scenario(n_actors=30, mean_degree=5.0), seed=6).truth
    key = ("site 1", "contact", "1")
    pairs = np.tril(np.isfinite(truth.probability[key]), -1)
    p, q, either = truth.probability[key][pairs], truth.probability[key].T[pairs], truth.either[key][pairs]
    both, neither = p + q - either, 1.0 - either
    assert both * neither / ((p - both) * (q - both)) == pytest.approx(truth.odds_ratio[key], rel=1e-6)
    assert 2 * both.sum() / (p + q).sum() == pytest.approx(0.5, abs=1e-8)


# ---- the same numbers, and others


def same(one: Simulation, other: Simulation) -> bool:
    def arrays(world: Simulation) -> list[np.ndarray]:
        panel, truth = world
        return [
            *panel.states.values(),
            *panel.attributes.values(),
            panel.present,
            truth.position,
            truth.label,
            truth.activity,
            *truth.probability.values(),
        ]

    pairs = list(zip(arrays(one), arrays(other), strict=True))
    return all(
        a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f" and b.dtype.kind == "f")
        for a, b in pairs
    )


SMALL = Scenario(n_actors=20, mean_degree=4.0, n_periods=2)


def test_same_seed_same_numbers() -> None:
    first = simulate(SMALL, seed=3, replicate=2)
    np.random.default_rng(0).random(10)
    simulate(SMALL, seed=8)
    assert same(first, simulate(SMALL, seed=3, replicate=2))
    assert same(first, simulate(Scenario(**SMALL.everything()), seed=3, replicate=2))
    assert same(first, simulate(SMALL, seed=np.int64(3), replicate=2))  # type: ignore[arg-type]


def test_numpy_replicates_are_replicates() -> None:
    assert same(simulate(SMALL, seed=3, replicate=np.int64(2)), simulate(SMALL, seed=3, replicate=2))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [{"seed": 4}, {"replicate": 1}, {"scenario": SMALL.but(separation=3.9)}],
    ids=["seed", "replicate", "scenario"],
)
def test_another_seed_replicate_or_scenario_is_another_world(change: dict[str, Any]) -> None:
    def positions(scenario: Scenario = SMALL, **stream: int) -> np.ndarray:
        return simulate(scenario, **{"seed": 3, **stream}).truth.position[0, :20]

    one, other = positions(), positions(**change)
    assert not np.isclose(one, other).any()


def test_sites_are_different_worlds() -> None:
    panel, truth = simulate(SMALL.but(n_sites=2), seed=3)
    north, south = (panel.members(site)[:20] for site in panel.sites)
    assert not np.isclose(truth.position[0, north], truth.position[0, south]).any()
    assert panel.actors[0].startswith("s1m")
    assert panel.actors[-1].startswith("s2m")


def test_every_site_has_streams_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def remembered(seed: int, *names: str | int) -> np.random.Generator:
        asked.append((seed, *names))
        return stream(seed, *names)

    monkeypatch.setattr(module, "stream", remembered)
    simulate(SMALL.but(n_sites=3), seed=3, replicate=2)
    assert len(set(asked)) == len(asked) >= 3
    assert all(names[:4] == (3, "world", SMALL.but(n_sites=3).key, 2) for names in asked)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", None, True])
def test_seeds_are_checked(seed: Any) -> None:
    with pytest.raises(InputError, match=r"^seed = "):
        simulate(SMALL, seed=seed)


# ---- ties shared


STILL = {"leaving": 0.0, "core_leaving": 0.0, "switching": 0.0, "core_switching": 0.0, "drift": 0.0}


def test_everything_persists_in_a_world_that_stands_still() -> None:
    truth = simulate(Scenario(n_periods=4, tie_persistence=1.0, **STILL), seed=2).truth
    networks = [truth.ties["site 1", "contact", period] for period in truth.periods]
    assert networks[0].any()
    assert all(np.array_equal(one, other) for one, other in pairwise(networks))


def test_full_overlap_is_one_network() -> None:
    truth = simulate(Scenario(relations=TWO, overlap=1.0), seed=2).truth
    assert np.array_equal(truth.ties["site 1", "formal", "1"], truth.ties["site 1", "informal", "1"])


def test_full_overlap_and_full_persistence_are_one_network() -> None:
    truth = simulate(Scenario(relations=TWO, n_periods=3, overlap=1.0, tie_persistence=1.0, **STILL), seed=2).truth
    first = truth.ties["site 1", "formal", "1"]
    assert all(np.array_equal(first, ties) for ties in truth.ties.values())


def test_full_overlap_with_some_persistence() -> None:
    truth = simulate(Scenario(relations=TWO, n_periods=3, overlap=1.0, tie_persistence=0.5, **STILL), seed=2).truth
    for period in truth.periods:
        assert np.array_equal(truth.ties["site 1", "formal", period], truth.ties["site 1", "informal", period])
    assert not np.array_equal(truth.ties["site 1", "formal", "1"], truth.ties["site 1", "formal", "2"])


@pytest.mark.parametrize("seed", range(5))
def test_any_turnover_makes_a_world(seed: int) -> None:
    """The few who stay when nearly everybody leaves must not decide whether there is a world."""
    simulate(Scenario(n_periods=6, leaving=1.0, core_leaving=1.0), seed=seed)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"reciprocity": 0.99}, "reciprocity"),
        ({"relations": TWO, "overlap": 1.0, "mean_degree": (9.0, 3.0)}, "overlap"),
        ({"n_periods": 2, "tie_persistence": 1.0, "drift": 1.0}, "tie_persistence"),
    ],
    ids=str,
)
def test_what_no_world_can_have_is_refused_by_name(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError, match=rf"^{field} = .*: must be .* \d.* in this world") as caught:
        simulate(Scenario(**settings), seed=1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"density": 1e-300},
        {"density": 1.0 - 1e-16},
        {"separation": 1e200, "spread": 1e200},
        {"organisation_homophily": 1e300, "activity": 1e300},
        {"cluster_shares": (1e308, 1e308, 1e308)},
        {"cluster_shares": (5e-324, 1.0, 1.0), "n_periods": 2},
    ],
    ids=str,
)
def test_extreme_settings_make_a_world_or_are_refused(settings: dict[str, Any]) -> None:
    refusal, intercepts = "", [0.0]
    try:
        intercepts = list(simulate(Scenario(**settings), seed=1).truth.intercept.values())
    except InputError as error:
        refusal = str(error)
    assert np.isfinite(intercepts).all()
    assert "\n" not in refusal
    assert not refusal or refusal.split(" = ")[0] in {*settings, "reciprocity"}


# ---- parts


@pytest.mark.parametrize("density", [1e-6, 0.1, 0.5, 0.9, 1.0 - 1e-6])
@pytest.mark.parametrize("width", [0.0, 1.0, 100.0])
def test_solve_intercept(density: float, width: float) -> None:
    scores = width * np.random.default_rng(1).standard_normal(500)
    intercept = solve_intercept(scores, density)
    mean = sum(1.0 / (1.0 + np.exp(-min(max(intercept + s, -700.0), 700.0))) for s in scores) / 500
    assert mean == pytest.approx(density, rel=1e-7)


def test_solve_intercept_of_nobody() -> None:
    assert solve_intercept(np.zeros(0), 0.1) == 0.0


def test_complete_states() -> None:
    ties = np.array([[0, 1, 1], [0, 0, 1], [1, 1, 0]], dtype=bool)
    states = complete_states(ties, np.array([True, True, False]))
    no, tie, absent, none = DyadState.NO_TIE, DyadState.TIE, DyadState.ABSENT, DyadState.IMPOSSIBLE
    assert states.tolist() == [[none, tie, absent], [no, none, absent], [absent, absent, none]]


def test_truth_of_an_unknown_network() -> None:
    truth = simulate(SMALL, seed=1).truth
    with pytest.raises(UnknownNameError, match="no network named") as caught:
        truth.network("site 9", "contact", "1")
    assert "\n" not in str(caught.value)
    assert truth.defining_attribute == "service"
