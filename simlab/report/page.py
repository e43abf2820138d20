"""The page: one HTML file that opens offline and holds the whole report, and the summary picture beside it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simlab.foundation.errors import InputError, printable, shown
from simlab.report import counts, example, figures, sections, tables
from simlab.report.answer import number_of_clusters, sentences
from simlab.report.headline import headline_table
from simlab.report.numbers import capital, listed, unbroken
from simlab.report.results import Results
from simlab.report.style import check_writable, rendered, styled, write_atomically
from simlab.study.storage import Storage
from simlab.study.store import opened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE_DPI = 100  # of 16 by 10 inches
# A name that a study gives can be of any length.
LONGEST_SENTENCE = 1500
PAGE_DPI = 190  # of 10 inches across about a thousand pixels, for screens with two dots a pixel

_CONTENTS = (
    ("design", "Design", ""),
    ("numbers", "Numbers", ""),
    ("bridgers", "Bridgers", "bridger_table"),
    ("stability", "Stability", "stability_table"),
    ("clusters", "Number of clusters", ""),
    ("composition", "Composition", "composition"),
    ("example", "One network", ""),
    ("time", "Time and convergence", ""),
    ("other", "Other measures", "other"),
    ("failures", "Failures", ""),
    ("limits", "Limits", ""),
    ("provenance", "Provenance", ""),
)


@dataclass(frozen=True)
class Report:
    """Where a report was written."""

    page: Path
    picture: Path


@dataclass(frozen=True)
class Image:
    """An image within the page: its data as a URI, what it shows in words, and a caption."""

    data: str
    alt: str
    caption: str
    narrow: bool = False


def write_report(
    store: str | Path | Storage, out: str | Path | None = None, *, script: str | Path | None = None
) -> Report:
    """Write the report of a store, finished or not, and return where it and its picture are.

    Parameters
    ----------
    store : path
        A store of ``simlab run``.
    out : path, optional
        The HTML page; the store's path with the suffix ``.html`` unless said. The picture has the suffix ``.png``.
    script : path, optional
        The script that defined the study, where an example of its own fitters is to be drawn; imported only if named.

    Raises
    ------
    InputError
        For something that is no store, or a path that cannot be written.
    """
    where = Storage(store)
    page = Path(out) if out is not None else where.beside(".html")
    picture = page.with_suffix(".png")
    if page == picture or not page.name:
        raise InputError.of("out", str(page), "must be a file that ends in .html: the picture beside it ends in .png")
    with opened(where) as dataset:
        check_writable(page)
        check_writable(picture)
        results = Results.of(dataset)
    with styled():
        answers = sentences(results)
        values = content(results, where, answers, Path(script) if script is not None else None)
        drawn = figures.picture(results, results.design["question"], answers)
        image = rendered(drawn.figure, dpi=PICTURE_DPI)
    text = _environment().get_template("template.html").render(values)
    write_atomically(picture, image)
    write_atomically(page, text.encode("utf-8", "replace"))
    return Report(page, picture)


def content(results: Results, store: Storage, answers: list[str], script: Path | None = None) -> dict[str, Any]:
    """Return everything that the template shows. Text is escaped by the template."""
    shown_example = example.example(results, store, script)
    recovered = figures.recovery(results) or figures.anything(results)
    values: dict[str, Any] = {
        "title": results.design["name"],
        "question": results.design["question"],
        "warnings": [text for text in (sections.progress(results), sections.failures(results)) if text],
        "answers": [s.partition(": ")[::2] if ": " in s else ("", s) for s in map(_sentence, answers)],
        "recovery": _image(recovered, "The main measure of each fitter, with its references"),
        "about": [sections.Pair(str(k), str(v)) for k, v in results.design.get("about", {}).items()],
        "factors": sections.factors(results),
        "scenarios": sections.case_lines(results, "scenarios"),
        "fieldworks": sections.case_lines(results, "fieldworks"),
        "fitters": sections.fitter_lines(results),
        "headline": headline_table(results),
        "bridgers": _image(figures.bridgers(results), "Area under the curve of the bridging score, by fitter"),
        "bridger_table": tables.bridger_table(results),
        "stability": _image(figures.stability(results), "Seen and true switching, seen and true persistence"),
        "stability_table": tables.stability_table(results),
        "number_of_clusters": _number_of_clusters(results),
        "counts": _image(counts.chosen_numbers(results), "How often each number of clusters was chosen"),
        "composition": tables.composition_table(results),
        "example": _embedded(shown_example.figure, "A network in true and in fitted positions", ""),
        "example_caption": shown_example.caption,
        "example_cell": shown_example.cell,
        "time": tables.time_table(results),
        "other": tables.other_table(results),
        "failed": sections.troubles(results, failed=True),
        "unconverged": sections.troubles(results, failed=False),
        "limits": sections.limits(results),
        "origin": sections.origin(results),
        "commands": sections.commands(results, store, shown_example.cell),
        "store": store.last,
    }
    values["contents"] = [(name, anchor) for anchor, name, needs in _CONTENTS if not needs or values[needs]]
    return values


def _number_of_clusters(results: Results) -> list[str]:
    """Return in words who was given the number of clusters, and how wrong the others are."""
    given = [name for name in results.fitters if not results.chooses(name)]
    lines = [f"The number of clusters was given to {listed(given)}."] if given else []
    lines += [capital(text.partition(": ")[2]) for text in number_of_clusters(results)]
    return [shown(line, LONGEST_SENTENCE) for line in lines]


def _sentence(text: str) -> str:
    return unbroken(shown(text, LONGEST_SENTENCE))


def _image(drawn: figures.Drawn | None, alt: str) -> Image | None:
    return None if drawn is None else _embedded(drawn.figure, alt, " ".join(drawn.notes))


def _embedded(figure: Figure | None, alt: str, caption: str) -> Image | None:
    """Return a figure as data within the page, so that nothing has to be fetched."""
    if figure is None:
        return None
    data = base64.b64encode(rendered(figure, dpi=PAGE_DPI)).decode("ascii")
    return Image(f"data:image/png;base64,{data}", alt, caption, narrow=figure.get_figwidth() < 9.0)


def _environment() -> Any:
    """Return the templates, which escape whatever they are given and write out what nobody could see."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, finalize=_visible)


def _visible(value: Any) -> Any:
    """Return a text with marks written out that would turn the direction of the page; what is markup already as it is."""
    return printable(value, keep="\n\t") if type(value) is str else value
