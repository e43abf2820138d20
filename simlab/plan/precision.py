"""Precision: how precise the answer of a plan is to be."""

from __future__ import annotations

from dataclasses import dataclass

from simlab.foundation.errors import InputError


@dataclass(frozen=True)
class Precision:
    """How precise an answer is to be.

    level : of all intervals; cost : width of the interval of the cheapest cost over its lower end at which a search ends;
    assurance : half the width of the interval of the assurance; confidence : probability, by the surrogates, with which the
    design that is chosen reaches the targets.
    """

    level: float = 0.9
    cost: float = 0.1
    assurance: float = 0.03
    confidence: float = 0.8

    def __post_init__(self) -> None:
        """Check that each is a number between 0 and 1."""
        for name in ("level", "cost", "assurance", "confidence"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 < value < 1.0:
                raise InputError.of(name, value, "must be above 0 and below 1")
