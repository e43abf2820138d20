"""Block models straight from the equations, one dyad and one pair of clusters at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

LogTie = Callable[[int, int, int, int, bool], float]


def dyads(observed: np.ndarray, directed: bool) -> Iterator[tuple[int, int]]:
    """Yield the observed dyads: ordered ones, or each unordered one once."""
    n = len(observed)
    for i in range(n):
        for j in range(n):
            if i != j and observed[i, j] and (directed or i < j):
                yield i, j


def bernoulli(probability: np.ndarray) -> LogTie:
    """Return log P(tie or none) of the plain model."""

    def log_tie(i: int, j: int, g: int, h: int, tie: bool) -> float:
        return math.log(probability[g, h] if tie else 1.0 - probability[g, h])

    return log_tie


def by_degree(rates: np.ndarray, sending: np.ndarray, receiving: np.ndarray) -> LogTie:
    """Return log P(tie or none) of the degree-corrected model."""

    def log_tie(i: int, j: int, g: int, h: int, tie: bool) -> float:
        mean = sending[i] * receiving[j] * rates[g, h]
        return math.log(1.0 - math.exp(-mean)) if tie else -mean

    return log_tie


def bound(
    member: np.ndarray,
    weights: np.ndarray,
    log_tie: LogTie,
    ties: np.ndarray,
    observed: np.ndarray,
    directed: bool,
) -> float:
    """Return the variational bound without the prior of the parameters (Daudin, Picard & Robin 2008, eq. 6)."""
    n, n_clusters = member.shape
    total = 0.0
    for i, g in product(range(n), range(n_clusters)):
        if member[i, g] > 0:
            total += member[i, g] * (math.log(weights[g]) - math.log(member[i, g]))
    for i, j in dyads(observed, directed):
        for g, h in product(range(n_clusters), repeat=2):
            if member[i, g] * member[j, h] > 0:
                total += member[i, g] * member[j, h] * log_tie(i, j, g, h, bool(ties[i, j]))
    return total


def updated(
    member: np.ndarray,
    weights: np.ndarray,
    log_tie: LogTie,
    ties: np.ndarray,
    observed: np.ndarray,
    directed: bool,
) -> np.ndarray:
    """Return the memberships after each actor in turn has taken the best given the others."""
    member = member.copy()
    n, n_clusters = member.shape
    for i in range(n):
        terms = np.log(weights)
        for k, m in dyads(observed, directed):
            for g, h in product(range(n_clusters), repeat=2):
                if k == i:
                    terms[g] += member[m, h] * log_tie(i, m, g, h, bool(ties[i, m]))
                elif m == i:
                    terms[g] += member[k, h] * log_tie(k, i, h, g, bool(ties[k, i]))
        share = np.exp(terms - terms.max())
        member[i] = share / share.sum()
    return member


def counts(
    member: np.ndarray, rates: np.ndarray, sending: np.ndarray, receiving: np.ndarray, ties: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Return the expected counts behind the ties by block, sender and receiver, and the ties' log-probability."""
    n, n_clusters = member.shape
    blocks, sent, received, total = np.zeros((n_clusters, n_clusters)), np.zeros(n), np.zeros(n), 0.0
    for i, j, g, h in product(range(n), range(n), range(n_clusters), range(n_clusters)):
        if ties[i, j]:
            mean = sending[i] * receiving[j] * rates[g, h]
            share = member[i, g] * member[j, h]
            # The mean of a Poisson count that is known not to be 0.
            count = (
                share * sum(k * _poisson(k, mean) for k in range(1, 60)) / sum(_poisson(k, mean) for k in range(1, 60))
            )
            blocks[g, h] += count
            sent[i] += count
            received[j] += count
            total += share * math.log(1.0 - math.exp(-mean))
    return blocks, sent, received, total


def _poisson(count: int, mean: float) -> float:
    return math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))


def log_evidence(weights: np.ndarray, log_tie: LogTie, ties: np.ndarray, observed: np.ndarray, directed: bool) -> float:
    """Return log P(ties | parameters), summed over every labelling: for a handful of actors only."""
    n, n_clusters = len(ties), len(weights)
    values = []
    for labels in product(range(n_clusters), repeat=n):
        value = sum(math.log(weights[g]) for g in labels)
        value += sum(log_tie(i, j, labels[i], labels[j], bool(ties[i, j])) for i, j in dyads(observed, directed))
        values.append(value)
    return float(np.logaddexp.reduce(values))
