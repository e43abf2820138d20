"""Worlds of posterior draws, what refits find again in them, and the fieldwork that is read from a panel."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import network_of
from reference.made import lpcm_network, made_fit, made_truth

from simlab import Fieldwork, Fit, InputError, LpcmMcmc, Network, Scenario, observe, simulate, stream
from simlab.fit.fit import FitError
from simlab.fit.likely_bridgers import likely_bridgers
from simlab.fit.over_relations import OverRelations
from simlab.metrics import again
from simlab.metrics.metric import metrics
from simlab.metrics.recovery import adjusted_rand_index
from simlab.panel_read import panel_from_tables
from simlab.plan.assess import concluded, prepared
from simlab.plan.assessable import check_assessable
from simlab.plan.fieldwork_read import fieldwork_of, joint_fieldwork, likely_limit
from simlab.plan.from_fit import scenario_from_fit
from simlab.plan.refitting import Refits, chooser, refitter
from simlab.plan.worlds import spread_evenly, worlds_from_fit
from simlab.testing import check_scenario

SHORT: dict[str, Any] = {"n_chains": 2, "n_draws": 100, "n_warmup": 150}


@pytest.fixture(scope="module")
def network() -> Network:
    return lpcm_network(30, separation=6.0, mean_degree=7.0, seed=2)[0]


@pytest.fixture(scope="module")
def fit(network: Network) -> Fit:
    return LpcmMcmc(n_clusters=3, **SHORT).fit(network, rng=stream(1, "fit"))


def undirected(network: Network) -> Network:
    return network_of(network.ties | network.ties.T, directed=False, actors=network.actors)


def test_worlds_have_the_clusters_of_their_draws_and_know_those_found(fit: Fit, network: Network) -> None:
    worlds = worlds_from_fit(fit, [network], 4)
    assert fit.posterior is not None
    drawn = fit.posterior.labels.reshape(-1, 30)
    for world, k in zip(worlds, spread_evenly(200, 4), strict=True):
        assert world.fitted is not None
        assert adjusted_rand_index(np.array(world.fitted.labels), drawn[k]) == 1.0
        assert adjusted_rand_index(np.array(world.fitted.found), fit.labels) == 1.0
        assert world.fitted.bridgers == tuple(fit.actors[i] for i in likely_bridgers(fit))
        assert world.n_periods == 1
    assert len({world.key for world in worlds}) == 4
    check_scenario(worlds[0])


def test_a_draw_that_is_taken_again_is_another_world(fit: Fit, network: Network) -> None:
    worlds = worlds_from_fit(fit, [network], 500)
    assert len({world.key for world in worlds}) == 500
    assert len({world.but(series=0).key for world in worlds}) <= 200


def test_in_a_world_of_two_periods_nobody_moves_and_ties_are_drawn_anew(fit: Fit, network: Network) -> None:
    world = worlds_from_fit(fit, [network], 1, n_periods=2)[0]
    panel, truth = simulate(world, seed=1)
    assert (truth.label[0] == truth.label[1]).all()
    assert np.array_equal(truth.position[0], truth.position[1])
    assert not truth.switched.any()
    one, two = (panel.network(period=p).ties for p in panel.periods)
    p = truth.probability["site 1", "contact", "1"]
    assert p == pytest.approx(truth.probability["site 1", "contact", "2"], nan_ok=True)
    # Ties of the two periods are independent given who people are: they share what two draws share.
    shared = [
        np.logical_and(*(simulate(world, seed=1, replicate=k).panel.network(period=q).ties for q in "12")).sum()
        for k in range(20)
    ]
    assert np.mean(shared) == pytest.approx(np.nansum(p**2), rel=0.1)
    assert (one != two).any()


def test_an_undirected_world_has_the_density_of_its_network(network: Network) -> None:
    plain = undirected(network)
    fit = LpcmMcmc(n_clusters=2, sociality="shared", **SHORT).fit(plain, rng=stream(1, "fit"))
    world = worlds_from_fit(fit, [plain], 1)[0]
    assert world.fitted is not None
    assert world.fitted.undirected == ("contact",)
    seen = [simulate(world, seed=1, replicate=k).panel.network() for k in range(20)]
    assert not any(one.directed for one in seen)
    assert all((one.ties == one.ties.T).all() for one in seen)
    assert np.mean([one.density for one in seen]) == pytest.approx(plain.density, rel=0.06)
    lost = observe(simulate(world, seed=1).panel, Fieldwork(response_rate=0.5), seed=1).network()
    assert 0.1 < 1.0 - lost.observed.sum() / (30 * 29) < 0.45  # one account of a tie is enough
    with pytest.raises(InputError, match="undirected: activity and popularity must be alike"):
        type(world.fitted)(**{**world.fitted.everything(), "activity": [0.5, *world.fitted.activity[1:]]})


def test_relations_fitted_jointly_are_one_world(network: Network) -> None:
    other = replace(undirected(lpcm_network(30, separation=6.0, mean_degree=4.0, seed=3)[0]), relation="lunch")
    networks = [replace(network, relation="advice"), replace(other, actors=network.actors)]
    joint = LpcmMcmc(n_clusters=2, **SHORT).fit_joint(networks, rng=stream(1, "fit"))
    world = worlds_from_fit(joint, networks, 1)[0]
    panel, truth = simulate(world, seed=1)
    assert panel.relations == ("advice", "lunch")
    assert panel.directed == (True, False)
    for one in networks:
        p = truth.probability["site 1", one.relation, "1"]
        assert np.nanmean(p) == pytest.approx(one.density, rel=1e-6)
    social = LpcmMcmc(n_clusters=2, sociality="shared", **SHORT).fit_joint(networks, rng=stream(1, "fit"))
    with pytest.raises(InputError, match="must not have effects or covariates of their own"):
        worlds_from_fit(social, networks, 1)


def test_a_limit_on_names_leaves_what_was_seen(network: Network) -> None:
    """Worlds of a fixed-choice study have the ties that were not named, so that the limit is not applied twice."""
    world = simulate(Scenario(n_actors=40, mean_degree=8.0), seed=1)
    seen = observe(world.panel, Fieldwork(max_nominations=5), seed=1)
    fit = LpcmMcmc(n_clusters=2, **SHORT).fit(seen.network(), rng=stream(1, "fit"))
    made = worlds_from_fit(fit, [seen.network()], 1)[0]
    again_seen = [
        observe(simulate(made, seed=1, replicate=k).panel, Fieldwork(max_nominations=5), seed=1).network().density
        for k in range(20)
    ]
    assert np.mean(again_seen) == pytest.approx(seen.network().density, rel=0.03)
    uncapped = replace(seen.network(), limited=None, max_nominations=None)
    control = scenario_from_fit(fit, uncapped, draw=0)
    twice = [
        observe(simulate(control, seed=1, replicate=k).panel, Fieldwork(max_nominations=5), seed=1).network().density
        for k in range(20)
    ]
    assert np.mean(twice) < 0.95 * seen.network().density


def test_metrics_of_what_is_found_again(fit: Fit, network: Network) -> None:
    world = worlds_from_fit(fit, [network], 1)[0]
    truth = simulate(world, seed=1).truth.network("site 1", "contact", "1")
    named = [fit.actors[i] for i in likely_bridgers(fit)]
    assert named
    assert again.ari_again(fit, truth) == 1.0
    found = [metrics[again.bridger_metric(k)].thing.function(fit, truth) for k in range(1, len(named) + 2)]
    assert found == pytest.approx([*[1.0] * len(named), np.nan], nan_ok=True)
    other = replace(fit, bridging={**fit.bridging, fit.bridging_score: -fit.bridging[fit.bridging_score]})
    assert metrics[again.bridger_metric(1)].thing.function(other, truth) == 0.0
    half = fit.of(fit.actors[5:25])
    assert again.ari_again(half, truth.of(half.actors)) == 1.0
    assert np.isnan(again.ari_again(made_fit([0, 1]), made_truth([0, 1])))
    kept = pickle.loads(pickle.dumps(metrics[again.bridger_metric(3)].thing))
    assert kept.function is metrics[again.bridger_metric(3)].thing.function


def test_what_is_not_of_this_kind(fit: Fit, network: Network) -> None:
    with pytest.raises(InputError, match=r"^worlds = 0: must be an integer from 1$"):
        worlds_from_fit(fit, [network], 0)
    with pytest.raises(InputError, match="has no labels of a draw"):
        scenario_from_fit(fit, network, drawn_labels=True)
    with pytest.raises(InputError, match="is not among the actors"):
        scenario_from_fit(fit, network, bridgers=["nobody"])


def test_refits_have_the_model_of_the_method() -> None:
    method = LpcmMcmc(n_clusters=3, sociality="sender", covariates=("match(office)",), concentration=2.0, n_draws=2000)
    again_fitter = refitter(method, 3, joint=False, name="lpcm-map")
    assert again_fitter.everything()["covariates"] == ["match(office)"]
    assert (again_fitter.name, again_fitter.everything()["sociality"]) == ("lpcm-map", "sender")
    short = refitter(method, 3, joint=False)
    assert (short.everything()["concentration"], short.everything()["n_chains"]) == (2.0, 1)
    together = refitter(method, 3, joint=True)
    assert isinstance(together, OverRelations)
    assert together.base_fitter == short
    assert chooser(method, 3, 40, joint=False).everything()["n_clusters"] == [1, 5]
    assert chooser(method.but(n_clusters=(2, 3)), 2, 40, joint=False).everything()["n_clusters"] == [1, 3]
    assert chooser(method, 3, 4, joint=False).everything()["n_clusters"] == [1, 4]
    with pytest.raises(InputError, match="must be a fitter to which a number of clusters"):
        refitter(method, 3, joint=False, name="louvain")


def test_fieldwork_is_read_from_the_panel() -> None:
    ties = [{"source": a, "target": b} for a, b in ("ab", "bc", "ca", "cd", "ce")]
    rows = [
        {"actor": a, "asked": asked, "answered": answered, "limited": limited}
        for a, asked, answered, limited in [
            ("a", "true", "true", ""),
            ("b", "true", "true", ""),
            ("c", "true", "true", "3"),
            ("d", "true", "false", ""),
            ("e", "false", "false", ""),
        ]
    ]
    panel = panel_from_tables(_frame(ties), actors=_frame(rows))
    read = fieldwork_of(panel, panel.keys[0])
    assert (read.response_rate, read.absence, read.max_nominations, read.proxy) == (0.75, pytest.approx(0.2), 3, 0.0)
    given = fieldwork_of(panel, panel.keys[0], response_rate=0.5, max_nominations=2)
    assert (given.response_rate, given.max_nominations) == (0.5, 2)
    for rate in (0.0, 2.0, float("nan")):
        with pytest.raises(InputError, match=r"^response_rate = .*: must be above 0 and at most 1$"):
            fieldwork_of(panel, panel.keys[0], response_rate=rate)


def _frame(rows: list[dict[str, str]]) -> Any:
    import pandas as pd

    return pd.DataFrame(rows)


def test_a_likely_limit_is_noticed() -> None:
    panel = simulate(Scenario(n_actors=40, mean_degree=8.0), seed=1).panel
    capped = observe(panel, Fieldwork(max_nominations=5), seed=1).network()
    assert likely_limit(replace(capped, limited=None, max_nominations=None)) == 5
    assert likely_limit(capped) is None
    assert likely_limit(panel.network()) is None


def test_relations_fitted_jointly_have_one_fieldwork() -> None:
    panel = simulate(Scenario(n_actors=20, mean_degree=6.0, relations=("advice", "lunch", "play")), seed=1).panel
    seen = observe(panel, Fieldwork(response_rate=0.7, max_nominations=3, proxy=0.4), seed=1)
    whole = joint_fieldwork(replace(seen, directed=(False, True, True)), "site 1", "1")
    each = [fieldwork_of(seen, key) for key in seen.keys]
    assert whole.max_nominations == 3
    assert whole.response_rate == each[0].response_rate
    assert whole.proxy == pytest.approx((each[1].proxy + each[2].proxy) / 2)
    unlike = replace(seen, max_nominations={**seen.max_nominations, seen.keys[1]: 8})
    with pytest.raises(InputError, match=r"^max_nominations: 3 for advice, 8 for lunch, 3 for play: must be alike"):
        joint_fieldwork(unlike, "site 1", "1")
    assert joint_fieldwork(unlike, "site 1", "1", max_nominations=8).max_nominations == 8


def test_what_cannot_be_fitted_jointly_is_refused_before_it_is_fitted(network: Network) -> None:
    empty = replace(network_of(np.zeros((30, 30), dtype=bool), actors=network.actors), relation="lunch")
    method = LpcmMcmc(n_clusters=2)
    check_assessable(method, [network])
    check_assessable(method, [network, network])
    with pytest.raises(InputError, match=r"^lunch: must have both ties and dyads without a tie"):
        check_assessable(method, [network, empty])
    for changes in ({"sociality": "both"}, {"reciprocity": True}, {"covariates": ("match(office)",)}):
        with pytest.raises(InputError, match=r": must be left out for --joint: each relation has such effects"):
            check_assessable(method.but(**changes), [network, network])


def test_a_limit_of_the_fieldwork_is_one_of_the_networks(
    fit: Fit, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Worlds have the ties before it, and are not cut twice; and a fit that fails leaves the others."""
    most = int(network.ties.sum(axis=1).max())

    def failed(method: LpcmMcmc, *_: Any, **__: Any) -> Fit:
        if method.n_clusters == 4:
            raise FitError("no luck")
        return fit

    monkeypatch.setattr(LpcmMcmc, "fit", failed)
    given: dict[str, Any] = {"seed": 1, "folder": tmp_path, "refits": Refits(4)}
    task = prepared(fit, [network], LpcmMcmc(n_clusters=3), Fieldwork(max_nominations=most), **given)
    assert task.networks[0].max_nominations == most
    worlds = task.again.scenarios.settings
    assert all(world.density > network.density for world in worlds)
    assert task.numbers.scenarios.labels["clusters"] == (2.0, 3.0)
    # What Ctrl-C leaves where it comes while a store is being made.
    half = task.store(task.numbers)
    half.mkdir()
    numbers = concluded(task).numbers
    assert (numbers.n_worlds, numbers.n_done, numbers.n_failed) == (2, 0, 0)
    free = prepared(fit, [network], LpcmMcmc(n_clusters=3), Fieldwork(), **given)
    assert free.again.scenarios.settings[0].density == pytest.approx(network.density)
