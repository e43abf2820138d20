"""Designs of a plan, their settings and their costs in words."""

from __future__ import annotations

import math
from typing import Any

from simlab.plan.costs import Design
from simlab.plan.space import level_name
from simlab.report.numbers import listed, words

_SETTINGS = {
    "n_invited": ("{} manager invited", "{} managers invited"),
    "n_actors": ("{} manager a site", "{} managers a site"),
    "max_nominations": ("{} name", "{} names"),
    "n_sites": ("{} site", "{} sites"),
    "n_periods": ("{} period", "{} periods"),
}


def design_words(design: Design) -> str:
    """Return a design as a reader meets it, such as ``60 managers invited, 5 names and 80 % response``."""
    return listed([setting_words(name, level) for name, level in design.items()])


def setting_words(name: str, level: Any) -> str:
    """Return one setting of a design in words."""
    if name in _SETTINGS:
        if level is None:
            return {"max_nominations": "no limit of names", "n_invited": "everybody invited"}.get(name, "none")
        return _SETTINGS[name][level != 1].format(level_name(level))
    if name == "response_rate" and isinstance(level, (int, float)):
        return f"{percent_of(level)} response"
    if name in ("fitter", "instrument", "treatment"):
        return f"{name} {level_name(level)}".replace("fitter ", "")
    return f"{words(name)} {level_name(level)}"


def percent_of(share: float) -> str:
    """Return a share in per cent, with a decimal where it has one."""
    return f"{100.0 * share:.3g} %"


def money(value: float, unit: str) -> str:
    """Return a cost with its unit."""
    if not math.isfinite(value):
        return "an unknown cost"
    return f"{value:,.0f} {unit}".rstrip() if abs(value) >= 10 else f"{value:.3g} {unit}".rstrip()
