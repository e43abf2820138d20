"""A limit on names: which network was asked under it, and how many ties there were before it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import bdtrc, expit

from simlab.panel import Network

Floats = NDArray[np.float64]

# Names that all actors together are taken to have left unused where nobody has: of so few nothing would be seen.
_UNUSED = 0.5
_STEP = 3.0


def under_limit(network: Network, most: int | None) -> Network:
    """Return the network as one in which no more names than ``most`` were allowed.

    As it is where there is no limit, where it has a limit of its own, and where somebody named more: then the limit is that
    of another study, and not of this one.
    """
    if most is None or network.max_nominations is not None or most_named(network) > most:
        return network
    return replace(network, max_nominations=most, limited=np.asarray(network.ties.sum(axis=1) >= most))


def most_named(network: Network) -> int:
    """Return the largest number of names that anybody gave; 0 where ties have no direction, and who named whom is unknown."""
    return int(network.ties.sum(axis=1).max(initial=0)) if network.directed else 0


def all_names_used(network: Network) -> bool:
    """Return whether everybody gave as many names as allowed: then the data do not say how many more ties there are."""
    if network.max_nominations is None or not network.directed:
        return False
    return bool(_seen(network) > _ceiling(network) - _UNUSED / network.n_actors)


def before_limit(scores: Floats, network: Network, level: float) -> tuple[float, float]:
    """Return what to add to log odds so that the limit leaves the density observed, and the share of ties that it leaves.

    Out-degrees are taken as binomial, and names as a random choice of ties; a tie without direction is there where either
    names it. Where everybody used up all names every high level would do: the one that leaves half a name less than all,
    over all actors, is taken.

    Parameters
    ----------
    scores : (n_actors, n_actors)
        Log odds of ties, up to the level.
    network : Network
        With a limit, ties, and dyads without a tie.
    level : float
        That leaves the density observed where there is no limit.
    """
    n = network.n_actors
    apart = ~np.eye(n, dtype=bool)
    wanted = min(_seen(network), _ceiling(network) - _UNUSED / n)

    def seen(of_all: float) -> tuple[float, float]:
        chance = np.where(apart, expit(of_all + scores), 0.0)
        degree = chance.sum(axis=1)
        # The mean of the smaller of a number and a limit is the sum of P(number > k) over k below the limit.
        share_of_others = np.minimum(degree / (n - 1), 1.0)
        named = sum(bdtrc(k, n - 1, share_of_others) for k in range(_limit(network)))
        if not network.directed:
            share = np.divide(named, degree, out=np.ones(n), where=degree > 0.0)
            named = (chance * (1.0 - (1.0 - share[:, None]) * (1.0 - share[None]))).sum(axis=1)
        return float(np.mean(named)), float(degree.mean())

    low, high = level, level + _STEP
    while seen(low)[0] > wanted:
        low -= _STEP
    while seen(high)[0] < wanted:
        high += _STEP
    found = float(brentq(lambda of_all: seen(of_all)[0] - wanted, low, high, xtol=1e-9))
    named, degree = seen(found)
    return found, named / degree


def _limit(network: Network) -> int:
    assert network.max_nominations is not None
    return min(network.max_nominations, network.n_actors - 1)


def _seen(network: Network) -> float:
    """Return the mean number of ties of an actor who was asked about everybody."""
    return network.density * (network.n_actors - 1)


def _ceiling(network: Network) -> float:
    """Return the mean number of ties that the limit leaves where everybody is tied to everybody."""
    share = _limit(network) / (network.n_actors - 1)
    return (network.n_actors - 1) * (share if network.directed else 1.0 - (1.0 - share) ** 2)
