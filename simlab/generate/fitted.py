"""FittedWorld: the people, positions and effects that a scenario takes from a fit instead of drawing them."""

from __future__ import annotations

import math
from typing import Any, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from simlab.foundation.settings import Settings

_NEWER = ("undirected", "found", "bridgers")
_ROUNDING = 1e-6


class FittedWorld(Settings):
    """What a fit says of each actor. Everything is in the order of ``actors``; lengths are checked.

    actors : names, sorted; labels : clusters from 0; positions : coordinates of each, none without a latent space;
    activity, popularity : sender and receiver effects, in log odds; offsets : (n_actors, n_actors) further log odds of a
    tie from row to column, or none; attributes : (name, values) pairs.

    undirected : relations whose ties have no direction; activity and popularity are then alike, and offsets symmetric.
    found : the clusters that the fit reported, where ``labels`` are those of one posterior draw; or none.
    bridgers : those whom the fit named as likely bridgers, the likeliest first.
    """

    actors: tuple[str, ...] = Field(min_length=2)
    labels: tuple[int, ...]
    positions: tuple[tuple[float, ...], ...]
    activity: tuple[float, ...]
    popularity: tuple[float, ...]
    offsets: tuple[tuple[float, ...], ...] = ()
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    undirected: tuple[str, ...] = ()
    found: tuple[int, ...] = ()
    bridgers: tuple[str, ...] = ()

    @model_serializer(mode="wrap")
    def _without_what_is_newer(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what a world does not have, so that worlds that had no such thing keep their keys and numbers."""
        written: dict[str, Any] = rest(self)
        return {name: value for name, value in written.items() if value or name not in _NEWER}

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
        if self.found and len(self.found) != n:
            raise ValueError(f"found: must be {n}, one an actor, and not {len(self.found)}")
        unknown = sorted(set(self.bridgers) - set(self.actors))
        if unknown:
            raise ValueError(f"bridgers: {unknown[0]!r} is not among the actors")
        if self.undirected and not self._symmetric():
            raise ValueError("undirected: activity and popularity must be alike, and offsets symmetric")
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

    def _symmetric(self) -> bool:
        pairs = range(len(self.offsets))
        alike = all(math.isclose(a, p, abs_tol=_ROUNDING) for a, p in zip(self.activity, self.popularity, strict=True))
        return alike and all(
            math.isclose(self.offsets[i][j], self.offsets[j][i], abs_tol=_ROUNDING) for i in pairs for j in range(i)
        )

    @property
    def n_dims(self) -> int:
        """Dimensions of the positions; 0 where there are none."""
        return len(self.positions[0])

    @property
    def n_clusters(self) -> int:
        """The number of clusters."""
        return max(self.labels) + 1
