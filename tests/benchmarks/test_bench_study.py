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


@pytest.mark.parametrize("jobs", [1, 2])
def test_engine_cost(benchmark: BenchmarkFixture, tmp_path: Path, jobs: int) -> None:
    study = _study()
    n_cells = 2 * 2 * 2 * REPLICATES
    run(study.changed(replicates=1), tmp_path / "warm.zarr", jobs=jobs)
    stores = iter(range(100))
    benchmark.pedantic(lambda: run(study, tmp_path / f"{next(stores)}.zarr", jobs=jobs), rounds=3)
    bare = n_cells * CELL_SECONDS / jobs
    benchmark.extra_info["cells"] = n_cells
    benchmark.extra_info["over_bare"] = benchmark.stats.stats.median / bare
    benchmark.extra_info["ms_a_cell"] = 1000.0 * (benchmark.stats.stats.median - bare) * jobs / n_cells
