"""In which order cells are computed, how many a worker is given at once, and what is foretold of the time left."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from simlab.fieldwork.observe import Fieldwork
from simlab.fit.louvain import Louvain
from simlab.fit.spectral import Spectral
from simlab.generate.scenario import Scenario
from simlab.study import layout
from simlab.study.cell import FAILED, OK, CellResult, Place, Task, WorldResult
from simlab.study.costs import Costs
from simlab.study.design import Study, grid
from simlab.study.held import Held
from simlab.study.store import Store
from simlab.study.tasks import TaskQueue

ACTORS = [10, 20, 40]


def study(replicates: int = 30, fitters: int = 1) -> Study:
    return Study(
        "order",
        question="In which order?",
        scenarios=grid(Scenario(mean_degree=4.0, reciprocity=None), n_actors=ACTORS),
        fieldworks=Fieldwork(),
        fitters={"a": Spectral(n_clusters=2), "b": Louvain()} if fitters == 2 else {"a": Spectral(n_clusters=2)},
        replicates=replicates,
        metrics=["ari", "information"],
    )


def results(task: Task, seconds: dict[int, float], status: int = OK) -> list[WorldResult]:
    """Return made-up results of a task whose cells take so long by scenario."""
    out = []
    for (scenario, replicate), places in itertools.groupby(task.places, key=lambda p: (p.scenario, p.replicate)):
        cells = [CellResult(p, status, "", np.zeros((1, 1, 1, 1)), seconds[scenario]) for p in places]
        out.append(WorldResult(scenario, replicate, cells, np.ones((1, 1, 1, 1))))
    return out


def drive(asked: Study, path: Path, seconds: dict[int, float], n_workers: int) -> tuple[list[Task], float, Store]:
    """Simulate a run with so many workers; return the tasks, how long it took by their clock, and the store."""
    store = Store(path, asked)
    costs = Costs(asked)
    queue = TaskQueue(store, costs)
    free = [0.0] * n_workers
    under_way: list[tuple[float, int, Task]] = []
    tasks: list[Task] = []
    while True:
        while len(under_way) < n_workers and (task := queue.next(n_workers)) is not None:
            worker = int(np.argmin(free))
            free[worker] += sum(seconds[place.scenario] for place in task.places)
            under_way.append((free[worker], len(tasks), task))
            tasks.append(task)
        if not under_way:
            return tasks, max(free), store
        under_way.sort()
        now, _, task = under_way.pop(0)
        free = [max(f, now) if f < now else f for f in free]
        for result in results(task, seconds):
            store.add(result)
            costs.add(result.cells)
            for cell in result.cells:
                block = queue.finished(cell.place)
                if block is not None:
                    store.done(block)


@pytest.fixture(autouse=True)
def _estimates_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simlab.study.costs._SECONDS_BETWEEN", -1.0)


def test_every_cell_is_handed_out_once(tmp_path: Path) -> None:
    tasks, _, store = drive(study(fitters=2), tmp_path / "x.zarr", {0: 0.01, 1: 0.1, 2: 1.0}, 3)
    places = [place for task in tasks for place in task.places]
    assert len(places) == len(set(places)) == 3 * 2 * 30
    assert all(store.counts(block)[OK] == store.counts(block).sum() for block in store.blocks())


def test_long_cells_come_first_whatever_the_size_of_the_network(tmp_path: Path) -> None:
    """Once each scenario has been measured: here the smallest networks take longest, against what one would guess."""
    tasks, _, _ = drive(study(), tmp_path / "x.zarr", {0: 2.0, 1: 0.2, 2: 0.02}, 1)
    order = [task.places[0].scenario for task in tasks]
    assert set(order[:3]) == {0, 1, 2}
    assert order[3:] == sorted(order[3:])


def test_the_last_worker_does_not_finish_alone(tmp_path: Path) -> None:
    """The run takes no longer than a perfect division of the work, and a little more than the shortest task."""
    seconds = {0: 0.02, 1: 0.3, 2: 5.0}
    _, took, _ = drive(study(), tmp_path / "x.zarr", seconds, 4)
    perfect = 30 * sum(seconds.values()) / 4
    assert took < 1.04 * perfect
    # The control: the same cells shortest first.
    free = [0.0] * 4
    for scenario in (0, 1, 2):
        for _ in range(30):
            free[int(np.argmin(free))] += seconds[scenario]
    assert max(free) > 1.04 * perfect


def test_short_cells_are_handed_out_together_and_long_worlds_are_divided(tmp_path: Path) -> None:
    many = study(replicates=3000)
    tasks, _, _ = drive(many, tmp_path / "short.zarr", {0: 0.001, 1: 0.001, 2: 0.001}, 2)
    assert len(tasks) < 9000 / 100
    assert all(len({place.scenario for place in task.places}) == 1 for task in tasks)
    tasks, _, _ = drive(study(replicates=4, fitters=2), tmp_path / "long.zarr", dict.fromkeys(range(3), 60.0), 2)
    assert max(len(task.places) for task in tasks) == 1


def test_a_block_is_written_once_where_its_cells_are_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_CELLS_A_BLOCK", 64 * 8)
    written: list[tuple[int, ...]] = []
    usual = Held._write_block
    monkeypatch.setattr(
        Held, "_write_block", lambda self, block, held: (written.append(block), usual(self, block, held))[1]
    )
    _, _, store = drive(study(replicates=640), tmp_path / "x.zarr", dict.fromkeys(range(3), 0.001), 4)
    assert len(list(store.blocks())) > 2
    assert sorted(written) == sorted(store.blocks())


def test_times_that_a_store_knows_order_the_next_run(tmp_path: Path) -> None:
    seconds = {0: 2.0, 1: 0.2, 2: 0.02}
    drive(study(replicates=4), tmp_path / "x.zarr", seconds, 1)
    tasks, _, _ = drive(study(replicates=12), tmp_path / "x.zarr", seconds, 1)
    order = [task.places[0].scenario for task in tasks]
    assert order == sorted(order)
    assert {place.replicate for task in tasks for place in task.places} == set(range(4, 12))


def test_cells_that_failed_are_tried_again_only_on_request(tmp_path: Path) -> None:
    asked = study(replicates=3)
    store = Store(tmp_path / "x.zarr", asked)
    queue = TaskQueue(store, Costs(asked))
    while (task := queue.next(1)) is not None:
        bad = FAILED if task.places[0].replicate == 1 else OK
        for result in results(task, dict.fromkeys(range(3), 0.1), bad):
            store.add(result)
    assert TaskQueue(store, Costs(asked)).n_cells == 0
    again = TaskQueue(store, Costs(asked), [FAILED])
    assert again.n_cells > 0
    places = [p for task in iter(lambda: again.next(1), None) for p in task.places]
    at = [store.layout.index(*p) for p in places]
    store.flush()
    status = store._arrays.read("status")
    assert all(status[index] == FAILED for index in at)
    assert len(places) == (status == FAILED).sum()


def test_tasks_come_back_whole_or_cell_by_cell(tmp_path: Path) -> None:
    asked = study(replicates=3, fitters=2)
    queue = TaskQueue(Store(tmp_path / "x.zarr", asked), Costs(asked))
    task = Task((Place(0, 0, 0, 0), Place(0, 0, 1, 0)))
    queue.give_back(task)
    assert queue.next(1) == task
    queue.give_back(task, alone=True)
    assert [queue.next(1).places, queue.next(1).places] == [task.places[:1], task.places[1:]]  # type: ignore[union-attr]


def test_what_is_foretold_is_what_comes() -> None:
    """Of runs with cells of very different costs the time left lies within its limits nine times of ten, or nearly."""
    asked = study(replicates=60)
    seconds = np.array([0.05, 0.5, 3.0])
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(200):
        costs = Costs(asked)
        costs._begun -= 1e-9
        costs.left[:] = 60
        times = [rng.gamma(4.0, mean / 4.0, size=60) for mean in seconds]
        spent = 0.0
        for scenario in range(3):
            for replicate in range(12):
                cell = CellResult(Place(scenario, 0, 0, replicate), OK, "", None, float(times[scenario][replicate]))
                costs.add([cell])
                spent += cell.elapsed
        costs._begun -= spent  # one worker, always busy
        forecast = costs.forecast()
        assert forecast is not None
        left = sum(float(each[12:].sum()) for each in times)
        inside += forecast.low <= left <= forecast.high
    assert 0.8 <= inside / 200 <= 0.98


def test_nothing_is_foretold_where_nothing_was_measured() -> None:
    costs = Costs(study())
    assert costs.forecast() is None
    assert np.isnan(costs.estimates()).all()
    assert not costs.known(0)


def test_what_was_never_measured_is_guessed_from_dyads() -> None:
    costs = Costs(study(fitters=2))
    costs.add([CellResult(Place(1, 0, 0, 0), OK, "", None, 0.4)])
    guesses = costs.estimates()[:, 0]
    assert guesses[1] == pytest.approx([0.4, 0.4])
    assert guesses[2] == pytest.approx([1.6, 1.6])
    costs.add([CellResult(Place(1, 0, 1, 0), OK, "", None, 4.0)])
    assert costs.estimates()[2, 0] == pytest.approx([1.6, 16.0])
