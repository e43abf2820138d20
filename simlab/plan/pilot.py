"""Pilot: a plan whose worlds are the posterior of a fit of a pilot network."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from simlab.fit.fit import Fit, Fitter, Status
from simlab.fit.latent import LatentFitter
from simlab.foundation.errors import InputError, UnknownNameError
from simlab.foundation.streams import stream
from simlab.generate.scenario import Scenario
from simlab.panel import Network, Panel
from simlab.plan.costs import field_place
from simlab.plan.from_fit import ONLY_RELATION
from simlab.plan.problem import Plan
from simlab.plan.unknown_worlds import PilotWorlds
from simlab.plan.worlds import world_of_draw


def with_pilot(
    plan: Plan, panel: Panel, name: str = "the pilot", *, telling: Callable[[str], None] = warnings.warn
) -> Plan:
    """Return the plan with the worlds of a pilot: the whole posterior of its fit, a draw a world, instead of what is unknown.

    The population is that of the pilot. What its posterior says of positions, effects and clusters is carried along draw by
    draw, with the density and reciprocity that were observed (see ``world_of_draw``). Several relations are fitted jointly.

    Parameters
    ----------
    plan : Plan
        Its scenario and unknown settings give way to the pilot.
    panel : Panel
        Of one site and period, with one relation or several.
    name : str
        Of the pilot, for reports.
    telling : callable
        Told in a sentence where the fit did not converge; a warning unless said. It is in the description of the worlds too.

    Raises
    ------
    InputError
        For several sites or periods, a design that chooses what a pilot has fixed, settings of the scenario that no such pilot
        has, more invited than the pilot has people, or a fit that has no posterior or failed.
    """
    for what, several in (("site", panel.sites), ("period", panel.periods)):
        if len(several) != 1:
            raise InputError.of("pilot", name, f"must be of one {what}, not {len(several)}")
    _check_chosen(plan, panel, name)
    _check_scenario(plan.scenario, panel, name)
    networks = [panel.network(*key) for key in panel.keys]
    n = networks[0].n_actors
    here: dict[str, Any] = {
        "n_actors": n,
        "n_clusters": min(plan.scenario.n_clusters, n),
        "relations": _relations(panel),
    }
    # Before the fit, which takes its time.
    plan.changed(scenario=Scenario(**here), unknown={})
    fit = _fitted(plan, networks)
    if fit.status == Status.FAILED or fit.tie_model is None:
        raise InputError.of("pilot", name, f"cannot be fitted: {fit.message or 'the fitter has no posterior'}")
    if fit.posterior is None:
        raise InputError.of("pilot_fitter", fit.fitter, "must have posterior draws, as lpcm-mcmc has")
    if fit.status == Status.NOT_CONVERGED:
        telling(f"the fit of {name} did not converge ({fit.message}): the worlds drawn from it are not to be relied on")
        name = f"{name}, which did not converge ({fit.message})"

    @lru_cache(maxsize=4096)
    def make(draw: int) -> Scenario:
        return world_of_draw(fit, networks, draw)

    worlds = PilotWorlds(make, fit.tie_model.n_draws, plan.seed, name)
    return plan.changed(pilot=worlds, scenario=make(0), unknown={})


def _check_chosen(plan: Plan, panel: Panel, name: str) -> None:
    """Raise InputError where the design chooses what a pilot has fixed, or relations that it does not have."""
    fixed = [v for v in plan.design if field_place(v) == "scenario" and v != "relations"]
    if fixed:
        raise InputError.of(
            "pilot", name, f"has fixed what the script chooses: leave {', '.join(fixed)} out of its design"
        )
    for variable in plan.space.variables:
        for level in variable.levels if variable.name == "relations" else ():
            for relation in level:
                if relation not in _relations(panel):
                    raise UnknownNameError.among("relation", relation, _relations(panel))


def _check_scenario(scenario: Scenario, panel: Panel, name: str) -> None:
    """Raise InputError where the script says of the world what a pilot of one site and period, with its relations, is not."""
    for setting in ("n_sites", "n_periods"):
        value = getattr(scenario, setting)
        if value != 1:
            raise InputError.of(setting, value, f"must be 1 with a pilot: {name} is of one site and period")
    given = scenario.given().get("relations")
    if given is not None and set(given) != set(_relations(panel)):
        allowed = ", ".join(_relations(panel))
        raise InputError.of("relations", ", ".join(given), f"must be those of the pilot, {allowed}, or left out")


def _relations(panel: Panel) -> tuple[str, ...]:
    """Return the relations of a pilot, by the names that its worlds have."""
    return tuple(relation or ONLY_RELATION for relation in panel.relations)


def pilot_fitter(plan: Plan) -> Fitter:
    """Return what a pilot of this plan is fitted by."""
    if plan.pilot_fitter is not None:
        return plan.pilot_fitter
    from simlab.fit.lpcm_mcmc import LpcmMcmc

    return LpcmMcmc(n_clusters=plan.scenario.n_clusters)


def _fitted(plan: Plan, networks: Sequence[Network]) -> Fit:
    fitter = pilot_fitter(plan)
    rng = stream(plan.seed, "pilot")
    if len(networks) == 1:
        return fitter.fit(networks[0], rng=rng)
    if not isinstance(fitter, LatentFitter):
        raise InputError.of("pilot_fitter", fitter.name, f"cannot fit {len(networks)} relations jointly")
    return fitter.fit_joint(networks, rng=rng)
