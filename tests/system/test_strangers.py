"""Stores from strangers: whatever they hold, no command runs anything of it, writes elsewhere, or breaks with a traceback."""

from __future__ import annotations

import copy
import json
import os
import pickle
import random
import shutil
import sys
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numcodecs.pickles
import numpy as np
import pytest
import xarray as xr
import zarr
from PIL import Image

from simlab import Fieldwork, Louvain, Scenario, Spectral, Study, cases, run
from simlab.cli import call
from simlab.foundation.errors import InputError, printable, shown
from simlab.report import page as page_module
from simlab.study.safety import LONGEST_NAME, MOST_BYTES, check_safe
from simlab.study.standing import count_statuses
from simlab.study.store import opened

CELL = "scenario=world one,fieldwork=complete,fitter=spectral,replicate=0"
Change = Callable[[dict[str, Any], dict[str, Any]], None]


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the page's figures coarsely, which is quicker."""
    monkeypatch.setattr(page_module, "PAGE_DPI", 30)
    monkeypatch.setattr(page_module, "PICTURE_DPI", 30)


def study(**settings: Any) -> Study:
    world = Scenario(n_actors=12, reciprocity=None, mean_degree=4.0, relations=("contact", "advice"))
    return Study(
        "small",
        **{
            "question": "Is it there?",
            "scenarios": cases("scenario", {"world one": world, "world two": world.but(separation=5.0)}),
            "fieldworks": cases("fieldwork", {"complete": Fieldwork(), "half": Fieldwork(response_rate=0.6)}),
            "fitters": {"spectral": Spectral(n_clusters=2), "louvain": Louvain()},
            "replicates": 2,
            "metrics": ["ari", "bayes_ari", "n_clusters_chosen", "seconds", "share_scored"],
            "about": {"Aims": "To see."},
            **settings,
        },
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("strangers") / "small.zarr"
    run(study(), path, jobs=1, backend="threads")
    # A stranger leaves the checksum out: it shows damage, not intent.
    root = json.loads((path / "zarr.json").read_text())
    del root["attributes"]["checksum"]
    (path / "zarr.json").write_text(json.dumps(root))
    return path


def metadata(root: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = root["consolidated_metadata"]["metadata"]
    return found


def changed(store: Path, folder: Path, change: Change) -> Path:
    """Return a copy of a store whose metadata and provenance were changed, in the summary and in the arrays' own files."""
    path = folder / "other.zarr"
    shutil.copytree(store, path)
    root = json.loads((path / "zarr.json").read_text())
    before = root["attributes"]["provenance"]
    provenance = json.loads(before)
    change(root, provenance)
    if root["attributes"].get("provenance") == before:
        root["attributes"]["provenance"] = json.dumps(provenance)
    (path / "zarr.json").write_text(json.dumps(root))
    for name, described in metadata(root).items():
        if (path / name / "zarr.json").is_file():
            (path / name / "zarr.json").write_text(json.dumps(described))
    return path


def commands(path: Path) -> dict[str, list[str]]:
    return {
        "status": ["status", str(path)],
        "report": ["report", str(path), "-o", str(path.with_name("page.html"))],
        "export": ["export", str(path), "-o", str(path.with_name("x.nc"))],
        "replay": ["replay", str(path), "--cell", CELL],
    }


def attempt(path: Path, capsys: pytest.CaptureFixture[str], *, but: str = "") -> dict[str, tuple[int, str]]:
    """Give a store to every command but one; each ends with 0, 1 or 2 and at most one line of error."""
    found = {}
    for name, arguments in commands(path).items():
        if name == but:
            continue
        capsys.readouterr()
        code = call(arguments)
        said = capsys.readouterr()
        assert code in (0, 1, 2), name
        assert "Traceback" not in said.out + said.err
        assert "fault of simlab" not in said.err, said.err
        if code:
            assert said.err.startswith("error: ")
            assert len(said.err.splitlines()) == 1, said.err
            assert said.err.rstrip("\n") == printable(said.err.rstrip("\n"))
        found[name] = code, said.out + said.err
    return found


def refused(path: Path, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Check that every command refuses a store with 2 and a line that has these words."""
    with pytest.raises(InputError, match=r"^[^\n]*$") as error, opened(path):
        pass
    assert words in str(error.value)
    for name, (code, said) in attempt(path, capsys).items():
        assert code == 2, name
        assert words in said
    assert not path.with_name("page.html").exists()
    assert not path.with_name("x.nc").exists()


def test_control_the_store_itself_is_taken_by_every_command(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(store, tmp_path, lambda root, provenance: None)
    assert {name: code for name, (code, _) in attempt(path, capsys).items()} == dict.fromkeys(commands(path), 0)


# --- code -------------------------------------------------------------------------------------------------------------


class Exploit:
    """An object whose pickle makes a folder when it is read."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def of_format_2(shape: list[int], dims: list[str]) -> dict[str, Any]:
    """Return an array of format 2 whose chunks are pickles; the first filter is what Zarr wants to see for objects."""
    filters = [{"id": "vlen-utf8"}, {"id": "pickle", "protocol": 5}]
    return {
        **{"zarr_format": 2, "shape": shape, "chunks": shape, "dtype": "|O", "compressor": None, "fill_value": ""},
        **{"order": "C", "filters": filters, "attributes": {"_ARRAY_DIMENSIONS": dims}},
    }


def pickled_within_format_3(store: Path, folder: Path, marker: Path) -> Path:
    """The metadata of format 3 summarise an array of format 2."""

    def change(root: dict[str, Any], provenance: dict[str, Any]) -> None:
        message = metadata(root)["message"]
        metadata(root)["message"] = of_format_2(message["shape"], message["dimension_names"])

    path = changed(store, folder, change)
    shutil.rmtree(path / "message")
    (path / "message").mkdir()
    (path / "message" / "0.0.0.0").write_bytes(pickle.dumps(Exploit(marker)))
    return path


def pickled_format_2(store: Path, folder: Path, marker: Path) -> Path:
    """A whole store of format 2."""
    path = folder / "other.zarr"
    root = json.loads((store / "zarr.json").read_text())
    path.mkdir()
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    (path / ".zattrs").write_text(json.dumps(root["attributes"]))
    for name, described in metadata(root).items():
        array = of_format_2(described["shape"], described["dimension_names"])
        attributes = array.pop("attributes")
        (path / name).mkdir()
        (path / name / ".zattrs").write_text(json.dumps(attributes))
        (path / name / ".zarray").write_text(json.dumps(array))
        (path / name / ".".join("0" * len(array["shape"]))).write_bytes(pickle.dumps(Exploit(marker)))
    return path


def pickled_beside_format_3(store: Path, folder: Path, marker: Path) -> Path:
    """A store of format 2 with a file of format 3 beside, which says that there are no arrays."""
    path = pickled_format_2(store, folder, marker)
    root = json.loads((store / "zarr.json").read_text())
    (path / "zarr.json").write_text(json.dumps({**root, "consolidated_metadata": None}))
    return path


@pytest.mark.parametrize("make", [pickled_within_format_3, pickled_format_2, pickled_beside_format_3])
def test_a_pickle_in_a_store_is_never_read(
    make: Callable[[Path, Path, Path], Path],
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Newer versions of numcodecs refuse pickles themselves; simlab does not rely on it.
    monkeypatch.setattr(numcodecs.pickles, "ALLOW_UNSAFE_PICKLE_DECODE", True, raising=False)
    marker = tmp_path / "marker"
    path = make(store, tmp_path, marker)
    words = "not a store of simlab" if make is pickled_format_2 else "cannot be read as a store"
    refused(path, words, capsys)
    assert call(["run", str(script(tmp_path)), "--out", str(path)]) == 2
    assert not marker.exists()


@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning")
@pytest.mark.parametrize(
    ("make", "settings"),
    [(pickled_within_format_3, {"consolidated": True}), (pickled_format_2, {"zarr_format": 2, "consolidated": False})],
)
def test_control_the_pickles_do_run_where_a_store_is_opened_as_it_is(
    make: Callable[[Path, Path, Path], Path],
    settings: dict[str, Any],
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(numcodecs.pickles, "ALLOW_UNSAFE_PICKLE_DECODE", True, raising=False)
    marker = tmp_path / "marker"
    path = make(store, tmp_path, marker)
    with pytest.raises((ValueError, TypeError)), xr.open_zarr(path, chunks=None, **settings) as dataset:
        dataset["message"].load()
    assert marker.exists()


def script(folder: Path) -> Path:
    """Return a script of the study that the stores are of."""
    path = folder / "small.py"
    path.write_text("from test_strangers import study\nstudy = study()\n")
    return path


PROGRAM = "open({!r}, 'w').close()\ndef run(*a, **k): open({!r}, 'w').close()\n"


@pytest.mark.parametrize("name", ["evil_module:run", "evil_module", "__class__", "os.system", "../evil_module.py"])
def test_a_name_in_a_store_is_looked_up_among_what_is_registered_and_nowhere_else(
    name: str, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(root: dict[str, Any], provenance: dict[str, Any]) -> None:
        provenance["design"]["fitters"]["spectral"] = {"name": name, "settings": {"self": 1, "__init__": 2}}
        provenance["design"]["metrics"] += [name]
        provenance["design"]["script"] = str(tmp_path / "evil_module.py")
        root["attributes"]["script"] = str(tmp_path / "evil_module.py")

    path = changed(store, tmp_path, change)
    program = PROGRAM.format(str(tmp_path / "marker"), str(tmp_path / "marker"))
    for where in (tmp_path, path):
        (where / "evil_module.py").write_text(program)
        (where / "evil-1.dist-info").mkdir()
        (where / "evil-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1\n")
        (where / "evil-1.dist-info" / "entry_points.txt").write_text("[simlab.fitters]\nevil = evil_module:run\n")
    monkeypatch.chdir(path)
    found = attempt(path, capsys, but="" if name == "evil_module:run" else "report")
    code, said = found.pop("replay")
    assert code == 2
    assert "no fitter named" in said
    assert {code for code, _ in found.values()} == {0}
    if "report" in found:
        assert "which is not registered here" in path.with_name("page.html").read_text()
    assert not (tmp_path / "marker").exists()
    assert "evil_module" not in sys.modules


def test_only_a_script_that_the_user_names_is_run(store: Path, tmp_path: Path) -> None:
    """Control of the test above: with --script the program does run."""
    program = tmp_path / "own.py"
    program.write_text(PROGRAM.format(str(tmp_path / "marker"), ""))
    assert call(["replay", str(store), "--cell", CELL, "--script", str(program)]) == 0
    assert (tmp_path / "marker").exists()


# --- metadata ---------------------------------------------------------------------------------------------------------


def codec(name: str, **settings: Any) -> dict[str, Any]:
    return {"name": name, "configuration": settings}


ARRAYS: dict[str, tuple[dict[str, Any], str]] = {
    "pickle": ({"codecs": [codec("numcodecs.pickle")]}, "numcodecs.pickle: must be one of"),
    "numcodecs": ({"codecs": [codec("bytes"), codec("numcodecs.zlib", level=1)]}, "numcodecs.zlib: must be one of"),
    "unknown": ({"codecs": [codec("bytes"), codec("os:system")]}, "os:system: must be one of"),
    "a word": ({"codecs": "bytes"}, "must be a list of codecs"),
    "no codec": ({"codecs": []}, "must be a list of codecs"),
    "within shards": (
        {"codecs": [codec("sharding_indexed", chunk_shape=[1] * 4, codecs=[codec("numcodecs.pickle")])]},
        "codecs of sharding_indexed = numcodecs.pickle: must be one of",
    ),
    "index of shards": (
        {"codecs": [codec("sharding_indexed", chunk_shape=[1] * 4, codecs=[codec("bytes")], index_codecs=[{}])]},
        "codecs of sharding_indexed = None: must be one of",
    ),
    "configuration": ({"codecs": [codec("bytes", endian={"a": 1})]}, "endian = {'a': 1}: must be a value or a list"),
    "objects": ({"data_type": "object"}, "data_type = object: must be one of"),
    "structure": ({"data_type": codec("structured", fields=[["a", "int8"]])}, "data_type = {'name': 'structured'"),
    "bytes": ({"data_type": "variable_length_bytes"}, "data_type = variable_length_bytes: must be one of"),
    "transformer": ({"storage_transformers": [codec("x")]}, "storage_transformers"),
    "field": ({"python": "os.system('x')"}, "status = python: no such field"),
    "keys": ({"chunk_key_encoding": codec("suffix")}, "chunk_key_encoding = suffix: must be one of"),
    "separator": ({"chunk_key_encoding": codec("default", separator="/../")}, "separator = /../: must be / or ."),
    "grid": ({"chunk_grid": codec("rectilinear")}, "chunk_grid = rectilinear: must be one of"),
    "many numbers": ({"shape": [10**15, 2, 2, 2]}, "numbers = 8000000"),
    "beyond numbers": ({"shape": [10**30, 2, 2, 2]}, "shape = [1000000"),
    "negative": ({"shape": [-2, 2, 2, 2]}, "status, shape = [-2, 2, 2, 2]: must be at most 32 whole numbers from 0"),
    "large chunk": ({"chunk_grid": codec("regular", chunk_shape=[10**15, 1, 1, 1])}, "chunk_shape = [1000000000000000"),
    "empty chunk": ({"chunk_grid": codec("regular", chunk_shape=[0, 1, 1, 1])}, "chunk_shape = [0, 1, 1, 1]"),
    "many chunks": (
        {"shape": [10**7, 2, 2, 2], "chunk_grid": codec("regular", chunk_shape=[1, 1, 1, 1])},
        "chunks = 8000",
    ),
    "dimensions": ({"shape": [1] * 1000}, "shape = [1, 1, 1"),
    "names": ({"dimension_names": ["a", "b"]}, "dimension_names = ['a', 'b']"),
    "a path": ({"dimension_names": ["../x", "b", "c", "d"]}, "name = ../x: must not be a path"),
    "fill": ({"fill_value": {"py/object": "os.system"}}, "fill_value = {'py/object': 'os.system'}: must be one value"),
    "scale": ({"attributes": {"scale_factor": 2}}, "attribute = scale_factor: is none of a store of simlab"),
    "hidden": ({"attributes": {"_ARRAY_DIMENSIONS": ["a"]}}, "attribute = _ARRAY_DIMENSIONS"),
    "table": ({"attributes": {"a": {"b": 1}}}, "a = {'b': 1}: must be a text, a number or a list"),
    "group": ({"node_type": "group"}, "node_type = group: must be array"),
}


@pytest.mark.parametrize("which", ARRAYS)
def test_arrays_that_simlab_would_not_write_are_refused(
    which: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, words = ARRAYS[which]
    path = changed(store, tmp_path, lambda root, provenance: metadata(root)["status"].update(other))
    refused(path, words, capsys)


@pytest.mark.parametrize("which", ["pickle", "many numbers"])
def test_what_an_array_says_of_itself_is_checked_too(
    which: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(store, tmp_path, lambda root, provenance: None)
    own = json.loads((path / "status" / "zarr.json").read_text())
    (path / "status" / "zarr.json").write_text(json.dumps({**own, **ARRAYS[which][0]}))
    refused(path, ARRAYS[which][1], capsys)


@pytest.mark.parametrize(
    "name", ["../outside", "/etc", "a/b", "..", ".", ".hidden", "", "a\0b", "\x1b[2J", "a\\b", "x" * 201]
)
def test_names_that_lead_elsewhere_are_refused(
    name: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(root: dict[str, Any], provenance: dict[str, Any]) -> None:
        metadata(root)[name] = copy.deepcopy(metadata(root)["ari"])

    assert len("x" * 201) > LONGEST_NAME
    path = changed(store, tmp_path, lambda root, provenance: None)
    root = json.loads((path / "zarr.json").read_text())
    change(root, {})
    (path / "zarr.json").write_text(json.dumps(root))
    refused(path, f"name = {shown(name)}"[:30], capsys)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "zarr.json: not valid JSON"),
        (b"\x00\xff\xfe", "zarr.json: not valid JSON"),
        (b"[1, 2]", "must be a table"),
        (b"{}", "zarr_format = None: must be 3"),
        (b'{"zarr_format": 2, "node_type": "group"}', "zarr_format = 2: must be 3"),
        (b'{"zarr_format": 3, "node_type": "group", "attributes": {"a": NaN}}', "NaN is no number"),
        (b'{"zarr_format": 3, "node_type": "group", "consolidated_metadata": null}', "consolidated_metadata = None"),
        (b'{"zarr_format": 3, "node_type": "array"}', "node_type = array: must be group"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "nested too deeply"),
        (b"9" * 5000, "zarr.json: not valid JSON"),
        (b" " * (MOST_BYTES + 1), "zarr.json: larger than 64 MB"),
    ],
    ids=lambda value: str(value[:20]),
)
def test_what_is_no_metadata_is_refused(
    content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.zarr"
    path.mkdir()
    (path / "zarr.json").write_bytes(content)
    refused(path, words, capsys)


def test_nothing_is_read_of_arrays_that_are_refused(store: Path, tmp_path: Path) -> None:
    """A function that answers keys is asked for metadata alone, and for nothing beyond what it names."""
    asked: list[str] = []

    def read(key: str) -> bytes | None:
        asked.append(key)
        return (store / key).read_bytes() if (store / key).is_file() else None

    check_safe(read, "there")
    assert set(asked) == {"zarr.json", *(f"{folder.name}/zarr.json" for folder in store.iterdir() if folder.is_dir())}
    with pytest.raises(InputError, match=r"^there: cannot be read as a store: zarr\.json is missing$"):
        check_safe(lambda key: None, "there")


# --- stores of other kinds --------------------------------------------------------------------------------------------


def filled(target: Any, source: Path) -> Any:
    """Copy the files of a folder into a store of Zarr."""
    from zarr.buffer import cpu
    from zarr.core.sync import sync

    for file in sorted(source.rglob("*")):
        if file.is_file():
            sync(target.set(file.relative_to(source).as_posix(), cpu.Buffer.from_bytes(file.read_bytes())))
    return target


@pytest.mark.filterwarnings("ignore::UserWarning:zipfile")
@pytest.mark.parametrize("kind", ["local", "zip", "memory", "fsspec"])
@pytest.mark.parametrize("bad", [False, True], ids=["good", "bad"])
def test_any_store_of_zarr_can_be_checked(kind: str, bad: bool, store: Path, tmp_path: Path) -> None:
    change = {"codecs": [codec("numcodecs.pickle")]} if bad else {}
    path = changed(store, tmp_path, lambda root, provenance: metadata(root)["message"].update(change))
    if kind == "local":
        made: Any = zarr.storage.LocalStore(path, read_only=True)
    elif kind == "zip":
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            for file in path.rglob("*"):
                archive.write(file, file.relative_to(path))
        made = zarr.storage.ZipStore(tmp_path / "x.zip", mode="r")
    elif kind == "memory":
        made = filled(zarr.storage.MemoryStore(), path)
    else:
        made = filled(zarr.storage.FsspecStore.from_url(f"memory://{tmp_path.name}"), path)
    if bad:
        with pytest.raises(
            InputError, match=r"^the store: cannot be read as a store: message, codecs = numcodecs\.pickle"
        ):
            check_safe(made, "the store")
    else:
        check_safe(made, "the store")
    made.close()


# --- links ------------------------------------------------------------------------------------------------------------


def linked(path: Path, which: str, outside: Path) -> None:
    """Put a link to something outside into a store."""
    if which == "pipe":
        os.mkfifo(path / "pipe")
    elif which == "array":
        shutil.move(path / "message", outside / "message")
        (path / "message").symlink_to(outside / "message")
    elif which == "chunk":
        chunk = next((path / "ari").glob("c.*"))
        shutil.move(chunk, outside / "chunk")
        chunk.symlink_to(outside / "chunk")
    elif which == "nowhere":
        (path / "ari" / "new").symlink_to(outside / "nothing")
    else:
        (outside / "secret.json").write_text('["the secret"]')
        (path / which).unlink(missing_ok=True)
        (path / which).symlink_to(outside / "secret.json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has neither links nor pipes in a folder")
@pytest.mark.parametrize("which", ["array", "chunk", "nowhere", "answer.json", "answer.new", "ari/zarr.json", "pipe"])
def test_nothing_is_read_or_written_through_a_link(
    which: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(store, tmp_path, lambda root, provenance: None)
    outside = tmp_path / "outside"
    outside.mkdir()
    linked(path, which, outside)
    before = {file: file.read_bytes() for file in outside.rglob("*") if file.is_file()}
    refused(
        path, "special file" if which == "pipe" else "is a symbolic link: a store has only files and folders", capsys
    )
    assert call(["run", str(script(tmp_path)), "--out", str(path), "--replicates", "3", "--jobs", "1"]) == 2
    said = capsys.readouterr()
    assert "secret" not in said.out + said.err.replace("secret.json", "")
    assert {file: file.read_bytes() for file in outside.rglob("*") if file.is_file()} == before


def test_a_link_to_a_whole_store_is_the_users_own(store: Path, tmp_path: Path) -> None:
    (tmp_path / "link.zarr").symlink_to(store)
    with opened(tmp_path / "link.zarr") as dataset:
        assert "ari" in dataset


def test_a_link_where_a_report_goes_is_replaced_and_not_followed(store: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    for name in ("page.html", "page.png", f".page.html.{os.getpid()}.new", f".page.png.{os.getpid()}.new"):
        (tmp_path / name).symlink_to(tmp_path / "mine")
    assert call(["report", str(store), "-o", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "mine").read_text() == "mine"
    assert not (tmp_path / "page.html").is_symlink()


# --- provenance, answer, data -----------------------------------------------------------------------------------------

DEEP: Any = 1
for _ in range(60):
    DEEP = [DEEP]
# Where in the provenance, what instead, and what the line says.
PROVENANCE: dict[str, tuple[str, Any, str]] = {
    "a list": ("", [1, 2], "provenance = [1, 2]: must be a table"),
    "a number": ("", 3, "provenance = 3: must be a table"),
    "no design": ("design", None, "provenance, design = None: must be a table"),
    "name": ("design/name", ["x"], "provenance, name = ['x']: must be a text"),
    "question": ("design/question", {"a": 1}, "provenance, question"),
    "about": ("design/about", ["a"], "provenance, about"),
    "about within": ("design/about/Aims", {"a": ["b"]}, "provenance, about"),
    "seed in words": ("design/seed", "1; rm -rf ~", "seed = 1; rm -rf ~: must be a whole number from 0"),
    "negative seed": ("design/seed", -1, "seed = -1: must be a whole number from 0"),
    "seed": ("design/seed", True, "seed = True: must be a whole number from 0"),
    "fitters": ("design/fitters", [], "provenance, fitters = []: must be a table"),
    "no fitters": ("design/fitters", {}, "fitters: must be one or more"),
    "fitter": ("design/fitters/louvain", "louvain", "provenance, louvain = louvain: must be a table"),
    "fitter name": ("design/fitters/louvain/name", ["louvain"], "provenance, name = ['louvain']: must be a text"),
    "other fitters": ("design/fitters/third", {"name": "louvain", "settings": {}}, "dimension = fitter"),
    "settings": ("design/fitters/louvain/settings", [1], "settings = [1]: must be a table"),
    "labels": ("design/scenarios/labels", ["a"], "scenarios, labels = ['a']: must be a table"),
    "levels": ("design/scenarios/labels/scenario", "ab", "scenarios, scenario = ab: must be a list"),
    "level": ("design/scenarios/labels/scenario", [["a"], ["b"]], "must be a list of numbers or texts"),
    "other levels": ("design/scenarios/labels/scenario", ["a", "b"], "dimension = scenario: must have the levels"),
    "more levels": ("design/scenarios/labels/scenario", ["a"] * 3, "for each of the 3 combinations"),
    "dimension": ("design/scenarios/labels/replicate", [1.0], "must be there, along"),
    "many": ("design/scenarios/labels", {str(i): [0, 1] for i in range(40)}, "must have at most 32 dimensions"),
    "settings of worlds": ("design/scenarios/settings", {"0": 1}, "must have settings for each of the 2"),
    "settings of a world": ("design/scenarios/settings", ["a", "b"], "settings = a: must be a table"),
    "metrics": ("design/metrics", "ari", "provenance, metrics = ari: must be a list of names"),
    "metric": ("design/metrics", [{"a": 1}], "must be a list of names"),
    "version": ("design/results_version", "later", "results_version = later: must be a whole number"),
    "versions": ("versions", ["a"], "provenance, versions"),
    "machine": ("machine/system", {"a": 1}, "provenance, machine"),
    "deep": ("design/scenarios/settings/0/density", DEEP, "nested too deeply"),
}


@pytest.mark.parametrize("which", PROVENANCE)
def test_provenance_of_other_types_is_refused(
    which: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where, value, words = PROVENANCE[which]

    def change(root: dict[str, Any], provenance: dict[str, Any]) -> None:
        *way, last = where.split("/")
        at: Any = provenance
        for part in way:
            at = at[int(part)] if isinstance(at, list) else at[part]
        if where:
            at[last] = value
        else:
            root["attributes"]["provenance"] = json.dumps(value)

    refused(changed(store, tmp_path, change), words, capsys)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not JSON", "provenance: not valid JSON"),
        ("[" * 100_000, "provenance: nested too deeply"),
        ('{"design": NaN}', "NaN is no number"),
        ("9" * 10_000, "provenance: not valid JSON"),
        ("\ud800", "provenance: not valid JSON"),
        (["a", "b"], "provenance = ['a', 'b']: must be a text"),
        (3, "provenance = 3: must be a text"),
    ],
    ids=lambda value: str(value)[:12].encode("ascii", "backslashreplace").decode(),
)
def test_provenance_that_is_no_json_is_refused(
    text: Any, words: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(store, tmp_path, lambda root, provenance: root["attributes"].update(provenance=text))
    refused(path, words, capsys)


@pytest.mark.parametrize("version", ["1", [1], 1.5, 99])
def test_a_schema_of_another_type_is_refused(
    version: Any, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(store, tmp_path, lambda root, provenance: root["attributes"].update(schema_version=version))
    refused(path, "written by a later simlab" if version == 99 else "not one of a simlab study", capsys)


SETTINGS: dict[str, Any] = {
    "n_clusters": "three",
    "structure": "no_such_structure",
    "separation": 1e300,
    "n_actors": 10**17,
    "relations": [["<script>"]],
    "fitted": {"actors": "x"},
    "self": 1,
    "__class__": "x",
    "organisations": [["x"]],
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_of_the_wrong_kind_end_a_replay_in_one_line(
    setting: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(root: dict[str, Any], provenance: dict[str, Any]) -> None:
        for settings in provenance["design"]["scenarios"]["settings"]:
            settings[setting] = SETTINGS[setting]

    found = attempt(
        changed(store, tmp_path, change), capsys, but="" if setting in ("n_clusters", "fitted") else "report"
    )
    assert found.pop("replay")[0] in (1, 2)
    assert {code for code, _ in found.values()} == {0}


ANSWERS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "answer: not valid JSON"),
    "table": (b'{"a": 1}', "answer = {'a': 1}: must be a list of 1 to 12 sentences"),
    "none": (b"[]", "must be a list of 1 to 12 sentences"),
    "numbers": (b"[1]", "must be a list of 1 to 12 sentences"),
    "many": (json.dumps(["a"] * 13).encode(), "must be a list of 1 to 12 sentences"),
    "deep": (b"[" * 90_000, "answer: nested too deeply"),
    "no text": (b'["\xff"]', "answer.json: not a text in UTF-8"),
    "long": (b'["' + b"x" * 200_000 + b'"]', "answer: must be a text of at most 100000 characters"),
    "huge": (b"x" * 100 * 1024**2, "answer: must be a text of at most 100000 characters"),
}


@pytest.mark.parametrize("which", ANSWERS)
def test_an_answer_that_is_none_is_refused(
    which: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(store, tmp_path, lambda root, provenance: None)
    (path / "answer.json").write_bytes(ANSWERS[which][0])
    refused(path, ANSWERS[which][1], capsys)


def test_an_answer_among_the_attributes_is_not_taken(store: Path, tmp_path: Path) -> None:
    path = changed(store, tmp_path, lambda root, provenance: root["attributes"].update(answer="no JSON"))
    with opened(path) as dataset:
        assert "answer" not in dataset.attrs


@pytest.mark.parametrize("code", [-1, 6, 127])
def test_a_status_that_there_is_not_is_refused(
    code: int, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(store, tmp_path, lambda root, provenance: None)
    zarr.open_group(str(path), mode="r+")["status"][0, 0, 0, 0] = code
    refused(path, "must be 0 to 5", capsys)


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:constrained_layout:UserWarning")
@pytest.mark.parametrize("value", [np.inf, -1e308])
def test_numbers_that_no_picture_can_show_do_not_end_a_report(
    value: float, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(store, tmp_path, lambda root, provenance: None)
    group = zarr.open_group(str(path), mode="r+")
    for name in ("ari", "bayes_ari", "n_clusters_chosen", "seconds"):
        group[name][...] = np.full(group[name].shape, value)
    assert {code for code, _ in attempt(path, capsys).values()} == {0}


@pytest.mark.parametrize("content", [b"", b"\xff" * 400, b"\x28\xb5\x2f\xfd" + b"\xff" * 60])
@pytest.mark.parametrize("name", ["message", "ari", "status"])
def test_a_damaged_chunk_ends_in_one_line(
    name: str, content: bytes, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(store, tmp_path, lambda root, provenance: None)
    array = zarr.open_group(str(path), mode="r+")["message"]
    array[...] = np.full(array.shape, "a message", dtype=np.dtypes.StringDType())
    for chunk in (path / name).glob("c.*"):
        if chunk.is_file():
            chunk.write_bytes(content)
    code, said = attempt(path, capsys, but="replay")["export"]
    assert code == 1
    assert "a part of it is damaged" in said


WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    3,
    1e300,
    "",
    "os.system",
    "<b>",
    "\x1b",
    [],
    {},
    [[1]],
    {"name": "x"},
    "9" * 50,
)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every part of a value of JSON."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(deeper for key, part in parts for deeper in places(part, (*way, key)))]


@pytest.mark.parametrize("seed", range(24))
def test_metadata_and_provenance_changed_at_random_end_in_one_line(
    seed: int, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is wrong, and wherever: a value of another kind, a part that is missing."""
    rng = random.Random(seed)

    def change(root: dict[str, Any], provenance: dict[str, Any]) -> None:
        target: Any = provenance if seed % 2 else {**root, "attributes": {}}
        *way, last = rng.choice([place for place in places(target) if place])
        for part in way:
            target = target[part]
        if rng.random() < 0.2:
            del target[last]
        else:
            target[last] = rng.choice(WRONG)

    path = changed(store, tmp_path, change)
    for name in ("status", "replay"):
        code = call(commands(path)[name])
        said = capsys.readouterr()
        assert code in (0, 1, 2)
        assert "fault of simlab" not in said.err, said.err
        assert len(said.err.splitlines()) == (code != 0)


# --- names on the page ------------------------------------------------------------------------------------------------

HOSTILE = (
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "<img src=x onerror=alert(1)>",
    "</title></style><script>alert(2)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "<!-- ",
    "&lt;b&gt;&#x3c;",
    "javascript:alert(1)",
    "\x1b[31mred\x1b]0;title\x07",
    "line\nbreak",
    "\u202egnp.exe",
    "null\x00byte",
    "$x_{bad$ $$",
    r"$\frac{1}$",
    "\N{LINE SEPARATOR}apart",
    "x" * 5000,
)


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.other: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        plain = ((name, value if name != "src" else (value or "")[:22]) for name, value in attrs)
        self.elements.append((tag, tuple(plain)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    def handle_pi(self, data: str) -> None:
        self.other.append(data)


def named(store: Path, folder: Path, names: dict[str, str], texts: dict[str, str]) -> Path:
    """Return a copy of a store in which parts are called otherwise, wherever their names stand.

    ``names`` are of dimensions and metrics, ``texts`` of all else.
    """
    folder.mkdir()

    def other(value: Any) -> Any:
        if isinstance(value, str):
            return {**names, **texts}.get(value, value)
        if isinstance(value, list):
            return [other(each) for each in value]
        return {other(k): other(v) for k, v in value.items()} if isinstance(value, dict) else value

    def change(root: dict[str, Any], provenance: dict[str, Any]) -> None:
        root["attributes"]["provenance"] = json.dumps(other(provenance))
        root["consolidated_metadata"] = other(root["consolidated_metadata"])

    path = changed(store, folder, change)
    for name, new in names.items():
        if (path / name).is_dir():
            (path / name).rename(path / new)
    group = zarr.open_group(str(path), mode="r+")
    for array in group.array_values():
        if array.dtype.kind == "T":
            values = array[...]
            array[...] = np.array([other(text) for text in values.ravel()], dtype=values.dtype).reshape(values.shape)
    sentences = [texts["Sentence"], f"Subject {texts['Other']}: text {texts['Other']}"]
    (path / "answer.json").write_text(json.dumps(sentences))
    return path


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with something of everything that a report shows: failures, two fieldworks, a fitter that is not registered."""
    path = tmp_path_factory.mktemp("rich") / "small.zarr"
    fitters = {"Label": Spectral(n_clusters=2), "Unknown": Louvain(), "Fails": Spectral(n_clusters=40)}
    run(study(fitters=fitters, about={"Heading": "Paragraph"}, question="Question"), path, jobs=1, backend="threads")
    root = json.loads((path / "zarr.json").read_text())
    provenance = json.loads(root["attributes"]["provenance"])
    del root["attributes"]["checksum"]
    provenance["design"]["name"] = "Title"
    provenance["design"]["fitters"]["Unknown"] = {"name": "Method", "settings": {"Setting": "Value", "many": ["Item"]}}
    provenance["versions"] = {"Package": "Version"}
    provenance["machine"] = {"System": "Machine"}
    provenance["created"] = "Created"
    root["attributes"]["provenance"] = json.dumps(provenance)
    described = metadata(root)["share_scored"]["attributes"]
    described |= {"long_name": "Long", "units": "Unit", "range": "Range", "reference": "Reference", "kind": "Kind"}
    (path / "zarr.json").write_text(json.dumps(root))
    group = zarr.open_group(str(path), mode="r+")
    values = group["message"][...]
    values[:, :, 2] = "Message"
    group["message"][...] = values
    return path


NAMES = ("scenario", "fieldwork", "share_scored")
TEXTS = (
    *("Title", "Question", "Heading", "Paragraph", "Label", "Unknown", "Fails", "Method", "Setting", "Value", "Item"),
    *("Package", "Version", "System", "Machine", "Created", "Long", "Unit", "Range", "Reference", "Kind", "Message"),
    *("world one", "world two", "complete", "half", "advice", "contact", "Sentence", "Other"),
)


def in_turn(turn: int) -> tuple[dict[str, str], dict[str, str]]:
    """Return hostile names and texts; at each turn every place has another one, with a mark that keeps them apart."""
    seen = [name for name in HOSTILE if printable(name) == name and len(name) < 100 and not {*name} & {"/", "\\"}]
    names = {old: f"{i}{seen[(i + turn) % len(seen)]}" for i, old in enumerate(NAMES)}
    texts = {old: f"{i:02d}{HOSTILE[(i + 6 * turn) % len(HOSTILE)]}" for i, old in enumerate(TEXTS)}
    return names, texts


def harmless(names: dict[str, str]) -> dict[str, str]:
    """Return names of the same length as they are shown, of letters alone."""
    return {old: f"{i:02d}{'n' * (len(shown(new, 10_000)) - 2)}" for i, (old, new) in enumerate(names.items())}


@pytest.mark.parametrize("turn", range(3))
def test_no_element_and_no_attribute_of_a_page_comes_from_data(
    turn: int, rich: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page of a store with hostile names has the elements and attributes of one with harmless names, and no others."""
    import matplotlib.mathtext

    def no_formula(*arguments: Any, **settings: Any) -> None:
        raise AssertionError("a name was read as a formula")

    monkeypatch.setattr(matplotlib.mathtext.MathTextParser, "parse", no_formula)
    names, texts = in_turn(turn)
    pages = []
    for folder, of_names, of_texts in (("hostile", names, texts), ("harmless", harmless(names), harmless(texts))):
        path = named(rich, tmp_path / folder, of_names, of_texts)
        assert call(["report", str(path)]) == 0, capsys.readouterr().err
        pages.append(path.with_suffix(".html").read_text(encoding="utf-8"))
        Image.open(path.with_suffix(".png")).verify()
    hostile, plain = map(Page, pages)
    assert hostile.elements == plain.elements
    assert hostile.other == plain.other == []
    assert "script" not in {tag for tag, _ in hostile.elements}
    assert not {key for _, attributes in hostile.elements for key, _ in attributes if key.startswith("on")}
    for text in (texts[place] for place in TEXTS if place not in ("System", "Reference", "Kind", "Unit")):
        forms = shown(text, 40).removesuffix("..."), printable(text)
        assert any(form in " ".join(hostile.text.split()) for form in forms), text
    assert printable(pages[0], keep="\n") == pages[0]


def test_control_a_page_that_does_not_escape_is_seen(
    rich: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jinja2

    made = page_module._environment()
    assert isinstance(made, jinja2.Environment)
    made.autoescape = False
    monkeypatch.setattr(page_module, "_environment", lambda: made)
    path = named(rich, tmp_path / "x", {}, {old: f"<img src=x onerror=alert({i})>" for i, old in enumerate(TEXTS)})
    assert call(["report", str(path)]) == 0
    found = Page(path.with_suffix(".html").read_text(encoding="utf-8"))
    assert any(key == "onerror" for _, attributes in found.elements for key, _ in attributes)


def test_a_page_forbids_itself_to_fetch_or_run_anything(rich: Path, tmp_path: Path) -> None:
    assert call(["report", str(rich), "-o", str(tmp_path / "page.html")]) == 0
    found = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    policy = next(
        dict(a)["content"]
        for tag, a in found.elements
        if tag == "meta" and ("content" in dict(a)) and "http-equiv" in dict(a)
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "script" not in policy


# --- names on the terminal --------------------------------------------------------------------------------------------

MARKS = ("\x1b[2J", "\x1b]0;owned\x07", "\r", "\x08", "\n", "\u202e", "\u200f", "\x00", "\x9b31m", "\u2028")


@pytest.mark.parametrize("name", ["status", "replay"])
def test_nothing_that_a_terminal_obeys_comes_from_a_store(
    name: str, rich: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = {**dict.fromkeys(TEXTS, "x"), **{text: text for text in ("Label", "Fails", "world two", "half")}}
    texts |= {"Message": f"a message {''.join(MARKS)}", "Unknown": "unknown", "Question": f"q {MARKS}"}
    texts |= {
        "world one": f"world {''.join(MARKS)}",
        "complete": "complete",
        "advice": f"advice{MARKS[0]}",
        "contact": "contact",
    }
    path = named(rich, tmp_path / "x", {}, texts)

    def registered(root: dict[str, Any], provenance: dict[str, Any]) -> None:
        provenance["design"]["name"] = "small"
        provenance["design"]["fitters"]["unknown"] = {"name": "louvain", "settings": {}}

    path = changed(path, tmp_path, registered)
    cell = "scenario=world two,fieldwork=half,fitter=Fails,replicate=0"
    assert call({"status": ["status", str(path)], "replay": ["replay", str(path), "--cell", cell]}[name]) == 0
    said = capsys.readouterr().out
    assert "a message" in said
    assert printable(said, keep="\n") == said
    assert "\na message" not in said


def test_nothing_that_a_terminal_obeys_comes_from_a_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    actors = [f"{mark.strip()}actor {i}" for i, mark in enumerate(MARKS) if mark.strip() and mark != "\x00"]
    halves = actors[::2], actors[1::2]
    lines = [f"{one},{other}" for half in halves for one in half for other in half if one != other]
    (tmp_path / "x.csv").write_text("\n".join(["source,target", *lines]) + "\n", encoding="utf-8")
    assert call(["fit", str(tmp_path / "x.csv"), "--fitter", "louvain", "--plot", str(tmp_path / "x.svg")]) == 0
    said = capsys.readouterr().out
    assert "actor 1" in said
    assert printable(said, keep="\n") == said
    assert "\\x1b" in said
    text = (tmp_path / "x.svg").read_text(encoding="utf-8")
    assert printable(text, keep="\n") == text


def test_an_error_that_names_a_file_stays_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["status", str(tmp_path / "a\nerror: b\x1b[2J\u202e.zarr")]) == 2
    said = capsys.readouterr().err
    assert said.endswith("no such store\n")
    assert len(said.splitlines()) == 1
    assert "a\\nerror: b\\x1b[2J\\u202e.zarr" in said


def test_a_run_goes_on_in_a_store_that_was_made_elsewhere(store: Path, tmp_path: Path) -> None:
    """What is refused is what simlab would not write: a store that somebody sends is taken, and gives the same numbers."""
    path = changed(store, tmp_path, lambda root, provenance: None)
    again = run(study(replicates=3), path, jobs=1, backend="threads")
    assert again.sizes["replicate"] == 3
    with opened(store) as before:
        assert before["ari"].equals(again["ari"].isel(replicate=slice(2)).load())
    assert set(count_statuses(again)) == {"ok"}
