"""An assessment in words: what is said of each of the two questions, of change, and of where the model does not fit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from simlab.fieldwork.observe import Fieldwork
from simlab.fit.fit import Status
from simlab.panel import Network
from simlab.plan.again import Again
from simlab.plan.assess import Assessment
from simlab.plan.assignment import SAFE
from simlab.plan.fieldwork_read import likely_limit
from simlab.plan.names_allowed import all_names_used, most_named
from simlab.report.numbers import DASH, capital, listed, number, percent, plus_minus

RIGHT = "Is this assignment right?"
SAME = "Would another study like this one find the same?"

_MOST_NAMED = 5
# Mean agreement from which on clusters are found again, and below which they are hardly.
_AGAIN, _HARDLY = 0.75, 0.35
_DEGREES = {
    "mostly": ("Yes, mostly", ""),
    "in part": ("In part", ""),
    "hardly": ("Hardly", " (0 is what chance gives)"),
}
# The choice tells numbers apart where they differ by as much in how often this one is chosen.
_TELLING = 0.3
# Of fewer worlds counts are told, not shares.
FEW_WORLDS = 20


def right_sentences(found: Assessment) -> list[str]:
    """Return what the posterior says of assignments and bridgers."""
    of = found.assignments
    n = len(of.actors)
    if not of.divided:
        said = [f"All {n} actors are in one cluster: there is no assignment to be right or wrong, and nothing is safe."]
    else:
        safe = int(of.safe.sum())
        order = np.argsort(of.probability, kind="stable")
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
                f"No assignment is safe: {why} {likely(float(of.probability[top]))}, where a shuffled network would give"
                f" {percent(float(of.chance[top]))}."
            ]
        if safe < n:
            named = [_doubtful(found, int(i)) for i in order if not of.safe[i]][:_MOST_NAMED]
            said.append(f"Least certain: {listed(named)}.")
        else:
            least = int(order[0])
            said.append(f"The least certain is {of.actors[least]}, with {likely(float(of.probability[least]))}.")
        said[0] = _qualified(found, said[0])
    between = sorted((b for b in found.bridgers if b.probability >= 0.5), key=lambda b: -b.probability)
    if between:
        named = [f"{b.actor} ({percent(b.probability)}, clusters {b.own} and {b.other})" for b in between]
        said.append(f"At least as likely as not to lie between two clusters: {listed(named)}.")
    elif found.bridgers:
        top_bridger = max(found.bridgers, key=lambda b: b.probability)
        said.append(
            f"Of the {len(found.bridgers)} actors named as likely bridgers none is as likely as not to lie between two"
            f" clusters; the likeliest is {top_bridger.actor}, with {likely(top_bridger.probability, 0.5)}."
        )
    return said


def likely(share: float, limit: float = SAFE) -> str:
    """Return a probability; one that is below a limit, which is what makes an assignment safe, never reads as the limit."""
    return percent(limit - 0.01 if limit - 0.01 < share < limit else share)


def _doubtful(found: Assessment, i: int) -> str:
    """Return an actor whose assignment is not safe, with its probability and, where that is high, why not."""
    of = found.assignments
    told = likely(float(of.probability[i]))
    if of.probability[i] >= SAFE:
        told += f", and {percent(float(of.chance[i]))} in a shuffled network"
    return f"{of.actors[i]} ({told})"


def _qualified(found: Assessment, sentence: str) -> str:
    """Return a sentence that says first that the fit on which it rests did not converge, where it did not."""
    if found.fit.status != Status.NOT_CONVERGED:
        return sentence
    return f"As far as a fit that did not converge can say, {sentence[:1].lower()}{sentence[1:]}"


def same_sentences(found: Assessment) -> list[str]:
    """Return what the refits say."""
    again = found.again
    values = known(again)
    if not len(values):
        return ["Not known: no world has been refitted."]
    said = [_qualified(found, _found_again(found))]
    if found.bridgers and len(np.unique(found.fit.labels)) > 1:
        shares = [b.again for b in found.bridgers if math.isfinite(b.again)]
        if shares:
            said.append(_bridgers_again(shares, again.n_done - again.n_failed))
    return [*said, *_number_again(found)]


def _bridgers_again(shares: Sequence[float], n_worlds: int) -> str:
    """Return how often those named as bridgers would be named again: in counts where the worlds are few."""
    mean, low, high = float(np.mean(shares)), min(shares), max(shares)
    if n_worlds < FEW_WORLDS:
        counts = [f"{n_worlds * share:.3g}" for share in (mean, low, high)]
        return (
            f"A bridger named here is named again in {counts[0]} of {n_worlds} worlds, on average ({counts[1]} to"
            f" {counts[2]}): these are few worlds, which say little."
        )
    return (
        f"A bridger named here would be named again in {percent(mean)} of studies, on average ({percent(low)} to"
        f" {percent(high)})."
    )


def _found_again(found: Assessment) -> str:
    again = found.again
    values = known(again)
    mean, (low, high) = float(values.mean()), again.interval()
    error = _error_of_mean(again)
    range_ = f"in the middle 90 % of worlds from {number(low)} to {number(high)}"
    worlds = f"standard error over {int(np.isfinite(again.found[:, 0]).any(axis=1).sum())} worlds"
    told = f"{plus_minus(mean, error)} ({worlds})" if math.isfinite(error) else f"{number(mean)} (in a single world)"
    size = f"a mean adjusted Rand index of {told}, {range_}"
    if not found.assignments.divided:
        one = float((values == 1.0).mean())
        if one == 1.0:
            return f"It would find one cluster again: all {len(values)} refits did."
        return (
            f"It would find one cluster again in {percent(one)} of worlds, and in the rest others, that are not here."
        )
    lead, end = _DEGREES[how_often_again(again)]
    return f"{lead}: it would find these clusters again with {size}{end}."


def how_often_again(again: Again) -> str:
    """Return whether clusters are found again mostly, in part or hardly, by their mean agreement; or that it is not known."""
    values = known(again)
    if not len(values):
        return "not known"
    mean = float(values.mean())
    return "mostly" if mean >= _AGAIN else "in part" if mean >= _HARDLY else "hardly"


def _number_again(found: Assessment) -> list[str]:
    """Return how often the number of clusters would be chosen again, and whether that tells it from its neighbours."""
    n, numbers = found.fit.n_clusters, found.numbers
    if not numbers.total(n):
        return []
    others = [g for g in numbers.chosen if g != n and numbers.total(g)]
    few = min(numbers.total(g) for g in (n, *others)) < FEW_WORLDS

    def share(of: int) -> str:
        return f"{numbers.chosen[of].get(n, 0)} of {numbers.total(of)}" if few else percent(numbers.share(of, n))

    number_ = (
        f"{clusters(n)} would be chosen again"
        if found.fit.choice
        else f"{clusters(n)}, the number given, would be chosen"
    )
    have = f"world{'s' * (numbers.total(n) != 1)} that {'has' if numbers.total(n) == 1 else 'have'} {n}"
    said = f"{number_} in {share(n)} {have}" if few else f"{number_} in {share(n)} of {numbers.total(n)} {have}"
    if others:
        those = "with" if few else "of those that have"
        said += f", and in {listed([f'{share(g)} {those} {g}' for g in others])}"
    if few:
        said += ": these are few worlds, which say little"
    elif others and numbers.share(n, n) - max(numbers.share(g, n) for g in others) < _TELLING:
        said += ": that this number was chosen says little"
    lines = [capital(said) + "."]
    unfitted = [g for g in (n - 1, n + 1) if 1 <= g <= len(found.fit.actors) and g not in numbers.chosen]
    if unfitted:
        lines.append(f"With {listed([clusters(g) for g in unfitted])} the network could not be fitted.")
    if found.chooses != n:
        lines.append(f"(The short chains that choose it again choose {found.chooses} in this very network.)")
    return lines


def warnings_of(found: Assessment, *, worlds_asked: int) -> list[str]:
    """Return what a reader must know first: a fit that did not converge, worlds that are missing or failed, and limits on
    names that are likely, that tell nothing, or that this study did not have.
    """
    said = []
    if found.fit.status == Status.NOT_CONVERGED:
        said.append(f"The fit did not converge ({found.fit.message}): its probabilities are not to be relied on.")
    again, numbers = found.again, found.numbers
    if again.n_done < worlds_asked or numbers.n_done < numbers.n_worlds:
        said.append(
            f"{again.n_done} of {worlds_asked} worlds are refitted, and the number of clusters is chosen again in"
            f" {numbers.n_done} of {numbers.n_worlds}: the same command goes on from there."
        )
    for failed, done, what in (
        (again.n_failed, again.n_done, "worlds a refit"),
        (numbers.n_failed, numbers.n_done, "worlds in which the number of clusters was chosen again the refit"),
    ):
        if failed:
            said.append(f"In {failed} of {done} {what} failed, and is left out.")
    for network in found.networks:
        limit = likely_limit(network) if found.fieldwork.max_nominations is None else None
        if limit is not None:
            count = int((network.ties.sum(axis=1) == limit).sum())
            said.append(
                f"{count} actors named {limit}, and nobody more: if no more names were allowed, say so with"
                f" --max-nominations {limit}, so that worlds are asked in the same way."
            )
        said += _of_limit(network, found.fieldwork.max_nominations, several=len(found.networks) > 1)
    return said


def _of_limit(network: Network, most: int | None, *, several: bool) -> list[str]:
    """Return what must be known of a limit on names, if anything."""
    where = f" in {network}" if several else ""
    named = most_named(network)
    if most is not None and named > most:
        return [
            f"Somebody named {named}{where}, so that no limit of {most} was kept here: worlds are asked for {most} names at"
            " most, as in another study that has fewer of the ties."
        ]
    if all_names_used(network):
        return [
            f"Everybody gave all {network.max_nominations} names that were allowed{where}: how many ties there are beyond"
            " them is a guess, and so are the density and the reciprocity of worlds."
        ]
    return []


def limit_on_checks(found: Assessment) -> str:
    """Return that a limit on names makes out-degrees differ from the model by itself, where they do; else an empty text."""
    limits = [n.max_nominations for n in found.networks if n.max_nominations is not None]
    limit = (
        found.fieldwork.max_nominations if found.fieldwork.max_nominations is not None else max(limits, default=None)
    )
    differ = any("out-degree" in check.name for checks in found.checks for check in checks.outside())
    if limit is None or not differ:
        return ""
    return (
        f"At most {limit} names were allowed: this alone makes out-degrees differ from those of the model, which knows of no"
        " limit (--set nominations=censored fits answers under a limit that --actors has)."
    )


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
    safe = f"{int(of.safe.sum())} of {len(of.actors)}"
    if found.fit.status == Status.NOT_CONVERGED:
        safe += " (not converged)"
    return safe, again, f"{chosen} (of {found.fit.n_clusters})", ", ".join(fits)


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
