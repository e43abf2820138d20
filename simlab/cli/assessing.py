"""The command assess."""

from __future__ import annotations

import math
import platform
import shlex
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import simlab
from simlab.cli import StoppedError
from simlab.cli.fits import Task as FitTask
from simlab.cli.fits import fit_all, tasks_of
from simlab.cli.fitting import make_fitter, read_given
from simlab.cli.progress import suitable
from simlab.fieldwork.observe import Fieldwork
from simlab.foundation.errors import InputError, printable
from simlab.foundation.streams import check_seed, stream
from simlab.panel import Network, Panel
from simlab.plan.again import REFIT
from simlab.plan.assess import Assessment, Task, concluded, prepared
from simlab.plan.assessable import check_assessable
from simlab.plan.change import Change, change_between
from simlab.plan.fieldwork_read import fieldwork_of, joint_fieldwork
from simlab.plan.refitting import Refits, refitter
from simlab.report import assessment_words as words
from simlab.report.assessment_change_words import change_sentences
from simlab.report.assessment_overall import overall
from simlab.report.assessment_page import Assessed, write_page
from simlab.report.checks import title
from simlab.report.style import check_page
from simlab.study.cell import FAILED, OK, CellResult, OneThread, Place
from simlab.study.costs import Forecast
from simlab.study.options import check_backend
from simlab.study.provenance import RESULTS_VERSION

_NOWHERE = Place(0, 0, 0, 0)
_LEAST_WORLDS, _MOST_WORLDS = 2, 100_000


def assess_file(
    path: Path,
    *,
    clusters: str | None,
    fitter: str,
    undirected: bool,
    undirected_relations: Sequence[str],
    joint: bool,
    actors: Path | None,
    settings: Sequence[str],
    seed: int,
    worlds: int,
    refits: str,
    response_rate: float | None,
    max_nominations: int | None,
    jobs: int | None,
    out: Path | None,
) -> None:
    """Assess every network of a file that can be fitted, say what came out and write the page."""
    check_seed(seed)
    check_backend(jobs, "loky", None)
    if not _LEAST_WORLDS <= worlds <= _MOST_WORLDS:
        raise InputError.of("worlds", worlds, f"must be from {_LEAST_WORLDS} to {_MOST_WORLDS}")
    page = default_page(path) if out is None else out
    check_page(page)
    method = make_fitter(fitter, clusters, settings)
    check_assessable(method, [])
    refitter(method, 2, joint=joint, name=refits)
    panel = read_given(path, method, actors=actors, undirected=undirected, undirected_relations=undirected_relations)
    wanted = tasks_of(panel, joint=joint)
    # Before the first fit: fits take their time.
    fieldworks = {}
    for task in wanted:
        if not task.why_not():
            check_assessable(method, task.networks)
            fieldworks[_place(task.whole)] = _fieldwork(panel, task, response_rate, max_nominations)
    plan = Refits(worlds, refits, n_periods=min(len(panel.periods), 2))
    print(printable(f"{path}: {method.name}, seed {seed}"), flush=True)
    tasks: list[Task] = []
    with OneThread():
        for network, fit in fit_all(path, wanted, method, seed):
            relations = panel.relations if joint else (network.relation,)
            networks = [panel.network(network.site, relation, network.period) for relation in relations]
            tasks.append(
                prepared(
                    fit,
                    networks,
                    method,
                    fieldworks[_place(network)],
                    network=network,
                    seed=seed,
                    folder=page.with_suffix(".refits"),
                    refits=plan,
                )
            )
            print(printable(f"fitted: {network}, {words.clusters(fit.n_clusters)}"), flush=True)
    stopped = not _refitted(tasks, jobs)
    with OneThread():
        found = [concluded(task) for task in tasks]
        changes = _changes(found, seed)
    for assessment in found:
        print()
        print("\n".join(_said(assessment, worlds, several=len(found) > 1)))
    together = overall(found)
    if together:
        print()
        print("\n".join(_wrapped("", sentence) for sentence in together))
    for name, change in changes:
        print()
        print(_wrapped(f"{name}: " if name else "", " ".join(change_sentences(change))))
    write_page(
        page,
        Assessed(
            source=str(path),
            command=shlex.join(["simlab", *sys.argv[1:]]),
            fit=str(method),
            refit=str(tasks[0].again.fitters[REFIT]),
            assessments=found,
            changes=changes,
            n_worlds=worlds,
            versions=_versions(),
        ),
    )
    print(f"\nwritten  {printable(str(page))}")
    if stopped:
        raise StoppedError("stopped; what was refitted is kept and on the page: the same command goes on from there")


def default_page(path: Path) -> Path:
    """Return where the page of a file goes: under its folder's name too where the file is ``ties``, as that of a simulation."""
    folder = f"{path.resolve().parent.name}-" if path.stem == "ties" else ""
    return Path("results") / f"assess-{folder}{path.stem}.html"


def _place(network: Network) -> tuple[str, str, str]:
    return network.site, network.relation, network.period


def _fieldwork(panel: Panel, task: FitTask, response_rate: float | None, max_nominations: int | None) -> Fieldwork:
    """Return the fieldwork of what is fitted, with what was given."""
    one = task.networks[0]
    if task.joint:
        return joint_fieldwork(
            panel, one.site, one.period, response_rate=response_rate, max_nominations=max_nominations
        )
    return fieldwork_of(panel, _place(one), response_rate=response_rate, max_nominations=max_nominations)


def _refitted(tasks: Sequence[Task], jobs: int | None) -> bool:
    """Make the refits of all tasks, the most important first; return whether they were all made, and not stopped."""
    studies = [(task, task.studies[k]) for k in range(2) for task in tasks]
    progress = Whole(sum(math.prod(study.scenarios.shape) for _, study in studies))
    try:
        for task, study in studies:
            task.run(study, jobs=jobs, progress=progress)
    except KeyboardInterrupt:
        return False
    finally:
        progress.over()
    return True


class Whole:
    """The progress of several studies as one."""

    def __init__(self, total: int) -> None:
        self._inner = suitable()
        self._total, self._done, self._begun = total, 0, False

    def begin(self, total: int, done: int, failed: int) -> None:
        """Begin the whole with its first study; of later ones count what was done before."""
        self._done += done
        if not self._begun:
            self._begun = True
            self._inner.begin(self._total, done, failed)
        elif done:
            self._inner.add([CellResult(_NOWHERE, FAILED if k < failed else OK, "") for k in range(done)], None)

    def add(self, results: Sequence[CellResult], forecast: Forecast | None) -> None:
        """Count cells; what is left of the whole is foretold by the pace of this study."""
        self._done += len(results)
        if forecast is not None and forecast.seconds > 0:
            whole = (self._total - self._done) / forecast.rate / forecast.seconds
            left = (each * whole for each in (forecast.seconds, forecast.low, forecast.high))
            forecast = Forecast(forecast.rate, *left)
        self._inner.add(results, forecast)

    def end(self) -> None:
        """Nothing: another study may follow."""

    def over(self) -> None:
        """End the whole."""
        if self._begun:
            self._inner.end()


def _changes(found: Sequence[Assessment], seed: int) -> list[tuple[str, Change]]:
    """Return the change between each network and the same one a period later, with the name of its site and relation."""
    out = []
    for k, before in enumerate(found):
        one = before.network
        later = [a for a in found[k + 1 :] if (a.network.site, a.network.relation) == (one.site, one.relation)]
        for after in later[:1]:
            other = after.network
            change = change_between(
                (one.period, other.period),
                (before.fit, after.fit),
                (before.refit, after.refit),
                (before.again.switched, after.again.switched),
                rng=stream(seed, "change", one.site, one.relation, one.period),
            )
            out.append((", ".join(part for part in (one.site, one.relation) if part), change))
    return out


def _said(found: Assessment, n_worlds: int, *, several: bool) -> list[str]:
    """Return what is said of a network, as lines for a terminal."""
    lines = [printable(str(found.network))] if several else []
    lines += [_wrapped("warning: ", text) for text in words.warnings_of(found, worlds_asked=n_worlds)]
    lines.append(_wrapped(f"{words.RIGHT} ", " ".join(words.right_sentences(found))))
    lines.append(_wrapped(f"{words.SAME} ", " ".join(words.same_sentences(found))))
    for network, checks in zip(found.networks, found.checks, strict=True):
        lines.append(_wrapped("", title(str(network) if len(found.networks) > 1 else "", checks)))
    if limit := words.limit_on_checks(found):
        lines.append(_wrapped("", limit))
    return lines


def _wrapped(head: str, text: str) -> str:
    return textwrap.fill(printable(head + text), 110, subsequent_indent="  ", break_on_hyphens=False)


def _versions() -> str:
    return f"simlab {simlab.__version__}, numbers {RESULTS_VERSION}, Python {platform.python_version()}"
