"""The store of a study: one xarray Dataset in Zarr, written by one process, block by block, status last."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError
from simlab.study.arrays import DamagedError, StoreArrays, read_root
from simlab.study.cell import PENDING, STATUS_NAMES, Place, WorldResult
from simlab.study.design import Study
from simlab.study.extend import merge
from simlab.study.health import Checker
from simlab.study.held import Held
from simlab.study.layout import INNER, Layout
from simlab.study.provenance import SCHEMA_VERSION, describe, now, surroundings
from simlab.study.reading import check_storage
from simlab.study.reading import opened as opened
from simlab.study.root import blocks_of, provenance_of, stored_design, stored_inner, stored_replicates
from simlab.study.storage import Lease, Storage

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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
        stored = stored_design(where, attributes) if root is not None else wanted
        names = stored_inner(where, root) if root is not None else inner
        both = {dim: tuple(dict.fromkeys((*names[dim], *inner[dim]))) for dim in INNER}
        merged = merge(str(where), stored, wanted, both)
        try:
            self.study = study.changed(metrics=merged.design["metrics"])
        except InputError as error:
            raise InputError(f"{where}: has a metric that is not registered here: {error}") from None
        self._sets: list[list[str]] = merged.design["metric_sets"]
        self._truth_names = [metric.name for metric in self.study.truth_metrics]
        blocks, before = blocks_of(where, root, self.study, merged.labels), stored_replicates(root)
        self.n_replicates = max(study.replicates, before)
        self._blocks = blocks
        self._labels = merged.labels
        self._set_layout()
        if root is None or merged.new or self.n_replicates > before:
            design = merged.design if root is not None else wanted
            provenance = provenance_of(attributes, design)
            self._made({"title": study.name, "schema_version": SCHEMA_VERSION, **attributes, "provenance": provenance})
        else:
            self._made(None)
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
        checker = Checker(self._arrays, self.layout, self._sets, self._truth_names, self._held.inner_shape)
        damage, anew = checker.check(block)
        for other in anew:
            self._held.forget(other)
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
        scored = self._held.of_block(block, "scored")
        found: dict[Place, tuple[str, ...] | None] = {}
        for s, r, f, k in np.argwhere((empty | lacking).transpose(0, 3, 1, 2)).tolist():
            place = Place(int(scenarios[s]), int(fieldworks[f]), int(fitters[k]), first + r)
            found[place] = None if empty[s, f, k, r] else self._held.missing(int(scored[s, f, k, r]))
        return found

    def counts(self, block: tuple[int, ...]) -> Ints:
        """Return how many cells of a block have each status, among those that the study asks for."""
        status = self._held.of_block(block, "status")
        return np.bincount(status[self._wanted(block)].astype(np.int64), minlength=len(STATUS_NAMES))

    def times(self, block: tuple[int, ...]) -> tuple[Floats, Floats, Floats]:
        """Return number, seconds and squared seconds of the cells of a block: (scenario, fieldwork, fitter), flat."""
        elapsed = self._held.of_block(block, "elapsed").astype(np.float64)
        seen = np.isfinite(elapsed)
        elapsed = np.where(seen, elapsed, 0.0)
        return seen.sum(axis=-1).astype(np.float64), elapsed.sum(axis=-1), (elapsed**2).sum(axis=-1)

    def _left(self, block: tuple[int, ...], again: Iterable[int]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which cells of a block have nothing, or are tried again, and which only lack metrics."""
        status, scored = self._held.of_block(block, "status"), self._held.of_block(block, "scored")
        wanted = self._wanted(block)
        empty = wanted & np.isin(status, [PENDING, *again])
        return empty, wanted & ~empty & (scored < len(self._sets)) & (status < STATUS_NAMES.index("failed"))

    def _wanted(self, block: tuple[int, ...]) -> NDArray[np.bool_]:
        scenarios, fieldworks, fitters, first = self.layout.members(block)
        region = self.layout.region(block)
        sides = self.layout.sides(region)
        asked = self._asked[region[:-1]].reshape(sides[:-1])
        mine = (scenarios[:, None, None] >= 0) & (fieldworks[:, None] >= 0) & (fitters >= 0)
        return mine[..., None] & (np.arange(first, first + sides[-1]) < asked[..., None])

    # --- what is computed -------------------------------------------------------------------------------------------------

    def add(self, result: WorldResult) -> None:
        """Take the results of a world into memory."""
        self._held.add(result)

    def done(self, block: tuple[int, ...]) -> None:
        """Write a block that nothing more will come for, and forget it."""
        self._held.done(block)

    def flush(self) -> None:
        """Write what was added; SimlabError where the storage does not take it."""
        self._held.flush()

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

    def _made(self, attributes: dict[str, Any] | None) -> None:
        """Make the store's arrays, or lengthen them; where there are no new ``attributes`` only mend them."""
        labels = {**self._labels, "replicate": tuple(range(self.n_replicates))}
        self.where.attempt(lambda: StoreArrays.make(self.where, self.study, labels, self._blocks, attributes))
        self._arrays = StoreArrays(self.where)
        self._held = Held(self.where, self._arrays, self.layout, self.study, self._sets, self._labels, self._lease)

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
