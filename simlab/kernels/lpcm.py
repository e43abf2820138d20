"""One chain of the latent position cluster model: Hamiltonian steps for positions and intercepts, Gibbs for the mixture.

The target is the posterior of science's usual model (Handcock, Raftery & Tantrum 2007, equations 1-3 and their priors):

    logit P(tie_ij) = intercept - ||z_i - z_j||,   z_i ~ sum_g weight_g N(centre_g, variance_g I)
    intercept ~ N(mean, variance),  centre_g ~ N(0, centre_variance I),
    variance_g ~ scaled inverse chi-squared(degrees, scale),  weights ~ Dirichlet(concentration)

A sweep is (1) a Hamiltonian step for (positions, intercepts) with the labels summed out, (2) labels given positions,
(3) centres, variances and weights given labels, each from its exact conditional, and (4) joint moves of positions,
centres, variances and intercepts along the scale, which the data determine only through intercept minus distance.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.compile import fast_kernel, kernel
from simlab.kernels.dyads import Floats, fill_distances, log_likelihood_gradient, log_likelihood_scaled

_LOG_TWO_PI = math.log(2.0 * math.pi)


class Data(NamedTuple):
    """Counts of ties and of answers for each unordered dyad: (n_relations, n_actors, n_actors), symmetric."""

    ties: Floats
    observed: Floats


class Prior(NamedTuple):
    """The numbers of the priors, named as in the text of this module."""

    intercept_mean: float
    intercept_variance: float
    centre_variance: float
    variance_degrees: float
    variance_scale: float
    concentration: float


class State(NamedTuple):
    """What a chain carries. positions : (n_dims, n_actors); centres : (n_clusters, n_dims)."""

    positions: Floats
    intercepts: Floats
    centres: Floats
    variances: Floats
    weights: Floats
    labels: NDArray[np.int64]


class Tuning(NamedTuple):
    """Step size, largest number of leapfrog steps, masses, and the Cholesky factor (2, 2) of the scale proposal."""

    step_size: float
    n_steps: int
    masses: Floats
    intercept_masses: Floats
    scale_factor: Floats
    n_scale_moves: int


class Info(NamedTuple):
    """What diagnostics want of one sweep; a divergence is a step whose energy error is over 1000 or not finite."""

    log_likelihood: float
    acceptance: float
    divergent: bool
    scale_acceptance: float


class Work(NamedTuple):
    """Buffers of one chain, so that a sweep allocates nothing."""

    positions: Floats
    momentum: Floats
    gradient: Floats
    intercepts: Floats
    intercept_momentum: Floats
    intercept_gradient: Floats
    distances: Floats
    rows: Floats
    terms: Floats


@kernel
def new_work(n_dims: int, n: int, n_relations: int, n_clusters: int) -> Work:
    """Return the buffers for a problem of this size."""
    return Work(
        np.zeros((n_dims, n)),
        np.zeros((n_dims, n)),
        np.zeros((n_dims, n)),
        np.zeros(n_relations),
        np.zeros(n_relations),
        np.zeros(n_relations),
        np.zeros((n, n)),
        np.zeros((2, n)),
        np.zeros(n_clusters),
    )


@fast_kernel
def add_mixture(
    positions: Floats, centres: Floats, variances: Floats, weights: Floats, gradient: Floats, terms: Floats
) -> float:
    """Return the log-density of all positions under the mixture; add its gradient to ``gradient``."""
    n_dims, n = positions.shape
    n_clusters = weights.shape[0]
    total = 0.0
    for i in range(n):
        largest = -np.inf
        for g in range(n_clusters):
            squared = 0.0
            for k in range(n_dims):
                difference = positions[k, i] - centres[g, k]
                squared += difference * difference
            terms[g] = (
                math.log(weights[g])
                - 0.5 * squared / variances[g]
                - 0.5 * n_dims * (math.log(variances[g]) + _LOG_TWO_PI)
            )
            largest = max(largest, terms[g])
        mass = 0.0
        for g in range(n_clusters):
            terms[g] = math.exp(terms[g] - largest)
            mass += terms[g]
        total += largest + math.log(mass)
        for g in range(n_clusters):
            pull = terms[g] / (mass * variances[g])
            for k in range(n_dims):
                gradient[k, i] -= pull * (positions[k, i] - centres[g, k])
    return total


@fast_kernel
def log_density_gradient(
    positions: Floats, intercepts: Floats, state: State, data: Data, prior: Prior, work: Work
) -> tuple[float, float]:
    """Return (log-density of positions and intercepts given the mixture, log-likelihood); gradients go to ``work``."""
    likelihood = log_likelihood_gradient(
        positions, intercepts, data.ties, data.observed, work.gradient, work.intercept_gradient, work.rows
    )
    density = likelihood + add_mixture(
        positions, state.centres, state.variances, state.weights, work.gradient, work.terms
    )
    for r in range(intercepts.shape[0]):
        away = intercepts[r] - prior.intercept_mean
        density -= 0.5 * away * away / prior.intercept_variance
        work.intercept_gradient[r] -= away / prior.intercept_variance
    return density, likelihood


@fast_kernel
def hamiltonian_step(
    state: State, data: Data, prior: Prior, tuning: Tuning, work: Work, rng: np.random.Generator
) -> Info:
    """Move positions and intercepts by one Hamiltonian trajectory of random length (Neal 2011, section 5.2)."""
    n_dims, n = state.positions.shape
    q = work.positions
    p = work.momentum
    b = work.intercepts
    pb = work.intercept_momentum
    q[:] = state.positions
    b[:] = state.intercepts
    start, likelihood = log_density_gradient(q, b, state, data, prior, work)
    kinetic = 0.0
    for k in range(n_dims):
        for i in range(n):
            p[k, i] = rng.standard_normal() * math.sqrt(tuning.masses[i])
            kinetic += 0.5 * p[k, i] * p[k, i] / tuning.masses[i]
    for r in range(b.shape[0]):
        pb[r] = rng.standard_normal() * math.sqrt(tuning.intercept_masses[r])
        kinetic += 0.5 * pb[r] * pb[r] / tuning.intercept_masses[r]
    steps = 1 + int(rng.random() * tuning.n_steps)
    step = tuning.step_size * (0.9 + 0.2 * rng.random())
    end = start
    end_likelihood = likelihood
    for _ in range(steps):
        for k in range(n_dims):
            for i in range(n):
                p[k, i] += 0.5 * step * work.gradient[k, i]
                q[k, i] += step * p[k, i] / tuning.masses[i]
        for r in range(b.shape[0]):
            pb[r] += 0.5 * step * work.intercept_gradient[r]
            b[r] += step * pb[r] / tuning.intercept_masses[r]
        end, end_likelihood = log_density_gradient(q, b, state, data, prior, work)
        for k in range(n_dims):
            for i in range(n):
                p[k, i] += 0.5 * step * work.gradient[k, i]
        for r in range(b.shape[0]):
            pb[r] += 0.5 * step * work.intercept_gradient[r]
        if not math.isfinite(end):
            break
    end_kinetic = 0.0
    for k in range(n_dims):
        for i in range(n):
            end_kinetic += 0.5 * p[k, i] * p[k, i] / tuning.masses[i]
    for r in range(b.shape[0]):
        end_kinetic += 0.5 * pb[r] * pb[r] / tuning.intercept_masses[r]
    gain = (end - end_kinetic) - (start - kinetic)
    divergent = not (gain > -1000.0)
    acceptance = 0.0 if divergent else math.exp(min(0.0, gain))
    if rng.random() < acceptance:
        state.positions[:] = q
        state.intercepts[:] = b
        likelihood = end_likelihood
    return Info(likelihood, acceptance, divergent, 0.0)


@kernel
def draw_labels(state: State, work: Work, rng: np.random.Generator) -> None:
    """Draw every actor's label given its position and the mixture."""
    n_dims, n = state.positions.shape
    n_clusters = state.weights.shape[0]
    terms = work.terms
    for i in range(n):
        largest = -np.inf
        for g in range(n_clusters):
            squared = 0.0
            for k in range(n_dims):
                difference = state.positions[k, i] - state.centres[g, k]
                squared += difference * difference
            terms[g] = (
                math.log(state.weights[g])
                - 0.5 * squared / state.variances[g]
                - 0.5 * n_dims * math.log(state.variances[g])
            )
            largest = max(largest, terms[g])
        mass = 0.0
        for g in range(n_clusters):
            mass += math.exp(terms[g] - largest)
            terms[g] = mass
        point = rng.random() * mass
        label = 0
        while label < n_clusters - 1 and terms[label] < point:
            label += 1
        state.labels[i] = label


@kernel
def draw_mixture(state: State, prior: Prior, rng: np.random.Generator) -> None:
    """Draw variances given centres, centres given variances, then weights, all given labels and positions."""
    n_dims, n = state.positions.shape
    n_clusters = state.weights.shape[0]
    for g in range(n_clusters):
        count = 0
        squared = 0.0
        for i in range(n):
            if state.labels[i] == g:
                count += 1
                for k in range(n_dims):
                    difference = state.positions[k, i] - state.centres[g, k]
                    squared += difference * difference
        degrees = prior.variance_degrees + count * n_dims
        spread = prior.variance_degrees * prior.variance_scale + squared
        state.variances[g] = spread / max(rng.chisquare(degrees), 1e-300)
        precision = count / state.variances[g] + 1.0 / prior.centre_variance
        for k in range(n_dims):
            total = 0.0
            for i in range(n):
                if state.labels[i] == g:
                    total += state.positions[k, i]
            mean = total / state.variances[g] / precision
            state.centres[g, k] = mean + rng.standard_normal() / math.sqrt(precision)
        state.weights[g] = max(rng.standard_gamma(prior.concentration + count), 1e-300)
    whole = 0.0
    for g in range(n_clusters):
        whole += state.weights[g]
    for g in range(n_clusters):
        state.weights[g] /= whole


@kernel
def log_scale_prior(state: State, prior: Prior, log_scale: float) -> float:
    """Return the log-prior of the mixture scaled by exp(log_scale), with the Jacobian, up to a constant.

    Scaling (positions, centres, variances) to (s z, s mu, s^2 sigma^2) leaves the density of positions times its
    Jacobian as it is; what remains is s^(G d) for the centres and s^(2 G) for the variances.
    """
    n_clusters, n_dims = state.centres.shape
    scale = math.exp(log_scale)
    total = n_clusters * (n_dims + 2.0) * log_scale
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
    state.positions[:] *= scale
    state.centres[:] *= scale
    state.variances[:] *= scale * scale
    state.intercepts[:] += shift
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
def curvature(
    state: State, data: Data, prior: Prior, work: Work, masses: Floats, intercept_masses: Floats, scale: Floats
) -> None:
    """Add the expected curvature of the log-density: (n_actors,), (n_relations,), and (2, 2) for (intercept, log scale)."""
    n_dims, n = state.positions.shape
    fill_distances(state.positions, work.distances)
    for i in range(n):
        masses[i] += 1.0 / state.variances[state.labels[i]]
    for r in range(state.intercepts.shape[0]):
        intercept_masses[r] += 1.0 / prior.intercept_variance
        scale[0, 0] += 1.0 / prior.intercept_variance
        for i in range(1, n):
            for j in range(i):
                distance = work.distances[i, j]
                probability = 1.0 / (1.0 + math.exp(min(distance - state.intercepts[r], 700.0)))
                information = data.observed[r, i, j] * probability * (1.0 - probability)
                masses[i] += information / n_dims
                masses[j] += information / n_dims
                intercept_masses[r] += information
                scale[0, 0] += information
                scale[0, 1] -= information * distance
                scale[1, 1] += information * distance * distance
    for g in range(state.weights.shape[0]):
        for k in range(n_dims):
            scale[1, 1] += 2.0 * state.centres[g, k] * state.centres[g, k] / prior.centre_variance
        scale[1, 1] += 2.0 * prior.variance_degrees * prior.variance_scale / state.variances[g]
