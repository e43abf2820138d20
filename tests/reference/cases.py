"""The table of problems that drives the tests of the kernels and their benchmarks."""

from __future__ import annotations

from dataclasses import astuple
from typing import NamedTuple

import numpy as np

from simlab.kernels.chain_state import Data, Prior, State
from simlab.models.lpcm import Priors


class Case(NamedTuple):
    """Sizes of a problem, and what was observed: ``directed``, ``undirected`` or ``masked`` (directed, in part)."""

    n: int
    n_relations: int = 1
    n_dims: int = 2
    n_clusters: int = 3
    kind: str = "directed"

    def __str__(self) -> str:
        return f"n{self.n}-r{self.n_relations}-d{self.n_dims}-g{self.n_clusters}-{self.kind}"


CASES = [
    Case(2, 1, 1, 1),
    Case(2, 3, 2, 2, "masked"),
    Case(3, 1, 2, 1, "undirected"),
    Case(3, 3, 3, 3, "masked"),
    Case(18, 1, 2, 3),
    Case(18, 3, 1, 2, "masked"),
    Case(18, 1, 3, 3, "undirected"),
    Case(61, 1, 2, 4),
    Case(61, 3, 3, 1, "masked"),
    Case(61, 1, 1, 3, "undirected"),
]
# More actors than a block of the likelihood's product holds.
LARGE = [Case(500, 1, 2, 3), Case(500, 3, 3, 2, "masked")]


def data_of(case: Case, rng: np.random.Generator) -> Data:
    """Return counts of ties and answers, symmetric, with a zero diagonal."""
    shape = (case.n_relations, case.n, case.n)
    both = rng.random(shape) < 0.3
    most = np.full(shape, 1.0 if case.kind == "undirected" else 2.0)
    if case.kind == "masked":
        most = rng.integers(0, 3, shape).astype(float)
    ties = np.where(both, most, np.minimum(rng.integers(0, 2, shape), most))
    ties, most = np.tril(ties, -1), np.tril(most, -1)
    return Data(ties + ties.transpose(0, 2, 1), most + most.transpose(0, 2, 1))


def problem(case: Case, seed: int = 1) -> tuple[State, Data, Prior]:
    """Return a state with clusters apart, data and the usual prior (its intercept's mean moved away from zero)."""
    rng = np.random.default_rng([seed, *case[:4]])
    centres = 1.5 * rng.standard_normal((case.n_clusters, case.n_dims))
    labels = rng.integers(0, case.n_clusters, case.n)
    variances = rng.uniform(0.3, 2.0, case.n_clusters)
    positions = centres[labels] + np.sqrt(variances[labels])[:, None] * rng.standard_normal((case.n, case.n_dims))
    state = State(
        np.ascontiguousarray(positions.T),
        rng.normal(1.0, 1.0, case.n_relations),
        centres,
        variances,
        rng.dirichlet(np.full(case.n_clusters, 3.0)),
        labels.astype(np.int64),
    )
    prior = Prior(*astuple(Priors.usual(case.n, case.n_clusters, case.n_dims)))._replace(intercept_mean=0.25)
    return state, data_of(case, rng), prior
