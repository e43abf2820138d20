"""Wrong values of settings in words: one line that names each field, its value and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from simlab.foundation.errors import shown, suggestion

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    NoneType: "none",
}
_PLURALS: dict[Any, str] = {int: "whole numbers", float: "numbers", str: "texts"}
# Beside a value of another type, what says that a value is not of this kind at all.
_OTHER_LENGTH = ("missing", "too_long", "too_short", "unexpected_positional_argument")


class _Problem(NamedTuple):
    """One thing that is wrong: the kind, where, what was given, and what is said of it."""

    kind: str
    path: tuple[int | str, ...]
    given: Any
    text: str


def one_line(error: ValidationError, settings: type[BaseModel]) -> str:
    """Return what is wrong with the values that were given to ``settings``, field by field, on one line."""
    lines = []
    for kind, where, given, text in _problems(error.errors(), settings):
        path = shown(".".join(str(part) for part in where if not str(part).startswith(("function-", "tuple["))))
        if kind == "extra_forbidden":
            known = list(settings.model_fields)
            hint = suggestion(path, known)
            lines.append(f"{path}: {settings.__name__} has no such setting.{hint} Known: {', '.join(known)}")
        elif kind == "value_error" and not path:
            lines.append(text)
        else:
            lines.append(f"{path} = {shown(given)}: {text}")
    return "; ".join(dict.fromkeys(lines))


def _problems(errors: Iterable[ErrorDetails], settings: type[BaseModel]) -> Iterator[_Problem]:
    """Yield what is wrong; of a field that may be of several kinds, what is wrong with the kind that was meant."""
    of_kinds: dict[str, list[_Problem]] = {}
    for error in errors:
        path = error["loc"]
        text = error["msg"].removeprefix("Input ").replace("should be", "must be")
        if error["type"] == "value_error":
            text = str(error["ctx"]["error"])
        elif error["type"] in ("bool_type", "bool_parsing"):
            text = f"must be {_WORDS[bool]}"
        problem = _Problem(error["type"], path, error["input"], text)
        field = settings.model_fields.get(str(path[0])) if path else None
        if field is not None and len(path) > 1 and _has_several_kinds(field.annotation):
            # The second part of the path is the kind, which is no place in the value.
            of_kinds.setdefault(str(path[0]), []).append(problem._replace(path=(path[0], *path[2:])))
        else:
            yield problem
    for name, found in of_kinds.items():
        meant = [p for p in found if not _is_of_another_kind(p)]
        allowed = f"must be {words(settings.model_fields[name].annotation)}"
        yield from meant or [_Problem("kind", (name,), found[0].given, allowed)]


def _has_several_kinds(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType) and sum(a is not NoneType for a in get_args(annotation)) > 1


def _is_of_another_kind(problem: _Problem) -> bool:
    return (problem.kind.endswith("_type") and len(problem.path) == 1) or problem.kind in _OTHER_LENGTH


def words(annotation: Any) -> str:
    """Return what a type allows in words: ``int | tuple[int, int]`` is a whole number or a list of 2 whole numbers."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return words(parts[0])
    if origin in (Union, UnionType):
        return " or ".join(words(part) for part in parts)
    if origin is Literal:
        return f"one of {', '.join(str(part) for part in parts)}"
    if origin is tuple:
        many = _PLURALS.get(parts[0], "values")
        return f"a list of {many}" if parts[-1] is Ellipsis else f"a list of {len(parts)} {many}"
    return _WORDS.get(annotation, str(getattr(annotation, "__name__", annotation)))
