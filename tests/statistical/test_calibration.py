"""The chains draw from the posterior: ranks are uniform, and one sweep leaves the joint distribution as it is.

Every check has controls, by the same judgement, that must fail. ``scripts/verify`` does the same for every kind of model
and for as long as it needs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from statistical.calibration import (
    REDRAWN,
    VARIANTS,
    coverage,
    coverage_p_value,
    geweke_worst,
    p_value,
    ranks,
    turned_round,
    without_data,
)

N_DRAWS = 31
# How improbable a right sampler's ranks may be; those of the controls must be ten times less probable.
LEVEL = 0.005
FEW = ["directed", "two relations, masked", "no clusters", "two names", "poisson", "everything"]


@pytest.mark.parametrize("name", FEW)
def test_ranks_of_the_truth_are_uniform(name: str) -> None:
    world = VARIANTS[name]
    found = ranks(world, 90, N_DRAWS, seed=1, thin=12, n_warmup=250)
    assert len(found) >= 6 + (world.n_relations - 1) + 2 * (world.n_clusters > 1)
    assert p_value(found, N_DRAWS) > LEVEL
    # Half of the draws' central intervals contain the truth.
    assert coverage_p_value(found, N_DRAWS, 0.5) > LEVEL


def test_a_sampler_that_ignores_the_data_is_caught_by_the_log_likelihood_alone() -> None:
    found = ranks(VARIANTS["directed"], 80, N_DRAWS, seed=2, thin=5, spoil=without_data)
    assert p_value(found, N_DRAWS) < LEVEL / 10
    assert p_value({"log-likelihood": found.pop("log-likelihood")}, N_DRAWS) < LEVEL / 10
    assert p_value(found, N_DRAWS) > LEVEL


def test_a_sampler_that_climbs_down_is_caught() -> None:
    assert p_value(ranks(VARIANTS["directed"], 30, N_DRAWS, seed=2, spoil=turned_round), N_DRAWS) < LEVEL / 10


@pytest.mark.parametrize("wrong", ["variance_scale", "concentration"])
def test_a_sampler_with_a_wrong_prior_is_caught(wrong: str) -> None:
    found = ranks(VARIANTS["directed"], 70, N_DRAWS, seed=3, thin=10, **{wrong: 3.0})
    assert p_value(found, N_DRAWS) < LEVEL / 10


def test_a_sampler_that_ignores_reciprocity_is_caught() -> None:
    world = VARIANTS["reciprocity"]
    found = ranks(world, 80, N_DRAWS, seed=3, thin=10, model=replace(world, reciprocity=False))
    assert p_value(found, N_DRAWS) < LEVEL / 10


def test_a_sampler_that_reads_names_beyond_those_allowed_as_no_ties_is_caught() -> None:
    world = VARIANTS["two names"]
    found = ranks(world, 80, N_DRAWS, seed=3, thin=10, model=replace(world, max_nominations=None))
    assert p_value(found, N_DRAWS) < LEVEL / 10


def test_the_judgement_holds_its_level() -> None:
    """Of uniform ranks of five quantities, about LEVEL are refused; of ranks that are a little too central, nearly all."""
    rng = np.random.default_rng(4)
    names = "abcde"
    right = [{q: rng.integers(0, N_DRAWS + 1, 150) for q in names} for _ in range(200)]
    assert np.mean([p_value(r, N_DRAWS, 500) < 0.05 for r in right]) == pytest.approx(0.05, abs=0.05)
    central = [{q: rng.binomial(N_DRAWS, rng.beta(2, 2, 150)) for q in names} for _ in range(30)]
    assert np.mean([p_value(r, N_DRAWS, 500) < LEVEL for r in central]) > 0.9


def test_coverage_by_hand() -> None:
    """Of ranks 0 to 7 among 7 draws the central half is 2 to 5; of uniform ranks a tenth is outside nine tenths."""
    assert coverage(np.arange(8), 7, 0.5) == 0.5
    assert coverage(np.array([1, 2, 5, 6]), 7, 0.5) == 0.5
    assert coverage(np.arange(100), 99, 0.9) == pytest.approx(0.9)
    with pytest.raises(AssertionError, match="no interval"):
        coverage(np.arange(8), 7, 0.9)
    uniform = {q: np.random.default_rng(5).integers(0, 100, 400) for q in "ab"}
    assert coverage_p_value(uniform, 99, 0.9) > 0.01
    assert coverage_p_value({**uniform, "narrow": np.full(400, 3)}, 99, 0.9) < 1e-6


@pytest.mark.parametrize("name", REDRAWN)
def test_a_sweep_leaves_parameters_and_data_jointly_as_they_are(name: str) -> None:
    largest, limit = geweke_worst(VARIANTS[name], 1500, seed=5)
    assert largest < limit


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ("variance_scale", "directed"),
        ("centre_variance", "directed"),
        ("intercept_variance", "directed"),
        ("concentration", "directed"),
        ("coefficient_variance", "everything"),
        ("effect_scale", "everything"),
    ],
)
def test_a_sweep_for_a_wrong_prior_is_caught(wrong: str, name: str) -> None:
    largest, limit = geweke_worst(VARIANTS[name], 3000, seed=5, **{wrong: 2.0})
    assert largest > 1.3 * limit
