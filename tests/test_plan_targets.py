"""Targets: read from text, checked, and scored."""

from __future__ import annotations

import numpy as np
import pytest

from simlab.foundation.errors import InputError
from simlab.plan.evaluator import filled
from simlab.plan.targets import parse_target

NAN = float("nan")


def scored(text: str, failed: tuple[int, ...] = (), **values: list[float]) -> list[float]:
    n = len(next(iter(values.values())))
    return (
        parse_target(text).score({name: np.array(v) for name, v in values.items()}, np.isin(range(n), failed)).tolist()
    )


def test_a_probability() -> None:
    target = parse_target("P(ari >= 0.8) >= 0.9")
    assert target.needed == 0.9
    assert target.measures == ("ari",)
    assert scored("P(ari >= 0.8) >= 0.9", failed=(3,), ari=[0.8, 0.79, 1.0, NAN]) == [1, 0, 1, 0]


def test_several_conditions_hold_together() -> None:
    text = "P(ari >= 0.8 and bridger_auc > 0.7 and n_clusters_error == 0) >= 0.5"
    values = {"ari": [0.9, 0.9, 0.9], "bridger_auc": [0.8, 0.7, 0.8], "n_clusters_error": [0.0, 0.0, 1.0]}
    assert scored(text, **values) == [1, 0, 0]


def test_what_is_to_be_avoided_counts_a_failed_fit_as_not_avoided() -> None:
    target = parse_target("P(ari < 0.5) <= 0.1")
    assert target.needed == pytest.approx(0.9)
    assert scored("P(ari < 0.5) <= 0.1", failed=(2,), ari=[0.4, 0.5, NAN]) == [0, 1, 0]


def test_a_metric_without_a_value_where_the_fit_did_not_fail_says_nothing() -> None:
    for text in ("P(ari >= 0.8) >= 0.9", "P(ari < 0.8) <= 0.1"):
        assert np.array_equal(scored(text, failed=(1,), ari=[0.9, NAN, NAN]), [1.0, 0.0, NAN], equal_nan=True)
    both = "P(ari >= 0.8 and bridger_auc >= 0.5) >= 0.9"
    assert np.isnan(scored(both, ari=[0.9], bridger_auc=[NAN])).all()
    mean = scored("mean(misclassification) <= 0.2", failed=(1,), misclassification=[0.1, NAN, NAN])
    assert np.array_equal(mean, [-0.1, -np.inf, NAN], equal_nan=True)


def test_what_is_infinite_is_no_gap() -> None:
    """Seen change over none that is true is more than any ratio."""
    ratio = "P(seen_switching / true_switching <= 1.5) >= 0.8"
    found = scored(ratio, seen_switching=[0.2, 0.3, 0.0], true_switching=[0.2, 0.0, 0.0])
    assert np.array_equal(found, [1.0, 0.0, NAN], equal_nan=True)


def test_failed_fits_have_the_worst_that_was_seen_where_the_range_has_no_end() -> None:
    target = parse_target("mean(seconds) <= 2")
    assert filled(target, np.array([-1.0, -9.0, -np.inf, NAN]), -1.5).tolist()[:3] == [-1.0, -9.0, -9.0]
    assert filled(target, np.array([-np.inf]), -1.5).tolist() == [-1.5]


def test_a_quantile_has_failed_fits_at_its_worse_end() -> None:
    values, failed = np.append(np.linspace(0.5, 0.9, 9), NAN), np.arange(10) == 9
    target = parse_target("q10(ari) >= 0.6")
    assert target.quantile_of({"ari": values}, np.zeros(10, dtype=bool)) == pytest.approx(np.quantile(values[:9], 0.1))
    assert target.quantile_of({"ari": values}, failed) == -np.inf
    assert parse_target("q20(ari) >= 0.6").quantile_of({"ari": values}, failed) == 0.5
    assert parse_target("q90(seconds) <= 2").quantile_of({"seconds": values}, failed) == pytest.approx(0.9)
    assert parse_target("q95(seconds) <= 2").quantile_of({"seconds": values}, failed) == np.inf


@pytest.mark.parametrize(
    ("text", "needed"),
    [("q10(ari) >= 0.6", 0.9), ("q05(ari) >= 0.6", 0.95), ("q90(seconds) <= 2", 0.9), ("q97_5(seconds) <= 2", 0.975)],
)
def test_a_quantile_is_the_probability_that_says_the_same(text: str, needed: float) -> None:
    target = parse_target(text)
    assert target.needed == pytest.approx(needed)
    rng = np.random.default_rng(0)
    name = target.measures[0]
    values = rng.random(4001) * 3.0
    quantile = np.quantile(values, float(text[1 : text.index("(")].replace("_", ".")) / 100.0)
    level = float(text.split("=")[1])
    reaches = quantile >= level if ">" in text else quantile <= level
    assert (target.score({name: values}, np.zeros(4001, dtype=bool)).mean() >= target.needed) == reaches


def test_a_mean_has_the_sign_that_makes_more_better() -> None:
    assert parse_target("mean(ari) >= 0.7").needed == 0.7
    assert parse_target("mean(misclassification) <= 0.2").needed == -0.2
    assert scored("mean(misclassification) <= 0.2", misclassification=[0.1]) == [-0.1]
    assert parse_target("mean(misclassification) <= 0.2").worst() == -1.0
    assert parse_target("mean(seconds) <= 2").worst() == -np.inf


def test_formulas_and_networks() -> None:
    target = parse_target("P(abs(seen_switching - true_switching) <= 0.05) >= 0.8")
    assert target.measures == ("seen_switching", "true_switching")
    assert parse_target("P(lowest(ari) >= 0.6) >= 0.9").measures == ("lowest(ari)",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be P("),
        ("P(ari >= 0.9 and ari <= 0.1) >= 0.9", "no value of ari can meet both"),
        ("P(ari > 0.5 and ari < 0.5) >= 0.9", "no value of ari can meet both"),
        ("P(ari >= -1 and ari >= -0.9) <= 0.1", "no value can reach it"),
        ("ari >= 0.8", "must be P("),
        ("P(ari) >= 0.8", "must be P("),
        ("P(ari >= 0.8)", "must be P("),
        ("P(ari >= 0.8 or ari <= 0.1) >= 0.9", "must be P("),
        ("Q(ari) >= 0.8", "must be P("),
        ("q0(ari) >= 0.5", "must be P("),
        ("q100(ari) >= 0.5", "must be P("),
        ("P(arii >= 0.8) >= 0.9", "Did you mean 'ari'?"),
        ("P(0.8 >= ari) >= 0.9", "a number after >="),
        ("P(ari >= 0.8) >= 1.2", "above 0 and below 1"),
        ("P(ari >= 0.8) >= 1", "above 0 and below 1"),
        ("P(ari >= 0.8) >= nan", "a number after >="),
        ("P(ari >= 1.2) >= 0.9", "no value can reach it: ari is from -0.5 to 1"),
        ("P(ari > 1) >= 0.9", "no value can reach it"),
        ("mean(ari) >= 1.01", "no value can reach it"),
        ("mean(seconds) <= -1", "no value can reach it"),
        ("q10(ari) >= 2", "no value can reach it"),
        ("P(ari <= 1) <= 0.1", "no value can reach it"),
        ("P(2 >= 1) >= 0.9", "must be of a metric"),
        ("mean(ari) == 0.5", "a single value is never reached"),
        ("P(ari >= 1/0) >= 0.9", "finite"),
        (f"mean(ari{'+1' * 480}) >= 0.9", "too many terms"),
        (f"mean(ari{'+1' * 500}) >= 0.9", "at most 1000 signs"),
        (f"P({'(' * 300}ari{')' * 300} >= 0.5) >= 0.9", "target = P("),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        parse_target(text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
