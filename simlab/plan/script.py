"""Scripts that name a ``plan``."""

from __future__ import annotations

import inspect
from pathlib import Path

from simlab.foundation.errors import InputError, SimlabError, shown
from simlab.plan.problem import Plan
from simlab.study.script import load_script


def load_plan(path: str | Path) -> Plan:
    """Return the plan that a script names ``plan``: a Plan, or a function of nothing that returns one.

    Raises InputError where there is none, or it is something else.
    """
    module = load_script(path)
    found = getattr(module, "plan", None)
    if found is None:
        raise InputError(f"{path}: must name a `plan`, a Plan or a function that returns one")
    if callable(found) and not isinstance(found, Plan):
        if [p for p in inspect.signature(found).parameters.values() if p.default is p.empty]:
            raise InputError(f"{path}: `plan` must be a function of nothing")
        try:
            found = found()
        except SimlabError as error:
            raise InputError(f"{path}: {error}") from error
        except Exception as error:
            raise InputError(f"{path}: breaks with {type(error).__name__}: {shown(str(error), 200)}") from error
    if not isinstance(found, Plan):
        raise InputError(f"{path}: `plan` must be a Plan, not a {type(found).__name__}")
    return found.changed(script=str(Path(path).resolve()))
