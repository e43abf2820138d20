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
from simlab.fit.fit import Fit, Fitter
from simlab.foundation.errors import InputError
from simlab.panel import Network
from simlab.study.fit_groups import posterior_groups
from simlab.study.fit_table import FitTable, Items, chosen_by, relation_count, relation_names, texts

__all__ = ["check_writable", "fit_dataset", "posterior_groups", "storable", "write_netcdf"]


def fit_dataset(
    items: Items,
    fitter: Fitter,
    seed: int,
    *,
    joint: bool = False,
    relations: Sequence[str] = (),
    over: Sequence[Network] = (),
) -> Any:
    """Return fits of one panel as a Dataset.

    label([site, relation, period,] actor), from 0, -1 where absent; membership(..., actor, cluster); position(..., actor,
    axis), NaN for fitters without a latent space; bridging(..., score, actor); choice(..., criterion, n_clusters), lower
    better; status, message and diagnostics. The dimensions in brackets are there where the panel has several; a site,
    relation or period that is the only one is a coordinate without a dimension. The ``relations`` name those of joint fits.
    ``over`` are all networks of the panel where some have no fit: their labels are -1, their other numbers NaN and their
    status is empty.
    """
    import xarray as xr

    table = FitTable(items, joint=joint, over=over)
    fits = [fit for _, fit in items]
    scores = list(dict.fromkeys(s for fit in fits for s in fit.bridging))
    criteria = list(dict.fromkeys(c for fit in fits for c in fit.choice))
    counts = sorted({g for fit in fits for values in fit.choice.values() for g in values})
    measures = list(dict.fromkeys(d for fit in fits for d in fit.diagnostics))
    n_dims = max((fit.positions.shape[1] for fit in fits if fit.positions is not None), default=0)
    n = len(table.actors)
    arrays: dict[str, tuple[tuple[str, ...], NDArray[Any], str]] = {
        "label": (("actor",), np.full((*table.shape, n), -1, dtype=np.int64), _what_labels_are(fitter)),
        "unknown": (("actor",), np.zeros((*table.shape, n), dtype=np.int8), "no dyad of the actor was observed"),
        "membership": (
            ("actor", "cluster"),
            np.full((*table.shape, n, table.n_clusters), np.nan),
            _what_memberships_are(fits),
        ),
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
    about = {"chosen_by": chosen_by(fits[0], fitter)} if criteria else {}
    if joint:
        about["relations"] = json.dumps(relation_names(items[0][0], relation_count(fits[0]), relations))
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
            **about,
            "seed": seed,
            "simlab_version": simlab.__version__,
        },
    )


def _what_labels_are(fitter: Fitter) -> str:
    """Return what the labels of a fitter are, in words."""
    partition = getattr(fitter, "partition", "membership")
    if partition == "membership":
        return "cluster, each actor's most probable one where there are probabilities; -1 where absent"
    loss = "variation of information" if partition == "variation" else "Binder loss"
    return f"cluster, of the partition of least expected {loss}, not each actor's most probable one; -1 where absent"


def _what_memberships_are(fits: Sequence[Fit]) -> str:
    """Return what the memberships are, in words."""
    if any(fit.posterior is not None for fit in fits):
        return "posterior probability of each cluster, actor by actor; the most probable one may differ from label"
    if all(np.isin(fit.membership, (0.0, 1.0)).all() for fit in fits):
        return "1 in the actor's own cluster, 0 in others"
    return "probability of each cluster, actor by actor"


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
    """Return a study's dataset with texts as netCDF wants them: null characters and lone surrogates are written out."""
    out = dataset.copy()
    out.attrs = {name: _without_null(value) for name, value in dataset.attrs.items()}
    for name, variable in list(out.variables.items()):
        attributes = {key: _without_null(value) for key, value in variable.attrs.items()}
        if variable.dtype.kind == "T":
            texts_of = np.array([_without_null(text) for text in variable.values.ravel()], dtype=object)
            out[name] = (variable.dims, texts_of.reshape(variable.shape), attributes)
        else:
            out[name].attrs = attributes
    return out


def _without_null(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_null(each) for each in value]
    if not isinstance(value, str):
        return value
    return value.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")
