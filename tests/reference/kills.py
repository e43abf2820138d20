"""Runs that are killed at random moments: the whole group of processes, the parent alone, a worker alone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from simlab.foundation.errors import InputError
from simlab.study.cell import PENDING
from simlab.study.run import run
from simlab.study.script import load_study
from simlab.study.store import opened

SCRIPT = """
import simlab.study.run
from simlab import Fieldwork, Louvain, Scenario, Spectral, Study, grid

# Stored all the time, so that many kills fall into a writing.
simlab.study.run._FLUSH_SECONDS = 0.02
simlab.study.run._SHARE_OF_WRITING = 0.5

study = Study(
    "killed", question="Is it all there?", replicates={replicates}, seed=4,
    scenarios=grid(Scenario(n_actors=12, mean_degree=4, reciprocity=None), separation=[2.0, 5.0]),
    fieldworks=Fieldwork(response_rate=0.8), fitters={{"spectral": Spectral(n_clusters=2), "Louvain": Louvain()}},
    metrics=["ari", "information", "seconds"],
)
"""

# Imports everything once, and forks for each run, so that a run begins within milliseconds.
_STARTER = """
import os, sys
import xarray, zarr
import simlab.study.pool, simlab.study.worker
from simlab.study.run import _compile, run
from simlab.study.script import load_study
study = load_study(sys.argv[1])
_compile(study)
print("ready", flush=True)
for line in sys.stdin:
    store, jobs, backend = line.split("\\t")
    child = os.fork()
    if not child:
        os.setsid()
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        run(study, store, jobs=int(jobs), backend=backend.strip())
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Starter:
    """Starts runs of a script, one after the other, each as leader of a session of its own."""

    def __init__(self, script: Path) -> None:
        command = [sys.executable, "-W", "ignore", "-c", _STARTER, str(script)]
        self._process = subprocess.Popen(
            command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._expect("ready")

    def begin(self, store: Path, jobs: int, backend: str) -> int:
        """Begin a run; return the id of its process."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{store}\t{jobs}\t{backend}\n")
        self._process.stdin.flush()
        return int(self._expect())

    def end(self) -> int:
        """Wait for the end of the run; return its exit code."""
        return int(self._expect())

    def close(self) -> None:
        """End."""
        self._process.kill()
        self._process.communicate()

    def _expect(self, word: str = "") -> str:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        line = self._process.stdout.readline().strip()
        if not line or (word and line != word):
            self._process.kill()
            raise AssertionError(line + self._process.stderr.read())
        return line


def session(leader: int) -> dict[int, str]:
    """Return the processes of a session that live, with their commands."""
    found = {}
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] not in "ZX":
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def workers(leader: int) -> list[int]:
    """Return the worker processes of a run."""
    return [pid for pid, text in session(leader).items() if pid != leader and "popen_loky" in text]


def _within(seconds: float) -> Iterator[float]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield end - time.monotonic()
        time.sleep(0.02)


def kill_at_random(folder: Path, n_kills: int, seed: int, replicates: int = 100) -> tuple[Any, list[Any], list[str]]:
    """Kill runs of one study into three stores, and end each with a run that is left alone.

    Three of six kills are of runs in threads, which begin at once, at 0 to 0.3 s: the first moments of a store among them. The
    others are 0 to 0.6 s after something new was stored, in the midst of writing: of the parent alone, of all, and of a worker
    alone and then of all.

    Returns
    -------
    whole, found : Dataset, list of Dataset
        Of an uninterrupted run, and of the three stores.
    told : list of str
        What was killed when, and how many cells the store had.
    """
    script = folder / "killed.py"
    script.write_text(SCRIPT.format(replicates=replicates))
    rng = np.random.default_rng(seed)
    stores = [folder / f"killed-{i}.zarr" for i in range(3)]
    starter = Starter(script)
    told = []
    try:
        for number in range(n_kills):
            store = stores[number % 3]
            kind = ("early", "early", "early", "parent", "later", "worker")[number % 6]
            with_workers = kind in ("parent", "worker")
            leader = starter.begin(store, 2, "loky" if with_workers else "threads")
            if with_workers:
                for _ in _within(60.0):
                    if workers(leader) or leader not in session(leader):
                        break
            if kind != "early":
                before = _done(store)
                for _ in _within(60.0):
                    if _done(store) > max(before, 0) or leader not in session(leader):
                        break
            wait = float(rng.uniform(0.0, 0.3 if kind == "early" else 0.6))
            time.sleep(wait)
            if kind == "worker" and (alive := workers(leader)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(rng.choice(alive)), signal.SIGKILL)
                time.sleep(float(rng.uniform(0.0, 1.0)))
            with contextlib.suppress(ProcessLookupError):
                if kind == "parent":
                    os.kill(leader, signal.SIGKILL)
                else:
                    os.killpg(leader, signal.SIGKILL)
            code = starter.end()
            left = list(session(leader))
            for _ in _within(20.0):
                left = list(session(leader))
                if not left:
                    break
            told.append(f"{kind} after {wait:.2f} s, exit {code}, {len(left)} left, {_done(store)} cells")
            assert code in (0, -signal.SIGKILL), told
            assert not left, f"processes that outlived their run: {session(leader)}"
    finally:
        starter.close()
    study = load_study(script)
    whole = run(study, folder / "whole.zarr", jobs=2, backend="threads")
    return whole, [run(study, store, jobs=2, backend="threads") for store in stores], told


def _done(store: Path) -> int:
    try:
        with opened(store) as dataset:
            return int((dataset["status"] != PENDING).sum())
    except InputError:
        return -1
