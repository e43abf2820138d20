"""Scaled: a change of a world relative to what it has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simlab.generate.scenario import Scenario


@dataclass(frozen=True)
class Scaled:
    """So many times what a world has of a number, as far as it can have it."""

    factor: float

    def of(self, scenario: Scenario, name: str) -> Any:
        """Return the number that a scenario then has, or one a relation; None where it has none."""
        value = getattr(scenario, name)
        most = {"density": 0.95, "mean_degree": 0.95 * (scenario.n_actors - 1)}.get(name, math.inf)
        if isinstance(value, tuple):
            return tuple(max(v, min(self.factor * v, most)) for v in value)
        if value is None:
            return None
        if isinstance(value, int):
            return round(self.factor * value)
        return max(value, min(self.factor * value, most))

    def __str__(self) -> str:
        """Return it as a level of a design."""
        return f"{self.factor:g} times"


def changed(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """Return a scenario with changes, of which some may be ``Scaled``: so many times what it has otherwise."""
    made = scenario.but(**{name: value for name, value in changes.items() if not isinstance(value, Scaled)})
    scaled = {name: value.of(made, name) for name, value in changes.items() if isinstance(value, Scaled)}
    return made.but(**scaled) if scaled else made
