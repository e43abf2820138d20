"""Joint distributions of dyads: reciprocity within a network, and ties shared between two networks.

A dyad {i, j} is in one of four states: 0 no tie, 1 only i to j, 2 only j to i, 3 both. Its distribution is (n_dyads, 4).
Two networks share ties because dyads are copied whole or drawn whole; so both keep the probabilities of their ties and
their reciprocity exactly, which copying tie by tie would not do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError
from simlab.foundation.scientific import brentq

Floats = NDArray[np.float64]
States = NDArray[np.int8]

# Expected ties of two networks together below which a Jaccard index is no property of a world, but chance.
_FEW_TIES = 20.0
_FORTH = np.array([0.0, 1.0, 0.0, 1.0])
_BACK = np.array([0.0, 0.0, 1.0, 1.0])


def dyad_distribution(forth: Floats, back: Floats, odds_ratio: float) -> Floats:
    """Return the distribution of dyads whose two ties have the given odds ratio (Plackett 1965).

    forth, back : (n_dyads,) probabilities of the two ties, which the result has as its margins.
    """
    if odds_ratio == 1.0:
        both = forth * back
    else:
        sum_ = 1.0 + (forth + back) * (odds_ratio - 1.0)
        root = np.sqrt(np.maximum(sum_**2 - 4.0 * odds_ratio * (odds_ratio - 1.0) * forth * back, 0.0))
        # The form without cancellation: 2 psi p q / (S + root) equals (S - root) / (2 (psi - 1)).
        both = 2.0 * odds_ratio * forth * back / (sum_ + root)
    both = np.clip(both, np.maximum(forth + back - 1.0, 0.0), np.minimum(forth, back))
    return np.stack([1.0 - forth - back + both, forth - both, back - both, both], axis=1).clip(0.0, 1.0)


def reciprocity_of(distribution: Floats) -> float:
    """Return the expected number of returned ties over the expected number of ties."""
    ties = (distribution @ _FORTH + distribution @ _BACK).sum()
    return float(2.0 * distribution[:, 3].sum() / ties) if ties > 0 else 0.0


def solve_odds_ratio(forth: Floats, back: Floats, reciprocity: float) -> float:
    """Return the odds ratio between the two ties of a dyad that gives the network this reciprocity.

    In a dense network some ties are returned however rarely people return them; where that is more than is asked for,
    the odds ratio is (next to) 0.

    Raises
    ------
    InputError
        Where more is asked for than unequal probabilities to and fro allow.
    """

    def miss(log_odds: float) -> float:
        return reciprocity_of(dyad_distribution(forth, back, float(np.exp(log_odds)))) - reciprocity

    low, high = -30.0, 30.0
    at_low, at_high = miss(low), miss(high)
    if at_high < -1e-9:
        raise InputError.of("reciprocity", reciprocity, f"must be at most {at_high + reciprocity:.3f} in this world")
    if at_low >= 0.0 or at_high <= 0.0:
        return float(np.exp(low if at_low >= 0.0 else high))
    return float(np.exp(brentq(miss, low, high, xtol=1e-10)))


def copying(source: Floats, target: Floats) -> Floats:
    """Return P(target state | source state) under the coupling that keeps the most dyads: (n_dyads, 4, 4)."""
    kept = np.minimum(source, target)
    stay = np.divide(kept, source, out=np.ones_like(kept), where=source > 0.0)
    left = target - kept
    whole = left.sum(axis=1, keepdims=True)
    moved = np.divide(left, whole, out=np.full_like(left, 0.25), where=whole > 1e-15)
    transition = (1.0 - stay)[:, :, None] * moved[:, None, :]
    index = np.arange(4)
    transition[:, index, index] += stay
    return np.asarray(transition)


def anew(target: Floats) -> Floats:
    """Return P(target state | source state) where the target is drawn whatever the source: (n_dyads, 4, 4)."""
    return np.repeat(target[:, None, :], 4, axis=1)


def joint(source: Floats, transition: Floats) -> Floats:
    """Return the joint distribution (n_dyads, 4, 4) of a source and what its transition makes of it."""
    return np.asarray(source[:, :, None] * transition)


def shared_ties(joints: Floats) -> float:
    """Return the expected number of ties that two networks share, from their joint distributions (n_dyads, 4, 4)."""
    whole = joints.sum(axis=0)
    return float(_FORTH @ whole @ _FORTH + _BACK @ whole @ _BACK)


def expected_ties(distribution: Floats) -> float:
    """Return the expected number of ties of dyads with this distribution."""
    return float((distribution @ (_FORTH + _BACK)).sum())


def solve_mixture(settings: list[str], jaccards: list[float], reach: Floats, totals: list[float]) -> Floats:
    """Return the probabilities with which a dyad is copied from each source so that each shares what is wanted.

    Parameters
    ----------
    settings, jaccards, totals : one a source
        The setting that asks for it, the Jaccard index of expectations wanted, and the expected ties of source and
        target added up. A Jaccard index J of two networks with T ties in all means J T / (1 + J) shared ties.
    reach : (n_sources, n_sources + 1)
        ``reach[s, c]`` is the number of ties shared with source s if all dyads were copied from source c; the last
        column is for dyads drawn anew.

    Returns
    -------
    (n_sources,)
        A source whose ties are shared more than wanted by chance alone, or through the other source, has probability 0.

    Raises
    ------
    InputError
        Where more is wanted than the probabilities of the ties allow; the message gives the limit. Among a handful of
        people, who happened to stay, whatever is possible is taken: whether a world exists must not hang on chance.
    """
    base = reach[:, -1]
    gains = reach[:, :-1] - base[:, None]
    wanted = np.array([total * j / (1.0 + j) for total, j in zip(totals, jaccards, strict=True)])
    shares = np.zeros(len(wanted))
    active = [s for s in range(len(wanted)) if wanted[s] > base[s] and gains[s, s] > 1e-12]
    while active:
        part = np.linalg.lstsq(gains[np.ix_(active, active)], (wanted - base)[active], rcond=1e-10)[0]
        if part.min() >= 0.0:
            shares[active] = part
            break
        active.remove(active[int(np.argmin(part))])
    if shares.sum() > 1.0 + 1e-9 and min(totals) < _FEW_TIES:
        return np.asarray(shares / shares.sum())
    if shares.sum() > 1.0 + 1e-9:
        alone = wanted - reach[np.arange(len(wanted)), np.arange(len(wanted))]
        worst = int(np.argmax(alone if alone.max() > 0.0 else shares))
        most, beside = reach[worst, worst], ""
        if alone.max() <= 0.0:
            # Both are possible, but not together: the most of this one while the other is as wanted.
            other = 1 - worst
            room = (wanted[other] - reach[other, other]) / (reach[other, worst] - reach[other, other])
            most = room * reach[worst, worst] + (1.0 - room) * reach[worst, other]
            beside = f" beside {settings[other]} = {jaccards[other]}"
        limit = most / max(totals[worst] - most, 1e-12)
        raise InputError.of(settings[worst], jaccards[worst], f"must be at most {limit:.3f} in this world{beside}")
    return np.clip(shares, 0.0, 1.0)


def draw(distribution: Floats, rng: np.random.Generator) -> States:
    """Return one state for each row of probabilities (n_dyads, 4)."""
    cumulative = np.cumsum(distribution, axis=1)
    points = rng.random(len(distribution))[:, None] * cumulative[:, -1:]
    return np.asarray((points >= cumulative[:, :3]).sum(axis=1), dtype=np.int8)
