"""Many people at once: the founders of a site, drawn array by array instead of one by one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simlab.generate.people import ATTRIBUTES, People, apportioned, centres
from simlab.generate.scenario import Scenario

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def simulate_founders(scenario: Scenario, rng: np.random.Generator) -> People:
    """Return the people of one site in one period, distributed as those of ``simulate_people`` but from other draws."""
    n, count = scenario.n_actors, scenario.n_clusters
    label = np.repeat(np.arange(count), apportioned(scenario.shares, n))
    rng.shuffle(label)
    n_bridgers = round(scenario.bridger_share * n) if count > 1 else 0
    n_core = min(round(scenario.core_share * n), n - n_bridgers)
    order = rng.permutation(n)
    bridger, core = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    bridger[order[:n_bridgers]] = True
    core[order[n_bridgers : n_bridgers + n_core]] = True
    partners = np.full((n, scenario.bridger_clusters - 1), -1, dtype=np.int64)
    partners[bridger] = _partners(label[bridger], count, partners.shape[1], rng)
    places = centres(scenario)
    position = places[label] + scenario.spread * rng.standard_normal((n, scenario.n_dims))
    if n_bridgers:
        away = scenario.bridger_strength * (1.0 - 1.0 / scenario.bridger_clusters)
        position[bridger] += away * (places[partners[bridger]].mean(axis=1) - places[label[bridger]])
    attributes = {name: _values(scenario, name, label, rng)[None] for name in ATTRIBUTES}
    return People(
        present=np.ones((1, n), dtype=bool),
        label=label[None],
        partners=partners[None],
        position=position[None],
        bridger=bridger,
        core=core,
        activity=scenario.activity * rng.standard_normal(n),
        popularity=scenario.popularity * rng.standard_normal(n),
        attributes=attributes,
    )


def _partners(label: Ints, count: int, size: int, rng: np.random.Generator) -> Ints:
    """Return for each person ``size`` different clusters other than the own one, each set as likely."""
    chosen = np.zeros((len(label), 0), dtype=np.int64)
    for taken in range(size):
        # The k-th of the clusters that are free: counted up past those taken, from the lowest.
        pick = rng.integers(count - 1 - taken, size=len(label))
        for used in np.sort(np.column_stack([label, chosen]), axis=1).T:
            pick += pick >= used
        chosen = np.column_stack([chosen, pick])
    return chosen


def _values(scenario: Scenario, name: str, label: Ints, rng: np.random.Generator) -> NDArray[np.str_]:
    """Return an attribute of everybody, from the clusters they are in."""
    n = len(label)
    if name == "service":
        names, at_large = scenario.services, 1.0 - scenario.service_commonness
        own = label % len(names)
        others = max(len(names) - 1, 1)
        anybody = (own + 1 + rng.integers(others, size=n)) % len(names)
    else:
        of_organisation = name == "organisation"
        names = scenario.organisations if of_organisation else scenario.seniorities
        at_large = scenario.organisation_mixing if of_organisation else scenario.seniority_mixing
        shares = scenario.organisation_shares if of_organisation else scenario.seniority_shares
        weights = None if shares is None else np.array(shares) / sum(shares)
        own = label % len(names)
        anybody = rng.choice(len(names), size=n, p=weights)
    return np.array(names, dtype=np.str_)[np.where(rng.random(n) < at_large, anybody, own)]
