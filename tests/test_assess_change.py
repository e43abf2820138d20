"""Change between two periods: what noise alone makes is taken out, or said not to be estimable."""

from __future__ import annotations

import numpy as np
import pytest
from reference.made import made_fit

from simlab import Fit, stream
from simlab.plan.change import Change, change_between
from simlab.report.assessment_change_words import change_sentences
from simlab.report.assessment_figures import change_figure

THREE = np.repeat([0, 1, 2], 40)


def wrongly(labels: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return labels of which a share is another one at random."""
    moved = rng.random(len(labels)) < share
    return np.where(moved, (labels + rng.integers(1, 3, len(labels))) % 3, labels)


def between(before: np.ndarray, after: np.ndarray, nulls: tuple[np.ndarray, np.ndarray]) -> Change:
    pair = made_fit(before), made_fit(after)
    return change_between(("1", "2"), pair, pair, nulls, rng=stream(1, "change"))


def nulls(error: float, rng: np.random.Generator, n: int = 60) -> np.ndarray:
    return np.array([np.mean(wrongly(THREE, error, rng) != wrongly(THREE, error, rng)) for _ in range(n)])


def test_what_noise_makes_of_no_change_is_corrected_to_none() -> None:
    rng = stream(1, "none")
    found = between(wrongly(THREE, 0.1, rng), wrongly(THREE, 0.1, rng), (nulls(0.1, rng), nulls(0.1, rng)))
    assert found.n_stayers == 120
    assert found.seen > 0.08
    assert found.null == pytest.approx(0.185, abs=0.02)
    assert abs(found.corrected.share) < 0.1
    assert found.corrected.low < 0.0 < found.corrected.high
    assert "That anybody switched is not shown." in change_sentences(found)


def test_real_change_is_found_under_unequal_errors() -> None:
    """Errors of 5 and 15 %, a fifth switches: intervals hold the truth as often as they say, and the seen share does not."""
    rng = stream(1, "real")
    inside, seen = [], []
    for _ in range(60):
        after = wrongly(THREE, 0.2, rng)
        true = float(np.mean(after != THREE))
        found = between(
            wrongly(THREE, 0.05, rng), wrongly(after, 0.15, rng), (nulls(0.05, rng, 40), nulls(0.15, rng, 40))
        )
        inside.append(found.corrected.low <= true <= found.corrected.high)
        seen.append(found.seen - true)
    assert np.mean(inside) >= 0.85
    assert np.mean(seen) > 0.08


def test_the_middle_of_the_null_is_that_of_a_pair_whose_periods_err_unequally() -> None:
    """Errors of 2 and 30 %, nobody moves: such shares lie from .24 to .38, far from those of either period by itself."""
    rng = stream(1, "unequal")
    real = np.array([np.mean(wrongly(THREE, 0.02, rng) != wrongly(THREE, 0.3, rng)) for _ in range(2000)])
    found = [
        between(wrongly(THREE, 0.02, rng), wrongly(THREE, 0.3, rng), (nulls(0.02, rng), nulls(0.3, rng)))
        for _ in range(40)
    ]
    low, high = np.quantile(real, [0.05, 0.95])
    assert np.mean([f.null_low for f in found]) == pytest.approx(low, abs=0.04)
    assert np.mean([f.null_high for f in found]) == pytest.approx(high, abs=0.04)
    # Of 40 intervals of 95 % fewer than 34 hold the truth once in 700 times.
    assert sum(f.corrected.low <= 0.0 <= f.corrected.high for f in found) >= 34


def test_few_worlds_are_told_as_few() -> None:
    rng = stream(1, "few")
    few = between(wrongly(THREE, 0.1, rng), wrongly(THREE, 0.1, rng), (nulls(0.1, rng, 6), nulls(0.1, rng, 40)))
    assert any("from 6 worlds only, which say little" in said for said in change_sentences(few))


def test_guesses_are_not_estimable() -> None:
    rng = stream(1, "guesses")
    found = between(rng.integers(0, 3, 120), rng.integers(0, 3, 120), (nulls(0.6, rng), nulls(0.6, rng)))
    assert not found.corrected.estimable
    assert "noise leaves too little" in found.reason
    assert any("not estimable" in sentence for sentence in change_sentences(found))


def test_what_cannot_be_corrected_says_why() -> None:
    some = (np.full(10, 0.1), np.full(10, 0.1))
    rng = stream(1, "why")

    def reason(before: Fit, after: Fit, values: tuple[np.ndarray, np.ndarray] = some) -> str:
        return change_between(("1", "2"), (before, after), (before, after), values, rng=rng).reason

    three, two = made_fit([0, 1, 2, 0]), made_fit([0, 1, 1, 0])
    assert "3 and 2 clusters: give one number" in reason(three, two)
    assert "fewer than two" in reason(two, made_fit([0, 1, 1, 0], ("w", "x", "y", "z")))
    lump = made_fit([0, 0, 0, 0])
    assert reason(lump, lump) == "in both periods all are in one cluster"
    assert "too few worlds" in reason(two, two, (np.full(10, np.nan), np.full(10, 0.1)))
    alone = change_between(("1", "2"), (two, made_fit([0, 1], ("y", "z"))), (two, two), some, rng=rng)
    assert change_sentences(alone)[0].startswith("From period 1 to 2: fewer than two")


def test_what_is_seen_is_what_the_reported_fits_show() -> None:
    """The null is of the refits' method, and so is what it is compared with: both are told where they differ."""
    rng = stream(1, "seen")
    before, after = wrongly(THREE, 0.02, rng), wrongly(THREE, 0.02, rng)
    reported = made_fit(before), made_fit(after)
    refits = made_fit(wrongly(before, 0.1, rng)), made_fit(wrongly(after, 0.1, rng))
    found = change_between(("1", "2"), reported, refits, (nulls(0.12, rng), nulls(0.12, rng)), rng=rng)
    assert found.seen < 0.08 < found.seen_by_refits
    assert abs(found.corrected.share) < 0.12
    said = change_sentences(found)
    assert said[0].startswith(f"From period 1 to 2, {found.seen:.0%}".replace("%", " %"))
    assert f"worlds are refitted see {found.seen_by_refits:.0%}".replace("%", " %") in said[1]
    assert f"the {found.seen_by_refits:.0%} become".replace("%", " %") in said[3]
    same = change_between(("1", "2"), reported, reported, (nulls(0.02, rng), nulls(0.02, rng)), rng=rng)
    assert not any("refitted see" in sentence for sentence in change_sentences(same))


def test_between_fits_of_one_cluster_nobody_is_seen_to_switch() -> None:
    """Whatever refits see: a refit that divides a lump makes change of nothing."""
    some = (np.full(10, 0.1), np.full(10, 0.1))
    lump, two = made_fit([0, 0, 0, 0]), made_fit([0, 1, 1, 0])
    refits = two, made_fit([0, 0, 1, 1])
    for reported, where in (
        ((lump, lump), "in both periods"),
        ((two, lump), "in period 2"),
        ((lump, two), "in period 1"),
    ):
        found = change_between(("1", "2"), reported, refits, some, rng=stream(1, "one"))
        assert np.isnan(found.null)
        assert not found.corrected.estimable
        assert change_sentences(found) == [
            f"From period 1 to 2 nobody can be seen to switch cluster: {where} all are in one cluster.",
            "The corrected change is not estimable.",
        ]
        assert change_figure([("", found)]) is None
