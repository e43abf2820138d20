"""The method with which worlds are refitted: a fast fitter of the model that the network was fitted with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from simlab.fit.clusters import ClusteredLatentFitter
from simlab.fit.fit import ClusterCountFitter, Fitter, fitters
from simlab.fit.latent import LatentFitter
from simlab.fit.over_relations import OverRelations
from simlab.foundation.errors import InputError

# Modes find the same clusters again as often, and sooner, but their memberships are too certain to name bridgers, and their
# BIC takes too many clusters in small networks.
REFITTER = "lpcm-mcmc"
CHOOSER = "lpcm-mcmc"
# A chain for each refit: enough for labels and BIC, not for a judgement of convergence.
_SHORT = {"n_chains": 1, "n_warmup": 300, "n_draws": 150, "max_rhat": 2.0, "min_ess": 0.0}
_MORE_CLUSTERS = 2
N_WORLDS = 200
SHARE_CHOOSING = 0.25


@dataclass(frozen=True)
class Refits:
    """How worlds are refitted: how many, by which fitter, how often each is observed; and in how many of each number of
    clusters the number is chosen again, which takes longer.
    """

    n_worlds: int = N_WORLDS
    fitter: str = REFITTER
    n_periods: int = 1

    @property
    def n_choosing(self) -> int:
        """Worlds of each number of clusters in which the number is chosen again."""
        return max(1, round(SHARE_CHOOSING * self.n_worlds))


def refitter(method: Fitter, n_clusters: int, *, joint: bool, name: str = REFITTER) -> Fitter:
    """Return the fitter of refits: by name, with the model, the priors and the number of clusters of a method.

    A fitter by chains has one short chain. Of several relations fitted jointly it is given all at once. InputError for a
    fitter to which no number of clusters can be given.
    """
    kind = fitters[name].thing
    if not issubclass(kind, ClusterCountFitter):
        raise InputError.of("refitter", name, "must be a fitter to which a number of clusters can be given")
    return _made(kind, method, {"n_clusters": n_clusters}, joint)


def chooser(method: Fitter, n_clusters: int, n_actors: int, *, joint: bool) -> Fitter:
    """Return the fitter that chooses the number of clusters again: short chains, by the method's own criterion if that is
    ICL, else by BIC.

    Among the method's own numbers where it was given a range, else from one to two more than found; in any case among one
    fewer and one more.
    """
    low, high = 1, n_clusters + _MORE_CLUSTERS
    if isinstance(method, ClusterCountFitter) and not isinstance(method.n_clusters, int):
        low, high = method.count_range
    low, high = max(1, min(low, n_clusters - 1)), min(max(high, n_clusters + 1), n_actors)
    criterion = "icl" if getattr(method, "choose_by", "bic") == "icl" else "bic"
    choice = {"n_clusters": (low, high), "criteria": (criterion,), "choose_by": criterion}
    return _made(fitters[CHOOSER].thing, method, choice, joint)


def _made(kind: type[Fitter], method: Fitter, own: dict[str, Any], joint: bool) -> Fitter:
    """Return a fitter with the model of a method and settings of its own; over relations where the fit is joint."""
    shared = {*LatentFitter.model_fields, *ClusteredLatentFitter.model_fields, "nominations"} & set(kind.model_fields)
    values = {key: value for key, value in method.given().items() if key in shared - {"n_clusters"}}
    values |= {key: value for key, value in _SHORT.items() if key in kind.model_fields} | own
    if not joint:
        return kind(**values)
    n_clusters = values.pop("n_clusters")
    texts = tuple(f"{key}={_text(value)}" for key, value in values.items())
    how: Any = "joint" if issubclass(kind, LatentFitter) else "union"
    return OverRelations(base=kind.name, base_settings=texts, how=how, n_clusters=n_clusters)


def _text(value: Any) -> str:
    """Return a value as settings are written."""
    return (
        json.dumps(list(value))
        if isinstance(value, tuple)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )
