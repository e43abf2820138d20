"""Scripts that name a ``plan``."""

from __future__ import annotations

from pathlib import Path

from simlab.plan.problem import Plan
from simlab.study.script import named


def load_plan(path: str | Path) -> Plan:
    """Return the plan that a script names ``plan``: a Plan, or a function of nothing that returns one.

    Raises InputError where there is none, or it is something else.
    """
    return named(path, "plan", Plan).changed(script=str(Path(path).resolve()))
