"""Time and convergence of a fit, and the share of actors that it is about."""

from __future__ import annotations

from simlab.fit.fit import Fit, Status
from simlab.generate.truth import NetworkTruth
from simlab.metrics.metric import NAN, Kind, metric

_RHAT = "Vehtari et al. 2021"


@metric("seconds", kind=Kind.FIT, long_name="time of the fit", units="s", reference="wall clock", low=0.0)
def seconds(fit: Fit, truth: NetworkTruth) -> float:
    """Return the time the fit took."""
    return fit.seconds


@metric(
    "share_scored",
    kind=Kind.FIT,
    long_name="share of actors that the fit has",
    reference="listwise deletion and a narrow boundary lower it",
    low=0.0,
    high=1.0,
    whole=True,
)
def share_scored(fit: Fit, truth: NetworkTruth) -> float:
    """Return the share of the actors who truly belong that the fit has: all others are in no metric of fits."""
    return len(set(fit.actors) & set(truth.actors)) / len(truth.actors)


@metric("converged", kind=Kind.FIT, long_name="fit converged", reference=_RHAT, low=0.0, high=1.0)
def converged(fit: Fit, truth: NetworkTruth) -> float:
    """Return 1 where the fit is ok, 0 where it did not converge."""
    return float(fit.status == Status.OK)


@metric(
    "rhat", kind=Kind.FIT, long_name="largest rhat of log-density, intercept and distance", reference=_RHAT, low=0.9
)
def rhat(fit: Fit, truth: NetworkTruth) -> float:
    """Return the largest rhat; NaN for fitters without chains."""
    return fit.diagnostics.get("rhat", NAN)


@metric(
    "ess_bulk",
    kind=Kind.FIT,
    long_name="least effective draws of log-density, intercept and distance",
    reference=_RHAT,
    low=0.0,
)
def ess_bulk(fit: Fit, truth: NetworkTruth) -> float:
    """Return the least bulk effective sample size; NaN for fitters without chains."""
    return fit.diagnostics.get("ess_bulk", NAN)


@metric("divergences", kind=Kind.FIT, long_name="divergent trajectories", reference="Betancourt 2017", low=0.0)
def divergences(fit: Fit, truth: NetworkTruth) -> float:
    """Return the number of draws with a divergent trajectory; NaN for fitters without them."""
    return fit.diagnostics.get("divergences", NAN)
