"""The intercept of a network, solved for its expected density or for its information."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError
from simlab.foundation.scientific import brentq, expit, logit, minimize_scalar

Floats = NDArray[np.float64]

_DENSITIES = (1e-4, 1e-3, 0.003, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def solve_intercept(scores: Floats, density: float) -> float:
    """Return the intercept at which the mean of expit(intercept + score) is ``density``; 0 where there are no scores."""
    if scores.size == 0:
        return 0.0
    low, high = logit(density) - scores.max() - 1.0, logit(density) - scores.min() + 1.0
    return float(brentq(lambda intercept: float(expit(intercept + scores).mean()) - density, low, high, xtol=1e-12))


def solve_information(scores: Floats, information_at: Callable[[float], float], wanted: float) -> float:
    """Return the lowest intercept at which a network has the information c lambda^2 that is wanted.

    Information grows with the density up to a point and falls again when nearly everybody is tied to everybody.

    Parameters
    ----------
    scores : (n_pairs,)
        Log odds of the ties less the intercept.
    information_at : function of an intercept
        The information there; minus infinity where the other settings cannot be had there.
    wanted : float

    Raises
    ------
    InputError
        Where no density gives it; the message says what can be reached.
    """
    grid = [solve_intercept(scores, density) for density in _DENSITIES] if scores.size else []
    points = [(intercept, value) for intercept in grid if np.isfinite(value := information_at(intercept))]
    if not points:
        raise InputError.of("information", wanted, "this world has none: it needs two clusters and possible ties")
    best = max(range(len(points)), key=lambda k: points[k][1])
    low, high = points[max(best - 1, 0)][0], points[min(best + 1, len(points) - 1)][0]
    if points[best][1] < wanted and low < high:
        found = minimize_scalar(lambda b: -information_at(float(b)), bounds=(low, high), method="bounded")
        points = sorted([*points, (float(found.x), -float(found.fun))])
    # Where the sparsest network is possible there is no least: sparser ones have as little as one likes.
    least = 0.0 if points[0][0] == grid[0] else points[0][1]
    most = max(value for _, value in points)
    if not least <= wanted <= most:
        why = "whatever its density" if wanted > most else "as sparser networks cannot have the reciprocity"
        raise InputError.of("information", wanted, f"must be from {least:.3g} to {most:.3g} in this world, {why}")
    first = next(k for k, (_, value) in enumerate(points) if value >= wanted)
    low = points[first - 1][0] if first else points[0][0] - (20.0 if least == 0.0 else 0.0)
    if low == points[first][0]:
        return low
    return float(brentq(lambda b: information_at(float(b)) - wanted, low, points[first][0], xtol=1e-10))
