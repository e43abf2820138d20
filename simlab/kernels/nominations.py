"""Ties that a fixed-choice design leaves open: drawn, given everything else, in each sweep.

A respondent who named as many as allowed, k, may have more ties. Where a random choice of them was named, the probability of
just these names is 1 over the number of ways to choose k of all t ties; so a tie that was not named is there with odds

    exp(eta) (m + 1) / (k + m + 1)

where m counts the respondent's other ties that were not named: data augmentation (Tanner & Wong 1987) of a censored
likelihood (Hoff, Fosdick, Volfovsky & Stovel 2013, Network Science 1(3), have it for ranked names).
"""

from __future__ import annotations

import math

import numpy as np

from simlab.foundation.compile import lean_kernel
from simlab.kernels.chain_state import RECIPROCAL, Data, State, Work, unpacked
from simlab.kernels.predictors import spread_effects

_SMALLEST = 1e-30
# Beyond these log odds a draw is certain.
_FARTHEST = 40.0


@lean_kernel
def draw_open_ties(state: State, data: Data, work: Work, rng: np.random.Generator, likelihood: float) -> float:
    """Draw every open tie into ``data``; return the log-likelihood then."""
    point = unpacked(state.vector, state.shape)
    two_way = data.ties_back.shape[1] > 0
    effects = work.effects
    with_effects = point.sender.shape[1] + point.receiver.shape[1] > 0
    before = -1
    for group in range(data.open_named.shape[0]):
        start, stop = data.open_starts[group], data.open_starts[group + 1]
        extra = 0.0
        for e in range(start, stop):
            extra += data.open_state[e]
        named = data.open_named[group]
        for e in range(start, stop):
            r, first, second, back = data.open_ties[e]
            if r != before:
                spread_effects(point, r, data.shared_effects, effects[:2])
                before = r
            at = first * (first - 1) // 2 + second
            square = _SMALLEST
            for k in range(point.positions.shape[0]):
                away = point.positions[k, first] - point.positions[k, second]
                square += away * away
            eta = point.intercepts[r] - math.sqrt(square)
            if with_effects:
                source, target = (second, first) if back else (first, second)
                eta += effects[0, source] + effects[1, target]
            for k in range(point.coefficients.shape[1]):
                x = data.covariates_back[k, at] if back and two_way else data.covariates[k, at]
                eta += point.coefficients[r, k] * x
            if data.form == RECIPROCAL:
                other = data.ties[r, at] if back else data.ties_back[r, at]
                eta += point.reciprocity[r] * other
            old = data.open_state[e]
            rest = extra - old
            odds = eta + math.log((rest + 1.0) / (named + rest + 1.0))
            probability = 1.0 / (1.0 + math.exp(-min(max(odds, -_FARTHEST), _FARTHEST)))
            new = 1 if rng.random() < probability else 0
            if new != old:
                data.open_state[e] = new
                extra = rest + new
                likelihood += (new - old) * eta
                if back and two_way:
                    data.ties_back[r, at] += new - old
                else:
                    data.ties[r, at] += new - old
    return likelihood
