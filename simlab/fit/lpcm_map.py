"""The latent position cluster model by its posterior mode, from several starts that are raced: for big sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simlab.fit.chains import first_scale, start
from simlab.fit.clusters import CriterionFitter
from simlab.fit.fit import Fit, FitError, Status, fitters
from simlab.fit.latent import ring
from simlab.fit.latent_tie_model import LatentTieModel
from simlab.fit.mode_search import ROUNDS, Climb, Look, race
from simlab.fit.point import Point, spread_of_cluster, tie_criterion, with_mixture
from simlab.fit.tie_model import TieModel
from simlab.models import layout
from simlab.models.dyad_sample import dyad_list
from simlab.models.latent_data import LatentData
from simlab.models.mixture import Mixture, fit_mixture, membership
from simlab.panel import Network, mean_weights
from simlab.partition import canonical, first_mentioned

if TYPE_CHECKING:
    from simlab.kernels.chain_state import State
    from simlab.panel import Shares

Floats = NDArray[np.float64]

# From this number of actors on, the search looks at lists of dyads.
MANY = 1000

_MIXTURE_STARTS = 10


@fitters.register(
    "lpcm-map",
    summary="latent position cluster model, posterior mode from raced starts: the fast one",
    reference="Handcock, Raftery & Tantrum 2007; Nocedal & Wright 2006",
)
class LpcmMap(CriterionFitter):
    """The latent position cluster model by the mode of its posterior, the labels summed out.

    Report partitions and memberships from it, never its intercept or distances: the mode contracts the space. Memberships
    are those of the mode's own positions, and so too certain; they come from a mixture with one variance for all clusters,
    because under priors that expect wide clusters the mode's own mixture often lumps them. Starts are the scaled geodesic
    distances, the first as it is, the others with noise; the best density wins. Of a range the number of clusters with the
    lowest BIC is returned, which takes one where clusters overlap (see ``criteria_of_all``).
    """

    name: ClassVar[str] = "lpcm-map"

    mixture: Literal["common", "own"] = Field(
        default="common", description="memberships from a mixture of one variance at the mode's positions, or its own"
    )
    likelihood: Literal["auto", "exact", "sampled"] = Field(
        default="auto", description="over all dyads, or a list of them; auto: a list from 1,000 actors on"
    )
    n_near: int = Field(default=100, ge=1, description="near pairs of each actor in a list, on average")
    n_far: int = Field(default=50, ge=1, description="far pairs of each actor in a list, drawn at random")
    n_starts: int = Field(default=4, ge=1, le=1000)
    n_rounds: int = Field(default=2000, ge=1, description="rounds of climbing at most")
    tolerance: float = Field(default=0.01, gt=0.0, description="gain of log-density under which a climb has ended")

    @classmethod
    def compile(cls) -> None:
        """Compile the kernels by a fit of four actors."""
        cls(n_clusters=(1, 2)).estimate_networks([ring()], np.random.default_rng(0))

    def fit_with_criteria(
        self, networks: Sequence[Network], n_clusters: int, rng: np.random.Generator, *, wanted: bool
    ) -> tuple[Fit, dict[str, float]]:
        """Return the fit with this number of clusters; the criteria are those of ``criteria_of_all``."""
        best, data = self.best(networks, n_clusters, rng)
        point, member = self.described(best.state, rng)
        return self._made(networks[0].actors, data, best, point, member), {}

    def criteria_of_all(
        self, networks: Sequence[Network], candidates: Sequence[int], rng: np.random.Generator
    ) -> dict[int, dict[str, float]]:
        """Return BIC and ICL of each number of clusters, of mixtures with one variance at the mode of a single cluster.

        The mode with several clusters draws each of them together, the more so the more there are, and so would favour many.
        """
        best, data = self.best(networks, 1, rng)
        point, _ = self.described(best.state, rng)
        part = tie_criterion(point, data)
        return {g: with_mixture(part, self._common_mixture(point.positions, g, rng)) for g in candidates}

    def _common_mixture(self, positions: Floats, n_clusters: int, rng: np.random.Generator) -> Mixture:
        """Return the mixture of clusters of one variance at these positions."""
        prior = (1.0, spread_of_cluster(positions, n_clusters))
        return fit_mixture(positions, n_clusters, rng, prior=prior, common_variance=True, n_starts=_MIXTURE_STARTS)

    def tie_model(self, networks: Sequence[Network], n_clusters: int, rng: np.random.Generator) -> TieModel:
        """Return the tie model of the mode."""
        best, data = self.best(networks, n_clusters, rng)
        return LatentTieModel.of_point(self.described(best.state, rng)[0], data)

    def best(self, networks: Sequence[Network], n_clusters: int, rng: np.random.Generator) -> tuple[Climb, LatentData]:
        """Return the best of the climbs, and the data where it ended. FitError where none is finite."""
        n = networks[0].n_actors
        listed = n >= MANY if self.likelihood == "auto" else self.likelihood == "sampled"
        share = mean_weights(networks)
        look = self._look(networks, share, rng, listed=listed)
        priors = self.priors(n, n_clusters)
        first = layout.first_positions(share, self.n_dims)
        data = look(first_scale(priors, self.n_dims) * first)
        field = [
            Climb(start(first, data, n_clusters, priors, c, rng), priors, listed=listed) for c in range(self.n_starts)
        ]
        n_stages = max(1, self.n_rounds // ROUNDS)
        best = race(field, look, listed=listed, n_stages=n_stages, tolerance=self.tolerance)
        if not np.isfinite(best.value):
            raise FitError("the density is not finite from any start: try narrower priors")
        return best, look(best.positions)

    def _look(self, networks: Sequence[Network], share: Shares, rng: np.random.Generator, *, listed: bool) -> Look:
        """Return what makes the data for given positions: of all dyads, always the same, or of a list."""
        if not listed:
            data = self.data(networks, share=share)
            return lambda _: data
        return lambda positions: self.data(networks, dyad_list(share, positions, self.n_near, self.n_far, rng), share)

    def _made(self, actors: tuple[str, ...], data: LatentData, best: Climb, point: Point, member: Floats) -> Fit:
        labels = np.asarray(member.argmax(axis=1))
        order = first_mentioned(labels, member.shape[1])
        message = "" if best.ended else f"still climbing after {best.rounds} rounds: set n_rounds = {4 * self.n_rounds}"
        return Fit(
            fitter=self.name,
            actors=actors,
            status=Status.OK if best.ended else Status.NOT_CONVERGED,
            message=message,
            labels=canonical(labels),
            membership=member[:, order],
            positions=point.positions,
            bridging={},
            bridging_score="membership_entropy",
            diagnostics={"log_density": best.value, "rounds": float(best.rounds)},
            tie_model=LatentTieModel.of_point(point, data),
        )

    def described(self, state: State, rng: np.random.Generator) -> tuple[Point, Floats]:
        """Return the point that a state is, its positions around their middle, and the memberships (n_actors, n_clusters)."""
        from simlab.kernels.chain_state import views

        here = views(state.vector, state.shape)
        positions = here.positions.T.copy()
        member = membership(positions, state.weights, here.centres, np.exp(here.log_variances))
        if self.mixture == "common":
            member = self._common_mixture(positions, len(state.weights), rng).membership
        point = Point(
            positions=positions - positions.mean(axis=0),
            intercepts=here.intercepts.copy(),
            coefficients=here.coefficients.copy(),
            reciprocity=here.reciprocity.copy(),
            sender=here.sender.copy(),
            receiver=here.receiver.copy(),
        )
        return point, member
