"""TogetherFitter: a fitter that is given several networks of a panel at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from simlab.fit.fit import ClusterCountFitter, Fit, Fitter
from simlab.fit.nested import nested_fitter
from simlab.foundation.errors import InputError
from simlab.panel import Network


class TogetherFitter(ClusterCountFitter):
    """Another fitter, the ``base``, on all relations of a site and period at once, or on all sites of a relation and period.

    In a study it is given the networks that belong together, and returns a fit for each of them. Of a single network its fit
    is that of the base.
    """

    has_tie_model: ClassVar[bool] = False
    over: ClassVar[Literal["relation", "site"]] = "relation"

    base: str = Field(default="lpcm-map", description="the fitter that is given the networks")
    base_settings: tuple[str, ...] = Field(default=(), description="its settings, each key=value")

    @model_validator(mode="after")
    def _base_is_a_fitter(self) -> Self:
        if isinstance(self.base_fitter, TogetherFitter):
            raise InputError.of("base", self.base, "must be a fitter of single networks")
        return self

    @property
    def base_fitter(self) -> Fitter:
        """The base with its settings."""
        return nested_fitter("base", self.base, self.base_settings, self.n_clusters)

    @property
    def kinds(self) -> tuple[type[Fitter], ...]:
        """This fitter and its base."""
        return (type(self), *self.base_fitter.kinds)

    @abstractmethod
    def fit_together(self, networks: Sequence[Network], *, rng: np.random.Generator) -> list[Fit]:
        """Return a fit of each of several networks, from all of them."""

    def estimate(self, network: Network, rng: np.random.Generator) -> Fit:
        """Return the fit of a single network."""
        return self.fit_together([network], rng=rng)[0]
