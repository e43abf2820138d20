"""Moments of simulated worlds over replicates, each judged by its Monte Carlo error beside a control that must fail."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from statistical.monte_carlo import LIMIT, judge_mean, judge_ratio, z_of_ratio

from simlab.generate import coupling
from simlab.generate.people import between
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import Simulation, simulate
from simlab.generate.truth import Truth

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

REPLICATES = 150
SITE = "site 1"
PERIODS = ("1", "2", "3")
WORLD = Scenario(
    n_actors=48,
    cluster_shares=(0.5, 0.3, 0.2),
    separation=3.0,
    mean_degree=(6.0, 4.0),
    reciprocity=(0.5, 0.35),
    activity=0.5,
    popularity=0.4,
    relations=("formal", "informal"),
    overlap=0.3,
    n_periods=3,
    tie_persistence=0.25,
    organisation_shares=(0.4, 0.3, 0.2, 0.1),
    organisation_mixing=0.6,
    seniority_mixing=0.7,
    service_commonness=0.7,
    bridger_share=0.2,
    core_share=0.4,
    leaving=0.3,
    core_leaving=0.1,
    switching=0.25,
    core_switching=0.1,
    drift=0.4,
)
LAYERS = [(relation, period) for relation in WORLD.relations for period in PERIODS]


@pytest.fixture(scope="module")
def worlds() -> list[Simulation]:
    """Independent replicates of one world with two relations and three periods."""
    return [simulate(WORLD, seed=7, replicate=replicate) for replicate in range(REPLICATES)]


def truths(worlds: list[Simulation]) -> Iterator[Truth]:
    return (world.truth for world in worlds)


def returned(ties: Flags) -> int:
    return int((ties & ties.T).sum())


def stayers(truth: Truth, period: str) -> Flags:
    """Return which pairs of actors were both there in this period and in the one before."""
    t = truth.periods.index(period)
    both = (truth.label[t] >= 0) & (truth.label[t - 1] >= 0)
    return np.outer(both, both)


def before(period: str) -> str:
    return str(int(period) - 1)


def wanted(setting: str, relation: str) -> float:
    value: float = getattr(WORLD, setting)[WORLD.relations.index(relation)]
    return value


# ---- the judge itself


def test_judge_is_right_about_what_it_judges() -> None:
    rng = np.random.default_rng(1)
    scores = [z_of_ratio(rng.gamma(2.0, 3.0, 200), np.ones(200), 6.0) for _ in range(2000)]
    assert abs(np.mean(scores)) < 0.15
    assert 0.93 < np.std(scores) < 1.1
    judge_mean(rng.gamma(2.0, 3.0, 20000), 6.0, wrong=6.3)


def test_judge_refuses_wrong_targets_and_blind_checks() -> None:
    values = np.random.default_rng(2).normal(5.0, 1.0, 1000)
    with pytest.raises(AssertionError, match="standard errors from"):
        judge_mean(values, 5.5, wrong=9.0)
    with pytest.raises(AssertionError, match="blind"):
        judge_mean(values, 5.0, wrong=5.01)
    with pytest.raises(AssertionError, match="never varies"):
        judge_mean(np.ones(50), 1.0, wrong=2.0)
    with pytest.raises(AssertionError, match="too few"):
        judge_mean(values[:5], 5.0, wrong=9.0)


# ---- ties: how many, returned, shared, kept


@pytest.mark.parametrize(("relation", "period"), LAYERS)
def test_mean_degree(worlds: list[Simulation], relation: str, period: str) -> None:
    ties = [truth.ties[SITE, relation, period].sum() for truth in truths(worlds)]
    actors = [world.panel.present[PERIODS.index(period)].sum() for world in worlds]
    target = wanted("mean_degree", relation)
    judge_ratio(ties, actors, target, wrong=1.04 * target)


@pytest.mark.parametrize(
    "settings",
    [
        {"density": 0.2},
        {"density": (0.1, 0.25), "relations": ("formal", "informal"), "overlap": None},
        {"mean_degree": 5},
        {"mean_degree": [4.0, 7.0], "relations": ("formal", "informal"), "overlap": None},
        {"mean_degree": 5.0, "relations": ("formal", "informal")},
        {},
    ],
    ids=str,
)
def test_density_one_or_one_a_relation(settings: dict[str, object]) -> None:
    scenario = Scenario(**{"n_actors": 40, **settings})
    networks = [
        [network.ties for network in simulate(scenario, seed=3, replicate=replicate).panel.networks()]
        for replicate in range(60)
    ]
    for relation in range(len(scenario.relations)):
        chosen = scenario.density if scenario.density is not None else (scenario.mean_degree or 9.0)
        value = chosen[relation] if isinstance(chosen, tuple) else chosen
        target = value if scenario.density is not None else value / 39
        ties = [of_replicate[relation].sum() / (40 * 39) for of_replicate in networks]
        judge_mean(ties, target, wrong=1.1 * target)


@pytest.mark.parametrize(("relation", "period"), LAYERS)
def test_reciprocity(worlds: list[Simulation], relation: str, period: str) -> None:
    networks = [truth.ties[SITE, relation, period] for truth in truths(worlds)]
    target = wanted("reciprocity", relation)
    judge_ratio([returned(t) for t in networks], [t.sum() for t in networks], target, wrong=target - 0.04)


def kept_from(truth: Truth, share: float, rng: np.random.Generator, *, whole: bool) -> tuple[Flags, Flags]:
    """Return the first relation, and a later one with the same probabilities that keeps a share of it.

    Dyads are kept whole, or arc by arc, which is the mistake that costs reciprocity.
    """
    key = (SITE, "formal", "1")
    ties, probability = truth.ties[key], truth.probability[key]
    rows, cols = np.nonzero(np.tril(np.isfinite(probability), -1))
    forth, back = probability[rows, cols], probability[cols, rows]
    states = coupling.draw(coupling.dyad_distribution(forth, back, truth.odds_ratio[key]), rng)
    fresh = np.zeros_like(ties)
    fresh[rows, cols], fresh[cols, rows] = (states & 1).astype(bool), (states & 2).astype(bool)
    keep = rng.random(ties.shape) < share
    if whole:
        keep = np.tril(keep) | np.tril(keep).T
    return ties, np.where(keep, ties, fresh)


@pytest.mark.parametrize(("whole", "sound"), [(True, True), (False, False)])
def test_reciprocity_check_catches_ties_that_are_kept_arc_by_arc(
    worlds: list[Simulation], whole: bool, sound: bool
) -> None:
    rng = np.random.default_rng(5)
    pairs = [kept_from(truth, 0.5, rng, whole=whole) for truth in truths(worlds)]
    later = [pair[1] for pair in pairs]
    target = wanted("reciprocity", "formal")
    z = z_of_ratio([returned(t) for t in later], [t.sum() for t in later], target)
    assert (abs(z) < LIMIT) is sound
    # The number of ties and how many are kept would not have betrayed the mistake.
    judge_ratio([t.sum() for t in later], [48] * len(later), 6.0, wrong=6.3)
    if not sound:
        shared = [(a & b).sum() for a, b in pairs]
        assert np.mean(shared) > 0.5 * np.mean([a.sum() for a, _ in pairs])


@pytest.mark.parametrize("period", PERIODS)
def test_overlap_of_two_relations(worlds: list[Simulation], period: str) -> None:
    pairs = [(t.ties[SITE, "formal", period], t.ties[SITE, "informal", period]) for t in truths(worlds)]
    shared, either = [(a & b).sum() for a, b in pairs], [(a | b).sum() for a, b in pairs]
    judge_ratio(shared, either, 0.3, wrong=0.33)


@pytest.mark.parametrize(("relation", "period"), [layer for layer in LAYERS if layer[1] != "1"])
def test_persistence_of_the_ties_of_stayers(worlds: list[Simulation], relation: str, period: str) -> None:
    shared, either = [], []
    for truth in truths(worlds):
        both = stayers(truth, period)
        now = truth.ties[SITE, relation, period] & both
        then = truth.ties[SITE, relation, before(period)] & both
        shared.append((now & then).sum())
        either.append((now | then).sum())
    judge_ratio(shared, either, 0.25, wrong=0.28)


def test_overlap_and_persistence_of_a_third_relation() -> None:
    """Every later relation is tied to the first one and to its past, also where it has many more ties than the first."""
    scenario = Scenario(
        n_actors=40,
        separation=2.0,
        popularity=0.5,
        mean_degree=(3.0, 3.0, 8.0),
        reciprocity=(0.4, 0.4, 0.5),
        relations=("a", "b", "c"),
        n_periods=3,
        overlap=0.25,
        tie_persistence=0.3,
    )
    shared, either, kept, ever = [], [], [], []
    for replicate in range(80):
        truth = simulate(scenario, seed=11, replicate=replicate).truth
        first, third = truth.ties[SITE, "a", "3"], truth.ties[SITE, "c", "3"]
        both = stayers(truth, "3")
        earlier = truth.ties[SITE, "c", "2"] & both
        shared.append((first & third).sum())
        either.append((first | third).sum())
        kept.append((third & earlier).sum())
        ever.append(((third & both) | earlier).sum())
    judge_ratio(shared, either, 0.25, wrong=0.28)
    judge_ratio(kept, ever, 0.3, wrong=0.33)


@pytest.mark.parametrize(
    ("off", "one", "other"),
    [
        ("overlap", ("a", "2"), ("b", "2")),
        ("tie_persistence", ("a", "1"), ("a", "2")),
        ("tie_persistence", ("b", "1"), ("b", "2")),
    ],
)
def test_what_is_left_to_chance_is_shared_by_chance(off: str, one: tuple[str, str], other: tuple[str, str]) -> None:
    """Without overlap or persistence two networks share what independent ties of these probabilities share."""
    scenario = Scenario(n_actors=40, mean_degree=6.0, separation=3.0, popularity=0.5, relations=("a", "b"), n_periods=2)
    missed = {on: [] for on in (True, False)}
    for replicate in range(60):
        for on in missed:
            truth = simulate(scenario if on else scenario.but(**{off: None}), seed=5, replicate=replicate).truth
            both = np.isfinite(truth.probability[SITE, *one]) & np.isfinite(truth.probability[SITE, *other])
            expected = (truth.probability[SITE, *one] * truth.probability[SITE, *other])[both].sum()
            missed[on].append((truth.ties[SITE, *one] & truth.ties[SITE, *other]).sum() - expected)
    ones = np.ones(60)
    assert abs(z_of_ratio(missed[False], ones, 0.0)) < LIMIT
    assert z_of_ratio(missed[True], ones, 0.0) > LIMIT


def test_less_than_chance_is_chance() -> None:
    """Two relations cannot be told to share less than their probabilities alone make them share."""
    scenario = Scenario(n_actors=40, mean_degree=6.0, relations=("a", "b"), overlap=0.01)
    shared, expected = [], []
    for replicate in range(60):
        truth = simulate(scenario, seed=5, replicate=replicate).truth
        one, other = ((SITE, relation, "1") for relation in scenario.relations)
        shared.append((truth.ties[one] & truth.ties[other]).sum())
        expected.append(np.nansum(truth.probability[one] * truth.probability[other]))
    judge_ratio(shared, expected, 1.0, wrong=0.9)


# ---- ties come as often as the truth says


def miss_by_bin(truth: Truth, relation: str, period: str, claimed: Floats, among: Flags) -> Floats:
    """Return ties minus what is claimed of them, in five bins of the claim."""
    ties = truth.ties[SITE, relation, period]
    use = among & np.isfinite(claimed)
    bins = np.digitize(claimed[use], [0.03, 0.1, 0.2, 0.4])
    return np.bincount(bins, weights=ties[use] - claimed[use], minlength=5)


@pytest.mark.parametrize(
    ("relation", "period", "group"),
    [(*layer, "everybody") for layer in LAYERS]
    + [(*layer, group) for layer in LAYERS[1:] if layer[1] != "1" for group in ("stayers", "newcomers")],
)
def test_ties_are_calibrated(worlds: list[Simulation], relation: str, period: str, group: str) -> None:
    """In every layer, and apart among stayers and newcomers, ties come with truth.probability at every level of it."""
    right, wrong = [], []
    for truth in truths(worlds):
        probability = truth.probability[SITE, relation, period]
        stay = stayers(truth, period) if period != "1" else np.zeros_like(probability, dtype=bool)
        among = {"everybody": np.ones_like(stay), "stayers": stay, "newcomers": ~stay}[group]
        right.append(miss_by_bin(truth, relation, period, probability, among))
        wrong.append(miss_by_bin(truth, relation, period, 0.85 * probability + 0.15 * probability**2, among))
    ones = np.ones(REPLICATES)
    assert max(abs(z_of_ratio(misses, ones, 0.0)) for misses in np.array(right).T) < LIMIT
    assert max(abs(z_of_ratio(misses, ones, 0.0)) for misses in np.array(wrong).T) > LIMIT


@pytest.mark.parametrize(("relation", "period"), LAYERS)
def test_a_tie_either_way_is_calibrated(worlds: list[Simulation], relation: str, period: str) -> None:
    key = (SITE, relation, period)
    seen = [np.tril(t.ties[key] | t.ties[key].T, -1).sum() for t in truths(worlds)]
    claimed = [np.nansum(np.tril(t.either[key], -1)) for t in truths(worlds)]
    judge_ratio(seen, claimed, 1.0, wrong=1.06)
    ignored = [
        np.nansum(np.tril(1 - (1 - t.probability[key]) * (1 - t.probability[key].T), -1)) for t in truths(worlds)
    ]
    assert z_of_ratio(seen, ignored, 1.0) < -LIMIT, "independent ties would be in more dyads"


# ---- people: who leaves, comes, switches


@pytest.mark.parametrize("period", ["2", "3"])
@pytest.mark.parametrize(("setting", "core"), [("leaving", False), ("core_leaving", True)])
def test_leaving(worlds: list[Simulation], setting: str, core: bool, period: str) -> None:
    t = int(period) - 1
    there = [(w.truth.label[t - 1] >= 0) & (w.truth.core == core) for w in worlds]
    gone = [who & (w.truth.label[t] < 0) for who, w in zip(there, worlds, strict=True)]
    target = getattr(WORLD, setting)
    judge_ratio([g.sum() for g in gone], [w.sum() for w in there], target, wrong=0.5 * target)


@pytest.mark.parametrize("period", ["2", "3"])
@pytest.mark.parametrize(("setting", "core"), [("switching", False), ("core_switching", True)])
def test_switching(worlds: list[Simulation], setting: str, core: bool, period: str) -> None:
    t = int(period) - 1
    stay = [(w.truth.label[t - 1] >= 0) & (w.truth.label[t] >= 0) & (w.truth.core == core) for w in worlds]
    moved = [who & (w.truth.label[t] != w.truth.label[t - 1]) for who, w in zip(stay, worlds, strict=True)]
    target = getattr(WORLD, setting)
    judge_ratio([m.sum() for m in moved], [s.sum() for s in stay], target, wrong=0.5 * target)


def test_switchers_go_to_every_other_cluster_alike(worlds: list[Simulation]) -> None:
    to_next, switched = [], []
    for truth in truths(worlds):
        then, now = truth.label[0], truth.label[1]
        moved = (then >= 0) & (now >= 0) & (then != now)
        to_next.append((moved & (now == (then + 1) % 3)).sum())
        switched.append(moved.sum())
    judge_ratio(to_next, switched, 0.5, wrong=0.65)


@pytest.mark.parametrize(("cluster", "share"), list(enumerate(WORLD.shares)))
def test_newcomers_join_clusters_by_their_shares(worlds: list[Simulation], cluster: int, share: float) -> None:
    came = [w.truth.label[1][w.truth.came[1]] for w in worlds]
    judge_ratio([(c == cluster).sum() for c in came], [len(c) for c in came], share, wrong=share + 0.1)


def test_newcomers_are_bridgers_as_often_as_founders(worlds: list[Simulation]) -> None:
    came = [w.truth.came[1] for w in worlds]
    bridge = [(c & w.truth.bridger).sum() for c, w in zip(came, worlds, strict=True)]
    judge_ratio(bridge, [c.sum() for c in came], 0.2, wrong=0.1)
    assert not any((c & w.truth.core).any() for c, w in zip(came, worlds, strict=True))


# ---- people: attributes


@pytest.mark.parametrize("cluster", range(3))
@pytest.mark.parametrize(
    ("attribute", "mixing", "shares"),
    [("organisation", 0.6, (0.4, 0.3, 0.2, 0.1)), ("seniority", 0.7, (0.25, 0.25, 0.25, 0.25))],
)
def test_organisations_and_levels_mix_within_clusters(
    worlds: list[Simulation], attribute: str, mixing: float, shares: tuple[float, ...], cluster: int
) -> None:
    """With probability ``mixing`` anybody by the shares at large, else the cluster's own."""
    names = {"organisation": WORLD.organisations, "seniority": WORLD.seniorities}[attribute]
    for index, name in enumerate(names):
        own = float(index == cluster)
        found, people = [], []
        for world in worlds:
            member = world.truth.label[0] == cluster
            found.append((world.panel.attributes[attribute][0][member] == name).sum())
            people.append(member.sum())
        target = mixing * shares[index] + (1.0 - mixing) * own
        wrong = 0.2 * shares[index] + 0.8 * own
        judge_ratio(found, people, target, wrong=wrong)


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("cluster", range(3))
def test_service_commonness(worlds: list[Simulation], cluster: int, period: str) -> None:
    """The share of a cluster that works in the cluster's own service area; the area goes with whoever switches."""
    t = int(period) - 1
    member = [w.truth.label[t] == cluster for w in worlds]
    own = [
        (w.panel.attributes["service"][t][m] == WORLD.services[cluster]).sum()
        for m, w in zip(member, worlds, strict=True)
    ]
    judge_ratio(own, [m.sum() for m in member], WORLD.service_commonness, wrong=WORLD.service_commonness - 0.1)


@pytest.mark.parametrize("attribute", ["organisation", "seniority", "service"])
def test_only_the_service_changes_with_the_cluster(worlds: list[Simulation], attribute: str) -> None:
    changed = [w.panel.attributes[attribute][0] != w.panel.attributes[attribute][1] for w in worlds]
    switched = sum(int((c & w.truth.switched[1]).sum()) for c, w in zip(changed, worlds, strict=True))
    stayed = sum(int((c & (w.truth.label[0] == w.truth.label[1])).sum()) for c, w in zip(changed, worlds, strict=True))
    assert stayed == 0
    assert switched > 500 if attribute == "service" else switched == 0


# ---- people: where they lie


def offsets(worlds: list[Simulation], period: int, *, bridger: bool) -> list[Floats]:
    """Return of each replicate the positions less the point that the people of their kind lie around."""
    out = []
    for truth in truths(worlds):
        here = (truth.label[period] >= 0) & (truth.bridger == bridger)
        middles = [
            between(truth.centres, label, partner, WORLD.bridger_strength)
            for label, partner in zip(truth.label[period][here], truth.partner[period][here], strict=True)
        ]
        out.append(truth.position[period][here] - np.array(middles))
    return out


@pytest.mark.parametrize("period", range(3))
@pytest.mark.parametrize("bridger", [True, False])
def test_spread_of_positions_stays_what_it_is(worlds: list[Simulation], bridger: bool, period: int) -> None:
    """The variance about the middle of a kind is spread squared on every axis, also after drifting."""
    away = offsets(worlds, period, bridger=bridger)
    for axis in range(2):
        squares, people = [(a[:, axis] ** 2).sum() for a in away], [len(a) for a in away]
        judge_ratio(squares, people, WORLD.spread**2, wrong=1.4 * WORLD.spread**2)


@pytest.mark.parametrize("period", range(3))
@pytest.mark.parametrize(("bridger", "share"), [(True, 0.5 * 0.8), (False, 0.0)])
def test_bridgers_lie_between_their_two_centres(
    worlds: list[Simulation], bridger: bool, share: float, period: int
) -> None:
    """Along the way from their own centre to the partner's they are 0.4 of it on, others at 0; and nobody beside it."""
    along, beside, people = [], [], []
    for truth in truths(worlds):
        here = np.flatnonzero((truth.label[period] >= 0) & (truth.bridger == bridger))
        own = truth.centres[truth.label[period][here]]
        # For those who are no bridgers any other centre will do.
        towards = np.where(bridger, truth.partner[period][here], (truth.label[period][here] + 1) % 3)
        way = truth.centres[towards] - own
        gone = truth.position[period][here] - own
        length = (way**2).sum(axis=1)
        along.append(((gone * way).sum(axis=1) / length).sum())
        beside.append(((gone[:, 0] * way[:, 1] - gone[:, 1] * way[:, 0]) / length).sum())
        people.append(len(here))
    judge_ratio(along, people, share, wrong=share + 0.1)
    judge_ratio(beside, people, 0.0, wrong=0.1)


def test_stayers_drift(worlds: list[Simulation]) -> None:
    """The correlation of a stayer's two positions is sqrt(1 - drift^2)."""
    products, people = [], []
    for truth in truths(worlds):
        here = (truth.label[0] >= 0) & (truth.label[1] == truth.label[0]) & ~truth.bridger
        one, two = (truth.position[t][here] - truth.centres[truth.label[t][here]] for t in range(2))
        products.append((one * two).sum())
        people.append(2 * here.sum())
    judge_ratio(products, people, float(np.sqrt(1 - 0.4**2)), wrong=1 - 0.4)


def test_separation_of_clusters(worlds: list[Simulation]) -> None:
    """Two people of different clusters are (separation spread)^2 + 2 d spread^2 apart in mean square."""
    squares, pairs = [], []
    for truth in truths(worlds):
        here = (truth.label[0] >= 0) & ~truth.bridger
        position, label = truth.position[0][here], truth.label[0][here]
        apart = ((position[:, None] - position[None]) ** 2).sum(axis=2)
        other = label[:, None] != label[None]
        squares.append(apart[other].sum())
        pairs.append(other.sum())
    judge_ratio(squares, pairs, 3.0**2 + 2 * 2, wrong=2.8**2 + 2 * 2)


@pytest.mark.parametrize(("effect", "deviation"), [("activity", 0.5), ("popularity", 0.4)])
def test_sociality(worlds: list[Simulation], effect: str, deviation: float) -> None:
    values = [getattr(truth, effect) for truth in truths(worlds)]
    judge_ratio([(v**2).sum() for v in values], [len(v) for v in values], deviation**2, wrong=(1.1 * deviation) ** 2)


def test_sender_and_receiver_effects_are_independent(worlds: list[Simulation]) -> None:
    products = [(truth.activity * truth.popularity).sum() for truth in truths(worlds)]
    judge_ratio(products, [len(t.actors) for t in truths(worlds)], 0.0, wrong=0.05)
