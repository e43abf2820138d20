"""Estimates: the parameters of a fit's model as lines of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit, Fitter, Posterior
from simlab.fit.latent_tie_model import LatentTieModel
from simlab.fit.sbm import BlockTieModel
from simlab.panel import Network
from simlab.report.numbers import DASH
from simlab.report.style import label
from simlab.study.fit_groups import block_means
from simlab.study.fit_table import covariate_names, relation_names, shares_effects

Floats = NDArray[np.float64]
_LONGEST = 30
_MOST_BLOCKS = 12


class Parameter(NamedTuple):
    """A parameter, of one relation, and its draws: (n_draws,), a single one for a point estimate."""

    relation: str
    name: str
    draws: Floats


def describe_estimates(
    network: Network, fit: Fit, fitter: Fitter | None = None, relations: Sequence[str] = ()
) -> list[str]:
    """Return the parameters of a fit's model as a table; nothing for a method without a model.

    Mean, standard deviation and 95 % interval of draws; a mode as it is, with a warning; the block matrix of a block model.
    """
    model = fit.tie_model
    if isinstance(model, BlockTieModel):
        return _blocks(network, fit, model)
    rows = _parameters(network, fit, fitter, relations)
    if not rows:
        return []
    several = len({row.relation for row in rows}) > 1
    names = [f"{label(row.relation, _LONGEST)}: " * several + label(row.name, _LONGEST) for row in rows]
    width = max(len("parameter"), *map(len, names))
    if len(rows[0].draws) == 1:
        modes = [float(row.draws[0]) for row in rows]
        lines = [f"{name:{width}}  {mode:8.{_decimals(mode)}f}" for name, mode in zip(names, modes, strict=True)]
        return [
            f"  {'parameter':{width}}  {'mode':>8}",
            *(f"  {line}" for line in lines),
            "  (the mode contracts the space: its clusters can be used, these numbers and its distances cannot; lpcm-mcmc has"
            " their posterior)",
        ]
    out = [f"  {'parameter':{width}}  {'mean':>8}  {'sd':>7}  95 % interval"]
    for name, row in zip(names, rows, strict=True):
        mean, spread, (low, high) = row.draws.mean(), row.draws.std(), np.quantile(row.draws, (0.025, 0.975))
        few = _decimals(spread)
        out.append(f"  {name:{width}}  {mean:8.{few}f}  {spread:7.{few}f}  {low:.{few}f} to {high:.{few}f}")
    if fit.posterior is None:
        out.append("  (of the approximation, which is too narrow for intercepts: lpcm-mcmc has their posterior)")
    return out


def _parameters(network: Network, fit: Fit, fitter: Fitter | None, relations: Sequence[str]) -> list[Parameter]:
    """Return the parameters relation by relation."""
    model = fit.tie_model
    if fit.posterior is not None:
        intercepts, coefficients, reciprocity, spreads = _of_posterior(fit.posterior)
    elif isinstance(model, LatentTieModel):
        intercepts, coefficients, reciprocity, spreads = _of_model(model)
    else:
        return []
    terms = covariate_names(fit, coefficients.shape[2], fitter)
    out = []
    for r, relation in enumerate(relation_names(network, intercepts.shape[1], relations)):
        out.append(Parameter(relation, "intercept", intercepts[:, r]))
        out += [Parameter(relation, term, coefficients[:, r, k]) for k, term in enumerate(terms)]
        if reciprocity.shape[1]:
            out.append(Parameter(relation, "reciprocity", reciprocity[:, r]))
        for side, spread in zip(("sender", "receiver"), spreads, strict=True):
            if spread is not None:
                of = "actors'" if shares_effects(fit) else side
                out.append(Parameter(relation, f"sd of {of} effects", spread[:, r]))
    return out


Values = tuple[Floats, Floats, Floats, list[Floats | None]]


def _of_posterior(posterior: Posterior) -> Values:
    """Return intercepts, coefficients, reciprocity and spreads of effects, the draws of all chains along the first axis."""

    def stacked(values: Floats) -> Floats:
        return values.reshape(values.shape[0] * values.shape[1], *values.shape[2:])

    spreads: list[Floats | None] = [
        np.sqrt(stacked(posterior.effect_variances)[..., k]) if effects.size else None
        for k, effects in enumerate((posterior.sender, posterior.receiver))
    ]
    return stacked(posterior.intercept), stacked(posterior.coefficients), stacked(posterior.reciprocity), spreads


def _of_model(model: LatentTieModel) -> Values:
    """Return the same of a tie model, of which a mode has one draw; the spreads are those of the effects themselves."""
    spreads: list[Floats | None] = [
        np.sqrt((effects.astype(np.float64) ** 2).mean(axis=2)) if effects.size else None
        for effects in (model.sender, model.receiver)
    ]
    return model.intercepts, model.coefficients, model.rho, spreads


def _blocks(network: Network, fit: Fit, model: BlockTieModel) -> list[str]:
    """Return the probabilities of ties by block; of a degree-corrected model the observed densities, as its are of pairs."""
    if fit.n_clusters > _MOST_BLOCKS:
        return []
    if model.sending is None:
        values, what = block_means(model), "probability of a tie"
    else:
        values, what = block_densities(network, fit), "density observed"
    ends = "from the cluster of the row to that of the column" if network.directed else "between clusters"
    head = "  ".join(f"{g:>5}" for g in range(fit.n_clusters))
    lines = [f"    {g:>2}  " + "  ".join(f"{_share(v):>5}" for v in row) for g, row in enumerate(values)]
    return [f"  {what} {ends}:", f"        {head}", *lines]


def block_densities(network: Network, fit: Fit) -> Floats:
    """Return observed ties over observed dyads by clusters: (n_clusters, n_clusters); NaN where no dyad was observed."""
    member = (fit.labels[:, None] == np.arange(fit.n_clusters)).astype(np.float64)
    apart = ~np.eye(network.n_actors, dtype=bool)
    ties, seen = (member.T @ (values & apart) @ member for values in (network.ties, network.observed))
    return np.asarray(np.divide(ties, seen, out=np.full(seen.shape, np.nan), where=seen > 0))


def _share(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else DASH


def _decimals(size: float) -> int:
    """Return two decimals, or as many as show two digits of what is small, such as a coefficient of an income."""
    return int(np.clip(1 - np.floor(np.log10(abs(size))), 2, 7)) if size else 2
