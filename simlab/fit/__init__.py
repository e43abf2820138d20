"""The fitters: what a network shows of its clusters, without ever seeing the truth. Importing registers all of them."""

from simlab.fit import (
    leiden,
    louvain,
    lpcm_map,
    lpcm_mcmc,
    lpcm_variational,
    lpm_mcmc,
    multiple_imputation,
    over_relations,
    over_sites,
    sbm,
    spectral,
)

__all__ = [
    "leiden",
    "louvain",
    "lpcm_map",
    "lpcm_mcmc",
    "lpcm_variational",
    "lpm_mcmc",
    "multiple_imputation",
    "over_relations",
    "over_sites",
    "sbm",
    "spectral",
]
