"""Checks that anybody's scenario, fitter or metric must pass; call them from a test of your own.

Each raises AssertionError with a sentence that says what is wrong.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator

import numpy as np

from simlab.fieldwork.observe import Fieldwork, observe
from simlab.fit.fit import Fit, FitError, Fitter, Status
from simlab.foundation.errors import InputError
from simlab.foundation.streams import stream
from simlab.generate.information import information_of
from simlab.generate.people import simulate_people
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.generate.structures import WITHOUT_CLUSTERS, structures
from simlab.generate.truth import NetworkTruth
from simlab.metrics.metric import Kind, Metric
from simlab.panel import DyadState, Network


def networks() -> Iterator[tuple[str, Network]]:
    """Yield named networks that every fitter has to cope with: typical, partly observed, undirected, and the extremes."""
    small = Scenario(n_actors=24, mean_degree=5.0)
    simulation = simulate(small, seed=1)
    typical = simulation.panel.network()
    yield "typical", typical
    yield (
        "partly observed",
        observe(simulation.panel, Fieldwork(response_rate=0.6, max_nominations=3), seed=1).network(),
    )
    yield "undirected", _of(typical.ties | typical.ties.T, directed=False)
    yield "no ties", _of(np.zeros((8, 8), dtype=bool))
    yield "all ties", _of(np.ones((8, 8), dtype=bool))
    isolates = np.zeros((12, 12), dtype=bool)
    isolates[:4, :4] = isolates[4:8, 4:8] = True
    yield "isolates and small components", _of(isolates)
    yield "two actors", _of(np.array([[False, True], [False, False]]))


def nothing_observed() -> Network:
    """Return a network of which nothing was observed: every fitter refuses it."""
    state = np.full((8, 8), DyadState.NO_ANSWER, dtype=np.int8)
    np.fill_diagonal(state, DyadState.IMPOSSIBLE)
    return Network(tuple(f"a{i:02d}" for i in range(8)), state)


def check_fitter(fitter: Fitter) -> None:
    """Check that a fitter keeps the contract on every one of ``networks``.

    Fits are whole and within limits, the same stream gives the same fit, the fit survives pickling, and settings go to JSON
    and back. A network with more clusters asked for than actors may be refused with InputError, and one of which nothing was
    observed must be; FitError is a failure.
    """
    assert type(fitter)(**json.loads(json.dumps(fitter.everything()))) == fitter, "settings do not survive JSON"
    assert pickle.loads(pickle.dumps(fitter)) == fitter, "settings do not survive pickling"
    for name, network in networks():
        try:
            fit = fitter.fit(network, rng=stream(1, "check"))
            again = fitter.fit(network, rng=stream(1, "check"))
        except InputError as error:
            if "n_clusters" in str(error):
                continue
            raise AssertionError(f"{name}: refused although it could be fitted: {error}") from error
        except FitError as error:
            raise AssertionError(f"{name}: fails: {error}") from error
        check_fit(fit, network, name)
        assert np.array_equal(fit.labels, again.labels), f"{name}: the same stream gives other labels"
        assert np.array_equal(fit.membership, again.membership), f"{name}: the same stream gives other memberships"
    try:
        fitter.fit(nothing_observed(), rng=stream(1, "check"))
    except InputError:
        return
    raise AssertionError("nothing observed: must be refused with InputError")


def check_fit(fit: Fit, network: Network, name: str = "network") -> None:
    """Check that a fit is whole: shapes, ranges, names."""
    n = network.n_actors
    assert fit.actors == network.actors, f"{name}: actors are lost or in another order"
    assert fit.labels.shape == (n,), f"{name}: labels must be one an actor"
    assert fit.status in tuple(Status), f"{name}: unknown status"
    assert fit.status == Status.OK or fit.message, f"{name}: a fit that is not ok says why"
    assert fit.membership.shape == (n, fit.n_clusters), f"{name}: membership must be (n_actors, n_clusters)"
    assert ((fit.labels >= 0) & (fit.labels < fit.n_clusters)).all(), f"{name}: labels must be from 0 below n_clusters"
    assert np.allclose(fit.membership.sum(axis=1), 1.0), f"{name}: memberships must add up to 1"
    assert (fit.membership >= 0.0).all(), f"{name}: memberships must not be negative"
    assert fit.bridging_score in fit.bridging, f"{name}: the bridging score that is named must be there"
    for score, values in fit.bridging.items():
        assert values.shape == (n,), f"{name}: the score {score} must be one an actor"
        assert np.isfinite(values).all(), f"{name}: the score {score} must be finite"
    if fit.positions is not None:
        assert fit.positions.shape[0] == n, f"{name}: positions must be one an actor"
        assert np.isfinite(fit.positions).all(), f"{name}: positions must be finite"
    assert fit.unknown.shape == (n,), f"{name}: unknown must be one an actor"
    assert fit.seconds >= 0.0, f"{name}: seconds must not be negative"


def check_metric(
    metric: Metric,
    fits: tuple[Fit, Fit],
    truths: tuple[NetworkTruth, NetworkTruth],
    seen: tuple[Network, Network] | None = None,
) -> None:
    """Check that a metric is a number within its limits, or NaN, for two periods' fits and truths, and NaN if a fit failed.

    ``seen`` are the networks that were fitted, for metrics of what the field saw.
    """
    before, after = fits
    keys = [("site 1", "contact", period) for period in ("1", "2")]
    if metric.kind == Kind.PANEL:
        value = metric.of_panel(dict(zip(keys, fits, strict=True)), dict(zip(keys, truths, strict=True)))
        one_only = metric.of_panel({keys[1]: after}, dict(zip(keys, truths, strict=True)))
        assert np.isnan(one_only), f"{metric.name}: must be NaN where a network has no fit"
    elif metric.kind.of_change:
        value = metric.of_periods(before, after, *truths, seen=seen)
    else:
        value = metric.of_network(after, truths[1])
    assert isinstance(value, float), f"{metric.name}: must be a float"
    if not np.isnan(value):
        assert metric.low is None or value >= metric.low - 1e-9, (
            f"{metric.name} = {value}: below its limit {metric.low}"
        )
        assert metric.high is None or value <= metric.high + 1e-9, (
            f"{metric.name} = {value}: above its limit {metric.high}"
        )
    if metric.kind == Kind.FIT:
        assert np.isnan(metric.of_network(None, truths[1])), f"{metric.name}: must be NaN where there is no fit"
    if metric.kind.of_fits and metric.kind.of_change:
        assert np.isnan(metric.of_periods(None, after, *truths)), f"{metric.name}: must be NaN where there is no fit"


def check_scenario(scenario: Scenario) -> None:
    """Check that a scenario simulates, reproducibly, with a truth that fits its panel."""
    assert Scenario(**json.loads(json.dumps(scenario.everything()))) == scenario, "settings do not survive JSON"
    one, other = (simulate(scenario, seed=1) for _ in range(2))
    for key in one.panel.keys:
        network, truth = one.panel.network(*key), one.truth.network(*key)
        assert network.actors == truth.actors, f"{key}: panel and truth have different actors"
        assert np.array_equal(network.ties, truth.ties), f"{key}: the panel's ties are not the true ones"
        assert np.array_equal(network.state, other.panel.network(*key).state), f"{key}: the same seed gives other ties"
        off = ~np.eye(network.n_actors, dtype=bool)
        assert ((truth.probability[off] >= 0.0) & (truth.probability[off] <= 1.0)).all(), f"{key}: not probabilities"
        relation = scenario.relations.index(key[1])
        information = scenario.information_wanted(relation)
        if information is None:
            wanted = scenario.degree_wanted(relation, network.n_actors)
            assert np.isclose(truth.probability[off].sum() / network.n_actors, wanted, rtol=1e-6), (
                f"{key}: wrong mean degree"
            )
        else:
            found = information_of(truth.either, truth.labels)
            assert np.isclose(found, information, rtol=1e-6), f"{key}: wrong information"
        assert ((truth.labels >= 0) & (truth.labels < scenario.n_clusters)).all(), f"{key}: labels out of range"


def check_structure(name: str, scenario: Scenario | None = None) -> None:
    """Check that a registered structure keeps the contract: affinities of everybody present, in a new array each time.

    The same stream gives the same bonds, nothing is said of those absent in the traits, and a scenario with it passes
    ``check_scenario``. ``scenario`` is one with this structure, for those that need settings of their own.
    """
    world = scenario or Scenario(
        structure=name,
        n_clusters=1 if name in WITHOUT_CLUSTERS else 3,
        n_actors=24,
        mean_degree=5.0,
        reciprocity=0.3,
        n_periods=3,
        tie_persistence=None,
    )
    assert world.structure == name, f"{name}: the scenario given has another structure"
    people = simulate_people(world, stream(1, "check", "people"))
    one, other = (structures[name].thing(world, people, stream(1, "check", "structure")) for _ in range(2))
    for period, here in enumerate(people.present):
        affinity = one.affinity(period)
        assert affinity.shape == (len(here), len(here)), f"{name}: affinities must be (n_people, n_people)"
        pairs = np.outer(here, here) & ~np.eye(len(here), dtype=bool)
        assert np.isfinite(affinity[pairs]).all(), f"{name}: affinities of those present must be finite"
        assert np.array_equal(affinity[pairs], other.affinity(period)[pairs]), f"{name}: the same stream gives others"
        affinity += 1.0
        again = one.affinity(period)
        assert np.allclose(again[pairs] + 1.0, affinity[pairs]), f"{name}: affinities must be a new array each time"
    for trait, values in one.traits.items():
        assert values.shape[:2] == people.present.shape, f"{name}: {trait} must be (n_periods, n_people, ...)"
        assert values.ndim <= 3, f"{name}: {trait} must have at most three dimensions"
        absent = values[~people.present]
        unknown = np.isnan(absent) if values.dtype.kind == "f" else absent == (-1 if values.dtype.kind == "i" else 0)
        assert unknown.all(), f"{name}: {trait} must be NaN, -1 or False where somebody is absent"
    check_scenario(world)


def _of(ties: np.ndarray, directed: bool = True) -> Network:
    state = np.where(ties, DyadState.TIE, DyadState.NO_TIE).astype(np.int8)
    np.fill_diagonal(state, DyadState.IMPOSSIBLE)
    return Network(tuple(f"a{i:02d}" for i in range(len(ties))), state, directed)
