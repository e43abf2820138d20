"""Panel: the actors, attributes and networks of a study, and for each dyad what the fieldwork saw of it.

A Network is one site, relation and period of a panel: all that a fitter is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError, UnknownNameError
from simlab.panel_dyads import DyadState, as_texts, check_actors, check_matrix, check_states, check_symmetric

if TYPE_CHECKING:
    from scipy import sparse

    Shares = sparse.csr_array[Any]

Floats = NDArray[np.float64]
States = NDArray[np.int8]

# Beyond this, whole numbers cannot be told apart in single precision, in which the kernels take counts.
LARGEST_COUNT = 2**24


class Dyads(NamedTuple):
    """Unordered dyads: counts of ties and of answers seen, (n_actors, n_actors), symmetric, zero on the diagonal."""

    ties: Floats
    observed: Floats


@dataclass(frozen=True, eq=False)
class Network:
    """One network as the field saw it. Parts that do not fit together are refused with InputError.

    Attributes
    ----------
    actors : (n_actors,)
        Names of the actors present, sorted.
    state : (n_actors, n_actors)
        DyadState of the tie from the row's actor to the column's.
    directed : bool
        Whether a tie has a direction; an undirected network has a symmetric ``state``.
    attributes : mapping
        Name to one value an actor, as text; an empty text is unknown. Numbers that are given become texts.
    site, relation, period : str
        What the network is.
    counts : (n_actors, n_actors) or None
        How often the tie from the row's actor to the column's was seen (its weight); 0 where there is no tie or it was not
        observed. Symmetric where ties have no direction. None where every tie counts once.
    dyadic : mapping
        Name to what is known of each dyad, (n_actors, n_actors), such as the distance of two offices, for covariates.
    limited : (n_actors,) or None
        In a fixed-choice design, the respondents who gave as many names as allowed: of those whom they did not name they
        say nothing certain, although ``state`` has no tie. None where there is no limit.
    max_nominations : int or None
        The number of names allowed.
    """

    actors: tuple[str, ...]
    state: States
    directed: bool = True
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    site: str = ""
    relation: str = ""
    period: str = ""
    counts: Floats | None = None
    dyadic: Mapping[str, Floats] = field(default_factory=dict)
    limited: NDArray[np.bool_] | None = None
    max_nominations: int | None = None

    def __post_init__(self) -> None:
        """Check that the parts fit together; symmetry of ``dyadic`` is left to those who use it."""
        check_actors(self.actors)
        n = len(self.actors)
        check_states(self.state, n, directed=self.directed)
        if self.counts is not None:
            counts = check_matrix("counts", self.counts, n)
            if not self.directed:
                check_symmetric("counts", counts)
        for name, matrix in self.dyadic.items():
            check_matrix(f"dyadic: {name}", matrix, n)
        texts = {name: as_texts(name, values, n) for name, values in self.attributes.items()}
        object.__setattr__(self, "attributes", texts)

    @property
    def n_actors(self) -> int:
        """The number of actors."""
        return len(self.actors)

    @property
    def ties(self) -> NDArray[np.bool_]:
        """The ties that were observed, row to column."""
        return np.asarray(self.state == DyadState.TIE)

    @property
    def observed(self) -> NDArray[np.bool_]:
        """The dyads of which it is known whether there is a tie."""
        return np.asarray(self.state <= DyadState.TIE)

    @property
    def n_ties(self) -> int:
        """The number of observed ties; an undirected tie counts once."""
        return int(self.ties.sum()) // (1 if self.directed else 2)

    @property
    def density(self) -> float:
        """Observed ties over observed dyads; NaN where none is observed."""
        seen = self.observed.sum()
        return float(self.ties.sum() / seen) if seen else float("nan")

    def dyads(self) -> Dyads:
        """Return the counts of ties and answers of each unordered dyad, which is all that a symmetric model needs."""
        ties = self.ties.astype(np.float64)
        observed = self.observed.astype(np.float64)
        if self.directed:
            ties, observed = ties + ties.T, observed + observed.T
        np.fill_diagonal(ties, 0.0)
        np.fill_diagonal(observed, 0.0)
        return Dyads(ties, observed)

    def of(self, actors: Sequence[str]) -> Network:
        """Return the network of some of the actors, in the order given; KeyError for one that is not there."""
        if tuple(actors) == self.actors:
            return self
        where = {actor: i for i, actor in enumerate(self.actors)}
        at = np.array([where[actor] for actor in actors], dtype=np.intp)
        return replace(
            self,
            actors=tuple(actors),
            state=self.state[np.ix_(at, at)],
            attributes={name: tuple(values[i] for i in at) for name, values in self.attributes.items()},
            counts=None if self.counts is None else self.counts[np.ix_(at, at)],
            dyadic={name: values[np.ix_(at, at)] for name, values in self.dyadic.items()},
            limited=None if self.limited is None else self.limited[at],
        )

    def weights(self) -> Shares:
        """Return the share of answers about each unordered dyad that say tie; nothing is stored where it is 0.

        Symmetric, (n_actors, n_actors), without a diagonal. It takes room for the ties, not for all dyads.
        """
        from scipy import sparse

        n = self.n_actors
        rows, columns = np.nonzero(self.state == DyadState.TIE)
        apart = rows != columns
        rows, columns = rows[apart], columns[apart]
        codes, said = np.unique(np.concatenate([rows * n + columns, columns * n + rows]), return_counts=True)
        first, second = np.divmod(codes, n)
        # Of a dyad with direction both answers count; without, one stands for both.
        answers = np.sum([self.state[places] <= DyadState.TIE for places in ((first, second), (second, first))], axis=0)
        starts = np.searchsorted(first, np.arange(n + 1))
        return sparse.csr_array((said / answers, second, starts), shape=(n, n))

    def tie_counts(self) -> Floats:
        """Return how often each observed tie counts, row to column: its count, or 1 where the network has no counts."""
        return np.where(self.ties, 1.0 if self.counts is None else self.counts, 0.0)

    def unknown(self) -> NDArray[np.bool_]:
        """Return which actors have no observed dyad at all."""
        seen = self.observed
        np.fill_diagonal(seen, False)
        return np.asarray(~(seen.any(axis=0) | seen.any(axis=1)))

    def __str__(self) -> str:
        """Return a name such as ``formal, period 1``."""
        parts = [self.site, self.relation, f"period {self.period}" if self.period else ""]
        return ", ".join(part for part in parts if part) or "network"


def mean_weights(networks: Sequence[Network]) -> Shares:
    """Return the mean of the weights of several networks of the same actors."""
    from scipy import sparse

    total = networks[0].weights()
    for network in networks[1:]:
        total = total + network.weights()
    return sparse.csr_array(total / float(len(networks)))


def check_counts(network: Network) -> None:
    """Raise InputError where the counts of a network are not whole numbers, as those of the Poisson family are.

    Also where one is more than 16,777,216, which single precision cannot tell from the next, or 0 although there is a tie.
    """
    if network.counts is None:
        return
    counts, ties = network.tie_counts(), network.ties
    wrong = counts[~((counts >= 0.0) & (counts == np.floor(counts)) & np.isfinite(counts))]
    if wrong.size:
        raise InputError.of("weight", f"{wrong[0]:g}", "must be a whole number from 0 for the Poisson family")
    if counts.max(initial=0.0) > LARGEST_COUNT:
        raise InputError.of("weight", f"{counts.max():.10g}", f"must be at most {LARGEST_COUNT} for the Poisson family")
    if (counts[ties] == 0.0).any():
        raise InputError("counts: must be above 0 where there is a tie")


@dataclass(frozen=True, eq=False)
class Panel:
    """All networks of a study over one set of actors.

    Attributes
    ----------
    actors : (n_actors,)
        Names, sorted; every actor that is in any network.
    site_of : (n_actors,)
        Each actor's site, one of ``sites``.
    sites, relations, periods : tuple of str
        The names of the three, in order. One empty name where the data do not tell several apart.
    directed : (n_relations,)
        Whether the ties of each relation have a direction.
    attributes : mapping
        Name to text values (n_periods, n_actors); an empty text is unknown.
    present, asked, answered : (n_periods, n_actors)
        Who was in the network, who was asked, and who answered.
    states : mapping
        (site, relation, period) to the dyad states (n_site_actors, n_site_actors) of the site's actors, in order.
    counts : mapping
        (site, relation, period) to how often each tie was seen, of the shape of its states; 0 where there is no observed
        tie. A network in which every tie counts once has none.
    limited : mapping
        (site, relation, period) to which of the site's actors gave as many names as allowed, (n_site_actors,); only for
        networks of a fixed-choice design.
    max_nominations : mapping
        (site, relation, period) to the number of names allowed, for the networks in ``limited``.
    """

    actors: tuple[str, ...]
    site_of: tuple[str, ...]
    sites: tuple[str, ...]
    relations: tuple[str, ...]
    periods: tuple[str, ...]
    directed: tuple[bool, ...]
    attributes: Mapping[str, NDArray[np.str_]]
    present: NDArray[np.bool_]
    asked: NDArray[np.bool_]
    answered: NDArray[np.bool_]
    states: Mapping[tuple[str, str, str], States]
    counts: Mapping[tuple[str, str, str], Floats] = field(default_factory=dict)
    limited: Mapping[tuple[str, str, str], NDArray[np.bool_]] = field(default_factory=dict)
    max_nominations: Mapping[tuple[str, str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        if list(self.actors) != sorted(set(self.actors)):
            raise InputError("actors: must be sorted and without repetition")
        shape = (len(self.periods), len(self.actors))
        for name in ("present", "asked", "answered"):
            if getattr(self, name).shape != shape:
                raise InputError(f"{name}: must have the shape (periods, actors) = {shape}")
        if (self.answered & ~self.asked).any() or (self.asked & ~self.present).any():
            raise InputError("answered, asked: only those present are asked, and only those asked answer")
        for key, counts in self.counts.items():
            if key not in self.states or counts.shape != self.states[key].shape:
                raise InputError(f"counts: those of {key} must have the shape of its states")
        for key, limited in self.limited.items():
            if key not in self.states or limited.shape != self.states[key].shape[:1]:
                raise InputError(f"limited: that of {key} must be one for each actor of its site")
        if set(self.limited) != set(self.max_nominations):
            raise InputError("limited, max_nominations: must be given for the same networks")

    @property
    def keys(self) -> list[tuple[str, str, str]]:
        """Every (site, relation, period), in order."""
        return [(s, r, p) for s in self.sites for r in self.relations for p in self.periods]

    def members(self, site: str) -> NDArray[np.int64]:
        """Return the indices of the actors of a site."""
        if site not in self.sites:
            raise UnknownNameError.among("site", site, self.sites)
        return np.flatnonzero(np.array(self.site_of) == site)

    def network(self, site: str | None = None, relation: str | None = None, period: str | int | None = None) -> Network:
        """Return one network, of the actors present; what there is only one of need not be named.

        Raises
        ------
        UnknownNameError
            For a site, relation or period that the panel does not have.
        InputError
            Where one is left out although the panel has several.
        """
        s = _choose("site", self.sites, site)
        r = _choose("relation", self.relations, relation)
        p = _choose("period", self.periods, None if period is None else str(period))
        members = self.members(s)
        t = self.periods.index(p)
        here = self.present[t, members]
        chosen = members[here]
        state = self.states[(s, r, p)][np.ix_(here, here)]
        counts = self.counts.get((s, r, p))
        limited = self.limited.get((s, r, p))
        return Network(
            actors=tuple(self.actors[i] for i in chosen),
            state=state,
            directed=self.directed[self.relations.index(r)],
            attributes={n: as_texts(n, values[t, chosen], len(chosen)) for n, values in self.attributes.items()},
            site=s,
            relation=r,
            period=p,
            counts=None if counts is None else np.where(state == DyadState.TIE, counts[np.ix_(here, here)], 0.0),
            limited=None if limited is None else limited[here],
            max_nominations=self.max_nominations.get((s, r, p)),
        )

    def networks(self) -> Iterator[Network]:
        """Iterate over all networks in the order of ``keys``."""
        for site, relation, period in self.keys:
            yield self.network(site, relation, period)


def _choose(kind: str, known: Sequence[str], name: str | None) -> str:
    if name is None:
        if len(known) != 1:
            raise InputError(f"{kind}: say which of {', '.join(known)}")
        return known[0]
    if name not in known:
        raise UnknownNameError.among(kind, name, known)
    return name


__all__ = ["DyadState", "Dyads", "Network", "Panel", "check_counts", "mean_weights"]
