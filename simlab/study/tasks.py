"""Tasks: in which order the cells that are left are computed, and how many are given to a worker at once."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from simlab.study.cell import Place, Task
from simlab.study.costs import Costs
from simlab.study.store import Store

Names = tuple[str, ...] | None

# A task should take at least so long, that handing it out costs little beside it ...
_TASK_SECONDS = 0.5
# ... and so long that the parent hands out no more than this many a second.
_TASKS_A_SECOND = 200.0
_MOST_CELLS = 2_000
# Towards the end tasks become shorter, so that the last worker does not finish alone.
_TASKS_LEFT_A_WORKER = 4.0


class _World(NamedTuple):
    """Cells of one world that need the same metrics."""

    places: list[Place]
    names: Names


class TaskQueue:
    """The cells that a store lacks, as tasks.

    Block by block, so that a block is written once; the block with the most costly cells first, and in it the most costly
    scenario, by the times measured so far. A scenario that was never measured comes first, with one world.

    Parameters
    ----------
    again : iterable of int
        Statuses that are computed once more.
    learn : bool
        Whether the times that the store knows are taken into ``costs``.
    """

    def __init__(self, store: Store, costs: Costs, again: Iterable[int] = (), *, learn: bool = True) -> None:
        self._store = store
        self._costs = costs
        self._again = tuple(again)
        self._learn = learn
        self._blocks: list[tuple[int, ...]] = []
        self._front: deque[Task] = deque()
        self._worlds: dict[int, deque[_World]] = {}
        self._tried: set[int] = set()
        self._open: dict[tuple[int, ...], int] = {}
        self.n_cells = 0
        costs.left[:] = 0
        for block in store.blocks():
            count = self._survey(block)
            if count:
                self._blocks.append(block)
                self.n_cells += count

    def _survey(self, block: tuple[int, ...]) -> int:
        """Take what a block says of times and of cells that are left; return how many are left."""
        at = self._store.members(block)
        mine = np.min(at, axis=0) >= 0
        here = tuple(side[mine] for side in at)
        left = self._store.unfinished(block, self._again).sum(axis=-1).ravel()
        np.add.at(self._costs.left, here, left[mine])
        if self._learn:
            self._costs.know(here, *(sums.ravel()[mine] for sums in self._store.times(block)))
        return int(left.sum())

    @property
    def is_empty(self) -> bool:
        """Whether every cell has been handed out."""
        return not (self._front or self._worlds or self._blocks)

    def next(self, n_workers: int) -> Task | None:
        """Return the next task, None where nothing is left to hand out."""
        if self._front:
            return self._front.popleft()
        while not self._worlds:
            if not self._blocks:
                return None
            self._enter(self._blocks.pop(self._costliest()))
        scenario = self._choose()
        worlds = self._worlds[scenario]
        known = self._costs.known(scenario)
        estimates, wanted = self._costs.estimates(), self._task_seconds(n_workers)
        if not np.isfinite(estimates).any():
            # Nothing is known of any cell: they are measured one by one.
            estimates, wanted = np.ones(estimates.shape), 0.4
        places: list[Place] = []
        names = worlds[0].names
        seconds = 0.0
        while worlds and worlds[0].names == names and len(places) < _MOST_CELLS:
            if places and (seconds >= wanted or not known):
                break
            world = worlds.popleft()
            costs = [float(estimates[place[:3]]) for place in world.places]
            if not places and sum(costs) > 2 * wanted and len(costs) > 1:
                # A long world is divided among workers.
                take = max(int(np.searchsorted(np.cumsum(costs), wanted)), 1)
                worlds.appendleft(_World(world.places[take:], names))
                world, costs = _World(world.places[:take], names), costs[:take]
            places += world.places
            seconds += sum(costs)
        if not worlds:
            del self._worlds[scenario]
        return Task(tuple(places), names, seconds if known else math.nan)

    def give_back(self, task: Task, *, alone: bool = False) -> None:
        """Take a task again whose worker died; its cells one by one where ``alone``."""
        if alone:
            self._front.extendleft(Task((place,), task.metrics, math.inf) for place in reversed(task.places))
        else:
            self._front.appendleft(task)

    def finished(self, place: Place) -> tuple[int, ...] | None:
        """Count a cell as done; return its block where it was the last of it."""
        block = self._store.layout.block_of(*place)
        self._open[block] -= 1
        if self._open[block]:
            return None
        del self._open[block]
        return block

    def _costliest(self) -> int:
        """Return which of the blocks that are left has the most costly cells."""
        if len(self._blocks) == 1:
            return 0
        cost = self._costs.guesses().max(axis=(1, 2))
        return int(np.argmax([cost[self._store.scenarios(block)].max() for block in self._blocks]))

    def _enter(self, block: tuple[int, ...]) -> None:
        pending = self._store.pending(block, self._again)
        self._open[block] = len(pending)
        for (scenario, _, names), cells in itertools.groupby(pending.items(), key=_world_of):
            self._worlds.setdefault(scenario, deque()).append(_World([place for place, _ in cells], names))

    def _choose(self) -> int:
        """Return the scenario to go on with."""
        new = [s for s in self._worlds if s not in self._tried and not self._costs.known(s)]
        scenarios = new or list(self._worlds)
        cost = self._costs.guesses()
        chosen = max(scenarios, key=lambda s: float(cost[s].sum()))
        self._tried.add(chosen)
        return chosen

    def _task_seconds(self, n_workers: int) -> float:
        usual = max(_TASK_SECONDS, n_workers / _TASKS_A_SECOND)
        return min(usual, self._costs.left_seconds() / (_TASKS_LEFT_A_WORKER * max(n_workers, 1)))


def _world_of(item: tuple[Place, Names]) -> tuple[int, int, Names]:
    place, names = item
    return place.scenario, place.replicate, names
