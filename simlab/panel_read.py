"""Reading panels: from edge lists, from every format that networkx reads, from networkx graphs and pandas tables.

What can be mended is mended with a warning (loops, duplicate ties); what cannot is refused in one line that says where.
"""

from __future__ import annotations

import csv
import io
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError, shown, suggestion
from simlab.panel import DyadState, Panel

_FLAGS = ("present", "asked", "answered")
_TRUE, _FALSE = {"true", "1", "yes", "t", "y"}, {"false", "0", "no", "f", "n"}


class MendedWarning(UserWarning):
    """Something in the input was mended: loops or duplicate ties dropped."""


@dataclass(frozen=True)
class _Tie:
    where: str
    source: str
    target: str
    weight: float
    site: str
    relation: str
    period: str


@dataclass(frozen=True)
class _Row:
    """One row about an actor; ``period`` is empty where the row is about all periods."""

    where: str
    actor: str
    period: str
    values: Mapping[str, str]


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
        A CSV or TSV edge list (columns source, target and, where wanted, weight, site, relation, period), or GraphML, GML,
        GEXF, Pajek, LEDA, graph6, sparse6, adjacency or edge list as networkx reads them.
    actors : path, optional
        A CSV or TSV with the column actor, one row an actor, or an actor and period. ``site``, ``present``, ``asked`` and
        ``answered`` mean what they say; every other column is an attribute. Actors without ties are kept.
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
        Where loops or duplicate ties were dropped.
    """
    file = Path(path)
    _check_file(file)
    rows = None if actors is None else _actor_rows(Path(actors))
    if file.suffix.lower() in (".csv", ".tsv", ".txt"):
        ties = _edge_list(file)
        return _panel(str(path), ties, rows, undirected, undirected_relations, {})
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
    rows = None if actors is None else _rows_of(_table(io.StringIO(actors.to_csv(index=False)), "actors"))
    return _panel("ties", _ties_of(_table(text, "ties")), rows, undirected, (), {})


def _check_file(file: Path) -> None:
    if not file.exists():
        raise InputError(f"{file}: no such file")
    if file.is_dir():
        raise InputError(f"{file}: is a folder, not a file")


def _table(text: Iterable[str], name: str, delimiter: str = ",") -> list[tuple[str, dict[str, str]]]:
    """Return (where, row) for every row of a table with a header; blank lines are passed over."""
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    rows: list[tuple[str, dict[str, str]]] = []
    header: list[str] | None = None
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if header is None:
                header = [cell.lower() for cell in cells]
                if len(set(header)) != len(header):
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


def _read_table(file: Path) -> list[tuple[str, dict[str, str]]]:
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
    return _table(io.StringIO(text, newline=""), str(file), delimiter)


def _edge_list(file: Path) -> list[_Tie]:
    return _ties_of(_read_table(file))


def _ties_of(table: list[tuple[str, dict[str, str]]]) -> list[_Tie]:
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
            _Tie(
                where,
                row["source"],
                row["target"],
                _weight(row.get("weight", "1"), where),
                row.get("site", ""),
                row.get("relation", ""),
                row.get("period", ""),
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


def _actor_rows(file: Path) -> list[_Row]:
    return _rows_of(_read_table(file))


def _rows_of(table: list[tuple[str, dict[str, str]]]) -> list[_Row]:
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
        rows.append(_Row(where, row["actor"], row.get("period", ""), values))
    return rows


def _flag(row: _Row, name: str) -> bool:
    value = row.values.get(name, "true").lower()
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    raise InputError(f"{row.where}: {name} = {shown(value)}: must be true or false")


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
    graph: Any, name: str, rows: list[_Row] | None, undirected: bool, undirected_relations: Sequence[str]
) -> Panel:
    ties = [
        _Tie(
            f"{name}, tie {source}-{target}",
            str(source),
            str(target),
            _weight(data.get("weight", 1), f"{name}, tie {source}-{target}"),
            *(str(data.get(role, "")) for role in ("site", "relation", "period")),
        )
        for source, target, data in graph.edges(data=True)
    ]
    nodes: dict[str, dict[str, str]] = {}
    for node, data in graph.nodes(data=True):
        if str(node) in nodes:
            raise InputError(f"{name}: two actors are called {str(node)!r}")
        nodes[str(node)] = {str(k): str(v) for k, v in data.items()}
    return _panel(name, ties, rows, undirected, undirected_relations, nodes)


def _panel(
    name: str,
    ties: list[_Tie],
    rows: list[_Row] | None,
    undirected: bool,
    undirected_relations: Sequence[str],
    nodes: Mapping[str, Mapping[str, str]],
) -> Panel:
    """Put ties, rows about actors and nodes of a graph together."""
    listed = None if rows is None else {row.actor for row in rows}
    for tie in ties:
        for actor in (tie.source, tie.target):
            if listed is not None and actor not in listed:
                raise InputError(f"{tie.where}: the actor {actor!r} is not listed among the actors")
    actors = tuple(sorted(listed if listed is not None else {*nodes, *(a for t in ties for a in (t.source, t.target))}))
    if not actors:
        raise InputError(f"{name}: no ties and no actors")
    periods = _in_order({t.period for t in ties} | {r.period for r in rows or [] if r.period})
    relations = tuple(dict.fromkeys(t.relation for t in ties)) or ("",)
    if len(periods) > 1 and "" in periods:
        raise InputError(f"{name}: some ties have a period and others none")
    wrong = [r for r in undirected_relations if r not in relations]
    if wrong:
        raise InputError.of(
            "undirected-relations", wrong[0], f"must be among {', '.join(r or 'none' for r in relations)}"
        )
    directed = tuple(not undirected and r not in undirected_relations for r in relations)
    site_of = _sites(actors, ties, rows or [])
    sites = tuple(sorted(set(site_of)))
    attributes, flags = _about(actors, periods, rows or [], nodes)
    present, asked, answered = (flags[flag] for flag in _FLAGS)
    asked &= present
    answered &= asked
    mode = _modes(attributes, len(actors))
    where = {actor: i for i, actor in enumerate(actors)}
    members = {site: [i for i, s in enumerate(site_of) if s == site] for site in sites}
    place = {i: k for of_site in members.values() for k, i in enumerate(of_site)}
    states: dict[tuple[str, str, str], NDArray[np.int8]] = {}
    for site in sites:
        of_site = np.array(members[site])
        for relation, has_direction in zip(relations, directed, strict=True):
            for t, period in enumerate(periods):
                states[site, relation, period] = _empty_state(
                    present[t, of_site], asked[t, of_site], answered[t, of_site], mode[of_site], has_direction
                )
    _fill(ties, states, where, place, site_of, periods, dict(zip(relations, directed, strict=True)), present, answered)
    return Panel(actors, site_of, sites, relations, periods, directed, attributes, present, asked, answered, states)


def _in_order(periods: set[str]) -> tuple[str, ...]:
    """Return the periods in order: of numbers where all are, else of the alphabet."""
    try:
        return tuple(sorted(periods, key=float)) or ("",)
    except ValueError:
        return tuple(sorted(periods))


def _sites(actors: tuple[str, ...], ties: list[_Tie], rows: list[_Row]) -> tuple[str, ...]:
    """Return each actor's site, from the rows about actors or from the ties; an actor has one."""
    found: dict[str, str] = {}

    def note(actor: str, site: str, where: str) -> None:
        if site and found.setdefault(actor, site) != site:
            raise InputError(
                f"{where}: the actor {actor!r} is in the sites {found[actor]!r} and {site!r}: give each site's actors"
                " names of their own"
            )

    for row in rows:
        note(row.actor, row.values.get("site", ""), row.where)
    for tie in ties:
        note(tie.source, tie.site, tie.where)
        note(tie.target, tie.site, tie.where)
    if found and len(found) < len(actors):
        missing = next(a for a in actors if a not in found)
        raise InputError(f"site: the actor {missing!r} has none, although others do")
    return tuple(found.get(actor, "") for actor in actors)


def _about(
    actors: tuple[str, ...], periods: tuple[str, ...], rows: list[_Row], nodes: Mapping[str, Mapping[str, str]]
) -> tuple[dict[str, NDArray[np.str_]], dict[str, NDArray[np.bool_]]]:
    """Return attributes and flags, each (n_periods, n_actors)."""
    names = [n for n in (rows[0].values if rows else {}) if n not in _FLAGS and n != "site"]
    names += [n for data in nodes.values() for n in data if n not in names]
    names = list(dict.fromkeys(names))
    where = {actor: i for i, actor in enumerate(actors)}
    text: dict[str, list[list[str]]] = {n: [[""] * len(actors) for _ in periods] for n in names}
    by_period = any(row.period for row in rows)
    flags = {flag: np.full((len(periods), len(actors)), not by_period) for flag in _FLAGS}
    for actor, data in nodes.items():
        for n, value in data.items():
            for t in range(len(periods)):
                if actor in where:
                    text[n][t][where[actor]] = value
    for row in rows:
        if by_period and not row.period:
            raise InputError(f"{row.where}: the period is empty, although other rows have one")
        for t in [periods.index(row.period)] if row.period else range(len(periods)):
            for n, value in row.values.items():
                if n in text:
                    text[n][t][where[row.actor]] = value
            for flag in _FLAGS:
                flags[flag][t, where[row.actor]] = _flag(row, flag)
    return {n: np.array(values, dtype=np.str_) for n, values in text.items()}, flags


def _modes(attributes: Mapping[str, NDArray[np.str_]], n_actors: int) -> NDArray[np.int64]:
    """Return each actor's mode in a two-mode network, or -1 for all where it is not one."""
    values = attributes.get("bipartite")
    if values is not None and set(np.unique(values)) == {"0", "1"}:
        return np.asarray(values[0], dtype=np.int64)
    return np.full(n_actors, -1, dtype=np.int64)


def _empty_state(
    present: NDArray[np.bool_],
    asked: NDArray[np.bool_],
    answered: NDArray[np.bool_],
    mode: NDArray[np.int64],
    directed: bool,
) -> NDArray[np.int8]:
    """Return the states of a network before its ties are entered."""
    n = len(present)
    state = np.full((n, n), DyadState.NO_TIE, dtype=np.int8)
    if directed:
        state[~answered] = DyadState.NO_ANSWER
        state[~asked] = DyadState.NOT_ASKED
    else:
        # What one of the two says settles an undirected dyad.
        state[np.ix_(~answered, ~answered)] = DyadState.NO_ANSWER
        state[np.ix_(~asked, ~asked)] = DyadState.NOT_ASKED
    state[~present] = DyadState.ABSENT
    state[:, ~present] = DyadState.ABSENT
    state[(mode[:, None] == mode[None]) & (mode[:, None] >= 0)] = DyadState.IMPOSSIBLE
    np.fill_diagonal(state, DyadState.IMPOSSIBLE)
    return state


def _fill(
    ties: list[_Tie],
    states: dict[tuple[str, str, str], NDArray[np.int8]],
    where: Mapping[str, int],
    place: Mapping[int, int],
    site_of: tuple[str, ...],
    periods: tuple[str, ...],
    directed: Mapping[str, bool],
    present: NDArray[np.bool_],
    answered: NDArray[np.bool_],
) -> None:
    """Enter ties into states; drop loops and duplicates with a warning; refuse what contradicts the actors' rows."""
    loops = duplicates = 0
    seen: set[tuple[str, str, str, str]] = set()
    for tie in ties:
        if tie.source == tie.target:
            loops += 1
            continue
        pair = (tie.source, tie.target) if directed[tie.relation] else tuple(sorted((tie.source, tie.target)))
        key = (tie.relation, tie.period, pair[0], pair[1])
        if key in seen:
            duplicates += 1
            continue
        seen.add(key)
        i, j = where[tie.source], where[tie.target]
        t = periods.index(tie.period)
        if site_of[i] != site_of[j]:
            raise InputError(f"{tie.where}: a tie between the sites {site_of[i]!r} and {site_of[j]!r}")
        for actor, index in ((tie.source, i), (tie.target, j)):
            if not present[t, index]:
                raise InputError(f"{tie.where}: the actor {actor!r} is not present in period {tie.period}")
        says = answered[t, i] or (not directed[tie.relation] and answered[t, j])
        if not says:
            raise InputError(f"{tie.where}: the actor {tie.source!r} did not answer, and so cannot name anybody")
        if tie.weight == 0.0:
            continue
        state = states[site_of[i], tie.relation, tie.period]
        a, b = place[i], place[j]
        if state[a, b] == DyadState.IMPOSSIBLE:
            raise InputError(f"{tie.where}: a tie within a mode of a two-mode network")
        state[a, b] = DyadState.TIE
        if not directed[tie.relation]:
            state[b, a] = DyadState.TIE
    for count, what in ((loops, "tie of an actor with itself"), (duplicates, "duplicate tie")):
        if count:
            plural = what if count == 1 else what.replace("tie", "ties", 1)
            warnings.warn(f"{count} {plural} dropped", MendedWarning, stacklevel=4)
