"""The latent position cluster model by Markov chain Monte Carlo."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simlab.fit import chains
from simlab.fit.bridging import membership_entropy, participation
from simlab.fit.fit import ClusterCountFitter, Fit, FitError, Status, check_size, finished, fitters
from simlab.foundation.errors import InputError
from simlab.models import lpcm
from simlab.models.lpcm import Priors
from simlab.panel import Dyads, Network
from simlab.partition import canonical, first_mentioned

Floats = NDArray[np.float64]
Positive = Annotated[float, Field(gt=0.0)]


@fitters.register(
    "lpcm-mcmc",
    summary="latent position cluster model, Hamiltonian Monte Carlo and Gibbs",
    reference="Handcock, Raftery & Tantrum 2007",
)
class LpcmMcmc(ClusterCountFitter):
    """The latent position cluster model, by Hamiltonian steps for positions and Gibbs steps for the mixture.

    Every number of clusters in the range is fitted, and the one with the lowest BIC is returned. Priors that are none
    are latentnet's (see ``simlab.models.lpcm.Priors``).
    """

    name: ClassVar[str] = "lpcm-mcmc"

    n_dims: int = Field(default=2, ge=1, le=5)
    n_chains: int = Field(default=4, ge=1, le=64)
    n_warmup: int = Field(default=1000, ge=50)
    n_draws: int = Field(default=1000, ge=4, description="draws kept of each chain")
    thin: int = Field(default=2, ge=1, description="sweeps for each draw kept")
    max_rhat: float = Field(default=1.01, gt=1.0, description="converged needs an rhat up to this")
    min_ess: float = Field(default=400.0, ge=0.0, description="and at least so many effective draws")
    intercept_mean: float = 0.0
    intercept_variance: Positive = 9.0
    centre_variance: Positive | None = None
    variance_degrees: Positive | None = None
    variance_scale: Positive | None = None
    concentration: Positive | None = None

    def priors(self, n_actors: int, n_clusters: int) -> Priors:
        """Return the priors for a network of ``n_actors``."""
        usual = Priors.usual(n_actors, n_clusters, self.n_dims)
        return Priors(
            intercept_mean=self.intercept_mean,
            intercept_variance=self.intercept_variance,
            centre_variance=self.centre_variance or usual.centre_variance,
            variance_degrees=self.variance_degrees or usual.variance_degrees,
            variance_scale=self.variance_scale or usual.variance_scale,
            concentration=self.concentration or usual.concentration,
        )

    @classmethod
    def compile(cls) -> None:
        """Compile the kernels by a fit of four actors."""
        ring = np.roll(np.eye(4), 1, axis=1)
        dyads = Dyads(ring + ring.T, 2.0 - 2.0 * np.eye(4))
        tiny = cls(n_clusters=2, n_chains=1, n_warmup=50, n_draws=4)
        tiny.estimate_dyads(("a", "b", "c", "d"), [dyads], np.random.default_rng(0))

    def estimate(self, network: Network, rng: np.random.Generator) -> Fit:
        """Return the fit of one network."""
        return self.estimate_dyads(network.actors, [network.dyads()], rng)

    def fit_joint(self, networks: list[Network], *, rng: np.random.Generator) -> Fit:
        """Fit several relations of the same actors together: shared positions, an intercept for each relation.

        Raises InputError where the networks have different actors.
        """
        if len({network.actors for network in networks}) != 1:
            raise InputError("networks: must have the same actors to be fitted jointly")
        check_size(networks[0])
        start = time.perf_counter()
        fit = self.estimate_dyads(networks[0].actors, [network.dyads() for network in networks], rng)
        return finished(fit, networks, start)

    def estimate_dyads(self, actors: tuple[str, ...], dyads: list[Dyads], rng: np.random.Generator) -> Fit:
        """Return the best fit over the candidate numbers of clusters, given one Dyads for each relation."""
        candidates = self.candidates(len(actors))
        criterion: dict[int, float] = {}
        best: Fit | None = None
        for n_clusters in candidates:
            fit = self._fit_count(actors, dyads, n_clusters, rng)
            if len(candidates) == 1:
                return fit
            assert fit.positions is not None
            criterion[n_clusters] = lpcm.bic(fit.positions, dyads, fit.membership)
            if best is None or criterion[n_clusters] < min(v for k, v in criterion.items() if k != n_clusters):
                best = fit
        assert best is not None
        return replace(best, choice={"bic": criterion})

    def _fit_count(self, actors: tuple[str, ...], dyads: list[Dyads], n_clusters: int, rng: np.random.Generator) -> Fit:
        priors = self.priors(len(actors), n_clusters)
        raw = chains.run(self, dyads, n_clusters, priors, rng)
        if not np.isfinite(raw.log_likelihood).all():
            raise FitError("a chain left the finite numbers: try another seed, or narrower priors")
        posterior, membership, between, positions = chains.summarise(raw, priors)
        diagnostics = chains.diagnose(posterior)
        labels = np.asarray(membership.argmax(axis=1))
        # Clusters in order of their first actor, empty ones last, so that one partition has one set of labels.
        order = first_mentioned(labels, n_clusters)
        weights = np.mean([d.share() for d in dyads], axis=0)
        labels = canonical(labels)
        status, message = chains.judge(diagnostics, self.max_rhat, self.min_ess, self.n_draws)
        return Fit(
            fitter=self.name,
            actors=actors,
            status=Status(status),
            message=message,
            labels=labels,
            membership=membership[:, order],
            positions=positions,
            bridging={
                "position_entropy": between,
                "membership_entropy": membership_entropy(membership),
                "participation": participation(weights, labels),
            },
            bridging_score="position_entropy",
            diagnostics=diagnostics,
            posterior=chains.reordered(posterior, order),
        )
