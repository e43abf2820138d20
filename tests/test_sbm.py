"""The stochastic block model, plain and degree-corrected."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import naive_blocks as naive
from reference.fits import check_fit, network_from, odd_networks, planted
from sklearn.metrics import adjusted_rand_score

from simlab.fit.fit import Fit, Status
from simlab.fit.leiden import Leiden
from simlab.fit.sbm import BlockTieModel, Sbm
from simlab.fit.spectral import Spectral
from simlab.foundation.errors import InputError
from simlab.kernels import blocks as kernels
from simlab.models.blocks import BernoulliBlocks, BlockData, Blocks
from simlab.models.degree_blocks import DegreeBlocks
from simlab.panel import DyadState, Network
from simlab.testing import check_fitter

KINDS = (BernoulliBlocks, DegreeBlocks)
TRUE = np.repeat([0, 1, 2], 20)
GROUPS = np.full((3, 3), 0.08) + 0.27 * np.eye(3)
STRANGERS = np.full((3, 3), 0.30) - 0.25 * np.eye(3)
CYCLE = 0.05 + 0.30 * np.roll(np.eye(3), 1, axis=1)
CORE = np.array([[0.65, 0.30, 0.15], [0.30, 0.10, 0.03], [0.05, 0.02, 0.20]])


def drawn(
    table: np.ndarray,
    seed: int,
    *,
    labels: np.ndarray = TRUE,
    silent: float = 0.0,
    degrees: tuple[np.ndarray, np.ndarray] | None = None,
    directed: bool = True,
) -> Network:
    """Draw a network from a block model; a share of actors does not answer, so that their rows are not observed."""
    rng = np.random.default_rng(seed)
    n = len(labels)
    probability = table[labels][:, labels]
    if degrees is not None:
        probability = 1.0 - np.exp(-probability * degrees[0][:, None] * degrees[1][None])
    state = (rng.random((n, n)) < probability).astype(int)
    if not directed:
        state = np.triu(state, 1) + np.triu(state, 1).T
    rows = rng.choice(n, int(silent * n), replace=False)
    if directed:
        state[rows] = DyadState.NO_ANSWER
    else:
        state[np.ix_(rows, rows)] = DyadState.NO_ANSWER
    return network_from(state, directed=directed)


def random_problem(kind: type[Blocks], seed: int, directed: bool, masked: bool, n: int = 9) -> Blocks:
    """Return a block model with random memberships and parameters."""
    rng = np.random.default_rng(seed)
    ties = rng.random((n, n)) < 0.35
    state = ties.astype(int)
    if masked:
        state[rng.random((n, n)) < 0.3] = DyadState.NO_ANSWER
    if not directed:
        state = np.triu(state, 1) + np.triu(state, 1).T
    data = BlockData.of(network_from(state, directed=directed))
    blocks = kind(data, rng.dirichlet(np.ones(3), n))
    blocks.weights = rng.dirichlet(np.ones(3))
    table = rng.uniform(0.05, 0.9, (3, 3))
    table = table if directed else 0.5 * (table + table.T)
    if isinstance(blocks, BernoulliBlocks):
        blocks.probability = table
    elif isinstance(blocks, DegreeBlocks):
        blocks.rates = table
        blocks.sending = blocks.receiving = rng.gamma(2.0, 0.5, n)
        if directed:
            blocks.receiving = rng.gamma(2.0, 0.5, n)
        blocks._count()
    return blocks


def log_tie_of(blocks: Blocks) -> naive.LogTie:
    if isinstance(blocks, DegreeBlocks):
        return naive.by_degree(blocks.rates, blocks.sending, blocks.receiving)
    assert isinstance(blocks, BernoulliBlocks)
    return naive.bernoulli(blocks.probability)


def naive_prior(blocks: Blocks) -> float:
    """The prior as the docstrings say it: one dyad a block, half an actor a cluster, degrees Gamma(2, 1)."""
    data = blocks.data
    total = 0.5 * np.log(blocks.weights).sum()
    pairs = [(g, h) for g in range(3) for h in range(3) if data.directed or g <= h]
    if isinstance(blocks, BernoulliBlocks):
        p, rho = blocks.probability, data.density
        return float(total + sum(rho * np.log(p[g, h]) + (1 - rho) * np.log(1 - p[g, h]) for g, h in pairs))
    assert isinstance(blocks, DegreeBlocks)
    usual = -np.log(1.0 - data.density)
    total += sum(usual * np.log(blocks.rates[g, h]) - blocks.rates[g, h] for g, h in pairs)
    for degrees in (blocks.sending, blocks.receiving)[: 2 if data.directed else 1]:
        total += (np.log(degrees) - degrees).sum()
    return float(total)


# --- the mathematics --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_bound_and_update_equal_the_naive_ones(kind: type[Blocks], directed: bool, masked: bool) -> None:
    blocks = random_problem(kind, 3, directed, masked)
    data = blocks.data
    if isinstance(blocks, BernoulliBlocks):
        blocks._count()
    given = (blocks.weights, log_tie_of(blocks), data.ties, data.observed, directed)
    value = naive.bound(blocks.membership, *given) + naive_prior(blocks)
    assert blocks.bound() == pytest.approx(value, abs=1e-10)
    expected = naive.updated(blocks.membership, *given)
    blocks.expect()
    assert_allclose(blocks.membership, expected, atol=1e-10)
    value = naive.bound(blocks.membership, *given) + naive_prior(blocks)
    assert blocks.bound() == pytest.approx(value, abs=1e-10)


def test_expected_counts_equal_the_naive_ones() -> None:
    blocks = random_problem(DegreeBlocks, 5, True, True)
    assert isinstance(blocks, DegreeBlocks)
    expected = naive.counts(blocks.membership, blocks.rates, blocks.sending, blocks.receiving, blocks.data.ties)
    for found, value in zip((blocks.counts, blocks.sent, blocks.received, blocks.tie_part), expected, strict=True):
        assert_allclose(found, value, atol=1e-10)


@pytest.mark.skipif(not hasattr(kernels.update_membership, "py_func"), reason="the kernels are interpreted in this run")
@pytest.mark.parametrize("directed", [True, False])
def test_compiled_kernels_equal_the_interpreted(directed: bool) -> None:
    def outputs(interpreted: bool) -> list[np.ndarray]:
        def run(kernel: Any) -> Any:
            return kernel.py_func if interpreted else kernel

        b = random_problem(DegreeBlocks, 4, directed, True)
        assert isinstance(b, DegreeBlocks)
        log_weights, data = np.log(b.weights), b.data.for_kernels
        one, other = b.membership.copy(), b.membership.copy()
        run(kernels.update_membership)(one, log_weights, np.log(b.rates), np.log1p(-b.rates), data)
        run(kernels.update_membership_by_degree)(other, log_weights, b.rates, b.sending, b.receiving, data)
        parts = [np.zeros((3, 3)), np.zeros(9), np.zeros(9)]
        total = run(kernels.expected_counts)(b.membership, b.rates, b.sending, b.receiving, b.data.ties, *parts)
        return [one, other, *parts, np.array(total)]

    for compiled, interpreted in zip(outputs(False), outputs(True), strict=True):
        assert_array_equal(compiled, interpreted)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_the_bound_never_falls(kind: type[Blocks], directed: bool, masked: bool) -> None:
    for seed in range(6):
        blocks = random_problem(kind, seed, directed, masked, n=25)
        bounds, _ = blocks.climb(40, 1e-12)
        assert np.diff(bounds).min() > -1e-9 * abs(bounds[-1])


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_each_step_by_itself_does_not_lower_the_bound(kind: type[Blocks], directed: bool) -> None:
    blocks = random_problem(kind, 2, directed, True, n=15)
    blocks.expect()
    for _ in range(15):
        before = blocks.bound()
        blocks.maximise()
        if isinstance(blocks, DegreeBlocks):
            blocks._count()
        middle = blocks.bound()
        blocks.expect()
        assert before <= middle + 1e-9
        assert middle <= blocks.bound() + 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_the_end_is_a_maximum_in_the_parameters(kind: type[Blocks]) -> None:
    blocks = random_problem(kind, 1, True, True, n=15)
    blocks.climb(5000, 1e-15)
    best = blocks.bound()
    names = ("probability",) if kind is BernoulliBlocks else ("rates", "sending", "receiving")
    for name in names:
        value = getattr(blocks, name)
        for at in np.ndindex(value.shape):
            for factor in (0.98, 1.02):
                changed = value.copy()
                changed[at] *= factor
                setattr(blocks, name, changed)
                if isinstance(blocks, DegreeBlocks):
                    blocks._count()
                assert blocks.bound() < best + 1e-9
        setattr(blocks, name, value)


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_the_bound_is_below_the_evidence(kind: type[Blocks], directed: bool) -> None:
    """Summed over all 729 labellings of six actors; the gap is closed where memberships are the posterior's."""
    blocks = random_problem(kind, 8, directed, True, n=6)
    blocks.climb(50, 1e-12)
    evidence = naive.log_evidence(blocks.weights, log_tie_of(blocks), blocks.data.ties, blocks.data.observed, directed)
    gap = evidence - (blocks.bound() - naive_prior(blocks))
    assert -1e-9 < gap < 5.0


def test_criteria_by_hand() -> None:
    """Sure labels: -2 log P(ties, labels) + parameters times the log of what they are judged by."""
    network = planted((6, 5), 0.7, 0.2, 1)
    data = BlockData.of(network)
    labels = np.repeat([0, 1], [6, 5])
    blocks = BernoulliBlocks(data, np.eye(2)[labels])
    blocks.maximise()
    given = (blocks.weights, naive.bernoulli(blocks.probability), data.ties, data.observed, True)
    complete = naive.bound(np.eye(2)[labels], *given)
    expected = -2.0 * complete + 4 * np.log(110) + np.log(11)
    assert blocks.criteria() == pytest.approx({"icl": expected, "bic": expected})


def test_probabilities_stay_off_nought_and_one() -> None:
    data = BlockData.of(planted((5, 5), 1.0, 0.0, 1))
    blocks = BernoulliBlocks(data, np.eye(2)[np.repeat([0, 1], 5)])
    blocks.maximise()
    density = 40.5 / 91.0
    assert_allclose(blocks.probability[0], [(20 + density) / 21.0, density / 26.0], rtol=1e-12)


# --- recovery ---------------------------------------------------------------------------------------------------------


def agreement(fits: list[Fit], labels: np.ndarray = TRUE) -> float:
    return float(np.mean([adjusted_rand_score(labels, fit.labels) for fit in fits]))


def fitted(fitter: Sbm | Spectral | Leiden, networks: list[Network]) -> list[Fit]:
    return [fitter.fit(network, rng=np.random.default_rng(1)) for network in networks]


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize(("silent", "least", "most_wrong"), [(0.0, 0.95, 0), (0.3, 0.75, 2)])
def test_groups_are_found_and_counted(corrected: bool, silent: float, least: float, most_wrong: int) -> None:
    networks = [drawn(GROUPS + 0.05 * np.eye(3), seed, silent=silent) for seed in range(5)]
    fits = fitted(Sbm(n_clusters=(2, 4), degree_corrected=corrected), networks)
    assert agreement(fits) > least
    assert sum(fit.n_clusters != 3 for fit in fits) <= most_wrong
    assert all(fit.status == Status.OK for fit in fits)


@pytest.mark.parametrize("silent", [0.0, 0.3])
@pytest.mark.parametrize("table", [STRANGERS, CYCLE], ids=["strangers", "cycle"])
def test_clusters_without_ties_inside_are_found_where_modularity_misses_them(table: np.ndarray, silent: float) -> None:
    networks = [drawn(table, seed, silent=silent) for seed in range(3)]
    assert agreement(fitted(Sbm(n_clusters=3), networks)) > 0.85
    assert agreement(fitted(Spectral(n_clusters=3), networks)) < 0.25
    assert agreement(fitted(Leiden(), networks)) < 0.25


def test_core_and_periphery_are_found() -> None:
    networks = [drawn(CORE, seed) for seed in range(3)]
    fits = fitted(Sbm(n_clusters=(1, 5)), networks)
    assert agreement(fits) > 0.85
    assert [fit.n_clusters for fit in fits] == [3, 3, 3]
    assert agreement(fitted(Leiden(), networks)) < 0.6


@pytest.mark.parametrize("directed", [True, False])
def test_undirected_groups_are_found(directed: bool) -> None:
    networks = [drawn(GROUPS + 0.15 * np.eye(3), seed, directed=directed, silent=0.1) for seed in range(3)]
    fits = fitted(Sbm(n_clusters=(2, 4)), networks)
    assert agreement(fits) > 0.85
    assert [fit.n_clusters for fit in fits] == [3, 3, 3]


def degrees(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    popular = rng.permuted(np.tile([0.3, 1.7], 30))
    return popular, popular


def test_degree_correction_finds_groups_where_the_plain_model_splits_by_degree() -> None:
    networks = [drawn(1.5 * GROUPS, seed, degrees=degrees(seed)) for seed in range(3)]
    corrected = fitted(Sbm(n_clusters=(1, 4), degree_corrected=True), networks)
    assert agreement(corrected) > 0.8
    assert [fit.n_clusters for fit in corrected] == [3, 3, 3]
    plain = fitted(Sbm(n_clusters=2), networks)
    assert agreement(plain) < 0.3
    for seed, fit in enumerate(plain):
        assert adjusted_rand_score(degrees(seed)[0] > 1.0, fit.labels) > 0.6


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("directed", [True, False])
def test_one_cluster_is_chosen_where_there_is_no_structure(corrected: bool, directed: bool) -> None:
    fitter = Sbm(n_clusters=(1, 3), n_starts=6, degree_corrected=corrected)
    networks = [drawn(np.full((3, 3), 0.15), seed, directed=directed) for seed in range(3)]
    assert [fit.n_clusters for fit in fitted(fitter, networks)] == [1, 1, 1]


def test_monks_are_parted_as_sampson_saw_them(monks: tuple[Network, dict[str, str]]) -> None:
    network, groups = monks
    fit = Sbm(n_clusters=3).fit(network, rng=np.random.default_rng(1))
    names = [groups[actor] for actor in network.actors]
    assert adjusted_rand_score(names, fit.labels) > 0.7


# --- the fitter -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("name", odd_networks())
def test_odd_networks(name: str, corrected: bool) -> None:
    network = odd_networks()[name]
    fit = Sbm(n_clusters=2, degree_corrected=corrected, n_draws=5).fit(network, rng=np.random.default_rng(1))
    check_fit(fit, network)
    assert isinstance(fit.tie_model, BlockTieModel)
    for draw in range(5):
        assert np.isfinite(fit.tie_model.predictors(draw)).all()


def test_the_contract_is_kept_with_degree_correction() -> None:
    check_fitter(Sbm(n_clusters=(1, 3), degree_corrected=True, n_starts=4, n_draws=10))


@pytest.mark.parametrize("kind", KINDS)
def test_an_actor_without_a_dyad_has_the_weights_of_the_clusters(kind: type[Blocks]) -> None:
    network = drawn(GROUPS, 1)
    state = network.state.copy()
    state[7], state[:, 7] = DyadState.NO_ANSWER, DyadState.NO_ANSWER
    blocks = kind(BlockData.of(network_from(state)), np.eye(3)[TRUE])
    blocks.climb(100, 1e-9)
    assert_allclose(blocks.membership[7], blocks.weights, rtol=1e-9)
    assert blocks.membership[6].max() > 0.9


def test_what_was_not_observed_does_not_matter() -> None:
    """The same answers with another guess at the silence: nothing changes."""
    network = drawn(GROUPS, 2, silent=0.3)
    other = network.state.copy()
    other[other == DyadState.NO_ANSWER] = DyadState.NOT_ASKED
    one, two = (Sbm(n_clusters=3).fit(n, rng=np.random.default_rng(1)) for n in (network, network_from(other)))
    assert_array_equal(one.membership, two.membership)


def test_the_order_of_actors_does_not_matter() -> None:
    network = drawn(GROUPS, 3)
    turn = np.random.default_rng(1).permutation(60)
    turned = Network(network.actors, network.state[np.ix_(turn, turn)])
    one, other = (Sbm(n_clusters=3).fit(n, rng=np.random.default_rng(5)) for n in (network, turned))
    assert adjusted_rand_score(one.labels[turn], other.labels) == 1.0
    assert one.diagnostics["bound"] == pytest.approx(other.diagnostics["bound"], rel=1e-6)


def test_choice_and_diagnostics() -> None:
    network = drawn(GROUPS, 4)
    fit = Sbm(n_clusters=(2, 4)).fit(network, rng=np.random.default_rng(1))
    assert list(fit.choice) == ["icl", "bic"]
    assert list(fit.choice["icl"]) == [2, 3, 4]
    assert fit.n_clusters == min(fit.choice["icl"], key=lambda g: fit.choice["icl"][g]) == 3
    assert all(fit.choice["icl"][g] >= fit.choice["bic"][g] for g in (2, 3, 4))
    assert fit.diagnostics["rounds"] >= 2
    assert Sbm(n_clusters=3).fit(network, rng=np.random.default_rng(1)).choice == {}


def test_running_out_of_rounds_is_said() -> None:
    fit = Sbm(n_clusters=3, max_rounds=2).fit(drawn(CORE, 1), rng=np.random.default_rng(1))
    assert fit.status == Status.NOT_CONVERGED
    assert "after 2 rounds: raise max_rounds" in fit.message
    assert fit.diagnostics["rounds"] == 2


def test_wrong_settings_are_refused() -> None:
    for wrong in ({"n_starts": 0}, {"tolerance": 0.0}, {"max_rounds": 0}, {"n_draws": 0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Sbm(**wrong)


# --- the tie model ----------------------------------------------------------------------------------------------------


def mean_probability(model: BlockTieModel) -> np.ndarray:
    return np.mean([1.0 / (1.0 + np.exp(-model.predictors(d)[0])) for d in range(model.n_draws)], axis=0)


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("directed", [True, False])
def test_networks_of_the_tie_model_are_like_the_one_fitted(directed: bool, corrected: bool) -> None:
    network = drawn(GROUPS, 6, directed=directed, silent=0.2)
    fit = Sbm(n_clusters=3, degree_corrected=corrected).fit(network, rng=np.random.default_rng(1))
    model = fit.tie_model
    assert isinstance(model, BlockTieModel)
    assert model.n_draws == 200
    assert model.predictors(0).shape == (1, 60, 60)
    if not directed:
        assert_allclose(model.predictors(3), model.predictors(3).swapaxes(1, 2), rtol=1e-12)
    probability, seen = mean_probability(model), network.observed
    for g in range(3):
        for h in range(3):
            block = seen & (fit.labels[:, None] == g) & (fit.labels[None] == h)
            expected, ties = probability[block].sum(), network.ties[block].sum()
            # The standard error of a count, the prior, and an actor or two of the block drawn elsewhere.
            assert abs(expected - ties) < 2.0 + 0.12 * ties
    if corrected:
        sent = np.where(seen, probability, 0.0).sum(axis=1)
        assert np.corrcoef(sent, network.ties.sum(axis=1))[0, 1] > 0.9
    assert pickle.loads(pickle.dumps(model)).labels.tolist() == model.labels.tolist()


def test_labels_of_the_tie_model_have_the_memberships_as_shares() -> None:
    network = drawn(GROUPS, 7, silent=0.5)
    fit = Sbm(n_clusters=3, n_draws=2000).fit(network, rng=np.random.default_rng(1))
    assert isinstance(fit.tie_model, BlockTieModel)
    shares = (fit.tie_model.labels[:, :, None] == np.arange(3)).mean(axis=0)
    assert (fit.membership.max(axis=1) < 0.95).mean() > 0.02
    assert_allclose(shares, fit.membership, atol=0.06)


def test_compile_makes_every_kernel() -> None:
    Sbm.compile()
    compiled = [kernels.update_membership, kernels.update_membership_by_degree, kernels.expected_counts]
    assert all(len(getattr(kernel, "signatures", [0])) == 1 for kernel in compiled)
