"""The Numba loops. Each has a naive twin in ``tests/reference`` and is private to the rooms above."""
