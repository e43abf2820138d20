"""Fits of fewer, or of other, actors than the truth: compared over those of both, in one place, and said in the dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference.made import made_fit, made_truth

from simlab.fieldwork.observe import Fieldwork, observe
from simlab.fit.lpcm_mcmc import LpcmMcmc
from simlab.fit.spectral import Spectral
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.metrics.metric import Kind, in_common, metrics
from simlab.metrics.recovery import adjusted_rand_index
from simlab.study.design import Study
from simlab.study.run import run

WORLD = Scenario(n_actors=24, mean_degree=5.0, n_periods=2)
FIELDWORKS = {
    "masked": Fieldwork(response_rate=0.6),
    "listwise": Fieldwork(response_rate=0.6, treatment="listwise-deletion"),
    "narrow": Fieldwork(left_out="private"),
    "wide": Fieldwork(outsiders=0.25),
    "narrow and wide": Fieldwork(left_out="NHS", outsiders=0.25, response_rate=0.7, treatment="listwise-deletion"),
}


def test_restricting_by_hand_and_by_metric_agree() -> None:
    labels = [0, 0, 0, 1, 1, 1]
    truth = made_truth(labels, bridger=np.array([True, False, False, False, False, True]))
    score = np.array([0.9, 0.1, 0.2, 0.3, 0.8, 0.4])
    fit = made_fit([0, 1, 0, 1], "fdxb", bridging={"participation": score[:4]})
    found, true = in_common(fit, truth)
    assert found.actors == true.actors == ("f", "d", "b")
    assert true.labels.tolist() == [1, 1, 0]
    assert true.bridger.tolist() == [True, False, False]
    assert found.labels.tolist() == [0, 1, 1]
    assert found.bridging["participation"].tolist() == [0.9, 0.1, 0.3]
    for name in ("ari", "bridger_auc", "misclassification", "organisation_mix"):
        metric = metrics[name].thing
        by_hand = metric.function(found, true)
        assert metric.of_network(fit, truth) == pytest.approx(by_hand, nan_ok=True)
    assert metrics["share_scored"].thing.of_network(fit, truth) == 3 / 6
    alone = adjusted_rand_index(np.array([9, 1, 8, 1, 7, 0]), truth.labels)
    assert metrics["ari_of_all"].thing.of_network(fit, truth) == pytest.approx(alone)
    whole = made_fit(labels[::-1], truth.actors)
    assert metrics["ari_of_all"].thing.of_network(whole, truth) == metrics["ari"].thing.of_network(whole, truth) == 1.0


def test_the_same_actors_are_not_copied() -> None:
    truth = made_truth([0, 1, 1])
    fit = made_fit([0, 1, 1])
    assert in_common(fit, truth) == (fit, truth)
    assert metrics["share_scored"].thing.of_network(fit, truth) == 1.0


def test_nobody_in_common_is_nan() -> None:
    fit, truth = made_fit([0, 1, 1], "xyz"), made_truth([0, 1, 1])
    for entry in metrics:
        metric = entry.thing
        if metric.kind == Kind.FIT and not metric.whole:
            assert np.isnan(metric.of_network(fit, truth)), metric.name
    assert metrics["share_scored"].thing.of_network(fit, truth) == 0.0


def test_a_missing_actor_is_an_error() -> None:
    with pytest.raises(KeyError):
        made_fit([0, 1]).of(("a", "z"))
    with pytest.raises(KeyError):
        made_truth([0, 1]).of(("z",))


def test_a_fit_with_draws_is_restricted_with_them() -> None:
    panel, _ = simulate(WORLD, seed=1)
    network = panel.network(period=1)
    fit = LpcmMcmc(n_clusters=2, n_chains=2, n_warmup=50, n_draws=20, sociality="both").fit(
        network, rng=np.random.default_rng(1)
    )
    some = network.actors[::-2]
    part = fit.of(some)
    assert part.posterior is not None
    assert fit.posterior is not None
    at = [network.actors.index(actor) for actor in some]
    assert np.array_equal(part.posterior.labels, fit.posterior.labels[:, :, at])
    assert np.array_equal(part.posterior.positions, fit.posterior.positions[:, :, at])
    assert np.array_equal(part.posterior.sender, fit.posterior.sender[..., at])
    assert np.array_equal(part.membership, fit.membership[at])
    assert part.n_clusters == fit.n_clusters
    few = network.of(some)
    assert np.array_equal(few.state, network.state[np.ix_(at, at)])
    assert few.attributes["service"] == tuple(network.attributes["service"][i] for i in at)


@pytest.mark.parametrize("fieldwork", FIELDWORKS)
def test_every_metric_of_every_fieldwork_is_within_its_limits(fieldwork: str) -> None:
    panel, truth = simulate(WORLD, seed=3)
    seen = observe(panel, FIELDWORKS[fieldwork], seed=3, truth=truth)
    keys = [("site 1", "contact", period) for period in ("1", "2")]
    fits = [Spectral(n_clusters=3).fit(seen.network(*key), rng=np.random.default_rng(1)) for key in keys]
    truths = [truth.network(*key) for key in keys]
    for entry in metrics:
        metric = entry.thing
        value = (
            metric.of_periods(fits[0], fits[1], truths[0], truths[1])
            if metric.kind.of_change
            else metric.of_network(fits[1], truths[1])
        )
        assert np.isnan(value) or metric.low is None or value >= metric.low, metric.name
        assert np.isnan(value) or metric.high is None or value <= metric.high, metric.name
        if metric.name in ("ari", "core_recall", "seen_switching"):
            assert np.isfinite(value), metric.name
    reordered = [replace(fit, **_turned(fit)) for fit in fits]
    for name in ("ari", "bridger_auc"):
        one, other = (metrics[name].thing.of_network(fit, truths[1]) for fit in (fits[1], reordered[1]))
        assert one == pytest.approx(other, nan_ok=True)


def _turned(fit: Any) -> dict[str, Any]:
    """Return a fit's parts with the actors the other way round."""
    return {
        "actors": fit.actors[::-1],
        "labels": fit.labels[::-1],
        "membership": fit.membership[::-1],
        "bridging": {name: values[::-1] for name, values in fit.bridging.items()},
        "unknown": fit.unknown[::-1],
    }


def test_a_study_says_how_many_were_scored(tmp_path: Path) -> None:
    study = Study(
        "scored",
        question="Who is scored?",
        scenarios=WORLD,
        fieldworks=FIELDWORKS,
        fitters=[Spectral(n_clusters=3)],
        replicates=2,
        metrics=["ari", "share_scored", "bayes_ari", "seen_switching"],
    )
    dataset = run(study, tmp_path / "scored.zarr", jobs=1, backend="threads")
    assert (dataset["status"] == 1).all()
    assert np.isfinite(dataset["ari"]).all()
    share = dataset["share_scored"].mean(["replicate", "period", "fitter", "site", "relation"])
    assert float(share.sel(fieldwork="masked")) == 1.0
    assert float(share.sel(fieldwork="wide")) == 1.0
    assert 0.4 < float(share.sel(fieldwork="listwise")) < 0.8
    assert 0.5 < float(share.sel(fieldwork="narrow")) < 0.9
    assert float(share.sel(fieldwork="narrow and wide")) < float(share.sel(fieldwork="narrow"))


def test_treatments_are_compared_on_the_same_answers() -> None:
    panel, truth = simulate(WORLD, seed=1)
    seen = {
        treatment: observe(panel, Fieldwork(response_rate=0.6, treatment=treatment), seed=1, truth=truth)
        for treatment in ("masking", "listwise-deletion", "reconstruction")
    }
    assert np.array_equal(seen["masking"].answered, seen["listwise-deletion"].answered)
    assert np.array_equal(seen["masking"].answered, seen["reconstruction"].answered)
