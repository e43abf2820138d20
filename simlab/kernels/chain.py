"""A whole chain of sweeps: adaptation in the warm-up only, then draws with everything fixed."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.compile import lean_kernel
from simlab.kernels.chain_state import Data, Prior, State, Tuning, Work, unpacked
from simlab.kernels.curvature import curvature, scale_proposal
from simlab.kernels.dyads import Floats, Singles
from simlab.kernels.lpcm import log_likelihood_of, sweep

# The curvature changes little from one sweep to the next, and costs as much as some of its leapfrog steps.
_SWEEPS_A_LOOK = 4


class Draws(NamedTuple):
    """Where the draws of one chain go; the first axis is the draw. Positions are (draw, actor, axis) in float32."""

    positions: Singles
    labels: NDArray[np.int16]
    intercepts: Floats
    coefficients: Floats
    reciprocity: Floats
    sender: Singles
    receiver: Singles
    effect_variances: Floats
    centres: Floats
    variances: Floats
    weights: Floats
    log_likelihood: Floats
    divergent: NDArray[np.bool_]


@lean_kernel
def set_masses(masses: Floats, scale: Floats, count: float, tuning: Tuning) -> None:
    """Write the mean curvature of ``count`` states into the tuning's arrays, and empty the sums; 0 holds a quantity."""
    for a in range(masses.shape[0]):
        mass = masses[a] / count
        tuning.inverse_masses[a] = 1.0 / mass if mass > 0.0 else 0.0
        tuning.root_masses[a] = math.sqrt(mass)
        masses[a] = 0.0
    for a in range(2):
        for b in range(2):
            scale[a, b] /= count
    scale_proposal(scale, tuning.scale_factor)
    for a in range(2):
        for b in range(2):
            scale[a, b] = 0.0


@lean_kernel
def with_step(tuning: Tuning, step_size: float) -> Tuning:
    """Return the tuning with another step size."""
    return Tuning(
        step_size,
        tuning.n_steps,
        tuning.inverse_masses,
        tuning.root_masses,
        tuning.scale_factor,
        tuning.n_scale_moves,
        tuning.n_jumps,
    )


@lean_kernel
def warm_up(
    state: State,
    data: Data,
    prior: Prior,
    tuning: Tuning,
    work: Work,
    rng: np.random.Generator,
    n_sweeps: int,
    target: float,
) -> float:
    """Run the warm-up; write masses and scale proposal into the tuning's arrays, and return the step size to sample with.

    Masses and the scale proposal come from the mean curvature over a growing window; the step size from dual averaging
    towards the acceptance ``target`` (Hoffman & Gelman 2014, section 3.2), begun anew after each window.
    """
    masses, scale = work.masses, work.bends
    for a in range(masses.shape[0]):
        masses[a] = 0.0
    for a in range(2):
        for b in range(2):
            scale[a, b] = 0.0
    curvature(state, data, prior, work, masses, scale)
    set_masses(masses, scale, 1.0, tuning)
    likelihood = log_likelihood_of(state, data, work)
    step = work.vector.shape[0] ** -0.25
    centre = math.log(2.0 * step)
    error = 0.0
    smooth = math.log(step)
    since = 0
    window = max(n_sweeps // 16, 5)
    seen = 0
    looked = 0
    for t in range(n_sweeps):
        info = sweep(state, data, prior, with_step(tuning, step), work, rng, likelihood)
        likelihood = info.log_likelihood
        since += 1
        error += (target - info.acceptance - error) / (since + 10.0)
        log_step = centre - math.sqrt(since) / 0.05 * error
        weight = since**-0.75
        smooth = weight * log_step + (1.0 - weight) * smooth
        step = math.exp(log_step)
        seen += 1
        if seen % _SWEEPS_A_LOOK == 0:
            curvature(state, data, prior, work, masses, scale)
            looked += 1
        # The last window ends with a sixth of the warm-up left, for the step size to settle.
        if seen >= window and looked > 0 and t < n_sweeps - n_sweeps // 6:
            set_masses(masses, scale, float(looked), tuning)
            seen = 0
            looked = 0
            window *= 2
            step = math.exp(smooth)
            centre = math.log(2.0 * step)
            error = 0.0
            since = 0
    return math.exp(smooth)


@lean_kernel
def keep(state: State, draws: Draws, t: int) -> None:
    """Write the state into the arrays as draw ``t``."""
    point = unpacked(state.vector, state.shape)
    n_dims, n = point.positions.shape
    for i in range(n):
        draws.labels[t, i] = state.labels[i]
        for k in range(n_dims):
            draws.positions[t, i, k] = point.positions[k, i]
    for r in range(point.intercepts.shape[0]):
        draws.intercepts[t, r] = point.intercepts[r]
        for k in range(point.coefficients.shape[1]):
            draws.coefficients[t, r, k] = point.coefficients[r, k]
        for i in range(point.sender.shape[1]):
            draws.sender[t, r, i] = point.sender[r, i]
        for i in range(point.receiver.shape[1]):
            draws.receiver[t, r, i] = point.receiver[r, i]
        for side in range(2):
            draws.effect_variances[t, r, side] = state.effect_variances[r, side]
    for r in range(point.reciprocity.shape[0]):
        draws.reciprocity[t, r] = point.reciprocity[r]
    for g in range(state.weights.shape[0]):
        draws.variances[t, g] = math.exp(point.log_variances[g])
        draws.weights[t, g] = state.weights[g]
        for k in range(n_dims):
            draws.centres[t, g, k] = point.centres[g, k]


@lean_kernel
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
    n_draws = draws.log_likelihood.shape[0]
    accepted = 0.0
    likelihood = log_likelihood_of(state, data, work)
    for t in range(n_draws):
        for _ in range(thin):
            info = sweep(state, data, prior, tuning, work, rng, likelihood)
            likelihood = info.log_likelihood
            accepted += info.acceptance
            draws.divergent[t] = draws.divergent[t] or info.divergent
        draws.log_likelihood[t] = likelihood
        keep(state, draws, t)
    mean: float = accepted / max(n_draws * thin, 1)
    return mean
