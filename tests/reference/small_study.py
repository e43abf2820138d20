"""A study of eight cells in several blocks, whose fits take milliseconds."""

from __future__ import annotations

from typing import Any

from simlab import Fieldwork, Louvain, Scenario, Spectral, Study, grid

WORLD = Scenario(n_actors=12, mean_degree=4, reciprocity=None)


def small_study(name: str = "small", **changes: Any) -> Study:
    """Return the study, with some of its settings changed."""
    settings: dict[str, Any] = {
        "question": "Is it all there?",
        "scenarios": grid(WORLD, separation=[2.0, 5.0]),
        "fieldworks": Fieldwork(),
        "fitters": {"spectral": Spectral(n_clusters=2), "Louvain": Louvain()},
        "replicates": 2,
        "seed": 3,
        "metrics": ["ari", "information"],
    }
    return Study(name, **{**settings, **changes})
