"""What happens on a Dask worker: it is given a study once, says which task it begins, and leaves word where it has to die."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from simlab.study.cell import Place, Task, WorldResult
from simlab.study.limits import Watch
from simlab.study.worker import Bench, Package

# What goes out through a worker's event loop needs a moment: before its process ends itself, and before a cell is computed
# that may end it.
_SECONDS_TO_LEAVE = 1.0
_SECONDS_TO_SAY = 0.1
_benches: dict[str, Bench] = {}


def topic_of(run: str) -> str:
    """Return under which name the workers of a run say what the parent has to know."""
    return f"simlab-{run}"


def plugin_of(package: Package, run: str) -> Any:
    """Return the plugin of Dask that gives every worker, also one that joins late, the study."""
    from distributed import WorkerPlugin

    class Prepare(WorkerPlugin):
        """Gives a worker the study, and takes it away at the end of the run."""

        name = f"simlab-{run}"

        def setup(self, worker: Any) -> None:
            """Give it."""
            prepare(worker, package, run)

        def teardown(self, worker: Any) -> None:
            """Take it away."""
            _benches.pop(run, None)

    return Prepare()


def prepare(dask_worker: Any, package: Package, run: str) -> None:
    """Give the study to a Dask worker, with a watch that tells the parent before it ends the worker's process."""

    def leave(place: Place, kind: str, message: str) -> None:
        dask_worker.log_event(topic_of(run), {"place": list(place), "kind": kind, "message": message})
        threading.Timer(_SECONDS_TO_LEAVE, lambda: os._exit(1)).start()
        time.sleep(60.0)

    _benches[run] = Bench(package, Watch(package.limits, leave))


def compute(run: str, key: str, task: Task, careful: bool) -> list[WorldResult]:
    """Compute a task on the worker of this process, and say before that it is begun.

    So the parent knows who was at work when a worker died, and who only waited there. Where ``careful``, that is sure to be
    said before anything else happens.
    """
    from distributed import get_worker

    get_worker().log_event(topic_of(run), {"begun": key})
    if careful:
        time.sleep(_SECONDS_TO_SAY)
    return _benches[run].compute(task)
