"""Reading: what the surrogates say about the design found: the frontier, curves along settings, and what more would buy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.plan.answer import Direction, More, Predicted
from simlab.plan.costs import Design
from simlab.plan.intervals import Interval
from simlab.plan.outlook import Outlook
from simlab.plan.space import Variable

Floats = NDArray[np.float64]

# How much more of a setting people ask about.
_STEPS: dict[str, float] = {"response_rate": 0.01, "n_invited": 10, "n_actors": 10}
_DRAWS = 400
_FRONTIER = 25
_CURVE = 25
# Changes of a score below this, or of a mean in units of its spread, are none.
_NOTHING = 0.01
_SURE = 0.9


def predicted(outlook: Outlook, designs: Sequence[Design], costs: Sequence[float], level: float) -> list[Predicted]:
    """Return designs as the surrogates see them, with intervals of this level."""
    from scipy.stats import norm

    z = float(norm.ppf(0.5 * (1.0 + level)))
    features = outlook.space.features_of(designs)
    probability = np.ones(len(designs))
    each: list[list[Interval]] = [[] for _ in designs]
    for surrogate, needed in zip(outlook.surrogates, outlook.levels, strict=True):
        mean, deviation = surrogate.latent(features)
        probability *= norm.cdf((mean - needed) / deviation)
        ends = [surrogate.score(mean + sign * z * deviation) for sign in (0.0, -1.0, 1.0)]
        for i, (estimate, low, high) in enumerate(zip(*ends, strict=True)):
            each[i].append(Interval(float(estimate), float(low), float(high), level))
    return [
        Predicted(design, float(cost), tuple(reaches), float(p))
        for design, cost, reaches, p in zip(designs, costs, each, probability, strict=True)
    ]


def frontier(outlook: Outlook, level: float) -> tuple[Predicted, ...]:
    """Return designs that nothing as cheap is better than, from the cheapest on; thinned to some two dozen."""
    order = np.lexsort((-outlook.margin, outlook.space.costs))
    best = np.maximum.accumulate(outlook.margin[order])
    kept = order[outlook.margin[order] > np.concatenate([[-np.inf], best[:-1]])]
    if len(kept) > _FRONTIER:
        at = np.interp(np.linspace(0.0, 1.0, _FRONTIER), np.linspace(0.0, 1.0, len(kept)), np.arange(len(kept)))
        kept = kept[np.unique(at.round().astype(int))]
    designs = [outlook.space.design(int(k)) for k in kept]
    return tuple(predicted(outlook, designs, outlook.space.costs[kept].tolist(), level))


def curve(outlook: Outlook, design: Design, variable: Variable, cost: Callable[[Design], float], level: float) -> Any:
    """Return designs along one setting, the others as they are; those left out that cannot be, of which the cost is NaN."""
    levels = list(variable.levels)
    if variable.numeric and len(levels) > _CURVE:
        at = np.unique(np.linspace(0, len(levels) - 1, _CURVE).round().astype(int))
        levels = [levels[i] for i in at]
    designs, costs = _possible([{**design, variable.name: value} for value in levels], cost)
    return tuple(predicted(outlook, designs, costs, level))


def _possible(designs: list[Design], cost: Callable[[Design], float]) -> tuple[list[Design], list[float]]:
    costs = [cost(design) for design in designs]
    kept = [k for k, value in enumerate(costs) if np.isfinite(value)]
    return [designs[k] for k in kept], [costs[k] for k in kept]


def directions(
    outlook: Outlook, design: Design, cost: Callable[[Design], float], rng: np.random.Generator
) -> tuple[Direction, ...]:
    """Return how each target changes along each numeric setting, where the surrogates' draws agree on it.

    Nothing is assumed to rise: a target rises only where it does so from level to level in nine draws of ten.
    """
    out = []
    for variable in outlook.space.variables:
        if not variable.numeric or len(variable.levels) < 2:
            continue
        levels = list(variable.levels)
        if len(levels) > _CURVE:
            levels = [levels[i] for i in np.unique(np.linspace(0, len(levels) - 1, 9).round().astype(int))]
        designs, _ = _possible([{**design, variable.name: value} for value in levels], cost)
        if len(designs) < 2:
            continue
        features = outlook.space.features_of(designs)
        for k, (surrogate, target) in enumerate(zip(outlook.surrogates, outlook.targets, strict=True)):
            drawn = surrogate.score(surrogate.draws(features, _DRAWS, rng, own=False)) / outlook.unit(k)
            out.append(Direction(variable.name, target, _direction(drawn)))
    return tuple(out)


def _direction(drawn: Floats) -> str:
    """Return how functions (n_draws, n_levels) run, where nine in ten agree."""
    steps = np.diff(drawn, axis=1)
    change = drawn[:, -1] - drawn[:, 0]
    if np.mean(np.ptp(drawn, axis=1) < 2.0 * _NOTHING) >= _SURE:
        return "flat"
    if np.mean((steps > -_NOTHING).all(axis=1) & (change > _NOTHING)) >= _SURE:
        return "rises"
    if np.mean((steps < _NOTHING).all(axis=1) & (change < -_NOTHING)) >= _SURE:
        return "falls"
    ends = np.maximum(drawn[:, 0], drawn[:, -1])
    if np.mean(drawn.max(axis=1) > ends + 2.0 * _NOTHING) >= _SURE:
        return "turns"
    return "not known"


def more(
    outlook: Outlook, design: Design, cost: Callable[[Design], float], level: float, rng: np.random.Generator
) -> tuple[More, ...]:
    """Return what a little more of each setting would buy: one name, one per cent of response, ten managers, another kind.

    A step beyond the range that was searched is left out: nothing was seen there.
    """
    tail = 0.5 * (1.0 - level)
    out = []
    for variable in outlook.space.variables:
        for after in _steps(variable, design[variable.name]):
            changed = {**design, variable.name: after}
            if not np.isfinite(cost(changed)):
                continue
            features = outlook.space.features_of([design, changed])
            gains = []
            for surrogate in outlook.surrogates:
                # What each design has of its own would hide what a small step does.
                drawn = surrogate.score(surrogate.draws(features, 4 * _DRAWS, rng, own=False))
                gain = drawn[:, 1] - drawn[:, 0]
                low, high = np.quantile(gain, [tail, 1.0 - tail])
                gains.append(Interval(float(gain.mean()), float(low), float(high), level))
            out.append(More(variable.name, design[variable.name], after, cost(changed) - cost(design), tuple(gains)))
    return tuple(out)


def _steps(variable: Variable, level: Any) -> list[Any]:
    if not variable.numeric:
        return [other for other in variable.levels if other != level]
    numbers = [v for v in variable.levels if v is not None]
    if level is None:
        return []
    after = level + _STEPS.get(variable.name, 1)
    if all(isinstance(v, int) for v in numbers):
        after = int(after)
    if after > max(numbers) + 1e-9:
        return [None] if None in variable.levels else []
    return [after if isinstance(after, int) else round(after, 10)]
