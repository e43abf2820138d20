"""Whether kernels lie compiled in Numba's cache, told without importing Numba."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import sys
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

KERNELS = Path(__file__).parents[1] / "kernels"


def is_warm(what: str) -> bool:
    """Say whether ``note_warm`` was told of the same thing, with the same kernels, packages and processor."""
    return _note(what).is_file()


def note_warm(what: str) -> None:
    """Note that all kernels that something needs have been compiled; where that cannot be noted they are so again."""
    with contextlib.suppress(OSError):
        _note(what).parent.mkdir(parents=True, exist_ok=True)
        _note(what).touch()


@lru_cache(maxsize=1)
def sources_digest() -> str:
    """Return a digest of the sources of all kernels."""
    sources = [Path(__file__).with_name("compile.py"), *sorted(KERNELS.glob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def _note(what: str) -> Path:
    # Beside the cache itself, so that whoever removes the one removes the other.
    folder = os.environ.get("NUMBA_CACHE_DIR")
    where = Path(folder) if folder else KERNELS / "__pycache__"
    known = (
        what,
        sources_digest(),
        version("numba"),
        version("llvmlite"),
        sys.version,
        _processor(),
        os.environ.get("NUMBA_CPU_NAME"),
    )
    return where / f"simlab-warm-{hashlib.sha256(repr(known).encode()).hexdigest()[:16]}"


@lru_cache(maxsize=1)
def _processor() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        return "".join(
            line for line in file.read().split("\n\n")[0].splitlines(True) if line.startswith(("model", "flags"))
        )
    return f"{platform.machine()} {platform.processor()}"
