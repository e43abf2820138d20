"""The likelihood over a list of dyads against plain loops and against the likelihood of all dyads."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import naive_lpcm as naive
from reference.cases import CASES, RICH, Case, listed, lower, problem

from simlab.kernels.chain_state import new_work, views
from simlab.kernels.climb import objective
from simlab.kernels.curvature import curvature
from simlab.kernels.listed import listed_curvature

# More dyads than a block holds, in both parts of the list.
LONG = Case(60, 1, 2, 2, "masked", "reciprocal", "both", 1)
EVERY = [*CASES[2:8], *RICH, LONG]


@pytest.mark.parametrize("case", EVERY, ids=str)
def test_a_list_of_all_dyads_gives_what_all_dyads_give(case: Case) -> None:
    state, data, prior, _ = problem(case)
    work = new_work(state.shape)
    size = data.ties.shape[1]
    order = np.random.default_rng(1).permutation(size)
    values, gradients, curvatures = [], [], []
    for of, measure in ((data, curvature), (listed(data, order, size, 9.0), listed_curvature)):
        work.vector[:] = state.vector
        values.append(objective(state, of, prior, work, True))
        gradients.append(work.gradient.copy())
        masses, scale = np.zeros(state.shape.size), np.zeros((2, 2))
        measure(state, of, prior, work, masses, scale)
        curvatures.append(np.concatenate([masses, scale.ravel()]))
    for one, other in (values, gradients, curvatures):
        assert_allclose(one, other, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("case", EVERY, ids=str)
def test_dyads_of_the_sample_count_as_often_as_they_stand_for(case: Case) -> None:
    """The naive log-likelihood of each dyad by itself, weighted and summed."""
    state, data, prior, seen = problem(case)
    rng = np.random.default_rng(2)
    chosen = rng.permutation(data.ties.shape[1])[: max(1, data.ties.shape[1] * 2 // 3)]
    n_whole, weight = len(chosen) // 2, 3.5
    point = views(state.vector, state.shape)
    wanted = 0.0
    rows, columns = np.tril_indices(case.n, -1)
    for at, pair in enumerate(chosen):
        only = np.zeros((case.n, case.n))
        only[rows[pair], columns[pair]] = only[columns[pair], rows[pair]] = 1.0
        alone = seen._replace(observed=seen.observed * only, ties=seen.ties * only)
        if lower(alone.observed + alone.observed.swapaxes(1, 2)).any() and case.n <= 20:
            wanted += (1.0 if at < n_whole else weight) * naive.log_likelihood(point, alone)
    work = new_work(state.shape, listed=True)
    work.vector[:] = state.vector
    of = listed(data, chosen, n_whole, weight)
    value = objective(state, of, prior, work, False)
    if case.n <= 20:
        assert value == pytest.approx(wanted, rel=1e-10, abs=1e-9)
    gradient = work.gradient.copy()

    def at_vector(vector: np.ndarray) -> float:
        work.vector[:] = vector
        return float(objective(state, of, prior, work, False))

    slopes = naive.gradient(at_vector, state.vector)
    assert_allclose(gradient, slopes, atol=1e-5 * (1.0 + np.abs(slopes).max()))


def test_three_actors_by_hand() -> None:
    """Positions 0, 3 and 7 on a line, intercept 2: one tie between the first two; the third pair stands for five."""
    state, data, prior, _ = problem(Case(3, 1, 1, 1, "undirected"))
    point = views(state.vector, state.shape)
    point.positions[:] = [[0.0, 3.0, 7.0]]
    point.intercepts[:] = 2.0
    data = data._replace(ties=np.array([[1, 0, 0]], dtype=np.float32), observed=np.ones((1, 3), dtype=np.float32))
    work = new_work(state.shape, listed=True)
    work.vector[:] = state.vector
    value = objective(state, listed(data, np.array([0, 2]), 1, 5.0), prior, work, False)
    assert value == pytest.approx(-1.0 - np.log1p(np.exp(-1.0)) - 5.0 * np.log1p(np.exp(-2.0)), rel=1e-12)
