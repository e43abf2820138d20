"""What every scenario of the catalog must keep."""

from __future__ import annotations

import json
import tomllib

import numpy as np
import pytest
import tomli_w

from simlab.generate.catalog import FACTS, scenarios
from simlab.generate.information import information_of
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.metrics.references import expected_bayes_ari
from simlab.testing import check_scenario


@pytest.mark.parametrize("name", scenarios.names())
def test_every_scenario_passes_the_check(name: str) -> None:
    check_scenario(scenarios[name].thing)


@pytest.mark.parametrize("name", scenarios.names())
def test_settings_survive_json_and_toml(name: str) -> None:
    scenario = scenarios[name].thing
    for given in (scenario.everything(), scenario.given()):
        assert Scenario(**json.loads(json.dumps(given))) == scenario
        told = {name: value for name, value in given.items() if value is not None}
        again = Scenario(**tomllib.loads(tomli_w.dumps(told)))
        assert again.but(**{k: v for k, v in given.items() if v is None}) == scenario
        assert Scenario(**json.loads(json.dumps(given))).key == scenario.key


@pytest.mark.parametrize("name", scenarios.names())
def test_the_networks_have_the_actors_density_and_clusters_asked_for(name: str) -> None:
    """In the first period as many actors as asked for; over all networks the density that is expected, by its own spread."""
    scenario = scenarios[name].thing
    panel, truth = simulate(scenario, seed=11)
    assert (len(panel.sites), panel.relations, len(panel.periods)) == (
        scenario.n_sites,
        scenario.relations,
        scenario.n_periods,
    )
    for key in panel.keys:
        network, true = panel.network(*key), truth.network(*key)
        if key[2] == "1":
            assert network.n_actors == scenario.n_actors
            assert set(true.labels.tolist()) == set(range(scenario.n_clusters))
        r = scenario.relations.index(key[1])
        if scenario.information is not None:
            assert information_of(true.either, true.labels) == pytest.approx(scenario.information, rel=1e-6)
            continue
        wanted = scenario.degree_wanted(r, network.n_actors) / (network.n_actors - 1)
        assert abs(network.density - wanted) < 0.2 * wanted + 0.02
        assert network.observed.sum() == network.n_actors * (network.n_actors - 1)


@pytest.mark.parametrize("name", FACTS)
def test_what_the_catalog_says_of_its_scenarios_is_so(name: str) -> None:
    """Information and the Bayes classifier's ARI of other worlds, within four Monte Carlo errors and the rounding."""
    scenario = scenarios[name].thing
    first = scenario.but(n_periods=1, n_sites=1, relations=scenario.relations[:1])
    values = []
    for replicate in range(40):
        truth = simulate(first, seed=99, replicate=replicate).truth
        network = truth.network("site 1", first.relations[0], "1")
        values.append(information_of(network.either, network.labels))
    known = FACTS[name]
    # The catalog's own mean is over 200 worlds.
    error = np.std(values, ddof=1) * np.sqrt(1 / 40 + 1 / 200)
    assert abs(np.mean(values) - known.information) < 4.0 * error + 0.005
    assert abs(np.mean(values) - 1.4 * known.information) > 4.0 * error + 0.005, "blind"
    value, spread = expected_bayes_ari(first, n_worlds=100, seed=99)
    if known.bayes_ari is None:
        assert np.isnan(value)
    else:
        assert abs(value - known.bayes_ari) < 4.0 * spread * np.sqrt(1.5) + 0.005


def test_the_catalog_says_it_of_every_scenario_with_clusters() -> None:
    assert set(FACTS) == {entry.name for entry in scenarios if entry.thing.n_clusters > 1}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("managers", "2c90b703c3f10859"),
        ("managers-two-periods", "5e325de815fc14e4"),
        ("three-sites", "30352948c74d922c"),
        ("plain", "013a15f23bed8487"),
        ("organisations", "e29ecc6933d70d4c"),
    ],
)
def test_keys_stay_what_they_are(name: str, key: str) -> None:
    """Streams of random numbers hang on them: a setting that is added must not make other worlds of these."""
    assert scenarios[name].thing.key == key


def test_another_seed_and_another_replicate_are_other_worlds() -> None:
    scenario = scenarios["managers"].thing
    ties = [
        simulate(scenario, seed=seed, replicate=replicate).panel.network().ties
        for seed, replicate in [(1, 0), (1, 1), (2, 0)]
    ]
    assert not np.array_equal(ties[0], ties[1])
    assert not np.array_equal(ties[0], ties[2])
    assert len({entry.thing.key for entry in scenarios}) == len(scenarios.names())


@pytest.mark.parametrize("changes", [{"n_actors": 24, "mean_degree": 5.0}, {"n_clusters": 1, "reciprocity": None}])
def test_the_check_passes_scenarios_of_ones_own(changes: dict[str, float]) -> None:
    check_scenario(Scenario(**changes))
