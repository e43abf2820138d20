"""Bridging: how well a score ranks the true bridgers above the others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit
from simlab.generate.truth import NetworkTruth
from simlab.metrics.metric import NAN, Kind, metric

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def area_under_curve(score: Floats, positive: Flags) -> float:
    """Return the probability that a positive scores above a negative, ties half; NaN where one kind is missing."""
    count = int(positive.sum())
    rest = len(positive) - count
    if count == 0 or rest == 0:
        return NAN
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = ((last - counts + 1 + last) / 2.0)[inverse]
    return float((ranks[positive].sum() - count * (count + 1) / 2.0) / (count * rest))


def mean_precision(score: Floats, positive: Flags) -> float:
    """Return the average precision: precision at each positive's rank, those with equal scores taken together."""
    count = int(positive.sum())
    if count == 0:
        return NAN
    total, taken, hits = 0.0, 0, 0
    for value in np.unique(score)[::-1]:
        group = score == value
        taken += int(group.sum())
        new = int(positive[group].sum())
        hits += new
        total += new / count * hits / taken
    return total


def top_precision(score: Floats, positive: Flags, k: int) -> float:
    """Return the share of positives among the ``k`` highest scores, ties at the edge counted by expectation."""
    if k == 0:
        return NAN
    edge = np.sort(score)[::-1][k - 1]
    above, at = score > edge, score == edge
    left = k - int(above.sum())
    return float((positive[above].sum() + left * positive[at].mean()) / k)


def highest_tenth(score: Floats) -> float:
    """Return the mean of a score over the tenth of actors with the highest, one at least."""
    count = max(1, round(0.1 * len(score)))
    return float(np.sort(score)[-count:].mean())


@metric(
    "bridger_auc",
    kind=Kind.FIT,
    long_name="area under the curve of the bridging score",
    reference="Hanley & McNeil 1982",
    low=0.0,
    high=1.0,
)
def bridger_auc(fit: Fit, truth: NetworkTruth) -> float:
    """Return how probably a true bridger has a higher bridging score than another actor; chance is 0.5."""
    return area_under_curve(fit.bridging[fit.bridging_score], truth.bridger)


@metric(
    "bridger_average_precision",
    kind=Kind.FIT,
    long_name="average precision of the bridging score",
    reference="Davis & Goadrich 2006",
    low=0.0,
    high=1.0,
)
def bridger_average_precision(fit: Fit, truth: NetworkTruth) -> float:
    """Return the average precision of the bridging score; chance is about the share of bridgers."""
    return mean_precision(fit.bridging[fit.bridging_score], truth.bridger)


@metric(
    "bridger_precision",
    kind=Kind.FIT,
    long_name="share of true bridgers among as many highest scores",
    reference="precision at k, k the number of true bridgers",
    low=0.0,
    high=1.0,
)
def bridger_precision(fit: Fit, truth: NetworkTruth) -> float:
    """Return the share of true bridgers among the k highest scores, k being the number of true bridgers."""
    return top_precision(fit.bridging[fit.bridging_score], truth.bridger, int(truth.bridger.sum()))


# The scores that fits have, by name. Only fits with draws have a position entropy.
SCORES = {
    "membership_entropy": "entropy of membership",
    "position_entropy": "entropy of membership given the position",
    "participation": "participation coefficient",
    "between": "lying between two clusters",
    "low_constraint": "low constraint",
    "betweenness": "betweenness",
}


def _auc_of(score: str) -> Callable[[Fit, NetworkTruth], float]:
    def auc(fit: Fit, truth: NetworkTruth) -> float:
        """Return how probably a true bridger has a higher score than another actor; NaN where the fit lacks the score."""
        return area_under_curve(fit.bridging[score], truth.bridger) if score in fit.bridging else NAN

    return auc


def _precision_of(score: str) -> Callable[[Fit, NetworkTruth], float]:
    def precision(fit: Fit, truth: NetworkTruth) -> float:
        """Return the share of true bridgers among the k highest scores, k being their number; NaN without the score."""
        k = int(truth.bridger.sum())
        return top_precision(fit.bridging[score], truth.bridger, k) if score in fit.bridging else NAN

    return precision


for _name, _words in SCORES.items():
    metric(
        f"auc_{_name}",
        kind=Kind.FIT,
        long_name=f"area under the curve, {_words}",
        reference="Hanley & McNeil 1982",
        low=0.0,
        high=1.0,
    )(_auc_of(_name))
    metric(
        f"precision_{_name}",
        kind=Kind.FIT,
        long_name=f"share of true bridgers among as many highest, {_words}",
        reference="precision at k, k the number of true bridgers",
        low=0.0,
        high=1.0,
    )(_precision_of(_name))
