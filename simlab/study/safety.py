"""Safety: what a store says of itself is checked before anything else reads it, so that a store from a stranger is data.

Zarr decodes whatever the metadata of an array name. Its format 2 can name a pickle, which runs code when it is decoded, and an
entry of format 2 may stand in the metadata of a store of format 3. So only what simlab writes is let through: format 3, plain
numbers and texts, a short list of codecs, sizes that fit into memory, files that are not links.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any

from simlab.foundation.errors import InputError, printable, shown

Read = Callable[[str], bytes | None]

CODECS = ("blosc", "bytes", "crc32c", "gzip", "sharding_indexed", "transpose", "vlen-utf8", "zstd")
_SIZES = ("8", "16", "32", "64")
DATA_TYPES = ("bool", *(f"int{n}" for n in _SIZES), *(f"uint{n}" for n in _SIZES), "float32", "float64", "string")

# Metadata of ten thousand scenarios take some 30 MB.
MOST_BYTES = 64 * 1024 * 1024
# Over all arrays of a store: a hundred million cells with two hundred numbers each. What is read whole is checked then.
MOST_NUMBERS = 20_000_000_000
MOST_CHUNKS = 2_000_000
MOST_IN_CHUNK = 10_000_000
MOST_ARRAYS = 2_000
LONGEST_NAME = 200
DEEPEST = 24
MOST_DIMENSIONS = 32

_ROOT = "zarr.json"
_ARRAY_FIELDS = {
    *("zarr_format", "node_type", "shape", "data_type", "chunk_grid", "chunk_key_encoding", "codecs", "fill_value"),
    *("dimension_names", "attributes", "storage_transformers"),
}
# Attributes by which xarray would compute other numbers or other kinds of values, and those that netCDF keeps for itself.
_DECODING = {
    *("add_offset", "scale_factor", "missing_value", "calendar", "dtype", "coordinates", "grid_mapping", "bounds"),
    *("CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS"),
}


def check_safe(store: Any, named: str = "", *, whole: bool = True) -> None:
    """Raise InputError in one line unless a store's metadata are such as simlab writes. Nothing of the data is read.

    Parameters
    ----------
    store : path, zarr.abc.store.Store or function
        A folder; any store of Zarr (local, zip, memory, fsspec); or a function that takes a key such as ``ari/zarr.json`` and
        returns its bytes, or None where there is no such key.
    named : str
        What errors call the store; its path unless said.
    whole : bool
        Whether the metadata files of single arrays are looked at too, which a run writes anew and reads nothing from.

    Notes
    -----
    Of a folder, and of a local store, every file is looked at as well: see ``check_folder``.
    """
    named = named or str(store)
    folder = store if isinstance(store, (str, Path)) else getattr(store, "root", None)
    try:
        if isinstance(folder, (str, Path)):
            check_folder(Path(folder))
        check_metadata(store if callable(store) else reader(store), whole=whole)
    except InputError as error:
        raise InputError(f"{named}: cannot be read as a store: {error}") from None
    except OSError as error:
        raise InputError(f"{named}: cannot be read ({error.strerror or type(error).__name__})") from None


def reader(store: Any) -> Read:
    """Return a function that reads a key of a folder or of a store of Zarr, and no more of it than is allowed."""
    if isinstance(store, (str, Path)):

        def of_folder(key: str) -> bytes | None:
            try:
                with open(Path(store, key), "rb") as file:
                    return file.read(MOST_BYTES + 1)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return None

        return of_folder
    from zarr.abc.store import RangeByteRequest
    from zarr.buffer import default_buffer_prototype
    from zarr.core.sync import sync
    from zarr.storage import StorePath

    sync(StorePath.open(store, path="", mode=None))  # a zip file is opened by nothing else

    def of_store(key: str) -> bytes | None:
        found = sync(store.get(key, default_buffer_prototype(), RangeByteRequest(0, MOST_BYTES + 1)))
        return None if found is None else found.to_bytes()

    return of_store


def check_folder(folder: Path) -> None:
    """Raise InputError where a folder, at any depth, holds anything but files and folders.

    A symbolic link would show other files of this computer as results, and a run would write to them; to open a pipe
    waits for ever. The folder itself may be a link: it is the user who named it.
    """
    waiting = [os.fspath(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif not entry.is_file(follow_symlinks=False) and os.path.lexists(entry.path):
                        kind = "symbolic link" if entry.is_symlink() else "special file"
                        where = shown(os.path.relpath(entry.path, folder))
                        raise InputError(f"{where} is a {kind}: a store has only files and folders")
        except FileNotFoundError:  # replaced by a run at this moment
            continue


def check_metadata(read: Read, *, whole: bool = True) -> None:
    """Raise InputError unless the metadata under ``zarr.json`` and, if ``whole``, those of each array of its own are safe.

    An array's own file that describes no array, such as one that was torn, can do no harm: the root says what it said.
    """
    data = read(_ROOT)
    if data is None:
        raise InputError(f"{_ROOT} is missing")
    root = _table(parse_json(data, _ROOT), _ROOT)
    _check_node(root, "group", _ROOT)
    _check_attributes(root.get("attributes", {}), _ROOT)
    summary = _table(root.get("consolidated_metadata"), f"{_ROOT}, consolidated_metadata")
    arrays = _table(summary.get("metadata"), f"{_ROOT}, consolidated_metadata, metadata")
    if len(arrays) > MOST_ARRAYS:
        raise InputError.of("arrays", len(arrays), f"must be at most {MOST_ARRAYS}")
    numbers = chunks = 0
    for name, described in arrays.items():
        check_name(name)
        here = [_check_array(_table(described, name), name)]
        own = read(f"{name}/{_ROOT}") if whole else None
        if own is not None and not _is_torn(own):
            here.append(_check_array(_table(parse_json(own, f"{name}/{_ROOT}"), name), name))
        numbers += max(n for n, _ in here)
        chunks += max(n for _, n in here)
    for what, count, most in (("numbers", numbers, MOST_NUMBERS), ("chunks", chunks, MOST_CHUNKS)):
        if count > most:
            raise InputError.of(what, count, f"must be at most {most} in all arrays together")


def check_name(name: str) -> None:
    """Raise InputError unless a name can be that of an array or a dimension, and leads to no other folder."""
    if not name or len(name) > LONGEST_NAME or printable(name) != name:
        raise InputError.of("name", name, f"must be 1 to {LONGEST_NAME} characters that can be seen")
    if PurePath(name).parts != (name,) or name.startswith(".") or "\\" in name or "/" in name:
        raise InputError.of("name", name, "must not be a path")


def _is_torn(data: bytes) -> bool:
    """Say whether an array's own description is none at all, as after a loss of power; then the root's alone is read."""
    try:
        found = json.loads(data)
    except ValueError:
        return True
    except RecursionError:
        return False
    return isinstance(found, dict) and found.get("node_type") == "group"


def parse_json(data: bytes | str, what: str) -> Any:
    """Return the value that JSON text holds; InputError where it is none, too large, too deep or has NaN in it."""
    if len(data) > MOST_BYTES:
        raise InputError(f"{what}: larger than {MOST_BYTES // 1024**2} MB")
    try:
        value = json.loads(data, parse_constant=_refuse)
    except RecursionError:
        raise InputError(f"{what}: nested too deeply") from None
    except ValueError as error:
        raise InputError(f"{what}: not valid JSON ({shown(str(error))})") from None
    layer, depth = [value], 0
    while layer:
        layer = [inner for outer in layer for inner in _inside(outer)]
        depth += 1
        if depth > DEEPEST:
            raise InputError(f"{what}: nested too deeply")
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def _inside(value: Any) -> list[Any]:
    """Return what a value of JSON holds, of tables and lists; nothing of others."""
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [inner for inner in held if isinstance(inner, (dict, list))]


def _check_node(document: Mapping[str, Any], kind: str, where: str) -> None:
    if document.get("zarr_format") != 3:
        raise InputError.of(f"{where}, zarr_format", document.get("zarr_format"), "must be 3")
    if document.get("node_type") != kind:
        raise InputError.of(f"{where}, node_type", document.get("node_type"), f"must be {kind}")


def _check_array(document: Mapping[str, Any], name: str) -> tuple[int, int]:
    """Check what is said of an array, and return how many numbers and how many chunks it has."""
    _check_node(document, "array", name)
    for field, value in document.items():
        spare = isinstance(value, dict) and value.get("must_understand") is False
        if field not in _ARRAY_FIELDS and not spare:
            raise InputError.of(name, field, "no such field of an array")
    data_type = document.get("data_type")
    if data_type not in DATA_TYPES:
        raise InputError.of(f"{name}, data_type", data_type, f"must be one of {', '.join(DATA_TYPES)}")
    if isinstance(document.get("fill_value"), (dict, list)):
        raise InputError.of(f"{name}, fill_value", document["fill_value"], "must be one value")
    if document.get("storage_transformers"):
        raise InputError.of(f"{name}, storage_transformers", document["storage_transformers"], "must be none")
    shape = _sizes(document.get("shape"), f"{name}, shape", 0)
    grid_name, grid = _named(document.get("chunk_grid"), f"{name}, chunk_grid", ("regular",))
    chunk = _sizes(grid.get("chunk_shape"), f"{name}, {grid_name} chunk_shape", 1)
    _, encoding = _named(document.get("chunk_key_encoding"), f"{name}, chunk_key_encoding", ("default", "v2"))
    if encoding.get("separator", "/") not in ("/", "."):
        raise InputError.of(f"{name}, separator", encoding["separator"], "must be / or .")
    dims = document.get("dimension_names")
    if not isinstance(dims, list) or not len(dims) == len(shape) == len(chunk):
        raise InputError.of(
            f"{name}, dimension_names", dims, "must be as many as the sizes of the shape and of a chunk"
        )
    for dim in dims:
        check_name(dim if isinstance(dim, str) else "")
    if math.prod(chunk) > MOST_IN_CHUNK:
        raise InputError.of(f"{name}, chunk_shape", list(chunk), f"must hold at most {MOST_IN_CHUNK} numbers")
    _check_codecs(document.get("codecs"), f"{name}, codecs")
    _check_attributes(document.get("attributes", {}), name)
    return math.prod(shape), math.prod(-(-size // part) for size, part in zip(shape, chunk, strict=True))


def _check_codecs(codecs: Any, where: str) -> None:
    if not isinstance(codecs, list) or not codecs:
        raise InputError.of(where, codecs, "must be a list of codecs")
    for codec in codecs:
        name, settings = _named(codec, where, CODECS)
        for setting, value in settings.items():
            if setting in ("codecs", "index_codecs"):
                _check_codecs(value, f"{where} of {name}")
            elif isinstance(value, dict) or (setting == "chunk_shape" and not _sizes(value, f"{where}, {setting}", 1)):
                raise InputError.of(f"{where}, {setting}", value, "must be a value or a list")


def _check_attributes(attributes: Any, where: str) -> None:
    """Check that attributes are texts, numbers or lists of one of the two, of names that nothing decodes."""
    for name, value in _table(attributes, f"{where}, attributes").items():
        check_name(name)
        if name in _DECODING or (name.startswith("_") and name != "_FillValue"):
            raise InputError.of(f"{where}, attribute", name, "is none of a store of simlab")
        values = value if isinstance(value, list) else [value]
        numbers = [isinstance(v, (int, float)) and not isinstance(v, bool) and abs(v) < 2**63 for v in values]
        if not all(numbers) and not all(isinstance(v, str) for v in values):
            raise InputError.of(f"{where}, {name}", value, "must be a text, a number or a list of one of the two")


def _named(value: Any, where: str, known: tuple[str, ...]) -> tuple[str, Mapping[str, Any]]:
    """Return name and settings of what Zarr writes as ``{"name": ..., "configuration": {...}}`` or as a name alone."""
    name = value.get("name") if isinstance(value, dict) else value
    if not isinstance(name, str) or name not in known:
        raise InputError.of(where, name, f"must be one of {', '.join(known)}")
    settings = value.get("configuration") if isinstance(value, dict) else None
    return name, _table({} if settings is None else settings, where)


def _sizes(value: Any, where: str, least: int) -> tuple[int, ...]:
    """Return a list of sizes; those that NumPy could not hold are refused before anything multiplies them."""
    sizes = value if isinstance(value, list) and len(value) <= MOST_DIMENSIONS else [None]
    if not all(isinstance(n, int) and not isinstance(n, bool) and least <= n < 2**63 for n in sizes):
        raise InputError.of(where, value, f"must be at most {MOST_DIMENSIONS} whole numbers from {least}")
    return tuple(sizes)


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError.of(where, value, "must be a table")
    return value
