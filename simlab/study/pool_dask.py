"""A pool of Dask workers: those of a scheduler, or a cluster on this machine."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import queue
import signal
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from simlab.foundation.errors import InputError, SimlabError
from simlab.study import dask_worker
from simlab.study.cell import Place, Task, WorldResult
from simlab.study.design import Study
from simlab.study.limits import Limits
from simlab.study.pool import Done, Lost, drain, no_interrupt
from simlab.study.worker import Package

_SHORT_SECONDS = 2.0
# Results that come within this time are fetched together: each fetch costs the parent and the scheduler about a millisecond.
_FETCH_SECONDS = 0.03
_FETCHERS = 4
_SECONDS_TO_CONNECT = 10.0
_SECONDS_TO_CLOSE = 5.0
# Workers that are on their way, as a local cluster's, are not worth a word.
_SECONDS_ALONE = 10.0
# A cell that never had begun where a worker died is tried again, but not for ever.
_MOST_INNOCENT = 5


class _Submitted:
    """A task that the scheduler has, and how often a worker has begun it."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.future: Any = None
        self.begun = 0


class DaskPool:
    """Workers of a Dask scheduler. They may come and go; a task whose worker dies is given to another one by Dask.

    ``scheduler`` is an address, or the file that a scheduler wrote (``--scheduler-file``, ending in .json); None for a
    cluster of ``jobs`` worker processes on this machine.
    """

    def __init__(self, study: Study, jobs: int | None, limits: Limits, scheduler: str | None) -> None:
        self._package = Package.of(study, limits)
        self._run = uuid.uuid4().hex[:12]
        self._cluster, self._client = _connect(scheduler, jobs)
        self._ended: queue.SimpleQueue[tuple[str, Any] | None] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._tasks: dict[str, _Submitted] = {}
        self._short = 0
        self._count = 0
        self._alone_since: float | None = None
        self._counted = (0.0, 0)
        self._suspects: dict[Place, int] = {}
        self._plugin = dask_worker.plugin_of(self._package, self._run)
        try:
            with self._reached():
                self._client.subscribe_topic(dask_worker.topic_of(self._run), self._heard)
                self._client.register_plugin(self._plugin)
        except BaseException as error:
            self.close()
            if isinstance(error, (SimlabError, KeyboardInterrupt)):
                raise
            raise SimlabError(f"a Dask worker cannot take the study ({_one_line(error)}): is simlab there?") from error
        for _ in range(_FETCHERS):
            threading.Thread(target=self._fetch, daemon=True, name="simlab-fetch").start()

    @property
    def n_workers(self) -> int:
        """How many threads the workers have that the scheduler knows of now."""
        at, number = self._counted
        if time.monotonic() - at > 0.5:
            with self._reached():
                # Not what it knows of each worker, which for thousands would be megabytes.
                known = self._client.scheduler_info(n_workers=0)
                number = int(
                    known["total_threads"] if "total_threads" in known else sum(self._client.nthreads().values())
                )
            self._counted = (time.monotonic(), number)
        return number

    def wants(self) -> bool:
        """Say whether the scheduler should have more tasks: two a worker where they are short."""
        return len(self._tasks) - self._short / 2 < max(self.n_workers, 1)

    def submit(self, task: Task) -> None:
        """Give a task to the scheduler."""
        self._count += 1
        key = f"simlab-{self._run}-{self._count}"
        careful = any(place in self._suspects for place in task.places) or task.seconds == float("inf")
        submitted = _Submitted(task)
        with self._reached():
            submitted.future = self._client.submit(
                dask_worker.compute, self._run, key, task, careful, key=key, pure=False
            )
            self._tasks[key] = submitted
            self._short += _is_short(task)
            submitted.future.add_done_callback(lambda done: self._ended.put((key, done)))

    def collect(self, seconds: float) -> list[Done | Lost]:
        """Return what was computed, and what was lost with its workers; SimlabError where the scheduler has gone."""
        found: list[Done | Lost] = []
        for event in drain(self._events, seconds):
            if isinstance(event, dict):
                found += self._said(event)
                continue
            key, outcome = event
            if key in self._tasks:
                found.append(self._outcome(self._forget(key), outcome))
        if self._client.status != "running":
            raise _gone()
        self._look_for_workers()
        return found

    def close(self) -> None:
        """Give up what is being computed, and leave the scheduler. Never raises: what was computed is stored after it."""
        for _ in range(_FETCHERS):
            self._ended.put(None)
        _within(_SECONDS_TO_CLOSE, self._take_leave)
        _within(_SECONDS_TO_CLOSE, lambda: self._client.close(timeout=_SECONDS_TO_CLOSE))
        if self._cluster is not None:
            _within(2 * _SECONDS_TO_CLOSE, lambda: _end_cluster(self._cluster))

    # --- inside -----------------------------------------------------------------------------------------------------------

    def _look_for_workers(self) -> None:
        """Warn, once each time, where the study waits for workers and none is there."""
        now = time.monotonic()
        if self.n_workers:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        elif now - self._alone_since > _SECONDS_ALONE:
            self._alone_since = float("inf")
            address = self._client.scheduler.address
            warnings.warn(f"the study waits: no worker has joined the Dask scheduler {address}", stacklevel=2)

    def _take_leave(self) -> None:
        if self._client.status == "running":
            self._client.cancel([submitted.future for submitted in self._tasks.values()], force=True)
            if self._cluster is None:  # else they end anyhow
                self._client.unregister_worker_plugin(self._plugin.name)

    def _heard(self, event: Any) -> None:
        """Take what a worker said; in a thread of Dask, so that most of it does not wake the run."""
        said: dict[str, Any] = event[1]
        submitted = self._tasks.get(said.get("begun", ""))
        if submitted is not None:
            submitted.begun += 1
        if "place" in said or (submitted is not None and submitted.begun > 1):
            self._events.put(said)

    def _said(self, said: dict[str, Any]) -> list[Done | Lost]:
        """Return what follows from what a worker said: that it begins a task once more, or why it ends itself."""
        if "place" in said:
            place = Place(*said["place"])
            keys = [key for key, submitted in self._tasks.items() if place in submitted.task.places]
            return [Lost(self._give_up(key), 1, place, str(said["kind"]), str(said["message"])) for key in keys]
        key = str(said["begun"])
        if key in self._tasks and len(self._tasks[key].task.places) > 1:
            # Its worker died. Dask would let it end some more workers before it gives up.
            return [Lost(self._give_up(key), 1, None, "killed", "")]
        return []

    def _outcome(self, submitted: _Submitted, outcome: Any) -> Done | Lost:
        """Return how a task ended. An error that no other worker would spare us is raised."""
        import distributed

        task = submitted.task
        if isinstance(outcome, list):
            return Done(task, outcome)
        if isinstance(outcome, SimlabError):
            raise outcome
        if not isinstance(outcome, distributed.KilledWorker):
            if self._client.status != "running" or outcome is None:
                raise _gone()
            raise SimlabError(
                f"a Dask worker cannot compute a task ({_one_line(outcome)}): what was computed is stored"
            )
        if len(task.places) > 1:
            return Lost(task, 1, None, "killed", "")
        place = task.places[0]
        times = self._suspects[place] = self._suspects.get(place, 0) + 1
        # Cells that only waited at workers that died are innocent; the first time what a worker said may have been lost.
        return Lost(task, submitted.begun if times <= _MOST_INNOCENT else max(submitted.begun, 1), None, "killed", "")

    def _forget(self, key: str) -> _Submitted:
        submitted = self._tasks.pop(key)
        self._short -= _is_short(submitted.task)
        return submitted

    def _give_up(self, key: str) -> Task:
        submitted = self._forget(key)
        with self._reached():
            submitted.future.cancel(force=True)
        return submitted.task

    def _fetch(self) -> None:
        """Fetch the results of tasks as they end; in a thread of its own, of which one may have to wait for a lost result."""
        while (first := self._ended.get()) is not None:
            time.sleep(_FETCH_SECONDS)
            batch = [first]
            for item in drain(self._ended, 0.0):
                if item is None:
                    self._ended.put(None)
                    break
                batch.append(item)
            good = [future for _, future in batch if future.status == "finished"]
            results: dict[str, list[WorldResult]] = {}
            with contextlib.suppress(Exception):
                results = {f.key: result for f, result in zip(good, self._client.gather(good), strict=True)}
            for key, future in batch:
                self._events.put((key, results[key] if key in results else _result(future)))

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        """Have an error of Dask that comes of a scheduler that has gone be one clear line."""
        try:
            yield
        except (SimlabError, KeyboardInterrupt):
            raise
        except BaseException as error:
            if self._client.status != "running" or isinstance(error, OSError):
                raise _gone() from error
            raise


def _is_short(task: Task) -> bool:
    return not task.seconds >= _SHORT_SECONDS


def _result(future: Any) -> Any:
    """Return a task's result, or its error; None where it was cancelled."""
    try:
        return future.result(timeout=_SECONDS_TO_CONNECT)
    except Exception as error:
        return None if future.status == "cancelled" else error
    except BaseException:  # the CancelledError of asyncio
        return None


def _within(seconds: float, function: Callable[[], object]) -> None:
    """Call a function, and wait for it so long at most, whatever it raises."""

    def call() -> None:
        with contextlib.suppress(BaseException):
            function()

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)


def _end_cluster(cluster: Any) -> None:
    """End a cluster on this machine at once: asked kindly, a worker would first finish its cell."""
    for nanny in cluster.workers.values():
        nanny.auto_restart = False
        if nanny.pid is not None:
            os.kill(nanny.pid, signal.SIGKILL)
    cluster.close(timeout=_SECONDS_TO_CLOSE)


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _gone() -> SimlabError:
    return SimlabError("the Dask scheduler has gone. What was computed is stored: run the same again when it is back")


def _connect(scheduler: str | None, jobs: int | None) -> tuple[Any, Any]:
    """Return a cluster on this machine, or None, and a client; InputError where no scheduler answers."""
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise InputError("backend = dask: needs the package distributed (pip install 'simlab[dask]')") from None
    # What goes wrong is said by the run, in one line.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if scheduler is None:
        with no_interrupt():
            cluster = distributed.LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
            )
        return cluster, distributed.Client(cluster)
    where = {"scheduler_file": scheduler} if scheduler.endswith(".json") else {"address": scheduler}
    if scheduler.endswith(".json") and not Path(scheduler).is_file():
        raise InputError.of("scheduler", scheduler, "no such file")
    try:
        return None, distributed.Client(**where, timeout=_SECONDS_TO_CONNECT)
    except (OSError, TimeoutError, ValueError, KeyError) as error:
        raise InputError.of(
            "scheduler", scheduler, f"no Dask scheduler answers there ({type(error).__name__})"
        ) from None
