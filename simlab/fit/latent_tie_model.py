"""LatentTieModel: the networks that draws, or a point estimate, of a latent position model stand for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Posterior
from simlab.fit.point import Point
from simlab.fit.tie_model import Family, TieModel
from simlab.models.latent_data import LatentData
from simlab.models.latent_parts import Design
from simlab.models.lpcm import distances

if TYPE_CHECKING:
    from simlab.kernels.chain import Draws

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LatentTieModel(TieModel):
    """Networks from posterior draws of a latent position model; the arrays' first axis is the draw.

    design : where the covariates come from, or None; the others as in ``Posterior``, chains stacked.
    """

    family: Family
    positions: NDArray[np.float32]
    intercepts: Floats
    coefficients: Floats
    rho: Floats
    sender: NDArray[np.float32]
    receiver: NDArray[np.float32]
    design: Design | None
    shared_effects: bool

    @classmethod
    def of(cls, posterior: Posterior, data: LatentData) -> LatentTieModel:
        """Return the tie model of the draws of a posterior."""

        def stacked(values: np.ndarray) -> np.ndarray:
            return values.reshape(values.shape[0] * values.shape[1], *values.shape[2:])

        return cls.of_arrays(
            data,
            positions=stacked(posterior.positions),
            intercepts=stacked(posterior.intercept),
            coefficients=stacked(posterior.coefficients),
            rho=stacked(posterior.reciprocity),
            sender=stacked(posterior.sender),
            receiver=stacked(posterior.receiver),
        )

    @classmethod
    def of_draws(cls, draws: Draws, data: LatentData) -> LatentTieModel:
        """Return the tie model of draws as the chains made them."""
        return cls.of_arrays(
            data,
            positions=draws.positions,
            intercepts=draws.intercepts,
            coefficients=draws.coefficients,
            rho=draws.reciprocity,
            sender=draws.sender,
            receiver=draws.receiver,
        )

    @classmethod
    def of_point(cls, point: Point, data: LatentData) -> LatentTieModel:
        """Return the tie model of a point estimate: one draw."""
        return cls.of_arrays(
            data,
            positions=point.positions[None].astype(np.float32),
            intercepts=point.intercepts[None],
            coefficients=point.coefficients[None],
            rho=point.reciprocity[None],
            sender=point.sender[None].astype(np.float32),
            receiver=point.receiver[None].astype(np.float32),
        )

    @classmethod
    def of_arrays(cls, data: LatentData, **arrays: np.ndarray) -> LatentTieModel:
        """Return the tie model of draws, each array by its name."""
        return cls(
            family=Family.POISSON if data.form == "poisson" else Family.BERNOULLI,
            design=data.design,
            shared_effects=data.sociality == "shared",
            **arrays,
        )

    @cached_property
    def covariates(self) -> Floats | None:
        """The covariates row to column: (n_covariates, n_actors, n_actors), or None where there are none."""
        return self.design.matrix() if self.design else None

    @property
    def n_draws(self) -> int:
        """The number of draws."""
        return len(self.positions)

    def predictors(self, draw: int) -> Floats:
        """Return eta of every tie: (n_relations, n_actors, n_actors)."""
        eta = self.intercepts[draw][:, None, None] - distances(self.positions[draw].astype(np.float64))
        if self.covariates is not None:
            eta = eta + np.einsum("rk,kij->rij", self.coefficients[draw], self.covariates)
        if self.sender.shape[2]:
            eta = eta + self.sender[draw][:, :, None]
        if self.receiver.shape[2]:
            eta = eta + self.receiver[draw][:, None, :]
        elif self.shared_effects:
            eta = eta + self.sender[draw][:, None, :]
        return np.asarray(eta)

    def reciprocity(self, draw: int) -> Floats:
        """Return the log odds ratio of the two ties of a dyad: (n_relations,)."""
        return self.rho[draw] if self.rho.shape[1] else np.zeros(self.intercepts.shape[1])
