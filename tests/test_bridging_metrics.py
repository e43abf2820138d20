"""How well a score ranks bridgers, against scikit-learn and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference.made import made_fit, made_truth
from sklearn.metrics import average_precision_score, roc_auc_score

from simlab.metrics.bridging import SCORES, area_under_curve, highest_tenth, mean_precision, top_precision
from simlab.metrics.metric import metrics


def scores_of(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores, many of them equal where the seed is even, and flags of which some are true and some false."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 60))
    score = rng.integers(0, 4, n) / 3.0 if seed % 2 == 0 else rng.random(n)
    flags = rng.random(n) < 0.3
    flags[:2] = True, False
    return score, rng.permutation(flags)


@pytest.mark.parametrize("seed", range(30))
def test_area_and_average_precision_agree_with_scikit_learn(seed: int) -> None:
    score, flags = scores_of(seed)
    assert_allclose(area_under_curve(score, flags), roc_auc_score(flags, score), atol=1e-12)
    assert_allclose(mean_precision(score, flags), average_precision_score(flags, score), atol=1e-12)


def test_a_perfect_a_reversed_and_an_empty_ranking() -> None:
    flags = np.array([True, True, False, False, False])
    score = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
    assert (area_under_curve(score, flags), mean_precision(score, flags), top_precision(score, flags, 2)) == (1, 1, 1)
    assert area_under_curve(-score, flags) == 0.0
    # The two come last of five: a mean of 1/4 and 2/5.
    assert mean_precision(-score, flags) == pytest.approx((1 / 4 + 2 / 5) / 2)
    same = np.zeros(5)
    assert area_under_curve(same, flags) == 0.5
    assert mean_precision(same, flags) == pytest.approx(0.4)
    assert top_precision(same, flags, 2) == pytest.approx(0.4)


@pytest.mark.parametrize("flag", [True, False])
def test_nan_where_all_or_none_are_bridgers(flag: bool) -> None:
    score, flags = np.arange(4.0), np.full(4, flag)
    assert math.isnan(area_under_curve(score, flags))
    assert mean_precision(score, flags) == 1.0 if flag else math.isnan(mean_precision(score, flags))
    assert math.isnan(top_precision(score, flags, 0))


def test_precision_at_k_counts_equal_scores_by_expectation() -> None:
    """Of the three highest, one is certain (right) and two are drawn from three equal ones, of which one is right."""
    score = np.array([9.0, 5.0, 5.0, 5.0, 1.0])
    flags = np.array([True, True, False, False, True])
    assert top_precision(score, flags, 3) == pytest.approx((1 + 2 / 3) / 3)


@pytest.mark.parametrize("seed", range(6))
def test_precision_at_k_is_the_mean_over_orders_of_equal_scores(seed: int) -> None:
    score, flags = scores_of(2 * seed)
    k = int(flags.sum())
    rng = np.random.default_rng(seed)
    shares = [flags[np.lexsort((rng.random(len(score)), -score))[:k]].mean() for _ in range(4000)]
    error = float(np.std(shares)) / math.sqrt(len(shares))
    assert top_precision(score, flags, k) == pytest.approx(float(np.mean(shares)), abs=5 * error + 1e-9)


def test_every_score_has_metrics_of_its_own() -> None:
    truth = made_truth(np.repeat([0, 1], 5), bridger=np.arange(10) < 2)
    score = np.array([0.9, 0.1, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    for name in SCORES:
        fit = made_fit(truth.labels, truth.actors, bridging={"participation": np.zeros(10), name: score})
        # Of the 16 pairs the first bridger wins 8 and the second 7.
        assert metrics[f"auc_{name}"].thing.of_network(fit, truth) == pytest.approx(15 / 16)
        assert metrics[f"precision_{name}"].thing.of_network(fit, truth) == 0.5
    without = made_fit(truth.labels, truth.actors, bridging={"participation": score})
    assert math.isnan(metrics["auc_position_entropy"].thing.of_network(without, truth))
    assert math.isnan(metrics["precision_position_entropy"].thing.of_network(without, truth))


def test_the_highest_tenth() -> None:
    assert highest_tenth(np.arange(30.0)) == 28.0
    assert highest_tenth(np.array([1.0, 3.0])) == 3.0
