"""How often assignments with a given probability are right: in networks whose truth comes from the prior, and in others.

Of the assignments with probability p the share p should be right. Actors of one network are not independent, so the error of
a share is taken over networks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from statistical.calibration import simulated
from statistical.worlds import World, networks

from simlab import Fit, LpcmMcmc, Network, Scenario, simulate, stream
from simlab.fit.bridging import between
from simlab.fit.lpcm_map import LpcmMap
from simlab.metrics.bridging import area_under_curve
from simlab.models.mixture import membership
from simlab.plan.assignment import assignments, partners, rightly_assigned
from simlab.plan.from_fit import scenario_from_fit
from simlab.plan.worlds import spread_evenly

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Edges of the bins in which shares are compared; the last is what is called safe.
EDGES = (0.0, 0.4, 0.55, 0.7, 0.8, 0.9, 1.01)
CHAINS: dict[str, Any] = {"n_chains": 2, "n_warmup": 400, "n_draws": 400, "criteria": ("bic",)}


@dataclass(frozen=True, eq=False)
class Known:
    """A network with the clusters there truly are, and who truly lies between two (None where that is not defined)."""

    network: Network
    labels: NDArray[np.int64]
    between: Flags | None


@dataclass(frozen=True, eq=False)
class Claims:
    """Probabilities, and whether what they are of is true; which : the network of each."""

    probability: Floats
    true: Flags
    which: NDArray[np.int64]

    def within(self, low: float, high: float) -> Claims:
        """Return the claims with probabilities from ``low`` and below ``high``."""
        part = (self.probability >= low) & (self.probability < high)
        return Claims(self.probability[part], self.true[part], self.which[part])

    @property
    def excess(self) -> tuple[float, float]:
        """How much more is true than the probabilities say, and the error of that over networks; NaN without claims."""
        if not len(self.true):
            return float("nan"), float("nan")
        total = np.bincount(self.which, weights=self.true - self.probability)
        return float(total.sum() / len(self.true)), float(np.sqrt((total**2).sum()) / len(self.true))

    @property
    def area(self) -> float:
        """The area under the curve of the probability for what is true."""
        return area_under_curve(self.probability, self.true)

    @property
    def area_within(self) -> float:
        """The mean of such areas over networks in which some claims are true and some are not."""
        each = [
            area_under_curve(self.probability[at], self.true[at])
            for at in map(self.which.__eq__, np.unique(self.which))
        ]
        return float(np.nanmean(each))


def from_priors(n_networks: int, n_actors: int, n_clusters: int, seed: int) -> Iterator[Known]:
    """Yield networks whose parameters come from the prior; labels are drawn given the positions, as the model has them."""
    world = World(n_actors, n_clusters)
    for k in range(n_networks):
        truth, given, rng = simulated(world, world.priors(), seed, k)
        shares = membership(truth.positions, truth.rest.weights, truth.rest.centres, truth.rest.variances)
        labels = np.array([rng.choice(n_clusters, p=row / row.sum()) for row in shares])
        yield Known(networks(world, given)[0], labels, between(shares))


def from_scenario(scenario: Scenario, n_networks: int, seed: int) -> Iterator[Known]:
    """Yield networks of a scenario."""
    for k in range(n_networks):
        panel, truth = simulate(scenario, seed=seed, replicate=k)
        yield Known(panel.network(), truth.network(*panel.keys[0]).labels, None)


def judged(
    known: Iterator[Known], n_clusters: int | tuple[int, int], seed: int, *, n_refits: int = 0
) -> dict[str, Claims]:
    """Return claims by what they are: ``posterior``, the probability of assignments; ``between``, of lying between two
    clusters; the controls ``mode``, memberships of the posterior mode, and ``repeatability`` where there are refits.

    Networks in which the fit finds a single cluster make no claim of assignments.
    """
    kept: dict[str, list[tuple[Floats, Flags, int]]] = {}
    for k, one in enumerate(known):
        rng = stream(seed, "judged", k)
        fit = LpcmMcmc(n_clusters=n_clusters, **CHAINS).fit(one.network, rng=rng)
        if one.between is not None:
            kept.setdefault("between", []).append((fit.bridging["between"], one.between, k))
        of = assignments(fit, rng=rng)
        if not of.divided:
            continue
        right = rightly_assigned(fit.labels, one.labels)
        kept.setdefault("posterior", []).append((of.probability, right, k))
        kept.setdefault("safe", []).append((of.probability[of.safe], right[of.safe], k))
        mode = LpcmMap(n_clusters=fit.n_clusters).fit(one.network, rng=rng)
        own = mode.membership[np.arange(len(right)), mode.labels]
        kept.setdefault("mode", []).append((own, rightly_assigned(mode.labels, one.labels), k))
        if n_refits:
            kept.setdefault("repeatability", []).append((repeatability(fit, one.network, n_refits, seed + k), right, k))
    return {
        name: Claims(
            np.concatenate([p for p, _, _ in parts]),
            np.concatenate([t for _, t, _ in parts]),
            np.concatenate([np.full(len(t), k) for _, t, k in parts]),
        )
        for name, parts in kept.items()
    }


def repeatability(fit: Fit, network: Network, n_refits: int, seed: int) -> Floats:
    """Return for each actor the share of refits of worlds of the fit in which it is found in the same cluster again."""
    if not 0.0 < network.density < 1.0:
        return np.ones(network.n_actors)
    assert fit.posterior is not None
    total = fit.posterior.labels.shape[0] * fit.posterior.labels.shape[1]
    same = np.zeros(network.n_actors)
    for k in spread_evenly(total, n_refits):
        world = scenario_from_fit(fit, network, draw=int(k))
        again = simulate(world, seed=seed).panel.network()
        refit = LpcmMap(n_clusters=fit.n_clusters).fit(again, rng=stream(seed, "refit", int(k)))
        same += partners(fit.labels, refit.labels) == fit.labels
    return same / n_refits


def worst(claims: Claims) -> float:
    """Return the largest excess of any bin that holds claims of ten networks, in its errors."""
    found = []
    for low, high in pairwise(EDGES):
        part = claims.within(low, high)
        if len(np.unique(part.which)) >= 10:
            excess, error = part.excess
            found.append(abs(excess) / max(error, 1e-12))
    return max(found)


def merged(*parts: Claims) -> Claims:
    """Return claims of several runs as one."""
    shift = np.cumsum([0, *(int(part.which.max()) + 1 for part in parts[:-1])])
    return Claims(
        np.concatenate([part.probability for part in parts]),
        np.concatenate([part.true for part in parts]),
        np.concatenate([part.which + by for part, by in zip(parts, shift, strict=True)]),
    )


def plain(scenario: Scenario) -> Scenario:
    """Return a scenario in which ties come from positions alone, as the model has it."""
    return scenario.but(
        activity=0.0,
        popularity=0.0,
        organisation_homophily=0.0,
        seniority_homophily=0.0,
        reciprocity=None,
        bridger_share=0.0,
    )
