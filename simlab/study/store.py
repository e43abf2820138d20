"""The store of a study: one xarray Dataset in Zarr, written by one process, block by block, status last."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError
from simlab.study.arrays import DamagedError, StoreArrays, read_root
from simlab.study.blocks import CellBlock, WorldBlock
from simlab.study.cell import FAILED, KILLED, PENDING, STATUS_NAMES, TIMED_OUT, Place, WorldResult
from simlab.study.design import Study
from simlab.study.extend import merge
from simlab.study.health import Checker
from simlab.study.layout import INNER, Blocks, Layout
from simlab.study.provenance import SCHEMA_VERSION, describe, now, surroundings
from simlab.study.reading import check_storage
from simlab.study.reading import opened as opened
from simlab.study.storage import Lease, Storage

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Blocks that wait for their last cells are kept up to this many numbers.
_NUMBERS_KEPT = 16_000_000
_FAILURES = (FAILED, TIMED_OUT, KILLED)


class Store:
    """A store that a study is computed into.

    Cells lie at (scenario dimensions, fieldwork dimensions, fitter, replicate), in blocks. A block is computed in memory and
    written variable by variable, each as one file that is replaced in one step; status comes last. So whatever stops the
    run, a cell that is not pending is complete.

    Parameters
    ----------
    where : path, address or Storage
        Made where there is nothing.
    study : Study
        What is asked for. What the store lacks of it is added to its dimensions; what it holds is never changed.
    lease : Lease, optional
        Renewed at each writing.

    Raises
    ------
    InputError
        Where something else lies there, or the store of another study or of another version of the store.
    """

    def __init__(self, where: str | Path | Storage, study: Study, lease: Lease | None = None) -> None:
        self.where = where = Storage(where)
        self._lease = lease
        wanted = json.loads(json.dumps(describe(study)))
        inner: dict[str, tuple[str, ...]] = dict(zip(INNER, (study.sites, study.relations, study.periods), strict=True))
        root = where.attempt(lambda: read_root(where), reading=True)
        if root is not None:
            check_storage(where, whole=False)
        attributes = root["attributes"] if root is not None else {}
        stored = _stored_design(where, attributes) if root is not None else wanted
        names = _stored_inner(where, root) if root is not None else inner
        both = {dim: tuple(dict.fromkeys((*names[dim], *inner[dim]))) for dim in INNER}
        merged = merge(str(where), stored, wanted, both)
        try:
            self.study = study.changed(metrics=merged.design["metrics"])
        except InputError as error:
            raise InputError(f"{where}: has a metric that is not registered here: {error}") from None
        self._sets: list[list[str]] = merged.design["metric_sets"]
        self._fit_names = [metric.name for metric in self.study.fit_metrics]
        self._truth_names = [metric.name for metric in self.study.truth_metrics]
        blocks, before = _blocks(where, root, self.study, merged.labels), _stored_replicates(root)
        self.n_replicates = max(study.replicates, before)
        self._blocks = blocks
        self._labels = merged.labels
        self._set_layout()
        if root is None or merged.new or self.n_replicates > before:
            design = merged.design if root is not None else wanted
            provenance = _provenance(attributes, design)
            self._made({"title": study.name, "schema_version": SCHEMA_VERSION, **attributes, "provenance": provenance})
        else:
            self._made(None)
        self._open: dict[tuple[int, ...], CellBlock] = {}
        self._worlds: dict[tuple[int, ...], WorldBlock] = {}
        self._asked = self._asked_before()
        self.ask(range(len(study.scenarios.settings)), study.replicates)

    # --- what is asked for ------------------------------------------------------------------------------------------------

    def ask(self, scenarios: Iterable[int], replicates: int) -> None:
        """Ask for so many replicates, or more, of all that the study does with these scenarios."""
        if replicates > self.n_replicates:
            self.flush()
            self.n_replicates = replicates
            self._set_layout()
            self._made(self._arrays.attributes)
        layout = self.layout
        chosen = np.zeros(len(self.study.scenarios.settings) + 1, dtype=bool)
        chosen[list(scenarios)] = True
        n = layout.n_world_dims
        here = np.ix_(
            chosen[layout.scenario_of].ravel(), (layout.fieldwork_of >= 0).ravel(), (layout.fitter_of >= 0).ravel()
        )
        flat = self._asked.reshape(math.prod(layout.shape[:n]), math.prod(layout.shape[n:-2]), layout.shape[-2])
        if (flat[here] < replicates).any():
            flat[here] = np.maximum(flat[here], replicates)
            self.where.attempt(lambda: self._arrays.write("asked", (), self._asked))

    def blocks(self) -> Iterator[tuple[int, ...]]:
        """Iterate over the blocks that hold cells that are asked for."""
        for block in self.layout.blocks():
            start = block[-1] * self.layout.block_shape[-1]
            if start < self._asked[self.layout.region(block)[:-1]].max():
                yield block

    def members(self, block: tuple[int, ...]) -> tuple[Ints, Ints, Ints]:
        """Return scenario, fieldwork and fitter of each combination in a block, flat; -1 where it is not the study's."""
        sides = np.meshgrid(*self.layout.members(block)[:3], indexing="ij")
        return sides[0].ravel(), sides[1].ravel(), sides[2].ravel()

    def scenarios(self, block: tuple[int, ...]) -> Ints:
        """Return the study's scenarios in a block."""
        found = self.layout.members(block)[0]
        return found[found >= 0]

    def check(self, block: tuple[int, ...]) -> str:
        """Read all of a block. What is damaged or lost counts as never computed; return what that is, else an empty text."""
        checker = Checker(self._arrays, self.layout, self._sets, self._truth_names, self._inner_shape)
        damage, anew = checker.check(block)
        for other in anew:
            self._open.pop(other, None)
            self._worlds.pop(self.layout.world_block(other), None)
        return damage

    def unfinished(self, block: tuple[int, ...], again: Iterable[int] = ()) -> NDArray[np.bool_]:
        """Return which cells of a block are to be computed: (scenario, fieldwork, fitter, replicate), flat."""
        empty, lacking = self._left(block, again)
        return empty | lacking

    def pending(self, block: tuple[int, ...], again: Iterable[int] = ()) -> dict[Place, tuple[str, ...] | None]:
        """Return the cells of a block that are to be computed, with the metrics that are missing (all where None).

        Those whose status is among ``again`` are computed once more. World by world.
        """
        empty, lacking = self._left(block, again)
        scenarios, fieldworks, fitters, first = self.layout.members(block)
        scored = self._of_block(block, "scored")
        found: dict[Place, tuple[str, ...] | None] = {}
        for s, r, f, k in np.argwhere((empty | lacking).transpose(0, 3, 1, 2)).tolist():
            place = Place(int(scenarios[s]), int(fieldworks[f]), int(fitters[k]), first + r)
            found[place] = None if empty[s, f, k, r] else self._missing(int(scored[s, f, k, r]))
        return found

    def counts(self, block: tuple[int, ...]) -> Ints:
        """Return how many cells of a block have each status, among those that the study asks for."""
        status = self._of_block(block, "status")
        return np.bincount(status[self._wanted(block)].astype(np.int64), minlength=len(STATUS_NAMES))

    def times(self, block: tuple[int, ...]) -> tuple[Floats, Floats, Floats]:
        """Return number, seconds and squared seconds of the cells of a block: (scenario, fieldwork, fitter), flat."""
        elapsed = self._of_block(block, "elapsed").astype(np.float64)
        seen = np.isfinite(elapsed)
        elapsed = np.where(seen, elapsed, 0.0)
        return seen.sum(axis=-1).astype(np.float64), elapsed.sum(axis=-1), (elapsed**2).sum(axis=-1)

    def _left(self, block: tuple[int, ...], again: Iterable[int]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which cells of a block have nothing, or are tried again, and which only lack metrics."""
        status, scored = self._of_block(block, "status"), self._of_block(block, "scored")
        wanted = self._wanted(block)
        empty = wanted & np.isin(status, [PENDING, *again])
        return empty, wanted & ~empty & (scored < len(self._sets)) & (status < STATUS_NAMES.index("failed"))

    def _wanted(self, block: tuple[int, ...]) -> NDArray[np.bool_]:
        scenarios, fieldworks, fitters, first = self.layout.members(block)
        region = self.layout.region(block)
        sides = self._sides(region)
        asked = self._asked[region[:-1]].reshape(sides[:-1])
        mine = (scenarios[:, None, None] >= 0) & (fieldworks[:, None] >= 0) & (fitters >= 0)
        return mine[..., None] & (np.arange(first, first + sides[-1]) < asked[..., None])

    def _of_block(self, block: tuple[int, ...], name: str) -> NDArray[Any]:
        """Return one of status, scored and elapsed of a block."""
        if block in self._open:
            found: NDArray[Any] = getattr(self._open[block], name)
            return found
        region = self.layout.region(block)
        return self._arrays.read(name, region).reshape(self._sides(region))

    def _missing(self, scored: int) -> tuple[str, ...]:
        return tuple(itertools.chain.from_iterable(self._sets[scored:]))

    # --- what is computed -------------------------------------------------------------------------------------------------

    def add(self, result: WorldResult) -> None:
        """Take the results of a world into memory."""
        for cell in result.cells:
            block = self.layout.block_of(*cell.place)
            held = self._block(block)
            at = self._at(held.region, cell.place)
            if held.status[at] in (PENDING, *_FAILURES):
                held.put(at, cell, self._inner_at, len(self._sets))
            elif held.scored[at] < len(self._sets) and cell.values is not None:
                names = self._missing(int(held.scored[at]))
                lacking = [i for i, name in enumerate(self._fit_names) if name in names]
                held.add_metrics(at, cell, lacking, self._inner_at, len(self._sets))
            # Whatever else comes of a cell that was done changes nothing: it may have been lost while it was fitted again.
        if result.truth is not None and self._truth_names and result.cells:
            block = self.layout.block_of(*result.cells[0].place)
            at = self._at(self._block(block).region, result.cells[0].place)
            self._world_block(block).put(at[0], at[-1], result.truth, self._truth_at)
        self._make_room()

    def done(self, block: tuple[int, ...]) -> None:
        """Write a block that nothing more will come for, and forget it."""
        if block in self._open:
            self._write([block])
            del self._open[block]
            world = self.layout.world_block(block)
            if not any(self.layout.world_block(other) == world for other in self._open):
                self._worlds.pop(world, None)

    def flush(self) -> None:
        """Write what was added; SimlabError where the storage does not take it."""
        self._write([block for block, held in self._open.items() if held.changed])

    def replicates(self, scenario: int) -> int:
        """Return how many replicates are asked for of a scenario, in all that the study does with it."""
        n = self.layout.n_world_dims
        here = self._asked[self.layout.index(scenario, 0, 0, 0)[:n]]
        mine = (self.layout.fieldwork_of >= 0)[..., None] & (self.layout.fitter_of >= 0)
        return int(here[mine].min())

    def by_scenarios(self, names: Sequence[str]) -> Iterator[tuple[Ints, dict[str, Floats]]]:
        """Iterate over the scenarios of a row of blocks, -1 for those of others, with what is stored of metrics.

        Each is (scenario, combination of the study's fieldworks and fitters, replicate, site, relation, period); a metric of
        the truth has one combination.
        """
        self.flush()
        n = self.layout.n_world_dims
        mine = ((self.layout.fieldwork_of >= 0)[..., None] & (self.layout.fitter_of >= 0)).ravel()
        for row in dict.fromkeys(block[:n] for block in self.layout.blocks()):
            first = next(block for block in self.layout.blocks() if block[:n] == row)
            region = self.layout.region(first)[:n]
            scenarios = self.layout.members(first)[0]
            values = {}
            for name in names:
                found = self._arrays.read(name, region)
                inner = found.shape[-4:]
                if name in self._truth_names:
                    values[name] = found.reshape(len(scenarios), 1, *inner)
                else:
                    values[name] = found.reshape(len(scenarios), -1, *inner)[:, mine]
            yield scenarios, values

    def note(self, **facts: Any) -> None:
        """Add a run to what the store tells of its runs: when, with which versions, on which machine, and ``facts``."""
        runs = json.loads(self._arrays.attributes.get("runs", "[]"))
        runs.append({"at": now(), **surroundings(), **facts})
        attributes = {**self._arrays.attributes, "runs": json.dumps(runs)}
        self.where.attempt(lambda: self._arrays.write_root(attributes))

    def note_end(self, **facts: Any) -> None:
        """Add to what was noted last: when the run ended, and ``facts``."""
        runs = json.loads(self._arrays.attributes.get("runs", "[]"))
        runs[-1] = {**runs[-1], "ended": now(), **facts}
        attributes = {**self._arrays.attributes, "runs": json.dumps(runs)}
        self.where.attempt(lambda: self._arrays.write_root(attributes))

    # --- inside -----------------------------------------------------------------------------------------------------------

    def _set_layout(self) -> None:
        cells = {dim: self._labels[dim] for dim in self.study.cell_dims[:-1]}
        self.layout = Layout(self.study, cells, self.n_replicates, self._blocks.block)
        places = [
            np.array([self._labels[dim].index(name) for name in names])
            for dim, names in zip(INNER, (self.study.sites, self.study.relations, self.study.periods), strict=True)
        ]
        self._inner_shape = tuple(len(self._labels[dim]) for dim in INNER)
        self._inner_at = np.ix_(np.arange(len(self._fit_names)), *places)
        self._truth_at = np.ix_(np.arange(len(self._truth_names)), *places)

    def _made(self, attributes: dict[str, Any] | None) -> None:
        """Make the store's arrays, or lengthen them; where there are no new ``attributes`` only mend them."""
        labels = {**self._labels, "replicate": tuple(range(self.n_replicates))}
        self.where.attempt(lambda: StoreArrays.make(self.where, self.study, labels, self._blocks, attributes))
        self._arrays = StoreArrays(self.where)

    def _asked_before(self) -> Ints:
        """Return the replicates that were asked for; where that is damaged, as many as there are results."""
        try:
            return self._arrays.read("asked").astype(np.int64)
        except DamagedError:
            found = np.zeros(self.layout.shape[:-1], dtype=np.int64)
            for block in itertools.product(*map(range, self.layout.grid)):
                region = self.layout.region(block)
                with contextlib.suppress(DamagedError):
                    number = np.arange(region[-1].start, region[-1].stop) + 1
                    seen = np.where(self._arrays.read("status", region) != PENDING, number, 0).max(axis=-1)
                    found[region[:-1]] = np.maximum(found[region[:-1]], seen)
            self.where.attempt(lambda: self._arrays.write("asked", (), found))
            return found

    def _sides(self, region: tuple[slice, ...]) -> tuple[int, ...]:
        lengths = _lengths(region)
        n = self.layout.n_world_dims
        return math.prod(lengths[:n]), math.prod(lengths[n:-2]), lengths[-2], lengths[-1]

    def _at(self, region: tuple[slice, ...], place: Place) -> tuple[int, int, int, int]:
        """Return where a cell lies among the four flat sides of its block."""
        index = self.layout.index(*place)
        n = self.layout.n_world_dims
        inside = [i - part.start for i, part in zip(index, region, strict=True)]
        lengths = _lengths(region)
        return _flat(inside[:n], lengths[:n]), _flat(inside[n:-2], lengths[n:-2]), inside[-2], inside[-1]

    def _block(self, block: tuple[int, ...]) -> CellBlock:
        if block not in self._open:
            region = self.layout.region(block)
            sides = self._sides(region)
            held = CellBlock.empty(region, sides, (len(self._fit_names), *self._inner_shape))
            status = self._arrays.read("status", region).reshape(sides)
            if (status != PENDING).any():
                held.status[:] = held.stored[:] = status
                for name in ("scored", "elapsed", "message"):
                    getattr(held, name)[:] = self._arrays.read(name, region).reshape(sides)
                for m, name in enumerate(self._fit_names):
                    held.values[:, :, :, :, m] = self._arrays.read(name, region).reshape(*sides, *self._inner_shape)
            self._open[block] = held
        return self._open[block]

    def _world_block(self, block: tuple[int, ...]) -> WorldBlock:
        world = self.layout.world_block(block)
        if world not in self._worlds:
            region = self.layout.region(block)
            part = self.layout.of_worlds(region)
            sides = self._sides(region)
            values = np.full((sides[0], sides[-1], len(self._truth_names), *self._inner_shape), np.nan)
            for m, name in enumerate(self._truth_names):
                values[:, :, m] = self._arrays.read(name, part).reshape(sides[0], sides[-1], *self._inner_shape)
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
                self.where.attempt(partial(self._write_block, block, held))

    def _write_block(self, block: tuple[int, ...], held: CellBlock) -> None:
        if held.again.any():
            # Between the old numbers and the new a cell is pending.
            stored = np.where(held.again, PENDING, held.stored).astype(np.int8)
            self._arrays.write("status", held.region, stored.reshape(_lengths(held.region)))
        world = self._world_block(block)
        if world.changed:
            shape = _lengths(world.region)
            for m, name in enumerate(self._truth_names):
                self._arrays.write(name, world.region, world.values[:, :, m].reshape(*shape, *self._inner_shape))
            world.changed = False
        self._write_cells(held)
        held.stored[:] = held.status
        held.again[:] = held.changed = False

    def _write_cells(self, held: CellBlock) -> None:
        """Write the variables of a block, status last."""
        shape = _lengths(held.region)
        for m, name in enumerate(self._fit_names):
            values = held.values[:, :, :, :, m].reshape(*shape, *self._inner_shape)
            self._arrays.write(name, held.region, values)
        for name in ("message", "elapsed", "scored", "status"):
            self._arrays.write(name, held.region, getattr(held, name).reshape(shape))


def _lengths(region: tuple[slice, ...]) -> tuple[int, ...]:
    return tuple(part.stop - part.start for part in region)


def _flat(index: Sequence[int], lengths: Sequence[int]) -> int:
    flat = 0
    for i, length in zip(index, lengths, strict=True):
        flat = flat * length + i
    return flat


def _stored_design(where: Storage, attributes: dict[str, Any]) -> dict[str, Any]:
    schema = attributes.get("schema_version")
    if schema is None or "provenance" not in attributes:
        raise InputError(f"{where}: a Zarr store, but not one of a simlab study")
    if schema != SCHEMA_VERSION:
        raise InputError(
            f"{where}: written with schema {schema}, and this simlab adds to stores of schema {SCHEMA_VERSION} only."
            " It can be read and reported; name another store with --out"
        )
    try:
        design = json.loads(attributes["provenance"])["design"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{where}: its provenance cannot be read") from None
    if not isinstance(design, dict):
        raise InputError(f"{where}: its provenance cannot be read")
    return design


def _stored_inner(where: Storage, root: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    if "names" in root["attributes"]:
        return {dim: tuple(names) for dim, names in json.loads(root["attributes"]["names"]).items()}
    arrays = StoreArrays(where)
    return {dim: tuple(map(str, arrays.read(dim).tolist())) for dim in INNER}


def _stored_replicates(root: dict[str, Any] | None) -> int:
    if root is None:
        return 0
    return int(root["consolidated_metadata"]["metadata"]["replicate"]["shape"][0])


def _blocks(where: Storage, root: dict[str, Any] | None, study: Study, labels: dict[str, Any]) -> Blocks:
    """Return the blocks of a store, or those for a new one."""
    if root is not None:
        kept = json.loads(root["attributes"]["blocks"])
        return Blocks(tuple(kept["block"]), tuple(kept["part"]))
    sizes = {dim: len(labels[dim]) for dim in study.cell_dims[:-1]} | {"replicate": study.replicates}
    numbers = max(len(study.fit_metrics), 1) * math.prod(len(labels[dim]) for dim in INNER)
    return Blocks.of(sizes, list(study.scenarios.labels), numbers)


def _provenance(attributes: dict[str, Any], design: dict[str, Any]) -> str:
    if "provenance" in attributes:
        return json.dumps({**json.loads(attributes["provenance"]), "design": design})
    return json.dumps({"design": design, **surroundings(), "created": now()})
