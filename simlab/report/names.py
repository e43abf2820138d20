"""Names beside the actors of a picture, where they hide neither one another nor the actors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simlab.report.style import GREY, INK, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_FONT = 7.5
_LONGEST = 18
# Where a name may stand: directions, and gaps from its actor's mark in points; at a wide gap a line leads to it.
_DIRECTIONS = ((1, 0.5), (-1, 0.5), (1, -0.5), (-1, -0.5), (0, 1), (0, -1), (1, 0), (-1, 0))
_GAPS = (1.5, 7.0, 14.0, 22.0)
_LED_FROM = 7.0
_PADDING = 1.5
# A name is left out where it would hide more than this share of its own size.
_MOST_HIDDEN = 0.3


def write_names(axes: Axes, flat: Floats, names: Sequence[str], radius: Floats, kept: Flags) -> int:
    """Write names beside the actors at ``flat``, (n_actors, 2), whose marks have these radii in points.

    The figure must have been laid out, as room is measured in points; names do not change the layout. An empty name is not
    written. Names that are ``kept`` come first, then those in crowds, each where it hides least: other names above all, then
    actors, then a place far off. One that would hide much wherever it stood is left out, unless it is ``kept``.

    Returns
    -------
    int
        How many names were left out.
    """
    figure: Any = axes.get_figure()
    points = 72.0 / figure.dpi
    marks = axes.transData.transform(flat) * points
    frame = axes.get_window_extent()
    box = np.array([frame.x0, frame.y0, frame.x1, frame.y1]) * points
    wanted = [i for i, name in enumerate(names) if name]
    texts = {i: label(names[i], _LONGEST) for i in wanted}
    sizes = {i: _measured(figure, text, points) for i, text in texts.items()}
    crowd = {i: int((np.hypot(*(marks - marks[i]).T) < 30.0).sum()) for i in wanted}
    around = np.column_stack([marks - radius[:, None], marks + radius[:, None]])
    taken = np.zeros((0, 4))
    left_out = 0
    for i in sorted(wanted, key=lambda i: (not kept[i], -crowd[i])):
        best, where, hiding = math.inf, (np.zeros(4), 0.0), 0.0
        others = np.delete(around, i, axis=0)
        for gap in _GAPS:
            for rank, direction in enumerate(_DIRECTIONS):
                place = _placed(marks[i], sizes[i], direction, radius[i] + gap)
                over = _hidden(place, taken), _hidden(place, others)
                out = np.maximum(box[:2] - place[:2], 0.0).sum() + np.maximum(place[2:] - box[2:], 0.0).sum()
                cost = 8.0 * over[0] + 3.0 * over[1] + 4.0 * out + gap + 0.3 * rank
                if cost < best:
                    best, where, hiding = cost, (place, gap), 2.0 * over[0] + over[1]
        place, gap = where
        if hiding > _MOST_HIDDEN * sizes[i][0] * sizes[i][1] and not kept[i]:
            left_out += 1
            continue
        taken = np.vstack([taken, place])
        _write(axes, flat[i], marks[i], texts[i], place, led=gap >= _LED_FROM)
    return left_out


def _measured(figure: Any, text: str, points: float) -> tuple[float, float]:
    """Return the width and height of a text, in points."""
    probe = figure.text(0.0, 0.0, text, fontsize=_FONT)
    extent = probe.get_window_extent(figure.canvas.get_renderer())
    probe.remove()
    return extent.width * points + 2.0 * _PADDING, extent.height * points


def _placed(mark: Floats, size: tuple[float, float], direction: tuple[float, float], gap: float) -> Floats:
    """Return the box (left, bottom, right, top) of a text whose nearest side lies ``gap`` from its actor."""
    across, up = direction
    width, height = size
    reach = gap / math.hypot(across, up)
    x, y = mark[0] + across * reach, mark[1] + up * reach
    left = x - width * (0.5 - 0.5 * across)
    bottom = y - height * (0.5 - 0.5 * (up if across == 0 else math.copysign(min(2 * abs(up), 1.0), up)))
    return np.array([left, bottom, left + width, bottom + height])


def _hidden(place: Floats, boxes: Floats) -> float:
    """Return the area that a box shares with others, in square points."""
    if not len(boxes):
        return 0.0
    wide = np.minimum(place[2], boxes[:, 2]) - np.maximum(place[0], boxes[:, 0])
    high = np.minimum(place[3], boxes[:, 3]) - np.maximum(place[1], boxes[:, 1])
    return float((np.maximum(wide, 0.0) * np.maximum(high, 0.0)).sum())


def _write(axes: Axes, at: Floats, mark: Floats, text: str, place: Floats, *, led: bool) -> None:
    from matplotlib import patheffects

    middle = (place[:2] + place[2:]) / 2.0 - mark
    written = axes.annotate(
        text,
        (float(at[0]), float(at[1])),
        xytext=(float(middle[0]), float(middle[1])),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=_FONT,
        color=INK,
        path_effects=[patheffects.withStroke(linewidth=2.4, foreground="white", alpha=0.9)],
        arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0.0, "shrinkB": 2.0}
        if led
        else None,
        zorder=5,
    )
    written.set_in_layout(False)
