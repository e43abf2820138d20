"""Root: what the root of a store says of the study in it."""

from __future__ import annotations

import json
import math
from typing import Any

from simlab.foundation.errors import InputError
from simlab.study.arrays import StoreArrays
from simlab.study.design import Study
from simlab.study.layout import INNER, Blocks
from simlab.study.provenance import SCHEMA_VERSION, now, surroundings
from simlab.study.storage import Storage


def stored_design(where: Storage, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the design of the study that a store holds; InputError where it is none of ours, or of another schema."""
    schema = attributes.get("schema_version")
    if schema is None or "provenance" not in attributes:
        raise InputError(f"{where}: a Zarr store, but not one of a simlab study")
    if schema != SCHEMA_VERSION:
        raise InputError(
            f"{where}: written with schema {schema}, and this simlab adds to stores of schema {SCHEMA_VERSION} only."
            " It can be read and reported; name another store with --out"
        )
    try:
        design = json.loads(attributes["provenance"])["design"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{where}: its provenance cannot be read") from None
    if not isinstance(design, dict):
        raise InputError(f"{where}: its provenance cannot be read")
    return design


def stored_inner(where: Storage, root: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the sites, relations and periods of a store."""
    if "names" in root["attributes"]:
        return {dim: tuple(names) for dim, names in json.loads(root["attributes"]["names"]).items()}
    arrays = StoreArrays(where)
    return {dim: tuple(map(str, arrays.read(dim).tolist())) for dim in INNER}


def stored_replicates(root: dict[str, Any] | None) -> int:
    """Return how many replicates a store has room for; 0 where there is none."""
    if root is None:
        return 0
    return int(root["consolidated_metadata"]["metadata"]["replicate"]["shape"][0])


def blocks_of(where: Storage, root: dict[str, Any] | None, study: Study, labels: dict[str, Any]) -> Blocks:
    """Return the blocks of a store, or those for a new one."""
    if root is not None:
        kept = json.loads(root["attributes"]["blocks"])
        return Blocks(tuple(kept["block"]), tuple(kept["part"]))
    sizes = {dim: len(labels[dim]) for dim in study.cell_dims[:-1]} | {"replicate": study.replicates}
    numbers = max(len(study.fit_metrics), 1) * math.prod(len(labels[dim]) for dim in INNER)
    return Blocks.of(sizes, list(study.scenarios.labels), numbers)


def provenance_of(attributes: dict[str, Any], design: dict[str, Any]) -> str:
    """Return the provenance of a store with a design: that of when it was made, where it was made before."""
    if "provenance" in attributes:
        return json.dumps({**json.loads(attributes["provenance"]), "design": design})
    return json.dumps({"design": design, **surroundings(), "created": now()})
