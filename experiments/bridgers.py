"""Bridgers: which score finds the managers who bridge clusters, and what does each score say where nobody does?

Aims. To compare six bridging scores: how well they rank the true bridgers above the others, from bridgers who hardly
leave their own cluster to those midway between two; with every answer and with three in ten missing; and to say how
many of those who would be interviewed as bridgers are none.

Data-generating mechanism. One site of 60 managers in three clusters of a latent plane whose centres lie four spreads
apart; mean out-degree 9, reciprocity 0.5, sociality, homophily. One actor in ten is a bridger, whose middle lies at the
share `bridger_strength` of half the way to another cluster. At strength 0 bridgers are like everybody else: a world
without bridgers, and a control in which no score may do better than chance.

Estimands. Who the true bridgers are, by position; whether there are any.

Methods. The latent position cluster model by MCMC (three clusters given, short chains, judged as such), the
degree-corrected block model and modularity by the Leiden method; of each fit every score that it has: entropy of
membership, entropy given the position (MCMC alone), participation, lying between, low constraint, betweenness.

Performance measures. Area under the curve and precision of every score; the share of true bridgers among the two people
interviewed as such; and, for a score's mean over its highest tenth, the probability that a world with bridgers of full
strength shows more than one without any. Monte Carlo standard errors over replicates.
"""

from collections.abc import Callable
from typing import Any

from simlab import Fieldwork, LpcmMcmc, Scenario, Study, grid
from simlab.fit.fit import Fit
from simlab.fit.leiden import Leiden
from simlab.fit.sbm import Sbm
from simlab.generate.truth import NetworkTruth
from simlab.metrics.bridging import SCORES, highest_tenth
from simlab.metrics.metric import NAN, Kind, metric
from simlab.report.comparisons import superiority, verdict
from simlab.report.numbers import Estimate, listed, plain, pooled, share_text
from simlab.report.reading import NOTHING, Reading

STRENGTHS = {"demo": (0.0, 0.5, 0.75, 1.0), "full": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)}
REPLICATES = {"demo": 36, "full": 300}
COMPLETE, PARTIAL = "all answer", "70 % answer"
MCMC, BLOCKS, LEIDEN = "LPCM, MCMC", "block model", "Leiden"


def _highest(score: str) -> Callable[[Fit, NetworkTruth], float]:
    def highest(fit: Fit, truth: NetworkTruth) -> float:
        return highest_tenth(fit.bridging[score]) if score in fit.bridging else NAN

    return highest


for _score, _words in SCORES.items():
    metric(
        f"highest_{_score}",
        kind=Kind.FIT,
        long_name=f"mean of the highest tenth, {_words}",
        reference="of this study",
        low=0.0,
        high=1.0,
    )(_highest(_score))


def study(size: str = "demo") -> Study:
    # Short chains are enough to place 60 actors, and are judged as such: rhat up to 1.1, 50 effective draws.
    mcmc = LpcmMcmc(n_clusters=3, n_chains=2, n_warmup=300, n_draws=300, thin=1, max_rhat=1.1, min_ess=50.0)
    return Study(
        "bridgers",
        question="Which score finds the managers who bridge clusters, and what does it say where nobody does?",
        scenarios=grid(Scenario(), bridger_strength=STRENGTHS[size]),
        fieldworks={COMPLETE: Fieldwork(), PARTIAL: Fieldwork(response_rate=0.7)},
        fitters={MCMC: mcmc, BLOCKS: Sbm(n_clusters=3, degree_corrected=True), LEIDEN: Leiden()},
        replicates=REPLICATES[size],
        seed=3,
        metrics=[
            "ari",
            "bridger_auc",
            "bridger_precision",
            "interviews_bridgers",
            *(f"{measure}_{score}" for score in SCORES for measure in ("auc", "precision", "highest")),
            "n_clusters_chosen",
            "converged",
            "seconds",
            "bayes_ari",
        ],
        about={
            "Aims": "Which of six scores finds the bridgers, at which strength, with and without non-response; how many of"
            " those interviewed as bridgers are none; what each score says in a world without bridgers.",
            "Data-generating mechanism": "60 managers of one site in three clusters four spreads apart, mean out-degree 9,"
            " one in ten a bridger. Strength 1 is midway between two clusters; at strength 0 bridgers are like everybody"
            " else, which is a world without bridgers.",
            "Estimands": "The true bridgers, by position; whether there are any.",
            "Methods": "LPCM by MCMC (three clusters given, short chains), degree-corrected block model (three given), Leiden;"
            " of each fit every score that it has.",
            "Performance measures": "Area under the curve and precision of every score, the share of bridgers among the two"
            " interviewed as such, and how surely a score's highest tenth tells a world with bridgers from one without.",
        },
    )


def answer(dataset: Any) -> list[str]:
    """Return what the study says, in sentences."""
    reading = Reading.of(dataset)
    strengths = [level for level in reading.levels("bridger_strength") if isinstance(level, float)]
    strong = max(strengths)
    sentences = [
        *_which(reading, strong),
        *_strength(reading, strengths),
        *_response(reading, strong),
        *_interviewed(reading, strengths),
        *_without(reading, strong),
        *_control(reading),
    ]
    return sentences or [NOTHING]


def _areas(reading: Reading, **at: float | str) -> list[tuple[str, str, Estimate]]:
    """Return (score, fitter, area under the curve), the highest first; a network's own scores once, from the first fitter."""
    found = []
    for score in SCORES:
        alike = score in ("low_constraint", "betweenness")
        for fitter in reading.fitters[:1] if alike else reading.fitters:
            area = reading.mean(f"auc_{score}", fitter=fitter, **at)
            if area.known:
                found.append((score, "" if alike else fitter, area))
    return sorted(found, key=lambda item: -item[2].mean)


def _of(score: str, fitter: str) -> str:
    return f"{SCORES[score]} ({fitter})" if fitter else SCORES[score]


def _which(reading: Reading, strong: float) -> list[str]:
    areas = _areas(reading, bridger_strength=strong, fieldwork=COMPLETE)
    if not areas:
        return []
    score, fitter, area = areas[0]
    at: dict[str, float | str] = {"bridger_strength": strong, "fieldwork": COMPLETE}
    own = {"fitter": fitter or reading.fitters[0]}
    same: list[str] = []
    lower: list[str] = []
    for other, its, value in areas[1:]:
        second = reading.values(f"auc_{other}", fitter=its or reading.fitters[0], **at)
        gap = pooled(reading.values(f"auc_{score}", **own, **at) - second)
        (lower if gap.distinct else same).append(f"{_of(other, its)} {value}")
    text = (
        f"Which score: at strength {plain(strong)}, with all answering, {_of(score, fitter)} ranks a true bridger above"
    )
    sentences = [f"{text} another actor with probability {area} (0.5 is chance)."]
    if same or lower:
        told = [f"not distinguishable from it are {listed(same)}"] if same else []
        told += [f"lower are {listed(lower)}"] if lower else []
        sentences.append(f"Other scores: {'; '.join(told)}.")
    return sentences


def _strength(reading: Reading, strengths: list[float]) -> list[str]:
    areas = _areas(reading, bridger_strength=max(strengths), fieldwork=COMPLETE)
    if not areas:
        return []
    score, fitter, _ = areas[0]
    at: dict[str, float | str] = {"fitter": fitter or reading.fitters[0], "fieldwork": COMPLETE}
    means = {s: reading.mean(f"auc_{score}", bridger_strength=s, **at) for s in strengths if s > 0.0}
    each = [f"{mean} at {plain(s)}" for s, mean in means.items() if mean.known]
    better = [s for s, mean in means.items() if Estimate(mean.mean - 0.5, mean.mcse).distinct and mean.mean > 0.5]
    first = f"is better than chance from strength {plain(min(better))} on" if better else "is never better than chance"
    return [f"Strength: {_of(score, fitter)} {first} ({', '.join(each)})."] if each else []


def _response(reading: Reading, strong: float) -> list[str]:
    drops = []
    for score, fitter, _ in _areas(reading, bridger_strength=strong, fieldwork=COMPLETE):
        label = fitter or reading.fitters[0]
        loss = reading.difference(
            f"auc_{score}", {"fieldwork": COMPLETE}, {"fieldwork": PARTIAL}, fitter=label, bridger_strength=strong
        )
        if loss.known:
            drops.append((loss, _of(score, fitter)))
    if not drops:
        return []
    first, rest = drops[0], [(loss, name) for loss, name in drops[1:] if loss.distinct]
    text = f"Non-response: with 70 % answering, at strength {plain(strong)}, the area under the curve of {first[1]}"
    text += verdict(first[0], " falls by {}", " rises by {}", " does not change by more than chance ({})")
    each = listed([f"{name} ({loss})" for loss, name in rest])
    return [f"{text}; of the other scores it falls for {each if each else 'none, beyond two errors'}."]


def _interviewed(reading: Reading, strengths: list[float]) -> list[str]:
    parts = []
    for fitter in reading.fitters:
        shares = []
        for strength in (s for s in strengths if s > 0.0):
            right = reading.mean("interviews_bridgers", fitter=fitter, bridger_strength=strength, fieldwork=COMPLETE)
            if right.known:
                shares.append(f"{share_text(Estimate(1.0 - right.mean, right.mcse))} at {plain(strength)}")
        if shares:
            parts.append(f"{fitter}: {', '.join(shares)}")
    if not parts:
        return []
    return [
        "Interviewed for nothing: of the two people interviewed as bridgers, so many are none, by strength, with all"
        f" answering (by chance 90 %): {'; '.join(parts)}."
    ]


def _without(reading: Reading, strong: float) -> list[str]:
    parts = []
    for score, fitter, _ in _areas(reading, bridger_strength=strong, fieldwork=COMPLETE):
        at = {"fitter": fitter or reading.fitters[0], "fieldwork": COMPLETE}
        none = reading.values(f"highest_{score}", bridger_strength=0.0, **at)
        some = reading.values(f"highest_{score}", bridger_strength=strong, **at)
        tells, usual = superiority(some, none), reading.mean(f"highest_{score}", bridger_strength=0.0, **at)
        if tells.known and fitter in ("", reading.fitters[0]):
            parts.append(f"{SCORES[score]} {usual} ({tells})")
    if not parts:
        return []
    return [
        "Without bridgers: the highest tenth of actors still has a mean score, in brackets the probability that a world with"
        f" bridgers of strength {plain(strong)} shows more, where 0.5 tells nothing ({reading.fitters[0]}): {', '.join(parts)}."
    ]


def _control(reading: Reading) -> list[str]:
    areas = _areas(reading, bridger_strength=0.0, fieldwork=COMPLETE)
    if not areas:
        return []
    # A score that is 0 for nearly everybody has a skewed area, whose error says little; two hundredths are no matter.
    off = [f"{_of(s, f)} {a}" for s, f, a in areas if abs(a.mean - 0.5) > max(3.0 * a.mcse, 0.02)]
    nothing = "Control: at strength 0, where there is nothing to find,"
    if off:
        return [f"{nothing} {listed(off)} is beyond three errors from 0.5."]
    return [f"{nothing} every score is within three errors, or 0.02, of chance."]
