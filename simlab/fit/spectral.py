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
from simlab.partition import canonical, first_mentioned

Floats = NDArray[np.float64]


@fitters.register(
    "spectral",
    summary="regularised spectral embedding, then a Gaussian mixture",
    reference="Qin & Rohe 2013; Fraley & Raftery 2002",
)
class Spectral(ClusterCountFitter):
    """Spectral clustering of the regularised normalised adjacency, with a mixture of spherical normals.

    Ties are made undirected by the share of answers that say tie. The embedding has as many dimensions as clusters, and
    the normals have one variance. Where the number of clusters is a range, the one with the highest modularity is chosen
    (the BIC of a mixture in a spectral embedding mostly takes the largest number it is offered).
    """

    name: ClassVar[str] = "spectral"

    n_starts: int = Field(default=10, ge=1, description="k-means starts of the mixture")

    def estimate(self, network: Network, rng: np.random.Generator) -> Fit:
        """Return the fit of one network."""
        weights = network.weights()
        candidates = self.candidates(network.n_actors)
        vectors = _spectrum(weights)
        choice: dict[int, float] = {}
        fits: dict[int, Mixture] = {}
        for n_clusters in candidates:
            points = _embedding(vectors[:, :n_clusters])
            fits[n_clusters] = fit_mixture(points, n_clusters, rng, n_starts=self.n_starts, common_variance=True)
            choice[n_clusters] = -modularity(weights, fits[n_clusters].labels)
        best = min(choice, key=lambda g: choice[g])
        member = fits[best].membership
        member = member[:, first_mentioned(fits[best].labels, best)]
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
            choice={"minus_modularity": choice} if len(candidates) > 1 else {},
        )


def _spectrum(weights: Floats) -> Floats:
    """Return the eigenvectors of D^-1/2 A D^-1/2, largest eigenvalue first, with degrees raised by their mean."""
    degree = weights.sum(axis=1)
    tau = degree.mean() if degree.any() else 1.0
    scale = 1.0 / np.sqrt(degree + tau)
    values, vectors = np.linalg.eigh(scale[:, None] * weights * scale[None])
    vectors = vectors[:, np.argsort(-values, kind="stable")]
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    return np.asarray(vectors * np.where(signs == 0, 1.0, signs))


def _embedding(vectors: Floats) -> Floats:
    """Return the vectors with rows of length 1, so that degree does not separate actors; rows of zeros stay."""
    length = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-12))


def modularity(weights: Floats, labels: NDArray[np.integer]) -> float:
    """Return Newman's modularity of a partition of an undirected weighted network; 0 where there are no ties."""
    total = float(weights.sum())
    if total == 0.0:
        return 0.0
    member = np.eye(int(labels.max()) + 1)[labels]
    within = np.einsum("ig,ij,jg->g", member, weights, member, optimize=True) / total
    ends = member.T @ weights.sum(axis=1) / total
    return float((within - ends**2).sum())
