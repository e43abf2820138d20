"""Studies: grids of scenarios, fieldworks, fitters and replicates, run in parallel into a Zarr store."""
