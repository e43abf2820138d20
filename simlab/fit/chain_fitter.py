"""ChainFitter: what the fitters by Markov chain Monte Carlo share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from simlab.fit import chains, judge
from simlab.fit.bridging import membership_entropy
from simlab.fit.fit import Fit, FitError
from simlab.fit.latent import LatentFitter
from simlab.fit.latent_tie_model import LatentTieModel
from simlab.fit.point import Point
from simlab.models.latent_data import LatentData
from simlab.models.lpcm import Priors
from simlab.partition import canonical, first_mentioned

if TYPE_CHECKING:
    from simlab.kernels.chain import Draws


class ChainFitter(LatentFitter):
    """A fitter by Hamiltonian steps for all that is continuous, and Gibbs steps for the mixture."""

    n_chains: int = Field(default=4, ge=1, le=64)
    n_warmup: int = Field(default=1000, ge=50)
    n_draws: int = Field(default=1000, ge=4, description="draws kept of each chain")
    thin: int = Field(default=2, ge=1, description="sweeps for each draw kept")
    target_acceptance: float = Field(default=0.8, gt=0.3, lt=1.0, description="of Hamiltonian steps")
    nominations: Literal["as_told", "censored"] = Field(
        default="as_told", description="whether those not named by who named as many as allowed are no ties, or open"
    )
    partition: chains.Partition = Field(default="binder", description="loss of which the labels have the least")
    max_rhat: float = Field(default=1.01, gt=1.0, description="converged needs an rhat up to this")
    min_ess: float = Field(default=400.0, ge=0.0, description="and at least so many effective draws")

    @property
    def censored(self) -> bool:
        """Whether those not named by respondents who named as many as allowed are open."""
        return self.nominations == "censored"

    def fit_count(
        self, actors: tuple[str, ...], data: LatentData, n_clusters: int, rng: np.random.Generator
    ) -> tuple[Fit, Point]:
        """Return the fit with this number of clusters, and its point estimate. FitError where a chain breaks down."""
        priors = self.priors(len(actors), n_clusters)
        draws = self.draw(data, n_clusters, priors, rng)
        return self._made(actors, data, chains.summarise(draws, data, priors, self.n_chains, self.partition, rng))

    def draw(
        self,
        data: LatentData,
        n_clusters: int,
        priors: Priors,
        rng: np.random.Generator,
        plan: chains.Plan | None = None,
    ) -> Draws:
        """Return the draws of chains run by this ``plan``, or as the settings say; FitError where one breaks down."""
        if plan is None:
            plan = chains.Plan(self.n_chains, self.n_warmup, self.n_draws, self.thin, self.target_acceptance)
        draws = chains.run(plan, data, self.n_dims, n_clusters, priors, rng)
        for which, values in enumerate(np.split(draws.log_likelihood, plan.n_chains), start=1):
            if not np.isfinite(values).all():
                raise FitError(f"chain {which} left the finite numbers: try another seed, or narrower priors")
        return draws

    def _made(self, actors: tuple[str, ...], data: LatentData, summary: chains.Summary) -> tuple[Fit, Point]:
        diagnostics = judge.diagnose(summary.posterior)
        status, message = judge.judge(
            diagnostics,
            max_rhat=self.max_rhat,
            min_ess=self.min_ess,
            n_draws=self.n_draws,
            n_total=self.n_chains * self.n_draws,
        )
        labels = summary.labels
        # Clusters in order of their first actor, empty ones last, so that one partition has one set of labels.
        order = first_mentioned(labels, summary.membership.shape[1])
        member = summary.membership[:, order]
        fit = Fit(
            fitter=self.name,
            actors=actors,
            status=status,
            message=message,
            labels=canonical(labels),
            membership=member,
            positions=summary.point.positions,
            bridging={
                "position_entropy": summary.position_entropy,
                "between": summary.between,
                "membership_entropy": membership_entropy(member),
            },
            bridging_score="position_entropy",
            diagnostics=diagnostics,
            posterior=chains.reordered(summary.posterior, order),
            tie_model=LatentTieModel.of(summary.posterior, data),
        )
        return fit, summary.point
