"""Posterior predictive checks: does a fit's model make networks like the one that was seen?

Networks are drawn from the fit and compared with the observed one on statistics that the model was not asked to get right
(Hunter, Goodreau & Handcock 2008, "Goodness of fit of social network models", JASA 103; Gelman, Meng & Stern 1996). Dyads
that were not observed are hidden in the drawn networks too, so that both sides are read from the same dyads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit
from simlab.fit.network_statistics import DISTANCE, Read, Reader
from simlab.fit.prediction import iterate_networks, model_of
from simlab.fit.tie_model import Family
from simlab.foundation.errors import UnknownNameError
from simlab.panel import Network

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LEVEL = 0.95
NO_PATH = "no path"
# A distribution has at most so many bins between the two at its ends, and those hold at least this share of the cases.
_MOST_BINS = 12
_LEAST_SHARE = 0.02
# Equal numbers stay equal when a quantile is computed between them.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Check:
    """One statistic of the observed network beside those of the networks drawn.

    Attributes
    ----------
    name : str
        Such as ``reciprocity`` or ``out-degree``.
    unit : str
        What the numbers are: ``share of actors``.
    bins : tuple of str
        What the values of a distribution stand for (``0``, ``1``, ``2-3``, ``>= 4``); empty for a single number.
    observed : (n_bins,), or (1,) for a single number
        NaN where the network does not say, as for the shared partners of no ties.
    simulated : (n_networks, n_bins) or (n_networks, 1)
        NaN as above.
    """

    name: str
    unit: str
    bins: tuple[str, ...]
    observed: Floats
    simulated: Floats

    @cached_property
    def known(self) -> Floats:
        """The simulated networks in which the statistic is defined: (up to n_networks, n_bins)."""
        return self.simulated[~np.isnan(self.simulated).any(axis=1)]

    @property
    def defined(self) -> bool:
        """Whether there is anything to compare."""
        return bool(len(self.known)) and not bool(np.isnan(self.observed).any())

    def interval(self, level: float = LEVEL) -> Floats:
        """Return the limits (2, n_bins) between which the middle ``level`` of the simulated lie, bin by bin; NaN if none."""
        if not len(self.known):
            return np.full((2, len(self.observed)), np.nan)
        # Those of the ordered values that agree with ``p_value``: outside is what has a p up to 1 - level.
        last = len(self.known) - 1
        place = min(max(_whole(0.5 * (1.0 - level) * (last + 2)) - 1, 0), last // 2)
        ordered = np.sort(self.known, axis=0)
        return np.asarray([ordered[place], ordered[last - place]])

    def band(self, level: float = LEVEL) -> Floats:
        """Return limits (2, n_bins) within which a share ``level`` of the simulated lie in all bins at once.

        Of a single number the interval. Otherwise one multiple of the standard deviation in every bin (a studentised
        envelope: Myllymaki, Mrkvicka, Grabarnik, Seijo & Hahn 2017), with the deviations below and above the mean apart, as
        shares near 0 are skewed. Of a dozen separate 95 % intervals one is often missed by chance.
        """
        if not self.bins or not len(self.known):
            return self.interval(level)
        mean, below, above = self._widths
        deviations = np.sort(self._deviations(self.known))[::-1]
        factor = deviations[max(_whole((1.0 - level) * (len(deviations) + 1)) - 1, 0)]
        return np.asarray(np.clip([mean - factor * below, mean + factor * above], 0.0, 1.0))

    def outside(self, level: float = LEVEL) -> Flags:
        """Return in which bins the observed value lies outside the band.

        Nowhere where it is not defined, or there are too few networks to tell.
        """
        if not self.p_value <= 1.0 - level + _ROUNDING:
            return np.zeros(len(self.observed), dtype=bool)
        low, high = self.band(level)
        return np.asarray((self.observed < low - _ROUNDING) | (self.observed > high + _ROUNDING))

    @property
    def p_value(self) -> float:
        """The two-sided posterior predictive p: how rarely a network drawn is as far from the others; NaN if not defined.

        Of a distribution the farthest bin counts, as in ``band``. The observed network counts as one of those drawn, so
        that p is never 0.
        """
        if not self.defined:
            return float("nan")
        total = len(self.known) + 1.0
        if self.bins:
            own = self._deviations(self.observed[None])[0]
            return float((1.0 + (self._deviations(self.known) >= own - _ROUNDING).sum()) / total)
        values, own = self.known[:, 0], self.observed[0]
        tails = ((values >= own - _ROUNDING).sum(), (values <= own + _ROUNDING).sum())
        return float(min(1.0, 2.0 * (1.0 + min(tails)) / total))

    @cached_property
    def _widths(self) -> tuple[Floats, Floats, Floats]:
        """The mean, and a standard deviation of what lies below it and one of what lies above.

        Of the observed and the drawn networks together: else the drawn ones would be nearer to their own mean than a
        further network is, and p too small.
        """
        every = np.vstack([self.known, self.observed[None]] if self.defined else [self.known])
        mean = every.mean(axis=0)
        gaps = every - mean
        below, above = (np.sqrt(2.0 * (np.maximum(side, 0.0) ** 2).mean(axis=0)) for side in (-gaps, gaps))
        return mean, below, above

    def _deviations(self, values: Floats) -> Floats:
        """Return how far each row is from the mean in its farthest bin, in widths."""
        mean, below, above = self._widths
        gap = values - mean
        width = np.where(gap > 0.0, above, below)
        apart = np.abs(gap) > _ROUNDING
        far = np.divide(np.abs(gap), width, out=np.full(gap.shape, np.inf), where=width > _ROUNDING)
        return np.asarray(np.where(apart, far, 0.0).max(axis=1))


@dataclass(frozen=True, eq=False)
class PredictiveChecks:
    """All statistics of one network, beside those of networks drawn from a fit."""

    fitter: str
    n_networks: int
    checks: tuple[Check, ...]

    def __getitem__(self, name: str) -> Check:
        """Return a statistic by name; UnknownNameError for one that was not computed."""
        for check in self.checks:
            if check.name == name:
                return check
        raise UnknownNameError.among("statistic", name, [check.name for check in self.checks])

    def outside(self, level: float = LEVEL) -> tuple[Check, ...]:
        """Return the statistics in which the observed network lies outside the interval, or band, of those drawn."""
        return tuple(check for check in self.checks if check.outside(level).any())


def posterior_predictive_checks(
    fit: Fit, network: Network, *, n: int = 200, rng: np.random.Generator, attributes: Sequence[str] | None = None
) -> PredictiveChecks:
    """Return the statistics of a network beside those of networks drawn from its fit.

    Single numbers: density; reciprocity, the share of ties that are returned; transitivity, the share of two-paths i to j to
    k with a tie from i to k; the coefficient of variation of degrees; for each attribute the share of ties within one value.
    Distributions: out-degree and in-degree (or degree) over actors; shared partners, the two-paths that join the ends of a
    tie, over ties (in a two-mode network those that join two actors of one mode, over such pairs); geodesic distance over
    pairs of actors; for counts the counts over dyads. Each is read from the observed dyads alone.

    Parameters
    ----------
    fit : Fit
        With a ``tie_model``.
    network : Network
        What was fitted.
    n : int
        How many networks to draw.
    rng : numpy.random.Generator
    attributes : sequence of str, optional
        Whose homophily to check. Unless given, every attribute with 2 to 10 values.

    Raises
    ------
    InputError
        As ``draw_networks``; for an attribute that the network does not have.
    """
    return joint_predictive_checks(fit, [network], n=n, rng=rng, attributes=attributes)[0]


def joint_predictive_checks(
    fit: Fit,
    networks: Sequence[Network],
    *,
    n: int = 200,
    rng: np.random.Generator,
    attributes: Sequence[str] | None = None,
) -> list[PredictiveChecks]:
    """Return the checks of each relation of a joint fit, all from the same drawn networks."""
    counted = model_of(fit).family == Family.POISSON
    readers = [Reader(network, counted, attributes) for network in networks]
    drawn = iterate_networks(fit, networks, n=n, rng=rng, masked=True)
    read = [[reader.read(one) for reader, one in zip(readers, relations, strict=True)] for relations in drawn]
    return [
        PredictiveChecks(fit.fitter, n, _checks(reader, reader.read(network), [row[r] for row in read]))
        for r, (reader, network) in enumerate(zip(readers, networks, strict=True))
    ]


def _checks(reader: Reader, observed: Read, simulated: Sequence[Read]) -> tuple[Check, ...]:
    """Return the checks of one network, distributions first."""
    out = [
        _distribution(name, reader.unit(name), table, [one.tables[name] for one in simulated])
        for name, table in observed.tables.items()
    ]
    for name, value in observed.numbers.items():
        values = np.array([[one.numbers[name]] for one in simulated])
        out.append(Check(name, reader.unit(name), (), np.array([value]), values))
    return tuple(out)


def _whole(number: float) -> int:
    """Return the whole part of a number that rounding may have left just below a whole one."""
    return int(number + 1e-9)


def _distribution(name: str, unit: str, observed: NDArray[np.int64], simulated: Sequence[NDArray[np.int64]]) -> Check:
    """Return the shares of the values, pooled into bins that the networks fill."""
    longest = max(len(table) for table in (observed, *simulated))
    tables = np.zeros((1 + len(simulated), max(longest, 3)))
    for row, table in zip(tables, (observed, *simulated), strict=True):
        row[: len(table)] = table
    totals = tables.sum(axis=1, keepdims=True)
    shares = np.divide(tables, totals, out=np.full(tables.shape, np.nan), where=totals > 0)
    filled = shares[totals[:, 0] > 0]
    mean = filled.mean(axis=0) if len(filled) else np.zeros(tables.shape[1])
    least = min(max(_LEAST_SHARE, 1.0 / max(float(totals.mean()), 1.0)), 0.1)
    # Two actors are at least one step apart.
    lowest = 1 if name == DISTANCE else 0
    edges = [lowest + edge for edge in _edges(mean[1 + lowest :], least)]
    bins = list(pairwise(edges))
    columns = [shares[:, 1 + low : 1 + high].sum(axis=1) for low, high in bins]
    words = [_words(low, high, edges) for low, high in bins]
    if name == DISTANCE:
        columns, words = [*columns, shares[:, 0]], [*words, NO_PATH]
    pooled = np.stack(columns, axis=1)
    return Check(name, unit, tuple(words), pooled[0], pooled[1:])


def _edges(mean: Floats, least: float) -> list[int]:
    """Return the first value of each bin, and one more than the last; the end bins hold the share ``least`` or more."""
    upto = np.cumsum(mean)
    total = float(upto[-1])
    first = int(np.searchsorted(upto, min(least, total / 2.0)))
    last = len(mean) - 1 - int(np.searchsorted(np.cumsum(mean[::-1]), min(least, total / 2.0)))
    first, last = min(first, len(mean) - 1), max(last, 0)
    if last <= first:
        # All simulated alike: what is below, the value itself, and what is above.
        return sorted({0, first, min(first + 1, len(mean)), len(mean)})
    width = -(-(last - first - 1) // _MOST_BINS) or 1
    return [0, *range(first + 1, last, width), last, len(mean)]


def _words(low: int, high: int, edges: Sequence[int]) -> str:
    """Return what the values from ``low`` up to and without ``high`` are called."""
    if high == edges[-1] and low > edges[0]:
        return f"\N{GREATER-THAN OR EQUAL TO} {low}"
    if high == low + 1:
        return str(low)
    return f"\N{LESS-THAN OR EQUAL TO} {high - 1}" if low == edges[0] else f"{low}\N{EN DASH}{high - 1}"
