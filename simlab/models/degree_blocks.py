"""The degree-corrected block model for ties that are there or not.

    P(tie_ij | K_i = g, K_j = h) = 1 - exp(-sending_i receiving_j rate_gh)

A tie is a count of 1 or more of the Poisson model of Karrer & Newman (2011), in its directed form (Zhu, Yan & Moore
2014): for rare ties the two agree, and here a probability stays below 1 and one observed dyad weighs as much as any
other. Where ties have no direction, sending and receiving are one.

The counts are filled in as by the EM algorithm: given a tie of mean m their mean is m / (1 - exp(-m)), given none 0.
Given the counts rates and degrees have closed forms over the exposure, the sum of the other factors over the observed
dyads alone; so nobody is taken for inactive for want of an answer. Degrees have a Gamma(2, 1) prior, whose mode is 1,
and rates one as weak as a dyad: actors without a tie, and blocks without one, stay off 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simlab.models.blocks import BlockData, Blocks

Floats = NDArray[np.float64]

_PRIOR_TIES = 1.0
# Turns of rates and degrees in a round: they cost little beside the memberships, and two save a third of the rounds.
_TURNS = 2


class DegreeBlocks(Blocks):
    """The degree-corrected block model as it stands above."""

    def __init__(self, data: BlockData, membership: Floats) -> None:
        super().__init__(data, membership)
        self.usual = -float(np.log1p(-data.density))
        self.rates = np.full((self.n_clusters, self.n_clusters), self.usual)
        self.sending = _relative(data.ties.sum(axis=1), self.usual * data.observed.sum(axis=1))
        self.receiving = self.sending
        if data.directed:
            self.receiving = _relative(data.ties.sum(axis=0), self.usual * data.observed.sum(axis=0))
        self._count()

    def _count(self) -> None:
        self.tie_part, self.counts, self.sent, self.received = self._counts(self.membership)

    def _counts(self, membership: Floats) -> tuple[float, Floats, Floats, Floats]:
        """Return the log-probability of the ties, and the counts behind them by block, sender and receiver."""
        from simlab.kernels.blocks import expected_counts

        n = len(membership)
        blocks, sent, received = np.empty_like(self.rates), np.empty(n), np.empty(n)
        found = expected_counts(
            membership, self.rates, self.sending, self.receiving, self.data.ties, blocks, sent, received
        )
        if not self.data.directed:
            np.fill_diagonal(blocks, 0.5 * np.diag(blocks))
            found *= 0.5
        return found, blocks, sent, received

    def _exposure(self, membership: Floats, dyads: Floats) -> Floats:
        return self.data.between(self.sending[:, None] * membership, dyads, self.receiving[:, None] * membership)

    def log_likelihood(self) -> float:
        """Return the expected log-probability of the observed dyads given the labels."""
        blanks = self._exposure(self.membership, self.data.for_kernels.blanks)
        return self.tie_part - self.data.over_blocks(self.rates * blanks)

    def log_prior(self) -> float:
        """Return the log-density of rates and degrees, but for a constant."""
        degrees = [self.sending, self.receiving] if self.data.directed else [self.sending]
        value = sum(_PRIOR_TIES * float((np.log(d) - d).sum()) for d in degrees)
        return value + self.data.over_blocks(self.usual * np.log(self.rates) - self.rates)

    def penalty(self) -> float:
        """Return half the number of rates and of free degrees, each times the log of the dyads it is judged by.

        Only the product of the three factors matters, so each cluster takes one from the free degrees of a kind.
        """
        n_known = max(int(self.data.known.sum()), 1)
        kinds = 2 if self.data.directed else 1
        rates = self.data.over_blocks(np.ones_like(self.rates)) * np.log(max(self.data.n_dyads, 1.0))
        return 0.5 * float(rates + kinds * max(n_known - self.n_clusters, 0) * np.log(n_known))

    def maximise(self) -> None:
        """Set the weights to the best given the memberships, and rates and degrees to better ones, in turn."""
        self.set_weights()
        for _ in range(_TURNS):
            self._improve()

    def _improve(self) -> None:
        self.rates = (self.counts + self.usual) / (self._exposure(self.membership, self.data.observed) + 1.0)
        around = self.membership @ self.rates @ self.membership.T * self.data.observed
        if self.data.directed:
            self.sending = _relative(self.sent, around @ self.receiving)
            self.receiving = _relative(self.received, self.sending @ around)
        else:
            self.sending = self.receiving = _mutual(self.sent, around @ self.sending, self.sending)

    def conditional(self, membership: Floats) -> tuple[Floats, Floats]:
        """Return shape and rate of the Gamma distribution of each rate, with the counts filled in and degrees fixed."""
        counts = self._counts(np.ascontiguousarray(membership))[1]
        return counts + self.usual, self._exposure(membership, self.data.observed) + 1.0

    def expect(self) -> None:
        """Set each actor's membership to the best given the parameters and all other memberships."""
        from simlab.kernels.blocks import update_membership_by_degree

        update_membership_by_degree(
            self.membership, np.log(self.weights), self.rates, self.sending, self.receiving, self.data.for_kernels
        )
        self._count()


def _relative(counts: Floats, exposure: Floats) -> Floats:
    """Return counts over exposure with the prior added to both: the mode for one factor given the others."""
    return np.asarray((counts + _PRIOR_TIES) / (exposure + _PRIOR_TIES))


def _mutual(counts: Floats, exposure: Floats, before: Floats) -> Floats:
    """Return better degrees where those of both ends are in a product.

    d_i d_j <= (d_i^2 b_j / b_i + d_j^2 b_i / b_j) / 2 with equality at ``before`` (b): what the bound loses by it separates
    into one quadratic equation an actor, whose solution cannot lower it (a minorise-maximise step, Hunter & Lange 2004).
    """
    steep = exposure / before
    root = np.sqrt(_PRIOR_TIES**2 + 4.0 * steep * (counts + _PRIOR_TIES))
    return np.asarray(2.0 * (counts + _PRIOR_TIES) / (_PRIOR_TIES + root))
