"""The command assess, as a user types it: real networks, several relations and periods, bad input, Ctrl-C."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from simlab import Fieldwork, Scenario, observe, simulate
from simlab.cli import call
from simlab.panel_write import write_panel
from simlab.plan import assess
from simlab.study.design import Study

Said = pytest.CaptureFixture[str]
# So few draws are not judged by convergence.
_SETTINGS = ("n_chains=2", "n_warmup=150", "n_draws=100", "max_rhat=2", "min_ess=0")
QUICK = [*(part for setting in _SETTINGS for part in ("--set", setting)), "--jobs", "2"]


def text_of(page: Path) -> str:
    """Return what a page says, without pictures and marks."""
    html = page.read_text(encoding="utf-8")
    assert 'src="http' not in html
    words = re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)
    return " ".join(words.replace("\N{NO-BREAK SPACE}", " ").split())


def assessed(page: Path, *arguments: str | Path) -> int:
    return call(["assess", *map(str, arguments), *QUICK, "-o", str(page)])


@pytest.fixture
def two_groups(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    label = np.arange(16) % 2
    ties = rng.random((16, 16)) < np.where(label[:, None] == label[None], 0.6, 0.03)
    path = tmp_path / "ties.csv"
    rows = [f"p{i:02d},p{j:02d}" for i, j in np.argwhere(ties) if i != j]
    path.write_text("\n".join(["source,target", *rows]) + "\n")
    return path


def test_two_groups_are_safe_and_found_again(two_groups: Path, tmp_path: Path, capsys: Said) -> None:
    page = tmp_path / "page.html"
    assert assessed(page, two_groups, "--clusters", "2", "--worlds", "4") == 0
    said = capsys.readouterr()
    assert re.search(r"Is this assignment right\? (All|1\d of) 16 assignments are safe", said.out)
    assert "Would another study like this one find the same? Yes, mostly" in " ".join(said.out.split())
    assert "written" in said.out
    assert "8 of 8 cells" in said.err or "cells" in said.err
    text = text_of(page)
    for part in (
        "How far can the clusters found in this network be trusted?",
        "Is this assignment right?",
        "Would another study like this one find the same?",
        "Where does the model not fit this network?",
        "None of this says whether an assignment is right.",
        "What this page cannot say",
    ):
        assert part in text
    assert page.read_text().count("data:image/png;base64") == 4
    stores = sorted((tmp_path / "page.refits").glob("*.zarr"))
    assert len(stores) == 2
    with xr.open_zarr(stores[0]) as dataset:
        assert np.isin(dataset["status"].values, (1, 2)).all()  # short chains are not judged by convergence
        assert dataset["ari_again"].mean() > 0.7
    # What is there is not computed again, and says the same.
    assert assessed(page, two_groups, "--clusters", "2", "--worlds", "4") == 0
    again = capsys.readouterr()
    assert again.out == said.out
    assert sorted((tmp_path / "page.refits").glob("*.zarr")) == stores


def test_the_monks(data_folder: Path, tmp_path: Path, capsys: Said) -> None:
    """Groups are right, and another study would find them again."""
    page = tmp_path / "monks.html"
    ties, actors = data_folder / "sampson_ties.csv", data_folder / "sampson_actors.csv"
    arguments = ["assess", str(ties), "--actors", str(actors), "--clusters", "3", "--worlds", "30", "-o", str(page)]
    assert call([*arguments, "--jobs", "2"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    safe = re.search(r"right\? (\d+) of 18 assignments are safe", said)
    assert safe is not None
    assert int(safe[1]) >= 14
    found = re.search(r"Yes, mostly: .* mean adjusted Rand index of (0\.\d+)", said)
    assert found is not None
    assert 0.7 < float(found[1]) < 0.92


def test_a_random_network_has_nothing_safe(tmp_path: Path, capsys: Said) -> None:
    path = tmp_path / "random.csv"
    ties = np.random.default_rng(5).random((18, 18)) < 0.29
    rows = [f"a{i:02d},a{j:02d}" for i, j in np.argwhere(ties) if i != j]
    path.write_text("\n".join(["source,target", *rows]) + "\n")
    assert assessed(tmp_path / "page.html", path, "--clusters", "3", "--worlds", "4") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "No assignment is safe" in said or "nothing is safe" in said
    assert "Yes, mostly" not in said


def panel_of(tmp_path: Path, **settings: Any) -> list[str | Path]:
    """Return the arguments of a panel of few managers with missing answers and four names at most."""
    world = simulate(
        Scenario(n_actors=16, n_clusters=2, separation=6.0, mean_degree=5.0, leaving=0.1, **settings), seed=3
    )
    seen = observe(world.panel, Fieldwork(response_rate=0.8, max_nominations=4), seed=1)
    folder = tmp_path / "files"
    folder.mkdir()
    actors, ties = write_panel(seen, folder)[:2]
    return [ties, "--actors", actors, "--clusters", "2", "--worlds", "2"]


def test_two_periods(tmp_path: Path, capsys: Said) -> None:
    page = tmp_path / "page.html"
    assert assessed(page, *panel_of(tmp_path, n_periods=2)) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(r"From period 1 to 2, \d+ % of \d+ actors present in both are seen to switch", said)
    assert re.search(r"From period .*?(Corrected for this noise|not estimable: )", said)
    text = text_of(page)
    assert "How far can the clusters found in these networks be trusted?" in text
    assert re.search(r"\d\d % of those asked answer.* at most 4 names are given", text)
    assert page.read_text().count("Has anything changed") == 2


def test_relations_fitted_jointly_and_fieldwork_that_is_given(tmp_path: Path, capsys: Said) -> None:
    page = tmp_path / "page.html"
    arguments = panel_of(tmp_path, relations=("work", "lunch"))
    given = ["--undirected-relations", "lunch", "--joint", "--response-rate", "0.5", "--max-nominations", "3"]
    assert assessed(page, *arguments, *given, "--refitter", "lpcm-map") == 0
    text = text_of(page)
    assert "lunch + work" in text
    assert "50 % of those asked answer and at most 3 names are given" in text


def test_ctrl_c_keeps_what_is_there(
    two_groups: Path, tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    arguments = [two_groups, "--clusters", "2", "--worlds", "4"]
    run = assess.Task.run

    def stopped(task: assess.Task, study: Study, **options: object) -> None:
        if study.name.endswith("numbers"):
            raise KeyboardInterrupt
        run(task, study, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(assess.Task, "run", stopped)
        assert assessed(page, *arguments) == 130
    said = capsys.readouterr()
    assert "stopped; what was refitted is kept and on the page: the same command goes on from there" in said.err
    assert "Would another study like this one find the same? Yes" in text_of(page)
    assert "no world" not in text_of(page)
    assert assessed(page, *arguments) == 0
    assert "would be chosen" in text_of(page)


def test_an_interrupt_in_the_middle_loses_nothing(
    two_groups: Path, tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the signal itself: the page says what is there, and the same command ends as one that was never stopped."""
    arguments = ["assess", "ties.csv", "--clusters", "2", "--worlds", "6", *QUICK[:-1], "1", "-o", "page.html"]
    folders = [tmp_path / name for name in ("stopped", "whole")]
    for folder in folders:
        folder.mkdir()
        shutil.copy(two_groups, folder / "ties.csv")
    stopped = subprocess.Popen(
        [sys.executable, "-m", "simlab", *arguments],
        cwd=folders[0],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    until = time.monotonic() + 60.0
    while not list(folders[0].glob("page.refits/*.zarr/zarr.json")) and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.5)
    stopped.send_signal(signal.SIGINT)
    said, errors = stopped.communicate(timeout=60)
    assert stopped.returncode == 130, errors
    assert "stopped; what was refitted is kept and on the page" in errors
    assert "the same command goes on from there" in " ".join(said.split())
    assert re.search(r"\d of 6 worlds are refitted", text_of(folders[0] / "page.html"))
    monkeypatch.setattr(sys, "argv", ["simlab", *arguments])
    monkeypatch.setattr("simlab.report.assessment_page._DPI", 30)  # pictures take their time, and are not compared
    outputs = []
    for folder in folders:
        monkeypatch.chdir(folder)
        assert call(arguments) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert text_of(folders[0] / "page.html") == text_of(folders[1] / "page.html")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fitter", "louvain"], "fitter = louvain: must be lpcm-mcmc"),
        (["--fitter", "lpcm-map"], "fitter = lpcm-map: must be lpcm-mcmc"),
        (["--set", "family=poisson"], "family = poisson: must be bernoulli"),
        (["--worlds", "1"], "worlds = 1: must be from 2"),
        (["--refitter", "louvain"], "refitter = louvain: must be a fitter to which a number of clusters can be given"),
        (["--refitter", "lpcm-mpa"], "no fitter named 'lpcm-mpa'. Did you mean 'lpcm-map'?"),
        (["--response-rate", "1.5"], "response_rate = 1.5: must be above 0 and at most 1"),
        (["--response-rate", "0"], "response_rate = 0.0: must be above 0 and at most 1"),
        (["--max-nominations", "0"], "max_nominations = 0: must be"),
        (["--jobs", "0"], "jobs = 0: must be an integer from 1"),
        (["--seed", "-1"], "seed = -1: must be an integer from 0"),
        (["--out", "page.txt"], "out = page.txt: must end in .html"),
        (["--clusters", "0"], "clusters = 0: must be from 1"),
        (["--clusters", "99"], "n_clusters"),
    ],
)
def test_wrong_input_is_one_line(arguments: list[str], message: str, two_groups: Path, capsys: Said) -> None:
    assert call(["assess", str(two_groups), *arguments]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.err.startswith("error: ")


def test_what_fitting_jointly_cannot_be_is_said_before_the_first_fit(
    tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simlab.cli.assessing.fit_all", lambda *_: pytest.fail("fitted"))
    ties = tmp_path / "ties.csv"
    rows = ["advice,1,a,b", "advice,1,b,c", "lunch,1,a,c", "advice,2,a,b", "advice,2,b,c"]
    ties.write_text("\n".join(["relation,period,source,target", *rows]) + "\n")
    assert call(["assess", str(ties), "--joint"]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: lunch, period 2: must have both ties and dyads without a tie")
    assert said.err.count("\n") == 1
    seen = simulate(Scenario(n_actors=16, mean_degree=5.0, relations=("advice", "lunch")), seed=3).panel
    seen = observe(seen, Fieldwork(max_nominations=3), seed=1)
    most = dict(zip(seen.keys, (3, 8), strict=True))
    (tmp_path / "limits").mkdir()
    write_panel(replace(seen, max_nominations=most), tmp_path / "limits")
    actors, ties = (tmp_path / "limits" / name for name in ("actors.csv", "ties.csv"))
    assert call(["assess", str(ties), "--actors", str(actors), "--joint"]) == 2
    assert capsys.readouterr().err.startswith("error: max_nominations: 3 for advice, 8 for lunch: must be alike")


def test_files_that_cannot_be_assessed(tmp_path: Path, capsys: Said) -> None:
    assert call(["assess", str(tmp_path / "none.csv")]) == 2
    assert "none.csv: no such file" in capsys.readouterr().err
    modes = tmp_path / "modes.csv"
    modes.write_text("source,target\na,x\nb,x\nb,y\nc,y\n")
    actors = tmp_path / "actors.csv"
    actors.write_text("actor,bipartite\na,0\nb,0\nc,0\nx,1\ny,1\n")
    assert call(["assess", str(modes), "--actors", str(actors), "--clusters", "2", *QUICK]) == 2
    assert "two-mode network" in capsys.readouterr().err
