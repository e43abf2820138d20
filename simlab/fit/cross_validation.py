"""Cross-validation of a number of clusters: how well dyads that were held out are foreseen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simlab.fit.prediction import predictive_density
from simlab.fit.tie_model import TieModel
from simlab.panel import DyadState, Network

Flags = NDArray[np.bool_]
Fitting = Callable[[Sequence[Network], int, np.random.Generator], TieModel]

N_FOLDS = 5


def folds(networks: Sequence[Network], rng: np.random.Generator, n_folds: int = N_FOLDS) -> list[list[Flags]]:
    """Return for each fold which dyads of each network to hold out: (n_actors, n_actors), both ways of a dyad together.

    Every observed dyad is in one fold; the folds are as even as can be. With fewer dyads than folds some are empty.
    """
    parts: list[list[Flags]] = [[] for _ in range(n_folds)]
    for network in networks:
        seen = network.observed | network.observed.T
        np.fill_diagonal(seen, False)
        rows, columns = np.nonzero(np.tril(seen))
        fold = rng.permutation(np.arange(len(rows)) % n_folds)
        for which, part in enumerate(parts):
            held = np.zeros(seen.shape, dtype=bool)
            chosen = fold == which
            held[rows[chosen], columns[chosen]] = held[columns[chosen], rows[chosen]] = True
            part.append(held)
    return parts


def without(network: Network, held: Flags) -> Network:
    """Return the network as if nobody had been asked about the dyads that are held out."""
    hidden = held & network.observed
    return replace(network, state=np.where(hidden, DyadState.NOT_ASKED, network.state).astype(network.state.dtype))


def held_out_deviance(
    fitting: Fitting,
    networks: Sequence[Network],
    candidates: Sequence[int],
    rng: np.random.Generator,
    n_folds: int = N_FOLDS,
) -> dict[int, float]:
    """Return -2 log predictive density of all dyads, each foreseen from a fit without it, for each number of clusters.

    The folds are the same for every number, so that their differences are paired (Gelman, Hwang & Vehtari 2014).
    """
    parts = [part for part in folds(networks, rng, n_folds) if any(held.any() for held in part)]
    out = dict.fromkeys(candidates, 0.0)
    for part in parts:
        shown = [without(network, held) for network, held in zip(networks, part, strict=True)]
        for n_clusters in candidates:
            model = fitting(shown, n_clusters, rng)
            for relation, (network, held) in enumerate(zip(networks, part, strict=True)):
                # A network of one relation has the first of its tie model.
                out[n_clusters] -= 2.0 * predictive_density(model, network, held & network.observed, relation=relation)
    return out
