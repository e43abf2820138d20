"""Probabilities of assignments: by hand, against a naive twin, and what they do not say."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from conftest import network_of
from reference.made import made_fit

from simlab import Fit, InputError, LpcmMcmc, Network, stream
from simlab.plan.assignment import assignments, partners, rightly_assigned

SHORT = {"n_chains": 2, "n_warmup": 100, "n_draws": 100}


def naive_partners(reported: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Every renaming of the other clusters, and the one in which most actors agree."""
    names = sorted(set(reported.tolist()))
    groups = sorted(set(other.tolist()))
    padded = names + [-1] * len(groups)

    def agreeing(names_of: tuple[int, ...]) -> int:
        return sum(names_of[groups.index(h)] == g for g, h in zip(reported, other, strict=True))

    best = max(permutations(padded, len(groups)), key=agreeing)
    return np.array([best[groups.index(h)] for h in other])


@pytest.fixture(scope="module")
def two_groups() -> Fit:
    ties = np.zeros((14, 14), dtype=bool)
    ties[:7, :7] = ties[7:, 7:] = True
    ties[0, 7] = ties[7, 0] = True
    return LpcmMcmc(n_clusters=2, **SHORT).fit(network_of(ties), rng=stream(1, "fit"))


def test_partners_by_hand() -> None:
    reported = np.array([0, 0, 0, 1, 1, 2])
    truth = np.array([5, 5, 1, 1, 1, 0])
    assert partners(reported, truth).tolist() == [0, 0, 1, 1, 1, 2]
    assert rightly_assigned(reported, truth).tolist() == [True, True, False, True, True, True]


def test_partners_agree_with_a_naive_twin() -> None:
    rng = stream(1, "partners")
    for _ in range(40):
        reported, other = rng.integers(0, 3, 9), rng.integers(0, 4, 9)
        ours, naive = partners(reported, other), naive_partners(reported, other)
        assert (ours == reported).sum() == (naive == reported).sum()


def test_a_cluster_without_partner_is_nobodys() -> None:
    assert partners(np.array([0, 0, 0, 0]), np.array([0, 0, 0, 1])).tolist() == [0, 0, 0, -1]


def test_probabilities_are_shares_of_draws(two_groups: Fit) -> None:
    assert two_groups.posterior is not None
    of = assignments(two_groups, rng=stream(1, "chance"))
    draws = two_groups.posterior.labels.reshape(-1, 14)
    naive = np.mean([naive_partners(two_groups.labels, d.astype(int)) == two_groups.labels for d in draws], axis=0)
    assert of.probability == pytest.approx(
        naive, abs=0.02
    )  # a draw in which two matchings are as good may go either way
    assert of.probability.min() > 0.8
    assert of.divided
    assert of.safe[np.delete(np.arange(14), [0, 7])].all()
    assert (of.chance >= 0.5).all()
    assert (of.chance < 0.75).all()
    assert len(set(of.chance[two_groups.labels == 0])) == 1
    assert set(of.elsewhere.tolist()) <= {-1, 0, 1}
    assert (of.elsewhere != two_groups.labels).all()


def test_renaming_the_clusters_of_draws_changes_nothing(two_groups: Fit) -> None:
    assert two_groups.posterior is not None
    switched = two_groups.posterior.labels.copy()
    switched[:, ::2] = 1 - switched[:, ::2]
    other = replace(two_groups, posterior=replace(two_groups.posterior, labels=switched))
    one, two = (assignments(fit, rng=stream(1, "chance")).probability for fit in (two_groups, other))
    assert one == pytest.approx(two, abs=0.02)


def test_where_all_are_in_one_cluster_nothing_is_safe(two_groups: Fit) -> None:
    """Of a lump nearly everybody is in the partner, which says nothing."""
    assert two_groups.posterior is not None
    lump = np.zeros_like(two_groups.posterior.labels)
    fit = replace(two_groups, labels=np.zeros(14, dtype=np.int64), posterior=replace(two_groups.posterior, labels=lump))
    of = assignments(fit, rng=stream(1, "chance"))
    assert of.probability.tolist() == [1.0] * 14
    assert not of.divided
    assert not of.safe.any()


def test_unequal_sizes_alone_are_not_safe(two_groups: Fit) -> None:
    """One apart from thirteen, at random: the thirteen are right nearly always, and by chance as often."""
    assert two_groups.posterior is not None
    rng = stream(2, "apart")
    drawn = np.zeros_like(two_groups.posterior.labels)
    for row in drawn.reshape(-1, 14):
        row[rng.integers(14)] = 1
    labels = np.zeros(14, dtype=np.int64)
    labels[3] = 1
    fit = replace(two_groups, labels=labels, posterior=replace(two_groups.posterior, labels=drawn))
    of = assignments(fit, rng=stream(1, "chance"))
    assert np.delete(of.probability, 3).min() > 0.88
    assert not of.safe.any()


def test_fits_without_draws_are_refused() -> None:
    with pytest.raises(InputError, match=r"^fitter = made: has no posterior draws"):
        assignments(made_fit([0, 1, 1]), rng=stream(1, "chance"))


def test_a_random_network_has_nothing_safe() -> None:
    ties = stream(3, "random").random((24, 24)) < 0.25
    network: Network = network_of(ties)
    fit = LpcmMcmc(n_clusters=3, n_chains=2, n_warmup=300, n_draws=300).fit(network, rng=stream(1, "fit"))
    of = assignments(fit, rng=stream(1, "chance"))
    assert not of.safe.any()
