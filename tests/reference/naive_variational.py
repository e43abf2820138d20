"""The variational approximation of the latent position cluster model, written out slowly, and problems for its tests."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from reference.cases import Case
from scipy import stats
from scipy.integrate import quad

from simlab.kernels.expected import PIVOT, Normals, Rule
from simlab.models import variational
from simlab.models.latent_data import LatentData
from simlab.models.lpcm import Priors
from simlab.models.variational import Approximation
from simlab.panel import DyadState, Network

# The rule of three places is not exact for long tails; the numerical integrals below are.
_GRID = 20_001


def random_network(case: Case, rng: np.random.Generator, density: float = 0.3) -> Network:
    """Return a network with ties at random, in part observed where the case is ``masked``."""
    state = (rng.random((case.n, case.n)) < density).astype(np.int8)
    if case.kind == "masked":
        state[rng.random(state.shape) < 0.3] = DyadState.NO_ANSWER
    if case.kind == "undirected":
        state = np.tril(state, -1) + np.tril(state, -1).T
    np.fill_diagonal(state, DyadState.IMPOSSIBLE)
    return Network(tuple(f"a{i:03d}" for i in range(case.n)), state, case.kind != "undirected")


def problem(case: Case, seed: int = 1) -> tuple[Approximation, LatentData, Priors]:
    """Return an approximation that is nowhere near a maximum, data, and the usual priors but for the intercept's mean."""
    rng = np.random.default_rng([seed, *case[:4]])
    data = LatentData.of([random_network(case, rng) for _ in range(case.n_relations)])
    centres = 1.5 * rng.standard_normal((case.n_clusters, case.n_dims))
    labels = rng.integers(0, case.n_clusters, case.n)
    approximation = Approximation(
        positions=centres[labels] + rng.standard_normal((case.n, case.n_dims)),
        variances=rng.uniform(0.05, 0.8, case.n),
        intercepts=rng.normal(1.0, 1.0, case.n_relations),
        membership=rng.dirichlet(np.ones(case.n_clusters), case.n),
        centres=centres,
        centre_variances=rng.uniform(0.05, 0.5, case.n_clusters),
        degrees=rng.uniform(3.0, 30.0, case.n_clusters),
        spreads=rng.uniform(0.3, 2.0, case.n_clusters),
        concentrations=rng.uniform(1.0, 9.0, case.n_clusters),
    )
    usual = Priors.usual(case.n, case.n_clusters, case.n_dims)
    return approximation, data, Priors(**{**usual.__dict__, "intercept_mean": 0.25})


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


def bound(a: Approximation, data: LatentData, priors: Priors) -> float:
    """Return the bound of log p(y, intercepts), memberships at their best given each place of a position."""
    n, n_dims = a.positions.shape
    n_clusters = len(a.centres)
    normals = Normals(a.positions.T, a.variances, a.intercepts)
    total = expected_log_likelihood(normals, data, variational.rule(n_dims))
    total += stats.norm.logpdf(a.intercepts, priors.intercept_mean, np.sqrt(priors.intercept_variance)).sum()
    spreads = [_scaled(a.degrees[g], a.spreads[g]) for g in range(n_clusters)]
    weights = stats.dirichlet(a.concentrations)
    # E log of one weight, by its Beta distribution
    rest = a.concentrations.sum() - a.concentrations
    log_weights = [
        stats.beta(*pair).expect(np.log) if pair[1] > 0 else 0.0 for pair in zip(a.concentrations, rest, strict=True)
    ]
    log_spreads = [_mean(spread, np.log) for spread in spreads]
    inverses = [_mean(spread, lambda x: 1.0 / x) for spread in spreads]
    places, shares = variational.nodes(n_dims)
    for i in range(n):
        for place, share in zip(places, shares, strict=True):
            z = a.positions[i] + np.sqrt(a.variances[i]) * place
            terms = []
            for g in range(n_clusters):
                square = ((z - a.centres[g]) ** 2).sum() + n_dims * a.centre_variances[g]
                level = log_weights[g] - 0.5 * n_dims * (np.log(2.0 * np.pi) + log_spreads[g])
                terms.append(level - 0.5 * square * inverses[g])
            total += share * np.logaddexp.reduce(terms)
        total += stats.multivariate_normal(np.zeros(n_dims), a.variances[i]).entropy()
    prior_spread = _scaled(priors.variance_degrees, priors.variance_scale)
    for g in range(n_clusters):
        total += _mean(spreads[g], lambda x, g=g: prior_spread.logpdf(x) - spreads[g].logpdf(x))
        ratio = a.centre_variances[g] / priors.centre_variance
        away = (a.centres[g] ** 2).sum() / priors.centre_variance
        total -= 0.5 * (n_dims * (ratio - 1.0 - np.log(ratio)) + away)
    if n_clusters > 1:
        prior = stats.dirichlet(np.full(n_clusters, priors.concentration))
        middle = np.full(n_clusters, 1.0 / n_clusters)
        level = prior.logpdf(middle) - (priors.concentration - 1.0) * np.log(middle).sum()
        total += level + (priors.concentration - 1.0) * np.sum(log_weights) + weights.entropy()
    return float(total)


def _scaled(degrees: float, scale: float):
    """Return the scaled inverse chi-squared distribution."""
    return stats.invgamma(0.5 * degrees, scale=0.5 * degrees * scale)


def _mean(distribution, function) -> float:
    """Return an expectation by an integral over quantiles of the logarithm."""
    low, high = np.log(distribution.ppf([1e-13, 1.0 - 1e-13]))
    middle = np.log(distribution.median())

    def density(x: float) -> float:
        return float(np.exp(distribution.logpdf(np.exp(x)) + x) * function(np.exp(x)))

    return sum(
        quad(density, *part, epsabs=1e-12, epsrel=1e-11, limit=200)[0] for part in ((low, middle), (middle, high))
    )


def permanent(matrix: np.ndarray) -> float:
    """Return the sum over permutations of the product of one entry of every row."""
    size = len(matrix)
    return float(sum(np.prod(matrix[np.arange(size), list(order)]) for order in permutations(range(size))))
