"""Monte Carlo error of a mean: Wilson's for shares, not zero for equal values, sd / sqrt(n) without a range."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import binomtest

from simlab.study.monte_carlo import largest_variance, monte_carlo_error, monte_carlo_errors, spread_of, values_needed
from simlab.study.summary import wilson

RANGES = [(0.0, 1.0), (-0.5, 1.0), (0.0, None), (None, None)]


def naive(values: list[float], low: float | None, high: float | None, z: float = 1.0) -> float:
    """Return the error as the docstring has it, in plain loops."""
    there = [v for v in values if not math.isnan(v)]
    n = len(there)
    if n < 2:
        return math.nan
    mean = math.fsum(there) / n
    squares = math.fsum((v - mean) ** 2 for v in there)
    if low is None or high is None:
        return math.sqrt(squares / (n - 1)) / math.sqrt(n)
    return math.sqrt(squares + z**2 * (high - low) ** 2 / 4.0) / (n + z**2)


@pytest.mark.parametrize("count", [2, 5, 50, 1000])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_the_error_of_a_share_is_half_of_wilsons_interval(count: int, share: float) -> None:
    hits = round(share * count)
    values = np.r_[np.ones(hits), np.zeros(count - hits)]
    p = hits / count
    expected = math.sqrt(count * p * (1 - p) + 0.25) / (count + 1)
    assert monte_carlo_error(values, 0.0, 1.0) == pytest.approx(expected, rel=1e-12)
    for z in (1.0, 1.959964):
        _, low, high = wilson(np.array(hits), np.array(count), z)
        assert monte_carlo_errors(values, 0.0, 1.0, z=z) == pytest.approx(float(high - low) / 2 / z, rel=1e-9)
        within = math.erf(z / math.sqrt(2))
        interval = binomtest(hits, count).proportion_ci(within, method="wilson")
        assert monte_carlo_errors(values, 0.0, 1.0, z=z) == pytest.approx(
            (interval.high - interval.low) / 2 / z, rel=1e-6
        )


@pytest.mark.parametrize(("low", "high"), RANGES)
@pytest.mark.parametrize("z", [1.0, 1.959964])
def test_it_agrees_with_plain_loops_group_by_group(low: float | None, high: float | None, z: float) -> None:
    rng = np.random.default_rng(1)
    values = rng.uniform(0.0, 1.0, (3, 4, 30))
    values[rng.random(values.shape) < 0.3] = np.nan
    values[0, 0] = np.nan
    values[0, 1, 1:] = np.nan
    values[0, 2] = 0.9
    found = monte_carlo_errors(values, low, high, z=z)
    assert found.shape == (3, 4)
    expected = [[naive(list(row), low, high, z) for row in rows] for rows in values]
    assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
    assert math.isnan(found[0, 0])


@pytest.mark.parametrize("n", [2, 50, 500])
def test_equal_values_leave_an_error_where_the_metric_has_a_range(n: int) -> None:
    """0.9 in 49 places has a mean that is not 0.9 by rounding: its deviations must be none."""
    values = np.full(n, 0.9)
    assert monte_carlo_error(values, -0.5, 1.0) == pytest.approx(1.5 / (2 * (n + 1)), rel=1e-15)
    assert monte_carlo_error(values, None, None) == 0.0
    assert monte_carlo_error(values, 0.0, None) == 0.0
    assert monte_carlo_error(values, 0.0, math.inf) == 0.0


@pytest.mark.parametrize("values", [[], [0.5], [np.nan, np.nan], [0.5, np.nan], [0.5, np.inf, 0.2], [-np.inf, np.inf]])
@pytest.mark.parametrize(("low", "high"), RANGES)
def test_it_is_nan_below_two_values_and_where_one_is_infinite(
    values: list[float], low: float | None, high: float | None
) -> None:
    assert math.isnan(monte_carlo_error(np.array(values), low, high))
    assert np.isnan(values_needed(spread_of(np.array(values)), 0.01, low, high))


def test_it_goes_with_the_unit_of_the_metric() -> None:
    values = np.random.default_rng(2).uniform(0.0, 1.0, 40)
    one = monte_carlo_error(values, 0.0, 1.0)
    assert monte_carlo_error(100.0 * values - 7.0, -7.0, 93.0) == pytest.approx(100.0 * one)


def test_it_is_above_the_plain_error_but_for_values_at_both_ends() -> None:
    """The docstring's figures: 1.19 and 1.05 for an index with an sd of 0.15, and never below 1 - 1 / n."""

    def factor(values: np.ndarray, low: float, high: float) -> float:
        return monte_carlo_error(values, low, high) / monte_carlo_error(values, None, None)

    for n, expected in ((50, 1.19), (200, 1.05)):
        values = np.tile([-1.0, 1.0], n // 2)
        values = 0.7 + 0.15 * values / values.std(ddof=1)
        assert factor(values, -0.5, 1.0) == pytest.approx(expected, abs=0.005)
        approximately = 1 + (1.5**2 / (4 * 0.15**2) - 3) / (2 * n)
        assert factor(values, -0.5, 1.0) == pytest.approx(approximately, abs=0.04)
    for n in (4, 50, 1000):
        ends = np.tile([0.0, 1.0], n // 2)
        assert 1.0 - 1.0 / n <= factor(ends, 0.0, 1.0) < 1.0
    # The variance of values spread evenly is where the two are the same, but for 1 / n^2.
    even = np.tile([-1.0, 1.0], 500)
    even = 0.5 + even / even.std(ddof=1) / math.sqrt(12)
    assert factor(0.95 * (even - 0.5) + 0.5, 0.0, 1.0) > 1.0
    assert factor(1.05 * (even - 0.5) + 0.5, 0.0, 1.0) < 1.0


def test_the_largest_variance_is_that_of_values_at_both_ends() -> None:
    assert largest_variance(-0.5, 1.0) == np.tile([-0.5, 1.0], 10).var()
    assert largest_variance(0.0, None) is None
    assert largest_variance(None, 1.0) is None
    assert largest_variance(0.0, math.inf) is None


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.5, 1.0)])
@pytest.mark.parametrize("z", [1.0, 1.959964])
@pytest.mark.parametrize("spread", [0.0, 0.02, 0.2, 0.5])
def test_that_many_values_with_the_same_variance_have_the_limit_as_error(
    low: float, high: float, z: float, spread: float
) -> None:
    values = 0.5 + spread * np.tile([-1.0, 1.0], 30)
    needed = float(values_needed(spread_of(values), 0.01, low, high, z=z))
    error = math.sqrt(needed * values.var() + z**2 * (high - low) ** 2 / 4) / (needed + z**2)
    assert error == pytest.approx(0.01, rel=1e-12)


def test_without_a_range_the_number_needed_goes_with_the_variance() -> None:
    values = np.random.default_rng(3).normal(size=60)
    assert values_needed(spread_of(values), 0.1, None, None) == pytest.approx(values.var(ddof=1) / 0.01)
    assert values_needed(spread_of(values), 0.1, None, None) == pytest.approx(
        60 * (monte_carlo_error(values, None, None) / 0.1) ** 2
    )


def test_values_outside_the_range_do_no_harm() -> None:
    values = np.tile([-50.0, 50.0], 30)
    assert np.isfinite(monte_carlo_error(values, 0.0, 1.0))
    assert np.isfinite(values_needed(spread_of(values), 1000.0, 0.0, 1.0))
