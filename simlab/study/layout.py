"""Layout: how the cells of a study lie in the arrays of its store, and in which blocks they are computed and written."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.study.design import Study

Ints = NDArray[np.int64]
Region = tuple[slice, ...]

INNER = ("site", "relation", "period")
# A block holds so many numbers at most: it is kept in memory while it is computed, and is one file a variable.
_NUMBERS_A_BLOCK = 4_000_000
_CELLS_A_BLOCK = 32_768
# What a reader decodes at once is smaller, so that a part can be read without the rest.
_PARTS_A_BLOCK = 8
# Room for replicates that come later, in the same blocks.
_LEAST_REPLICATES = 64


@dataclass(frozen=True, eq=False)
class Blocks:
    """The shapes of a block of cells along the cell dimensions, and of the parts that it is encoded in."""

    block: tuple[int, ...]
    part: tuple[int, ...]

    @classmethod
    def of(cls, sizes: Mapping[str, int], worlds: Sequence[str], numbers_a_cell: int) -> Blocks:
        """Return blocks for arrays of these sizes: whole in fieldworks and fitters as far as possible, then along scenarios.

        ``sizes`` : of the cell dimensions, in order, replicate last.
        """
        cells = max(min(_CELLS_A_BLOCK, _NUMBERS_A_BLOCK // max(numbers_a_cell, 1)), _PARTS_A_BLOCK)
        dims = list(sizes)
        inner = dict.fromkeys(dims, 1)
        room = cells // _PARTS_A_BLOCK
        others = [d for d in dims if d not in worlds and d != "replicate"]
        for dim in (*reversed(others), "replicate", *reversed(list(worlds))):
            wanted = max(sizes[dim], _LEAST_REPLICATES) if dim == "replicate" else sizes[dim]
            inner[dim] = max(min(wanted, room // math.prod(inner.values())), 1)
        block = dict(inner)
        times = _PARTS_A_BLOCK
        for dim in (*reversed(list(worlds)), "replicate", *reversed(others)):
            more = max(min(times, -(-sizes[dim] // inner[dim])), 1)
            block[dim] = inner[dim] * more
            times //= more
        return cls(tuple(block.values()), tuple(inner.values()))


class Layout:
    """Where the cells of a study lie in a store, which may hold more than the study has.

    Parameters
    ----------
    study : Study
    labels : mapping from dimension to labels
        Of the store: scenario dimensions, fieldwork dimensions and fitter, in order.
    n_replicates : int
        Length of the store's replicate dimension.
    block : tuple of int
        Shape of a block along the cell dimensions.
    """

    def __init__(
        self, study: Study, labels: Mapping[str, Sequence[Any]], n_replicates: int, block: tuple[int, ...]
    ) -> None:
        self.study = study
        self.dims = study.cell_dims
        self.shape = (*(len(labels[d]) for d in self.dims[:-1]), n_replicates)
        self.block_shape = block
        self.n_world_dims = len(study.scenarios.labels)
        self._scenario_at = _places(study.scenarios.labels, labels)
        self._fieldwork_at = _places(study.fieldworks.labels, labels)
        self._fitter_at = _places({"fitter": tuple(study.fitters)}, labels)
        n = self.n_world_dims
        self.scenario_of = _inverse(self._scenario_at, self.shape[:n])
        self.fieldwork_of = _inverse(self._fieldwork_at, self.shape[n:-2])
        self.fitter_of = _inverse(self._fitter_at, self.shape[-2:-1])

    @cached_property
    def grid(self) -> tuple[int, ...]:
        """The number of blocks along each cell dimension."""
        return tuple(-(-n // b) for n, b in zip(self.shape, self.block_shape, strict=True))

    def blocks(self) -> Iterator[tuple[int, ...]]:
        """Iterate over the blocks that hold cells of the study."""
        n = self.n_world_dims
        used = [
            sorted({at[axis] // size for at in places})
            for places, sizes in (
                (self._scenario_at, self.block_shape[:n]),
                (self._fieldwork_at, self.block_shape[n:-2]),
                (self._fitter_at, self.block_shape[-2:-1]),
            )
            for axis, size in enumerate(sizes)
        ]
        return itertools.product(*used, range(self.grid[-1]))

    def region(self, block: tuple[int, ...]) -> Region:
        """Return what a block covers along each cell dimension."""
        return tuple(
            slice(i * size, min((i + 1) * size, n))
            for i, size, n in zip(block, self.block_shape, self.shape, strict=True)
        )

    def world_block(self, block: tuple[int, ...]) -> tuple[int, ...]:
        """Return the block of worlds, along scenario dimensions and replicate, that a block of cells belongs to."""
        return (*block[: self.n_world_dims], block[-1])

    def of_worlds(self, region: Region) -> Region:
        """Return the worlds of a region of cells, along scenario dimensions and replicate."""
        return (*region[: self.n_world_dims], region[-1])

    def members(self, block: tuple[int, ...]) -> tuple[Ints, Ints, Ints, int]:
        """Return the study's scenarios, fieldworks and fitters along the three sides of a block, -1 for those of others,
        and the first replicate.
        """
        region = self.region(block)
        n = self.n_world_dims
        return (
            self.scenario_of[region[:n]].ravel(),
            self.fieldwork_of[region[n:-2]].ravel(),
            self.fitter_of[region[-2:-1]].ravel(),
            int(region[-1].start),
        )

    def block_of(self, scenario: int, fieldwork: int, fitter: int, replicate: int) -> tuple[int, ...]:
        """Return the block that a cell of the study lies in."""
        return tuple(
            i // size
            for i, size in zip(self.index(scenario, fieldwork, fitter, replicate), self.block_shape, strict=True)
        )

    def index(self, scenario: int, fieldwork: int, fitter: int, replicate: int) -> tuple[int, ...]:
        """Return where a cell of the study lies along the cell dimensions of the store."""
        return (
            *self._scenario_at[scenario],
            *self._fieldwork_at[fieldwork],
            *self._fitter_at[fitter],
            replicate,
        )

    def sides(self, region: Region) -> tuple[int, int, int, int]:
        """Return how many scenarios, combinations of fieldwork, fitters and replicates a region has."""
        sizes, n = lengths(region), self.n_world_dims
        return math.prod(sizes[:n]), math.prod(sizes[n:-2]), sizes[-2], sizes[-1]

    def inside(self, region: Region, place: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        """Return where a cell lies among the four flat sides of a region."""
        n = self.n_world_dims
        at = [i - part.start for i, part in zip(self.index(*place), region, strict=True)]
        sizes = lengths(region)
        return _flat(at[:n], sizes[:n]), _flat(at[n:-2], sizes[n:-2]), at[-2], at[-1]


def lengths(region: Region) -> tuple[int, ...]:
    """Return how many cells a region has along each dimension."""
    return tuple(part.stop - part.start for part in region)


def _flat(index: Sequence[int], sizes: Sequence[int]) -> int:
    flat = 0
    for i, size in zip(index, sizes, strict=True):
        flat = flat * size + i
    return flat


def _places(asked: Mapping[str, Sequence[Any]], stored: Mapping[str, Sequence[Any]]) -> list[tuple[int, ...]]:
    """Return, for each combination of the labels that are asked for, in order, its indices among the stored labels."""
    at = [[list(stored[dim]).index(label) for label in labels] for dim, labels in asked.items()]
    return list(itertools.product(*at))


def _inverse(places: Sequence[tuple[int, ...]], shape: tuple[int, ...]) -> Ints:
    """Return which of the places each position of an array of this shape is, -1 where none."""
    out = np.full(shape, -1, dtype=np.int64)
    for number, at in enumerate(places):
        out[at] = number
    return out
