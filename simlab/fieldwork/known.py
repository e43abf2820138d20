"""What the field depends on and never sees: strength and length of true ties, who bridges, who is senior to whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError
from simlab.generate.truth import Truth
from simlab.panel import Panel

Floats = NDArray[np.float64]
Key = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Known:
    """A truth, looked up for the actors of a panel; it may not know some of them (outsiders).

    Every look-up is given the ``setting`` that needs it, for the one line that says so where there is no truth.
    """

    panel: Panel
    truth: Truth | None

    def strength(self, key: Key, setting: str) -> Floats:
        """Return the probability of each tie of a network, (n_site_actors, n_site_actors); 0 where the truth has none."""
        truth = self._truth(setting)
        if key not in truth.probability:
            raise InputError(f"{setting}: the truth given is not of this panel, it has no network {key}")
        found, true = self._places(truth, key[0])
        out = np.zeros((len(found), len(found)))
        inside = np.ix_(found >= 0, found >= 0)
        out[inside] = np.nan_to_num(truth.probability[key][np.ix_(true, true)])
        return out

    def distance(self, key: Key, setting: str) -> Floats:
        """Return the distance of each two actors' true positions; infinite where one of them has none."""
        truth = self._truth(setting)
        if key[2] not in truth.periods:
            raise InputError(f"{setting}: the truth given is not of this panel, it has no period {key[2]!r}")
        found, true = self._places(truth, key[0])
        members = np.flatnonzero(np.array(truth.site_of) == key[0])
        positions = truth.position[truth.periods.index(key[2]), members[true]]
        if np.isnan(positions).all():
            raise InputError(f"{setting}: this world has no positions, and so no distances")
        out = np.full((len(found), len(found)), np.inf)
        squared = ((positions[:, None] - positions[None]) ** 2).sum(axis=2)
        out[np.ix_(found >= 0, found >= 0)] = np.where(np.isnan(squared), np.inf, np.sqrt(np.nan_to_num(squared)))
        return out

    def bridger(self, setting: str) -> Floats:
        """Return 1 for true bridgers and 0 for others: (n_actors,)."""
        truth = self._truth(setting)
        bridgers = {actor for actor, yes in zip(truth.actors, truth.bridger, strict=True) if yes}
        return np.array([float(actor in bridgers) for actor in self.panel.actors])

    def seniority(self, setting: str) -> Floats:
        """Return from 0 for the lowest level of seniority to 1 for the highest: (n_periods, n_actors)."""
        levels = self._truth(setting).scenario.seniorities
        values = self.panel.attributes.get("seniority")
        if values is None:
            raise InputError(f"{setting}: the actors have no seniority")
        height = {level: 1.0 - place / max(len(levels) - 1.0, 1.0) for place, level in enumerate(levels)}
        unknown = sorted(set(np.unique(values[self.panel.present]).tolist()) - set(height))
        if unknown:
            raise InputError(f"{setting}: {unknown[0]!r} is no level of seniority; known: {', '.join(levels)}")
        return np.array([[height.get(str(value), 0.5) for value in of_period] for of_period in values])

    def _truth(self, setting: str) -> Truth:
        if self.truth is None:
            raise InputError(f"{setting}: depends on what is true, so give observe the truth of the panel")
        return self.truth

    def _places(self, truth: Truth, site: str) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return, for the site's actors, the place among those of the truth or -1; and the places without the -1."""
        members = np.flatnonzero(np.array(truth.site_of) == site)
        where = {truth.actors[i]: place for place, i in enumerate(members)}
        found = np.array([where.get(self.panel.actors[i], -1) for i in self.panel.members(site)], dtype=np.intp)
        return found, found[found >= 0]
