"""Point estimates from draws of a latent position model: positions, and the criteria for a number of clusters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simlab.models.latent_data import LatentData
from simlab.models.latent_parts import DyadList
from simlab.models.lpcm import Priors
from simlab.models.mixture import Mixture, fit_mixture

if TYPE_CHECKING:
    from simlab.kernels.chain_state import State

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Point:
    """A point estimate. positions : (n_actors, n_dims); the others as in ``Parameters`` without leading axes."""

    positions: Floats
    intercepts: Floats
    coefficients: Floats
    reciprocity: Floats
    sender: Floats
    receiver: Floats


def empty_state(data: LatentData, n_dims: int, n_clusters: int) -> State:
    """Return a state of the right shape: zeros, variances of 1, equal weights. Without clusters there is one."""
    from simlab.kernels.chain_state import State

    count = max(n_clusters, 1)
    shape = data.shape(n_dims, count)
    return State(
        shape=shape,
        vector=np.zeros(shape.size),
        effect_variances=np.ones((data.n_relations, 2)),
        weights=np.full(count, 1.0 / count),
        labels=np.zeros(data.n_actors, dtype=np.int64),
    )


def state_of(point: Point, data: LatentData) -> State:
    """Return a state with the numbers of a point estimate, and one cluster."""
    from simlab.kernels.chain_state import views

    state = empty_state(data, point.positions.shape[1], 1)
    here = views(state.vector, state.shape)
    here.positions[:] = point.positions.T
    for name in ("intercepts", "coefficients", "reciprocity", "sender", "receiver"):
        getattr(here, name)[...] = getattr(point, name)
    return state


def solve_intercept(data: LatentData, apart: Floats, relation: int, shrink: float = 0.5) -> float:
    """Return the intercept at which as many ties are expected as were seen, given distances and nothing else.

    apart : (n_dyads,). Finite also for no ties and for all ties, which are taken as ``shrink`` of a tie more or less.
    """
    from simlab.kernels.dyads import level_intercept

    observed = data.observed[relation]
    ties = float(data.ties[relation].sum(dtype=np.float64))
    if data.observed_back.shape[1]:
        observed = observed + data.observed_back[relation]
        ties += float(data.ties_back[relation].sum(dtype=np.float64))
    if len(data.dyads):
        observed = (observed * data.dyads.weights()).astype(np.float32)
    answers = float(observed.sum(dtype=np.float64))
    if answers == 0.0:
        return 0.0
    if data.form == "poisson":
        return float(np.log(max(ties, shrink)) - np.log(observed @ np.exp(-apart) + 1e-300))
    return float(level_intercept(apart, observed, min(max(ties, shrink), answers - shrink)))


def maximise(state: State, data: LatentData, *, held: tuple[str, ...] = (), n_rounds: int = 500) -> tuple[Point, float]:
    """Return the parameters that maximise the log-likelihood, and its maximum; ``held`` names what stays as it is.

    The mixture takes no part. Positions come back around the origin.
    """
    from simlab.kernels import chain_state, climb
    from simlab.kernels.curvature import curvature
    from simlab.kernels.listed import listed_curvature

    kernel_data = data.kernel_data()
    prior = replace(Priors.usual(data.n_actors, 1, state.shape.n_dims), centre_variance=0.0).for_kernels()
    listed = len(data.dyads) > 0
    work = chain_state.new_work(state.shape, listed=listed)
    masses = np.zeros(work.vector.size)
    (listed_curvature if listed else curvature)(state, kernel_data, prior, work, masses, np.zeros((2, 2)))
    # Priors are part of the curvature; so an actor of whom nothing is known has a finite one too.
    scale = np.divide(1.0, masses, out=np.zeros_like(masses), where=masses > 0.0)
    view = chain_state.views(scale, state.shape)
    for name in (*held, "log_variances", "centres"):
        getattr(view, name)[...] = 0.0
    work.vector[:] = state.vector
    memory = climb.new_memory(work.vector.size)
    value, _ = climb.climb(state, kernel_data, prior, work, memory, scale, (False, n_rounds, 1e-7))
    best = chain_state.views(work.vector, state.shape)
    places = best.positions.T.copy()
    if "positions" not in held:
        places -= places.mean(axis=0)
    return (
        Point(
            positions=places,
            intercepts=best.intercepts.copy(),
            coefficients=best.coefficients.copy(),
            reciprocity=best.reciprocity.copy(),
            sender=best.sender.copy(),
            receiver=best.receiver.copy(),
        ),
        float(value) + data.constant,
    )


def nearest(start: Point, data: LatentData, means: Floats) -> Point:
    """Return the point whose expected ties are nearest to the given ones, in Kullback-Leibler divergence.

    With the posterior means of the ties, means : (n_relations, 2, n_dyads), it is the minimum Kullback-Leibler estimate
    (Shortreed, Handcock & Hoff 2006). Reciprocity leaves the expected ties as they are here, and is not fitted.
    """
    ones = np.ones_like(data.ties)
    two_way = data.ties_back.shape[1] > 0
    target = replace(
        data,
        form="bernoulli" if data.form == "reciprocal" else data.form,
        ties=means[:, 0].astype(np.float32),
        observed=ones,
        ties_back=means[:, 1].astype(np.float32) if two_way else data.ties_back,
        observed_back=ones if two_way else data.observed_back,
    )
    found, _ = maximise(state_of(replace(start, reciprocity=np.zeros(0)), target), target)
    return replace(found, reciprocity=start.reciprocity)


def information_criteria(point: Point, data: LatentData, membership: Floats | None) -> dict[str, float]:
    """Return BIC and ICL of a number of clusters; lower is better.

    BIC as Handcock, Raftery & Tantrum (2007, section 4): -2 log-likelihood at the point positions (and effects), with
    intercepts, coefficients and reciprocity fitted anew, plus (their number) log(ties), plus the BIC of a mixture of
    spherical normals for the positions; each set of effects adds that of a normal distribution. The likelihood of a mixture
    has no limit where two actors happen to lie close, which would favour too many clusters; so the mixture is fitted from
    the posterior ``membership`` (n, n_clusters), with a weak prior of one degree of freedom for the variances, at a quarter
    of the spread that each of the clusters would have (Fraley & Raftery 2007). Without clusters (None) the positions are
    normal around the origin. ICL adds twice the entropy of the memberships (Biernacki, Celeux & Govaert 2000).
    """
    part = tie_criterion(point, data)
    n, n_dims = point.positions.shape
    if membership is None:
        variance = max(float((point.positions**2).mean()), 1e-12)
        bic = part + n * n_dims * (np.log(2.0 * np.pi * variance) + 1.0) + np.log(n)
        return {"bic": float(bic), "icl": float(bic)}
    prior = (1.0, spread_of_cluster(point.positions, membership.shape[1]))
    return with_mixture(part, fit_mixture(point.positions, membership.shape[1], start=membership, prior=prior))


def tie_criterion(point: Point, data: LatentData) -> float:
    """Return what the criteria have of ties and effects, which no mixture changes."""
    refitted, value = maximise(state_of(point, data), data, held=("positions", "sender", "receiver"))
    count = refitted.intercepts.size + refitted.coefficients.size + refitted.reciprocity.size
    part = -2.0 * value + count * np.log(max(data.n_ties, 1.0))
    for effects in (point.sender, point.receiver):
        for row in effects:
            if row.size:
                part += row.size * (np.log(2.0 * np.pi * max(float(row.var()), 1e-6)) + 1.0) + np.log(row.size)
    return float(part)


def spread_of_cluster(positions: Floats, n_clusters: int) -> float:
    """Return a quarter of the variance that each of the clusters would have if they shared the space of all positions."""
    return float(positions.var(axis=0).mean() / n_clusters ** (2.0 / positions.shape[1]) / 4.0)


def with_mixture(part: float, mixture: Mixture) -> dict[str, float]:
    """Return BIC and ICL from what they have of ties and from a mixture of the positions."""
    entropy = -float((mixture.membership * np.log(np.clip(mixture.membership, 1e-300, 1.0))).sum())
    return {"bic": part + mixture.bic, "icl": part + mixture.bic + 2.0 * entropy}


def distances_of(positions: Floats, dyads: DyadList) -> Floats:
    """Return the distances of listed dyads, or of all in the kernels' order: (n_dyads,) from (n_actors, n_dims)."""
    from simlab.kernels.dyads import fill_distances

    n = len(positions)
    if len(dyads):
        return np.asarray(np.sqrt(((positions[dyads.first] - positions[dyads.second]) ** 2).sum(axis=1)))
    out = np.empty(n * (n - 1) // 2)
    fill_distances(np.ascontiguousarray(positions.T, dtype=np.float64), out)
    return out
