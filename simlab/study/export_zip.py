"""A store in one Zip file, which every command reads as it reads a folder."""

from __future__ import annotations

import os
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

from simlab.foundation.errors import InputError
from simlab.study.storage import ROOT, Storage, filesystem

_NOT_DATA = {".writer", "writer.json"}


def write_zip(path: Path, store: Storage) -> None:
    """Write a store as a Zip file, which appears whole or not at all.

    A Zip file's directory is written last, and the store's own root before it, so that what was cut off is no store.
    What is compressed already is stored as it is.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with zipfile.ZipFile(beside, "x", zipfile.ZIP_STORED) as packed:
            for key in sorted(_keys(store), key=lambda key: (key == ROOT, key)):
                content = store.read(key)
                if content is not None:
                    # The same store gives the same file, whenever it is packed.
                    packed.writestr(zipfile.ZipInfo(key, (1980, 1, 1, 0, 0, 0)), content)
        with open(beside, "rb") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        beside.unlink(missing_ok=True)


def _keys(store: Storage) -> Iterator[str]:
    """Iterate over the files of a store."""
    if store.is_local and store.is_zip:
        with zipfile.ZipFile(store.path) as packed:
            yield from packed.namelist()
    elif store.is_local:
        for file in store.path.rglob("*"):
            key = file.relative_to(store.path).as_posix()
            if file.is_file() and not key.endswith(".new") and key not in _NOT_DATA:
                yield key
    else:
        system, root = filesystem(store.where)
        for found in system.find(root):
            key = str(found).removeprefix(root).lstrip("/")
            if key not in _NOT_DATA:
                yield key
