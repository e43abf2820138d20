"""Worlds made from fits: what they take over, and that networks simulated from them are like the network fitted."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from conftest import network_of
from reference.made import lpcm_network, made_fit
from scipy.special import expit
from scipy.stats import spearmanr

from simlab.cli import simulation
from simlab.fieldwork.observe import Fieldwork
from simlab.fit.fit import Fit
from simlab.fit.lpcm_map import LpcmMap
from simlab.fit.lpcm_mcmc import LpcmMcmc
from simlab.fit.sbm import Sbm
from simlab.foundation.errors import InputError
from simlab.foundation.streams import stream
from simlab.generate.information import information_of
from simlab.generate.simulate import simulate
from simlab.metrics.references import bayes_ari
from simlab.panel import Network
from simlab.plan.from_fit import scenario_from_fit
from simlab.testing import check_scenario, check_structure

SHORT = {"n_chains": 2, "n_draws": 200, "n_warmup": 200}


@pytest.fixture(scope="module")
def network() -> Network:
    return lpcm_network(45, separation=5.0, mean_degree=9.0, seed=2, homophily=1.0)[0]


@pytest.fixture(scope="module")
def mode(network: Network) -> Fit:
    return LpcmMap(n_clusters=3).fit(network, rng=stream(1, "fit"))


@pytest.fixture(scope="module")
def draws(network: Network) -> Fit:
    fitter = LpcmMcmc(n_clusters=3, sociality="both", reciprocity=True, covariates=("match(office)",), **SHORT)
    return fitter.fit(network, rng=stream(1, "fit"))


@pytest.fixture(scope="module")
def blocks(network: Network) -> Fit:
    return Sbm(n_clusters=3).fit(network, rng=stream(1, "fit"))


def distances(positions: np.ndarray) -> np.ndarray:
    rows, cols = np.tril_indices(len(positions), -1)
    return np.asarray(np.linalg.norm(positions[rows] - positions[cols], axis=1))


@pytest.mark.parametrize("name", ["mode", "draws", "blocks"])
def test_the_world_has_the_fit_and_the_density_of_the_network(
    name: str, network: Network, request: pytest.FixtureRequest
) -> None:
    fit: Fit = request.getfixturevalue(name)
    world = scenario_from_fit(fit, network)
    panel, truth = simulate(world, seed=1)
    one = truth.network(*panel.keys[0])
    assert one.actors == fit.actors
    assert (one.labels[:, None] == one.labels[None]).tolist() == (fit.labels[:, None] == fit.labels[None]).tolist()
    assert np.nanmean(one.probability) == pytest.approx(network.density, rel=1e-9)
    assert one.attributes["office"] == network.attributes["office"]
    if fit.positions is not None:
        assert one.positions == pytest.approx(fit.positions)
        assert one.centres[1] == pytest.approx(fit.positions[one.labels == 1].mean(axis=0))
    else:
        assert np.isnan(one.positions).all()
    returned = [simulate(world, seed=1, replicate=k).panel.network().ties for k in range(30)]
    found = sum((t & t.T).sum() for t in returned) / sum(t.sum() for t in returned)
    assert found == pytest.approx((network.ties & network.ties.T).sum() / network.ties.sum(), abs=0.03)
    assert information_of(one.either, one.labels) > 1.0
    assert np.isnan(bayes_ari(one))
    check_scenario(world)
    check_structure("fitted", world)


@pytest.mark.parametrize("name", ["mode", "draws", "blocks"])
def test_probabilities_are_those_of_the_model(name: str, network: Network, request: pytest.FixtureRequest) -> None:
    """Of one draw as the fit has it: with the tie back summed out, and its odds ratio."""
    fit: Fit = request.getfixturevalue(name)
    model = fit.tie_model
    assert model is not None
    world = scenario_from_fit(fit, network, draw=model.n_draws - 1, as_observed=False)
    truth = simulate(world, seed=1).truth
    key = next(iter(truth.probability))
    eta, rho = model.predictors(model.n_draws - 1)[0], float(model.reciprocity(model.n_draws - 1)[0])
    for i, j in ((0, 1), (5, 3), (40, 12), (12, 40)):
        weights = {(y, b): np.exp(y * eta[i, j] + b * eta[j, i] + rho * y * b) for y in (0, 1) for b in (0, 1)}
        expected = (weights[1, 0] + weights[1, 1]) / sum(weights.values())
        assert truth.probability[key][i, j] == pytest.approx(expected, rel=1e-5)
    assert np.log(truth.odds_ratio[key]) == pytest.approx(rho, abs=1e-4)
    assert (rho != 0.0) == (name == "draws")


def test_a_network_simulated_from_a_fit_has_its_distances_again(mode: Fit, network: Network) -> None:
    """Simulate from a fit, fit again: distances correlate; with those of somebody else in the fit they do not."""
    world = scenario_from_fit(mode, network)
    again = LpcmMap(n_clusters=3).fit(simulate(world, seed=4).panel.network(), rng=stream(2, "fit"))
    assert mode.positions is not None
    assert again.positions is not None
    found = spearmanr(distances(mode.positions), distances(again.positions)).statistic
    mixed = stream(3, "mix").permutation(len(mode.positions))
    control = spearmanr(distances(mode.positions[mixed]), distances(again.positions)).statistic
    assert found > 0.7
    assert control < 0.3


def test_draws_are_different_worlds_and_the_point_is_one_too(draws: Fit, network: Network) -> None:
    worlds = [scenario_from_fit(draws, network, draw=k) for k in (0, 150, 399)] + [scenario_from_fit(draws, network)]
    assert len({world.key for world in worlds}) == 4
    assert len({hash(world) for world in worlds}) == 4
    assert len({world.density for world in worlds}) == 1


def test_worlds_survive_json_toml_and_pickle(draws: Fit, network: Network, tmp_path: Path) -> None:
    world = scenario_from_fit(draws, network)
    assert type(world)(**json.loads(json.dumps(world.everything()))) == world
    assert pickle.loads(pickle.dumps(world)).key == world.key
    file = tmp_path / "scenario.toml"
    file.write_text(simulation._toml(world, Fieldwork(), 7), encoding="utf-8")
    given, _ = simulation._given(str(file))
    assert simulation.split_settings(given)[0] == world
    simulation.simulate_to(str(file), [], tmp_path / "world", None)
    assert (tmp_path / "world" / "truth.nc").exists()


def test_actors_in_another_order_are_the_same_world(network: Network) -> None:
    order = stream(1, "order").permutation(network.n_actors)
    shuffled = Network(
        tuple(network.actors[i] for i in order),
        network.state[np.ix_(order, order)],
        attributes={"office": tuple(network.attributes["office"][i] for i in order)},
    )
    fit = Sbm(n_clusters=2).fit(shuffled, rng=stream(1, "fit"))
    world = scenario_from_fit(fit, shuffled, draw=0)
    truth = simulate(world, seed=1).truth
    assert truth.actors == network.actors
    eta = fit.tie_model.predictors(0)[0]  # type: ignore[union-attr]
    odds = np.log(truth.probability["site 1", "contact", "1"]) - np.log1p(-truth.probability["site 1", "contact", "1"])
    shift = odds[order[3], order[7]] - eta[3, 7]
    assert odds[order[20], order[9]] - eta[20, 9] == pytest.approx(shift, abs=1e-9)
    assert expit(eta).shape == odds.shape


def test_what_has_no_world(mode: Fit, draws: Fit, network: Network) -> None:
    with pytest.raises(InputError, match="made has no model from which"):
        scenario_from_fit(made_fit([0, 1]), network)
    with pytest.raises(InputError, match=r"^draw = 400: must be from 0 to 399$"):
        scenario_from_fit(draws, network, draw=400)
    with pytest.raises(InputError, match=r"^relation = 1: must be from 0 to 0$"):
        scenario_from_fit(mode, network, relation=1)
    with pytest.raises(InputError, match="the fit is of 45 actors"):
        scenario_from_fit(mode, network_of(network.ties[:40, :40], actors=network.actors[:40]))
    with pytest.raises(InputError, match="must have both ties and dyads"):
        scenario_from_fit(mode, network_of(np.zeros((45, 45), dtype=bool), actors=network.actors))
    world = scenario_from_fit(mode, network)
    with pytest.raises(InputError, match=r"^n_sites = 2: must be 1, as the fit has it"):
        world.but(n_sites=2)
    with pytest.raises(InputError, match="labels: must be whole numbers from 0, each used"):
        type(world.fitted)(**{**world.fitted.everything(), "labels": [1] * 45})  # type: ignore[misc, union-attr]
