"""Fixed-choice designs in a table of actors: who gave as many names as allowed, and how many those are.

The column ``limited`` is true, false or the number of names allowed, for those who gave as many; where relations had limits
of their own, each has a column, ``limited_`` and its name. Where no number is given, the most names that any of them gave
is the number allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError, shown
from simlab.panel import DyadState, Panel

Key = tuple[str, str, str]

COLUMN = "limited"
TRUE, FALSE = {"true", "1", "yes", "t", "y"}, {"false", "0", "no", "f", "n", ""}


@dataclass(frozen=True)
class Limit:
    """What a table says of an actor in a period, and where: it used up all names of a relation, ``allowed`` or unknown."""

    where: str
    actor: int
    period: int
    relation: str
    allowed: int | None


def column_of(relation: str, columns: Sequence[str]) -> str | None:
    """Return the column that is about a relation, or None where there is none."""
    own = f"{COLUMN}_{relation.lower()}"
    return own if relation and own in columns else COLUMN if COLUMN in columns else None


def limit_of(text: str, where: str, column: str) -> tuple[bool, int | None]:
    """Return whether an actor used up all names, and how many were allowed where the value says so."""
    value = text.strip().lower()
    if value in TRUE or value in FALSE:
        return value in TRUE, None
    if value.isdecimal():
        return True, int(value)
    raise InputError(f"{where}: {column} = {shown(text)}: must be true, false or the number of names allowed")


def limits_of(
    found: Sequence[Limit],
    about: Sequence[str],
    states: Mapping[Key, NDArray[np.int8]],
    panel: Panel,
) -> tuple[dict[Key, NDArray[np.bool_]], dict[Key, int]]:
    """Return ``limited`` and ``max_nominations`` of a panel whose ties are entered.

    Parameters
    ----------
    found : sequence of Limit
    about : sequence of str
        The relations of which the table says who used up all names.
    states : mapping
        Of the panel.
    panel : Panel
        Without limits.

    Raises
    ------
    InputError
        For somebody who did not answer, other numbers allowed in one network, or more names than allowed.
    """
    limited: dict[Key, NDArray[np.bool_]] = {}
    allowed: dict[Key, int] = {}
    for key in panel.keys:
        site, relation, period = key
        if relation not in about:
            continue
        t, members = panel.periods.index(period), panel.members(site)
        place = {int(actor): k for k, actor in enumerate(members)}
        named = (states[key] == DyadState.TIE).sum(axis=1)
        here = [one for one in found if one.relation == relation and one.period == t and one.actor in place]
        if not here:
            continue
        for one in here:
            if not panel.answered[t, one.actor]:
                raise InputError(
                    f"{one.where}: the actor {panel.actors[one.actor]!r} did not answer, and so named nobody"
                )
        numbers = sorted({one.allowed for one in here if one.allowed is not None})
        if len(numbers) > 1:
            raise InputError(f"{here[0].where}: the names allowed in one network are {numbers[0]} and {numbers[1]}")
        places = [place[one.actor] for one in here]
        allowed[key] = numbers[0] if numbers else max(1, int(named[places].max()))
        if panel.directed[panel.relations.index(relation)]:
            for one in here:
                if named[place[one.actor]] > allowed[key]:
                    raise InputError(
                        f"{one.where}: the actor {panel.actors[one.actor]!r} named {named[place[one.actor]]},"
                        f" more than the {allowed[key]} allowed"
                    )
        limited[key] = np.zeros(len(members), dtype=bool)
        limited[key][places] = True
    return limited, allowed
