"""Chunks: a Zarr array's numbers as the bytes of its files, and back. Reads and writes nothing itself.

So every file goes through the storage, which can write it whole and lasting, and what is written needs nothing of what was
there before, which may be damaged.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

METADATA = "zarr.json"
TEXT = np.dtypes.StringDType()


class ArrayFiles:
    """How an array lies in files.

    Parameters
    ----------
    name : str
        Its folder in the store.
    metadata : mapping
        Its description, as Zarr writes it.
    """

    def __init__(self, name: str, metadata: Mapping[str, Any]) -> None:
        self._description = f"{name}/{METADATA}"
        self.metadata = dict(metadata)
        self._files: dict[str, Any] = {}
        self._name = name

    @cached_property
    def _array(self) -> Any:
        import zarr
        from zarr.storage import MemoryStore

        self._files[self._description] = _as_buffer(self.description)
        # A chunk that holds nothing is written too: so one that is missing has been lost.
        with zarr.config.set({"array.write_empty_chunks": True}):
            return zarr.open_array(MemoryStore(self._files), path=self._name, mode="r+", zarr_format=3)

    @property
    def description(self) -> bytes:
        """The content of the array's own metadata file."""
        return json.dumps(self.metadata, indent=1).encode()

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each dimension."""
        return tuple(self.metadata["shape"])

    def keys(self, region: tuple[slice, ...] = ()) -> Iterator[tuple[str, bool]]:
        """Iterate over the files that hold a region of the first dimensions, and whether they are there since it was written.

        Other dimensions may have become longer than a file since.
        """
        sides = self.metadata["chunk_grid"]["configuration"]["chunk_shape"]
        ranges = []
        for axis, (n, side) in enumerate(zip(self.shape, sides, strict=True)):
            start, stop, _ = region[axis].indices(n) if axis < len(region) else (0, n, 1)
            ranges.append(range(start // side, -(-stop // side)))
        for at in itertools.product(*ranges):
            yield f"{self._name}/{self._array.metadata.encode_chunk_key(at)}", not any(at[len(region) :])

    def encoded(self, region: tuple[slice, ...], values: NDArray[Any]) -> dict[str, bytes]:
        """Return the content of the files that hold a region, which must cover them whole."""
        try:
            self._array[self._whole(region)] = values.astype(TEXT) if self._array.dtype.kind == "T" else values
            return {key: self._files[key].to_bytes() for key in self._files if key != self._description}
        finally:
            self._forget()

    def decoded(self, region: tuple[slice, ...], files: Mapping[str, bytes]) -> NDArray[Any]:
        """Return a region from the content of its files; where one is missing, what stands for nothing."""
        try:
            array = self._array
            self._files.update({key: _as_buffer(content) for key, content in files.items()})
            return np.asarray(array[self._whole(region)])
        finally:
            self._forget()

    def _whole(self, region: tuple[slice, ...]) -> tuple[slice, ...]:
        return (*region, *[slice(None)] * (len(self.shape) - len(region)))

    def _forget(self) -> None:
        for key in [key for key in self._files if key != self._description]:
            del self._files[key]


def new_array(name: str, about: Mapping[str, Any]) -> ArrayFiles:
    """Return an array that is not there yet; ``about`` are settings of ``zarr.create_array``."""
    attributes = dict(about.get("attributes", {}))
    alike = {key: value for key, value in about.items() if key != "attributes"}
    described = _described(alike)
    return ArrayFiles(name, {**described, "attributes": attributes})


_known: dict[str, dict[str, Any]] = {}


def _described(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return how Zarr describes an array with these settings; arrays that differ in name and attributes alone are alike."""
    import zarr
    from zarr.storage import MemoryStore

    which = repr(sorted(settings.items()))
    if which not in _known:
        files: dict[str, Any] = {}
        # One folder an array, not one a dimension.
        keys: Any = {"name": "default", "separator": "."}
        zarr.create_array(MemoryStore(files), zarr_format=3, chunk_key_encoding=keys, **settings)
        _known[which] = json.loads(files[METADATA].to_bytes())
    return _known[which]


def _as_buffer(content: bytes) -> Any:
    from zarr.core.buffer import default_buffer_prototype

    return default_buffer_prototype().buffer.from_bytes(content)
