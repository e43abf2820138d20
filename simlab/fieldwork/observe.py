"""Fieldwork: how the data are collected; observe: the panel that such a study would hold."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simlab.foundation.settings import Settings
from simlab.foundation.streams import stream
from simlab.panel import DyadState, Panel

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Fieldwork(Settings):
    """The settings of a data collection. By default everybody is asked, everybody answers, and all ties are told."""

    response_rate: Share = Field(default=1.0, description="probability that an actor who is asked answers")
    max_nominations: int | None = Field(
        default=None, ge=1, description="names allowed (fixed-choice design); none: no limit"
    )
    absence: Share = Field(default=0.0, description="probability that an actor is away when the data are collected")


def observe(panel: Panel, fieldwork: Fieldwork, *, seed: int, replicate: int = 0, world: str = "") -> Panel:
    """Return the panel that a study with this fieldwork would hold.

    Who is away is not asked, and who does not answer says nothing: their own ties are unobserved, although others may
    name them. Who has more ties than names allowed gives a random choice of them, and the others are read as no tie, as
    analysts of fixed-choice data do. Away and not answering are drawn for each period; both hold for all relations.

    Parameters
    ----------
    panel : Panel
        A panel in which everything is observed.
    fieldwork : Fieldwork
        The settings.
    seed, replicate : int
        With ``world`` and the fieldwork they name the random stream.
    world : str
        The key of the scenario that the panel is from, where there is one.

    Returns
    -------
    Panel
        The same actors and periods, with dyads in the states of DyadState.
    """
    rng = stream(seed, "field", world, fieldwork.key, replicate)
    away = rng.random(panel.present.shape) < fieldwork.absence
    silent = rng.random(panel.present.shape) >= fieldwork.response_rate
    asked = panel.asked & ~away
    answered = panel.answered & asked & ~silent
    states = {}
    for site, relation, period in panel.keys:
        t, members = panel.periods.index(period), panel.members(site)
        state = panel.states[site, relation, period].copy()
        if fieldwork.max_nominations is not None:
            _limit_nominations(state, fieldwork.max_nominations, rng)
        told = state <= DyadState.TIE
        state[told & ~answered[t, members][:, None]] = DyadState.NO_ANSWER
        state[told & ~asked[t, members][:, None]] = DyadState.NOT_ASKED
        if not panel.directed[panel.relations.index(relation)]:
            # Of an undirected tie one account is enough.
            order = np.array([1, 0, 2, 3, 4, 5])[state]
            state = np.where(order <= order.T, state, state.T)
        states[site, relation, period] = state
    return Panel(
        actors=panel.actors,
        site_of=panel.site_of,
        sites=panel.sites,
        relations=panel.relations,
        periods=panel.periods,
        directed=panel.directed,
        attributes=panel.attributes,
        present=panel.present,
        asked=asked,
        answered=answered,
        states=states,
        counts={key: np.where(states[key] == DyadState.TIE, values, 0.0) for key, values in panel.counts.items()},
    )


def _limit_nominations(state: NDArray[np.int8], most: int, rng: np.random.Generator) -> None:
    """Turn ties beyond ``most`` in each row into no tie, a random choice of them."""
    ties = state == DyadState.TIE
    # Rank random numbers among each row's ties: the first ``most`` are named.
    order = np.where(ties, rng.random(state.shape), 2.0)
    rank = order.argsort(axis=1).argsort(axis=1)
    state[ties & (rank >= most)] = DyadState.NO_TIE
