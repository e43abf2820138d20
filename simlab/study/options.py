"""The options of a run, and what is allowed for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simlab.foundation.errors import InputError
from simlab.study.cell import FAILED, KILLED, TIMED_OUT
from simlab.study.design import Study
from simlab.study.limits import Limits, check_limits

BACKENDS = ("loky", "threads", "dask")
# What may be tried again, and the statuses that it means.
RETRIES = {"failed": (FAILED, TIMED_OUT, KILLED), "timed_out": (TIMED_OUT,), "killed": (KILLED,)}


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


def check_run(
    backend: str,
    retry: Sequence[str],
    time_budget: float | None,
    time_limit: float | None,
    memory_limit: float | None,
) -> Limits:
    """Return the limits of a run's cells; InputError for what is not allowed."""
    for kind in [retry] if isinstance(retry, str) else retry:
        if kind not in RETRIES:
            raise InputError.of("retry", kind, f"must be one of {', '.join(RETRIES)}")
    if time_budget is not None and (isinstance(time_budget, bool) or not 0 < time_budget < float("inf")):
        raise InputError.of("time_budget", time_budget, "must be a number of seconds above 0")
    if memory_limit is not None and backend == "threads":
        raise InputError.of("memory_limit", memory_limit, "goes with processes: backend = loky or dask")
    return check_limits(time_limit, memory_limit)
