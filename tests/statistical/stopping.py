"""Studies that stop where the rule of ``simlab.study.until`` says: how far off their means are, how often intervals hold.

A stopped study is a row of values that grows as the rule says; its mean and Monte Carlo error are those it ended with. What is
right is said here, so that the short tests and the long verification judge alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.study.summary import wilson
from simlab.study.until import LEAST, Until, replicates_wanted_each

Floats = NDArray[np.float64]
Z = 1.959964
# Rows that are drawn together, so that long studies do not fill the memory.
BLOCK = 2000


@dataclass(frozen=True)
class Values:
    """Values of a metric over replicates: how they are drawn, their moments, the range, and whether they are 0 and 1."""

    draw: Callable[[np.random.Generator, tuple[int, int]], Floats]
    mean: float
    sd: float
    skewness: float
    low: float | None
    high: float | None
    share: bool = False


class Stopped(NamedTuple):
    """Of each study: its mean, its Monte Carlo error, and the number of replicates it stopped at."""

    means: Floats
    errors: Floats
    numbers: Floats


# Of any kind of values at any limit, in limits and as a share of studies.
MOST_BIAS = 0.4
LEAST_COVERAGE = 0.9


class Figures(NamedTuple):
    """What stopping did, over studies. ``bias`` and ``bias_error`` (its Monte Carlo error) are in units of the limit.

    ``expected_bias`` is minus skewness over the root of the number needed; ``coverage`` how often mean +- 1.96 errors contains
    the truth; ``within`` how often the mean is within 1.96 limits of it; ``wilson`` how often Wilson's 95 % interval of a
    share contains it (NaN for others); ``fixed`` the coverage of studies of the number needed, which nothing stops;
    ``replicates`` the mean number; ``needed`` that at which sd / sqrt(n) is the limit; ``at_once`` the share that stopped
    at the first decision with an error of zero.
    """

    bias: float
    bias_error: float
    expected_bias: float
    coverage: float
    within: float
    wilson: float
    fixed: float
    replicates: float
    needed: float
    at_once: float

    def right(self) -> bool:
        """Say whether the bias is small beside the limit and intervals hold; of a share, Wilson's."""
        holds = self.coverage if np.isnan(self.wilson) else self.wilson
        return abs(self.bias) <= MOST_BIAS and holds >= LEAST_COVERAGE


def bernoulli(p: float) -> Values:
    """Return a share of ``p``."""
    spread = np.sqrt(p * (1.0 - p))
    return Values(
        lambda rng, shape: (rng.random(shape) < p).astype(float), p, spread, (1 - 2 * p) / spread, 0.0, 1.0, True
    )


def mostly_one(share: float, low: float) -> Values:
    """Return an adjusted Rand index that is 1 with probability ``share``, else uniform from ``low`` to 1."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
        return np.where(rng.random(shape) < share, 1.0, rng.uniform(low, 1.0, shape))

    # Moments of 1 - value, which is 0 or uniform from 0 to width.
    width, other = 1.0 - low, 1.0 - share
    first, second, third = (other * width**k / (k + 1) for k in (1, 2, 3))
    variance = second - first**2
    skewness = -(third - 3 * first * variance - first**3) / variance**1.5
    return Values(draw, 1.0 - first, float(np.sqrt(variance)), float(skewness), -0.5, 1.0)


def beta(a: float, b: float) -> Values:
    """Return a metric from 0 to 1 with a beta distribution."""
    total = a + b
    spread = np.sqrt(a * b / (total**2 * (total + 1)))
    skewness = 2 * (b - a) * np.sqrt(total + 1) / ((total + 2) * np.sqrt(a * b))
    return Values(lambda rng, shape: rng.beta(a, b, shape), a / total, float(spread), float(skewness), 0.0, 1.0)


KINDS = {
    "share of 0.95": bernoulli(0.95),
    "share of 0.8": bernoulli(0.8),
    "share of 0.99": bernoulli(0.99),
    "index mostly 1": mostly_one(0.9, 0.3),
    "index nearly always 1": mostly_one(0.97, 0.0),
    "skewed beta": beta(8.0, 1.0),
    "beta at both ends": beta(0.8, 0.1),
    "normal": Values(lambda rng, shape: rng.normal(0.6, 0.2, shape), 0.6, 0.2, 0.0, None, None),
    "exponential": Values(lambda rng, shape: rng.exponential(0.2, shape), 0.2, 0.2, 2.0, None, None),
}


# Values for which stopping early goes wrong.
CAUGHT = ("share of 0.95", "index mostly 1", "index nearly always 1")


def stopped(
    values: Values, limit: float, n_studies: int, *, seed: int, least: int = LEAST, range_known: bool = True
) -> Stopped:
    """Return studies that go on until the Monte Carlo error is at most ``limit``; without a range it is sd / sqrt(n)."""
    rng = np.random.default_rng(seed)
    rule = Until("metric", limit)
    low, high = (values.low, values.high) if range_known else (None, None)
    ended: list[Floats] = []
    waiting = [values.draw(rng, (min(BLOCK, n_studies - start), least)) for start in range(0, n_studies, BLOCK)]
    while waiting:
        rows = waiting.pop()
        n = rows.shape[1]
        wanted = replicates_wanted_each(rows, rule, low, high, least=least)
        done = rows[wanted == n]
        ended.append(np.stack([done.mean(axis=1), rule.errors(done, low, high), np.full(len(done), float(n))]))
        for number in np.unique(wanted[wanted > n]):
            longer = rows[wanted == number]
            waiting.append(np.concatenate([longer, values.draw(rng, (len(longer), number - n))], axis=1))
    return Stopped(*np.concatenate(ended, axis=1))


def figures(values: Values, limit: float, found: Stopped, *, least: int = LEAST) -> Figures:
    """Return what stopping did to these studies."""
    away = found.means - values.mean
    needed = values.sd**2 / limit**2
    inside = np.nan
    if values.share:
        _, low, high = wilson(found.means * found.numbers, found.numbers)
        inside = float(((low <= values.mean) & (values.mean <= high)).mean())
    number = max(least, int(np.ceil(needed)))
    rng = np.random.default_rng(number)
    alone = [values.draw(rng, (500, number)) for _ in range(max(1, len(away) // 500))]
    rule = Until("metric", limit)
    held = [np.abs(v.mean(axis=1) - values.mean) <= Z * rule.errors(v, values.low, values.high) for v in alone]
    return Figures(
        bias=float(away.mean() / limit),
        bias_error=float(away.std(ddof=1) / np.sqrt(len(away)) / limit),
        expected_bias=-values.skewness / float(np.sqrt(number)),
        coverage=float((np.abs(away) <= Z * found.errors).mean()),
        within=float((np.abs(away) <= Z * limit).mean()),
        wilson=inside,
        fixed=float(np.concatenate(held).mean()),
        replicates=float(found.numbers.mean()),
        needed=needed,
        at_once=float(((found.numbers == least) & (found.errors == 0.0)).mean()),
    )


def stopping_table(n_studies: int, path: Path, limits: tuple[float, ...] = (0.005, 0.01, 0.02, 0.03)) -> int:
    """Measure and print every kind of values at every limit, beside the controls; return how many are not as they should be.

    Writes the figures to ``path`` as comma-separated values. The control stops from five replicates on at a plain sd / sqrt(n).
    """
    lines, wrong = [",".join(("values", "limit", "rule", *Figures._fields))], 0
    for name, values in KINDS.items():
        for limit in limits:
            found = figures(values, limit, stopped(values, limit, n_studies, seed=21))
            lines.append(",".join((name, str(limit), "simlab", *(f"{x:.4g}" for x in found))))
            wrong += not found.right()
            print(f"{'ok ' if found.right() else 'BAD'} stopping, {name}, limit {limit}: {_words(found)}", flush=True)
    for name in CAUGHT:
        values, limit = KINDS[name], 0.01
        found = figures(values, limit, stopped(values, limit, n_studies, seed=22, least=5, range_known=False), least=5)
        caught = not found.right() and found.coverage < 0.6
        lines.append(",".join((name, str(limit), "control", *(f"{x:.4g}" for x in found))))
        wrong += not caught
        print(f"{'ok ' if caught else 'BAD'} control: from five replicates, {name}: {_words(found)}", flush=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return wrong


def _words(found: Figures) -> str:
    share = "" if np.isnan(found.wilson) else f", Wilson's {found.wilson:.1%}"
    return (
        f"bias {found.bias:+.2f} limits (expected {found.expected_bias:+.2f}), intervals hold in {found.coverage:.1%}{share}, "
        f"unstopped {found.fixed:.1%}, {found.replicates:.0f} replicates where {found.needed:.0f} are needed"
    )
