"""Running a study: what the store lacks is computed by a pool of workers, and stored as it comes."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from simlab.foundation.warm import is_warm, note_warm
from simlab.study.cell import FAILED, KILLED, STATUS_NAMES, TIMED_OUT, CellResult, Place, WorldResult
from simlab.study.costs import Costs, Forecast
from simlab.study.design import Study
from simlab.study.limits import Limits
from simlab.study.log import RunLog
from simlab.study.options import RETRIES, check_backend, check_run, default_store
from simlab.study.pool import Done, Lost, Pool, ProcessPool, ThreadPool
from simlab.study.provenance import describe
from simlab.study.replay import cell_name
from simlab.study.storage import Storage
from simlab.study.store import Store, opened
from simlab.study.tasks import TaskQueue
from simlab.study.until import Until
from simlab.study.until_round import Rounds, rules_of

# Results wait in memory so long, or twenty times as long as writing them took.
_FLUSH_SECONDS = 5.0
_SHARE_OF_WRITING = 20.0
# A cell whose worker dies is tried again: most workers are killed from outside.
_MOST_DEATHS = 3
# A dataset above this size is left on the disk and read when it is looked at.
_LOADED_BYTES = 250_000_000


class Progress(Protocol):
    """What a run tells of itself: how many cells there are, then each one's status as it is done."""

    def begin(self, total: int, done: int, failed: int) -> None:
        """Say how many cells there are, and how many of them were done and failed before. Again where more are asked for."""

    def add(self, results: Sequence[CellResult], forecast: Forecast | None) -> None:
        """Say that cells are done, and how long the others may take."""

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
    retry: Sequence[str] = (),
    until: str | Sequence[str] = (),
    time_budget: float | None = None,
    time_limit: float | None = None,
    memory_limit: float | None = None,
) -> Any:
    """Run a study, or what is left of it, and return its dataset.

    Parameters
    ----------
    study : Study
        Where the store holds a study of the same name, seed and settings, what this one has more of - replicates, levels,
        fitters, metrics - is added to it.
    out : path or address, optional
        The store: a folder, or any address that fsspec knows; ``results/<name>.zarr`` unless said.
    jobs : int, optional
        Workers; the number of processors unless said. The numbers are the same for any.
    backend : str
        ``loky`` (processes), ``threads`` or ``dask``.
    scheduler : str, optional
        Address of a Dask scheduler.
    progress : Progress, optional
        Told of what is done.
    retry : sequence of str
        Cells that ended so are tried again: ``failed`` (in whatever way), ``timed_out``, ``killed``.
    until : str or sequence of str
        Rules such as ``mcse(ari) <= 0.01``: replicates are added, scenario by scenario, until they hold. See
        ``simlab.study.until``.
    time_budget : float, optional
        Seconds after which no more cells are begun.
    time_limit : float, optional
        Seconds that a cell may take; it is stopped and recorded as timed out. In ``threads`` it is stopped only where it
        comes back to Python.
    memory_limit : float, optional
        Megabytes that a worker process may hold; the cell is stopped and recorded as killed. Not for ``threads``.

    Returns
    -------
    xarray.Dataset
        What the store holds, which may be more than the study. One of over 250 MB stays on the disk, and is read as it is
        used. See ``simlab.study.summary`` for means and errors.

    Raises
    ------
    InputError
        For settings that are not allowed, a store of another study, or one that another run is writing.
    SimlabError
        Where the store cannot be written, such as on a full disk, or the scheduler has gone.
    KeyboardInterrupt
        After Ctrl-C; what was computed is stored.
    """
    check_backend(jobs, backend, scheduler)
    limits = check_run(backend, retry, time_budget, time_limit, memory_limit)
    rules = rules_of(until, study.metrics)
    where = Storage(out if out is not None else default_store(study))
    log = RunLog(None)
    options = {
        "jobs": jobs,
        "backend": backend,
        "scheduler": scheduler,
        "retry": ", ".join(retry) or None,
        "until": " and ".join(map(str, rules)) or None,
        "time_budget": time_budget,
        "time_limit": time_limit,
        "memory_limit": memory_limit,
    }
    try:
        with where.only_writer() as lease, contextlib.ExitStack() as leave:

            def workers(asked: Study) -> Pool:
                made = _pool(asked, limits, jobs, backend, scheduler)
                leave.callback(made.close)
                return made

            # Where all is still to do, workers get ready while the store is made.
            early = None if where.exists_whole() else workers(study)
            store = Store(where, study, lease)
            log = RunLog(where.beside(".log"))
            made = _Run(store, study, partial(workers, store.study), early, progress, log, time_budget)
            log.say(
                "started", store=str(where), script=study.script or None, **options, study=json.dumps(describe(study))
            )
            made.go([status for kind in retry for status in RETRIES[kind]], rules, options)
    except BaseException as error:
        log.say("stopped", why=f"{type(error).__name__} {error}".strip())
        raise
    finally:
        log.close()
    with opened(where) as dataset:
        return dataset.load() if dataset.nbytes <= _LOADED_BYTES else dataset


class _Run:
    """One run of a study into its store."""

    def __init__(
        self,
        store: Store,
        study: Study,
        make_pool: Callable[[], Pool],
        pool: Pool | None,
        progress: Progress | None,
        log: RunLog,
        time_budget: float | None,
    ) -> None:
        self._store = store
        self._study = store.study
        self._make_pool, self._pool = make_pool, pool
        self._progress = progress
        self._log = log
        self._until_time = None if time_budget is None else time.monotonic() + time_budget
        self._costs = Costs(study)
        self._deaths: dict[Place, int] = {}
        self._flushed, self._writing = time.monotonic(), 0.0

    def go(self, again: Sequence[int], rules: Sequence[Until], options: dict[str, Any]) -> None:
        """Compute what is left, and what the rules ask for beyond it."""
        for block in self._store.blocks():
            damage = self._store.check(block)
            if damage:
                self._log.say("computed again", why=damage)
        queue = TaskQueue(self._store, self._costs, again)
        rounds = Rounds(self._store, rules) if rules else None
        begun = False
        outcome = "stopped"
        try:
            while True:
                self._begin()
                if queue.n_cells:
                    if not begun:
                        begun = True
                        self._store.note(outcome="begun", **options)
                        _compile(self._study)
                    self._pool = self._pool or self._make_pool()
                    if not self._drive(self._pool, queue):
                        outcome = "time budget spent"
                        break
                if rounds is None or not rounds.ask_more():
                    outcome = "complete"
                    break
                queue = TaskQueue(self._store, self._costs, learn=False)
        finally:
            with _Undisturbed():
                self._store.flush()
                if begun:
                    self._store.note_end(outcome=outcome, rules=rounds.outcome() if rounds is not None else None)
            self._log.say(outcome, **{name: n for name, n in self._counted().items() if n})
            if self._progress:
                self._progress.end()

    def _begin(self) -> None:
        if self._progress:
            counts = self._counted()
            total = sum(counts.values())
            failed = sum(counts[STATUS_NAMES[status]] for status in (FAILED, TIMED_OUT, KILLED))
            self._progress.begin(total, total - counts["pending"], failed)

    def _counted(self) -> dict[str, int]:
        """Return how many cells that are asked for have each status."""
        counts = sum(
            (self._store.counts(block) for block in self._store.blocks()), np.zeros(len(STATUS_NAMES), np.int64)
        )
        return dict(zip(STATUS_NAMES, counts.tolist(), strict=True))

    def _drive(self, pool: Pool, queue: TaskQueue) -> bool:
        """Compute the tasks of a queue; return whether all were."""
        under_way = 0
        while True:
            out_of_time = self._until_time is not None and time.monotonic() > self._until_time
            while not out_of_time and pool.wants() and (task := queue.next(pool.n_workers)) is not None:
                pool.submit(task)
                under_way += 1
            if not under_way:
                return not out_of_time or queue.is_empty
            for event in pool.collect(1.0):
                under_way -= 1
                if isinstance(event, Done):
                    for result in event.results:
                        self._take(result, queue)
                else:
                    self._lost(event, queue)
            self._flush()

    def _take(self, result: WorldResult, queue: TaskQueue) -> None:
        """Store what was computed of a world."""
        self._store.add(result)
        self._costs.add(result.cells)
        for cell in result.cells:
            block = queue.finished(cell.place)
            if block is not None:
                self._store.done(block)
        bad = [cell for cell in result.cells if cell.status >= FAILED]
        if bad:
            self._log.failed(
                [(cell_name(self._study, cell.place), STATUS_NAMES[cell.status], cell.message) for cell in bad]
            )
        if self._progress:
            self._progress.add(result.cells, self._costs.forecast())

    def _lost(self, lost: Lost, queue: TaskQueue) -> None:
        """Decide about a task whose worker died: what it named is recorded, what may be innocent is tried again."""
        if lost.deaths == 0:
            queue.give_back(lost.task)
            return
        guilty = lost.place if lost.place in lost.task.places else None
        if guilty is None and len(lost.task.places) == 1:
            place = lost.task.places[0]
            self._deaths[place] = self._deaths.get(place, 0) + lost.deaths
            if self._deaths[place] >= _MOST_DEATHS:
                guilty = place
        if guilty is not None:
            why = lost.message or (
                f"its worker died {self._deaths.get(guilty, lost.deaths)} times: killed from outside, out of memory, or a crash"
                " in compiled code"
            )
            cell = CellResult(guilty, STATUS_NAMES.index(lost.kind), why)
            self._take(WorldResult(guilty.scenario, guilty.replicate, [cell]), queue)
        rest = tuple(place for place in lost.task.places if place != guilty)
        if rest:
            self._log.say("a worker died", cells=len(rest), why=lost.message or None)
            queue.give_back(lost.task._replace(places=rest), alone=guilty is None)

    def _flush(self) -> None:
        now = time.monotonic()
        if now - self._flushed > max(_FLUSH_SECONDS, _SHARE_OF_WRITING * self._writing):
            self._store.flush()
            self._flushed = time.monotonic()
            self._writing = self._flushed - now


def _pool(study: Study, limits: Limits, jobs: int | None, backend: str, scheduler: str | None) -> Pool:
    if backend == "dask":
        from simlab.study.pool_dask import DaskPool

        return DaskPool(study, jobs, limits, scheduler)
    from joblib import cpu_count

    kind = ThreadPool if backend == "threads" else ProcessPool
    return kind(study, int(cpu_count()) if jobs is None else jobs, limits)


def _compile(study: Study) -> None:
    """Compile the kernels that the fitters need once, before workers start: a cold cache would cost each of them."""
    kinds = list(dict.fromkeys(kind for fitter in study.fitters.values() for kind in fitter.kinds))
    cold = [kind for kind in kinds if not is_warm(f"{kind.__module__}.{kind.__qualname__}")]
    if not cold:
        return
    from simlab.fit.bridging import scores

    scores(np.ones((3, 3)), np.zeros(3, dtype=np.int64), np.ones((3, 1)))
    for kind in cold:
        kind.compile()
        note_warm(f"{kind.__module__}.{kind.__qualname__}")


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
