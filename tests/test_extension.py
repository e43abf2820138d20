"""Stores that are extended: only what is missing is computed, what is there is never changed, what cannot go in is refused."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference.disks import Disk, Once, copied, done_is_right, run_once, same_bits

from simlab.cli import call
from simlab.fieldwork.observe import Fieldwork
from simlab.fit.louvain import Louvain
from simlab.fit.spectral import Spectral
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.metrics.metric import metrics
from simlab.study.cell import OK, PENDING
from simlab.study.design import Study, grid
from simlab.study.store import opened

WORLD = Scenario(n_actors=12, mean_degree=4, reciprocity=None)
ONCE = Once()
SPECTRAL = {"spectral": Spectral(n_clusters=2)}
COMPLETE = {"complete": Fieldwork()}

# What each way to extend adds to the smallest study.
WAYS: dict[str, dict[str, Any]] = {
    "replicates": {"replicates": 3},
    "levels": {"scenarios": grid(WORLD, separation=[2.0, 3.0, 5.0])},
    "fitters": {"fitters": {"Louvain": Louvain(), **SPECTRAL}},
    "fieldworks": {"fieldworks": {"three names": Fieldwork(max_nominations=3), **COMPLETE}},
    "metrics": {"metrics": ["seconds", "ari", "true_organisation_mix", "information"]},
}


def small(**changes: Any) -> Study:
    """Return a study of four cells."""
    values: dict[str, Any] = {
        "question": "Is it all there?",
        "scenarios": grid(WORLD, separation=[2.0, 5.0]),
        "fieldworks": COMPLETE,
        "fitters": SPECTRAL,
        "replicates": 2,
        "seed": 3,
        "metrics": ["ari", "information"],
    }
    return Study("small", **{**values, **changes})


@pytest.fixture(autouse=True)
def _cells_once() -> Iterator[None]:
    with ONCE.in_place():
        yield


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the smallest study."""
    store = tmp_path_factory.mktemp("start") / "small.zarr"
    with ONCE.in_place():
        run_once(small(), store)
    return store


@pytest.fixture(scope="module")
def one_go(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The study with everything, made in one go."""
    with ONCE.in_place():
        return run_once(small(**everything(*WAYS)), tmp_path_factory.mktemp("whole") / "small.zarr")


def everything(*ways: str) -> dict[str, Any]:
    return {key: value for way in ways for key, value in WAYS[way].items()}


def contents(store: Path) -> Any:
    with opened(store) as dataset:
        return dataset.load()


def same_by_label(found: Any, whole: Any, *, but: tuple[str, ...] = ("seconds", "elapsed")) -> None:
    """Assert that two datasets have the same levels and, at each, the same values bit for bit."""
    assert set(found.data_vars) == set(whole.data_vars)
    for dim in whole.dims:
        assert sorted(found[dim].values.tolist()) == sorted(whole[dim].values.tolist()), dim
    for name in set(whole.data_vars) - set(but) - {"scored"}:
        values = whole[name].sel({dim: found[dim] for dim in found[name].dims}).values
        assert found[name].dims == whole[name].dims, name
        same = (
            found[name].values.tobytes() == values.tobytes()
            if values.dtype.kind in "fi"
            else found[name].values.tolist() == values.tolist()
        )
        assert same, name


def kept(found: Any, before: Any) -> None:
    """Assert that every cell and world that was there has what it had, times too."""
    part = found.sel({dim: before[dim] for dim in before.dims})
    for name in set(before.data_vars) - {"scored", "asked"}:
        assert part[name].transpose(*before[name].dims).values.tolist() == before[name].values.tolist() or (
            part[name].values.tobytes() == before[name].values.tobytes()
        ), name


class Counted:
    """Told of what a run computes."""

    def __init__(self) -> None:
        self.cells: list[Any] = []
        self.total = 0

    def begin(self, total: int, done: int, failed: int) -> None:
        self.total = total

    def add(self, results: Any, forecast: Any) -> None:
        self.cells += [result.place for result in results]

    def end(self) -> None: ...


# --- what is added ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order",
    [
        tuple(WAYS),
        tuple(WAYS)[::-1],
        ("metrics", "fitters", "replicates", "levels", "fieldworks"),
        ("levels", "metrics", "fieldworks", "fitters", "replicates"),
    ],
    ids=lambda order: order[0],
)
def test_a_store_extended_step_by_step_is_that_of_a_study_made_in_one_go(
    order: tuple[str, ...], start: Path, one_go: Any, tmp_path: Path
) -> None:
    store = copied(start, tmp_path)
    for n in range(1, len(order) + 1):
        before = contents(store)
        found = run_once(small(**everything(*order[:n])), store)
        assert (found["status"] == OK).all()
        kept(found, before)
    same_by_label(found, one_go)


@pytest.mark.parametrize("ways", [w for n in (1, 2, 5) for w in itertools.combinations(WAYS, n)], ids="+".join)
def test_all_at_once_and_only_what_is_missing_is_computed(
    ways: tuple[str, ...], start: Path, one_go: Any, tmp_path: Path
) -> None:
    store, told = copied(start, tmp_path), Counted()
    before = contents(store)
    study = small(**everything(*ways))
    found = run_once(study, store, progress=told)
    kept(found, before)
    assert (found["status"] == OK).all()
    equal_sets = [dataset.assign(scored=dataset["scored"] * 0 + 1) for dataset in (found, one_go)]
    done_is_right(*[dataset.drop_vars(["seconds", "elapsed"], errors="ignore") for dataset in equal_sets])
    n_old = 0 if "metrics" in ways else 4
    assert len(told.cells) == len(set(told.cells)) == found["status"].size - n_old


def test_what_a_study_does_not_ask_for_stays_as_it_is(start: Path, tmp_path: Path) -> None:
    """Fewer replicates, levels, fitters and metrics than there are: nothing is computed, nothing goes."""
    store = copied(start, tmp_path)
    whole = run_once(small(**everything(*WAYS)), store)
    told = Counted()
    part = small(replicates=1, scenarios=grid(WORLD, separation=[3.0]), metrics=["information"])
    same_bits(run_once(part, store, progress=told), whole)
    assert (told.total, told.cells) == (3, [])


def test_a_subset_that_asks_for_more_replicates_gets_them_and_others_are_not_pending(
    start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = copied(start, tmp_path)
    before = contents(store)
    found = run_once(small(scenarios=grid(WORLD, separation=[5.0]), replicates=4), store)
    kept(found, before)
    assert (found["status"].sel(separation=5.0) == OK).all()
    assert (found["status"].sel(separation=2.0).values.ravel() == [OK, OK, PENDING, PENDING]).all()
    assert call(["status", str(store)]) == 0
    assert "6 of 6 cells done" in capsys.readouterr().out
    # The rest comes when it is asked for.
    assert (run_once(small(replicates=4), store)["status"] == OK).all()


def test_sites_relations_and_periods_that_grow(start: Path, tmp_path: Path) -> None:
    more = WORLD.but(n_sites=2, relations=("contact", "advice"), n_periods=2)
    names = ["ari", "information", "seen_switching", "true_switching", "seconds"]
    plain = small(scenarios={"plain": WORLD}, metrics=names)
    both = small(scenarios={"plain": WORLD, "more": more}, metrics=names)
    most = small(scenarios={"plain": WORLD, "more": more, "most": more.but(n_periods=3)}, metrics=names)
    store = tmp_path / "grown" / "small.zarr"
    before = run_once(plain, store)
    for study in (both, most):
        found = run_once(study, store)
        assert (found["status"] == OK).all()
        kept(found, before)
        before = found
    whole = run_once(most, tmp_path / "whole" / "small.zarr")
    same_by_label(found, whole)
    assert found["site"].values.tolist() == ["site 1", "site 2"]
    assert found["ari"].sel(scenario="plain", site="site 2").isnull().all()
    assert found["ari"].sel(scenario="most", period="3").notnull().all()
    # Nothing of it counts as lost.
    told = Counted()
    run_once(most, store, progress=told)
    assert told.cells == []


# --- while it is extended -----------------------------------------------------------------------------------------------


class StoppedError(Exception):
    """The run ends here."""


@pytest.mark.parametrize("ways", [("levels", "replicates"), ("metrics", "fitters"), tuple(WAYS)], ids="+".join)
def test_an_extension_that_is_interrupted_goes_on_and_readers_never_miss_what_was_there(
    ways: tuple[str, ...], start: Path, one_go: Any, tmp_path: Path
) -> None:
    """Stopped at four places, each time by an error that is none of the system's; read at each step."""
    before = contents(start)
    study = small(**everything(*ways))
    store = copied(start, tmp_path)

    for stop in (10, 70, 150, 260):

        def look(step: int, what: str, path: Path, stop: int = stop) -> None:
            if path.is_dir() and step % 3 == 0:
                kept(contents(store), before)
            if step >= stop:
                raise StoppedError

        with Disk(tmp_path, look).in_place(), contextlib.suppress(StoppedError):
            run_once(study, store)
    found = run_once(study, store)
    kept(found, before)
    fresh = run_once(study, tmp_path / "fresh" / "small.zarr")
    same_by_label(found, fresh, but=("seconds", "elapsed"))


def test_an_extension_that_was_given_up_leaves_room_for_another(start: Path, tmp_path: Path) -> None:
    """What was prepared and never asked for again is in nobody's way."""
    store = copied(start, tmp_path)

    def stop(step: int, what: str, path: Path) -> None:
        if path.name == "zarr.json" and path.parent == store:
            raise StoppedError

    with Disk(tmp_path, stop).in_place(), pytest.raises(StoppedError):
        run_once(small(**everything("levels", "metrics"), replicates=7), store)
    other = small(scenarios=grid(WORLD, separation=[2.0, 5.0, 4.0]), replicates=3, metrics=["ari", "information"])
    found = run_once(other, store)
    assert found["separation"].values.tolist() == [2.0, 5.0, 4.0]
    same_by_label(found, run_once(other, tmp_path / "fresh" / "small.zarr"))


# --- what is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 4}, "seed = 4 where the store has 3"),
        ({"scenarios": grid(WORLD.but(n_actors=13), separation=[2.0])}, "n_actors"),
        ({"fitters": {"spectral": Spectral(n_clusters=3)}}, "other fitters, spectral, settings, n_clusters"),
        ({"fieldworks": {"complete": Fieldwork(response_rate=0.9)}}, "complete, response_rate"),
        ({"fieldworks": Fieldwork()}, "other fieldworks, which vary in none where the store has fieldwork"),
        ({"scenarios": grid(WORLD, n_actors=[12, 14])}, "vary in n_actors where the store has separation"),
    ],
)
def test_other_settings_are_refused_with_what_differs_and_nothing_is_touched(
    changes: dict[str, Any], words: str, start: Path, tmp_path: Path
) -> None:
    store = copied(start, tmp_path)
    files = {file: file.read_bytes() for file in store.rglob("*") if file.is_file() and file.name != ".writer"}
    with pytest.raises(InputError) as error:
        run_once(small(**changes), store)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert {f: f.read_bytes() for f in store.rglob("*") if f.is_file() and f.name != ".writer"} == files


def test_another_name_is_refused(start: Path, tmp_path: Path) -> None:
    other = Study("other", question="", scenarios=WORLD, fieldworks=Fieldwork(), fitters=[Louvain()])
    with pytest.raises(InputError, match="name = other where the store has small"):
        run_once(other, copied(start, tmp_path))


def test_levels_without_all_their_combinations_are_refused(tmp_path: Path) -> None:
    store = tmp_path / "small.zarr"
    run_once(small(scenarios=grid(WORLD, separation=[2.0, 5.0], n_actors=[12, 14]), replicates=1), store)
    part = small(scenarios=grid(WORLD, separation=[3.0], n_actors=[12]), replicates=1)
    with pytest.raises(InputError, match=r"separation = 3.0, n_actors = 14.0") as error:
        run_once(part, store)
    assert "\n" not in str(error.value)
    found = run_once(small(scenarios=grid(WORLD, separation=[3.0], n_actors=[12, 14]), replicates=1), store)
    assert found["separation"].values.tolist() == [2.0, 5.0, 3.0]
    assert (found["status"] == OK).all()


def test_a_metric_that_is_not_registered_here_is_refused(
    start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = copied(start, tmp_path)
    monkeypatch.setattr(metrics, "_entries", {k: v for k, v in metrics._entries.items() if k != "ari"})
    with pytest.raises(InputError, match=r"has a metric that is not registered here: .*'ari'"):
        run_once(small(metrics=["information"]), store)


def old_schema(store: Path, n: int = 2) -> None:
    """Write by hand a store as the first schema had it: a file a replicate, no ``asked`` and ``scored``, settings in full."""
    import xarray as xr

    one = Scenario(n_actors=12, mean_degree=4, reciprocity=None)
    design = {
        "name": "small",
        "question": "Is it all there?",
        "about": {},
        "seed": 3,
        "scenarios": {"labels": {"separation": [2.0]}, "settings": [one.but(separation=2.0).everything()]},
        "fieldworks": {"labels": {"fieldwork": ["complete"]}, "settings": [Fieldwork().everything()]},
        "fitters": {"spectral": {"name": "spectral", "settings": Spectral(n_clusters=2).everything()}},
        "metrics": ["ari"],
        "results_version": 1,
    }
    dims = ("separation", "fieldwork", "fitter", "replicate")
    inner = {
        name: np.array([level], dtype=np.dtypes.StringDType())
        for name, level in (("site", "site 1"), ("relation", "contact"), ("period", "1"))
    }
    provenance = {"design": design, "versions": {}, "machine": {}}
    dataset = xr.Dataset(
        {
            "ari": (
                (*dims, "site", "relation", "period"),
                np.full((1, 1, 1, n, 1, 1, 1), 0.5),
                {"long_name": "adjusted"},
            ),
            "status": (dims, np.ones((1, 1, 1, n), dtype=np.int8)),
            "message": (dims, np.full((1, 1, 1, n), "", dtype=np.dtypes.StringDType())),
        },
        {
            "separation": [2.0],
            "fieldwork": np.array(["complete"], dtype=np.dtypes.StringDType()),
            "fitter": np.array(["spectral"], dtype=np.dtypes.StringDType()),
            "replicate": np.arange(n),
            **inner,
        },
        {"title": "small", "schema_version": 1, "provenance": json.dumps(provenance)},
    )
    dataset.to_zarr(store, consolidated=True, encoding={"ari": {"chunks": (1, 1, 1, 1, 1, 1, 1)}})


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_a_store_of_the_first_schema_is_read_and_not_extended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "small.zarr"
    old_schema(store)
    with opened(store) as dataset:
        assert dataset["ari"].values.tolist() == np.full((1, 1, 1, 2, 1, 1, 1), 0.5).tolist()
    assert call(["status", str(store)]) == 0
    assert "2 of 2 cells done; 2 ok" in capsys.readouterr().out
    assert call(["report", str(store)]) == 0
    assert call(["export", str(store), "-o", str(tmp_path / "x.zip")]) == 0
    assert call(["status", str(tmp_path / "x.zip")]) == 0
    capsys.readouterr()
    with pytest.raises(
        InputError, match=r"written with schema 1, and this simlab adds to stores of schema 2 only"
    ) as error:
        run_once(small(), store)
    assert "\n" not in str(error.value)
