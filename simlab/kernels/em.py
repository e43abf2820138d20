"""Mixtures of spherical normals for given points: k-means starts, and EM."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.compile import kernel, lean_fast_kernel, lean_kernel
from simlab.kernels.dyads import Floats
from simlab.kernels.mixture import fill_shares


@lean_kernel
def fill_gaps(positions: Floats, centre: Floats, gaps: Floats) -> None:
    """Fill ``gaps`` (n_points,) with the squared distances of the points (n_dims, n_points) from a centre (n_dims,)."""
    for i in range(gaps.shape[0]):
        gaps[i] = 0.0
    for k in range(positions.shape[0]):
        row = positions[k]
        for i in range(gaps.shape[0]):
            gaps[i] += (row[i] - centre[k]) * (row[i] - centre[k])


@lean_kernel
def nearest_centres(positions: Floats, centres: Floats, labels: NDArray[np.int64], gaps: Floats) -> bool:
    """Label each point by its nearest centre (n_clusters, n_dims); return whether a label changed. gaps : (2, n_points)."""
    n = labels.shape[0]
    changed = False
    best = gaps[1]
    for g in range(centres.shape[0]):
        fill_gaps(positions, centres[g], gaps[0])
        for i in range(n):
            if g == 0 or gaps[0, i] < best[i]:
                best[i] = gaps[0, i]
                # Which cluster it is goes behind the number of clusters, until all have been looked at.
                labels[i] = labels[i] % centres.shape[0] + centres.shape[0] * (g + 1)
    for i in range(n):
        new = labels[i] // centres.shape[0] - 1
        changed = changed or new != labels[i] % centres.shape[0]
        labels[i] = new
    return changed


@kernel
def k_means(
    positions: Floats,
    centres: Floats,
    labels: NDArray[np.int64],
    gaps: Floats,
    rng: np.random.Generator,
    n_rounds: int,
) -> None:
    """Fill centres (n_clusters, n_dims) and labels by Lloyd's rounds from a k-means++ start (Arthur & Vassilvitskii 2007).

    positions : (n_dims, n_points); gaps : (2, n_points), a buffer.
    """
    n_dims, n = positions.shape
    n_clusters = centres.shape[0]
    nearest = gaps[1]
    for g in range(n_clusters):
        total = 0.0
        for i in range(n):
            total += nearest[i] if g > 0 else 1.0
        wanted = rng.random() * total
        chosen = n - 1
        reached = 0.0
        for i in range(n):
            reached += nearest[i] if g > 0 else 1.0
            if reached > wanted:
                chosen = i
                break
        for k in range(n_dims):
            centres[g, k] = positions[k, chosen]
        fill_gaps(positions, centres[g], gaps[0])
        for i in range(n):
            nearest[i] = min(nearest[i], gaps[0, i]) if g > 0 else gaps[0, i]
    for i in range(n):
        labels[i] = 0
    for t in range(n_rounds):
        if not nearest_centres(positions, centres, labels, gaps) and t > 0:
            break
        for g in range(n_clusters):
            count = 0.0
            for i in range(n):
                if labels[i] == g:
                    count += 1.0
            for k in range(n_dims):
                total = 0.0
                for i in range(n):
                    if labels[i] == g:
                        total += positions[k, i]
                if count > 0.0:
                    centres[g, k] = total / count


@lean_fast_kernel
def maximise_mixture(
    positions: Floats,
    centres: Floats,
    log_variances: Floats,
    weights: Floats,
    shares: Floats,
    how: tuple[bool, float, float, float],
) -> None:
    """Do the M step: fill centres, log variances and weights from the shares (n_clusters, n_points).

    ``how`` : whether all clusters have one variance, its floor, and the degrees and scale of the prior of variances, whose
    mode is taken; 0 degrees for none.
    """
    common, floor, degrees, scale = how
    n_dims, n = positions.shape
    extra = degrees + 2.0 if degrees > 0.0 else 0.0
    pooled = 0.0
    whole = 0.0
    for g in range(weights.shape[0]):
        share = shares[g]
        count = 1e-10
        for i in range(n):
            count += share[i]
        spread = 0.0
        for k in range(n_dims):
            row = positions[k]
            total = 0.0
            for i in range(n):
                total += share[i] * row[i]
            centre = total / count
            centres[g, k] = centre
            for i in range(n):
                spread += share[i] * (row[i] - centre) * (row[i] - centre)
        weights[g] = count
        whole += count
        variance = (spread + degrees * scale) / (n_dims * count + extra)
        pooled += variance * count
        log_variances[g] = math.log(max(variance, floor))
    for g in range(weights.shape[0]):
        weights[g] /= whole
        if common:
            log_variances[g] = math.log(max(pooled / whole, floor))


@lean_kernel
def climb_mixture(
    positions: Floats,
    centres: Floats,
    log_variances: Floats,
    weights: Floats,
    shares: Floats,
    squares: Floats,
    how: tuple[bool, float, float, float],
    until: tuple[int, float],
) -> float:
    """Do rounds of EM from the shares (n_clusters + 2, n_points; the last two rows a buffer); return the log-likelihood.

    ``until`` : the most rounds, and the relative gain under which the rounds end.
    """
    n_rounds, tolerance = until
    value = -1e300
    for _ in range(n_rounds):
        before = value
        maximise_mixture(positions, centres, log_variances, weights, shares, how)
        value = fill_shares(positions, centres, log_variances, weights, shares, squares)
        if abs(value - before) < tolerance * abs(value):
            break
    return value
