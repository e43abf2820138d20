"""The commands about studies: run, status, report, export, replay."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path

import numpy as np

from simlab.cli import StoppedError
from simlab.cli.progress import suitable
from simlab.foundation.errors import InputError
from simlab.report.describe import describe_fit
from simlab.study.answers import save_answer, script_answer
from simlab.study.cell import OK, PENDING, STATUS_NAMES
from simlab.study.design import Study
from simlab.study.replay import cell_index, cell_name, level_text, replay, stored_study
from simlab.study.run import check_backend, default_store, run
from simlab.study.script import load_study
from simlab.study.store import opened

_MOST_SHOWN = 20


def run_study(
    script: Path,
    size: str,
    replicates: int | None,
    jobs: int | None,
    backend: str,
    scheduler: str | None,
    out: Path | None,
    seed: int | None,
) -> None:
    """Run a script's study, show its headline, and write its report."""
    check_backend(jobs, backend, scheduler)
    study = load_study(script, size)
    if replicates is not None:
        study = study.changed(replicates=replicates)
    if seed is not None:
        study = study.changed(seed=seed)
    store = out if out is not None else default_store(study)
    print(f"{study.name}: {study.question}", flush=True)
    try:
        dataset = run(study, store, jobs=jobs, backend=backend, scheduler=scheduler, progress=suitable())
    except KeyboardInterrupt:
        raise StoppedError(f"stopped; what was computed is in {store}: the same command goes on from there") from None
    own = script_answer(script, dataset)
    if own is not None:
        save_answer(store, own)
        dataset.attrs["answer"] = json.dumps(own)
    from simlab.report.headline import answer, as_text, headline

    print()
    print(as_text(headline(dataset)))
    print()
    for sentence in answer(dataset):
        print(textwrap.fill(sentence, 110))
    print()
    counts = _counts(dataset["status"].values)
    if set(counts) - {"ok"}:
        print(f"{_counted(counts)}; `simlab status {store}` says more")
    make_report(store, None, script)


def make_report(store: Path, out: Path | None, script: Path | None = None) -> None:
    """Write a store's report and say where everything is. The script is one that runs anyhow, or None."""
    from simlab.report.page import write_report

    with opened(store):
        pass
    written = write_report(store, out, script=script)
    print(f"store    {store}")
    print(f"report   {written.page}")
    print(f"picture  {written.picture}")


def show_status(store: Path) -> None:
    """Say how far a store is, with the failures by kind and their cells."""
    with opened(store) as dataset:
        study = stored_study_or_none(dataset)
        codes = dataset["status"].values
        messages = dataset["message"].values
        seconds = float(np.nansum(dataset["seconds"].values)) if "seconds" in dataset else float("nan")
        dims = dataset["status"].dims
        labels = {d: dataset[d].values.tolist() for d in dims}
    counts = _counts(codes)
    done = int((codes != PENDING).sum())
    print(f"{store}: {done} of {codes.size} cells done; {_counted(counts)}")
    if 0 < done < codes.size and np.isfinite(seconds):
        from simlab.cli.progress import duration

        workers = os.cpu_count() or 1
        left = seconds / done * (codes.size - done) / workers
        print(f"about {duration(left)} left on {workers} processors")
    shown: dict[tuple[str, str], list[str]] = {}
    example: dict[tuple[str, str], str] = {}
    for index in np.argwhere(codes > OK):
        at = tuple(int(i) for i in index)
        kind, text = STATUS_NAMES[int(codes[at])], _kind_of(str(messages[at]))
        name = ",".join(f"{d}={level_text(labels[d][i])}" for d, i in zip(dims, at, strict=True))
        shown.setdefault((kind, text), []).append(name)
        example.setdefault((kind, text), str(messages[at]))
    for (kind, text), names in sorted(shown.items(), key=lambda item: (item[0][0] != "failed", -len(item[1]))):
        such_as = "such as: " if len(names) > 1 else ""
        print(
            f"\n{kind.replace('_', ' ')}, {len(names)} of {codes.size}, {such_as}{example[kind, text] or 'no message'}"
        )
        for name in names[:_MOST_SHOWN]:
            print(f"  {name}")
        if len(names) > _MOST_SHOWN:
            print(f"  and {len(names) - _MOST_SHOWN} more")
    if shown and study is not None:
        first = next(iter(shown.values()))[0]
        print(f"\nto see one: simlab replay {store} --cell {first!r}")


def stored_study_or_none(dataset: object) -> Study | None:
    """Return the study of a store, or None where it has fitters that are not registered here."""
    try:
        return stored_study(dataset)
    except InputError:
        return None


def export_store(store: Path, out: Path) -> None:
    """Write a store as netCDF."""
    from simlab.study.export import check_writable, storable, write_netcdf

    check_writable(out, [".nc"])
    with opened(store) as dataset:
        write_netcdf(out, storable(dataset.load()))
    print(f"written  {out}")


def replay_cell(store: Path, cell: str, script: Path | None) -> None:
    """Compute a cell again and show what comes out, beside what the store holds."""
    study, place, found = replay(store, cell, script=script)
    print(f"cell     {cell_name(study, place)}")
    print(f"seed     {study.seed}")
    with opened(store) as dataset:
        at = cell_index(study, place)
        code = int(dataset["status"].values[at])
        print(f"stored   {STATUS_NAMES[code]} {dataset['message'].values[at]}".rstrip())
    for key in found.observed.keys:
        print()
        network = found.observed.network(*key)
        if key in found.fits:
            print("\n".join(describe_fit(network, found.fits[key])))
        else:
            print(f"{network}: failed")
            if os.environ.get("SIMLAB_TRACEBACK"):
                import traceback

                traceback.print_exception(found.errors[key])
            else:
                print(f"  {type(found.errors[key]).__name__}: {found.errors[key]} (SIMLAB_TRACEBACK=1 shows where)")
    from simlab.study.cell import fit_values

    print()
    for name, values in fit_values(study, found).items():
        numbers = values[np.isfinite(values)]
        if numbers.size:
            print(f"{name:28s} {'  '.join(f'{v:.4g}' for v in numbers)}")


def _counts(codes: np.ndarray) -> dict[str, int]:
    values, numbers = np.unique(codes, return_counts=True)
    return {STATUS_NAMES[int(v)]: int(n) for v, n in zip(values, numbers, strict=True)}


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())


def _kind_of(message: str) -> str:
    """Return a message without its numbers, so that like messages are counted together."""
    import re

    return re.sub(r"\d+(\.\d+)?", "…", message.split("; ")[0])
