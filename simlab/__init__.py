"""simlab: a laboratory for the methods that find groups in networks of people."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Name to module: imported when first used, so that `simlab --help` does not wait for what it does not need.
_PLACES = {
    "DyadState": "simlab.panel",
    "Fieldwork": "simlab.fieldwork.observe",
    "Fit": "simlab.fit.fit",
    "Fitter": "simlab.fit.fit",
    "Grid": "simlab.study.design",
    "InputError": "simlab.foundation.errors",
    "Kind": "simlab.metrics.metric",
    "Louvain": "simlab.fit.louvain",
    "LpcmMcmc": "simlab.fit.lpcm_mcmc",
    "Network": "simlab.panel",
    "Panel": "simlab.panel",
    "Plan": "simlab.plan.problem",
    "Scenario": "simlab.generate.scenario",
    "SimlabError": "simlab.foundation.errors",
    "Simulation": "simlab.generate.simulate",
    "Spectral": "simlab.fit.spectral",
    "Study": "simlab.study.design",
    "Truth": "simlab.generate.truth",
    "between": "simlab.plan.space",
    "cases": "simlab.study.design",
    "fitters": "simlab.fit.fit",
    "grid": "simlab.study.design",
    "metric": "simlab.metrics.metric",
    "observe": "simlab.fieldwork.observe",
    "panel_from_networkx": "simlab.panel_read",
    "panel_from_tables": "simlab.panel_read",
    "read_panel": "simlab.panel_read",
    "run": "simlab.study.run",
    "scenario_from_fit": "simlab.plan.from_fit",
    "select_interviews": "simlab.fit.interviews",
    "simulate": "simlab.generate.simulate",
    "simulate_sparse": "simlab.generate.sparse",
    "stream": "simlab.foundation.streams",
    "summarise": "simlab.study.summary",
}

if TYPE_CHECKING:
    from simlab.fieldwork.observe import Fieldwork, observe
    from simlab.fit.fit import Fit, Fitter, fitters
    from simlab.fit.interviews import select_interviews
    from simlab.fit.louvain import Louvain
    from simlab.fit.lpcm_mcmc import LpcmMcmc
    from simlab.fit.spectral import Spectral
    from simlab.foundation.errors import InputError, SimlabError
    from simlab.foundation.streams import stream
    from simlab.generate.scenario import Scenario
    from simlab.generate.simulate import Simulation, simulate
    from simlab.generate.sparse import simulate_sparse
    from simlab.generate.truth import Truth
    from simlab.metrics.metric import Kind, metric
    from simlab.panel import DyadState, Network, Panel
    from simlab.panel_read import panel_from_networkx, panel_from_tables, read_panel
    from simlab.plan.from_fit import scenario_from_fit
    from simlab.plan.problem import Plan
    from simlab.plan.space import between
    from simlab.study.design import Grid, Study, cases, grid
    from simlab.study.run import run
    from simlab.study.summary import summarise

__all__ = [
    "DyadState",
    "Fieldwork",
    "Fit",
    "Fitter",
    "Grid",
    "InputError",
    "Kind",
    "Louvain",
    "LpcmMcmc",
    "Network",
    "Panel",
    "Plan",
    "Scenario",
    "SimlabError",
    "Simulation",
    "Spectral",
    "Study",
    "Truth",
    "between",
    "cases",
    "fitters",
    "grid",
    "metric",
    "observe",
    "panel_from_networkx",
    "panel_from_tables",
    "read_panel",
    "run",
    "scenario_from_fit",
    "select_interviews",
    "simulate",
    "simulate_sparse",
    "stream",
    "summarise",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'simlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
