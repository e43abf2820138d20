"""How many: what does "three or four clusters" in all twelve networks of a study say about the number of clusters?

Aims. To learn how often each criterion takes the true number of clusters, how that depends on the number of managers and on
the numbers it may choose from, and how probable it is that twelve networks (three sites, two relations, two periods) all say
"three or four" when their true numbers are anything from one to six.

Data-generating mechanism. Managers of one site in one to eight clusters of a latent plane, mean out-degree 9, reciprocity
0.5, sociality, homophily by organisation and seniority, one in ten a bridger; centres lie 6 spreads apart, further than the
default 4, where BIC mostly takes one cluster whatever the truth. The fieldwork is complete.

Estimands. The true number of clusters of each network.

Methods. The latent position cluster model by its posterior mode (BIC and ICL), by variational Bayes (bound) and by short
chains (BIC, ICL, posterior probability), the degree-corrected block model (ICL), spectral clustering and Leiden (modularity).
The candidates are 1 to 6 unless said; the mode is also given 2 to 6 and 1 to 10.

Performance measures. The table of true against chosen numbers; the share of right choices; the probability that twelve
independent networks all say three or four, as a product of that table's rows, where each network has a true number of its own
from one to six, and where the four networks of a site share theirs. Its Monte Carlo standard error is the standard deviation
over draws of the rows from their posteriors under Jeffreys' prior, which is not zero at 0 or 1.
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
from simlab.report.numbers import Estimate, Floats, listed, plus_minus
from simlab.report.reading import NOTHING, Reading
from simlab.study.about import about_of

REPLICATES = {"demo": 10, "full": 200}
ACTORS = {"demo": [30, 60], "full": [30, 60, 120, 240]}
SIX = (1, 6)
TRUE_NUMBERS = [float(g) for g in range(1, 7)]
N_SITES, N_EACH = 3, 4  # networks of a site: two relations in two periods

# What each fitter chose by: its name, the fitter, and the metric that has the number it chose.
CRITERIA = (
    ("BIC at the mode", "LPCM, mode", "chosen_bic"),
    ("ICL at the mode", "LPCM, mode", "chosen_icl"),
    ("BIC of chains", "LPCM, chains", "chosen_bic"),
    ("ICL of chains", "LPCM, chains", "chosen_icl"),
    ("the posterior probability", "LPCM, chains", "chosen_posterior"),
    ("the variational bound", "LPCM, variational", "n_clusters_chosen"),
    ("the block model's ICL", "block model", "n_clusters_chosen"),
    ("modularity, spectral", "spectral", "n_clusters_chosen"),
    ("modularity, Leiden", "Leiden", "n_clusters_chosen"),
)
RANGES = (("1 to 6", "LPCM, mode"), ("2 to 6", "LPCM, mode, 2 to 6"), ("1 to 10", "LPCM, mode, 1 to 10"))


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
        criteria=("bic", "icl", "posterior"),
    )
    fitters: dict[str, Fitter] = {
        "LPCM, mode": LpcmMap(n_clusters=SIX),
        "LPCM, chains": chains,
        "spectral": Spectral(n_clusters=SIX),
        "Leiden": Leiden(n_starts=2),
        "LPCM, mode, 2 to 6": LpcmMap(n_clusters=(2, 6)),
        "LPCM, mode, 1 to 10": LpcmMap(n_clusters=(1, 10)),
        "LPCM, variational": LpcmVariational(n_clusters=SIX, n_starts=4),
    }
    if size == "full":
        fitters["block model"] = Sbm(n_clusters=SIX, degree_corrected=True)
    chosen = ["n_clusters_chosen", "chosen_bic", "chosen_icl", "chosen_posterior", "n_clusters_error"]
    return Study(
        "how_many",
        question="Three or four clusters in all of twelve networks: what does that say about how many there are?",
        scenarios=grid(Scenario(separation=6.0), n_clusters=list(range(1, 9)), n_actors=ACTORS[size]),
        fieldworks=Fieldwork(),
        fitters=fitters,
        replicates=REPLICATES[size],
        seed=2,
        metrics=["ari", "bayes_ari", "information", *chosen, "seconds"],
        about=about_of(__doc__),
    )


def answer(dataset: Any) -> list[str]:
    """Return what the study says, in sentences."""
    reading = Reading.of(dataset)
    actors = reading.levels("n_actors")
    largest = actors[-1] if actors else 0.0
    rows = {name: _said(reading, fitter, metric, largest) for name, fitter, metric in CRITERIA}
    whole = {name: said for name, said in rows.items() if all(len(row) for row in said)}
    found = _right(reading, actors) + _ranges(reading, largest)
    if not whole:
        return found or [NOTHING]
    both = {name: (_all(row, shared=False), _all(row, shared=True)) for name, row in whole.items()}
    true = {name: _all(row[2:4], shared=True) for name, row in whole.items()}
    one, two = (max((pair[k] for pair in both.values()), key=lambda e: e.mean) for k in (0, 1))
    lowest, highest = (pick(true.values(), key=lambda e: e.mean) for pick in (min, max))
    details = [f"{name} {_percent(both[name][1])} and {_percent(true[name])}" for name in whole]
    others = {name: _mean([row[g] for g in (0, 1, 4, 5)]) for name, row in whole.items()}
    right = {name: _mean(row[2:4]) for name, row in whole.items()}
    each = [f"{name} {_percent(right[name])} and {_percent(others[name])}" for name in whole]
    single = {name: _mean([row[0]]) for name, row in whole.items()}
    artefacts = [f"{name} in {_percent(share)}" for name, share in single.items() if share.mean > 0.0]
    alone = (
        f"; where there is one cluster only, three or four is said by {'; '.join(artefacts)}"
        if artefacts
        else "; where there is one cluster only, no criterion says three or four"
    )
    return [
        f"Twelve networks of {largest:g} managers: were the true numbers anything from one to six, all twelve would say three"
        f" or four with a probability of at most {_percent(one)} by any criterion if each had its own number, and"
        f" {_percent(two)} if the four of a site shared theirs; where each site truly has three or four, of"
        f" {_percent(lowest)} to {_percent(highest)}.",
        "By criterion (a number a site; first: anything from one to six, then: truly three or four):"
        f" {'; '.join(details)}. The further the second is above the first, the more"
        " twelve times the same answer says.",
        "One network: three or four is said of networks that have three or four, and of those that have one, two, five or six,"
        f" by {'; '.join(each)}{alone}.",
        *found,
    ]


def _said(reading: Reading, fitter: str, metric: str, actors: float) -> list[Floats]:
    """Return, for each true number from one to six, whether three or four were chosen: one array over replicates each."""
    rows = []
    for g in TRUE_NUMBERS:
        values = reading.networks(metric, fitter=fitter, n_clusters=g, n_actors=actors).ravel()
        rows.append(np.isin(values[np.isfinite(values)], (3.0, 4.0)).astype(np.float64))
    return rows


def _mean(rows: list[Floats]) -> Estimate:
    """Return the mean of the rows' shares; the error is the standard deviation under Jeffreys' prior."""
    return _estimate(rows, lambda q: q.mean(axis=-1))


def _all(rows: list[Floats], *, shared: bool) -> Estimate:
    """Return the probability that all twelve networks say three or four, true numbers being drawn from those of the rows."""
    if shared:
        return _estimate(rows, lambda q: (q**N_EACH).mean(axis=-1) ** N_SITES)
    return _estimate(rows, lambda q: q.mean(axis=-1) ** (N_EACH * N_SITES))


def _estimate(rows: list[Floats], of: Any) -> Estimate:
    hits = np.array([row.sum() for row in rows])
    counts = np.array([len(row) for row in rows])
    drawn = np.random.default_rng(1).beta(hits + 0.5, counts - hits + 0.5, size=(4000, len(rows)))
    return Estimate(float(of(hits / counts)), float(of(drawn).std()))


def _right(reading: Reading, actors: list[float]) -> list[str]:
    """Return how often each criterion takes the true number, over true numbers from one to six."""
    parts = []
    for name, fitter, metric in CRITERIA:
        each = [_share_right(reading, fitter, metric, n, TRUE_NUMBERS) for n in actors]
        if all(e.known for e in each) and each:
            parts.append(f"{name} in {listed([_percent(e) for e in each])}")
    if not parts:
        return []
    sizes = listed([f"{n:g}" for n in actors])
    return [f"Right number: of true numbers from one to six (networks of {sizes} managers), {'; '.join(parts)}."]


def _share_right(reading: Reading, fitter: str, metric: str, actors: float, true: list[float]) -> Estimate:
    rows = []
    for g in true:
        values = reading.networks(metric, fitter=fitter, n_clusters=g, n_actors=actors).ravel()
        rows.append((values[np.isfinite(values)] == g).astype(np.float64))
    return _mean(rows) if all(len(row) for row in rows) else Estimate(np.nan, np.nan)


def _ranges(reading: Reading, actors: float) -> list[str]:
    """Return what the range of candidates does to BIC at the mode, where the truth is one, and seven or eight."""
    parts = []
    for name, fitter in RANGES:
        rows = [reading.networks("chosen_bic", fitter=fitter, n_clusters=g, n_actors=actors) for g in (1.0, 7.0, 8.0)]
        rows = [row[np.isfinite(row)] for row in rows]
        if all(len(row) for row in rows):
            one = _mean([(rows[0] == 1.0).astype(np.float64)])
            claimed = _mean([np.isin(row, (3.0, 4.0)).astype(np.float64) for row in rows[1:]])
            parts.append(
                f"{name}: one cluster is seen as one in {_percent(one)}, seven or eight as three or four in {_percent(claimed)}"
            )
    return [f"Candidates: BIC at the mode, offered {'; '.join(parts)}."] if parts else []


def _percent(share: Estimate) -> str:
    if share.mean + 2.0 * share.mcse < 0.001:
        return "under 0.1 %"
    decimals = 0 if 100 * share.mcse >= 0.95 else 1
    text = plus_minus(100 * share.mean, 100 * share.mcse, decimals)
    return f"{text} %"
