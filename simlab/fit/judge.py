"""Whether chains have converged: on quantities that labels and rotations leave alone, in words that say what to do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Posterior, Status
from simlab.models import convergence

Floats = NDArray[np.float64]

# So many pairs of actors, evenly spaced, have their distances looked at one by one.
_PAIRS = 24
# A chain is stuck where fewer of its draws than this share differ from the draw before.
_STUCK = 0.05
# Fits with a larger share of divergent draws have not converged.
_DIVERGENT = 0.01


def distances_of_draws(posterior: Posterior) -> tuple[Floats, Floats]:
    """Return the median distance of two actors in each draw (chain, draw), and those of some pairs (pair, chain, draw)."""
    from simlab.kernels.summaries import pair_distances

    n_chains, n_draws, n, _ = posterior.positions.shape
    median = np.empty((n_chains, n_draws))
    apart = np.empty(n * (n - 1) // 2)
    chosen = np.unique(np.linspace(0, len(apart) - 1, _PAIRS).astype(int))
    some = np.empty((len(chosen), n_chains, n_draws))
    middle = len(apart) // 2
    for c in range(n_chains):
        for t in range(n_draws):
            pair_distances(posterior.positions[c, t], apart)
            some[:, c, t] = apart[chosen]
            apart.partition(middle)
            median[c, t] = apart[middle]
    return median, some


def together(labels: NDArray[np.integer], n_clusters: int) -> Floats:
    """Return the share of pairs of actors that are in one cluster, in each draw: (chain, draw)."""
    n = labels.shape[2]
    counts = np.stack([(labels == g).sum(axis=2) for g in range(n_clusters)]).astype(float)
    return np.asarray((counts * (counts - 1.0)).sum(axis=0) / (n * (n - 1.0)))


def diagnose(posterior: Posterior) -> dict[str, float]:
    """Return rhat and effective draws of quantities that labels and rotations leave alone, divergences, stuck chains.

    The names ``rhat``, ``ess_bulk`` and ``ess_tail`` alone are the worst of the quantities judged: log-density,
    intercepts, coefficients, median distance, co-clustering. Those of single distances are the worst of some pairs, and are
    there to look at: the worst of many strays further than one.
    """
    median, some = distances_of_draws(posterior)
    quantities: dict[str, Floats] = {"log_density": posterior.log_density}
    for name, values in (
        ("intercept", posterior.intercept),
        ("coefficient", posterior.coefficients.reshape(*posterior.coefficients.shape[:2], -1)),
        ("reciprocity", posterior.reciprocity),
    ):
        for r in range(values.shape[2]):
            quantities[name if values.shape[2] == 1 else f"{name}_{r + 1}"] = values[:, :, r]
    quantities["median_distance"] = median
    n_clusters = posterior.weights.shape[2]
    if n_clusters > 1:
        quantities["co_clustering"] = together(posterior.labels, n_clusters)
    out: dict[str, float] = {}
    for name, values in quantities.items():
        out[f"rhat_{name}"] = convergence.rhat(values)
        out[f"ess_bulk_{name}"] = convergence.ess_bulk(values)
        out[f"ess_tail_{name}"] = convergence.ess_tail(values)
    out["rhat"] = float(np.max([v for k, v in out.items() if k.startswith("rhat_")]))
    out["ess_bulk"] = float(np.min([v for k, v in out.items() if k.startswith("ess_bulk_")]))
    out["ess_tail"] = float(np.min([v for k, v in out.items() if k.startswith("ess_tail_")]))
    out["pairs_rhat"] = float(np.max([convergence.rhat(values) for values in some]))
    out["pairs_ess_bulk"] = float(np.min([convergence.ess_bulk(values) for values in some]))
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
        return Status.NOT_CONVERGED, f"rhat of the {what} is {diagnostics[worst]:.3f}, above {max_rhat:g}: {remedy}"
    if not diagnostics[least] >= min_ess:
        what = least.removeprefix("ess_bulk_").replace("_", " ")
        have = max(float(np.nan_to_num(diagnostics[least])), 1.0)
        wanted = int(np.ceil(1.2 * n_draws * min_ess / have / 100.0) * 100)
        return (
            Status.NOT_CONVERGED,
            f"the {what} has {have:.0f} effective draws, under {min_ess:g}: run longer chains, n_draws = {wanted} or so",
        )
    return Status.OK, ""


def _or_infinite(value: float) -> float:
    return float("inf") if np.isnan(value) else value
