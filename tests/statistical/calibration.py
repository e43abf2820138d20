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
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from reference.cases import lower
from scipy import stats
from statistical.worlds import (
    Answers,
    Truth,
    World,
    circumstances,
    draw_ties,
    from_prior,
    latent_data,
    named,
    networks,
    quantities,
)

from simlab.fit import chains
from simlab.fit.fit import Fitter
from simlab.fit.point import empty_state
from simlab.kernels.chain_state import State, Tuning, new_work, views
from simlab.kernels.lpcm import log_likelihood_of, sweep
from simlab.models.convergence import mcse_mean
from simlab.models.lpcm import Parameters, Priors

Floats = NDArray[np.float64]
Ranks = dict[str, NDArray[np.int64]]
Spoil = Callable[[Answers], Answers]

# Every kind of model that the chains draw from.
VARIANTS = {
    "directed": World(11),
    "undirected": World(12, directed=False),
    "masked": World(11, masked=True),
    "two relations, masked": World(9, n_relations=2, masked=True),
    "one dimension, three clusters": World(12, 3, 1),
    "three dimensions": World(10, 2, 3),
    "one cluster": World(11, 1),
    "no clusters": World(11, 0),
    "sender and receiver effects": World(11, sociality="both"),
    "sender effects, masked": World(11, sociality="sender", masked=True),
    "shared effects, undirected": World(12, sociality="shared", directed=False),
    "shared effects, directed": World(11, sociality="shared", masked=True),
    "covariate": World(11, covariate=True),
    "covariate, undirected": World(12, covariate=True, directed=False),
    "reciprocity": World(11, reciprocity=True),
    "reciprocity, masked": World(11, reciprocity=True, masked=True),
    "two names": World(11, max_nominations=2),
    "two names, masked": World(11, max_nominations=2, masked=True, sociality="sender"),
    "two names, reciprocity": World(10, max_nominations=2, reciprocity=True, covariate=True),
    "poisson": World(10, family="poisson"),
    "poisson, everything": World(
        9, family="poisson", n_relations=2, masked=True, sociality="both", covariate=True, n_clusters=1
    ),
    "everything": World(9, n_relations=2, masked=True, sociality="both", reciprocity=True, covariate=True),
    "everything, no clusters": World(10, 0, sociality="receiver", reciprocity=True, covariate=True),
}

# Those whose data a chain can draw anew after each sweep, as Geweke's test does.
REDRAWN = {name: world for name, world in VARIANTS.items() if world.max_nominations is None}


def simulated(world: World, priors: Priors, seed: int, replicate: int) -> tuple[Truth, Answers, np.random.Generator]:
    """Return parameters from the prior, answers from the model, and the random stream that goes on from there."""
    # Its own stream for each kind of world, so that chance does not strike all of them alike.
    rng = np.random.default_rng([seed, replicate, *repr(world).encode()])
    truth = from_prior(world, priors, rng)
    given = circumstances(world, rng)
    return truth, named(world, replace(given, ties=draw_ties(world, truth, given, rng)), rng), rng


def ranks(
    world: World,
    n_replicates: int,
    n_draws: int,
    seed: int,
    *,
    thin: int = 20,
    n_warmup: int = 300,
    spoil: Spoil | None = None,
    model: World | None = None,
    **wrong: float,
) -> Ranks:
    """Return the ranks 0..n_draws of the truth, one of each quantity and replicate.

    The controls: ``spoil`` changes the answers that the sampler is given, ``model`` is another model for it, ``wrong``
    multiplies numbers of its priors.
    """
    priors = world.priors()
    theirs = replace(priors, **{name: getattr(priors, name) * factor for name, factor in wrong.items()})
    model = model or world
    plan = chains.Plan(1, n_warmup, n_draws, thin, 0.8)
    found: dict[str, list[int]] = {}
    for replicate in range(n_replicates):
        truth, given, rng = simulated(world, priors, seed, replicate)
        data = latent_data(model, spoil(given) if spoil else given)
        raw = chains.run(plan, data, world.n_dims, world.n_clusters, theirs, rng)
        draws = Truth(raw.positions.astype(float), chains.parameters(raw))
        true, drawn = quantities(model, truth, given), quantities(model, draws, given)
        for name, value in true.items():
            found.setdefault(name, []).append(int((drawn[name] < value).sum()))
    return {name: np.array(values) for name, values in found.items()}


def without_data(given: Answers) -> Answers:
    """Return the answers as if nobody had answered: the sampler then draws from the prior."""
    return replace(given, ties=np.zeros_like(given.ties), seen=np.zeros_like(given.seen))


def turned_round(given: Answers) -> Answers:
    """Return the answers with ties and their absence exchanged, as if the slope of the likelihood had the wrong sign."""
    return replace(given, ties=given.seen - given.ties)


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
    each = np.concatenate(
        [
            smallest_probabilities(rng.integers(0, n_draws + 1, (size, n_replicates)), n_draws)
            for size in [100] * (n_simulated // 100)
        ]
    )
    # Quantities hang together; taken as independent, the smallest of them is too small, which errs on the safe side.
    together = np.sort(rng.choice(each, (n_simulated, len(found))).min(axis=1))
    observed = min(float(smallest_probabilities(r, n_draws)) for r in found.values())
    return float((1 + np.searchsorted(together, observed, side="right")) / (n_simulated + 1))


def coverage(ranked: NDArray[np.int64], n_draws: int, level: float) -> float:
    """Return how often the truth lies in the central interval of this level; ``level`` (n_draws + 1) must be even."""
    outside = (1.0 - level) * (n_draws + 1) / 2.0
    assert abs(outside - round(outside)) < 1e-9, "no interval of draws has this level exactly"
    low = round(outside)
    return float(((ranked >= low) & (ranked < n_draws + 1 - low)).mean())


def coverage_p_value(found: Ranks, n_draws: int, level: float) -> float:
    """Return the smallest two-sided binomial probability of the coverage of a quantity, times their number, at most 1."""
    values = []
    for ranked in found.values():
        hits = round(coverage(ranked, n_draws, level) * len(ranked))
        values.append(stats.binomtest(hits, len(ranked), level).pvalue)
    return float(min(1.0, min(values) * len(values)))


def misses(fitter: Fitter, world: World, n_replicates: int, n_draws: int, seed: int) -> tuple[Ranks, dict[str, Floats]]:
    """Return what a fitter that is not exact makes of the same simulations: ranks, and estimates minus truths.

    Ranks are among the draws of its tie model, where it has more than one; errors are those of their medians. Simulations
    without an answer, or with no or all ties, are counted like the others.
    """
    found: dict[str, list[int]] = {}
    errors: dict[str, list[float]] = {}
    for replicate in range(n_replicates):
        truth, given, rng = simulated(world, world.priors(), seed, replicate)
        model = fitter.fit(networks(world, given)[0], rng=rng).tie_model
        positions = np.asarray(getattr(model, "positions", None), dtype=float)
        intercepts = np.asarray(getattr(model, "intercepts", None), dtype=float)
        if positions.ndim == 2:
            positions, intercepts = positions[None], np.atleast_2d(intercepts)
        true, drawn = places(truth.positions, truth.rest.intercepts), places(positions, intercepts)
        for name, value in true.items():
            errors.setdefault(name, []).append(float(np.median(drawn[name]) - value))
            if len(positions) > 1:
                chosen = rng.permutation(len(positions))[:n_draws]
                found.setdefault(name, []).append(int((drawn[name][chosen] < value).sum()))
    return (
        {name: np.array(values) for name, values in found.items()},
        {name: np.array(values) for name, values in errors.items()},
    )


def places(positions: Floats, intercepts: Floats) -> dict[str, Floats]:
    """Return the intercept and what is made of distances; leading axes stay."""
    below = np.tril_indices(positions.shape[-2], -1)
    apart = np.sqrt(((positions[..., below[0], :] - positions[..., below[1], :]) ** 2).sum(-1))
    return {
        "intercept 1": intercepts[..., 0],
        "intercept minus mean distance": intercepts[..., 0] - apart.mean(-1),
        "mean distance": apart.mean(-1),
        "median distance": np.median(apart, axis=-1),
        "distance of the first pair": apart[..., 0],
    }


def geweke_differences(world: World, priors: Priors, n_sweeps: int, seed: int, **wrong: float) -> dict[str, float]:
    """Return standardised differences of means between the prior and a chain that draws data anew after each sweep.

    Both have the prior as their distribution of parameters (Geweke 2004), if the sweep leaves the posterior as it is;
    ``wrong`` multiplies numbers of the sampler's prior.
    """
    rng = np.random.default_rng(seed)
    theirs = replace(priors, **{name: getattr(priors, name) * f for name, f in wrong.items()}).for_kernels()
    truth = from_prior(world, priors, rng)
    given = circumstances(world, rng)
    latent = latent_data(world, given)
    data = latent.kernel_data()
    state = empty_state(latent, world.n_dims, world.n_clusters)
    here = views(state.vector, state.shape)
    here.positions[:] = truth.positions.T
    here.centres[:], here.log_variances[:] = truth.rest.centres, np.log(truth.rest.variances)
    for name in ("intercepts", "coefficients", "reciprocity", "sender", "receiver"):
        getattr(here, name)[:] = getattr(truth.rest, name)
    state.weights[:], state.effect_variances[:] = truth.rest.weights, truth.rest.effect_variances
    work = new_work(state.shape)
    size = work.vector.size
    masses = views(np.full(size, 3.0), state.shape)
    masses.positions[:] = 2.0 + 0.3 * world.n_actors * world.n_relations
    masses.intercepts[:] = 2.0 + 0.2 * world.n_actors**2
    masses.coefficients[:] = masses.reciprocity[:] = 2.0 + 0.2 * world.n_actors**2
    mass = np.concatenate([part.ravel() for part in masses])
    if priors.centre_variance == 0.0:
        views(mass, state.shape).centres[:] = np.inf
    roots = np.where(np.isfinite(mass), np.sqrt(mass), 0.0)
    tuning = Tuning(0.35, 10, 1.0 / mass, roots, np.array([[0.6, 0.0], [0.2, 0.4]]), 3, 2)
    chain: list[tuple[Truth, Floats]] = []
    independent: list[tuple[Truth, Floats]] = []
    for _ in range(n_sweeps):
        now = _truth(state)
        ties = draw_ties(world, now, given, rng)
        chain.append((now, ties))
        there, back = lower(ties), lower(ties.swapaxes(1, 2))
        if data.ties_back.shape[1]:
            data.ties[:], data.ties_back[:] = there, back
        else:
            data.ties[:] = there + back if world.directed else there
        # The data are other ones each time, and so the likelihood before the sweep is worked out anew.
        sweep(state, data, theirs, tuning, work, rng, log_likelihood_of(state, data, work))
        other = from_prior(world, priors, rng)
        independent.append((other, draw_ties(world, other, given, rng)))
    ours, direct = (moments(world, draws, given) for draws in (chain, independent))
    return {
        name: float(
            (ours[name].mean() - direct[name].mean())
            / np.hypot(mcse_mean(ours[name][None]), direct[name].std() / np.sqrt(n_sweeps))
        )
        for name in ours
        if np.ptp(direct[name]) > 0.0  # with one cluster its centres are nowhere apart
    }


def _truth(state: State) -> Truth:
    """Return a copy of what a state holds."""
    at = views(state.vector.copy(), state.shape)
    names = ("intercepts", "coefficients", "reciprocity", "sender", "receiver", "centres")
    return Truth(
        at.positions.T,
        Parameters(
            **{name: getattr(at, name) for name in names},
            variances=np.exp(at.log_variances),
            effect_variances=state.effect_variances.copy(),
            weights=state.weights.copy(),
        ),
    )


def moments(world: World, draws: list[tuple[Truth, Floats]], given: Answers) -> dict[str, Floats]:
    """Return the quantities of each draw (parameters, then ties), some of their squares and products, and the ties."""
    each = [quantities(world, truth, replace(given, ties=ties)) for truth, ties in draws]
    out = {name: np.array([values[name] for values in each]) for name in each[0]}
    ties = np.stack([ties for _, ties in draws])
    seen = np.log1p(ties.sum(axis=(1, 2, 3)))
    mutual = np.log1p((ties * ties.swapaxes(2, 3)).sum(axis=(1, 2, 3)))
    positions = np.stack([truth.positions for truth, _ in draws])
    centres = np.stack([truth.rest.centres for truth, _ in draws])
    squares = {f"squared {name}": out[name] ** 2 for name in out if "log-likelihood" not in name}
    return (
        out
        | squares
        | {
            "log of ties": seen,
            "log of mutual ties": mutual,
            "intercept times ties": out["intercept 1"] * seen,
            "intercept times distance": out["intercept 1"] * out["mean distance"],
            "distance of the centres": np.linalg.norm(centres[:, 0] - centres[:, -1], axis=1),
            "spread about the origin": np.log((positions**2).sum(axis=(1, 2))),
        }
    )


# Moments that exist: the usual priors of so few actors have variances without a mean.
LIGHT = Priors(
    intercept_mean=0.5,
    intercept_variance=1.0,
    coefficient_variance=0.4,
    effect_degrees=12.0,
    effect_scale=0.3,
    centre_variance=1.0,
    variance_degrees=12.0,
    variance_scale=0.5,
    concentration=3.0,
)


def geweke_worst(world: World, n_sweeps: int, seed: int, **wrong: float) -> tuple[float, float]:
    """Return the largest standardised difference of a moment, and what one in a thousand sets of moments exceeds."""
    small = replace(world, n_actors=4)
    priors = replace(LIGHT, centre_variance=LIGHT.centre_variance if world.n_clusters else 0.0)
    found = geweke_differences(small, priors, n_sweeps, seed, **wrong)
    assert np.isfinite(list(found.values())).all(), found
    return max(abs(value) for value in found.values()), float(stats.norm.isf(0.001 / 2 / len(found)))
