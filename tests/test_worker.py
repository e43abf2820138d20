"""What a worker is given: it refuses what would give other numbers than the parent's."""

from __future__ import annotations

from pathlib import Path

import pytest

from simlab.foundation.errors import InputError
from simlab.study import worker
from simlab.study.limits import Limits
from simlab.study.script import load_study
from simlab.study.worker import Package

SCRIPT = """
from simlab import Fieldwork, Louvain, Scenario, Study
study = Study("one", question="?", scenarios=Scenario(n_actors=10), fieldworks=Fieldwork(),
              fitters={"Louvain": Louvain()}, replicates=1)
"""


@pytest.fixture
def package(tmp_path: Path) -> Package:
    (tmp_path / "one.py").write_text(SCRIPT)
    return Package.of(load_study(tmp_path / "one.py"), Limits())


def test_a_package_is_unpacked_again_and_again(package: Package) -> None:
    assert package.unpack().fitters == package.unpack().fitters


def test_a_worker_that_has_loaded_the_script_before_a_change_refuses(package: Package, tmp_path: Path) -> None:
    """Workers of a cluster may outlive a change, and go on with the fitters that they know."""
    package.unpack()
    changed = package.__class__(**{**vars(package), "script_text": SCRIPT + "# changed\n"})
    (tmp_path / "one.py").write_text(SCRIPT + "# changed\n")
    with pytest.raises(InputError, match=r"one\.py: a worker knows it as it was before a change\. Restart"):
        changed.unpack()


def test_a_worker_that_finds_another_script_refuses(package: Package, tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(SCRIPT + "# on the worker\n")
    with pytest.raises(InputError, match="before a change"):
        package.unpack()


def test_a_worker_without_the_file_takes_the_text(package: Package, tmp_path: Path) -> None:
    (tmp_path / "one.py").unlink()
    assert package.unpack().name == "one"


def test_a_study_that_cannot_be_loaded_is_one_line(package: Package) -> None:
    """It would be so at every worker: no cell is to blame."""
    spoilt = package.__class__(**{**vars(package), "study": b"cnowhere\nNothing\n."})
    with pytest.raises(InputError, match=r"a worker cannot load the study \(ModuleNotFoundError: No module named"):
        spoilt.unpack()


def test_a_worker_with_another_version_refuses(package: Package) -> None:
    other = tuple((name, "0.1" if name == "numba" else version) for name, version in package.versions)
    with pytest.raises(InputError, match=r"a worker has numba .* where the study runs with 0\.1"):
        package.__class__(**{**vars(package), "versions": other}).unpack()


def test_what_is_loaded_is_known_by_its_script(package: Package) -> None:
    package.unpack()
    assert worker._loaded[package.script] == SCRIPT
