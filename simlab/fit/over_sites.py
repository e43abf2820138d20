"""Another fitter over all sites: one fit of everybody, between whom no tie could be unless they are of one site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from simlab.fit.fit import Fit, check_fittable, fitters
from simlab.fit.together import TogetherFitter
from simlab.foundation.errors import InputError
from simlab.panel import DyadState, Network


@fitters.register(
    "over-sites",
    summary="another fitter on all sites at once, dyads between sites left out",
    reference="Sweet, Thomas & Junker 2013",
)
class OverSites(TogetherFitter):
    """Another fitter, the ``base``, on everybody of all sites in one network whose dyads between sites are impossible.

    Sites share the clusters and the parameters of the model; each site's fit is the part of its actors. What the network has
    of actors of other sites is nothing, so that the model alone can tell that their clusters are alike.
    """

    name: ClassVar[str] = "over-sites"
    over: ClassVar[Literal["relation", "site"]] = "site"

    def fit_together(self, networks: Sequence[Network], *, rng: np.random.Generator) -> list[Fit]:
        """Return each site's part of one fit. Errors are those of the base; InputError where an actor is of two sites."""
        for network in networks:
            check_fittable([network], rng)
        fit = replace(self.base_fitter.fit(side_by_side(networks), rng=rng), fitter=self.name, tie_model=None)
        return [fit.of(network.actors) for network in networks]


def side_by_side(networks: Sequence[Network]) -> Network:
    """Return one network of everybody, in the order of the networks, in which dyads between two of them are impossible.

    Attributes that a network does not have are unknown for its actors. InputError where an actor is in two of them.
    """
    if len(networks) == 1:
        return networks[0]
    actors = tuple(actor for network in networks for actor in network.actors)
    if len(set(actors)) < len(actors):
        raise InputError("networks: must have different actors to be laid side by side")
    ends = np.cumsum([network.n_actors for network in networks])
    state = np.full((len(actors), len(actors)), DyadState.IMPOSSIBLE, dtype=np.int8)
    counts = np.zeros(state.shape) if any(network.counts is not None for network in networks) else None
    for network, end in zip(networks, ends, strict=True):
        here = slice(end - network.n_actors, end)
        # Where directed and undirected networks meet, an undirected tie is one each way.
        state[here, here] = network.state
        if counts is not None:
            counts[here, here] = network.tie_counts()
    names = dict.fromkeys(name for network in networks for name in network.attributes)
    limited = [network.limited for network in networks]
    known = [flags for flags in limited if flags is not None]
    return Network(
        actors=actors,
        state=state,
        directed=any(network.directed for network in networks),
        attributes={
            name: tuple(
                value for network in networks for value in network.attributes.get(name, ("",) * network.n_actors)
            )
            for name in names
        },
        relation=networks[0].relation,
        period=networks[0].period,
        counts=counts,
        limited=np.concatenate(known) if len(known) == len(limited) else None,
        max_nominations=networks[0].max_nominations,
    )
