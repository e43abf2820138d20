"""Writing panels: actors and ties as CSV, and each network as GraphML; with weights where ties have counts."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simlab.panel import Network, Panel


def write_panel(panel: Panel, folder: Path) -> list[Path]:
    """Write ``actors.csv``, ``ties.csv`` and a GraphML file for each network; return what was written.

    Actors have a row each; or one for each period they are present in, with present, asked and answered, where the panel has
    several periods or not everybody answered.
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
    if len(panel.periods) == 1 and panel.answered.all():
        rows: list[Sequence[object]] = [
            (actor, *sites[i], *(panel.attributes[name][0, i] for name in names))
            for i, actor in enumerate(panel.actors)
        ]
        return ("actor", *site, *names), rows
    rows = [
        (
            actor,
            *sites[i],
            *(panel.attributes[name][t, i] for name in names),
            *([period] if period else []),
            *(str(bool(flags[t, i])).lower() for flags in (panel.present, panel.asked, panel.answered)),
        )
        for t, period in enumerate(panel.periods)
        for i, actor in enumerate(panel.actors)
    ]
    period_column = ["period"] if any(panel.periods) else []
    return ("actor", *site, *names, *period_column, "present", "asked", "answered"), rows


def _tie_rows(panel: Panel) -> tuple[Sequence[str], list[Sequence[object]]]:
    """Return header and rows; a column that is empty throughout is left out, and weights where no network has counts."""
    named = [kind for kind in ("site", "relation", "period") if any(getattr(panel, f"{kind}s"))]
    weight = ["weight"] if panel.counts else []
    rows: list[Sequence[object]] = []
    for network in panel.networks():
        counts, names = network.tie_counts(), [getattr(network, kind) for kind in named]
        rows += [
            (*names, network.actors[i], network.actors[j], *(_number(counts[i, j]) for _ in weight))
            for i, j in np.argwhere(network.ties)
            if network.directed or i < j
        ]
    return (*named, "source", "target", *weight), rows


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
