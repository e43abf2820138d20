"""The fitters: what a network shows of its clusters, without ever seeing the truth. Importing registers all of them."""

from simlab.fit import louvain, lpcm_mcmc, spectral

__all__ = ["louvain", "lpcm_mcmc", "spectral"]
