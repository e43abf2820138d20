"""Worlds whose parameters come from the prior and whose networks come from the model, written straight from its definition.

    eta_ij = intercept + sum_k coefficient_k x_ijk + sender_i + receiver_j - ||z_i - z_j||

Nothing here is taken from the fitters but the numbers of the priors. Parameters may have leading axes for several draws.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp

from simlab.models.latent_data import FamilyName, LatentData, Sociality
from simlab.models.lpcm import Parameters, Priors
from simlab.panel import DyadState, Network

Floats = NDArray[np.float64]

# The two ties of a dyad, there and back, in each of its four states.
STATES = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])


@dataclass(frozen=True)
class World:
    """What kind of networks are drawn; 0 clusters: positions around the origin. ``masked`` hides three answers in ten."""

    n_actors: int
    n_clusters: int = 2
    n_dims: int = 2
    n_relations: int = 1
    directed: bool = True
    masked: bool = False
    family: FamilyName = "bernoulli"
    sociality: Sociality = "none"
    reciprocity: bool = False
    covariate: bool = False
    max_nominations: int | None = None

    def settings(self) -> dict[str, object]:
        """Return the settings of a fitter of this model."""
        return {
            "n_dims": self.n_dims,
            "family": self.family,
            "sociality": self.sociality,
            "reciprocity": self.reciprocity,
            "covariates": ("dyad(x)",) if self.covariate else (),
        }

    def priors(self) -> Priors:
        """Return the usual priors; for counts, with an intercept that gives some and not thousands."""
        usual = Priors.usual(self.n_actors, self.n_clusters, self.n_dims)
        if self.family == "poisson":
            return replace(
                usual, intercept_mean=1.0, intercept_variance=1.0, coefficient_variance=0.25, effect_scale=0.3
            )
        return usual


@dataclass(frozen=True, eq=False)
class Truth:
    """Positions (n_actors, n_dims) and the other parameters."""

    positions: Floats
    rest: Parameters


@dataclass(frozen=True, eq=False)
class Answers:
    """What was drawn. ties, seen : (n_relations, n_actors, n_actors), row to column; x : (n_actors, n_actors);
    limited : (n_relations, n_actors), who named as many as allowed, or None."""

    ties: Floats
    seen: NDArray[np.bool_]
    x: Floats
    limited: NDArray[np.bool_] | None = None


def from_prior(world: World, priors: Priors, rng: np.random.Generator) -> Truth:
    """Draw parameters from the prior, as its definition says."""
    n, d, relations = world.n_actors, world.n_dims, world.n_relations
    g = max(world.n_clusters, 1)
    intercepts = rng.normal(priors.intercept_mean, np.sqrt(priors.intercept_variance), relations)
    centres = rng.normal(0.0, 1.0, (g, d)) * np.sqrt(priors.centre_variance)
    variances = priors.variance_degrees * priors.variance_scale / rng.chisquare(priors.variance_degrees, g)
    weights = rng.dirichlet(np.full(g, priors.concentration))
    labels = rng.choice(g, n, p=weights)
    positions = centres[labels] + np.sqrt(variances[labels])[:, None] * rng.standard_normal((n, d))
    size = np.sqrt(priors.coefficient_variance)
    effect_variances = (
        priors.effect_degrees * priors.effect_scale / rng.chisquare(priors.effect_degrees, (relations, 2))
    )
    spreads = np.sqrt(effect_variances)[:, :, None]
    sides = (world.sociality in ("shared", "sender", "both"), world.sociality in ("receiver", "both"))
    sender, receiver = (
        spreads[:, side] * rng.standard_normal((relations, n if there else 0)) for side, there in enumerate(sides)
    )
    return Truth(
        positions,
        Parameters(
            intercepts=intercepts,
            coefficients=size * rng.standard_normal((relations, int(world.covariate))),
            reciprocity=size * rng.standard_normal(relations if world.reciprocity else 0),
            sender=sender,
            receiver=receiver,
            effect_variances=effect_variances,
            centres=centres,
            variances=variances,
            weights=weights,
        ),
    )


def predictors(world: World, truth: Truth, x: Floats) -> Floats:
    """Return eta (..., n_relations, n_actors, n_actors), row to column."""
    p = truth.rest
    apart = np.sqrt(((truth.positions[..., :, None, :] - truth.positions[..., None, :, :]) ** 2).sum(-1))
    eta = p.intercepts[..., None, None] - apart[..., None, :, :]
    if world.covariate:
        eta = eta + p.coefficients[..., 0][..., None, None] * x
    if p.sender.shape[-1]:
        eta = eta + p.sender[..., :, None]
    if world.sociality == "shared":
        eta = eta + p.sender[..., None, :]
    if p.receiver.shape[-1]:
        eta = eta + p.receiver[..., None, :]
    return np.asarray(eta)


def circumstances(world: World, rng: np.random.Generator) -> Answers:
    """Return what is seen of dyads and a covariate, without ties yet."""
    n = world.n_actors
    seen = rng.random((world.n_relations, n, n)) >= (0.3 if world.masked else 0.0)
    x = rng.standard_normal((n, n))
    if not world.directed:
        seen = np.tril(seen, -1) | np.tril(seen, -1).swapaxes(1, 2)
        x = np.tril(x, -1) + np.tril(x, -1).T
    return Answers(np.zeros(seen.shape), seen & ~np.eye(n, dtype=bool), x * (1.0 - np.eye(n)))


def draw_ties(world: World, truth: Truth, given: Answers, rng: np.random.Generator) -> Floats:
    """Draw ties, or counts, row to column; 0 where they are not seen."""
    eta = predictors(world, truth, given.x)
    if world.family == "poisson":
        ties = rng.poisson(np.exp(np.minimum(eta, 15.0))).astype(float)
    elif world.reciprocity:
        terms = dyad_terms(eta, truth.rest.reciprocity)
        share = np.cumsum(np.exp(terms - logsumexp(terms, axis=0)), axis=0)
        state = (share[:-1] < rng.random(eta.shape)).sum(axis=0)
        low = np.tril(np.ones(eta.shape[-2:]), -1)
        ties = STATES[state, 0] * low + (STATES[state, 1] * low).swapaxes(1, 2)
    else:
        ties = (rng.random(eta.shape) < expit(eta)).astype(float)
    if not world.directed:
        ties = np.tril(ties, -1) + np.tril(ties, -1).swapaxes(1, 2)
    return np.asarray(ties * given.seen)


def dyad_terms(eta: Floats, reciprocity: Floats) -> Floats:
    """Return what stands in the exponent for each of the four states of a dyad: (4, ..., n_relations, n, n)."""
    there, back, both = eta, eta.swapaxes(-1, -2), reciprocity[..., None, None]
    return np.stack([a * there + b * back + a * b * both for a, b in STATES])


def log_likelihood(world: World, truth: Truth, given: Answers) -> Floats:
    """Return the log-likelihood (...), without log y! of counts."""
    eta = predictors(world, truth, given.x)
    below = np.tril(np.ones(eta.shape[-2:], dtype=bool), -1)
    if world.reciprocity:
        terms = dyad_terms(eta, truth.rest.reciprocity)
        ways = [(given.ties, given.seen), (given.ties.swapaxes(1, 2), given.seen.swapaxes(1, 2))]
        possible = [
            np.logical_and.reduce([~seen | (ties == state[way]) for way, (ties, seen) in enumerate(ways)])
            for state in STATES
        ]
        where = np.stack(possible).reshape(4, *(1,) * (eta.ndim - 3), *given.ties.shape)
        each = logsumexp(np.where(where, terms, -np.inf), axis=0) - logsumexp(terms, axis=0)
        return np.asarray((each * below).sum((-1, -2, -3)))
    each = given.ties * eta - (np.exp(eta) if world.family == "poisson" else np.logaddexp(0.0, eta))
    counted = given.seen & (below if not world.directed else True)
    return np.asarray((each * counted).sum((-1, -2, -3)))


def networks(world: World, given: Answers) -> list[Network]:
    """Return the networks as a fitter gets them."""
    out = []
    for ties, seen in zip(given.ties, given.seen, strict=True):
        state = np.where(seen, np.where(ties > 0, DyadState.TIE, DyadState.NO_TIE), DyadState.NO_ANSWER).astype(np.int8)
        np.fill_diagonal(state, DyadState.IMPOSSIBLE)
        names = tuple(f"a{i:02d}" for i in range(world.n_actors))
        counts = ties if world.family == "poisson" else None
        limited = None if given.limited is None else given.limited[len(out)]
        out.append(Network(names, state, world.directed, counts=counts, dyadic={"x": given.x}, limited=limited))
    return out


def named(world: World, given: Answers, rng: np.random.Generator) -> Answers:
    """Return the answers with as many names as are allowed, a random choice of each actor's ties."""
    most = world.max_nominations
    if most is None:
        return given
    ties = np.zeros_like(given.ties)
    for r, i in np.ndindex(ties.shape[:2]):
        true = np.flatnonzero(given.ties[r, i])
        ties[r, i, rng.permutation(true)[:most]] = 1.0
    return replace(given, ties=ties, limited=ties.sum(axis=2) == most)


def latent_data(world: World, given: Answers) -> LatentData:
    """Return the data as the chains take them."""
    return LatentData.of(
        networks(world, given),
        family=world.family,
        sociality=world.sociality,
        reciprocity=world.reciprocity,
        covariates=("dyad(x)",) if world.covariate else (),
        censored=world.max_nominations is not None,
    )


def quantities(world: World, truth: Truth, given: Answers) -> dict[str, Floats]:
    """Return what is ranked or averaged, none of which depends on labels, rotation or reflection; leading axes stay."""
    p = truth.rest
    below = np.tril_indices(world.n_actors, -1)
    gap = truth.positions[..., below[0], :] - truth.positions[..., below[1], :]
    apart = np.sqrt((gap**2).sum(-1))
    out = {f"intercept {r + 1}": p.intercepts[..., r] for r in range(world.n_relations)}
    out |= {
        "log-likelihood": log_likelihood(world, truth, given),
        "mean distance": apart.mean(-1),
        "median distance": np.median(apart, axis=-1),
        "distance of the first pair": apart[..., 0],
        "smallest log variance": np.log(p.variances.min(-1)),
    }
    if world.n_clusters > 1:
        out["largest log variance"] = np.log(p.variances.max(-1))
        out["largest weight"] = p.weights.max(-1)
    for r in range(world.n_relations):
        if world.covariate:
            out[f"coefficient {r + 1}"] = p.coefficients[..., r, 0]
        if world.reciprocity:
            out[f"reciprocity {r + 1}"] = p.reciprocity[..., r]
        for side, (name, effects) in enumerate((("sender", p.sender), ("receiver", p.receiver))):
            if effects.shape[-1]:
                out[f"log variance of {name} effects {r + 1}"] = np.log(p.effect_variances[..., r, side])
                out[f"{name} effect of one actor {r + 1}"] = effects[..., r, 0]
    return out
