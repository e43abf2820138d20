"""The command list."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from simlab.fit.fit import fitters
from simlab.generate.catalog import scenarios
from simlab.generate.simulate import simulate
from simlab.metrics.metric import metrics
from simlab.metrics.references import expected_bayes_ari, information_of

_WORLDS = 20


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


def _show(name: str, summary: str, reference: str) -> None:
    lines: Iterable[str] = textwrap.wrap(f"{summary} [{reference}]", 84)
    for i, line in enumerate(lines):
        print(f"  {name if i == 0 else '':26s} {line}")
