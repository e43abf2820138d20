"""The number of clusters: chosen against true."""

from __future__ import annotations

from simlab.fit.fit import Fit
from simlab.generate.truth import NetworkTruth
from simlab.metrics.metric import Kind, metric


@metric("n_clusters_chosen", kind=Kind.FIT, long_name="number of clusters chosen", reference="of the fitter", low=1.0)
def n_clusters_chosen(fit: Fit, truth: NetworkTruth) -> float:
    """Return the number of clusters of the fit."""
    return float(fit.n_clusters)


@metric("n_clusters_error", kind=Kind.FIT, long_name="clusters chosen minus true clusters", reference="bias")
def n_clusters_error(fit: Fit, truth: NetworkTruth) -> float:
    """Return the number of clusters of the fit minus the true number."""
    return float(fit.n_clusters - truth.scenario.n_clusters)


@metric(
    "n_clusters_used",
    kind=Kind.FIT,
    long_name="number of clusters that have actors",
    reference="of the fitter",
    low=1.0,
)
def n_clusters_used(fit: Fit, truth: NetworkTruth) -> float:
    """Return the number of clusters that are not empty."""
    return float((fit.sizes > 0).sum())
