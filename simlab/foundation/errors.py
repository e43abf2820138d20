"""The errors simlab raises, each one line that says what was given, what is allowed and what to do."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from typing import Any

# Control, format, surrogate, and separators of lines and paragraphs (Unicode 15, chapter 4.5).
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
# The two joiners: without them names in Persian and in the languages of India are misspelt.
_SPELLING = "\u200c\u200d"
# Looking for near names takes a time that grows with the square of the length.
_LONGEST_NAME = 200


class SimlabError(Exception):
    """The work failed; the message is one line for a person to read."""


class InputError(SimlabError, ValueError):
    """The input was wrong. The message names the field, the value and what is allowed."""

    @classmethod
    def of(cls, field: str, value: object, allowed: str) -> InputError:
        """Return the error for ``field``, which was given ``value`` although only ``allowed`` will do."""
        return cls(f"{field} = {shown(value)}: {allowed}")


class UnknownNameError(InputError):
    """A name that is not registered. The message gives the nearest names and the known ones."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
        """Return the error for an unknown ``name`` of a ``kind`` such as fitter or metric."""
        names = sorted(known)
        return cls(f"no {kind} named {shown(repr(name), 200)}.{suggestion(name, names)} Known: {', '.join(names)}")


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest known name, or an empty string where none is near.

    A name that differs by capital letters alone is the nearest. Nothing is near to a text that is too long for a name.
    """
    if len(str(name)) > _LONGEST_NAME:
        return ""
    name, names = str(name), [str(other) for other in known]
    alike = [other for other in names if other.lower() == name.lower() and other != name]
    near = alike or difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else ""


def shown(value: Any, longest: int = 60) -> str:
    """Return ``value`` as printable text on one line, cut where it is long."""
    text = value if isinstance(value, str) else repr(value)
    text = printable(" ".join(text.split()))
    return text if len(text) <= longest else text[: longest - 3] + "..."


def printable(text: str, *, keep: str = "") -> str:
    r"""Return ``text`` with everything written out that a terminal obeys or a reader cannot see, such as ``\x1b``.

    Text from data may hold escape sequences, line breaks that look like further output, marks that turn the direction of
    writing, and halves of surrogate pairs, which cannot be encoded. Characters in ``keep`` stay as they are.
    """
    if text.isprintable():
        return text
    spared = {*keep, *_SPELLING}
    return "".join(_written_out(c) if c not in spared and unicodedata.category(c) in _UNSEEN else c for c in text)


def _written_out(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
