"""Number of clusters: how often each number was chosen, for the fitters that choose."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from simlab.report.curves import Scale, finish_axis, scale
from simlab.report.figures import Drawn
from simlab.report.numbers import Floats, words
from simlab.report.results import Panel, Results
from simlab.report.style import INK, figure, label

_MOST_ROWS = 4
_MOST_COLUMNS = 3
_MOST_NUMBERS = 12


def choosing(results: Results) -> list[int]:
    """Return the places of the fitters that find the number of clusters by themselves."""
    return [k for k, name in enumerate(results.fitters) if results.chooses(name)]


def chosen_numbers(results: Results) -> Drawn | None:
    """Return the share of fits that chose each number, fitters in rows, panels in columns; None where nobody chooses."""
    fitters = choosing(results)[:_MOST_ROWS]
    if not fitters or not results.has("n_clusters_chosen"):
        return None
    panels, where = results.panels()[:_MOST_COLUMNS], scale(results)
    where = Scale(where.dim, np.arange(len(where.at), dtype=float), False, False, where.ticks, where.title)
    values = results.dataset["n_clusters_chosen"].isel(fitter=fitters).values
    numbers = _numbers(values)
    made = figure(10.0 if len(panels) > 1 else 7.0, (0.9 + 0.24 * len(numbers)) * len(fitters) + 0.4)
    grid = made.subplots(len(fitters), len(panels), squeeze=False)
    for r, k in enumerate(fitters):
        for c, panel in enumerate(panels):
            axes = grid[r, c]
            share = _shares(results, k, panel, where, numbers)
            axes.grid(False)
            axes.imshow(share, cmap="Blues", vmin=0.0, vmax=1.15, aspect="auto", origin="lower")
            for (i, j), value in np.ndenumerate(share):
                if value > 0.005:
                    colour = "white" if value > 0.6 else INK
                    axes.text(j, i, f"{100 * value:.0f}", ha="center", va="center", fontsize=8.5, color=colour)
            _mark_truth(axes, results, panel, where, numbers)
            finish_axis(axes, results, panel, where)
            axes.set_yticks(range(len(numbers)), [_name(n, numbers) for n in numbers])
            axes.set_ylim(-0.5, len(numbers) - 0.5)
            title = label(", ".join(part for part in (results.fitters[k], panel.title) if part), 84)
            axes.set_title(textwrap.fill(title, {1: 84, 2: 46}.get(len(panels), 30)))
            if c == 0:
                axes.set_ylabel("clusters chosen")
            if r == len(fitters) - 1:
                axes.set_xlabel(words(where.dim))
    notes = ["Numbers: per cent of the fits under a level. Outlined: the true number of clusters."]
    if len(results.panels()) > len(panels) or len(choosing(results)) > len(fitters):
        notes.append("Only the first fitters and fieldworks are drawn.")
    return Drawn(made, tuple(notes))


def _numbers(values: Floats) -> list[int]:
    """Return the numbers of clusters to show, the last standing for all above it."""
    known = values[np.isfinite(values)]
    low, high = int(known.min()), int(known.max())
    return list(range(low, min(high, low + _MOST_NUMBERS - 1) + 1))


def _name(number: int, numbers: list[int]) -> str:
    return f"{number} or more" if number == numbers[-1] and len(numbers) == _MOST_NUMBERS else str(number)


def _shares(results: Results, fitter: int, panel: Panel, where: Scale, numbers: list[int]) -> Floats:
    """Return the share of each number of clusters (n_numbers, n_levels) among a fitter's fits in a panel."""
    values = results.dataset["n_clusters_chosen"].isel(fitter=fitter, **dict(panel.select))
    rest = [d for d in values.dims if d != where.dim]
    rows = values.transpose(*([where.dim] if where.dim else []), *rest).values.reshape(len(where.at), -1)
    counted = np.minimum(rows, numbers[-1])
    hits = np.stack([(counted == n).sum(axis=1) for n in numbers]).astype(float)
    total = np.isfinite(rows).sum(axis=1)
    return np.asarray(np.divide(hits, total, out=np.zeros_like(hits), where=total > 0))


def _mark_truth(axes: Any, results: Results, panel: Panel, where: Scale, numbers: list[int]) -> None:
    """Outline the true number at each level."""
    from matplotlib.patches import Rectangle

    settings = results.design["scenarios"]["settings"]
    sizes = [results.dataset.sizes[d] for d in results.scenario_dims]
    numbers_of = [s.get("n_clusters") for s in settings]
    true = np.array([n if isinstance(n, int) and n in numbers else -1 for n in numbers_of]).reshape(sizes or [1])
    for j in range(len(where.at)):
        held = {**panel.select, where.dim: j}
        place = tuple(held[d] if d in held else slice(None) for d in results.scenario_dims)
        for n in np.unique(true[place] if sizes else true):
            if n in numbers:
                axes.add_patch(
                    Rectangle(
                        (j - 0.47, numbers.index(int(n)) - 0.45), 0.94, 0.9, fill=False, edgecolor=INK, linewidth=1.6
                    )
                )
