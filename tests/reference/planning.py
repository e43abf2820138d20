"""Planning problems whose answers are known, to judge planners by: a model of majorities, and tables of simulated networks."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, poisson

from simlab.fieldwork.settings import Fieldwork
from simlab.fit.fit import Fitter
from simlab.fit.spectral import Spectral
from simlab.foundation.streams import stream
from simlab.generate.scenario import Scenario
from simlab.plan.evaluator import Failures, Outcomes, Trial
from simlab.plan.price import Price
from simlab.plan.space import Space, between, name_of, space_of
from simlab.plan.targets import Target, parse_target

Floats = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Problem:
    """A planning problem and its truth: ``truth`` is (n_designs, n_worlds), the probability that a replicate succeeds.

    Worlds are equally likely. ``metric`` is 1 in a replicate that succeeds and else 0.
    """

    name: str
    space: Space
    truth: Floats
    level: float
    metric: str = "ari"

    @cached_property
    def assurance(self) -> Floats:
        """The probability of success averaged over worlds, (n_designs,)."""
        return self.truth.mean(axis=1)

    @property
    def target(self) -> Target:
        return parse_target(f"P({self.metric} >= 0.5) >= {self.level}")

    @cached_property
    def best(self) -> int:
        """The cheapest design that truly reaches the target."""
        reaching = np.flatnonzero(self.assurance >= self.level)
        return int(reaching[self.space.costs[reaching].argmin()])

    def evaluator(self, seed: int) -> Drawn:
        return Drawn(self, seed)


@dataclass(eq=False)
class Drawn:
    """An evaluator that draws successes with the true probabilities; the same trial always has the same outcome."""

    problem: Problem
    seed: int
    fits: int = 0
    asked: dict[str, int] = field(default_factory=dict)

    @property
    def uncertain(self) -> bool:
        return self.problem.truth.shape[1] > 1

    def failures(self) -> Failures:
        return Failures()

    def world(self, world: int) -> Mapping[str, Any]:
        return {"kind": self._kind(world)}

    def _kind(self, world: int) -> int:
        count = self.problem.truth.shape[1]
        # A number scattered over worlds, without the price of a stream each.
        return ((world * 2654435761 + self.seed * 40503) % 2**32) * count // 2**32

    def evaluate(self, design: Mapping[str, Any], trials: Sequence[Trial], measures: Sequence[str]) -> Outcomes:
        at = self.problem.space.index(design)
        assert at is not None
        name = name_of(design)
        self.fits += len(trials)
        self.asked[name] = self.asked.get(name, 0) + len(trials)
        first = trials[0]
        rng = stream(self.seed, "drawn", name, int(first.fresh), first.world, first.replicate)
        kinds = [self._kind(t.world) if self.uncertain else 0 for t in trials]
        success = rng.random(len(trials)) < self.problem.truth[at, kinds]
        return Outcomes(
            {measure: success.astype(np.float64) for measure in measures}, np.zeros(len(trials), dtype=bool)
        )


# --- majorities: exact ------------------------------------------------------------------------------------------------

MAJORITY_WORLDS = (0.68, 0.72, 0.76, 0.80, 0.84)
MAJORITY_SHARE = 0.75
POPULATION = 120


def right(within: float, names: int, share: float, most: int = 60) -> float:
    """Return the probability that a manager is put into the right one of two groups by the majority of reports.

    A share of the managers are respondents. One gives ``names`` reports, and everybody is named by a Poisson number of
    others, mean share x names; a report is within the group with probability ``within``; equal numbers are decided by a coin.
    """
    others = np.arange(most)
    weight = poisson.pmf(others, share * names)

    def majority(count: Floats) -> Floats:
        return binom.sf(count // 2, count, within) + 0.5 * (count % 2 == 0) * binom.pmf(count // 2, count, within)

    return float(share * (weight * majority(others + names)).sum() + (1.0 - share) * (weight * majority(others)).sum())


def majority_success(share_right: float) -> float:
    """Return the probability that three quarters of the managers are put right, each by himself."""
    needed = int(np.ceil(MAJORITY_SHARE * POPULATION - 1e-9))
    return float(binom.sf(needed - 1, POPULATION, share_right))


@lru_cache(maxsize=1)
def majorities() -> Problem:
    """Three dimensions, five kinds of world, saw teeth in the number of names (a coin decides ties); known exactly."""
    space = space_of(
        {
            "n_invited": between(20, 120, 5),
            "max_nominations": between(2, 12),
            "response_rate": between(0.4, 0.95, 0.05),
        },
        Scenario(n_actors=POPULATION),
        Fieldwork(),
        [],
        Price(
            "600 + invited * (10 * log(1 - 0.98 * response_rate) / log(0.55) + response_rate * (10 + 10 * max_nominations))"
        ),
    )
    truth = np.zeros((len(space), len(MAJORITY_WORLDS)))
    known: dict[tuple[float, int, float], float] = {}
    for k in range(len(space)):
        d = space.design(k)
        for w, within in enumerate(MAJORITY_WORLDS):
            key = (within, d["max_nominations"], round(d["n_invited"] * d["response_rate"] / POPULATION, 9))
            if key not in known:
                known[key] = majority_success(right(*key))
            truth[k, w] = known[key]
    return Problem("majorities", space, truth, 0.9)


# --- simulated networks: tables ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class NetworkProblem:
    """A planning problem on simulated networks, for scripts/plan_tables.py: every world is a change of the scenario."""

    name: str
    base: Scenario
    worlds: tuple[Mapping[str, Any], ...]
    chosen: Mapping[str, Any]
    fitter: Fitter
    metric: str
    succeeds: Callable[[float], bool]
    level: float
    price: str
    seed: int = 1

    @cached_property
    def space(self) -> Space:
        return space_of(self.chosen, self.base, Fieldwork(), [], Price(self.price))

    def scenario(self, world: Mapping[str, Any], design: int) -> Scenario:
        levels = self.space.design(design)
        return self.base.but(**world, **{k: v for k, v in levels.items() if k in Scenario.model_fields})

    def fieldwork(self, design: int) -> Fieldwork:
        levels = self.space.design(design)
        return Fieldwork(**{k: v for k, v in levels.items() if k in Fieldwork.model_fields})

    @cached_property
    def problem(self) -> Problem:
        """The problem as the table has it."""
        truth = np.full((len(self.space), len(self.worlds)), np.nan)
        for row in table():
            if row["problem"] == self.name:
                truth[int(row["design"]), int(row["world"])] = int(row["successes"]) / int(row["replicates"])
        assert np.isfinite(truth).all()
        return Problem(self.name, self.space, truth, self.level)


NETWORK_PROBLEMS = {
    "names, response and managers": NetworkProblem(
        "names, response and managers",
        Scenario(n_actors=36, separation=6.0, mean_degree=7.0),
        ({},),
        {
            "n_invited": between(20, 36, 2),
            "max_nominations": between(2, 9),
            "response_rate": between(0.4, 1.0, 0.05),
        },
        Spectral(n_clusters=3),
        "ari",
        lambda value: value >= 0.6,
        0.8,
        "1000 + invited * (3 * log(1 - 0.98 * response_rate) / log(0.55) + response_rate * (20 + 8 * max_nominations))",
    ),
    "managers, names and instrument": NetworkProblem(
        "managers, names and instrument",
        Scenario(mean_degree=7.0),
        ({"separation": 5.0}, {"separation": 7.0}),
        {
            "n_actors": between(20, 44),
            "max_nominations": between(2, 9),
            "instrument": ["roster", "name-generator"],
        },
        Spectral(n_clusters=3),
        "ari",
        lambda value: value >= 0.6,
        0.85,
        "600 + invited * (15 + 4 * max_nominations * (1 + 0.6 * roster))",
    ),
}


def table_path() -> Path:
    return Path(__file__).with_name("plan_tables.csv")


@lru_cache(maxsize=1)
def table() -> list[dict[str, str]]:
    with open(table_path(), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def problems() -> list[Problem]:
    """Return all three problems."""
    return [majorities(), *(p.problem for p in NETWORK_PROBLEMS.values())]
