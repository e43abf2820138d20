"""The commands simulate, fit and list, as a user types them."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import xarray as xr

from simlab.cli import call
from simlab.cli.settings_table import allowed_values, written
from simlab.fit.fit import fitters
from simlab.generate.catalog import scenarios
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.generate.structures import structures
from simlab.metrics.metric import metrics
from simlab.metrics.recovery import adjusted_rand_index
from simlab.panel_read import read_panel

SMALL = ["--set", "n_actors=24", "--set", "mean_degree=5", "--set", "reciprocity=none"]
SHORT = ["--set", "n_chains=2", "--set", "n_warmup=100", "--set", "n_draws=60"]
Said = pytest.CaptureFixture[str]


def rows(file: Path) -> list[dict[str, str]]:
    with open(file, newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def done(*arguments: str | Path) -> None:
    assert call([str(argument) for argument in arguments]) == 0


# --- help -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", ["", "run", "status", "report", "export", "replay", "simulate", "fit", "assess", "plan", "list"]
)
def test_help(command: str, capsys: Said) -> None:
    done(*command.split(), "--help")
    said = capsys.readouterr()
    assert said.out.startswith("Usage: simlab")
    assert said.err == ""


def test_help_in_a_shell_names_every_command_and_imports_nothing_heavy() -> None:
    heavy = "numpy|numba|xarray|pandas|matplotlib|scipy|networkx|joblib"
    program = "import sys; from simlab.cli import call; call(['--help']); print('MODULES', *sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    text, modules = result.stdout.split("MODULES")
    assert not [name for name in modules.split() if re.fullmatch(heavy, name)]
    assert all(
        name in text for name in ("run", "status", "report", "export", "replay", "simulate", "fit", "plan", "list")
    )


def test_version(capsys: Said) -> None:
    done("--version")
    assert re.fullmatch(r"simlab \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_list_names_all_that_is_registered_with_a_reference(capsys: Said) -> None:
    done("list")
    said = capsys.readouterr().out
    for registry in (scenarios, structures, fitters, metrics):
        for entry in registry:
            assert re.search(rf"^  {re.escape(entry.name)} ", said, re.MULTILINE), entry.name
    assert "Handcock, Raftery & Tantrum 2007" in " ".join(said.split())
    assert all(heading in said for heading in ("scenarios", "structures", "fitters", "metrics"))


def test_list_shows_one_scenario_with_its_settings(capsys: Said) -> None:
    done("list", "projects")
    said = capsys.readouterr().out
    assert re.search(r"^  structure +projects +text ", said, re.MULTILINE)
    assert "a structure of scenarios" in said
    assert "information 1.4" in " ".join(said.split())
    done("list", "core-periphery")
    assert "(no clusters)" in " ".join(capsys.readouterr().out.split())


def test_list_of_an_unknown_scenario_is_refused_with_the_nearest(capsys: Said) -> None:
    assert call(["list", "project"]) == 2
    assert (
        "no scenario, structure, fitter or metric named 'project'. Did you mean 'projects'?" in capsys.readouterr().err
    )


def test_list_of_a_fitter_shows_its_settings(capsys: Said) -> None:
    for entry in fitters:
        done("list", entry.name)
        said = capsys.readouterr().out
        assert entry.summary in " ".join(said.split())
        assert entry.reference in " ".join(said.split())
        for name, field in entry.thing.model_fields.items():
            assert re.search(rf"^  {name} ", said, re.MULTILINE), name
            assert set((field.description or "").split()) <= set(said.split()), name
        assert max(map(len, said.splitlines())) <= 130
    done("list", "lpcm-mcmc")
    said = capsys.readouterr().out
    assert re.search(r"^  n_chains +4 +a whole number from 1 to 64", said, re.MULTILINE)
    assert re.search(r"^  family +bernoulli +bernoulli, poisson +ties, or counts \(poisson\)", said, re.MULTILINE)
    assert re.search(r"^  variance_scale +none +a number from 1e-06 to 1e\+06", said, re.MULTILINE)


def test_list_of_a_scenario_shows_what_differs_from_the_defaults(capsys: Said) -> None:
    for entry in scenarios:
        done("list", entry.name)
        said = capsys.readouterr().out
        shown = set(re.findall(r"^  ([a-z]\w+) {2,}", said, re.MULTILINE)) - {"setting"}
        assert shown == set(entry.thing.given()), entry.name
    done("list", "managers")
    assert "Every setting has its default" in capsys.readouterr().out


def test_list_of_a_metric_says_what_it_is_of(capsys: Said) -> None:
    for entry in metrics:
        done("list", entry.name)
        said = " ".join(capsys.readouterr().out.split())
        assert entry.summary in said
        assert entry.reference in said
    done("list", "ari")
    assert "of a fit, and the truth; unit 1, from -0.5 to 1" in capsys.readouterr().out


def test_list_of_an_unknown_name_is_refused_in_one_line(capsys: Said) -> None:
    assert call(["list", "lpcm-mcm"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "error: no scenario, structure, fitter or metric named 'lpcm-mcm'. Did you mean 'lpcm-mcmc'?"
    )
    assert said.count("\n") == 1


def test_help_of_fit_says_where_the_settings_are(capsys: Said) -> None:
    done("fit", "--help")
    assert "`simlab list NAME` shows its settings" in " ".join(capsys.readouterr().out.split())


def test_allowed_values_in_words() -> None:
    words = {
        "a whole number, or [a whole number, a whole number]": ("n_clusters", "spectral"),
        "true or false": ("reciprocity", "lpcm-mcmc"),
        "a number above 0.3 below 1": ("target_acceptance", "lpcm-mcmc"),
        "a list of texts": ("covariates", "lpcm-mcmc"),
        "binder, variation, membership": ("partition", "lpcm-mcmc"),
    }
    for text, (name, fitter) in words.items():
        schema = fitters[fitter].thing.model_json_schema()
        assert allowed_values(schema["properties"][name], {}) == text
    assert allowed_values({"$ref": "#/$defs/Kind"}, {"Kind": {"enum": ["a", "b"]}}) == "a, b"
    assert allowed_values({}, {}) == ""
    assert [written(v) for v in (None, True, (1, 6), ("a", "b"), "x", 2.5)] == [
        "none", "true", "[1, 6]", '["a", "b"]', "x", "2.5",
    ]  # fmt: skip


# --- simulate ---------------------------------------------------------------------------------------------------------


def test_simulate_writes_what_it_says(tmp_path: Path, capsys: Said) -> None:
    out = tmp_path / "a" / "b"
    done("simulate", *SMALL, "--seed", 5, "-o", out)
    said = capsys.readouterr().out
    ties, actors = rows(out / "ties.csv"), rows(out / "actors.csv")
    assert said.startswith(f"24 actors, 1 network, {len(ties)} ties observed, seed 5\n")
    for name in ("actors.csv", "ties.csv", "scenario.toml", "truth.nc"):
        assert f"written  {out / name}" in said
    assert list(ties[0]) == ["site", "relation", "period", "source", "target"]
    assert list(actors[0]) == ["actor", "site", "organisation", "seniority", "service"]
    assert len(actors) == 24
    settings = tomllib.loads((out / "scenario.toml").read_text())
    assert settings["seed"] == 5
    assert set(settings) == {"seed", "fieldwork", *Scenario.model_fields}
    graph = nx.read_graphml(out / "network_site-1_contact_1.graphml")
    assert {(t["source"], t["target"]) for t in ties} == set(graph.edges)
    panel, truth = simulate(Scenario(n_actors=24, mean_degree=5, reciprocity=None), seed=5)
    with xr.open_dataset(out / "truth.nc") as stored:
        assert stored["label"].dims == ("period", "actor")
        assert stored["position"].dims == ("period", "actor", "axis")
        assert stored["actor"].values.tolist() == list(panel.actors)
        assert np.array_equal(stored["label"].values, truth.label)
        assert np.array_equal(stored["position"].values, truth.position)
        for name in ("bridger", "core"):
            assert stored[name].dims == ("actor",)
            assert np.array_equal(stored[name].values.astype(bool), getattr(truth, name))


def test_simulate_of_several_periods_says_who_was_there(tmp_path: Path) -> None:
    done(
        "simulate",
        "three-sites",
        *SMALL,
        "-o",
        tmp_path,
        "--set",
        "fieldwork.response_rate=0.7",
        "--set",
        "absence=0.1",
    )
    actors = rows(tmp_path / "actors.csv")
    columns = ["actor", "site", "organisation", "seniority", "service", "period", "present", "asked", "answered"]
    assert list(actors[0]) == columns
    assert {row["present"] for row in actors} == {row["asked"] for row in actors} == {"true", "false"}
    silent = {(row["actor"], row["period"]) for row in actors if row["answered"] == "false"}
    ties = rows(tmp_path / "ties.csv")
    assert not {(t["source"], t["period"]) for t in ties} & silent
    assert {t["relation"] for t in ties} == {"formal", "informal"}
    assert len(list(tmp_path.glob("*.graphml"))) == 3 * 2 * 2
    panel = read_panel(tmp_path / "ties.csv", actors=tmp_path / "actors.csv")
    with xr.open_dataset(tmp_path / "truth.nc") as truth:
        assert np.array_equal(truth["label"].values >= 0, panel.present)
        assert truth["label"].where(truth["label"] >= 0).max() == 2
        assert np.isnan(truth["position"].values[~panel.present]).all()


@pytest.mark.parametrize("fieldwork", [[], ["--set", "max_nominations=3", "--set", "response_rate=0.6"]])
def test_a_scenario_given_back_gives_the_same_ties(fieldwork: list[str], tmp_path: Path) -> None:
    done("simulate", "managers-two-periods", *SMALL, *fieldwork, "--seed", 7, "-o", tmp_path / "one")
    done("simulate", tmp_path / "one" / "scenario.toml", "-o", tmp_path / "two")
    done("simulate", tmp_path / "one" / "scenario.toml", "--seed", 8, "-o", tmp_path / "three")
    for name in ("ties.csv", "actors.csv", "scenario.toml"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert (tmp_path / "one" / "ties.csv").read_bytes() != (tmp_path / "three" / "ties.csv").read_bytes()
    named = rows(tmp_path / "one" / "ties.csv")
    most = max(Counter((tie["source"], tie["period"]) for tie in named).values())
    assert most <= 3 if fieldwork else most > 3


def test_simulate_takes_every_setting_of_the_field_and_fit_reads_what_it_writes(tmp_path: Path, capsys: Said) -> None:
    settings = [
        "response_rate=[0.8,0.6]",
        "response_by=bridging",
        "response_odds_ratio=0.3",
        "instrument=name-generator",
        "forgetting_odds_ratio=3",
        "false_ties=0.01",
        "max_nominations=4",
        "dropped=weakest",
        "proxy=0.3",
        "left_out=private",
        "outsiders=.1",
    ]
    given = [word for text in settings for word in ("--set", text)]
    done("simulate", "managers-two-periods", *SMALL, *given, "--seed", 7, "-o", tmp_path / "one")
    done("simulate", tmp_path / "one" / "scenario.toml", "-o", tmp_path / "two")
    for name in ("ties.csv", "actors.csv", "scenario.toml"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    actors, ties = rows(tmp_path / "one" / "actors.csv"), rows(tmp_path / "one" / "ties.csv")
    assert {row["limited"] for row in actors} == {"4", "false"}
    assert "private" not in {row["organisation"] for row in actors}
    assert any(row["actor"].startswith("outsider") for row in actors)
    reported = [tie for tie in ties if tie["reporter"]]
    assert {tie["weight"] for tie in reported} == {"0", "1"}
    assert all(tie["reporter"] == tie["target"] for tie in reported)
    capsys.readouterr()
    done("fit", tmp_path / "one" / "ties.csv", "--actors", tmp_path / "one" / "actors.csv", "--clusters", 2,
         "--fitter", "multiple-imputation", "--set", "n_imputations=2")  # fmt: skip
    assert "multiple-imputation, seed 1" in capsys.readouterr().out


def test_set_goes_over_the_file_and_a_tenth_may_be_written_as_usual(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('n_actors = 30\nmean_degree = 6\nreciprocity = "none"\n[fieldwork]\nresponse_rate = 0.5\n')
    done("simulate", file, "--set", "n_actors=20", "--set", "response_rate=.9", "-o", tmp_path / "d")
    settings = tomllib.loads((tmp_path / "d" / "scenario.toml").read_text())
    assert (settings["n_actors"], settings["mean_degree"], settings["reciprocity"]) == (20, 6.0, "none")
    assert settings["fieldwork"]["response_rate"] == 0.9


def test_a_relation_may_have_a_stroke_in_its_name(tmp_path: Path) -> None:
    done("simulate", *SMALL, "--set", 'relations=["advice/help", "co-working"]', "-o", tmp_path)
    assert {t["relation"] for t in rows(tmp_path / "ties.csv")} == {"advice/help", "co-working"}
    assert len(list(tmp_path.glob("*.graphml"))) == 2


# --- fit --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def monks_fit(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short fit of the monks with one to three clusters."""
    out = tmp_path_factory.mktemp("monks") / "fit.nc"
    ties, actors = data_folder / "sampson_ties.csv", data_folder / "sampson_actors.csv"
    done("fit", ties, "--actors", actors, "--clusters", "1:3", *SHORT, "-o", out)
    return out


def test_fit_of_the_monks_is_stored(monks_fit: Path, monks: tuple[object, dict[str, str]]) -> None:
    groups = monks[1]
    with xr.open_dataset(monks_fit) as fit:
        assert fit["label"].dims == ("actor",)
        assert fit["actor"].values.tolist() == sorted(groups)
        true = np.array([sorted(set(groups.values())).index(groups[a]) for a in fit["actor"].values.tolist()])
        assert fit["chosen"] == 3
        assert adjusted_rand_index(fit["label"].values, true) > 0.8
        assert fit["label"].values.min() == 0
        assert fit["membership"].dims == ("actor", "cluster")
        np.testing.assert_allclose(fit["membership"].sum("cluster").values, 1.0)
        assert fit["position"].dims == ("actor", "axis")
        assert fit["position"].shape == (18, 2)
        assert fit["bridging"].dims == ("score", "actor")
        assert fit["bridging"].notnull().all()
        assert fit.attrs["bridging_score"] in fit["score"].values.tolist()
        assert fit["choice"].dims == ("criterion", "n_clusters")
        assert fit["n_clusters"].values.tolist() == [1, 2, 3]
        assert fit["choice"].values[0].argmin() == 2


def test_draws_of_the_monks_are_groups_of_arviz(monks_fit: Path) -> None:
    with xr.open_dataset(monks_fit, group="posterior") as posterior:
        own = {
            "intercept": (),
            "positions": ("actor", "axis"),
            "labels": ("actor",),
            "variances": ("cluster",),
            "weights": ("cluster",),
        }
        for name, dims in own.items():
            assert posterior[name].dims == ("chain", "draw", *dims), name
            assert posterior[name].notnull().all(), name
        assert (posterior.sizes["chain"], posterior.sizes["draw"]) == (2, 60)
        np.testing.assert_allclose(posterior["weights"].sum("cluster").values, 1.0)
        assert set(np.unique(posterior["labels"])) == {0, 1, 2}
        share = (posterior["labels"] == 0).mean(("chain", "draw")).values
    with xr.open_dataset(monks_fit) as fit:
        # The stored memberships are means of draws' probabilities, of which the labels are drawn.
        assert np.corrcoef(share, fit["membership"].values[:, 0])[0, 1] > 0.95
    with xr.open_dataset(monks_fit, group="sample_stats") as stats:
        assert stats["log_likelihood"].dims == ("chain", "draw")
        assert -200 < float(stats["log_likelihood"].mean()) < -100
        assert set(np.unique(stats["diverging"])) <= {0, 1}


def test_fit_says_what_it_found(data_folder: Path, capsys: Said) -> None:
    ties, actors = data_folder / "sampson_ties.csv", data_folder / "sampson_actors.csv"
    done("fit", ties, "--actors", actors, "--fitter", "spectral", "--clusters", "1:5")
    said = capsys.readouterr().out
    assert "18 actors, 88 directed ties, density 0.288" in said
    assert "minus modularity by number of clusters (lower is better): 1: " in said
    assert re.search(r"^  3 clusters, of \d+, \d+, \d+ actors$", said, re.MULTILINE)
    assert "group: Turks 7 of 7" in said
    assert "what tells clusters apart best: group" in said
    assert "most of a bridger (participation): " in said


def test_the_same_seed_prints_the_same(data_folder: Path, tmp_path: Path, capsys: Said) -> None:
    found = []
    for seed in (1, 1, 2):
        done("fit", data_folder / "sampson_ties.csv", "--clusters", 2, *SHORT, "--seed", seed, "-o", tmp_path / "x.nc")
        with xr.open_dataset(tmp_path / "x.nc") as fit:
            found.append(fit["position"].values.tobytes())
    assert found[0] == found[1] != found[2]
    assert "seed 2" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["x.nc"]


def test_fit_of_the_tailors_is_by_relation_and_period_and_says_how_stable(
    data_folder: Path, tmp_path: Path, capsys: Said
) -> None:
    ties = data_folder / "tailors_ties.csv"
    options = ["--fitter", "spectral", "--clusters", 3, "--undirected-relations", "sociational"]
    done("fit", ties, *options, "-o", tmp_path / "x.nc")
    said = capsys.readouterr().out
    assert "sociational, period 1: 39 actors, 158 undirected ties" in said
    assert "instrumental, period 2: 39 actors, 147 directed ties" in said
    for relation in ("sociational", "instrumental"):
        assert f"{relation}, period 1 to 2: 39 in both" in said
    assert said.count("clusters matched: mean Jaccard index") == 2
    with xr.open_dataset(tmp_path / "x.nc") as fit:
        assert fit["label"].dims == ("relation", "period", "actor")
        assert fit["label"].shape == (2, 2, 39)
        assert set(fit["relation"].values.tolist()) == {"sociational", "instrumental"}
        assert fit["period"].values.tolist() == ["1", "2"]
        assert set(np.unique(fit["label"])) == {0, 1, 2}


def test_a_joint_fit_has_one_set_of_positions_and_an_intercept_a_relation(data_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.nc"
    done("fit", data_folder / "managers_ties.csv", "--joint", "--clusters", 2, *SHORT, "-o", out)
    with xr.open_dataset(out) as fit:
        assert fit["label"].dims == ("actor",)
        assert fit["position"].shape == (21, 2)
    with xr.open_dataset(out, group="posterior") as posterior:
        assert posterior["intercept"].dims == ("chain", "draw", "relation")
        assert posterior["positions"].dims == ("chain", "draw", "actor", "axis")
        mean = dict(
            zip(
                posterior["relation"].values.tolist(),
                posterior["intercept"].mean(("chain", "draw")).values,
                strict=True,
            )
        )
    assert mean["advice"] > mean["friendship"] + 0.5


def test_a_variational_fit_may_be_joint(data_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.nc"
    ways = ["--fitter", "lpcm-variational", "--set", "reciprocity=true", "--set", "sociality=both"]
    done("fit", data_folder / "managers_ties.csv", "--joint", "--clusters", 2, *ways, "-o", out)
    with xr.open_dataset(out) as fit:
        assert fit["label"].dims == ("actor",)
        assert fit["position"].shape == (21, 2)


def test_fit_recovers_what_simulate_made(tmp_path: Path) -> None:
    done("simulate", "plain", "--set", "separation=6", "--seed", 4, "-o", tmp_path)
    ties, actors = tmp_path / "ties.csv", tmp_path / "actors.csv"
    done("fit", ties, "--actors", actors, "--fitter", "spectral", "--clusters", 3, "-o", tmp_path / "fit.nc")
    with xr.open_dataset(tmp_path / "fit.nc") as fit, xr.open_dataset(tmp_path / "truth.nc") as truth:
        assert adjusted_rand_index(fit["label"].values.ravel(), truth["label"].values[0]) > 0.8


def test_clusters_of_actors_who_left_are_minus_one(tmp_path: Path) -> None:
    done("simulate", "managers-two-periods", *SMALL, "-o", tmp_path)
    ties, actors = tmp_path / "ties.csv", tmp_path / "actors.csv"
    done("fit", ties, "--actors", actors, "--fitter", "louvain", "-o", tmp_path / "fit.nc")
    with xr.open_dataset(tmp_path / "fit.nc") as fit, xr.open_dataset(tmp_path / "truth.nc") as truth:
        assert np.array_equal(fit["label"].values >= 0, truth["label"].values >= 0)
        assert (fit["label"].values == -1).any()


def test_mended_ties_are_said_in_a_warning(tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "t.csv").write_text("source,target\na,b\na,b\nb,c\nc,c\n")
    done("fit", tmp_path / "t.csv", "--fitter", "louvain")
    said = capsys.readouterr()
    assert "warning: 1 tie of an actor with itself dropped" in said.out + said.err
    assert "warning: 1 duplicate tie dropped" in said.out + said.err
    assert "2 directed ties" in said.out


def test_numbers_that_are_missing_for_a_whole_cluster_do_not_matter(tmp_path: Path, capsys: Said) -> None:
    """Tables of pandas write nan for what is missing: the profile of a cluster then has nothing to say of that column."""
    graph = nx.disjoint_union(nx.complete_graph(8), nx.complete_graph(4))
    nx.write_edgelist(graph, tmp_path / "t.csv", delimiter=",", data=False)
    (tmp_path / "t.csv").write_text("source,target\n" + (tmp_path / "t.csv").read_text())
    ages = "".join(f"{i},{30 + i if i < 8 else 'nan'}\n" for i in range(12))
    (tmp_path / "a.csv").write_text("actor,age\n" + ages)
    done("fit", tmp_path / "t.csv", "--actors", tmp_path / "a.csv", "--fitter", "louvain", "--undirected")
    assert "age: mean 33.5, 30 to 37" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_picture_of_a_fit(suffix: str, data_folder: Path, tmp_path: Path) -> None:
    picture = tmp_path / f"x.{suffix}"
    done("fit", data_folder / "sampson_ties.csv", "--fitter", "louvain", "--plot", picture)
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert picture.read_bytes().startswith(start)
    assert picture.stat().st_size > 3000


def test_output_to_somebody_who_has_gone_is_no_failure(data_folder: Path) -> None:
    simlab = Path(sys.executable).with_name("simlab")
    command = f"{simlab} fit {data_folder / 'tailors_ties.csv'} --fitter louvain | head -n 1; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0
    assert result.stderr == ""


def test_the_package_is_a_command_too() -> None:
    done = subprocess.run([sys.executable, "-m", "simlab", "fit", "nowhere.csv"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "error: nowhere.csv: no such file\n")
