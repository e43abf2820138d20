"""The Zarr arrays of a store: made, lengthened, mended, read and written. The root, which describes all, is written last."""

from __future__ import annotations

import contextlib
import json
import math
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError, SimlabError
from simlab.metrics.metric import Metric, metrics
from simlab.study.cell import PENDING, STATUS_NAMES
from simlab.study.chunks import TEXT, ArrayFiles, new_array
from simlab.study.design import BOOKKEEPING, Study
from simlab.study.layout import INNER, Blocks, Region
from simlab.study.provenance import SCHEMA_VERSION
from simlab.study.storage import ROOT, Storage

CHECKSUM = "checksum"
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

    def __init__(self, where: Storage) -> None:
        self.where = where
        root = where.attempt(lambda: read_root(where), reading=True)
        if root is None:
            raise InputError(f"{where}: no such store")
        self.attributes: dict[str, Any] = root["attributes"]
        self._described: dict[str, Any] = described(root)
        self._arrays: dict[str, ArrayFiles] = {}

    @property
    def writes_all(self) -> bool:
        """Whether the store was written by a version that leaves no file out, so that one that is missing was lost."""
        return CHECKSUM in self.attributes

    def __getitem__(self, name: str) -> ArrayFiles:
        if name not in self._arrays:
            self._arrays[name] = ArrayFiles(name, self._described[name])
        return self._arrays[name]

    def read(self, name: str, region: Region = (), *, whole: bool = False) -> NDArray[Any]:
        """Return an array, or a region of its first dimensions.

        Raises
        ------
        DamagedError
            Where it cannot be decoded or, if it must be ``whole``, a file is missing.
        SimlabError
            Where the storage is away.
        """
        array = self[name]
        found = {}
        for key, needed in array.keys(region):
            content = self.where.attempt(partial(self.where.read, key), reading=True)
            if content is not None:
                found[key] = content
            elif whole and needed:
                raise DamagedError(f"{self.where}: a part of {name} is missing")
        try:
            return array.decoded(region, found)
        except Exception as error:
            raise DamagedError(f"{self.where}: a part of {name} is damaged ({type(error).__name__})") from error

    def has(self, name: str, region: Region) -> bool:
        """Say whether a region of an array has been written."""
        read = self.where.read
        return all(
            self.where.attempt(partial(read, key), reading=True) for key, needed in self[name].keys(region) if needed
        )

    def write(self, name: str, region: Region, values: NDArray[Any]) -> None:
        """Write a region of an array's first dimensions, which covers its files whole."""
        for key, content in self[name].encoded(region, values).items():
            self.where.attempt(partial(self.where.write, key, content))

    def write_root(self, attributes: Mapping[str, Any]) -> None:
        """Replace the attributes of the store in one step."""
        self.attributes = dict(attributes)
        content = root_content(self.attributes, self._described)
        self.where.attempt(lambda: self.where.write(ROOT, content))

    @staticmethod
    def make(
        where: Storage,
        study: Study,
        labels: Mapping[str, Sequence[Any]],
        blocks: Blocks,
        attributes: Mapping[str, Any] | None,
    ) -> None:
        """Make the arrays of a store, lengthen those that are there, and mend what describes them; then write the root.

        Until the root is written a reader sees the store as it was. Made again after an interruption the same comes out.
        Where the store is to stay as it is, ``attributes`` is None.
        """
        root = where.attempt(lambda: read_root(where), reading=True)
        if root is None and where.is_local:
            _check_free(where, study)
        known = {} if root is None else described(root)
        found = {}
        for name, about in _planned(study, labels, blocks).items():
            shape = {"shape": list(about["shape"])}
            array = ArrayFiles(name, {**known[name], **shape}) if name in known else new_array(name, about)
            found[name] = array.metadata
            # The root says the same of an array, and it is lasting.
            _write_if_other(where, f"{name}/{ROOT}", array.description, lasting=False)
            if name in labels:
                for key, content in array.encoded((), _levels(name, labels)).items():
                    _write_if_other(where, key, content)
        if attributes is not None:
            kept = {**attributes, "blocks": json.dumps({"block": blocks.block, "part": blocks.part})}
            kept["names"] = json.dumps({dim: list(labels[dim]) for dim in INNER})
            whole = root_content(kept, found)
            where.attempt(lambda: where.write(ROOT, whole))


def _write_if_other(where: Storage, key: str, content: bytes, *, lasting: bool = True) -> None:
    if where.attempt(partial(where.read, key), reading=True) != content:
        where.attempt(partial(where.write, key, content, lasting=lasting))


def described(root: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of each array from that of the root."""
    return dict(root["consolidated_metadata"]["metadata"])


def root_content(attributes: Mapping[str, Any], arrays: Mapping[str, Any]) -> bytes:
    """Return the content of the root's file: a Zarr group with the metadata of its arrays, and a checksum of all."""
    kept = {name: value for name, value in attributes.items() if name != CHECKSUM}
    root = {
        "attributes": {**kept, CHECKSUM: _checksum(kept, arrays)},
        "zarr_format": 3,
        "node_type": "group",
        "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": dict(arrays)},
    }
    return json.dumps(root, indent=1).encode()


def _checksum(attributes: Mapping[str, Any], arrays: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in attributes.items() if name != CHECKSUM}
    text = json.dumps([kept, arrays], sort_keys=True)
    return f"{zlib.crc32(text.encode()):08x}"


def read_root(where: Storage) -> dict[str, Any] | None:
    """Return the metadata of a store's root, None where there is none; InputError where it is something else."""
    content = where.read(ROOT)
    if content is None:
        return None
    try:
        root = json.loads(content)
    except (ValueError, RecursionError):
        root = None
    if not isinstance(root, dict) or not isinstance(root.get("attributes"), dict):
        raise InputError(f"{where}: not a store of simlab (its zarr.json cannot be read)")
    attributes = root["attributes"]
    if attributes.get("schema_version") == SCHEMA_VERSION and CHECKSUM in attributes:
        try:
            sound = _checksum(attributes, described(root)) == attributes[CHECKSUM]
        except (KeyError, TypeError):
            sound = False
        if not sound:
            raise InputError(f"{where}: its zarr.json was damaged: bring a copy back, or name another store")
    return root


def _levels(name: str, labels: Mapping[str, Sequence[Any]]) -> NDArray[Any]:
    """Return the levels of a dimension as its coordinate has them."""
    return np.arange(len(labels[name])) if name == "replicate" else coordinate(labels[name])


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
        levels = _levels(dim, labels)
        out[dim] = {
            "shape": levels.shape,
            "chunks": (_LEVELS_A_CHUNK,),
            "dtype": levels.dtype,
            "fill_value": "" if levels.dtype.kind == "T" else 0,
            "dimension_names": [dim],
            "compressors": _checked(),
        }
    # What a reader reads first: what these say that a cell has is there by then.
    out["status"] = array(cells, "i1", PENDING, _STATUS)
    out["scored"] = array(cells, "i1", 0, {"long_name": "how many of the store's sets of metrics the cell has"})
    for metric in study.metrics:
        dims = (*(cells if metric.kind.of_fits else worlds), *INNER)
        out[metric.name] = array(dims, "f8", np.nan, metric_attributes(metric))
    out["message"] = array(cells, TEXT, "", {"long_name": "what went wrong, or what to do"})
    out["elapsed"] = array(
        cells, "f4", np.nan, {"long_name": "time the cell took: simulating, observing, fitting, scoring", "units": "s"}
    )
    out["asked"] = array(cells[:-1], "i4", 0, {"long_name": "replicates asked for"})
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
    return np.array([str(level) for level in levels], dtype=TEXT)


def _check_free(where: Storage, study: Study) -> None:
    """Raise InputError where a folder holds what is not of a store that was never finished.

    No result is written before the root: where there are some and no root, it was lost.
    """
    if (where.path / "status").is_dir() and any(entry.name != ROOT for entry in (where.path / "status").iterdir()):
        raise InputError(
            f"{where}: holds results and no zarr.json: bring a copy back, or name another store with --out"
        )
    ours = {study.name, *study.cell_dims, *INNER, *(m.name for m in study.metrics), *BOOKKEEPING, ".writer"}
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
