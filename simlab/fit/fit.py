"""Fit: what every fitter returns, frozen; Fitter: what every fitter is."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from simlab.fit.bridging import scores
from simlab.fit.tie_model import TieModel
from simlab.foundation.errors import InputError, SimlabError, shown
from simlab.foundation.registry import Registry
from simlab.foundation.settings import Settings
from simlab.panel import Network, Panel, mean_weights

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_CLUSTERS = 50


class FitError(SimlabError):
    """A fit that cannot be computed, with the reason and what to do."""


class Status(StrEnum):
    """How a fit ended."""

    OK = "ok"
    NOT_CONVERGED = "not_converged"
    FAILED = "failed"


@dataclass(frozen=True, eq=False)
class Posterior:
    """Posterior draws, relabelled and rotated to a common frame. The first two axes are chain and draw.

    intercept : (chain, draw, relation); positions : (chain, draw, actor, axis), float32;
    labels : (chain, draw, actor); centres : (chain, draw, cluster, axis); variances, weights : (chain, draw, cluster);
    coefficients : (chain, draw, relation, covariate); reciprocity : (chain, draw, relation); sender, receiver :
    (chain, draw, relation, actor), float32; effect_variances : (chain, draw, relation, 2), of senders and receivers;
    log_likelihood, log_density : (chain, draw); divergent : (chain, draw). What the model does not have has length 0.
    """

    intercept: Floats
    coefficients: Floats
    reciprocity: Floats
    sender: NDArray[np.float32]
    receiver: NDArray[np.float32]
    effect_variances: Floats
    positions: NDArray[np.float32]
    labels: NDArray[np.int16]
    centres: Floats
    variances: Floats
    weights: Floats
    log_likelihood: Floats
    log_density: Floats
    divergent: NDArray[np.bool_]

    def of(self, at: NDArray[np.intp]) -> Posterior:
        """Return the draws of the actors at these places."""
        return replace(
            self,
            positions=self.positions[:, :, at],
            labels=self.labels[:, :, at],
            sender=self.sender[..., at] if self.sender.shape[-1] else self.sender,
            receiver=self.receiver[..., at] if self.receiver.shape[-1] else self.receiver,
        )


@dataclass(frozen=True, eq=False)
class Fit:
    """The result of one fitter on one network (or on several relations jointly).

    Attributes
    ----------
    fitter : str
        The name under which the fitter is registered.
    actors : (n_actors,) in the order of the network
    status, message : Status, str
        How it ended, and in words what to do where it is not ok.
    labels : (n_actors,)
        Clusters from 0, ordered by their first actor.
    membership : (n_actors, n_clusters)
        Probabilities of membership; 0 and 1 where the fitter has none.
    positions : (n_actors, n_dims) or None
        Latent positions on the scale of the model; None for fitters without a latent space.
    bridging : mapping
        Score name to (n_actors,); higher means more of a bridger. ``bridging_score`` names the one to use first.
    choice : mapping
        Criterion to {number of clusters: value}, lower better; empty where the number was given.
    diagnostics : mapping
        Name to number: rhat, effective draws, divergences and the like.
    unknown : (n_actors,)
        Actors with no observed dyad: kept, but nothing is known of them.
    posterior : Posterior or None
    tie_model : TieModel or None
        The distribution of networks that the fit stands for; None for fitters without one (spectral, modularity).
    seconds : float
        Time the fit took.
    """

    fitter: str
    actors: tuple[str, ...]
    status: Status
    message: str
    labels: Ints
    membership: Floats
    positions: Floats | None
    bridging: Mapping[str, Floats]
    bridging_score: str
    choice: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    diagnostics: Mapping[str, float] = field(default_factory=dict)
    unknown: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    posterior: Posterior | None = None
    tie_model: TieModel | None = None
    seconds: float = 0.0

    def of(self, actors: Sequence[str]) -> Fit:
        """Return what the fit says of some of its actors, in the order given; KeyError for one that it does not have.

        Clusters keep their numbers and are as many as before. The tie model, which is of all actors, is left out.
        """
        if tuple(actors) == self.actors:
            return self
        where = {actor: i for i, actor in enumerate(self.actors)}
        at = np.array([where[actor] for actor in actors], dtype=np.intp)
        return replace(
            self,
            actors=tuple(actors),
            labels=self.labels[at],
            membership=self.membership[at],
            positions=None if self.positions is None else self.positions[at],
            bridging={name: values[at] for name, values in self.bridging.items()},
            unknown=self.unknown[at] if len(self.unknown) else self.unknown,
            posterior=None if self.posterior is None else self.posterior.of(at),
            tie_model=None,
        )

    @property
    def n_clusters(self) -> int:
        """The number of clusters of the model; some may be empty."""
        return int(self.membership.shape[1])

    @property
    def sizes(self) -> Ints:
        """The number of actors in each cluster: (n_clusters,)."""
        return np.bincount(self.labels, minlength=self.n_clusters).astype(np.int64)


class Fitter(Settings):
    """Frozen settings of a fitter. Subclasses register themselves and define ``estimate``."""

    name: ClassVar[str] = ""
    has_tie_model: ClassVar[bool] = True  # whether networks can be drawn from its fits
    has_clusters: ClassVar[bool] = True  # whether it looks for any

    @property
    def uses_counts(self) -> bool:
        """Whether the weights of ties matter to it; to most fitters every tie counts once."""
        return False

    @property
    def kinds(self) -> tuple[type[Fitter], ...]:
        """The fitters that it uses, itself first."""
        return (type(self),)

    def fit(self, network: Network, *, rng: np.random.Generator) -> Fit:
        """Fit one network.

        Parameters
        ----------
        network : Network
            What the field saw. The fit depends on the names of the actors only through their order.
        rng : numpy.random.Generator
            The random stream.

        Returns
        -------
        Fit

        Raises
        ------
        InputError
            For a network that cannot be fitted at all: fewer than two actors, no observed dyad, more clusters than
            actors; and for what is no network, or no random stream. No ties and all ties are fitted.
        FitError
            Where the computation breaks down.
        """
        check_fittable([network], rng)
        start = time.perf_counter()
        return finished(self.estimate(network, rng), [network], start)

    @classmethod
    def compile(cls) -> None:
        """Compile what the fitter needs, so that it lies in the cache; nothing to do for most."""

    @abstractmethod
    def estimate(self, network: Network, rng: np.random.Generator) -> Fit:
        """Return the fit of a network that has been checked."""


def check_fittable(networks: Sequence[Network], rng: np.random.Generator) -> None:
    """Raise InputError where networks cannot be fitted, jointly where there are several.

    They must be networks of the same actors, two at least, with an observed dyad in one of them, and ``rng`` a generator.
    """
    if not isinstance(networks, Sequence) or not networks:
        raise InputError(f"networks: must be a list of at least one Network, not {shown(networks)}")
    for network in networks:
        if not isinstance(network, Network):
            hint = ": give one of its networks, such as panel.network()" if isinstance(network, Panel) else ""
            raise InputError(f"network: must be a Network, not {type(network).__name__}{hint}")
    if not isinstance(rng, np.random.Generator):
        raise InputError.of("rng", rng, "must be a numpy.random.Generator, such as numpy.random.default_rng(1)")
    if any(network.actors != networks[0].actors for network in networks):
        raise InputError("networks: must have the same actors to be fitted jointly")
    n = networks[0].n_actors
    if n < 2:
        raise InputError.of("network", f"{n} actor{'s' * (n != 1)}", "at least 2 actors are needed")
    if all(network.unknown().all() for network in networks):
        raise InputError("network: no dyad was observed, and so there is nothing to fit")


def finished(fit: Fit, networks: Sequence[Network], start: float) -> Fit:
    """Return the fit with what every fit has: the time since ``start``, the actors of whom no network shows anything, and
    the bridging scores of ``simlab.fit.bridging.scores``, from the mean weights of the networks, unless it has its own.
    """
    unknown = np.logical_and.reduce([network.unknown() for network in networks])
    weights = mean_weights(networks)
    bridging = {**scores(weights, fit.labels, fit.membership), **fit.bridging}
    return replace(fit, bridging=bridging, seconds=time.perf_counter() - start, unknown=unknown)


class ClusterCountFitter(Fitter):
    """A fitter to which the number of clusters is given, or that chooses it from a range (lowest, highest)."""

    n_clusters: int | tuple[int, int] = (1, 6)

    @model_validator(mode="after")
    def _count_in_range(self) -> Self:
        low, high = self.count_range
        if not 1 <= low <= high <= MOST_CLUSTERS:
            raise ValueError(
                f"n_clusters = {self.n_clusters}: must be a number, or lowest and highest, from 1 to {MOST_CLUSTERS}"
            )
        return self

    @property
    def count_range(self) -> tuple[int, int]:
        """The lowest and the highest number of clusters."""
        return (self.n_clusters, self.n_clusters) if isinstance(self.n_clusters, int) else self.n_clusters

    def candidates(self, n_actors: int) -> range:
        """Return the numbers of clusters to try; InputError where even the lowest is more than the actors."""
        low, high = self.count_range
        if low > n_actors:
            raise InputError.of("n_clusters", low, f"must be at most the number of actors, {n_actors}")
        return range(low, min(high, n_actors) + 1)


fitters: Registry[type[Fitter]] = Registry("fitter")
