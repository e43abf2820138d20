"""Completion: networks in which what was not observed is drawn from a tie model, given what was observed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simlab.fit.prediction import marginal_predictor
from simlab.fit.tie_model import Family, TieModel
from simlab.foundation.errors import InputError
from simlab.foundation.scientific import expit
from simlab.panel import DyadState, Network

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Log odds ratios beyond this change no dyad.
_GREATEST_LOG_RATIO = 8.0
_HALVINGS = 40


def both_ways(forth: Floats, back: Floats, odds_ratio: float) -> Floats:
    """Return the probability of both ties of dyads whose margins and odds ratio are given (Plackett 1965).

    The smaller root of (r - 1) x^2 - (1 + (r - 1)(p + q)) x + r p q = 0, written so that nothing cancels at r = 1.
    """
    excess = odds_ratio - 1.0
    middle = 1.0 + excess * (forth + back)
    root = np.sqrt(np.maximum(middle**2 - 4.0 * odds_ratio * excess * forth * back, 0.0))
    return np.asarray(2.0 * odds_ratio * forth * back / (middle + root))


def reciprocal_odds_ratio(network: Network, probability: Floats) -> float:
    """Return the odds ratio of the two ties of a dyad that makes as many mutual ties expected as were observed.

    Over the dyads of which both ties were observed, with the margins (n_actors, n_actors) that a model gives; 1 where there
    are none.
    """
    whole = np.triu(network.observed & network.observed.T, 1)
    if not network.directed or not whole.any():
        return 1.0
    forth, back = probability[whole], probability.T[whole]
    mutual = float((network.ties & network.ties.T)[whole].sum())
    low, high = -_GREATEST_LOG_RATIO, _GREATEST_LOG_RATIO
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if both_ways(forth, back, np.exp(middle)).sum() < mutual:
            low = middle
        else:
            high = middle
    return float(np.exp(0.5 * (low + high)))


def completed(network: Network, model: TieModel, draw: int, rng: np.random.Generator) -> Network:
    """Return the network with every unobserved dyad drawn from one draw of a model, given its other side.

    A tie that was not observed is drawn given the tie the other way where that was; where neither was, both are drawn
    together. The odds ratio of the two is the model's reciprocity, or where the model has none that of the network observed.
    A tie imputed counts once where ties have counts.

    Raises InputError for a model of counts.
    """
    if model.family != Family.BERNOULLI:
        raise InputError.of("imputer", model.family, "must be a model of ties, not of counts")
    eta, reciprocity = model.predictors(draw)[0], float(model.reciprocity(draw)[0])
    probability = expit(marginal_predictor(eta, eta.T, reciprocity))
    ratio = np.exp(reciprocity) if reciprocity else reciprocal_odds_ratio(network, probability)
    open_ = (network.state == DyadState.NO_ANSWER) | (network.state == DyadState.NOT_ASKED)
    lower, upper = np.tril(open_, -1), np.triu(open_, 1)
    luck = rng.random(eta.shape)
    ties = network.ties
    if not network.directed:
        ties = np.where(lower, luck < probability, ties)
        ties = np.tril(ties, -1) | np.tril(ties, -1).T
    else:
        given = _given_other(probability, ties.T, ratio)
        ties = np.where(lower, luck < np.where(network.observed.T, given, probability), ties)
        ties = np.where(upper, luck < _given_other(probability, ties.T, ratio), ties)
    state = np.where(open_, np.where(ties, DyadState.TIE, DyadState.NO_TIE), network.state).astype(np.int8)
    counts = None if network.counts is None else np.where(open_ & ties, 1.0, network.counts)
    return replace(network, state=state, counts=counts)


def _given_other(probability: Floats, other: Flags, odds_ratio: float) -> Floats:
    """Return the probability of each tie given the tie the other way."""
    both = both_ways(probability, probability.T, odds_ratio)
    back = np.clip(probability.T, 1e-12, 1.0 - 1e-12)
    return np.asarray(np.where(other, both / back, (probability - both) / (1.0 - back)))
