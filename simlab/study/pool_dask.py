"""A pool of Dask workers: those of a scheduler, or a cluster on this machine."""

from __future__ import annotations

import importlib
import os
import queue
import threading
import time
import uuid
from typing import Any

from simlab.foundation.errors import InputError, SimlabError
from simlab.study.cell import Place, Task, WorldResult
from simlab.study.design import Study
from simlab.study.limits import Limits, Watch
from simlab.study.pool import Done, Lost, drain
from simlab.study.worker import Bench, Package

# Dask itself gives a task to another worker where one dies, so many times before it gives up.
_DEATHS = 3
_SHORT_SECONDS = 2.0
_benches: dict[str, Bench] = {}


class DaskPool:
    """Workers of a Dask scheduler. They may come and go; a task whose worker dies is given to another one by Dask."""

    def __init__(self, study: Study, jobs: int | None, limits: Limits, scheduler: str | None) -> None:
        self._package = Package.of(study, limits)
        self._run = uuid.uuid4().hex[:12]
        self._client = _client(scheduler, jobs)
        self._finished: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._tasks: dict[str, tuple[Task, Any]] = {}
        self._count = 0
        self._counted = (0.0, 0)
        self._client.register_plugin(_prepare(self._package, self._run), name=f"simlab-{self._run}")
        if limits.any:
            self._client.subscribe_topic(_topic(self._run), self._heard)

    @property
    def n_workers(self) -> int:
        """How many threads the workers have that the scheduler knows of now."""
        at, number = self._counted
        if time.monotonic() - at > 0.5:
            workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
            number = sum(int(worker["nthreads"]) for worker in workers)
            self._counted = (time.monotonic(), number)
        return number

    def wants(self) -> bool:
        """Say whether the scheduler should have more tasks: two a worker where they are short."""
        short = sum(not task.seconds >= _SHORT_SECONDS for task, _ in self._tasks.values())
        return len(self._tasks) - short / 2 < max(self.n_workers, 1)

    def submit(self, task: Task) -> None:
        """Give a task to the scheduler."""
        self._count += 1
        key = f"simlab-{self._run}-{self._count}"
        future = self._client.submit(_compute, self._package.digest, task, key=key, pure=False)
        self._tasks[key] = (task, future)
        future.add_done_callback(lambda done: self._finished.put((key, done)))

    def collect(self, seconds: float) -> list[Done | Lost]:
        """Return what was computed, and what was lost with its workers; SimlabError where the scheduler has gone."""
        import distributed

        found: list[Done | Lost] = []
        ended: list[tuple[Task, Any]] = []
        for key, what in drain(self._finished, seconds):
            if key not in self._tasks:
                continue
            task, future = self._tasks.pop(key)
            if isinstance(what, Lost):
                future.cancel(force=True)
                found.append(what._replace(task=task))
            elif what.status == "finished":
                ended.append((task, future))
            else:
                error = what.exception() if what.status == "error" else None
                if isinstance(error, SimlabError):
                    raise error
                if self._client.status != "running" or what.status == "cancelled":
                    raise _gone()
                died = isinstance(error, distributed.KilledWorker)
                found.append(Lost(task, _DEATHS if died else 1, None, "killed", "" if died else str(error)))
        if self._client.status != "running":
            raise _gone()
        results = self._client.gather([future for _, future in ended]) if ended else []
        return found + [Done(task, result) for (task, _), result in zip(ended, results, strict=True)]

    def close(self) -> None:
        """Give up what is being computed, and leave the scheduler."""
        for _, future in self._tasks.values():
            future.cancel(force=True)
        self._client.close(timeout=5)
        cluster = getattr(self._client, "simlab_cluster", None)
        if cluster is not None:
            cluster.close(timeout=10)

    def _heard(self, event: Any) -> None:
        """Take what a worker said before it ended itself."""
        _, said = event
        place = Place(*said["place"])
        for key, (task, _) in list(self._tasks.items()):
            if place in task.places:
                self._finished.put((key, Lost(task, 1, place, str(said["kind"]), str(said["message"]))))


def _gone() -> SimlabError:
    return SimlabError("the Dask scheduler has gone. What was computed is stored: run the same again when it is back")


def _topic(run: str) -> str:
    return f"simlab-{run}"


def _prepare(package: Package, run: str) -> Any:
    """Return a plugin that gives every worker, also one that joins late, the study."""
    from distributed import WorkerPlugin

    class Prepare(WorkerPlugin):
        name = f"simlab-{run}"

        def setup(self, worker: Any) -> None:
            prepare_worker(worker, package, run)

    return Prepare()


def prepare_worker(dask_worker: Any, package: Package, run: str) -> None:
    """Give the study to a Dask worker, with a watch that tells the parent before it ends the worker's process."""

    def leave(place: Place, kind: str, message: str) -> None:
        said = {"place": list(place), "kind": kind, "message": message}
        dask_worker.loop.add_callback(dask_worker.log_event, _topic(run), said)
        # What goes out through the worker's loop needs a moment.
        threading.Timer(1.0, lambda: os._exit(1)).start()
        time.sleep(60.0)

    _benches[package.digest] = Bench(package, Watch(package.limits, leave))


def _compute(digest: str, task: Task) -> list[WorldResult]:
    return _benches[digest].compute(task)


def _client(scheduler: str | None, jobs: int | None) -> Any:
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise InputError("backend = dask: needs the package distributed (pip install 'simlab[dask]')") from None
    if scheduler is None:
        cluster = distributed.LocalCluster(n_workers=jobs, threads_per_worker=1, processes=True, dashboard_address=None)
        client = distributed.Client(cluster)
        client.simlab_cluster = cluster
        return client
    try:
        return distributed.Client(scheduler, timeout=10)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError.of(
            "scheduler", scheduler, f"no Dask scheduler answers there ({type(error).__name__})"
        ) from None
