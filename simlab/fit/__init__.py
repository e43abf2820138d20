"""The fitters: what a network shows of its clusters, without ever seeing the truth."""
