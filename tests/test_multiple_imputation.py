"""Multiple imputation: what was observed stays, what was not is drawn as the model says, and fits are pooled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from conftest import network_of
from reference import naive_generator as naive
from reference.made import made_fit
from statistical.monte_carlo import judge_mean

from simlab.fieldwork.observe import Fieldwork, observe
from simlab.fit.completion import both_ways, completed, reciprocal_odds_ratio
from simlab.fit.fit import Status
from simlab.fit.louvain import Louvain
from simlab.fit.multiple_imputation import MultipleImputation, matched, pooled
from simlab.fit.spectral import Spectral
from simlab.fit.tie_model import Family, TieModel
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.panel import DyadState, Network


@dataclass(frozen=True, eq=False)
class Given(TieModel):
    """One draw, with these predictors and this reciprocity."""

    eta: np.ndarray
    rho: float = 0.0
    family = Family.BERNOULLI

    @property
    def n_draws(self) -> int:
        return 1

    def predictors(self, draw: int) -> np.ndarray:
        return self.eta[None]

    def reciprocity(self, draw: int) -> np.ndarray:
        return np.array([self.rho])


@pytest.fixture(scope="module")
def seen() -> Network:
    panel, truth = simulate(Scenario(n_actors=30, mean_degree=6.0), seed=1)
    return observe(panel, Fieldwork(response_rate=0.6), seed=1, truth=truth).network()


@pytest.mark.parametrize("ratio", [0.01, 0.5, 1.0, 1.0 + 1e-9, 4.0, 500.0])
def test_both_ties_have_the_odds_ratio(ratio: float) -> None:
    for forth, back in [(0.1, 0.1), (0.9, 0.8), (0.001, 0.5), (0.3, 0.7)]:
        both = float(both_ways(np.array(forth), np.array(back), ratio))
        assert both == pytest.approx(naive.dyad(forth, back, ratio)[3], abs=1e-12)


def test_the_odds_ratio_makes_as_many_mutual_ties_as_there_are(seen: Network) -> None:
    probability = np.full(seen.state.shape, seen.density)
    ratio = reciprocal_odds_ratio(seen, probability)
    whole = np.triu(seen.observed & seen.observed.T, 1)
    mutual = (seen.ties & seen.ties.T & whole).sum()
    assert both_ways(probability, probability.T, ratio)[whole].sum() == pytest.approx(mutual, rel=1e-6)
    assert ratio > 2.0
    silent = replace(seen, state=np.where(seen.observed, DyadState.NO_ANSWER, seen.state).astype(np.int8))
    assert reciprocal_odds_ratio(silent, probability) == 1.0


def test_what_was_observed_stays(seen: Network) -> None:
    filled = completed(seen, Given(np.zeros(seen.state.shape)), 0, np.random.default_rng(1))
    assert np.array_equal(filled.state[seen.observed], seen.state[seen.observed])
    assert filled.observed.sum() == seen.n_actors * (seen.n_actors - 1)
    assert not np.array_equal(filled.state, seen.state)
    for state in (DyadState.ABSENT, DyadState.IMPOSSIBLE):
        assert np.array_equal(filled.state == state, seen.state == state)


@pytest.mark.parametrize("rho", [0.0, 2.0], ids=["reciprocity of the network", "reciprocity of the model"])
def test_open_ties_are_drawn_given_their_other_side(rho: float) -> None:
    """Of three actors the last is silent: ties of a known dyad, and of dyads with one side known, have the closed form."""
    n = 40
    rng = np.random.default_rng(3)
    pair = rng.random((n, n)) < 0.3
    ties = np.triu(pair, 1) | (np.triu(pair, 1).T & (rng.random((n, n)) < 0.6)) | np.tril(rng.random((n, n)) < 0.1, -1)
    state = network_of(ties).state.copy()
    state[30:] = np.where(state[30:] == DyadState.IMPOSSIBLE, state[30:], DyadState.NO_ANSWER)
    network = replace(network_of(ties), state=state)
    eta = np.full((n, n), -1.0)
    model = Given(eta, rho)
    p = 1.0 / (1.0 + np.exp(1.0))
    if rho:
        weights = np.array([1.0, np.exp(-1.0), np.exp(-1.0), np.exp(-2.0 + rho)])
        weights /= weights.sum()
        p = float(weights[1] + weights[3])
        both = float(weights[3])
    else:
        both = float(both_ways(np.array(p), np.array(p), reciprocal_odds_ratio(network, np.full((n, n), p))))
    told = network.ties[:30, 30:].T
    found: dict[str, list[float]] = {"tie back": [], "no tie back": [], "mutual": [], "open": []}
    for seed in range(200):
        filled = completed(network, model, 0, np.random.default_rng(seed)).ties
        found["tie back"].append(filled[30:, :30][told].mean())
        found["no tie back"].append(filled[30:, :30][~told].mean())
        inside = filled[30:, 30:]
        found["open"].append(inside.sum() / 90.0)
        found["mutual"].append((inside & inside.T).sum() / 90.0)
    judge_mean(found["tie back"], both / p, wrong=p)
    judge_mean(found["no tie back"], (p - both) / (1.0 - p), wrong=p)
    judge_mean(found["open"], p, wrong=p + 0.05)
    judge_mean(found["mutual"], both, wrong=p**2)


def test_undirected_networks_stay_undirected() -> None:
    ties = np.triu(np.random.default_rng(1).random((20, 20)) < 0.3, 1)
    network = network_of(ties | ties.T, directed=False)
    hidden = np.ix_(range(8), range(8))
    state = network.state.copy()
    state[hidden] = np.where(state[hidden] == DyadState.IMPOSSIBLE, state[hidden], DyadState.NO_ANSWER)
    filled = completed(replace(network, state=state), Given(np.zeros((20, 20))), 0, np.random.default_rng(1))
    assert np.array_equal(filled.state, filled.state.T)
    assert filled.observed.sum() == 20 * 19
    assert filled.ties[hidden].any()


def test_a_model_of_counts_is_refused(seen: Network) -> None:
    class Counts(Given):
        family = Family.POISSON

    with pytest.raises(InputError, match=r"^imputer = poisson: must be a model of ties"):
        completed(seen, Counts(np.zeros(seen.state.shape)), 0, np.random.default_rng(1))


def test_a_network_seen_whole_is_fitted_once() -> None:
    network = simulate(Scenario(n_actors=30, mean_degree=6.0), seed=1).panel.network()
    one = MultipleImputation(n_clusters=3).fit(network, rng=np.random.default_rng(1))
    base = Spectral(n_clusters=3).fit(network, rng=np.random.default_rng(1))
    assert one.fitter == "multiple-imputation"
    assert np.array_equal(one.labels, base.labels)
    assert np.array_equal(one.membership, base.membership)
    assert one.diagnostics["imputations"] == 1.0


def test_imputations_are_pooled(seen: Network) -> None:
    fit = MultipleImputation(n_clusters=3, n_imputations=6).fit(seen, rng=np.random.default_rng(1))
    assert fit.n_clusters == 3
    assert fit.diagnostics == {"imputations": 6.0, "imputed_dyads": float((seen.state == DyadState.NO_ANSWER).sum())}
    assert ((fit.membership > 0.01) & (fit.membership < 0.99)).any(), "what is not known must show"
    again = MultipleImputation(n_clusters=3, n_imputations=6).fit(seen, rng=np.random.default_rng(1))
    assert np.array_equal(fit.membership, again.membership)


def test_ties_without_direction_and_counts_are_imputed() -> None:
    ties = np.triu(np.random.default_rng(1).random((20, 20)) < 0.3, 1)
    network = network_of(ties | ties.T, directed=False)
    state = network.state.copy()
    state[:8, :8] = np.where(state[:8, :8] == DyadState.IMPOSSIBLE, state[:8, :8], DyadState.NO_ANSWER)
    counts = np.where(state == DyadState.TIE, 3.0, 0.0)
    hidden = replace(network, state=state, counts=counts)
    fit = MultipleImputation(n_clusters=2, n_imputations=3).fit(hidden, rng=np.random.default_rng(1))
    assert fit.diagnostics["imputed_dyads"] == 56.0
    filled = completed(hidden, Given(np.zeros((20, 20))), 0, np.random.default_rng(1))
    assert filled.counts is not None
    assert np.array_equal(filled.counts > 0.0, filled.ties)
    assert set(filled.counts[:8, :8][filled.ties[:8, :8]].tolist()) == {1.0}


def test_pooling_by_hand() -> None:
    """Clusters are matched whatever their numbers; the worst status speaks; scores are means."""
    fits = [
        made_fit([0, 0, 1, 1, 1], membership=np.eye(2)[[0, 0, 1, 1, 1]], bridging={"participation": np.full(5, 0.2)}),
        made_fit([0, 0, 1, 1, 1], membership=np.eye(2)[[1, 1, 0, 0, 0]], bridging={"participation": np.full(5, 0.4)}),
        made_fit(
            [0, 0, 0, 1, 1],
            membership=np.eye(2)[[0, 0, 0, 1, 1]],
            bridging={"participation": np.full(5, 0.6)},
            status=Status.NOT_CONVERGED,
            message="run longer",
        ),
    ]
    found = pooled(fits, "pooled", np.random.default_rng(1), {})
    assert found.labels.tolist() == [0, 0, 1, 1, 1]
    assert found.membership[2] == pytest.approx([1 / 3, 2 / 3])
    assert found.membership[[0, 4]].tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert found.bridging["participation"] == pytest.approx(np.full(5, 0.4))
    assert found.status == Status.NOT_CONVERGED
    assert found.message == "1 of 3 imputations: run longer"


def test_a_cluster_without_partner_joins_the_nearest() -> None:
    membership = np.eye(3)[[0, 0, 1, 2, 2]]
    assert matched(membership, np.array([0, 0, 0, 1, 1]), 2).tolist() == [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]]
    assert matched(membership[:, :2], np.array([0, 0, 1, 1, 2]), 3).shape == (5, 3)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base": "spectrall"}, r"no fitter named 'spectrall'\. Did you mean 'spectral'"),
        ({"base": "multiple-imputation"}, "base = multiple-imputation: must be another fitter"),
        ({"imputer": "sbm"}, "sociality: no such sbm setting"),
        ({"imputer": "spectral", "imputer_settings": ()}, "imputer = spectral: has no model"),
        ({"base_settings": ("n_start=3",)}, "n_start: no such spectral setting"),
        ({"base_settings": ("n_starts",)}, "base_settings = n_starts: must be key=value"),
        ({"base_settings": ("n_starts=0",)}, "n_starts = 0"),
        ({"n_imputations": 0}, "n_imputations = 0"),
    ],
    ids=str,
)
def test_mistakes_are_one_line(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        MultipleImputation(**settings)
    assert "\n" not in str(caught.value)


def test_a_base_that_finds_the_number_of_clusters_needs_none(seen: Network) -> None:
    fitter = MultipleImputation(base="louvain", n_imputations=3)
    assert fitter.fitter_of("base") == Louvain()
    fit = fitter.fit(seen, rng=np.random.default_rng(1))
    assert 1 <= len(set(fit.labels.tolist())) <= fit.n_clusters
