"""Replicates as cells of ordinary studies."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference.planning import NETWORK_PROBLEMS

from simlab.fieldwork.settings import Fieldwork
from simlab.fit.spectral import Spectral
from simlab.foundation.errors import InputError, SimlabError
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import simulate
from simlab.panel import Panel
from simlab.panel_build import MendedWarning
from simlab.panel_read import read_panel
from simlab.plan.evaluator import BLOCK, Trial, trials
from simlab.plan.pilot import with_pilot
from simlab.plan.problem import Plan
from simlab.plan.space import between
from simlab.study.cell import OK
from simlab.study.replay import replay
from simlab.study.store import opened

WORLD = Scenario(n_actors=24, mean_degree=6.0)
DESIGN = {"n_invited": 20, "max_nominations": 4}


def plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "question": "How many?",
        "design": {"n_invited": [16, 20, 24], "max_nominations": between(3, 6)},
        "targets": ["P(ari >= 0.5) >= 0.5"],
        "fitters": Spectral(n_clusters=3),
        "scenario": WORLD,
        "unknown": {"separation": (4.0, 7.0)},
        "stored": (),
        "fits": 200,
    }
    return Plan(**{"name": "small", **values, **changes})


def test_replicates_are_stored_and_the_same_however_they_are_asked_for(tmp_path: Path) -> None:
    made = plan()
    one, other = (
        made.evaluator(tmp_path / "a", backend="threads"),
        made.evaluator(tmp_path / "b", backend="threads"),
    )
    asked = trials(one, DESIGN, 0, 2 * BLOCK, fresh=False)
    whole = one.evaluate(DESIGN, asked, ["ari"]).values["ari"]
    parts = [other.evaluate(DESIGN, asked[i : i + BLOCK], ["ari"]).values["ari"] for i in (BLOCK, 0)]
    assert np.array_equal(whole, np.concatenate(parts[::-1]))
    stores = sorted((tmp_path / "a").glob("*.zarr"))
    assert len(stores) == 1
    before = [p.stat().st_mtime_ns for p in sorted(stores[0].rglob("c/*"))]
    assert np.array_equal(one.evaluate(DESIGN, asked, ["ari"]).values["ari"], whole)
    assert [p.stat().st_mtime_ns for p in sorted(stores[0].rglob("c/*"))] == before


@pytest.mark.parametrize("unknown", [{"separation": [5.0, 6.0]}, {"n_clusters": (2, 3)}])
def test_worlds_that_are_alike_are_not_the_same_replicate(unknown: dict[str, Any], tmp_path: Path) -> None:
    made = plan(unknown=unknown).evaluator(tmp_path, backend="threads")
    values = made.evaluate(DESIGN, trials(made, DESIGN, 0, 2 * BLOCK, fresh=True), ["ari"]).values["ari"]
    assert len(np.unique(values)) > BLOCK / 2


def test_a_plan_reckons_with_what_brute_force_found(tmp_path: Path) -> None:
    """A design of the table of many replicates, two kinds of world as a list: other replicates of it, through the stores."""
    problem = NETWORK_PROBLEMS["managers, names and instrument"]
    known = problem.problem
    design = known.space.design(known.best)
    separations = [world["separation"] for world in problem.worlds]
    made = plan(
        scenario=problem.base,
        unknown={"separation": separations},
        design={name: [level] for name, level in design.items()},
        fitters=problem.fitter,
    ).evaluator(tmp_path, backend="threads")
    values = made.evaluate(design, trials(made, design, 0, 15 * BLOCK, fresh=True), ["ari"]).values["ari"]
    share, wanted = float(np.mean(values >= 0.6)), float(known.assurance[known.best])
    assert abs(share - wanted) < 4.0 * np.sqrt(wanted * (1.0 - wanted) / len(values))
    kinds = np.array([made.world(t.world)["separation"] for t in trials(made, design, 0, 15 * BLOCK, fresh=True)])
    assert np.mean(values[kinds == separations[0]]) < np.mean(values[kinds == separations[1]])


def test_failed_fits_are_counted_with_what_was_said(tmp_path: Path) -> None:
    made = plan(fieldwork=Fieldwork(response_rate=(0.5, 0.9)))
    evaluator = made.evaluator(tmp_path, backend="threads")
    evaluator.evaluate(DESIGN, trials(evaluator, DESIGN, 0, BLOCK, fresh=False), ["ari"])
    count, message, impossible, _ = evaluator.failures()
    assert impossible == 0
    assert count == BLOCK
    assert "response_rate" in message
    with pytest.raises(SimlabError, match=r"all 60 fits of the first 3 designs failed: .*response_rate"):
        made.solve(tmp_path, backend="threads")


def test_worlds_that_cannot_be_are_left_out_and_are_no_failures(tmp_path: Path) -> None:
    """Half of the worlds want more ties to last than can; what is reached is what it is in the other half."""
    world = WORLD.but(n_periods=2, relations=("a", "b"), separation=6.0)
    made = plan(scenario=world, unknown={"tie_persistence": [0.2, 0.9]})
    evaluator = made.evaluator(tmp_path, backend="threads")
    asked = trials(evaluator, DESIGN, 0, 2 * BLOCK, fresh=False)
    values, failed = evaluator.evaluate(DESIGN, asked, ["ari"])
    possible = np.array([evaluator.world(t.world)["tie_persistence"] == 0.2 for t in asked])
    assert not failed.any()
    assert 5 < possible.sum() < 35
    assert np.array_equal(np.isfinite(values["ari"]), possible)
    found = evaluator.failures()
    assert (found.failed, found.impossible) == (0, (~possible).sum())
    assert found.why.startswith("tie_persistence = 0.9: must be at most")
    answer = made.solve(tmp_path, backend="threads")
    assert answer.reached[0].undefined == pytest.approx(0.5, abs=0.2)
    assert answer.fits.failures.impossible > 50
    with pytest.raises(SimlabError, match=r"none of the 60 worlds of the first 3 designs can be: tie_persistence"):
        plan(scenario=world.but(tie_persistence=0.99), unknown={}).solve(tmp_path, backend="threads")


def test_a_metric_without_a_value_is_refused_after_the_first_designs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"seen_switching has no value in any of 60 fits of 3 designs"):
        plan(targets=["P(seen_switching <= 0.2) >= 0.5"]).solve(tmp_path, backend="threads")


def test_a_fitter_that_is_added_to_a_script_leaves_the_stores_of_the_others(tmp_path: Path) -> None:
    design = {"n_invited": [16, 20], "max_nominations": [4]}
    alone = plan(design=design).evaluator(tmp_path)
    both = {"spectral": Spectral(n_clusters=3), "two": Spectral(n_clusters=2)}
    more = plan(design={**design, "fitter": ["spectral", "two"]}, fitters=both).evaluator(tmp_path)
    assert alone.store(DESIGN, fresh=False) == more.store(DESIGN, fresh=False)


def test_a_budget_is_the_first_limit_to_be_lifted(tmp_path: Path) -> None:
    made = plan(targets=["P(ari >= 0.9) >= 0.9"], fits=600)
    made = made.changed(budget=float(np.quantile(made.space.costs, 0.2)))
    answer = made.solve(tmp_path, backend="threads")
    assert not answer.found
    assert answer.budget is not None
    assert answer.limits[0].lift.name == "budget"
    assert made.cost(answer.limits[0].lift.changes) > answer.budget


def test_fresh_replicates_and_other_designs_are_independent(tmp_path: Path) -> None:
    made = plan(unknown={}).evaluator(tmp_path, backend="threads")
    asked = [Trial(False, 0, k) for k in range(BLOCK)]
    search = made.evaluate(DESIGN, asked, ["ari"]).values["ari"]
    fresh = made.evaluate(DESIGN, [Trial(True, 0, k) for k in range(BLOCK)], ["ari"]).values["ari"]
    other = made.evaluate({**DESIGN, "max_nominations": 5}, asked, ["ari"]).values["ari"]
    assert not np.isin(fresh, search).all()
    assert abs(np.corrcoef(search, other)[0, 1]) < 0.8
    assert made.seed_of(DESIGN, False) != made.seed_of(DESIGN, True)


def test_every_replicate_is_a_cell_that_can_be_replayed(tmp_path: Path) -> None:
    made = plan().evaluator(tmp_path, backend="threads")
    asked = trials(made, DESIGN, 0, BLOCK, fresh=True)
    values = made.evaluate(DESIGN, asked, ["ari"]).values["ari"]
    store = next(tmp_path.glob("*.zarr"))
    with opened(store) as dataset:
        assert (dataset["status"].values == OK).all()
        name = str(dataset["scenario"].values[3])
    cell = f"scenario={name},fieldwork=design,fitter=spectral,replicate=0"
    _, place, found = replay(store, cell)
    assert place.scenario == 3
    assert found.observed.asked.sum() == 20
    from simlab.metrics.recovery import ari

    key = found.observed.keys[0]
    assert ari(found.fits[key], found.world.truths[key]) == values[3]


def test_networks_of_a_replicate_are_averaged_or_the_worst_is_taken(tmp_path: Path) -> None:
    made = plan(scenario=WORLD.but(n_sites=2)).evaluator(tmp_path, backend="threads")
    measures = ["ari", "lowest(ari)", "highest(ari)"]
    values = made.evaluate(DESIGN, trials(made, DESIGN, 0, BLOCK, fresh=False), measures).values
    assert np.allclose(values["ari"], 0.5 * (values["lowest(ari)"] + values["highest(ari)"]))
    assert (values["lowest(ari)"] < values["highest(ari)"]).any()


def test_a_plan_is_solved_and_goes_on_from_what_is_there(tmp_path: Path) -> None:
    made = plan()
    first = made.solve(tmp_path, backend="threads")
    files = len(list(tmp_path.glob("*.zarr")))
    again = made.solve(tmp_path, backend="threads")
    assert again.design == first.design
    assert again.reached == first.reached
    assert len(list(tmp_path.glob("*.zarr"))) == files
    assert first.fits.total <= 200


@pytest.mark.parametrize("name", ["", "advice"])
def test_a_pilot_may_be_a_plain_list_of_ties(name: str, tmp_path: Path) -> None:
    """A network whose relation has no name has one in the worlds."""
    from simlab.fit.lpcm_mcmc import LpcmMcmc

    panel = simulate(WORLD.but(relations=("advice",)), seed=3).panel
    file = tmp_path / "pilot.csv"
    named = [f"{s},{t}{',advice' if name else ''}" for s, t in ties_of(panel)]
    file.write_text("\n".join([f"source,target{',relation' if name else ''}", *named]) + "\n")
    short = LpcmMcmc(n_clusters=3, n_chains=2, n_warmup=50, n_draws=20, max_rhat=9.0, min_ess=1.0)
    made = with_pilot(plan(pilot_fitter=short), read_panel(file), file.name)
    assert made.worlds.scenario(0, {}).relations == (name or "contact",)
    found = made.evaluator(tmp_path, backend="threads")
    assert np.isfinite(found.evaluate(DESIGN, [Trial(False, 0, 0)], ["ari"]).values["ari"]).all()


def ties_of(panel: Panel) -> list[tuple[str, str]]:
    network = panel.network(*panel.keys[0])
    return [(network.actors[i], network.actors[j]) for i, j in np.argwhere(network.ties).tolist()]


def test_a_pilot_carries_its_posterior_into_the_worlds() -> None:
    from simlab.fit.lpcm_mcmc import LpcmMcmc

    panel = simulate(WORLD.but(separation=6.0), seed=3).panel
    short = LpcmMcmc(n_clusters=3, n_chains=2, n_warmup=100, n_draws=40, max_rhat=9.0, min_ess=1.0)
    made = with_pilot(plan(pilot_fitter=short), panel, "pilot.csv")
    assert made.worlds.uncertain
    assert made.worlds.describe() == ["80 posterior draws of a fit of pilot.csv"]
    draws = {made.worlds.values(k)["draw"] for k in range(60)}
    assert len(draws) > 25
    one, other = made.worlds.scenario(0, {}), made.worlds.scenario(1, {})
    assert one.structure == "fitted"
    assert one.n_actors == 24
    assert one.fitted != other.fitted
    # Each world has the clusters of its own draw as its truth.
    assert len({scenario.fitted.labels for k in range(20) if (scenario := made.worlds.scenario(k, {})).fitted}) > 1


def test_a_pilot_of_two_relations_of_which_one_has_no_direction_is_fitted_jointly(tmp_path: Path) -> None:
    from simlab.fit.lpcm_mcmc import LpcmMcmc
    from simlab.panel_read import read_panel

    world = WORLD.but(separation=6.0, relations=("advice", "lunch"))
    networks = simulate(world, seed=3).panel.networks()
    rows = [
        f"{network.actors[i]},{network.actors[j]},{network.relation}"
        for network in networks
        for i, j in np.argwhere(network.ties)
    ]
    (tmp_path / "ties.csv").write_text("\n".join(["source,target,relation", *rows]))
    with warnings.catch_warnings():
        # A tie that both named is there twice.
        warnings.simplefilter("ignore", MendedWarning)
        panel = read_panel(tmp_path / "ties.csv", undirected_relations=["lunch"])
    short = LpcmMcmc(n_clusters=3, n_chains=1, n_warmup=60, n_draws=20)
    with pytest.warns(UserWarning, match="the fit of the pilot did not converge"):
        made = with_pilot(plan(pilot_fitter=short, design={"relations": [("advice",), ("lunch",)]}), panel)
    assert "which did not converge" in made.worlds.describe()[0]
    scenario = made.worlds.scenario(0, {})
    assert scenario.relations == ("advice", "lunch")
    assert scenario.fitted is not None
    assert scenario.fitted.undirected == ("lunch",)
    only = made.worlds.scenario(0, {"relations": ("advice",)})
    assert only.fitted is not None
    assert only.fitted.undirected == ()
    assert isinstance(scenario.density, tuple)
    assert only.density == scenario.density[:1]
    with pytest.raises(InputError, match=r"lunches.*Did you mean 'lunch'"):
        with_pilot(plan(pilot_fitter=short, design={"relations": [("lunches",)]}), panel)


def test_a_pilot_of_several_sites_or_periods_is_refused() -> None:

    for more, said in (({"n_sites": 2}, "one site, not 2"), ({"n_periods": 2}, "one period, not 2")):
        with pytest.raises(InputError, match=said):
            with_pilot(plan(), simulate(WORLD.but(**more), seed=3).panel)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"design": {"n_actors": [24, 40]}}, "leave n_actors out of its design"),
        (
            {"design": {"n_invited": [20, 60]}, "scenario": Scenario(n_actors=60)},
            "n_invited = 60: must be at most n_actors = 24",
        ),
        ({"pilot_fitter": Spectral(n_clusters=3)}, "pilot"),
        ({"scenario": WORLD.but(n_sites=2)}, "n_sites = 2: must be 1 with a pilot"),
        ({"scenario": WORLD.but(n_periods=2)}, "n_periods = 2: must be 1 with a pilot"),
        ({"scenario": WORLD.but(relations=("lunch",))}, "relations = lunch: must be those of the pilot, contact"),
    ],
)
def test_a_pilot_that_does_not_fit_the_script_is_refused_in_one_line(changes: dict[str, Any], said: str) -> None:
    from simlab.fit.lpcm_mcmc import LpcmMcmc

    panel = simulate(WORLD, seed=3).panel
    short = LpcmMcmc(n_clusters=3, n_chains=1, n_warmup=50, n_draws=20)
    with pytest.raises(InputError) as error:
        with_pilot(plan(**{"pilot_fitter": short, **changes}), panel)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"unknown": {"n_invited": (10, 20)}}, "n_invited"),
        ({"design": {"separation": [4.0, 5.0]}}, "is unknown too"),
        ({"unknown": {"n_actors": (12, 24)}}, "n_invited = 24: must be at most n_actors = 12"),
        ({"fitters": {"a": Spectral(n_clusters=3), "b": Spectral(n_clusters=2)}}, "must say fitter"),
        ({"targets": []}, "must be a list"),
        ({"targets": ["P(ari >= 0.5) >= 0.5"] * 2}, "must be different"),
        ({"fits": 5}, "fits = 5"),
        ({"stored": ["arii"]}, "Did you mean 'ari'?"),
        ({"fieldwork": Fieldwork(n_invited=30), "design": {"max_nominations": [3, 5]}}, "n_invited = 30"),
        ({"precision": 3}, "precision = 3: must be a Precision"),
        ({"pilot": "x"}, "pilot = x: must be worlds"),
        ({"pilot_fitter": "x"}, "pilot_fitter = x: must be a fitter"),
        ({"question": 3}, "question = 3: must be text"),
        ({"name": 3}, "name = 3: must be text"),
        ({"fitters": [Spectral(n_clusters=3)]}, "fitters = [Spectral"),
        ({"fitters": {3: Spectral(n_clusters=3)}}, "fitters = {3: Spectral"),
        ({"design": ["n_invited"]}, "design = ['n_invited']: must be a mapping"),
        ({"design": None}, "design = None: must be a mapping"),
        ({"unknown": 3}, "unknown = 3: must be a mapping"),
        ({"unknown": {"separation": (7, 4)}}, "unknown: separation: range = 7 to 4: must go from the lower"),
        ({"unknown": {"separation": (float("nan"), 3)}}, "unknown: separation: low = nan: must be"),
        ({"unknown": {"separation": (-1.0, 3.0)}}, "unknown: separation = -1.0"),
        ({"unknown": {"separation": 3.0}}, "unknown: separation = 3.0: must be a range"),
        ({"fieldwork": "x"}, "fieldwork = x: must be a Fieldwork"),
        ({"scenario": 3}, "scenario = 3: must be a Scenario"),
        ({"price": 3}, "price = 3: must be a Price"),
        ({"targets": 3}, "targets = 3: must be a list"),
        ({"targets": [["ari"]]}, "targets = ['ari']: must be a list"),
        ({"stored": "ari"}, "stored = ari: must be a list"),
    ],
)
def test_plans_that_cannot_be_are_refused_in_one_line(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        plan(**changes)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
