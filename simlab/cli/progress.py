"""Progress of a run: a bar with time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from typing import Any

from simlab.study.cell import FAILED, CellResult
from simlab.study.costs import Forecast

_SECONDS_BETWEEN_LINES = 10.0


class TerminalProgress:
    """A bar that shows cells done, failed, the rate and the time left."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]} failed"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            refresh_per_second=4,
        )
        self._task: Any = None
        self._failed = 0

    def begin(self, total: int, done: int, failed: int) -> None:
        """Show the bar, or lengthen it."""
        self._failed = failed
        if self._task is None:
            self._task = self._bar.add_task("cells", total=total, completed=done, failed=failed, left="")
            self._bar.start()
        else:
            self._bar.update(self._task, total=total, completed=done, failed=failed)

    def add(self, results: Sequence[CellResult], forecast: Forecast | None) -> None:
        """Move the bar on."""
        self._failed += sum(r.status >= FAILED for r in results)
        self._bar.update(self._task, advance=len(results), failed=self._failed, left=in_words(forecast))

    def end(self) -> None:
        """Leave the bar as it is."""
        self._bar.stop()


class PlainProgress:
    """A line every ten seconds, for files and pipes."""

    def __init__(self) -> None:
        self._total = self._done = self._failed = 0
        self._forecast: Forecast | None = None
        self._last = 0.0
        self._said = ""

    def begin(self, total: int, done: int, failed: int) -> None:
        """Say how much there is to do."""
        self._total, self._done, self._failed = total, done, failed
        self._say()

    def add(self, results: Sequence[CellResult], forecast: Forecast | None) -> None:
        """Say how far it is, where ten seconds have passed."""
        self._failed += sum(r.status >= FAILED for r in results)
        self._done += len(results)
        self._forecast = forecast
        if time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES:
            self._say()

    def end(self) -> None:
        """Say how far it came."""
        self._forecast = None
        self._say()

    def _say(self) -> None:
        self._last = time.monotonic()
        words = in_words(self._forecast) if self._done < self._total else ""
        said = f"{self._done} of {self._total} cells, {self._failed} failed{', ' if words else ''}{words}"
        if said != self._said:
            print(said, file=sys.stderr, flush=True)
        self._said = said


def in_words(forecast: Forecast | None) -> str:
    """Return rate and time left, such as ``12.5 cells/s, 3 min left (2 min 40 s to 3 min 20 s)``; empty where not known."""
    if forecast is None or not math.isfinite(forecast.seconds):
        return ""
    left, low, high = (duration(s) for s in (forecast.seconds, forecast.low, forecast.high))
    spread = "" if low == high else f" ({low} to {high})"
    return f"{forecast.rate:.3g} cells/s, {left} left{spread}"


def duration(seconds: float) -> str:
    """Return a time such as ``45 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def suitable() -> TerminalProgress | PlainProgress:
    """Return a bar on a terminal, else plain lines."""
    return TerminalProgress() if sys.stdout.isatty() and sys.stderr.isatty() else PlainProgress()
