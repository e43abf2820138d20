"""The loops of the search for a point partition."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import naive_partitions as naive

from simlab.kernels.partitions import Search, added, canonical_rows, mean_loss, place, put, take
from simlab.partition import canonical


def draws_of(n_draws: int, n: int, n_clusters: int, seed: int = 1) -> np.ndarray:
    labels = np.random.default_rng(seed).integers(0, n_clusters, (n_draws, n))
    return np.stack([canonical(row) for row in labels]).astype(np.int32)


def table_of(n: int, loss: str) -> tuple[np.ndarray, float]:
    """Return f and what makes a sum of it a loss."""
    x = np.arange(n + 1.0)
    if loss == "binder":
        return x * (x - 1) / 2, 2.0 / (n * (n - 1))
    return x * np.log(np.maximum(x, 1.0)), 1.0 / n


def search_of(draws: np.ndarray, loss: str, max_clusters: int) -> Search:
    n_draws, n = draws.shape
    shared = np.zeros((max_clusters, n_draws, draws.max() + 1), dtype=np.int32)
    steps = np.diff(table_of(n, loss)[0])
    return Search(np.full(n, -1), np.zeros(max_clusters, dtype=int), shared, np.ascontiguousarray(draws.T), steps)


def test_rows_become_canonical() -> None:
    labels = np.random.default_rng(3).integers(0, 5, (20, 9)) * 7
    out = np.zeros(labels.shape, dtype=np.int32)
    canonical_rows(labels, out)
    assert_array_equal(out, [canonical(row) for row in labels])


@pytest.mark.parametrize("loss", naive.LOSSES)
@pytest.mark.parametrize(("n", "n_draws"), [(2, 1), (7, 5), (25, 12)])
def test_the_mean_loss_equals_the_naive_twin(n: int, n_draws: int, loss: str) -> None:
    draws = draws_of(n_draws, n, 4)
    table, scale = table_of(n, loss)
    for labels in (*draws_of(3, n, 3, 2).astype(int), draws[0].astype(int), np.arange(n), np.zeros(n, dtype=int)):
        found = mean_loss(labels, draws, table, np.inf) * scale
        assert_allclose(found, naive.expected(labels, draws, loss), rtol=1e-10, atol=1e-12)


def test_the_mean_loss_is_infinite_once_above_the_most() -> None:
    draws = draws_of(6, 8, 3)
    table, _ = table_of(8, "variation")
    loss = mean_loss(np.zeros(8, dtype=int), draws, table, np.inf)
    assert mean_loss(np.zeros(8, dtype=int), draws, table, 1.001 * loss) == loss
    assert mean_loss(np.zeros(8, dtype=int), draws, table, 0.5 * loss) == np.inf


@pytest.mark.parametrize("loss", naive.LOSSES)
def test_what_an_actor_adds_is_the_difference_of_the_losses(loss: str) -> None:
    draws = draws_of(11, 9, 3)
    table, _ = table_of(9, loss)
    search = search_of(draws, loss, 4)
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 0, 1])
    for i, g in enumerate(labels):
        put(search, i, g)
    values = np.array([mean_loss(np.where(np.arange(9) == 4, g, labels), draws, table, np.inf) for g in range(4)])
    take(search, 4)
    found = np.array([added(search, 4, g) for g in range(4)])
    assert found[3] == 0.0
    assert_allclose(found - found[0], values - values[0], atol=1e-10)


def test_taking_undoes_putting() -> None:
    search = search_of(draws_of(5, 6, 3), "variation", 3)
    for i in range(6):
        put(search, i, i % 3)
    assert search.sizes.tolist() == [2, 2, 2]
    assert search.shared.sum() == 6 * 5
    for i in range(6):
        take(search, i)
    assert not search.shared.any()
    assert not search.sizes.any()
    assert (search.labels == -1).all()


@pytest.mark.parametrize("loss", naive.LOSSES)
def test_moves_lower_the_loss_until_none_does(loss: str) -> None:
    rng = np.random.default_rng(5)
    draws = draws_of(30, 15, 3)
    table, _ = table_of(15, loss)
    search = search_of(draws, loss, 5)
    for i in range(15):
        put(search, i, i % 5)
    last, moved = np.inf, 1
    while moved:
        moved = place(search, rng.permutation(15))
        value = mean_loss(search.labels, draws, table, np.inf)
        assert value < last if moved else value == last
        last = value
    for i in range(15):
        for g in range(5):
            other = search.labels.copy()
            other[i] = g
            assert mean_loss(other, draws, table, np.inf) >= last - 1e-6


def test_the_same_draw_over_and_over_is_found_and_clusters_are_not_more_than_allowed() -> None:
    draws = np.tile(np.array([0, 0, 1, 1, 2, 2, 2], dtype=np.int32), (4, 1))
    for most, used in ((5, 3), (2, 2), (1, 1)):
        search = search_of(draws, "variation", most)
        assert place(search, np.arange(7)) == 7
        assert len(set(search.labels.tolist())) <= used
        if most == 5:
            assert_array_equal(canonical(search.labels), draws[0])
