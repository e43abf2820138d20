"""Extending a store: what a study asks for beyond what a store was made for, and what cannot go into it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from simlab.fieldwork.observe import Fieldwork
from simlab.foundation.errors import InputError, shown
from simlab.generate.scenario import Scenario
from simlab.study.provenance import packed_grid, settings_list

Design = dict[str, Any]


class Merged(NamedTuple):
    """The design of a store that holds what it held and what a study asks for."""

    design: Design
    labels: dict[str, tuple[Any, ...]]
    new: bool


def merge(where: str, stored: Mapping[str, Any], wanted: Design, inner: Mapping[str, Sequence[str]]) -> Merged:
    """Return the design for both; new levels, fitters and metrics stand after those that were there.

    ``inner`` : names of the sites, relations and periods that the store has.

    Raises
    ------
    InputError
        Where the store is of another study: the line says what differs.
    """
    found = differences(stored, wanted)
    if found:
        raise InputError(f"{where}: the store of another study: {'; '.join(found)}. Name another store, or remove it")
    scenarios = _union(stored["scenarios"], wanted["scenarios"], Scenario().everything())
    fieldworks = _union(stored["fieldworks"], wanted["fieldworks"], Fieldwork().everything())
    fitters = {**stored["fitters"], **wanted["fitters"]}
    sets = [list(names) for names in stored.get("metric_sets", [stored["metrics"]])]
    known = set(itertools.chain.from_iterable(sets))
    fresh = [name for name in wanted["metrics"] if name not in known]
    if fresh:
        sets.append(fresh)
    design = {
        **stored,
        "question": wanted["question"],
        "about": wanted["about"],
        "scenarios": scenarios,
        "fieldworks": fieldworks,
        "fitters": fitters,
        "metrics": list(itertools.chain.from_iterable(sets)),
        "metric_sets": sets,
    }
    labels = {**_labels(scenarios), **_labels(fieldworks), "fitter": tuple(fitters)}
    unchanged = all(design[field] == stored.get(field) for field in design)
    return Merged(design, {**labels, **{d: tuple(names) for d, names in inner.items()}}, not unchanged)


def _labels(grid: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(levels) for name, levels in grid["labels"].items()}


def differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return in words why a store cannot hold what is wanted; nothing where it can.

    More levels, fitters and metrics are no difference, nor are texts that change no number.
    """
    out = []
    if stored.get("results_version") != wanted["results_version"]:
        out.append(f"made by a version with other numbers ({stored.get('results_version')})")
    for field in ("name", "seed"):
        if stored.get(field) != wanted[field]:
            out.append(f"{field} = {wanted[field]} where the store has {stored.get(field)}")
    out += _grid_differences("scenarios", stored, wanted, Scenario().everything())
    out += _grid_differences("fieldworks", stored, wanted, Fieldwork().everything())
    for label, fitter in wanted["fitters"].items():
        known = stored["fitters"].get(label, fitter)
        if known != fitter:
            out.append(f"other fitters, {label}{_where(known, fitter)}")
    return out


def _grid_differences(
    field: str, stored: Mapping[str, Any], wanted: Mapping[str, Any], usual: Mapping[str, Any]
) -> list[str]:
    old, new = _labels(stored[field]), _labels(wanted[field])
    if list(old) != list(new):
        dims = [", ".join(labels) or "none" for labels in (new, old)]
        return [f"other {field}, which vary in {dims[0]} where the store has {dims[1]}"]
    for dim, levels in old.items():
        if {isinstance(v, str) for v in levels} != {isinstance(v, str) for v in new[dim]}:
            return [f"{dim} has {shown(list(new[dim]))} where the store has {shown(list(levels))}"]
    known = _by_level(stored[field], usual)
    for at, settings in _by_level(wanted[field], usual).items():
        if known.get(at, settings) != settings:
            named = f", {', '.join(shown(level) for level in at)}" if at else ""
            return [f"other {field}{named}{_where(known[at], settings)}"]
    asked = _by_level(wanted[field], usual)
    for at in itertools.product(*_both(old, new).values()):
        if at not in known and at not in asked:
            named = ", ".join(f"{dim} = {shown(level)}" for dim, level in zip(old, at, strict=True))
            return [f"new levels must be asked for together with all that are there, such as {named}"]
    return []


def _union(stored: Mapping[str, Any], wanted: Mapping[str, Any], usual: Mapping[str, Any]) -> Design:
    """Return a grid that has the levels of both."""
    both = _both(_labels(stored), _labels(wanted))
    known = {**_by_level(wanted, usual), **_by_level(stored, usual)}
    return packed_grid(both, [known[at] for at in itertools.product(*both.values())])


def _both(old: Mapping[str, tuple[Any, ...]], new: Mapping[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    return {dim: tuple(dict.fromkeys((*levels, *new[dim]))) for dim, levels in old.items()}


def _by_level(grid: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return settings by their levels. Those that are newer than a store have their defaults, which change no number."""
    at = itertools.product(*_labels(grid).values())
    return {levels: {**usual, **settings} for levels, settings in zip(at, settings_list(grid), strict=True)}


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
