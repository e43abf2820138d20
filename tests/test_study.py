"""Studies: designs, the store, the same numbers whatever computes them, failures as rows, replay."""

from __future__ import annotations

import errno
import json
import shutil
import sys
import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from simlab.fieldwork.observe import Fieldwork
from simlab.fit.fit import fitters
from simlab.fit.louvain import Louvain
from simlab.fit.spectral import Spectral
from simlab.foundation.errors import InputError, SimlabError
from simlab.generate.scenario import Scenario
from simlab.metrics.metric import metrics
from simlab.report.answer import answer
from simlab.study.answers import save_answer, script_answer
from simlab.study.arrays import StoreArrays
from simlab.study.cell import FAILED, KILLED, OK, PENDING, STATUS_NAMES, CellResult, Place, fit_values
from simlab.study.costs import Forecast
from simlab.study.design import BOOKKEEPING, Grid, Study, cases, grid
from simlab.study.extend import differences
from simlab.study.provenance import describe, rebuild
from simlab.study.replay import cell_name, parse_cell, replay
from simlab.study.run import run
from simlab.study.script import load_script, load_study
from simlab.study.storage import Storage
from simlab.study.store import opened

WORLD = Scenario(n_actors=20, n_periods=2, mean_degree=4, reciprocity=None)
FITTERS = {"spectral, three": Spectral(n_clusters=3), "Louvain": Louvain()}


def small(**changes: Any) -> Study:
    """Return a study of two scenarios, two fieldworks and two fitters that takes a second."""
    values: dict[str, Any] = {
        "question": "Does it work?",
        "scenarios": grid(WORLD, separation=[2.0, 5.0]),
        "fieldworks": {"complete": Fieldwork(), "five names, all": Fieldwork(max_nominations=5, response_rate=0.8)},
        "fitters": FITTERS,
        "replicates": 2,
        "seed": 3,
    }
    return Study("small", **{**values, **changes})


@pytest.fixture(autouse=True)
def _own_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what a test registers."""
    for registry in (fitters, metrics):
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))


def same(one: Any, other: Any) -> None:
    """Assert that two datasets hold the same numbers bit for bit, time apart."""
    assert set(one.variables) == set(other.variables)
    for name in set(one.variables) - {"seconds", "elapsed"}:
        a, b = one[name].values, other[name].values
        assert a.dtype == b.dtype, name
        assert a.tobytes() == b.tobytes() if a.dtype.kind in "fi" else (a == b).all(), name


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished store of the small study."""
    path = tmp_path_factory.mktemp("store") / "small.zarr"
    run(small(), path, jobs=1)
    return path


@pytest.fixture
def dataset(store: Path) -> Any:
    with opened(store) as found:
        return found.load()


# --- designs ----------------------------------------------------------------------------------------------------------


def test_grid_is_every_combination_in_order() -> None:
    found = grid(Fieldwork(), response_rate=[0.5, 1.0], max_nominations=[3, None])
    assert found.labels == {"response_rate": (0.5, 1.0), "max_nominations": ("3", "none")}
    assert found.shape == (2, 2)
    assert [(s.response_rate, s.max_nominations) for s in found.settings] == [(0.5, 3), (0.5, None), (1, 3), (1, None)]
    assert [place for place, _ in found.items()] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert grid(WORLD).settings == (WORLD,)


@pytest.mark.parametrize(
    "levels", [np.array([30, 60]), np.arange(30, 90, 30), [np.int64(30), 60], np.array([30.0, 60.0])]
)
def test_levels_may_be_numbers_of_numpy(levels: Any) -> None:
    name = "n_actors" if np.asarray(levels).dtype.kind == "i" else "separation"
    assert grid(WORLD, **{name: levels}).labels == {name: (30.0, 60.0)}


def test_grid_of_settings_whose_key_was_read() -> None:
    world = WORLD.but(n_actors=25)
    assert len(world.key) == 16
    assert [s.n_actors for s in grid(world, separation=[2.0, 3.0]).settings] == [25, 25]
    assert world.but(separation=2.0).n_actors == 25


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ({"separatoin": [2.0]}, "Did you mean 'separation'"),
        ({"separation": []}, "must be one or more different levels"),
        ({"separation": [2.0, 2.0]}, "must be one or more different levels"),
        ({"separation": [2, 2.0]}, "must be one or more different levels"),
        ({"separation": 2.0}, "must be a list of levels"),
        ({"separation": "234"}, "must be a list of levels"),
        ({"separation": [2.0, -1.0]}, "separation = -1"),
        ({"separation": [2.0, "far"]}, "separation = far"),
        ({"n_actors": [20.5]}, "n_actors = 20.5"),
    ],
)
def test_levels_that_are_not_allowed_are_refused_in_one_line(levels: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        grid(WORLD, **levels)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"replicates": 0}, "replicates = 0"),
        ({"replicates": 2.5}, "replicates = 2.5"),
        ({"replicates": True}, "replicates = True"),
        ({"seed": -1}, "seed = -1"),
        ({"seed": "one"}, "seed = one"),
        ({"scenarios": Fieldwork()}, "scenarios"),
        ({"scenarios": {}}, "must be one or more named settings"),
        ({"scenarios": {"a": Fieldwork()}}, "must be a Scenario"),
        ({"fieldworks": [Fieldwork()]}, "must be a Fieldwork"),
        ({"scenarios": cases("x", {"a": WORLD}), "fieldworks": cases("x", {"a": Fieldwork()})}, "dimension = x"),
        ({"scenarios": cases("fitter", {"a": WORLD})}, "dimension = fitter"),
        ({"fieldworks": cases("period", {"a": Fieldwork()})}, "dimension = period"),
        ({"fitters": []}, "fitters: must be one or more"),
        ({"fitters": {}}, "fitters: must be one or more"),
        ({"fitters": [Spectral(), Spectral(n_clusters=2)]}, "with different labels"),
        ({"fitters": {"a": "spectral"}}, "must be a fitter"),
        ({"fitters": {"a": Spectral}}, "must be a fitter"),
        ({"fitters": ["spectral"]}, "fitter"),
        ({"fitters": Spectral()}, "fitter"),
        ({"metrics": ["arri"]}, "Did you mean 'ari'"),
    ],
)
def test_studies_that_are_not_allowed_are_refused_in_one_line(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as error:
        small(**changes)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["", "a b", "../a", "a.zarr"])
def test_names_that_name_no_file_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="name = "):
        Study(name, question="", scenarios=WORLD, fieldworks=Fieldwork(), fitters=[Spectral()])


def test_shape_of_a_study() -> None:
    study = small(scenarios={"one": WORLD, "more": WORLD.but(n_sites=2, relations=("a", "b"), n_periods=3)})
    assert study.cell_dims == ("scenario", "fieldwork", "fitter", "replicate")
    assert (study.sites, study.relations, study.periods) == (
        ("site 1", "site 2"),
        ("contact", "a", "b"),
        ("1", "2", "3"),
    )
    assert study.changed(seed=9, replicates=1).seed == 9
    assert [m.name for m in study.metrics] == metrics.names()
    assert [m.name for m in small(metrics=["ari", "seconds"]).metrics] == ["ari", "seconds"]


# --- ids of cells -----------------------------------------------------------------------------------------------------

IDS = {
    "commas": small(),
    "no dimensions": small(scenarios=WORLD, fieldworks=Fieldwork()),
    "names": small(fitters={"LPCM, short": Spectral(), "a=b": Louvain(), "LPCM, G=3": Spectral(n_clusters=3)}),
    "tuples": small(
        scenarios=grid(WORLD.but(relations=("a", "b"), mean_degree=None), density=[(0.1, 0.2), (0.2, 0.1)])
    ),
    "levels that are near": small(scenarios=grid(WORLD, separation=[3.0, 3.0000001, 1e-7])),
}


@pytest.mark.parametrize("case", IDS)
def test_ids_of_cells_are_unique_and_lead_back(case: str) -> None:
    study = IDS[case]
    places = [
        Place(s, f, k, r)
        for s in range(len(study.scenarios.settings))
        for f in range(len(study.fieldworks.settings))
        for k in range(len(study.fitters))
        for r in range(study.replicates)
    ]
    names = [cell_name(study, place) for place in places]
    assert len(set(names)) == len(places)
    assert [parse_cell(study, name) for name in names] == places


def test_ids_may_be_in_another_order_and_have_spaces() -> None:
    study = small()
    assert cell_name(study, Place(1, 0, 1, 0)) == "separation=5,fieldwork=complete,fitter=Louvain,replicate=0"
    text = "replicate=0, fitter=Louvain , fieldwork=complete,separation=5"
    assert parse_cell(study, text) == Place(1, 0, 1, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must name separation"),
        ("7", "must name separation"),
        ("separation=5", "must name fieldwork, one of complete, five names, all"),
        ("separation=6,fieldwork=complete,fitter=Louvain,replicate=0", "separation = 6: must be one of 2, 5"),
        ("separation=5,fieldwork=complete,fitter=Louvain,replicate=2", "replicate = 2: must be one of 0, 1"),
        ("separation=5,fieldwork=complete,fitter=Louvain,replicate=0,site=1", "no part 'site'"),
    ],
)
def test_ids_that_name_no_cell_are_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        parse_cell(small(), text)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


# --- the store --------------------------------------------------------------------------------------------------------


def test_the_store_holds_every_metric_over_its_dimensions(dataset: Any) -> None:
    cell = ("separation", "fieldwork", "fitter", "replicate")
    network = ("site", "relation", "period")
    assert set(dataset.data_vars) == {*metrics.names(), *BOOKKEEPING}
    for entry in metrics:
        metric, variable = entry.thing, dataset[entry.name]
        assert variable.dims == ((*cell, *network) if metric.kind.of_fits else ("separation", "replicate", *network))
        assert variable.attrs["long_name"] == metric.long_name
        assert variable.attrs["units"] == metric.units
        assert variable.attrs["reference"] == entry.reference
        assert " to " in variable.attrs["range"]
        if metric.kind.of_change:
            assert variable.sel(period="1").isnull().all()
    assert dataset["ari"].notnull().all()
    assert dataset["seen_switching"].sel(period="2").notnull().all()
    assert dataset["separation"].values.tolist() == [2.0, 5.0]
    assert dataset["fitter"].values.tolist() == ["spectral, three", "Louvain"]
    assert dataset["replicate"].values.tolist() == [0, 1]


def test_status_explains_itself(dataset: Any) -> None:
    status = dataset["status"]
    assert status.dtype == np.int8
    assert (status == OK).all()
    assert status.attrs["flag_values"] == [0, 1, 2, 3, 4, 5]
    assert status.attrs["flag_meanings"].split() == list(STATUS_NAMES)
    assert STATUS_NAMES == ("pending", "ok", "not_converged", "failed", "timed_out", "killed")
    assert (dataset["message"] == "").all()


def test_provenance_is_json_from_which_the_study_is_made_again(dataset: Any) -> None:
    assert dataset.attrs["schema_version"] == 2
    assert dataset.attrs["title"] == "small"
    provenance = json.loads(dataset.attrs["provenance"])
    assert {"python", "numpy", "numba", "simlab"} <= set(provenance["versions"])
    assert provenance["machine"]["processor"]
    assert provenance["design"]["seed"] == 3
    study, again = small(), rebuild(dataset.attrs["provenance"], 2)
    assert again.scenarios == Grid(study.scenarios.labels, study.scenarios.settings) or [
        s.key for s in again.scenarios.settings
    ] == [s.key for s in study.scenarios.settings]
    assert [f.key for f in again.fieldworks.settings] == [f.key for f in study.fieldworks.settings]
    assert {k: f.key for k, f in again.fitters.items()} == {k: f.key for k, f in study.fitters.items()}


def test_plain_xarray_opens_the_store(store: Path) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        with xr.open_zarr(store) as plain:
            assert plain["ari"].sel(separation=5.0, fitter="Louvain").mean() > 0.2
            assert plain["status"].attrs["flag_meanings"].startswith("pending ok")


def test_fitters_meet_the_same_world_and_fieldworks_differ(dataset: Any) -> None:
    ari = dataset["ari"].sel(fitter="Louvain")
    assert not np.array_equal(ari.sel(fieldwork="complete").values, ari.sel(fieldwork="five names, all").values)
    assert "fieldwork" not in dataset["information"].dims


@pytest.mark.parametrize("name", ["n_clusters", "n_dims"])
def test_a_setting_may_vary_that_is_called_as_a_metric(name: str, tmp_path: Path) -> None:
    study = small(scenarios=grid(WORLD, **{name: [2, 3]}), replicates=1)
    found = run(study, tmp_path / "x.zarr", jobs=1)
    assert (found["status"] == OK).all()
    assert found[name].values.tolist() == [2.0, 3.0]


# --- the same numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("jobs", "backend"), [(2, "loky"), (2, "threads")])
def test_numbers_do_not_depend_on_workers(jobs: int, backend: str, dataset: Any, tmp_path: Path) -> None:
    same(run(small(), tmp_path / "x.zarr", jobs=jobs, backend=backend), dataset)


def test_numbers_do_not_depend_on_which_others_are_computed(dataset: Any, tmp_path: Path) -> None:
    part = small(scenarios=grid(WORLD, separation=[5.0]), fitters={"Louvain": Louvain()}, replicates=1)
    found = run(part, tmp_path / "x.zarr", jobs=1)
    assert found["ari"].values.tobytes() == dataset["ari"].values[1:, :, 1:, :1].tobytes()


def test_another_seed_gives_other_numbers(dataset: Any, tmp_path: Path) -> None:
    found = run(small(seed=4), tmp_path / "x.zarr", jobs=1)
    assert not np.array_equal(found["ari"].values, dataset["ari"].values)


def test_more_replicates_keep_the_old_numbers_bit_for_bit(dataset: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.zarr"
    before = run(small(replicates=1), path, jobs=1)
    after = run(small(), path, jobs=1)
    same(after, dataset)
    assert before["seconds"].values.tobytes() == after["seconds"].values[..., :1, :, :, :].tobytes()
    fewer = run(small(replicates=1), path, jobs=1)
    assert fewer.sizes["replicate"] == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.log", "x.zarr"]
    assert not list(path.rglob("*.new"))


def test_a_finished_store_is_not_computed_again(store: Path) -> None:
    class Told:
        def begin(self, total: int, done: int, failed: int) -> None:
            self.said = (total, done, failed)

        def add(self, results: Sequence[CellResult], forecast: Forecast | None) -> None:
            raise AssertionError("nothing was left to do")

        def end(self) -> None:
            self.over = True

    told = Told()
    run(small(), store, jobs=1, progress=told)
    assert told.said == (16, 16, 0)
    assert told.over


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 4}, ["seed = 4 where the store has 3"]),
        ({"scenarios": grid(WORLD, n_actors=[20, 25])}, ["other scenarios", "n_actors", "separation"]),
        ({"scenarios": grid(WORLD.but(n_actors=25), separation=[2.0, 5.0])}, ["other scenarios", "n_actors"]),
        ({"fitters": {**FITTERS, "Louvain": Louvain(resolution=2.0)}}, ["other fitters", "Louvain", "resolution"]),
        ({"fieldworks": Fieldwork()}, ["other fieldworks"]),
        ({"fieldworks": {"complete": Fieldwork(response_rate=0.9)}}, ["other fieldworks", "complete", "response_rate"]),
    ],
)
def test_the_store_of_another_study_is_refused_and_says_what_differs(
    changes: dict[str, Any], words: list[str], store: Path
) -> None:
    with pytest.raises(InputError) as error:
        run(small(**changes), store, jobs=1)
    assert all(word in str(error.value) for word in [*words, "store of another study"])
    assert "\n" not in str(error.value)


def test_settings_newer_than_a_store_do_not_make_it_that_of_another_study(dataset: Any) -> None:
    """A store from before a setting was there goes on, as long as the setting keeps its default."""
    wanted = describe(small())
    stored = json.loads(dataset.attrs["provenance"])["design"]
    for settings in stored["fieldworks"]["settings"]:
        settings.pop("treatment", None), settings.pop("proxy", None)
    assert not differences(stored, wanted)
    changed = describe(small(fieldworks=Fieldwork(proxy=0.5)))
    assert differences(stored, changed)


def test_another_question_is_the_same_study(store: Path) -> None:
    run(small(question="Does it?", about={"Aims": "others"}), store, jobs=1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("folder", "not a store of simlab"),
        ("stores", "a folder of stores, as a plan has: name one of 2, such as "),
        ("noise", "cannot be read as a store"),
        ("file", "not a store"),
        ("foreign", "not one of a simlab study"),
        ("later", "written by a later simlab"),
        ("missing", "no such store"),
    ],
)
def test_what_is_no_store_is_refused_in_one_line(change: str, words: str, store: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.zarr"
    if change == "folder":
        path.mkdir()
    elif change == "stores":
        for name in ("b.zarr", "a.zarr"):
            (path / name).mkdir(parents=True)
    elif change == "file":
        path.write_text("hello")
    elif change == "noise":
        path.mkdir()
        (path / "zarr.json").write_bytes(b"\x00\xff")
    elif change == "foreign":
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            xr.Dataset({"a": ("x", [1.0])}).to_zarr(path)
    elif change == "later":
        shutil.copytree(store, path)
        text = (path / "zarr.json").read_text()
        (path / "zarr.json").write_text(text.replace('"schema_version": 2', '"schema_version": 99'))
    with pytest.raises(InputError, match=words) as error, opened(path):
        pass
    assert "\n" not in str(error.value)


# --- replay -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [Place(0, 0, 0, 0), Place(1, 1, 0, 1), Place(1, 0, 1, 1), Place(0, 1, 1, 0)])
def test_replay_gives_exactly_the_stored_numbers(place: Place, store: Path, dataset: Any) -> None:
    study, found_place, found = replay(store, cell_name(small(), place))
    assert found_place == place
    for metric, values in zip(study.fit_metrics, fit_values(study, found), strict=True):
        stored = dataset[metric.name].values[place.scenario, place.fieldwork, place.fitter, place.replicate]
        assert metric.name == "seconds" or stored.tobytes() == values.tobytes(), metric.name


# --- what goes wrong --------------------------------------------------------------------------------------------------

SCRIPT = """
import os
from typing import ClassVar
from simlab import Fieldwork, Kind, Louvain, Scenario, Spectral, Study, fitters, metric

@fitters.register("{name}", summary="goes wrong", reference="made up")
class Wrong(Spectral):
    name: ClassVar[str] = "{name}"
    def estimate(self, network, rng):
        {body}
        return super().estimate(network, rng)

{more}
study = Study(
    "wrong", question="What of failures?", scenarios=Scenario(n_actors=16, mean_degree=4, reciprocity=None),
    fieldworks=Fieldwork(), fitters={{"spectral": Spectral(n_clusters=2), "wrong": Wrong(n_clusters=2), "Louvain": Louvain()}},
    replicates=2, metrics=["ari", "true_organisation_mix"{metrics}],
)
"""


def wrong(folder: Path, name: str, body: str, more: str = "", own: str = "") -> Study:
    """Return the study of a script with a fitter that goes wrong."""
    file = folder / f"{name.replace('-', '_')}.py"
    own = f', "{own}"' if own else ""
    file.write_text(SCRIPT.format(name=name, body=body, more=textwrap.dedent(more), metrics=own))
    return load_study(file)


def check_only_wrong_failed(found: Any, code: int) -> None:
    assert (found["status"].sel(fitter="wrong") == code).all()
    assert found["ari"].sel(fitter="wrong").isnull().all()
    for fitter in ("spectral", "Louvain"):
        assert (found["status"].sel(fitter=fitter) == OK).all()
        assert found["ari"].sel(fitter=fitter).notnull().all()
        assert (found["message"].sel(fitter=fitter) == "").all()
    assert found["true_organisation_mix"].notnull().all()


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("raising", "raise ValueError('no\\n such luck')", "ValueError: no such luck (estimate, line"),
        ("refusing", "from simlab import InputError; raise InputError('not this one')", "not this one"),
        ("exhausted", "raise MemoryError", "MemoryError"),
        ("leaving", "raise SystemExit(3)", "SystemExit"),
    ],
)
def test_a_fitter_that_raises_is_a_failed_cell_and_others_go_on(
    name: str, body: str, words: str, tmp_path: Path
) -> None:
    found = run(wrong(tmp_path, name, body), tmp_path / "x.zarr", jobs=1, backend="threads")
    check_only_wrong_failed(found, FAILED)
    assert all(words in str(message) for message in found["message"].sel(fitter="wrong").values)
    assert not any("\n" in str(message) for message in found["message"].values.ravel())


def test_a_fitter_that_kills_its_worker_is_a_killed_cell_and_the_rest_is_computed(tmp_path: Path) -> None:
    found = run(wrong(tmp_path, "deadly", "os._exit(1)").changed(replicates=1), tmp_path / "x.zarr", jobs=2)
    check_only_wrong_failed(found, KILLED)
    assert all("its worker died 3 times" in str(message) for message in found["message"].sel(fitter="wrong").values)


def test_a_metric_of_fits_that_raises_is_a_failed_cell(tmp_path: Path) -> None:
    more = """
    @metric("broken_of_fit", kind=Kind.FIT, long_name="broken", reference="made up")
    def broken_of_fit(fit, truth):
        return 1 / (fit.n_clusters - 2)
    """
    found = run(wrong(tmp_path, "fine", "pass", more, "broken_of_fit"), tmp_path / "x.zarr", jobs=1, backend="threads")
    assert found["status"].sel(fitter="spectral").values.tolist() == [FAILED, FAILED]
    assert "ZeroDivisionError" in str(found["message"].sel(fitter="spectral").values[0])


def test_a_metric_of_the_truth_that_raises_does_not_end_the_run(tmp_path: Path) -> None:
    more = """
    @metric("broken_of_truth", kind=Kind.TRUTH, long_name="broken", reference="made up")
    def broken_of_truth(truth):
        return 1 / 0
    """
    study = wrong(tmp_path, "fine-too", "pass", more, "broken_of_truth")
    found = run(study, tmp_path / "x.zarr", jobs=1, backend="threads")
    assert found["broken_of_truth"].isnull().all()
    assert (found["status"] != PENDING).all()
    assert any("ZeroDivisionError" in str(message) for message in found["message"].values.ravel())


def test_a_world_that_cannot_be_simulated_is_failed_cells(tmp_path: Path) -> None:
    worlds = {"possible": WORLD, "impossible": Scenario(n_actors=10, mean_degree=2.0, reciprocity=0.999)}
    found = run(small(scenarios=worlds, replicates=1), tmp_path / "x.zarr", jobs=1)
    assert (found["status"].sel(scenario="possible") == OK).all()
    assert (found["status"].sel(scenario="impossible") == FAILED).all()
    assert "reciprocity = 0.999" in str(found["message"].sel(scenario="impossible").values.ravel()[0])


def test_a_full_disk_is_one_line_and_loses_nothing(
    dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.zarr"
    first = run(small(replicates=1), path, jobs=1)

    def full(self: StoreArrays, name: str, region: object, values: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(StoreArrays, "write", full)
        with pytest.raises(SimlabError, match="the disk is full") as error:
            run(small(), path, jobs=1)
    assert not isinstance(error.value, InputError)
    assert "\n" not in str(error.value)
    with opened(path) as kept:
        assert kept["ari"].values[..., :1, :, :, :].tobytes() == first["ari"].values.tobytes()
        assert (kept["status"].values[..., 0] == OK).all()
        assert (kept["status"].values[..., 1] == PENDING).all()
    same(run(small(), path, jobs=1), dataset)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"jobs": 0}, "jobs = 0"),
        ({"jobs": -1}, "jobs = -1"),
        ({"jobs": 1.5}, "jobs = 1.5"),
        ({"backend": "spark"}, "must be one of loky, threads, dask"),
        ({"scheduler": "tcp://x:1"}, "goes with backend = dask"),
    ],
)
def test_workers_that_are_not_allowed_are_refused(settings: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        run(small(), tmp_path / "x.zarr", **settings)
    assert not (tmp_path / "x.zarr").exists()


def test_a_store_under_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello")
    with pytest.raises(InputError, match="cannot be written"):
        run(small(), tmp_path / "file" / "x.zarr", jobs=1)


# --- scripts ----------------------------------------------------------------------------------------------------------

GOOD = "from simlab import *\nfrom simlab import Fieldwork, Louvain, Scenario, Study\n"
GOOD_STUDY = (
    "Study('x', question='', scenarios=Scenario(), fieldworks=Fieldwork(), fitters=[Louvain()], replicates={})\n"
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def f(:\n", "SyntaxError"),
        ("\x00", "breaks with"),
        ("", "must name a `study`"),
        ("study = 3\n", "must be a Study, not a int"),
        ("def study():\n    return 3\n", "must be a Study, not a int"),
        ("raise SystemExit\n", "breaks with SystemExit"),
        ("import no_such_package\n", "No module named 'no_such_package'"),
        ("1 / 0\n", "breaks with ZeroDivisionError"),
        ("from simlab import Scenario\nScenario(n_actors=0)\n", "n_actors = 0"),
        ("from simlab import Scenario\ndef study():\n    return Scenario(n_actors=0)\n", "n_actors = 0"),
        ("def study():\n    raise ValueError('no\\nluck')\n", "ValueError"),
        ("def study(size):\n    return {}[size]\n", "KeyError"),
        ("def study(size):\n    raise SystemExit\n", "SystemExit"),
        ("def study(size, more):\n    pass\n", "study"),
    ],
)
def test_scripts_that_are_wrong_are_refused_in_one_line(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "script.py"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        load_study(file)
    assert "script.py" in str(error.value)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("form", ["study = {}", "def study():\n    return {}", "def study(size):\n    return {}"])
def test_a_script_names_a_study_or_a_function(form: str, tmp_path: Path) -> None:
    file = tmp_path / "script.py"
    replicates = "{'demo': 2, 'full': 7}[size]" if "(size)" in form else "2"
    file.write_text(GOOD + form.format(GOOD_STUDY.format(replicates)))
    assert load_study(file).replicates == 2
    assert load_study(file, "full").replicates == (7 if "(size)" in form else 2)
    assert load_study(file).script == str(file.resolve())


def test_a_missing_script_a_folder_another_ending_and_another_size_are_refused(tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text("study = 3")
    for path, words in [
        (tmp_path / "x.py", "no such file"),
        (tmp_path, "no such file"),
        (tmp_path / "script.txt", ".py"),
    ]:
        with pytest.raises(InputError, match=words):
            load_study(path)
    with pytest.raises(InputError, match="size = tiny: must be one of demo, full"):
        load_study(tmp_path / "x.py", "tiny")


ANSWERING = """
from simlab import Fieldwork, Scenario, Spectral, Study


study = Study(
    "asks",
    question="What is the answer?",
    scenarios=Scenario(n_actors=20),
    fieldworks=Fieldwork(),
    fitters=[Spectral(n_clusters=2)],
    replicates=2,
    metrics=["ari"],
)


def answer(dataset):
    return ANSWER
"""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("'one text'", "must return a list"),
        ("[]", "returns 0 sentences"),
        ("[1]", "must return a list"),
        ("1 / 0", "ZeroDivision"),
    ],
)
def test_an_answer_that_is_none_is_refused_in_one_line(tmp_path: Path, given: str, words: str) -> None:
    script = tmp_path / "asks.py"
    script.write_text(
        ANSWERING.replace("ANSWER", given).replace("fieldworks={}", "fieldworks=__import__('simlab').Fieldwork()")
    )
    with pytest.raises(SimlabError, match=words):
        script_answer(script, None)


def test_the_answer_of_a_script_is_kept_with_its_store(tmp_path: Path) -> None:
    script = tmp_path / "asks.py"
    script.write_text(ANSWERING.replace("ANSWER", '[f"Answer: it is {float(dataset.ari.mean()):.3f}."]'))
    store = tmp_path / "asks.zarr"
    dataset = run(load_study(script), store, jobs=1)
    found = script_answer(script, dataset)
    assert found == [f"Answer: it is {float(dataset['ari'].mean()):.3f}."]
    save_answer(Storage(store), found)
    with opened(store) as again:
        assert answer(again) == found
        assert np.array_equal(again["ari"], dataset["ari"])
    script.write_text(ANSWERING.replace("def answer", "def other"))
    sys.modules.pop(load_script(script).__name__)
    assert script_answer(script, dataset) is None
