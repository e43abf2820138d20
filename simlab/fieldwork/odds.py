"""Probabilities that differ by an odds ratio around a given mean: of answering, of forgetting."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.scientific import expit

Floats = NDArray[np.float64]

_HALVINGS = 100


def probabilities(extent: Floats, mean: float, odds_ratio: float) -> Floats:
    """Return probabilities whose mean is as given, with an odds ratio between an extent of 1 and one of 0.

        logit p_i = intercept + log(odds_ratio) extent_i,   sum_i p_i = n mean

    Parameters
    ----------
    extent : (n,), from 0 to 1
    mean : float
        From 0 to 1.
    odds_ratio : float
        Above 0.

    Returns
    -------
    (n,)
    """
    if odds_ratio == 1.0 or not 0.0 < mean < 1.0 or len(extent) == 0:
        return np.full(len(extent), mean)
    slope = np.log(odds_ratio) * extent
    middle = np.log(mean) - np.log1p(-mean)
    # At the one end no probability is above the mean, at the other none below.
    low, high = middle - slope.max(), middle - slope.min()
    for _ in range(_HALVINGS):
        intercept = 0.5 * (low + high)
        if expit(intercept + slope).mean() < mean:
            low = intercept
        else:
            high = intercept
    return np.asarray(expit(0.5 * (low + high) + slope))


def rank_share(values: Floats) -> Floats:
    """Return ranks as shares, from 0 for the smallest to 1 for the largest; equal values share the mean of theirs.

    0.5 for all where they are all the same.
    """
    if len(values) < 2:
        return np.full(len(values), 0.5)
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray(((2 * last - counts - 1) / 2.0)[inverse] / (len(values) - 1.0))
