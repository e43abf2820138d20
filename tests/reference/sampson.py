"""What latentnet makes of Sampson's monks, beside what a fit makes of them."""

from __future__ import annotations

import csv
from itertools import permutations
from pathlib import Path

import numpy as np
from scipy import stats

from simlab.fit.fit import Fit, Posterior
from simlab.models.convergence import mcse_mean
from simlab.models.lpcm import distances

# The variance of the largest cluster has no finite variance to speak of: its logarithm is compared instead.
LEFT_OUT = {"sigma2_sorted3"}


def rows(file: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with open(file, newline="") as opened:
        return list(csv.DictReader(opened))


def quantities(posterior: Posterior) -> dict[str, np.ndarray]:
    """Return draws (chain, draw) of what the reference reports, none of which depends on labels or rotation."""
    apart = pair_distances(posterior)
    centred = posterior.positions - posterior.positions.mean(axis=2, keepdims=True)
    intercept = posterior.intercept[:, :, 0]
    out = {
        "intercept": intercept,
        "log_likelihood": posterior.log_likelihood,
        "mean_pair_dist": apart.mean(axis=2),
        "beta_minus_mean_dist": intercept - apart.mean(axis=2),
        "rms_radius": np.sqrt((centred.astype(float) ** 2).sum(axis=3).mean(axis=2)),
    }
    n_clusters = posterior.weights.shape[2]
    sizes = (posterior.labels[..., None] == np.arange(n_clusters)).sum(axis=2).astype(float)
    values = {
        "sigma2": posterior.variances,
        "log_sigma2": np.log(posterior.variances),
        "weight": posterior.weights,
        "size": sizes,
    }
    for name, each in values.items():
        for g in range(n_clusters):
            out[f"{name}_sorted{g + 1}"] = np.sort(each, axis=2)[:, :, g]
    return out


def pair_distances(posterior: Posterior) -> np.ndarray:
    """Return the distances (chain, draw, pair), row by row below the diagonal."""
    below = np.tril_indices(posterior.positions.shape[2], -1)
    draws = [[distances(p)[below] for p in chain] for chain in posterior.positions.astype(float)]
    return np.array(draws)


def differences(fit: Fit, folder: Path) -> dict[str, float]:
    """Return, for every quantity, the difference of the two means over its Monte Carlo error, ours and theirs."""
    posterior = fit.posterior
    assert posterior is not None
    out: dict[str, float] = {}

    def compare(name: str, draws: np.ndarray, mean: str, error: str) -> None:
        # Half a digit of rounding in what was written down.
        errors = np.array([mcse_mean(draws), float(error), 0.00005])
        out[name] = float((draws.mean() - float(mean)) / np.sqrt((errors**2).sum()))

    ours = quantities(posterior)
    for row in rows(folder / "sampson_latentnet_summary.csv"):
        if row["quantity"] not in LEFT_OUT:
            compare(row["quantity"], ours[row["quantity"]], row["mean"], row["mcse"])
    apart = pair_distances(posterior)
    first, second = np.tril_indices(len(fit.actors), -1)
    pair_of = {frozenset((fit.actors[i], fit.actors[j])): k for k, (i, j) in enumerate(zip(first, second, strict=True))}
    for row in rows(folder / "sampson_latentnet_pairs.csv"):
        k = pair_of[frozenset((row["actor_i"], row["actor_j"]))]
        together = (posterior.labels[:, :, first[k]] == posterior.labels[:, :, second[k]]).astype(float)
        name = f"{row['actor_i']} and {row['actor_j']}"
        compare(f"distance of {name}", apart[:, :, k], row["distance_mean"], row["distance_mcse"])
        compare(f"{name} together", together, row["co_clustering"], row["co_clustering_mcse"])
    return out


def limit(n_compared: int, level: float = 0.001) -> float:
    """Return the standardised difference that the largest of so many exceeds with probability ``level`` at most."""
    return float(stats.norm.isf(level / 2 / n_compared))


def membership_difference(fit: Fit, folder: Path) -> float:
    """Return the largest difference of a membership, under the renaming of clusters that makes it smallest."""
    of = {
        row["actor"]: [float(row[f"p_{g}"]) for g in ("loyal", "outcasts", "turks")]
        for row in rows(folder / "sampson_latentnet.csv")
    }
    theirs = np.array([of[actor] for actor in fit.actors])
    return min(float(np.abs(fit.membership[:, list(order)] - theirs).max()) for order in permutations(range(3)))
