"""Price: what a design costs, a formula over its settings that is shown and can be changed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from simlab.fieldwork.settings import Fieldwork
from simlab.foundation.errors import InputError
from simlab.foundation.settings import Settings, check_known
from simlab.generate.scenario import Scenario
from simlab.plan.degrees import N_SIMULATED, mean_degrees
from simlab.plan.formula import Formula, formula

Floats = NDArray[np.float64]

# What a formula may use besides the settings that are numbers.
QUANTITIES = {
    "population": "managers of a site (n_actors)",
    "invited": "managers of a site who are invited, everybody where n_invited is none",
    "names": "names that a respondent gives for a relation: the limit, or the mean out-degree where that is less",
    "n_relations": "relations asked",
    "roster": "1 with a roster, 0 with a name generator",
}

# Settings of a world that change what a formula may use.
PRICED = ("n_actors", "relations", "density", "mean_degree", "information")


@dataclass(frozen=True)
class Price:
    """The price of a design.

    Attributes
    ----------
    text : str
        Arithmetic over the numeric settings of Scenario and Fieldwork, ``QUANTITIES`` and the ``rates``.
    rates : mapping of str to float
        Named numbers of the formula, what one of each thing costs.
    unit : str
        Of the price, for reports.
    """

    text: str
    rates: Mapping[str, float] = field(default_factory=dict)
    unit: str = "units of cost"
    formula: Formula = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the rates and read the formula; InputError where they are not allowed."""
        known = [*numeric_settings(), *QUANTITIES]
        for name, rate in self.rates.items():
            if not isinstance(name, str):
                raise InputError.of("price", name, "must be a name of its own, which no setting has")
            if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not math.isfinite(rate) or rate < 0.0:
                raise InputError.of(f"price: {name}", rate, "must be a finite number from 0")
            if not name.isidentifier() or name in known:
                raise InputError.of("price", name, "must be a name of its own, which no setting has")
        object.__setattr__(self, "rates", {name: float(rate) for name, rate in self.rates.items()})
        made = formula("price", self.text, [*known, *self.rates])
        # The logarithm of 0 is infinite, and what is divided by it costs nothing: no such price is meant.
        wrong = made.without_value(self.rates)
        if wrong is not None:
            name, part = wrong
            allowed = (
                f"must leave {part} finite and, where it divides, not 0; a probability must be above 0 and below 1"
            )
            raise InputError.of(f"price: {name}", self.rates[name], allowed)
        object.__setattr__(self, "formula", made)

    def but(self, **rates: float) -> Price:
        """Return the price with some rates changed; InputError for one that the formula does not have."""
        check_known("price", rates, self.rates)
        return replace(self, rates={**self.rates, **rates})

    def of(self, quantities: Mapping[str, Any]) -> Floats:
        """Return the price for quantities, each a number or an array of the same length."""
        return self.formula.value({**quantities, **self.rates})


@lru_cache
def numeric_settings() -> tuple[str, ...]:
    """Return the settings of Scenario and Fieldwork that are numbers, or may be."""
    out = []
    for kind in (Scenario, Fieldwork):
        for name, info in kind.model_fields.items():
            words = str(info.annotation)
            if "int" in words or "float" in words:
                out.append(name)
    return tuple(out)


def quantities(
    scenario: Scenario, fieldwork: Fieldwork, n_simulated: int = N_SIMULATED, *, names: bool = True
) -> dict[str, float]:
    """Return what a formula may use, of one scenario and fieldwork; a setting that is none or one a relation is left out.

    Without ``names`` they are left out too, for which worlds of held information have to be simulated. InputError where no
    such world can be.
    """
    out: dict[str, float] = {}
    for settings in (scenario, fieldwork):
        out |= {name: value for name in numeric_settings() if (value := _number(settings, name)) is not None}
    rate = fieldwork.response_rate
    if names:
        out["names"] = float(names_given(scenario, np.array(fieldwork.max_nominations or np.nan), n_simulated))
    return out | {
        "response_rate": float(np.mean(rate)),
        "population": float(scenario.n_actors),
        "invited": float(scenario.n_actors if fieldwork.n_invited is None else fieldwork.n_invited),
        "n_relations": float(len(scenario.relations)),
        "roster": float(fieldwork.instrument == "roster"),
    }


def names_given(scenario: Scenario, limit: Floats, n_simulated: int = N_SIMULATED) -> Floats:
    """Return how many names a respondent gives for a relation, under limits of any shape; NaN is no limit."""
    return np.asarray(np.mean([np.fmin(limit, degree) for degree in mean_degrees(scenario, n_simulated)], axis=0))


def _number(settings: Settings, name: str) -> float | None:
    value = getattr(settings, name, None)
    return float(value) if is_number(value) else None


def is_number(value: Any) -> TypeGuard[int | float]:
    """Return whether a value is a number, which true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


# Judgement, to be replaced by one's own rates: no published table of the cost of network interviews was found.
INTERVIEW_STUDY = Price(
    "n_sites * (per_site + n_periods * invited * (per_contact * contacts + response_rate * (per_interview + n_relations *"
    " (per_name * names + per_line * roster * population))))".replace(
        "contacts", "log(1 - 0.98 * response_rate) / log(1 - won_by_contact)"
    ),
    {
        "per_site": 2000.0,
        "per_contact": 12.0,
        "won_by_contact": 0.45,
        "per_interview": 45.0,
        "per_name": 2.0,
        "per_line": 0.1,
    },
    "pounds",
)
