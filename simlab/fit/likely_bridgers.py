"""Likely bridgers: who is named and ringed as one. Text, pictures and refits ask here, so that they agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit
from simlab.panel import Network

_LEAST, _MOST, _SHARE = 3, 10, 0.1
# A score below this is written as 0.00.
NOTHING = 0.005


def likely_bridgers(fit: Fit) -> NDArray[np.intp]:
    """Return the actors most of a bridger, by their scores from the highest: indices, possibly none.

    A tenth of the actors, at least 3 and at most 10, by the fit's first score. Where several are tied for the last place, all
    of them where that makes no more than twice as many, else none of them. Left out are a score that reads as 0.00, an actor
    of whom nothing was observed, everybody where all scores are the same, and everybody where actors are in one cluster.
    """
    n = len(fit.actors)
    score = np.asarray(fit.bridging.get(fit.bridging_score, np.zeros(n)), dtype=np.float64)
    seen = known_actors(fit) & np.isfinite(score)
    if len(np.unique(fit.labels[seen])) < 2 or np.ptp(score[seen]) == 0.0:
        return np.zeros(0, dtype=np.intp)
    count = min(max(_LEAST, round(_SHARE * n)), _MOST)
    able = np.where(seen & (score >= NOTHING), score, -np.inf)
    edge = np.sort(able)[::-1][min(count, n) - 1]
    top = np.isfinite(able) & (able >= edge)
    if top.sum() > 2 * count:
        top = np.isfinite(able) & (able > edge)
    order = np.argsort(-able, kind="stable")
    return np.asarray(order[top[order]])


def known_actors(fit: Fit) -> NDArray[np.bool_]:
    """Return of which actors something was observed: (n_actors,)."""
    return ~fit.unknown if len(fit.unknown) == len(fit.actors) else np.ones(len(fit.actors), dtype=bool)


def between_which(network: Network, fit: Fit, actor: int) -> tuple[int, int]:
    """Return an actor's own cluster, by its label, and the other one to which it belongs most.

    By its probabilities of membership, or by its ties where those are 0 and 1.
    """
    own = int(fit.labels[actor])
    towards = np.array(fit.membership[actor], dtype=np.float64)
    if np.isin(towards, (0.0, 1.0)).all():
        weights = network.weights()[[actor]].toarray()[0]
        towards = np.array([weights[fit.labels == g].sum() for g in range(fit.n_clusters)])
    towards[own] = -np.inf
    return own, int(np.argmax(towards))


def chance_between(fit: Fit) -> NDArray[np.float64] | None:
    """Return the probability of lying between two clusters, (n_actors,), where the fit has one beyond 0 and 1."""
    values = fit.bridging.get("between")
    return None if values is None or np.isin(values, (0.0, 1.0)).all() else np.asarray(values, dtype=np.float64)
