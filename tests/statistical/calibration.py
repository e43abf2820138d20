"""Simulation-based calibration of the chains, and Geweke's test of one sweep.

Simulation-based calibration (Talts, Betancourt, Simpson, Vehtari & Gelman 2018): parameters from the prior, data from the
model, draws from the posterior; the rank of the truth among independent draws is uniform, for any quantity, of the
parameters alone or of parameters and data (Modrak et al. 2023). The log-likelihood is among the quantities because a
sampler that ignores the data passes all the others.

Ranks are judged by their cumulative counts at every point and of every quantity at once (Sailynoja, Burkner & Vehtari
2022): the statistic is the smallest pointwise binomial probability, and its distribution under uniformity is simulated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from simlab.fit import chains
from simlab.fit.lpcm_mcmc import LpcmMcmc
from simlab.kernels.chain_state import Data, Prior, State, Tuning, new_work
from simlab.kernels.lpcm import sweep
from simlab.models.convergence import mcse_mean
from simlab.models.lpcm import Priors, distances
from simlab.panel import Dyads

Floats = NDArray[np.float64]
Ranks = dict[str, NDArray[np.int64]]
Spoil = Callable[[list[Dyads]], list[Dyads]]


@dataclass(frozen=True)
class World:
    """Sizes of the networks to be drawn; ``masked`` leaves out one or both answers of some dyads."""

    n_actors: int
    n_clusters: int = 2
    n_dims: int = 2
    n_relations: int = 1
    masked: bool = False


@dataclass(frozen=True)
class Parameters:
    """Parameters; with leading axes, several draws of them."""

    positions: Floats
    intercepts: Floats
    centres: Floats
    variances: Floats
    weights: Floats


def from_prior(world: World, priors: Priors, rng: np.random.Generator) -> Parameters:
    """Draw parameters from the prior, as its definition says."""
    g, d = world.n_clusters, world.n_dims
    intercepts = rng.normal(priors.intercept_mean, np.sqrt(priors.intercept_variance), world.n_relations)
    centres = rng.normal(0.0, np.sqrt(priors.centre_variance), (g, d))
    variances = priors.variance_degrees * priors.variance_scale / rng.chisquare(priors.variance_degrees, g)
    weights = rng.dirichlet(np.full(g, priors.concentration))
    labels = rng.choice(g, world.n_actors, p=weights)
    positions = centres[labels] + np.sqrt(variances[labels])[:, None] * rng.standard_normal((world.n_actors, d))
    return Parameters(positions, intercepts, centres, variances, weights)


def answers(world: World, rng: np.random.Generator) -> Floats:
    """Return the number of answers about each dyad and relation, symmetric."""
    shape = (world.n_relations, world.n_actors, world.n_actors)
    seen = rng.integers(0, 3, shape).astype(float) if world.masked else np.full(shape, 2.0)
    seen = np.tril(seen, -1)
    return seen + seen.transpose(0, 2, 1)


def from_model(truth: Parameters, observed: Floats, rng: np.random.Generator) -> Floats:
    """Draw the number of ties seen in each dyad and relation."""
    probability = expit(truth.intercepts[:, None, None] - distances(truth.positions))
    ties = np.tril(rng.binomial(observed.astype(int), probability), -1).astype(float)
    return ties + ties.transpose(0, 2, 1)


def quantities(p: Parameters, dyads: list[Dyads]) -> dict[str, Floats]:
    """Return what is ranked or averaged, none of which depends on labels, rotation or reflection; leading axes stay."""
    apart = distances(p.positions)
    below = np.tril_indices(apart.shape[-1], -1)
    apart = apart[..., below[0], below[1]]
    likelihood = np.zeros(apart.shape[:-1])
    for r, (ties, observed) in enumerate(dyads):
        eta = p.intercepts[..., r, None] - apart
        linear = ties[..., below[0], below[1]] * eta
        likelihood = likelihood + (linear - observed[below] * np.logaddexp(0.0, eta)).sum(axis=-1)
    out = {f"intercept {r + 1}": p.intercepts[..., r] for r in range(p.intercepts.shape[-1])}
    return out | {
        "log-likelihood": likelihood,
        "mean distance": apart.mean(axis=-1),
        "smallest log variance": np.log(p.variances.min(axis=-1)),
        "largest log variance": np.log(p.variances.max(axis=-1)),
        "largest weight": p.weights.max(axis=-1),
    }


def ranks(
    world: World,
    n_replicates: int,
    n_draws: int,
    seed: int,
    *,
    thin: int = 20,
    n_warmup: int = 300,
    spoil: Spoil | None = None,
    **wrong: float,
) -> Ranks:
    """Return the ranks 0..n_draws of the truth, one of each quantity and replicate.

    ``spoil`` changes the data that the sampler is given, ``wrong`` multiplies numbers of its priors: the controls.
    """
    priors = Priors.usual(world.n_actors, world.n_clusters, world.n_dims)
    theirs = replace(priors, **{name: getattr(priors, name) * factor for name, factor in wrong.items()})
    settings = LpcmMcmc(n_dims=world.n_dims, n_chains=1, n_warmup=n_warmup, n_draws=n_draws, thin=thin)
    found: dict[str, list[int]] = {}
    for replicate in range(n_replicates):
        rng = np.random.default_rng([seed, replicate])
        truth = from_prior(world, priors, rng)
        observed = answers(world, rng)
        dyads = [Dyads(t, o) for t, o in zip(from_model(truth, observed, rng), observed, strict=True)]
        raw = chains.run(settings, spoil(dyads) if spoil else dyads, world.n_clusters, theirs, rng)
        draws = Parameters(raw.positions.astype(float), raw.intercepts, raw.centres, raw.variances, raw.weights)
        true, drawn = quantities(truth, dyads), quantities(draws, dyads)
        for name, value in true.items():
            found.setdefault(name, []).append(int((drawn[name] < value).sum()))
    return {name: np.array(values) for name, values in found.items()}


def without_data(dyads: list[Dyads]) -> list[Dyads]:
    """Return the dyads as if nobody had answered: the sampler then draws from the prior."""
    return [Dyads(np.zeros_like(d.ties), np.zeros_like(d.observed)) for d in dyads]


def smallest_probabilities(ranked: NDArray[np.int64], n_draws: int) -> Floats:
    """Return the smallest pointwise two-sided probability of each row's cumulative counts; ranked : (..., n_replicates)."""
    n_replicates = ranked.shape[-1]
    points = np.arange(1, n_draws + 1) / (n_draws + 1)
    below = (ranked[..., None, :] < np.arange(1, n_draws + 1)[:, None]).sum(axis=-1)
    table = stats.binom.cdf(np.arange(-1, n_replicates + 1), n_replicates, points[:, None])
    at = np.arange(n_draws)
    two_sided = 2.0 * np.minimum(table[at, below + 1], 1.0 - table[at, below])
    return np.asarray(two_sided.min(axis=-1))


def p_value(found: Ranks, n_draws: int, n_simulated: int = 4000) -> float:
    """Return the probability that uniform ranks look as uneven as these, at any point and of any quantity."""
    n_replicates = len(next(iter(found.values())))
    rng = np.random.default_rng(1)
    uniform = rng.integers(0, n_draws + 1, (n_simulated, n_replicates))
    each = smallest_probabilities(uniform, n_draws)
    # Quantities hang together; taken as independent, the smallest of them is too small, which errs on the safe side.
    together = np.sort(rng.choice(each, (n_simulated, len(found))).min(axis=1))
    observed = min(float(smallest_probabilities(r, n_draws)) for r in found.values())
    return float((1 + np.searchsorted(together, observed, side="right")) / (n_simulated + 1))


def geweke_differences(world: World, priors: Priors, n_sweeps: int, seed: int, **wrong: float) -> dict[str, float]:
    """Return standardised differences of means between the prior and a chain that draws data anew after each sweep.

    Both have the prior as their distribution of parameters (Geweke 2004), if the sweep leaves the posterior as it is;
    ``wrong`` multiplies numbers of the sampler's prior.
    """
    rng = np.random.default_rng(seed)
    truth = from_prior(world, priors, rng)
    theirs = Prior(*astuple(replace(priors, **{name: getattr(priors, name) * f for name, f in wrong.items()})))
    state = State(
        np.ascontiguousarray(truth.positions.T),
        truth.intercepts,
        truth.centres,
        truth.variances,
        truth.weights,
        np.zeros(world.n_actors, dtype=np.int64),
    )
    observed = answers(world, rng)
    data = Data(from_model(truth, observed, rng), observed)
    work = new_work(world.n_dims, world.n_actors, world.n_relations, world.n_clusters)
    tuning = Tuning(0.25, 10, np.full(work.vector.size, 2.0), np.array([[1.0, 0.0], [0.2, 0.4]]), 3)
    chain: list[tuple[Floats, ...]] = []
    independent: list[tuple[Floats, ...]] = []
    for _ in range(n_sweeps):
        sweep(state, data, theirs, tuning, work, rng)
        now = Parameters(state.positions.T, state.intercepts, state.centres, state.variances, state.weights)
        data.ties[:] = from_model(now, observed, rng)
        chain.append(tuple(part.copy() for part in (*vars(now).values(), data.ties)))
        now = from_prior(world, priors, rng)
        independent.append((*vars(now).values(), from_model(now, observed, rng)))
    ours, direct = moments(chain, observed), moments(independent, observed)
    return {
        name: float(
            (ours[name].mean() - direct[name].mean()) / np.hypot(mcse_mean(ours[name][None]), _error(direct[name]))
        )
        for name in ours
    }


def _error(independent: Floats) -> float:
    return float(independent.std() / np.sqrt(len(independent)))


def moments(draws: list[tuple[Floats, ...]], observed: Floats) -> dict[str, Floats]:
    """Return the quantities of each draw (parameters, then ties), some of their squares and products, and the ties."""
    *parts, ties = (np.stack(part) for part in zip(*draws, strict=True))
    p = Parameters(*parts)
    out = quantities(p, [Dyads(ties[:, r], observed[r]) for r in range(len(observed))])
    seen = ties.sum(axis=(1, 2, 3))
    return out | {
        "ties": seen,
        "squared intercept": out["intercept 1"] ** 2,
        "squared mean distance": out["mean distance"] ** 2,
        "intercept times ties": out["intercept 1"] * seen,
        "intercept times distance": out["intercept 1"] * out["mean distance"],
        "distance of the centres": np.linalg.norm(p.centres[:, 0] - p.centres[:, -1], axis=1),
        "spread about the origin": (p.positions**2).sum(axis=(1, 2)),
    }
