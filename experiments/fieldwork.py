"""Fieldwork: what is worth paying for, a higher response or more names; and what to do about the answers that are missing?

Aims. To compare data collections by the clusters and bridgers that are found with them: response rate, names allowed,
who is taken to belong, and what the analyst does about missing answers; for smaller and larger sites. How strongly
bridgers must avoid the questionnaire before conclusions turn is asked in `tipping_point.py`.

Data-generating mechanism. One site in three clusters of a latent plane whose centres lie four spreads apart; mean
out-degree 9 at every number of managers, reciprocity 0.5, sociality, homophily, one in ten a bridger. People answer at
random at the response rate. Who may give five names gives a random choice of theirs. The boundary is right, or leaves
one of four organisations out, or lists a fifth more people who do not belong and have few ties.

Estimands. The true clusters and bridgers, of all who truly belong.

Methods. The latent position cluster model by its posterior mode (three clusters given), after masking, listwise
deletion, null imputation (silence is no tie), reconstruction from the other side, or both; and multiple imputation of
what masking leaves open. In full size also by MCMC, with what a full list of names leaves open taken as no tie, or as
open (censored).

Performance measures. Adjusted Rand index over all who belong, those whom the data do not have in clusters of their own,
so that leaving people out cannot pay; area under the curve of the bridging score; both as paired differences over the
same worlds, with Monte Carlo standard errors over replicates.
"""

import itertools
from typing import Any

from simlab import Fieldwork, Fitter, Grid, LpcmMcmc, Scenario, Study, grid
from simlab.fieldwork.settings import Treatment
from simlab.fit.lpcm_map import LpcmMap
from simlab.fit.multiple_imputation import MultipleImputation
from simlab.report.comparisons import verdict
from simlab.report.numbers import Estimate, Floats, listed, percent, plain, pooled
from simlab.report.reading import NOTHING, Reading

REPLICATES = {"demo": 16, "full": 200}
N_ACTORS = {"demo": (40, 80), "full": (30, 60, 120)}
RESPONSE = {"demo": (0.5, 0.7, 0.9), "full": (0.5, 0.6, 0.7, 0.8, 0.9)}
NAMES: dict[str, tuple[int | None, ...]] = {"demo": (5, 10), "full": (3, 5, 7, 10, None)}
TREATMENTS: tuple[Treatment, ...] = (
    "masking",
    "listwise-deletion",
    "null-imputation",
    "reconstruction",
    "reconstruction-and-null-imputation",
)
BOUNDARIES: dict[str, dict[str, Any]] = {
    "right": {},
    "too narrow": {"left_out": ("voluntary",)},
    "too wide": {"outsiders": 0.2},
}
MODE, IMPUTED, TOLD, CENSORED = "LPCM, mode", "mode, multiple imputation", "LPCM, MCMC", "LPCM, MCMC, censored"
MEASURE = "ari_of_all"
# What money could buy: a higher response, or more names.
RESPONSE_STEP, NAMES_STEP = (0.7, 0.9), ("5", "10")


def _fieldworks(size: str) -> Grid[Fieldwork]:
    settings = tuple(
        Fieldwork(response_rate=response, max_nominations=names, treatment=treatment, **boundary)
        for response, names, boundary, treatment in itertools.product(
            RESPONSE[size], NAMES[size], BOUNDARIES.values(), TREATMENTS
        )
    )
    labels: dict[str, tuple[float | str, ...]] = {
        "response_rate": RESPONSE[size],
        "max_nominations": tuple("none" if most is None else str(most) for most in NAMES[size]),
        "boundary": tuple(BOUNDARIES),
        "treatment": TREATMENTS,
    }
    return Grid(labels, settings)


def study(size: str = "demo") -> Study:
    fitters: dict[str, Fitter] = {
        MODE: LpcmMap(n_clusters=3),
        IMPUTED: MultipleImputation(base="lpcm-map", n_clusters=3, n_imputations=5 if size == "demo" else 20),
    }
    if size == "full":
        # Short chains, judged as such: rhat up to 1.1, 50 effective draws.
        mcmc = LpcmMcmc(n_clusters=3, n_chains=2, n_warmup=300, n_draws=300, thin=1, max_rhat=1.1, min_ess=50.0)
        fitters |= {TOLD: mcmc, CENSORED: mcmc.but(nominations="censored")}
    return Study(
        "fieldwork",
        question="What is worth paying for, a higher response or more names? And what to do about missing answers?",
        scenarios=grid(Scenario(), n_actors=N_ACTORS[size]),
        fieldworks=_fieldworks(size),
        fitters=fitters,
        replicates=REPLICATES[size],
        seed=5,
        metrics=[MEASURE, "ari", "share_scored", "bridger_auc", "converged", "seconds", "bayes_ari"],
        about={
            "Aims": "What response, names allowed, boundary and treatment of missing answers are worth, by number of managers."
            " (How strongly bridgers must avoid the questionnaire before conclusions turn: tipping_point.py.)",
            "Data-generating mechanism": "One site in three clusters four spreads apart, mean out-degree 9, one in ten a"
            " bridger; answers missing at random; names beyond those allowed dropped at random; a boundary that leaves out one"
            " of four organisations, or lists a fifth more people who do not belong.",
            "Estimands": "The true clusters and bridgers, of all who belong.",
            "Methods": "LPCM by its mode (three clusters given) after masking, listwise deletion, null imputation,"
            " reconstruction, or both; multiple imputation; in full size MCMC, fixed choice as told and censored.",
            "Performance measures": "Adjusted Rand index over all who belong, those left out in clusters of their own; area"
            " under the curve of the bridging score; paired differences with Monte Carlo standard errors.",
        },
    )


def answer(dataset: Any) -> list[str]:
    """Return what the study says, in sentences."""
    reading = Reading.of(dataset)
    sentences = [
        *_worth(reading),
        *_surface(reading),
        *_bridgers(reading),
        *_treatments(reading),
        *_boundaries(reading),
        *_censored(reading),
    ]
    return sentences or [NOTHING]


def _gains(reading: Reading, metric: str, **at: float | str) -> tuple[Floats, Floats] | None:
    """Return what the step in response and that in names add, in each world: (scenarios, 1, replicates).

    Each is the mean over the levels of the other. None where the study does not have the levels.
    """
    rates, names = RESPONSE_STEP, NAMES_STEP
    if not (
        set(rates) <= set(reading.levels("response_rate")) and set(names) <= set(reading.levels("max_nominations"))
    ):
        return None
    higher = reading.values(metric, response_rate=rates[1], **at) - reading.values(metric, response_rate=rates[0], **at)
    more = reading.values(metric, max_nominations=names[1], **at) - reading.values(
        metric, max_nominations=names[0], **at
    )
    # Worlds are compared whole or not at all.
    return higher.mean(axis=1, keepdims=True), more.mean(axis=1, keepdims=True)


def _worth(reading: Reading) -> list[str]:
    parts = []
    for n in reading.levels("n_actors"):
        gains = _gains(reading, MEASURE, n_actors=n, fitter=MODE, treatment="masking", boundary="right")
        if gains is None or not pooled(gains[0] - gains[1]).known:
            continue
        which = verdict(
            pooled(gains[0] - gains[1]),
            "response is worth {} more",
            "names are worth {} more",
            "which is worth more cannot be told, difference {}",
        )
        parts.append(f"{pooled(gains[0])} and {pooled(gains[1])} with {plain(n)} managers ({which})")
    if not parts:
        return []
    steps = f"{percent(RESPONSE_STEP[1])} response instead of {percent(RESPONSE_STEP[0])}"
    steps += f" and {NAMES_STEP[1]} names instead of {NAMES_STEP[0]}"
    return [f"Response or names: for the adjusted Rand index {steps} are worth, in this order, {listed(parts)}."]


def _surface(reading: Reading) -> list[str]:
    parts = []
    for n in reading.levels("n_actors"):
        rates, names = reading.levels("response_rate"), reading.levels("max_nominations")
        at = {"n_actors": n, "fitter": MODE, "treatment": "masking", "boundary": "right"}
        least = reading.mean(MEASURE, response_rate=rates[0], max_nominations=names[0], **at)
        most = reading.mean(MEASURE, response_rate=rates[-1], max_nominations=names[-1], **at)
        if least.known and most.known:
            parts.append(f"{least} and {most} with {plain(n)} managers")
    if not parts:
        return []
    ends = [(reading.levels("response_rate")[k], reading.levels("max_nominations")[k]) for k in (0, -1)]
    said = [f"{percent(float(rate))} response and {names} names" for rate, names in ends]
    return [f"Least and most: the adjusted Rand index with {listed(said)} is, in this order, {listed(parts)}."]


def _bridgers(reading: Reading) -> list[str]:
    at: dict[str, float | str] = {"fitter": MODE, "treatment": "masking", "boundary": "right"}
    first, gains = reading.mean("bridger_auc", **at), _gains(reading, "bridger_auc", **at)
    if gains is None or not (first.known and pooled(gains[0] - gains[1]).known):
        return []
    return [
        f"Bridgers: a bridger scores above another actor with probability {first} (0.5 is chance), over all response rates and"
        f" names; the same steps add {_signed(pooled(gains[0]))} and {_signed(pooled(gains[1]))}."
    ]


def _signed(gain: Estimate) -> str:
    return f"{gain}" if gain.distinct else f"nothing that can be told from chance ({gain})"


def _treatments(reading: Reading) -> list[str]:
    at = {"fitter": MODE, "boundary": "right"}
    first = reading.mean(MEASURE, treatment="masking", **at)
    if not first.known:
        return []
    parts = []
    for name in TREATMENTS:
        gap = reading.difference(MEASURE, {"treatment": name}, {"treatment": "masking"}, **at)
        if name != "masking" and gap.known:
            label = name.replace("-", " ")
            parts.append((gap.mean, f"{label} {_change(gap)}"))
    imputed = reading.difference(MEASURE, {"fitter": IMPUTED}, {"fitter": MODE}, boundary="right", treatment="masking")
    if imputed.known:
        parts.append((imputed.mean, f"multiple imputation {_change(imputed)}"))
    parts.sort(reverse=True)
    return [
        f"Missing answers: over all response rates and names, masking has an adjusted Rand index of {first}; beside it, best"
        f" first: {', '.join(text for _, text in parts)}."
    ]


def _change(gap: Estimate) -> str:
    return verdict(gap, "{} higher", "{} lower", "not distinguishable ({})")


def _boundaries(reading: Reading) -> list[str]:
    at = {"fitter": MODE, "treatment": "masking"}
    parts = []
    for name, words in (("too narrow", "leaving an organisation out"), ("too wide", "listing a fifth too many")):
        loss = reading.difference(MEASURE, {"boundary": name}, {"boundary": "right"}, **at)
        among = reading.difference("ari", {"boundary": name}, {"boundary": "right"}, **at)
        if loss.known:
            parts.append(
                f"{words} makes it {_change(loss)} over all who belong and {_change(among)} among those in the data"
            )
    return [f"Boundary: for the adjusted Rand index, {'; '.join(parts)}."] if parts else []


def _censored(reading: Reading) -> list[str]:
    if CENSORED not in reading.fitters:
        return []
    parts = []
    for names in reading.levels("max_nominations"):
        at = {"max_nominations": names, "treatment": "masking", "boundary": "right"}
        gain = reading.difference(MEASURE, {"fitter": CENSORED}, {"fitter": TOLD}, **at)
        if gain.known and names != "none":
            parts.append(f"{_change(gain)} with {names} names")
    text = "Censored: taking as open what a full list of names leaves open makes the adjusted Rand index of MCMC"
    return [f"{text} {listed(parts)}."] if parts else []
