"""Another fitter over all relations of the same actors: jointly, or on their union."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from simlab.fit.fit import Fit, check_fittable, fitters
from simlab.fit.latent import LatentFitter
from simlab.fit.together import TogetherFitter
from simlab.foundation.errors import InputError
from simlab.panel import DyadState, Network


@fitters.register(
    "over-relations",
    summary="another fitter on all relations at once: jointly, or on their union",
    reference="joint fits: Gollini & Murphy 2016",
)
class OverRelations(TogetherFitter):
    """Another fitter, the ``base``, on all relations of a site and period; its one fit stands for each of them.

    ``how = joint`` needs a base with joint fits, those of the latent position models: positions and clusters are shared, all
    else is each relation's own. ``how = union`` fits the network in which two actors are tied who are tied in any relation;
    ``auto`` is joint where the base can, and the union for all others.
    """

    name: ClassVar[str] = "over-relations"
    over: ClassVar[Literal["relation", "site"]] = "relation"

    how: Literal["auto", "joint", "union"] = Field(
        default="auto", description="joint fit, or a fit of the union; auto: joint where the base can"
    )

    @model_validator(mode="after")
    def _base_can(self) -> Self:
        if self.how == "joint" and not isinstance(self.base_fitter, LatentFitter):
            raise InputError.of(
                "how", self.how, f"needs a base with joint fits, and {self.base} has none: set how = union"
            )
        return self

    def fit_together(self, networks: Sequence[Network], *, rng: np.random.Generator) -> list[Fit]:
        """Return the one fit of all relations, as often as there are relations. Errors are those of the base."""
        check_fittable(networks, rng)
        base = self.base_fitter
        if isinstance(base, LatentFitter) and self.how != "union":
            fit = base.fit_joint(networks, rng=rng)
        else:
            fit = base.fit(union(networks), rng=rng)
        return [replace(fit, fitter=self.name, tie_model=None)] * len(networks)


def union(networks: Sequence[Network]) -> Network:
    """Return the network in which a tie is one of any relation.

    A dyad is a tie where any relation has one; unobserved where none has and one is not observed; no tie else. Weights are
    added up. Who used up all names in one relation has done so, and the names allowed are those of all relations.
    Raises InputError where actors differ.
    """
    first = networks[0]
    if len(networks) == 1:
        return first
    if any(network.actors != first.actors for network in networks):
        raise InputError("networks: must have the same actors to be united")
    states = np.stack([network.state for network in networks])
    # Of what is no tie, what is least known stands: impossible and absent are so in every relation.
    state = np.where((states == DyadState.TIE).any(axis=0), DyadState.TIE, states.max(axis=0))
    counted = [network.tie_counts() for network in networks] if any(n.counts is not None for n in networks) else []
    limits = [n.limited for n in networks if n.limited is not None]
    allowed = [n.max_nominations for n in networks if n.max_nominations is not None]
    return replace(
        first,
        state=np.asarray(state, dtype=np.int8),
        directed=any(network.directed for network in networks),
        relation=" or ".join(network.relation for network in networks if network.relation),
        counts=np.asarray(np.sum(counted, axis=0)) if counted else None,
        limited=np.logical_or.reduce(limits) if limits else None,
        max_nominations=sum(allowed) if len(limits) == len(networks) and allowed else None,
    )
