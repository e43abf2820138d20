"""The list of dyads of a large network: what is in it, what it stands for, and that it is right on average."""

from __future__ import annotations

import numpy as np
import pytest
from reference.fits import planted

from simlab.models.dyad_sample import dyad_list, near_pairs
from simlab.models.latent_parts import DyadList
from simlab.models.lpcm import distances
from simlab.panel import Network

N = 60


@pytest.fixture(scope="module")
def network() -> Network:
    return planted((20, 20, 20), 0.2, 0.05, 1)


def made(network: Network, seed: int, n_near: int = 8, n_far: int = 6) -> tuple[DyadList, np.ndarray]:
    positions = 3.0 * np.random.default_rng(5).standard_normal((network.n_actors, 2))
    return dyad_list(network.weights(), positions, n_near, n_far, np.random.default_rng(seed)), positions


def test_all_ties_are_in_the_list_and_no_dyad_is_in_both_parts(network: Network) -> None:
    found, _ = made(network, 1)
    assert (found.first > found.second).all()
    codes = found.first.astype(int) * N + found.second
    whole, far = codes[: found.n_whole], codes[found.n_whole :]
    assert len(set(whole)) == len(whole)
    assert not set(whole) & set(far)
    rows, columns = np.nonzero(np.tril(network.ties | network.ties.T))
    assert set(rows * N + columns) <= set(whole)


def test_the_list_stands_for_all_dyads(network: Network) -> None:
    found, _ = made(network, 1)
    assert found.weights().sum() == pytest.approx(N * (N - 1) / 2)
    assert found.weight > 1.0


def test_pairs_are_near_where_their_distance_is_within_one_radius(network: Network) -> None:
    positions = np.random.default_rng(6).standard_normal((N, 2))
    codes = near_pairs(positions, 8, np.random.default_rng(1))
    rows, columns = np.tril_indices(N, -1)
    near = np.isin(rows * N + columns, codes)
    apart = distances(positions)[rows, columns]
    assert apart[near].max() < apart[~near].min()
    assert 2 * near.sum() / N == pytest.approx(8, abs=1.0)


def test_as_many_as_there_are_is_every_dyad_once(network: Network) -> None:
    found, _ = made(network, 1, n_near=N)
    assert found.n_whole == len(found) == N * (N - 1) // 2


def test_a_sum_over_dyads_is_right_on_average(network: Network) -> None:
    """The control: without the weights it is not."""
    sums, unweighted = [], []
    for seed in range(400):
        found, positions = made(network, seed)
        value = np.exp(-0.3 * distances(positions)[found.first, found.second])
        sums.append((value * found.weights()).sum())
        unweighted.append(value.sum())
    rows, columns = np.tril_indices(N, -1)
    exact = np.exp(-0.3 * distances(positions)[rows, columns]).sum()
    error = np.std(sums) / np.sqrt(len(sums))
    assert abs(np.mean(sums) - exact) < 4.0 * error
    assert abs(np.mean(unweighted) - exact) > 4.0 * error
