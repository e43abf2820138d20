"""Rhat, effective sample sizes and Monte Carlo errors, against ArviZ and by hand."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest

from simlab.models import convergence

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)
    import arviz

OURS: dict[str, Callable[[np.ndarray], float]] = {
    "rhat": convergence.rhat,
    "bulk": convergence.ess_bulk,
    "tail": convergence.ess_tail,
    "mean": convergence.ess_mean,
    "mcse": convergence.mcse_mean,
}


def by_arviz(name: str, draws: np.ndarray) -> float:
    if name == "rhat":
        return float(arviz.rhat(draws))
    if name == "mcse":
        return float(np.squeeze(arviz.mcse(draws, method="mean")))
    if name == "tail":
        # Its own default for the tails differs between versions.
        return float(arviz.ess(draws, method="tail", prob=(0.05, 0.95)))
    return float(arviz.ess(draws, method=name))


def autoregressive(rho: float, shape: tuple[int, int], seed: int) -> np.ndarray:
    """Return chains x_t = rho x_(t-1) + sqrt(1 - rho^2) e_t, begun in equilibrium."""
    rng = np.random.default_rng(seed)
    out = np.empty(shape)
    out[:, 0] = rng.standard_normal(shape[0])
    for t in range(1, shape[1]):
        out[:, t] = rho * out[:, t - 1] + math.sqrt(1 - rho**2) * rng.standard_normal(shape[0])
    return out


# ArviZ has no rhat of one chain.
COMPARED = [
    (name, shape) for name in OURS for shape in [(4, 1000), (3, 401), (1, 500)] if (name, shape[0]) != ("rhat", 1)
]


@pytest.mark.parametrize(("name", "shape"), COMPARED)
@pytest.mark.parametrize("rho", [-0.4, 0.0, 0.5, 0.9, 0.98])
def test_chains_agree_with_arviz(rho: float, shape: tuple[int, int], name: str) -> None:
    draws = autoregressive(rho, shape, seed=shape[1])
    assert OURS[name](draws) == pytest.approx(by_arviz(name, draws), rel=0.02)


@pytest.mark.parametrize("name", OURS)
def test_skewed_and_discrete_chains_and_unequal_spreads_agree_with_arviz(name: str) -> None:
    draws = autoregressive(0.6, (4, 800), seed=3)
    for values in (np.exp(2 * draws), np.round(draws), draws * np.array([[1.0], [1.0], [1.0], [3.0]])):
        assert OURS[name](values) == pytest.approx(by_arviz(name, values), rel=0.02)


@pytest.mark.parametrize("shift", [0.1, 0.5, 3.0])
def test_rhat_of_shifted_chains_agrees_with_arviz(shift: float) -> None:
    draws = autoregressive(0.6, (4, 800), seed=3) + shift * np.arange(4)[:, None]
    assert convergence.rhat(draws) == pytest.approx(by_arviz("rhat", draws), rel=1e-9)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_effective_draws_of_an_autoregression_are_those_of_theory(rho: float) -> None:
    """The autocorrelations of x sum to (1 + rho) / (1 - rho)."""
    draws = autoregressive(rho, (4, 20_000), seed=9)
    assert convergence.ess_mean(draws) == pytest.approx(80_000 * (1 - rho) / (1 + rho), rel=0.1)


def test_rhat_by_hand() -> None:
    """Two chains of two halves each, all of one spread, whose normal scores are symmetric: between is zero."""
    half = np.array([1.0, 2.0, 3.0, 4.0])
    draws = np.array([np.concatenate([half, half]), np.concatenate([half, half])])
    # Within = var, between = 0: rhat = sqrt((n - 1) / n) with n = 4 draws of each half.
    assert convergence.rhat(draws) == pytest.approx(math.sqrt(3 / 4))


@pytest.mark.parametrize("change", ["level", "spread", "drift"])
def test_rhat_sees_chains_that_disagree(change: str) -> None:
    draws = autoregressive(0.0, (4, 500), seed=5)
    assert convergence.rhat(draws) < 1.01
    if change == "level":
        draws[0] += 1.0
    elif change == "spread":
        draws[0] *= 4.0
    else:
        draws += np.linspace(0.0, 2.0, 500)
    assert convergence.rhat(draws) > 1.05


@pytest.mark.parametrize("values", [(0.0, 1.0), (0.1, 0.2, 0.3), (0.1, 0.1, 0.1, 0.7), (1e-9, 1.0, 1e9, 3.3)])
@pytest.mark.parametrize("n_draws", [4, 250, 1001])
def test_chains_that_stand_still_at_different_values(values: tuple[float, ...], n_draws: int) -> None:
    draws = np.repeat(np.array(values)[:, None], n_draws, axis=1)
    assert convergence.rhat(draws) == math.inf
    assert convergence.ess_bulk(draws) < 2 * len(values) + 2


@pytest.mark.parametrize("value", [0.0, 0.1, -1e9])
@pytest.mark.parametrize(("n_chains", "n_draws"), [(1, 4), (3, 250), (4, 1001)])
def test_chains_that_stand_at_one_value(n_chains: int, n_draws: int, value: float) -> None:
    draws = np.full((n_chains, n_draws), value)
    assert convergence.rhat(draws) == 1.0
    for ess in (convergence.ess_bulk, convergence.ess_tail, convergence.ess_mean):
        assert ess(draws) == pytest.approx(n_chains * n_draws, abs=n_chains)  # half chains drop an odd draw
    assert convergence.mcse_mean(draws) == pytest.approx(0.0, abs=abs(value) * 1e-12)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_gives_nan(bad: float, name: str) -> None:
    draws = autoregressive(0.2, (4, 100), seed=2)
    draws[2, 50] = bad
    assert math.isnan(OURS[name](draws))


@pytest.mark.parametrize("name", OURS)
def test_under_four_draws_give_nan(name: str) -> None:
    assert math.isnan(OURS[name](np.random.default_rng(1).standard_normal((4, 3))))
    assert not math.isnan(OURS[name](np.random.default_rng(1).standard_normal((4, 4))))


def test_the_error_of_the_mean_is_the_spread_of_means() -> None:
    """Over 300 sets of chains."""
    sets = [autoregressive(0.7, (2, 500), seed=s) for s in range(300)]
    errors = np.mean([convergence.mcse_mean(draws) for draws in sets])
    assert errors == pytest.approx(np.std([draws.mean() for draws in sets]), rel=0.15)
