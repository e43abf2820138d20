"""Writing panels: actors and ties as CSV, and each network as GraphML."""

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
    _write_rows(written[1], ("site", "relation", "period", "source", "target"), _tie_rows(panel))
    for network in panel.networks():
        parts = [part.replace(" ", "-") for part in (network.site, network.relation, network.period) if part]
        written.append(folder / ("_".join(["network", *parts]) + ".graphml"))
        write_graphml(network, written[-1])
    return written


def to_networkx(network: Network) -> Any:
    """Return the observed ties as a networkx graph, attributes on its nodes."""
    import networkx as nx

    graph: Any = nx.DiGraph() if network.directed else nx.Graph()
    for i, actor in enumerate(network.actors):
        graph.add_node(actor, **{name: values[i] for name, values in network.attributes.items()})
    for i, j in np.argwhere(network.ties):
        graph.add_edge(network.actors[i], network.actors[j])
    return graph


def write_graphml(network: Network, path: Path) -> None:
    """Write one network as GraphML."""
    import networkx as nx

    nx.write_graphml(to_networkx(network), path)


def _actor_rows(panel: Panel) -> tuple[Sequence[str], Iterable[Sequence[object]]]:
    names = list(panel.attributes)
    if len(panel.periods) == 1 and panel.answered.all():
        rows: list[Sequence[object]] = [
            (actor, panel.site_of[i], *(panel.attributes[name][0, i] for name in names))
            for i, actor in enumerate(panel.actors)
        ]
        return ("actor", "site", *names), rows
    rows = [
        (
            actor,
            panel.site_of[i],
            *(panel.attributes[name][t, i] for name in names),
            period,
            *(str(bool(flags[t, i])).lower() for flags in (panel.present, panel.asked, panel.answered)),
        )
        for t, period in enumerate(panel.periods)
        for i, actor in enumerate(panel.actors)
    ]
    return ("actor", "site", *names, "period", "present", "asked", "answered"), rows


def _tie_rows(panel: Panel) -> Iterable[Sequence[object]]:
    for network in panel.networks():
        for i, j in np.argwhere(network.ties):
            if network.directed or i < j:
                yield network.site, network.relation, network.period, network.actors[i], network.actors[j]


def _write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
