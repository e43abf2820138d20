"""The same study with kernels compiled for another kind of processor. `scripts/verify` has all fitters."""

from __future__ import annotations

from pathlib import Path

from reference.other_processor import other_processor

STUDY = """
from simlab import Fieldwork, Louvain, Scenario, Spectral, Study, grid
study = Study(
    "elsewhere", question="Is it the same elsewhere?", replicates=4, seed=3,
    scenarios=grid(Scenario(n_actors=24, mean_degree=5, n_periods=2), separation=[2.0, 4.0]),
    fieldworks=Fieldwork(response_rate=0.8, max_nominations=5),
    fitters={"spectral": Spectral(n_clusters=3), "Louvain": Louvain()},
)
"""


def test_spectral_and_louvain_say_the_same_on_a_generic_processor(tmp_path: Path) -> None:
    """Worlds and partitions are made of comparisons, which no rounding reached here; scores are sums of at most some
    hundred terms, each of which fused multiplication may round otherwise: 1e-12 is a thousand times that."""
    (tmp_path / "elsewhere.py").write_text(STUDY)
    found = other_processor(tmp_path / "elsewhere.py", tmp_path)
    assert list((tmp_path / "numba").rglob("*.nbi")), "nothing was compiled for the generic processor"
    for name in ("status", "ari", "n_clusters_chosen"):
        assert found[name][1] == 0, name
    assert found["ari"][0] > 0
    assert all(far <= 1e-12 for _, _, far in found.values()), found
