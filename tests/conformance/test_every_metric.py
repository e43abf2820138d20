"""What every registered metric must keep, on ordinary fits and on odd ones."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from reference.made import made_fit

from simlab.fit.fit import Fit, Fitter, Status
from simlab.fit.louvain import Louvain
from simlab.fit.lpcm_mcmc import LpcmMcmc
from simlab.fit.spectral import Spectral
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.generate.truth import NetworkTruth
from simlab.metrics.metric import Kind, Metric, metrics
from simlab.panel import Network
from simlab.testing import check_metric

Pair = tuple[tuple[Fit, Fit], tuple[NetworkTruth, NetworkTruth], tuple[Network, Network]]

WORLDS = {
    "typical": Scenario(n_actors=30, n_periods=2, mean_degree=5.0),
    "one cluster": Scenario(n_actors=30, n_periods=2, mean_degree=5.0, n_clusters=1),
    "everybody goes": Scenario(
        n_actors=20, n_periods=2, mean_degree=4.0, reciprocity=None, leaving=1.0, core_leaving=1.0
    ),
}
FITTERS: dict[str, Fitter] = {
    "spectral": Spectral(n_clusters=3),
    "louvain": Louvain(),
    "lpcm-mcmc": LpcmMcmc(n_clusters=2, n_chains=2, n_warmup=50, n_draws=30),
    "lpcm-mcmc, a range": LpcmMcmc(n_clusters=(2, 3), n_chains=2, n_warmup=50, n_draws=30),
}
MADE = ("one cluster", "singletons", "an empty cluster")
CASES = [(world, way) for world in WORLDS for way in (*FITTERS, *MADE)]


def made(way: str, truth: NetworkTruth) -> Fit:
    """Return a fit with odd labels."""
    n = len(truth.actors)
    labels = np.arange(n) if way == "singletons" else np.zeros(n, dtype=int)
    width = {"one cluster": 1, "singletons": n, "an empty cluster": 3}[way]
    return made_fit(labels, truth.actors, membership=np.eye(width)[labels])


@cache
def pair(world: str, way: str) -> Pair:
    """Return the fits and truths of two periods."""
    panel, truth = simulate(WORLDS[world], seed=2)
    truths = tuple(truth.network("site 1", "contact", period) for period in ("1", "2"))
    seen = panel.network(period=1), panel.network(period=2)
    if way in MADE:
        return (made(way, truths[0]), made(way, truths[1])), (truths[0], truths[1]), seen
    fits = [FITTERS[way].fit(network, rng=np.random.default_rng(t)) for t, network in enumerate(seen, start=1)]
    return (fits[0], fits[1]), (truths[0], truths[1]), seen


def value_of(metric: Metric, given: Pair) -> float:
    fits, truths, seen = given
    if metric.kind == Kind.PANEL:
        keys = [("site 1", "contact", period) for period in ("1", "2")]
        return metric.of_panel(dict(zip(keys, fits, strict=True)), dict(zip(keys, truths, strict=True)))
    if metric.kind.of_change:
        return metric.of_periods(*fits, *truths, seen=seen)
    return metric.of_network(fits[1], truths[1])


def of_two_sites(metric: Metric) -> float:
    """Return the value of a metric of a whole panel for two sites; NaN for others."""
    panel, truth = simulate(Scenario(n_actors=30, n_sites=2, mean_degree=5.0), seed=2)
    fits = {key: FITTERS["spectral"].fit(panel.network(*key), rng=np.random.default_rng(1)) for key in panel.keys}
    return metric.of_panel(fits, {key: truth.network(*key) for key in panel.keys})


@pytest.mark.parametrize("name", metrics.names())
@pytest.mark.parametrize(("world", "way"), CASES)
def test_every_metric_is_nan_or_within_its_limits(world: str, way: str, name: str) -> None:
    metric = metrics[name].thing
    given = pair(world, way)
    check_metric(metric, *given)
    value = value_of(metric, given)
    assert not np.isinf(value)
    for limit, sign in ((metric.low, 1.0), (metric.high, -1.0)):
        assert limit is None or np.isnan(value) or sign * (value - limit) >= -1e-9
    assert value == value_of(metric, given) or np.isnan(value)


@pytest.mark.parametrize("name", metrics.names())
def test_every_metric_is_defined_somewhere_and_described(name: str) -> None:
    metric = metrics[name].thing
    values = [value_of(metric, pair("typical", way)) for way in FITTERS]
    assert np.isfinite([*values, of_two_sites(metric)]).any()
    assert metric.name == name
    assert metric.long_name
    assert metric.units
    assert metrics[name].reference


def test_a_perfect_fit_has_perfect_scores() -> None:
    _, truths, seen = pair("typical", "spectral")
    fits = [
        made_fit(t.labels, t.actors, bridging={"participation": t.bridger.astype(float)}, positions=t.positions)
        for t in truths
    ]
    given = (fits[0], fits[1]), truths, seen
    best = {"ari": 1.0, "ami": 1.0, "variation_of_information": 0.0, "misclassification": 0.0, "position_error": 0.0}
    best |= {"bridger_auc": 1.0, "bridger_average_precision": 1.0, "bridger_precision": 1.0, "n_clusters_error": 0.0}
    best |= {"core_recall": 1.0}
    for name, value in best.items():
        assert value_of(metrics[name].thing, given) == pytest.approx(value, abs=1e-12), name
    for found, true in [
        ("seen_switching", "true_switching"),
        ("core_persistence", "true_core_persistence"),
        ("matched_jaccard", "true_matched_jaccard"),
        ("organisation_mix", "true_organisation_mix"),
        ("seniority_mix", "true_seniority_mix"),
    ]:
        assert value_of(metrics[found].thing, given) == pytest.approx(value_of(metrics[true].thing, given)), found


def broken(value: object, kind: Kind = Kind.FIT) -> Metric:
    return Metric("broken", kind, lambda *given: value, "broken", "1", 0.0, 1.0)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(("value", "words"), [(1.5, "above its limit"), (-0.5, "below its limit")])
@pytest.mark.parametrize("kind", list(Kind))
def test_the_check_notices_values_beyond_the_limits(kind: Kind, value: float, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_metric(broken(value, kind), *pair("typical", "louvain"))


def test_the_check_lets_nan_pass_and_a_failed_fit_is_nan() -> None:
    fits, truths, _ = pair("typical", "louvain")
    check_metric(broken(float("nan")), fits, truths)
    failed = made_fit(np.zeros(len(truths[1].actors), dtype=int), truths[1].actors, status=Status.FAILED)
    assert np.isnan(broken(0.5).of_network(failed, truths[1]))
