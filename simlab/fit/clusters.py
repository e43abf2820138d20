"""ClusteredLatentFitter: settings of the fitters of the latent position cluster model in all its ways of fitting."""

from __future__ import annotations

from simlab.fit.fit import ClusterCountFitter
from simlab.fit.latent import LatentFitter, Positive
from simlab.models.lpcm import Priors


class ClusteredLatentFitter(LatentFitter, ClusterCountFitter):
    """A fitter of the latent position cluster model: positions in clusters, z_i ~ sum_g weight_g N(centre_g, variance_g I)."""

    centre_variance: Positive | None = None
    concentration: Positive | None = None

    def priors(self, n_actors: int, n_clusters: int) -> Priors:
        """Return the priors for a network of ``n_actors``."""
        from dataclasses import replace

        usual = super().priors(n_actors, n_clusters)
        return replace(
            usual,
            centre_variance=self.centre_variance or usual.centre_variance,
            concentration=self.concentration or usual.concentration,
        )
