"""What the study engine costs beside the fits themselves: planning, seeding, simulating, storing, progress.

Run with ``scripts/benchmark``. A cell sleeps for 50 ms instead of fitting, so that the processors stay free.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from simlab.fieldwork.observe import Fieldwork
from simlab.fit.fit import Fit, Fitter, Status
from simlab.generate.scenario import Scenario
from simlab.panel import Network
from simlab.study.cell import Place, Task, compute_task
from simlab.study.design import Study, grid
from simlab.study.run import run

CELL_SECONDS = 0.05
REPLICATES = 50


class Sleeper(Fitter):
    """Sleeps, and puts everybody into one cluster."""

    name: ClassVar[str] = "sleeper"

    def estimate(self, network: Network, rng: np.random.Generator) -> Fit:
        time.sleep(CELL_SECONDS)
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


def _study() -> Study:
    return Study(
        "sleep",
        question="What does the engine cost?",
        scenarios=grid(Scenario(n_actors=30, mean_degree=6.0), separation=[3.0, 4.0]),
        fieldworks={"complete": Fieldwork(), "five": Fieldwork(max_nominations=5)},
        fitters={"a": Sleeper(), "b": Sleeper()},
        replicates=REPLICATES,
    )


def _bare(study: Study) -> float:
    """Return the seconds of a loop that simulates, observes, fits and scores the same cells, and stores nothing."""
    start = time.perf_counter()
    for scenario in range(len(study.scenarios.settings)):
        for replicate in range(study.replicates):
            places = [Place(scenario, f, k, replicate) for f in range(2) for k in range(len(study.fitters))]
            compute_task(study, Task(tuple(places)))
    return time.perf_counter() - start


@pytest.mark.parametrize("jobs", [1, 2])
def test_engine_cost(benchmark: BenchmarkFixture, tmp_path: Path, jobs: int) -> None:
    """Planning, seeding, sending, storing and starting the workers, beside a bare loop over the same cells."""
    study = _study()
    n_cells = 2 * 2 * 2 * study.replicates
    bare = _bare(study) / jobs
    benchmark.pedantic(lambda: run(study, tmp_path / "x.zarr", jobs=jobs), rounds=1)
    took = benchmark.stats.stats.median
    benchmark.extra_info["cells"] = n_cells
    benchmark.extra_info["over_bare"] = took / bare
    benchmark.extra_info["ms_a_cell"] = 1000.0 * (took - bare) * jobs / n_cells
