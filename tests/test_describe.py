"""Fits in words: what labels and memberships say, bridgers, parameters, criteria, change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conftest import network_of

from simlab import Louvain, LpcmMcmc
from simlab.fit.fit import Fit, Status
from simlab.fit.latent_tie_model import LatentTieModel
from simlab.fit.likely_bridgers import between_which, likely_bridgers
from simlab.fit.lpcm_map import LpcmMap
from simlab.fit.lpm_mcmc import LpmMcmc
from simlab.fit.sbm import Sbm
from simlab.panel import Network
from simlab.report.describe import describe_change, describe_fit
from simlab.report.networks import top_bridgers
from simlab.study.fit_table import chosen_by, covariate_names, relation_names

SHORT: dict[str, Any] = {"n_chains": 2, "n_warmup": 60, "n_draws": 40}


def people(n: int = 12, seed: int = 1) -> Network:
    """Return people of two departments with a directed relation, more of it within departments."""
    rng, group = np.random.default_rng(seed), np.arange(n) % 2
    ties = rng.random((n, n)) < np.where(group[:, None] == group, 0.7, 0.15)
    attributes = {
        "department": tuple("ab"[g] for g in group),
        "income": tuple(str(20000 + 700 * i) for i in rng.permutation(n)),
    }
    return replace(network_of(ties), attributes=attributes)


def fit_with(membership: np.ndarray, labels: list[int], **changes: Any) -> Fit:
    """Return a fit with these memberships and labels, whose scores rise from actor to actor."""
    n = len(labels)
    fit = Fit(
        fitter="given",
        actors=tuple(f"a{i:03d}" for i in range(n)),
        status=Status.OK,
        message="",
        labels=np.array(labels),
        membership=membership,
        positions=None,
        bridging={"participation": np.arange(n) / n},
        bridging_score="participation",
        unknown=np.zeros(n, dtype=bool),
    )
    return replace(fit, **changes)


def said(network: Network, fit: Fit, *more: Any, **named: Any) -> str:
    return "\n".join(describe_fit(network, fit, *more, **named))


# --- labels and memberships -------------------------------------------------------------------------------------------


def test_labels_that_differ_from_the_most_probable_clusters_are_said() -> None:
    """All actors most probably in cluster 2, although the labels make three clusters."""
    network = network_of(np.ones((6, 6), dtype=bool))
    member = np.tile([0.3, 0.3, 0.4], (6, 1))
    text = said(network, fit_with(member, [0, 0, 1, 1, 2, 2]))
    assert "3 clusters, of 2, 2, 2 actors" in text
    assert "2 clusters are nobody's most probable one: the data hardly tell 3 from fewer" in text
    assert "4 of 6 actors are labelled with another cluster than their most probable one" in text
    one = said(network, fit_with(np.eye(3)[[0, 1, 2, 0, 1, 1]], [0, 1, 2, 0, 1, 2]))
    assert "1 of 6 actors is labelled with another cluster than its most probable one" in one
    assert "nobody's" not in one


def test_labels_that_agree_with_memberships_need_no_words() -> None:
    """A tie of probabilities is no contradiction, and actors of whom nothing is known do not count."""
    network = network_of(np.ones((4, 4), dtype=bool))
    member = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8], [0.7, 0.3]])
    fit = fit_with(member, [0, 1, 1, 1], unknown=np.array([False, False, False, True]))
    text = said(network, fit)
    assert "most probable one" not in text
    assert "most probable one" in said(network, replace(fit, unknown=np.zeros(4, dtype=bool)))


# --- bridgers ---------------------------------------------------------------------------------------------------------


def test_text_and_picture_name_the_same_bridgers() -> None:
    network = network_of(np.ones((21, 21), dtype=bool))
    fit = fit_with(np.eye(2)[np.arange(21) % 2], (np.arange(21) % 2).tolist())
    assert likely_bridgers(fit).tolist() == [20, 19, 18]
    assert np.flatnonzero(top_bridgers(fit)).tolist() == [18, 19, 20]
    line = next(line for line in describe_fit(network, fit) if "most of a bridger" in line)
    assert [name in line for name in ("a017", "a018", "a019", "a020")] == [False, True, True, True]


def test_who_is_no_bridger_is_not_named() -> None:
    """A score that reads 0.00, an actor of whom nothing was observed, one occupied cluster, scores all alike."""
    hard = np.eye(2)[[0, 0, 0, 1, 1, 1]]
    fit = fit_with(hard, [0, 0, 0, 1, 1, 1])
    scores = {"participation": np.array([0.004, 0.3, 0.0, 0.9, 0.2, 0.0])}
    fit = replace(fit, bridging=scores)
    assert likely_bridgers(fit).tolist() == [3, 1, 4]
    assert likely_bridgers(replace(fit, unknown=np.arange(6) == 3)).tolist() == [1, 4]
    assert likely_bridgers(replace(fit, bridging={"participation": np.full(6, 0.4)})).tolist() == []
    alone = replace(fit, labels=np.zeros(6, dtype=int))
    assert likely_bridgers(alone).tolist() == []
    network = network_of(np.ones((6, 6), dtype=bool))
    assert "bridger" not in said(network, alone)
    only = replace(fit, bridging={"participation": np.array([0.004, 0.0, 0.0, 0.9, 0.0, 0.0])})
    assert "a003 (0.90; clusters 1 and 0)" in said(network, only)
    assert "0.00" not in next(line for line in describe_fit(network, only) if "bridger" in line)


def test_many_who_are_tied_are_counted_and_not_named() -> None:
    """Of eleven with the highest score of all none is before another; three are named where there are no ties."""
    network = network_of(np.ones((12, 12), dtype=bool))
    labels = (np.arange(12) % 2).tolist()
    fit = fit_with(np.eye(2)[labels], labels, bridging={"participation": np.where(np.arange(12) == 0, 0.1, 1.0)})
    assert likely_bridgers(fit).tolist() == []
    assert "most of a bridger (participation): nobody before others (11 actors have 1.00)" in said(network, fit)
    few = replace(fit, bridging={"participation": np.where(np.arange(12) < 5, 1.0, 0.1)})
    assert likely_bridgers(few).tolist() == [0, 1, 2, 3, 4]
    none = replace(fit, bridging={"participation": np.where(np.arange(12) < 5, 0.001, 0.0)})
    assert said(network, none).splitlines()[-2].endswith("(participation): nobody")


def test_a_bridger_lies_between_its_own_cluster_and_the_most_probable_other() -> None:
    network = network_of(np.ones((3, 3), dtype=bool))
    member = np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.1, 0.2, 0.7]])
    fit = fit_with(member, [0, 1, 2])
    assert [between_which(network, fit, i) for i in range(3)] == [(0, 1), (1, 0), (2, 1)]
    ties = np.zeros((4, 4), dtype=bool)
    ties[0, 3] = ties[0, 1] = True
    hard = fit_with(np.eye(3)[[0, 0, 1, 2]], [0, 0, 1, 2])
    assert between_which(network_of(ties), hard, 0) == (0, 2)


def test_a_probability_of_lying_between_is_said_only_where_there_is_one() -> None:
    network = network_of(np.ones((4, 4), dtype=bool))
    hard = fit_with(np.eye(2)[[0, 0, 1, 1]], [0, 0, 1, 1])
    sure = replace(hard, bridging={**hard.bridging, "between": np.array([0.0, 0.0, 1.0, 0.0])})
    assert "probability of lying between" not in said(network, sure)
    drawn = replace(hard, bridging={**hard.bridging, "between": np.array([0.1, 0.2, 0.6, 0.25])})
    text = said(network, drawn)
    assert "most of a bridger (participation; probability of lying between two clusters): a003 (0.75; 0.25; clu" in text


# --- parameters -------------------------------------------------------------------------------------------------------


def table(text: str) -> dict[str, list[float]]:
    """Return the rows of the table of parameters: name to mean, sd, low and high, or to the mode."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("  parameter"))
    out = {}
    for line in lines[first + 1 :]:
        name, *numbers = [part for part in line.strip().replace(" to ", "  ").split("  ") if part.strip()]
        if not numbers:
            break
        out[name] = [float(number) for number in numbers]
    return out


def test_parameters_of_a_posterior_are_a_table() -> None:
    network = people()
    method = LpcmMcmc(
        n_clusters=2,
        sociality="both",
        reciprocity=True,
        covariates=("match(department)", "difference(income)"),
        **SHORT,
    )
    fit = method.fit(network, rng=np.random.default_rng(1))
    rows = table(said(network, fit, method))
    assert list(rows) == [
        "intercept",
        "match(department)",
        "difference(income)",
        "reciprocity",
        "sd of sender effects",
        "sd of receiver effects",
    ]
    assert fit.posterior is not None
    draws = fit.posterior.coefficients[:, :, 0, 0].ravel()
    wanted = [draws.mean(), draws.std(), *np.quantile(draws, (0.025, 0.975))]
    assert rows["match(department)"] == pytest.approx(wanted, abs=0.006)
    spread = np.sqrt(fit.posterior.effect_variances[..., 0, 1])
    assert rows["sd of receiver effects"][0] == pytest.approx(spread.mean(), abs=0.006)
    small = fit.posterior.coefficients[:, :, 0, 1]
    assert rows["difference(income)"][1] == pytest.approx(small.std(), rel=0.05), "small numbers keep their digits"


def test_each_relation_of_a_joint_fit_has_its_rows() -> None:
    networks = [replace(people(seed=s), relation=name) for s, name in ((1, "advice"), (2, "trust + help"))]
    method = LpmMcmc(sociality="shared", **SHORT)
    fit = method.fit_joint(networks, rng=np.random.default_rng(1))
    both = replace(networks[0], relation="advice + trust + help")
    rows = table(said(both, fit, method, relations=("advice", "trust + help")))
    assert list(rows) == [
        "advice: intercept",
        "advice: sd of actors' effects",
        "trust + help: intercept",
        "trust + help: sd of actors' effects",
    ]
    assert "relation 2: intercept" in table(said(both, fit)), "a name that can be split in two ways is not split"


def test_a_model_without_clusters_has_parameters_too() -> None:
    network = people()
    fit = LpmMcmc(**SHORT).fit(network, rng=np.random.default_rng(1))
    text = said(network, fit)
    assert list(table(text)) == ["intercept"]
    assert "1 cluster, of 12 actors" in text
    assert "cluster 0:" not in text


def test_a_mode_has_its_numbers_and_a_warning() -> None:
    network = people()
    method = LpcmMap(n_clusters=2, sociality="sender", covariates=("match(department)",))
    fit = method.fit(network, rng=np.random.default_rng(1))
    text = said(network, fit, method)
    rows = table(text)
    assert list(rows) == ["intercept", "match(department)", "sd of sender effects"]
    assert isinstance(fit.tie_model, LatentTieModel)
    assert rows["match(department)"] == pytest.approx([fit.tie_model.coefficients[0, 0, 0]], abs=0.006)
    assert "the mode contracts the space" in text


@pytest.mark.parametrize("corrected", [False, True])
def test_a_block_model_has_its_blocks(corrected: bool) -> None:
    network = people(40)
    fit = Sbm(n_clusters=2, degree_corrected=corrected).fit(network, rng=np.random.default_rng(1))
    lines = describe_fit(network, fit)
    what = "density observed" if corrected else "probability of a tie"
    start = lines.index(f"  {what} from the cluster of the row to that of the column:")
    rows = [[float(v) for v in line.split()[1:]] for line in lines[start + 2 : start + 4]]
    of = [np.flatnonzero(fit.labels == g) for g in range(2)]
    for g in range(2):
        for h in range(2):
            block = network.ties[np.ix_(of[g], of[h])]
            assert rows[g][h] == pytest.approx(block.sum() / (block.size - len(of[g]) * (g == h)), abs=0.03)


def test_a_method_without_a_model_has_no_parameters() -> None:
    network = people()
    assert "parameter" not in said(network, Louvain().fit(network, rng=np.random.default_rng(1)))


# --- criteria, names, change ------------------------------------------------------------------------------------------


def test_the_criterion_that_chose_is_said() -> None:
    network = people(20)
    method = LpcmMap(n_clusters=(1, 3), choose_by="icl")
    fit = method.fit(network, rng=np.random.default_rng(1))
    lines = [line for line in describe_fit(network, fit, method) if "by number of clusters" in line]
    assert ["this one chose" in line for line in lines] == ["icl by" in line for line in lines]
    assert len(lines) == 2
    sbm = Sbm(n_clusters=(1, 3)).fit(network, rng=np.random.default_rng(1))
    assert "icl by number of clusters (lower is better; this one chose)" in said(network, sbm)
    single = fit_with(np.eye(2)[[0, 1]], [0, 1], choice={"elbo": {1: 3.0, 2: 1.0}})
    assert "this one chose" not in said(network_of(np.ones((2, 2), dtype=bool)), single)


def test_a_criterion_that_is_not_known_is_not_guessed() -> None:
    values = {"bic": {1: 5.0, 2: 4.0}, "icl": {1: 5.0, 2: 4.5}}
    fit = fit_with(np.eye(2)[[0, 1]], [0, 1], choice=values, fitter="lpcm-map")
    assert chosen_by(fit) == ""
    assert chosen_by(fit, LpcmMap(choose_by="icl")) == "icl"
    assert chosen_by(replace(fit, choice={**values, "icl": {1: 3.0, 2: 4.5}})) == "bic"


def test_names_of_relations_and_covariates() -> None:
    network = replace(people(), relation="a + b")
    assert relation_names(network, 1) == ["a + b"]
    assert relation_names(network, 2) == ["a", "b"]
    assert relation_names(network, 3) == ["relation 1", "relation 2", "relation 3"]
    assert relation_names(network, 2, ("a + x", "b")) == ["a + x", "b"]
    fit = fit_with(np.eye(2)[[0, 1]], [0, 1])
    assert covariate_names(fit, 1, LpcmMap(covariates=("match(x)",))) == ["match(x)"]
    assert covariate_names(fit, 2) == ["covariate 1", "covariate 2"]


def test_nothing_is_said_of_switching_where_there_is_one_cluster() -> None:
    network = network_of(np.triu(np.ones((4, 4), dtype=bool)))
    one, two = fit_with(np.ones((4, 1)), [0] * 4), fit_with(np.eye(2)[[0, 0, 1, 1]], [0, 0, 1, 1])
    for pair in ((one, one), (one, two), (two, one)):
        text = "\n".join(describe_change(network, pair[0], network, pair[1]))
        assert "Jaccard" not in text
        assert "switch" not in text
        assert "ties: 1.00" in text
    assert "seen to switch 0.00" in "\n".join(describe_change(network, two, network, two))
