"""Pictures of fits: networks in their latent positions, clusters by colour and shape, likely bridgers ringed."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit
from simlab.fit.likely_bridgers import known_actors, likely_bridgers
from simlab.foundation.errors import InputError
from simlab.models.layout import first_positions, procrustes_with_move
from simlab.panel import Network
from simlab.report.drawing import RING_SCALE, draw_network, in_rows, mark_handle, marker_size, named, principal_axes
from simlab.report.names import write_names
from simlab.report.numbers import percent
from simlab.report.style import GREY, SUFFIXES, check_writable, figure, label, rendered, styled, write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MOST_NAMES = 40
MOST_DRAWN = 24
# So many tied dyads can have arrowheads that are seen, in a square inch of a panel.
_MOST_ARROWS_INCH = 3.5
_MOST_CLUSTERS = 12
_ORDINALS = ("first", "second", "third", "fourth", "fifth")


class Panel(NamedTuple):
    """What is drawn of a fit: coordinates in the plane, and the share of the spread along each axis of its space."""

    network: Network
    fit: Fit
    flat: Floats
    shares: Floats

    @property
    def n_dims(self) -> int:
        """The dimensions of the fit's space; 0 where it has none."""
        return 0 if self.fit.positions is None else int(self.fit.positions.shape[1])


def fit_positions(network: Network, fit: Fit) -> Floats:
    """Return a fit's positions, or, where it has none, those that geodesic distances give."""
    return fit.positions if fit.positions is not None else first_positions(network.weights(), 2)


def top_bridgers(fit: Fit) -> Flags:
    """Return who is ringed: (n_actors,), the likely bridgers."""
    return np.isin(np.arange(len(fit.actors)), likely_bridgers(fit))


def plot_fits(path: str | Path, items: Sequence[tuple[Network, Fit]]) -> None:
    """Draw fitted networks, a panel each, into a PNG, SVG or PDF file.

    Panels of the same actors are turned onto the first one, so that they can be compared; clusters keep the numbers of their
    fit. Of more than two dimensions the two of largest spread are drawn; in one, each cluster has a row. Fits without
    positions are drawn where geodesic distances put the actors. Raises InputError for another suffix, nothing to draw, or a
    path that cannot be written.
    """
    where = Path(path)
    if where.suffix.lower() not in SUFFIXES:
        raise InputError.of("plot", str(path), f"must end in one of {', '.join(SUFFIXES)}")
    if not items:
        raise InputError.of("plot", str(path), "there is no fit to draw")
    check_writable(where)
    with styled():
        content = rendered(picture(items), where.suffix.lower()[1:], dpi=160)
    write_atomically(where, content)


def picture(items: Sequence[tuple[Network, Fit]]) -> Figure:
    """Return the figure of ``plot_fits``, in the style that is set."""
    panels = laid_out(items[:MOST_DRAWN])
    columns = math.ceil(math.sqrt(len(panels)))
    rows = math.ceil(len(panels) / columns)
    width = 7.5 if columns == 1 else 5.6 if columns == 2 else 4.4
    height = max(_height(panel, width) for panel in panels)
    made = figure(width * columns, (height + 0.9) * rows + 0.3)
    grid = made.subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip(grid, panels, strict=False):
        _draw_panel(axes, panel, width, arrows_fit(panel.network, width * height))
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    marks: Any = _marks(panels, width * height)
    # Notes are the legend's title, as a label of the figure would lie over it.
    legend = made.legend(
        handles=marks,
        loc="outside lower center",
        ncols=4 if columns > 1 else 3,
        fontsize=8.5,
        title=" ".join(_notes(panels, len(items))) or None,
        title_fontsize=8.5,
    )
    legend.get_title().set_color(GREY)
    made.draw_without_rendering()
    for axes, panel in zip(grid, panels, strict=False):
        _write_names(axes, panel)
    return made


def _height(panel: Panel, width: float) -> float:
    """Return the height of a panel that its positions fill: rows of clusters on a line need less than a plane."""
    if panel.n_dims == 1:
        return min(1.4 + 1.1 * panel.fit.n_clusters, width)
    across, up = np.ptp(panel.flat, axis=0)
    return width * float(np.clip(up / across if across > 0 else 1.0, 0.6, 1.1))


def _marks(panels: Sequence[Panel], square_inches: float) -> list[Any]:
    """Return the handles of a legend for what marks and lines mean in all panels."""
    marks = []
    scores = dict.fromkeys(p.fit.bridging_score.replace("_", " ") for p in panels if top_bridgers(p.fit).any())
    if scores:
        marks.append(mark_handle("ring", f"likely bridger ({', '.join(scores)})"))
    if any(not known_actors(panel.fit).all() for panel in panels):
        marks.append(mark_handle("hollow", "nothing observed"))
    kinds = {(panel.network.directed, arrows_fit(panel.network, square_inches)) for panel in panels}
    if (True, True) in kinds:
        marks.append(mark_handle("arrow", "tie (two heads: returned)"))
    if (True, False) in kinds:
        marks.append(mark_handle("tie", "tie, in either direction or both"))
    if (False, False) in kinds:
        marks.append(mark_handle("tie", "tie" if len(kinds) == 1 else "tie without direction"))
    return marks


def laid_out(items: Sequence[tuple[Network, Fit]]) -> list[Panel]:
    """Return the panels: positions turned onto those of the first fit of the same space, then brought into the plane."""
    first: dict[int, tuple[tuple[str, ...], Floats]] = {}
    turned: dict[int, Floats] = {}
    panels = []
    for network, fit in items:
        positions = fit_positions(network, fit)
        n_dims = positions.shape[1]
        if n_dims in first:
            positions = _onto(positions, fit.actors, *first[n_dims])
        else:
            first[n_dims] = (fit.actors, positions)
            turned[n_dims] = principal_axes(positions)[0]
        shares = np.ones(n_dims)
        if n_dims > 2:
            middle = positions - positions.mean(axis=0)
            positions = middle @ turned[n_dims]
            shares = positions.var(axis=0) / max(float(positions.var(axis=0).sum()), 1e-300)
        flat = positions[:, :2] if n_dims > 1 else in_rows(positions, fit.labels, fit.n_clusters)
        panels.append(Panel(network, fit, np.asarray(flat, dtype=np.float64), shares))
    return panels


def arrows_fit(network: Network, square_inches: float) -> bool:
    """Say whether a network has directed ties, and few enough of them for arrowheads to be seen."""
    tied = int(np.triu(network.ties | network.ties.T, 1).sum())
    return network.directed and tied <= _MOST_ARROWS_INCH * square_inches


def heading(network: Network, fit: Fit) -> str:
    """Return the title of a panel: the network, the fitter, the number of clusters, and whether it converged."""
    name = str(network) if str(network) != "network" else f"network of {network.n_actors} actors"
    empty = int((fit.sizes == 0).sum())
    count = f"{fit.n_clusters} cluster{'s' * (fit.n_clusters != 1)}" + (f" ({empty} empty)" if empty else "")
    status = "" if fit.status == "ok" else f", {str(fit.status).replace('_', ' ')}"
    return f"{label(name, 44)}: {fit.fitter}, {count}{status}"


def _draw_panel(axes: Axes, panel: Panel, width: float, arrows: bool) -> None:
    """Draw one fit with its title, axes and the legend of its clusters; ``width`` in inches."""

    from matplotlib.transforms import ScaledTranslation

    network, fit = panel.network, panel.fit
    ringed, hollow = top_bridgers(fit), ~known_actors(fit)
    handles = draw_network(
        axes,
        network,
        panel.flat,
        fit.labels,
        ringed,
        unknown=hollow,
        n_clusters=fit.n_clusters,
        arrows=arrows,
        bend=0.25 if panel.n_dims == 1 else 0.0,
    )
    if len(handles) > _MOST_CLUSTERS:
        handles = handles[:_MOST_CLUSTERS]
        handles[-1].set_label(f"and {fit.n_clusters - _MOST_CLUSTERS + 1} more clusters")
    made: Any = axes.get_figure()
    axes.set_title("\n".join(textwrap.wrap(heading(network, fit), round(10.8 * width))))
    _label_axes(axes, panel)
    axes.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=axes.transAxes + ScaledTranslation(0.0, -0.5, made.dpi_scale_trans),
        ncols=4 if width > 5 else 3,
        fontsize=8.5,
        columnspacing=1.2,
    )


def _label_axes(axes: Axes, panel: Panel) -> None:
    """Say what the axes are; those that mean nothing have no numbers."""
    if panel.n_dims == 0:
        axes.set_xlabel("The fit has no positions: drawn from geodesic distances.", fontsize=8.5, color=GREY)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[["left", "bottom"]].set_visible(False)
    elif panel.n_dims == 1:
        count = panel.fit.n_clusters
        axes.set_aspect("auto")
        axes.set_xlabel("latent position")
        axes.set_ylim(-count + 0.5, 0.5)
        axes.set_yticks([-g for g in range(count)], [f"cluster {g}" for g in range(count)] if count > 1 else [""])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    elif panel.n_dims == 2:
        axes.set_xlabel("latent position, first axis")
        axes.set_ylabel("second axis")
    else:
        shares = [percent(float(share)) for share in panel.shares]
        others = (
            ", ".join(f"{_ORDINALS[k]} ({shares[k]})" for k in range(2, len(shares))) if len(shares) < 6 else "others"
        )
        axes.set_xlabel(f"latent position, axis of largest spread ({shares[0]}); not shown: the {others}")
        axes.set_ylabel(f"second axis ({shares[1]} of the spread)")


def _notes(panels: Sequence[Panel], total: int) -> list[str]:
    notes = []
    if any(panel.network.n_actors > MOST_NAMES for panel in panels):
        notes.append("Named are the likely bridgers and the actors with most ties.")
    if total > len(panels):
        notes.append(f"The first {len(panels)} of {total} networks.")
    return notes


def _write_names(axes: Axes, panel: Panel) -> None:
    """Write the names, and how many there is no room for."""
    ringed = top_bridgers(panel.fit)
    names = named(panel.network, MOST_NAMES, ringed)
    size = marker_size(panel.network.n_actors)
    radius = np.sqrt(np.where(ringed, RING_SCALE, 1.0) * size) / 2.0
    left_out = write_names(axes, panel.flat, names, radius, ringed)
    if left_out:
        text = f"no room for {left_out} name{'s' * (left_out > 1)}"
        note = axes.annotate(text, (1.0, 0.01), xycoords="axes fraction", ha="right", fontsize=8, color=GREY)
        note.set_in_layout(False)


def _onto(positions: Floats, actors: tuple[str, ...], first_actors: tuple[str, ...], first: Floats) -> Floats:
    """Return positions turned onto those of the first panel, by the actors in both; as they are with fewer than three."""
    where = {actor: i for i, actor in enumerate(first_actors)}
    pairs = [(i, where[actor]) for i, actor in enumerate(actors) if actor in where]
    if len(pairs) < 3:
        return positions
    own, other = (list(part) for part in zip(*pairs, strict=True))
    _, turn, shift = procrustes_with_move(positions[own], first[other])
    return np.asarray(positions @ turn + shift)
