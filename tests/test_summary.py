"""Means over replicates with their Monte Carlo errors, Wilson's interval, and what is done with NaN."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from scipy.stats import binomtest

from simlab.study.cell import FAILED, KILLED, NOT_CONVERGED, OK, PENDING, TIMED_OUT
from simlab.study.summary import summarise, wilson

DIMS = ("separation", "fitter", "replicate", "site")


def dataset(values: np.ndarray, status: np.ndarray | None = None) -> Any:
    """Return a study's dataset with one metric over (separation, fitter, replicate, site)."""
    if status is None:
        status = np.full(values.shape[:3], OK, dtype=np.int8)
    return xr.Dataset(
        {
            "ari": (DIMS, values, {"units": "1"}),
            "information": (("separation", "replicate", "site"), values[:, 0]),
            "message": (DIMS[:3], np.full(values.shape[:3], "", dtype=object)),
            "status": (DIMS[:3], status),
        },
        attrs={"title": "made"},
    )


def test_mean_and_its_monte_carlo_standard_error() -> None:
    """sd / sqrt(n), with n - 1 in the variance (Morris, White & Crowther 2019)."""
    values = np.random.default_rng(1).normal(size=(2, 3, 25, 1))
    out = summarise(dataset(values))
    assert_allclose(out["ari"].values, values.mean(2))
    assert_allclose(out["ari_sd"].values, values.std(2, ddof=1))
    assert_allclose(out["ari_mcse"].values, values.std(2, ddof=1) / 5.0)
    assert (out["ari_n"].values == 25).all()
    assert_allclose(out["ari_quantile"].sel(quantile=0.5).values, np.median(values, axis=2))
    assert_allclose(out["information"].values, values[:, 0].mean(1))
    assert out["ari"].attrs == {"units": "1"}
    assert out.attrs == {"title": "made"}
    assert "message" not in out
    assert "status" not in out


def test_nan_is_left_out_and_counted_and_one_value_has_no_error() -> None:
    values = np.full((1, 3, 4, 1), np.nan)
    values[0, 0, :, 0] = [1.0, np.nan, 3.0, np.nan]
    values[0, 1, 0, 0] = 5.0
    out = summarise(dataset(values))
    assert_allclose(out["ari"].values[0, :, 0], [2.0, 5.0, np.nan])
    assert_allclose(out["ari_n"].values[0, :, 0], [2, 1, 0])
    assert_allclose(out["ari_mcse"].values[0, :, 0], [math.sqrt(2.0) / math.sqrt(2.0), np.nan, np.nan])


def test_quantiles_are_those_of_numpy_whatever_is_missing() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(4, 5, 17, 1))
    values[rng.random(values.shape) < 0.4] = np.nan
    values[0, 0] = np.nan
    found = summarise(dataset(values))["ari_quantile"]
    assert found.dims == ("quantile", "separation", "fitter", "site")
    for share in (0.05, 0.5, 0.95):
        for at in np.ndindex(4, 5):
            kept = values[at][np.isfinite(values[at])]
            wanted = np.quantile(kept, share) if len(kept) else np.nan
            assert_allclose(found.sel(quantile=share).values[at][0], wanted, rtol=1e-12)


def test_networks_of_one_replicate_are_averaged_first() -> None:
    """Three sites that say the same are one observation: the error is that of four replicates, not of twelve networks."""
    one = np.array([0.1, 0.4, 0.5, 0.8])
    values = np.repeat(one[None, None, :, None], 3, axis=3)
    out = summarise(dataset(values), over=("replicate", "site"))
    assert out["ari"].dims == ("separation", "fitter")
    assert_allclose(out["ari_mcse"].values, one.std(ddof=1) / 2.0)
    assert out["ari_n"].values.tolist() == [[4]]


def test_a_replicate_of_which_a_network_is_missing_still_counts_once() -> None:
    values = np.array([[0.0, 1.0], [1.0, np.nan], [np.nan, np.nan]])[None, None]
    out = summarise(dataset(values), over=("replicate", "site"))
    assert out["ari"].values.tolist() == [[0.75]]
    assert out["ari_n"].values.tolist() == [[2]]


def test_rates_are_over_what_is_done_and_have_intervals() -> None:
    status = np.array(
        [[[FAILED, TIMED_OUT, KILLED, OK, NOT_CONVERGED, PENDING], [OK] * 6, [PENDING] * 6]], dtype=np.int8
    )
    out = summarise(dataset(np.zeros((1, 3, 6, 1)), status))
    assert out["done"].values.tolist() == [[5, 6, 0]]
    assert_allclose(out["failure_rate"].values, [[3 / 5, 0.0, np.nan]])
    assert_allclose(out["not_converged_rate"].values, [[1 / 5, 0.0, np.nan]])
    low, high = out["failure_rate_low"].values[0], out["failure_rate_high"].values[0]
    for i, (hits, count) in enumerate([(3, 5), (0, 6)]):
        interval = binomtest(hits, count).proportion_ci(0.95, method="wilson")
        assert_allclose([low[i], high[i]], [interval.low, interval.high], atol=1e-6)
    assert (low[2], high[2]) == (0.0, 1.0)


@pytest.mark.parametrize("count", [1, 5, 20, 200])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_wilson_agrees_with_scipy(count: int, share: float) -> None:
    hits = round(share * count)
    rate, low, high = (float(v) for v in wilson(np.array(hits), np.array(count)))
    expected = binomtest(hits, count).proportion_ci(0.95, method="wilson")
    assert rate == pytest.approx(hits / count)
    assert_allclose([low, high], [expected.low, expected.high], atol=1e-6)


@pytest.mark.parametrize("count", [1, 10, 1000])
def test_wilson_is_not_empty_at_nothing_and_at_all(count: int) -> None:
    """At 0 of n it ends at z^2 / (n + z^2), and at n of n it begins at n / (n + z^2)."""
    z = 1.959964
    _, low, high = wilson(np.array([0, count]), np.array([count, count]))
    assert_allclose(low, [0.0, count / (count + z**2)], atol=1e-12)
    assert_allclose(high, [z**2 / (count + z**2), 1.0], atol=1e-12)


def test_the_monte_carlo_standard_error_covers_the_truth_as_often_as_it_says() -> None:
    """About 68 % of means of 30 normal values lie within one error (t with 29 degrees: 67.4 %), and 95 % within two."""
    values = np.random.default_rng(3).normal(0.6, 0.2, size=(1, 2000, 30, 1))
    out = summarise(dataset(values))
    away = np.abs(out["ari"].values - 0.6) / out["ari_mcse"].values
    assert (away < 1).mean() == pytest.approx(0.674, abs=0.04)
    assert (away < 2).mean() == pytest.approx(0.945, abs=0.02)
