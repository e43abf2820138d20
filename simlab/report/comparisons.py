"""Comparisons: what a difference of means says in words, where means pass a line, how often one sample is above another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from simlab.report.numbers import Estimate, Floats, crossing, listed


def verdict(gain: Estimate, better: str, worse: str, same: str) -> str:
    """Return in words what a difference says: ``better`` or ``worse`` by its size, or ``same`` within two errors.

    Each text may have ``{}`` for the size with its error. Where the error is not known nothing is said to differ.
    """
    if not gain.distinct:
        return same.replace("{}", str(gain) if math.isfinite(gain.mcse) else f"{gain}, error not known")
    return (better if gain.mean > 0.0 else worse).replace("{}", str(Estimate(abs(gain.mean), gain.mcse)))


class Turning(NamedTuple):
    """Where means pass a line.

    how : ``never`` where all are on or above it, ``always`` where none is, ``at`` where they pass it once, ``unclear`` where
    they pass it more often or are not all known; place, low, high : the odds ratio at which they pass it, and that one
    Monte Carlo standard error further down and up; NaN for the rest.
    """

    how: str
    place: float = math.nan
    low: float = math.nan
    high: float = math.nan


def turning_point(levels: Sequence[float], means: Sequence[Estimate], line: float) -> Turning:
    """Return where means, along levels that are odds ratios falling from 1, pass below a line.

    Interpolated on the logarithm of the odds ratio; the error there is that of the means beside it, the larger one, over the
    slope between them.
    """
    values = np.array([mean.mean for mean in means])
    if len(values) == 0 or not np.isfinite(values).all():
        return Turning("unclear")
    if (values >= line).all():
        return Turning("never")
    if (values < line).all():
        return Turning("always")
    x = np.log(np.asarray(levels, dtype=np.float64))
    at = crossing(x, values, line)
    if at is None or values[0] < line:
        return Turning("unclear")
    i = int(np.flatnonzero(values < line)[0])
    error = max(means[i - 1].mcse, means[i].mcse) * abs((x[i] - x[i - 1]) / (values[i] - values[i - 1]))
    return Turning("at", math.exp(at), math.exp(at - error), math.exp(at + error))


def superiority(above: Floats, below: Floats) -> Estimate:
    """Return the probability that a value of the one sample is above one of the other, ties half; NaN is left out.

    The standard error is from the placements of each sample in the other (DeLong, DeLong & Clarke-Pearson 1988).
    """
    one, other = (values[np.isfinite(values)] for values in (above.ravel(), below.ravel()))
    if len(one) == 0 or len(other) == 0:
        return Estimate(math.nan, math.nan)
    wins = (one[:, None] > other[None]) + 0.5 * (one[:, None] == other[None])
    if min(wins.shape) < 2:
        return Estimate(float(wins.mean()), math.nan)
    variance = wins.mean(axis=1).var(ddof=1) / len(one) + wins.mean(axis=0).var(ddof=1) / len(other)
    return Estimate(float(wins.mean()), float(np.sqrt(variance)))


def named(parts: Mapping[str, Estimate]) -> str:
    """Return estimates with their names, ``0.81 ± 0.02 (one) and 0.70 ± 0.03 (other)``; those not known are left out."""
    return listed([f"{mean} ({name})" for name, mean in parts.items() if mean.known])
