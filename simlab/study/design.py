"""Study: what is varied, what is fitted, how often; and the cells that follow from it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

import numpy as np

from simlab.fieldwork.observe import Fieldwork
from simlab.fit.fit import Fitter
from simlab.foundation.errors import InputError
from simlab.foundation.settings import Settings, check_known
from simlab.foundation.streams import check_seed
from simlab.generate.scenario import Scenario
from simlab.metrics.metric import Metric, metrics

S = TypeVar("S", bound=Settings)

# Variables of a store that are no metrics.
BOOKKEEPING = ("status", "message", "elapsed", "scored", "asked")
RESERVED = ("fitter", "replicate", "site", "relation", "period", *BOOKKEEPING)


@dataclass(frozen=True, eq=False)
class Grid(Generic[S]):
    """Settings over some dimensions: ``labels`` by dimension, and one Settings for each combination, in order."""

    labels: Mapping[str, tuple[float | str, ...]]
    settings: tuple[S, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of levels of each dimension."""
        return tuple(len(levels) for levels in self.labels.values())

    def items(self) -> Iterator[tuple[tuple[int, ...], S]]:
        """Iterate over (index along each dimension, settings)."""
        places = itertools.product(*(range(n) for n in self.shape))
        return zip(places, self.settings, strict=True)


def grid(base: S, **levels: Sequence[Any]) -> Grid[S]:
    """Return the full grid of ``base`` with each named setting at each of its levels.

    Raises InputError for an unknown setting, a level that is not allowed, no levels, or the same level twice.
    """
    check_known(type(base).__name__, levels, type(base).model_fields)
    for name, values in levels.items():
        if isinstance(values, str) or (not isinstance(values, Sequence) and not hasattr(values, "__array__")):
            raise InputError.of(name, values, "must be a list of levels")
        if len(values) == 0 or len(set(_labels(values))) != len(values):
            raise InputError.of(name, list(values), "must be one or more different levels")
    settings = tuple(
        base.but(**dict(zip(levels, combination, strict=True))) for combination in itertools.product(*levels.values())
    )
    return Grid({name: _labels(values) for name, values in levels.items()}, settings)


def cases(dimension: str, named: Mapping[str, S]) -> Grid[S]:
    """Return a grid of one dimension whose levels are the names of the given settings."""
    if not named:
        raise InputError.of(dimension, {}, "must be one or more named settings")
    return Grid({dimension: tuple(named)}, tuple(named.values()))


def _labels(values: Sequence[Any]) -> tuple[float | str, ...]:
    plain = [v.item() if isinstance(v, np.generic) else v for v in values]
    if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in plain):
        return tuple(float(v) for v in plain)
    return tuple("none" if v is None else str(v) for v in plain)


@dataclass(frozen=True, eq=False)
class Study:
    """A simulation study.

    Parameters
    ----------
    name : str
        Names the store and the report.
    question : str
        What the study asks, in a sentence; the report begins with it.
    scenarios : Scenario, Grid or mapping from name to Scenario
        The worlds.
    fieldworks : Fieldwork, Grid or mapping from name to Fieldwork
        The data collections.
    fitters : mapping from label to Fitter, or sequence of Fitters
        What is fitted; a sequence is labelled by the fitters' names.
    replicates : int
        Worlds a scenario.
    seed : int
        Of everything.
    metrics : sequence of str, optional
        Names of metrics; all that are registered unless said.
    about : mapping
        Further text for the report, heading to paragraph (aims, estimands and so on).
    script : str
        The file that defines the study; workers import it where it registers fitters or metrics of its own.
    """

    name: str
    question: str
    scenarios: Grid[Scenario]
    fieldworks: Grid[Fieldwork]
    fitters: Mapping[str, Fitter]
    replicates: int = 20
    seed: int = 1
    metrics: tuple[Metric, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
    script: str = ""

    def __init__(
        self,
        name: str,
        *,
        question: str,
        scenarios: Scenario | Grid[Scenario] | Mapping[str, Scenario],
        fieldworks: Fieldwork | Grid[Fieldwork] | Mapping[str, Fieldwork],
        fitters: Mapping[str, Fitter] | Sequence[Fitter],
        replicates: int = 20,
        seed: int = 1,
        metrics: Sequence[str] | None = None,
        about: Mapping[str, str] | None = None,
        script: str = "",
    ) -> None:
        if not name or not all(c.isalnum() or c in "-_" for c in name):
            raise InputError.of("name", name, "must be letters, digits, - and _: it names files")
        if isinstance(replicates, bool) or not isinstance(replicates, int) or replicates < 1:
            raise InputError.of("replicates", replicates, "must be an integer from 1")
        check_seed(seed)
        worlds = _as_grid("scenario", Scenario, scenarios)
        fields = _as_grid("fieldwork", Fieldwork, fieldworks)
        measured = _metrics(metrics)
        taken = {*RESERVED, *(metric.name for metric in measured)}
        twice = (set(worlds.labels) & set(fields.labels)) | ((set(worlds.labels) | set(fields.labels)) & taken)
        if twice:
            raise InputError.of(
                "dimension", sorted(twice)[0], f"must be used once, and be no metric and none of {', '.join(RESERVED)}"
            )
        labelled = _labelled(fitters)
        values: dict[str, Any] = {
            "name": name,
            "question": " ".join(question.split()),
            "scenarios": worlds,
            "fieldworks": fields,
            "fitters": labelled,
            "replicates": replicates,
            "seed": seed,
            "metrics": tuple(measured),
            "about": dict(about or {}),
            "script": script,
        }
        for key, value in values.items():
            object.__setattr__(self, key, value)

    @cached_property
    def fit_metrics(self) -> tuple[Metric, ...]:
        """The metrics that have a value for each cell."""
        return tuple(metric for metric in self.metrics if metric.kind.of_fits)

    @cached_property
    def truth_metrics(self) -> tuple[Metric, ...]:
        """The metrics that have a value for each world."""
        return tuple(metric for metric in self.metrics if not metric.kind.of_fits)

    @cached_property
    def sites(self) -> tuple[str, ...]:
        """The sites of the scenario that has the most."""
        return tuple(f"site {s + 1}" for s in range(max(w.n_sites for w in self.scenarios.settings)))

    @cached_property
    def relations(self) -> tuple[str, ...]:
        """The relations of all scenarios, in order of first mention."""
        return tuple(dict.fromkeys(r for w in self.scenarios.settings for r in w.relations))

    @cached_property
    def periods(self) -> tuple[str, ...]:
        """The periods of the scenario that has the most."""
        return tuple(str(p + 1) for p in range(max(w.n_periods for w in self.scenarios.settings)))

    @property
    def cell_dims(self) -> tuple[str, ...]:
        """The dimensions along which cells lie."""
        return (*self.scenarios.labels, *self.fieldworks.labels, "fitter", "replicate")

    def changed(self, **changes: Any) -> Study:
        """Return the study with other ``replicates``, ``seed``, ``metrics`` or ``script``."""
        values: dict[str, Any] = {
            "question": self.question,
            "scenarios": self.scenarios,
            "fieldworks": self.fieldworks,
            "fitters": self.fitters,
            "replicates": self.replicates,
            "seed": self.seed,
            "metrics": [m.name for m in self.metrics],
            "about": self.about,
            "script": self.script,
        }
        return Study(self.name, **{**values, **changes})


def _as_grid(dimension: str, kind: type[S], given: S | Grid[S] | Mapping[str, S]) -> Grid[S]:
    if isinstance(given, kind):
        return Grid({}, (given,))
    if isinstance(given, Mapping):
        given = cases(dimension, given)
    if not isinstance(given, Grid) or not all(isinstance(s, kind) for s in given.settings):
        raise InputError.of(f"{dimension}s", given, f"must be a {kind.__name__}, a grid of them, or a mapping of names")
    return given


def _labelled(fitters: Mapping[str, Fitter] | Sequence[Fitter]) -> dict[str, Fitter]:
    """Return fitters by label; InputError where something is no fitter, or two have one label."""
    if not isinstance(fitters, (Mapping, list, tuple)):
        raise InputError.of("fitters", fitters, "must be a list of fitters, or a mapping from label to fitter")
    given: list[tuple[str, Any]] = (
        list(fitters.items()) if isinstance(fitters, Mapping) else [(getattr(f, "name", "?"), f) for f in fitters]
    )
    for label, fitter in given:
        if not isinstance(fitter, Fitter):
            raise InputError.of(f"fitters[{label!r}]", fitter, "must be a fitter, such as Spectral(n_clusters=3)")
    labelled = {str(label): fitter for label, fitter in given}
    if not labelled or len(labelled) != len(given):
        raise InputError("fitters: must be one or more, with different labels (a mapping gives labels)")
    return labelled


def _metrics(names: Sequence[str] | None) -> list[Metric]:
    return [metrics[name].thing for name in (metrics.names() if names is None else names)]
