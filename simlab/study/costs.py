"""Costs: how long cells take, from those that were computed; what that says of the cells that are left."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.study.cell import CellResult
from simlab.study.design import Study

Floats = NDArray[np.float64]

# Estimates are renewed at most so often: there may be very many.
_SECONDS_BETWEEN = 0.5


class Forecast(NamedTuple):
    """The cells a second of this run, and the seconds left with the limits between which they lie, as nine times of ten."""

    rate: float
    seconds: float
    low: float
    high: float


class Costs:
    """Times of cells by scenario, fieldwork and fitter.

    A combination of which nothing is known is taken to cost what its fitter costs elsewhere, in proportion to the dyads of its
    networks; a fitter of which nothing is known what others cost.
    """

    def __init__(self, study: Study) -> None:
        shape = len(study.scenarios.settings), len(study.fieldworks.settings), len(study.fitters)
        self.left = np.zeros(shape, dtype=np.int64)
        self._count = np.zeros(shape)
        self._sum = np.zeros(shape)
        self._squares = np.zeros(shape)
        self._dyads = np.array(
            [float(w.n_actors) ** 2 * w.n_sites * len(w.relations) * w.n_periods for w in study.scenarios.settings]
        )
        self._begun = time.monotonic()
        self._computed, self._busy = 0, 0.0
        self._estimate: Floats | None = None
        self._renewed = 0.0

    def know(self, at: tuple[NDArray[np.int64], ...], count: Floats, total: Floats, squares: Floats) -> None:
        """Take times that were measured before: of combinations, how many cells, their seconds and squared seconds."""
        np.add.at(self._count, at, count)
        np.add.at(self._sum, at, total)
        np.add.at(self._squares, at, squares)

    def add(self, cells: Iterable[CellResult]) -> None:
        """Take the times of cells that have been computed just now."""
        for cell in cells:
            at = cell.place[:3]
            self.left[at] -= 1
            self._computed += 1
            if cell.elapsed == cell.elapsed:
                self._count[at] += 1
                self._sum[at] += cell.elapsed
                self._squares[at] += cell.elapsed**2
                self._busy += cell.elapsed

    def known(self, scenario: int) -> bool:
        """Say whether any cell of a scenario has been measured."""
        return bool(self._count[scenario].any())

    def estimates(self) -> Floats:
        """Return seconds a cell, (scenario, fieldwork, fitter); NaN where nothing at all is known."""
        if self._estimate is None or time.monotonic() - self._renewed > _SECONDS_BETWEEN:
            self._estimate, self._renewed = self._estimated(), time.monotonic()
        return self._estimate

    def _estimated(self) -> Floats:
        seen = self._count > 0
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self._sum / self._count
            size = self._dyads[:, None, None]
            by_fitter = np.where(seen, mean, 0.0).sum((0, 1)) / np.where(seen, size, 0.0).sum((0, 1))
            anywhere = np.where(seen, mean, 0.0).sum() / np.where(seen, size, 0.0).sum()
        rate = np.where(np.isfinite(by_fitter), by_fitter, anywhere)
        return np.where(seen, mean, rate * size)

    def guesses(self) -> Floats:
        """Return what orders combinations by cost: seconds a cell where anything is known, else dyads."""
        found = self.estimates()
        return np.where(np.isfinite(found), found, self._dyads[:, None, None])

    def left_seconds(self) -> float:
        """Return how long all cells that are left may take, one after the other; NaN where nothing is known."""
        return float((self.left * self.estimates()).sum())

    def forecast(self) -> Forecast | None:
        """Return rate and time left, from what this run has measured; None where that is too little."""
        passed = time.monotonic() - self._begun
        if self._computed < 2 or passed <= 0 or self._busy <= 0:
            return None
        at_once = max(self._busy / passed, 1e-9)
        left = self.left_seconds()
        count = np.maximum(self._count, 1)
        spread = np.maximum(self._squares / count - (self._sum / count) ** 2, 0.0)
        guessed = np.where(self._count > 0, 0.0, self.estimates() ** 2)  # a guess may be as wrong as it is large
        variance = (self.left * spread + self.left**2 * (spread / count + guessed)).sum()
        half = 1.645 * float(np.sqrt(variance)) / at_once
        seconds = left / at_once
        return Forecast(self._computed / passed, seconds, max(seconds - half, 0.0), seconds + half)
