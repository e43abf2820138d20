"""The answer to a study's question in two to five sentences, made from its numbers alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from simlab.report.choices import any_metric, best_fitter, fieldwork_name, fullest
from simlab.report.numbers import (
    Estimate,
    Floats,
    capital,
    crossing,
    duration,
    listed,
    number,
    percent,
    plain,
    pooled,
    words,
)
from simlab.report.results import Results
from simlab.study.answers import stored_answer

GOOD_ARI = 0.8
MOST_SENTENCES = 5
_CEILING = "a classifier that knows all true positions"


def answer(dataset: Any) -> list[str]:
    """Return two to five sentences that answer a study's question, each after a word that names its subject.

    Differences between fitters and between fieldworks are over the same worlds, replicate by replicate; what lies within two
    Monte Carlo standard errors of zero is called not distinguishable.
    """
    return sentences(Results.of(dataset))


def sentences(results: Results) -> list[str]:
    """Return the answer that the study's own script gave, or one made of what results there are."""
    if "answer" in results.dataset.attrs:
        return stored_answer(results.dataset.attrs["answer"])
    if not results.metrics or not any(results.has(name) for name in results.metrics):
        return ["Nothing yet: no cell has a value."]
    makers = (_recovery, _fitters, _fieldwork, _bridgers, _stability, number_of_clusters, _anything, _time)
    found: list[str] = []
    for make in makers:
        if make in (_anything, _time) and len(found) >= 2:
            break
        found += make(results)
    return found[:MOST_SENTENCES]


def _along(results: Results, values: Floats, fieldwork: int) -> tuple[str, list[float | str], list[Estimate]]:
    """Return the axis, its levels and the mean at each, of values (scenario, fieldwork, replicate).

    Along a dimension of the scenarios under one fieldwork; one estimate, and no axis, where no such dimension varies.
    """
    axis = results.axis()
    if axis not in results.scenario_dims:
        return "", [], [pooled(values[:, fieldwork : fieldwork + 1])]
    sizes = [results.dataset.sizes[d] for d in results.scenario_dims]
    folded = np.moveaxis(values.reshape(*sizes, *values.shape[1:]), results.scenario_dims.index(axis), 0)
    at_levels = folded.reshape(sizes[results.scenario_dims.index(axis)], -1, *values.shape[1:])
    return axis, results.levels(axis), [pooled(part[:, fieldwork : fieldwork + 1]) for part in at_levels]


def _ends(axis: str, levels: list[float | str], means: list[Estimate]) -> tuple[str, int, int]:
    """Return in words from which level to which one reads, and their places: first to last, or lowest to highest mean."""
    known = [i for i, m in enumerate(means) if m.known]
    if isinstance(levels[0], float):
        first, last = known[0], known[-1]
        return f"as the {words(axis)} goes from {plain(levels[first])} to {plain(levels[last])}", first, last
    first, last = min(known, key=lambda i: means[i].mean), max(known, key=lambda i: means[i].mean)
    return f"from “{plain(levels[first])}” to “{plain(levels[last])}”", first, last


def _under(results: Results, fieldwork: int) -> str:
    name = fieldwork_name(results, fieldwork)
    return f" with fieldwork “{name}”" if name else ""


def _recovery(results: Results) -> list[str]:
    if not results.has("ari"):
        return []
    best, full = best_fitter(results), fullest(results)
    axis, levels, means = _along(results, results.cells("ari")[:, :, best], full)
    if not any(m.known for m in means):
        return []
    name, under = results.fitters[best], _under(results, full)
    ceiling = _along(results, results.cells("bayes_ari")[:, :, best], full)[2] if results.has("bayes_ari") else []
    if not axis:
        other = f", where {_CEILING} reaches {ceiling[0]}" if ceiling and ceiling[0].known else ""
        return [f"Clusters: the mean adjusted Rand index (ARI) of {name} is {means[0]}{under}{other}."]
    way, first, last = _ends(axis, levels, means)
    text = f"Clusters: {way}{under}, the mean adjusted Rand index (ARI) of {name} goes from {means[first]} to {means[last]}"
    text += _threshold(results, axis, levels, means)
    if ceiling and ceiling[first].known and ceiling[last].known:
        text += f"; {_CEILING} goes from {ceiling[first]} to {ceiling[last]}"
    return [f"{text}."]


def _threshold(results: Results, axis: str, levels: list[float | str], means: list[Estimate]) -> str:
    """Return in words where the ARI passes what counts as good."""
    values = np.array([m.mean for m in means])
    good = values >= GOOD_ARI
    if not good.any():
        return f" and never reaches {GOOD_ARI:g}"
    if good.all():
        return f", {GOOD_ARI:g} or more at every level"
    if not isinstance(levels[0], float):
        return (
            f", {GOOD_ARI:g} or more under {listed([f'“{plain(v)}”' for v, g in zip(levels, good, strict=True) if g])}"
        )
    x = np.array(levels, dtype=float)
    at = crossing(x, values, GOOD_ARI)
    if at is None:
        return f", {GOOD_ARI:g} or more at {_first([plain(v) for v, g in zip(levels, good, strict=True) if g])}"
    i = int(np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2)) if x[0] < x[-1] else 0
    slope = abs(values[i + 1] - values[i]) / abs(x[i + 1] - x[i])
    error = max(means[i].mcse, means[i + 1].mcse) / slope if slope > 0 else math.nan
    place = str(Estimate(at, error)) if error < abs(x[i + 1] - x[i]) else f"about {at:.3g}"
    text = f", passing {GOOD_ARI:g} at {place}"
    if results.has("information"):
        information = np.array([m.mean for m in _along(results, results.cells("information")[:, :, 0], 0)[2]])
        text += f" (information cλ² of {np.interp(at, x, information):.1f})" if x[0] < x[-1] else ""
    return text


def _fitters(results: Results) -> list[str]:
    if not results.has("ari"):
        return []
    ari = results.cells("ari")
    best = best_fitter(results)
    short = pooled(ari[:, :, best] - results.cells("bayes_ari")[:, :, best]) if results.has("bayes_ari") else None
    if len(results.fitters) == 1:
        if short is None:
            return []
        return [f"Ceiling: on the same networks {results.fitters[0]} is {_against(short, 'the Bayes classifier')}."]
    same: list[str] = []
    lower: list[str] = []
    for k, name in enumerate(results.fitters):
        gap = pooled(ari[:, :, best] - ari[:, :, k])
        if k != best and gap.known:
            if not math.isfinite(gap.mcse):
                lower.append(f"{name} ({gap}, error not known)")
            elif gap.distinct:
                lower.append(f"{name} ({gap})")
            else:
                same.append(name)
    over = " over all networks" if results.varied else ""
    text = f"Fitters:{over} {results.fitters[best]} has the highest mean ARI"
    if short is not None:
        text += f", {_against(short, 'the Bayes classifier')}"
    if same:
        text += f"; {_first(same)} cannot be distinguished from it"
    if lower:
        text += f"; lower by (paired differences): {_first(lower)}"
    return [f"{text}."]


def _first(names: list[str], most: int = 4) -> str:
    return listed(names) if len(names) <= most + 1 else listed([*names[:most], f"{len(names) - most} others"])


def _against(gap: Estimate, what: str) -> str:
    if math.isfinite(gap.mcse) and not gap.distinct:
        return f"not distinguishable from {what} (difference {gap})"
    return f"{Estimate(abs(gap.mean), gap.mcse)} {'below' if gap.mean < 0 else 'above'} {what}"


def _fieldwork(results: Results) -> list[str]:
    if not results.has("ari") or results.shape[1] < 2:
        return []
    ari, full = results.cells("ari"), fullest(results)
    costs = {}
    for place in range(results.shape[1]):
        if place != full:
            costs[place] = [pooled((ari[:, full, k] - ari[:, place, k])[:, None]) for k in range(len(results.fitters))]
    best = best_fitter(results)
    known = {p: c for p, c in costs.items() if c[best].known}
    if not known:
        return []
    worst = max(known, key=lambda p: known[p][best].mean)
    each = [f"{c} for {name}" for name, c in zip(results.fitters, known[worst], strict=True) if c.known]
    most = "the costliest fieldwork, " if len(known) > 1 else ""
    text = f"Fieldwork: {most}“{fieldwork_name(results, worst)}”, instead of “{fieldwork_name(results, full)}”, lowers the ARI"
    shown = each if len(each) <= 4 else [f"{known[worst][best]} for {results.fitters[best]}"]
    text += f" by {listed(shown)}"
    if not known[worst][best].distinct and math.isfinite(known[worst][best].mcse):
        text += f"; for {results.fitters[best]} that is not distinguishable from nothing"
    return [f"{text}."]


def _bridgers(results: Results) -> list[str]:
    if not results.has("bridger_auc"):
        return []
    best, full = best_fitter(results, "bridger_auc"), fullest(results)
    axis, levels, means = _along(results, results.cells("bridger_auc")[:, :, best], full)
    if not any(m.known for m in means):
        return []
    name, under = results.fitters[best], _under(results, full)
    text = "Bridgers: a true bridger scores above another actor with probability"
    if not axis:
        return [f"{text} {means[0]}{under} ({name}; 0.5 is chance){_chance(means[0])}."]
    way, first, last = _ends(axis, levels, means)
    ends = f"{means[first]}{_chance(means[first])} to {means[last]}{_chance(means[last])}"
    return [f"{text} {ends} {way}{under} ({name}; 0.5 is chance)."]


def _chance(auc: Estimate) -> str:
    different = Estimate(auc.mean - 0.5, auc.mcse).distinct
    return "" if different or not math.isfinite(auc.mcse) else " (not distinguishable from chance)"


def _stability(results: Results) -> list[str]:
    if not results.has("seen_switching", "true_switching"):
        return []
    best, full = best_fitter(results) if results.has("ari") else 0, fullest(results)
    axis, levels, seen = _along(results, results.cells("seen_switching")[:, :, best], full)
    true = _along(results, results.cells("true_switching")[:, :, best], full)[2]
    if not any(m.known for m in seen):
        return []
    name, under = results.fitters[best], _under(results, full)
    if not axis:
        return [f"Stability: {name} sees {_noise(seen[0], true[0])}{under}."]
    known = [i for i, m in enumerate(seen) if m.known]
    most = max(known, key=lambda i: seen[i].mean)
    least = min(known, key=lambda i: seen[i].mean)
    text = f"Stability:{under} {name} sees {_noise(seen[most], true[most])} at {_at(axis, levels[most])}"
    if least != most:
        text += f", and {_noise(seen[least], true[least])} at {_at(axis, levels[least])}"
    return [f"{text}."]


def _noise(seen: Estimate, true: Estimate) -> str:
    """Return seen beside true switching. At most all true switchers are among those seen, so the rest is noise."""
    text = f"{_percent(seen)} of stayers switch cluster where {_percent(true)} do"
    noise = 1.0 - true.mean / seen.mean if seen.mean > 0 else 0.0
    return f"{text} (at least {percent(noise)} of it noise)" if noise > 0.005 else text


def _percent(share: Estimate) -> str:
    error = f" ± {number(100 * share.mcse, 0)}" if math.isfinite(share.mcse) else ""
    return f"{number(100 * share.mean, 0)}{error} %"


def _at(axis: str, level: float | str) -> str:
    return f"{words(axis)} {plain(level)}" if isinstance(level, float) else f"“{plain(level)}”"


def number_of_clusters(results: Results) -> list[str]:
    """Return how far the fitters that choose are from the true number of clusters, on average; empty where none does."""
    choosing = [k for k, name in enumerate(results.fitters) if results.chooses(name)]
    if not results.has("n_clusters_error") or not choosing:
        return []
    values = results.cells("n_clusters_error")
    each = [f"{results.fitters[k]} {_miscount(pooled(values[:, :, k]))}" for k in choosing]
    return [f"Number of clusters: on average {listed(each)}."]


def _miscount(error: Estimate) -> str:
    if not error.known:
        return "has no value"
    if not error.distinct and error.mcse > 0:
        return f"is not distinguishably wrong ({error})"
    return (
        f"finds {Estimate(abs(error.mean), error.mcse)} too {'many' if error.mean > 0 else 'few'}"
        if error.mean
        else "is right"
    )


def _anything(results: Results) -> list[str]:
    """Return the first metric of fits, for a study that measures none of the usual ones."""
    name = any_metric(results)
    if not name:
        return []
    values = results.cells(name)
    each = [f"{pooled(values[:, :, k])} ({label})" for k, label in enumerate(results.fitters)]
    return [f"{capital(results.long_name(name))}: on average {_first(each)}."]


def _time(results: Results) -> list[str]:
    if not results.has("seconds"):
        return []
    values = results.cells("seconds")
    each = [f"{duration(pooled(values[:, :, k]).mean)} ({label})" for k, label in enumerate(results.fitters)]
    return [f"Time: a fit takes {_first(each)} on average."]
