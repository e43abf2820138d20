"""Starts of the variational approximation of the latent position cluster model, and the climb of its bound from them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simlab.fit.bridging import membership_entropy
from simlab.fit.point import solve_intercept
from simlab.models import layout, variational
from simlab.models.latent_data import LatentData
from simlab.models.lpcm import Priors, distances
from simlab.models.mixture import k_means
from simlab.models.variational import Approximation

if TYPE_CHECKING:
    from simlab.kernels.bound_state import Held

Floats = NDArray[np.float64]

# A start is followed until a round gains less than this; then only the best one goes on.
_SEARCH_TOLERANCE = 0.3
# Bounds that differ by less are held to be as good.
_EVEN = 1.0
# Noise at the starts, where positions have a root mean square of 1: the first, the second, those around the best so far.
_NOISE = (0.05, 0.5, 1.0)
# Steps of a climb before what they hold is renewed, and the gain under which they end, in shares of that of a round.
_STEPS = 20
_STEP_SHARE = 0.1
# Variances at the start, in units of the prior scale of a cluster's variance, or of that of effects.
_FIRST_VARIANCE = 0.1
_FIRST_CERTAINTY = 0.9
# The parts of the flat vector that an approximation has under the same names.
_POINT_VALUES = ("intercepts", "coefficients", "reciprocity")
_EFFECTS = ("sender", "receiver")
# The curvature of an answer by the intercept, for want of better: that of a density of .11.
_ANSWER_CURVATURE = 0.1


def best_climb(
    data: LatentData,
    n_dims: int,
    n_clusters: int,
    priors: Priors,
    *,
    n_starts: int,
    max_rounds: int,
    tolerance: float,
    rng: np.random.Generator,
) -> tuple[Climb, bool]:
    """Return the climb to the best solution over starts that differ, and whether it converged.

    The first start is from scaled geodesic distances, the second from the same with noise, later ones from the positions of
    the highest bound so far with noise as large as they are. Bounds are those of the average over renamings of clusters.
    Solutions within one of the highest, a factor of e in the evidence, are held to be as good: among them the one with the
    most decided memberships is the best, because a solution whose clusters are all alike says nothing about the partition.
    """
    n = data.n_actors
    places = layout.first_positions(data.share, n_dims) if n else np.zeros((0, n_dims))
    loose = max(tolerance, _SEARCH_TOLERANCE)
    found: list[tuple[float, Climb, bool]] = []
    for which in range(n_starts if n else 1):
        if which > 1:
            places = max(found, key=lambda f: f[0])[1].approximation.positions
            places = places / max(float(np.sqrt((places**2).sum(axis=1).mean())), 1e-12)
        climb = Climb(data, priors, start(places, _NOISE[min(which, 2)], data, n_clusters, priors, rng))
        converged = climb.run(max_rounds, loose)
        value = climb.bounds[-1] + variational.renaming_gain(climb.approximation.membership, rng)
        found.append((value, climb, converged))
    highest = max(value for value, _, _ in found)
    even = [(climb, converged) for value, climb, converged in found if value >= highest - _EVEN]
    climb, converged = min(even or [found[0][1:]], key=lambda e: _undecided(e[0]))
    left = max_rounds - len(climb.bounds)
    if loose > tolerance and left > 0:
        converged = climb.run(left, tolerance)
    return climb, converged


def _undecided(climb: Climb) -> float:
    return float(membership_entropy(climb.approximation.membership).sum())


def start(
    first: Floats, noise: float, data: LatentData, n_clusters: int, priors: Priors, rng: np.random.Generator
) -> Approximation:
    """Return the approximation from which a climb starts: first positions, scaled and perturbed, and their k-means clusters.

    first : (n_actors, n_dims), with a root mean square of 1; noise : the standard deviation added to it.
    """
    n, n_dims = first.shape
    size = 1.5 * np.sqrt(n_dims * priors.variance_scale)
    positions = size * (first + noise * rng.standard_normal(first.shape))
    rows, columns = np.tril_indices(n, -1)
    apart = distances(positions)[rows, columns]
    labels = k_means(positions, n_clusters, rng) if n else np.zeros(0, dtype=np.int64)
    member = _FIRST_CERTAINTY * np.eye(n_clusters)[labels] + (1.0 - _FIRST_CERTAINTY) / n_clusters
    variances = np.full(n, _FIRST_VARIANCE * priors.variance_scale)
    squares = (positions**2).sum(axis=1) + n_dims * variances
    shape = data.shape(n_dims, n_clusters)
    senders, receivers = (data.n_relations, shape.n_senders), (data.n_relations, shape.n_receivers)
    rough = Approximation(
        positions=positions,
        variances=variances,
        intercepts=np.array([solve_intercept(data, apart, r) for r in range(data.n_relations)]),
        coefficients=np.zeros((data.n_relations, data.n_covariates)),
        reciprocity=np.zeros(shape.n_reciprocity),
        sender=np.zeros(senders),
        receiver=np.zeros(receivers),
        sender_variances=np.full(senders, _FIRST_VARIANCE * priors.effect_scale),
        receiver_variances=np.full(receivers, _FIRST_VARIANCE * priors.effect_scale),
        membership=member,
        centres=np.zeros((n_clusters, n_dims)),
        centre_variances=np.zeros(n_clusters),
        degrees=np.zeros(n_clusters),
        spreads=np.full(n_clusters, 0.5 * priors.variance_scale),
        concentrations=np.zeros(n_clusters),
    )
    sums = np.column_stack([member.T @ positions, member.sum(axis=0), member.T @ squares])
    return variational.with_clusters(rough, sums, priors)


class Climb:
    """A climb of the bound: rounds of steps for what has no closed form, each followed by updates of what has one.

    Attributes
    ----------
    approximation : Approximation
        Where the climb is.
    bounds : list of float
        After the steps of every round; they never fall.
    """

    def __init__(self, data: LatentData, priors: Priors, first: Approximation) -> None:
        from simlab.kernels import bound_state, climb

        n_dims = first.positions.shape[1]
        self.data, self.priors, self.approximation = data, priors, first
        self.bounds: list[float] = []
        self.buffers = bound_state.new_buffers(data.shape(n_dims, len(first.centres)))
        self.memory = climb.new_memory(self.buffers.vector.size)
        self._pairs = (0, 0)
        self._kernel_data, self._noise = data.kernel_data(), variational.noise(data)
        self._scales = _first_scales(data, priors)
        self._pack()

    def run(self, n_rounds: int, tolerance: float) -> bool:
        """Climb until a round gains less than ``tolerance``; return whether one did."""
        for _ in range(n_rounds):
            before = self.bounds[-1] if self.bounds else -np.inf
            self._steps(_STEP_SHARE * tolerance)
            self.approximation = variational.with_clusters(self.approximation, self.buffers.sums, self.priors)
            self._pack()
            if not self.bounds[-1] - before >= tolerance:
                return True
        return False

    def _steps(self, tolerance: float) -> None:
        from simlab.kernels.bound_ascent import ascend

        a, buffers = self.approximation, self.buffers
        value, _, self._pairs = ascend(
            self.held(), buffers, self.memory, self.scale(), self._pairs, (_STEPS, tolerance)
        )
        self.bounds.append(float(value) + variational.constant(a, self.priors) + self.data.constant)
        at = buffers.at
        self.approximation = replace(
            a,
            positions=at.positions.T.copy(),
            variances=np.exp(at.log_variances),
            **{name: getattr(at, name).copy() for name in _POINT_VALUES + _EFFECTS},
            sender_variances=np.exp(at.sender_log_variances),
            receiver_variances=np.exp(at.receiver_log_variances),
            membership=buffers.membership.T.copy(),
            centres=at.centres.copy(),
            spreads=np.exp(at.log_spreads),
        )

    def held(self) -> Held:
        """Return what the steps of a round hold."""
        from simlab.kernels.bound_state import Held

        a = self.approximation
        n_dims = a.positions.shape[1]
        return Held(
            self._kernel_data,
            variational.rule(n_dims),
            self._noise,
            *variational.nodes(n_dims),
            a.levels,
            a.centre_variances,
            self.priors.for_kernels(),
        )

    def _pack(self) -> None:
        a, at = self.approximation, self.buffers.at
        at.positions[:] = a.positions.T
        at.log_variances[:] = np.log(a.variances)
        for name in _POINT_VALUES + _EFFECTS:
            getattr(at, name)[...] = getattr(a, name)
        at.sender_log_variances[:] = np.log(a.sender_variances)
        at.receiver_log_variances[:] = np.log(a.receiver_variances)
        at.centres[:] = a.centres
        at.log_spreads[:] = np.log(a.spreads)

    def scale(self) -> Floats:
        """Return a guess of the inverse curvature of every number of the flat vector.

        At the maximum the variance of a position, or of an effect, is the inverse curvature of its mean.
        """
        a = self.approximation
        n_dims = a.positions.shape[1]
        return np.concatenate(
            [
                np.tile(a.variances, n_dims),
                np.full(len(a.variances), 2.0 / n_dims),
                self._scales,
                a.sender_variances.ravel(),
                a.receiver_variances.ravel(),
                np.full(a.sender.size + a.receiver.size, 2.0),
                np.repeat(a.centre_variances, n_dims),
                2.0 / a.degrees,
            ]
        )


def _first_scales(data: LatentData, priors: Priors) -> Floats:
    """Return guesses of the inverse curvatures by intercepts, coefficients and reciprocity, for want of better ones.

    Each answer has the curvature of a density of .11; a count that of its relation's mean.
    """
    ways = [(data.ties, data.observed, data.covariates)]
    if data.ties_back.shape[1]:
        ways.append((data.ties_back, data.observed_back, data.covariates_back))
    each = np.full(data.n_relations, _ANSWER_CURVATURE)
    answers = np.array(sum(observed.sum(axis=1, dtype=np.float64) for _, observed, _ in ways))
    if data.form == "poisson":
        each = sum(ties.sum(axis=1, dtype=np.float64) for ties, _, _ in ways) / np.maximum(answers, 1.0)
    squares = np.array(sum(observed @ (x**2).T for _, observed, x in ways))
    mutual = (data.observed * data.observed_back).sum(axis=1) if data.form == "reciprocal" else np.zeros(0)
    return np.concatenate(
        [
            1.0 / (1.0 / priors.intercept_variance + each * answers),
            1.0 / (1.0 / priors.coefficient_variance + (each[:, None] * squares).ravel()),
            1.0 / (1.0 / priors.coefficient_variance + 0.25 * _ANSWER_CURVATURE * mutual),
        ]
    )
