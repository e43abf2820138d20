"""Provenance: everything that a store's numbers depend on, as JSON, and a Study made again from it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
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

SCHEMA_VERSION = 1
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
        "results_version": RESULTS_VERSION,
    }


def provenance(study: Study) -> str:
    """Return the JSON text that a store keeps: design, versions, machine, time of creation."""
    return json.dumps(
        {
            "design": describe(study),
            "versions": {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
            "machine": {"system": platform.system(), "processor": processor(), "architecture": platform.machine()},
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )


def differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return in words what differs between two designs; texts that change no number are left out."""
    out = []
    if stored.get("results_version") != wanted["results_version"]:
        out.append(f"made by a version with other numbers ({stored.get('results_version')})")
    for field in ("name", "seed"):
        if stored.get(field) != wanted[field]:
            out.append(f"{field} = {wanted[field]} where the store has {stored.get(field)}")
    stored = {
        **stored,
        "scenarios": _with_defaults(stored, "scenarios"),
        "fieldworks": _with_defaults(stored, "fieldworks"),
    }
    for field in ("scenarios", "fieldworks", "fitters", "metrics"):
        if json.dumps(stored.get(field), sort_keys=True) != json.dumps(wanted[field], sort_keys=True):
            out.append(f"other {field}{_where(stored.get(field), wanted[field])}")
    return out


def _with_defaults(design: Mapping[str, Any], grid: str) -> Any:
    """Return a stored grid in which settings that are newer than the store have their defaults, which change no number."""
    stored = design.get(grid)
    if not isinstance(stored, dict) or not isinstance(stored.get("settings"), list):
        return stored
    usual = (Scenario if grid == "scenarios" else Fieldwork)().everything()
    return {**stored, "settings": [{**usual, **settings} for settings in stored["settings"]]}


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
    return {
        "labels": {name: list(levels) for name, levels in grid.labels.items()},
        "settings": [settings.everything() for settings in grid.settings],
    }


def _regrid(stored: Mapping[str, Any], kind: type[Any]) -> Grid[Any]:
    labels = {name: tuple(levels) for name, levels in stored["labels"].items()}
    return Grid(labels, tuple(kind(**_settings(s)) for s in stored["settings"]))


def _settings(stored: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(stored, Mapping):
        raise InputError("provenance: settings must be a table")
    return dict(stored)


def _where(stored: Any, wanted: Any) -> str:
    """Return the first place at which two pieces of a design differ, in words."""
    if isinstance(stored, dict) and isinstance(wanted, dict):
        for key in dict.fromkeys([*wanted, *stored]):
            if stored.get(key) != wanted.get(key):
                return f", {key}{_where(stored.get(key), wanted.get(key))}"
    if isinstance(stored, list) and isinstance(wanted, list) and len(stored) == len(wanted):
        for one, other in zip(stored, wanted, strict=True):
            if one != other:
                return _where(one, other)
    return f" ({wanted} where the store has {stored})" if len(f"{wanted}{stored}") < 160 else ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return simlab.__version__ if package == "simlab" else ""
