"""Settings: frozen, validated, hashable, picklable, with a key of their content."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from pydantic import Field, ValidationError, create_model

from simlab.foundation.errors import InputError
from simlab.foundation.settings import Settings, check_known, key_and_value, plain_value, read_toml
from simlab.foundation.wrong_values import words


class Garden(Settings):
    """Settings of every kind."""

    beds: int = Field(4, ge=1)
    depth: float = Field(0.5, gt=0.0)
    rows: tuple[float, ...] | None = None
    names: tuple[str, ...] = ("north", "south")
    walled: bool = False
    water: float | None = Field(1.0, ge=0.0)
    plan: Annotated[int, Field(ge=0)] | tuple[int, int] | None = None


GARDENS = [
    Garden(),
    Garden(beds=7),
    Garden(rows=(1.0, 2.0), names=("here",)),
    Garden(walled=True, depth=2.0, water=0.0),
    Garden(water=None),
]


@pytest.mark.parametrize("garden", GARDENS, ids=str)
def test_settings_survive_pickle_and_json(garden: Garden) -> None:
    copies = [
        pickle.loads(pickle.dumps(garden)),
        Garden(**json.loads(json.dumps(garden.everything()))),
        Garden(**json.loads(json.dumps(garden.given()))),
        Garden.model_validate_json(garden.model_dump_json()),
        garden.but(),
    ]
    for copy in copies:
        assert copy == garden
        assert hash(copy) == hash(garden)
        assert copy.key == garden.key


def test_settings_differ_where_they_differ() -> None:
    assert len(set(GARDENS)) == len({garden.key for garden in GARDENS}) == len(GARDENS)


def test_settings_are_frozen() -> None:
    garden = Garden()
    with pytest.raises(ValidationError, match="frozen"):
        garden.beds = 9  # type: ignore[misc]
    assert garden.beds == 4


def test_settings_are_printed_with_their_values() -> None:
    assert repr(Garden(beds=7)).startswith("Garden(beds=7, depth=0.5")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"beds": np.int64(3)}, {"beds": 3}),
        ({"beds": np.array(3)}, {"beds": 3}),
        ({"depth": np.float32(0.5)}, {"depth": 0.5}),
        ({"depth": np.float64(2)}, {"depth": 2.0}),
        ({"depth": 2}, {"depth": 2.0}),
        ({"walled": np.True_}, {"walled": True}),
        ({"rows": [1, 2.5]}, {"rows": (1.0, 2.5)}),
        ({"rows": np.array([1, 2])}, {"rows": (1.0, 2.0)}),
        ({"rows": [np.float32(1), np.int64(2)]}, {"rows": (1.0, 2.0)}),
        ({"rows": (np.float32(1), np.int64(2))}, {"rows": (1.0, 2.0)}),
        ({"names": ["a", "b"]}, {"names": ("a", "b")}),
        ({"names": np.array(["a", "b"])}, {"names": ("a", "b")}),
        ({"names": (np.str_("a"),)}, {"names": ("a",)}),
    ],
    ids=str,
)
def test_numpy_scalars_and_lists_are_accepted(values: dict[str, Any], expected: dict[str, Any]) -> None:
    garden = Garden(**values)
    assert garden == Garden(**expected)
    assert garden.key == Garden(**expected).key
    for name, value in expected.items():
        kept = getattr(garden, name)
        assert type(kept) is type(value)
        assert not isinstance(kept, tuple) or [type(v) for v in kept] == [type(v) for v in value]


@pytest.mark.parametrize(
    ("values", "start"),
    [
        ({"beds": 0}, "beds = 0: must be greater than or equal to 1"),
        ({"beds": 2.5}, "beds = 2.5: must be a valid integer"),
        ({"beds": "3"}, "beds = 3: must be a valid integer"),
        ({"beds": True}, "beds = True: must be a valid integer"),
        ({"depth": float("nan")}, "depth = nan: must be a finite number"),
        ({"depth": float("inf")}, "depth = inf: must be a finite number"),
        ({"depth": None}, "depth = None: must be a valid number"),
        ({"depth": "two\nlines"}, "depth = two lines: must be a valid number"),
        ({"rows": (1.0, "x")}, "rows.1 = x: must be a valid number"),
        ({"names": "north"}, "names = north: must be a valid tuple"),
        ({"walled": 1}, "walled = 1: must be true or false"),
        ({"walled": "True"}, "walled = True: must be true or false"),
        ({"plan": "3"}, "plan = 3: must be a whole number or a list of 2 whole numbers or none"),
        ({"plan": (1, 2, 3)}, "plan = (1, 2, 3): must be a whole number or a list of 2 whole numbers or none"),
        ({"plan": (1, "x")}, "plan.1 = x: must be a valid integer"),
        ({"plan": -1}, "plan = -1: must be greater than or equal to 0"),
        ({"bed": 3}, "bed: Garden has no such setting. Did you mean 'beds'? Known: beds, depth"),
        ({"two\nlines": 3}, "two lines: Garden has no such setting."),
    ],
    ids=str,
)
def test_wrong_values_are_one_line_that_names_the_field(values: dict[str, Any], start: str) -> None:
    with pytest.raises(InputError) as caught:
        Garden(**values)
    assert str(caught.value).startswith(start)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None
    if next(iter(values)) in ("walled", "plan"):
        assert ";" not in str(caught.value)


def test_several_wrong_values_are_all_named_on_one_line() -> None:
    with pytest.raises(InputError) as caught:
        Garden(beds=0, depth=-1.0)
    assert str(caught.value) == "beds = 0: must be greater than or equal to 1; depth = -1.0: must be greater than 0"


def test_but_changes_what_is_said_and_is_validated() -> None:
    garden = Garden(beds=7, rows=(1.0,))
    assert garden.but(depth=2.0) == Garden(beds=7, rows=(1.0,), depth=2.0)
    assert garden.but(rows=None, beds=4) == Garden()
    assert garden == Garden(beds=7, rows=(1.0,))
    with pytest.raises(InputError, match=r"^beds = 0: "):
        garden.but(beds=0)
    with pytest.raises(InputError, match=r"^bed: "):
        garden.but(bed=1)


def test_given_and_everything() -> None:
    garden = Garden(beds=4, rows=(1.0, 2.0))
    assert garden.given() == {"rows": (1.0, 2.0)}
    assert garden.everything() == {
        "beds": 4,
        "depth": 0.5,
        "rows": [1.0, 2.0],
        "names": ["north", "south"],
        "walled": False,
        "water": 1.0,
        "plan": None,
    }


def test_key_is_the_hash_of_name_and_changed_settings() -> None:
    assert Garden().key == hashlib.sha256(b'["Garden", {}]').hexdigest()[:16]
    text = b'["Garden", {"beds": 7, "rows": [1.0, 2.0]}]'
    assert Garden(rows=(1.0, 2.0), beds=7).key == hashlib.sha256(text).hexdigest()[:16]
    assert Garden(beds=4, depth=0.5).key == Garden().key


def test_a_new_setting_leaves_old_keys_as_they_are() -> None:
    """A store made before a setting existed keeps its keys, as long as the setting keeps its default."""
    old = create_model("Pond", __base__=Settings, fish=(int, 3))
    new = create_model("Pond", __base__=Settings, frogs=(float, 0.5), fish=(int, 3))
    assert old(fish=5).key == new(fish=5).key
    assert old().key == new().key
    assert new(frogs=0.6).key != old().key
    assert create_model("Lake", __base__=Settings, fish=(int, 3))(fish=5).key != old(fish=5).key


def test_asking_for_the_key_changes_nothing() -> None:
    garden = Garden(beds=7)
    assert garden.key == garden.key == Garden(beds=7).key
    assert garden.given() == {"beds": 7}
    assert garden.everything() == Garden(beds=7).everything()
    assert dict(garden) == dict(Garden(beds=7))
    assert garden == Garden(beds=7)
    assert hash(garden) == hash(Garden(beds=7))
    assert garden.but(depth=2.0).key == Garden(beds=7, depth=2.0).key
    assert pickle.loads(pickle.dumps(garden)).but(beds=8).key == Garden(beds=8).key
    assert garden.model_copy(update={"beds": 8}).key == Garden(beds=8).key


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-0.5", -0.5),
        ("1e-3", 0.001),
        ("[0.1, 0.2]", [0.1, 0.2]),
        ('["a", "b"]', ["a", "b"]),
        ("true", True),
        ("none", None),
        (" None ", None),
        ('"none"', "none"),
        ("some words", "some words"),
        ("", ""),
        ("[1, 2", "[1, 2"),
        ("1\nother = 2", "1\nother = 2"),
    ],
)
def test_plain_values(text: str, value: object) -> None:
    found = plain_value(text)
    assert found == value
    assert type(found) is type(value)


def test_none_is_a_word_where_it_cannot_be_a_value() -> None:
    assert plain_value(" None ", none=False) == "none"
    assert plain_value("3", none=False) == 3
    accepting = [name for name in (*Garden.model_fields, "bed") if Garden.accepts_none(name)]
    assert accepting == ["rows", "water", "plan"]


def test_key_and_value() -> None:
    assert key_and_value(" beds = a=b") == ("beds", " a=b")
    for text in ("=3", "beds", ""):
        with pytest.raises(InputError, match=rf"^--set = {text}: must be key=value$"):
            key_and_value(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (bool, "true or false"),
        (int | tuple[int, int], "a whole number or a list of 2 whole numbers"),
        (tuple[str, ...] | None, "a list of texts or none"),
        (Annotated[float, Field(gt=0.0)], "a number"),
        (Literal["a", "b"], "one of a, b"),
        (Garden, "Garden"),
    ],
    ids=str,
)
def test_types_in_words(kind: Any, text: str) -> None:
    assert words(kind) == text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"beds = ", "not valid TOML"),
        (b"beds = 1\nbeds = 2", "not valid TOML"),
        (b"\xff\xfe", "not a text file in UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_toml_that_cannot_be_read_is_one_line(content: bytes | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "garden.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_toml(file)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_a_folder_is_not_toml(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_toml(tmp_path)


def test_check_known_names_the_first_that_is_not() -> None:
    check_known("garden", ["beds"], ["beds", "depth"])
    with pytest.raises(InputError, match=r"^dept: no such garden setting\. Did you mean 'depth'\? Known: beds, depth$"):
        check_known("garden", ["beds", "dept", "other"], ["beds", "depth"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("advice,support", ["advice", "support"]),
        ("0.4, .5", [0.4, 0.5]),
        ("[1, 2]", [1, 2]),
        ("[a, b]", "[a, b]"),
        ("a b", "a b"),
    ],
)
def test_commas_make_a_list(text: str, value: Any) -> None:
    assert plain_value(text) == value
