"""The structure of projects: managers join projects of several organisations, and have ties with whom they share them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simlab.generate.bonds import Bonds

if TYPE_CHECKING:
    from simlab.generate.people import People
    from simlab.generate.scenario import Scenario

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def projects(scenario: Scenario, people: People, rng: np.random.Generator) -> Bonds:
    """Return the bonds of people who share projects.

        affinity_ij = project_contrast log(1 + number of projects that i and j share)

    so that the odds of a tie grow as a power of one more than the projects shared, a bipartite structure of actors and
    the events that they meet at (Breiger 1974). A cluster is a family of ``projects_per_cluster`` projects. Each person is
    in 1 + Poisson(``projects_per_actor`` - 1) projects, as far as there are as many; each of them is outside the own
    family with probability ``projects_outside``, for bridgers of k clusters with ``bridger_strength`` (1 - 1/k) where that is
    more: their other projects are in the families they lie towards. Between periods a stayer keeps each project with
    probability ``project_staying`` and joins another for each that is left; whoever switches cluster joins all anew.

    Who is in which project (n_periods, n_people, n_clusters x projects_per_cluster) is in the truth's traits; projects
    are numbered family by family.
    """
    member = draw_projects(scenario, people, rng)

    def affinity(period: int) -> Floats:
        here = member[period].astype(np.float64)
        return np.asarray(scenario.project_contrast * np.log1p(here @ here.T))

    return Bonds(affinity, traits={"projects": member})


def draw_projects(scenario: Scenario, people: People, rng: np.random.Generator) -> Flags:
    """Return who is in which project: (n_periods, n_people, n_projects)."""
    n_periods, n_people = people.label.shape
    member = np.zeros((n_periods, n_people, scenario.n_clusters * scenario.projects_per_cluster), dtype=bool)
    for period in range(n_periods):
        for i in np.flatnonzero(people.present[period]).tolist():
            label = int(people.label[period, i])
            partners = people.partners[period, i]
            joined = np.zeros(member.shape[2], dtype=bool)
            if period and people.label[period - 1, i] == label:
                before = member[period - 1, i]
                joined = before & (rng.random(len(before)) < scenario.project_staying)
                count = int(before.sum())
            else:
                count = min(1 + int(rng.poisson(scenario.projects_per_actor - 1.0)), len(joined))
            member[period, i] = _filled(joined, count, label, partners[partners >= 0], scenario, rng)
    return member


def _filled(
    joined: Flags,
    count: int,
    label: int,
    partners: NDArray[np.int64],
    scenario: Scenario,
    rng: np.random.Generator,
) -> Flags:
    """Return memberships with as many more projects as make ``count``; of a family that is exhausted none are left."""
    outside, others = outside_of(scenario, label, partners)
    family = np.arange(len(joined)) // scenario.projects_per_cluster
    for _ in range(count - int(joined.sum())):
        chosen = family == label
        if len(others) and rng.random() < outside:
            chosen = family == rng.choice(others)
        free = np.flatnonzero(chosen & ~joined)
        if len(free):
            joined[rng.choice(free)] = True
    return joined


def outside_of(scenario: Scenario, label: int, partners: NDArray[np.int64]) -> tuple[float, NDArray[np.int64]]:
    """Return the probability that a project is outside the own family, and the families it is then in."""
    if len(partners) == 0:
        clusters = np.arange(scenario.n_clusters)
        return scenario.projects_outside, clusters[clusters != label]
    away = scenario.bridger_strength * (1.0 - 1.0 / (len(partners) + 1))
    return max(scenario.projects_outside, away), partners
