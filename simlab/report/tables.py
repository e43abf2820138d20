"""Tables of the page: bridgers, stability, composition, time and convergence, and every other metric."""

from __future__ import annotations

import math
from typing import Any

from simlab.foundation.errors import shown
from simlab.report.numbers import percent, plus_minus, pooled, words
from simlab.report.results import Results
from simlab.report.table import Column, Row, Table

_BRIDGERS = (
    Column("bridger_auc", "AUC", meaning="probability that a true bridger scores above another actor; 0.5 by chance"),
    Column("bridger_average_precision", "average precision", meaning="by chance about the share of bridgers"),
    Column(
        "bridger_precision",
        "precision at k",
        meaning="share of true bridgers among the k highest scores, of k bridgers",
    ),
)
_STABILITY = (
    Column("seen_switching", "switching seen", meaning="share of those in both periods who seem to change cluster"),
    Column("true_switching", "true switching", meaning="share of those in both periods who truly change cluster"),
    Column("core_persistence", "persistence seen", meaning="share of a cluster's stayers who seem still together"),
    Column(
        "true_core_persistence", "true persistence", meaning="share of a cluster's stayers who truly are still together"
    ),
    Column("core_recall", "core found", meaning="share of the true stable core that seems stable"),
    Column("core_precision", "core precision", meaning="share of true core among those who seem stable"),
    Column("turnover", "turnover", meaning="share of the actors who left since the period before"),
)
_COMPOSITION = (
    Column("organisation_mix", "organisations, found"),
    Column(
        "true_organisation_mix",
        "organisations, true",
        meaning="1: as mixed in a cluster as at large; 0: one organisation each",
    ),
    Column("seniority_mix", "seniorities, found"),
    Column("true_seniority_mix", "seniorities, true", meaning="the same for levels of seniority"),
    Column(
        "profile_right",
        "profile right",
        meaning="share of fits whose clusters are told apart best by the attribute that truly sets them apart",
    ),
)
_ELSEWHERE = {
    *(c.key for c in (*_BRIDGERS, *_STABILITY, *_COMPOSITION)),
    *(
        "ari",
        "bayes_ari",
        "information",
        "n_clusters_chosen",
        "n_clusters_error",
        "seconds",
        "converged",
        "rhat",
        "ess_bulk",
        "divergences",
    ),
}


def bridger_table(results: Results) -> Table | None:
    """Return the measures of bridger detection along the axis; None where there are none."""
    return _along_axis(results, _BRIDGERS)


def stability_table(results: Results) -> Table | None:
    """Return what fits see of change beside what truly changed; None for studies of one period."""
    return _along_axis(results, _STABILITY)


def composition_table(results: Results) -> Table | None:
    """Return what clusters are made of, found beside true; None where it was not measured."""
    return _along_axis(results, _COMPOSITION)


def _along_axis(results: Results, columns: tuple[Column, ...]) -> Table | None:
    """Return measures by level of the axis and fitter, averaged over the rest."""
    measures = [c for c in columns if results.has(c.key)]
    if not any("fitter" in results.dataset[c.key].dims for c in measures):
        return None
    axis = results.axis()
    keep = (axis,) if axis else ()
    found = results.summary(keep)
    rows: list[Row] = []
    for i in range(results.dataset.sizes[axis] if axis else 1):
        for k, fitter in enumerate(results.fitters):
            row: dict[str, float | str] = {"fitter": fitter}
            if axis:
                row[axis] = results.levels(axis)[i]
            for column in measures:
                for part in (column.key, f"{column.key}_mcse"):
                    select = {d: at for d, at in ((axis, i), ("fitter", k)) if d in found[part].dims}
                    row[part] = float(found[part].isel(select))
            rows.append(row)
    first = (Column(axis, words(axis), "level"),) if axis else ()
    averaged = results.averaged(keep)
    notes = (f"Averaged over {', '.join(words(d) for d in averaged)}.",) if averaged else ()
    return Table((*first, Column("fitter", "fitter", "text"), *measures), tuple(rows), notes)


def time_table(results: Results) -> Table:
    """Return time, convergence and failures of each fitter over everything."""
    rates = results.rates(("fitter",))
    rows: list[Row] = []
    for k, fitter in enumerate(results.fitters):
        row: dict[str, float | str] = {"fitter": fitter}
        for name in ("not_converged", "failure"):
            rate, low, high = (float(part.isel(fitter=k)) for part in rates[name])
            row[name] = f"{percent(rate)} ({percent(low)} to {percent(high)})" if math.isfinite(rate) else percent(rate)
        if results.has("seconds"):
            times = results.dataset["seconds"].isel(fitter=k)
            row["seconds"] = float(times.mean())
            row["slowest"] = float(times.max())
        for name in ("rhat", "ess_bulk", "divergences"):
            if results.has(name):
                row[name] = float(results.dataset[name].isel(fitter=k).median())
        rows.append(row)
    columns = (
        Column("fitter", "fitter", "text"),
        Column("seconds", "mean time", "time", meaning="of one fit of one network"),
        Column("slowest", "longest time", "time"),
        Column(
            "not_converged",
            "not converged",
            "right",
            meaning="share of cells, with a 95 % interval; they are in the means",
        ),
        Column(
            "failure",
            "failed",
            "right",
            meaning="failed, out of time or killed, with a 95 % interval; not in the means",
        ),
        Column("rhat", "median rhat", decimals=3, meaning="largest of a fit; near 1 where chains agree"),
        Column("ess_bulk", "median effective draws", decimals=0, meaning="least of a fit"),
        Column("divergences", "median divergences", decimals=0),
    )
    return Table(columns, tuple(rows)).without_empty()


def other_table(results: Results) -> Table | None:
    """Return the metrics that no other table has, a row each, fitters in columns; None where there are none."""
    rows: list[Row] = []
    for name in results.metrics:
        if name in _ELSEWHERE or not results.has(name):
            continue
        attributes = results.dataset[name].attrs
        units = str(attributes.get("units", "1"))
        row: dict[str, float | str] = {
            "metric": f"{attributes.get('long_name', name)}{f' ({units})' if units != '1' else ''}",
            "range": _range(str(attributes.get("range", ""))),
        }
        row.update({f"fitter {k}": text for k, text in enumerate(_by_fitter(results, name))})
        rows.append(row)
    if not rows:
        return None
    columns = (
        Column("metric", "metric", "text"),
        Column("range", "range", "text"),
        *(Column(f"fitter {k}", shown(fitter), "right") for k, fitter in enumerate(results.fitters)),
    )
    return Table(columns, tuple(rows), ("Averaged over everything.",))


def _range(text: str) -> str:
    """Return a range such as ``0 to none`` in words."""
    low, _, high = text.partition(" to ")
    if "none" in (low, high):
        return {(True, False): f"up to {high}", (False, True): f"from {low}"}.get(
            (low == "none", high == "none"), "any"
        )
    return text.replace("-", "\N{MINUS SIGN}")


def _by_fitter(results: Results, name: str) -> list[str]:
    values: Any = results.cells(name)
    found = [pooled(values[:, :, k]) for k in range(len(results.fitters))]
    return [plus_minus(estimate.mean, estimate.mcse) for estimate in found]
