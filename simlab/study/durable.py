"""Writing files so that neither a crash nor a loss of power leaves a torn one, or takes away what was there."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import uuid
from pathlib import Path

# How the name of a file ends before it is whole; it begins with a dot.
UNFINISHED = ".new"
# What systems answer that cannot bring a folder to the disk.
_NO_SYNC = {
    errno.EINVAL,
    errno.EBADF,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.EISDIR,
    errno.ENOSYS,
}
# Folders that the disk is known to have.
_LASTING: set[Path] = set()


def write_durably(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Replace a file in one step that a loss of power does not undo: the disk has it when this returns.

    Where it need not be ``lasting``, a loss of power may undo it whole.
    """
    if lasting:
        _make_lasting(path.parent.absolute())
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{UNFINISHED}")
    try:
        with io.FileIO(beside, "x") as file:
            left = memoryview(content)
            while left:
                left = left[file.write(left) :]
            if lasting:
                os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    if lasting:
        _sync_folder(path.parent)


def _make_lasting(folder: Path) -> None:
    """Make a folder, and have the disk take the entries that lead to it: who made them may have been killed before that.

    Done once in a process for each folder.
    """
    if folder in _LASTING and folder.is_dir():
        return
    if folder.parent != folder:
        _make_lasting(folder.parent)
        if not folder.is_dir():
            folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)
    _LASTING.add(folder)


def _sync_folder(folder: Path) -> None:
    """Have the disk take what a folder lists, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
