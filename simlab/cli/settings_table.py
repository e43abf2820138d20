"""Settings as a table for the terminal: name, default, what is allowed, what it is."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from pydantic.errors import PydanticInvalidForJsonSchema

from simlab.foundation.settings import Settings

_WIDTHS = (22, 20, 30, 46)
_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "null": "none",
}


def settings_table(kind: type[Settings], chosen: Mapping[str, Any] | None = None) -> list[str]:
    """Return the settings of a kind as lines of a table; of those ``chosen`` only, with their values, where any are given."""
    try:
        schema = kind.model_json_schema()
    except PydanticInvalidForJsonSchema:  # a setting of a type of its own
        schema = {}
    rows = [("setting", "default" if chosen is None else "value", "allowed", "what it is")]
    for name, field in kind.model_fields.items():
        if chosen is None or name in chosen:
            value = field.get_default(call_default_factory=True) if chosen is None else chosen[name]
            allowed = allowed_values(schema.get("properties", {}).get(name, {}), schema.get("$defs", {}))
            rows.append((name, written(value), allowed, field.description or ""))
    return [line for row in rows for line in _lines(row)]


def allowed_values(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return in words what a JSON schema allows; empty where it does not say."""
    if "$ref" in schema:
        return allowed_values(definitions.get(str(schema["$ref"]).rpartition("/")[2], {}), definitions)
    if "anyOf" in schema:
        return ", or ".join(filter(None, (allowed_values(part, definitions) for part in schema["anyOf"])))
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        parts = [allowed_values(part, definitions) for part in schema.get("prefixItems", [])]
        if parts:
            return f"[{', '.join(parts)}]"
        inside = allowed_values(schema.get("items", {}), definitions)
        several = {"a whole number": "whole numbers", "a number": "numbers", "text": "texts"}
        for one, more in several.items():
            if inside.startswith(one):
                inside = more + inside.removeprefix(one)
        return f"a list of {inside}" if inside else "a list"
    words = _KINDS.get(str(schema.get("type", "")), "")
    limits = (
        ("exclusiveMinimum", "above {}"),
        ("minimum", "from {}"),
        ("exclusiveMaximum", "below {}"),
        ("maximum", "to {}"),
    )
    bounds = [text.format(f"{schema[key]:g}") for key, text in limits if key in schema]
    return " ".join([words, *bounds]).strip()


def written(value: Any) -> str:
    """Return a value as ``--set`` takes it."""
    if value is None:
        return "none"
    if isinstance(value, Settings):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(json.dumps(v) if isinstance(v, str) else written(v) for v in value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _lines(row: tuple[str, ...]) -> list[str]:
    """Return a row as lines, each cell wrapped in its column."""
    cells = [
        textwrap.wrap(cell, width, break_on_hyphens=False, break_long_words=False) or [""]
        for cell, width in zip(row, _WIDTHS, strict=True)
    ]
    return [
        "  " + "  ".join(f"{part:{width}}" for part, width in zip(parts, _WIDTHS, strict=True)).rstrip()
        for parts in zip_longest(*cells, fillvalue="")
    ]
