"""What all tests share: the folder of reference data, and small networks."""

from __future__ import annotations

import csv
import importlib
import os
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from simlab.panel import DyadState, Network

# Processes of tests run side by side: threads of small matrices would wait for each other. SciPy has a library of its own.
importlib.import_module("scipy.linalg")
threadpool_limits(limits=1)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of reference data: SIMLAB_TEST_DATA, or ``shared/data`` beside the checkout; skips where it is missing."""
    folder = Path(os.environ.get("SIMLAB_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no reference data in {folder.name}: set SIMLAB_TEST_DATA to a folder that has them")
    return folder


def network_of(ties: np.ndarray, *, directed: bool = True, actors: tuple[str, ...] | None = None) -> Network:
    """Return a fully observed network with these ties."""
    state = np.where(ties, DyadState.TIE, DyadState.NO_TIE).astype(np.int8)
    np.fill_diagonal(state, DyadState.IMPOSSIBLE)
    names = actors or tuple(f"a{i:03d}" for i in range(len(ties)))
    return Network(names, state, directed)


@pytest.fixture
def monks(data_folder: Path) -> tuple[Network, dict[str, str]]:
    """Sampson's monks, and the group of each."""
    with open(data_folder / "sampson_actors.csv", newline="") as file:
        groups = {row["actor"]: row["group"] for row in csv.DictReader(file)}
    actors = tuple(sorted(groups))
    ties = np.zeros((len(actors), len(actors)), dtype=bool)
    with open(data_folder / "sampson_ties.csv", newline="") as file:
        for row in csv.DictReader(file):
            ties[actors.index(row["source"]), actors.index(row["target"])] = True
    return network_of(ties, actors=actors), groups
