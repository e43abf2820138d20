"""Functions of SciPy that are imported when they are first called: SciPy's modules take a third of a second to import."""

from __future__ import annotations

from typing import Any


def expit(x: Any) -> Any:
    """Return ``scipy.special.expit``: 1 / (1 + exp(-x)), of any shape."""
    from scipy.special import expit as function

    return function(x)


def logit(p: Any) -> Any:
    """Return ``scipy.special.logit``: log(p / (1 - p)), of any shape."""
    from scipy.special import logit as function

    return function(p)


def gammaln(x: Any) -> Any:
    """Return ``scipy.special.gammaln``: the log of the absolute value of the gamma function, of any shape."""
    from scipy.special import gammaln as function

    return function(x)


def xlogy(x: Any, y: Any) -> Any:
    """Return ``scipy.special.xlogy``: x log(y), 0 where x is 0."""
    from scipy.special import xlogy as function

    return function(x, y)


def ndtri(p: Any) -> Any:
    """Return ``scipy.special.ndtri``: quantiles of the standard normal distribution."""
    from scipy.special import ndtri as function

    return function(p)


def digamma(x: Any) -> Any:
    """Return ``scipy.special.digamma``: the derivative of the log of the gamma function, of any shape."""
    from scipy.special import digamma as function

    return function(x)


def hyp1f1(a: Any, b: Any, x: Any) -> Any:
    """Return ``scipy.special.hyp1f1``: the confluent hypergeometric function, of any shape."""
    from scipy.special import hyp1f1 as function

    return function(a, b, x)


def eigh(matrix: Any, **settings: Any) -> Any:
    """Return ``scipy.linalg.eigh``: eigenvalues and eigenvectors of a symmetric matrix."""
    from scipy.linalg import eigh as function

    return function(matrix, **settings)


def brentq(*given: Any, **settings: Any) -> Any:
    """Return ``scipy.optimize.brentq``: a root of a function of one number."""
    from scipy.optimize import brentq as function

    return function(*given, **settings)


def minimize_scalar(*given: Any, **settings: Any) -> Any:
    """Return ``scipy.optimize.minimize_scalar``: a minimum of a function of one number."""
    from scipy.optimize import minimize_scalar as function

    return function(*given, **settings)


def linear_sum_assignment(cost: Any, **settings: Any) -> Any:
    """Return ``scipy.optimize.linear_sum_assignment``: the matching of least cost."""
    from scipy.optimize import linear_sum_assignment as function

    return function(cost, **settings)
