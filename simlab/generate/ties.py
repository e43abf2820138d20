"""The ties of one site: probabilities from positions and people, then dyads over relations and periods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError
from simlab.foundation.scientific import expit
from simlab.generate import coupling
from simlab.generate.bonds import Bonds
from simlab.generate.information import information_of
from simlab.generate.intercept import solve_information, solve_intercept
from simlab.generate.people import ATTRIBUTES, People
from simlab.generate.scenario import Scenario

Floats = NDArray[np.float64]
States = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Layer:
    """One relation in one period among the people of a site.

    ``probability`` (n_people, n_people) is that of a tie from row to column, NaN on the diagonal and for the absent;
    ``either`` the probability of a tie in at least one direction; ``ties`` what was drawn.
    """

    intercept: float
    odds_ratio: float
    probability: Floats
    either: Floats
    ties: NDArray[np.bool_]


@dataclass
class _Drawn:
    """One network over all dyads of the site (the rows of a lower triangle): their distribution and what was drawn."""

    distribution: Floats
    states: States


@dataclass
class _Source:
    """A network that dyads may be copied from: the setting that asks for it, the Jaccard index, and how to copy."""

    setting: str
    jaccard: float
    distribution: Floats
    states: States
    transition: Floats


def simulate_ties(
    scenario: Scenario, people: People, bonds: Bonds, rng: np.random.Generator
) -> dict[tuple[int, int], Layer]:
    """Return the layers by (relation, period) of one site.

    The first relation of a period shares ties with itself a period before; every later relation shares ties with the
    first one and with itself a period before, each to the Jaccard index that the scenario asks for.

    Raises
    ------
    InputError
        Where overlap, tie persistence, reciprocity or information lie outside what the tie probabilities allow.
    """
    weaver = _Weaver(scenario, people, bonds, rng)
    layers: dict[tuple[int, int], Layer] = {}
    for period in range(scenario.n_periods):
        weaver.begin(period)
        for relation in range(len(scenario.relations)):
            layers[relation, period] = weaver.weave(period, relation)
    return layers


class _Weaver:
    """Draws network after network, remembering the joint distributions that overlap and persistence build up."""

    def __init__(self, scenario: Scenario, people: People, bonds: Bonds, rng: np.random.Generator) -> None:
        self.scenario, self.people, self.bonds, self.rng = scenario, people, bonds, rng
        n_people = people.present.shape[1]
        self.rows, self.cols = np.tril_indices(n_people, -1)
        nobody = np.zeros(len(self.rows), dtype=bool)
        self.there = self.was_there = nobody
        self.now: dict[int, _Drawn] = {}
        self.before: dict[int, _Drawn] = {}
        # Joint distributions (n_dyads, 4, 4) of the first relation with each relation of the same period, and of the
        # first relation of this period with each relation of the period before.
        self.pair: dict[int, Floats] = {}
        self.cross: dict[int, Floats] = {}

    def begin(self, period: int) -> None:
        """Turn to the next period."""
        self.before, self.now = self.now, {}
        self.was_there = self.there
        present = self.people.present[period]
        self.there = present[self.rows] & present[self.cols]

    def weave(self, period: int, relation: int) -> Layer:
        """Draw one relation of the period."""
        layer, distribution = _probabilities(
            self.scenario, self.people, self.bonds, period, relation, self.rows, self.cols, self.there
        )
        drawn = _Drawn(distribution, np.zeros(len(self.rows), dtype=np.int8))
        joint = np.zeros((len(self.rows), 4, 4))
        for part, stayed in ((self.there & self.was_there, True), (self.there & ~self.was_there, False)):
            if not part.any():
                continue
            if relation == 0:
                self.first(drawn, part, stayed)
            else:
                joint[part] = self.later(drawn, relation, part, stayed)
        self.now[relation] = drawn
        if relation:
            self.pair[relation] = joint
        layer.ties[self.rows, self.cols] = (drawn.states == 1) | (drawn.states == 3)
        layer.ties[self.cols, self.rows] = (drawn.states == 2) | (drawn.states == 3)
        return layer

    def past(self, relation: int, part: NDArray[np.bool_], target: Floats) -> _Source | None:
        """Return the same relation a period before as a source, or None where ties do not persist."""
        if self.scenario.tie_persistence is None:
            return None
        drawn = self.before[relation]
        source = drawn.distribution[part]
        return _Source(
            "tie_persistence",
            self.scenario.tie_persistence,
            source,
            drawn.states[part],
            coupling.copying(source, target),
        )

    def first(self, drawn: _Drawn, part: NDArray[np.bool_], stayed: bool) -> None:
        """Draw the first relation, and carry its joint distribution with every relation of the period before along."""
        target = drawn.distribution[part]
        past = self.past(0, part, target) if stayed else None
        sources = [past] if past else []
        shares = _solve(sources, target, {})
        drawn.states[part] = _draw(sources, shares, target, self.rng)
        if not stayed:
            return
        transition = coupling.anew(target)
        if past:
            transition = shares[0] * past.transition + (1.0 - shares[0]) * transition
        self.cross = {}
        for relation, pair in self.pair.items():
            cross = np.zeros_like(pair)
            cross[part] = transition.transpose(0, 2, 1) @ pair[part]
            self.cross[relation] = cross

    def later(self, drawn: _Drawn, relation: int, part: NDArray[np.bool_], stayed: bool) -> Floats:
        """Draw a later relation; return its joint distribution with the first one."""
        target = drawn.distribution[part]
        base = self.now[0].distribution[part]
        apart = coupling.joint(base, coupling.anew(target))
        sources: list[_Source] = []
        joints: list[Floats] = []
        crossed: dict[tuple[int, int], Floats] = {}
        if self.scenario.overlap is not None:
            transition = coupling.copying(base, target)
            sources.append(_Source("overlap", self.scenario.overlap, base, self.now[0].states[part], transition))
            joints.append(coupling.joint(base, transition))
        past = self.past(relation, part, target) if stayed else None
        if past:
            cross = self.cross[relation][part]
            sources.append(past)
            joints.append(cross @ past.transition)
            if len(sources) == 2:
                crossed = {(0, 1): cross, (1, 0): cross.transpose(0, 2, 1)}
        shares = _solve(sources, target, crossed)
        drawn.states[part] = _draw(sources, shares, target, self.rng)
        return np.asarray(sum((s * j for s, j in zip(shares, joints, strict=True)), (1.0 - shares.sum()) * apart))


def _solve(sources: list[_Source], target: Floats, crossed: dict[tuple[int, int], Floats]) -> Floats:
    """Return the probability of copying from each source; ``crossed`` has the joint distributions of two sources."""
    if not sources:
        return np.zeros(0)
    count = len(sources)
    fresh = coupling.anew(target)
    reach = np.zeros((count, count + 1))
    for s, source in enumerate(sources):
        for c, copied in enumerate(sources):
            joint = (
                coupling.joint(source.distribution, source.transition) if s == c else crossed[s, c] @ copied.transition
            )
            reach[s, c] = coupling.shared_ties(joint)
        reach[s, count] = coupling.shared_ties(coupling.joint(source.distribution, fresh))
    return coupling.solve_mixture(
        [s.setting for s in sources],
        [s.jaccard for s in sources],
        reach,
        [coupling.expected_ties(s.distribution) + coupling.expected_ties(target) for s in sources],
    )


def _draw(sources: list[_Source], shares: Floats, target: Floats, rng: np.random.Generator) -> States:
    """Return states: of each dyad copied from one source, or drawn anew."""
    pick = rng.random(len(target))
    conditional = target.copy()
    edge = 0.0
    for share, source in zip(shares, sources, strict=True):
        chosen = np.flatnonzero((pick >= edge) & (pick < edge + share))
        conditional[chosen] = source.transition[chosen, source.states[chosen]]
        edge += float(share)
    return coupling.draw(conditional, rng)


def _probabilities(
    scenario: Scenario,
    people: People,
    bonds: Bonds,
    period: int,
    relation: int,
    rows: NDArray[np.intp],
    cols: NDArray[np.intp],
    there: NDArray[np.bool_],
) -> tuple[Layer, Floats]:
    """Return the layer, without ties, and the distribution of every dyad (uniform for the absent)."""
    n_people = people.present.shape[1]
    score = scores(scenario, people, bonds, period)
    pairs = np.zeros((n_people, n_people), dtype=bool)
    pairs[rows[there], cols[there]] = pairs[cols[there], rows[there]] = True
    reciprocity = scenario.reciprocity_wanted(relation)

    def either_at(intercept: float) -> tuple[float, Floats, Floats, Floats]:
        """Return odds ratio, probabilities, distribution of the dyads there, and probabilities of a tie either way."""
        probability = np.where(pairs, expit(intercept + score), np.nan)
        forth, back = probability[rows, cols][there], probability[cols, rows][there]
        odds_ratio = 1.0 if reciprocity is None else coupling.solve_odds_ratio(forth, back, reciprocity)
        distribution = coupling.dyad_distribution(forth, back, odds_ratio)
        either = np.full((n_people, n_people), np.nan)
        either[rows[there], cols[there]] = either[cols[there], rows[there]] = 1.0 - distribution[:, 0]
        return odds_ratio, probability, distribution, either

    wanted = scenario.information_wanted(relation)
    if wanted is None:
        n_present = int(people.present[period].sum())
        intercept = solve_intercept(score[pairs], scenario.degree_wanted(relation, n_present) / max(n_present - 1, 1))
    else:
        here = people.present[period]

        def information_at(intercept: float) -> float:
            try:
                return information_of(either_at(intercept)[3][np.ix_(here, here)], people.label[period, here])
            except InputError:  # the reciprocity cannot be had at this density
                return -np.inf

        intercept = solve_information(score[pairs], information_at, wanted)
    odds_ratio, probability, of_pairs, either = either_at(intercept)
    distribution = np.full((len(rows), 4), 0.25)
    distribution[there] = of_pairs
    return Layer(intercept, odds_ratio, probability, either, np.zeros((n_people, n_people), dtype=bool)), distribution


def scores(scenario: Scenario, people: People, bonds: Bonds, period: int) -> Floats:
    """Return the log odds of a tie from row to column, less the intercept: (n_people, n_people)."""
    score = bonds.affinity(period)
    score += people.activity[:, None] + people.popularity[None]
    for name in ATTRIBUTES:
        values = people.attributes[name][period]
        score += getattr(scenario, f"{name}_homophily") * (values[:, None] == values[None])
    return score
