"""What a worker process does: it takes a study once, then computes tasks of it, and leaves word where it has to die."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import pickle
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simlab.foundation.errors import InputError, SimlabError
from simlab.study.cell import Place, Task, WorldResult, compute_task
from simlab.study.design import Study
from simlab.study.limits import Limits, Watch, leave_with, limit_requests
from simlab.study.provenance import RESULTS_VERSION, surroundings


@dataclass(frozen=True)
class Package:
    """A study as bytes for workers, with the text of its script for machines that do not have the file."""

    study: bytes
    script: str
    script_text: str
    limits: Limits
    versions: tuple[tuple[str, str], ...]
    results_version: int

    @classmethod
    def of(cls, study: Study, limits: Limits) -> Package:
        """Pack a study. What is defined in the main program travels by value."""
        import cloudpickle

        text = Path(study.script).read_text(encoding="utf-8") if study.script else ""
        versions = tuple(
            (k, v) for k, v in surroundings()["versions"].items() if k in ("numba", "numpy", "scipy", "simlab")
        )
        return cls(bytes(cloudpickle.dumps(study)), study.script, text, limits, versions, RESULTS_VERSION)

    @property
    def digest(self) -> str:
        """Sixteen hex digits of the content."""
        return hashlib.sha256(pickle.dumps(self)).hexdigest()[:16]

    def unpack(self) -> Study:
        """Return the study; InputError where this process would give other numbers, or the script breaks."""
        if self.results_version != RESULTS_VERSION:
            raise InputError(f"a worker has a simlab with other numbers (results version {RESULTS_VERSION})")
        here = surroundings()["versions"]
        for name, version in self.versions:
            if here[name] != version:
                raise InputError(
                    f"a worker has {name} {here[name]} where the study runs with {version}, so numbers would differ"
                )
        if self.script:
            from simlab.study.script import load_script

            load_script(self.script, text=self.script_text)
        study: Study = pickle.loads(self.study)
        return study


class Bench:
    """A study that this process works at."""

    def __init__(self, package: Package, watch: Watch) -> None:
        self._watch = watch
        self._package = package
        self._study: Study | None = None
        self._lock = threading.Lock()

    def compute(self, task: Task) -> list[WorldResult]:
        """Compute a task; SimlabError where the study cannot be unpacked here."""
        return compute_task(self.study(), task, self._watch)

    def study(self) -> Study:
        """Return the study, unpacked once; SimlabError where that cannot be done here."""
        with self._lock:
            if self._study is None:
                self._study = self._package.unpack()
        return self._study


_bench: Bench | None = None


def begin(package: Package, parent: int, word: str) -> None:
    """Make this process a worker. ``word`` is the file in which it says why it ends itself."""
    global _bench
    # Ctrl-C is for the parent, which stores what was computed and then ends its workers.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_with(parent)
    limit_requests(package.limits.megabytes)
    _bench = Bench(
        package, Watch(package.limits, lambda place, kind, message: _leave(Path(word), place, kind, message))
    )


def ready() -> None:
    """Have the worker unpack its study and import what most fits need, while the parent makes the store."""
    for module in ("numba", "scipy.optimize", "scipy.special", "threadpoolctl"):
        importlib.import_module(module)
    with contextlib.suppress(SimlabError):  # told with the first task
        assert _bench is not None
        _bench.study()


def compute(task: Task) -> list[WorldResult] | SimlabError:
    """Compute a task of the study that this process was begun with; what no worker could do better is returned as error."""
    assert _bench is not None
    try:
        return _bench.compute(task)
    except SimlabError as error:
        return error


def _leave(word: Path, place: Place, kind: str, message: str) -> None:
    with contextlib.suppress(OSError):
        word.write_text(json.dumps({"place": place, "kind": kind, "message": message}), encoding="utf-8")
    os._exit(1)


def last_word(word: Path) -> tuple[Place | None, str, str]:
    """Return what a worker said when it ended itself: the cell, the kind of its end and why; None and nothing else."""
    try:
        said: dict[str, Any] = json.loads(word.read_text(encoding="utf-8"))
        word.unlink()
        return Place(*said["place"]), str(said["kind"]), str(said["message"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, "killed", ""
