"""A disk that fails, and one that loses what was not brought to it, for stores of studies; cells that are computed once."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import simlab.study.pool
import simlab.study.run
import simlab.study.tasks
from simlab.foundation.errors import InputError
from simlab.study import durable, storage
from simlab.study.cell import PENDING, Task, WorldResult, compute_task
from simlab.study.design import Study
from simlab.study.store import opened


class Disk:
    """Stands between a store and the disk: counts what is done to it, calls ``before`` each, and knows what would last.

    What was written lasts from the fsync of the file on, a name from the fsync of its folder on; anything else may be there
    after a loss of power or not. Folders are never renamed or removed.
    """

    def __init__(self, root: Path, before: Callable[[int, str, Path], None] = lambda *_: None) -> None:
        self.root = root
        self.before = before
        self.steps = 0
        self._content: dict[int, bytes | None] = {}
        self._names: dict[int, dict[str, int]] = {}
        for folder, _, files in os.walk(root):
            self._keep_folder(Path(folder))
            for file in files:
                self._content[(Path(folder) / file).stat().st_ino] = (Path(folder) / file).read_bytes()

    def step(self, what: str, path: Path) -> None:
        """Count something that is about to be done inside ``root``."""
        if path == self.root or self.root in path.parents:
            self.steps += 1
            self.before(self.steps, what, path)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[Disk]:
        """Have stores written through this disk."""
        disk = self

        class File(io.FileIO):
            def __init__(self, path: Path, mode: str) -> None:
                disk.step("create", Path(path))
                super().__init__(path, mode)
                disk._content[os.fstat(self.fileno()).st_ino] = None
                self._path, self._halved = Path(path), False

            def write(self, content: Any) -> int:
                if self._halved:
                    return super().write(content) or 0
                self._halved = True
                done = super().write(memoryview(content)[: max(len(content) // 2, 1)])
                disk.step("write", self._path)
                return done or 0

        fakes = {name: getattr(os, name) for name in ("open", "close", "O_RDONLY", "path")}
        fakes |= {"fsync": self._fsync, "replace": self._replace}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(durable, "os", SimpleNamespace(**fakes))
            patch.setattr(durable, "io", SimpleNamespace(FileIO=File))
            patch.setattr(durable, "_LASTING", set())
            yield self

    def _fsync(self, handle: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        self.step("fsync", path)
        os.fsync(handle)
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            self._keep_folder(path)
        else:
            self._content[status.st_ino] = path.read_bytes()

    def _replace(self, old: Path, new: Path) -> None:
        self.step("replace", new)
        os.replace(old, new)

    def _keep_folder(self, folder: Path) -> None:
        self._names[folder.stat().st_ino] = {entry.name: entry.inode() for entry in os.scandir(folder)}

    def after_power_loss(self, where: Path, rng: np.random.Generator | None) -> None:
        """Write into a new folder what would be on the disk: of what does not last nothing, or with ``rng`` any part."""
        self._lay(self.root, where, rng)

    def _lay(self, folder: Path, where: Path, rng: np.random.Generator | None) -> None:
        where.mkdir()
        lasting = self._names.get(folder.stat().st_ino, {})
        here = {entry.name: entry for entry in os.scandir(folder)}
        for name in {**lasting, **here}:
            now, then = (here[name].inode() if name in here else None), lasting.get(name)
            found = now if rng is not None and rng.random() < 0.5 else then
            if found is None:
                continue
            if name in here and here[name].is_dir():
                self._lay(folder / name, where / name, rng)
                continue
            content = self._content.get(found)
            if content is None:
                whole = (folder / name).read_bytes() if found == now else b""
                content = whole[: int(rng.integers(0, len(whole) + 1))] if rng is not None else b""
            (where / name).write_bytes(content)


class Once:
    """Computes each cell once, whatever asks for it, so that even times are the same bit for bit."""

    def __init__(self) -> None:
        self._known: dict[Any, WorldResult] = {}

    def __call__(self, study: Study, task: Task, watch: Any = None) -> list[WorldResult]:
        found = []
        names = tuple(metric.name for metric in study.metrics)
        for place in task.places:
            fitter = list(study.fitters.values())[place.fitter]
            worlds, fields = study.scenarios.settings[place.scenario], study.fieldworks.settings[place.fieldwork]
            inner = (study.sites, study.relations, study.periods)
            of = (
                worlds.key,
                fields.key,
                fitter.name,
                fitter.key,
                place.replicate,
                study.seed,
                names,
                task.metrics,
                inner,
            )
            if of not in self._known:
                self._known[of] = compute_task(study, Task((place,), task.metrics))[0]
            known = self._known[of]
            cells = [replace(cell, place=place) for cell in known.cells]
            found.append(replace(known, scenario=place.scenario, cells=cells))
        return found

    @contextlib.contextmanager
    def in_place(self, cells_a_task: int = 2) -> Iterator[None]:
        """Have runs compute so few cells at once, in threads, and store after each task; an absent disk is not waited for."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(simlab.study.pool, "compute_task", self)
            patch.setattr(simlab.study.tasks, "_MOST_CELLS", cells_a_task)
            patch.setattr(simlab.study.run, "_FLUSH_SECONDS", 0.0)
            patch.setattr(simlab.study.run, "_SHARE_OF_WRITING", 0.0)
            patch.setattr(storage, "PATIENCE", (0.0, 0.0))
            yield


def run_once(study: Study, store: Path | str, **options: Any) -> Any:
    """Run a study with one thread."""
    return simlab.study.run.run(study, store, **{"jobs": 1, "backend": "threads", **options})


def same_bits(one: Any, other: Any, *, but: tuple[str, ...] = ()) -> None:
    """Assert that two datasets hold the same, bit for bit."""
    assert set(one.variables) == set(other.variables)
    for name in set(one.variables) - set(but):
        a, b = one[name].values, other[name].values
        assert a.dtype == b.dtype, name
        assert a.shape == b.shape, name
        assert a.tobytes() == b.tobytes() if a.dtype.kind in "fiu" else a.tolist() == b.tolist(), name


def done_is_right(found: Any, whole: Any, new: tuple[str, ...] = ()) -> int:
    """Assert that every cell that is not pending has what it has in ``whole``, matched by labels; return how many there are.

    ``new`` : metrics that cells have once they were fitted again.
    """
    status = found["status"]
    scored = found["scored"] == whole["scored"].sel({dim: found[dim] for dim in status.dims})
    for name, variable in found.data_vars.items():
        if name in ("asked", "scored"):
            continue
        wanted = whole[name].sel({dim: found[dim] for dim in variable.dims})
        kept = [d for d in status.dims if d in variable.dims]
        there = (status != PENDING) & (scored if name in new else True)
        mask = there.any([d for d in status.dims if d not in kept]).transpose(*kept).values
        a, b = variable.values[mask], wanted.values[mask]
        assert a.tobytes() == b.tobytes() if a.dtype.kind in "fiu" else a.tolist() == b.tolist(), name
    return int((status != PENDING).sum())


def check_store(path: Path, whole: Any, new: tuple[str, ...] = (), *, plain: bool = False) -> int:
    """Assert that a store shows nothing wrong, with ``plain`` also to xarray alone.

    Return how many cells it has, -1 without a root.
    """
    if not (path / "zarr.json").exists():
        with pytest.raises(InputError), opened(path):
            pass
        return -1
    with opened(path) as dataset:
        found = dataset.load()
    if plain:
        with xr.open_zarr(path, chunks=None) as dataset:
            same_bits(dataset.load(), found)
    return done_is_right(found, whole, new)


def copied(store: Path, where: Path) -> Path:
    """Return a copy of a store in a folder of its own."""
    shutil.copytree(store, where / store.name)
    return where / store.name
