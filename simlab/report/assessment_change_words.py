"""Change between two periods in words: what is seen, what noise alone would show, and what is left."""

from __future__ import annotations

import math

from simlab.plan.change import Change
from simlab.report.assessment_words import FEW_WORLDS
from simlab.report.numbers import percent


def change_sentences(change: Change) -> list[str]:
    """Return the change seen, the test-retest null, and what is left of the change."""
    period = f"From period {change.before} to {change.after}"
    if change.n_stayers < 2 or not math.isfinite(change.seen):
        return [f"{period}: {change.reason}."]
    if change.one_cluster:
        return [
            f"{period} nobody can be seen to switch cluster: {change.reason}.",
            "The corrected change is not estimable.",
        ]
    said = [
        f"{period}, {percent(change.seen)} of {change.n_stayers} actors present in both are seen to switch cluster."
    ]
    by_refits = percent(change.seen_by_refits)
    other = math.isfinite(change.null) and by_refits != percent(change.seen)
    if other:
        said.append(
            f"The faster fits with which worlds are refitted see {by_refits} switch in these very networks: what follows is"
            " by such fits, and to be compared with that."
        )
    if math.isfinite(change.null):
        few = change.n_worlds < FEW_WORLDS
        range_ = (
            f"from {change.n_worlds} worlds only, which say little"
            if few
            else f"in the middle 90 % of worlds {percent(change.null_low)} to {percent(change.null_high)}"
        )
        said.append(f"If nobody had moved, {percent(change.null)} would seem to (test-retest null; {range_}).")
    if change.corrected.estimable:
        share, low, high = (min(max(x, 0.0), 1.0) for x in corrected(change))
        noise = f"this noise, the {by_refits}" + (" become" if other else " seen become")
        said.append(
            f"Corrected for {noise} {percent(share)} who switched (95 % interval {percent(low)} to {percent(high)})."
        )
        if low == 0.0:
            said.append("That anybody switched is not shown.")
    else:
        said.append(f"The corrected change is not estimable: {change.reason}.")
    return said


def corrected(change: Change) -> tuple[float, float, float]:
    """Return the corrected share and its interval."""
    return change.corrected.share, change.corrected.low, change.corrected.high
