"""Regularised spectral embedding with a Gaussian mixture."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simlab.fit.bridging import membership_entropy, participation
from simlab.fit.fit import ClusterCountFitter, Fit, Status, fitters
from simlab.models.mixture import Mixture, fit_mixture
from simlab.panel import Network
from simlab.partition import canonical

Floats = NDArray[np.float64]


@fitters.register(
    "spectral",
    summary="regularised spectral embedding, then a Gaussian mixture",
    reference="Qin & Rohe 2013; Fraley & Raftery 2002",
)
class Spectral(ClusterCountFitter):
    """Spectral clustering of the regularised normalised adjacency, with a mixture of spherical normals.

    Ties are made undirected by the share of answers that say tie. Where the number of clusters is a range, it is chosen by
    the BIC of the mixture in one embedding for all candidates, of as many dimensions as the gap between singular values
    shows (Zhu & Ghodsi 2006).
    """

    name: ClassVar[str] = "spectral"

    n_starts: int = Field(10, ge=1, description="k-means starts of the mixture")

    def estimate(self, network: Network, rng: np.random.Generator) -> Fit:
        """Return the fit of one network."""
        weights = network.weights()
        candidates = self.candidates(network.n_actors)
        values, vectors = _spectrum(weights)
        choice: dict[int, float] = {}
        fits: dict[int, Mixture] = {}
        chosen_dims = _elbow(np.abs(values[: max(2, candidates[-1] + 1)]))
        for n_clusters in candidates:
            n_dims = n_clusters if len(candidates) == 1 else max(chosen_dims, 2)
            points = _embedding(vectors[:, : min(n_dims, len(weights))])
            fits[n_clusters] = fit_mixture(points, n_clusters, rng, n_starts=self.n_starts)
            choice[n_clusters] = fits[n_clusters].bic
        best = min(choice, key=lambda g: choice[g])
        member = fits[best].membership
        used = list(dict.fromkeys(fits[best].labels.tolist()))
        member = member[:, used + [g for g in range(best) if g not in used]]
        labels = canonical(fits[best].labels)
        return Fit(
            fitter=self.name,
            actors=network.actors,
            status=Status.OK,
            message="",
            labels=labels,
            membership=member,
            positions=None,
            bridging={
                "membership_entropy": membership_entropy(member),
                "participation": participation(weights, labels),
            },
            bridging_score="participation",
            choice={"bic": choice} if len(candidates) > 1 else {},
        )


def _spectrum(weights: Floats) -> tuple[Floats, Floats]:
    """Return eigenvalues, largest in size first, and vectors of D^-1/2 A D^-1/2, degrees raised by their mean."""
    degree = weights.sum(axis=1)
    tau = degree.mean() if degree.any() else 1.0
    scale = 1.0 / np.sqrt(degree + tau)
    values, vectors = np.linalg.eigh(scale[:, None] * weights * scale[None])
    order = np.argsort(-np.abs(values), kind="stable")
    values, vectors = values[order], vectors[:, order]
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    return values, vectors * np.where(signs == 0, 1.0, signs)


def _embedding(vectors: Floats) -> Floats:
    """Return the vectors with rows of length 1, so that degree does not separate actors; rows of zeros stay."""
    length = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-12)


def _elbow(values: Floats) -> int:
    """Return where the profile likelihood of two normal groups splits the decreasing values (Zhu & Ghodsi 2006)."""
    best, best_value = 1, -np.inf
    for q in range(1, len(values)):
        one, other = values[:q], values[q:]
        squares = ((one - one.mean()) ** 2).sum() + ((other - other.mean()) ** 2).sum()
        value = -0.5 * len(values) * np.log(max(squares / max(len(values) - 2, 1), 1e-12))
        if value > best_value:
            best, best_value = q, value
    return best
