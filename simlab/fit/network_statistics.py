"""Statistics of a network that tell whether a model made it: the same of an observed network and of drawn ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError, UnknownNameError
from simlab.panel import DyadState, Network

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Flags = NDArray[np.bool_]

HOMOPHILY = "ties within the same "
VARIATION = "variation of "
DISTANCE = "geodesic distance"
MOST_VALUES = 10
# Counts may be of any size.
_GREATEST = 10_000


@dataclass(frozen=True)
class Read:
    """What was read from one network: numbers by name, and for distributions how many cases there are of 0, 1, 2 ..."""

    numbers: Mapping[str, float]
    tables: Mapping[str, NDArray[np.int64]]


class Reader:
    """Reads the same statistics from an observed network and those drawn in its place."""

    def __init__(self, network: Network, counted: bool, attributes: Sequence[str] | None) -> None:
        n = network.n_actors
        self.directed, self.counted = network.directed, counted
        self.other = ~np.eye(n, dtype=bool)
        self.seen = network.observed & self.other
        self.both = self.seen & self.seen.T
        # Where ties within a mode are impossible no tie closes a two-path.
        self.never = (network.state == DyadState.IMPOSSIBLE) & self.other
        self.senders, self.receivers = self.seen.any(axis=1), self.seen.any(axis=0)
        self.groups = {name: _same(network, name) for name in _grouping(network, attributes)}

    def read(self, network: Network) -> Read:
        """Return the statistics of a network with the same observed dyads."""
        ties = network.ties & self.seen
        paths = _product(ties, ties)
        numbers = {"density": _share(ties.sum(), self.seen.sum())}
        tables = {}
        if self.directed:
            # Of dyads of which both ties were observed.
            numbers["reciprocity"] = _share((ties & ties.T & self.both).sum(), (ties & self.both).sum())
        degrees = {"out-degree" if self.directed else "degree": ties.sum(axis=1)[self.senders]}
        if self.directed:
            degrees["in-degree"] = ties.sum(axis=0)[self.receivers]
        for name, values in degrees.items():
            tables[name] = _table(values)
            numbers[VARIATION + name] = _share(values.std(), values.mean()) if values.size else float("nan")
        if self.never.any():
            tables["shared partners"] = _table(paths[self.never])
        else:
            numbers["transitivity"] = _share(paths[ties].sum(dtype=np.float64), paths[self.seen].sum(dtype=np.float64))
            tables["shared partners"] = _table(paths[ties])
        for name, (same, known) in self.groups.items():
            numbers[HOMOPHILY + name] = _share((ties & same).sum(), (ties & known).sum())
        if self.counted:
            tables["count"] = _table(network.tie_counts()[self.seen])
        tables[DISTANCE] = _table(geodesic_distances(ties)[self.other])
        return Read(numbers, tables)

    def unit(self, name: str) -> str:
        """Return what the number, or the numbers of the distribution, are."""
        pairs = "share of pairs of actors"
        units = {
            "density": "share of dyads",
            "transitivity": "share of two-paths",
            "shared partners": pairs if self.never.any() else "share of ties",
            DISTANCE: pairs,
            "count": "share of dyads",
        }
        if name.startswith(VARIATION):
            return "standard deviation over mean"
        return units.get(name, "share of actors" if name.endswith("degree") else "share of ties")


def geodesic_distances(ties: Flags) -> NDArray[np.int64]:
    """Return the lengths of the shortest paths from row to column, (n, n); -1 where there is none, 0 on the diagonal."""
    n = len(ties)
    lengths = np.full((n, n), -1, dtype=np.int64)
    np.fill_diagonal(lengths, 0)
    front = np.eye(n, dtype=bool)
    for length in range(1, n):
        front = (_product(front, ties) > 0.0) & (lengths < 0)
        if not front.any():
            break
        lengths[front] = length
    return lengths


def _product(left: Flags, right: Flags) -> Singles:
    """Return a matrix product of flags; in single precision, which counts exactly to 16 million."""
    return np.asarray(left.astype(np.float32) @ right.astype(np.float32))


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def _table(values: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return how many cases there are of -1 (no path), 0, 1, 2 and so on; what is greater counts as the greatest kept."""
    return np.bincount(np.minimum(values, _GREATEST).astype(np.int64) + 1).astype(np.int64)


def _grouping(network: Network, attributes: Sequence[str] | None) -> list[str]:
    """Return the attributes whose homophily is checked."""
    if attributes is None:
        # A tie never joins actors of one mode, drawn or not.
        return [
            name
            for name, values in network.attributes.items()
            if 2 <= len(set(values) - {""}) <= MOST_VALUES and name != "bipartite"
        ]
    for name in attributes:
        if name not in network.attributes:
            raise UnknownNameError.among("attribute", name, network.attributes)
        if len(set(network.attributes[name]) - {""}) < 2:
            raise InputError.of("attributes", name, "must have at least two values")
    return list(dict.fromkeys(attributes))


def _same(network: Network, name: str) -> tuple[Flags, Flags]:
    """Return which pairs have the same value of an attribute, and of which pairs both values are known."""
    values = np.array(network.attributes[name], dtype=np.str_)
    known = (values[:, None] != "") & (values[None, :] != "")
    return np.asarray((values[:, None] == values[None, :]) & known), np.asarray(known)
