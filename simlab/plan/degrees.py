"""Degrees: how many ties people have in a world, also where the information is held that they carry."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate

# Worlds that are simulated where degrees follow from nothing simpler, and how many may be tried for each.
N_SIMULATED = 16
_MOST_TRIED = 4


@lru_cache(maxsize=4096)
def mean_degrees(scenario: Scenario, n_simulated: int = N_SIMULATED) -> tuple[float, ...]:
    """Return the mean out-degree of each relation: what is asked for, or of held information that of simulated worlds.

    InputError where no such world can be.
    """
    n_relations = len(scenario.relations)
    if scenario.information is None:
        return tuple(scenario.degree_wanted(r, scenario.n_actors) for r in range(n_relations))
    # One site is like another.
    one = scenario.but(n_sites=1)
    found: list[list[float]] = []
    refused: InputError | None = None
    for seed in range(1, _MOST_TRIED * n_simulated + 1):
        try:
            panel = simulate(one, seed=seed).panel
        except InputError as error:
            refused = error
            continue
        networks = [[panel.network(s, r, p) for s in panel.sites for p in panel.periods] for r in panel.relations]
        found.append([float(np.mean([n.ties.sum() / n.n_actors for n in each])) for each in networks])
        if len(found) == n_simulated:
            break
    if not found:
        assert refused is not None
        raise refused
    return tuple(np.mean(found, axis=0).tolist())
