"""Structures in which a tie depends on the clusters of the two alone: blocks, and blocks with mixed membership."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simlab.generate.bonds import Bonds

if TYPE_CHECKING:
    from simlab.generate.people import People
    from simlab.generate.scenario import Scenario

Floats = NDArray[np.float64]


def blocks(scenario: Scenario, people: People, rng: np.random.Generator) -> Bonds:
    """Return the bonds of a stochastic block model (Holland, Laskey & Leinhardt 1983).

        affinity_ij = block_contrast [i and j are in the same cluster]

    With ``activity`` or ``popularity`` above 0 it is degree-corrected (Karrer & Newman 2011), in log odds. Bridgers are
    members of their own cluster alone.
    """

    def affinity(period: int) -> Floats:
        label = people.label[period]
        return np.asarray(scenario.block_contrast * (label[:, None] == label[None]))

    return Bonds(affinity)


def mixed_blocks(scenario: Scenario, people: People, rng: np.random.Generator) -> Bonds:
    """Return the bonds of a block model with mixed membership (Airoldi, Blei, Fienberg & Xing 2008).

    Both ends of a tie take a cluster from their memberships pi, anew for each tie; so the odds of a tie are mixed:

        affinity_ij = log(1 + (exp(block_contrast) - 1) sum_g pi_ig pi_jg)

    which for few ties is the mixture of probabilities pi_i' B pi_j of that paper. A bridger of k clusters has membership
    ``bridger_strength`` / k in each of the others and the rest in the own one; all others are wholly in their own.
    The memberships (n_periods, n_people, n_clusters) are in the truth's traits.
    """
    pi = memberships(scenario, people)

    def affinity(period: int) -> Floats:
        return np.asarray(np.log1p(np.expm1(scenario.block_contrast) * (pi[period] @ pi[period].T)))

    return Bonds(affinity, traits={"membership": pi})


def memberships(scenario: Scenario, people: People) -> Floats:
    """Return the share of each person in each cluster: (n_periods, n_people, n_clusters), NaN where absent."""
    clusters = np.arange(scenario.n_clusters)
    own = (people.label[:, :, None] == clusters).astype(np.float64)
    others = (people.partners[:, :, :, None] == clusters).sum(axis=2)
    moved = scenario.bridger_strength / scenario.bridger_clusters
    pi = own * (1.0 - moved * others.sum(axis=2, keepdims=True)) + moved * others
    pi[~people.present] = np.nan
    return np.asarray(pi)
