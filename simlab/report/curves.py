"""Curves: a measure along a dimension, one line a fitter, with its Monte Carlo error and the references."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab.report.numbers import Floats, crossing, plain, words
from simlab.report.results import Panel, Results
from simlab.report.style import GREY, INK, label, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ERRORS = 2.0  # bars reach so many Monte Carlo standard errors to either side
_WIDE_RANGE = 8.0


@dataclass(frozen=True)
class Scale:
    """The horizontal axis of a picture.

    Attributes
    ----------
    dim : str
        The dimension along it; empty where the study has a single scenario and fieldwork.
    at : (n_levels,)
        Where the levels lie.
    numeric, log : bool
        Whether they are numbers, joined by lines, and whether on a logarithmic axis.
    ticks : tuple of str
    title : str
    """

    dim: str
    at: Floats
    numeric: bool
    log: bool
    ticks: tuple[str, ...]
    title: str

    def shifted(self, place: int, count: int) -> Floats:
        """Return where the points of one of ``count`` fitters lie: a little apart, so that bars do not hide bars."""
        step = place - (count - 1) / 2.0
        if not self.numeric:
            return self.at + step * min(0.14, 0.7 / count)
        x = np.log(self.at) if self.log else self.at
        gap = np.diff(np.sort(x)).min() if len(x) > 1 else 1.0
        moved = x + step * min(0.007 * float(np.ptp(x)), 0.5 * gap / count)
        return np.asarray(np.exp(moved) if self.log else moved)

    def across(self, value: Floats | float, limits: tuple[float, float]) -> Floats:
        """Return how far along the axis values lie, from 0 to 1."""
        low, high = limits
        if self.log:
            return np.asarray(np.log(np.asarray(value) / low) / np.log(high / low))
        return np.asarray((np.asarray(value) - low) / (high - low))


def scale(results: Results) -> Scale:
    """Return the horizontal axis for pictures of a study."""
    dim = results.axis()
    levels = results.levels(dim) if dim else [""]
    numeric = bool(dim) and results.numeric(dim)
    at = np.array(levels, dtype=float) if numeric else np.arange(len(levels), dtype=float)
    log = numeric and at.min() > 0 and at.max() / at.min() >= _WIDE_RANGE
    return Scale(dim, at, numeric, bool(log), tuple(plain(v) for v in levels), axis_title(results, dim))


def axis_title(results: Results, dim: str) -> str:
    """Return a dimension's name and what the setting of that name means."""
    from simlab.fieldwork.observe import Fieldwork
    from simlab.generate.scenario import Scenario

    kind = Scenario if dim in results.scenario_dims else Fieldwork
    known = kind.model_fields.get(dim)
    meaning = known.description if known is not None else None
    return f"{words(dim)}: {meaning}" if meaning else words(dim)


def draw_fitters(axes: Axes, results: Results, metric: str, panel: Panel, where: Scale) -> list[Any]:
    """Draw a metric of all fitters and return the handles for a legend."""
    handles = []
    for k, name in enumerate(results.fitters):
        mean, mcse = results.curve(metric, where.dim, panel, k)
        style = look(k)
        handles.append(
            axes.errorbar(
                where.shifted(k, len(results.fitters)),
                mean,
                yerr=ERRORS * np.nan_to_num(mcse),
                color=style.colour,
                marker=style.marker,
                markersize=6.0,
                markerfacecolor=style.colour if style.filled else "white",
                markeredgewidth=1.4,
                linestyle=style.dashes if where.numeric else "none",
                linewidth=1.7,
                elinewidth=1.2,
                capsize=2.5,
                label=label(name),
                zorder=3,
            )
        )
    return handles


def draw_truth(axes: Axes, where: Scale, mean: Floats, low: Floats, high: Floats) -> None:
    """Draw a measure of the truth as a dark dashed line with its band, or as a bar at each name."""
    looks: dict[str, Any] = {"color": INK, "linestyle": (0, (6, 3)), "linewidth": 1.8, "zorder": 2.5}
    if where.numeric and len(where.at) > 1:
        axes.plot(where.at, mean, **looks)
        axes.fill_between(where.at, low, high, color=INK, alpha=0.09, linewidth=0)
    else:
        axes.hlines(mean, where.at - 0.42, where.at + 0.42, **looks)


def name_curve(axes: Axes, where: Scale, edge: Floats, text: str, *, above: bool, avoid: tuple[float, float]) -> None:
    """Write a curve's name along its edge, within the axes and clear of what lies at ``avoid`` (shares of the axis)."""
    across = where.across(where.at, axes.get_xlim())
    known = np.isfinite(edge)
    if not known.any():
        return
    left_of = (edge[known][-1] >= edge[known][0]) == above
    width = 0.0165 * len(text)
    for x in (0.62, 0.74, 0.86, 0.97, 0.5) if left_of else (0.3, 0.2, 0.42, 0.55, 0.1):
        ends = (x - width, x) if left_of else (x, x + width)
        if ends[0] >= 0 and ends[1] <= 1 and (ends[1] < avoid[0] - 0.02 or avoid[1] + 0.02 < ends[0]):
            break
    axes.annotate(
        text,
        (x, float(np.interp(x, across[known], edge[known]))),
        xycoords=("axes fraction", "data"),
        xytext=(-4 if left_of else 4, 4 if above else -4),
        textcoords="offset points",
        ha="right" if left_of else "left",
        va="bottom" if above else "top",
        fontsize=8.5,
        color=INK,
        zorder=4,
    )


def draw_information(
    axes: Axes, results: Results, panel: Panel, where: Scale, text: str
) -> tuple[tuple[float, float], str]:
    """Draw where the information crosses 1.

    Return the part of the axis that the line and its name take, and what to say in a note where there is no line.
    """
    nowhere = (2.0, 2.0)
    if not results.has("information"):
        return nowhere, ""
    mean, _ = results.curve("information", where.dim, panel)
    known = mean[np.isfinite(mean)]
    if not len(known):
        return nowhere, ""
    at = crossing(np.log(where.at) if where.log else where.at, mean, 1.0) if where.numeric and len(mean) > 1 else None
    if at is None:
        return nowhere, _no_line(known)
    at = float(np.exp(at)) if where.log else at
    axes.axvline(at, color=GREY, linestyle=(0, (1, 1.6)), linewidth=1.8, zorder=1.5)
    share = float(where.across(at, axes.get_xlim()))
    width = 0.0165 * len(text)
    right = share + width < 1.0
    axes.annotate(
        text,
        (at, 0.99),
        xycoords=("data", "axes fraction"),
        xytext=(4 if right else -4, 0),
        textcoords="offset points",
        ha="left" if right else "right",
        va="top",
        fontsize=8.5,
        color=GREY,
    )
    return ((share, share + width) if right else (share - width, share)), ""


def _no_line(known: Floats) -> str:
    """Return in words why there is no line at information 1."""
    if known.min() < 1.0 <= known.max():
        return "The information cλ² is above 1 at some levels and below at others: see the numbers under them."
    side = "above" if known.min() >= 1.0 else "below"
    low, high = f"{known.min():.2f}", f"{known.max():.2f}"
    span = low if low == high else f"{low} to {high}"
    return f"The information cλ² is {side} 1 throughout ({span}): the line cλ² = 1 lies outside this picture."


def finish_axis(axes: Axes, results: Results, panel: Panel, where: Scale, *, information: bool = False) -> None:
    """Set the limits, the ticks with the information under them, and no more of them than have room."""
    if where.log:
        axes.set_xscale("log")
        span = (where.at.max() / where.at.min()) ** 0.06
        axes.set_xlim(where.at.min() / span, where.at.max() * span)
    else:
        room = 0.06 * (where.at.max() - where.at.min()) if where.numeric else 0.6
        axes.set_xlim(where.at.min() - room, where.at.max() + room)
    below = [""] * len(where.ticks)
    if information and results.has("information"):
        mean, _ = results.curve("information", where.dim, panel)
        below = [f"\n{value:.2f}" if np.isfinite(value) else "\n" for value in mean]
    wrap = max(int(58 / len(where.ticks)), 6)
    texts = [_wrapped(tick, wrap) + extra for tick, extra in zip(where.ticks, below, strict=True)]
    kept = _with_room(axes, where, [max(map(len, text.split("\n"))) for text in texts])
    if not where.numeric and max((len(word) for tick in where.ticks for word in tick.split()), default=0) > wrap + 1:
        # Names with words too long for their place are written aslant, and whole.
        whole = [label(tick, 30) + extra.replace("\n", "  ") for tick, extra in zip(where.ticks, below, strict=True)]
        axes.set_xticks(where.at, whole, rotation=30, ha="right", rotation_mode="anchor")
    else:
        axes.set_xticks(where.at[kept], [texts[i] for i in kept])
    axes.minorticks_off()


def _wrapped(text: str, width: int) -> str:
    lines = textwrap.wrap(label(text, 3 * width), width)
    return "\n".join(lines)


def _with_room(axes: Axes, where: Scale, lengths: Sequence[int]) -> list[int]:
    """Return the places of the ticks that do not run into one another; names keep all of theirs."""
    if not where.numeric:
        return list(range(len(lengths)))
    figure = axes.get_figure(root=True)
    inches = axes.get_position().width * (figure.get_figwidth() if figure is not None else 6.0)
    x = where.across(where.at, axes.get_xlim())
    kept: list[int] = []
    for i in np.argsort(x).tolist():
        if not kept or (x[i] - x[kept[-1]]) * inches > 0.045 * (lengths[i] + lengths[kept[-1]]) + 0.08:
            kept.append(i)
    return kept
