"""Change between two periods of a network: what is seen, what would be seen if nobody had moved, and what that leaves.

What is seen is what the reported fits show. Worlds are refitted by a faster method, which errs more; so what nobody's moving
would show is compared with what that same method sees in the networks, and with nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit
from simlab.metrics.change_correction import Corrected, corrected_switching
from simlab.metrics.stability import stayers, switched_share

Floats = NDArray[np.float64]

_N_RESAMPLES = 2000
_LEAST_ESTIMABLE = 0.95
_UNKNOWN = Corrected(np.nan, np.nan, np.nan)


@dataclass(frozen=True, eq=False)
class Change:
    """Change between two periods, among those present in both.

    Attributes
    ----------
    before, after : str
        The periods.
    n_stayers : int
    seen : float
        Share that switches cluster between the fits reported; NaN without stayers.
    one_cluster : tuple of str
        The periods in which the fit reported has all who are there in one cluster; then there is no switching to be seen.
    seen_by_refits : float
        The share between fits of the same networks by the method of the refits, to which null and correction belong.
    null : float
        Share expected to switch between two observations of people who have not moved, from the worlds of both periods; NaN
        where there is one cluster.
    null_low, null_high : float
        Between which the middle 90 % of such shares lie, over worlds, one observation being of each period.
    n_worlds : int
        How many worlds of a period the null is from; the smaller number of the two.
    corrected : Corrected
        The real share and its interval, from ``seen_by_refits`` and ``null``; NaN where it is not estimable.
    reason : str
        Why it is not estimable; empty where it is.
    """

    before: str
    after: str
    n_stayers: int
    seen: float
    one_cluster: tuple[str, ...]
    seen_by_refits: float
    null: float
    null_low: float
    null_high: float
    n_worlds: int
    corrected: Corrected
    reason: str


def change_between(
    names: tuple[str, str],
    reported: tuple[Fit, Fit],
    refits: tuple[Fit, Fit],
    nulls: tuple[Floats, Floats],
    *,
    rng: np.random.Generator,
) -> Change:
    """Return the change between two periods.

    Noise multiplies (see ``simlab.metrics.change_correction``). Where the errors of the two periods differ, the null of the
    pair follows from those of each, (1 - f null)^2 = (1 - f null_before) (1 - f null_after). A seen share is uncertain as
    shares of unchanged worlds are; the interval has this, and the error of both nulls.

    Parameters
    ----------
    names, reported, refits : of the two periods
        Their names, the fits reported, and fits by the method of the refits.
    nulls : (n_worlds,) each
        Shares that switched between two observations of one world of the period; NaN is left out.
    """
    by_refits = _switched(*refits)
    alone = tuple(
        name for name, fit in zip(names, reported, strict=True) if fit.n_clusters < 2 or len(np.unique(fit.labels)) < 2
    )
    n_stayers = len(stayers(reported[0].actors, reported[1].actors)[0])
    known = [null[np.isfinite(null)] for null in nulls]
    counts = [fit.n_clusters for fit in reported]
    reason = _why_not(n_stayers, counts, alone, refits, known)
    n_clusters = max(counts)
    null = float("nan")
    low = high = float("nan")
    if not alone and all(len(values) for values in known):
        null = float(_of_pair(known[0].mean(), known[1].mean(), n_clusters))
        low, high = np.clip(null + np.quantile(_deviations(known[0], known[1], n_clusters), [0.05, 0.95]), 0.0, 1.0)
    corrected = _UNKNOWN
    if not reason:
        corrected = _corrected(by_refits, known[0], known[1], n_clusters, rng)
        if not corrected.estimable:
            reason = (
                f"the noise leaves too little: where nobody moves {null:.0%} seem to switch, and pure chance gives"
                f" {1.0 - 1.0 / n_clusters:.0%}"
            )
            corrected = _UNKNOWN
    return Change(
        before=names[0],
        after=names[1],
        n_stayers=n_stayers,
        seen=_switched(*reported),
        one_cluster=alone,
        seen_by_refits=by_refits,
        null=null,
        null_low=float(low),
        null_high=float(high),
        n_worlds=min(map(len, known)),
        corrected=corrected,
        reason=reason,
    )


def _switched(before: Fit, after: Fit) -> float:
    one, other = stayers(before.actors, after.actors)
    return switched_share(before.labels[one], after.labels[other])


def _why_not(
    n_stayers: int, counts: list[int], alone: tuple[str, ...], refits: tuple[Fit, Fit], nulls: list[Floats]
) -> str:
    """Return why there is nothing to correct, or an empty text."""
    if n_stayers < 2:
        return "fewer than two people are in both periods"
    if alone:
        where = "both periods" if len(alone) > 1 else f"period {alone[0]}"
        return f"in {where} all are in one cluster"
    if counts[0] != counts[1]:
        return f"the periods have {counts[0]} and {counts[1]} clusters: give one number of clusters for both"
    if any(len(np.unique(fit.labels)) < 2 for fit in refits):
        return "by the method of the refits all are in one cluster in one of the periods"
    if any(len(null) < 2 for null in nulls):
        return "too few worlds were refitted"
    return ""


def _of_pair(before: Floats | float, after: Floats | float, n_clusters: int) -> Floats:
    """Return the null of a pair from those of its periods; 1 / f, pure chance, where one of them is beyond it."""
    factor = n_clusters / (n_clusters - 1.0)
    signal = np.maximum(1.0 - factor * np.asarray(before), 0.0) * np.maximum(1.0 - factor * np.asarray(after), 0.0)
    return np.asarray((1.0 - np.sqrt(signal)) / factor)


def _deviations(before: Floats, after: Floats, n_clusters: int) -> Floats:
    """Return by how much shares between two observations of people who did not move, one of each period, miss their mean.

    A null of the pair is made of two shares, one a period; two observations differ by one share, whose deviations are larger
    by the root of two.
    """
    pairs = _of_pair(before[:, None], after[None, :], n_clusters).ravel()
    return np.asarray(np.sqrt(2.0) * (pairs - pairs.mean()))


def _corrected(seen: float, before: Floats, after: Floats, n_clusters: int, rng: np.random.Generator) -> Corrected:
    """Return the corrected share with a 95 % interval, by resampling worlds."""
    null = _of_pair(before.mean(), after.mean(), n_clusters)
    share = float(corrected_switching(seen, null, n_clusters))
    means = [
        values[rng.integers(0, len(values), (_N_RESAMPLES, len(values)))].mean(axis=1) for values in (before, after)
    ]
    noisy = seen - rng.choice(_deviations(before, after, n_clusters), _N_RESAMPLES)
    drawn = corrected_switching(noisy, _of_pair(means[0], means[1], n_clusters), n_clusters)
    finite = drawn[np.isfinite(drawn)]
    if not np.isfinite(share) or len(finite) < _LEAST_ESTIMABLE * _N_RESAMPLES:
        return _UNKNOWN
    low, high = np.quantile(finite, [0.025, 0.975])
    return Corrected(share, float(low), float(high))
