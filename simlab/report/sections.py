"""Sections of the page that are words: the design, failures, limits, provenance."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from simlab.fieldwork.observe import Fieldwork
from simlab.fit.fit import fitters
from simlab.foundation.errors import shown
from simlab.foundation.settings import Settings
from simlab.generate.scenario import Scenario
from simlab.report.numbers import listed, plain, words
from simlab.report.results import Results
from simlab.study.cell import FAILED, NOT_CONVERGED, PENDING, STATUS_NAMES
from simlab.study.storage import Storage

_MOST_KINDS = 12
_MOST_CELLS = 5
_MOST_CASES = 24
_MOST_LEVELS = 60
# Which of their ties people name, by which names are dropped.
_DROPPED = {
    "at-random": "a random choice of their ties",
    "weakest": "the strongest of their ties",
    "farthest": "the nearest of their ties",
    "within-organisation": "ties outside their organisation first",
    "between-organisations": "ties within their organisation first",
}


class Pair(NamedTuple):
    """A heading and its text."""

    name: str
    text: str


class Factor(NamedTuple):
    """A dimension of the design: its name, its levels, and what it is."""

    name: str
    levels: str
    meaning: str


class Trouble(NamedTuple):
    """One kind of failure: what happened, how often, and the ids of the first cells."""

    status: str
    message: str
    number: int
    cells: tuple[str, ...]


def factors(results: Results) -> list[Factor]:
    """Return what is varied, with its levels."""
    out = []
    for dim in results.dims:
        kind = Scenario if dim in results.scenario_dims else Fieldwork
        known = kind.model_fields.get(dim)
        described = known.description or "" if known is not None else "each is described below"
        out.append(Factor(words(dim), _levels(results.levels(dim)), described))
    for dim, meaning in (
        ("site", "networks of their own"),
        ("relation", "ties of several kinds"),
        ("period", "over time"),
    ):
        names = [str(v) for v in results.dataset[dim].values]
        if len(names) > 1:
            out.append(Factor(dim, _levels(names), meaning))
    out.append(Factor("replicate", f"{results.replicates}", "worlds a scenario; all fitters see the same ones"))
    return out


def _levels(levels: Sequence[float | str]) -> str:
    told = ", ".join(shown(plain(level)) for level in levels[:_MOST_LEVELS])
    return told + (f" and {len(levels) - _MOST_LEVELS} more" if len(levels) > _MOST_LEVELS else "")


def fitter_lines(results: Results) -> list[tuple[str, str, str]]:
    """Return each fitter's label, what it is, and its settings that differ from the defaults."""
    out = []
    for label, entry in results.design["fitters"].items():
        name = shown(entry["name"])
        if name in fitters:
            known = fitters[name]
            what = f"{name}: {known.summary} ({known.reference})"
            given = _differing(entry["settings"], known.thing)
        else:
            what, given = f"{name}, which is not registered here", dict(entry["settings"])
        out.append((shown(label), what, _settings(given) or "all settings as by default"))
    return out


def case_lines(results: Results, kind: str) -> list[Pair]:
    """Return the settings of each scenario or fieldwork that differ from the defaults, apart from the levels of factors.

    One line for all where they are the same.
    """
    grid = results.design[kind]
    model: type[Settings] = Scenario if kind == "scenarios" else Fieldwork
    labels: Mapping[str, list[Any]] = grid["labels"]
    named = [d for d in labels if d not in model.model_fields]
    lines: dict[str, str] = {}
    for index, settings in zip(np.ndindex(*(len(v) for v in labels.values())), grid["settings"], strict=True):
        given = {k: v for k, v in _differing(settings, model).items() if k not in labels}
        name = ", ".join(plain(labels[d][i]) for d, i in zip(labels, index, strict=True) if d in named)
        lines.setdefault(name, _settings(given) or "all settings as by default")
    return [Pair(shown(name, 200), text) for name, text in list(lines.items())[:_MOST_CASES]]


def _differing(settings: Mapping[str, Any], model: type[Settings]) -> dict[str, Any]:
    defaults = {name: field.default for name, field in model.model_fields.items()}
    return {k: v for k, v in settings.items() if _listed(v) != _listed(defaults.get(k, "unknown"))}


def _listed(value: Any) -> Any:
    return [_listed(v) for v in value] if isinstance(value, (list, tuple)) else value


def _settings(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{words(k)} {shown(_value(v), 400)}" for k, v in given.items())


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"({', '.join(_value(v) for v in value)})"
    return "none" if value is None else shown(plain(value), 80)


def troubles(results: Results, *, failed: bool) -> list[Trouble]:
    """Return the kinds of failure (or of fits that did not converge), most frequent first.

    Messages that differ in their numbers alone are one kind.
    """
    status = results.dataset["status"]
    wanted = status.values >= FAILED if failed else status.values == NOT_CONVERGED
    found: dict[tuple[str, str], list[tuple[int, ...]]] = {}
    texts: dict[tuple[str, str], str] = {}
    for place in np.argwhere(wanted):
        at = tuple(int(i) for i in place)
        message = str(results.dataset["message"].values[at])
        kind = (STATUS_NAMES[int(status.values[at])], re.sub(r"\d+(\.\d+)?", "#", message))
        found.setdefault(kind, []).append(at)
        texts.setdefault(kind, message)
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))[:_MOST_KINDS]
    return [
        Trouble(
            kind[0].replace("_", " "),
            shown(texts[kind], 300) or "no message",
            len(places),
            tuple(results.cell_id(dict(zip(map(str, status.dims), at, strict=True))) for at in places[:_MOST_CELLS]),
        )
        for kind, places in ordered
    ]


def progress(results: Results) -> str:
    """Return how far an unfinished study is; empty where it is finished."""
    counts = results.counts()
    total, pending = sum(counts.values()), counts.get(PENDING, 0)
    if not pending:
        return ""
    return f"Unfinished: {total - pending} of {total} cells are done. All numbers are of what is done so far."


def failures(results: Results) -> str:
    """Return how many cells failed; empty where none did."""
    counts = results.counts()
    count = sum(n for code, n in counts.items() if code >= FAILED)
    return f"{count} of {sum(counts.values())} cells failed; they are left out of the means." if count else ""


def limits(results: Results) -> list[str]:
    """Return in plain words what the study cannot say."""
    out = [
        "All networks are simulated from a latent position model with round clusters. A method that fits this family is at home"
        " here; real networks may be of another kind, and then it may do worse than these numbers say.",
        "The Monte Carlo standard errors say how much the means would change with other replicates, and nothing of how well the"
        " scenarios resemble any one organisation.",
    ]
    if results.has("information"):
        out.append(
            "The information line cλ² = 1 is a threshold of large, sparse networks with clusters of equal size, and is computed"
            " from the true ties before any fieldwork. In small networks it is a guide: something can be found below it."
        )
    if results.has("bayes_ari"):
        out.append(
            "The Bayes classifier sees true positions only. It bounds the mean of methods that see no more than the ties give"
            " away of positions; attributes, a second period or luck on one network can beat it."
        )
    given = [name for name in results.fitters if not results.chooses(name)]
    if given:
        out.append(f"The number of clusters was given to {shown(listed(given), 1000)}; without it they may find less.")
    settings = results.design["fieldworks"]["settings"]
    limited = [s for s in settings if s.get("max_nominations")]
    if limited:
        first = {_DROPPED.get(str(s.get("dropped", "at-random")), "some of their ties") for s in limited}
        named = " or ".join(sorted(first))
        out.append(f"With a limited number of names, actors name {named}, and the rest is read as no tie.")
    if results.has("share_scored") and float(results.dataset["share_scored"].min()) < 1.0:
        out.append(
            "Some fits are not of all actors, since the boundary or listwise deletion leaves some out: metrics of fits are over"
            " the actors that a fit has (share scored), those of the truth over all."
        )
    if results.replicates < 10:
        out.append(f"With {results.replicates} replicates the standard errors themselves are rough.")
    if results.counts().get(NOT_CONVERGED, 0):
        out.append("Fits that did not converge are in all means: to leave them out would flatter the method.")
    return out


def origin(results: Results) -> list[Pair]:
    """Return versions, machine, seed and time of creation."""
    provenance = results.provenance
    versions = provenance.get("versions", {})
    machine = provenance.get("machine", {})
    return [
        Pair("Created", str(provenance.get("created", ""))),
        Pair("Seed", str(results.design.get("seed", ""))),
        Pair("Versions", ", ".join(f"{name} {number}" for name, number in versions.items() if number)),
        Pair("Machine", ", ".join(str(v) for v in machine.values() if v)),
        Pair(
            "Version of the store",
            f"{results.dataset.attrs['schema_version']}, of the numbers {results.design['results_version']}",
        ),
    ]


def commands(results: Results, store: Storage, cell: str) -> list[Pair]:
    """Return the commands that make the numbers again."""
    name = shlex.quote(store.last)
    seed, replicates = results.design.get("seed", 1), results.replicates
    out = [
        Pair(
            "The whole study, from its script",
            f"simlab run SCRIPT --seed {seed} --replicates {replicates} --out {name}",
        )
    ]
    if cell:
        out.append(Pair("One cell, exactly", f"simlab replay {name} --cell {shlex.quote(cell)}"))
    out.append(Pair("All numbers in one file", f"simlab export {name} -o {shlex.quote(store.name + '.nc')}"))
    return out
