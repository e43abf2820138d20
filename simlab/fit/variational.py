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
    from simlab.kernels.variational import Held

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
# Variances at the start, in units of the prior scale of a cluster's variance.
_FIRST_VARIANCE = 0.1
_FIRST_CERTAINTY = 0.9
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
    rough = Approximation(
        positions=positions,
        variances=variances,
        intercepts=np.array([solve_intercept(data, apart, r) for r in range(data.n_relations)]),
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
        from simlab.kernels import climb, variational

        n, n_dims = first.positions.shape
        self.data, self.priors, self.approximation = data, priors, first
        self.bounds: list[float] = []
        self.buffers = variational.new_buffers(n_dims, n, data.n_relations, len(first.centres))
        self.memory = climb.new_memory(self.buffers.vector.size)
        self._pairs = (0, 0)
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
        self.bounds.append(float(value) + variational.constant(a, self.priors))
        at = buffers.at
        self.approximation = replace(
            a,
            positions=at.positions.T.copy(),
            variances=np.exp(at.log_variances),
            intercepts=at.intercepts.copy(),
            membership=buffers.membership.T.copy(),
            centres=at.centres.copy(),
            spreads=np.exp(at.log_spreads),
        )

    def held(self) -> Held:
        """Return what the steps of a round hold."""
        from simlab.kernels.variational import Held

        a = self.approximation
        n_dims = a.positions.shape[1]
        return Held(
            self.data.ties,
            self.data.observed,
            variational.rule(n_dims),
            *variational.nodes(n_dims),
            a.levels,
            a.centre_variances,
            self.priors.for_kernels(),
        )

    def _pack(self) -> None:
        a, at = self.approximation, self.buffers.at
        at.positions[:] = a.positions.T
        at.log_variances[:] = np.log(a.variances)
        at.intercepts[:] = a.intercepts
        at.centres[:] = a.centres
        at.log_spreads[:] = np.log(a.spreads)

    def scale(self) -> Floats:
        """Return a guess of the inverse curvature of every number of the flat vector.

        At the maximum the variance of a position is the inverse curvature of its mean.
        """
        a = self.approximation
        n_dims = a.positions.shape[1]
        answers = self.data.observed.sum(axis=1, dtype=np.float64)
        return np.concatenate(
            [
                np.tile(a.variances, n_dims),
                np.full(len(a.variances), 2.0 / n_dims),
                1.0 / (1.0 / self.priors.intercept_variance + _ANSWER_CURVATURE * answers),
                np.repeat(a.centre_variances, n_dims),
                2.0 / a.degrees,
            ]
        )


def intercept_variances(approximation: Approximation, data: LatentData, priors: Priors) -> tuple[Floats, float]:
    """Return variances of normal intercepts around their estimates, and what they add to the bound.

    The variances (n_relations,) are the inverse curvatures of the bound; with them it is one of log p(y), no more of
    log p(y, intercepts). The expectation over a normal intercept is a sum over three places, exact up to the fifth degree.
    """
    a = approximation
    step = 1e-3
    up, down = (_expected_likelihood(a, data, a.intercepts + move)[1] for move in (step, -step))
    curvature = np.maximum((down - up) / (2.0 * step), 0.0)
    variances = 1.0 / (1.0 / priors.intercept_variance + curvature)
    away = np.sqrt(3.0 * variances)
    at, above, below = (_expected_likelihood(a, data, a.intercepts + move)[0] for move in (0.0, away, -away))
    gain = (above + below - 2.0 * at) / 6.0
    gain += 0.5 * float((1.0 + np.log(2.0 * np.pi * variances) - variances / priors.intercept_variance).sum())
    return variances, gain


def _expected_likelihood(approximation: Approximation, data: LatentData, intercepts: Floats) -> tuple[float, Floats]:
    """Return the expected log-likelihood, and its derivatives by the intercepts (n_relations,)."""
    from simlab.kernels.dyads import BLOCK
    from simlab.kernels.expected import Normals, expected_log_likelihood

    a = approximation
    normals = Normals(np.ascontiguousarray(a.positions.T), a.variances, intercepts)
    pull = Normals(*(np.zeros_like(values) for values in normals))
    rule = variational.rule(a.positions.shape[1])
    value = expected_log_likelihood(normals, data.ties, data.observed, rule, pull, np.zeros((4, BLOCK)))
    return float(value), pull.intercepts
