"""Writing sparse worlds: actors and ties as CSV, with the columns that panels are written with."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from itertools import repeat
from pathlib import Path

import numpy as np

from simlab.generate.sparse import SparseSimulation


def write_sparse(simulation: SparseSimulation, folder: Path) -> list[Path]:
    """Write ``actors.csv`` (actor, site, attributes) and ``ties.csv`` (site, relation, period, source, target).

    They are what ``write_panel`` writes of a panel with one period in which everybody answered. There is no GraphML.

    Returns
    -------
    list of Path
        What was written.
    """
    truth = simulation.truth
    written = [folder / "actors.csv", folder / "ties.csv"]
    columns = [truth.attributes[name][0].tolist() for name in truth.attributes]
    _write(written[0], ("actor", "site", *truth.attributes), zip(truth.actors, truth.site_of, *columns, strict=True))
    names = np.array(truth.actors)
    rows = (
        row
        for (site, relation, period), (source, target) in simulation.ties.items()
        for row in zip(repeat(site), repeat(relation), repeat(period), names[source].tolist(), names[target].tolist())
    )
    _write(written[1], ("site", "relation", "period", "source", "target"), rows)
    return written


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
