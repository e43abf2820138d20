"""The stochastic block model: variational bound, its two steps, and criteria for the number of clusters.

    P(K_i = g) = weight_g,   P(tie_ij | K_i = g, K_j = h) = probability_gh

(Holland, Laskey & Leinhardt 1983; Nowicki & Snijders 2001). Dyads are independent given the labels; dyads that were not
observed are left out. With membership tau the bound on the log-likelihood (Daudin, Picard & Robin 2008) is

    J = sum_ig tau_ig log(weight_g / tau_ig) + sum_ij sum_gh tau_ig tau_jh log P(tie_ij | g, h) + log prior

over the observed ordered dyads, or unordered ones where ties have no direction (there probability is symmetric). The
prior is of conjugate form and as weak as one dyad a block, with a tie at the density of the network, and half an actor a
cluster: it keeps probabilities off 0 and 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.scientific import xlogy
from simlab.panel import Network

if TYPE_CHECKING:
    from simlab.kernels.blocks import Data

Floats = NDArray[np.float64]

_PRIOR_ACTORS = 0.5


@dataclass(frozen=True, eq=False)
class BlockData:
    """Ties and observed dyads, (n_actors, n_actors) of zeros and ones with zeros on the diagonal."""

    ties: Floats
    observed: Floats
    directed: bool

    @classmethod
    def of(cls, network: Network) -> BlockData:
        """Return what a block model needs of a network."""
        ties, observed = network.ties.astype(np.float64), network.observed.astype(np.float64)
        np.fill_diagonal(ties, 0.0)
        np.fill_diagonal(observed, 0.0)
        return cls(ties, observed, network.directed)

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """The actors with an observed dyad."""
        return np.asarray((self.observed.sum(axis=0) + self.observed.sum(axis=1)) > 0)

    @cached_property
    def n_dyads(self) -> float:
        """The number of observed dyads, one for each pair of actors where ties have no direction."""
        return float(self.observed.sum()) / (1.0 if self.directed else 2.0)

    @cached_property
    def density(self) -> float:
        """The share of observed dyads with a tie, with half a tie and half a blank added."""
        return float((self.ties.sum() + 0.5) / (self.observed.sum() + 1.0))

    @cached_property
    def for_kernels(self) -> Data:
        """The same as the kernels take it."""
        from simlab.kernels.blocks import Data

        blanks = self.observed - self.ties
        if not self.directed:
            return Data(self.ties, blanks, np.zeros((0, 0)), np.zeros((0, 0)))
        turned = np.ascontiguousarray(self.ties.T), np.ascontiguousarray(blanks.T)
        return Data(self.ties, blanks, *turned)

    def between(self, left: Floats, matrix: Floats, right: Floats) -> Floats:
        """Return the sums (G, G) of a dyad matrix over blocks; a dyad within a cluster counts once."""
        sums = left.T @ matrix @ right
        if not self.directed:
            np.fill_diagonal(sums, 0.5 * np.diag(sums))
        return np.asarray(sums)

    def over_blocks(self, values: Floats) -> float:
        """Return the sum over blocks (G, G): all of them, or each unordered pair of clusters once."""
        return float(values.sum()) if self.directed else 0.5 * float(values.sum() + np.trace(values))


class Blocks(ABC):
    """A block model on its way to the maximum of the bound.

    A round is ``maximise`` (parameters given memberships), then ``expect`` (memberships given parameters). Neither lowers
    ``bound``. Actors are updated one after the other, because an update of all at once may lower it.
    """

    def __init__(self, data: BlockData, membership: Floats) -> None:
        self.data = data
        self.membership = np.array(membership, dtype=np.float64, order="C")
        self.weights = np.full(self.n_clusters, 1.0 / self.n_clusters)

    @property
    def n_clusters(self) -> int:
        """The number of clusters."""
        return int(self.membership.shape[1])

    @abstractmethod
    def log_likelihood(self) -> float:
        """Return the expected log-probability of the observed dyads given the labels."""

    @abstractmethod
    def log_prior(self) -> float:
        """Return the log-density of the parameters other than the weights, but for a constant."""

    @abstractmethod
    def penalty(self) -> float:
        """Return half the number of parameters other than the weights, each times the log of what it is judged by."""

    @abstractmethod
    def maximise(self) -> None:
        """Set the parameters to the best, or to better ones, given the memberships."""

    @abstractmethod
    def conditional(self, membership: Floats) -> tuple[Floats, Floats]:
        """Return the two numbers of each block parameter's own distribution given memberships: (G, G) both."""

    @abstractmethod
    def expect(self) -> None:
        """Set each actor's membership to the best given the parameters and all other memberships."""

    def bound(self) -> float:
        """Return the variational bound on the log-likelihood, with the prior of the parameters."""
        return self._without_prior() + self.log_prior() + _PRIOR_ACTORS * float(np.log(self.weights).sum())

    def criteria(self) -> dict[str, float]:
        """Return what the number of clusters is chosen by, lower better.

        icl : -2 (expected complete log-likelihood) + penalty (Biernacki, Celeux & Govaert 2000; Daudin et al. 2008)
        bic : the same with the bound in place of the complete log-likelihood, which does not punish clusters that overlap
        """
        n_known = max(int(self.data.known.sum()), 1)
        penalty = 2.0 * self.penalty() + (self.n_clusters - 1) * np.log(n_known)
        bound = self._without_prior()
        complete = bound - self._entropy()
        return {"icl": float(-2.0 * complete + penalty), "bic": float(-2.0 * bound + penalty)}

    def climb(self, max_rounds: int, tolerance: float) -> tuple[list[float], bool]:
        """Run rounds until the bound rises by less than ``tolerance`` of its size: (bounds, whether it did)."""
        bounds: list[float] = []
        for _ in range(max_rounds):
            self.maximise()
            self.expect()
            bounds.append(self.bound())
            if len(bounds) > 1 and bounds[-1] - bounds[-2] <= tolerance * (abs(bounds[-1]) + 1.0):
                return bounds, True
        return bounds, False

    def set_weights(self) -> None:
        """Set the weights to the best given the memberships; actors of whom nothing is known have the weights."""
        mass = self.membership[self.data.known].sum(axis=0) + _PRIOR_ACTORS
        self.weights = mass / mass.sum()
        self.membership[~self.data.known] = self.weights

    def _without_prior(self) -> float:
        member = self.membership[self.data.known]
        return self.log_likelihood() + float((member @ np.log(self.weights)).sum()) + self._entropy()

    def _entropy(self) -> float:
        member = self.membership[self.data.known]
        return -float(xlogy(member, member).sum())


class BernoulliBlocks(Blocks):
    """The stochastic block model as it stands above."""

    def __init__(self, data: BlockData, membership: Floats) -> None:
        super().__init__(data, membership)
        self.probability = np.full((self.n_clusters, self.n_clusters), data.density)
        self._count()

    def _count(self) -> None:
        self.ties = self.data.between(self.membership, self.data.ties, self.membership)
        self.blanks = self.data.between(self.membership, self.data.for_kernels.blanks, self.membership)

    def log_likelihood(self) -> float:
        """Return the expected log-probability of the observed dyads given the labels."""
        return self._weighed(self.ties, self.blanks)

    def log_prior(self) -> float:
        """Return the log-density of the probabilities, but for a constant."""
        none = np.zeros_like(self.ties)
        return self._weighed(none + self.data.density, none + 1.0 - self.data.density)

    def _weighed(self, ties: Floats, blanks: Floats) -> float:
        return self.data.over_blocks(ties * np.log(self.probability) + blanks * np.log1p(-self.probability))

    def penalty(self) -> float:
        """Return half the number of probabilities times the log of the number of dyads."""
        return 0.5 * self.data.over_blocks(np.ones_like(self.ties)) * float(np.log(max(self.data.n_dyads, 1.0)))

    def maximise(self) -> None:
        """Set weights and probabilities to the best given the memberships."""
        self.set_weights()
        self.probability = (self.ties + self.data.density) / (self.ties + self.blanks + 1.0)

    def conditional(self, membership: Floats) -> tuple[Floats, Floats]:
        """Return the two numbers of the Beta distribution of each probability; their mean is the estimate."""
        ties = self.data.between(membership, self.data.ties, membership)
        blanks = self.data.between(membership, self.data.for_kernels.blanks, membership)
        return ties + self.data.density, blanks + 1.0 - self.data.density

    def expect(self) -> None:
        """Set each actor's membership to the best given the parameters and all other memberships."""
        from simlab.kernels.blocks import update_membership

        log_tie, log_blank = np.log(self.probability), np.log1p(-self.probability)
        update_membership(self.membership, np.log(self.weights), log_tie, log_blank, self.data.for_kernels)
        self._count()
