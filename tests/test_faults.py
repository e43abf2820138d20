"""No result is lost and no wrong one shown, whatever fails at whatever moment: disk, power, network share, a byte."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference.disks import Disk, Once, check_store, copied, done_is_right, run_once, same_bits
from reference.small_study import WORLD, small_study

from simlab.cli import call
from simlab.fit.fit import fitters
from simlab.fit.louvain import Louvain
from simlab.fit.spectral import Spectral
from simlab.foundation.errors import InputError, SimlabError
from simlab.study import durable, storage
from simlab.study.arrays import DamagedError
from simlab.study.cell import FAILED, OK, PENDING
from simlab.study.design import Study, grid
from simlab.study.held import Held
from simlab.study.store import Store, opened

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to know which file is synced")

# Every moment, as scripts/verify has it; else some of each kind.
THOROUGH = bool(os.environ.get("SIMLAB_THOROUGH"))
ONCE = Once()


MORE: dict[str, Any] = {
    "replicates": 3,
    "scenarios": grid(WORLD, separation=[2.0, 3.0, 5.0]),
    "fitters": {"spectral": Spectral(n_clusters=2), "Louvain": Louvain(), "three": Spectral(n_clusters=3)},
    "metrics": ["ari", "information", "seconds", "true_organisation_mix"],
}
NEW = ("seconds", "true_organisation_mix")


class PowerLostError(Exception):
    """The machine is off: nothing more is written."""


@pytest.fixture(autouse=True)
def _cells_once() -> Iterator[None]:
    with ONCE.in_place():
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The small study, computed in one go."""
    with ONCE.in_place():
        return run_once(small_study(), tmp_path_factory.mktemp("whole") / "tiny.zarr")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, whole: Any) -> Path:
    """The store of the small study."""
    folder = tmp_path_factory.mktemp("finished")
    with ONCE.in_place():
        run_once(small_study(), folder / "tiny.zarr")
    return folder / "tiny.zarr"


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory, finished: Path) -> Any:
    """The small study extended by everything at once."""
    store = copied(finished, tmp_path_factory.mktemp("extended"))
    with ONCE.in_place():
        return run_once(small_study(**MORE), store)


def laid_out(folder: Path, start: Path | None) -> Path:
    """Return where a store is to be written: a folder of its own, with a copy of ``start``."""
    folder.mkdir()
    if start is not None:
        copied(start, folder)
    return folder / "tiny.zarr"


# --- loss of power ----------------------------------------------------------------------------------------------------


def images(
    folder: Path, study: Study, start: Path | None, *, look: Callable[[Path], object] | None = None
) -> list[tuple[str, Path]]:
    """Run a study, and before each step on the disk lay out what a loss of power would leave.

    Return the different ones: form and store. ``look`` at the store whenever a reader sees something new.
    """
    store = laid_out(folder / "running", start)
    found: dict[int, tuple[str, Path]] = {}

    def before(step: int, what: str, path: Path) -> None:
        if look is not None and path.is_dir():
            look(store)
        for form, rng in (("least", None), ("any", np.random.default_rng(step)))[: 1 + (step % 2)]:
            image = folder / f"{step}-{form}"
            disk.after_power_loss(image, rng)
            files = [file for file in image.rglob("*") if file.is_file() and file.suffix not in (".new", ".log")]
            content = hash(tuple(sorted((str(file.relative_to(image)), file.read_bytes()) for file in files)))
            if content in found:
                shutil.rmtree(image)
            else:
                found[content] = form, image / store.name

    disk = Disk(folder / "running", before)
    with disk.in_place():
        run_once(study, store)
    return list(found.values())


@pytest.mark.parametrize("kind", ["made", "extended"])
def test_no_loss_of_power_loses_a_result_or_shows_a_wrong_one(
    kind: str, whole: Any, finished: Path, extended: Any, tmp_path: Path
) -> None:
    """Before each write, fsync and rename: whatever did not last is gone, or any part of it is there. Readers look too."""
    study, start, wanted = (small_study(), None, whole) if kind == "made" else (small_study(**MORE), finished, extended)
    new = () if start is None else NEW
    found = images(tmp_path, study, start, look=lambda store: check_store(store, wanted, new))
    assert len(found) > 60
    kept = -1
    looked, completed = (1, 2) if THOROUGH else (2, 10) if start is None else (15, 60)
    for number, (form, store) in enumerate(found):
        if number % looked and number < len(found) - 8:
            continue
        n = check_store(store, wanted, new, plain=number % (8 * looked) == 0) if store.exists() else -1
        if form == "least":
            assert n >= kept, "what had been stored is gone"
            kept = n
        if number % completed == 0:
            same_bits(run_once(study, store), wanted)
    assert kept >= int((wanted["status"] != PENDING).sum()) - 2


def status_first(self: Held, held: Any) -> None:
    """Write a block as a careless store would: what says that numbers are there before the numbers."""
    shape = tuple(part.stop - part.start for part in held.region)
    for name in ("status", "scored", "elapsed", "message"):
        self._arrays.write(name, held.region, getattr(held, name).reshape(shape))
    for m, name in enumerate(self._fit_names):
        self._arrays.write(name, held.region, held.values[:, :, :, :, m].reshape(*shape, *self.inner_shape))


def written_in_place(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Write a file as a careless store would: where it stands, and without an fsync."""
    path.parent.mkdir(exist_ok=True, parents=True)
    with durable.io.FileIO(path, "w") as file:
        while content:
            content = content[file.write(content) :]


def not_synced(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Replace a file in one step that the disk has not taken."""
    path.parent.mkdir(exist_ok=True, parents=True)
    with durable.io.FileIO(path.with_name(".new"), "w") as file:
        while content:
            content = content[file.write(content) :]
    durable.os.replace(path.with_name(".new"), path)


@pytest.mark.parametrize("careless", [status_first, written_in_place, not_synced])
def test_careless_stores_are_caught(careless: Any, whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: each way to lose results is seen by what the test above looks at."""
    if careless is status_first:
        monkeypatch.setattr(Held, "_write_cells", careless)
    else:
        monkeypatch.setattr(storage, "write_durably", careless)
    wrong = 0
    for _, store in images(tmp_path, small_study(), None):
        try:
            if store.exists():
                check_store(store, whole)
        except (AssertionError, SimlabError):
            wrong += 1
    assert wrong > 3


# --- a disk that refuses ----------------------------------------------------------------------------------------------


def failing(number: int, first: int, last: int | None = None) -> Callable[[int, str, Path], None]:
    """Return what has the steps from ``first`` to ``last`` fail with an error of the system; to the end where None."""

    def before(step: int, what: str, path: Path) -> None:
        if step >= first and (last is None or step <= last):
            raise OSError(number, "told by the disk")

    return before


def steps_of(study: Study, start: Path | None, folder: Path) -> int:
    disk = Disk(folder)
    with disk.in_place():
        run_once(study, laid_out(folder / "counted", start))
    return disk.steps


@pytest.mark.parametrize("kind", ["made", "extended"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_for_good_is_one_line_and_loses_nothing(
    number: int, kind: str, whole: Any, finished: Path, extended: Any, tmp_path: Path
) -> None:
    """From every step on, creation, extension, flush and notes: what was stored is right, and the rest comes later."""
    study, start, wanted = (small_study(), None, whole) if kind == "made" else (small_study(**MORE), finished, extended)
    n_steps = steps_of(study, start, tmp_path)
    # A file has five or six steps: these are of each kind, and of each kind of file.
    for first in range(1 + number % 5, n_steps + 1, 1 if THOROUGH else 29 if start is None else 101):
        folder = tmp_path / str(first)
        store = laid_out(folder, start)
        disk, told = Disk(folder, failing(number, first)), ""
        try:
            with disk.in_place():
                run_once(study, store)
        except SimlabError as error:
            told = str(error)
        # How much is written together depends on when it comes, and so does the number of steps.
        assert bool(told) == (disk.steps >= first)
        assert "\n" not in told
        assert not told or ("the disk is full" if number == errno.ENOSPC else "told by the disk") in told
        assert not list(store.rglob(".*.new"))
        check_store(store, wanted, () if start is None else NEW)
        same_bits(run_once(study, store), wanted)
        shutil.rmtree(folder)


def test_an_error_that_passes_is_waited_for(whole: Any, tmp_path: Path) -> None:
    n_steps = steps_of(small_study(), None, tmp_path)
    for first in range(1, n_steps + 1, 1 if THOROUGH else 23):
        folder = tmp_path / str(first)
        store = laid_out(folder, None)
        with Disk(folder, failing(errno.ESTALE, first, first + 1)).in_place():
            same_bits(run_once(small_study(), store), whole)


def test_a_share_that_does_not_come_back_is_one_line_and_what_was_before_is_kept(
    whole: Any, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading as well as writing."""
    store = copied(finished, tmp_path)

    def away(self: storage.Storage, key: str) -> bytes:
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as patch:
        patch.setattr(storage.Storage, "read", away)
        with pytest.raises(SimlabError, match=r"tiny\.zarr: cannot be read \(Stale file handle\)"):
            run_once(small_study(replicates=3), store)
    assert check_store(store, whole) == 8


def test_a_share_that_is_away_while_it_is_read_is_not_taken_for_a_damaged_store(
    whole: Any, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = copied(finished, tmp_path)
    read, calls = storage.Storage.read, []

    def often_away(self: storage.Storage, key: str) -> bytes | None:
        calls.append(key)
        if len(calls) % 3:
            raise OSError(errno.EIO, "Input/output error")
        return read(self, key)

    before = {file: file.read_bytes() for file in store.rglob("c.*")}
    with monkeypatch.context() as patch:
        patch.setattr(storage.Storage, "read", often_away)
        found = Store(store, small_study())
        assert [found.check(block) for block in found.blocks()] == [""] * len(list(found.blocks()))
    assert {file: file.read_bytes() for file in store.rglob("c.*")} == before


# --- damage -----------------------------------------------------------------------------------------------------------


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(0, len(content)))]


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    at = int(rng.integers(0, len(content)))
    return content[:at] + bytes([content[at] ^ (1 << int(rng.integers(0, 8)))]) + content[at + 1 :]


@pytest.mark.parametrize("damage", [cut, flipped, None], ids=["cut", "flipped", "gone"])
def test_a_damaged_file_is_computed_again_or_refused_in_one_line(
    damage: Any, whole: Any, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every file in turn; where one of the root was damaged there is no way on, and nothing else is touched."""
    keys = sorted(str(file.relative_to(finished)) for file in finished.rglob("*") if file.is_file())
    assert len(keys) > 25
    for number, key in enumerate(key for key in keys if key != ".writer"):
        store = copied(finished, tmp_path / str(number))
        if damage is None:
            (store / key).unlink()
        else:
            (store / key).write_bytes(damage((store / key).read_bytes(), np.random.default_rng(number)))
        assert call(["status", str(store)]) in (0, 1, 2)
        said = capsys.readouterr()
        assert "fault of simlab" not in said.err, (key, said.err)
        assert said.err.count("\n") <= 1
        if key == "zarr.json":
            with pytest.raises(InputError, match=r"tiny\.zarr: ") as error:
                run_once(small_study(), store)
            assert "\n" not in str(error.value)
            shutil.copy(finished / key, store / key)
            assert check_store(store, whole) == 8
        else:
            same_bits(run_once(small_study(), store), whole)
            assert check_store(store, whole) == 8


@pytest.mark.parametrize("key", ["ari/c.*", "status/c.*", "fitter/c.0", "zarr.json", "ari/zarr.json", "message/c.*"])
def test_a_report_of_a_damaged_store_is_never_a_traceback(
    key: str, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = copied(finished, tmp_path)
    file = sorted(store.glob(key))[0]
    file.write_bytes(file.read_bytes()[:-5])
    code = call(["report", str(store)])
    said = capsys.readouterr().err
    assert code == 0 if key == "ari/zarr.json" else code in (1, 2)
    assert said.count("\n") <= 1
    assert "fault of simlab" not in said
    assert not code or str(store) in said


@pytest.mark.parametrize("damaged", ["ari", "information", "scored"])
def test_healing_that_is_interrupted_never_shows_what_is_not_there(
    damaged: str, whole: Any, finished: Path, tmp_path: Path
) -> None:
    """The status of a damaged block is withdrawn before anything of it is written."""
    start = copied(finished, tmp_path / "start")
    for file in start.glob(f"{damaged}/c.*"):
        file.write_bytes(file.read_bytes()[:-3])
    begun = 0
    for number, (_, store) in enumerate(images(tmp_path, small_study(), start)):
        try:
            with opened(store) as dataset:
                done_is_right(dataset.load(), whole)
            begun += 1
        except DamagedError:
            assert not begun
        if number % (1 if THOROUGH else 13) == 0:
            same_bits(run_once(small_study(), store), whole)
    assert begun


def test_cells_that_are_tried_again_are_pending_between_the_old_numbers_and_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is cut off: a failed cell has its message and no numbers, another one has its numbers and no message."""
    monkeypatch.setattr(fitters, "_entries", dict(fitters._entries))
    broken = [True]

    @fitters.register("moody", summary="fails at first", reference="made up")
    class Moody(Spectral):
        name = "moody"

        def estimate(self, network: Any, rng: Any) -> Any:
            if broken[0]:
                raise ValueError("not today")
            return super().estimate(network, rng)

    study = small_study(fitters={"moody": Moody(n_clusters=2)})
    start = tmp_path / "start" / "tiny.zarr"
    with Once().in_place():
        assert (run_once(study, start)["status"] == FAILED).all()
    broken[0] = False
    again = Once()

    def look(store: Path) -> None:
        with opened(store) as dataset:
            found = dataset.load()
        status, ari = found["status"].values, found["ari"].values[..., 0, 0, 0]
        assert np.isfinite(ari[status == OK]).all()
        assert np.isnan(ari[status == FAILED]).all()
        assert all("not today" in text for text in found["message"].values[status == FAILED])
        assert (found["message"].values[status == OK] == "").all()

    store = laid_out(tmp_path / "running", start)
    disk = Disk(tmp_path / "running", lambda step, what, path: look(store))
    with again.in_place(), disk.in_place():
        assert (run_once(study, store, retry=["failed"])["status"] == OK).all()
    assert disk.steps > 20


def test_a_cell_that_is_lost_while_it_is_fitted_again_for_a_new_metric_keeps_what_it_had(
    finished: Path, whole: Any, tmp_path: Path
) -> None:
    from simlab.study.cell import KILLED, CellResult, Place, WorldResult

    store = Store(copied(finished, tmp_path), small_study(metrics=["ari", "information", "seconds"]))
    store.add(WorldResult(0, 0, [CellResult(Place(0, 0, 0, 0), KILLED, "its worker died")]))
    store.flush()
    with opened(tmp_path / "tiny.zarr") as dataset:
        assert done_is_right(dataset[list(whole.data_vars)].load(), whole) == 8
    assert any((store.unfinished(block)).any() for block in store.blocks())


# --- readers ----------------------------------------------------------------------------------------------------------


def test_a_reader_who_takes_long_sees_no_cell_without_its_numbers(whole: Any, tmp_path: Path) -> None:
    """Variables are read in order, status first; here one at each step of a run."""
    store = laid_out(tmp_path / "running", None)
    reading: dict[str, Any] = {}
    seen = [0]

    def before(step: int, what: str, path: Path) -> None:
        if not (store / "zarr.json").exists():
            return
        if "dataset" not in reading:
            reading["context"] = opened(store)
            reading["dataset"] = reading["context"].__enter__()
            reading["left"] = list(reading["dataset"].variables)
            assert next(name for name in reading["left"] if name in reading["dataset"].data_vars) == "status"
        if reading["left"]:
            reading["dataset"].variables[reading["left"].pop(0)].load()
            return
        seen[0] += done_is_right(reading["dataset"].load(), whole)
        reading.pop("context").__exit__(None, None, None)
        del reading["dataset"]

    with Disk(tmp_path / "running", before).in_place():
        run_once(small_study(), store)
    assert seen[0] > 0
