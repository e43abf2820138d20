"""Targets: what a plan is to reach, as a probability, a mean or a quantile of metrics, read from a line of text."""

from __future__ import annotations

import ast
import itertools
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError
from simlab.metrics.metric import metrics
from simlab.plan.formula import EVERYTHING, LONGEST, Formula, Limits, of_tree

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

# A metric of several networks is their mean, unless one of these is written around it.
REDUCTIONS = ("lowest", "highest")
FORMS = "must be P(metric >= x) >= p, mean(metric) >= x or q10(metric) >= x, with <= as well"
_SIGNS: dict[type[ast.cmpop], str] = {ast.GtE: ">=", ast.LtE: "<=", ast.Gt: ">", ast.Lt: "<", ast.Eq: "=="}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}
_OPPOSITE = {">=": "<", ">": "<=", "<=": ">", "<": ">="}
_QUANTILE = re.compile(r"q(\d{1,2}(?:_\d+)?)")


@dataclass(frozen=True)
class Condition:
    """A formula of metrics compared with a number."""

    formula: Formula
    sign: str
    value: float

    def holds(self, values: Mapping[str, Floats]) -> NDArray[np.bool_]:
        """Return where the condition holds; not where the value is NaN."""
        return np.asarray(_COMPARE[self.sign](self.formula.value(values), self.value), dtype=bool)


@dataclass(frozen=True)
class Target:
    """What a plan is to reach.

    Attributes
    ----------
    text : str
        As it was given.
    conditions : tuple of Condition
        All of them together are the event whose probability is meant; of a mean one formula, compared with its level.
    level : float
        Of a mean the value to reach; else the probability.
    wanted : bool
        Whether the event is what is wanted, or what is to be avoided (a probability of at most so much).
    is_mean : bool
        Whether it is a mean. A quantile is the probability that says the same.
    quantile : float, optional
        Which quantile it asks for.
    """

    text: str
    conditions: tuple[Condition, ...]
    level: float
    wanted: bool
    is_mean: bool
    quantile: float | None = None

    @property
    def measures(self) -> tuple[str, ...]:
        """The metrics it needs, such as ``ari`` or ``lowest(ari)``."""
        return tuple(dict.fromkeys(name for c in self.conditions for name in c.formula.names))

    @property
    def needed(self) -> float:
        """What ``score`` must be on average: a probability, or a mean whose sign is such that more is better."""
        if self.is_mean:
            return self.level if self.wanted else -self.level
        return self.level if self.wanted else 1.0 - self.level

    @property
    def sign(self) -> float:
        """-1 where a score is a mean with its sign turned, because less of it is wanted; else 1."""
        return -1.0 if self.is_mean and not self.wanted else 1.0

    def score(self, values: Mapping[str, Floats], failed: Booleans) -> Floats:
        """Return what is averaged over replicates, (n,): 1 where a replicate is as wanted, else 0; of a mean the value.

        A fit that failed is never as wanted; of a mean its score is minus infinity. NaN where a fit did not fail and a metric
        has no value, as that of bridgers in a world without any: such a replicate says nothing, and is left out.
        """
        each = [c.formula.value(values) for c in self.conditions]
        if self.is_mean:
            # What is infinite has no mean.
            known = np.isfinite(each[0])
            score = each[0] if self.wanted else -each[0]
        else:
            known = ~np.logical_or.reduce([np.isnan(value) for value in each])
            held = np.logical_and.reduce([c.holds(values) for c in self.conditions])
            score = (held if self.wanted else ~held).astype(np.float64)
        return np.where(failed, -math.inf if self.is_mean else 0.0, np.where(known, score, math.nan))

    def quantile_of(self, values: Mapping[str, Floats], failed: Booleans) -> float:
        """Return the quantile that is asked for, over replicates with a value, a failed fit being worse than any; NaN without
        any, or where none is asked for; infinite where it falls among failed fits.
        """
        only = self.conditions[0]
        value = np.where(failed, -math.inf if only.sign in (">=", ">") else math.inf, only.formula.value(values))
        known = value[~np.isnan(value)]
        if self.quantile is None or not len(known):
            return math.nan
        if np.isfinite(known).all():
            return float(np.quantile(known, self.quantile))
        return float(np.quantile(known, self.quantile, method="inverted_cdf"))

    def score_range(self) -> Limits:
        """The limits of an average score: of a probability 0 and 1, of a mean those of the range of its metrics."""
        if not self.is_mean:
            return (0.0, 1.0)
        low, high = self.conditions[0].formula.limits({name: limits_of(name) for name in self.measures})
        return (low, high) if self.wanted else (-high, -low)

    def worst(self) -> float:
        """The score of a failed fit where it is a mean: the worst that the metric's range has; -inf where it has no limit."""
        return self.score_range()[0]


def parse_target(text: str) -> Target:
    """Return the target that a line of text writes, checked against the ranges of its metrics.

    ``P(ari >= 0.8) >= 0.9``, ``P(ari >= 0.8 and bridger_auc >= 0.7) >= 0.9``, ``mean(ari) >= 0.7``, ``q10(ari) >= 0.6``,
    ``P(abs(seen_switching - true_switching) <= 0.05) >= 0.8``, ``P(lowest(ari) >= 0.6) >= 0.9``. A metric of several
    networks (sites, relations, periods) is their mean; ``lowest`` and ``highest`` are over them.

    Raises
    ------
    InputError
        For anything else, an unknown metric (with the nearest), what no value of the metric can reach, or too long a text.
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        raise InputError.of("target", text, f"{FORMS}, at most {LONGEST} signs")
    try:
        return _target(text, ast.parse(text.strip(), mode="eval").body)
    except (RecursionError, MemoryError):
        raise InputError.of("target", text, "must be shorter: it has too many terms") from None
    except (SyntaxError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError.of("target", text, FORMS) from None


def _target(text: str, tree: ast.expr) -> Target:
    left, sign, level = _comparison(text, tree)
    if not isinstance(left, ast.Call) or not isinstance(left.func, ast.Name) or len(left.args) != 1 or left.keywords:
        raise InputError.of("target", text, FORMS)
    kind, inner = left.func.id, left.args[0]
    if sign == "==":
        raise InputError.of("target", text, "must be at least or at most so much: a single value is never reached")
    wanted = sign in (">=", ">")
    if kind == "mean":
        condition = Condition(_formula(text, inner), sign, level)
        _check_reachable(text, condition)
        return Target(text, (condition,), level, wanted, True)
    if kind in ("P", "p"):
        parts = inner.values if isinstance(inner, ast.BoolOp) and isinstance(inner.op, ast.And) else [inner]
        conditions = tuple(_condition(text, part) for part in parts)
        if not 0.0 < level < 1.0:
            raise InputError.of("target", text, f"the probability must be above 0 and below 1, not {level:g}")
        _check_event(text, conditions, wanted=wanted)
        return Target(text, conditions, level, wanted, False)
    found = _QUANTILE.fullmatch(kind)
    share = float(found.group(1).replace("_", ".")) / 100.0 if found else 0.0
    if not 0.0 < share < 1.0:
        raise InputError.of("target", text, FORMS)
    # The quantile is at least x where at least a share of 1 - q lies at x or above.
    condition = Condition(_formula(text, inner), sign, level)
    _check_reachable(text, condition)
    return Target(text, (condition,), 1.0 - share if wanted else share, True, False, share)


def _comparison(text: str, tree: ast.expr) -> tuple[ast.expr, str, float]:
    """Return what stands before the sign, the sign, and the number after it."""
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1 or type(tree.ops[0]) not in _SIGNS:
        raise InputError.of("target", text, FORMS)
    if any(isinstance(node, ast.Name) for node in ast.walk(tree.comparators[0])):
        raise InputError.of("target", text, f"must have a number after {_SIGNS[type(tree.ops[0])]}")
    right = of_tree("target", tree.comparators[0], text, (), ())
    value = float(right.value({}))
    if not math.isfinite(value):
        raise InputError.of("target", text, "must compare with a finite number")
    return tree.left, _SIGNS[type(tree.ops[0])], value


def _condition(text: str, tree: ast.expr) -> Condition:
    left, sign, value = _comparison(text, tree)
    return Condition(_formula(text, left), sign, value)


def _formula(text: str, tree: ast.expr) -> Formula:
    made = of_tree("target", tree, ast.unparse(tree), metrics.names(), REDUCTIONS)
    if not made.names:
        raise InputError.of("target", text, "must be of a metric; simlab list names them")
    return made


def metric_of(measure: str) -> tuple[str, str]:
    """Return the metric and the reduction over networks, empty for the mean, of a measure such as ``lowest(ari)``."""
    reduction, bracket, rest = measure.partition("(")
    return (rest.rstrip(")"), reduction) if bracket else (measure, "")


def limits_of(measure: str) -> Limits:
    """Return the limits of a metric's range."""
    metric = metrics[metric_of(measure)[0]].thing
    low, high = EVERYTHING
    return (low if metric.low is None else metric.low, high if metric.high is None else metric.high)


def _check_event(text: str, conditions: tuple[Condition, ...], *, wanted: bool) -> None:
    """Raise InputError where what is wanted cannot be, or what is to be avoided must be."""
    if wanted:
        for condition in conditions:
            _check_reachable(text, condition)
        _check_together(text, conditions)
    elif all(c.sign in _OPPOSITE for c in conditions):
        # One that can fail is enough.
        opposite = [Condition(c.formula, _OPPOSITE[c.sign], c.value) for c in conditions]
        if not any(map(_reachable, opposite)):
            _check_reachable(text, opposite[0])


def _check_together(text: str, conditions: tuple[Condition, ...]) -> None:
    """Raise InputError where conditions of one formula leave no value between them."""
    for one, other in itertools.combinations(conditions, 2):
        if one.formula.text != other.formula.text:
            continue
        low, high = (one, other) if one.sign in (">", ">=") else (other, one)
        if low.sign in (">", ">=") and high.sign in ("<", "<="):
            strict = ">" in (low.sign, high.sign) or "<" in (low.sign, high.sign)
            if low.value > high.value or (low.value == high.value and strict):
                raise InputError.of("target", text, f"no value of {one.formula.text} can meet both conditions")


def _limits(condition: Condition) -> Limits:
    return condition.formula.limits({name: limits_of(name) for name in condition.formula.names})


def _reachable(condition: Condition) -> bool:
    low, high = _limits(condition)
    ends = {">=": high, ">": high, "<=": low, "<": low}
    if condition.sign == "==":
        return low <= condition.value <= high
    return bool(_COMPARE[condition.sign](ends[condition.sign], condition.value))


def _check_reachable(text: str, condition: Condition) -> None:
    if not _reachable(condition):
        low, high = _limits(condition)
        raise InputError.of(
            "target", text, f"no value can reach it: {condition.formula.text} is from {low:g} to {high:g}"
        )
