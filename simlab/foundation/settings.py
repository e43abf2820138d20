"""Frozen, validated settings: hashable, picklable, printable, JSON and TOML both ways, with a key of their content."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Self, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from simlab.foundation.errors import InputError, shown, suggestion
from simlab.foundation.wrong_values import one_line


class Settings(BaseModel):
    """Base of Scenario, Fieldwork and every fitter. Wrong values raise InputError: one line, field by field."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(one_line(error, type(self))) from None

    @model_validator(mode="before")
    @classmethod
    def _accept_numpy_and_lists(cls, values: Any) -> Any:
        """Turn NumPy scalars into Python's and lists into tuples: sweeps are written with both."""
        return {k: _plain(v) for k, v in values.items()} if isinstance(values, Mapping) else values

    @classmethod
    def accepts_none(cls, name: str) -> bool:
        """Say whether there is a setting of this name that may be none."""
        field = cls.model_fields.get(name)
        return field is not None and NoneType in get_args(field.annotation)

    def but(self, **changes: Any) -> Self:
        """Return a copy with ``changes``, validated anew."""
        return type(self)(**{**self.given(), **changes})

    def given(self) -> dict[str, Any]:
        """Return the settings that differ from their defaults."""
        fields = type(self).model_fields
        return {k: v for k, f in fields.items() if (v := getattr(self, k)) != f.default}

    def everything(self) -> dict[str, Any]:
        """Return every setting with its value, as plain JSON types."""
        return self.model_dump(mode="json")

    @property
    def key(self) -> str:
        """Sixteen hex digits of the content; a field that keeps its default leaves the key as it is."""
        given = self.model_dump(mode="json", include=set(self.given()))
        text = json.dumps([type(self).__name__, given], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def key_and_value(text: str) -> tuple[str, str]:
    """Return the two parts of ``key=value``; InputError where there is no sign between them or no key."""
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise InputError.of("--set", text, "must be key=value")
    return key.strip(), value


def plain_value(text: str, *, none: bool = True) -> Any:
    """Return the value that ``text`` writes in TOML (``3``, ``0.5``, ``[1, 2]``, ``true``), a list of what commas divide, else
    the text.

    The word none is None, unless ``none`` is false because the setting may not be: there it stays a word.
    """
    if text.strip().lower() == "none":
        return None if none else "none"
    if "\n" in text:
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        pass
    try:
        return float(text)  # TOML has no .9
    except ValueError:
        parts = text.split(",")
        return [plain_value(part.strip(), none=none) for part in parts] if len(parts) > 1 and "[" not in text else text


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds; InputError in one line where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not valid TOML ({shown(str(error))})") from None


def check_known(kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise InputError for the first of ``given`` that is not a known setting of ``kind``."""
    names = list(known)
    for name in given:
        if name not in names:
            raise InputError(f"{name}: no such {kind} setting.{suggestion(name, names)} Known: {', '.join(names)}")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value + 0.0  # minus nought is nought
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return tuple(_plain(v) for v in value)
    return value
