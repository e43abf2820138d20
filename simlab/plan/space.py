"""Space: the designs to choose from, every combination of the levels of some settings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.fieldwork.settings import Fieldwork
from simlab.foundation.errors import InputError, shown, suggestion
from simlab.generate.scenario import Scenario
from simlab.plan.costs import Design, Place, Pricing, field_place, world_settings
from simlab.plan.price import Price, is_number

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

MOST_LEVELS = 1000
MOST_DESIGNS = 100_000
# How far apart two kinds without an order lie, where the ends of a number's range are 1 apart.
_APART = 0.7


@dataclass(frozen=True)
class Between:
    """The numbers from ``low`` to ``high`` in steps; made by ``between``."""

    levels: tuple[float, ...]


def between(low: float, high: float, step: float = 1) -> Between:
    """Return the levels from ``low`` to ``high`` in steps of ``step``; whole numbers where all three are.

    Raises InputError for a range that is empty or reversed, or has more than a thousand steps.
    """
    for name, value in (("low", low), ("high", high), ("step", step)):
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not math.isfinite(value):
            raise InputError.of(f"between: {name}", value, "must be a finite number")
    if not low < high:
        raise InputError.of("between", f"{low} to {high}", "must go from the lower to the higher number")
    if not 0.0 < step <= high - low:
        raise InputError.of("between: step", step, f"must be above 0 and at most {high - low:g}")
    count = math.floor((high - low) / step + 1e-9) + 1
    if count > MOST_LEVELS:
        raise InputError.of("between: step", step, f"gives {count} levels: must give at most {MOST_LEVELS}")
    if all(isinstance(value, (int, np.integer)) for value in (low, high, step)):
        return Between(tuple(int(low + k * step) for k in range(count)))
    return Between(tuple(round(float(low + k * step), 10) for k in range(count)))


@dataclass(frozen=True)
class Variable:
    """One setting that is chosen: its name, where it belongs, and its levels in order."""

    name: str
    place: Place
    levels: tuple[Any, ...]

    @property
    def numeric(self) -> bool:
        """Whether its levels are numbers, of which the last may be none (no limit)."""
        return all(level is None or is_number(level) for level in self.levels) and any(
            level is not None for level in self.levels
        )

    def coordinates(self, levels: Sequence[Any]) -> Floats:
        """Return levels, or numbers between them, as (n, n_features) coordinates, about 0 to 1.

        No limit lies a step beyond the highest number. Kinds without an order each have a coordinate of their own.
        """
        if not self.numeric:
            at = [self.levels.index(level) for level in levels]
            return _APART * np.eye(len(self.levels))[at]
        numbers = [float(level) for level in self.levels if level is not None]
        low, high = min(numbers), max(numbers)
        width = (high - low) or 1.0
        beyond = high + width / max(len(numbers) - 1, 1)
        values = np.array([beyond if level is None else float(level) for level in levels])
        return ((values - low) / width)[:, None]


@dataclass(frozen=True, eq=False)
class Space:
    """All designs that are allowed.

    Attributes
    ----------
    variables : tuple of Variable
    points : (n_designs, n_variables)
        Which level each design has of each variable.
    costs : (n_designs,)
    """

    variables: tuple[Variable, ...]
    points: Ints
    costs: Floats

    def __len__(self) -> int:
        """Return the number of designs."""
        return len(self.points)

    def design(self, index: int) -> dict[str, Any]:
        """Return a design as levels by name."""
        return {v.name: v.levels[k] for v, k in zip(self.variables, self.points[index], strict=True)}

    def features(self) -> Floats:
        """Return the coordinates of all designs, (n_designs, n_features)."""
        columns = [v.coordinates(v.levels)[self.points[:, i]] for i, v in enumerate(self.variables)]
        return np.concatenate(columns, axis=1)

    def features_of(self, designs: Sequence[Design]) -> Floats:
        """Return the coordinates of designs, whose numbers may lie between levels."""
        columns = [v.coordinates([design[v.name] for design in designs]) for v in self.variables]
        return np.concatenate(columns, axis=1)

    def index(self, design: Design) -> int | None:
        """Return which design it is; None where it is not in the space."""
        match = np.ones(len(self), dtype=bool)
        for i, variable in enumerate(self.variables):
            if design[variable.name] not in variable.levels:
                return None
            match &= self.points[:, i] == variable.levels.index(design[variable.name])
        return int(np.flatnonzero(match)[0]) if match.any() else None

    def within(self, budget: float) -> Space:
        """Return the designs that cost at most so much; InputError where there is none."""
        check_budget(budget)
        kept = self.costs <= budget
        if not kept.any():
            raise InputError.of("budget", budget, f"the cheapest design costs {self.costs.min():,.0f}: allow more")
        return Space(self.variables, self.points[kept], self.costs[kept])


def check_budget(budget: float) -> None:
    """Raise InputError where a budget is none."""
    if not is_number(budget) or not 0.0 < budget < math.inf:
        raise InputError.of("budget", budget, "must be a finite number above 0")


def space_of(
    chosen: Mapping[str, Any],
    scenario: Scenario,
    fieldwork: Fieldwork,
    fitters: Sequence[str],
    price: Price,
    worlds: Sequence[Scenario] = (),
) -> Space:
    """Return the space of designs.

    Parameters
    ----------
    chosen : mapping
        Setting to ``between(...)`` or a list of levels. Settings are those of Scenario and Fieldwork, and ``fitter``.
    scenario, fieldwork : what every design has besides
    fitters : labels of the fitters there are
    price : Price
    worlds : sequence of Scenario
        Over which the price is averaged; the scenario alone unless given.

    Returns
    -------
    Space
        Without the combinations that cannot be, such as more managers invited than there are.

    Raises
    ------
    InputError
        For an unknown setting (with the nearest), levels that are not allowed, more invited than there are, prices that are
        negative or not finite, or too many designs.
    """
    pricing = Pricing(tuple(worlds) or (scenario,), fieldwork, price)
    if not isinstance(chosen, Mapping) or not chosen:
        raise InputError.of("design", chosen, "must be one or more settings with their levels")
    variables = tuple(_variable(name, levels, scenario, fieldwork, fitters) for name, levels in chosen.items())
    count = math.prod(len(v.levels) for v in variables)
    if count > MOST_DESIGNS:
        raise InputError.of("design", f"{count:,} designs", f"must be at most {MOST_DESIGNS:,}: take wider steps")
    if "n_actors" not in chosen:
        _check_invited(variables, pricing)
    points = np.array(list(itertools.product(*(range(len(v.levels)) for v in variables))), dtype=np.intp)
    costs = pricing.costs({v.name: v.levels for v in variables}, points)
    kept = np.isfinite(costs)
    if not kept.any():
        _check_invited(variables, pricing)
    return Space(variables, points[kept], costs[kept])


def _check_invited(variables: Sequence[Variable], pricing: Pricing) -> None:
    """Raise InputError where more are invited than any world has."""
    there = max(world.n_actors for world in pricing.worlds)
    there = max([there, *(v for x in variables if x.name == "n_actors" for v in x.levels)])
    chosen = [v for x in variables if x.name == "n_invited" for v in x.levels if v is not None]
    most = max(chosen, default=pricing.fieldwork.n_invited or 0)
    if most > there:
        raise InputError.of("n_invited", most, f"must be at most n_actors = {there}: the population is smaller")


def name_of(design: Design) -> str:
    """Return a design as text without commas or signs of equality, so that it can be a level in the id of a cell."""
    return "; ".join(f"{name} {level_name(level)}" for name, level in design.items())


def key_of(design: Design) -> str:
    """Return a design as text that does not depend on the order of its settings."""
    return name_of(dict(sorted(design.items())))


def level_name(level: Any) -> str:
    """Return a level as text."""
    if isinstance(level, tuple):
        return "+".join(level_name(part) for part in level)
    return "none" if level is None else f"{level:.12g}" if isinstance(level, float) else str(level)


def _variable(name: str, given: Any, scenario: Scenario, fieldwork: Fieldwork, fitters: Sequence[str]) -> Variable:
    place = field_place(name)
    if place is None:
        known = [*Fieldwork.model_fields, *world_settings(), "fitter"]
        raise InputError(f"design: no setting {name!r}.{suggestion(name, known)} Known: {', '.join(known)}")
    if isinstance(given, tuple) and len(given) == 2 and all(is_number(v) for v in given):
        low, high = given
        raise InputError.of(
            f"design: {name}",
            given,
            f"must be between({low}, {high}) for a range, or the list [{low}, {high}] for two levels",
        )
    if isinstance(given, Between):
        levels: tuple[Any, ...] = given.levels
    elif isinstance(given, (list, tuple)):
        levels = tuple(tuple(v) if isinstance(v, list) else v.item() if isinstance(v, np.generic) else v for v in given)
    else:
        raise InputError.of(f"design: {name}", given, "must be between(low, high, step) or a list of levels")
    if not levels or len(set(map(level_name, levels))) != len(levels):
        raise InputError.of(f"design: {name}", shown(list(levels)), "must be one or more different levels")
    if len(levels) > MOST_LEVELS:
        raise InputError.of(f"design: {name}", f"{len(levels)} levels", f"must be at most {MOST_LEVELS}")
    for level in levels:
        if place == "fitter":
            if level not in fitters:
                known = list(fitters)
                raise InputError(f"design: no fitter {level!r}.{suggestion(level, known)} Known: {', '.join(known)}")
        elif place == "scenario":
            scenario.but(**{name: level})
        else:
            fieldwork.but(**{name: level})
    if all(level is None or is_number(level) for level in levels):
        levels = tuple(sorted(levels, key=lambda level: math.inf if level is None else level))
    return Variable(name, place, levels)
