"""Reading panels: reference data, networks of networkx in every format, what is mended and what is refused."""

from __future__ import annotations

import csv
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from simlab.fieldwork.observe import Fieldwork, observe
from simlab.foundation.errors import InputError, UnknownNameError
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.models.covariates import covariate_matrix
from simlab.panel import DyadState, Network, Panel
from simlab.panel_build import MendedWarning
from simlab.panel_read import panel_from_networkx, panel_from_tables, read_panel
from simlab.panel_write import write_graphml, write_panel

NO, TIE, SILENT, AWAY, ABSENT, NONE = DyadState
SMALL = Scenario(n_actors=14, reciprocity=None)


def wrote(path: Path, text: str | bytes) -> Path:
    """Return a file with this content."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def assert_same(one: Panel, other: Panel) -> None:
    """Assert that two panels hold the same networks of the same people."""
    assert (one.actors, one.site_of, one.periods) == (other.actors, other.site_of, other.periods)
    assert dict(zip(one.relations, one.directed, strict=True)) == dict(
        zip(other.relations, other.directed, strict=True)
    )
    for flag in ("present", "asked", "answered"):
        assert np.array_equal(getattr(one, flag), getattr(other, flag)), flag
    assert set(one.attributes) == set(other.attributes)
    for name, values in one.attributes.items():
        assert np.array_equal(values[one.present], other.attributes[name][one.present]), name
    assert set(one.states) == set(other.states)
    for key, state in one.states.items():
        assert np.array_equal(state, other.states[key]), key
    assert set(one.counts) == set(other.counts)
    for key, counts in one.counts.items():
        assert np.array_equal(counts, other.counts[key]), key


# --- reference data ---------------------------------------------------------------------------------------------------


def test_sampson(data_folder: Path) -> None:
    panel = read_panel(data_folder / "sampson_ties.csv", actors=data_folder / "sampson_actors.csv")
    network = panel.network()
    assert (network.n_actors, network.n_ties, network.directed) == (18, 88, True)
    assert panel.actors == tuple(sorted(panel.actors))
    groups = dict(zip(network.actors, network.attributes["group"], strict=True))
    assert sorted(groups.values()).count("Turks") == 7
    i, j = network.actors.index("John Bosco"), network.actors.index("Gregory")
    assert network.state[i, j] == TIE


def test_managers(data_folder: Path) -> None:
    panel = read_panel(data_folder / "managers_ties.csv", actors=data_folder / "managers_actors.csv")
    assert panel.relations == ("advice", "friendship")
    assert [network.n_ties for network in panel.networks()] == [190, 102]
    assert all(network.directed and network.n_actors == 21 for network in panel.networks())
    assert list(panel.attributes) == ["age", "tenure", "level", "department"]
    assert panel.network(relation="advice").attributes["tenure"][0] == "9.333"


def test_tailors(data_folder: Path) -> None:
    panel = read_panel(data_folder / "tailors_ties.csv", undirected_relations=["sociational"])
    assert (panel.relations, panel.periods, panel.directed) == (
        ("instrumental", "sociational"),
        ("1", "2"),
        (True, False),
    )
    counts = {(n.relation, n.period): n.n_ties for n in panel.networks()}
    assert counts == {
        ("sociational", "1"): 158,
        ("sociational", "2"): 223,
        ("instrumental", "1"): 109,
        ("instrumental", "2"): 147,
    }
    assert len(panel.actors) == 39
    for network in panel.networks():
        assert network.directed or np.array_equal(network.state, network.state.T)


# --- networkx ---------------------------------------------------------------------------------------------------------


def test_karate() -> None:
    graph = nx.karate_club_graph()
    network = panel_from_networkx(graph).network()
    assert (network.n_actors, network.n_ties, network.directed) == (34, 78, False)
    expected = nx.to_numpy_array(graph, nodelist=[int(a) for a in network.actors]) > 0
    assert np.array_equal(network.ties, expected)
    clubs = [graph.nodes[int(a)]["club"] for a in network.actors]
    assert network.attributes["club"] == tuple(clubs)


def test_davis_dyads_within_a_mode_are_impossible() -> None:
    graph = nx.davis_southern_women_graph()
    network = panel_from_networkx(graph).network()
    assert (network.n_actors, network.n_ties) == (18 + 14, 89)
    women = np.array([graph.nodes[a]["bipartite"] == 0 for a in network.actors])
    same = women[:, None] == women[None]
    assert (network.state[same] == NONE).all()
    assert (network.state[~same] <= TIE).all()
    assert network.density == pytest.approx(89 / (18 * 14))


def test_florentine_families_and_an_isolate() -> None:
    graph = nx.florentine_families_graph()
    graph.add_node("Pucci")
    network = panel_from_networkx(graph).network()
    assert (network.n_actors, network.n_ties) == (16, 20)
    assert not network.ties[network.actors.index("Pucci")].any()
    assert not network.unknown().any()


WRITERS: dict[str, Callable[[Any, str], None]] = {
    "graphml": nx.write_graphml,
    "gml": nx.write_gml,
    "net": nx.write_pajek,
    "gexf": nx.write_gexf,
}


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("directed", [True, False])
def test_les_miserables_through_every_format(suffix: str, directed: bool, tmp_path: Path) -> None:
    graph = nx.Graph(nx.les_miserables_graph())
    graph.add_node("Hugo")
    if directed:
        graph = nx.DiGraph([(a, b, d) for a, b, d in graph.edges(data=True)])
        graph.add_node("Hugo")
    file = tmp_path / f"miserables.{suffix}"
    WRITERS[suffix](graph, str(file))
    network = read_panel(file).network()
    assert (network.n_actors, network.n_ties, network.directed) == (78, 254, directed)
    assert network.actors == tuple(sorted(graph))
    expected = nx.to_numpy_array(graph, nodelist=network.actors) > 0
    assert np.array_equal(network.ties, expected)
    assert (network.state[~np.eye(78, dtype=bool)] <= TIE).all()


@pytest.mark.parametrize("suffix", ["graphml", "gml", "gexf"])
def test_a_two_mode_network_keeps_its_modes_through_a_file(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"davis.{suffix}"
    graph = nx.davis_southern_women_graph()
    graph.graph.clear()
    WRITERS[suffix](graph, str(file))
    assert np.array_equal(read_panel(file).network().state, panel_from_networkx(graph).network().state)


def test_edges_of_a_graph_may_tell_relation_and_period() -> None:
    graph = nx.MultiDiGraph()
    graph.add_edge("a", "b", relation="advice", period=1)
    graph.add_edge("a", "b", relation="friendship", period=1)
    graph.add_edge("b", "a", relation="advice", period=2)
    panel = panel_from_networkx(graph)
    assert panel.periods == ("1", "2")
    assert set(panel.relations) == {"advice", "friendship"}
    assert [n.n_ties for n in (panel.network(relation="advice", period=t) for t in (1, 2))] == [1, 1]


def test_two_nodes_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="two actors are called '1'"):
        panel_from_networkx(nx.Graph([(1, "1")]))


# --- pandas -----------------------------------------------------------------------------------------------------------


def test_tables_of_pandas() -> None:
    ties = pd.DataFrame({"source": ["a", "b"], "target": ["b", "c"], "weight": [2.5, 0.0]})
    actors = pd.DataFrame({"actor": ["d", "c", "b", "a"], "age": [4, 3, 2, 1]})
    network = panel_from_tables(ties, actors).network()
    assert network.actors == ("a", "b", "c", "d")
    assert network.attributes["age"] == ("1", "2", "3", "4")
    assert np.argwhere(network.ties).tolist() == [[0, 1]]
    assert panel_from_tables(ties, actors, undirected=True).network().n_ties == 1


def test_tables_with_missing_weights_are_refused() -> None:
    with pytest.raises(InputError, match="line 3: weight"):
        panel_from_tables(pd.DataFrame({"source": ["a", "b"], "target": ["b", "c"], "weight": [1.0, np.nan]}))


# --- edge lists -------------------------------------------------------------------------------------------------------


def test_weights_above_zero_are_ties_and_zero_is_none(tmp_path: Path) -> None:
    network = read_panel(wrote(tmp_path / "t.csv", "source,target,weight\na,b,0.5\nb,c,0\nc,a,7\n")).network()
    assert network.n_ties == 2
    assert network.state[1, 2] == NO


@pytest.mark.parametrize(
    "text", ["\ufeffSource , TARGET\n\n a , b \n\n", "source\ttarget\na\tb\n", 'source,target\r\n"a","b"']
)
def test_headers_blank_lines_quotes_and_tabs(text: str, tmp_path: Path) -> None:
    network = read_panel(wrote(tmp_path / ("t.tsv" if "\t" in text else "t.csv"), text)).network()
    assert (network.actors, network.n_ties) == (("a", "b"), 1)


def test_isolates_of_the_list_of_actors_are_kept(tmp_path: Path) -> None:
    ties = wrote(tmp_path / "t.csv", "source,target\na,b\n")
    network = read_panel(ties, actors=wrote(tmp_path / "a.csv", "actor,age\nc,\nb,30\na,40\n")).network()
    assert network.actors == ("a", "b", "c")
    assert network.attributes["age"] == ("40", "30", "")
    assert (network.state[2, :2] == NO).all()


@pytest.mark.parametrize(
    ("text", "undirected", "said", "left"),
    [
        ("a,b\na,a\n", False, ["1 tie of an actor with itself dropped"], 1),
        ("a,b\na,b\na,b\n", False, ["2 duplicate ties dropped"], 1),
        ("a,b\nb,a\n", False, [], 2),
        ("a,b\nb,a\n", True, ["1 duplicate tie dropped"], 1),
        ("a,b\nb,b\na,a\na,b\n", False, ["2 ties of an actor with itself dropped", "1 duplicate tie dropped"], 1),
    ],
)
def test_loops_and_duplicates_are_dropped_with_a_warning(
    text: str, undirected: bool, said: list[str], left: int, tmp_path: Path
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        panel = read_panel(wrote(tmp_path / "t.csv", "source,target\n" + text), undirected=undirected)
    assert [str(w.message) for w in caught] == said
    assert all(w.category is MendedWarning for w in caught)
    assert panel.network().n_ties == left


def test_the_same_tie_in_another_relation_or_period_is_no_duplicate(tmp_path: Path) -> None:
    text = "source,target,relation,period\na,b,x,1\na,b,y,1\na,b,x,2\na,b,y,2\n"
    assert [n.n_ties for n in read_panel(wrote(tmp_path / "t.csv", text)).networks()] == [1] * 4


def test_periods_that_are_numbers_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    text = "source,target,period\n" + "".join(f"a,b,{p}\n" for p in (10, 9, 2, 100))
    assert read_panel(wrote(tmp_path / "t.csv", text)).periods == ("2", "9", "10", "100")
    words = "source,target,period\na,b,spring\na,b,autumn\n"
    assert read_panel(wrote(tmp_path / "w.csv", words)).periods == ("autumn", "spring")


def test_sites_are_networks_of_their_own(tmp_path: Path) -> None:
    panel = read_panel(wrote(tmp_path / "t.csv", "source,target,site\na,b,south\nc,d,north\nd,e,north\n"))
    assert panel.sites == ("north", "south")
    assert [(n.actors, n.n_ties) for n in panel.networks()] == [(("c", "d", "e"), 2), (("a", "b"), 1)]


# --- counts -----------------------------------------------------------------------------------------------------------


def counts_of(network: Network) -> dict[str, float]:
    """Return the counts of a network's ties, by the names of their ends."""
    assert network.counts is not None
    assert np.array_equal(network.counts > 0, network.ties)
    return {f"{network.actors[i]}{network.actors[j]}": network.counts[i, j] for i, j in np.argwhere(network.counts)}


def test_weights_become_counts(tmp_path: Path) -> None:
    file = wrote(tmp_path / "t.csv", "source,target,weight\na,b,2\nb,c,0\nc,a,7.5\nb,a,1\n")
    assert counts_of(read_panel(file).network()) == {"ab": 2.0, "ca": 7.5, "ba": 1.0}


@pytest.mark.parametrize("text", ["a,b,1\nb,c,1\n", "a,b,1\nb,c,0\n"])
def test_where_every_tie_counts_once_there_are_no_counts(text: str, tmp_path: Path) -> None:
    panel = read_panel(wrote(tmp_path / "t.csv", f"source,target,weight\n{text}"))
    assert not panel.counts
    assert panel.network().counts is None


def test_a_loop_alone_gives_no_counts(tmp_path: Path) -> None:
    with pytest.warns(MendedWarning):
        assert not read_panel(wrote(tmp_path / "t.csv", "source,target,weight\na,b,1\na,a,5\n")).counts


def test_each_network_has_its_own_counts(tmp_path: Path) -> None:
    text = "source,target,relation,period,weight\na,b,x,1,1\na,b,y,1,3\nb,a,x,2,4\nb,a,y,2,1\n"
    panel = read_panel(wrote(tmp_path / "t.csv", text))
    assert set(panel.counts) == {("", "y", "1"), ("", "x", "2")}
    assert counts_of(panel.network(relation="y", period=1)) == {"ab": 3.0}


@pytest.mark.parametrize("rows", [["a,b,2", "b,a,5", "b,c,1"], ["b,a,5", "b,c,1", "a,b,2"]])
def test_of_duplicate_ties_the_heaviest_counts_whatever_the_order(rows: list[str], tmp_path: Path) -> None:
    file = wrote(tmp_path / "t.csv", "\n".join(["source,target,weight", *rows]))
    with pytest.warns(MendedWarning, match="1 duplicate tie dropped"):
        network = read_panel(file, undirected=True).network()
    assert counts_of(network) == {"ab": 5.0, "ba": 5.0, "bc": 1.0, "cb": 1.0}


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("suffix", WRITERS)
def test_weights_of_graphs_become_counts(suffix: str, directed: bool, tmp_path: Path) -> None:
    graph = nx.les_miserables_graph()
    graph = nx.DiGraph([(a, b, d) for a, b, d in graph.edges(data=True)]) if directed else nx.Graph(graph)
    WRITERS[suffix](graph, str(tmp_path / f"t.{suffix}"))
    for network in (read_panel(tmp_path / f"t.{suffix}").network(), panel_from_networkx(graph).network()):
        assert network.counts is not None
        assert np.array_equal(network.counts, nx.to_numpy_array(graph, nodelist=network.actors))


def weighted(directed: bool) -> Panel:
    """Return a panel of two relations, of which one has counts, and not everybody answered."""
    rng = np.random.default_rng(4)
    names = [f"a{i}" for i in range(9)]
    rows = [(s, t, r) for s in names for t in names for r in "xy" if (s != t if directed else s < t)]
    chosen = [row for row in rows if rng.random() < 0.4 and row[0] != "a3"]
    ties = pd.DataFrame(chosen, columns=["source", "target", "relation"])
    ties["weight"] = np.where(ties["relation"] == "x", rng.integers(1, 6, len(ties)), 1)
    actors = pd.DataFrame({"actor": names, "answered": [name != "a3" for name in names]})
    return panel_from_tables(ties, actors if directed else None, undirected=not directed)


@pytest.mark.parametrize("directed", [True, False])
def test_counts_are_written_and_read_again(directed: bool, tmp_path: Path) -> None:
    panel = weighted(directed)
    assert set(panel.counts) == {("", "x", "")}
    files = write_panel(panel, tmp_path)
    again = read_panel(tmp_path / "ties.csv", actors=tmp_path / "actors.csv", undirected=not directed)
    assert_same(panel, again)
    for network, file in zip(panel.networks(), files[2:], strict=True):
        assert np.array_equal(read_panel(file).network().tie_counts(), network.tie_counts())


def test_without_counts_no_weights_are_written(tmp_path: Path) -> None:
    write_panel(read_panel(wrote(tmp_path / "t.csv", "source,target,weight\na,b,1\n")), tmp_path)
    assert (tmp_path / "ties.csv").read_text().splitlines() == ["source,target", "a,b"]


@pytest.mark.parametrize("directed", [True, False])
def test_fieldwork_hides_the_counts_of_what_it_does_not_see(directed: bool) -> None:
    panel = weighted(directed)
    seen = observe(panel, Fieldwork(response_rate=0.5, max_nominations=2), seed=3)
    before, after = panel.counts["", "x", ""], seen.counts["", "x", ""]
    ties = seen.states["", "x", ""] == TIE
    assert ties.sum() < (before > 0).sum()
    assert np.array_equal(after, np.where(ties, before, 0.0))
    network = seen.network(relation="x")
    assert np.array_equal(network.tie_counts() > 0, network.ties)
    assert directed or np.array_equal(network.tie_counts(), network.tie_counts().T)


# --- order ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_changes_nothing(seed: int, tmp_path: Path) -> None:
    panel, _ = simulate(WORLDS["sites, relations, periods"], seed=seed)
    write_panel(observe(panel, Fieldwork(response_rate=0.7, absence=0.1), seed=seed), tmp_path)
    before = read_panel(tmp_path / "ties.csv", actors=tmp_path / "actors.csv")
    for name in ("ties.csv", "actors.csv"):
        head, *rows = (tmp_path / name).read_text().splitlines()
        random.Random(seed).shuffle(rows)
        (tmp_path / name).write_text("\n".join([head, *rows]) + "\n")
    after = read_panel(tmp_path / "ties.csv", actors=tmp_path / "actors.csv")
    assert_same(before, after)
    assert after.sites == before.sites


def test_the_order_of_rows_does_not_decide_the_order_of_relations(tmp_path: Path) -> None:
    """Relations that are fitted jointly are summed in their order, and so the order must not be that of a file."""
    one = read_panel(wrote(tmp_path / "one.csv", "source,target,relation\na,b,x\nb,c,y\n"))
    other = read_panel(wrote(tmp_path / "other.csv", "source,target,relation\nb,c,y\na,b,x\n"))
    assert one.relations == other.relations


@pytest.mark.parametrize("rows", [["a,b,0", "a,b,2", "b,c,1"], ["a,b,2", "a,b,0", "b,c,1"]])
def test_of_a_duplicate_tie_the_order_does_not_decide_whether_it_counts(rows: list[str], tmp_path: Path) -> None:
    file = wrote(tmp_path / "t.csv", "\n".join(["source,target,weight", *rows]))
    with pytest.warns(MendedWarning, match="1 duplicate tie dropped"):
        assert read_panel(file).network().n_ties == 2


# --- who was there, was asked, answered -------------------------------------------------------------------------------

FLAGS = "actor,present,asked,answered\na,true,true,true\nb,yes,1,no\nc,y,false,false\nd,0,0,0\n"


def test_present_asked_and_answered_become_states(tmp_path: Path) -> None:
    """a told everything, b did not answer, c was not asked, d was not there."""
    ties = wrote(tmp_path / "t.csv", "source,target\na,b\n")
    panel = read_panel(ties, actors=wrote(tmp_path / "a.csv", FLAGS))
    assert panel.states["", "", ""].tolist() == [
        [NONE, TIE, NO, ABSENT],
        [SILENT, NONE, SILENT, ABSENT],
        [AWAY, AWAY, NONE, ABSENT],
        [ABSENT, ABSENT, ABSENT, NONE],
    ]
    network = panel.network()
    assert network.actors == ("a", "b", "c")
    assert network.observed.sum() == 2
    assert panel.present.tolist() == [[True, True, True, False]]


def test_of_an_undirected_dyad_one_answer_is_enough(tmp_path: Path) -> None:
    ties = wrote(tmp_path / "t.csv", "source,target\nb,a\n")
    panel = read_panel(ties, actors=wrote(tmp_path / "a.csv", FLAGS), undirected=True)
    state = panel.network().state
    assert np.array_equal(state, state.T)
    assert state[0].tolist() == [NONE, TIE, NO]
    assert state[1, 2] in (SILENT, AWAY)


def test_rows_by_period_say_who_was_there(tmp_path: Path) -> None:
    """An actor without a row for a period was not there; what is said of one period holds for that period alone."""
    ties = wrote(tmp_path / "t.csv", "source,target,period\na,b,1\na,c,2\n")
    rows = "actor,period,age,answered\na,1,40,true\na,2,41,true\nb,1,30,true\nb,2,31,false\nc,2,50,true\n"
    panel = read_panel(ties, actors=wrote(tmp_path / "a.csv", rows))
    first, second = panel.network(period=1), panel.network(period=2)
    assert (first.actors, second.actors) == (("a", "b"), ("a", "b", "c"))
    assert first.attributes["age"] == ("40", "30")
    assert second.attributes["age"] == ("41", "31", "50")
    assert first.state[1, 0] == NO
    assert second.state[1].tolist() == [SILENT, NONE, SILENT]


def test_a_period_in_which_nobody_named_anybody_is_kept(tmp_path: Path) -> None:
    ties = wrote(tmp_path / "t.csv", "source,target,period\na,b,1\n")
    panel = read_panel(ties, actors=wrote(tmp_path / "a.csv", "actor,period\na,1\nb,1\na,2\nb,2\n"))
    assert panel.periods == ("1", "2")
    assert panel.network(period=2).n_ties == 0


# --- round trips ------------------------------------------------------------------------------------------------------

WORLDS = {
    "one network": SMALL,
    "periods": SMALL.but(n_periods=3),
    "sites, relations, periods": SMALL.but(n_sites=2, relations=("formal", "informal"), n_periods=2),
}
FIELDWORKS = {
    "complete": Fieldwork(),
    "five names": Fieldwork(max_nominations=5),
    "silence and absence": Fieldwork(response_rate=0.6, absence=0.2),
}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("field", FIELDWORKS)
def test_what_is_written_is_read_again(world: str, field: str, tmp_path: Path) -> None:
    panel = observe(simulate(WORLDS[world], seed=3).panel, FIELDWORKS[field], seed=3)
    files = write_panel(panel, tmp_path)
    assert files[:2] == [tmp_path / "actors.csv", tmp_path / "ties.csv"]
    assert len(files) == 2 + len(panel.keys)
    assert_same(panel, read_panel(tmp_path / "ties.csv", actors=tmp_path / "actors.csv"))
    for network, file in zip(panel.networks(), files[2:], strict=True):
        again = read_panel(file).network()
        assert (again.actors, again.attributes) == (network.actors, network.attributes)
        assert np.array_equal(again.ties, network.ties)


def test_a_panel_without_site_relation_and_period_is_written_and_read_again(tmp_path: Path) -> None:
    panel = read_panel(wrote(tmp_path / "t.csv", "source,target\na,b\nb,c\nc,a\n"))
    write_panel(panel, tmp_path)
    assert_same(panel, read_panel(tmp_path / "ties.csv", actors=tmp_path / "actors.csv"))


def test_the_tailors_are_written_and_read_again(data_folder: Path, tmp_path: Path) -> None:
    panel = read_panel(data_folder / "tailors_ties.csv", undirected_relations=["sociational"])
    write_panel(panel, tmp_path)
    with open(tmp_path / "ties.csv", newline="") as file:
        assert len(list(csv.reader(file))) == 1 + 158 + 223 + 109 + 147
    again = read_panel(tmp_path / "ties.csv", actors=tmp_path / "actors.csv", undirected_relations=["sociational"])
    assert_same(panel, again)


@pytest.mark.parametrize("name", ["a,b", 'say "a"', "Zoë", "=1+1", "a\u2028b"])
def test_names_that_look_odd_are_written_and_read_again(name: str, tmp_path: Path) -> None:
    panel, _ = simulate(SMALL.but(relations=(name,), organisations=(name, "other")), seed=1)
    write_panel(panel, tmp_path)
    assert_same(panel, read_panel(tmp_path / "ties.csv", actors=tmp_path / "actors.csv"))


def test_graphml_keeps_direction_and_attributes(tmp_path: Path) -> None:
    network = panel_from_networkx(nx.karate_club_graph()).network()
    write_graphml(network, tmp_path / "karate.graphml")
    again = read_panel(tmp_path / "karate.graphml").network()
    assert not again.directed
    assert again.attributes == network.attributes
    assert np.array_equal(again.state, network.state)


# --- bad input --------------------------------------------------------------------------------------------------------

NOISE = np.random.default_rng(1).bytes(3000)
BAD_TIES: dict[str, tuple[str, str | bytes, str]] = {
    "empty": ("t.csv", "", "t.csv: the file is empty"),
    "blank lines": ("t.csv", "\n\n,,\n", "t.csv: the file is empty"),
    "header only": ("t.csv", "source,target\n", "t.csv: no ties and no actors"),
    "columns": ("t.csv", "x,y\n1,2\n", "t.csv: no column 'source' among x, y"),
    "a column is misspelt": ("t.csv", "sorce,target\n1,2\n", "Did you mean 'sorce'"),
    "a column twice": ("t.csv", "source,target,source\na,b,c\n", "names a column twice"),
    "fields": ("t.csv", "source,target\na,b\na,b,c\n", "t.csv, line 3: 3 values for 2 columns"),
    "a field too few": ("t.csv", "source,target,weight\na,b\n", "t.csv, line 2: 2 values for 3 columns"),
    "no source": ("t.csv", "source,target\na,b\n,b\n", "t.csv, line 3: the source is empty"),
    "no target": ("t.csv", "source,target\na,\n", "t.csv, line 2: the target is empty"),
    "no period": ("t.csv", "source,target,period\na,b,1\na,c,\n", "t.csv, line 3: the period is empty"),
    "no relation": ("t.csv", "source,target,relation\na,b,\n", "t.csv, line 2: the relation is empty"),
    "no site": ("t.csv", "source,target,site\na,b,\n", "t.csv, line 2: the site is empty"),
    "weight below 0": ("t.csv", "source,target,weight\na,b,1\na,c,-1\n", "t.csv, line 3: weight = -1: must be finite"),
    "weight nan": ("t.csv", "source,target,weight\na,b,NaN\n", "t.csv, line 2: weight = NaN: must be finite"),
    "weight inf": ("t.csv", "source,target,weight\na,b,inf\n", "t.csv, line 2: weight = inf: must be finite"),
    "weight a word": ("t.csv", "source,target,weight\na,b,many\n", "t.csv, line 2: weight = many: must be a number"),
    "no UTF-8": ("t.csv", b"source,target\na,\xe9\n", "t.csv: not a text file in UTF-8"),
    "noise": ("t.csv", NOISE, "t.csv: not a text file"),
    "nulls": ("t.csv", b"source,target\na,\0\n", "t.csv: not a text file"),
    "an open quote": ("t.csv", 'source,target\n"a,b\n', "not valid CSV"),
    "sites": ("t.csv", "source,target,site\na,b,x\nb,c,y\n", "line 3: the actor 'b' is in the sites 'x' and 'y'"),
    "torn graphml": ("t.graphml", "<graphml><graph>", "t.graphml: cannot be read as graphml"),
    "empty graphml": ("t.graphml", "", "t.graphml: cannot be read as graphml"),
    "noise as graphml": ("t.graphml", NOISE, "t.graphml: cannot be read as graphml"),
    "noise as gml": ("t.gml", NOISE, "t.gml: cannot be read as gml"),
    "noise as pajek": ("t.net", NOISE, "t.net: cannot be read as net"),
    "noise as gexf": ("t.gexf", NOISE, "t.gexf: cannot be read as gexf"),
    "suffix": ("t.xlsx", "", "t.xlsx: no known format by that ending"),
    "no suffix": ("t", "", "no known format by that ending"),
}


def refused(text: str, *arguments: Any, **options: Any) -> None:
    """Assert that reading is refused in one line that has this text."""
    with pytest.raises(InputError) as error:
        read_panel(*arguments, **options)
    assert text in str(error.value)
    assert str(error.value).strip() == str(error.value)
    assert "\n" not in str(error.value)
    assert "\0" not in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("case", BAD_TIES)
def test_ties_that_cannot_be_read_are_refused_in_one_line(case: str, tmp_path: Path) -> None:
    name, content, text = BAD_TIES[case]
    refused(text, wrote(tmp_path / name, content))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    refused("nothere.csv: no such file", tmp_path / "nothere.csv")
    refused("is a folder", tmp_path)
    ties = wrote(tmp_path / "t.csv", "source,target\na,b\n")
    refused("nothere.csv: no such file", ties, actors=tmp_path / "nothere.csv")
    refused("is a folder", ties, actors=tmp_path)


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    refused("", tmp_path / f"{'a' * 300}.csv")


TIES = "source,target,relation,period\na,b,x,1\nb,c,x,2\n"
BAD_ACTORS: dict[str, tuple[str, str | bytes, str]] = {
    "no column": (TIES, "name\na\n", "a.csv: no column 'actor' among name"),
    "empty": (TIES, "", "a.csv: the file is empty"),
    "header only": (TIES, "actor,age\n", "a.csv: no actors"),
    "twice": (TIES, "actor\na\nb\nc\na\n", "a.csv, line 5: the actor 'a' is listed twice"),
    "twice in a period": (TIES, "actor,period\na,1\nb,1\na,1\n", "line 4: the actor 'a' is listed twice in period 1"),
    "no name": (TIES, "actor,age\na,1\n,2\n", "a.csv, line 3: the actor is empty"),
    "unknown": (TIES, "actor\na\nb\n", "line 3: the actor 'c' is not listed among the actors"),
    "fields": (TIES, "actor,age\na,1\nb,2,3\n", "a.csv, line 3: 3 values for 2 columns"),
    "flag": (
        TIES,
        "actor,present\na,true\nb,perhaps\nc,true\n",
        "a.csv, line 3: present = perhaps: must be true or false",
    ),
    "no flag": (TIES, "actor,answered\na,true\nb,\nc,true\n", "a.csv, line 3: answered = : must be true or false"),
    "absent": (TIES, "actor,period\na,1\nb,1\nb,2\na,2\nc,1\n", "line 3: the actor 'c' is not present in period 2"),
    "absent source": (
        TIES,
        "actor,present\na,false\nb,true\nc,true\n",
        "line 2: the actor 'a' is not present in period 1",
    ),
    "silent": (TIES, "actor,answered\na,false\nb,true\nc,true\n", "line 2: the actor 'a' did not answer"),
    "not asked": (TIES, "actor,asked\na,true\nb,false\nc,true\n", "line 3: the actor 'b' did not answer"),
    "site": (TIES, "actor,site\na,n\nb,s\nc,s\n", "line 2: a tie between the sites 'n' and 's'"),
    "no site": (TIES, "actor,site\na,n\nb,n\nc,\n", "site: the actor 'c' has none"),
    "some periods": (TIES, "actor,period\na,1\na,2\nb,\nc,2\n", "a.csv, line 4: the period is empty"),
    "no UTF-8": (TIES, b"actor\n\xff\xfe\n", "a.csv: not a text file in UTF-8"),
    "noise": (TIES, NOISE, "a.csv: not a text file"),
}


@pytest.mark.parametrize("case", BAD_ACTORS)
def test_actors_that_cannot_be_read_or_contradict_the_ties_are_refused_in_one_line(case: str, tmp_path: Path) -> None:
    ties, actors, text = BAD_ACTORS[case]
    refused(text, wrote(tmp_path / "t.csv", ties), actors=wrote(tmp_path / "a.csv", actors))


def test_two_sites_in_the_rows_of_one_actor_are_refused(tmp_path: Path) -> None:
    rows = "actor,period,site\na,1,n\na,2,s\nb,1,n\nb,2,n\nc,2,n\n"
    text = "a.csv, line 3: the actor 'a' is in the sites 'n' and 's'"
    refused(text, wrote(tmp_path / "t.csv", TIES), actors=wrote(tmp_path / "a.csv", rows))


def test_ties_of_a_period_that_the_actors_do_not_have_are_refused(tmp_path: Path) -> None:
    ties = wrote(tmp_path / "t.csv", "source,target,period\na,b,1\na,b,3\n")
    refused("line 3", ties, actors=wrote(tmp_path / "a.csv", "actor,period\na,1\nb,1\na,2\nb,2\n"))


def test_periods_in_one_file_only_are_refused_in_words(tmp_path: Path) -> None:
    ties = wrote(tmp_path / "t.csv", "source,target\na,b\n")
    refused("period", ties, actors=wrote(tmp_path / "a.csv", "actor,period\na,1\nb,1\n"))


def test_an_unknown_undirected_relation_is_refused(tmp_path: Path) -> None:
    ties = wrote(tmp_path / "t.csv", TIES)
    refused("undirected-relations = y: must be among x", ties, undirected_relations=["y"])


def test_a_tie_within_a_mode_is_refused(tmp_path: Path) -> None:
    graph = nx.Graph([("a", "x"), ("b", "x"), ("a", "b")])
    nx.set_node_attributes(graph, {"a": 0, "b": 0, "x": 1}, "bipartite")
    nx.write_graphml(graph, tmp_path / "t.graphml")
    refused("a tie within a mode", tmp_path / "t.graphml")


@pytest.mark.parametrize("isolate", [True, False])
def test_a_node_of_a_graph_that_is_not_listed_among_the_actors_is_refused(isolate: bool, tmp_path: Path) -> None:
    graph = nx.DiGraph([("a", "b")])
    graph.add_node("z")
    if not isolate:
        graph.add_edge("b", "z")
    nx.write_graphml(graph, tmp_path / "t.graphml")
    refused("'z' is not listed", tmp_path / "t.graphml", actors=wrote(tmp_path / "a.csv", "actor\na\nb\n"))


@pytest.mark.parametrize("weight", ["-1", "NaN", "heavy"])
def test_weights_of_a_graph_are_checked_too(weight: str, tmp_path: Path) -> None:
    file = tmp_path / "t.graphml"
    nx.write_graphml(nx.DiGraph([("a", "b", {"weight": weight})]), file)
    refused(f"tie a-b: weight = {weight}", file)


# --- names of columns -------------------------------------------------------------------------------------------------


def test_columns_with_a_meaning_are_known_in_capital_letters_and_attributes_keep_theirs(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Source,TARGET,Weight,Relation\na,b,2,x\nb,a,1,x\n")
    header = "Actor,Site,PRESENT,Answered,Department,weight,Relation,Source"
    (tmp_path / "a.csv").write_text(f"{header}\na,s,true,true,Care,3,kin,me\nb,s,true,false,Home,4,none,you\n")
    with pytest.raises(InputError, match="'b' did not answer"):
        read_panel(tmp_path / "t.csv", actors=tmp_path / "a.csv")
    (tmp_path / "t.csv").write_text("Source,TARGET,Weight,Relation\na,b,2,x\n")
    panel = read_panel(tmp_path / "t.csv", actors=tmp_path / "a.csv")
    assert list(panel.attributes) == ["Department", "weight", "Relation", "Source"]
    assert panel.network().attributes["Department"] == ("Care", "Home")
    assert (panel.sites, panel.relations) == (("s",), ("x",))
    assert panel.network().tie_counts().max() == 2.0


def test_a_name_in_the_wrong_letters_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("source,target\na,b\n")
    (tmp_path / "a.csv").write_text("actor,HQ,Department\na,1,x\nb,2,y\n")
    network = read_panel(tmp_path / "t.csv", actors=tmp_path / "a.csv").network()
    for wrong, right in (("hq", "HQ"), ("department", "Department")):
        with pytest.raises(UnknownNameError, match=f"no attribute named '{wrong}'. Did you mean '{right}'"):
            covariate_matrix(network, f"match({wrong})")


def test_columns_that_differ_by_capital_letters_alone_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("source,target\na,b\n")
    (tmp_path / "a.csv").write_text("actor,Age,age\na,1,2\nb,2,3\n")
    with pytest.raises(InputError, match="names a column twice: actor,Age,age"):
        read_panel(tmp_path / "t.csv", actors=tmp_path / "a.csv")


def test_more_actors_than_can_be_held_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simlab.panel_build.MOST_ACTORS", 3)
    file = tmp_path / "ties.csv"
    file.write_text("source,target\na,b\nc,d\n")
    with pytest.raises(InputError, match="4 actors at one site: must be at most 3"):
        read_panel(file)
    file.write_text("source,target\na,b\nc,a\n")
    assert len(read_panel(file).actors) == 3
