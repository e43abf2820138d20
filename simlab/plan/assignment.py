"""How probably each actor is assigned rightly, by the posterior: clusters have no names, and so they are matched first.

An assignment is right where the actor is in the partner of its reported cluster, when the clusters there truly are have been
matched one to one to the reported ones for the most actors. The posterior probability of that is its share of the posterior
draws, each draw's clusters being matched in the same way. What is done to the truth is done to each draw; so, where the
parameters come from the prior, of the assignments with probability p the share p is right, although matching favours
agreement: the probabilities contain the favour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit
from simlab.foundation.errors import InputError
from simlab.partition import contingency, match
from simlab.plan.worlds import spread_evenly

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Labels = NDArray[np.integer]

# An assignment is called safe from this probability on, where it is also no more than half as likely to be wrong as by chance.
SAFE = 0.9
_LEAST_OVER_CHANCE = 0.5
# Draws that are matched; more say no more.
_MOST_MATCHED = 2000
_MOST_SHUFFLED = 500


@dataclass(frozen=True, eq=False)
class Assignments:
    """How probably each actor is assigned rightly.

    Attributes
    ----------
    actors, labels : (n_actors,)
        The reported partition, clusters from 0.
    probability : (n_actors,)
        That the assignment is right.
    chance : (n_actors,)
        The same where the actors of each draw are shuffled: what matching and unequal sizes give to anybody.
    elsewhere : (n_actors,)
        The other reported cluster in which the actor is most probably; -1 where it never is in another.
    """

    actors: tuple[str, ...]
    labels: NDArray[np.int64]
    probability: Floats
    chance: Floats
    elsewhere: NDArray[np.int64]

    @property
    def divided(self) -> bool:
        """Whether the reported partition has two clusters at least: else no assignment could be wrong."""
        return len(np.unique(self.labels)) > 1

    @property
    def safe(self) -> Flags:
        """Whose assignment is safe: (n_actors,). Nobody's where all are in one cluster."""
        over_chance = 1.0 - self.probability <= (1.0 - _LEAST_OVER_CHANCE) * (1.0 - self.chance)
        return np.asarray((self.probability >= SAFE) & over_chance & self.divided)


def assignments(fit: Fit, *, rng: np.random.Generator) -> Assignments:
    """Return how probably each actor of a fit is assigned rightly; InputError for a fit without posterior draws of labels.

    ``rng`` shuffles the actors for ``chance``.
    """
    if fit.posterior is None:
        raise InputError.of("fitter", fit.fitter, "has no posterior draws, which say how probable an assignment is")
    drawn = fit.posterior.labels.reshape(-1, len(fit.actors))
    chosen = _some(drawn, _MOST_MATCHED)
    shuffled = np.stack([rng.permutation(row) for row in _some(drawn, _MOST_SHUFFLED)])
    partner = np.stack([partners(fit.labels, row) for row in chosen])
    right, elsewhere = _right(fit.labels, partner), _elsewhere(fit.labels, partner)
    by_chance = _right(fit.labels, np.stack([partners(fit.labels, row) for row in shuffled])).mean(axis=0)
    chance = np.zeros(len(fit.actors))
    for g in np.unique(fit.labels):
        # Who is shuffled does not matter: everybody of a cluster has the same chance.
        chance[fit.labels == g] = by_chance[fit.labels == g].mean()
    return Assignments(fit.actors, fit.labels, right.mean(axis=0), chance, elsewhere)


def partners(reported: Labels, other: Labels) -> NDArray[np.int64]:
    """Return for each actor the reported cluster that is the partner of its cluster in another partition; -1 for none.

    (n_actors,), clusters matched one to one for the most actors (Hungarian).
    """
    pairs = match(contingency(reported, other))
    names = np.full(int(np.max(other)) + 1, -1, dtype=np.int64)
    for g, h in pairs:
        names[h] = g
    return np.asarray(names[other])


def rightly_assigned(reported: Labels, truth: Labels) -> Flags:
    """Return who is in the partner of the reported cluster: (n_actors,)."""
    return np.asarray(partners(reported, truth) == reported)


def _right(reported: Labels, partner: NDArray[np.int64]) -> Flags:
    return np.asarray(partner == reported[None])


def _elsewhere(reported: Labels, partner: NDArray[np.int64]) -> NDArray[np.int64]:
    clusters = np.unique(reported)
    shares = np.stack([(partner == g).mean(axis=0) for g in clusters], axis=1)
    shares[np.arange(len(reported)), np.searchsorted(clusters, reported)] = 0.0
    return np.where(shares.max(axis=1) > 0.0, clusters[shares.argmax(axis=1)], -1)


def _some(drawn: Labels, most: int) -> NDArray[np.int64]:
    """Return the labels of so many draws at most, evenly spread: (n_draws, n_actors)."""
    return drawn[spread_evenly(len(drawn), min(len(drawn), most))].astype(np.int64)
