"""The command fit."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab.fit.fit import ClusterCountFitter, Fit, Fitter, Status, fitters
from simlab.fit.latent import LatentFitter
from simlab.foundation.errors import InputError
from simlab.foundation.settings import check_known, plain_value
from simlab.foundation.streams import check_seed, stream
from simlab.panel import DyadState, Network, Panel
from simlab.panel_read import read_panel
from simlab.report.describe import describe_change, describe_fit
from simlab.study.cell import OneThread
from simlab.study.export import check_writable, fit_dataset, posterior_groups, write_netcdf

if TYPE_CHECKING:
    from simlab.fit.checks import PredictiveChecks

Items = list[tuple[Network, Fit]]


def fit_file(
    path: Path,
    *,
    clusters: str | None,
    fitter: str,
    undirected: bool,
    undirected_relations: Sequence[str],
    joint: bool,
    actors: Path | None,
    settings: Sequence[str],
    seed: int,
    out: Path | None,
    plot: Path | None,
    check: Path | None,
) -> None:
    """Fit every network of a file and say what was found."""
    check_seed(seed)
    if out is not None:
        check_writable(out, [".nc"])
    for picture in (plot, check):
        if picture is not None:
            check_writable(picture, [".png", ".svg", ".pdf"])
    method = make_fitter(fitter, clusters, settings)
    if check is not None and not method.has_tie_model:
        raise InputError.of("check", str(check), f"{method.name} has no model from which networks could be drawn")
    with warnings.catch_warnings(record=True) as mended:
        warnings.simplefilter("always")
        panel = read_panel(path, actors=actors, undirected=undirected, undirected_relations=undirected_relations)
    for warning in mended:
        print(f"warning: {warning.message}")
    for network in panel.networks():
        _check_network(path, network, several=len(panel.keys) > 1)
    with OneThread():
        items = fit_jointly(panel, method, seed) if joint else fit_each(panel, method, seed)
    print(f"{path}: {method.name}, seed {seed}")
    for network, fit in items:
        print()
        print("\n".join(describe_fit(network, fit)))
    for before, after in _consecutive(items):
        print()
        print("\n".join(describe_change(*before, *after)))
    if out is not None:
        write_netcdf(out, fit_dataset(items, method, seed, joint=joint), posterior_groups(items, joint=joint))
        print(f"\nwritten  {out}")
    if plot is not None:
        from simlab.report.networks import plot_fits

        plot_fits(plot, items)
        print(f"written  {plot}")
    if check is not None:
        from simlab.report.checks import describe_checks, plot_checks

        with OneThread():
            checked = check_fits(panel, items, seed, joint=joint)
        for network, checks in checked:
            print("\n" + "\n".join(describe_checks(checks, str(network) if len(checked) > 1 else "")))
        plot_checks(check, checked)
        print(f"written  {check}")


def make_fitter(name: str, clusters: str | None, settings: Sequence[str]) -> Fitter:
    """Return a fitter by name, with its number of clusters and other settings."""
    kind = fitters[name].thing
    values: dict[str, Any] = {}
    for text in settings:
        key, sign, value = text.partition("=")
        if not sign:
            raise InputError.of("--set", text, "must be key=value")
        values[key.strip()] = plain_value(value)
    check_known(name, values, kind.model_fields)
    if clusters is not None:
        if not issubclass(kind, ClusterCountFitter):
            raise InputError.of("clusters", clusters, f"{name} finds the number of clusters by itself: leave it out")
        values["n_clusters"] = parse_clusters(clusters)
    return kind(**values)


def parse_clusters(text: str) -> int | tuple[int, int]:
    """Return the number or range that ``3`` or ``1:6`` stands for."""
    low, sign, high = text.partition(":")
    try:
        lowest, highest = int(low), int(high) if sign else int(low)
    except ValueError:
        raise InputError.of("clusters", text, "must be a number, such as 3, or a range, such as 1:6") from None
    if not 1 <= lowest <= highest:
        raise InputError.of("clusters", text, "must be from 1, and a range from its lowest to its highest")
    return (lowest, highest) if sign else lowest


def fit_each(panel: Panel, method: Fitter, seed: int) -> Items:
    """Fit every network by itself."""
    return [
        (network, method.fit(network, rng=stream(seed, "fit", network.site, network.relation, network.period)))
        for network in panel.networks()
    ]


def fit_jointly(panel: Panel, method: Fitter, seed: int) -> Items:
    """Fit the relations of each site and period together. The network of an item holds the ties of all of them."""
    if not isinstance(method, LatentFitter):
        raise InputError.of("joint", method.name, "joint fits are for the latent position models")
    items: Items = []
    for site in panel.sites:
        for period in panel.periods:
            networks = [panel.network(site, relation, period) for relation in panel.relations]
            fit = method.fit_joint(networks, rng=stream(seed, "fit", site, "", period))
            items.append((union(networks), fit))
    return items


def check_fits(panel: Panel, items: Items, seed: int, *, joint: bool) -> list[tuple[Network, PredictiveChecks]]:
    """Return posterior predictive checks of every network; of a joint fit those of each relation."""
    from simlab.fit.checks import joint_predictive_checks

    checked: list[tuple[Network, PredictiveChecks]] = []
    for network, fit in items:
        relations = panel.relations if joint else (network.relation,)
        networks = [panel.network(network.site, relation, network.period) for relation in relations]
        rng = stream(seed, "check", network.site, "" if joint else network.relation, network.period)
        checked += zip(networks, joint_predictive_checks(fit, networks, rng=rng), strict=True)
    return checked


def union(networks: Sequence[Network]) -> Network:
    """Return one network with the ties of several relations of the same actors, for drawing and description."""
    state = networks[0].state.copy()
    for network in networks[1:]:
        known = (state <= DyadState.TIE) & (network.state <= DyadState.TIE)
        state = np.where(known, np.maximum(state, network.state), np.minimum(state, network.state)).astype(np.int8)
    return replace(
        networks[0],
        state=state,
        counts=None,
        limited=None,
        max_nominations=None,
        directed=any(network.directed for network in networks),
        relation=" + ".join(network.relation for network in networks),
    )


def _check_network(path: Path, network: Network, *, several: bool) -> None:
    where = f"{path}, {network}" if several else f"{path}"
    if network.n_actors < 2:
        raise InputError(f"{where}: {network.n_actors} actor{'s' * (network.n_actors != 1)}; at least 2 are needed")
    if not network.observed.any():
        raise InputError(f"{where}: no dyad was observed")
    if network.n_ties == 0:
        raise InputError(f"{where}: no ties, and so nothing to find clusters from")
    if bool(network.ties[network.observed].all()):
        raise InputError(f"{where}: every possible tie is there, and so nothing to find clusters from")


def _consecutive(items: Items) -> list[tuple[tuple[Network, Fit], tuple[Network, Fit]]]:
    """Return the fits of one site and relation in one period and the next, where neither failed."""
    pairs = []
    for i, after in enumerate(items):
        for before in items[:i][::-1]:
            same = before[0].site == after[0].site and before[0].relation == after[0].relation
            if same and before[0].period != after[0].period:
                if Status.FAILED not in (before[1].status, after[1].status):
                    pairs.append((before, after))
                break
    return pairs
