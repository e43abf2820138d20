"""The command list."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from simlab.cli.settings_table import settings_table
from simlab.fit.fit import Fitter, fitters
from simlab.foundation.errors import UnknownNameError
from simlab.foundation.registry import Entry
from simlab.generate.catalog import scenarios
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.metrics.metric import Kind, Metric, metrics
from simlab.metrics.references import expected_bayes_ari, information_of

_WORLDS = 20
_WIDTH = 110
# What a metric is computed from.
_GIVEN = {
    Kind.FIT: "of a fit, and the truth",
    Kind.FIT_CHANGE: "of the fits of a period and the one before",
    Kind.CORE_CHANGE: "of the fits of a period and the one before, and the truth",
    Kind.TRUTH: "of the truth alone, whatever the fitter",
    Kind.TRUTH_CHANGE: "of the truth of a period and the one before, whatever the fitter",
}


def show_list() -> None:
    """Print all that is registered."""
    print("scenarios (with information c lambda^2, and the Bayes classifier's adjusted Rand index)")
    for entry in scenarios:
        world = entry.thing.but(n_periods=1, n_sites=1, relations=entry.thing.relations[:1])
        truth = simulate(world, seed=0).truth
        network = truth.network(truth.sites[0], world.relations[0], "1")
        facts = "one cluster"
        if world.n_clusters > 1:
            bayes, _ = expected_bayes_ari(world, n_worlds=_WORLDS)
            facts = f"information {information_of(network.either, network.labels):.1f}, Bayes {bayes:.2f}"
        _show(entry.name, f"{entry.summary} ({facts})", entry.reference)
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
    if name in fitters:
        shown.append(_fitter(fitters[name]))
    if name in metrics:
        shown.append(_metric(metrics[name]))
    if not shown:
        known = [*scenarios.names(), *fitters.names(), *metrics.names()]
        raise UnknownNameError.among("scenario, fitter or metric", name, known)
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
    head = _head("scenario", entry.name, entry.summary, entry.reference)
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


def _show(name: str, summary: str, reference: str) -> None:
    lines: Iterable[str] = textwrap.wrap(f"{summary} [{reference}]", 84)
    for i, line in enumerate(lines):
        print(f"  {name if i == 0 else '':26s} {line}")
