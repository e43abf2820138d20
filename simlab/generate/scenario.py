"""Scenario: the settings of a world of managers, with limits checked when it is made."""

from __future__ import annotations

import math
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from simlab.foundation.settings import Settings

Share = Annotated[float, Field(ge=0.0, le=1.0)]
OneOrEach = float | tuple[float, ...]

DEFAULT_MEAN_DEGREE = 9.0


class Scenario(Settings):
    """A world of managers in clusters of a latent space, over sites, relations and periods.

    The probability of a tie from i to j is that of a latent position cluster model with sociality and homophily:

        logit P = intercept - ||z_i - z_j|| + activity_i + popularity_j + sum_a homophily_a [i and j share a]

    and the intercept is solved for the mean degree or density that is asked for. The defaults are those of managerial
    networks at large (see docs/model.md), a judgement and not figures of any one study.
    """

    n_actors: int = Field(default=60, ge=2, le=5000, description="actors present at a site in a period")
    n_clusters: int = Field(default=3, ge=1, description="clusters (G)")
    n_dims: int = Field(default=2, ge=1, le=5, description="dimensions of the latent space (d)")
    separation: float = Field(
        default=4.0, ge=0.0, le=1000.0, description="distance of the nearest centres, in units of spread"
    )
    spread: float = Field(
        default=1.0, gt=0.0, le=1000.0, description="standard deviation of positions in a cluster (sigma)"
    )
    cluster_shares: tuple[float, ...] | None = Field(
        default=None, description="share of actors in each cluster; none: equal"
    )

    density: OneOrEach | None = Field(default=None, description="expected density, one or one a relation")
    mean_degree: OneOrEach | None = Field(
        default=None, description="expected out-degree, one or one a relation; 9 unless said"
    )
    reciprocity: OneOrEach | None = Field(default=0.5, description="share of ties returned; none: ties are independent")
    activity: float = Field(default=0.5, ge=0.0, description="standard deviation of the sender effects (log odds)")
    popularity: float = Field(default=0.8, ge=0.0, description="standard deviation of the receiver effects (log odds)")
    organisation_homophily: float = Field(default=1.5, description="log odds ratio of a tie within an organisation")
    seniority_homophily: float = Field(default=0.5, description="log odds ratio of a tie within a level of seniority")
    service_homophily: float = Field(default=0.0, description="log odds ratio of a tie within a service area")

    organisations: tuple[str, ...] = Field(default=("NHS", "local authority", "private", "voluntary"), min_length=1)
    organisation_shares: tuple[float, ...] | None = Field(
        default=None, description="share of each organisation; none: equal"
    )
    organisation_mixing: Share = Field(
        default=0.9, description="1: organisations are as mixed in a cluster as at large"
    )
    seniorities: tuple[str, ...] = Field(default=("executive", "senior", "middle", "front line"), min_length=1)
    seniority_shares: tuple[float, ...] | None = Field(default=None, description="share of each level; none: equal")
    seniority_mixing: Share = Field(default=0.9, description="1: levels are as mixed in a cluster as at large")
    services: tuple[str, ...] = Field(
        default=(
            "workplace well-being",
            "mental health",
            "older people",
            "children and families",
            "healthy eating",
            "tobacco and alcohol",
        ),
        min_length=1,
    )
    service_commonness: Share = Field(
        default=0.8, description="share of a cluster that works in the cluster's own service area"
    )

    bridger_share: Share = Field(default=0.1, description="share of actors who lie between two clusters")
    bridger_strength: Share = Field(
        default=0.8, description="1: midway between the two centres; 0: at their own centre"
    )
    core_share: Share = Field(default=0.3, description="share of actors, bridgers apart, who are the stable core")

    relations: tuple[str, ...] = Field(default=("contact",), min_length=1, description="names of the relations")
    overlap: Share | None = Field(
        default=0.4,
        description="Jaccard index of later relations with the first, or chance where that is more; none: by chance",
    )
    n_periods: int = Field(default=1, ge=1, le=50)
    tie_persistence: Share | None = Field(
        default=0.4,
        description="Jaccard index of stayers' ties between periods, or chance where that is more; none: by chance",
    )
    leaving: Share = Field(
        default=0.25, description="probability that an actor outside the core leaves between periods"
    )
    core_leaving: Share = Field(default=0.08, description="the same for the core")
    arriving: float | None = Field(
        default=None, ge=0.0, le=10.0, description="newcomers, a share of those present; none: as many as left"
    )
    switching: Share = Field(default=0.2, description="probability that a stayer outside the core changes cluster")
    core_switching: Share = Field(default=0.05, description="the same for the core")
    drift: Share = Field(default=0.1, description="how far stayers move within their cluster; 1: drawn anew")
    n_sites: int = Field(default=1, ge=1, le=100)

    @field_validator("density", "mean_degree", "reciprocity", mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        if value is not None and (isinstance(value, (bool, str)) or not isinstance(value, (int, float, tuple))):
            raise ValueError("must be a number, or one number a relation")
        for each in value if isinstance(value, tuple) else () if value is None else (value,):
            if isinstance(each, bool) or not isinstance(each, (int, float)) or not math.isfinite(each):
                raise ValueError("must be a number, or one number a relation")
        return value

    @field_validator("organisations", "seniorities", "services", "relations")
    @classmethod
    def _different(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value) or not all(v.strip() for v in value):
            raise ValueError("must be different names, none of them empty")
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.n_clusters > self.n_actors:
            raise ValueError(f"n_clusters = {self.n_clusters}: must be at most n_actors = {self.n_actors}")
        _check_shares("cluster_shares", self.cluster_shares, self.n_clusters, "n_clusters", positive=True)
        _check_shares("organisation_shares", self.organisation_shares, len(self.organisations), "organisations")
        _check_shares("seniority_shares", self.seniority_shares, len(self.seniorities), "seniorities")
        if self.density is not None and self.mean_degree is not None:
            raise ValueError(f"density = {self.density}: must not be given together with mean_degree")
        for field, low, high in (("density", 0.0, 1.0), ("mean_degree", 0.0, self.n_actors - 1.0)):
            for value in self._each(field):
                if value is not None and not low < value < high:
                    raise ValueError(f"{field} = {value}: must be above {low:g} and below {high:g}")
        for value in self._each("reciprocity"):
            if value is not None and not 0.0 <= value < 1.0:
                raise ValueError(f"reciprocity = {value}: must be from 0 and below 1")
        if self.bridger_share + self.core_share > 1.0:
            raise ValueError(
                f"core_share = {self.core_share}: must leave room for bridger_share = {self.bridger_share}"
            )
        for core, rest in (("core_leaving", "leaving"), ("core_switching", "switching")):
            if getattr(self, core) > getattr(self, rest):
                raise ValueError(f"{core} = {getattr(self, core)}: must be at most {rest} = {getattr(self, rest)}")
        return self

    def _each(self, field: str) -> tuple[float | None, ...]:
        value = getattr(self, field)
        if not isinstance(value, tuple):
            return (value,) * len(self.relations)
        if len(value) != len(self.relations):
            raise ValueError(
                f"{field} = {value}: must be one number, or one for each of {len(self.relations)} relations"
            )
        return value

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of each cluster, adding up to 1."""
        given = self.cluster_shares or (1.0,) * self.n_clusters
        return tuple(share / sum(given) for share in given)

    def degree_wanted(self, relation: int, n_present: int) -> float:
        """Return the expected out-degree of a relation where ``n_present`` actors are present."""
        density = self._each("density")[relation]
        if density is not None:
            return density * (n_present - 1)
        wanted = self._each("mean_degree")[relation]
        if wanted is None:
            # Networks too small for nine ties an actor get half of the ties they can hold.
            return min(DEFAULT_MEAN_DEGREE, 0.5 * (n_present - 1))
        return min(wanted, 0.999 * (n_present - 1))

    def reciprocity_wanted(self, relation: int) -> float | None:
        """Return the reciprocity of a relation, or None where ties are independent."""
        return self._each("reciprocity")[relation]

    @property
    def defining_attribute(self) -> str:
        """The attribute that by construction sets the clusters apart the most; empty where none does."""
        strength = {
            "service": self.service_commonness,
            "organisation": 1.0 - self.organisation_mixing,
            "seniority": 1.0 - self.seniority_mixing,
        }
        best = max(strength, key=lambda name: strength[name])
        return best if strength[best] > 0.0 and self.n_clusters > 1 else ""


def _check_shares(field: str, shares: tuple[float, ...] | None, count: int, of: str, *, positive: bool = False) -> None:
    if shares is None:
        return
    if len(shares) != count:
        raise ValueError(f"{field} = {shares}: must be {count} numbers, one for each of {of}")
    if not math.isfinite(sum(shares)) or min(shares) < 0.0 or (positive and min(shares) == 0.0) or sum(shares) <= 0.0:
        raise ValueError(f"{field} = {shares}: must be {'positive' if positive else 'not negative'} numbers")
