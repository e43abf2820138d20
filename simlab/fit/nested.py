"""Fitters that use other fitters, which their settings name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simlab.fit.fit import ClusterCountFitter, Fitter, fitters
from simlab.foundation.errors import InputError
from simlab.foundation.settings import check_known, plain_value


def nested_fitter(role: str, name: str, settings: Sequence[str], n_clusters: int | tuple[int, int]) -> Fitter:
    """Return the fitter of this name with its settings, each ``key=value``.

    It has the number of clusters, or range, of the fitter that uses it, where it can be given one and its own settings do not.
    ``role`` is what the setting that names it is called. Raises InputError for what is not known or not allowed.
    """
    kind = fitters[name].thing
    values: dict[str, Any] = {}
    for text in settings:
        key, sign, value = text.partition("=")
        if not sign:
            raise InputError.of(f"{role}_settings", text, "must be key=value")
        values[key.strip()] = plain_value(value)
    check_known(name, values, kind.model_fields)
    if issubclass(kind, ClusterCountFitter):
        values.setdefault("n_clusters", n_clusters)
    return kind(**values)
