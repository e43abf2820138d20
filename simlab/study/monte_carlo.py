"""Monte Carlo error of a mean over replicates, which is not zero where all values are the same.

A share p of n replicates has Wilson's interval (1927), whose half width at z, divided by z, is

    sqrt(n p (1 - p) + z^2 / 4) / (n + z^2).

Its square is the mean of the sample's variance p (1 - p), weighted n, and of the largest variance that a share can have,
1/4, weighted z^2, divided by n + z^2 (Agresti & Coull 1998). A metric between a and b has at most the variance (b - a)^2 / 4
(Popoviciu 1935), so that the same mean is, with S the sum of squared deviations,

    error = sqrt(S + z^2 (b - a)^2 / 4) / (n + z^2):

z^2 more values, as far apart as the range allows, are reckoned with. For values 0 and 1 it is Wilson's at any z. The Monte
Carlo error is the one at z = 1. n equal values leave (b - a) / (2 (n + 1)): a rare other value may not have come up yet, and
the mean may be off by twice as much where one in n + 1 lies at the other end of the range.

Beside sd / sqrt(n) (Morris, White & Crowther 2019) it is larger by a factor of about 1 + ((b - a)^2 / (4 sd^2) - 3) / (2 n).
That is above 1 where values are less spread out than evenly over the range, sd^2 < (b - a)^2 / 12, and never below 1 - 1 / n.
It errs on the safe side most where values lie close together in a wide range: an adjusted Rand index may be -0.5 but comes
near that in tiny networks only, and its range of 1.5 makes the error of equal values half as large again as a range of 1
would. With an sd of 0.15 its factor is 1.19 at n = 50 and 1.05 at n = 200. A metric without limits on both sides has
sd / sqrt(n), which is zero for equal values.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def monte_carlo_error(values: Floats, low: float | None, high: float | None) -> float:
    """Return the Monte Carlo error of the mean of values, (n_replicates,); see ``monte_carlo_errors``."""
    return float(monte_carlo_errors(values, low, high))


def monte_carlo_errors(values: Floats, low: float | None, high: float | None, *, z: float = 1.0) -> Floats:
    """Return the Monte Carlo error of the mean of each group; the module has the equation and its sources.

    Parameters
    ----------
    values : (..., n_replicates)
        NaN is left out.
    low, high : float or None
        The range that the metric can have; None where there is no limit.
    z : float
        The error is half an interval of that many standard errors either side, divided by z; without a range z has no effect.

    Returns
    -------
    (...), in the units of the metric; NaN where fewer than 2 values are not NaN, or one is infinite.
    """
    return errors_of(spread_of(values), low, high, z=z)


class Spread(NamedTuple):
    """What errors are worked out from, for each group: the number of values and the sum of their squared deviations.

    NaN is no value; ``squares`` is NaN where a value is infinite, 0 where there is none.
    """

    n_values: Floats
    squares: Floats


def spread_of(values: Floats) -> Spread:
    """Return the spread of the values of each group, (..., n_replicates)."""
    values = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(values)
    count = np.asarray((~np.isnan(values)).sum(axis=-1), dtype=np.float64)
    if values.shape[-1] == 0:
        return Spread(count, np.zeros_like(count))
    # Deviations from the first value, so that equal values have none whatever rounding does to their mean.
    first = np.take_along_axis(np.where(finite, values, 0.0), np.argmax(finite, axis=-1)[..., None], axis=-1)
    away = np.where(finite, values, first) - first
    mean = away.sum(axis=-1, keepdims=True) / np.maximum(count, 1.0)[..., None]
    squares = np.where(finite, (away - mean) ** 2, 0.0).sum(axis=-1)
    return Spread(count, np.where(np.isinf(values).any(axis=-1), np.nan, squares))


def errors_of(spread: Spread, low: float | None, high: float | None, *, z: float = 1.0) -> Floats:
    """Return the Monte Carlo errors of groups with this spread; see ``monte_carlo_errors``."""
    count, squares = spread
    largest = largest_variance(low, high)
    with np.errstate(divide="ignore", invalid="ignore"):
        if largest is None:
            error = np.sqrt(squares / (count * (count - 1.0)))
        else:
            error = np.sqrt(squares + z**2 * largest) / (count + z**2)
    return np.where(count >= 2, error, np.nan)


def values_needed(spread: Spread, limit: float, low: float | None, high: float | None, *, z: float = 1.0) -> Floats:
    """Return for each group the number of values at which the error would be ``limit`` if the variance stayed as it is.

    With the variance v = S / n and r = (b - a)^2 / 4, k = number + z^2 solves limit^2 k^2 - v k - z^2 (r - v) = 0. Not rounded.
    Other parameters, and where it is NaN, as in ``monte_carlo_errors``.
    """
    count, squares = spread
    largest = largest_variance(low, high)
    with np.errstate(divide="ignore", invalid="ignore"):
        if largest is None:
            needed = squares / (count - 1.0) / limit**2
        else:
            variance = squares / count
            # Only values outside the range that was declared could make it negative.
            inside = np.maximum(variance**2 + 4.0 * (limit * z) ** 2 * (largest - variance), 0.0)
            needed = (variance + np.sqrt(inside)) / (2.0 * limit**2) - z**2
    return np.where(count >= 2, needed, np.nan)


def largest_variance(low: float | None, high: float | None) -> float | None:
    """Return the largest variance of values between ``low`` and ``high``; None where one of them is no limit."""
    if low is None or high is None or not math.isfinite(high - low):
        return None
    return (high - low) ** 2 / 4.0
