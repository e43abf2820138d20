"""Worker processes that die."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from simlab.study.cell import OK, Place, Task
from simlab.study.limits import Limits
from simlab.study.pool import Done, ProcessPool
from simlab.study.script import load_study

SCRIPT = """
from simlab import Fieldwork, Louvain, Scenario, Study
study = Study("one", question="?", scenarios=Scenario(n_actors=10), fieldworks=Fieldwork(),
              fitters={"Louvain": Louvain()}, replicates=2)
"""


def one_done(pool: ProcessPool) -> Done:
    """Return what comes next, which must have been computed."""
    end = time.monotonic() + 60.0
    while time.monotonic() < end:
        for found in pool.collect(0.2):
            assert isinstance(found, Done)
            return found
    raise AssertionError("nothing came")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_worker_that_dies_while_it_has_nothing_to_do_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(SCRIPT)
    pool = ProcessPool(load_study(tmp_path / "one.py"), 1, Limits())
    try:
        pool.submit(Task((Place(0, 0, 0, 0),)))
        one_done(pool)
        executor = pool._slots[0].executor
        (pid,) = executor._processes
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 30.0
        while executor._flags.broken is None and time.monotonic() < end:
            time.sleep(0.05)
        assert executor._flags.broken is not None
        pool.submit(Task((Place(0, 0, 0, 1),)))
        found = one_done(pool)
        assert [(cell.place.replicate, cell.status) for cell in found.results[0].cells] == [(1, OK)]
    finally:
        pool.close()
