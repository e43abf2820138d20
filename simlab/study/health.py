"""Health of a store: what of it is damaged or lost is found before a run, and written as never computed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.study.arrays import DamagedError, StoreArrays
from simlab.study.cell import PENDING
from simlab.study.layout import Layout, Region

Ints = NDArray[np.int64]
Block = tuple[int, ...]


class Checker:
    """Reads blocks of a store, and writes anew what cannot be read.

    Parameters
    ----------
    metric_sets : sequence of list of str
        The metrics of the store, in the order in which they came into it.
    truths : sequence of str
        Those that are of the truth.
    inner : tuple of int
        The number of sites, relations and periods.
    """

    def __init__(
        self,
        arrays: StoreArrays,
        layout: Layout,
        metric_sets: Sequence[Sequence[str]],
        truths: Sequence[str],
        inner: tuple[int, ...],
    ) -> None:
        self._arrays = arrays
        self._layout = layout
        self._sets = metric_sets
        self._truth_names = truths
        self._fit_names = [name for names in metric_sets for name in names if name not in truths]
        self._inner_shape = inner

    def check(self, block: Block) -> tuple[str, list[Block]]:
        """Read all of a block; return what of it is damaged or lost, and the blocks that were written anew because of it.

        Where it is the metrics of the truth, those are all blocks with the same worlds.
        """
        region = self._layout.region(block)
        of_cells, done = self._damage(block)
        of_truths = self._damaged_truths(region, done)
        if not of_cells and not of_truths:
            return "", []
        blocks = self._same_worlds(block) if of_truths else [block]
        self._reset(blocks, region, list(of_truths))
        return "; ".join(filter(None, (of_cells, *of_truths.values()))), blocks

    def _damage(self, block: Block) -> tuple[str, Ints]:
        """Return what of a block's own variables is damaged, and how many sets of metrics each cell that is done has."""
        region = self._layout.region(block)
        done = np.zeros(0, dtype=np.int64)
        try:
            computed = self._arrays.read("status", region) != PENDING
            some = bool(computed.any())
            done = np.where(computed, self._read_due("scored", region, some), 0).astype(np.int64)
            for name in ("message", "elapsed"):
                self._read_due(name, region, some)
            for name in self._fit_names:
                self._read_due(name, region, self._is_due(name, done))
        except DamagedError as error:
            return str(error), done
        return "", done

    def _damaged_truths(self, region: Region, done: Ints) -> dict[str, str]:
        """Return which metrics of the truth are damaged in the worlds of a region, and how."""
        found = {}
        for name in self._truth_names:
            try:
                self._read_due(name, self._layout.of_worlds(region), self._is_due(name, done))
            except DamagedError as error:
                found[name] = str(error)
        return found

    def _read_due(self, name: str, region: Region, due: bool) -> NDArray[Any]:
        return self._arrays.read(name, region, whole=due and self._arrays.writes_all)

    def _is_due(self, name: str, done: Ints) -> bool:
        """Say whether a metric must be there, where cells have so many sets of metrics."""
        number = next(i for i, names in enumerate(self._sets) if name in names)
        return bool((done > number).any())

    def _same_worlds(self, block: Block) -> list[Block]:
        """Return the blocks of all fieldworks and fitters with the worlds of a block."""
        n = self._layout.n_world_dims
        others = itertools.product(*map(range, self._layout.grid[n:-1]))
        return [(*block[:n], *other, block[-1]) for other in others]

    def _reset(self, blocks: list[Block], worlds: Region, truths: list[str]) -> None:
        """Write blocks as never computed: first that they are pending, so that a reader never takes what is not there."""
        for block in blocks:
            region = self._layout.region(block)
            self._arrays.write("status", region, np.full(_lengths(region), PENDING, dtype=np.int8))
        part = self._layout.of_worlds(worlds)
        for name in truths:
            self._arrays.write(name, part, np.full((*_lengths(part), *self._inner_shape), np.nan))
        for block in blocks:
            region = self._layout.region(block)
            shape = _lengths(region)
            for name in self._fit_names:
                self._arrays.write(name, region, np.full((*shape, *self._inner_shape), np.nan))
            self._arrays.write("message", region, np.full(shape, "", dtype=object))
            self._arrays.write("elapsed", region, np.full(shape, np.nan, dtype=np.float32))
            self._arrays.write("scored", region, np.zeros(shape, dtype=np.int8))


def _lengths(region: Region) -> tuple[int, ...]:
    return tuple(part.stop - part.start for part in region)
