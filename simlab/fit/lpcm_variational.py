"""The latent position cluster model by variational approximation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simlab.fit.bridging import between, membership_entropy
from simlab.fit.clusters import ClusteredLatentFitter
from simlab.fit.fit import Fit, FitError, Status, fitters
from simlab.fit.laplace import Laplace, laplace, parted
from simlab.fit.latent import ring
from simlab.fit.latent_tie_model import LatentTieModel
from simlab.fit.variational import best_climb
from simlab.models import variational
from simlab.models.latent_data import LatentData
from simlab.models.lpcm import Priors
from simlab.models.mixture import membership
from simlab.models.variational import Approximation
from simlab.panel import Network
from simlab.partition import canonical, first_mentioned

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Solution:
    """The best approximation for one number of clusters, of the actors of whom something is known.

    values : intercepts, coefficients and reciprocity; bound : of log p(y), averaged over renamings of the clusters; rounds :
    of the climb.
    """

    approximation: Approximation
    values: Laplace
    bound: float
    rounds: int
    converged: bool


@fitters.register(
    "lpcm-variational",
    summary="latent position cluster model, variational Bayes",
    reference="Salter-Townshend & Murphy 2013",
)
class LpcmVariational(ClusteredLatentFitter):
    """The latent position cluster model by a variational approximation whose bound is climbed from several starts.

    The approximation is in ``simlab.models.variational``: normal positions and effects, point estimates of intercepts,
    coefficients and reciprocity, which get normal distributions after the climb (``simlab.fit.laplace``). Where the number of
    clusters is a range, the one with the highest bound of log p(y) is chosen (``elbo`` is -2 times the bound); it takes one
    where clusters overlap much. An actor of whom nothing was observed has its prior given the clusters and the effects of the
    others. Priors that are none are latentnet's (see ``simlab.models.lpcm.Priors``); from some 200 actors on their cluster
    variances are wide, and clusters that overlap are easily merged. Like any approximation by independent parts it
    understates uncertainty, of intercepts most: for that, use lpcm-mcmc.
    """

    name: ClassVar[str] = "lpcm-variational"

    n_dims: int = Field(default=2, ge=1, le=3)
    n_starts: int = Field(default=8, ge=1, le=1000, description="starts for each number of clusters")
    max_rounds: int = Field(default=500, ge=1, description="rounds at most from a start, of up to 20 steps each")
    tolerance: float = Field(default=1e-3, gt=0.0, description="converged when a round raises the bound by less")
    n_draws: int = Field(default=200, ge=1, description="draws kept of positions and all else")

    @classmethod
    def compile(cls) -> None:
        """Compile the kernels by a fit of four actors."""
        cls(n_clusters=2, n_starts=1, n_draws=1).fit(ring(), rng=np.random.default_rng(0))

    def estimate_networks(self, networks: Sequence[Network], rng: np.random.Generator) -> Fit:
        """Return the fit of one network or of several relations of the same actors, which have been checked."""
        actors = networks[0].actors
        candidates = self.candidates(len(actors))
        whole = self.data(networks)
        known = whole.known()
        data = whole if known.all() else whole.of_actors(known)
        found = {g: self._solution(data, len(actors), g, rng) for g in candidates}
        elbo = {g: -2.0 * found[g].bound for g in candidates}
        best = found[min(candidates, key=lambda g: elbo[g])]
        choice = {"elbo": elbo} if len(candidates) > 1 else {}
        return replace(self._made(actors, whole, known, best, rng), choice=choice)

    def _solution(self, data: LatentData, n_actors: int, n_clusters: int, rng: np.random.Generator) -> Solution:
        priors = self.priors(n_actors, n_clusters)
        climb, converged = best_climb(
            data,
            self.n_dims,
            n_clusters,
            priors,
            n_starts=self.n_starts,
            max_rounds=self.max_rounds,
            tolerance=self.tolerance,
            rng=rng,
        )
        if not np.isfinite(climb.bounds[-1]):
            raise FitError("the bound left the finite numbers: try another seed, or narrower priors")
        a = climb.approximation
        values = laplace(a, data, priors)
        bound = climb.bounds[-1] + values.gain + variational.renaming_gain(a.membership, rng)
        return Solution(a, values, bound, len(climb.bounds), converged)

    def _made(
        self,
        actors: tuple[str, ...],
        data: LatentData,
        known: NDArray[np.bool_],
        best: Solution,
        rng: np.random.Generator,
    ) -> Fit:
        a = best.approximation
        member = np.tile(a.weights, (len(actors), 1))
        member[known] = a.membership / a.membership.sum(axis=1, keepdims=True)
        positions = np.tile(a.weights @ a.centres, (len(actors), 1))
        positions[known] = a.positions
        labels = np.asarray(member.argmax(axis=1))
        # Clusters in order of their first actor, empty ones last, so that one partition has one set of labels.
        member = member[:, first_mentioned(labels, len(a.weights))]
        draws = drawn_positions(a, known, self.n_draws, rng)
        given = membership(draws, a.plug_in_weights, a.centres, a.spreads)
        intercepts, coefficients, rho = parted(best.values.draws(self.n_draws, rng), data)
        priors = self.priors(len(actors), len(a.weights))
        none = np.zeros((self.n_draws, data.n_relations, 0))
        sender, receiver = (
            drawn_effects(normal, known, priors, self.n_draws, rng) if count else none
            for count, normal in zip(
                data.n_effects,
                ((a.sender, a.sender_variances), (a.receiver, a.receiver_variances)),
                strict=True,
            )
        )
        return Fit(
            fitter=self.name,
            actors=actors,
            status=Status.OK if best.converged else Status.NOT_CONVERGED,
            message="" if best.converged else _advice(best.rounds),
            labels=canonical(labels),
            membership=member,
            positions=positions,
            bridging={
                "position_entropy": membership_entropy(given).mean(axis=0),
                "between": between(given).mean(axis=0),
                "membership_entropy": membership_entropy(member),
            },
            bridging_score="position_entropy",
            diagnostics={"bound": best.bound, "rounds": float(best.rounds)},
            tie_model=LatentTieModel.of_arrays(
                data,
                positions=draws.astype(np.float32),
                intercepts=intercepts,
                coefficients=coefficients,
                rho=rho,
                sender=sender.astype(np.float32),
                receiver=receiver.astype(np.float32),
            ),
        )


def drawn_positions(a: Approximation, known: NDArray[np.bool_], n_draws: int, rng: np.random.Generator) -> Floats:
    """Return draws of all positions (n_draws, n_actors, n_dims); of an actor that is not known, from the clusters."""
    n_dims = a.positions.shape[1]
    draws = rng.standard_normal((n_draws, len(known), n_dims))
    draws[:, known] = a.positions + np.sqrt(a.variances)[:, None] * draws[:, known]
    if not known.all():
        size = (n_draws, int((~known).sum()))
        cluster = rng.choice(len(a.weights), p=a.weights, size=size)
        spread = np.sqrt(a.spreads + a.centre_variances)
        draws[:, ~known] = a.centres[cluster] + spread[cluster][..., None] * draws[:, ~known]
    return draws


def drawn_effects(
    normal: tuple[Floats, Floats], known: NDArray[np.bool_], priors: Priors, n_draws: int, rng: np.random.Generator
) -> Floats:
    """Return draws of effects (n_draws, n_relations, n_actors); of an actor that is not known, given their variance.

    normal : means and variances, (n_relations, n_known).
    """
    means, variances = normal
    draws = rng.standard_normal((n_draws, len(means), len(known)))
    draws[..., known] = means + np.sqrt(variances) * draws[..., known]
    if not known.all():
        degrees, scales = variational.effect_spread(means, variances, priors)
        spread = degrees * scales / rng.chisquare(degrees, (n_draws, len(means)))
        draws[..., ~known] *= np.sqrt(spread)[..., None]
    return draws


def _advice(rounds: int) -> str:
    return f"the bound was still rising after {rounds} rounds: raise max_rounds, or ask for fewer clusters"
