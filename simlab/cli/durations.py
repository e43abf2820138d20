"""Times as people write them: 90s, 20min, 8h, 3d."""

from __future__ import annotations

import re

from simlab.foundation.errors import InputError

_SECONDS = {"": 1.0, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds_of(name: str, text: str | None) -> float | None:
    """Return the seconds that a text says, None for none; InputError for what is no time."""
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text)
    if found is None or found[2] not in _SECONDS:
        raise InputError.of(name, text, "must be a time such as 90s, 20min, 8h or 3d")
    return float(found[1]) * _SECONDS[found[2]]
