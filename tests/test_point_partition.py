"""The point partition: against all partitions of a few actors, and what must not matter."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference.naive_partitions import LOSSES, expected, partitions

from simlab.foundation.errors import InputError
from simlab.models.point_partition import Loss, _Finder, expected_loss, minimum_expected_variation
from simlab.partition import canonical


def noisy_draws(n_draws: int, n: int, noise: float, seed: int, n_clusters: int = 3) -> np.ndarray:
    """Return draws of a partition in which each actor is anywhere with probability ``noise``."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, n_clusters, n)
    return np.where(rng.random((n_draws, n)) < noise, rng.integers(0, n_clusters, (n_draws, n)), true)


def found(draws: np.ndarray, **settings: Any) -> tuple[np.ndarray, float]:
    return minimum_expected_variation(draws, rng=np.random.default_rng(1), **settings)


def test_the_losses_are_those_of_the_reference() -> None:
    assert set(get_args(Loss)) == set(LOSSES)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(6))
def test_the_best_of_all_partitions_is_found(seed: int, loss: Loss) -> None:
    n = 5 + seed % 3
    draws = noisy_draws(3 + 4 * seed, n, (0.3, 0.6, 0.9)[seed % 3], seed)
    for most in (n, 3, 2):
        values = [expected_loss(p, draws, loss) for p in partitions(n, most)]
        partition, value = found(draws, max_clusters=most, loss=loss, n_runs=60)
        assert value == pytest.approx(min(values), abs=1e-9)
        assert value == pytest.approx(expected(partition, draws, loss), abs=1e-9)
        assert_array_equal(partition, canonical(partition))
        assert partition.max() < most


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("noise", [0.0, 0.2, 0.7])
def test_no_draw_and_no_start_is_better(noise: float, loss: Loss) -> None:
    draws = noisy_draws(60, 20, noise, 11)
    starts = list(noisy_draws(5, 20, 0.1, 11))
    _, value = found(draws, loss=loss, n_runs=1, starts=starts)
    assert all(expected_loss(p, draws, loss) >= value - 1e-9 for p in (*draws, *starts))


def test_a_draw_that_the_search_misses_is_taken_after_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search, made to end in one cluster unless it begins with a whole partition, begins with nobody in a cluster."""

    def lazy(self: _Finder, start: np.ndarray) -> tuple[np.ndarray, float]:
        end = np.zeros_like(start) if start.min() < 0 else start
        return end, self.loss(end)

    monkeypatch.setattr(_Finder, "descend", lazy)
    draws = noisy_draws(30, 12, 0.1, 5)
    for loss in LOSSES:
        partition, value = found(draws, n_runs=1, loss=loss)
        assert value == pytest.approx(min(expected_loss(draw, draws, loss) for draw in draws))
        assert partition.max() == 2


@pytest.mark.parametrize("loss", LOSSES)
def test_the_numbers_of_the_clusters_do_not_matter(loss: Loss) -> None:
    draws = noisy_draws(50, 15, 0.5, 7)
    rng = np.random.default_rng(8)
    switched = np.stack([rng.permutation(9)[draw] for draw in draws])
    one, other = found(draws, loss=loss), found(switched, loss=loss)
    assert_array_equal(one[0], other[0])
    assert one[1] == other[1]
    assert expected_loss(one[0], switched, loss) == expected_loss(one[0], draws, loss)


def test_equal_draws_are_the_answer_and_cost_nothing() -> None:
    draws = np.tile([2, 2, 0, 1, 1], (7, 1))
    for loss in LOSSES:
        partition, value = found(draws, loss=loss)
        assert partition.tolist() == [0, 0, 1, 2, 2]
        assert value == pytest.approx(0.0, abs=1e-12)


def test_clear_clusters_are_found_among_240_actors() -> None:
    draws = noisy_draws(300, 240, 0.3, 9, n_clusters=5)
    for loss in LOSSES:
        partition, value = found(draws, loss=loss)
        counts = np.stack([np.bincount(column, minlength=5) for column in draws.T])
        assert_array_equal(partition, canonical(counts.argmax(axis=1)))
        assert value == pytest.approx(expected_loss(partition, draws, loss))


def test_of_many_draws_an_even_choice_is_used() -> None:
    draws = noisy_draws(40, 10, 0.4, 10)
    partition, value = found(draws, max_draws=4)
    kept = draws[[0, 13, 26, 39]]
    assert value == pytest.approx(expected_loss(partition, kept))
    assert_array_equal(partition, found(kept)[0])


def test_one_actor_and_one_draw() -> None:
    for loss in LOSSES:
        assert found(np.zeros((3, 1), dtype=int), loss=loss) == (np.array([0]), 0.0)
        partition, value = found(np.array([[0, 1, 0]]), loss=loss)
        assert partition.tolist() == [0, 1, 0]
        assert_allclose(value, 0.0, atol=1e-12)


@pytest.mark.parametrize(
    ("labels", "settings", "words"),
    [
        (np.zeros(4, dtype=int), {}, "draws by actors"),
        (np.full((2, 4), -1), {}, "labels from 0"),
        (np.zeros((0, 4), dtype=int), {}, "draws by actors"),
        (np.zeros((2, 4), dtype=int), {"loss": "square"}, "must be one of variation, binder"),
        (np.zeros((2, 4), dtype=int), {"n_runs": 0}, "n_runs = 0"),
        (np.zeros((2, 4), dtype=int), {"max_clusters": 0}, "max_clusters = 0"),
        (np.zeros((2, 4), dtype=int), {"max_draws": 0}, "max_draws = 0"),
        (np.zeros((2, 4), dtype=int), {"starts": [np.zeros(3, dtype=int)]}, "each of the 4 actors"),
    ],
)
def test_what_cannot_be_is_refused(labels: np.ndarray, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        found(labels, **settings)
