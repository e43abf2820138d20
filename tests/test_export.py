"""Files of fits: which numbers are which, parameters with their names, odd names, nothing at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from conftest import network_of
from scipy.special import expit

from simlab import Louvain, LpcmMcmc
from simlab.cli import call
from simlab.fit.fit import Fit, Fitter
from simlab.fit.latent_tie_model import LatentTieModel
from simlab.fit.lpcm_map import LpcmMap
from simlab.fit.lpcm_variational import LpcmVariational
from simlab.fit.lpm_mcmc import LpmMcmc
from simlab.fit.sbm import BlockTieModel, Sbm
from simlab.panel import Network
from simlab.study.export import fit_dataset, posterior_groups, write_netcdf

SHORT: dict[str, Any] = {"n_chains": 2, "n_warmup": 60, "n_draws": 30}


def people(seed: int = 1, n: int = 10, **changes: Any) -> Network:
    """Return people of two departments with a directed relation, more of it within departments."""
    rng, group = np.random.default_rng(seed), np.arange(n) % 2
    ties = rng.random((n, n)) < np.where(group[:, None] == group, 0.7, 0.2)
    return replace(network_of(ties), **{"attributes": {"department": tuple("ab"[g] for g in group)}, **changes})


def fitted(method: Fitter, network: Network) -> tuple[Network, Fit]:
    return network, method.fit(network, rng=np.random.default_rng(3))


def test_what_labels_and_memberships_are_is_written_beside_them() -> None:
    cases: list[tuple[Fitter, str, str]] = [
        (LpcmMcmc(n_clusters=2, **SHORT), "partition of least expected Binder loss", "posterior probability"),
        (LpcmMcmc(n_clusters=2, partition="variation", **SHORT), "expected variation of information", "may differ"),
        (LpcmMcmc(n_clusters=2, partition="membership", **SHORT), "each actor's most probable one", "posterior"),
        (LpcmMap(n_clusters=2), "each actor's most probable one", "probability of each cluster"),
        (Louvain(), "cluster", "1 in the actor's own cluster, 0 in others"),
    ]
    for method, label, membership in cases:
        dataset = fit_dataset([fitted(method, people())], method, 1)
        assert label in dataset["label"].attrs["long_name"], method
        assert membership in dataset["membership"].attrs["long_name"], method
        assert dataset["label"].attrs["long_name"].endswith("-1 where absent")


def test_the_only_site_relation_and_period_are_kept(tmp_path: Path) -> None:
    method = Louvain()
    item = fitted(method, people(site="north", relation="advice", period="2"))
    write_netcdf(tmp_path / "x.nc", fit_dataset([item], method, 1), posterior_groups([item]))
    with xr.open_dataset(tmp_path / "x.nc") as found:
        assert [str(found[kind].values) for kind in ("site", "relation", "period")] == ["north", "advice", "2"]
        assert found["label"].dims == ("actor",)
    nameless = fit_dataset([fitted(method, people())], method, 1)
    assert not {"site", "relation", "period"} & set(nameless.coords)
    two = [fitted(method, people(relation=name, period="1")) for name in ("x", "y")]
    found = fit_dataset(two, method, 1)
    assert found["label"].dims == ("relation", "actor")
    assert str(found["period"].values) == "1"


def test_no_criteria_are_texts_all_the_same(tmp_path: Path) -> None:
    method = Louvain()
    write_netcdf(tmp_path / "x.nc", fit_dataset([fitted(method, people())], method, 1))
    with xr.open_dataset(tmp_path / "x.nc") as found:
        assert found.sizes["criterion"] == 0
        assert found["criterion"].dtype.kind in "UO"
        assert found["measure"].dtype.kind in "UO"
        assert "chosen_by" not in found.attrs


def test_the_criterion_that_chose_is_kept() -> None:
    method = LpcmMap(n_clusters=(1, 3), choose_by="icl")
    assert fit_dataset([fitted(method, people())], method, 1).attrs["chosen_by"] == "icl"


@pytest.mark.parametrize(
    ("sociality", "sides"),
    [("both", ["sender", "receiver"]), ("receiver", ["receiver"]), ("sender", ["sender"]), ("shared", ["sender"])],
)
def test_only_effects_that_there_are_have_a_variance(sociality: str, sides: list[str]) -> None:
    """Where there are no receiver effects their variance would be a column of ones."""
    method = LpcmMcmc(n_clusters=2, sociality=sociality, covariates=("match(department)",), **SHORT)
    item = fitted(method, people())
    found = posterior_groups([item])["posterior"]
    assert found["effect_variances"].dims == ("chain", "draw", "side")
    assert found["side"].values.tolist() == sides
    assert (found["effect_variances"] != 1.0).all()
    assert [side for side in ("sender", "receiver") if side in found] == sides
    assert item[1].posterior is not None
    places = [("sender", "receiver").index(side) for side in sides]
    np.testing.assert_array_equal(found["effect_variances"], item[1].posterior.effect_variances[:, :, 0, places])
    assert found["covariate"].values.tolist() == ["match(department)"]
    assert found["coefficients"].dims == ("chain", "draw", "covariate")
    said = [found[name].attrs["long_name"] for name in ("effect_variances", *sides)]
    assert ["alike" in text for text in said] == [sociality == "shared"] * len(said)


def test_a_model_without_effects_has_no_sides() -> None:
    found = posterior_groups([fitted(LpmMcmc(**SHORT), people())])["posterior"]
    assert not {"side", "covariate", "effect_variances", "coefficients"} & set(found.variables)


def test_relations_of_a_joint_fit_keep_their_names() -> None:
    """Names with a plus are not taken apart: neither a single one, nor of several that are given."""
    method = LpmMcmc(covariates=("match(department)",), **SHORT)
    for names in (["a + b"], ["a + x", "b"], ["a", "b", "c"]):
        networks = [people(seed=k, relation=name) for k, name in enumerate(names)]
        fit = method.fit_joint(networks, rng=np.random.default_rng(1))
        items = [(replace(networks[0], relation=" + ".join(names)), fit)]
        found = posterior_groups(items, joint=True, relations=names)["posterior"]
        assert found["relation"].values.tolist() == names
        assert found["coefficients"].dims == ("chain", "draw", "relation", "covariate")
        dataset = fit_dataset(items, method, 1, joint=True, relations=names)
        assert json.loads(dataset.attrs["relations"]) == names
    unnamed = posterior_groups(items, joint=True)["posterior"]
    assert unnamed["relation"].values.tolist() == ["a", "b", "c"]


def test_a_relation_with_a_plus_in_its_name_is_fitted_jointly(tmp_path: Path) -> None:
    network = people()
    rows = [f"{network.actors[i]},{network.actors[j]},a + b" for i, j in np.argwhere(network.ties) if i != j]
    (tmp_path / "t.csv").write_text("\n".join(["source,target,relation", *rows]))
    short = [f"--set={name}={value}" for name, value in SHORT.items()]
    out = tmp_path / "x.nc"
    assert call(["fit", str(tmp_path / "t.csv"), "--joint", "--fitter", "lpm-mcmc", *short, "-o", str(out)]) == 0
    with xr.open_dataset(out, group="posterior") as found:
        assert found["relation"].values.tolist() == ["a + b"]


def test_a_mode_has_a_group_of_its_numbers(tmp_path: Path) -> None:
    method = LpcmMap(n_clusters=2, sociality="both", reciprocity=True, covariates=("match(department)",))
    items = [fitted(method, people(seed=k, relation=name)) for k, name in enumerate("xy")]
    write_netcdf(tmp_path / "x.nc", fit_dataset(items, method, 1), posterior_groups(items))
    with xr.open_dataset(tmp_path / "x.nc", group="point") as found:
        dims = {
            "intercept": (),
            "coefficients": ("covariate",),
            "reciprocity": (),
            "sender": ("actor",),
            "receiver": ("actor",),
        }
        for name, own in dims.items():
            assert found[name].dims == ("relation", *own), name
            assert found[name].notnull().all(), name
        for (_, fit), name in zip(items, "xy", strict=True):
            model = fit.tie_model
            assert isinstance(model, LatentTieModel)
            assert float(found["intercept"].sel(relation=name)) == model.intercepts[0, 0]
            np.testing.assert_array_equal(found["receiver"].sel(relation=name), model.receiver[0, 0])
        assert "contracts the space" in found.attrs["note"]
        assert found["covariate"].values.tolist() == ["match(department)"]


@pytest.mark.parametrize("corrected", [False, True])
def test_a_block_model_has_a_group_of_its_blocks(corrected: bool) -> None:
    item = fitted(Sbm(n_clusters=2, degree_corrected=corrected), people(n=20))
    found = posterior_groups([item])["point"]
    model = item[1].tie_model
    assert isinstance(model, BlockTieModel)
    assert found["block"].dims == ("cluster", "other_cluster")
    blocks = model.blocks.astype(float)
    np.testing.assert_allclose(found["block"], (np.exp(blocks) if corrected else expit(blocks)).mean(axis=0))
    assert ("sending_factor" in found) == corrected


def test_other_methods_have_what_they_know() -> None:
    found = posterior_groups([fitted(LpcmVariational(n_clusters=2), people())])["point"]
    assert found["intercept"].dims == ()
    assert float(found["intercept_sd"]) > 0
    assert posterior_groups([fitted(Louvain(), people())]) == {}


def test_fits_of_different_networks_are_laid_out_by_actor() -> None:
    """Actors that a network does not have, and clusters that a fit does not have, are NaN; labels -1."""
    method = LpcmMcmc(n_clusters=2, sociality="sender", **SHORT)
    smaller = people(n=8, period="2")
    items = [fitted(method, people(period="1")), fitted(method.but(n_clusters=1), smaller)]
    found = posterior_groups(items)["posterior"].sel(period="2")
    assert found["labels"].isel(actor=[8, 9]).values.tolist() == np.full((2, 30, 2), -1).tolist()
    assert np.isnan(found["positions"].isel(actor=[8, 9])).all()
    assert np.isnan(found["sender"].isel(actor=[8, 9])).all()
    assert np.isnan(found["weights"].isel(cluster=1)).all()
    second = items[1][1].posterior
    assert second is not None
    np.testing.assert_array_equal(found["positions"].isel(actor=slice(8)), second.positions)
    np.testing.assert_array_equal(found["weights"].isel(cluster=0), second.weights[:, :, 0])
    assert set(posterior_groups(items)["sample_stats"]) == {"log_likelihood", "log_density", "diverging"}
