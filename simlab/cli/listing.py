"""The command list."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable

from simlab.fit.fit import fitters
from simlab.foundation.errors import UnknownNameError
from simlab.foundation.registry import Entry
from simlab.generate.catalog import FACTS, scenarios
from simlab.generate.scenario import Scenario
from simlab.generate.structures import structures
from simlab.metrics.metric import metrics


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
    print("\nsimlab list NAME shows one scenario with its settings.")


def show_scenario(name: str) -> None:
    """Print one scenario of the catalog: its sentence, how hard its clusters are to find, and its settings.

    Raises UnknownNameError, an InputError, for a name that is not in the catalog.
    """
    if name not in scenarios:
        raise UnknownNameError.among("scenario", name, scenarios.names())
    entry = scenarios[name]
    _show(entry.name, f"{entry.summary} ({facts(entry)})", entry.reference)
    given = entry.thing.given()
    for field, value in entry.thing.everything().items():
        about = Scenario.model_fields[field].description or ""
        mark = "*" if field in given else " "
        print(f"  {mark} {field} = {json.dumps(value)}{f'  # {about}' if about else ''}")
    print("  * differs from the default")


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
