"""Choices: what a report names first: the best fitter, the least restricted fieldwork, a metric of a study's own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from simlab.fieldwork.settings import Fieldwork
from simlab.report.numbers import level_text, pooled
from simlab.report.results import Results


def best_fitter(results: Results, metric: str = "ari") -> int:
    """Return the place of the fitter with the highest mean of a metric over everything; the first where none has a mean."""
    values = results.cells(metric)
    found = [pooled(values[:, :, k]) for k in range(len(results.fitters))]
    return int(np.argmax([estimate.mean if estimate.known else -math.inf for estimate in found]))


def fullest(results: Results) -> int:
    """Return the fieldwork that restricts the least where one does in every respect, else the first."""
    settings = results.design["fieldworks"]["settings"]
    generous = [_generosity(s) for s in settings]
    for i, one in enumerate(generous):
        if all(a >= b for other in generous for a, b in zip(one, other, strict=True)):
            return i
    return 0


def _generosity(settings: Mapping[str, Any]) -> tuple[float, ...]:
    """Return numbers of which each is the higher, the less a fieldwork misses or gets wrong in one respect.

    Raises InputError for settings that are not allowed, as a store from elsewhere may have them.
    """
    field = Fieldwork(**settings)
    rate = field.response_rate
    return (
        min(rate) if isinstance(rate, tuple) else rate,
        field.max_nominations or math.inf,
        -field.absence,
        -field.share_forgotten,
        -field.false_ties,
        -len(field.left_out),
        -field.outsiders,
    )


def fieldwork_name(results: Results, place: int) -> str:
    """Return the name of a fieldwork from its levels that vary; empty where there is only one fieldwork."""
    sizes = tuple(results.dataset.sizes[d] for d in results.fieldwork_dims)
    index = np.unravel_index(place, sizes) if sizes else ()
    named = [level_text(d, results.levels(d)[i]) for d, i in zip(results.fieldwork_dims, index, strict=True)]
    return ", ".join(n for n, size in zip(named, sizes, strict=True) if size > 1)


def any_metric(results: Results) -> str:
    """Return the first metric of fits, as the study names them, that no sentence is made of; empty where there is none."""
    known = ("ari", "bridger_auc", "seen_switching", "n_clusters_error", "seconds", "converged")
    order = [n for n in results.design.get("metrics", ()) if n in results.metrics]
    names = [
        n
        for n in dict.fromkeys((*order, *results.metrics))
        if n not in known and "fitter" in results.dataset[n].dims and results.has(n)
    ]
    return next(iter(names), "")
