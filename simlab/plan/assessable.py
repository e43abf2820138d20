"""Which methods and networks can be assessed: those with posterior draws of clusters, and with worlds of their kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simlab.fit.fit import ClusterCountFitter, Fitter
from simlab.fit.latent import LatentFitter
from simlab.foundation.errors import InputError
from simlab.panel import DyadState, Network


def check_assessable(method: Fitter, networks: Sequence[Network]) -> None:
    """Raise InputError where a method or network cannot be assessed: for want of posterior draws, clusters or a world.

    Several networks are relations fitted jointly; each must have a world, and the worlds the effects of all.
    """
    able = isinstance(method, ClusterCountFitter) and isinstance(method, LatentFitter)
    if not able or "n_chains" not in type(method).model_fields:
        raise InputError.of("fitter", method.name, "must be lpcm-mcmc: the probabilities come from posterior draws")
    if isinstance(method, LatentFitter) and method.family == "poisson":
        raise InputError.of("family", method.family, "must be bernoulli: worlds have ties, and no counts")
    for network in networks:
        apart = ~np.eye(network.n_actors, dtype=bool)
        if (network.state[apart] == DyadState.IMPOSSIBLE).any():
            raise InputError(
                f"{network}: has ties that are impossible, as in a two-mode network, and no world of its kind"
            )
    if len(networks) > 1 and isinstance(method, LatentFitter):
        _check_joint(method, networks)


def _check_joint(method: LatentFitter, networks: Sequence[Network]) -> None:
    for field, none in (("sociality", "none"), ("reciprocity", False), ("covariates", ())):
        value = getattr(method, field)
        if value != none:
            shown = ", ".join(value) if isinstance(value, tuple) else value
            raise InputError.of(field, shown, "must be left out for --joint: each relation has such effects of its own")
    for network in networks:
        if not 0.0 < network.density < 1.0:
            raise InputError(
                f"{network}: must have both ties and dyads without a tie, as all relations fitted jointly: leave it out, or"
                " assess them without --joint"
            )
