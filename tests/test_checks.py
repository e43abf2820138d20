"""Posterior predictive checks: statistics against networkx, p-values that hold and find what is wrong, the picture."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from conftest import network_of
from PIL import Image
from test_prediction import Given, fit_of

from simlab.cli import call
from simlab.cli.fitting import check_fits
from simlab.fit.checks import NO_PATH, Check, PredictiveChecks, joint_predictive_checks, posterior_predictive_checks
from simlab.fit.network_statistics import Reader, geodesic_distances
from simlab.fit.prediction import draw_networks
from simlab.fit.tie_model import Family
from simlab.foundation.errors import InputError, UnknownNameError
from simlab.panel import DyadState, Network
from simlab.panel_read import panel_from_networkx, panel_from_tables
from simlab.report import checks as checks_module
from simlab.report.checks import MOST_ROWS, describe_checks, directions, plot_checks, title
from simlab.report.style import figure


def world(n: int = 20, *, directed: bool = True, seed: int = 1, density: float = 0.2) -> Network:
    rng = np.random.default_rng(seed)
    ties = rng.random((n, n)) < density
    attributes = {
        "unit": tuple(rng.choice(["a", "b", "c", ""], n)),
        "age": tuple(str(age) for age in range(n)),
        "same": ("x",) * n,
    }
    ties = ties if directed else np.triu(ties, 1) | np.triu(ties, 1).T
    return replace(network_of(ties, directed=directed), attributes=attributes)


def graph_of(network: Network) -> Any:
    return nx.from_numpy_array(network.ties, create_using=nx.DiGraph if network.directed else nx.Graph)


def fitted(network: Network, eta: np.ndarray | float, odds: float = 0.0, family: Family = Family.BERNOULLI) -> Any:
    n = network.n_actors
    fit = fit_of(Given(np.broadcast_to(eta, (1, 1, n, n)), np.array([[odds]]), family), n)
    return replace(fit, actors=network.actors)


def checked(network: Network, eta: np.ndarray | float, seed: int = 1, n: int = 200, **model: Any) -> PredictiveChecks:
    fit = fitted(network, eta, **model)
    return posterior_predictive_checks(fit, network, n=n, rng=np.random.default_rng(seed))


# --- statistics -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("directed", [True, False])
def test_statistics_against_networkx(directed: bool, seed: int) -> None:
    network = world(directed=directed, seed=seed, density=0.12)
    graph, read = graph_of(network), Reader(network, False, None).read(network)
    assert read.numbers["density"] == pytest.approx(nx.density(graph))
    if directed:
        assert read.numbers["reciprocity"] == pytest.approx(nx.overall_reciprocity(graph))
        degrees = {"out-degree": graph.out_degree(), "in-degree": graph.in_degree()}
        paths = [(i, k) for i, j in graph.edges for k in graph.successors(j) if k != i]
        assert read.numbers["transitivity"] == pytest.approx(np.mean([graph.has_edge(*path) for path in paths]))
        edges = list(graph.edges)
        partners = [len(set(graph.successors(i)) & set(graph.predecessors(j))) for i, j in edges]
    else:
        degrees = {"degree": graph.degree()}
        assert read.numbers["transitivity"] == pytest.approx(nx.transitivity(graph))
        partners = [len(list(nx.common_neighbors(graph, i, j))) for i, j in graph.edges for _ in range(2)]
    for name, values in degrees.items():
        counts = [degree for _, degree in values]
        assert read.tables[name][1:].tolist() == np.bincount(counts).tolist()
        assert read.numbers[f"variation of {name}"] == pytest.approx(np.std(counts) / np.mean(counts))
    assert read.tables["shared partners"][1:].tolist() == np.bincount(partners).tolist()
    lengths = dict(nx.all_pairs_shortest_path_length(graph))
    found = [lengths[i].get(j, -1) for i in range(20) for j in range(20) if i != j]
    assert read.tables["geodesic distance"].tolist() == np.bincount(np.array(found) + 1).tolist()
    unit = network.attributes["unit"]
    known = [(i, j) for i, j in graph.edges if unit[i] and unit[j]]
    share = np.mean([unit[i] == unit[j] for i, j in known])
    assert read.numbers["ties within the same unit"] == pytest.approx(share)


@pytest.mark.parametrize("n", [1, 2, 30])
def test_geodesic_distances_of_a_path_and_of_no_ties(n: int) -> None:
    line = np.eye(n, k=1, dtype=bool)
    apart = np.subtract.outer(np.arange(n), np.arange(n))
    assert np.array_equal(geodesic_distances(line), np.where(apart <= 0, -apart, -1))
    assert np.array_equal(geodesic_distances(line & False), np.eye(n, dtype=int) - 1)


def test_statistics_of_what_was_observed_by_hand() -> None:
    """a names b and c, b names a; c did not answer. One of the two ties among those who answered... is each other's."""
    no, tie, silent, _, _, none = DyadState
    state = np.array([[none, tie, tie], [tie, none, no], [silent, silent, none]], dtype=np.int8)
    read = Reader(network := Network(("a", "b", "c"), state), False, None).read(network)
    assert read.numbers["density"] == 3 / 4
    assert read.numbers["reciprocity"] == 1.0
    assert read.numbers["transitivity"] == 0.0  # b to a to c, and no tie from b to c
    assert read.tables["out-degree"].tolist() == [0, 0, 1, 1]  # of a and b
    assert read.tables["in-degree"].tolist() == [0, 0, 3]
    assert read.tables["geodesic distance"].tolist() == [2, 0, 3, 1]


def test_attributes_of_two_to_ten_values_are_checked_unless_they_are_named() -> None:
    network = world()
    assert list(Reader(network, False, None).groups) == ["unit"]
    assert list(Reader(network, False, ["age"]).groups) == ["age"]
    assert list(Reader(network, False, []).groups) == []
    with pytest.raises(UnknownNameError, match=r"no attribute named 'unti'\. Did you mean 'unit'"):
        Reader(network, False, ["unti"])
    with pytest.raises(InputError, match="attributes = same: must have at least two values"):
        Reader(network, False, ["same"])


def test_a_two_mode_network() -> None:
    network = panel_from_networkx(nx.davis_southern_women_graph()).network()
    checks = checked(network, -0.3)
    names = [check.name for check in checks.checks]
    assert "transitivity" not in names
    assert not [name for name in names if "bipartite" in name]
    shared = checks["shared partners"]
    assert shared.unit == "share of pairs of actors"
    graph = nx.davis_southern_women_graph()
    mode = nx.get_node_attributes(graph, "bipartite")
    pairs = [(i, j) for i in graph for j in graph if i != j and mode[i] == mode[j]]
    none = np.mean([not list(nx.common_neighbors(graph, *pair)) for pair in pairs])
    assert shared.observed[shared.bins.index("0")] == pytest.approx(none)


# --- bins, intervals, p -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "density"), [(8, 0.3), (20, 0.05), (20, 0.9), (60, 0.3)])
def test_bins_hold_every_case_once(n: int, density: float) -> None:
    checks = checked(world(n, density=density), np.log(density / (1 - density)), n=60)
    for check in checks.checks:
        if check.bins:
            assert len(set(check.bins)) == len(check.bins) <= 15
            assert check.observed.sum() == pytest.approx(1.0)
            assert np.allclose(check.simulated.sum(axis=1), 1.0)
            assert (check.simulated.mean(axis=0)[[0, -2 if "no path" in check.bins else -1]] > 0).all()


def test_bins_are_named_by_their_values() -> None:
    """Every drawn network is complete: 4 ties an actor, all at distance 1."""
    checks = checked(network_of(np.eye(5, k=1, dtype=bool)), 60.0, n=40)
    assert checks["out-degree"].bins == ("\u2264 3", "\u2265 4")
    assert checks["out-degree"].observed.tolist() == [1.0, 0.0]
    assert checks["geodesic distance"].bins == ("1", "\u2265 2", "no path")
    assert checks["geodesic distance"].observed == pytest.approx([0.2, 0.3, 0.5])
    assert checks["density"].p_value == pytest.approx(2 / 41)
    assert {check.name for check in checks.outside()} >= {
        "density",
        "out-degree",
        "geodesic distance",
        "shared partners",
    }


def numbers(simulated: Any, observed: float) -> Check:
    return Check("density", "share of dyads", (), np.array([observed]), np.array(simulated, dtype=float)[:, None])


@pytest.mark.parametrize("n", [39, 99, 200, 399])
def test_a_number_is_outside_its_interval_where_p_is_up_to_five_per_cent(n: int) -> None:
    values = np.random.default_rng(1).permutation(n) / n
    for observed in (*values, *(values + 0.5 / n), -1.0, 2.0):
        check = numbers(values, observed)
        low, high = check.interval()[:, 0]
        below, above = (values <= observed).sum(), (values >= observed).sum()
        assert check.p_value == pytest.approx(min(1.0, 2 * (1 + min(below, above)) / (n + 1)))
        assert check.outside()[0] == (not low <= observed <= high) == (check.p_value <= 0.05 + 1e-12)


def test_too_few_networks_find_nothing_outside() -> None:
    assert not numbers([0.1, 0.2, 0.3], 9.0).outside().any()


def test_where_a_statistic_is_not_defined_there_is_nothing_to_compare() -> None:
    checks = checked(network_of(np.zeros((8, 8), dtype=bool)), -3.0)
    for name in ("reciprocity", "shared partners", "transitivity", "variation of in-degree"):
        check = checks[name]
        assert not check.defined
        assert np.isnan(check.p_value)
        assert not check.outside().any()
    assert checks["density"].defined
    some = numbers([0.1, np.nan, 0.3] * 50, 0.2)
    assert (some.defined, len(some.known)) == (True, 100)
    nothing = checked(world(8), -np.inf)
    assert not nothing["reciprocity"].defined
    assert np.isnan(nothing["reciprocity"].interval()).all()
    assert nothing["density"].outside().all()


def test_an_unknown_statistic_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"no statistic named 'densty'\. Did you mean 'density'"):
        checked(world(6), 0.0, n=2)["densty"]


def made(rng: np.random.Generator, *, masked: bool) -> tuple[Network, Any]:
    """Return a network from a model with groups, sociality and reciprocity, in part observed, and that model as its fit."""
    n = 24
    label = rng.integers(0, 2, n)
    eta = -2.2 + 1.6 * (label[:, None] == label) + rng.normal(0, 0.7, (n, 1)) + rng.normal(0, 0.7, (1, n))
    blank = replace(network_of(np.zeros((n, n), dtype=bool)), attributes={"group": tuple(map(str, label))})
    if masked:
        hidden = rng.random(n) < 0.3
        blank.state[hidden] = DyadState.NO_ANSWER
        np.fill_diagonal(blank.state, DyadState.IMPOSSIBLE)
    fit = fitted(blank, eta, odds=1.0)
    return draw_networks(fit, blank, n=1, rng=rng, masked=masked)[0], fit


@pytest.mark.parametrize("masked", [False, True])
def test_a_network_that_the_model_made_is_outside_as_rarely_as_said(masked: bool) -> None:
    """100 networks: each statistic is outside in 5 at most, but for chance (13 have a probability of one in a thousand)."""
    rng = np.random.default_rng(7)
    outside: dict[str, int] = {}
    for _ in range(100):
        network, fit = made(rng, masked=masked)
        for check in posterior_predictive_checks(fit, network, n=60, rng=rng).checks:
            far = check.outside()
            outside[check.name] = outside.get(check.name, 0) + bool(far.any())
            low, high = check.band()
            within = ((check.known >= low - 1e-9) & (check.known <= high + 1e-9)).all(axis=1).mean()
            assert within >= 0.93
    assert max(outside.values()) <= 13, outside
    # and not so rarely that nothing could ever be found
    assert sum(outside.values()) >= 0.01 * 100 * len(outside)


def test_a_model_without_what_made_the_network_is_found_out() -> None:
    """The control: without reciprocity, without groups, and with another density."""
    rng = np.random.default_rng(8)
    network, fit = made(rng, masked=False)
    eta = fit.tie_model.eta[0, 0]
    flat = np.log(network.density / (1 - network.density))
    wrong = {
        "reciprocity": checked(network, eta, odds=-2.0),
        "ties within the same group": checked(network, flat),
        "variation of in-degree": checked(network, flat),
        "density": checked(network, eta + 1.5, odds=1.0),
        "out-degree": checked(network, flat + 1.5),
    }
    for name, checks in wrong.items():
        assert checks[name].outside().any(), name
        assert checks[name].p_value <= 0.05


def test_silence_is_not_taken_for_a_network_without_ties() -> None:
    """Compared with networks drawn as fully observed, a third of the actors would seem to have no ties."""
    rng = np.random.default_rng(3)
    network, fit = made(rng, masked=True)
    assert not posterior_predictive_checks(fit, network, rng=rng)["out-degree"].outside().any()
    as_zeros = network.state.copy()
    as_zeros[as_zeros == DyadState.NO_ANSWER] = DyadState.NO_TIE
    silent = replace(network, state=as_zeros)
    assert posterior_predictive_checks(fit, silent, rng=rng)["out-degree"].outside().any()


def test_counts_are_checked_over_dyads() -> None:
    network = world(12, density=0.5)
    counts = np.where(network.ties, 30.0, 0.0)
    check = checked(replace(network, counts=counts), 0.0, family=Family.POISSON)["count"]
    assert (check.unit, check.bins[0]) == ("share of dyads", "0")
    assert check.observed[-1] == pytest.approx(network.density)
    assert check.outside().any()
    assert "count" not in [one.name for one in checked(network, 0.0, n=2).checks]


def test_the_same_stream_gives_the_same_checks() -> None:
    one, same = (checked(world(), -1.0, seed=4, n=20) for _ in range(2))
    for a, b in zip(one.checks, same.checks, strict=True):
        assert np.array_equal(a.simulated, b.simulated, equal_nan=True)


def test_each_relation_of_a_joint_fit_is_checked() -> None:
    networks = [replace(world(10, seed=s), relation=name) for s, name in enumerate("xy")]
    eta = np.stack([np.full((1, 10, 10), -1.4), np.full((1, 10, 10), 3.0)], axis=1)
    fit = fit_of(Given(eta), 10)
    both = joint_predictive_checks(fit, networks, n=50, rng=np.random.default_rng(1))
    assert [bool(one["density"].outside()[0]) for one in both] == [False, True]


def test_a_fit_without_a_model_cannot_be_checked() -> None:
    with pytest.raises(InputError, match="given has no model from which networks could be drawn"):
        posterior_predictive_checks(fit_of(None, 20), world(), rng=np.random.default_rng(1))


# --- words and picture ------------------------------------------------------------------------------------------------


def test_words_for_what_is_inside_and_outside() -> None:
    network, fit = made(np.random.default_rng(4), masked=False)
    every = posterior_predictive_checks(fit, network, rng=np.random.default_rng(1)).checks
    inside = tuple(check for check in every if not check.outside().any())
    assert 7 <= len(inside) <= len(every) == 10
    good = PredictiveChecks("given", 200, inside)
    all_of_them = f"all {len(inside)} statistics"
    assert describe_checks(good) == [
        f"posterior predictive checks, 200 networks drawn: {all_of_them} are inside their 95 % intervals"
    ]
    assert title("formal", good) == f"formal is as the given fit expects in {all_of_them}."
    bad = checked(network, fit.tie_model.eta[0, 0] + 2.0)
    head, *lines = describe_checks(bad, "formal, period 1")
    assert head.startswith("formal, period 1: posterior predictive checks, 200 networks drawn: ")
    assert f"{len(lines)} of 10 statistics outside their 95 % intervals" in head
    assert len(lines) == len(bad.outside())
    density = next(line for line in lines if line.startswith("  density"))
    low, high = bad["density"].interval()[:, 0]
    assert f"observed {network.density:.3f}, networks drawn {low:.3f} to {high:.3f}" in density
    assert density.endswith("(p = 0.01)")
    assert density.startswith("  density, less than expected: observed")
    assert title("", bad).startswith(f"The network is as the given fit expects in {10 - len(lines)} of 10 statistics.")
    assert re.search(r"Less than expected: .*density", title("", bad))


def one_check(
    observed: list[float], name: str = "out-degree", bins: tuple[str, ...] = ("0", "1", "2", NO_PATH)
) -> Check:
    """Return a statistic of networks of which all bins hold about a quarter."""
    drawn = 0.25 + 0.01 * np.random.default_rng(1).normal(size=(99, len(observed)))
    return Check(name, "share of actors", bins, np.array(observed), drawn)


def test_headlines_say_in_which_direction_the_observed_differs() -> None:
    check = one_check([0.5, 0.25, 0.05, 0.2])
    assert directions(check).tolist() == [1, 0, -1, -1]
    checks = PredictiveChecks(
        "given", 99, (check, one_check([0.9], "transitivity", ()), one_check([0.25], "density", ()))
    )
    said = title("advice", checks)
    assert said == (
        "advice is as the given fit expects in 1 of 3 statistics. More than expected: actors with out-degree 0 and"
        " transitivity. Less than expected: actors with out-degree 2 or without a path."
    )
    lines = describe_checks(checks)
    assert any("transitivity, more than expected: observed 0.900" in line for line in lines)
    many = title("", PredictiveChecks("given", 99, tuple(one_check([0.9], f"s{k}", ()) for k in range(9))))
    assert many.endswith("More than expected: s0, s1, s2, s3, s4 and 4 others.")
    six = title("", PredictiveChecks("given", 99, tuple(one_check([0.9], f"s{k}", ()) for k in range(6))))
    assert six.endswith("More than expected: s0, s1, s2, s3, s4 and s5.")


def test_bins_are_labelled_without_collisions_and_the_legend_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    monkeypatch.setattr(checks_module, "figure", lambda *size: made.append(figure(*size)) or made[-1])
    wide = one_check(
        [0.25] * 12, bins=("\N{LESS-THAN OR EQUAL TO} 4", *map(str, range(5, 15)), "\N{GREATER-THAN OR EQUAL TO} 15")
    )
    far = one_check([0.25] * 6, "geodesic distance", ("1", "2", "3", "4", "\N{GREATER-THAN OR EQUAL TO} 7", NO_PATH))
    several = replace(one_check([0.5, 0.25, 0.05, 0.2]), name="in-degree")
    plot_checks(
        tmp_path / "x.png", PredictiveChecks("given", 99, (wide, far, several, one_check([0.9], "density", ())))
    )
    (picture,) = made
    picture.draw_without_rendering()
    axes = [a for part in picture.subfigs for strip in part.subfigs for a in strip.axes]
    for each in axes:
        ticks = [t for t in each.get_xticklabels() if t.get_text()]
        boxes = [t.get_window_extent() for t in ticks]
        if all(t.get_rotation() == 0 for t in ticks):
            assert all(one.x1 + 2 < other.x0 for one, other in pairwise(boxes)), each.get_title(loc="left")
    titles = [each.get_title(loc="left") for each in axes]
    assert titles[:3] == ["Out-degree", "Geodesic distance", "In-degree: more 0; less 2, no path"]
    assert axes[0].get_xticklabels()[0].get_rotation() == 45
    legend = picture.legends[0].get_window_extent()
    assert legend.y0 > max(each.get_window_extent().y1 for each in axes)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_picture_in_every_format_and_twice_the_same(suffix: str, tmp_path: Path) -> None:
    checks = checked(world(), -1.4, n=40)
    files = [tmp_path / f"{name}.{suffix}" for name in ("one", "two")]
    for file in files:
        plot_checks(file, checks)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert len(files[0].read_bytes()) > 10_000


def test_pictures_of_several_and_of_odd_networks(tmp_path: Path) -> None:
    """Undirected, counts, nothing defined, more attributes than rows, names that look like mathematics."""
    many = world(10, directed=False)
    many = replace(
        many, attributes={f"$x_{k} & <b>": tuple("ab" * 5) for k in range(MOST_ROWS + 4)}, relation="_$a_{b$"
    )
    counted = world(10)
    counted = replace(counted, counts=np.where(counted.ties, 3.0, 0.0), period="2")
    items = [
        (many, checked(many, -1.0, n=40)),
        (counted, checked(counted, 0.5, n=40, family=Family.POISSON)),
        (empty := network_of(np.zeros((5, 5), dtype=bool)), checked(empty, -np.inf, n=40)),
    ]
    plot_checks(tmp_path / "one.png", items[:1])
    plot_checks(tmp_path / "all.png", items)
    with Image.open(tmp_path / "one.png") as one, Image.open(tmp_path / "all.png") as every:
        assert one.width == every.width
        assert 2.5 * one.height < every.height < 3.0 * one.height


def test_pictures_that_cannot_be_drawn_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must end in one of"):
        plot_checks(tmp_path / "one.txt", checked(world(6), 0.0, n=2))
    with pytest.raises(InputError, match="there is no fit to check"):
        plot_checks(tmp_path / "one.png", [])


# --- the command ------------------------------------------------------------------------------------------------------


def ties_file(folder: Path, *relations: str) -> Path:
    """Write ties of 16 people in two groups, in each of the relations, and return the file."""
    rng, group = np.random.default_rng(5), np.arange(16) % 2
    with open(folder / "t.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["source", "target", "relation"])
        for relation in relations:
            ties = rng.random((16, 16)) < np.where(group[:, None] == group, 0.6, 0.1)
            writer.writerows([f"p{i:02d}", f"p{j:02d}", relation] for i, j in np.argwhere(ties) if i != j)
    return folder / "t.csv"


def test_the_command_draws_and_says_what_is_outside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, picture = ties_file(tmp_path, "advice", "trust"), tmp_path / "check.png"
    assert call(["fit", str(file), "--fitter", "sbm", "--clusters", "2", "--check", str(picture)]) == 0
    said = capsys.readouterr().out
    assert picture.stat().st_size > 10_000
    assert said.count("posterior predictive checks, 200 networks drawn") == 2
    assert "\nadvice: posterior predictive" in said
    assert "\ntrust: posterior predictive" in said
    assert said.endswith(f"written  {picture}\n")


@pytest.mark.parametrize(
    ("fitter", "picture", "message"),
    [
        ("louvain", "c.png", "louvain has no model from which networks could be drawn"),
        ("sbm", "c.txt", "must end in"),
        ("sbm", "nofolder/c.png", "nofolder"),
    ],
)
def test_the_command_refuses_in_one_line(
    fitter: str, picture: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = ties_file(tmp_path, "advice")
    (tmp_path / "nofolder").write_text("a file")
    assert call(["fit", str(file), "--fitter", fitter, "--check", str(tmp_path / picture)]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / picture).exists()


def test_relations_fitted_jointly_are_checked_one_by_one() -> None:
    import pandas as pd

    ties = pd.DataFrame([("a", "b", "x"), ("b", "c", "x"), ("c", "a", "y")], columns=["source", "target", "relation"])
    panel = panel_from_tables(ties)
    fit = replace(fit_of(Given(np.zeros((1, 2, 3, 3))), 3), actors=("a", "b", "c"))
    union = replace(panel.network(relation="x"), relation="x + y")
    result = check_fits(panel, [(union, fit)], 1, joint=True)
    assert [network.relation for network, _ in result] == ["x", "y"]
    assert [checks["density"].observed[0] for _, checks in result] == pytest.approx([2 / 6, 1 / 6])


def test_a_network_that_cannot_be_checked_does_not_lose_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import pandas as pd

    ties = pd.DataFrame([("a", "b", "x"), ("b", "c", "x"), ("c", "a", "y")], columns=["source", "target", "relation"])
    panel = panel_from_tables(ties)
    fit = replace(fit_of(Given(np.zeros((1, 1, 3, 3))), 3), actors=("a", "b", "c"))
    broken = replace(fit, tie_model=None)
    networks = list(panel.networks())
    result = check_fits(panel, list(zip(networks, (broken, fit), strict=True)), 1, joint=False)
    assert [network.relation for network, _ in result] == ["y"]
    assert capsys.readouterr().out.startswith("not checked: x: ")
    with pytest.raises(InputError):
        check_fits(panel, [(network, broken) for network in networks], 1, joint=False)
