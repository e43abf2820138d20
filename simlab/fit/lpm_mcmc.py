"""The latent position model, without clusters, by Markov chain Monte Carlo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from simlab.fit.chain_fitter import ChainFitter
from simlab.fit.fit import Fit, fitters
from simlab.fit.latent import ring
from simlab.panel import Network


@fitters.register(
    "lpm-mcmc",
    summary="latent position model without clusters, Hamiltonian Monte Carlo",
    reference="Hoff, Raftery & Handcock 2002",
)
class LpmMcmc(ChainFitter):
    """The latent position model: positions normal around the origin, z_i ~ N(0, variance I), and everybody in one cluster.

    For networks in which a space, and covariates or effects, explain the ties without clusters: the model to compare
    clusters with. Priors are latentnet's for no clusters.
    """

    name: ClassVar[str] = "lpm-mcmc"
    has_clusters: ClassVar[bool] = False

    @classmethod
    def compile(cls) -> None:
        """Compile the kernels by a fit of four actors."""
        cls(n_chains=1, n_warmup=50, n_draws=4).estimate_networks([ring()], np.random.default_rng(0))

    def estimate_networks(self, networks: Sequence[Network], rng: np.random.Generator) -> Fit:
        """Return the fit of one network or of several relations of the same actors."""
        return self.fit_count(networks[0].actors, self.data(networks), 0, rng)[0]
