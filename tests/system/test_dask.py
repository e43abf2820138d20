"""Studies on Dask, as a user types them: a scheduler and workers as processes that die, join late, hang and go away."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from reference.dask_processes import DaskProcesses, dask_processes, kill

from simlab.cli import main
from simlab.foundation.errors import InputError
from simlab.study.cell import KILLED, OK, PENDING, TIMED_OUT
from simlab.study.limits import Limits
from simlab.study.pool_dask import DaskPool
from simlab.study.run import run
from simlab.study.script import load_study
from simlab.study.store import opened

pytest.importorskip("distributed", reason="needs the package distributed")

SIMLAB = Path(sys.executable).with_name("simlab")

# A fitter that takes 50 ms, and waits while the file `hold` is there; each cell adds a byte to a file named by its process.
SLOW = """
import os, time
from pathlib import Path
from typing import ClassVar
import simlab.study.run
from simlab import Fieldwork, Scenario, Spectral, Study, fitters
simlab.study.run._FLUSH_SECONDS = 0.1
FOLDER = Path(__file__).parent

@fitters.register("slow", summary="takes its time", reference="made up")
class Slow(Spectral):
    name: ClassVar[str] = "slow"
    def estimate(self, network, rng):
        time.sleep(0.05)
        while (FOLDER / "hold").exists():
            time.sleep(0.02)
        with open(FOLDER / "computed" / str(os.getpid()), "a") as file:
            file.write(".")
        return super().estimate(network, rng)

study = Study(
    "slow", question="Does it go on?", replicates=160, scenarios=Scenario(n_actors=16, mean_degree=4, reciprocity=None),
    fieldworks=Fieldwork(response_rate=0.8), fitters={"slow": Slow(n_clusters=3)}, metrics=["ari", "information", "seconds"],
)
"""

# Fitters that a cluster has to survive.
BAD = """
import os, time
from typing import ClassVar
import numpy as np
from simlab import Fieldwork, Scenario, Spectral, Study, fitters

@fitters.register("hangs", summary="never ends, and takes no advice", reference="made up")
class Hangs(Spectral):
    name: ClassVar[str] = "hangs"
    def estimate(self, network, rng):
        while True:
            try:
                time.sleep(0.1)
            except BaseException:
                pass

@fitters.register("deadly", summary="ends its process", reference="made up")
class Deadly(Spectral):
    name: ClassVar[str] = "deadly"
    def estimate(self, network, rng):
        os._exit(7)

@fitters.register("greedy", summary="wants ever more", reference="made up")
class Greedy(Spectral):
    name: ClassVar[str] = "greedy"
    def estimate(self, network, rng):
        held = []
        while len(held) < 100:
            held.append(np.ones(2_000_000))
            time.sleep(0.01)
        raise RuntimeError("nobody stopped it")

study = Study(
    "bad", question="Who survives?", replicates=1, scenarios=Scenario(n_actors=16, mean_degree=4, reciprocity=None),
    fieldworks=Fieldwork(), metrics=["ari"],
    fitters={"hangs": Hangs(n_clusters=3), "deadly": Deadly(n_clusters=3), "greedy": Greedy(n_clusters=3),
             "good": Spectral(n_clusters=3)},
)
"""


class Started:
    """A run on Dask in a process group of its own."""

    def __init__(self, script: Path, store: Path, *options: str) -> None:
        self.store = store
        command = [SIMLAB, "run", script, "--out", store, "--backend", "dask", *options]
        # Where the tests themselves run in the background, Ctrl-C may be ignored, and would be by whatever they start.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            self.process = subprocess.Popen(
                command, start_new_session=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        finally:
            signal.signal(signal.SIGINT, before)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something has happened, while the run goes on."""
        for _ in range(1200):
            if condition():
                return
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)
        raise AssertionError("did not happen within a minute")

    def end(self) -> tuple[int, list[str]]:
        """Wait for the end; return the exit code and what was said on the way, without the progress."""
        _, err = self.process.communicate(timeout=120)
        return self.process.returncode, [
            line for line in err.splitlines() if line and not re.match(r"\d+ of \d+ cells", line)
        ]


def count(store: Path, status: int) -> int:
    """Return how many cells of a store, which may not be there yet, have a status."""
    try:
        with opened(store) as dataset:
            return int((dataset["status"] == status).sum())
    except InputError:
        return 0


def check_same(store: Path, whole: Any) -> None:
    """Assert that a store has the same bytes as a dataset in all but the times."""
    with opened(store) as found:
        assert set(found.variables) == set(whole.variables)
        for name in set(whole.variables) - {"seconds", "elapsed", "message"}:
            assert found[name].values.tobytes() == whole[name].values.tobytes(), name
        assert found["message"].values.tolist() == whole["message"].values.tolist()


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dask") / "slow.py"
    path.write_text(SLOW)
    (path.parent / "computed").mkdir()
    return path


@pytest.fixture(scope="module")
def whole(script: Path) -> Any:
    """The numbers of the slow study, computed by threads."""
    return run(load_study(script), script.parent / "threads.zarr", jobs=8, backend="threads")


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[DaskProcesses]:
    with dask_processes(tmp_path / "processes") as found:
        yield found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Started]]:
    begun: list[Started] = []

    def begin(script: Path, store: str, *options: str) -> Started:
        begun.append(Started(script, tmp_path / store, *options))
        return begun[-1]

    yield begin
    for started in begun:
        if started.process.poll() is None:
            os.killpg(started.process.pid, signal.SIGKILL)
            started.process.communicate()


def computed(script: Path, worker: subprocess.Popen[bytes]) -> int:
    """Return how many cells a worker process has computed."""
    trace = script.parent / "computed" / str(worker.pid)
    return trace.stat().st_size if trace.exists() else 0


@pytest.fixture
def hold(script: Path) -> Iterator[Path]:
    yield script.parent / "hold"
    (script.parent / "hold").unlink(missing_ok=True)


def test_a_worker_is_killed_and_one_joins_late_and_the_numbers_are_those_of_threads_and_loky(
    script: Path, whole: Any, processes: DaskProcesses, start: Callable[..., Started], hold: Path, tmp_path: Path
) -> None:
    nobody = start(script, "nobody.zarr", "--scheduler", "tcp://127.0.0.1:9")
    one, other = processes.start_worker(), processes.start_worker()
    started = start(script, "dask.zarr", "--scheduler", processes.address)
    started.wait_for(lambda: computed(script, one) > 2 and computed(script, other) > 2)
    hold.touch()
    kill(one)
    late = processes.start_worker()
    started.wait_for(lambda: processes.n_workers() == 2)
    assert computed(script, late) == 0
    hold.unlink()
    assert started.end() == (0, [])
    assert computed(script, late) > 0
    check_same(started.store, whole)
    loky = run(load_study(script), tmp_path / "loky.zarr", jobs=2)
    assert (loky["status"] == OK).all()
    check_same(tmp_path / "loky.zarr", whole)
    line = "error: scheduler = tcp://127.0.0.1:9: no Dask scheduler answers there (OSError)"
    assert nobody.end() == (2, [line])


def test_ctrl_c_then_a_scheduler_that_dies_then_the_rest_give_the_same_numbers(
    script: Path, whole: Any, processes: DaskProcesses, start: Callable[..., Started], hold: Path
) -> None:
    started = start(script, "x.zarr", "--jobs", "2")
    started.wait_for(lambda: count(started.store, OK) > 2)
    hold.touch()
    os.killpg(started.process.pid, signal.SIGINT)
    code, said = started.end()
    hold.unlink()
    assert (code, said) == (
        130,
        [f"stopped; what was computed is in {started.store}: the same command goes on from there"],
    )
    first = count(started.store, OK)
    assert first > 2
    assert count(started.store, PENDING) > 0

    processes.start_worker()
    started = start(script, "x.zarr", "--scheduler", processes.address)
    started.wait_for(lambda: count(started.store, OK) > first)
    hold.touch()
    assert processes.scheduler is not None
    kill(processes.scheduler)
    line = "error: the Dask scheduler has gone. What was computed is stored: run the same again when it is back"
    assert started.end() == (1, [line])
    hold.unlink()
    assert count(started.store, OK) > first
    assert count(started.store, PENDING) > 0

    processes.start_scheduler()
    processes.start_worker()
    started = start(script, "x.zarr", "--scheduler", processes.address)
    assert started.end() == (0, [])
    check_same(started.store, whole)


def test_a_study_that_waits_for_workers_says_so_once(
    processes: DaskProcesses, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simlab.study.pool_dask._SECONDS_ALONE", 0.2)
    pool = DaskPool(load_study(script), None, Limits(), processes.address)
    try:
        with pytest.warns(
            UserWarning, match="^the study waits: no worker has joined the Dask scheduler tcp://"
        ) as said:
            found = [pool.collect(0.3) for _ in range(5)]
    finally:
        pool.close()
    assert found == [[]] * 5
    assert len(said) == 1


def test_warnings_are_one_line_on_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    monkeypatch.setattr(sys, "argv", ["simlab", "--help"])
    with pytest.raises(SystemExit):
        main()
    assert warnings.formatwarning("wait\x1b", UserWarning, "file.py", 3) == "warning: wait\\x1b\n"
    assert "file.py:3" in warnings.formatwarning("wait", RuntimeWarning, "file.py", 3)


def test_cells_that_hang_or_kill_their_worker_or_want_too_much_are_recorded_and_the_others_go_on(
    processes: DaskProcesses, start: Callable[..., Started], tmp_path: Path
) -> None:
    script = tmp_path / "bad.py"
    script.write_text(BAD)
    for _ in range(2):
        processes.start_worker(nanny=True)
    started = start(script, "bad.zarr", "--scheduler", processes.address, "--time-limit", "6s", "--memory-limit", "450")
    code, said = started.end()
    assert (code, said) == (0, [])
    with opened(started.store) as dataset:
        ended = {str(name): set(dataset["status"].sel(fitter=name).values.ravel()) for name in dataset["fitter"].values}
        why = {
            str(name): str(dataset["message"].sel(fitter=name).values.ravel()[0]) for name in dataset["fitter"].values
        }
    assert ended == {"hangs": {TIMED_OUT}, "deadly": {KILLED}, "greedy": {KILLED}, "good": {OK}}
    assert "took longer than the time limit of 6 s, in estimate (bad.py, line" in why["hangs"]
    assert re.match(r"its worker died \d+ times", why["deadly"])
    assert "more than the memory limit of 450 MB" in why["greedy"]
