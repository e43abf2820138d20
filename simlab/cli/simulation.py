"""The command simulate."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from simlab.fieldwork.observe import Fieldwork, observe
from simlab.foundation.errors import InputError, suggestion
from simlab.foundation.settings import key_and_value, plain_value, read_toml
from simlab.generate.catalog import scenarios
from simlab.generate.scenario import Scenario
from simlab.generate.simulate import MOST_ACTORS, simulate
from simlab.generate.sparse import check_sparse, simulate_sparse
from simlab.generate.sparse_write import write_sparse
from simlab.generate.truth import Truth
from simlab.panel_write import write_panel
from simlab.study.export import write_netcdf
from simlab.study.export_truth import truth_dataset


def simulate_to(scenario: str | None, settings: list[str], out: Path, seed: int | None) -> None:
    """Simulate a scenario and its fieldwork into a folder; with more than 5,000 actors by ``simulate_sparse``."""
    given, stored_seed = _given(scenario)
    for text in settings:
        key, value = key_and_value(text)
        name = key.removeprefix("fieldwork.").removeprefix("scenario.")
        given[name] = plain_value(value, none=_may_be_none(name))
    world, field = split_settings(given)
    if seed is None:
        seed = 1 if stored_seed is None else stored_seed
    if world.n_actors > MOST_ACTORS:
        check_sparse(world)
        _refuse_fieldwork(field)
    try:
        out.mkdir(parents=True, exist_ok=True)
        done = _many(world, out, seed) if world.n_actors > MOST_ACTORS else _panel(world, field, out, seed)
        toml = out / "scenario.toml"
        toml.write_text(_toml(world, field, seed), encoding="utf-8")
        write_netcdf(out / "truth.nc", truth_dataset(done.truth, seed))
    except OSError as error:
        raise InputError(f"{out}: cannot be written to ({error.strerror})") from None
    n_networks = len(done.truth.intercept)
    print(
        f"{len(done.truth.actors)} actors, {n_networks} network{'s' * (n_networks > 1)}, "
        f"{done.n_ties} ties observed, seed {seed}"
    )
    for path in [*done.written, toml, out / "truth.nc"]:
        print(f"written  {path}")
    if done.n_graphs:
        print(f"written  {done.n_graphs} GraphML file{'s' * (done.n_graphs > 1)} beside them")


class _Written(NamedTuple):
    """What was simulated and written: the truth, the ties observed, the CSV files, and how many GraphML files."""

    truth: Truth
    n_ties: int
    written: list[Path]
    n_graphs: int


def _panel(world: Scenario, field: Fieldwork, out: Path, seed: int) -> _Written:
    """Simulate a world whose pairs of actors are all held, and its fieldwork."""
    panel, truth = simulate(world, seed=seed)
    observed = observe(panel, field, seed=seed, world=world.key, truth=truth)
    written = write_panel(observed, out)
    return _Written(truth, sum(network.n_ties for network in observed.networks()), written[:2], len(written) - 2)


def _many(world: Scenario, out: Path, seed: int) -> _Written:
    """Simulate a world of many actors, of which everything is observed."""
    simulation = simulate_sparse(world, seed=seed)
    return _Written(simulation.truth, simulation.n_ties, write_sparse(simulation, out), 0)


def _refuse_fieldwork(field: Fieldwork) -> None:
    for name, value in field.given().items():
        raise InputError.of(
            name, value, f"must be left out with n_actors above {MOST_ACTORS}: everything is observed in a sparse world"
        )


def _given(scenario: str | None) -> tuple[dict[str, Any], int | None]:
    """Return settings from a file or the catalog, and the seed where the file has one."""
    if scenario is None:
        return {}, None
    if scenario in scenarios:
        return scenarios[scenario].thing.given(), None
    path = Path(scenario)
    if not path.exists() and path.suffix != ".toml":
        hint = suggestion(scenario, scenarios.names())
        raise InputError(f"{scenario}: neither a file nor a scenario.{hint} Known: {', '.join(scenarios.names())}")
    content = read_toml(path)
    nested = content.pop("fieldwork", {})
    if not isinstance(nested, dict):
        raise InputError.of("fieldwork", nested, "must be a table of settings")
    seed = content.pop("seed", None)
    settings = {**content, **nested}
    return {key: None if value == "none" and _may_be_none(key) else value for key, value in settings.items()}, seed


def _may_be_none(name: str) -> bool:
    return Scenario.accepts_none(name) or Fieldwork.accepts_none(name)


def split_settings(given: dict[str, Any]) -> tuple[Scenario, Fieldwork]:
    """Return the scenario and fieldwork that settings describe; InputError for a key that is of neither."""
    fields = {key: value for key, value in given.items() if key in Fieldwork.model_fields}
    rest = {key: value for key, value in given.items() if key not in fields}
    for key in rest:
        if key not in Scenario.model_fields:
            known = [*Scenario.model_fields, *Fieldwork.model_fields]
            raise InputError(f"{key}: no such setting.{suggestion(key, known)} Known: {', '.join(known)}")
    return Scenario(**rest), Fieldwork(**fields)


def _toml(world: Scenario, field: Fieldwork, seed: int) -> str:
    import tomli_w

    def settings(model: Scenario | Fieldwork) -> dict[str, Any]:
        return {key: "none" if value is None else value for key, value in model.everything().items()}

    return tomli_w.dumps({"seed": seed, **settings(world), "fieldwork": settings(field)})
