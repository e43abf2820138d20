"""What every registered fitter must keep, and that the checks for other people's fitters notice what is broken."""

from __future__ import annotations

import csv
import gc
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from simlab.fit.fit import Fit, FitError, Fitter, Status, fitters
from simlab.fit.spectral import Spectral
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.panel import Network
from simlab.panel_read import read_panel
from simlab.testing import check_fitter, networks, nothing_observed

# Few draws: here the contract is tested, not what is found.
BRIEF: dict[str, dict[str, Any]] = {
    "lpcm-mcmc": {"n_chains": 2, "n_warmup": 50, "n_draws": 40, "n_clusters": 2, "max_rhat": 1.5, "min_ess": 5.0}
}
NETWORKS = dict(networks())
TIES = {"two actors": 1, "all ties": 56, "no ties": 0}


def brief(name: str) -> Fitter:
    """Return a registered fitter with settings that make it fast."""
    return fitters[name].thing(**BRIEF.get(name, {}))


def test_the_networks_of_the_checks_are_what_they_are_called() -> None:
    assert len(NETWORKS) >= 7
    for name, ties in TIES.items():
        assert NETWORKS[name].n_ties == ties
    assert nothing_observed().unknown().all()
    assert 0.1 < NETWORKS["partly observed"].observed.mean() < 0.8
    assert not NETWORKS["undirected"].directed
    assert np.array_equal(NETWORKS["undirected"].state, NETWORKS["undirected"].state.T)


@pytest.mark.parametrize("name", fitters.names())
def test_every_fitter_keeps_the_contract(name: str) -> None:
    check_fitter(brief(name))


@pytest.mark.parametrize("name", fitters.names())
def test_a_fit_does_not_keep_the_generator_that_it_was_given(name: str) -> None:
    """Nearly four kilobytes each, which over a million cells are more than a worker has."""
    fitter, network = brief(name), NETWORKS["undirected"]

    fitter.fit(network, rng=np.random.default_rng(0))
    # What was there before is not looked at again: looking at all that compiled kernels are made of takes seconds.
    gc.freeze()
    try:
        for seed in range(1, 4):
            fitter.fit(network, rng=np.random.default_rng(seed))
        gc.collect()
        assert not [thing for thing in gc.get_objects() if type(thing) is np.random.Generator]
    finally:
        gc.unfreeze()


@pytest.mark.parametrize("name", fitters.names())
def test_one_actor_is_refused(name: str) -> None:
    alone = Network(("a",), np.full((1, 1), 5, dtype=np.int8))
    with pytest.raises(InputError, match="at least 2 actors"):
        brief(name).fit(alone, rng=np.random.default_rng(1))


@pytest.mark.parametrize("name", fitters.names())
@pytest.mark.parametrize(
    ("network", "rng", "words"),
    [
        (nothing_observed(), 1, "rng = 1: must be a numpy.random.Generator"),
        (nothing_observed(), None, "rng = None: must be a numpy.random.Generator"),
        (nothing_observed(), np.random.RandomState(1), "must be a numpy.random.Generator"),
        (nothing_observed(), np.random.default_rng(1), "no dyad was observed"),
        (np.eye(3), np.random.default_rng(1), "network: must be a Network, not ndarray"),
        (None, np.random.default_rng(1), "network: must be a Network, not NoneType"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_what_is_no_network_or_no_random_stream_is_refused(name: str, network: Any, rng: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        brief(name).fit(network, rng=rng)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", fitters.names())
def test_a_panel_is_refused_with_what_to_do(name: str) -> None:
    panel = simulate(Scenario(n_actors=10, mean_degree=3.0), seed=1).panel
    with pytest.raises(InputError, match=r"must be a Network, not Panel: give one of its networks"):
        brief(name).fit(panel, rng=np.random.default_rng(1))  # type: ignore[arg-type]


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", fitters.names())
def test_every_fit_of_every_network_is_whole(name: str, network: str) -> None:
    """Straight from the words of Fit, apart from the checks that the package offers."""
    given = NETWORKS[network]
    fit = brief(name).fit(given, rng=np.random.default_rng(7))
    n = given.n_actors
    assert fit.fitter == name
    assert fit.actors == given.actors
    assert fit.labels.dtype.kind == "i"
    assert list(dict.fromkeys(fit.labels.tolist())) == list(range(len(set(fit.labels.tolist()))))
    assert np.abs(fit.membership.sum(axis=1) - 1.0).max() < 1e-9
    assert fit.sizes.sum() == n
    assert fit.unknown.tolist() == given.unknown().tolist()
    assert all(scores.shape == (n,) and np.isfinite(scores).all() for scores in fit.bridging.values())
    assert fit.status in (Status.OK, Status.NOT_CONVERGED)
    again = brief(name).fit(given, rng=np.random.default_rng(7))
    assert np.array_equal(fit.membership, again.membership)
    for score, values in fit.bridging.items():
        assert np.array_equal(values, again.bridging[score])
    if fit.positions is not None and again.positions is not None:
        assert np.array_equal(fit.positions, again.positions)


@pytest.mark.parametrize("name", fitters.names())
def test_the_order_of_a_file_changes_nothing(name: str, tmp_path: Path) -> None:
    network = NETWORKS["typical"]
    rows = [(network.actors[i], network.actors[j]) for i, j in np.argwhere(network.ties)]
    found = []
    for seed in range(2):
        order = np.random.default_rng(seed)
        with open(tmp_path / f"{seed}.csv", "w", newline="") as file:
            csv.writer(file).writerows([("source", "target"), *(rows[i] for i in order.permutation(len(rows)))])
        with open(tmp_path / f"a{seed}.csv", "w", newline="") as file:
            csv.writer(file).writerows([("actor",), *((a,) for a in order.permutation(network.actors))])
        panel = read_panel(tmp_path / f"{seed}.csv", actors=tmp_path / f"a{seed}.csv")
        found.append(brief(name).fit(panel.network(), rng=np.random.default_rng(1)))
    assert (tmp_path / "0.csv").read_text() != (tmp_path / "1.csv").read_text()
    assert found[0].actors == found[1].actors == network.actors
    assert np.array_equal(found[0].membership, found[1].membership)


@pytest.mark.parametrize("name", fitters.names())
def test_names_of_actors_matter_only_by_their_order(name: str) -> None:
    network = NETWORKS["typical"]
    other = replace(network, actors=tuple(f"person {i:02d}" for i in range(network.n_actors)))
    one, two = (brief(name).fit(given, rng=np.random.default_rng(1)) for given in (network, other))
    assert np.array_equal(one.membership, two.membership)


# --- controls: fitters that break one thing each ----------------------------------------------------------------------


class Broken(Spectral):
    """A fitter that spoils the fit of another."""

    name: ClassVar[str] = "broken"
    way: str = ""

    def fit(self, network: Network, *, rng: np.random.Generator) -> Fit:
        return super().fit(NETWORKS["no ties"] if self.way == "blind" and network.unknown().all() else network, rng=rng)

    def estimate(self, network: Network, rng: np.random.Generator) -> Fit:
        fit = super().estimate(network, rng)
        if self.way == "refuses":
            raise InputError("network: too hard")
        if self.way == "fails":
            raise FitError("it broke")
        n = network.n_actors
        spoilt: dict[str, dict[str, Any]] = {
            "actors": {"actors": fit.actors[::-1]},
            "labels": {"labels": fit.labels + fit.n_clusters},
            "membership": {"membership": fit.membership * 0.9},
            "negative": {"membership": np.column_stack([fit.membership, -np.ones(n), np.ones(n)])},
            "scores": {"bridging": {"participation": np.full(n, np.nan)}},
            "too few scores": {"bridging": {"participation": np.zeros(n - 1)}},
            "score": {"bridging_score": "no such score"},
            "positions": {"positions": np.full((n, 2), np.inf)},
            "silent": {"status": Status.NOT_CONVERGED},
            "stream": {"membership": np.random.default_rng().dirichlet(np.ones(fit.n_clusters), n)},
        }
        return replace(fit, **spoilt.get(self.way, {}))


def test_an_intact_fitter_passes() -> None:
    check_fitter(Broken(n_clusters=2))


@pytest.mark.parametrize(
    ("way", "words"),
    {
        "actors": "another order",
        "labels": "labels must be from 0",
        "membership": "must add up to 1",
        "negative": "must not be negative",
        "scores": "must be finite",
        "too few scores": "one an actor",
        "score": "that is named must be there",
        "positions": "positions must be finite",
        "silent": "says why",
        "stream": "the same stream gives other memberships",
        "refuses": "refused although it could be fitted",
        "fails": "fails: it broke",
        "blind": "nothing observed: must be refused",
    }.items(),
)
def test_the_checks_notice_what_is_broken(way: str, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_fitter(Broken(n_clusters=2, way=way))
