"""What every registered structure must keep, and a structure of one's own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from simlab.foundation.errors import InputError
from simlab.generate.bonds import Bonds
from simlab.generate.people import People
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.generate.structures import WITHOUT_CLUSTERS, structures
from simlab.testing import check_structure

NAMES = [name for name in structures.names() if name != "fitted"]  # tested with the fits that it comes from


def world(name: str, **settings: object) -> Scenario:
    clusters = {"n_clusters": 1} if name in WITHOUT_CLUSTERS else {}
    return Scenario(
        **{"structure": name, "n_actors": 24, "mean_degree": 5.0, "reciprocity": 0.3, **clusters, **settings}
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_structure_passes_the_check(name: str) -> None:
    check_structure(name, world(name, n_periods=3, relations=("a", "b"), tie_persistence=0.2, overlap=0.2, n_sites=2))


@pytest.mark.parametrize("name", NAMES)
def test_positions_are_in_the_truth_where_ties_come_from_them(name: str) -> None:
    truth = simulate(world(name), seed=1).truth
    assert np.isnan(truth.position).all() == (name != "latent")
    assert np.isnan(truth.centres).all() == (name != "latent")


@pytest.fixture
def circle() -> Iterator[None]:
    """A structure of one's own: people sit at a round table, and know their neighbours."""

    @structures.register("circle", summary="a round table", reference="nobody")
    def bonds(scenario: Scenario, people: People, rng: np.random.Generator) -> Bonds:
        seat = 2.0 * np.pi * rng.random(people.present.shape[1])
        nearness = 3.0 * np.cos(seat[:, None] - seat[None])
        return Bonds(lambda period: nearness.copy(), traits={"seat": np.where(people.present, seat, np.nan)})

    yield
    del structures._entries["circle"]


@pytest.mark.usefixtures("circle")
def test_a_structure_of_ones_own() -> None:
    check_structure("circle")
    truth = simulate(Scenario(structure="circle", n_periods=2, n_sites=2), seed=1).truth
    assert truth.traits["seat"].shape == truth.label.shape
    network = truth.network("site 2", "contact", "2")
    seat = network.traits["seat"]
    near = np.cos(seat[:, None] - seat[None])
    assert network.ties[near > 0.7].mean() > 4 * network.ties[near < 0.0].mean()


def test_the_check_catches_bonds_that_are_shared_or_leave_absent_people_in() -> None:
    def shared(scenario: Scenario, people: People, rng: np.random.Generator) -> Bonds:
        matrix = np.zeros((people.present.shape[1],) * 2)
        return Bonds(lambda period: matrix)

    def revealing(scenario: Scenario, people: People, rng: np.random.Generator) -> Bonds:
        n_people = people.present.shape[1]
        return Bonds(lambda period: np.zeros((n_people, n_people)), traits={"x": np.ones(people.present.shape)})

    for structure, message in ((shared, "new array"), (revealing, "absent")):
        structures.register("wrong", summary="wrong", reference="nobody")(structure)
        try:
            with pytest.raises(AssertionError, match=message):
                check_structure("wrong")
        finally:
            del structures._entries["wrong"]


def test_an_unknown_structure_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"no structure named 'project'\. Did you mean 'projects'\? Known: blocks"):
        Scenario(structure="project")
