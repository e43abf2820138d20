"""Metric: a plain function with a name, units, range and reference; and how metrics of each kind are computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from simlab.fit.fit import Fit, Status
from simlab.foundation.registry import Registry
from simlab.generate.truth import NetworkTruth
from simlab.panel import Network

NAN = float("nan")

Key = tuple[str, str, str]


class Kind(StrEnum):
    """What a metric is a function of. A change compares a period with the one before."""

    FIT = "fit"  # (Fit, NetworkTruth)
    FIT_CHANGE = "fit_change"  # (Fit before, Fit after)
    CORE_CHANGE = "core_change"  # (Fit before, Fit after, NetworkTruth before, NetworkTruth after)
    FIELD_CHANGE = "field_change"  # (Network before, Network after), as the field saw them, whatever the fitter
    TRUTH = "truth"  # (NetworkTruth)
    TRUTH_CHANGE = "truth_change"  # (NetworkTruth before, NetworkTruth after)
    PANEL = "panel"  # (every Fit by (site, relation, period), every NetworkTruth by the same)

    @property
    def of_fits(self) -> bool:
        """Whether the metric has a value for each cell, of what its field saw or its fitter found."""
        return self not in (Kind.TRUTH, Kind.TRUTH_CHANGE)

    @property
    def of_change(self) -> bool:
        """Whether the metric compares two periods."""
        return self not in (Kind.FIT, Kind.TRUTH, Kind.PANEL)


@dataclass(frozen=True)
class Metric:
    """A metric. ``low`` and ``high`` are the limits of its range (None: none); NaN where it is not defined.

    A fit may be of other actors than the truth: a boundary or listwise deletion leaves some out, and outsiders are nobody
    of whom there is a truth. Fits and truths are compared over the actors of both, in the order of the fit, unless
    ``whole``; NaN where they have fewer than two in common. A metric of the truth alone is over all its actors.
    """

    name: str
    kind: Kind
    function: Callable[..., float]
    long_name: str
    units: str
    low: float | None
    high: float | None
    whole: bool = False

    def of_network(self, fit: Fit | None, truth: NetworkTruth) -> float:
        """Return the value for one network; NaN where the metric compares periods or the fit failed."""
        if self.kind == Kind.TRUTH:
            return float(self.function(truth))
        if self.kind == Kind.FIT and fit is not None and fit.status != Status.FAILED:
            if not self.whole:
                fit, truth = in_common(fit, truth)
                if len(fit.actors) < 2:
                    return NAN
            return float(self.function(fit, truth))
        return NAN

    def of_periods(
        self,
        before: Fit | None,
        after: Fit | None,
        truth_before: NetworkTruth,
        truth_after: NetworkTruth,
        *,
        seen: tuple[Network, Network] | None = None,
    ) -> float:
        """Return the value for a period and the one before; NaN where the metric is of one network or a fit failed.

        ``seen`` are the two networks as the field saw them; without them a change in what was seen is NaN.
        """
        if self.kind == Kind.TRUTH_CHANGE:
            return float(self.function(truth_before, truth_after))
        if self.kind == Kind.FIELD_CHANGE:
            return NAN if seen is None else float(self.function(*seen))
        if before is None or after is None or Status.FAILED in (before.status, after.status):
            return NAN
        if not self.whole:
            before, truth_before = in_common(before, truth_before)
            after, truth_after = in_common(after, truth_after)
        if self.kind == Kind.FIT_CHANGE:
            return float(self.function(before, after))
        if self.kind == Kind.CORE_CHANGE:
            return float(self.function(before, after, truth_before, truth_after))
        return NAN

    def of_panel(self, fits: Mapping[Key, Fit], truths: Mapping[Key, NetworkTruth]) -> float:
        """Return the value for all networks together; NaN where the metric is not of a panel, or not all have a fit."""
        if self.kind != Kind.PANEL or any(key not in fits or fits[key].status == Status.FAILED for key in truths):
            return NAN
        pairs = {key: (fits[key], truth) for key, truth in truths.items()}
        if not self.whole:
            pairs = {key: in_common(*pair) for key, pair in pairs.items()}
            if any(len(fit.actors) < 2 for fit, _ in pairs.values()):
                return NAN
        return float(self.function({k: fit for k, (fit, _) in pairs.items()}, {k: t for k, (_, t) in pairs.items()}))


def in_common(fit: Fit, truth: NetworkTruth) -> tuple[Fit, NetworkTruth]:
    """Return fit and truth of the actors that both have, in the order of the fit."""
    if fit.actors == truth.actors:
        return fit, truth
    true = set(truth.actors)
    actors = tuple(actor for actor in fit.actors if actor in true)
    return fit.of(actors), truth.of(actors)


metrics: Registry[Metric] = Registry("metric")

F = TypeVar("F", bound=Callable[..., float])


def metric(
    name: str,
    *,
    kind: Kind,
    long_name: str,
    reference: str,
    units: str = "1",
    low: float | None = None,
    high: float | None = None,
    whole: bool = False,
) -> Callable[[F], F]:
    """Return a decorator that registers a function as a metric; the function itself stays as it is.

    ``whole`` : see Metric.
    """

    def add(function: F) -> F:
        thing: Any = Metric(name, kind, function, long_name, units, low, high, whole)
        metrics.register(name, summary=long_name, reference=reference)(thing)
        return function

    return add
