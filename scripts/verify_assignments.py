"""Verification of the probabilities that `simlab assess` gives: part of scripts/verification.py.

Where the truth comes from the priors, of the assignments with probability p the share p is right, and so it is for those
called safe; memberships of the posterior mode and repeatability are the controls. At fixed scenarios, and where ties come
from something else than positions, what becomes of it is reported and not judged: calibration holds over the prior.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from statistical.assignments import EDGES, Claims, from_priors, from_scenario, judged, plain, worst

from simlab import Scenario

FOLDER = Path(__file__).resolve().parents[1] / "results" / "verification"
# Of some six bins at once, in errors of their own.
LIMIT = 3.5
_MANAGERS = Scenario(n_actors=36, mean_degree=6.0)
_MODEL = plain(_MANAGERS)
SCENARIOS: dict[str, tuple[Scenario, int | tuple[int, int]]] = {
    "model, separation 3": (_MODEL.but(separation=3.0), 3),
    "model, separation 4": (_MODEL, 3),
    "model, separation 6": (_MODEL.but(separation=6.0), 3),
    "model, separation 4, number by BIC": (_MODEL, (1, 5)),
    "managers, separation 4": (_MANAGERS, 3),
    "managers, separation 6": (_MANAGERS.but(separation=6.0), 3),
    "blocks": (_MODEL.but(structure="blocks"), 3),
    "blocks, degree-corrected": (_MANAGERS.but(structure="blocks"), 3),
    "projects": (_MANAGERS.but(structure="projects"), 3),
    "core and periphery": (_MANAGERS.but(structure="core-periphery", n_clusters=1), 3),
    "no structure": (_MODEL.but(structure="none", n_clusters=1), 3),
}
_LOOKS = {"posterior": ("o", "-", "#0072B2"), "mode": ("s", "--", "#E69F00"), "repeatability": ("^", ":", "#009E73")}


def reliability(axes: Axes, claims: Mapping[str, Claims]) -> None:
    """Draw the share that is right over the probability given, with two errors."""
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
    for name, (marker, dashes, colour) in _LOOKS.items():
        parts = [claims[name].within(low, high) for low, high in pairwise(EDGES)]
        parts = [part for part in parts if len(part.true)]
        axes.errorbar(
            [part.probability.mean() for part in parts],
            [part.true.mean() for part in parts],
            [2.0 * part.excess[1] for part in parts],
            marker=marker,
            linestyle=dashes,
            color=colour,
            capsize=2,
            label=name,
        )
    axes.set_xlabel("probability given")
    axes.set_ylabel("share that is right (two errors, over networks)")
    axes.legend(fontsize=9)


def draw(path: Path, prior: Mapping[str, Claims], others: Mapping[str, Claims], n_networks: int) -> None:
    """Draw the reliability diagram, and by how much more than said is right elsewhere."""
    figure = Figure(figsize=(11.5, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    reliability(left, prior)
    left.set_title(f"truth from the priors, {n_networks} networks of 36 actors", fontsize=10)
    for row, claims in enumerate(others.values()):
        excess, error = claims.excess
        right.errorbar(excess, row, xerr=2.0 * error, marker="o", color="#0072B2", capsize=2)
    right.axvline(0.0, color="0.6", linewidth=0.8)
    right.set_yticks(range(len(others)), list(others))
    right.invert_yaxis()
    right.set_xlabel("share that is right minus mean probability (two errors)")
    right.set_title("fixed scenarios, and worlds that break the model", fontsize=10)
    figure.savefig(path, dpi=110)


def assignments(n_networks: int) -> int:
    """Judge the probabilities where the truth comes from the priors; report the others; return how many are wrong."""
    prior = judged(from_priors(n_networks, 36, 3, seed=5), 3, seed=5, n_refits=10)
    wrong = 0
    for name, control in (("posterior", False), ("between", False), ("mode", True), ("repeatability", True)):
        far = worst(prior[name])
        right = (far > LIMIT) if control else (far < LIMIT)
        wrong += not right
        kind = "control: " if control else ""
        area = f"area under the curve {prior[name].area:.2f}, within networks {prior[name].area_within:.2f}"
        print(
            f"{'ok ' if right else 'BAD'} assignments, {kind}{name}: {far:.1f} errors, limit {LIMIT}; {area}",
            flush=True,
        )
    print(f"    {_safe(prior)}", flush=True)
    others: dict[str, Claims] = {}
    for name, (scenario, n_clusters) in SCENARIOS.items():
        found = judged(from_scenario(scenario, max(n_networks // 3, 10), seed=3), n_clusters, seed=9)
        if "posterior" in found:
            others[name] = found["posterior"]
            of = found["posterior"]
            excess, error = of.excess
            means = f"{of.probability.mean():.3f} given, {of.true.mean():.3f} right"
            print(f"{name}: {means}, {excess:+.3f} ± {error:.3f}; {_safe(found)}", flush=True)
        else:
            print(f"{name}: no claims", flush=True)
    draw(FOLDER / "assignments.png", prior, others, n_networks)
    return wrong


def _safe(found: Mapping[str, Claims]) -> str:
    safe = found["safe"]
    if not len(safe.true):
        return "none is called safe"
    said = f"{len(safe.true)} of {len(found['posterior'].true)} are called safe, at {safe.probability.mean():.3f} on average"
    return f"{said}, and {safe.true.mean():.3f} ± {safe.excess[1]:.3f} of them are right"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    sys.exit(assignments(int(sys.argv[1]) if len(sys.argv) > 1 else 200) > 0)
