"""Joint distributions of dyads against naive twins: the odds ratio, the maximal coupling, the mixture of sources."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from reference import naive_generator as naive

from simlab.foundation.errors import InputError
from simlab.generate import coupling

Floats = NDArray[np.float64]

CLOSE = 1e-10
ODDS = [1e-6, 0.05, 0.999999, 1.0, 1.000001, 2.0, 30.0, 1e6]


def some_probabilities(seed: int, count: int = 40) -> tuple[Floats, Floats]:
    """Return probabilities forth and back, small ones, large ones and the two extremes among them."""
    rng = np.random.default_rng(seed)
    forth, back = rng.beta(0.5, 1.0, (2, count))
    forth[:6], back[:6] = [0.0, 1.0, 0.0, 0.5, 1e-9, 0.999], [0.0, 1.0, 1.0, 0.5, 1e-9, 0.7]
    return forth, back


def some_dyads(seed: int, odds_ratio: float = 6.0, *, extreme: bool = True) -> Floats:
    forth, back = some_probabilities(seed)
    start = 0 if extreme else 6
    return coupling.dyad_distribution(forth[start:], back[start:], odds_ratio)


@pytest.mark.parametrize("odds_ratio", ODDS)
def test_dyads_against_the_definition_of_the_odds_ratio(odds_ratio: float) -> None:
    forth, back = some_probabilities(1)
    distribution = coupling.dyad_distribution(forth, back, odds_ratio)
    twin = [naive.dyad(p, q, odds_ratio) for p, q in zip(forth, back, strict=True)]
    assert distribution == pytest.approx(np.array(twin), abs=CLOSE)


@pytest.mark.parametrize("odds_ratio", ODDS)
def test_dyads_keep_the_probabilities_of_their_ties(odds_ratio: float) -> None:
    forth, back = some_probabilities(2)
    distribution = coupling.dyad_distribution(forth, back, odds_ratio)
    assert distribution.min() >= 0.0
    assert distribution.sum(axis=1) == pytest.approx(1.0, abs=CLOSE)
    assert distribution[:, 1] + distribution[:, 3] == pytest.approx(forth, abs=CLOSE)
    assert distribution[:, 2] + distribution[:, 3] == pytest.approx(back, abs=CLOSE)


@pytest.mark.parametrize("odds_ratio", [0.05, 2.0, 30.0])
def test_dyads_have_the_odds_ratio(odds_ratio: float) -> None:
    d = some_dyads(3, odds_ratio, extreme=False)
    inner = d[d.min(axis=1) > 1e-6]
    assert len(inner) > 20
    found = inner[:, 3] * inner[:, 0] / (inner[:, 1] * inner[:, 2])
    assert found == pytest.approx(odds_ratio, rel=1e-6)


def test_reciprocity_and_ties_against_loops() -> None:
    distribution = some_dyads(4)
    assert coupling.reciprocity_of(distribution) == pytest.approx(naive.reciprocity(distribution.tolist()), abs=CLOSE)
    ties = sum(d[1] + d[2] + 2 * d[3] for d in distribution.tolist())
    assert coupling.expected_ties(distribution) == pytest.approx(ties, abs=CLOSE)
    assert coupling.reciprocity_of(np.array([[1.0, 0.0, 0.0, 0.0]])) == 0.0


@pytest.mark.parametrize("wanted", [0.05, 0.3, 0.5, 0.7])
def test_solved_odds_ratio_gives_the_reciprocity(wanted: float) -> None:
    forth, back = np.random.default_rng(5).beta(1.0, 6.0, (2, 500))
    back = 0.5 * back + 0.5 * forth
    odds_ratio = coupling.solve_odds_ratio(forth, back, wanted)
    twin = [naive.dyad(p, q, odds_ratio) for p, q in zip(forth, back, strict=True)]
    assert naive.reciprocity(twin) == pytest.approx(wanted, abs=1e-8)


def test_no_reciprocity_at_all() -> None:
    forth, back = np.full(50, 0.1), np.full(50, 0.2)
    odds_ratio = coupling.solve_odds_ratio(forth, back, 0.0)
    assert coupling.reciprocity_of(coupling.dyad_distribution(forth, back, odds_ratio)) == pytest.approx(0.0, abs=1e-9)


def test_more_reciprocity_than_can_be_is_refused_with_its_limit() -> None:
    """No more dyads can be mutual than the rarer tie allows."""
    with pytest.raises(InputError) as caught:
        coupling.solve_odds_ratio(np.full(9, 0.4), np.full(9, 0.1), 0.9)
    assert str(caught.value) == "reciprocity = 0.9: must be at most 0.400 in this world"


def test_less_reciprocity_than_must_be_is_the_least_there_is() -> None:
    """Two ties of probability 0.9 are both there at least with 0.8, a reciprocity of 0.889."""
    ties = np.full(9, 0.9)
    least = coupling.reciprocity_of(coupling.dyad_distribution(ties, ties, coupling.solve_odds_ratio(ties, ties, 0.1)))
    assert least == pytest.approx(0.8 / 0.9, abs=1e-6)


@pytest.mark.parametrize("seeds", [(1, 2), (3, 4), (5, 5)])
def test_copying_is_the_maximal_coupling(seeds: tuple[int, int]) -> None:
    source, target = some_dyads(seeds[0]), some_dyads(seeds[1], 2.0 if seeds[0] != seeds[1] else 6.0)
    transition = coupling.copying(source, target)
    joint = coupling.joint(source, transition)
    twin = np.array([naive.maximal_coupling(a, b) for a, b in zip(source.tolist(), target.tolist(), strict=True)])
    assert joint == pytest.approx(twin, abs=CLOSE)
    assert transition.sum(axis=2) == pytest.approx(1.0, abs=CLOSE)
    assert joint.sum(axis=1) == pytest.approx(target, abs=CLOSE)
    # No coupling keeps more: one less the total variation distance.
    kept = joint[:, range(4), range(4)].sum(axis=1)
    assert kept == pytest.approx(1.0 - 0.5 * np.abs(source - target).sum(axis=1), abs=CLOSE)


def test_copying_from_an_equal_network_copies_everything() -> None:
    source = some_dyads(6)
    transition = coupling.copying(source, source.copy())
    possible = source > 1e-12
    index = np.arange(4)
    assert transition[:, index, index][possible] == pytest.approx(1.0, abs=1e-6)


def test_anew_forgets_the_source() -> None:
    source, target = some_dyads(7), some_dyads(8)
    joint = coupling.joint(source, coupling.anew(target))
    twin = [naive.independent(a, b) for a, b in zip(source.tolist(), target.tolist(), strict=True)]
    assert joint == pytest.approx(np.array(twin), abs=CLOSE)


def test_shared_ties_against_loops() -> None:
    joint = coupling.joint(some_dyads(9), coupling.copying(some_dyads(9), some_dyads(10)))
    assert coupling.shared_ties(joint) == pytest.approx(sum(naive.shared(j) for j in joint.tolist()), abs=CLOSE)


def reach_of(
    sources: list[Floats], target: Floats, crossed: Floats | None
) -> tuple[Floats, list[list[list[naive.Matrix]]]]:
    """Return the shared ties, and the joints, of each source (row) with what copying from each (column) gives."""
    joints: list[list[list[naive.Matrix]]] = []
    for s, source in enumerate(sources):
        row = []
        for c, copied in enumerate(sources):
            if s == c:
                row.append([naive.maximal_coupling(a, b) for a, b in zip(source, target, strict=True)])
            else:
                assert crossed is not None
                cross = crossed if (s, c) == (0, 1) else crossed.transpose(0, 2, 1)
                moves = coupling.copying(copied, target).tolist()
                row.append([naive.followed(j, m) for j, m in zip(cross.tolist(), moves, strict=True)])
        row.append([naive.independent(a, b) for a, b in zip(source, target, strict=True)])
        joints.append(row)
    return np.array([[sum(map(naive.shared, joint)) for joint in row] for row in joints]), joints


@pytest.mark.parametrize("wanted", [0.6, 0.9])
def test_mixture_of_one_source_hits_the_jaccard_index(wanted: float) -> None:
    source, target = some_dyads(11), some_dyads(11, 3.0)
    reach, joints = reach_of([source], target, None)
    totals = [coupling.expected_ties(source) + coupling.expected_ties(target)]
    share = float(coupling.solve_mixture(["overlap"], [wanted], reach, totals)[0])
    assert 0.0 < share < 1.0
    weights = [share, 1.0 - share]
    mixed = [naive.mixed(each, weights) for each in zip(*joints[0], strict=True)]
    assert naive.jaccard(mixed) == pytest.approx(wanted, abs=CLOSE)


@pytest.mark.parametrize("wanted", [(0.65, 0.65), (0.7, 0.75), (0.75, 0.65)])
def test_mixture_of_two_sources_hits_both_jaccard_indices(wanted: tuple[float, float]) -> None:
    """A relation that is tied to the first relation and to its own past, which are tied to each other."""
    first, past, target = some_dyads(12, 4.0), some_dyads(12, 8.0), some_dyads(12, 6.0)
    half = 0.5 * coupling.copying(first, past) + 0.5 * coupling.anew(past)
    cross = coupling.joint(first, half)
    reach, joints = reach_of([first, past], target, cross)
    totals = [coupling.expected_ties(s) + coupling.expected_ties(target) for s in (first, past)]
    shares = coupling.solve_mixture(["overlap", "tie_persistence"], list(wanted), reach, totals)
    assert shares.min() > 0.0
    assert shares.sum() < 1.0
    weights = [*shares.tolist(), 1.0 - shares.sum()]
    for row, jaccard in zip(joints, wanted, strict=True):
        mixed = [naive.mixed(each, weights) for each in zip(*row, strict=True)]
        assert naive.jaccard(mixed) == pytest.approx(jaccard, abs=CLOSE)


def test_mixture_of_two_equal_sources_copies_from_either() -> None:
    """Where both sources are one network, sharing everything with both means copying, not drawing anew."""
    source = some_dyads(13, extreme=False)
    cross = coupling.joint(source, coupling.copying(source, source))
    reach, _ = reach_of([source, source], source, cross)
    totals = [2.0 * coupling.expected_ties(source)] * 2
    shares = coupling.solve_mixture(["overlap", "tie_persistence"], [1.0, 1.0], reach, totals)
    assert shares.sum() == pytest.approx(1.0, abs=1e-8)


def test_mixture_of_less_than_chance_copies_nothing() -> None:
    source, target = some_dyads(14), some_dyads(15)
    reach, joints = reach_of([source], target, None)
    totals = [coupling.expected_ties(source) + coupling.expected_ties(target)]
    chance = naive.jaccard(joints[0][1])
    assert coupling.solve_mixture(["overlap"], [0.9 * chance], reach, totals).tolist() == [0.0]
    assert coupling.solve_mixture(["overlap"], [1.01 * chance], reach, totals)[0] > 0.0


def test_mixture_leaves_out_a_source_that_is_shared_enough_through_the_other() -> None:
    """The other source is hit exactly, and nothing is copied from the one that has more than it wanted."""
    first, past, target = some_dyads(12, 4.0), some_dyads(12, 8.0), some_dyads(12, 6.0)
    cross = coupling.joint(first, coupling.copying(first, past))
    reach, joints = reach_of([first, past], target, cross)
    totals = [coupling.expected_ties(s) + coupling.expected_ties(target) for s in (first, past)]
    shares = coupling.solve_mixture(["overlap", "tie_persistence"], [0.6, 0.8], reach, totals)
    assert shares[0] == 0.0
    weights = [*shares.tolist(), 1.0 - shares.sum()]
    found = [naive.jaccard([naive.mixed(each, weights) for each in zip(*row, strict=True)]) for row in joints]
    assert found[1] == pytest.approx(0.8, abs=CLOSE)
    assert found[0] > 0.6


def test_mixture_out_of_reach_is_refused_with_its_limit() -> None:
    source, target = some_dyads(14), some_dyads(15)
    reach, joints = reach_of([source], target, None)
    totals = [coupling.expected_ties(source) + coupling.expected_ties(target)]
    with pytest.raises(InputError) as caught:
        coupling.solve_mixture(["overlap"], [0.99], reach, totals)
    assert str(caught.value) == f"overlap = 0.99: must be at most {naive.jaccard(joints[0][0]):.3f} in this world"


@pytest.mark.parametrize("wanted", [(0.8, 0.8), (0.9, 0.7)])
def test_the_limit_of_a_refusal_is_below_what_was_refused(wanted: tuple[float, float]) -> None:
    """A message that says 0.7 must be at most 0.9 helps nobody."""
    first, past, target = some_dyads(16, 4.0), some_dyads(16, 8.0), some_dyads(16, 6.0)
    cross = coupling.joint(first, coupling.anew(past))
    reach, _ = reach_of([first, past], target, cross)
    totals = [coupling.expected_ties(s) + coupling.expected_ties(target) for s in (first, past)]
    with pytest.raises(InputError, match="must be at most") as caught:
        coupling.solve_mixture(["overlap", "tie_persistence"], list(wanted), reach, totals)
    text = str(caught.value)
    value = float(text.split(" = ")[1].split(":")[0])
    assert value > float(text.split("must be at most ")[1].split(" in ")[0])


def test_drawn_states_have_their_probabilities() -> None:
    """Frequencies of the four states in standard errors; frequencies judged by the next dyad's must be caught."""
    distribution = some_dyads(17)
    n = 4000
    rng = np.random.default_rng(18)
    counts = np.zeros_like(distribution)
    for _ in range(n):
        counts[np.arange(len(counts)), coupling.draw(distribution, rng)] += 1
    assert not counts[distribution == 0.0].any()

    def worst(claimed: Floats) -> float:
        error = np.sqrt(n * claimed * (1.0 - claimed))
        use = error > 2.0
        return float(np.abs((counts - n * claimed)[use] / error[use]).max())

    assert worst(distribution) < 4.5
    assert worst(np.roll(distribution, 1, axis=0)) > 4.5
