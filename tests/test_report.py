"""Reports: the headline table, the answer, the pictures and the page, of finished, unfinished and odd studies."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import network_of
from PIL import Image

from simlab import Fieldwork, Louvain, Scenario, Spectral, Study, cases, grid, run, stream
from simlab.foundation.errors import InputError
from simlab.report import figures
from simlab.report import page as page_module
from simlab.report.answer import answer, sentences
from simlab.report.choices import fullest
from simlab.report.counts import chosen_numbers
from simlab.report.drawing import draw_network
from simlab.report.example import example
from simlab.report.headline import MOST_ROWS, as_text, headline
from simlab.report.measures import BAYES
from simlab.report.networks import plot_fits, top_bridgers
from simlab.report.numbers import Estimate, crossing, duration, number, percent, plus_minus, pooled
from simlab.report.page import PICTURE_DPI, write_report
from simlab.report.results import Results
from simlab.report.sections import fitter_lines
from simlab.report.style import figure, rendered, styled
from simlab.study.cell import Place
from simlab.study.replay import cell_name, stored_study
from simlab.study.storage import Storage
from simlab.study.store import Store, opened
from simlab.study.summary import summarise

WORLD: dict[str, Any] = {"n_actors": 18, "mean_degree": 5.0, "reciprocity": None}
HOSTILE = "<script>alert(1)</script>"
MATH = "$x_{bad & <b>"


def made(folder: Path, name: str, **settings: Any) -> Path:
    """Run a small study and return its store."""
    defaults: dict[str, Any] = {
        "question": f"Is {HOSTILE} found?",
        "scenarios": Scenario(**WORLD),
        "fieldworks": Fieldwork(),
        "fitters": [Spectral(n_clusters=3), Louvain()],
        "replicates": 3,
        "seed": 5,
    }
    run(Study(name, **{**defaults, **settings}), folder / f"{name}.zarr", jobs=1, backend="threads")
    return folder / f"{name}.zarr"


def loaded(store: Path) -> Any:
    with opened(store) as dataset:
        return dataset.load()


@pytest.fixture(autouse=True, scope="module")
def coarse() -> Iterator[None]:
    """Draw the page's figures coarsely, which is quicker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_module, "PAGE_DPI", 40)
        patch.setattr(page_module, "PICTURE_DPI", 40)
        yield


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with two periods, numbers along the axis, two fieldworks, hostile names, and cells that fail."""
    return made(
        tmp_path_factory.mktemp("report"),
        "full",
        scenarios=grid(Scenario(**WORLD, n_periods=2), separation=[2.0, 6.0]),
        fieldworks={"complete": Fieldwork(), MATH: Fieldwork(response_rate=0.7)},
        fitters={HOSTILE: Spectral(n_clusters=3), "_hidden": Louvain(), "fails": Spectral(n_clusters=40)},
        about={"Aims": f"To see {HOSTILE}."},
    )


@pytest.fixture(scope="module")
def page(store: Path) -> str:
    return write_report(store).page.read_text(encoding="utf-8")


class Resources(HTMLParser):
    """Everything that a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "data", "srcset", "style")]


def test_headline_is_the_summary(store: Path) -> None:
    dataset = loaded(store)
    table = headline(dataset)
    summary = summarise(dataset, over=("replicate", "site", "relation", "period"))
    assert len(table.rows) == 2 * 2 * 3
    row = next(r for r in table.rows if (r["separation"], r["fieldwork"], r["fitter"]) == (6.0, MATH, HOSTILE))
    at = {"separation": 6.0, "fieldwork": MATH, "fitter": HOSTILE}
    assert row["ari"] == pytest.approx(float(summary["ari"].sel(at)))
    assert row["ari_mcse"] == pytest.approx(float(summary["ari_mcse"].sel(at)))
    assert row["bayes_ari"] == pytest.approx(float(summary["bayes_ari"].sel(separation=6.0)))
    assert {r["failure"] for r in table.rows if r["fitter"] == "fails"} == {1.0}
    assert {r["failure"] for r in table.rows if r["fitter"] != "fails"} == {0.0}
    headings = [c.heading for c in table.columns]
    assert "failed" in headings
    assert "switch seen" in headings
    assert "not conv." not in headings


def test_terminal_table_is_narrow_and_aligned(store: Path) -> None:
    lines = as_text(headline(loaded(store))).splitlines()
    assert max(map(len, lines)) <= 110
    assert any("100 %" in line for line in lines)
    narrow = as_text(headline(loaded(store)), width=50)
    assert max(map(len, narrow.splitlines())) <= 50
    assert "Left out for lack of room" in " ".join(narrow.split())


def test_answer_is_made_of_the_numbers(store: Path) -> None:
    dataset = loaded(store)
    found = answer(dataset)
    assert 2 <= len(found) <= 5
    subjects = [text.partition(":")[0] for text in found]
    assert subjects[:3] == ["Clusters", "Fitters", "Fieldwork"]
    assert "from 2 to 6" in found[0]
    assert "“complete”" in found[0]
    values = Results.of(dataset).cells("ari")
    assert np.isnan(values[:, :, 2]).all()
    assert str(pooled(values[:1, :1, 0])) in found[0] or str(pooled(values[:1, :1, 1])) in found[0]


def test_fieldworks_of_every_kind_are_told_of(tmp_path: Path) -> None:
    """Rates by period, names dropped, and that listwise deletion scores fewer actors."""
    store = made(
        tmp_path,
        "kinds",
        scenarios=Scenario(n_actors=20, n_periods=2, mean_degree=4.0),
        fieldworks={
            "wide": Fieldwork(outsiders=0.2),
            "capped": Fieldwork(max_nominations=3, dropped="within-organisation", response_rate=(0.9, 0.6)),
            "deleted": Fieldwork(left_out="private", response_rate=0.8, treatment="listwise-deletion"),
        },
        fitters=[Spectral(n_clusters=3)],
        replicates=2,
    )
    write_report(store, tmp_path / "kinds.html")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", (tmp_path / "kinds.html").read_text(encoding="utf-8")))
    assert "actors name ties outside their organisation first, and the rest is read as no tie" in text
    assert "response rate (0.9, 0.6)" in text
    assert "metrics of fits are over the actors that a fit has" in text
    assert "actors are in the right cluster" in text


def test_differences_within_two_errors_are_not_called_differences(store: Path) -> None:
    dataset = loaded(store)
    base = dataset["ari"].isel(fitter=0).values
    noise = 1e-3 * np.array([1.0, -1.0, 0.0])
    dataset["ari"][:] = base[:, :, None]
    dataset["ari"][:, :, 1] = base - 1e-6 + noise[:, None, None, None]
    dataset["ari"][:, :, 2] = base - 0.3 + noise[:, None, None, None]
    text = next(s for s in answer(dataset) if s.startswith("Fitters"))
    assert f"{HOSTILE} has the highest mean ARI" in text
    assert "; _hidden cannot be distinguished from it" in text
    assert "lower by (paired differences): fails (0.300 ± 0.000)" in text


def test_page_holds_every_section(page: str) -> None:
    for anchor in ("design", "numbers", "bridgers", "stability", "clusters", "composition", "example", "time", "failures",
                   "limits", "provenance"):  # fmt: skip
        assert f'id="{anchor}"' in page
        assert f'href="#{anchor}"' in page
    assert "12 of 36 cells failed" in page
    assert "must be at most the number of actors" in page
    assert "simlab replay full.zarr --cell" in page
    assert "Monte Carlo" in page
    assert "ARI</th>" in page
    assert page.count("data:image/png;base64,") >= 5
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page).lower().replace("nominat", "").split()


def test_page_escapes_and_fetches_nothing(page: str) -> None:
    parser = Resources()
    parser.feed(page)
    assert "script" not in parser.tags
    assert "link" not in parser.tags
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    outside = [value for value in parser.found if not value.startswith(("#", "data:image/png;base64,", "padding"))]
    assert outside == []
    assert re.findall(r"https?://|@import|url\(", page) == []


def test_page_that_cannot_be_written(store: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.html").mkdir()
    for out in (tmp_path / "file" / "page.html", tmp_path / "folder.html", tmp_path / "page.png"):
        with pytest.raises(InputError, match=re.escape(str(out)[:40])) as caught:
            write_report(store, out)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no such store"):
        write_report(tmp_path / "nothing.zarr")


def test_cell_ids_are_those_of_replay(store: Path) -> None:
    dataset = loaded(store)
    results = Results.of(dataset)
    index = {"separation": 1, "fieldwork": 1, "fitter": 2, "replicate": 2}
    assert results.cell_id(index) == cell_name(stored_study(dataset), Place(1, 1, 2, 2))


def test_unfinished_store(store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "full.zarr"
    shutil.copytree(store, copy)
    study = stored_study(loaded(copy))
    Store(copy, study.changed(replicates=6))
    text = write_report(copy).page.read_text()
    assert "Unfinished: 36 of 72 cells are done" in text
    dataset = loaded(copy)
    dataset["status"][:] = 0
    for name in Results.of(dataset).metrics:
        dataset[name][:] = np.nan
    assert answer(dataset) == ["Nothing yet: no cell has a value."]
    assert headline(dataset).rows
    results = Results.of(dataset)
    assert figures.recovery(results) is None
    with styled():
        assert figures.picture(results, "Why?", answer(dataset)).figure is not None
    assert "No cell has been fitted" in example(results, Storage(copy)).caption


def test_fitter_that_is_not_registered_here(store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "full.zarr"
    shutil.copytree(store, copy)
    metadata = copy / "zarr.json"
    metadata.write_text(metadata.read_text().replace('\\"name\\": \\"spectral\\"', '\\"name\\": \\"my-own\\"'))
    assert json.loads(loaded(copy).attrs["provenance"])["design"]["fitters"]["fails"]["name"] == "my-own"
    results = Results.of(loaded(copy))
    found = example(results, Storage(copy))
    assert found.figure is None
    assert "cannot be computed again here (no fitter named 'my-own'" in found.caption
    assert fitter_lines(results)[0][:2] == (HOSTILE, "my-own, which is not registered here")


def test_single_scenario_fitter_and_replicate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = made(tmp_path, "single", fitters=[Spectral(n_clusters=3)], replicates=1)
    dataset = loaded(where)
    table = headline(dataset)
    assert len(table.rows) == 1
    assert "±" not in "".join(table.cells()[0])
    assert "One replicate" in table.notes[0]
    assert "±" not in " ".join(answer(dataset))
    monkeypatch.setattr(page_module, "PICTURE_DPI", PICTURE_DPI)
    written = write_report(where, tmp_path / "deep" / "page.html")
    assert "Is &lt;script&gt;" in written.page.read_text()
    assert sorted(p.name for p in written.page.parent.iterdir()) == ["page.html", "page.png"]
    with Image.open(written.picture) as image:
        assert image.size == (1600, 1000)


def test_names_as_levels_and_some_metrics(tmp_path: Path) -> None:
    worlds = cases(
        "scenario", {"close": Scenario(**WORLD, separation=2.0), "far, far apart": Scenario(**WORLD, separation=6.0)}
    )
    where = made(tmp_path, "names", scenarios=worlds, metrics=["ari", "information"])
    dataset = loaded(where)
    assert "“far, far apart”" in answer(dataset)[0]
    text = write_report(where).page.read_text()
    for missing in ('id="bridgers"', 'id="stability"', 'id="composition"', 'id="other"'):
        assert missing not in text
    other = made(tmp_path, "other", metrics=["misclassification", "seconds"])
    assert answer(loaded(other))[0].startswith("Share of actors in the wrong cluster: on average ")
    assert "share of actors in the wrong cluster" in write_report(other).page.read_text()


def test_large_designs_are_bounded(tmp_path: Path) -> None:
    where = made(
        tmp_path,
        "large",
        scenarios=grid(
            Scenario(**WORLD, n_sites=2), separation=[float(s) for s in range(1, 8)], reciprocity=[0.5, 0.6]
        ),
        fieldworks=grid(Fieldwork(), response_rate=[0.5, 0.75, 1.0], max_nominations=[None, 3]),
        fitters=[Louvain()],
        replicates=1,
        metrics=["ari", "bayes_ari", "information", "n_clusters_used"],
    )
    dataset = loaded(where)
    table = headline(dataset)
    assert 1 < len(table.rows) <= MOST_ROWS
    assert any(note.startswith("Averaged over ") and "reciprocity" in note and "site" in note for note in table.notes)
    results = Results.of(dataset)
    assert results.axis() == "separation"
    assert [panel.select for panel in results.panels()][-1] == {"response_rate": 2, "max_nominations": 1}
    assert fullest(results) == 4
    assert "response rate 1, max nominations none" in sentences(results)[0]
    with styled():
        drawn = figures.recovery(results)
        assert drawn is not None
        assert len(rendered(drawn.figure, dpi=50)) > 1000
        assert any("Averaged over reciprocity, site" in note for note in drawn.notes)


def test_recovery_shows_both_references(store: Path) -> None:
    with styled():
        results = Results.of(loaded(store))
        drawn = figures.recovery(results)
        assert drawn is not None
        texts = [t.get_text() for axes in drawn.figure.axes for t in axes.texts]
        assert texts.count(BAYES) == 2
        information = results.curve("information", "separation", results.panels()[0])[0]
        crossed = crossing(np.array([2.0, 6.0]), information, 1.0)
        assert texts.count(figures.LINE) == (2 if crossed is not None else 0)
        assert chosen_numbers(results) is not None
        ticks = [t.get_text() for t in drawn.figure.axes[0].get_xticklabels()]
        assert ticks[0] == f"2\n{information[0]:.2f}"


def test_crossing() -> None:
    x = np.array([1.0, 2.0, 3.0])
    assert crossing(x, np.array([0.0, 0.5, 1.5]), 1.0) == pytest.approx(2.5)
    assert crossing(x, np.array([2.0, 1.5, 0.5]), 1.0) == pytest.approx(2.5)
    assert crossing(x, np.array([0.0, 2.0, 0.5]), 1.0) is None
    assert crossing(x, np.array([0.0, 0.1, 0.2]), 1.0) is None
    assert crossing(x, np.array([0.0, np.nan, 2.0]), 1.0) is None


def test_pooled_by_hand() -> None:
    # Two scenarios, two fieldworks, two replicates: fieldworks of a world are averaged before anything else.
    values = np.array([[[1.0, 3.0], [3.0, 5.0]], [[0.0, 0.0], [0.0, np.nan]]])
    found = pooled(values)
    assert found.mean == pytest.approx(1.5)  # scenarios: 3 and 0
    assert found.mcse == pytest.approx(0.5)  # errors: 1 (sd of 2 and 4 over root 2) and 0, over 2 scenarios
    assert not pooled(np.full((1, 1, 3), np.nan)).known
    assert np.isnan(pooled(np.ones((1, 1, 1))).mcse)
    assert Estimate(0.21, 0.1).distinct
    assert not Estimate(0.2, 0.1).distinct
    assert not Estimate(5.0, float("nan")).distinct


def test_numbers_as_text() -> None:
    assert number(-0.001) == "0.00"
    assert number(1.5, signed=True) == "+1.50"
    assert number(float("nan")) == "\N{EN DASH}"
    assert plus_minus(0.5, 0.012) == "0.50 ± 0.01"
    assert plus_minus(0.5, 0.0012) == "0.500 ± 0.001"
    assert plus_minus(0.5, float("nan")) == "0.50"
    assert [percent(v) for v in (0.0, 0.001, 0.5, 0.999, 1.0)] == ["0 %", "<1 %", "50 %", ">99 %", "100 %"]
    assert [duration(v) for v in (0.004, 0.25, 3.0, 600.0, 9000.0)] == [
        "4.0 ms",
        "250 ms",
        "3.0 s",
        "10.0 min",
        "2.5 h",
    ]


def networks() -> list[Any]:
    rng = np.random.default_rng(1)
    ties = rng.random((12, 12)) < 0.3
    empty = network_of(np.zeros((5, 5), dtype=bool))
    named = network_of(ties, actors=tuple(sorted(f"$a_{i}<b>" for i in range(12))))
    return [
        (n, fitter.fit(n, rng=stream(1, "plot")))
        for n in (named, empty)
        for fitter in (Louvain(), Spectral(n_clusters=2))
    ]


def test_plot_fits(tmp_path: Path) -> None:
    items = networks()
    for suffix, start in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        plot_fits(tmp_path / f"plot{suffix}", items[: 4 if suffix == ".png" else 1])
        assert (tmp_path / f"plot{suffix}").read_bytes().startswith(start)
    with pytest.raises(InputError, match=r"must end in one of \.png, \.svg, \.pdf"):
        plot_fits(tmp_path / "plot.jpeg", items)
    with pytest.raises(InputError, match="no fit to draw"):
        plot_fits(tmp_path / "plot.png", [])
    with pytest.raises(InputError, match="cannot be written"):
        plot_fits(tmp_path / "plot.svg" / "plot.png", items[:1])
    assert 3 <= top_bridgers(items[0][1]).sum() <= 6


def test_draw_network_of_any_dimension() -> None:
    network, fit = networks()[0]
    with styled():
        for n_dims in (1, 2, 3):
            made_figure = figure(3.0, 3.0)
            axes = made_figure.subplots()
            flags = np.arange(12) < 2
            positions = np.random.default_rng(2).normal(size=(12, n_dims))
            labels = np.where(np.arange(12) == 11, -1, fit.labels)
            handles = draw_network(
                axes, network, positions, labels, flags, wrong=flags, unknown=flags, arrows=n_dims > 1
            )
            assert len(handles) == len(np.unique(labels))
            assert rendered(made_figure, "png", dpi=40).startswith(b"\x89PNG")
