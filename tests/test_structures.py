"""Structures: tie probabilities against naive twins, pair by pair, and what each draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference import naive_generator as naive
from reference.made import made_fit

from simlab.foundation.errors import InputError
from simlab.foundation.streams import stream
from simlab.generate.information import information_of
from simlab.generate.people import between, centres, simulate_people
from simlab.generate.projects import draw_projects
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.generate.truth import Truth
from simlab.metrics.recovery import position_error
from simlab.metrics.references import bayes_ari, expected_bayes_ari
from simlab.study.export_truth import truth_dataset

WORLDS: dict[str, dict[str, Any]] = {
    "latent": {"n_dims": 3, "bridger_share": 0.3, "bridger_clusters": 3, "n_clusters": 4},
    "blocks": {"block_contrast": 1.7},
    "mixed-blocks": {"block_contrast": 2.3, "bridger_share": 0.4, "core_share": 0.2},
    "mixed-blocks of three": {"n_clusters": 4, "bridger_share": 0.4, "core_share": 0.2, "bridger_clusters": 3},
    "projects": {"projects_per_actor": 2.5, "projects_per_cluster": 3, "projects_outside": 0.2},
    "core-periphery": {"n_clusters": 1, "core_contrast": 3.0},
    "none": {"n_clusters": 1, "activity": 1.0},
}


def made(name: str) -> Truth:
    given = {"n_actors": 20, "mean_degree": 4.0, "reciprocity": 0.3, "n_periods": 2, "tie_persistence": None}
    return simulate(Scenario(**{**given, "structure": name.split(" ")[0], **WORLDS[name]}), seed=5).truth


def naive_affinity(truth: Truth, period: int, i: int, j: int) -> float:
    """Return the affinity that the documentation's equations say, from the truth alone."""
    world = truth.scenario
    if world.structure == "latent":
        return naive.affinity_of_positions(truth.position[period, i].tolist(), truth.position[period, j].tolist())
    if world.structure == "blocks":
        return naive.affinity_of_blocks(int(truth.label[period, i]), int(truth.label[period, j]), world.block_contrast)
    if world.structure == "mixed-blocks":
        one, other = (
            naive.membership(
                int(truth.label[period, k]),
                truth.partners[period, k].tolist(),
                world.n_clusters,
                world.bridger_strength,
            )
            for k in (i, j)
        )
        return naive.affinity_of_mixed_blocks(one, other, world.block_contrast)
    if world.structure == "projects":
        member = truth.traits["projects"][period]
        return naive.affinity_of_projects(member[i].tolist(), member[j].tolist(), world.project_contrast)
    if world.structure == "core-periphery":
        coreness = truth.traits["coreness"][period]
        return naive.affinity_of_coreness(float(coreness[i]), float(coreness[j]), world.core_contrast)
    return 0.0


def worst(truth: Truth, wrong: float = 0.0) -> float:
    """Return the largest difference of a probability from that of the equations, with an affinity that is ``wrong``."""
    homophily = {"organisation": 1.5, "seniority": 0.5}
    differences = []
    for (site, relation, name), probability in truth.probability.items():
        t = truth.periods.index(name)
        for i in range(len(truth.actors)):
            for j in range(len(truth.actors)):
                if i == j or truth.label[t, i] < 0 or truth.label[t, j] < 0:
                    continue
                score = truth.intercept[site, relation, name] + (1.0 + wrong) * naive_affinity(truth, t, i, j)
                score += truth.activity[i] + truth.popularity[j]
                for attribute, weight in homophily.items():
                    values = truth.attributes[attribute][t]
                    score += weight if values[i] == values[j] else 0.0
                differences.append(abs(probability[i, j] - naive.logistic(score)))
    return max(differences)


@pytest.mark.parametrize("name", WORLDS)
def test_probabilities_are_those_of_the_documentation(name: str) -> None:
    truth = made(name)
    assert worst(truth) < 1e-10
    if name != "none":
        assert worst(truth, wrong=0.01) > 1e-4, "blind"


@pytest.mark.parametrize("name", ["mixed-blocks", "mixed-blocks of three"])
def test_memberships_are_shares_and_in_the_truth(name: str) -> None:
    truth = made(name)
    pi = truth.traits["membership"]
    here = truth.label >= 0
    assert pi[here].sum(axis=1) == pytest.approx(1.0)
    assert (pi[here] >= 0.0).all()
    assert np.isnan(pi[~here]).all()
    k = truth.scenario.bridger_clusters
    assert ((pi > 0.0).sum(axis=2)[here & truth.bridger] == k).all()
    assert ((pi > 0.0).sum(axis=2)[here & ~truth.bridger] == 1).all()


def test_mixed_blocks_without_mixing_are_blocks() -> None:
    mixed = simulate(Scenario(structure="mixed-blocks", bridger_share=0.0), seed=1).truth
    assert mixed.traits["membership"].max() == 1.0
    key = ("site 1", "contact", "1")
    same = mixed.label[0][:, None] == mixed.label[0][None]
    odds = mixed.probability[key] / (1.0 - mixed.probability[key])
    expected = np.exp(mixed.activity[:, None] + mixed.popularity[None] + 2.0 * same + mixed.intercept[key])
    for name, weight in (("organisation", 1.5), ("seniority", 0.5)):
        values = mixed.attributes[name][0]
        expected = expected * np.exp(weight * (values[:, None] == values[None]))
    off = ~np.eye(60, dtype=bool)
    assert odds[off] == pytest.approx(expected[off], rel=1e-9)


# ---- bridgers of several clusters


@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("strength", [0.0, 0.6, 1.0])
def test_bridgers_lie_between_all_centres_that_they_bridge(k: int, strength: float) -> None:
    places = centres(Scenario(n_clusters=5, n_dims=3))
    partners = [4, 0, 3][: k - 1]
    found = between(places, 1, partners, strength)
    assert found.tolist() == pytest.approx(naive.place_of_bridger(places.tolist(), 1, partners, strength))


@pytest.mark.parametrize("k", [2, 3, 5])
def test_bridgers_have_as_many_different_partners_as_asked(k: int) -> None:
    world = Scenario(n_clusters=5, bridger_share=0.5, core_share=0.2, bridger_clusters=k, n_periods=4)
    crowd = simulate_people(world, stream(1, "people"))
    assert crowd.partners.shape == (*crowd.label.shape, k - 1)
    for t, i in np.argwhere(crowd.present):
        partners = crowd.partners[t, i].tolist()
        if crowd.bridger[i]:
            assert len({*partners, int(crowd.label[t, i])}) == k
            assert min(partners) >= 0
        else:
            assert set(partners) == {-1}
    assert np.array_equal(crowd.partner, crowd.partners[:, :, 0])


# ---- projects


def test_projects_stay_with_those_who_stay_and_change_with_the_cluster() -> None:
    still = {"projects_per_actor": 3.0, "project_staying": 1.0, "projects_outside": 0.0, "bridger_share": 0.0}
    world = Scenario(structure="projects", n_actors=200, n_periods=3, core_switching=0.2, **still)
    crowd = simulate_people(world, stream(1, "people"))
    member = draw_projects(world, crowd, stream(1, "projects"))
    family = np.repeat(np.arange(3), 4)
    for t in range(1, 3):
        stay = crowd.present[t] & (crowd.label[t] == crowd.label[t - 1])
        assert stay.sum() > 50
        assert np.array_equal(member[t][stay], member[t - 1][stay])
    assert not member[~crowd.present].any()
    for t, i in np.argwhere(crowd.present):
        assert set(family[member[t, i]].tolist()) == {int(crowd.label[t, i])}
    assert member.sum(axis=2)[crowd.present].min() >= 1
    assert member.sum(axis=2).max() <= 4, "of a family that is exhausted none are left"


def test_nobody_stays_in_projects_where_nobody_stays() -> None:
    world = Scenario(structure="projects", n_actors=300, n_periods=2, projects_per_cluster=100, project_staying=0.0)
    crowd = simulate_people(world, stream(1, "people"))
    member = draw_projects(world, crowd, stream(1, "projects"))
    stay = crowd.present.all(axis=0) & (crowd.label[0] == crowd.label[1])
    assert member[0][stay].sum() == member[1][stay].sum()
    assert (member[0] & member[1])[stay].sum() < 0.05 * member[0][stay].sum()


# ---- information


@pytest.mark.parametrize("structure", ["latent", "blocks", "mixed-blocks", "projects"])
@pytest.mark.parametrize("reciprocity", [None, 0.3])
def test_information_is_what_was_asked_for(structure: str, reciprocity: float | None) -> None:
    world = Scenario(
        structure=structure, information=(0.5, 0.9), reciprocity=reciprocity, relations=("a", "b"), overlap=0.2
    )
    panel, truth = simulate(world, seed=2)
    for key, wanted in zip(panel.keys, (0.5, 0.9), strict=True):
        network = truth.network(*key)
        assert information_of(network.either, network.labels) == pytest.approx(wanted, rel=1e-7)


def test_information_of_two_clusters_against_the_quadratic() -> None:
    labels = np.repeat([0, 1], [30, 50])
    chance = np.array([[0.4, 0.1], [0.1, 0.25]])
    found = information_of(chance[labels][:, labels], labels)
    assert found == pytest.approx(naive.information_of_two([30, 50], [0.4, 0.25], 0.1))


def test_the_sparsest_network_with_the_information_is_taken() -> None:
    world = Scenario(structure="blocks", block_contrast=4.0, reciprocity=None, activity=0.0, popularity=0.0)
    low, high = (simulate(world.but(information=value), seed=1).truth for value in (1.0, 2.0))
    key = ("site 1", "contact", "1")
    assert np.nanmean(low.probability[key]) < np.nanmean(high.probability[key]) < 0.2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"information": 100.0},
            r"information = 100\.0: must be from 0 to \d+\.\d+ in this world, whatever its density$",
        ),
        (
            {"information": 0.01, "activity": 1.2},
            r"information = 0\.01: must be from \d+.*cannot have the reciprocity$",
        ),
    ],
    ids=str,
)
def test_information_that_cannot_be_is_refused_with_what_can(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        simulate(Scenario(**settings), seed=1)


def test_clusters_of_any_sizes_are_exact() -> None:
    for structure in ("latent", "blocks", "mixed-blocks", "projects"):
        world = Scenario(structure=structure, n_clusters=4, n_actors=61, cluster_shares=(40, 11, 7, 3))
        truth = simulate(world, seed=1).truth
        assert np.bincount(truth.label[0]).tolist() == [40, 11, 7, 3]


def test_more_actors_than_all_pairs_can_hold_are_refused() -> None:
    with pytest.raises(InputError, match=r"^n_actors = 5001: must be at most 5000 here; simulate_sparse"):
        simulate(Scenario(n_actors=5001), seed=1)


@pytest.mark.parametrize("structure", ["blocks", "mixed-blocks", "projects"])
def test_metrics_of_positions_are_not_defined_where_there_are_none(structure: str) -> None:
    panel, truth = simulate(Scenario(structure=structure, n_actors=30, mean_degree=6.0), seed=1)
    network = truth.network(*panel.keys[0])
    fit = made_fit(network.labels, network.actors, positions=np.ones((30, 2)))
    assert np.isnan(position_error(fit, network))
    assert np.isnan(bayes_ari(network))
    assert np.isnan(expected_bayes_ari(truth.scenario)).all()


def test_traits_and_further_partners_are_written_with_the_truth() -> None:
    world = Scenario(structure="mixed-blocks", n_clusters=4, bridger_clusters=3, n_periods=2, tie_persistence=None)
    truth = simulate(world, seed=1).truth
    written = truth_dataset(truth, 1)
    assert written["membership"].dims == ("period", "actor", "part_of_membership")
    assert written["partners"].dims == ("period", "actor", "bridged")
    assert np.array_equal(written["membership"].values, truth.traits["membership"], equal_nan=True)
    projects = truth_dataset(simulate(Scenario(structure="projects"), seed=1).truth, 1)["projects"]
    assert projects.shape == (1, 60, 12)
    assert set(np.unique(projects).tolist()) == {0, 1}
