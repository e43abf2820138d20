"""Moments of the structures of worlds against closed forms, each beside a control that must fail."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from statistical.monte_carlo import judge_mean, judge_ratio

from simlab.generate.scenario import Scenario
from simlab.generate.simulate import Simulation, simulate
from simlab.generate.truth import Truth

REPLICATES = 100
KEY = ("site 1", "contact", "1")
PLAIN = {"activity": 0.0, "popularity": 0.0, "organisation_homophily": 0.0, "seniority_homophily": 0.0}


def worlds(replicates: int = REPLICATES, **settings: object) -> list[Simulation]:
    world = Scenario(**{"n_actors": 48, "mean_degree": 6.0, "reciprocity": 0.4, **settings})
    return [simulate(world, seed=17, replicate=replicate) for replicate in range(replicates)]


def block_chances(sizes: tuple[int, ...], contrast: float, mean_degree: float) -> tuple[float, float]:
    """Return P(tie) within and between clusters, by bisection on the intercept at the mean degree asked for."""
    n = sum(sizes)
    within = sum(s * (s - 1) for s in sizes)
    between = n * (n - 1) - within
    low, high = -20.0, 20.0
    for _ in range(200):
        middle = (low + high) / 2.0
        if (within * expit(middle + contrast) + between * expit(middle)) / n < mean_degree:
            low = middle
        else:
            high = middle
    return float(expit(low + contrast)), float(expit(low))


def test_ties_within_and_between_blocks() -> None:
    made = worlds(structure="blocks", block_contrast=1.8, cluster_shares=(3.0, 2.0, 1.0), **PLAIN)
    inside, between = block_chances((24, 16, 8), 1.8, 6.0)
    wrong_in, wrong_out = block_chances((24, 16, 8), 1.4, 6.0)
    for same, target, wrong in ((True, inside, wrong_in), (False, between, wrong_out)):
        ties, pairs = [], []
        for _, truth in made:
            chosen = (truth.label[0][:, None] == truth.label[0][None]) == same
            np.fill_diagonal(chosen, False)
            ties.append(truth.ties[KEY][chosen].sum())
            pairs.append(chosen.sum())
        judge_ratio(ties, pairs, target, wrong=wrong)


def test_reciprocity_and_persistence_hold_in_every_structure() -> None:
    """The machinery of dyads does not know where probabilities come from."""
    for structure, clusters in (
        ("blocks", 3),
        ("mixed-blocks", 3),
        ("projects", 3),
        ("core-periphery", 1),
        ("none", 1),
    ):
        made = worlds(60, structure=structure, n_clusters=clusters, n_periods=2, tie_persistence=0.3)
        returned, ties, shared, either = [], [], [], []
        for _, truth in made:
            one, two = truth.ties[KEY], truth.ties["site 1", "contact", "2"]
            stay = np.outer(*[(truth.label >= 0).all(axis=0)] * 2)
            returned.append((two & two.T).sum())
            ties.append(two.sum())
            shared.append((one & two & stay).sum())
            either.append(((one | two) & stay).sum())
        judge_ratio(returned, ties, 0.4, wrong=0.46)
        judge_ratio(shared, either, 0.3, wrong=0.35)


def test_mixed_memberships_mix_the_odds() -> None:
    """A bridger of two clusters at strength 1 has e^c + 1 over 2 times the odds with either, and 1 with a third."""
    contrast = 2.0
    made = worlds(structure="mixed-blocks", block_contrast=contrast, bridger_share=0.5, bridger_strength=1.0, **PLAIN)
    found: dict[str, list[list[float]]] = {"own": [], "partner": [], "third": []}
    for _, truth in made:
        label, partner = truth.label[0], truth.partner[0]
        bridger, odds = truth.bridger, np.exp(truth.intercept[KEY])
        for kind, wanted in found.items():
            other = {"own": label, "partner": partner}.get(kind, 3 - label - partner)
            chosen = bridger[:, None] & ~bridger[None] & (label[None] == other[:, None])
            gain = {"own": (np.exp(contrast) + 1) / 2, "partner": (np.exp(contrast) + 1) / 2, "third": 1.0}[kind]
            chance = odds * gain / (1.0 + odds * gain)
            wanted.append([truth.ties[KEY][chosen].sum(), chance * chosen.sum(), chosen.sum()])
    for counts in found.values():
        ties, expected, _ = np.array(counts).T
        judge_ratio(ties, expected, 1.0, wrong=1.2)


# ---- projects


@pytest.fixture(scope="module")
def joint_projects() -> list[Simulation]:
    return worlds(
        structure="projects",
        projects_per_cluster=20,
        projects_per_actor=3.0,
        projects_outside=0.2,
        bridger_share=0.25,
        bridger_strength=0.8,
        project_staying=0.6,
        n_periods=2,
    )


def memberships(truth: Truth, *, bridger: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return memberships in the own family, in partners' families and elsewhere, of those of a kind: (n_people,) each."""
    here = truth.bridger == bridger
    first = (truth.label[0] >= 0) & here
    member = truth.traits["projects"][0][first]
    family = np.repeat(np.arange(3), 20)
    own = (member & (family[None] == truth.label[0][first][:, None])).sum(axis=1)
    partner = (member & (family[None] == truth.partner[0][first][:, None])).sum(axis=1)
    return own, partner, member.sum(axis=1) - own - partner


@pytest.mark.parametrize("bridger", [True, False])
def test_projects_of_an_actor(joint_projects: list[Simulation], bridger: bool) -> None:
    """Three each; 1 in 5 outside, of bridgers 2 in 5 and all of them with the partner."""
    counts = [memberships(truth, bridger=bridger) for _, truth in joint_projects]
    everything = [sum(part.sum() for part in parts) for parts in counts]
    people = [len(parts[0]) for parts in counts]
    judge_ratio(everything, people, 3.0, wrong=2.8)
    outside = 0.4 if bridger else 0.2
    judge_ratio([parts[0].sum() for parts in counts], everything, 1.0 - outside, wrong=1.0 - outside - 0.05)
    if bridger:
        assert sum(parts[2].sum() for parts in counts) == 0


def test_stayers_stay_in_projects(joint_projects: list[Simulation]) -> None:
    """Kept, or joined anew by chance: of 20 own projects an actor draws a free one."""
    kept, before = [], []
    for _, truth in joint_projects:
        member = truth.traits["projects"]
        stay = (truth.label >= 0).all(axis=0) & (truth.label[0] == truth.label[1])
        kept.append((member[0] & member[1])[stay].sum())
        before.append(member[0][stay].sum())
    # Those left are replaced by one of some 20 free ones, the one just left among them.
    judge_ratio(kept, before, 0.6 + 0.4 * 0.064, wrong=0.55)
    judge_ratio(kept, before, 0.6 + 0.4 * 0.064, wrong=0.7)


def test_ties_follow_the_projects_shared() -> None:
    made = worlds(structure="projects", project_contrast=2.0, **PLAIN)
    for shared in (0, 1, 2):
        ties, expected = [], []
        for _, truth in made:
            member = truth.traits["projects"][0].astype(int)
            chosen = member @ member.T == shared
            np.fill_diagonal(chosen, False)
            odds = np.exp(truth.intercept[KEY]) * (1 + shared) ** 2.0
            ties.append(truth.ties[KEY][chosen].sum())
            expected.append(odds / (1.0 + odds) * chosen.sum())
        judge_ratio(ties, expected, 1.0, wrong=1.15)


# ---- core and periphery, and bridgers of several clusters


def test_coreness_of_core_and_periphery() -> None:
    made = worlds(structure="core-periphery", n_clusters=1)
    for core, mean in ((True, 0.75), (False, 0.25)):
        values = [truth.traits["coreness"][0][truth.core == core] for _, truth in made]
        judge_mean([v.mean() for v in values], mean, wrong=mean + 0.05)
        judge_mean([((v - mean) ** 2).mean() for v in values], 0.25 / 12, wrong=0.3 / 12)
    ties, expected = [], []
    for _, truth in made:
        core = truth.core
        ties.append(truth.ties[KEY][np.ix_(core, core)].sum())
        expected.append(np.nansum(truth.probability[KEY][np.ix_(core, core)]))
    judge_ratio(ties, expected, 1.0, wrong=1.1)


@pytest.mark.parametrize("k", [3, 4])
def test_partners_are_any_other_clusters(k: int) -> None:
    """Each of the four other clusters is a partner with probability (k - 1) / 4, also as the first one 1 / 4."""
    made = worlds(n_clusters=5, bridger_share=0.5, core_share=0.3, bridger_clusters=k)
    for away in range(1, 5):
        hits, firsts, people = [], [], []
        for _, truth in made:
            bridger = truth.bridger
            other = (truth.label[0] + away) % 5
            hits.append((truth.partners[0] == other[:, None]).any(axis=1)[bridger].sum())
            firsts.append((truth.partner[0] == other)[bridger].sum())
            people.append(bridger.sum())
        judge_ratio(hits, people, (k - 1) / 4, wrong=(k - 1) / 4 - 0.06)
        judge_ratio(firsts, people, 0.25, wrong=0.31)
