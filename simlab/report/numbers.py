"""Numbers as text: estimates with their Monte Carlo errors, shares, times, levels of a factor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import shown
from simlab.study.summary import wilson

Floats = NDArray[np.float64]
DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Estimate:
    """A mean over replicates and its Monte Carlo standard error; NaN where there is none."""

    mean: float
    mcse: float

    @property
    def known(self) -> bool:
        """Whether there is a mean."""
        return math.isfinite(self.mean)

    @property
    def distinct(self) -> bool:
        """Whether the mean is more than two Monte Carlo standard errors from zero; no where the error is not known."""
        return self.known and math.isfinite(self.mcse) and abs(self.mean) > 2.0 * self.mcse

    def __str__(self) -> str:
        """Return ``0.85 ± 0.01``, or the mean alone where the error is not known."""
        return plus_minus(self.mean, self.mcse)


@dataclass(frozen=True)
class Share:
    """A share of networks, with Wilson's 95 % interval; NaN, 0 and 1 where there are none."""

    rate: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, yes: NDArray[np.bool_], known: NDArray[np.bool_]) -> Share:
        """Return the share of yes among what is known."""
        count = int(known.sum())
        rate, low, high = wilson(float((yes & known).sum()), float(count))
        return cls(float(rate), float(low), float(high), count)

    @property
    def known(self) -> bool:
        """Whether any network was counted."""
        return self.count > 0

    def __str__(self) -> str:
        """Return ``12 % (8 to 17 %)``."""
        if not self.known:
            return "an unknown share"
        return f"{percent(self.rate)} ({100 * self.low:.0f} to {100 * self.high:.0f} %)"


def pooled(values: Floats) -> Estimate:
    """Return the mean over all worlds, and its error, of values (scenarios, fieldworks, replicates).

    Fieldworks of one world are averaged first, since they are not independent; scenarios have worlds of their own, so their
    errors add up as independent ones. NaN, as of failed cells, is left out.
    """
    count = np.isfinite(values).sum(axis=1)
    worlds = np.divide(np.nansum(values, axis=1), count, out=np.full(count.shape, np.nan), where=count > 0)
    known = [row[np.isfinite(row)] for row in worlds if np.isfinite(row).any()]
    if not known:
        return Estimate(math.nan, math.nan)
    if min(len(row) for row in known) < 2:
        return Estimate(float(np.mean([row.mean() for row in known])), math.nan)
    errors = [row.std(ddof=1) ** 2 / len(row) for row in known]
    return Estimate(float(np.mean([row.mean() for row in known])), float(np.sqrt(np.sum(errors)) / len(known)))


def crossing(x: Floats, y: Floats, level: float) -> float | None:
    """Return where ``y`` along ``x`` crosses ``level``, interpolated; None where it does not, or more than once."""
    above = y >= level
    turns = np.flatnonzero(above[1:] != above[:-1])
    if len(turns) != 1 or not np.isfinite(y).all():
        return None
    i = int(turns[0])
    return float(x[i] + (level - y[i]) / (y[i + 1] - y[i]) * (x[i + 1] - x[i]))


def number(value: float, decimals: int = 2, *, signed: bool = False) -> str:
    """Return a number with that many decimals, never ``-0.00``; a dash for NaN."""
    if not math.isfinite(value):
        return DASH
    rounded = round(float(value), decimals) + 0.0
    return f"{rounded:+.{decimals}f}" if signed and rounded else f"{rounded:.{decimals}f}"


def plus_minus(mean: float, mcse: float, decimals: int = 2) -> str:
    """Return a mean and its Monte Carlo standard error, with a third decimal where the error would read as zero."""
    if not math.isfinite(mean) or not math.isfinite(mcse):
        return number(mean, decimals)
    if 0.0 < mcse < 0.5 * 10.0**-decimals:
        decimals += 1
    return f"{number(mean, decimals)} ± {number(mcse, decimals)}"


def percent(share: float) -> str:
    """Return a share in per cent; a share above 0 never reads as 0, one below 1 never as 100."""
    if not math.isfinite(share):
        return DASH
    if 0.0 < share < 0.005:
        return "<1 %"
    if 0.995 < share < 1.0:
        return ">99 %"
    return f"{100.0 * share:.0f} %"


def share_text(share: Estimate) -> str:
    """Return a share and its error in per cent, such as ``43 ± 2 %``; up to two decimals where the error would read as zero."""
    if not math.isfinite(share.mean):
        return DASH
    decimals = 1 if 0.0005 <= share.mcse < 0.005 else 2 if 0.0 < share.mcse < 0.0005 else 0
    return f"{plus_minus(100.0 * share.mean, 100.0 * share.mcse, decimals)} %"


def duration(seconds: float) -> str:
    """Return a time with two or three digits, in milliseconds, seconds, minutes or hours."""
    if not math.isfinite(seconds):
        return DASH
    for limit, unit, name in ((1.0, 1e-3, "ms"), (120.0, 1.0, "s"), (7200.0, 60.0, "min")):
        if seconds < limit:
            value = seconds / unit
            return f"{value:.0f} {name}" if value >= 99.5 or (name == "ms" and value >= 9.5) else f"{value:.1f} {name}"
    return f"{seconds / 3600.0:.1f} h"


def plain(level: Any) -> str:
    """Return a level as it stands in the id of a cell."""
    return f"{level:g}" if isinstance(level, float) else str(level)


def words(name: str) -> str:
    """Return the name of a dimension as words."""
    spoken = f"number of {name[2:]}" if name.startswith("n_") else name
    return shown(spoken.replace("_", " "), 40)


def level_text(dimension: str, level: Any) -> str:
    """Return a level as a reader meets it: a name alone, a setting after what it is of."""
    if dimension in ("scenario", "fieldwork"):
        return shown(plain(level), 40)
    return f"{words(dimension)} {shown(plain(level), 40)}"


def capital(text: str) -> str:
    """Return a text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def unbroken(text: str) -> str:
    """Return a text in which no line ends between a number and its error or its per cent sign."""
    return text.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}").replace(" %", "\N{NO-BREAK SPACE}%")


def listed(names: list[str]) -> str:
    """Return names as ``one, two and three``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def spoken(fitter: str) -> str:
    """Return a fitter's label as it stands within a list: without commas."""
    return fitter.replace(", ", " ")
