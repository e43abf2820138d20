"""Limits of time and memory: what passes them is stopped and recorded, wherever it is, and the others go on."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simlab.foundation.errors import InputError
from simlab.study import limits
from simlab.study.cell import OK, STATUS_NAMES
from simlab.study.limits import CellStopped, Limits, Watch, check_limits
from simlab.study.run import run
from simlab.study.script import load_study

SCRIPT = """
import time
from typing import ClassVar
import numpy as np
from simlab import Fieldwork, Scenario, Spectral, Study, fitters

HOARD = []

def spins():
    while True:
        pass

def hangs():
    time.sleep(1000)

def hoards():
    for _ in range(1000):
        HOARD.append(np.ones(2_000_000))
        time.sleep(0.01)

def gulps():
    HOARD.append(np.ones(10**10))

def fitter(does):
    class Bad(Spectral):
        name: ClassVar[str] = does.__name__
        def estimate(self, network, rng):
            does()
    Bad.__qualname__ = Bad.__name__ = does.__name__.title()
    globals()[Bad.__name__] = fitters.register(Bad.name, summary="is bad", reference="made up")(Bad)
    return Bad(n_clusters=2)

study = Study(
    "limits", question="Do limits hold?", replicates=1, scenarios=Scenario(n_actors=16, mean_degree=4, reciprocity=None),
    fieldworks=Fieldwork(), fitters={"good": Spectral(n_clusters=2), **{f.__name__: fitter(f) for f in (FITTERS)}},
    metrics=["ari", "true_organisation_mix"],
)
"""


def bad_study(folder: Path, *does: str) -> Any:
    """Return a study whose fitters do so, and a good one."""
    file = folder / f"{'_'.join(does)}.py"
    file.write_text(SCRIPT.replace("FITTERS", ", ".join(does) + ","))
    return load_study(file)


def ends(dataset: Any) -> dict[str, tuple[str, str]]:
    """Return how each fitter ended, and its message."""
    return {
        str(name): (
            STATUS_NAMES[int(dataset["status"].sel(fitter=name).values.item())],
            str(dataset["message"].sel(fitter=name).values.item()),
        )
        for name in dataset["fitter"].values
    }


def test_a_hanging_cell_is_timed_out_and_the_others_are_computed(tmp_path: Path) -> None:
    """In Python, and in C that never comes back: there its process ends, and where it hung is told."""
    found = run(bad_study(tmp_path, "spins", "hangs"), tmp_path / "x.zarr", jobs=1, time_limit=3.0)
    how = ends(found)
    assert how["good"] == ("ok", "")
    assert how["spins"] == ("timed_out", "took longer than the time limit of 3 s")
    assert how["hangs"][0] == "timed_out"
    assert "in hangs (spins_hangs.py, line 14)" in how["hangs"][1]
    assert found["ari"].sel(fitter="good").notnull().all()
    assert found["true_organisation_mix"].notnull().all()


def test_threads_stop_a_cell_where_it_is_back_in_python(tmp_path: Path) -> None:
    study = bad_study(tmp_path, "spins")
    how = ends(run(study, tmp_path / "x.zarr", jobs=2, backend="threads", time_limit=4.0))
    assert how["spins"][0] == "timed_out"
    assert how["good"] == ("ok", "")


def test_a_cell_that_eats_memory_is_stopped_and_the_others_are_computed(tmp_path: Path) -> None:
    how = ends(run(bad_study(tmp_path, "hoards", "gulps"), tmp_path / "x.zarr", jobs=1, memory_limit=500.0))
    assert how["good"] == ("ok", "")
    assert how["hoards"][0] == "killed"
    assert "more than the memory limit of 500 MB" in how["hoards"][1]
    assert how["gulps"][0] == "failed"
    assert "MemoryError" in how["gulps"][1]


def test_what_was_stopped_is_tried_again_on_request(tmp_path: Path) -> None:
    study = bad_study(tmp_path, "spins")
    first = run(study, tmp_path / "x.zarr", jobs=1, backend="threads", time_limit=2.0)
    same = run(study, tmp_path / "x.zarr", jobs=1, backend="threads", time_limit=2.0)
    assert same["elapsed"].values.tobytes() == first["elapsed"].values.tobytes()
    again = run(study, tmp_path / "x.zarr", jobs=1, backend="threads", time_limit=3.0, retry=["timed_out"])
    assert ends(again)["spins"] == ("timed_out", "took longer than the time limit of 3 s")
    assert again["elapsed"].sel(fitter="good").values == first["elapsed"].sel(fitter="good").values
    assert (again["status"].sel(fitter="good") == OK).all()


def spin_under(watch: Watch) -> None:
    with watch.over("cell"):
        while True:
            pass


def sleep_under(watch: Watch) -> None:
    with watch.over("cell"):
        time.sleep(1.0)  # nothing of Python's runs in here
        for _ in range(1000):
            pass


def test_a_watch_leaves_alone_what_stays_within_its_limits() -> None:
    watch = Watch(Limits(0.2))
    for _ in range(50):
        with watch.over("short"):
            sum(range(1000))
    time.sleep(0.3)
    with pytest.raises(CellStopped) as stop:
        spin_under(watch)
    assert stop.value.kind == "timed_out"
    # Nothing is left over for whatever comes next.
    for _ in range(100_000):
        pass


def test_threads_are_watched_each_by_itself() -> None:
    watch = Watch(Limits(0.3))
    ended: dict[str, str] = {}

    def work(name: str, seconds: float) -> None:
        try:
            with watch.over(name):
                until = time.monotonic() + seconds
                while time.monotonic() < until:
                    pass
            ended[name] = "done"
        except CellStopped:
            ended[name] = "stopped"

    threads = [threading.Thread(target=work, args=each) for each in [("short", 0.1), ("long", 5.0), ("other", 0.15)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == {"short": "done", "long": "stopped", "other": "done"}


def test_what_cannot_be_stopped_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GRACE_SECONDS", 0.2)
    told: list[tuple[Any, str, str]] = []
    watch = Watch(Limits(0.2), lambda *said: told.append(said))
    with pytest.raises(CellStopped):
        sleep_under(watch)
    assert told
    assert told[0][:2] == ("cell", "timed_out")
    assert "sleep_under" in told[0][2]


def test_the_memory_of_this_process_is_known() -> None:
    before = limits.resident_megabytes()
    hoard = np.ones(20_000_000)
    assert before > 20.0
    assert limits.resident_megabytes() - before > 100.0
    assert hoard[0] == 1.0


@pytest.mark.parametrize(
    ("seconds", "megabytes", "words"),
    [
        (0, None, "time_limit = 0: must be a number of seconds above 0"),
        (-1.0, None, "time_limit = -1"),
        (float("nan"), None, "time_limit = nan"),
        (float("inf"), None, "time_limit = inf"),
        ("3", None, "time_limit = 3"),
        (True, None, "time_limit = True"),
        (None, 100.0, "memory_limit = 100.0: must be a number of megabytes above 300"),
        (None, float("nan"), "memory_limit = nan"),
    ],
)
def test_limits_that_are_none_are_refused(seconds: Any, megabytes: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_limits(seconds, megabytes)


def test_memory_of_threads_has_no_limit_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="memory_limit = 500"):
        run(bad_study(tmp_path, "spins"), tmp_path / "x.zarr", backend="threads", memory_limit=500.0)
    assert not (tmp_path / "x.zarr").exists()
