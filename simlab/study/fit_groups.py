"""The groups of a file of fits that hold the parameters: all draws of a posterior, or the numbers of a point estimate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from simlab.fit.fit import Fit, Fitter, Posterior
from simlab.fit.latent_tie_model import LatentTieModel
from simlab.fit.sbm import BlockTieModel
from simlab.panel import Network
from simlab.study.fit_table import FitTable, Items, covariate_names, relation_names, shares_effects, texts

Array = NDArray[Any]
SIDES = ("sender", "receiver")
_SHARED = "one effect of an actor for sending and receiving alike"
_MODE = (
    "a posterior mode, which contracts the space: not an estimate of these parameters, whose posterior lpcm-mcmc has"
)

_APPROXIMATION = "means and standard deviations of a variational approximation, whose intercepts are too certain"


class Part(NamedTuple):
    """A parameter of one fit: its dimensions, and its values, which have them last."""

    dims: tuple[str, ...]
    values: Array
    note: str = ""


def posterior_groups(
    items: Items,
    *,
    joint: bool = False,
    relations: Sequence[str] = (),
    fitter: Fitter | None = None,
    over: Sequence[Network] = (),
) -> dict[str, Any]:
    """Return the groups of parameters: of fits that have draws ArviZ's ``posterior`` and ``sample_stats``, else ``point``.

    Every variable of draws begins with chain and draw; then come the dimensions of the panel that vary, then its own. What
    fits or networks do not have is NaN (labels: -1). ``point`` has intercepts, coefficients, reciprocity and effects of
    actors, or the block matrix of a block model; there is none for methods without a model.

    Parameters
    ----------
    items : (network, fit) pairs
    joint : bool
        Whether each fit is of several relations, which are then a dimension.
    relations : sequence of str
        Their names; unless given they are read from the name of the joint network.
    fitter : Fitter, optional
        Whose settings name the covariates where the fit's model does not.
    over : sequence of Network
        All networks of the panel, where some have no fit.
    """
    table = FitTable(items, joint=joint, over=over)
    if any(fit.posterior is not None for _, fit in items):
        drawn = [(network, fit) for network, fit in items if fit.posterior is not None]
        first = drawn[0][1].posterior
        assert first is not None
        lead = {"chain": np.arange(first.log_likelihood.shape[0]), "draw": np.arange(first.log_likelihood.shape[1])}
        return {
            name: _dataset(table, drawn, parts, lead, joint, relations, fitter)
            for name, parts in (("posterior", _drawn_parts), ("sample_stats", _statistics))
        }
    known = [(network, fit) for network, fit in items if _point_parts(fit)]
    if not known:
        return {}
    point = _dataset(table, known, _point_parts, {}, joint, relations, fitter)
    if isinstance(known[0][1].tie_model, LatentTieModel):
        point.attrs["note"] = _MODE if known[0][1].tie_model.n_draws == 1 else _APPROXIMATION
    return {"point": point}


def _dataset(
    table: FitTable,
    known: Items,
    parts_of: Callable[[Fit], dict[str, Part]],
    lead: Mapping[str, Array],
    joint: bool,
    relations: Sequence[str],
    fitter: Fitter | None,
) -> Any:
    """Return the parts of all fits, laid out; ``lead`` are coordinates that come first."""
    import xarray as xr

    network, first = known[0]
    every: list[dict[str, Part]] = [_without_relation(parts_of(fit), joint) for _, fit in known]
    sizes = {"actor": len(table.actors), **dict.fromkeys(("cluster", "other_cluster"), table.n_clusters)}
    for part in every[0].values():
        for dim, size in zip(part.dims, part.values.shape[part.values.ndim - len(part.dims) :], strict=True):
            sizes.setdefault(dim, size)
    variables = {}
    lead_shape = tuple(len(values) for values in lead.values())
    for name, part in every[0].items():
        empty = {"i": -1, "b": 0}.get(part.values.dtype.kind, np.nan)
        kind = np.int8 if part.values.dtype.kind == "b" else part.values.dtype
        array = np.full((*lead_shape, *table.shape, *(sizes[dim] for dim in part.dims)), empty, kind)
        for (here, fit), parts in zip(known, every, strict=True):
            values = parts[name].values
            whole: Any = (*(slice(None) for _ in lead), *table.at(here), ...)
            own = values.shape[values.ndim - len(part.dims) :]
            ends = [
                table.actor_places(fit) if d == "actor" else np.arange(k) for d, k in zip(part.dims, own, strict=True)
            ]
            array[whole][(..., *np.ix_(*ends))] = values
        attributes = {"long_name": part.note} if part.note else {}
        variables[name] = ((*lead, *table.dims, *part.dims), array, attributes)
    used = {dim for part in every[0].values() for dim in part.dims}
    coordinates: dict[str, Any] = {**lead, **table.networks()}
    if "actor" in used:
        coordinates["actor"] = texts(table.actors)
    if joint and "relation" in used:
        coordinates["relation"] = texts(relation_names(network, sizes["relation"], relations))
    if "covariate" in used:
        coordinates["covariate"] = texts(covariate_names(first, sizes["covariate"], fitter))
    if "side" in used:
        coordinates["side"] = texts([side for side in SIDES if side in every[0]])
    return xr.Dataset(variables, coordinates)


def _without_relation(parts: Mapping[str, Part], joint: bool) -> dict[str, Part]:
    """Return parts as they are for a joint fit; else without the dimension of the relation, of which there is one."""
    if joint:
        return dict(parts)
    out = {}
    for name, part in parts.items():
        if "relation" in part.dims:
            axis = part.values.ndim - len(part.dims) + part.dims.index("relation")
            dims = tuple(dim for dim in part.dims if dim != "relation")
            part = Part(dims, np.take(part.values, 0, axis=axis), part.note)
        out[name] = part
    return out


def _common(fit: Fit, source: Posterior | LatentTieModel) -> dict[str, Part]:
    """Return coefficients, reciprocity and effects of actors, of those the model has; the mean of a model's draws."""
    reciprocity = source.reciprocity if isinstance(source, Posterior) else source.rho.mean(axis=0)
    coefficients, sender, receiver = source.coefficients, source.sender, source.receiver
    if isinstance(source, LatentTieModel):
        coefficients, sender, receiver = (values.mean(axis=0) for values in (coefficients, sender, receiver))
    step = "log odds ratio, or log ratio of rates, for a step of one"
    parts = {
        "coefficients": Part(("relation", "covariate"), coefficients, step),
        "reciprocity": Part(("relation",), reciprocity, "log odds ratio of the two ties of a dyad"),
        "sender": Part(("relation", "actor"), sender, _SHARED if shares_effects(fit) else "effect of sending"),
        "receiver": Part(("relation", "actor"), receiver, "effect of receiving"),
    }
    return {name: part for name, part in parts.items() if part.values.size}


def _drawn_parts(fit: Fit) -> dict[str, Part]:
    """Return the draws of the parameters; of the variances of effects those of the sides that the model has."""
    p = fit.posterior
    assert p is not None
    parts = {"intercept": Part(("relation",), p.intercept), **_common(fit, p)}
    sides = [k for k, side in enumerate(SIDES) if side in parts]
    if sides:
        note = "variance of the effects over actors" + (f"; sender: {_SHARED}" if shares_effects(fit) else "")
        parts["effect_variances"] = Part(("relation", "side"), p.effect_variances[..., sides], note)
    return {
        **parts,
        "positions": Part(("actor", "axis"), p.positions),
        "labels": Part(("actor",), p.labels, "cluster in this draw"),
        "centres": Part(("cluster", "axis"), p.centres),
        "variances": Part(("cluster",), p.variances),
        "weights": Part(("cluster",), p.weights),
    }


def _statistics(fit: Fit) -> dict[str, Part]:
    p = fit.posterior
    assert p is not None
    named = {"log_likelihood": p.log_likelihood, "log_density": p.log_density, "diverging": p.divergent}
    return {name: Part((), values) for name, values in named.items()}


def _point_parts(fit: Fit) -> dict[str, Part]:
    """Return the numbers of a point estimate, or the block matrix; empty for a method without a model."""
    model = fit.tie_model
    if isinstance(model, LatentTieModel):
        parts = {"intercept": Part(("relation",), model.intercepts.mean(axis=0)), **_common(fit, model)}
        if model.n_draws > 1:
            drawn = {"intercept": model.intercepts, "coefficients": model.coefficients, "reciprocity": model.rho}
            for name in set(drawn) & set(parts):
                spread = drawn[name].std(axis=0)
                parts[f"{name}_sd"] = Part(parts[name].dims, spread, "standard deviation of draws")
        return parts
    if isinstance(model, BlockTieModel):
        note = "probability of a tie from cluster to other_cluster, posterior mean"
        if model.sending is not None:
            note = "rate of ties from cluster to other_cluster, to be multiplied by the factors of the two actors"
        parts = {"block": Part(("cluster", "other_cluster"), block_means(model), note)}
        for name, values in (("sending_factor", model.sending), ("receiving_factor", model.receiving)):
            if values is not None:
                parts[name] = Part(("actor",), values)
        return parts
    return {}


def block_means(model: BlockTieModel) -> NDArray[np.float64]:
    """Return the means over draws of a block model's probabilities, or rates: (n_clusters, n_clusters)."""
    blocks = model.blocks.astype(np.float64)
    return np.asarray((expit(blocks) if model.sending is None else np.exp(blocks)).mean(axis=0))
