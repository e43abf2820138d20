"""The one place where Numba is configured."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numba

from simlab.foundation.warm import sources_digest

F = TypeVar("F", bound=Callable[..., Any])

# "numpy": Python's error model checks every division, and a loop that may raise is not vectorised.
_COMMON: dict[str, Any] = {"cache": True, "error_model": "numpy", "nogil": True}
_FAST = {"reassoc", "contract", "arcp", "nsz"}


def kernel(function: F) -> F:
    """Compile an exact kernel: bit for bit what the interpreter computes."""
    # Said outright, because what is not said a function inherits from the kernel that first calls it.
    return _compiled(function, fastmath=False)


def fast_kernel(function: F) -> F:
    """Compile a kernel whose sums may be reordered, so that they are vectorised: equal to 1e-12.

    NaN and infinity keep their meaning, because a chain that leaves the finite numbers has to be seen.
    """
    return _compiled(function, fastmath=_FAST)


def lean_kernel(function: F) -> F:
    """Compile an exact kernel that makes no array: it may look at arrays, make views of them and write into them.

    Such a kernel need not count who refers to an array, which costs more than all else in short loops over small networks:
    two thirds of a sweep over 30 actors. One that returns views may be called by other lean kernels only. One that Python
    gives a random generator keeps it, and 54 bytes a call, for ever, because what is not counted on the way in is not given
    back; so those are called rarely, and with a generator that is lent (``foundation.streams.lent``).
    """
    return _compiled(function, fastmath=False, _nrt=False)


def lean_fast_kernel(function: F) -> F:
    """Compile a lean kernel whose sums may be reordered."""
    return _compiled(function, fastmath=_FAST, _nrt=False)


def inlined_kernel(function: F) -> F:
    """Have a kernel written into those that call it, before they are compiled.

    Numba compiles all that a kernel calls once more with it; so a chain of kernels that call one another is compiled as
    often as it is long. Where a kernel has one caller this saves time. Alone it is a lean fast kernel.
    """
    return _compiled(function, fastmath=_FAST, _nrt=False, inline="always")


def _keep_to_itself() -> None:
    """Have every compiled kernel use its own copies of the kernels that it calls.

    Numba gives the copies names that all kernels of a process share, and the loader takes whichever came first. Copies are
    optimised where they are called, so that sums in another order differ in their last bits: a kernel compiled just now, or
    called after other kernels, would give other numbers than one from the cache.
    """
    from llvmlite import binding
    from numba.core import codegen

    library: Any = codegen.CPUCodeLibrary
    optimise: Callable[[Any], None] = library._optimize_final_module

    def optimise_alone(self: Any) -> None:
        for inner in self._final_module.functions:
            shared = not inner.is_declaration and inner.linkage == binding.Linkage.linkonce_odr
            if shared and not inner.name.startswith("NRT"):
                inner.linkage = "internal"
        optimise(self)

    if optimise.__name__ != optimise_alone.__name__:
        library._optimize_final_module = optimise_alone


_keep_to_itself()


def _compiled(function: F, **options: Any) -> F:
    compiled: F = numba.njit(**options, **_COMMON)(function)
    stats = getattr(compiled, "stats", None)  # not there where compilation is switched off
    if stats is not None and stats.cache_path:
        _drop_stale(stats.cache_path)
    return compiled


@lru_cache
def _drop_stale(folder: str) -> None:
    """Empty Numba's cache of the kernels where any of their sources has changed.

    Numba looks at the file of a function alone, and would go on with what was compiled of the functions that it calls.
    """
    digest = sources_digest()
    stamp = Path(folder) / "simlab-sources"
    try:
        if stamp.is_file() and stamp.read_text() == digest:
            return
        for path in [*Path(folder).glob("*.nbi"), *Path(folder).glob("*.nbc")]:
            path.unlink(missing_ok=True)
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(digest)
    except OSError:
        pass  # a folder that cannot be written has no stale cache of ours
