"""Jumps of actors between clusters: what they gain against plain loops, that they are undone, and that chains mix by them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import naive_lpcm as naive
from reference.cases import CASES, RICH, Case, problem
from reference.fits import network_from

from simlab.fit.lpcm_mcmc import LpcmMcmc
from simlab.kernels.chain_state import new_work, views
from simlab.kernels.jumps import draw_mirror, jumps, likelihood_around, moved
from simlab.kernels.lpcm import log_likelihood_of
from simlab.panel import DyadState, Network

LONG = Case(60, 1, 2, 2, "masked", "reciprocal", "both", 1)


@pytest.mark.parametrize("case", [*CASES[:8], *RICH], ids=str)
def test_the_dyads_of_all_actors_are_all_dyads_twice(case: Case) -> None:
    state, data, _, seen = problem(case)
    point, work = views(state.vector, state.shape), new_work(state.shape)
    each = [likelihood_around(point, data, i, work) for i in range(case.n)]
    assert math.fsum(each) == pytest.approx(2.0 * naive.log_likelihood(point, seen), rel=1e-10, abs=1e-9)


@pytest.mark.parametrize("case", [case for case in [*CASES[:8], *RICH] if case.n_clusters > 1], ids=str)
@pytest.mark.parametrize("angle", [None, 0.7])
def test_a_move_gains_what_the_naive_likelihood_gains(case: Case, angle: float | None) -> None:
    state, data, _, seen = problem(case)
    point, work = views(state.vector, state.shape), new_work(state.shape)
    mirror = np.zeros(case.n_dims)
    if angle is not None:
        mirror[:2] = np.array([math.cos(angle), math.sin(angle)])[: case.n_dims]
        mirror /= np.linalg.norm(mirror)
    i, g = case.n - 1, int(state.labels[case.n - 1])
    h = (g + 1) % case.n_clusters
    before, place = naive.log_likelihood(point, seen), point.positions[:, i].copy()
    gain, weight = moved(state, data, i, (g, h), mirror, work)
    assert gain == pytest.approx(naive.log_likelihood(point, seen) - before, rel=1e-9, abs=1e-9)
    assert weight == pytest.approx(math.log(state.weights[h] / state.weights[g]))
    assert state.labels[i] == h
    ratio = math.exp(0.5 * (point.log_variances[h] - point.log_variances[g]))
    turn = np.eye(case.n_dims) - 2.0 * np.outer(mirror, mirror)
    assert_allclose(point.positions[:, i], point.centres[h] + ratio * turn @ (place - point.centres[g]))
    moved(state, data, i, (h, g), mirror, work)
    assert_allclose(point.positions[:, i], place)
    assert state.labels[i] == g


def test_an_actor_of_a_third_cluster_stays() -> None:
    state, data, _, _ = problem(Case(18, 1, 2, 3))
    before = state.vector.copy()
    others = [g for g in range(3) if g != state.labels[4]]
    assert moved(state, data, 4, (others[0], others[1]), np.zeros(2), new_work(state.shape)) == (0.0, 0.0)
    assert_array_equal(state.vector, before)


@pytest.mark.parametrize("case", [Case(18, 1, 2, 3), LONG, Case(18, 2, 1, 2, "masked")], ids=str)
def test_jumps_keep_count_of_the_likelihood_and_undo_what_is_refused(case: Case) -> None:
    state, data, _, _ = problem(case)
    work = new_work(state.shape)
    before, places = log_likelihood_of(state, data, work), views(state.vector, state.shape).positions.copy()
    rng = np.random.default_rng(3)
    value = jumps(state, data, 300, work, rng, before)
    assert value == pytest.approx(log_likelihood_of(state, data, work), rel=1e-9)
    changed = (views(state.vector, state.shape).positions != places).any(axis=0)
    assert changed.sum() > 0
    # Weights that forbid every cluster but one leave all who are there where they are.
    state.weights[:] = 1e-300
    state.weights[0] = 1.0
    state.labels[:] = 0
    kept = state.vector.copy()
    assert jumps(state, data, 300, work, rng, value) == value
    assert_array_equal(state.vector, kept)


def test_mirrors_have_a_normal_of_length_one_or_none() -> None:
    rng = np.random.default_rng(1)
    lengths = []
    for _ in range(400):
        mirror = np.zeros(3)
        draw_mirror(mirror, rng)
        lengths.append(np.linalg.norm(mirror))
    assert_allclose(np.sort(np.unique(np.round(lengths, 9))), [0.0, 1.0])
    assert 0.4 < np.mean(lengths) < 0.6


def two_cliques(n_others: int, *, tied: bool) -> Network:
    n = 12 + n_others
    state = np.zeros((n, n), dtype=int)
    state[:6, :6] = state[6:12, 6:12] = DyadState.TIE
    if tied:
        state[12:, 12:] = DyadState.TIE
    else:
        state[12:] = state[:, 12:] = DyadState.NO_ANSWER
    return network_from(state)


@pytest.mark.parametrize("seed", [1, 2])
def test_an_actor_of_whom_nothing_is_known_visits_clusters_that_lie_far_apart(seed: int) -> None:
    fit = LpcmMcmc(n_clusters=2).fit(two_cliques(1, tied=False), rng=np.random.default_rng(seed))
    assert fit.status == "ok", fit.message
    assert fit.membership[12] == pytest.approx([0.5, 0.5], abs=0.12)


def test_chains_that_disagree_about_single_actors_have_not_converged() -> None:
    """A pair without ties to two cliques belongs to either: chains stay with one of them for long."""
    fit = LpcmMcmc(n_clusters=2).fit(two_cliques(2, tied=True), rng=np.random.default_rng(1))
    assert max(fit.diagnostics["rhat"], 1.01) == 1.01
    assert fit.status == "not_converged"
    assert "pairs of actors" in fit.message
