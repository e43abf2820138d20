"""Answers: sentences in which a script says what its study found, kept with the store so that every report begins with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simlab.foundation.errors import InputError, SimlabError, shown
from simlab.study.safety import parse_json, reader
from simlab.study.script import load_script
from simlab.study.storage import Storage

ANSWER_FILE = "answer.json"
MOST_SENTENCES = 12
MOST_CHARACTERS = 100_000


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
    if len(_as_json(found)) > MOST_CHARACTERS:
        raise SimlabError(f"{script}: answer() returns more than the {MOST_CHARACTERS} characters that a store keeps")
    return list(found)


def stored_answer(text: object) -> list[str]:
    """Return the sentences that a store keeps as JSON; InputError for anything but one to twelve sentences.

    ``text`` is the attribute ``answer`` of a dataset that was opened, or the content of the store's ``answer.json``.
    """
    if not isinstance(text, str) or len(text) > MOST_CHARACTERS:
        raise InputError(f"answer: must be a text of at most {MOST_CHARACTERS} characters")
    found = parse_json(text, "answer")
    if (
        not isinstance(found, list)
        or not all(isinstance(s, str) for s in found)
        or not 1 <= len(found) <= MOST_SENTENCES
    ):
        raise InputError.of("answer", found, f"must be a list of 1 to {MOST_SENTENCES} sentences")
    return found


def answer_text(store: Any) -> str | None:
    """Return the text of a store's ``answer.json``, None where it has none; ``store`` as ``check_safe`` takes it.

    Raises InputError where it is no text. Whether it is an answer says ``stored_answer``.
    """
    data = (store if callable(store) else reader(store))(ANSWER_FILE)
    if data is None:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{ANSWER_FILE}: not a text in UTF-8") from None


def save_answer(store: Storage, sentences: Sequence[str]) -> None:
    """Keep the answer in a store; it replaces an earlier one in one step."""
    store.write(ANSWER_FILE, _as_json(sentences).encode())


def _as_json(sentences: Sequence[str]) -> str:
    return json.dumps(list(sentences), ensure_ascii=False, indent=1) + "\n"
