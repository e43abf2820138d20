"""TieModel: the distribution of networks that a fit stands for, so that networks can be drawn from any fit alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Family(StrEnum):
    """The distribution of a tie given its linear predictor eta."""

    BERNOULLI = "bernoulli"  # P(tie) = 1 / (1 + exp(-eta))
    POISSON = "poisson"  # count with mean exp(eta)


class TieModel(ABC):
    """Linear predictors of all ties, for each draw of the parameters; one draw where a fit is a point estimate.

    Dyads are independent given a draw. In a directed network with a reciprocity that is not 0 (Bernoulli only), the two
    ties of a dyad have P(y_ij, y_ji) proportional to exp(y_ij eta_ij + y_ji eta_ji + reciprocity y_ij y_ji).
    """

    family: Family

    @property
    @abstractmethod
    def n_draws(self) -> int:
        """The number of draws of the parameters."""

    @abstractmethod
    def predictors(self, draw: int) -> Floats:
        """Return eta of every tie from row to column: (n_relations, n_actors, n_actors); the diagonal means nothing.

        Symmetric where ties have no direction.
        """

    def reciprocity(self, draw: int) -> Floats:
        """Return the log odds ratio of the two ties of a dyad: (n_relations,); 0 where they are independent."""
        return np.zeros(len(self.predictors(draw)))
