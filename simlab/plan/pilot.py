"""Pilot: a plan whose worlds are the posterior of a fit of a pilot network."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from simlab.fit.fit import Fitter, Status
from simlab.foundation.errors import InputError
from simlab.foundation.streams import stream
from simlab.generate.scenario import Scenario
from simlab.panel import Panel
from simlab.plan.from_fit import scenario_from_fit
from simlab.plan.problem import Plan
from simlab.plan.space import field_place
from simlab.plan.unknown_worlds import PilotWorlds


def with_pilot(plan: Plan, panel: Panel, name: str = "the pilot") -> Plan:
    """Return the plan with the worlds of a pilot: the whole posterior of its fit, a draw a world, instead of what is unknown.

    The population is that of the pilot. What its posterior says is carried along draw by draw, with the density and
    reciprocity that were observed (see ``scenario_from_fit``).

    Parameters
    ----------
    plan : Plan
        Its scenario and unknown settings give way to the pilot.
    panel : Panel
        With one network.
    name : str
        Of the pilot, for reports.

    Raises
    ------
    InputError
        For several networks, a design that chooses what a pilot has fixed, more invited than the pilot has people, or a fit
        that has no posterior or failed.
    """
    keys = panel.keys
    if len(keys) != 1:
        raise InputError.of("pilot", name, f"must be one network (a site, a relation, a period), not {len(keys)}")
    fixed = [name_ for name_ in plan.design if field_place(name_) == "scenario"]
    if fixed:
        raise InputError.of(
            "pilot", name, f"has fixed what the script chooses: leave {', '.join(fixed)} out of its design"
        )
    network = panel.network(*keys[0])
    here: dict[str, Any] = {"n_actors": network.n_actors, "n_clusters": min(plan.scenario.n_clusters, network.n_actors)}
    # Before the fit, which takes its time.
    plan.changed(scenario=Scenario(**here), unknown={})
    fit = _fitter(plan).fit(network, rng=stream(plan.seed, "pilot"))
    if fit.status == Status.FAILED or fit.tie_model is None:
        raise InputError.of("pilot", name, f"cannot be fitted: {fit.message or 'the fitter has no posterior'}")
    if fit.posterior is None:
        raise InputError.of("pilot_fitter", fit.fitter, "must have posterior draws, as lpcm-mcmc has")

    @lru_cache(maxsize=4096)
    def make(draw: int) -> Scenario:
        return scenario_from_fit(fit, network, draw=draw)

    worlds = PilotWorlds(make, fit.tie_model.n_draws, plan.seed, name)
    return plan.changed(pilot=worlds, scenario=make(0), unknown={})


def _fitter(plan: Plan) -> Fitter:
    if plan.pilot_fitter is not None:
        return plan.pilot_fitter
    from simlab.fit.lpcm_mcmc import LpcmMcmc

    return LpcmMcmc(n_clusters=plan.scenario.n_clusters)
