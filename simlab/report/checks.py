"""Posterior predictive checks in a picture and in words: where networks drawn from a fit are like the observed one."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simlab.fit.checks import LEVEL, NO_PATH, Check, PredictiveChecks
from simlab.fit.network_statistics import DISTANCE
from simlab.foundation.errors import InputError
from simlab.panel import Network
from simlab.report.numbers import capital, listed, unbroken
from simlab.report.style import (
    GREY,
    INK,
    PALE,
    SUFFIXES,
    check_writable,
    figure,
    label,
    rendered,
    styled,
    write_atomically,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_DRAWN = 12
MOST_ROWS = 14
_BOX = 0.9
_WIDTH, _HEIGHT = 11.5, 6.6
_COLUMNS = 3
_MOST_NAMED = 5
# So many letters and gaps have room below a distribution, and so many letters above it.
_MOST_LETTERS = 38
_LONGEST = 42
_BOX_COLOUR = "#bfbfbf"
# Vermilion and a shape of its own, so that it stands out in grey too.
_OUTSIDE: dict[str, Any] = {"marker": "D", "color": "#D55E00", "markeredgecolor": INK, "markersize": 7.5}
_INSIDE: dict[str, Any] = {"marker": "o", "color": INK, "markersize": 4.5}
_AXES = {
    "out-degree": "out-degree (ties an actor sends)",
    "in-degree": "in-degree (ties an actor receives)",
    "degree": "degree (ties of an actor)",
    "shared partners": "shared partners (two-paths)",
    DISTANCE: "geodesic distance (ties)",
    "count": "count (times a tie was seen)",
}


def describe_checks(checks: PredictiveChecks, name: str = "") -> list[str]:
    """Return a line for each statistic in which the observed network is outside, or one that says there is none.

    The ``name`` of the network comes first, where one is given.
    """
    outside = checks.outside()
    drawn = f"{f'{name}: ' if name else ''}posterior predictive checks, {checks.n_networks} networks drawn"
    defined = sum(check.defined for check in checks.checks)
    if not outside:
        return [f"{drawn}: all {defined} statistics are inside their {100 * LEVEL:.0f} % intervals"]
    head = f"{drawn}: {len(outside)} of {defined} statistics outside their {100 * LEVEL:.0f} % intervals"
    return [f"{head} (about 1 in {1 / (1 - LEVEL):.0f} is by chance)", *(f"  {_line(check)}" for check in outside)]


def plot_checks(path: str | Path, checks: PredictiveChecks | Sequence[tuple[Network, PredictiveChecks]]) -> None:
    """Draw the checks of one network, or of several one below the other, into a PNG, SVG or PDF file.

    Raises InputError for another suffix, nothing to draw, or a path that cannot be written.
    """
    where = Path(path)
    if where.suffix.lower() not in SUFFIXES:
        raise InputError.of("check", str(path), f"must end in one of {', '.join(SUFFIXES)}")
    items = [("", checks)] if isinstance(checks, PredictiveChecks) else [(str(network), of) for network, of in checks]
    if not items:
        raise InputError.of("check", str(path), "there is no fit to check")
    check_writable(where)
    with styled():
        made = picture(items)
        content = rendered(made, where.suffix.lower()[1:], dpi=160 if len(items) <= 4 else 100)
    write_atomically(where, content)


def picture(items: Sequence[tuple[str, PredictiveChecks]]) -> Figure:
    """Return the figure of ``plot_checks``, in the style that is set; items : names and checks of networks."""
    drawn = items[:MOST_DRAWN]
    made = figure(_WIDTH, _HEIGHT * len(drawn) + 0.5)
    parts: Any = made.subfigures(len(drawn), 1, squeeze=False)
    for part, (name, of) in zip(parts.ravel(), drawn, strict=True):
        _draw(part, name if len(items) > 1 or name != "network" else "", of)
    made.legend(handles=_handles(), loc="outside upper left", ncols=5, fontsize=9, columnspacing=1.6)
    if len(items) > len(drawn):
        made.supxlabel(f"The first {len(drawn)} of {len(items)} networks.", fontsize=9, color=GREY)
    return made


def title(name: str, checks: PredictiveChecks) -> str:
    """Return in how many statistics the observed network is as the model expects, and where it has more and where less."""
    outside = checks.outside()
    defined = sum(check.defined for check in checks.checks)
    start = f"{label(name, 60) if name else 'The network'} is as the {checks.fitter} fit expects in"
    if not outside:
        return f"{start} all {defined} statistics."
    said = [f"{start} {defined - len(outside)} of {defined} statistics."]
    for side, word in ((1, "More"), (-1, "Less")):
        names = [text for check in outside if (text := _what(check, side))]
        if len(names) > _MOST_NAMED + 1:
            names = [*names[:_MOST_NAMED], f"{len(names) - _MOST_NAMED} others"]
        if names:
            said.append(f"{word} than expected: {listed(names)}.")
    return " ".join(said)


def directions(check: Check) -> NDArray[np.int64]:
    """Return for each bin whether the observed value lies above (1) or below (-1) what the model expects, or within (0)."""
    low, high = check.band()
    return np.where(check.outside(), np.where(check.observed > high, 1, np.where(check.observed < low, -1, 0)), 0)


def _what(check: Check, side: int) -> str:
    """Return what there is more (1) or less (-1) of in a statistic, such as ``actors with out-degree 0 or 1``; or nothing."""
    places = np.flatnonzero(directions(check) == side)
    if not len(places):
        return ""
    if not check.bins:
        return label(check.name)
    things = check.unit.removeprefix("share of ")
    values = [check.bins[k] for k in places if check.bins[k] != NO_PATH]
    parts = [f"with {check.name} {' or '.join(values)}"] if values else []
    parts += ["without a path"] if len(values) < len(places) else []
    return f"{things} {' or '.join(parts)}"


def _line(check: Check) -> str:
    """Return what is outside in a statistic, on which side, by how much, and its p."""
    low, high = check.band()
    far = np.where(check.outside(), np.maximum(low - check.observed, check.observed - high), -np.inf)
    at = int(np.argmax(far))
    numbers = f"observed {check.observed[at]:.3f}, networks drawn {low[at]:.3f} to {high[at]:.3f}"
    where = f"{label(check.name)}{f' {check.bins[at]}, {check.unit}' if check.bins else ''}"
    side = "more" if directions(check)[at] > 0 else "less"
    others = int(check.outside().sum()) - 1
    more = f", and {others} other value{'s' * (others > 1)}" if others else ""
    return f"{where}, {side} than expected: {numbers}{more} (p = {check.p_value:.2g})"


def _draw(part: Any, name: str, checks: PredictiveChecks) -> None:
    """Draw one network into its part of the figure: distributions, then the single numbers in what room is left."""
    spread = [check for check in checks.checks if check.bins]
    single = [check for check in checks.checks if not check.bins]
    rows = len(spread) // _COLUMNS + 1
    # Each row is laid out by itself, so that the long names beside the single numbers do not push the others apart.
    strips = part.subfigures(rows, 1, squeeze=False).ravel()
    for row, strip in enumerate(strips):
        here = spread[row * _COLUMNS : (row + 1) * _COLUMNS]
        last = row == rows - 1
        room = [1.0] * len(here) + [float(_COLUMNS - len(here))] * last
        axes = strip.subplots(1, len(room), squeeze=False, width_ratios=room).ravel()
        for each, check in zip(axes, here, strict=False):
            _draw_distribution(each, check)
        if last:
            _draw_numbers(axes[-1], single)
    # No line ends between a sign and its number.
    said = re.sub(
        r"([\N{LESS-THAN OR EQUAL TO}\N{GREATER-THAN OR EQUAL TO}]) ", "\\1\N{NO-BREAK SPACE}", title(name, checks)
    )
    lines = textwrap.wrap(unbroken(said), 126, break_on_hyphens=False)
    part.suptitle("\n".join(lines), x=0.012, ha="left", fontsize=11, fontweight="bold")


def _draw_distribution(axes: Axes, check: Check) -> None:
    """Draw a box for each value, and the observed network as a line."""
    places = bin_places(check.bins)
    axes.set_title(capital(check.name) + _sides(check))
    axes.set_xlabel(_AXES.get(check.name, check.name))
    axes.set_ylabel(check.unit)
    texts = [text.replace(" ", "\n") if text == NO_PATH else text for text in check.bins]
    crowded = sum(max(map(len, text.split("\n"))) + 2 for text in texts) > _MOST_LETTERS
    axes.set_xticks(places, texts, rotation=45 if crowded else 0, fontsize=8.5)
    axes.set_xlim(-0.6, places[-1] + 0.6)
    if not check.defined:
        _say_undefined(axes)
        return
    (low, high), (least, most) = check.interval(_BOX), check.band()
    axes.vlines(places, least, most, color=GREY, linewidth=1.1, zorder=2)
    axes.bar(places, high - low, 0.62, low, color=_BOX_COLOUR, edgecolor=GREY, linewidth=0.6, zorder=2.5)
    axes.hlines(np.median(check.known, axis=0), places - 0.31, places + 0.31, color=GREY, linewidth=1.6, zorder=3)
    joined = len(places) - (check.bins[-1] == NO_PATH)
    axes.plot(places[:joined], check.observed[:joined], color=INK, linewidth=1.3, zorder=3.5)
    for place, value, far in zip(places, check.observed, check.outside(), strict=True):
        axes.plot(place, value, zorder=4, clip_on=False, **(_OUTSIDE if far else _INSIDE))
    axes.set_ylim(bottom=0.0)


def bin_places(bins: Sequence[str]) -> NDArray[np.float64]:
    """Return where bins are drawn: at 0, 1, 2 and so on, the one without a path apart from the others."""
    places = np.arange(len(bins), dtype=np.float64)
    return np.where(np.array(bins) == NO_PATH, places + 0.5, places)


def _sides(check: Check) -> str:
    """Return for a headline which values there are more and less of than the model expects."""
    if not check.defined:
        return ""
    sides = directions(check)
    parts = [
        f"{word} {', '.join(check.bins[k] for k in np.flatnonzero(sides == side))}"
        for side, word in ((1, "more"), (-1, "less"))
        if (sides == side).any()
    ]
    if not parts:
        return ""
    said = f": {'; '.join(parts)}"
    return said if len(check.name + said) <= _LONGEST else ": not as expected"


def _draw_numbers(axes: Axes, checks: Sequence[Check]) -> None:
    """Draw a row for each single number, with its value and p written beside it."""
    chosen = sorted(checks, key=lambda check: not check.outside().any())[:MOST_ROWS]
    shown = [check for check in checks if check in chosen]
    axes.set_title("Single numbers" + (f" ({len(shown)} of {len(checks)})" if len(shown) < len(checks) else ""))
    axes.set_yticks(range(len(shown)), [label(check.name, 34) for check in shown], fontsize=9)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")
    for row, check in enumerate(shown):
        axes.axhline(row, color=PALE, linewidth=0.6, zorder=1)
        text = f"{check.observed[0]:.2f}   p = {check.p_value:.2g}" if check.defined else "not defined"
        far = bool(check.outside().any())
        axes.annotate(
            text,
            (1.015, row),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8.5,
            fontweight="bold" if far else "normal",
        )
        if not check.defined:
            continue
        ((low,), (high,)), ((least,), (most,)) = check.interval(_BOX), check.interval()
        axes.hlines(row, least, most, color=GREY, linewidth=1.1, zorder=2)
        axes.barh(row, high - low, 0.5, low, color=_BOX_COLOUR, edgecolor=GREY, linewidth=0.6, zorder=2.5)
        axes.vlines(float(np.median(check.known)), row - 0.25, row + 0.25, color=GREY, linewidth=1.6, zorder=3)
        axes.plot(check.observed[0], row, zorder=4, clip_on=False, **(_OUTSIDE if far else _INSIDE))
    axes.set_xlabel("share; variation: standard deviation over mean")
    axes.margins(x=0.07)
    axes.autoscale_view(scaley=False)


def _say_undefined(axes: Axes) -> None:
    axes.annotate("not defined:\nthere are no ties", (0.5, 0.5), xycoords="axes fraction", ha="center", color=GREY)
    axes.set_yticks([])


def _handles() -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return [
        Line2D([], [], linewidth=1.3, **_INSIDE, label="observed"),
        Line2D([], [], linestyle="none", **_OUTSIDE, label="observed, not as expected"),
        Patch(
            facecolor=_BOX_COLOUR,
            edgecolor=GREY,
            linewidth=0.6,
            label=unbroken(f"middle {100 * _BOX:.0f} % of networks drawn from the fit"),
        ),
        Line2D([], [], color=GREY, linewidth=1.6, label="their median"),
        Line2D([], [], color=GREY, linewidth=1.1, label=unbroken(f"{100 * LEVEL:.0f} % in all bins at once")),
    ]
