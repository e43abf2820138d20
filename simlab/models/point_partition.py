"""One partition from many: the one with the least expected loss over posterior draws of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError
from simlab.partition import canonical, co_clustering

if TYPE_CHECKING:
    from simlab.kernels.partitions import Search

Labels = NDArray[np.integer]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Loss = Literal["variation", "binder"]

MOST_DRAWS = 1000
_LOSSES = ("variation", "binder")
_LEAST_GAIN = 1e-9


def minimum_expected_variation(
    labels: Labels,
    *,
    rng: np.random.Generator,
    max_clusters: int | None = None,
    n_runs: int = 16,
    starts: Sequence[Labels] = (),
    loss: Loss = "variation",
    max_draws: int = MOST_DRAWS,
) -> tuple[Ints, float]:
    """Return the partition with the least expected loss, and that loss (Wade & Ghahramani 2018).

    The expectation is over the draws and exact; clusters need not be numbered alike in them. The search is that of SALSO
    (Dahl, Johnson & Mueller 2022): actors are put one by one, in random order, into the cluster that adds the least to the
    loss, then moved while that lowers it, then whole clusters are taken apart and their actors put anew. The partition
    returned is no worse than any draw or start that is allowed.

    Parameters
    ----------
    labels : (n_draws, n_actors)
        Posterior draws of labels, from 0; chains stacked.
    rng : numpy.random.Generator
    max_clusters : int, optional
        The most clusters there may be: as many as in any draw or start unless said. Without a limit Binder's loss likes to
        cut off single actors.
    n_runs : int
        Runs of the search; half of them begin with no actor in a cluster, the others with draws.
    starts : sequence of (n_actors,)
        Partitions from which to search besides, such as the most probable label of each actor. Those with more than
        ``max_clusters`` clusters are left out, as are draws.
    loss : "variation" or "binder"
        The variation of information, in nats (Meila 2007), or Binder's loss with equal costs as a share of the pairs of
        actors: 1 less the Rand index (Binder 1978).
    max_draws : int
        Of more draws, so many are taken, evenly spaced; the loss is over these.

    Returns
    -------
    partition : (n_actors,), clusters from 0 in order of their first actor
    loss : float

    Raises
    ------
    InputError
        For labels that are not (n_draws, n_actors) from 0, or settings out of range.
    """
    draws = _draws(labels, max_draws)
    n = draws.shape[1]
    begun = [canonical(np.asarray(start)) for start in starts]
    if any(start.shape != (n,) or (start < 0).any() for start in begun):
        raise InputError(f"starts: must have a label for each of the {n} actors")
    if n_runs < 1:
        raise InputError.of("n_runs", n_runs, "must be at least 1")
    most = int(max([draws.max(), *(start.max() for start in begun)])) + 1 if max_clusters is None else max_clusters
    if most < 1:
        raise InputError.of("max_clusters", max_clusters, "must be at least 1")
    table, scale = _table(n, loss)
    bounds = _bounds(draws, table, loss)
    allowed = draws.max(axis=1) < most
    order = np.flatnonzero(allowed)[np.argsort(bounds[allowed], kind="stable")]
    begun = [start for start in begun if start.max() < most]
    begun += [draws[t].astype(np.int64) for t in order[: n_runs // 2]]
    begun += [np.full(n, -1)] * (n_runs - n_runs // 2)
    finder = _Finder.of(draws, table, most, rng)
    best, least = min((finder.descend(start) for start in begun), key=lambda found: found[1])
    best, least = finder.taken_apart(best, least)
    # Draws that may be better, as the bound says; hardly ever any is.
    for t in order[bounds[order] < least]:
        if bounds[t] < least and finder.loss(draws[t].astype(np.int64), least) < least:
            best, least = finder.descend(draws[t].astype(np.int64))
    return best, max(least * scale, 0.0)


def expected_loss(partition: Labels, labels: Labels, loss: Loss = "variation") -> float:
    """Return the mean loss of a partition (n_actors,) against draws (n_draws, n_actors); see ``minimum_expected_variation``.

    All the draws count. 0 for a partition that is every draw's.
    """
    from simlab.kernels.partitions import mean_loss

    draws = _draws(labels, len(labels))
    table, scale = _table(draws.shape[1], loss)
    return max(float(mean_loss(canonical(partition), draws, table, np.inf) * scale), 0.0)


def _draws(labels: Labels, max_draws: int) -> NDArray[np.int32]:
    """Return the draws to be used, each with clusters numbered from 0: (n_draws, n_actors)."""
    from simlab.kernels.partitions import canonical_rows

    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.size == 0 or labels.min() < 0:
        raise InputError("labels: must be draws by actors, (n_draws, n_actors), of labels from 0")
    if max_draws < 1:
        raise InputError.of("max_draws", max_draws, "must be at least 1")
    if len(labels) > max_draws:
        labels = labels[np.linspace(0, len(labels) - 1, max_draws).round().astype(np.int64)]
    out = np.empty(labels.shape, dtype=np.int32)
    canonical_rows(np.ascontiguousarray(labels, dtype=np.int64), out)
    return out


def _table(n: int, loss: Loss) -> tuple[Floats, float]:
    """Return f at 0 to n actors, and the factor of the loss."""
    count = np.arange(n + 1, dtype=np.float64)
    if loss == "variation":
        return count * np.log(np.maximum(count, 1.0)), 1.0 / n
    if loss == "binder":
        return count * (count - 1.0) / 2.0, 2.0 / max(n * (n - 1.0), 1.0)
    raise InputError.of("loss", loss, f"must be one of {', '.join(_LOSSES)}")


def _bounds(draws: NDArray[np.int32], table: Floats, loss: Loss) -> Floats:
    """Return a number that the loss of each draw against all is not below: (n_draws,).

    With p_ij the share of draws in which i and j are together, an actor i shares sum_j p_ij 1(i and j together in the draw)
    actors of its cluster in the mean. The variation of information has the mean of the logarithm of that number, which is
    at most the logarithm of the mean (Jensen's inequality, as in Wade & Ghahramani 2018). For Binder's loss the bound is
    the loss.
    """
    n_draws = len(draws)
    n_clusters = int(draws.max()) + 1
    together = co_clustering(draws)
    theirs = 0.0
    own, crossed = np.zeros(n_draws), np.zeros(n_draws)
    for g in range(n_clusters):
        member = (draws == g).astype(np.float64)
        size = table[member.sum(axis=1).astype(np.int64)]
        theirs += float(size.mean())
        own += size
        share = (member @ together)[member > 0]
        value = np.log(share) if loss == "variation" else (share - 1.0) / 2.0
        crossed += np.bincount(np.nonzero(member)[0], weights=value, minlength=n_draws)
    return np.asarray(own + theirs - 2.0 * crossed - 1e-9)


@dataclass(frozen=True, eq=False)
class _Finder:
    """The draws and the search over them.

    draws : (n_draws, n_actors); table : (n_actors + 1,), f of 0 to n_actors
    """

    draws: NDArray[np.int32]
    table: Floats
    search: Search
    rng: np.random.Generator

    @classmethod
    def of(cls, draws: NDArray[np.int32], table: Floats, max_clusters: int, rng: np.random.Generator) -> _Finder:
        """Return a finder whose search has nobody in a cluster."""
        from simlab.kernels.partitions import Search

        n_draws, n = draws.shape
        search = Search(
            labels=np.full(n, -1, dtype=np.int64),
            sizes=np.zeros(max_clusters, dtype=np.int64),
            shared=np.zeros((max_clusters, n_draws, int(draws.max()) + 1), dtype=np.int32),
            draws=np.ascontiguousarray(draws.T),
            steps=np.diff(table),
        )
        return cls(draws, table, search, rng)

    def loss(self, labels: Ints, most: float = np.inf) -> float:
        """Return the mean loss of labels, not yet scaled; infinity where it is above ``most``."""
        from simlab.kernels.partitions import mean_loss

        return float(mean_loss(labels, self.draws, self.table, most))

    def descend(self, start: Ints) -> tuple[Ints, float]:
        """Return where the search ends that begins with ``start``, -1 for those in no cluster yet, and its loss."""
        from simlab.kernels.partitions import place, put, take

        search = self.search
        for i in np.flatnonzero(search.labels != start).tolist():
            if search.labels[i] >= 0:
                take(search, i)
            if start[i] >= 0:
                put(search, i, int(start[i]))
        without = np.flatnonzero(start < 0)
        if len(without):
            place(search, self.rng.permutation(without))
        while place(search, self.rng.permutation(len(start))):
            pass
        labels = canonical(search.labels)
        return labels, self.loss(labels)

    def taken_apart(self, labels: Ints, least: float) -> tuple[Ints, float]:
        """Return the partition after clusters, one by one, are taken apart and put anew, until that lowers no loss."""
        g = 0
        while g <= labels.max():
            found, value = self.descend(np.where(labels == g, -1, labels))
            g += 1
            if value < least - _LEAST_GAIN:
                labels, least, g = found, value, 0
        return labels, least
