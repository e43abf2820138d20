"""Tipping point: how strongly must bridgers avoid the questionnaire before each conclusion turns?

Aims. To find, for each of four conclusions that a study of managers draws, the odds of a bridger's answer over those of
somebody else at which it no longer holds; with every tie told and with five names, and to see whether a fit that takes
a full list of names as open (censored) holds out longer.

Data-generating mechanism. One site of 60 managers in three clusters of a latent plane, centres four spreads apart, mean
out-degree 9, one in ten a bridger midway between two clusters (strength 1). Seven in ten answer, whatever the odds; the
odds ratio of an answer by being a bridger falls from 1 to 1/100.

Estimands. The odds ratio at which the mean of a performance measure passes the line that stands for a conclusion.

Methods. The latent position cluster model by MCMC (three clusters given, short chains, judged as such), with those not
named by who named as many as allowed as no ties, or as open.

Performance measures. Adjusted Rand index, held against what it is where bridgers answer like everybody; area under the
curve of the bridging score, held against 0.6; the share of true bridgers among the two interviewed as such, held
against twice that by lot; the share of pairs interviewed for one cluster who truly share it, held against eight in ten.
Monte Carlo standard errors.
"""

import math
from typing import Any

from simlab import Fieldwork, LpcmMcmc, Scenario, Study, grid
from simlab.report.comparisons import Turning, turning_point, verdict
from simlab.report.numbers import listed
from simlab.report.reading import NOTHING, Reading

REPLICATES = {"demo": 24, "full": 200}
ODDS = {"demo": (1.0, 0.2, 0.05, 0.01), "full": (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)}
TOLD, CENSORED = "as told", "censored"
# How much lower an adjusted Rand index may be than where bridgers answer like everybody.
TOLERATED = 0.05
LINES = {
    "bridger_auc": ("Who bridges", "the bridging score ranks bridgers above others with probability 0.6", 0.6),
    "interviews_bridgers": (
        "Bridgers interviewed",
        "those interviewed as bridgers are bridgers twice as often as by lot",
        0.2,
    ),
    "interviews_share_position": ("Positions", "eight in ten pairs interviewed for one cluster share it", 0.8),
}
ASKED = {"none": "every tie told", "5": "five names"}


def study(size: str = "demo") -> Study:
    # Short chains are judged as such: rhat up to 1.1, 50 effective draws. With ties left open they mix more slowly.
    mcmc = LpcmMcmc(n_clusters=3, n_chains=2, n_warmup=300, n_draws=300, thin=1, max_rhat=1.1, min_ess=50.0)
    return Study(
        "tipping_point",
        question="How strongly must bridgers avoid the questionnaire before each conclusion turns?",
        scenarios=Scenario(bridger_strength=1.0),
        fieldworks=grid(
            Fieldwork(response_rate=0.7, response_by="bridging"),
            max_nominations=[5, None],
            response_odds_ratio=ODDS[size],
        ),
        fitters={TOLD: mcmc, CENSORED: mcmc.but(nominations="censored", thin=3)},
        replicates=REPLICATES[size],
        seed=55,
        metrics=[
            "ari",
            "bridger_auc",
            "bridger_precision",
            "interviews_bridgers",
            "interviews_share_position",
            "converged",
            "seconds",
            "bayes_ari",
        ],
        about={
            "Aims": "At which odds of a bridger's answer over others' each of four conclusions turns.",
            "Data-generating mechanism": "60 managers in three clusters four spreads apart, one in ten midway between two;"
            " seven in ten answer, bridgers with odds that are from 1 to 1/100 of the others'.",
            "Estimands": "The odds ratio at which the mean of each measure passes its line.",
            "Methods": "LPCM by MCMC, a full list of names as told or censored.",
            "Performance measures": "Adjusted Rand index, area under the curve of the bridging score, true bridgers among those"
            " interviewed as such, pairs interviewed for one cluster that share it.",
        },
    )


def answer(dataset: Any) -> list[str]:
    """Return what the study says, in sentences."""
    reading = Reading.of(dataset)
    odds = [level for level in reading.levels("response_odds_ratio") if isinstance(level, float)]
    tolerated = (
        f"they are found as well as where bridgers answer like others, but for {TOLERATED:g} of the adjusted Rand index"
    )
    conclusions = {"ari": ("Clusters", tolerated, -TOLERATED), **LINES}
    found = {measure: _turns(reading, measure, odds, *conclusion) for measure, conclusion in conclusions.items()}
    told = {measure: text for measure, text in found.items() if text}
    if not told:
        return [NOTHING]
    turned = [conclusions[measure][0].lower() for measure, text in told.items() if " turns " in text]
    text = (
        f"Tipping points: at 70 % response, as the odds of a bridger's answer over others' fall to {_ratio(odds[-1])},"
    )
    text += f" what turns is the conclusion on {listed(turned)}." if turned else " no conclusion turns."
    return [text, *told.values(), *_censoring(reading)]


def _ratio(odds: float) -> str:
    return f"1/{1.0 / odds:.0f}" if odds < 0.4 else f"{odds:.1f}"


def _place(turning: Turning) -> str:
    if not math.isfinite(turning.low):
        return _ratio(turning.place) if math.isfinite(turning.place) else ""
    return (
        f"{_ratio(turning.place)} (within a standard error {_ratio(turning.low)} to {_ratio(min(turning.high, 1.0))})"
    )


def _turns(reading: Reading, measure: str, odds: list[float], subject: str, words: str, line: float) -> str:
    parts = []
    for names, asked in ASKED.items():
        means = reading.along(measure, "response_odds_ratio", fitter=TOLD, max_nominations=names)
        turning = turning_point(odds, means, line if line > 0.0 else means[0].mean + line)
        said = {
            "never": "holds throughout",
            "always": "does not hold even where they answer like others",
            "at": f"turns at an odds ratio of {_place(turning)}",
            "unclear": "passes its line more than once, within the errors",
        }[turning.how]
        if means[0].known and means[-1].known:
            parts.append(f"with {asked} {said} ({means[0]} at 1, {means[-1]} at {_ratio(odds[-1])})")
    return f"{subject}: that {words}, {'; '.join(parts)}." if parts else ""


def _censoring(reading: Reading) -> list[str]:
    parts = []
    for measure, words in (("ari", "adjusted Rand index"), ("bridger_auc", "area under the curve")):
        gain = reading.difference(measure, {"fitter": CENSORED}, {"fitter": TOLD}, max_nominations="5")
        if gain.known:
            parts.append(f"the {words} {verdict(gain, '{} higher', '{} lower', 'not distinguishable ({})')}")
    text = "Censored: with five names, taking as open what a full list leaves open makes"
    return [f"{text} {' and '.join(parts)}."] if parts else []
