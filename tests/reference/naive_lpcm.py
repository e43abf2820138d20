"""Naive twins of the kernels: plain loops over actors, straight from the equations of the model. Slow on purpose.

For a dyad {i, j} of relation r with ``ties`` ties among ``observed`` answers, eta = intercept_r - ||z_i - z_j||:

    log-likelihood = ties * eta - observed * log(1 + exp(eta))
    z_i ~ sum_g weight_g N(centre_g, variance_g I)
    intercept ~ N(mean, variance),  centre_g ~ N(0, centre_variance I),
    variance_g ~ scaled inverse chi-squared(degrees, scale),  weights ~ Dirichlet(concentration)

Hoff, Raftery & Handcock (2002); Handcock, Raftery & Tantrum (2007). Arrays are shaped as the kernels shape them:
positions (n_dims, n_actors), centres (n_clusters, n_dims), counts (n_relations, n_actors, n_actors).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.kernels.chain_state import Data, Info, Prior, State, Tuning

Floats = NDArray[np.float64]


class Point(NamedTuple):
    """The continuous quantities that a Hamiltonian step moves; also their gradient, momentum and masses."""

    positions: Floats
    intercepts: Floats
    centres: Floats
    log_variances: Floats


def log1p_exp(eta: float) -> float:
    """Return log(1 + exp(eta)) without overflow: logaddexp(0, eta)."""
    return max(eta, 0.0) + math.log1p(math.exp(-abs(eta)))


def inverse_logit(eta: float) -> float:
    """Return 1 / (1 + exp(-eta)) without overflow."""
    return 1.0 / (1.0 + math.exp(-eta)) if eta >= 0 else math.exp(eta) / (1.0 + math.exp(eta))


def distance(positions: Floats, i: int, j: int) -> float:
    """Return the Euclidean distance of actors i and j."""
    return math.dist(positions[:, i].tolist(), positions[:, j].tolist())


def pair_distances(positions: NDArray[np.float32]) -> Floats:
    """Return the distances of positions (n_actors, n_dims), row by row below the diagonal."""
    places = positions.astype(float).T
    return np.array([distance(places, i, j) for i in range(places.shape[1]) for j in range(i)])


def log_likelihood(positions: Floats, intercepts: Floats, data: Data, scale: float = 1.0) -> float:
    """Return the log-likelihood over unordered dyads, every distance multiplied by ``scale``."""
    terms = []
    for i in range(1, positions.shape[1]):
        for j in range(i):
            apart = scale * distance(positions, i, j)
            for r in range(len(intercepts)):
                eta = float(intercepts[r]) - apart
                terms.append(float(data.ties[r, i, j]) * eta)
                terms.append(-float(data.observed[r, i, j]) * log1p_exp(eta))
    return math.fsum(terms)


def log_likelihood_gradient(positions: Floats, intercepts: Floats, data: Data) -> tuple[Floats, Floats]:
    """Return the gradient of the log-likelihood by positions and by intercepts.

    By eta it is ties - observed * P(tie); eta falls with the distance, whose gradient by z_i is (z_i - z_j) / distance,
    taken as zero where two actors coincide.
    """
    by_position, by_intercept = np.zeros(positions.shape), np.zeros(len(intercepts))
    for i in range(1, positions.shape[1]):
        for j in range(i):
            apart = distance(positions, i, j)
            residual = 0.0
            for r in range(len(intercepts)):
                probability = inverse_logit(float(intercepts[r]) - apart)
                left = float(data.ties[r, i, j]) - float(data.observed[r, i, j]) * probability
                by_intercept[r] += left
                residual += left
            if apart > 0.0:
                direction = (positions[:, i] - positions[:, j]) / apart
                by_position[:, i] -= residual * direction
                by_position[:, j] += residual * direction
    return by_position, by_intercept


def log_normal(point: Floats, centre: Floats, variance: float) -> float:
    """Return log N(point; centre, variance I)."""
    return -0.5 * float(((point - centre) ** 2).sum()) / variance - 0.5 * len(point) * math.log(2 * math.pi * variance)


def mixture_terms(positions: Floats, weights: Floats, centres: Floats, variances: Floats, i: int) -> list[float]:
    """Return log(weight_g N(z_i; centre_g, variance_g I)) for every cluster g."""
    return [
        math.log(weights[g]) + log_normal(positions[:, i], centres[g], float(variances[g])) for g in range(len(weights))
    ]


def shares(terms: list[float]) -> Floats:
    """Return exp(terms) over their sum: probabilities of membership."""
    powers = np.exp(np.array(terms) - max(terms))
    return np.asarray(powers / powers.sum())


def log_mixture(positions: Floats, weights: Floats, centres: Floats, variances: Floats) -> float:
    """Return the log-density of all positions, labels summed out."""
    total = 0.0
    for i in range(positions.shape[1]):
        terms = mixture_terms(positions, weights, centres, variances, i)
        total += max(terms) + math.log(sum(math.exp(t - max(terms)) for t in terms))
    return total


def log_mixture_gradient(positions: Floats, weights: Floats, centres: Floats, variances: Floats) -> Point:
    """Return the gradient of ``log_mixture`` by positions, centres and logarithms of variances: Fisher's identity."""
    n_dims = len(positions)
    out = Point(np.zeros(positions.shape), np.zeros(0), np.zeros(centres.shape), np.zeros(len(variances)))
    for i in range(positions.shape[1]):
        share = shares(mixture_terms(positions, weights, centres, variances, i))
        for g in range(len(weights)):
            away = positions[:, i] - centres[g]
            out.positions[:, i] -= share[g] * away / variances[g]
            out.centres[g] += share[g] * away / variances[g]
            out.log_variances[g] += share[g] * 0.5 * ((away**2).sum() / variances[g] - n_dims)
    return out


def log_prior(intercepts: Floats, centres: Floats, variances: Floats, prior: Prior) -> float:
    """Return the log-prior of intercepts, centres and logarithms of variances, up to a constant.

    The density of a variance v is v^-(degrees / 2 + 1) exp(-degrees scale / 2 v), that of its logarithm v times as much.
    """
    half = prior.variance_degrees / 2.0
    total = 0.0
    for intercept in intercepts:
        total -= (intercept - prior.intercept_mean) ** 2 / (2.0 * prior.intercept_variance)
    for centre in centres:
        total -= float((centre**2).sum()) / (2.0 * prior.centre_variance)
    for v in variances:
        total += -(half + 1.0) * math.log(v) - half * prior.variance_scale / v + math.log(v)
    return float(total)


def log_prior_gradient(intercepts: Floats, centres: Floats, variances: Floats, prior: Prior) -> Point:
    """Return the gradient of ``log_prior`` by intercepts, centres and logarithms of variances."""
    half = prior.variance_degrees / 2.0
    return Point(
        np.zeros((0, 0)),
        -(intercepts - prior.intercept_mean) / prior.intercept_variance,
        -centres / prior.centre_variance,
        np.array([-half + half * prior.variance_scale / v for v in variances]),
    )


def log_density(point: Point, weights: Floats, data: Data, prior: Prior) -> tuple[float, float]:
    """Return (log-density of the Hamiltonian step's target, log-likelihood)."""
    variances = np.exp(point.log_variances)
    likelihood = log_likelihood(point.positions, point.intercepts, data)
    mixture = log_mixture(point.positions, weights, point.centres, variances)
    return likelihood + mixture + log_prior(point.intercepts, point.centres, variances, prior), likelihood


def log_density_gradient(point: Point, weights: Floats, data: Data, prior: Prior) -> Point:
    """Return the gradient of ``log_density``."""
    variances = np.exp(point.log_variances)
    by_position, by_intercept = log_likelihood_gradient(point.positions, point.intercepts, data)
    mixture = log_mixture_gradient(point.positions, weights, point.centres, variances)
    before = log_prior_gradient(point.intercepts, point.centres, variances, prior)
    return Point(
        by_position + mixture.positions,
        by_intercept + before.intercepts,
        mixture.centres + before.centres,
        mixture.log_variances + before.log_variances,
    )


def point_of(state: State) -> Point:
    """Return the continuous quantities of a state."""
    return Point(state.positions.copy(), state.intercepts.copy(), state.centres.copy(), np.log(state.variances))


def flat(point: Point) -> Floats:
    """Return a point as one vector, in the order of the fields."""
    return np.concatenate([np.ravel(part) for part in point])


def unflat(vector: Floats, like: Point) -> Point:
    """Return the vector as a point of the same shape as ``like``."""
    cuts = np.cumsum([part.size for part in like])[:-1]
    parts = [part.reshape(model.shape) for part, model in zip(np.split(vector, cuts), like, strict=True)]
    return Point(*parts)


def copied(state: State) -> State:
    """Return a state of its own."""
    return State(*(part.copy() for part in state))


def hamiltonian_step(
    state: State, data: Data, prior: Prior, tuning: Tuning, rng: np.random.Generator
) -> tuple[State, Info]:
    """Return the state after one trajectory of leapfrog steps and Metropolis's rule (Neal 2011, section 5.2)."""
    like = point_of(state)

    def potential(vector: Floats) -> tuple[float, float]:
        return log_density(unflat(vector, like), state.weights, data, prior)

    def force(vector: Floats) -> Floats:
        return flat(log_density_gradient(unflat(vector, like), state.weights, data, prior))

    vector = flat(like)
    noise = np.array([rng.standard_normal() for _ in vector])
    momentum = noise * np.sqrt(tuning.masses)
    n_steps = 1 + math.floor(rng.random() * tuning.n_steps)
    step = tuning.step_size * (0.9 + 0.2 * rng.random())
    start, start_likelihood = potential(vector)
    start_energy = -start + 0.5 * float((momentum**2 / tuning.masses).sum())
    for _ in range(n_steps):
        momentum = momentum + 0.5 * step * force(vector)
        vector = vector + step * momentum / tuning.masses
        momentum = momentum + 0.5 * step * force(vector)
    end, end_likelihood = potential(vector)
    gain = start_energy - (-end + 0.5 * float((momentum**2 / tuning.masses).sum()))
    divergent = not gain > -1000.0
    acceptance = 0.0 if divergent else min(1.0, math.exp(min(gain, 0.0)))
    if not rng.random() < acceptance:
        return state, Info(start_likelihood, acceptance, divergent, 0.0)
    to = unflat(vector, like)
    moved = State(
        to.positions, to.intercepts, to.centres, np.exp(to.log_variances), state.weights.copy(), state.labels.copy()
    )
    return moved, Info(end_likelihood, acceptance, divergent, 0.0)


def draw_labels(state: State, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a label for each actor, by one uniform number each, given its position: P(g) ~ weight_g N(z_i; ...)."""
    labels = []
    for i in range(state.positions.shape[1]):
        share = shares(mixture_terms(state.positions, state.weights, state.centres, state.variances, i))
        labels.append(int((np.cumsum(share)[:-1] < rng.random()).sum()))
    return np.array(labels, dtype=np.int64)


def draw_mixture(state: State, prior: Prior, rng: np.random.Generator) -> State:
    """Return the state with variance and centre of each cluster, and the weights, drawn from their conditionals.

    With m members z_i of cluster g in d dimensions, S = sum ||z_i - centre||^2 and z-bar the members' mean:
    variance ~ (degrees scale + S) / chi-squared(degrees + m d); centre ~ N(P^-1 m z-bar / variance, P^-1 I) with precision
    P = m / variance + 1 / centre_variance; weights ~ Dirichlet(concentration + m), as gammas over their sum.
    """
    n_dims = len(state.positions)
    variances, centres, gammas = [], [], []
    for g in range(len(state.weights)):
        members = state.positions[:, state.labels == g]
        count = members.shape[1]
        squares = sum(math.dist(member, state.centres[g]) ** 2 for member in members.T)
        top = prior.variance_degrees * prior.variance_scale + squares
        variance = top / rng.chisquare(prior.variance_degrees + count * n_dims)
        precision = count / variance + 1.0 / prior.centre_variance
        middle = members.sum(axis=1) / variance / precision
        centres.append([m + rng.standard_normal() / math.sqrt(precision) for m in middle])
        variances.append(variance)
        gammas.append(rng.standard_gamma(prior.concentration + count))
    return state._replace(
        centres=np.array(centres), variances=np.array(variances), weights=np.array(gammas) / np.sum(gammas)
    )


def log_scale_density(state: State, data: Data, prior: Prior, log_scale: float, shift: float) -> float:
    """Return the log-density of the state scaled by s = exp(log_scale) with intercepts moved, with the Jacobian.

    The whole density of (z, intercepts, centres, variances), labels given, at (s z, b + shift, s centre, s^2 variance); the
    Jacobian is s^(n d) s^(G d) s^(2 G). Nothing is cancelled by hand.
    """
    s = math.exp(log_scale)
    n_dims, n = state.positions.shape
    n_clusters = len(state.weights)
    positions, centres, variances = s * state.positions, s * state.centres, s * s * state.variances
    total = log_likelihood(positions, state.intercepts + shift, data)
    for i in range(n):
        g = state.labels[i]
        total += log_normal(positions[:, i], centres[g], float(variances[g]))
    total += log_prior(state.intercepts + shift, centres, variances, prior)
    # The prior above is that of the logarithms of the variances; here the variances themselves are moved.
    total -= float(np.log(variances).sum())
    return total + (n * n_dims + n_clusters * n_dims + 2 * n_clusters) * log_scale


def scale_moves(
    state: State, data: Data, prior: Prior, tuning: Tuning, rng: np.random.Generator
) -> tuple[State, float, float]:
    """Return (state, log-likelihood, share accepted) after random-walk moves of (intercept, log scale) together."""
    log_scale = shift = 0.0
    moved = 0
    for _ in range(tuning.n_scale_moves):
        noise = np.array([rng.standard_normal(), rng.standard_normal()])
        new_shift, new_scale = np.array([shift, log_scale]) + np.tril(tuning.scale_factor) @ noise
        gain = log_scale_density(state, data, prior, new_scale, new_shift)
        gain -= log_scale_density(state, data, prior, log_scale, shift)
        if math.log(rng.random()) < gain:
            shift, log_scale = float(new_shift), float(new_scale)
            moved += 1
    s = math.exp(log_scale)
    after = state._replace(
        positions=s * state.positions,
        centres=s * state.centres,
        variances=s * s * state.variances,
        intercepts=state.intercepts + shift,
    )
    return after, log_likelihood(after.positions, after.intercepts, data), moved / tuning.n_scale_moves


def sweep(state: State, data: Data, prior: Prior, tuning: Tuning, rng: np.random.Generator) -> tuple[State, Info]:
    """Return the state after one sweep: Hamiltonian step, labels, mixture, scale moves."""
    state, info = hamiltonian_step(state, data, prior, tuning, rng)
    state = state._replace(labels=draw_labels(state, rng))
    state = draw_mixture(state, prior, rng)
    state, likelihood, moved = scale_moves(state, data, prior, tuning, rng)
    return state, Info(likelihood, info.acceptance, info.divergent, moved)


def curvature(state: State, data: Data, prior: Prior) -> tuple[Point, Floats]:
    """Return the expected curvature: each quantity's own, and that along (intercept, log scale) as a matrix (2, 2).

    A dyad tells p (1 - p) a answer about eta. By position it is shared equally among the axes; along (intercept, log
    scale) eta changes by (1, -distance). Labels count as known, as does each cluster's own variance.
    """
    n_dims, n = state.positions.shape
    out = Point(*(np.zeros(part.shape) for part in point_of(state)))
    scale = np.zeros((2, 2))
    for i in range(n):
        out.positions[:, i] += 1.0 / state.variances[state.labels[i]]
    for r, intercept in enumerate(state.intercepts):
        out.intercepts[r] += 1.0 / prior.intercept_variance
        scale[0, 0] += 1.0 / prior.intercept_variance
        for i in range(1, n):
            for j in range(i):
                apart = distance(state.positions, i, j)
                p = inverse_logit(float(intercept) - apart)
                known = float(data.observed[r, i, j]) * p * (1.0 - p)
                out.positions[:, i] += known / n_dims
                out.positions[:, j] += known / n_dims
                out.intercepts[r] += known
                scale += known * np.outer([1.0, -apart], [1.0, -apart])
    for g, variance in enumerate(state.variances):
        count = int((state.labels == g).sum())
        out.centres[g] += count / variance + 1.0 / prior.centre_variance
        out.log_variances[g] += (count * n_dims + prior.variance_degrees) / 2.0
        scale[1, 1] += 2.0 * float((state.centres[g] ** 2).sum()) / prior.centre_variance
        scale[1, 1] += 2.0 * prior.variance_degrees * prior.variance_scale / variance
    return out, scale


def scale_factor(curved: Floats) -> Floats:
    """Return the Cholesky factor of the best random walk for this curvature: 2.38^2 / 2 times its inverse."""
    return np.asarray(np.linalg.cholesky(1.68**2 * np.linalg.inv(curved)))


def warm_up(
    state: State, data: Data, prior: Prior, tuning: Tuning, rng: np.random.Generator, n_sweeps: int, target: float
) -> tuple[State, Tuning]:
    """Return (state, tuning) after a warm-up: dual averaging (Hoffman & Gelman 2014, section 3.2) in growing windows.

    With gamma = .05, t0 = 10, kappa = .75 and mu = log(2 step), begun anew after each window of 5, 10, 20 ... sweeps, at the
    end of which the mean curvature of its states becomes masses and scale proposal; none ends in the last sixth.
    """

    def tuned(curved: list[tuple[Point, Floats]], step: float) -> Tuning:
        masses = np.mean([flat(masses) for masses, _ in curved], axis=0)
        factor = scale_factor(np.mean([scale for _, scale in curved], axis=0))
        return Tuning(step, tuning.n_steps, masses, factor, tuning.n_scale_moves)

    step = flat(point_of(state)).size ** -0.25
    now = tuned([curvature(state, data, prior)], step)
    centre, error, smooth, since = math.log(2 * step), 0.0, math.log(step), 0
    window, curved = max(n_sweeps // 16, 5), []
    for t in range(n_sweeps):
        state, info = sweep(state, data, prior, now, rng)
        since += 1
        error = (1 - 1 / (since + 10)) * error + (target - info.acceptance) / (since + 10)
        log_step = centre - math.sqrt(since) / 0.05 * error
        smooth = since**-0.75 * log_step + (1 - since**-0.75) * smooth
        now = now._replace(step_size=math.exp(log_step))
        curved.append(curvature(state, data, prior))
        if len(curved) >= window and t < n_sweeps - n_sweeps // 6:
            now = tuned(curved, math.exp(smooth))
            centre, error, since = math.log(2 * now.step_size), 0.0, 0
            window, curved = 2 * window, []
    return state, now._replace(step_size=math.exp(smooth))


def mean_probability(positions: NDArray[np.float32], intercepts: Floats) -> Floats:
    """Return the mean over draws of P(tie): (n_relations, n_actors, n_actors), 0 on the diagonal."""
    n_draws, n, _ = positions.shape
    out = np.zeros((intercepts.shape[1], n, n))
    for r in range(intercepts.shape[1]):
        for i in range(n):
            for j in range(n):
                if i != j:
                    each = [
                        inverse_logit(float(intercepts[t, r]) - distance(positions[t].astype(float).T, i, j))
                        for t in range(n_draws)
                    ]
                    out[r, i, j] = sum(each) / n_draws
    return out
