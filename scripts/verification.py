"""Long verification of the samplers; run by scripts/verify. Draws pictures for a person to judge.

Simulation-based calibration of every kind of model: differences between the cumulative share of ranks and uniform ranks, which
should stay within a band that holds for all points and quantities at once; how often intervals of 50 % and 90 % contain the
truth, where parameters come from the prior and data from the model; and Geweke's joint distribution test. Controls must
leave the band. Fits that are not exact (variational, maximum a posteriori) go through the same simulations, and how far they
miss is reported and not judged. Runs of a study that are killed at random moments, and whose disks fail or lose power, must
end with the same numbers. Last, studies that stop at a Monte Carlo error: the bias of their means and how often their
intervals contain the truth, in a table; and all fitters with kernels compiled for a generic processor, beside this one. The
probabilities that `simlab assess` gives are judged too, and planners on problems whose answers are known. The exit code is 1
where a judgement is not as it should be.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from reference.disks import same_bits
from reference.kills import kill_at_random
from reference.other_processor import other_processor
from scipy import stats
from statistical.calibration import (
    REDRAWN,
    VARIANTS,
    Ranks,
    coverage,
    coverage_p_value,
    geweke_worst,
    misses,
    p_value,
    ranks,
    smallest_probabilities,
    turned_round,
    without_data,
)
from statistical.stopping import stopping_table
from statistical.worlds import World
from verify_assignments import assignments
from verify_plans import planned

from simlab.fit import lpcm_map, lpcm_variational
from simlab.fit.fit import Fitter

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "results" / "verification"
# Of all judgements of right samplers together; each kind of model gets its share.
LEVEL = 0.01
N_DRAWS = 99
LEVELS = (0.5, 0.9)
APPROXIMATE: dict[str, type[Fitter]] = {
    "lpcm-variational": lpcm_variational.LpcmVariational,
    "lpcm-map": lpcm_map.LpcmMap,
}
STYLES = ["-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1, 1, 1))]


def band(n_replicates: int, n_quantities: int) -> np.ndarray:
    """Return, at each rank, the half width within which all quantities stay with probability 1 - LEVEL, by simulation."""
    rng = np.random.default_rng(2)
    each = [smallest_probabilities(rng.integers(0, N_DRAWS + 1, (100, n_replicates)), N_DRAWS) for _ in range(20)]
    limit = np.quantile(rng.choice(np.concatenate(each), (2000, n_quantities)).min(axis=1), LEVEL)
    points = np.arange(1, N_DRAWS + 1) / (N_DRAWS + 1)
    return np.asarray(stats.binom.ppf(1.0 - limit / 2.0, n_replicates, points) / n_replicates - points)


def draw(path: Path, found: dict[str, Ranks]) -> None:
    """Draw the difference from uniform ranks, a panel for each run."""
    columns = min(4, len(found))
    lines = -(-len(found) // columns)
    figure = Figure(figsize=(4.6 * columns, 3.6 * lines), layout="constrained")
    points = np.arange(1, N_DRAWS + 1) / (N_DRAWS + 1)
    for place, (title, of_run) in enumerate(found.items()):
        axes = figure.add_subplot(lines, columns, place + 1)
        n_replicates = len(next(iter(of_run.values())))
        half = band(n_replicates, len(of_run))
        axes.fill_between(points, -half, half, color="0.85")
        for at, (name, values) in enumerate(of_run.items()):
            share = (values[None, :] < np.arange(1, N_DRAWS + 1)[:, None]).mean(axis=1)
            axes.plot(points, share - points, linestyle=STYLES[at % len(STYLES)], linewidth=1, label=name)
        axes.set_title(f"{title}\np = {p_value(of_run, N_DRAWS):.3f}, {n_replicates} simulations", fontsize=10)
        axes.legend(fontsize=5, ncols=2)
    figure.supxlabel("rank of the truth among the draws, as a share")
    figure.supylabel(f"cumulative share minus uniform; grey: all quantities and points at once, {1 - LEVEL:.0%}")
    figure.savefig(path, dpi=110)


def judged(name: str, p: float, level: float, *, control: bool = False) -> int:
    """Print a judgement; return 1 where it is not as it should be."""
    right = (p < LEVEL) if control else (p >= level)
    print(f"{'ok ' if right else 'BAD'} {name}: p = {p:.4f}", flush=True)
    return int(not right)


def calibrated(n_simulations: int) -> int:
    """Judge every kind of model and the controls; return how many judgements are not as they should be."""
    wrong = 0
    good: dict[str, Ranks] = {}
    # Three judgements of each kind of model, two of them of coverage.
    level = LEVEL / (3 * len(VARIANTS))
    for name, world in VARIANTS.items():
        start = time.perf_counter()
        good[name] = ranks(world, n_simulations, N_DRAWS, seed=11)
        seconds = time.perf_counter() - start
        wrong += judged(f"{name}, {n_simulations} simulations, {seconds:.0f} s", p_value(good[name], N_DRAWS), level)
        for share in LEVELS:
            each = [coverage(values, N_DRAWS, share) for values in good[name].values()]
            text = f"    intervals of {share:.0%} contain the truth in {np.mean(each):.1%}, {min(each):.1%} to {max(each):.1%}"
            wrong += judged(text, coverage_p_value(good[name], N_DRAWS, share), level)
    draw(FOLDER / "calibration.png", good)
    first, both = VARIANTS["directed"], VARIANTS["reciprocity"]
    n_controls = min(n_simulations, 300)
    bad = {
        "data ignored": ranks(first, n_controls, N_DRAWS, seed=12, spoil=without_data),
        "slope of the likelihood turned round": ranks(first, n_controls, N_DRAWS, seed=12, spoil=turned_round),
        "prior of the variances tripled": ranks(first, n_controls, N_DRAWS, seed=12, variance_scale=3.0),
        "prior of the intercept dropped": ranks(first, n_controls, N_DRAWS, seed=12, intercept_variance=1e4),
        "reciprocity ignored": ranks(both, n_controls, N_DRAWS, seed=12, model=replace(both, reciprocity=False)),
    }
    for name, found in bad.items():
        wrong += judged(f"control: {name}", p_value(found, N_DRAWS), LEVEL, control=True)
    draw(FOLDER / "controls.png", bad)
    return wrong


def joint(n_sweeps: int) -> int:
    """Judge Geweke's test of every kind of model; return how many judgements are not as they should be."""
    wrong = 0
    for name, world in REDRAWN.items():
        largest, limit = geweke_worst(world, n_sweeps, seed=13)
        right = largest < limit
        wrong += not right
        print(
            f"{'ok ' if right else 'BAD'} joint distribution, {name}: {largest:.2f} standard errors, limit {limit:.2f}"
        )
    return wrong


def approximate(n_simulations: int) -> None:
    """Report how far fits that are not exact miss, and draw the ranks of those that have draws."""
    worlds = {"directed": VARIANTS["directed"], "masked": World(30, 3, masked=True)}
    for name, kind in APPROXIMATE.items():
        found: dict[str, Ranks] = {}
        for title, world in worlds.items():
            fitter = kind(n_clusters=world.n_clusters, n_dims=world.n_dims)
            of_run, errors = misses(fitter, world, n_simulations, N_DRAWS, seed=14)
            for quantity, values in errors.items():
                line = f"{name}, {title}, {quantity}: median error {np.median(values):+.2f}, "
                line += f"half of the errors within {np.median(np.abs(values)):.2f}"
                if quantity in of_run:
                    shares = (f"{coverage(of_run[quantity], N_DRAWS, share):.0%} of {share:.0%}" for share in LEVELS)
                    line += f", intervals contain {' and '.join(shares)}"
                print(line, flush=True)
            if of_run:
                found[f"{name}, {title}, {world.n_actors} actors"] = of_run
        if found:
            draw(FOLDER / f"{name}.png", found)


ELSEWHERE = """
from simlab import Fieldwork, LpcmMcmc, Louvain, Scenario, Spectral, Study
from simlab.fit.leiden import Leiden
from simlab.fit.lpcm_map import LpcmMap
from simlab.fit.lpcm_variational import LpcmVariational
from simlab.fit.sbm import Sbm
study = Study(
    "elsewhere", question="Is it the same elsewhere?", replicates=4, scenarios=Scenario(n_actors=24, mean_degree=5),
    fieldworks=Fieldwork(response_rate=0.8), fitters={
        "spectral": Spectral(n_clusters=3), "Louvain": Louvain(), "Leiden": Leiden(), "blocks": Sbm(n_clusters=3),
        "mode": LpcmMap(n_clusters=3), "variational": LpcmVariational(n_clusters=3),
        "chains": LpcmMcmc(n_clusters=3, n_chains=2, n_warmup=200, n_draws=200)},
)
"""


def elsewhere() -> int:
    """Report what a generic processor says otherwise; return 1 where that is how a cell ended.

    Metrics are not judged: a chain in which one sum is rounded otherwise may go its own way from there.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "elsewhere.py"
        script.write_text(ELSEWHERE, encoding="utf-8")
        found = other_processor(script, Path(folder))
    equal = [name for name, (_, unequal, _) in found.items() if not unequal]
    print(f"generic processor: {len(equal)} of {len(found)} variables are bit-equal; of the others:")
    for name, (numbers, unequal, far) in found.items():
        if unequal:
            print(f"    {name}: {unequal} of {numbers} differ, by {far:.1e} at most")
    return int(found["status"][1] > 0)


def killed(n_kills: int) -> int:
    """Judge whether runs that are killed at random moments end with the numbers of one that is not; return 1 where not."""
    with tempfile.TemporaryDirectory(prefix="simlab-kills-") as folder:
        try:
            whole, found, told = kill_at_random(Path(folder), n_kills, seed=15, replicates=400)
            for dataset in found:
                same_bits(dataset, whole, but=("seconds", "elapsed"))
        except AssertionError as error:
            print(f"BAD runs that were killed: {error}")
            return 1
    hits = sum("exit -9" in line for line in told)
    print(f"ok  runs killed {hits} times at random moments: the same numbers bit for bit", flush=True)
    return int(hits < n_kills * 0.7)


def disks() -> int:
    """Run the tests of disks that fail and power that is lost at every moment instead of some; return 1 where one fails."""
    tests = [sys.executable, "-m", "pytest", "-q", "tests/test_faults.py"]
    done = subprocess.run(tests, cwd=ROOT, env={**os.environ, "SIMLAB_THOROUGH": "1"}, check=False)
    print(f"{'BAD' if done.returncode else 'ok '} disks that fail and power that is lost, at every moment", flush=True)
    return int(done.returncode != 0)


def main() -> int:
    """Run everything; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=1000, help="simulated data sets for each kind of model")
    n_simulations = parser.parse_args().simulations
    FOLDER.mkdir(parents=True, exist_ok=True)
    wrong = killed(40) + disks()
    wrong += calibrated(n_simulations) + joint(20 * n_simulations)
    wrong += assignments(max(n_simulations // 5, 40))
    approximate(min(n_simulations, 300))
    wrong += stopping_table(10 * n_simulations, FOLDER / "stopping.csv")
    wrong += elsewhere()
    wrong += planned()
    print(f"pictures and a table in {FOLDER.relative_to(ROOT)}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
