"""Named random streams: the same names always give the same numbers, whatever else was drawn before."""

from __future__ import annotations

import hashlib
import json

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


def check_seed(seed: object) -> None:
    """Raise InputError unless ``seed`` is an integer from 0."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError.of("seed", seed, "must be an integer from 0")
