"""Interviews: whether those chosen to be interviewed truly share a position, or truly bridge."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from simlab.fit.fit import Fit
from simlab.fit.interviews import select_interviews
from simlab.generate.truth import NetworkTruth
from simlab.metrics.metric import NAN, Kind, metric

_CHOICE = "select_interviews with its defaults"


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
    label = dict(zip(truth.actors, truth.labels.tolist(), strict=True))
    clusters = select_interviews(fit).clusters.values()
    same = [label[one] == label[other] for chosen in clusters for one, other in combinations(chosen, 2)]
    return float(np.mean(same)) if same else NAN


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
