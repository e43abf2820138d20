"""Judging a simulated quantity by its Monte Carlo error, always together with a wrong target that must be caught."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

LIMIT = 4.0


def z_of_ratio(numerators: ArrayLike, denominators: ArrayLike, target: float) -> float:
    """Return how many standard errors E[numerator] / E[denominator] lies from ``target``.

    One entry is one independent replicate. If the target is right, numerator - target denominator has mean zero,
    whatever the two have to do with each other within a replicate.
    """
    misses = np.asarray(numerators, dtype=float) - target * np.asarray(denominators, dtype=float)
    error = misses.std(ddof=1) / np.sqrt(len(misses))
    assert len(misses) >= 30, "too few replicates to be judged"
    assert error > 0.0, "a quantity that never varies cannot be judged"
    return float(misses.mean() / error)


def judge_ratio(numerators: ArrayLike, denominators: ArrayLike, target: float, *, wrong: float) -> None:
    """Assert that the ratio agrees with ``target`` and that the same check would have caught ``wrong``."""
    right, control = z_of_ratio(numerators, denominators, target), z_of_ratio(numerators, denominators, wrong)
    assert abs(right) < LIMIT, f"{right:.1f} standard errors from {target}"
    assert abs(control) > LIMIT, f"blind: {wrong} is only {control:.1f} standard errors away"


def judge_mean(values: ArrayLike, target: float, *, wrong: float) -> None:
    """Assert that the mean over replicates agrees with ``target``, and that ``wrong`` would have been caught."""
    judge_ratio(values, np.ones(len(np.asarray(values))), target, wrong=wrong)
