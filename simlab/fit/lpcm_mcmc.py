"""The latent position cluster model by Markov chain Monte Carlo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from simlab.fit.chain_fitter import ChainFitter
from simlab.fit.chains import Plan
from simlab.fit.clusters import Criterion, CriterionFitter
from simlab.fit.fit import Fit, fitters
from simlab.fit.latent import ring
from simlab.fit.latent_tie_model import LatentTieModel
from simlab.fit.point import information_criteria
from simlab.fit.tie_model import TieModel
from simlab.panel import Network

# The chain of a fold of the cross-validation.
_SHORT = Plan(n_chains=1, n_warmup=400, n_draws=250, thin=4, target_acceptance=0.8)


@fitters.register(
    "lpcm-mcmc",
    summary="latent position cluster model, Hamiltonian Monte Carlo and Gibbs",
    reference="Handcock, Raftery & Tantrum 2007; Krivitsky, Handcock, Raftery & Hoff 2009",
)
class LpcmMcmc(ChainFitter, CriterionFitter):
    """The latent position cluster model, by Hamiltonian steps for positions and Gibbs steps for the mixture.

    Every number of clusters in the range is fitted, and the one that ``choose_by`` prefers is returned. Priors that are none
    are latentnet's (see ``simlab.models.lpcm.Priors``).
    """

    name: ClassVar[str] = "lpcm-mcmc"
    computed: ClassVar[tuple[Criterion, ...]] = ("bic", "icl", "cross_validation", "posterior")

    criteria: tuple[Criterion, ...] = ("bic", "icl", "cross_validation", "posterior")

    @classmethod
    def compile(cls) -> None:
        """Compile the kernels by a fit of four actors."""
        tiny = cls(n_clusters=2, n_chains=1, n_warmup=50, n_draws=4)
        tiny.estimate_networks([ring()], np.random.default_rng(0))

    def fit_with_criteria(
        self, networks: Sequence[Network], n_clusters: int, rng: np.random.Generator, *, wanted: bool
    ) -> tuple[Fit, dict[str, float]]:
        """Return the fit with this number of clusters and, where they are ``wanted``, its BIC and ICL."""
        data = self.data(networks)
        fit, point = self.fit_count(networks[0].actors, data, n_clusters, rng)
        return fit, information_criteria(point, data, fit.membership) if wanted else {}

    def tie_model(self, networks: Sequence[Network], n_clusters: int, rng: np.random.Generator) -> TieModel:
        """Return the tie model of one short chain."""
        data = self.data(networks)
        draws = self.draw(data, n_clusters, self.priors(data.n_actors, n_clusters), rng, _SHORT)
        return LatentTieModel.of_draws(draws, data)

    def posterior_of_counts(
        self, networks: Sequence[Network], candidates: Sequence[int], rng: np.random.Generator
    ) -> dict[int, float]:
        """Return -2 log posterior probability of each number of clusters with actors.

        From an overfitted mixture: as many clusters as the most that are offered, under a Dirichlet prior of 1 over their
        number, far below the (n_dims + 1) / 2 under which spare clusters empty (Rousseau & Mengersen 2011; Malsiner-Walli,
        Fruhwirth-Schnatter & Grun 2016); variances as for the middle of the candidates. Draws with a number that is not
        offered are left out; half a draw is added to each, so that none is impossible.
        """
        data = self.data(networks)
        most = max(candidates)
        middle = self.priors(data.n_actors, candidates[len(candidates) // 2])
        draws = self.draw(data, most, replace(middle, concentration=1.0 / most), rng)
        used = np.array([len(np.unique(labels)) for labels in draws.labels])
        counts = np.array([(used == g).sum() + 0.5 for g in candidates])
        return {g: float(-2.0 * np.log(c / counts.sum())) for g, c in zip(candidates, counts, strict=True)}
