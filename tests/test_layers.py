"""The walls of the house: a room imports only rooms on its left, and heavy packages stay in their rooms."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1] / "simlab"
ROOMS = ("generate", "fieldwork", "fit", "metrics", "study", "plan", "report", "cli")
# What lies below every room, with what each of them may import besides itself.
BASE = {
    "foundation": set[str](),
    "kernels": {"foundation"},
    "panel": {"foundation", "panel_dyads"},
    "panel_dyads": {"foundation"},
    "partition": {"foundation"},
    "models": {"foundation", "kernels", "panel", "partition"},
    "panel_limits": {"foundation", "panel"},
    "panel_build": {"foundation", "panel", "panel_limits"},
    "panel_read": {"foundation", "panel", "panel_build"},
    "panel_write": {"foundation", "panel"},
}
# The names at the front door, which anybody may use, the checks for other people's plug-ins, and the way to the command line.
FRONT = {"", "testing", "__main__"}
PACKAGES = {
    "numba": {"foundation", "kernels"},
    "joblib": {"study"},
    "matplotlib": {"report"},
    "xarray": {"study", "plan", "report", "cli"},
    "zarr": {"study"},
    "sklearn": {"plan"},
    "typer": {"cli"},
    "click": {"cli"},
    "rich": {"cli"},
}
FILES = sorted(HOUSE.rglob("*.py"))


def room_of(module: str) -> str:
    """Return the room of a module such as ``simlab.fit.spectral``."""
    return module.split(".")[1] if "." in module else ""


def imports(file: Path) -> set[str]:
    """Return every module that a file imports anywhere, ``simlab`` alone where it only reads its version."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            assert node.module is not None
            found |= {f"{node.module}.{a.name}" if node.module == "simlab" else node.module for a in node.names}
    return found


def allowed(room: str) -> set[str]:
    """Return the rooms that modules of a room may import."""
    if room in BASE:
        return BASE[room] | {room}
    left = set(ROOMS[: ROOMS.index(room) + 1])
    return (left - {"generate"} if room == "fit" else left) | set(BASE)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOUSE)))
def test_a_module_imports_only_what_is_below_it_or_to_its_left(file: Path) -> None:
    room = room_of(".".join(file.relative_to(HOUSE.parent).with_suffix("").parts).removesuffix(".__init__"))
    if room in FRONT:
        return
    rooms = {room_of(name) for name in imports(file) if name.split(".")[0] == "simlab" and name != "simlab"}
    assert rooms <= allowed(room), f"{room} must not import {rooms - allowed(room)}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOUSE)))
def test_heavy_packages_stay_in_their_rooms(file: Path) -> None:
    room = room_of(".".join(file.relative_to(HOUSE.parent).with_suffix("").parts).removesuffix(".__init__"))
    for package in {name.split(".")[0] for name in imports(file)} & set(PACKAGES):
        assert room in PACKAGES[package] or room == "testing", f"{room} must not import {package}"


def test_every_module_is_in_a_room_that_the_walls_know() -> None:
    rooms = {path.stem for path in HOUSE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__", "__main__", "testing"} <= set(ROOMS) | set(BASE)
    assert set(BASE) <= rooms


def test_a_wall_that_is_broken_is_seen(tmp_path: Path) -> None:
    """The control: an import inside a function, of each form, is found."""
    file = tmp_path / "broken.py"
    file.write_text(
        "def f():\n    import numba.core\n    from simlab.generate.truth import Truth\n    from simlab import fit\n"
    )
    assert imports(file) == {"numba.core", "simlab.generate.truth", "simlab.fit"}
    assert "generate" not in allowed("fit")
    assert "generate" in allowed("metrics")
    assert "report" not in allowed("study")
