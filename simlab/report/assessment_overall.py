"""An assessment of several networks in a few words: in which the clusters can be trusted, and which would be found again."""

from __future__ import annotations

from collections.abc import Sequence

from simlab.fit.fit import Status
from simlab.plan.assess import Assessment
from simlab.report.assessment_words import how_often_again

_MOST_NAMED = 4


def overall(found: Sequence[Assessment]) -> list[str]:
    """Return in how many networks assignments are safe and clusters would be found again; nothing for a single network."""
    if len(found) < 2:
        return []
    said = [
        f"Assignments that are safe: {_counted(found, [_how_safe(a) for a in found], ('all', 'some', 'none'))}.",
        "Clusters that another study would find again: "
        f"{_counted(found, [how_often_again(a.again) for a in found], ('mostly', 'in part', 'hardly', 'not known'))}.",
    ]
    unsure = [a for a in found if a.fit.status == Status.NOT_CONVERGED]
    if unsure:
        said.append(f"Not to be relied on, since the fit did not converge: {_named(unsure)}.")
    return said


def _how_safe(found: Assessment) -> str:
    share = float(found.assignments.safe.mean()) if found.assignments.divided else 0.0
    return "all" if share == 1.0 else "some" if share > 0.0 else "none"


def _counted(found: Sequence[Assessment], kinds: Sequence[str], order: Sequence[str]) -> str:
    """Return what is so of how many networks, such as ``all in 1 of 3 networks (a), some in 2 (b; c)``."""
    several = [kind for kind in order if kind in kinds]
    if len(several) == 1:
        return f"{several[0]} in {'any' if several[0] == 'none' else 'each'} of {len(found)} networks"
    parts: list[str] = []
    for kind in several:
        those = [a for a, other in zip(found, kinds, strict=True) if other == kind]
        names = f" ({_named(those)})" if len(those) <= _MOST_NAMED else ""
        parts.append(f"{kind} in {len(those)}{'' if parts else f' of {len(found)} networks'}{names}")
    return ", ".join(parts)


def _named(those: Sequence[Assessment]) -> str:
    return "; ".join(str(a.network) for a in those)
