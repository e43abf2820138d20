"""LatentFitter: the settings that every fitter of a latent position model shares, and the way from networks to a fit."""

from __future__ import annotations

import re
import time
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import AfterValidator, Field, WithJsonSchema, field_validator

from simlab.fit.fit import Fit, Fitter, check_fittable, finished
from simlab.models.latent_data import FamilyName, LatentData, Sociality
from simlab.models.latent_parts import DyadList
from simlab.models.lpcm import Priors
from simlab.panel import DyadState, Network

if TYPE_CHECKING:
    from simlab.panel import Shares

# Numbers of priors beyond these are slips of the pen, and overflow.
LEAST, MOST = 1e-6, 1e6


def _within_limits(value: float) -> float:
    if not LEAST <= value <= MOST:
        raise ValueError(f"must be from {LEAST:g} to {MOST:.0f}")
    return value


Positive = Annotated[
    float, AfterValidator(_within_limits), WithJsonSchema({"type": "number", "minimum": LEAST, "maximum": MOST})
]


class LatentFitter(Fitter):
    """A fitter of a latent position model.

        eta_ij = intercept + sum_k coefficient_k x_ijk + sender_i + receiver_j - ||z_i - z_j||

    Priors that are none are latentnet's (see ``simlab.models.lpcm.Priors``).
    """

    n_dims: int = Field(default=2, ge=1, le=5)
    family: FamilyName = Field(default="bernoulli", description="ties, or counts (poisson)")
    sociality: Sociality = Field(
        default="none", description="effects of actors: none, shared, sender, receiver or both"
    )
    reciprocity: bool = Field(default=False, description="a log odds ratio of the two ties of a dyad")
    covariates: tuple[str, ...] = Field(default=(), description="such as match(organisation), difference(age)")
    intercept_mean: float = Field(default=0.0, ge=-MOST, le=MOST)
    intercept_variance: Positive = 9.0
    coefficient_variance: Positive = 9.0
    effect_degrees: Positive = 3.0
    effect_scale: Positive = 1.0
    variance_degrees: Positive | None = None
    variance_scale: Positive | None = None

    @property
    def uses_counts(self) -> bool:
        """Whether the weights of ties matter to it: to the Poisson family they do."""
        return self.family == "poisson"

    @field_validator("covariates", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Accept ``match(a), mix(b, x, y)`` as one text, in which commas within brackets do not part terms, and ``none``."""
        if not isinstance(value, str):
            return value
        if value.strip().lower() == "none":
            return ()
        return tuple(part.strip() for part in re.split(r",(?![^(]*\))", value) if part.strip())

    @field_validator("covariates")
    @classmethod
    def _known_terms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value:
            from simlab.models.covariates import check_term

            for term in value:
                check_term(term)
        return value

    def priors(self, n_actors: int, n_clusters: int) -> Priors:
        """Return the priors for a network of ``n_actors``; 0 clusters: positions around the origin."""
        usual = Priors.usual(n_actors, n_clusters, self.n_dims)
        return Priors(
            intercept_mean=self.intercept_mean,
            intercept_variance=self.intercept_variance,
            coefficient_variance=self.coefficient_variance,
            effect_degrees=self.effect_degrees,
            effect_scale=self.effect_scale,
            centre_variance=usual.centre_variance,
            variance_degrees=self.variance_degrees or usual.variance_degrees,
            variance_scale=self.variance_scale or usual.variance_scale,
            concentration=usual.concentration,
        )

    def data(
        self, networks: Sequence[Network], dyads: DyadList | None = None, share: Shares | None = None
    ) -> LatentData:
        """Return what the model sees of all dyads or of a list (``LatentData.of``); InputError where it cannot be fitted."""
        return LatentData.of(
            networks,
            family=self.family,
            sociality=self.sociality,
            reciprocity=self.reciprocity,
            covariates=self.covariates,
            censored=self.censored,
            dyads=dyads,
            share=share,
        )

    @property
    def censored(self) -> bool:
        """Whether what a fixed-choice design leaves open is taken as open, and not as no tie."""
        return False

    def estimate(self, network: Network, rng: np.random.Generator) -> Fit:
        """Return the fit of one network."""
        return self.estimate_networks([network], rng)

    def fit_joint(self, networks: Sequence[Network], *, rng: np.random.Generator) -> Fit:
        """Fit several relations of the same actors together: shared positions, all else for each relation.

        Raises InputError where there is no network, none has an observed dyad, or the networks have different actors.
        """
        check_fittable(networks, rng)
        start = time.perf_counter()
        return finished(self.estimate_networks(networks, rng), networks, start)

    @abstractmethod
    def estimate_networks(self, networks: Sequence[Network], rng: np.random.Generator) -> Fit:
        """Return the fit of one network or of several relations of the same actors, which have been checked."""


def ring() -> Network:
    """Return a network of four actors, to compile kernels with."""
    state = np.where(np.roll(np.eye(4), 1, axis=1) > 0, DyadState.TIE, DyadState.NO_TIE).astype(np.int8)
    np.fill_diagonal(state, DyadState.IMPOSSIBLE)
    return Network(("a", "b", "c", "d"), state)
