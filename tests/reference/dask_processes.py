"""A Dask scheduler and workers as processes on this machine, started by the commands that anybody would type."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

DASK = Path(sys.executable).with_name("dask")
SECONDS_TO_START = 30.0


class DaskProcesses:
    """A scheduler, and workers that join and leave; what they print is in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = ""
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler: subprocess.Popen[bytes] | None = None
        self._count = 0

    def start_scheduler(self, *options: str, plain: bool = False) -> str:
        """Start a scheduler, and return its address once it is there: at a free port of the loopback unless ``plain``."""
        self._count += 1
        note = self.folder / f"scheduler-{self._count}.json"
        where = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--dashboard-address", ":0"]
        where = [] if plain else where
        self.scheduler = self.start(["scheduler", *where, "--scheduler-file", str(note), *options])
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            assert self.scheduler.poll() is None, self.printed()
            with contextlib.suppress(OSError, ValueError):
                self.address = json.loads(note.read_text(encoding="utf-8"))["address"]
                return self.address
            time.sleep(0.05)
        raise AssertionError(f"no scheduler within {SECONDS_TO_START:g} s: {self.printed()}")

    def start_worker(self, *options: str, nanny: bool = False, threads: int = 1) -> subprocess.Popen[bytes]:
        """Start a worker process; it joins when it is ready."""
        kind = ["--nthreads", str(threads), "--nanny" if nanny else "--no-nanny", "--no-dashboard"]
        where = ["--host", "127.0.0.1", "--local-directory", str(self.folder)]
        worker = self.start(["worker", self.address, *kind, *where, *options])
        self.workers.append(worker)
        return worker

    def n_workers(self) -> int:
        """Return how many workers the scheduler has."""
        import distributed

        with distributed.Client(self.address, set_as_default=False) as client:
            return len(client.nthreads())

    def start(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a dask command in a process group of its own."""
        self._count += 1
        with open(self.folder / f"dask-{self._count}-{arguments[0]}.txt", "wb") as printed:
            return subprocess.Popen(
                [DASK, *arguments], cwd=self.folder, start_new_session=True, stdout=printed, stderr=subprocess.STDOUT
            )

    def printed(self) -> str:
        """Return all that the processes have printed."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("dask-*.txt")))

    def close(self) -> None:
        """End all of them, with their children."""
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with its children, and wait until it has gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


@contextlib.contextmanager
def dask_processes(folder: Path, *, start_scheduler: bool = True) -> Iterator[DaskProcesses]:
    """Give a scheduler that is running, unless told otherwise, and end all at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    processes = DaskProcesses(folder)
    try:
        if start_scheduler:
            processes.start_scheduler()
        yield processes
    finally:
        processes.close()
