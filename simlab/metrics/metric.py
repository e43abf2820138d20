"""Metric: a plain function with a name, units, range and reference; and how metrics of each kind are computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from simlab.fit.fit import Fit, Status
from simlab.foundation.registry import Registry
from simlab.generate.truth import NetworkTruth

NAN = float("nan")


class Kind(StrEnum):
    """What a metric is a function of. A change compares a period with the one before."""

    FIT = "fit"  # (Fit, NetworkTruth)
    FIT_CHANGE = "fit_change"  # (Fit before, Fit after)
    CORE_CHANGE = "core_change"  # (Fit before, Fit after, NetworkTruth before, NetworkTruth after)
    TRUTH = "truth"  # (NetworkTruth)
    TRUTH_CHANGE = "truth_change"  # (NetworkTruth before, NetworkTruth after)

    @property
    def of_fits(self) -> bool:
        """Whether the metric depends on the fitter."""
        return self not in (Kind.TRUTH, Kind.TRUTH_CHANGE)

    @property
    def of_change(self) -> bool:
        """Whether the metric compares two periods."""
        return self not in (Kind.FIT, Kind.TRUTH)


@dataclass(frozen=True)
class Metric:
    """A metric. ``low`` and ``high`` are the limits of its range (None: none); NaN where it is not defined."""

    name: str
    kind: Kind
    function: Callable[..., float]
    long_name: str
    units: str
    low: float | None
    high: float | None

    def of_network(self, fit: Fit | None, truth: NetworkTruth) -> float:
        """Return the value for one network; NaN where the metric compares periods or the fit failed."""
        if self.kind == Kind.TRUTH:
            return float(self.function(truth))
        if self.kind == Kind.FIT and fit is not None and fit.status != Status.FAILED:
            return float(self.function(fit, truth))
        return NAN

    def of_periods(
        self, before: Fit | None, after: Fit | None, truth_before: NetworkTruth, truth_after: NetworkTruth
    ) -> float:
        """Return the value for a period and the one before; NaN where the metric is of one network or a fit failed."""
        if self.kind == Kind.TRUTH_CHANGE:
            return float(self.function(truth_before, truth_after))
        if before is None or after is None or Status.FAILED in (before.status, after.status):
            return NAN
        if self.kind == Kind.FIT_CHANGE:
            return float(self.function(before, after))
        if self.kind == Kind.CORE_CHANGE:
            return float(self.function(before, after, truth_before, truth_after))
        return NAN


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
) -> Callable[[F], F]:
    """Return a decorator that registers a function as a metric; the function itself stays as it is."""

    def add(function: F) -> F:
        thing: Any = Metric(name, kind, function, long_name, units, low, high)
        metrics.register(name, summary=long_name, reference=reference)(thing)
        return function

    return add
