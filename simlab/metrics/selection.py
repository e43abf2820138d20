"""The number of clusters: chosen against true."""

from __future__ import annotations

from simlab.fit.fit import Fit
from simlab.generate.truth import NetworkTruth
from simlab.metrics.metric import NAN, Kind, metric


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


@metric(
    "claims_clusters",
    kind=Kind.FIT,
    long_name="more than one cluster is claimed",
    reference="clusters that have actors; isolates on their own do not count",
    low=0.0,
    high=1.0,
)
def claims_clusters(fit: Fit, truth: NetworkTruth) -> float:
    """Return 1 where at least two clusters have two actors or more, else 0."""
    return float((fit.sizes > 1).sum() > 1)


def chosen_by(fit: Fit, criterion: str) -> float:
    """Return the number of clusters with the lowest value of a criterion; NaN where it was not computed or has no value."""
    values = {g: v for g, v in fit.choice.get(criterion, {}).items() if v == v}
    return float(min(values, key=lambda g: values[g])) if values else NAN


@metric("chosen_bic", kind=Kind.FIT, long_name="number of clusters with the lowest BIC", reference="BIC", low=1.0)
def chosen_bic(fit: Fit, truth: NetworkTruth) -> float:
    """Return the number of clusters that BIC takes, whatever the fitter chose by; NaN without BIC."""
    return chosen_by(fit, "bic")


@metric("chosen_icl", kind=Kind.FIT, long_name="number of clusters with the lowest ICL", reference="ICL", low=1.0)
def chosen_icl(fit: Fit, truth: NetworkTruth) -> float:
    """Return the number of clusters that ICL takes; NaN without ICL."""
    return chosen_by(fit, "icl")


@metric(
    "chosen_cross_validation",
    kind=Kind.FIT,
    long_name="number of clusters that foresees held-out dyads best",
    reference="cross-validation",
    low=1.0,
)
def chosen_cross_validation(fit: Fit, truth: NetworkTruth) -> float:
    """Return the number of clusters that cross-validation takes; NaN without it."""
    return chosen_by(fit, "cross_validation")


@metric(
    "chosen_posterior",
    kind=Kind.FIT,
    long_name="number of clusters with the highest posterior probability",
    reference="overfitted mixture, Malsiner-Walli, Fruhwirth-Schnatter & Grun 2016",
    low=1.0,
)
def chosen_posterior(fit: Fit, truth: NetworkTruth) -> float:
    """Return the number of clusters of highest posterior probability; NaN without it."""
    return chosen_by(fit, "posterior")
