"""Fits and truths with given labels, for metrics and tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from simlab.fit.fit import Fit, Status
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.generate.truth import NetworkTruth
from simlab.panel import DyadState, Network


def made_fit(labels: list[int] | np.ndarray, actors: str | tuple[str, ...] = "", **changes: Any) -> Fit:
    """Return a fit with these labels; ``actors`` are letters, a, b, c and so on unless said."""
    found = np.asarray(labels, dtype=np.int64)
    values: dict[str, Any] = {
        "fitter": "made",
        "actors": tuple(actors) or tuple(chr(ord("a") + i) for i in range(len(found))),
        "status": Status.OK,
        "message": "",
        "labels": found,
        "membership": np.eye(int(found.max()) + 1)[found],
        "positions": None,
        "bridging": {"participation": np.zeros(len(found))},
        "bridging_score": "participation",
        "seconds": 1.5,
    }
    return Fit(**{**values, **changes})


def made_truth(labels: list[int] | np.ndarray, actors: str | tuple[str, ...] = "", **changes: Any) -> NetworkTruth:
    """Return a truth with these labels; nobody is a bridger, nobody is core unless said."""
    true = np.asarray(labels, dtype=np.int64)
    names = tuple(actors) or tuple(chr(ord("a") + i) for i in range(len(true)))
    panel, truth = simulate(Scenario(n_actors=max(len(true), 4), reciprocity=None), seed=1)
    whole = truth.network(*panel.keys[0])
    few = slice(len(true))
    values: dict[str, Any] = {
        "actors": names,
        "labels": true,
        "partner": np.full(len(true), -1),
        "positions": whole.positions[few],
        "bridger": np.zeros(len(true), dtype=bool),
        "core": np.zeros(len(true), dtype=bool),
        "came": np.zeros(len(true), dtype=bool),
        "switched": np.zeros(len(true), dtype=bool),
        "probability": whole.probability[few, few],
        "either": whole.either[few, few],
        "ties": whole.ties[few, few],
        "attributes": {name: column[few] for name, column in whole.attributes.items()},
    }
    return replace(whole, **{**values, **changes})


def lpcm_network(
    n: int, *, separation: float, mean_degree: float, seed: int, homophily: float = 0.0, sender: float = 0.0
) -> tuple[Network, np.ndarray]:
    """Return a directed network from the model (three clusters in the plane, spread 1) and its labels.

    ``homophily`` : log odds ratio of a common office, of two; ``sender`` : standard deviation of sender effects.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    angle = 2.0 * np.pi * np.arange(3) / 3
    centres = separation / np.sqrt(3.0) * np.column_stack([np.cos(angle), np.sin(angle)])
    places = centres[labels] + rng.standard_normal((n, 2))
    office = rng.integers(0, 2, n)
    effects = sender * rng.standard_normal(n)

    def rest(rows: np.ndarray) -> np.ndarray:
        """Return eta without the intercept, from these rows to all."""
        apart = np.sqrt(sum((places[rows, k, None] - places[None, :, k]) ** 2 for k in range(2)))
        eta = homophily * (office[rows, None] == office) + effects[rows, None] - apart
        eta[np.arange(len(rows)), rows] = -np.inf
        return eta

    # Of many actors some are enough to find the intercept, and no matrix of all dyads is made but that of their states.
    some = rest(np.linspace(0, n - 1, min(n, 1000)).astype(int))
    level = brentq(lambda b: expit(b + some).sum() / len(some) - mean_degree, -30.0, 30.0)
    state = np.empty((n, n), dtype=np.int8)
    for rows in np.array_split(np.arange(n), -(-n // 1000)):
        state[rows] = rng.random((len(rows), n)) < expit(level + rest(rows))
    np.fill_diagonal(state, DyadState.IMPOSSIBLE)
    actors = tuple(f"a{i:05d}" for i in range(n))
    return Network(actors, state, attributes={"office": tuple(f"office {o}" for o in office)}), labels
