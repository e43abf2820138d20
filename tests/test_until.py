"""Until: what rules say, how many replicates they ask for, and what stopping does to means and intervals."""

from __future__ import annotations

import numpy as np
import pytest
from statistical.stopping import KINDS, Figures, figures, stopped

from simlab.foundation.errors import InputError, UnknownNameError
from simlab.study import until
from simlab.study.until import (
    Event,
    Until,
    monte_carlo_error,
    next_replicates,
    parse_until,
    reached,
    replicates_wanted,
    replicates_wanted_each,
)

KNOWN = ("ari", "ami", "seconds", "my metric")
ARI = (-0.5, 1.0)
RULE = Until("ari", 0.01)
N_STUDIES = 4000


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("mcse(ari) <= 0.01", (Until("ari", 0.01),)),
        ("  MCSE( ari )<=1e-2 ", (Until("ari", 0.01),)),
        ("mcse(seconds) <= 5", (Until("seconds", 5.0),)),
        ("mcse(my metric) <= .5", (Until("my metric", 0.5),)),
        ("mcse(P(ari >= 0.8)) <= 0.02", (Until("ari", 0.02, Event(">=", 0.8)),)),
        ("mcse( P ( ari<-.5 ) ) <= 2E-2", (Until("ari", 0.02, Event("<", -0.5)),)),
        (
            "mcse(ari) <= 0.01 and mcse(P(seconds > 1)) <= 0.1 AND mcse(ami) <= 0.02",
            (Until("ari", 0.01), Until("seconds", 0.1, Event(">", 1.0)), Until("ami", 0.02)),
        ),
    ],
)
def test_rules_are_read_and_written(text: str, rules: tuple[Until, ...]) -> None:
    assert parse_until(text, KNOWN) == rules
    assert parse_until(" and ".join(map(str, rules)), KNOWN) == rules


@pytest.mark.parametrize(
    "text",
    [
        "mcse(ari) <= 0.01",
        "mcse(P(ari >= 0.8)) <= 0.02",
        "mcse(P(seconds < 1)) <= 1e-05",
        "mcse(seconds) <= 12",
        "mcse(ari) <= 0.0123456789",
    ],
)
def test_the_text_of_a_rule_is_what_one_would_write(text: str) -> None:
    assert str(parse_until(text, KNOWN)[0]) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ari <= 0.01",
        "mcse(ari)",
        "mcse(ari) < 0.01",
        "mcse(ari) <= x",
        "mcse(ari) <= nan",
        "mcse() <= 0.01",
        "mcse(P(ari)) <= 0.01",
        "mcse(P(ari = 1)) <= 0.01",
        "mcse(P(ari >= 1) <= 0.01",
        "mcse(ari) <= 0.01 and",
        "mcse(ari) <= 0.01 or mcse(ami) <= 0.01",
        "mcse(ari) <= 0.01, mcse(ami) <= 0.01",
        "mcse(ari) <= 0.01 mcse(ami) <= 0.01",
        "mcse(ari) <= 0.01\n; anything",
    ],
)
def test_a_text_that_is_no_rule_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse_until(text, KNOWN)
    assert str(error.value).startswith("until = ")
    assert "must be mcse(METRIC) <= NUMBER" in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_metric_is_told_the_nearest() -> None:
    for text in ("mcse(arri) <= 0.01", "mcse(ami) <= 1 and mcse(P(arri > 0)) <= 0.01"):
        with pytest.raises(UnknownNameError) as error:
            parse_until(text, ("ami", "ari"))
        assert str(error.value) == "no metric named 'arri'. Did you mean 'ari'? Known: ami, ari"


@pytest.mark.parametrize("limit", ["0", "-0.01", "1e999"])
def test_a_limit_that_cannot_be_reached_or_is_none_is_refused(limit: str) -> None:
    with pytest.raises(InputError, match="the limit must be a number above 0"):
        parse_until(f"mcse(ari) <= {limit}", KNOWN)


def test_an_event_that_is_none_is_refused() -> None:
    for event in (Event("==", 0.5), Event(">", float("nan"))):
        with pytest.raises(InputError, match="inside P must be a metric"):
            Until("ari", 0.1, event)


@pytest.mark.parametrize(("op", "expected"), [(">=", [0, 1, 1]), (">", [0, 0, 1]), ("<=", [1, 1, 0]), ("<", [1, 0, 0])])
def test_an_event_is_0_or_1_and_nan_stays(op: str, expected: list[float]) -> None:
    np.testing.assert_array_equal(Event(op, 0.5).of(np.array([0.4, 0.5, 0.6, np.nan])), [*expected, np.nan])


def test_the_error_of_a_share_has_the_range_of_a_share() -> None:
    values = np.random.default_rng(1).uniform(-0.5, 1.0, (2, 60))
    rule = Until("ari", 0.02, Event(">=", 0.3))
    expected = [monte_carlo_error((row >= 0.3).astype(float), 0.0, 1.0) for row in values]
    np.testing.assert_allclose(rule.errors(values, *ARI), expected)
    np.testing.assert_allclose(RULE.errors(values, *ARI), [monte_carlo_error(row, *ARI) for row in values])


@pytest.mark.parametrize("n", [0, 1, 5, 49])
def test_nothing_is_judged_before_fifty(n: int) -> None:
    """Equal values without a range have an error of zero, and still go on."""
    assert replicates_wanted(np.ones(n), RULE, None, None) == 50
    assert replicates_wanted(np.full(n, np.nan), RULE, *ARI) == 50
    assert not reached(np.ones(n), RULE, None, None)
    assert replicates_wanted(np.ones(n), RULE, None, None, least=5) == max(n, 5)


@pytest.mark.parametrize(("low", "ends"), [(0.0, [50, 100]), (-0.5, [50, 100, 150])])
def test_equal_values_go_on_until_a_rare_other_value_would_not_matter(low: float, ends: list[int]) -> None:
    """Half of a 95 % interval is 1.96 limits at 1.96 (b - a) / (2 limit) - 3.84 values: 95 and 144."""
    rows = np.ones(1000)
    path = [50]
    while (wanted := replicates_wanted(rows[: path[-1]], RULE, low, 1.0)) > path[-1]:
        path.append(wanted)
    assert path == ends
    bare = int(np.ceil(1.959964 * (1.0 - low) / 0.02 - 1.959964**2))
    assert reached(rows[:bare], RULE, low, 1.0)
    assert not reached(rows[: bare - 1], RULE, low, 1.0)


def test_the_number_asked_for_is_in_tens_at_most_twice_and_enough_if_the_variance_stays() -> None:
    rng = np.random.default_rng(2)
    for spread in (0.05, 0.1, 0.15, 0.3):
        values = rng.normal(0.6, spread, 100)
        wanted = replicates_wanted(values, RULE, None, None)
        if (needed := values.var(ddof=1) / 0.01**2) <= 100:
            assert wanted == 100
        else:
            assert wanted == min(10 * np.ceil(needed / 10), 200)
    assert replicates_wanted(rng.normal(0.6, 0.101, 50), RULE, None, None) in range(60, 101, 10)


def test_an_error_that_is_the_limit_but_for_rounding_is_kept() -> None:
    for n in range(50, 400):
        values = np.r_[np.ones(n - 20), np.zeros(20)]
        exactly = Until("ari", float(monte_carlo_error(values, 0.0, 1.0)) * (1 - 1e-13))
        if monte_carlo_error(values, 0.0, 1.0) > until.monte_carlo_errors(values, 0.0, 1.0, z=1.96):
            assert reached(values, exactly, 0.0, 1.0)
    values = np.random.default_rng(3).uniform(0.0, 1.0, 60)
    below = Until("ari", monte_carlo_error(values, None, None) * (1 - 1e-6))
    assert not reached(values, below, None, None)
    assert replicates_wanted(values, below, None, None) == 70


def test_no_more_than_the_most() -> None:
    values = np.random.default_rng(4).normal(size=100)
    assert replicates_wanted(values, RULE, None, None, most=130) == 130
    assert replicates_wanted(values, RULE, None, None, most=100) == 100
    assert replicates_wanted(values, RULE, None, None, most=20) == 100
    assert replicates_wanted(values[:3], RULE, None, None, most=20) == 20
    assert next_replicates({"ari": values[:3]}, [RULE], {}, most=20) == 20
    assert next_replicates({"ari": values[:20]}, [RULE], {}, most=20) == 20


def test_a_metric_without_values_is_given_up_and_one_with_few_goes_on() -> None:
    nothing = np.full(50, np.nan)
    assert replicates_wanted(nothing, RULE, *ARI) == 50
    assert replicates_wanted(nothing[:49], RULE, *ARI) == 50
    assert replicates_wanted(np.r_[nothing, 0.5], RULE, *ARI) == 110
    assert replicates_wanted(np.r_[nothing, np.inf], RULE, *ARI) == 51
    assert replicates_wanted(np.full(200, np.nan), RULE, *ARI) == 200


def test_replicates_that_failed_are_made_up_for() -> None:
    """With every other value NaN, fifty values need a hundred replicates, and a given error twice the replicates."""
    values = np.full(60, 0.7)
    values[::2] = np.nan
    assert replicates_wanted(values, Until("ari", 0.1), 0.0, 1.0) == 100
    spread = np.random.default_rng(5).normal(0.0, 1.0, 400)
    gaps = np.repeat(spread, 2)
    gaps[::2] = np.nan
    limit = float(spread.std(ddof=1) / np.sqrt(500.0))
    assert replicates_wanted(spread, Until("ari", limit), None, None) == 500
    assert replicates_wanted(gaps, Until("ari", limit), None, None) == 1000


def test_each_group_is_judged_as_if_alone_and_in_any_order() -> None:
    rng = np.random.default_rng(6)
    values = rng.normal(0.5, rng.uniform(0.0, 0.15, (5, 8, 1)), (5, 8, 200))
    values[rng.random(values.shape) < 0.2] = np.nan
    values[0, 0] = np.nan
    values[0, 1, 3] = np.inf
    wanted = replicates_wanted_each(values, RULE, *ARI)
    assert wanted.shape == (5, 8)
    assert wanted.dtype == np.int64
    assert [[replicates_wanted(row, RULE, *ARI) for row in rows] for rows in values] == wanted.tolist()
    np.testing.assert_array_equal(replicates_wanted_each(rng.permuted(values, axis=-1), RULE, *ARI), wanted)
    assert len(np.unique(wanted)) > 3


def test_a_scenario_gets_the_most_that_any_group_and_rule_wants() -> None:
    rng = np.random.default_rng(7)
    groups = {"ari": rng.uniform(0.7, 0.9, (2, 3, 50)), "seconds": rng.normal(5.0, 1.0, (6, 50))}
    ranges = {"ari": ARI}
    rules = [RULE, Until("seconds", 0.12), Until("ari", 0.065, Event(">=", 0.8))]
    each = [
        replicates_wanted_each(groups[rule.metric], rule, *ranges.get(rule.metric, (None, None))).max()
        for rule in rules
    ]
    assert len(set(each)) == 3
    assert next_replicates(groups, rules, ranges) == max(each)
    assert next_replicates(groups, rules[:1], ranges) == each[0]
    groups["ari"][0, 0] = np.nan
    groups["seconds"][:] = np.nan
    assert next_replicates(groups, rules[:2], ranges) == each[0]


def test_a_scenario_without_groups_needs_the_least() -> None:
    assert next_replicates({"ari": np.empty((0, 7))}, [RULE], {}) == 50
    assert next_replicates({"ari": np.empty((0, 50))}, [RULE], {}) == 50


def path_of(values: np.ndarray, rules: list[Until]) -> list[int]:
    """Return the numbers at which a run that nobody interrupts decides."""
    path = [0]
    while (n := next_replicates({"ari": values[..., : path[-1]]}, rules, {"ari": ARI})) > path[-1]:
        path.append(n)
    return path


def test_interruptions_change_nothing() -> None:
    """Wherever a run stopped, it is asked for the rest of its batch, even where the rule happens to be kept there."""
    rng = np.random.default_rng(8)
    rules = [RULE, Until("ari", 0.02, Event(">=", 0.9))]
    happened = 0
    for _ in range(5):
        values = np.where(rng.random((3, 3000)) < 0.9, 1.0, rng.uniform(0.3, 1.0, (3, 3000)))
        path = path_of(values, rules)
        assert path[:2] == [0, 50]
        assert len(path) > 3
        assert path[-1] < 3000
        for stop in range(0, path[-1], 3):
            seen = values[:, :stop]
            assert next_replicates({"ari": seen}, rules, {"ari": ARI}) == min(n for n in path if n > stop)
            happened += bool(np.all([reached(seen, rule, *ARI) for rule in rules]))
    assert happened > 0, "no run was ever within its limits inside a batch: the test shows nothing"


def test_replicates_beyond_the_end_are_judged_too() -> None:
    quiet = np.tile([0.69, 0.71], 75)
    assert path_of(quiet, [RULE])[-1] == 150
    assert next_replicates({"ari": np.r_[quiet, 0.7]}, [RULE], {"ari": ARI}) == 151
    wild = np.r_[quiet, np.tile([-0.5, 1.0], 10)]
    assert next_replicates({"ari": wild}, [RULE], {"ari": ARI}) == 340


def test_input_that_does_not_fit_is_refused() -> None:
    values = np.ones(60)
    with pytest.raises(InputError, match="must have at least one rule"):
        next_replicates({"ari": values}, [], {})
    with pytest.raises(UnknownNameError, match=r"no metric named 'ari'\. Did you mean 'ami'"):
        next_replicates({"ami": values}, [RULE], {})
    with pytest.raises(InputError, match="the same number of replicates"):
        next_replicates({"ari": values, "ami": values[1:]}, [RULE, Until("ami", 0.1)], {})


def measured(name: str, limit: float = 0.01) -> Figures:
    return figures(KINDS[name], limit, stopped(KINDS[name], limit, N_STUDIES, seed=31))


@pytest.mark.parametrize(
    ("name", "bias", "coverage"),
    [
        ("share of 0.95", 0.25, 0.91),
        ("index mostly 1", 0.13, 0.935),
        ("skewed beta", 0.08, 0.94),
        ("normal", 0.06, 0.935),
    ],
)
def test_stopping_leaves_a_small_bias_and_intervals_that_hold(name: str, bias: float, coverage: float) -> None:
    """In limits: a quarter for a share of 0.95, an eighth for an index that is mostly 1, and not seen for the others.

    Monte Carlo errors of these figures: 0.016 limits and 0.004 of coverage. Other seeds and limits: scripts/verify.
    """
    found = measured(name)
    assert found.right()
    assert abs(found.bias) < bias
    assert found.coverage > coverage
    assert found.within > 0.92
    assert found.at_once == 0.0


def test_the_bias_is_the_one_that_walds_equation_gives() -> None:
    """Where the range adds little; an index that is mostly 1 has less, as its error is far from sd / sqrt(n)."""
    for name, limit in (("share of 0.95", 0.01), ("beta at both ends", 0.01), ("exponential", 0.02)):
        found = measured(name, limit)
        assert found.bias == pytest.approx(found.expected_bias, abs=4 * found.bias_error + 0.03)
        assert abs(found.bias) > 4 * found.bias_error, "not to be told from none"


def test_control_five_replicates_and_a_plain_error_stop_at_once_at_an_error_of_zero() -> None:
    values = KINDS["index mostly 1"]
    found = figures(values, 0.01, stopped(values, 0.01, N_STUDIES, seed=32, least=5, range_known=False), least=5)
    assert found.at_once == pytest.approx(0.9**5, abs=0.03)
    assert found.coverage < 0.4
    assert found.bias > 1.5
    assert not found.right()


def test_control_five_replicates_alone_have_intervals_that_hold_half_of_the_time() -> None:
    """An index of 1 in 0.86: nothing else in five replicates in 47 % of studies."""
    rng = np.random.default_rng(33)
    values = np.where(rng.random((N_STUDIES, 5)) < 0.86, 1.0, rng.uniform(0.3, 1.0, (N_STUDIES, 5)))
    errors = until.monte_carlo_errors(values, None, None)
    away = np.abs(values.mean(axis=1) - (0.86 + 0.14 * 0.65))
    assert (away <= 1.96 * errors).mean() == pytest.approx(0.5, abs=0.1)


def test_control_without_the_interval_a_share_stops_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Monte Carlo error alone is below 0.01 at 50 of 50, which happens to 8 % of studies of a share of 0.95."""
    monkeypatch.setattr(until, "_ZS", (1.0, 1.0))
    found = measured("share of 0.95")
    assert found.coverage < 0.88
    assert found.bias > 0.4
