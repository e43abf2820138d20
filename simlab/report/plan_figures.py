"""Pictures of a plan: the frontier of cost against what is reached, curves along each setting, and success over worlds."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab.plan.answer import Answer, OfWorlds, Outcome, Predicted
from simlab.plan.intervals import Interval
from simlab.plan.space import level_name
from simlab.plan.targets import Target
from simlab.report.design_words import setting_words
from simlab.report.numbers import capital, words
from simlab.report.style import GREY, INK, PALE, figure, label, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_CURVES = 9
_DESIGNS = {
    "found": "the design found",
    "nearest": "the design that comes nearest",
    "chosen": "the design chosen",
}
# Signs in a line beside an axis.
_AXIS = 26


def frontier_figure(answer: Answer) -> Figure:
    """Return the frontier: for each target what the best design at each cost reaches, with its band, and what was looked at."""
    count = len(answer.targets)
    made = figure(10.0, 4.4 if count == 1 else 0.3 + 3.4 * count)
    for k, target in enumerate(answer.targets):
        axes = made.add_subplot(count, 1, k + 1)
        costs = np.array([p.cost for p in answer.frontier])
        _band(
            axes,
            costs,
            [p.reaches[k] for p in answer.frontier],
            target,
            0,
            "the best at each cost, by the surrogate",
        )
        looked = [(cost, n, target.sign * means[k]) for _, cost, n, means in answer.looked_at]
        axes.scatter(
            [x[0] for x in looked],
            [x[2] for x in looked],
            s=[6.0 + 0.25 * x[1] for x in looked],
            facecolors="none",
            edgecolors=GREY,
            linewidths=0.7,
            label="looked at in the search, larger the more replicates",
            zorder=2,
        )
        _level(axes, target)
        _point(axes, answer.cost, answer.reached[k].interval, target, design_found(answer))
        for _, cost, reached in answer.rejected:
            axes.plot(cost, target.sign * reached[k].interval.estimate, "x", color=INK, markersize=7, zorder=4)
        axes.set_ylabel(axis_words(target))
        if count > 1:
            axes.set_title(_wrapped(target.text, 90))
        if k == count - 1:
            axes.set_xlabel(f"cost, {answer.unit}" if answer.unit else "cost")
        if k == 0:
            made.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=3, fontsize=9)
    return made


def curves_figure(answer: Answer) -> Figure | None:
    """Return, for each target and setting, what is reached along the setting, the others as in the design found."""
    names = [n for n, points in answer.curves.items() if len(points) > 1][:_MOST_CURVES]
    if not names:
        return None
    rows, columns = len(answer.targets), min(len(names), 4 if len(names) in (4, 7, 8) else 3)
    lines = -(-len(names) // columns)
    made = figure(10.0, 2.9 * rows * lines)
    for k, target in enumerate(answer.targets):
        for i, name in enumerate(names):
            axes = made.add_subplot(rows * lines, columns, (k * lines + i // columns) * columns + i % columns + 1)
            _curve(axes, answer, name, k, target)
            if i % columns == 0:
                axes.set_ylabel(axis_words(target) if rows == 1 else _wrapped(target.text))
    return made


def worlds_figure(answer: Answer) -> Figure | None:
    """Return how success is spread over worlds, and success by what was unknown where it matters."""
    if not answer.worlds:
        return None
    rows = len(answer.worlds)
    columns = 1 + max(min(len(of.contrasts), 2) for of in answer.worlds)
    made = figure(10.0 if columns > 1 else 6.5, 3.1 * rows)
    for k, of in enumerate(answer.worlds):
        _spread(made.add_subplot(rows, columns, k * columns + 1), of, several=rows > 1)
        for i, contrast in enumerate(of.contrasts[: columns - 1]):
            axes = made.add_subplot(rows, columns, k * columns + 2 + i)
            places = np.arange(len(contrast.groups))
            for at, (_, interval, _) in zip(places, contrast.groups, strict=True):
                _dot(axes, float(at), interval, of.target)
            axes.set_xticks(places, [name for name, _, _ in contrast.groups])
            axes.set_xlim(-0.5, len(places) - 0.5)
            if not of.target.is_mean:
                axes.set_ylim(-0.02, 1.02)
            axes.set_title(label(capital(words(contrast.unknown))))
            axes.set_ylabel(axis_words(of.target) if rows == 1 else _wrapped(of.target.text))
            _level(axes, of.target)
    return made


def axis_words(target: Target) -> str:
    """Return what an axis of a target shows."""
    if target.is_mean:
        return _wrapped(f"mean of {target.conditions[0].formula.text}")
    return "probability"


def standing(answer: Answer) -> str:
    """Return what the design of an answer is: found, the nearest where none reaches, or chosen where it was shown to miss."""
    if answer.found:
        return "found"
    return "nearest" if answer.outcome == Outcome.NONE else "chosen"


def design_found(answer: Answer) -> str:
    """Return what the design of an answer is, as ``the design found``."""
    return _DESIGNS[standing(answer)]


def within_range(interval: Interval, target: Target) -> Interval:
    """Return an interval of scores cut at the range that the target's mean or probability has; surrogates know of none."""
    low, high = target.score_range()
    estimate, least, most = (min(max(v, low), high) for v in (interval.estimate, interval.low, interval.high))
    return Interval(estimate, least, most, interval.level)


def _wrapped(text: str, width: int = _AXIS) -> str:
    """Return text that may be long in lines of so many signs, four at most."""
    return "\n".join(textwrap.wrap(label(text, 4 * width - 20), width, break_on_hyphens=False))


def _numbers(interval: Interval, target: Target) -> list[float]:
    """Return estimate and limits as they are drawn: within the range, with the sign that was asked for."""
    cut, sign = within_range(interval, target), target.sign
    return [sign * cut.estimate, sign * cut.low, sign * cut.high]


def _band(axes: Axes, x: Any, intervals: list[Interval], target: Target, place: int, name: str) -> None:
    style = look(place)
    each = np.array([_numbers(i, target) for i in intervals])
    axes.fill_between(x, each[:, 1], each[:, 2], color=style.colour, alpha=0.16, linewidth=0)
    axes.plot(x, each[:, 0], color=style.colour, linewidth=1.8, label=name, zorder=3)
    if not target.is_mean:
        axes.set_ylim(-0.02, 1.02)


def _dot(axes: Axes, x: float, interval: Interval, target: Target) -> None:
    estimate, low, high = _numbers(interval, target)
    axes.plot([x, x], [low, high], color=look(0).colour, linewidth=1.4)
    axes.plot(x, estimate, "o", color=look(0).colour, markersize=6)


def _level(axes: Axes, target: Target) -> None:
    """Draw the target as a line that is named beside the axes, where no point lies."""
    level = target.sign * target.needed
    axes.axhline(level, color=INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        f"target\n{level:g}",
        (1.0, level),
        xycoords=("axes fraction", "data"),
        xytext=(4, 0),
        textcoords="offset points",
        verticalalignment="center",
        fontsize=8,
        color=GREY,
    )


def _point(axes: Axes, x: float, interval: Interval, target: Target, name: str = "") -> None:
    """Draw what fresh replicates say of the design found."""
    estimate, low, high = _numbers(interval, target)
    if math.isfinite(low) and math.isfinite(high):
        axes.plot([x, x], [low, high], color=INK, linewidth=1.6, zorder=5)
    axes.plot(x, estimate, "D", color=INK, markersize=6.5, zorder=6, label=name)


def _curve(axes: Axes, answer: Answer, name: str, k: int, target: Target) -> None:
    points: tuple[Predicted, ...] = answer.curves[name]
    levels = [p.design[name] for p in points]
    at = [i for i, level in enumerate(levels) if level == answer.design[name]]
    if all(isinstance(level, (int, float)) for level in levels):
        x = np.array(levels, dtype=float)
        _band(axes, x, [p.reaches[k] for p in points], target, 0, "")
        place = float(answer.design[name])
    else:
        x = np.arange(len(levels), dtype=float)
        for i, p in enumerate(points):
            _dot(axes, float(i), p.reaches[k], target)
        axes.set_xticks(x, [_wrapped(level_name(level), 12) for level in levels])
        axes.set_xlim(-0.5, len(levels) - 0.5)
        if not target.is_mean:
            axes.set_ylim(-0.02, 1.02)
        place = float(at[0]) if at else math.nan
    _level(axes, target)
    if math.isfinite(place):
        axes.axvline(place, color=PALE, linewidth=5.0, zorder=0)
        _point(axes, place, answer.reached[k].interval, target)
    axes.set_title(label(capital(words(name)), 34))
    axes.set_xlabel(label(f"{standing(answer)}: {setting_words(name, answer.design[name])}", 32))


def _spread(axes: Axes, of: OfWorlds, *, several: bool) -> None:
    """Draw shares of success, or means, of single worlds and their distribution; of ``several`` targets, which it is."""
    spread, sign, n = of.spread, of.target.sign, of.spread.replicates
    shown = sign * spread.each
    if of.target.is_mean:
        edges = np.linspace(shown.min(), shown.max() + 1e-9, 9)
        grid = np.linspace(edges[0], edges[-1], 201)
    else:
        edges = (np.arange(n + 2) - 0.5) / n
        grid = np.linspace(0.0025, 0.9975, 200)
    heights, _ = np.histogram(shown, bins=edges)
    width = float(edges[1] - edges[0])
    middle = 0.5 * (edges[1:] + edges[:-1])
    axes.bar(middle, heights / heights.sum(), width=0.7 * width, color=PALE, label=f"{len(spread.each)} worlds")
    if spread.differ:
        mass = np.minimum(spread.density(sign * grid) * width, 1.0)
        axes.plot(grid, mass, color=look(0).colour, linewidth=1.8, label="all worlds")
    axes.set_ylim(0.0, 1.02)
    axes.set_ylabel("share of worlds")
    if of.target.is_mean:
        axes.set_xlabel(f"mean of {n} replicates")
        level = sign * of.target.needed
        axes.axvline(level, color=INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1, label=f"target {level:g}")
    else:
        axes.set_xlim(-0.5 / n - 0.02, 1.0 + 0.5 / n + 0.02)
        axes.set_xlabel(f"share of {n} replicates that succeed")
    title = "Means of single worlds" if of.target.is_mean else "Success in single worlds"
    axes.set_title(f"{title}\n{_wrapped(of.target.text, 40)}" if several else title)
    axes.legend(loc="best")
