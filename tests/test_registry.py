"""The registry: names, nearest names, and things that other packages bring along."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from simlab.foundation import registry
from simlab.foundation.errors import InputError, UnknownNameError
from simlab.foundation.registry import Entry, Registry

Metric = Callable[[], int]


@pytest.fixture
def metrics() -> Registry[Metric]:
    known: Registry[Metric] = Registry("metric")

    @known.register("ari", summary="adjusted Rand index", reference="Hubert & Arabie 1985")
    def ari() -> int:
        return 1

    @known.register("ami", summary="adjusted mutual information", reference="Vinh, Epps & Bailey 2010")
    def ami() -> int:
        return 2

    return known


def test_entries_are_found_by_name(metrics: Registry[Metric]) -> None:
    entry = metrics["ari"]
    assert entry == Entry("ari", entry.thing, "adjusted Rand index", "Hubert & Arabie 1985")
    assert entry.thing() == 1
    assert "ari" in metrics
    assert "nmi" not in metrics


def test_entries_keep_the_order_of_registration(metrics: Registry[Metric]) -> None:
    assert metrics.names() == ["ari", "ami"]
    assert [entry.name for entry in metrics] == ["ari", "ami"]


def test_the_decorator_returns_the_thing_itself() -> None:
    def thing() -> int:
        return 3

    assert Registry[Metric]("metric").register("x", summary="", reference="")(thing) is thing


def test_unknown_names_list_the_known_and_the_nearest(metrics: Registry[Metric]) -> None:
    with pytest.raises(UnknownNameError, match=r"^no metric named 'arii'\. Did you mean 'ari'\? Known: ami, ari$"):
        metrics["arii"]


def test_a_name_is_taken_once(metrics: Registry[Metric]) -> None:
    def another() -> int:
        return 4

    with pytest.raises(InputError, match="'ari' is registered twice"):
        metrics.register("ari", summary="", reference="")(another)
    assert metrics["ari"].thing() == 1


def test_different_things_of_one_python_name_are_refused() -> None:
    """Two scripts may both call their function ``score``; the second must not take the place of the first unseen."""
    known: Registry[Metric] = Registry("metric")
    first: dict[str, Metric] = {}
    second: dict[str, Metric] = {}
    exec(compile("def score(): return 1", "first.py", "exec"), first)
    exec(compile("def score(): return 2", "second.py", "exec"), second)
    known.register("mine", summary="", reference="")(first["score"])
    with pytest.raises(InputError, match="'mine' is registered twice"):
        known.register("mine", summary="", reference="")(second["score"])
    assert known["mine"].thing() == 1


def test_one_definition_may_be_registered_again() -> None:
    """A script that is run and then imported by its workers registers the same source twice."""
    known: Registry[Metric] = Registry("metric")
    for _ in range(2):
        module: dict[str, Metric] = {}
        exec(compile("def score(): return 1", "script.py", "exec"), module)
        known.register("mine", summary="", reference="")(module["score"])
    assert known.names() == ["mine"]


@dataclass
class Point:
    """An entry point, as another package would declare it."""

    name: str
    load: Callable[[], object]


def test_entry_points_of_other_packages_are_loaded_once(
    metrics: Registry[Metric], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def load() -> None:
        metrics.register("theirs", summary="", reference="")(lambda: 5)

    def points(*, group: str) -> list[Point]:
        asked.append(group)
        return [Point("theirs", load)]

    monkeypatch.setattr(registry, "entry_points", points)
    assert metrics["theirs"].thing() == 5
    assert metrics.names() == ["ari", "ami", "theirs"]
    assert asked == ["simlab.metrics"]


def test_a_package_that_cannot_be_loaded_is_a_warning(
    metrics: Registry[Metric], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load() -> None:
        raise ImportError("no module named theirs")

    monkeypatch.setattr(registry, "entry_points", lambda *, group: [Point("theirs", load)])
    with pytest.warns(UserWarning, match="metric 'theirs' of another package cannot be loaded: no module named"):
        assert metrics["ari"].thing() == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "theirs" not in metrics
