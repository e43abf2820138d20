"""The parts of a script's docstring: aims, data-generating mechanism, estimands, methods, performance measures (ADEMP)."""

from __future__ import annotations

import re

from simlab.foundation.errors import InputError

HEADINGS = ("Aims", "Data-generating mechanism", "Estimands", "Methods", "Performance measures")


def about_of(docstring: str | None) -> dict[str, str]:
    """Return heading to paragraph, for the report: the paragraphs that begin with the headings of ADEMP and a full stop.

    Raises InputError where one of them is missing (Morris, White & Crowther 2019).
    """
    found: dict[str, str] = {}
    for paragraph in re.split(r"\n\s*\n", docstring or ""):
        text = " ".join(paragraph.split())
        for heading in HEADINGS:
            if text.startswith(f"{heading}. "):
                found[heading] = text.removeprefix(f"{heading}. ")
    missing = [heading for heading in HEADINGS if heading not in found]
    if missing:
        raise InputError.of("docstring", missing[0], f"must have paragraphs that begin with {', '.join(HEADINGS)}")
    return found
