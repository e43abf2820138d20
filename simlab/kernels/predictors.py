"""The likelihood of a latent position model with covariates, sender and receiver effects, reciprocity, or counts.

    eta_ij = intercept + sum_k coefficient_k x_ijk + sender_i + receiver_j - ||z_i - z_j||

Ties: y eta - log(1 + exp(eta)). Counts: y eta - exp(eta) (Krivitsky, Handcock, Raftery & Hoff 2009, section 2). With
reciprocity rho the two ties of a dyad have P(y_ij, y_ji) proportional to exp(y_ij eta_ij + y_ji eta_ji + rho y_ij y_ji)
(Holland & Leinhardt 1981); where only one of the two was observed, it has its marginal distribution.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from simlab.foundation.compile import lean_fast_kernel
from simlab.kernels.chain_state import POISSON, RECIPROCAL, Data, Point, Work
from simlab.kernels.dyads import BLOCK, Floats, Singles, add_pulls, advance
from simlab.kernels.exponential import decay


class Sides(Protocol):
    """What belongs to senders and receivers: (n_relations, n_actors), or (n_relations, 0) where there is nothing."""

    @property
    def sender(self) -> Floats:
        """What belongs to senders."""

    @property
    def receiver(self) -> Floats:
        """What belongs to receivers."""


@lean_fast_kernel
def spread_effects(point: Sides, r: int, shared: bool, effects: Floats) -> None:
    """Fill ``effects`` (2, n_actors) with the sender and the receiver effects of a relation, 0 where there are none."""
    for i in range(effects.shape[1]):
        effects[0, i] = point.sender[r, i] if point.sender.shape[1] > 0 else 0.0
        effects[1, i] = point.receiver[r, i] if point.receiver.shape[1] > 0 else (effects[0, i] if shared else 0.0)


@lean_fast_kernel
def collect_effects(pull: Sides, r: int, shared: bool, effect_pulls: Floats) -> None:
    """Add the pulls at effects (2, n_actors) to the gradient of a relation, and empty them."""
    for i in range(effect_pulls.shape[1]):
        if pull.sender.shape[1] > 0:
            pull.sender[r, i] += effect_pulls[0, i] + (effect_pulls[1, i] if shared else 0.0)
        if pull.receiver.shape[1] > 0:
            pull.receiver[r, i] += effect_pulls[1, i]
        effect_pulls[0, i] = 0.0
        effect_pulls[1, i] = 0.0


@lean_fast_kernel
def add_effects(place: tuple[int, int, int], effects: Floats, out: Floats) -> None:
    """Add the effects (2, n_actors) of both actors to ``out`` (2, count) of the dyads from ``place`` on, and back."""
    i, start, _ = place
    n = effects.shape[1]
    size = out.shape[1]
    at = 0
    while i < n and at < size:
        stop = min(i, start + size - at)
        for j in range(start, stop):
            out[0, at] += effects[0, i] + effects[1, j]
            out[1, at] += effects[0, j] + effects[1, i]
            at += 1
        start = stop
        if stop == i:
            i += 1
            start = 0


@lean_fast_kernel
def fill_predictors(
    point: Point, data: Data, r: int, place: tuple[int, int, int], base: Floats, effects: Floats, out: Floats
) -> None:
    """Fill ``out`` (2, count) with eta of the dyads from ``place`` = (i, start, number of the dyad) on, and back.

    base : (count,), intercept minus distance.
    """
    size = base.shape[0]
    for j in range(size):
        out[0, j] = base[j]
        out[1, j] = base[j]
    if point.sender.shape[1] + point.receiver.shape[1] > 0:
        add_effects(place, effects, out)
    add_covariates(point, data, r, place[2], out)


@lean_fast_kernel
def add_covariates(point: Point, data: Data, r: int, first: int, out: Floats) -> None:
    """Add to ``out`` (2, count), eta of dyads from number ``first`` on, what the covariates have."""
    size = out.shape[1]
    for k in range(point.coefficients.shape[1]):
        coefficient = point.coefficients[r, k]
        row = data.covariates[k, first : first + size]
        for j in range(size):
            out[0, j] += coefficient * row[j]
        if data.ties_back.shape[1] > 0:
            row = data.covariates_back[k, first : first + size]
            for j in range(size):
                out[1, j] += coefficient * row[j]


@lean_fast_kernel
def add_effect_pulls(place: tuple[int, int, int], slopes: Floats, back: bool, effect_pulls: Floats) -> None:
    """Add the slopes (2, count) of the dyads from ``place`` on to the pulls at effects (2, n_actors)."""
    i, start, _ = place
    n = effect_pulls.shape[1]
    size = slopes.shape[1]
    at = 0
    while i < n and at < size:
        stop = min(i, start + size - at)
        for j in range(start, stop):
            effect_pulls[0, i] += slopes[0, at]
            effect_pulls[1, j] += slopes[0, at]
            if back:
                effect_pulls[0, j] += slopes[1, at]
                effect_pulls[1, i] += slopes[1, at]
            at += 1
        start = stop
        if stop == i:
            i += 1
            start = 0


@lean_fast_kernel
def tie_terms(eta: Floats, ties: Singles, observed: Singles) -> float:
    """Return the log-likelihood of ties (or of counts of ties in 0, 1, 2 answers); ``eta`` becomes the slopes."""
    linear = 0.0
    product = 1.0
    for j in range(eta.shape[0]):
        value = eta[j]
        e = decay(abs(value))
        tie = np.float64(ties[j])
        seen = np.float64(observed[j])
        linear += tie * value - seen * max(value, 0.0)
        product *= 1.0 + seen * e * (1.0 + 0.5 * (seen - 1.0) * e)
        eta[j] = tie - seen * (1.0 if value >= 0.0 else e) / (1.0 + e)
    return linear - math.log(product)


@lean_fast_kernel
def count_terms(eta: Floats, ties: Singles, observed: Singles) -> float:
    """Return the log-likelihood of counts without log y!; ``eta`` becomes the slopes."""
    total = 0.0
    for j in range(eta.shape[0]):
        value = eta[j]
        e = decay(abs(value))
        mean = np.float64(observed[j]) * (1.0 / e if value >= 0.0 else e)
        total += ties[j] * value - mean
        eta[j] = ties[j] - mean
    return total


@lean_fast_kernel
def reciprocal_terms(
    eta: Floats, rho: float, ties: Singles, observed: Singles, ties_back: Singles, observed_back: Singles
) -> tuple[float, float]:
    """Return (log-likelihood, slope by rho) of dyads with reciprocity; ``eta`` (2, count) becomes the slopes."""
    linear = 0.0
    product = 1.0
    half_product = 1.0
    rho_slope = 0.0
    for j in range(eta.shape[1]):
        there, back = eta[0, j], eta[1, j]
        y, x = np.float64(ties[j]), np.float64(ties_back[j])
        seen, seen_back = np.float64(observed[j]), np.float64(observed_back[j])
        both = seen * seen_back
        either = max(seen, seen_back)
        half = either - both
        # All four states of the dyad, over the most probable of them.
        joint = there + back + rho
        top = max(max(0.0, there), max(back, joint))
        one = decay(top - there)
        other = decay(top - back)
        two = decay(top - joint)
        whole = decay(top) + one + other + two
        product *= 1.0 + either * (whole - 1.0)
        # Where one tie was seen, the sum over the other: eta of that one given the tie that was seen.
        unseen = back + rho * y if seen > 0.0 else there + rho * x
        e = decay(abs(unseen))
        half_product *= 1.0 + half * e
        share = half * (1.0 if unseen >= 0.0 else e) / (1.0 + e)
        linear += seen * y * there + seen_back * x * back + both * y * x * rho
        linear += half * max(unseen, 0.0) - either * top
        known = y if seen > 0.0 else x
        rho_slope += both * y * x + share * known - either * two / whole
        eta[0, j] = seen * y + share * (1.0 - seen) - either * (one + two) / whole
        eta[1, j] = seen_back * x + share * (1.0 - seen_back) - either * (other + two) / whole
    return linear - math.log(product) + math.log(half_product), rho_slope


@lean_fast_kernel
def terms(
    form: int,
    back: bool,
    rho: float,
    eta: Floats,
    ties: Singles,
    observed: Singles,
    ties_back: Singles,
    observed_back: Singles,
) -> tuple[float, float]:
    """Return (log-likelihood, slope by rho) of dyads; ``eta`` (2, count) becomes slopes.

    ties, observed : (count,), of both ways together unless ``back``.
    """
    if form == RECIPROCAL:
        return reciprocal_terms(eta, rho, ties, observed, ties_back, observed_back)
    if form == POISSON:
        value = count_terms(eta[0], ties, observed)
        return value + (count_terms(eta[1], ties_back, observed_back) if back else 0.0), 0.0
    value = tie_terms(eta[0], ties, observed)
    return value + (tie_terms(eta[1], ties_back, observed_back) if back else 0.0), 0.0


@lean_fast_kernel
def block_terms(point: Point, data: Data, r: int, at: int, eta: Floats, pull: Point) -> float:
    """Return the log-likelihood of a block of a relation; ``eta`` (2, count) becomes slopes; add those of rho."""
    stop = at + eta.shape[1]
    back = data.ties_back.shape[1] > 0
    ties, observed = data.ties[r, at:stop], data.observed[r, at:stop]
    ties_back, observed_back = (data.ties_back, data.observed_back) if back else (data.ties, data.observed)
    rho = point.reciprocity[r] if point.reciprocity.shape[0] > 0 else 0.0
    value, slope = terms(data.form, back, rho, eta, ties, observed, ties_back[r, at:stop], observed_back[r, at:stop])
    if pull.reciprocity.shape[0] > 0:
        pull.reciprocity[r] += slope
    return value


@lean_fast_kernel
def add_level_slopes(data: Data, r: int, at: int, eta: Floats, distance: Floats, pulls: Floats, pull: Point) -> None:
    """Add the slopes ``eta`` (2, count) to those of intercept and coefficients; fill ``pulls``, slopes over distance.

    ``pulls`` may be ``distance`` itself.
    """
    back = data.ties_back.shape[1] > 0
    count = pulls.shape[0]
    slope = 0.0
    for j in range(count):
        both = eta[0, j] + (eta[1, j] if back else 0.0)
        slope += both
        pulls[j] = both / distance[j]
    pull.intercepts[r] += slope
    for k in range(pull.coefficients.shape[1]):
        row = data.covariates[k, at : at + count]
        slope = 0.0
        for j in range(count):
            slope += eta[0, j] * row[j]
        if back:
            row = data.covariates_back[k, at : at + count]
            for j in range(count):
                slope += eta[1, j] * row[j]
        pull.coefficients[r, k] += slope


@lean_fast_kernel
def likelihood_of_predictors(point: Point, data: Data, scale: float, shift: float, pull: Point, work: Work) -> float:
    """Return the log-likelihood with distances times ``scale`` and intercepts plus ``shift``; add its gradient to ``pull``.

    The gradient is by the quantities of ``point`` at a scale of 1. ``work.distances`` holds the distances of ``point``.
    """
    total = 0.0
    back = data.ties_back.shape[1] > 0
    base, pulls, slopes = work.blocks[0], work.blocks[1], work.blocks[2:]
    size = work.distances.shape[0]
    for r in range(point.intercepts.shape[0]):
        spread_effects(point, r, data.shared_effects, work.effects[:2])
        i, start = 1, 0
        for at in range(0, size, BLOCK):
            place = (i, start, at)
            count = min(BLOCK, size - at)
            distance = work.distances[at : at + count]
            level = point.intercepts[r] + shift
            for j in range(count):
                base[j] = level - scale * distance[j]
            eta = slopes[:, :count]
            fill_predictors(point, data, r, place, base[:count], work.effects[:2], eta)
            total += block_terms(point, data, r, at, eta, pull)
            add_level_slopes(data, r, at, eta, distance, pulls[:count], pull)
            if point.sender.shape[1] + point.receiver.shape[1] > 0:
                add_effect_pulls(place, eta, back, work.effects[2:])
            add_pulls(point.positions, i, start, pulls[:count], pull.positions)
            i, start = advance(i, start, count)
        collect_effects(pull, r, data.shared_effects, work.effects[2:])
    return total
