"""Errors: one line each, with what was given and what would do."""

from __future__ import annotations

import pickle

import pytest

from simlab.foundation.errors import InputError, SimlabError, UnknownNameError, printable, shown, suggestion


def test_input_error_names_field_value_and_what_is_allowed() -> None:
    error = InputError.of("n_actors", 1, "must be at least 2")
    assert str(error) == "n_actors = 1: must be at least 2"
    assert isinstance(error, SimlabError)
    assert isinstance(error, ValueError)


def test_unknown_name_error_gives_the_nearest_and_the_known() -> None:
    error = UnknownNameError.among("fitter", "spectra", ["spectral", "louvain"])
    assert str(error) == "no fitter named 'spectra'. Did you mean 'spectral'? Known: louvain, spectral"
    assert isinstance(error, InputError)


def test_unknown_name_error_suggests_nothing_where_nothing_is_near() -> None:
    assert str(UnknownNameError.among("fitter", "xyz", {"louvain"})) == "no fitter named 'xyz'. Known: louvain"
    assert suggestion("xyz", ["louvain"]) == ""


def test_a_name_that_differs_by_capital_letters_is_the_nearest() -> None:
    assert suggestion("AGE", ["Stage", "age"]) == " Did you mean 'age'?"
    assert suggestion("age", ["Page", "Age"]) == " Did you mean 'Age'?"


@pytest.mark.parametrize("kind", [InputError, UnknownNameError, SimlabError])
def test_errors_travel_between_processes(kind: type[SimlabError]) -> None:
    error = pickle.loads(pickle.dumps(kind("one line")))
    assert type(error) is kind
    assert str(error) == "one line"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        ("a name", "a name"),
        ("two\nlines\tand  gaps", "two lines and gaps"),
        (["a", 1], "['a', 1]"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 57 + "..."),
        (list(range(100)), repr(list(range(100)))[:57] + "..."),
    ],
)
def test_shown_values_are_short_and_on_one_line(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain text, \N{GREEK SMALL LETTER LAMDA}\N{SUPERSCRIPT TWO} ± 1 %", None),
        ("\N{NO-BREAK SPACE}\N{HEBREW LETTER ALEF}\N{ARABIC LETTER BEH}\N{CJK UNIFIED IDEOGRAPH-4E00}", None),
        ("\N{ARABIC LETTER FARSI YEH}\N{ZERO WIDTH NON-JOINER}\N{ARABIC LETTER HEH}", None),
        ("\x1b[31mred\x1b]0;title\x07", r"\x1b[31mred\x1b]0;title\x07"),
        ("a\nb\rc\td\x00\x7f\x9b", r"a\nb\rc\td\x00\x7f\x9b"),
        ("\u202egnp.exe\u2066\u200f\u2028\ufeff\u200b", r"\u202egnp.exe\u2066\u200f\u2028\ufeff\u200b"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("a\\x1b", None),
    ],
)
def test_what_a_terminal_obeys_or_nobody_sees_is_written_out(text: str, written: str | None) -> None:
    assert printable(text) == (text if written is None else written)
    printable(text).encode("utf-8")
    assert printable(printable(text)) == printable(text)


def test_characters_can_be_kept() -> None:
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"
    assert shown("a\x1bb \u202e\n c") == r"a\x1bb \u202e c"


def test_a_text_that_is_no_name_is_not_compared_with_names() -> None:
    error = UnknownNameError.among("fitter", "spectra" * 100_000, ["spectral"])
    assert len(str(error)) < 300


@pytest.mark.parametrize("error", [InputError.of("a", "b\nc", "d"), UnknownNameError.among("metric", "a\nb", ["c"])])
def test_values_with_line_breaks_leave_one_line(error: InputError) -> None:
    assert "\n" not in str(error)
