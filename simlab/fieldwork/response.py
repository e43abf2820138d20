"""Response: who answers, at random or by what people are, at a rate that is kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simlab.fieldwork.known import Known
from simlab.fieldwork.odds import probabilities, rank_share
from simlab.fieldwork.settings import Fieldwork
from simlab.foundation.errors import InputError
from simlab.panel import DyadState, Panel

Floats = NDArray[np.float64]


def response_probability(panel: Panel, fieldwork: Fieldwork, known: Known) -> Floats:
    """Return the probability that an actor who is asked answers: (n_periods, n_actors).

    Where it depends on something its mean over the actors asked, of each site and period, is still the response rate. The
    odds ratio is between the ends of what it depends on: between the highest and the lowest level of seniority with even
    steps between them; between the actor with the fewest ties, sent and received in all relations of the period, and the
    one with the most, by rank; between bridgers and others.

    Raises InputError where rates are given for another number of periods, or what the response depends on is not known.
    """
    rates = _rates(fieldwork.response_rate, panel)
    out = np.tile(rates[:, None], (1, len(panel.actors)))
    if fieldwork.response_by == "nothing":
        return out
    extent = _extent(panel, fieldwork.response_by, known)
    for site in panel.sites:
        members = panel.members(site)
        for t in range(len(panel.periods)):
            asked = members[panel.asked[t, members]]
            share = extent[t, asked]
            if fieldwork.response_by == "periphery":
                share = rank_share(share)
            out[t, asked] = probabilities(share, float(rates[t]), fieldwork.response_odds_ratio)
    return out


def _rates(rate: float | tuple[float, ...], panel: Panel) -> Floats:
    if not isinstance(rate, tuple):
        return np.full(len(panel.periods), rate)
    if len(rate) != len(panel.periods):
        raise InputError.of(
            "response_rate", rate, f"must be one number, or one for each of {len(panel.periods)} periods"
        )
    return np.array(rate)


def _extent(panel: Panel, by: str, known: Known) -> Floats:
    """Return how senior, how much of a bridger, or with how few ties actors are: (n_periods, n_actors)."""
    setting = f"response_by = {by}"
    if by == "seniority":
        return known.seniority(setting)
    if by == "bridging":
        return np.tile(known.bridger(setting), (len(panel.periods), 1))
    ties = np.zeros(panel.present.shape)
    for site, relation, period in panel.keys:
        there = panel.states[site, relation, period] == DyadState.TIE
        ties[panel.periods.index(period), panel.members(site)] += there.sum(axis=0) + there.sum(axis=1)
    return -ties
