"""Sparse worlds against dense ones: people, degrees, density by cluster, reciprocity; and the parts against loops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference import naive_generator as naive
from scipy.special import expit
from scipy.stats import ks_2samp

from simlab.cli.simulation import simulate_to
from simlab.foundation.errors import InputError
from simlab.foundation.streams import stream
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.generate.sparse import SparseSimulation, _bound, leaves, simulate_sparse
from simlab.generate.sparse_write import write_sparse
from simlab.generate.thinning import Bound, Candidates, thinned_ties
from simlab.panel_read import read_panel
from simlab.panel_write import write_panel

KEY = ("site 1", "contact", "1")
WORLDS: dict[str, dict[str, Any]] = {
    "latent": {"n_clusters": 4, "bridger_clusters": 3},
    "blocks": {"structure": "blocks", "block_contrast": 3.0, "cluster_shares": (3.0, 2.0, 1.0)},
    "none": {"structure": "none", "n_clusters": 1, "activity": 0.8},
    "close homophily": {"organisation_homophily": -1.0, "service_homophily": 2.0, "separation": 2.0},
}


def matrix(world: SparseSimulation, n: int) -> np.ndarray:
    ties = np.zeros((n, n), dtype=bool)
    source, target = world.ties[KEY]
    ties[source, target] = True
    return ties


# ---- in the whole


@pytest.mark.parametrize("name", WORLDS)
def test_sparse_worlds_are_like_dense_ones(name: str) -> None:
    """Degrees, ties by pair of clusters and by attribute, and reciprocity, of 6 worlds each; and a control."""
    n = 400
    world = Scenario(**{"n_actors": n, "mean_degree": 6.0, "reciprocity": 0.35, **WORLDS[name]})
    dense, sparse, other = [], [], []
    for replicate in range(6):
        truth = simulate(world, seed=5, replicate=replicate).truth
        dense.append(statistics(truth.ties[KEY], truth.label[0], truth.attributes["organisation"][0]))
        for found, settings in ((sparse, world), (other, world.but(popularity=1.1, reciprocity=0.3))):
            made = simulate_sparse(settings, seed=5, replicate=replicate)
            ties = matrix(made, n)
            assert not ties.diagonal().any()
            assert ties.sum() == made.n_ties, "no tie twice"
            found.append(statistics(ties, made.truth.label[0], made.truth.attributes["organisation"][0]))
    assert np.abs(differences(dense, sparse)).max() < 5.0
    assert np.abs(differences(dense, other)).max() > 6.0, "blind"


def test_a_sparse_world_of_two_thousand_is_like_a_dense_one() -> None:
    """The distributions of in- and out-degree, ties by pair of clusters, and reciprocity; and a control."""
    world = Scenario(n_actors=2000, mean_degree=8.0, reciprocity=0.35)
    truth = simulate(world, seed=5).truth
    dense = truth.ties[KEY]
    made = simulate_sparse(world, seed=5)
    sparse = matrix(made, 2000)
    other = matrix(simulate_sparse(world.but(popularity=1.1), seed=5), 2000)
    for axis in (0, 1):
        assert ks_2samp(dense.sum(axis=axis), sparse.sum(axis=axis)).pvalue > 1e-3
    assert ks_2samp(dense.sum(axis=0), other.sum(axis=0)).pvalue < 1e-6, "blind"
    chances = [truth.probability[KEY], probabilities(made)]
    wrong = []
    for ties, chance, label in zip((dense, sparse), chances, (truth.label[0], made.truth.label[0]), strict=True):
        groups = np.eye(3)[label]
        found, expected = (groups.T @ np.nan_to_num(values) @ groups for values in (ties, chance))
        # Returned ties come in pairs, so that counts vary by 1 + reciprocity as much as Poisson counts.
        assert (np.abs(found - expected) < 4.0 * np.sqrt(1.35 * expected)).all()
        wrong.append(np.abs(found - 1.15 * expected) / np.sqrt(1.35 * expected))
    assert min(w.max() for w in wrong) > 6.0, "blind"
    returned = [(ties & ties.T).sum() / ties.sum() for ties in (dense, sparse)]
    assert abs(returned[0] - returned[1]) < 4.0 * np.sqrt(2.0 * 2.0 * 0.35 * 0.65 / 16000)


def statistics(ties: np.ndarray, label: np.ndarray, organisation: np.ndarray) -> np.ndarray:
    """Return mean degree, spread and tails of in- and out-degrees, density by clusters, homophily, reciprocity."""
    indegree, outdegree = ties.sum(axis=0), ties.sum(axis=1)
    groups = np.eye(label.max() + 1)[label]
    by_cluster = groups.T @ ties @ groups
    same = organisation[:, None] == organisation[None]
    return np.array(
        [
            ties.mean(),
            *(np.sqrt(d.var()) for d in (indegree, outdegree)),
            *((d == 0).mean() for d in (indegree, outdegree)),
            *((d > 20).mean() for d in (indegree, outdegree)),
            *(by_cluster / ties.sum()).ravel(),
            ties[same].sum() / ties.sum(),
            (ties & ties.T).sum() / ties.sum(),
        ]
    )


def differences(one: list[np.ndarray], other: list[np.ndarray]) -> np.ndarray:
    """Return Welch's t of each statistic, with a floor for what hardly varies."""
    a, b = np.array(one), np.array(other)
    error = np.sqrt(a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b))
    return np.asarray((a - b).mean(axis=0) / np.maximum(error, 1e-3 * np.abs(a).mean(axis=0) + 1e-5))


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("reciprocity", [None, 0.4])
def test_mean_degree_and_reciprocity_are_within_a_hundredth(name: str, reciprocity: float | None) -> None:
    """Expected ties given the people, all pairs summed; not what happened to be drawn."""
    world = Scenario(**{"n_actors": 2000, "mean_degree": 10.0, "reciprocity": reciprocity, **WORLDS[name]})
    made = simulate_sparse(world, seed=2)
    chance = probabilities(made)
    assert chance.sum() / 2000 == pytest.approx(10.0, rel=0.01)
    if reciprocity is not None:
        ties = matrix(made, 2000)
        assert (ties & ties.T).sum() / ties.sum() == pytest.approx(reciprocity, abs=0.02)


def probabilities(made: SparseSimulation) -> np.ndarray:
    """Return every tie's probability from the truth, by the documentation's equation."""
    truth = made.truth
    world = truth.scenario
    score = truth.activity[:, None] + truth.popularity[None]
    if world.structure == "latent":
        score = score - np.sqrt(((truth.position[0][:, None] - truth.position[0][None]) ** 2).sum(axis=2))
    if world.structure == "blocks":
        score = score + world.block_contrast * (truth.label[0][:, None] == truth.label[0][None])
    for name in ("organisation", "seniority", "service"):
        values = np.unique(truth.attributes[name][0], return_inverse=True)[1]
        score = score + getattr(world, f"{name}_homophily") * (values[:, None] == values[None])
    chance = expit(truth.intercept[KEY] + score)
    np.fill_diagonal(chance, 0.0)
    return np.asarray(chance)


def test_founders_are_as_those_drawn_one_by_one() -> None:
    world = Scenario(
        n_actors=6000,
        n_clusters=5,
        bridger_clusters=3,
        organisation_shares=(4, 3, 2, 1),
        cluster_shares=(5, 4, 3, 2, 1),
    )
    truth = simulate_sparse(world.but(mean_degree=1.0), seed=1).truth
    assert np.bincount(truth.label[0]).tolist() == [2000, 1600, 1200, 800, 400]
    assert truth.bridger.sum() == 600
    assert truth.core.sum() == 1800
    assert not (truth.bridger & truth.core).any()
    partners, label = truth.partners[0][truth.bridger], truth.label[0][truth.bridger]
    assert (np.sort(np.column_stack([label, partners]), axis=1)[:, 1:] > 0).all()
    assert all(len({*p, g}) == 3 for p, g in zip(partners.tolist(), label.tolist(), strict=True))
    for g in range(5):
        counts = np.bincount(partners[label == g].ravel(), minlength=5)
        expected = counts.sum() / 4
        assert (np.abs(np.delete(counts, g) - expected) < 4.5 * np.sqrt(expected)).all()
    middle = [
        naive.place_of_bridger(truth.centres.tolist(), int(g), p, 0.8) for g, p in zip(label, partners, strict=True)
    ]
    away = truth.position[0][truth.bridger] - np.array(middle)
    assert np.abs(away.mean(axis=0)).max() < 4.0 / np.sqrt(600)
    assert away.var() == pytest.approx(1.0, rel=0.2)
    organisations = [(truth.attributes["organisation"][0] == name).mean() for name in world.organisations]
    own = np.bincount(truth.label[0] % 4, minlength=4) / 6000
    assert organisations == pytest.approx(0.9 * np.array([0.4, 0.3, 0.2, 0.1]) + 0.1 * own, abs=0.025)
    service = np.array(world.services)[truth.label[0]]
    assert (truth.attributes["service"][0] == service).mean() == pytest.approx(0.8, abs=0.025)


def test_several_sites_and_relations() -> None:
    world = Scenario(
        n_actors=500, n_sites=2, relations=("a", "b"), overlap=None, mean_degree=(4.0, 7.0), reciprocity=(0.2, 0.5)
    )
    made = simulate_sparse(world, seed=1)
    assert len(made.ties) == 4
    for (site, relation, _), (source, target) in made.ties.items():
        first = 500 * (site == "site 2")
        assert ((source >= first) & (source < first + 500) & (target >= first) & (target < first + 500)).all()
        assert len(source) / 500 == pytest.approx({"a": 4.0, "b": 7.0}[relation], rel=0.15)
    again = simulate_sparse(world, seed=1)
    assert all(np.array_equal(made.ties[key][0], again.ties[key][0]) for key in made.ties)
    assert not np.array_equal(made.ties["site 1", "a", "1"][0][:50], made.ties["site 2", "a", "1"][0][:50] - 500)


# ---- in its parts


def test_thinning_gives_every_dyad_its_distribution() -> None:
    """Of five people in two groups, over 20,000 networks, each dyad's four states; independent ties are the control."""
    rng = np.random.default_rng(3)
    activity, popularity = rng.normal(size=5), rng.normal(size=5)
    table = np.array([[0, -1, 1, 0, 0.5], [-1, 0, 0, 1, 0], [0, 1, 0, -1, 2], [0.3, 0, 0, 0, 1], [0, 0.2, 0.4, 0.6, 0]])
    bound = Bound(
        np.array([0, 1, 0, 1, 1]),
        np.exp(activity),
        np.exp(popularity),
        np.exp(np.array([[2.0, 2.0], [2.0, 2.0]])),
        lambda rows, cols: activity[rows] + popularity[cols] + table[rows, cols],
    )
    candidates = Candidates(bound)
    assert candidates.total == pytest.approx(np.exp(2.0) * np.exp(activity).sum() * np.exp(popularity).sum())
    networks = [thinned_small(bound, 1.5, stream(1, "small", k)) for k in range(3000)]
    intercept, odds_ratio = networks[0][:2]
    ties = np.array([t for *_, t in networks])
    worst = {odds_ratio: 0.0, 1.0: 0.0}
    for i in range(5):
        for j in range(i):
            forth, back = (naive.logistic(intercept + float(bound.score(*map(np.array, p)))) for p in ((i, j), (j, i)))
            state = ties[:, i, j] + 2 * ties[:, j, i]
            for ratio in worst:
                expected = np.array(naive.dyad(forth, back, ratio))
                error = np.sqrt(expected * (1 - expected) / len(ties)) + 1e-9
                found = np.bincount(state, minlength=4) / len(ties)
                worst[ratio] = max(worst[ratio], float((np.abs(found - expected) / error).max()))
    assert worst[odds_ratio] < 4.5
    assert worst[1.0] > 10.0


def thinned_small(bound: Bound, intercept: float, rng: np.random.Generator) -> tuple[float, float, np.ndarray]:
    """Return a network of five people at a given intercept and odds ratio 4, by the parts of the thinning alone."""
    from simlab.generate.thinning import drawn_dyads

    source, target = drawn_dyads(Candidates(bound), intercept, 4.0, rng)
    ties = np.zeros((5, 5), dtype=int)
    ties[source, target] = 1
    return intercept, 4.0, ties


@pytest.mark.parametrize("name", WORLDS)
def test_the_bound_is_above_the_odds(name: str) -> None:
    world = Scenario(**{"n_actors": 400, "mean_degree": 5.0, **WORLDS[name]})
    from simlab.generate.crowd import simulate_founders

    bound = _bound(world, simulate_founders(world, stream(1, "people")))
    rows, cols = np.nonzero(~np.eye(400, dtype=bool))
    rate = Candidates(bound).rate(rows, cols)
    assert (np.exp(bound.score(rows, cols)) <= rate * (1 + 1e-12)).all()


@pytest.mark.parametrize("n_dims", [1, 2, 4])
def test_leaves_hold_everybody_and_their_distances_are_lower_bounds(n_dims: int) -> None:
    position = np.random.default_rng(1).normal(size=(1500, n_dims))
    group, near = leaves(position)
    sizes = np.bincount(group)
    assert len(near) > 8
    assert sizes.min() > 0.8 * sizes.max()
    apart = np.sqrt(((position[:, None] - position[None]) ** 2).sum(axis=2))
    assert (-near[group][:, group] <= apart + 1e-12).all()
    assert (near == near.T).all()
    assert (near.diagonal() == 0.0).all()


def test_candidates_are_drawn_by_their_rates() -> None:
    world = Scenario(n_actors=300, mean_degree=5.0)
    from simlab.generate.crowd import simulate_founders

    candidates = Candidates(_bound(world, simulate_founders(world, stream(1, "people"))))
    rows, cols = candidates.sample(400_000, stream(1, "sample"))
    everybody = np.arange(300)
    rate = candidates.rate(np.repeat(everybody, 300), np.tile(everybody, 300)).reshape(300, 300)
    expected = 400_000 * rate.sum(axis=1) / rate.sum()
    assert (np.abs(np.bincount(rows, minlength=300) - expected) < 5.0 * np.sqrt(expected) + 3).all()
    expected = 400_000 * rate.sum(axis=0) / rate.sum()
    assert (np.abs(np.bincount(cols, minlength=300) - expected) < 5.0 * np.sqrt(expected) + 3).all()
    drawn = sum(len(pair[0]) for pair in candidates.draw(-4.0, stream(1, "draw")))
    assert drawn == pytest.approx(np.exp(-4.0) * rate.sum(), abs=5 * np.sqrt(np.exp(-4.0) * rate.sum()))


# ---- files, and what is refused


def test_sparse_files_are_those_of_a_panel(tmp_path: Path) -> None:
    world = Scenario(n_actors=200, mean_degree=5.0)
    made = simulate_sparse(world, seed=1)
    for folder in ("sparse", "dense"):
        (tmp_path / folder).mkdir()
    write_sparse(made, tmp_path / "sparse")
    write_panel(simulate(world, seed=1).panel, tmp_path / "dense")
    for file in ("actors.csv", "ties.csv"):
        headers = [(tmp_path / folder / file).read_text().splitlines()[0] for folder in ("sparse", "dense")]
        assert headers[0] == headers[1]
    panel = read_panel(tmp_path / "sparse" / "ties.csv", actors=tmp_path / "sparse" / "actors.csv")
    assert np.array_equal(panel.network().ties, matrix(made, 200))
    assert panel.actors == made.truth.actors


def test_the_command_takes_the_sparse_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate_to(None, ["n_actors=6000", "mean_degree=4"], tmp_path / "world", 3)
    printed = capsys.readouterr().out
    assert printed.startswith("6000 actors, 1 network, 2")
    assert "GraphML" not in printed
    assert {path.name for path in (tmp_path / "world").iterdir()} == {
        "actors.csv",
        "ties.csv",
        "scenario.toml",
        "truth.nc",
    }
    simulate_to(str(tmp_path / "world" / "scenario.toml"), [], tmp_path / "again", None)
    assert (tmp_path / "world" / "ties.csv").read_bytes() == (tmp_path / "again" / "ties.csv").read_bytes()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"structure": "projects"}, "structure = projects: must be one of latent, blocks, none in a sparse world"),
        ({"n_periods": 2}, "n_periods = 2: must be 1 in a sparse world"),
        ({"relations": ("a", "b")}, "overlap = 0.4: must be none in a sparse world of several relations"),
        ({"information": 1.0}, "information = 1.0: must be none in a sparse world: give mean_degree"),
        ({"structure": "blocks", "n_clusters": 3000}, "n_clusters = 3000: must be at most 2048 in a sparse world"),
        ({"spread": 30.0, "n_clusters": 200, "reciprocity": 0.1}, "reciprocity = 0.1: must be from "),
        ({"activity": 2.0, "popularity": 2.0, "reciprocity": 0.9}, "reciprocity = 0.9: must be from "),
    ],
    ids=str,
)
def test_what_a_sparse_world_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        simulate_sparse(Scenario(n_actors=6000, **settings), seed=1)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_fieldwork_is_refused_and_so_are_matrices(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^response_rate = 0\.5: must be left out with n_actors above 5000"):
        simulate_to(None, ["n_actors=6000", "response_rate=0.5"], tmp_path / "world", 1)
    assert not (tmp_path / "world").exists()
    truth = simulate_sparse(Scenario(n_actors=50), seed=1).truth
    with pytest.raises(InputError, match="a sparse world has no matrices of pairs"):
        truth.network(*KEY)


def test_a_world_with_more_ties_than_candidates_would_be_dense_still_holds() -> None:
    """Where nearly every tie is there the bound is far above one, and the network is still right."""
    world = Scenario(n_actors=40, mean_degree=30.0, reciprocity=None)
    ties = [simulate_sparse(world, seed=1, replicate=k).n_ties / 40 for k in range(6)]
    assert np.mean(ties) == pytest.approx(30.0, rel=0.03)
    with pytest.raises(InputError, match="reciprocity"):
        thinned_ties(_tiny(), 1.0, 0.0, stream(1, "x"))


def _tiny() -> Bound:
    ones = np.ones(3)
    return Bound(np.zeros(3, dtype=np.int64), ones, ones, np.ones((1, 1)), lambda rows, cols: np.zeros(len(rows)))
