"""A study computed with kernels that are compiled for the oldest processors: what would another kind of machine say?

NUMBA_CPU_NAME=generic leaves out wide vectors and fused multiplication, which is how processors of one architecture differ.
It says nothing of other mathematical libraries (NumPy's and SciPy's are the same here), nor of another architecture.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from simlab.study.store import opened

RUN = """
import sys
from simlab.study.run import run
from simlab.study.script import load_study
run(load_study(sys.argv[1]), sys.argv[2], jobs=1, backend="threads")
"""


def other_processor(script: Path, folder: Path) -> dict[str, tuple[int, int, float]]:
    """Compute a script's study for this processor and for a generic one, each in a process and with a cache of its own.

    Returns, for each metric and ``status``: numbers that are defined, how many of them are not bit-equal, the largest
    difference (infinite where one is defined and the other not).
    """
    stores = []
    for name, setting in (("this", {}), ("generic", {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""})):
        stores.append(folder / f"{name}.zarr")
        # This processor's kernels are compiled already; the other's go where they meet nobody else's.
        own = {"NUMBA_CACHE_DIR": str(folder / "numba")} if setting else {}
        environment = {**os.environ, **setting, **own}
        subprocess.run([sys.executable, "-c", RUN, script, stores[-1]], env=environment, check=True, timeout=1800)
    with opened(stores[0]) as one, opened(stores[1]) as other:
        found = {}
        for name in [*(n for n in one.data_vars if one[n].dtype == np.float64), "status"]:
            if name in ("seconds", "elapsed"):
                continue
            a, b = one[name].values.astype(np.float64), other[name].values.astype(np.float64)
            unequal = (a != b) & ~(np.isnan(a) & np.isnan(b))
            far = np.where(np.isnan(a) != np.isnan(b), np.inf, np.abs(a - b))
            found[str(name)] = (int((~np.isnan(a)).sum()), int(unequal.sum()), float(far[unequal].max(initial=0.0)))
    return found
