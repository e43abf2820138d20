"""Chains of a latent position model: starts, running, relabelling, rotation and point estimates."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from simlab.fit.bridging import between, membership_entropy
from simlab.fit.fit import Posterior
from simlab.fit.point import Point, distances_of, empty_state, nearest, solve_intercept
from simlab.foundation.streams import lent
from simlab.models import layout, lpcm
from simlab.models.latent_data import LatentData
from simlab.models.lpcm import Parameters, Priors
from simlab.models.mixture import k_means, membership_with_density
from simlab.models.point_partition import minimum_expected_variation
from simlab.partition import match, relabel

if TYPE_CHECKING:
    from simlab.kernels.chain import Draws
    from simlab.kernels.chain_state import State

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Which loss the point partition has the least expectation of; or each actor's most probable cluster.
Partition = Literal["binder", "variation", "membership"]

# Scale moves of a sweep: the best of those tried at n = 60 and 240.
_SCALE_MOVES = 4
# One jump between clusters in a sweep for each so many actors, and one more.
_ACTORS_A_JUMP = 32
# Draws are summarised in blocks of this many numbers, to bound the memory.
_BLOCK_NUMBERS = 200_000


@dataclass(frozen=True)
class Plan:
    """How chains are run: their number, the sweeps of the warm-up, the draws kept of each, the sweeps for each of them."""

    n_chains: int
    n_warmup: int
    n_draws: int
    thin: int
    target_acceptance: float


@dataclass(frozen=True, eq=False)
class Summary:
    """What is made of the draws.

    labels : (n_actors,), the partition of least expected loss, named as the clusters are.
    membership : (n_actors, n_clusters), the posterior probability of each cluster.
    position_entropy : (n_actors,), the expected entropy of membership given the position, over log G.
    between : (n_actors,), the posterior probability of lying between two clusters.
    point : the minimum Kullback-Leibler estimate.
    """

    posterior: Posterior
    labels: Ints
    membership: Floats
    position_entropy: Floats
    between: Floats
    point: Point


def leapfrog_steps(n_actors: int) -> int:
    """Return the most leapfrog steps of a trajectory: 16 to 100 actors, 25 for 240; the best of those tried."""
    root = math.sqrt(max(1.0, n_actors / 100.0))
    return round(16.0 * root)


def run(plan: Plan, data: LatentData, n_dims: int, n_clusters: int, priors: Priors, rng: np.random.Generator) -> Draws:
    """Run the chains, one after the other, from dispersed starts; their draws are stacked along the first axis."""
    from simlab.kernels import chain
    from simlab.kernels import chain_state as sampler

    first = layout.first_positions(data.share, n_dims)
    draws = _empty_draws(empty_state(data, n_dims, n_clusters), plan.n_chains * plan.n_draws)
    prior = priors.for_kernels()
    for c in range(plan.n_chains):
        kernel_data = data.kernel_data()
        state = start(first, data, n_clusters, priors, c, rng)
        work = sampler.new_work(state.shape)
        size = work.vector.size
        tuning = sampler.Tuning(
            step_size=0.1,
            n_steps=leapfrog_steps(data.n_actors),
            inverse_masses=np.ones(size),
            root_masses=np.ones(size),
            scale_factor=np.eye(2) * 0.1,
            n_scale_moves=_SCALE_MOVES,
            n_jumps=data.n_actors // _ACTORS_A_JUMP + 1,
        )
        part = slice(c * plan.n_draws, (c + 1) * plan.n_draws)
        with lent(rng) as own:
            step = chain.warm_up(state, kernel_data, prior, tuning, work, own, plan.n_warmup, plan.target_acceptance)
            tuning = tuning._replace(step_size=step)
            chain.sample(state, kernel_data, prior, tuning, work, own, plan.thin, _part(draws, part))
    draws.log_likelihood[:] += data.constant
    return draws


def _part(draws: Draws, part: slice) -> Draws:
    return type(draws)(**{name: values[part] for name, values in draws._asdict().items()})


def _empty_draws(state: State, total: int) -> Draws:
    from simlab.kernels.chain import Draws
    from simlab.kernels.chain_state import views

    here = views(state.vector, state.shape)
    n_dims, n = here.positions.shape
    single = {"sender": here.sender, "receiver": here.receiver}
    double = {
        "intercepts": here.intercepts,
        "coefficients": here.coefficients,
        "reciprocity": here.reciprocity,
        "effect_variances": state.effect_variances,
        "centres": here.centres,
        "variances": here.log_variances,
        "weights": state.weights,
    }
    return Draws(
        positions=np.empty((total, n, n_dims), dtype=np.float32),
        labels=np.empty((total, n), dtype=np.int16),
        **{name: np.empty((total, *values.shape), dtype=np.float32) for name, values in single.items()},
        **{name: np.empty((total, *values.shape)) for name, values in double.items()},
        log_likelihood=np.empty(total),
        divergent=np.zeros(total, dtype=bool),
    )


def first_scale(priors: Priors, n_dims: int) -> float:
    """Return the root mean square distance from the middle at which chains start."""
    return float(1.5 * np.sqrt(n_dims * priors.variance_scale))


def start(
    first: Floats, data: LatentData, n_clusters: int, priors: Priors, which: int, rng: np.random.Generator
) -> State:
    """Return the state from which chain ``which`` starts.

    The first chain starts from the scaled geodesic distances, later ones from the same with noise of half its size: far
    enough apart that chains which agree in the end have forgotten where they began.
    """
    from simlab.kernels.chain_state import views
    from simlab.kernels.gibbs import start_mixture

    n_dims = first.shape[1]
    noise = 0.5 if which else 0.05
    positions = first_scale(priors, n_dims) * (first + noise * rng.standard_normal(first.shape))
    apart = distances_of(positions, data.dyads)
    state = empty_state(data, n_dims, n_clusters)
    here = views(state.vector, state.shape)
    here.positions[:] = positions.T
    here.intercepts[:] = [solve_intercept(data, apart, r) for r in range(data.n_relations)]
    here.log_variances[:] = np.log(priors.variance_scale)
    if n_clusters > 1:
        state.labels[:] = k_means(positions, n_clusters, rng)
    start_mixture(state, priors.for_kernels(), rng)
    return state


def parameters(draws: Draws) -> Parameters:
    """Return the parameters of draws."""
    return Parameters(
        intercepts=draws.intercepts,
        coefficients=draws.coefficients,
        reciprocity=draws.reciprocity,
        sender=draws.sender,
        receiver=draws.receiver,
        effect_variances=draws.effect_variances,
        centres=draws.centres,
        variances=draws.variances,
        weights=draws.weights,
    )


def summarise(
    draws: Draws, data: LatentData, priors: Priors, n_chains: int, partition: Partition, rng: np.random.Generator
) -> Summary:
    """Return what is made of the draws: relabelled, rotated, and their point estimates. Positions are rotated in place."""
    total, n, n_dims = draws.positions.shape
    n_clusters = draws.weights.shape[1]
    given = np.empty((total, n, n_clusters), dtype=np.float32)
    entropy, lying = np.zeros(n), np.zeros(n)
    density = np.empty(total)
    for block in _blocks(total, n * n_clusters * n_dims):
        places = draws.positions[block].astype(np.float64)
        parts = (draws.weights[block], draws.centres[block], draws.variances[block])
        shares, density[block] = membership_with_density(places, *parts)
        given[block] = shares
        entropy += membership_entropy(shares).sum(axis=0)
        lying += between(shares).sum(axis=0)
    density += draws.log_likelihood + lpcm.log_prior(parameters(draws), priors)
    point_labels = point_partition(draws.labels, n_clusters, partition, rng)
    order = relabel(given, point_labels)
    at = np.arange(total)[:, None]
    centres, variances, weights = draws.centres[at, order], draws.variances[at, order], draws.weights[at, order]
    labels = np.argsort(order, axis=1)[at, draws.labels].astype(np.int16)
    mean_membership = np.zeros((n, n_clusters))
    for block in _blocks(total, n * n_clusters):
        mean_membership += np.take_along_axis(given[block], order[block, None, :], axis=2).sum(axis=0, dtype=np.float64)
    mean_membership /= mean_membership.sum(axis=1, keepdims=True)

    if partition == "membership":
        point_labels = np.asarray(mean_membership.argmax(axis=1))
    else:
        point_labels = named_alike(point_labels, mean_membership)
    point = point_estimate(draws, data, draws.positions[int(np.argmax(density))].astype(np.float64))
    for block in _blocks(total, n * n_dims):
        places = draws.positions[block].astype(np.float64)
        moved, turn, shift = layout.procrustes_with_move(places, point.positions)
        draws.positions[block] = moved
        centres[block] = centres[block] @ turn + shift
    shape = (n_chains, total // n_chains)

    def by_chain(values: np.ndarray) -> np.ndarray:
        return values.reshape(shape + values.shape[1:])

    posterior = Posterior(
        intercept=by_chain(draws.intercepts),
        coefficients=by_chain(draws.coefficients),
        reciprocity=by_chain(draws.reciprocity),
        sender=by_chain(draws.sender),
        receiver=by_chain(draws.receiver),
        effect_variances=by_chain(draws.effect_variances),
        positions=by_chain(draws.positions),
        labels=by_chain(labels),
        centres=by_chain(centres),
        variances=by_chain(variances),
        weights=by_chain(weights),
        log_likelihood=by_chain(draws.log_likelihood),
        log_density=by_chain(density),
        divergent=by_chain(draws.divergent),
    )
    return Summary(posterior, point_labels, mean_membership, entropy / total, lying / total, point)


def point_partition(draws: NDArray[np.integer], n_clusters: int, loss: Partition, rng: np.random.Generator) -> Ints:
    """Return the partition (n_actors,) of least expected loss over draws (n_draws, n_actors)."""
    if n_clusters == 1:
        return np.zeros(draws.shape[1], dtype=np.int64)
    found, _ = minimum_expected_variation(
        draws, rng=rng, max_clusters=n_clusters, loss="variation" if loss == "variation" else "binder"
    )
    return found


def named_alike(labels: Ints, mean_membership: Floats) -> Ints:
    """Return the partition with each of its clusters named as the column of the membership that its actors mostly have."""
    gain = np.stack([mean_membership[labels == g].sum(axis=0) for g in range(int(labels.max()) + 1)])
    names = dict(match(gain))
    return np.array([names[int(g)] for g in labels], dtype=np.int64)


def mean_ties(draws: Draws, data: LatentData) -> Floats:
    """Return the posterior means of the ties: (n_relations, 2, n_dyads), there and back."""
    from simlab.kernels.chain_state import new_work
    from simlab.kernels.summaries import mean_ties as add_mean_ties

    state = empty_state(data, draws.positions.shape[2], draws.weights.shape[1])
    out = np.zeros((data.n_relations, 2, data.ties.shape[1]))
    add_mean_ties(draws, state, data.kernel_data(), new_work(state.shape), out)
    return out


def point_estimate(draws: Draws, data: LatentData, reference: Floats) -> Point:
    """Return the minimum Kullback-Leibler estimate; the search begins from the means, rotated onto ``reference``."""
    mean = Point(
        positions=_mean_rotated(draws.positions, reference - reference.mean(axis=0)),
        intercepts=draws.intercepts.mean(axis=0),
        coefficients=draws.coefficients.mean(axis=0),
        reciprocity=draws.reciprocity.mean(axis=0),
        sender=draws.sender.mean(axis=0, dtype=np.float64),
        receiver=draws.receiver.mean(axis=0, dtype=np.float64),
    )
    return nearest(mean, data, mean_ties(draws, data))


def _mean_rotated(positions: NDArray[np.float32], reference: Floats) -> Floats:
    total = np.zeros(reference.shape)
    for block in _blocks(len(positions), reference.size):
        total += layout.procrustes(positions[block].astype(np.float64), reference).sum(axis=0)
    return total / len(positions)


def _blocks(total: int, numbers_each: int) -> list[slice]:
    size = max(1, _BLOCK_NUMBERS // max(numbers_each, 1))
    return [slice(low, min(low + size, total)) for low in range(0, total, size)]


def reordered(posterior: Posterior, order: list[int]) -> Posterior:
    """Return the posterior with its clusters in another order: cluster g of the result is ``order[g]``."""
    place = np.argsort(order).astype(np.int16)
    return replace(
        posterior,
        labels=place[posterior.labels],
        centres=posterior.centres[:, :, order],
        variances=posterior.variances[:, :, order],
        weights=posterior.weights[:, :, order],
    )
