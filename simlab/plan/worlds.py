"""world_of_draw, worlds_from_fit: worlds of posterior draws, each a Scenario, of one relation or several fitted jointly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit
from simlab.fit.likely_bridgers import likely_bridgers
from simlab.fit.prediction import model_of
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.panel import Network
from simlab.plan.from_fit import scenario_from_fit


def worlds_from_fit(fit: Fit, networks: Sequence[Network], n: int, *, n_periods: int = 1) -> list[Scenario]:
    """Return worlds of posterior draws, spread evenly over the chains.

    Each has the positions, effects and clusters of its draw as its truth; the density and the reciprocity of the networks;
    and, in ``fitted.found`` and ``fitted.bridgers``, what the fit reported, with which refits are compared. In a world of
    several periods nobody moves and ties are drawn anew in each, given who people are: what seems to change between two of
    its periods is the test-retest null.

    Parameters
    ----------
    fit : Fit
        With posterior draws.
    networks : sequence of Network
        What was fitted; of a joint fit every relation, in the order of the fit.
    n : int
        How many worlds.
    n_periods : int
        How often each world is observed.

    Raises
    ------
    InputError
        As ``scenario_from_fit``; for a joint fit in which relations have effects or covariates of their own.
    """
    if n < 1:
        raise InputError.of("worlds", n, "must be an integer from 1")
    bridgers = tuple(fit.actors[i] for i in likely_bridgers(fit))
    total = model_of(fit).n_draws
    out: list[Scenario] = []
    for place, k in enumerate(spread_evenly(total, n).tolist()):
        made = world_of_draw(fit, networks, k, bridgers=bridgers, n_periods=n_periods)
        # A draw that is taken again is another world of the same people, and not a copy.
        taken = place and out[-1].but(series=0) == made
        out.append(made.but(series=out[-1].series + 1) if taken else made)
    return out


def spread_evenly(total: int, n: int) -> NDArray[np.int64]:
    """Return ``n`` places among ``total``, evenly spread; some of them twice where there are fewer."""
    return np.asarray((2 * np.arange(n) + 1) * total // (2 * n), dtype=np.int64)


def world_of_draw(
    fit: Fit, networks: Sequence[Network], draw: int, *, bridgers: Sequence[str] = (), n_periods: int = 1
) -> Scenario:
    """Return the world of one posterior draw, with its positions, effects and clusters, and a relation for each network.

    Parameters and errors as ``worlds_from_fit``; bridgers : whom the fit named, kept in ``fitted.bridgers``.
    """
    each = [
        scenario_from_fit(fit, network, draw=draw, relation=r, drawn_labels=True, bridgers=bridgers)
        for r, network in enumerate(networks)
    ]
    first = each[0]
    # Relations and periods are drawn independently given the positions, as the model has them.
    several = {"overlap": None, "tie_persistence": None, "n_periods": n_periods} if n_periods > 1 else {}
    if len(each) == 1:
        return first.but(**several)
    worlds = [world.fitted for world in each]
    assert worlds[0] is not None
    for relation, world in zip(networks, worlds, strict=True):
        assert world is not None
        if (world.activity, world.popularity, world.offsets) != (
            worlds[0].activity,
            worlds[0].popularity,
            worlds[0].offsets,
        ):
            raise InputError(
                f"{relation}: relations fitted jointly must not have effects or covariates of their own here"
            )
    undirected = tuple(name for world in worlds if world is not None for name in world.undirected)
    return Scenario(
        **{
            **first.given(),
            **several,
            "overlap": None,
            "relations": tuple(world.relations[0] for world in each),
            "density": tuple(world.density for world in each),
            "reciprocity": tuple(world.reciprocity for world in each),
            "fitted": worlds[0].but(undirected=undirected),
        }
    )
