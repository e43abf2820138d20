"""Bonds: what a structure makes of the people of a site, and what a structure is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from simlab.generate.people import People
    from simlab.generate.scenario import Scenario

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bonds:
    """How near everybody at a site is to everybody else, in log odds of a tie.

    Attributes
    ----------
    affinity : function of a period (from 0) to (n_people, n_people)
        What the structure adds to the log odds of a tie from row to column, in a new array. The diagonal and the rows and
        columns of those absent are not read, and may be NaN. The level does not matter, because the intercept is solved.
    traits : mapping from name to (n_periods, n_people) or (n_periods, n_people, parts)
        What the structure drew or derived of each person, for the truth; NaN (False, -1) where absent.
    positions : bool
        Whether the people's positions are what the affinity comes from; otherwise the truth has none.
    """

    affinity: Callable[[int], Floats]
    traits: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    positions: bool = False


# A structure: from a scenario, the people of a site in all periods, and a random stream of its own, to their bonds.
Structure = Callable[["Scenario", "People", np.random.Generator], Bonds]
