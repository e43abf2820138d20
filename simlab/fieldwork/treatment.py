"""Treatment: what analysts do about the answers that are missing, once the field has been."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simlab.fieldwork.settings import Treatment
from simlab.panel import DyadState, Panel

States = NDArray[np.int8]


def treated(panel: Panel, treatment: Treatment) -> Panel:
    """Return the panel as an analyst would analyse it.

    masking : as it is; what was not observed is left out of the likelihood (Handcock & Gile 2010).
    listwise-deletion : those who did not answer in a period are not in its networks.
    null-imputation : silence is read as no tie; the data set says of everybody present that they answered.
    reconstruction : an unobserved tie from i to j is taken as that from j to i where this was observed (Stork & Richards
        1992); between two who did not answer it stays open.
    reconstruction-and-null-imputation : the same, and what stays open is read as no tie (Huisman 2009).
    """
    if treatment == "listwise-deletion":
        return _listwise(panel)
    if treatment.startswith("reconstruction"):
        states = {key: reconstructed(state) for key, state in panel.states.items()}
        counts = {
            key: np.where(states[key] == DyadState.TIE, np.where(counts > 0.0, counts, counts.T), 0.0)
            for key, counts in panel.counts.items()
        }
        panel = replace(panel, states=states, counts=counts)
    if treatment.endswith("null-imputation"):
        states = {key: silence_as_no_tie(state) for key, state in panel.states.items()}
        panel = replace(panel, states=states, asked=panel.present.copy(), answered=panel.present.copy())
    return panel


def unobserved(state: States) -> NDArray[np.bool_]:
    """Return the dyads that could hold a tie and of which nothing is known: (n_actors, n_actors)."""
    return np.asarray((state == DyadState.NO_ANSWER) | (state == DyadState.NOT_ASKED))


def reconstructed(state: States) -> States:
    """Return the state with every unobserved dyad taken from its other side where that was observed."""
    return np.where(unobserved(state) & (state.T <= DyadState.TIE), state.T, state).astype(np.int8)


def silence_as_no_tie(state: States) -> States:
    """Return the state with every unobserved dyad read as no tie."""
    return np.where(unobserved(state), DyadState.NO_TIE, state).astype(np.int8)


def _listwise(panel: Panel) -> Panel:
    kept = panel.present & panel.answered
    states, counts = {}, {}
    for key in panel.keys:
        here = kept[panel.periods.index(key[2]), panel.members(key[0])]
        both = here[:, None] & here[None]
        state = panel.states[key]
        states[key] = np.where(both | (state == DyadState.IMPOSSIBLE), state, DyadState.ABSENT).astype(np.int8)
        if key in panel.counts:
            counts[key] = np.where(both, panel.counts[key], 0.0)
    return replace(panel, present=kept, asked=kept.copy(), answered=kept.copy(), states=states, counts=counts)
