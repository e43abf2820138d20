"""The surrogate: what it says of functions that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from simlab.plan.surrogate import Surrogate

Floats = np.ndarray


def latent(features: Floats) -> Floats:
    """A function that saturates and turns."""
    return -2.0 + 4.0 * features[:, 0] + 2.0 * np.sin(3.0 * features[:, 1])


def counted(seed: int, n_designs: int = 40, each: int = 40) -> tuple[Surrogate, Floats, Floats]:
    rng = np.random.default_rng(seed)
    features = rng.random((n_designs, 2))
    counts = np.full(n_designs, float(each))
    shares = rng.binomial(each, expit(latent(features))) / each
    made = Surrogate(2, is_mean=False)
    made.fit(features, shares, counts)
    return made, features, shares


def test_probabilities_are_found_between_designs_and_bands_hold_the_truth() -> None:
    rng = np.random.default_rng(0)
    covered, errors = [], []
    for seed in range(12):
        made, _, _ = counted(seed)
        there = rng.random((200, 2))
        mean, deviation = made.latent(there)
        errors.append(np.abs(made.score(mean) - expit(latent(there))).mean())
        covered.append(np.mean(np.abs(mean - latent(there)) < 1.645 * deviation))
    assert np.mean(errors) < 0.04
    assert 0.8 < np.mean(covered) <= 1.0


def test_the_control_bands_of_a_surrogate_of_other_data_miss() -> None:
    """Counts that are shuffled among designs have nothing to do with the truth, and are seen not to."""
    made, features, shares = counted(1)
    made = Surrogate(2, is_mean=False)
    made.fit(features, np.random.default_rng(0).permutation(shares), np.full(len(shares), 40.0))
    there = np.random.default_rng(2).random((300, 2))
    assert np.abs(made.score(made.latent(there)[0]) - expit(latent(there))).mean() > 0.1


def test_the_mode_is_that_of_counts_and_not_of_empirical_logits() -> None:
    """With all designs alike the level is the pooled share, which the weights of empirical logits would pull down."""
    rng = np.random.default_rng(3)
    features = rng.random((60, 2))
    shares = rng.binomial(20, 0.93, 60) / 20
    made = Surrogate(2, is_mean=False)
    made.fit(features, shares, np.full(60, 20.0))
    middle = made.score(made.latent(np.array([[0.5, 0.5]]))[0])
    assert middle == pytest.approx(shares.mean(), abs=0.02)


def test_draws_have_the_mean_and_deviation_of_the_latent_function() -> None:
    made, features, _ = counted(4)
    there = np.concatenate([features[:3], np.random.default_rng(5).random((5, 2))])
    mean, deviation = made.latent(there)
    drawn = made.draws(there, 6000, np.random.default_rng(6))
    assert np.allclose(drawn.mean(axis=0), mean, atol=0.06)
    assert np.allclose(drawn.std(axis=0), deviation, rtol=0.06, atol=0.01)


def test_means_are_found_whatever_their_unit() -> None:
    rng = np.random.default_rng(7)
    features = rng.random((40, 2))
    for scale, shift in ((1.0, 0.0), (1e4, -3e5)):
        values = shift + scale * (latent(features) + 0.1 * rng.standard_normal(40))
        made = Surrogate(2, is_mean=True)
        made.fit(features, values, np.full(40, 25.0), spread=0.5 * scale)
        mean, deviation = made.latent(features)
        assert np.sqrt(np.mean(((mean - shift) / scale - latent(features)) ** 2)) < 0.12
        assert np.all(deviation < 0.3 * scale)


def test_designs_that_came_out_alike_are_as_uncertain_as_their_replicates() -> None:
    """Of forty scores whose standard deviation is .25 the mean has an error of .04, also where there is nothing to compare."""
    for means in ([0.68], [0.68, 0.6801]):
        made = Surrogate(1, is_mean=True)
        count = len(means)
        at = np.linspace(0.2, 0.8, count)[:, None]
        made.fit(at, np.array(means), np.full(count, 40.0), spread=0.25)
        mean, deviation = made.latent(at)
        assert mean == pytest.approx(means, abs=0.02)
        assert ((deviation > 0.02) & (deviation < 0.06)).all()


def test_what_a_small_step_does_is_not_hidden_by_what_each_design_has_of_its_own() -> None:
    """Success rises by .5 over the range: a step of a fiftieth is worth .01, and is seen to be worth something."""
    rng = np.random.default_rng(3)
    at = np.linspace(0.0, 1.0, 40)[:, None]
    counts = np.full(40, 200.0)
    made = Surrogate(1, is_mean=False)
    made.fit(at, rng.binomial(200, 0.3 + 0.5 * at[:, 0]) / 200, counts)
    step = np.array([[0.5], [0.52]])
    for own, least, most in ((True, 0.015, 1.0), (False, 0.0, 0.006)):
        drawn = made.score(made.draws(step, 4000, np.random.default_rng(1), own=own))
        gain = drawn[:, 1] - drawn[:, 0]
        assert gain.mean() == pytest.approx(0.01, abs=0.006)
        assert least < gain.std() < most


def test_nothing_but_success_or_failure_is_no_fault() -> None:
    features = np.random.default_rng(8).random((15, 2))
    for share in (0.0, 1.0):
        made = Surrogate(2, is_mean=False)
        made.fit(features, np.full(15, share), np.full(15, 20.0))
        mean, deviation = made.latent(features)
        assert np.isfinite(mean).all()
        assert np.isfinite(deviation).all()
        assert abs(made.score(mean).mean() - share) < 0.1
