"""Answers: sentences in which a script says what its study found, kept with the store so that every report begins with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simlab.foundation.errors import SimlabError, shown
from simlab.study.script import load_script
from simlab.study.storage import Storage

ANSWER_FILE = "answer.json"
MOST_SENTENCES = 12


def script_answer(script: str | Path, dataset: Any) -> list[str] | None:
    """Return the sentences that a script's function ``answer(dataset)`` makes of its study's dataset; None without one.

    Each may begin with a word that names its subject and a colon. The dataset may be incomplete.

    Raises
    ------
    SimlabError
        Where the function breaks, or gives something else than one to twelve sentences.
    """
    make = getattr(load_script(script), "answer", None)
    if make is None:
        return None
    try:
        found = make(dataset)
    except Exception as error:
        raise SimlabError(f"{script}: answer() breaks with {type(error).__name__}: {shown(str(error), 200)}") from error
    if not isinstance(found, Sequence) or isinstance(found, str) or not all(isinstance(s, str) for s in found):
        raise SimlabError(f"{script}: answer() must return a list of sentences, not {shown(found)}")
    if not 1 <= len(found) <= MOST_SENTENCES:
        raise SimlabError(f"{script}: answer() returns {len(found)} sentences: must be 1 to {MOST_SENTENCES}")
    return list(found)


def save_answer(store: Storage, sentences: Sequence[str]) -> None:
    """Keep the answer in a store; it replaces an earlier one in one step."""
    store.write(ANSWER_FILE, (json.dumps(list(sentences), ensure_ascii=False, indent=1) + "\n").encode())
