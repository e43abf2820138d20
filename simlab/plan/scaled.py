"""Scaled: a change of a world relative to what it has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.plan.degrees import mean_degrees


@dataclass(frozen=True)
class Scaled:
    """So many times what a world has of a number, as far as it can have it."""

    factor: float

    def of(self, scenario: Scenario, name: str) -> dict[str, Any]:
        """Return the settings that change."""
        return {name: self._scaled(scenario, name)}

    def _scaled(self, scenario: Scenario, name: str) -> Any:
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


@dataclass(frozen=True)
class MoreTies:
    """So many times the ties that a world has where its information is held, which then is not; as far as it can have them.

    ``information`` : what a design chooses; None for what each world has.
    """

    factor: float
    information: Any = None

    def of(self, scenario: Scenario, _name: str) -> dict[str, Any]:
        """Return the settings that change; none where no such world can be, which is said when it is simulated."""
        most = 0.95 * (scenario.n_actors - 1)
        world = scenario if self.information is None else scenario.but(information=self.information)
        try:
            degrees = [max(d, min(self.factor * d, most)) for d in mean_degrees(world)]
        except InputError:
            return {}
        return {"information": None, "mean_degree": degrees[0] if len(degrees) == 1 else tuple(degrees)}

    def __str__(self) -> str:
        """Return it as a level of a design."""
        return f"{self.factor:g} times the ties"


def changed(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """Return a scenario with changes, of which some may be relative to what it has otherwise."""
    relative = (Scaled, MoreTies)
    made = scenario.but(**{name: value for name, value in changes.items() if not isinstance(value, relative)})
    more: dict[str, Any] = {}
    for name, value in changes.items():
        if isinstance(value, relative):
            more |= value.of(made, name)
    return made.but(**more) if more else made
