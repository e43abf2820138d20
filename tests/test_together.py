"""Fitters that are given several networks at once: what they fit, and how studies give them the networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import network_of

from simlab.fieldwork.observe import Fieldwork, observe
from simlab.fit.lpcm_map import LpcmMap
from simlab.fit.over_relations import OverRelations, union
from simlab.fit.over_sites import OverSites, side_by_side
from simlab.fit.sbm import Sbm
from simlab.fit.spectral import Spectral
from simlab.foundation.errors import InputError
from simlab.foundation.streams import stream
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.panel import DyadState, Network, Panel
from simlab.study.cell import Place, World, fit_cell, together
from simlab.study.design import Study
from simlab.testing import check_fit, check_fitter

DESIGN = Scenario(n_actors=24, n_sites=2, relations=("formal", "informal"), n_periods=2, mean_degree=5.0)
FIELD = Fieldwork(response_rate=0.8, max_nominations=4)


@pytest.fixture(scope="module")
def panel() -> Panel:
    panel, truth = simulate(DESIGN, seed=1)
    return observe(panel, FIELD, seed=1, truth=truth)


def pair(panel: Panel) -> list[Network]:
    return [panel.network("site 1", relation, "1") for relation in panel.relations]


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize(
    "fitter",
    [OverRelations(n_clusters=2), OverSites(n_clusters=2, base="spectral"), OverRelations(n_clusters=2, how="union")],
    ids=["relations", "sites", "union"],
)
def test_the_contract_of_fitters_is_kept(fitter: OverRelations | OverSites) -> None:
    check_fitter(fitter)


def test_a_union_has_a_tie_where_any_relation_has_one() -> None:
    n, t, q, a, x = DyadState.NO_TIE, DyadState.TIE, DyadState.NO_ANSWER, DyadState.NOT_ASKED, DyadState.IMPOSSIBLE
    one = np.array([[x, t, n], [n, x, q], [n, a, x]], dtype=np.int8)
    other = np.array([[x, n, n], [t, x, n], [q, t, x]], dtype=np.int8)
    names = ("a", "b", "c")
    limited = (np.array([True, False, False]), np.array([False, False, True]))
    first = Network(names, one, relation="formal", limited=limited[0], max_nominations=1)
    second = Network(names, other, relation="informal", limited=limited[1], max_nominations=2)
    both = union([first, second])
    # Who is silent on one relation and tied in the other is tied; who is not tied in the other may yet be.
    assert both.state.tolist() == [[x, t, n], [t, x, q], [q, t, x]]
    assert both.relation == "formal or informal"
    assert both.limited is not None
    assert both.limited.tolist() == [True, False, True]
    assert both.max_nominations == 3
    counted = union([replace(first, counts=3.0 * (one == t)), second])
    assert counted.counts is not None
    assert counted.counts[0, 1] == 3.0
    assert counted.counts[1, 0] == 1.0
    assert union([first]) is first
    with pytest.raises(InputError, match="same actors"):
        union([first, network_of(np.zeros((4, 4), dtype=bool))])


def test_sites_stand_side_by_side(panel: Panel) -> None:
    sites = [panel.network(site, "formal", "1") for site in panel.sites]
    both = side_by_side(sites)
    n = sites[0].n_actors
    assert both.actors == sites[0].actors + sites[1].actors
    for part, network in ((slice(0, n), sites[0]), (slice(n, None), sites[1])):
        assert np.array_equal(both.state[part, part], network.state)
    assert (both.state[:n, n:] == DyadState.IMPOSSIBLE).all()
    assert (both.state[n:, :n] == DyadState.IMPOSSIBLE).all()
    assert both.attributes["organisation"] == sites[0].attributes["organisation"] + sites[1].attributes["organisation"]
    assert both.limited is not None
    assert both.limited.sum() == sum(network.limited.sum() for network in sites if network.limited is not None)
    with pytest.raises(InputError, match="different actors"):
        side_by_side([sites[0], sites[0]])


def test_the_fit_of_relations_is_the_joint_one_or_that_of_the_union(panel: Panel) -> None:
    networks = pair(panel)
    base = LpcmMap(n_clusters=2)
    for how, wanted in (
        ("joint", base.fit_joint(networks, rng=rng())),
        ("auto", base.fit_joint(networks, rng=rng())),
        ("union", base.fit(union(networks), rng=rng())),
    ):
        fits = OverRelations(n_clusters=2, how=how).fit_together(networks, rng=rng())
        assert len(fits) == 2
        for fit, network in zip(fits, networks, strict=True):
            check_fit(fit, network, how)
            assert np.array_equal(fit.labels, wanted.labels)
            assert np.array_equal(fit.membership, wanted.membership)
            assert fit.fitter == "over-relations"
    # Without joint fits: the union.
    fits = OverRelations(base="spectral", n_clusters=2).fit_together(networks, rng=rng())
    assert np.array_equal(fits[1].labels, Spectral(n_clusters=2).fit(union(networks), rng=rng()).labels)


def test_the_fit_of_sites_is_cut_into_theirs(panel: Panel) -> None:
    sites = [panel.network(site, "formal", "1") for site in panel.sites]
    whole = Sbm(n_clusters=2).fit(side_by_side(sites), rng=rng())
    fits = OverSites(base="sbm", n_clusters=2).fit_together(sites, rng=rng())
    assert np.array_equal(np.concatenate([fit.labels for fit in fits]), whole.labels)
    for fit, network in zip(fits, sites, strict=True):
        check_fit(fit, network)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base": "spectral", "how": "joint"}, "how = union"),
        ({"base": "over-relations"}, "single networks"),
        ({"base": "spectra"}, "spectral"),
        ({"base_settings": ("n_chains",)}, "key=value"),
        ({"base_settings": ("chains=3",)}, "chains"),
    ],
)
def test_wrong_bases_are_refused_in_one_line(settings: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        OverRelations(**settings)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def study_of(fitter: object) -> Study:
    return Study("t", question="?", scenarios=DESIGN, fieldworks=FIELD, fitters={"f": fitter}, metrics=["ari"])  # type: ignore[dict-item]


def test_a_study_gives_what_belongs_together_and_every_network_has_its_fit() -> None:
    over = {"relation": OverRelations(n_clusters=2), "site": OverSites(n_clusters=2, base="spectral")}
    for dimension, fitter in over.items():
        found = fit_cell(study_of(fitter), Place(0, 0, 0, 0))
        assert list(found.errors) == []
        assert set(found.fits) == set(found.observed.keys)
        for name, keys in together(found.observed.keys, fitter):
            assert len(keys) == 2
            assert name[("site", "relation").index(dimension)] == ""
            rng = stream(1, "fit", DESIGN.key, FIELD.key, fitter.name, fitter.key, 0, *name)
            again = fitter.fit_together([found.observed.network(*key) for key in keys], rng=rng)
            for key, fit in zip(keys, again, strict=True):
                assert np.array_equal(found.fits[key].labels, fit.labels)


def test_other_fitters_have_the_stream_of_each_network_as_before() -> None:
    fitter = LpcmMap(n_clusters=2)
    found = fit_cell(study_of(fitter), Place(0, 0, 0, 0))
    key = ("site 2", "informal", "2")
    rng = stream(1, "fit", DESIGN.key, FIELD.key, fitter.name, fitter.key, 0, *key)
    assert np.array_equal(found.fits[key].membership, fitter.fit(found.observed.network(*key), rng=rng).membership)


def test_where_one_fit_breaks_all_its_networks_have_the_error() -> None:
    study = study_of(OverRelations(n_clusters=40))
    found = fit_cell(study, Place(0, 0, 0, 0), World.of(study, 0, 0))
    assert set(found.errors) == set(found.observed.keys)
    assert found.fits == {}


def test_kernels_of_the_base_are_compiled_before_workers_start() -> None:
    assert OverRelations(base="sbm").kinds == (OverRelations, Sbm)
