"""The Zarr arrays of a store: made, lengthened, read and written. The root's metadata, with all arrays, is written last."""

from __future__ import annotations

import contextlib
import json
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError, SimlabError
from simlab.metrics.metric import Metric, metrics
from simlab.study.cell import PENDING, STATUS_NAMES
from simlab.study.design import Study
from simlab.study.layout import INNER, Blocks
from simlab.study.storage import ROOT, Storage

_TEXT = np.dtypes.StringDType()
# Levels that come later go into the same chunk, so that a reader of the shorter array never sees a torn one.
_LEVELS_A_CHUNK = 4096
_STATUS = {
    "long_name": "how the cell ended",
    "flag_values": list(range(6)),
    "flag_meanings": " ".join(STATUS_NAMES),
}


class DamagedError(SimlabError):
    """A part of a store that cannot be read: it was damaged after it was written."""


class StoreArrays:
    """The arrays of a store that is there."""

    def __init__(self, where: Storage, *, write: bool = False) -> None:
        import zarr

        self.where = where
        root = read_root(where)
        if root is None:
            raise InputError(f"{where}: no such store")
        self.attributes: dict[str, Any] = root["attributes"]
        with quiet():
            self._group: Any = zarr.open_group(where.zarr(write=write), mode="r+" if write else "r", zarr_format=3)
        self._arrays: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._arrays:
            self._arrays[name] = self._group[name]
        return self._arrays[name]

    def read(self, name: str, region: tuple[slice, ...] = ()) -> NDArray[Any]:
        """Return an array, or a region of its first dimensions; DamagedError where it cannot be decoded."""
        array = self[name]
        try:
            return np.asarray(array[(*region, *[slice(None)] * (array.ndim - len(region)))])
        except OSError:
            raise
        except Exception as error:
            raise DamagedError(f"{self.where}: a part of {name} is damaged ({type(error).__name__})") from error

    def write(self, name: str, region: tuple[slice, ...], values: NDArray[Any]) -> None:
        """Write a region of an array's first dimensions."""
        array = self[name]
        if array.dtype.kind == "T":
            values = values.astype(_TEXT)
        array[(*region, *[slice(None)] * (array.ndim - len(region)))] = values

    def write_root(self, attributes: Mapping[str, Any]) -> None:
        """Replace the attributes of the store in one step."""
        root = read_root(self.where)
        assert root is not None
        self.attributes = dict(attributes)
        self.where.write(ROOT, json.dumps({**root, "attributes": self.attributes}).encode())

    @staticmethod
    def make(
        where: Storage,
        study: Study,
        labels: Mapping[str, Sequence[Any]],
        blocks: Blocks,
        attributes: Mapping[str, Any],
    ) -> None:
        """Make the arrays of a store, or lengthen those that are there; then write the root.

        Until the root is written a reader sees the store as it was. Made again after an interruption the same comes out.
        """
        import zarr

        storage = where.zarr(write=True)
        root = read_root(where)
        if root is None and where.is_local:
            _check_free(where, study)
        known = {} if root is None else root["consolidated_metadata"]["metadata"]
        described = {}
        with quiet():
            for name, about in _planned(study, labels, blocks).items():
                if name in known:
                    array = zarr.open_array(storage, path=name, mode="r+", zarr_format=3)
                    if array.shape != about["shape"]:
                        array.resize(about["shape"])
                else:
                    array = zarr.create_array(storage, name=name, zarr_format=3, overwrite=root is None, **about)
                if name in labels:
                    array[:] = coordinate(labels[name]) if name != "replicate" else np.arange(len(labels[name]))
                described[name] = json.loads(where.read(f"{name}/{ROOT}") or b"{}")
        where.write(
            ROOT,
            json.dumps(
                {
                    "attributes": {
                        **attributes,
                        "blocks": json.dumps({"block": blocks.block, "part": blocks.part}),
                    },
                    "zarr_format": 3,
                    "node_type": "group",
                    "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": described},
                }
            ).encode(),
        )


def read_root(where: Storage) -> dict[str, Any] | None:
    """Return the metadata of a store's root, None where there is none; InputError where it is something else."""
    content = where.read(ROOT)
    if content is None:
        return None
    try:
        root = json.loads(content)
    except ValueError:
        root = None
    if not isinstance(root, dict) or not isinstance(root.get("attributes"), dict):
        raise InputError(f"{where}: not a store of simlab (its zarr.json cannot be read)")
    return root


def _planned(study: Study, labels: Mapping[str, Sequence[Any]], blocks: Blocks) -> dict[str, dict[str, Any]]:
    """Return how each array of a store is to be, by name."""
    cells, worlds = study.cell_dims, (*study.scenarios.labels, "replicate")
    block = dict(zip(cells, blocks.block, strict=True))
    part = dict(zip(cells, blocks.part, strict=True))
    inner = {dim: len(labels[dim]) for dim in INNER}

    def array(dims: Sequence[str], dtype: Any, fill: Any, about: Mapping[str, Any]) -> dict[str, Any]:
        shards = tuple(block[d] if d in block else inner[d] for d in dims)
        chunks = tuple(part[d] if d in part else inner[d] for d in dims)
        return {
            "shape": tuple(len(labels[d]) for d in dims),
            "chunks": chunks,
            "shards": shards if math.prod(shards) > math.prod(chunks) else None,
            "dtype": dtype,
            "fill_value": fill,
            "dimension_names": list(dims),
            "compressors": _checked(),
            "attributes": dict(about),
        }

    out: dict[str, dict[str, Any]] = {}
    for dim in (*cells, *INNER):
        levels = coordinate(labels[dim]) if dim != "replicate" else np.arange(len(labels[dim]))
        out[dim] = {
            "shape": levels.shape,
            "chunks": (max(_LEVELS_A_CHUNK, 1),),
            "dtype": levels.dtype,
            "fill_value": "" if levels.dtype.kind == "T" else 0,
            "dimension_names": [dim],
            "compressors": _checked(),
        }
    for metric in study.metrics:
        dims = (*(cells if metric.kind.of_fits else worlds), *INNER)
        out[metric.name] = array(dims, "f8", np.nan, metric_attributes(metric))
    out["message"] = array(cells, _TEXT, "", {"long_name": "what went wrong, or what to do"})
    out["elapsed"] = array(
        cells, "f4", np.nan, {"long_name": "time the cell took: simulating, observing, fitting, scoring", "units": "s"}
    )
    out["scored"] = array(cells, "i1", 0, {"long_name": "how many of the store's sets of metrics the cell has"})
    out["asked"] = array(cells[:-1], "i4", 0, {"long_name": "replicates asked for"})
    out["status"] = array(cells, "i1", PENDING, _STATUS)
    return out


def _checked() -> Any:
    """Return the compression: with a checksum, so that damage is seen."""
    from zarr.codecs import ZstdCodec

    return (ZstdCodec(level=1, checksum=True),)


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


def coordinate(levels: Sequence[Any]) -> NDArray[Any]:
    """Return levels as an array of numbers, or of texts."""
    if all(isinstance(level, float) for level in levels):
        return np.array(levels, dtype=np.float64)
    return np.array([str(level) for level in levels], dtype=_TEXT)


def _check_free(where: Storage, study: Study) -> None:
    """Raise InputError where a folder holds what is not of a store that was never finished."""
    ours = {study.name, *study.cell_dims, *INNER, *(m.name for m in study.metrics), ".writer"}
    ours |= {"message", "elapsed", "scored", "asked", "status"}
    others = {name for name in where.entries() - ours if not name.endswith(".new")}
    if others or (where.path.exists() and not where.path.is_dir()):
        raise InputError(f"{where}: is there already and is not a store; name another with --out")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence what Zarr says of consolidated metadata and of the Zip files it reads: a store of one writer can rely on both."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata", module="zarr")
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3 specification")
        yield
