"""Seen change corrected for noise: what two waves that are both read with error say of real change.

With errors that are independent and symmetric, and f = G / (G - 1), a share s of real switching and a share null that seems
to switch where nobody does give

    1 - f s_seen = (1 - f s) (1 - f s_null),

so noise multiplies and is never subtracted. The analogue for latent classes is Bolck, Croon & Hagenaars 2004.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Of the signal 1 - f s_null at least so much must be left: below it an error of what is seen is multiplied by more than five.
LEAST_SIGNAL = 0.2
# An interval is given where at least this share of the resamples can be estimated.
_LEAST_ESTIMABLE = 0.95


@dataclass(frozen=True)
class Corrected:
    """A corrected share with its interval; all NaN where it is not estimable."""

    share: float
    low: float
    high: float

    @property
    def estimable(self) -> bool:
        """Whether there is an estimate and an interval."""
        return bool(np.isfinite([self.share, self.low, self.high]).all())


def corrected_switching(seen: Floats | float, null: Floats | float, n_clusters: int) -> Floats:
    """Return the real share of switching: s = (1 - (1 - f s_seen) / (1 - f s_null)) / f.

    ``null`` is the share that seems to switch between two observations of people who have not moved. NaN ("not estimable")
    where the null comes near 1 / f, as in guesses, or there is one cluster. Not cut at 0, so that its mean is not raised.
    """
    if n_clusters < 2:
        return np.full(np.broadcast(np.asarray(seen), np.asarray(null)).shape, np.nan)
    factor = n_clusters / (n_clusters - 1.0)
    left = 1.0 - factor * np.asarray(null, dtype=np.float64)
    enough = left >= LEAST_SIGNAL
    ratio = (1.0 - factor * np.asarray(seen, dtype=np.float64)) / np.where(enough, left, 1.0)
    return np.asarray(np.where(enough, (1.0 - ratio) / factor, np.nan))


def corrected_error(seen: float, seen_error: float, null: float, null_error: float, n_clusters: int) -> float:
    """Return the standard error of the corrected share of switching, of independent errors, by the delta method.

    NaN where it is not estimable.
    """
    if not np.isfinite(corrected_switching(seen, null, n_clusters)):
        return float("nan")
    factor = n_clusters / (n_clusters - 1.0)
    left = 1.0 - factor * null
    return float(np.hypot(seen_error / left, null_error * (1.0 - factor * seen) / left**2))


def corrected_survival(seen: Floats | float, null: Floats | float) -> Floats:
    """Return the real share of ties that survive: seen over null, the share named again where no tie has changed.

    A tie is named in the second wave with the same probability whether or not it was named in the first; NaN where the null
    is below 0.2.
    """
    again = np.asarray(null, dtype=np.float64)
    enough = again >= LEAST_SIGNAL
    return np.asarray(np.where(enough, np.asarray(seen) / np.where(enough, again, 1.0), np.nan))


def bootstrapped_switching(
    seen: Floats, null: Floats, n_clusters: int, rng: np.random.Generator, *, n_draws: int = 1000, level: float = 0.95
) -> Corrected:
    """Return the corrected share of switching of some networks, with a percentile interval.

    Parameters
    ----------
    seen, null : (n_networks,), (n_null,)
        Shares seen to switch, one a network, NaN left out; networks of both are drawn with replacement.
    """
    seen, null = seen[np.isfinite(seen)], null[np.isfinite(null)]
    if len(seen) == 0 or len(null) == 0:
        return Corrected(np.nan, np.nan, np.nan)
    share = float(corrected_switching(seen.mean(), null.mean(), n_clusters))
    drawn = corrected_switching(_means(seen, rng, n_draws), _means(null, rng, n_draws), n_clusters)
    known = drawn[np.isfinite(drawn)]
    if not np.isfinite(share) or len(known) < _LEAST_ESTIMABLE * n_draws:
        return Corrected(np.nan, np.nan, np.nan)
    low, high = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2])
    return Corrected(share, float(low), float(high))


def _means(values: Floats, rng: np.random.Generator, n_draws: int) -> Floats:
    return np.asarray(values[rng.integers(0, len(values), (n_draws, len(values)))].mean(axis=1))
