"""The commands about studies, as a user types them: run, stop, go on, look, export, replay."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from simlab.cli import call
from simlab.foundation.errors import InputError
from simlab.study.cell import FAILED, OK, PENDING
from simlab.study.run import run
from simlab.study.script import load_study
from simlab.study.store import opened

SIMLAB = Path(sys.executable).with_name("simlab")
Said = pytest.CaptureFixture[str]

TINY = """
from simlab import Fieldwork, Louvain, Scenario, Spectral, Study, grid
study = Study(
    "tiny", question="Is it there?", replicates=3, seed=2,
    scenarios=grid(Scenario(n_actors=20, mean_degree=4, reciprocity=None, n_periods=2), separation=[2.0, 5.0]),
    fieldworks={"complete": Fieldwork(), "five names": Fieldwork(max_nominations=5)},
    fitters={"spectral": Spectral(n_clusters=3), "Louvain": Louvain()},
)
"""

# A fitter that takes its time, and waits after twenty cells while the file `hold` is there; and a store that is written often:
# so a run can be stopped half-way, however slow what stops it is.
SLOW = """
import time
from pathlib import Path
from typing import ClassVar
import simlab.study.run
from simlab import Fieldwork, Scenario, Spectral, Study, fitters
simlab.study.run._FLUSH_SECONDS = 0.1
HOLD, COMPUTED = (Path(__file__).with_name(name) for name in ("hold", "computed"))

@fitters.register("slow", summary="takes its time", reference="made up")
class Slow(Spectral):
    name: ClassVar[str] = "slow"
    def estimate(self, network, rng):
        time.sleep(0.05)
        with open(COMPUTED, "a") as file:
            file.write(".")
        while HOLD.exists() and COMPUTED.stat().st_size > 20:
            time.sleep(0.02)
        return super().estimate(network, rng)

study = Study(
    "slow", question="Does it go on?", replicates=60, scenarios=Scenario(n_actors=16, mean_degree=4, reciprocity=None),
    fieldworks=Fieldwork(response_rate=0.8), fitters={"slow": Slow(n_clusters=3)}, metrics=["ari", "information", "seconds"],
)
"""


def codes(store: Path) -> np.ndarray:
    """Return the statuses of a store, even while it is being written; none where it is not there yet."""
    try:
        with opened(store) as dataset:
            return np.asarray(dataset["status"].values)
    except InputError:
        return np.zeros(0, dtype=np.int8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs")
    (path / "tiny.py").write_text(TINY)
    (path / "slow.py").write_text(SLOW)
    return path


@pytest.fixture(scope="module")
def store(folder: Path) -> Path:
    """The store of a finished run."""
    path = folder / "tiny.zarr"
    assert call(["run", str(folder / "tiny.py"), "--out", str(path), "--jobs", "1"]) == 0
    return path


@pytest.fixture(scope="module")
def uninterrupted(folder: Path) -> Any:
    """The numbers of the slow study, computed in one go."""
    return run(load_study(folder / "slow.py"), folder / "whole.zarr", jobs=4, backend="threads")


class Started:
    """A run in a process group of its own."""

    def __init__(self, folder: Path, store: Path, jobs: int) -> None:
        self.store, self.hold = store, folder / "hold"
        self.hold.touch()
        (folder / "computed").unlink(missing_ok=True)
        command = [SIMLAB, "run", folder / "slow.py", "--out", store, "--jobs", str(jobs)]
        # Where the tests themselves run in the background, Ctrl-C may be ignored, and would be by whatever they start.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            self.process = subprocess.Popen(
                command, cwd=folder, start_new_session=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        finally:
            signal.signal(signal.SIGINT, before)

    def wait_for_half(self) -> None:
        for _ in range(600):
            if (codes(self.store) == OK).sum() >= 3:
                return
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)
        raise AssertionError("nothing was stored within half a minute")

    def stop(self, how: signal.Signals) -> tuple[int, str, str]:
        os.killpg(self.process.pid, how)
        out, err = self.process.communicate(timeout=30)
        self.hold.unlink()
        return self.process.returncode, out, err


@pytest.fixture
def start(folder: Path, tmp_path: Path) -> Iterator[Any]:
    begun: list[Started] = []

    def begin(jobs: int) -> Started:
        begun.append(Started(folder, tmp_path / "slow.zarr", jobs))
        return begun[-1]

    yield begin
    for started in begun:
        started.hold.unlink(missing_ok=True)
        if started.process.poll() is None:
            os.killpg(started.process.pid, signal.SIGKILL)
            started.process.communicate()


def check_goes_on(folder: Path, store: Path, whole: Any) -> None:
    """Assert that a store that was stopped half-way holds part of the numbers, and after a second run all of them."""
    before = codes(store)
    assert (before == OK).any()
    assert (before == PENDING).any()
    with opened(store) as dataset:
        half = dataset.load()
    found = run(load_study(folder / "slow.py"), store, jobs=4, backend="threads")
    assert (found["status"] == OK).all()
    for name in set(whole.variables) - {"seconds", "elapsed", "message"}:
        assert found[name].values.tobytes() == whole[name].values.tobytes(), name
    kept = before.ravel() == OK
    seconds = found["seconds"].values.ravel()[kept]
    assert seconds.tobytes() == half["seconds"].values.ravel()[kept].tobytes(), "what was done was computed again"


def test_a_run_that_was_killed_goes_on_to_the_same_numbers(folder: Path, start: Any, uninterrupted: Any) -> None:
    started = start(2)
    started.wait_for_half()
    code, _, _ = started.stop(signal.SIGKILL)
    assert code == -signal.SIGKILL
    check_goes_on(folder, started.store, uninterrupted)


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_with_130_and_one_line_and_keeps_what_is_there(
    jobs: int, folder: Path, start: Any, uninterrupted: Any
) -> None:
    started = start(jobs)
    started.wait_for_half()
    code, out, err = started.stop(signal.SIGINT)
    assert code == 130
    lines = [line for line in err.splitlines() if not re.match(r"\d+ of \d+ cells, 0 failed", line)]
    assert lines == [f"stopped; what was computed is in {started.store}: the same command goes on from there"]
    assert out.splitlines() == ["slow: Does it go on?"]
    check_goes_on(folder, started.store, uninterrupted)


def test_a_fitter_that_kills_its_process_does_not_take_a_run_of_one_worker_with_it(tmp_path: Path) -> None:
    text = SLOW.replace("time.sleep(0.05)", "import os; os._exit(7)").replace("replicates=60", "replicates=1")
    (tmp_path / "deadly.py").write_text(text)
    command = [SIMLAB, "run", "deadly.py", "--out", "x.zarr", "--jobs", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert call(["status", str(tmp_path / "x.zarr")]) == 0


# --- a finished run ---------------------------------------------------------------------------------------------------


def test_run_writes_the_store_the_report_and_the_headline(folder: Path, store: Path, capsys: Said) -> None:
    """A second run computes nothing, and says the same as the first."""
    assert call(["run", str(folder / "tiny.py"), "--out", str(store)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("tiny: Is it there?\n")
    assert f"store    {store}" in said.out
    page = Path(re.search(r"^report   (.+)$", said.out, re.MULTILINE)[1])  # type: ignore[index]
    picture = Path(re.search(r"^picture  (.+)$", said.out, re.MULTILINE)[1])  # type: ignore[index]
    assert "Is it there?" in page.read_text(encoding="utf-8")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "spectral" in said.out
    assert "Louvain" in said.out
    assert "24 of 24 cells, 0 failed" in said.err
    with opened(store) as dataset:
        assert (dataset["status"] == OK).all()


def test_the_store_is_where_the_study_says_unless_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["--replicates", "1", "--seed", "5", "--jobs", "1", "--backend", "threads"]
    assert call(["run", str(folder / "tiny.py"), *arguments]) == 0
    assert "results/tiny.zarr" in capsys.readouterr().out
    with opened(tmp_path / "results" / "tiny.zarr") as dataset:
        assert dataset.sizes["replicate"] == 1
        assert '"seed": 5' in dataset.attrs["provenance"]
    assert call(["run", str(folder / "tiny.py"), *arguments[:2], "--seed", "6"]) == 2
    assert "seed = 6 where the store has 5" in capsys.readouterr().err


def test_status_of_a_finished_store(store: Path, capsys: Said) -> None:
    assert call(["status", str(store)]) == 0
    assert capsys.readouterr().out == f"{store}: 24 of 24 cells done; 24 ok\n"


def test_status_says_what_failed_with_ids_that_replay_takes(tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "s.py").write_text(
        TINY.replace("Scenario(n_actors=20, mean_degree=4, reciprocity=None", "Scenario(n_actors=2, n_clusters=2")
    )
    run(load_study(tmp_path / "s.py"), tmp_path / "x.zarr", jobs=1)
    assert call(["status", str(tmp_path / "x.zarr")]) == 0
    said = capsys.readouterr().out
    assert "24 of 24 cells done" in said
    assert "n_clusters = 3: must be at most the number of actors, 2" in said
    cells = re.findall(r"^  (separation=.*replicate=\d)$", said, re.MULTILINE)
    assert len(cells) == 12
    assert all("fitter=spectral" in cell for cell in cells)
    assert call(["replay", str(tmp_path / "x.zarr"), "--cell", cells[0]]) == 0
    said = capsys.readouterr().out
    assert f"cell     {cells[0]}" in said
    assert "InputError: n_clusters = 3: must be at most the number of actors, 2" in said


def test_replay_shows_the_fit_and_the_stored_numbers(store: Path, capsys: Said) -> None:
    cell = "separation=5,fieldwork=five names,fitter=Louvain,replicate=2"
    assert call(["replay", str(store), "--cell", cell]) == 0
    said = capsys.readouterr().out
    assert f"cell     {cell}\nseed     2\nstored   ok\n" in said
    assert "site 1, contact, period 2: " in said
    with opened(store) as dataset:
        chosen = dataset.sel(separation=5.0, fieldwork="five names", fitter="Louvain", replicate=2)
        for name in ("ari", "bridger_auc", "n_clusters_chosen"):
            numbers = "  ".join(f"{v:.4g}" for v in chosen[name].values.ravel())
            assert re.search(rf"^{name} +{re.escape(numbers)}$", said, re.MULTILINE), name


def test_replay_of_a_cell_that_is_not_there_says_what_is(store: Path, capsys: Said) -> None:
    cell = "separation=5,fieldwork=seven names,fitter=Louvain,replicate=2"
    assert call(["replay", str(store), "--cell", cell]) == 2
    assert "fieldwork = seven names: must be one of complete, five names" in capsys.readouterr().err


def test_a_fitter_of_ones_own_is_replayed_with_its_script_alone(folder: Path, uninterrupted: Any) -> None:
    """In a process of its own, which has not seen the script."""
    whole = folder / "whole.zarr"
    plain = subprocess.run(
        [SIMLAB, "replay", whole, "--cell", "fitter=slow,replicate=3"], capture_output=True, text=True
    )
    assert plain.returncode == 2
    assert "no fitter named 'slow'" in plain.stderr
    command = [SIMLAB, "replay", whole, "--cell", "fitter=slow,replicate=3", "--script", folder / "slow.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ari = float(uninterrupted["ari"].sel(fitter="slow", replicate=3).values.item())
    assert re.search(rf"^ari +{re.escape(f'{ari:.4g}')}$", done.stdout, re.MULTILINE)


def test_export_holds_what_the_store_holds(store: Path, tmp_path: Path, capsys: Said) -> None:
    assert call(["export", str(store), "-o", str(tmp_path / "x.nc")]) == 0
    assert capsys.readouterr().out == f"written  {tmp_path / 'x.nc'}\n"
    with opened(store) as dataset, xr.open_dataset(tmp_path / "x.nc") as exported:
        assert set(exported.variables) == set(dataset.variables)
        assert exported.attrs == dataset.attrs
        for name in dataset.variables:
            one, other = dataset[name], exported[name]
            assert one.dims == other.dims
            if one.dtype.kind in "fi":
                assert np.array_equal(one.values, other.values, equal_nan=True), name
            else:
                assert one.values.tolist() == other.values.tolist(), name
        assert exported["ari"].attrs["long_name"] == "adjusted Rand index"


def test_report_goes_where_it_is_told(store: Path, tmp_path: Path, capsys: Said) -> None:
    page = tmp_path / "page.html"
    assert call(["report", str(store), "-o", str(page)]) == 0
    assert f"report   {page}" in capsys.readouterr().out
    assert page.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")


FAILING = """
from typing import ClassVar
from simlab import Fieldwork, Scenario, Spectral, Study, fitters

@fitters.register("fragile", summary="fails on odd sums", reference="made up")
class Fragile(Spectral):
    name: ClassVar[str] = "fragile"
    def estimate(self, network, rng):
        if rng.integers(2):
            raise ValueError("an odd sum")
        return super().estimate(network, rng)

study = Study(
    "fragile", question="What fails?", replicates=12, scenarios=Scenario(n_actors=16, mean_degree=4, reciprocity=None),
    fieldworks=Fieldwork(), fitters=[Fragile(n_clusters=2)], metrics=["ari"],
)
"""


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a script, and its finished store, in which some cells failed."""
    folder = tmp_path_factory.mktemp("fragile")
    (folder / "fragile.py").write_text(FAILING)
    arguments = ["--out", str(folder / "x.zarr"), "--jobs", "1", "--backend", "threads"]
    assert call(["run", str(folder / "fragile.py"), *arguments]) == 0
    return folder


def test_a_log_beside_the_store_has_what_was_started_and_what_failed(fragile: Path) -> None:
    log = (fragile / "x.log").read_text()
    lines = log.splitlines()
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} started  store=", lines[0])
    assert '"name": "fragile"' in lines[0]
    assert "backend=threads" in lines[0]
    failed = [line for line in lines if " failed  fitter=fragile,replicate=" in line]
    with opened(fragile / "x.zarr") as dataset:
        count = int((dataset["status"] == FAILED).sum())
    assert 0 < count == len(failed)
    assert all("ValueError: an odd sum" in line for line in failed)
    assert f"complete  ok={12 - count}  failed={count}" in lines[-1]


def test_a_failed_cell_is_replayed_with_its_traceback_and_a_debugger(fragile: Path, capsys: Said) -> None:
    assert call(["status", str(fragile / "x.zarr")]) == 0
    said = capsys.readouterr().out
    cell = re.search(r"^  (fitter=fragile,replicate=\d+)$", said, re.MULTILINE)[1]  # type: ignore[index]
    assert "to try them again: simlab run SCRIPT --retry failed" in said
    command = [SIMLAB, "replay", "x.zarr", "--cell", cell, "--script", "fragile.py"]
    shown = subprocess.run([*command, "--traceback"], cwd=fragile, capture_output=True, text=True, check=True).stdout
    assert "Traceback (most recent call last)" in shown
    assert 'raise ValueError("an odd sum")' in shown
    debugged = subprocess.run([*command, "--debug"], cwd=fragile, capture_output=True, text=True, input="p 6 * 7\nq\n")
    assert debugged.returncode == 0, debugged.stderr
    assert "(Pdb) 42" in debugged.stdout


def test_failed_cells_are_tried_again_on_request(fragile: Path, tmp_path: Path) -> None:
    """The same seed fails again: the store says so, and what was well stays as it was, time and all."""
    shutil.copytree(fragile / "x.zarr", tmp_path / "x.zarr")
    study = load_study(fragile / "fragile.py")
    with opened(tmp_path / "x.zarr") as dataset:
        before = dataset.load()
    after = run(study, tmp_path / "x.zarr", jobs=1, backend="threads", retry=["failed"])
    assert (after["status"].values == before["status"].values).all()
    well = before["status"].values == OK
    assert (after["elapsed"].values == before["elapsed"].values)[well].all()
    assert (after["elapsed"].values != before["elapsed"].values)[~well].any()
    with pytest.raises(InputError, match="retry = odd: must be one of failed, timed_out, killed"):
        run(study, tmp_path / "x.zarr", retry=["odd"])
