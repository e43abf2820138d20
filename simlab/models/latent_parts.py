"""What the data of a latent position model may have besides: covariates, a list of dyads, ties that are open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simlab.panel import DyadState, Network

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Design:
    """The covariates of a network, by the texts of ``simlab.models.covariates``."""

    network: Network
    terms: tuple[str, ...]

    def matrix(self) -> Floats:
        """Return the covariates row to column: (n_covariates, n_actors, n_actors)."""
        from simlab.models.covariates import design_matrix

        return design_matrix(self.network, self.terms)


@dataclass(frozen=True, eq=False)
class DyadList:
    """A list of dyads of a large network, those of a sample last.

    first, second : (n_dyads,), the later and the earlier actor of each. Those from the ``n_whole``-th on are a sample, each
    of which stands for ``weight`` dyads. Without any dyad it stands for all of them, in the kernels' order.
    """

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    n_whole: int
    weight: float

    @classmethod
    def every(cls) -> DyadList:
        """Return the list that stands for all dyads."""
        none = np.zeros(0, dtype=np.int32)
        return cls(none, none, 0, 1.0)

    def __len__(self) -> int:
        """Return how many dyads are listed; 0 where it stands for all."""
        return len(self.first)

    def weights(self) -> Floats:
        """Return how many dyads each one of the list stands for."""
        return np.where(np.arange(len(self)) < self.n_whole, 1.0, self.weight)


@dataclass(frozen=True, eq=False)
class OpenTies:
    """The ties that respondents who named as many as allowed may have besides; see ``simlab.kernels.chain_state.Data``.

    ties : (n_open, 4); starts : (n_limited + 1,); named : (n_limited,).
    """

    ties: NDArray[np.int32]
    starts: Ints
    named: Ints

    @classmethod
    def none(cls) -> OpenTies:
        """Return no open ties."""
        return cls(np.zeros((0, 4), dtype=np.int32), np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int64))

    @classmethod
    def of(cls, networks: Sequence[Network]) -> OpenTies:
        """Return what the limited respondents of all networks leave open: whomever they could have named and did not."""
        parts, named = [np.zeros((0, 4), dtype=np.int32)], []
        for r, network in enumerate(networks):
            if network.limited is None:
                continue
            for i in np.flatnonzero(network.limited):
                others = np.flatnonzero(network.state[i] == DyadState.NO_TIE)
                others = others[others != i]
                back = (others > i).astype(np.int32)
                each = [np.full(len(others), r), np.maximum(i, others), np.minimum(i, others), back]
                parts.append(np.column_stack(each).astype(np.int32))
                named.append(int((network.state[i] == DyadState.TIE).sum()))
        starts = np.cumsum([len(part) for part in parts]).astype(np.int64)
        return cls(np.concatenate(parts), starts, np.array(named, dtype=np.int64))
