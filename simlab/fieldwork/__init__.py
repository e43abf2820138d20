"""From the truth to what fieldwork sees of it."""
