"""FittedWorld: the people, positions and effects that a scenario takes from a fit instead of drawing them."""

from __future__ import annotations

import math
from typing import Self

from pydantic import Field, model_validator

from simlab.foundation.settings import Settings


class FittedWorld(Settings):
    """What a fit says of each actor. Everything is in the order of ``actors``; lengths are checked.

    actors : names, sorted; labels : clusters from 0; positions : coordinates of each, none without a latent space;
    activity, popularity : sender and receiver effects, in log odds; offsets : (n_actors, n_actors) further log odds of a
    tie from row to column, or none; attributes : (name, values) pairs.
    """

    actors: tuple[str, ...] = Field(min_length=2)
    labels: tuple[int, ...]
    positions: tuple[tuple[float, ...], ...]
    activity: tuple[float, ...]
    popularity: tuple[float, ...]
    offsets: tuple[tuple[float, ...], ...] = ()
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        n = len(self.actors)
        if list(self.actors) != sorted(set(self.actors)):
            raise ValueError("actors: must be sorted and without repetition")
        each = {"labels": self.labels, "positions": self.positions, "activity": self.activity}
        each |= {"popularity": self.popularity, **{f"attributes {name!r}": v for name, v in self.attributes}}
        for name, values in each.items():
            if len(values) != n:
                raise ValueError(f"{name}: must be {n}, one an actor, and not {len(values)}")
        if sorted(set(self.labels)) != list(range(max(self.labels) + 1)):
            raise ValueError("labels: must be whole numbers from 0, each used")
        if len({len(p) for p in self.positions}) != 1:
            raise ValueError("positions: must all have the same number of dimensions")
        if self.offsets and (len(self.offsets) != n or any(len(row) != n for row in self.offsets)):
            raise ValueError(f"offsets: must have the shape (actors, actors) = ({n}, {n})")
        numbers = (*self.activity, *self.popularity, *(x for p in (*self.positions, *self.offsets) for x in p))
        if not all(math.isfinite(x) for x in numbers):
            raise ValueError("positions, effects and offsets: must be finite numbers")
        return self

    @property
    def n_dims(self) -> int:
        """Dimensions of the positions; 0 where there are none."""
        return len(self.positions[0])

    @property
    def n_clusters(self) -> int:
        """The number of clusters."""
        return max(self.labels) + 1
