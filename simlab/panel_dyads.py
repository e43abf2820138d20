"""Dyads of actors: what is known of one, and checks of what is given for all of them and for the actors."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError, shown

# Symmetry is checked this many rows at a time, so that a large network needs no room for it.
_ROWS = 512


class DyadState(IntEnum):
    """What is known of the tie from one actor to another. Only the first two are observations."""

    NO_TIE = 0
    TIE = 1
    NO_ANSWER = 2  # the source was asked and did not answer
    NOT_ASKED = 3  # the source was present, and away or left out when the data were collected
    ABSENT = 4  # one of the two was not in the network in that period
    IMPOSSIBLE = 5  # the dyad cannot hold a tie: an actor with itself, two actors of one mode


def check_actors(actors: object) -> None:
    """Raise InputError unless ``actors`` is a tuple of names, each there once."""
    if not isinstance(actors, tuple) or not all(isinstance(actor, str) for actor in actors):
        raise InputError("actors: must be a tuple of names, each a text")
    if len(set(actors)) < len(actors):
        twice = next(actor for at, actor in enumerate(actors) if actor in actors[:at])
        raise InputError.of("actors", twice, "is there twice: names must differ")


def check_states(state: object, n_actors: int, *, directed: bool) -> None:
    """Raise InputError unless ``state`` holds a DyadState for every dyad, (n_actors, n_actors), and no tie with oneself."""
    matrix = check_matrix("state", state, n_actors)
    if matrix.dtype.kind not in "iu":
        raise InputError(f"state: must hold whole numbers, values of DyadState, not {matrix.dtype}")
    if not n_actors:
        return
    lowest, highest = int(matrix.min()), int(matrix.max())
    if lowest < 0 or highest > max(DyadState):
        wrong = lowest if lowest < 0 else highest
        raise InputError.of("state", wrong, f"must be a DyadState, from 0 to {int(max(DyadState))}")
    if (np.diagonal(matrix) == DyadState.TIE).any():
        raise InputError("state: an actor has a tie with itself: the diagonal must hold none, such as IMPOSSIBLE")
    if not directed:
        check_symmetric("state", matrix)


def check_matrix(name: str, matrix: object, n_actors: int) -> NDArray[np.generic]:
    """Return a matrix of numbers (n_actors, n_actors) as it is; InputError where it is none."""
    shape = (n_actors, n_actors)
    if not isinstance(matrix, np.ndarray):
        raise InputError(
            f"{name}: must be an array of the shape (actors, actors) = {shape}, not {type(matrix).__name__}"
        )
    if matrix.shape != shape:
        raise InputError(f"{name}: has the shape {matrix.shape}, and must have the shape (actors, actors) = {shape}")
    if matrix.dtype.kind not in "biuf":
        raise InputError(f"{name}: must hold numbers, not {matrix.dtype}")
    return matrix


def check_symmetric(name: str, matrix: NDArray[np.generic]) -> None:
    """Raise InputError unless a square matrix is symmetric, as it is where ties have no direction."""
    for start in range(0, len(matrix), _ROWS):
        rows = slice(start, start + _ROWS)
        if not np.array_equal(matrix[rows, start:], matrix[start:, rows].T, equal_nan=matrix.dtype.kind == "f"):
            raise InputError(f"{name}: must be symmetric, as the ties have no direction")


def as_texts(name: str, values: object, n_actors: int) -> tuple[str, ...]:
    """Return the values of an attribute as texts, one an actor: 0 is ``0``; None and NaN, which are unknown, are empty.

    InputError where there is not one value an actor.
    """
    if isinstance(values, str) or not isinstance(values, (Sequence, np.ndarray)) or len(values) != n_actors:
        raise InputError(f"attributes: {name} = {shown(values)}: must be a list of one value an actor, {n_actors}")
    return tuple(_text(value) for value in values)


def _text(value: object) -> str:
    if value is None or (isinstance(value, (float, np.floating)) and np.isnan(value)):
        return ""
    return str(value)
