"""Figures: recovery, bridgers and stability against their references, and the one picture that sums up a study."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab.report.curves import (
    ERRORS,
    Scale,
    draw_fitters,
    draw_information,
    draw_truth,
    finish_axis,
    name_curve,
    scale,
)
from simlab.report.measures import BRIDGERS, PERSISTENCE, RECOVERY, SWITCHING, Measure, any_measure
from simlab.report.numbers import unbroken, words
from simlab.report.results import Panel, Results
from simlab.report.style import GREY, figure, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE = "information cλ² = 1"
BARS = f"Bars and bands: ± {ERRORS:g} Monte Carlo standard errors."
_MOST_COLUMNS = 3
_MOST_PICTURE_ROWS = 3


@dataclass(frozen=True)
class Drawn:
    """A figure, and notes that belong below it."""

    figure: Figure
    notes: tuple[str, ...]


def recovery(results: Results) -> Drawn | None:
    """Return the mean ARI of each fitter, with the Bayes classifier and the information line; None without ARI."""
    return _grid(results, [RECOVERY], height=3.7)


def bridgers(results: Results) -> Drawn | None:
    """Return how well the bridging score ranks the true bridgers, with the line of chance; None where not measured."""
    return _grid(results, [BRIDGERS], height=3.1)


def stability(results: Results) -> Drawn | None:
    """Return seen beside true switching, and seen beside true persistence; None for studies of one period."""
    return _grid(results, [SWITCHING, PERSISTENCE], height=2.7)


def anything(results: Results) -> Drawn | None:
    """Return the first metric that no other figure has, for a study that measures none of the usual ones."""
    measure = any_measure(results)
    return _grid(results, [measure], height=3.4) if measure is not None else None


def picture(results: Results, question: str, answers: Sequence[str]) -> Drawn:
    """Return the one picture of a study: the question, the answer, and all measures with their references.

    One row for each fieldwork (three at most, evenly chosen), one column a measure.
    """
    measures = [m for m in (RECOVERY, BRIDGERS, SWITCHING) if results.has(m.metric)]
    other = any_measure(results)
    measures = measures or ([other] if other is not None else [])
    panels = _spread(results.panels(), _MOST_PICTURE_ROWS)
    title = textwrap.wrap(label(question, 240), 104)[:2]
    lines = textwrap.wrap(unbroken(label(answers[0], 520)), 188)[:3] if answers else []
    below_title = 0.972 - 0.034 * len(title) - 0.008
    below_lines = below_title - 0.0225 * len(lines) - 0.012
    legend_rows = math.ceil(len(results.fitters) / 6)
    made = figure(16.0, 10.0, (0.012, 0.05, 0.976, below_lines - 0.064 - 0.026 * legend_rows))
    made.text(0.018, 0.975, "\n".join(title), fontsize=19, fontweight="bold", va="top", linespacing=1.15)
    made.text(0.018, below_title, "\n".join(lines), fontsize=11.5, va="top", linespacing=1.3)
    notes: list[str] = []
    if measures:
        ratios = [1.45, *([1.0] * (len(measures) - 1))]
        grid = made.subplots(len(panels), len(measures), squeeze=False, gridspec_kw={"width_ratios": ratios})
        where = scale(results)
        handles: list[Any] = []
        for r, panel in enumerate(panels):
            for c, measure in enumerate(measures):
                name = panel.title or measure.title
                handles, note = _draw(grid[r, c], results, measure, panel, where, name)
                notes += [n for n in note if n not in notes]
                if len(panels) > 2:
                    grid[r, c].set_ylabel(measure.axis.split("\n")[0])
                if panel.title and r == 0:
                    grid[r, c].annotate(
                        measure.title,
                        (0, 1),
                        xycoords="axes fraction",
                        xytext=(0, 24),
                        textcoords="offset points",
                        fontsize=13,
                        fontweight="bold",
                        va="bottom",
                    )
                if panel.title:
                    grid[r, c].set_title(label(name, 70), fontweight="normal", fontsize=11, color=GREY)
                if r == len(panels) - 1:
                    grid[r, c].set_xlabel(_below(results, measure, where, 90 if c == 0 else 50))
        _same_limits(grid, by_column=True)
        made.legend(
            handles,
            [label(n) for n in results.fitters],
            loc="upper left",
            bbox_to_anchor=(0.012, below_lines),
            ncols=min(len(results.fitters), 6),
            fontsize=12,
        )
    foot = textwrap.wrap(" ".join([BARS, *_averages(results), *notes]), 225)[:2]
    made.text(0.018, 0.014, "\n".join(foot), fontsize=9.5, color=GREY, linespacing=1.2)
    return Drawn(made, tuple(notes))


def _grid(results: Results, measures: Sequence[Measure], height: float) -> Drawn | None:
    """Return measures in rows, panels in columns; many panels of one measure run over several rows."""
    measures = [m for m in measures if results.has(m.metric)]
    if not measures:
        return None
    panels, where = results.panels(), scale(results)
    columns = min(len(panels), _MOST_COLUMNS)
    rows = len(measures) * math.ceil(len(panels) / columns)
    width = 10.0 if columns > 1 else 7.4
    made = figure(width, height * rows + 0.5)
    grid = made.subplots(rows, columns, squeeze=False)
    notes: list[str] = []
    handles: list[Any] = []
    used = 0
    for measure in measures:
        for i, panel in enumerate(panels):
            axes = grid[used // columns, used % columns]
            title = panel.title or (measure.title if len(measures) > 1 else "")
            title = textwrap.fill(title, {1: 84, 2: 50}.get(columns, 32))
            handles, note = _draw(axes, results, measure, panel, where, title)
            notes += [n for n in note if n not in notes]
            if i + columns >= len(panels) and (measure is measures[-1] or measure.information):
                axes.set_xlabel(_below(results, measure, where, {1: 80, 2: 52}.get(columns, 36)))
            if used % columns:
                axes.set_ylabel("")
            used += 1
        while used % columns:
            grid[used // columns, used % columns].set_axis_off()
            used += 1
    _same_limits(grid, by_column=False)
    made.legend(handles, [label(n) for n in results.fitters], loc="outside upper left", ncols=min(len(handles), 4))
    return Drawn(made, (BARS, *_averages(results), *notes))


def _draw(
    axes: Axes, results: Results, measure: Measure, panel: Panel, where: Scale, title: str
) -> tuple[list[Any], list[str]]:
    """Draw one measure in one panel and return the fitters' handles and notes."""
    finish_axis(axes, results, panel, where, information=measure.information)
    handles = draw_fitters(axes, results, measure.metric, panel, where)
    notes = []
    taken = (2.0, 2.0)
    if measure.information:
        taken, note = draw_information(axes, results, panel, where, LINE)
        notes += [note] if note else []
    if measure.truth and results.has(measure.truth):
        mean, mcse = results.curve(measure.truth, where.dim, panel)
        room = ERRORS * np.nan_to_num(mcse)
        low, high = np.maximum(mean - room, measure.least), np.minimum(mean + room, measure.most)
        draw_truth(axes, where, mean, low, high)
        edge = high if measure.truth_above else low
        name_curve(axes, where, edge, measure.truth_name, above=measure.truth_above, avoid=taken)
    if measure.chance is not None:
        axes.axhline(measure.chance, color=GREY, linestyle=(0, (1, 1.6)), linewidth=1.8, zorder=1.5)
        axes.annotate(
            f"chance ({measure.chance:g})",
            (0.99, measure.chance),
            xycoords=("axes fraction", "data"),
            xytext=(0, -4),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=8.5,
            color=GREY,
        )
    _limit(axes, measure)
    axes.set_title("\n".join(label(line, 84) for line in title.split("\n")))
    axes.set_ylabel(measure.axis)
    return handles, notes


def _limit(axes: Axes, measure: Measure) -> None:
    """Set the limits of a measure, wider where values lie outside, but not beyond what it can be."""
    low, high = axes.dataLim.intervaly if np.isfinite(axes.dataLim.intervaly).all() else (measure.low, measure.high)
    top = max(measure.high, high + 0.03) if measure.high > 1 else high * 1.12 + 0.02
    axes.set_ylim(
        max(min(measure.low, low - 0.03), measure.least - 0.03), min(top, max(measure.most + 0.03, measure.high))
    )


def _same_limits(grid: Any, *, by_column: bool) -> None:
    """Give the panels of one measure the same vertical limits."""
    for line in grid.T if by_column else grid:
        used = [axes for axes in line if axes.axison]
        low = min((axes.get_ylim()[0] for axes in used), default=0.0)
        high = max((axes.get_ylim()[1] for axes in used), default=1.0)
        for axes in used:
            axes.set_ylim(low, high)


def _below(results: Results, measure: Measure, where: Scale, width: int) -> str:
    """Return the title of the horizontal axis in lines of about the same length."""
    count = math.ceil(len(where.title) / width)
    lines = textwrap.wrap(where.title, len(where.title) // max(count, 1) + 8)
    if measure.information and results.has("information"):
        lines.append("below each level: information cλ²" + (" before fieldwork" if width > 40 else ""))
    return "\n".join(lines)


def _averages(results: Results) -> list[str]:
    panels = results.panels()
    averaged = results.averaged((results.axis(), *(panels[0].select if panels else ())))
    return [f"Averaged over {', '.join(words(d) for d in averaged)}."] if averaged else []


def _spread(panels: Sequence[Panel], most: int) -> list[Panel]:
    if len(panels) <= most:
        return list(panels)
    return [panels[round(i)] for i in np.linspace(0, len(panels) - 1, most)]
