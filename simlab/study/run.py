"""Running a study: pending cells in parallel, results into the store, until all are done."""

from __future__ import annotations

import itertools
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from simlab.foundation.errors import InputError
from simlab.study.cell import KILLED, CellResult, Place, TaskResult, compute_packed, packed
from simlab.study.design import Study
from simlab.study.store import Store, opened

BACKENDS = ("loky", "threads", "dask")
_FLUSH_SECONDS = 5.0


class Progress(Protocol):
    """What a run tells of itself: how many cells there are, then each one's status as it is done."""

    def begin(self, total: int, done: int, failed: int) -> None:
        """Say how many cells there are, and how many of them were done and failed before."""

    def add(self, results: Sequence[CellResult]) -> None:
        """Say that cells are done."""

    def end(self) -> None:
        """Say that the run is over, whether or not it was finished."""


def run(
    study: Study,
    out: str | Path | None = None,
    *,
    jobs: int | None = None,
    backend: str = "loky",
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Any:
    """Run a study, or what is left of it, and return its dataset.

    Parameters
    ----------
    study : Study
    out : path, optional
        The store; ``results/<name>.zarr`` unless said. What it holds already is kept.
    jobs : int, optional
        Workers; the number of processors unless said. The numbers are the same for any.
    backend : str
        ``loky`` (processes), ``threads`` or ``dask``.
    scheduler : str, optional
        Address of a Dask scheduler.
    progress : Progress, optional
        Told of what is done.

    Returns
    -------
    xarray.Dataset
        Loaded into memory. See ``simlab.study.summary`` for means and errors.

    Raises
    ------
    InputError
        For settings that are not allowed, or a store of another study.
    SimlabError
        Where the store cannot be written, such as on a full disk.
    KeyboardInterrupt
        After Ctrl-C; what was computed is stored.
    """
    check_backend(jobs, backend, scheduler)
    store = Store(Path(out) if out is not None else default_store(study), study)
    tasks = _tasks(store.pending())
    counts = store.counts()
    if progress:
        failed = sum(counts[name] for name in ("failed", "timed_out", "killed"))
        progress.begin(sum(counts.values()), sum(counts.values()) - counts["pending"], failed)
    last = time.monotonic()
    try:
        if tasks:
            _compile(study)
        for result in _results(study, tasks, _workers(jobs), backend, scheduler):
            store.add(result)
            if progress:
                progress.add(result.cells)
            if time.monotonic() - last > _FLUSH_SECONDS:
                store.flush()
                last = time.monotonic()
    finally:
        with _Undisturbed():
            store.flush()
        if progress:
            progress.end()
    with opened(store.path) as dataset:
        return dataset.load()


def default_store(study: Study) -> Path:
    """Return where a study is stored unless said."""
    return Path("results") / f"{study.name}.zarr"


def check_backend(jobs: int | None, backend: str, scheduler: str | None) -> None:
    """Raise InputError unless the three go together."""
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
        raise InputError.of("jobs", jobs, "must be an integer from 1")
    if backend not in BACKENDS:
        raise InputError.of("backend", backend, f"must be one of {', '.join(BACKENDS)}")
    if scheduler is not None and backend != "dask":
        raise InputError.of("scheduler", scheduler, "goes with backend = dask")


def _tasks(places: Sequence[Place]) -> list[list[Place]]:
    """Group cells that share a world."""
    return [list(group) for _, group in itertools.groupby(places, key=lambda p: (p.scenario, p.replicate))]


def _compile(study: Study) -> None:
    """Compile the kernels that the fitters need once, before workers start: a cold cache would cost each of them."""
    from simlab.fit.bridging import scores

    scores(np.ones((3, 3)), np.zeros(3, dtype=np.int64), np.ones((3, 1)))
    for kind in dict.fromkeys(kind for fitter in study.fitters.values() for kind in fitter.kinds):
        kind.compile()


def _results(
    study: Study, tasks: list[list[Place]], jobs: int, backend: str, scheduler: str | None
) -> Iterator[TaskResult]:
    """Compute tasks in parallel and yield results as they come.

    A worker that dies takes a whole round with it. What was under way is then computed cell by cell, so that the cell that
    kills its worker is known and recorded, and the rest goes on.
    """
    payload = packed(study)
    left = list(tasks)
    while left:
        done: set[tuple[int, int]] = set()
        try:
            for result in _round(study.script, payload, left, jobs, backend, scheduler):
                done.add((result.scenario, result.replicate))
                yield result
            return
        except _worker_deaths():
            left = [task for task in left if (task[0].scenario, task[0].replicate) not in done]
            suspects, left = left[: 4 * jobs], left[4 * jobs :]
            for place in itertools.chain.from_iterable(suspects):
                yield _alone(study.script, payload, place, backend, scheduler)


def _alone(script: str, payload: bytes, place: Place, backend: str, scheduler: str | None) -> TaskResult:
    """Compute one cell in a worker of its own; a dead worker is the result."""
    try:
        return next(iter(_round(script, payload, [[place]], 1, backend, scheduler)))
    except _worker_deaths() as error:
        text = "the worker died: killed from outside, out of memory, or a crash in compiled code"
        return TaskResult(
            place.scenario, place.replicate, [CellResult(place, KILLED, f"{text} ({type(error).__name__})")], {}
        )


def _round(
    script: str, payload: bytes, tasks: list[list[Place]], jobs: int, backend: str, scheduler: str | None
) -> Iterator[TaskResult]:
    """Run one joblib call over tasks."""
    if backend == "loky" and jobs == 1:
        yield from _one_process(script, payload, tasks)
        return
    from joblib import Parallel, delayed, parallel_config

    calls: Callable[..., Any] = delayed(compute_packed)
    settings: dict[str, Any] = {"backend": {"threads": "threading"}.get(backend, backend), "n_jobs": jobs}
    if backend == "loky":
        settings["inner_max_num_threads"] = 1
    client = _dask_client(scheduler) if backend == "dask" else None
    try:
        with parallel_config(**settings):
            parallel = Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
            yield from parallel(calls(script, payload, task) for task in tasks)
    finally:
        if client is not None:
            client.close()


def _one_process(script: str, payload: bytes, tasks: list[list[Place]]) -> Iterator[TaskResult]:
    """Compute in one process beside this one, so that a fitter that kills its process does not end the study."""
    from joblib.externals.loky import ProcessPoolExecutor

    executor = ProcessPoolExecutor(max_workers=1)
    waiting: deque[Any] = deque()
    try:
        for task in tasks:
            waiting.append(executor.submit(compute_packed, script, payload, task))
            if len(waiting) > 2:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(kill_workers=True)


def _dask_client(scheduler: str | None) -> Any:
    try:
        import distributed
    except ImportError:
        raise InputError("backend = dask: needs the package distributed (pip install 'simlab[dask]')") from None
    try:
        client: Any = distributed.Client
        return client(scheduler, timeout=10) if scheduler else client(processes=True, dashboard_address=None)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError.of(
            "scheduler", scheduler, f"no Dask scheduler answers there ({type(error).__name__})"
        ) from None


def _worker_deaths() -> tuple[type[BaseException], ...]:
    from joblib.externals.loky.process_executor import BrokenProcessPool, TerminatedWorkerError

    if "distributed" in sys.modules:
        import distributed

        return (TerminatedWorkerError, BrokenProcessPool, distributed.KilledWorker)
    return (TerminatedWorkerError, BrokenProcessPool)


def _workers(jobs: int | None) -> int:
    from joblib import cpu_count

    return int(cpu_count()) if jobs is None else jobs


class _Undisturbed:
    """A context in which Ctrl-C waits, so that what was computed is stored."""

    def __enter__(self) -> None:
        try:
            self._before: Any = signal.signal(signal.SIGINT, signal.SIG_IGN)
        except ValueError:  # not in the main thread
            self._before = None

    def __exit__(self, *details: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
