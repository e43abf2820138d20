"""Chains of the latent position cluster model: starts, running, relabelling, rotation, point estimates, convergence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from simlab.fit.bridging import membership_entropy
from simlab.fit.fit import Posterior, Status
from simlab.models import convergence, layout, lpcm
from simlab.models.lpcm import Priors
from simlab.models.mixture import k_means, membership
from simlab.panel import Dyads
from simlab.partition import relabel

if TYPE_CHECKING:
    from simlab.kernels.chain_state import State

Floats = NDArray[np.float64]

# The most leapfrog steps of a trajectory and the scale moves of a sweep: the best of those tried at n = 30, 60 and 120.
_LEAPFROG_STEPS = 16
_SCALE_MOVES = 3
_TARGET_ACCEPTANCE = 0.8
# Draws are summarised in blocks of this many numbers, to bound the memory.
_BLOCK_NUMBERS = 200_000


class Settings(Protocol):
    """The settings of a fitter that this module reads."""

    n_dims: int
    n_chains: int
    n_warmup: int
    n_draws: int
    thin: int


@dataclass(frozen=True, eq=False)
class Raw:
    """Draws as the chains made them, chains stacked along the first axis: (n_chains * n_draws, ...)."""

    n_chains: int
    positions: NDArray[np.float32]
    labels: NDArray[np.int16]
    intercepts: Floats
    centres: Floats
    variances: Floats
    weights: Floats
    log_likelihood: Floats
    divergent: NDArray[np.bool_]


def run(settings: Settings, dyads: list[Dyads], n_clusters: int, priors: Priors, rng: np.random.Generator) -> Raw:
    """Run the chains, one after the other, from dispersed starts."""
    from simlab.kernels import chain
    from simlab.kernels import chain_state as sampler

    n = len(dyads[0].ties)
    prior = sampler.Prior(*astuple(priors))
    n_relations, n_dims = len(dyads), settings.n_dims
    total = settings.n_chains * settings.n_draws
    raw = Raw(
        n_chains=settings.n_chains,
        positions=np.empty((total, n, n_dims), dtype=np.float32),
        labels=np.empty((total, n), dtype=np.int16),
        intercepts=np.empty((total, n_relations)),
        centres=np.empty((total, n_clusters, n_dims)),
        variances=np.empty((total, n_clusters)),
        weights=np.empty((total, n_clusters)),
        log_likelihood=np.empty(total),
        divergent=np.zeros(total, dtype=bool),
    )
    data = sampler.Data(np.stack([d.ties for d in dyads]), np.stack([d.observed for d in dyads]))
    work = sampler.new_work(n_dims, n, n_relations, n_clusters)
    share = np.mean([d.share() for d in dyads], axis=0)
    first = layout.first_positions(share, n_dims)
    for c in range(settings.n_chains):
        state = start(first, dyads, n_clusters, priors, c, rng)
        tuning = sampler.Tuning(0.1, _LEAPFROG_STEPS, np.ones(work.vector.size), np.eye(2) * 0.1, _SCALE_MOVES)
        tuning = chain.warm_up(state, data, prior, tuning, work, rng, settings.n_warmup, _TARGET_ACCEPTANCE)
        part = slice(c * settings.n_draws, (c + 1) * settings.n_draws)
        draws = chain.Draws(
            raw.positions[part],
            raw.labels[part],
            raw.intercepts[part],
            raw.centres[part],
            raw.variances[part],
            raw.weights[part],
            raw.log_likelihood[part],
            raw.divergent[part],
        )
        chain.sample(state, data, prior, tuning, work, rng, settings.thin, draws)
    return raw


def start(
    first: Floats, dyads: list[Dyads], n_clusters: int, priors: Priors, which: int, rng: np.random.Generator
) -> State:
    """Return the state from which chain ``which`` starts.

    The first chain starts from the scaled geodesic distances, later ones from the same with noise of half its size: far
    enough apart that chains which agree in the end have forgotten where they began.
    """
    from simlab.kernels.chain_state import Prior, State
    from simlab.kernels.gibbs import draw_mixture

    n_dims = first.shape[1]
    size = 1.5 * np.sqrt(n_dims * priors.variance_scale)
    noise = 0.5 if which else 0.05
    positions = size * (first + noise * rng.standard_normal(first.shape))
    apart = lpcm.distances(positions)
    intercepts = np.array([lpcm.solve_intercept(apart, d) for d in dyads])
    labels = k_means(positions, n_clusters, rng)
    state = State(
        np.ascontiguousarray(positions.T),
        intercepts,
        np.zeros((n_clusters, n_dims)),
        np.full(n_clusters, priors.variance_scale),
        np.full(n_clusters, 1.0 / n_clusters),
        labels,
    )
    draw_mixture(state, Prior(*astuple(priors)), rng)
    return state


def summarise(raw: Raw, priors: Priors) -> tuple[Posterior, Floats, Floats, Floats]:
    """Return (posterior, membership, position entropy, positions): relabelled, rotated, and their point estimates.

    membership : (n_actors, n_clusters), the posterior probability of each cluster.
    position entropy : (n_actors,), the expected entropy of membership given the position, over log G.
    positions : (n_actors, n_dims), the minimum Kullback-Leibler estimate.
    """
    from simlab.kernels.summaries import mean_probability

    total, n, n_dims = raw.positions.shape
    n_clusters = raw.weights.shape[1]
    given = np.empty((total, n, n_clusters), dtype=np.float32)
    between = np.zeros(n)
    density = np.empty(total)
    for block in _blocks(total, n * n_clusters * n_dims):
        places = raw.positions[block].astype(np.float64)
        parts = (raw.weights[block], raw.centres[block], raw.variances[block])
        shares = membership(places, *parts)
        given[block] = shares
        between += membership_entropy(shares).sum(axis=0)
        density[block] = lpcm.log_position_density(places, *parts)
    density += raw.log_likelihood + lpcm.log_prior(raw.intercepts, raw.centres, raw.variances, raw.weights, priors)
    order = relabel(given)
    at = np.arange(total)[:, None]
    centres, variances, weights = raw.centres[at, order], raw.variances[at, order], raw.weights[at, order]
    labels = np.argsort(order, axis=1)[at, raw.labels].astype(np.int16)
    mean_membership = np.zeros((n, n_clusters))
    for block in _blocks(total, n * n_clusters):
        mean_membership += np.take_along_axis(given[block], order[block, None, :], axis=2).sum(axis=0, dtype=np.float64)
    mean_membership /= mean_membership.sum(axis=1, keepdims=True)

    probability = mean_probability(raw.positions, raw.intercepts)
    best = raw.positions[int(np.argmax(density))].astype(np.float64)
    mean = _mean_rotated(raw.positions, best - best.mean(axis=0))
    point, _ = lpcm.nearest_positions(mean, raw.intercepts.mean(axis=0), probability)
    for block in _blocks(total, n * n_dims):
        places = raw.positions[block].astype(np.float64)
        moved, turn, shift = layout.procrustes_with_move(places, point)
        raw.positions[block] = moved
        centres[block] = centres[block] @ turn + shift
    shape = (raw.n_chains, total // raw.n_chains)

    def by_chain(values: np.ndarray) -> np.ndarray:
        return values.reshape(shape + values.shape[1:])

    posterior = Posterior(
        intercept=by_chain(raw.intercepts),
        positions=by_chain(raw.positions),
        labels=by_chain(labels),
        centres=by_chain(centres),
        variances=by_chain(variances),
        weights=by_chain(weights),
        log_likelihood=by_chain(raw.log_likelihood),
        log_density=by_chain(density),
        divergent=by_chain(raw.divergent),
    )
    return posterior, mean_membership, between / total, point


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


def median_distances(posterior: Posterior) -> Floats:
    """Return the median distance of two actors in each draw: (n_chains, n_draws)."""
    from simlab.kernels.summaries import pair_distances

    n_chains, n_draws, n, _ = posterior.positions.shape
    out = np.empty((n_chains, n_draws))
    apart = np.empty(n * (n - 1) // 2)
    for c in range(n_chains):
        for t in range(n_draws):
            pair_distances(posterior.positions[c, t], apart)
            out[c, t] = np.median(apart)
    return out


def diagnose(posterior: Posterior) -> dict[str, float]:
    """Return rhat and effective draws of quantities that labels and rotations leave alone, and the divergences."""
    quantities: dict[str, Floats] = {"log_density": posterior.log_density}
    for r in range(posterior.intercept.shape[2]):
        suffix = "" if posterior.intercept.shape[2] == 1 else f"_{r + 1}"
        quantities[f"intercept{suffix}"] = posterior.intercept[:, :, r]
    quantities["median_distance"] = median_distances(posterior)
    out: dict[str, float] = {}
    for name, values in quantities.items():
        out[f"rhat_{name}"] = convergence.rhat(values)
        out[f"ess_bulk_{name}"] = convergence.ess_bulk(values)
        out[f"ess_tail_{name}"] = convergence.ess_tail(values)
    out["rhat"] = max(v for k, v in out.items() if k.startswith("rhat_"))
    out["ess_bulk"] = min(v for k, v in out.items() if k.startswith("ess_bulk_"))
    out["ess_tail"] = min(v for k, v in out.items() if k.startswith("ess_tail_"))
    out["divergences"] = float(posterior.divergent.sum())
    return out


def judge(diagnostics: Mapping[str, float], max_rhat: float, min_ess: float, n_draws: int) -> tuple[str, str]:
    """Return (status, message): converged or not, on which quantity, and what to do."""
    worst = max((k for k in diagnostics if k.startswith("rhat_")), key=lambda k: _or_infinite(diagnostics[k]))
    least = min((k for k in diagnostics if k.startswith("ess_bulk_")), key=lambda k: np.nan_to_num(diagnostics[k]))
    if not diagnostics[worst] <= max_rhat:
        what = worst.removeprefix("rhat_").replace("_", " ")
        remedy = (
            "chains have settled in different places: run more or longer chains, or another number of clusters"
            if _or_infinite(diagnostics[worst]) > 1.1
            else f"run longer chains, such as n_draws = {2 * n_draws}"
        )
        return Status.NOT_CONVERGED, f"rhat of the {what} is {diagnostics[worst]:.3f}, above {max_rhat:g}: {remedy}"
    if not diagnostics[least] >= min_ess:
        what = least.removeprefix("ess_bulk_").replace("_", " ")
        have = max(float(np.nan_to_num(diagnostics[least])), 1.0)
        wanted = int(np.ceil(1.2 * n_draws * min_ess / have / 100.0) * 100)
        return (
            Status.NOT_CONVERGED,
            f"the {what} has {have:.0f} effective draws, under {min_ess:g}: run longer chains, n_draws = {wanted} or so",
        )
    return Status.OK, ""


def _or_infinite(value: float) -> float:
    return float("inf") if np.isnan(value) else value
