"""Cells: one scenario, fieldwork, fitter and replicate. Computing one needs the study and its place, nothing else."""

from __future__ import annotations

import itertools
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.fieldwork.observe import observe
from simlab.fit.fit import Fit, Fitter, Status
from simlab.fit.together import TogetherFitter
from simlab.foundation.errors import InputError, SimlabError, shown
from simlab.foundation.streams import stream
from simlab.generate.simulate import Simulation, simulate
from simlab.generate.truth import NetworkTruth
from simlab.metrics.metric import Kind, Metric
from simlab.panel import Panel
from simlab.study.design import Study
from simlab.study.limits import CellStopped, Limits, Watch

# How the message of a cell begins whose world cannot be as its scenario wants it, whatever the fieldwork.
NO_WORLD = "no such world: "

Floats = NDArray[np.float64]
Key = tuple[str, str, str]
Names = tuple[str, ...] | None

PENDING, OK, NOT_CONVERGED, FAILED, TIMED_OUT, KILLED = range(6)
STATUS_NAMES = ("pending", "ok", "not_converged", "failed", "timed_out", "killed")
# What a fitter or metric may raise; Ctrl-C is not its fault.
FAULTS = (Exception, SystemExit)
_CODE = {Status.OK: OK, Status.NOT_CONVERGED: NOT_CONVERGED, Status.FAILED: FAILED}


class Place(NamedTuple):
    """Where a cell is: its indices among scenarios, fieldworks (both in grid order), fitters, and its replicate."""

    scenario: int
    fieldwork: int
    fitter: int
    replicate: int


class Task(NamedTuple):
    """What a worker is given at once: some cells, those of one world one after the other.

    ``metrics`` are the names to compute, all where None; ``seconds`` how long it may take, NaN where that is not known.
    """

    places: tuple[Place, ...]
    metrics: tuple[str, ...] | None = None
    seconds: float = float("nan")


@dataclass(eq=False)
class CellResult:
    """What a cell leaves: how it ended, why, how long it took (s), and metrics.

    values : (metric of fits, site, relation, period), NaN where not defined; None where nothing was computed.
    """

    place: Place
    status: int
    message: str
    values: Floats | None = None
    elapsed: float = float("nan")


@dataclass(eq=False)
class WorldResult:
    """Results of cells of one scenario and replicate, and the metrics of their truth.

    truth : (metric of truths, site, relation, period), NaN where not defined; None where it could not be computed.
    """

    scenario: int
    replicate: int
    cells: list[CellResult]
    truth: Floats | None = None


@dataclass(frozen=True, eq=False)
class World:
    """A simulation, with the truth of each of its networks."""

    simulation: Simulation
    truths: dict[Key, NetworkTruth]

    @classmethod
    def of(cls, study: Study, scenario: int, replicate: int) -> World:
        """Simulate one replicate of a study's scenario."""
        simulation = simulate(study.scenarios.settings[scenario], seed=study.seed, replicate=replicate)
        return cls(simulation, {key: simulation.truth.network(*key) for key in simulation.panel.keys})

    def in_turn(self) -> list[tuple[Key, Key | None]]:
        """Return every network with the same one a period before."""
        panel = self.simulation.panel
        before = dict(zip(panel.periods[1:], panel.periods[:-1], strict=True))
        return [((s, r, p), (s, r, before[p]) if p in before else None) for s, r, p in panel.keys]


@dataclass(frozen=True, eq=False)
class CellFits:
    """A cell computed in full, to look at: the world, what the field saw, and the fit of each network."""

    world: World
    observed: Panel
    fits: dict[Key, Fit]
    errors: dict[Key, BaseException]

    @property
    def simulation(self) -> Simulation:
        """The panel and truth that were observed."""
        return self.world.simulation


def compute_task(study: Study, task: Task, watch: Watch | None = None) -> list[WorldResult]:
    """Compute the cells of a task, world by world, so that a world is simulated once.

    Never raises: what goes wrong is a failed cell with a message, and what passes a limit of ``watch`` one that says so.
    """
    watch = watch or Watch(Limits())
    with OneThread():
        worlds = itertools.groupby(task.places, key=lambda place: (place.scenario, place.replicate))
        return [_compute_world(study, list(places), task.metrics, watch) for _, places in worlds]


def _compute_world(study: Study, places: list[Place], names: Names, watch: Watch) -> WorldResult:
    scenario, replicate = places[0].scenario, places[0].replicate
    begun = time.perf_counter()
    try:
        with watch.over(places[0]):
            world = World.of(study, scenario, replicate)
    except (*FAULTS, CellStopped) as error:
        status, message = _ended(error)
        if isinstance(error, InputError):
            message = f"{NO_WORLD}{message}"
        return WorldResult(scenario, replicate, [CellResult(place, status, message) for place in places])
    spent = time.perf_counter() - begun
    cells = []
    for place in places:
        cells.append(compute_cell(study, place, world, names=names, watch=watch))
        cells[-1].elapsed += spent / len(places)
    try:
        with watch.over(places[0]):
            return WorldResult(scenario, replicate, cells, truth_values(study, world, names))
    except (*FAULTS, CellStopped) as error:
        status, message = _ended(error)
        for cell in cells:
            cell.status, cell.message = status, f"metrics of the truth: {message}"
        return WorldResult(scenario, replicate, cells)


def compute_cell(
    study: Study, place: Place, world: World, *, names: Names = None, watch: Watch | None = None
) -> CellResult:
    """Fit all networks of a cell and score them."""
    begun = time.perf_counter()
    try:
        with (watch or Watch(Limits())).over(place):
            result = _compute_cell(study, place, world, names)
    except (*FAULTS, CellStopped) as error:
        result = CellResult(place, *_ended(error))
    result.elapsed = time.perf_counter() - begun
    return result


def _compute_cell(study: Study, place: Place, world: World, names: Names) -> CellResult:
    found = fit_cell(study, place, world)
    messages = [f"{_named(study, key)}{failure_message(error)}" for key, error in found.errors.items()]
    messages += [f"{_named(study, key)}{fit.message}" for key, fit in found.fits.items() if fit.message]
    codes = [_CODE[fit.status] for fit in found.fits.values()] + [FAILED] * len(found.errors)
    try:
        values = fit_values(study, found, names)
    except FAULTS as error:
        return CellResult(place, FAILED, f"metrics: {failure_message(error)}")
    return CellResult(place, max(codes), "; ".join(messages), values)


def _ended(error: BaseException) -> tuple[int, str]:
    """Return status and message of a cell that ended with an error."""
    if isinstance(error, CellStopped):
        return STATUS_NAMES.index(error.kind), error.message
    return FAILED, failure_message(error)


def fit_cell(study: Study, place: Place, world: World | None = None) -> CellFits:
    """Compute a cell in full: fits of every site, relation and period, each from a stream of its own."""
    scenario = study.scenarios.settings[place.scenario]
    fieldwork = study.fieldworks.settings[place.fieldwork]
    fitter = list(study.fitters.values())[place.fitter]
    if world is None:
        world = World.of(study, place.scenario, place.replicate)
    panel, truth = world.simulation
    observed = observe(panel, fieldwork, seed=study.seed, replicate=place.replicate, world=scenario.key, truth=truth)
    fits: dict[Key, Fit] = {}
    errors: dict[Key, BaseException] = {}
    for place_of_all, keys in together(observed.keys, fitter):
        names = (scenario.key, fieldwork.key, fitter.name, fitter.key, place.replicate, *place_of_all)
        rng = stream(study.seed, "fit", *names)
        try:
            if isinstance(fitter, TogetherFitter):
                found = fitter.fit_together([observed.network(*key) for key in keys], rng=rng)
                fits.update(zip(keys, found, strict=True))
            else:
                fits[keys[0]] = fitter.fit(observed.network(*keys[0]), rng=rng)
        except FAULTS as error:
            errors.update(dict.fromkeys(keys, error))
    return CellFits(world, observed, fits, errors)


def together(keys: Sequence[Key], fitter: Fitter) -> list[tuple[Key, list[Key]]]:
    """Return the networks that a fitter is given at once: what they are called, and their keys.

    One network is called as it is. Several relations of a site and period, which a TogetherFitter is given, have an empty
    relation for their name, and several sites of a relation and period an empty site.
    """
    if not isinstance(fitter, TogetherFitter):
        return [(key, [key]) for key in keys]
    groups: dict[Key, list[Key]] = {}
    for site, relation, period in keys:
        name = ("", relation, period) if fitter.over == "site" else (site, "", period)
        groups.setdefault(name, []).append((site, relation, period))
    return list(groups.items())


def fit_values(study: Study, found: CellFits, names: Names = None) -> Floats:
    """Return the metrics of fits, (metric, site, relation, period) over the study's; NaN for those not named."""
    return _values(study, study.fit_metrics, found.world, found.fits, found.observed, names)


def truth_values(study: Study, world: World, names: Names = None) -> Floats:
    """Return the metrics of the truth, (metric, site, relation, period); NaN for those not named."""
    return _values(study, study.truth_metrics, world, {}, None, names)


def _values(
    study: Study,
    wanted: Sequence[Metric],
    world: World,
    fits: dict[Key, Fit],
    observed: Panel | None,
    names: Names,
) -> Floats:
    """Return the metrics of fits and of what the field saw or, where nothing is ``observed``, those of the truth."""
    sites, relations, periods = study.sites, study.relations, study.periods
    values = np.full((len(wanted), len(sites), len(relations), len(periods)), np.nan)
    truths, in_turn = world.truths, world.in_turn()
    for metric, out in zip(wanted, values, strict=True):
        if names is not None and metric.name not in names:
            continue
        if metric.kind == Kind.PANEL:
            # One value for all networks stands at the first of them.
            out[0, relations.index(in_turn[0][0][1]), 0] = metric.of_panel(fits, truths)
            continue
        for key, before in in_turn:
            at = sites.index(key[0]), relations.index(key[1]), periods.index(key[2])
            if not metric.kind.of_change:
                out[at] = metric.of_network(fits.get(key), truths[key])
            elif before is not None:
                seen = None if observed is None else (observed.network(*before), observed.network(*key))
                out[at] = metric.of_periods(fits.get(before), fits.get(key), truths[before], truths[key], seen=seen)
    return values


def failure_message(error: BaseException) -> str:
    """Return one line: simlab's own message, or the kind of error, its text and where it was raised."""
    if isinstance(error, SimlabError):
        return shown(str(error), 300)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {shown(str(error), 200)}{where}"


def _named(study: Study, key: Key) -> str:
    several = (len(study.sites) > 1, len(study.relations) > 1, len(study.periods) > 1)
    parts = [f"period {k}" if i == 2 else k for i, k in enumerate(key) if several[i]]
    return f"{', '.join(parts)}: " if parts else ""


class OneThread:
    """A context in which the linear algebra libraries use one thread, so that numbers do not depend on the cores."""

    def __enter__(self) -> None:
        self._limit = _controller(tuple(name in sys.modules for name in _WITH_LIBRARIES)).limit(limits=1)

    def __exit__(self, *details: object) -> None:
        self._limit.restore_original_limits()


# Packages that bring a linear algebra or threading library of their own, which is known once it is loaded.
_WITH_LIBRARIES = ("numpy", "scipy.linalg", "sklearn")


@lru_cache(maxsize=8)
def _controller(_loaded: tuple[bool, ...]) -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
