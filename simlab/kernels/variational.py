"""The variational bound of the latent position cluster model, with its gradient.

What varies is one flat vector (see ``simlab.kernels.bound_state``). Memberships are at their best throughout, which turns
the sum over clusters into the logarithm of a sum; so are the factors of the effects' variances, which leave the logarithm of
a sum of squares. All else is held while the bound climbs (see ``simlab.models.variational``).
"""

from __future__ import annotations

import math

from simlab.foundation.compile import inlined_kernel, lean_fast_kernel
from simlab.kernels.bound_state import Buffers, Held
from simlab.kernels.chain_state import PLAIN, Point
from simlab.kernels.dyads import Floats
from simlab.kernels.expected import Normals, expected_log_likelihood
from simlab.kernels.expected_predictors import Spread, expected_of_predictors
from simlab.kernels.exponential import decay

# Logarithms are of products of so many factors of at most n_clusters.
_FACTORS = 64


@lean_fast_kernel
def _fill_shares(held: Held, buffers: Buffers) -> float:
    """Return the sum over ``places`` of the logarithm of the mixture's expected density; fill the memberships there."""
    at, shares = buffers.at, buffers.shares
    n_dims, n = buffers.places.shape
    n_clusters = at.centres.shape[0]
    largest, mass = shares[n_clusters], shares[n_clusters + 1]
    for i in range(n):
        largest[i] = -1e300
        mass[i] = 0.0
    for g in range(n_clusters):
        share = shares[g]
        for i in range(n):
            share[i] = n_dims * held.centre_variances[g]
        for k in range(n_dims):
            centre, row = at.centres[g, k], buffers.places[k]
            for i in range(n):
                share[i] += (row[i] - centre) * (row[i] - centre)
        level = held.levels[g] - 0.5 * n_dims * at.log_spreads[g]
        half = 0.5 * math.exp(-at.log_spreads[g])
        for i in range(n):
            share[i] = level - half * share[i]
            largest[i] = max(largest[i], share[i])
    for g in range(n_clusters):
        share = shares[g]
        for i in range(n):
            share[i] = decay(largest[i] - share[i])
            mass[i] += share[i]
    for g in range(n_clusters):
        share = shares[g]
        for i in range(n):
            share[i] /= mass[i]
    total = 0.0
    for start in range(0, n, _FACTORS):
        product = 1.0
        for i in range(start, min(n, start + _FACTORS)):
            product *= mass[i]
            total += largest[i]
        total += math.log(product)
    return total


@lean_fast_kernel
def _add_node(held: Held, buffers: Buffers, node: int) -> float:
    """Add what one place of each position has: return its part of the bound, add to gradient, membership and sums."""
    at, pull, sums = buffers.at, buffers.pull, buffers.sums
    n_dims, n = at.positions.shape
    weight: float = held.node_weights[node]
    for k in range(n_dims):
        step, row, place = held.nodes[node, k], at.positions[k], buffers.places[k]
        for i in range(n):
            place[i] = row[i] + step * buffers.deviations[i]
    total = _fill_shares(held, buffers)
    for g in range(at.centres.shape[0]):
        share, member = buffers.shares[g], buffers.membership[g]
        for i in range(n):
            share[i] *= weight
            member[i] += share[i]
        precision = math.exp(-at.log_spreads[g])
        count, square = 0.0, 0.0
        for i in range(n):
            count += share[i]
        sums[g, n_dims] += count
        for k in range(n_dims):
            half_step = 0.5 * held.nodes[node, k]
            centre, place, out = at.centres[g, k], buffers.places[k], pull.positions[k]
            moment = 0.0
            for i in range(n):
                away = place[i] - centre
                force = share[i] * away
                moment += force
                square += force * away
                out[i] -= precision * force
                pull.log_variances[i] -= precision * force * half_step * buffers.deviations[i]
            sums[g, k] += moment
        sums[g, n_dims + 1] += square
    return weight * total


@lean_fast_kernel
def add_clusters(held: Held, buffers: Buffers) -> float:
    """Return what the bound has of positions given clusters; add to the gradient, and fill membership and sums."""
    at, pull, sums = buffers.at, buffers.pull, buffers.sums
    n_dims, n = at.positions.shape
    n_clusters = at.centres.shape[0]
    for g in range(n_clusters):
        for k in range(n_dims + 2):
            sums[g, k] = 0.0
        for i in range(n):
            buffers.membership[g, i] = 0.0
    total = 0.0
    for node in range(held.nodes.shape[0]):
        total += _add_node(held, buffers, node)
    for g in range(n_clusters):
        precision = math.exp(-at.log_spreads[g])
        for k in range(n_dims):
            pull.centres[g, k] += precision * sums[g, k]
        count = sums[g, n_dims]
        square = sums[g, n_dims + 1] + n_dims * count * held.centre_variances[g]
        pull.log_spreads[g] += 0.5 * (precision * square - n_dims * count)
    return total


@lean_fast_kernel
def add_priors(held: Held, buffers: Buffers) -> float:
    """Return what the bound has of the priors and of the entropy of positions, constants apart; add to the gradient."""
    at, pull, prior = buffers.at, buffers.pull, held.prior
    n_dims, n = at.positions.shape
    total = 0.0
    for i in range(n):
        total += 0.5 * n_dims * at.log_variances[i]
        pull.log_variances[i] += 0.5 * n_dims
    for r in range(at.intercepts.shape[0]):
        away = at.intercepts[r] - prior.intercept_mean
        total -= 0.5 * away * away / prior.intercept_variance
        pull.intercepts[r] -= away / prior.intercept_variance
    for g in range(at.centres.shape[0]):
        for k in range(n_dims):
            total -= 0.5 * at.centres[g, k] * at.centres[g, k] / prior.centre_variance
            pull.centres[g, k] -= at.centres[g, k] / prior.centre_variance
        half = 0.5 * prior.variance_degrees
        share = prior.variance_scale * math.exp(-at.log_spreads[g])
        total -= half * (at.log_spreads[g] + share)
        pull.log_spreads[g] += half * (share - 1.0)
    return total


@inlined_kernel
def add_coefficients(held: Held, buffers: Buffers) -> float:
    """Return what the bound has of the priors of coefficients and reciprocity, constants apart; add to the gradient."""
    at, pull = buffers.at, buffers.pull
    precision = 1.0 / held.prior.coefficient_variance
    total = 0.0
    for r in range(at.coefficients.shape[0]):
        for k in range(at.coefficients.shape[1]):
            total -= 0.5 * precision * at.coefficients[r, k] * at.coefficients[r, k]
            pull.coefficients[r, k] -= precision * at.coefficients[r, k]
    for r in range(at.reciprocity.shape[0]):
        total -= 0.5 * precision * at.reciprocity[r] * at.reciprocity[r]
        pull.reciprocity[r] -= precision * at.reciprocity[r]
    return total


@inlined_kernel
def add_effects(held: Held, means: Floats, variances: Floats, mean_pulls: Floats, log_variance_pulls: Floats) -> float:
    """Return what the bound has of effects: their prior, whose variance's factor is at its best, and their entropy.

    means, variances : (n_relations, n_actors or 0), of the effects; the others : the gradient by means and logarithms of
    the variances, to which is added.
    """
    n_relations, n = means.shape
    degrees = held.prior.effect_degrees + n
    total = 0.0
    for r in range(n_relations if n > 0 else 0):
        square = held.prior.effect_degrees * held.prior.effect_scale
        for i in range(n):
            square += means[r, i] * means[r, i] + variances[r, i]
            total += 0.5 * math.log(variances[r, i])
        total -= 0.5 * degrees * math.log(square)
        precision = degrees / square
        for i in range(n):
            mean_pulls[r, i] -= precision * means[r, i]
            log_variance_pulls[r, i] += 0.5 - 0.5 * precision * variances[r, i]
    return total


@inlined_kernel
def _likelihood_of_predictors(held: Held, buffers: Buffers) -> float:
    """Return the expected log-likelihood of any form but the plain one; add to the gradient, by variances of positions."""
    at, pull, variances = buffers.at, buffers.pull, buffers.variances
    n_relations, n_senders = at.sender.shape
    n_receivers = at.receiver.shape[1]
    for r in range(n_relations):
        for i in range(n_senders):
            variances.sender[r, i] = math.exp(at.sender_log_variances[r, i])
        for i in range(n_receivers):
            variances.receiver[r, i] = math.exp(at.receiver_log_variances[r, i])
    mean = Point(
        at.positions,
        at.intercepts,
        at.coefficients,
        at.reciprocity,
        at.sender,
        at.receiver,
        at.centres,
        at.log_spreads,
    )
    slope = Point(
        pull.positions,
        pull.intercepts,
        pull.coefficients,
        pull.reciprocity,
        pull.sender,
        pull.receiver,
        pull.centres,
        pull.log_spreads,
    )
    value = expected_of_predictors(
        (mean, variances),
        held.data,
        held.rule,
        held.noise,
        (slope, Spread(pull.log_variances, pull.sender_log_variances, pull.receiver_log_variances)),
        (buffers.blocks, buffers.sides, buffers.slopes),
    )
    for r in range(n_relations):
        for i in range(n_senders):
            pull.sender_log_variances[r, i] *= variances.sender[r, i]
        for i in range(n_receivers):
            pull.receiver_log_variances[r, i] *= variances.receiver[r, i]
    value += add_effects(held, at.sender, variances.sender, pull.sender, pull.sender_log_variances)
    value += add_effects(held, at.receiver, variances.receiver, pull.receiver, pull.receiver_log_variances)
    return value + add_coefficients(held, buffers)


@lean_fast_kernel
def variable_bound(held: Held, buffers: Buffers) -> float:
    """Return all of the bound that depends on the flat vector; fill its gradient and the memberships."""
    at, pull, variances = buffers.at, buffers.pull, buffers.variances.positions
    n = variances.shape[0]
    for a in range(buffers.gradient.shape[0]):
        buffers.gradient[a] = 0.0
    for i in range(n):
        variances[i] = math.exp(at.log_variances[i])
        buffers.deviations[i] = math.sqrt(variances[i])
    if held.data.form == PLAIN:
        value = expected_log_likelihood(
            Normals(at.positions, variances, at.intercepts),
            held.data.ties,
            held.data.observed,
            held.rule,
            Normals(pull.positions, pull.log_variances, pull.intercepts),
            buffers.blocks,
        )
    else:
        value = _likelihood_of_predictors(held, buffers)
    for i in range(n):
        pull.log_variances[i] *= variances[i]
    return value + add_clusters(held, buffers) + add_priors(held, buffers)
