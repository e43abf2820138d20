"""Climbing the variational bound by limited-memory BFGS (Nocedal & Wright 2006, algorithms 7.4 and 7.5)."""

from __future__ import annotations

import math

from simlab.foundation.compile import lean_fast_kernel, lean_kernel
from simlab.kernels.bound_state import Buffers, Held
from simlab.kernels.climb import PAIRS, Memory, dot, set_course
from simlab.kernels.dyads import Floats
from simlab.kernels.variational import variable_bound

# A step is good enough that gains this share of what the slope promises (Armijo).
_ENOUGH = 1e-4


@lean_fast_kernel
def _remembered(buffers: Buffers, memory: Memory, place: int) -> bool:
    """Remember the last step and its change of the gradient; return whether they are fit for it."""
    step, change = memory.steps[place], memory.changes[place]
    for a in range(step.shape[0]):
        step[a] = buffers.vector[a] - memory.start[a]
        change[a] = memory.slope[a] - buffers.gradient[a]
    curved = dot(step, change)
    if not curved > 1e-10 * math.sqrt(dot(change, change) * dot(step, step)):
        return False
    memory.weights[0, place] = 1.0 / curved
    return True


@lean_kernel
def _line_search(held: Held, buffers: Buffers, memory: Memory, value: float, rise: float) -> float:
    """Move along the course until the bound has risen enough; return it, or ``value`` where it will not rise."""
    length = 1.0
    for _ in range(30):
        for a in range(memory.start.shape[0]):
            buffers.vector[a] = memory.start[a] + length * memory.course[a]
        reached = variable_bound(held, buffers)
        if reached >= value + _ENOUGH * length * rise:
            return reached
        # The top of the parabola through both values and the slope, within limits.
        bend = length * rise - (reached - value)
        best = 0.5 * length * length * rise / bend if bend > 0.0 and math.isfinite(bend) else 0.0
        length = min(max(best, 0.1 * length), 0.5 * length)
    for a in range(memory.start.shape[0]):
        buffers.vector[a] = memory.start[a]
    return value


@lean_kernel
def ascend(
    held: Held, buffers: Buffers, memory: Memory, scale: Floats, pairs: tuple[int, int], goal: tuple[int, float]
) -> tuple[float, int, tuple[int, int]]:
    """Climb by limited-memory BFGS; return (value, steps taken, pairs). The value never falls.

    scale : a guess of the inverse curvature of each number; pairs : how many steps are remembered and which is the
    newest, from an earlier climb or (0, 0); goal : the most steps, and the gain of a step under which the climb ends.
    """
    n_steps, tolerance = goal
    n_pairs, newest = pairs
    value = variable_bound(held, buffers)
    for t in range(n_steps):
        rise = set_course(buffers.gradient, scale, memory, n_pairs, newest)
        if not rise > 0.0:
            n_pairs = 0
            rise = set_course(buffers.gradient, scale, memory, n_pairs, newest)
        if not rise > 1e-12:
            return value, t, (n_pairs, newest)
        for a in range(buffers.vector.shape[0]):
            memory.start[a] = buffers.vector[a]
            memory.slope[a] = buffers.gradient[a]
        before = value
        value = _line_search(held, buffers, memory, value, rise)
        if not value > before:
            # Gradient and memberships are those of a place that was tried.
            value = variable_bound(held, buffers)
            if n_pairs == 0:
                return value, t, (n_pairs, newest)
            n_pairs = 0
            continue
        place = (newest + 1) % PAIRS
        if _remembered(buffers, memory, place):
            newest = place
            n_pairs = min(n_pairs + 1, PAIRS)
        if value - before < tolerance:
            return value, t + 1, (n_pairs, newest)
    return value, n_steps, (n_pairs, newest)
