"""The posterior mode of large networks, from lists of dyads."""

from __future__ import annotations

import numpy as np
import pytest
from reference.fits import check_fit, planted
from reference.made import lpcm_network

from simlab.fit.lpcm_map import LpcmMap
from simlab.metrics.recovery import adjusted_rand_index
from simlab.panel import Network


def fitted(network: Network, seed: int = 1, **settings: object):
    return LpcmMap(n_clusters=3, **settings).fit(network, rng=np.random.default_rng(seed))


@pytest.fixture(scope="module")
def large() -> tuple[Network, np.ndarray]:
    return lpcm_network(1000, separation=4.0, mean_degree=10.0, seed=3)


def test_lists_of_dyads_find_the_clusters_that_all_dyads_find(large: tuple[Network, np.ndarray]) -> None:
    network, labels = large
    exact, sampled = (fitted(network, likelihood=likelihood) for likelihood in ("exact", "sampled"))
    values = [adjusted_rand_index(fit.labels, labels) for fit in (exact, sampled)]
    assert min(values) > 0.75
    assert values[1] > values[0] - 0.02
    assert sampled.status == "ok", sampled.message
    check_fit(sampled, network)


def test_from_a_thousand_actors_on_the_list_is_the_default(large: tuple[Network, np.ndarray]) -> None:
    network, _ = large
    auto, sampled = fitted(network), fitted(network, likelihood="sampled")
    assert auto.diagnostics == sampled.diagnostics
    assert (auto.labels == sampled.labels).all()


def test_criteria_from_lists_are_near_those_of_all_dyads() -> None:
    network = planted((70, 70, 70), 0.25, 0.01, 1)
    settings = {"criteria": ("bic", "icl"), "n_near": 60, "n_far": 60}
    found = [
        LpcmMap(n_clusters=(2, 4), likelihood=likelihood, **settings).fit(network, rng=np.random.default_rng(1))
        for likelihood in ("exact", "sampled")
    ]
    assert found[0].n_clusters == found[1].n_clusters
    for name in ("bic", "icl"):
        exact, sampled = (np.array(list(fit.choice[name].values())) for fit in found)
        assert sampled == pytest.approx(exact, rel=0.05)


def test_covariates_and_effects_from_lists() -> None:
    """The coefficients that all dyads give, and the partition."""
    network, labels = lpcm_network(300, separation=6.0, mean_degree=12.0, seed=4, homophily=1.5, sender=0.7)
    settings = {"covariates": ("match(office)",), "sociality": "sender", "reciprocity": True}
    exact, sampled = (fitted(network, likelihood=how, n_near=80, **settings) for how in ("exact", "sampled"))
    assert adjusted_rand_index(sampled.labels, labels) > adjusted_rand_index(exact.labels, labels) - 0.05
    for name, tolerance in (("coefficients", 0.15), ("rho", 0.2)):
        one, other = (getattr(fit.tie_model, name)[0] for fit in (exact, sampled))
        assert other == pytest.approx(one, abs=tolerance), name
    one, other = (fit.tie_model.sender[0, 0] for fit in (exact, sampled))
    assert np.corrcoef(one, other)[0, 1] > 0.97
