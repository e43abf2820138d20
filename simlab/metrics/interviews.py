"""Interviews: whether those chosen to be interviewed truly share a position, or truly bridge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit
from simlab.fit.interviews import Interviews, select_interviews
from simlab.generate.truth import NetworkTruth
from simlab.metrics.metric import NAN, Key, Kind, metric
from simlab.partition import contingency, match

Floats = NDArray[np.float64]
Fits = Mapping[Key, Fit]
Truths = Mapping[Key, NetworkTruth]

_CHOICE = "select_interviews with its defaults"
_MATCHED = "select_interviews, over all relations and periods of a site"


@dataclass(frozen=True, eq=False)
class Site:
    """Whom to interview at a site by all its networks, with their fits and truths in order."""

    chosen: Interviews
    fits: list[Fit]
    truths: list[NetworkTruth]


def of_sites(fits: Fits, truths: Truths, *, eligible: bool) -> list[Site]:
    """Return whom to interview at each site, by all its networks; ``eligible``: middle managers alone.

    Sites of which no actor is known in all networks are left out.
    """
    sites = []
    for site in dict.fromkeys(key[0] for key in truths):
        keys = [key for key in truths if key[0] == site]
        found, true = [fits[key] for key in keys], [truths[key] for key in keys]
        if set.intersection(*({a for i, a in enumerate(f.actors) if not f.unknown[i : i + 1].any()} for f in found)):
            allowed = middle_managers(true) if eligible else None
            sites.append(Site(select_interviews(found, eligible=allowed), found, true))
    return sites


def middle_managers(truths: Sequence[NetworkTruth]) -> list[str]:
    """Return who is of the middle level of seniority when first present, the lower of two middle ones: those eligible."""
    levels = truths[0].scenario.seniorities
    wanted = levels[len(levels) // 2]
    first: dict[str, bool] = {}
    for truth in truths:
        for actor, level in zip(truth.actors, truth.attributes["seniority"], strict=True):
            first.setdefault(actor, level == wanted)
    return [actor for actor, eligible in first.items() if eligible]


def share_together(chosen: Interviews, truths: Sequence[NetworkTruth]) -> float:
    """Return the share of pairs chosen for one cluster that truly are in one, over pairs and networks; NaN without pairs."""
    same = []
    for truth in truths:
        label = dict(zip(truth.actors, truth.labels.tolist(), strict=True))
        for actors in chosen.clusters.values():
            same += [label[one] == label[other] for one, other in combinations(actors, 2)]
    return float(np.mean(same)) if same else NAN


def profiles(labels: NDArray[np.integer], values: Sequence[str], known: Sequence[str]) -> Floats:
    """Return the share of each value of an attribute within each cluster: (n_clusters, n_values); 0 without actors."""
    counts = np.zeros((int(labels.max()) + 1, len(known)))
    for label, value in zip(labels, values, strict=True):
        if value in known:
            counts[label, known.index(value)] += 1.0
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0))


def match_by_profile(one: Floats, other: Floats) -> dict[int, int]:
    """Return the partner in ``one`` of each cluster of ``other``, one to one for the greatest overlap of their profiles."""
    overlap = np.minimum(one[:, None], other[None]).sum(axis=2)
    return {h: g for g, h in match(overlap)}


def share_across(sites: Sequence[Site], attribute: str = "service") -> float:
    """Return the share of pairs of two sites, chosen for clusters with alike profiles, that truly are in one cluster.

    Clusters of every site are matched one to one to those of the first by the attribute that tells their purpose, each as in
    the first of its networks that has several; true clusters, those of the first network, have the same numbers in all
    sites. NaN without such pairs.
    """
    people: list[dict[int, list[int]]] = []
    first: Floats | None = None
    for site in sites:
        at = next((i for i, fit in enumerate(site.fits) if len(set(fit.labels.tolist())) > 1), 0)
        values = site.truths[at].attributes[attribute]
        known = sorted(set(site.truths[at].scenario.services) if attribute == "service" else set(values))
        profile = profiles(site.fits[at].labels, values, known)
        first = profile if first is None else first
        partner = match_by_profile(first, profile)
        label = dict(zip(site.truths[0].actors, site.truths[0].labels.tolist(), strict=True))
        clusters = site.chosen.clusters.items()
        people.append({partner[g]: [label[actor] for actor in actors] for g, actors in clusters if g in partner})
    same = [
        a == b
        for one, other in combinations(people, 2)
        for g in sorted(one.keys() & other.keys())
        for a, b in product(one[g], other[g])
    ]
    return float(np.mean(same)) if same else NAN


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else NAN


@metric(
    "interviews_share_position",
    kind=Kind.FIT,
    long_name="share of interviewed pairs truly in one cluster",
    reference=_CHOICE,
    low=0.0,
    high=1.0,
)
def interviews_share_position(fit: Fit, truth: NetworkTruth) -> float:
    """Return the share of truly shared clusters among the pairs chosen for one cluster, three people a cluster.

    Chance is the share of pairs of actors at large that are in one cluster: about 1 / G for G equal clusters. NaN where no
    two are chosen for one cluster.
    """
    return share_together(select_interviews(fit), [truth])


@metric(
    "interviews_eligible_share_position",
    kind=Kind.FIT,
    long_name="the same where only middle managers are interviewed",
    reference=_CHOICE,
    low=0.0,
    high=1.0,
)
def interviews_eligible_share_position(fit: Fit, truth: NetworkTruth) -> float:
    """Return ``interviews_share_position`` where only middle managers may be chosen."""
    return share_together(select_interviews(fit, eligible=middle_managers([truth])), [truth])


@metric(
    "interviews_bridgers",
    kind=Kind.FIT,
    long_name="share of true bridgers among those interviewed as such",
    reference=_CHOICE,
    low=0.0,
    high=1.0,
)
def interviews_bridgers(fit: Fit, truth: NetworkTruth) -> float:
    """Return the share of true bridgers among the two people chosen as bridgers; chance is the share of bridgers.

    0 where the fit shows nobody who bridges; NaN where the truth has no bridgers.
    """
    if not truth.bridger.any():
        return NAN
    true = {actor for actor, bridger in zip(truth.actors, truth.bridger, strict=True) if bridger}
    chosen = select_interviews(fit).bridgers
    return float(np.mean([actor in true for actor in chosen])) if chosen else 0.0


@metric(
    "pairs_share_position",
    kind=Kind.TRUTH,
    long_name="share of all pairs truly in one cluster",
    reference="chance, for interviewed pairs",
    low=0.0,
    high=1.0,
)
def pairs_share_position(truth: NetworkTruth) -> float:
    """Return the share of pairs at large that are in one cluster, which is what pairs drawn by lot would have."""
    n, counts = len(truth.labels), np.bincount(truth.labels)
    return float((counts * (counts - 1)).sum() / (n * (n - 1))) if n > 1 else NAN


@metric(
    "clusters_share_position",
    kind=Kind.FIT,
    long_name="share of pairs of a found cluster truly in one",
    reference="pairwise precision",
    low=0.0,
    high=1.0,
)
def clusters_share_position(fit: Fit, truth: NetworkTruth) -> float:
    """Return the share of truly shared clusters among all pairs of a found cluster; NaN where no two are in one."""
    table = contingency(fit.labels, truth.labels).astype(np.float64)
    size = table.sum(axis=1)
    pairs = (size * (size - 1.0)).sum()
    return float((table * (table - 1.0)).sum() / pairs) if pairs else NAN


@metric(
    "interviews_matched_share_position",
    kind=Kind.PANEL,
    long_name="share of pairs interviewed by all networks truly in one cluster",
    reference=_MATCHED,
    low=0.0,
    high=1.0,
)
def interviews_matched_share_position(fits: Fits, truths: Truths) -> float:
    """Return the share of pairs, over networks and sites, that truly share a cluster among those chosen by all networks."""
    return _mean(share_together(site.chosen, site.truths) for site in of_sites(fits, truths, eligible=False))


@metric(
    "interviews_matched_eligible_share_position",
    kind=Kind.PANEL,
    long_name="the same where only middle managers are interviewed",
    reference=_MATCHED,
    low=0.0,
    high=1.0,
)
def interviews_matched_eligible_share_position(fits: Fits, truths: Truths) -> float:
    """Return ``interviews_matched_share_position`` where only middle managers may be chosen."""
    return _mean(share_together(site.chosen, site.truths) for site in of_sites(fits, truths, eligible=True))


@metric(
    "interviews_matched_eligible_chosen",
    kind=Kind.PANEL,
    long_name="middle managers of a site chosen for a cluster by all networks",
    reference=_MATCHED,
    units="people",
    low=0.0,
)
def interviews_matched_eligible_chosen(fits: Fits, truths: Truths) -> float:
    """Return how many people of a site are chosen for a shared position, at most three a cluster; mean over sites."""
    sites = of_sites(fits, truths, eligible=True)
    return _mean(float(sum(len(actors) for actors in site.chosen.clusters.values())) for site in sites)


@metric(
    "interviews_across_sites",
    kind=Kind.PANEL,
    long_name="share of pairs of two sites, interviewed for alike clusters, truly in one",
    reference=_MATCHED + "; clusters of sites matched by service",
    low=0.0,
    high=1.0,
)
def interviews_across_sites(fits: Fits, truths: Truths) -> float:
    """Return how often middle managers of two sites, chosen for clusters of alike services, hold one position.

    NaN for a single site. Chance is about 1 / G.
    """
    return share_across(of_sites(fits, truths, eligible=True))
