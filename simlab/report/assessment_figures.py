"""Pictures of an assessment: probabilities of assignments, agreement of refits, numbers chosen again, change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simlab.plan.assess import Assessment
from simlab.plan.assignment import SAFE
from simlab.plan.change import Change
from simlab.report.assessment_change_words import corrected
from simlab.report.assessment_words import known
from simlab.report.numbers import percent, unbroken
from simlab.report.style import GREY, INK, PALE, figure, label, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 10.0
MOST_ROWS = 90
_ROWS_A_COLUMN = 30
_ROW = 0.19
_LONGEST = 22
_LEAST_BAR = 0.006


def assignments_figure(found: Assessment) -> Figure | None:
    """Draw a row for each actor: how probably its assignment is right, beside chance; None where all are in one cluster.

    Of very many actors the least certain ones are drawn.
    """
    of = found.assignments
    if not of.divided:
        return None
    chosen = np.argsort(of.probability, kind="stable")[:MOST_ROWS]
    order = sorted(chosen, key=lambda i: (of.labels[i], -of.probability[i]))
    columns = min(3, -(-len(order) // _ROWS_A_COLUMN))
    rows = -(-len(order) // columns)
    made = figure(WIDTH, max(_ROW * (rows + 1) + 1.1, 2.6))
    panels = made.subplots(1, columns, squeeze=False).ravel()
    for k, axes in enumerate(panels):
        _draw_column(axes, found, order[k * rows : (k + 1) * rows], rows)
    if columns == 1:
        panels[0].set_xlim(0.0, 1.0)
    made.legend(handles=_assignment_handles(found, order), loc="outside lower center", ncols=4, fontsize=9)
    return made


def _draw_column(axes: Axes, found: Assessment, actors: Sequence[int], rows: int) -> None:
    of = found.assignments
    before = None
    for row, i in enumerate(actors):
        g = int(of.labels[i])
        if before is not None and g != before:
            axes.axhline(row - 0.5, color=GREY, linewidth=0.8)
        before = g
        style, safe = look(g), bool(of.safe[i])
        axes.plot([0.0, of.probability[i]], [row, row], color=PALE, linewidth=2.2, zorder=1, solid_capstyle="butt")
        axes.plot(of.chance[i], row, marker="|", color=GREY, markersize=8, markeredgewidth=1.2, zorder=2)
        axes.plot(
            of.probability[i],
            row,
            marker=style.marker,
            markersize=6.5,
            markerfacecolor=style.colour if safe else "white",
            markeredgecolor=INK if safe else style.colour,
            markeredgewidth=0.7 if safe else 1.5,
            zorder=3,
            clip_on=False,
        )
    axes.axvline(SAFE, color=INK, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1.5)
    axes.set_yticks(range(len(actors)), [label(of.actors[i], _LONGEST) for i in actors], fontsize=8.5)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_xlim(0.0, 1.0)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")
    axes.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0", "25", "50", "75", unbroken("100 %")])
    axes.set_xlabel("probability that the assignment is right")


def _assignment_handles(found: Assessment, order: Sequence[int]) -> list[Any]:
    from matplotlib.lines import Line2D

    labels = found.assignments.labels
    handles: list[Any] = []
    for g in sorted({int(labels[i]) for i in order}):
        style = look(g)
        size = int((labels == g).sum())
        handles.append(
            Line2D(
                [],
                [],
                linestyle="none",
                marker=style.marker,
                markersize=7,
                markerfacecolor=style.colour,
                markeredgecolor=INK,
                markeredgewidth=0.7,
                label=f"cluster {g} ({size})",
            )
        )
    plain: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 7}
    return [
        *handles,
        Line2D([], [], markerfacecolor=GREY, markeredgecolor=INK, label="safe (filled)", **plain),
        Line2D([], [], markerfacecolor="white", markeredgecolor=GREY, label="not safe (hollow)", **plain),
        Line2D([], [], linestyle="none", marker="|", color=GREY, markersize=9, label="what a shuffled network gives"),
        Line2D([], [], color=INK, linewidth=0.9, linestyle=(0, (4, 2)), label=f"safe from here on ({percent(SAFE)})"),
    ]


def again_figure(found: Assessment) -> Figure | None:
    """Draw what refits find again: agreement over worlds, bridgers named again, numbers chosen; None without a refit."""
    values = known(found.again)
    if not len(values):
        return None
    made = figure(WIDTH, 3.7)
    left, middle, right = made.subplots(1, 3, width_ratios=[1.1, 0.9, 1.2])
    _draw_agreement(left, found, values)
    _draw_bridgers(middle, found)
    _draw_numbers(right, found)
    return made


def _draw_agreement(axes: Axes, found: Assessment, values: NDArray[np.float64]) -> None:
    from matplotlib.ticker import MaxNLocator

    mean, (low, high) = float(values.mean()), found.again.interval()
    least = min(-0.1, float(np.floor(values.min() * 10.0) / 10.0))
    bins = np.linspace(least, 1.0, round((1.0 - least) / 0.05) + 1)
    counts, edges = np.histogram(values, bins=bins)
    shares = counts / counts.sum()
    axes.bar(edges[:-1], shares, np.diff(edges), align="edge", color="#9db8cf", edgecolor="white", linewidth=0.5)
    top = float(shares.max()) * 1.28
    axes.plot([low, high], [top * 0.93] * 2, color=INK, linewidth=1.4)
    axes.plot(mean, top * 0.93, marker="o", color=INK, markersize=6)
    axes.annotate(
        f"mean {mean:.2f}",
        (mean, top * 0.93),
        xytext=(0, 5),
        textcoords="offset points",
        ha="right" if mean > 0.6 else "center",
        fontsize=9,
    )
    axes.axvline(0.0, color=GREY, linewidth=0.8, linestyle=(0, (1.2, 1.2)))
    axes.set_ylim(0.0, top * 1.06)
    axes.set_title("Clusters found again")
    axes.set_xlabel(
        "adjusted Rand index with the clusters found\n(0: as by chance, 1: the same); line: middle 90 %", fontsize=9
    )
    axes.set_ylabel("share of worlds")
    # Whole per cents: ticks half way between would be rounded to uneven steps.
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(_percents())


def _draw_bridgers(axes: Axes, found: Assessment) -> None:
    axes.set_title("Bridgers named again")
    bridgers = [b for b in found.bridgers if np.isfinite(b.again)]
    if not bridgers:
        axes.annotate(
            "nobody was named\nas a likely bridger", (0.5, 0.5), xycoords="axes fraction", ha="center", color=GREY
        )
        axes.set_axis_off()
        return
    rows = np.arange(len(bridgers))
    shares = np.array([b.again for b in bridgers])
    axes.barh(rows, np.maximum(shares, _LEAST_BAR), 0.6, color="#9db8cf", edgecolor=GREY, linewidth=0.5)
    for row, share in zip(rows, shares, strict=True):
        axes.annotate(
            percent(float(share)), (share, row), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8.5
        )
    axes.set_yticks(rows, [label(b.actor, _LONGEST) for b in bridgers], fontsize=8.5)
    axes.set_ylim(max(len(bridgers), 4) - 0.4, -0.6)
    axes.set_xlim(0.0, 1.0)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")
    axes.xaxis.set_major_formatter(_percents())
    axes.set_xticks([0.0, 0.5, 1.0])
    axes.set_xlabel("share of worlds in which named again", fontsize=9)


def _draw_numbers(axes: Axes, found: Assessment) -> None:
    """Draw a table of shares: a row for the number of clusters of the worlds, a column for the number chosen."""
    axes.set_title("Number chosen again")
    chosen = {g: counts for g, counts in found.numbers.chosen.items() if sum(counts.values())}
    if not chosen:
        axes.annotate("no world was refitted yet", (0.5, 0.5), xycoords="axes fraction", ha="center", color=GREY)
        axes.set_axis_off()
        return
    rows = sorted(chosen)
    columns = sorted({*rows, *(c for counts in chosen.values() for c in counts)})
    shares = np.array([[found.numbers.share(g, c) for c in columns] for g in rows])
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.3, aspect="auto")
    for r, c in np.ndindex(shares.shape):
        bold = "bold" if rows[r] == columns[c] else "normal"
        axes.annotate(percent(float(shares[r, c])), (c, r), ha="center", va="center", fontsize=8.5, fontweight=bold)
    axes.set_xticks(range(len(columns)), [str(c) for c in columns])
    names = [f"worlds with {g}" + ("\n(as found)" if g == found.fit.n_clusters else "") for g in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=8.5)
    axes.grid(False)
    axes.tick_params(length=0)
    axes.set_xlabel(
        "number of clusters chosen by the refit\n(share of each row; bold: the number there is)", fontsize=9
    )


def change_figure(named: Sequence[tuple[str, Change]]) -> Figure | None:
    """Draw the change seen, the test-retest null and the corrected change, a row each; None where there is none to draw."""
    shown = [(name, change) for name, change in named if np.isfinite(change.seen) and not change.one_cluster]
    if not shown:
        return None
    made = figure(WIDTH, 1.2 + 1.25 * len(shown))
    panels = made.subplots(len(shown), 1, squeeze=False, sharex=True).ravel()
    for axes, (name, change) in zip(panels, shown, strict=True):
        title = f"{name + ', ' if name else ''}period {change.before} to {change.after}"
        axes.set_title(f"{label(title, 70)}: {change.n_stayers} actors in both")
        axes.plot(change.seen, 0, marker="D", color=INK, markersize=7, clip_on=False, zorder=3)
        if np.isfinite(change.null):
            if percent(change.seen_by_refits) != percent(change.seen):
                axes.plot(
                    change.seen_by_refits,
                    0,
                    marker="D",
                    color="white",
                    markeredgecolor=INK,
                    markersize=7,
                    clip_on=False,
                    zorder=2.5,
                )
            axes.plot(
                [change.null_low, change.null_high], [1, 1], color=GREY, linewidth=5, solid_capstyle="butt", zorder=2
            )
            axes.plot(change.null, 1, marker="o", color="white", markeredgecolor=INK, markersize=7, zorder=3)
        rows = ["change seen", "if nobody had moved", "corrected change"]
        if change.corrected.estimable:
            share, low, high = (float(np.clip(x, 0.0, 1.0)) for x in corrected(change))
            axes.plot([low, high], [2, 2], color=INK, linewidth=1.5, zorder=2, clip_on=False)
            axes.plot(
                share, 2, marker="s", color="#0072B2", markeredgecolor=INK, markersize=7.5, zorder=3, clip_on=False
            )
        else:
            axes.annotate("not estimable", (0.01, 2), va="center", fontsize=9.5, fontweight="bold", color="#a33c00")
        axes.set_yticks(range(3), rows)
        axes.set_ylim(2.6, -0.6)
        axes.set_xlim(0.0, 1.0)
        axes.grid(False, axis="y")
        axes.grid(True, axis="x")
        axes.xaxis.set_major_formatter(_percents())
    panels[-1].set_xlabel(
        "share of actors present in both periods who switch cluster"
        "\n(hollow diamond: by the method of the refits; grey: middle 90 % of worlds; black line: 95 % interval)",
        fontsize=9,
    )
    return made


def _percents() -> Any:
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda share, _: unbroken(f"{100.0 * share:.0f} %"))
