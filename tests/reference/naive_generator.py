"""Naive twins of the mathematics of worlds: plain loops over a dyad or actor at a time, straight from definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Matrix = list[list[float]]

FORTH = (0, 1, 0, 1)  # whether state s of a dyad holds the tie from i to j
BACK = (0, 0, 1, 1)  # whether it holds the tie from j to i


def dyad(forth: float, back: float, odds_ratio: float) -> list[float]:
    """Return P(none), P(forth alone), P(back alone), P(both), by bisection on the definition of the odds ratio.

    The odds ratio is P(both) P(none) / (P(forth alone) P(back alone)); it grows with P(both) between its bounds.
    """
    low, high = max(0.0, forth + back - 1.0), min(forth, back)
    for _ in range(200):
        both = (low + high) / 2.0
        if both * (1.0 - forth - back + both) < odds_ratio * (forth - both) * (back - both):
            low = both
        else:
            high = both
    both = (low + high) / 2.0
    return [1.0 - forth - back + both, forth - both, back - both, both]


def reciprocity(distributions: Sequence[Sequence[float]]) -> float:
    """Return expected ties that are returned over expected ties."""
    returned = ties = 0.0
    for distribution in distributions:
        for state in range(4):
            ties += distribution[state] * (FORTH[state] + BACK[state])
            returned += distribution[state] * (2 if FORTH[state] and BACK[state] else 0)
    return returned / ties


def maximal_coupling(source: Sequence[float], target: Sequence[float]) -> Matrix:
    """Return the joint distribution of two dyads that are equal as often as their distributions allow.

    P(both in state s) = min(source_s, target_s); what is left of the two is joined independently.
    """
    kept = [min(a, b) for a, b in zip(source, target, strict=True)]
    left = 1.0 - sum(kept)
    out = [[0.0] * 4 for _ in range(4)]
    for a in range(4):
        for b in range(4):
            if left > 0.0:
                out[a][b] = (source[a] - kept[a]) * (target[b] - kept[b]) / left
            if a == b:
                out[a][b] += kept[a]
    return out


def independent(source: Sequence[float], target: Sequence[float]) -> Matrix:
    """Return the joint distribution of two dyads that have nothing to do with each other."""
    return [[source[a] * target[b] for b in range(4)] for a in range(4)]


def shared(joint: Sequence[Sequence[float]]) -> float:
    """Return the expected number of ties, forth or back, that the two dyads of a joint distribution share."""
    return sum(joint[a][b] * (FORTH[a] * FORTH[b] + BACK[a] * BACK[b]) for a in range(4) for b in range(4))


def union(joint: Sequence[Sequence[float]]) -> float:
    """Return the expected number of ties that at least one of the two dyads has."""
    return sum(joint[a][b] * (max(FORTH[a], FORTH[b]) + max(BACK[a], BACK[b])) for a in range(4) for b in range(4))


def jaccard(joints: Sequence[Matrix]) -> float:
    """Return expected shared ties over expected ties of either, over all dyads."""
    return sum(map(shared, joints)) / sum(map(union, joints))


def mixed(joints: Sequence[Matrix], weights: Sequence[float]) -> Matrix:
    """Return the joint distribution where one of several is taken, each with its probability."""
    return [[sum(w * j[a][b] for w, j in zip(weights, joints, strict=True)) for b in range(4)] for a in range(4)]


def followed(joint: Matrix, transition: Sequence[Sequence[float]]) -> Matrix:
    """Return the joint distribution of the first dyad with what the transition makes of the second."""
    return [[sum(joint[a][m] * transition[m][b] for m in range(4)) for b in range(4)] for a in range(4)]


def centres_on_line(count: int, side: float) -> Matrix:
    """Return points on a line, ``side`` from one to the next, balanced about the origin."""
    points = [[side * i] for i in range(count)]
    middle = sum(p[0] for p in points) / count
    return [[p[0] - middle] for p in points]


def centres_of_polygon(count: int, side: float) -> Matrix:
    """Return the corners of a regular polygon: walk a side, turn, walk on; then balance about the origin."""
    x = y = heading = 0.0
    points = []
    for _ in range(count):
        points.append([x, y])
        x, y = x + side * math.cos(heading), y + side * math.sin(heading)
        heading += 2.0 * math.pi / count
    middle = [sum(p[axis] for p in points) / count for axis in range(2)]
    return [[p[axis] - middle[axis] for axis in range(2)] for p in points]


def distances(points: Sequence[Sequence[float]]) -> Matrix:
    """Return the distance of every point to every other."""
    return [[math.dist(p, q) for q in points] for p in points]


def apportioned(shares: Sequence[float], total: int) -> list[int]:
    """Return whole numbers by largest remainders; then the largest give to those that have none."""
    exact = [share / sum(shares) * total for share in shares]
    counts = [math.floor(e) for e in exact]
    while sum(counts) < total:
        open_ = [k for k in range(len(shares)) if counts[k] == math.floor(exact[k])]
        counts[max(open_, key=lambda k: exact[k] - math.floor(exact[k]))] += 1
    while 0 in counts:
        counts[counts.index(max(counts))] -= 1
        counts[counts.index(0)] += 1
    return counts


def named_first(ties: np.ndarray, luck: np.ndarray, most: int) -> np.ndarray:
    """Return the ties that are named: of each row's ties the ``most`` with the smallest ``luck``."""
    out = np.zeros_like(ties)
    for i in range(len(ties)):
        alters = sorted((float(luck[i, j]), j) for j in range(len(ties)) if ties[i, j])
        for _, j in alters[:most]:
            out[i, j] = True
    return out


# ---- structures of worlds, from the equations in docs/model.md


def affinity_of_positions(one: Sequence[float], other: Sequence[float]) -> float:
    """Return minus the distance of two positions."""
    return -math.sqrt(sum((x - y) ** 2 for x, y in zip(one, other, strict=True)))


def affinity_of_blocks(one: int, other: int, contrast: float) -> float:
    """Return the log odds ratio for two of one cluster, nothing for others."""
    return contrast if one == other else 0.0


def membership(label: int, partners: Sequence[int], count: int, strength: float) -> list[float]:
    """Return shares in each cluster: all in the own one, but of bridgers of k clusters strength / k in each other."""
    others = [g for g in partners if g >= 0]
    shares = [0.0] * count
    shares[label] = 1.0
    for g in others:
        shares[g] += strength / (len(others) + 1)
        shares[label] -= strength / (len(others) + 1)
    return shares


def affinity_of_mixed_blocks(one: Sequence[float], other: Sequence[float], contrast: float) -> float:
    """Return the log of the odds, relative to those between clusters, over the clusters that both ends act in."""
    odds = 0.0
    for g, p in enumerate(one):
        for h, q in enumerate(other):
            odds += p * q * (math.exp(contrast) if g == h else 1.0)
    return math.log(odds)


def affinity_of_projects(one: Sequence[bool], other: Sequence[bool], contrast: float) -> float:
    """Return the contrast times the log of one more than the projects that two share."""
    shared = 0
    for a, b in zip(one, other, strict=True):
        if a and b:
            shared += 1
    return contrast * math.log(1 + shared)


def affinity_of_coreness(one: float, other: float, contrast: float) -> float:
    """Return the contrast times the product of two corenesses."""
    return contrast * one * other


def logistic(score: float) -> float:
    """Return the probability of log odds."""
    return 1.0 / (1.0 + math.exp(-score))


def information_of_two(sizes: Sequence[int], inside: Sequence[float], between: float) -> float:
    """Return c lambda^2 of two clusters with these chances of a tie: from the roots of the quadratic of a 2 x 2 matrix."""
    a, d = sizes[0] * inside[0], sizes[1] * inside[1]
    trace, determinant = a + d, a * d - sizes[0] * sizes[1] * between**2
    root = math.sqrt(trace**2 / 4.0 - determinant)
    largest, other = trace / 2.0 + root, trace / 2.0 - root
    return other**2 / largest


def place_of_bridger(
    centres: Sequence[Sequence[float]], label: int, partners: Sequence[int], strength: float
) -> list[float]:
    """Return the point strength of the way from the own centre to the mean of all centres that are bridged."""
    bridged = [centres[label], *(centres[g] for g in partners)]
    out = []
    for axis, own in enumerate(centres[label]):
        middle = sum(c[axis] for c in bridged) / len(bridged)
        out.append(own + strength * (middle - own))
    return out
