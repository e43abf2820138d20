"""The posterior mode of a latent position cluster model: climbs of the density, with steps of EM for the mixture between.

The labels are summed out. The mode is that of positions, intercepts, coefficients, effects, centres, logarithms of the
variances, and weights; as in every such mode, the space is drawn together (its intercept and distances are too small).
"""

from __future__ import annotations

import math

from simlab.foundation.compile import lean_kernel
from simlab.kernels.chain_state import Data, Prior, State, Work, copy, unpacked
from simlab.kernels.climb import Memory, climb
from simlab.kernels.dyads import Floats
from simlab.kernels.mixture import fill_shares


@lean_kernel
def improve_mixture(state: State, prior: Prior, work: Work) -> None:
    """Do one step of EM for weights, centres and variances at the positions of ``state`` (its mode, with the priors)."""
    point = unpacked(state.vector, state.shape)
    n_dims, n = point.positions.shape
    n_clusters = state.weights.shape[0]
    fill_shares(point.positions, point.centres, point.log_variances, state.weights, work.shares, work.squares)
    whole = 0.0
    for g in range(n_clusters):
        share = work.shares[g]
        count = 0.0
        for i in range(n):
            count += share[i]
        precision = math.exp(-point.log_variances[g])
        spread = 0.0
        for k in range(n_dims):
            row = point.positions[k]
            if prior.centre_variance > 0.0:
                total = 0.0
                for i in range(n):
                    total += share[i] * row[i]
                point.centres[g, k] = total * precision / (count * precision + 1.0 / prior.centre_variance)
            centre = point.centres[g, k]
            for i in range(n):
                spread += share[i] * (row[i] - centre) * (row[i] - centre)
        degrees = prior.variance_degrees
        point.log_variances[g] = math.log((degrees * prior.variance_scale + spread) / (degrees + n_dims * count))
        state.weights[g] = max(count + prior.concentration - 1.0, 1e-3)
        whole += state.weights[g]
    for g in range(n_clusters):
        state.weights[g] /= whole


@lean_kernel
def seek_mode(
    state: State, data: Data, prior: Prior, work: Work, memory: Memory, scale: Floats, goal: tuple[int, int, float]
) -> tuple[float, int, bool]:
    """Climb from a state towards the mode, where it then is; return (log-density without that of weights, rounds, ended).

    ``goal`` : the most stages, the most rounds of a stage, and the gain of a stage under which the search ends. Before
    each stage the mixture is improved. scale : as in ``climb``.
    """
    n_stages, n_rounds, tolerance = goal
    before = -1e300
    rounds = 0
    value = before
    for _ in range(n_stages):
        improve_mixture(state, prior, work)
        copy(state.vector, work.vector)
        value, taken = climb(state, data, prior, work, memory, scale, (True, n_rounds, 0.2 * tolerance))
        copy(work.vector, state.vector)
        rounds += taken
        if not value - before > tolerance:
            return value, rounds, True
        before = value
    return value, rounds, False
