"""The references of recovery: the information line against its closed form, the Bayes classifier against a table."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference.made import made_truth

from simlab.generate.people import centres
from simlab.generate.scenario import Scenario
from simlab.metrics.references import bayes_ari, bayes_labels, expected_bayes_ari, information, information_of

# Expected adjusted Rand index of the Bayes classifier: centres on a circle in the plane, separation in units of spread.
BAYES = {
    2: {2.0: 0.47, 3.0: 0.75, 4.0: 0.91, 5.0: 0.98},
    3: {2.0: 0.38, 3.0: 0.69, 4.0: 0.88, 5.0: 0.96},
    4: {2.0: 0.38, 3.0: 0.69, 4.0: 0.89, 5.0: 0.97},
}


def blocks(q: int, n: int, inside: float, between: float) -> tuple[np.ndarray, np.ndarray]:
    """Return tie probabilities of equal blocks, and their labels."""
    labels = np.arange(n) % q
    return np.where(labels[:, None] == labels[None], inside, between), labels


@pytest.mark.parametrize("q", [2, 3, 5])
@pytest.mark.parametrize(("c_in", "c_out"), [(12.0, 2.0), (9.0, 8.0), (5.0, 5.0), (2.0, 9.0)])
def test_information_of_equal_blocks_is_the_closed_form(q: int, c_in: float, c_out: float) -> None:
    """(c_in - c_out)^2 / (q (c_in + (q - 1) c_out)); and c lambda^2 from its definition is the same."""
    n = 600 * q
    either, labels = blocks(q, n, c_in / n, c_out / n)
    expected = (c_in - c_out) ** 2 / (q * (c_in + (q - 1) * c_out))
    mean = (c_in + (q - 1) * c_out) / q
    assert expected == pytest.approx(mean * ((c_in - c_out) / (q * mean)) ** 2)
    assert_allclose(information_of(either, labels), expected, rtol=1e-9, atol=1e-12)


def test_information_does_not_depend_on_names_of_clusters_and_the_diagonal() -> None:
    either, labels = blocks(3, 60, 0.4, 0.1)
    value = information_of(either, labels)
    assert value > 0.5
    np.fill_diagonal(either, np.nan)
    assert_allclose(information_of(either, np.array([7, 0, 3])[labels]), value, rtol=1e-12)


def test_information_of_one_cluster_is_nan_and_without_ties_is_nothing() -> None:
    either, labels = blocks(2, 10, 0.0, 0.0)
    assert information_of(either, labels) == 0.0
    assert math.isnan(information_of(either, np.zeros(10, dtype=int)))


def test_information_of_unequal_blocks_is_from_the_eigenvalues_of_the_matrix_of_expected_ties() -> None:
    """The matrix of expected ties of an actor in g with cluster h, which is not symmetric, straight from its words."""
    labels = np.repeat([0, 1, 2], [40, 100, 260])
    chance = np.array([[0.5, 0.1, 0.05], [0.1, 0.3, 0.02], [0.05, 0.02, 0.2]])
    sizes = np.bincount(labels)
    values = np.sort(np.abs(np.linalg.eigvals(chance * sizes[None])))[::-1]
    assert_allclose(information_of(chance[labels][:, labels], labels), values[1] ** 2 / values[0], rtol=1e-10)


@pytest.mark.parametrize("n_clusters", BAYES)
@pytest.mark.parametrize("separation", [2.0, 3.0, 4.0, 5.0])
def test_expected_ari_of_the_bayes_classifier(n_clusters: int, separation: float) -> None:
    world = Scenario(n_actors=2000, n_clusters=n_clusters, separation=separation, bridger_share=0.0)
    value, error = expected_bayes_ari(world, n_worlds=3)
    assert error < 0.02
    assert value == pytest.approx(BAYES[n_clusters][separation], abs=0.03)


def test_expected_ari_has_a_standard_error_over_worlds_and_depends_on_the_seed_alone() -> None:
    world = Scenario(n_actors=40, separation=3.0)
    few, many = expected_bayes_ari(world, n_worlds=20), expected_bayes_ari(world, n_worlds=320)
    assert expected_bayes_ari(world, n_worlds=20) == few
    assert expected_bayes_ari(world, seed=1, n_worlds=20) != few
    assert many[1] == pytest.approx(few[1] / 4, rel=0.5)
    assert abs(many[0] - few[0]) < 4 * (few[1] + many[1])


def test_bayes_labels_without_bridgers_are_the_nearest_centres() -> None:
    """With one spread and equal shares the most probable cluster is that of the nearest centre."""
    world = Scenario(n_clusters=4, bridger_share=0.0)
    places = centres(world)
    positions = np.random.default_rng(1).normal(scale=3.0, size=(200, 2))
    nearest = ((positions[:, None] - places[None]) ** 2).sum(2).argmin(1)
    assert bayes_labels(positions, places, world).tolist() == nearest.tolist()


def test_bayes_labels_lean_to_the_larger_cluster_midway() -> None:
    world = Scenario(n_clusters=2, bridger_share=0.0, cluster_shares=(1.0, 9.0), separation=2.0)
    places = centres(world)
    assert bayes_labels(places.mean(0)[None], places, world).tolist() == [1]


def test_bayes_labels_with_bridgers_are_those_of_the_written_out_mixture() -> None:
    world = Scenario(
        n_clusters=3, bridger_share=0.2, bridger_strength=0.6, cluster_shares=(1.0, 2.0, 3.0), separation=3.0
    )
    places = centres(world)
    positions = np.random.default_rng(2).normal(scale=2.5, size=(300, 2))

    def bell(middle: np.ndarray) -> np.ndarray:
        return np.exp(-0.5 * ((positions - middle) ** 2).sum(1) / world.spread**2)

    mass = np.zeros((300, 3))
    for g, share in enumerate((1 / 6, 2 / 6, 3 / 6)):
        mass[:, g] += share * 0.8 * bell(places[g])
        for h in {0, 1, 2} - {g}:
            towards = places[g] + 0.6 * (places[h] - places[g]) / 2.0
            mass[:, g] += share * 0.2 / 2 * bell(towards)
    assert bayes_labels(positions, places, world).tolist() == mass.argmax(1).tolist()


def test_the_metrics_are_those_functions_of_the_truth() -> None:
    truth = made_truth(np.arange(40) % 3, tuple(f"a{i}" for i in range(40)))
    assert information(truth) == information_of(truth.either, truth.labels)
    own = bayes_labels(truth.positions, truth.centres, truth.scenario)
    assert bayes_ari(made_truth(own, truth.actors, positions=truth.positions)) == 1.0
