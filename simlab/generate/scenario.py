"""Scenario: the settings of a world of managers, with limits checked when it is made."""

from __future__ import annotations

import math
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from simlab.foundation.settings import Settings
from simlab.generate.fitted import FittedWorld
from simlab.generate.structures import WITHOUT_CLUSTERS, structures

Share = Annotated[float, Field(ge=0.0, le=1.0)]
OneOrEach = float | tuple[float, ...]

DEFAULT_MEAN_DEGREE = 9.0


class Scenario(Settings):
    """A world of managers in clusters, over sites, relations and periods.

    The probability of a tie from i to j is

        logit P = intercept + affinity_ij + activity_i + popularity_j + sum_a homophily_a [i and j share a]

    with the affinity of one of the registered structures. By default it is -||z_i - z_j||, that of a latent position cluster
    model. The intercept is solved for the mean degree, density or information that is asked for. The defaults are those
    of managerial networks at large (see docs/model.md), a judgement and not figures of any one study.
    """

    structure: str = Field(default="latent", description="where ties come from; simlab list names the structures")
    n_actors: int = Field(default=60, ge=2, le=1_000_000, description="actors present at a site in a period")
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

    block_contrast: float = Field(
        default=2.0, ge=-50.0, le=50.0, description="blocks: log odds ratio of a tie within a cluster"
    )
    core_contrast: float = Field(
        default=5.0, ge=-50.0, le=50.0, description="core-periphery: log odds of two of coreness 1 over coreness 0"
    )
    projects_per_cluster: int = Field(default=4, ge=1, le=1000, description="projects of a cluster's family")
    projects_per_actor: float = Field(default=2.0, ge=1.0, le=100.0, description="mean number of projects of an actor")
    projects_outside: Share = Field(default=0.1, description="share of projects outside the own family")
    project_contrast: float = Field(
        default=3.0, ge=-50.0, le=50.0, description="projects: log odds for each unit of log(1 + projects shared)"
    )
    project_staying: Share = Field(default=0.7, description="probability that a stayer stays in a project")
    fitted: FittedWorld | None = Field(default=None, description="structure fitted: what scenario_from_fit takes over")

    density: OneOrEach | None = Field(default=None, description="expected density, one or one a relation")
    mean_degree: OneOrEach | None = Field(
        default=None, description="expected out-degree, one or one a relation; 9 unless said"
    )
    information: OneOrEach | None = Field(
        default=None, description="c lambda^2 of the ties made undirected by union, one or one a relation"
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

    bridger_share: Share = Field(default=0.1, description="share of actors who lie between clusters")
    bridger_strength: Share = Field(
        default=0.8, description="1: midway between the centres they bridge; 0: at their own centre"
    )
    bridger_clusters: int = Field(default=2, ge=2, le=5, description="clusters that a bridger bridges, the own one too")
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
    series: int = Field(
        default=0, ge=0, description="another series of random numbers: scenarios alike in all else are independent"
    )

    @field_validator("density", "mean_degree", "information", "reciprocity", mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        if value is not None and (isinstance(value, (bool, str)) or not isinstance(value, (int, float, tuple))):
            raise ValueError("must be a number, or one number a relation")
        for each in value if isinstance(value, tuple) else () if value is None else (value,):
            if isinstance(each, bool) or not isinstance(each, (int, float)) or not math.isfinite(each):
                raise ValueError("must be a number, or one number a relation")
        return value

    @field_validator("structure")
    @classmethod
    def _known(cls, value: str) -> str:
        return structures[value].name

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
        levels = [field for field in ("density", "mean_degree", "information") if getattr(self, field) is not None]
        if len(levels) > 1:
            raise ValueError(f"{levels[0]} = {getattr(self, levels[0])}: must not be given together with {levels[1]}")
        if self.information is not None and self.n_clusters == 1:
            raise ValueError(f"information = {self.information}: must not be given where n_clusters = 1")
        limits = (("density", 0.0, 1.0), ("mean_degree", 0.0, self.n_actors - 1.0), ("information", 0.0, math.inf))
        for field, low, high in limits:
            for value in self._each(field):
                if value is not None and not low < value < high:
                    below = "" if high == math.inf else f" and below {high:g}"
                    raise ValueError(f"{field} = {value}: must be above {low:g}{below}")
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
        if self.structure in WITHOUT_CLUSTERS and self.n_clusters != 1:
            raise ValueError(f"n_clusters = {self.n_clusters}: must be 1 where structure = {self.structure}")
        if self.bridger_clusters > max(self.n_clusters, 2):
            raise ValueError(
                f"bridger_clusters = {self.bridger_clusters}: must be at most n_clusters = {self.n_clusters}"
            )
        if (self.structure == "fitted") != (self.fitted is not None):
            raise ValueError(f"structure = {self.structure}: must be fitted where a fit is given, and only there")
        if self.fitted is not None:
            self._check_fitted(self.fitted)
        return self

    def _check_fitted(self, world: FittedWorld) -> None:
        for field, value in (
            ("n_actors", len(world.labels)),
            ("n_clusters", world.n_clusters),
            ("n_dims", max(world.n_dims, 1)),
            ("n_sites", 1),
        ):
            if getattr(self, field) != value:
                raise ValueError(f"{field} = {getattr(self, field)}: must be {value}, as the fit has it")
        for name in world.undirected:
            if name not in self.relations:
                raise ValueError(f"undirected = {name}: must be among the relations, {', '.join(self.relations)}")

    def _each(self, field: str) -> tuple[float | None, ...]:
        value = getattr(self, field)
        if not isinstance(value, tuple):
            return (value,) * len(self.relations)
        if len(value) != len(self.relations):
            raise ValueError(
                f"{field} = {value}: must be one number, or one for each of {len(self.relations)} relations"
            )
        return value

    def but(self, **changes: Any) -> Self:
        """Return the scenario with changes. Relations that are left out take the numbers they have of their own along."""
        return super().but(**{**self._of_relations(changes.get("relations")), **changes})

    def _of_relations(self, names: Any) -> dict[str, Any]:
        """Return what is given for each relation, of some of the relations alone; nothing where there are others."""
        if not isinstance(names, tuple) or not set(names) < set(self.relations):
            return {}
        at = [self.relations.index(name) for name in names]
        each = {name: getattr(self, name) for name in ("density", "mean_degree", "information", "reciprocity")}
        out: dict[str, Any] = {
            name: tuple(value[k] for k in at) for name, value in each.items() if isinstance(value, tuple)
        }
        if self.fitted is not None and self.fitted.undirected:
            out["fitted"] = self.fitted.but(undirected=tuple(n for n in self.fitted.undirected if n in names))
        return out

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of each cluster, adding up to 1."""
        given = self.cluster_shares or (1.0,) * self.n_clusters
        return tuple(share / sum(given) for share in given)

    def directed(self, relation: int) -> bool:
        """Return whether the ties of a relation have a direction: all but those of some fits have."""
        return self.fitted is None or self.relations[relation] not in self.fitted.undirected

    def information_wanted(self, relation: int) -> float | None:
        """Return the information of a relation, or None where its density or mean degree is what is held."""
        return self._each("information")[relation]

    def degree_wanted(self, relation: int, n_present: int) -> float:
        """Return the expected out-degree of a relation where ``n_present`` actors are present.

        Not what the world has where its information is held instead.
        """
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
