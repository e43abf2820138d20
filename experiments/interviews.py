"""Interviews: of the managers chosen for interview because they occupy similar positions, how many do?

Aims. To find how often people who are interviewed as sharing a position truly do: chosen by one network, or by all
networks of a site (relations and periods); from everybody, or from middle managers alone; and, across sites, for
clusters of alike services.

Data-generating mechanism. Three sites of 40 managers in three clusters of a latent plane, centres three or five spreads
apart, with a formal and an informal relation that share positions, over two periods in which a fifth leave and some
switch cluster; one in four a middle manager; four in five of a cluster work in the service area that is the cluster's
own. All answer, or three in four name five people at most.

Estimands. For two people chosen for one cluster, whether their true cluster is the same, in each network; across sites,
where true clusters have the same numbers, likewise. Chance is what two people drawn by lot would have.

Methods. Three people a cluster by `select_interviews`: who most surely share a position, from fits of the latent
position cluster model by MCMC (three clusters given, short chains, judged as such) and of the degree-corrected block
model. Clusters of sites are matched by service.

Performance measures. The share of pairs that truly share a cluster, beside that of all pairs of a found cluster and of
all pairs at large; the number of people chosen; with Monte Carlo standard errors over replicates.
"""

import math
from typing import Any

from simlab import Fieldwork, LpcmMcmc, Scenario, Study, grid
from simlab.fit.sbm import Sbm
from simlab.report.comparisons import verdict
from simlab.report.numbers import Estimate, Floats, listed, number, plain, pooled, share_text
from simlab.report.reading import NOTHING, Reading

REPLICATES = {"demo": 8, "full": 200}
SEPARATIONS = {"demo": (3.0, 5.0), "full": (2.0, 3.0, 4.0, 5.0, 6.0)}
COMPLETE, FIELD = "all told", "75 % answer, five names"
MCMC, BLOCKS = "LPCM, MCMC", "block model"
ALONE, ELIGIBLE = "interviews_share_position", "interviews_eligible_share_position"
MATCHED, MATCHED_ELIGIBLE = "interviews_matched_share_position", "interviews_matched_eligible_share_position"
ACROSS, CLUSTERS, CHANCE = "interviews_across_sites", "clusters_share_position", "pairs_share_position"
COUNT = "interviews_matched_eligible_chosen"


def study(size: str = "demo") -> Study:
    mcmc = LpcmMcmc(n_clusters=3, n_chains=2, n_warmup=500, n_draws=500, thin=2, max_rhat=1.1, min_ess=50.0)
    return Study(
        "interviews",
        question="Of the managers interviewed because they occupy similar positions, how many do?",
        scenarios=grid(
            Scenario(n_sites=3, n_actors=40, relations=("formal", "informal"), n_periods=2),
            separation=SEPARATIONS[size],
        ),
        fieldworks={COMPLETE: Fieldwork(), FIELD: Fieldwork(response_rate=0.75, max_nominations=5)},
        fitters={MCMC: mcmc, BLOCKS: Sbm(n_clusters=3, degree_corrected=True)},
        replicates=REPLICATES[size],
        seed=9,
        metrics=[
            *(ALONE, ELIGIBLE, MATCHED, MATCHED_ELIGIBLE, COUNT, ACROSS, CLUSTERS, CHANCE),
            *("converged", "seconds"),
        ],
        about={
            "Aims": "How often people interviewed as sharing a position do: chosen by one network or all, from"
            " everybody or from"
            " middle managers, within a site or across sites.",
            "Data-generating mechanism": "Three sites of 40 managers in three clusters, two relations, two periods;"
            " one in four a"
            " middle manager; complete, or three in four answer and name five.",
            "Estimands": "Whether two people chosen for one cluster are truly in one.",
            "Methods": "Three people a cluster by select_interviews, from LPCM by MCMC and degree-corrected block"
            " model; clusters of"
            " sites matched by service.",
            "Performance measures": "Share of pairs that truly share a cluster, beside all pairs of a found cluster"
            " and all pairs.",
        },
    )


def answer(dataset: Any) -> list[str]:
    """Return what the study says, in sentences."""
    reading = Reading.of(dataset)
    sentences = [
        *_alone(reading),
        *_choice(reading),
        *_matched(reading),
        *_eligible(reading),
        *_across(reading),
        *_fitters(reading),
    ]
    return sentences or [NOTHING]


def _by_separation(reading: Reading, metric: str, field: str, fitter: str = MCMC) -> str:
    parts = []
    for level in reading.levels("separation"):
        share = reading.mean(metric, separation=level, fieldwork=field, fitter=fitter)
        # Pairs may be had in so few worlds that nothing can be said.
        if share.known and math.isfinite(share.mcse):
            parts.append(f"{share_text(share)} at separation {plain(level)}")
    return " and ".join(parts)


def _alone(reading: Reading) -> list[str]:
    parts = [f"where {field} {text}" for field in (COMPLETE, FIELD) if (text := _by_separation(reading, ALONE, field))]
    chance = reading.mean(CHANCE)
    if not parts:
        return []
    return [
        f"Similar positions: of the pairs interviewed for one cluster of a network ({MCMC}), so many truly are in one cluster:"
        f" {'; '.join(parts)}; of pairs drawn by lot {share_text(chance)}."
    ]


def _compared(gain: Floats, text: str, share: Estimate) -> list[str]:
    """Return a sentence that ends in a share and whether it differs, by the same worlds; none where it is not known."""
    if not share.known:
        return []
    words = verdict(pooled(100.0 * gain), "more", "less", "not distinguishable")
    return [f"{text} {share_text(share)} ({words}, difference {share_text(pooled(gain))})."]


def _choice(reading: Reading) -> list[str]:
    chosen, all_pairs = reading.mean(ALONE, fitter=MCMC), reading.mean(CLUSTERS, fitter=MCMC)
    gain = reading.values(ALONE, fitter=MCMC) - reading.values(CLUSTERS, fitter=MCMC)
    text = f"The choice: of all pairs of a found cluster {share_text(all_pairs)} are in one cluster, of the surest,"
    text += " interviewed,"
    return _compared(gain, text, chosen)


def _matched(reading: Reading) -> list[str]:
    matched, chosen = reading.mean(MATCHED, fitter=MCMC), reading.mean(ALONE, fitter=MCMC)
    gain = reading.values(MATCHED, fitter=MCMC) - reading.values(ALONE, fitter=MCMC)
    text = f"All networks: chosen by one network {share_text(chosen)} of pairs share a cluster in it; chosen by both"
    text += " relations and"
    return _compared(gain, f"{text} both periods, in a mean of these networks", matched)


def _eligible(reading: Reading) -> list[str]:
    few, everybody = reading.mean(MATCHED_ELIGIBLE, fitter=MCMC), reading.mean(MATCHED, fitter=MCMC)
    gain = reading.values(MATCHED_ELIGIBLE, fitter=MCMC) - reading.values(MATCHED, fitter=MCMC)
    count = reading.mean(COUNT, fitter=MCMC)
    text = f"Middle managers alone: {number(count.mean, 1)} people of a site can be had of the nine wanted; where"
    text += " everybody may be"
    return _compared(gain, f"{text} chosen {share_text(everybody)} of pairs share a cluster, of middle managers", few)


def _across(reading: Reading) -> list[str]:
    parts = [f"where {field} {text}" for field in (COMPLETE, FIELD) if (text := _by_separation(reading, ACROSS, field))]
    if not parts:
        return []
    text = "Across sites: of pairs of middle managers of two sites, interviewed for clusters of alike services, so many"
    text += " hold the"
    return [f"{text} same position: {'; '.join(parts)}."]


def _fitters(reading: Reading) -> list[str]:
    shares = {name: reading.mean(ALONE, fitter=name) for name in (MCMC, BLOCKS)}
    gap = reading.difference(ALONE, {"fitter": MCMC}, {"fitter": BLOCKS})
    if not gap.known:
        return []
    each = listed([f"{share_text(share)} ({name})" for name, share in shares.items()])
    words = "distinguishable" if gap.distinct else "not distinguishable"
    return [
        f"Fitters: of pairs chosen by one network {each} share a cluster, which is {words} (difference {share_text(gap)})."
    ]
