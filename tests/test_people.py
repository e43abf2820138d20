"""People: where the centres lie, how many are in each cluster, and what changes from period to period."""

from __future__ import annotations

import numpy as np
import pytest
from reference import naive_generator as naive

from simlab.foundation.streams import stream
from simlab.generate.people import People, apportioned, between, centres, simulate_people
from simlab.generate.scenario import Scenario

CLOSE = 1e-10


def people(seed: int = 1, **settings: object) -> People:
    return simulate_people(Scenario(**settings), stream(seed, "people"))


@pytest.mark.parametrize("separation", [0.5, 4.0])
@pytest.mark.parametrize("spread", [0.3, 2.0])
@pytest.mark.parametrize("n_dims", [1, 2, 3, 5])
@pytest.mark.parametrize("n_clusters", [1, 2, 3, 4, 5, 6, 9])
def test_centres_against_constructions_by_hand(n_clusters: int, n_dims: int, spread: float, separation: float) -> None:
    """A line, a polygon, or corners that are all as far from each other; balanced, with the nearest a side apart."""
    scenario = Scenario(n_clusters=n_clusters, n_dims=n_dims, spread=spread, separation=separation)
    places, side = centres(scenario), spread * separation
    assert places.shape == (n_clusters, n_dims)
    assert places.sum(axis=0) == pytest.approx(0.0, abs=CLOSE)
    if n_clusters == 1:
        expected = [[0.0]]
    elif n_dims == 1:
        expected = naive.distances(naive.centres_on_line(n_clusters, side))
    elif n_dims > 2 and n_clusters <= n_dims + 1:
        expected = [[0.0 if g == h else side for h in range(n_clusters)] for g in range(n_clusters)]
    else:
        expected = naive.distances(naive.centres_of_polygon(n_clusters, side))
    assert np.array(naive.distances(places.tolist())) == pytest.approx(np.array(expected), abs=CLOSE)


@pytest.mark.parametrize(
    ("shares", "total", "counts"),
    [
        ((1.0, 1.0, 1.0), 60, [20, 20, 20]),
        ((1.0, 1.0, 1.0), 61, [21, 20, 20]),
        ((0.5, 0.3, 0.2), 11, [6, 3, 2]),
        ((0.98, 0.01, 0.01), 3, [1, 1, 1]),
        ((0.98, 0.01, 0.01), 50, [48, 1, 1]),
        ((1.0,), 2, [2]),
        ((0.001, 1.0), 2, [1, 1]),
    ],
)
def test_apportioned_by_hand(shares: tuple[float, ...], total: int, counts: list[int]) -> None:
    assert apportioned(shares, total).tolist() == counts


@pytest.mark.parametrize("seed", range(30))
def test_apportioned_against_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shares = tuple(rng.dirichlet(np.full(int(rng.integers(1, 8)), 0.5)).tolist())
    total = int(rng.integers(len(shares), 80))
    counts = apportioned(shares, total)
    assert counts.tolist() == naive.apportioned(shares, total)
    assert counts.sum() == total
    assert counts.min() >= 1


def test_between_two_centres() -> None:
    places = np.array([[0.0, 0.0], [4.0, 2.0]])
    assert between(places, 0, 1, 1.0).tolist() == [2.0, 1.0]
    assert between(places, 1, 0, 1.0).tolist() == [2.0, 1.0]
    assert between(places, 0, 1, 0.5).tolist() == [1.0, 0.5]
    assert between(places, 1, 0, 0.0).tolist() == [4.0, 2.0]
    assert between(places, 1, -1, 1.0).tolist() == [4.0, 2.0]


@pytest.mark.parametrize(
    ("settings", "bridgers", "core"),
    [
        ({}, 6, 18),
        ({"bridger_share": 0.0, "core_share": 1.0}, 0, 60),
        ({"bridger_share": 1.0, "core_share": 0.0}, 60, 0),
        ({"bridger_share": 0.25, "core_share": 0.75, "n_actors": 10}, 2, 8),
        ({"bridger_share": 0.5, "core_share": 0.5, "n_actors": 31}, 16, 15),
        ({"n_clusters": 1, "bridger_share": 0.5}, 0, 18),
    ],
)
def test_founders_are_as_many_as_asked(settings: dict[str, object], bridgers: int, core: int) -> None:
    crowd = people(**settings)
    assert crowd.bridger.sum() == bridgers
    assert crowd.core.sum() == core
    assert not (crowd.bridger & crowd.core).any()


def test_clusters_of_founders_have_exact_sizes() -> None:
    crowd = people(n_actors=50, cluster_shares=(5, 3, 2))
    assert np.bincount(crowd.label[0]).tolist() == [25, 15, 10]
    assert np.any(np.diff(crowd.label[0]) < 0), "people come in no order of clusters"


def test_stayers_who_do_not_drift_stay_where_they_are() -> None:
    crowd = people(n_periods=3, drift=0.0, switching=0.0, core_switching=0.0)
    here = crowd.present.all(axis=0)
    assert here.sum() > 10
    assert crowd.position[2][here] == pytest.approx(crowd.position[0][here], abs=CLOSE)
    assert (crowd.label[2] == crowd.label[0])[here].all()


def test_stayers_with_full_drift_are_placed_anew() -> None:
    crowd = people(n_periods=2, drift=1.0, switching=0.0, core_switching=0.0, n_actors=400, n_clusters=1)
    here = crowd.present.all(axis=0)
    both = np.corrcoef(crowd.position[0][here, 0], crowd.position[1][here, 0])[0, 1]
    assert abs(both) < 4.0 / np.sqrt(here.sum())


def test_everybody_switches_where_switching_is_certain() -> None:
    crowd = people(n_periods=2, switching=1.0, core_switching=1.0, leaving=0.0, core_leaving=0.0)
    assert (crowd.label[0] != crowd.label[1]).all()
    bridgers = crowd.bridger
    assert (crowd.partner[1][bridgers] >= 0).all()
    assert (crowd.partner[1] != crowd.label[1]).all()


@pytest.mark.parametrize(("arriving", "expected"), [(0.0, [60, 60, 60]), (0.5, [60, 90, 135]), (1, [60, 120, 240])])
def test_arriving_is_a_share_of_those_present(arriving: float, expected: list[int]) -> None:
    crowd = people(n_periods=3, leaving=0.0, core_leaving=0.0, arriving=arriving)
    assert crowd.present.sum(axis=1).tolist() == expected


def test_as_many_come_as_left_unless_said() -> None:
    crowd = people(n_periods=6, leaving=0.5)
    assert crowd.present.sum(axis=1).tolist() == [60] * 6
    assert crowd.label.shape[1] > 100
    alone = people(n_periods=6, leaving=0.5, arriving=0.0).present.sum(axis=1)
    assert (np.diff(alone) < 0).any()
    assert (np.diff(alone) <= 0).all()


def test_two_people_always_remain() -> None:
    crowd = people(n_periods=20, leaving=1.0, core_leaving=1.0, arriving=0.0)
    assert crowd.present.sum(axis=1).tolist() == [60] + [2] * 19


def test_who_left_never_comes_back() -> None:
    present = people(n_periods=8, leaving=0.4).present.astype(int)
    assert (np.abs(np.diff(present, axis=0)).sum(axis=0) + present[0] + present[-1] <= 2).all()


@pytest.mark.parametrize(
    ("settings", "attribute"),
    [
        ({"organisation_mixing": 0.0}, "organisation"),
        ({"seniority_mixing": 0.0}, "seniority"),
        ({"service_commonness": 1.0}, "service"),
        ({"service_commonness": 1.0, "n_clusters": 8, "n_periods": 3}, "service"),
    ],
)
def test_an_attribute_can_be_that_of_the_cluster(settings: dict[str, object], attribute: str) -> None:
    scenario = Scenario(**settings)
    names = {"organisation": scenario.organisations, "seniority": scenario.seniorities, "service": scenario.services}
    crowd = simulate_people(scenario, stream(1, "people"))
    for t in range(scenario.n_periods):
        here = crowd.present[t]
        own = [names[attribute][label % len(names[attribute])] for label in crowd.label[t][here].tolist()]
        assert crowd.attributes[attribute][t][here].tolist() == own
        assert (crowd.attributes[attribute][t][~here] == "").all()


def test_a_share_of_nought_is_nobody() -> None:
    crowd = people(n_actors=300, organisation_shares=(0, 1, 0, 1), organisation_mixing=1.0)
    assert set(crowd.attributes["organisation"][0].tolist()) == {"local authority", "voluntary"}


def test_sociality_can_be_left_out() -> None:
    crowd = people(activity=0.0, popularity=0.0)
    assert not crowd.activity.any()
    assert not crowd.popularity.any()
