"""Run every kernel from fixed states and return what it gives; as a script, save that: ``every_kernel.py FILE.npz``.

The same function in a process where Numba is off gives what the interpreter makes of the kernels.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from reference.cases import Case, listed, problem
from reference.naive_graphs import random_weights
from reference.naive_variational import problem as variational_problem

from simlab.fit.bridging import compressed
from simlab.fit.variational import Climb
from simlab.kernels import (
    bound_ascent,
    chain,
    chain_state,
    climb,
    curvature,
    dyads,
    expected,
    expected_predictors,
    gibbs,
    graphs,
    lpcm,
    mode,
    partitions,
    variational,
)
from simlab.kernels.jumps import jumps
from simlab.kernels.listed import listed_curvature
from simlab.models.variational import rule

CASES = [Case(2, 1, 1, 1), Case(18, 3, 2, 3, "masked"), Case(61, 1, 3, 2, "undirected")]
# These do nothing whose order fastmath could change, nor call anything that does.
EXACT = (
    "fill_constraint",
    "fill_betweenness",
    "canonical_rows",
    "mean_loss",
    "put",
    "take",
    "added",
    "place",
    "fill_sums",
)


def compiled() -> bool:
    """Say whether the kernels are compiled in this process."""
    return hasattr(lpcm.sweep, "py_func")


compiled_only = pytest.mark.skipif(not compiled(), reason="the interpreter raises where a kernel gives infinity")


def outputs() -> dict[str, np.ndarray]:
    """Return every kernel's results, named ``kernel/case/part``."""
    out: dict[str, np.ndarray] = {}
    for case in CASES:
        for name, parts in (*_of_graph(case), *_of_partitions(case), *_of_bounds(case), *_of_case(case)):
            # Copied at once: the next kernel may write into the same buffers.
            out |= {f"{name}/{case}/{at}": np.array(part) for at, part in enumerate(parts)}
    return out


def _of_graph(case: Case) -> Iterator[tuple[str, tuple[object, ...]]]:
    graph = compressed(random_weights(case.n, min(0.8, 6.0 / case.n), 3))
    out = np.zeros(case.n)
    graphs.fill_constraint(graph, out)
    yield "fill_constraint", (out.copy(),)
    graphs.fill_betweenness(graph, np.arange(0, case.n, 2), out)
    yield "fill_betweenness", (out,)


def _of_partitions(case: Case) -> Iterator[tuple[str, tuple[object, ...]]]:
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, (9, case.n))
    draws = np.zeros(labels.shape, dtype=np.int32)
    partitions.canonical_rows(labels, draws)
    yield "canonical_rows", (draws,)
    count = np.arange(case.n + 1.0)
    table = count * np.log(np.maximum(count, 1.0))
    yield "mean_loss", tuple(partitions.mean_loss(labels[0], draws, table, most) for most in (0.1, np.inf))
    search = partitions.Search(
        np.full(case.n, -1),
        np.zeros(4, dtype=np.int64),
        np.zeros((4, 9, 3), dtype=np.int32),
        np.ascontiguousarray(draws.T),
        np.diff(table),
    )
    for i in range(case.n):
        partitions.put(search, i, i % 2)
    yield "put", (search.labels.copy(), search.sizes.copy(), search.shared.copy())
    partitions.take(search, 1)
    yield "take", (search.labels.copy(), search.sizes.copy(), search.shared.copy())
    yield "added", tuple(partitions.added(search, 1, g) for g in range(4))
    yield "place", (partitions.place(search, rng.permutation(case.n)), *search[:3])


def _of_bounds(case: Case) -> Iterator[tuple[str, tuple[object, ...]]]:
    yield from _of_variational(case)
    n = min(max(case.n, 6), 40)  # covariates vary over the dyads, and the interpreter is slow
    for rich in (
        Case(n, 2, case.n_dims, case.n_clusters, "masked", "reciprocal", "both", 1),
        Case(n, 1, case.n_dims, case.n_clusters, case.kind, "poisson", "shared", 1),
    ):
        for name, parts in _of_rich_bound(rich):
            yield f"{name}/{rich.form}", parts


def _of_rich_bound(case: Case) -> Iterator[tuple[str, tuple[object, ...]]]:
    a, data, priors = variational_problem(case)
    climb = Climb(data, priors, a)
    held, buffers = climb.held(), climb.buffers
    yield "variable_bound", (variational.variable_bound(held, buffers), buffers.gradient)
    at, pull = buffers.at, buffers.pull
    point, slope = (
        chain_state.Point(
            part.positions,
            part.intercepts,
            part.coefficients,
            part.reciprocity,
            part.sender,
            part.receiver,
            part.centres,
            part.log_spreads,
        )
        for part in (at, pull)
    )
    buffers.gradient[:] = 0.0
    value = expected_predictors.expected_of_predictors(
        (point, buffers.variances),
        held.data,
        held.rule,
        held.noise,
        (
            slope,
            expected_predictors.Spread(pull.log_variances, pull.sender_log_variances, pull.receiver_log_variances),
        ),
        (buffers.blocks, buffers.sides, buffers.slopes),
    )
    yield "expected_of_predictors", (value, buffers.gradient)
    buffers.gradient[:] = 0.0
    value = variational.add_effects(held, at.sender, buffers.variances.sender, pull.sender, pull.sender_log_variances)
    yield "add_effects", (value, buffers.gradient)
    buffers.gradient[:] = 0.0
    yield "add_coefficients", (variational.add_coefficients(held, buffers), buffers.gradient)


def _of_variational(case: Case) -> Iterator[tuple[str, tuple[object, ...]]]:
    a, data, priors = variational_problem(case)
    normals = expected.Normals(np.ascontiguousarray(a.positions.T), a.variances, a.intercepts)
    pull = expected.Normals(*(np.zeros_like(values) for values in normals))
    value = expected.expected_log_likelihood(
        normals, data.ties, data.observed, rule(case.n_dims), pull, np.zeros((4, dyads.BLOCK))
    )
    yield "expected_log_likelihood", (value, *pull)
    sums, out = np.zeros(case.n * (case.n - 1) // 2), np.zeros(case.n)
    expected.fill_sums(a.variances, 1, 0, sums)
    yield "fill_sums", (sums,)
    expected.add_sums(1, 0, sums, out)
    yield "add_sums", (out,)
    climb = Climb(data, priors, a)
    held, buffers = climb.held(), climb.buffers
    yield "variable_bound", (variational.variable_bound(held, buffers), buffers.gradient)
    buffers.gradient[:] = 0.0
    yield "add_clusters", (variational.add_clusters(held, buffers), buffers.gradient, buffers.membership, buffers.sums)
    buffers.gradient[:] = 0.0
    yield "add_priors", (variational.add_priors(held, buffers), buffers.gradient)
    value, steps, pairs = bound_ascent.ascend(held, buffers, climb.memory, climb.scale(), (0, 0), (2, 0.0))
    yield "ascend", (value, steps, pairs, buffers.vector)


def _of_case(case: Case) -> Iterator[tuple[str, tuple[object, ...]]]:
    for rich in (case, Case(case.n, 1, case.n_dims, case.n_clusters, "masked", "reciprocal", "both", 1)):
        for name, parts in _of_chain(rich):
            yield f"{name}/{rich.form}", parts


def _of_chain(case: Case) -> Iterator[tuple[str, tuple[object, ...]]]:
    state, data, prior, _ = problem(case)
    work = chain_state.new_work(state.shape)
    size = state.shape.size

    def fresh() -> tuple[chain_state.State, np.random.Generator]:
        work.vector[:] = state.vector
        work.gradient[:] = 0.0
        own = state._replace(
            vector=state.vector.copy(),
            effect_variances=state.effect_variances.copy(),
            weights=state.weights.copy(),
            labels=state.labels.copy(),
        )
        return own, np.random.default_rng(7)

    own, rng = fresh()
    gibbs.draw_mixture(own, prior, rng)
    yield "draw_mixture", tuple(own[1:])
    own, rng = fresh()
    gibbs.draw_effects(own, data, prior, rng)
    yield "draw_effects", tuple(own[1:])
    own, rng = fresh()
    gibbs.draw_labels(own, work, rng)
    yield "draw_labels", (own.labels,)
    own, rng = fresh()
    value = jumps(own, data, 5, work, rng, 0.0)
    yield "jumps", (value, own.vector, own.labels)
    fresh()
    yield "log_density_gradient", (*lpcm.log_density_gradient(state, data, prior, work), work.gradient)
    masses, scale = np.zeros(size), np.zeros((2, 2))
    curvature.curvature(state, data, prior, work, masses, scale)
    yield "curvature", (masses, scale)
    tuning = chain_state.Tuning(0.15, 6, np.ones(size), np.ones(size), np.eye(2) * 0.1, 3, 2)
    masses, scale = np.linspace(1.0, 9.0, size), np.array([[7.0, -4.0], [0.0, 31.0]])
    chain.set_masses(masses, scale, 3.0, tuning)
    yield "set_masses", (tuning.inverse_masses, tuning.root_masses, tuning.scale_factor)
    own, _ = fresh()
    likelihood = lpcm.log_likelihood_of(own, data, work)
    yield "log_likelihood_of", (likelihood,)
    memory = climb.new_memory(size)
    some = listed(data, np.arange(0, data.ties.shape[1], 2), data.ties.shape[1] // 4, 2.5)
    fresh()
    yield "objective of a list", (climb.objective(state, some, prior, work, True), work.gradient)
    masses, scale = np.zeros(size), np.zeros((2, 2))
    listed_curvature(state, some, prior, work, masses, scale)
    yield "listed_curvature", (masses, scale)
    fresh()
    yield "climb", (*climb.climb(own, data, prior, work, memory, np.full(size, 0.1), (True, 2, 0.0)), work.vector)
    own, _ = fresh()
    mode.improve_mixture(own, prior, work)
    yield "improve_mixture", (own.vector, own.weights)


if __name__ == "__main__":
    if compiled():
        sys.exit("run with NUMBA_DISABLE_JIT=1")
    np.savez(Path(sys.argv[1]), **outputs())
