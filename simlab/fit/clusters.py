"""ClusteredLatentFitter and CriterionFitter: the latent position cluster model, and the choice of its number of clusters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import model_validator

from simlab.fit.fit import ClusterCountFitter, Fit
from simlab.fit.latent import LatentFitter, Positive
from simlab.fit.tie_model import TieModel
from simlab.models.lpcm import Priors
from simlab.panel import Network

Criterion = Literal["bic", "icl", "cross_validation", "posterior"]
Values = dict[str, dict[int, float]]


class ClusteredLatentFitter(LatentFitter, ClusterCountFitter):
    """A fitter of the latent position cluster model: positions in clusters, z_i ~ sum_g weight_g N(centre_g, variance_g I)."""

    centre_variance: Positive | None = None
    concentration: Positive | None = None

    def priors(self, n_actors: int, n_clusters: int) -> Priors:
        """Return the priors for a network of ``n_actors``."""
        usual = super().priors(n_actors, n_clusters)
        return replace(
            usual,
            centre_variance=self.centre_variance or usual.centre_variance,
            concentration=self.concentration or usual.concentration,
        )


class CriterionFitter(ClusteredLatentFitter):
    """A fitter of the latent position cluster model that chooses the number of clusters by criteria.

    Where the number of clusters is a range, every ``criteria`` is computed for each number, lower better, and the one that
    is lowest on ``choose_by`` is returned:

    bic, icl : see ``simlab.fit.point.information_criteria``.
    cross_validation : -2 log predictive density of dyads that were held out, a fifth of them at a time.
    posterior : -2 log posterior probability that so many clusters have actors, of an overfitted mixture.

    ``computed`` names those that a fitter can compute; others are refused.
    """

    computed: ClassVar[tuple[Criterion, ...]] = ("bic", "icl", "cross_validation")

    criteria: tuple[Criterion, ...] = ("bic", "icl")
    choose_by: Criterion = "bic"

    @model_validator(mode="after")
    def _choice_among_criteria(self) -> Self:
        wrong = [name for name in self.criteria if name not in self.computed]
        if wrong or not self.criteria:
            given = wrong[0] if wrong else "none"
            raise ValueError(f"criteria = {given}: {self.name} computes {', '.join(self.computed)}")
        if self.choose_by not in self.criteria:
            raise ValueError(f"choose_by = {self.choose_by}: must be one of the criteria, {', '.join(self.criteria)}")
        return self

    @abstractmethod
    def tie_model(self, networks: Sequence[Network], n_clusters: int, rng: np.random.Generator) -> TieModel:
        """Return the tie model of a quick fit with this number of clusters, for cross-validation."""

    @abstractmethod
    def fit_with_criteria(
        self, networks: Sequence[Network], n_clusters: int, rng: np.random.Generator, *, wanted: bool
    ) -> tuple[Fit, dict[str, float]]:
        """Return the fit with this number of clusters and, where they are ``wanted``, its own BIC and ICL."""

    def criteria_of_all(
        self, networks: Sequence[Network], candidates: Sequence[int], rng: np.random.Generator
    ) -> dict[int, dict[str, float]]:
        """Return BIC and ICL of each number of clusters, where they come from one fit for all; else nothing."""
        return {}

    def posterior_of_counts(
        self, networks: Sequence[Network], candidates: Sequence[int], rng: np.random.Generator
    ) -> dict[int, float]:
        """Return -2 log posterior probability of each number of clusters with actors; empty where there is none."""
        return {}

    def estimate_networks(self, networks: Sequence[Network], rng: np.random.Generator) -> Fit:
        """Return the best fit over the candidate numbers of clusters."""
        from simlab.fit.cross_validation import held_out_deviance

        candidates = list(self.candidates(networks[0].n_actors))
        if len(candidates) == 1:
            return self.fit_with_criteria(networks, candidates[0], rng, wanted=False)[0]
        # Streams of their own: which criteria are asked for must not change the fits.
        folds, mixture = rng.spawn(2)
        values: Values = {name: {} for name in self.criteria}
        if "cross_validation" in values:
            values["cross_validation"] = held_out_deviance(self.tie_model, networks, candidates, folds)
        if "posterior" in values:
            values["posterior"] = self.posterior_of_counts(networks, candidates, mixture)
        common = self.criteria_of_all(networks, candidates, rng)
        best: Fit | None = None
        for n_clusters in candidates:
            fit, own = self.fit_with_criteria(networks, n_clusters, rng, wanted=not common)
            found = common.get(n_clusters, own)
            for name in set(found) & set(values):
                values[name][n_clusters] = found[name]
            deciding = values[self.choose_by]
            if best is None or deciding[n_clusters] < deciding[best.n_clusters]:
                best = fit
        assert best is not None
        return replace(best, choice=values)
