"""Reading a store as one xarray Dataset, whole or not, at any moment of a run; what is wrong with it is one line."""

from __future__ import annotations

import contextlib
import math
import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simlab.foundation.errors import InputError, SimlabError
from simlab.study.answers import answer_text
from simlab.study.arrays import DamagedError, quiet, read_root
from simlab.study.provenance import SCHEMA_VERSION
from simlab.study.safety import check_safe
from simlab.study.storage import ROOT, Storage
from simlab.study.storage_errors import cannot_read, is_remote
from simlab.study.stored import check_stored

_HEALING = "`simlab run` with its script computes again what is damaged"
# What is in the traceback where reading a store, and not what is done with it, goes wrong.
_READERS = {"zarr", "numcodecs", "fsspec", "s3fs", "aiobotocore", "botocore", "zipfile"}


@contextlib.contextmanager
def opened(path: str | Path | Storage) -> Iterator[Any]:
    """Open a store as an xarray Dataset; InputError in one line where it is none, not safe, or of a later schema.

    A store is data, whoever made it: see ``simlab.study.safety``. ``path`` is a folder, an exported Zip file, or an address
    that fsspec knows. The attribute ``answer`` has the sentences of the study's own script, where it gave some, as JSON.
    """
    import xarray as xr

    where = Storage(path)
    if where.is_local and not where.path.exists():
        raise InputError(f"{where}: no such store")
    with _in_one_line(where):
        if where.read(ROOT) is None:
            within = sorted(where.path.glob("*.zarr")) if where.is_local else []
            if within:
                raise InputError(
                    f"{where}: a folder of stores, as a plan has: name one of {len(within)}, such as {within[0]}"
                )
            raise InputError(f"{where}: not a store of simlab (a folder that holds zarr.json)")
        check_storage(where)
        root = read_root(where)
        assert root is not None
        schema = root["attributes"].get("schema_version")
        if not isinstance(schema, int) or isinstance(schema, bool) or "provenance" not in root["attributes"]:
            raise InputError(f"{where}: a Zarr store, but not one of a simlab study")
        if schema > SCHEMA_VERSION:
            raise InputError(
                f"{where}: written by a later simlab (schema {schema}; this one reads up to {SCHEMA_VERSION})"
            )
        try:
            with quiet():
                dataset = xr.open_zarr(where.zarr(), consolidated=True, chunks=None, decode_times=False)
        except Exception as error:
            if isinstance(error, (OSError, SimlabError)) or is_remote(error):
                raise
            raise InputError(f"{where}: cannot be read as a store ({type(error).__name__}). {_HEALING}") from error
        if "status" not in dataset:
            raise InputError(f"{where}: a Zarr store, but not one of a simlab study")
        dataset.attrs.pop("answer", None)
        answer = answer_text(where.read)
        if answer is not None:
            dataset.attrs["answer"] = answer
        check_stored(dataset, str(where))
        try:
            yield dataset
        finally:
            dataset.close()


def loaded(dataset: Any, named: str) -> Any:
    """Return a dataset read into memory; InputError where it would take most of this machine's."""
    try:
        has: float = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):  # a system that does not tell
        has = math.inf
    if dataset.nbytes > 0.6 * has:
        raise InputError(
            f"{named}: holds {dataset.nbytes / 1e9:.1f} GB, too much to be read whole on a machine of {has / 1e9:.1f} GB"
        )
    return dataset.load()


def check_storage(where: Storage, *, whole: bool = True) -> None:
    """Raise InputError unless what a store says of itself is such as simlab writes; see ``check_safe``."""
    check_safe(where.path if where.is_local and not where.is_zip else where.read, str(where), whole=whole)


@contextlib.contextmanager
def _in_one_line(where: Storage) -> Iterator[None]:
    """Turn what the reading of a store raises inside into an error of one line."""
    try:
        yield
    except SimlabError:
        raise
    except Exception as error:
        modules = {frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)}
        if not any(name.partition(".")[0] in _READERS for name in modules):
            raise
        if isinstance(error, OSError) or is_remote(error):
            raise cannot_read(where, error) from error
        raise DamagedError(f"{where}: a part of it is damaged ({type(error).__name__}). {_HEALING}") from error
