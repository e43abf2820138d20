"""Climbing the log-density: limited-memory BFGS on the flat vector (Nocedal & Wright 2006, algorithms 7.4 and 7.5)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from simlab.foundation.compile import lean_fast_kernel, lean_kernel
from simlab.kernels.chain_state import PLAIN, Data, Prior, State, Work, unpacked
from simlab.kernels.dyads import Floats, fill_distances, log_likelihood_gradient
from simlab.kernels.listed import likelihood_of_list
from simlab.kernels.lpcm import add_mixture_and_prior
from simlab.kernels.predictors import likelihood_of_predictors

# Pairs of steps and changes of the gradient that are remembered.
PAIRS = 8
# A step is good enough that gains this share of what the slope promises (Armijo).
_ENOUGH = 1e-4


class Memory(NamedTuple):
    """What the climb remembers. steps, changes : (PAIRS, size); weights : (2, PAIRS); the others : (size,)."""

    steps: Floats
    changes: Floats
    weights: Floats
    course: Floats
    start: Floats
    slope: Floats


def new_memory(size: int) -> Memory:
    """Return the memory for a flat vector of this length."""
    return Memory(
        np.zeros((PAIRS, size)),
        np.zeros((PAIRS, size)),
        np.zeros((2, PAIRS)),
        np.zeros(size),
        np.zeros(size),
        np.zeros(size),
    )


@lean_fast_kernel
def objective(state: State, data: Data, prior: Prior, work: Work, whole: bool) -> float:
    """Return the log-likelihood at ``work.vector``, or the ``whole`` log-density; fill ``work.gradient``."""
    point, pull = unpacked(work.vector, state.shape), unpacked(work.gradient, state.shape)
    for a in range(work.gradient.shape[0]):
        work.gradient[a] = 0.0
    if data.first.shape[0] > 0:
        value = likelihood_of_list(point, data, pull, work)
    elif data.form == PLAIN:
        value = log_likelihood_gradient(
            point.positions, point.intercepts, data.ties, data.observed, pull.positions, pull.intercepts, work.blocks
        )
    else:
        fill_distances(point.positions, work.distances)
        value = likelihood_of_predictors(point, data, 1.0, 0.0, pull, work)
    if whole:
        value += add_mixture_and_prior(state, prior, work)
    return value


@lean_fast_kernel
def dot(one: Floats, other: Floats) -> float:
    """Return the inner product."""
    total = 0.0
    for a in range(one.shape[0]):
        total += one[a] * other[a]
    return total


@lean_fast_kernel
def set_course(gradient: Floats, scale: Floats, memory: Memory, n_pairs: int, newest: int) -> float:
    """Set the course: the inverse curvature times the gradient; return the slope along it.

    scale : (size,), the inverse curvature to begin from; 0 for what is held.
    """
    course = memory.course
    size = course.shape[0]
    for a in range(size):
        course[a] = gradient[a] if scale[a] > 0.0 else 0.0
    for p in range(n_pairs):
        at = (newest - p) % PAIRS
        weight = memory.weights[0, at] * dot(memory.steps[at], course)
        memory.weights[1, at] = weight
        change = memory.changes[at]
        for a in range(size):
            course[a] -= weight * change[a]
    factor = 1.0
    if n_pairs > 0:
        weighted = 0.0
        change = memory.changes[newest]
        for a in range(size):
            weighted += change[a] * change[a] * scale[a]
        factor = 1.0 / (memory.weights[0, newest] * weighted)
    for a in range(size):
        course[a] *= factor * scale[a]
    for p in range(n_pairs - 1, -1, -1):
        at = (newest - p) % PAIRS
        weight = memory.weights[1, at] - memory.weights[0, at] * dot(memory.changes[at], course)
        step = memory.steps[at]
        for a in range(size):
            course[a] += weight * step[a]
    return dot(gradient, course)


@lean_fast_kernel
def remember(work: Work, scale: Floats, memory: Memory, newest: int) -> bool:
    """Remember the last step and its change of the gradient in place ``newest``; return whether they are fit for it."""
    step, change = memory.steps[newest], memory.changes[newest]
    for a in range(step.shape[0]):
        step[a] = work.vector[a] - memory.start[a]
        change[a] = (memory.slope[a] - work.gradient[a]) if scale[a] > 0.0 else 0.0
    curved = dot(step, change)
    if not curved > 1e-10 * dot(change, change) ** 0.5 * dot(step, step) ** 0.5:
        return False
    memory.weights[0, newest] = 1.0 / curved
    return True


@lean_kernel
def climb(
    state: State, data: Data, prior: Prior, work: Work, memory: Memory, scale: Floats, goal: tuple[bool, int, float]
) -> tuple[float, int]:
    """Climb from ``work.vector`` to a maximum, where the vector then is; return (value, rounds taken).

    ``scale`` : a guess of the inverse curvature of each quantity, 0 for those to hold. ``goal`` : whether the whole
    log-density is meant or the log-likelihood alone, the most rounds, and the gain of a round under which the climb ends.
    """
    whole, n_rounds, tolerance = goal
    size = work.vector.shape[0]
    value = objective(state, data, prior, work, whole)
    n_pairs, newest = 0, PAIRS - 1
    small = 0
    for t in range(n_rounds):
        rise = set_course(work.gradient, scale, memory, n_pairs, newest)
        if not rise > 0.0 and n_pairs > 0:
            n_pairs = 0
            rise = set_course(work.gradient, scale, memory, n_pairs, newest)
        if not rise > 1e-12:
            return value, t
        for a in range(size):
            memory.start[a] = work.vector[a]
            memory.slope[a] = work.gradient[a]
        length = 1.0
        reached = -np.inf
        for _ in range(30):
            for a in range(size):
                work.vector[a] = memory.start[a] + length * memory.course[a]
            reached = objective(state, data, prior, work, whole)
            if reached >= value + _ENOUGH * length * rise:
                break
            # The top of the parabola through both values and the slope, within limits.
            bend = length * rise - (reached - value)
            best = 0.5 * length * length * rise / bend if bend > 0.0 and math.isfinite(bend) else 0.0
            length = min(max(best, 0.1 * length), 0.5 * length)
        if not reached > value:
            for a in range(size):
                work.vector[a] = memory.start[a]
                work.gradient[a] = memory.slope[a]
            if n_pairs == 0:
                return value, t
            n_pairs = 0
            continue
        place = (newest + 1) % PAIRS
        if remember(work, scale, memory, place):
            newest = place
            n_pairs = min(n_pairs + 1, PAIRS)
        small = small + 1 if reached - value < tolerance else 0
        value = reached
        if small >= 2:
            return value, t + 1
    return value, n_rounds
