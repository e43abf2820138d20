"""The people of one site over the periods: clusters, positions, bridgers, core, attributes, who leaves, comes, switches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simlab.generate.fitted import FittedWorld
from simlab.generate.scenario import Scenario

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

T = TypeVar("T", bound=np.generic)

ATTRIBUTES = ("organisation", "seniority", "service")


@dataclass(frozen=True, eq=False)
class People:
    """Everybody who is at a site in any period. Arrays are (n_periods, n_people) unless said.

    ``label`` and ``partners`` (n_periods, n_people, bridger_clusters - 1), the other clusters that a bridger lies
    towards, are -1, ``position`` (n_periods, n_people, n_dims) is NaN where somebody is absent; ``partners`` are -1 for
    all but bridgers. ``bridger``, ``core``, ``activity`` and ``popularity`` are (n_people,), of the person.
    """

    present: Flags
    label: Ints
    partners: Ints
    position: Floats
    bridger: Flags
    core: Flags
    activity: Floats
    popularity: Floats
    attributes: dict[str, NDArray[np.str_]]

    @property
    def partner(self) -> Ints:
        """The first of ``partners``: (n_periods, n_people)."""
        return self.partners[:, :, 0]


def centres(scenario: Scenario) -> Floats:
    """Return the centres (n_clusters, n_dims), nearest neighbours ``separation`` times ``spread`` apart.

    On a line for one dimension, the corners of a regular simplex where the dimensions allow, else a circle in the first
    two dimensions; in the plane both of the latter are the regular polygon.
    """
    count, dims = scenario.n_clusters, scenario.n_dims
    side = scenario.separation * scenario.spread
    places = np.zeros((count, dims))
    if count == 1:
        return places
    if dims == 1:
        places[:, 0] = (np.arange(count) - (count - 1) / 2) * side
    elif dims > 2 and count <= dims + 1:
        # A regular simplex: the corners of the standard one, sqrt(2) apart, turned into their own hyperplane.
        corners = np.eye(count) - 1.0 / count
        values, vectors = np.linalg.eigh(corners)
        places[:, : count - 1] = (corners @ vectors[:, values > 0.5]) * side / np.sqrt(2.0)
    else:
        radius = side / (2.0 * np.sin(np.pi / count))
        angles = 2.0 * np.pi * np.arange(count) / count + np.pi / 2.0
        places[:, 0], places[:, 1] = radius * np.cos(angles), radius * np.sin(angles)
    return places


def apportioned(shares: tuple[float, ...], total: int) -> Ints:
    """Return whole numbers in proportion to ``shares`` that add up to ``total`` (largest remainders, none below 1)."""
    exact = np.array(shares) / sum(shares) * total
    counts = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - counts), kind="stable")
    counts[order[: total - counts.sum()]] += 1
    while (counts == 0).any():
        counts[np.argmax(counts)] -= 1
        counts[np.argmin(counts)] += 1
    return counts


def simulate_people(scenario: Scenario, rng: np.random.Generator) -> People:
    """Return the people of one site. Cluster sizes of the first period are exact; later ones follow from who moves."""
    if scenario.fitted is not None:
        return fitted_people(scenario.fitted, scenario.n_periods)
    crowd = _Crowd(scenario, rng)
    crowd.found()
    for period in range(1, scenario.n_periods):
        crowd.turn(period)
    return crowd.people()


class _Crowd:
    """People while they are simulated: one list entry a person, so that newcomers are appended."""

    def __init__(self, scenario: Scenario, rng: np.random.Generator) -> None:
        self.scenario = scenario
        self.rng = rng
        self.centres = centres(scenario)
        self.label: list[list[int]] = []
        self.alone = (-1,) * (scenario.bridger_clusters - 1)
        self.partners: list[list[tuple[int, ...]]] = []
        self.position: list[list[Floats]] = []
        self.values: dict[str, list[list[str]]] = {name: [] for name in ATTRIBUTES}
        self.bridger: list[bool] = []
        self.core: list[bool] = []

    def found(self) -> None:
        """Make the people of the first period."""
        world, rng = self.scenario, self.rng
        labels = np.repeat(np.arange(world.n_clusters), apportioned(world.shares, world.n_actors))
        rng.shuffle(labels)
        n_bridgers = round(world.bridger_share * world.n_actors) if world.n_clusters > 1 else 0
        n_core = min(round(world.core_share * world.n_actors), world.n_actors - n_bridgers)
        order = rng.permutation(world.n_actors)
        bridgers = set(order[:n_bridgers].tolist())
        core = set(order[n_bridgers : n_bridgers + n_core].tolist())
        for i, label in enumerate(labels.tolist()):
            self.add(0, label, bridger=i in bridgers, core=i in core)

    def add(self, period: int, label: int, *, bridger: bool, core: bool) -> None:
        """Add a newcomer of ``period``; in earlier ones the person is absent."""
        nowhere = np.full(self.scenario.n_dims, np.nan)
        partners = self.other_clusters(label) if bridger else self.alone
        self.bridger.append(bridger)
        self.core.append(core)
        self.label.append([-1] * period + [label])
        self.partners.append([self.alone] * period + [partners])
        self.position.append([nowhere] * period + [self.place(label, partners)])
        for name in ATTRIBUTES:
            self.values[name].append([""] * period + [self.value(name, label)])

    def turn(self, period: int) -> None:
        """Go from the period before to ``period``: leaving, switching and drifting, then arriving."""
        world, rng = self.scenario, self.rng
        before = [i for i in range(len(self.label)) if self.label[i][-1] >= 0]
        absent = [i for i in range(len(self.label)) if self.label[i][-1] < 0]
        left = 0
        for i in absent:
            self.stay_away(i)
        for i in before:
            leaving = world.core_leaving if self.core[i] else world.leaving
            switching = world.core_switching if self.core[i] else world.switching
            if rng.random() < leaving and len(before) - left > 2:
                left += 1
                self.stay_away(i)
            elif rng.random() < switching and world.n_clusters > 1:
                self.switch(i)
            else:
                self.remain(i)
        coming = left if world.arriving is None else round(world.arriving * len(before))
        for label in rng.choice(world.n_clusters, size=coming, p=world.shares).tolist():
            bridger = bool(world.n_clusters > 1 and rng.random() < world.bridger_share)
            self.add(period, label, bridger=bridger, core=False)

    def stay_away(self, i: int) -> None:
        """Record that person i is absent."""
        self.label[i].append(-1)
        self.partners[i].append(self.alone)
        self.position[i].append(np.full(self.scenario.n_dims, np.nan))
        for name in ATTRIBUTES:
            self.values[name][i].append("")

    def switch(self, i: int) -> None:
        """Move person i to another cluster; the service area goes with the new cluster."""
        label = self.other_cluster(self.label[i][-1])
        partners = self.other_clusters(label) if self.bridger[i] else self.alone
        self.label[i].append(label)
        self.partners[i].append(partners)
        self.position[i].append(self.place(label, partners))
        for name in ATTRIBUTES:
            value = self.value(name, label) if name == "service" else self.values[name][i][-1]
            self.values[name][i].append(value)

    def remain(self, i: int) -> None:
        """Keep person i in the cluster, drifting a little: the spread of positions stays what it was."""
        drift = self.scenario.drift
        label, partners = self.label[i][-1], self.partners[i][-1]
        middle = self.middle(label, partners)
        keep = np.sqrt(1.0 - drift**2)
        fresh = self.place(label, partners)
        self.label[i].append(label)
        self.partners[i].append(partners)
        self.position[i].append(middle + keep * (self.position[i][-1] - middle) + drift * (fresh - middle))
        for name in ATTRIBUTES:
            self.values[name][i].append(self.values[name][i][-1])

    def other_cluster(self, label: int) -> int:
        """Return a cluster other than ``label``, each as likely."""
        return int((label + 1 + self.rng.integers(self.scenario.n_clusters - 1)) % self.scenario.n_clusters)

    def other_clusters(self, label: int) -> tuple[int, ...]:
        """Return the clusters besides ``label`` that a bridger bridges, different ones, each set as likely."""
        first = self.other_cluster(label)
        more = len(self.alone) - 1
        if more == 0:
            return (first,)
        rest = [g for g in range(self.scenario.n_clusters) if g not in (label, first)]
        return (first, *self.rng.choice(rest, size=more, replace=False).tolist())

    def middle(self, label: int, partners: tuple[int, ...]) -> Floats:
        """Return the point around which people of this cluster (and partners, for bridgers) lie."""
        return between(self.centres, label, partners, self.scenario.bridger_strength)

    def place(self, label: int, partners: tuple[int, ...]) -> Floats:
        """Return a new position."""
        noise = self.rng.standard_normal(self.scenario.n_dims)
        return np.asarray(self.middle(label, partners) + self.scenario.spread * noise)

    def value(self, name: str, label: int) -> str:
        """Return an attribute of somebody in cluster ``label``."""
        world = self.scenario
        names: tuple[str, ...] = {
            "organisation": world.organisations,
            "seniority": world.seniorities,
            "service": world.services,
        }[name]
        shares: tuple[float, ...] | None = {
            "organisation": world.organisation_shares,
            "seniority": world.seniority_shares,
            "service": None,
        }[name]
        at_large = {
            "organisation": world.organisation_mixing,
            "seniority": world.seniority_mixing,
            "service": 1.0 - world.service_commonness,
        }[name]
        weights = None if shares is None else np.array(shares) / sum(shares)
        own = label % len(names)
        common, mixed = names[own], self.rng.random() < at_large
        if name == "service":
            # The rest work in the other areas, so that the share in their own is what was asked for.
            others = max(len(names) - 1, 1)
            anybody = names[(own + 1 + int(self.rng.integers(others))) % len(names)]
        else:
            anybody = names[int(self.rng.choice(len(names), p=weights))]
        return anybody if mixed else common

    def people(self) -> People:
        """Return everybody as arrays."""
        world, rng = self.scenario, self.rng
        label = np.array(self.label, dtype=np.int64).T
        return People(
            present=label >= 0,
            label=label,
            partners=np.array(self.partners, dtype=np.int64).transpose(1, 0, 2),
            position=np.array(self.position).transpose(1, 0, 2),
            bridger=np.array(self.bridger),
            core=np.array(self.core),
            activity=world.activity * rng.standard_normal(len(self.label)),
            popularity=world.popularity * rng.standard_normal(len(self.label)),
            attributes={name: np.array(values, dtype=np.str_).T for name, values in self.values.items()},
        )


def between(places: Floats, label: int, partners: int | Sequence[int], strength: float) -> Floats:
    """Return the point that is ``strength`` of the way from a centre to the middle of the k centres that are bridged.

    ``partners`` is the other cluster, or the k - 1 others; -1 is none. With one partner ``strength`` 1 is midway, with
    several it is the mean of all k centres: own + strength (1 - 1/k) (mean of the partners' centres - own).
    """
    others = [partners] if isinstance(partners, int | np.integer) else list(partners)
    if others[0] < 0:
        return np.asarray(places[label])
    away = 1.0 - 1.0 / (len(others) + 1)
    return np.asarray(places[label] + away * strength * (places[others].mean(axis=0) - places[label]))


def fitted_people(world: FittedWorld, n_periods: int = 1) -> People:
    """Return the people of a world that was made from a fit: nobody bridges, nobody is of a core, nothing is drawn.

    In every period they are the same: nobody comes, leaves, switches or drifts.
    """
    n = len(world.labels)
    known = dict(world.attributes)

    def in_all(values: NDArray[T]) -> NDArray[T]:
        return np.repeat(values[None], n_periods, axis=0)

    return People(
        present=np.ones((n_periods, n), dtype=bool),
        label=in_all(np.array(world.labels, dtype=np.int64)),
        partners=np.full((n_periods, n, 1), -1, dtype=np.int64),
        position=in_all(np.array(world.positions, dtype=np.float64)),
        bridger=np.zeros(n, dtype=bool),
        core=np.zeros(n, dtype=bool),
        activity=np.array(world.activity),
        popularity=np.array(world.popularity),
        attributes={
            name: in_all(np.array(known.get(name, ("",) * n), dtype=np.str_)) for name in (*ATTRIBUTES, *known)
        },
    )
