"""The likelihood of a latent position model over unordered dyads, with its gradient.

For a dyad {i, j} of relation r, let ``ties`` be the number of ties seen between the two (0, 1 or 2 where ties have a
direction) and ``observed`` the number of answers seen. With eta = intercept_r - ||z_i - z_j|| its log-likelihood is

    ties * eta - observed * log(1 + exp(eta))

which covers directed, undirected and partly observed networks alike (Hoff, Raftery & Handcock 2002, equation 2).

Two identities keep the loop free of function calls, so that it is vectorised: with E = exp(-|eta|),
log(1 + exp(eta)) = max(eta, 0) + log(1 + E), and a sum of logarithms is the logarithm of a product; and exp(-x) is a
polynomial in x / 256, squared eight times.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.compile import fast_kernel

Floats = NDArray[np.float64]

# Beyond exp(-40), 1 + E is 1 in double precision.
_FARTHEST = 40.0
# A factor is at most 4, so that 480 of them stay below the largest double.
_BLOCK = 480


def _polynomial(degree: int = 7) -> tuple[float, ...]:
    """Coefficients of exp(-x / 256) for x in [0, 40], through the Chebyshev nodes: relative error 1e-13 after squaring."""
    fit = np.polynomial.Chebyshev.interpolate(lambda t: np.exp(-t), degree, domain=[0.0, _FARTHEST / 256.0])
    return tuple(float(c) for c in fit.convert(kind=np.polynomial.Polynomial).coef)


_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7 = _polynomial()


@fast_kernel
def _row_distances(positions: Floats, i: int, start: int, stop: int, distance: Floats) -> None:
    """Fill distance[: stop - start] with the distances from actor i to actors start..stop."""
    here = positions[0, i]
    row = positions[0, start:stop]
    for j in range(stop - start):
        difference = row[j] - here
        distance[j] = difference * difference
    for k in range(1, positions.shape[0]):
        here = positions[k, i]
        row = positions[k, start:stop]
        for j in range(stop - start):
            difference = row[j] - here
            distance[j] += difference * difference
    for j in range(stop - start):
        distance[j] = math.sqrt(distance[j])


@fast_kernel
def _row_terms(
    distance: Floats, intercept: float, ties: Floats, observed: Floats, residual: Floats
) -> tuple[float, float]:
    """Return log-likelihood and slope (its derivative by the intercept) of one row; add the slopes to ``residual``."""
    linear = 0.0
    product = 1.0
    slope = 0.0
    for j in range(ties.shape[0]):
        seen = observed[j]
        tie = ties[j]
        eta = intercept - distance[j]
        x = min(abs(eta), _FARTHEST) * (1.0 / 256.0)
        e = _C0 + x * (_C1 + x * (_C2 + x * (_C3 + x * (_C4 + x * (_C5 + x * (_C6 + x * _C7))))))
        e = e * e
        e = e * e
        e = e * e
        e = e * e
        e = e * e
        e = e * e
        e = e * e
        e = e * e
        linear += tie * eta - seen * max(eta, 0.0)
        product *= 1.0 + seen * e * (1.0 + 0.5 * (seen - 1.0) * e)
        left = tie - seen * (1.0 if eta >= 0.0 else e) / (1.0 + e)
        residual[j] += left
        slope += left
    return linear - math.log(product), slope


@fast_kernel
def _row_forces(positions: Floats, i: int, start: int, distance: Floats, residual: Floats, gradient: Floats) -> None:
    """Add what one row of dyads pulls at the positions of actor i and of the actors from ``start``."""
    count = residual.shape[0]
    for j in range(count):
        residual[j] /= max(distance[j], 1e-12)
    for k in range(positions.shape[0]):
        here = positions[k, i]
        row = positions[k, start : start + count]
        out = gradient[k, start : start + count]
        pull = 0.0
        for j in range(count):
            force = residual[j] * (row[j] - here)
            out[j] -= force
            pull += force
        gradient[k, i] += pull


@fast_kernel
def log_likelihood_gradient(
    positions: Floats,
    intercepts: Floats,
    ties: Floats,
    observed: Floats,
    gradient: Floats,
    intercept_gradient: Floats,
    work: Floats,
) -> float:
    """Return the log-likelihood; fill its gradient by positions and intercepts.

    positions, gradient : (n_dims, n_actors); intercepts, intercept_gradient : (n_relations,);
    ties, observed : (n_relations, n_actors, n_actors), symmetric, read below the diagonal; work : (2, n_actors).
    """
    gradient[:] = 0.0
    intercept_gradient[:] = 0.0
    total = 0.0
    for i in range(1, positions.shape[1]):
        for start in range(0, i, _BLOCK):
            stop = min(i, start + _BLOCK)
            distance = work[0, : stop - start]
            residual = work[1, : stop - start]
            _row_distances(positions, i, start, stop, distance)
            for j in range(stop - start):
                residual[j] = 0.0
            for r in range(intercepts.shape[0]):
                term, slope = _row_terms(
                    distance, intercepts[r], ties[r, i, start:stop], observed[r, i, start:stop], residual
                )
                total += term
                intercept_gradient[r] += slope
            _row_forces(positions, i, start, distance, residual, gradient)
    return total


@fast_kernel
def log_likelihood_scaled(
    distances: Floats, scale: float, intercepts: Floats, ties: Floats, observed: Floats, work: Floats
) -> float:
    """Return the log-likelihood with every distance multiplied by ``scale``; distances : (n_actors, n_actors)."""
    total = 0.0
    for i in range(1, distances.shape[0]):
        for start in range(0, i, _BLOCK):
            stop = min(i, start + _BLOCK)
            distance = work[0, : stop - start]
            residual = work[1, : stop - start]
            for j in range(stop - start):
                distance[j] = scale * distances[i, start + j]
            for r in range(intercepts.shape[0]):
                term, _ = _row_terms(
                    distance, intercepts[r], ties[r, i, start:stop], observed[r, i, start:stop], residual
                )
                total += term
    return total


@fast_kernel
def fill_distances(positions: Floats, distances: Floats) -> None:
    """Fill the lower triangle of ``distances`` (n_actors, n_actors) from positions (n_dims, n_actors)."""
    n_dims, n = positions.shape
    for i in range(1, n):
        row = distances[i]
        for j in range(i):
            row[j] = 0.0
        for k in range(n_dims):
            here = positions[k, i]
            for j in range(i):
                difference = positions[k, j] - here
                row[j] += difference * difference
        for j in range(i):
            row[j] = math.sqrt(row[j])
