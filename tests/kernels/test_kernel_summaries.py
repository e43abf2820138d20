"""Loops over posterior draws."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import naive_lpcm as naive
from reference.every_kernel import compiled_only

from simlab.kernels.summaries import mean_probability, pair_distances


@pytest.mark.parametrize("n_relations", [1, 3])
@pytest.mark.parametrize(("n", "n_dims", "n_draws"), [(2, 1, 1), (3, 2, 7), (18, 3, 4)])
def test_mean_probability_equals_the_naive_twin(n: int, n_dims: int, n_draws: int, n_relations: int) -> None:
    rng = np.random.default_rng(5)
    positions = (2 * rng.standard_normal((n_draws, n, n_dims))).astype(np.float32)
    intercepts = rng.normal(1.0, 2.0, (n_draws, n_relations))
    assert_allclose(mean_probability(positions, intercepts), naive.mean_probability(positions, intercepts), rtol=1e-10)


@compiled_only
@pytest.mark.parametrize(("intercept", "expected"), [(60.0, 1.0), (-60.0, 0.0)])
def test_mean_probability_at_extremes(intercept: float, expected: float) -> None:
    positions = np.zeros((2, 3, 2), dtype=np.float32)
    positions[1] = [[0, 0], [1e30, 0], [0, 5]]
    probability = mean_probability(positions, np.full((2, 1), intercept))[0]
    assert probability[1, 0] == pytest.approx(expected / 2)
    assert probability[2, 0] == pytest.approx(expected)


@pytest.mark.parametrize(("n", "n_dims"), [(2, 1), (3, 2), (18, 3), (61, 2)])
def test_pair_distances_equal_the_naive_twin(n: int, n_dims: int) -> None:
    positions = np.random.default_rng(6).standard_normal((n, n_dims)).astype(np.float32)
    out = np.full(n * (n - 1) // 2, np.nan)
    pair_distances(positions, out)
    assert_allclose(out, naive.pair_distances(positions), rtol=1e-13)


def test_pair_distances_by_hand() -> None:
    """Row by row below the diagonal: {1, 0}, {2, 0}, {2, 1} of (0, 0), (3, 0), (0, 4)."""
    out = np.zeros(3)
    pair_distances(np.array([[0, 0], [3, 0], [0, 4]], dtype=np.float32), out)
    assert out.tolist() == [3.0, 4.0, 5.0]
