"""Writing panels: actors and ties as CSV, and each network as GraphML; with weights where ties have counts."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.panel import Network, Panel


def write_panel(panel: Panel, folder: Path) -> list[Path]:
    """Write ``actors.csv``, ``ties.csv`` and a GraphML file for each network; return what was written.

    Actors have a row each; or one for each period they are present in, with present, asked and answered, where the panel has
    several periods or not everybody answered. In a fixed-choice design the column ``limited`` is the number of names allowed
    for those who gave as many. What is known of the ties of somebody who did not answer has the other side for its reporter.
    """
    written = [folder / "actors.csv", folder / "ties.csv"]
    _write_rows(written[0], *_actor_rows(panel))
    _write_rows(written[1], *_tie_rows(panel))
    for network in panel.networks():
        written.append(folder / f"{_file_name(network, [path.stem for path in written])}.graphml")
        write_graphml(network, written[-1])
    return written


def to_networkx(network: Network) -> Any:
    """Return the observed ties as a networkx graph, attributes on its nodes, and counts as weights where it has them."""
    import networkx as nx

    graph: Any = nx.DiGraph() if network.directed else nx.Graph()
    for i, actor in enumerate(network.actors):
        graph.add_node(actor, **{name: values[i] for name, values in network.attributes.items()})
    for i, j in np.argwhere(network.ties):
        weight = {} if network.counts is None else {"weight": float(network.counts[i, j])}
        graph.add_edge(network.actors[i], network.actors[j], **weight)
    return graph


def write_graphml(network: Network, path: Path) -> None:
    """Write one network as GraphML."""
    import networkx as nx

    nx.write_graphml(to_networkx(network), path)


def _actor_rows(panel: Panel) -> tuple[Sequence[str], Iterable[Sequence[object]]]:
    names = list(panel.attributes)
    site = ["site"] if any(panel.sites) else []
    sites = [[name] if name else [] for name in panel.site_of]
    limits = _limits(panel)
    if len(panel.periods) == 1 and panel.answered.all():
        rows: list[Sequence[object]] = [
            (
                actor,
                *sites[i],
                *(panel.attributes[name][0, i] for name in names),
                *(values[0][i] for values in limits.values()),
            )
            for i, actor in enumerate(panel.actors)
        ]
        return ("actor", *site, *names, *limits), rows
    rows = [
        (
            actor,
            *sites[i],
            *(panel.attributes[name][t, i] for name in names),
            *([period] if period else []),
            *(str(bool(flags[t, i])).lower() for flags in (panel.present, panel.asked, panel.answered)),
            *(values[t][i] for values in limits.values()),
        )
        for t, period in enumerate(panel.periods)
        for i, actor in enumerate(panel.actors)
    ]
    period_column = ["period"] if any(panel.periods) else []
    return ("actor", *site, *names, *period_column, "present", "asked", "answered", *limits), rows


def _limits(panel: Panel) -> dict[str, list[list[str]]]:
    """Return, by column, for each period and actor the names allowed where it gave as many, else ``false``."""
    columns: dict[str, list[list[str]]] = {}
    for key, limited in panel.limited.items():
        column = f"limited_{key[1]}" if len(panel.relations) > 1 else "limited"
        values = columns.setdefault(column, [["false"] * len(panel.actors) for _ in panel.periods])
        for i in panel.members(key[0])[limited]:
            values[panel.periods.index(key[2])][i] = str(panel.max_nominations[key])
    return columns


def _tie_rows(panel: Panel) -> tuple[Sequence[str], list[Sequence[object]]]:
    """Return header and rows; a column that is empty throughout is left out, and weights where no network has counts."""
    named = [kind for kind in ("site", "relation", "period") if any(getattr(panel, f"{kind}s"))]
    told = [_told_by_others(panel, network) for network in panel.networks()]
    reporter = ["reporter"] if any(others.any() for others in told) else []
    weight = ["weight"] if panel.counts or reporter else []
    rows: list[Sequence[object]] = []
    for network, others in zip(panel.networks(), told, strict=True):
        counts, names = network.tie_counts(), [getattr(network, kind) for kind in named]
        rows += [
            (
                *names,
                network.actors[i],
                network.actors[j],
                *(_number(counts[i, j]) for _ in weight),
                *(network.actors[j] if others[i, j] else "" for _ in reporter),
            )
            for i, j in np.argwhere(network.ties | others)
            if network.directed or i < j
        ]
    return (*named, "source", "target", *weight, *reporter), rows


def _told_by_others(panel: Panel, network: Network) -> NDArray[np.bool_]:
    """Return the dyads of a network that were observed although the actor of their row did not answer."""
    t, members = panel.periods.index(network.period), panel.members(network.site)
    answered = panel.answered[t, members[panel.present[t, members]]]
    return np.asarray(network.observed & ~answered[:, None] & network.directed)


def _number(value: float) -> int | float:
    """Return a whole number without its decimals."""
    return int(value) if float(value).is_integer() else float(value)


def _file_name(network: Network, taken: Sequence[str]) -> str:
    """Return a name that any file system takes, and that no other network has."""
    parts = ["network", *(part for part in (network.site, network.relation, network.period) if part)]
    name = "_".join("".join(c if c.isalnum() or c in "-_" else "-" for c in part) for part in parts)
    while name in taken:
        name += "+"
    return name


def _write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
