"""What clusters are made of: the mix of organisations and seniorities, and the attribute that tells clusters apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit
from simlab.generate.scenario import Scenario
from simlab.generate.truth import NetworkTruth
from simlab.metrics.metric import NAN, Kind, metric
from simlab.metrics.recovery import adjusted_mutual_information, adjusted_rand_index

Labels = NDArray[np.integer]
_MIX = "entropy of a cluster over that of all, Theil 1972"
# A cluster of fewer actors is too small for a mix to be expected of it.
LEAST_ACTORS = 5


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


def compositions(labels: Labels, values: Sequence[str]) -> list[NDArray[np.float64]]:
    """Return the shares of each value in each cluster that has at least five actors whose value is known."""
    code = codes(values)
    seen = (code >= 0) & (labels >= 0)
    counts = [np.bincount(code[seen & (labels == g)], minlength=code.max() + 1) for g in np.unique(labels[seen])]
    return [count / count.sum() for count in counts if count.sum() >= LEAST_ACTORS]


@metric(
    "several_organisations",
    kind=Kind.FIT,
    long_name="every cluster has people of several organisations",
    reference="clusters of at least five actors",
    low=0.0,
    high=1.0,
)
def several_organisations(fit: Fit, truth: NetworkTruth) -> float:
    """Return 1 where every cluster of five actors or more has at least two organisations; NaN without such a cluster."""
    shares = compositions(fit.labels, truth.attributes["organisation"])
    return float(all((share > 0).sum() > 1 for share in shares)) if shares else NAN


@metric(
    "no_organisation_dominates",
    kind=Kind.FIT,
    long_name="no organisation has more than half of any cluster",
    reference="clusters of at least five actors",
    low=0.0,
    high=1.0,
)
def no_organisation_dominates(fit: Fit, truth: NetworkTruth) -> float:
    """Return 1 where in no cluster of five actors or more an organisation has more than half; NaN without such a cluster."""
    shares = compositions(fit.labels, truth.attributes["organisation"])
    return float(all(share.max() <= 0.5 for share in shares)) if shares else NAN


@metric(
    "organisation_ari",
    kind=Kind.FIT,
    long_name="adjusted Rand index of found clusters and organisations",
    reference="Hubert & Arabie 1985",
    low=-0.5,
    high=1.0,
)
def organisation_ari(fit: Fit, truth: NetworkTruth) -> float:
    """Return how far the found clusters are the organisations: 1 the same, 0 as by chance."""
    return adjusted_rand_index(fit.labels, codes(truth.attributes["organisation"]))


def profile(labels: Labels, attributes: Mapping[str, Sequence[str]]) -> dict[int, str]:
    """Return, for each cluster that is not everybody, the attribute of the value that marks it out the most.

    That is the value with the largest excess over what a random choice of as many actors would have, in standard
    deviations of that (hypergeometric). Attributes that are the same for everybody say nothing.
    """
    marked: dict[int, str] = {}
    for g in np.unique(labels[labels >= 0]).tolist():
        best = 0.0
        for name, values in attributes.items():
            code = codes(values)
            seen = (code >= 0) & (labels >= 0)
            inside = seen & (labels == g)
            n, m = int(seen.sum()), int(inside.sum())
            if not 0 < m < n:
                continue
            share = np.bincount(code[seen]) / n
            own = np.bincount(code[inside], minlength=len(share))
            variance = m * share * (1.0 - share) * (n - m) / (n - 1.0)
            excess = np.divide(own - m * share, np.sqrt(variance), out=np.zeros(len(share)), where=variance > 0)
            if excess.max() > best:
                best, marked[g] = float(excess.max()), name
    return marked


def unrelated(scenario: Scenario) -> tuple[str, ...]:
    """Return the attributes that by construction have nothing to do with the true clusters; in a world of one, all."""
    related = {
        "service": scenario.service_commonness > 0.0,
        "organisation": scenario.organisation_mixing < 1.0,
        "seniority": scenario.seniority_mixing < 1.0,
    }
    return tuple(name for name, is_related in related.items() if scenario.n_clusters == 1 or not is_related)


@metric(
    "profile_unrelated",
    kind=Kind.FIT,
    long_name="share of clusters whose profile names an unrelated attribute",
    reference="value of the largest hypergeometric excess in a cluster",
    low=0.0,
    high=1.0,
)
def profile_unrelated(fit: Fit, truth: NetworkTruth) -> float:
    """Return the share of clusters best marked out by an attribute that has nothing to do with the true clusters.

    NaN where the fit has one cluster, which has no profile.
    """
    marked = profile(fit.labels, truth.attributes)
    without = unrelated(truth.scenario)
    return float(np.mean([name in without for name in marked.values()])) if marked else NAN
