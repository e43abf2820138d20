"""Worlds whose truth is known: people, positions, bridgers, ties, turnover."""
