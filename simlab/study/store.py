"""The store of a study: one xarray Dataset in Zarr, written by one process, chunk by chunk, status last."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError, SimlabError
from simlab.metrics.metric import Metric, metrics
from simlab.study.answers import answer_text
from simlab.study.cell import PENDING, STATUS_NAMES, Place, TaskResult
from simlab.study.design import Study
from simlab.study.provenance import SCHEMA_VERSION, describe, differences, provenance
from simlab.study.safety import check_safe, failed_in_zarr
from simlab.study.stored import check_stored

_BLOCK = 20
_INNER = ("site", "relation", "period")


class Store:
    """The arrays of a study in memory, and the Zarr store that they are flushed to.

    Cells lie at (scenario dimensions, fieldwork dimensions, fitter, replicate). A chunk holds all cells of one scenario and a
    block of replicates. Zarr replaces each chunk's file in one step, and the status of a cell is written after its numbers;
    so whatever stops the run, a cell that is not pending is complete.
    """

    def __init__(self, path: Path, study: Study) -> None:
        self.path = path
        self.study = study
        self._scenario_places = [index for index, _ in study.scenarios.items()]
        self._fieldwork_places = [index for index, _ in study.fieldworks.items()]
        self._dirty: set[tuple[int, int]] = set()
        self._recover()
        if not path.exists():
            self._create(_template(study))
        else:
            self._check()
        with opened(path) as dataset:
            if dataset.sizes["replicate"] < study.replicates:
                self._extend(dataset.load())
        with opened(path) as dataset:
            loaded = dataset.load()
            self.dims = {str(name): tuple(map(str, v.dims)) for name, v in loaded.data_vars.items()}
            self.arrays: dict[str, NDArray[Any]] = {str(n): v.values.copy() for n, v in loaded.data_vars.items()}
        import zarr

        self._group: Any = zarr.open_group(str(path), mode="r+")

    def pending(self) -> list[Place]:
        """Return the cells still to be computed: block by block of replicates, scenario by scenario."""
        status = self.arrays["status"]
        places = []
        replicates = self.study.replicates
        for start in range(0, replicates, _BLOCK):
            for s, scenario in enumerate(self._scenario_places):
                for replicate in range(start, min(start + _BLOCK, replicates)):
                    for f, fieldwork in enumerate(self._fieldwork_places):
                        for k in range(len(self.study.fitters)):
                            if status[(*scenario, *fieldwork, k, replicate)] == PENDING:
                                places.append(Place(s, f, k, replicate))
        return places

    def counts(self) -> dict[str, int]:
        """Return how many cells have each status, over the replicates asked for."""
        asked = self.arrays["status"][..., : self.study.replicates]
        return {name: int((asked == code).sum()) for code, name in enumerate(STATUS_NAMES)}

    def add(self, result: TaskResult) -> None:
        """Take the results of a task into memory."""
        scenario = self._scenario_places[result.scenario]
        for name, values in result.truth.items():
            self.arrays[name][(*scenario, result.replicate)] = values
        for cell in result.cells:
            at = (*scenario, *self._fieldwork_places[cell.place.fieldwork], cell.place.fitter, cell.place.replicate)
            for name, values in cell.values.items():
                self.arrays[name][at] = values
            self.arrays["message"][at] = cell.message
            self.arrays["status"][at] = cell.status
        self._dirty.add((result.scenario, result.replicate // _BLOCK))

    def flush(self) -> None:
        """Write what was added since the last flush; SimlabError where the disk does not take it."""
        names = [*(n for n in self.arrays if n not in ("message", "status")), "message", "status"]
        try:
            for name in names:
                for scenario, block in sorted(self._dirty):
                    region = self._region(name, scenario, block)
                    self._group[name][region] = self.arrays[name][region]
        except OSError as error:
            raise _cannot_write(self.path, error) from error
        self._dirty.clear()

    def _region(self, name: str, scenario: int, block: int) -> tuple[Any, ...]:
        part: dict[str, Any] = dict(zip(self.study.scenarios.labels, self._scenario_places[scenario], strict=True))
        part["replicate"] = slice(block * _BLOCK, (block + 1) * _BLOCK)
        return tuple(part.get(dim, slice(None)) for dim in self.dims[name])

    def _create(self, dataset: Any) -> None:
        """Write a dataset beside the store and move it there in one step."""
        beside = self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex[:8]}.new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write(dataset, beside, dict.fromkeys(self.study.scenarios.labels, 1))
            if self.path.exists():
                self.path.rename(self._old())
            beside.rename(self.path)
            shutil.rmtree(self._old(), ignore_errors=True)
        except OSError as error:
            raise _cannot_write(self.path, error) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _old(self) -> Path:
        return self.path.with_name(f".{self.path.name}.old")

    def _recover(self) -> None:
        """Bring back the store where a run was killed between the two moves of ``_create``."""
        if self._old().exists():
            if self.path.exists():
                shutil.rmtree(self._old(), ignore_errors=True)
            else:
                self._old().rename(self.path)

    def _extend(self, dataset: Any) -> None:
        """Add replicates: the old numbers in their places, the new ones pending."""
        wider = _template(self.study)
        for name in wider.data_vars:
            dims = wider[name].dims
            part = tuple(slice(dataset.sizes[d]) if d == "replicate" else slice(None) for d in dims)
            wider[name].values[part] = dataset[name].values
        wider.attrs = {**wider.attrs, "provenance": dataset.attrs["provenance"]}
        self._create(wider)

    def _check(self) -> None:
        """Raise InputError unless the store is of this study."""
        with opened(self.path) as dataset:
            stored = json.loads(dataset.attrs["provenance"])["design"]
        found = differences(stored, describe(self.study))
        if found:
            raise InputError(
                f"{self.path}: the store of another study: {'; '.join(found)}. Name another store with --out, or remove it"
            )


def _template(study: Study) -> Any:
    """Return the dataset of a study with nothing computed."""
    import xarray as xr

    worlds, fields = study.scenarios.labels, study.fieldworks.labels
    sizes = {
        **{name: len(levels) for name, levels in worlds.items()},
        **{name: len(levels) for name, levels in fields.items()},
        "fitter": len(study.fitters),
        "replicate": study.replicates,
        "site": len(study.sites),
        "relation": len(study.relations),
        "period": len(study.periods),
    }
    coordinates: dict[str, Any] = {
        **{name: (name, _coordinate(levels)) for name, levels in {**worlds, **fields}.items()},
        "fitter": ("fitter", _coordinate(tuple(study.fitters))),
        "replicate": ("replicate", np.arange(study.replicates)),
        "site": ("site", _coordinate(study.sites)),
        "relation": ("relation", _coordinate(study.relations)),
        "period": ("period", _coordinate(study.periods)),
    }
    variables: dict[str, Any] = {}
    for metric in study.metrics:
        dims = (*study.cell_dims, *_INNER) if metric.kind.of_fits else (*worlds, "replicate", *_INNER)
        variables[metric.name] = (dims, np.full([sizes[d] for d in dims], np.nan), metric_attributes(metric))
    cells = [sizes[d] for d in study.cell_dims]
    variables["message"] = (
        study.cell_dims,
        np.full(cells, "", dtype=np.dtypes.StringDType()),
        {"long_name": "what went wrong, or what to do"},
    )
    variables["status"] = (
        study.cell_dims,
        np.zeros(cells, dtype=np.int8),
        {"long_name": "how the cell ended", "flag_values": list(range(6)), "flag_meanings": " ".join(STATUS_NAMES)},
    )
    attributes = {"title": study.name, "schema_version": SCHEMA_VERSION, "provenance": provenance(study)}
    return xr.Dataset(variables, coordinates, attributes)


def metric_attributes(metric: Metric) -> dict[str, Any]:
    """Return the attributes that describe a metric's variable."""
    entry = metrics[metric.name]
    limits = [metric.low, metric.high]
    shown = ["none" if limit is None else f"{limit:g}" for limit in limits]
    return {
        "long_name": metric.long_name,
        "units": metric.units,
        "range": f"{shown[0]} to {shown[1]}",
        "reference": entry.reference,
        "kind": str(metric.kind),
    }


def _coordinate(levels: tuple[float | str, ...]) -> NDArray[Any]:
    if all(isinstance(level, float) for level in levels):
        return np.array(levels, dtype=np.float64)
    return np.array([str(level) for level in levels], dtype=np.dtypes.StringDType())


def write(dataset: Any, path: Path, chunked: dict[str, int] | None = None) -> None:
    """Write a dataset as a new Zarr store, without files for chunks that hold nothing yet."""
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in dataset.data_vars.items():
        sizes = {**dict(variable.sizes), **(chunked or {})}
        sizes["replicate"] = _BLOCK
        encoding[name] = {"chunks": tuple(min(sizes[d], max(variable.sizes[d], 1)) for d in variable.dims)}
        if name == "status":
            encoding[name]["fill_value"] = PENDING
    with _quiet():
        dataset.to_zarr(path, mode="w-", encoding=encoding, zarr_format=3, consolidated=True, write_empty_chunks=False)


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator[Any]:
    """Open a store as an xarray Dataset; InputError in one line where it is none, not safe, or of a later schema.

    A store is data, whoever made it: see ``simlab.study.safety``. The attribute ``answer`` has the sentences of the study's own
    script, where it gave some, as JSON. SimlabError where a part that is read within the context is damaged.
    """
    import xarray as xr

    where = Path(path)
    if not where.exists():
        raise InputError(f"{path}: no such store")
    if not (where / "zarr.json").is_file():
        raise InputError(f"{path}: not a store of simlab (a folder that holds zarr.json)")
    check_safe(where, str(path))
    try:
        with _quiet():
            dataset = xr.open_zarr(str(where), consolidated=True, chunks=None, zarr_format=3, decode_times=False)
    except Exception as error:
        raise InputError(f"{path}: cannot be read as a store ({type(error).__name__})") from error
    try:
        schema = dataset.attrs.get("schema_version")
        if not isinstance(schema, int) or "status" not in dataset or "provenance" not in dataset.attrs:
            raise InputError(f"{path}: a Zarr store, but not one of a simlab study")
        if schema > SCHEMA_VERSION:
            raise InputError(
                f"{path}: written by a later simlab (schema {schema}; this one reads up to {SCHEMA_VERSION})"
            )
        dataset.attrs.pop("answer", None)
        own = answer_text(where)
        if own is not None:
            dataset.attrs["answer"] = own
        check_stored(dataset, str(path))
        yield dataset
    except Exception as error:
        if failed_in_zarr(error):
            raise SimlabError(f"{path}: damaged, a part of it cannot be read ({type(error).__name__})") from error
        raise
    finally:
        dataset.close()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Zarr says of consolidated metadata: a store of one writer can rely on it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata", module="zarr")
        yield


def _cannot_write(path: Path, error: OSError) -> SimlabError:
    if error.errno == errno.ENOSPC:
        return SimlabError(f"{path}: the disk is full. What was stored is kept: free some space and run the same again")
    if (
        isinstance(error, (PermissionError, FileNotFoundError, FileExistsError, NotADirectoryError))
        or error.errno == errno.EROFS
    ):
        return InputError(f"{path}: cannot be written ({os.strerror(error.errno or errno.EACCES)})")
    return SimlabError(f"{path}: cannot be written ({error}). What was stored is kept: run the same again")
