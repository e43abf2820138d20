"""A whole chain of sweeps: adaptation in the warm-up only, then draws with everything fixed."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.compile import kernel
from simlab.kernels.chain_state import Data, Prior, State, Tuning, Work
from simlab.kernels.dyads import Floats
from simlab.kernels.lpcm import curvature, sweep


class Draws(NamedTuple):
    """Where the draws of one chain go; the first axis is the draw. Positions are (draw, actor, axis) in float32."""

    positions: NDArray[np.float32]
    labels: NDArray[np.int16]
    intercepts: Floats
    centres: Floats
    variances: Floats
    weights: Floats
    log_likelihood: Floats
    divergent: NDArray[np.bool_]


@kernel
def set_masses(masses: Floats, scale: Floats, count: float, tuning: Tuning) -> None:
    """Write the mean curvature of ``count`` states into the tuning's arrays, and empty the sums."""
    for a in range(masses.shape[0]):
        tuning.masses[a] = masses[a] / count
        masses[a] = 0.0
    level = scale[0, 0] / count
    mixed = scale[0, 1] / count
    size = scale[1, 1] / count
    determinant = max(level * size - mixed * mixed, 1e-12 * level * size)
    # 2.38 / sqrt(2): the best random walk in two dimensions (Roberts, Gelman & Gilks 1997).
    first = 1.68 * math.sqrt(size / determinant)
    tuning.scale_factor[0, 0] = first
    tuning.scale_factor[1, 0] = -mixed / size * first
    tuning.scale_factor[1, 1] = 1.68 / math.sqrt(size)
    scale[0, 0] = scale[0, 1] = scale[1, 1] = 0.0


@kernel
def with_step(tuning: Tuning, step_size: float) -> Tuning:
    """Return the tuning with another step size."""
    return Tuning(step_size, tuning.n_steps, tuning.masses, tuning.scale_factor, tuning.n_scale_moves)


@kernel
def warm_up(
    state: State,
    data: Data,
    prior: Prior,
    tuning: Tuning,
    work: Work,
    rng: np.random.Generator,
    n_sweeps: int,
    target: float,
) -> Tuning:
    """Run the warm-up; return the tuning to sample with.

    Masses and the scale proposal come from the mean curvature over a growing window; the step size from dual averaging
    towards the acceptance ``target`` (Hoffman & Gelman 2014, section 3.2), begun anew after each window.
    """
    masses = np.zeros(work.vector.shape[0])
    scale = np.zeros((2, 2))
    curvature(state, data, prior, work, masses, scale)
    set_masses(masses, scale, 1.0, tuning)
    step = work.vector.shape[0] ** -0.25
    centre = math.log(2.0 * step)
    error = 0.0
    smooth = math.log(step)
    since = 0
    window = max(n_sweeps // 16, 5)
    counted = 0
    for t in range(n_sweeps):
        info = sweep(state, data, prior, with_step(tuning, step), work, rng)
        since += 1
        error += (target - info.acceptance - error) / (since + 10.0)
        log_step = centre - math.sqrt(since) / 0.05 * error
        weight = since**-0.75
        smooth = weight * log_step + (1.0 - weight) * smooth
        step = math.exp(log_step)
        curvature(state, data, prior, work, masses, scale)
        counted += 1
        # The last window ends with a sixth of the warm-up left, for the step size to settle.
        if counted >= window and t < n_sweeps - n_sweeps // 6:
            set_masses(masses, scale, float(counted), tuning)
            counted = 0
            window *= 2
            step = math.exp(smooth)
            centre = math.log(2.0 * step)
            error = 0.0
            since = 0
    return with_step(tuning, math.exp(smooth))


@kernel
def sample(
    state: State,
    data: Data,
    prior: Prior,
    tuning: Tuning,
    work: Work,
    rng: np.random.Generator,
    thin: int,
    draws: Draws,
) -> float:
    """Fill ``draws``, keeping every ``thin``-th sweep; return the mean acceptance of the Hamiltonian steps."""
    n_dims, n = state.positions.shape
    n_draws = draws.log_likelihood.shape[0]
    accepted = 0.0
    for t in range(n_draws):
        for _ in range(thin):
            info = sweep(state, data, prior, tuning, work, rng)
            accepted += info.acceptance
            draws.divergent[t] = draws.divergent[t] or info.divergent
            draws.log_likelihood[t] = info.log_likelihood
        for i in range(n):
            draws.labels[t, i] = state.labels[i]
            for k in range(n_dims):
                draws.positions[t, i, k] = state.positions[k, i]
        for r in range(state.intercepts.shape[0]):
            draws.intercepts[t, r] = state.intercepts[r]
        for g in range(state.weights.shape[0]):
            draws.variances[t, g] = state.variances[g]
            draws.weights[t, g] = state.weights[g]
            for k in range(n_dims):
                draws.centres[t, g, k] = state.centres[g, k]
    mean: float = accepted / max(n_draws * thin, 1)
    return mean
