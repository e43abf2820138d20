"""Storage: where a store lies - a folder, a Zip file, any address that fsspec knows - and safe ways to read and write there."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import socket
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from simlab.foundation.errors import InputError
from simlab.study.durable import UNFINISHED, write_durably
from simlab.study.storage_errors import cannot_read, cannot_write, is_remote, passing

T = TypeVar("T")

ROOT = "zarr.json"
_LOCK = ".writer"
_LEASE = "writer.json"
_LEASE_SECONDS = 120.0
# Seconds to wait before each further try where the storage is away.
PATIENCE = (1.0, 4.0, 15.0, 40.0)
# How long another run may take between its look at who writes a remote store and its own note.
_SETTLE_SECONDS = 1.0


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
        return self.attempt(lambda: self.read(ROOT), reading=True) is not None

    def zarr(self) -> Any:
        """Return the Zarr store, to be read."""
        from zarr.storage import FsspecStore, LocalStore, ZipStore

        if self.is_zip and self.is_local:
            return ZipStore(self.path, mode="r")
        if self.is_local:
            return LocalStore(self.path, read_only=True)
        filesystem(self.where)  # says what is wrong with an address
        return FsspecStore.from_url(self.where, read_only=True)

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

    def write(self, key: str, content: bytes, *, lasting: bool = True) -> None:
        """Replace a file; OSError where that is not possible. Where it is not to be ``lasting``, see ``write_durably``."""
        if self.is_local:
            write_durably(self.path / key, content, lasting=lasting)
        else:
            system, root = filesystem(self.where)
            system.pipe_file(f"{root}/{key}", content)

    def entries(self) -> set[str]:
        """Return the names of what a local folder holds; nothing of one that is not there."""
        return {entry.name for entry in self.path.iterdir()} if self.is_local and self.path.is_dir() else set()

    def sweep(self) -> None:
        """Remove what writers that were killed left behind. For the only writer."""
        for left in self.path.rglob(f".*{UNFINISHED}"):
            with contextlib.suppress(OSError):
                left.unlink()

    def attempt(self, act: Callable[[], T], *, reading: bool = False) -> T:
        """Return what an act gives that reads or writes here; wait a while where the storage is away.

        SimlabError, in one line, where it does not come back or refuses.
        """
        for wait in PATIENCE:
            try:
                return act()
            except Exception as error:
                if not passing(error):
                    self._give_up(error, reading)
            time.sleep(wait)
        try:
            return act()
        except Exception as error:
            self._give_up(error, reading)

    def _give_up(self, error: Exception, reading: bool) -> NoReturn:
        if not (isinstance(error, OSError) or is_remote(error)):
            raise error
        raise (cannot_read if reading else cannot_write)(self, error) from error

    @contextlib.contextmanager
    def only_writer(self) -> Iterator[Lease]:
        """Hold the store as its only writer; InputError where another run holds it."""
        if self.is_zip:
            raise InputError(f"{self}: a Zip file is only read; name a folder or an address that does not end in .zip")
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
            self._check_free()
            self._storage.attempt(self._write_note)
            # Of two that begin at once, the one whose note was overwritten gives way.
            time.sleep(_SETTLE_SECONDS)
            self._check_free()
            return
        try:
            import fcntl
        except ImportError:  # a system without such locks
            return
        path = self._storage.path
        if path.is_dir() and not (path / _LOCK).exists() and not (path / ROOT).exists():
            raise InputError(f"{path}: is there already and is not a store; name another with --out")
        try:
            self._make_folder()
            self._handle = os.open(self._storage.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            assert self._handle is not None
            holder = os.read(self._handle, 200).decode(errors="replace").strip()
            self.leave()
            raise self._refusal(holder or "another process") from None
        except OSError as error:
            # A share without locks has to do without.
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP):
                raise cannot_write(self._storage, error) from error
            return
        # Who it is helps another run to say so; on a full disk it stays unsaid.
        with contextlib.suppress(OSError):
            os.ftruncate(self._handle, 0)
            os.write(self._handle, self._mine.encode())
        self._storage.sweep()

    def _make_folder(self) -> None:
        """Make the store's folder, which has the lock in it as soon as it is there: one without is not ours."""
        path = self._storage.path
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{UNFINISHED}")
        try:
            beside.mkdir()
            (beside / _LOCK).touch()
            beside.rename(path)
        finally:
            if beside.exists():
                shutil.rmtree(beside, ignore_errors=True)

    def renew(self) -> None:
        """Say that the writer is still there, where it has to be said; InputError where another run took over meanwhile."""
        if self._storage.is_local or time.time() - self._renewed < _LEASE_SECONDS / 4:
            return
        self._check_free()
        self._storage.attempt(self._write_note)

    def leave(self) -> None:
        """Give it back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        elif not self._storage.is_local:
            with contextlib.suppress(Exception):
                if self._holder() is None:
                    self._storage.write(_LEASE, json.dumps({"writer": self._mine, "until": 0.0}).encode())

    def _write_note(self) -> None:
        note = {"writer": self._mine, "until": time.time() + _LEASE_SECONDS}
        self._storage.write(_LEASE, json.dumps(note).encode())
        self._renewed = time.time()

    def _check_free(self) -> None:
        held = self._storage.attempt(self._holder)
        if held is not None:
            raise self._refusal(held)

    def _holder(self) -> str | None:
        """Return who else holds the store."""
        content = self._storage.read(_LEASE)
        with contextlib.suppress(ValueError, KeyError, TypeError):
            note = json.loads(content or b"{}")
            if note and note["writer"] != self._mine and float(note["until"]) > time.time():
                return str(note["writer"])
        return None

    def _refusal(self, holder: str) -> InputError:
        return InputError(f"{self._storage}: another run is writing it ({holder}): wait for it, or stop it")


def filesystem(url: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it; InputError where fsspec does not know it."""
    import fsspec

    try:
        system, root = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise InputError(f"{url}: {error}") from None
    return system, str(root).rstrip("/")
