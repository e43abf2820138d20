"""The expected curvature of the log-density, from which masses and the proposal of scale moves are made."""

from __future__ import annotations

import math

from simlab.foundation.compile import lean_fast_kernel
from simlab.kernels.chain_state import POISSON, Data, Point, Prior, State, Work, unpacked
from simlab.kernels.dyads import BLOCK, Floats, Singles, advance, fill_distances
from simlab.kernels.exponential import decay
from simlab.kernels.predictors import add_effect_pulls, fill_predictors, spread_effects


@lean_fast_kernel
def fill_information(eta: Floats, observed: Singles, counts: bool) -> None:
    """Turn eta into the expected curvature of the log-likelihood of each tie by eta; ``observed`` : answers."""
    for j in range(eta.shape[0]):
        e = decay(abs(eta[j]))
        if counts:
            eta[j] = observed[j] * (1.0 / e if eta[j] >= 0.0 else e)
        else:
            eta[j] = observed[j] * e / ((1.0 + e) * (1.0 + e))


@lean_fast_kernel
def add_position_information(place: tuple[int, int, int], information: Floats, each: Floats) -> None:
    """Add the information of the dyads from ``place`` = (i, start, number) on to both of their actors."""
    i, start, _ = place
    n = each.shape[0]
    at = 0
    while i < n and at < information.shape[0]:
        stop = min(i, start + information.shape[0] - at)
        total = 0.0
        for j in range(start, stop):
            each[j] += information[at]
            total += information[at]
            at += 1
        each[i] += total
        start = stop
        if stop == i:
            i += 1
            start = 0


@lean_fast_kernel
def curvature(state: State, data: Data, prior: Prior, work: Work, masses: Floats, scale: Floats) -> None:
    """Add the expected curvature of the log-density: ``masses`` as the flat vector, ``scale`` (2, 2).

    The latter is that of the log-likelihood and prior along (intercept, log scale). Reciprocity is left out of account
    where the information of a tie is concerned.
    """
    point, mass = unpacked(state.vector, state.shape), unpacked(masses, state.shape)
    n_dims, n = point.positions.shape
    fill_distances(point.positions, work.distances)
    size = work.distances.shape[0]
    base, information, slopes = work.blocks[0], work.blocks[1], work.blocks[2:]
    each = work.aside[:n]
    for r in range(point.intercepts.shape[0]):
        spread_effects(point, r, data.shared_effects, work.effects[:2])
        i, start = 1, 0
        for at in range(0, size, BLOCK):
            place = (i, start, at)
            count = min(BLOCK, size - at)
            distance = work.distances[at : at + count]
            for j in range(count):
                base[j] = point.intercepts[r] - distance[j]
            eta = slopes[:, :count]
            fill_predictors(point, data, r, place, base[:count], work.effects[:2], eta)
            add_level_information(data, r, at, eta, distance, information[:count], mass, scale, 1.0)
            if point.sender.shape[1] + point.receiver.shape[1] > 0:
                add_effect_pulls(place, eta, data.ties_back.shape[1] > 0, work.effects[2:])
            for a in range(n):
                each[a] = 0.0
            add_position_information(place, information[:count], each)
            for k in range(n_dims):
                for a in range(n):
                    mass.positions[k, a] += each[a]
            i, start = advance(i, start, count)
        collect_effect_information(state, data, r, work, mass)
    add_prior_curvature(state, prior, mass, scale)


@lean_fast_kernel
def add_level_information(
    data: Data,
    r: int,
    at: int,
    eta: Floats,
    distance: Floats,
    information: Floats,
    mass: Point,
    scale: Floats,
    weight: float,
) -> None:
    """Turn eta (2, count) into curvature times ``weight``; add that of intercept, coefficients, reciprocity and scale.

    ``information`` (count,) becomes that of a position along each axis.
    """
    back = data.ties_back.shape[1] > 0
    n_dims = mass.positions.shape[0]
    count = information.shape[0]
    fill_information(eta[0], data.observed[r, at : at + count], data.form == POISSON)
    if back:
        fill_information(eta[1], data.observed_back[r, at : at + count], data.form == POISSON)
    for j in range(count):
        eta[0, j] *= weight
        eta[1, j] *= weight if back else 0.0
        both = eta[0, j] + eta[1, j]
        information[j] = both / n_dims
        mass.intercepts[r] += both
        scale[0, 0] += both
        scale[0, 1] -= both * distance[j]
        scale[1, 1] += both * distance[j] * distance[j]
    for k in range(mass.coefficients.shape[1]):
        for j in range(count):
            covariate = data.covariates[k, at + j]
            mass.coefficients[r, k] += eta[0, j] * covariate * covariate
            if back:
                covariate = data.covariates_back[k, at + j]
                mass.coefficients[r, k] += eta[1, j] * covariate * covariate
    if mass.reciprocity.shape[0] > 0:
        for j in range(count):
            mass.reciprocity[r] += 0.25 * min(eta[0, j], eta[1, j])


@lean_fast_kernel
def collect_effect_information(state: State, data: Data, r: int, work: Work, mass: Point) -> None:
    """Add the curvature by the effects of a relation, of likelihood (in ``work.effects``, then emptied) and prior."""
    for a in range(work.effects.shape[1]):
        if mass.sender.shape[1] > 0:
            shared = work.effects[3, a] if data.shared_effects else 0.0
            mass.sender[r, a] += work.effects[2, a] + shared + 1.0 / state.effect_variances[r, 0]
        if mass.receiver.shape[1] > 0:
            mass.receiver[r, a] += work.effects[3, a] + 1.0 / state.effect_variances[r, 1]
        work.effects[2, a] = 0.0
        work.effects[3, a] = 0.0


@lean_fast_kernel
def add_prior_curvature(state: State, prior: Prior, mass: Point, scale: Floats) -> None:
    """Add the curvature of the mixture and of the priors of all but the effects."""
    point = unpacked(state.vector, state.shape)
    n_dims, n = point.positions.shape
    for r in range(point.intercepts.shape[0]):
        mass.intercepts[r] += 1.0 / prior.intercept_variance
        scale[0, 0] += 1.0 / prior.intercept_variance
        for k in range(point.coefficients.shape[1]):
            mass.coefficients[r, k] += 1.0 / prior.coefficient_variance
    for r in range(point.reciprocity.shape[0]):
        mass.reciprocity[r] += 1.0 / prior.coefficient_variance
    for i in range(n):
        for k in range(n_dims):
            mass.positions[k, i] += math.exp(-point.log_variances[state.labels[i]])
    add_mixture_curvature(state, prior, mass, scale)


@lean_fast_kernel
def add_mixture_curvature(state: State, prior: Prior, mass: Point, scale: Floats) -> None:
    """Add the curvature by centres (0 where they are held), log variances and, of the priors, the log scale."""
    point = unpacked(state.vector, state.shape)
    n_dims, n = point.positions.shape
    for g in range(point.centres.shape[0]):
        count = 0.0
        for i in range(n):
            if state.labels[i] == g:
                count += 1.0
        precision = math.exp(-point.log_variances[g])
        if prior.centre_variance > 0.0:
            for k in range(n_dims):
                mass.centres[g, k] += count * precision + 1.0 / prior.centre_variance
                scale[1, 1] += 2.0 * point.centres[g, k] * point.centres[g, k] / prior.centre_variance
        mass.log_variances[g] += 0.5 * (count * n_dims + prior.variance_degrees)
        scale[1, 1] += 2.0 * prior.variance_degrees * prior.variance_scale * precision


@lean_fast_kernel
def scale_proposal(scale: Floats, factor: Floats) -> None:
    """Fill the Cholesky factor (2, 2) of the proposal of scale moves from the curvature (2, 2) along them."""
    level, mixed, size = scale[0, 0], scale[0, 1], scale[1, 1]
    determinant = max(level * size - mixed * mixed, 1e-12 * level * size)
    # 2.38 / sqrt(2): the best random walk in two dimensions (Roberts, Gelman & Gilks 1997).
    first = 1.68 * math.sqrt(size / determinant)
    factor[0, 0] = first
    factor[1, 0] = -mixed / size * first
    factor[1, 1] = 1.68 / math.sqrt(size)
