"""Limits: what may stand in the way where no design reaches a target, each to be lifted by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simlab.fieldwork.settings import Fieldwork
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.plan.answer import Lift
from simlab.plan.space import Design, field_place
from simlab.plan.unknown_worlds import Distribution

_MORE_TIES = 1.5
_FARTHER = 1.5


def lifts(design: Design, scenario: Scenario, fieldwork: Fieldwork, unknown: Mapping[str, Distribution]) -> list[Lift]:
    """Return the limits of a design: nominations, response, both, information, overlap, and the population.

    A limit that a design does not have is left out, and so is one that this world cannot be without, as a pilot's people.
    """
    changes: dict[str, dict[str, Any]] = {"scenario": {}, "fieldwork": {}}
    for name, level in design.items():
        place = field_place(name)
        if place in changes:
            changes[str(place)][name] = level
    world, field = scenario.but(**changes["scenario"]), fieldwork.but(**changes["fieldwork"])
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
        out.append(Lift("information", f"with {_MORE_TIES:g} times as many ties a manager", _more_ties(world)))
        if world.structure == "latent" and world.n_clusters > 1:
            farther = _FARTHER * max(
                [world.separation, *(unknown["separation"].ends() if "separation" in unknown else ())]
            )
            words = f"if clusters lay {farther:g} spreads apart"
            out.append(Lift("overlap", words, {"separation": min(farther, 1000.0)}))
        twice = {"n_actors": 2 * world.n_actors, **({"n_invited": None} if field.n_invited is not None else {})}
        out.append(Lift("too few managers", f"with {2 * world.n_actors} managers at a site, all invited", twice))
    return [lift for lift in out if lift.changes and _possible(lift, world, field)]


def _more_ties(world: Scenario) -> dict[str, Any]:
    """Return the change that gives everybody more ties, of whatever the scenario holds."""
    for name in ("density", "information", "mean_degree"):
        value = getattr(world, name)
        if value is not None:
            more = tuple(_MORE_TIES * v for v in value) if isinstance(value, tuple) else _MORE_TIES * value
            return {name: more}
    return {"mean_degree": _MORE_TIES * world.degree_wanted(0, world.n_actors)}


def _possible(lift: Lift, world: Scenario, field: Fieldwork) -> bool:
    places = {name: field_place(name) for name in lift.changes}
    try:
        world.but(**{n: v for n, v in lift.changes.items() if places[n] == "scenario"})
        field.but(**{n: v for n, v in lift.changes.items() if places[n] == "fieldwork"})
    except InputError:
        return False
    return True
