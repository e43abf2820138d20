"""Stability between two periods, among those present in both: matched clusters, switching, cores.

Clusters of the two periods are matched one to one (Hungarian). Entries and exits are never counted as switching.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit
from simlab.generate.truth import NetworkTruth
from simlab.metrics.metric import NAN, Kind, metric
from simlab.panel import Network
from simlab.partition import contingency, jaccard_table, match

Labels = NDArray[np.integer]
Flags = NDArray[np.bool_]


def stayers(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the places of those in both, in the one and in the other list of actors."""
    where = {actor: i for i, actor in enumerate(before)}
    pairs = [(where[actor], j) for j, actor in enumerate(after) if actor in where]
    if not pairs:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    one, other = zip(*pairs, strict=True)
    return np.array(one, dtype=np.intp), np.array(other, dtype=np.intp)


def same_cluster(before: Labels, after: Labels) -> Flags:
    """Return which stayers are in the partner of their earlier cluster, clusters matched for the most such people."""
    partner = dict(match(contingency(before, after)))
    return np.array([partner.get(int(b), -1) == int(a) for b, a in zip(before, after, strict=True)], dtype=bool)


def mean_matched_jaccard(before: Labels, after: Labels) -> float:
    """Return the mean Jaccard index of matched clusters; a cluster without partner counts 0; NaN without stayers."""
    if len(before) == 0:
        return NAN
    table = jaccard_table(before, after)
    table = table[table.sum(1) > 0][:, table.sum(0) > 0]
    return float(sum(table[r, c] for r, c in match(table)) / max(table.shape))


def persistence(before: Labels, after: Labels) -> float:
    """Return the mean over earlier clusters A of |A & B & S| / |A & S|, B being A's partner and S the stayers."""
    if len(before) == 0:
        return NAN
    same = same_cluster(before, after)
    return float(np.mean([same[before == g].mean() for g in np.unique(before)]))


def switched_share(before: Labels, after: Labels) -> float:
    """Return the share of stayers outside the partner of their earlier cluster; NaN without stayers."""
    return float(1.0 - same_cluster(before, after).mean()) if len(before) else NAN


def _fits(before: Fit, after: Fit) -> tuple[Labels, Labels]:
    one, other = stayers(before.actors, after.actors)
    return before.labels[one], after.labels[other]


def _truths(before: NetworkTruth, after: NetworkTruth) -> tuple[Labels, Labels]:
    one, other = stayers(before.actors, after.actors)
    return before.labels[one], after.labels[other]


_MATCHING = "Greene, Doyle & Cunningham 2010"


@metric(
    "matched_jaccard",
    kind=Kind.FIT_CHANGE,
    long_name="Jaccard index of matched clusters, two periods",
    reference=_MATCHING,
    low=0.0,
    high=1.0,
)
def matched_jaccard(before: Fit, after: Fit) -> float:
    """Return the mean Jaccard index of the clusters of two periods, over stayers."""
    return mean_matched_jaccard(*_fits(before, after))


@metric(
    "true_matched_jaccard",
    kind=Kind.TRUTH_CHANGE,
    long_name="true Jaccard index of clusters, two periods",
    reference=_MATCHING,
    low=0.0,
    high=1.0,
)
def true_matched_jaccard(before: NetworkTruth, after: NetworkTruth) -> float:
    """Return the same of the true clusters."""
    return mean_matched_jaccard(*_truths(before, after))


@metric(
    "core_persistence",
    kind=Kind.FIT_CHANGE,
    long_name="share of a cluster's stayers still together",
    reference=_MATCHING,
    low=0.0,
    high=1.0,
)
def core_persistence(before: Fit, after: Fit) -> float:
    """Return how much of a cluster's stayers are found in its partner, mean over clusters."""
    return persistence(*_fits(before, after))


@metric(
    "true_core_persistence",
    kind=Kind.TRUTH_CHANGE,
    long_name="true share of a cluster's stayers still together",
    reference=_MATCHING,
    low=0.0,
    high=1.0,
)
def true_core_persistence(before: NetworkTruth, after: NetworkTruth) -> float:
    """Return the same of the true clusters."""
    return persistence(*_truths(before, after))


@metric(
    "seen_switching",
    kind=Kind.FIT_CHANGE,
    long_name="share of stayers seen to switch cluster",
    reference=_MATCHING,
    low=0.0,
    high=1.0,
)
def seen_switching(before: Fit, after: Fit) -> float:
    """Return the share of stayers that seem to switch: true switching and estimation noise together."""
    return switched_share(*_fits(before, after))


@metric(
    "true_switching",
    kind=Kind.TRUTH_CHANGE,
    long_name="share of stayers that truly switch cluster",
    reference="of the simulation",
    low=0.0,
    high=1.0,
)
def true_switching(before: NetworkTruth, after: NetworkTruth) -> float:
    """Return the share of stayers whose true cluster is another one; clusters keep their numbers over periods."""
    one, other = _truths(before, after)
    return float((one != other).mean()) if len(one) else NAN


@metric(
    "turnover",
    kind=Kind.TRUTH_CHANGE,
    long_name="share of actors that left since the period before",
    reference="of the simulation",
    low=0.0,
    high=1.0,
)
def turnover(before: NetworkTruth, after: NetworkTruth) -> float:
    """Return the share of the earlier period's actors who are gone."""
    return 1.0 - len(set(before.actors) & set(after.actors)) / len(before.actors)


def _core(before: Fit, after: Fit, truth_before: NetworkTruth, truth_after: NetworkTruth) -> tuple[Flags, Flags]:
    """Return, over stayers, who seems stable and who is true core that did not switch."""
    one, other = stayers(before.actors, after.actors)
    seems = same_cluster(before.labels[one], after.labels[other])
    core = truth_after.core[other] & (truth_before.labels[one] == truth_after.labels[other])
    return seems, core


@metric(
    "core_recall",
    kind=Kind.CORE_CHANGE,
    long_name="share of the true stable core seen as stable",
    reference="recall",
    low=0.0,
    high=1.0,
)
def core_recall(before: Fit, after: Fit, truth_before: NetworkTruth, truth_after: NetworkTruth) -> float:
    """Return the share of true core members, present in both periods and not switching, that seem stable."""
    seems, core = _core(before, after, truth_before, truth_after)
    return float(seems[core].mean()) if core.any() else NAN


@metric(
    "core_precision",
    kind=Kind.CORE_CHANGE,
    long_name="share of those seen as stable who are true core",
    reference="precision",
    low=0.0,
    high=1.0,
)
def core_precision(before: Fit, after: Fit, truth_before: NetworkTruth, truth_after: NetworkTruth) -> float:
    """Return the share of true core members among the stayers that seem stable; chance is the core's share."""
    seems, core = _core(before, after, truth_before, truth_after)
    return float(core[seems].mean()) if seems.any() else NAN


@metric(
    "core_seen_switching",
    kind=Kind.CORE_CHANGE,
    long_name="share of the core seen to switch cluster",
    reference=_MATCHING,
    low=0.0,
    high=1.0,
)
def core_seen_switching(before: Fit, after: Fit, truth_before: NetworkTruth, truth_after: NetworkTruth) -> float:
    """Return the share of true core members, present in both periods, that seem to switch; NaN without any."""
    one, other = stayers(before.actors, after.actors)
    core = truth_after.core[other]
    seems = same_cluster(before.labels[one], after.labels[other])
    return float(1.0 - seems[core].mean()) if core.any() else NAN


@metric(
    "core_true_switching",
    kind=Kind.TRUTH_CHANGE,
    long_name="share of the core that truly switches cluster",
    reference="of the simulation",
    low=0.0,
    high=1.0,
)
def core_true_switching(before: NetworkTruth, after: NetworkTruth) -> float:
    """Return the share of core members, present in both periods, whose true cluster is another one; NaN without any."""
    one, other = stayers(before.actors, after.actors)
    core = after.core[other]
    return float((before.labels[one] != after.labels[other])[core].mean()) if core.any() else NAN


def survival(before: Flags, after: Flags, known: Flags) -> float:
    """Return P(tie after | tie before) over the dyads that are known in both; NaN without a tie before."""
    ties = before & known
    return float(after[ties].mean()) if ties.any() else NAN


@metric(
    "true_tie_survival",
    kind=Kind.TRUTH_CHANGE,
    long_name="share of stayers' ties that are still there",
    reference="of the simulation",
    low=0.0,
    high=1.0,
)
def true_tie_survival(before: NetworkTruth, after: NetworkTruth) -> float:
    """Return the share of the ties between stayers that are there a period later; NaN without ties."""
    one, other = stayers(before.actors, after.actors)
    everywhere = np.ones((len(one), len(one)), dtype=bool)
    return survival(before.ties[np.ix_(one, one)], after.ties[np.ix_(other, other)], everywhere)


@metric(
    "seen_tie_survival",
    kind=Kind.FIELD_CHANGE,
    long_name="share of stayers' named ties that are named again",
    reference="dyads observed in both periods",
    low=0.0,
    high=1.0,
)
def seen_tie_survival(before: Network, after: Network) -> float:
    """Return the share of named ties that are named again a period later, of dyads observed twice; NaN without any."""
    one, other = stayers(before.actors, after.actors)
    here, there = np.ix_(one, one), np.ix_(other, other)
    return survival(before.ties[here], after.ties[there], before.observed[here] & after.observed[there])
