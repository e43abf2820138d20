"""Runs that add replicates until Monte Carlo errors are small enough: the same whatever computes and interrupts them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simlab.cli import call
from simlab.fieldwork.observe import Fieldwork
from simlab.fit.louvain import Louvain
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.study.cell import OK, PENDING, CellResult
from simlab.study.costs import Forecast
from simlab.study.design import Study, grid
from simlab.study.monte_carlo import monte_carlo_error
from simlab.study.run import run
from simlab.study.standing import count_statuses, runs_of

RULE = "mcse(ari) <= 0.025"


def study(replicates: int = 4) -> Study:
    """Return a study whose first scenario is nearly without clusters, and whose last is easy."""
    return Study(
        "enough",
        question="How many replicates are enough?",
        scenarios=grid(Scenario(n_actors=18, mean_degree=5.0, reciprocity=None), separation=[1.0, 8.0]),
        fieldworks={"complete": Fieldwork(), "half": Fieldwork(response_rate=0.5)},
        fitters=[Louvain()],
        replicates=replicates,
        metrics=["ari", "n_clusters_chosen", "information"],
    )


class Interrupt:
    """Stops a run after so many cells, as Ctrl-C does."""

    def __init__(self, after: int) -> None:
        self.left = after

    def begin(self, total: int, done: int, failed: int) -> None:
        pass

    def add(self, results: list[CellResult], forecast: Forecast | None) -> None:
        self.left -= len(results)
        if self.left < 0:
            raise KeyboardInterrupt

    def end(self) -> None:
        pass


def done(dataset: Any) -> np.ndarray:
    """Return the number of replicates done, by scenario and fieldwork."""
    return np.asarray((dataset["status"] != PENDING).sum("replicate").values[..., 0])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The dataset of a run in one go."""
    path = tmp_path_factory.mktemp("until") / "x.zarr"
    return run(study(), path, jobs=2, backend="threads", until=RULE)


def test_replicates_are_added_until_the_rule_holds_and_no_further(finished: Any) -> None:
    counts = done(finished)
    assert (counts >= 50).all()
    assert (counts[:, 0] == counts[:, 1]).all()  # fieldworks of a scenario are compared on the same worlds
    assert counts[0, 0] != counts[1, 0]
    for s in range(2):
        n = int(counts[s, 0])
        values = finished["ari"].values[s, :, 0, :n].reshape(2, n)
        assert all(monte_carlo_error(each, -0.5, 1.0) <= 0.025 for each in values)
    assert (finished["asked"].values[..., 0] == counts).all()
    # Those that were not asked for are no unfinished work.
    assert count_statuses(finished) == {"ok": int(counts.sum())}


def test_the_store_tells_the_rule_and_how_it_ended(finished: Any) -> None:
    last = runs_of(finished)[-1]
    assert last["until"] == RULE
    assert last["outcome"] == "complete"
    assert last["rules"] == {RULE: "holds in 2 of 2 scenarios"}
    assert last["time_budget"] is None


@pytest.mark.parametrize("backend", ["threads", "loky"])
def test_interruptions_and_workers_change_nothing(backend: str, finished: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.zarr"
    for after in (30, 150):
        with pytest.raises(KeyboardInterrupt):
            run(study(), path, jobs=2, backend="threads", until=RULE, progress=Interrupt(after))
    found = run(study(), path, jobs=2, backend=backend, until=RULE)
    for name in ("ari", "n_clusters_chosen", "information", "status", "asked"):
        assert found[name].values.tobytes() == finished[name].values.tobytes(), name


def test_a_rule_that_holds_asks_for_nothing(finished: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.zarr"
    run(study(), path, jobs=2, backend="threads", until="mcse(ari) <= 0.2")
    first = run(study(), path, jobs=1, until="mcse(ari) <= 0.2")
    assert (done(first) == 50).all()
    more = run(study(), path, jobs=2, backend="threads", until=[RULE, "mcse(P(ari >= 0.5)) <= 0.2"])
    assert (done(more) == done(finished)).all()
    assert more["ari"].values.tobytes() == finished["ari"].values.tobytes()


def test_a_metric_without_values_does_not_go_on_for_ever(tmp_path: Path) -> None:
    one = study()
    asked = Study(
        "never",
        question="Is there ever a value?",
        scenarios=Scenario(n_actors=18, mean_degree=5.0, reciprocity=None, bridger_share=0.0),
        fieldworks=Fieldwork(),
        fitters=one.fitters,
        replicates=2,
        metrics=["ari", "bridger_auc"],
    )
    found = run(asked, tmp_path / "x.zarr", jobs=2, backend="threads", until="mcse(bridger_auc) <= 0.01")
    assert found["bridger_auc"].isnull().all()
    assert found.sizes["replicate"] == 50
    assert runs_of(found)[-1]["rules"] == {"mcse(bridger_auc) <= 0.01": "holds in 0 of 1 scenarios"}


def test_a_budget_of_time_ends_a_run_and_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "x.zarr"
    found = run(study(), path, jobs=1, backend="threads", until="mcse(ari) <= 0.0001", time_budget=0.5)
    last = runs_of(found)[-1]
    assert last["outcome"] == "time budget spent"
    assert last["time_budget"] == 0.5
    assert (found["status"].values[found["status"].values != PENDING] == OK).all()


@pytest.mark.parametrize(
    ("until", "words"),
    [
        ("mcse(arri) <= 0.01", "Did you mean 'ari'"),
        ("mcse(auc_between) <= 0.01", "no metric named 'auc_between'"),
        ("ari <= 0.01", "must be mcse"),
        ("", "must be mcse"),
        (["mcse(ari) <= 0"], "above 0"),
        ([3], "until"),
    ],
)
def test_rules_that_are_none_are_refused_before_anything_is_made(until: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words) as error:
        run(study(), tmp_path / "x.zarr", until=until)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "x.zarr").exists()


SCRIPT = """
from simlab import Fieldwork, Louvain, Scenario, Study
study = Study(
    "enough", question="Enough?", scenarios=Scenario(n_actors=18, mean_degree=5.0, reciprocity=None),
    fieldworks=Fieldwork(), fitters=[Louvain()], replicates=2, metrics=["ari"],
)
"""


def test_the_command_says_whether_rules_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.py").write_text(SCRIPT)
    store = str(tmp_path / "x.zarr")
    arguments = ["run", str(tmp_path / "s.py"), "--out", store, "--jobs", "1", "--backend", "threads"]
    assert call([*arguments, "--until", "mcse(ari) <= 0.2", "--time-budget", "5min"]) == 0
    capsys.readouterr()
    assert call(["status", store]) == 0
    said = capsys.readouterr().out
    assert "50 of 50 cells done; 50 ok" in said
    assert "mcse(ari) <= 0.2: holds in 1 of 1 scenarios" in said
    assert call([*arguments, "--until", "mcse(ari) < 1"]) == 2
    assert call([*arguments, "--time-budget", "soon"]) == 2
    assert "time_budget = soon: must be a time such as 90s" in capsys.readouterr().err
    assert json.loads((tmp_path / "x.zarr" / "zarr.json").read_text())["attributes"]["title"] == "enough"
