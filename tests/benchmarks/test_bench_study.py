"""What the study engine costs beside the fits themselves: planning, sending, storing, telling.

Run with ``scripts/benchmark``. A cell sleeps for 50 ms instead of fitting, so that the processors stay free; or it does
nothing, so that all there is to see is the engine.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from simlab.fieldwork.observe import Fieldwork
from simlab.fit.fit import Fit, Fitter, Status
from simlab.generate.scenario import Scenario
from simlab.panel import Network
from simlab.study.cell import CellResult, Place, Task, compute_task
from simlab.study.costs import Forecast
from simlab.study.design import Study, grid
from simlab.study.run import run


class Sleeper(Fitter):
    """Sleeps, and puts everybody into one cluster."""

    name: ClassVar[str] = "sleeper"
    seconds: float = 0.05

    def estimate(self, network: Network, rng: np.random.Generator) -> Fit:
        time.sleep(self.seconds)
        n = network.n_actors
        return Fit(
            fitter=self.name,
            actors=network.actors,
            status=Status.OK,
            message="",
            labels=np.zeros(n, dtype=np.int64),
            membership=np.ones((n, 1)),
            positions=None,
            bridging={"none": np.zeros(n)},
            bridging_score="none",
        )


def sleeping(seconds: float, replicates: int) -> Study:
    """Return a study of eight cells a replicate that sleep so long."""
    return Study(
        "sleep",
        question="What does the engine cost?",
        scenarios=grid(Scenario(n_actors=30, mean_degree=6.0), separation=[3.0, 4.0]),
        fieldworks={"complete": Fieldwork(), "five": Fieldwork(max_nominations=5)},
        fitters={"a": Sleeper(seconds=seconds), "b": Sleeper(seconds=seconds)},
        replicates=replicates,
    )


class Stopwatch:
    """Tells when the first and the last cell were done, and the parent's processor time between them."""

    def __init__(self) -> None:
        self.first = self.last = self.cpu_first = self.cpu_last = 0.0
        self.before_first = self.cells = 0

    def begin(self, total: int, done: int, failed: int) -> None:
        pass

    def add(self, results: Sequence[CellResult], forecast: Forecast | None) -> None:
        self.last, self.cpu_last = time.perf_counter(), time.process_time()
        if not self.first:
            self.first, self.cpu_first, self.before_first = self.last, self.cpu_last, len(results)
        self.cells += len(results)

    def end(self) -> None:
        pass

    @property
    def seconds_a_cell(self) -> float:
        """Wall time a cell once the first was done."""
        return (self.last - self.first) / (self.cells - self.before_first)

    @property
    def parent_ms_a_cell(self) -> float:
        """Processor time of the parent a cell, in milliseconds."""
        return 1000.0 * (self.cpu_last - self.cpu_first) / (self.cells - self.before_first)


def _bare(study: Study, worlds: int) -> float:
    """Return the seconds a cell of a loop that simulates, observes, fits and scores, and stores nothing."""
    start = time.perf_counter()
    for replicate in range(worlds):
        compute_task(study, Task(tuple(Place(0, f, k, replicate) for f in range(2) for k in range(2))))
    return (time.perf_counter() - start) / (4 * worlds)


def test_engine_beside_a_bare_loop(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Cells that do nothing, one worker: wall time a cell over the same cells in a loop, and the parent's processor time."""
    study = sleeping(0.0, 1000)
    _bare(study, 20)
    watch = Stopwatch()
    benchmark.pedantic(lambda: run(study, tmp_path / "x.zarr", jobs=1, progress=watch), rounds=1)
    bare = _bare(study, 300)
    benchmark.extra_info["bare_ms_a_cell"] = 1000.0 * bare
    benchmark.extra_info["engine_ms_a_cell"] = 1000.0 * (watch.seconds_a_cell - bare)
    benchmark.extra_info["parent_cpu_ms_a_cell"] = watch.parent_ms_a_cell


@pytest.mark.parametrize("jobs", [1, 2, 4, 8, 16])
def test_workers_with_cells_of_50_ms(benchmark: BenchmarkFixture, tmp_path: Path, jobs: int) -> None:
    """Cells that sleep 50 ms: cells a second by the number of workers, starting apart."""
    study = sleeping(0.05, 25 * jobs)
    watch = Stopwatch()
    benchmark.pedantic(lambda: run(study, tmp_path / "x.zarr", jobs=jobs, progress=watch), rounds=1)
    benchmark.extra_info["cells_a_second"] = 1.0 / watch.seconds_a_cell
    benchmark.extra_info["parent_cpu_ms_a_cell"] = watch.parent_ms_a_cell


def test_start_to_the_first_cell(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """From the shell to the first cell of a study with all metrics, with kernels that are compiled."""
    script = tmp_path / "first.py"
    script.write_text(
        "from simlab import *\nfrom simlab import Fieldwork, LpcmMcmc, Scenario, Spectral, Study\n"
        "study = Study('first', question='When?', scenarios=Scenario(), fieldworks=Fieldwork(), replicates=1,"
        " fitters=[Spectral(n_clusters=3)])\n"
    )
    code = (
        "import sys, time; from simlab.study.script import load_study; from simlab.study.run import run\n"
        "class P:\n"
        "    def begin(self, *a): pass\n"
        "    def end(self): pass\n"
        "    def add(self, *a): raise KeyboardInterrupt\n"
        "try: run(load_study(sys.argv[1]), sys.argv[2], jobs=2, progress=P())\n"
        "except KeyboardInterrupt: pass\n"
    )
    count = iter(range(1000))

    def start() -> None:
        subprocess.run([sys.executable, "-c", code, script, tmp_path / f"{next(count)}.zarr"], check=True)

    start()
    benchmark.pedantic(start, rounds=5)


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]], ids=["help", "run-help"])
def test_help(benchmark: BenchmarkFixture, arguments: list[str]) -> None:
    """The command's help."""
    command = [Path(sys.executable).with_name("simlab"), *arguments]
    benchmark.pedantic(lambda: subprocess.run(command, check=True, capture_output=True), rounds=5)


def test_memory_of_the_parent(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """A run of a million planned cells that is stopped after some: what the parent holds at most, in megabytes."""
    code = (
        "import sys, resource\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from test_bench_study import Stopwatch, sleeping\n"
        "from simlab.study.run import run\n"
        "run(sleeping(0.0, 125_000), sys.argv[1], jobs=2, progress=Stopwatch(), time_budget=20.0)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
    )
    found: list[float] = []

    def planned() -> None:
        command = [sys.executable, "-c", code, tmp_path / "x.zarr", Path(__file__).parent]
        found.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))

    benchmark.pedantic(planned, rounds=1)
    benchmark.extra_info["peak_mb"] = found[0]
    benchmark.extra_info["this_process_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
