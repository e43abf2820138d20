"""The command plan, as a user types it."""

from __future__ import annotations

import asyncio
import gc
import logging
from pathlib import Path
from typing import Any

import pytest

from simlab.cli import call
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.panel_write import write_panel
from simlab.plan.problem import Plan
from simlab.plan.study_evaluator import StudyEvaluator

Said = pytest.CaptureFixture[str]

SCRIPT = """
from simlab import Plan, Scenario, Spectral, between

plan = Plan(
    "tiny",
    question="How many managers & names?",
    scenario=Scenario(n_actors=24, mean_degree=6.0, separation=6.0),
    design={"n_invited": [12, 18, 24], "max_nominations": between(2, 6)},
    fitters=Spectral(n_clusters=3),
    targets=["P(ari >= 0.3) >= 0.68"],
    stored=[],
    fits=600,
)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.py"
    file.write_text(SCRIPT)
    return file


def planned(script: Path, *options: str) -> int:
    return call(
        ["plan", str(script), "--store", str(script.parent / "store"), "-o", str(script.parent / "plan.html"), *options]
    )


def test_a_plan_says_its_answer_and_writes_its_page(script: Path, capsys: Said) -> None:
    assert planned(script) == 0
    said = capsys.readouterr().out
    assert "Answer: the cheapest design found that reaches P(ari >= 0.3) >= 0.68" in said
    assert "On fresh replicates, which had no part in choosing it" in said
    page = (script.parent / "plan.html").read_text(encoding="utf-8")
    assert "How many managers &amp; names?" in page
    assert "<h2" in page
    assert page.count("data:image/png;base64,") == 2
    assert "http" not in page.replace("http-equiv", "")
    # A later plan with another target finds what is there, and one over budget says what the best reaches.
    assert (
        planned(script, "--target", "P(ari >= 0.99) >= 0.99", "--target", "mean(ari) >= 0.9", "--budget", "4000") == 0
    )
    said = capsys.readouterr().out
    assert "comes nearest" in said
    assert "Limits: lifted one by one" in said


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--target", "P(arii >= 0.8) >= 0.9"], "Did you mean 'ari'?"),
        (["--target", "P(ari >= 1.8) >= 0.9"], "no value can reach it"),
        (["--target", "everything"], "must be P("),
        (["--budget", "0"], "budget = 0"),
        (["--budget", "-3"], "budget = -3"),
        (["--budget", "nan"], "budget = nan"),
        (["--budget", "1"], "the cheapest design costs"),
        (["--fits", "3"], "fits = 3"),
        (["--jobs", "0"], "jobs = 0"),
        (["--seed", "-1"], "seed = -1"),
        (["--pilot", "nowhere.csv"], "nowhere.csv"),
        (["-o", "page.txt"], "out = page.txt: must end in .html"),
        (["-o", "/proc/x.html"], "/proc/x.html: cannot be written"),
        (["--store", "/proc/x"], "store = /proc/x: must be a folder that can be written to"),
        (["--store", __file__], "must be a folder that can be written to (is a file)"),
        (["--actors", "people.csv"], "actors = people.csv: is of a pilot: give --pilot too"),
        (["--undirected"], "undirected = True: is of a pilot"),
        (["--undirected-relations", "lunch,advice"], "undirected_relations = lunch, advice: is of a pilot"),
    ],
)
def test_wrong_input_is_one_clear_line(script: Path, options: list[str], error: str, capsys: Said) -> None:
    assert planned(script, *options) == 2
    out, said = capsys.readouterr()
    said = said.strip()
    assert error in said
    assert "fits" not in out
    assert len([line for line in said.splitlines() if line.startswith("error: ")]) == 1
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("max_nominations", "max_nomination", "Did you mean 'max_nominations'?"),
        ("between(2, 6)", "between(6, 2)", "from the lower to the higher number"),
        ("between(2, 6)", "[]", "one or more different levels"),
        ("[12, 18, 24]", "[12, 18, 30]", "n_invited = 30: must be at most n_actors = 24"),
        ("stored=[]", "stored=[], price='5 - invited'", "must be finite and not negative"),
        ("stored=[]", "stored=[], price='invited * log(0)'", "must be finite and not negative"),
        ("stored=[]", "stored=[], unknown={'separatio': (1.0, 2.0)}", "Did you mean 'separation'?"),
        ("stored=[]", "stored=[], unknown={'spread': (2.0, 1.0)}", "from the lower to the higher number"),
        ("plan = Plan", "plans = Plan", "must name a `plan`"),
        ("plan = Plan(", "plan = 3\nother = Plan(", "must be a Plan"),
    ],
)
def test_a_wrong_script_is_one_clear_line(tmp_path: Path, old: str, new: str, error: str, capsys: Said) -> None:
    file = tmp_path / f"wrong{abs(hash(new))}.py"
    file.write_text(SCRIPT.replace(old, new))
    assert planned(file) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("error: ")
    assert error in said
    assert "\n" not in said


def test_a_pilot_whose_people_are_fewer_than_the_sample_is_one_clear_line(script: Path, capsys: Said) -> None:
    folder = script.parent / "pilot"
    folder.mkdir()
    write_panel(simulate(Scenario(n_actors=20, mean_degree=5.0), seed=1).panel, folder)
    options = ["--pilot", str(folder / "ties.csv"), "--actors", str(folder / "actors.csv")]
    assert planned(script, *options) == 2
    assert "n_invited = 24: must be at most n_actors = 20" in capsys.readouterr().err


def piloted(folder: Path, unknown: str) -> Path:
    """Return a script with a quick fitter of pilots, beside a pilot of which a tie is there twice."""
    panel = simulate(Scenario(n_actors=24, mean_degree=5.0, separation=6.0), seed=1).panel
    write_panel(panel, folder)
    ties = folder / "ties.csv"
    lines = ties.read_text().splitlines()
    ties.write_text("\n".join([*lines, lines[1]]))
    text = SCRIPT.replace(
        "stored=[]", "stored=[], pilot_fitter=LpcmMcmc(n_clusters=3, n_chains=2, n_warmup=50, n_draws=20)"
    )
    text = text.replace("stored=[]", f"stored=[], unknown={{{unknown}}}")
    file = folder / "piloted.py"
    file.write_text(f"from simlab.fit.lpcm_mcmc import LpcmMcmc\n{text}")
    return file


def test_what_is_to_be_known_of_a_pilot_is_said_in_a_line_each(
    tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    # All of it is said before the search.
    monkeypatch.setattr(Plan, "solve", stopped)
    file = piloted(tmp_path, "'reciprocity': (0.3, 0.6)")
    options = ["--pilot", str(tmp_path / "ties.csv"), "--actors", str(tmp_path / "actors.csv")]
    assert planned(file, *options) == 130
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert any(line.startswith("warning: 1 duplicate tie") for line in lines)
    assert any(line.startswith("set aside: what the script says of reciprocity") for line in lines)
    assert any(line.startswith("warning: the fit of ties.csv did not converge (") for line in lines)
    assert any(line.startswith("unknown  ") and "which did not converge" in line for line in lines)
    assert "Warning" not in out + err


def test_nothing_is_said_of_what_ctrl_c_cut_off(
    script: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    under_way: list[Any] = []

    def stopped(*_: Any, **__: Any) -> None:
        loop = asyncio.new_event_loop()
        under_way.append(loop.create_task(asyncio.sleep(9.0)))
        loop.run_until_complete(asyncio.sleep(0.0))
        loop.close()
        raise KeyboardInterrupt

    monkeypatch.setattr(Plan, "solve", stopped)
    try:
        assert planned(script) == 130
        under_way.clear()
        gc.collect()
    finally:
        logging.getLogger("asyncio").setLevel(logging.NOTSET)
    assert caplog.text == ""


@pytest.mark.parametrize("made_of_it", [False, True])
def test_after_ctrl_c_the_same_command_goes_on_to_the_same_answer(
    made_of_it: bool, script: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is, and as a library may pass it on: an error of its own that came of it."""
    text = script.read_text().replace("[12, 18, 24]", "[18, 24]").replace("between(2, 6)", "[3, 5]")
    script.write_text(text.replace("fits=600", "fits=200"))
    store = script.parent / "store"
    usual, left = StudyEvaluator.evaluate, [2]

    def evaluate(self: StudyEvaluator, *given: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            try:
                raise KeyboardInterrupt
            except KeyboardInterrupt as stop:
                if made_of_it:
                    raise ImportError("half of a library") from stop
                raise
        return usual(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(StudyEvaluator, "evaluate", evaluate)
        assert planned(script) == 130
    told = capsys.readouterr()
    assert told.err.splitlines()[-1] == f"stopped; what was computed is in {store}: the same command goes on from there"
    assert "Answer" not in told.out
    begun = set(store.glob("*.zarr"))
    assert len(begun) >= 2
    assert planned(script) == 0
    whole = capsys.readouterr().out
    assert begun < set(store.glob("*.zarr"))
    # A run that nothing stopped, in another folder.
    other = script.parent / "other"
    assert planned(script, "--store", str(other)) == 0
    assert capsys.readouterr().out == whole.replace(str(store), str(other))
