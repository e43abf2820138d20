"""Found again: what a refit of a world made from a fit has in common with what that fit reported.

These metrics are registered where a network is assessed. They need what ``scenario_from_fit`` keeps of the fit in
``fitted.found`` and ``fitted.bridgers``, and are NaN in all other worlds. They say how repeatable a finding is, and next to
nothing about whether it is right.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simlab.fit.fit import Fit
from simlab.fit.likely_bridgers import likely_bridgers
from simlab.generate.fitted import FittedWorld
from simlab.generate.truth import NetworkTruth
from simlab.metrics.metric import NAN, Kind, metric
from simlab.metrics.recovery import adjusted_rand_index

# Of so many named bridgers each has a metric of its own: no fit names more.
MOST_BRIDGERS = 20
FOUND_AGAIN = "ari_again"


def bridger_metric(place: int) -> str:
    """Return the name of the metric of one named bridger, counted from 1, the likeliest first."""
    return f"bridger_{place}_again"


@metric(
    FOUND_AGAIN,
    kind=Kind.FIT,
    long_name="adjusted Rand index with the clusters that the fit of the world reported",
    reference="Hubert & Arabie 1985; parametric bootstrap: Efron & Tibshirani 1993",
    low=-0.5,
    high=1.0,
)
def ari_again(fit: Fit, truth: NetworkTruth) -> float:
    """Return the adjusted Rand index of the refit and the partition reported; NaN where the world has none."""
    world = truth.scenario.fitted
    if world is None or not world.found:
        return NAN
    found = dict(zip(world.actors, world.found, strict=True))
    return adjusted_rand_index(fit.labels, np.array([found[actor] for actor in fit.actors]))


def _register(place: int) -> Callable[[Fit, NetworkTruth], float]:
    """Register and return the metric of the named bridger at a place."""

    def again(fit: Fit, truth: NetworkTruth) -> float:
        named = _named(truth.scenario.fitted)
        return float(named[place - 1] in _likely(fit)) if place <= len(named) else NAN

    # Workers unpickle a metric by the name of its function.
    again.__name__ = again.__qualname__ = bridger_metric(place)
    return metric(
        bridger_metric(place),
        kind=Kind.FIT,
        long_name=f"bridger {place} of the fit of the world is named again",
        reference="parametric bootstrap: Efron & Tibshirani 1993",
        low=0.0,
        high=1.0,
    )(again)


def _named(world: FittedWorld | None) -> tuple[str, ...]:
    return () if world is None else world.bridgers


def _likely(fit: Fit) -> set[str]:
    return {fit.actors[i] for i in likely_bridgers(fit)}


for _place in range(1, MOST_BRIDGERS + 1):
    globals()[bridger_metric(_place)] = _register(_place)
