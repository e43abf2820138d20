"""The page of an assessment: one HTML file that opens offline, for the appendix of a study."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simlab.plan.again import Again
from simlab.plan.assess import Assessment, Bridger
from simlab.plan.change import Change
from simlab.report import assessment_figures, assessment_words, checks, networks
from simlab.report.assessment_change_words import change_sentences
from simlab.report.assessment_overall import overall
from simlab.report.numbers import number, percent, unbroken
from simlab.report.style import rendered, styled, write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 170


@dataclass(frozen=True, eq=False)
class Assessed:
    """Everything that a page says.

    source : the file of the networks; command : what was typed; fit : the fitter with its settings, in words; assessments :
    one a network; changes : (name of the relation, change) for networks of several periods; n_worlds : how many worlds were
    asked for; versions : what the numbers depend on.
    """

    source: str
    command: str
    fit: str
    refit: str
    assessments: Sequence[Assessment]
    changes: Sequence[tuple[str, Change]]
    n_worlds: int
    versions: str


@dataclass(frozen=True)
class Drawn:
    """A picture within the page: its data as a URI, and what it shows in words."""

    data: str
    alt: str


@dataclass(frozen=True)
class Row:
    """A line of the table of all actors."""

    actor: str
    cluster: int
    probability: str
    chance: str
    safe: bool
    elsewhere: str


@dataclass(frozen=True, eq=False)
class Section:
    """What the page says of one network."""

    name: str
    anchor: str
    warnings: list[str]
    right: list[str]
    same: list[str]
    network: Drawn | None
    assignments: Drawn | None
    bridgers: list[tuple[str, str, str]]
    again: Drawn | None
    recovered: str
    checks: list[str]
    checks_drawn: Drawn | None
    fieldwork: str
    refit_agrees: str
    glance: tuple[str, str, str, str]
    rows: list[Row]


def write_page(out: Path, assessed: Assessed) -> None:
    """Write the page; InputError where it cannot be written. It is replaced in one step."""
    with styled():
        values = content(assessed)
    text = _environment().get_template("assessment.html").render(values)
    write_atomically(out, text.encode("utf-8", "replace"))


def content(assessed: Assessed) -> dict[str, Any]:
    """Return everything that the template shows. Text is escaped by the template."""
    sections = [
        _section(found, k, assessed.n_worlds, several=len(assessed.assessments) > 1)
        for k, found in enumerate(assessed.assessments)
    ]
    return {
        "source": str(Path(*Path(assessed.source).parts[-2:])),
        "sections": sections,
        "overall": [unbroken(s) for s in overall(assessed.assessments)],
        "right": assessment_words.RIGHT,
        "same": assessment_words.SAME,
        "changes": [(name, [unbroken(s) for s in change_sentences(change)]) for name, change in assessed.changes],
        "change_drawn": _drawn(
            assessment_figures.change_figure(assessed.changes),
            "The change seen, the test-retest null, the corrected change",
        ),
        "facts": [
            ("Command", assessed.command),
            ("Fit", assessed.fit),
            ("Refits", f"{assessed.refit}, in {assessed.n_worlds} worlds"),
            ("Versions", assessed.versions),
        ],
        "n_worlds": assessed.n_worlds,
    }


def _section(found: Assessment, place: int, n_worlds: int, *, several: bool) -> Section:
    name = str(found.network)
    if name == "network":
        name = f"Network of {found.network.n_actors} actors"
    said = [checks.title(str(network) if len(found.networks) > 1 else "", of) for network, of in _checked(found)]
    return Section(
        name=name,
        anchor=f"network-{place + 1}",
        warnings=[unbroken(s) for s in assessment_words.warnings_of(found, worlds_asked=n_worlds)],
        right=[unbroken(s) for s in assessment_words.right_sentences(found)],
        same=[unbroken(s) for s in assessment_words.same_sentences(found)],
        network=_drawn(networks.picture([(found.network, found.fit)]), "The network in its fitted positions"),
        assignments=_drawn(
            assessment_figures.assignments_figure(found), "How probably the assignment of each actor is right"
        ),
        bridgers=[_bridger(b) for b in sorted(found.bridgers, key=lambda b: -b.probability)],
        again=_drawn(assessment_figures.again_figure(found), "What refits of worlds find again"),
        recovered=_recovered(found.again),
        checks=[unbroken(s) for s in (*said, assessment_words.limit_on_checks(found)) if s],
        checks_drawn=_drawn(
            checks.picture([(str(network), of) for network, of in _checked(found)]), "Posterior predictive checks"
        ),
        fieldwork=unbroken(assessment_words.fieldwork_sentence(found.fieldwork)),
        refit_agrees=number(found.refit_agrees),
        glance=assessment_words.at_a_glance(found),
        rows=_rows(found),
    )


def _checked(found: Assessment) -> list[tuple[Any, Any]]:
    return list(zip(found.networks, found.checks, strict=True))


def _bridger(bridger: Bridger) -> tuple[str, str, str]:
    return bridger.actor, f"{bridger.own} and {bridger.other}", percent(bridger.probability)


def _recovered(again: Again) -> str:
    """Return the mean agreement with the clusters of the worlds themselves; empty without any."""
    values = again.recovered[:, 0]
    values = values[values == values]
    return number(float(values.mean())) if len(values) else ""


def _rows(found: Assessment) -> list[Row]:
    of = found.assignments
    if not of.divided:
        return []
    order = sorted(range(len(of.actors)), key=lambda i: (of.labels[i], of.actors[i]))
    return [
        Row(
            actor=of.actors[i],
            cluster=int(of.labels[i]),
            probability=assessment_words.likely(float(of.probability[i])),
            chance=percent(float(of.chance[i])),
            safe=bool(of.safe[i]),
            elsewhere=str(of.elsewhere[i]) if of.elsewhere[i] >= 0 and not of.safe[i] else "",
        )
        for i in order
    ]


def _drawn(made: Figure | None, alt: str) -> Drawn | None:
    if made is None:
        return None
    data = base64.b64encode(rendered(made, dpi=_DPI)).decode("ascii")
    return Drawn(f"data:image/png;base64,{data}", alt)


def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
