"""What several fits together say of the actors common to them, their clusters matched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit
from simlab.foundation.errors import InputError, UnknownNameError
from simlab.partition import co_clustering, match

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class CommonActors:
    """The actors of whom every network shows something, sorted by name.

    Clusters of several networks are matched one to one (Hungarian), to those of the first network that has more than one,
    for the greatest expected number of actors in both. A network in which all are one cluster is left out of ``member``,
    ``joint``, ``inside`` and ``distance``.

    Attributes
    ----------
    fits, places : for each network its fit, and where in it the common actors are
    eligible : (n_actors,)
    n_left_out : how many actors are not in all networks, or nothing is known of them
    member : (n_actors, n_clusters), mean membership over networks; joint: the product
    inside : (n_actors, n_clusters), who is in a cluster in all networks
    used : (n_clusters,), whether the first network has anybody in the cluster
    distance : (n_actors, n_clusters), from its middle, mean over networks; 0 without positions
    rank : (n_actors,), mean over networks of the rank by bridging score, from 0, highest last
    """

    fits: list[Fit]
    places: list[Places]
    actors: tuple[str, ...]
    eligible: Flags
    n_left_out: int
    member: Floats
    joint: Floats
    inside: Flags
    used: Flags
    distance: Floats
    rank: Floats

    @classmethod
    def of(cls, fits: list[Fit], eligible: list[str] | None) -> CommonActors:
        """Return what the fits say; ``eligible`` are names that some fit must know, None for all.

        Raises InputError where several fits have no actor in common, and for a name that none of them knows.
        """
        known = [{a for a, gone in zip(fit.actors, _unknown(fit), strict=True) if not gone} for fit in fits]
        everybody = set().union(*(fit.actors for fit in fits))
        actors = tuple(sorted(set.intersection(*known)))
        if not actors and len(fits) > 1:
            raise InputError("fits: no actor is known in all of the networks, which must be of one site")
        for name in eligible or ():
            if name not in everybody:
                raise UnknownNameError.among("actor", name, everybody)
        allowed = set(actors if eligible is None else eligible)
        places = [_places(fit.actors, actors) for fit in fits]
        several = [len(set(fit.labels[at].tolist())) > 1 for fit, at in zip(fits, places, strict=True)]
        first = several.index(True) if any(several) else 0
        shape = fits[first].membership[places[first]].shape
        members, inside, distances = [], np.ones(shape, dtype=bool), []
        for f, (fit, at) in enumerate(zip(fits, places, strict=True)):
            if f != first and not several[f]:
                continue
            pairs = match(fits[first].membership[places[first]].T @ fit.membership[at])
            own = np.full(shape[1], -1)
            for g, h in pairs:
                own[g] = h
            partner = np.where(own >= 0, own, 0)
            members.append(np.where(own >= 0, fit.membership[at][:, partner], 0.0))
            inside &= fit.labels[at][:, None] == own[None]
            if fit.positions is not None:
                distances.append(_distances(fit.positions, fit.membership)[at][:, partner])
        ranks = [_ranks(fit.bridging[fit.bridging_score][at]) for fit, at in zip(fits, places, strict=True)]
        return cls(
            fits=fits,
            places=places,
            actors=actors,
            eligible=np.array([a in allowed for a in actors], dtype=bool),
            n_left_out=len(everybody) - len(actors),
            member=np.mean(members, axis=0),
            joint=np.prod(members, axis=0),
            inside=inside,
            used=fits[first].sizes > 0,
            distance=np.mean(distances, axis=0) if distances else np.zeros(shape),
            rank=np.mean(ranks, axis=0),
        )

    def score(self, name: str = "") -> Floats:
        """Return a bridging score, mean over the networks whose fit has it; the one each fit names first unless said."""
        found = [
            fit.bridging[name or fit.bridging_score][at]
            for fit, at in zip(self.fits, self.places, strict=True)
            if not name or name in fit.bridging
        ]
        return np.asarray(np.mean(found, axis=0)) if found else np.full(len(self.actors), np.nan)

    def lies_between(self, step: float) -> Floats:
        """Return the probability that each lies between two clusters, mean over the networks whose fit says: (n_actors,).

        A fit without draws does not say it of an actor whose memberships are within ``step`` of 0 and 1; NaN where none says.
        """
        said: list[Floats] = []
        for fit, at in zip(self.fits, self.places, strict=True):
            if "between" in fit.bridging:
                values = fit.bridging["between"][at]
                sure = (fit.membership[at].max(axis=1) > 1.0 - step) & np.isin(values, (0.0, 1.0))
                said.append(np.where(sure & (fit.posterior is None), np.nan, values))
        if not said:
            return np.full(len(self.actors), np.nan)
        known = np.isfinite(said)
        total = np.where(known, said, 0.0).sum(axis=0)
        return np.asarray(
            np.divide(total, known.sum(axis=0), out=np.full(total.shape, np.nan), where=known.any(axis=0))
        )

    def together(self, chosen: Places) -> Floats:
        """Return the probability that each two of the chosen share a cluster in all networks."""
        product = np.ones((len(chosen), len(chosen)))
        for fit, at in zip(self.fits, self.places, strict=True):
            if fit.posterior is None:
                member = fit.membership[at[chosen]]
                product *= member @ member.T
            else:
                draws = fit.posterior.labels
                product *= co_clustering(draws.reshape(-1, draws.shape[-1])[:, at[chosen]])
        return product


def _places(among: tuple[str, ...], actors: tuple[str, ...]) -> Places:
    where = {actor: i for i, actor in enumerate(among)}
    return np.array([where[actor] for actor in actors], dtype=np.intp)


def _unknown(fit: Fit) -> Flags:
    return fit.unknown if len(fit.unknown) else np.zeros(len(fit.actors), dtype=bool)


def _ranks(score: Floats) -> Floats:
    """Return ranks from 0, equal scores sharing the mean of theirs."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray(((2 * last - counts - 1) / 2.0)[inverse])


def _distances(positions: Floats, membership: Floats) -> Floats:
    """Return distances from the middle of each cluster over its root mean square radius: (n_actors, n_clusters)."""
    total = np.maximum(membership.sum(axis=0), 1e-300)
    middles = membership.T @ positions / total[:, None]
    squared = ((positions[:, None] - middles[None]) ** 2).sum(axis=2)
    spread = (membership * squared).sum(axis=0) / total
    return np.asarray(np.sqrt(squared / np.maximum(spread, 1e-300)))
