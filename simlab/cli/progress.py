"""Progress of a run: a bar with time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from simlab.study.cell import FAILED, CellResult

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
        self._clock = Clock(0, 0)
        self._failed = 0

    def begin(self, total: int, done: int, failed: int) -> None:
        """Show the bar."""
        self._failed, self._clock = failed, Clock(total, done)
        self._task = self._bar.add_task("cells", total=total, completed=done, failed=failed, left="")
        self._bar.start()

    def add(self, results: Sequence[CellResult]) -> None:
        """Move the bar on."""
        self._failed += sum(r.status >= FAILED for r in results)
        self._clock.add(len(results))
        self._bar.update(self._task, advance=len(results), failed=self._failed, left=self._clock.left())

    def end(self) -> None:
        """Leave the bar as it is."""
        self._bar.stop()


class PlainProgress:
    """A line every ten seconds, for files and pipes."""

    def __init__(self) -> None:
        self._clock = Clock(0, 0)
        self._failed = 0
        self._last = time.monotonic()

    def begin(self, total: int, done: int, failed: int) -> None:
        """Say how much there is to do."""
        self._clock, self._failed = Clock(total, done), failed
        self._say()

    def add(self, results: Sequence[CellResult]) -> None:
        """Say how far it is, where ten seconds have passed."""
        self._failed += sum(r.status >= FAILED for r in results)
        self._clock.add(len(results))
        if time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES:
            self._say()

    def end(self) -> None:
        """Say how far it came."""
        self._say()

    def _say(self) -> None:
        self._last = time.monotonic()
        clock = self._clock
        left = f", {clock.left()}" if clock.left() else ""
        print(f"{clock.done} of {clock.total} cells, {self._failed} failed{left}", file=sys.stderr, flush=True)


class Clock:
    """Counts cells and tells the time left from the rate of this run."""

    def __init__(self, total: int, done: int) -> None:
        self.total, self.done = total, done
        self._begun, self._before = time.monotonic(), done

    def add(self, count: int) -> None:
        """Count cells that are done."""
        self.done += count

    def left(self) -> str:
        """Return the time left in words; empty where nothing can be said yet."""
        new = self.done - self._before
        if new == 0 or self.done >= self.total:
            return ""
        seconds = (time.monotonic() - self._begun) / new * (self.total - self.done)
        return f"{duration(seconds)} left"


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
