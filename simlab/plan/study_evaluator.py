"""StudyEvaluator: replicates of a plan as cells of ordinary studies, stored, resumable and replayable."""

from __future__ import annotations

import hashlib
import re
import time
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.fieldwork.settings import Fieldwork
from simlab.fit.fit import Fitter
from simlab.foundation.errors import InputError
from simlab.foundation.streams import stream
from simlab.generate.scenario import Scenario
from simlab.metrics.metric import metrics
from simlab.plan.costs import Design, parted
from simlab.plan.evaluator import Failures, Outcomes, Trial
from simlab.plan.space import key_of
from simlab.plan.targets import metric_of
from simlab.plan.unknown_worlds import Worlds
from simlab.study.cell import FAILED, NO_WORLD
from simlab.study.design import Study
from simlab.study.run import run

Floats = NDArray[np.float64]

# Seconds of processor time of a cell above which workers are worth starting, for the twenty cells or so of a run.
_SHORT = 0.3
_REDUCE: dict[str, Any] = {"": np.nanmean, "lowest": np.nanmin, "highest": np.nanmax}


@dataclass(eq=False)
class StudyEvaluator:
    """Computes replicates by running studies: for each design a store of those of the search, and one of fresh ones.

    What a store holds is read and not computed again; more worlds and replicates are added to it. So a plan that was stopped
    goes on, and a later plan with other targets finds the replicates that are there. ``simlab status``, ``report`` and
    ``replay`` work on each store.

    Parameters
    ----------
    name : str
        Of the studies.
    folder : Path
        Where the stores are.
    worlds : Worlds
    fieldwork : Fieldwork
        What a design does not change.
    fitters : mapping of label to Fitter
        A design without a fitter has the first.
    stored : sequence of str
        Metrics that every cell gets besides those of the targets, so that later plans find them.
    seed : int
    jobs, backend, scheduler, script
        As for ``simlab.run``; with the backend ``auto`` cells that are short are computed in this process, others by workers.
    """

    name: str
    folder: Path
    worlds: Worlds
    fieldwork: Fieldwork
    fitters: Mapping[str, Fitter]
    stored: Sequence[str] = ()
    seed: int = 1
    jobs: int | None = None
    backend: str = "auto"
    scheduler: str | None = None
    script: str = ""
    _seconds: float = 0.0
    _timed: bool = False
    _failures: Counter[str] = field(default_factory=Counter)
    _impossible: Counter[str] = field(default_factory=Counter)

    @property
    def uncertain(self) -> bool:
        """Whether there is more than one world."""
        return self.worlds.uncertain

    def world(self, world: int) -> Mapping[str, Any]:
        """Return what was unknown and is so in a world."""
        return self.worlds.values(world)

    def evaluate(self, design: Design, trials: Sequence[Trial], measures: Sequence[str]) -> Outcomes:
        """Return what each trial came to."""
        out = {measure: np.full(len(trials), np.nan) for measure in measures}
        failed = np.zeros(len(trials), dtype=bool)
        for fresh in dict.fromkeys(trial.fresh for trial in trials):
            members = [i for i, trial in enumerate(trials) if trial.fresh == fresh]
            worlds = list(dict.fromkeys(trials[i].world for i in members))
            replicates = 1 + max(trials[i].replicate for i in members)
            dataset = self._computed(self.study(design, fresh, worlds, replicates, measures), design, fresh)
            rows = {name: k for k, name in enumerate(dataset["scenario"].values.tolist())}
            at = ([rows[_named(trials[i].world)] for i in members], [trials[i].replicate for i in members])
            failed[members] = self._failed(dataset, at)
            for measure in measures:
                out[measure][members] = values_of(dataset, measure)[at]
        return Outcomes(out, failed)

    def failures(self) -> Failures:
        """Return what failed so far of the replicates asked for."""
        failed, impossible = self._failures, self._impossible
        return Failures(failed.total(), _commonest(failed), impossible.total(), _commonest(impossible))

    def _failed(self, dataset: Any, at: tuple[list[int], list[int]]) -> NDArray[np.bool_]:
        """Return which of some cells failed, and count them, and those whose world cannot be, by what was said."""
        cells = dataset[["status", "message"]].isel(fieldwork=0, fitter=0).transpose("scenario", "replicate")
        failed = np.asarray(cells["status"].values[at] >= FAILED)
        messages = cells["message"].values[at]
        for i in np.flatnonzero(failed):
            message = str(messages[i])
            if message.startswith(NO_WORLD):
                failed[i] = False
                self._impossible[message.removeprefix(NO_WORLD)] += 1
            else:
                self._failures[message] += 1
        return failed

    def settings(self, design: Design, world: int) -> tuple[Scenario, Fieldwork, str]:
        """Return the scenario, the fieldwork and the fitter's label of a design in a world."""
        of_world, of_field = parted(design)
        scenario = self.worlds.scenario(world, of_world)
        if self.uncertain:
            # Worlds that are alike, as of a list of values, must not be the same replicate.
            scenario = scenario.but(series=world)
        return scenario, self.fieldwork.but(**of_field), self._fitter(design)

    def _fitter(self, design: Design) -> str:
        """Return the label of a design's fitter: the first where it chooses none."""
        return str(design.get("fitter", next(iter(self.fitters))))

    def study(
        self, design: Design, fresh: bool, worlds: Sequence[int], replicates: int, measures: Sequence[str]
    ) -> Study:
        """Return the study of a design in some worlds."""
        each = {_named(w): self.settings(design, w) for w in worlds}
        _, fieldwork, fitter = next(iter(each.values()))
        wanted = {metric_of(measure)[0] for measure in (*measures, *self.stored)}
        what = "tested on fresh replicates" if fresh else "in the search"
        return Study(
            self.name,
            question=f"What does the design {key_of(design)} reach, {what}?",
            scenarios={name: scenario for name, (scenario, _, _) in each.items()},
            fieldworks={"design": fieldwork},
            fitters={fitter: self.fitters[fitter]},
            replicates=replicates,
            seed=self.seed_of(design, fresh),
            metrics=[name for name in metrics.names() if name in wanted],
            script=self.script,
        )

    def seed_of(self, design: Design, fresh: bool) -> int:
        """Return the seed of a design's studies: designs are independent, and so are fresh replicates of the search's."""
        return int(stream(self.seed, "plan", key_of(design), int(fresh)).integers(2**31))

    def store(self, design: Design, fresh: bool) -> Path:
        """Return where the replicates of a design are stored."""
        fitter = self._fitter(design)
        settings = [
            str(self.seed),
            self.fieldwork.key,
            self.worlds.key,
            f"{fitter} {self.fitters[fitter].key}",
            # A series a world, which the stores of earlier versions do not have.
            *(["series"] if self.uncertain else []),
        ]
        digest = hashlib.sha256("|".join([key_of(design), *settings]).encode()).hexdigest()[:8]
        readable = re.sub(r"[^A-Za-z0-9.+-]+", "_", key_of(design))[:80]
        return self.folder / f"{readable}-{digest}-{'fresh' if fresh else 'search'}.zarr"

    def _computed(self, study: Study, design: Design, fresh: bool) -> Any:
        """Return the dataset of a study, computed as far as its store lacks it.

        Short cells are computed in this process: to start workers would take longer than they do.
        """
        backend = self.backend
        if backend == "auto":
            backend = "threads" if self._seconds < _SHORT else "loky"
        begun = time.process_time()
        jobs = 1 if backend == "threads" and self.jobs is None else self.jobs
        dataset = run(study, self.store(design, fresh), jobs=jobs, backend=backend, scheduler=self.scheduler)
        if backend == "threads":
            # The first run compiles, and says nothing of the others. What the store held already takes no time.
            cells = len(study.scenarios.settings) * study.replicates
            self._seconds = max(self._seconds, (time.process_time() - begun) / cells) if self._timed else 0.0
            self._timed = True
        return dataset


def _commonest(messages: Counter[str]) -> str:
    most = messages.most_common(1)
    return most[0][0] if most else ""


def _named(world: int) -> str:
    return f"world {world}"


def values_of(dataset: Any, measure: str) -> Floats:
    """Return a measure of a store with one design and fitter, (n_worlds, n_replicates).

    Over sites, relations and periods it is the mean, or ``lowest`` or ``highest``, where it is defined; NaN where the cell
    failed.
    """
    name, reduction = metric_of(measure)
    if name not in dataset:
        raise InputError.of("metric", name, "is not in the store")
    variable = dataset[name]
    for dim in ("fieldwork", "fitter"):
        if dim in variable.dims:
            variable = variable.isel({dim: 0})
    values = variable.transpose("scenario", "replicate", "site", "relation", "period").values
    flat = values.reshape(*values.shape[:2], -1)
    with warnings.catch_warnings():
        # Where it is defined nowhere the value is NaN, which needs no warning.
        warnings.filterwarnings("ignore", message="All-NaN|Mean of empty", category=RuntimeWarning)
        out = np.asarray(_REDUCE[reduction](flat, axis=2), dtype=np.float64)
    status = dataset["status"].isel(fieldwork=0, fitter=0).transpose("scenario", "replicate").values
    return np.where(status >= FAILED, np.nan, out)
