"""FitTable: fits of one panel laid out over what varies; and what their relations and covariates are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit, Fitter, fitters
from simlab.fit.latent_tie_model import LatentTieModel
from simlab.panel import Network

Items = Sequence[tuple[Network, Fit]]


def texts(values: Sequence[str]) -> NDArray[Any]:
    """Return texts as netCDF wants them; none at all are of type text too, and not numbers."""
    return np.array([str(v) for v in values], dtype=object) if len(values) else np.array([], dtype="U1")


def relation_names(network: Network, count: int, given: Sequence[str] = ()) -> list[str]:
    """Return the names of the relations that a fit is of.

    Those ``given``, where they are as many as the fit has. Else the name of the network itself for one relation, the parts of
    a name such as ``advice + trust`` for several, and numbers where a name that has a plus itself leaves that open.
    """
    if len(given) == count:
        return list(given)
    if count == 1:
        return [network.relation]
    parts = network.relation.split(" + ")
    return parts if len(parts) == count else [f"relation {k}" for k in range(1, count + 1)]


def relation_count(fit: Fit) -> int:
    """Return of how many relations a fit is."""
    if fit.posterior is not None:
        return int(fit.posterior.intercept.shape[2])
    return int(fit.tie_model.intercepts.shape[1]) if isinstance(fit.tie_model, LatentTieModel) else 1


def chosen_by(fit: Fit, fitter: Fitter | None = None) -> str:
    """Return the criterion that chose the number of clusters: the fitter's ``choose_by``, else the first one.

    Empty where none is lowest there. Where the ``fitter`` is not at hand and its kind lets the user choose, the criterion is
    known only if it is alone in its choice, and empty otherwise.
    """
    lowest = [
        name for name, values in fit.choice.items() if values and min(values, key=lambda g: values[g]) == fit.n_clusters
    ]
    if fitter is None and fit.fitter in fitters and "choose_by" in fitters[fit.fitter].thing.model_fields:
        return lowest[0] if len(lowest) == 1 else ""
    named = str(getattr(fitter, "choose_by", next(iter(fit.choice), "")))
    return named if named in lowest else ""


def covariate_names(fit: Fit, count: int, fitter: Fitter | None = None) -> list[str]:
    """Return the texts of a fit's covariates, such as ``match(department)``: those of its model, else of the settings."""
    design = fit.tie_model.design if isinstance(fit.tie_model, LatentTieModel) else None
    named = [str(term) for term in (design.terms if design else getattr(fitter, "covariates", ()))]
    return named if len(named) == count else [f"covariate {k}" for k in range(1, count + 1)]


def shares_effects(fit: Fit) -> bool:
    """Say whether the sender effects of a fit are effects of sending and receiving alike."""
    return isinstance(fit.tie_model, LatentTieModel) and fit.tie_model.shared_effects


class FitTable:
    """Fits of one panel laid out over the dimensions that vary among its networks ``over``: site, relation, period."""

    def __init__(self, items: Items, *, joint: bool = False, over: Sequence[Network] = ()) -> None:
        self.items = items
        over = over or [network for network, _ in items]
        kinds = ("site", "period") if joint else ("site", "relation", "period")
        levels = {kind: list(dict.fromkeys(getattr(network, kind) for network in over)) for kind in kinds}
        self.levels = {kind: values for kind, values in levels.items() if len(values) > 1}
        self.alone = {kind: values[0] for kind, values in levels.items() if len(values) == 1 and values[0]}
        self.dims = tuple(self.levels)
        self.shape = tuple(len(values) for values in self.levels.values())
        self.actors = sorted({actor for network in over for actor in network.actors})
        self._place = {actor: i for i, actor in enumerate(self.actors)}
        self.n_clusters = max(fit.n_clusters for _, fit in items)

    def at(self, network: Network) -> tuple[int, ...]:
        """Return where a network's fit goes."""
        return tuple(values.index(getattr(network, kind)) for kind, values in self.levels.items())

    def actor_places(self, fit: Fit) -> NDArray[np.intp]:
        """Return the places of a fit's actors among all actors."""
        return np.array([self._place[a] for a in fit.actors], dtype=np.intp)

    def networks(self) -> dict[str, Any]:
        """Return the coordinates of the networks: site, relation and period, a single value where there is only one."""
        alone = {kind: np.array(value, dtype=object) for kind, value in self.alone.items()}
        return {**{kind: texts(values) for kind, values in self.levels.items()}, **alone}

    def coordinates(self) -> dict[str, Any]:
        """Return the coordinates of the networks and of the actors."""
        return {**self.networks(), "actor": texts(self.actors)}
