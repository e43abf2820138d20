"""Reading panels: from edge lists, from every format that networkx reads, from networkx graphs and pandas tables.

What can be mended is mended with a warning (loops, duplicate ties); what cannot is refused in one line that says where.
Where weights other than 1 are given they are kept as counts of the ties; a weight of 0 is no tie.
"""

from __future__ import annotations

import csv
import io
import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from simlab.foundation.errors import InputError, shown, suggestion
from simlab.panel import Panel
from simlab.panel_build import MendedWarning, Row, Tie, build_panel

# The columns that mean something to us, whatever the case of their letters; the others are attributes, as they are written.
_OF_TIES = ("source", "target", "weight", "site", "relation", "period")
_OF_ACTORS = ("actor", "period", "site", "present", "asked", "answered", "bipartite")


def read_panel(
    path: str | Path,
    *,
    actors: str | Path | None = None,
    undirected: bool = False,
    undirected_relations: Sequence[str] = (),
) -> Panel:
    """Read a panel from a file.

    Parameters
    ----------
    path : path
        A CSV or TSV edge list (columns source, target and, where wanted, weight, site, relation, period, reporter), or
        GraphML, GML, GEXF, Pajek, LEDA, graph6, sparse6, adjacency or edge list as networkx reads them. The reporter is
        who told of a tie whose source did not answer (a proxy report); with weight 0 there is none.
    actors : path, optional
        A CSV or TSV with the column actor, one row an actor, or an actor and period. ``site``, ``present``, ``asked`` and
        ``answered`` mean what they say, in any letters, ``limited`` who gave as many names as allowed (true, false,
        or the number allowed; ``limited_advice`` for the relation advice alone); every other column is an attribute, named as
        it is written. Actors without ties are kept.
    undirected : bool
        Whether ties have no direction. Edge lists are directed unless said; other formats say so themselves.
    undirected_relations : sequence of str
        The relations whose ties have no direction.

    Raises
    ------
    InputError
        Where a file cannot be read, or its content makes no sense; the message says where and what.

    Warns
    -----
    MendedWarning
        Where loops or duplicate ties were dropped. Of duplicates the one with the greatest weight is kept.
    """
    file = Path(path)
    _check_file(file)
    rows = None if actors is None else _actor_rows(Path(actors))
    if file.suffix.lower() in (".csv", ".tsv", ".txt"):
        ties = _edge_list(file)
        return build_panel(str(path), ties, rows, undirected, undirected_relations, {})
    graph = _read_graph(file)
    return _from_graph(graph, str(path), rows, undirected or not graph.is_directed(), undirected_relations)


def panel_from_networkx(graph: Any, *, undirected_relations: Sequence[str] = ()) -> Panel:
    """Return the panel of a networkx graph.

    Node attributes become attributes of actors; the edge attributes weight, relation, period and site mean what they say.
    In a two-mode network (a node attribute ``bipartite`` of 0 and 1) no tie is possible within a mode.
    """
    return _from_graph(graph, "graph", None, not graph.is_directed(), undirected_relations)


def panel_from_tables(ties: Any, actors: Any = None, *, undirected: bool = False) -> Panel:
    """Return the panel of pandas tables with the columns that ``read_panel`` describes."""
    text = io.StringIO(ties.to_csv(index=False))
    rows = None if actors is None else _rows_of(_table(io.StringIO(actors.to_csv(index=False)), "actors", _OF_ACTORS))
    return build_panel("ties", _ties_of(_table(text, "ties", _OF_TIES)), rows, undirected, (), {})


def _check_file(file: Path) -> None:
    try:
        there = file.exists()
    except OSError as error:
        raise InputError(f"{shown(str(file))}: cannot be read ({error.strerror})") from None
    if not there:
        raise InputError(f"{shown(str(file), 200)}: no such file")
    if file.is_dir():
        raise InputError(f"{file}: is a folder, not a file")


def _table(
    text: Iterable[str], name: str, known: Sequence[str], delimiter: str = ","
) -> list[tuple[str, dict[str, str]]]:
    """Return (where, row) for every row of a table with a header; blank lines are passed over.

    Names of columns that are ``known`` are in small letters, others as they are written.
    """
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    rows: list[tuple[str, dict[str, str]]] = []
    header: list[str] | None = None
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if header is None:
                header = [cell.lower() if cell.lower() in known else cell for cell in cells]
                if len({cell.lower() for cell in cells}) != len(cells):
                    raise InputError(f"{name}: the header names a column twice: {shown(','.join(header))}")
                continue
            where = f"{name}, line {reader.line_num}"
            if len(cells) != len(header):
                raise InputError(f"{where}: {len(cells)} values for {len(header)} columns")
            rows.append((where, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        raise InputError(f"{name}, line {reader.line_num}: not valid CSV ({error})") from None
    if header is None:
        raise InputError(f"{name}: the file is empty; it needs a header and rows")
    # A table without rows still has to have its columns.
    return rows or [(name, dict.fromkeys(header, "\0"))]


def _read_table(file: Path, known: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    _check_file(file)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file}: not a text file in UTF-8") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from None
    if "\0" in text:
        raise InputError(f"{file}: not a text file")
    delimiter = "\t" if file.suffix.lower() == ".tsv" else ","
    return _table(io.StringIO(text, newline=""), str(file), known, delimiter)


def _edge_list(file: Path) -> list[Tie]:
    return _ties_of(_read_table(file, _OF_TIES))


def _ties_of(table: list[tuple[str, dict[str, str]]]) -> list[Tie]:
    where, first = table[0]
    for column in ("source", "target"):
        if column not in first:
            hint = suggestion(column, first)
            raise InputError(
                f"{where.split(', line')[0]}: no column {column!r} among {shown(', '.join(first))}.{hint}"
                " An edge list needs source and target"
            )
    if first["source"] == "\0":
        return []
    ties = []
    for where, row in table:
        for column in ("source", "target"):
            if not row[column]:
                raise InputError(f"{where}: the {column} is empty")
        for column in ("site", "relation", "period"):
            if column in row and not row[column]:
                raise InputError(f"{where}: the {column} is empty")
        ties.append(
            Tie(
                where,
                row["source"],
                row["target"],
                _weight(row.get("weight", "1"), where),
                row.get("site", ""),
                row.get("relation", ""),
                row.get("period", ""),
                row.get("reporter", ""),
            )
        )
    return ties


def _weight(value: object, where: str) -> float:
    try:
        weight = float(str(value))
    except ValueError:
        raise InputError(f"{where}: weight = {shown(str(value))}: must be a number from 0") from None
    if not math.isfinite(weight) or weight < 0.0:
        raise InputError(f"{where}: weight = {shown(str(value))}: must be finite and not negative")
    return weight


def _actor_rows(file: Path) -> list[Row]:
    return _rows_of(_read_table(file, _OF_ACTORS))


def _rows_of(table: list[tuple[str, dict[str, str]]]) -> list[Row]:
    where, first = table[0]
    if "actor" not in first:
        raise InputError(f"{where.split(', line')[0]}: no column 'actor' among {shown(', '.join(first))}")
    if first["actor"] == "\0":
        raise InputError(f"{where}: no actors; leave the file out where nothing is known of them")
    rows, seen = [], set()
    for where, row in table:
        key = (row["actor"], row.get("period", ""))
        if not row["actor"]:
            raise InputError(f"{where}: the actor is empty")
        if key in seen:
            twice = f" in period {key[1]}" if key[1] else ""
            raise InputError(f"{where}: the actor {key[0]!r} is listed twice{twice}")
        seen.add(key)
        values = {name: value for name, value in row.items() if name not in ("actor", "period")}
        rows.append(Row(where, row["actor"], row.get("period", ""), values))
    return rows


def _graph_readers() -> dict[str, Callable[[str], Any]]:
    import networkx as nx

    return {
        ".graphml": nx.read_graphml,
        ".xml": nx.read_graphml,
        ".gml": nx.read_gml,
        ".gexf": nx.read_gexf,
        ".net": nx.read_pajek,
        ".paj": nx.read_pajek,
        ".lgr": nx.read_leda,
        ".leda": nx.read_leda,
        ".g6": nx.read_graph6,
        ".s6": nx.read_sparse6,
        ".adjlist": nx.read_adjlist,
        ".edgelist": nx.read_edgelist,
        ".edges": nx.read_edgelist,
    }


def _read_graph(file: Path) -> Any:
    readers = _graph_readers()
    suffix = file.suffix.lower()
    if suffix not in readers:
        known = ", ".join(sorted([".csv", ".tsv", ".txt", *readers]))
        raise InputError(f"{file}: no known format by that ending. Known: {known}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph = readers[suffix](str(file))
    except Exception as error:
        reason = shown(str(error), 80)
        raise InputError(f"{file}: cannot be read as {suffix[1:]} ({type(error).__name__}: {reason})") from None
    if not hasattr(graph, "is_directed"):
        raise InputError(f"{file}: holds several graphs; give one a file")
    return graph


def _from_graph(
    graph: Any, name: str, rows: list[Row] | None, undirected: bool, undirected_relations: Sequence[str]
) -> Panel:
    ties = [
        Tie(
            f"{name}, tie {source}-{target}",
            str(source),
            str(target),
            _weight(data.get("weight", 1), f"{name}, tie {source}-{target}"),
            *(str(data.get(role, "")) for role in ("site", "relation", "period", "reporter")),
        )
        for source, target, data in graph.edges(data=True)
    ]
    nodes: dict[str, dict[str, str]] = {}
    for node, data in graph.nodes(data=True):
        if str(node) in nodes:
            raise InputError(f"{name}: two actors are called {str(node)!r}")
        nodes[str(node)] = {str(k): str(v) for k, v in data.items()}
    return build_panel(name, ties, rows, undirected, undirected_relations, nodes)


__all__ = ["MendedWarning", "panel_from_networkx", "panel_from_tables", "read_panel"]
