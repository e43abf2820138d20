"""Three sites: what would a study of three sites, two relations and two periods conclude, if it were done again and again?

Aims. To show how far the conclusions of such a study hold over repetitions: the clusters found, the number chosen, who
bridges, and who seems to have changed cluster; and, for as many questionnaires, to compare one site of 120 managers
with three of 40, fitted apart or pooled.

Data-generating mechanism. Three clusters of a latent plane whose centres lie four spreads apart, in three sites of 40
managers or one of 120, with a formal and an informal relation (mean out-degree 9) that share positions, over two
periods; one in ten a bridger; between the periods a fifth leave, others come, and some switch cluster. Three in four
answer and name five people at most for each relation, or all answer and name everybody.

Estimands. True clusters and their number, bridgers, the share of stayers who switch cluster; and, as the design is one,
whether all networks of a repetition say three or four clusters.

Methods. With three clusters given: the posterior mode of the latent position cluster model and the degree-corrected
block model, each network by itself, or all sites of a relation and period in one fit that leaves out dyads between
sites (pooled). With the number to be found: the posterior mode by BIC, and modularity by the Leiden method. In full
size also MCMC.

Performance measures. Adjusted Rand index within sites, number of clusters, area under the curve of the bridging score,
switching seen beside true switching; Monte Carlo standard errors over replicates.
"""

from typing import Any

import numpy as np

from simlab import Fieldwork, Fitter, LpcmMcmc, Scenario, Study
from simlab.fit.leiden import Leiden
from simlab.fit.lpcm_map import LpcmMap
from simlab.fit.over_sites import OverSites
from simlab.fit.sbm import Sbm
from simlab.report.comparisons import named, verdict
from simlab.report.numbers import Estimate, listed, percent, share_text
from simlab.report.reading import NOTHING, Reading
from simlab.study.summary import wilson

REPLICATES = {"demo": 10, "full": 300}
THREE, ONE = "three of 40", "one of 120"
COMPLETE, FIELD = "all told", "75 % answer, five names"
MODE, MODE_POOLED = "mode, apart", "mode, pooled"
BLOCKS, BLOCKS_POOLED = "block model, apart", "block model, pooled"
CHOSEN, LEIDEN, MCMC = "mode, number by BIC", "Leiden", "LPCM, MCMC"
SAID = (3, 4)


def study(size: str = "demo") -> Study:
    design = Scenario(n_sites=3, n_actors=40, relations=("formal", "informal"), n_periods=2)
    degree = ("degree_corrected=true",)
    fitters: dict[str, Fitter] = {
        MODE: LpcmMap(n_clusters=3),
        MODE_POOLED: OverSites(base="lpcm-map", n_clusters=3),
        BLOCKS: Sbm(n_clusters=3, degree_corrected=True),
        BLOCKS_POOLED: OverSites(base="sbm", base_settings=degree, n_clusters=3),
        CHOSEN: LpcmMap(n_clusters=(1, 6)),
        LEIDEN: Leiden(),
    }
    if size == "full":
        # Short chains, judged as such: rhat up to 1.1, 50 effective draws.
        fitters[MCMC] = LpcmMcmc(
            n_clusters=3, n_chains=2, n_warmup=300, n_draws=300, thin=1, max_rhat=1.1, min_ess=50.0
        )
    return Study(
        "three_sites",
        question="What would a study of three sites, two relations and two periods conclude, done again and again?",
        scenarios={THREE: design, ONE: design.but(n_sites=1, n_actors=120)},
        fieldworks={COMPLETE: Fieldwork(), FIELD: Fieldwork(response_rate=0.75, max_nominations=5)},
        fitters=fitters,
        replicates=REPLICATES[size],
        seed=8,
        metrics=[
            "ari",
            "n_clusters_error",
            "n_clusters_used",
            "bridger_auc",
            "interviews_bridgers",
            "seen_switching",
            "true_switching",
            "core_recall",
            "converged",
            "seconds",
            "bayes_ari",
            "information",
        ],
        about={
            "Aims": "What the conclusions of the whole design look like over repetitions; and at equal cost, one site of 120 or"
            " three of 40, fitted apart or pooled.",
            "Data-generating mechanism": "Three clusters four spreads apart in three sites of 40 or one of 120, formal"
            " and informal"
            " relation, two periods; complete, or three in four answer and name five a relation.",
            "Estimands": "True clusters, their number, bridgers, switching; whether all networks say three or four clusters.",
            "Methods": "Mode of the LPCM and degree-corrected block model with three clusters given, apart or all"
            " sites in one fit;"
            " the mode by BIC and Leiden, which find the number.",
            "Performance measures": "Adjusted Rand index within sites, number of clusters, area under the curve of the bridging"
            " score, switching seen beside true switching.",
        },
    )


def answer(dataset: Any) -> list[str]:
    """Return what the study says, in sentences."""
    reading = Reading.of(dataset)
    sentences = [
        *_clusters(reading),
        *_number(reading),
        *_bridgers(reading),
        *_change(reading),
        *_sites(reading),
        *_pooled(reading),
    ]
    return sentences or [NOTHING]


def _clusters(reading: Reading) -> list[str]:
    parts = []
    for field in (FIELD, COMPLETE):
        each = {
            name: reading.mean("ari", scenario=THREE, fieldwork=field, fitter=name) for name in (MODE, BLOCKS, LEIDEN)
        }
        if named(each):
            parts.append(f"where {field} {named(each)}")
    most = reading.mean("bayes_ari", scenario=THREE)
    if not parts:
        return []
    return [
        f"Clusters: in three sites of 40 the mean adjusted Rand index is {'; '.join(parts)}; who knew all true positions would"
        f" reach {most}."
    ]


def _number(reading: Reading) -> list[str]:
    parts = []
    for fitter in (CHOSEN, LEIDEN):
        counts = _counts(reading, fitter)
        if not len(counts):
            continue
        right = np.isin(counts, SAID)
        each = Estimate(float(right.mean()), _error(right.mean(axis=1)))
        hits = int(right.all(axis=1).sum())
        rate, low, high = (float(value) for value in wilson(hits, len(right)))
        interval = f"{percent(rate)} of repetitions (95 % interval {percent(low)} to {percent(high)})"
        often = ", ".join(f"{g:.0f} in {percent(float((counts == g).mean()))}" for g in np.unique(counts))
        parts.append(
            f"{fitter} finds {often} of networks, three or four in {share_text(each)}, in all twelve of a design in {interval}"
        )
    return (
        [f"Number: where there truly are three clusters, with 75 % answering and five names, {'; '.join(parts)}."]
        if parts
        else []
    )


def _counts(reading: Reading, fitter: str) -> Any:
    """Return the clusters that have actors: (replicates, networks), those that are done."""
    dataset = reading.results.dataset
    if fitter not in reading.fitters:
        return np.zeros((0, 0))
    found = dataset["n_clusters_used"].sel(scenario=THREE, fieldwork=FIELD, fitter=fitter)
    values = found.transpose("replicate", "site", "relation", "period").values.reshape(dataset.sizes["replicate"], -1)
    return values[np.isfinite(values).all(axis=1)]


def _error(values: Any) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def _bridgers(reading: Reading) -> list[str]:
    names = [name for name in (MCMC, BLOCKS, MODE, LEIDEN) if name in reading.fitters]
    areas = {name: reading.mean("bridger_auc", scenario=THREE, fieldwork=FIELD, fitter=name) for name in names}
    right = reading.mean("interviews_bridgers", scenario=THREE, fieldwork=FIELD, fitter=names[0])
    if not named(areas) or not right.known:
        return []
    text = (
        f"Bridgers: with 75 % answering and five names one scores above another actor with probability {named(areas)}"
    )
    return [f"{text}; of two interviewed as bridgers by the {names[0]}, {share_text(right)} are some (by chance 10 %)."]


def _change(reading: Reading) -> list[str]:
    parts = []
    for field in (FIELD, COMPLETE):
        at = {"scenario": THREE, "fieldwork": field}
        seen = {name: reading.mean("seen_switching", fitter=name, **at) for name in (MODE, BLOCKS)}
        shares = [f"{share_text(value)} ({name})" for name, value in seen.items() if value.known]
        if shares:
            parts.append(f"where {field} {listed(shares)}")
    true = reading.mean("true_switching", scenario=THREE)
    if not parts:
        return []
    return [
        f"Change: of those in both periods {share_text(true)} truly switch cluster; seen to switch are, {'; '.join(parts)}."
    ]


def _sites(reading: Reading) -> list[str]:
    parts = []
    for field in (FIELD, COMPLETE):
        for fitter in (MODE, BLOCKS):
            gain = reading.difference("ari", {"scenario": ONE}, {"scenario": THREE}, fieldwork=field, fitter=fitter)
            if gain.known:
                parts.append(
                    f"{verdict(gain, '{} higher', '{} lower', 'not distinguishable ({})')} ({fitter}, {field})"
                )
    text = "One site or three: at 120 questionnaires the adjusted Rand index in one site of 120 is, beside three of 40"
    text += " fitted apart,"
    return [f"{text} {listed(parts)}."] if parts else []


def _pooled(reading: Reading) -> list[str]:
    parts = []
    for one, other, words in ((MODE_POOLED, MODE, "mode"), (BLOCKS_POOLED, BLOCKS, "block model")):
        gains = {
            field: reading.difference("ari", {"fitter": one}, {"fitter": other}, scenario=THREE, fieldwork=field)
            for field in (FIELD, COMPLETE)
        }
        changes = [
            f"{verdict(gain, 'raises it by {}', 'lowers it by {}', 'does not change it beyond chance ({})')} where {field}"
            for field, gain in gains.items()
            if gain.known
        ]
        used = reading.mean("n_clusters_used", fitter=one, scenario=THREE, fieldwork=FIELD)
        if changes:
            parts.append(
                f"for the {words} {' and '.join(changes)}; a site then has {used} of the three clusters ({FIELD})"
            )
    text = (
        "Pooled or apart: one fit of all three sites, instead of one a site, for the adjusted Rand index within sites,"
    )
    return [f"{text} {'; '.join(parts)}."] if parts else []
