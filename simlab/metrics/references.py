"""The two references for recovery: what a classifier that knew everything would reach, and the information line."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.streams import stream
from simlab.generate.information import information_of
from simlab.generate.people import between, centres, simulate_people
from simlab.generate.scenario import Scenario
from simlab.generate.truth import NetworkTruth
from simlab.metrics.metric import NAN, Kind, metric
from simlab.metrics.recovery import adjusted_rand_index
from simlab.models.mixture import log_terms

Floats = NDArray[np.float64]


def bayes_labels(positions: Floats, places: Floats, scenario: Scenario) -> NDArray[np.int64]:
    """Return the most probable cluster of each position for somebody who knows the mixture.

    The mixture has a component for each cluster and, where there are bridgers, one for each cluster and those it may be
    bridged to; a cluster's probability is the sum over its components.
    """
    count = scenario.n_clusters
    bridgers = scenario.bridger_share if count > 1 else 0.0
    middles, weights, cluster = [], [], []
    for g in range(count):
        middles.append(places[g])
        weights.append(scenario.shares[g] * (1.0 - bridgers))
        cluster.append(g)
        if bridgers > 0.0:
            others = [h for h in range(count) if h != g]
            bridged = list(combinations(others, scenario.bridger_clusters - 1))
            for partners in bridged:
                middles.append(between(places, g, partners, scenario.bridger_strength))
                weights.append(scenario.shares[g] * bridgers / len(bridged))
                cluster.append(g)
    variances = np.full(len(weights), scenario.spread**2)
    terms = log_terms(positions, np.array(weights), np.array(middles), variances)
    density = np.exp(terms - terms.max(axis=1, keepdims=True))
    of_cluster = np.array(cluster)
    of_each = [density[:, of_cluster == g].sum(axis=1) for g in range(count)]
    return np.asarray(np.stack(of_each, axis=1).argmax(axis=1))


@metric(
    "bayes_ari",
    kind=Kind.TRUTH,
    long_name="adjusted Rand index of the Bayes classifier",
    reference="true positions and mixture known",
    low=-0.5,
    high=1.0,
)
def bayes_ari(truth: NetworkTruth) -> float:
    """Return the ARI of a classifier that knows the true positions and the mixture, on this very network.

    NaN where positions are not what makes the clusters: in worlds of another structure, and in those made from a fit.
    """
    if truth.scenario.structure != "latent":
        return NAN
    return adjusted_rand_index(bayes_labels(truth.positions, truth.centres, truth.scenario), truth.labels)


@metric(
    "information",
    kind=Kind.TRUTH,
    long_name="information c lambda^2; 1 is the detection threshold",
    reference="Decelle, Krzakala, Moore & Zdeborova 2011",
    low=0.0,
)
def information(truth: NetworkTruth) -> float:
    """Return c lambda^2 of this network's tie probabilities, before any fieldwork."""
    return information_of(truth.either, truth.labels)


def expected_bayes_ari(scenario: Scenario, *, seed: int = 0, n_worlds: int = 200) -> tuple[float, float]:
    """Return the Bayes classifier's ARI expected in a scenario's first period, and its Monte Carlo standard error.

    Both are NaN where ``bayes_ari`` is.
    """
    if scenario.structure != "latent":
        return NAN, NAN
    only_people = scenario.but(n_periods=1)
    places = centres(scenario)
    values = []
    for world in range(n_worlds):
        people = simulate_people(only_people, stream(seed, "reference", scenario.key, world))
        values.append(adjusted_rand_index(bayes_labels(people.position[0], places, scenario), people.label[0]))
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(n_worlds))
