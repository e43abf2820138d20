"""Fits as xarray Datasets, and netCDF files of them."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import simlab
from simlab.fit.fit import Fit, Fitter, Posterior
from simlab.foundation.errors import InputError
from simlab.panel import Network


def texts(values: Sequence[str]) -> NDArray[Any]:
    """Return texts as netCDF wants them."""
    return np.array([str(v) for v in values], dtype=object)


class FitTable:
    """Fits of one panel laid out over the dimensions that vary: site, relation, period."""

    def __init__(self, items: Sequence[tuple[Network, Fit]], *, joint: bool = False) -> None:
        self.items = items
        kinds = ("site", "period") if joint else ("site", "relation", "period")
        levels = {kind: list(dict.fromkeys(getattr(network, kind) for network, _ in items)) for kind in kinds}
        self.levels = {kind: values for kind, values in levels.items() if len(values) > 1}
        self.dims = tuple(self.levels)
        self.shape = tuple(len(values) for values in self.levels.values())
        self.actors = sorted({actor for network, _ in items for actor in network.actors})
        self._place = {actor: i for i, actor in enumerate(self.actors)}
        self.n_clusters = max(fit.n_clusters for _, fit in items)

    def at(self, network: Network) -> tuple[int, ...]:
        """Return where a network's fit goes."""
        return tuple(values.index(getattr(network, kind)) for kind, values in self.levels.items())

    def actor_places(self, fit: Fit) -> NDArray[np.intp]:
        """Return the places of a fit's actors among all actors."""
        return np.array([self._place[a] for a in fit.actors], dtype=np.intp)

    def coordinates(self) -> dict[str, Any]:
        """Return the coordinates of the dimensions that vary, and of the actors."""
        return {**{kind: texts(values) for kind, values in self.levels.items()}, "actor": texts(self.actors)}


def fit_dataset(items: Sequence[tuple[Network, Fit]], fitter: Fitter, seed: int, *, joint: bool = False) -> Any:
    """Return fits of one panel as a Dataset.

    label([site, relation, period,] actor), from 0, -1 where absent; membership(..., actor, cluster); position(..., actor,
    axis), NaN for fitters without a latent space; bridging(..., score, actor); choice(..., criterion, n_clusters), lower
    better; status, message and diagnostics. The dimensions in brackets are there where the panel has several.
    """
    import xarray as xr

    table = FitTable(items, joint=joint)
    fits = [fit for _, fit in items]
    scores = list(dict.fromkeys(s for fit in fits for s in fit.bridging))
    criteria = list(dict.fromkeys(c for fit in fits for c in fit.choice))
    counts = sorted({g for fit in fits for values in fit.choice.values() for g in values})
    measures = list(dict.fromkeys(d for fit in fits for d in fit.diagnostics))
    n_dims = max((fit.positions.shape[1] for fit in fits if fit.positions is not None), default=0)
    n = len(table.actors)
    arrays: dict[str, tuple[tuple[str, ...], NDArray[Any], str]] = {
        "label": (("actor",), np.full((*table.shape, n), -1, dtype=np.int64), "cluster; -1 where absent"),
        "unknown": (("actor",), np.zeros((*table.shape, n), dtype=np.int8), "no dyad of the actor was observed"),
        "membership": (("actor", "cluster"), np.full((*table.shape, n, table.n_clusters), np.nan), "probability"),
        "position": (("actor", "axis"), np.full((*table.shape, n, n_dims), np.nan), "latent position"),
        "bridging": (("score", "actor"), np.full((*table.shape, len(scores), n), np.nan), "higher: more of a bridger"),
        "choice": (
            ("criterion", "n_clusters"),
            np.full((*table.shape, len(criteria), len(counts)), np.nan),
            "lower is better",
        ),
        "diagnostic": (("measure",), np.full((*table.shape, len(measures)), np.nan), "convergence"),
        "chosen": ((), np.zeros(table.shape, dtype=np.int64), "number of clusters of the fit"),
        "status": ((), np.full(table.shape, "", dtype=object), "how the fit ended"),
        "message": ((), np.full(table.shape, "", dtype=object), "what to do"),
    }
    values = {name: array for name, (_, array, _) in arrays.items()}
    for network, fit in items:
        at, who = table.at(network), table.actor_places(fit)
        values["label"][at][who] = fit.labels
        values["unknown"][at][who] = fit.unknown
        values["membership"][at][who, : fit.n_clusters] = fit.membership
        if fit.positions is not None:
            values["position"][at][who] = fit.positions
        for score, numbers in fit.bridging.items():
            values["bridging"][at][scores.index(score)][who] = numbers
        for criterion, by_count in fit.choice.items():
            for count, number in by_count.items():
                values["choice"][at][criteria.index(criterion), counts.index(count)] = number
        for measure, number in fit.diagnostics.items():
            values["diagnostic"][at][measures.index(measure)] = number
        values["chosen"][at] = fit.n_clusters
        values["status"][at], values["message"][at] = str(fit.status), fit.message
    return xr.Dataset(
        {name: ((*table.dims, *own), array, {"long_name": text}) for name, (own, array, text) in arrays.items()},
        {
            **table.coordinates(),
            "score": texts(scores),
            "criterion": texts(criteria),
            "n_clusters": np.array(counts, dtype=np.int64),
            "measure": texts(measures),
        },
        {
            "fitter": fitter.name,
            "settings": json.dumps(fitter.everything()),
            "bridging_score": fits[0].bridging_score,
            "seed": seed,
            "simlab_version": simlab.__version__,
        },
    )


def posterior_groups(items: Sequence[tuple[Network, Fit]], *, joint: bool = False) -> dict[str, Any]:
    """Return the ArviZ groups ``posterior`` and ``sample_stats`` of fits that have draws; empty for others.

    Every variable begins with chain and draw, then the dimensions of the panel that vary, then its own. Clusters that a fit
    does not have, and actors that a network does not have, are NaN (labels: -1).
    """
    import xarray as xr

    drawn = [(network, fit, fit.posterior) for network, fit in items if fit.posterior is not None]
    if not drawn:
        return {}
    table = FitTable(items, joint=joint)
    first = drawn[0][2]
    n, n_dims, count = len(table.actors), first.positions.shape[3], table.n_clusters
    lead = first.log_likelihood.shape
    own: dict[str, tuple[tuple[str, ...], tuple[int, ...], Any]] = {
        "intercept": (("relation",), (first.intercept.shape[2],), np.float64) if joint else ((), (), np.float64),
        **_own_of_extras(first, n, joint),
        "positions": (("actor", "axis"), (n, n_dims), np.float32),
        "labels": (("actor",), (n,), np.int16),
        "centres": (("cluster", "axis"), (count, n_dims), np.float64),
        "variances": (("cluster",), (count,), np.float64),
        "weights": (("cluster",), (count,), np.float64),
        "log_likelihood": ((), (), np.float64),
        "log_density": ((), (), np.float64),
        "diverging": ((), (), np.int8),
    }
    arrays = {
        name: np.full(
            (*lead, *table.shape, *shape), -1 if name == "labels" else 0 if name == "diverging" else np.nan, kind
        )
        for name, (_, shape, kind) in own.items()
    }
    for network, fit, posterior in drawn:
        at: Any = (slice(None), slice(None), *table.at(network))
        for name, values in _parts(posterior, joint).items():
            if name in ("positions", "labels"):
                arrays[name][at][:, :, table.actor_places(fit)] = values
            elif name in ("sender", "receiver"):
                arrays[name][at][..., table.actor_places(fit)] = values
            elif name in ("centres", "variances", "weights"):
                arrays[name][at][:, :, : values.shape[2]] = values
            else:
                arrays[name][at] = values
    coordinates = {"chain": np.arange(lead[0]), "draw": np.arange(lead[1]), **table.coordinates()}
    if joint and "relation" not in coordinates:
        names = [n.relation for n, _ in items]
        coordinates["relation"] = texts(items[0][0].relation.split(" + ") if names else [])
    stats = ("log_likelihood", "log_density", "diverging")
    dims = {name: ("chain", "draw", *table.dims, *of) for name, (of, _, _) in own.items()}
    return {
        "posterior": xr.Dataset(
            {name: (dims[name], arrays[name]) for name in arrays if name not in stats}, coordinates
        ),
        "sample_stats": xr.Dataset(
            {name: (dims[name], arrays[name]) for name in stats},
            {k: v for k, v in coordinates.items() if k in ("chain", "draw", *table.dims)},
        ),
    }


_EXTRAS = {
    "coefficients": ("covariate",),
    "reciprocity": (),
    "sender": ("actor",),
    "receiver": ("actor",),
    "effect_variances": ("side",),
}


def _extras(posterior: Posterior) -> list[str]:
    """Return which of covariates, reciprocity and effects the model has."""
    effects = posterior.sender.size + posterior.receiver.size > 0
    return [name for name in _EXTRAS if getattr(posterior, name).size and (name != "effect_variances" or effects)]


def _own_of_extras(
    posterior: Posterior, n: int, joint: bool
) -> dict[str, tuple[tuple[str, ...], tuple[int, ...], Any]]:
    """Return the dimensions of the extras, their sizes and types; relations are a dimension of joint fits."""
    lead = (("relation",), (posterior.intercept.shape[2],)) if joint else ((), ())
    out: dict[str, tuple[tuple[str, ...], tuple[int, ...], Any]] = {}
    for name in _extras(posterior):
        sizes = tuple(n if dim == "actor" else getattr(posterior, name).shape[-1] for dim in _EXTRAS[name])
        out[name] = (lead[0] + _EXTRAS[name], lead[1] + sizes, np.float64)
    return out


def _parts(posterior: Posterior, joint: bool) -> Mapping[str, NDArray[Any]]:
    extras = {name: getattr(posterior, name) for name in _extras(posterior)}
    return {
        **{name: values if joint else values[:, :, 0] for name, values in extras.items()},
        "intercept": posterior.intercept if joint else posterior.intercept[:, :, 0],
        "positions": posterior.positions,
        "labels": posterior.labels,
        "centres": posterior.centres,
        "variances": posterior.variances,
        "weights": posterior.weights,
        "log_likelihood": posterior.log_likelihood,
        "log_density": posterior.log_density,
        "diverging": posterior.divergent,
    }


def check_writable(path: Path, suffixes: Sequence[str] = ()) -> None:
    """Raise InputError unless a file can be written there, so that nobody waits for a result that is then lost."""
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(f"{path}: must end in one of {', '.join(suffixes)}")
    if path.is_dir():
        raise InputError(f"{path}: is a folder")
    folder = path.parent
    if not folder.is_dir():
        raise InputError(f"{path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{path}: the folder {folder} cannot be written to")


def write_netcdf(path: Path, dataset: Any, groups: Mapping[str, Any] | None = None) -> None:
    """Write a Dataset, with further groups, as one netCDF file that appears whole or not at all."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        dataset.to_netcdf(beside, mode="w", engine="h5netcdf", encoding=_packing(dataset))
        for name, group in (groups or {}).items():
            group.to_netcdf(beside, mode="a", group=name, engine="h5netcdf", encoding=_packing(group))
        os.replace(beside, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        beside.unlink(missing_ok=True)


def _packing(dataset: Any) -> dict[str, dict[str, Any]]:
    """Compress what is large."""
    return {
        str(name): {"zlib": True, "complevel": 4}
        for name, variable in dataset.data_vars.items()
        if variable.size > 10_000 and variable.dtype.kind in "fi"
    }


def storable(dataset: Any) -> Any:
    """Return a study's dataset with texts as netCDF wants them."""
    out = dataset.copy()
    for name, variable in list(out.variables.items()):
        if variable.dtype.kind == "T":
            out[name] = (variable.dims, variable.values.astype(object), variable.attrs)
    return out
