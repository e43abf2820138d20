"""Limits on names: worlds have the ties and the reciprocity that the limit leaves as they were seen, and no more is cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import network_of

from simlab import Fieldwork, Network, Scenario, observe, simulate, stream
from simlab.fit.lpcm_map import LpcmMap
from simlab.plan.from_fit import scenario_from_fit
from simlab.plan.names_allowed import all_names_used, before_limit, most_named, under_limit


def returned(network: Network) -> float:
    return float((network.ties & network.ties.T).sum() / network.ties.sum())


def told_nothing(network: Network) -> Network:
    """Return a network whose table does not say that names were limited."""
    return replace(network, limited=None, max_nominations=None)


def test_the_reciprocity_before_the_limit_leaves_the_one_seen() -> None:
    true = simulate(Scenario(n_actors=40, mean_degree=6.0, reciprocity=0.5), seed=1).panel
    seen = observe(true, Fieldwork(max_nominations=3), seed=1).network()
    fit = LpcmMap(n_clusters=2).fit(seen, rng=stream(1, "fit"))
    made = scenario_from_fit(fit, seen)
    again = [
        observe(simulate(made, seed=1, replicate=k).panel, Fieldwork(max_nominations=3), seed=1).network()
        for k in range(20)
    ]
    assert np.mean([one.density for one in again]) == pytest.approx(seen.density, rel=0.03)
    assert np.mean([returned(one) for one in again]) == pytest.approx(returned(seen), rel=0.15)
    # The control: as it was seen it would be cut once more.
    assert made.reciprocity > 1.5 * returned(seen)


def test_where_everybody_used_up_all_names_degrees_are_large() -> None:
    ties = np.zeros((30, 30), dtype=bool)
    for i in range(30):
        ties[i, [(i + k) % 30 for k in (1, 2, 5)]] = True
    network = under_limit(network_of(ties), 3)
    assert all_names_used(network)
    level, left = before_limit(np.zeros((30, 30)), network, -2.0)
    names = np.minimum(stream(1, "names").binomial(29, 1.0 / (1.0 + np.exp(-level)), 200_000), 3)
    assert np.mean(names) == pytest.approx(3.0 - 0.5 / 30, abs=0.003)
    assert left < 0.5
    # A limit that is beyond everybody's reach leaves all ties.
    far = replace(network, max_nominations=1000)
    assert not all_names_used(far)
    assert before_limit(np.zeros((30, 30)), far, np.log(3.0 / 26.0)) == pytest.approx((np.log(3.0 / 26.0), 1.0))


@pytest.mark.parametrize("most", [1, 3, 4])
def test_there_is_a_level_in_any_network(most: int) -> None:
    """Also where nearly everybody is tied to everybody, and where more names were given than allowed."""
    scores = stream(1, "scores").normal(0.0, 6.0, (5, 5))
    ties = ~np.eye(5, dtype=bool)
    ties[0, 1] = False
    for directed in (True, False):
        network = network_of(ties if directed else ties & ties.T, directed=directed)
        level, left = before_limit(scores, replace(network, max_nominations=most), 3.0)
        assert np.isfinite(level)
        assert 0.0 < left <= 1.0 + 1e-9


def test_a_tie_without_direction_is_there_where_either_names_it() -> None:
    true = simulate(Scenario(n_actors=40, mean_degree=4.0), seed=2).panel.network().ties
    plain = network_of(true | true.T, directed=False)
    level, left = before_limit(np.zeros((40, 40)), replace(plain, max_nominations=5), -1.0)
    rng = stream(1, "ties")
    found = []
    for _ in range(40):
        half = np.triu(rng.random((40, 40)) < 1.0 / (1.0 + np.exp(-level)), 1)
        ties = half | half.T
        luck = np.where(ties, rng.random((40, 40)), 2.0)
        named = ties & (luck.argsort(axis=1).argsort(axis=1) < 5)
        found.append([(named | named.T).sum(), ties.sum()])
    total = np.mean(found, axis=0)
    assert total[0] == pytest.approx(plain.ties.sum(), rel=0.02)
    assert total[0] / total[1] == pytest.approx(left, rel=0.02)


def test_a_limit_is_put_on_networks_that_may_have_been_asked_under_it() -> None:
    panel = simulate(Scenario(n_actors=40, mean_degree=8.0), seed=1).panel
    capped = observe(panel, Fieldwork(max_nominations=5), seed=1).network()
    told = under_limit(told_nothing(capped), 5)
    assert told.max_nominations == 5
    assert told.limited is not None
    assert capped.limited is not None
    assert told.limited.tolist() == capped.limited.tolist()
    assert under_limit(capped, 8) is capped
    assert under_limit(capped, None) is capped
    # Who named more than allowed was not asked under this limit.
    assert most_named(capped) == 5
    assert under_limit(told_nothing(capped), 4).max_nominations is None
    assert not all_names_used(capped)
