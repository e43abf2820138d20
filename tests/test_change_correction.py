"""The correction of seen change for noise, against simulation and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from simlab.metrics.change_correction import (
    bootstrapped_switching,
    corrected_error,
    corrected_survival,
    corrected_switching,
)


def waves(rng: np.random.Generator, n: int, count: int, switching: float, errors: float) -> tuple[float, float]:
    """Return the shares seen to switch with real switching and without, both waves read with symmetric errors."""

    def moved(labels: np.ndarray, share: float) -> np.ndarray:
        return np.where(rng.random(n) < share, (labels + rng.integers(1, count, n)) % count, labels)

    true = rng.integers(0, count, n)
    later = moved(true, switching)
    seen = (moved(true, errors) != moved(later, errors)).mean()
    null = (moved(true, errors) != moved(true, errors)).mean()
    return float(seen), float(null)


@pytest.mark.parametrize("count", [2, 3, 6])
@pytest.mark.parametrize("switching", [0.0, 0.2, 0.5])
def test_the_correction_undoes_independent_symmetric_errors(count: int, switching: float) -> None:
    seen, null = waves(np.random.default_rng(count), 400_000, count, switching, 0.15)
    assert corrected_switching(seen, null, count) == pytest.approx(switching, abs=0.006)
    if switching:
        assert seen - null < switching - 0.02  # the control: subtraction is wrong


def test_by_hand_three_clusters_a_fifth_switches_and_a_fifth_errs() -> None:
    f, error = 1.5, 0.2
    null = (1 - (1 - f * error) ** 2) / f
    seen = (1 - (1 - f * 0.2) * (1 - f * error) ** 2) / f
    assert (round(seen, 2), round(null, 2)) == (0.44, 0.34)
    assert corrected_switching(seen, null, 3) == pytest.approx(0.2)


def test_not_estimable_where_guesses_are_near_and_in_one_cluster() -> None:
    assert np.isnan(corrected_switching(0.6, 0.6, 3))
    assert np.isfinite(corrected_switching(0.6, 0.5, 3))
    assert np.isnan(corrected_switching(0.1, 0.0, 1))
    assert np.isnan(corrected_survival(0.1, 0.1))


def test_the_error_of_the_corrected_share_by_simulation() -> None:
    rng = np.random.default_rng(3)
    drawn = corrected_switching(rng.normal(0.44, 0.01, 100_000), rng.normal(0.34, 0.02, 100_000), 3)
    assert corrected_error(0.44, 0.01, 0.34, 0.02, 3) == pytest.approx(drawn.std(), rel=0.03)
    assert np.isnan(corrected_error(0.6, 0.01, 0.65, 0.01, 3))


def test_survival_is_divided_by_what_is_named_again() -> None:
    assert corrected_survival(0.3, 0.75) == pytest.approx(0.4)


def test_the_interval_covers_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    null = rng.binomial(40, 0.3, 400) / 40
    seen_share = (1 - (1 - 1.5 * 0.2) * (1 - 1.5 * 0.3)) / 1.5
    found = [bootstrapped_switching(rng.binomial(40, seen_share, 30) / 40, null, 3, rng) for _ in range(200)]
    covered = np.mean([one.low <= 0.2 <= one.high for one in found])
    assert all(one.estimable for one in found)
    assert 0.88 < covered < 0.99


def test_no_interval_without_networks_or_signal() -> None:
    rng = np.random.default_rng(1)
    assert not bootstrapped_switching(np.array([np.nan]), np.array([0.2]), 3, rng).estimable
    assert not bootstrapped_switching(np.full(5, 0.6), np.full(5, 0.6), 3, rng).estimable
    at_edge = np.random.default_rng(2).uniform(0.4, 0.66, 6)
    assert not bootstrapped_switching(at_edge, at_edge, 3, rng).estimable
