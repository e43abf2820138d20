"""Truth: everything that is known of a simulated panel and that no fieldwork sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError, UnknownNameError
from simlab.generate.scenario import Scenario

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Key = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class NetworkTruth:
    """The truth of one site, relation and period, for the actors present, in the order of the Network.

    Attributes
    ----------
    actors : (n_actors,)
    labels : (n_actors,) the true cluster
    partner : (n_actors,) the (first) other cluster that a bridger lies towards; -1 for all others
    partners : (n_actors, bridger_clusters - 1) all of them
    positions : (n_actors, n_dims); NaN where ties do not come from positions, and so are ``centres``
    bridger, core : (n_actors,)
    came, switched : (n_actors,) who was absent, and who was in another cluster, a period before; False in the first
    probability : (n_actors, n_actors) of a tie from row to column; NaN on the diagonal
    either : (n_actors, n_actors) probability of a tie in at least one direction
    ties : (n_actors, n_actors) the ties there truly are
    centres : (n_clusters, n_dims)
    intercept, odds_ratio : float
        The intercept solved for, and the odds ratio between the two ties of a dyad.
    attributes : mapping from name to (n_actors,)
    traits : mapping from name to (n_actors,) or (n_actors, parts)
        What the structure of the world drew of each: memberships, projects, coreness.
    scenario : Scenario
    """

    actors: tuple[str, ...]
    labels: Ints
    partner: Ints
    partners: Ints
    positions: Floats
    bridger: Flags
    core: Flags
    came: Flags
    switched: Flags
    probability: Floats
    either: Floats
    ties: Flags
    centres: Floats
    intercept: float
    odds_ratio: float
    attributes: Mapping[str, tuple[str, ...]]
    traits: Mapping[str, NDArray[Any]]
    scenario: Scenario

    def of(self, actors: Sequence[str]) -> NetworkTruth:
        """Return the truth of some of the actors, in the order given; KeyError for one that is not there."""
        if tuple(actors) == self.actors:
            return self
        where = {actor: i for i, actor in enumerate(self.actors)}
        at = np.array([where[actor] for actor in actors], dtype=np.intp)
        of_each = ("labels", "partner", "positions", "bridger", "core", "came", "switched")
        return replace(
            self,
            actors=tuple(actors),
            attributes={name: tuple(values[i] for i in at) for name, values in self.attributes.items()},
            traits={name: values[at] for name, values in self.traits.items()},
            **{name: getattr(self, name)[at] for name in of_each},
            **{name: getattr(self, name)[np.ix_(at, at)] for name in ("probability", "either", "ties")},
        )


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth of a panel.

    Attributes
    ----------
    scenario : Scenario
    actors : (n_actors,) as in the panel
    label : (n_periods, n_actors) the cluster, numbered alike in every site; -1 where absent
    partner : (n_periods, n_actors) the (first) other cluster that a bridger lies towards; -1 for others and the absent
    partners : (n_periods, n_actors, bridger_clusters - 1) all of them
    position : (n_periods, n_actors, n_dims); NaN where absent, and throughout where ties do not come from positions
    bridger, core : (n_actors,)
    activity, popularity : (n_actors,) sender and receiver effects, in log odds
    came, left, switched : (n_periods, n_actors)
        What happened between the period before and this one: came from outside, is gone, changed cluster.
        False in the first period.
    centres : (n_clusters, n_dims); NaN where ties do not come from positions
    probability, either, ties : mapping from (site, relation, period)
        As in NetworkTruth, over all actors of the site, with NaN (False) for the absent.
    intercept, odds_ratio : mapping from (site, relation, period) to float
    attributes : mapping from name to (n_periods, n_actors), as in the panel
    traits : mapping from name to (n_periods, n_actors) or (n_periods, n_actors, parts)
        What the structure of the world drew of each: memberships, projects, coreness.
    """

    scenario: Scenario
    actors: tuple[str, ...]
    site_of: tuple[str, ...]
    sites: tuple[str, ...]
    periods: tuple[str, ...]
    label: Ints
    partner: Ints
    partners: Ints
    position: Floats
    bridger: Flags
    core: Flags
    activity: Floats
    popularity: Floats
    came: Flags
    left: Flags
    switched: Flags
    centres: Floats
    probability: Mapping[Key, Floats]
    either: Mapping[Key, Floats]
    ties: Mapping[Key, Flags]
    intercept: Mapping[Key, float]
    odds_ratio: Mapping[Key, float]
    attributes: Mapping[str, NDArray[np.str_]]
    traits: Mapping[str, NDArray[Any]]

    @property
    def defining_attribute(self) -> str:
        """The attribute that by construction sets the clusters apart the most."""
        return self.scenario.defining_attribute

    def network(self, site: str, relation: str, period: str) -> NetworkTruth:
        """Return the truth of one network; UnknownNameError where there is none of that name.

        InputError where the world is a sparse one, without matrices of pairs.
        """
        key = (site, relation, period)
        if key not in self.intercept:
            raise UnknownNameError.among("network", repr(key), map(repr, self.intercept))
        if key not in self.probability:
            raise InputError(f"network {key!r}: a sparse world has no matrices of pairs; its ties are beside its truth")
        t = self.periods.index(period)
        members = np.flatnonzero(np.array(self.site_of) == site)
        here = self.label[t, members] >= 0
        chosen = members[here]
        pairs = np.ix_(here, here)
        return NetworkTruth(
            actors=tuple(self.actors[i] for i in chosen),
            labels=self.label[t, chosen],
            partner=self.partner[t, chosen],
            partners=self.partners[t, chosen],
            positions=self.position[t, chosen],
            bridger=self.bridger[chosen],
            core=self.core[chosen],
            came=self.came[t, chosen],
            switched=self.switched[t, chosen],
            probability=self.probability[key][pairs],
            either=self.either[key][pairs],
            ties=self.ties[key][pairs],
            centres=self.centres,
            intercept=self.intercept[key],
            odds_ratio=self.odds_ratio[key],
            attributes={name: tuple(str(v) for v in values[t, chosen]) for name, values in self.attributes.items()},
            traits={name: values[t, chosen] for name, values in self.traits.items()},
            scenario=self.scenario,
        )
