"""A study of 21,600 cells, which is run, killed and resumed for real before a release: ``simlab run scripts/large_study.py``.

Would cheap methods do for fieldwork planning? Three methods, five response rates, four questionnaires, three separations.
"""

from simlab import Fieldwork, Louvain, Scenario, Spectral, Study, grid
from simlab.fit.lpcm_map import LpcmMap

study = Study(
    "large_study",
    question="What do response and names allowed cost three quick methods?",
    scenarios=grid(Scenario(n_actors=40, mean_degree=6.0), separation=[3.0, 4.0, 5.0]),
    fieldworks=grid(Fieldwork(), response_rate=[0.6, 0.7, 0.8, 0.9, 1.0], max_nominations=[3, 5, 7, 9]),
    fitters={"mode": LpcmMap(n_clusters=3), "spectral": Spectral(n_clusters=3), "Louvain": Louvain()},
    replicates=120,
    metrics=["ari", "bridger_auc", "n_clusters_error", "bayes_ari", "information", "seconds"],
)
