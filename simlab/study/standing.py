"""How a store stands: cells by status, what failed and why, and the time that is left. Reads no more than it needs."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simlab.study.cell import FAILED, OK, PENDING, STATUS_NAMES
from simlab.study.replay import level_text

_MOST_CELLS = 20
# Messages are looked at for so many cells that failed; the others are counted.
_MOST_MESSAGES = 20_000


@dataclass
class Failure:
    """Cells that ended alike: how, with which message (of the first), how many, and the ids of some."""

    status: str
    message: str
    count: int = 0
    cells: list[str] = field(default_factory=list)


def asked_for(dataset: Any) -> NDArray[np.bool_]:
    """Return which cells of a store have been asked for, in the shape of its status."""
    status = dataset["status"]
    if "asked" not in dataset:
        return np.ones(status.shape, dtype=bool)
    return np.asarray(np.arange(status.shape[-1]) < dataset["asked"].values[..., None])


def count_statuses(dataset: Any) -> dict[str, int]:
    """Return how many cells that were asked for have each status, in the order of statuses."""
    codes = np.where(asked_for(dataset) | (dataset["status"].values != PENDING), dataset["status"].values, -1)
    counts = np.bincount(codes[codes >= 0].astype(np.int64), minlength=len(STATUS_NAMES))
    return {name: int(number) for name, number in zip(STATUS_NAMES, counts, strict=True) if number}


def runs_of(dataset: Any) -> list[dict[str, Any]]:
    """Return what the store tells of its runs, the first first; nothing where it tells nothing readable."""
    try:
        found = json.loads(dataset.attrs.get("runs", "[]"))
    except (ValueError, TypeError):
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def seconds_left(dataset: Any) -> float:
    """Return how long the cells that are left may take, one after the other (s); NaN where nothing was measured.

    By the mean time of cells of the same combination of settings; where none was measured, of all.
    """
    if "elapsed" not in dataset:
        return float("nan")
    status = dataset["status"].values
    elapsed = dataset["elapsed"].values.astype(np.float64)
    seen = np.isfinite(elapsed)
    if not seen.any():
        return float("nan")
    left = (asked_for(dataset) & (status == PENDING)).sum(-1)
    count, total = seen.sum(-1), np.where(seen, elapsed, 0.0).sum(-1)
    mean = np.where(count > 0, total / np.maximum(count, 1), total.sum() / count.sum())
    return float((left * mean).sum())


def failures(dataset: Any) -> list[Failure]:
    """Return what went wrong, what failed first: cells that ended alike together."""
    status = dataset["status"]
    codes = status.values
    labels = {dim: dataset[dim].values.tolist() for dim in status.dims}
    found: dict[tuple[int, str], Failure] = {}
    for code in range(OK + 1, len(STATUS_NAMES)):
        at = np.argwhere(codes == code)
        for index, message in itertools.chain(_with_messages(dataset, at[:_MOST_MESSAGES])):
            failure = found.setdefault((code, _kind_of(message)), Failure(STATUS_NAMES[code], message))
            failure.count += 1
            if len(failure.cells) < _MOST_CELLS:
                named = zip(status.dims, index, strict=True)
                failure.cells.append(",".join(f"{dim}={level_text(labels[dim][i])}" for dim, i in named))
        if len(at) > _MOST_MESSAGES:
            text = f"more cells that ended so; the messages of {_MOST_MESSAGES} were read"
            index = tuple(at[_MOST_MESSAGES].tolist())
            name = ",".join(f"{d}={level_text(labels[d][i])}" for d, i in zip(status.dims, index, strict=True))
            found[code, text] = Failure(STATUS_NAMES[code], text, len(at) - _MOST_MESSAGES, [name])
    return sorted(found.values(), key=lambda f: (STATUS_NAMES.index(f.status) < FAILED, -f.count))


def _with_messages(dataset: Any, at: NDArray[np.int64]) -> Iterator[tuple[tuple[int, ...], str]]:
    """Iterate over cells with their messages; what lies between the first and the last scenario is read, not all."""
    if not len(at):
        return
    message = dataset["message"]
    first, last = at.min(axis=0), at.max(axis=0) + 1
    texts = message[tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))].values
    for index in at.tolist():
        yield tuple(index), str(texts[tuple(i - int(a) for i, a in zip(index, first, strict=True))])


def _kind_of(message: str) -> str:
    """Return a message without its numbers, so that like messages are counted together."""
    return re.sub(r"\d+(\.\d+)?", "…", message.split("; ")[0])
