"""Example: one simulated network of a study beside its fit, computed again from the store."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import SimlabError
from simlab.metrics.metric import in_common
from simlab.models.layout import first_positions, procrustes
from simlab.partition import aligned
from simlab.report.choices import fullest
from simlab.report.drawing import draw_network, in_plane, mark_handle
from simlab.report.numbers import duration
from simlab.report.results import Results
from simlab.report.style import figure
from simlab.study.cell import NOT_CONVERGED, OK, Place
from simlab.study.storage import Storage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simlab.fit.fit import Fit
    from simlab.generate.truth import NetworkTruth
    from simlab.panel import Network

Floats = NDArray[np.float64]
LONGEST_SECONDS = 60.0


@dataclass(frozen=True)
class Example:
    """The picture of one network, its cell's id and a caption; or no picture, and why."""

    figure: Figure | None
    cell: str
    caption: str


def example(results: Results, store: Storage, script: Path | None = None) -> Example:
    """Return one network of the store in its true and its fitted positions.

    Of the first fitter that has positions (else of the first), the scenario in the middle, the least restricted fieldwork, the
    first replicate that was fitted, and its first site, relation and period. The fit is computed again; where that would
    take more than a minute, or cannot be done here, the caption says so.
    """
    from simlab.study.replay import replay

    place = _place(results)
    if place is None:
        return Example(None, "", "No cell has been fitted yet.")
    cell = results.cell_id(_index(results, place))
    seconds = _seconds(results, place)
    if seconds > LONGEST_SECONDS:
        return Example(None, cell, f"Not drawn: to fit an example again would take about {duration(seconds)}.")
    try:
        study, _, found = replay(store, cell, script=script)
        key = next(key for key in found.observed.keys if key in found.fits)
    except (SimlabError, StopIteration) as error:
        return Example(None, cell, f"Not drawn: the cell cannot be computed again here ({error or 'its fit failed'}).")
    network = found.observed.network(*key)
    fit, truth = in_common(found.fits[key], found.simulation.truth.network(*key))
    if len(fit.actors) < 2:
        return Example(None, cell, "Not drawn: the field saw nobody who belongs.")
    network = network.of(fit.actors)
    labels = aligned(fit.labels, truth.labels)
    wrong = labels != truth.labels
    caption = f"{len(wrong) - int(wrong.sum())} of {len(wrong)} actors are in the right cluster."
    caption += " The ties are those that the fieldwork saw."
    if np.isnan(truth.positions).any():
        caption += (
            " Ties in this world do not come from positions: both panels show where the paths between actors put them."
        )
        truth = replace(truth, positions=first_positions(network.weights(), 2))
        fit = replace(fit, positions=None)
    elif fit.positions is not None and fit.positions.shape == truth.positions.shape:
        caption += " Fitted positions are turned and shifted onto the true ones, never rescaled."
    else:
        caption += " This fitter has no such positions: both panels show the true ones."
    return Example(_draw(network, fit, truth, labels, list(study.fitters)[place.fitter]), cell, caption)


def _draw(network: Network, fit: Fit, truth: NetworkTruth, labels: NDArray[np.int64], name: str) -> Figure:
    from simlab.report.style import label

    made = figure(10.0, 5.9)
    left, right = made.subplots(1, 2)
    wrong = labels != truth.labels
    placed = truth.scenario.structure in ("latent", "fitted")
    has_positions = fit.positions is not None and fit.positions.shape == truth.positions.shape
    moved = (
        procrustes(fit.positions, truth.positions) if fit.positions is not None and has_positions else truth.positions
    )
    for axes in (left, right):  # the same limits, so that distances compare
        axes.update_datalim(np.vstack([in_plane(truth.positions), in_plane(moved)]))
    handles = {
        h.get_label().split(" (")[0]: h
        for h in draw_network(left, network, truth.positions, truth.labels, truth.bridger)
    }
    for handle in draw_network(right, network, moved, labels, truth.bridger, wrong=wrong):
        handles.setdefault(handle.get_label().split(" (")[0], handle)
    of_truth = "true positions" if placed else "positions by paths"
    left.set_title(f"The truth: {of_truth}, true clusters")
    where = "fitted positions" if has_positions else of_truth
    right.set_title(label(f"{name}: {where}, found clusters", 60))
    for axes in (left, right):
        axes.set_xlabel("latent position, first axis" if placed else "first axis")
    left.set_ylabel("second axis" if truth.positions.shape[1] > 1 else "set apart by turns")
    marks = [mark_handle("tie", "tie")]
    if truth.bridger.any():
        marks.append(mark_handle("ring", "true bridger"))
    if wrong.any():
        marks.append(mark_handle("cross", "in the wrong cluster"))
    shown = [*handles.values()][:10] + marks
    made.legend(
        shown,
        [*list(handles)[:10], *(m.get_label() for m in marks)],
        loc="outside lower center",
        ncols=min(len(shown), 6),
    )
    return made


def _place(results: Results) -> Place | None:
    """Return the place of the cell to draw; None where no cell was fitted."""
    worlds, fields, count, _ = results.shape
    status = results.dataset["status"].transpose(*results.dims, "fitter", "replicate").values.reshape(results.shape)
    fitted = np.isin(status, (OK, NOT_CONVERGED))
    if not fitted.any():
        return None
    located = [k for k in range(count) if _has_positions(results, k)] or list(range(count))
    field = fullest(results)
    for scenario in sorted(range(worlds), key=lambda s: abs(s - worlds // 2)):
        for fieldwork in (field, *(f for f in range(fields) if f != field)):
            for k in located:
                done = np.flatnonzero(fitted[scenario, fieldwork, k])
                if len(done):
                    return Place(scenario, fieldwork, k, int(done[0]))
    first = np.argwhere(fitted)[0]
    return Place(*(int(i) for i in first))


def _has_positions(results: Results, fitter: int) -> bool:
    """Say whether a fitter has latent positions: by their error where measured, else by its settings."""
    if "position_error" in results.metrics:
        return bool(results.dataset["position_error"].isel(fitter=fitter).notnull().any())
    return "n_dims" in results.design["fitters"].get(results.fitters[fitter], {}).get("settings", {})


def _index(results: Results, place: Place) -> dict[str, int]:
    """Return a place as an index along each dimension."""
    sizes = results.dataset.sizes
    out: dict[str, int] = {"fitter": place.fitter, "replicate": place.replicate}
    for dims, flat in ((results.scenario_dims, place.scenario), (results.fieldwork_dims, place.fieldwork)):
        index = np.unravel_index(flat, tuple(sizes[d] for d in dims)) if dims else ()
        out.update({d: int(i) for d, i in zip(dims, index, strict=True)})
    return out


def _seconds(results: Results, place: Place) -> float:
    """Return how long the cell's fits took in all; 0 where the time was not measured."""
    if "seconds" not in results.metrics:
        return 0.0
    total = float(results.dataset["seconds"].isel(_index(results, place)).sum())
    return total if math.isfinite(total) else 0.0
