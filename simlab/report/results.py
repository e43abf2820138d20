"""Results: a study's dataset with its design, summed up over whatever a table or a picture does not show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.report.numbers import plain, words
from simlab.study.cell import FAILED, NOT_CONVERGED, PENDING, STATUS_NAMES
from simlab.study.design import BOOKKEEPING
from simlab.study.provenance import in_order
from simlab.study.replay import level_text
from simlab.study.standing import count_statuses
from simlab.study.summary import summarise, wilson

Floats = NDArray[np.float64]
MOST_PANELS = 6
_INNER = ("site", "relation", "period")


@dataclass(frozen=True)
class Panel:
    """One panel of a picture: the index along each dimension that is held fixed, and a title."""

    select: Mapping[str, int]
    title: str


@dataclass(eq=False)
class Results:
    """The results of a study.

    Attributes
    ----------
    dataset : xarray.Dataset
        In memory.
    provenance : mapping
        Design, versions, machine and time of creation.
    scenario_dims, fieldwork_dims : tuple of str
        The dimensions along which worlds and data collections vary, in order.
    fitters : tuple of str
        Their labels.
    """

    dataset: Any
    provenance: Mapping[str, Any]
    scenario_dims: tuple[str, ...]
    fieldwork_dims: tuple[str, ...]
    fitters: tuple[str, ...]
    _summaries: dict[tuple[str, ...], Any] = field(default_factory=dict)

    @classmethod
    def of(cls, dataset: Any) -> Results:
        """Return the results that a dataset holds, read into memory, with the numeric levels of each factor in order."""
        provenance = json.loads(dataset.attrs["provenance"])
        design = provenance["design"]
        for grid in ("scenarios", "fieldworks"):
            design[grid], order = in_order(design[grid])
            dataset = dataset.isel(order)
        return cls(
            dataset=dataset.load(),
            provenance=provenance,
            scenario_dims=tuple(design["scenarios"]["labels"]),
            fieldwork_dims=tuple(design["fieldworks"]["labels"]),
            fitters=tuple(str(label) for label in dataset["fitter"].values),
        )

    @property
    def design(self) -> Mapping[str, Any]:
        """The design of the study, as its provenance describes it."""
        design: Mapping[str, Any] = self.provenance["design"]
        return design

    @property
    def dims(self) -> tuple[str, ...]:
        """The dimensions of scenarios, then those of fieldworks."""
        return (*self.scenario_dims, *self.fieldwork_dims)

    @property
    def varied(self) -> tuple[str, ...]:
        """Those of ``dims`` that have several levels."""
        return tuple(d for d in self.dims if self.dataset.sizes[d] > 1)

    @property
    def replicates(self) -> int:
        """The number of replicates of the study, done or not."""
        return int(self.dataset.sizes["replicate"])

    def has(self, *names: str) -> bool:
        """Say whether each of these metrics is there, with at least one value."""
        return all(n in self.metrics and bool(self.dataset[n].notnull().any()) for n in names)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all metrics, in order."""
        return tuple(str(n) for n in self.dataset.data_vars if n not in BOOKKEEPING)

    def long_name(self, metric: str) -> str:
        """Return what a metric is called in words."""
        return str(self.dataset[metric].attrs.get("long_name", metric))

    def levels(self, dim: str) -> list[float | str]:
        """Return the levels of a dimension: numbers, or texts."""
        values = self.dataset[dim].values
        return [float(v) for v in values] if self.numeric(dim) else [str(v) for v in values]

    def numeric(self, dim: str) -> bool:
        """Say whether the levels of a dimension are numbers."""
        return bool(np.issubdtype(self.dataset[dim].dtype, np.number))

    def chooses(self, fitter: str) -> bool:
        """Say whether a fitter finds the number of clusters by itself, rather than being given it."""
        settings = self.design["fitters"].get(fitter, {}).get("settings", {})
        return not isinstance(settings.get("n_clusters"), int)

    def summary(self, keep: tuple[str, ...] = ()) -> Any:
        """Return every metric's mean and Monte Carlo error along the dimensions ``keep``, averaged over all others.

        A dataset of ``<metric>``, ``<metric>_mcse`` and more, as of ``summarise``; a metric of the truth has no dimension
        of the fieldwork. Fitters are always kept apart.
        """
        key = tuple(d for d in self.dims if d in keep)
        if key not in self._summaries:
            over = tuple(d for d in (*self.dims, *_INNER) if d not in key)
            self._summaries[key] = summarise(self.dataset, over=("replicate", *over))
        return self._summaries[key]

    def curve(self, name: str, axis: str, panel: Panel, fitter: int | None = None) -> tuple[Floats, Floats]:
        """Return a metric's means and Monte Carlo errors along one dimension within a panel.

        Averaged over all dimensions but ``axis``, the panel's and the fitter; a metric without the axis is repeated.
        """
        found = self.summary((axis, *panel.select))
        select = {**panel.select, **({"fitter": fitter} if fitter is not None else {})}
        out = []
        for part in (name, f"{name}_mcse"):
            values = found[part].isel({d: i for d, i in select.items() if d in found[part].dims})
            out.append(np.broadcast_to(values.values, (self.dataset.sizes[axis] if axis else 1,)).astype(np.float64))
        return out[0], out[1]

    def cells(self, name: str) -> Floats:
        """Return a metric by (scenario, fieldwork, fitter, replicate), averaged over site, relation and period.

        A metric of the truth is repeated along fieldworks and fitters, so that differences are over the same worlds.
        """
        variable = self.dataset[name]
        values = variable.mean([d for d in _INNER if d in variable.dims], skipna=True)
        missing = [d for d in (*self.fieldwork_dims, "fitter") if d not in values.dims]
        values = values.expand_dims({d: self.dataset.sizes[d] for d in missing})
        ordered = values.transpose(*self.dims, "fitter", "replicate").values
        return np.asarray(ordered, dtype=np.float64).reshape(self.shape)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The number of scenarios, fieldworks, fitters and replicates."""
        sizes = self.dataset.sizes
        worlds = int(np.prod([sizes[d] for d in self.scenario_dims], dtype=int))
        fields = int(np.prod([sizes[d] for d in self.fieldwork_dims], dtype=int))
        return worlds, fields, len(self.fitters), self.replicates

    def rates(self, keep: tuple[str, ...] = ()) -> dict[str, tuple[Any, Any, Any]]:
        """Return the rates of failed and of not converged cells with 95 % intervals, along the dimensions ``keep``."""
        status = self.dataset["status"]
        over = [d for d in status.dims if d not in keep]
        done = (status != PENDING).sum(over)
        return {
            "failure": wilson((status >= FAILED).sum(over), done),
            "not_converged": wilson((status == NOT_CONVERGED).sum(over), done),
        }

    def counts(self) -> dict[int, int]:
        """Return how many cells that were asked for have each status."""
        return {STATUS_NAMES.index(name): number for name, number in count_statuses(self.dataset).items()}

    def axis(self) -> str:
        """Return the dimension to draw along: the first with several numbers, else with several names; scenarios first."""
        numbers = [d for d in self.varied if self.numeric(d)]
        return (numbers or list(self.varied) or [""])[0]

    def panels(self) -> tuple[Panel, ...]:
        """Return the panels of a picture: fieldworks first, then scenarios, as many dimensions as make few enough."""
        axis = self.axis()
        dims: list[str] = []
        count = 1
        for dim in (*self.fieldwork_dims, *self.scenario_dims):
            size = self.dataset.sizes[dim]
            if dim != axis and size > 1 and count * size <= MOST_PANELS:
                dims.append(dim)
                count *= size
        out = []
        for index in np.ndindex(*(self.dataset.sizes[d] for d in dims)):
            named = [f"{words(d)}: {plain(self.levels(d)[i])}" for d, i in zip(dims, index, strict=True)]
            out.append(Panel(dict(zip(dims, index, strict=True)), ", ".join(named)))
        return tuple(out)

    def averaged(self, shown: tuple[str, ...]) -> tuple[str, ...]:
        """Return the dimensions with several levels that are averaged over where only ``shown`` are shown."""
        inner = tuple(d for d in _INNER if self.dataset.sizes[d] > 1)
        return (*(d for d in self.varied if d not in shown), *inner)

    def cell_id(self, index: Mapping[str, int]) -> str:
        """Return a cell's id, as ``simlab replay`` takes it."""
        order = (*self.dims, "fitter")
        parts = [f"{d}={level_text(self.levels(d)[index[d]])}" for d in order]
        return ",".join([*parts, f"replicate={index['replicate']}"])
