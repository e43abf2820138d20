"""Modularity by the Leiden method."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simlab.fit.fit import Fit, Fitter, Status, fitters
from simlab.panel import Network
from simlab.partition import canonical

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A gain below this is rounding: without it a node could go to and fro for ever.
_LEAST_GAIN = 1e-10


@fitters.register(
    "leiden",
    summary="modularity by the Leiden method; finds the number of clusters by itself",
    reference="Traag, Waltman & van Eck 2019",
)
class Leiden(Fitter):
    """Modularity over the network made undirected, weighted by the share of answers that say tie.

    Like the Louvain method, but clusters are refined before they are merged, so that each is connected; repeated until
    nothing improves, from several starts, and the partition of the highest modularity is kept. An actor without ties is
    a cluster of its own.
    """

    name: ClassVar[str] = "leiden"
    has_tie_model: ClassVar[bool] = False

    resolution: float = Field(default=1.0, gt=0.0, description="above 1 favours smaller clusters")
    randomness: float = Field(default=0.01, gt=0.0, description="how freely refined clusters form, in units of a tie")
    n_starts: int = Field(default=5, ge=1, le=1000, description="runs, of which the best is kept")

    def estimate(self, network: Network, rng: np.random.Generator) -> Fit:
        """Return the fit of one network."""
        weights = network.weights().toarray()
        best, highest = np.arange(network.n_actors), -np.inf
        for _ in range(self.n_starts):
            labels = leiden(weights, rng, resolution=self.resolution, randomness=self.randomness)
            value = quality(weights, labels, self.resolution)
            if value > highest + _LEAST_GAIN:
                best, highest = labels, value
        labels = canonical(best)
        return Fit(
            fitter=self.name,
            actors=network.actors,
            status=Status.OK,
            message="",
            labels=labels,
            membership=np.eye(int(labels.max()) + 1)[labels],
            positions=None,
            bridging={},
            bridging_score="participation",
        )


def quality(weights: Floats, labels: NDArray[np.integer], resolution: float = 1.0) -> float:
    """Return what the method raises: twice the weight within clusters less what chance would put there.

    sum_g (w_gg - resolution k_g^2 / 2m): modularity times 2m, the sum of ``weights`` (n, n), symmetric. 0 without ties.
    """
    total = float(weights.sum())
    if total == 0.0:
        return 0.0
    member = np.eye(int(labels.max()) + 1)[labels]
    strength = member.T @ weights.sum(axis=1)
    return float(((weights @ member) * member).sum() - resolution * (strength**2).sum() / total)


def leiden(weights: Floats, rng: np.random.Generator, *, resolution: float = 1.0, randomness: float = 0.01) -> Ints:
    """Return labels by the Leiden method (Traag, Waltman & van Eck 2019, algorithm A.2).

    Parameters
    ----------
    weights : (n, n)
        Symmetric, not negative, zero on the diagonal.
    rng : numpy.random.Generator
    resolution : float
        The expected weight between clusters is multiplied by this.
    randomness : float
        theta of the paper: a node joins a refined cluster with probability proportional to exp(gain / theta).

    Returns
    -------
    (n,)
        Passes are repeated from where the last one ended until one changes nothing: then no actor and no connected part
        of a cluster that was tried gains by moving.
    """
    labels = np.arange(len(weights))
    value = quality(weights, labels, resolution)
    while True:
        new = connected_parts(weights, _one_pass(weights, labels, resolution, randomness, rng))
        now = quality(weights, new, resolution)
        if now <= value + _LEAST_GAIN:
            return labels
        labels, value = new, now


def connected_parts(weights: Floats, labels: NDArray[np.integer]) -> Ints:
    """Return the labels with each cluster cut into its connected parts, which only raises the modularity.

    Moves may leave a cluster whose bridge has gone; the next merge mends it but after the last one.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    together = (weights > 0) & (labels[:, None] == labels[None])
    return np.asarray(connected_components(csr_array(together), directed=False)[1], dtype=np.int64)


def _one_pass(weights: Floats, start: Ints, resolution: float, randomness: float, rng: np.random.Generator) -> Ints:
    """Move, refine and merge until every cluster is one node; start : (n,) labels."""
    scale = resolution / max(float(weights.sum()), 1e-300)
    part_of = np.arange(len(weights))  # each actor's node in the merged network
    labels = start.copy()
    while True:
        labels = _moved(weights, labels, scale, rng)
        if len(np.unique(labels)) == len(labels):
            return labels[part_of]
        parts = _refined(weights, labels, scale, randomness, rng)
        used, first, parts = np.unique(parts, return_index=True, return_inverse=True)
        if len(used) == len(parts):
            return labels[part_of]  # nothing to merge
        member = np.eye(len(used))[parts]
        weights, labels, part_of = member.T @ weights @ member, labels[first], parts[part_of]


def _gains(row: Floats, own: float, strengths: Floats, labels: NDArray[np.integer], scale: float) -> Floats:
    """Return what joining each cluster adds for a node that is in none: (n,), by label."""
    into = np.bincount(labels, weights=row, minlength=len(strengths))
    return np.asarray(into - scale * own * strengths)


def _moved(weights: Floats, labels: Ints, scale: float, rng: np.random.Generator) -> Ints:
    """Move nodes to the cluster of the greatest gain, visiting again those whose neighbours have moved."""
    n = len(weights)
    labels = np.unique(labels, return_inverse=True)[1]
    strength = weights.sum(axis=1)
    sizes = np.bincount(labels, minlength=n)
    strengths = np.zeros(n)
    np.add.at(strengths, labels, strength)
    rows = weights - np.diag(np.diag(weights))
    queue = deque(rng.permutation(n).tolist())
    waiting = np.ones(n, dtype=bool)
    while queue:
        i = queue.popleft()
        waiting[i] = False
        here = labels[i]
        strengths[here] -= strength[i]
        sizes[here] -= 1
        gains = _gains(rows[i], strength[i], strengths, labels, scale)
        gains[sizes == 0] = 0.0
        best = int(gains.argmax())
        if gains[best] <= gains[here] + _LEAST_GAIN:
            best = here
        elif gains[best] <= _LEAST_GAIN < -gains[here]:
            best = int(np.flatnonzero(sizes == 0)[0])  # alone is better than here
        labels[i] = best
        strengths[best] += strength[i]
        sizes[best] += 1
        if best != here:
            again = np.flatnonzero((rows[i] > 0) & (labels != best) & ~waiting)
            waiting[again] = True
            queue.extend(again.tolist())
    return labels


def _refined(weights: Floats, labels: Ints, scale: float, randomness: float, rng: np.random.Generator) -> Ints:
    """Return parts of the clusters: nodes that merge, from each alone, where they are well connected within the cluster."""
    n = len(weights)
    strength = weights.sum(axis=1)
    rows = weights - np.diag(np.diag(weights))
    inside = rows * (labels[:, None] == labels[None])
    whole = np.bincount(labels, weights=strength, minlength=n)[labels]
    # What ties a part to the rest of its cluster, and its strength.
    outward, strengths = inside.sum(axis=1), strength.copy()
    ready = outward >= scale * strength * (whole - strength) - _LEAST_GAIN
    parts, sizes = np.arange(n), np.ones(n, dtype=np.int64)
    for i in rng.permutation(np.flatnonzero(ready)).tolist():
        if sizes[parts[i]] > 1:
            continue
        into = np.bincount(parts, weights=inside[i], minlength=n)
        gains = into - scale * strength[i] * strengths
        allowed = (into > 0) & (outward >= scale * strengths * (whole[i] - strengths) - _LEAST_GAIN)
        allowed[i] = False
        choices = np.append(np.flatnonzero(allowed & (gains >= 0.0)), i)
        gain = np.append(gains[choices[:-1]], 0.0) / randomness
        chance = np.exp(gain - gain.max())
        to = int(choices[int(np.searchsorted(np.cumsum(chance), rng.random() * chance.sum()))])
        if to == i:
            continue
        outward[to] += outward[i] - 2.0 * into[to]
        strengths[to] += strengths[i]
        sizes[to] += 1
        sizes[i] = 0
        strengths[i], outward[i] = 0.0, 0.0
        parts[i] = to
    return parts
