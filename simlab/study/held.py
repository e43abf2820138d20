"""Held: the blocks of a store that are in memory, and how they are written, status last."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.study.arrays import StoreArrays
from simlab.study.blocks import CellBlock, WorldBlock
from simlab.study.cell import FAILED, KILLED, PENDING, TIMED_OUT, WorldResult
from simlab.study.design import Study
from simlab.study.layout import INNER, Layout, lengths
from simlab.study.storage import Lease, Storage

# Blocks that wait for their last cells are kept up to this many numbers.
_NUMBERS_KEPT = 16_000_000
_FAILURES = (FAILED, TIMED_OUT, KILLED)


class Held:
    """The blocks that results are put into before they are written.

    Parameters
    ----------
    where : Storage
    arrays : StoreArrays
        Of the store.
    layout : Layout
    study : Study
        With the metrics of the store.
    sets : list of list of str
        Metrics in the order in which they were asked for.
    labels : mapping of dimension to the names that the store has of sites, relations and periods
    lease : Lease, optional
        Renewed at each writing.
    """

    def __init__(
        self,
        where: Storage,
        arrays: StoreArrays,
        layout: Layout,
        study: Study,
        sets: list[list[str]],
        labels: Mapping[str, Sequence[Any]],
        lease: Lease | None,
    ) -> None:
        self._where, self._arrays, self._layout, self._sets, self._lease = where, arrays, layout, sets, lease
        self._fit_names = [metric.name for metric in study.fit_metrics]
        self._truth_names = [metric.name for metric in study.truth_metrics]
        places = [
            np.array([labels[dim].index(name) for name in names])
            for dim, names in zip(INNER, (study.sites, study.relations, study.periods), strict=True)
        ]
        self.inner_shape = tuple(len(labels[dim]) for dim in INNER)
        self._inner_at = np.ix_(np.arange(len(self._fit_names)), *places)
        self._truth_at = np.ix_(np.arange(len(self._truth_names)), *places)
        self._open: dict[tuple[int, ...], CellBlock] = {}
        self._worlds: dict[tuple[int, ...], WorldBlock] = {}

    def missing(self, scored: int) -> tuple[str, ...]:
        """Return the metrics that a cell lacks which has so many of the sets."""
        return tuple(itertools.chain.from_iterable(self._sets[scored:]))

    def of_block(self, block: tuple[int, ...], name: str) -> NDArray[Any]:
        """Return one of status, scored and elapsed of a block: (scenario, fieldwork, fitter, replicate), flat."""
        if block in self._open:
            found: NDArray[Any] = getattr(self._open[block], name)
            return found
        region = self._layout.region(block)
        return self._arrays.read(name, region).reshape(self._layout.sides(region))

    def forget(self, block: tuple[int, ...]) -> None:
        """Forget what is held of a block, which is damaged in the store."""
        self._open.pop(block, None)
        self._worlds.pop(self._layout.world_block(block), None)

    def add(self, result: WorldResult) -> None:
        """Take the results of a world into memory."""
        for cell in result.cells:
            block = self._layout.block_of(*cell.place)
            held = self._block(block)
            at = self._layout.inside(held.region, cell.place)
            if held.status[at] in (PENDING, *_FAILURES):
                held.put(at, cell, self._inner_at, len(self._sets))
            elif held.scored[at] < len(self._sets) and cell.values is not None:
                names = self.missing(int(held.scored[at]))
                lacking = [i for i, name in enumerate(self._fit_names) if name in names]
                held.add_metrics(at, cell, lacking, self._inner_at, len(self._sets))
            # Whatever else comes of a cell that was done changes nothing: it may have been lost while it was fitted again.
        if result.truth is not None and self._truth_names and result.cells:
            block = self._layout.block_of(*result.cells[0].place)
            at = self._layout.inside(self._block(block).region, result.cells[0].place)
            self._world_block(block).put(at[0], at[-1], result.truth, self._truth_at)
        self._make_room()

    def done(self, block: tuple[int, ...]) -> None:
        """Write a block that nothing more will come for, and forget it."""
        if block in self._open:
            self._write([block])
            del self._open[block]
            world = self._layout.world_block(block)
            if not any(self._layout.world_block(other) == world for other in self._open):
                self._worlds.pop(world, None)

    def flush(self) -> None:
        """Write what was added; SimlabError where the storage does not take it."""
        self._write([block for block, held in self._open.items() if held.changed])

    def _block(self, block: tuple[int, ...]) -> CellBlock:
        if block not in self._open:
            region = self._layout.region(block)
            sides = self._layout.sides(region)
            held = CellBlock.empty(region, sides, (len(self._fit_names), *self.inner_shape))
            status = self._arrays.read("status", region).reshape(sides)
            if (status != PENDING).any():
                held.status[:] = held.stored[:] = status
                for name in ("scored", "elapsed", "message"):
                    getattr(held, name)[:] = self._arrays.read(name, region).reshape(sides)
                for m, name in enumerate(self._fit_names):
                    held.values[:, :, :, :, m] = self._arrays.read(name, region).reshape(*sides, *self.inner_shape)
            self._open[block] = held
        return self._open[block]

    def _world_block(self, block: tuple[int, ...]) -> WorldBlock:
        world = self._layout.world_block(block)
        if world not in self._worlds:
            region = self._layout.region(block)
            part = self._layout.of_worlds(region)
            sides = self._layout.sides(region)
            values = np.full((sides[0], sides[-1], len(self._truth_names), *self.inner_shape), np.nan)
            for m, name in enumerate(self._truth_names):
                values[:, :, m] = self._arrays.read(name, part).reshape(sides[0], sides[-1], *self.inner_shape)
            lacking = not all(self._arrays.has(name, part) for name in self._truth_names)
            self._worlds[world] = WorldBlock(part, values, changed=lacking)
        return self._worlds[world]

    def _make_room(self) -> None:
        """Write and forget the blocks that were begun first, where too many wait for their last cells."""
        while len(self._open) > 1 and sum(held.values.size for held in self._open.values()) > _NUMBERS_KEPT:
            self.done(next(iter(self._open)))

    def _write(self, blocks: list[tuple[int, ...]]) -> None:
        """Write blocks: the truth of their worlds and their numbers, then how cells ended."""
        if self._lease is not None:
            self._lease.renew()
        for block in blocks:
            held = self._open[block]
            if held.changed:
                self._where.attempt(partial(self._write_block, block, held))

    def _write_block(self, block: tuple[int, ...], held: CellBlock) -> None:
        if held.again.any():
            # Between the old numbers and the new a cell is pending.
            stored = np.where(held.again, PENDING, held.stored).astype(np.int8)
            self._arrays.write("status", held.region, stored.reshape(lengths(held.region)))
        world = self._world_block(block)
        if world.changed:
            shape = lengths(world.region)
            for m, name in enumerate(self._truth_names):
                self._arrays.write(name, world.region, world.values[:, :, m].reshape(*shape, *self.inner_shape))
            world.changed = False
        self._write_cells(held)
        held.stored[:] = held.status
        held.again[:] = held.changed = False

    def _write_cells(self, held: CellBlock) -> None:
        """Write the variables of a block, status last."""
        shape = lengths(held.region)
        for m, name in enumerate(self._fit_names):
            values = held.values[:, :, :, :, m].reshape(*shape, *self.inner_shape)
            self._arrays.write(name, held.region, values)
        for name in ("message", "elapsed", "scored", "status"):
            self._arrays.write(name, held.region, getattr(held, name).reshape(shape))
