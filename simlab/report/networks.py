"""Networks: actors in their positions, clusters by colour and shape, bridgers ringed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit
from simlab.foundation.errors import InputError
from simlab.models.layout import first_positions, procrustes_with_move
from simlab.panel import Network
from simlab.report.bridgers import likely_bridgers
from simlab.report.style import (
    GREY,
    INK,
    SUFFIXES,
    check_writable,
    figure,
    label,
    look,
    rendered,
    styled,
    write_atomically,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
Labels = NDArray[np.integer]
Flags = NDArray[np.bool_]

MOST_NAMES = 40
MOST_DRAWN = 24


def draw_network(
    axes: Axes,
    network: Network,
    positions: Floats,
    labels: Labels,
    bridging: Flags | None = None,
    *,
    wrong: Flags | None = None,
    unknown: Flags | None = None,
    names: Sequence[str] | None = None,
) -> list[Any]:
    """Draw a network and return handles for a legend.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    network : Network
    positions : (n_actors, n_dims)
        Of more than two dimensions the first two are drawn; with one, actors are set apart vertically by turns.
    labels : (n_actors,)
        Clusters: each has a colour and a shape. Negative: none.
    bridging : (n_actors,), optional
        Who is ringed.
    wrong : (n_actors,), optional
        Who is crossed, as being in the wrong cluster.
    unknown : (n_actors,), optional
        Who is drawn hollow, as nothing was observed of them.
    names : (n_actors,), optional
        Written beside the actors; an empty one is not.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    n = network.n_actors
    flat = in_plane(positions)
    ties = network.ties | network.ties.T
    rows, cols = np.nonzero(np.triu(ties, 1))
    strength = float(np.clip(11.0 / math.sqrt(max(len(rows), 1)), 0.25, 0.8))
    axes.add_collection(
        LineCollection(
            [(flat[i], flat[j]) for i, j in zip(rows, cols, strict=True)],
            colors="#9a9a9a",
            linewidths=0.7,
            alpha=strength,
            zorder=1,
        )
    )
    size = float(np.clip(3400.0 / max(n, 1), 14.0, 70.0))
    hollow = np.zeros(n, dtype=bool) if unknown is None else unknown
    handles: list[Any] = []
    for g in np.unique(labels):
        style = look(int(g)) if g >= 0 else None
        colour, marker = (style.colour, style.marker) if style else ("white", "o")
        for part, face in ((labels == g) & ~hollow, colour), ((labels == g) & hollow, "white"):
            axes.scatter(
                flat[part, 0],
                flat[part, 1],
                s=size,
                c=face,
                marker=marker,
                edgecolors=INK if face != "white" else GREY,
                linewidths=0.6,
                zorder=3,
            )
        text = f"cluster {g} ({(labels == g).sum()})" if g >= 0 else f"no cluster ({(labels == g).sum()})"
        handles.append(
            Line2D(
                [],
                [],
                linestyle="none",
                marker=marker,
                markerfacecolor=colour,
                markeredgecolor=INK,
                markeredgewidth=0.6,
                markersize=7.5,
                label=text,
            )
        )
    ring = np.zeros(n, dtype=bool) if bridging is None else np.asarray(bridging, dtype=bool)
    for flags, marker, scale, colour, width in ((ring, "o", 3.2, INK, 1.5), (wrong, "x", 1.9, INK, 1.5)):
        if flags is not None and flags.any():
            paint: dict[str, Any] = {"facecolors": "none", "edgecolors": colour} if marker == "o" else {"c": colour}
            axes.scatter(
                flat[flags, 0], flat[flags, 1], s=scale * size, marker=marker, linewidths=width, zorder=4, **paint
            )
    _write_names(axes, flat, names)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.08)
    axes.autoscale_view()
    axes.grid(False)
    return handles


def mark_handle(kind: str, text: str) -> Any:
    """Return a legend's handle for a ``ring``, a ``cross``, a ``hollow`` actor or a ``tie``."""
    from matplotlib.lines import Line2D

    if kind == "tie":
        return Line2D([], [], color="#9a9a9a", linewidth=1.0, label=text)
    marker, size, width = {"ring": ("o", 11.0, 1.5), "cross": ("x", 8.0, 1.5), "hollow": ("o", 7.5, 0.8)}[kind]
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=size,
        markerfacecolor="none",
        markeredgecolor=INK,
        markeredgewidth=width,
        label=text,
    )


def in_plane(positions: Floats) -> Floats:
    """Return positions of any dimension as two coordinates."""
    if positions.shape[1] >= 2:
        return np.asarray(positions[:, :2], dtype=np.float64)
    spread = float(np.ptp(positions)) if len(positions) else 1.0
    turns = np.argsort(np.argsort(positions[:, 0])) % 5
    return np.column_stack([positions[:, 0], (turns - 2.0) * 0.06 * (spread or 1.0)])


def fit_positions(network: Network, fit: Fit) -> Floats:
    """Return a fit's positions, or, where it has none, those that geodesic distances give."""
    return fit.positions if fit.positions is not None else first_positions(network.weights(), 2)


def top_bridgers(fit: Fit) -> Flags:
    """Return who is ringed: (n_actors,), the likely bridgers."""
    return np.isin(np.arange(len(fit.actors)), likely_bridgers(fit))


def plot_fits(path: str | Path, items: Sequence[tuple[Network, Fit]]) -> None:
    """Draw fitted networks, a panel each, into a PNG, SVG or PDF file.

    Panels of the same actors are turned onto the first one, so that they can be compared; clusters keep the numbers of their
    fit. Fits without positions are drawn where geodesic distances put the actors. Raises InputError for another suffix,
    nothing to draw, or a path that cannot be written.
    """
    where = Path(path)
    if where.suffix.lower() not in SUFFIXES:
        raise InputError.of("plot", str(path), f"must end in one of {', '.join(SUFFIXES)}")
    if not items:
        raise InputError.of("plot", str(path), "there is no fit to draw")
    check_writable(where)
    drawn = items[:MOST_DRAWN]
    columns = math.ceil(math.sqrt(len(drawn)))
    rows = math.ceil(len(drawn) / columns)
    size = 7.0 if columns == 1 else 5.2 if columns == 2 else 4.2
    with styled():
        made = figure(size * columns, (size + 0.6) * rows)
        grid = made.subplots(rows, columns, squeeze=False).ravel()
        first: tuple[tuple[str, ...], Floats] | None = None
        for axes, (network, fit) in zip(grid, drawn, strict=False):
            positions = in_plane(fit_positions(network, fit))
            positions = positions if first is None else _onto(positions, fit.actors, *first)
            first = first or (fit.actors, positions)
            _fit_panel(axes, network, fit, positions)
        for axes in grid[len(drawn) :]:
            axes.set_axis_off()
        if len(items) > len(drawn):
            made.supxlabel(f"The first {len(drawn)} of {len(items)} networks.", fontsize=9, color=GREY)
        content = rendered(made, where.suffix.lower()[1:], dpi=160)
    write_atomically(where, content)


def _fit_panel(axes: Axes, network: Network, fit: Fit, positions: Floats) -> None:
    """Draw one fit with its title and legend."""
    top = top_bridgers(fit)
    unknown = fit.unknown if len(fit.unknown) == network.n_actors else np.zeros(network.n_actors, dtype=bool)
    all_named = network.n_actors <= MOST_NAMES
    names = [actor if all_named or ringed else "" for actor, ringed in zip(fit.actors, top, strict=True)]
    handles = draw_network(axes, network, positions, fit.labels, top, unknown=unknown, names=names)
    if top.any():
        handles.append(mark_handle("ring", f"highest {fit.bridging_score.replace('_', ' ')}"))
    if unknown.any():
        handles.append(mark_handle("hollow", f"nothing observed ({unknown.sum()})"))
    notes = [str(network), fit.fitter] if str(network) != "network" else [fit.fitter]
    if fit.status != "ok":
        notes.append(str(fit.status).replace("_", " "))
    axes.set_title(label(", ".join(notes), 70))
    if fit.positions is None:
        axes.set_xlabel("The fit has no positions: drawn from geodesic distances.", fontsize=8.5, color=GREY)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[["left", "bottom"]].set_visible(False)
    else:
        axes.set_xlabel("latent position, first axis")
        axes.set_ylabel("second axis" if fit.positions.shape[1] > 1 else "set apart by turns")
    axes.legend(
        handles=handles[:14], loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, fontsize=8.5, columnspacing=1.2
    )


def _onto(positions: Floats, actors: tuple[str, ...], first_actors: tuple[str, ...], first: Floats) -> Floats:
    """Return positions turned onto those of the first panel, by the actors in both; as they are with fewer than three."""
    where = {actor: i for i, actor in enumerate(first_actors)}
    pairs = [(i, where[actor]) for i, actor in enumerate(actors) if actor in where]
    if len(pairs) < 3:
        return positions
    own, other = (list(part) for part in zip(*pairs, strict=True))
    _, turn, shift = procrustes_with_move(positions[own], first[other])
    return np.asarray(positions @ turn + shift)


def _write_names(axes: Axes, flat: Floats, names: Sequence[str] | None) -> None:
    """Write names beside their actors, to whichever side is free of other names."""
    from matplotlib import patheffects

    halo = [patheffects.withStroke(linewidth=2.2, foreground="white", alpha=0.85)]
    span = float(np.ptp(flat, axis=0).max(initial=0.0)) or 1.0
    taken: list[tuple[float, float]] = []
    for (x, y), name in zip(flat, names or [], strict=False):
        if not name:
            continue
        text = label(name, 18)
        width, height = 0.0125 * len(text) * span, 0.022 * span
        sides = [(right, up) for up in (1, -1) for right in (1, -1)]
        middles = [(x + right * (0.01 * span + width / 2), y + up * height) for right, up in sides]
        clear = [all(abs(a - u) > width or abs(b - v) > height for u, v in taken) for a, b in middles]
        best = clear.index(True) if True in clear else 0
        right, up = sides[best]
        taken.append(middles[best])
        axes.annotate(
            text,
            (x, y),
            xytext=(5 * right, 4 * up),
            textcoords="offset points",
            ha="left" if right > 0 else "right",
            va="bottom" if up > 0 else "top",
            fontsize=7,
            color=INK,
            path_effects=halo,
            zorder=5,
        )
