"""The latent position cluster model by Markov chain Monte Carlo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from simlab.fit.chain_fitter import ChainFitter
from simlab.fit.clusters import ClusteredLatentFitter
from simlab.fit.fit import Fit, fitters
from simlab.fit.latent import ring
from simlab.fit.point import criteria
from simlab.panel import Network


@fitters.register(
    "lpcm-mcmc",
    summary="latent position cluster model, Hamiltonian Monte Carlo and Gibbs",
    reference="Handcock, Raftery & Tantrum 2007; Krivitsky, Handcock, Raftery & Hoff 2009",
)
class LpcmMcmc(ChainFitter, ClusteredLatentFitter):
    """The latent position cluster model, by Hamiltonian steps for positions and Gibbs steps for the mixture.

    Every number of clusters in the range is fitted, and the one with the lowest BIC is returned. Priors that are none
    are latentnet's (see ``simlab.models.lpcm.Priors``).
    """

    name: ClassVar[str] = "lpcm-mcmc"

    @classmethod
    def compile(cls) -> None:
        """Compile the kernels by a fit of four actors."""
        tiny = cls(n_clusters=2, n_chains=1, n_warmup=50, n_draws=4)
        tiny.estimate_networks([ring()], np.random.default_rng(0))

    def estimate_networks(self, networks: Sequence[Network], rng: np.random.Generator) -> Fit:
        """Return the best fit over the candidate numbers of clusters."""
        actors, data = networks[0].actors, self.data(networks)
        candidates = self.candidates(len(actors))
        if len(candidates) == 1:
            return self.fit_count(actors, data, candidates[0], rng)[0]
        values: dict[str, dict[int, float]] = {}
        best: Fit | None = None
        for n_clusters in candidates:
            fit, point = self.fit_count(actors, data, n_clusters, rng)
            for name, value in criteria(point, data, fit.membership).items():
                values.setdefault(name, {})[n_clusters] = value
            if best is None or values["bic"][n_clusters] < values["bic"][best.n_clusters]:
                best = fit
        assert best is not None
        return replace(best, choice=values)
