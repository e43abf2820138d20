"""Constraint and betweenness: kernels against their definitions and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import naive_graphs as naive

from simlab.fit.bridging import compressed
from simlab.kernels.graphs import fill_betweenness, fill_constraint

NETWORKS = [(1, 0.0, 1), (2, 1.0, 1), (3, 0.7, 2), (9, 0.3, 3), (14, 0.15, 4), (14, 1.0, 5), (20, 0.4, 6), (8, 0.0, 7)]


@pytest.mark.parametrize(("n", "density", "seed"), NETWORKS)
def test_constraint_equals_the_naive_twin(n: int, density: float, seed: int) -> None:
    weights = naive.random_weights(n, density, seed)
    out = np.full(n, np.nan)
    fill_constraint(compressed(weights), out)
    assert_allclose(out, naive.constraint(weights), rtol=1e-10)


@pytest.mark.parametrize(("n", "density", "seed"), NETWORKS)
def test_betweenness_equals_the_naive_twin(n: int, density: float, seed: int) -> None:
    weights = naive.random_weights(n, density, seed)
    out = np.full(n, np.nan)
    fill_betweenness(compressed(weights), np.arange(n), out)
    assert_allclose(out, naive.betweenness(weights), rtol=1e-10, atol=1e-15)


def test_betweenness_from_pivots_is_the_mean_over_them() -> None:
    """Starts weigh alike: the mean over two halves, each weighted by its starts other than the actor, is the whole."""
    n = 12
    graph = compressed(naive.random_weights(n, 0.3, 8))
    halves = [np.arange(0, n, 2), np.arange(1, n, 2)]
    total = np.zeros(n)
    for half in halves:
        out = np.zeros(n)
        fill_betweenness(graph, half, out)
        total += out * (len(half) - np.isin(np.arange(n), half))
    whole = np.zeros(n)
    fill_betweenness(graph, np.arange(n), whole)
    assert_allclose(total / (n - 1), whole, rtol=1e-12)


def test_a_line_of_three_by_hand() -> None:
    """The middle one is on the only path of its neighbours; its two contacts do not know one another: 2 (1/2)^2."""
    graph = compressed(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0.0]]))
    out = np.zeros(3)
    fill_betweenness(graph, np.arange(3), out)
    assert out.tolist() == [0.0, 1.0, 0.0]
    fill_betweenness(graph, np.array([1]), out)
    assert out.tolist() == [0.0, 0.0, 0.0]  # no start but the actor itself says anything of it
    fill_constraint(graph, out)
    assert out.tolist() == [1.0, 0.5, 1.0]
