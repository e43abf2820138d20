"""Naive twins of fieldwork: a person or dyad at a time, straight from the words of the settings."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

NO_TIE, TIE, NO_ANSWER, NOT_ASKED, ABSENT, IMPOSSIBLE = range(6)


def chances(extent: Sequence[float], mean: float, odds_ratio: float) -> list[float]:
    """Return probabilities with this mean: the odds of each are those of extent 0 times odds_ratio to its extent."""

    def with_odds(base: float) -> list[float]:
        odds = [base * odds_ratio**e for e in extent]
        return [o / (1.0 + o) for o in odds]

    low, high = -60.0, 60.0
    for _ in range(300):
        middle = (low + high) / 2.0
        if sum(with_odds(math.exp(middle))) < mean * len(extent):
            low = middle
        else:
            high = middle
    return with_odds(math.exp((low + high) / 2.0))


def two_groups(n_one: int, n_other: int, mean: float, odds_ratio: float) -> tuple[float, float]:
    """Return (p of the one group, p of the other), closed form: n_one p + n_other q = n mean, odds p = odds_ratio odds q.

    With q = (n mean - n_one p) / n_other the ratio of odds is a quadratic in p.
    """
    total = (n_one + n_other) * mean
    # p (1 - q) = r q (1 - p)
    a = n_one * (1.0 - odds_ratio)
    b = n_other - total + odds_ratio * total + odds_ratio * n_one
    c = -odds_ratio * total
    roots = np.roots([a, b, c]) if a else np.array([-c / b])
    for p in sorted(float(r.real) for r in roots):
        q = (total - n_one * p) / n_other
        if 0.0 <= p <= 1.0 and 0.0 <= q <= 1.0:
            return p, q
    raise AssertionError("no probability solves it")


def rank_shares(values: Sequence[float]) -> list[float]:
    """Return for each value the share of the others that are smaller, equal ones half."""
    out = []
    for i, one in enumerate(values):
        smaller = sum(other < one for j, other in enumerate(values) if j != i)
        equal = sum(other == one for j, other in enumerate(values) if j != i)
        out.append((smaller + 0.5 * equal) / (len(values) - 1))
    return out


def named(ties: np.ndarray, first: np.ndarray, luck: np.ndarray, most: int) -> np.ndarray:
    """Return the ties that are named: of each row the ``most`` lowest in ``first``, of equals the luckiest (lowest)."""
    out = np.zeros_like(ties)
    for i in range(len(ties)):
        alters = sorted((float(first[i, j]), float(luck[i, j]), j) for j in range(len(ties)) if ties[i, j])
        for _, _, j in alters[:most]:
            out[i, j] = True
    return out


def treated(state: np.ndarray, answered: Sequence[bool], treatment: str) -> np.ndarray:
    """Return a network's state after a treatment, a dyad at a time."""
    out = state.copy()
    for i in range(len(state)):
        for j in range(len(state)):
            silent = state[i, j] in (NO_ANSWER, NOT_ASKED)
            if treatment == "listwise-deletion":
                if not (answered[i] and answered[j]) and state[i, j] != IMPOSSIBLE:
                    out[i, j] = ABSENT
            elif treatment == "null-imputation":
                if silent:
                    out[i, j] = NO_TIE
            elif treatment.startswith("reconstruction") and silent:
                if state[j, i] in (TIE, NO_TIE):
                    out[i, j] = state[j, i]
                elif treatment.endswith("null-imputation"):
                    out[i, j] = NO_TIE
    return out
