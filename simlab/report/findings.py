"""Estimates for the sentences of a script: means and shares of a metric at chosen levels, each with its Monte Carlo error."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.report.numbers import Estimate, percent, pooled
from simlab.study.summary import wilson

Floats = NDArray[np.float64]
Level = float | str
_INNER = ("site", "relation", "period")


@dataclass(frozen=True)
class Share:
    """A share of networks, with Wilson's 95 % interval; NaN, 0 and 1 where there are none."""

    rate: float
    low: float
    high: float
    count: int

    @property
    def known(self) -> bool:
        """Whether any network was counted."""
        return self.count > 0

    def __str__(self) -> str:
        """Return ``12 % (8 to 17 %)``."""
        if not self.known:
            return "an unknown share"
        return f"{percent(self.rate)} ({100 * self.low:.0f} to {100 * self.high:.0f} %)"


def networks(dataset: Any, metric: str, **levels: Level | list[Level]) -> Floats:
    """Return a metric's values (worlds, replicates, networks) at levels of dimensions; those not named are kept.

    A world is a scenario with one of the fieldworks and fitters kept; networks are its sites, relations and periods. Empty
    where the dataset does not have the metric or a level. A level may be a list; a dimension that the metric does not have
    is passed over.
    """
    if metric not in dataset:
        return np.zeros((0, 0, 0))
    variable = dataset[metric]
    for dim, level in levels.items():
        if dim in variable.dims:
            known = dataset[dim].values.tolist()
            wanted = level if isinstance(level, list) else [level]
            if not all(w in known for w in wanted):
                return np.zeros((0, 0, 0))
            variable = variable.isel({dim: [known.index(w) for w in wanted]})
    ordered = variable.transpose(..., "replicate", *(d for d in _INNER if d in variable.dims))
    values = np.asarray(ordered.values, dtype=np.float64)
    inner = sum(d in variable.dims for d in _INNER)
    shape = values.shape
    lead = int(np.prod(shape[: len(shape) - inner - 1], dtype=int))
    return values.reshape(lead, shape[len(shape) - inner - 1], -1)


def by_world(dataset: Any, metric: str, **levels: Level | list[Level]) -> Floats:
    """Return the means over each replicate's networks: (scenarios, fieldworks and fitters, replicates), for ``pooled``."""
    values = networks(dataset, metric, **levels)
    count = np.isfinite(values).sum(axis=2)
    means = np.divide(np.nansum(values, axis=2), count, out=np.full(count.shape, np.nan), where=count > 0)
    if not means.size:
        return np.zeros((0, 1, 0))
    # Scenario dimensions come first in every variable, so those of the field and the fitter are the inner ones.
    scenarios = json.loads(dataset.attrs["provenance"])["design"]["scenarios"]["labels"]
    sizes = {d: dataset.sizes[d] for d in scenarios if d in dataset[metric].dims}
    count_of = {d: len(v) if isinstance(v := levels.get(d, ""), list) else 1 for d in sizes if d in levels}
    n_scenarios = int(np.prod([count_of.get(d, size) for d, size in sizes.items()], dtype=int))
    return np.asarray(means.reshape(n_scenarios, -1, means.shape[1]))


def mean(dataset: Any, metric: str, **levels: Level | list[Level]) -> Estimate:
    """Return a metric's mean at chosen levels, and its Monte Carlo error; NaN where there is nothing."""
    return pooled(by_world(dataset, metric, **levels))


def gap(one: Floats, other: Floats) -> Estimate:
    """Return the mean of the difference of two arrays of ``by_world``, world by world; NaN where they do not match."""
    if one.size == 0 or one.shape != other.shape:
        return Estimate(math.nan, math.nan)
    return pooled(one - other)


def share(dataset: Any, metric: str, **levels: Level | list[Level]) -> Share:
    """Return the share of networks in which a metric that is 0 or 1 is 1, with Wilson's interval.

    Networks count as independent; where a replicate has several, or several fits of one world are pooled, the interval is
    too narrow.
    """
    values = networks(dataset, metric, **levels)
    return share_of(values > 0.5, np.isfinite(values))


def share_of(yes: NDArray[np.bool_], known: NDArray[np.bool_]) -> Share:
    """Return the share of yes among what is known, with Wilson's interval."""
    count = int(known.sum())
    rate, low, high = wilson(float((yes & known).sum()), float(count))
    return Share(float(rate), float(low), float(high), count)


def levels_of(dataset: Any, dim: str) -> list[Any]:
    """Return the levels of a dimension, in order; empty where the dataset does not have it."""
    return list(dataset[dim].values.tolist()) if dim in dataset.dims else []


def spoken(fitter: str) -> str:
    """Return a fitter's label as it stands within a list: without commas."""
    return fitter.replace(", ", " ")


NOTHING = ["Nothing yet: too few cells are done to answer."]
