"""Multiple imputation: fits of several completed networks, pooled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simlab.fit.completion import completed
from simlab.fit.fit import ClusterCountFitter, Fit, Fitter, Status, fitters
from simlab.fit.nested import nested_fitter
from simlab.fit.prediction import model_of
from simlab.foundation.errors import InputError
from simlab.models.layout import procrustes
from simlab.models.point_partition import minimum_expected_variation
from simlab.panel import DyadState, Network
from simlab.partition import match

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_WORST = (Status.OK, Status.NOT_CONVERGED, Status.FAILED)


@fitters.register(
    "multiple-imputation",
    summary="another fitter on several completed networks, pooled",
    reference="Rubin 1987; Koskinen, Robins, Wang & Pattison 2013",
)
class MultipleImputation(ClusterCountFitter):
    """Another fitter, the ``base``, on networks in which what was not observed is imputed several times.

    A quick fit of the ``imputer`` to what was observed gives a model with independent dyads. From draws of its parameters
    every unobserved dyad is drawn, given its other side where that was observed (``simlab.fit.completion``); the base is
    fitted to each completed network. Pooled, the labels are the partition of least expected Binder loss over the
    imputations' labels, memberships the mean of those matched to it, positions and bridging scores means, and the status
    the worst. The number of clusters is the one that most imputations have. A network that was observed whole is fitted
    once.
    """

    name: ClassVar[str] = "multiple-imputation"
    has_tie_model: ClassVar[bool] = False

    base: str = Field(default="spectral", description="the fitter of completed networks")
    base_settings: tuple[str, ...] = Field(default=(), description="its settings, each key=value")
    imputer: str = Field(default="lpcm-map", description="the fitter whose model draws what was not observed")
    imputer_settings: tuple[str, ...] = Field(default=("sociality=shared",), description="its settings, each key=value")
    n_imputations: int = Field(default=10, ge=1, le=1000, description="completed networks")

    @model_validator(mode="after")
    def _both_are_fitters(self) -> Self:
        self.fitter_of("base")
        if not self.fitter_of("imputer").has_tie_model:
            raise ValueError(f"imputer = {self.imputer}: has no model from which ties could be drawn")
        return self

    @property
    def kinds(self) -> tuple[type[Fitter], ...]:
        """This fitter, its base and its imputer."""
        return (type(self), *self.fitter_of("base").kinds, *self.fitter_of("imputer").kinds)

    def fitter_of(self, role: str) -> Fitter:
        """Return the base or the imputer with its settings, and with the numbers of clusters where it is given them."""
        name = getattr(self, role)
        if issubclass(fitters[name].thing, MultipleImputation):
            raise InputError.of(role, name, "must be another fitter")
        return nested_fitter(role, name, getattr(self, f"{role}_settings"), self.n_clusters)

    def estimate(self, network: Network, rng: np.random.Generator) -> Fit:
        """Return the pooled fit of one network."""
        base = self.fitter_of("base")
        open_ = int(((network.state == DyadState.NO_ANSWER) | (network.state == DyadState.NOT_ASKED)).sum())
        if open_ == 0:
            fits = [base.fit(network, rng=rng)]
        else:
            model = model_of(self.fitter_of("imputer").fit(network, rng=rng))
            n = self.n_imputations
            draws = [(2 * k + 1) * model.n_draws // (2 * n) for k in range(n)]
            fits = [base.fit(completed(network, model, draw, rng), rng=rng) for draw in draws]
        return pooled(fits, self.name, rng, {"imputations": float(len(fits)), "imputed_dyads": float(open_)})


def pooled(fits: Sequence[Fit], name: str, rng: np.random.Generator, diagnostics: Mapping[str, float]) -> Fit:
    """Return one fit from fits of completed networks of the same actors."""
    if len(fits) == 1:
        return replace(fits[0], fitter=name, diagnostics={**fits[0].diagnostics, **diagnostics}, tie_model=None)
    counts = Counter(fit.n_clusters for fit in fits)
    most = min(counts, key=lambda count: (-counts[count], count))
    draws = np.stack([fit.labels for fit in fits])
    labels, _ = minimum_expected_variation(draws, rng=rng, max_clusters=most, loss="binder")
    worst = max((fit.status for fit in fits), key=_WORST.index)
    bad = [fit for fit in fits if fit.status == worst]
    message = "" if worst == Status.OK else f"{len(bad)} of {len(fits)} imputations: {bad[0].message}"
    first = fits[0].positions
    placed = [fit.positions for fit in fits if fit.positions is not None]
    return Fit(
        fitter=name,
        actors=fits[0].actors,
        status=worst,
        message=message,
        labels=labels,
        membership=np.asarray(np.mean([matched(fit.membership, labels, most) for fit in fits], axis=0)),
        positions=None if first is None else np.asarray(np.mean([procrustes(p, first) for p in placed], axis=0)),
        bridging={
            score: np.asarray(np.mean([fit.bridging[score] for fit in fits], axis=0)) for score in fits[0].bridging
        },
        bridging_score=fits[0].bridging_score,
        choice={
            criterion: {g: float(np.mean([fit.choice[criterion][g] for fit in fits])) for g in values}
            for criterion, values in fits[0].choice.items()
            if all(set(fit.choice.get(criterion, {})) == set(values) for fit in fits)
        },
        diagnostics=diagnostics,
    )


def matched(membership: Floats, labels: Ints, n_clusters: int) -> Floats:
    """Return a membership with its clusters matched to those of a partition, one to one for the most in common.

    Parameters
    ----------
    membership : (n_actors, n_own)
    labels : (n_actors,), from 0 below ``n_clusters``

    Returns
    -------
    (n_actors, n_clusters)
        A cluster without a partner is added to the one with which it has the most in common.
    """
    common = np.eye(n_clusters)[labels].T @ membership
    place = common.argmax(axis=0)
    for row, column in match(common):
        place[column] = row
    return np.asarray(membership @ np.eye(n_clusters)[place])
