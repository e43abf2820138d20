"""Networks drawn from a fit, and how well a fit foresees dyads that it was not shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import overload

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit, FitError
from simlab.fit.tie_model import Family, TieModel
from simlab.foundation.errors import InputError
from simlab.foundation.scientific import expit, gammaln
from simlab.panel import DyadState, Network

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# NumPy draws counts up to a mean of 9e18 = exp(43); nobody has seen a tie exp(40) times.
_GREATEST_LOG_MEAN = 40.0


@overload
def draw_networks(
    fit: Fit, networks: Network, *, n: int, rng: np.random.Generator, masked: bool = ...
) -> list[Network]: ...
@overload
def draw_networks(
    fit: Fit, networks: Sequence[Network], *, n: int, rng: np.random.Generator, masked: bool = ...
) -> list[list[Network]]: ...
def draw_networks(
    fit: Fit, networks: Network | Sequence[Network], *, n: int, rng: np.random.Generator, masked: bool = False
) -> list[Network] | list[list[Network]]:
    """Return networks drawn from the model of a fit (draws of its posterior predictive distribution, where it has draws).

    Parameters
    ----------
    fit : Fit
        With a ``tie_model``. Networks are spread evenly over its draws of the parameters.
    networks : Network, or sequence of Network
        What was fitted; of a joint fit every relation, in the order of the fit. They say who the actors are, whether ties
        have a direction, and which dyads cannot hold a tie.
    n : int
        How many to draw.
    rng : numpy.random.Generator
    masked : bool
        Whether the dyads that were not observed are hidden in the drawn networks too. Otherwise every dyad that can hold a
        tie is drawn as observed.

    Returns
    -------
    list of Network, or for a sequence of networks a list of n lists with a network for each relation

    Raises
    ------
    InputError
        Where the fit has no model, or is not of these networks.
    FitError
        Where a linear predictor is not a number.
    """
    of_one = isinstance(networks, Network)
    several = [networks] if isinstance(networks, Network) else list(networks)
    drawn = list(iterate_networks(fit, several, n=n, rng=rng, masked=masked))
    return [relations[0] for relations in drawn] if of_one else drawn


def iterate_networks(
    fit: Fit, networks: Sequence[Network], *, n: int, rng: np.random.Generator, masked: bool
) -> Iterator[list[Network]]:
    """Yield what ``draw_networks`` returns for a sequence of networks, one draw after the other; it is checked at once."""
    model = model_of(fit)
    if n < 1:
        raise InputError.of("n", n, "must be at least 1")
    for network in networks:
        if network.actors != fit.actors:
            raise InputError(f"networks: the fit is of {len(fit.actors)} actors, and {network} has others")
    n_relations = len(model.predictors(0))
    if n_relations != len(networks):
        raise InputError(
            f"networks: {len(networks)} given, and the fit is of {n_relations}: give one for each relation"
        )
    for relation, network in enumerate(networks):
        _check_direction(model, network, relation)
    return _drawn(model, networks, n, rng, masked)


def model_of(fit: Fit) -> TieModel:
    """Return the model of a fit; InputError where it has none."""
    if fit.tie_model is None:
        raise InputError(f"{fit.fitter} has no model from which networks could be drawn")
    return fit.tie_model


def predictive_density(model: TieModel, network: Network, held_out: Flags, *, relation: int = 0) -> float:
    """Return the log predictive density of dyads, summed: how well a model foresees what it was not shown.

        sum over held-out dyads of log (1/S sum_s P(y_dyad | draw s))

    (Gelman, Hwang & Vehtari 2014, equation 4). An ordered dyad is one where the two ties are independent, and an unordered
    one where they have no direction. With a reciprocity both ties of a dyad are taken together; where only one of them is
    held out it is foreseen from the other, if that was observed.

    Parameters
    ----------
    model : TieModel
        Of a fit to the network without the held-out dyads.
    network : Network
        With the truth about them.
    held_out : (n_actors, n_actors)
        Which dyads to foresee; each must be observed in the network. Where ties have no direction either half will do.
    relation : int
        Which relation of the model the network is.

    Returns
    -------
    float
        Minus infinity where a dyad is impossible under every draw; 0 for no dyads.
    """
    chosen = held_out.astype(bool)
    if chosen.shape != network.state.shape:
        raise InputError(f"held_out: must have the shape (actors, actors) = {network.state.shape}")
    if not network.directed:
        chosen = np.tril(chosen | chosen.T)
    if (chosen & ~network.observed).any() or chosen.diagonal().any():
        raise InputError("held_out: must be dyads that were observed in the network")
    _check_direction(model, network, relation)
    rows, columns = np.nonzero(chosen)
    values = (network.tie_counts() if model.family == Family.POISSON else network.ties.astype(np.float64))[
        rows, columns
    ]
    back, known = network.ties[columns, rows].astype(np.float64), network.observed[columns, rows]
    both = chosen[columns, rows]
    together = network.directed and _has_reciprocity(model, relation)
    total = np.full(len(rows), -np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        for draw in range(model.n_draws):
            eta = model.predictors(draw)[relation]
            there, other = eta[rows, columns], eta[columns, rows]
            if model.family == Family.POISSON:
                part = _log_poisson(values, there)
            elif not together:
                part = _log_bernoulli(values, there)
            else:
                odds = float(model.reciprocity(draw)[relation])
                alone = np.where(known, there + odds * back, marginal_predictor(there, other, odds))
                whole = _log_bernoulli(values, marginal_predictor(there, other, odds)) + _log_bernoulli(
                    back, other + odds * values
                )
                part = np.where(both, whole, _log_bernoulli(values, alone))
            total = np.logaddexp(total, part)
    if together:
        total = total[~both | (rows > columns)]
    return float((total - np.log(model.n_draws)).sum()) if len(total) else 0.0


def marginal_predictor(eta: Floats, back: Floats, reciprocity: float) -> Floats:
    """Return the log odds of a tie when nothing is known of the tie back.

    From P(y, b) proportional to exp(y eta + b back + reciprocity y b), summed over b:
    eta + log(1 + exp(back + reciprocity)) - log(1 + exp(back)).
    """
    return np.asarray(eta + np.logaddexp(0.0, back + reciprocity) - np.logaddexp(0.0, back))


def _drawn(
    model: TieModel, networks: Sequence[Network], n: int, rng: np.random.Generator, masked: bool
) -> Iterator[list[Network]]:
    for k in range(n):
        draw = (2 * k + 1) * model.n_draws // (2 * n)
        predictors, reciprocity = model.predictors(draw), model.reciprocity(draw)
        yield [
            _network(network, model.family, eta, float(odds), rng, masked)
            for network, eta, odds in zip(networks, predictors, reciprocity, strict=True)
        ]


def _network(
    network: Network, family: Family, predictors: Floats, reciprocity: float, rng: np.random.Generator, masked: bool
) -> Network:
    """Return one network drawn in place of another."""
    never = (network.state == DyadState.IMPOSSIBLE) | (network.state == DyadState.ABSENT)
    np.fill_diagonal(never, True)
    eta = np.where(never, -np.inf, predictors)
    if np.isnan(eta).any():
        raise FitError("a linear predictor of the fit is not a number, and so no network can be drawn")
    if family == Family.POISSON:
        counts = rng.poisson(np.exp(np.minimum(eta, _GREATEST_LOG_MEAN))).astype(np.float64)
        if not network.directed:
            counts = np.tril(counts) + np.tril(counts).T
        ties = counts > 0.0
    else:
        ties, counts = _ties(eta, reciprocity, network.directed, rng), None
    state = np.where(never, network.state, np.where(ties, DyadState.TIE, DyadState.NO_TIE))
    if masked:
        state = np.where(network.observed, state, network.state)
    np.fill_diagonal(state, DyadState.IMPOSSIBLE)
    counts = None if counts is None else np.where(state == DyadState.TIE, counts, 0.0)
    # Nobody in a network that is drawn was allowed so many names only.
    return replace(network, state=state.astype(np.int8), counts=counts, limited=None, max_nominations=None)


def _ties(eta: Floats, reciprocity: float, directed: bool, rng: np.random.Generator) -> Flags:
    """Return ties (n_actors, n_actors): below the diagonal first, then those above it given the ties back."""
    chance = rng.random(eta.shape)
    if not directed:
        lower = np.tril(chance < expit(eta), -1)
        return np.asarray(lower | lower.T)
    if reciprocity == 0.0:
        return np.asarray(chance < expit(eta))
    lower = np.tril(chance < expit(marginal_predictor(eta, eta.T, reciprocity)), -1)
    upper = np.triu(chance < expit(eta + reciprocity * lower.T), 1)
    return np.asarray(lower | upper)


def _log_bernoulli(values: Floats, eta: Floats) -> Floats:
    return np.asarray(-np.logaddexp(0.0, np.where(values > 0.0, -eta, eta)))


def _log_poisson(values: Floats, eta: Floats) -> Floats:
    # A count of 0 is certain where the mean is 0.
    return np.asarray(np.where(values > 0.0, values * eta, 0.0) - np.exp(eta) - gammaln(values + 1.0))


def _check_direction(model: TieModel, network: Network, relation: int) -> None:
    if not network.directed and _has_reciprocity(model, relation):
        raise InputError(f"networks: the fit has a reciprocity, and the ties of {network} have no direction")


def _has_reciprocity(model: TieModel, relation: int) -> bool:
    """Say whether a model joins the two ties of a dyad, by a few draws: one that does not has 0 in all of them."""
    few = {0, model.n_draws // 2, model.n_draws - 1}
    return model.family == Family.BERNOULLI and any(model.reciprocity(draw)[relation] != 0.0 for draw in few)
