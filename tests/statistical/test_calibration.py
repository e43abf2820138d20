"""The chains draw from the posterior: ranks are uniform, and one sweep leaves the joint distribution as it is.

Every check has controls, by the same judgement, that must fail.
"""

from __future__ import annotations

import numpy as np
import pytest
from calibration import World, geweke_differences, p_value, ranks, without_data
from scipy import stats

from simlab.models.lpcm import Priors

N_DRAWS = 31
# How improbable a right sampler's ranks may be; those of the controls must be ten times less probable.
LEVEL = 0.01
ONE_RELATION = World(11)
# Moments that exist: the usual priors of so few actors have variances without a mean.
LIGHT = Priors(0.5, 1.0, 2.0, 8.0, 0.5, 3.0)


@pytest.mark.parametrize("world", [ONE_RELATION, World(10, n_relations=2, masked=True)], ids=["one", "two masked"])
def test_ranks_of_the_truth_are_uniform(world: World) -> None:
    found = ranks(world, 150, N_DRAWS, seed=1)
    assert len(found) == 5 + world.n_relations
    assert p_value(found, N_DRAWS) > LEVEL


def test_a_sampler_that_ignores_the_data_is_caught_by_the_log_likelihood_alone() -> None:
    found = ranks(ONE_RELATION, 80, N_DRAWS, seed=2, spoil=without_data)
    assert p_value(found, N_DRAWS) < LEVEL / 10
    assert p_value({"log-likelihood": found.pop("log-likelihood")}, N_DRAWS) < LEVEL / 10
    assert p_value(found, N_DRAWS) > LEVEL


@pytest.mark.parametrize("wrong", ["variance_scale", "concentration"])
def test_a_sampler_with_a_wrong_prior_is_caught(wrong: str) -> None:
    assert p_value(ranks(ONE_RELATION, 80, N_DRAWS, seed=3, **{wrong: 3.0}), N_DRAWS) < LEVEL / 10


def test_the_judgement_holds_its_level() -> None:
    """Of uniform ranks of five quantities, about LEVEL are refused; of ranks that are a little too central, nearly all."""
    rng = np.random.default_rng(4)
    names = "abcde"
    right = [{q: rng.integers(0, N_DRAWS + 1, 150) for q in names} for _ in range(200)]
    assert np.mean([p_value(r, N_DRAWS, 500) < 0.05 for r in right]) == pytest.approx(0.05, abs=0.05)
    central = [{q: rng.binomial(N_DRAWS, rng.beta(2, 2, 150)) for q in names} for _ in range(30)]
    assert np.mean([p_value(r, N_DRAWS, 500) < LEVEL for r in central]) > 0.9


def worst(world: World, **wrong: float) -> tuple[float, float]:
    """Return the largest standardised difference of a moment, and what one in a thousand sets of moments exceeds."""
    found = geweke_differences(world, LIGHT, 4000, seed=5, **wrong)
    return max(abs(value) for value in found.values()), float(stats.norm.isf(0.001 / 2 / len(found)))


@pytest.mark.parametrize("world", [World(5), World(4, n_relations=2, masked=True)], ids=["one", "two masked"])
def test_a_sweep_leaves_parameters_and_data_jointly_as_they_are(world: World) -> None:
    largest, limit = worst(world)
    assert largest < limit


@pytest.mark.parametrize("wrong", ["variance_scale", "centre_variance", "intercept_variance", "concentration"])
def test_a_sweep_for_a_wrong_prior_is_caught(wrong: str) -> None:
    largest, limit = worst(World(4, n_relations=2, masked=True), **{wrong: 2.0})
    assert largest > 1.5 * limit
