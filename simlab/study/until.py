"""Until: how many replicates a scenario needs for its Monte Carlo errors to be within limits, and not more.

A rule is kept with at least 50 values, when the Monte Carlo error is within its limit and half a 95 % interval within 1.96
limits (``simlab.study.monte_carlo`` has both). The second matters where most values are the same: 8 % of studies of a share of
0.95 have nothing but 1 in their first 50 replicates, an error below 0.01, and are wrong by 0.05.

A number of replicates that depends on the values biases their mean. Where n is about s^2 / limit^2, and since the expectation
of n (mean - truth) is zero (Wald's equation), the bias is about

    -cov(n, mean) / E n = -skewness / sqrt(n) x limit:

an index that is mostly 1, with its tail to the left, comes out too high, by less the smaller the limit.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError, UnknownNameError
from simlab.study.monte_carlo import (
    Floats,
    Spread,
    errors_of,
    monte_carlo_error,
    monte_carlo_errors,
    spread_of,
    values_needed,
)

__all__ = [
    "LEAST",
    "MOST",
    "Event",
    "Until",
    "monte_carlo_error",
    "next_replicates",
    "parse_until",
    "reached",
    "replicates_wanted",
    "replicates_wanted_each",
]

Range = tuple[float | None, float | None]

# With five replicates an adjusted Rand index that is mostly 1 has an interval that contains its mean half of the time.
LEAST = 50
MOST = 10_000

_STEP = 10
# Of the error itself, and of a 95 % interval.
_ZS = (1.0, 1.959964)
# An error that is the limit but for rounding has reached it: that of a share often meets it exactly.
_ROUNDING = 1e-9

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_NAME = r"[^\s()<>=](?:[^()<>=]*[^\s()<>=])?"
_RULE = re.compile(
    rf"\s*mcse\s*\(\s*(?:P\s*\(\s*(?P<of>{_NAME})\s*(?P<op>[<>]=?)\s*(?P<threshold>{_NUMBER})\s*\)|(?P<metric>{_NAME}))"
    rf"\s*\)\s*<=\s*(?P<limit>{_NUMBER})\s*",
    re.IGNORECASE,
)
_AND = re.compile(r"and\b", re.IGNORECASE)
_ALLOWED = (
    "must be mcse(METRIC) <= NUMBER, or for a share mcse(P(METRIC >= NUMBER)) <= NUMBER with >=, >, <= or < inside P; "
    "several are joined by and"
)


@dataclass(frozen=True)
class Event:
    """That a metric is ``op`` (one of >=, >, <=, <) ``threshold``; its mean over replicates is a share."""

    op: str
    threshold: float

    def of(self, values: Floats) -> Floats:
        """Return 1 where the event holds, 0 where not, NaN where the metric is NaN; the shape of ``values``."""
        return np.where(np.isnan(values), np.nan, _OPERATORS[self.op](values, self.threshold))


@dataclass(frozen=True)
class Until:
    """A limit to the Monte Carlo error of the mean of a metric or, with an ``event``, of the share of replicates with it.

    InputError where the limit is not above 0. ``str`` gives a text that ``parse_until`` reads.
    """

    metric: str
    limit: float
    event: Event | None = None

    def __post_init__(self) -> None:
        """Refuse what is no rule."""
        if not 0.0 < self.limit < math.inf:
            raise InputError.of("until", str(self), "the limit must be a number above 0")
        if self.event is not None and not (self.event.op in _OPERATORS and math.isfinite(self.event.threshold)):
            raise InputError.of(
                "until", str(self), "inside P must be a metric, one of >=, >, <=, < and a finite number"
            )

    def __str__(self) -> str:
        """Return the text of the rule."""
        event = self.event
        what = self.metric if event is None else f"P({self.metric} {event.op} {_shortest(event.threshold)})"
        return f"mcse({what}) <= {_shortest(self.limit)}"

    def measured(
        self, values: Floats, low: float | None, high: float | None
    ) -> tuple[Floats, float | None, float | None]:
        """Return what the mean is taken of, and its range: the metric itself, or whether the event happened, 0 to 1."""
        values = np.asarray(values, dtype=np.float64)
        return (values, low, high) if self.event is None else (self.event.of(values), 0.0, 1.0)

    def errors(self, values: Floats, low: float | None, high: float | None) -> Floats:
        """Return the Monte Carlo error of each group, in the metric's units or as a share; see ``monte_carlo_errors``.

        values : (..., n_replicates), of the metric, whose range is ``low`` to ``high``.
        """
        return monte_carlo_errors(*self.measured(values, low, high))


def parse_until(text: str, known: Collection[str]) -> tuple[Until, ...]:
    """Return the rules in a text such as ``mcse(ari) <= 0.01 and mcse(P(ari >= 0.8)) <= 0.02``.

    known : the names of metrics. UnknownNameError for another name, InputError for a text that cannot be read.
    """
    rules: list[Until] = []
    at = 0
    while True:
        found = _RULE.match(text, at)
        if found is None:
            raise InputError.of("until", text, _ALLOWED)
        metric = found["metric"] or found["of"]
        if metric not in known:
            raise UnknownNameError.among("metric", metric, known)
        event = Event(found["op"], float(found["threshold"])) if found["of"] else None
        rules.append(Until(metric, float(found["limit"]), event))
        if found.end() == len(text):
            return tuple(rules)
        joined = _AND.match(text, found.end())
        if joined is None:
            raise InputError.of("until", text, _ALLOWED)
        at = joined.end()


def reached(
    values: Floats, rule: Until, low: float | None, high: float | None, *, least: int = LEAST
) -> NDArray[np.bool_]:
    """Say for each group whether it keeps a rule, judged by all values; parameters as in ``replicates_wanted_each``."""
    values, low, high = rule.measured(values, low, high)
    return _kept(spread_of(values), rule.limit, low, high, least)


def _kept(spread: Spread, limit: float, low: float | None, high: float | None, least: int) -> NDArray[np.bool_]:
    small = [errors_of(spread, low, high, z=z) <= limit * (1.0 + _ROUNDING) for z in _ZS]
    return np.asarray((spread.n_values >= least) & small[0] & small[1])


def replicates_wanted(
    values: Floats, rule: Until, low: float | None, high: float | None, *, least: int = LEAST, most: int = MOST
) -> int:
    """Return how many replicates a group needs, judged by all it has, (n_replicates,); see ``replicates_wanted_each``."""
    return int(replicates_wanted_each(values, rule, low, high, least=least, most=most))


def replicates_wanted_each(
    values: Floats, rule: Until, low: float | None, high: float | None, *, least: int = LEAST, most: int = MOST
) -> NDArray[np.int64]:
    """Return how many replicates each group needs to keep a rule, judged by all n that it has.

    Below ``least`` replicates that is ``least``; then the number that would be enough if the variance and the share of NaN
    stayed as they are, in tens rounded up, at most twice n. It depends on the values and on nothing else.

    Parameters
    ----------
    values : (..., n_replicates)
        Of the metric, every replicate done; NaN where it has no value.
    low, high : float or None
        The metric's range; None where there is no limit.
    least : int
        Number of values (NaN is none) below which a rule is not kept: intervals from fewer contain the truth too rarely.
    most : int
        Replicates above which none are asked for.

    Returns
    -------
    (...): n where the rule is kept; n too where more would not help, that is where all values of ``least`` or more replicates
    are NaN, or one is infinite, and where n >= ``most``.
    """
    values, low, high = rule.measured(values, low, high)
    n = values.shape[-1]
    spread = spread_of(values)
    count, squares = spread
    if n < least:
        wanted = np.full(count.shape, float(least))
    else:
        needed = np.maximum.reduce([values_needed(spread, rule.limit, low, high, z=z) for z in _ZS])
        # The share that is not NaN is that of now. Where nothing is known yet, twice as many.
        scaled = np.maximum(needed, least) * n / np.maximum(count, 1.0)
        enough = np.where(np.isnan(scaled), 2.0 * n, np.clip(scaled * (1.0 - _ROUNDING), n + 1.0, 2.0 * n))
        wanted = np.where((count == 0) | np.isnan(squares), n, _STEP * np.ceil(enough / _STEP))
    kept = _kept(spread, rule.limit, low, high, least)
    return np.asarray(np.where(kept, n, np.maximum(np.minimum(wanted, most), n)), dtype=np.int64)


def next_replicates(
    groups: Mapping[str, Floats],
    rules: Sequence[Until],
    ranges: Mapping[str, Range],
    *,
    least: int = LEAST,
    most: int = MOST,
) -> int:
    """Return how many replicates a scenario needs: what it has, n, where all rules are kept or more would not help, else more.

    It is the largest number that any rule wants for any group. Decisions are taken where a run that nobody interrupts takes
    them: at ``least``, and then at each number that was asked for. So a run that stopped within a batch is asked for the
    rest of it, and interruptions change nothing. Replicates beyond the last of these numbers, made for another reason,
    are judged with the others.

    Parameters
    ----------
    groups : for each metric of the rules, (..., n_replicates)
        A group is a fieldwork, a fitter and whatever else has a mean of its own. The first n replicates, in their order,
        all done; NaN where there is no value.
    rules : Sequence of Until
    ranges : for each metric (low, high), None where there is no limit; a metric that is missing has no limits
    least, most : int
        As in ``replicates_wanted_each``.

    Errors
    ------
    InputError where there is no rule, the metric of one is missing, or metrics differ in the number of replicates.
    """
    if not rules:
        raise InputError.of("rules", rules, "must have at least one rule")
    for rule in rules:
        if rule.metric not in groups:
            raise UnknownNameError.among("metric", rule.metric, groups)
    values = {rule.metric: np.asarray(groups[rule.metric], dtype=np.float64) for rule in rules}
    lengths: dict[str, int] = {name: each.shape[-1] for name, each in values.items()}
    n = min(lengths.values())
    if n < max(lengths.values()):
        raise InputError.of("groups", lengths, "must have the same number of replicates for each metric")
    at = min(least, most)
    while at <= n:
        asked = at
        for rule in rules:
            low, high = ranges.get(rule.metric, (None, None))
            wanted = replicates_wanted_each(values[rule.metric][..., :at], rule, low, high, least=least, most=most)
            asked = max(asked, int(wanted.max(initial=at)))
        if asked == at == n:
            return n
        at = n if asked == at else asked
    return at


def _shortest(number: float) -> str:
    """Return the shortest text that is read as the same number: 0.01, 1, 1e-05."""
    return repr(float(number)).removesuffix(".0")
