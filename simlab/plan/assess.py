"""assess: how far the clusters found in one network can be trusted. Two questions, kept apart.

Is this assignment right? The posterior's own probability says it (``simlab.plan.assignment``). Would another study like this
one find the same? Refits of worlds from the posterior say that (``simlab.plan.again``), and nothing about the first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.fieldwork.observe import Fieldwork
from simlab.fit.checks import PredictiveChecks, joint_predictive_checks
from simlab.fit.fit import Fit, FitError, Fitter, Status
from simlab.fit.latent import LatentFitter
from simlab.fit.likely_bridgers import between_which, likely_bridgers
from simlab.fit.together import TogetherFitter
from simlab.foundation.streams import stream
from simlab.metrics.recovery import adjusted_rand_index
from simlab.panel import Network
from simlab.plan.again import REFIT, Again, Numbers, again_of, again_study, numbers_of, numbers_study
from simlab.plan.assessable import check_assessable
from simlab.plan.assignment import Assignments, assignments
from simlab.plan.names_allowed import under_limit
from simlab.plan.refitting import Refits, chooser, refitter
from simlab.study.design import Study
from simlab.study.provenance import describe
from simlab.study.run import Progress, run
from simlab.study.store import Store, opened

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bridger:
    """A likely bridger that a fit named.

    own, other : the clusters between which it lies; probability : the posterior's, of lying between two clusters; again :
    share of the worlds in which the refit names it again, NaN without any.
    """

    actor: str
    own: int
    other: int
    probability: float
    again: float


@dataclass(frozen=True, eq=False)
class Assessment:
    """What is said of one network, or of several relations fitted jointly.

    Attributes
    ----------
    network : Network
        The network, or one with the ties of all relations, for drawing.
    networks : tuple of Network
        What was fitted.
    fit : Fit
        The fit reported.
    assignments : Assignments
    bridgers : tuple of Bridger
        The likeliest first.
    again : Again
    refit : Fit
        Of the network itself, by the method of the refits.
    refit_agrees : float
        Adjusted Rand index of that fit and the one reported: what a change of method alone does.
    numbers : Numbers
    chooses : int
        The number of clusters that the method which chooses it again chooses for the network itself.
    checks : tuple of PredictiveChecks
        One a relation.
    fieldwork : Fieldwork
        Through which the worlds were sent.
    """

    network: Network
    networks: tuple[Network, ...]
    fit: Fit
    assignments: Assignments
    bridgers: tuple[Bridger, ...]
    again: Again
    refit: Fit
    refit_agrees: float
    numbers: Numbers
    chooses: int
    checks: tuple[PredictiveChecks, ...]
    fieldwork: Fieldwork


@dataclass(frozen=True, eq=False)
class Task:
    """A fit to assess, with the studies that do it.

    network : what is drawn and described; networks : what was fitted, under the limit on names of the fieldwork; again,
    numbers : the studies of refits.
    """

    network: Network
    networks: tuple[Network, ...]
    fit: Fit
    fieldwork: Fieldwork
    again: Study
    numbers: Study
    seed: int
    folder: Path

    @property
    def studies(self) -> tuple[Study, Study]:
        """The studies, the most important first."""
        return self.again, self.numbers

    def store(self, study: Study) -> Path:
        """Return where the refits of a study are kept: by a key of its design, so that another one does not meet them."""
        key = sha256(json.dumps(describe(study), sort_keys=True).encode()).hexdigest()[:12]
        return self.folder / f"{study.name}-{key}.zarr"

    def run(self, study: Study, *, jobs: int | None = None, progress: Progress | None = None) -> None:
        """Make the refits of a study, or what is left of them. KeyboardInterrupt after Ctrl-C; what is done is stored."""
        run(study, self.store(study), jobs=jobs, progress=progress)


def assess(
    fit: Fit,
    networks: Sequence[Network],
    method: Fitter,
    fieldwork: Fieldwork,
    *,
    seed: int,
    folder: str | Path,
    refits: Refits | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Assessment:
    """Return how far a fit can be trusted.

    Parameters
    ----------
    fit : Fit
        Of the networks, by the method.
    networks : sequence of Network
        One, or the relations of a joint fit.
    method : Fitter
        A fitter with posterior draws and a number of clusters.
    fieldwork : Fieldwork
        Through which each world is sent, such as ``fieldwork_of`` reads it. Its limit on names is taken for that of the
        networks, unless they have one of their own or somebody in them named more.
    seed : int
    folder : path
        Where the refits are stored; what is there of the same assessment is not computed again.
    refits : Refits, optional
    jobs : int, optional
        Workers.
    progress : Progress, optional
        Told of refits.

    Raises
    ------
    InputError
        As ``check_assessable`` and ``scenario_from_fit``.
    KeyboardInterrupt
        After Ctrl-C; the refits that were made are stored.
    """
    task = prepared(fit, networks, method, fieldwork, seed=seed, folder=folder, refits=refits)
    for study in task.studies:
        task.run(study, jobs=jobs, progress=progress)
    return concluded(task)


def prepared(
    fit: Fit,
    networks: Sequence[Network],
    method: Fitter,
    fieldwork: Fieldwork,
    *,
    network: Network | None = None,
    seed: int,
    folder: str | Path,
    refits: Refits | None = None,
) -> Task:
    """Return the task of an assessment; fits with one cluster fewer and one more are made on the way.

    As ``assess``; network : what is drawn and described, the first of ``networks`` unless given.
    """
    plan = refits or Refits()
    check_assessable(method, networks)
    networks = tuple(under_limit(one, fieldwork.max_nominations) for one in networks)
    joint, first = len(networks) > 1, networks[0]
    name = "-".join(part for part in ("assess", *_name(networks)) if part)
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)
    again = again_study(
        name,
        fit,
        networks,
        fieldwork,
        refitter(method, fit.n_clusters, joint=joint, name=plan.fitter),
        n_worlds=plan.n_worlds,
        n_periods=plan.n_periods,
        seed=seed,
    )
    numbers = numbers_study(
        f"{name}-numbers",
        _neighbours(fit, networks, method, seed),
        networks,
        fieldwork,
        chooser(method, fit.n_clusters, first.n_actors, joint=joint),
        n_worlds=plan.n_choosing,
        seed=seed,
    )
    shown = first if network is None else network
    return Task(shown, networks, fit, fieldwork, again, numbers, seed, Path(folder))


def _neighbours(fit: Fit, networks: Sequence[Network], method: Fitter, seed: int) -> dict[int, Fit]:
    """Return fits with one cluster fewer, as many, and one more, where there can be so many and the fit succeeds."""
    fits: dict[int, Fit] = {}
    for n_clusters in range(max(1, fit.n_clusters - 1), min(fit.n_clusters + 1, len(fit.actors)) + 1):
        other = method.but(n_clusters=n_clusters)
        assert isinstance(other, LatentFitter)
        rng = stream(seed, "assess", *_name(networks), n_clusters)
        if n_clusters == fit.n_clusters:
            fits[n_clusters] = fit
            continue
        try:
            made = other.fit_joint(networks, rng=rng) if len(networks) > 1 else other.fit(networks[0], rng=rng)
        except FitError:
            continue
        if made.status != Status.FAILED:
            fits[n_clusters] = made
    return fits


def concluded(task: Task) -> Assessment:
    """Return the assessment from the refits that are stored, be they all or some."""
    fit, networks, seed = task.fit, task.networks, task.seed
    name = _name(networks)
    likely = likely_bridgers(fit)
    again = again_of(_stored(task, task.again), [fit.actors[i] for i in likely])
    chance = fit.bridging["between"]
    refit = _fitted(task.again.fitters[REFIT], networks, stream(seed, "refit", *name))
    return Assessment(
        network=task.network,
        networks=networks,
        fit=fit,
        assignments=assignments(fit, rng=stream(seed, "chance", *name)),
        bridgers=tuple(
            Bridger(
                fit.actors[i],
                *between_which(task.network, fit, int(i)),
                float(chance[i]),
                _mean(again.bridgers[fit.actors[i]]),
            )
            for i in likely
        ),
        again=again,
        refit=refit,
        refit_agrees=adjusted_rand_index(fit.labels, refit.labels),
        numbers=numbers_of(_stored(task, task.numbers)),
        chooses=_fitted(task.numbers.fitters[REFIT], networks, stream(seed, "choose", *name)).n_clusters,
        checks=tuple(joint_predictive_checks(fit, networks, rng=stream(seed, "check", *name))),
        fieldwork=task.fieldwork,
    )


def _stored(task: Task, study: Study) -> Any:
    """Return what there is of a study; nothing computed where it was not begun."""
    path = task.store(study)
    # Also where it was begun: Ctrl-C may have come while it was made.
    Store(path, study)
    with opened(path) as dataset:
        return dataset.load()


def _fitted(fitter: Fitter, networks: Sequence[Network], rng: np.random.Generator) -> Fit:
    if isinstance(fitter, TogetherFitter):
        return fitter.fit_together(networks, rng=rng)[0]
    return fitter.fit(networks[0], rng=rng)


def _name(networks: Sequence[Network]) -> tuple[str, str, str]:
    """Return what streams are named after; several relations together have none."""
    one = networks[0]
    return one.site, one.relation if len(networks) == 1 else "", one.period


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
