"""Sample size: what would it have taken to find clusters, bridgers and change in three sites, with five names or with more?

Run it with `simlab plan experiments/sample_size.py`; `--target` and `--budget` ask for something else.

Aims. To say what a study of three sites, two relations and two periods would have had to invest, so that clusters and
bridgers are found and the change that is seen is about the true one: managers invited, names allowed, answers won, and
whether relations are fitted apart or together.

Data-generating mechanism. Three sites of 60 managers in three clusters, a formal and an informal relation that share
positions, two periods with turnover; one in ten a bridger. How far apart the clusters lie is not known: three and a half
to six spreads, each equally likely.

Estimands. The true clusters, the true bridgers, and the share of stayers who truly switch cluster.

Methods. The posterior mode of the latent position cluster model with three clusters, of each network by itself, or of
both relations of a site and period together. A search over all designs with a surrogate, and fresh replicates of the
design found.

Performance measures. The probability that the adjusted Rand index, averaged over the twelve networks of a study, is at
least 0.6; that the area under the curve of the bridging score is at least 0.7; and that the switching seen differs from
the true one by 0.1 at most: each in four studies of five, averaged over what is not known.
"""

from simlab import Plan, Scenario, between
from simlab.fit.lpcm_map import LpcmMap
from simlab.fit.over_relations import OverRelations

APART, TOGETHER = "relations apart", "relations together"

plan = Plan(
    "sample_size",
    question="What would it have taken to find clusters, bridgers and change in three sites?",
    scenario=Scenario(n_sites=3, n_actors=60, relations=("formal", "informal"), n_periods=2),
    unknown={"separation": (3.5, 6.0)},
    design={
        "n_invited": between(30, 60, 5),
        "max_nominations": between(3, 12),
        "response_rate": between(0.5, 0.95, 0.05),
        "fitter": [APART, TOGETHER],
    },
    fitters={APART: LpcmMap(n_clusters=3), TOGETHER: OverRelations(base="lpcm-map", n_clusters=3)},
    targets=[
        "P(ari >= 0.6) >= 0.8",
        "P(bridger_auc >= 0.7) >= 0.8",
        "P(abs(seen_switching - true_switching) <= 0.1) >= 0.8",
    ],
    fits=4000,
    seed=10,
)
