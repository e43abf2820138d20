"""Reading: the means and differences of a study of which a script's answer makes its sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simlab.foundation.errors import UnknownNameError
from simlab.report.numbers import Estimate, Floats, Share, plain, pooled
from simlab.report.results import Results

_INNER = ("site", "relation", "period")
NOTHING = "Nothing yet: too few cells have a value."


@dataclass(frozen=True, eq=False)
class Reading:
    """A study's dataset, which may be incomplete, as an answer reads it.

    Levels are named by dimension, as in ``mean("ari", fitter="Leiden", max_nominations=5)``; over dimensions that are not
    named everything is averaged. What has no value, or a level that the study does not have, gives an estimate that is not
    ``known``, so that a script can leave its sentence out.
    """

    results: Results

    @classmethod
    def of(cls, dataset: Any) -> Reading:
        """Return the reading of a dataset, as ``run`` returns it."""
        return cls(Results.of(dataset))

    @property
    def fitters(self) -> tuple[str, ...]:
        """The labels of the fitters."""
        return self.results.fitters

    def levels(self, dimension: str) -> list[Any]:
        """Return the levels of a dimension, numbers or texts; none where the study does not have it."""
        return self.results.levels(dimension) if dimension in self.results.dataset.dims else []

    def networks(self, metric: str, **at: float | str) -> Floats:
        """Return a metric at some levels for every network: (worlds, replicates, networks), NaN where it is not defined.

        A world is a scenario with one of the fieldworks and fitters; networks are its sites, relations and periods. Levels of
        dimensions that the metric does not have, as the fitter where it is of the truth, are passed over. UnknownNameError for
        what is no dimension of the study.
        """
        values = self._ordered(metric, at)
        return values.reshape(-1, *values.shape[2:])

    def values(self, metric: str, **at: float | str) -> Floats:
        """Return a metric at some levels: (scenarios, fieldworks and fitters, replicates), NaN where it is not defined.

        Networks of one world are averaged; the rest is as with ``networks``.
        """
        values = self._ordered(metric, at)
        count = np.isfinite(values).sum(axis=-1)
        return np.asarray(
            np.divide(np.nansum(values, axis=-1), count, out=np.full(count.shape, np.nan), where=count > 0)
        )

    def mean(self, metric: str, **at: float | str) -> Estimate:
        """Return the mean of a metric at some levels, and its Monte Carlo standard error."""
        return pooled(self.values(metric, **at))

    def share(self, metric: str, **at: float | str) -> Share:
        """Return the share of networks in which a metric that is 0 or 1 is 1, with Wilson's interval.

        Networks count as independent; where a replicate has several, or several fits of one world are pooled, the interval is
        too narrow.
        """
        values = self.networks(metric, **at)
        return Share.of(values > 0.5, np.isfinite(values))

    def difference(
        self, metric: str, one: Mapping[str, float | str], other: Mapping[str, float | str], **at: float | str
    ) -> Estimate:
        """Return the mean of a metric at the levels ``one`` minus that at ``other``, both also ``at`` some levels.

        Over the same worlds where the two differ in fieldwork or fitter alone, so that the error is that of the
        paired differences; worlds of different scenarios are independent.
        """
        first, second = self.values(metric, **one, **at), self.values(metric, **other, **at)
        apart = any(one.get(d) != other.get(d) for d in self.results.scenario_dims)
        if not apart and first.shape == second.shape:
            return pooled(first - second)
        a, b = pooled(first), pooled(second)
        return Estimate(a.mean - b.mean, math.hypot(a.mcse, b.mcse))

    def along(self, metric: str, dimension: str, **at: float | str) -> list[Estimate]:
        """Return the mean at each level of a dimension, in its order."""
        return [self.mean(metric, **{**at, dimension: level}) for level in self.levels(dimension)]

    def best(self, metric: str, dimension: str, **at: float | str) -> str:
        """Return the level of a dimension with the highest mean; empty where none has a value."""
        means = {plain(level): self.mean(metric, **{**at, dimension: level}) for level in self.levels(dimension)}
        known = [name for name, mean in means.items() if mean.known]
        return max(known, key=lambda name: means[name].mean) if known else ""

    def _ordered(self, metric: str, at: Mapping[str, float | str]) -> Floats:
        """Return a metric at some levels: (scenarios, fieldworks and fitters, replicates, networks)."""
        dataset = self.results.dataset
        for dimension in at:
            if dimension not in dataset.dims:
                raise UnknownNameError.among("dimension", dimension, list(map(str, dataset.dims)))
        n_networks = int(np.prod([dataset.sizes[d] for d in _INNER if d in dataset.dims], dtype=int))
        nothing = np.full((1, 1, self.results.replicates, n_networks), np.nan)
        if metric not in self.results.metrics:
            return nothing
        variable = dataset[metric]
        for dimension, level in at.items():
            known = self.results.levels(dimension)
            if level not in known:
                return nothing
            if dimension in variable.dims:
                variable = variable.isel({dimension: [known.index(level)]})
        worlds = [d for d in self.results.scenario_dims if d in variable.dims]
        others = [d for d in (*self.results.fieldwork_dims, "fitter") if d in variable.dims]
        inner = [d for d in _INNER if d in variable.dims]
        ordered = np.asarray(variable.transpose(*worlds, *others, "replicate", *inner).values, dtype=np.float64)
        n_worlds = int(np.prod(ordered.shape[: len(worlds)], dtype=int))
        return ordered.reshape(
            n_worlds, -1, self.results.replicates, int(np.prod(ordered.shape[ordered.ndim - len(inner) :]))
        )
