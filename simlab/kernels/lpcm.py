"""One chain of the latent position cluster model: Hamiltonian steps for all that is continuous, Gibbs for the mixture.

The target is the posterior of Handcock, Raftery & Tantrum (2007, equations 1-3 and their priors), with the covariates and
effects of Krivitsky, Handcock, Raftery & Hoff (2009); ``dyads`` and ``predictors`` have the likelihood:

    z_i ~ sum_g weight_g N(centre_g, variance_g I),  intercept ~ N(mean, variance),  coefficients ~ N(0, variance),
    sender_i ~ N(0, s^2),  s^2 and variance_g ~ scaled inverse chi-squared(degrees, scale),
    centre_g ~ N(0, centre_variance I),  weights ~ Dirichlet(concentration)

A sweep is (1) a Hamiltonian step for everything in the flat vector together, with the labels summed out, (2) labels given
positions, jumps of actors to other clusters, and ties that fixed choice left open, (3) variances, centres and weights given
labels, and the effects' variances and level, each from its exact conditional, and (4) joint moves of positions, centres,
variances and intercepts along the scale, which the data determine only through intercept minus distance.
"""

from __future__ import annotations

import math

import numpy as np

from simlab.foundation.compile import inlined_kernel, lean_kernel
from simlab.kernels.chain_state import PLAIN, Data, Info, Prior, State, Tuning, Work, copy, unpacked
from simlab.kernels.dyads import (
    fill_distances,
    likelihood_force,
    log_likelihood_gradient,
    log_likelihood_scaled,
)
from simlab.kernels.gibbs import draw_effects, draw_labels, draw_mixture
from simlab.kernels.jumps import jumps
from simlab.kernels.mixture import add_mixture, add_prior
from simlab.kernels.nominations import draw_open_ties
from simlab.kernels.predictors import likelihood_of_predictors


@inlined_kernel
def add_mixture_and_prior(state: State, prior: Prior, work: Work) -> float:
    """Return the log-density of positions and parameters at ``work.vector``; add its gradient to ``work.gradient``."""
    point, pull = unpacked(work.vector, state.shape), unpacked(work.gradient, state.shape)
    density = add_mixture(point, pull, state.weights, work.shares, work.squares, work.sums)
    return density + add_prior(point, pull, state.effect_variances, prior)


@inlined_kernel
def log_density_gradient(state: State, data: Data, prior: Prior, work: Work) -> tuple[float, float]:
    """Return (log-density, log-likelihood) at ``work.vector``; the gradient goes to ``work.gradient``."""
    point, pull = unpacked(work.vector, state.shape), unpacked(work.gradient, state.shape)
    for a in range(work.gradient.shape[0]):
        work.gradient[a] = 0.0
    if data.form == PLAIN:
        likelihood = log_likelihood_gradient(
            point.positions, point.intercepts, data.ties, data.observed, pull.positions, pull.intercepts, work.blocks
        )
    else:
        fill_distances(point.positions, work.distances)
        likelihood = likelihood_of_predictors(point, data, 1.0, 0.0, pull, work)
    return likelihood + add_mixture_and_prior(state, prior, work), likelihood


@inlined_kernel
def fill_force(state: State, data: Data, prior: Prior, work: Work) -> tuple[float, float]:
    """Fill ``work.gradient`` as a Hamiltonian step needs it; return (log-density but for the likelihood, likelihood).

    The likelihood is NaN where the force was taken in single precision, which does not give it.
    """
    if data.form != PLAIN:
        density, likelihood = log_density_gradient(state, data, prior, work)
        return density - likelihood, likelihood
    point, pull = unpacked(work.vector, state.shape), unpacked(work.gradient, state.shape)
    n_dims, n = point.positions.shape
    for k in range(n_dims):
        for i in range(n):
            work.single_positions[k, i] = np.float32(point.positions[k, i])
    for r in range(point.intercepts.shape[0]):
        work.single_intercepts[r] = np.float32(point.intercepts[r])
    for a in range(work.gradient.shape[0]):
        work.gradient[a] = 0.0
    likelihood_force(
        work.single_positions,
        work.single_intercepts,
        data.ties,
        data.observed,
        work.single_gradient,
        pull.intercepts,
        work.single_blocks,
    )
    for k in range(n_dims):
        for i in range(n):
            pull.positions[k, i] = np.float64(work.single_gradient[k, i])
    return add_mixture_and_prior(state, prior, work), np.nan


@inlined_kernel
def draw_momentum(tuning: Tuning, work: Work, rng: np.random.Generator) -> float:
    """Draw the momentum; return its kinetic energy."""
    kinetic = 0.0
    for a in range(work.momentum.shape[0]):
        noise = rng.standard_normal() if tuning.root_masses[a] > 0.0 else 0.0
        work.momentum[a] = noise * tuning.root_masses[a]
        kinetic += 0.5 * noise * noise
    return kinetic


@inlined_kernel
def leap(work: Work, inverse_masses: np.ndarray, kick: float, drift: float) -> None:
    """Push the momentum by ``kick`` of the force, then the place by ``drift`` of the velocity."""
    for a in range(work.momentum.shape[0]):
        work.momentum[a] += kick * work.gradient[a]
        work.vector[a] += drift * work.momentum[a] * inverse_masses[a]


@inlined_kernel
def hamiltonian_step(
    state: State,
    data: Data,
    prior: Prior,
    tuning: Tuning,
    work: Work,
    rng: np.random.Generator,
    likelihood: float,
) -> Info:
    """Move everything in the flat vector by one trajectory of random length (Neal 2011, section 5.2).

    ``likelihood`` is the log-likelihood of the state.
    """
    copy(state.vector, work.vector)
    kinetic = draw_momentum(tuning, work, rng)
    steps = 1 + int(rng.random() * tuning.n_steps)
    step = tuning.step_size * (0.9 + 0.2 * rng.random())
    start, rest, value = 0.0, 0.0, 0.0
    for t in range(steps + 1):
        rest, value = fill_force(state, data, prior, work)
        if t == 0:
            start = likelihood + rest
        if not math.isfinite(rest):
            break
        # Half a kick at both ends; two halves between.
        kick = step if 0 < t < steps else 0.5 * step
        leap(work, tuning.inverse_masses, kick, step if t < steps else 0.0)
    if data.form == PLAIN:
        point = unpacked(work.vector, state.shape)
        fill_distances(point.positions, work.distances)
        value = log_likelihood_scaled(work.distances, 1.0, point.intercepts, data.ties, data.observed)
    end_kinetic = 0.0
    for a in range(work.momentum.shape[0]):
        end_kinetic += 0.5 * work.momentum[a] * work.momentum[a] * tuning.inverse_masses[a]
    gain = (value + rest - end_kinetic) - (start - kinetic)
    divergent = not (gain > -1000.0)
    acceptance = 0.0 if divergent else math.exp(min(0.0, gain))
    if rng.random() < acceptance:
        copy(work.vector, state.vector)
        likelihood = value
    return Info(likelihood, acceptance, divergent, 0.0)


@inlined_kernel
def log_scale_prior(state: State, prior: Prior, log_scale: float) -> float:
    """Return the log-prior of the mixture scaled by exp(log_scale), with the Jacobian, up to a constant.

    Scaling (positions, centres, variances) to (s z, s mu, s^2 sigma^2) leaves the density of positions times its
    Jacobian as it is; what remains is s^(G d) for the centres, where they are not held, and s^(2 G) for the variances.
    """
    point = unpacked(state.vector, state.shape)
    n_clusters, n_dims = point.centres.shape
    scale = math.exp(log_scale)
    total: float = 2.0 * n_clusters * log_scale
    for g in range(n_clusters):
        if prior.centre_variance > 0.0:
            total += n_dims * log_scale
            for k in range(n_dims):
                total -= 0.5 * (scale * point.centres[g, k]) ** 2 / prior.centre_variance
        log_variance = 2.0 * log_scale + point.log_variances[g]
        total -= (0.5 * prior.variance_degrees + 1.0) * log_variance
        total -= 0.5 * prior.variance_degrees * prior.variance_scale * math.exp(-log_variance)
    return total


@inlined_kernel
def log_shift_prior(state: State, prior: Prior, shift: float) -> float:
    """Return the log-prior of the intercepts plus ``shift``, up to a constant."""
    total = 0.0
    point = unpacked(state.vector, state.shape)
    for r in range(point.intercepts.shape[0]):
        away = point.intercepts[r] + shift - prior.intercept_mean
        total -= 0.5 * away * away / prior.intercept_variance
    return total


@inlined_kernel
def likelihood_moved(state: State, data: Data, work: Work, log_scale: float, shift: float) -> float:
    """Return the log-likelihood with the space scaled and the intercepts shifted; ``work.distances`` are the state's."""
    point = unpacked(state.vector, state.shape)
    if data.form == PLAIN:
        for r in range(point.intercepts.shape[0]):
            work.intercepts[r] = point.intercepts[r] + shift
        return log_likelihood_scaled(work.distances, math.exp(log_scale), work.intercepts, data.ties, data.observed)
    aside = unpacked(work.aside, state.shape)
    return likelihood_of_predictors(point, data, math.exp(log_scale), shift, aside, work)


@inlined_kernel
def scale_moves(
    state: State, data: Data, prior: Prior, tuning: Tuning, work: Work, rng: np.random.Generator, likelihood: float
) -> tuple[float, float]:
    """Propose joint changes of scale and intercepts; return (log-likelihood, share of proposals accepted)."""
    fill_distances(unpacked(state.vector, state.shape).positions, work.distances)
    shift = 0.0
    log_scale = 0.0
    moved = 0.0
    prior_now = log_scale_prior(state, prior, 0.0) + log_shift_prior(state, prior, 0.0)
    for _ in range(tuning.n_scale_moves):
        a = rng.standard_normal()
        c = rng.standard_normal()
        new_shift = shift + tuning.scale_factor[0, 0] * a
        new_scale = log_scale + tuning.scale_factor[1, 0] * a + tuning.scale_factor[1, 1] * c
        new_prior = log_scale_prior(state, prior, new_scale) + log_shift_prior(state, prior, new_shift)
        new_likelihood = likelihood_moved(state, data, work, new_scale, new_shift)
        gain = new_likelihood + new_prior - likelihood - prior_now
        if math.log(max(rng.random(), 1e-300)) < gain:
            shift = new_shift
            log_scale = new_scale
            likelihood = new_likelihood
            prior_now = new_prior
            moved += 1.0
    if moved > 0.0:
        move_scale(state, log_scale, shift)
    return likelihood, moved / max(tuning.n_scale_moves, 1)


@inlined_kernel
def move_scale(state: State, log_scale: float, shift: float) -> None:
    """Scale positions, centres and variances of a state, and shift its intercepts."""
    point = unpacked(state.vector, state.shape)
    scale = math.exp(log_scale)
    for k in range(point.positions.shape[0]):
        for i in range(point.positions.shape[1]):
            point.positions[k, i] *= scale
        for g in range(point.centres.shape[0]):
            point.centres[g, k] *= scale
    for g in range(point.log_variances.shape[0]):
        point.log_variances[g] += 2.0 * log_scale
    for r in range(point.intercepts.shape[0]):
        point.intercepts[r] += shift


@inlined_kernel
def log_likelihood_of(state: State, data: Data, work: Work) -> float:
    """Return the log-likelihood of a state."""
    fill_distances(unpacked(state.vector, state.shape).positions, work.distances)
    return likelihood_moved(state, data, work, 0.0, 0.0)


@lean_kernel
def sweep(
    state: State, data: Data, prior: Prior, tuning: Tuning, work: Work, rng: np.random.Generator, likelihood: float
) -> Info:
    """Do one sweep from a state of this log-likelihood: Hamiltonian step, labels, mixture, effects, scale moves."""
    info = hamiltonian_step(state, data, prior, tuning, work, rng, likelihood)
    draw_labels(state, work, rng)
    likelihood = jumps(state, data, tuning.n_jumps, work, rng, info.log_likelihood)
    if data.open_named.shape[0] > 0:
        likelihood = draw_open_ties(state, data, work, rng, likelihood)
    draw_mixture(state, prior, rng)
    if state.shape.n_senders + state.shape.n_receivers > 0:
        draw_effects(state, data, prior, rng)
    likelihood, moved = scale_moves(state, data, prior, tuning, work, rng, likelihood)
    return Info(likelihood, info.acceptance, info.divergent, moved)
