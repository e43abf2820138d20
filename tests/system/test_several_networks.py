"""The command fit of files with several networks, of which some cannot be fitted, and what it says of settings and weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from simlab.cli import call
from simlab.fit.fit import Fit, FitError, Status
from simlab.fit.louvain import Louvain
from simlab.panel import Network

Said = pytest.CaptureFixture[str]
SHORT = ["--set", "n_chains=2", "--set", "n_warmup=100", "--set", "n_draws=60"]
RING = [f"{a},{b}" for a, b in ("ab", "bc", "cd", "de", "ef", "fa", "ac", "df")]
EVERY = [f"{a},{b}" for a in "abcdef" for b in "abcdef" if a != b]


def file_of(folder: Path, relations: dict[str, list[str]], period: str = "") -> Path:
    """Write an edge list of relations; one without ties has a tie of weight 0."""
    header = "source,target,relation,weight" + (",period" if period else "")
    end = f",{period}" if period else ""
    rows = [f"{tie},{name},{0 if not ties else 1}{end}" for name, ties in relations.items() for tie in ties or ["a,b"]]
    path = folder / "ties.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_relations_that_cannot_be_fitted_are_said_and_the_others_fitted(tmp_path: Path, capsys: Said) -> None:
    ties = file_of(tmp_path, {"all": EVERY, "none": [], "work": RING})
    out, plot = tmp_path / "x.nc", tmp_path / "x.png"
    assert call(["fit", str(ties), "--fitter", "louvain", "-o", str(out), "--plot", str(plot)]) == 0
    said = capsys.readouterr()
    assert "not fitted: all: every possible tie is there" in said.out
    assert "not fitted: none: no ties" in said.out
    assert "work: 6 actors, 8 directed ties" in said.out
    assert said.err == ""
    assert plot.stat().st_size > 3000
    with xr.open_dataset(out) as fit:
        assert fit["label"].dims == ("relation", "actor")
        assert fit["relation"].values.tolist() == ["all", "none", "work"]
        assert (fit["label"].values[:2] == -1).all()
        assert (fit["label"].values[2] >= 0).all()
        assert fit["membership"].isnull().all("cluster").values.all(axis=1).tolist() == [True, True, False]
        assert fit["status"].values.tolist() == ["", "", "ok"]


def test_a_period_without_ties_or_answers_is_left_out(tmp_path: Path, capsys: Said) -> None:
    """Actors who are in no fit are kept in the file; draws of what was not fitted are missing."""
    periods = {"1": "false", "2": "true", "3": "true"}
    rows = [f"{actor},{period},{yes}" for period, yes in periods.items() for actor in "abcdef"]
    (tmp_path / "actors.csv").write_text("\n".join(["actor,period,answered", *rows, "g,1,false"]) + "\n")
    ties = tmp_path / "ties.csv"
    ties.write_text("\n".join(["source,target,period", *(f"{tie},3" for tie in RING)]) + "\n")
    out, actors = tmp_path / "x.nc", tmp_path / "actors.csv"
    assert call(["fit", str(ties), "--actors", str(actors), "--clusters", "2", *SHORT, "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert "not fitted: period 1: no dyad was observed" in said
    assert "not fitted: period 2: no ties" in said
    with xr.open_dataset(out) as fit:
        assert fit["period"].values.tolist() == ["1", "2", "3"]
        assert fit["actor"].values.tolist() == list("abcdefg")
        assert (fit["label"].values >= 0).sum(axis=1).tolist() == [0, 0, 6]
    with xr.open_dataset(out, group="posterior") as posterior:
        assert posterior["intercept"].dims == ("chain", "draw", "period")
        assert posterior["intercept"].isnull().all(("chain", "draw")).values.tolist() == [True, True, False]


def test_a_relation_without_ties_is_fitted_jointly_beside_another(tmp_path: Path, capsys: Said) -> None:
    ties, out, check = file_of(tmp_path, {"none": [], "work": RING}), tmp_path / "x.nc", tmp_path / "x.png"
    options = ["--joint", "--clusters", "2", *SHORT, "-o", str(out), "--check", str(check)]
    assert call(["fit", str(ties), *options]) == 0
    assert "not fitted" not in capsys.readouterr().out
    assert check.stat().st_size > 3000
    with xr.open_dataset(out, group="posterior") as posterior:
        none, work = posterior["intercept"].mean(("chain", "draw")).values
        assert posterior["relation"].values.tolist() == ["none", "work"]
    assert none < work - 1.0


def test_joint_fits_of_periods_in_which_no_relation_can_be_fitted(tmp_path: Path, capsys: Said) -> None:
    path = file_of(tmp_path, {"none": [], "work": RING}, period="2")
    with open(path, "a") as file:
        file.writelines(f"{tie},work,1,1\n" for tie in EVERY)
    out = tmp_path / "x.nc"
    assert call(["fit", str(path), "--joint", "--clusters", "2", *SHORT, "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert "not fitted: none + work, period 1: none: no ties" in said
    assert "; work: every possible tie is there" in said
    with xr.open_dataset(out) as fit:
        assert fit["status"].values.tolist()[0] == ""
        assert fit["label"].dims == ("period", "actor")


@pytest.mark.parametrize("relations", [{"none": [], "all": EVERY}, {"none": [], "nothing": []}], ids=str)
@pytest.mark.parametrize("joint", [[], ["--joint"]], ids=str)
def test_where_none_can_be_fitted_the_input_is_refused(
    relations: dict[str, list[str]], joint: list[str], tmp_path: Path, capsys: Said
) -> None:
    assert call(["fit", str(file_of(tmp_path, relations)), "-o", str(tmp_path / "x.nc"), *joint]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "x.nc").exists()


def test_too_many_clusters_for_one_site_does_not_stop_the_others(tmp_path: Path, capsys: Said) -> None:
    ties = tmp_path / "ties.csv"
    small = ["a1,a2,south", "a2,a3,south"]
    ties.write_text("\n".join(["source,target,site", *(f"{tie},north" for tie in RING), *small]) + "\n")
    assert call(["fit", str(ties), "--fitter", "spectral", "--clusters", "4"]) == 0
    said = capsys.readouterr().out
    assert "not fitted: south: n_clusters = 4: must be at most the number of actors, 3" in said
    assert "north: 6 actors" in said
    assert call(["fit", str(ties), "--fitter", "spectral", "--clusters", "8"]) == 2


@pytest.mark.parametrize("way", ["FitError", "FAILED", "fault"])
def test_a_failure_in_one_network_does_not_lose_the_others(
    way: str, tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, broken = Louvain.estimate, {"x"}

    def estimate(self: Louvain, network: Network, rng: np.random.Generator) -> Fit:
        if network.relation not in broken:
            return usual(self, network, rng)
        if way == "FAILED":
            failed: Any = usual(self, network, rng).__dict__ | {"status": Status.FAILED, "message": "it broke"}
            return Fit(**failed)
        raise FitError("it broke") if way == "FitError" else ZeroDivisionError("it broke")

    monkeypatch.setattr(Louvain, "estimate", estimate)
    options = ["--fitter", "louvain", "-o", str(tmp_path / "x.nc")]
    ties = str(file_of(tmp_path, {"w": RING, "x": RING, "y": RING}))
    assert call(["fit", ties, *options]) == 0
    said = capsys.readouterr().out
    assert said.count("not fitted: ") == 1
    assert "not fitted: x: " in said
    assert "it broke" in said
    with xr.open_dataset(tmp_path / "x.nc") as fit:
        assert fit["status"].values.tolist() == ["ok", "", "ok"]
    (tmp_path / "x.nc").unlink()
    broken |= {"w", "y"}
    assert call(["fit", ties, *options]) == 1
    assert "none of the 3 networks can be fitted" in capsys.readouterr().err
    assert call(["fit", str(file_of(tmp_path, {"x": RING, "none": []})), *options]) == 1
    assert call(["fit", str(file_of(tmp_path, {"x": RING})), *options]) == 1
    assert "it broke" in capsys.readouterr().err
    assert not (tmp_path / "x.nc").exists()


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (["--fitter", "louvain"], "louvain"),
        (["--fitter", "sbm", "--clusters", "2"], "sbm"),
        (["--fitter", "lpcm-map", "--clusters", "2"], "lpcm-map with family=bernoulli"),
        (["--fitter", "lpcm-map", "--clusters", "2", "--set", "family=poisson"], ""),
    ],
)
@pytest.mark.parametrize("weight", [1, 3])
def test_weights_that_are_not_used_are_said(
    options: list[str], name: str, weight: int, tmp_path: Path, capsys: Said
) -> None:
    ties = tmp_path / "ties.csv"
    ties.write_text("\n".join(["source,target,weight", *(f"{tie},{weight}" for tie in RING)]) + "\n")
    assert call(["fit", str(ties), *options]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    line = f"warning: weights are not used by {name}: every tie counts once\n"
    assert (line in said.out) == (bool(name) and weight > 1)
    assert ("warning" in said.out) == (line in said.out)


@pytest.mark.parametrize("setting", ["sociality=none", "covariates=none", "sociality=None", "centre_variance=none"])
def test_none_where_it_is_a_word_and_where_it_is_a_value(setting: str, tmp_path: Path, capsys: Said) -> None:
    ties = str(file_of(tmp_path, {"work": RING}))
    found = []
    for options in (["--set", setting], []):
        assert call(["fit", ties, "--fitter", "lpcm-map", "--clusters", "2", *options]) == 0
        found.append(capsys.readouterr().out.rsplit(";", 1)[0])  # all but the seconds
    assert found[0] == found[1]


def test_simulate_takes_none_where_it_may_be(tmp_path: Path, capsys: Said) -> None:
    assert call(["simulate", "--set", "n_actors=20", "--set", "overlap=none", "-o", str(tmp_path / "d")]) == 0
    assert call(["simulate", "--set", "n_actors=none", "-o", str(tmp_path / "d")]) == 2
    assert "n_actors = none: must be a valid integer" in capsys.readouterr().err
