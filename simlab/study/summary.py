"""summarise: means over replicates with their Monte Carlo errors, quantiles and failure rates."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.study.cell import FAILED, NOT_CONVERGED, PENDING
from simlab.study.design import BOOKKEEPING

Floats = NDArray[np.float64]

QUANTILES = (0.05, 0.5, 0.95)


def summarise(dataset: Any, *, over: tuple[str, ...] = ("replicate",)) -> Any:
    """Return each metric's summary over replicates.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of a study, as ``run`` returns it or ``xarray.open_zarr`` reads it.
    over : tuple of str
        Further dimensions to summarise over, such as site. A replicate's values are averaged over those first: networks of
        one replicate are not independent.

    Returns
    -------
    xarray.Dataset
        For each metric ``x``: ``x`` (the mean), ``x_mcse`` (its Monte Carlo standard error, sd / sqrt(n); NaN below 2),
        ``x_sd``, ``x_n`` (values that are not NaN) and ``x_quantile``. Besides ``failure_rate`` and
        ``not_converged_rate``, each with ``_low`` and ``_high``, a 95 % interval that is not empty at 0 or 1 (Wilson 1927).
        Failed cells are left out of the means, and shown beside them.
    """
    import xarray as xr

    out: dict[str, Any] = {}
    for name, variable in dataset.data_vars.items():
        if name in BOOKKEEPING:
            continue
        # Read as it lies, before it is turned.
        variable = variable.compute()
        rest = [d for d in over if d != "replicate" and d in variable.dims]
        values = variable.mean(rest, skipna=True) if rest else variable
        found = _over_last(np.asarray(values.transpose(..., "replicate").values, dtype=np.float64))
        dims = [d for d in values.dims if d != "replicate"]
        kept = {d: values.coords[d] for d in dims if d in values.coords}
        out[str(name)] = xr.DataArray(found.mean, kept, dims, attrs=variable.attrs)
        out[f"{name}_sd"] = xr.DataArray(found.sd, kept, dims)
        out[f"{name}_mcse"] = xr.DataArray(found.sd / np.sqrt(np.maximum(found.number, 1)), kept, dims)
        out[f"{name}_n"] = xr.DataArray(found.number, kept, dims)
        levels = {"quantile": list(QUANTILES)}
        out[f"{name}_quantile"] = xr.DataArray(found.quantiles, {**levels, **kept}, ["quantile", *dims])
    status = dataset["status"]
    counted = ["replicate", *(d for d in over if d != "replicate" and d in status.dims)]
    done = (status != PENDING).sum(counted)
    for name, hits in (("failure_rate", status >= FAILED), ("not_converged_rate", status == NOT_CONVERGED)):
        rate, low, high = wilson(hits.sum(counted), done)
        out[name], out[f"{name}_low"], out[f"{name}_high"] = rate, low, high
    out["done"] = done
    return xr.Dataset(out, attrs=dataset.attrs)


class _Summary(NamedTuple):
    """Along the last axis, NaN left out: mean and sd (NaN below one and two values), number, and quantiles, those first."""

    mean: Floats
    sd: Floats
    number: NDArray[np.int64]
    quantiles: Floats


def _over_last(values: Floats) -> _Summary:
    """Summarise values along the last axis; all quantiles by one sorting, which leaves NaN at the end."""
    missing = np.isnan(values)
    count = values.shape[-1] - missing.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(missing, 0.0, values).sum(axis=-1) / count
        away = np.where(missing, 0.0, values - mean[..., None])
        spread = np.sqrt((away**2).sum(axis=-1) / (count - 1))
    ordered = np.sort(values, axis=-1)
    quantiles = []
    for share in QUANTILES:
        at = share * np.maximum(count - 1, 0)
        below = np.floor(at).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(count - 1, 0))
        low, high = (np.take_along_axis(ordered, i[..., None], axis=-1)[..., 0] for i in (below, above))
        quantiles.append(low + (high - low) * (at - below))
    return _Summary(mean, np.where(count > 1, spread, np.nan), count, np.stack(quantiles))


def wilson(hits: Any, count: Any, z: float = 1.959964) -> tuple[Any, Any, Any]:
    """Return (rate, low, high) of a proportion: Wilson's interval; NaN, 0, 1 where nothing was counted."""
    n = np.maximum(count, 1)
    rate = hits / n
    middle = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    seen = count > 0
    if hasattr(seen, "where"):
        return (
            (hits / n).where(seen),
            (middle - half).clip(0, 1).where(seen, 0.0),
            (middle + half).clip(0, 1).where(seen, 1.0),
        )
    return (
        np.where(seen, rate, np.nan),
        np.where(seen, np.clip(middle - half, 0, 1), 0.0),
        np.where(seen, np.clip(middle + half, 0, 1), 1.0),
    )
