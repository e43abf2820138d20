"""Make tests/reference/plan_tables.csv: planning problems on simulated networks whose answers are known by brute force.

Every design of a grid gets some replicates, and those that decide which is the cheapest that reaches the target 20,000:
the ones that may reach it, by three standard errors, and cost no more than the cheapest that does. Takes some twenty
minutes on one processor.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np

from simlab import Fieldwork, Fitter, Scenario, observe, simulate, stream
from simlab.metrics.metric import metrics
from simlab.study.cell import OneThread

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from reference.planning import NETWORK_PROBLEMS, NetworkProblem, table, table_path  # noqa: E402

Table = dict[tuple[int, int], tuple[int, int]]


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


def extend(problem: NetworkProblem, table: Table, designs: list[int], upto: int) -> None:
    """Add replicates to designs until each world has so many."""
    for world, base in enumerate(problem.worlds):
        groups: dict[str, list[int]] = {}
        for design in designs:
            groups.setdefault(problem.scenario(base, design).key, []).append(design)
        for members in groups.values():
            scenario = problem.scenario(base, members[0])
            fieldworks = [problem.fieldwork(design) for design in members]
            start = min(table.get((d, world), (0, 0))[0] for d in members)
            for number in range(start, upto):
                found = replicate(scenario, fieldworks, problem.fitter, problem, number)
                for design, success in zip(members, found, strict=True):
                    count, successes = table.get((design, world), (0, 0))
                    if number >= count:
                        table[design, world] = (count + 1, successes + success)


def deciding(problem: NetworkProblem, table: Table) -> list[int]:
    """Return the designs that may reach the target and cost no more than the cheapest that surely does, or 2 % more."""
    size = len(problem.space)
    shares = [[table[d, w] for w in range(len(problem.worlds))] for d in range(size)]
    mean = np.array([np.mean([s / n for n, s in each]) for each in shares])
    error = np.array([np.sqrt(np.sum([0.25 / n for n, _ in each])) / len(each) for each in shares])
    surely = mean - 3.0 * error >= problem.level
    limit = problem.space.costs[surely].min() if surely.any() else np.inf
    return np.flatnonzero((mean + 3.0 * error >= problem.level) & (problem.space.costs <= 1.02 * limit)).tolist()


def made(problem: NetworkProblem, first: int, most: int) -> Table:
    """Return the table of a problem: {(design, world): (replicates, successes)}."""
    table: Table = {}
    begun = time.perf_counter()
    extend(problem, table, list(range(len(problem.space))), first)
    print(f"{problem.name}: grid of {len(problem.space)} designs, {time.perf_counter() - begun:.0f} s", flush=True)
    upto = first
    while upto < most:
        upto = min(4 * upto, most // len(problem.worlds) if 4 * upto * len(problem.worlds) >= most else 4 * upto)
        designs = deciding(problem, table)
        extend(problem, table, designs, upto)
        print(f"  {len(designs)} deciding designs, {upto} a world, {time.perf_counter() - begun:.0f} s", flush=True)
        if upto * len(problem.worlds) >= most:
            break
    return table


def main() -> None:
    """Make the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=300, help="replicates of every design, a world")
    parser.add_argument("--most", type=int, default=20_000, help="replicates of designs that decide, over all worlds")
    parser.add_argument("--only", help="one problem; the others stay as they are in the table")
    given = parser.parse_args()
    rows = [list(row.values()) for row in table() if given.only not in (None, row["problem"])]
    with OneThread():
        for problem in NETWORK_PROBLEMS.values():
            if given.only not in (None, problem.name):
                continue
            for (design, world), (count, successes) in sorted(made(problem, given.first, given.most).items()):
                rows.append([problem.name, str(design), str(world), str(count), str(successes)])
    with open(table_path(), "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["problem", "design", "world", "replicates", "successes"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
