"""Costs: what designs cost, and which of them can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from simlab.fieldwork.settings import Fieldwork
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.plan.degrees import N_SIMULATED, mean_degrees
from simlab.plan.price import Price, is_number, names_given, quantities

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Place = Literal["scenario", "fieldwork", "fitter"]
Design = Mapping[str, Any]


@dataclass(frozen=True)
class Pricing:
    """What a price is worked out from besides the design.

    worlds : scenarios over which it is averaged, where something that is not known has a price; fieldwork : what a design
    does not change; price : the formula.
    """

    worlds: tuple[Scenario, ...]
    fieldwork: Fieldwork
    price: Price

    def of(self, design: Design) -> float:
        """Return the cost of one design, in a space or not; NaN where it cannot be, or the price has no number for it."""
        names = [name for name in design if field_place(name) is not None]
        columns = {name: [design[name]] for name in names}
        try:
            return float(self.costs(columns, np.zeros((1, len(names)), dtype=np.intp))[0])
        except InputError:
            return float("nan")

    def costs(self, levels: Mapping[str, Sequence[Any]], points: Ints) -> Floats:
        """Return the cost of designs, (n_designs,); NaN of those that cannot be.

        Parameters
        ----------
        levels : mapping of setting to its levels
        points : (n_designs, n_settings)
            Which level each design has.

        Raises
        ------
        InputError
            Where no design can be, or the price needs what is none or one a relation.
        """
        names = list(levels)
        of_world = [i for i, name in enumerate(names) if field_place(name) == "scenario"]
        numbers = [
            (i, *found)
            for i, name in enumerate(names)
            if field_place(name) == "fieldwork" and (found := _numbers(name, levels[name])) is not None
        ]
        rows, inverse = np.unique(points[:, of_world], axis=0, return_inverse=True)
        out = np.full(len(points), np.nan)
        refused: InputError | None = None
        for k, row in enumerate(rows):
            changes = {names[i]: levels[names[i]][at] for i, at in zip(of_world, row.tolist(), strict=True)}
            try:
                worlds = self._possible([world.but(**changes) for world in self.worlds])
            except InputError as error:
                refused = refused or error
                continue
            at = np.flatnonzero(inverse.ravel() == k)
            chosen = {name: values[points[at, i]] for i, name, values in numbers}
            out[at] = np.mean([self._of_world(world, chosen, len(at)) for world in worlds], axis=0)
        if refused is not None and np.isnan(out).all():
            raise refused
        return out

    @property
    def _n_simulated(self) -> int:
        """How many worlds are simulated for each of these, where their degrees follow from nothing simpler."""
        return max(N_SIMULATED // len(self.worlds), 1)

    def _possible(self, worlds: Sequence[Scenario]) -> list[Scenario]:
        """Return the worlds that can be as they are wanted, as far as the price has to know; InputError where none can."""
        if "names" not in self.price.formula.names:
            return list(worlds)
        found, refused = [], None
        for world in worlds:
            try:
                mean_degrees(world, self._n_simulated)
            except InputError as error:
                refused = error
            else:
                found.append(world)
        if refused is not None and not found:
            raise refused
        return found

    def _of_world(self, world: Scenario, chosen: Mapping[str, Floats], count: int) -> Floats:
        """Return the cost of fieldworks in one world, (count,); NaN where more are invited than there are."""
        names = "names" in self.price.formula.names
        known: dict[str, Any] = {**quantities(world, self.fieldwork, self._n_simulated, names=names), **chosen}
        if names and "max_nominations" in chosen:
            known["names"] = names_given(world, chosen["max_nominations"], self._n_simulated)
        if "n_invited" in chosen:
            known["invited"] = np.where(np.isnan(chosen["n_invited"]), world.n_actors, chosen["n_invited"])
        price = self.price
        missing = [name for name in price.formula.names if name not in known and name not in price.rates]
        if missing:
            raise InputError.of(
                "price", missing[0], "is none in these settings, or one a relation: the price has no number"
            )
        cost = np.broadcast_to(price.of(known), (count,)).astype(np.float64)
        if not np.isfinite(cost).all() or (cost < 0.0).any():
            wrong = cost[~np.isfinite(cost) | (cost < 0.0)][0]
            raise InputError.of("price", float(wrong), "must be finite and not negative")
        return np.where(np.asarray(known["invited"]) <= world.n_actors, cost, np.nan)


def field_place(name: str) -> Place | None:
    """Return where a setting belongs; None where there is none of that name."""
    if name == "fitter":
        return "fitter"
    if name in Fieldwork.model_fields:
        return "fieldwork"
    return "scenario" if name in world_settings() else None


def world_settings() -> tuple[str, ...]:
    """Return the settings of a world that may be chosen or unknown: all but the series of random numbers."""
    return tuple(name for name in Scenario.model_fields if name != "series")


def parted(design: Design) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a design changes of the scenario, and of the fieldwork."""
    of_world = {name: level for name, level in design.items() if field_place(name) == "scenario"}
    return of_world, {name: level for name, level in design.items() if field_place(name) == "fieldwork"}


def _numbers(name: str, levels: Sequence[Any]) -> tuple[str, Floats] | None:
    """Return what a formula calls a setting of the fieldwork, and the number of each level; NaN is none. None without any."""
    if name == "response_rate":
        return name, np.array([float(np.mean(level)) for level in levels])
    if name == "instrument":
        return "roster", np.array([float(level == "roster") for level in levels])
    if all(level is None or is_number(level) for level in levels):
        return name, np.array([np.nan if level is None else float(level) for level in levels])
    return None
