"""LatentData: what a latent position model sees of one network, or of several relations, as its kernels want it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.errors import InputError
from simlab.foundation.scientific import gammaln
from simlab.models.latent_parts import Design, DyadList, OpenTies
from simlab.panel import DyadState, Network, check_counts, mean_weights

if TYPE_CHECKING:
    from simlab.kernels.chain_state import Data, Shape
    from simlab.panel import Shares

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Indices = NDArray[np.integer]
Ints = NDArray[np.int64]

Sociality = Literal["none", "shared", "sender", "receiver", "both"]
FamilyName = Literal["bernoulli", "poisson"]


def square(values: Floats, n: int) -> Floats:
    """Return the symmetric matrices (..., n, n) with these entries below the diagonal, and 0 on it."""
    rows, columns = np.tril_indices(n, -1)
    out = np.zeros((*values.shape[:-1], n, n))
    out[..., rows, columns] = values
    out[..., columns, rows] = values
    return out


@dataclass(frozen=True, eq=False)
class LatentData:
    """Ties and answers of each dyad, from the later of its two actors to the earlier, and back.

    Attributes
    ----------
    n_actors : int
    form : str
        "plain" (an intercept and the distance, counts of both ways together), "bernoulli", "poisson" or "reciprocal".
    sociality : str
        Which effects actors have: "none", "shared" (one for sending and receiving), "sender", "receiver" or "both".
    ties, observed : (n_relations, n_dyads)
        Where the model is symmetric they hold the sums of both ways, and the next two have no columns.
    ties_back, observed_back : (n_relations, n_dyads) or (n_relations, 0)
    covariates : (n_covariates, n_dyads), covariates_back : the same, or (n_covariates, 0)
    share : (n_actors, n_actors), sparse
        The mean over relations of the share of answers about a dyad that say tie.
    constant : float
        What the kernels leave out of the log-likelihood: minus the sum of log y! for counts, else 0.
    dyads : DyadList
        Which dyads these are, where they are not all.
    design : Design or None
        Where the covariates come from, so that those of any dyad can be had.
    open_ties : OpenTies
        What a fixed-choice design leaves open.
    """

    n_actors: int
    form: Literal["plain", "bernoulli", "poisson", "reciprocal"]
    sociality: Sociality
    ties: Singles
    observed: Singles
    ties_back: Singles
    observed_back: Singles
    covariates: Floats
    covariates_back: Floats
    share: Shares
    constant: float
    dyads: DyadList
    design: Design | None
    open_ties: OpenTies

    @classmethod
    def of(
        cls,
        networks: Sequence[Network],
        *,
        family: FamilyName = "bernoulli",
        sociality: Sociality = "none",
        reciprocity: bool = False,
        covariates: Sequence[str] = (),
        censored: bool = False,
        dyads: DyadList | None = None,
        share: Shares | None = None,
    ) -> LatentData:
        """Return the data of one network, or of several relations of the same actors: of all dyads, or of a list.

        ``share`` may be given where it is at hand, so that it is not worked out again for every list.

        Raises
        ------
        InputError
            For effects or reciprocity that need direction in networks that have none, for counts that are not whole
            numbers, and for covariates that cannot be fitted.
        """
        directed = [network.directed for network in networks]
        if sociality in ("sender", "receiver", "both") and not all(directed):
            raise InputError.of("sociality", sociality, "ties have no direction: must be none or shared")
        if reciprocity and not all(directed):
            raise InputError.of("reciprocity", True, "ties have no direction: must be false")
        if reciprocity and family != "bernoulli":
            raise InputError.of("reciprocity", True, "is for the bernoulli family")
        if censored and family != "bernoulli":
            raise InputError.of("nominations", "censored", "is for the bernoulli family")
        if censored and not all(directed):
            raise InputError.of("nominations", "censored", "ties have no direction: must be as_told")
        n = networks[0].n_actors
        dyads = dyads or DyadList.every()
        rows, columns = (dyads.first, dyads.second) if len(dyads) else np.tril_indices(n, -1)
        x, x_back = _design(networks, covariates, rows, columns)
        two_way = reciprocity or sociality in ("sender", "receiver", "both") or not np.array_equal(x, x_back)
        parts = [_seen(network, family, rows, columns) for network in networks]
        none = np.zeros(0)
        if two_way:
            there = [(y, seen) for y, _, seen, _ in parts]
            back = [(y_back, seen_back) for _, y_back, _, seen_back in parts]
        else:
            there = [(y + y_back, seen + seen_back) for y, y_back, seen, seen_back in parts]
            back = [(none, none)] * len(networks)
        form: Literal["plain", "bernoulli", "poisson", "reciprocal"] = "bernoulli"
        if family == "poisson":
            form = "poisson"
        elif reciprocity:
            form = "reciprocal"
        elif sociality == "none" and not covariates:
            form = "plain"
        constant = 0.0
        if family == "poisson":  # only ties count here, and a list holds all of them
            constant = -float(sum(gammaln(part + 1.0).sum() for y, y_back, _, _ in parts for part in (y, y_back)))
        return cls(
            n_actors=n,
            form=form,
            sociality=sociality,
            ties=_singles([y for y, _ in there]),
            observed=_singles([o for _, o in there]),
            ties_back=_singles([y for y, _ in back]),
            observed_back=_singles([o for _, o in back]),
            covariates=x,
            covariates_back=x_back if two_way else np.zeros((len(x), 0)),
            share=mean_weights(networks) if share is None else share,
            constant=constant,
            dyads=dyads,
            design=Design(networks[0], tuple(covariates)) if covariates else None,
            open_ties=OpenTies.of(networks) if censored else OpenTies.none(),
        )

    @property
    def n_relations(self) -> int:
        """The number of relations."""
        return len(self.ties)

    @property
    def n_covariates(self) -> int:
        """The number of covariates."""
        return len(self.covariates)

    @cached_property
    def components(self) -> Ints:
        """See ``small_components``."""
        return small_components(self.share)

    @property
    def n_effects(self) -> tuple[int, int]:
        """The numbers of sender and of receiver effects of a relation: those of the actors, or 0."""
        n = self.n_actors
        return (
            n if self.sociality in ("shared", "sender", "both") else 0,
            n if self.sociality in ("receiver", "both") else 0,
        )

    def shape(self, n_dims: int, n_clusters: int) -> Shape:
        """Return the sizes of the model of these data."""
        from simlab.kernels.chain_state import Shape

        senders, receivers = self.n_effects
        return Shape(
            n_dims=n_dims,
            n_actors=self.n_actors,
            n_relations=self.n_relations,
            n_covariates=self.n_covariates,
            n_reciprocity=self.n_relations if self.form == "reciprocal" else 0,
            n_senders=senders,
            n_receivers=receivers,
            n_clusters=n_clusters,
        )

    def known(self) -> NDArray[np.bool_]:
        """Say which actors have an observed dyad: (n_actors,)."""
        answers = self.observed.sum(axis=0, dtype=np.float64)
        if self.observed_back.shape[1]:
            answers = answers + self.observed_back.sum(axis=0, dtype=np.float64)
        return np.asarray(square(answers, self.n_actors).sum(axis=1) > 0)

    def of_actors(self, chosen: NDArray[np.bool_]) -> LatentData:
        """Return the data of the dyads among some of the actors; chosen : (n_actors,)."""
        rows, columns = np.tril_indices(self.n_actors, -1)
        both = chosen[rows] & chosen[columns]
        back = both[: self.ties_back.shape[1]]
        return replace(
            self,
            n_actors=int(chosen.sum()),
            ties=np.ascontiguousarray(self.ties[:, both]),
            observed=np.ascontiguousarray(self.observed[:, both]),
            ties_back=np.ascontiguousarray(self.ties_back[:, back]),
            observed_back=np.ascontiguousarray(self.observed_back[:, back]),
            covariates=np.ascontiguousarray(self.covariates[:, both]),
            covariates_back=np.ascontiguousarray(self.covariates_back[:, back]),
            share=self.share[chosen][:, chosen],
        )

    @property
    def n_ties(self) -> float:
        """The number of ties seen (for counts, their sum) over all relations."""
        return float(self.ties.sum(dtype=np.float64) + self.ties_back.sum(dtype=np.float64))

    def kernel_data(self) -> Data:
        """Return the data as kernels take them."""
        from simlab.kernels import chain_state

        forms = {
            "plain": chain_state.PLAIN,
            "bernoulli": chain_state.BERNOULLI,
            "poisson": chain_state.POISSON,
            "reciprocal": chain_state.RECIPROCAL,
        }
        return chain_state.Data(
            forms[self.form],
            self.sociality == "shared",
            # Chains write into them where ties are open.
            self.ties.copy() if len(self.open_ties.named) else self.ties,
            self.observed,
            self.ties_back.copy() if len(self.open_ties.named) else self.ties_back,
            self.observed_back,
            self.covariates,
            self.covariates_back,
            self.components,
            self.open_ties.ties,
            self.open_ties.starts,
            self.open_ties.named,
            np.zeros(len(self.open_ties.ties), dtype=np.int8),
            self.dyads.first,
            self.dyads.second,
            self.dyads.n_whole,
            self.dyads.weight,
        )


def small_components(share: Shares) -> Ints:
    """Return the number of the component that each actor is in, where that has at most a third of the actors, else -1."""
    from scipy.sparse.csgraph import connected_components

    _, found = connected_components(share, directed=False)
    sizes = np.bincount(found, minlength=1)
    return np.where(3 * sizes[found] <= len(found), found, -1).astype(np.int64)


def _seen(network: Network, family: FamilyName, rows: Indices, columns: Indices) -> tuple[Floats, ...]:
    """Return ties (or counts) and answers from ``rows`` to ``columns`` and back: (y, y back, seen, seen back).

    Where ties have no direction those back are 0.
    """
    there, back = network.state[rows, columns], network.state[columns, rows]
    y, y_back = ((state == DyadState.TIE).astype(np.float64) for state in (there, back))
    seen, seen_back = ((state <= DyadState.TIE).astype(np.float64) for state in (there, back))
    if family == "poisson":
        check_counts(network)
        if network.counts is not None:
            y, y_back = y * network.counts[rows, columns], y_back * network.counts[columns, rows]
    once = 1.0 if network.directed else 0.0
    return y, once * y_back, seen, once * seen_back


def _design(
    networks: Sequence[Network], terms: Sequence[str], rows: Indices, columns: Indices
) -> tuple[Floats, Floats]:
    """Return the covariates (n_covariates, n_dyads) from ``rows`` to ``columns``, and back; checked in every network."""
    if not terms:
        none = np.zeros((0, len(rows)))
        return none, none
    from simlab.models.covariates import check_design, covariate

    found: list[tuple[Floats, Floats]] = []
    for network in networks:
        x = np.stack([covariate(network, term, rows, columns) for term in terms])
        x_back = np.stack([covariate(network, term, columns, rows) for term in terms])
        seen, seen_back = (network.state[places] <= DyadState.TIE for places in ((rows, columns), (columns, rows)))
        check_design(np.concatenate([x[:, seen], x_back[:, seen_back]], axis=1), terms)
        found.append((x, x_back))
    for k, term in enumerate(terms):
        for network, (x, x_back) in zip(networks[1:], found[1:], strict=True):
            if not (np.array_equal(x[k], found[0][0][k]) and np.array_equal(x_back[k], found[0][1][k])):
                raise InputError.of(
                    "covariates", term, f"is not the same in {networks[0]} and {network}: must be, to fit them jointly"
                )
    return found[0]


def _singles(parts: Sequence[NDArray[np.generic]]) -> Singles:
    return np.ascontiguousarray(np.stack(parts), dtype=np.float32)
