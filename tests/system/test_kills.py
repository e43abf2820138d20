"""kill -9 at random moments, of all of a run or a part of it, and going on: the same numbers as if nothing had happened."""

from __future__ import annotations

from pathlib import Path

import pytest
from reference.disks import same_bits
from reference.kills import kill_at_random

from simlab.study.cell import OK

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to find the workers of a run")


@pytest.mark.slow
def test_runs_that_are_killed_at_random_moments_end_with_the_same_numbers(tmp_path: Path) -> None:
    """Nine kills; scripts/verify makes forty."""
    whole, found, told = kill_at_random(tmp_path, 9, seed=1)
    assert (whole["status"] == OK).all()
    for dataset in found:
        same_bits(dataset, whole, but=("seconds", "elapsed"))
    assert sum("exit -9" in line for line in told) >= 6, told
    assert any(0 < int(line.split()[-2]) < whole["status"].size for line in told), told
    assert not list(tmp_path.rglob("*.zarr/**/.*.new"))
