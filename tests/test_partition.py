"""Label vectors, against loops, sets and every permutation."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from simlab import partition
from simlab.partition import aligned, canonical, co_clustering, contingency, jaccard_table, match, relabel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def some_labels(seed: int, count: int = 12, clusters: int = 4, unknown: bool = True) -> Ints:
    return np.random.default_rng(seed).integers(-1 if unknown else 0, clusters, count)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([2, 2, 0, 1], [0, 0, 1, 2]),
        ([5, -1, 5, 3], [0, -1, 0, 1]),
        ([-1, -1], [-1, -1]),
        ([0], [0]),
        ([], []),
    ],
)
def test_canonical_by_hand(labels: list[int], expected: list[int]) -> None:
    assert canonical(np.array(labels, dtype=np.int64)).tolist() == expected


@pytest.mark.parametrize("seed", range(10))
def test_canonical_keeps_who_is_together(seed: int) -> None:
    labels = some_labels(seed) * 3
    labels[labels < 0] = -1
    out = canonical(labels)
    assert all((labels[i] == labels[j]) == (out[i] == out[j]) for i, j in combinations(range(len(labels)), 2))
    new = [k for i, k in enumerate(out.tolist()) if k >= 0 and k not in out[:i]]
    assert new == list(range(len(new)))
    assert np.array_equal(canonical(out), out)


@pytest.mark.parametrize("seed", range(10))
def test_contingency_and_jaccard_against_sets(seed: int) -> None:
    one, other = some_labels(seed), some_labels(seed + 100, clusters=3)
    table, jaccard = contingency(one, other), jaccard_table(one, other)
    known = [i for i in range(len(one)) if one[i] >= 0 and other[i] >= 0]
    assert table.shape == jaccard.shape == (max(one[known]) + 1, max(other[known]) + 1)
    for g in range(table.shape[0]):
        for h in range(table.shape[1]):
            a, b = {i for i in known if one[i] == g}, {i for i in known if other[i] == h}
            assert table[g, h] == len(a & b)
            assert jaccard[g, h] == pytest.approx(len(a & b) / len(a | b) if a | b else 0.0, abs=1e-12)


def test_contingency_of_nobody_in_common() -> None:
    table = contingency(np.array([0, -1]), np.array([-1, 2]))
    assert table.shape == (0, 0)
    assert match(table) == []
    assert jaccard_table(np.array([0, -1]), np.array([-1, 2])).size == 0


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 4), (4, 2), (5, 5)])
@pytest.mark.parametrize("seed", range(3))
def test_match_against_every_assignment(shape: tuple[int, int], seed: int) -> None:
    gain = np.random.default_rng(seed).integers(0, 20, shape)
    pairs = match(gain)
    wide = gain if shape[0] <= shape[1] else gain.T
    best = max(sum(wide[g, h] for g, h in enumerate(order)) for order in permutations(range(max(shape)), min(shape)))
    assert sum(gain[r, c] for r, c in pairs) == best
    assert len(pairs) == len({r for r, _ in pairs}) == len({c for _, c in pairs}) == min(shape)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_aligned_undoes_a_renaming(order: tuple[int, ...]) -> None:
    reference = np.array([0, 0, 1, 1, 2, 2, -1, 0])
    renamed = np.array([order[v] if v >= 0 else -1 for v in reference])
    assert np.array_equal(aligned(renamed, reference), reference)


@pytest.mark.parametrize("seed", range(20))
def test_aligned_agrees_as_far_as_any_renaming_can(seed: int) -> None:
    labels, reference = some_labels(seed, clusters=4), some_labels(seed + 50, clusters=3)
    out = aligned(labels, reference)
    assert np.array_equal(canonical(out), canonical(labels))
    both = (labels >= 0) & (reference >= 0)
    best = max(
        sum(order[g] == h for g, h in zip(labels[both], reference[both], strict=True))
        for order in permutations(range(7), 4)
    )
    assert (out == reference)[both].sum() == best


def test_aligned_gives_new_numbers_to_clusters_without_a_partner() -> None:
    out = aligned(np.array([0, 0, 1, 2]), np.array([5, 5, 5, 5])).tolist()
    assert out[:2] == [5, 5]
    assert len({5, *out[2:]}) == 3
    assert aligned(np.array([1, 1, 0]), np.array([0, 0, -1])).tolist() == [0, 0, 1]
    assert aligned(np.array([-1, -1]), np.array([0, 1])).tolist() == [-1, -1]


def test_aligned_gives_no_cluster_the_number_of_one_it_has_nobody_in_common_with() -> None:
    assert aligned(np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 0])).tolist() == [0, 0, 0, 0, 2]


@pytest.mark.parametrize("seed", range(5))
def test_co_clustering_against_loops(seed: int) -> None:
    draws = np.random.default_rng(seed).integers(0, 3, (15, 6))
    together = co_clustering(draws)
    for i in range(6):
        for j in range(6):
            assert together[i, j] == pytest.approx(sum(d[i] == d[j] for d in draws) / 15, abs=1e-12)


def test_co_clustering_leaves_out_who_has_no_label() -> None:
    together = co_clustering(np.array([[-1, -1, 0, 0], [-1, -1, 1, 0]]))
    assert not together[0, 1] > 0.0
    assert together[2, 3] == 0.5
    assert together[0, 2] == 0.0 or np.isnan(together[0, 2])


def switched_memberships(
    seed: int, n_clusters: int, n_draws: int = 40, noise: float = 0.3
) -> tuple[Floats, list[tuple[int, ...]]]:
    """Return noisy memberships of 30 actors whose clusters are renamed at random in every draw, and the renamings."""
    rng = np.random.default_rng(seed)
    truth = np.eye(n_clusters)[np.arange(30) % n_clusters]
    draws, renamings = [], []
    for _ in range(n_draws):
        noisy = truth + noise * rng.random(truth.shape)
        renaming = rng.permutation(n_clusters)
        draws.append((noisy / noisy.sum(axis=1, keepdims=True))[:, renaming])
        renamings.append(tuple(renaming.tolist()))
    return np.array(draws), renamings


def divergence(membership: Floats, order: Ints) -> float:
    """Return the Kullback-Leibler divergence of the renamed memberships to their mean, summed over draws."""
    renamed = np.array([m[:, o] for m, o in zip(membership, order, strict=True)])
    return float((renamed * np.log(renamed / renamed.mean(axis=0))).sum())


@pytest.mark.parametrize("n_clusters", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("noise", [0.3, 0.8])
def test_relabel_undoes_label_switching(n_clusters: int, noise: float) -> None:
    """All draws get one labelling, whichever; with seven clusters by assignment, with fewer by every permutation."""
    membership, renamings = switched_memberships(n_clusters, n_clusters, noise=noise)
    order = relabel(membership)
    common = {tuple(r[g] for g in o) for r, o in zip(renamings, order.tolist(), strict=True)}
    assert len(common) == 1
    assert sorted(common.pop()) == list(range(n_clusters))


@pytest.mark.parametrize("seed", range(5))
def test_relabel_lowers_the_divergence(seed: int) -> None:
    rng = np.random.default_rng(seed)
    membership = rng.dirichlet(np.full(3, 0.7), (25, 12))
    order = relabel(membership)
    as_it_was = np.tile(np.arange(3), (25, 1))
    assert divergence(membership, order) < divergence(membership, as_it_was)
    # No draw would be better renamed once the mean is what it is.
    mean = np.mean([m[:, o] for m, o in zip(membership, order, strict=True)], axis=0)
    for draw, chosen in zip(membership, order, strict=True):
        costs = {p: -(draw[:, p] * np.log(mean)).sum() for p in permutations(range(3))}
        assert costs[tuple(chosen.tolist())] == pytest.approx(min(costs.values()), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_relabel_by_assignment_and_by_permutation_agree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    membership = np.random.default_rng(seed).dirichlet(np.full(4, 0.7), (25, 12))
    by_permutation = relabel(membership)
    monkeypatch.setattr(partition, "_MOST_PERMUTED", 0)
    assert np.array_equal(relabel(membership), by_permutation)
