"""Recovery: does each method find the clusters, and how does that depend on how many managers there are?

Aims. To learn how well six methods recover known clusters, as clusters lie further apart and networks grow while each manager
keeps as many ties, and how far they stay below what anybody could reach.

Data-generating mechanism. Managers of one site in three clusters of a latent plane whose centres lie 2 to 6 spreads apart;
mean out-degree 9 whatever the number of managers, reciprocity 0.5, sociality, homophily by organisation and seniority, one in
ten a bridger. The fieldwork is complete.

Estimands. The true clusters.

Methods. The latent position cluster model by short chains, by variational Bayes and by its posterior mode, the
degree-corrected block model, spectral clustering (all with three clusters given), and modularity by the Leiden method, which
finds the number by itself.

Performance measures. The adjusted Rand index with its Monte Carlo standard error over replicates. Two references: the Bayes
classifier, which knows the true positions and the mixture, is a ceiling for the mean of fits that see positions alone; the
information c lambda^2 of the ties made undirected is 1 where detection becomes possible in large sparse networks, a line to
read by and no limit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simlab import Fieldwork, LpcmMcmc, Scenario, Spectral, Study, grid
from simlab.fit.fit import Fitter
from simlab.fit.leiden import Leiden
from simlab.fit.lpcm_map import LpcmMap
from simlab.fit.lpcm_variational import LpcmVariational
from simlab.fit.sbm import Sbm
from simlab.report.numbers import Estimate, crossing, listed, pooled, spoken
from simlab.report.reading import NOTHING, Reading
from simlab.study.about import about_of

REPLICATES = {"demo": 20, "full": 200}
SEPARATIONS = {"demo": [2.0, 3.0, 4.0, 6.0], "full": [2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0]}
ACTORS = {"demo": [30, 60, 120], "full": [25, 60, 120, 240, 480]}
GOOD = 0.8


def study(size: str = "demo") -> Study:
    # Short chains, judged as such: rhat up to 1.1, 50 effective draws.
    chains = LpcmMcmc(n_clusters=3, n_chains=2, n_warmup=200, n_draws=200, thin=1, max_rhat=1.1, min_ess=50.0)
    fitters: dict[str, Fitter] = {
        "LPCM, chains": chains,
        "LPCM, variational": LpcmVariational(n_clusters=3, n_starts=4),
        "LPCM, mode": LpcmMap(n_clusters=3),
        "block model": Sbm(n_clusters=3, degree_corrected=True, n_starts=8),
        "spectral": Spectral(n_clusters=3),
        "Leiden": Leiden(n_starts=2),
    }
    return Study(
        "recovery",
        question="Does each method find the clusters, and do more managers help?",
        scenarios=grid(Scenario(), separation=SEPARATIONS[size], n_actors=ACTORS[size]),
        fieldworks=Fieldwork(),
        fitters=fitters,
        replicates=REPLICATES[size],
        seed=1,
        metrics=["ari", "bayes_ari", "information", "misclassification", "n_clusters_error", "seconds"],
        about=about_of(__doc__),
    )


def answer(dataset: Any) -> list[str]:
    """Return what the study says, in sentences."""
    reading = Reading.of(dataset)
    names = [name for name in reading.fitters if reading.mean("ari", fitter=name).known]
    if not names:
        return [NOTHING]
    best = max(names, key=lambda name: reading.mean("ari", fitter=name).mean)
    found = [_found(reading, best), _information(reading, best), _more(reading, names)]
    return [sentence for sentence in (*found, _others(reading, best, names), _ceiling(reading, names)) if sentence]


def _found(reading: Reading, best: str) -> str:
    """Return the ARI of the best method by separation and number of actors, with the classifier's."""
    parts = []
    for apart in reading.levels("separation"):
        each = [reading.mean("ari", fitter=best, separation=apart, n_actors=n) for n in reading.levels("n_actors")]
        bayes = reading.mean("bayes_ari", separation=apart)
        if all(one.known for one in each):
            parts.append(f"{listed([str(one) for one in each])} at separation {apart:g} (of {bayes} possible)")
    if not parts:
        return ""
    return (
        f"Clusters: with {_actors(reading)} managers the adjusted Rand index (ARI) of {spoken(best)}, the best on average, is"
        f" {'; '.join(parts)}, where “possible” is the Bayes classifier's."
    )


def _information(reading: Reading, best: str) -> str:
    """Return the information at which the best method passes what counts as good, and what it finds below 1."""
    apart = reading.levels("separation")
    parts = []
    for n in reading.levels("n_actors"):
        means = [reading.mean("ari", fitter=best, separation=s, n_actors=n) for s in apart]
        known = np.array([reading.mean("information", separation=s, n_actors=n).mean for s in apart])
        at = crossing(np.array(apart), np.array([m.mean for m in means]), GOOD)
        if at is None:
            parts.append(f"at none with {n:g}" if not any(m.mean >= GOOD for m in means) else f"at all with {n:g}")
        else:
            parts.append(f"at {at:.1f} with {n:g} managers (cλ² = {np.interp(at, apart, known):.1f})")
    low = [
        (
            reading.mean("information", separation=s, n_actors=n).mean,
            reading.mean("ari", fitter=best, separation=s, n_actors=n),
        )
        for s in apart
        for n in reading.levels("n_actors")
    ]
    below = [f"{found} at cλ² = {known:.2f}" for known, found in low if known < 1.0 and found.known]
    under = (
        f"; below the threshold of 1 it still finds an ARI of {listed(below)}"
        if below
        else "; no world is below the threshold of 1"
    )
    return f"How far apart: it passes {GOOD:g} where centres lie {listed(parts)} spreads apart{under}."


def _more(reading: Reading, names: list[str]) -> str:
    """Return what more managers bring, at one mean degree: unpaired, since worlds of other sizes are others."""
    actors = reading.levels("n_actors")
    if len(actors) < 2:
        return ""
    parts = []
    for name in names:
        few, many = (reading.mean("ari", fitter=name, n_actors=n) for n in (actors[0], actors[-1]))
        if few.known and many.known:
            change = Estimate(many.mean - few.mean, float(np.hypot(few.mcse, many.mcse)))
            parts.append(
                f"{spoken(name)} {'+' if change.mean > 0 else ''}{change}{'' if change.distinct else ' (not distinguishable)'}"
            )
    return (
        f"More managers: from {actors[0]:g} to {actors[-1]:g} managers with nine ties each, over all separations, the ARI"
        f" changes by {'; '.join(parts)}."
    )


def _others(reading: Reading, best: str, names: list[str]) -> str:
    parts = []
    for name in names:
        less = reading.difference("ari", {"fitter": best}, {"fitter": name})
        if name != best and less.known:
            parts.append(f"{spoken(name)} {less}" + ("" if less.distinct else " (not distinguishable)"))
    return f"Methods: {spoken(best)} is above the others, on the same networks, by {'; '.join(parts)}." if parts else ""


def _ceiling(reading: Reading, names: list[str]) -> str:
    parts = []
    for name in names:
        short = pooled(reading.values("bayes_ari") - reading.values("ari", fitter=name))
        if short.known:
            parts.append(f"{spoken(name)} {short}")
    return f"Ceiling: below the Bayes classifier, on the same networks, are {'; '.join(parts)}." if parts else ""


def _actors(reading: Reading) -> str:
    return listed([f"{n:g}" for n in reading.levels("n_actors")])
