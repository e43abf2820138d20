"""The command plan."""

from __future__ import annotations

import shlex
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simlab.cli import StoppedError, interrupted
from simlab.cli.fitting import read_given
from simlab.cli.progress import duration
from simlab.foundation.errors import InputError, printable
from simlab.panel import Panel
from simlab.plan.answer import Answer
from simlab.plan.pilot import pilot_fitter, with_pilot
from simlab.plan.problem import Plan
from simlab.plan.script import load_plan
from simlab.report.style import check_page
from simlab.study.options import check_backend

_SECONDS_BETWEEN_LINES = 10.0


def plan_fieldwork(
    script: Path,
    *,
    pilot: Path | None,
    actors: Path | None,
    undirected: bool,
    undirected_relations: Sequence[str],
    targets: Sequence[str],
    budget: float | None,
    fits: int | None,
    seed: int | None,
    jobs: int | None,
    store: Path | None,
    out: Path | None,
) -> None:
    """Find the cheapest fieldwork that reaches the targets, say it, and write its page."""
    check_backend(jobs, "loky", None)
    if pilot is None:
        _check_no_pilot(actors=actors, undirected=undirected, undirected_relations=undirected_relations)
    plan = load_plan(script)
    changes: dict[str, Any] = {"targets": list(targets) or None, "fits": fits, "seed": seed, "budget": budget}
    plan = plan.changed(**{name: value for name, value in changes.items() if value is not None})
    if pilot is None:
        # What designs cost with the people of a pilot is known when it has been read.
        _ = plan.affordable
    folder = store if store is not None else Path("results") / f"{plan.name}-plan"
    page = out if out is not None else folder.with_suffix(".html")
    check_page(page)
    check_folder(folder)
    print(f"{plan.name}: {plan.question}", flush=True)
    telling = suitable()
    try:
        if pilot is not None:
            panel = read_given(
                pilot,
                pilot_fitter(plan),
                actors=actors,
                undirected=undirected,
                undirected_relations=undirected_relations,
            )
            plan = _piloted(plan, panel, pilot)
        _describe(plan)
        answer = plan.solve(folder, telling=telling, jobs=jobs)
    except BaseException as error:
        if not interrupted(error):
            raise
        raise StoppedError(f"stopped; what was computed is in {folder}: the same command goes on from there") from None
    finally:
        telling.end()
    say(answer)
    from simlab.report.plan_page import write_plan_page

    write_plan_page(page, plan, answer, command=shlex.join(["simlab", *sys.argv[1:]]))
    print(f"store    {folder}")
    print(f"page     {page}")


def check_folder(folder: Path) -> None:
    """Make the folder of replicates; InputError where nothing can be kept there, before any work is done for it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = "is a file" if folder.is_file() else error.strerror or type(error).__name__
        raise InputError.of("store", str(folder), f"must be a folder that can be written to ({why})") from None


def _check_no_pilot(**options: object) -> None:
    """Raise InputError for an option that is of a pilot, where there is none."""
    for name, value in options.items():
        if value:
            told = ", ".join(value) if isinstance(value, (list, tuple)) else str(value)
            raise InputError.of(name, told, "is of a pilot: give --pilot too, or leave it out")


def _piloted(plan: Plan, panel: Panel, pilot: Path) -> Plan:
    """Return the plan with the worlds of a pilot; say what gives way to it, and whether its fit converged."""
    aside = [*plan.unknown, *(name for name in plan.scenario.given() if name not in ("relations", "n_clusters"))]
    if aside:
        print(printable(f"set aside: what the script says of {', '.join(aside)}: the pilot and its posterior say it"))
    print(printable(f"fitting the pilot {pilot}"), flush=True)
    return with_pilot(plan, panel, pilot.name, telling=lambda text: print(printable(f"warning: {text}"), flush=True))


def _describe(plan: Plan) -> None:
    within = plan.affordable
    for target in plan.targets:
        print(f"target   {target.text}")
    for line in plan.worlds.describe():
        print(f"unknown  {line}")
    low, high = within.costs.min(), within.costs.max()
    print(f"designs  {len(within):,}, from {low:,.0f} to {high:,.0f} {plan.price.unit}", flush=True)


def say(answer: Answer) -> None:
    """Print the answer in words."""
    from simlab.report.plan_words import sentences

    print()
    for sentence in sentences(answer):
        print(textwrap.fill(sentence, 110))
    print()


class TerminalTelling:
    """A bar with the stage, fits used, and the time left."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            refresh_per_second=4,
        )
        self._task: Any = None
        self._begun = time.monotonic()

    def stage(self, name: str, used: int, most: int) -> None:
        """Show how far it is."""
        if self._task is None:
            self._begun = time.monotonic()
            self._task = self._bar.add_task(name, total=most, left="")
            self._bar.start()
        left = _left(self._begun, used, most)
        self._bar.update(self._task, description=name, completed=used, total=most, left=left)

    def end(self) -> None:
        """Leave the bar as it is."""
        self._bar.stop()


class PlainTelling:
    """A line every ten seconds, for files and pipes."""

    def __init__(self) -> None:
        self._begun = self._last = time.monotonic()
        self._name = ""

    def stage(self, name: str, used: int, most: int) -> None:
        """Say how far it is, where ten seconds have passed or something else has begun."""
        now = time.monotonic()
        if name == self._name and now - self._last < _SECONDS_BETWEEN_LINES:
            return
        self._last, self._name = now, name
        left = _left(self._begun, used, most)
        print(f"{name}: {used} of at most {most} fits{f', {left}' if left else ''}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Nothing is left open."""


def suitable() -> TerminalTelling | PlainTelling:
    """Return a bar on a terminal, else plain lines."""
    return TerminalTelling() if sys.stdout.isatty() and sys.stderr.isatty() else PlainTelling()


def _left(begun: float, used: int, most: int) -> str:
    """Return the longest time left in words; empty where nothing can be said yet."""
    if used <= 0 or used >= most:
        return ""
    seconds = (time.monotonic() - begun) / used * (most - used)
    return f"at most {duration(seconds)} left"
