"""The commands and their options. What they do is imported when they run, so that help comes at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="A laboratory for the methods that find groups in networks of people.",
)

Seed = Annotated[int, typer.Option(help="the same seed gives the same numbers")]


def command() -> Any:
    """Return the whole command line."""
    return typer.main.get_command(app)


def _version(wanted: bool) -> None:
    if wanted:
        import simlab

        print(f"simlab {simlab.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="show the version")
    ] = False,
) -> None:
    """Simulate networks of people whose groups are known, observe them as fieldwork would, fit, and score."""


@app.command()
def run(
    script: Annotated[Path, typer.Argument(help="a Python file that names a study")],
    size: Annotated[str, typer.Option(help="demo or full")] = "demo",
    replicates: Annotated[int | None, typer.Option(help="worlds a scenario; the script's unless said")] = None,
    jobs: Annotated[int | None, typer.Option(help="workers; the number of processors unless said")] = None,
    backend: Annotated[str, typer.Option(help="loky (processes), threads or dask")] = "loky",
    scheduler: Annotated[str | None, typer.Option(help="address of a Dask scheduler")] = None,
    out: Annotated[
        str | None, typer.Option(help="the store: a folder or an address; results/<name>.zarr unless said")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="of everything; the script's unless said")] = None,
    until: Annotated[
        list[str] | None, typer.Option(help='add replicates until a rule holds: "mcse(ari) <= 0.01"; may be repeated')
    ] = None,
    time_budget: Annotated[
        str | None, typer.Option(help="begin no more cells after this time: 90s, 20min, 8h, 3d")
    ] = None,
    time_limit: Annotated[str | None, typer.Option(help="stop a cell that takes longer: 90s, 20min, 8h")] = None,
    memory_limit: Annotated[float | None, typer.Option(help="megabytes that a worker may hold")] = None,
    retry: Annotated[
        list[str] | None, typer.Option(help="try cells again that are failed (in any way), timed_out or killed")
    ] = None,
) -> None:
    """Run a study, or what is left of it, and write its report."""
    from simlab.cli.durations import seconds_of
    from simlab.cli.studies import run_study

    run_study(
        script,
        size,
        replicates,
        seed,
        out,
        jobs=jobs,
        backend=backend,
        scheduler=scheduler,
        until=until or (),
        time_budget=seconds_of("time_budget", time_budget),
        time_limit=seconds_of("time_limit", time_limit),
        memory_limit=memory_limit,
        retry=retry or (),
    )


Stored = Annotated[str, typer.Argument(help="a store, such as results/quickstart.zarr: a folder, Zip file or address")]


@app.command()
def status(store: Stored) -> None:
    """Say how far a study is, and what failed."""
    from simlab.cli.studies import show_status

    show_status(store)


@app.command()
def report(
    store: Stored,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="an HTML file; beside the store unless said")] = None,
) -> None:
    """Write the report of a store: one HTML page, and its picture."""
    from simlab.cli.studies import make_report

    make_report(store, out)


@app.command()
def export(
    store: Stored,
    out: Annotated[Path, typer.Option("-o", "--out", help="a netCDF file (.nc), or the store in one file (.zip)")],
) -> None:
    """Export a store as one file: netCDF, or Zip, which every command reads as it reads a folder."""
    from simlab.cli.studies import export_store

    export_store(store, out)


@app.command()
def replay(
    store: Stored,
    cell: Annotated[str, typer.Option(help="a cell's id, as status prints it")],
    script: Annotated[Path | None, typer.Option(help="the script, where it has fitters or metrics of its own")] = None,
    traceback: Annotated[bool, typer.Option("--traceback", help="show where a fit failed")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="stop in Python's debugger where a fit failed")] = False,
) -> None:
    """Compute one cell of a store again, exactly, and show its fits."""
    from simlab.cli.studies import replay_cell

    replay_cell(store, cell, script, show_traceback=traceback, debug=debug)


@app.command()
def simulate(
    scenario: Annotated[str | None, typer.Argument(help="a TOML file, or a name from `simlab list`")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value; may be repeated")] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="a folder for what is written")] = Path("simulated"),
    seed: Annotated[int | None, typer.Option(help="the same seed gives the same numbers; 1 unless said")] = None,
) -> None:
    """Simulate networks with known clusters, and write them with their truth."""
    from simlab.cli.simulation import simulate_to

    simulate_to(scenario, settings or [], out, seed)


NetworkFile = Annotated[Path, typer.Argument(help="an edge list (CSV), GraphML, GML, Pajek and others")]
Clusters = Annotated[str | None, typer.Option(help="a number, such as 3, or a range, such as 1:6")]
Undirected = Annotated[bool, typer.Option("--undirected", help="ties have no direction")]
UndirectedRelations = Annotated[str, typer.Option(help="relations whose ties have no direction: A,B")]
Joint = Annotated[bool, typer.Option("--joint", help="relations together: shared positions")]
Actors = Annotated[Path | None, typer.Option(help="CSV of actors: attributes, isolates, who answered")]
FitterSettings = Annotated[list[str] | None, typer.Option("--set", help="setting=value of the fitter; may be repeated")]


@app.command()
def fit(
    network: NetworkFile,
    clusters: Clusters = None,
    fitter: Annotated[
        str, typer.Option(help="a name from `simlab list`; `simlab list NAME` shows its settings")
    ] = "lpcm-mcmc",
    undirected: Undirected = False,
    undirected_relations: UndirectedRelations = "",
    joint: Joint = False,
    actors: Actors = None,
    settings: FitterSettings = None,
    seed: Seed = 1,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="a netCDF file for the fits")] = None,
    plot: Annotated[Path | None, typer.Option(help="a picture: .png, .svg or .pdf")] = None,
    check: Annotated[
        Path | None, typer.Option(help="a picture of whether the model makes such networks: .png, .svg or .pdf")
    ] = None,
) -> None:
    """Find clusters and bridgers in networks of your own."""
    from simlab.cli.fitting import fit_file

    fit_file(
        network,
        clusters=clusters,
        fitter=fitter,
        undirected=undirected,
        undirected_relations=_listed(undirected_relations),
        joint=joint,
        actors=actors,
        settings=settings or [],
        seed=seed,
        out=out,
        plot=plot,
        check=check,
    )


@app.command()
def assess(
    network: NetworkFile,
    clusters: Clusters = None,
    fitter: Annotated[str, typer.Option(help="one with posterior draws of clusters: lpcm-mcmc")] = "lpcm-mcmc",
    undirected: Undirected = False,
    undirected_relations: UndirectedRelations = "",
    joint: Joint = False,
    actors: Actors = None,
    settings: FitterSettings = None,
    seed: Seed = 1,
    worlds: Annotated[int, typer.Option(help="worlds drawn from the posterior of each fit")] = 200,
    refitter: Annotated[str, typer.Option(help="the fitter of worlds: short chains, or lpcm-map")] = "lpcm-mcmc",
    response_rate: Annotated[float | None, typer.Option(help="of the worlds; as in the data unless said")] = None,
    max_nominations: Annotated[int | None, typer.Option(help="names allowed; as in the data unless said")] = None,
    jobs: Annotated[int | None, typer.Option(help="workers; the number of processors unless said")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="an HTML file; results/assess-NETWORK.html unless said")
    ] = None,
) -> None:
    """Say how far the clusters found in a network of your own can be trusted."""
    from simlab.cli.assessing import assess_file

    assess_file(
        network,
        clusters=clusters,
        fitter=fitter,
        undirected=undirected,
        undirected_relations=_listed(undirected_relations),
        joint=joint,
        actors=actors,
        settings=settings or [],
        seed=seed,
        worlds=worlds,
        refits=refitter,
        response_rate=response_rate,
        max_nominations=max_nominations,
        jobs=jobs,
        out=out,
    )


@app.command()
def plan(
    script: Annotated[Path, typer.Argument(help="a Python file that names a plan")],
    pilot: Annotated[
        Path | None, typer.Option(help="a pilot network: the posterior of its fit is what is reckoned with")
    ] = None,
    actors: Annotated[Path | None, typer.Option(help="CSV of the pilot's actors")] = None,
    undirected: Annotated[bool, typer.Option("--undirected", help="the pilot's ties have no direction")] = False,
    undirected_relations: Annotated[str, typer.Option(help="the pilot's relations without direction: A,B")] = "",
    target: Annotated[
        list[str] | None,
        typer.Option(help="such as 'P(ari >= 0.8) >= 0.9'; may be repeated; the script's unless said"),
    ] = None,
    budget: Annotated[float | None, typer.Option(help="the most that a design may cost")] = None,
    fits: Annotated[int | None, typer.Option(help="fits to use at most; the script's unless said")] = None,
    seed: Annotated[int | None, typer.Option(help="of everything; the script's unless said")] = None,
    jobs: Annotated[int | None, typer.Option(help="workers; the number of processors unless said")] = None,
    store: Annotated[Path | None, typer.Option(help="a folder for replicates; results/<name>-plan unless said")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="an HTML file; beside the folder unless said")] = None,
) -> None:
    """Find the cheapest fieldwork that reaches a target, or what stands in the way."""
    from simlab.cli.planning import plan_fieldwork

    plan_fieldwork(
        script,
        pilot=pilot,
        actors=actors,
        undirected=undirected,
        undirected_relations=_listed(undirected_relations),
        targets=target or [],
        budget=budget,
        fits=fits,
        seed=seed,
        jobs=jobs,
        store=store,
        out=out,
    )


@app.command("list")
def list_(
    name: Annotated[
        str | None, typer.Argument(help="a scenario, structure, fitter or metric: what it is, and its settings")
    ] = None,
) -> None:
    """List scenarios, structures, fitters and metrics, with a line and a reference each; or one of them with its settings."""
    from simlab.cli.listing import show_list, show_one

    if name is None:
        show_list()
    else:
        show_one(name)


def _listed(names: str) -> list[str]:
    """Return the names in a list with commas."""
    return [name.strip() for name in names.split(",") if name.strip()]
