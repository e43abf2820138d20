"""Recovery: how near a found partition, and found positions, are to the true ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit
from simlab.foundation.scientific import gammaln
from simlab.generate.truth import NetworkTruth
from simlab.metrics.metric import NAN, Kind, metric
from simlab.models.layout import procrustes
from simlab.partition import contingency, match

Labels = NDArray[np.integer]
Floats = NDArray[np.float64]


def adjusted_rand_index(one: Labels, other: Labels) -> float:
    """Return the adjusted Rand index of two partitions: 1 for the same, 0 expected for chance (Hubert & Arabie 1985).

    1 where both are one cluster or both all singletons; NaN without actors.
    """
    table = contingency(one, other).astype(float)
    n = table.sum()
    if n == 0:
        return NAN
    together = _pairs(table).sum()
    rows, cols = _pairs(table.sum(1)).sum(), _pairs(table.sum(0)).sum()
    expected = rows * cols / max(float(_pairs(n)), 1.0)
    most = 0.5 * (rows + cols)
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def _pairs(count: Floats | float) -> Floats:
    return np.asarray(count * (np.asarray(count) - 1.0) / 2.0)


def adjusted_mutual_information(one: Labels, other: Labels) -> float:
    """Return the mutual information adjusted for chance, over the mean entropy (Vinh, Epps & Bailey 2010)."""
    table = contingency(one, other).astype(float)
    n = table.sum()
    if n == 0:
        return NAN
    rows, cols = table.sum(1), table.sum(0)
    rows, cols = rows[rows > 0], cols[cols > 0]
    if len(rows) == len(cols) and len(rows) in (1, int(n)):
        return 1.0
    expected = _expected_information(rows, cols, n)
    mean_entropy = 0.5 * (_entropy(rows) + _entropy(cols))
    gap = mean_entropy - expected
    gap = min(gap, -np.finfo(float).eps) if gap < 0 else max(gap, np.finfo(float).eps)
    return float((_information(table) - expected) / gap)


def _entropy(counts: Floats) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())


def _information(table: Floats) -> float:
    """Return the mutual information of a table of counts, in nats."""
    n = table.sum()
    outer = np.outer(table.sum(1), table.sum(0))
    seen = table > 0
    return max(float((table[seen] / n * np.log(n * table[seen] / outer[seen])).sum()), 0.0)


def _expected_information(rows: Floats, cols: Floats, n: float) -> float:
    """Return the expected mutual information of random partitions with these sizes (hypergeometric cells)."""
    total = 0.0
    for a in rows:
        for b in cols:
            cells = np.arange(max(1.0, a + b - n), min(a, b) + 1.0)
            log_p = (gammaln(a + 1) + gammaln(b + 1) + gammaln(n - a + 1) + gammaln(n - b + 1) - gammaln(n + 1)) - (
                gammaln(cells + 1) + gammaln(a - cells + 1) + gammaln(b - cells + 1) + gammaln(n - a - b + cells + 1)
            )
            total += float((np.exp(log_p) * cells / n * np.log(n * cells / (a * b))).sum())
    return total


def partition_distance(one: Labels, other: Labels) -> float:
    """Return the variation of information of two partitions, in nats: 0 for the same (Meila 2007)."""
    table = contingency(one, other).astype(float)
    if table.sum() == 0:
        return NAN
    return max(_entropy(table.sum(1)) + _entropy(table.sum(0)) - 2.0 * _information(table), 0.0)


def misclassified(one: Labels, other: Labels) -> float:
    """Return the share of actors outside their cluster's partner, clusters matched one to one for the least."""
    table = contingency(one, other)
    n = table.sum()
    return float(1.0 - sum(table[r, c] for r, c in match(table)) / n) if n else NAN


def position_rmse(found: Floats, true: Floats) -> float:
    """Return the root mean square error of positions after Procrustes, over the true root mean square radius."""
    moved = procrustes(found, true)
    radius = np.sqrt(((true - true.mean(0)) ** 2).sum(1).mean())
    return float(np.sqrt(((moved - true) ** 2).sum(1).mean()) / radius) if radius > 0 else NAN


@metric("ari", kind=Kind.FIT, long_name="adjusted Rand index", reference="Hubert & Arabie 1985", low=-0.5, high=1.0)
def ari(fit: Fit, truth: NetworkTruth) -> float:
    """Return the adjusted Rand index of found and true clusters."""
    return adjusted_rand_index(fit.labels, truth.labels)


@metric(
    "ari_of_all",
    kind=Kind.FIT,
    long_name="adjusted Rand index over all, those left out alone",
    reference="Hubert & Arabie 1985",
    low=-0.5,
    high=1.0,
    whole=True,
)
def ari_of_all(fit: Fit, truth: NetworkTruth) -> float:
    """Return the adjusted Rand index over all who belong, each whom the fit does not have in a cluster of its own.

    The same as ``ari`` where the fit has everybody. Those whom listwise deletion leaves are easier to place than those whom
    it drops, so that only this compares it with other treatments.
    """
    found = dict(zip(fit.actors, fit.labels.tolist(), strict=True))
    labels = [found.get(actor, fit.n_clusters + i) for i, actor in enumerate(truth.actors)]
    return adjusted_rand_index(np.array(labels, dtype=np.int64), truth.labels)


@metric(
    "ami",
    kind=Kind.FIT,
    long_name="adjusted mutual information",
    reference="Vinh, Epps & Bailey 2010",
    low=-1.0,
    high=1.0,
)
def ami(fit: Fit, truth: NetworkTruth) -> float:
    """Return the adjusted mutual information of found and true clusters."""
    return adjusted_mutual_information(fit.labels, truth.labels)


@metric(
    "variation_of_information",
    kind=Kind.FIT,
    long_name="variation of information",
    units="nat",
    reference="Meila 2007",
    low=0.0,
)
def variation_of_information(fit: Fit, truth: NetworkTruth) -> float:
    """Return the variation of information between found and true clusters."""
    return partition_distance(fit.labels, truth.labels)


@metric(
    "misclassification",
    kind=Kind.FIT,
    long_name="share of actors in the wrong cluster",
    reference="Hungarian matching, Kuhn 1955",
    low=0.0,
    high=1.0,
)
def misclassification(fit: Fit, truth: NetworkTruth) -> float:
    """Return the share of actors in the wrong cluster, clusters matched one to one."""
    return misclassified(fit.labels, truth.labels)


@metric(
    "position_error",
    kind=Kind.FIT,
    long_name="error of positions over their spread",
    reference="Procrustes without rescaling, Schonemann 1966",
    low=0.0,
)
def position_error(fit: Fit, truth: NetworkTruth) -> float:
    """Return the error of latent positions; NaN for a fitter without a latent space or of another dimension.

    NaN too in worlds whose ties do not come from positions.
    """
    if fit.positions is None or fit.positions.shape != truth.positions.shape or np.isnan(truth.positions).any():
        return NAN
    return position_rmse(fit.positions, truth.positions)
