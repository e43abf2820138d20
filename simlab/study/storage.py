"""Storage: where a store lies - a folder, a Zip file, any address that fsspec knows - and safe ways to read and write there."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import json
import os
import socket
import time
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simlab.foundation.errors import InputError, SimlabError

ROOT = "zarr.json"
_LOCK = ".writer"
_LEASE = "writer.json"
_LEASE_SECONDS = 120.0
# What a lost network share or a server that is restarted answers: worth another try.
_PASSING = {
    errno.EIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.ENOTCONN,
    errno.ECONNRESET,
    errno.ECONNREFUSED,
    errno.ECONNABORTED,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EAGAIN,
    errno.EREMOTEIO if hasattr(errno, "EREMOTEIO") else errno.EIO,
}
PATIENCE = (1.0, 4.0, 15.0, 40.0)


class Storage:
    """The files of one store, by key such as ``ari/zarr.json``. Writing replaces a file whole, and lasts when it returns."""

    def __init__(self, where: str | Path | Storage) -> None:
        self.where = str(where)
        self.is_local = "://" not in self.where
        self.is_zip = self.where.endswith(".zip")

    def __str__(self) -> str:
        return self.where

    @property
    def path(self) -> Path:
        """The folder or file of a local store."""
        return Path(self.where)

    @property
    def last(self) -> str:
        """The last part of where the store lies."""
        return self.path.resolve().name if self.is_local else self.where.rstrip("/").rsplit("/", 1)[-1]

    @property
    def name(self) -> str:
        """The last part of where the store lies, without its ending."""
        return Path(self.last).stem

    def beside(self, ending: str) -> Path:
        """Return a local file for what belongs to the store and is not in it: beside a local one, else in ``results``."""
        folder = self.path.parent if self.is_local else Path("results")
        return folder / f"{self.name}{ending}"

    def exists_whole(self) -> bool:
        """Say whether there is a store here whose root was written."""
        return self.read(ROOT) is not None

    def zarr(self, *, write: bool = False) -> Any:
        """Return the Zarr store."""
        from zarr.storage import FsspecStore, LocalStore, ZipStore

        if self.is_zip and self.is_local:
            return ZipStore(self.path, mode="r")
        if self.is_local:
            return _durable_store()(self.path) if write else LocalStore(self.path, read_only=True)
        return FsspecStore.from_url(self.where, read_only=not write)

    def read(self, key: str) -> bytes | None:
        """Return a file's content, None where there is none."""
        if not self.is_local:
            system, root = filesystem(self.where)
            try:
                return bytes(system.cat_file(f"{root}/{key}"))
            except (FileNotFoundError, NotADirectoryError):
                return None
        if self.is_zip:
            try:
                with zipfile.ZipFile(self.path) as packed:
                    return packed.read(key)
            except (KeyError, FileNotFoundError):
                return None
            except zipfile.BadZipFile:
                raise InputError(f"{self}: not a whole Zip file") from None
        try:
            return (self.path / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, key: str, content: bytes) -> None:
        """Replace a file; OSError where that is not possible."""
        if self.is_local:
            write_durably(self.path / key, content)
        else:
            system, root = filesystem(self.where)
            system.pipe_file(f"{root}/{key}", content)

    def entries(self) -> set[str]:
        """Return the names of what a local folder holds; nothing of one that is not there."""
        return {entry.name for entry in self.path.iterdir()} if self.is_local and self.path.is_dir() else set()

    @contextlib.contextmanager
    def only_writer(self) -> Iterator[Lease]:
        """Hold the store as its only writer; InputError where another run holds it."""
        lease = Lease(self)
        lease.take()
        try:
            yield lease
        finally:
            lease.leave()


class Lease:
    """The right to write a store: a lock on a local file, else a note in the store that has to be renewed."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._mine = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._handle: int | None = None
        self._renewed = 0.0

    def take(self) -> None:
        """Take it; InputError where another run has it."""
        if not self._storage.is_local:
            held = self._holder()
            if held is not None:
                raise self._refusal(held)
            self.renew()
            if (held := self._holder()) is not None:
                raise self._refusal(held)
            return
        try:
            import fcntl
        except ImportError:  # a system without such locks
            return
        try:
            self._storage.path.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self._storage.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._handle, 0)
            os.write(self._handle, self._mine.encode())
        except BlockingIOError:
            assert self._handle is not None
            holder = os.read(self._handle, 200).decode(errors="replace").strip()
            self.leave()
            raise self._refusal(holder or "another process") from None
        except OSError as error:
            # A share without locks has to do without.
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP):
                raise cannot_write(self._storage, error) from error

    def renew(self) -> None:
        """Say that the writer is still there, where it has to be said."""
        if self._storage.is_local or time.time() - self._renewed < _LEASE_SECONDS / 4:
            return
        note = {"writer": self._mine, "until": time.time() + _LEASE_SECONDS}
        self._storage.write(_LEASE, json.dumps(note).encode())
        self._renewed = time.time()

    def leave(self) -> None:
        """Give it back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        elif not self._storage.is_local:
            with contextlib.suppress(OSError):
                self._storage.write(_LEASE, json.dumps({"writer": self._mine, "until": 0.0}).encode())

    def _holder(self) -> str | None:
        """Return who else holds the store."""
        try:
            note = json.loads(self._storage.read(_LEASE) or b"{}")
            if note and note["writer"] != self._mine and float(note["until"]) > time.time():
                return str(note["writer"])
        except (ValueError, KeyError, TypeError):
            pass
        return None

    def _refusal(self, holder: str) -> InputError:
        return InputError(f"{self._storage}: another run is writing it ({holder}): wait for it, or stop it")


def write_durably(path: Path, content: bytes, *, sync: bool = True) -> None:
    """Replace a file in one step that a loss of power does not undo: the disk has it when this returns.

    Without ``sync`` the disk may have it later, or the file as it was.
    """
    made = _make_folders(path.parent)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.new")
    try:
        with io.FileIO(beside, "x") as file:
            left = memoryview(content)
            while left:
                left = left[file.write(left) :]
            if sync:
                os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    for folder in (path.parent, *made) if sync else ():
        _sync_folder(folder)


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder and those above it; return those that got a new entry."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
    return [new.parent for new in missing]


def _sync_folder(folder: Path) -> None:
    """Have the disk take what a folder lists, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _durable_store() -> Any:
    """Return a class of Zarr stores in folders whose every write is durable. Defined here, so that Zarr is imported late."""
    from zarr.storage import LocalStore

    class DurableStore(LocalStore):  # type: ignore[misc, unused-ignore]
        async def set(self, key: str, value: Any) -> None:
            await asyncio.to_thread(self.set_sync, key, value)

        def set_sync(self, key: str, value: Any) -> None:
            # What is said of an array stands in the store's root too, which is written last and is durable.
            write_durably(self.root / key, value.to_bytes(), sync=not key.endswith(ROOT))

    return DurableStore


def filesystem(url: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it; InputError where fsspec does not know it."""
    import fsspec

    try:
        system, root = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise InputError(f"{url}: {error}") from None
    return system, str(root).rstrip("/")


def passing(error: BaseException) -> bool:
    """Say whether an error of the storage may pass by itself, such as that of a network share that is away."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _PASSING
    return isinstance(error, (ConnectionError, TimeoutError))


def cannot_write(storage: Storage, error: OSError) -> SimlabError:
    """Return what to tell of a store that cannot be written."""
    kept = "What was stored is kept"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SimlabError(f"{storage}: the disk is full. {kept}: free some space and run the same again")
    wrong_place = (PermissionError, FileExistsError, NotADirectoryError, IsADirectoryError)
    if isinstance(error, wrong_place) or error.errno == errno.EROFS:
        return InputError(f"{storage}: cannot be written ({os.strerror(error.errno or errno.EACCES)})")
    return SimlabError(f"{storage}: cannot be written ({error}). {kept}: run the same again")
