"""Truths as xarray Datasets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

import simlab
from simlab.generate.truth import Truth
from simlab.study.fit_table import texts

# Tie probabilities of more actors would make files of hundreds of megabytes.
MOST_ACTORS_WITH_PROBABILITIES = 1000


def truth_dataset(truth: Truth, seed: int) -> Any:
    """Return everything that is known of a simulation as one Dataset, over (period, actor) and (site, relation, period)."""
    import xarray as xr

    moving = ("period", "actor")
    network = ("site", "relation", "period")
    relations = truth.scenario.relations
    shape = (len(truth.sites), len(relations), len(truth.periods))
    keys = {
        (s, r, p): (site, relation, period)
        for s, site in enumerate(truth.sites)
        for r, relation in enumerate(relations)
        for p, period in enumerate(truth.periods)
    }
    intercept, odds_ratio = np.full(shape, np.nan), np.full(shape, np.nan)
    for at, key in keys.items():
        intercept[at], odds_ratio[at] = truth.intercept[key], truth.odds_ratio[key]
    variables: dict[str, Any] = {
        "label": (moving, truth.label, {"long_name": "true cluster; -1 where absent"}),
        "position": ((*moving, "axis"), truth.position, {"long_name": "true latent position"}),
        "partner": (moving, truth.partner, {"long_name": "the other cluster a bridger lies towards; -1 for others"}),
        **_more(truth, moving),
        "bridger": ("actor", truth.bridger.astype(np.int8), {"long_name": "lies between two clusters"}),
        "core": ("actor", truth.core.astype(np.int8), {"long_name": "belongs to the stable core"}),
        "activity": ("actor", truth.activity, {"long_name": "sender effect", "units": "log odds"}),
        "popularity": ("actor", truth.popularity, {"long_name": "receiver effect", "units": "log odds"}),
        "came": (moving, truth.came.astype(np.int8), {"long_name": "came since the period before"}),
        "left": (moving, truth.left.astype(np.int8), {"long_name": "left since the period before"}),
        "switched": (moving, truth.switched.astype(np.int8), {"long_name": "changed cluster since the period before"}),
        "centre": (("cluster", "axis"), truth.centres, {"long_name": "centre of a cluster"}),
        "intercept": (network, intercept, {"long_name": "intercept solved for", "units": "log odds"}),
        "odds_ratio": (network, odds_ratio, {"long_name": "odds ratio between the two ties of a dyad"}),
    }
    if truth.probability and len(truth.actors) <= MOST_ACTORS_WITH_PROBABILITIES:
        variables |= _pairs(truth, relations)
    return xr.Dataset(
        variables,
        {
            "actor": texts(truth.actors),
            "site_of_actor": ("actor", texts(truth.site_of)),
            "period": texts(truth.periods),
            "site": texts(truth.sites),
            "relation": texts(relations),
        },
        {
            "defining_attribute": truth.defining_attribute,
            "seed": seed,
            "simlab_version": simlab.__version__,
            "scenario": json.dumps(truth.scenario.everything()),
        },
    )


def _more(truth: Truth, moving: tuple[str, str]) -> dict[str, Any]:
    """Return what not every world has: further clusters that bridgers lie towards, and what its structure drew."""
    variables: dict[str, Any] = {}
    if truth.partners.shape[2] > 1:
        about = {"long_name": "all other clusters a bridger lies towards; -1 for others"}
        variables["partners"] = ((*moving, "bridged"), truth.partners, about)
    for name, values in truth.traits.items():
        plain = values.astype(np.int8) if values.dtype == np.bool_ else values
        dims = (*moving, f"part_of_{name}")[: plain.ndim]
        variables[name] = (dims, plain, {"long_name": f"{name} of the structure {truth.scenario.structure}"})
    return variables


def _pairs(truth: Truth, relations: Sequence[str]) -> dict[str, Any]:
    """Return tie probabilities and true ties over all actors; NaN and 0 between sites and for the absent."""
    n = len(truth.actors)
    probability = np.full((len(relations), len(truth.periods), n, n), np.nan, dtype=np.float32)
    ties = np.zeros(probability.shape, dtype=np.int8)
    for (site, relation, period), values in truth.probability.items():
        members = np.flatnonzero(np.array(truth.site_of) == site)
        r, p = relations.index(relation), truth.periods.index(period)
        pairs = np.ix_(members, members)
        probability[r, p][pairs] = values
        ties[r, p][pairs] = truth.ties[site, relation, period]
    dims = ("relation", "period", "actor", "other")
    return {
        "probability": (dims, probability, {"long_name": "probability of a tie from actor to other"}),
        "tie": (dims, ties, {"long_name": "true tie from actor to other"}),
    }
