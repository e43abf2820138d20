"""Kinds: what each part of a plan must be, checked before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simlab.fieldwork.settings import Fieldwork
from simlab.fit.fit import Fitter
from simlab.foundation.errors import InputError
from simlab.generate.scenario import Scenario
from simlab.plan.distributions import Distribution, unknown_of
from simlab.plan.precision import Precision
from simlab.plan.price import Price

_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "name": ((str,), "must be text of letters, digits, - and _: it names files"),
    "question": ((str,), "must be text, a sentence"),
    "design": ((Mapping,), "must be a mapping from a setting to between(low, high, step) or a list of levels"),
    "targets": ((list, tuple), "must be a list of one or more, such as P(ari >= 0.8) >= 0.9"),
    "fitters": ((Fitter, Mapping), "must be a fitter, or a mapping from label to fitter"),
    "scenario": ((Scenario, type(None)), "must be a Scenario"),
    "unknown": (
        (Mapping, type(None)),
        "must be a mapping from a setting to a range (low, high), a list or a distribution",
    ),
    "fieldwork": ((Fieldwork, type(None)), "must be a Fieldwork"),
    "price": ((Price, str), "must be a Price, or its formula as text"),
    "pilot_fitter": ((Fitter, type(None)), "must be a fitter with posterior draws, such as LpcmMcmc()"),
    "precision": ((Precision, type(None)), "must be a Precision"),
    "stored": ((list, tuple), "must be a list of names of metrics"),
    "script": ((str,), "must be text, the path of a script"),
}
# What worlds of any making have.
_WORLDS = ("uncertain", "values", "scenario", "key", "describe")


def check_kinds(given: Mapping[str, Any]) -> None:
    """Raise InputError for the first part of a plan that is of the wrong kind."""
    for name, value in given.items():
        if name in _KINDS and not isinstance(value, _KINDS[name][0]):
            raise InputError.of(name, value, _KINDS[name][1])
    for name in ("targets", "stored"):
        for each in given[name]:
            if not isinstance(each, str):
                raise InputError.of(name, each, f"{_KINDS[name][1]}, each of them text")
    pilot = given["pilot"]
    if pilot is not None and not all(hasattr(pilot, part) for part in _WORLDS):
        raise InputError.of("pilot", pilot, "must be worlds, as with_pilot makes them of a network")


def labelled(fitters: Mapping[str, Fitter] | Fitter) -> dict[str, Fitter]:
    """Return fitters by label; InputError where there is none, or something else."""
    by_label = {fitters.name: fitters} if isinstance(fitters, Fitter) else dict(fitters)
    if not by_label or not all(isinstance(k, str) and isinstance(f, Fitter) for k, f in by_label.items()):
        raise InputError.of("fitters", fitters, _KINDS["fitters"][1])
    return by_label


def distributions(given: Mapping[str, Any], base: Scenario) -> dict[str, Distribution]:
    """Return what is unknown by setting; as ``unknown_of``, with errors that say which setting of ``unknown`` is meant."""
    out: dict[str, Distribution] = {}
    for name, what in given.items():
        try:
            out |= unknown_of({name: what}, base)
        except InputError as error:
            text = str(error)
            if text.startswith("unknown: "):
                raise
            raise InputError(f"unknown: {text}" if text.startswith(str(name)) else f"unknown: {name}: {text}") from None
    return out
