"""The catalog: named scenarios, each with a sentence and where it comes from."""

from __future__ import annotations

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

scenarios.register("one-cluster", summary="managers in one cluster: a model ought to say so", reference=_JUDGEMENT)(
    Scenario(n_clusters=1)
)

scenarios.register(
    "organisations",
    summary="clusters that are mostly organisations: mixing 0.3",
    reference=_JUDGEMENT,
)(Scenario(organisation_mixing=0.3, service_commonness=0.3))
