"""Named streams: a name is a stream, and nothing else changes it."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import Any

import numpy as np
import pytest

from simlab.foundation.errors import InputError
from simlab.foundation.streams import stream

NAMES: list[tuple[int, tuple[str | int, ...]]] = [
    (1, ()),
    (2, ()),
    (1, ("world",)),
    (1, ("world", "1")),
    (1, ("world", 1)),
    (1, ("world", 1, 1)),
    (1, ("world", 11)),
    (1, ("field", 1)),
    (1, ("wor", "ld", 1)),
    (1, (1, "world")),
    (1, ("wörld", 1)),
    (10**40, ("world", 1)),
]


@pytest.mark.parametrize(("seed", "names"), NAMES)
def test_same_names_give_the_same_numbers(seed: int, names: tuple[str | int, ...]) -> None:
    first = stream(seed, *names).random(5)
    stream(seed, "something", "else").random(100)
    assert np.array_equal(first, stream(seed, *names).random(5))


def test_different_names_give_different_numbers() -> None:
    draws = [stream(seed, *names).integers(2**62) for seed, names in NAMES]
    assert all(one != other for one, other in itertools.combinations(draws, 2))


def test_streams_are_seeded_with_the_hash_of_the_names() -> None:
    """The numbers of a stored study can be had again by anybody who knows this much."""
    digest = hashlib.sha256(json.dumps([5, "world", "abc", 3]).encode()).digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]
    twin = np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))
    assert np.array_equal(stream(5, "world", "abc", 3).random(4), twin.random(4))


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_numpy_integers_are_integers(kind: type[np.integer[Any]]) -> None:
    expected = stream(3, "world", 7).random()
    assert stream(kind(3), "world", 7).random() == expected  # type: ignore[arg-type]
    assert stream(3, "world", kind(7)).random() == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [-1, True, False, 1.0, "1", None, np.float64(1.0), np.int64(-3), (1,)])
def test_seeds_are_integers_from_zero(seed: Any) -> None:
    with pytest.raises(InputError, match=r"^seed = .*: must be an integer from 0$"):
        stream(seed, "world")


def test_neighbouring_streams_are_uncorrelated() -> None:
    """Mean products of streams of neighbouring seeds and names, in standard errors; the same stream must be caught."""
    n = 20_000

    def z(one: np.random.Generator, other: np.random.Generator) -> float:
        return float((one.standard_normal(n) * other.standard_normal(n)).mean() * np.sqrt(n))

    scores = [
        z(stream(s, "world", r), stream(s + ds, "world", r + 1 - ds)) for s in range(5) for r, ds in [(0, 0), (0, 1)]
    ]
    assert max(map(abs, scores)) < 4.0
    assert z(stream(1, "world", 0), stream(1, "world", 0)) > 4.0
