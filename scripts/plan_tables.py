"""Make tests/reference/plan_tables.csv: planning problems on simulated networks whose answers are known by brute force.

Every design of a grid gets some replicates, and those that decide which is the cheapest that reaches the target 20,000:
the ones that may reach it, by three standard errors, and cost no more than the cheapest that does. What the table has is
kept and extended. Takes over an hour on two processors.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from simlab import Fieldwork, Fitter, Scenario, observe, simulate, stream
from simlab.metrics.metric import metrics
from simlab.study.cell import OneThread

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from reference.planning import NETWORK_PROBLEMS, NetworkProblem, table, table_path  # noqa: E402

Table = dict[tuple[int, int], tuple[int, int]]
# Replicates that a process computes at a time.
_PART = 500


def replicate(
    scenario: Scenario, fieldworks: list[Fieldwork], fitter: Fitter, problem: NetworkProblem, number: int
) -> list[bool]:
    """Return of each fieldwork whether the fit of one world succeeds."""
    simulation = simulate(scenario, seed=problem.seed, replicate=number)
    truth = simulation.truth.network(*simulation.panel.keys[0])
    score = metrics[problem.metric].thing
    out = []
    for fieldwork in fieldworks:
        seen = observe(
            simulation.panel,
            fieldwork,
            seed=problem.seed,
            replicate=number,
            world=scenario.key,
            truth=simulation.truth,
        )
        try:
            fit = fitter.fit(seen.network(), rng=stream(problem.seed, "fit", fieldwork.key, number))
            out.append(bool(problem.succeeds(score.of_network(fit, truth))))
        except ValueError:
            out.append(False)
    return out


def successes(problem: NetworkProblem, world: int, designs: list[int], numbers: range) -> NDArray[np.int64]:
    """Return how many of some replicates succeed, of designs that share a scenario, (n_designs,)."""
    scenario = problem.scenario(problem.worlds[world], designs[0])
    fieldworks = [problem.fieldwork(design) for design in designs]
    out = np.zeros(len(designs), dtype=np.int64)
    with OneThread():
        for number in numbers:
            out += replicate(scenario, fieldworks, problem.fitter, problem, number)
    return out


def extend(problem: NetworkProblem, table: Table, designs: list[int], upto: int, jobs: int) -> None:
    """Add replicates to designs until each world has so many."""
    groups: dict[tuple[int, str, int], list[int]] = {}
    for world, base in enumerate(problem.worlds):
        for design in designs:
            count = table.get((design, world), (0, 0))[0]
            groups.setdefault((world, problem.scenario(base, design).key, count), []).append(design)
    parts = [
        (world, members[k : k + 20], range(start, min(start + _PART, upto)))
        for (world, _, count), members in groups.items()
        for start in range(count, upto, _PART)
        for k in range(0, len(members), 20)
    ]
    found = Parallel(n_jobs=jobs)(delayed(successes)(NETWORK_PROBLEMS[problem.name], *part) for part in parts)
    for (world, members, numbers), each in zip(parts, found, strict=True):
        for design, more in zip(members, each, strict=True):
            count, known = table.get((design, world), (0, 0))
            table[design, world] = (count + len(numbers), known + int(more))


def deciding(problem: NetworkProblem, table: Table) -> list[int]:
    """Return the designs that may reach the target and cost no more than the cheapest that surely does, or 2 % more."""
    size = len(problem.space)
    counts = np.array([[table[d, w] for w in range(len(problem.worlds))] for d in range(size)], dtype=np.float64)
    replicates, known = counts[..., 0], counts[..., 1]
    mean = (known / replicates).mean(axis=1)
    share = (known + 2.0) / (replicates + 4.0)
    error = np.sqrt((share * (1.0 - share) / replicates).sum(axis=1)) / len(problem.worlds)
    surely = mean - 3.0 * error >= problem.level
    limit = problem.space.costs[surely].min() if surely.any() else np.inf
    return np.flatnonzero((mean + 3.0 * error >= problem.level) & (problem.space.costs <= 1.02 * limit)).tolist()


def made(problem: NetworkProblem, table: Table, first: int, most: int, jobs: int) -> None:
    """Fill the table of a problem: {(design, world): (replicates, successes)}."""
    begun = time.perf_counter()
    upto = first
    extend(problem, table, list(range(len(problem.space))), upto, jobs)
    print(f"{problem.name}: grid of {len(problem.space)} designs, {time.perf_counter() - begun:.0f} s", flush=True)
    while upto * len(problem.worlds) < most:
        upto = min(4 * upto, -(-most // len(problem.worlds)))
        designs = deciding(problem, table)
        extend(problem, table, designs, upto, jobs)
        print(f"  {len(designs)} deciding designs, {upto} a world, {time.perf_counter() - begun:.0f} s", flush=True)


def known(name: str) -> Table:
    """Return what the table has of a problem."""
    return {
        (int(row["design"]), int(row["world"])): (int(row["replicates"]), int(row["successes"]))
        for row in (table() if table_path().exists() else [])
        if row["problem"] == name
    }


def main() -> None:
    """Make the table, or what it lacks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=200, help="replicates of every design, a world")
    parser.add_argument("--most", type=int, default=20_000, help="replicates of designs that decide, over all worlds")
    parser.add_argument("--only", help="one problem; the others stay as they are in the table")
    parser.add_argument("--anew", action="store_true", help="forget what the table has")
    parser.add_argument("--jobs", type=int, default=-1, help="processes")
    given = parser.parse_args()
    rows: list[list[object]] = []
    for problem in NETWORK_PROBLEMS.values():
        chosen = given.only in (None, problem.name)
        found: Table = {} if chosen and given.anew else known(problem.name)
        if chosen:
            made(problem, found, given.first, given.most, given.jobs)
        rows += [[problem.name, *key, *value] for key, value in sorted(found.items())]
    with open(table_path(), "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["problem", "design", "world", "replicates", "successes"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
