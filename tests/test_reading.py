"""What an answer reads: means and paired differences by hand, levels that are not there, tipping points."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import xarray as xr
from sklearn.metrics import roc_auc_score

from simlab.foundation.errors import UnknownNameError
from simlab.report.choices import any_metric
from simlab.report.comparisons import named, superiority, turning_point, verdict
from simlab.report.numbers import Estimate, share_text
from simlab.report.reading import Reading
from simlab.report.results import Results

RNG = np.random.default_rng(1)
# (n_actors, response_rate, fitter, replicate, site, relation, period)
ARI = RNG.normal(size=(2, 3, 2, 5, 2, 1, 1))


@pytest.fixture
def reading() -> Reading:
    design = {
        "scenarios": {"labels": {"n_actors": [30, 60]}, "settings": [{}, {}]},
        "fieldworks": {"labels": {"response_rate": [0.5, 0.7, 0.9]}, "settings": [{}, {}, {}]},
    }
    dims = ("n_actors", "response_rate", "fitter", "replicate", "site", "relation", "period")
    dataset = xr.Dataset(
        {
            "ari": (dims, ARI.copy()),
            "bayes_ari": (("n_actors", "replicate", "site", "relation", "period"), ARI[:, 0, 0].copy()),
            "status": (dims[:4], np.ones(ARI.shape[:4], dtype=np.int8)),
        },
        {"n_actors": [30.0, 60.0], "response_rate": [0.5, 0.7, 0.9], "fitter": ["one", "other"], "replicate": range(5)},
        {"provenance": json.dumps({"design": design})},
    )
    return Reading.of(dataset)


def test_a_mean_is_over_worlds_with_their_networks_averaged(reading: Reading) -> None:
    worlds = ARI[1, 2, 0].mean(axis=(1, 2, 3))
    mean = reading.mean("ari", n_actors=60.0, response_rate=0.9, fitter="one")
    assert mean.mean == pytest.approx(worlds.mean())
    assert mean.mcse == pytest.approx(worlds.std(ddof=1) / math.sqrt(5))
    assert reading.mean("bayes_ari", n_actors=30.0, fitter="other").mean == pytest.approx(ARI[0, 0, 0].mean())


def test_differences_on_the_same_worlds_are_paired_and_others_are_not(reading: Reading) -> None:
    both = ARI[:, 2, 0].mean(axis=(2, 3, 4)) - ARI[:, 0, 1].mean(axis=(2, 3, 4))
    paired = reading.difference(
        "ari", {"response_rate": 0.9, "fitter": "one"}, {"response_rate": 0.5, "fitter": "other"}
    )
    assert paired.mean == pytest.approx(both.mean())
    assert paired.mcse == pytest.approx(math.sqrt((both.var(axis=1, ddof=1) / 5).sum()) / 2)
    apart = reading.difference("ari", {"n_actors": 60.0}, {"n_actors": 30.0}, fitter="one")
    one, other = (reading.mean("ari", n_actors=n, fitter="one") for n in (60.0, 30.0))
    assert (apart.mean, apart.mcse) == (one.mean - other.mean, math.hypot(one.mcse, other.mcse))


def test_networks_are_by_world_and_replicate(reading: Reading) -> None:
    found = reading.networks("ari", n_actors=60.0, fitter="other")
    assert found.shape == (3, 5, 2)
    assert (found == ARI[1, :, 1, :, :, 0, 0]).all()
    assert reading.networks("bayes_ari", fitter="other").shape == (2, 5, 2)
    assert reading.values("ari", fitter="other").shape == (2, 3, 5)
    assert reading.networks("ami").shape == (1, 5, 2)
    assert np.isnan(reading.networks("ari", fitter="third")).all()


def test_a_share_is_of_the_networks_that_have_a_value_with_wilsons_interval(reading: Reading) -> None:
    reading.results.dataset["yes"] = (("n_actors", "replicate"), np.array([[1, 0, 1, np.nan, 1], [0, 0, 0, 0, 0]]))
    found = reading.share("yes", n_actors=30.0)
    assert (found.rate, found.count) == (0.75, 4)
    assert str(reading.share("yes", n_actors=60.0)) == "0 % (0 to 43 %)"
    assert not reading.share("ami").known
    assert str(reading.share("ami")) == "an unknown share"


def test_what_is_not_there_is_not_known_and_a_wrong_dimension_is_an_error(reading: Reading) -> None:
    assert not reading.mean("ari", fitter="third").known
    assert not reading.mean("ami").known
    assert not reading.difference("ari", {"fitter": "one"}, {"fitter": "third"}).known
    assert reading.levels("names") == []
    with pytest.raises(UnknownNameError, match="fitters"):
        reading.mean("ari", fitters="one")


def test_an_unfinished_study_is_read_as_far_as_it_is(reading: Reading) -> None:
    reading.results.dataset["ari"][:, :, :, 2:] = np.nan
    assert reading.mean("ari", fitter="one", response_rate=0.5, n_actors=30.0).mean == pytest.approx(
        ARI[0, 0, 0, :2].mean()
    )
    reading.results.dataset["ari"][:] = np.nan
    assert not reading.mean("ari").known
    assert reading.best("ari", "fitter") == ""


def test_levels_along_a_dimension_and_the_best(reading: Reading) -> None:
    means = reading.along("ari", "response_rate", fitter="one")
    assert [m.mean for m in means] == pytest.approx(ARI[:, :, 0].mean(axis=(0, 2, 3, 4, 5)).tolist())
    assert reading.best("ari", "fitter") == ("one" if ARI[:, :, 0].mean() > ARI[:, :, 1].mean() else "other")


def test_verdicts_and_names() -> None:
    texts = ("higher by {}", "lower by {}", "the same ({})")
    assert verdict(Estimate(0.3, 0.1), *texts) == "higher by 0.30 ± 0.10"
    assert verdict(Estimate(-0.3, 0.1), *texts) == "lower by 0.30 ± 0.10"
    assert verdict(Estimate(-0.1, 0.1), *texts) == "the same (-0.10 ± 0.10)"
    assert verdict(Estimate(0.3, math.nan), *texts) == "the same (0.30, error not known)"
    parts = {"a": Estimate(0.1, 0.02), "b": Estimate(math.nan, math.nan), "c": Estimate(0.2, 0.02)}
    assert named(parts) == "0.10 ± 0.02 (a) and 0.20 ± 0.02 (c)"
    assert share_text(Estimate(0.434, 0.021)) == "43 ± 2 %"
    assert share_text(Estimate(0.434, 0.0021)) == "43.4 ± 0.2 %"
    assert share_text(Estimate(0.434, 0.0003)) == "43.40 ± 0.03 %"
    assert share_text(Estimate(1.0, 0.0)) == "100 ± 0 %"
    assert share_text(Estimate(math.nan, math.nan)) == "\N{EN DASH}"


@pytest.mark.parametrize(
    ("means", "how", "place"),
    [
        ([0.9, 0.8, 0.7], "never", None),
        ([0.4, 0.3, 0.2], "always", None),
        ([0.9, 0.7, 0.5], "at", 0.1 * 10**-0.5),
        ([0.9, 0.5, 0.7], "unclear", None),
        ([0.5, 0.7, 0.9], "unclear", None),
        ([0.9, math.nan, 0.5], "unclear", None),
        ([], "unclear", None),
    ],
)
def test_a_tipping_point_is_interpolated_on_log_odds(means: list[float], how: str, place: float | None) -> None:
    found = turning_point([1.0, 0.1, 0.01], [Estimate(mean, 0.01) for mean in means], 0.6)
    assert found.how == how
    if place is None:
        assert np.isnan(found[1:]).all()
    else:
        assert found.place == pytest.approx(place)
        # Means fall by .2 a power of ten, so that an error of .01 is a twentieth of one.
        assert [found.low, found.high] == pytest.approx([place * 10**-0.05, place * 10**0.05])


def test_superiority_is_the_area_under_the_curve_with_its_error() -> None:
    rng = np.random.default_rng(2)
    above, below = rng.integers(0, 6, 40) / 5 + 0.2, rng.integers(0, 6, 30) / 5
    truth = np.repeat([1, 0], [40, 30])
    found = superiority(above, np.append(below, np.nan))
    assert found.mean == pytest.approx(roc_auc_score(truth, np.concatenate([above, below])))
    draws = [superiority(rng.choice(above, 40), rng.choice(below, 30)).mean for _ in range(2000)]
    assert found.mcse == pytest.approx(np.std(draws), rel=0.1)
    assert not superiority(np.array([np.nan]), below).known
    assert math.isnan(superiority(np.array([1.0]), below).mcse)


def test_the_metric_shown_where_the_usual_ones_are_not_is_the_first_that_the_study_names(reading: Reading) -> None:
    dataset = reading.results.dataset.rename(ari="zeta")
    dataset["alpha"] = dataset["zeta"]
    assert any_metric(Results.of(dataset)) == "zeta"
    design = json.loads(dataset.attrs["provenance"])["design"] | {"metrics": ["bayes_ari", "alpha", "zeta"]}
    dataset.attrs["provenance"] = json.dumps({"design": design})
    assert any_metric(Results.of(dataset)) == "alpha"
