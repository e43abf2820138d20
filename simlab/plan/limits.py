"""Limits: what may stand in the way where no design reaches a target, each to be lifted by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simlab.fieldwork.settings import Fieldwork
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.plan.answer import Lift
from simlab.plan.costs import Design, parted
from simlab.plan.distributions import Distribution
from simlab.plan.scaled import MoreTies, Scaled, changed

_MORE_TIES = 1.5
_FARTHER = 1.5


def lifts(design: Design, scenario: Scenario, fieldwork: Fieldwork, unknown: Mapping[str, Distribution]) -> list[Lift]:
    """Return the limits of a design: nominations, response, both, information, overlap, and the population.

    A limit that a design does not have is left out, and so is one that this world cannot be without, as a pilot's people.
    """
    of_world, of_field = parted(design)
    world, field = scenario.but(**of_world), fieldwork.but(**of_field)
    names: dict[str, Any] = {"max_nominations": None} if field.max_nominations is not None else {}
    people: dict[str, Any] = {} if field.response_rate == 1.0 else {"response_rate": 1.0}
    if field.n_invited is not None and field.n_invited < world.n_actors:
        people["n_invited"] = None
    out = []
    if names:
        out.append(Lift("nominations", "with no limit of names", names))
    if people:
        out.append(Lift("response", "if everybody were invited and answered", people))
    if names and people:
        out.append(Lift("all of the fieldwork", "if everybody answered and named everybody", {**names, **people}))
    if world.structure != "fitted":
        out.append(Lift("information", f"with {_MORE_TIES:g} times as many ties", _more_ties(world, design, unknown)))
        if world.structure == "latent" and world.n_clusters > 1:
            words = f"if clusters lay {_FARTHER:g} times as far apart"
            out.append(Lift("overlap", words, {"separation": _more("separation", _FARTHER, design)}))
        twice = {
            "n_actors": _more("n_actors", 2, design),
            **({"n_invited": None} if field.n_invited is not None else {}),
        }
        out.append(Lift("too few managers", "with twice as many managers at a site, all invited", twice))
    return [lift for lift in out if _possible(lift, world, field)]


def _more(name: str, factor: float, design: Design) -> Any:
    """Return so many times what a design or a world has."""
    if name not in design:
        return Scaled(factor)
    level = factor * design[name]
    return round(level) if isinstance(design[name], int) else level


def _more_ties(world: Scenario, design: Design, unknown: Mapping[str, Distribution]) -> dict[str, Any]:
    """Return the change that gives everybody more ties, of whatever the scenario holds."""
    if "information" in unknown or world.information is not None:
        # Information grows faster than ties, and not without end.
        return {"information": MoreTies(_MORE_TIES, design.get("information"))}
    for name in ("density", "mean_degree"):
        if name in unknown or getattr(world, name) is not None:
            value = design.get(name)
            return {
                name: tuple(_MORE_TIES * v for v in value)
                if isinstance(value, tuple)
                else _more(name, _MORE_TIES, design)
            }
    return {"mean_degree": _MORE_TIES * world.degree_wanted(0, world.n_actors)}


def _possible(lift: Lift, world: Scenario, field: Fieldwork) -> bool:
    of_world, of_field = parted(lift.changes)
    try:
        changed(world, of_world)
        field.but(**of_field)
    except InputError:
        return False
    return True
