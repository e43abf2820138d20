"""Whom to interview: people who surely share a position, cluster by cluster, and people who bridge clusters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simlab.fit.common_actors import CommonActors
from simlab.fit.fit import Fit, Status
from simlab.foundation.errors import InputError

Flags = NDArray[np.bool_]

# Memberships nearer than this are taken as equal: draws do not tell them apart.
_STEP = 0.01


@dataclass(frozen=True)
class Interview:
    """One person to interview.

    Attributes
    ----------
    actor : str
    cluster : int
        The cluster whose position the actor shares, or one of the two it lies between; as numbered in the first fit that
        has more than one.
    bridger : bool
        Whether the actor was chosen as one.
    towards : int or None
        The other cluster of a bridger; None for the rest, and where memberships of 0 and 1 do not tell.
    why : str
        What spoke for the actor.
    probability : float
        That the actor shares the position with the others chosen for the cluster, mean over these: from posterior draws, or
        from the memberships where there are none, multiplied over several networks; NaN for one who is alone. For a
        bridger, that it lies between two clusters, mean over the networks that say; NaN where none does, because it has no
        draws and the membership of the actor is 0 or 1.
    """

    actor: str
    cluster: int
    bridger: bool
    towards: int | None
    why: str
    probability: float


@dataclass(frozen=True)
class Interviews:
    """Whom to interview: ``rows`` cluster by cluster, then the bridgers; ``notes`` say what could not be had."""

    rows: tuple[Interview, ...]
    notes: tuple[str, ...] = ()

    @property
    def bridgers(self) -> tuple[str, ...]:
        """The actors chosen as bridgers, the first choice first."""
        return tuple(row.actor for row in self.rows if row.bridger)

    @property
    def clusters(self) -> dict[int, tuple[str, ...]]:
        """The actors chosen for each cluster, the first choice first."""
        chosen: dict[int, tuple[str, ...]] = {}
        for row in self.rows:
            if not row.bridger:
                chosen[row.cluster] = (*chosen.get(row.cluster, ()), row.actor)
        return chosen

    def __str__(self) -> str:
        """Return a table to read, with the notes below."""
        table = [("actor", "chosen for", "probability", "why")]
        for row in self.rows:
            shown = "" if np.isnan(row.probability) else f"{row.probability:.2f}"
            table.append((row.actor, _chosen_for(row), shown, row.why))
        widths = [max(len(cells[k]) for cells in table) for k in range(3)]
        lines = [f"{a:{widths[0]}}  {b:{widths[1]}}  {c:{widths[2]}}  {d}".rstrip() for a, b, c, d in table]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def _chosen_for(row: Interview) -> str:
    if not row.bridger:
        return f"cluster {row.cluster}"
    return f"bridge, {row.cluster} to {'others' if row.towards is None else row.towards}"


def select_interviews(
    fits: Fit | Sequence[Fit] | Mapping[str, Fit],
    *,
    per_cluster: int = 3,
    bridgers: int = 2,
    eligible: Iterable[str] | None = None,
) -> Interviews:
    """Choose interviewees who occupy similar positions in the networks, and some who bridge them.

    Bridgers come first: those with the highest bridging score (the one that each fit names), over several networks with the
    highest mean rank. Then, for each cluster, come those of the rest who most surely share its position: who are in it in
    all networks, by the product of their memberships (to 0.01); among equals those nearest to the middle of the cluster
    in the latent space, in units of its spread, then those who bridge the least, then those whom constraint holds the
    least, because many ties say most about where somebody stands; then by name. Clusters of several networks are matched
    one to one through the actors common to them (Hungarian), to those of the first network that has more than one. A
    network in which all are one cluster says nothing about the choice.

    Parameters
    ----------
    fits : Fit, sequence of Fit, or mapping from a name to Fit
        One network, or several of one site, such as its relations and periods.
    per_cluster, bridgers : int
        How many to choose; where there are fewer, those there are, with a note. An actor is chosen once.
    eligible : names, optional
        Who may be chosen; everybody unless said. Nobody is of whom a network shows nothing, or who is not in all of them.

    Returns
    -------
    Interviews

    Raises
    ------
    InputError
        For what is no fit, no fits, a failed fit, networks without a common actor, what is no count from 0, or a name that no
        fit knows.
    """
    for field, count in (("per_cluster", per_cluster), ("bridgers", bridgers)):
        _check_count(field, count)
    named = _named(fits)
    notes = [f"{name}: {fit.message}" for name, fit in named.items() if fit.status != Status.OK]
    sample = CommonActors.of(list(named.values()), _names(eligible))
    if sample.n_left_out:
        notes.append(f"{sample.n_left_out} not considered: not in all networks, or nothing is known of them")
    chosen = _bridgers(sample, bridgers, notes)
    rows = []
    free = sample.eligible.copy()
    free[chosen] = False
    for g in range(sample.joint.shape[1]):
        rows += _of_cluster(sample, g, free, per_cluster, notes)
    return Interviews((*rows, *(_bridge(sample, i) for i in chosen)), tuple(notes))


def _check_count(field: str, count: object) -> None:
    if isinstance(count, (bool, np.bool_)) or not isinstance(count, (int, np.integer)) or count < 0:
        raise InputError.of(field, count, "must be a whole number, 0 or more")


def _names(eligible: object) -> list[str] | None:
    if eligible is None:
        return None
    if isinstance(eligible, str) or not isinstance(eligible, Iterable):
        raise InputError.of("eligible", eligible, "must be a list of names, or none for everybody")
    names = list(eligible)
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        raise InputError.of("eligible", wrong[0], "must be a list of names, each a text")
    return names


def _named(fits: object) -> dict[str, Fit]:
    """Return the fits by name, checked."""
    if isinstance(fits, Fit):
        fits = {"fit": fits}
    elif isinstance(fits, Iterable) and not isinstance(fits, (str, Mapping)):
        fits = {f"network {at}": fit for at, fit in enumerate(fits, start=1)}
    if not isinstance(fits, Mapping):
        raise InputError.of("fits", fits, "must be a Fit, a list of them, or a mapping from names to them")
    if not fits:
        raise InputError("fits: at least one is needed")
    named = {str(name): fit for name, fit in fits.items()}
    for name, fit in named.items():
        if not isinstance(fit, Fit):
            raise InputError(f"fits: {name} must be a Fit, not {type(fit).__name__}")
        if fit.status == Status.FAILED:
            raise InputError.of("fits", name, f"the fit failed: {fit.message}")
    return named


def _bridgers(sample: CommonActors, count: int, notes: list[str]) -> list[int]:
    """Return the places of those with the highest mean rank whose score is above 0."""
    allowed = sample.eligible & (sample.score() > 0.0)
    order = [i for i in np.argsort(-sample.rank, kind="stable").tolist() if allowed[i]]
    if len(order) < count:
        notes.append(f"bridgers: {len(order)} of {count}, as no others that may be chosen have a score above 0")
    return order[:count]


def _bridge(sample: CommonActors, i: int) -> Interview:
    """Return the row of a bridger."""
    order = np.argsort(-sample.member[i], kind="stable")
    second = int(order[1]) if len(order) > 1 and sample.member[i, order[1]] >= _STEP else None
    scores = " and ".join(sorted({fit.bridging_score.replace("_", " ") for fit in sample.fits}))
    n, many = len(sample.actors), len(sample.fits)
    place = n - sample.rank[i]
    where = f"rank {place:g} of {n}" if many == 1 else f"mean rank {place:.1f} of {n} in {many} networks"
    return Interview(
        actor=sample.actors[i],
        cluster=int(order[0]),
        bridger=True,
        towards=second,
        why=f"{scores} {sample.score()[i]:.2f}, {where}",
        probability=float(sample.lies_between(_STEP)[i]),
    )


def _of_cluster(sample: CommonActors, g: int, free: Flags, count: int, notes: list[str]) -> list[Interview]:
    """Return the rows of a cluster; of one that has fewer than two actors there is no position to share."""
    if sample.inside[:, g].sum() < 2 or count == 0:
        if count and sample.inside[:, g].any():
            notes.append(f"cluster {g}: one actor, who shares the position with nobody")
        elif count and sample.used[g]:
            notes.append(f"cluster {g}: nobody is in it in all networks")
        return []
    constraint = sample.score("low_constraint")
    keys = (-constraint, sample.rank, sample.distance[:, g], -np.round(sample.joint[:, g] / _STEP))
    chosen = np.array([i for i in np.lexsort(keys) if free[i] and sample.inside[i, g]][:count], dtype=np.intp)
    if len(chosen) < count:
        notes.append(f"cluster {g}: {len(chosen)} of {count}, as no others may be chosen")
    share = sample.together(chosen)
    rows = []
    for k, i in enumerate(chosen):
        others = np.delete(share[k], k)
        why = f"membership {sample.joint[i, g]:.2f}" + (" in all networks" if len(sample.fits) > 1 else "")
        if sample.distance.any():
            why += f", {sample.distance[i, g]:.1f} spreads from the middle"
        probability = float(others.mean()) if len(others) else float("nan")
        rows.append(Interview(sample.actors[i], g, False, None, why, probability))
    return rows
