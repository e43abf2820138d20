"""Expected log-likelihoods of the latent position model over normal positions and effects, written out slowly."""

from __future__ import annotations

from itertools import product

import numpy as np
from reference.cases import design_of
from scipy import stats

from simlab.kernels.expected import PIVOT, Normals, Rule
from simlab.models.latent_data import LatentData
from simlab.models.variational import Approximation

# The rule of three places is not exact for long tails; the numerical integrals below are.
_GRID = 20_001


def answer(tie: float, seen: float, eta: np.ndarray | float) -> np.ndarray | float:
    """Return the log-likelihood of a dyad."""
    return tie * eta - seen * np.logaddexp(0.0, eta)


def three_places(rule: Rule, square: float, variance: float) -> tuple[list[float], list[float]]:
    """Return the three distances that stand for a dyad, and their weights."""

    def curve(c: tuple[float, ...]) -> float:
        return sum(value * u**power for power, value in enumerate(c))

    u = PIVOT * variance / (PIVOT * variance + square)
    level, low, high = curve(rule.level), curve(rule.low), curve(rule.high)
    mean = np.sqrt(square + variance * level)
    deviation = np.sqrt(variance * (rule.n_dims - level))
    return [mean + deviation * e for e in (low, -(low + high) / 4.0, high)], [1 / 6, 2 / 3, 1 / 6]


def dyads(normals: Normals, data: LatentData) -> list[tuple[int, int, float, float]]:
    """Return (relation, dyad, squared distance of the means, sum of the variances) of every dyad."""
    places = normals.positions.T
    return [
        (
            r,
            i * (i - 1) // 2 + j,
            float(((places[i] - places[j]) ** 2).sum()),
            normals.variances[i] + normals.variances[j],
        )
        for r in range(data.n_relations)
        for i in range(data.n_actors)
        for j in range(i)
    ]


def dyad_log_likelihood(data: LatentData, r: int, at: int, eta, rho: float):
    """Return the log-likelihood of a dyad at these predictors, there and back: numbers, or arrays of them."""
    ways = [(float(data.ties[r, at]), float(data.observed[r, at]), eta[0])]
    if data.ties_back.shape[1]:
        ways.append((float(data.ties_back[r, at]), float(data.observed_back[r, at]), eta[1]))
    if data.form == "poisson":
        return sum(y * e - seen * np.exp(e) for y, seen, e in ways)
    if data.form != "reciprocal":
        return sum(answer(*way) for way in ways)
    states = list(product((0, 1), repeat=2))
    size = [y * eta[0] + x * eta[1] + y * x * rho for y, x in states]
    fit = [
        s
        for s, state in zip(size, states, strict=True)
        if all(not w[1] or w[0] == v for w, v in zip(ways, state, strict=False))
    ]
    return np.logaddexp.reduce(fit) - np.logaddexp.reduce(size)


def effects_of(
    data: LatentData, sender: np.ndarray, receiver: np.ndarray, r: int, i: int, j: int
) -> tuple[float, float]:
    """Return the effects, or their variances, of the tie from i to j and of the one back."""
    receiver = sender if data.sociality == "shared" else receiver

    def of(one: int, other: int) -> float:
        return sum(float(part[r, k]) for part, k in ((sender, one), (receiver, other)) if part.shape[1])

    return of(i, j), of(j, i)


def effect_places(data: LatentData) -> list[tuple[float, float, float]]:
    """Return (place there, place back, weight) of the effects of a dyad."""
    if data.sociality == "none":
        return [(0.0, 0.0, 1.0)]
    if data.form == "reciprocal" and data.sociality != "shared":
        return [(x, y, 0.25) for x, y in ((2**0.5, 0.0), (-(2**0.5), 0.0), (0.0, 2**0.5), (0.0, -(2**0.5)))]
    return [(x, x, w) for x, w in ((0.0, 2 / 3), (3**0.5, 1 / 6), (-(3**0.5), 1 / 6))]


def expected_of_predictors(a: Approximation, data: LatentData, expectation, effects) -> float:
    """Return the expected log-likelihood of any form.

    expectation : of a function of the distance, given that and the dyad's squared distance of means and sum of variances;
    effects : triples of places, in standard deviations, and weights.
    """
    x = design_of(data)
    pairs = [(i, j) for i in range(data.n_actors) for j in range(i)]
    total = 0.0
    for r, at, square, variance in dyads(Normals(a.positions.T, a.variances, a.intercepts), data):
        i, j = pairs[at]
        means = effects_of(data, a.sender, a.receiver, r, i, j)
        spreads = np.sqrt(effects_of(data, a.sender_variances, a.receiver_variances, r, i, j))
        there, back = (
            a.intercepts[r] + sum(a.coefficients[r, k] * x[k, one, other] for k in range(len(x))) + mean
            for (one, other), mean in zip(((i, j), (j, i)), means, strict=True)
        )
        rho = a.reciprocity[r] if len(a.reciprocity) else 0.0

        def value(distance, r=r, at=at, there=there, back=back, spreads=spreads, rho=rho):
            return sum(
                share
                * dyad_log_likelihood(
                    data, r, at, (there - distance + one * spreads[0], back - distance + other * spreads[1]), rho
                )
                for one, other, share in effects
            )

        total += expectation(value, square, variance)
    return float(total)


def by_three_places(rule: Rule, function, square: float, variance: float) -> float:
    """Return the expectation of a function of the distance by the rule of three places."""
    return sum(weight * function(d) for d, weight in zip(*three_places(rule, square, variance), strict=True))


def expected_log_likelihood(normals: Normals, data: LatentData, rule: Rule) -> float:
    """Return the expected log-likelihood by the rule of three places."""
    total = 0.0
    for r, at, square, variance in dyads(normals, data):
        for distance, weight in zip(*three_places(rule, square, variance), strict=True):
            total += weight * answer(data.ties[r, at], data.observed[r, at], normals.intercepts[r] - distance)
    return total


def integrated_log_likelihood(normals: Normals, data: LatentData, n_dims: int) -> float:
    """Return the expected log-likelihood by integrals over the non-central chi density of every distance."""
    return sum(
        integrated(
            lambda d, r=r, at=at: answer(data.ties[r, at], data.observed[r, at], normals.intercepts[r] - d), *dyad
        )
        for r, at, *dyad in ((*dyad, n_dims) for dyad in dyads(normals, data))
    )


def integrated(function, square: float, variance: float, n_dims: int) -> float:
    """Return the expectation of a function of the length of N(m, variance I), ||m||^2 = square."""
    deviation = np.sqrt(variance)
    middle = np.sqrt(square)
    length = np.linspace(max(middle - 9.0 * deviation, 1e-9), middle + 9.0 * deviation, _GRID)
    density = 2.0 * length / variance * stats.ncx2.pdf(length**2 / variance, n_dims, square / variance)
    return float(np.trapezoid(density * function(length), length) / np.trapezoid(density, length))
