"""What clusters are made of: the mix of organisations and seniorities, and the attribute that tells clusters apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit
from simlab.generate.truth import NetworkTruth
from simlab.metrics.metric import NAN, Kind, metric
from simlab.metrics.recovery import adjusted_mutual_information

Labels = NDArray[np.integer]
_MIX = "entropy of a cluster over that of all, Theil 1972"


def codes(values: Sequence[str]) -> NDArray[np.int64]:
    """Return an integer for each different text; -1 for an empty one."""
    known = {value: code for code, value in enumerate(sorted(set(values) - {""}))}
    return np.array([known.get(value, -1) for value in values], dtype=np.int64)


def mix(labels: Labels, values: Sequence[str]) -> float:
    """Return how mixed an attribute is within clusters: 1 as at large, 0 one value a cluster; NaN for one value in all.

    The mean entropy within clusters, weighted by size, over the entropy of everybody.
    """
    code = codes(values)
    seen = (code >= 0) & (labels >= 0)
    if not seen.any():
        return NAN
    whole = _entropy(code[seen])
    if whole == 0.0:
        return NAN
    parts = [(code[seen & (labels == g)]) for g in np.unique(labels[seen])]
    return float(sum(len(part) * _entropy(part) for part in parts) / seen.sum() / whole)


def _entropy(code: NDArray[np.int64]) -> float:
    share = np.bincount(code) / len(code)
    share = share[share > 0]
    return float(-(share * np.log(share)).sum())


def telling(labels: Labels, attributes: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Return how well each attribute tells the clusters apart (adjusted mutual information), best first.

    Attributes that are the same for everybody, or different for everybody, are left out.
    """
    scores = {}
    for name, values in attributes.items():
        code = codes(values)
        seen = code >= 0
        n_values = len(set(code[seen].tolist()))
        if 1 < n_values < seen.sum():
            scores[name] = adjusted_mutual_information(np.where(seen, labels, -1), code)
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


@metric(
    "organisation_mix",
    kind=Kind.FIT,
    long_name="mix of organisations in found clusters",
    reference=_MIX,
    low=0.0,
    high=1.0,
)
def organisation_mix(fit: Fit, truth: NetworkTruth) -> float:
    """Return how mixed organisations are within the found clusters."""
    return mix(fit.labels, truth.attributes["organisation"])


@metric(
    "true_organisation_mix",
    kind=Kind.TRUTH,
    long_name="mix of organisations in true clusters",
    reference=_MIX,
    low=0.0,
    high=1.0,
)
def true_organisation_mix(truth: NetworkTruth) -> float:
    """Return how mixed organisations are within the true clusters."""
    return mix(truth.labels, truth.attributes["organisation"])


@metric(
    "seniority_mix", kind=Kind.FIT, long_name="mix of seniorities in found clusters", reference=_MIX, low=0.0, high=1.0
)
def seniority_mix(fit: Fit, truth: NetworkTruth) -> float:
    """Return how mixed levels of seniority are within the found clusters."""
    return mix(fit.labels, truth.attributes["seniority"])


@metric(
    "true_seniority_mix",
    kind=Kind.TRUTH,
    long_name="mix of seniorities in true clusters",
    reference=_MIX,
    low=0.0,
    high=1.0,
)
def true_seniority_mix(truth: NetworkTruth) -> float:
    """Return how mixed levels of seniority are within the true clusters."""
    return mix(truth.labels, truth.attributes["seniority"])


@metric(
    "profile_right",
    kind=Kind.FIT,
    long_name="profile names the attribute that truly sets clusters apart",
    reference="adjusted mutual information, Vinh, Epps & Bailey 2010",
    low=0.0,
    high=1.0,
)
def profile_right(fit: Fit, truth: NetworkTruth) -> float:
    """Return 1 where the attribute that tells found clusters apart best is the true one, else 0; NaN if there is none."""
    true = truth.scenario.defining_attribute
    if not true:
        return NAN
    return float(next(iter(telling(fit.labels, truth.attributes)), "") == true)
