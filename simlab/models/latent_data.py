"""LatentData: what a latent position model sees of one network, or of several relations, as its kernels want it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from simlab.foundation.errors import InputError
from simlab.panel import Network

if TYPE_CHECKING:
    from simlab.kernels.chain_state import Data, Shape

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

Sociality = Literal["none", "shared", "sender", "receiver", "both"]
FamilyName = Literal["bernoulli", "poisson"]


def lower(matrix: Floats) -> Floats:
    """Return the entries below the diagonal, row by row: (..., n (n - 1) / 2) from (..., n, n)."""
    rows, columns = np.tril_indices(matrix.shape[-1], -1)
    return np.asarray(matrix[..., rows, columns])


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
    share : (n_actors, n_actors)
        The mean over relations of the share of answers about a dyad that say tie.
    constant : float
        What the kernels leave out of the log-likelihood: minus the sum of log y! for counts, else 0.
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
    share: Floats
    constant: float

    @classmethod
    def of(
        cls,
        networks: Sequence[Network],
        *,
        family: FamilyName = "bernoulli",
        sociality: Sociality = "none",
        reciprocity: bool = False,
        covariates: Sequence[str] = (),
    ) -> LatentData:
        """Return the data of one network, or of several relations of the same actors.

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
        n = networks[0].n_actors
        x = _design(networks[0], covariates)
        two_way = (
            reciprocity or sociality in ("sender", "receiver", "both") or not np.array_equal(x, np.swapaxes(x, 1, 2))
        )
        there, back = [], []
        for network in networks:
            y = _values(network, family)
            seen = network.observed.astype(np.float64)
            np.fill_diagonal(seen, 0.0)
            once = 1.0 if network.directed else 0.0
            if two_way:
                there.append((lower(y), lower(seen)))
                back.append((once * lower(y.T), once * lower(seen.T)))
            else:
                there.append((lower(y) + once * lower(y.T), lower(seen) + once * lower(seen.T)))
                back.append((np.zeros(0), np.zeros(0)))
        form: Literal["plain", "bernoulli", "poisson", "reciprocal"] = "bernoulli"
        if family == "poisson":
            form = "poisson"
        elif reciprocity:
            form = "reciprocal"
        elif sociality == "none" and not covariates:
            form = "plain"
        constant = 0.0
        if family == "poisson":
            every = [_values(network, family) for network in networks]
            constant = -float(
                sum(gammaln(y + 1.0).sum() * (1.0 if d else 0.5) for y, d in zip(every, directed, strict=True))
            )
        return cls(
            n_actors=n,
            form=form,
            sociality=sociality,
            ties=_singles([y for y, _ in there]),
            observed=_singles([o for _, o in there]),
            ties_back=_singles([y for y, _ in back]),
            observed_back=_singles([o for _, o in back]),
            covariates=np.ascontiguousarray(lower(x), dtype=np.float64),
            covariates_back=(
                np.ascontiguousarray(lower(np.swapaxes(x, 1, 2)), dtype=np.float64)
                if two_way
                else np.zeros((len(x), 0))
            ),
            share=np.mean([network.weights() for network in networks], axis=0),
            constant=constant,
        )

    @property
    def n_relations(self) -> int:
        """The number of relations."""
        return len(self.ties)

    @property
    def n_covariates(self) -> int:
        """The number of covariates."""
        return len(self.covariates)

    def design(self) -> Floats:
        """Return the covariates as matrices, row to column: (n_covariates, n_actors, n_actors)."""
        n = self.n_actors
        out = square(self.covariates, n)
        if self.covariates_back.shape[1]:
            rows, columns = np.tril_indices(n, -1)
            out[:, columns, rows] = self.covariates_back
        return out

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
            share=self.share[np.ix_(chosen, chosen)],
        )

    @property
    def n_ties(self) -> float:
        """The number of ties seen (for counts, their sum) over all relations."""
        return float(self.ties.sum(dtype=np.float64) + self.ties_back.sum(dtype=np.float64))

    @property
    def n_answers(self) -> float:
        """The number of answers seen over all relations."""
        return float(self.observed.sum(dtype=np.float64) + self.observed_back.sum(dtype=np.float64))

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
            self.ties,
            self.observed,
            self.ties_back,
            self.observed_back,
            self.covariates,
            self.covariates_back,
        )


def _values(network: Network, family: FamilyName) -> Floats:
    """Return ties, or counts, that were observed: (n, n), zero on the diagonal."""
    if family == "poisson":
        from simlab.panel import check_counts

        check_counts(network)
        values = np.asarray(network.tie_counts(), dtype=np.float64).copy()
    else:
        values = network.ties.astype(np.float64)
    np.fill_diagonal(values, 0.0)
    return values


def _design(network: Network, covariates: Sequence[str]) -> Floats:
    """Return the covariates (n_covariates, n, n)."""
    if not covariates:
        return np.zeros((0, network.n_actors, network.n_actors))
    from simlab.models.covariates import design_matrix

    return design_matrix(network, covariates)


def _singles(parts: Sequence[NDArray[np.generic]]) -> Singles:
    return np.ascontiguousarray(np.stack(parts), dtype=np.float32)
