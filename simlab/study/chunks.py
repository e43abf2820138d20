"""Chunks: a Zarr array's numbers as the bytes of its files, and back. Reads and writes nothing itself.

So every file goes through the storage, which can write it whole and lasting, and what is written needs nothing of what was
there before, which may be damaged.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
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
        import zarr
        from zarr.core.buffer import default_buffer_prototype
        from zarr.storage import MemoryStore

        self._as_buffer = default_buffer_prototype().buffer.from_bytes
        self._description = f"{name}/{METADATA}"
        self.metadata = dict(metadata)
        self._files: dict[str, Any] = {self._description: self._as_buffer(self.description)}
        # A chunk that holds nothing is written too: so one that is missing has been lost.
        with zarr.config.set({"array.write_empty_chunks": True}):
            self._array: Any = zarr.open_array(MemoryStore(self._files), path=name, mode="r+", zarr_format=3)
        self._name = name

    @classmethod
    def planned(cls, name: str, about: Mapping[str, Any]) -> ArrayFiles:
        """Return a new array; ``about`` are settings of ``zarr.create_array``."""
        import zarr
        from zarr.storage import MemoryStore

        files: dict[str, Any] = {}
        zarr.create_array(
            MemoryStore(files),
            name=name,
            zarr_format=3,
            # One folder an array, not one a dimension.
            chunk_key_encoding={"name": "default", "separator": "."},
            **about,
        )
        return cls(name, json.loads(files[f"{name}/{METADATA}"].to_bytes()))

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
            self._files.update({key: self._as_buffer(content) for key, content in files.items()})
            return np.asarray(self._array[self._whole(region)])
        finally:
            self._forget()

    def _whole(self, region: tuple[slice, ...]) -> tuple[slice, ...]:
        return (*region, *[slice(None)] * (len(self.shape) - len(region)))

    def _forget(self) -> None:
        for key in [key for key in self._files if key != self._description]:
            del self._files[key]
