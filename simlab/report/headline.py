"""The headline table: one row for each scenario, fieldwork and fitter, every mean with its Monte Carlo error."""

from __future__ import annotations

from typing import Any

import numpy as np

from simlab.foundation.errors import shown
from simlab.report.answer import answer
from simlab.report.choices import any_metric
from simlab.report.numbers import words
from simlab.report.results import Results
from simlab.report.table import Column, Row, Table, as_text
from simlab.study.cell import PENDING

__all__ = ["answer", "as_text", "headline", "headline_table"]

MOST_ROWS = 40

_MEASURES = (
    Column("ari", "ARI", meaning="adjusted Rand index of found and true clusters: 1 the same, 0 as by chance"),
    Column(
        "bayes_ari",
        "Bayes ARI",
        brief=True,
        meaning="ARI of the Bayes classifier, which knows the true positions and the mixture, but not the clusters",
    ),
    Column(
        "information",
        "cλ²",
        brief=True,
        meaning="information in the ties before any fieldwork; 1 is the detection threshold",
    ),
    Column(
        "bridger_auc",
        "bridger AUC",
        meaning="probability that a true bridger has a higher bridging score than another actor; 0.5 by chance",
    ),
    Column(
        "n_clusters_error",
        "clusters \N{MINUS SIGN} true",
        "signed",
        brief=True,
        meaning="number of clusters of the fit minus the true number",
    ),
    Column(
        "seen_switching", "switch seen", brief=True, meaning="share of those in both periods who seem to change cluster"
    ),
    Column("true_switching", "truly", brief=True, meaning="share of those in both periods who truly change cluster"),
    Column("not_converged", "not conv.", "share", meaning="cells whose fit did not converge; they are in the means"),
    Column("failure", "failed", "share", meaning="cells that failed, ran out of time or were killed; not in the means"),
    Column("seconds", "time", "time", meaning="mean time of one fit"),
)


def headline(dataset: Any) -> Table:
    """Return the headline table of a study's dataset.

    One row for each level of the scenarios, the fieldworks and each fitter. Where that makes more than 40, dimensions are
    averaged over, the last of the scenarios first, and levels in between are left out; the notes say so. Values are
    under the metrics' names, with Monte Carlo errors under ``<name>_mcse``. Metrics that the study did not measure are
    left out.
    """
    return headline_table(Results.of(dataset))


def headline_table(results: Results) -> Table:
    """Return the headline table of results."""
    keep, places, notes = _rows(results)
    columns = (*(Column(d, words(d), "level") for d in keep), Column("fitter", "fitter", "text"))
    measures = [c for c in _MEASURES if c.key in ("not_converged", "failure") or results.has(c.key)]
    other = "" if results.has("ari") else any_metric(results)
    if other:
        measures.insert(0, Column(other, shown(results.long_name(other), 40)))
    found = results.summary(keep)
    rates = results.rates((*keep, "fitter"))
    rows: list[Row] = []
    for place in places:
        row: dict[str, float | str] = {d: results.levels(d)[i] for d, i in place.items() if d != "fitter"}
        row["fitter"] = results.fitters[place["fitter"]]
        for column in measures:
            if column.key in results.metrics:
                for part in (column.key, f"{column.key}_mcse"):
                    row[part] = float(found[part].isel({d: i for d, i in place.items() if d in found[part].dims}))
            else:
                row[column.key] = float(rates[column.key][0].isel(place))
        rows.append(row)
    for name, text in (("failure", "No cell failed."), ("not_converged", "All fits converged.")):
        if not any(row[name] for row in rows):
            measures = [c for c in measures if c.key != name]
            notes.append(text)
    least = int(results.dataset["status"].where(results.dataset["status"] != PENDING).notnull().sum("replicate").min())
    count = f"{results.replicates}" if least == results.replicates else f"{least} to {results.replicates}"
    means = f"Means over {count} replicates ± their Monte Carlo standard errors."
    notes.insert(0, means if results.replicates > 1 else "One replicate: Monte Carlo errors are not known.")
    return Table((*columns, *measures), tuple(rows), tuple(notes)).without_empty()


def _rows(results: Results) -> tuple[tuple[str, ...], list[dict[str, int]], list[str]]:
    """Return the dimensions that tell rows apart, each row's index along them and the fitter, and notes."""
    axis = results.axis()
    keep = list(results.varied)
    spare = [d for d in reversed(results.scenario_dims) if d in keep and d != axis]
    spare += [d for d in reversed(results.fieldwork_dims) if d in keep and d != axis]
    sizes = results.dataset.sizes
    while spare and int(np.prod([sizes[d] for d in keep])) * len(results.fitters) > MOST_ROWS:
        keep.remove(spare.pop(0))
    chosen = {d: list(range(sizes[d])) for d in keep}
    notes = []
    most = max(MOST_ROWS // len(results.fitters), 2)
    if len(keep) == 1 and sizes[axis] > most:
        chosen[axis] = sorted({round(i) for i in np.linspace(0, sizes[axis] - 1, most)})
        notes.append(f"Only {len(chosen[axis])} of the {sizes[axis]} levels of {words(axis)} are shown.")
    averaged = results.averaged(tuple(keep))
    if averaged:
        notes.append(f"Averaged over {', '.join(words(d) for d in averaged)}.")
    lists = [*(chosen[d] for d in keep), list(range(len(results.fitters)))]
    names = [*keep, "fitter"]
    places = [
        {d: choices[i] for d, choices, i in zip(names, lists, index, strict=True)}
        for index in np.ndindex(*(len(choices) for choices in lists))
    ]
    return tuple(keep), places, notes
