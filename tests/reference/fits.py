"""Networks with blocks, odd networks, and what must hold of any fit."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from simlab.fit.fit import Fit
from simlab.panel import DyadState, Network
from simlab.partition import canonical


def network_from(state: np.ndarray, *, directed: bool = True) -> Network:
    """Return the network with these dyad states, the diagonal apart; actors are named in order."""
    state = state.astype(np.int8)
    np.fill_diagonal(state, DyadState.IMPOSSIBLE)
    return Network(tuple(f"a{i:02d}" for i in range(len(state))), state, directed)


def planted(sizes: tuple[int, ...], inside: float, between: float, seed: int, *, directed: bool = True) -> Network:
    """Return a network whose ties are more probable inside blocks, which follow one another."""
    rng = np.random.default_rng(seed)
    block = np.repeat(np.arange(len(sizes)), sizes)
    ties = rng.random((len(block), len(block))) < np.where(block[:, None] == block, inside, between)
    if not directed:
        ties = np.tril(ties, -1)
        ties = ties | ties.T
    return network_from(ties, directed=directed)


def odd_networks() -> dict[str, Network]:
    """Return networks at the edge of what can be fitted."""
    silent = planted((4, 4), 0.9, 0.1, 1).state.copy()
    silent[3], silent[:, 3] = DyadState.NOT_ASKED, DyadState.NO_ANSWER
    parts = np.zeros((11, 11), dtype=int)
    parts[:6, :6] = parts[6:8, 6:8] = DyadState.TIE  # and three isolates
    return {
        "no ties": network_from(np.zeros((7, 7), dtype=int)),
        "all ties": network_from(np.ones((7, 7), dtype=int)),
        "two actors": network_from(np.array([[0, 1], [0, 0]])),
        "two actors without a tie": network_from(np.zeros((2, 2), dtype=int)),
        "an actor not observed": network_from(silent),
        "isolates and components": network_from(parts),
        "undirected": planted((5, 5), 0.8, 0.1, 2, directed=False),
    }


def nothing_observed(n_actors: int = 6) -> Network:
    """Return a network of which nothing was observed, which fitters refuse, and models meet with their priors."""
    return network_from(np.full((n_actors, n_actors), DyadState.NO_ANSWER))


def check_fit(fit: Fit, network: Network) -> None:
    """Assert what every fit must be."""
    n = network.n_actors
    assert fit.actors == network.actors
    assert fit.labels.shape == (n,)
    assert fit.labels.tolist() == canonical(fit.labels).tolist()
    assert fit.membership.shape == (n, fit.n_clusters)
    assert (fit.membership >= 0).all()
    assert_allclose(fit.membership.sum(axis=1), 1.0, atol=1e-12)
    if fit.posterior is None:  # labels of posterior draws are a partition of least expected loss
        assert_allclose(fit.membership[np.arange(n), fit.labels], fit.membership.max(axis=1), atol=1e-12)
    assert len(fit.sizes) == fit.n_clusters
    assert fit.unknown.tolist() == network.unknown().tolist()
    assert fit.seconds > 0
    assert fit.bridging_score in fit.bridging
    for name, scores in fit.bridging.items():
        assert scores.shape == (n,), name
        assert ((scores >= 0) & (scores <= 1 + 1e-12)).all(), name
