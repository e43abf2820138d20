"""Relations: where managers have two relations with one another, is one fit on both better than two, or than one on the union?

Aims. To compare what is found of clusters and bridgers when a formal and an informal relation are fitted each by
itself, both in one joint fit, or as one network in which a tie is one of either; by how much the relations overlap, and
with what the field loses.

Data-generating mechanism. One site of 60 managers in three clusters of a latent plane whose centres lie four spreads
apart, the same positions for both relations: mean out-degree 9 in the formal and 6 in the informal one, reciprocity
0.5, sociality, homophily, one in ten a bridger. Of the ties of either relation the share `overlap` is in both (Jaccard
index), 0.2 and more. Everybody answers, or seven in ten name five people for each relation.

Estimands. The true clusters and bridgers, which the relations share. (Where they do not share them, one fit is wrong;
this study does not say when.)

Methods. The latent position cluster model by MCMC (three clusters given, short chains, judged as such): two fits; a
joint fit with shared positions and an intercept for each relation; a fit of the union. The degree-corrected block
model: two fits, or the union. Of two fits the better relation, the formal one, stands beside their mean.

Performance measures. Adjusted Rand index and area under the curve of the bridging score, as paired differences over the
same worlds, with Monte Carlo standard errors over replicates.
"""

from typing import Any

from simlab import Fieldwork, LpcmMcmc, Scenario, Study, grid
from simlab.fit.over_relations import OverRelations
from simlab.fit.sbm import Sbm
from simlab.report.comparisons import named, verdict
from simlab.report.numbers import plain
from simlab.report.reading import NOTHING, Reading

REPLICATES = {"demo": 10, "full": 200}
OVERLAPS = {"demo": (0.2, 0.6), "full": (0.2, 0.4, 0.6)}
FORMAL, INFORMAL = "formal", "informal"
COMPLETE, PARTIAL = "all answer", "70 % answer, five names"
APART, JOINT, UNION = "MCMC, two fits", "MCMC, joint", "MCMC, union"
BLOCKS, BLOCKS_UNION = "block model, two fits", "block model, union"
_CHAINS = ("n_chains=2", "n_warmup=300", "n_draws=300", "thin=1", "max_rhat=1.1", "min_ess=50")


def study(size: str = "demo") -> Study:
    mcmc = LpcmMcmc(n_clusters=3, n_chains=2, n_warmup=300, n_draws=300, thin=1, max_rhat=1.1, min_ess=50.0)
    together = OverRelations(base="lpcm-mcmc", base_settings=_CHAINS, n_clusters=3)
    return Study(
        "relations",
        question="Two relations among the same managers: one fit on both, two fits, or one on the union?",
        scenarios=grid(Scenario(relations=(FORMAL, INFORMAL), mean_degree=(9.0, 6.0)), overlap=OVERLAPS[size]),
        fieldworks={COMPLETE: Fieldwork(), PARTIAL: Fieldwork(response_rate=0.7, max_nominations=5)},
        fitters={
            APART: mcmc,
            JOINT: together.but(how="joint"),
            UNION: together.but(how="union"),
            BLOCKS: Sbm(n_clusters=3, degree_corrected=True),
            BLOCKS_UNION: OverRelations(
                base="sbm", base_settings=("degree_corrected=true",), n_clusters=3, how="union"
            ),
        },
        replicates=REPLICATES[size],
        seed=6,
        metrics=[
            "ari",
            "bridger_auc",
            "bridger_precision",
            "interviews_share_position",
            "converged",
            "seconds",
            "bayes_ari",
            "information",
        ],
        about={
            "Aims": "What one fit on both relations gains over two fits and over one on the union, by their overlap.",
            "Data-generating mechanism": "60 managers in three clusters four spreads apart, with the same positions in a formal"
            " relation (mean out-degree 9) and an informal one (6) whose ties overlap; complete, or 70 % response and five"
            " names a relation.",
            "Estimands": "The true clusters and bridgers, which both relations share.",
            "Methods": "LPCM by MCMC, two fits, joint, or union; degree-corrected block model, two fits or union.",
            "Performance measures": "Adjusted Rand index and area under the curve of the bridging score, paired differences.",
        },
    )


def answer(dataset: Any) -> list[str]:
    """Return what the study says, in sentences."""
    reading = Reading.of(dataset)
    sentences = [
        *_one_or_two(reading),
        *_clusters(reading),
        *_overlap(reading),
        *_bridgers(reading),
        *_blocks(reading),
        *_single(reading),
    ]
    return sentences or [NOTHING]


def _one_or_two(reading: Reading) -> list[str]:
    parts = []
    for fitter, words in ((JOINT, "one joint fit"), (UNION, "one fit of the union")):
        gains = {
            f: reading.difference("ari", {"fitter": fitter}, {"fitter": APART}, fieldwork=f)
            for f in (COMPLETE, PARTIAL)
        }
        change = [
            f"{verdict(gain, 'raises it by {}', 'lowers it by {}', 'leaves it as it is ({})')} where {field}"
            for field, gain in gains.items()
            if gain.known
        ]
        if change:
            parts.append(f"{words} {' and '.join(change)}")
    gap = reading.difference("ari", {"fitter": JOINT}, {"fitter": UNION})
    if not parts or not gap.known:
        return []
    last = verdict(
        gap, "the joint fit is better by {}", "the union is better by {}", "the two cannot be told apart ({})"
    )
    return [
        f"One fit or two: beside two fits, for the adjusted Rand index on the same worlds, {'; '.join(parts)}; {last}."
    ]


def _clusters(reading: Reading) -> list[str]:
    parts = []
    for field in (COMPLETE, PARTIAL):
        each = named({name: reading.mean("ari", fitter=name, fieldwork=field) for name in (JOINT, UNION, APART)})
        if each:
            parts.append(f"where {field} {each}")
    return [f"Clusters: the mean adjusted Rand index is {'; '.join(parts)}."] if parts else []


def _overlap(reading: Reading) -> list[str]:
    parts = []
    for overlap in reading.levels("overlap"):
        gain = reading.difference("ari", {"fitter": JOINT}, {"fitter": APART}, overlap=overlap)
        if gain.known:
            parts.append(f"{gain} at overlap {plain(overlap)}")
    return [f"Overlap: the joint fit's gain over two fits is {', '.join(parts)}."] if parts else []


def _bridgers(reading: Reading) -> list[str]:
    means = {name: reading.mean("bridger_auc", fitter=name) for name in (JOINT, UNION, APART)}
    gain = reading.difference("bridger_auc", {"fitter": JOINT}, {"fitter": APART})
    if not gain.known:
        return []
    text = f"Bridgers: a true bridger scores above another actor with probability {named(means)}"
    words = verdict(
        gain, "gains {} over two fits", "loses {} to two fits", "does not differ from two fits beyond chance ({})"
    )
    return [f"{text}; the joint fit {words}."]


def _blocks(reading: Reading) -> list[str]:
    gain = reading.difference("ari", {"fitter": BLOCKS_UNION}, {"fitter": BLOCKS})
    if not gain.known:
        return []
    words = verdict(gain, "raises it by {}", "lowers it by {}", "does not change it by more than chance ({})")
    return [f"Without a joint fit: for the block model's adjusted Rand index the union, instead of two fits, {words}."]


def _single(reading: Reading) -> list[str]:
    means = {relation: reading.mean("ari", fitter=APART, relation=relation) for relation in (FORMAL, INFORMAL)}
    best = reading.difference("ari", {"fitter": JOINT}, {"fitter": APART}, relation=FORMAL)
    if not best.known:
        return []
    words = verdict(
        best, "adds {} to the denser one", "takes {} from the denser one", "adds nothing to the denser one ({})"
    )
    return [f"A single relation: fitted alone, the index is {named(means)}; the other relation in a joint fit {words}."]
