"""summarise: means over replicates with their Monte Carlo errors, quantiles and failure rates."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from simlab.study.cell import FAILED, NOT_CONVERGED, PENDING
from simlab.study.design import BOOKKEEPING

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
    with warnings.catch_warnings():
        # Where every replicate is NaN the summary is NaN, which needs no warning.
        warnings.filterwarnings("ignore", message="All-NaN|Mean of empty|Degrees of freedom", category=RuntimeWarning)
        return _summarise(dataset, over)


def _summarise(dataset: Any, over: tuple[str, ...]) -> Any:
    import xarray as xr

    out: dict[str, Any] = {}
    for name, variable in dataset.data_vars.items():
        if name in BOOKKEEPING:
            continue
        rest = [d for d in over if d != "replicate" and d in variable.dims]
        values = variable.mean(rest, skipna=True) if rest else variable
        count = values.notnull().sum("replicate")
        spread = values.std("replicate", ddof=1).where(count > 1)
        out[str(name)] = values.mean("replicate", skipna=True).assign_attrs(variable.attrs)
        out[f"{name}_sd"] = spread
        out[f"{name}_mcse"] = spread / np.sqrt(count)
        out[f"{name}_n"] = count
        out[f"{name}_quantile"] = values.quantile(QUANTILES, "replicate", skipna=True)
    status = dataset["status"]
    counted = ["replicate", *(d for d in over if d != "replicate" and d in status.dims)]
    done = (status != PENDING).sum(counted)
    for name, hits in (("failure_rate", status >= FAILED), ("not_converged_rate", status == NOT_CONVERGED)):
        rate, low, high = wilson(hits.sum(counted), done)
        out[name], out[f"{name}_low"], out[f"{name}_high"] = rate, low, high
    out["done"] = done
    return xr.Dataset(out, attrs=dataset.attrs)


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
