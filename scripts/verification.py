"""Long verification of the sampler; run by scripts/verify. Draws pictures for a person to judge.

Simulation-based calibration: differences between the cumulative share of ranks and uniform ranks, which should stay within a
band that holds for all points and quantities at once. Two controls that must leave it: a sampler that ignores the data, and one
with a wrong prior. The exit code is 1 where a judgement is not as it should be.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy import stats
from statistical.calibration import Ranks, World, p_value, ranks, smallest_probabilities, without_data

ROOT = Path(__file__).resolve().parents[1]
LEVEL = 0.01
N_DRAWS = 99


def band(n_replicates: int, n_quantities: int) -> np.ndarray:
    """Return, at each rank, the half width within which all quantities stay with probability 1 - LEVEL, by simulation."""
    rng = np.random.default_rng(2)
    uniform = rng.integers(0, N_DRAWS + 1, (2000, n_replicates))
    each = smallest_probabilities(uniform, N_DRAWS)
    limit = np.quantile(rng.choice(each, (2000, n_quantities)).min(axis=1), LEVEL)
    points = np.arange(1, N_DRAWS + 1) / (N_DRAWS + 1)
    return np.asarray(stats.binom.ppf(1.0 - limit / 2.0, n_replicates, points) / n_replicates - points)


def draw(path: Path, found: dict[str, Ranks]) -> None:
    """Draw the difference from uniform ranks, a panel for each run."""
    figure = Figure(figsize=(5.2 * len(found), 4.2), layout="constrained")
    for place, (title, of_run) in enumerate(found.items()):
        axes = figure.add_subplot(1, len(found), place + 1)
        points = np.arange(1, N_DRAWS + 1) / (N_DRAWS + 1)
        n_replicates = len(next(iter(of_run.values())))
        half = band(n_replicates, len(of_run))
        axes.fill_between(points, -half, half, color="0.85", label=f"all at once, {1 - LEVEL:.0%}")
        styles = ["-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1, 1, 1))]
        for style, (name, values) in zip(styles, of_run.items(), strict=False):
            share = (values[None, :] < np.arange(1, N_DRAWS + 1)[:, None]).mean(axis=1)
            axes.plot(points, share - points, linestyle=style, label=name)
        axes.set_title(f"{title}\np = {p_value(of_run, N_DRAWS):.3f}, {n_replicates} simulations", fontsize=10)
        axes.set_xlabel("rank of the truth among the draws, as a share")
        axes.set_ylabel("cumulative share minus uniform")
        axes.legend(fontsize=7)
    figure.savefig(path, dpi=110)


def main() -> int:
    """Run everything; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=1000, help="simulated data sets for each model variant")
    n_simulations = parser.parse_args().simulations
    folder = ROOT / "results" / "verification"
    folder.mkdir(parents=True, exist_ok=True)
    variants = {
        "12 actors, two clusters": World(12),
        "two relations, masked dyads": World(10, n_relations=2, masked=True),
        "three clusters, one dimension": World(12, n_clusters=3, n_dims=1),
        "three dimensions": World(10, n_dims=3),
    }
    good = {name: ranks(world, n_simulations, N_DRAWS, seed=11) for name, world in variants.items()}
    draw(folder / "calibration.png", good)
    first = next(iter(variants.values()))
    bad = {
        "control: data ignored": ranks(first, n_simulations, N_DRAWS, seed=12, spoil=without_data),
        "control: prior of the variances tripled": ranks(first, n_simulations, N_DRAWS, seed=12, variance_scale=3.0),
    }
    draw(folder / "controls.png", bad)
    wrong = 0
    for name, of_run in {**good, **bad}.items():
        p = p_value(of_run, N_DRAWS)
        as_it_should = (p < LEVEL) if name in bad else (p >= LEVEL)
        wrong += not as_it_should
        print(f"{'ok ' if as_it_should else 'BAD'} {name}: p = {p:.4f}, {n_simulations} simulations")
    print(f"pictures {folder.relative_to(ROOT)}/calibration.png and controls.png")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
