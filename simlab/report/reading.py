"""Reading: the means and differences of a study of which a script's answer makes its sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from simlab.foundation.errors import UnknownNameError
from simlab.report.numbers import Estimate, Floats, crossing, listed, plain, pooled
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

    def levels(self, dimension: str) -> list[float | str]:
        """Return the levels of a dimension; none where the study does not have it."""
        return self.results.levels(dimension) if dimension in self.results.dataset.dims else []

    def values(self, metric: str, **at: float | str) -> Floats:
        """Return a metric at some levels: (scenarios, fieldworks and fitters, replicates), NaN where it is not defined.

        Networks of one world are averaged. UnknownNameError for what is no dimension.
        """
        dataset = self.results.dataset
        for dimension in at:
            if dimension not in dataset.dims:
                raise UnknownNameError.among("dimension", dimension, list(map(str, dataset.dims)))
        nothing = np.full((1, 1, self.results.replicates), np.nan)
        if metric not in self.results.metrics:
            return nothing
        variable = dataset[metric]
        for dimension, level in at.items():
            known = self.results.levels(dimension)
            if level not in known:
                return nothing
            if dimension in variable.dims:
                variable = variable.isel({dimension: [known.index(level)]})
        variable = variable.mean([d for d in _INNER if d in variable.dims], skipna=True)
        worlds = [d for d in self.results.scenario_dims if d in variable.dims]
        others = [d for d in (*self.results.fieldwork_dims, "fitter") if d in variable.dims]
        ordered = np.asarray(variable.transpose(*worlds, *others, "replicate").values, dtype=np.float64)
        n_worlds = int(np.prod(ordered.shape[: len(worlds)], dtype=int))
        return ordered.reshape(n_worlds, -1, ordered.shape[-1])

    def mean(self, metric: str, **at: float | str) -> Estimate:
        """Return the mean of a metric at some levels, and its Monte Carlo standard error."""
        return pooled(self.values(metric, **at))

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


def verdict(gain: Estimate, better: str, worse: str, same: str) -> str:
    """Return in words what a difference says: ``better`` or ``worse`` by its size, or ``same`` within two errors.

    Each text may have ``{}`` for the size with its error. Where the error is not known nothing is said to differ.
    """
    if not gain.distinct:
        return same.replace("{}", str(gain) if math.isfinite(gain.mcse) else f"{gain}, error not known")
    return (better if gain.mean > 0.0 else worse).replace("{}", str(Estimate(abs(gain.mean), gain.mcse)))


class Turning(NamedTuple):
    """Where means pass a line.

    how : ``never`` where all are on or above it, ``always`` where none is, ``at`` where they pass it once, ``unclear`` where
    they pass it more often or are not all known; place, low, high : the odds ratio at which they pass it, and that one
    Monte Carlo standard error further down and up; NaN for the rest.
    """

    how: str
    place: float = math.nan
    low: float = math.nan
    high: float = math.nan


def turning_point(levels: Sequence[float], means: Sequence[Estimate], line: float) -> Turning:
    """Return where means, along levels that are odds ratios falling from 1, pass below a line.

    Interpolated on the logarithm of the odds ratio; the error there is that of the means beside it, the larger one, over the
    slope between them.
    """
    values = np.array([mean.mean for mean in means])
    if len(values) == 0 or not np.isfinite(values).all():
        return Turning("unclear")
    if (values >= line).all():
        return Turning("never")
    if (values < line).all():
        return Turning("always")
    x = np.log(np.asarray(levels, dtype=np.float64))
    at = crossing(x, values, line)
    if at is None or values[0] < line:
        return Turning("unclear")
    i = int(np.flatnonzero(values < line)[0])
    error = max(means[i - 1].mcse, means[i].mcse) * abs((x[i] - x[i - 1]) / (values[i] - values[i - 1]))
    return Turning("at", math.exp(at), math.exp(at - error), math.exp(at + error))


def superiority(above: Floats, below: Floats) -> Estimate:
    """Return the probability that a value of the one sample is above one of the other, ties half; NaN is left out.

    The standard error is from the placements of each sample in the other (DeLong, DeLong & Clarke-Pearson 1988).
    """
    one, other = (values[np.isfinite(values)] for values in (above.ravel(), below.ravel()))
    if len(one) == 0 or len(other) == 0:
        return Estimate(math.nan, math.nan)
    wins = (one[:, None] > other[None]) + 0.5 * (one[:, None] == other[None])
    if min(wins.shape) < 2:
        return Estimate(float(wins.mean()), math.nan)
    variance = wins.mean(axis=1).var(ddof=1) / len(one) + wins.mean(axis=0).var(ddof=1) / len(other)
    return Estimate(float(wins.mean()), float(np.sqrt(variance)))


def named(parts: Mapping[str, Estimate]) -> str:
    """Return estimates with their names, ``0.81 ± 0.02 (one) and 0.70 ± 0.03 (other)``; those not known are left out."""
    return listed([f"{mean} ({name})" for name, mean in parts.items() if mean.known])
