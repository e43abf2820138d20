"""The one place where Numba is configured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])

# "numpy": Python's error model checks every division, and a loop that may raise is not vectorised.
_COMMON: dict[str, Any] = {"cache": True, "error_model": "numpy", "nogil": True}


def kernel(function: F) -> F:
    """Compile an exact kernel: bit for bit what the interpreter computes."""
    # Said outright, because what is not said a function inherits from the kernel that first calls it.
    compiled: F = numba.njit(fastmath=False, **_COMMON)(function)
    return compiled


def fast_kernel(function: F) -> F:
    """Compile a kernel whose sums may be reordered, so that they are vectorised: equal to 1e-12.

    NaN and infinity keep their meaning, because a chain that leaves the finite numbers has to be seen.
    """
    compiled: F = numba.njit(fastmath={"reassoc", "contract", "arcp", "nsz"}, **_COMMON)(function)
    return compiled
