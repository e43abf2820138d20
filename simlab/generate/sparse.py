"""simulate_sparse: worlds of many actors, in time that grows with the ties and not with the square of the actors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError
from simlab.foundation.streams import stream
from simlab.generate.crowd import simulate_founders
from simlab.generate.people import ATTRIBUTES, People, centres
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import actor_names
from simlab.generate.thinning import Bound, SparseTies, thinned_ties
from simlab.generate.truth import Truth

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Key = tuple[str, str, str]

SPARSE_STRUCTURES = ("latent", "blocks", "none")
_PER_LEAF = 48
_MOST_LEAVES = 2048


@dataclass(frozen=True, eq=False)
class SparseSimulation:
    """A world of many actors: its ties as lists, and its truth without matrices of pairs.

    Attributes
    ----------
    truth : Truth
        With empty ``probability``, ``either`` and ``ties``; ``network`` of it is refused.
    ties : mapping from (site, relation, period) to (source, target), each (n_ties,)
        Indices into ``truth.actors``, sorted.
    """

    truth: Truth
    ties: Mapping[Key, tuple[Ints, Ints]]

    @property
    def n_ties(self) -> int:
        """The number of ties in all networks."""
        return sum(len(source) for source, _ in self.ties.values())


def simulate_sparse(scenario: Scenario, *, seed: int, replicate: int = 0) -> SparseSimulation:
    """Simulate a world of many actors and few ties.

    It is distributed as that of ``simulate``, but drawn in another order, so that the same seed gives another world.

    Parameters
    ----------
    scenario : Scenario
        With the structure latent, blocks or none, and one period; with several relations these are independent given
        positions (``overlap`` none). Intercept and odds ratio are solved on a sample of pairs.
    seed, replicate : int
        As for ``simulate``.

    Returns
    -------
    SparseSimulation

    Raises
    ------
    InputError
        For a scenario that cannot be simulated in this way, with the setting that is in the way.
    """
    check_sparse(scenario)
    sites = tuple(f"site {s + 1}" for s in range(scenario.n_sites))
    crowds: list[People] = []
    drawn: dict[Key, SparseTies] = {}
    ties: dict[Key, tuple[Ints, Ints]] = {}
    for s, site in enumerate(sites):
        names = (seed, "sparse", scenario.key, replicate, site)
        people = simulate_founders(scenario, stream(*names, "people"))
        crowds.append(people)
        bound = _bound(scenario, people)
        for r, relation in enumerate(scenario.relations):
            expected = scenario.degree_wanted(r, scenario.n_actors) * scenario.n_actors
            key = (site, relation, "1")
            wanted = scenario.reciprocity_wanted(r)
            drawn[key] = thinned_ties(bound, expected, wanted, stream(*names, "ties", relation))
            ties[key] = (drawn[key].source + s * scenario.n_actors, drawn[key].target + s * scenario.n_actors)
    return SparseSimulation(_truth(scenario, sites, crowds, drawn), ties)


def check_sparse(scenario: Scenario) -> None:
    """Raise InputError, naming the setting, where a scenario cannot be simulated by ``simulate_sparse``."""
    if scenario.structure not in SPARSE_STRUCTURES:
        raise InputError.of(
            "structure", scenario.structure, f"must be one of {', '.join(SPARSE_STRUCTURES)} in a sparse world"
        )
    if scenario.structure == "blocks" and scenario.n_clusters > _MOST_LEAVES:
        raise InputError.of("n_clusters", scenario.n_clusters, f"must be at most {_MOST_LEAVES} in a sparse world")
    if scenario.n_periods != 1:
        raise InputError.of("n_periods", scenario.n_periods, "must be 1 in a sparse world")
    if len(scenario.relations) > 1 and scenario.overlap is not None:
        raise InputError.of("overlap", scenario.overlap, "must be none in a sparse world of several relations")
    if scenario.information is not None:
        raise InputError.of("information", scenario.information, "must be none in a sparse world: give mean_degree")


def _bound(scenario: Scenario, people: People) -> Bound:
    """Return an upper bound of the odds of ties: groups near one another, and homophily as if all were shared."""
    label, position = people.label[0], people.position[0]
    weights = {name: getattr(scenario, f"{name}_homophily") for name in ATTRIBUTES}
    codes = {name: np.unique(people.attributes[name][0], return_inverse=True)[1] for name, w in weights.items() if w}
    highest = sum(max(weights[name], 0.0) for name in codes)
    if scenario.structure == "latent":
        group, nearest = leaves(position)
    elif scenario.structure == "blocks":
        group, nearest = label, scenario.block_contrast * np.eye(scenario.n_clusters)
    else:
        group, nearest = np.zeros(len(label), dtype=np.int64), np.zeros((1, 1))

    def score(rows: Ints, cols: Ints) -> Floats:
        total = people.activity[rows] + people.popularity[cols]
        if scenario.structure == "latent":
            total -= np.sqrt(sum((x[rows] - x[cols]) ** 2 for x in position.T))
        elif scenario.structure == "blocks":
            total += scenario.block_contrast * (label[rows] == label[cols])
        for name, code in codes.items():
            total += weights[name] * (code[rows] == code[cols])
        return np.asarray(total)

    return Bound(group, np.exp(people.activity), np.exp(people.popularity), np.exp(nearest + highest), score)


def leaves(position: Floats) -> tuple[Ints, Floats]:
    """Return the leaves of a k-d tree over positions, and minus the least distance between any two of their boxes.

    Parameters
    ----------
    position : (n_people, n_dims)

    Returns
    -------
    (n_people,) the leaf of each person, and (n_leaves, n_leaves) at most 0
    """
    group = np.zeros(len(position), dtype=np.int64)
    n_leaves = 1
    while n_leaves < _MOST_LEAVES and len(position) / n_leaves > 2 * _PER_LEAF:
        low, high = _boxes(position, group, n_leaves)
        along = (high - low).argmax(axis=1)[group]
        value = position[np.arange(len(position)), along]
        # Half of every leaf, by rank within it along its longest side.
        order = np.lexsort((value, group))
        sizes = np.bincount(group, minlength=n_leaves)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        upper = np.zeros(len(position), dtype=np.int64)
        upper[order] = np.arange(len(position)) - starts[group[order]] >= sizes[group[order]] / 2
        group = 2 * group + upper
        n_leaves *= 2
    low, high = _boxes(position, group, n_leaves)
    squares = np.zeros((n_leaves, n_leaves))
    for axis in range(position.shape[1]):
        gap = np.maximum(low[:, None, axis] - high[None, :, axis], low[None, :, axis] - high[:, None, axis])
        squares += np.maximum(gap, 0.0) ** 2
    return group, -np.sqrt(squares)


def _boxes(position: Floats, group: Ints, n_groups: int) -> tuple[Floats, Floats]:
    low = np.full((n_groups, position.shape[1]), np.inf)
    high = np.full((n_groups, position.shape[1]), -np.inf)
    np.minimum.at(low, group, position)
    np.maximum.at(high, group, position)
    return low, high


def _truth(scenario: Scenario, sites: tuple[str, ...], crowds: list[People], drawn: dict[Key, SparseTies]) -> Truth:
    """Return all that is known of the world but the matrices of pairs."""
    label = np.concatenate([c.label for c in crowds], axis=1)
    partners = np.concatenate([c.partners for c in crowds], axis=1)
    position = np.concatenate([c.position for c in crowds], axis=1)
    nobody = np.zeros(label.shape, dtype=bool)
    positions = scenario.structure == "latent"
    middles = centres(scenario)
    return Truth(
        scenario=scenario,
        actors=tuple(name for s in range(len(sites)) for name in actor_names(scenario, s, scenario.n_actors)),
        site_of=tuple(site for site in sites for _ in range(scenario.n_actors)),
        sites=sites,
        periods=("1",),
        label=label,
        partner=partners[:, :, 0],
        partners=partners,
        position=position if positions else np.full_like(position, np.nan),
        bridger=np.concatenate([c.bridger for c in crowds]),
        core=np.concatenate([c.core for c in crowds]),
        activity=np.concatenate([c.activity for c in crowds]),
        popularity=np.concatenate([c.popularity for c in crowds]),
        came=nobody,
        left=nobody,
        switched=nobody,
        centres=middles if positions else np.full_like(middles, np.nan),
        probability={},
        either={},
        ties={},
        intercept={key: ties.intercept for key, ties in drawn.items()},
        odds_ratio={key: ties.odds_ratio for key, ties in drawn.items()},
        attributes={name: np.concatenate([c.attributes[name] for c in crowds], axis=1) for name in ATTRIBUTES},
        traits={},
    )
