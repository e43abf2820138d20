"""The command list."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from simlab.cli.settings_table import settings_table
from simlab.fit.fit import Fitter, fitters
from simlab.foundation.errors import UnknownNameError
from simlab.foundation.registry import Entry
from simlab.generate.catalog import FACTS, scenarios
from simlab.generate.scenario import Scenario
from simlab.generate.structures import structures
from simlab.metrics.metric import Kind, Metric, metrics

_WIDTH = 110
# What a metric is computed from.
_GIVEN = {
    Kind.FIT: "of a fit, and the truth",
    Kind.FIT_CHANGE: "of the fits of a period and the one before",
    Kind.CORE_CHANGE: "of the fits of a period and the one before, and the truth",
    Kind.FIELD_CHANGE: "of what the field saw in a period and the one before, whatever the fitter",
    Kind.TRUTH: "of the truth alone, whatever the fitter",
    Kind.TRUTH_CHANGE: "of the truth of a period and the one before, whatever the fitter",
    Kind.PANEL: "of the fits of all networks together, and the truth",
}


def show_list() -> None:
    """Print all that is registered."""
    print("scenarios (with information c lambda^2, and the Bayes classifier's adjusted Rand index)")
    for entry in scenarios:
        _show(entry.name, f"{entry.summary} ({facts(entry)})", entry.reference)
    print("\nstructures of scenarios")
    for structure in structures:
        _show(structure.name, structure.summary, structure.reference)
    print("\nfitters")
    for fitter in fitters:
        _show(fitter.name, fitter.summary, fitter.reference)
    print("\nmetrics")
    for metric in metrics:
        _show(metric.name, f"{metric.summary}, {metric.thing.units}", metric.reference)
    print("\n`simlab list NAME` shows one of them with its settings.")


def show_one(name: str) -> None:
    """Print what there is under a name, with its settings; UnknownNameError where there is nothing."""
    shown: list[list[str]] = []
    if name in scenarios:
        shown.append(_scenario(scenarios[name]))
    if name in structures:
        entry = structures[name]
        shown.append(_head("structure of scenarios", entry.name, entry.summary, entry.reference))
    if name in fitters:
        shown.append(_fitter(fitters[name]))
    if name in metrics:
        shown.append(_metric(metrics[name]))
    if not shown:
        known = [*scenarios.names(), *structures.names(), *fitters.names(), *metrics.names()]
        raise UnknownNameError.among("scenario, structure, fitter or metric", name, known)
    print("\n\n".join("\n".join(lines) for lines in shown))


def _head(kind: str, name: str, summary: str, reference: str) -> list[str]:
    return [
        f"{name}, a {kind}",
        *(textwrap.fill(text, _WIDTH, initial_indent="  ", subsequent_indent="  ") for text in (summary, reference)),
    ]


def _fitter(entry: Entry[type[Fitter]]) -> list[str]:
    head = _head("fitter", entry.name, entry.summary, entry.reference)
    use = f"  simlab fit NETWORK --fitter {entry.name} --set SETTING=VALUE"
    if "n_clusters" in entry.thing.model_fields:
        use += " (for n_clusters: --clusters 3, or 1:6)"
    if not entry.thing.model_fields:
        return [*head, "", "  It has no settings."]
    return [*head, "", *settings_table(entry.thing), "", use]


def _scenario(entry: Entry[Scenario]) -> list[str]:
    head = _head("scenario", entry.name, f"{entry.summary} ({facts(entry)})", entry.reference)
    given = entry.thing.given()
    if not given:
        return [*head, "", "  Every setting has its default."]
    return [*head, "", "  Settings that differ from their defaults:", *settings_table(type(entry.thing), given)]


def _metric(entry: Entry[Metric]) -> list[str]:
    metric = entry.thing
    low = f"from {metric.low:g}" if metric.low is not None else ""
    high = f"to {metric.high:g}" if metric.high is not None else ""
    limits = " ".join(filter(None, (low, high))) or "without limits"
    head = _head("metric", entry.name, entry.summary, entry.reference)
    return [*head, "", f"  {_GIVEN[metric.kind]}; unit {metric.units}, {limits}"]


def facts(entry: Entry[Scenario]) -> str:
    """Return in words what the catalog knows of how hard the clusters of a scenario are to find."""
    if entry.thing.n_clusters == 1:
        return "one cluster" if entry.thing.structure == "latent" else "no clusters"
    if entry.name not in FACTS:
        return f"{entry.thing.n_clusters} clusters"
    known = FACTS[entry.name]
    bayes = "" if known.bayes_ari is None else f", Bayes {known.bayes_ari:.2f}"
    return f"information {known.information:.1f}{bayes}"


def _show(name: str, summary: str, reference: str) -> None:
    lines: Iterable[str] = textwrap.wrap(f"{summary} [{reference}]", 84)
    for i, line in enumerate(lines):
        print(f"  {name if i == 0 else '':26s} {line}")
