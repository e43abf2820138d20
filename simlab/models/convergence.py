"""Convergence of several chains: rank-normalised split rhat and effective sample sizes (Vehtari et al. 2021).

Every function takes draws (n_chains, n_draws) of one quantity. NaN where a quantity is not finite or has under four
draws a chain; an rhat of infinity where chains stand still at different values, 1 where all stand at one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simlab.foundation.scientific import ndtri

Floats = NDArray[np.float64]


def rhat(draws: Floats) -> float:
    """Return the larger of the rank-normalised split rhat of the draws and of their distances from the median."""
    return rhat_and_ess_bulk(draws)[0]


def ess_bulk(draws: Floats) -> float:
    """Return the effective number of draws for the centre of the distribution."""
    return rhat_and_ess_bulk(draws)[1]


def rhat_and_ess_bulk(draws: Floats) -> tuple[float, float]:
    """Return both, for which the draws are ranked once."""
    if not _usable(draws):
        return float("nan"), float("nan")
    ranks = _normal_ranks(_split(draws))
    folded = np.abs(draws - np.median(draws))
    return max(_plain_rhat(ranks), _plain_rhat(_normal_ranks(_split(folded)))), _ess(ranks)


def ess_tail(draws: Floats) -> float:
    """Return the smaller of the effective numbers of draws for the 5 % and the 95 % quantile."""
    if not _usable(draws):
        return float("nan")
    sizes = []
    for q in np.quantile(draws, [0.05, 0.95]):
        below = _split((draws <= q).astype(float))
        sizes.append(_ess(below))
    return min(sizes)


def ess_mean(draws: Floats) -> float:
    """Return the effective number of draws for the mean."""
    return _ess(_split(draws)) if _usable(draws) else float("nan")


def mcse_mean(draws: Floats) -> float:
    """Return the Monte Carlo standard error of the mean."""
    return float(np.std(draws, ddof=1) / np.sqrt(ess_mean(draws))) if _usable(draws) else float("nan")


def _usable(draws: Floats) -> bool:
    return draws.ndim == 2 and draws.shape[1] >= 4 and bool(np.isfinite(draws).all())


def _split(draws: Floats) -> Floats:
    """Return each chain's two halves as chains of their own; the middle draw of an odd number is left out."""
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, -half:]])


def _normal_ranks(draws: Floats) -> Floats:
    """Return normal scores of the ranks over all chains, ties sharing their mean rank (Blom's 3/8)."""
    flat = draws.ravel()
    _, inverse, counts = np.unique(flat, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean_rank = (last - counts + 1 + last) / 2.0
    return np.asarray(ndtri((mean_rank[inverse] - 0.375) / (flat.size + 0.25))).reshape(draws.shape)


def _plain_rhat(chains: Floats) -> float:
    n_draws = chains.shape[1]
    if (np.ptp(chains, axis=1) == 0.0).all():
        return 1.0 if np.ptp(chains) == 0.0 else float("inf")
    within = float(chains.var(axis=1, ddof=1).mean())
    between = n_draws * float(chains.mean(axis=1).var(ddof=1))
    return float(np.sqrt((between / within + n_draws - 1.0) / n_draws))


def _ess(chains: Floats) -> float:
    """Return the effective sample size by Geyer's initial monotone sequence over the chains together."""
    n_chains, n_draws = chains.shape
    total = n_chains * n_draws
    if np.ptp(chains) == 0.0:
        return float(total)
    centred = chains - chains.mean(axis=1, keepdims=True)
    length = 2 ** int(np.ceil(np.log2(2 * n_draws)))
    spectrum = np.fft.rfft(centred, length, axis=1)
    covariance = np.fft.irfft(spectrum * np.conj(spectrum), length, axis=1)[:, :n_draws] / n_draws
    within = float(covariance[:, 0].mean()) * n_draws / (n_draws - 1.0)
    pooled = within * (n_draws - 1.0) / n_draws
    if n_chains > 1:
        pooled += float(chains.mean(axis=1).var(ddof=1))
    if pooled == 0.0:
        return float(total)
    rho = 1.0 - (within - covariance.mean(axis=0) * n_draws / (n_draws - 1.0)) / pooled
    rho[0] = 1.0
    pairs = rho[: n_draws // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs[1:] <= 0.0)
    stop = int(negative[0]) + 1 if negative.size else len(pairs)
    kept = np.minimum.accumulate(pairs[:stop])
    tau = -1.0 + 2.0 * float(kept.sum())
    # Where the sequence ends, its first term counts if positive (Vehtari et al., appendix).
    if stop < len(pairs) and rho[2 * stop] > 0.0:
        tau += float(rho[2 * stop])
    return float(total / max(tau, 1.0 / np.log10(total)))
