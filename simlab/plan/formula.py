"""Formula: arithmetic over named numbers, given as text and kept as data. Nothing of it is ever executed as a program."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError, suggestion

Floats = NDArray[np.float64]
Limits = tuple[float, float]

LONGEST = 1000
EVERYTHING: Limits = (-math.inf, math.inf)
_OPERATORS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_ONE: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "sqrt": np.sqrt,
    "log": np.log,
    "exp": np.exp,
    "ceil": np.ceil,
    "floor": np.floor,
}
_MANY: dict[str, Callable[..., Any]] = {"min": np.minimum, "max": np.maximum}
FUNCTIONS = (*_ONE, *_MANY)
ALLOWED = f"must be arithmetic: numbers, names, + - * / **, brackets, {', '.join(FUNCTIONS)}"


@dataclass(frozen=True)
class Formula:
    """An arithmetic expression. ``steps`` is in postfix order, each a number, a name, or an operation and its arguments' count.

    Made by ``formula``; equal where the text is.
    """

    text: str
    steps: tuple[float | str | tuple[str, int], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names it needs, in order of first mention."""
        return tuple(dict.fromkeys(step for step in self.steps if isinstance(step, str)))

    def value(self, values: Mapping[str, Any]) -> Floats:
        """Return the value where each name has a number or an array; NaN or infinite where arithmetic has no finite one."""
        stack: list[Any] = []
        with np.errstate(all="ignore"):
            for step in self.steps:
                if isinstance(step, tuple):
                    given = [stack.pop() for _ in range(step[1])][::-1]
                    stack.append(_applied(step[0], given))
                else:
                    stack.append(np.float64(step) if isinstance(step, float) else np.asarray(values[step], dtype=float))
        return np.asarray(stack[0], dtype=np.float64)

    def without_value(self, values: Mapping[str, float]) -> tuple[str, str] | None:
        """Return the first part, of these names and numbers alone, that has no finite value, or is 0 and divides.

        Name and part, as ``("share", "log(1 - share)")``; None where there is none, and for parts of numbers alone.
        """
        stack: list[tuple[float | None, str, str]] = []  # value where it is known, a name in it, how it is written
        for step in self.steps:
            if isinstance(step, float):
                stack.append((step, "", f"{step:g}"))
            elif isinstance(step, str):
                stack.append((values.get(step), step if step in values else "", step))
            else:
                given = [stack.pop() for _ in range(step[1])][::-1]
                divisor, name, part = given[-1]
                if step[0] == "/" and divisor == 0.0 and name:
                    return (name, _bare(part))
                parts = [part for _, _, part in given]
                made = _written(step[0], parts)
                known = [value for value, _, _ in given if value is not None]
                name = next((name for _, name, _ in given if name), "")
                value: float | None = None
                if len(known) == len(given):
                    with np.errstate(all="ignore"):
                        value = float(_applied(step[0], [np.float64(v) for v in known]))
                    if not math.isfinite(value) and name:
                        return (name, _bare(made))
                stack.append((value, name, made))
        return None

    def limits(self, limits: Mapping[str, Limits]) -> Limits:
        """Return limits between which every value lies, from those of each name (interval arithmetic: Moore 1966).

        They may be too wide where a name occurs twice, never too narrow.
        """
        stack: list[Limits] = []
        for step in self.steps:
            if isinstance(step, tuple):
                given = [stack.pop() for _ in range(step[1])][::-1]
                stack.append(_within(step[0], given))
            else:
                stack.append((step, step) if isinstance(step, float) else limits.get(step, EVERYTHING))
        return stack[0]


def formula(field: str, text: str, known: Collection[str], reductions: Collection[str] = ()) -> Formula:
    """Return the formula that a text writes.

    Parameters
    ----------
    field : str
        What the text is, for errors.
    text : str
    known : names that it may use
    reductions : names of functions of one known name, such as ``lowest``; ``lowest(ari)`` is then a name of its own

    Raises
    ------
    InputError
        For anything that is not arithmetic, and for a name that is not known, with the nearest.
    """
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
        raise InputError.of(field, text, f"{ALLOWED}, at most {LONGEST} signs")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        return of_tree(field, tree, text.strip(), known, reductions)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError.of(field, text, ALLOWED) from None


def of_tree(field: str, tree: ast.expr, text: str, known: Collection[str], reductions: Collection[str]) -> Formula:
    """Return the formula of a part of a parsed text; as ``formula``."""
    steps: list[float | str | tuple[str, int]] = []
    _walk(field, tree, text, known, reductions, steps)
    return Formula(" ".join(text.split()), tuple(steps))


def _walk(
    field: str,
    node: ast.expr,
    text: str,
    known: Collection[str],
    reductions: Collection[str],
    steps: list[float | str | tuple[str, int]],
) -> None:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        steps.append(_finite(field, node.value))
    elif isinstance(node, ast.Name):
        steps.append(_known(field, node.id, known))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        _walk(field, node.operand, text, known, reductions, steps)
        if isinstance(node.op, ast.USub):
            steps.append(("negative", 1))
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        _walk(field, node.left, text, known, reductions, steps)
        _walk(field, node.right, text, known, reductions, steps)
        steps.append((_OPERATORS[type(node.op)], 2))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        _call(field, node.func.id, node.args, text, known, reductions, steps)
    else:
        raise InputError.of(field, text, ALLOWED)


def _call(
    field: str,
    name: str,
    arguments: list[ast.expr],
    text: str,
    known: Collection[str],
    reductions: Collection[str],
    steps: list[float | str | tuple[str, int]],
) -> None:
    if name in reductions:
        if len(arguments) != 1 or not isinstance(arguments[0], ast.Name):
            raise InputError.of(field, text, f"{name} must be of one name, such as {name}(ari)")
        steps.append(f"{name}({_known(field, arguments[0].id, known)})")
        return
    if name not in FUNCTIONS:
        names = [*FUNCTIONS, *reductions]
        raise InputError.of(field, text, f"no function {name!r}.{suggestion(name, names)} Known: {', '.join(names)}")
    if len(arguments) != 1 if name in _ONE else len(arguments) < 2:
        raise InputError.of(field, text, f"{name} must have {'one value' if name in _ONE else 'two values or more'}")
    for argument in arguments:
        _walk(field, argument, text, known, reductions, steps)
    steps.append((name, len(arguments)))


def _finite(field: str, value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError.of(field, value, "must be a finite number")
    return number


def _known(field: str, name: str, known: Collection[str]) -> str:
    if name not in known:
        raise InputError(f"{field}: no {name!r}.{suggestion(name, known)} Known: {', '.join(sorted(known))}")
    return name


def _applied(operation: str, given: list[Any]) -> Any:
    if operation in _ONE:
        return _ONE[operation](given[0])
    if operation in _MANY:
        out = given[0]
        for other in given[1:]:
            out = _MANY[operation](out, other)
        return out
    if operation == "negative":
        return -given[0]
    one, other = given
    if operation == "+":
        return one + other
    if operation == "-":
        return one - other
    if operation == "*":
        return one * other
    return one / other if operation == "/" else np.power(one, other)


def _written(operation: str, parts: list[str]) -> str:
    """Return an operation as it is written: in brackets, unless it is a function, whose arguments need none of their own."""
    if operation in FUNCTIONS:
        return f"{operation}({', '.join(map(_bare, parts))})"
    return f"-{parts[0]}" if operation == "negative" else f"({f' {operation} '.join(parts)})"


def _bare(part: str) -> str:
    return part[1:-1] if part.startswith("(") else part


def _within(operation: str, given: list[Limits]) -> Limits:
    """Return the limits of an operation's value from those of its arguments."""
    (low, high) = given[0]
    if operation == "negative":
        return (-high, -low)
    if operation == "abs":
        return (0.0 if low <= 0.0 <= high else min(abs(low), abs(high)), max(abs(low), abs(high)))
    if operation in _MANY:
        pick = min if operation == "min" else max
        return (pick(g[0] for g in given), pick(g[1] for g in given))
    if operation in ("sqrt", "log"):
        low, high = max(low, 0.0), max(high, 0.0)
    if operation in _ONE:
        with np.errstate(all="ignore"):
            return (float(_ONE[operation](np.float64(low))), float(_ONE[operation](np.float64(high))))
    other = given[1]
    if operation == "+":
        return (low + other[0], high + other[1])
    if operation == "-":
        return (low - other[1], high - other[0])
    if operation == "**" or (operation == "/" and other[0] <= 0.0 <= other[1]):
        return EVERYTHING
    if operation == "/":
        other = (1.0 / other[1], 1.0 / other[0])
    corners = [0.0 if 0.0 in (a, b) else a * b for a in (low, high) for b in other]
    return (min(corners), max(corners))
