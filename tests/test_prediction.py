"""Networks drawn from a fit, against the probabilities of all dyads written out; and the predictive density."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from conftest import network_of
from scipy.stats import poisson

from simlab.fit.fit import Fit, FitError, Status
from simlab.fit.louvain import Louvain
from simlab.fit.prediction import draw_networks, predictive_density
from simlab.fit.sbm import Sbm
from simlab.fit.tie_model import Family, TieModel
from simlab.foundation.errors import InputError
from simlab.panel import DyadState, Network

NO, TIE, SILENT, AWAY, ABSENT, NONE = DyadState


class Given(TieModel):
    """A tie model whose predictors (n_draws, n_relations, n, n) and reciprocities (n_draws, n_relations) are given."""

    def __init__(
        self, eta: np.ndarray, reciprocity: np.ndarray | None = None, family: Family = Family.BERNOULLI
    ) -> None:
        self.eta, self.family = eta, family
        self.odds = np.zeros(eta.shape[:2]) if reciprocity is None else reciprocity

    @property
    def n_draws(self) -> int:
        return len(self.eta)

    def predictors(self, draw: int) -> np.ndarray:
        return np.asarray(self.eta[draw])

    def reciprocity(self, draw: int) -> np.ndarray:
        return np.asarray(self.odds[draw])


def fit_of(model: TieModel | None, n: int) -> Fit:
    """Return a fit with this model, of actors called as ``network_of`` calls them."""
    names = tuple(f"a{i:03d}" for i in range(n))
    return Fit(
        "given", names, Status.OK, "", np.zeros(n, dtype=np.int64), np.ones((n, 1)), None, {}, "", tie_model=model
    )


def predictors(n: int, n_draws: int = 1, n_relations: int = 1, *, directed: bool = True, seed: int = 1) -> np.ndarray:
    eta = np.random.default_rng(seed).normal(-0.3, 1.0, (n_draws, n_relations, n, n))
    return eta if directed else eta + eta.swapaxes(2, 3)


def empty(n: int, *, directed: bool = True) -> Network:
    return network_of(np.zeros((n, n), dtype=bool), directed=directed)


def pair(eta: float, back: float, odds: float) -> dict[tuple[int, int], float]:
    """Return the probabilities of the four states of a dyad, straight from the definition of a tie model."""
    weight = {(y, b): np.exp(y * eta + b * back + odds * y * b) for y, b in product((0, 1), repeat=2)}
    return {state: value / sum(weight.values()) for state, value in weight.items()}


# --- drawing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odds", [0.0, 1.7, -2.0])
def test_the_states_of_each_dyad_have_their_probabilities(odds: float) -> None:
    """Every share within 4.5 standard errors, of 4 states x 6 dyads; a wrong reciprocity is off by more."""
    n, n_networks = 4, 20_000
    eta = predictors(n)
    model = Given(eta, np.array([[odds]]))
    drawn = draw_networks(fit_of(model, n), empty(n), n=n_networks, rng=np.random.default_rng(2))
    ties = np.array([one.ties for one in drawn]).astype(int)

    def worst(assumed: float) -> float:
        far = 0.0
        for i in range(n):
            for j in range(i):
                for (y, b), p in pair(eta[0, 0, i, j], eta[0, 0, j, i], assumed).items():
                    share = ((ties[:, i, j] == y) & (ties[:, j, i] == b)).mean()
                    far = max(far, abs(share - p) / np.sqrt(p * (1 - p) / n_networks))
        return far

    assert worst(odds) < 4.5
    assert worst(odds + 0.3) > 6.0


def test_undirected_ties_are_symmetric_and_have_their_probabilities() -> None:
    n, n_networks = 5, 10_000
    eta = predictors(n, directed=False)
    drawn = draw_networks(fit_of(Given(eta), n), empty(n, directed=False), n=n_networks, rng=np.random.default_rng(3))
    ties = np.array([one.ties for one in drawn])
    assert np.array_equal(ties, ties.swapaxes(1, 2))
    off = ~np.eye(n, dtype=bool)
    p = 1 / (1 + np.exp(-eta[0, 0]))
    assert (np.abs(ties.mean(axis=0) - p)[off] < 4.5 * np.sqrt(p * (1 - p) / n_networks)[off]).all()
    assert all(not one.directed and one.counts is None for one in drawn)


@pytest.mark.parametrize("directed", [True, False])
def test_counts_have_their_mean_and_variance(directed: bool) -> None:
    n, n_networks = 5, 5_000
    eta = predictors(n, directed=directed)
    model = Given(eta, family=Family.POISSON)
    drawn = draw_networks(fit_of(model, n), empty(n, directed=directed), n=n_networks, rng=np.random.default_rng(4))
    counts = np.array([one.counts for one in drawn])
    off = ~np.eye(n, dtype=bool)
    mean = np.exp(eta[0, 0])
    assert (np.abs(counts.mean(axis=0) - mean)[off] < 4.5 * np.sqrt(mean / n_networks)[off]).all()
    assert np.allclose((counts.var(axis=0) / mean)[off], 1.0, atol=0.2)
    assert all(np.array_equal(one.ties, one.tie_counts() > 0) for one in drawn)
    assert directed or np.array_equal(counts, counts.swapaxes(1, 2))


def test_a_count_without_limit_is_drawn_all_the_same() -> None:
    model = Given(np.full((1, 1, 3, 3), 900.0), family=Family.POISSON)
    (one,) = draw_networks(fit_of(model, 3), empty(3), n=1, rng=np.random.default_rng(1))
    assert np.isfinite(one.tie_counts()).all()


def some_hidden(n: int = 6) -> Network:
    """Return two modes of three actors (the last of whom was absent), of whom one did not answer and one was away."""
    state = np.full((n, n), NO, dtype=np.int8)
    state[0, 3] = state[4, 1] = TIE
    state[1], state[2] = SILENT, AWAY
    state[:3, :3] = state[3:, 3:] = NONE
    state[5] = state[:, 5] = ABSENT
    np.fill_diagonal(state, NONE)
    return Network(tuple(f"a{i:03d}" for i in range(n)), state, period="2", attributes={"age": tuple("123456")})


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("odds", [0.0, 1.0])
def test_impossible_dyads_stay_impossible_and_others_are_drawn(family: Family, odds: float) -> None:
    world = some_hidden()
    model = Given(np.full((1, 1, 6, 6), 50.0), np.array([[odds]]), family)
    rng = np.random.default_rng(1)
    (free,) = draw_networks(fit_of(model, 6), world, n=1, rng=rng)
    never = (world.state == NONE) | (world.state == ABSENT)
    assert np.array_equal(free.state[never], world.state[never])
    assert (free.state[~never] == TIE).all()
    (hidden,) = draw_networks(fit_of(model, 6), world, n=1, rng=rng, masked=True)
    assert np.array_equal(hidden.observed, world.observed)
    assert np.array_equal(hidden.state[~world.observed], world.state[~world.observed])
    assert hidden.ties[world.observed].all()
    for one in (free, hidden):
        assert (one.actors, one.period, one.attributes) == (world.actors, "2", world.attributes)
        assert np.array_equal(one.tie_counts() > 0, one.ties)


def test_where_one_tie_of_a_dyad_is_impossible_the_other_is_drawn_as_if_it_were_none() -> None:
    world = empty(2)
    world.state[0, 1] = NONE
    model = Given(np.zeros((1, 1, 2, 2)), np.array([[3.0]]))
    ties = [one.ties[1, 0] for one in draw_networks(fit_of(model, 2), world, n=4000, rng=np.random.default_rng(1))]
    assert np.mean(ties) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize(("n", "n_draws", "used"), [(4, 4, [0, 1, 2, 3]), (2, 8, [2, 6]), (6, 2, [0, 0, 0, 1, 1, 1])])
def test_networks_are_spread_evenly_over_the_draws(n: int, n_draws: int, used: list[int]) -> None:
    """In draw k only actor k has ties."""
    eta = np.full((n_draws, 1, 9, 9), -50.0)
    for k in range(n_draws):
        eta[k, 0, k] = 50.0
    drawn = draw_networks(fit_of(Given(eta), 9), empty(9), n=n, rng=np.random.default_rng(1))
    assert [int(one.ties.any(axis=1).nonzero()[0][0]) for one in drawn] == used


def test_the_same_stream_gives_the_same_networks() -> None:
    fit, world = fit_of(Given(predictors(6)), 6), empty(6)
    one, same, other = (draw_networks(fit, world, n=3, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a.state, b.state) for a, b in zip(one, same, strict=True))
    assert any(not np.array_equal(a.state, b.state) for a, b in zip(one, other, strict=True))


def test_a_joint_fit_gives_a_network_for_each_relation() -> None:
    """Ties everywhere in the first relation, nowhere in the second, whose ties have no direction."""
    model = Given(np.stack([np.full((1, 4, 4), 50.0), np.full((1, 4, 4), -50.0)], axis=1))
    worlds = [replace(empty(4), relation="x"), replace(empty(4, directed=False), relation="y")]
    drawn = draw_networks(fit_of(model, 4), worlds, n=2, rng=np.random.default_rng(1))
    assert [[one.relation for one in both] for both in drawn] == [["x", "y"]] * 2
    assert [[one.n_ties for one in both] for both in drawn] == [[12, 0]] * 2


def test_a_block_model_gives_networks_of_its_density() -> None:
    rng = np.random.default_rng(1)
    label = np.repeat([0, 1], 12)
    world = network_of(rng.random((24, 24)) < np.where(label[:, None] == label, 0.5, 0.05))
    fit = Sbm(n_clusters=2).fit(world, rng=rng)
    drawn = draw_networks(fit, world, n=100, rng=rng)
    assert np.mean([one.density for one in drawn]) == pytest.approx(world.density, abs=0.03)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": None}, "given has no model from which networks could be drawn"),
        ({"n": 0}, "n = 0: must be at least 1"),
        ({"world": empty(5)}, "the fit is of 4 actors, and network has others"),
        ({"world": [empty(4), empty(4)]}, "2 given, and the fit is of 1"),
        ({"world": empty(4, directed=False), "odds": 1.0}, "have no direction"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes: dict[str, Any], message: str) -> None:
    model = Given(predictors(4), np.array([[changes.get("odds", 0.0)]]))
    fit = fit_of(changes.get("model", model), 4)
    with pytest.raises(InputError) as caught:
        draw_networks(fit, changes.get("world", empty(4)), n=changes.get("n", 1), rng=np.random.default_rng(1))
    assert message in str(caught.value)


def test_a_fit_without_a_model_says_which() -> None:
    world = network_of(np.random.default_rng(1).random((8, 8)) < 0.4)
    fit = Louvain().fit(world, rng=np.random.default_rng(1))
    with pytest.raises(InputError, match=r"^louvain has no model from which networks could be drawn$"):
        draw_networks(fit, world, n=1, rng=np.random.default_rng(1))


def test_predictors_that_are_not_numbers_are_a_failed_fit() -> None:
    with pytest.raises(FitError, match="not a number"):
        draw_networks(fit_of(Given(np.full((1, 1, 3, 3), np.nan)), 3), empty(3), n=1, rng=np.random.default_rng(1))


# --- predictive density -----------------------------------------------------------------------------------------------


def seen(n: int = 6, *, directed: bool = True, seed: int = 5) -> tuple[Network, np.ndarray]:
    """Return a network with some dyads unobserved, and a third of the others to be held out."""
    rng = np.random.default_rng(seed)
    ties = rng.random((n, n)) < 0.5
    world = network_of(ties if directed else ties | ties.T, directed=directed)
    hide = rng.random((n, n)) < 0.25
    world.state[(hide if directed else hide | hide.T) & ~np.eye(n, dtype=bool)] = SILENT
    return world, (rng.random((n, n)) < 0.5) & world.observed


def test_predictive_density_of_independent_ties_against_loops() -> None:
    world, held_out = seen()
    eta = predictors(6, n_draws=3)
    total = 0.0
    for i, j in np.argwhere(held_out):
        p = 1 / (1 + np.exp(-eta[:, 0, i, j]))
        total += np.log(np.mean(p if world.ties[i, j] else 1 - p))
    assert predictive_density(Given(eta), world, held_out) == pytest.approx(total, rel=1e-12)


def test_predictive_density_with_reciprocity_against_the_four_states_of_each_dyad() -> None:
    """Both ties held out: together. One: given the other where it was observed, else summed over it."""
    eta, odds = predictors(9, n_draws=3), np.array([[1.5], [0.5], [-1.0]])
    world, held_out = seen(9)
    total, kinds = 0.0, set()
    for i in range(9):
        for j in range(i):
            for a, b in ((i, j), (j, i)):
                y, back = int(world.ties[a, b]), int(world.ties[b, a])
                states = [pair(eta[s, 0, a, b], eta[s, 0, b, a], odds[s, 0]) for s in range(3)]
                if held_out[a, b] and held_out[b, a]:
                    if a == i:
                        kinds.add("both")
                        total += np.log(np.mean([p[y, back] for p in states]))
                elif held_out[a, b] and world.observed[b, a]:
                    kinds.add("given the other")
                    total += np.log(np.mean([p[y, back] / (p[0, back] + p[1, back]) for p in states]))
                elif held_out[a, b]:
                    kinds.add("alone")
                    total += np.log(np.mean([p[y, 0] + p[y, 1] for p in states]))
    assert len(kinds) == 3
    assert predictive_density(Given(eta, odds), world, held_out) == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("directed", [True, False])
def test_predictive_density_of_counts_against_scipy(directed: bool) -> None:
    world, held_out = seen(directed=directed)
    held_out = held_out if directed else np.tril(held_out)
    rng = np.random.default_rng(8)
    counts = np.where(world.ties, rng.integers(1, 5, (6, 6)), 0).astype(float)
    world = replace(world, counts=counts if directed else np.tril(counts) + np.tril(counts).T)
    eta = predictors(6, n_draws=4, directed=directed)
    model = Given(eta, family=Family.POISSON)
    total = sum(
        np.log(np.mean(poisson.pmf(world.tie_counts()[i, j], np.exp(eta[:, 0, i, j]))))
        for i, j in np.argwhere(held_out)
    )
    assert predictive_density(model, world, held_out) == pytest.approx(total, rel=1e-10)


def test_an_undirected_dyad_is_foreseen_once() -> None:
    world, held_out = seen(directed=False)
    model = Given(predictors(6, n_draws=2, directed=False))
    half = predictive_density(model, world, np.tril(held_out | held_out.T))
    assert half < 0
    assert predictive_density(model, world, held_out | held_out.T) == half
    assert predictive_density(model, world, np.triu(held_out | held_out.T)) == half


def test_a_relation_of_a_joint_model() -> None:
    world, held_out = seen()
    eta = predictors(6, n_draws=2, n_relations=2)
    joint = predictive_density(Given(eta), world, held_out, relation=1)
    assert joint == predictive_density(Given(eta[:, 1:]), world, held_out)
    assert joint != predictive_density(Given(eta), world, held_out)


def test_the_model_that_made_the_ties_foresees_them_best() -> None:
    eta = 1.5 * predictors(30)
    (world,) = draw_networks(fit_of(Given(eta), 30), empty(30), n=1, rng=np.random.default_rng(3))
    density = {scale: predictive_density(Given(scale * eta), world, world.observed) for scale in (0.0, 0.5, 1.0, 2.0)}
    assert max(density, key=lambda scale: density[scale]) == 1.0


def test_what_no_draw_allows_is_minus_infinity_and_nothing_is_nought() -> None:
    world = network_of(np.ones((3, 3), dtype=bool))
    all_dyads = world.observed
    assert predictive_density(Given(np.full((2, 1, 3, 3), -np.inf)), world, all_dyads) == -np.inf
    assert predictive_density(Given(np.full((2, 1, 3, 3), np.inf)), world, all_dyads) == 0.0
    assert predictive_density(Given(np.zeros((2, 1, 3, 3))), world, np.zeros((3, 3), dtype=bool)) == 0.0
    assert predictive_density(Given(np.full((1, 1, 3, 3), -800.0)), world, all_dyads) == pytest.approx(-4800.0)


@pytest.mark.parametrize(
    ("held_out", "message"),
    [
        (np.ones((3, 3), dtype=bool), "must be dyads that were observed"),
        (np.ones((2, 2), dtype=bool), "must have the shape"),
    ],
)
def test_held_out_dyads_have_to_be_known(held_out: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        predictive_density(Given(np.zeros((1, 1, 3, 3))), empty(3), held_out)
