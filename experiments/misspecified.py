"""Misspecified: in worlds that break the model, who invents clusters, and who finds those that are there?

Aims. To learn how often each method claims several clusters where there are none, and whether it finds those that there are,
in worlds that no latent position cluster model made.

Data-generating mechanism. Sixty managers in each world of the catalogue that breaks the model. With three clusters: blocks,
blocks with uneven activity (degree-corrected), blocks in which a fifth belong to two (mixed), ties from joint projects.
Without any: core and periphery, one big cluster, no structure but strong sociality, ties within organisations and nothing
else. Beside them, as a yardstick, managers of the model itself with centres 6 spreads apart. The fieldwork is complete.

Estimands. Whether there is more than one cluster; the true clusters.

Methods. All choose among one to six clusters: the latent position cluster model by short chains (BIC), by variational Bayes
(bound) and by its posterior mode (BIC), plain and with effects of senders and receivers; the block model, plain and
degree-corrected (ICL); spectral clustering and the Leiden method (modularity).

Performance measures. The share of networks in which at least two clusters of two people or more are claimed, with Wilson's 95
% interval; the adjusted Rand index (where there are no clusters it is 1 for who claims none, else 0), and the share with the
right number, where there are clusters; where ties follow organisations alone, the adjusted Rand index of the clusters and the
organisations. Monte Carlo standard errors over replicates.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simlab import Fieldwork, LpcmMcmc, Scenario, Spectral, Study
from simlab.fit.fit import Fitter
from simlab.fit.leiden import Leiden
from simlab.fit.lpcm_map import LpcmMap
from simlab.fit.lpcm_variational import LpcmVariational
from simlab.fit.sbm import Sbm
from simlab.generate.catalog import scenarios
from simlab.report.numbers import Share, listed, spoken
from simlab.report.reading import NOTHING, Reading
from simlab.study.about import about_of

REPLICATES = {"demo": 10, "full": 200}
SIX = (1, 6)
WITHOUT = {
    "core-periphery": "a core and a periphery",
    "one-cluster": "one big cluster",
    "sociality": "nothing but sociality",
    "organisations-only": "organisations alone",
}
WITH = {
    "managers": "the model's own world",
    "blocks": "blocks",
    "blocks-degree-corrected": "degree-corrected blocks",
    "blocks-mixed": "mixed blocks",
    "projects": "projects",
}
ORGANISATIONS = "organisations-only"
# A method invents clusters where it claims them in more than one in ten networks that have none.
SELDOM = 0.1


def study(size: str = "demo") -> Study:
    # Short chains, judged as such: rhat up to 1.1, 50 effective draws.
    chains = LpcmMcmc(
        n_clusters=SIX,
        n_chains=2,
        n_warmup=200,
        n_draws=200,
        thin=1,
        max_rhat=1.1,
        min_ess=50.0,
        criteria=("bic",),
    )
    fitters: dict[str, Fitter] = {
        "LPCM, chains": chains,
        "LPCM, variational": LpcmVariational(n_clusters=SIX, n_starts=4),
        "LPCM, mode": LpcmMap(n_clusters=SIX),
        "LPCM, mode, effects": LpcmMap(n_clusters=SIX, sociality="both"),
        "block model": Sbm(n_clusters=SIX, n_starts=6),
        "block model, degrees": Sbm(n_clusters=SIX, n_starts=6, degree_corrected=True),
        "spectral": Spectral(n_clusters=SIX),
        "Leiden": Leiden(),
    }
    if size == "full":
        fitters["LPCM, chains, effects"] = chains.but(sociality="both")
    worlds: dict[str, Scenario] = {name: scenarios[name].thing for name in (*WITHOUT, *WITH)}
    worlds["managers"] = worlds["managers"].but(separation=6.0)
    return Study(
        "misspecified",
        question="In worlds that break the model, who invents clusters, and who finds those that are there?",
        scenarios=worlds,
        fieldworks=Fieldwork(),
        fitters=fitters,
        replicates=REPLICATES[size],
        seed=7,
        metrics=[
            "claims_clusters",
            "n_clusters_chosen",
            "n_clusters_used",
            "n_clusters_error",
            "ari",
            "organisation_ari",
            "seconds",
        ],
        about=about_of(__doc__),
    )


def answer(dataset: Any) -> list[str]:
    """Return what the study says, in sentences."""
    reading = Reading.of(dataset)
    names = [name for name in reading.fitters if reading.share("claims_clusters", fitter=name).known]
    if not names:
        return [NOTHING]
    return [s for s in (_inventors(reading, names), *_worlds(reading, names), *_finders(reading, names)) if s]


def _inventors(reading: Reading, names: list[str]) -> str:
    rates = {}
    for name in names:
        each = [reading.networks("claims_clusters", fitter=name, scenario=w) for w in WITHOUT if w != ORGANISATIONS]
        rates[name] = Share.of(np.concatenate(each) > 0.5, np.isfinite(np.concatenate(each)))
    rates = {name: rate for name, rate in rates.items() if rate.known}
    if not rates:
        return ""
    told = _alike({name: rates[name] for name in sorted(rates, key=lambda name: rates[name].rate)})
    return f"Who invents: over the three worlds in which there is nothing to find, clusters are claimed by {'; '.join(told)}."


def _worlds(reading: Reading, names: list[str]) -> list[str]:
    """Return a sentence for each world without clusters: who claims some, and who seldom does."""
    found = []
    for world, text in WITHOUT.items():
        rates = {name: reading.share("claims_clusters", fitter=name, scenario=world) for name in names}
        rates = {name: rate for name, rate in rates.items() if rate.known}
        if rates:
            often = _alike({name: rate for name, rate in rates.items() if rate.rate > SELDOM})
            seldom = [spoken(name) for name, rate in rates.items() if rate.rate <= SELDOM]
            parts = [f"are claimed by {'; '.join(often)}"] if often else []
            parts += [f"in one network of ten or fewer by {listed(seldom)}"] if seldom else []
            extra = ""
            if world == ORGANISATIONS:
                claimers = [name for name, rate in rates.items() if rate.rate > SELDOM]
                same = {n: reading.mean("organisation_ari", fitter=n, scenario=world) for n in claimers}
                told = [f"{spoken(n)} {one}" for n, one in same.items() if one.known]
                extra = f"; they are the organisations with an ARI of {'; '.join(told)}" if told else ""
            found.append(f"{text[0].upper()}{text[1:]}: clusters {'; '.join(parts)}{extra}.")
    return found


def _finders(reading: Reading, names: list[str]) -> list[str]:
    """Return who finds the clusters that there are: the three best in each world, the right number, and who is blind."""
    best, right, blind = [], [], []
    for world, text in WITH.items():
        scores = {name: reading.mean("ari", fitter=name, scenario=world) for name in names}
        scores = {name: score for name, score in scores.items() if score.known}
        if not scores:
            continue
        order = sorted(scores, key=lambda name: -scores[name].mean)
        told = [f"{spoken(name)} {scores[name]}" for name in order]
        best.append(f"{text}: {', '.join(told[:3])}, last {told[-1]}")
        counts = {name: _right(reading, name, world) for name in order}
        most = max(count.rate for count in counts.values())
        right.append(f"{text} by {_alike({name: count for name, count in counts.items() if count.rate == most})[0]}")
        rates = {name: reading.share("claims_clusters", fitter=name, scenario=world) for name in order}
        missed = [spoken(name) for name, rate in rates.items() if rate.rate < 0.5]
        if missed:
            blind.append(f"{text} by {listed(missed)}")
    if not best:
        return []
    out = [f"Who finds: mean ARI where there are three clusters, in {'; '.join(best)}."]
    out.append(f"Right number: three clusters are chosen most often in {'; '.join(right)}.")
    if blind:
        out.append(
            f"Who is blind: one cluster in most networks, although there are three, is said in {'; '.join(blind)}."
        )
    return out


def _alike(rates: dict[str, Share]) -> list[str]:
    """Return methods with their share, those with the same share together."""
    named: dict[str, list[str]] = {}
    for name, rate in rates.items():
        named.setdefault(str(rate), []).append(spoken(name))
    return [f"{listed(names)} in {rate}" for rate, names in named.items()]


def _right(reading: Reading, name: str, world: str) -> Share:
    values = reading.networks("n_clusters_error", fitter=name, scenario=world)
    return Share.of(values == 0.0, np.isfinite(values))
