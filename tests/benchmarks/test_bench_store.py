"""What a store of a million cells takes: to plan, write, open, look at and summarise, each in a process of its own.

Run with ``scripts/benchmark``. The numbers are made up; a cell has all metrics. Beside each, the same with ten thousand cells.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from reference import many_cells

STEPS = ("plan", "fill", "open", "status", "summarise", "check", "report")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("many")


@pytest.mark.parametrize("what", STEPS)
@pytest.mark.parametrize("replicates", [25, 2500], ids=["1e4", "1e6"])
def test_many_cells(benchmark: BenchmarkFixture, folder: Path, replicates: int, what: str) -> None:
    benchmark.group = what
    store = folder / f"{replicates}.zarr"
    command = [sys.executable, many_cells.__file__, what, str(store), str(replicates)]

    def step() -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        benchmark.extra_info.update(json.loads(done.stderr.splitlines()[-1]))

    benchmark.pedantic(step, rounds=1)
    files = [file for file in store.rglob("*") if file.is_file()]
    benchmark.extra_info["files"] = len(files)
