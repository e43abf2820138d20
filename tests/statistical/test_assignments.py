"""Of the assignments with probability p the share p is right, where the truth comes from the prior; controls are not so.

Short: scripts/verify has two hundred networks and worlds that break the model.
"""

from __future__ import annotations

import pytest
from statistical.assignments import Claims, from_priors, judged, worst

# Of some six bins, in errors of their own: passed by chance once in some thousand runs.
LIMIT = 4.0


@pytest.fixture(scope="module")
def claims() -> dict[str, Claims]:
    return judged(from_priors(50, 30, 3, seed=21), 3, seed=22, n_refits=4)


def test_probabilities_of_assignments_are_calibrated(claims: dict[str, Claims]) -> None:
    assert len(claims["posterior"].true) > 600
    assert worst(claims["posterior"]) < LIMIT
    excess, error = claims["safe"].excess
    assert error < 0.04
    assert abs(excess) < 3.0 * error + 0.01


def test_probabilities_of_lying_between_clusters_are_calibrated(claims: dict[str, Claims]) -> None:
    assert worst(claims["between"]) < LIMIT


@pytest.mark.parametrize("control", ["mode", "repeatability"])
def test_controls_are_too_certain_or_say_something_else(control: str, claims: dict[str, Claims]) -> None:
    """Memberships of the posterior mode, and how often a refit finds the same, are no probabilities of being right."""
    assert worst(claims[control]) > LIMIT
    assert claims[control].area < claims["posterior"].area
