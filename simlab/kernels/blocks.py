"""Loops of the stochastic block models: memberships given parameters, and expected counts of ties."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.compile import kernel

Floats = NDArray[np.float64]

# A pair of memberships less probable than this adds nothing that a sum could hold.
_NOTHING = 1e-15


class Data(NamedTuple):
    """Ties and dyads seen without a tie, from row to column, (n, n), of zeros and ones; and both turned over.

    The two turned over are (0, 0) where ties have no direction: a dyad then counts once.
    """

    ties: Floats
    blanks: Floats
    ties_in: Floats
    blanks_in: Floats


@kernel
def update_membership(member: Floats, log_weights: Floats, tie: Floats, blank: Floats, data: Data) -> None:
    """Set each actor's membership (n, G) in turn to the best given all others', in place.

    tie, blank : (G, G), the logarithms of the probability of a tie, and of none, between clusters.
    """
    n, n_clusters = member.shape
    directed = data.ties_in.shape[0] > 0
    terms = np.empty(n_clusters)
    near = np.empty((4, n_clusters))
    for i in range(n):
        near[:] = 0.0
        for j in range(n):
            for h in range(n_clusters):
                near[0, h] += data.ties[i, j] * member[j, h]
                near[1, h] += data.blanks[i, j] * member[j, h]
            if directed:
                for h in range(n_clusters):
                    near[2, h] += data.ties_in[i, j] * member[j, h]
                    near[3, h] += data.blanks_in[i, j] * member[j, h]
        for g in range(n_clusters):
            term = log_weights[g]
            for h in range(n_clusters):
                term += near[0, h] * tie[g, h] + near[1, h] * blank[g, h]
                term += near[2, h] * tie[h, g] + near[3, h] * blank[h, g]
            terms[g] = term
        _normalise(terms, member, i)


@kernel
def update_membership_by_degree(
    member: Floats, log_weights: Floats, rates: Floats, sending: Floats, receiving: Floats, data: Data
) -> None:
    """Set each actor's membership in turn where P(tie) = 1 - exp(-sending_i receiving_j rates_gh), in place."""
    n, n_clusters = member.shape
    directed = data.ties_in.shape[0] > 0
    terms = np.empty(n_clusters)
    near = np.empty((2, n_clusters))
    for i in range(n):
        near[:] = 0.0
        for g in range(n_clusters):
            terms[g] = log_weights[g]
        for j in range(n):
            if data.blanks[i, j] > 0.0:
                for h in range(n_clusters):
                    near[0, h] += receiving[j] * member[j, h]
            if data.ties[i, j] > 0.0:
                _add_tie(terms, member, j, sending[i] * receiving[j], rates, False)
            if directed and data.blanks_in[i, j] > 0.0:
                for h in range(n_clusters):
                    near[1, h] += sending[j] * member[j, h]
            if directed and data.ties_in[i, j] > 0.0:
                _add_tie(terms, member, j, sending[j] * receiving[i], rates, True)
        for g in range(n_clusters):
            for h in range(n_clusters):
                terms[g] -= sending[i] * near[0, h] * rates[g, h] + receiving[i] * near[1, h] * rates[h, g]
        _normalise(terms, member, i)


@kernel
def _add_tie(terms: Floats, member: Floats, j: int, scale: float, rates: Floats, turned: bool) -> None:
    """Add what a tie with actor j says of the other actor's cluster; ``turned`` where it comes from j."""
    n_clusters = terms.shape[0]
    for h in range(n_clusters):
        share = member[j, h]
        if share < _NOTHING:
            continue
        for g in range(n_clusters):
            mean = scale * (rates[h, g] if turned else rates[g, h])
            terms[g] += share * math.log(-math.expm1(-mean))


@kernel
def _normalise(terms: Floats, member: Floats, i: int) -> None:
    """Set the membership of actor i to exp(terms), made to add up to 1."""
    n_clusters = terms.shape[0]
    largest = -np.inf
    for g in range(n_clusters):
        largest = max(largest, terms[g])
    mass = 0.0
    for g in range(n_clusters):
        terms[g] = math.exp(terms[g] - largest)
        mass += terms[g]
    for g in range(n_clusters):
        member[i, g] = terms[g] / mass


@kernel
def expected_counts(
    member: Floats,
    rates: Floats,
    sending: Floats,
    receiving: Floats,
    ties: Floats,
    blocks: Floats,
    sent: Floats,
    received: Floats,
) -> float:
    """Fill the expected Poisson counts behind the ties by block (G, G), sender and receiver (n,).

    A tie says that its count is 1 or more; given the clusters its mean is then m / (1 - exp(-m)). Return the expected
    log-probability of the ties, log(1 - exp(-m)).
    """
    n, n_clusters = member.shape
    blocks[:] = 0.0
    sent[:] = 0.0
    received[:] = 0.0
    total = 0.0
    for i in range(n):
        for j in range(n):
            if ties[i, j] == 0.0:
                continue
            for g in range(n_clusters):
                if member[i, g] < _NOTHING:
                    continue
                for h in range(n_clusters):
                    share = member[i, g] * member[j, h]
                    if share < _NOTHING:
                        continue
                    mean = sending[i] * receiving[j] * rates[g, h]
                    some = -math.expm1(-mean)
                    total += share * math.log(some)
                    count = share * mean / some
                    blocks[g, h] += count
                    sent[i] += count
                    received[j] += count
    return total
