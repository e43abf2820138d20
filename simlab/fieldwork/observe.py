"""observe: the panel that a study with a given fieldwork would hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simlab.fieldwork.boundary import within_boundary
from simlab.fieldwork.known import Known
from simlab.fieldwork.nomination import limit_nominations, misremember
from simlab.fieldwork.response import response_probability
from simlab.fieldwork.settings import Fieldwork
from simlab.fieldwork.treatment import treated, unobserved
from simlab.foundation.streams import stream
from simlab.generate.truth import Truth
from simlab.panel import DyadState, Panel

__all__ = ["Fieldwork", "observe"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
States = NDArray[np.int8]


def observe(
    panel: Panel,
    fieldwork: Fieldwork,
    *,
    seed: int,
    replicate: int = 0,
    world: str = "",
    truth: Truth | None = None,
) -> Panel:
    """Return the panel that a study with this fieldwork would hold.

    In turn: the boundary says who belongs at all. Who is away or not invited is not asked, and who does not answer says
    nothing: their own ties are unobserved, although others may name them. Those who answer forget ties and make up others,
    and give no more names than allowed; the names dropped are read as no tie, as analysts of fixed-choice data do, and who
    used up all names is kept in ``limited``. Of a non-respondent's dyads with respondents the other side may report some,
    as they truly are: these are observed in the row of an actor who did not answer. Last comes the treatment of what is
    missing. Away and not answering are drawn for each period; both hold for all relations. Of an undirected tie one account
    is enough.

    Parameters
    ----------
    panel : Panel
        A panel in which everything is observed.
    fieldwork : Fieldwork
        The settings.
    seed, replicate : int
        With ``world`` and the fieldwork they name the random streams. The treatment does not: all see the same answers.
    world : str
        The key of the scenario that the panel is from, where there is one.
    truth : Truth, optional
        Of the panel. Needed where the field depends on it: by seniority or bridging, on how strong or long a tie is.

    Returns
    -------
    Panel
        The same periods, and the actors within the boundary, with dyads in the states of DyadState.

    Raises
    ------
    InputError
        Where the fieldwork needs a truth that is not given, or an attribute or organisation that the panel does not have.
    """
    names = ("field", world, fieldwork.observation_key, replicate)
    rng, memory, others = stream(seed, *names), stream(seed, *names, "recall"), stream(seed, *names, "proxy")
    panel = within_boundary(panel, fieldwork, stream(seed, *names, "boundary"))
    known = Known(panel, truth)
    away = rng.random(panel.present.shape) < fieldwork.absence
    silent = rng.random(panel.present.shape) >= response_probability(panel, fieldwork, known)
    asked = panel.asked & ~away
    if fieldwork.n_invited is not None:
        asked &= _invited(panel, fieldwork.n_invited, stream(seed, *names, "invited"))
    answered = panel.answered & asked & ~silent
    errs = fieldwork.share_forgotten > 0.0 or fieldwork.false_ties > 0.0
    states, limits = {}, {}
    for key in panel.keys:
        site, relation, period = key
        t, members = panel.periods.index(period), panel.members(site)
        state = panel.states[key].copy()
        if errs:
            misremember(state, key, fieldwork, known, memory)
        limited = limit_nominations(state, key, fieldwork, known, rng)
        if limited is not None:
            limits[key] = limited & answered[t, members]
        told = state <= DyadState.TIE
        state[told & ~answered[t, members][:, None]] = DyadState.NO_ANSWER
        state[told & ~asked[t, members][:, None]] = DyadState.NOT_ASKED
        if not panel.directed[panel.relations.index(relation)]:
            # Of an undirected tie one account is enough.
            order = np.array([1, 0, 2, 3, 4, 5])[state]
            state = np.where(order <= order.T, state, state.T)
        elif fieldwork.proxy > 0.0:
            _report(state, panel.states[key], answered[t, members], fieldwork.proxy, others)
        states[key] = state
    seen = replace(
        panel,
        asked=asked,
        answered=answered,
        states=states,
        counts={key: _counts(states[key], values) for key, values in panel.counts.items()},
        limited=limits,
        max_nominations={} if fieldwork.max_nominations is None else dict.fromkeys(limits, fieldwork.max_nominations),
    )
    return treated(seen, fieldwork.treatment)


def _invited(panel: Panel, most: int, rng: np.random.Generator) -> Flags:
    """Return who is invited, (n_periods, n_actors): of each site so many of those present, as far as they go.

    Everybody has a place in one random order, so that who was invited before is invited again.
    """
    turn = rng.random(len(panel.actors))
    invited = np.zeros(panel.present.shape, dtype=bool)
    for site in panel.sites:
        members = panel.members(site)
        for t in range(len(panel.periods)):
            here = members[panel.present[t, members]]
            invited[t, here[np.argsort(turn[here], kind="stable")[:most]]] = True
    return invited


def _report(state: States, true: States, answered: Flags, share: float, rng: np.random.Generator) -> None:
    """Enter what respondents report of the ties that others, who say nothing, have to them."""
    reported = unobserved(state) & (true <= DyadState.TIE) & answered[None] & (rng.random(state.shape) < share)
    state[reported] = true[reported]


def _counts(state: States, counts: Floats) -> Floats:
    """Return the counts of the ties that were seen; a tie that there is not counts as its other side does, or once."""
    own = np.where(counts > 0.0, counts, np.where(counts.T > 0.0, counts.T, 1.0))
    return np.where(state == DyadState.TIE, own, 0.0)
