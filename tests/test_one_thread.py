"""One thread for linear algebra, also of libraries that are loaded later: numbers do not depend on the cores."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
from threadpoolctl import threadpool_info, threadpool_limits
from simlab.study.cell import OneThread
with OneThread():
    pass
import scipy.linalg, sklearn.metrics
threadpool_limits(limits=3)
with OneThread():
    inside = {part["num_threads"] for part in threadpool_info()}
outside = {part["num_threads"] for part in threadpool_info()}
print(inside, outside)
"""


def test_libraries_that_are_loaded_later_have_one_thread_too() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split("\n")[0] == "{1} {3}"
