"""Every compiled kernel gives what the interpreter gives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import every_kernel


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What the kernels give in a process without Numba's compiler."""
    file = tmp_path_factory.mktemp("interpreted") / "outputs.npz"
    tests = Path(__file__).parents[1]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(tests)}
    command = [sys.executable, "-m", "reference.every_kernel", str(file)]
    done = subprocess.run(command, env=environment, cwd=tests.parent, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    with np.load(file) as arrays:
        return dict(arrays)


@pytest.mark.skipif(not every_kernel.compiled(), reason="the kernels are interpreted in this run")
def test_every_kernel_equals_its_interpreted_self(interpreted: dict[str, np.ndarray]) -> None:
    found = every_kernel.outputs()
    assert found.keys() == interpreted.keys()
    for name, value in found.items():
        if name.split("/")[0] in every_kernel.EXACT:
            assert_array_equal(value, interpreted[name], err_msg=name)
        else:
            assert_allclose(value, interpreted[name], rtol=1e-12, atol=1e-12, err_msg=name)
