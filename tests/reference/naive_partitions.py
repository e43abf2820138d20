"""The losses between partitions, straight from their definitions, and all partitions of a few actors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from math import log

import numpy as np


def variation(one: np.ndarray, other: np.ndarray) -> float:
    """Variation of information in nats (Meila 2007): 2 H(one, other) - H(one) - H(other)."""
    pairs = list(zip(one.tolist(), other.tolist(), strict=True))
    return 2.0 * _entropy(pairs) - _entropy(one.tolist()) - _entropy(other.tolist())


def _entropy(values: list) -> float:
    return -sum(count / len(values) * log(count / len(values)) for count in Counter(values).values())


def binder(one: np.ndarray, other: np.ndarray) -> float:
    """Share of pairs that are together in one partition and apart in the other (Binder 1978)."""
    pairs = list(combinations(range(len(one)), 2))
    apart = sum((one[i] == one[j]) != (other[i] == other[j]) for i, j in pairs)
    return apart / max(len(pairs), 1)


LOSSES = {"variation": variation, "binder": binder}


def expected(partition: np.ndarray, draws: np.ndarray, loss: str) -> float:
    """Mean loss over draws."""
    return float(np.mean([LOSSES[loss](partition, draw) for draw in draws]))


def partitions(n: int, max_clusters: int) -> Iterator[np.ndarray]:
    """Every partition of n actors into so many clusters at most, in canonical form."""

    def longer(start: list[int]) -> Iterator[np.ndarray]:
        if len(start) == n:
            yield np.array(start)
            return
        for g in range(min(max(start, default=-1) + 2, max_clusters)):
            yield from longer([*start, g])

    yield from longer([])
