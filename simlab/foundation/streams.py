"""Named random streams: the same names always give the same numbers, whatever else was drawn before."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from simlab.foundation.errors import InputError


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the random generator that belongs to ``seed`` and ``names``.

    Parameters
    ----------
    seed : int
        The seed a user chose; any integer from 0.
    names : str or int
        What the stream is for, from the general to the particular: ``"world", scenario key, replicate``.

    Returns
    -------
    numpy.random.Generator
        PCG64, seeded with the SHA-256 of the names, so that streams of different names are independent.

    Raises
    ------
    InputError
        Where ``seed`` is not an integer from 0.
    """
    check_seed(seed)
    digest = hashlib.sha256(
        json.dumps([int(seed), *(n if isinstance(n, str) else int(n) for n in names)]).encode()
    ).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))


_lendable = threading.local()


@contextmanager
def lent(rng: np.random.Generator) -> Iterator[np.random.Generator]:
    """Lend a generator to a kernel: one that draws the same numbers, after which ``rng`` goes on from there.

    A lean kernel keeps the generator that it is given for ever (see ``foundation.compile.lean_kernel``). So it is given the
    same one always, one a thread, whose state is that of ``rng``.
    """
    kind = type(rng.bit_generator)
    known: dict[str, np.random.Generator] = _lendable.__dict__
    key = kind.__name__
    if key not in known:
        known[key] = np.random.Generator(kind())
    one = known[key]
    one.bit_generator.state = rng.bit_generator.state
    try:
        yield one
    finally:
        rng.bit_generator.state = one.bit_generator.state


def check_seed(seed: object) -> None:
    """Raise InputError unless ``seed`` is an integer from 0."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError.of("seed", seed, "must be an integer from 0")
