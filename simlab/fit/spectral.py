"""Regularised spectral embedding with a Gaussian mixture."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simlab.fit.fit import ClusterCountFitter, Fit, Status, fitters
from simlab.models.mixture import Mixture, fit_mixture, k_means
from simlab.panel import Network
from simlab.partition import canonical, first_mentioned

Floats = NDArray[np.float64]


@fitters.register(
    "spectral",
    summary="regularised spectral embedding, then a Gaussian mixture",
    reference="Qin & Rohe 2013; Rohe, Qin & Yu 2016; Fraley & Raftery 2002",
)
class Spectral(ClusterCountFitter):
    """Spectral clustering of the regularised normalised adjacency, with a mixture of spherical normals.

    Ties are made undirected by the share of answers that say tie. The embedding has as many dimensions as clusters, and
    the normals have one variance. Where the number of clusters is a range, the one with the highest modularity is chosen
    (the BIC of a mixture in a spectral embedding mostly takes the largest number it is offered).

    ``directed`` keeps the direction of ties: actors are clustered by whom they name and by who names them together, the
    left and right singular vectors side by side. It finds clusters that differ by whom their ties go to, which cancel out
    in the undirected network. For clusters with ties inside it is no better, so it is not the default; the number of
    clusters is still chosen by modularity, which is undirected.
    """

    name: ClassVar[str] = "spectral"
    has_tie_model: ClassVar[bool] = False

    n_starts: int = Field(default=10, ge=1, description="k-means starts of the mixture")
    directed: bool = Field(default=False, description="whether to keep the direction of ties (Rohe, Qin & Yu 2016)")

    def estimate(self, network: Network, rng: np.random.Generator) -> Fit:
        """Return the fit of one network."""
        weights = network.weights().toarray()
        candidates = self.candidates(network.n_actors)
        sides = _two_sides(network) if self.directed and network.directed else [_spectrum(weights)]
        choice: dict[int, float] = {}
        fits: dict[int, Mixture] = {}
        for n_clusters in candidates:
            points = np.hstack([_embedding(vectors[:, :n_clusters]) for vectors in sides])
            fits[n_clusters] = self._mixture(points, n_clusters, rng)
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
            bridging={},
            bridging_score="participation",
            choice={"minus_modularity": choice} if len(candidates) > 1 else {},
        )

    def _mixture(self, points: Floats, n_clusters: int, rng: np.random.Generator) -> Mixture:
        """Return the likeliest mixture over k-means starts; starts that agree are run once."""
        found: dict[bytes, Mixture] = {}
        for _ in range(self.n_starts):
            labels = k_means(points, n_clusters, rng)
            mark = canonical(labels).tobytes()
            if mark not in found:
                start = np.eye(n_clusters)[labels]
                found[mark] = fit_mixture(points, n_clusters, start=start, common_variance=True)
        return max(found.values(), key=lambda mixture: mixture.log_likelihood)


def _spectrum(weights: Floats) -> Floats:
    """Return the eigenvectors of D^-1/2 A D^-1/2, largest eigenvalue first, with degrees raised by their mean."""
    degree = weights.sum(axis=1)
    tau = degree.mean() if degree.any() else 1.0
    scale = 1.0 / np.sqrt(degree + tau)
    values, vectors = np.linalg.eigh(scale[:, None] * weights * scale[None])
    return _signed(vectors[:, np.argsort(-values, kind="stable")])


def _two_sides(network: Network) -> list[Floats]:
    """Return the left and right singular vectors of O^-1/2 A P^-1/2, largest singular value first.

    O and P hold the ties sent and received, raised by their mean (Rohe, Qin & Yu 2016). A tie of which the sender says
    nothing is taken from what is known of the tie the other way, as it is where ties are made undirected.
    """
    ties = np.where(network.observed, network.ties, network.ties.T).astype(np.float64)
    np.fill_diagonal(ties, 0.0)
    tau = ties.sum(axis=1).mean() if ties.any() else 1.0
    sent, received = (1.0 / np.sqrt(ties.sum(axis=axis) + tau) for axis in (1, 0))
    left, _, right = np.linalg.svd(sent[:, None] * ties * received[None])
    return [_signed(left), _signed(right.T)]


def _signed(vectors: Floats) -> Floats:
    """Return the vectors with a fixed sign: the largest number of each is positive."""
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
