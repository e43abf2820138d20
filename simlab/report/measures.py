"""Measures: what the figures draw, each with its reference, its axis and its limits."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import numpy as np

from simlab.report.choices import any_metric
from simlab.report.numbers import capital
from simlab.report.results import Results
from simlab.report.style import label

BAYES = "Bayes classifier"


@dataclass(frozen=True)
class Measure:
    """A measure to draw: its metric, the truth beside it, what the axis says, its limits, and the value of chance.

    ``least`` and ``most`` are what it can be: bars may reach beyond, the axis does not.
    """

    metric: str
    title: str
    axis: str
    truth: str = ""
    truth_name: str = ""
    truth_above: bool = True
    low: float = 0.0
    high: float = 1.0
    chance: float | None = None
    information: bool = False
    least: float = 0.0
    most: float = 1.0


RECOVERY = Measure(
    "ari",
    "Are the clusters found?",
    "adjusted Rand index\n(1: found exactly, 0: chance)",
    truth="bayes_ari",
    truth_name=BAYES,
    high=1.13,
    information=True,
    least=-0.5,
)
BRIDGERS = Measure(
    "bridger_auc", "Are bridgers found?", "area under the curve\nof the bridging score", low=0.4, high=1.02, chance=0.5
)
SWITCHING = Measure(
    "seen_switching",
    "How much switching is seen?",
    "share of stayers\nwho switch cluster",
    truth="true_switching",
    truth_name="true switching",
    truth_above=False,
)
PERSISTENCE = Measure(
    "core_persistence",
    "How stable do clusters look?",
    "share of a cluster's stayers\nstill together",
    truth="true_core_persistence",
    truth_name="true share",
    high=1.04,
)


def any_measure(results: Results) -> Measure | None:
    """Return the measure to draw for a study that measures none of the usual ones; None where there is none."""
    name = any_metric(results)
    if not name:
        return None
    variable = results.dataset[name]
    low, high = min(float(variable.min()), 0.0), max(float(variable.max()), 0.0)
    units = str(variable.attrs.get("units", "1"))
    axis = "\n".join(textwrap.wrap(label(results.long_name(name) + (f" ({units})" if units != "1" else ""), 80), 30))
    return Measure(
        name,
        capital(label(results.long_name(name), 50)),
        axis,
        low=low,
        high=1.04 * high or 1.0,
        least=-np.inf,
        most=np.inf,
    )
