"""Stability: how much of the switching between two periods is real, and can it be told from noise?

Aims. To learn how much switching between clusters, how large a stable core and how much loss of ties a study of two periods
sees beside what truly happens; what it would see if nobody had moved; and whether a correction for noise gives the truth
back.

Data-generating mechanism. A study of six sites of 60 managers in three clusters of a latent plane, 2, 3 or 5 spreads apart,
over two periods; mean out-degree 9, reciprocity 0.5, sociality, homophily, one in ten a bridger, three in ten a core. In the
worlds in which people move, 5 to 40 % of stayers outside the core and a quarter as many of the core switch cluster, a quarter
of the people (8 % of the core) leave, as many arrive, and ties are drawn anew from the new positions. There are two worlds in
which nobody moves, leaves or arrives: the test-retest null, in which the ties are drawn anew and so are the answers and the
fits (called 0 %), and one in which the very ties stay and only answers and fits are drawn anew (called same ties). In one
world 20 % switch and ties are kept where they can be (Jaccard index 0.5). The fieldwork is complete, or 75 % answer and name
five.

Estimands. The share of stayers who switch; the same of the core; the share of stayers' ties that are still there.

Methods. The latent position cluster model by its posterior mode and spectral clustering, the three clusters given; in the
full size also variational Bayes and short chains. Clusters of two periods are matched one to one. Switching is corrected by s
= (1 - (1 - f seen) / (1 - f null)) / f, f = G / (G - 1), with the null of the same world and fieldwork, which a real study
would have to simulate from its fit; survival of ties is divided by the share that is named again in the world of the same
ties.

Performance measures. Seen beside true shares; bias of the corrected share and coverage of its 95 % interval (bootstrap over
the six pairs of networks of a study, and over those of the null); the share of studies in which it is not estimable. Monte
Carlo standard errors are over replicates, that is studies; intervals of shares of networks are Wilson's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simlab import Fieldwork, LpcmMcmc, Scenario, Spectral, Study
from simlab.fit.fit import Fitter
from simlab.fit.lpcm_map import LpcmMap
from simlab.fit.lpcm_variational import LpcmVariational
from simlab.metrics.change_correction import (
    bootstrapped_switching,
    corrected_error,
    corrected_survival,
    corrected_switching,
)
from simlab.report.numbers import Estimate, Share, listed, plus_minus, pooled, spoken
from simlab.report.reading import NOTHING, Reading
from simlab.study.about import about_of
from simlab.study.design import Grid

REPLICATES = {"demo": 10, "full": 400}
SITES = 6
N_CLUSTERS = 3
SEPARATIONS = (2.0, 3.0, 5.0)
SWITCHING = (0.05, 0.1, 0.2, 0.4)
SAME, NULL, KEPT = "same ties", "0 %", "20 %, ties kept"
FITTER = "LPCM, mode"
COMPLETE, USUAL = "complete", "five names, 75 % answer"
NAMES = {COMPLETE: "complete answers", USUAL: "five names, 75 % answering"}
# What counts as "stable cores, memberships that varied substantially": half of a cluster's people on average still
# together, and a fifth or more of all seen to switch.
HALF, FIFTH = 0.5, 0.2


def study(size: str = "demo") -> Study:
    fitters: dict[str, Fitter] = {FITTER: LpcmMap(n_clusters=N_CLUSTERS), "spectral": Spectral(n_clusters=N_CLUSTERS)}
    if size == "full":
        fitters["LPCM, variational"] = LpcmVariational(n_clusters=N_CLUSTERS)
        fitters["LPCM, chains"] = LpcmMcmc(
            n_clusters=N_CLUSTERS, n_chains=2, n_warmup=300, n_draws=300, thin=1, max_rhat=1.1, min_ess=50.0
        )
    settings = [world.but(separation=apart) for world in worlds().values() for apart in SEPARATIONS]
    # Separations are names, so that the worlds, in order of their switching, are what figures are drawn along.
    labels = {"world": tuple(worlds()), "separation": tuple(f"{apart:g}" for apart in SEPARATIONS)}
    return Study(
        "stability",
        question="Stable cores, memberships that varied substantially: how much of it would be seen if nobody had moved?",
        scenarios=Grid(labels, tuple(settings)),
        fieldworks={COMPLETE: Fieldwork(), USUAL: Fieldwork(response_rate=0.75, max_nominations=5)},
        fitters=fitters,
        replicates=REPLICATES[size],
        seed=4,
        metrics=[
            *("ari", "bayes_ari", "information"),
            *("seen_switching", "true_switching", "core_seen_switching", "core_true_switching"),
            *("core_persistence", "true_core_persistence", "core_recall", "core_precision"),
            *("seen_tie_survival", "true_tie_survival", "turnover", "seconds"),
        ],
        about=about_of(__doc__),
    )


def worlds() -> dict[str, Scenario]:
    """Return the worlds by name, in order of how much moves."""
    base = Scenario(n_sites=SITES, n_clusters=N_CLUSTERS, n_periods=2, tie_persistence=None)
    still = base.but(switching=0.0, core_switching=0.0, leaving=0.0, core_leaving=0.0, drift=0.0)
    moving = {f"{100 * s:g} %": base.but(switching=s, core_switching=s / 4) for s in SWITCHING}
    kept = base.but(switching=0.2, core_switching=0.05, tie_persistence=0.5)
    return {SAME: still.but(tie_persistence=1.0), NULL: still, **moving, KEPT: kept}


@dataclass(frozen=True)
class Correction:
    """What the correction gives over the studies of one world: bias, coverage, and where there is no estimate.

    bias, uncorrected, subtracted : mean of estimate minus truth, of the corrected share, the seen share, and seen minus null.
    """

    bias: Estimate
    uncorrected: Estimate
    subtracted: Estimate
    coverage: Share
    not_estimable: Share


def correction(reading: Reading, world: str, separation: str, fieldwork: str, fitter: str = FITTER) -> Correction:
    """Return how the corrected share of switching does in the studies of a world."""
    place = {"separation": separation, "fieldwork": fieldwork, "fitter": fitter}
    seen = reading.networks("seen_switching", world=world, **place)[0]
    true = reading.networks("true_switching", world=world, **place)[0]
    null = reading.networks("seen_switching", world=NULL, **place).ravel()
    rng = np.random.default_rng(4)
    bias, raw, less, covered, estimable = [], [], [], [], []
    target = float(np.nanmean(true)) if np.isfinite(true).any() else np.nan
    for one, truth in zip(seen, true, strict=True):
        if not np.isfinite(one).any() or not np.isfinite(truth).any():
            continue
        found = bootstrapped_switching(one, null, N_CLUSTERS, rng)
        estimable.append(found.estimable)
        real = np.nanmean(truth)
        raw.append(np.nanmean(one) - real)
        less.append(np.nanmean(one) - np.nanmean(null) - real if np.isfinite(null).any() else np.nan)
        if found.estimable:
            bias.append(found.share - real)
            covered.append(found.low <= target <= found.high)
    # The null's own Monte Carlo error is common to all studies.
    noise = reading.mean("seen_switching", world=NULL, **place)
    common = corrected_error(float(np.nanmean(seen)), 0.0, noise.mean, noise.mcse, N_CLUSTERS) if raw else np.nan
    return Correction(
        _widened(_mean(bias), common),
        _mean(raw),
        _widened(_mean(less), noise.mcse),
        _share(covered),
        _share([not known for known in estimable]),
    )


def _widened(estimate: Estimate, error: float) -> Estimate:
    return Estimate(estimate.mean, float(np.hypot(estimate.mcse, error)))


def answer(dataset: Any) -> list[str]:
    """Return what the study says, in sentences."""
    reading = Reading.of(dataset)
    apart = [s for s in reading.levels("separation") if _seen(reading, NULL, s, COMPLETE).known]
    if not apart:
        return [NOTHING]
    parts = (_nobody, _same, _description, _truth, _corrected, _covered, _not_estimable, _kept, _core, _ties)
    return [sentence for part in parts for sentence in part(reading, apart)]


def _seen(reading: Reading, world: str, separation: str, fieldwork: str, metric: str = "seen_switching") -> Estimate:
    place = {"separation": separation, "fieldwork": fieldwork, "fitter": FITTER}
    return reading.mean(metric, world=world, **place)


def _nobody(reading: Reading, apart: list[str]) -> list[str]:
    parts = []
    for f in (COMPLETE, USUAL):
        null = [_seen(reading, NULL, s, f) for s in apart]
        part = [_ratio(one, _seen(reading, "20 %", s, f)) for one, s in zip(null, apart, strict=True)]
        told = f"{_list(null)} of people ({NAMES[f]})"
        parts.append(told + (f", {_list(part)} of what it sees where 20 % switch" if part[0].known else ""))
    return [
        f"If nobody had moved: with clusters {listed(apart)} spreads apart (in this order below), {spoken(FITTER)} would still"
        f" see switch {'; and '.join(parts)}."
    ]


def _same(reading: Reading, apart: list[str]) -> list[str]:
    parts = [f"{_list([_seen(reading, SAME, s, f) for s in apart])} ({NAMES[f]})" for f in (COMPLETE, USUAL)]
    return [
        f"Same ties: where not one tie changes either, it would see {listed(parts)}: what answers and fits alone do."
    ]


def _description(reading: Reading, apart: list[str]) -> list[str]:
    parts = []
    for w in (NULL, "20 %", "40 %"):
        each = [_described(reading, w, s) for s in apart]
        if all(found.known for found in each):
            who = "nobody moves" if w == NULL else f"{w} switch"
            parts.append(f"{listed([str(found) for found in each])} where {who}")
    if not parts:
        return []
    return [
        "The finding: “stable cores, memberships that varied substantially”, read as half or more of a cluster's people still"
        f" together on average while a fifth or more of all seem to switch, fits in this share of networks ({NAMES[USUAL]}):"
        f" {'; '.join(parts)}."
    ]


def _described(reading: Reading, world: str, separation: str) -> Share:
    place = {"world": world, "separation": separation, "fieldwork": USUAL, "fitter": FITTER}
    kept, moved = (reading.networks(name, **place) for name in ("core_persistence", "seen_switching"))
    return Share.of((kept >= HALF) & (moved >= FIFTH), np.isfinite(kept) & np.isfinite(moved))


def _truth(reading: Reading, apart: list[str]) -> list[str]:
    parts = []
    for w in _moving(reading):
        true = reading.mean("true_switching", world=w)
        seen = [_seen(reading, w, s, USUAL) for s in apart]
        if all(one.known for one in seen):
            parts.append(f"{_list(seen)} where {_percent(true)} do")
    return [f"Seen and real: {NAMES[USUAL]}, it sees switch {'; '.join(parts)} (core included)."] if parts else []


def _corrected(reading: Reading, apart: list[str]) -> list[str]:
    parts = []
    for f in (COMPLETE, USUAL):
        found = [correction(reading, "20 %", s, f) for s in apart]
        ways = (("seen", "uncorrected"), ("seen minus null", "subtracted"), ("corrected", "bias"))
        if all(one.uncorrected.known for one in found):
            told = [f"{name} {listed([_points(getattr(one, key)) for one in found])}" for name, key in ways]
            parts.append(f"{'; '.join(told)} ({NAMES[f]})")
    return [f"Bias where 20 % switch, in points of per cent: {'; '.join(parts)}."] if parts else []


def _covered(reading: Reading, apart: list[str]) -> list[str]:
    parts = []
    for f in (COMPLETE, USUAL):
        each = []
        for s in apart:
            found = [correction(reading, w, s, f).coverage for w in _moving(reading)]
            each.append(_joined(found))
        if any(share.known for share in each):
            parts.append(f"{listed([str(share) for share in each])} ({NAMES[f]})")
    if not parts:
        return []
    return [
        f"Intervals: 95 % intervals from six pairs of networks cover the true share, 5 to 40 %, in {listed(parts)}."
    ]


def _not_estimable(reading: Reading, apart: list[str]) -> list[str]:
    parts = []
    for f in (COMPLETE, USUAL):
        for name in reading.fitters:
            for s in apart:
                none = _joined([correction(reading, w, s, f, name).not_estimable for w in _moving(reading)])
                if none.known and none.rate > 0.0:
                    parts.append(f"{none} of studies for {spoken(name)} at separation {s} ({NAMES[f]})")
    where = f"in {'; in '.join(parts)}" if parts else "nowhere in this design"
    return [f"Not estimable, because noise alone looks nearly like guessing: {where}."]


def _kept(reading: Reading, apart: list[str]) -> list[str]:
    found = [correction(reading, KEPT, s, COMPLETE).bias for s in apart]
    if not any(one.known for one in found):
        return []
    return [
        "Ties that last: where ties are kept, the errors of the two periods are alike, and the null in which ties are drawn"
        f" anew takes away too much: bias where 20 % switch {listed([_points(one) for one in found])} points"
        f" ({NAMES[COMPLETE]})."
    ]


def _core(reading: Reading, apart: list[str]) -> list[str]:
    true = reading.mean("core_true_switching", world="20 %")
    seen = [_seen(reading, "20 %", s, USUAL, "core_seen_switching") for s in apart]
    null = [_seen(reading, NULL, s, USUAL, "core_seen_switching") for s in apart]
    precision = [_seen(reading, "20 %", s, USUAL, "core_precision") for s in apart]
    if not all(one.known for one in (true, *seen, *null)):
        return []
    fixed = []
    for one, other in zip(seen, null, strict=True):
        share = float(corrected_switching(one.mean, other.mean, N_CLUSTERS))
        fixed.append(Estimate(share, corrected_error(one.mean, one.mcse, other.mean, other.mcse, N_CLUSTERS)))
    return [
        f"Core: {_percent(true)} of the core switch (core members, where 20 % of others do); seen {_list(seen)}, {_list(null)}"
        f" where nobody does, corrected {_list(fixed)}; of those who seem stable {_list(precision)} are core, three in ten"
        f" of all ({NAMES[USUAL]})."
    ]


def _ties(reading: Reading, apart: list[str]) -> list[str]:
    parts = []
    for w, who in (("20 %", "drawn anew from new positions"), (KEPT, "kept where they can be")):
        true = reading.mean("true_tie_survival", world=w)
        seen = reading.mean("seen_tie_survival", world=w, fieldwork=USUAL, fitter=FITTER)
        null = reading.mean("seen_tie_survival", world=SAME, fieldwork=USUAL, fitter=FITTER)
        if seen.known and null.known:
            fixed = _ratio(seen, null)
            fixed = Estimate(float(corrected_survival(seen.mean, null.mean)), fixed.mcse)
            parts.append(
                f"where ties are {who}, {_percent(true)} are still there, {_percent(seen)} are named again where"
                f" {_percent(null)} would be had none changed, corrected {_percent(fixed)}"
            )
    return [f"Ties of stayers ({NAMES[USUAL]}): {'; '.join(parts)}."] if parts else []


def _joined(shares: list[Share]) -> Share:
    """Return the share over several worlds."""
    count = sum(share.count for share in shares)
    hits = sum(round(share.rate * share.count) for share in shares if share.known)
    return Share.of(np.arange(count) < hits, np.ones(count, dtype=bool))


def _ratio(one: Estimate, other: Estimate) -> Estimate:
    """Return the ratio of two independent estimates, its error by the delta method."""
    if not (one.known and other.known) or other.mean == 0.0:
        return Estimate(np.nan, np.nan)
    error = np.hypot(one.mcse / other.mean, one.mean * other.mcse / other.mean**2)
    return Estimate(one.mean / other.mean, float(error))


def _list(shares: list[Estimate]) -> str:
    return listed([_percent(share) for share in shares])


def _moving(reading: Reading) -> list[str]:
    return [w for w in reading.levels("world") if w not in (SAME, NULL, KEPT)]


def _mean(values: Sequence[float | np.floating[Any]]) -> Estimate:
    return pooled(np.array(values, dtype=np.float64)[None, None, :])


def _share(yes: list[bool]) -> Share:
    return Share.of(np.array(yes, dtype=bool), np.ones(len(yes), dtype=bool))


def _percent(share: Estimate) -> str:
    return f"{plus_minus(100 * share.mean, 100 * share.mcse, 0)} %" if share.known else "(not estimable)"


def _points(gap: Estimate) -> str:
    if not gap.known:
        return "(not estimable)"
    return f"{'+' if gap.mean > 0 else ''}{plus_minus(100 * gap.mean, 100 * gap.mcse, 1)}"
