"""The log-likelihood of a latent position model expected over normal positions, with its gradient.

The difference of two independent actors z_i ~ N(m_i, v_i I), z_j ~ N(m_j, v_j I) is normal with mean m_i - m_j and
variance v = v_i + v_j in each of d directions. Its length depends on s = ||m_i - m_j||^2 and v alone and has mean square
s + d v. The expectation over it is a sum over three places with weights 1/6, 2/3 and 1/6,

    mean = sqrt(s + v level(u)),   deviation = sqrt(v (d - level(u))),   u = 4 v / (4 v + s)
    places: mean + deviation * (low(u), -(low(u) + high(u)) / 4, high(u))

which have the mean, variance and third moment of the length. The three curves are polynomials, which
``simlab.models.variational.rule`` makes; so the sum is a smooth function of s and v, without a kink where two actors meet.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from simlab.foundation.compile import inlined_kernel, lean_fast_kernel
from simlab.kernels.dyads import Floats, Singles, add_pulls, fill_squares
from simlab.kernels.exponential import decay

# v / s at which u is one half, and the numbers of a curve.
PIVOT = 4.0
N_COEFFICIENTS = 9
_SMALLEST = 1e-30
_SIXTH = 1.0 / 6.0

Curve = tuple[float, float, float, float, float, float, float, float, float]


class Rule(NamedTuple):
    """The curves of one number of dimensions: coefficients of powers of u, from the constant on."""

    n_dims: float
    level: Curve
    low: Curve
    high: Curve


class Normals(NamedTuple):
    """Normal positions and the intercepts, or the derivatives by them.

    positions : (n_dims, n_actors), the means; variances : (n_actors,); intercepts : (n_relations,).
    """

    positions: Floats
    variances: Floats
    intercepts: Floats


@lean_fast_kernel
def _curve(c: Curve, u: float) -> float:
    return c[0] + u * (c[1] + u * (c[2] + u * (c[3] + u * (c[4] + u * (c[5] + u * (c[6] + u * (c[7] + u * c[8])))))))


@lean_fast_kernel
def _slope(c: Curve, u: float) -> float:
    upper = 5.0 * c[5] + u * (6.0 * c[6] + u * (7.0 * c[7] + u * (8.0 * c[8])))
    return c[1] + u * (2.0 * c[2] + u * (3.0 * c[3] + u * (4.0 * c[4] + u * upper)))


@lean_fast_kernel
def fill_sums(variances: Floats, i: int, start: int, sums: Floats) -> None:
    """Fill ``sums`` with the sums of variances of the dyads from (i, start) on."""
    size = sums.shape[0]
    at = 0
    while at < size:
        stop = min(i, start + size - at)
        count = stop - start
        out, row, here = sums[at : at + count], variances[start:stop], variances[i]
        for j in range(count):
            out[j] = row[j] + here
        at += count
        start = stop
        if stop == i:
            i += 1
            start = 0


@lean_fast_kernel
def add_sums(i: int, start: int, values: Floats, out: Floats) -> None:
    """Add the ``values`` of the dyads from (i, start) on to both their actors in ``out`` (n_actors,)."""
    size = values.shape[0]
    at = 0
    while at < size:
        stop = min(i, start + size - at)
        count = stop - start
        row, value = out[start:stop], values[at : at + count]
        total = 0.0
        for j in range(count):
            row[j] += value[j]
            total += value[j]
        out[i] += total
        at += count
        start = stop
        if stop == i:
            i += 1
            start = 0


@inlined_kernel
def spread_places(rule: Rule, square: float, variance: float) -> tuple[float, float, float, float, float, float, float]:
    """Return (1 / (4 v + s), u, level, low, high, mean, deviation) of a dyad."""
    inverse = 1.0 / (PIVOT * variance + square + _SMALLEST)
    u = PIVOT * variance * inverse
    level, low, high = _curve(rule.level, u), _curve(rule.low, u), _curve(rule.high, u)
    mean = math.sqrt(square + variance * level + _SMALLEST)
    deviation = math.sqrt(variance * (rule.n_dims - level) + _SMALLEST)
    return inverse, u, level, low, high, mean, deviation


@inlined_kernel
def chained(
    rule: Rule,
    variance: float,
    places: tuple[float, float, float, float, float, float, float],
    slopes: tuple[float, float, float],
    by_mean: float,
) -> tuple[float, float]:
    """Return what to take from the pull of a dyad (its slope over distance) and to add to its tug (slope by the sum).

    places : of ``spread_places``; slopes : by the distances at the three places, weighted, with the sign turned; by_mean :
    their sum. What is alike at the three places may be left out of ``slopes``, since it has no effect but by the mean.
    """
    inverse, u, level, low, high, mean, deviation = places
    p_low, p_middle, p_high = slopes
    middle = -0.25 * (low + high)
    left = rule.n_dims - level
    by_deviation = p_low * low + p_middle * middle + p_high * high
    mean_share, deviation_share = 0.5 * by_mean / mean, 0.5 * by_deviation / deviation
    by_u = _slope(rule.level, u) * variance * (mean_share - deviation_share) + deviation * (
        _slope(rule.low, u) * (p_low - 0.25 * p_middle) + _slope(rule.high, u) * (p_high - 0.25 * p_middle)
    )
    by_u *= inverse
    return 2.0 * (mean_share - u * by_u), level * mean_share + left * deviation_share + PIVOT * (1.0 - u) * by_u


@lean_fast_kernel
def _block_terms(
    block: tuple[Floats, Floats, Floats, Floats], intercept: float, ties: Singles, observed: Singles, rule: Rule
) -> tuple[float, float]:
    """Return the expected log-likelihood of a block and its derivative by the intercept; add to pulls and tugs.

    block : squared distances of the means, sums of variances, pulls (slope over distance), tugs (derivative by the sum).
    """
    squares, sums, pulls, tugs = block
    linear = 0.0
    at_low, at_middle, at_high = 1.0, 1.0, 1.0
    slope = 0.0
    for j in range(squares.shape[0]):
        places = spread_places(rule, squares[j], sums[j])
        _, _, _, low, high, mean, deviation = places
        middle = -0.25 * (low + high)

        eta = intercept - mean
        eta_low, eta_middle, eta_high = eta - deviation * low, eta - deviation * middle, eta - deviation * high
        e_low, e_middle, e_high = decay(abs(eta_low)), decay(abs(eta_middle)), decay(abs(eta_high))
        tie, seen = np.float64(ties[j]), np.float64(observed[j])
        over = _SIXTH * (max(eta_low, 0.0) + max(eta_high, 0.0)) + 4.0 * _SIXTH * max(eta_middle, 0.0)
        linear += tie * eta - seen * over
        # log(1 + E) once or twice, by products of their arguments; each is at most 4.
        twice = 0.5 * (seen - 1.0)
        at_low *= 1.0 + seen * e_low * (1.0 + twice * e_low)
        at_middle *= 1.0 + seen * e_middle * (1.0 + twice * e_middle)
        at_high *= 1.0 + seen * e_high * (1.0 + twice * e_high)

        # Expected numbers of ties at the three places, times their weights.
        p_low = _SIXTH * seen * (1.0 if eta_low >= 0.0 else e_low) / (1.0 + e_low)
        p_middle = 4.0 * _SIXTH * seen * (1.0 if eta_middle >= 0.0 else e_middle) / (1.0 + e_middle)
        p_high = _SIXTH * seen * (1.0 if eta_high >= 0.0 else e_high) / (1.0 + e_high)
        by_mean = p_low + p_middle + p_high - tie
        slope -= by_mean
        pull, tug = chained(rule, sums[j], places, (p_low, p_middle, p_high), by_mean)
        pulls[j] -= pull
        tugs[j] += tug
    return linear - _SIXTH * (math.log(at_low) + 4.0 * math.log(at_middle) + math.log(at_high)), slope


@lean_fast_kernel
def expected_log_likelihood(
    normals: Normals, ties: Singles, observed: Singles, rule: Rule, pull: Normals, blocks: Floats
) -> float:
    """Return the expected log-likelihood; fill ``pull`` with its derivatives by means, variances and intercepts.

    ties, observed : (n_relations, n_dyads), sums of both ways; blocks : (4, BLOCK), a buffer.
    """
    n_dims, n = normals.positions.shape
    for i in range(n):
        pull.variances[i] = 0.0
        for k in range(n_dims):
            pull.positions[k, i] = 0.0
    for r in range(normals.intercepts.shape[0]):
        pull.intercepts[r] = 0.0
    total = 0.0
    i, start, at = 1, 0, 0
    while i < n:
        first_i, first_start = i, start
        count, i, start = fill_squares(normals.positions, i, start, blocks[0])
        block = (blocks[0, :count], blocks[1, :count], blocks[2, :count], blocks[3, :count])
        fill_sums(normals.variances, first_i, first_start, block[1])
        for j in range(count):
            block[2][j] = 0.0
            block[3][j] = 0.0
        for r in range(normals.intercepts.shape[0]):
            term, slope = _block_terms(
                block, normals.intercepts[r], ties[r, at : at + count], observed[r, at : at + count], rule
            )
            total += term
            pull.intercepts[r] += slope
        add_pulls(normals.positions, first_i, first_start, block[2], pull.positions)
        add_sums(first_i, first_start, block[3], pull.variances)
        at += count
    return total
