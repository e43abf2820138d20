"""Drawing: a network on axes: actors by the colour and shape of their cluster, ties with or without arrowheads, marks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simlab.panel import Network
from simlab.report.style import GREY, INK, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
Labels = NDArray[np.integer]
Flags = NDArray[np.bool_]

TIE_COLOUR = "#8c8c8c"
# A ring's area over that of the mark it is around.
RING_SCALE = 3.2
# Turns by which actors of one dimension are set apart, in the order in which they look least regular.
_TURNS = (0, 2, -1, 1, -2)


def draw_network(
    axes: Axes,
    network: Network,
    positions: Floats,
    labels: Labels,
    bridging: Flags | None = None,
    *,
    wrong: Flags | None = None,
    unknown: Flags | None = None,
    n_clusters: int = 0,
    arrows: bool = False,
    bend: float = 0.0,
) -> list[Any]:
    """Draw a network and return handles for a legend.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    network : Network
    positions : (n_actors, n_dims)
        As ``in_plane`` takes them.
    labels : (n_actors,)
        Clusters: each has a colour and a shape. Negative: none.
    bridging : (n_actors,), optional
        Who is ringed.
    wrong : (n_actors,), optional
        Who is crossed, as being in the wrong cluster.
    unknown : (n_actors,), optional
        Who is drawn hollow, as nothing was observed of them.
    n_clusters : int
        Clusters without actors, up to this number, are in the legend as empty.
    arrows : bool
        Whether ties have arrowheads, one at each end where a tie is returned.
    bend : float
        How far ties are bent, so that those along a line do not hide one another: 0 for straight ones.
    """
    n = network.n_actors
    flat = in_plane(positions)
    size = marker_size(n)
    _draw_ties(axes, network, flat, size, arrows, bend)
    hollow = np.zeros(n, dtype=bool) if unknown is None else unknown
    handles: list[Any] = []
    clusters = sorted({*np.unique(labels).tolist(), *range(n_clusters)})
    for g in clusters:
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
        count = int((labels == g).sum())
        name = f"cluster {g}" if g >= 0 else "no cluster"
        handles.append(_cluster_handle(marker, colour if count else "white", f"{name} ({count or 'empty'})"))
    ring = np.zeros(n, dtype=bool) if bridging is None else np.asarray(bridging, dtype=bool)
    for flags, marker, scale, colour, width in ((ring, "o", RING_SCALE, INK, 1.5), (wrong, "x", 1.9, INK, 1.5)):
        if flags is not None and flags.any():
            paint: dict[str, Any] = {"facecolors": "none", "edgecolors": colour} if marker == "o" else {"c": colour}
            axes.scatter(
                flat[flags, 0], flat[flags, 1], s=scale * size, marker=marker, linewidths=width, zorder=4, **paint
            )
    if positions.shape[1] >= 2:
        axes.set_aspect("equal", adjustable="datalim")
    else:
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    axes.margins(0.08)
    axes.autoscale_view()
    axes.grid(False)
    return handles


def _draw_ties(axes: Axes, network: Network, flat: Floats, size: float, arrows: bool, bend: float) -> None:
    """Draw a line for each tied dyad, fainter the more there are."""
    from matplotlib.patches import FancyArrowPatch

    ties = network.ties
    rows, columns = np.nonzero(np.triu(ties | ties.T, 1))
    strength = float(np.clip(11.0 / math.sqrt(max(len(rows), 1)), 0.25, 0.8))
    gap = math.sqrt(size) / 2.0 + 1.0
    if not arrows and not bend:
        from matplotlib.collections import LineCollection

        lines = [(flat[i], flat[j]) for i, j in zip(rows, columns, strict=True)]
        axes.add_collection(LineCollection(lines, colors=TIE_COLOUR, linewidths=0.7, alpha=strength, zorder=1))
        return
    shapes = {(True, True): "<|-|>", (True, False): "-|>", (False, True): "<|-"}
    for i, j in zip(rows, columns, strict=True):
        if bend and flat[i, 0] > flat[j, 0]:
            i, j = j, i
        axes.add_patch(
            FancyArrowPatch(
                tuple(flat[i]),
                tuple(flat[j]),
                arrowstyle=shapes[bool(ties[i, j]), bool(ties[j, i])] if arrows else "-",
                connectionstyle=f"arc3,rad={bend}",
                mutation_scale=7.0,
                shrinkA=gap,
                shrinkB=gap,
                color=TIE_COLOUR,
                linewidth=0.7,
                alpha=max(strength, 0.6) if arrows else strength,
                zorder=1,
            )
        )


def marker_size(n: int) -> float:
    """Return the size of actors' marks, in square points."""
    return float(np.clip(3400.0 / max(n, 1), 14.0, 70.0))


def _cluster_handle(marker: str, colour: str, text: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D(
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


def mark_handle(kind: str, text: str) -> Any:
    """Return a legend's handle for a ``ring``, a ``cross``, a ``hollow`` actor, a ``tie`` or an ``arrow``."""
    from matplotlib.lines import Line2D

    if kind == "tie":
        return Line2D([], [], color=TIE_COLOUR, linewidth=1.0, label=text)
    if kind == "arrow":
        return Line2D([], [], color=TIE_COLOUR, linewidth=1.0, marker=">", markersize=5.0, markevery=[-1], label=text)
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
    """Return positions as two coordinates: the first two; of one dimension, set apart vertically by turns."""
    if positions.shape[1] >= 2:
        return np.asarray(positions[:, :2], dtype=np.float64)
    spread = float(np.ptp(positions)) if len(positions) else 1.0
    turns = np.array(_TURNS)[np.argsort(np.argsort(positions[:, 0])) % len(_TURNS)]
    return np.column_stack([positions[:, 0], turns * 0.06 * (spread or 1.0)])


def in_rows(positions: Floats, labels: Labels, n_rows: int) -> Floats:
    """Return positions of one dimension as two coordinates: each cluster a row, the first on top, its actors by turns."""
    height = np.zeros(len(labels))
    for g in range(n_rows):
        members = np.flatnonzero(labels == g)
        order = np.argsort(np.argsort(positions[members, 0]))
        height[members] = -g + 0.13 * np.array(_TURNS)[order % len(_TURNS)]
    return np.column_stack([positions[:, 0], height])


def principal_axes(positions: Floats) -> tuple[Floats, Floats]:
    """Return the axes of largest spread, (n_dims, n_dims), columns from the largest on, and the share of each."""
    centred = positions - positions.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=True)
    sizes = np.concatenate([sizes, np.zeros(positions.shape[1] - len(sizes))])
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    total = float((sizes**2).sum())
    return np.asarray((axes * signs[:, None]).T), sizes**2 / total if total > 0 else sizes


def named(network: Network, most: int, always: Flags, n_central: int = 5) -> Sequence[str]:
    """Return the names to write, one an actor, empty for none.

    Everybody's up to ``most`` actors; beyond, of those who are ``always`` named and of the ``n_central`` with most ties.
    """
    if network.n_actors <= most:
        return network.actors
    ties = network.ties.sum(axis=0) + network.ties.sum(axis=1)
    central = np.argsort(-ties, kind="stable")[:n_central]
    return [a if always[i] or i in central else "" for i, a in enumerate(network.actors)]
