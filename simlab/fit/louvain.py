"""Modularity by the Louvain method, of networkx."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from simlab.fit.fit import Fit, Fitter, Status, fitters
from simlab.panel import Network
from simlab.partition import canonical


@fitters.register(
    "louvain",
    summary="modularity by the Louvain method; finds the number of clusters by itself",
    reference="Blondel, Guillaume, Lambiotte & Lefebvre 2008",
)
class Louvain(Fitter):
    """Modularity over the network made undirected, weighted by the share of answers that say tie.

    An actor without ties is a cluster of its own.
    """

    name: ClassVar[str] = "louvain"
    has_tie_model: ClassVar[bool] = False

    resolution: float = Field(default=1.0, gt=0.0, description="above 1 favours smaller clusters")

    def estimate(self, network: Network, rng: np.random.Generator) -> Fit:
        """Return the fit of one network."""
        import networkx as nx

        graph = nx.from_numpy_array(network.weights().toarray())
        groups = nx.community.louvain_communities(graph, resolution=self.resolution, seed=int(rng.integers(2**31)))
        labels = np.zeros(network.n_actors, dtype=np.int64)
        for g, group in enumerate(groups):
            labels[list(group)] = g
        labels = canonical(labels)
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
