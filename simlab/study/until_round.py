"""Rounds of replicates: after each, the scenarios whose Monte Carlo errors are too large are asked for more."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from simlab.foundation.errors import InputError
from simlab.metrics.metric import Metric
from simlab.study.store import Store
from simlab.study.until import Until, next_replicates, parse_until, reached


def rules_of(until: str | Sequence[str], metrics: Sequence[Metric]) -> tuple[Until, ...]:
    """Return the rules in one text or several; InputError for what is no rule, UnknownNameError for another metric."""
    texts = [until] if isinstance(until, str) else list(until)
    names = [metric.name for metric in metrics]
    if not all(isinstance(text, str) for text in texts):
        raise InputError.of("until", until, "must be a text such as mcse(ari) <= 0.01, or several")
    return tuple(rule for text in texts for rule in parse_until(text, names))


class Rounds:
    """Asks a store for more replicates until rules hold. Decided scenario by scenario, from whole rounds alone."""

    def __init__(self, store: Store, rules: Sequence[Until]) -> None:
        self._store = store
        self._rules = rules
        self._of = {metric.name: metric for metric in store.study.metrics}
        self._names = list(dict.fromkeys(rule.metric for rule in rules))
        self._ranges = {name: (self._of[name].low, self._of[name].high) for name in self._names}
        self._kept = dict.fromkeys(map(str, rules), 0)
        self._judged = 0

    def ask_more(self) -> bool:
        """Ask for more replicates where rules do not hold yet; return whether any are."""
        wanted: dict[int, int] = {}
        self._judged, self._kept = 0, dict.fromkeys(self._kept, 0)
        for scenarios, values in self._store.by_scenarios(self._names):
            for i, scenario in enumerate(scenarios.tolist()):
                if scenario < 0:
                    continue
                n = self._store.replicates(scenario)
                groups = {name: _means(found[i], n) for name, found in values.items()}
                more = next_replicates(groups, self._rules, self._ranges)
                if more > n:
                    wanted[scenario] = more
                self._judge(groups)
        for replicates in sorted(set(wanted.values())):
            self._store.ask([s for s, number in wanted.items() if number == replicates], replicates)
        return bool(wanted)

    def outcome(self) -> dict[str, str]:
        """Return for each rule in how many scenarios it holds."""
        return {rule: f"holds in {kept} of {self._judged} scenarios" for rule, kept in self._kept.items()}

    def _judge(self, groups: dict[str, Any]) -> None:
        self._judged += 1
        for rule in self._rules:
            low, high = self._ranges[rule.metric]
            self._kept[str(rule)] += bool(reached(groups[rule.metric], rule, low, high).all())


def _means(values: Any, n: int) -> Any:
    """Return each group's values, (group, n): the mean over the sites, relations and periods of a replicate."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Mean of empty", category=RuntimeWarning)
        return np.nanmean(values[..., :n, :, :, :], axis=(-3, -2, -1)).reshape(-1, n)
