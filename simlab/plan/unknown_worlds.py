"""Worlds: what is not known before the field, as ranges, distributions, named cases or the posterior of a pilot."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from simlab.fieldwork.settings import Fieldwork
from simlab.foundation.errors import InputError, shown
from simlab.foundation.settings import check_known
from simlab.foundation.streams import stream
from simlab.generate.scenario import Scenario
from simlab.plan.costs import world_settings
from simlab.plan.price import is_number
from simlab.plan.scaled import changed

_MOST_CORNERS = 128


class Distribution(Protocol):
    """What a setting may be."""

    def draw(self, rng: np.random.Generator) -> Any:
        """Return one value."""

    def ends(self) -> tuple[Any, ...]:
        """Return values to check against what is allowed: the lowest and the highest, or all."""


@dataclass(frozen=True)
class Uniform:
    """Every number between two is equally likely; whole numbers for a setting that is one (``unknown_of``)."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Check the ends."""
        _check_ends(self.low, self.high)

    @property
    def whole(self) -> bool:
        """Whether it is of whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def draw(self, rng: np.random.Generator) -> Any:
        """Return one value."""
        u = rng.random()
        if self.whole:
            return int(self.low + math.floor(u * (self.high - self.low + 1)))
        return float(self.low + u * (self.high - self.low))

    def ends(self) -> tuple[Any, ...]:
        """Return both ends."""
        return (self.low, self.high)


@dataclass(frozen=True)
class Triangular:
    """Numbers between two of which one is the likeliest."""

    low: float
    likeliest: float
    high: float

    def __post_init__(self) -> None:
        """Check the ends and what lies between them."""
        _check_ends(self.low, self.high)
        if not self.low <= self.likeliest <= self.high:
            raise InputError.of("likeliest", self.likeliest, f"must be from {self.low:g} to {self.high:g}")

    def draw(self, rng: np.random.Generator) -> Any:
        """Return one value."""
        return float(rng.triangular(self.low, self.likeliest, self.high))

    def ends(self) -> tuple[Any, ...]:
        """Return both ends."""
        return (self.low, self.high)


@dataclass(frozen=True)
class Likely:
    """One of several values, with weights; equally likely unless said."""

    values: tuple[Any, ...]
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check values and weights."""
        for name in ("values", "weights"):
            given = getattr(self, name)
            if not isinstance(given, (list, tuple)):
                raise InputError.of(name, shown(given), "must be a list")
            object.__setattr__(self, name, tuple(tuple(v) if isinstance(v, list) else v for v in given))
        if not self.values:
            raise InputError.of("values", self.values, "must be one or more")
        if self.weights and (
            len(self.weights) != len(self.values)
            or not all(is_number(w) and math.isfinite(w) and w >= 0.0 for w in self.weights)
            or sum(self.weights) <= 0.0
        ):
            raise InputError.of("weights", self.weights, "must be one for each value, finite and not negative")

    def draw(self, rng: np.random.Generator) -> Any:
        """Return one value."""
        weights = np.array(self.weights or (1.0,) * len(self.values))
        edges = np.cumsum(weights) / weights.sum()
        return self.values[min(int(np.searchsorted(edges, rng.random(), side="right")), len(self.values) - 1)]

    def ends(self) -> tuple[Any, ...]:
        """Return all values."""
        return self.values


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


def unknown_of(given: Mapping[str, Any], base: Scenario) -> dict[str, Distribution]:
    """Return distributions by setting: a pair of numbers is a range, a list is equally likely values.

    A range is of whole numbers where the setting is a whole number, and else of all numbers, however its ends are written.
    Raises InputError for an unknown setting (with the nearest), a reversed range, or a value that is not allowed.
    """
    for name in given:
        if name in Fieldwork.model_fields:
            raise InputError.of(
                "unknown", name, "is of the fieldwork: choose it in the design, or set it in the fieldwork"
            )
    check_known("Scenario", given, world_settings())
    out: dict[str, Distribution] = {}
    for name, what in given.items():
        made: Distribution
        if isinstance(what, (Uniform, Triangular, Likely)):
            made = what
        elif isinstance(what, tuple) and len(what) == 2 and all(is_number(v) for v in what):
            made = Uniform(*what)
        elif isinstance(what, list):
            made = Likely(tuple(what))
        else:
            raise InputError.of(
                f"unknown: {name}", shown(what), "must be a range (low, high), a list of values, or a distribution"
            )
        for value in made.ends():
            base.but(**{name: value})
        out[name] = _of_setting(name, made, base)
    return out


def _of_setting(name: str, made: Distribution, base: Scenario) -> Distribution:
    """Return a range as the setting wants it: of whole numbers, or of all; InputError where it has none such."""
    if isinstance(made, Likely):
        return made
    between = float(np.nextafter(made.ends()[0], math.inf))
    try:
        base.but(**{name: between})
    except InputError:
        if not isinstance(made, Uniform):
            raise InputError.of(
                f"unknown: {name}", words(made), "must be a list of values or a range (low, high): it is a whole number"
            ) from None
        return made
    return Uniform(float(made.low), float(made.high)) if isinstance(made, Uniform) else made


def corners(unknown: Mapping[str, Distribution]) -> list[dict[str, Any]]:
    """Return every combination of the ends of what is unknown; none where nothing is.

    Of more than some hundred: all at their first ends, all at their last, each of both with one thing changed, then others in
    order. So nothing that is unknown stays at one end, however many there are.
    """
    names = list(unknown)
    if not names:
        return []
    ends = [unknown[name].ends() for name in names]
    chosen: dict[tuple[Any, ...], None] = {}
    if math.prod(map(len, ends)) > _MOST_CORNERS:
        for base in (tuple(e[0] for e in ends), tuple(e[-1] for e in ends)):
            chosen[base] = None
            chosen |= {(*base[:i], value, *base[i + 1 :]): None for i, e in enumerate(ends) for value in e}
    for values in itertools.product(*ends):
        if len(chosen) >= _MOST_CORNERS:
            break
        chosen[values] = None
    return [dict(zip(names, values, strict=True)) for values in chosen]


def words(distribution: Distribution) -> str:
    """Return a distribution in words."""
    if isinstance(distribution, Uniform):
        whole = "whole numbers " if distribution.whole else ""
        return f"{whole}{distribution.low:g} to {distribution.high:g}, equally likely"
    if isinstance(distribution, Triangular):
        return f"{distribution.low:g} to {distribution.high:g}, likeliest {distribution.likeliest:g}"
    if isinstance(distribution, Likely):
        shares = distribution.weights or (1.0,) * len(distribution.values)
        parts = [f"{v} ({w / sum(shares):.0%})" for v, w in zip(distribution.values, shares, strict=True)]
        return ", ".join(parts)
    return str(distribution)


def _check_ends(low: float, high: float) -> None:
    for name, value in (("low", low), ("high", high)):
        if not is_number(value) or not math.isfinite(value):
            raise InputError.of(name, value, "must be a finite number")
    if not low < high:
        raise InputError.of("range", f"{low:g} to {high:g}", "must go from the lower to the higher number")


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
