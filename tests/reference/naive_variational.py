"""The variational approximation of the latent position cluster model, written out slowly, and problems for its tests."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import permutations

import numpy as np
from reference.cases import Case
from reference.naive_expected import by_three_places, effect_places, expected_log_likelihood, expected_of_predictors
from scipy import stats
from scipy.integrate import quad

from simlab.kernels.expected import Normals
from simlab.models import variational
from simlab.models.latent_data import LatentData
from simlab.models.lpcm import Priors
from simlab.models.variational import Approximation
from simlab.panel import DyadState, Network


def random_network(case: Case, rng: np.random.Generator, density: float = 0.3) -> Network:
    """Return a network with ties at random, in part observed where the case is ``masked``."""
    state = (rng.random((case.n, case.n)) < density).astype(np.int8)
    if case.kind == "masked":
        state[rng.random(state.shape) < 0.3] = DyadState.NO_ANSWER
    if case.kind == "undirected":
        state = np.tril(state, -1) + np.tril(state, -1).T
    np.fill_diagonal(state, DyadState.IMPOSSIBLE)
    return Network(tuple(f"a{i:03d}" for i in range(case.n)), state, case.kind != "undirected")


def rich_networks(case: Case, rng: np.random.Generator) -> list[Network]:
    """Return the relations of a case: random networks with counts, and with the same covariates x0, x1, ..."""
    networks = [rich_network(case, rng) for _ in range(case.n_relations)]
    return [replace(network, dyadic=networks[0].dyadic) for network in networks]


def rich_network(case: Case, rng: np.random.Generator) -> Network:
    """Return a random network with the counts and the covariates x0, x1, ... of the case."""
    plain = random_network(case, rng)
    n, names = case.n, [f"x{k}" for k in range(case.n_covariates)]
    both = (lambda x: x) if case.directed else (lambda x: np.tril(x, -1) + np.tril(x, -1).T)
    counts = both(rng.poisson(1.0, (n, n)).astype(float)) * plain.observed
    state = np.where(plain.observed, np.where(counts > 0, DyadState.TIE, DyadState.NO_TIE), plain.state)
    np.fill_diagonal(state, DyadState.IMPOSSIBLE)
    return Network(
        plain.actors,
        state.astype(np.int8) if case.form == "poisson" else plain.state,
        case.directed,
        counts=counts if case.form == "poisson" else None,
        dyadic={name: both(rng.standard_normal((n, n))) * (1.0 - np.eye(n)) for name in names},
    )


def data_of(case: Case, rng: np.random.Generator) -> LatentData:
    """Return what the model of a case sees of random networks."""
    if case.form == "plain":
        return LatentData.of([random_network(case, rng) for _ in range(case.n_relations)])
    return LatentData.of(
        rich_networks(case, rng),
        family="poisson" if case.form == "poisson" else "bernoulli",
        sociality=case.sociality,
        reciprocity=case.form == "reciprocal",
        covariates=tuple(f"dyad(x{k})" for k in range(case.n_covariates)),
    )


def problem(case: Case, seed: int = 1) -> tuple[Approximation, LatentData, Priors]:
    """Return an approximation that is nowhere near a maximum, data, and the usual priors but for the intercept's mean."""
    rng = np.random.default_rng([seed, *case[:4]])
    data = data_of(case, rng)
    own = np.random.default_rng(seed)
    senders, receivers = ((case.n_relations, count) for count in data.n_effects)
    centres = 1.5 * rng.standard_normal((case.n_clusters, case.n_dims))
    labels = rng.integers(0, case.n_clusters, case.n)
    approximation = Approximation(
        positions=centres[labels] + rng.standard_normal((case.n, case.n_dims)),
        variances=rng.uniform(0.05, 0.8, case.n),
        intercepts=rng.normal(1.0, 1.0, case.n_relations),
        coefficients=own.normal(0.0, 0.7, (case.n_relations, case.n_covariates)),
        reciprocity=own.normal(0.5, 0.5, case.n_relations if case.form == "reciprocal" else 0),
        sender=own.normal(0.0, 0.6, senders),
        receiver=own.normal(0.0, 0.6, receivers),
        sender_variances=own.uniform(0.05, 0.5, senders),
        receiver_variances=own.uniform(0.05, 0.5, receivers),
        membership=rng.dirichlet(np.ones(case.n_clusters), case.n),
        centres=centres,
        centre_variances=rng.uniform(0.05, 0.5, case.n_clusters),
        degrees=rng.uniform(3.0, 30.0, case.n_clusters),
        spreads=rng.uniform(0.3, 2.0, case.n_clusters),
        concentrations=rng.uniform(1.0, 9.0, case.n_clusters),
    )
    usual = Priors.usual(case.n, case.n_clusters, case.n_dims)
    return approximation, data, Priors(**{**usual.__dict__, "intercept_mean": 0.25})


def effects_part(means: np.ndarray, variances: np.ndarray, priors: Priors) -> float:
    """Return what the bound has of effects, by integrals over the factors of their variances, which are at their best."""
    total = 0.0
    for mean, variance in zip(means, variances, strict=True):
        if not len(mean):
            continue
        squares = mean**2 + variance
        degrees = priors.effect_degrees + len(mean)
        scale = (priors.effect_degrees * priors.effect_scale + squares.sum()) / degrees
        factor, prior = _scaled(degrees, scale), _scaled(priors.effect_degrees, priors.effect_scale)
        total += sum(_mean(factor, lambda s, b=b: -0.5 * np.log(2.0 * np.pi * s) - 0.5 * b / s) for b in squares)
        total += _mean(factor, lambda s, f=factor, p=prior: p.logpdf(s) - f.logpdf(s))
        total += stats.norm.entropy(0.0, np.sqrt(variance)).sum()
    return total


def bound(a: Approximation, data: LatentData, priors: Priors) -> float:
    """Return the bound of log p(y, intercepts), memberships at their best given each place of a position."""
    n, n_dims = a.positions.shape
    n_clusters = len(a.centres)
    normals = Normals(a.positions.T, a.variances, a.intercepts)
    rule = variational.rule(n_dims)
    if data.form == "plain":
        total = expected_log_likelihood(normals, data, rule)
    else:
        total = expected_of_predictors(a, data, partial(by_three_places, rule), effect_places(data)) + data.constant
    for values in (a.coefficients, a.reciprocity):
        total += stats.norm.logpdf(values, 0.0, np.sqrt(priors.coefficient_variance)).sum()
    total += effects_part(a.sender, a.sender_variances, priors) + effects_part(a.receiver, a.receiver_variances, priors)
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
