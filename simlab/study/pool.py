"""Pools of workers: what a run needs of them, and the two on this machine."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from simlab.foundation.errors import SimlabError
from simlab.study import worker
from simlab.study.cell import Place, Task, WorldResult, compute_task
from simlab.study.design import Study
from simlab.study.limits import Limits, Watch
from simlab.study.worker import Package

# A worker whose task will be done within this many seconds is given the next one before.
_SHORT_SECONDS = 1.0


class Done(NamedTuple):
    """A task that was computed."""

    task: Task
    results: list[WorldResult]


class Lost(NamedTuple):
    """A task whose worker died ``deaths`` times; ``place`` is the cell that the worker named, with kind and message."""

    task: Task
    deaths: int
    place: Place | None
    kind: str
    message: str


class Pool(Protocol):
    """Workers, to which a run gives tasks."""

    @property
    def n_workers(self) -> int:
        """How many cells are computed at the same time; may change."""

    def wants(self) -> bool:
        """Say whether another task should be submitted now."""

    def submit(self, task: Task) -> None:
        """Give a task to a worker."""

    def collect(self, seconds: float) -> list[Done | Lost]:
        """Return what has happened, as soon as there is something, or nothing after so many seconds."""

    def close(self) -> None:
        """End the workers; what they compute is given up."""


class ThreadPool:
    """Threads of this process. A cell past its time is stopped when it is back in Python."""

    def __init__(self, study: Study, jobs: int, limits: Limits) -> None:
        self.n_workers = jobs
        self._study = study
        self._watch = Watch(limits)
        self._executor = ThreadPoolExecutor(jobs, thread_name_prefix="simlab")
        self._finished: queue.SimpleQueue[tuple[Task, Future[list[WorldResult]]]] = queue.SimpleQueue()
        self._running = 0

    def wants(self) -> bool:
        """Say whether a thread has nothing to do, or soon will not."""
        return self._running < 2 * self.n_workers

    def submit(self, task: Task) -> None:
        """Compute a task in a thread."""
        self._running += 1
        future = self._executor.submit(compute_task, self._study, task, self._watch)
        future.add_done_callback(lambda done: self._finished.put((task, done)))

    def collect(self, seconds: float) -> list[Done | Lost]:
        """Return what was computed."""
        found: list[Done | Lost] = []
        for task, future in drain(self._finished, seconds):
            self._running -= 1
            error = future.exception()
            found.append(Done(task, future.result()) if error is None else Lost(task, 1, None, "killed", str(error)))
        return found

    def close(self) -> None:
        """Wait for what is being computed, and forget the rest."""
        self._executor.shutdown(wait=False, cancel_futures=True)


class _Slot:
    """One worker process and the tasks that it has, in the order in which it computes them."""

    def __init__(self, word: Path) -> None:
        self.word = word
        self.tasks: deque[tuple[Task, Future[Any]]] = deque()
        self.executor: Any = None


class ProcessPool:
    """Worker processes of loky (Apache 2 and BSD; part of joblib), each in an executor of its own.

    So a worker that dies takes nothing with it but the task that it had, and which one that was is known.
    """

    def __init__(self, study: Study, jobs: int, limits: Limits) -> None:
        self.n_workers = jobs
        self._package = Package.of(study, limits)
        self._folder = tempfile.TemporaryDirectory(prefix="simlab-")
        self._slots = [_Slot(Path(self._folder.name) / f"worker-{i}.json") for i in range(jobs)]
        self._finished: queue.SimpleQueue[tuple[_Slot, Future[Any]]] = queue.SimpleQueue()
        self._lost: list[Done | Lost] = []
        # One worker gets ready at once; the others, which would take the processor from it, with their first task.
        self._start(self._slots[0])

    def wants(self) -> bool:
        """Say whether a worker has nothing to do, or soon will not."""
        return any(_wants(slot) for slot in self._slots)

    def submit(self, task: Task) -> None:
        """Give a task to the worker that has least to do."""
        slot = min((s for s in self._slots if _wants(s)), key=lambda s: len(s.tasks))
        if slot.executor is None:
            self._start(slot)
        with no_interrupt():
            try:
                future = slot.executor.submit(worker.compute, task)
            except BrokenExecutor:
                # Its worker died since, perhaps while it had nothing to do.
                self._lost += self._bury(slot)
                self._start(slot)
                future = slot.executor.submit(worker.compute, task)
        slot.tasks.append((task, future))
        future.add_done_callback(lambda done: self._finished.put((slot, done)))

    def collect(self, seconds: float) -> list[Done | Lost]:
        """Return what was computed, and what was lost with its worker."""
        found, self._lost = self._lost, []
        for slot, future in drain(self._finished, 0.0 if found else seconds):
            if not any(future is mine for _, mine in slot.tasks):
                continue  # was told of already, when its worker died
            if future.cancelled() or future.exception() is not None:
                found += self._bury(slot)
                continue
            task, _ = slot.tasks.popleft()
            results = future.result()
            if isinstance(results, SimlabError):
                raise results
            found.append(Done(task, results))
        return found

    def close(self) -> None:
        """End the workers at once."""
        for slot in self._slots:
            if slot.executor is not None:
                slot.executor.shutdown(wait=True, kill_workers=True)
        self._folder.cleanup()

    def _start(self, slot: _Slot) -> None:
        """Start a worker process; it is ready some time later."""
        from joblib.externals.loky.process_executor import ProcessPoolExecutor

        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        slot.executor = ProcessPoolExecutor(
            max_workers=1,
            initializer=worker.begin,
            initargs=(self._package, os.getpid(), str(slot.word)),
            env=one_thread,
        )
        with no_interrupt():
            slot.executor.submit(worker.ready)

    def _bury(self, slot: _Slot) -> list[Done | Lost]:
        """Return what a dead worker had: the task that it was at is lost, those behind are as if never submitted."""
        waiting, slot.tasks = slot.tasks, deque()
        slot.executor.shutdown(wait=False, kill_workers=True)
        slot.executor = None
        place, kind, message = worker.last_word(slot.word)
        lost: list[Done | Lost] = [Lost(task, 0, None, "killed", "") for task, _ in waiting]
        if waiting:
            lost[0] = Lost(waiting[0][0], 1, place, kind, message)
        return lost


def _wants(slot: _Slot) -> bool:
    return not slot.tasks or (len(slot.tasks) == 1 and slot.tasks[0][0].seconds < _SHORT_SECONDS)


def drain(finished: queue.SimpleQueue[Any], seconds: float) -> Iterator[Any]:
    """Iterate over what is in a queue, waiting for the first so many seconds."""
    with contextlib.suppress(queue.Empty):
        yield finished.get(timeout=seconds)
        while True:
            yield finished.get_nowait()


@contextlib.contextmanager
def no_interrupt() -> Iterator[None]:
    """Have a process that is started inside never see Ctrl-C, not even before it can say so itself."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
