"""The table of problems that drives the tests of the kernels and their benchmarks."""

from __future__ import annotations

from dataclasses import astuple
from typing import NamedTuple

import numpy as np
from reference.naive_lpcm import Seen

from simlab.kernels import chain_state
from simlab.kernels.chain_state import Data, Prior, Shape, State, views
from simlab.models.latent_data import LatentData
from simlab.models.lpcm import Priors


class Case(NamedTuple):
    """Sizes of a problem, what was observed (``directed``, ``undirected`` or ``masked``: directed, in part), and the model.

    ``form`` is that of ``LatentData``; ``sociality`` likewise; ``centred`` holds the centres at the origin.
    """

    n: int
    n_relations: int = 1
    n_dims: int = 2
    n_clusters: int = 3
    kind: str = "directed"
    form: str = "plain"
    sociality: str = "none"
    n_covariates: int = 0
    centred: bool = False

    def __str__(self) -> str:
        start = f"n{self.n}-r{self.n_relations}-d{self.n_dims}-g{self.n_clusters}-{self.kind}"
        return start + "".join(f"-{part}" for part in self[5:] if part not in ("plain", "none", 0, False))

    @property
    def directed(self) -> bool:
        return self.kind != "undirected"


CASES = [
    Case(2, 1, 1, 1),
    Case(2, 3, 2, 2, "masked"),
    Case(3, 1, 2, 1, "undirected"),
    Case(3, 3, 3, 3, "masked"),
    Case(18, 1, 2, 3),
    Case(18, 3, 1, 2, "masked"),
    Case(18, 1, 3, 3, "undirected"),
    Case(18, 1, 2, 1, "masked", centred=True),
    Case(61, 1, 2, 4),
    Case(61, 3, 3, 1, "masked"),
    Case(61, 1, 1, 3, "undirected"),
]
# With covariates, effects, reciprocity and counts.
RICH = [
    Case(2, 1, 2, 1, "directed", "reciprocal"),
    Case(3, 2, 2, 2, "masked", "bernoulli", "both", 1),
    Case(7, 1, 2, 2, "directed", "bernoulli", "sender"),
    Case(7, 1, 1, 2, "masked", "bernoulli", "receiver", 2),
    Case(7, 2, 2, 2, "undirected", "bernoulli", "shared", 1),
    Case(7, 1, 2, 2, "masked", "bernoulli", "shared"),
    Case(9, 1, 2, 3, "masked", "reciprocal"),
    Case(9, 2, 3, 2, "masked", "reciprocal", "both", 2),
    Case(9, 1, 2, 2, "directed", "reciprocal", "shared", 1, True),
    Case(9, 1, 2, 2, "undirected", "bernoulli", "none", 1),
    Case(9, 1, 2, 2, "undirected", "poisson"),
    Case(9, 2, 2, 1, "masked", "poisson", "both", 1, True),
    # More than one block of dyads.
    Case(40, 1, 2, 2, "masked", "reciprocal", "both", 1),
]
# Rows of actors that span blocks of dyads.
LARGE = [Case(500, 1, 2, 3), Case(510, 2, 3, 2, "masked")]
LARGE_RICH = [
    Case(505, 1, 2, 2, "masked", "reciprocal", "both", 1),
    Case(505, 1, 2, 2, "undirected", "poisson", "shared", 1),
]


def seen_of(case: Case, rng: np.random.Generator) -> Seen:
    """Return ties and answers row to column, symmetric where ties have no direction."""
    shape = (case.n_relations, case.n, case.n)
    seen = np.ones(shape) if case.kind != "masked" else (rng.random(shape) < 0.7).astype(float)
    ties = rng.poisson(0.8, shape).astype(float) if case.form == "poisson" else (rng.random(shape) < 0.35).astype(float)
    x = rng.standard_normal((case.n_covariates, case.n, case.n))
    if not case.directed:
        seen, ties, x = (np.tril(part, -1) + np.tril(part, -1).swapaxes(1, 2) for part in (seen, ties, x))
    apart = 1.0 - np.eye(case.n)
    seen = seen * apart
    return Seen(case.form, case.directed, case.sociality == "shared", ties * seen, seen, x * apart)


def data_of(case: Case, seen: Seen) -> Data:
    """Return the same as the kernels take it: dyad by dyad, by loops."""
    two_way = case.form == "reciprocal" or case.sociality in ("sender", "receiver", "both")
    two_way = two_way or not np.array_equal(seen.x, seen.x.swapaxes(1, 2))
    pairs = [(i, j) for i in range(case.n) for j in range(i)]

    def there(matrices: np.ndarray) -> np.ndarray:
        return np.array([[matrix[i, j] for i, j in pairs] for matrix in matrices]).reshape(len(matrices), len(pairs))

    def back(matrices: np.ndarray) -> np.ndarray:
        return there(matrices.swapaxes(1, 2)) * (1.0 if case.directed else 0.0)

    counts = [seen.ties, seen.observed]
    if two_way:
        parts = [there(counts[0]), there(counts[1]), back(counts[0]), back(counts[1])]
    else:
        empty = np.zeros((case.n_relations, 0))
        parts = [there(counts[0]) + back(counts[0]), there(counts[1]) + back(counts[1]), empty, empty]
    forms = {
        "plain": chain_state.PLAIN,
        "bernoulli": chain_state.BERNOULLI,
        "poisson": chain_state.POISSON,
        "reciprocal": chain_state.RECIPROCAL,
    }
    x_back = there(seen.x.swapaxes(1, 2)) if two_way else np.zeros((case.n_covariates, 0))
    return Data(
        forms[case.form],
        case.sociality == "shared",
        *(part.astype(np.float32) for part in parts),
        there(seen.x),
        x_back,
        np.where(np.arange(case.n) < case.n // 3, 0, -1),  # whether tied to others or not: any set can be moved
        np.zeros((0, 4), dtype=np.int32),
        np.zeros(1, dtype=np.int64),
        np.zeros(0, dtype=np.int64),
        np.zeros(0, dtype=np.int8),
        *(np.zeros(0, dtype=np.int32),) * 2,
        0,
        1.0,
    )


def lower(matrix: np.ndarray) -> np.ndarray:
    """Return the entries below the diagonal, row by row: (..., n (n - 1) / 2) from (..., n, n)."""
    rows, columns = np.tril_indices(matrix.shape[-1], -1)
    return matrix[..., rows, columns]


def design_of(data: LatentData) -> np.ndarray:
    """Return the covariates that the data hold, row to column: (n_covariates, n_actors, n_actors)."""
    rows, columns = np.tril_indices(data.n_actors, -1)
    out = np.zeros((data.n_covariates, data.n_actors, data.n_actors))
    out[:, rows, columns] = data.covariates
    out[:, columns, rows] = data.covariates_back if data.covariates_back.shape[1] else data.covariates
    return out


def listed(data: Data, chosen: np.ndarray, n_whole: int, weight: float) -> Data:
    """Return the data of the dyads ``chosen`` among all, those from the ``n_whole``-th on with a weight."""
    n = round((1 + np.sqrt(1 + 8 * data.ties.shape[1])) / 2)
    rows, columns = np.tril_indices(n, -1)
    names = ("ties", "observed", "ties_back", "observed_back", "covariates", "covariates_back")
    parts = {name: getattr(data, name) for name in names}
    parts = {name: np.ascontiguousarray(part[:, chosen]) if part.shape[1] else part for name, part in parts.items()}
    return data._replace(
        first=rows[chosen].astype(np.int32),
        second=columns[chosen].astype(np.int32),
        n_whole=n_whole,
        weight=weight,
        **parts,
    )


def shape_of(case: Case) -> Shape:
    """Return the sizes of the flat vector."""
    return Shape(
        case.n_dims,
        case.n,
        case.n_relations,
        case.n_covariates,
        case.n_relations if case.form == "reciprocal" else 0,
        case.n if case.sociality in ("shared", "sender", "both") else 0,
        case.n if case.sociality in ("receiver", "both") else 0,
        case.n_clusters,
    )


def problem(case: Case, seed: int = 1) -> tuple[State, Data, Prior, Seen]:
    """Return a state with clusters apart, data, the usual prior (its intercept's mean moved), and what was seen."""
    rng = np.random.default_rng([seed, *case[:4]])
    centres = (0.0 if case.centred else 1.5) * rng.standard_normal((case.n_clusters, case.n_dims))
    labels = rng.integers(0, case.n_clusters, case.n)
    variances = rng.uniform(0.3, 2.0, case.n_clusters)
    positions = centres[labels] + np.sqrt(variances[labels])[:, None] * rng.standard_normal((case.n, case.n_dims))
    shape = shape_of(case)
    state = State(
        shape,
        rng.normal(0.0, 0.5, shape.size),
        rng.uniform(0.3, 2.0, (case.n_relations, 2)),
        rng.dirichlet(np.full(case.n_clusters, 3.0)),
        labels.astype(np.int64),
    )
    here = views(state.vector, shape)
    here.positions[:] = positions.T
    here.intercepts[:] = rng.normal(1.0, 1.0, case.n_relations)
    here.centres[:] = centres
    here.log_variances[:] = np.log(variances)
    prior = Prior(*astuple(Priors.usual(case.n, case.n_clusters, case.n_dims)))._replace(intercept_mean=0.25)
    if case.centred:
        prior = prior._replace(centre_variance=0.0)
    seen = seen_of(case, rng)
    return state, data_of(case, seen), prior, seen
