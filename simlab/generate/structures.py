"""The registry of structures: what makes ties likely between some and unlikely between others, besides what people are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.registry import Registry
from simlab.generate.block_structures import blocks, mixed_blocks
from simlab.generate.bonds import Bonds, Structure
from simlab.generate.projects import projects

if TYPE_CHECKING:
    from simlab.generate.people import People
    from simlab.generate.scenario import Scenario

Floats = NDArray[np.float64]

structures: Registry[Structure] = Registry("structure")

# Structures in which everybody is in one cluster.
WITHOUT_CLUSTERS = ("core-periphery", "none")


@structures.register(
    "latent",
    summary="clusters in a latent space: log odds fall with the distance of two positions",
    reference="Handcock, Raftery & Tantrum 2007",
)
def latent(scenario: Scenario, people: People, rng: np.random.Generator) -> Bonds:
    """Return the bonds of a latent space: affinity_ij = -||z_i - z_j||."""

    def affinity(period: int) -> Floats:
        position = people.position[period]
        return np.asarray(-np.sqrt(((position[:, None] - position[None]) ** 2).sum(-1)))

    return Bonds(affinity, positions=True)


structures.register(
    "blocks",
    summary="log odds block_contrast higher within a cluster; degree-corrected by activity and popularity",
    reference="Holland, Laskey & Leinhardt 1983; Karrer & Newman 2011",
)(blocks)

structures.register(
    "mixed-blocks",
    summary="blocks in which bridgers belong to several clusters",
    reference="Airoldi, Blei, Fienberg & Xing 2008",
)(mixed_blocks)

structures.register(
    "projects",
    summary="ties with whom one shares projects; a cluster is a family of projects",
    reference="after Breiger 1974",
)(projects)


@structures.register(
    "core-periphery",
    summary="ties the likelier the more both belong to the core; no clusters",
    reference="Borgatti & Everett 2000",
)
def core_periphery(scenario: Scenario, people: People, rng: np.random.Generator) -> Bonds:
    """Return the bonds of a core and a periphery: the continuous model of Borgatti & Everett (2000), in log odds.

        affinity_ij = core_contrast c_i c_j

    The coreness c of a person is uniform from 1/2 to 1 for those of the core (``core_share``), from 0 to 1/2 for others,
    and stays with the person. It is in the truth's traits, (n_periods, n_people), NaN where absent.
    """
    coreness = 0.5 * rng.random(len(people.core)) + 0.5 * people.core
    product = scenario.core_contrast * np.outer(coreness, coreness)
    return Bonds(lambda period: product.copy(), traits={"coreness": np.where(people.present, coreness, np.nan)})


@structures.register(
    "none",
    summary="no structure: activity, popularity and homophily alone; no clusters",
    reference="Krivitsky, Handcock, Raftery & Hoff 2009, without positions",
)
def none(scenario: Scenario, people: People, rng: np.random.Generator) -> Bonds:
    """Return no bonds: affinity_ij = 0."""
    n_people = people.present.shape[1]
    return Bonds(lambda period: np.zeros((n_people, n_people)))


@structures.register(
    "fitted",
    summary="the positions, effects and covariates of a fit, as scenario_from_fit makes it",
    reference="parametric bootstrap: Efron & Tibshirani 1993",
)
def fitted(scenario: Scenario, people: People, rng: np.random.Generator) -> Bonds:
    """Return the bonds of a fit: affinity_ij = offset_ij - ||z_i - z_j||, each where the fit has it."""
    world = scenario.fitted
    assert world is not None, "Scenario checks it"
    n_people = people.present.shape[1]

    def affinity(period: int) -> Floats:
        near = latent(scenario, people, rng).affinity(period) if world.n_dims else np.zeros((n_people, n_people))
        return near + np.array(world.offsets) if world.offsets else near

    return Bonds(affinity, positions=world.n_dims > 0)
