"""The commands about studies: run, status, report, export, replay."""

from __future__ import annotations

import json
import os
import shlex
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from simlab.cli import StoppedError
from simlab.cli.progress import duration, suitable
from simlab.fit.fit import fitters
from simlab.foundation.errors import printable
from simlab.report.describe import describe_fit
from simlab.study.answers import save_answer, script_answer
from simlab.study.cell import STATUS_NAMES, fit_values
from simlab.study.options import check_backend, default_store
from simlab.study.reading import loaded
from simlab.study.replay import cell_index, cell_name, placed, recompute
from simlab.study.run import run
from simlab.study.script import load_study
from simlab.study.standing import count_statuses, failures, runs_of, seconds_left
from simlab.study.storage import Storage
from simlab.study.store import opened


def run_study(
    script: Path, size: str, replicates: int | None, seed: int | None, out: str | None, **options: Any
) -> None:
    """Run a script's study, show its headline, and write its report. ``options`` are those of ``run``."""
    check_backend(options["jobs"], options["backend"], options["scheduler"])
    study = load_study(script, size)
    if replicates is not None:
        study = study.changed(replicates=replicates)
    if seed is not None:
        study = study.changed(seed=seed)
    store = Storage(out if out is not None else default_store(study))
    say(f"{study.name}: {study.question}", flush=True)
    try:
        dataset = run(study, str(store), progress=suitable(), **options)
    except KeyboardInterrupt:
        raise StoppedError(f"stopped; what was computed is in {store}: the same command goes on from there") from None
    own = script_answer(script, dataset)
    if own is not None:
        save_answer(store, own)
        dataset.attrs["answer"] = json.dumps(own)
    from simlab.report.headline import answer, as_text, headline

    say()
    say(as_text(headline(dataset)))
    say()
    for sentence in answer(dataset):
        say(textwrap.fill(sentence, 110))
    say()
    counts = count_statuses(dataset)
    if set(counts) - {"ok"}:
        say(f"{_counted(counts)}; `simlab status {store}` says more")
    make_report(str(store), None, script)
    say(f"log      {store.beside('.log')}")


def make_report(store: str, out: Path | None, script: Path | None = None) -> None:
    """Write a store's report and say where everything is. The script is one that runs anyhow, or None."""
    from simlab.report.page import write_report

    with opened(store):
        pass
    written = write_report(store, out, script=script)
    say(f"store    {store}")
    say(f"report   {written.page}")
    say(f"picture  {written.picture}")


def show_status(store: str) -> None:
    """Say how far a store is, with the failures by kind and their cells."""
    with opened(store) as dataset:
        counts = count_statuses(dataset)
        total = sum(counts.values())
        done = total - counts.get("pending", 0)
        say(f"{store}: {done} of {total} cells done; {_counted(counts)}")
        runs = runs_of(dataset)
        if done < total:
            left = seconds_left(dataset)
            if np.isfinite(left):
                workers = os.cpu_count() or 1
                say(f"about {duration(left / workers)} left on {workers} processors")
            if runs and "ended" not in runs[-1]:
                say(f"the last run began at {runs[-1]['at']} and has not ended, or was killed")
        elif runs and "rules" in runs[-1] and runs[-1]["rules"]:
            for rule, outcome in runs[-1]["rules"].items():
                say(f"{rule}: {outcome}")
        known = set(fitters.names())
        mine = all(
            entry["name"] in known for entry in json.loads(dataset.attrs["provenance"])["design"]["fitters"].values()
        )
        found = failures(dataset)
    for failure in found:
        such_as = "such as: " if failure.count > 1 else ""
        message = failure.message or "no message"
        say(f"\n{failure.status.replace('_', ' ')}, {failure.count} of {total}, {such_as}{message}")
        for name in failure.cells:
            say(f"  {name}")
        if failure.count > len(failure.cells):
            say(f"  and {failure.count - len(failure.cells)} more")
    if found:
        place = f"{shlex.quote(printable(store))} --cell {shlex.quote(printable(found[0].cells[0]))}"
        say(f"\nto see one: simlab replay {place}{'' if mine else ' --script SCRIPT'}")
        if any(failure.status != "not_converged" for failure in found):
            say("to try them again: simlab run SCRIPT --retry failed")


def export_store(store: str, out: Path) -> None:
    """Write a store as netCDF, or as it is into a Zip file."""
    from simlab.study.export import check_writable, storable, write_netcdf
    from simlab.study.export_zip import write_zip

    check_writable(out, [".nc", ".zip"])
    with opened(store) as dataset:
        if out.suffix.lower() == ".nc":
            write_netcdf(out, storable(loaded(dataset, store)))
        else:
            write_zip(out, Storage(store))
    say(f"written  {out}")


def replay_cell(
    store: str, cell: str, script: Path | None, *, show_traceback: bool = False, debug: bool = False
) -> None:
    """Compute a cell again and show what comes out, beside what the store holds."""
    study, place = placed(store, cell, script=script)
    say(f"cell     {cell_name(study, place)}")
    say(f"seed     {study.seed}")
    with opened(store) as dataset:
        at = cell_index(study, place)
        code = int(dataset["status"][at].values)
        say(f"stored   {STATUS_NAMES[code]} {dataset['message'][at].values}".rstrip(), flush=True)
    try:
        found = recompute(study, place)
    except Exception as error:
        # The world itself could not be made.
        _show_error(error, show_traceback, debug)
        return
    for key in found.observed.keys:
        say()
        network = found.observed.network(*key)
        if key in found.fits:
            say("\n".join(describe_fit(network, found.fits[key])))
        else:
            say(f"{network}: failed")
            _show_error(found.errors[key], show_traceback, debug)
    say()
    for metric, values in zip(study.fit_metrics, fit_values(study, found), strict=True):
        numbers = values[np.isfinite(values)]
        if numbers.size:
            say(f"{metric.name:28s} {'  '.join(f'{v:.4g}' for v in numbers)}")


def _show_error(error: BaseException, show_traceback: bool, debug: bool) -> None:
    """Say what a cell raised; with its traceback, and a debugger where it was raised, on request."""
    import pdb
    import traceback

    if show_traceback or debug or os.environ.get("SIMLAB_TRACEBACK"):
        traceback.print_exception(error, file=sys.stdout)
    else:
        say(f"  {type(error).__name__}: {error} (--traceback shows where, --debug stops there)")
    if debug and error.__traceback__ is not None:
        pdb.post_mortem(error.__traceback__)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())


def say(text: str = "", *, flush: bool = False) -> None:
    """Print text that may come from a store of somebody else's, with what a terminal would obey written out."""
    print(printable(text, keep="\n"), flush=flush)
