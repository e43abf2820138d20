"""Means and shares at chosen levels, against the dataset's own arithmetic."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import xarray as xr

from simlab.report.findings import by_world, gap, levels_of, mean, networks, share


@pytest.fixture
def dataset() -> xr.Dataset:
    """Two separations, two fieldworks, two fitters, five replicates of three sites; one replicate is missing."""
    rng = np.random.default_rng(1)
    ari = rng.random((2, 2, 2, 5, 3))
    ari[0, :, :, 0] = np.nan
    return xr.Dataset(
        {
            "ari": (("separation", "response", "fitter", "replicate", "site"), ari),
            "truth": (("separation", "replicate", "site"), rng.random((2, 5, 3))),
            "yes": (("separation", "replicate"), np.array([[1, 0, 1, np.nan, 1], [0, 0, 0, 0, 0]])),
        },
        {"separation": [2.0, 4.0], "response": [0.5, 1.0], "fitter": ["a", "b"]},
        {"provenance": json.dumps({"design": {"scenarios": {"labels": {"separation": [2, 4]}}}})},
    )


def test_the_mean_of_one_cell_of_the_design_with_its_error(dataset: xr.Dataset) -> None:
    found = mean(dataset, "ari", separation=2.0, response=0.5, fitter="b")
    each = dataset.ari.sel(separation=2.0, response=0.5, fitter="b").mean("site").values[1:]
    assert found.mean == pytest.approx(each.mean())
    assert found.mcse == pytest.approx(each.std(ddof=1) / 2.0)


def test_scenarios_are_independent_and_fieldworks_share_their_worlds(dataset: xr.Dataset) -> None:
    assert by_world(dataset, "ari").shape == (2, 4, 5)
    assert by_world(dataset, "ari", fitter="a", separation=[2.0, 4.0]).shape == (2, 2, 5)
    assert by_world(dataset, "ari", separation=4.0).shape == (1, 4, 5)
    assert networks(dataset, "ari", separation=4.0).shape == (4, 5, 3)
    found = mean(dataset, "ari", fitter="a")
    worlds = dataset.ari.sel(fitter="a").mean(["site", "response"])
    variance = [float(row[np.isfinite(row)].var(ddof=1) / np.isfinite(row).sum()) for row in worlds.values]
    assert found.mcse == pytest.approx(math.sqrt(sum(variance)) / 2.0)


def test_a_metric_of_the_truth_passes_over_the_fitter(dataset: xr.Dataset) -> None:
    assert mean(dataset, "truth", fitter="a").mean == pytest.approx(float(dataset.truth.mean()))


def test_a_share_has_wilsons_interval(dataset: xr.Dataset) -> None:
    found = share(dataset, "yes", separation=2.0)
    assert (found.rate, found.count) == (0.75, 4)
    assert str(share(dataset, "yes", separation=4.0)) == "0 % (0 to 43 %)"


def test_what_is_not_there_is_unknown(dataset: xr.Dataset) -> None:
    assert not mean(dataset, "nothing").known
    assert not mean(dataset, "ari", separation=3.0).known
    assert not share(dataset, "nothing").known
    assert str(share(dataset, "nothing")) == "an unknown share"
    assert not gap(by_world(dataset, "nothing"), by_world(dataset, "ari")).known
    assert gap(by_world(dataset, "ari"), by_world(dataset, "ari")).mean == 0.0
    assert levels_of(dataset, "separation") == [2.0, 4.0]
    assert levels_of(dataset, "nothing") == []
