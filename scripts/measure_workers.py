"""How many workers a run feeds: cells a second, and what a cell costs the parent and Dask's scheduler, by number of workers.

Workers are simulated: a cell sleeps for its seconds and returns numbers of the right shape, so that many workers fit on few
processors and what is measured is the parent, which plans, hands out, takes and stores. Run with the environment of
``scripts/test``: ``PYTHONPATH=tests python scripts/measure_workers.py --backend dask --workers 1,2,4,8,16``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from reference.dask_processes import dask_processes

from simlab.study.cell import CellResult
from simlab.study.costs import Forecast
from simlab.study.run import run
from simlab.study.script import load_study

SCRIPT = """
import time
import numpy as np
import simlab.study.worker
from simlab import Fieldwork, Scenario, Spectral, Study, grid
from simlab.study.cell import OK, CellResult, WorldResult

def sleeping(study, task, watch=None):
    inner = (len(study.sites), len(study.relations), len(study.periods))
    worlds = []
    for place in task.places:
        time.sleep(SECONDS)
        values = np.full((len(study.fit_metrics), *inner), 0.5)
        cell = CellResult(place, OK, "", values, SECONDS)
        truth = np.full((len(study.truth_metrics), *inner), 0.5)
        if worlds and (worlds[-1].scenario, worlds[-1].replicate) == (place.scenario, place.replicate):
            worlds[-1].cells.append(cell)
        else:
            worlds.append(WorldResult(place.scenario, place.replicate, [cell], truth))
    return worlds

simlab.study.worker.compute_task = sleeping
study = Study(
    "sleep", question="What does the engine cost?", replicates=REPLICATES,
    scenarios=grid(Scenario(n_actors=30, mean_degree=6.0), separation=[3.0, 4.0]),
    fieldworks={"complete": Fieldwork(), "five": Fieldwork(max_nominations=5)},
    fitters={"a": Spectral(n_clusters=3), "b": Spectral(n_clusters=4)},
)
"""
CELLS_A_REPLICATE = 8


class Measured(NamedTuple):
    """Cells a second in the middle of a run, and seconds of processor a cell: the parent, the scheduler (NaN without one)."""

    rate: float
    parent: float
    scheduler: float


class _Stamps:
    """Notes, for each task that came back, the time, the parent's and the scheduler's processor time, and its cells."""

    def __init__(self, scheduler: int | None) -> None:
        self._scheduler = scheduler
        self.notes: list[tuple[float, float, float, int]] = []

    def begin(self, total: int, done: int, failed: int) -> None:
        """Nothing."""

    def add(self, results: Sequence[CellResult], forecast: Forecast | None) -> None:
        """Note what came."""
        spent = float("nan") if self._scheduler is None else processor_seconds(self._scheduler)
        self.notes.append((time.perf_counter(), time.process_time(), spent, len(results)))

    def end(self) -> None:
        """Nothing."""


def processor_seconds(process: int) -> float:
    """Return the processor time of a process, in steps of a hundredth of a second; Linux only."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(backend: str, n_workers: int, cell_seconds: float, seconds: float, threads: int) -> Measured:
    """Run a study for about so many seconds; the middle of it is measured, without starting and ending.

    ``threads`` is the number of threads a Dask worker process, to spare memory: cells that sleep do not stand in each
    other's way.
    """
    cells = seconds * n_workers / cell_seconds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = folder / "sleep.py"
        text = SCRIPT.replace("SECONDS", str(cell_seconds)).replace(
            "REPLICATES", str(int(cells / CELLS_A_REPLICATE) + 1)
        )
        script.write_text(text, encoding="utf-8")
        study, out = load_study(script), folder / "x.zarr"
        if backend != "dask":
            stamps = _Stamps(None)
            run(study, out, jobs=n_workers, backend=backend, progress=stamps)
            return _middle(stamps)
        import distributed

        with dask_processes(folder / "dask") as processes:
            n_processes = -(-n_workers // threads)
            for _ in range(n_processes):
                processes.start_worker(threads=min(threads, n_workers))
            with distributed.Client(processes.address) as client:
                client.wait_for_workers(n_processes, timeout=120)
            assert processes.scheduler is not None
            stamps = _Stamps(processes.scheduler.pid)
            run(study, out, backend="dask", scheduler=processes.address, progress=stamps)
            return _middle(stamps)


def _middle(stamps: _Stamps) -> Measured:
    notes: Any = np.array(stamps.notes)
    done = np.cumsum(notes[:, 3])
    first, last = np.searchsorted(done, [0.25 * done[-1], 0.85 * done[-1]])
    passed, parent, scheduler = notes[last, :3] - notes[first, :3]
    cells = done[last] - done[first]
    return Measured(cells / passed, parent / cells, scheduler / cells)


def main() -> int:
    """Print a table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="loky", choices=["loky", "dask"])
    parser.add_argument("--workers", default="1,2,4,8,16", help="numbers of workers, with commas")
    parser.add_argument("--cell-seconds", type=float, default=0.05)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each run takes, about")
    parser.add_argument("--rounds", type=int, default=3, help="medians of so many")
    parser.add_argument("--threads", type=int, default=4, help="threads a Dask worker process")
    given = parser.parse_args()
    print(f"| {given.backend} workers | cells a second | of workers / cell seconds | parent, ms a cell |", end="")
    print(" scheduler, ms a cell | workers that either would feed | load |\n|---|---|---|---|---|---|---|")
    for n_workers in map(int, given.workers.split(",")):
        found = [
            measure(given.backend, n_workers, given.cell_seconds, given.seconds, given.threads)
            for _ in range(given.rounds)
        ]
        rate, parent, scheduler = (median(column) for column in zip(*found, strict=True))
        fed = given.cell_seconds / np.nanmax([parent, scheduler])
        share = rate * given.cell_seconds / n_workers
        load = os.getloadavg()[0]
        print(
            f"| {n_workers} | {rate:.1f} | {share:.2f} | {1e3 * parent:.2f} | {1e3 * scheduler:.2f} | {fed:.0f} | {load:.1f} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
