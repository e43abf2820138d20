"""Covariates of dyads, from the attributes of actors: the x of a linear predictor sum_k beta_k x_ijk - ||z_i - z_j||.

A covariate is written as text, so that it can stand in a setting:

    match(a)        1 where row and column have the same value of the attribute a; an unknown value matches nobody
    difference(a)   the absolute difference of their numbers
    sender(a)       the number of the row's actor; receiver(a): of the column's; both where ties have a direction
    sum(a)          the sum of the two numbers, where ties have none
    mix(a, x, y)    1 where the row has the value x and the column y; in either order where ties have no direction
    dyad(name)      the matrix of this name in ``Network.dyadic``

They are the nodematch, absdiff, nodeocov, nodeicov, nodecov, nodemix and edgecov terms of exponential random graph models
(Morris, Handcock & Hunter 2008, Journal of Statistical Software 24(4)). Nothing is centred or scaled, so that a coefficient
is a log odds ratio, or a log ratio of rates, for a step of one.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError, UnknownNameError, shown, suggestion
from simlab.panel import Network

Floats = NDArray[np.float64]
Indices = NDArray[np.integer]

MOST_TERMS = 20
ALLOWED = "match(a), difference(a), sender(a), receiver(a), sum(a), mix(a, x, y), dyad(name)"
_KINDS = ("match", "difference", "sender", "receiver", "sum", "mix", "dyad")
# What is left of a covariate beside the others, relative to its size, below which it is told apart by rounding alone.
_SMALLEST_REST = 1e-8


class Term(NamedTuple):
    """A covariate that has been read: its kind, the attribute or matrix it is made from, and the values of a mix."""

    kind: str
    name: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the text that it was read from."""
        return f"{self.kind}({', '.join((self.name, *self.values))})"


def check_term(text: str) -> str:
    """Return a covariate's text as it is; ValueError, which says what is allowed, where it is none."""
    _parsed(text)
    return text


def covariate_matrix(network: Network, text: str) -> Floats:
    """Return the values of one covariate, row to column: (n_actors, n_actors), zero on the diagonal.

    Raises as ``covariate``.
    """
    everybody = np.arange(network.n_actors)
    matrix = np.array(covariate(network, text, everybody[:, None], everybody[None, :]))
    np.fill_diagonal(matrix, 0.0)
    return matrix


def covariate(network: Network, text: str, rows: Indices, columns: Indices) -> Floats:
    """Return the values of one covariate from each of ``rows`` to each of ``columns``, which broadcast.

    Raises
    ------
    InputError
        Where the text is no covariate, is not for networks with (or without) direction, or an actor's value is not a
        finite number although one is needed.
    UnknownNameError
        For an attribute, value or matrix that the network does not have.
    """
    try:
        term = _parsed(text)
    except ValueError as error:
        raise InputError.of("covariates", text, str(error)) from None
    if term.kind in ("sender", "receiver") and not network.directed:
        raise InputError.of("covariates", text, f"ties have no direction: must be sum({term.name})")
    if term.kind == "sum" and network.directed:
        raise InputError.of("covariates", text, f"ties have a direction: must be sender({term.name}) or receiver")
    return _values(network, term, rows, columns)


def design_matrix(network: Network, terms: Sequence[str]) -> Floats:
    """Return all covariates of a model: (n_terms, n_actors, n_actors); checked as by ``check_design``."""
    n = network.n_actors
    if not terms:
        return np.zeros((0, n, n))
    matrices = np.stack([covariate_matrix(network, term) for term in terms])
    check_design(matrices[:, network.observed & ~np.eye(n, dtype=bool)], terms)
    return matrices


def check_design(columns: Floats, terms: Sequence[str]) -> None:
    """Check the covariates (n_terms, n_observed) of the observed dyads.

    Raises
    ------
    InputError
        For more than 20 terms; for a covariate that is constant over the observed dyads, or that is there a sum of multiples
        of others and the intercept, so that its coefficient cannot be told.
    """
    if len(terms) > MOST_TERMS:
        raise InputError.of("covariates", f"{len(terms)} terms", f"must be at most {MOST_TERMS}")
    centred = columns - columns.mean(axis=1, keepdims=True) if columns.shape[1] else columns
    basis = np.zeros_like(centred)
    for k, term in enumerate(terms):
        size = float(np.linalg.norm(centred[k]))
        if not size > _SMALLEST_REST * float(np.linalg.norm(columns[k])):
            raise InputError.of(
                "covariates", term, "constant over the observed dyads, and so not told apart from the intercept"
            )
        centred[k] /= size
        rest = centred[k]
        for _ in range(2):  # once more, for what rounding left of the others
            rest = rest - (basis[:k] @ rest) @ basis[:k]
        size = float(np.linalg.norm(rest))
        if size <= _SMALLEST_REST:
            share = np.linalg.lstsq(centred[:k].T, centred[k], rcond=None)[0]
            others = " and ".join(terms[j] for j in range(k) if abs(share[j]) > _SMALLEST_REST)
            raise InputError.of(
                "covariates",
                term,
                f"follows from {others} in every observed dyad, and so is not told apart: leave one out",
            )
        basis[k] = rest / size


def _parsed(text: str) -> Term:
    """Return the term that a text writes; ValueError, without the text itself, where it writes none."""
    found = re.fullmatch(r"\s*(\w+)\s*\((.*)\)\s*", text, re.DOTALL)
    if not found:
        raise ValueError(f"must be among {ALLOWED}")
    kind, inside = found[1], found[2].strip()
    if kind not in _KINDS:
        raise ValueError(f"must be among {ALLOWED}.{suggestion(kind, _KINDS)}")
    if not _balanced(inside):
        raise ValueError("the brackets do not match: terms are parted by commas, match(a), match(b)")
    if kind != "mix":
        if not inside:
            raise ValueError(f"must name what it is made from: {kind}(a)")
        return Term(kind, inside)
    # As in a table, so that a value with a comma can be quoted.
    parts = [part.strip() for part in next(csv.reader([inside], skipinitialspace=True), [])]
    if len(parts) != 3 or not all(parts):
        raise ValueError("must name an attribute and two of its values: mix(a, x, y)")
    return Term(kind, parts[0], (parts[1], parts[2]))


def _balanced(inside: str) -> bool:
    """Say whether every bracket that opens closes; those in quotes do not count."""
    depth = 0
    for sign in re.sub(r'"[^"]*"', "", inside):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return depth == 0


def _values(network: Network, term: Term, rows: Indices, columns: Indices) -> Floats:
    if term.kind == "dyad":
        return np.asarray(_dyadic(network, term)[rows, columns])
    if term.name not in network.attributes:
        raise UnknownNameError.among("attribute", term.name, network.attributes)
    texts = network.attributes[term.name]
    if term.kind == "match":
        known, codes = np.unique(np.array(texts, dtype=np.str_), return_inverse=True)
        codes = np.where(known[codes] == "", -1, codes)
        return np.asarray((codes[rows] == codes[columns]) & (codes[rows] >= 0), dtype=np.float64)
    if term.kind == "mix":
        for value in term.values:
            if value not in texts:
                raise UnknownNameError.among(f"value of {term.name}", value, {text for text in texts if text})
        first, second = (np.array([text == value for text in texts]) for value in term.values)
        there = first[rows] & second[columns]
        return np.asarray(there if network.directed else there | (second[rows] & first[columns]), dtype=np.float64)
    numbers = np.array([_number(term, actor, text) for actor, text in zip(network.actors, texts, strict=True)])
    here, others = np.broadcast_arrays(numbers[rows], numbers[columns])
    if term.kind == "difference":
        return np.asarray(np.abs(here - others))
    if term.kind == "sum":
        return np.asarray(here + others)
    return np.array(here if term.kind == "sender" else others)


def _dyadic(network: Network, term: Term) -> Floats:
    """Return a matrix that the user gave, checked."""
    if term.name not in network.dyadic:
        raise UnknownNameError.among("matrix of dyads", term.name, network.dyadic)
    matrix = np.array(network.dyadic[term.name], dtype=np.float64)
    np.fill_diagonal(matrix, 0.0)
    if not np.isfinite(matrix).all():
        i, j = (network.actors[k] for k in np.argwhere(~np.isfinite(matrix))[0])
        raise InputError.of("covariates", str(term), f"the value from {i!r} to {j!r} is not a finite number")
    if not network.directed and not np.array_equal(matrix, matrix.T):
        raise InputError.of("covariates", str(term), "must be symmetric, as the ties have no direction")
    return matrix


def _number(term: Term, actor: str, text: str) -> float:
    """Return an actor's value as a number; InputError, which names the actor, where it is unknown or none."""
    if not text:
        raise InputError.of(
            "covariates",
            str(term),
            f"the {term.name} of {actor!r} is unknown: give one, or leave the actor or the term out",
        )
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError.of(
            "covariates", str(term), f"the {term.name} of {actor!r} is {shown(text)!r}: must be a finite number"
        )
    return number
