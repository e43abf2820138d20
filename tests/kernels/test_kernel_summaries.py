"""Means of the ties over draws, and distances of one draw, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import naive_lpcm as naive
from reference.cases import RICH, Case, problem

from simlab.kernels.chain import Draws, keep
from simlab.kernels.chain_state import new_work, views
from simlab.kernels.summaries import mean_ties, pair_distances


@pytest.mark.parametrize("case", [Case(7, 2, 2, 2, "masked"), Case(40, 1, 3, 1), *RICH], ids=str)
def test_mean_ties(case: Case) -> None:
    state, data, _, seen = problem(case)
    point, n_draws = views(state.vector, state.shape), 3
    n, relations, clusters = case.n, case.n_relations, case.n_clusters
    draws = Draws(
        np.zeros((n_draws, n, case.n_dims), dtype=np.float32),
        np.zeros((n_draws, n), dtype=np.int16),
        np.zeros((n_draws, relations)),
        np.zeros((n_draws, relations, case.n_covariates)),
        np.zeros((n_draws, len(point.reciprocity))),
        np.zeros((n_draws, *point.sender.shape), dtype=np.float32),
        np.zeros((n_draws, *point.receiver.shape), dtype=np.float32),
        np.zeros((n_draws, relations, 2)),
        np.zeros((n_draws, clusters, case.n_dims)),
        np.zeros((n_draws, clusters)),
        np.zeros((n_draws, clusters)),
        np.zeros(n_draws),
        np.zeros(n_draws, dtype=bool),
    )
    wanted = np.zeros((relations, n, n))
    for t in range(n_draws):
        state.vector[:] = state.vector * 0.9
        for name in ("positions", "sender", "receiver"):
            values = getattr(point, name)
            values[...] = values.astype(np.float32)
        keep(state, draws, t)
        for r in range(relations):
            for i in range(n):
                for j in range(n):
                    if i == j:
                        continue
                    eta, back = naive.predictor(point, seen, r, (i, j)), naive.predictor(point, seen, r, (j, i))
                    if case.form == "reciprocal":
                        states = naive.dyad_states(eta, back, float(point.reciprocity[r]))
                        wanted[r, i, j] += (states[1, 0] + states[1, 1]) / n_draws
                    else:
                        wanted[r, i, j] += (np.exp(eta) if case.form == "poisson" else 1 / (1 + np.exp(-eta))) / n_draws
    rows, columns = np.tril_indices(n, -1)
    out = np.zeros((relations, 2, len(rows)))
    mean_ties(draws, state._replace(vector=np.zeros_like(state.vector)), data, new_work(state.shape), out)
    assert_allclose(out[:, 0], wanted[:, rows, columns], rtol=1e-6)
    if data.ties_back.shape[1]:
        assert_allclose(out[:, 1], wanted[:, columns, rows], rtol=1e-6)


def test_pair_distances() -> None:
    places = np.random.default_rng(1).standard_normal((9, 3)).astype(np.float32)
    out = np.zeros(36)
    pair_distances(places, out)
    assert_allclose(out, naive.pair_distances(places), rtol=1e-12)
