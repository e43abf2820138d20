"""Fits in words, for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simlab.fit.fit import Fit, Fitter, Status
from simlab.fit.likely_bridgers import NOTHING, between_which, chance_between, known_actors, likely_bridgers
from simlab.metrics.composition import telling
from simlab.metrics.stability import mean_matched_jaccard, persistence, stayers, switched_share
from simlab.panel import Network
from simlab.report.estimates import describe_estimates
from simlab.study.fit_table import chosen_by

_MOST_NAMES = 12


def describe_fit(
    network: Network, fit: Fit, fitter: Fitter | None = None, *, relations: Sequence[str] = ()
) -> list[str]:
    """Return what a fit found: clusters, who is in them, their profile, bridgers, parameters, convergence.

    Parameters
    ----------
    network : Network
        What was fitted; of a joint fit one with the ties of all relations.
    fit : Fit
    fitter : Fitter, optional
        The settings of the fit: they say by which criterion the number of clusters was chosen.
    relations : sequence of str
        The names of the relations of a joint fit; unless given they are read from the name of the network.
    """
    kind = "directed" if network.directed else "undirected"
    unobserved = 1.0 - network.observed.sum() / max(int((network.state <= 3).sum()), 1)
    lines = [
        f"{network}: {network.n_actors} actors, {network.n_ties} {kind} ties, density {network.density:.3f}"
        + (f", {unobserved:.0%} of dyads unobserved" if unobserved > 0 else "")
    ]
    lines += _choice(fit, fitter)
    sizes = ", ".join(str(int(size)) for size in fit.sizes)
    lines.append(f"  {fit.n_clusters} cluster{'s' * (fit.n_clusters != 1)}, of {sizes} actors")
    lines += _certainty(fit)
    attributes = {n: v for n, v in network.attributes.items() if n != "bipartite"}
    for g in range(fit.n_clusters):
        members = np.flatnonzero(fit.labels == g)
        if fit.n_clusters > 1:
            lines.append(f"  cluster {g}: {_names([network.actors[i] for i in members])}")
        lines += [f"    {line}" for line in _profile(attributes, members)]
    order = telling(fit.labels, attributes)
    if order and len(set(fit.labels.tolist())) > 1:
        best = next(iter(order))
        lines.append(f"  what tells clusters apart best: {best} (adjusted mutual information {order[best]:.2f})")
    lines += _bridgers(network, fit)
    if fit.unknown.any():
        lines.append(f"  nothing observed of: {_names([network.actors[i] for i in np.flatnonzero(fit.unknown)])}")
    lines += describe_estimates(network, fit, fitter, relations)
    lines.append(f"  {_convergence(fit)}")
    return lines


def _choice(fit: Fit, fitter: Fitter | None) -> list[str]:
    """Return a line a criterion for the number of clusters; where there are several, which one chose."""
    lines = []
    chose = chosen_by(fit, fitter) if len(fit.choice) > 1 else ""
    for criterion, values in fit.choice.items():
        shown = ", ".join(
            f"{g}: {value:.4g}" if abs(value) < 10 else f"{g}: {value:.1f}" for g, value in values.items()
        )
        note = "lower is better; this one chose" if criterion == chose else "lower is better"
        lines.append(f"  {criterion.replace('_', ' ')} by number of clusters ({note}): {shown}")
    return lines


def _certainty(fit: Fit) -> list[str]:
    """Return in words where memberships say something else than labels: clusters without actors, and other clusters."""
    known = known_actors(fit)
    if not known.any():
        return []
    probable = fit.membership[known].argmax(axis=1)
    lines = []
    empty = fit.n_clusters - len(np.unique(probable))
    if empty:
        has = "cluster is" if empty == 1 else "clusters are"
        lines.append(f"  {empty} {has} nobody's most probable one: the data hardly tell {fit.n_clusters} from fewer")
    own = fit.labels[known]
    everyone = np.arange(len(own))
    other = int((fit.membership[known][everyone, probable] > fit.membership[known][everyone, own]).sum())
    if other:
        verb, whose = ("is", "its") if other == 1 else ("are", "their")
        lines.append(
            f"  {other} of {known.sum()} actors {verb} labelled with another cluster than {whose} most probable one: the data"
            f" do not tell {whose} clusters apart well (labels fit who belongs together, memberships each actor alone)"
        )
    return lines


def describe_change(before: Network, fit_before: Fit, after: Network, fit_after: Fit) -> list[str]:
    """Return the stability between two periods, among those present in both; of clusters only where both have several."""
    one, other = stayers(fit_before.actors, fit_after.actors)
    name = ", ".join(part for part in (after.site, after.relation) if part)
    lines = [f"{name + ', ' if name else ''}period {before.period} to {after.period}: {len(one)} in both"]
    if len(one) == 0:
        return lines
    labels = fit_before.labels[one], fit_after.labels[other]
    clustered = all(len(np.unique(part)) > 1 for part in labels)
    if clustered:
        lines.append(
            f"  clusters matched: mean Jaccard index {mean_matched_jaccard(*labels):.2f}, share of a cluster still together"
            f" {persistence(*labels):.2f}, seen to switch {switched_share(*labels):.2f}"
        )
    ties, later = before.ties[np.ix_(one, one)], after.ties[np.ix_(other, other)]
    known = before.observed[np.ix_(one, one)] & after.observed[np.ix_(other, other)]
    if ties[known].any():
        kept = later[known & ties].mean()
        lines.append(f"  ties: {kept:.2f} of those of period {before.period} are there in period {after.period}")
    if clustered:
        lines.append("  (what is seen to switch is real change and estimation noise together)")
    return lines


def _names(names: list[str]) -> str:
    if not names:
        return "nobody"
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _profile(attributes: dict[str, tuple[str, ...]], members: NDArray[np.intp]) -> list[str]:
    """Return a line an attribute: mean and range of numbers, else the most common values."""
    lines = []
    for name, values in attributes.items():
        own = [values[i] for i in members if values[i]]
        if not own:
            continue
        numbers = _numbers(values)
        if numbers is not None:
            mine = numbers[members][np.isfinite(numbers[members])]
            if not mine.size:
                continue
            lines.append(f"{name}: mean {mine.mean():.1f}, {mine.min():g} to {mine.max():g}")
        else:
            common = Counter(own).most_common(3)
            lines.append(f"{name}: " + ", ".join(f"{value} {count} of {len(own)}" for value, count in common))
    return lines


def _numbers(values: tuple[str, ...]) -> NDArray[np.float64] | None:
    """Return the values as numbers where all are numbers and many differ, else None: codes are no quantities."""
    try:
        numbers = np.array([float(v) if v else np.nan for v in values])
    except ValueError:
        return None
    finite = numbers[np.isfinite(numbers)]
    return numbers if len(np.unique(finite)) > 6 else None


def _bridgers(network: Network, fit: Fit) -> list[str]:
    """Return the likely bridgers with their scores, and the two clusters each lies between: its own first."""
    if len(np.unique(fit.labels)) < 2:
        return []
    score, chance = fit.bridging[fit.bridging_score], chance_between(fit)
    parts = []
    for i in likely_bridgers(fit):
        own, other = between_which(network, fit, int(i))
        lying = f"; {chance[i]:.2f}" if chance is not None else ""
        parts.append(f"{network.actors[i]} ({score[i]:.2f}{lying}; clusters {own} and {other})")
    shown = ", ".join(parts)
    if not parts:
        best = float(score[known_actors(fit)].max())
        tied = int((score[known_actors(fit)] == best).sum())
        shown = f"nobody before others ({tied} actors have {best:.2f})" if best >= NOTHING else "nobody"
    what = fit.bridging_score.replace("_", " ") + ("; probability of lying between two clusters" * (chance is not None))
    return [f"  most of a bridger ({what}): {shown}"]


def _convergence(fit: Fit) -> str:
    if fit.status == Status.NOT_CONVERGED:
        return f"not converged: {fit.message}"
    if "rhat" in fit.diagnostics:
        return (
            f"converged: rhat at most {fit.diagnostics['rhat']:.3f}, at least {fit.diagnostics['ess_bulk']:.0f} effective"
            f" draws, {fit.diagnostics['divergences']:.0f} divergences; {fit.seconds:.1f} s"
        )
    return f"{fit.status}{': ' + fit.message if fit.message else ''}; {fit.seconds:.2f} s"
