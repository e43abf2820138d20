"""One chain of the latent position cluster model: Hamiltonian steps for positions and intercepts, Gibbs for the mixture.

The target is the posterior of science's usual model (Handcock, Raftery & Tantrum 2007, equations 1-3 and their priors):

    logit P(tie_ij) = intercept - ||z_i - z_j||,   z_i ~ sum_g weight_g N(centre_g, variance_g I)
    intercept ~ N(mean, variance),  centre_g ~ N(0, centre_variance I),
    variance_g ~ scaled inverse chi-squared(degrees, scale),  weights ~ Dirichlet(concentration)

A sweep is (1) a Hamiltonian step for positions, intercepts, centres and log variances together, with the labels summed
out, (2) labels given positions, (3) variances, centres and weights given labels, each from its exact conditional, and
(4) joint moves of positions, centres, variances and intercepts along the scale, which the data determine only through
intercept minus distance.
"""

from __future__ import annotations

import math

import numpy as np

from simlab.foundation.compile import fast_kernel, kernel
from simlab.kernels.chain_state import Data, Info, Prior, State, Tuning, Work, pack, unpack, unpacked
from simlab.kernels.dyads import Floats, fill_distances, log_likelihood_gradient, log_likelihood_scaled
from simlab.kernels.gibbs import draw_labels, draw_mixture

_LOG_TWO_PI = math.log(2.0 * math.pi)


@fast_kernel
def add_mixture(vector: Floats, gradient: Floats, state: State, terms: Floats) -> float:
    """Return the log-density of all positions under the mixture, labels summed out; add its gradient to ``gradient``."""
    positions, _, centres, log_variances = unpacked(vector, state)
    pull_positions, _, pull_centres, pull_variances = unpacked(gradient, state)
    n_dims, n = positions.shape
    n_clusters = state.weights.shape[0]
    total = 0.0
    for i in range(n):
        largest = -np.inf
        for g in range(n_clusters):
            squared = 0.0
            for k in range(n_dims):
                difference = positions[k, i] - centres[g, k]
                squared += difference * difference
            terms[g] = (
                math.log(state.weights[g])
                - 0.5 * squared * math.exp(-log_variances[g])
                - 0.5 * n_dims * (log_variances[g] + _LOG_TWO_PI)
            )
            largest = max(largest, terms[g])
        mass = 0.0
        for g in range(n_clusters):
            terms[g] = math.exp(terms[g] - largest)
            mass += terms[g]
        total += largest + math.log(mass)
        for g in range(n_clusters):
            share = terms[g] / mass
            precision = math.exp(-log_variances[g])
            squared = 0.0
            for k in range(n_dims):
                difference = positions[k, i] - centres[g, k]
                squared += difference * difference
                pull_positions[k, i] -= share * precision * difference
                pull_centres[g, k] += share * precision * difference
            pull_variances[g] += share * 0.5 * (squared * precision - n_dims)
    return total


@fast_kernel
def add_prior(vector: Floats, gradient: Floats, state: State, prior: Prior) -> float:
    """Return the log-prior of intercepts, centres and log variances up to a constant; add its gradient."""
    _, intercepts, centres, log_variances = unpacked(vector, state)
    _, pull_intercepts, pull_centres, pull_variances = unpacked(gradient, state)
    total = 0.0
    for r in range(intercepts.shape[0]):
        away = intercepts[r] - prior.intercept_mean
        total -= 0.5 * away * away / prior.intercept_variance
        pull_intercepts[r] -= away / prior.intercept_variance
    for g in range(centres.shape[0]):
        for k in range(centres.shape[1]):
            total -= 0.5 * centres[g, k] * centres[g, k] / prior.centre_variance
            pull_centres[g, k] -= centres[g, k] / prior.centre_variance
        # The density of the logarithm: that of the variance times the variance.
        spread = 0.5 * prior.variance_degrees * prior.variance_scale * math.exp(-log_variances[g])
        total -= 0.5 * prior.variance_degrees * log_variances[g] + spread
        pull_variances[g] += spread - 0.5 * prior.variance_degrees
    return total


@fast_kernel
def log_density_gradient(state: State, data: Data, prior: Prior, work: Work) -> tuple[float, float]:
    """Return (log-density, log-likelihood) at ``work.vector``; the gradient goes to ``work.gradient``."""
    positions, intercepts, _, _ = unpacked(work.vector, state)
    work.gradient[:] = 0.0
    pull_positions, pull_intercepts, _, _ = unpacked(work.gradient, state)
    likelihood = log_likelihood_gradient(
        positions, intercepts, data.ties, data.observed, pull_positions, pull_intercepts, work.rows
    )
    density = likelihood + add_mixture(work.vector, work.gradient, state, work.terms)
    return density + add_prior(work.vector, work.gradient, state, prior), likelihood


@kernel
def hamiltonian_step(
    state: State, data: Data, prior: Prior, tuning: Tuning, work: Work, rng: np.random.Generator
) -> Info:
    """Move all continuous quantities but the weights by one trajectory of random length (Neal 2011, section 5.2)."""
    pack(state, work.vector)
    start, likelihood = log_density_gradient(state, data, prior, work)
    size = work.vector.shape[0]
    kinetic = 0.0
    for a in range(size):
        noise = rng.standard_normal()
        work.momentum[a] = noise * math.sqrt(tuning.masses[a])
        kinetic += 0.5 * noise * noise
    steps = 1 + int(rng.random() * tuning.n_steps)
    step = tuning.step_size * (0.9 + 0.2 * rng.random())
    end = start
    end_likelihood = likelihood
    for _ in range(steps):
        for a in range(size):
            work.momentum[a] += 0.5 * step * work.gradient[a]
            work.vector[a] += step * work.momentum[a] / tuning.masses[a]
        end, end_likelihood = log_density_gradient(state, data, prior, work)
        for a in range(size):
            work.momentum[a] += 0.5 * step * work.gradient[a]
        if not math.isfinite(end):
            break
    end_kinetic = 0.0
    for a in range(size):
        end_kinetic += 0.5 * work.momentum[a] * work.momentum[a] / tuning.masses[a]
    gain = (end - end_kinetic) - (start - kinetic)
    divergent = not (gain > -1000.0)
    acceptance = 0.0 if divergent else math.exp(min(0.0, gain))
    if rng.random() < acceptance:
        unpack(work.vector, state)
        likelihood = end_likelihood
    return Info(likelihood, acceptance, divergent, 0.0)


@kernel
def log_scale_prior(state: State, prior: Prior, log_scale: float) -> float:
    """Return the log-prior of the mixture scaled by exp(log_scale), with the Jacobian, up to a constant.

    Scaling (positions, centres, variances) to (s z, s mu, s^2 sigma^2) leaves the density of positions times its
    Jacobian as it is; what remains is s^(G d) for the centres and s^(2 G) for the variances.
    """
    n_clusters, n_dims = state.centres.shape
    scale = math.exp(log_scale)
    total: float = n_clusters * (n_dims + 2.0) * log_scale
    for g in range(n_clusters):
        squared = 0.0
        for k in range(n_dims):
            squared += state.centres[g, k] * state.centres[g, k]
        total -= 0.5 * scale * scale * squared / prior.centre_variance
        variance = scale * scale * state.variances[g]
        total -= (0.5 * prior.variance_degrees + 1.0) * math.log(variance)
        total -= 0.5 * prior.variance_degrees * prior.variance_scale / variance
    return total


@fast_kernel
def scale_moves(
    state: State, data: Data, prior: Prior, tuning: Tuning, work: Work, rng: np.random.Generator, likelihood: float
) -> tuple[float, float]:
    """Propose joint changes of scale and intercepts; return (log-likelihood, share of proposals accepted)."""
    fill_distances(state.positions, work.distances)
    shift = 0.0
    log_scale = 0.0
    moved = 0.0
    prior_now = log_scale_prior(state, prior, 0.0)
    for r in range(state.intercepts.shape[0]):
        away = state.intercepts[r] - prior.intercept_mean
        prior_now -= 0.5 * away * away / prior.intercept_variance
    for _ in range(tuning.n_scale_moves):
        a = rng.standard_normal()
        c = rng.standard_normal()
        new_shift = shift + tuning.scale_factor[0, 0] * a
        new_scale = log_scale + tuning.scale_factor[1, 0] * a + tuning.scale_factor[1, 1] * c
        new_prior = log_scale_prior(state, prior, new_scale)
        for r in range(state.intercepts.shape[0]):
            work.intercepts[r] = state.intercepts[r] + new_shift
            away = work.intercepts[r] - prior.intercept_mean
            new_prior -= 0.5 * away * away / prior.intercept_variance
        new_likelihood = log_likelihood_scaled(
            work.distances, math.exp(new_scale), work.intercepts, data.ties, data.observed, work.rows
        )
        gain = new_likelihood + new_prior - likelihood - prior_now
        if math.log(max(rng.random(), 1e-300)) < gain:
            shift = new_shift
            log_scale = new_scale
            likelihood = new_likelihood
            prior_now = new_prior
            moved += 1.0
    scale = math.exp(log_scale)
    for k in range(state.positions.shape[0]):
        for i in range(state.positions.shape[1]):
            state.positions[k, i] *= scale
        for g in range(state.weights.shape[0]):
            state.centres[g, k] *= scale
    for g in range(state.weights.shape[0]):
        state.variances[g] *= scale * scale
    for r in range(state.intercepts.shape[0]):
        state.intercepts[r] += shift
    return likelihood, moved / max(tuning.n_scale_moves, 1)


@kernel
def sweep(state: State, data: Data, prior: Prior, tuning: Tuning, work: Work, rng: np.random.Generator) -> Info:
    """Do one sweep: Hamiltonian step, labels, mixture, scale moves."""
    info = hamiltonian_step(state, data, prior, tuning, work, rng)
    draw_labels(state, work, rng)
    draw_mixture(state, prior, rng)
    likelihood, moved = scale_moves(state, data, prior, tuning, work, rng, info.log_likelihood)
    return Info(likelihood, info.acceptance, info.divergent, moved)


@kernel
def curvature(state: State, data: Data, prior: Prior, work: Work, masses: Floats, scale: Floats) -> None:
    """Add the expected curvature of the log-density: ``masses`` as the flat vector, ``scale`` (2, 2).

    The latter is that of the log-likelihood and prior along (intercept, log scale).
    """
    n_dims, n = state.positions.shape
    mass_positions, mass_intercepts, mass_centres, mass_variances = unpacked(masses, state)
    fill_distances(state.positions, work.distances)
    each = work.rows[0]
    for i in range(n):
        each[i] = 1.0 / state.variances[state.labels[i]]
    for r in range(state.intercepts.shape[0]):
        mass_intercepts[r] += 1.0 / prior.intercept_variance
        scale[0, 0] += 1.0 / prior.intercept_variance
        for i in range(1, n):
            for j in range(i):
                distance = work.distances[i, j]
                probability = 1.0 / (1.0 + math.exp(min(distance - state.intercepts[r], 700.0)))
                information = data.observed[r, i, j] * probability * (1.0 - probability)
                each[i] += information / n_dims
                each[j] += information / n_dims
                mass_intercepts[r] += information
                scale[0, 0] += information
                scale[0, 1] -= information * distance
                scale[1, 1] += information * distance * distance
    for k in range(n_dims):
        for i in range(n):
            mass_positions[k, i] += each[i]
    for g in range(state.weights.shape[0]):
        count = 0.0
        for i in range(n):
            if state.labels[i] == g:
                count += 1.0
        for k in range(n_dims):
            mass_centres[g, k] += count / state.variances[g] + 1.0 / prior.centre_variance
            scale[1, 1] += 2.0 * state.centres[g, k] * state.centres[g, k] / prior.centre_variance
        mass_variances[g] += 0.5 * (count * n_dims + prior.variance_degrees)
        scale[1, 1] += 2.0 * prior.variance_degrees * prior.variance_scale / state.variances[g]
