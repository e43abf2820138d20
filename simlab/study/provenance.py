"""Provenance: everything that a store's numbers depend on, as JSON, and a Study made again from it."""

from __future__ import annotations

import itertools
import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import simlab
from simlab.fieldwork.observe import Fieldwork
from simlab.fit.fit import Fitter, fitters
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.metrics.metric import metrics
from simlab.study.design import Grid, Study

SCHEMA_VERSION = 2
# Changes whenever a default or a fitter's numbers change, so that a store is never continued with other numbers.
RESULTS_VERSION = 3

_PACKAGES = ("simlab", "numpy", "scipy", "numba", "networkx", "joblib", "xarray", "zarr")


def describe(study: Study) -> dict[str, Any]:
    """Return the design of a study as plain JSON types: all that its numbers depend on but the replicates."""
    return {
        "name": study.name,
        "question": study.question,
        "about": dict(study.about),
        "seed": study.seed,
        "scenarios": _grid(study.scenarios),
        "fieldworks": _grid(study.fieldworks),
        "fitters": {
            label: {"name": fitter.name, "settings": fitter.everything()} for label, fitter in study.fitters.items()
        },
        "metrics": [metric.name for metric in study.metrics],
        # In which order metrics came into a store: cells that were computed before a set lack it until they are fitted again.
        "metric_sets": [[metric.name for metric in study.metrics]],
        "results_version": RESULTS_VERSION,
    }


def provenance(study: Study) -> str:
    """Return the JSON text that a store keeps: design, versions, machine, time of creation."""
    return json.dumps({"design": describe(study), **surroundings(), "created": now()})


def surroundings() -> dict[str, Any]:
    """Return versions and machine, which numbers depend on to the last bit."""
    return {
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
        "machine": {"system": platform.system(), "processor": processor(), "architecture": platform.machine()},
    }


def now() -> str:
    """Return the time, in UTC, as text."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def rebuild(text: str, replicates: int) -> Study:
    """Return the Study that a store's provenance describes.

    Nothing is executed: settings are data. InputError where a fitter or metric is not registered here.
    """
    design = json.loads(text)["design"]
    labelled: dict[str, Fitter] = {
        label: fitters[entry["name"]].thing(**_settings(entry["settings"]))
        for label, entry in design["fitters"].items()
    }
    return Study(
        design["name"],
        question=design["question"],
        scenarios=_regrid(design["scenarios"], Scenario),
        fieldworks=_regrid(design["fieldworks"], Fieldwork),
        fitters=labelled,
        replicates=replicates,
        seed=design["seed"],
        metrics=[name for name in design["metrics"] if name in metrics],
        about=design["about"],
    )


def processor() -> str:
    """Return the processor's name where the system tells it, else its architecture."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _grid(grid: Grid[Any]) -> dict[str, Any]:
    return packed_grid(grid.labels, [settings.everything() for settings in grid.settings])


def packed_grid(labels: Mapping[str, Sequence[Any]], settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a grid as plain JSON types: the first settings whole, of others what differs from them."""
    first = settings[0]
    return {
        "labels": {name: list(levels) for name, levels in labels.items()},
        "settings": [
            dict(first),
            *({key: value for key, value in one.items() if first.get(key) != value} for one in settings[1:]),
        ],
    }


def settings_list(grid: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every settings of a grid whole; InputError where it is none."""
    stored = grid.get("settings") if isinstance(grid, Mapping) else None
    if not isinstance(stored, list) or not stored or not all(isinstance(one, Mapping) for one in stored):
        raise InputError("provenance: settings must be a list of tables")
    return [{**stored[0], **one} for one in stored]


def in_order(grid: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Return a grid with numeric levels in order and every settings whole, and the old index of each level.

    Levels that were added to a store stand behind those that were there.
    """
    labels = {name: list(levels) for name, levels in grid["labels"].items()}
    order = {
        name: sorted(range(len(levels)), key=levels.__getitem__)
        if not any(isinstance(level, str) for level in levels)
        else list(range(len(levels)))
        for name, levels in labels.items()
    }
    places = list(itertools.product(*(range(len(levels)) for levels in labels.values())))
    known = dict(zip(places, settings_list(grid), strict=True))
    return {
        "labels": {name: [levels[i] for i in order[name]] for name, levels in labels.items()},
        "settings": [known[at] for at in itertools.product(*order.values())],
    }, order


def _regrid(stored: Mapping[str, Any], kind: type[Any]) -> Grid[Any]:
    labels = {name: tuple(levels) for name, levels in stored["labels"].items()}
    return Grid(labels, tuple(kind(**settings) for settings in settings_list(stored)))


def _settings(stored: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(stored, Mapping):
        raise InputError("provenance: settings must be a table")
    return dict(stored)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return simlab.__version__ if package == "simlab" else ""
