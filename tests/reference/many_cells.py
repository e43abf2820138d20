"""A store of many cells with made-up numbers, which no fit was made for: for what a large study costs beside its fits."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from simlab.fieldwork.observe import Fieldwork
from simlab.fit.louvain import Louvain
from simlab.fit.spectral import Spectral
from simlab.generate.scenario import Scenario
from simlab.study.cell import OK, CellResult, Place, WorldResult
from simlab.study.design import Study, grid
from simlab.study.store import Store, opened
from simlab.study.summary import summarise


def many(n_replicates: int, metrics: list[str] | None = None) -> Study:
    """Return a study of 400 cells a replicate; a metric of them is a number."""
    return Study(
        "many",
        question="What does a large study cost?",
        scenarios=grid(
            Scenario(n_actors=30), separation=[float(s) for s in range(1, 11)], spread=[0.5, 1.0, 1.5, 2.0, 2.5]
        ),
        fieldworks=grid(Fieldwork(), response_rate=[0.75, 1.0]),
        fitters={f"spectral {k}": Spectral(n_clusters=k) for k in (2, 3, 4)} | {"Louvain": Louvain()},
        replicates=n_replicates,
        metrics=metrics,
    )


def fill(store: Path, study: Study) -> None:
    """Write made-up results of all of a study, block by block as a run does."""
    into = Store(store, study)
    rng = np.random.default_rng(1)
    shape = (len(study.fit_metrics), 1, 1, 1)
    truth = rng.random((len(study.truth_metrics), 1, 1, 1))
    for block in list(into.blocks()):
        worlds: dict[tuple[int, int], list[Place]] = {}
        for place in into.pending(block):
            worlds.setdefault((place.scenario, place.replicate), []).append(place)
        for (scenario, replicate), places in worlds.items():
            values = rng.random((len(places), *shape))
            cells = [CellResult(p, OK, "", v, 0.01) for p, v in zip(places, values, strict=True)]
            into.add(WorldResult(scenario, replicate, cells, truth))
        into.done(block)


def peak_megabytes() -> float:
    """Return the most memory that this process held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def measure(what: str, store: Path, n_replicates: int) -> dict[str, Any]:
    """Do one thing with a store of many cells; return seconds and peak memory, imports apart in seconds only."""
    import xarray  # noqa: F401
    import zarr  # noqa: F401

    base, start = peak_megabytes(), time.perf_counter()
    if what == "plan":
        into = Store(store, many(n_replicates))
        from simlab.study.costs import Costs
        from simlab.study.tasks import TaskQueue

        queue = TaskQueue(into, Costs(into.study))
        for _ in range(100):
            queue.next(2)
    elif what == "fill":
        fill(store, many(n_replicates))
    elif what == "check":
        into = Store(store, many(n_replicates))
        assert not any(into.check(block) for block in into.blocks())
    elif what in ("status", "report"):
        from simlab.cli import call

        assert call([what, str(store)]) == 0
    else:
        with opened(store) as dataset:
            if what == "summarise":
                summarise(dataset)
    return {
        "what": what,
        "seconds": round(time.perf_counter() - start, 2),
        "MB": round(peak_megabytes()),
        "before": round(base),
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))), file=sys.stderr)
