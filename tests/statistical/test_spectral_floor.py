"""The floor that every serious fitter should beat: plain spectral clustering under fixed choice and non-response.

Sixty actors in three clusters, density .15, independent arcs, those who do not answer read as naming nobody. The expected
adjusted Rand indices of regularised spectral clustering were computed independently of this project, from 60 networks each.
"""

from __future__ import annotations

import numpy as np
import pytest

from simlab import Fieldwork, Scenario, Spectral, observe, simulate
from simlab.metrics.recovery import adjusted_rand_index

PLAIN = Scenario(
    density=0.15,
    reciprocity=None,
    activity=0.0,
    popularity=0.0,
    organisation_homophily=0.0,
    seniority_homophily=0.0,
    bridger_share=0.0,
)
FIELDS = {
    "everybody": Fieldwork(),
    "five names": Fieldwork(max_nominations=5),
    "five names, 70 % respond": Fieldwork(max_nominations=5, response_rate=0.7, treatment="null-imputation"),
}
FLOOR = {
    (0.5, 4.0): (0.63, 0.38, 0.23),
    (0.5, 5.0): (0.86, 0.69, 0.49),
    (1.0, 3.0): (0.58, 0.48, 0.37),
    (1.0, 4.0): (0.82, 0.75, 0.65),
    (1.0, 5.0): (0.94, 0.90, 0.85),
}
N_WORLDS = 30
# The expected figures have an error of their own, of sixty networks.
WITH_THEIRS = np.sqrt(1.0 + N_WORLDS / 60)


def recovered(spread: float, separation: float, fieldwork: Fieldwork) -> np.ndarray:
    """Return the adjusted Rand index of each world."""
    scenario = PLAIN.but(spread=spread, separation=separation)
    values = []
    for replicate in range(N_WORLDS):
        world = simulate(scenario, seed=21, replicate=replicate)
        network = observe(world.panel, fieldwork, seed=21, replicate=replicate, world=scenario.key).network()
        fit = Spectral(n_clusters=3).fit(network, rng=np.random.default_rng(replicate))
        values.append(adjusted_rand_index(fit.labels, world.truth.network(*world.panel.keys[0]).labels))
    return np.array(values)


@pytest.mark.parametrize(("spread", "separation"), FLOOR)
@pytest.mark.parametrize("field", range(3))
def test_the_spectral_floor_is_what_it_was_computed_to_be(spread: float, separation: float, field: int) -> None:
    values = recovered(spread, separation, list(FIELDS.values())[field])
    error = values.std(ddof=1) / np.sqrt(N_WORLDS)
    assert abs(values.mean() - FLOOR[spread, separation][field]) < 3.3 * WITH_THEIRS * error + 0.005


def test_control_another_fieldwork_is_told_apart() -> None:
    values = recovered(0.5, 5.0, FIELDS["five names, 70 % respond"])
    error = values.std(ddof=1) / np.sqrt(N_WORLDS)
    assert abs(values.mean() - FLOOR[0.5, 5.0][0]) > 3.3 * WITH_THEIRS * error + 0.005
