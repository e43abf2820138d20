"""The number of clusters, time and convergence of a fit, and what a failed fit scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from reference.made import made_fit, made_truth

from simlab.fit.fit import Status
from simlab.generate.scenario import Scenario
from simlab.metrics.metric import Kind, Metric, metrics
from simlab.metrics.performance import converged, divergences, ess_bulk, rhat, seconds
from simlab.metrics.recovery import position_error
from simlab.metrics.selection import (
    chosen_bic,
    chosen_cross_validation,
    chosen_icl,
    chosen_posterior,
    claims_clusters,
    n_clusters_chosen,
    n_clusters_error,
    n_clusters_used,
)


def test_clusters_chosen_used_and_beyond_the_truth() -> None:
    """Five clusters of which two are empty, where three are true."""
    fit = made_fit([0, 1, 2, 0], membership=np.eye(5)[[0, 1, 2, 0]])
    truth = made_truth([0, 1, 2, 0], scenario=Scenario(n_clusters=3))
    assert n_clusters_chosen(fit, truth) == 5.0
    assert n_clusters_used(fit, truth) == 3.0
    assert n_clusters_error(fit, truth) == 2.0
    assert n_clusters_error(made_fit([0, 0, 0, 0]), truth) == -2.0


def test_the_true_number_is_that_of_the_scenario_even_where_a_cluster_has_nobody() -> None:
    truth = made_truth([0, 1, 0, 1], scenario=Scenario(n_clusters=3))
    assert n_clusters_error(made_fit([0, 1, 0, 1]), truth) == -1.0


def test_time_and_convergence() -> None:
    truth = made_truth([0, 1])
    fit = made_fit([0, 1], status=Status.NOT_CONVERGED, diagnostics={"rhat": 1.2, "ess_bulk": 30.0, "divergences": 4.0})
    assert [f(fit, truth) for f in (seconds, converged, rhat, ess_bulk, divergences)] == [1.5, 0.0, 1.2, 30.0, 4.0]
    plain = made_fit([0, 1])
    assert converged(plain, truth) == 1.0
    assert all(math.isnan(f(plain, truth)) for f in (rhat, ess_bulk, divergences))


def test_position_error_of_a_fit_without_positions_or_of_another_dimension_is_nan() -> None:
    truth = made_truth([0, 1, 0])
    assert math.isnan(position_error(made_fit([0, 1, 0]), truth))
    assert math.isnan(position_error(made_fit([0, 1, 0], positions=np.zeros((3, 3))), truth))
    assert position_error(made_fit([0, 1, 0], positions=truth.positions), truth) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("entry", list(metrics), ids=lambda entry: entry.name)
def test_a_metric_of_a_failed_or_missing_fit_is_nan_and_of_the_truth_is_not(entry: object) -> None:
    metric: Metric = getattr(entry, "thing")  # noqa: B009
    truth = made_truth([0, 1, 0, 1], core=np.ones(4, dtype=bool))
    failed = made_fit([0, 1, 0, 1], status=Status.FAILED)
    fine = made_fit([0, 1, 0, 1])
    if metric.kind == Kind.FIT:
        assert math.isnan(metric.of_network(failed, truth))
        assert math.isnan(metric.of_network(None, truth))
    if metric.kind.of_fits and metric.kind.of_change:
        for pair in [(failed, fine), (fine, failed), (None, fine), (fine, None)]:
            assert math.isnan(metric.of_periods(*pair, truth, truth))
        assert math.isnan(metric.of_network(fine, truth))
    if metric.kind == Kind.TRUTH:
        assert math.isfinite(metric.of_network(None, truth))
    if metric.kind == Kind.TRUTH_CHANGE:
        assert math.isfinite(metric.of_periods(None, None, truth, truth))


def test_each_criterion_takes_the_number_with_its_lowest_value() -> None:
    choice = {"bic": {1: 9.0, 2: 7.0, 3: 8.0}, "icl": {1: 5.0, 2: math.nan, 3: 6.0}, "posterior": {2: 1.0, 3: 0.5}}
    fit, truth = made_fit([0, 1, 2, 0], choice=choice), made_truth([0, 1, 2, 0])
    assert (chosen_bic(fit, truth), chosen_icl(fit, truth), chosen_posterior(fit, truth)) == (2.0, 1.0, 3.0)
    assert math.isnan(chosen_cross_validation(fit, truth))
    assert math.isnan(chosen_bic(made_fit([0, 1]), truth))


def test_clusters_are_claimed_where_two_of_them_have_two_actors() -> None:
    truth = made_truth([0, 0, 0, 0])
    assert claims_clusters(made_fit([0, 0, 1, 1]), truth) == 1.0
    assert claims_clusters(made_fit([0, 0, 0, 1]), truth) == 0.0  # an isolate
    assert claims_clusters(made_fit([0, 0, 0, 0], membership=np.eye(3)[[0, 0, 0, 0]]), truth) == 0.0
