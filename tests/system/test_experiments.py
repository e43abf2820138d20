"""The shipped experiments: every script loads, says what it is about, and answers whatever there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from simlab.fit.chain_fitter import ChainFitter
from simlab.fit.fit import Fitter
from simlab.plan.script import load_plan
from simlab.report.answer import answer
from simlab.study.about import HEADINGS, about_of
from simlab.study.answers import script_answer
from simlab.study.cell import NOT_CONVERGED, Place, Task, compute_task
from simlab.study.design import Grid, Study
from simlab.study.script import load_script, load_study
from simlab.study.store import Store, opened

FOLDER = Path(__file__).parents[2] / "experiments"
SCRIPTS = sorted(file for file in FOLDER.glob("*.py") if re.search(r"^(def )?study\b", file.read_text(), re.MULTILINE))
PLANS = sorted(file for file in FOLDER.glob("*.py") if re.search(r"^plan\b", file.read_text(), re.MULTILINE))


def named(script: Path) -> str:
    return script.stem


def small(study: Study, replicates: int) -> Study:
    """Return the study with its smallest worlds and quickest fitters alone, so that it runs in a second or two.

    The first level of every dimension of the worlds that is a number, but every number of clusters; all names.
    """
    labels, keep = {}, []
    for dim, levels in study.scenarios.labels.items():
        labels[dim] = levels[:1] if isinstance(levels[0], float) and dim != "n_clusters" else levels
    for index, settings in study.scenarios.items():
        if all(i < len(levels) for i, levels in zip(index, labels.values(), strict=True)):
            keep.append(settings.but(n_sites=min(settings.n_sites, 2), n_actors=min(settings.n_actors, 40)))
    quick: dict[str, Fitter] = {k: f for k, f in study.fitters.items() if not isinstance(f, ChainFitter)}
    if not quick:
        short = {"n_chains": 1, "n_warmup": 50, "n_draws": 20}
        quick = {k: f.but(**short) for k, f in study.fitters.items()}
    return Study(
        study.name,
        question=study.question,
        scenarios=Grid(labels, tuple(keep)),
        fieldworks=study.fieldworks,
        fitters=dict(list(quick.items())[:3]),
        replicates=replicates,
        seed=study.seed,
        metrics=[m.name for m in study.metrics],
        about=study.about,
    )


def computed(study: Study, path: Path, worlds: int) -> Any:
    """Return the dataset of a study of which at most so many worlds were computed, in this process."""
    store = Store(path, study)
    fields, fitters = len(study.fieldworks.settings), len(study.fitters)
    done = 0
    for scenario in range(len(study.scenarios.settings)):
        for replicate in range(study.replicates):
            if done < worlds:
                places = [Place(scenario, w, f, replicate) for w in range(fields) for f in range(fitters)]
                for result in compute_task(study, Task(tuple(places))):
                    store.add(result)
                done += 1
    store.flush()
    with opened(path) as dataset:
        return dataset.load()


def check_sentences(sentences: list[str] | None) -> None:
    assert sentences
    for sentence in sentences:
        assert sentence == sentence.strip()
        assert sentence.endswith(".")
        assert "nan" not in sentence.lower().split()
        assert len(sentence) < 2000


@pytest.mark.parametrize("script", SCRIPTS, ids=named)
def test_a_script_has_the_headings_and_both_sizes(script: Path) -> None:
    about = about_of(load_script(script).__doc__)
    assert tuple(about) == HEADINGS
    demo, full = load_study(script, "demo"), load_study(script, "full")
    assert demo.name == full.name == script.stem
    assert set(demo.about) >= set(HEADINGS)
    cells = [
        len(s.scenarios.settings) * len(s.fieldworks.settings) * len(s.fitters) * s.replicates for s in (demo, full)
    ]
    assert cells[0] < cells[1]


@pytest.mark.parametrize("script", [s for s in SCRIPTS if hasattr(load_script(s), "answer")], ids=named)
def test_an_answer_copes_with_nothing_a_part_and_a_tiny_run(script: Path, tmp_path: Path) -> None:
    study = small(load_study(script), 1)
    check_sentences(script_answer(script, computed(study, tmp_path / "nothing.zarr", 0)))
    check_sentences(script_answer(script, computed(study, tmp_path / "part.zarr", 1)))
    dataset = computed(study, tmp_path / "tiny.zarr", 1000)
    assert int((dataset["status"] > NOT_CONVERGED).sum()) < 0.5 * dataset["status"].size
    check_sentences(script_answer(script, dataset))
    failed = dataset.assign({m.name: dataset[m.name].where(False) for m in study.metrics})
    check_sentences(script_answer(script, failed))


def test_a_script_without_an_answer_of_its_own_has_the_general_one(tmp_path: Path) -> None:
    script = FOLDER / "quickstart.py"
    assert script_answer(script, None) is None
    study = small(load_study(script), 1)
    check_sentences(answer(computed(study, tmp_path / "q.zarr", 1)))


def test_every_script_names_a_study_or_a_plan() -> None:
    assert sorted([*SCRIPTS, *PLANS]) == sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("script", PLANS, ids=named)
def test_plans_load_and_say_what_they_are_about(script: Path) -> None:
    plan = load_plan(script)
    assert len(plan.space) > 1
    text = load_script(script).__doc__ or ""
    assert set(about_of(text)) >= set(HEADINGS)
