"""Panel and Network: what is known of each dyad, and finding one network among many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import network_of

from simlab.foundation.errors import InputError, UnknownNameError
from simlab.panel import DyadState, Network, Panel, check_counts

NO, TIE, SILENT, AWAY, ABSENT, NONE = DyadState

STATE = np.array([[NONE, TIE, NO], [TIE, NONE, SILENT], [AWAY, AWAY, NONE]], dtype=np.int8)


def panel(**changes: Any) -> Panel:
    """Return two sites, two relations, two periods; at the south b is absent in the first period."""
    sites, relations, periods = ("north", "south"), ("formal", "informal"), ("1", "2")
    rng = np.random.default_rng(1)
    states = {}
    present = np.array([[1, 1, 1, 1, 0, 1, 1], [1, 1, 1, 1, 1, 1, 0]], dtype=bool)
    for site, members in (("north", slice(0, 3)), ("south", slice(3, 7))):
        for relation in relations:
            for t, period in enumerate(periods):
                here = present[t, members]
                state = rng.integers(0, 2, (len(here), len(here))).astype(np.int8)
                if relation == "informal":
                    state = np.triu(state) | np.triu(state).T
                state[~here] = state[:, ~here] = ABSENT
                np.fill_diagonal(state, NONE)
                states[site, relation, period] = state
    values: dict[str, Any] = {
        "actors": tuple(f"{s}{i}" for s, n in (("n", 3), ("s", 4)) for i in range(n)),
        "site_of": ("north",) * 3 + ("south",) * 4,
        "sites": sites,
        "relations": relations,
        "periods": periods,
        "directed": (True, False),
        "attributes": {"service": np.array([list("abcdefg"), list("hijklmn")])},
        "present": present,
        "asked": present.copy(),
        "answered": present.copy(),
        "states": states,
    }
    return Panel(**{**values, **changes})


def test_network_counts_what_was_observed() -> None:
    network = Network(("a", "b", "c"), STATE)
    assert network.n_actors == 3
    assert network.ties.tolist() == [[False, True, False], [True, False, False], [False] * 3]
    assert network.observed.tolist() == [[False, True, True], [True, False, False], [False] * 3]
    assert network.n_ties == 2
    assert network.density == pytest.approx(2 / 3)
    assert not network.unknown().any()


def test_dyads_by_hand() -> None:
    """a and b name each other; a says no to c; nobody else says anything."""
    ties, observed = Network(("a", "b", "c"), STATE).dyads()
    assert ties.tolist() == [[0, 2, 0], [2, 0, 0], [0, 0, 0]]
    assert observed.tolist() == [[0, 2, 1], [2, 0, 0], [1, 0, 0]]
    assert Network(("a", "b", "c"), STATE).weights().toarray().tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_dyads_against_loops(directed: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    state = rng.integers(0, 5, (9, 9)).astype(np.int8)
    if not directed:
        state = np.triu(state) + np.triu(state, 1).T
    np.fill_diagonal(state, NONE)
    network = Network(tuple("abcdefghi"), state, directed)
    ties, observed = network.dyads()
    weights, n_ties = network.weights().toarray(), 0
    for i in range(9):
        for j in range(9):
            answers = [state[i, j], state[j, i]] if directed else [state[i, j]]
            seen = [s for s in answers if s in (NO, TIE)] if i != j else []
            assert observed[i, j] == len(seen)
            assert ties[i, j] == seen.count(TIE)
            assert weights[i, j] == (seen.count(TIE) / len(seen) if seen else 0.0)
            n_ties += state[i, j] == TIE and (directed or i < j)
    assert network.n_ties == n_ties


def test_density_of_an_unobserved_network_is_unknown() -> None:
    state = np.full((3, 3), SILENT, dtype=np.int8)
    network = Network(("a", "b", "c"), state)
    assert np.isnan(network.density)
    assert network.unknown().all()
    assert network.n_ties == 0


def test_unknown_actors_have_no_answer_either_way() -> None:
    state = np.array([[NONE, NO, SILENT], [NO, NONE, SILENT], [SILENT, SILENT, NONE]], dtype=np.int8)
    assert Network(("a", "b", "c"), state).unknown().tolist() == [False, False, True]
    state[0, 2] = NO
    assert not Network(("a", "b", "c"), state).unknown().any()


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({}, "network"),
        ({"relation": "formal", "period": "1"}, "formal, period 1"),
        ({"site": "north", "relation": "formal", "period": "2"}, "north, formal, period 2"),
    ],
)
def test_networks_are_printed_by_their_parts(parts: dict[str, str], text: str) -> None:
    assert str(Network(("a", "b", "c"), STATE, **parts)) == text


def test_only_two_states_are_observations() -> None:
    network = Network(("a", "b"), np.array([[NONE, TIE], [NO, NONE]], dtype=np.int8))
    assert network.observed.sum() == 2
    for state in (SILENT, AWAY, ABSENT, NONE):
        assert not Network(("a", "b"), np.full((2, 2), state, dtype=np.int8)).observed.any()


def test_network_of_the_actors_present() -> None:
    world = panel()
    network = world.network("south", "formal", "1")
    assert network.actors == ("s0", "s2", "s3")
    assert network.attributes == {"service": ("d", "f", "g")}
    assert network.directed
    assert (network.site, network.relation, network.period) == ("south", "formal", "1")
    assert not (network.state == ABSENT).any()
    kept = [0, 2, 3]
    assert np.array_equal(network.state, world.states["south", "formal", "1"][np.ix_(kept, kept)])
    later = world.network("south", "informal", 2)
    assert later.actors == ("s0", "s1", "s2")
    assert later.attributes == {"service": ("k", "l", "m")}
    assert not later.directed


def test_a_network_is_a_copy() -> None:
    world = panel()
    before = world.states["north", "formal", "1"].copy()
    world.network("north", "formal", "1").state[:] = SILENT
    assert np.array_equal(world.states["north", "formal", "1"], before)


def test_networks_come_in_order_of_the_keys() -> None:
    world = panel()
    assert len(world.keys) == 8
    assert world.keys[:3] == [("north", "formal", "1"), ("north", "formal", "2"), ("north", "informal", "1")]
    assert [(n.site, n.relation, n.period) for n in world.networks()] == world.keys


def test_what_there_is_one_of_need_not_be_named() -> None:
    state = network_of(np.ones((3, 3), dtype=bool)).state
    one = np.ones((1, 3), dtype=bool)
    world = Panel(
        actors=("a", "b", "c"),
        site_of=("",) * 3,
        sites=("",),
        relations=("contact",),
        periods=("1",),
        directed=(True,),
        attributes={},
        present=one,
        asked=one,
        answered=one,
        states={("", "contact", "1"): state},
    )
    assert world.network().n_ties == 6
    assert np.array_equal(world.network(period=1).state, world.network("", "contact", "1").state)


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (("west", "formal", "1"), UnknownNameError, "no site named 'west'. Known: north, south"),
        (
            ("north", "form", "1"),
            UnknownNameError,
            "no relation named 'form'. Did you mean 'formal'? Known: formal, info",
        ),
        (("north", "formal", 3), UnknownNameError, "no period named '3'. Known: 1, 2"),
        ((None, "formal", 1), InputError, "site: say which of north, south"),
        (("north", None, 1), InputError, "relation: say which of formal, informal"),
        (("north", "formal", None), InputError, "period: say which of 1, 2"),
    ],
)
def test_networks_that_are_not_there(names: tuple[Any, ...], error: type[InputError], message: str) -> None:
    with pytest.raises(error) as caught:
        panel().network(*names)
    assert str(caught.value).startswith(message)


def test_members_of_a_site() -> None:
    assert panel().members("south").tolist() == [3, 4, 5, 6]
    with pytest.raises(UnknownNameError, match="no site named 'west'"):
        panel().members("west")


ALL = np.ones((2, 7), dtype=bool)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"actors": ("s0", "n1", "n2", "n0", "s1", "s2", "s3")}, "actors"),
        ({"actors": ("n0", "n0", "n2", "s0", "s1", "s2", "s3")}, "actors"),
        ({"present": ALL[:1]}, "present"),
        ({"asked": ALL[:, :4]}, "asked"),
        ({"answered": ALL[0]}, "answered"),
        ({"asked": ALL}, "answered, asked"),
        ({"answered": ALL}, "answered, asked"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        panel(**changes)
    assert str(caught.value).startswith(field)
    assert "\n" not in str(caught.value)


# --- counts -----------------------------------------------------------------------------------------------------------

COUNTS = np.array([[0.0, 3.0, 0.0], [1.0, 0.0, 5.0], [0.0, 0.0, 0.0]])


def test_every_tie_counts_once_unless_counts_are_given() -> None:
    """The 5 from b to c is of a dyad that was not observed, and so is hidden."""
    assert Network(("a", "b", "c"), STATE).tie_counts().tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    assert Network(("a", "b", "c"), STATE, counts=COUNTS).tie_counts().tolist() == [[0, 3, 0], [1, 0, 0], [0, 0, 0]]


def test_counts_of_the_actors_present() -> None:
    world = panel()
    key = ("south", "formal", "1")
    counts = np.where(world.states[key] == TIE, 2.0 + np.arange(16).reshape(4, 4), 0.0)
    network = panel(counts={key: counts}).network(*key)
    assert network.counts is not None
    assert np.array_equal(network.counts, counts[np.ix_([0, 2, 3], [0, 2, 3])])
    assert np.array_equal(network.tie_counts() > 0, network.ties)
    assert panel(counts={key: counts}).network("south", "formal", "2").counts is None


@pytest.mark.parametrize("key", [("south", "formal", "1"), ("west", "formal", "1")])
def test_counts_that_do_not_fit_the_states_are_refused(key: tuple[str, str, str]) -> None:
    with pytest.raises(InputError, match="counts: those of"):
        panel(counts={key: np.ones((3, 3))})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2.5, "weight = 2.5: must be a whole number from 0 for the Poisson family"),
        (-1.0, "weight = -1: must be a whole number"),
        (np.nan, "weight = nan: must be a whole number"),
        (np.inf, "weight = inf: must be a whole number"),
        (0.0, "counts: must be above 0 where there is a tie"),
        (4.0, ""),
        (16_777_216.0, ""),
        (16_777_217.0, "weight = 16777217: must be at most 16777216 for the Poisson family"),
        (1e39, "weight = 1e+39: must be at most 16777216"),
    ],
)
def test_counts_of_the_poisson_family_are_whole(value: float, message: str) -> None:
    counts = COUNTS.copy()
    counts[0, 1] = value
    network = Network(("a", "b", "c"), STATE, counts=counts)
    if not message:
        check_counts(network)
        return
    with pytest.raises(InputError) as caught:
        check_counts(network)
    assert str(caught.value).startswith(message)


# --- parts of a network -----------------------------------------------------------------------------------------------

OFF = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]])
BOTH = np.array([[NONE, TIE, NO], [TIE, NONE, SILENT], [NO, SILENT, NONE]], dtype=np.int8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"actors": ("a", "b", "a")}, "actors = a: is there twice"),
        ({"actors": ("a", "b", 3)}, "actors: must be a tuple of names"),
        ({"actors": "abc"}, "actors: must be a tuple of names"),
        ({"actors": ("a", "b")}, "state: has the shape (3, 3), and must have the shape (actors, actors) = (2, 2)"),
        ({"state": STATE[:2]}, "state: has the shape (2, 3)"),
        ({"state": STATE.tolist()}, "state: must be an array of the shape (actors, actors) = (3, 3), not list"),
        ({"state": STATE == TIE}, "state: must hold whole numbers, values of DyadState, not bool"),
        ({"state": STATE.astype(float)}, "state: must hold whole numbers, values of DyadState, not float64"),
        ({"state": STATE + 1}, "state = 6: must be a DyadState, from 0 to 5"),
        ({"state": STATE - 1}, "state = -1: must be a DyadState"),
        ({"state": np.where(np.eye(3) > 0, TIE, STATE)}, "state: an actor has a tie with itself"),
        ({"directed": False}, "state: must be symmetric"),
        ({"counts": np.ones((2, 2))}, "counts: has the shape (2, 2)"),
        ({"counts": np.full((3, 3), "x")}, "counts: must hold numbers, not <U1"),
        ({"counts": [[1.0] * 3] * 3}, "counts: must be an array"),
        ({"state": BOTH, "directed": False, "counts": COUNTS}, "counts: must be symmetric"),
        ({"dyadic": {"far": np.ones(3)}}, "dyadic: far: has the shape (3,)"),
        ({"dyadic": {"far": OFF.astype(str)}}, "dyadic: far: must hold numbers"),
        ({"attributes": {"age": ("1", "2")}}, "attributes: age = ('1', '2'): must be a list of one value an actor, 3"),
        ({"attributes": {"age": "123"}}, "attributes: age = 123: must be a list"),
        ({"attributes": {"age": 3}}, "attributes: age = 3: must be a list"),
    ],
    ids=str,
)
def test_parts_of_a_network_that_do_not_fit_together_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Network(**{"actors": ("a", "b", "c"), "state": STATE, **changes})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": BOTH, "directed": False, "counts": OFF, "dyadic": {"far": OFF}},
        {"state": np.where(np.eye(3) > 0, NO, STATE)},
        {"state": STATE.astype(np.uint8)},
        {"counts": np.where(OFF > 2.0, np.nan, OFF)},
        {"actors": (), "state": STATE[:0, :0]},
    ],
    ids=str,
)
def test_control_parts_that_fit_together(changes: dict[str, Any]) -> None:
    assert Network(**{"actors": ("a", "b", "c"), "state": STATE, **changes}).n_ties >= 0


def test_symmetry_is_seen_beyond_the_rows_that_are_compared_at_a_time() -> None:
    state = np.zeros((1100, 1100), dtype=np.int8)
    names = tuple(f"a{i:04d}" for i in range(1100))
    for i, j in ((1090, 3), (1090, 600), (1090, 1080)):
        state[i, j] = state[j, i] = TIE
    assert Network(names, state, False).n_ties == 3
    for i, j in ((1090, 3), (3, 1090), (1090, 600), (1080, 1090)):
        wrong = state.copy()
        wrong[i, j] = NO
        with pytest.raises(InputError, match="symmetric"):
            Network(names, wrong, False)


def test_numbers_as_attributes_are_texts_and_only_none_and_nan_are_unknown() -> None:
    numbers = {"rank": (0, 1, None), "age": np.array([0.0, 2.5, np.nan]), "office": ["x", "", "z"]}
    assert Network(("a", "b", "c"), STATE, attributes=numbers).attributes == {
        "rank": ("0", "1", ""),
        "age": ("0.0", "2.5", ""),
        "office": ("x", "", "z"),
    }
    values: Any = np.array([[0, None, 2, 3, 4, 5, 6], [np.nan] * 7], dtype=object)
    network = panel(attributes={"rank": values}).network("north", "formal", "1")
    assert network.attributes == {"rank": ("0", "", "2")}
