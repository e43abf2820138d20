"""Tipping point: how strongly must bridgers avoid the questionnaire before each conclusion turns?

Aims. To find, for each of four conclusions that a study of managers draws, the odds of a bridger's answer over those of
somebody else at which it no longer holds; with every tie told and with five names, and to see whether a fit that takes a full
list of names as open (censored) holds out longer.

Data-generating mechanism. One site of 60 managers in three clusters of a latent plane, centres four spreads apart, mean
out-degree 9, one in ten a bridger midway between two clusters (strength 1). Seven in ten answer, whatever the odds; the odds
ratio of an answer by being a bridger falls from 1 to 1/100.

Estimands. The odds ratio at which the mean of a performance measure passes the line that stands for a conclusion.

Methods. The latent position cluster model by MCMC (three clusters given, short chains, judged as such), with those not named
by who named as many as allowed as no ties, or as open.

Performance measures. Adjusted Rand index, held against what it is where bridgers answer like everybody; area under the curve
of the bridging score, held against 0.7; the share of true bridgers among the two interviewed as such, held against a half; the
share of pairs interviewed for one cluster who truly share it, held against eight in ten. Monte Carlo standard errors.
"""

import math
from typing import Any

from simlab import Fieldwork, LpcmMcmc, Scenario, Study, grid
from simlab.report.reading import NOTHING, Reading, turning_point, verdict

REPLICATES = {"demo": 12, "full": 200}
ODDS = {"demo": (1.0, 0.2, 0.05, 0.01), "full": (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)}
TOLD, CENSORED = "as told", "censored"
# How much lower an adjusted Rand index may be than where bridgers answer like everybody.
TOLERATED = 0.05
LINES = {
    "bridger_auc": ("“the score ranks bridgers above others with probability 0.7”", 0.7),
    "interviews_bridgers": ("“half of those interviewed as bridgers are some”", 0.5),
    "interviews_share_position": ("“eight in ten pairs interviewed for one cluster share it”", 0.8),
}


def study(size: str = "demo") -> Study:
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
        fitters={TOLD: mcmc, CENSORED: mcmc.but(nominations="censored")},
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
    found = [
        *(sentence for names in ("none", "5") for sentence in _turns(reading, odds, names)),
        *_censoring(reading),
    ]
    return found or [NOTHING]


def _ratio(odds: float) -> str:
    return f"1 to {1.0 / odds:.2g}" if odds < 1.0 else "1 to 1"


def _turns(reading: Reading, odds: list[float], names: str) -> list[str]:
    at = {"fitter": TOLD, "max_nominations": names}
    first = reading.mean("ari", response_odds_ratio=1.0, **at)
    lines = {
        "ari": (
            f"“clusters are found as well, but for {TOLERATED:g} of the adjusted Rand index”",
            first.mean - TOLERATED,
        )
    }
    parts = []
    for measure, (words, line) in (lines | LINES).items():
        means = reading.along(measure, "response_odds_ratio", **at)
        ends = f"{means[0]} at 1 to 1, {means[-1]} at {_ratio(odds[-1])}"
        how, place = turning_point(odds, means, line)
        said = {
            "never": "holds throughout",
            "always": "does not hold even where they answer like everybody",
            "at": f"turns at about {_ratio(place) if math.isfinite(place) else ''}",
            "unclear": "passes its line more than once, within its errors",
        }[how]
        if means[0].known and means[-1].known:
            parts.append(f"{words} {said} ({ends})")
    asked = "every tie told" if names == "none" else f"{names} names"
    text = (
        f"Tipping points, {asked}: as the odds of a bridger's answer to others' fall from 1 to 1 to {_ratio(odds[-1])},"
    )
    return [f"{text} {'; '.join(parts)}."] if parts else []


def _censoring(reading: Reading) -> list[str]:
    parts = []
    for measure, words in (("ari", "adjusted Rand index"), ("bridger_auc", "area under the curve")):
        gain = reading.difference(measure, {"fitter": CENSORED}, {"fitter": TOLD}, max_nominations="5")
        if gain.known:
            parts.append(f"the {words} {verdict(gain, '{} higher', '{} lower', 'not distinguishable ({})')}")
    if not parts:
        return []
    return [f"Censored: with five names, taking as open what a full list leaves open makes {' and '.join(parts)}."]
