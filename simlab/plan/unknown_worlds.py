"""Worlds: those that a plan reckons with, drawn from what is not known, or from the posterior of a pilot."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from simlab.foundation.streams import stream
from simlab.generate.scenario import Scenario
from simlab.plan.distributions import Distribution, words
from simlab.plan.scaled import changed


class Worlds(Protocol):
    """The worlds that a plan reckons with, by number: the same number is always the same world."""

    @property
    def uncertain(self) -> bool:
        """Whether there is more than one."""

    def values(self, world: int) -> dict[str, Any]:
        """Return what was unknown and is so in this world, to be shown."""

    def scenario(self, world: int, changes: Mapping[str, Any]) -> Scenario:
        """Return the scenario of a world, with what the design changes of it."""

    @property
    def key(self) -> str:
        """What tells these worlds from others, for the names of stores."""

    def describe(self) -> list[str]:
        """Return what is unknown, in lines of text."""


@dataclass(frozen=True, eq=False)
class DrawnWorlds:
    """Worlds whose unknown settings are drawn, each from a random stream of its own, from their distributions."""

    base: Scenario
    unknown: Mapping[str, Distribution]
    seed: int

    @property
    def uncertain(self) -> bool:
        """Whether anything is unknown."""
        return bool(self.unknown)

    def values(self, world: int) -> dict[str, Any]:
        """Return the unknown settings of a world."""
        return {name: d.draw(stream(self.seed, "unknown", name, world)) for name, d in self.unknown.items()}

    def scenario(self, world: int, changes: Mapping[str, Any]) -> Scenario:
        """Return the scenario of a world, with what the design changes of it."""
        return changed(self.base.but(**self.values(world)), changes)

    @property
    def key(self) -> str:
        """What tells these worlds from others: what is known, and the distributions of what is not."""
        return f"{self.base.key} {sorted(self.unknown.items())} {self.seed}"

    def describe(self) -> list[str]:
        """Return what is unknown, in lines of text."""
        return [f"{name}: {words(d)}" for name, d in self.unknown.items()]


@dataclass(frozen=True, eq=False)
class PilotWorlds:
    """Worlds that are posterior draws of the fit of a pilot network, so that what the pilot leaves open is carried along.

    ``make`` turns the number of a draw into a scenario; ``n_draws`` is how many there are.
    """

    make: Callable[[int], Scenario]
    n_draws: int
    seed: int
    name: str

    @property
    def uncertain(self) -> bool:
        """Whether there is more than one draw."""
        return self.n_draws > 1

    def values(self, world: int) -> dict[str, Any]:
        """Return the number of the draw, and what tells its world from others: clusters, density and reciprocity."""
        draw = self._draw(world)
        made = self.make(draw)
        out: dict[str, Any] = {"draw": draw, "n_clusters": made.n_clusters}
        if isinstance(made.density, float):
            out["density"] = made.density
        if made.fitted is not None and made.fitted.n_dims and made.n_clusters > 1:
            out["separation"] = _separation(made)
        return out

    def scenario(self, world: int, changes: Mapping[str, Any]) -> Scenario:
        """Return the scenario of a posterior draw, with what the design changes of it."""
        return changed(self.make(self._draw(world)), changes)

    @property
    def key(self) -> str:
        """What tells these worlds from others: two of the posterior's."""
        return f"{self.make(0).key} {self.make(self.n_draws - 1).key} {self.n_draws} {self.seed}"

    def describe(self) -> list[str]:
        """Return where the worlds come from."""
        return [f"{self.n_draws} posterior draws of a fit of {self.name}"]

    def _draw(self, world: int) -> int:
        return int(stream(self.seed, "pilot draw", world).integers(self.n_draws))


def _separation(scenario: Scenario) -> float:
    """Return the distance of the nearest two clusters' centres, in units of the pooled spread."""
    world = scenario.fitted
    assert world is not None
    positions, labels = np.array(world.positions), np.array(world.labels)
    centres = np.array([positions[labels == g].mean(axis=0) for g in range(world.n_clusters)])
    within = positions - centres[labels]
    free = max(len(positions) - len(centres), 1) * positions.shape[1]
    spread = math.sqrt(float((within**2).sum()) / free)
    apart = np.sqrt(((centres[:, None] - centres[None]) ** 2).sum(-1))[np.triu_indices(len(centres), 1)]
    return float(apart.min() / spread) if spread > 0.0 else math.inf
