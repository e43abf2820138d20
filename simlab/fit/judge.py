"""Whether chains have converged: on quantities that labels and rotations leave alone, in words that say what to do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Posterior, Status
from simlab.models import convergence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# The distances of so many pairs of actors are looked at together, by their median, and of so many one by one.
_PAIRS = 201
_SINGLE_PAIRS = 24
# The worst of many pairs strays further than one quantity: its rhat may lie so much further above 1, and its effective draws
# be so many times fewer.
_PAIR_EXCESS = 5.0
_PAIR_SHARE = 8.0
# Pairs that share a cluster more rarely than this, or more often than 1 minus this, are held to be decided.
_DECIDED = 0.1
# A chain is stuck where fewer of its draws than this share differ from the draw before.
_STUCK = 0.05
# Fits with a larger share of divergent draws have not converged.
_DIVERGENT = 0.01


def some_pairs(n: int) -> tuple[Ints, Ints]:
    """Return pairs of actors, evenly spaced over all pairs."""
    rows, columns = np.tril_indices(n, -1)
    chosen = np.unique(np.linspace(0, len(rows) - 1, _PAIRS).astype(int))
    return rows[chosen], columns[chosen]


def single_pairs(n: int) -> tuple[Ints, Ints]:
    """Return pairs of actors half the network apart, in which up to 24 actors are first and as many second."""
    first = np.unique(np.linspace(0, n - 1, min(n, _SINGLE_PAIRS)).astype(int))
    return first, (first + n // 2) % n


def distances_of_draws(posterior: Posterior, pairs: tuple[Ints, Ints]) -> Floats:
    """Return the distances of pairs of actors: (pair, chain, draw)."""
    by_actor = np.ascontiguousarray(np.moveaxis(posterior.positions, (2, 3), (0, 1)))
    squares = np.zeros((len(pairs[0]), *posterior.positions.shape[:2]))
    for k in range(by_actor.shape[1]):
        squares += (by_actor[pairs[0], k].astype(np.float64) - by_actor[pairs[1], k]) ** 2
    return np.asarray(np.sqrt(squares))


def undecided_pairs(labels: NDArray[np.integer], pairs: tuple[Ints, Ints]) -> list[Floats]:
    """Return whether two actors are in one cluster, (chain, draw), for those of the pairs that often are and often are not."""
    out = []
    for one, other in zip(*pairs, strict=True):
        same = (labels[:, :, one] == labels[:, :, other]).astype(np.float64)
        if _DECIDED < same.mean() < 1.0 - _DECIDED:
            out.append(same)
    return out


def together(labels: NDArray[np.integer], n_clusters: int) -> Floats:
    """Return the share of pairs of actors that are in one cluster, in each draw: (chain, draw)."""
    n = labels.shape[2]
    counts = np.stack([(labels == g).sum(axis=2) for g in range(n_clusters)]).astype(float)
    return np.asarray((counts * (counts - 1.0)).sum(axis=0) / (n * (n - 1.0)))


def diagnose(posterior: Posterior) -> dict[str, float]:
    """Return rhat and effective draws of quantities that labels and rotations leave alone, divergences, stuck chains.

    The names ``rhat``, ``ess_bulk`` and ``ess_tail`` alone are the worst of the quantities judged: log-density,
    intercepts, coefficients, median distance, co-clustering. ``pairs_rhat`` and ``pairs_ess_bulk`` are the worst of the
    distances of single pairs, and of whether these are in one cluster: they see an actor that one chain has in another
    cluster than the others.
    """
    n = posterior.positions.shape[2]
    apart = distances_of_draws(posterior, some_pairs(n))
    pairs = single_pairs(n)
    single = [*distances_of_draws(posterior, pairs), *undecided_pairs(posterior.labels, pairs)]
    quantities: dict[str, Floats] = {"log_density": posterior.log_density}
    for name, values in (
        ("intercept", posterior.intercept),
        ("coefficient", posterior.coefficients.reshape(*posterior.coefficients.shape[:2], -1)),
        ("reciprocity", posterior.reciprocity),
    ):
        for r in range(values.shape[2]):
            quantities[name if values.shape[2] == 1 else f"{name}_{r + 1}"] = values[:, :, r]
    quantities["median_distance"] = np.median(apart, axis=0)
    n_clusters = posterior.weights.shape[2]
    if n_clusters > 1:
        quantities["co_clustering"] = together(posterior.labels, n_clusters)
    out: dict[str, float] = {}
    for name, values in quantities.items():
        out[f"rhat_{name}"], out[f"ess_bulk_{name}"] = convergence.rhat_and_ess_bulk(values)
        out[f"ess_tail_{name}"] = convergence.ess_tail(values)
    out["rhat"] = float(np.max([v for k, v in out.items() if k.startswith("rhat_")]))
    out["ess_bulk"] = float(np.min([v for k, v in out.items() if k.startswith("ess_bulk_")]))
    out["ess_tail"] = float(np.min([v for k, v in out.items() if k.startswith("ess_tail_")]))
    found = np.array([convergence.rhat_and_ess_bulk(values) for values in single])
    out["pairs_rhat"], out["pairs_ess_bulk"] = float(found[:, 0].max()), float(found[:, 1].min())
    out["divergences"] = float(posterior.divergent.sum())
    moves = (np.diff(posterior.log_density, axis=1) != 0.0).mean(axis=1)
    out["stuck_chains"] = float((moves < _STUCK).sum())
    return out


def judge(
    diagnostics: Mapping[str, float], *, max_rhat: float, min_ess: float, n_draws: int, n_total: int
) -> tuple[Status, str]:
    """Return (status, message): converged or not, on which quantity, and what to do. ``n_total``: draws of all chains."""
    stuck = int(diagnostics["stuck_chains"])
    if stuck:
        return (
            Status.NOT_CONVERGED,
            f"{stuck} chain{'s' * (stuck > 1)} stuck, hardly ever accepting a step: run a longer warm-up, or set "
            "target_acceptance = 0.95",
        )
    divergences = int(diagnostics["divergences"])
    if divergences > _DIVERGENT * n_total:
        return (
            Status.NOT_CONVERGED,
            f"{divergences} of {n_total} draws had divergent steps: set target_acceptance = 0.95, or narrower priors",
        )
    worst = max((k for k in diagnostics if k.startswith("rhat_")), key=lambda k: _or_infinite(diagnostics[k]))
    least = min((k for k in diagnostics if k.startswith("ess_bulk_")), key=lambda k: np.nan_to_num(diagnostics[k]))
    if not diagnostics[worst] <= max_rhat:
        what = worst.removeprefix("rhat_").replace("_", " ")
        remedy = (
            "chains have settled in different places: run more or longer chains, or another number of clusters"
            if _or_infinite(diagnostics[worst]) > 1.1
            else f"run longer chains, such as n_draws = {2 * n_draws}"
        )
        return (
            Status.NOT_CONVERGED,
            f"rhat of the {what} is {_above(diagnostics[worst], max_rhat)}, above {max_rhat:g}: {remedy}",
        )
    if not diagnostics[least] >= min_ess:
        what = least.removeprefix("ess_bulk_").replace("_", " ")
        have = max(float(np.nan_to_num(diagnostics[least])), 1.0)
        wanted = int(np.ceil(1.2 * n_draws * min_ess / have / 100.0) * 100)
        return (
            Status.NOT_CONVERGED,
            f"the {what} has {have:.0f} effective draws, under {min_ess:g}: run longer chains, n_draws = {wanted} or so",
        )
    pairs_rhat, pairs_ess = diagnostics["pairs_rhat"], diagnostics["pairs_ess_bulk"]
    if not (pairs_rhat <= 1.0 + _PAIR_EXCESS * (max_rhat - 1.0) and pairs_ess >= min_ess / _PAIR_SHARE):
        return (
            Status.NOT_CONVERGED,
            f"where single pairs of actors lie has an rhat of {pairs_rhat:.3f} and {max(pairs_ess, 0.0):.0f} effective draws: "
            "chains have some actors in different places; run longer chains, or rely on no single actor",
        )
    return Status.OK, ""


def _or_infinite(value: float) -> float:
    return float("inf") if np.isnan(value) else value


def _above(value: float, limit: float) -> str:
    """Return a value above a limit with three decimals, or with so many that it reads as above it."""
    texts = (f"{value:.{decimals}f}" for decimals in range(3, 12))
    return next((text for text in texts if not float(text) <= limit), repr(value))
