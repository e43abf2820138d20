"""scenario_from_fit: a world made from a fit, to simulate more networks like the one that was fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

from simlab.fit.fit import Fit
from simlab.fit.latent_tie_model import LatentTieModel
from simlab.fit.prediction import marginal_predictor, model_of
from simlab.fit.tie_model import Family, TieModel
from simlab.foundation.errors import InputError
from simlab.generate.coupling import dyad_distribution, reciprocity_of, solve_odds_ratio
from simlab.generate.fitted import FittedWorld
from simlab.generate.scenario import Scenario
from simlab.panel import Network
from simlab.plan.names_allowed import before_limit

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# What the relation of a world is called whose network does not name it.
ONLY_RELATION = "contact"


def scenario_from_fit(
    fit: Fit,
    network: Network,
    *,
    draw: int | None = None,
    relation: int = 0,
    as_observed: bool = True,
    drawn_labels: bool = False,
    bridgers: Sequence[str] = (),
) -> Scenario:
    """Return a scenario with the actors, labels, positions, effects and covariates of a fit.

    ``simulate`` makes networks of it: a parametric bootstrap (Efron & Tibshirani 1993) of the fit, in which the labels
    found are the truth. Worlds of several posterior draws carry what the fit does not know along. Ties have a direction
    where those of the network have one.

    Parameters
    ----------
    fit : Fit
        With a tie model: a latent position model or a block model. One that did not converge is taken as it is.
    network : Network
        What was fitted; of a joint fit the network of ``relation``.
    draw : int, optional
        Which posterior draw, counted over the chains one after the other. Unless given, the point estimate: the fit's
        positions, and the means of its effects and coefficients.
    relation : int
        Which relation of a joint fit.
    as_observed : bool
        Whether the expected density and the reciprocity are those observed in the network, the intercept and the odds ratio
        of dyads being solved for them. Where only so many names were allowed both are those that leave the observed ones when
        each actor names a random choice of its ties. Otherwise both are as the fit has them; of a point estimate of
        several draws the intercept is the mean over its draws, which is not what fits its positions best.
    drawn_labels : bool
        Whether the clusters of the world are those of the draw, and what the fit reports is kept as ``fitted.found``.
        Otherwise the clusters that the fit reports are those of the world.
    bridgers : sequence of str
        Whom the fit named as likely bridgers, kept as ``fitted.bridgers``.

    Returns
    -------
    Scenario
        With ``structure`` fitted, one site, relation and period, and nothing that the fit does not know of (no bridgers,
        no core). It goes to JSON and back, and has a key, as any other.

    Raises
    ------
    InputError
        For a fit without a tie model, of counts, or of other actors; a draw that is not there; a network without ties, or
        with all.
    """
    model = model_of(fit)
    _check(fit, model, network, draw, relation)
    order = np.array(sorted(range(len(fit.actors)), key=lambda i: fit.actors[i]))
    positions, sender, receiver, rest, intercept, log_odds = _parts(fit, model, draw, relation)
    apart = np.zeros(rest.shape)
    if positions.shape[1]:
        apart = np.sqrt(((positions[:, None] - positions[None]) ** 2).sum(-1))
    eta = intercept + rest - apart + sender[:, None] + receiver[None]
    marginal = marginal_predictor(eta, eta.T, log_odds) if log_odds else eta
    rest = rest + marginal - eta
    off = ~np.eye(len(order), dtype=bool)
    if as_observed:
        density = network.density
        if not 0.0 < density < 1.0:
            raise InputError.of("network", str(network), "must have both ties and dyads without a tie")
        level, left = _level(marginal[off], density), 1.0
        if network.max_nominations is not None:
            level, left = before_limit(marginal, network, level)
            density = float(expit(level + marginal[off]).mean())
        # The tie back is seen where it is among the names given. Of a network without direction there is none to keep.
        reciprocity = _possible(_returned(network) / left, level + marginal) if network.directed else 0.0
    else:
        density = float(expit(marginal[off]).mean())
        lower = np.tril_indices(len(order), -1)
        chance = expit(marginal)
        reciprocity = reciprocity_of(dyad_distribution(chance[lower], chance.T[lower], float(np.exp(log_odds))))
    labels = found = np.unique(fit.labels, return_inverse=True)[1]
    if drawn_labels:
        labels = np.unique(_labels_of_draw(fit, draw), return_inverse=True)[1]
    world = FittedWorld(
        actors=tuple(fit.actors[i] for i in order),
        labels=tuple(labels[order].tolist()),
        positions=tuple(map(tuple, positions[order].tolist())),
        activity=tuple(sender[order].tolist()),
        popularity=tuple(receiver[order].tolist()),
        offsets=tuple(map(tuple, rest[np.ix_(order, order)].tolist())) if rest[off].any() else (),
        attributes=tuple(
            (name, tuple(network.attributes[name][i] for i in order)) for name in sorted(network.attributes)
        ),
        undirected=() if network.directed else (network.relation or ONLY_RELATION,),
        found=tuple(found[order].tolist()) if drawn_labels else (),
        bridgers=tuple(bridgers),
    )
    return Scenario(
        structure="fitted",
        fitted=world,
        n_actors=len(order),
        n_clusters=world.n_clusters,
        n_dims=max(world.n_dims, 1),
        density=density,
        reciprocity=min(reciprocity, 1.0 - 1e-9),
        relations=(network.relation or ONLY_RELATION,),
        # What the fit has is in its effects and covariates; nothing is to be added to it.
        activity=0.0,
        popularity=0.0,
        organisation_homophily=0.0,
        seniority_homophily=0.0,
        bridger_share=0.0,
        core_share=0.0,
    )


def _check(fit: Fit, model: TieModel, network: Network, draw: int | None, relation: int) -> None:
    if model.family == Family.POISSON:
        raise InputError(f"{fit.fitter}: a fit of counts has no world: its ties must be there or not")
    if network.actors != fit.actors:
        raise InputError(f"network: the fit is of {len(fit.actors)} actors, and {network} has others")
    if draw is not None and not 0 <= draw < model.n_draws:
        raise InputError.of("draw", draw, f"must be from 0 to {model.n_draws - 1}")
    n_relations = len(model.predictors(0))
    if not 0 <= relation < n_relations:
        raise InputError.of("relation", relation, f"must be from 0 to {n_relations - 1}")


def _labels_of_draw(fit: Fit, draw: int | None) -> Ints:
    if draw is None or fit.posterior is None:
        raise InputError(
            f"drawn_labels: {fit.fitter} has no labels of a draw: give a fit with posterior draws, and a draw"
        )
    labels = fit.posterior.labels
    return np.asarray(labels.reshape(-1, labels.shape[-1])[draw], dtype=np.intp)


def _parts(
    fit: Fit, model: TieModel, draw: int | None, relation: int
) -> tuple[Floats, Floats, Floats, Floats, float, float]:
    """Return positions (n_actors, n_dims), sender and receiver effects (n_actors,), further log odds (n_actors, n_actors),
    the intercept, and the log odds ratio of the two ties of a dyad given each other.
    """
    n = len(fit.actors)
    draws = slice(None) if draw is None else slice(draw, draw + 1)
    log_odds = float(np.mean([model.reciprocity(k)[relation] for k in range(model.n_draws)[draws]]))
    if not isinstance(model, LatentTieModel):
        rest = np.mean([model.predictors(k)[relation] for k in range(model.n_draws)[draws]], axis=0)
        np.fill_diagonal(rest, 0.0)
        return np.zeros((n, 0)), np.zeros(n), np.zeros(n), rest, 0.0, log_odds
    point = draw is None and fit.positions is not None
    positions = fit.positions if point else model.positions[draws].mean(axis=0)
    assert positions is not None
    sender, receiver = np.zeros(n), np.zeros(n)
    if model.sender.shape[2]:
        sender = model.sender[draws, relation].mean(axis=0).astype(np.float64)
    if model.receiver.shape[2]:
        receiver = model.receiver[draws, relation].mean(axis=0).astype(np.float64)
    elif model.shared_effects:
        receiver = sender
    rest = np.zeros((n, n))
    if model.covariates is not None:
        coefficients = model.coefficients[draws, relation].mean(axis=0)
        rest = np.einsum("k,kij->ij", coefficients, model.covariates)
    intercept = float(model.intercepts[draws, relation].mean())
    return np.asarray(positions, dtype=np.float64), sender, receiver, rest, intercept, log_odds


def _returned(network: Network) -> float:
    """Return the share of ties that are returned, over dyads of which both sides were observed; 0 where there are none."""
    both = network.observed & network.observed.T
    ties = network.ties & both
    return float((ties & ties.T).sum() / ties.sum()) if ties.any() else 0.0


def _level(scores: Floats, density: float) -> float:
    """Return what to add to log odds so that their mean probability is the density."""
    low, high = logit(density) - scores.max() - 1.0, logit(density) - scores.min() + 1.0
    return float(brentq(lambda level: float(expit(level + scores).mean()) - density, low, high, xtol=1e-12))


def _possible(reciprocity: float, eta: Floats) -> float:
    """Return the reciprocity, or the nearest that ties of these probabilities can have."""
    lower = np.tril_indices(len(eta), -1)
    forth, back = expit(eta)[lower], expit(eta).T[lower]
    try:
        solve_odds_ratio(forth, back, reciprocity)
    except InputError:
        return reciprocity_of(dyad_distribution(forth, back, float(np.exp(29.0))))
    return reciprocity
