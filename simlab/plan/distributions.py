"""Distributions: what a setting of the world may be where it is not known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from simlab.fieldwork.settings import Fieldwork
from simlab.foundation.errors import InputError, shown
from simlab.foundation.settings import check_known
from simlab.generate.scenario import Scenario
from simlab.plan.costs import world_settings
from simlab.plan.price import is_number

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
