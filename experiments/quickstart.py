"""Quickstart: would cluster models find the clusters, the bridgers and the stable core of a network of managers?

Aims. To show, in minutes, how well three methods recover known structure in networks like those of health and well-being
managers, as clusters lie further apart, with complete answers and with a questionnaire that allows five names.

Data-generating mechanism. One site of 60 managers in three clusters of a latent plane, over two periods; mean out-degree 9,
reciprocity 0.5, sociality, homophily by organisation and seniority, one actor in ten a bridger between two clusters; between
the periods some leave, come and switch cluster, a stable core less than others. Centres lie 2 to 5 times the spread of a
cluster apart. The fieldwork is complete, or each manager names five of their ties at most.

Estimands. The true clusters, the true bridgers, the share of stayers that switch cluster.

Methods. The latent position cluster model by MCMC with the number of clusters given, short chains; spectral clustering with
the number given; modularity by the Louvain method, which finds the number by itself.

Performance measures. Adjusted Rand index, area under the curve of the bridging score, seen beside true switching, and more,
each with its Monte Carlo standard error over replicates; beside them the Bayes classifier, which knows the true positions.
"""

from simlab import Fieldwork, Louvain, LpcmMcmc, Scenario, Spectral, Study, grid

REPLICATES = {"demo": 20, "full": 200}


def study(size: str = "demo") -> Study:
    # Short chains are enough to place 60 actors, and are judged as such: rhat up to 1.1, 50 effective draws.
    mcmc = LpcmMcmc(n_clusters=3, n_chains=2, n_warmup=300, n_draws=300, thin=1, max_rhat=1.1, min_ess=50.0)
    return Study(
        "quickstart",
        question="Would cluster models find the clusters, the bridgers and the stable core of a network of managers?",
        scenarios=grid(Scenario(n_periods=2), separation=[2.0, 3.0, 4.0, 5.0]),
        fieldworks={"complete": Fieldwork(), "five names": Fieldwork(max_nominations=5)},
        fitters={"LPCM, MCMC": mcmc, "spectral": Spectral(n_clusters=3), "Louvain": Louvain()},
        replicates=REPLICATES[size],
        seed=1,
        about={
            "Aims": "How well three methods recover known clusters, bridgers and stable cores, as clusters lie further apart.",
            "Data-generating mechanism": "60 managers of one site in three clusters of a latent plane, two periods, mean"
            " out-degree 9, reciprocity 0.5, sociality, homophily by organisation and seniority, 10 % bridgers, a stable core.",
            "Estimands": "The true clusters, the true bridgers, the share of stayers who switch cluster.",
            "Methods": "LPCM by MCMC (three clusters given, short chains), spectral clustering (three given), Louvain.",
            "Performance measures": "Adjusted Rand index, area under the curve of the bridging score, switching seen beside"
            " true switching; Monte Carlo standard errors over replicates.",
        },
    )
