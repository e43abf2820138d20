"""The likelihood with its gradient beside a plain loop without one, and a whole chain of sixty actors.

Run with ``scripts/benchmark``.
"""

from __future__ import annotations

import math
import resource

import numba
import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from reference import naive_lpcm as naive
from reference.cases import Case, problem
from reference.fits import planted
from reference.made import lpcm_network

from simlab.fit.lpcm_map import LpcmMap
from simlab.fit.lpcm_mcmc import LpcmMcmc
from simlab.kernels.chain_state import views
from simlab.kernels.dyads import BLOCK, Floats, log_likelihood_gradient
from simlab.metrics.recovery import adjusted_rand_index
from simlab.models.latent_data import square

SIZES = [60, 120, 240, 480]


@numba.njit
def plain_log_likelihood(positions: Floats, intercept: float, ties: Floats, observed: Floats) -> float:
    """Return the log-likelihood as anybody would write it, one log1p(exp) a dyad, without a gradient."""
    total = 0.0
    for i in range(1, positions.shape[1]):
        for j in range(i):
            squared = 0.0
            for k in range(positions.shape[0]):
                squared += (positions[k, i] - positions[k, j]) ** 2
            eta = intercept - math.sqrt(squared)
            total += ties[i, j] * eta - observed[i, j] * (max(eta, 0.0) + math.log1p(math.exp(-abs(eta))))
    return total


@pytest.mark.parametrize("n", SIZES)
def test_log_likelihood_with_gradient(benchmark: BenchmarkFixture, n: int) -> None:
    state, data, _, seen = problem(Case(n))
    point = views(state.vector, state.shape)
    gradient, slopes, work = np.zeros((2, n)), np.zeros(1), np.zeros((2, BLOCK))
    benchmark.group = f"log-likelihood, n = {n}"
    arguments = (point.positions, point.intercepts, data.ties, data.observed, gradient, slopes, work)
    value = log_likelihood_gradient(*arguments)  # compiles
    benchmark(log_likelihood_gradient, *arguments)
    assert value == pytest.approx(naive.log_likelihood(point, seen), rel=1e-10)


@pytest.mark.parametrize("n", SIZES)
def test_plain_log_likelihood_without_gradient(benchmark: BenchmarkFixture, n: int) -> None:
    state, data, _, seen = problem(Case(n))
    point = views(state.vector, state.shape)
    benchmark.group = f"log-likelihood, n = {n}"
    ties, observed = (square(part.astype(float), n)[0] for part in (data.ties, data.observed))
    arguments = (point.positions, float(point.intercepts[0]), ties, observed)
    value = plain_log_likelihood(*arguments)  # compiles
    benchmark(plain_log_likelihood, *arguments)
    assert value == pytest.approx(naive.log_likelihood(point, seen), rel=1e-10)


def test_one_chain_of_sixty_actors(benchmark: BenchmarkFixture) -> None:
    """Warm-up of 1,000 sweeps, 4,000 draws kept, summaries and diagnostics."""
    network = planted((20, 20, 20), 0.35, 0.05, 1)
    fitter = LpcmMcmc(n_clusters=3, n_chains=1, n_draws=4000)
    benchmark.group = "one chain of 4,000 draws, n = 60"
    fit = benchmark.pedantic(
        lambda: fitter.fit(network, rng=np.random.default_rng(1)), rounds=3, iterations=1, warmup_rounds=1
    )
    assert fit.labels.tolist() == [0] * 20 + [1] * 20 + [2] * 20
    benchmark.extra_info |= {"effective draws of the worst quantity": round(fit.diagnostics["ess_bulk"])}


@pytest.mark.parametrize(("n", "goal"), [(60, 4), (120, 12), (240, 50), (480, 200)])
def test_posterior_mode(benchmark: BenchmarkFixture, n: int, goal: int) -> None:
    """Four raced starts; the goal is in milliseconds, to be read beside the figure."""
    network = planted((n // 3, n // 3, n // 3), 18.0 / n, 3.0 / n, 1)
    fitter = LpcmMap(n_clusters=3)
    benchmark.group = "posterior mode"
    benchmark.extra_info["goal in ms"] = goal
    fit = benchmark(lambda: fitter.fit(network, rng=np.random.default_rng(1)))
    assert np.isfinite(fit.diagnostics["log_density"])


@pytest.mark.parametrize(("n", "likelihood"), [(2000, "exact"), (2000, "sampled"), (10_000, "sampled")])
def test_posterior_mode_of_many(benchmark: BenchmarkFixture, n: int, likelihood: str) -> None:
    """All dyads beside a list of them; the goal for 10,000 actors is a minute and 1 GB, on one core."""
    network, labels = lpcm_network(n, separation=4.0, mean_degree=10.0, seed=1)
    fitter = LpcmMap(n_clusters=3, likelihood=likelihood)
    benchmark.group = f"posterior mode, n = {n}"
    fit = benchmark.pedantic(
        lambda: fitter.fit(network, rng=np.random.default_rng(1)), rounds=1, iterations=1, warmup_rounds=0
    )
    found = adjusted_rand_index(fit.labels, labels)
    benchmark.extra_info |= {
        "adjusted Rand index": round(found, 3),
        "peak memory of the process in MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    assert found > 0.7
