"""The catalog: named scenarios, each with a sentence, where it comes from, and how hard its clusters are to find."""

from __future__ import annotations

from typing import NamedTuple

from simlab.foundation.registry import Registry
from simlab.generate.scenario import Scenario

scenarios: Registry[Scenario] = Registry("scenario")

_JUDGEMENT = "judgement from public networks of managers, see docs/model.md"

scenarios.register(
    "managers", summary="60 managers of one site in three clusters, one relation, one period", reference=_JUDGEMENT
)(Scenario())

scenarios.register(
    "managers-two-periods",
    summary="the same over two periods, with turnover, switching and a core",
    reference=_JUDGEMENT,
)(Scenario(n_periods=2))

scenarios.register(
    "three-sites",
    summary="three sites, formal and informal relations, two periods: the design of a study of health-care managers",
    reference="design of Ward et al. 2014; figures: " + _JUDGEMENT,
)(Scenario(n_sites=3, relations=("formal", "informal"), n_periods=2))

_PLAIN = Scenario(
    bridger_share=0.0,
    activity=0.0,
    popularity=0.0,
    organisation_homophily=0.0,
    seniority_homophily=0.0,
    reciprocity=None,
)

scenarios.register(
    "plain",
    summary="the latent position cluster model and nothing else: no bridgers, sociality, homophily or reciprocity",
    reference="Handcock, Raftery & Tantrum 2007",
)(_PLAIN)

scenarios.register(
    "plain-close", summary="the plain model with clusters that overlap", reference="Handcock, Raftery & Tantrum 2007"
)(_PLAIN.but(separation=3.0))

scenarios.register(
    "unequal", summary="managers in clusters of half, a third and a sixth of them", reference=_JUDGEMENT
)(Scenario(cluster_shares=(3.0, 2.0, 1.0)))

scenarios.register("one-cluster", summary="managers in one big cluster: a model ought to say so", reference=_JUDGEMENT)(
    Scenario(n_clusters=1)
)

scenarios.register(
    "organisations",
    summary="clusters that are mostly organisations: mixing 0.3",
    reference=_JUDGEMENT,
)(Scenario(organisation_mixing=0.3, service_commonness=0.3))

scenarios.register(
    "bridgers-of-three",
    summary="four clusters, and a fifth of the managers between three of them",
    reference=_JUDGEMENT,
)(Scenario(n_clusters=4, bridger_share=0.2, bridger_clusters=3))

scenarios.register(
    "threshold",
    summary="managers whose clusters are at the detection threshold: information 1",
    reference="Decelle, Krzakala, Moore & Zdeborova 2011",
)(Scenario(information=1.0, reciprocity=0.3))

scenarios.register(
    "blocks",
    summary="a stochastic block model and nothing else",
    reference="Holland, Laskey & Leinhardt 1983",
)(_PLAIN.but(structure="blocks"))

scenarios.register(
    "blocks-degree-corrected",
    summary="blocks of managers of uneven activity and popularity, with reciprocity",
    reference="Karrer & Newman 2011",
)(Scenario(structure="blocks", bridger_share=0.0, organisation_homophily=0.0, seniority_homophily=0.0))

scenarios.register(
    "blocks-mixed",
    summary="blocks of managers, a fifth of whom belong to two",
    reference="Airoldi, Blei, Fienberg & Xing 2008",
)(Scenario(structure="mixed-blocks", bridger_share=0.2))

scenarios.register(
    "projects",
    summary="managers who know each other from joint projects; clusters are families of projects",
    reference="joint projects as in Ward et al. 2014; figures: " + _JUDGEMENT,
)(Scenario(structure="projects"))

scenarios.register(
    "projects-two-periods",
    summary="the same over two periods: stayers stay in seven of ten projects",
    reference="joint projects as in Ward et al. 2014; figures: " + _JUDGEMENT,
)(Scenario(structure="projects", n_periods=2))

scenarios.register(
    "core-periphery",
    summary="a core and a periphery: a cluster model ought to say that there are no clusters",
    reference="Borgatti & Everett 2000",
)(Scenario(structure="core-periphery", n_clusters=1))

scenarios.register(
    "sociality",
    summary="no structure, but managers of very uneven activity and popularity: there are no clusters",
    reference=_JUDGEMENT,
)(
    Scenario(
        structure="none",
        n_clusters=1,
        activity=1.0,
        popularity=1.2,
        reciprocity=0.3,
        organisation_homophily=0.0,
        seniority_homophily=0.0,
    )
)

scenarios.register(
    "organisations-only",
    summary="ties within organisations and nothing else: there are no clusters besides them",
    reference=_JUDGEMENT,
)(
    Scenario(
        structure="none",
        n_clusters=1,
        activity=0.0,
        popularity=0.0,
        organisation_homophily=2.5,
        seniority_homophily=0.0,
    )
)


class Facts(NamedTuple):
    """How hard the clusters of a scenario are to find: means over 200 worlds, of the first network of each.

    information : c lambda^2 of the ties made undirected by union
    bayes_ari : the adjusted Rand index of the Bayes classifier, or None where positions do not make the clusters
    """

    information: float
    bayes_ari: float | None


# Of the scenarios above that have clusters; a test computes them again.
FACTS: dict[str, Facts] = {
    "managers": Facts(2.79, 0.77),
    "managers-two-periods": Facts(2.79, 0.77),
    "three-sites": Facts(2.88, 0.79),
    "plain": Facts(5.01, 0.88),
    "plain-close": Facts(2.32, 0.68),
    "unequal": Facts(2.83, 0.80),
    "organisations": Facts(5.07, 0.80),
    "bridgers-of-three": Facts(2.55, 0.65),
    "threshold": Facts(1.00, 0.78),
    "blocks": Facts(4.70, None),
    "blocks-degree-corrected": Facts(3.33, None),
    "blocks-mixed": Facts(1.95, None),
    "projects": Facts(1.43, None),
    "projects-two-periods": Facts(1.43, None),
}
