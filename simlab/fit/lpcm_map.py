"""The latent position cluster model by its posterior mode, from several starts that are raced: for big sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simlab.fit.chains import start
from simlab.fit.clusters import CriterionFitter
from simlab.fit.fit import Fit, FitError, Status, fitters
from simlab.fit.latent import ring
from simlab.fit.latent_tie_model import LatentTieModel
from simlab.fit.point import Point, information_criteria
from simlab.fit.tie_model import TieModel
from simlab.models import layout
from simlab.models.latent_data import LatentData
from simlab.models.mixture import fit_mixture, membership
from simlab.panel import Network
from simlab.partition import canonical, first_mentioned

if TYPE_CHECKING:
    from simlab.kernels.chain_state import State

Floats = NDArray[np.float64]

# Rounds of a climb between two improvements of the mixture; a start is given up after its first stage unless it is among
# the better half, and after its second unless it is among the better half of those.
_ROUNDS = 30
_MIXTURE_STARTS = 10


@dataclass(frozen=True, eq=False)
class Mode:
    """A mode: its state, the log-density there, the rounds of all climbs, and whether it was reached."""

    state: State
    value: float
    rounds: int
    reached: bool


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
    lowest BIC is returned.
    """

    name: ClassVar[str] = "lpcm-map"

    mixture: Literal["common", "own"] = Field(
        default="common", description="memberships from a mixture of one variance at the mode's positions, or its own"
    )
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
        """Return the fit with this number of clusters and, where they are ``wanted``, its BIC and ICL."""
        data = self.data(networks)
        mode = self.mode(data, n_clusters, rng)
        point, member = self.described(mode.state, rng)
        found = information_criteria(point, data, member) if wanted else {}
        return self._made(networks[0].actors, data, mode, point, member), found

    def tie_model(self, networks: Sequence[Network], n_clusters: int, rng: np.random.Generator) -> TieModel:
        """Return the tie model of the mode."""
        data = self.data(networks)
        return LatentTieModel.of_point(self.described(self.mode(data, n_clusters, rng).state, rng)[0], data)

    def mode(self, data: LatentData, n_clusters: int, rng: np.random.Generator) -> Mode:
        """Return the best of the modes that the starts lead to. FitError where none is finite."""
        from simlab.kernels import chain_state, climb
        from simlab.kernels.curvature import curvature
        from simlab.kernels.mode import seek_mode

        priors = self.priors(data.n_actors, n_clusters)
        kernel_data, prior = data.kernel_data(), priors.for_kernels()
        first = layout.first_positions(data.share, self.n_dims)
        states = [start(first, data, n_clusters, priors, c, rng) for c in range(self.n_starts)]
        work = chain_state.new_work(states[0].shape)
        memory = climb.new_memory(work.vector.size)
        field = []
        for state in states:
            masses = np.zeros(work.vector.size)
            curvature(state, kernel_data, prior, work, masses, np.zeros((2, 2)))
            field.append((state, np.divide(1.0, masses, out=np.zeros_like(masses), where=masses > 0.0)))
        rounds, stages = 0, max(1, self.n_rounds // _ROUNDS)
        while True:
            last = len(field) == 1
            raced = []
            for state, scale in field:
                goal = (stages if last else 1, _ROUNDS, self.tolerance)
                value, taken, ended = seek_mode(state, kernel_data, prior, work, memory, scale, goal)
                rounds += taken
                raced.append((value if np.isfinite(value) else -np.inf, ended, state, scale))
            raced.sort(key=lambda entry: -entry[0])
            if last:
                value, ended, state, _ = raced[0]
                if not np.isfinite(value):
                    raise FitError("the density is not finite from any start: try narrower priors")
                return Mode(state, value, rounds, ended)
            field = [(state, scale) for _, _, state, scale in raced[: (len(raced) + 1) // 2]]

    def _made(self, actors: tuple[str, ...], data: LatentData, mode: Mode, point: Point, member: Floats) -> Fit:
        labels = np.asarray(member.argmax(axis=1))
        order = first_mentioned(labels, member.shape[1])
        message = (
            "" if mode.reached else f"still climbing after {mode.rounds} rounds: set n_rounds = {4 * self.n_rounds}"
        )
        return Fit(
            fitter=self.name,
            actors=actors,
            status=Status.OK if mode.reached else Status.NOT_CONVERGED,
            message=message,
            labels=canonical(labels),
            membership=member[:, order],
            positions=point.positions,
            bridging={},
            bridging_score="membership_entropy",
            diagnostics={"log_density": mode.value, "rounds": float(mode.rounds)},
            tie_model=LatentTieModel.of_point(point, data),
        )

    def described(self, state: State, rng: np.random.Generator) -> tuple[Point, Floats]:
        """Return the point that a state is, its positions around their middle, and the memberships (n_actors, n_clusters)."""
        from simlab.kernels.chain_state import views

        here = views(state.vector, state.shape)
        positions = here.positions.T.copy()
        member = membership(positions, state.weights, here.centres, np.exp(here.log_variances))
        if self.mixture == "common":
            spread = float(positions.var(axis=0).mean()) / len(state.weights) ** (2.0 / self.n_dims) / 4.0
            member = fit_mixture(
                positions, len(state.weights), rng, prior=(1.0, spread), common_variance=True, n_starts=_MIXTURE_STARTS
            ).membership
        point = Point(
            positions=positions - positions.mean(axis=0),
            intercepts=here.intercepts.copy(),
            coefficients=here.coefficients.copy(),
            reciprocity=here.reciprocity.copy(),
            sender=here.sender.copy(),
            receiver=here.receiver.copy(),
        )
        return point, member
