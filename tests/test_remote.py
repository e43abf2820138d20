"""Stores at addresses: in memory, and on a real server that speaks S3; and stores packed into a Zip file."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from reference.disks import Once, done_is_right, run_once, same_bits
from reference.small_study import small_study

from simlab.cli import call
from simlab.fit.louvain import Louvain
from simlab.fit.spectral import Spectral
from simlab.foundation.errors import InputError, SimlabError
from simlab.study import storage
from simlab.study.cell import OK, Place, fit_values
from simlab.study.replay import replay
from simlab.study.storage import Lease, Storage
from simlab.study.store import opened

fsspec = pytest.importorskip("fsspec", reason="stores at addresses need fsspec: the extra `cloud`")

ONCE = Once()
Said = pytest.CaptureFixture[str]


class Server:
    """A server that speaks S3 on this machine; what it holds outlives it."""

    def __init__(self) -> None:
        self.port = 0
        self._server: Any = None
        self.start()

    def start(self) -> None:
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self._server.start()
        self.port = self._server.get_host_and_port()[1]

    def stop(self) -> None:
        self._server.stop()
        self._server._server.server_close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pytest.importorskip("moto.server", reason="needs moto[server], which speaks S3")
    pytest.importorskip("s3fs", reason="needs s3fs")
    import s3fs

    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("ACCESS_KEY_ID", "x"), ("SECRET_ACCESS_KEY", "x"), ("DEFAULT_REGION", "us-east-1")):
            patch.setenv(f"AWS_{name}", value)
        found = Server()
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{found.port}")
        s3fs.S3FileSystem.clear_instance_cache()
        # The library's own patience is as long as ours.
        patch.setattr(s3fs.S3FileSystem, "retries", 1)
        s3fs.S3FileSystem().mkdir("bucket")
        yield found
        found.stop()
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture(params=["memory", "s3"])
def address(request: pytest.FixtureRequest) -> str:
    """An address where nothing lies yet."""
    if request.param == "s3":
        request.getfixturevalue("server")
        return f"s3://bucket/{uuid.uuid4().hex}/far.zarr"
    return f"memory://{uuid.uuid4().hex}/far.zarr"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(storage, "_SETTLE_SECONDS", 0.0)
    with warnings.catch_warnings(), ONCE.in_place():
        # Libraries of servers are not held to having no warnings.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=ResourceWarning)
        warnings.filterwarnings("ignore", category=pytest.PytestUnraisableExceptionWarning)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The study in a folder."""
    with ONCE.in_place():
        return run_once(small_study(), tmp_path_factory.mktemp("whole") / "far.zarr")


def test_a_run_at_an_address_gives_the_same_and_is_extended(address: str, whole: Any, tmp_path: Path) -> None:
    same_bits(run_once(small_study(), address), whole)
    with xr.open_zarr(address, chunks=None) as plain:
        assert plain["ari"].values.tobytes() == whole["ari"].values.tobytes()
    more = small_study(
        replicates=3, fitters={"three": Spectral(n_clusters=3), "Louvain": Louvain()}, metrics=["ari", "seconds"]
    )
    found = run_once(more, address)
    assert done_is_right(whole.assign(scored=found["scored"].sel({d: whole[d] for d in whole.status.dims})), found) == 8
    assert (found["status"].sel(fitter=["three", "Louvain"]) == OK).all()
    local = tmp_path / "far.zarr"
    run_once(small_study(), local)
    same_bits(run_once(more, local), found)


def test_a_run_that_breaks_off_anywhere_goes_on(address: str, whole: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each file that is written, one after the other, in the same store."""
    write, left = Storage.write, [0]

    def limited(self: Storage, key: str, content: bytes, *, lasting: bool = True) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.EACCES, "out of credit")
        write(self, key, content)

    monkeypatch.setattr(Storage, "write", limited)
    broken = 0
    for n in (0, 1, 5, 12, 18, 4, 7, 9, 2, 8, 6):
        left[0] = n
        try:
            run_once(small_study(), address)
        except SimlabError as error:
            broken += "cannot be written (Permission denied)" in str(error)
        if Storage(address).read("zarr.json") is not None:
            with opened(address) as dataset:
                done_is_right(dataset.load(), whole)
        # A run whose last words are lost holds the store until its note is too old.
        left[0] = 10**6
        Storage(address).write("writer.json", b"{}")
    assert broken > 6
    same_bits(run_once(small_study(), address), whole)


def test_commands_take_an_address(address: str, whole: Any, tmp_path: Path, capsys: Said, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    run_once(small_study(), address)
    capsys.readouterr()
    assert call(["status", address]) == 0
    assert capsys.readouterr().out == f"{address}: 8 of 8 cells done; 8 ok\n"
    assert call(["report", address, "-o", "far.html"]) == 0
    assert "Is it all there?" in (tmp_path / "far.html").read_text(encoding="utf-8")
    assert call(["export", address, "-o", "far.nc"]) == 0
    with xr.open_dataset(tmp_path / "far.nc", engine="h5netcdf") as netcdf:
        assert netcdf["ari"].values.tobytes() == whole["ari"].values.tobytes()
    assert call(["export", address, "-o", "far.zip"]) == 0
    with opened(tmp_path / "far.zip") as packed:
        same_bits(packed.load(), whole)
    cell = "separation=5,fitter=Louvain,replicate=1"
    assert call(["replay", address, "--cell", cell]) == 0
    assert f"cell     {cell}" in capsys.readouterr().out
    study, place, found = replay(address, Place(1, 0, 1, 1))
    assert fit_values(study, found)[0].tobytes() == whole["ari"].values[1, 1, 1].tobytes()
    assert place.replicate == 1


@pytest.mark.parametrize("command", ["status", "report", "run"])
@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("memory://nothing/here.zarr", "not a store of simlab"),
        ("nonsense://here.zarr", "nonsense"),
        ("s3://no-such-bucket/here.zarr", "no-such-bucket"),
    ],
)
def test_addresses_that_lead_nowhere_are_one_line(
    command: str, where: str, words: str, tmp_path: Path, capsys: Said, request: pytest.FixtureRequest
) -> None:
    if where.startswith("s3"):
        request.getfixturevalue("server")
    if command == "run":
        if where.startswith("memory"):
            return
        with pytest.raises(SimlabError, match=words) as error:
            run_once(small_study(), where)
        assert "\n" not in str(error.value)
        return
    assert call([command, where]) in (1, 2)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert words in said
    assert "fault of simlab" not in said


# --- a server that goes away ------------------------------------------------------------------------------------------


def test_a_server_that_dies_and_comes_back_is_waited_for(
    server: Server, whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"s3://bucket/{uuid.uuid4().hex}/far.zarr"
    write, written = Storage.write, []

    def dying(self: Storage, key: str, content: bytes, *, lasting: bool = True) -> None:
        if key.startswith("ari/c") and not written:
            written.append(key)
            server.stop()
            threading.Timer(1.5, server.start).start()
        write(self, key, content)

    monkeypatch.setattr(Storage, "write", dying)
    monkeypatch.setattr(storage, "PATIENCE", (0.5, 1.0, 2.0, 4.0, 8.0))
    same_bits(run_once(small_study(), address), whole)
    assert written


def test_a_server_that_stays_away_is_one_line_and_what_was_stored_is_kept(
    server: Server, whole: Any, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    address = f"s3://bucket/{uuid.uuid4().hex}/far.zarr"
    run_once(small_study(), address)
    write = Storage.write

    def dying(self: Storage, key: str, content: bytes, *, lasting: bool = True) -> None:
        if key.startswith("ari/c"):
            server.stop()
            monkeypatch.setattr(Storage, "write", write)
        write(self, key, content)

    monkeypatch.setattr(Storage, "write", dying)
    try:
        with pytest.raises(SimlabError, match="cannot be") as error:
            run_once(small_study(replicates=3), address)
        assert "\n" not in str(error.value)
        capsys.readouterr()
        assert call(["status", address]) == 1
        assert capsys.readouterr().err.count("\n") == 1
    finally:
        server.start()
    with opened(address) as dataset:
        assert done_is_right(dataset.load(), whole.isel()) == 8 if dataset.sizes["replicate"] == 2 else True
    Storage(address).write("writer.json", b"{}")
    found = run_once(small_study(replicates=3), address)
    assert (found["status"] == OK).all()
    assert found["ari"].values[:, :, :2].tobytes() == whole["ari"].values.tobytes()


# --- one writer -------------------------------------------------------------------------------------------------------


def test_one_run_at_a_time_writes_an_address(address: str) -> None:
    where = Storage(address)
    with where.only_writer():
        with pytest.raises(InputError, match="another run is writing it") as error:
            run_once(small_study(), address)
        assert "\n" not in str(error.value)
    run_once(small_study(), address)


def test_one_run_at_a_time_writes_a_folder(tmp_path: Path) -> None:
    with Storage(tmp_path / "far.zarr").only_writer(), pytest.raises(InputError, match="another run is writing it"):
        run_once(small_study(), tmp_path / "far.zarr")
    run_once(small_study(), tmp_path / "far.zarr")


def test_of_two_that_begin_at_once_one_gives_way(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both look, see nobody, and leave their notes."""
    monkeypatch.setattr(storage, "_SETTLE_SECONDS", 0.6)
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def take() -> None:
        lease = Lease(Storage(address))
        together.wait()
        try:
            lease.take()
            outcomes.append("taken")
        except InputError:
            outcomes.append("refused")

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused", "taken"]


def test_a_run_that_slept_gives_way_to_the_one_that_took_over(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Lease(Storage(address)), Lease(Storage(address))
    first.take()
    later = time.time() + 600.0
    monkeypatch.setattr(storage.time, "time", lambda: later)
    second.take()
    with pytest.raises(InputError, match="another run is writing it"):
        first.renew()
    first.leave()
    note = json.loads(Storage(address).read("writer.json") or b"{}")
    assert note["until"] > later, "the note of the other was overwritten"


# --- one file ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory, whole: Any) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    with ONCE.in_place():
        run_once(small_study(), folder / "far.zarr")
    assert call(["export", str(folder / "far.zarr"), "-o", str(folder / "far.zip")]) == 0
    return folder / "far.zip"


def test_a_zip_file_is_read_as_a_folder_is(packed: Path, whole: Any, tmp_path: Path, capsys: Said) -> None:
    assert call(["status", str(packed)]) == 0
    assert "8 of 8 cells done; 8 ok" in capsys.readouterr().out
    assert call(["report", str(packed), "-o", str(tmp_path / "x.html")]) == 0
    assert call(["replay", str(packed), "--cell", "separation=5,fitter=Louvain,replicate=1"]) == 0
    from zarr.storage import ZipStore

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        with xr.open_zarr(ZipStore(packed, mode="r"), chunks=None) as plain:
            assert plain["ari"].values.tobytes() == whole["ari"].values.tobytes()
    again = tmp_path / "again.zip"
    assert call(["export", str(packed), "-o", str(again)]) == 0
    assert again.read_bytes() == packed.read_bytes()


def test_a_run_into_a_zip_file_is_refused(packed: Path, tmp_path: Path) -> None:
    for path in (packed, tmp_path / "new.zip"):
        with pytest.raises(InputError, match="a Zip file is only read"):
            run_once(small_study(), path)
    assert not (tmp_path / "new.zip").exists()


def test_a_zip_file_that_was_cut_off_is_refused_in_one_line(packed: Path, tmp_path: Path, capsys: Said) -> None:
    content = packed.read_bytes()
    for at in np.linspace(0, len(content) - 1, 12).astype(int):
        path = tmp_path / "cut.zip"
        path.write_bytes(content[:at])
        for command in ("status", "report"):
            assert call([command, str(path)]) == 2
            said = capsys.readouterr().err
            assert said == f"error: {path}: not a whole Zip file\n"


def test_a_zip_file_with_a_wrong_byte_is_one_line(packed: Path, tmp_path: Path, capsys: Said) -> None:
    content = packed.read_bytes()
    for at in np.linspace(10, len(content) - 1, 25).astype(int):
        path = tmp_path / "wrong.zip"
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        assert call(["status", str(path)]) in (0, 1, 2)
        said = capsys.readouterr().err
        assert said.count("\n") <= 1
        assert "fault of simlab" not in said


def test_the_disk_is_full_while_a_zip_file_is_written(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was there is still there, and nothing half-written is left."""
    from simlab.study import export_zip

    path = tmp_path / "far.zip"
    path.write_bytes(packed.read_bytes())

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(export_zip.os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        export_zip.write_zip(path, Storage(packed.with_suffix(".zarr")))
    assert path.read_bytes() == packed.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["far.zip"]
