"""The command fit."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simlab.cli.fits import Items, fit_all, tasks_of
from simlab.fit.fit import ClusterCountFitter, Fit, Fitter, fitters
from simlab.fit.latent import LatentFitter
from simlab.foundation.errors import InputError, printable
from simlab.foundation.settings import check_known, key_and_value, plain_value
from simlab.foundation.streams import check_seed, stream
from simlab.panel import Network, Panel
from simlab.panel_read import read_panel
from simlab.report.describe import describe_change, describe_fit
from simlab.study.cell import FAULTS, OneThread, failure_message
from simlab.study.export import check_writable, fit_dataset, posterior_groups, write_netcdf

if TYPE_CHECKING:
    from simlab.fit.checks import PredictiveChecks


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
    """Fit every network of a file that can be fitted and say what was found."""
    check_seed(seed)
    if out is not None:
        check_writable(out, [".nc"])
    for picture in (plot, check):
        if picture is not None:
            check_writable(picture, [".png", ".svg", ".pdf"])
    if plot is not None and check is not None and plot.resolve() == check.resolve():
        raise InputError.of("check", str(check), "must be another file than that of --plot")
    method = make_fitter(fitter, clusters, settings)
    if check is not None and not method.has_tie_model:
        raise InputError.of("check", str(check), f"{method.name} has no model from which networks could be drawn")
    panel = read_given(path, method, actors=actors, undirected=undirected, undirected_relations=undirected_relations)
    tasks = tasks_of(panel, joint=joint)
    with OneThread():
        items = fit_all(path, tasks, method, seed)
    relations = panel.relations if joint else ()
    print(printable(f"{path}: {method.name}, seed {seed}"))
    for network, fit in items:
        _show(["", *describe_fit(network, fit, method, relations=relations)])
    for before, after in _consecutive(items):
        _show(["", *describe_change(*before, *after)])
    if out is not None:
        over = [task.networks[0] for task in tasks]
        dataset = fit_dataset(items, method, seed, joint=joint, relations=relations, over=over)
        groups = posterior_groups(items, joint=joint, relations=relations, fitter=method, over=over)
        write_netcdf(out, dataset, groups)
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
            _show(["", *describe_checks(checks, str(network) if len(checked) > 1 else "")])
        plot_checks(check, checked)
        print(f"written  {check}")


def _show(lines: Sequence[str]) -> None:
    """Print lines; names from the file stay within theirs."""
    print("\n".join(map(printable, lines)))


def read_given(
    path: Path, method: Fitter, *, actors: Path | None, undirected: bool, undirected_relations: Sequence[str]
) -> Panel:
    """Return the panel of a file that is to be fitted by a method; what was mended or is not used is said in a line each."""
    with warnings.catch_warnings(record=True) as mended:
        warnings.simplefilter("always")
        panel = read_panel(path, actors=actors, undirected=undirected, undirected_relations=undirected_relations)
    for warning in mended:
        print(printable(f"warning: {warning.message}"))
    if panel.counts and not method.uses_counts:
        print(f"warning: weights are not used by {_named(method)}: every tie counts once")
    return panel


def make_fitter(name: str, clusters: str | None, settings: Sequence[str]) -> Fitter:
    """Return a fitter by name, with its number of clusters and other settings."""
    kind = fitters[name].thing
    values: dict[str, Any] = {}
    for text in settings:
        key, value = key_and_value(text)
        values[key] = plain_value(value, none=kind.accepts_none(key))
    check_known(name, values, kind.model_fields)
    if clusters is not None:
        if not issubclass(kind, ClusterCountFitter):
            why = "finds the number of clusters by itself" if kind.has_clusters else "has no clusters"
            raise InputError.of("clusters", clusters, f"{name} {why}: leave it out")
        if "n_clusters" in values:
            raise InputError.of("clusters", clusters, "--set says n_clusters too: leave one of the two out")
        values["n_clusters"] = parse_clusters(clusters)
    method = kind(**values)
    for term in method.covariates if isinstance(method, LatentFitter) else ():
        if term.partition("(")[0].strip() == "dyad":
            raise InputError.of("covariates", term, "a matrix of dyads can be given in Python only: leave it out here")
    return method


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


def check_fits(panel: Panel, items: Items, seed: int, *, joint: bool) -> list[tuple[Network, PredictiveChecks]]:
    """Return posterior predictive checks of every network; of a joint fit those of each relation.

    One that cannot be checked is left out with a line that says why, as long as there is another.
    """
    from simlab.fit.checks import joint_predictive_checks

    checked: list[tuple[Network, PredictiveChecks]] = []
    for network, fit in items:
        relations = panel.relations if joint else (network.relation,)
        networks = [panel.network(network.site, relation, network.period) for relation in relations]
        rng = stream(seed, "check", network.site, "" if joint else network.relation, network.period)
        try:
            checked += zip(networks, joint_predictive_checks(fit, networks, rng=rng), strict=True)
        except FAULTS as error:
            if network is items[-1][0] and not checked:
                raise
            print(printable(f"not checked: {network}: {failure_message(error)}"))
    return checked


def _named(method: Fitter) -> str:
    """Return the name of a fitter, with the family where another one would use weights."""
    return f"{method.name} with family=bernoulli" if isinstance(method, LatentFitter) else method.name


def _consecutive(items: Items) -> list[tuple[tuple[Network, Fit], tuple[Network, Fit]]]:
    """Return the fits of one site and relation in one period and the next that was fitted."""
    pairs = []
    for i, after in enumerate(items):
        for before in items[:i][::-1]:
            same = before[0].site == after[0].site and before[0].relation == after[0].relation
            if same and before[0].period != after[0].period:
                pairs.append((before, after))
                break
    return pairs
