"""Surrogate: a Gaussian process over designs, for the probability that a replicate is as wanted, or for a mean."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.special import expit, logit

Floats = NDArray[np.float64]

_STEPS = 25  # of Newton's method, which ends sooner
_FARTHEST = 8.0  # of a logit from the middle of all
_JITTER = 1e-8
_LEAST_SCALE = 0.2
# Priors of the logarithms of the kernel's parameters, (mean, standard deviation): slope and level of a linear trend over a
# range of 1, the size of what departs from it smoothly, what each design has of its own, the distance over which it changes.
_SLOPE, _LEVEL, _SIZE = (np.log(1.0), 0.7), (0.5 * np.log(4.0), 0.5), (np.log(0.5), 1.2)
_OWN, _DISTANCE = (np.log(0.01), 1.0), (np.log(0.7), 0.7)


@dataclass(frozen=True, eq=False)
class _Data:
    """What was last fitted to: designs, working responses and the variances of their errors."""

    features: Floats
    values: Floats
    variances: Floats


class Surrogate:
    """A latent function f over designs, Gaussian a priori: a linear trend, a smooth departure, a little of each design's own.

    Of a probability p(x) = 1 / (1 + exp(-f(x))) with k successes of n at x, by Laplace's approximation: Newton's method
    turns counts into working responses with known errors (Rasmussen & Williams 2006, section 3.4). Of a mean the data are
    means with their errors. The parameters of the kernel maximise the marginal likelihood of scikit-learn's regression
    times a wide prior; they are found again when there are a quarter more designs. Nothing is assumed to rise or fall.

    Parameters
    ----------
    n_features : int
    is_mean : bool
    """

    def __init__(self, n_features: int, *, is_mean: bool) -> None:
        self.n_features = n_features
        self.is_mean = is_mean
        self._kernel: Any = None
        self._learnt_on = 0
        self._data: _Data
        self._factor: Any = None
        self._weights: Floats
        self._shift, self._scale = 0.0, 1.0

    def fit(self, features: Floats, means: Floats, counts: Floats, spread: float = 1.0) -> None:
        """Fit to designs.

        Parameters
        ----------
        features : (n_designs, n_features)
        means : (n_designs,) mean score of each: a share of successes, or a mean
        counts : (n_designs,) replicates of each
        spread : standard deviation of one score, of a mean
        """
        learn = self._kernel is None or len(features) >= 1.25 * self._learnt_on
        if self._kernel is None:
            self._kernel = _kernel(self.n_features)
        if self.is_mean:
            self._shift = float(np.average(means, weights=counts))
            # Designs that came out alike may differ all the same, by what single scores differ by.
            self._scale = max(float(np.std(means)), _LEAST_SCALE * spread, 1e-9)
            self._data = _Data(features, (means - self._shift) / self._scale, (spread / self._scale) ** 2 / counts)
            if learn:
                self._learn()
        else:
            self._shift = float(logit((means @ counts + 1.0) / (counts.sum() + 2.0)))
            self._data = self._worked(features, means * counts, counts)
            if learn:
                self._learn()
                self._data = self._worked(features, means * counts, counts)
        if learn:
            self._learnt_on = len(features)
        self._solve(self._kernel(features))

    def _worked(self, features: Floats, successes: Floats, counts: Floats) -> _Data:
        """Return the working responses at the mode of f given counts."""
        prior = self._kernel(features)
        share = float(expit(self._shift))
        f = np.asarray(logit((successes + 2.0 * share) / (counts + 2.0)) - self._shift)
        for _ in range(_STEPS):
            p = expit(f + self._shift)
            variances = 1.0 / np.maximum(counts * p * (1.0 - p), 1e-3)
            values = np.clip(f + (successes - counts * p) * variances, -_FARTHEST, _FARTHEST)
            new = prior @ np.linalg.solve(prior + np.diag(variances), values)
            moved, f = float(np.abs(new - f).max()), np.clip(new, -_FARTHEST, _FARTHEST)
            if moved < 1e-3:
                break
        p = expit(f + self._shift)
        variances = 1.0 / np.maximum(counts * p * (1.0 - p), 1e-3)
        values = np.clip(f + (successes - counts * p) * variances, -_FARTHEST, _FARTHEST)
        return _Data(features, values, variances)

    def _learn(self) -> None:
        """Find the kernel's parameters."""
        from sklearn.gaussian_process import GaussianProcessRegressor

        variances = np.maximum(self._data.variances, _JITTER)
        regression = GaussianProcessRegressor(self._kernel, alpha=variances, optimizer=_best)
        with warnings.catch_warnings():
            # A parameter at the end of its range is what the data say, and needs no warning.
            warnings.simplefilter("ignore")
            regression.fit(self._data.features, self._data.values)
        self._kernel = regression.kernel_

    def _solve(self, prior: Floats) -> None:
        self._factor = cho_factor(prior + np.diag(self._data.variances + _JITTER), lower=True)
        self._weights = cho_solve(self._factor, self._data.values)

    def _across(self, features: Floats, *, own: bool = True) -> Floats:
        """Return the prior covariance of f at designs with f at those fitted to; a design's own part is with itself alone."""
        if not own:
            return np.asarray(self._kernel(features, self._data.features))
        part = float(np.exp(self._kernel.theta[-1]))
        same = (features[:, None, :] == self._data.features[None]).all(axis=2)
        return np.asarray(self._kernel(features, self._data.features) + part * same)

    def latent(self, features: Floats) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of f at designs, both (n,)."""
        across = self._across(features)
        half = solve_triangular(self._factor[0], across.T, lower=True)
        variance = self._kernel.diag(features) - (half**2).sum(axis=0)
        deviation = np.sqrt(np.maximum(variance, 1e-12))
        return self._scale * (across @ self._weights) + self._shift, self._scale * deviation

    def draws(self, features: Floats, count: int, rng: np.random.Generator, *, own: bool = True) -> Floats:
        """Return joint draws of f at designs, (count, n); of its trend and smooth part alone without each one's own."""
        across = self._across(features, own=own)
        half = solve_triangular(self._factor[0], across.T, lower=True)
        prior = self._kernel if own else self._kernel.k1
        covariance = prior(features) - half.T @ half
        root = cholesky(covariance + 1e-7 * np.eye(len(features)) * (1.0 + np.trace(covariance)), lower=True)
        noise = rng.standard_normal((count, len(features))) @ root.T
        return np.asarray(self._scale * ((across @ self._weights)[None] + noise) + self._shift)

    def score(self, latent: Floats) -> Floats:
        """Return f on the scale of scores: a probability, or the mean itself."""
        return latent if self.is_mean else np.asarray(expit(latent))

    def level(self, needed: float) -> float:
        """Return a score on the scale of f."""
        return needed if self.is_mean else float(logit(needed))


def _kernel(n_features: int) -> Any:
    """Return the kernel at the middle of the prior: trend, smooth departure, and what each design has of its own."""
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel

    trend = ConstantKernel(np.exp(_SLOPE[0]), (1e-3, 1e3)) * DotProduct(np.exp(_LEVEL[0]), (1e-1, 1e2))
    distances = np.full(n_features, np.exp(_DISTANCE[0]))
    smooth = ConstantKernel(np.exp(_SIZE[0]), (1e-4, 1e2)) * RBF(distances, (0.05, 20.0))
    return trend + smooth + WhiteKernel(np.exp(_OWN[0]), (1e-4, 1.0))


def _best(objective: Callable[..., tuple[float, Floats]], start: Floats, bounds: Floats) -> tuple[Floats, float]:
    """Return the parameters of highest marginal likelihood times prior, as scikit-learn asks an optimiser for them."""
    from scipy.optimize import minimize

    priors = np.array([_SLOPE, _LEVEL, _SIZE, *[_DISTANCE] * (len(start) - 4), _OWN])

    def penalised(theta: Floats) -> tuple[float, Floats]:
        value, slope = objective(theta, True)
        off = (theta - priors[:, 0]) / priors[:, 1]
        return value + 0.5 * float(off @ off), slope + off / priors[:, 1]

    settings: dict[str, Any] = {"jac": True, "bounds": bounds, "method": "L-BFGS-B", "options": {"maxiter": 30}}
    found: Any = minimize(penalised, start, **settings)
    return found.x, float(found.fun)
