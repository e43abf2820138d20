"""Blocks: the cells, and the worlds, that are computed and written together, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.study.cell import PENDING, CellResult
from simlab.study.layout import Region

Floats = NDArray[np.float64]


@dataclass(eq=False)
class CellBlock:
    """The cells of a block. Axes: scenario, fieldwork, fitter, replicate, each flat; of values also metric and networks.

    status, scored : int8; elapsed : s, float32; message : object; values : (..., metric, site, relation, period).
    ``fresh`` : nothing of it has been written yet.
    """

    region: Region
    status: NDArray[np.int8]
    scored: NDArray[np.int8]
    elapsed: NDArray[np.float32]
    message: NDArray[np.object_]
    values: Floats
    fresh: bool
    changed: bool = False

    @classmethod
    def empty(cls, region: Region, sides: tuple[int, ...], inner: tuple[int, ...]) -> CellBlock:
        """Return a block with nothing computed; ``inner`` are the number of metrics, sites, relations and periods."""
        return cls(
            region,
            np.full(sides, PENDING, dtype=np.int8),
            np.zeros(sides, dtype=np.int8),
            np.full(sides, np.nan, dtype=np.float32),
            np.full(sides, "", dtype=object),
            np.full((*sides, *inner), np.nan),
            fresh=True,
        )

    def put(self, at: tuple[int, ...], cell: CellResult, inner: Any, n_sets: int) -> None:
        """Take the result of a cell that was pending, or is tried again."""
        self.values[at] = np.nan
        if cell.values is not None:
            self.values[(*at, *inner)] = cell.values
        self.message[at] = cell.message
        self.elapsed[at] = cell.elapsed
        self.scored[at] = n_sets
        self.status[at] = cell.status
        self.changed = True

    def add_metrics(
        self, at: tuple[int, ...], cell: CellResult, metrics: Sequence[int], inner: Any, n_sets: int
    ) -> None:
        """Take further metrics of a cell that was done; what is there stays."""
        if cell.values is not None:
            # The first of the four inner indices is that of the metric.
            self.values[(*at, *np.ix_(list(metrics), *(side.ravel() for side in inner[1:])))] = cell.values[
                list(metrics)
            ]
        self.scored[at] = n_sets
        self.changed = True


@dataclass(eq=False)
class WorldBlock:
    """The metrics of truths of the worlds of a block: (scenario, replicate, metric, site, relation, period)."""

    region: Region
    values: Floats
    changed: bool = False

    def put(self, scenario: int, replicate: int, truth: Floats, inner: Any) -> None:
        """Take the truth of a world; a metric that is there stays."""
        here = self.values[scenario, replicate]
        new = np.full_like(here, np.nan)
        new[inner] = truth
        missing = np.isnan(here).reshape(len(here), -1).all(axis=1)
        self.values[scenario, replicate][missing] = new[missing]
        self.changed = True
