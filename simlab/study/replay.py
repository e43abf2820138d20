"""Replay: a cell computed again, exactly, from the provenance of its store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simlab.foundation.errors import InputError, shown
from simlab.study.cell import CellFits, OneThread, Place, fit_cell
from simlab.study.design import Study
from simlab.study.provenance import rebuild
from simlab.study.storage import Storage
from simlab.study.store import opened


def stored_study(dataset: Any, script: str | Path | None = None) -> Study:
    """Return the Study that a store was made from. A script is imported only where it is named."""
    if script is not None:
        from simlab.study.script import load_script

        load_script(script)
    return rebuild(dataset.attrs["provenance"], int(dataset.sizes["replicate"]))


def cell_name(study: Study, place: Place) -> str:
    """Return a cell's id, such as ``separation=4,fieldwork=complete,fitter=spectral,replicate=3``."""
    parts = dict(_labels(study, place))
    return ",".join(f"{name}={level_text(value)}" for name, value in parts.items())


def parse_cell(study: Study, text: str) -> Place:
    """Return the place of the cell that an id names; InputError names the part that is wrong and what is allowed."""
    known_names = set(_levels(study))
    given: dict[str, str] = {}
    last = ""
    for part in text.split(","):
        name, sign, value = part.partition("=")
        if sign and (name.strip() in known_names or not last):
            last = name.strip()
            given[last] = value.strip()
        elif last:  # a comma inside a label
            given[last] += f",{part}"
    index: dict[str, int] = {}
    for name, levels in _levels(study).items():
        known = [level_text(level) for level in levels]
        if name not in given:
            raise InputError.of("cell", text, f"must name {name}, one of {shown(', '.join(known), 200)}")
        if given[name] not in known:
            first, _, rest = given[name].partition(",")
            if first in known and "=" in rest:
                raise InputError.of("cell", text, f"has no part {rest.partition('=')[0]!r}")
            raise InputError.of(f"cell, {name}", given[name], f"must be one of {shown(', '.join(known), 200)}")
        index[name] = known.index(given[name])
    for name in given:
        if name not in index:
            raise InputError.of("cell", text, f"has no part {name!r}; its parts are {', '.join(index)}")
    scenario = tuple(index[name] for name in study.scenarios.labels)
    fieldwork = tuple(index[name] for name in study.fieldworks.labels)
    return Place(
        [place for place, _ in study.scenarios.items()].index(scenario),
        [place for place, _ in study.fieldworks.items()].index(fieldwork),
        index["fitter"],
        index["replicate"],
    )


def placed(store: str | Path | Storage, cell: str | Place, *, script: str | Path | None = None) -> tuple[Study, Place]:
    """Return the study of a store and the place of one of its cells.

    Raises InputError for a cell that the store does not have, or a fitter that is not registered.
    """
    with opened(store) as dataset:
        study = stored_study(dataset, script)
    return study, cell if isinstance(cell, Place) else parse_cell(study, cell)


def recompute(study: Study, place: Place) -> CellFits:
    """Compute a cell from the same streams as in a run."""
    with OneThread():
        return fit_cell(study, place)


def replay(
    store: str | Path | Storage, cell: str | Place, *, script: str | Path | None = None
) -> tuple[Study, Place, CellFits]:
    """Compute one cell of a store again and return (study, place, fits), from the same streams as in the run.

    Raises InputError for a cell that the store does not have, or a fitter that is not registered.
    """
    study, place = placed(store, cell, script=script)
    return study, place, recompute(study, place)


def _levels(study: Study) -> dict[str, tuple[Any, ...]]:
    return {
        **study.scenarios.labels,
        **study.fieldworks.labels,
        "fitter": tuple(study.fitters),
        "replicate": tuple(range(study.replicates)),
    }


def cell_index(study: Study, place: Place) -> tuple[int, ...]:
    """Return where a cell lies along the dimensions of the store's status."""
    worlds = [index for index, _ in study.scenarios.items()][place.scenario]
    fields = [index for index, _ in study.fieldworks.items()][place.fieldwork]
    return (*worlds, *fields, place.fitter, place.replicate)


def _labels(study: Study, place: Place) -> Mapping[str, Any]:
    at = cell_index(study, place)
    return {name: levels[i] for (name, levels), i in zip(_levels(study).items(), at, strict=True)}


def level_text(level: Any) -> str:
    """Return a level as it stands in a cell's id; different levels have different texts."""
    return repr(level).removesuffix(".0") if isinstance(level, float) else str(level)
