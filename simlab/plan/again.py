"""Would another study like this one find the same? Worlds from the posterior, the same fieldwork, refits: an ordinary study.

Clusters of the refits are compared with those reported. That is repeatability: it says next to nothing about whether one
assignment is right, which ``simlab.plan.assignment`` answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.fieldwork.observe import Fieldwork
from simlab.fit.fit import Fit, Fitter
from simlab.fit.likely_bridgers import likely_bridgers
from simlab.metrics.again import FOUND_AGAIN, bridger_metric
from simlab.panel import Network
from simlab.plan.worlds import worlds_from_fit
from simlab.study.cell import FAILED, PENDING
from simlab.study.design import Grid, Study

Floats = NDArray[np.float64]

CHANGE = "seen_switching"
CHOSEN = "n_clusters_chosen"
REFIT = "refit"


@dataclass(frozen=True, eq=False)
class Again:
    """What the refits found, over worlds; a world that is not computed or whose fit failed is NaN, and left out of all means.

    Attributes
    ----------
    n_worlds, n_done, n_failed : int
        Worlds of the fit asked for, computed, and in which a refit failed.
    found : (n_worlds, n_relations, n_periods)
        Adjusted Rand index of the refit and the reported clusters.
    recovered : (n_worlds, n_relations, n_periods)
        Adjusted Rand index of the refit and the clusters of the world, those of its posterior draw.
    switched : (n_worlds,)
        Share that seems to switch between two observations of one unchanged world; NaN for worlds observed once.
    bridgers : mapping
        Name of a named bridger to the share of worlds in which it is named again, over worlds observed; NaN without any.
    """

    n_worlds: int
    n_done: int
    n_failed: int
    found: Floats
    recovered: Floats
    switched: Floats
    bridgers: Mapping[str, Floats]

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Return the limits between which the middle ``level`` of the agreements found lie, over worlds."""
        values = self.found[np.isfinite(self.found)]
        if not len(values):
            return float("nan"), float("nan")
        low, high = np.quantile(values, [0.5 - level / 2.0, 0.5 + level / 2.0])
        return float(low), float(high)


@dataclass(frozen=True, eq=False)
class Numbers:
    """The numbers of clusters that refits choose.

    chosen : number of clusters of the worlds to {number chosen: in how many worlds}, of the worlds that are computed.
    n_worlds, n_done, n_failed : worlds asked for, computed, and in which the refit failed.
    """

    chosen: Mapping[int, Mapping[int, int]]
    n_worlds: int
    n_done: int
    n_failed: int

    def total(self, n_clusters: int) -> int:
        """Return in how many worlds with ``n_clusters`` a number was chosen."""
        return sum(self.chosen.get(n_clusters, {}).values())

    def share(self, n_clusters: int, chosen: int) -> float:
        """Return in which share of the worlds with ``n_clusters`` the number ``chosen`` is chosen; NaN without any."""
        total = self.total(n_clusters)
        return self.chosen[n_clusters].get(chosen, 0) / total if total else float("nan")


def again_study(
    name: str,
    fit: Fit,
    networks: Sequence[Network],
    fieldwork: Fieldwork,
    refitter: Fitter,
    *,
    n_worlds: int,
    n_periods: int,
    seed: int,
) -> Study:
    """Return the study that fits worlds of a fit again, with the same number of clusters.

    Parameters
    ----------
    name : str
        Of the study.
    fit : Fit
        With posterior draws.
    networks : sequence of Network
        What was fitted; of a joint fit every relation.
    fieldwork : Fieldwork
        Through which each world is sent.
    refitter : Fitter
        With the number of clusters of the fit.
    n_worlds, n_periods : int
        How many worlds, and how often each is observed.
    seed : int
    """
    worlds = worlds_from_fit(fit, networks, n_worlds, n_periods=n_periods)
    named = len(likely_bridgers(fit))
    return Study(
        name,
        question="Would another study like this one find the same?",
        scenarios=Grid({"world": _names(n_worlds)}, tuple(worlds)),
        fieldworks=fieldwork,
        fitters={REFIT: refitter},
        replicates=1,
        seed=seed,
        metrics=["ari", CHANGE, FOUND_AGAIN, *(bridger_metric(k) for k in range(1, named + 1))],
    )


def numbers_study(
    name: str,
    fits: Mapping[int, Fit],
    networks: Sequence[Network],
    fieldwork: Fieldwork,
    refitter: Fitter,
    *,
    n_worlds: int,
    seed: int,
) -> Study:
    """Return the study that chooses the number of clusters again, in worlds of fits with several numbers.

    As ``again_study``; fits : number of clusters to a fit with it; refitter : one that chooses; n_worlds : of each fit.
    """
    worlds = [world for fit in fits.values() for world in worlds_from_fit(fit, networks, n_worlds)]
    return Study(
        name,
        question="Would another study like this one choose the same number of clusters?",
        scenarios=Grid({"clusters": tuple(float(g) for g in fits), "world": _names(n_worlds)}, tuple(worlds)),
        fieldworks=fieldwork,
        fitters={REFIT: refitter},
        replicates=1,
        seed=seed,
        metrics=[CHOSEN],
    )


def _names(n_worlds: int) -> tuple[str, ...]:
    return tuple(f"{k + 1:0{len(str(n_worlds))}d}" for k in range(n_worlds))


def again_of(dataset: Any, named: Sequence[str]) -> Again:
    """Return what the dataset of an ``again_study`` says, finished or not; named : the bridgers, the likeliest first."""
    own = dataset.isel(replicate=0, fitter=0)
    status = np.asarray(own["status"].values)
    found, recovered, switched = (_values(own, metric) for metric in (FOUND_AGAIN, "ari", CHANGE))
    known = np.isfinite(switched)
    total = np.where(known, switched, 0.0).sum(axis=(1, 2))
    return Again(
        n_worlds=len(status),
        n_done=int((status > PENDING).sum()),
        n_failed=int((status >= FAILED).sum()),
        found=found,
        recovered=recovered,
        switched=np.divide(
            total, known.sum(axis=(1, 2)), out=np.full(len(status), np.nan), where=known.any(axis=(1, 2))
        ),
        bridgers={actor: _values(own, bridger_metric(k)).ravel() for k, actor in enumerate(named, start=1)},
    )


def numbers_of(dataset: Any) -> Numbers:
    """Return what the dataset of a ``numbers_study`` says, finished or not."""
    chosen: dict[int, dict[int, int]] = {}
    for n_clusters in dataset["clusters"].values.tolist():
        part = dataset.sel(clusters=n_clusters).isel(replicate=0, fitter=0)
        numbers = _first_known(_values(part, CHOSEN)[:, :, 0])
        values, counts = np.unique(numbers, return_counts=True)
        chosen[int(n_clusters)] = {int(v): int(c) for v, c in zip(values, counts, strict=True)}
    status = np.asarray(dataset["status"].values)
    return Numbers(chosen, status.size, int((status > PENDING).sum()), int((status >= FAILED).sum()))


def _values(dataset: Any, name: str) -> Floats:
    """Return a metric as (world, relation, period); worlds have one site."""
    return np.asarray(dataset[name].isel(site=0).transpose("world", "relation", "period").values, dtype=np.float64)


def _first_known(values: Floats) -> Floats:
    """Return the first finite number of each row, for rows that have one: fits of several relations are one fit."""
    return np.array([row[np.isfinite(row)][0] for row in values if np.isfinite(row).any()])
