"""Composition: "a mix of organisations in every cluster": would it be found where organisations drive the ties?

Aims. To learn whether a mix of organisations in every cluster says that organisations do not matter, and how often the
profile of a cluster, from which its purpose is read, names an attribute that has nothing to do with it.

Data-generating mechanism. Sixty managers of four organisations in three clusters of a latent plane whose centres lie 4
spreads apart; mean out-degree 9, reciprocity 0.5, sociality, one in ten a bridger. The log odds of a tie rise by 0 to 2.5
within an organisation. Organisations are mixed in the clusters as at large (mixing 1) or gather in them (0.3). Eight in ten
of a cluster work in its own service area, which is what it is about, or a third do; levels of seniority have nothing to do
with clusters, and organisations have nothing to do with them where the mixing is 1. In another world there are no clusters at
all and organisations alone, with sociality, make ties. The fieldwork is complete.

Estimands. Whether organisations drive ties, and whether clusters are made by them; the attribute that a cluster is truly
about.

Methods. The latent position cluster model by its posterior mode and by variational Bayes, spectral clustering (three clusters
given), and Leiden; in the full size also short chains, and the mode with a term for the match of organisations.

Performance measures. The share of fits in which no organisation has more than half of any cluster, and in which every cluster
has several organisations, each with Wilson's 95 % interval; the mix (entropy within clusters over that of all); the share of
clusters whose profile, the value that marks it out the most, is of an unrelated attribute, with its Monte Carlo standard
error.
"""

from __future__ import annotations

from typing import Any

from simlab import Fieldwork, LpcmMcmc, Scenario, Spectral, Study
from simlab.fit.fit import Fitter
from simlab.fit.leiden import Leiden
from simlab.fit.lpcm_map import LpcmMap
from simlab.fit.lpcm_variational import LpcmVariational
from simlab.report.numbers import Estimate, listed, plus_minus, spoken
from simlab.report.reading import NOTHING, Reading
from simlab.study.about import about_of
from simlab.study.design import Grid

REPLICATES = {"demo": 40, "full": 400}
HOMOPHILY = {"demo": (0.0, 1.0, 1.75, 2.5), "full": (0.0, 0.5, 1.0, 1.5, 2.0, 2.5)}
MIXED, GATHERED = "clusters, organisations mixed", "clusters, organisations gather"
VAGUE, NONE = "clusters of vague purpose", "no clusters"
WORLDS = (MIXED, GATHERED, VAGUE, NONE)
FITTER = "LPCM, mode"


def study(size: str = "demo") -> Study:
    fitters: dict[str, Fitter] = {
        FITTER: LpcmMap(n_clusters=3),
        "LPCM, variational": LpcmVariational(n_clusters=3, n_starts=4),
        "spectral": Spectral(n_clusters=3),
        "Leiden": Leiden(n_starts=2),
    }
    if size == "full":
        fitters["LPCM, mode, organisations"] = LpcmMap(n_clusters=3, covariates=("match(organisation)",))
        fitters["LPCM, chains"] = LpcmMcmc(
            n_clusters=3, n_chains=2, n_warmup=300, n_draws=300, thin=1, max_rhat=1.1, min_ess=50.0
        )
    levels = HOMOPHILY[size]
    settings = [_world(name, homophily) for homophily in levels for name in WORLDS]
    return Study(
        "composition",
        question="A mix of organisations in every cluster: would it be found where organisations drive the ties?",
        scenarios=Grid({"organisation_homophily": levels, "world": WORLDS}, tuple(settings)),
        fieldworks=Fieldwork(),
        fitters=fitters,
        replicates=REPLICATES[size],
        seed=10,
        metrics=[
            *("no_organisation_dominates", "several_organisations", "organisation_mix", "true_organisation_mix"),
            *("profile_unrelated", "profile_right", "organisation_ari", "seconds"),
        ],
        about=about_of(__doc__),
    )


def _world(name: str, homophily: float) -> Scenario:
    """Return a world; in all of them levels of seniority have nothing to do with clusters or ties."""
    base = Scenario(
        organisation_homophily=homophily,
        organisation_mixing=0.3 if name == GATHERED else 1.0,
        seniority_mixing=1.0,
        seniority_homophily=0.0,
        service_commonness=0.33 if name == VAGUE else 0.8,
    )
    return base.but(structure="none", n_clusters=1) if name == NONE else base


def answer(dataset: Any) -> list[str]:
    """Return what the study says, in sentences."""
    reading = Reading.of(dataset)
    levels = [x for x in reading.levels("organisation_homophily") if _mix(reading, x, MIXED).known]
    if not levels:
        return [NOTHING]
    return [
        s
        for part in (
            _dominates(reading, levels),
            _several(reading, levels),
            _mixes(reading, levels),
            _profiles(reading, levels),
        )
        for s in part
    ]


def _mix(reading: Reading, homophily: float, world: str, fitter: str = FITTER) -> Estimate:
    return reading.mean("organisation_mix", organisation_homophily=homophily, world=world, fitter=fitter)


def _shares(reading: Reading, metric: str, levels: list[float], world: str, fitter: str = FITTER) -> str:
    each = [reading.share(metric, organisation_homophily=x, world=world, fitter=fitter) for x in levels]
    return listed([str(one) for one in each])


def _dominates(reading: Reading, levels: list[float]) -> list[str]:
    steps = listed([f"{x:g}" for x in levels])
    told = {
        world: _shares(reading, "no_organisation_dominates", levels, world)
        for world in (MIXED, NONE, GATHERED)
        if _mix(reading, levels[-1], world).known
    }
    texts = ((MIXED, "clusters have nothing to do with organisations"), (NONE, "organisations alone make ties"))
    parts = [f"{told[world]} where {text}" for world, text in texts if world in told]
    out = [
        f"A mix in every cluster: at log odds of {steps} for a tie within an organisation, no organisation has more than half"
        f" of any cluster that {spoken(FITTER)} finds in {'; '.join(parts)}."
    ]
    if GATHERED in told:
        out.append(f"Where organisations gather in clusters, the same is so in {told[GATHERED]}.")
    return out


def _several(reading: Reading, levels: list[float]) -> list[str]:
    first, last = levels[0], levels[-1]
    parts = []
    for world, text in ((MIXED, "clusters without organisations"), (NONE, "no clusters")):
        if _mix(reading, last, world).known:
            parts.append(f"{_shares(reading, 'several_organisations', [first, last], world)} ({text})")
    return [f"Several organisations in every cluster, at {first:g} and {last:g}: {listed(parts)}."]


def _mixes(reading: Reading, levels: list[float]) -> list[str]:
    last = levels[-1]
    parts = []
    for name in reading.fitters:
        each = [_mix(reading, x, world, name) for x, world in ((levels[0], MIXED), (last, MIXED), (last, NONE))]
        if all(one.known for one in each):
            parts.append(f"{spoken(name)} {', '.join(str(one) for one in each)}")
    if not parts:
        return []
    return [
        f"How mixed (1 as at large, 0 one organisation each): clusters without organisations at log odds {levels[0]:g} and"
        f" {last:g}, and no clusters at {last:g}: {'; '.join(parts)}."
    ]


def _profiles(reading: Reading, levels: list[float]) -> list[str]:
    out = []
    for world, text in (
        (MIXED, "eight in ten share the cluster's service"),
        (VAGUE, "a third do"),
        (NONE, "there are no clusters, so that nothing is right"),
    ):
        each = [
            reading.mean("profile_unrelated", organisation_homophily=x, world=world, fitter=FITTER)
            for x in (levels[0], levels[-1])
        ]
        if all(one.known for one in each):
            out.append(f"{listed([_percent(one) for one in each])} where {text}")
    if not out:
        return []
    others = []
    for name in reading.fitters:
        one = reading.mean("profile_unrelated", world=MIXED, organisation_homophily=levels[-1], fitter=name)
        if name != FITTER and one.known:
            others.append(f"{spoken(name)} {_percent(one)}")
    rest = (
        [f"Other methods: the same at log odds {levels[-1]:g} and eight in ten is {'; '.join(others)}."]
        if others
        else []
    )
    return [
        f"Profiles: at log odds {levels[0]:g} and {levels[-1]:g} the value that marks out a cluster is of an attribute that has"
        f" nothing to do with it in {'; '.join(out)}.",
        *rest,
    ]


def _percent(part: Estimate) -> str:
    return f"{plus_minus(100 * part.mean, 100 * part.mcse, 0)} %"
