"""The structure of a core and a periphery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simlab.generate.bonds import Bonds

if TYPE_CHECKING:
    from simlab.generate.people import People
    from simlab.generate.scenario import Scenario

Floats = NDArray[np.float64]


def core_periphery(scenario: Scenario, people: People, rng: np.random.Generator) -> Bonds:
    """Return the bonds of a core and a periphery: the continuous model of Borgatti & Everett (2000), in log odds.

        affinity_ij = core_contrast c_i c_j

    The coreness c of a person is uniform from 1/2 to 1 for those of the core (``core_share``), from 0 to 1/2 for others,
    and stays with the person. It is in the truth's traits, (n_periods, n_people), NaN where absent.
    """
    coreness = 0.5 * rng.random(len(people.core)) + 0.5 * people.core
    product = scenario.core_contrast * np.outer(coreness, coreness)
    return Bonds(lambda period: product.copy(), traits={"coreness": np.where(people.present, coreness, np.nan)})
