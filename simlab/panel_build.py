"""Building panels: ties and rows about actors, from whatever source, put together and checked."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError, shown
from simlab.panel import DyadState, Panel
from simlab.panel_limits import Limit, column_of, limit_of, limits_of

_FLAGS = ("present", "asked", "answered")
_TRUE, _FALSE = {"true", "1", "yes", "t", "y"}, {"false", "0", "no", "f", "n"}


class MendedWarning(UserWarning):
    """Something in the input was mended: loops or duplicate ties dropped."""


@dataclass(frozen=True)
class Tie:
    """One tie as it was read. ``where`` says where, for messages; site, relation and period are empty where not told.

    ``reporter`` is who told of it where that is not the source: then a weight of 0 is a report that there is no tie.
    """

    where: str
    source: str
    target: str
    weight: float
    site: str
    relation: str
    period: str
    reporter: str = ""


@dataclass(frozen=True)
class Row:
    """One row about an actor; ``period`` is empty where the row is about all periods."""

    where: str
    actor: str
    period: str
    values: Mapping[str, str]


# Of each pair of actors a byte is held.
MOST_ACTORS = 30_000


def build_panel(
    name: str,
    ties: list[Tie],
    rows: list[Row] | None,
    undirected: bool,
    undirected_relations: Sequence[str],
    nodes: Mapping[str, Mapping[str, str]],
) -> Panel:
    """Put ties, rows about actors and nodes of a graph together."""
    listed = None if rows is None else {row.actor for row in rows}
    for tie in ties:
        for actor in filter(None, (tie.source, tie.target, tie.reporter)):
            if listed is not None and actor not in listed:
                raise InputError(f"{tie.where}: the actor {actor!r} is not listed among the actors")
    for node in nodes:
        if listed is not None and node not in listed:
            raise InputError(f"{name}: the actor {node!r} is not listed among the actors")
    actors = tuple(
        sorted(
            listed
            if listed is not None
            else {*nodes, *(a for t in ties for a in (t.source, t.target, t.reporter) if a)}
        )
    )
    if not actors:
        raise InputError(f"{name}: no ties and no actors")
    periods = _in_order({t.period for t in ties} | {r.period for r in rows or [] if r.period})
    relations = tuple(sorted({t.relation for t in ties})) or ("",)
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
    limit_columns = {r: column_of(r, tuple(rows[0].values) if rows else ()) for r in relations}
    attributes, flags = _about(actors, periods, rows or [], nodes, {*filter(None, limit_columns.values())})
    present, asked, answered = (flags[flag] for flag in _FLAGS)
    asked &= present
    answered &= asked
    mode = _modes(attributes, len(actors))
    where = {actor: i for i, actor in enumerate(actors)}
    members = {site: [i for i, s in enumerate(site_of) if s == site] for site in sites}
    largest = max(len(of_site) for of_site in members.values())
    if largest > MOST_ACTORS:
        raise InputError(
            f"{name}: {largest} actors at one site: must be at most {MOST_ACTORS}, of whom every pair is held"
        )
    place = {i: k for of_site in members.values() for k, i in enumerate(of_site)}
    states: dict[tuple[str, str, str], NDArray[np.int8]] = {}
    for site in sites:
        of_site = np.array(members[site])
        for relation, has_direction in zip(relations, directed, strict=True):
            for t, period in enumerate(periods):
                states[site, relation, period] = _empty_state(
                    present[t, of_site], asked[t, of_site], answered[t, of_site], mode[of_site], has_direction
                )
    has_direction_by = dict(zip(relations, directed, strict=True))
    _fill(ties, states, where, place, site_of, periods, has_direction_by, present, answered)
    counts = _counts(ties, states, where, place, site_of, has_direction_by)
    panel = Panel(
        actors, site_of, sites, relations, periods, directed, attributes, present, asked, answered, states, counts
    )
    about = {relation: column for relation, column in limit_columns.items() if column is not None}
    if not about:
        return panel
    limited, allowed = limits_of(_limits(rows or [], about, where, periods), tuple(about), states, panel)
    return replace(panel, limited=limited, max_nominations=allowed)


def _limits(
    rows: list[Row], columns: Mapping[str, str], where: Mapping[str, int], periods: tuple[str, ...]
) -> list[Limit]:
    """Return who used up all names in which relation and period; columns : relation to the column about it."""
    found = []
    for row in rows:
        for relation, column in columns.items():
            limited, allowed = limit_of(row.values[column], row.where, column)
            for t in [periods.index(row.period)] if row.period else range(len(periods)):
                if limited:
                    found.append(Limit(row.where, where[row.actor], t, relation, allowed))
    return found


def _in_order(periods: set[str]) -> tuple[str, ...]:
    """Return the periods in order: of numbers where all are, else of the alphabet."""
    try:
        return tuple(sorted(periods, key=lambda period: (float(period), period))) or ("",)
    except ValueError:
        return tuple(sorted(periods))


def _sites(actors: tuple[str, ...], ties: list[Tie], rows: list[Row]) -> tuple[str, ...]:
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
    actors: tuple[str, ...],
    periods: tuple[str, ...],
    rows: list[Row],
    nodes: Mapping[str, Mapping[str, str]],
    limit_columns: set[str],
) -> tuple[dict[str, NDArray[np.str_]], dict[str, NDArray[np.bool_]]]:
    """Return attributes and flags, each (n_periods, n_actors); columns about names used up are neither."""
    known = {*_FLAGS, "site", *limit_columns}
    names = [n for n in (rows[0].values if rows else {}) if n not in known]
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
    ties: list[Tie],
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
        duplicates += key in seen
        seen.add(key)
        i, j = where[tie.source], where[tie.target]
        t = periods.index(tie.period)
        if site_of[i] != site_of[j]:
            raise InputError(f"{tie.where}: a tie between the sites {site_of[i]!r} and {site_of[j]!r}")
        for actor, index in ((tie.source, i), (tie.target, j)):
            if not present[t, index]:
                raise InputError(f"{tie.where}: the actor {actor!r} is not present in period {tie.period}")
        says = answered[t, i] or (not directed[tie.relation] and answered[t, j])
        reported = bool(tie.reporter) and bool(answered[t, where[tie.reporter]])
        if tie.reporter and not reported:
            raise InputError(f"{tie.where}: the reporter {tie.reporter!r} did not answer in period {tie.period}")
        if not says and not reported:
            raise InputError(f"{tie.where}: the actor {tie.source!r} did not answer, and so cannot name anybody")
        state = states[site_of[i], tie.relation, tie.period]
        a, b = place[i], place[j]
        if tie.weight == 0.0:
            if reported and state[a, b] in (DyadState.NO_ANSWER, DyadState.NOT_ASKED):
                state[a, b] = DyadState.NO_TIE
            continue
        if state[a, b] == DyadState.IMPOSSIBLE:
            raise InputError(f"{tie.where}: a tie within a mode of a two-mode network")
        state[a, b] = DyadState.TIE
        if not directed[tie.relation]:
            state[b, a] = DyadState.TIE
    for count, what in ((loops, "tie of an actor with itself"), (duplicates, "duplicate tie")):
        if count:
            plural = what if count == 1 else what.replace("tie", "ties", 1)
            warnings.warn(f"{count} {plural} dropped", MendedWarning, stacklevel=4)


def _counts(
    ties: list[Tie],
    states: Mapping[tuple[str, str, str], NDArray[np.int8]],
    where: Mapping[str, int],
    place: Mapping[int, int],
    site_of: tuple[str, ...],
    directed: Mapping[str, bool],
) -> dict[tuple[str, str, str], NDArray[np.float64]]:
    """Return the weights of the ties of each network in which any differs from 1; of duplicates the heaviest counts."""
    counts: dict[tuple[str, str, str], NDArray[np.float64]] = {}
    real = [tie for tie in ties if tie.source != tie.target and tie.weight != 0.0]
    weighted = {(site_of[where[tie.source]], tie.relation, tie.period) for tie in real if tie.weight != 1.0}
    for tie in real:
        i, j = where[tie.source], where[tie.target]
        key = (site_of[i], tie.relation, tie.period)
        if key not in weighted:
            continue
        if key not in counts:
            counts[key] = np.zeros(states[key].shape)
        a, b = place[i], place[j]
        # Not the last: the order of rows in a file must not change an answer.
        counts[key][a, b] = max(counts[key][a, b], tie.weight)
        if not directed[tie.relation]:
            counts[key][b, a] = counts[key][a, b] = max(counts[key][a, b], counts[key][b, a])
    return counts


def _flag(row: Row, name: str) -> bool:
    value = row.values.get(name, "true").lower()
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    raise InputError(f"{row.where}: {name} = {shown(value)}: must be true or false")
