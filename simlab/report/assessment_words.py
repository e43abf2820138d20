"""An assessment in words: what is said of each of the two questions, of change, and of where the model does not fit."""

from __future__ import annotations

import math

import numpy as np

from simlab.fieldwork.observe import Fieldwork
from simlab.fit.fit import Status
from simlab.plan.again import Again
from simlab.plan.assess import Assessment
from simlab.plan.assignment import SAFE
from simlab.plan.change import Change
from simlab.plan.fieldwork_read import likely_limit
from simlab.report.numbers import DASH, capital, listed, number, percent, plus_minus

RIGHT = "Is this assignment right?"
SAME = "Would another study like this one find the same?"

_MOST_NAMED = 5
# Mean agreement from which on clusters are found again, and below which they are hardly.
_AGAIN, _HARDLY = 0.75, 0.35
# The choice tells numbers apart where they differ by as much in how often this one is chosen.
_TELLING = 0.3


def right_sentences(found: Assessment) -> list[str]:
    """Return what the posterior says of assignments and bridgers."""
    of = found.assignments
    n = len(of.actors)
    if not of.divided:
        said = [f"All {n} actors are in one cluster: there is no assignment to be right or wrong, and nothing is safe."]
    else:
        safe = int(of.safe.sum())
        least = np.argsort(of.probability, kind="stable")[:_MOST_NAMED]
        level = f"a probability of {percent(SAFE)} or more of being right"
        if safe == n:
            said = [f"All {n} assignments are safe: each has {level}."]
        elif safe:
            said = [f"{safe} of {n} assignments are safe: each has {level}."]
        else:
            top = int(of.probability.argmax())
            why = (
                "the highest probability of being right is"
                if of.probability[top] < SAFE
                else "sizes alone would give as much:"
            )
            said = [
                f"No assignment is safe: {why} {percent(float(of.probability[top]))}, where a shuffled network would give"
                f" {percent(float(of.chance[top]))}."
            ]
        if safe < n:
            named = [f"{of.actors[i]} ({percent(float(of.probability[i]))})" for i in least if not of.safe[i]]
            said.append(f"Least certain: {listed(named)}.")
        else:
            said.append(f"The least certain is {of.actors[least[0]]}, with {percent(float(of.probability[least[0]]))}.")
    likely = sorted((b for b in found.bridgers if b.probability >= 0.5), key=lambda b: -b.probability)
    if found.bridgers and likely:
        named = [f"{b.actor} ({percent(b.probability)}, clusters {b.own} and {b.other})" for b in likely]
        said.append(f"More likely than not to lie between two clusters: {listed(named)}.")
    elif found.bridgers:
        top_bridger = max(found.bridgers, key=lambda b: b.probability)
        said.append(
            f"Of the {len(found.bridgers)} actors named as likely bridgers none is more likely than not to lie between two"
            f" clusters; the likeliest is {top_bridger.actor}, with {percent(top_bridger.probability)}."
        )
    return said


def same_sentences(found: Assessment) -> list[str]:
    """Return what the refits say."""
    again = found.again
    values = known(again)
    if not len(values):
        return ["Not known: no world has been refitted."]
    said = [_found_again(found)]
    if found.bridgers and len(np.unique(found.fit.labels)) > 1:
        shares = [b.again for b in found.bridgers if math.isfinite(b.again)]
        if shares:
            said.append(
                f"A bridger named here would be named again in {percent(float(np.mean(shares)))} of studies, on average"
                f" ({percent(min(shares))} to {percent(max(shares))})."
            )
    return [*said, *_number_again(found)]


def _found_again(found: Assessment) -> str:
    again = found.again
    values = known(again)
    mean, (low, high) = float(values.mean()), again.interval()
    error = _error_of_mean(again)
    range_ = f"in the middle 90 % of worlds from {number(low)} to {number(high)}"
    size = f"a mean adjusted Rand index of {plus_minus(mean, error)}, {range_}"
    if not found.assignments.divided:
        one = float((values == 1.0).mean())
        return (
            f"It would again find one cluster in {percent(one)} of worlds, and others, that are not here, in the rest."
        )
    if mean >= _AGAIN:
        return f"Yes, mostly: it would find these clusters again with {size}."
    if mean >= _HARDLY:
        return f"In part: it would find these clusters again with {size}."
    return f"Hardly: it would find these clusters again with {size} (0 is what chance gives)."


def _number_again(found: Assessment) -> list[str]:
    """Return how often the number of clusters would be chosen again, and whether that tells it from its neighbours."""
    n, numbers = found.fit.n_clusters, found.numbers
    own = numbers.share(n, n)
    if not math.isfinite(own):
        return []
    total = sum(numbers.chosen[n].values())
    number_ = (
        f"{clusters(n)} would be chosen again"
        if found.fit.choice
        else f"{clusters(n)}, the number given, would be chosen"
    )
    said = f"{number_} in {percent(own)} of {total} world{'s' * (total != 1)} that have {n}"
    others = {g: numbers.share(g, n) for g in numbers.chosen if g != n}
    parts = [f"{percent(share)} of those that have {g}" for g, share in others.items() if math.isfinite(share)]
    if parts:
        said += f", and in {listed(parts)}"
        nearest = max(share for share in others.values() if math.isfinite(share))
        if own - nearest < _TELLING:
            said += ": that this number was chosen says little"
    lines = [capital(said) + "."]
    if found.chooses != n:
        lines.append(f"(The short chains that choose it again choose {found.chooses} in this very network.)")
    return lines


def change_sentences(change: Change) -> list[str]:
    """Return the change seen, the test-retest null, and what is left of the change."""
    if change.n_stayers < 2 or not math.isfinite(change.seen):
        return [f"From period {change.before} to {change.after}: {change.reason}."]
    said = [
        f"From period {change.before} to {change.after}, {percent(change.seen)} of {change.n_stayers} actors present in both"
        " are seen to switch cluster."
    ]
    if math.isfinite(change.null):
        said.append(
            f"If nobody had moved, {percent(change.null)} would seem to (test-retest null; in the middle 90 % of worlds"
            f" {percent(change.null_low)} to {percent(change.null_high)})."
        )
    if change.corrected.estimable:
        share, low, high = (min(max(x, 0.0), 1.0) for x in corrected(change))
        said.append(
            f"Corrected for this noise, {percent(share)} switched (95 % interval {percent(low)} to {percent(high)})."
        )
        if low == 0.0:
            said.append("That anybody switched is not shown.")
    else:
        said.append(f"The corrected change is not estimable: {change.reason}.")
    return said


def corrected(change: Change) -> tuple[float, float, float]:
    """Return the corrected share and its interval."""
    return change.corrected.share, change.corrected.low, change.corrected.high


def warnings_of(found: Assessment, *, worlds_asked: int) -> list[str]:
    """Return what a reader must know first: a fit that did not converge, worlds that are missing or failed, a likely limit."""
    said = []
    if found.fit.status == Status.NOT_CONVERGED:
        said.append(f"The fit did not converge ({found.fit.message}): its probabilities are not to be relied on.")
    again = found.again
    if again.n_done < worlds_asked:
        said.append(f"{again.n_done} of {worlds_asked} worlds are refitted: the same command goes on from there.")
    if again.n_failed:
        said.append(f"The refits of {again.n_failed} of {again.n_done} worlds failed and are left out.")
    for network in found.networks:
        limit = likely_limit(network) if found.fieldwork.max_nominations is None else None
        if limit is not None:
            count = int((network.ties.sum(axis=1) == limit).sum())
            said.append(
                f"{count} actors named {limit}, and nobody more: if no more names were allowed, say so with"
                f" --max-nominations {limit}, so that worlds are asked in the same way."
            )
    return said


def fieldwork_sentence(fieldwork: Fieldwork) -> str:
    """Return through what the worlds were sent."""
    rate = fieldwork.response_rate
    parts = []
    if isinstance(rate, float) and rate < 1.0:
        parts.append(f"{percent(rate)} of those asked answer")
    if fieldwork.absence > 0.0:
        parts.append(f"{percent(fieldwork.absence)} of those present are not asked")
    if fieldwork.max_nominations is not None:
        parts.append(f"at most {fieldwork.max_nominations} names are given")
    if fieldwork.proxy > 0.0:
        parts.append(f"of silent people's ties to respondents {percent(fieldwork.proxy)} are reported by those")
    if not parts:
        return "Everybody answers, and gives as many names as they like."
    return capital(listed(parts)) + "."


def at_a_glance(found: Assessment) -> tuple[str, str, str, str]:
    """Return for a table: how many assignments are safe, how far they are found again, how often the number is, and where
    the model fits.
    """
    of, values = found.assignments, known(found.again)
    again = DASH
    if len(values):
        low, high = found.again.interval()
        again = f"{number(float(values.mean()))} ({number(low)} to {number(high)})"
    fits = [
        f"{sum(c.defined for c in k.checks) - len(k.outside())} of {sum(c.defined for c in k.checks)}"
        for k in found.checks
    ]
    chosen = percent(found.numbers.share(found.fit.n_clusters, found.fit.n_clusters))
    return f"{int(of.safe.sum())} of {len(of.actors)}", again, f"{chosen} (of {found.fit.n_clusters})", ", ".join(fits)


def clusters(n: int) -> str:
    """Return ``1 cluster`` or ``3 clusters``."""
    return f"{n} cluster{'s' * (n != 1)}"


def known(again: Again) -> np.ndarray:
    """Return the agreements that are known: (up to n_worlds x n_periods,). Relations fitted jointly have one value."""
    first = again.found[:, 0]
    return first[np.isfinite(first)]


def _error_of_mean(again: Again) -> float:
    """Return the Monte Carlo standard error of the mean agreement, over worlds: observations of one are not independent."""
    first = again.found[:, 0]
    worlds = np.array([row[np.isfinite(row)].mean() for row in first if np.isfinite(row).any()])
    return float(worlds.std(ddof=1) / np.sqrt(len(worlds))) if len(worlds) > 1 else math.nan
