"""Stored: whether the provenance and the arrays of a store fit together, so that whatever reads it can rely on its shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from simlab.foundation.errors import InputError, shown
from simlab.study.answers import stored_answer
from simlab.study.cell import STATUS_NAMES
from simlab.study.safety import MOST_DIMENSIONS, parse_json

_INNER = ("site", "relation", "period")


def check_stored(dataset: Any, named: str) -> None:
    """Raise InputError in one line unless a dataset is such as a study leaves.

    What is checked are the types of the provenance, that its labels are those of the dimensions, and that variables lie along
    them; not whether its settings are allowed or its fitters registered, which matters only where a cell is computed again.
    The status is read, nothing else of the data.
    """
    try:
        design = parse_provenance(dataset.attrs["provenance"])["design"]
        _check_dimensions(dataset, design)
        _check_variables(dataset, design)
        if "answer" in dataset.attrs:
            stored_answer(dataset.attrs["answer"])
    except InputError as error:
        raise InputError(f"{named}: {error}") from None


def parse_provenance(text: object) -> dict[str, Any]:
    """Return the provenance of a store; InputError where it is no JSON, or a part that simlab reads is of another type."""
    if not isinstance(text, str):
        raise InputError.of("provenance", text, "must be a text")
    found = _table(parse_json(text, "provenance"), "provenance")
    design = _table(found.get("design"), "design")
    for field in ("name", "question"):
        _check(design, field, "a text", lambda v: isinstance(v, str))
    _check(design, "about", "a table of texts", _plain)
    _check(design, "seed", "a whole number from 0", lambda v: _whole(v) and v >= 0)
    _check(design, "results_version", "a whole number", _whole)
    _check(design, "metrics", "a list of names", lambda v: isinstance(v, list) and all(isinstance(m, str) for m in v))
    for field in ("scenarios", "fieldworks"):
        _check_grid(_table(design.get(field), field), field)
    fitters = _table(design.get("fitters"), "fitters")
    if not fitters:
        raise InputError("provenance, fitters: must be one or more")
    for label, entry in fitters.items():
        _check(_table(entry, label), "name", "a text", lambda v: isinstance(v, str))
        _table(entry.get("settings"), f"{label}, settings")
    for field in ("versions", "machine"):
        if field in found:
            _check(found, field, "a table of texts", _plain)
    return found


def _check_grid(grid: Mapping[str, Any], field: str) -> None:
    labels = _table(grid.get("labels"), f"{field}, labels")
    for name, levels in labels.items():
        if not isinstance(levels, list) or not levels or not all(map(_level, levels)):
            raise InputError.of(f"provenance, {field}, {name}", levels, "must be a list of numbers or texts")
    if len(labels) > MOST_DIMENSIONS:
        raise InputError(f"provenance, {field}: must have at most {MOST_DIMENSIONS} dimensions")
    settings = grid.get("settings")
    count = math.prod(len(levels) for levels in labels.values())
    if not isinstance(settings, list) or len(settings) != count:
        raise InputError(
            f"provenance, {field}: must have settings for each of the {shown(count)} combinations of labels"
        )
    for each in settings:
        _table(each, f"{field}, settings")


def _check_dimensions(dataset: Any, design: Mapping[str, Any]) -> None:
    """Check that the dimensions are those of the design, and each has its labels as coordinates."""
    levels = {**design["scenarios"]["labels"], **design["fieldworks"]["labels"], "fitter": list(design["fitters"])}
    dims = (*levels, "replicate")
    for name in ("status", "message"):
        if name not in dataset.data_vars or tuple(dataset[name].dims) != dims:
            raise InputError(f"{name}: must be there, along {shown(', '.join(dims), 200)}")
    for dim in (*dims, *_INNER):
        if dim not in dataset.sizes or dim not in dataset.coords or dataset.sizes[dim] < 1:
            raise InputError.of("dimension", dim, "must be there, with coordinates")
        known = levels.get(dim)
        if known is None:
            continue
        numbers = all(isinstance(level, float) for level in known)
        found = dataset[dim].values
        if (found.dtype.kind == "f") != numbers or found.tolist() != (known if numbers else list(map(str, known))):
            raise InputError.of("dimension", dim, "must have the levels that the provenance names")
    if dataset["replicate"].dtype.kind not in "iu":
        raise InputError("replicate: must be whole numbers")


def _check_variables(dataset: Any, design: Mapping[str, Any]) -> None:
    """Check that variables are numbers along dimensions of the study, and that each status is one that there is."""
    worlds = {*design["scenarios"]["labels"], "replicate"}
    known = {*dataset["status"].dims, *_INNER}
    for name, variable in dataset.data_vars.items():
        if name == "message":
            continue
        if variable.dtype.kind not in ("iu" if name == "status" else "biuf"):
            raise InputError.of(str(name), variable.dtype, "must be numbers")
        needed = worlds - {"replicate"} if name == "asked" else worlds
        if not needed <= set(variable.dims) <= known:
            raise InputError(
                f"{name}: must lie along dimensions of the study, {shown(', '.join(map(str, needed)), 200)} among them"
            )
    codes = np.unique(dataset["status"].values)
    if len(codes) and not 0 <= codes.min() <= codes.max() < len(STATUS_NAMES):
        raise InputError.of("status", codes.tolist(), f"must be 0 to {len(STATUS_NAMES) - 1}")


def _check(table: Mapping[str, Any], field: str, what: str, allowed: Callable[[Any], bool]) -> None:
    if not allowed(table.get(field)):
        raise InputError.of(f"provenance, {field}", table.get(field), f"must be {what}")


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError.of(f"provenance, {shown(where)}" if where != "provenance" else where, value, "must be a table")
    return value


def _plain(value: Any) -> bool:
    return isinstance(value, dict) and not any(isinstance(v, (dict, list)) for v in value.values())


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _level(value: Any) -> bool:
    return isinstance(value, str) or _whole(value) or (isinstance(value, float) and math.isfinite(value))
