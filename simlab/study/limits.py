"""Limits of time and memory for the cells that a process computes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from simlab.foundation.errors import InputError

MEGABYTE = 2**20
# A cell is first asked to stop; one that does not within this many seconds is in code that cannot be interrupted.
GRACE_SECONDS = 3.0
# Beside the limit on what a process holds, what it may ask for at once: compiled code and threads reserve more than they use.
_RESERVE = 1024 * MEGABYTE


class Limits(NamedTuple):
    """Seconds a cell, megabytes a worker process; None where there is no limit."""

    seconds: float | None = None
    megabytes: float | None = None

    @property
    def any(self) -> bool:
        """Whether anything is limited."""
        return self.seconds is not None or self.megabytes is not None


def check_limits(seconds: object, megabytes: object) -> Limits:
    """Return the limits; InputError unless each is None or a number above 0, and megabytes leave room for a worker."""
    for name, value, least, allowed in (
        ("time_limit", seconds, 0.0, "must be a number of seconds above 0"),
        ("memory_limit", megabytes, 300.0, "must be a number of megabytes above 300, which a worker needs for itself"),
    ):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least < value < float("inf"):
            raise InputError.of(name, value, allowed)
    return Limits(None if seconds is None else float(seconds), None if megabytes is None else float(megabytes))  # type: ignore[arg-type]


class CellStopped(BaseException):
    """Raised inside a cell that has passed a limit. ``kind`` is timed_out or killed.

    Not an Exception, so that no fitter takes it for a fault of its own and goes on.
    """

    def __init__(self, kind: str = "timed_out", message: str = "passed a limit") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclass
class _Watched:
    what: Any
    begun: float
    asked: float | None = None
    verdict: tuple[str, str] | None = None


@dataclass
class Watch:
    """Watches the cells of this process, and stops those that pass a limit.

    At the limit the cell's thread is made to raise ``CellStopped`` as soon as it is back in Python, such as between two
    sweeps of a sampler. Where it does not come back, or memory is what it has too much of, ``give_up(what, kind, message)`` is
    called; in a worker process that ends the process. Without ``give_up`` the cell is waited for.
    """

    limits: Limits
    give_up: Callable[[Any, str, str], None] | None = None
    _watched: dict[int, _Watched] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    @contextlib.contextmanager
    def over(self, what: Any) -> Iterator[None]:
        """Watch what this thread does inside; CellStopped is raised there where a limit is passed."""
        if not self.limits.any:
            yield
            return
        me = threading.get_ident()
        mine = _Watched(what, time.monotonic())
        with self._lock:
            self._watched[me] = mine
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, daemon=True, name="simlab-watch")
                self._thread.start()
        try:
            try:
                yield
            finally:
                self._forget(me, mine)
        except CellStopped:
            # It may have come while the cell was being forgotten.
            self._forget(me, mine)
            raise CellStopped(*(mine.verdict or ("timed_out", "passed a limit"))) from None

    def _forget(self, thread: int, cell: _Watched) -> None:
        with self._lock:
            if self._watched.get(thread) is cell:
                del self._watched[thread]
            if cell.asked is not None:
                # What was not raised yet must not be raised in the next cell.
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None)

    def _look(self) -> None:
        shortest = min(self.limits.seconds or 1.0, 1.0)
        while True:
            time.sleep(max(shortest / 20.0, 0.01))
            with self._lock:
                for thread, cell in list(self._watched.items()):
                    self._judge(thread, cell)

    def _judge(self, thread: int, cell: _Watched) -> None:
        now = time.monotonic()
        if cell.asked is None:
            cell.verdict = self._verdict(now - cell.begun)
            if cell.verdict is None:
                return
            cell.asked = now
            # A process that holds too much would hold it in the next cell too.
            if cell.verdict[0] != "killed" or self.give_up is None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(CellStopped))
                return
        elif now - cell.asked <= GRACE_SECONDS or self.give_up is None:
            return
        assert cell.verdict is not None
        kind, message = cell.verdict
        self.give_up(cell.what, kind, f"{message}, in {_where(thread)}")

    def _verdict(self, seconds: float) -> tuple[str, str] | None:
        if self.limits.seconds is not None and seconds > self.limits.seconds:
            return "timed_out", f"took longer than the time limit of {self.limits.seconds:g} s"
        if self.limits.megabytes is not None:
            used = resident_megabytes()
            if used > self.limits.megabytes:
                return (
                    "killed",
                    f"the worker held {used:.0f} MB, more than the memory limit of {self.limits.megabytes:g} MB",
                )
        return None


def _where(thread: int) -> str:
    frame = sys._current_frames().get(thread)
    if frame is None:
        return "unknown code"
    last = traceback.extract_stack(frame, limit=None)[-1]
    return f"{last.name} ({os.path.basename(last.filename)}, line {last.lineno})"


def resident_megabytes() -> float:
    """Return the memory that this process holds, in megabytes; NaN where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MEGABYTE
    except OSError:
        pass
    try:  # macOS tells the most that was ever held, which is what a limit is about too
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE
    except ImportError:
        return float("nan")


def limit_requests(megabytes: float | None) -> None:
    """Have this process's requests for far more memory than the limit fail with MemoryError, where the system can."""
    if megabytes is None or not sys.platform.startswith("linux"):
        return
    import resource

    most = int(megabytes * MEGABYTE) + _RESERVE
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def leave_with(parent: int) -> None:
    """End this process soon after its parent has died, however it died."""

    def look() -> None:
        while True:
            time.sleep(1.0)
            if os.getppid() != parent:
                os._exit(1)

    threading.Thread(target=look, daemon=True, name="simlab-parent").start()
