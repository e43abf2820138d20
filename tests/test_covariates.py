"""Covariates of dyads: against loops over pairs, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import pytest
from conftest import network_of
from pydantic import AfterValidator

from simlab.foundation.errors import InputError, UnknownNameError
from simlab.foundation.settings import Settings
from simlab.models.covariates import check_term, covariate_matrix, design_matrix
from simlab.panel import DyadState, Network

UNIT = ("north", "south", "", "north", "", "a, b", "south")
AGE = (30.0, 41.5, 28.0, 60.0, 33.0, 33.0, 51.0)
GRADE = (1, 2, 2, 3, 1, 3, 2)
FAR = np.random.default_rng(3).random((7, 7))


def network(*, directed: bool = True, **changes: Any) -> Network:
    """Return seven actors with attributes and a matrix of distances."""
    ties = np.random.default_rng(1).random((7, 7)) < 0.4
    ties = ties if directed else np.triu(ties, 1) | np.triu(ties, 1).T
    attributes = {"unit": UNIT, "age": tuple(map(str, AGE)), "grade": tuple(map(str, GRADE)), "office (main)": UNIT}
    far = FAR if directed else FAR + FAR.T
    return replace(network_of(ties, directed=directed), **{"attributes": attributes, "dyadic": {"far": far}, **changes})


Value = Callable[[int, int], float]
DIRECTED: dict[str, Value] = {
    "match(unit)": lambda i, j: UNIT[i] != "" and UNIT[i] == UNIT[j],
    "match(office (main))": lambda i, j: UNIT[i] != "" and UNIT[i] == UNIT[j],
    "match(grade)": lambda i, j: GRADE[i] == GRADE[j],
    "difference(age)": lambda i, j: abs(AGE[i] - AGE[j]),
    " sender ( age ) ": lambda i, j: AGE[i],
    "receiver(age)": lambda i, j: AGE[j],
    "mix(unit, north, south)": lambda i, j: UNIT[i] == "north" and UNIT[j] == "south",
    "mix(grade,2,2)": lambda i, j: GRADE[i] == 2 and GRADE[j] == 2,
    'mix(unit, "a, b", north)': lambda i, j: UNIT[i] == "a, b" and UNIT[j] == "north",
    "dyad(far)": lambda i, j: FAR[i, j],
}
UNDIRECTED: dict[str, Value] = {
    "match(unit)": DIRECTED["match(unit)"],
    "difference(age)": DIRECTED["difference(age)"],
    "sum(age)": lambda i, j: AGE[i] + AGE[j],
    "mix(unit, north, south)": lambda i, j: {UNIT[i], UNIT[j]} == {"north", "south"},
    "mix(grade,2,2)": DIRECTED["mix(grade,2,2)"],
    "dyad(far)": lambda i, j: FAR[i, j] + FAR[j, i],
}


@pytest.mark.parametrize(
    ("text", "directed"), [(text, True) for text in DIRECTED] + [(text, False) for text in UNDIRECTED]
)
def test_values_against_loops(text: str, directed: bool) -> None:
    value = (DIRECTED if directed else UNDIRECTED)[text]
    expected = [[float(value(i, j)) if i != j else 0.0 for j in range(7)] for i in range(7)]
    assert covariate_matrix(network(directed=directed), text).tolist() == expected
    assert check_term(text) == text


def test_a_covariate_does_not_change_what_the_network_holds() -> None:
    world = network()
    before = world.dyadic["far"].copy()
    covariate_matrix(world, "dyad(far)")[:] = 7.0
    assert np.array_equal(world.dyadic["far"], before)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be among match(a), difference(a), sender(a), receiver(a), sum(a), mix(a, x, y), dyad(name)"),
        ("age", "must be among"),
        ("match(age", "must be among"),
        ("matsch(age)", "Did you mean 'match'?"),
        ("match()", "must name what it is made from"),
        ("mix(unit, north)", "an attribute and two of its values"),
        ("mix(unit, north, )", "an attribute and two of its values"),
        ("mix()", "an attribute and two of its values"),
    ],
)
def test_texts_that_are_no_covariate(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        check_term(text)
    assert message in str(caught.value)
    with pytest.raises(InputError, match="covariates = ") as refused:
        covariate_matrix(network(), text)
    assert message in str(refused.value)


class Model(Settings):
    """Settings with covariates, as a fitter has them."""

    covariates: tuple[Annotated[str, AfterValidator(check_term)], ...] = ()


def test_settings_refuse_them_before_there_is_a_network() -> None:
    assert Model(covariates=["match(unit)"]).covariates == ("match(unit)",)
    with pytest.raises(InputError, match=r"^covariates\.1 = match: must be among match\(a\)"):
        Model(covariates=["match(unit)", "match"])


@pytest.mark.parametrize(
    ("text", "changes", "message"),
    [
        ("match(untit)", {}, "no attribute named 'untit'. Did you mean 'unit'?"),
        ("mix(unit, north, west)", {}, "no value of unit named 'west'"),
        ("dyad(fra)", {}, "no matrix of dyads named 'fra'. Did you mean 'far'?"),
        ("difference(unit)", {}, "the unit of 'a000' is 'north': must be a finite number"),
        ("sum(age)", {}, "ties have a direction: must be sender(age) or receiver"),
        ("sender(age)", {"directed": False}, "ties have no direction: must be sum(age)"),
        ("receiver(age)", {"directed": False}, "ties have no direction: must be sum(age)"),
        ("sender(a)", {"attributes": {"a": ("1", "2", "", "4", "5", "6", "7")}}, "the a of 'a002' is unknown"),
        ("sender(a)", {"attributes": {"a": ("1", "2", "inf", "4", "5", "6", "7")}}, "the a of 'a002' is 'inf'"),
        ("sender(a)", {"attributes": {"a": ("1", "2", "nan", "4", "5", "6", "7")}}, "the a of 'a002' is 'nan'"),
        ("dyad(d)", {"dyadic": {"d": np.ones((3, 3))}}, "must have the shape (actors, actors) = (7, 7)"),
        ("dyad(d)", {"dyadic": {"d": np.where(FAR > 0.9, np.nan, FAR)}}, "is not a finite number"),
        ("dyad(d)", {"dyadic": {"d": FAR}, "directed": False}, "must be symmetric"),
    ],
)
def test_covariates_that_a_network_cannot_have(text: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        covariate_matrix(network(**changes), text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_names_are_unknown_name_errors() -> None:
    with pytest.raises(UnknownNameError):
        covariate_matrix(network(), "match(nothing)")


# --- several ----------------------------------------------------------------------------------------------------------


def test_a_design_has_the_terms_in_order() -> None:
    world = network()
    terms = ["receiver(age)", "match(unit)", "difference(age)"]
    design = design_matrix(world, terms)
    assert design.shape == (3, 7, 7)
    for matrix, term in zip(design, terms, strict=True):
        assert np.array_equal(matrix, covariate_matrix(world, term))
    assert design_matrix(world, []).shape == (0, 7, 7)


def test_covariates_are_not_centred_or_scaled() -> None:
    assert design_matrix(network(), ["sender(age)"])[0, 3, 0] == 60.0


def test_a_design_does_not_depend_on_the_order_of_actors() -> None:
    world = network()
    order = np.random.default_rng(2).permutation(7)
    turned = replace(
        world,
        actors=tuple(world.actors[i] for i in order),
        state=world.state[np.ix_(order, order)],
        attributes={name: tuple(values[i] for i in order) for name, values in world.attributes.items()},
    )
    terms = ["match(unit)", "sender(age)"]
    assert np.array_equal(design_matrix(turned, terms), design_matrix(world, terms)[:, order][:, :, order])


@pytest.mark.parametrize(
    ("terms", "named", "others"),
    [
        (["match(unit)", "match(unit)"], "match(unit)", "match(unit)"),
        (["match(unit)", "sender(age)", "dyad(tripled)"], "dyad(tripled)", "sender(age)"),
        (["dyad(far)", "sender(age)", "receiver(age)", "dyad(added)"], "dyad(added)", "sender(age) and receiver(age)"),
        (["dyad(inverse)", "match(unit)"], "match(unit)", "dyad(inverse)"),
    ],
)
def test_a_term_that_the_others_tell_is_named(terms: list[str], named: str, others: str) -> None:
    age = np.array(AGE)
    dyadic = {
        "far": FAR,
        "tripled": 3.0 * np.add.outer(age, 0 * age) - 4.0,
        "added": np.add.outer(age, -2.0 * age) / 7.0,
        "inverse": 1.0 - covariate_matrix(network(), "match(unit)"),
    }
    with pytest.raises(InputError) as caught:
        design_matrix(network(dyadic=dyadic), terms)
    assert str(caught.value).startswith(f"covariates = {named}: follows from {others} in every observed dyad")


def test_terms_that_are_nearly_alike_are_kept() -> None:
    nearly = FAR + 1e-5 * np.random.default_rng(5).random((7, 7))
    assert len(design_matrix(network(dyadic={"far": FAR, "nearly": nearly}), ["dyad(far)", "dyad(nearly)"])) == 2


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_a_term_that_is_constant_where_dyads_were_observed_is_refused(shift: float) -> None:
    """Only the first two actors' ties were seen, and one value differs: among the others."""
    state = network().state.copy()
    state[2:] = DyadState.NO_ANSWER
    far = np.full((7, 7), shift + 0.1)
    far[4, 5] = 1.0
    world = network(state=state, dyadic={"far": far})
    with pytest.raises(
        InputError, match=r"covariates = dyad\(far\): constant over the observed dyads, and so not told"
    ):
        design_matrix(world, ["match(unit)", "dyad(far)"])
    state[4] = network().state[4]
    assert len(design_matrix(replace(world, state=state), ["match(unit)", "dyad(far)"])) == 2


def test_where_nothing_was_observed_no_covariate_can_be_fitted() -> None:
    with pytest.raises(InputError, match="constant over the observed dyads"):
        design_matrix(network(state=np.full((7, 7), DyadState.NO_ANSWER, dtype=np.int8)), ["match(unit)"])


def test_more_than_twenty_terms_are_refused() -> None:
    with pytest.raises(InputError, match="covariates = 21 terms: must be at most 20"):
        design_matrix(network(), ["match(unit)"] * 21)
