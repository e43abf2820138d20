"""What every room stands on: errors, random streams, settings, the registry, the one place Numba is configured."""
