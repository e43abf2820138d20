"""The search for the posterior mode of a latent position cluster model: starts that are raced, and the climb of the best.

In a large network each stage of a climb has a list of dyads of its own (``simlab.models.dyad_sample``), made where the climb
has come to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simlab.models.latent_data import LatentData
from simlab.models.lpcm import Priors

if TYPE_CHECKING:
    from simlab.kernels.chain_state import State

Floats = NDArray[np.float64]
# From positions (n_actors, n_dims) to the data of the dyads to look at.
Look = Callable[[Floats], LatentData]

# Rounds of a climb between two improvements of the mixture; a start is given up after its first stage unless it is among
# the better half, and after its second unless it is among the better half of those.
ROUNDS = 30
# A stage that gains more than this share of what the stage before gained is held to gain by chance alone; and the number of
# stages of which the mean is taken then.
_LEVEL = 0.9
_N_AVERAGED = 8


class Climb:
    """A climb from one start.

    Attributes
    ----------
    state : State
        Where it is.
    value : float
        The log-density there but for that of the weights, as the last list has it; -inf where it is not finite.
    rounds : int
        Rounds so far.
    ended : bool
        Whether it came to an end by itself.
    """

    def __init__(self, state: State, priors: Priors, *, listed: bool) -> None:
        """Begin at a state."""
        from simlab.kernels import chain_state, climb

        self.state = state
        self.value = -np.inf
        self.rounds = 0
        self.ended = False
        self._prior = priors.for_kernels()
        self._work = chain_state.new_work(state.shape, listed=listed)
        self._memory = climb.new_memory(self._work.vector.size)
        self._scale: Floats | None = None

    @property
    def positions(self) -> Floats:
        """Where the actors are: (n_actors, n_dims)."""
        from simlab.kernels.chain_state import views

        return np.ascontiguousarray(views(self.state.vector, self.state.shape).positions.T)

    def stages(self, data: LatentData, n_stages: int, tolerance: float) -> None:
        """Climb for so many stages, or until one gains less than ``tolerance``."""
        from simlab.kernels.mode import seek_mode

        if self._scale is None:
            self._scale = self._curvatures(data)
        goal = (n_stages, ROUNDS, tolerance)
        value, taken, self.ended = seek_mode(
            self.state, data.kernel_data(), self._prior, self._work, self._memory, self._scale, goal
        )
        self.rounds += taken
        self.value = value if np.isfinite(value) else -np.inf

    def listed_stage(self, look: Look, tolerance: float) -> float:
        """Climb a stage with a list of its own; return what it gained."""
        data = look(self.positions)
        before = self._density(data)
        self._scale = None
        self.stages(data, 1, tolerance)
        return self.value - before

    def settle(self, look: Look, n_stages: int, tolerance: float) -> None:
        """Climb with lists until a stage gains hardly less than the one before, then to the mean of some more stages.

        With every new list there is something to gain, so that the gains do not end; what they are then made of is the chance
        of the sample, which the mean over stages takes out (Polyak & Juditsky 1992).
        """
        last, level = np.inf, False
        for _ in range(n_stages):
            gain = self.listed_stage(look, tolerance)
            if not np.isfinite(self.value):
                return
            if gain > _LEVEL * last:
                level = True
                break
            last = gain
        mean = np.zeros_like(self.state.vector)
        for _ in range(_N_AVERAGED):
            self.listed_stage(look, tolerance)
            mean += self.state.vector / _N_AVERAGED
        self.state.vector[:] = mean
        self.value, self.ended = self._density(look(self.positions)), level

    def _density(self, data: LatentData) -> float:
        """Return the log-density where the climb is, but for that of the weights."""
        from simlab.kernels.climb import objective

        self._work.vector[:] = self.state.vector
        return float(objective(self.state, data.kernel_data(), self._prior, self._work, True))

    def _curvatures(self, data: LatentData) -> Floats:
        """Return a guess of the inverse curvature of every number of the flat vector, 0 for those that are held."""
        from simlab.kernels.curvature import curvature
        from simlab.kernels.listed import listed_curvature

        masses = np.zeros(self._work.vector.size)
        measure = listed_curvature if len(data.dyads) else curvature
        measure(self.state, data.kernel_data(), self._prior, self._work, masses, np.zeros((2, 2)))
        return np.divide(1.0, masses, out=np.zeros_like(masses), where=masses > 0.0)


def race(field: list[Climb], look: Look, *, listed: bool, n_stages: int, tolerance: float) -> Climb:
    """Return the best of several climbs: all climb a stage, the better half another, and so on; the last goes on to its end."""
    data = None if listed else look(field[0].positions)
    while True:
        last = len(field) == 1
        for climb in field:
            if data is not None:
                climb.stages(data, n_stages if last else 1, tolerance)
            elif last:
                climb.settle(look, n_stages, tolerance)
            else:
                climb.listed_stage(look, tolerance)
        field = sorted(field, key=lambda climb: -climb.value)
        if last:
            return field[0]
        field = field[: (len(field) + 1) // 2]
