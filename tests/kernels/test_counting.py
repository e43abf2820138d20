"""A kernel that counts references must not be given a view by one that does not: the view would be freed twice."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

KERNELS = Path(__file__).parents[2] / "simlab" / "kernels"
COUNTED = {"kernel", "fast_kernel"}
LEAN = {"lean_kernel", "lean_fast_kernel"}
# What holds no array.
PLAIN = {"None", "float", "int", "bool", "Info", "tuple[float, float]", "tuple[int, int]", "tuple[float, float, float]"}


def functions(texts: list[str]) -> dict[str, tuple[str, ast.FunctionDef]]:
    """Return every kernel by name, with its decorator."""
    out = {}
    for text in texts:
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.decorator_list:
                out[node.name] = (ast.unparse(node.decorator_list[0]), node)
    return out


def called(name: str, known: dict[str, tuple[str, ast.FunctionDef]]) -> Iterator[str]:
    """Iterate over the kernels that one calls itself, or through kernels that are written into it."""
    for node in ast.walk(known[name][1]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known:
            yield node.func.id
            if known[node.func.id][0] == "inlined_kernel":
                yield from called(node.func.id, known)


def freed_twice(texts: list[str]) -> list[str]:
    """Return calls of lean kernels that return views, from kernels that count references."""
    known = functions(texts)
    return [
        f"{name} calls {inner}"
        for name, (kind, _) in known.items()
        if kind in COUNTED
        for inner in called(name, known)
        if known[inner][0] in LEAN and ast.unparse(known[inner][1].returns or ast.Constant(None)) not in PLAIN
    ]


def test_no_kernel_that_counts_is_given_a_view_that_is_not_counted() -> None:
    assert freed_twice([path.read_text(encoding="utf-8") for path in KERNELS.glob("*.py")]) == []


@pytest.mark.parametrize("between", ["", "@inlined_kernel\ndef inner(a) -> float:\n    return view(a)[0]\n"])
def test_one_that_is_would_be_seen(between: str) -> None:
    text = "@lean_kernel\ndef view(a) -> Floats:\n    return a[1:]\n" + between
    text += f"@kernel\ndef outer(a) -> float:\n    return {'inner(a)' if between else 'view(a)[0]'}\n"
    assert freed_twice([text]) == ["outer calls view"]
