"""Nomination: the names that respondents give, with what they forget, what they make up, and how many they may give."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simlab.fieldwork.known import Key, Known
from simlab.fieldwork.odds import probabilities, rank_share
from simlab.fieldwork.settings import Fieldwork
from simlab.foundation.errors import InputError
from simlab.panel import DyadState, Panel

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
States = NDArray[np.int8]


def misremember(state: States, key: Key, fieldwork: Fieldwork, known: Known, rng: np.random.Generator) -> None:
    """Turn ties that are forgotten into no tie, and no tie into a tie where somebody is named who is not tied.

    The share forgotten is kept in expectation over the ties of a network; where the odds differ by strength, strength is
    the rank of the tie's true probability among them.
    """
    ties, none = state == DyadState.TIE, state == DyadState.NO_TIE
    luck = rng.random(state.shape)
    forgotten = fieldwork.share_forgotten
    if forgotten > 0.0:
        chance = np.full(state.shape, forgotten)
        if fieldwork.forgetting_odds_ratio != 1.0:
            setting = f"forgetting_odds_ratio = {fieldwork.forgetting_odds_ratio:g}"
            weakness = rank_share(-known.strength(key, setting)[ties])
            chance[ties] = probabilities(weakness, forgotten, fieldwork.forgetting_odds_ratio)
        state[ties & (luck < chance)] = DyadState.NO_TIE
    state[none & (luck < fieldwork.false_ties)] = DyadState.TIE


def limit_nominations(
    state: States, key: Key, fieldwork: Fieldwork, known: Known, rng: np.random.Generator
) -> Flags | None:
    """Turn the names beyond those allowed into no tie; return who named as many as allowed: (n_site_actors,).

    None where there is no limit. Names are dropped in the order that ``dropped`` says, at random among equals.
    """
    most = fieldwork.max_nominations
    if most is None:
        return None
    ties = state == DyadState.TIE
    luck = rng.random(state.shape)
    first = np.where(ties, _order(key, fieldwork.dropped, known), np.inf)
    # Rank within each row, ties before all others: the first ``most`` are named.
    rank = np.lexsort((np.where(ties, luck, 2.0), first, ~ties), axis=1).argsort(axis=1)
    state[ties & (rank >= most)] = DyadState.NO_TIE
    return np.asarray((state == DyadState.TIE).sum(axis=1) >= most)


def _order(key: Key, dropped: str, known: Known) -> Floats:
    """Return a number for each dyad, (n_site_actors, n_site_actors): names with the highest are dropped first."""
    setting = f"dropped = {dropped}"
    if dropped == "weakest":
        return -known.strength(key, setting)
    if dropped == "farthest":
        return known.distance(key, setting)
    members = known.panel.members(key[0])
    if dropped == "at-random":
        return np.zeros((len(members), len(members)))
    organisation = _organisations(known.panel, key, setting)
    within = (organisation[:, None] == organisation[None]) & (organisation[:, None] != "")
    return np.asarray(within if dropped == "within-organisation" else ~within, dtype=np.float64)


def _organisations(panel: Panel, key: Key, setting: str) -> NDArray[np.str_]:
    if "organisation" not in panel.attributes:
        raise InputError(f"{setting}: the actors have no organisation")
    return np.asarray(panel.attributes["organisation"][panel.periods.index(key[2]), panel.members(key[0])])
