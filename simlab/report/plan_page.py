"""The page of a plan: one HTML file that opens offline, with the answer in words on top."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simlab.plan.answer import Answer
from simlab.plan.price import QUANTITIES
from simlab.plan.problem import Plan
from simlab.plan.space import level_name
from simlab.report.design_words import design_words, money
from simlab.report.numbers import capital, listed, number, unbroken
from simlab.report.plan_figures import curves_figure, design_found, frontier_figure, within_range, worlds_figure
from simlab.report.plan_words import interval_words, more_words, sentences
from simlab.report.style import rendered, styled, write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 190
_MOST_ROWS = 12


def write_plan_page(path: str | Path, plan: Plan, answer: Answer, *, command: str = "") -> Path:
    """Write the page of a plan and return where it is; InputError where it cannot be written.

    ``command`` : what was typed, if anything.
    """
    page = Path(path)
    with styled():
        values = content(plan, answer, command)
    text = _environment().get_template("plan_template.html").render(values)
    write_atomically(page, text.encode("utf-8", "replace"))
    return page


def content(plan: Plan, answer: Answer, command: str = "") -> dict[str, Any]:
    """Return everything that the template shows. Text is escaped by the template."""
    spoken = [s.partition(": ")[::2] if ": " in s else ("", s) for s in map(unbroken, sentences(answer))]
    directions = [capital(text) for subject, text in spoken if subject == "Directions"]
    return {
        "title": plan.name,
        "question": plan.question,
        # What belongs to the curves stands there, so that the answer is short.
        "answers": [(subject, text) for subject, text in spoken if subject not in ("More", "Directions")],
        "directions": " ".join(directions),
        "frontier": _image(frontier_figure(answer), "Cost against what is reached"),
        "curves": _image(curves_figure(answer), "What is reached along each setting"),
        "worlds": _image(worlds_figure(answer), "How success is spread over worlds"),
        "targets": [target.text for target in answer.targets],
        "chosen": [(v.name, _levels(v.levels)) for v in answer.space.variables],
        "unknown": _unknown(plan),
        "given": _given(plan),
        "assumed": _assumed(plan),
        "price": plan.price.text,
        "rates": [(name, f"{rate:g}") for name, rate in plan.price.rates.items()],
        "quantities": [(n, w) for n, w in QUANTITIES.items() if n in plan.price.formula.names],
        "unit": plan.price.unit,
        "design_found": design_found(answer),
        "frontier_rows": _frontier_rows(answer),
        "more_of": f"Of {listed([t.text for t in answer.targets])}, in this order." if len(answer.targets) > 1 else "",
        "more": [more_words(more, answer) for more in answer.more],
        "limits": _limit_rows(answer),
        "by_search": _by_search(answer),
        "origin": [*([("Command", command)] if command else []), *_origin(plan, answer)],
    }


def _levels(levels: tuple[Any, ...]) -> str:
    if len(levels) > 6 and all(isinstance(v, (int, float)) for v in levels):
        return f"{level_name(levels[0])} to {level_name(levels[-1])}, {len(levels)} levels"
    return ", ".join(level_name(level) for level in levels)


def _unknown(plan: Plan) -> list[tuple[str, str]]:
    """Return what is not known, each setting with its distribution; of a pilot where its worlds come from."""
    lines = plan.worlds.describe()
    if plan.pilot is not None:
        return [("the pilot", line) for line in lines]
    return [(name, words) for name, _, words in (line.partition(": ") for line in lines)]


def _given(plan: Plan) -> list[tuple[str, str]]:
    """Return what is the same in every design and world, where it differs from the defaults."""
    out = []
    if plan.pilot is None:
        out += [(name, level_name(value)) for name, value in plan.scenario.given().items()]
    out += [(name, level_name(value)) for name, value in plan.fieldwork.given().items()]
    for label, fitter in plan.fitters.items():
        settings = ", ".join(f"{name} {level_name(value)}" for name, value in fitter.given().items())
        out.append((f"fitter {label}", f"{fitter.name}{f', {settings}' if settings else ''}"))
    return out


def _assumed(plan: Plan) -> list[tuple[str, str]]:
    """Return the settings of the world that nobody set: they are assumed too. Nothing of a pilot's worlds."""
    if plan.pilot is not None:
        return []
    said = {*plan.scenario.given(), *plan.unknown, *plan.design, "series"}
    return [(name, level_name(value)) for name, value in plan.scenario.everything().items() if name not in said]


def _frontier_rows(answer: Answer) -> list[list[str]]:
    """Return a dozen designs of the frontier about the one found, and that one: design, cost, what is reached, probability.

    What the surrogate says is cut at the range that a target has. The design found is shown by its fresh replicates.
    """
    order = sorted(range(len(answer.frontier)), key=lambda i: abs(answer.frontier[i].cost - answer.cost))
    rows = []
    for i in order[:_MOST_ROWS]:
        point = answer.frontier[i]
        cut = [within_range(r, t) for r, t in zip(point.reaches, answer.targets, strict=True)]
        reached = [interval_words(r, t) for r, t in zip(cut, answer.targets, strict=True)]
        cells = [design_words(point.design), f"{point.cost:,.0f}", *reached, number(point.probability)]
        rows.append((point.cost, False, cells))
    reached = [interval_words(r.interval, r.target) for r in answer.reached]
    name = f"{design_words(answer.design)}: {design_found(answer)}, on fresh replicates"
    rows.append((answer.cost, True, [name, f"{answer.cost:,.0f}", *reached, ""]))
    return [cells for _, _, cells in sorted(rows, key=lambda row: row[:2])]


def _limit_rows(answer: Answer) -> list[list[str]]:
    return [
        [
            x.lift.name,
            x.lift.words,
            *[interval_words(r.interval, r.target) for r in x.reached],
            "yes" if x.enough else "no",
        ]
        for x in answer.limits
    ]


def _by_search(answer: Answer) -> str:
    if not answer.by_search:
        return ""
    parts = [interval_words(i, t) for i, t in zip(answer.by_search, answer.targets, strict=True)]
    return "; ".join(parts)


def _origin(plan: Plan, answer: Answer) -> list[tuple[str, str]]:
    import simlab

    return [
        ("Fits", f"{answer.fits.total:,} of {answer.fits.allowed:,} allowed, in {answer.seconds:,.0f} s"),
        (f"Cost of {design_found(answer)}", money(answer.cost, answer.unit)),
        ("Seed", str(plan.seed)),
        ("Version", f"simlab {simlab.__version__}"),
    ]


def _image(made: Figure | None, alt: str) -> dict[str, Any] | None:
    if made is None:
        return None
    data = base64.b64encode(rendered(made, dpi=_DPI)).decode("ascii")
    return {"data": f"data:image/png;base64,{data}", "alt": alt, "narrow": made.get_figwidth() < 9.0}


def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
