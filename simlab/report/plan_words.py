"""The answer of a plan in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from simlab.plan.answer import Answer, More, Outcome, Reached, Verdict
from simlab.plan.intervals import Interval
from simlab.plan.search import Stop
from simlab.plan.targets import Target
from simlab.report.design_words import design_words, money, setting_words
from simlab.report.numbers import listed, number, percent, words

_VERDICTS = {
    Verdict.SURELY: "surely reached",
    Verdict.REACHED: "reached as far as can be told",
    Verdict.FEW: "reached, but by too few replicates to show it",
    Verdict.CLOSE: "not told apart from just reached",
    Verdict.MISSED: "missed",
}
_STOPS = {
    Stop.NARROW: "the cheapest cost, and that of the design, were known closely enough",
    Stop.NONE: "it was improbable that any design reaches",
    Stop.SPENT: "the fits were spent",
}


def sentences(answer: Answer) -> list[str]:
    """Return the answer as sentences, each led by what it is about and a colon."""
    out = [*_headline(answer), *_worlds(answer)]
    if answer.found:
        out += [*_more(answer), *_rejected(answer)]
    out += _limits(answer)
    return [*out, *_directions(answer), _how(answer)]


def reached_words(reached: Reached) -> str:
    """Return what a target's number is on some replicates, and the quantile itself where one is asked for."""
    text = f"{target_words(reached.target)} is {interval_words(reached.interval, reached.target)}"
    target = reached.target
    if target.quantile is None or math.isnan(reached.quantile):
        return text
    what = f"the {100 * target.quantile:g} % quantile of {target.conditions[0].formula.text}"
    value = number(reached.quantile) if math.isfinite(reached.quantile) else "among fits that failed"
    return f"{what} is {value}, and {text}"


def undefined_words(reached: Sequence[Reached]) -> str:
    """Return in how many replicates what a target asks for has no value; empty where it has one in all."""
    shares: dict[str, list[str]] = {}
    for r in reached:
        if r.undefined > 0.0:
            what = r.target.measures[0] if len(r.target.measures) == 1 else r.target.text
            shares.setdefault(percent(r.undefined), []).append(what)
    parts = []
    for share, names in shares.items():
        different = list(dict.fromkeys(names))
        parts.append(
            f"{listed(different)} {'has' if len(different) == 1 else 'have'} no value in {share} of the replicates"
        )
    return f" Left out: {'; '.join(parts)}." if parts else ""


def interval_words(interval: Interval, target: Target) -> str:
    """Return an estimate with its interval, of a mean with the sign that was asked for."""
    low, high = sorted((target.sign * interval.low, target.sign * interval.high))
    return f"{number(target.sign * interval.estimate)} ({percent(interval.level)} interval {number(low)} to {number(high)})"


def target_words(target: Target) -> str:
    """Return what a target's number is: a probability, or a mean."""
    what = " and ".join(f"{c.formula.text} {c.sign} {c.value:g}" for c in target.conditions)
    if target.is_mean:
        return f"the mean of {target.conditions[0].formula.text}"
    return f"the probability of {what}" if target.wanted else f"the probability of not {what}"


def _reached(reached: tuple[Reached, ...]) -> str:
    return "; ".join(f"{reached_words(r)}, {_VERDICTS[r.verdict]}" for r in reached)


def _at_once(answer: Answer) -> str:
    """Return how often one study is as all targets of a probability want it."""
    both = answer.at_once
    if both is None:
        return ""
    ends = f"{number(both.low)} to {number(both.high)}"
    return f" All of that in the same study has a probability of {number(both.estimate)} ({ends}), which no target asks for."


def _headline(answer: Answer) -> list[str]:
    wanted = listed([target.text for target in answer.targets])
    where = design_words(answer.design)
    cost = money(answer.cost, answer.unit)
    low, high = answer.cheapest
    fresh = (
        f"On fresh replicates, which had no part in choosing it: {_reached(answer.reached)}."
        f"{undefined_words(answer.reached)}{_at_once(answer)}"
    )
    within = "" if answer.budget is None else f" within the budget of {money(answer.budget, answer.unit)}"
    if answer.found:
        close = answer.outcome == Outcome.CLOSE
        shown = all(r.verdict == Verdict.SURELY for r in answer.reached)
        which = "may reach" if close else "reaches" if shown else "reaches, as far as can be told,"
        text = f"Answer: the cheapest design found that {which} {wanted}{within} has {where}, and costs {cost}."
        if answer.none > 0.5:
            nearest = f"Answer: the design that came nearest in the search {which} {wanted}{within}"
            text = f"{nearest}; it has {where}, and costs {cost}."
        if close:
            text += " Fresh replicates cannot tell whether it does."
            if answer.none > 0.5:
                text += " By the replicates of the search it is improbable that any design in these ranges does."
        out = [text, fresh]
        if math.isfinite(high):
            dearer = (
                " The design found is dearer, since those below are less probable to reach."
                if answer.cost > high
                else ""
            )
            out.append(
                f"Cost: by the surrogate the cheapest design that reaches costs {money(low, '')} to"
                f" {money(high, answer.unit)} ({percent(answer.reached[0].interval.level)}).{dearer}"
            )
        return [*out, *_whole_budget(answer)]
    if answer.outcome == Outcome.MISSED:
        return [
            f"Answer: no design{within} was shown to reach {wanted} with these fits; with more of them (--fits) one may be."
            f" The one chosen has {where}, and costs {cost}.",
            fresh,
        ]
    surely = "" if answer.stop == Stop.NONE else "probably "
    text = f"Answer: {surely}no design in these ranges{within} reaches {wanted}"
    return [
        f"{text}. The one that comes nearest has {where}, and costs {cost}.",
        fresh,
    ]


def _whole_budget(answer: Answer) -> list[str]:
    """Return what the best design within the budget would reach, where that is not about the one found."""
    best = answer.frontier[-1]
    if answer.budget is None or best.cost <= 1.02 * answer.cost:
        return []
    each = [f"{number(t.sign * r.estimate)}" for r, t in zip(best.reaches, answer.targets, strict=True)]
    return [
        f"Budget: the best for up to {money(answer.budget, answer.unit)}, by the surrogate, has {design_words(best.design)},"
        f" costs {money(best.cost, answer.unit)}, and would reach {listed(each)}."
    ]


def _worlds(answer: Answer) -> list[str]:
    out = []
    for of in answer.worlds:
        name = f" ({of.target.text})" if len(answer.targets) > 1 else ""
        target, spread = of.target, of.spread
        sign = target.sign
        what = target_words(target) if target.is_mean else "the probability"
        if spread.differ:
            reaches = f"{'at least' if sign > 0 else 'at most'} {number(sign * target.needed)}"
            parts = [f"{what} is {reaches} in {percent(spread.above(target.needed))} of the worlds"]
            if not target.is_mean:
                parts[0] += f", and below 0.5 in {percent(1.0 - spread.above(0.5))}"
        elif of.contrasts:
            parts = []
        else:
            parts = ["no difference between them was shown beyond chance"]
        for contrast in of.contrasts[:2]:
            groups = sorted(contrast.groups, key=lambda g: g[1].estimate)
            worst, best = groups[0], groups[-1]
            name_of_it, unknown = "it" if parts else what, words(contrast.unknown)
            parts.append(
                f"{name_of_it} is {number(sign * worst[1].estimate)} where {unknown} is {worst[0]}, and"
                f" {number(sign * best[1].estimate)} where it is {best[0]}"
            )
        out.append(f"Worlds{name}: {'; '.join(parts)}.")
    return [
        *out,
        *(f"Worlds ({text}): it is defined in too few to say how they differ." for text in answer.worlds_left),
    ]


def more_words(more: More, answer: Answer) -> str:
    """Return what a little more of one setting would buy."""
    change = setting_words(more.variable, more.after)
    if isinstance(more.before, (int, float)) and isinstance(more.after, (int, float)):
        step = more.after - more.before
        change = {
            "max_nominations": f"{step:g} more name",
            "response_rate": f"{100 * step:.2g} % more response",
            "n_invited": f"{step:g} more managers",
            "n_actors": f"{step:g} more managers a site",
            "n_sites": f"{step:g} more site",
            "n_periods": f"{step:g} more period",
        }.get(more.variable, f"{step:g} more of {words(more.variable)}")
    gains = []
    for gain, target in zip(more.gains, answer.targets, strict=True):
        sign = target.sign
        ends = sorted((sign * gain.low, sign * gain.high))
        middle = number(sign * gain.estimate, 3, signed=True)
        gains.append(f"{middle} ({number(ends[0], 3, signed=True)} to {number(ends[1], 3, signed=True)})")
    return f"{change} {listed(gains)} for {money(more.cost, answer.unit)}"


def _more(answer: Answer) -> list[str]:
    if not answer.more:
        return []
    of = "in this order of the targets, " if len(answer.targets) > 1 else ""
    return [f"More: {of}by the surrogate would buy {'; '.join(more_words(more, answer) for more in answer.more)}."]


def _rejected(answer: Answer) -> list[str]:
    if not answer.rejected:
        return []
    parts = [f"{design_words(design)} ({_reached(reached)})" for design, _, reached in answer.rejected]
    return [
        f"Turned down: chosen first, and falling short when more of their replicates were seen: {'; '.join(parts)}."
    ]


def _limits(answer: Answer) -> list[str]:
    left = f"Not looked at, as the fits were spent: {listed(list(answer.limits_left))}."
    if not answer.limits:
        return [f"Limits: {left}"] if answer.limits_left else []
    parts = []
    for lifted in answer.limits:
        values = listed([number(r.target.sign * r.interval.estimate) for r in lifted.reached])
        parts.append(f"{lifted.lift.words}: {values}{', enough' if lifted.enough else ''}")
    enough = [lifted.lift.name for lifted in answer.limits if lifted.enough]
    if "response" in enough:
        # Where it is enough to ask everybody, there are managers enough, and names.
        enough = [name for name in enough if name not in ("too few managers", "all of the fieldwork")]
    if enough:
        which = f"what stands in the way: {listed(enough)}"
    else:
        nearest = max(answer.limits, key=lambda x: min(r.interval.estimate - r.target.needed for r in x.reached))
        pairs = zip(nearest.reached, answer.reached, strict=True)
        gains = any(lifted.interval.low > r.interval.high for lifted, r in pairs)
        more = f"the most would come from {nearest.lift.name}" if gains else "none makes a difference that was seen"
        which = f"none of them alone is enough; {more}"
    said = f"Limits: lifted one by one, the design that comes nearest would reach {'; '.join(parts)}: {which}."
    return [f"{said} {left}" if answer.limits_left else said]


def _directions(answer: Answer) -> list[str]:
    each: dict[str, dict[str, str]] = {}
    for direction in answer.directions:
        each.setdefault(direction.variable, {})[direction.target.text] = direction.kind
    kinds: dict[str, list[str]] = {}
    for variable, of_target in each.items():
        alike = len(set(of_target.values())) == 1
        for target, kind in of_target.items():
            name = words(variable) if alike else f"{words(variable)} ({target})"
            if name not in kinds.setdefault(kind, []):
                kinds[kind].append(name)
    said = {
        "rises": "more is better throughout",
        "falls": "more is worse throughout",
        "turns": "best is in between",
        "flat": "nothing changes",
        "not known": "it was not shown which way it goes",
    }
    parts = [f"{said[kind]} for {listed(kinds[kind])}" for kind in said if kind in kinds]
    return [f"Directions: about this design, {'; '.join(parts)}."] if parts else []


def _how(answer: Answer) -> str:
    fits, bad = answer.fits, answer.fits.failures
    parts = [f"{fits.search:,} in the search over {len(answer.space):,} designs", f"{fits.fresh:,} fresh"]
    if fits.limits:
        parts.append(f"{fits.limits:,} on limits")
    said = ""
    if bad.failed:
        said += (
            f" {bad.failed:,} fits failed, and count as no success, in a mean as the worst value; said most often:"
            f" {bad.message}."
        )
    if bad.impossible:
        said += (
            f" In {bad.impossible:,} replicates the world cannot be as it is wanted, whatever the fieldwork: they are left out;"
            f" said most often: {bad.why}."
        )
    return (
        f"How: {fits.total:,} fits of {fits.allowed:,} allowed, {listed(parts)}; the search ended because"
        f" {_STOPS[answer.stop]}.{said}"
    )
