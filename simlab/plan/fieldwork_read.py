"""fieldwork_of: the fieldwork of a study that was done, read from what its panel says of who answered and how many names."""

from __future__ import annotations

from typing import Any

import numpy as np

from simlab.fieldwork.observe import Fieldwork
from simlab.foundation.errors import InputError
from simlab.panel import DyadState, Network, Panel

Key = tuple[str, str, str]


def fieldwork_of(
    panel: Panel, key: Key, *, response_rate: float | None = None, max_nominations: int | None = None
) -> Fieldwork:
    """Return the fieldwork of one network, such that another study of its kind loses as much as this one did.

    The response rate is the share of those asked who answered, absence the share of those present who were not asked,
    ``max_nominations`` what the table of actors says; of dyads from those who did not answer to those who did, ``proxy`` is
    the share that others reported. Who will not answer is drawn at random.

    Parameters
    ----------
    panel : Panel
    key : (site, relation, period)
    response_rate, max_nominations : optional
        Where they are given they stand instead of what the panel says. InputError for a rate at which nobody would answer.
    """
    if response_rate is not None and not 0.0 < response_rate <= 1.0:
        raise InputError.of("response_rate", response_rate, "must be above 0 and at most 1")
    site, relation, period = key
    t, members = panel.periods.index(period), panel.members(site)
    present, asked, answered = (flags[t, members] for flags in (panel.present, panel.asked, panel.answered))
    if not present.any():
        raise InputError(f"{panel.network(*key)}: nobody is present")
    rate = float(answered.sum() / asked.sum()) if asked.any() else 1.0
    state = panel.states[key][np.ix_(asked & ~answered, answered)]
    reported = float((state <= DyadState.TIE).mean()) if state.size else 0.0
    directed = panel.directed[panel.relations.index(relation)]
    return Fieldwork(
        response_rate=rate if response_rate is None else response_rate,
        absence=float(1.0 - asked.sum() / present.sum()),
        max_nominations=panel.max_nominations.get(key) if max_nominations is None else max_nominations,
        # Of an undirected tie one account is enough, whoever gives it.
        proxy=reported if directed else 0.0,
    )


def joint_fieldwork(
    panel: Panel, site: str, period: str, *, response_rate: float | None = None, max_nominations: int | None = None
) -> Fieldwork:
    """Return the one fieldwork of all relations of a site and period, which are fitted jointly; as ``fieldwork_of``.

    Who answers is the same for all. The share of proxy reports is the mean over relations with direction: to the others it
    does not matter. InputError where the relations differ in how many names were allowed.
    """
    given: dict[str, Any] = {"response_rate": response_rate, "max_nominations": max_nominations}
    each = {relation: fieldwork_of(panel, (site, relation, period), **given) for relation in panel.relations}
    limits = {relation: fieldwork.max_nominations for relation, fieldwork in each.items()}
    if len(set(limits.values())) > 1:
        told = ", ".join(f"{'no limit' if most is None else most} for {relation}" for relation, most in limits.items())
        raise InputError(
            f"max_nominations: {told}: must be alike for relations fitted jointly: give --max-nominations for all, or"
            " assess them without --joint"
        )
    proxies = [each[relation].proxy for relation, one in zip(panel.relations, panel.directed, strict=True) if one]
    return each[panel.relations[0]].but(proxy=float(np.mean(proxies)) if proxies else 0.0)


def likely_limit(network: Network) -> int | None:
    """Return the most names that anybody gave, where so many gave as many that a limit is likely; None else.

    Three actors at least and a fifth of those who named anybody.
    """
    if not network.directed or network.max_nominations is not None:
        return None
    names = network.ties.sum(axis=1)
    most, gave = int(names.max(initial=0)), int((names > 0).sum())
    count = int((names == most).sum())
    return most if most > 1 and count >= max(3, 0.2 * gave) else None
