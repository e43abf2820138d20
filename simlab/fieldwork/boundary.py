"""Boundary specification: who is taken to belong to the network (Laumann, Marsden & Prensky 1983)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simlab.fieldwork.settings import Fieldwork
from simlab.foundation.errors import InputError, UnknownNameError, shown
from simlab.panel import DyadState, Panel

Flags = NDArray[np.bool_]
States = NDArray[np.int8]


def within_boundary(panel: Panel, fieldwork: Fieldwork, rng: np.random.Generator) -> Panel:
    """Return the panel of those whom the field takes to belong: without organisations left out, with outsiders."""
    if fieldwork.left_out:
        panel = _without(panel, fieldwork.left_out)
    if fieldwork.outsiders > 0.0:
        panel = _with_outsiders(panel, fieldwork.outsiders, fieldwork.outsider_ties, rng)
    return panel


def _without(panel: Panel, left_out: tuple[str, ...]) -> Panel:
    """Return the panel without those who, in any period, were present in one of the organisations."""
    if "organisation" not in panel.attributes:
        raise InputError.of("left_out", ", ".join(left_out), "the actors have no organisation")
    organisation = panel.attributes["organisation"]
    known = sorted(set(organisation[panel.present].tolist()) - {""})
    for name in left_out:
        if name not in known:
            raise UnknownNameError.among("organisation", name, known)
    kept = np.asarray(~(np.isin(organisation, np.array(left_out)) & panel.present).any(axis=0))
    if not (panel.present & kept).any():
        raise InputError.of("left_out", shown(", ".join(left_out)), "leaves nobody in the network")
    return _restricted(panel, kept)


def _restricted(panel: Panel, kept: Flags) -> Panel:
    """Return the panel of some of its actors; kept : (n_actors,)."""
    inside = {site: kept[panel.members(site)] for site in panel.sites}
    return replace(
        panel,
        actors=tuple(actor for actor, stays in zip(panel.actors, kept, strict=True) if stays),
        site_of=tuple(site for site, stays in zip(panel.site_of, kept, strict=True) if stays),
        attributes={name: values[:, kept] for name, values in panel.attributes.items()},
        present=panel.present[:, kept],
        asked=panel.asked[:, kept],
        answered=panel.answered[:, kept],
        states={key: state[np.ix_(inside[key[0]], inside[key[0]])] for key, state in panel.states.items()},
        counts={key: counts[np.ix_(inside[key[0]], inside[key[0]])] for key, counts in panel.counts.items()},
        limited={key: limited[inside[key[0]]] for key, limited in panel.limited.items()},
    )


def _with_outsiders(panel: Panel, share: float, share_of_ties: float, rng: np.random.Generator) -> Panel:
    """Return the panel with outsiders, present and asked in every period, who have few ties, to anybody.

    Of a site there are ``share`` times as many as people in the first period, rounded. A tie between an outsider and
    anybody else has ``share_of_ties`` of the network's density for its probability, each way. An outsider has the
    attributes that one of those who belong, drawn at random, has in the first period.
    """
    names, site_of, models = list(panel.actors), list(panel.site_of), list(range(len(panel.actors)))
    for site in panel.sites:
        members = panel.members(site)
        here = members[panel.present[0, members]]
        count = int(np.floor(share * len(here) + 0.5)) if len(here) else 0
        for number in range(count):
            name = " ".join(part for part in ("outsider", site, f"{number + 1:0{len(str(count))}d}") if part)
            while name in names:
                name += "+"
            names.append(name)
            site_of.append(site)
            models.append(int(rng.choice(here)))
    order = np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.intp)
    outside = (np.arange(len(names)) >= len(panel.actors))[order]

    def flags(values: Flags) -> Flags:
        grown = np.ones((len(values), len(names)), dtype=bool)
        grown[:, : values.shape[1]] = values
        return grown[:, order]

    sites, source = np.array(site_of)[order], np.array(models, dtype=np.intp)[order]
    present = flags(panel.present)
    states, counts, limited = {}, {}, {}
    for key in panel.keys:
        of_site = np.flatnonzero(sites == key[0])
        t = panel.periods.index(key[2])
        new, here = outside[of_site], present[t, of_site]
        old = np.ix_(~new, ~new)
        state = np.full((len(of_site), len(of_site)), DyadState.NO_TIE, dtype=np.int8)
        state[old] = panel.states[key]
        strange = new[:, None] | new[None]
        tied = rng.random(state.shape) < share_of_ties * _density(panel.states[key])
        if not panel.directed[panel.relations.index(key[1])]:
            tied = np.triu(tied, 1) | np.triu(tied, 1).T
        state[strange & tied] = DyadState.TIE
        state[strange & ~(here[:, None] & here[None])] = DyadState.ABSENT
        np.fill_diagonal(state, DyadState.IMPOSSIBLE)
        states[key] = state
        if key in panel.counts:
            counts[key] = (state == DyadState.TIE).astype(np.float64)
            counts[key][old] = panel.counts[key]
        if key in panel.limited:
            limited[key] = np.zeros(len(of_site), dtype=bool)
            limited[key][~new] = panel.limited[key]
    return replace(
        panel,
        actors=tuple(names[i] for i in order),
        site_of=tuple(site_of[i] for i in order),
        # Those who belong may be gone in a later period, with nothing known of them; outsiders stay as they are.
        attributes={
            name: np.where(outside, values[:1, source], values[:, source]) for name, values in panel.attributes.items()
        },
        present=present,
        asked=flags(panel.asked),
        answered=flags(panel.answered),
        states=states,
        counts=counts,
        limited=limited,
    )


def _density(state: States) -> float:
    """Return observed ties over observed dyads; 0 where none is observed."""
    told = int((state <= DyadState.TIE).sum())
    return float((state == DyadState.TIE).sum() / told) if told else 0.0
